"""The fraction that the law predicts, beside the one that was measured."""

import math
from dataclasses import dataclass

import numpy as np

import optima
from measured_sections import Context
from optima import Optimum
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


@dataclass(frozen=True)
class Prediction:
    """What the server says of the fraction of a measured optimum."""

    optimum: Optimum
    fraction: float
    lower: float
    upper: float

    @property
    def holds_the_optimum(self) -> bool:
        return self.lower <= self.optimum.fraction <= self.upper


def predictions(context: Context) -> list[Prediction]:
    found = []
    for o in context.quantized_optima():
        estimate = context.service.fraction(context.study, *o.cell)["qat_fraction"]
        found.append(Prediction(o, estimate["value"], estimate.get("lower", 0),
                                estimate.get("upper", 1)))
    return found


def paper_fraction(tokens_per_parameter_byte: float) -> float:
    """The paper's law of the fraction; it has none up to one token a byte."""
    if tokens_per_parameter_byte <= 1:
        return 0
    return math.exp(-PAPER_FRACTION_COEFFICIENT / math.log(tokens_per_parameter_byte))


@dataclass(frozen=True)
class Rule:
    """A way to choose the fraction, held to what was measured."""

    name: str
    error: float  # mean, over the optima that stand out
    mean_regret: float  # nats, over all optima, with fractions held to those measured
    largest_regret: float


def judge(context: Context, name: str, choices: list[tuple[Optimum, float]]) -> Rule:
    errors = [abs(fraction - o.fraction) for o, fraction in choices if o.stands_out]
    regrets = []
    for o, fraction in choices:
        measured = context.cells[o.cell]
        regrets.append(regret(context, o.cell, min(max(fraction, min(measured)), max(measured))))
    return Rule(name, float(np.mean(errors)) if errors else math.nan, float(np.mean(regrets)),
                max(regrets))


def rules(context: Context, told: list[Prediction]) -> dict[str, Rule]:
    """The law, constants, and the paper's law of the fraction, by a key."""
    found = context.quantized_optima()

    def always(fraction: float, note: str = "") -> Rule:
        return judge(context, f"always {fraction:g}{note}", [(o, fraction) for o in found])

    measured = sorted({f for o in found for f in context.cells[o.cell]})
    best = min(measured, key=lambda fraction: always(fraction).mean_regret)
    return {
        "law": judge(context, "the law of the loss, fitted to these runs",
                     [(p.optimum, p.fraction) for p in told]),
        "usual": always(optima.REFERENCE_FRACTION),
        "constant": always(best, ", the best constant, chosen in hindsight"),
        "paper": judge(context, f"exp(-{PAPER_FRACTION_COEFFICIENT} / ln S) of the paper, nothing "
                       "fitted",
                       [(o, paper_fraction(o.tokens_per_parameter_byte)) for o in found]),
    }


def predicted_fractions(context: Context) -> str:
    try:
        told = predictions(context)
    except Refused as refusal:
        return f"## The predicted fraction\n\nThe server refuses: {refusal}"
    by_rule = rules(context, told)
    tell(context, by_rule)
    covered = sum(p.holds_the_optimum for p in told)
    if covered < 0.8 * len(told):
        context.disagreements.append(f"Only {covered} of {len(told)} measured optima lie in the "
                                     "90 % interval of the prediction.")
    clear = sum(p.optimum.stands_out for p in told)
    return f"""## The predicted fraction

Two things count: how far a fraction is off, over the {clear} cells whose optimum stands out of the
noise (the paper: {PAPER_FRACTION_ERROR} for its own runs), and its regret, the measured loss at
that fraction minus the best measured, over all {len(told)}, with fractions held to those that were
measured. The noise of a run is {context.noise.run:.4f} nats.

{table(["fraction", "mean error", "mean regret, nats", "largest"],
       [[r.name, f"{r.error:.3f}", f"{r.mean_regret:.4f}", f"{r.largest_regret:.4f}"]
        for r in by_rule.values()])}

{covered} of {len(told)} measured optima lie in the law's interval. {widened(context)}Regret in the
table where the law's fraction lies between measured ones:

{table(["N", "D", "bits", "measured f", "predicted f", "inside", "regret, nats"],
       [row_of(context, p) for p in told])}

{fraction_law(context)}"""


def row_of(context: Context, told: Prediction) -> list[str]:
    n, d, bits = told.optimum.cell
    own_regret = regret(context, told.optimum.cell, told.fraction)
    return [size(n), tokens(d), f"{bits:g}",
            f"{told.optimum.fraction:.2f}" + ("" if told.optimum.interior else " (edge)"),
            f"{told.fraction:.2f} ({told.lower:.2f} to {told.upper:.2f})",
            "yes" if told.holds_the_optimum else "no",
            "not measured" if own_regret is None else signed(own_regret)]


def tell(context: Context, by_rule: dict[str, Rule]) -> None:
    """What the rules say of the law, in short."""
    law, paper = by_rule["law"], by_rule["paper"]
    others = "; ".join(f"{r.name}: {r.error:.3f} and {r.mean_regret:.4f}"
                       for r in by_rule.values() if r is not law)
    context.summary.append(
        f"The fractions of the law of the loss are off by {law.error:.3f} where the optimum stands "
        f"out and cost {law.mean_regret:.4f} nats on average ({others}).")
    if paper.error <= PAPER_FRACTION_ERROR:
        context.summary.append(
            "What agrees best with the paper is its law of the fraction, f = "
            f"exp(-{PAPER_FRACTION_COEFFICIENT} / ln S): with nothing fitted it is off by "
            f"{paper.error:.3f} here, by {PAPER_FRACTION_ERROR} in the paper.")
    if law.error > PAPER_FRACTION_ERROR:
        context.disagreements.append(
            f"The law of the loss misses the measured fraction by {law.error:.3f} on average where "
            f"it can be told (the paper: {PAPER_FRACTION_ERROR}).")
    if law.mean_regret > paper.mean_regret:
        context.disagreements.append(
            f"Fitted to these runs, it chooses fractions that cost {law.mean_regret:.4f} nats; the "
            f"paper's law of the fraction, fitted to none of them, {paper.mean_regret:.4f}.")


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
