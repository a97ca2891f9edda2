#!/usr/bin/env bash
# Installs what is missing of the Debian 12 packages that bitbudget is built from.
#
#   scripts/install_packages.sh             to build and run it
#   scripts/install_packages.sh dashboard   also to build the dashboard
#   scripts/install_packages.sh test        also to test it
#   scripts/install_packages.sh worker      also to build the training programs
#   scripts/install_packages.sh python      also to use it from Python
#   scripts/install_packages.sh bench       also to benchmark it
#   scripts/install_packages.sh findings    also to write the findings of a study
#   scripts/install_packages.sh --list ...  only prints the packages
#
# Installs nothing else, asks nothing, and says what it does. Needs root or sudo
# if anything is missing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

packages=(
  # Tools
  ca-certificates cmake g++ ninja-build pkg-config protobuf-compiler protobuf-compiler-grpc
  # Numerics
  libceres-dev libeigen3-dev libboost-dev
  # Service and storage
  libabsl-dev libcpp-httplib-dev libgrpc++-dev libprotobuf-dev libsqlite3-dev libsqlitecpp-dev
  libssl-dev prometheus-cpp-dev zlib1g-dev
  # Command line, logging, text
  libcli11-dev libcsv-dev libfmt-dev libspdlog-dev nlohmann-json3-dev
)
dashboard_packages=(nodejs npm)
python_packages=(
  python3 python3-grpcio python3-pandas python3-pip python3-protobuf python3-venv
)
test_packages=(
  chromium curl libgmock-dev libgtest-dev mypy python3-scipy shellcheck "${python_packages[@]}"
)
worker_packages=(libopenblas-openmp-dev libtorch-dev)
bench_packages=(libbenchmark-dev python3-numpy python3-scipy)
findings_packages=(python3-matplotlib python3-numpy python3-scipy)

list_only=false
for argument in "$@"; do
  case $argument in
    dashboard) packages+=("${dashboard_packages[@]}") ;;
    test) packages+=("${test_packages[@]}") ;;
    worker) packages+=("${worker_packages[@]}") ;;
    python) packages+=("${python_packages[@]}") ;;
    bench) packages+=("${bench_packages[@]}") ;;
    findings) packages+=("${findings_packages[@]}") ;;
    --list) list_only=true ;;
    *)
      fail "unknown argument '$argument'; known: dashboard, test, worker, python, bench," \
        "findings, --list"
      ;;
  esac
done

if $list_only; then
  printf '%s\n' "${packages[@]}"
  exit
fi

system=$(. /etc/os-release 2>/dev/null && say "${ID:-unknown} ${VERSION_ID:-}") || system=unknown
if [[ $system != "debian 12" ]]; then
  fail "this script knows the packages of Debian 12 only, and this is '$system'.
Install the counterparts of these by hand, then run cmake --preset release:
  ${packages[*]}"
fi

# Whether there is a Node.js of 18 or later with npm, wherever it comes from.
has_node() {
  command -v npm >/dev/null && [[ $(node --version 2>/dev/null) =~ ^v([0-9]+) ]] &&
    ((BASH_REMATCH[1] >= 18))
}

missing=()
for package in "${packages[@]}"; do
  if [[ $package == nodejs || $package == npm ]] && has_node; then continue; fi
  state=$(dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null || true)
  if [[ $state != "install ok installed" ]]; then missing+=("$package"); fi
done
if ((${#missing[@]} == 0)); then
  say "Packages: all ${#packages[@]} are there"
  exit
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || fail "these packages are missing and there is no sudo. As root, run:
  apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi

say "Packages: installing ${#missing[@]} of ${#packages[@]}: ${missing[*]}"
apt_get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet)
run_logged apt-update "${apt_get[@]}" update
run_logged apt-install "${apt_get[@]}" install --no-install-recommends "${missing[@]}"
