"""What this process tells of tasks: how they ended, what failed, and what else took time (spec 8.3).

An attempt costs one packing into a buffer; names stand in each frame once, and are looked up by what the task names
anyway. The node keeps the frames as they are, so nothing is paid for that nobody asks about.
"""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING

from bowstring_wire import messages as m
from bowstring_wire.hot import task_events_metadata
from bowstring_wire.messages import FrameType, Language, TaskStatus
from bowstring_wire.protocol import frame

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring._tasks import PendingTask
    from bowstring._values import Payload

_PYTHON_LANGUAGE = int(Language.PYTHON)
_ERROR, _CANCELLED = int(TaskStatus.ERROR), int(TaskStatus.CANCELLED)
_TASK_EVENTS = int(FrameType.TASK_EVENTS)
_pack_event = m.TASK_EVENT.pack

EVENTS_BUFFERED_MAX = 256  # in one frame; also keeps places of labels within 16 bits
DELAY_S = 0.5  # spec 8.3/1 allows 1 s
SPAN_S_MIN = 100e-6  # shorter ones would cost a call more than they tell (spec 8.3/2)
FAILURE_CHARS_MAX = 200


class TaskLog:
    """Buffers events and spans of one process, and sends them in batches."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._events = bytearray()
        self._count = 0
        self._places: dict[str | bytes, int] = {}  # of labels, from 1, by what names a task
        self._labels: list[str] = []
        self._failures: list[m.TaskFailure] = []
        self._spans: list[m.TaskSpan] = []
        self._scheduled = False

    def ended(self, task: m.Task, start_ns: int, duration_ns: int, status: int, error: m.ErrorRecord | None) -> None:
        """Under the lock: a worker has answered an attempt with a Result."""
        key = task.name or task.method or task.function
        place = self._places.get(key)
        if place is None:
            place = self._place(key, self._runtime.executor.name_of(task))
        if error is not None and status == _ERROR:
            self._failed(error)
        self._events += _pack_event(
            task.id, task.function, start_ns, duration_ns, task.attempt, status, _PYTHON_LANGUAGE, place, task.owner,
            task.submitted_ns,
        )  # fmt: skip
        self._count += 1
        if self._count >= EVENTS_BUFFERED_MAX:
            self.send()
        elif not self._scheduled:
            self._schedule()

    def given_up(self, task: PendingTask, payload: Payload) -> None:
        """Under the lock: a caller will make no further attempt of a task that no worker has answered."""
        error = m.ErrorRecord.decode(bytes(payload.data))
        template = task.template
        place = self._places.get(template.label) or self._place(template.label, template.label)
        cancelled = error.code == m.ErrorCode.TASK_CANCELLED
        if not cancelled:
            self._failed(error)
        self._events += _pack_event(
            task.id, template.function, time_ns(), 0, task.attempt, _CANCELLED if cancelled else _ERROR,
            template.language, place, self._runtime.process, task.submitted_ns,
        )  # fmt: skip
        self._count += 1
        self._sent_soon()

    def span(self, kind: int, started: float, size_bytes: int, count: int) -> None:
        """Something has ended that began at `started` (of perf_counter), if it was long enough to be told."""
        took = perf_counter() - started
        if took < SPAN_S_MIN:
            return
        task = self._runtime.context().id
        took_ns = int(took * 1e9)
        entry = m.TaskSpan(task, time_ns() - took_ns, took_ns, size_bytes, kind, 0, 0, count)
        with self._runtime.lock:
            self._spans.append(entry)
            self._sent_soon()

    def _place(self, key: str | bytes, label: str) -> int:
        self._labels.append(label)
        self._places[key] = place = len(self._labels)
        return place

    def _failed(self, error: m.ErrorRecord) -> None:
        message = error.message[:FAILURE_CHARS_MAX]
        self._failures.append(m.TaskFailure(self._count, error.code, error.type_name, message))

    def _sent_soon(self) -> None:
        if self._count >= EVENTS_BUFFERED_MAX or len(self._spans) >= EVENTS_BUFFERED_MAX:
            self.send()
        elif not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._scheduled = True
        self._runtime.reactor.call_later(DELAY_S, self._send_later)

    def _send_later(self) -> None:
        self._scheduled = False
        self.send()

    def send(self) -> None:
        """Under the lock: send what is buffered."""
        if not self._count and not self._spans:
            return
        metadata = task_events_metadata(
            bytes(self._events), tuple(self._labels), tuple(self._failures), tuple(self._spans)
        )
        self._events.clear()
        self._count = 0
        self._places.clear()
        self._labels.clear()
        self._failures.clear()
        self._spans.clear()
        if not self._runtime.node_connection.closed:
            self._runtime.node_connection.send(frame(_TASK_EVENTS, metadata))
