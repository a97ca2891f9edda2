"""Forms of the loss beside that of the law, fitted to the same runs.

A form is a sum of power-law terms, L = sum exp(theta . x): the logs of coefficients
and the exponents enter linearly (fitter/law.h). It is fitted as the server fits,
Huber's loss of the residuals in log loss and exponents at least 0, by another
program: scipy's least squares from many starts.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from runs import Run

SEED = 20250922
STARTS = 24
# Bounds of theta, and where the starts lie about: means and standard deviation.
LOG_COEFFICIENTS = (-30.0, 6.0, -2.0)
EXPONENTS = (0.0, 4.0, 0.4)
START_SPREAD = 0.6

# What multiplies a parameter; reference scales keep the coefficients near 1.
COEFFICIENT = "1"
FEATURES = {
    COEFFICIENT: lambda runs: np.ones(len(runs)),
    "1/N": lambda runs: -np.log(runs.parameters / 1e5),
    "1/D": lambda runs: -np.log(runs.tokens / 4e6),
    "D": lambda runs: np.log(runs.tokens / 4e6),
    "2^-B": lambda runs: -runs.bits * np.log(2),
    "1/D_fp": lambda runs: -np.log(runs.fp_tokens / 2e6),
    "1/D_qat": lambda runs: -np.log(runs.qat_tokens / 2e6),
    "1/S_fp": lambda runs: -np.log(runs.fp_tokens / runs.model_bytes / 100),
    "1/S_qat": lambda runs: -np.log(runs.qat_tokens / runs.model_bytes / 100),
}


class Points:
    """Runs as arrays."""

    def __init__(self, parameters, fp_tokens, qat_tokens, bits):
        self.parameters = np.asarray(parameters, float)
        self.fp_tokens = np.asarray(fp_tokens, float)
        self.is_quantized = np.asarray(qat_tokens, float) > 0
        # A full-precision run has no term with QAT tokens; any number will do.
        self.qat_tokens = np.where(self.is_quantized, qat_tokens, 1.0)
        self.tokens = self.fp_tokens + np.where(self.is_quantized, qat_tokens, 0.0)
        self.bits = np.asarray(bits, float)

    @classmethod
    def of(cls, rows: list[Run]) -> "Points":
        return cls([r.parameters for r in rows], [r.fp_tokens for r in rows],
                   [r.qat_tokens for r in rows], [r.weight_bits for r in rows])

    @property
    def model_bytes(self) -> np.ndarray:
        return self.parameters * self.bits / 8

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True)
class Factor:
    feature: str
    of_each_width: bool = False  # a parameter for each width, or one for all


@dataclass(frozen=True)
class Term:
    factors: tuple[Factor, ...]
    quantized_only: bool


def term(*features: str, each_width: str = "", quantized_only: bool = True) -> Term:
    """A term with a coefficient and these features; `each_width` names the one whose
    parameter each width has for itself."""
    return Term(tuple(Factor(f, f == each_width) for f in (COEFFICIENT, *features)),
                quantized_only)


Form = dict[str, Term]  # by the name of the term

# arXiv 2509.22935; see fitter/laws/compute_optimal_qat.h.
LAW: Form = {
    "floor": term(quantized_only=False),
    "data": term("1/D", quantized_only=False),
    "model": term("1/N", quantized_only=False),
    "bits_floor": term("2^-B"),
    "qat": term("2^-B", "1/N", "1/S_qat"),
    "interaction": term("2^-B", "1/N", "1/S_fp", "1/S_qat"),
}


class Design:
    """A form at points: the features, and the parameters that they multiply."""

    def __init__(self, form: Form, points: Points, widths: list[float]):
        self._terms = []
        self.is_coefficient: list[bool] = []
        for part in form.values():
            columns = []
            for factor in part.factors:
                values = FEATURES[factor.feature](points)
                own = [np.where(points.bits == b, values, 0.0) for b in widths]
                for column in own if factor.of_each_width else [values]:
                    columns.append((len(self.is_coefficient), column))
                    self.is_coefficient.append(factor.feature == COEFFICIENT)
            applies = points.is_quantized if part.quantized_only else np.ones(len(points), bool)
            self._terms.append((applies, columns))

    @property
    def parameter_count(self) -> int:
        return len(self.is_coefficient)

    def log_loss(self, theta: np.ndarray) -> np.ndarray:
        return np.log(sum(losses for losses, _ in self._losses(theta)))

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Of log_loss by theta, a row a point."""
        total = 0.0
        slopes = 0.0
        for losses, columns in self._losses(theta):
            total = total + losses
            part = np.zeros((len(losses), self.parameter_count))
            for parameter, column in columns:
                part[:, parameter] = losses * column
            slopes = slopes + part
        return slopes / total[:, None]

    def _losses(self, theta: np.ndarray):
        for applies, columns in self._terms:
            exponent = sum(theta[parameter] * column for parameter, column in columns)
            yield np.where(applies, np.exp(np.clip(exponent, -80, 30)), 0.0), columns


@dataclass(frozen=True)
class Fitted:
    form: Form
    widths: list[float]
    theta: np.ndarray
    objective: float  # sum of Huber's loss, as the server states it

    def log_loss(self, points: Points) -> np.ndarray:
        return Design(self.form, points, self.widths).log_loss(self.theta)

    def exponent(self, name: str, feature: str) -> float:
        """An exponent that all widths share."""
        parameter = 0
        for term_name, its_term in self.form.items():
            for factor in its_term.factors:
                if (term_name, factor.feature) == (name, feature):
                    return float(self.theta[parameter])
                parameter += len(self.widths) if factor.of_each_width else 1
        raise KeyError((name, feature))


def fit(form: Form, rows: list[Run], huber_delta: float) -> Fitted:
    """The best of STARTS searches."""
    widths = sorted({r.weight_bits for r in rows if r.qat_tokens > 0})
    design = Design(form, Points.of(rows), widths)
    measured = np.log([r.loss for r in rows])
    lower, upper, middle = np.array(
        [LOG_COEFFICIENTS if is_log else EXPONENTS for is_log in design.is_coefficient]).T
    random = np.random.default_rng(SEED)

    def search(start: np.ndarray):
        return least_squares(
            lambda theta: design.log_loss(theta) - measured, start, jac=design.gradient,
            bounds=(lower, upper), loss="huber", f_scale=huber_delta, max_nfev=400)

    starts = [middle + START_SPREAD * random.standard_normal(len(middle)) for _ in range(STARTS)]
    best = min((search(np.clip(start, lower + 1e-3, upper - 1e-3)) for start in starts),
               key=lambda found: found.cost)
    return Fitted(form, widths, best.x, float(best.cost))
