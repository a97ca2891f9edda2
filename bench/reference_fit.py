#!/usr/bin/python3
"""Fits the QAT law with scipy: an independent reference for fitter/.

The objective is the fitter's: the sum over rows of the Huber function of
ln L(run) - ln(loss), coefficients positive, exponents between 0 and 2, decays per
bit between 0 and 4. The method is the field's: BFGS with analytic gradients from
many starts. The peer gets every help that costs it nothing: inputs centred, logs
of coefficients, bounds by substitution, starts completed by non-negative least
squares, the objective scaled to the number of rows.

Reads CSV with the columns parameters, fp_tokens, qat_tokens, weight_bits,
loss_nats; qat_tokens = 0 is full precision. Prints one JSON object.
"""

import argparse
import csv
import json
import sys
import time

import numpy as np
import scipy.optimize

MAX_EXPONENT = 2.0
MAX_BIT_DECAY = 4.0


def terms_of(variant):
    """Terms as (coefficient, quantized only, [(exponent, feature), ...])."""
    decay_of_bits = [("mu", "bits")]
    floor = [("alpha", False, [])]
    bits_floor = [("theta", True, [("kappa", "bits")])]
    interaction_decay, floors = {
        "full": (decay_of_bits, floor + bits_floor),
        "shared_bit_decay": ([("chi", "bits")], floor + bits_floor),
        "bit_free_interaction": ([], floor + bits_floor),
        "no_irreducible": (decay_of_bits, floor),
        "no_floors": (decay_of_bits, []),
    }[variant]
    return [
        *floors,
        ("beta", False, [("gamma", "tokens")]),
        ("zeta", False, [("eta", "size")]),
        ("phi", True, [("chi", "bits"), ("psi", "size"), ("omega", "qat")]),
        ("lambda", True, interaction_decay + [("nu", "size"), ("xi", "fp"), ("rho", "qat")]),
    ]


def read_rows(path):
    with open(path) if path != "-" else sys.stdin as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows])
            for name in ("parameters", "fp_tokens", "qat_tokens", "weight_bits", "loss_nats")}


def features_of(rows):
    """What multiplies each exponent, negated logs; QAT features only where it runs."""
    quantized = rows["qat_tokens"] > 0
    byte = rows["parameters"] * rows["weight_bits"] / 8 * 100
    qat_tokens = np.where(quantized, rows["qat_tokens"], 1)
    return quantized, {
        "size": -np.log(rows["parameters"] / 1e9),
        "tokens": -np.log((rows["fp_tokens"] + rows["qat_tokens"]) / 1e10),
        "fp": -np.log(rows["fp_tokens"] / byte),
        "qat": -np.log(qat_tokens / byte),
        "bits": -np.log(2) * rows["weight_bits"],
    }


class Law:
    """ln L = logsumexp over terms of centred features times theta."""

    def __init__(self, rows, variant):
        quantized, features = features_of(rows)
        self.names, self.upper, self.terms = [], [], []
        for coefficient, quantized_only, factors in terms_of(variant):
            present = quantized if quantized_only else np.ones_like(quantized)
            columns = [(self.index_of(coefficient, None), np.where(present, 1.0, 0.0), 0.0)]
            for exponent, feature in factors:
                limit = MAX_BIT_DECAY if feature == "bits" else MAX_EXPONENT
                mean = features[feature][present].mean()
                centred = np.where(present, features[feature] - mean, 0.0)
                columns.append((self.index_of(exponent, limit), centred, mean))
            self.terms.append((np.where(present, 0.0, -np.inf), columns))
        self.upper = np.array(self.upper, dtype=float)
        self.is_exponent = np.isfinite(self.upper)
        self.log_losses = np.log(rows["loss_nats"])

    def index_of(self, name, limit):
        if name not in self.names:
            self.names.append(name)
            self.upper.append(np.nan if limit is None else limit)
        return self.names.index(name)

    def theta_of(self, free):
        """Exponents are upper sin^2(free): smooth, and inside their bounds."""
        theta = free.copy()
        e = self.is_exponent
        theta[e] = self.upper[e] * np.sin(free[e]) ** 2
        slope = np.ones_like(free)
        slope[e] = self.upper[e] * np.sin(2 * free[e])
        return theta, slope

    def log_terms(self, theta):
        return np.array([offset + sum(theta[j] * x for j, x, _ in columns)
                         for offset, columns in self.terms])

    def objective(self, free, delta):
        """Sum of Huber over delta^2, and its gradient."""
        theta, slope = self.theta_of(free)
        logs = self.log_terms(theta)
        top = logs.max(axis=0)
        exponentials = np.exp(logs - top)
        total = exponentials.sum(axis=0)
        scaled = (top + np.log(total) - self.log_losses) / delta
        psi = np.clip(scaled, -1, 1)
        gradient = np.zeros_like(free)
        for share, (_, columns) in zip(exponentials / total, self.terms):
            weighted = psi * share
            for j, x, _ in columns:
                gradient[j] += weighted @ x
        return (psi * (scaled - psi / 2)).sum(), gradient * slope / delta

    def draw_start(self, generator):
        e = self.is_exponent
        theta = np.zeros(len(self.names))
        theta[e] = generator.uniform(0, self.upper[e] / 2)
        relative = np.exp(self.log_terms(theta) - self.log_losses)
        solution, _ = scipy.optimize.nnls(relative.T, np.ones(relative.shape[1]))
        least = 1e-3 * np.exp(np.median(self.log_losses))
        for value, (_, columns) in zip(solution, self.terms):
            theta[columns[0][0]] = np.log(max(value, least))
        free = theta.copy()
        free[e] = np.arcsin(np.sqrt(theta[e] / self.upper[e]))
        return free

    def coefficients(self, free):
        theta, _ = self.theta_of(free)
        result = dict(zip(self.names, theta))
        for _, columns in self.terms:
            shift = sum(theta[j] * mean for j, _, mean in columns[1:])
            result[self.names[columns[0][0]]] = np.exp(theta[columns[0][0]] - shift)
        return {name: float(value) for name, value in result.items()}


def fit(law, delta, start_count, seed):
    generator = np.random.default_rng(seed)
    results = []
    # Wild starts overflow before a line search leaves them.
    with np.errstate(all="ignore"):
        for _ in range(start_count):
            found = scipy.optimize.minimize(
                law.objective, law.draw_start(generator), args=(delta,), jac=True,
                method="BFGS", options={"gtol": 1e-6, "maxiter": 5000})
            if np.isfinite(found.fun):
                results.append((found.fun * delta ** 2, found.x))
    results.sort(key=lambda result: result[0])
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", help="CSV file, - for standard input")
    parser.add_argument("--delta", type=float, required=True,
                        help="width of the quadratic zone in log loss")
    parser.add_argument("--variant", default="full", help="rung of the ladder")
    parser.add_argument("--starts", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    rows = read_rows(options.rows)
    begin, cpu_begin = time.perf_counter(), time.process_time()
    law = Law(rows, options.variant)
    results = fit(law, options.delta, options.starts, options.seed)
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu_begin
    best, free = results[0]
    print(json.dumps({
        "objective": float(best),
        "huber_delta": options.delta,
        "variant": options.variant,
        "start_count": options.starts,
        "agreeing_start_count": int(sum(o <= best * (1 + 1e-6) for o, _ in results)),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "row_count": len(rows["loss_nats"]),
        "coefficients": law.coefficients(free),
    }))


if __name__ == "__main__":
    main()
