#!/usr/bin/env bash
# Builds bitbudget-server, bitbudget-worker and bitbudget, optimised, into
# build/release/bin, and the dashboard into dashboard/dist; installs missing Debian
# packages first. May be run again at any time.
#
#   scripts/build.sh
#   scripts/build.sh worker [CMAKE_ARGUMENTS...]   also the training program, into
#                                                  build/worker/bin
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

trainer=false
if (($# > 0)); then
  [[ $1 == worker ]] || fail "unknown argument '$1'; known: worker"
  trainer=true
  shift
fi

if $trainer; then
  scripts/install_packages.sh worker
else
  scripts/install_packages.sh
fi
build_preset release "bitbudget-server bitbudget-worker bitbudget" -DBITBUDGET_TESTS=OFF
say "Built: build/release/bin/bitbudget-server, bitbudget-worker and bitbudget"
if $trainer; then
  build_preset worker bitbudget-train -DBITBUDGET_TESTS=OFF "$@"
  say "Built: build/worker/bin/bitbudget-train"
fi
# The programs do without it; on a machine without the npm registry there is none.
scripts/build_dashboard.sh || say "Without the dashboard; scripts/build_dashboard.sh builds it"
