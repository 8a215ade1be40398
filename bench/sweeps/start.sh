#!/usr/bin/env bash
# start.sh SCRIPT arguments...: runs a sweep with the python3 that has PyTorch.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for python in /usr/bin/python3 "$(command -v python3)"; do
  if [ -x "$python" ] && "$python" -c 'import numpy, onnx, torch, torchvision' 2>/dev/null; then
    PYTHONDONTWRITEBYTECODE=1 exec "$python" "$here/$1" "${@:2}"
  fi
done
echo "error: no python3 here has numpy, onnx, torch and torchvision; bash cmake/setup.sh --test installs them" >&2
exit 1
