"""What the 16-bit control says: the schedule of a quantized run with the quantizer off."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np

import optima
import runs
from measured_sections import Context, by_width, predicted_fraction
from optima import Optimum
from runs import Run
from text import joined, signed, size, table, tokens, width


def paired_control(context: Context) -> dict[tuple[int, float, float], list[float]]:
    """Control minus plain full precision by size, budget, fraction: one a replicate."""
    plain = runs.plain(context.rows)
    differences = defaultdict(list)
    for r in context.controls:
        base = plain.get((r.parameters, r.budget, r.replicate))
        if base is not None:
            differences[(r.parameters, r.budget, r.fraction)].append(r.loss - base)
    return dict(sorted(differences.items()))


def baseline(context: Context) -> str:
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
        context.disagreements.append(
            "The baseline is not beyond reproach: the 16-bit control beats the plain "
            f"full-precision run in {len(better)} of {len(differences)} places.")
    else:
        verdict = ("Nowhere does the control beat plain full precision beyond twice the noise: QAT "
                   "owes no gain to a baseline that was left behind.")
    return f"""## The baseline

A QAT schedule has a second cycle of the learning rate, which may help by itself. The 16-bit control
runs the same schedule with the quantizer off. Its loss minus that of the plain full-precision run
of the same seed, nats:

{table(["N", "D", *[f"f = {f:g}" for f in fractions]], body)}

{verdict} {optimum_of_control(context)}"""


def optimum_of_control(context: Context) -> str:
    own = context.control_optima()
    inside = [o for o in own if o.stands_out]
    if not inside:
        return "The control's own loss has no optimum over f that stands out of the noise."
    least, most = min(o.fraction for o in inside), max(o.fraction for o in inside)
    context.summary.append(
        f"The 16-bit control, which has no quantizer, has a best fraction too: between {least:.2f} "
        f"and {most:.2f} in {len(inside)} of {len(own)} places beyond noise.")
    return (f"But its loss has an optimum over f of its own, between {least:.2f} and {most:.2f}, "
            f"that stands out of the noise in {len(inside)} of {len(own)} places: a very short "
            "second cycle costs, and so does a long one. A part of the optimum of quantized runs "
            "is therefore the schedule's.")


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
    found: list[tuple[Optimum, Optimum]] = []  # less control, and as measured
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
        found.append((own, raw))
    less_control = [own for own, _ in found]
    count = sum(o.stands_out for o in less_control)
    stand_out = by_width(less_control, lambda o: o.stands_out)
    context.summary.append(
        f"Less the control an optimum inside stands out of the noise in {count} of "
        f"{len(found)} cells: {stand_out}.")
    if count < len(found) / 2:
        context.disagreements.append(
            f"Less the control an optimum inside stands out in {count} of {len(found)} cells; in "
            "the others it cannot be told from the schedule's, or lies beyond what was measured.")
    shifts = joined([f"{np.mean(v):+.2f} at {width(b)}" for b, v in sorted(moved.items())])
    return f"""## What quantization asks for, the schedule taken away

Loss minus the control's at the same split and seed, plus plain full precision: what is left is the
cost of quantization alone. An interior optimum here is quantization's own; one at the largest
fraction says that quantization by itself would have QAT throughout, as far as was measured.

{table(["N", "D", "bits", "best f as measured", "best f less control", "interval"], body)}

Such an optimum lies inside in {sum(o.interior for o in less_control)} of {len(found)} cells, and
stands out of the noise, with both outermost fractions worse, in {count}: {stand_out}. The
correction moves the optimum by {shifts} on average, edges included.

{law_and_control(context, found)}"""


def law_and_control(context: Context, found: list[tuple[Optimum, Optimum]]) -> str:
    """How far the predicted fraction is from optima less control, and from those as measured."""
    predicted = {own.cell: predicted_fraction(context, own.cell, context.study) for own, _ in found}
    if None in predicted.values():
        return ""
    fractions = [f for curve in context.cells.values() for f in curve]

    def errors(pairs: list[tuple[Optimum, Optimum]]) -> list[str]:
        held = {cell: min(max(f, min(fractions)), max(fractions)) for cell, f in predicted.items()}
        return [f"{np.mean([abs(held[pair[i].cell] - pair[i].fraction) for pair in pairs]):.2f}"
                for i in (0, 1)]

    own, measured = errors(found)
    inside = [pair for pair in found if pair[0].interior and pair[1].interior]
    text = (f"The law, fitted to the losses as measured, predicts fractions that are off by {own} "
            f"from the optima less control and by {measured} from those as measured, both held to "
            f"the fractions that were measured ({min(fractions):g} to {max(fractions):g}).")
    if inside:
        own, measured = errors(inside)
        text += (f" Over the {len(inside)} cells where both optima lie inside it is {own} and "
                 f"{measured}; of an optimum at an edge only the side is known.")
    return text
