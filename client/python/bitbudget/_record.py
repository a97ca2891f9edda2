"""Records: what answers, experiments, fits and jobs are in Python.

bitbudget/records.py has a frozen dataclass for each message of the contract, generated with
its comments. Fields have the names of the contract; what is unset is None, a repeated field
is a tuple, a timestamp a datetime in UTC, an enum value a string ("FP_THEN_QAT"). Records may
be made by hand too, wherever a call takes one.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from bitbudget import _text

if TYPE_CHECKING:
    import pandas

MessageClass = type[Message]
R = TypeVar("R", bound="Record")

RECORDS: dict[str, type[Record]] = {}
ENUMS: dict[str, type[enum.StrEnum]] = {}


class Record:
    """A message of the contract as a frozen dataclass."""

    _message: ClassVar[MessageClass]

    def __init_subclass__(cls) -> None:
        if "_message" in cls.__dict__:
            RECORDS[cls._message.DESCRIPTOR.full_name] = cls

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, records in them as dictionaries."""
        return dataclasses.asdict(self)

    def __repr__(self) -> str:
        if isinstance(getattr(self, "provenance", None), ProvenanceBase):
            return _text.answer_text(self)
        return _text.record_text(self)


class EstimateBase(Record):
    value: float
    lower: float | None
    upper: float | None

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return _text.estimate_text(self)


class ProvenanceBase(Record):
    def __repr__(self) -> str:
        return "\n".join(_text.provenance_lines(self))


class _Table(Record):
    """A record that is, above all, a list of records."""

    _rows: ClassVar[str]

    def to_dataframe(self) -> pandas.DataFrame:
        """A pandas DataFrame of the rows; see RecordList.to_dataframe."""
        return to_dataframe(getattr(self, self._rows))


class FitBase(_Table):
    _rows = "coefficients"


class DevicesBase(_Table):
    _rows = "devices"


class CandidatesBase(_Table):
    _rows = "candidates"


class WidthsBase(_Table):
    _rows = "widths"


class BudgetsBase(_Table):
    _rows = "budgets"


class ComparisonBase(_Table):
    _rows = "entries"


class ExplanationBase(_Table):
    _rows = "runs"


class GridBase(Record):
    axes: tuple[Any, ...]
    values: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    inside_data: tuple[bool, ...]

    def to_dataframe(self, quantity: str = "value") -> pandas.DataFrame:
        """A pandas DataFrame with a row for each point: a column for each axis, one for the
        values, named `quantity`, `lower` and `upper` if there are intervals, and
        `inside_data`."""
        points = _pandas().MultiIndex.from_product(
            [axis.values for axis in self.axes],
            names=[axis.variable.lower() for axis in self.axes])
        frame = points.to_frame(index=False)
        frame[quantity] = self.values
        if self.lower:
            frame["lower"] = self.lower
            frame["upper"] = self.upper
        frame["inside_data"] = self.inside_data
        return frame


class RecordList(list[R]):
    """A list of records of one kind."""

    def to_dataframe(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row for each record. Records in records become columns
        of their own, their names joined by a dot; an uncertain quantity `x` becomes `x`,
        `x.lower` and `x.upper`. Needs pandas (Debian: python3-pandas)."""
        return to_dataframe(self)

    def __repr__(self) -> str:
        return _text.list_text(self)


def to_dataframe(records: Iterable[Record]) -> pandas.DataFrame:
    return _pandas().DataFrame([dict(_flat(record)) for record in records])


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("a data frame needs pandas: install Debian's python3-pandas, or "
                          "pip install pandas") from error
    return pandas


def _flat(record: Record, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(record):
        name, value = prefix + field.name, getattr(record, field.name)
        if isinstance(value, EstimateBase):
            yield name, value.value
            yield name + ".lower", value.lower
            yield name + ".upper", value.upper
        elif isinstance(value, Record):
            yield from _flat(value, name + ".")
        else:
            yield name, value


def from_message(kind: type[R], message: Message) -> R:
    """The record of a message, which must be of that kind."""
    # What is not listed is unset or zero, and so are the fields of a record by default.
    return kind(**{field.name: _from_field(field, value) for field, value in message.ListFields()})


def _from_field(field: FieldDescriptor, value: Any) -> Any:
    if field.label != FieldDescriptor.LABEL_REPEATED:
        return _from_value(field, value)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.message_type is None and field.enum_type is None:
        return tuple(value)
    return tuple(_from_value(field, item) for item in value)


def _from_value(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        # Zero means nothing, and a newer server may know more values than this client.
        known = field.enum_type.values_by_number.get(value)
        return ENUMS[field.enum_type.full_name](known.name) if known and value else None
    if field.message_type is None:
        return value
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return value.ToDatetime(tzinfo=datetime.timezone.utc)
    if field.message_type.full_name == "google.protobuf.Duration":
        return value.ToTimedelta()
    return from_message(RECORDS[field.message_type.full_name], value)
