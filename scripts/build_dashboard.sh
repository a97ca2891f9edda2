#!/usr/bin/env bash
# Builds the web page that bitbudget-server serves into dashboard/dist. Installs missing
# Debian packages first, and the npm packages of dashboard/package-lock.json. May be run
# again at any time.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

scripts/install_packages.sh dashboard
cd dashboard
# As of the last installation: npm takes a while to find that nothing has changed.
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  say "Dashboard: installing npm packages"
  run_logged dashboard-packages npm ci
  touch node_modules/.package-lock.json
fi
say "Dashboard: building"
run_logged dashboard-build npm run build
say "Built: dashboard/dist"
