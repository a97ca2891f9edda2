"""The errors that calls raise: one class for each canonical code, all of them bitbudget.Error.

docs/errors.md lists the reasons, when they come, and which details come with each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from bitbudget._record import from_message
from bitbudget.records import DataCannotAnswer, ExperimentConflict, RejectedRow
from bitbudget.rpc import error_details_pb2, status_pb2
from bitbudget.v1 import error_details_pb2 as own_details_pb2

__all__ = [
    "AbortedError", "AlreadyExistsError", "CancelledError", "DataCannotAnswerError",
    "DataLossError", "DeadlineExceededError", "Details", "Error", "FailedPreconditionError",
    "FieldViolation", "InternalError", "InvalidArgumentError", "NotFoundError",
    "OutOfRangeError", "PermissionDeniedError", "ResourceExhaustedError",
    "ServerUnreachableError", "UnauthenticatedError", "UnavailableError", "UnimplementedError",
    "UnknownError",
]

_STATUS_TRAILER = "grpc-status-details-bin"


@dataclasses.dataclass(frozen=True)
class FieldViolation:
    """A field of a request that breaks a rule."""

    field: str
    """Path in names of the contract, "experiments[3].loss_nats"."""

    description: str
    """The value found and the rule that it breaks."""


@dataclasses.dataclass(frozen=True)
class Details:
    """What a program can read from an error; what did not come is empty."""

    reason: str = ""
    """UPPER_SNAKE_CASE, see docs/errors.md; empty if the error is not bitbudget's own."""

    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    field_violations: tuple[FieldViolation, ...] = ()
    rejected_rows: tuple[RejectedRow, ...] = ()
    conflicts: tuple[ExperimentConflict, ...] = ()
    data_cannot_answer: DataCannotAnswer | None = None
    resource_type: str = ""
    resource_name: str = ""
    retry_delay_seconds: float | None = None


class Error(Exception):
    """A call that failed.

    `code` is the name of the canonical code ("NOT_FOUND"), `message` what the server says,
    `details` the rest; the parts of `details` can be read from the error itself too.
    """

    def __init__(self, code: str, message: str, details: Details = Details()) -> None:
        super().__init__(code, message, details)
        self.code = code
        self.message = message
        self.details = details

    @property
    def reason(self) -> str:
        return self.details.reason

    @property
    def field_violations(self) -> tuple[FieldViolation, ...]:
        return self.details.field_violations

    @property
    def rejected_rows(self) -> tuple[RejectedRow, ...]:
        return self.details.rejected_rows

    @property
    def conflicts(self) -> tuple[ExperimentConflict, ...]:
        return self.details.conflicts

    @property
    def data_cannot_answer(self) -> DataCannotAnswer | None:
        return self.details.data_cannot_answer

    @property
    def retry_delay_seconds(self) -> float | None:
        return self.details.retry_delay_seconds

    def __str__(self) -> str:
        return "\n  ".join([self.message or self.code, *self._lines()])

    def _lines(self) -> Iterator[str]:
        """What the message does not say already, a line each."""
        for violation in self.field_violations:
            line = f"{violation.field}: {violation.description}"
            if line not in self.message:
                yield line
        for row in self.rejected_rows:
            place = f"line {row.line}" if row.line else f"row {row.index}"
            yield f"{place}: {row.field}: {row.description}"
        for conflict in self.conflicts:
            yield (f"row {conflict.index} contradicts "
                   f"{conflict.existing_experiment or f'row {conflict.earlier_index}'}: "
                   f"other {', '.join(conflict.differing_fields)}")
        if self.data_cannot_answer and self.data_cannot_answer.explanation not in self.message:
            yield self.data_cannot_answer.explanation


class CancelledError(Error):
    """The call was cut off."""


class UnknownError(Error):
    """Something else than a bitbudget-server answered."""


class InvalidArgumentError(Error):
    """A field breaks a rule; field_violations or rejected_rows say which."""


class DeadlineExceededError(Error):
    """The server did not answer in time."""


class NotFoundError(Error):
    """There is no such study, experiment, fit, law, job, campaign."""


class AlreadyExistsError(Error):
    """The id is taken, or a run contradicts a stored one (conflicts)."""


class PermissionDeniedError(Error):
    """The server may not write there."""


class ResourceExhaustedError(Error):
    """The server is busy, and was so for as long as the call might take."""


