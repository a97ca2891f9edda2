"""What the measured losses say by themselves, without a law."""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

import optima
import runs
from optima import Optimum
from runs import Cell, Run
from service import Refused, Service
from text import bits_name, joined, size, table, tokens, width, with_error


@dataclass
class Context:
    """All that the sections read."""

    study: str
    definition: dict
    service: Service
    rows: list[Run]  # trained with the study's optimizer
    sweep: list[Run]  # trained with another: peak rates and cooldowns
    schedule: str
    noise: runs.Noise
    noise_by_model: dict[tuple[int, float], runs.Noise]
    optima: dict[Cell, Optimum]
    random: np.random.Generator
    summary: list[str] = field(default_factory=list)  # what the sections find, in a line each
    disagreements: list[str] = field(default_factory=list)  # with the paper, and what is not told

    @cached_property
    def fit(self) -> dict:
        return self.service.fit(self.study)

    @cached_property
    def quantized(self) -> list[Run]:
        return runs.quantized(self.rows, self.schedule)

    @cached_property
    def controls(self) -> list[Run]:
        return runs.controls(self.rows, self.schedule)

    @cached_property
    def cells(self) -> dict[Cell, dict[float, dict[int, float]]]:
        return runs.cells(self.quantized + self.controls)

    def run_noise(self, parameters: int, bits: float) -> float:
        """Of a run about its curve, nats."""
        return self.noise_by_model.get((parameters, bits), self.noise).run

    def quantized_optima(self) -> list[Optimum]:
        return [o for o in self.optima.values() if o.cell[2] < 16]

    def control_optima(self) -> list[Optimum]:
        return [o for o in self.optima.values() if o.cell[2] == 16]


def by_width(found: list[Optimum], holds: Callable[[Optimum], bool]) -> str:
    """How many of each width are such."""
    parts = []
    for bits in sorted({o.cell[2] for o in found}):
        part = [o for o in found if o.cell[2] == bits]
        parts.append(f"{sum(holds(o) for o in part)} of {len(part)} at {width(bits)}")
    return joined(parts)


def runs_and_noise(context: Context) -> str:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for r in context.rows:
        counts[(r.role, r.schedule)] += 1
    listing = table(
        ["role", "schedule", "runs"],
        [[f"`{role}`", f"`{schedule}`", str(n)] for (role, schedule), n in sorted(counts.items())],
    )
    noise_table = table(
        ["N", "bits", "common to a curve (sd)", "run about its curve (sd)", "degrees of freedom"],
        [[size(n), bits_name(bits), f"{own.curve:.4f}", f"{own.run:.4f}",
          str(own.degrees_of_freedom)] for (n, bits), own in context.noise_by_model.items()],
    )
    return f"""## The runs and their noise

{listing}

A curve is the runs of one seed, size, budget and width over the fractions. What they have in
common moves no optimum; the noise of a run about its curve does. From replicates, nats:

{noise_table}

Over all of the quantized ones a run scatters by {context.noise.run:.4f} nats about its curve,
curves by {context.noise.curve:.4f}."""


def interior_optimum(context: Context, folder: Path) -> str:
    body = []
    for o in context.optima.values():
        n, d, bits = o.cell
        fraction = f"{o.fraction:.2f}" if o.interior else f"at the edge, {o.fraction:.2f}"
        body.append([size(n), tokens(d), bits_name(bits), f"{o.tokens_per_parameter_byte:.0f}",
                     fraction, f"{o.lower:.2f} to {o.upper:.2f}", f"{100 * o.interior_share:.0f} %",
                     f"{o.loss:.3f}", with_error(o.reference_excess, o.reference_error)])
    quantized = context.quantized_optima()
    interior = [o for o in quantized if o.interior]
    stand_out = by_width(quantized, lambda o: o.stands_out)
    count = sum(o.stands_out for o in quantized)
    context.summary.append(
        f"As measured the best fraction lies inside in {len(interior)} of {len(quantized)} cells, "
        f"and beyond noise in {count}: {stand_out}.")
    if len(interior) < len(quantized):
        context.disagreements.append(
            f"{len(quantized) - len(interior)} of {len(quantized)} cells have their least loss at "
            "the outermost fraction that was measured.")
    return f"""## Is there an interior optimum?

![Loss against QAT fraction]({folder.name}/loss.svg)

In {len(interior)} of {len(quantized)} cells the least mean loss lies between the outermost
fractions, in {count} of them beyond noise: both outermost fractions are worse than the best by more
than twice the standard error of the difference. By width: {stand_out}. Interval and share of
interior optima are from {optima.DRAWS} draws of the run noise.

Whether a wrong fraction costs anything is another question. At
f = {optima.REFERENCE_FRACTION:g} the loss is worse than the best beyond twice the standard error in
{by_width(quantized, lambda o: o.beats_reference)}; elsewhere that fraction is as good as the best,
as far as these runs tell.

{table(["N", "D", "bits", "S", "best f", "interval", "interior", "loss there",
        f"loss at {optima.REFERENCE_FRACTION:g} minus best"], body)}"""


