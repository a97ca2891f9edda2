"""Quantization against full precision, and which width is best in equal memory."""

import math
from collections import defaultdict

import numpy as np

import runs
from measured_sections import Context
from optima import Optimum
from text import joined, size, table, tokens, width, with_error


def equal_memory(context: Context) -> str:
    plain = defaultdict(list)
    for (n, d, _), loss in runs.plain(context.rows).items():
        plain[(n, d)].append(loss)
    body, same_memory = [], []
    for o in context.quantized_optima():
        n, d, bits = o.cell
        if (n, d) not in plain:
            continue
        smaller = [(m, np.mean(v)) for (m, e), v in plain.items()
                   if e == d and m * 16 <= n * bits * 1.02]
        gap = o.loss - min(v for _, v in smaller) if smaller else None
        if gap is not None:
            same_memory.append(gap)
        against = "none so small" if gap is None else f"{gap:+.3f}"
        replicates = min(len(plain[(n, d)]), *[len(v) for v in context.cells[o.cell].values()])
        error = math.hypot(context.run_noise(n, bits), context.run_noise(n, 16))
        body.append([size(n), tokens(d), f"{bits:g}", f"{n * bits / 8 / 1024:.1f}",
                     with_error(o.loss - np.mean(plain[(n, d)]), error / math.sqrt(replicates)),
                     against])
    if not body:
        return ""
    best = best_under_caps(context)
    wins = {bits: sum(first.cell[2] == bits for _, first, _ in best)
            for bits in sorted({o.cell[2] for o in context.quantized_optima()})}
    verdict = (f"Of {len(best)} caps " + joined([f"{count} go to {width(bits)}"
                                                 for bits, count in wins.items() if count])
               + "".join(f", none to {width(bits)}" for bits, count in wins.items() if not count)
               + ".")
    if same_memory:
        worse = sum(gap >= 0 for gap in same_memory)
        against = (f"Full precision of no more memory is {-max(same_memory):.3f} to "
                   f"{-min(same_memory):.3f} nats worse than QAT in all {len(same_memory)} cells "
                   "that have one." if worse == 0 else
                   f"Full precision of no more memory is as good as QAT in {worse} of "
                   f"{len(same_memory)} cells.")
        verdict += f" {against}"
    context.summary.append(f"Under a cap on memory: {verdict[0].lower()}{verdict[1:]}")
    return f"""## Against full precision, and at equal memory

Best QAT loss minus full precision: of the same size and tokens, and of the best full-precision
model of no more memory (16 bits a weight; embeddings not counted, sizes within 2 % taken as equal):

{table(["N", "D", "bits", "KiB of weights", "minus FP, same N", "minus FP, same memory"], body)}

Best width within a cap on the weights' memory, at equal tokens, among what was measured; each cap
is the memory of a measured model, which favours that one:

{table(["D", "KiB", "best bits", "N", "runner-up: bits, N", "its cost, nats"],
       [[tokens(first.cell[1]), f"{cap / 1024:.1f}", f"{first.cell[2]:g}", size(first.cell[0]),
         f"{second.cell[2]:g}, {size(second.cell[0])}", f"{second.loss - first.loss:.3f}"]
        for cap, first, second in best])}

{verdict}"""


def best_under_caps(context: Context) -> list[tuple[float, Optimum, Optimum]]:
    """Caps in bytes with the best and the second of what fits, where sizes and widths compete."""
    found = []
    for d in sorted({o.cell[1] for o in context.quantized_optima()}):
        points = [o for o in context.quantized_optima() if o.cell[1] == d]
        caps = sorted({o.cell[0] * o.cell[2] / 8 for o in points})
        distinct = [cap for cap, above in zip(caps, [*caps[1:], math.inf]) if above > cap * 1.02]
        for cap in distinct:
            fitting = [o for o in points if o.cell[0] * o.cell[2] / 8 <= cap]
            if len({o.cell[2] for o in fitting}) > 1 and len({o.cell[0] for o in fitting}) > 1:
                first, second = sorted(fitting, key=lambda o: o.loss)[:2]
                found.append((cap, first, second))
    return found
