#!/usr/bin/env bash
# Builds the web page that bitbudget-server serves into dashboard/dist. Installs missing
# Debian packages first, and the npm packages of dashboard/package-lock.json. May be run
# again at any time.
#
#   scripts/build_dashboard.sh        builds it
#   scripts/build_dashboard.sh test   also checks types and format and runs its tests
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

test=false
case ${1:-} in
  "") ;;
  test) test=true ;;
  *) fail "unknown argument '$1'; known: test" ;;
esac

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
if $test; then
  say "Dashboard: checking types, format, pure functions"
  run_logged dashboard-check npm run check
  run_logged dashboard-test npm test
fi
