"""A stream that this process has asked for and that is not over: the caller's side (spec 4.8).

Items come in order and are owned by this process from then on, as results are; they wait in `items` until the
generator's user takes them. Credits count what was taken. A retried attempt is told how many items came before, and
makes only what is missing; the error that ends a stream is its last item.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from bowstring._ids import FIRST_RESULT, NO_ID, STREAM_SPACE, TaskContext, pack_u32
from bowstring._tasks import CallTemplate, PendingTask
from bowstring._values import NONE_PAYLOAD, STORED_LAYOUT, Payload
from bowstring.object_ref import HELD, PUBLISHED, ObjectRef
from bowstring.object_ref_generator import ObjectRefGenerator
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, TaskFlag, TaskStatus, ValueState
from bowstring_wire.protocol import ProtocolError, frame

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

_PACED = int(TaskFlag.PACED)
_INLINE, _STORED = int(ValueState.INLINE), int(ValueState.STORED)
_ERROR = int(m.Encoding.ERROR)
ITEMS_MAX = 1 << 30  # spec 2.2: the index space of a stream


class PendingStream(PendingTask):
    """One streaming call from submission to its end."""

    __slots__ = ("_waiters", "closed", "completed", "items", "limit", "read", "received")

    def __init__(self, runtime: Runtime, template: CallTemplate, context: TaskContext, actor: bytes = NO_ID) -> None:
        super().__init__(runtime, template, context, actor)
        self.items: deque[ObjectRef[Any]] = deque()
        self.received = 0
        self.read = 0
        self.limit = -1  # as last sent
        self.closed = False
        self._waiters: list[Any] | None = None  # named as in ObjectRef, for `wait`
        self.completed: ObjectRef[Any] = ObjectRef(runtime, self.id + FIRST_RESULT, runtime.process, runtime.node)
        self.completed._task = self
        self.refs = [self.completed]
        if template.backpressure:
            self.flags |= _PACED

    def results(self) -> ObjectRefGenerator[Any]:
        """What the caller gets; to be made once."""
        return ObjectRefGenerator(self)

    # Sending -----------------------------------------------------------------------------------------------------

    def frame(self, epoch: int) -> bytes:
        """The Task frame, and behind it what the worker may send."""
        if self.received:
            self.flags |= _PACED  # an earlier attempt sent some: they must not come again
        data = super().frame(epoch)
        return data + self._credits() if self.flags & _PACED else data

    def _credits(self) -> bytes:
        allowed = self.template.backpressure
        self.limit = self.read + allowed if allowed else -1
        return frame(FrameType.CREDITS, m.Credits(self.id, self.attempt, self.received, self.limit).encode())

    def deliver_home(self) -> None:
        """Under the lock: `completed` has escaped; this process itself tells its home when it is ready."""

    # Reading -----------------------------------------------------------------------------------------------------

    def take(self) -> ObjectRef[Any] | None:
        """The next item if there is one; lets the worker make more."""
        try:
            ref = self.items.popleft()
        except IndexError:
            return None
        self.read += 1
        allowed = self.template.backpressure
        if allowed and not self.done and (self.limit - self.read) * 2 <= allowed:
            with self.runtime.lock:
                if self.peer is not None and not self.done:
                    self.peer.send(self._credits(), True)
        return ref

    def wait_with(self, waiter: Any) -> bool:
        """Let `waiter.ready()` be called when there is something to take; False if there is already."""
        with self.runtime.lock:
            if self.items or self.done:
                return False
            self.runtime.reader._add_waiter(self, waiter)  # type: ignore[arg-type]
            return True

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            waiter.ready()

    # What comes --------------------------------------------------------------------------------------------------

    def on_item(
        self, attempt: int, index: int, state: int, encoding: int, layout: int, contains: int, data: bytes
    ) -> None:
        """Under the lock: the worker sent an item."""
        if state not in (_INLINE, _STORED):
            raise ProtocolError(f"a StreamItem whose value has the state {state}")
        if attempt != self.attempt or index != self.received:
            return  # the worker was told not to
        self.received += 1
        runtime = self.runtime
        ref: ObjectRef[Any] = ObjectRef(
            runtime, self.id + pack_u32(STREAM_SPACE | index), runtime.process, runtime.node
        )
        if state == _STORED:
            ref._payload = Payload(encoding, STORED_LAYOUT, None)
        else:
            ref._payload = Payload(encoding, layout, data)
        if state == _STORED or contains:
            ref._flags = HELD | PUBLISHED
            runtime.known.note(ref)
        if self.closed:
            return  # the reference dies here, and its home hears of that
        self.items.append(ref)
        if self._waiters is not None:
            self._wake()

    def finish_single(self, _state: int, encoding: int, layout: int, _contains: int, data: bytes) -> None:
        """Under the lock: the worker answered with one entry, the error."""
        if encoding != _ERROR:
            if self.peer is not None:
                self.peer.in_flight[self.id] = self  # it ends with the connection
            raise ProtocolError("a worker ended a stream with a value")
        if not self.tries_again(data):
            self._end_with(Payload(encoding, layout, data))

    def results_expected(self, result: m.Result) -> int:
        """The error, if there is one."""
        return int(result.status != TaskStatus.OK)

    def finish(self, result: m.Result, body: bytes) -> None:
        """Under the lock: the worker answered."""
        if result.returns:
            entry = result.returns[0]
            self.finish_single(
                entry.state, entry.encoding, entry.layout, 0, body[entry.offset : entry.offset + entry.length]
            )
        else:
            self._end(NONE_PAYLOAD)

    def fail(self, error: BaseException | Payload) -> None:
        """Under the lock: no attempt will follow; the error is the last item."""
        if self.done:
            return
        runtime = self.runtime
        payload = error if isinstance(error, Payload) else runtime.error_payload(error)
        if runtime.stopped is None:
            runtime.log.given_up(self, payload)
        self._end_with(payload)

    def _end_with(self, payload: Payload) -> None:
        """An error ends the stream."""
        if not self.closed:
            runtime = self.runtime
            object_id = self.id + pack_u32(STREAM_SPACE | self.received)
            last: ObjectRef[Any] = ObjectRef(runtime, object_id, runtime.process, runtime.node)
            last._payload = payload
            self.received += 1
            self.items.append(last)
        self._end(payload)

    def _end(self, payload: Payload) -> None:
        self.done = True
        self.peer = None
        self.refs = []
        self.keeps = ()
        self.runtime.complete(self.completed, payload)
        self._wake()

    def close(self) -> None:
        """Under the lock: nobody will read on."""
        self.closed = True
        self.items.clear()
        self.cancel(False, True)
        self._wake()
