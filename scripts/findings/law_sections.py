"""What the fitted law makes of the runs."""

import csv
import io
import itertools
import math
from collections import defaultdict

import numpy as np

import control_sections
from fraction_sections import regret
from measured_sections import Context, predicted_fraction
from runs import Run
from service import Refused
from text import joined, probability, signed, size, table, width


def rows_as_csv(rows: list[Run], optimizer: str, recipe: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["parameters", "fp_tokens", "qat_tokens", "weight_bits", "loss_nats", "role",
                     "recipe", "optimizer", "schedule", "trunk", "replicate"])
    for r in rows:
        writer.writerow([r.parameters, r.fp_tokens, r.qat_tokens, f"{r.weight_bits:g}",
                         repr(r.loss), r.role, recipe if r.weight_bits < 16 else "", optimizer,
                         r.schedule, r.trunk, r.replicate])
    return text.getvalue()


def fit_part(context: Context, name: str, rows: list[Run],
             **fit_options: float | str) -> dict:
    """Fits `rows` as a study of its own, with the options of the study at hand and these."""
    options = context.definition["fit_options"]
    definition = {**context.definition, "fit_options": {**options, **fit_options}}
    return context.service.fit_rows(
        name, definition, rows_as_csv(rows, options.get("optimizer", ""),
                                      options.get("recipe", "")))


def fitted_rows(context: Context) -> list[Run]:
    return context.quantized + [r for r in context.rows if r.role == "FULL_PRECISION"]


def rung(fit: dict) -> str:
    return f"`{fit['variant']}`"


def lack_of_fit(fit: dict) -> str:
    test = fit.get("lack_of_fit")
    if not test:
        return "no test of lack of fit (no replicates)"
    return (f"lack of fit F = {test['f_ratio']:.1f} ({probability(test['p_value'])}): means "
            f"of replicates missed by {test['misfit_rms']:.4f} in log loss, what the runs of a "
            f"trunk share left out; scatter {test['replicate_stddev']:.4f}")


Residuals = dict[tuple[int, float, float, float], float]  # by N, D, bits, f


def mean_residuals(context: Context) -> Residuals:
    """Measured minus predicted loss, nats: the mean of the replicates of each design."""
    sums: dict[tuple, list[float]] = defaultdict(list)
    predicted: dict[tuple, float] = {}
    for r in context.quantized:
        design = (r.parameters, r.fp_tokens, r.qat_tokens, r.weight_bits)
        if design not in predicted:
            predicted[design] = context.service.loss(context.study, *design)
        sums[(r.parameters, r.budget, r.weight_bits, r.fraction)].append(r.loss - predicted[design])
    return {k: float(np.mean(v)) for k, v in sorted(sums.items())}


def means_by(residuals: Residuals, axes: tuple[int, ...]) -> dict[tuple, list[float]]:
    groups: dict[tuple, list[float]] = defaultdict(list)
    for design, value in residuals.items():
        groups[tuple(design[axis] for axis in axes)].append(value)
    return groups


def explained(residuals: Residuals, axes: tuple[int, ...]) -> float:
    """Share of the residuals' variance that goes with these axes, adjusted R squared."""
    groups = means_by(residuals, axes)
    count = len(residuals)
    if count <= len(groups):
        return math.nan
    within = sum(float(np.var(v)) * len(v) for v in groups.values()) / (count - len(groups))
    return 1 - within / float(np.var(list(residuals.values()), ddof=1))


def where_it_misses(residuals: Residuals) -> str:
    """The axes along which the law's losses are off."""
    names = ("N", "D", "B", "f")
    sets = [axes for length in (1, 2) for axes in itertools.combinations(range(4), length)]
    shares = sorted(((explained(residuals, axes), axes) for axes in sets), reverse=True)
    rows = [[" and ".join(names[axis] for axis in axes), f"{100 * max(0.0, share):.0f} %"]
            for share, axes in shares]
    by_bits_and_fraction = means_by(residuals, (2, 3))
    fractions = sorted({f for _, f in by_bits_and_fraction})
    means = {key: float(np.mean(values)) for key, values in by_bits_and_fraction.items()}
    ends = [(means.get((bits, fractions[0])), means.get((bits, fractions[-1])), bits)
            for bits in sorted({b for b, _ in means})]
    slopes = joined([f"{signed(last - first)} at {width(bits)}" for first, last, bits in ends
                     if first is not None and last is not None])
    body = [[f"{bits:g}", *[signed(means[(bits, f)]) if (bits, f) in means else ""
                            for f in fractions]] for _, _, bits in ends]
    return f"""Where it misses: mean of measured minus predicted loss, nats, by width (rows) and QAT
fraction.

{table(["bits", *[f"f = {f:g}" for f in fractions]], body)}

Which dependence is wrong: the share of the variance of these residuals (means of replicates,
{len(residuals)} designs) that goes with one or two axes, adjusted for their number of levels.
Two axes include what goes with each of them. A right form with noise alone has 0 % everywhere.

{table(["axes", "share"], rows)}

{largest_share(shares[0][1], slopes)}"""


