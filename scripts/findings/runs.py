"""The measured runs of a study, grouped as the questions need them."""

import csv
import io
import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

@dataclass(frozen=True)
class Run:
    """One row of the export; tokens are counts, the loss is in nats."""

    role: str
    optimizer: str
    schedule: str
    parameters: int
    fp_tokens: int
    qat_tokens: int
    weight_bits: float
    replicate: int
    trunk: str
    loss: float

    @property
    def total_tokens(self) -> int:
        return self.fp_tokens + self.qat_tokens

    @property
    def qat_fraction(self) -> float:
        return self.qat_tokens / self.total_tokens

    @property
    def budget(self) -> float:
        """Total tokens to three digits: whole steps move it in the fourth."""
        return float(f"{self.total_tokens:.3g}")

    @property
    def fraction(self) -> float:
        """QAT fraction to two digits: whole steps move it in the third."""
        return round(self.qat_fraction, 2)

    @property
    def tokens_per_parameter_byte(self) -> float:
        return self.total_tokens / (self.parameters * self.weight_bits / 8)


def parse(csv_text: str) -> list[Run]:
    return [
        Run(
            role=row["role"],
            optimizer=row["optimizer"],
            schedule=row["schedule"],
            parameters=int(row["parameters"]),
            fp_tokens=int(row["fp_tokens"]),
            qat_tokens=int(row["qat_tokens"]),
            weight_bits=float(row["weight_bits"]),
            replicate=int(row["replicate"] or 0),
            trunk=row["trunk"],
            loss=float(row["loss_nats"]),
        )
        for row in csv.DictReader(io.StringIO(csv_text))
    ]


def quantized(runs: list[Run], schedule: str) -> list[Run]:
    return [r for r in runs if r.role == "FP_THEN_QAT" and r.schedule == schedule]


def controls(runs: list[Run], schedule: str) -> list[Run]:
    return [r for r in runs if r.role == "CONTROL" and r.schedule == schedule]


def plain(runs: list[Run]) -> dict[tuple[int, float, int], float]:
    """Loss of the plain full-precision run by (parameters, budget, replicate)."""
    losses: dict[tuple[int, float, int], float] = {}
    for r in runs:
        if r.role != "FULL_PRECISION":
            continue
        key = (r.parameters, r.budget, r.replicate)
        if key in losses:
            raise ValueError(f"two plain runs of {key}: parameters, budget, replicate")
        losses[key] = r.loss
    return losses


Cell = tuple[int, float, float]  # parameters, budget, weight bits


def cells(runs: list[Run]) -> dict[Cell, dict[float, dict[int, float]]]:
    """Losses by cell, fraction and replicate."""
    grouped: dict[Cell, dict[float, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for r in runs:
        grouped[(r.parameters, r.budget, r.weight_bits)][r.fraction][r.replicate] = r.loss
    return dict(sorted(grouped.items()))


@dataclass(frozen=True)
class Noise:
    """Standard deviations in nats, from replicates that differ in the seed alone."""

    curve: float  # common to the runs of one seed, size, budget and width
    run: float  # of one run about its curve: what moves an optimum
    degrees_of_freedom: int


def noise_by_model(runs: list[Run]) -> dict[tuple[int, float], Noise]:
    """Noise by (parameters, weight bits), where there are replicates."""
    parts = defaultdict(list)
    for r in runs:
        parts[(r.parameters, r.weight_bits)].append(r)
    found = {key: noise(part) for key, part in sorted(parts.items())}
    return {key: value for key, value in found.items() if value is not None}


def noise(runs: list[Run]) -> Noise | None:
    """Random curve effect and run noise by moments; unset without replicates.

    Replicates of a cell are a two-way layout of seeds and fractions: what is left
    after the means of both is run noise.
    """
    within, freedom, spreads = 0.0, 0, []
    for curves in cells(runs).values():
        seeds = set.intersection(*(set(losses) for losses in curves.values()))
        if len(seeds) < 2 or len(curves) < 2:
            continue
        table = np.array([[losses[seed] for seed in sorted(seeds)] for losses in curves.values()])
        rest = table - table.mean(axis=1, keepdims=True)
        spreads.append(float((rest**2).sum()) / (len(curves) * (len(seeds) - 1)))
        rest = rest - rest.mean(axis=0, keepdims=True)
        within += float((rest**2).sum())
        freedom += (len(curves) - 1) * (len(seeds) - 1)
    if freedom == 0:
        return None
    run_variance = within / freedom
    curve_variance = max(0.0, float(np.mean(spreads)) - run_variance)
    return Noise(math.sqrt(curve_variance), math.sqrt(run_variance), freedom)
