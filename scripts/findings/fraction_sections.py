"""The fraction that the law predicts, beside the one that was measured."""

import math

import numpy as np

import optima
from measured_sections import Context
from service import Refused
from text import signed, size, table, tokens

PAPER_FRACTION_ERROR = 0.091  # mean absolute error, arXiv 2509.22935
PAPER_FRACTION_COEFFICIENT = 6.7297  # a of f* = exp(-a / ln S)


def regret(context: Context, cell: tuple[int, float, float], fraction: float) -> float | None:
    """Measured loss at `fraction`, between the measured ones, minus the best measured
    one; none where `fraction` is beyond what was measured."""
    curve = context.cells[cell]
    loss = optima.loss_at(curve, fraction)
    best = min(float(np.mean(list(losses.values()))) for losses in curve.values())
    return None if loss is None else loss - best


def predicted_fractions(context: Context) -> str:
    body, errors, told_errors, covered = [], [], [], 0
    regrets, held_regrets, usual_regrets = [], [], []
    usual = optima.REFERENCE_FRACTION
    usual_errors = [abs(usual - o.fraction) for o in context.quantized_optima() if o.stands_out]
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
        if o.stands_out:
            told_errors.append(errors[-1])
        own_regret = regret(context, o.cell, estimate["value"])
        if own_regret is not None:
            regrets.append(own_regret)
        fractions = context.cells[o.cell]
        held_regrets.append(regret(context, o.cell, min(max(estimate["value"], min(fractions)),
                                                        max(fractions))))
        usual_regrets.append(regret(context, o.cell, usual))
        body.append([size(n), tokens(d), f"{bits:g}",
                     f"{o.fraction:.2f}" + ("" if o.interior else " (edge)"),
                     f"{estimate['value']:.2f} ({estimate.get('lower', 0):.2f} to "
                     f"{estimate.get('upper', 1):.2f})", "yes" if inside else "no",
                     "not measured" if own_regret is None else signed(own_regret)])
    mean_error = float(np.mean(told_errors)) if told_errors else math.nan
    if told_errors and mean_error > PAPER_FRACTION_ERROR:
        context.disagreements.append(
            f"The predicted fraction misses the measured one by {mean_error:.3f} on average where "
            f"it can be told (the paper: {PAPER_FRACTION_ERROR}); always f = {usual:g} misses it "
            f"by {np.mean(usual_errors):.3f}.")
    context.summary.append(
        f"The law's fractions are off by {mean_error:.2f} where the optimum stands out "
        f"(always f = {usual:g}: {np.mean(usual_errors):.2f}; the paper: {PAPER_FRACTION_ERROR}) "
        f"and cost {np.mean(held_regrets):.4f} nats on average, held to what was measured (always "
        f"f = {usual:g}: {np.mean(usual_regrets):.4f}).")
    if covered < 0.8 * len(body):
        context.disagreements.append(f"Only {covered} of {len(body)} measured optima lie in the "
                                     "90 % interval of the prediction.")
    return f"""## The predicted fraction

Mean absolute error of the predicted fraction: {mean_error:.3f} over the {len(told_errors)} cells
whose optimum stands out of the noise, {np.mean(errors):.3f} over all {len(errors)}, edges included
(the paper: {PAPER_FRACTION_ERROR}). {covered} of {len(body)} measured optima lie in the interval.
{widened(context)}What counts is regret, the measured loss at the predicted fraction minus the best
measured: {np.mean(regrets):.4f} nats on average, {max(regrets):.4f} at most, beside a run noise of
{context.noise.run:.4f}, over the {len(regrets)} cells where the predicted fraction lies between
measured ones.

For comparison, always f = {usual:g} is off by {np.mean(usual_errors):.3f} over the
{len(usual_errors)} cells whose optimum stands out. Its regret over all is
{np.mean(usual_regrets):.4f} nats on average and {max(usual_regrets):.4f} at most; that of the law's
fractions, held to those that were measured, {np.mean(held_regrets):.4f} and
{max(held_regrets):.4f}.

{table(["N", "D", "bits", "measured f", "predicted f", "inside", "regret, nats"], body)}

{fraction_law(context)}"""


def widened(context: Context) -> str:
    misfit = context.fit.get("fraction_misfit")
    if not misfit:
        return ""
    return ("The intervals are as wide as the law's misses of these same optima ask "
            f"({misfit['logit_stddev']:.2f} in logit f), so that they hold most of them is no "
            "independent test. ")


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