def largest_share(axes: tuple[int, ...], slopes: str) -> str:
    text = f"From the least fraction to the largest the means above change by {slopes}."
    if axes != (2, 3):
        return text
    return (f"The largest share goes with B and f. {text} Below 0, losses fall faster with QAT "
            "tokens than the law has it. Where misses show does not tell which term causes them; "
            "the next section changes the terms.")


def ladder(fit: dict) -> str:
    return "\n".join(f"- `{step['variant']}`: "
                     f"{'taken' if step['accepted'] else step['explanation']}"
                     for step in fit["ladder"])


def fit_quality(context: Context) -> str:
    fit = context.fit
    if "residual_rms" not in fit:
        context.disagreements.append(
            "The runs identify no law of the loss that knows about the split.")
        return f"""## The law

No rung of the law of losses is identified; the server answers from {rung(fit)} alone:

{ladder(fit)}"""
    coefficients = [
        [f"`{c['name']}`", f"{c['value']:.4g}",
         f"{c['standard_error']:.2g}" if "standard_error" in c else "", c["unit"],
         "at a bound" if c["at_bound"] else ""]
        for c in fit["coefficients"]
    ]
    test = fit.get("lack_of_fit")
    context.summary.append(f"The law stands on rung {rung(fit)}; {lack_of_fit(fit)}.")
    if test and test["p_value"] < 0.01:
        context.disagreements.append(
            f"The law's form misses these runs: {lack_of_fit(fit)}.")
    return f"""## The law

The fit stands on rung {rung(fit)} of the ladder: {fit["experiment_count"]} rows, root mean square
of the residuals {float(fit["residual_rms"]):.4f} in log loss; {lack_of_fit(fit)}. Its formula:

`{fit["formula"]}`

{ladder(fit)}

{table(["coefficient", "value", "standard error", "unit", ""], coefficients)}

{where_it_misses(mean_residuals(context))}"""


FULL_PRECISION_WEIGHTS = (0.3, 0.1)


def other_rows(context: Context) -> list[tuple[str, list[Run], dict[str, float]]]:
    """Other rows, or other weights of them, to fit the law to."""
    rows = fitted_rows(context)
    widths = sorted({r.weight_bits for r in context.quantized})
    return [
        ("all", rows, {}),
        *((f"full precision with weight {weight:g}", rows, {"full_precision_weight": weight})
          for weight in FULL_PRECISION_WEIGHTS),
        *((f"without {width(bits)}", [r for r in rows if r.weight_bits != bits], {})
          for bits in widths if len(widths) > 2),
    ]


def law_of_rows(
    context: Context, name: str, rows: list[Run], options: dict[str, float]
) -> list[str]:
    """Cells of a table: the rung of a fit to `rows`, and how far it is off."""
    fit = fit_part(context, name, rows, **options)
    test = fit.get("lack_of_fit")
    known = [rung(fit), f"{test['misfit_rms']:.4f}" if test else "unknown"]
    widths = {r.weight_bits for r in rows}
    asked = [o for o in context.quantized_optima() if o.cell[2] in widths]
    told = [(o, f) for o in asked if (f := predicted_fraction(context, o.cell, name)) is not None]
    known.append(f"{len(told)} of {len(asked)}")
    if not told:
        return [*known, "", ""]
    errors = [abs(predicted - o.fraction) for o, predicted in told]
    regrets = [r for o, predicted in told if (r := regret(context, o.cell, predicted)) is not None]
    return [*known, f"{np.mean(errors):.3f}", f"{np.mean(regrets):.4f}" if regrets else ""]


def what_it_is_fitted_to(context: Context) -> str:
    """Which rows pull the law away from the others."""
    if "residual_rms" not in context.fit:
        return ""
    body = [
        [label, *law_of_rows(context, f"{context.study}-part-{index}", rows, options)]
        for index, (label, rows, options) in enumerate(other_rows(context))
    ]
    silent = [label for label, *_, error, _ in body if not error]
    verdict = ""
    if silent:
        verdict = (f"Fitted {joined(silent)} the law tells no fraction at all. The interior optima "
                   "that it has otherwise, at any width, rest on those runs.")
        context.disagreements.append(f"Fitted {joined(silent)} the law has no interior optimum.")
    return f"""## Which runs pull the law

Its loss falls to that of full precision as the QAT terms vanish, so full-precision runs are fitted
with the rest, and all widths share their exponents. The law fitted with less weight on the runs in
full precision, and without those of one width; errors of *f* and regrets over the cells for which
it tells a fraction, regrets where that lies between measured ones:

{table(["runs", "rung", "means missed, log loss", "cells told", "mean error of f",
        "mean regret, nats"], body)}

{verdict}"""


