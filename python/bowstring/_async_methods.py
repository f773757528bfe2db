"""Async methods of an actor: each call is a task of one event loop in the worker's main thread.

The loop's selector reads the runtime's sockets as well (`_event_loop`), so that a call costs no hop between threads:
what it reads becomes tasks in the same turn, and the answers of one turn are written together before the next wait.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING

from bowstring._event_loop import LeadingSelector
from bowstring._ids import TaskContext, current_context
from bowstring._options import STREAMING
from bowstring._reactor import Waiter
from bowstring._streams import send_items_async
from bowstring.actor import ActorExit
from bowstring.errors import InvalidArgumentError, TaskCancelledError
from bowstring_wire.messages import TaskStatus

if TYPE_CHECKING:
    from bowstring._actor_host import Groups
    from bowstring._call import Call
    from bowstring._executor import Executor

_OK, _FAILED, _CANCELLED = int(TaskStatus.OK), int(TaskStatus.ERROR), int(TaskStatus.CANCELLED)
STOP_JOIN_S = 5.0  # how long a graceful end waits for async calls that run


class _Arrival(Waiter):
    """What the executor wakes when it has something for the loop."""

    __slots__ = ("_loop", "_thread")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._thread = threading.get_ident()

    def finish(self) -> None:
        """Under the lock, in the thread that reads: the loop itself looks after each wait."""
        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(_nothing)


def _nothing() -> None:
    """The loop is awake: that was all."""


class _Turns:
    """How many more calls of one group may start, and those that wait for it."""

    __slots__ = ("free", "waiting")

    def __init__(self, size: int) -> None:
        self.free = size
        self.waiting: deque[Call] = deque()


class AsyncMethods:
    """Runs an actor's calls as tasks of one event loop."""

    def __init__(self, executor: Executor, groups: Groups) -> None:
        self._executor = executor
        self._groups = groups
        self._turns = {name: _Turns(size) for name, size in groups.sizes.items()}
        self._running: dict[Call, asyncio.Task[None]] = {}  # the loop itself keeps no task
        self._draining: asyncio.Task[None] | None = None
        self._over = False
        selector = LeadingSelector(executor.runtime.reactor, self._before_wait, self._after_wait)
        self._loop = asyncio.SelectorEventLoop(selector)
        selector.wake = lambda: self._loop.call_soon_threadsafe(_nothing)
        self._arrival = _Arrival(self._loop)
        asyncio.set_event_loop(self._loop)

    def run(self) -> None:
        """In the main thread: run calls until the worker is to end, whatever tasks of the user's do to the loop."""
        while not self._over:
            try:
                self._loop.run_forever()
            except (KeyboardInterrupt, SystemExit):
                traceback.print_exc()

    def cancel(self, call: Call) -> None:
        """From any thread: cancel the task of a call, if it has begun; else the call sees why when it does."""
        self._loop.call_soon_threadsafe(self._cancel, call)

    @staticmethod
    def _cancel(call: Call) -> None:
        # A task that is cancelled before its first step never runs, and would answer nobody.
        if call.aio_task is not None and call.interruptible:
            call.aio_task.cancel()

    def _before_wait(self) -> bool:
        """Under the lock: True if there is something to do; else ask to be woken."""
        executor = self._executor
        if executor.queue or (executor.ending and self._draining is None):
            return True
        executor.idle = self._arrival
        return False

    def _after_wait(self) -> None:
        executor = self._executor
        executor.idle = None
        queue = executor.queue
        while queue:
            try:
                call = queue.popleft()
            except IndexError:
                break
            self.start(call)
        if executor.ending and self._draining is None:
            self._draining = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        """Wait for the calls that run or wait for their turn, and for tasks that they have left; then end the loop."""
        until = self._loop.time() + STOP_JOIN_S
        while (rest := asyncio.all_tasks() - {asyncio.current_task()}) and (left := until - self._loop.time()) > 0:
            await asyncio.wait(rest, timeout=left)
        self._over = True
        self._loop.stop()

    def start(self, call: Call) -> None:
        """In the loop's thread: start a call as a task, or let it wait for its group's turn."""
        try:
            turns = self._turns[self._groups.of(call.task)]
        except InvalidArgumentError as error:
            self._executor.answers.send(call, _FAILED, error, 0, time.time_ns())
            return
        if turns.free:
            turns.free -= 1
            call.aio_task = self._running[call] = self._loop.create_task(self._run(call, turns))
        else:
            turns.waiting.append(call)

    def _end_turn(self, call: Call, turns: _Turns) -> None:
        del self._running[call]
        if turns.waiting:
            following = turns.waiting.popleft()
            following.aio_task = self._running[following] = self._loop.create_task(self._run(following, turns))
        else:
            turns.free += 1

    async def _run(self, call: Call, turns: _Turns) -> None:
        executor = self._executor
        task = call.task
        start_ns = call.start_ns = time.time_ns()
        started = time.perf_counter()
        current_context.set(TaskContext(task.id, task.attempt, task.name, task.actor))
        exiting = False
        try:
            executor.interruptions.begin_in_loop(call)
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
            if call.interruption is not None:
                status, value = (_CANCELLED if call.cancelled else _FAILED), call.interruption
        except BaseException as error:
            status, value = _FAILED, error
        call.interruptible = False
        duration = int((time.perf_counter() - started) * 1e9)
        executor.answers.send(call, status, value, duration, start_ns)
        self._end_turn(call, turns)
        if exiting:
            executor.exit_actor()
