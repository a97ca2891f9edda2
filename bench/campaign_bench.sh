#!/usr/bin/env bash
# What a campaign costs with shared trunks, beside the same runs trained one by
# one: processor time of server, agent and training together, through the real
# server. Builds nothing.
#
#   bench/campaign_bench.sh TOKENS.bin [TOTAL_TOKENS, default 4000000]
#
# TOKENS.bin is a file of `bitbudget-train prepare` (docs/worker.md). One size of
# 24.7k parameters, five widths, six fractions; some ten minutes at 4M tokens.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
[[ $# == 1 || $# == 2 ]] || {
  echo "usage: bench/campaign_bench.sh TOKENS.bin [TOTAL_TOKENS]" >&2
  exit 2
}
tokens=$(realpath "$1")
total=${2:-4000000}
PATH="$root/build/release/bin:$PATH"
trainer=$root/build/worker/bin/bitbudget-train
for program in bitbudget-server bitbudget-worker "$trainer"; do
  command -v "$program" >/dev/null || {
    echo "campaign_bench: no $program; run scripts/build.sh worker" >&2
    exit 2
  }
done

work=$(mktemp -d)
server=
finish() {
  if [[ -n $server ]]; then
    kill "$server" || true
    wait "$server" || true
  fi
  rm -rf "$work"
}
trap finish EXIT

cd "$work"
bitbudget-server --database bench.db --listen 127.0.0.1:0 --http none >server.out 2>server.log &
server=$!
until BITBUDGET_SERVER=$(sed -n 's/^bitbudget-server listening on //p' server.out) &&
  [[ -n $BITBUDGET_SERVER ]]; do
  kill -0 "$server"
  sleep 0.1
done
export BITBUDGET_SERVER

# Ticks of processor time that process $1 has used itself.
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# measure STUDY SEPARATE: seconds of processor time of one campaign.
measure() {
  bitbudget study create "$1" >/dev/null
  cat >"$1.json" <<JSON
{"training": {"schedule": {"kind": "classic"}}, "separate_runs": $2,
 "grids": [{"models": [{"shape": {"width": 32, "layers": 2}, "peak_rate": 0.0063}],
            "total_tokens": [$total], "weight_bits": [1, 2, 3, 4, 16],
            "qat_fractions": [0.03, 0.06, 0.12, 0.25, 0.45, 0.7]}]}
JSON
  bitbudget campaign create "$1" --study "$1" --grid "$1.json" >/dev/null
  local before spent
  before=$(ticks "$server")
  # The shell's `times` would round; GNU time is no package of ours.
  spent=$(/usr/bin/python3 - "$1" "$tokens" "$trainer" <<'PYTHON'
import os
import resource
import subprocess
import sys

study, tokens, trainer = sys.argv[1:]
subprocess.run(
    ["bitbudget-worker", "--server", os.environ["BITBUDGET_SERVER"], "--study", study,
     "--data", tokens, "--work-directory", f"work-{study}", "--trainer", trainer,
     "--idle-exit", "1s"],
    check=True, stdout=subprocess.DEVNULL, stderr=open(f"{study}.log", "w"))
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime)
PYTHON
  )
  bitbudget campaign watch "$1" --study "$1" >/dev/null
  awk -v spent="$spent" -v ticks="$(($(ticks "$server") - before))" \
    -v hertz="$(getconf CLK_TCK)" 'BEGIN {printf "%.1f\n", spent + ticks / hertz}'
}

shared=$(measure shared false)
echo "shared trunks: $shared s of processor time"
alone=$(measure alone true)
echo "every run alone: $alone s of processor time"
awk -v shared="$shared" -v alone="$alone" \
  'BEGIN {printf "ratio: %.2f (target: at most 0.45)\n", shared / alone}'
