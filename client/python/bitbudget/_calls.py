"""What the calls of all services share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from bitbudget._connection import Connection
from bitbudget._record import R, Record, from_message
from bitbudget._request import study_name
from bitbudget.records import LawSource

LARGEST_PAGE = 1000


class Calls:
    """Base of the services' calls; Client is made of them."""

    _connection: Connection

    def _ask(self, kind: type[R], method: Callable[..., Any], request: Any, *,
             long: bool = False, repeatable: bool = True) -> R:
        """Makes a call; its answer is a record of that kind."""
        reply = self._connection.call(method, request, long=long, repeatable=repeatable)
        return from_message(kind, reply)

    def _pages(self, kind: type[R], method: Callable[..., Any], request: Any,
               items: str) -> Iterator[R]:
        """The records in the field `items` of all pages of a list, asked for as they are
        needed."""
        while True:
            page = self._connection.call(method, request)
            for message in getattr(page, items):
                yield from_message(kind, message)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def law_source(source: str | Record | LawSource, min_revision: int | None) -> LawSource:
    """Which law answers: a study's current fit, a certain fit, or a published law, told apart
    by the form of the name."""
    if isinstance(source, LawSource):
        return source
    name = source if isinstance(source, str) else getattr(source, "name")
    if name.startswith("laws/"):
        return LawSource(published_law=name)
    if "/fits/" in name:
        return LawSource(fit=name)
    return LawSource(study=study_name(name), min_revision=min_revision or 0)


def is_long(request: Message) -> bool:
    """A question that waits for a fit may take as long as work does."""
    return bool(request.source.min_revision)
