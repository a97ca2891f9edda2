"""What the measured losses say by themselves, without a law."""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

import optima
import runs
from optima import Optimum
from runs import Cell, Run
from service import Refused, Service
from text import bits_name, joined, signed, size, table, tokens, width, with_error


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


def paired_control(context: Context) -> dict[tuple[int, float, float], list[float]]:
    """Control minus plain full precision by size, budget, fraction: one a replicate."""
    plain = runs.plain(context.rows)
    differences = defaultdict(list)
    for r in context.controls:
        base = plain.get((r.parameters, r.budget, r.replicate))
        if base is not None:
            differences[(r.parameters, r.budget, r.fraction)].append(r.loss - base)
    return dict(sorted(differences.items()))


def baseline(context: Context, disagreements: list[str]) -> str:
    differences = paired_control(context)
    if not differences:
        return ""
    fractions = sorted({f for _, _, f in differences})
    body, better = [], []
    for n, d in sorted({(n, d) for n, d, _ in differences}):
        row = [size(n), tokens(d)]
        for f in fractions:
            values = differences.get((n, d, f))
            row.append(signed(np.mean(values)) if values else "")
            if values:
                error = context.run_noise(n, 16) * math.sqrt(2 / len(values))
                if np.mean(values) < -2 * error:
                    better.append(f"{size(n)}, {tokens(d)}, f = {f:g} ({signed(np.mean(values))})")
        body.append(row)
    if better:
        verdict = (f"The control beats plain full precision beyond twice the noise in "
                   f"{len(better)} of {len(differences)} places: {'; '.join(better)}. There a part "
                   "of the measured optimum is the schedule's, not the quantizer's.")
        disagreements.append("The baseline is not beyond reproach: the 16-bit control beats the "
                             f"plain full-precision run in {len(better)} of {len(differences)} "
                             "places.")
    else:
        verdict = ("Nowhere does the control beat plain full precision beyond twice the noise: an "
                   "interior optimum of the quantized runs is not the schedule's doing.")
    return f"""## The baseline

A QAT schedule has a second cycle of the learning rate, which may help by itself. The 16-bit control
runs the same schedule with the quantizer off. Its loss minus that of the plain full-precision run
of the same seed, nats:

{table(["N", "D", *[f"f = {f:g}" for f in fractions]], body)}

{verdict}"""


def interior_optimum(context: Context, folder: Path, disagreements: list[str]) -> str:
    body = []
    for o in context.optima.values():
        n, d, bits = o.cell
        fraction = f"{o.fraction:.2f}" if o.interior else f"at the edge, {o.fraction:.2f}"
        body.append([size(n), tokens(d), bits_name(bits), f"{o.tokens_per_parameter_byte:.0f}",
                     fraction, f"{o.lower:.2f} to {o.upper:.2f}", f"{100 * o.interior_share:.0f} %",
                     f"{o.loss:.3f}", with_error(o.reference_excess, o.reference_error)])
    quantized = context.quantized_optima()
    interior = [o for o in quantized if o.interior]
    told = [o for o in quantized if o.told]
    by_bits = []
    for bits in sorted({o.cell[2] for o in quantized}):
        part = [o for o in quantized if o.cell[2] == bits]
        by_bits.append(f"{sum(o.interior for o in part)} of {len(part)} at {width(bits)} "
                       f"({sum(o.told for o in part)} beyond noise)")
    if len(interior) < len(quantized):
        disagreements.append(f"{len(quantized) - len(interior)} of {len(quantized)} cells have "
                             "their least loss at the outermost fraction that was measured.")
    return f"""## Is there an interior optimum?

![Loss against QAT fraction]({folder.name}/loss.svg)

In {len(interior)} of {len(quantized)} cells the least mean loss lies between the outermost
fractions; in {len(told)} of them the loss at f = {optima.REFERENCE_FRACTION:g} is worse than the
best by more than twice its standard error. By width: {joined(by_bits)}. Interval and share of
interior optima are from {optima.DRAWS} draws of the run noise.

{table(["N", "D", "bits", "S", "best f", "interval", "interior", "loss there",
        f"loss at {optima.REFERENCE_FRACTION:g} minus best"], body)}"""


def what_moves_it(context: Context, folder: Path, disagreements: list[str]) -> str:
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
    verdict = ("S alone describes them as well as D, N and B apart" if collapse else
               "S alone does not collapse them: D, N and B enter apart")
    if not grows:
        disagreements.append("The optimum does not grow with tokens beyond its error.")
    if not collapse:
        disagreements.append(f"S alone does not collapse the optima (F = {f_ratio:.1f}): slopes "
                             + ", ".join(f"{n} {with_error(v, e, 2)}" for n, v, e in
                                         zip(apart.names[1:], apart.values[1:], apart.errors[1:]))
                             + "; a collapse needs D's slope to be minus that of N and of B.")
    rows = [[n, with_error(v, e, 2)] for n, v, e in
            zip(apart.names[1:], apart.values[1:], apart.errors[1:])]
    return f"""## What moves the optimum

![Optimal fraction against tokens per parameter-byte]({folder.name}/optimum.svg)

Least squares of logit f* over the {len(points)} interior optima. On ln S alone: slope
{with_error(one.values[1], one.errors[1], 2)}, residual {one.residual:.2f}. On the three apart,
residual {apart.residual:.2f}:

{table(["", "slope of logit f*"], rows)}

The optimum {"grows" if grows else "does not measurably grow"} with tokens. {verdict}
(F = {f_ratio:.1f} with {extra} and {apart.degrees_of_freedom} degrees of freedom)."""


