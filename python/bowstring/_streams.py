"""Streams in a worker: iterates over what user code yields, and sends each item on (spec 4.8).

User code runs in `next` alone: there a cancellation may hit it. Encoding, sending and waiting for credits are the
runtime's, and a cancellation that comes then is seen before the next item. However a stream ends, the user's generator
is closed, so that its `finally` clauses run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from bowstring._pending_stream import ITEMS_MAX
from bowstring._reactor import Waiter
from bowstring.errors import BowstringError, InvalidArgumentError
from bowstring_wire import messages as m
from bowstring_wire.messages import TaskFlag

if TYPE_CHECKING:
    import asyncio

    from bowstring._call import Call
    from bowstring._executor import Executor

_PACED = int(TaskFlag.PACED)
_END = object()
UNSENT_BYTES_MAX = 1 << 20  # a stream waits while its caller's socket has this much before it


class Pace:
    """What a caller lets a stream send. All methods but `wait` are called under the lock."""

    __slots__ = ("first", "limit", "waiter")

    def __init__(self, paced: bool) -> None:
        self.first = 0
        self.limit = 0 if paced else -1
        self.waiter: Any = None

    def update(self, credits: m.Credits) -> None:
        """The caller allows more."""
        self.first = max(self.first, credits.first)
        self.limit = credits.limit if credits.limit < 0 else max(self.limit, credits.limit)
        self.wake()

    def allows(self, index: int) -> bool:
        return self.limit < 0 or index < self.limit

    def wake(self) -> None:
        """End the wait, if there is one: for credits, for the socket, or because of a cancellation."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            waiter.finish()


def pace_of(call: Call) -> Pace:
    """Under the lock: the pace of a call that streams."""
    if call.pace is None:
        call.pace = Pace(bool(call.task.flags & _PACED))
    return call.pace


def _must_wait(call: Call, pace: Pace, index: int) -> bool:
    """Under the lock: True if the next item must not be made yet."""
    if call.interruption is not None or call.connection.closed:
        return False
    return not pace.allows(index) or call.connection.out_bytes > UNSENT_BYTES_MAX


def _wake_later(call: Call, pace: Pace, waiter: Any) -> None:
    """Under the lock: end the wait once there are credits, room in the socket, or a cancellation."""
    pace.waiter = waiter
    if call.connection.stuck:
        call.connection.draining.append(waiter)


def _check_length(index: int) -> None:
    if index >= ITEMS_MAX:
        raise BowstringError(f"a stream has at most {ITEMS_MAX} items")


def _refused(executor: Executor, call: Call, made: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        f'{executor.name_of(call.task)} has num_returns="streaming" and must yield, or return an iterator; '
        f"it returned {type(made).__name__}"
    )


def send_items(executor: Executor, call: Call, made: Any) -> None:
    """In the thread of a call whose function has returned `made`: send what it yields, until its end."""
    executor.interruptions.end(call)
    if not isinstance(made, Iterator):
        raise _refused(executor, call, made)
    runtime = executor.runtime
    with runtime.lock:
        pace = pace_of(call)
    index = 0
    try:
        while True:
            if pace.limit >= 0 or call.connection.out_bytes > UNSENT_BYTES_MAX:
                while True:
                    with runtime.lock:
                        if not _must_wait(call, pace, index):
                            break
                        waiter = Waiter()
                        _wake_later(call, pace, waiter)
                    runtime.block(waiter)
            executor.interruptions.begin(call)
            try:
                item = next(made, _END)
            finally:
                executor.interruptions.end(call)
            if item is _END:
                return
            if index >= pace.first:
                _check_length(index)
                executor.answers.send_item(call, index, item)
            item = None
            index += 1
    finally:
        close = getattr(made, "close", None)
        if close is not None:
            close()


class _LoopWaiter:
    """Completes an asyncio.Future when the stream may go on."""

    __slots__ = ("done", "future")

    def __init__(self, future: asyncio.Future[None]) -> None:
        self.future = future
        self.done = False

    def finish(self) -> None:
        """Under the lock."""
        self.done = True
        self.future.get_loop().call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


async def send_items_async(executor: Executor, call: Call, made: Any) -> None:
    """As `send_items`, in an actor's event loop: `made` may be an async generator too."""
    import asyncio

    runtime = executor.runtime
    with runtime.lock:
        pace = pace_of(call)
    loop = asyncio.get_running_loop()
    if not isinstance(made, (AsyncIterator, Iterator)):
        raise _refused(executor, call, made)
    index = 0
    try:
        while True:
            while True:
                with runtime.lock:
                    if not _must_wait(call, pace, index):
                        break
                    waiter = _LoopWaiter(loop.create_future())
                    _wake_later(call, pace, waiter)
                    runtime.reactor.flush()
                await waiter.future
            if isinstance(made, AsyncIterator):
                try:
                    item: Any = await anext(made)
                except StopAsyncIteration:
                    return
            else:
                item = next(made, _END)
                if item is _END:
                    return
                await asyncio.sleep(0)  # other calls of the actor run between the items
            if call.interruption is not None:
                raise asyncio.CancelledError
            if index >= pace.first:
                _check_length(index)
                executor.answers.send_item(call, index, item)
            item = None
            index += 1
    finally:
        if isinstance(made, AsyncIterator):
            close = getattr(made, "aclose", None)
            if close is not None:
                await close()
        else:
            close = getattr(made, "close", None)
            if close is not None:
                close()
