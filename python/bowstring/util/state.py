"""What the runtime knows, as Arrow tables: tasks, actors, objects, workers, leases, nodes, jobs, placement groups.

    from bowstring.util import state

    state.tasks("state=RUNNING", "name~train").to_pandas()
    state.objects(("size", ">", 1 << 20)).sort_by([("size", "descending")])

Rows are filtered where they lie, in the node, and come in pages; there is no cap on their number. A filter is a text
(`FIELD=VALUE`, with one of = != < <= > >= and ~ for "contains") or a triple (field, operator, value); all must hold.
Text is compared without regard to case. What the fields mean: spec section 8.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bowstring import _options, _state
from bowstring._session import running_runtime
from bowstring.errors import InvalidArgumentError
from bowstring_wire.filters import parse_filter
from bowstring_wire.messages import StateKind

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "actors", "batches", "holds", "jobs", "leases", "nodes", "objects", "placement_groups", "references", "resources",
    "stacks", "store", "tasks", "workers",
]  # fmt: skip

Filter = str | tuple[str, str, Any]

_TEXT, _INTEGER, _REAL, _TRUTH, _TEXTS = "text", "integer", "real", "truth", "texts"
_AMOUNTS, _BUNDLES = "amounts", "bundles"
# The fields that a table has even if no row does, and their types. Fields that the node adds come behind them.
_FIELDS: dict[StateKind, dict[str, str]] = {
    StateKind.NODES: {
        "node": _TEXT, "address": _TEXT, "pid": _INTEGER, "alive": _TRUTH, "resources": _AMOUNTS,
    },
    StateKind.JOBS: {
        "job": _INTEGER, "driver": _TEXT, "pid": _INTEGER, "namespace": _TEXT, "language": _TEXT, "alive": _TRUTH,
        "started_ns": _INTEGER,
    },
    StateKind.WORKERS: {
        "process": _TEXT, "pid": _INTEGER, "slot": _INTEGER, "language": _TEXT, "state": _TEXT, "job": _INTEGER,
        "lease": _INTEGER, "actor": _TEXT, "name": _TEXT, "environment": _TEXT,
    },
    StateKind.LEASES: {
        "lease": _INTEGER, "worker": _TEXT, "pid": _INTEGER, "holder": _TEXT, "job": _INTEGER, "resources": _AMOUNTS,
        "blocked": _TRUTH, "age_s": _REAL,
    },
    StateKind.ACTORS: {
        "actor": _TEXT, "class": _TEXT, "name": _TEXT, "namespace": _TEXT, "job": _INTEGER, "language": _TEXT,
        "life": _TEXT, "incarnation": _INTEGER, "restarts_left": _INTEGER, "pid": _INTEGER, "reason": _TEXT,
    },
    StateKind.OBJECTS: {
        "object": _TEXT, "owner": _TEXT, "state": _TEXT, "encoding": _INTEGER, "size": _INTEGER, "holders": _INTEGER,
        "pins": _INTEGER,
    },
    StateKind.HOLDS: {
        "object": _TEXT, "kind": _TEXT, "process": _TEXT, "pid": _INTEGER, "role": _TEXT, "count": _INTEGER,
        "size": _INTEGER,
    },
    StateKind.TASKS: {
        "task": _TEXT, "name": _TEXT, "state": _TEXT, "attempt": _INTEGER, "job": _INTEGER, "language": _TEXT,
        "function": _TEXT, "actor": _TEXT, "owner": _TEXT, "worker": _TEXT, "pid": _INTEGER, "submitted_ns": _INTEGER,
        "start_ns": _INTEGER, "end_ns": _INTEGER, "duration_ns": _INTEGER, "error": _TEXT, "error_type": _TEXT,
        "error_message": _TEXT, "waits_for": _TEXTS, "resources": _AMOUNTS, "environment": _TEXT,
    },
    StateKind.RESOURCES: {"name": _TEXT, "total": _REAL, "available": _REAL},
    StateKind.STORE: {
        "capacity": _INTEGER, "allocated": _INTEGER, "in_use": _INTEGER, "segments": _INTEGER, "objects": _INTEGER,
        "pins": _INTEGER, "waiting": _INTEGER, "inline_objects": _INTEGER, "inline_bytes": _INTEGER,
        "spilled_objects": _INTEGER, "spilled_bytes": _INTEGER, "disk_bytes": _INTEGER, "spills": _INTEGER,
        "restores": _INTEGER,
    },
    StateKind.STACKS: {
        "process": _TEXT, "pid": _INTEGER, "language": _TEXT, "role": _TEXT, "job": _INTEGER, "thread": _TEXT,
        "task": _TEXT, "stack": _TEXT,
    },
    StateKind.REFERENCES: {
        "process": _TEXT, "pid": _INTEGER, "object": _TEXT, "kind": _TEXT, "state": _TEXT, "size": _INTEGER,
        "count": _INTEGER, "call_site": _TEXT,
    },
    StateKind.PLACEMENT_GROUPS: {
        "group": _TEXT, "name": _TEXT, "namespace": _TEXT, "job": _INTEGER, "strategy": _TEXT, "state": _TEXT,
        "detached": _TRUTH, "bundles": _BUNDLES, "reason": _TEXT,
    },
}  # fmt: skip


def tasks(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Tasks and calls of actors: those that are not over, then attempts that are, the newest first.

    State is PENDING_ARGUMENTS, PENDING_LEASE, PENDING_ACTOR, SENT, QUEUED, RUNNING, BLOCKED, FINISHED, FAILED or
    CANCELLED. Times are nanoseconds since 1970 UTC. Of those that are over, the last 64 MiB of events are kept.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.

    Raises:
        InvalidArgumentError: a filter or the limit is wrong.
    """
    return _table(StateKind.TASKS, filters, limit)


