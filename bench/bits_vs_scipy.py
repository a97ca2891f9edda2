#!/usr/bin/python3
"""Best bits, size and split under a cap, beside scipy's minimisers.

    bench/bits_vs_scipy.py [DIRECTORY OF planner_bench, default build/release/bin]

The questions of BM_OptimizeBitWidth: 20 pairs of memory cap and budget, 6 widths.
Here each width is a two-dimensional minimisation over ln N and the logit of the QAT
fraction, with the size that the cap allows as a bound, found by brentq on the same
memory model; by L-BFGS-B with numerical gradients at tight tolerances, and by nested
bounded scalar minimisers. Both programs run in turns; losses must agree.
"""

import json
import math
import pathlib
import statistics
import subprocess
import sys
import time

import numpy
from scipy import optimize

ROUNDS = 5
WIDTHS = [1, 1.58, 2, 3, 4, 6]
(ALPHA, BETA, GAMMA, ZETA, ETA, THETA, KAPPA, PHI, CHI, PSI, OMEGA, LAMBDA, MU, NU, XI,
 RHO) = [1.6, 0.45, 0.3, 0.35, 0.35, 0.22, 0.95, 0.05, 0.62, 0.12, 0.55, 0.24, 0.58, 0.1,
         0.95, 0.02]
SMALLEST = 8e7 / 1000


def loss(log_parameters, logit, bits, flops):
    parameters = math.exp(log_parameters)
    tokens = flops / (6 * parameters)
    fraction = 1 / (1 + math.exp(-logit))
    n = parameters / 1e9
    s = tokens / (parameters * bits / 8) / 100
    return (ALPHA + BETA * (tokens / 1e10) ** -GAMMA + ZETA * n ** -ETA
            + THETA * 2 ** (-KAPPA * bits)
            + PHI * 2 ** (-CHI * bits) * n ** -PSI * (s * fraction) ** -OMEGA
            + LAMBDA * 2 ** (-MU * bits) * n ** -NU * (s * (1 - fraction)) ** -XI
            * (s * fraction) ** -RHO)


def memory_bytes(parameters, bits):
    stored = 2 if 1 < bits <= 1.6 else math.ceil(bits)
    width = (128 * parameters / 12) ** (1 / 3)
    layers = width / 128
    embedding = 32_000 * width
    groups = (parameters + embedding) / width
    items = (parameters * stored + groups * 16 + embedding * max(4, stored)
             + (2 * layers + 1) * width * 16 + 2 * layers * width * 4096 * 16) / 8
    return 1.05 * items


def largest(cap, bits):
    return optimize.brentq(lambda u: math.log(memory_bytes(math.exp(u), bits) / cap), 0, 42,
                           xtol=1e-12)


def by_lbfgsb(bits, upper, flops):
    found = optimize.minimize(
        lambda x: loss(x[0], x[1], bits, flops), [min(upper, math.log(1e9)), 0.0],
        method="L-BFGS-B", bounds=[(math.log(SMALLEST), upper), (-30, 30)],
        options={"ftol": 1e-15, "gtol": 1e-10})
    return found.fun


def by_scalars(bits, upper, flops):
    def at_size(u):
        return optimize.minimize_scalar(lambda y: loss(u, y, bits, flops), bounds=(-30, 30),
                                        method="bounded", options={"xatol": 1e-7}).fun
    return optimize.minimize_scalar(at_size, bounds=(math.log(SMALLEST), upper),
                                    method="bounded", options={"xatol": 1e-7}).fun


def measure(minimise):
    """Mean loss, and microseconds a question."""
    begin = time.perf_counter()
    losses = []
    for gibibytes in (0.1, 0.4, 1.6, 6.4):
        for flops in (1e19, 1e20, 1e21, 1e22, 1e23):
            cap = gibibytes * 1024 ** 3
            losses.append(min(minimise(bits, largest(cap, bits), flops) for bits in WIDTHS))
    return float(numpy.mean(losses)), (time.perf_counter() - begin) / len(losses) * 1e6


def ours(program):
    output = subprocess.run(
        [program, "--benchmark_filter=BM_OptimizeBitWidth/intervals:0/draws:0",
         "--benchmark_format=json"],
        check=True, capture_output=True, text=True).stdout
    run = json.loads(output)["benchmarks"][0]
    return run["loss"], run["real_time"]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "build/release/bin"
    program = folder / "planner_bench"
    if not program.exists():
        sys.exit(f"bits_vs_scipy: no {program}; configure with -DBITBUDGET_BENCH=ON and build it")
    print(f"{'round':>5} {'ours us':>9} {'L-BFGS-B us':>12} {'ratio':>7} {'scalars us':>12} "
          f"{'ratio':>7}")
    ratios = []
    for i in range(1, ROUNDS + 1):
        loss_ours, time_ours = ours(program)
        loss_lbfgsb, time_lbfgsb = measure(by_lbfgsb)
        loss_scalars, time_scalars = measure(by_scalars)
        ratios.append((time_lbfgsb / time_ours, time_scalars / time_ours))
        print(f"{i:>5} {time_ours:>9.1f} {time_lbfgsb:>12.0f} {ratios[-1][0]:>7.0f} "
              f"{time_scalars:>12.0f} {ratios[-1][1]:>7.0f}")
    print(f"median ratios: {statistics.median(r[0] for r in ratios):.0f} and "
          f"{statistics.median(r[1] for r in ratios):.0f}; mean best loss above ours by "
          f"{loss_lbfgsb - loss_ours:+.1e} and {loss_scalars - loss_ours:+.1e}")
    sys.exit(min(loss_lbfgsb, loss_scalars) < loss_ours - 1e-9)


if __name__ == "__main__":
    main()
