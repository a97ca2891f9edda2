#!/usr/bin/env bash
# Builds and runs every test: all of them optimised (the training program in a
# build of its own, for LibTorch and gRPC do not mix), the dashboard in a browser,
# then the numerics, the storage and the server's core under the address and
# undefined-behaviour sanitizers, then what has threads under the thread sanitizer.
# Installs missing Debian packages first. Ends with a line of counts; exits with 1 if
# a test fails.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

# The sanitizers slow the processes that tests start; leave one to each.
test_jobs=$(nproc)
passed=0
failed=0
skipped=0

# attribute NAME FILE: a count in the first element of a JUnit report.
attribute() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1; }

# count_report NAME REPORT: adds the tests of a JUnit report to the counts; sets `bad`.
count_report() {
  [[ -s $2 ]] || fail "no test ran; see $logs/test-$1.log"
  local total unrun
  total=$(attribute tests "$2")
  bad=$(attribute failures "$2")
  unrun=$(attribute skipped "$2")
  : "${unrun:=0}"
  passed=$((passed + total - bad - unrun))
  failed=$((failed + bad))
  skipped=$((skipped + unrun))
  say "  $((total - bad - unrun)) passed, $bad failed, $unrun skipped"
}

# run_tests PRESET FOLDER CTEST_ARGUMENTS...: runs the tests of a folder of the
# build tree and adds them to the counts.
run_tests() {
  local preset=$1 folder=$2
  shift 2
  local name report
  name=$preset-${folder//\//-}
  report="$logs/test-$name.xml"
  rm -f "$report"
  say "Testing $name"
  ctest --test-dir "build/$preset/$folder" --parallel "$test_jobs" --output-on-failure \
    --no-tests=error --output-junit "$report" "$@" 2>&1 |
    tee "$logs/test-$name.log" | show_progress || true
  count_report "$name" "$report"
  if ((bad > 0)); then sed -n '/The following tests FAILED/,$p' "$logs/test-$name.log" >&2; fi
}

# run_dashboard_tests SCRIPT: runs a script of dashboard/package.json that runs tests and
# adds them to the counts.
run_dashboard_tests() {
  local name=dashboard-${1//:/-}
  local report="$logs/test-$name.xml" code=0
  rm -f "$report"
  say "Testing $name"
  npm --prefix dashboard run "$1" -- --reporter=default --reporter=junit --outputFile="$report" \
    2>&1 | tee "$logs/test-$name.log" | show_progress || code=$?
  count_report "$name" "$report"
  if ((code == 0)); then return; fi
  # What breaks outside of a test is no failure in the report.
  if ((bad == 0)); then failed=$((failed + 1)); fi
  sed -n '/Failed /,$p' "$logs/test-$name.log" >&2
}

scripts/install_packages.sh test worker dashboard
# Connect's own clients, for the tests of the HTTP port.
run_logged connect-packages npm --prefix tests/connect ci

# Before the rest: tests of workers run the training program.
build_preset worker worker_test -DBITBUDGET_TESTS=ON
run_tests worker tests/unit/worker

build_preset release all -DBITBUDGET_TESTS=ON
export BITBUDGET_TRAIN=$repository/build/worker/bin/bitbudget-train
run_tests release tests

scripts/build_dashboard.sh
run_logged dashboard-check npm --prefix dashboard run check
run_dashboard_tests test
run_dashboard_tests test:browser

# Line numbers are all that a sanitizer's report needs of debug information;
# the rest is a quarter of the time to compile.
line_numbers="-DCMAKE_CXX_FLAGS_DEBUG=-g1 -Og"

build_preset asan all -DBITBUDGET_SERVICE=OFF "$line_numbers"
run_tests asan tests/unit

build_preset tsan "util_test db_test server_test" "$line_numbers"
for room in util db server; do run_tests tsan "tests/unit/$room"; done

say "Logs: build/logs"
say "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
