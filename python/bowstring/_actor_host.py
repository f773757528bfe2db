"""The actor that a worker is: its instance, and how its calls overlap.

Calls run one after the other in the worker's main thread, or in a pool of threads (max_concurrency above 1), or, if a
method is async, as tasks of an event loop that has a thread of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from bowstring._ids import TaskContext, current_context
from bowstring._options import STREAMING
from bowstring._streams import send_items_async
from bowstring.actor import ActorExit
from bowstring.errors import TaskCancelledError
from bowstring_wire import messages as m
from bowstring_wire.messages import TaskStatus

if TYPE_CHECKING:
    from bowstring._call import Call
    from bowstring._executor import Executor

_OK, _FAILED, _CANCELLED = int(TaskStatus.OK), int(TaskStatus.ERROR), int(TaskStatus.CANCELLED)
STOP_JOIN_S = 5.0  # how long a graceful end waits for async calls that run


def _is_async(method: Any) -> bool:
    return asyncio.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)


class Actor:
    """The actor that this worker is."""

    __slots__ = ("async_methods", "concurrency", "id", "incarnation", "instance", "name", "pool")

    def __init__(self, start: m.ActorStart, actor: bytes) -> None:
        assert start.handle is not None
        self.id = actor
        self.incarnation = start.incarnation
        self.name = start.handle.class_name.rpartition(".")[2]
        self.concurrency = max(1, start.handle.max_concurrency)
        self.instance: Any = None
        self.pool: concurrent.futures.ThreadPoolExecutor | None = None
        self.async_methods: AsyncMethods | None = None

    def prepare_concurrency(self, executor: Executor) -> None:
        """Once the instance is there: get ready for calls that overlap."""
        kind = type(self.instance)
        if any(_is_async(getattr(kind, name, None)) for name in dir(kind)):
            self.async_methods = AsyncMethods(executor, self.concurrency)
        elif self.concurrency > 1:
            self.pool = concurrent.futures.ThreadPoolExecutor(self.concurrency, "bowstring-method")

    def stop(self) -> None:
        """Wait for the calls that run."""
        if self.pool is not None:
            self.pool.shutdown(wait=True)
        if self.async_methods is not None:
            self.async_methods.stop()


class AsyncMethods:
    """Runs an actor's calls as tasks of one event loop."""

    def __init__(self, executor: Executor, concurrency: int) -> None:
        self._executor = executor
        self._loop = asyncio.new_event_loop()
        self._semaphore = asyncio.Semaphore(concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived: deque[Call] = deque()
        self._starting = False  # the loop has been told of what arrived
        self._flushing = False
        threading.Thread(target=self._run_loop, name="bowstring-asyncio", daemon=True).start()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def submit(self, call: Call) -> None:
        """From any thread: run a call. The loop is woken once for all that arrive together."""
        self._arrived.append(call)
        if not self._starting:
            self._starting = True
            self._loop.call_soon_threadsafe(self._start_arrived)

    def cancel(self, task: asyncio.Task[None]) -> None:
        """From any thread: cancel the task of a call."""
        self._loop.call_soon_threadsafe(task.cancel)

    def stop(self) -> None:
        """Wait for the calls that run, then end the loop."""

        async def drain() -> None:
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            await asyncio.wait(rest, timeout=STOP_JOIN_S) if rest else None

        asyncio.run_coroutine_threadsafe(drain(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _start_arrived(self) -> None:
        self._starting = False  # what arrives from here on wakes the loop again
        while self._arrived:
            self._start(self._arrived.popleft())

    def _flush(self) -> None:
        self._flushing = False
        with self._executor.runtime.lock:
            self._executor.runtime.reactor.flush()

    def _start(self, call: Call) -> None:
        """On the loop: start a call as a task of it, and keep the task, since the loop itself does not."""
        task = call.aio_task = self._loop.create_task(self._run(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: Call) -> None:
        executor = self._executor
        task = call.task
        async with self._semaphore:
            start_ns = time.time_ns()
            started = time.perf_counter()
            current_context.set(TaskContext(task.id, task.attempt, task.name, task.actor))
            exiting = False
            try:
                if call.cancelled:
                    raise TaskCancelledError("the call was cancelled before it started")
                function = executor.target(task)
                args, kwargs = executor.arguments(task, call.body)
                value = function(*args, **kwargs)
                if asyncio.iscoroutine(value) and not inspect.isgenerator(value):  # 3.11 takes one for the other
                    value = await value
                if task.num_returns == STREAMING:
                    await send_items_async(executor, call, value)
                    value = None
                status = _OK
            except ActorExit:
                status, value, exiting = _OK, None, True
                executor.stop_taking_calls()
            except (TaskCancelledError, asyncio.CancelledError) as error:
                status, value = _FAILED, error
                if call.cancelled:
                    status, value = _CANCELLED, TaskCancelledError("the call was cancelled while it ran")
            except BaseException as error:
                status, value = _FAILED, error
            duration = int((time.perf_counter() - started) * 1e9)
            executor.answers.send(call, status, value, duration, start_ns)
        if not self._flushing:
            # One write for all that end in this turn of the loop.
            self._flushing = True
            self._loop.call_soon(self._flush)
        if exiting:
            executor.exit_actor()
