"""ObjectRefGenerator: the results of a task that yields, one reference at a time, as soon as each is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from bowstring._reactor import Waiter
from bowstring.errors import GetTimeoutError, InvalidArgumentError, SerializationError
from bowstring.object_ref import ObjectRef

if TYPE_CHECKING:
    import asyncio

    from bowstring._pending_stream import PendingStream

T_co = TypeVar("T_co", covariant=True)


class ObjectRefGenerator(Generic[T_co]):
    """Iterates over the ObjectRefs of a stream, with `for`, `async for` or `next`; made by `.remote(...)`.

    Every reference that it gives is ready: `get` on it does not wait. If the task fails, the reference after the last
    item is the error, which `get` raises, and the stream ends behind it. Dropping the generator, or `close`, cancels
    the task and frees what was not read. It can't be passed to tasks; its references can.
    """

    __slots__ = ("__weakref__", "_runtime", "_task")

    def __init__(self, task: PendingStream) -> None:
        self._task = task
        self._runtime = task.runtime

    # Reading -----------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[ObjectRef[T_co]]:
        return self

    def __next__(self) -> ObjectRef[T_co]:
        return self.next()

    def next(self, timeout: float | None = None) -> ObjectRef[T_co]:
        """The reference of the next item; waits until it is made.

        Args:
            timeout: seconds to wait; None: any time.

        Raises:
            GetTimeoutError: no item came in time; the stream goes on.
            StopIteration: the stream is over.
            InvalidArgumentError: timeout is no number of seconds.
        """
        task = self._task
        ref = task.take()
        if ref is not None:
            return ref
        deadline = None if timeout is None else monotonic() + _seconds(timeout)
        while not task.done:
            waiter = Waiter()
            if task.wait_with(waiter):
                try:
                    if not self._runtime.block(waiter, deadline, (task.completed,)):
                        raise GetTimeoutError(f"{task.template.label} yielded nothing within {timeout} s")
                finally:
                    waiter.done = True
            ref = task.take()
            if ref is not None:
                return ref
        ref = task.take()
        if ref is None:
            raise StopIteration
        return ref

    def __aiter__(self) -> AsyncIterator[ObjectRef[T_co]]:
        return self

    async def __anext__(self) -> ObjectRef[T_co]:
        import asyncio

        task = self._task
        while (ref := task.take()) is None:
            if task.done:
                # What came with the end was there before `done` was.
                ref = task.take()
                if ref is None:
                    raise StopAsyncIteration
                return ref
            future = asyncio.get_running_loop().create_future()
            if task.wait_with(_LoopWaiter(future)):
                with self._runtime.lock:
                    self._runtime.reactor.flush()
                await future
        return ref

    def completed(self) -> ObjectRef[None]:
        """A reference that is ready when the task has ended: its value is None, or the task's error."""
        return self._task.completed

    def is_finished(self) -> bool:
        """True if the stream is over and all its references were read."""
        return self._task.done and not self._task.items

    def next_ready(self) -> bool:
        """True if `next` does not wait: an item is there."""
        return bool(self._task.items)

    def close(self) -> None:
        """Cancel the task if it runs, and free what was not read. The generator is over then."""
        with self._runtime.lock:
            self._task.close()

    # What `wait` looks at, as at an ObjectRef --------------------------------------------------------------------

    @property
    def _payload(self) -> Any:
        return True if self._task.items or self._task.done else None

    @property
    def _waiters(self) -> list[Any] | None:
        return self._task._waiters

    @_waiters.setter
    def _waiters(self, waiters: list[Any] | None) -> None:
        self._task._waiters = waiters

    def __repr__(self) -> str:
        return f"ObjectRefGenerator({self._task.id.hex()})"

    def __reduce__(self) -> NoReturn:
        raise SerializationError(
            "an ObjectRefGenerator can't be passed on: its task sends the items to the process that called it. "
            "Pass the references that it gives, or list(generator)"
        )

    def __copy__(self) -> NoReturn:
        raise InvalidArgumentError("an ObjectRefGenerator can't be copied: each reference is given once")

    def __deepcopy__(self, _memo: Any) -> NoReturn:
        self.__copy__()

    def __del__(self) -> None:
        # It may run inside any allocation, on any thread, under any lock: the reactor does the rest.
        task = getattr(self, "_task", None)
        if task is not None and not task.done:
            task.runtime.dropped_streams.append(task)


def _seconds(timeout: float) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0:
        raise InvalidArgumentError(f"next: timeout must be None or a number of seconds of 0 or more, not {timeout!r}")
    return timeout


class _LoopWaiter:
    """Completes an asyncio.Future when the stream has something to read."""

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[None]) -> None:
        self.future = future

    @property
    def done(self) -> bool:
        return self.future.done()

    def ready(self, _ref: Any = None) -> None:
        """Under the lock: there is something."""
        try:
            self.future.get_loop().call_soon_threadsafe(self._finish)
        except RuntimeError:
            pass  # the loop is closed: nobody awaits

    def _finish(self) -> None:
        if not self.future.done():
            self.future.set_result(None)
