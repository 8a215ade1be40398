#!/usr/bin/env bash
# Builds qrun and runs its tests: once as it ships, and once without oneDNN (float operators on qrun's own kernels).
#
#   bash cmake/test.sh           both builds
#   bash cmake/test.sh --quick   only the first one
#   bash cmake/test.sh --asan    also a build with AddressSanitizer and UndefinedBehaviorSanitizer
#   bash cmake/test.sh --aarch64 also a build for 64-bit ARM by the cross compiler, run under qemu
#
# Prints a summary: what passed, failed and was skipped, and why. Exit codes: 0 all passed, 1 not, 2 wrong arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

presets=(dev no-onednn)
for argument in "$@"; do
  case $argument in
    --quick) presets=(dev) ;;
    --asan) with_asan=1 ;;
    --aarch64) with_aarch64=1 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' cmake/test.sh; exit 0 ;;
    *) echo "test: error: unknown argument '$argument' (known: --quick, --asan, --aarch64)" >&2; exit 2 ;;
  esac
done
if [[ ${with_asan:-} ]]; then presets+=(asan); fi
if [[ ${with_aarch64:-} ]]; then presets+=(aarch64); fi

bash cmake/setup.sh --test ${with_aarch64:+--aarch64}
jobs=$(nproc)
results=()
for preset in "${presets[@]}"; do
  echo
  echo "== $preset: configure and build (log: build/$preset/build.log)"
  start=$SECONDS
  mkdir -p "build/$preset"
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs"; } >"build/$preset/build.log" 2>&1
  then
    grep -nE 'error|FAILED' "build/$preset/build.log" | head -n 40 || true
    tail -n 20 "build/$preset/build.log"
    echo "test: error: the $preset build failed; everything it said is in build/$preset/build.log" >&2
    exit 1
  fi
  echo "   built in $((SECONDS - start)) s"
  echo "== $preset: tests"
  rm -f "build/$preset/tests.xml"
  # Only what did not simply pass is shown. A failure is counted in the summary and decides the exit code there; the
  # other builds still run.
  ctest --preset "$preset" -j "$jobs" --output-junit tests.xml </dev/null |
    grep --line-buffered -vE '^ *Start +[0-9]+:|Passed +[0-9.]+ sec *$' || true
  results+=("build/$preset/tests.xml")
done

echo
/usr/bin/env python3 cmake/test_summary.py "${results[@]}"
