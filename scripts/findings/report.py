"""Writes the findings of a study: `python3 scripts/findings/report.py STUDY OUTPUT.md`.

Every number comes from the rows of the study and from the server's answers, but for
forms of the loss that the server does not fit (loss_forms.py); the same database
gives the same text. scripts/write_findings.sh starts the server.
"""

import sys
from pathlib import Path

import numpy as np

import control_sections
import figures
import form_sections
import fraction_sections
import law_sections
import measured_sections
import memory_sections
import optima
import runs
import schedule_sections
from service import Service
from text import wrapped

SEED = 20250922


def main(study: str, output: Path) -> None:
    service = Service()
    definition = service.ask("study", "show", study)
    optimizer = definition["fit_options"]["optimizer"]
    all_rows = runs.parse(service.export(study))
    rows = [r for r in all_rows if optimizer in ("", r.optimizer)]
    sweep = [r for r in all_rows if r not in rows]
    schedule = definition["fit_options"]["schedule"] or "classic"
    random = np.random.default_rng(SEED)

    measured = runs.quantized(rows, schedule)
    noise = runs.noise(measured)
    if noise is None:
        sys.exit(f"study {study} has no replicates: without noise nothing can be told")
    by_model = runs.noise_by_model(measured + runs.controls(rows, schedule))

    def run_noise(cell: runs.Cell) -> float:
        return by_model.get((cell[0], cell[2]), noise).run

    found = {
        cell: optimum
        for cell, curve in runs.cells(measured + runs.controls(rows, schedule)).items()
        if (optimum := optima.measure(cell, curve, run_noise(cell), random)) is not None
    }
    context = measured_sections.Context(
        study, definition, service, rows, sweep, schedule, noise, by_model, found, random
    )

    folder = output.parent / f"{output.stem}_figures"
    folder.mkdir(exist_ok=True)
    figures.optimum_against_tokens(context, folder / "optimum.svg")
    figures.loss_against_fraction(context, folder / "loss.svg")

    sections = [
        measured_sections.runs_and_noise(context),
        schedule_sections.sweep(context),
        control_sections.baseline(context),
        measured_sections.interior_optimum(context, folder),
        measured_sections.what_moves_it(context, folder),
        control_sections.against_control(context),
        law_sections.fit_quality(context),
        form_sections.which_term(context),
        fraction_sections.predicted_fractions(context),
        law_sections.what_it_is_fitted_to(context),
        law_sections.control_corrected(context),
        law_sections.largest_size_held_out(context),
        schedule_sections.fused(context),
        schedule_sections.other_schedules(context),
        memory_sections.equal_memory(context),
        conclusion(context.disagreements),
    ]
    parts = [head(context), in_short(context.summary), *sections]
    output.write_text(wrapped("\n\n".join(part.strip() for part in parts if part)) + "\n")


def head(context: measured_sections.Context) -> str:
    fit = context.fit
    return f"""# Findings

What {len(context.rows) + len(context.sweep)} training runs of the study `{context.study}` say about
the questions of
[arXiv 2509.22935](https://arxiv.org/abs/2509.22935), "Compute-Optimal Quantization-Aware
Training": one text, small models, one recipe. Written by `scripts/write_findings.sh` from the
rows and from the server's answers (fit `{fit["name"]}`, revision {fit["revision"]}, rows
`{fit["inputs"].get("rows_hash", "")[:16]}`); the same rows give the same text. Losses are in nats
per byte. Intervals are at 90 %, one standard error follows ±. *D* is all tokens, *f* the QAT
fraction, *S* tokens per byte of parameters, *N* parameters; a cell is a size, a budget and a
width."""


def in_short(summary: list[str]) -> str:
    points = "\n".join(f"- {point}" for point in summary)
    return f"## In short\n\n{points}"


def conclusion(disagreements: list[str]) -> str:
    if not disagreements:
        return "## What disagrees with the paper\n\nNothing that these runs can tell."
    points = "\n".join(f"- {point}" for point in disagreements)
    return f"## What disagrees with the paper, or cannot be told\n\n{points}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: report.py STUDY OUTPUT.md, with BITBUDGET_SERVER set")
    main(sys.argv[1], Path(sys.argv[2]))
