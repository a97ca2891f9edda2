#!/bin/bash
# The default fit of 797 rows beside 64 starts of scipy's BFGS with analytic
# gradients, on the same rows at the same Huber width. Builds nothing.
#
#   bench/fit_vs_scipy.sh [DIRECTORY OF fit_bench, default build/release/bin]
#
# Rounds alternate, because other work on the machine drifts; the ratio of each
# round is taken, and the median of the ratios reported. Exit code 1 if scipy finds
# a lower objective, by more than 1e-6.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
bench=${1:-$root/build/release/bin}/fit_bench
if [[ ! -x $bench ]]; then
  echo "fit_vs_scipy: no $bench; configure with -DBITBUDGET_BENCH=ON and build fit_bench" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One thread each: numpy's would only get in its way at these sizes.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
for round in 1 2 3 4 5; do
  "$bench" --peer "$work/rows.csv" > "$work/ours.$round"
  read -r delta variant < <(/usr/bin/python3 -c '
import json, sys
fit = json.load(open(sys.argv[1]))
print(repr(fit["huber_delta"]), fit["variant"])' "$work/ours.$round")
  /usr/bin/python3 "$root/bench/reference_fit.py" "$work/rows.csv" \
    --delta "$delta" --variant "$variant" --starts 64 --seed "$round" > "$work/scipy.$round"
done

/usr/bin/python3 - "$work" <<'PYTHON'
import json
import statistics
import sys

rounds = [[json.load(open(f"{sys.argv[1]}/{who}.{i}")) for who in ("ours", "scipy")]
          for i in range(1, 6)]
def ratio(unit, ours, scipy):
    return scipy[unit] / ours[unit]


print(f"{'':>5} {'wall':^28} {'CPU':^28}")
print("round" + f" {'ours ms':>9} {'scipy ms':>9} {'ratio':>8}" * 2)
for i, pair in enumerate(rounds, 1):
    print(f"{i:>5}" + "".join(
        f" {pair[0][unit] * 1e3:>9.2f} {pair[1][unit] * 1e3:>9.0f} {ratio(unit, *pair):>8.1f}"
        for unit in ("seconds", "cpu_seconds")))
ours, _ = rounds[0]
best = min(scipy["objective"] for _, scipy in rounds)
excess = ours["objective"] / best - 1
wall, cpu = (statistics.median(ratio(unit, *pair) for pair in rounds)
             for unit in ("seconds", "cpu_seconds"))
print(f"{ours['row_count']} rows, rung {ours['variant']}, delta {ours['huber_delta']:g}: "
      f"median ratio {wall:.1f} of wall time, {cpu:.1f} of CPU time")
print(f"objective {ours['objective']:.15g}, over scipy's best by {excess:+.1e}")
sys.exit(excess > 1e-6)
PYTHON
