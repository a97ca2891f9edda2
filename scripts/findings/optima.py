"""Optimal QAT fractions read off measured losses, with their uncertainty.

No law of the loss enters: the optimum of a cell is the vertex of a parabola in
logit f through its least mean loss and the neighbours of that.
"""

import math
from dataclasses import dataclass

import numpy as np

from runs import Cell

DRAWS = 400
CONFIDENCE = 0.9
REFERENCE_FRACTION = 0.12  # nearest to the 10 % rule of thumb on the grid


def logit(fraction: float) -> float:
    return math.log(fraction / (1 - fraction))


def expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@dataclass(frozen=True)
class Optimum:
    cell: Cell
    fraction: float  # at an edge: that of the outermost run
    lower: float
    upper: float
    interior: bool
    interior_share: float  # of the draws
    loss: float  # nats, at the optimum
    reference_excess: float  # loss at REFERENCE_FRACTION minus that at the best, nats
    reference_error: float  # its standard error
    edge_excess: float  # of the better of the outermost runs, in standard errors; 0 at an edge

    @property
    def tokens_per_parameter_byte(self) -> float:
        parameters, budget, bits = self.cell
        return budget / (parameters * bits / 8)

    @property
    def stands_out(self) -> bool:
        """Both outermost fractions are worse than the best beyond noise."""
        return self.interior and self.edge_excess > 2

    @property
    def beats_reference(self) -> bool:
        """REFERENCE_FRACTION is worse than the best beyond noise."""
        return self.reference_excess > 2 * self.reference_error


def vertex(fractions: np.ndarray, losses: np.ndarray) -> tuple[float, float, bool]:
    """(fraction, loss, interior) of the least loss."""
    best = int(np.argmin(losses))
    if best in (0, len(losses) - 1):
        return float(fractions[best]), float(losses[best]), False
    near = slice(max(0, best - 1), best + 2)
    x = np.array([logit(f) for f in fractions[near]])
    a, b, c = np.polyfit(x, losses[near], 2)
    at = -b / (2 * a)
    return expit(at), float(c - b * b / (4 * a)), True


def measure(cell: Cell, by_fraction: dict[float, dict[int, float]], run_noise: float,
            random: np.random.Generator) -> Optimum | None:
    """The optimum of one cell; unset with fewer than three fractions.

    Runs of one seed share their trunk's offset, which moves a whole curve and no
    optimum; so the draws carry run noise alone.
    """
    fractions = np.array(sorted(by_fraction))
    if len(fractions) < 3:
        return None
    means = np.array([np.mean(list(by_fraction[f].values())) for f in fractions])
    errors = np.array([run_noise / math.sqrt(len(by_fraction[f])) for f in fractions])
    fraction, loss, interior = vertex(fractions, means)
    drawn = [vertex(fractions, means + errors * random.standard_normal(len(means)))
             for _ in range(DRAWS)]
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile([d[0] for d in drawn], [tail, 1 - tail])
    reference = int(np.argmin(np.abs(fractions - REFERENCE_FRACTION)))
    best = int(np.argmin(means))
    edges = [(means[edge] - means[best]) / math.hypot(errors[edge], errors[best])
             for edge in (0, -1)]
    return Optimum(
        cell, fraction, float(lower), float(upper), interior,
        float(np.mean([d[2] for d in drawn])), loss,
        float(means[reference] - means[best]),
        math.hypot(errors[reference], errors[best]) if reference != best else errors[best],
        float(min(edges)),
    )


def loss_at(by_fraction: dict[float, dict[int, float]], fraction: float) -> float | None:
    """Measured mean loss at a fraction, piecewise linear in logit f; none beyond the
    outermost fractions."""
    fractions = sorted(by_fraction)
    if not fractions[0] <= fraction <= fractions[-1]:
        return None
    means = [np.mean(list(by_fraction[f].values())) for f in fractions]
    return float(np.interp(logit(fraction), [logit(f) for f in fractions], means))


@dataclass(frozen=True)
class Slopes:
    """Least squares of logit f* on logarithms."""

    names: list[str]
    values: np.ndarray
    errors: np.ndarray
    residual: float  # standard deviation in logit
    residual_sum: float
    degrees_of_freedom: int


def regress(optima: list[Optimum], columns: dict[str, list[float]]) -> Slopes:
    y = np.array([logit(o.fraction) for o in optima])
    x = np.column_stack([np.ones(len(y)), *columns.values()])
    values, *_ = np.linalg.lstsq(x, y, rcond=None)
    rest = y - x @ values
    freedom = max(1, len(y) - x.shape[1])
    variance = float(rest @ rest) / freedom
    errors = np.sqrt(np.maximum(0, variance * np.diag(np.linalg.pinv(x.T @ x))))
    return Slopes(["1", *columns], values, errors, math.sqrt(variance), float(rest @ rest), freedom)
