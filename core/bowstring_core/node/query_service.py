"""Answers state queries: rows that pass the filters, page by page (spec 8.1).

A query is an iterator of rows. A page takes from it for a few milliseconds; what is left waits under a cursor until its
asker comes for the next. So a million rows hold up nobody, and an asker that goes away costs nothing more.

What only frontends know is asked of them before the first page.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bowstring_core import limits
from bowstring_core.machine.blockers import OBJECT_HEX, TASK_HEX, Explanation, Facts
from bowstring_core.machine.filters import Filter, FilterError, wanted
from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.objects import Entry
from bowstring_core.machine.resources import UNITS, larger_of
from bowstring_core.machine.workers import WorkerState
from bowstring_core.node.errors import RequestError
from bowstring_core.node.inspection import Answers, Inspection
from bowstring_core.node.peers import Peer
from bowstring_core.node.signalled_stacks import signalled_stacks
from bowstring_core.node.task_log import TaskLog
from bowstring_core.node.task_rows import LiveTasks, find_past, language_name, task_rows
from bowstring_core.node.trace import Trace
from bowstring_wire.messages import (
    ErrorCode,
    FilterOp,
    FrameType,
    InspectKind,
    Role,
    StateKind,
    StateQuery,
    StateReply,
)

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

Row = dict[str, Any]
Rows = Iterable[Row]
_LOOKS = 64  # rows between two looks at the clock


class _Known(NamedTuple):
    """What stays known of a process, which the log names by number."""

    pid: int
    name: str
    environment: str  # key of its runtime environment, in hexadecimal


class _Query:
    """Rows that are left to tell. The iterator may yield None, which is no row, but a place where a page may end."""

    __slots__ = ("filters", "kind", "left", "rows")

    def __init__(self, kind: int, rows: Iterator[Row | None], filters: list[Filter], limit: int) -> None:
        self.kind, self.rows, self.filters = kind, rows, filters
        self.left = limit or -1

    def page(self, pack: Callable[[Any], bytes]) -> tuple[list[bytes], bool]:
        """Rows of the next page, packed, and whether it is the last."""
        packed: list[bytes] = []
        size = 0
        until = time.monotonic() + limits.PAGE_S
        for looked in itertools.count(1):
            if not self.left:
                return packed, True
            try:
                row = next(self.rows)
            except StopIteration:
                return packed, True
            if row is not None and wanted(row, self.filters):
                packed.append(pack(row))
                size += len(packed[-1])
                self.left -= 1
            if size >= limits.PAGE_BYTES or (not looked % _LOOKS and time.monotonic() >= until):
                break
        return packed, False


class QueryService:
    """The handler of StateQuery.

    Args:
        node: Whose state it is.
        log: The task log.
        plain: Rows of the kinds that the node knows by itself.
    """

    def __init__(self, node: Node, log: TaskLog, plain: Mapping[int, Callable[[], Rows]]) -> None:
        self._node, self._log, self._plain = node, log, plain
        self.inspection = Inspection(node)
        self._cursors: dict[Peer, OrderedDict[int, _Query]] = {}
        self._next_cursor = itertools.count(1).__next__
        self._who: OrderedDict[int, _Known] = OrderedDict()  # by process
        self._asked: dict[int, Callable[[Peer, StateQuery, list[Filter]], None]] = {
            StateKind.TASKS: self._tasks,
            StateKind.STACKS: self._stacks,
            StateKind.BLOCKERS: self._blockers,
            StateKind.TRACE: self._trace,
            StateKind.REFERENCES: self._references,
        }
        everybody = frozenset((Role.DRIVER, Role.WORKER, Role.TOOL))
        node.handle(FrameType.STATE_QUERY, StateQuery, everybody, self._query)

    # Peers ------------------------------------------------------------------------------------------------------------

    def peer_came(self, peer: Peer) -> None:
        """Remember who a process is: the log names it by number."""
        if peer.role is Role.TOOL:
            return
        name = f"{peer.role.name.lower()} {peer.pid}"
        process = self._node.workers.processes.get(peer.slot) if peer.slot else None
        environment = process.kind.environment.hex() if process is not None else ""
        self._who[peer.process] = _Known(peer.pid, name, environment)
        if len(self._who) > limits.PROCESSES_KNOWN_MAX:
            self._who.popitem(last=False)

    def peer_gone(self, peer: Peer) -> None:
        """Nobody will ask for its other pages."""
        self._cursors.pop(peer, None)
        self.inspection.peer_gone(peer)

    # Pages ------------------------------------------------------------------------------------------------------------

    def _query(self, peer: Peer, message: StateQuery, body: bytes) -> None:
        if message.cursor:
            query = self._cursors.get(peer, OrderedDict()).pop(message.cursor, None)
            if query is None or query.kind != message.kind:
                text = f"StateQuery.cursor {message.cursor} is not known: it was used, forgotten, or is of another kind"
                raise RequestError(ErrorCode.INVALID_ARGUMENT, text)
            self._answer(peer, message.request, query)
            return
        try:
            filters = [Filter(each.field, each.op, each.value) for each in message.filters]
        except FilterError as error:
            raise RequestError(ErrorCode.INVALID_ARGUMENT, str(error)) from error
        plain = self._plain.get(message.kind)
        if plain is not None:
            self._begin(peer, message, iter(plain()), filters)
            return
        asked = self._asked.get(message.kind)
        if asked is None:
            raise RequestError(ErrorCode.INVALID_ARGUMENT, f"StateQuery.kind {message.kind} is not known")
        asked(peer, message, filters)

    def _begin(self, peer: Peer, message: StateQuery, rows: Iterator[Row | None], filters: list[Filter]) -> None:
        self._answer(peer, message.request, _Query(message.kind, rows, filters, message.limit))

    def _answer(self, peer: Peer, request: int, query: _Query) -> None:
        import msgpack  # here, so that a node that nobody asks starts without it

        if peer.gone:
            return
        packer = msgpack.Packer()
        try:
            packed, last = query.page(packer.pack)
        except FilterError as error:
            peer.fail(request, ErrorCode.INVALID_ARGUMENT, str(error))
            return
        payload = packer.pack_array_header(len(packed)) + b"".join(packed)
        cursor = 0
        if not last:
            cursor = self._next_cursor()
            mine = self._cursors.setdefault(peer, OrderedDict())
            mine[cursor] = query
            if len(mine) > limits.CURSORS_MAX:
                mine.popitem(last=False)
        peer.send(FrameType.STATE_REPLY, StateReply(request, len(payload), cursor), payload)

    # Kinds that frontends are asked for -------------------------------------------------------------------------------

    def _live(self, answers: Answers) -> LiveTasks:
        pids = {f"{peer.process:016x}": peer.pid for peer in self._node.peers.values()}
        return LiveTasks(answers.told, pids)

    def _tasks(self, peer: Peer, message: StateQuery, filters: list[Filter]) -> None:
        named = [text for field, text in _equals(message) if field == "task" and _is_id(text, TASK_HEX)]
        only = bytes.fromhex(named[0]) if named else b""

        def told(answers: Answers) -> None:
            rows = task_rows(self._live(answers), self._log, only)
            self._begin(peer, message, self._with_environments(rows), filters)

        self.inspection.ask(InspectKind.TASKS, told)

    def _with_environments(self, rows: Iterator[Row | None]) -> Iterator[Row | None]:
        """Callers tell the environment of what they have not sent; of the rest it is their worker's."""
        for row in rows:
            if row is not None and row["worker"] and not row["environment"]:
                known = self._who.get(int(row["worker"], 16))
                row["environment"] = known.environment if known is not None else ""
            yield row

    def _trace(self, peer: Peer, message: StateQuery, filters: list[Filter]) -> None:
        def told(answers: Answers) -> None:
            trace = Trace(self._log, self._live(answers), self._name_of, time.time_ns())
            self._begin(peer, message, trace.events(), filters)

        self.inspection.ask(InspectKind.TASKS, told)

    def _name_of(self, process: int) -> tuple[int, str]:
        known = self._who.get(process)
        if process == self._node.node_id:
            return os.getpid(), f"node {os.getpid()}"
        if known is None:
            return 0, f"process {process:016x}"
        peer = self._node.peers.get(process)
        actor = self._node.actors.of_worker(peer.slot) if peer is not None and peer.slot else None
        return known.pid, f"{known.name} ({actor.spec.class_name})" if actor is not None else known.name

    def _references(self, peer: Peer, message: StateQuery, filters: list[Filter]) -> None:
        def rows(answers: Answers) -> Iterator[dict[str, Any]]:
            for holder, row in answers.rows():
                yield {"process": f"{holder.process:016x}", "pid": holder.pid, **row}

        self.inspection.ask(InspectKind.REFERENCES, lambda answers: self._begin(peer, message, rows(answers), filters))

    def _stacks(self, peer: Peer, message: StateQuery, filters: list[Filter]) -> None:
        def rows(answers: Answers, signalled: Mapping[int, str]) -> Iterator[dict[str, Any]]:
            for holder, row in answers.rows():
                yield {**_process(holder), "thread": "", "task": "", "stack": "", **row}
            for holder in answers.silent:
                text = signalled.get(holder.pid, "")
                yield {
                    **_process(holder),
                    "thread": "all, read by a signal: the process does not answer",
                    "task": "",
                    "stack": text or f"the process has told nothing within {limits.INSPECT_S:g} s",
                }

        def told(answers: Answers) -> None:
            signalled_stacks(
                self._node, answers.silent, lambda texts: self._begin(peer, message, rows(answers, texts), filters)
            )

        self.inspection.ask(InspectKind.STACKS, told)

    # Why --------------------------------------------------------------------------------------------------------------

    def _blockers(self, peer: Peer, message: StateQuery, filters: list[Filter]) -> None:
        subjects = [(field, text) for field, text in _equals(message) if field in ("task", "object")]
        if len(subjects) != 1:
            raise RequestError(ErrorCode.INVALID_ARGUMENT, "BLOCKERS needs one filter task=ID or object=ID")
        ((what, subject),) = subjects
        digits = TASK_HEX if what == "task" else OBJECT_HEX
        if not _is_id(subject, digits):
            text = f"{what}={subject}: the {digits} hexadecimal digits of an id are expected"
            raise RequestError(ErrorCode.INVALID_ARGUMENT, text)
        others = [each for each in filters if each.field not in ("task", "object")]

        def told(answers: Answers) -> None:
            self._begin(peer, message, self._explained(self._live(answers), what, subject), others)

        self.inspection.ask(InspectKind.TASKS, told)

    def _explained(self, live: LiveTasks, what: str, subject: str) -> Iterator[Row | None]:
        yield from live.index()
        explanation = Explanation(self._facts(live))
        for row in explanation.of_task(subject) if what == "task" else explanation.of_object(subject):
            yield dict(row)

    def _facts(self, live: LiveTasks) -> Facts:
        scheduler = self._node.scheduler
        starting = {
            language: sum(
                1
                for worker in scheduler.pool
                if worker.state is WorkerState.STARTING and language_name(worker.kind.language) == language
            )
            for language in ("PYTHON", "JAVA")
        }
        return Facts(
            tasks=live.get,
            running=live.running(),
            over=lambda task: find_past(self._log, task),
            objects=self._object_state,
            actors={row["actor"]: row for row in self._plain[StateKind.ACTORS]()},
            totals={name: units / UNITS for name, units in scheduler.totals.items()},
            free={name: units / UNITS for name, units in scheduler.available.free.items()},
            holders=list(self._holders()),
            starting=starting,
            kept=scheduler.kept(self._node.loop.now),
            actor_demands={
                request.name.hex(): {
                    name: units / UNITS for name, units in larger_of(request.key.demand, request.key.placement)
                }
                for request in scheduler.waiting()
                if request.purpose is Purpose.ACTOR and isinstance(request.name, bytes)
            },
            held_up=self._held_up(),
            now_ns=time.time_ns(),
        )

    def _held_up(self) -> dict[tuple[str, frozenset[tuple[str, float]]], tuple[str, str]]:
        """Requests that wait for their environment or placement group.

        A caller may have requests of one demand with and without: which of its tasks waits for which is not known then.
        """
        scheduler = self._node.scheduler
        found: dict[tuple[str, frozenset[tuple[str, float]]], tuple[str, str]] = {}
        others = set()
        for request in scheduler.waiting():
            key = request.key
            if request.purpose is Purpose.ACTOR and isinstance(request.name, bytes):
                place = (request.name.hex(), frozenset[tuple[str, float]]())
            elif request.purpose is Purpose.LEASE:
                place = (f"{request.caller:016x}", frozenset((name, units / UNITS) for name, units in key.demand))
            else:
                continue
            if self._node.environments.is_being_made(key.environment):
                found[place] = ("WORKER_START", "its runtime environment, which is being made")
            elif key.group:
                found[place] = ("NO_RESOURCES", scheduler.groups.waits_for(key))
            else:
                others.add(place)
        return {place: why for place, why in found.items() if place not in others}

    def _object_state(self, object_id: str) -> str:
        entry = self._node.objects.directory.entries.get(bytes.fromhex(object_id))
        return object_state(entry) if entry is not None else ""

    def _holders(self) -> Iterator[dict[str, Any]]:
        """Who holds resources."""
        node = self._node
        for group in node.scheduler.groups.by_id.values():
            if group.accounts:
                named = f" ({group.name})" if group.name else ""
                yield {
                    "who": f"placement group {group.id.hex()}{named}",
                    "process": "",
                    "resources": {name: units / UNITS for name, units in group.demand()},
                    "blocked": False,
                }
        for lease in node.scheduler.leases.values():
            if lease.group:
                continue  # what it holds is its group's
            process = node.workers.processes.get(lease.slot)
            peer = process.peer if process else None
            pid = process.pid if process else 0
            caller = node.peers.get(lease.caller)
            if lease.purpose is Purpose.ACTOR:
                name = lease.request
                actor = node.actors.actors.get(name) if isinstance(name, bytes) else None
                who = f"actor {actor.spec.class_name} on process {pid}" if actor else f"an actor on process {pid}"
            elif lease.purpose is Purpose.LEASE:
                leased = f" (leased by {caller.role.name.lower()} {caller.pid})" if caller else ""
                who = f"worker process {pid}{leased}"
            else:
                who = f"process {pid}, which transcodes a value"
            yield {
                "who": who,
                "process": f"{peer.process:016x}" if peer else "",
                "resources": {name: units / UNITS for name, units in lease.demand},
                "blocked": lease.blocked,
            }


def object_state(entry: Entry) -> str:
    """Where an object stands, and where its value is if it has one."""
    value = entry.value
    if value is None:
        return str(entry.state.value)
    return "spilled" if not value.in_memory else "inline" if value.inline else "stored"


def _equals(query: StateQuery) -> list[tuple[str, str]]:
    """The fields that the query wants to have a certain value."""
    return [(each.field, each.value.lower()) for each in query.filters if each.op == FilterOp.EQ]


def _is_id(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")


def _process(peer: Peer) -> dict[str, Any]:
    return {
        "process": f"{peer.process:016x}",
        "pid": peer.pid,
        "language": language_name(peer.language),
        "role": peer.role.name.lower(),
        "job": peer.job,
    }
