#!/usr/bin/env bash
# Installs what qrun needs to build on Debian 12 or Ubuntu 24.04 (and newer): only packages that are missing, from
# the distribution, asking nothing. With everything there it ends in a fraction of a second and needs no network.
#
#   bash cmake/setup.sh          what the tools need
#   bash cmake/setup.sh --test   also what the tests need (GoogleTest, Python with PyTorch and Pillow)
#   bash cmake/setup.sh --aarch64 also what building for 64-bit ARM and running that under qemu needs
#   bash cmake/setup.sh --peers  also what bench/peers.sh compares with (Node.js for ONNX Runtime, PyTorch)
#
# Exit codes: 0 all there, 1 something could not be installed, 2 wrong arguments.
set -euo pipefail

# One package a line: names to choose from (the first that the distribution has), then what it is for.
tool_packages='
g++                                        the C++20 compiler
cmake                                      the build, 3.25 or newer
ninja-build                                the build
flatbuffers-compiler                       flatc, which turns schema/qfb.fbs into C++
libflatbuffers-dev                         the .qfb format
libexpected-dev                            tl::expected, under Result<T>
libxsimd-dev                               SIMD kernels
libdnnl-dev                                float operators on oneDNN
libcli11-dev                               arguments of the command line tools
nlohmann-json3-dev                         JSON output of the command line tools
libfmt-dev                                 text output of the command line tools
libpng-dev                                 PNG images
libjpeg62-turbo-dev|libjpeg-turbo8-dev|libjpeg-dev  JPEG images
libonnx-dev                                the converter reads ONNX
libprotobuf-dev                            the converter reads ONNX
protobuf-compiler                          the converter reads ONNX
libjs-chart.js                             charts in the HTML reports
python3                                    summaries of the demo and the tests
'
test_packages='
git                                        the tests ask which files belong to the project
binutils                                   nm, for the test of the symbols
libgtest-dev                               the tests
python3-numpy                              arrays for the tests
python3-pil                                Pillow, which image decoding is compared with
python3-onnx                               models for the converter tests
python3-torch                              models for the converter tests
python3-torchvision                        models for the converter tests
'
aarch64_packages='
g++-aarch64-linux-gnu                      the cross compiler
qemu-user                                  runs what it built
googletest                                 the sources of GoogleTest, built for the target
'
peers_packages='
python3-numpy                              PyTorch beside qrun
python3-onnx                               PyTorch beside qrun
python3-torch                              PyTorch beside qrun
'
# Where they come from elsewhere (Node.js from its makers), the distribution's would not go with them.
command -v npm >/dev/null || peers_packages+='nodejs                                     ONNX Runtime beside qrun
npm                                        fetches ONNX Runtime
'
# Everything else works without these.
optional_packages='
ccache                                     makes a second build cheap
libbenchmark-dev                           benchmarks of the kernels
chromium                                   the browser that the tests open HTML reports in
'

fail() {
  echo "setup: error: $*" >&2
  exit 1
}

with_tests= with_aarch64= with_peers=
for argument in "$@"; do
  case $argument in
    --test) with_tests=1 ;;
    --aarch64) with_aarch64=1 ;;
    --peers) with_peers=1 ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup: error: unknown argument '$argument' (known: --test, --aarch64, --peers)" >&2; exit 2 ;;
  esac
done

wanted=$tool_packages
if [[ $with_tests ]]; then wanted+=$test_packages; fi
if [[ $with_aarch64 ]]; then wanted+=$aarch64_packages; fi
if [[ $with_peers ]]; then wanted+=$peers_packages; fi
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  fail "this is no Debian or Ubuntu: apt and dpkg are not here. Install these with your own package manager:
$(awk 'NF { name = $1; $1 = ""; print "  " name " -" $0 }' <<<"$wanted")"

installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' | sed -n 's/^.i //p')
is_installed() { grep -qxF -- "$1" <<<"$installed"; }

# Lines of a list of which no alternative is installed.
missing() {
  local names purpose name
  while read -r names purpose; do
    [[ $names ]] || continue
    for name in ${names//|/ }; do
      is_installed "$name" && continue 2
    done
    echo "$names $purpose"
  done <<<"$1"
}

to_install=$(missing "$wanted")
to_install_optional=$(missing "$optional_packages")
total=$(grep -c . <<<"$wanted")
if [[ -z $to_install ]]; then
  echo "setup: all $total packages are installed"
else
  if [[ $(id -u) == 0 ]]; then
    as_root=(env)
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n env)
  else
    names=$(awk '{ sub(/\|.*/, "", $1); print $1 }' <<<"$to_install" | xargs)
    fail "packages are missing, and installing them takes root or a sudo that asks no password. Run this, then try again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $names"
  fi
  apt() {
    "${as_root[@]}" DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get -qq -y \
      -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null
  }
  # Networks hiccup: up to four tries with growing pauses. The output is shown only if all fail.
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  retry() {
    local pause
    for pause in 2 5 15 0; do
      if apt "$@" >"$log" 2>&1; then return 0; fi
      [[ $pause == 0 ]] && break
      echo "setup: apt-get $1 failed, trying again in $pause s" >&2
      sleep "$pause"
    done
    cat "$log" >&2
    return 1
  }

  echo "setup: installing $(grep -c . <<<"$to_install") of $total packages"
  retry update || fail "apt-get update failed; see its messages above"
  has_candidate() { grep -q '^  Candidate: [^(]' <<<"$(apt-cache policy -- "$1")"; }
  choose() {
    local name
    for name in ${1//|/ }; do
      if has_candidate "$name"; then echo "$name"; return; fi
    done
  }
  chosen=() absent=
  while read -r names purpose; do
    name=$(choose "$names")
    if [[ $name ]]; then chosen+=("$name"); else absent+="  $names: $purpose"$'\n'; fi
  done <<<"$to_install"
  [[ -z $absent ]] || fail "this distribution does not have:
${absent}qrun is built and tested on Debian 12; Ubuntu 24.04 has these in its 'universe' component."
  while read -r names purpose; do
    name=$(choose "${names:-none}")
    if [[ $name ]]; then chosen+=("$name"); fi
  done <<<"$to_install_optional"
  retry install --no-install-recommends "${chosen[@]}" ||
    fail "apt-get install failed; see its messages above. Wanted: ${chosen[*]}"
  echo "setup: installed ${chosen[*]}"
fi

version=$(cmake --version | sed -n '1s/[^0-9]*//p')
[[ $(printf '%s\n' 3.25 "$version" | sort -V | head -n 1) == 3.25 ]] ||
  fail "cmake is $version ($(command -v cmake)), the presets need 3.25 or newer"
