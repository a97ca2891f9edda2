"""What other schedules than the study's do to the losses and to the optimum."""

from collections import defaultdict
from dataclasses import replace
from math import inf, sqrt

import numpy as np

import optima
import runs
from measured_sections import Context
from runs import Run
from text import bits_name, joined, signed, size, table, tokens, width

Place = tuple[int, float]  # parameters, budget

# What the campaign took, named as the sweep names its settings; its runs of the
# first seed stand in the sweep's table too.
CHOSEN = {
    1e6: "adamw, peak x1.4, cooldown 0.5",
    4e6: "adamw, peak x1.4, cooldown 0.5",
    16e6: "adamw, peak x0.7, cooldown 0.5",
}


def mean_losses(rows: list[Run]) -> dict[Place, dict[str, float]]:
    """Mean loss by place and optimizer."""
    losses: dict[Place, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for r in rows:
        losses[(r.parameters, r.budget)][r.optimizer].append(r.loss)
    return {place: {name: float(np.mean(values)) for name, values in by_name.items()}
            for place, by_name in losses.items()}


def sweep(context: Context) -> str:
    """Peak rates and cooldowns that were tried."""
    if not context.sweep:
        return ""
    places = {(r.parameters, r.budget) for r in context.sweep}
    fractions = {r.fraction for r in context.sweep if r.role == "CONTROL"}
    taken = [replace(r, optimizer=CHOSEN[r.budget])
             for r in context.controls + [r for r in context.rows if r.role == "FULL_PRECISION"]
             if (r.parameters, r.budget) in places and r.budget in CHOSEN and r.replicate == 0
             and r.fraction in fractions | {0}]
    tried = context.sweep + taken
    plain = mean_losses([r for r in tried if r.role == "FULL_PRECISION"])
    control = mean_losses([r for r in tried if r.role == "CONTROL"])
    names = sorted({name for by_name in plain.values() for name in by_name})
    fraction = joined([f"{f:g}" for f in sorted(fractions)])
    body = []
    for place in sorted(plain):
        best = min(plain[place].values())
        row = [size(place[0]), tokens(place[1])]
        for name in names:
            loss = plain[place].get(name)
            if loss is None:
                row.append("")
                continue
            other = control.get(place, {}).get(name)
            mark = "**" if loss == best else ""
            row.append(f"{mark}{loss:.3f}{mark}" +
                       (f" / {signed(other - loss)}" if other is not None else ""))
        body.append(row)
    return f"""## How the baseline was chosen

One seed of plain full precision was trained at each size and budget with several peak rates (as
multiples of .0045, .0035, .00275 and .002 from the smallest to the largest size) and lengths of the
cooldown (as a part of the full-precision phase), and at most places its 16-bit control,
{len(context.sweep)} runs: at 1 M tokens and at the smaller sizes before the campaign, elsewhere
after it, to see whether its choice holds. Loss of plain full precision, the least of a row in bold;
after the stroke what the control with f = {fraction} adds to it:

{table(["N", "D", *[name.removeprefix("adamw, ") for name in names]], body)}

The campaign takes a cooldown over half of the phase, 1.4 times the rate at 1 M and 4 M tokens and
.7 times at 16 M. {regret_of_choice(plain)} {shorter_cooldown(plain)}"""


def shorter_cooldown(plain: dict[Place, dict[str, float]]) -> str:
    """What a cooldown of other length does at the rate that the campaign took."""
    changes = []
    for place, losses in plain.items():
        chosen = CHOSEN[place[1]]
        shorter = chosen.replace("cooldown 0.5", "cooldown 0.2")
        if chosen in losses and shorter in losses:
            changes.append((place[1], place[0], losses[shorter] - losses[chosen]))
    if not changes:
        return ""
    return ("With its rates a cooldown over 0.2 of the phase in place of 0.5 changes the loss by " +
            joined([f"{signed(change)} ({size(n)}, {tokens(d)})"
                    for d, n, change in sorted(changes)]) + ".")


def regret_of_choice(plain: dict[Place, dict[str, float]]) -> str:
    """What the campaign's settings cost beside the best that was tried."""
    behind = {place: losses[CHOSEN[place[1]]] - min(losses.values())
              for place, losses in plain.items()
              if place[1] in CHOSEN and CHOSEN[place[1]] in losses}
    worst = max(behind, key=behind.__getitem__)
    return (f"Its choice is the best of its row in {sum(b == 0 for b in behind.values())} of "
            f"{len(behind)} rows, and behind it by {max(behind.values()):.4f} nats at most "
            f"({size(worst[0])}, {tokens(worst[1])}).")


def fused(context: Context) -> str:
    rows = runs.quantized(context.rows, "fused") + runs.controls(context.rows, "fused")
    gains = paired_gains(context, runs.cells(rows))
    if not gains:
        return ""
    fractions = sorted({f for _, f in gains})
    errors = gain_errors(gains)
    body, best = [], []
    for cell, curve in runs.cells(rows).items():
        classic = context.cells.get(cell)
        if not classic:
            continue
        body.append([*place_and_width(cell),
                     *[signed(float(np.mean(gains[(cell, f)]))) if (cell, f) in gains else ""
                       for f in fractions], f"{errors[cell[2]]:.3f}" if cell[2] in errors else ""])
        (classic_loss, classic_at), (loss, at) = least_mean(classic), least_mean(curve)
        best.append((cell, classic_at, at, classic_loss - loss))
    context.summary.append("Classic minus fused cooldown, each at its own best, by budget: "
                           f"{by_bits(best)}. Above 0, fusing helps; what the control gains, the "
                           "schedule gains.")
    tell_of_one_bit(context, best, errors)
    return f"""## Fused or classic cooldown

Loss of the classic schedule minus that of the fused one (decay inside QAT), at equal fraction;
above 0, fusing helps. The last column is the standard error of each, from the differences of
replicates. The paper: it helps at 4 and 6 bits, not at 1.

{table(["N", "D", "bits", *[f"f = {f:g}" for f in fractions], "error"], body)}

Each at its own best fraction, among those measured, which for the fused one may be the outermost.
Where the control, which has no quantizer, gains as much, it is the schedule that gains:

{table(["N", "D", "bits", "best f, classic", "best f, fused", "classic minus fused"],
       [[*place_and_width(cell), f"{classic_at:g}", f"{at:g}", signed(gain)]
        for cell, classic_at, at, gain in best])}"""


def tell_of_one_bit(context: Context, best: list[tuple[runs.Cell, float, float, float]],
                    errors: dict[float, float]) -> None:
    """Whether fusing helps at 1 bit, against the paper, by more than it helps the control."""
    gains = {cell: gain for cell, _, _, gain in best}
    own = {cell: gain - gains[(*cell[:2], 16)] for cell, gain in gains.items()
           if cell[2] == 1 and (*cell[:2], 16) in gains}
    noise = sqrt(errors.get(1, inf) ** 2 + errors.get(16, inf) ** 2)
    helped = [change for change in own.values() if change > 2 * noise]
    if helped:
        context.disagreements.append(
            "Fusing the cooldown helps at 1 bit, where the paper found that it does not: by "
            + joined([f"{change:.3f}" for change in helped])
            + " nats more than it helps the control.")


Curve = dict[float, dict[int, float]]  # losses by fraction and replicate


def place_and_width(cell: runs.Cell) -> list[str]:
    return [size(cell[0]), tokens(cell[1]), bits_name(cell[2])]


def paired_gains(
    context: Context, curves: dict[runs.Cell, Curve]
) -> dict[tuple[runs.Cell, float], list[float]]:
    """Loss of the study's schedule minus that of `curves`, one a replicate."""
    found = {}
    for cell, curve in curves.items():
        classic = context.cells.get(cell, {})
        for f in sorted(set(curve) & set(classic)):
            common = sorted(set(curve[f]) & set(classic[f]))
            if common:
                found[(cell, f)] = [classic[f][k] - curve[f][k] for k in common]
    return found


def gain_errors(gains: dict[tuple[runs.Cell, float], list[float]]) -> dict[float, float]:
    """Standard error of a mean gain by width, over cells and fractions: two schedules of
    one seed differ by more than the noise of runs about their curves."""
    spreads: dict[float, list[float]] = defaultdict(list)
    for (cell, _), values in gains.items():
        if len(values) > 1:
            spreads[cell[2]].append(float(np.var(values, ddof=1)) / len(values))
    return {bits: sqrt(float(np.mean(values))) for bits, values in spreads.items()}


def least_mean(curve: Curve) -> tuple[float, float]:
    """(least mean loss, its fraction)."""
    return min((float(np.mean(list(losses.values()))), f) for f, losses in curve.items())


def by_bits(best: list[tuple[runs.Cell, float, float, float]]) -> str:
    """The gains at the own best fractions, in words."""
    gains: dict[float, list[str]] = defaultdict(list)
    for (_, _, bits), _, _, gain in best:
        gains[bits].append(signed(gain))
    return "; ".join(f"{', '.join(values)} at {bits_name(bits) if bits == 16 else width(bits)}"
                     for bits, values in sorted(gains.items()))


def other_schedules(context: Context) -> str:
    """Optima under schedules other than the study's and the fused one."""
    names = sorted({r.schedule for r in context.rows if r.role in ("FP_THEN_QAT", "CONTROL")}
                   - {context.schedule, "fused"})
    return "\n\n".join(other_schedule(context, name) for name in names)


def other_schedule(context: Context, name: str) -> str:
    body = []
    rows = runs.quantized(context.rows, name) + runs.controls(context.rows, name)
    for cell, curve in runs.cells(rows).items():
        own = optima.measure(cell, curve, context.run_noise(cell[0], cell[2]), context.random)
        usual = context.optima.get(cell)
        if own is None or usual is None:
            continue
        body.append([size(cell[0]), tokens(cell[1]), bits_name(cell[2]),
                     *[f"{o.fraction:.2f}" + ("" if o.interior else " (edge)")
                       for o in (usual, own)], signed(own.loss - usual.loss)])
    return f"""## Schedule "{name}"

The same runs with this schedule in place of `{context.schedule}`. Where the control, which has no
quantizer, moves along, the schedule asks for its tokens and not the quantizer.

{table(["N", "D", "bits", f"best f, {context.schedule}", "best f here", "best loss, difference"],
       body)}"""
