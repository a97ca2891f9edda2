#!/usr/bin/env bash
# Writes what the runs of a study say, with figures beside it:
#
#   scripts/write_findings.sh data/micro_campaign docs/findings.md
#
# The folder holds the study (study.json) and its rows (experiments.csv). They are
# imported into a fresh server of its own, which ends with the script; the same
# rows give the same text.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# == 2 ]] || fail "usage: scripts/write_findings.sh FOLDER OUTPUT.md"
folder=$(realpath "$1")
output=$(realpath -m "$2")
cd "$repository"
for file in study.json experiments.csv; do
  [[ -f $folder/$file ]] || fail "$folder has no $file"
done

scripts/install_packages.sh findings
scripts/build.sh
PATH="$repository/build/release/bin:$PATH"

scratch=$(mktemp -d)
finish() {
  if [[ -n ${server:-} ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  rm -rf "$scratch"
}
trap finish EXIT

bitbudget-server --database "$scratch/findings.db" --listen 127.0.0.1:0 --http none \
  >"$scratch/server.out" 2>"$scratch/server.log" &
server=$!
for ((attempt = 0; attempt < 300; ++attempt)); do
  BITBUDGET_SERVER=$(sed -n 's/^bitbudget-server listening on //p' "$scratch/server.out")
  [[ -z $BITBUDGET_SERVER ]] || break
  kill -0 "$server" 2>/dev/null || fail "no server: $(tail -n 1 "$scratch/server.log")"
  sleep 0.1
done
[[ -n $BITBUDGET_SERVER ]] || fail "the server does not say where it listens within 30 s"
export BITBUDGET_SERVER

# The matrices are small: threads would only wait for one another.
export OMP_NUM_THREADS=1
study=$(basename "$folder" | tr _ -)
bitbudget study create "$study" --definition "$folder/study.json" >/dev/null
bitbudget experiments import --study "$study" "$folder/experiments.csv" --wait
mkdir -p "$(dirname "$output")"
/usr/bin/python3 scripts/findings/report.py "$study" "$output"
say "Findings: $output"