def actors(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Actors and their lives.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.ACTORS, filters, limit)


def objects(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Objects that their home knows: those in the store, and those whose references were passed on.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.OBJECTS, filters, limit)


def holds(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Who keeps which object: a row for each holder.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.HOLDS, filters, limit)


def references(*filters: Filter, limit: int | None = None) -> pa.Table:
    """The references that each process holds and that others may name; arguments as in `tasks`.

    `call_site` tells where an object was put, if BOWSTRING_CALL_SITES=1 stood in the environment of its process.
    """
    return _table(StateKind.REFERENCES, filters, limit)


def workers(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Worker processes.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.WORKERS, filters, limit)


def leases(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Who has leased which worker, with which resources.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.LEASES, filters, limit)


def nodes(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Nodes of the runtime.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.NODES, filters, limit)


def jobs(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Jobs of which somebody is left.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.JOBS, filters, limit)


def placement_groups(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Placement groups of the whole runtime: PENDING, PLACED or INFEASIBLE, and what their bundles hold.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.PLACEMENT_GROUPS, filters, limit)


def resources(*filters: Filter, limit: int | None = None) -> pa.Table:
    """Resources by name: what there is, and what nobody holds.

    Args:
        filters: conditions that must all hold; see the module.
        limit: rows at most; None: all.
    """
    return _table(StateKind.RESOURCES, filters, limit)


def store() -> pa.Table:
    """What the store has and what is used of it, in bytes and numbers; one row for each node."""
    return _table(StateKind.STORE, (), None)


def stacks(*filters: Filter, limit: int | None = None) -> pa.Table:
    """The stacks of all threads of all drivers and workers, Python's and Java's, busy or not.

    A process that does not answer within 2 s is read by a signal if it is a Python worker, and named in any case.
    Arguments as in `tasks`; `state.stacks("pid=1234")` is one process.
    """
    return _table(StateKind.STACKS, filters, limit)


def batches(kind: str, *filters: Filter, limit: int | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a kind page by page, for what would not fit into memory.

    Args:
        kind: name of a function of this module, as "tasks".
        filters: as in `tasks`.
        limit: as in `tasks`.

    Raises:
        InvalidArgumentError: an argument is wrong.
    """
    known = {each.name.lower(): each for each in _FIELDS}
    if kind not in known:
        raise InvalidArgumentError(f"state.batches: kind {kind!r} is none of {', '.join(sorted(known))}")
    return (_batch(known[kind], rows) for rows in _pages(known[kind], filters, limit))


def _pages(kind: StateKind, filters: tuple[Filter, ...], limit: int | None) -> Iterator[list[dict[str, Any]]]:
    if limit is not None:
        _options._count_from(1)(f"state.{kind.name.lower()}", "limit", limit)
    try:
        parsed = [parse_filter(each) for each in filters]
    except ValueError as error:
        raise InvalidArgumentError(f"state.{kind.name.lower()}: {error}") from error
    return _state.pages(running_runtime(), kind, parsed, limit or 0)


def _table(kind: StateKind, filters: tuple[Filter, ...], limit: int | None) -> pa.Table:
    import pyarrow as pa

    made = [_batch(kind, rows) for rows in _pages(kind, filters, limit)]
    if not made:
        return pa.table(_batch(kind, []))
    return pa.concat_tables([pa.table(batch) for batch in made], promote_options="default")


def _batch(kind: StateKind, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    import pyarrow as pa

    types = {
        _TEXT: pa.string(),
        _INTEGER: pa.int64(),
        _REAL: pa.float64(),
        _TRUTH: pa.bool_(),
        _TEXTS: pa.list_(pa.string()),
        _AMOUNTS: pa.map_(pa.string(), pa.float64()),
        _BUNDLES: pa.list_(pa.map_(pa.string(), pa.float64())),
    }
    fields = _FIELDS[kind]
    columns: dict[str, pa.Array] = {}
    for name, known in fields.items():
        column = [row.get(name) for row in rows]
        if known == _AMOUNTS:
            column = [None if amounts is None else list(amounts.items()) for amounts in column]
        elif known == _BUNDLES:
            column = [None if bundles is None else [list(each.items()) for each in bundles] for bundles in column]
        columns[name] = pa.array(column, types[known])
    more = dict.fromkeys(name for row in rows for name in row if name not in fields)
    for name in more:
        columns[name] = pa.array([row.get(name) for row in rows])
    return pa.record_batch(columns)
