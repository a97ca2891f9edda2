#!/usr/bin/env bash
# Builds bitbudget-server and bitbudget, optimised, into build/release/bin;
# installs missing Debian packages first. May be run again at any time.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

scripts/install_packages.sh
build_preset release "bitbudget-server bitbudget" -DBITBUDGET_TESTS=OFF
say "Built: build/release/bin/bitbudget-server, build/release/bin/bitbudget"
