"""Plans a training from measured runs, cell by cell: for a notebook (VS Code and Jupytext read
the `# %%` lines), or to be run as it stands.

    scripts/quickstart.sh --keep        # or a bitbudget-server of one's own
    python3 client/python/examples/plan_a_run.py

It loads the bundled study of small models into the server that BITBUDGET_SERVER names (else
127.0.0.1:7411), unless the study is there. Tables need pandas (python3-pandas).
"""

# %% Connect. Nothing is asked before the first call.
import csv
import json
import pathlib

import bitbudget

STUDY = "python-example"
DATA = pathlib.Path(__file__).resolve().parents[3] / "data" / "micro_prototype"

client = bitbudget.Client()

# %% Load the runs. Running this cell again changes nothing: the study is found, and runs that
# are stored already are left as they are.
try:
    study = client.get_study(STUDY)
except bitbudget.NotFoundError:
    definition = json.loads((DATA / "study.json").read_text(encoding="utf-8"))
    study = client.create_study(STUDY, definition)

with open(DATA / "experiments.csv", encoding="utf-8", newline="") as file:
    stored = client.import_experiments(study, csv.DictReader(file), import_batch="example")
print(f"{stored.created_count} stored, {stored.unchanged_count} there already")

# %% The server fits them by itself; wait for it and look at the coefficients.
client.wait_for_fit(study, stored.revision)
fit = client.get_fit(study=study)
print(f"{fit.law} ({fit.variant}), {fit.experiment_count} runs, R squared {fit.r_squared:.3f}")
print(fit.to_dataframe()[["name", "value", "standard_error", "unit"]].to_string(index=False))

# %% How to split 4 million tokens for 55,296 parameters at 2 bits? The answer prints its
# interval, its fit, and whether the question lies inside the data.
SIZE, BUDGET = 55_296, 4e6
split = client.optimize_qat_fraction(study, parameters=SIZE, weight_bits=2, total_tokens=BUDGET)
print(split)

# %% What was measured there? The mean over the seeds.
runs = client.list_experiments(study, {"parameters": SIZE, "weight_bits": 2,
                                       "min_total_tokens": 0.9 * BUDGET,
                                       "max_total_tokens": 1.1 * BUDGET}).to_dataframe()
runs["qat_fraction"] = (runs.qat_tokens / (runs.fp_tokens + runs.qat_tokens)).round(2)
print(runs.groupby("qat_fraction").loss_nats.agg(["mean", "count"]).round(4))

# %% The best share over budgets and widths, as a table; NaN where the law says nothing.
grid = client.evaluate_grid(study, "optimal_qat_fraction",
                            {"total_tokens": [1e6, 4e6, 16e6], "weight_bits": [1, 2, 4]},
                            parameters=SIZE)
shares = grid.to_dataframe("share").pivot(index="total_tokens", columns="weight_bits",
                                          values="share")
print(shares.round(3))

# %% The whole plan under a memory cap: bits, size, steps, and what else would do as well.
memory = bitbudget.MemoryModel(vocabulary=128, context_tokens=64)
plan = client.plan_training(study, compute_flops=2e12, memory_bytes=60 * 1024,
                            memory_model=memory)
best = plan.plan
print(f"Train {best.parameters:,.0f} parameters at {best.weight_bits:g} bits: "
      f"{plan.schedule.fp_steps:,} steps in full precision, {plan.schedule.qat_steps:,} with "
      f"QAT; expected loss {best.loss_nats}, memory {best.memory.total_bytes:,.0f} bytes")
for other in plan.alternatives:
    mark = "as good" if other.is_tie else "worse"
    print(f"  {other.weight_bits:g} bits: {mark}, loss {other.excess_loss_nats} above the best")

# %% What the data cannot answer is refused, and the error says what is missing.
try:
    client.predict_loss(study, parameters=SIZE, fp_tokens=0, qat_tokens=BUDGET, weight_bits=2)
except bitbudget.OutOfRangeError as error:
    print(f"refused: {error}")

# %%
client.close()