class FailedPreconditionError(Error):
    """The state of the study does not allow it."""


class DataCannotAnswerError(FailedPreconditionError):
    """The data cannot answer the question; data_cannot_answer says what is missing."""


class AbortedError(Error):
    """Something has changed in between."""


class OutOfRangeError(Error):
    """The value is valid and lies outside what the law describes."""


class UnimplementedError(Error):
    """The server is older than this client."""


class InternalError(Error):
    """A mistake of the server's own."""


class UnavailableError(Error):
    """The server cannot serve now."""


class ServerUnreachableError(UnavailableError):
    """No server answers at the address."""


class DataLossError(Error):
    """The database is damaged."""


class UnauthenticatedError(Error):
    """The server wants credentials."""


_CLASSES: dict[str, type[Error]] = {
    "CANCELLED": CancelledError,
    "UNKNOWN": UnknownError,
    "INVALID_ARGUMENT": InvalidArgumentError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "NOT_FOUND": NotFoundError,
    "ALREADY_EXISTS": AlreadyExistsError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "RESOURCE_EXHAUSTED": ResourceExhaustedError,
    "FAILED_PRECONDITION": FailedPreconditionError,
    "ABORTED": AbortedError,
    "OUT_OF_RANGE": OutOfRangeError,
    "UNIMPLEMENTED": UnimplementedError,
    "INTERNAL": InternalError,
    "UNAVAILABLE": UnavailableError,
    "DATA_LOSS": DataLossError,
    "UNAUTHENTICATED": UnauthenticatedError,
}


def make_error(code: str, message: str, details: Details = Details()) -> Error:
    """An error of the class of its code, or of a class of its own."""
    kind = _CLASSES.get(code, Error)
    if code == "FAILED_PRECONDITION" and details.data_cannot_answer:
        kind = DataCannotAnswerError
    if code == "UNAVAILABLE" and details.reason == "SERVER_UNREACHABLE":
        kind = ServerUnreachableError
    return kind(code, message, details)


def from_rpc_error(error: grpc.RpcError) -> Error:
    """The error of a call, with the details that the server sent along."""
    status = status_pb2.Status()
    for name, value in error.trailing_metadata() or ():
        if name == _STATUS_TRAILER:
            status = _parsed(status_pb2.Status, value)
    return make_error(error.code().name, error.details() or "", _details(status))


def _details(status: Any) -> Details:
    parts: dict[str, Any] = {}
    violations: list[FieldViolation] = []
    rows: list[RejectedRow] = []
    conflicts: list[ExperimentConflict] = []
    for packed in status.details:
        kind, data = packed.type_url.rpartition("/")[2], packed.value
        if kind == "google.rpc.ErrorInfo":
            info = _parsed(error_details_pb2.ErrorInfo, data)
            parts["reason"], parts["metadata"] = info.reason, dict(info.metadata)
        elif kind == "google.rpc.BadRequest":
            bad = _parsed(error_details_pb2.BadRequest, data)
            violations += [FieldViolation(v.field, v.description) for v in bad.field_violations]
        elif kind == "google.rpc.ResourceInfo":
            resource = _parsed(error_details_pb2.ResourceInfo, data)
            parts["resource_type"] = resource.resource_type
            parts["resource_name"] = resource.resource_name
        elif kind == "google.rpc.RetryInfo":
            delay = _parsed(error_details_pb2.RetryInfo, data).retry_delay
            parts["retry_delay_seconds"] = delay.ToTimedelta().total_seconds()
        elif kind == "bitbudget.v1.DataCannotAnswer":
            detail = _parsed(own_details_pb2.DataCannotAnswer, data)
            parts["data_cannot_answer"] = from_message(DataCannotAnswer, detail)
        elif kind == "bitbudget.v1.RejectedRow":
            row = _parsed(own_details_pb2.RejectedRow, data)
            rows.append(from_message(RejectedRow, row))
        elif kind == "bitbudget.v1.ExperimentConflict":
            conflict = _parsed(own_details_pb2.ExperimentConflict, data)
            conflicts.append(from_message(ExperimentConflict, conflict))
    return Details(field_violations=tuple(violations), rejected_rows=tuple(rows),
                   conflicts=tuple(conflicts), **parts)


def _parsed(kind: Any, data: bytes) -> Any:
    """The message; an empty one for bytes that are none."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return kind()
