"""Runs whose losses are known."""

import runs

SIZES = (25_000, 60_000, 150_000, 400_000)
BUDGETS = (1e6, 4e6, 16e6)
WIDTHS = (1, 2, 3, 4)
FRACTIONS = (0.05, 0.1, 0.2, 0.4, 0.7)


def run(parameters, fp_tokens, qat_tokens, weight_bits, loss=1.0, replicate=0):
    return runs.Run(
        role="FP_THEN_QAT" if qat_tokens else "FULL_PRECISION", optimizer="adamw",
        schedule="classic", parameters=parameters, fp_tokens=int(fp_tokens),
        qat_tokens=int(qat_tokens), weight_bits=weight_bits, replicate=replicate, trunk="",
        loss=float(loss))


def design():
    """Full-precision runs, and quantized ones of every size, budget, width and fraction."""
    plain = [run(n, d, 0, 16) for n in SIZES for d in BUDGETS]
    return plain + [run(n, d * (1 - f), d * f, b)
                    for n in SIZES for d in BUDGETS for b in WIDTHS for f in FRACTIONS]
