"""Which term of the law is at fault: one changed at a time."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

import loss_forms
from fraction_sections import Rule, judge
from law_sections import fitted_rows
from loss_forms import LAW, Fitted, Form, Points, term
from measured_sections import Context
from optima import Optimum
from runs import Run
from text import table

GROWING_FLOOR = "floor of a width as D^delta / N^tau"
LAW_ITSELF = "none: the law"
CHANGES: dict[str, Form] = {
    LAW_ITSELF: {},
    "phi of each width": {"qat": term("2^-B", "1/N", "1/S_qat", each_width="2^-B")},
    "omega of each width": {"qat": term("2^-B", "1/N", "1/S_qat", each_width="1/S_qat")},
    "lambda of each width": {
        "interaction": term("2^-B", "1/N", "1/S_fp", "1/S_qat", each_width="2^-B")},
    "interaction of D_fp and D_qat in place of S_fp and S_qat, without bits": {
        "interaction": term("1/N", "1/D_fp", "1/D_qat")},
    "floor of a width as 1 / N^tau": {"bits_floor": term("2^-B", "1/N")},
    "floor of a width as D^delta": {"bits_floor": term("2^-B", "D")},
    GROWING_FLOOR: {"bits_floor": term("2^-B", "D", "1/N")},
}
FRACTIONS = np.linspace(0.01, 0.97, 385)


@dataclass(frozen=True)
class Trial:
    """A form fitted to all runs, and how far it is off."""

    fitted: Fitted
    missed: float  # means of replicates of quantized designs, rms of log loss
    held_out: float  # the same of the largest size, fitted without it
    fractions: Rule  # that it chooses


def missed_means(fitted: Fitted, rows: list[Run]) -> float:
    residuals = np.log([r.loss for r in rows]) - fitted.log_loss(Points.of(rows))
    designs: dict[tuple, list[float]] = defaultdict(list)
    for r, residual in zip(rows, residuals):
        designs[(r.parameters, r.budget, r.weight_bits, r.fraction)].append(float(residual))
    return float(np.sqrt(np.mean([np.mean(part) ** 2 for part in designs.values()])))


def best_fraction(fitted: Fitted, optimum: Optimum) -> float:
    parameters, budget, bits = optimum.cell
    every = np.ones(len(FRACTIONS))
    points = Points(parameters * every, budget * (1 - FRACTIONS), budget * FRACTIONS, bits * every)
    return float(FRACTIONS[np.argmin(fitted.log_loss(points))])


def try_form(context: Context, name: str, form: Form) -> Trial:
    rows = fitted_rows(context)
    delta = float(context.fit["huber_delta"])
    largest = max(r.parameters for r in context.quantized)
    fitted = loss_forms.fit(form, rows, delta)
    without = loss_forms.fit(form, [r for r in rows if r.parameters < largest], delta)
    return Trial(
        fitted, missed_means(fitted, context.quantized),
        missed_means(without, [r for r in context.quantized if r.parameters == largest]),
        judge(context, name,
              [(o, best_fraction(fitted, o)) for o in context.quantized_optima()]))


def which_term(context: Context) -> str:
    if "residual_rms" not in context.fit:
        return ""
    trials = {label: try_form(context, label, {**LAW, **change})
              for label, change in CHANGES.items()}
    body = [[label, str(len(t.fitted.theta)), f"{t.fitted.objective:.4f}", f"{t.missed:.4f}",
             f"{t.held_out:.4f}", f"{t.fractions.error:.3f}", f"{t.fractions.mean_regret:.4f}"]
            for label, t in trials.items()]
    return f"""## Which term is at fault

The full law with one term changed at a time, each form fitted to the same runs with the server's
objective by another program (scipy, {loss_forms.STARTS} starts). That of the server's own fit, on
rung `{context.fit["variant"]}`, is {float(context.fit["objective"]):.4f}.

- *Objective*: the sum of Huber's function of the residuals in log loss, as the server states it.
- *Means missed*: root mean square over the means of replicates, in log loss. What the runs of a
  seed share is in it, which lack of fit above leaves out.
- *Largest size*: the same there, by a fit without that size.
- *Error of f* and *regret* (nats): as in the next section.

{table(["change", "parameters", "objective", "means missed", "largest size", "error of f",
        "mean regret"], body)}

{verdict(context, trials)}"""


def verdict(context: Context, trials: dict[str, Trial]) -> str:
    label, best = min(trials.items(), key=lambda item: item[1].fitted.objective)
    law = trials[LAW_ITSELF]
    share = 1 - best.fitted.objective / law.fitted.objective
    if share < 0.1:
        return "None of these changes takes a tenth of the objective."
    found = (f"the means of replicates are missed by {best.missed:.4f} in place of "
             f"{law.missed:.4f}, those of the largest size, held out, by {best.held_out:.4f} in "
             f"place of {law.held_out:.4f} (log loss)")
    text = f"Of these {len(trials) - 1} changes the {label} helps most: {found}."
    if label != GROWING_FLOOR:
        return text
    context.summary.append(f"Of {len(trials) - 1} changes of a term the law gains most if the "
                           f"floor of a width, theta 2^(-kappa B), may grow with D and fall with "
                           f"N: {found}.")
    context.disagreements.append("What a width costs however much QAT there is does not stay the "
                                 "same: it grows with the tokens and falls with the size.")
    delta = best.fitted.exponent("bits_floor", "D")
    tau = best.fitted.exponent("bits_floor", "1/N")
    budgets = sorted({o.cell[1] for o in context.quantized_optima()})
    return f"""{text} The law has a floor of a width that no QAT takes away, the same for all sizes
and budgets. Such a floor vanishes in the fit, for it would have to grow: with D^{delta:.2f} /
N^{tau:.2f} here. The direction is sure, the powers are not: they rest on {len(budgets)} budgets,
and runs of another budget may have had another learning rate. That the error of quantized training
grows with the tokens and falls with the size is what
[arXiv 2505.14302](https://arxiv.org/abs/2505.14302) has found for QAT from the first token.
{of_fractions(best, trials)} {of_replicates(context, best)} The server answers from the paper's law:
where a floor grows, tokens beyond some number make a model worse, and "tokens needed for a loss"
has no answer."""


def of_fractions(best: Trial, trials: dict[str, Trial]) -> str:
    own, law = best.fractions.mean_regret, trials[LAW_ITSELF].fractions.mean_regret
    least = min((trial.fractions for trial in trials.values()), key=lambda rule: rule.mean_regret)
    gain = "gains less" if own < law else "gains nothing"
    form = "the law as it is" if least.name == LAW_ITSELF else f"the {least.name}"
    return (f"The fraction {gain}: its mean regret is {own:.4f} in place of {law:.4f} nats, and "
            f"least, {least.mean_regret:.4f}, with {form}.")


def of_replicates(context: Context, best: Trial) -> str:
    run = float(np.hypot(context.noise.curve, context.noise.run))
    scatter = run / float(np.mean([r.loss for r in context.quantized]))
    if best.missed < scatter:
        return ""
    return (f"Nor does this form describe the runs as well as they repeat: it misses means by "
            f"{best.missed:.4f}, a single run, its seed included, scatters by {scatter:.4f}.")
