"""Planning questions. Their keywords are the fields of the requests in
proto/bitbudget/v1/planner.proto, which says what each means, its range, and what unset means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bitbudget._calls import Calls, is_long, law_source
from bitbudget._record import R, Record
from bitbudget._request import make
from bitbudget.records import (
    CompareToFullPrecisionResponse,
    EstimateWasteResponse,
    EvaluateGridResponse,
    GridAxis,
    Hardware,
    ListDevicesResponse,
    MemoryModel,
    OptimizeBitWidthResponse,
    OptimizeQatFractionResponse,
    PlanTrainingResponse,
    PredictLossResponse,
    TokenRange,
)
from bitbudget.v1 import planner_pb2

Fields = Mapping[str, Any]


class PlannerCalls(Calls):
    """The first argument of every question says which law answers: a study ("micro",
    "studies/micro", or its record) for its current fit, "studies/micro/fits/1" or a record of a
    fit, or "laws/KEY", a published law. `min_revision` waits for a fit that covers that
    revision of the study."""

    def predict_loss(self, law: str | Record, *, parameters: float, fp_tokens: float,
                     weight_bits: float, qat_tokens: float = 0, group_size: int | None = None,
                     optimizer: str | None = None, confidence_level: float | None = None,
                     min_revision: int | None = None) -> PredictLossResponse:
        """The loss of a run, its terms, the interval of the mean and of one further run."""
        request = make(planner_pb2.PredictLossRequest, source=law_source(law, min_revision),
                       parameters=parameters, fp_tokens=fp_tokens, qat_tokens=qat_tokens,
                       weight_bits=weight_bits, group_size=group_size, optimizer=optimizer,
                       confidence_level=confidence_level)
        return self._answer(PredictLossResponse, self._connection.planner.PredictLoss, request)

    def optimize_qat_fraction(self, law: str | Record, *, parameters: float, weight_bits: float,
                              total_tokens: float | None = None,
                              compute_flops: float | None = None,
                              qat_token_cost: float | None = None,
                              fixed_fp_tokens: float | None = None,
                              target_loss_nats: float | None = None,
                              caller_fraction: float | None = None,
                              loss_tolerance_nats: float | None = None,
                              confidence_level: float | None = None, point_only: bool = False,
                              min_revision: int | None = None) -> OptimizeQatFractionResponse:
        """The best split of a budget between full precision and QAT, or, with
        fixed_fp_tokens, what to add to a checkpoint."""
        request = make(planner_pb2.OptimizeQatFractionRequest,
                       source=law_source(law, min_revision), parameters=parameters,
                       weight_bits=weight_bits, total_tokens=total_tokens,
                       compute_flops=compute_flops, qat_token_cost=qat_token_cost,
                       fixed_fp_tokens=fixed_fp_tokens, target_loss_nats=target_loss_nats,
                       caller_fraction=caller_fraction, loss_tolerance_nats=loss_tolerance_nats,
                       confidence_level=confidence_level, point_only=point_only)
        return self._answer(OptimizeQatFractionResponse,
                            self._connection.planner.OptimizeQatFraction, request)

    def optimize_bit_width(self, law: str | Record, *, objective: str | None = None,
                           parameters: float | None = None, memory_bytes: float | None = None,
                           total_tokens: float | None = None,
                           compute_flops: float | None = None,
                           qat_token_cost: float | None = None,
                           target_loss_nats: float | None = None,
                           weight_bits: Iterable[float] = (),
                           memory_model: MemoryModel | Fields | None = None,
                           loss_tolerance_nats: float | None = None,
                           confidence_level: float | None = None, point_only: bool = False,
                           draw_count: int | None = None, seed: int = 0,
                           min_revision: int | None = None) -> OptimizeBitWidthResponse:
        """The bits, size and split with the least loss under a memory cap and a budget; with
        objective="least_memory" or "least_compute" the other way round."""
        request = make(planner_pb2.OptimizeBitWidthRequest,
                       source=law_source(law, min_revision), objective=objective,
                       parameters=parameters, memory_bytes=memory_bytes,
                       total_tokens=total_tokens, compute_flops=compute_flops,
                       qat_token_cost=qat_token_cost, target_loss_nats=target_loss_nats,
                       weight_bits=weight_bits, memory_model=memory_model,
                       loss_tolerance_nats=loss_tolerance_nats,
                       confidence_level=confidence_level, point_only=point_only,
                       draw_count=draw_count, seed=seed)
        return self._answer(OptimizeBitWidthResponse, self._connection.planner.OptimizeBitWidth,
                            request)

    def compare_to_full_precision(self, law: str | Record, *, parameters: float,
                                  total_tokens: float | None = None,
                                  compute_flops: float | None = None,
                                  qat_token_cost: float | None = None,
                                  weight_bits: Iterable[float] = (),
                                  memory_model: MemoryModel | Fields | None = None,
                                  tolerance_nats: float | None = None,
                                  confidence_level: float | None = None,
                                  point_only: bool = False, min_revision: int | None = None
                                  ) -> CompareToFullPrecisionResponse:
        """Quantized runs against full precision, at equal tokens and at equal memory."""
        request = make(planner_pb2.CompareToFullPrecisionRequest,
                       source=law_source(law, min_revision), parameters=parameters,
                       total_tokens=total_tokens, compute_flops=compute_flops,
                       qat_token_cost=qat_token_cost, weight_bits=weight_bits,
                       memory_model=memory_model, tolerance_nats=tolerance_nats,
                       confidence_level=confidence_level, point_only=point_only)
        return self._answer(CompareToFullPrecisionResponse,
                            self._connection.planner.CompareToFullPrecision, request)

    def estimate_waste(self, law: str | Record, *, parameters: float, weight_bits: float,
                       total_tokens: float | Iterable[float] = (),
                       compute_flops: float | Iterable[float] = (),
                       range: TokenRange | Fields | None = None,
                       qat_fraction: float | None = None, qat_token_cost: float | None = None,
                       hardware: Hardware | Fields | None = None,
                       confidence_level: float | None = None, point_only: bool = False,
                       min_revision: int | None = None) -> EstimateWasteResponse:
        """What a split of one's own (10 % QAT unless given) loses, over one budget or many."""
        request = make(planner_pb2.EstimateWasteRequest, source=law_source(law, min_revision),
                       parameters=parameters, weight_bits=weight_bits,
                       qat_fraction=qat_fraction, total_tokens=total_tokens,
                       compute_flops=compute_flops, range=range, qat_token_cost=qat_token_cost,
                       hardware=hardware, confidence_level=confidence_level,
                       point_only=point_only)
        return self._answer(EstimateWasteResponse, self._connection.planner.EstimateWaste,
                            request)

    def plan_training(self, law: str | Record, *, parameters: float | None = None,
                      memory_bytes: float | None = None, total_tokens: float | None = None,
                      compute_flops: float | None = None, device_hours: float | None = None,
                      money: float | None = None, deadline_hours: float | None = None,
                      target_loss_nats: float | None = None,
                      fixed_fp_tokens: float | None = None, qat_token_cost: float | None = None,
                      weight_bits: Iterable[float] = (),
                      memory_model: MemoryModel | Fields | None = None,
                      hardware: Hardware | Fields | None = None,
                      tokens_per_step: float | None = None, caller_fraction: float | None = None,
                      loss_tolerance_nats: float | None = None,
                      confidence_level: float | None = None, draw_count: int | None = None,
                      seed: int = 0, min_revision: int | None = None) -> PlanTrainingResponse:
        """A whole plan from one of total_tokens, compute_flops, device_hours, money,
        deadline_hours, target_loss_nats: bits, size, split, steps, schedule, memory, cost."""
        request = make(planner_pb2.PlanTrainingRequest, source=law_source(law, min_revision),
                       parameters=parameters, memory_bytes=memory_bytes,
                       total_tokens=total_tokens, compute_flops=compute_flops,
                       device_hours=device_hours, money=money, deadline_hours=deadline_hours,
                       target_loss_nats=target_loss_nats, fixed_fp_tokens=fixed_fp_tokens,
                       qat_token_cost=qat_token_cost, weight_bits=weight_bits,
                       memory_model=memory_model, hardware=hardware,
                       tokens_per_step=tokens_per_step, caller_fraction=caller_fraction,
                       loss_tolerance_nats=loss_tolerance_nats,
                       confidence_level=confidence_level, draw_count=draw_count, seed=seed)
        return self._answer(PlanTrainingResponse, self._connection.planner.PlanTraining, request)

    def evaluate_grid(self, law: str | Record, quantity: str,
                      axes: Iterable[GridAxis | Fields] | Mapping[str, Iterable[float]], *,
                      parameters: float | None = None, total_tokens: float | None = None,
                      fp_tokens: float | None = None, qat_tokens: float | None = None,
                      qat_fraction: float | None = None, weight_bits: float | None = None,
                      with_intervals: bool = False, confidence_level: float | None = None,
                      min_revision: int | None = None) -> EvaluateGridResponse:
        """A quantity ("loss_nats", "optimal_qat_fraction", ...) over one or two axes:
        {"total_tokens": [1e9, 1e10], "weight_bits": [2, 4]}, or records of GridAxis for evenly
        spaced points. The other variables are keywords."""
        if isinstance(axes, Mapping):
            axes = [{"variable": name, "values": values} for name, values in axes.items()]
        request = make(planner_pb2.EvaluateGridRequest, source=law_source(law, min_revision),
                       quantity=quantity, axes=axes, parameters=parameters,
                       total_tokens=total_tokens, fp_tokens=fp_tokens, qat_tokens=qat_tokens,
                       qat_fraction=qat_fraction, weight_bits=weight_bits,
                       with_intervals=with_intervals, confidence_level=confidence_level)
        return self._ask(EvaluateGridResponse, self._connection.planner.EvaluateGrid, request,
                         long=True)

    def list_devices(self) -> ListDevicesResponse:
        """Accelerators whose figures are known."""
        return self._ask(ListDevicesResponse, self._connection.planner.ListDevices,
                         planner_pb2.ListDevicesRequest())

    def _answer(self, kind: type[R], method: Any, request: Any) -> R:
        return self._ask(kind, method, request, long=is_long(request))