def corrected(context: Context) -> list[Run]:
    """Quantized runs less what the schedule does by itself: their loss minus that
    of the control of the same split and seed, plus the plain full-precision run."""
    control = {(r.parameters, r.fp_tokens, r.qat_tokens, r.replicate): r.loss
               for r in context.controls}
    plain = runs.plain(context.rows)
    result = []
    for r in context.quantized:
        same = control.get((r.parameters, r.fp_tokens, r.qat_tokens, r.replicate))
        base = plain.get((r.parameters, r.budget, r.replicate))
        if same is not None and base is not None:
            result.append(replace(r, loss=r.loss - same + base))
    return result


def against_control(context: Context) -> str:
    rows = corrected(context)
    if not rows:
        return ""
    body = []
    moved = defaultdict(list)
    errors: list[tuple[float, float]] = []
    for cell, curve in runs.cells(rows).items():
        run_noise = math.hypot(context.run_noise(cell[0], cell[2]), context.run_noise(cell[0], 16))
        own = optima.measure(cell, curve, run_noise, context.random)
        raw = context.optima.get(cell)
        if own is None or raw is None:
            continue
        edge = "" if own.interior else " (edge)"
        body.append([size(cell[0]), tokens(cell[1]), f"{cell[2]:g}", f"{raw.fraction:.2f}",
                     f"{own.fraction:.2f}{edge}", f"{own.lower:.2f} to {own.upper:.2f}"])
        moved[cell[2]].append(own.fraction - raw.fraction)
        predicted = predicted_fraction(context, cell)
        if predicted is not None:
            errors.append((abs(predicted - own.fraction), abs(predicted - raw.fraction)))
    shifts = joined([f"{np.mean(v):+.2f} at {width(b)}" for b, v in sorted(moved.items())])
    return f"""## What quantization asks for, the schedule taken away

Loss minus the control's at the same split and seed, plus plain full precision: what is left is the
cost of quantization alone. That cost falls with QAT tokens throughout if quantization never prefers
full-precision tokens; an interior optimum here is quantization's own.

{table(["N", "D", "bits", "best f as measured", "best f less control", "interval"], body)}

The correction moves the optimum by {shifts} on average. {law_and_control(errors)}"""


def predicted_fraction(context: Context, cell: runs.Cell) -> float | None:
    try:
        return context.service.fraction(context.study, *cell)["qat_fraction"]["value"]
    except Refused:
        return None


def law_and_control(errors: list[tuple[float, float]]) -> str:
    """`errors` of the predicted fraction: to the optimum less control, and as measured."""
    if not errors:
        return ""
    less_control, measured = np.mean(errors, axis=0)
    return (f"The law, fitted to the losses as measured, predicts fractions that are off by "
            f"{less_control:.2f} from the optima less control and by {measured:.2f} from those as "
            "measured.")


def equal_memory(context: Context) -> str:
    plain = defaultdict(list)
    for (n, d, _), loss in runs.plain(context.rows).items():
        plain[(n, d)].append(loss)
    body = []
    for o in context.quantized_optima():
        n, d, bits = o.cell
        if (n, d) not in plain:
            continue
        smaller = [(m, np.mean(v)) for (m, e), v in plain.items()
                   if e == d and m * 16 <= n * bits * 1.02]
        against = (f"{o.loss - min(v for _, v in smaller):+.3f}" if smaller else "none so small")
        body.append([size(n), tokens(d), f"{bits:g}", f"{n * bits / 8 / 1024:.1f}",
                     with_error(o.loss - np.mean(plain[(n, d)]), context.run_noise(n, bits)),
                     against])
    if not body:
        return ""
    best = []
    for d in sorted({o.cell[1] for o in context.quantized_optima()}):
        points = [o for o in context.quantized_optima() if o.cell[1] == d]
        for cap in sorted({o.cell[0] * o.cell[2] / 8 for o in points}):
            fitting = [o for o in points if o.cell[0] * o.cell[2] / 8 <= cap * 1.02]
            widths = {o.cell[2] for o in fitting}
            if len(widths) < 2 or len({o.cell[0] for o in fitting}) < 2:
                continue
            first, second = sorted(fitting, key=lambda o: o.loss)[:2]
            best.append([tokens(d), f"{cap / 1024:.1f}", f"{first.cell[2]:g}", size(first.cell[0]),
                         f"{second.cell[2]:g}, {size(second.cell[0])}",
                         f"{second.loss - first.loss:.3f}"])
    return f"""## Against full precision, and at equal memory

Best QAT loss minus full precision: of the same size and tokens, and of the largest full-precision
model of no more memory (16 bits a weight, blocks only):

{table(["N", "D", "bits", "KiB of weights", "minus FP, same N", "minus FP, same memory"], body)}

Best width within a cap on the weights' memory, at equal tokens, among what was measured:

{table(["D", "KiB", "best bits", "N", "runner-up", "its cost, nats"], best)}"""
