"""State queries of this process to its node, page by page (spec 8.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, StateKind

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

Row = dict[str, Any]


def pages(
    runtime: Runtime, kind: StateKind, filters: Sequence[m.StateFilter] = (), limit: int = 0
) -> Iterator[list[Row]]:
    """The rows of `kind` that pass the filters, as they come; `limit` 0: all.

    Raises:
        InvalidArgumentError: a filter names no field of that kind, or compares a number with a text.
    """
    cursor = 0
    while True:
        query = m.StateQuery(0, kind, tuple(filters), limit, cursor)

        def numbered(request: int, query: m.StateQuery = query) -> m.StateQuery:
            query.request = request
            return query

        answer, body = runtime.request_with_body(FrameType.STATE_QUERY, numbered)
        rows = _read(body)
        if rows:
            yield rows
        cursor = answer.cursor
        if not cursor:
            return


def rows(runtime: Runtime, kind: StateKind, filters: Sequence[m.StateFilter] = (), limit: int = 0) -> list[Row]:
    """All rows; see `pages`."""
    return [row for page in pages(runtime, kind, filters, limit) for row in page]


def _read(body: bytes) -> list[Row]:
    import msgpack

    unpacker = msgpack.Unpacker(max_buffer_size=len(body) + 1)
    unpacker.feed(body)
    found: list[Row] = unpacker.unpack()
    return found
