#!/usr/bin/env python3
"""Trains runs of data/micro_campaign again and compares the losses bit for bit.

  scripts/reproduce_runs.py --data build/corpus/tokens.bin
  scripts/reproduce_runs.py --data build/corpus/tokens.bin --count 20 --seed 7
  scripts/reproduce_runs.py --data build/corpus/tokens.bin --row 17 --row 250

Draws rows of experiments.csv, finds their training in the grids of the campaign,
and gives it to bitbudget-train alone, without server, worker or shared trunk. The
same bits are due on the same processor and build; elsewhere losses differ by the
rounding noise that the data card states.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
STEP_TOKENS = 512  # 8 sequences of 64: phases are whole steps


def grids(folder: Path) -> list[dict]:
    """The grids of all campaigns, each with the training that it runs with."""
    found = []
    for name in ("campaign.json", "side_studies.json", "sweep.json"):
        campaign = json.loads((folder / name).read_text())
        common = campaign.get("training", {})
        for grid in campaign["grids"]:
            own = grid.get("training", {})
            schedule = {**common.get("schedule", {}), **own.get("schedule", {})}
            optimizer = {**common.get("optimizer", {}), **own.get("optimizer", {})}
            found.append({**grid, "schedule": schedule, "optimizer": optimizer})
    return found


def training(row: dict, all_grids: list[dict], widths: dict[int, int]) -> dict:
    """What bitbudget-train needs to repeat a row."""
    fp_tokens, qat_tokens = int(row["fp_tokens"]), int(row["qat_tokens"])
    for grid in all_grids:
        if grid["optimizer"].get("name", "adamw") != row["optimizer"]:
            continue
        kinds = grid.get("schedules", [grid["schedule"].get("kind", "classic")])
        names = [grid["schedule"].get("name", kind) for kind in kinds]
        if row["role"] != "FULL_PRECISION" and row["schedule"] not in names:
            continue
        for model in grid["models"]:
            if model["shape"]["width"] != widths[int(row["parameters"])]:
                continue
            if is_of(grid, row, fp_tokens, qat_tokens):
                schedule = {key: value for key, value in grid["schedule"].items() if key != "name"}
                schedule["kind"] = kinds[0]
                schedule["peak_rate"] = model["peak_rate"]
                schedule["fp_tokens"], schedule["qat_tokens"] = fp_tokens, qat_tokens
                return {
                    "seed": int(row["replicate"]),
                    "model": model["shape"],
                    "schedule": schedule,
                    "quantization": {"bits": float(row["weight_bits"])},
                }
    sys.exit(f"error: no grid has the row {row}")


def is_of(grid: dict, row: dict, fp_tokens: int, qat_tokens: int) -> bool:
    """Whether a grid asks for these tokens, bits and seed."""
    bits = grid["weight_bits"] + [16]
    first = grid.get("first_replicate", 0)
    seeds = range(first, first + grid.get("replicates", 1))
    if float(row["weight_bits"]) not in bits or int(row["replicate"]) not in seeds:
        return False
    fractions = grid["qat_fractions"]
    if row["role"] == "FULL_PRECISION":  # a whole budget, or the first phase of a QAT run
        targets = [d * (1 - f) for d in grid["total_tokens"] for f in [0, *fractions]]
        return any(abs(fp_tokens - target) <= STEP_TOKENS for target in targets)
    targets = [(d * (1 - f), d * f) for d in grid["total_tokens"] for f in fractions]
    return any(
        abs(fp_tokens - fp) <= STEP_TOKENS and abs(qat_tokens - qat) <= STEP_TOKENS
        for fp, qat in targets
    )


def train(program: str, config: dict) -> float:
    """Final loss, nats, of a run of the training program."""
    # Another BLAS kernel than the processor's own rounds otherwise.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "run.json"
        path.write_text(json.dumps(config))
        done = subprocess.run([program, "run", str(path), "--format", "json"], env=environment,
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {program} ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])["result"]["loss_nats"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="tokens that fetch_corpus.sh and "
                        "`bitbudget-train prepare --vocabulary 128` leave")
    parser.add_argument("--count", type=int, default=5, help="runs to draw; default 5")
    parser.add_argument("--seed", type=int, default=0, help="of the draw; default 0")
    parser.add_argument("--row", type=int, action="append",
                        help="this row, from 1, not a drawn one")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "data" / "micro_campaign")
    parser.add_argument("--trainer", default=str(REPOSITORY / "build/worker/bin/bitbudget-train"))
    options = parser.parse_args()

    with open(options.folder / "experiments.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    study = json.loads((options.folder / "study.json").read_text())
    widths = {int(s["parameters"]): s["width"] for s in study["modelFamily"]["shapes"]}
    if not all(1 <= number <= len(rows) for number in options.row or []):
        parser.error(f"rows go from 1 to {len(rows)}")
    if not 1 <= options.count <= len(rows):
        parser.error(f"--count goes from 1 to {len(rows)}")
    if not options.data.is_file():
        parser.error(f"{options.data} is not there; data/micro_campaign/README.md says how to make "
                     "it")
    if not os.access(options.trainer, os.X_OK):
        parser.error(f"{options.trainer} is not there; scripts/build.sh worker builds it")
    chosen = options.row or sorted(
        random.Random(options.seed).sample(range(1, len(rows) + 1), options.count))
    all_grids = grids(options.folder)
    different = 0
    for number in chosen:
        row = rows[number - 1]
        config = {"data": str(options.data.resolve()), **training(row, all_grids, widths)}
        loss = train(options.trainer, config)
        same = loss == float(row["loss_nats"])
        different += not same
        print(f"row {number}: {row['parameters']} parameters, {row['fp_tokens']} + "
              f"{row['qat_tokens']} tokens, {row['weight_bits']} bits, {row['schedule']}, seed "
              f"{row['replicate']}: stored {row['loss_nats']}, now {loss!r}: "
              f"{'same bits' if same else 'DIFFERENT'}", flush=True)
    print(f"{len(chosen) - different} of {len(chosen)} have the same bits")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
