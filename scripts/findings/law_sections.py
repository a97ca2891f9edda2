"""What the fitted law makes of the runs."""

import csv
import io
import itertools
import math
from collections import defaultdict

import numpy as np

import measured_sections
import optima
from measured_sections import Context
from runs import Run
from service import Refused
from text import signed, size, table, tokens, width

PAPER_FRACTION_ERROR = 0.091  # mean absolute error, arXiv 2509.22935
PAPER_FRACTION_COEFFICIENT = 6.7297  # a of f* = exp(-a / ln S)


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


def fit_part(context: Context, name: str, rows: list[Run], **fit_options: float) -> dict:
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
    return (f"lack of fit F = {test['f_ratio']:.1f} (p = {test['p_value']:.1g}): means of "
            f"replicates missed by {test['misfit_rms']:.4f} in log loss, scatter "
            f"{test['replicate_stddev']:.4f}")


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
    """The axes along which the law's form fails: the law has a term for each pair."""
    names = ("N", "D", "B", "f")
    sets = [axes for length in (1, 2) for axes in itertools.combinations(range(4), length)]
    shares = sorted(((explained(residuals, axes), axes) for axes in sets), reverse=True)
    rows = [[" and ".join(names[axis] for axis in axes), f"{100 * max(0.0, share):.0f} %"]
            for share, axes in shares]
    by_bits_and_fraction = means_by(residuals, (2, 3))
    fractions = sorted({f for _, f in by_bits_and_fraction})
    body = [[f"{bits:g}", *[signed(float(np.mean(by_bits_and_fraction[(bits, f)])))
                            if (bits, f) in by_bits_and_fraction else "" for f in fractions]]
            for bits in sorted({b for b, _ in by_bits_and_fraction})]
    return f"""Where it misses: mean of measured minus predicted loss, nats, by width (rows) and QAT
fraction.

{table(["bits", *[f"f = {f:g}" for f in fractions]], body)}

Which dependence is wrong: the share of the variance of these residuals (means of replicates,
{len(residuals)} designs) that goes with one or two axes, adjusted for their number of levels.
A right form with noise alone has 0 % everywhere.

{table(["axes", "share"], rows)}"""


def ladder(fit: dict) -> str:
    return "\n".join(f"- `{step['variant']}`: "
                     f"{'taken' if step['accepted'] else step['explanation']}"
                     for step in fit["ladder"])


def fit_quality(context: Context, disagreements: list[str]) -> str:
    fit = context.fit
    if "residual_rms" not in fit:
        disagreements.append("The runs identify no law of the loss that knows about the split.")
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
    if test and test["p_value"] < 0.01:
        disagreements.append(
            f"The law's form misses these runs: {lack_of_fit(fit)}.")
    return f"""## The law

The fit stands on rung {rung(fit)} of the ladder: {fit["experiment_count"]} rows, root mean square
of the residuals {float(fit["residual_rms"]):.4f} in log loss; {lack_of_fit(fit)}.

{ladder(fit)}

{table(["coefficient", "value", "standard error", "unit", ""], coefficients)}

{where_it_misses(mean_residuals(context))}"""


def regret(context: Context, cell: tuple[int, float, float], fraction: float) -> float:
    """Measured loss at `fraction`, between the measured ones, minus the best measured one."""
    curve = context.cells[cell]
    best = min(float(np.mean(list(losses.values()))) for losses in curve.values())
    return optima.loss_at(curve, fraction) - best


def predicted_fractions(context: Context, disagreements: list[str]) -> str:
    body, errors, regrets, covered, told_errors = [], [], [], 0, []
    for o in context.quantized_optima():
        n, d, bits = o.cell
        try:
            answer = context.service.fraction(context.study, n, d, bits)
        except Refused as refusal:
            return f"## The predicted fraction\n\nThe server refuses: {refusal}"
        estimate = answer["qat_fraction"]
        inside = estimate.get("lower", 0) <= o.fraction <= estimate.get("upper", 1)
        covered += inside
        errors.append(abs(estimate["value"] - o.fraction))
        if o.told:
            told_errors.append(errors[-1])
        regrets.append(regret(context, o.cell, estimate["value"]))
        body.append([size(n), tokens(d), f"{bits:g}",
                     f"{o.fraction:.2f}" + ("" if o.interior else " (edge)"),
                     f"{estimate['value']:.2f} ({estimate.get('lower', 0):.2f} to "
                     f"{estimate.get('upper', 1):.2f})", "yes" if inside else "no",
                     signed(regrets[-1])])
    mean_error = float(np.mean(told_errors)) if told_errors else math.nan
    if told_errors and mean_error > PAPER_FRACTION_ERROR:
        disagreements.append(
            f"The predicted fraction misses the measured one by {mean_error:.3f} on average where "
            f"it can be told (the paper: {PAPER_FRACTION_ERROR}).")
    if covered < 0.8 * len(body):
        disagreements.append(f"Only {covered} of {len(body)} measured optima lie in the 90 % "
                             "interval of the prediction.")
    return f"""## The predicted fraction

Mean absolute error of the predicted fraction: {mean_error:.3f} over the {len(told_errors)} cells
whose optimum stands out of the noise, {np.mean(errors):.3f} over all {len(errors)} (the paper:
{PAPER_FRACTION_ERROR}). {covered} of {len(body)} measured optima lie in the interval. What counts
is regret, the measured loss at the predicted fraction minus the best measured:
{np.mean(regrets):.4f} nats on average, {max(regrets):.4f} at most, beside a run noise of
{context.noise.run:.4f}.

{table(["N", "D", "bits", "measured f", "predicted f", "inside", "regret, nats"], body)}

{fraction_law(context)}"""


