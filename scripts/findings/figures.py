"""The two figures of the findings, as SVG that is the same for the same runs."""

import math
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "bitbudget"
matplotlib.rcParams["font.size"] = 9

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from fraction_sections import paper_fraction  # noqa: E402
from measured_sections import Context  # noqa: E402
from text import size, tokens, width  # noqa: E402

HIGHEST_EXCESS = 0.08  # nats; above, 1 bit alone would be seen
COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
MARKERS = {1: "o", 2: "s", 3: "^", 4: "D", 16: "x"}


def save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def optimum_against_tokens(context: Context, path: Path) -> None:
    figure, axis = plt.subplots(figsize=(7, 4.2))
    sizes = sorted({o.cell[0] for o in context.quantized_optima()})
    for o in context.quantized_optima():
        n, _, bits = o.cell
        axis.errorbar(
            o.tokens_per_parameter_byte, o.fraction,
            yerr=[[max(0, o.fraction - o.lower)], [max(0, o.upper - o.fraction)]],
            fmt=MARKERS.get(bits, "v"), color=COLORS[sizes.index(n) % len(COLORS)],
            markersize=5, elinewidth=0.7, fillstyle="full" if o.interior else "none",
        )
    measured = [o.tokens_per_parameter_byte for o in context.quantized_optima()]
    s = np.geomspace(max(1.5, min(measured) / 2), max(measured) * 2, 200)
    axis.plot(s, [paper_fraction(x) for x in s], color="gray", linewidth=1)
    axis.set_xscale("log")
    axis.set_ylim(0, 1)
    axis.set_xlabel("tokens per byte of parameters, S")
    axis.set_ylabel("best QAT fraction")
    handles = [plt.Line2D([], [], color=COLORS[i % len(COLORS)], marker="o", linestyle="",
                          label=f"{size(n)} parameters") for i, n in enumerate(sizes)]
    handles += [plt.Line2D([], [], color="black", marker=MARKERS.get(b, "v"), linestyle="",
                           label=width(b))
                for b in sorted({o.cell[2] for o in context.quantized_optima()})]
    handles += [plt.Line2D([], [], color="gray", label="exp(-6.73 / ln S), the paper's"),
                plt.Line2D([], [], color="black", marker="o", fillstyle="none", linestyle="",
                           label="at the edge of what was measured")]
    axis.legend(handles=handles, fontsize=7, ncols=2)
    save(figure, path)


def loss_against_fraction(context: Context, path: Path) -> None:
    keys = sorted({(n, d) for n, d, _ in context.cells})
    widths = sorted({bits for _, _, bits in context.cells})
    columns = min(3, len(keys))
    figure, axes = plt.subplots(math.ceil(len(keys) / columns), columns, squeeze=False,
                                figsize=(9, 2.4 * math.ceil(len(keys) / columns)))
    for axis in axes.flat[len(keys):]:
        axis.set_visible(False)
    for axis, (n, d) in zip(axes.flat, keys):
        for i, bits in enumerate(widths):
            if (n, d, bits) not in context.cells:
                continue
            curve = context.cells[(n, d, bits)]
            fractions = sorted(curve)
            means = np.array([np.mean(list(curve[f].values())) for f in fractions])
            axis.plot(fractions, means - means.min(), marker=MARKERS.get(bits, "v"), markersize=3,
                      linewidth=1, color=COLORS[i % len(COLORS)])
        axis.set_title(f"{size(n)} parameters, {tokens(d)} tokens", fontsize=8)
        axis.set_xscale("logit")
        axis.set_xticks([0.03, 0.12, 0.45], labels=["0.03", "0.12", "0.45"])
        axis.xaxis.set_minor_formatter(plt.NullFormatter())
        axis.set_ylim(0, HIGHEST_EXCESS)
        axis.set_xlabel("QAT fraction", fontsize=7)
        axis.set_ylabel("loss minus best, nats", fontsize=7)
    handles = [plt.Line2D([], [], color=COLORS[i % len(COLORS)], marker=MARKERS.get(bits, "v"),
                          linewidth=1, label="control" if bits == 16 else width(bits))
               for i, bits in enumerate(widths)]
    axes.flat[len(keys) - 1].legend(handles=handles, fontsize=6, loc="upper right")
    save(figure, path)
