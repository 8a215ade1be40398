#!/usr/bin/env bash
# Converts the real models in ../shared/data to float and int8 .qfb files, measures both with qbench, and prints one table.
# What each model is, and how its images are prepared, says the data's README.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: bash bench/real_models.sh [options]
  --build DIR    where bin/qconvert and bin/qbench are (default: build/release)
  --data DIR     models and data (default: ../shared/data)
  --out DIR      .qfb files and JSON reports (default: <build>/real_models)
  --rounds N     rounds of qbench (default: 30)
  --threads LIST numbers of threads; the table shows the first (default: 1)
  --only NAME    just this model
Exit codes: 0 success, 1 something failed, 2 wrong arguments.
USAGE
}

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/release data=$root/../shared/data out="" rounds=30 threads=1 only=""
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage; exit 0 ;;
    --build | --data | --out | --rounds | --threads | --only)
      [ $# -ge 2 ] || { echo "real_models.sh: error: $1 wants a value" >&2; exit 2; }
      declare "${1#--}=$2"
      shift 2 ;;
    *) echo "real_models.sh: error: unknown option '$1'" >&2; usage >&2; exit 2 ;;
  esac
done
out=${out:-$build/real_models}
for tool in qconvert qbench; do
  [ -x "$build/bin/$tool" ] || { echo "real_models.sh: error: no $build/bin/$tool; build it, or name the folder with --build" >&2; exit 1; }
done
[ -d "$data" ] || { echo "real_models.sh: error: no folder '$data'; name it with --data" >&2; exit 1; }
mkdir -p "$out"
rows=()

# measure NAME ONNX CALIBRATION options of qconvert... -- options of qbench that say what to evaluate on...
measure() {
  local name=$1 onnx=$data/$2 calibration=$3
  local -a convert=() evaluate=()
  shift 3
  while [ "$1" != -- ]; do
    convert+=("$1")
    shift
  done
  evaluate=("${@:2}")
  [ -z "$only" ] || [ "$only" = "$name" ] || return 0
  if [ ! -f "$onnx" ]; then
    echo "real_models.sh: skipped $name: no $onnx" >&2
    return 0
  fi
  echo "$name" >&2
  "$build/bin/qconvert" "$onnx" -o "$out/$name.float.qfb" --dtype fp32 --quiet "${convert[@]}"
  "$build/bin/qconvert" "$onnx" -o "$out/$name.int8.qfb" --calibrate "$calibration" --quiet "${convert[@]}"
  "$build/bin/qbench" "$out/$name.float.qfb" "$out/$name.int8.qfb" --rounds "$rounds" --threads "$threads" \
    --json "$out/$name.json" "${evaluate[@]}" >"$out/$name.txt"
  rows+=("$out/$name.json")
}

# There is no data for the anomaly detector: log-mel frames of the level that it was trained on, made up.
write_frames() {
  python3 - "$1" "$2" <<'PYTHON'
import random, struct, sys
path, seed = sys.argv[1], int(sys.argv[2])
count, width = 200, 640
random.seed(seed)
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (count, width)
header += ' ' * (117 - len(header)) + '\n'
values = [random.gauss(-40, 15) for _ in range(count * width)]
with open(path, 'wb') as file:
    file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + struct.pack('<%df' % len(values), *values))
PYTHON
}

images=$data/imagenet/calib.csv
dev=(--list "$data/imagenet/dev.csv")
tiny=$data/mlperf_tiny
cifar=$data/cifar10
half=0.50196078 # (x - 128) / 128 for x in 0..255, of pixels scaled to 0..1

measure mobilenet_v2 mobilenet_v2/torchvision_float.onnx "$images" --preprocess torch -- "${dev[@]}"
measure mobilenet_v1_0.5_160 mobilenet_v1/v1_0.5_160_float.onnx "$images" \
  --preprocess tf --resize 184 --crop 160 --mean $half,$half,$half --std $half,$half,$half -- "${dev[@]}" --label-offset 1
measure squeezenet1.1 squeezenet/squeezenet1.1_float.onnx "$images" --preprocess torch -- "${dev[@]}"
measure tiny_kws mlperf_tiny/kws_float.onnx "$tiny/kws_calib_f32.npy" \
  -- --input "$tiny/kws_x_f32.npy" --labels "$tiny/kws_y.npy"
measure tiny_resnet8 mlperf_tiny/resnet8_float.onnx "$cifar/calib_u8_nhwc.npy" \
  -- --input "$cifar/x_u8_nhwc.npy" --labels "$cifar/y.npy"
measure tiny_vww mlperf_tiny/vww_float.onnx "$images" --preprocess raw --mean 0,0,0 --std 1,1,1 -- "${dev[@]}" --ignore-labels
if [ -f "$tiny/ad_float.onnx" ]; then
  write_frames "$out/ad_calib.npy" 1
  write_frames "$out/ad_x.npy" 2
  measure tiny_ad mlperf_tiny/ad_float.onnx "$out/ad_calib.npy" -- --input "$out/ad_x.npy" --ignore-labels
fi
[ ${#rows[@]} -gt 0 ] || { echo "real_models.sh: error: nothing was measured" >&2; exit 1; }

python3 - "${rows[@]}" <<'PYTHON'
import json, os, sys

def number(value, form):
    return '–' if value is None else form % value

def accuracy(result):
    return number((result['accuracy'] or {}).get('top1'), '%.2f')

def kib(result, key):
    return '%.0f' % (result[key] / 1024)

header = ['model', 'top-1 % float', 'int8', 'agreement %', 'SQNR dB', 'retention %', 'float ms', 'int8 ms',
          'speedup', '95 % interval', 'verdict', 'Overall', 'file KiB float', 'int8', 'arena KiB float', 'int8']
table = [header, ['---'] * len(header)]
for path in sys.argv[1:]:
    with open(path) as file:
        report = json.load(file)
    a, b, c = report['results'][0], report['results'][1], report['comparison']
    table.append([os.path.basename(path)[:-len('.json')], accuracy(a), accuracy(b), number(c['agreement'], '%.2f'),
                  number(c['sqnr_db'], '%.1f'), number(c['retention'], '%.2f'), '%.3f' % a['median_ms'],
                  '%.3f' % b['median_ms'], '%.2f' % c['speedup'], '%.2f – %.2f' % tuple(c['speedup_ci95']),
                  c['verdict'], number(c['overall'], '%.3f'), kib(a, 'file_bytes'), kib(b, 'file_bytes'),
                  kib(a, 'arena_bytes'), kib(b, 'arena_bytes')])
widths = [max(len(row[i]) for row in table) for i in range(len(header))]
for row in table:
    print('| ' + ' | '.join(cell.ljust(width) for cell, width in zip(row, widths)) + ' |')
PYTHON
