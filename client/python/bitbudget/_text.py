"""How records look when they are printed."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bitbudget._record import Record

_LISTED_ROWS = 10
_LISTED_VALUES = 6
# Numbers in between are taken for counts that happen to be real.
_LEAST_COUNT = 1e5
_BEYOND_COUNTS = 1e15


def estimate_text(estimate: Any) -> str:
    """"2.304 (2.281 to 2.327)"; the value alone without an interval."""
    if estimate.lower is None:
        return number_text(estimate.value)
    return (f"{number_text(estimate.value)} "
            f"({number_text(estimate.lower)} to {number_text(estimate.upper)})")


def number_text(value: float) -> str:
    """Counts whole, other numbers to five digits."""
    if isinstance(value, int) or _LEAST_COUNT <= abs(value) < _BEYOND_COUNTS:
        return f"{value:,.0f}"
    return f"{value:.5g}"


def record_text(record: Record) -> str:
    """One line, or a line for each field where these hold lists of records."""
    if any(_is_list_of_records(value) for _, value in _set_fields(record)):
        return "\n".join(_field_lines(record))
    return record_line(record)


def record_line(record: Record, depth: int = 2) -> str:
    """"Range(lower=1, upper=2)": what is set; records in it down to `depth`."""
    if depth == 0:
        return f"{type(record).__name__}(...)"
    parts = [f"{name}={_value_text(value, depth - 1)}" for name, value in _set_fields(record)]
    return f"{type(record).__name__}({', '.join(parts)})"


def list_text(records: list[Any]) -> str:
    """The first records, a line each, and how many there are."""
    lines = [record_line(record) for record in records[:_LISTED_ROWS]]
    if len(records) > _LISTED_ROWS:
        lines.append(f"... {len(records)} in all")
    return "[" + ",\n ".join(lines) + "]"


def answer_text(answer: Record) -> str:
    """A line for each field of an answer, then where it comes from."""
    provenance = getattr(answer, "provenance")
    return "\n".join([*_field_lines(answer, without="provenance"),
                      *(f"  {line}" for line in provenance_lines(provenance))])


def provenance_lines(provenance: Any) -> list[str]:
    """Which law and fit, whether inside the data, warnings: a line each."""
    return [_source_text(provenance), *_range_lines(provenance.extrapolation),
            *(f"warning: {warning}" for warning in provenance.warnings)]


def _source_text(provenance: Any) -> str:
    law = provenance.law + (f" ({provenance.variant})" if provenance.variant else "")
    if provenance.published_law:
        return f"from the published law {provenance.published_law}"
    text = f"from {law}, fit {provenance.fit}, revision {provenance.revision}"
    if provenance.confidence_level:
        text += f"; intervals at {provenance.confidence_level:g}"
    return text


def _range_lines(extrapolation: Any) -> list[str]:
    if extrapolation is None:
        return []
    if extrapolation.inside_data:
        return ["inside the data"]
    return [f"outside the data: {axis.axis} {number_text(axis.value)} is {axis.factor:.3g} times "
            f"beyond {number_text(axis.data_range.lower)} to {number_text(axis.data_range.upper)}"
            for axis in extrapolation.axes]


def _field_lines(record: Record, without: str = "") -> list[str]:
    fields = [(name, value) for name, value in _set_fields(record) if name != without]
    width = max((len(name) for name, _ in fields), default=0)
    lines = [type(record).__name__]
    for name, value in fields:
        if _is_list_of_records(value):
            lines.append(f"  {name}")
            lines += [f"    {record_line(item, 1)}" for item in value]
        else:
            lines.append(f"  {name:<{width}}  {_value_text(value, 1)}")
    return lines


def _set_fields(record: Record) -> list[tuple[str, Any]]:
    fields = [(field, getattr(record, field.name))
              for field in dataclasses.fields(record)]
    return [(field.name, value) for field, value in fields
            if value is not None and value != () and value != {} and value != ""]


def _is_list_of_records(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and dataclasses.is_dataclass(value[0])


def _value_text(value: Any, depth: int) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, str):
        return str(value) if str(value).isupper() else repr(str(value))
    if isinstance(value, datetime.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, tuple):
        if len(value) > _LISTED_VALUES:
            return f"<{len(value)} values>"
        return f"[{', '.join(_value_text(item, depth) for item in value)}]"
    return _nested_text(value, depth)


def _nested_text(value: Any, depth: int) -> str:
    if type(value).__name__ == "Estimate":
        return estimate_text(value)
    return record_line(value, depth) if dataclasses.is_dataclass(value) else repr(value)
