#!/usr/bin/env bash
# Runs one model through qrun and through the runtimes that one would otherwise pick, in turns, and prints a table. Builds
# qrun first if it is not built. `--help` lists the options; bench/README.md says what is measured and how.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/release
arguments=("$@")
for ((i = 0; i < $#; ++i)); do
  case ${arguments[i]} in
    --) break ;;
    --help) exec python3 "$root/bench/peers/peers.py" --help ;;
    --build) build=${arguments[i + 1]:-} ;;
    --build=*) build=${arguments[i]#--build=} ;;
  esac
done
if [ "$build" = "$root/build/release" ] && [ ! -x "$build/bench/peers/qrun_peer" ]; then
  echo "peers.sh: building qrun" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! (cd "$root" && cmake --preset release && cmake --build --preset release) >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "peers.sh: error: qrun does not build; bash cmake/setup.sh --test installs what is missing" >&2
    exit 1
  fi
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$root/bench/peers/peers.py" "$@"