def fraction_law(context: Context) -> str:
    """The one-coefficient law f* = exp(-a / ln S) on the interior optima."""
    points = [o for o in context.quantized_optima()
              if o.interior and o.tokens_per_parameter_byte > 1]
    if len(points) < 3:
        return ""
    logs = np.array([math.log(o.tokens_per_parameter_byte) for o in points])
    fractions = np.array([o.fraction for o in points])
    grid = np.linspace(0.5, 20, 3901)
    misses = [float(np.mean(np.abs(np.exp(-a / logs) - fractions))) for a in grid]
    own = int(np.argmin(misses))
    paper = float(np.mean(np.abs(np.exp(-PAPER_FRACTION_COEFFICIENT / logs) - fractions)))
    return (f"The fraction law f* = exp(-a / ln S) fits these {len(points)} interior optima best "
            f"with a = {grid[own]:.2f} (mean absolute error {misses[own]:.3f}); with the paper's a "
            f"= {PAPER_FRACTION_COEFFICIENT} the error is {paper:.3f}.")


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
    try:
        cells = [(o, context.service.fraction(name, *o.cell)["qat_fraction"]["value"])
                 for o in context.quantized_optima() if o.cell[2] in widths]
    except Refused:
        return [*known, "no interior optimum", ""]
    errors = [abs(predicted - o.fraction) for o, predicted in cells]
    regrets = [regret(context, o.cell, predicted) for o, predicted in cells]
    return [*known, f"{np.mean(errors):.3f}", f"{np.mean(regrets):.4f}"]


def what_it_is_fitted_to(context: Context) -> str:
    """Which rows pull the law away from the others."""
    if "residual_rms" not in context.fit:
        return ""
    body = [
        [label, *law_of_rows(context, f"{context.study}-part-{index}", rows, options)]
        for index, (label, rows, options) in enumerate(other_rows(context))
    ]
    return f"""## Which runs the law cannot join

Its loss falls to that of full precision as the QAT terms vanish, so full-precision runs are fitted
with the rest, and all widths share their exponents. The law fitted with less weight on the former,
and without one of the latter:

{table(["runs", "rung", "means missed, log loss", "mean error of f", "mean regret, nats"], body)}"""


def control_corrected(context: Context) -> str:
    rows = measured_sections.corrected(context)
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
    raw, own = context.fit.get("lack_of_fit"), fit.get("lack_of_fit")
    verdict = ""
    if raw and own:
        better = own["f_ratio"] < 0.7 * raw["f_ratio"]
        verdict = ("A good part of the misfit is the schedule's." if better else
                   "The misfit does not come from the schedule.")
    return f"""## The law, fitted to losses less their control

The same fit on quantized losses minus the control's plus plain full precision: rung {rung(fit)},
{fit["experiment_count"]} rows, residuals {float(fit["residual_rms"]):.4f} (as measured:
{float(context.fit["residual_rms"]):.4f}); {lack_of_fit(fit)}. {verdict}"""


def largest_size_held_out(context: Context, disagreements: list[str]) -> str:
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
    if rms > 3 * context.noise.run:
        disagreements.append(f"Extrapolated to the largest size the law misses by {rms:.4f} nats, "
                             f"{rms / context.noise.run:.0f} times the noise of a run.")
    body = [[f"{bits:g}", signed(float(np.mean(part)), 4),
             f"{float(np.sqrt(np.mean(np.square(part)))):.4f}", str(len(part))]
            for bits, part in sorted(by_bits.items())]
    return f"""## The largest size held out

Fitted without the runs of {size(largest)} parameters (rung {rung(fit)}), the law's losses there
miss the measured means by {rms:.4f} nats (root mean square), beside a noise of a run of
{context.noise.run:.4f}. Measured minus predicted:

{table(["bits", "mean, nats", "root mean square", "splits"], body)}"""
