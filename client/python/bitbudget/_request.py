"""Requests from the arguments of calls."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import operator
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from bitbudget._record import Record

M = TypeVar("M", bound=Message)

_INTEGERS = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_INT32)


def make(kind: type[M], **fields: Any) -> M:
    """The message of that kind with these fields; None leaves one unset. Writes that have a
    request_id get one of their own, which makes them safe to repeat."""
    message: M = kind()
    fill(message, fields)
    if "request_id" in kind.DESCRIPTOR.fields_by_name and not message.request_id:
        message.request_id = str(uuid.uuid4())
    return message


def fill(message: Message, fields: Mapping[str, Any] | Record) -> None:
    """Sets the fields of a message from a record or from a mapping by name, as the contract or
    as proto JSON writes it. Whole numbers may come as floats (4e6), enum values in any case;
    text is read as a number where the field is one, and empty text leaves it unset. TypeError
    or ValueError names what does not fit."""
    if isinstance(fields, Record):
        fields = {f.name: getattr(fields, f.name) for f in dataclasses.fields(fields)}
    for name, value in fields.items():
        if value is None:
            continue
        field = (message.DESCRIPTOR.fields_by_name.get(name)
                 or message.DESCRIPTOR.fields_by_camelcase_name.get(name))
        if field is None:
            raise TypeError(_unknown(message, name))
        try:
            _set(message, field, value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None


def resource_name(resource: str | Record, collection: str, parent: str | Record | None) -> str:
    """The full name of a thing in a study: of a record that has one, of a full name, or of an
    id in `parent`."""
    text = resource if isinstance(resource, str) else _name_of(resource)
    if "/" in text:
        return text
    if parent is None:
        raise TypeError(f"{text!r} is an id: say which study it belongs to with study=..., or "
                        f"give the full name, studies/STUDY/{collection}/{text}")
    return f"{study_name(parent)}/{collection}/{text}"


def study_name(study: str | Record) -> str:
    """"studies/micro" of "micro", of "studies/micro" or of the record of a study."""
    text = study if isinstance(study, str) else _name_of(study)
    return text if text.startswith("studies/") else f"studies/{text}"


def _name_of(record: Record) -> str:
    name = getattr(record, "name", "")
    if not isinstance(name, str) or not name:
        raise TypeError(f"a {type(record).__name__} names no resource")
    return name


def _unknown(message: Message, name: str) -> str:
    known = [field.name for field in message.DESCRIPTOR.fields]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f" (fields: {', '.join(known)})"
    return f"{message.DESCRIPTOR.name} has no field {name!r}{hint}"


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.label == FieldDescriptor.LABEL_REPEATED:
        _set_repeated(getattr(message, field.name), field, value)
    elif field.message_type is not None:
        _set_message(getattr(message, field.name), value)
    elif value != "" or field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        setattr(message, field.name, _scalar(field, value))


def _set_repeated(target: Any, field: FieldDescriptor, values: Any) -> None:
    if isinstance(values, Mapping):
        target.update(values)
        return
    if isinstance(values, str) or not isinstance(values, Iterable):
        values = [values]
    for value in values:
        if field.message_type is not None:
            _set_message(target.add(), value)
        else:
            target.append(_scalar(field, value))


def _set_message(target: Message, value: Any) -> None:
    if isinstance(value, Message):
        target.CopyFrom(value)
    elif isinstance(value, datetime.datetime):
        target.FromDatetime(value)
    elif isinstance(value, datetime.timedelta):
        target.FromTimedelta(value)
    elif isinstance(value, (Record, Mapping)):
        target.SetInParent()
        fill(target, value)
    else:
        raise TypeError(f"{value!r} is neither a record nor a mapping of fields")


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        return _enum_value(field, value)
    if field.cpp_type in _INTEGERS:
        return _whole(value)
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return float(value)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return bool(value)
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _whole(value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        pass
    if isinstance(value, str) and value.lstrip("+-").isdigit():
        return int(value)
    number = float(value)
    if not number.is_integer():
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)


def _enum_value(field: FieldDescriptor, value: Any) -> int:
    names = field.enum_type.values_by_name
    known = names.get(str(value).upper().replace("-", "_"))
    if known is None or known.number == 0:
        choices = ", ".join(name for name, item in names.items() if item.number)
        raise ValueError(f"{value!r} is none of {choices}")
    return int(known.number)
