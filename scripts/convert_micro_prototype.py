#!/usr/bin/env python3
"""Makes data/micro_prototype/experiments.csv from measurements.csv.

measurements.csv is what the prototype's training program wrote, one row a run.
experiments.csv is the same runs in the format of `bitbudget experiments import`.
Nothing is dropped: what has no column of its own goes into the note.

  scripts/convert_micro_prototype.py           writes experiments.csv
  scripts/convert_micro_prototype.py --check   fails if experiments.csv differs
"""

import argparse
import csv
import io
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "micro_prototype"
COLUMNS = [
    "parameters", "fp_tokens", "qat_tokens", "weight_bits", "loss_nats", "role", "recipe",
    "optimizer", "schedule", "trunk", "replicate", "note",
]
NO_QUANTIZER_BITS = "16"


def role(row):
    if row["schedule"] in ("fp", "fp_cooldown"):
        return "FULL_PRECISION"
    return "CONTROL" if row["weight_bits"] == NO_QUANTIZER_BITS else "FP_THEN_QAT"


def note(row):
    facts = [f"peak learning rate {row['peak_learning_rate']}"]
    if row["qat_learning_rate_share"]:
        facts.append(f"QAT peak {row['qat_learning_rate_share']} of it")
    if row["loss_at_switch_nats"]:
        facts.append(f"loss at switch {row['loss_at_switch_nats']}")
    facts.append(f"evaluation stderr {row['evaluation_stderr_nats']} (common to all runs)")
    facts.append(f"{row['wall_seconds']} s")
    return "; ".join(facts)


def experiment(row):
    run_role = role(row)
    return {
        "parameters": row["parameters"],
        "fp_tokens": row["fp_tokens"],
        "qat_tokens": row["qat_tokens"],
        "weight_bits": row["weight_bits"],
        "loss_nats": row["loss_nats"],
        "role": run_role,
        "recipe": "lsq-log-scale" if run_role == "FP_THEN_QAT" else "",
        "optimizer": "adamw",
        "schedule": row["schedule"],
        # All runs of one size and seed branch from one constant-rate trunk.
        "trunk": f"n{row['parameters']}-seed{row['seed']}",
        "replicate": row["seed"],
        "note": note(row),
    }


def converted():
    with open(FOLDER / "measurements.csv", newline="", encoding="ascii") as source:
        experiments = [experiment(row) for row in csv.DictReader(source)]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(experiments)
    return text.getvalue()


def main():
    parser = argparse.ArgumentParser(description="Converts the prototype's measurements.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    target = FOLDER / "experiments.csv"
    if not arguments.check:
        target.write_text(converted(), encoding="ascii")
    elif target.read_text(encoding="ascii") != converted():
        sys.exit(f"{target} is not what measurements.csv gives; run {sys.argv[0]}")


if __name__ == "__main__":
    main()
