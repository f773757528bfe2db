"""The task log as events of the Trace Event Format, which Perfetto and chrome://tracing open.

A process is a process there. A worker's calls that overlap (of threaded or async actors) lie in lanes, one thread
each. An arrow leads from the place of a call to where it ran. Times are microseconds since 1970 UTC.

The log is read backwards, so that a trace of any length needs no more memory than one frame of it: events come by their
ends, the last first, and a lane is free for a call if it ends before all that lies there begins.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bowstring_core.node.task_log import TaskLog, Told
from bowstring_core.node.task_rows import LiveTasks, past_row
from bowstring_wire.messages import SpanKind, TaskSpan

PLACES_KNOWN_MAX = 100_000  # tasks whose lanes are remembered for spans that come behind them
MARK_US = 1.0  # what a call takes in its caller's row, so that an arrow has something to begin at

Event = dict[str, Any]


class Trace:
    """One export.

    Args:
        log: What is told.
        live: Tasks that are not over; those that run are drawn.
        who: A process's pid and a name for it, by its 64 bits.
        now_ns: Until when what runs now is drawn.
    """

    def __init__(
        self,
        log: TaskLog,
        live: LiveTasks,
        who: Callable[[int], tuple[int, str]],
        now_ns: int,
    ) -> None:
        self._log, self._live, self._who, self._now_ns = log, live, who, now_ns
        self._lanes: dict[int, list[float]] = {}  # by pid: where what lies in each begins
        self._lane_of: OrderedDict[tuple[int, bytes], int] = OrderedDict()
        self._named: set[tuple[int, int]] = set()

    def events(self) -> Iterator[Event | None]:
        """Every event, in no order of time; None now and then, where a page may end."""
        yield from self._live.placed()
        for row in self._live.running():
            if row["start_ns"]:
                running = {**row, "end_ns": self._now_ns, "duration_ns": self._now_ns - row["start_ns"]}
                yield from self._of_task(running, bytes.fromhex(row["task"]), int(row["owner"] or "0", 16))
        for told in self._log.newest_first():
            failures = {failure.event: failure for failure in told.events.failures}
            events = told.events.events
            for place in range(len(events) - 1, -1, -1):
                row = past_row(told, events[place], failures.get(place))
                yield from self._of_task(row, events[place].id, events[place].owner)
            for span in reversed(told.events.spans):
                yield from self._of_span(told, span)

    def _of_task(self, row: Mapping[str, Any], task: bytes, owner: int) -> Iterator[Event]:
        start_us, end_us = row["start_ns"] / 1e3, row["end_ns"] / 1e3
        name = row["name"] or row["task"]
        told = {
            "task": row["task"],
            "state": row["state"],
            "attempt": row["attempt"],
            "language": row["language"],
            "error": f"{row['error_type'] or row['error']}: {row['error_message']}" if row["error"] else "",
        }
        if row["worker"]:
            pid = int(row["pid"])
            process = int(row["worker"], 16)
            lane = self._place(pid, task, start_us, end_us)
            yield from self._name(process, pid, lane)
            yield _slice(name, "task", start_us, end_us, pid, lane, told)
            if row["submitted_ns"] and owner:
                yield from self._arrow(row, owner, pid, lane, start_us)
        elif owner:
            pid, _ = self._who(owner)
            yield from self._name(owner, pid, 0)
            yield {**_slice(name, "task", start_us, start_us, pid, 0, told), "ph": "i", "s": "p"}

    def _arrow(self, row: Mapping[str, Any], owner: int, pid: int, lane: int, start_us: float) -> Iterator[Event]:
        caller, _ = self._who(owner)
        if not caller:
            return
        at = min(row["submitted_ns"] / 1e3, start_us)
        flow = {"name": "call", "cat": "call", "id": f"{row['task']}.{row['attempt']}"}
        yield from self._name(owner, caller, 0)
        yield _slice(f"call {row['name'] or row['task']}", "call", at, at + MARK_US, caller, 0, {"task": row["task"]})
        yield {**flow, "ph": "s", "ts": at, "pid": caller, "tid": 0}
        yield {**flow, "ph": "f", "bp": "e", "ts": start_us, "pid": pid, "tid": lane}

    def _of_span(self, told: Told, span: TaskSpan) -> Iterator[Event]:
        known = span.kind in SpanKind._value2member_map_
        kind = SpanKind(span.kind).name.lower() if known else "other"
        start_us = span.start_ns / 1e3
        lane = self._lane_of.get((told.pid, span.task), 0)
        yield from self._name(told.process, told.pid, lane)
        facts = {"task": span.task.hex(), "bytes": span.size_bytes, "references": span.refs}
        yield _slice(kind, "object", start_us, start_us + span.duration_ns / 1e3, told.pid, lane, facts)

    def _place(self, pid: int, task: bytes, start_us: float, end_us: float) -> int:
        lanes = self._lanes.setdefault(pid, [])
        for lane, begins in enumerate(lanes):
            if end_us <= begins:
                lanes[lane] = start_us
                break
        else:
            lane = len(lanes)
            lanes.append(start_us)
        self._lane_of[pid, task] = lane
        if len(self._lane_of) > PLACES_KNOWN_MAX:
            self._lane_of.popitem(last=False)
        return lane

    def _name(self, process: int, pid: int, lane: int) -> Iterator[Event]:
        if (pid, lane) in self._named:
            return
        self._named.add((pid, lane))
        _, name = self._who(process)
        if (pid, -1) not in self._named:
            self._named.add((pid, -1))
            yield {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "ts": 0, "args": {"name": name}}
        lane_name = "calls" if lane == 0 else f"calls, lane {lane + 1}"
        yield {"ph": "M", "name": "thread_name", "pid": pid, "tid": lane, "ts": 0, "args": {"name": lane_name}}


def _slice(name: str, category: str, start_us: float, end_us: float, pid: int, lane: int, facts: Event) -> Event:
    return {
        "name": name,
        "cat": category,
        "ph": "X",
        "ts": start_us,
        "dur": end_us - start_us,
        "pid": pid,
        "tid": lane,
        "args": facts,
    }