def control_corrected(context: Context) -> str:
    rows = control_sections.corrected(context)
    if not rows:
        return ""
    rows += [r for r in context.rows if r.role == "FULL_PRECISION"]
    try:
        fit = fit_part(context, f"{context.study}-corrected", rows)
    except Refused as refusal:
        return f"## The law, fitted to losses less their control\n\nNot possible: {refusal}"
    if "residual_rms" not in fit or "residual_rms" not in context.fit:
        return f"""## The law, fitted to losses less their control

Not both fits have a law of the loss: {rung(context.fit)} as measured, {rung(fit)} less control."""
    return f"""## The law, fitted to losses less their control

The same fit on quantized losses minus the control's plus plain full precision: rung {rung(fit)},
{fit["experiment_count"]} rows, residuals {float(fit["residual_rms"]):.4f} (as measured:
{float(context.fit["residual_rms"]):.4f}); {lack_of_fit(fit)}. {on_same_rung(context, fit, rows)}"""


def on_same_rung(context: Context, fit: dict, rows: list[Run]) -> str:
    """Whether the misfit of the law as measured is the schedule's; `fit` is that of `rows`."""
    same, text = fit, ""
    if fit["variant"] != context.fit["variant"]:
        name = f"{context.study}-corrected-same-rung"
        same = fit_part(context, name, rows, variant=context.fit["variant"])
        cells = context.quantized_optima()
        told = sum(predicted_fraction(context, o.cell, name) is not None for o in cells)
        if told == 0:
            context.disagreements.append(
                "Fitted to losses less their control the law has no interior optimum either.")
        text = (f"Another rung than as measured is hard to compare; on {rung(context.fit)} it has "
                f"{lack_of_fit(same)}, and tells a fraction in {told} of {len(cells)} cells. ")
    raw, own = context.fit.get("lack_of_fit"), same.get("lack_of_fit")
    if not raw or not own:
        return text.strip()
    better = own["f_ratio"] < 0.7 * raw["f_ratio"]
    return text + ("A good part of the misfit of losses is the schedule's." if better else
                   "The misfit of losses does not come from the schedule.")


def largest_size_held_out(context: Context) -> str:
    largest = max(r.parameters for r in context.quantized)
    rows = [r for r in fitted_rows(context) if r.parameters < largest]
    name = f"{context.study}-without-largest"
    try:
        fit = fit_part(context, name, rows)
    except Refused as refusal:
        return f"## The largest size held out\n\nNot possible: {refusal}"
    if "residual_rms" not in fit:
        return f"""## The largest size held out

Without the runs of the largest size the fit stands on {rung(fit)}, which predicts no losses."""
    held: dict[tuple, list[float]] = defaultdict(list)
    for r in context.quantized:
        if r.parameters == largest:
            held[(r.fp_tokens, r.qat_tokens, r.weight_bits)].append(r.loss)
    by_bits: dict[float, list[float]] = defaultdict(list)
    for (fp, qat, bits), losses in held.items():
        predicted = context.service.loss(name, largest, fp, qat, bits)
        by_bits[bits].append(float(np.mean(losses)) - predicted)
    errors = np.array([e for part in by_bits.values() for e in part])
    rms = float(np.sqrt(np.mean(errors**2)))
    own = [value for (n, bits), value in context.noise_by_model.items()
           if n == largest and bits < 16] or [context.noise]
    noise = math.sqrt(float(np.mean([value.curve**2 + value.run**2 for value in own])))
    context.summary.append(f"Held out, the largest size is missed by {rms:.4f} nats, "
                           f"{rms / noise:.0f} times the noise of a run there ({noise:.4f}).")
    if rms > 3 * noise:
        context.disagreements.append(
            f"Extrapolated to the largest size the law misses by {rms:.4f} nats, "
            f"{rms / noise:.0f} times the noise of a run there ({noise:.4f}).")
    body = [[f"{bits:g}", signed(float(np.mean(part)), 4),
             f"{float(np.sqrt(np.mean(np.square(part)))):.4f}", str(len(part))]
            for bits, part in sorted(by_bits.items())]
    return f"""## The largest size held out

Fitted without the runs of {size(largest)} parameters (rung {rung(fit)}), the law's losses there
miss the measured means by {rms:.4f} nats (root mean square). A run of that size has a noise of
{noise:.4f}, what its seed shares over the fractions included. Measured minus predicted:

{table(["bits", "mean, nats", "root mean square", "splits"], body)}"""
