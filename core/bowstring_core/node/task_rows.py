"""Rows of tasks (spec 8.1): those that are not over, as frontends tell of them, and those that are, from the log.

A task that is under way is known to its caller and, once sent, to a worker; the worker knows better. What has just
ended may be in the log and in a frontend's answer: the answer counts, because it is asked first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bowstring_core.machine.blockers import TASK_HEX
from bowstring_core.node.inspection import maps_of
from bowstring_core.node.peers import Peer
from bowstring_core.node.task_log import TaskLog, Told
from bowstring_wire.messages import ErrorCode, Language, TaskEvent, TaskFailure, TaskStatus

_STATES = {TaskStatus.OK: "FINISHED", TaskStatus.ERROR: "FAILED", TaskStatus.CANCELLED: "CANCELLED"}
Row = dict[str, Any]
_NEW: Row = {
    "task": "", "name": "", "state": "", "attempt": 0, "job": 0, "language": "", "function": "", "actor": "",
    "owner": "", "worker": "", "pid": 0, "submitted_ns": 0, "start_ns": 0, "end_ns": 0, "duration_ns": 0, "error": "",
    "error_type": "", "error_message": "", "waits_for": [], "resources": {}, "environment": "",
}  # fmt: skip


def language_name(number: int) -> str:
    """A language as rows name it."""
    return Language(number).name if number in Language._value2member_map_ else "OTHER"


def error_name(number: int) -> str:
    """An error's code as rows name it."""
    return ErrorCode(number).name if number in ErrorCode._value2member_map_ else f"CODE_{number}"


def job_of(task: str) -> int:
    """The job that a task's id names (spec 2.1)."""
    return int.from_bytes(bytes.fromhex(task[:8]), "little")


class LiveTasks:
    """Tasks that are not over.

    What waits at its caller may be a million tasks: of those the bytes are kept as they came, and read one by one. What
    is at a worker is little, and is kept as rows. Generators here yield None now and then, where a page may end.

    Args:
        told: what frontends have answered.
        pids: process ids of workers, by process in hexadecimal.
    """

    def __init__(self, told: Sequence[tuple[Peer, list[bytes]]], pids: Mapping[str, int]) -> None:
        self._told, self._pids = told, pids
        self._placed: dict[str, Row] = {}  # what workers have told of, by id
        self._packed: dict[str, tuple[str, bytes]] = {}  # by id: what callers have told of, once `index` has run
        self._sent: dict[str, int] = {}  # attempts that may be in the log by now, by id

    def placed(self) -> Iterator[None]:
        """Find what workers have told of."""
        for peer, row, _ in self._answers():
            if row is not None and row.get("place") == "worker":
                process = f"{peer.process:016x}"
                self._placed[row["task"]] = _filled(row, worker=process, pid=peer.pid)
                self._sent[row["task"]] = row.get("attempt", 0)
            else:
                yield None

    def rows(self) -> Iterator[Row | None]:
        """Every task."""
        yield from self.placed()
        met = set()
        for peer, row, _ in self._answers():
            if row is None or row.get("place") == "worker":
                yield None
                continue
            task = row["task"]
            if task in self._placed:
                met.add(task)
            elif row.get("state") == "SENT":
                self._sent[task] = row.get("attempt", 0)
            yield self._merged(f"{peer.process:016x}", row)
        yield from (row for task, row in self._placed.items() if task not in met)

    def index(self) -> Iterator[None]:
        """Make `get` know every task."""
        yield from self.placed()
        for peer, row, packed in self._answers():
            if row is not None and row.get("place") != "worker":
                self._packed[row["task"]] = (f"{peer.process:016x}", packed)
            yield None

    def get(self, task: str) -> Row | None:
        """A task, after `index`."""
        packed = self._packed.get(task)
        if packed is None:
            return self._placed.get(task)
        import msgpack

        return self._merged(packed[0], msgpack.unpackb(packed[1]))

    def running(self) -> list[Row]:
        """Those that run, after `placed`."""
        return [row for row in self._placed.values() if row["state"] in ("RUNNING", "BLOCKED")]

    def may_be_in_log(self, task: str, attempt: int) -> bool:
        """Whether a row of `rows` stands for this attempt, which has ended meanwhile."""
        return self._sent.get(task) == attempt

    def _merged(self, owner: str, told: Row) -> Row:
        placed = self._placed.get(told["task"])
        if placed is not None:
            name = placed["name"] or told.get("name") or ""  # a worker knows none before it has loaded the function
            return {
                **placed,
                "name": name,
                "owner": owner,
                "resources": told.get("resources") or {},
                "environment": told.get("environment") or "",
            }
        row = _filled(told, owner=owner)
        row["pid"] = self._pids.get(row["worker"], 0)
        return row

    def _answers(self) -> Iterator[tuple[Peer, Row | None, bytes]]:
        for peer, payloads in self._told:
            for payload in payloads:
                for row, packed in maps_of(payload):
                    task = row.get("task")
                    good = isinstance(task, str) and len(task) == TASK_HEX
                    yield peer, row if good else None, packed


def _filled(told: Row, **known: Any) -> Row:
    """A row with every field; what is empty in what was told stays as it is in every new row."""
    row = {**_NEW, **{name: value for name, value in told.items() if name in _NEW}, **known}
    row["job"] = job_of(row["task"])
    return row


def past_row(told: Told, event: TaskEvent, failure: TaskFailure | None) -> dict[str, Any]:
    """The row of an attempt that is over."""
    labels = told.events.labels
    by_worker = told.process != event.owner
    task = event.id.hex()
    return {
        "task": task,
        "name": labels[event.label - 1] if 0 < event.label <= len(labels) else "",
        "state": _STATES.get(event.status, "FINISHED"),  # type: ignore[call-overload]
        "attempt": event.attempt,
        "job": job_of(task),
        "language": language_name(event.language),
        "function": event.function.hex(),
        "actor": "",
        "owner": f"{event.owner:016x}" if event.owner else "",
        "worker": f"{told.process:016x}" if by_worker else "",
        "pid": told.pid if by_worker else 0,
        "submitted_ns": event.submitted_ns,
        "start_ns": event.start_ns,
        "end_ns": event.start_ns + event.duration_ns,
        "duration_ns": event.duration_ns,
        "error": error_name(failure.code) if failure else "",
        "error_type": failure.type_name if failure else "",
        "error_message": failure.message if failure else "",
        "waits_for": [],
        "resources": {},
        "environment": "",
    }


def past_rows(log: TaskLog, task: bytes = b"") -> Iterator[Row]:
    """Rows of the attempts that are over, the newest first; of one task, if it is given, without reading the others."""
    for told in log.frames_with(task) if task else log.newest_first():
        failures = {failure.event: failure for failure in told.events.failures}
        events = told.events.events
        for place in range(len(events) - 1, -1, -1):
            if not task or events[place].id == task:
                yield past_row(told, events[place], failures.get(place))


def find_past(log: TaskLog, task: str) -> Row | None:
    """The row of a task's last attempt that is over."""
    return next(past_rows(log, bytes.fromhex(task)), None)


def task_rows(live: LiveTasks, log: TaskLog, task: bytes = b"") -> Iterator[Row | None]:
    """Rows of all tasks, or of one: what is not over, then what is."""
    yield from live.rows()
    for row in past_rows(log, task):
        if not live.may_be_in_log(row["task"], row["attempt"]):
            yield row