def what_moves_it(context: Context, folder: Path) -> str:
    points = [o for o in context.quantized_optima() if o.interior]
    if len(points) < 6:
        return "## What moves the optimum\n\nToo few interior optima to tell."
    one = optima.regress(points, {"ln S": [math.log(o.tokens_per_parameter_byte) for o in points]})
    apart = optima.regress(points, {
        "ln D": [math.log(o.cell[1]) for o in points],
        "ln N": [math.log(o.cell[0]) for o in points],
        "ln B": [math.log(o.cell[2]) for o in points],
    })
    extra = one.degrees_of_freedom - apart.degrees_of_freedom
    f_ratio = ((one.residual_sum - apart.residual_sum) / extra) / (
        apart.residual_sum / apart.degrees_of_freedom)
    collapse = f_ratio < 3.3  # 95 % point of F(2, 30); more points, less
    grows = apart.values[1] > 2 * apart.errors[1]
    slopes = slopes_with_errors(apart)
    context.summary.append(
        f"It {'grows' if grows else 'does not measurably grow'} with tokens: slopes of logit f* "
        f"{joined([' '.join(slope) for slope in slopes])}; tokens per parameter-byte alone "
        f"{'collapse' if collapse else 'do not collapse'} the optima.")
    verdict = ("S alone describes them as well as D, N and B apart" if collapse else
               "S alone does not collapse them: D, N and B enter apart")
    if not grows:
        context.disagreements.append("The optimum does not grow with tokens beyond its error.")
    if not collapse:
        context.disagreements.append(
            f"S alone does not collapse the optima (F = {f_ratio:.1f}): slopes "
            + ", ".join(" ".join(slope) for slope in slopes)
            + "; a collapse needs D's slope to be minus that of N and of B.")
    return f"""## What moves the optimum

![Optimal fraction against tokens per parameter-byte]({folder.name}/optimum.svg)

Least squares of logit f* over the {len(points)} interior optima. On ln S alone: slope
{with_error(one.values[1], one.errors[1], 2)}, residual {one.residual:.2f}. On the three apart,
residual {apart.residual:.2f}:

{table(["", "slope of logit f*"], slopes)}

The {len(context.quantized_optima()) - len(points)} cells with their least loss at an edge are left
out. The optimum {"grows" if grows else "does not measurably grow"} with tokens. {verdict}
(F = {f_ratio:.1f} with {extra} and {apart.degrees_of_freedom} degrees of freedom).
{control_moves(context)}"""


def slopes_with_errors(line: optima.Slopes) -> list[list[str]]:
    """Name and slope of each variable."""
    return [[name, with_error(value, error, 2)] for name, value, error in
            zip(line.names[1:], line.values[1:], line.errors[1:])]


def control_moves(context: Context) -> str:
    """What of the growth the control shares."""
    points = [o for o in context.control_optima() if o.interior]
    if len(points) < 6:
        return ""
    line = optima.regress(points, {"ln D": [math.log(o.cell[1]) for o in points],
                                   "ln N": [math.log(o.cell[0]) for o in points]})
    return ("The optimum of the 16-bit control moves as well: slopes "
            + joined([" ".join(slope) for slope in slopes_with_errors(line)])
            + ". That much of the growth the schedule does by itself.")


def predicted_fraction(context: Context, cell: Cell, study: str) -> float | None:
    """The fraction that the fit of `study` answers for a cell; none where it refuses."""
    try:
        return context.service.fraction(study, *cell)["qat_fraction"]["value"]
    except Refused:
        return None
