"""Rows of tasks (spec 8.1): those that are not over, as frontends tell of them, and those that are, from the log.

A task that is under way is known to its caller and, once sent, to a worker; the worker knows better. What has just
ended may be in the log and in a frontend's answer: the answer counts, because it is asked first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bowstring_core.node.peers import Peer
from bowstring_core.node.task_log import TaskLog, Told
from bowstring_wire.messages import ErrorCode, Language, TaskEvent, TaskFailure, TaskStatus

_STATES = {TaskStatus.OK: "FINISHED", TaskStatus.ERROR: "FAILED", TaskStatus.CANCELLED: "CANCELLED"}
_NEW: dict[str, Any] = {
    "task": "", "name": "", "state": "", "attempt": 0, "job": 0, "language": "", "function": "", "actor": "",
    "owner": "", "worker": "", "pid": 0, "submitted_ns": 0, "start_ns": 0, "end_ns": 0, "duration_ns": 0, "error": "",
    "error_type": "", "error_message": "", "waits_for": [], "resources": {},
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


def live_rows(told: Iterable[tuple[Peer, list[dict[str, Any]]]], pids: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Tasks that are not over, by id.

    Args:
        told: what frontends have answered.
        pids: process ids of workers, by process in hexadecimal.
    """
    rows: dict[str, dict[str, Any]] = {}
    placed: set[str] = set()  # a worker has told of them
    for peer, answers in told:
        process = f"{peer.process:016x}"
        for answer in answers:
            task = answer.get("task")
            if not isinstance(task, str) or len(task) != 32:
                continue
            row = rows.setdefault(task, dict(_NEW))
            at_worker = answer.get("place") == "worker"
            known = {name: value for name, value in answer.items() if name in _NEW and value not in ("", 0, [], {})}
            if at_worker:
                row.update(known)
                row["worker"], row["pid"] = process, peer.pid
                placed.add(task)
            else:
                row["owner"] = process
                for name, value in known.items():
                    if task not in placed or not row[name]:
                        row[name] = value
                if task not in placed:
                    row["pid"] = pids.get(row["worker"], 0)
            row["job"] = job_of(task)
    return rows


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
    }


def past_rows(log: TaskLog) -> Iterator[dict[str, Any]]:
    """Rows of the attempts that are over, the newest first."""
    for told in log.newest_first():
        failures = {failure.event: failure for failure in told.events.failures}
        events = told.events.events
        for place in range(len(events) - 1, -1, -1):
            yield past_row(told, events[place], failures.get(place))


def find_past(log: TaskLog, task: str) -> dict[str, Any] | None:
    """The row of a task's last attempt that is over."""
    wanted = bytes.fromhex(task)
    for told in log.frames_with(wanted):
        failures = {failure.event: failure for failure in told.events.failures}
        events = told.events.events
        for place in range(len(events) - 1, -1, -1):
            if events[place].id == wanted:
                return past_row(told, events[place], failures.get(place))
    return None


def task_rows(live: Mapping[str, dict[str, Any]], log: TaskLog) -> Iterator[dict[str, Any]]:
    """All rows: what is not over, then what is."""
    yield from live.values()
    for row in past_rows(log):
        under_way = live.get(row["task"])
        if under_way is None or under_way["attempt"] > row["attempt"]:
            yield row
