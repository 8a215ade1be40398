#!/usr/bin/env bash
# From a bare machine to a classified picture: installs what is missing, builds the tools, converts the float
# MobileNetV2 that is shipped in tests/zoo/rps to int8 (and, to compare, to float), classifies shipped pictures
# with both, and prints what the tools measured. Asks nothing; run again, it only repeats what has changed.
#
#   bash cmake/demo.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# > 0)); then
  [[ $1 == -h || $1 == --help ]] && sed -n '2,6s/^# \{0,1\}//p' cmake/demo.sh && exit 0
  echo "demo: error: unknown argument '$1' (the demo takes none)" >&2
  exit 2
fi

zoo=tests/zoo/rps
out=build/demo
bin=build/release/bin
mkdir -p "$out" build/release

echo "1. Packages"
bash cmake/setup.sh

echo "2. Build (preset release, in build/release; the first time takes minutes, $out/build.log shows how far it is)"
start=$SECONDS
if ! { cmake --preset release && cmake --build --preset release -j "$(nproc)" --target qconvert qrun qinspect; } >"$out/build.log" 2>&1 </dev/null; then
  tail -n 40 "$out/build.log"
  echo "demo: error: the build failed; everything it said is in $out/build.log" >&2
  exit 1
fi
echo "   qconvert, qrun and qinspect are in $bin ($((SECONDS - start)) s)"

# convert <name> <options...>: rps_<name>.qfb, unless it is newer than everything it is made of.
convert() {
  local target=$out/rps_$1.qfb
  local source=$zoo/mobilenet_v2_rps.onnx
  shift
  if [[ $target -nt $bin/qconvert && $target -nt $source && $target -nt $zoo/labels.txt && $target -nt $zoo/calib.csv ]]
  then
    echo "   $target is up to date"
    return
  fi
  echo "   \$ qconvert $source -o $target $*"
  "$bin/qconvert" "$source" -o "$target" "$@" --quiet </dev/null
}
echo "3. Convert the trained float model"
convert int8 --calibrate $zoo/calib.csv --preprocess torch --labels $zoo/labels.txt
convert fp32 --dtype fp32 --preprocess torch --labels $zoo/labels.txt

# The first picture of every class in the list.
mapfile -t images < <(awk -F, -v folder="$zoo/" 'NR > 1 && !seen[$2]++ { print folder $1 }' "$zoo/test.csv" | sort)
echo "4. Classify ${#images[@]} pictures that the model has not seen, one core"
for name in int8 fp32; do
  # One short run first: it wakes a sleeping core up.
  "$bin/qrun" "$out/rps_$name.qfb" "${images[@]}" >/dev/null </dev/null
  "$bin/qrun" "$out/rps_$name.qfb" "${images[@]}" --json --repeat 50 >"$out/rps_$name.json" </dev/null
done
/usr/bin/env python3 cmake/demo_summary.py "$out/rps_int8.json" "$out/rps_fp32.json" "$zoo/mobilenet_v2_rps.onnx"

cat <<TEXT

What next, from $PWD
  other pictures         $bin/qrun $out/rps_int8.qfb $zoo/test/*_001.jpg
  what is in the model   $bin/qinspect $out/rps_int8.qfb
  your own model         $bin/qconvert model.onnx -o model.qfb --calibrate photos/ --preprocess torch
  the tests              bash cmake/test.sh
TEXT
