"""What other schedules than the study's do to the losses and to the optimum."""

from collections import defaultdict
from dataclasses import replace
from math import sqrt

import numpy as np

import optima
import runs
from measured_sections import Context
from runs import Run
from text import bits_name, joined, signed, size, table, tokens, with_error

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
    """Peak rates and cooldowns that were tried before the campaign."""
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

One seed of plain full precision was trained at sizes and budgets with several peak rates (as
multiples of .0045, .0035, .00275 and .002 from the smallest to the largest size) and lengths of the
cooldown (as a part of the full-precision phase), {len(context.sweep)} runs: at 1 M tokens and at
the smaller sizes before the campaign, elsewhere after it, to see whether its choice holds. Loss of
plain full precision, the least of a row in bold; after the stroke what the 16-bit control with
f = {fraction} adds to it:

{table(["N", "D", *[name.removeprefix("adamw, ") for name in names]], body)}

The campaign takes a cooldown over half of the phase, 1.4 times the rate at 1 M and 4 M tokens and
.7 times at 16 M. {regret_of_choice(plain)}"""


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
    rows = [r for r in context.rows if r.schedule == "fused" and r.role == "FP_THEN_QAT"]
    if not rows:
        return ""
    body, best = [], []
    for cell, curve in runs.cells(rows).items():
        classic = context.cells.get(cell)
        if not classic:
            continue
        for f in sorted(set(curve) & set(classic)):
            common = sorted(set(curve[f]) & set(classic[f]))
            if common:
                gain = float(np.mean([classic[f][k] - curve[f][k] for k in common]))
                error = context.run_noise(cell[0], cell[2]) * sqrt(2 / len(common))
                body.append([size(cell[0]), tokens(cell[1]), f"{cell[2]:g}", f"{f:g}",
                             with_error(gain, error)])
        least = min(np.mean(list(v.values())) for v in curve.values())
        classic_least = min(np.mean(list(v.values())) for v in classic.values())
        best.append([size(cell[0]), tokens(cell[1]), f"{cell[2]:g}", signed(classic_least - least)])
    return f"""## Fused or classic cooldown

Loss of the classic schedule minus that of the fused one (decay inside QAT), at equal fraction;
above 0, fusing helps. The paper: it helps at 4 and 6 bits, not at 1.

{table(["N", "D", "bits", "f", "classic minus fused"], body)}

Each at its own best fraction:

{table(["N", "D", "bits", "classic minus fused"], best)}"""


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
