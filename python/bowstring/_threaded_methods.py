"""Methods of an actor that overlap in threads: each concurrency group has as many threads as calls may run at once.

A thread takes its group's calls from a queue, one after the other, and before it runs one it calls another thread if
more are waiting. Python runs one thread at a time, so the other one comes to its turn when the first waits for
something, or has computed for some milliseconds: calls that are short are run by one thread in a row, without a switch
between two of them, and calls that wait overlap. For the same reason answers are written together while calls are
waiting; whoever takes the last one writes them all, and the reading thread is woken for what would else be late.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from bowstring.errors import InvalidArgumentError
from bowstring_wire.messages import TaskStatus

if TYPE_CHECKING:
    from bowstring._actor_host import Groups
    from bowstring._call import Call
    from bowstring._executor import Executor

_FAILED = int(TaskStatus.ERROR)


class _Threads:
    """The threads of one group. They are started as they are needed."""

    def __init__(self, executor: Executor, name: str, size: int) -> None:
        self._executor = executor
        self._name = name
        self._size = size
        self._calls: deque[Call] = deque()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._resting = 0  # threads that wait to be called
        self._coming = False  # one has been called, and has not come yet
        self._called = threading.Semaphore(0)
        self._ending = False

    def submit(self, call: Call) -> None:
        """Run a call in its turn."""
        self._calls.append(call)
        with self._lock:
            self._call_another()

    def _call_another(self) -> None:
        """Under the lock: have one more thread see to the queue, if there is one more."""
        if self._coming:
            return
        if self._resting:
            self._resting -= 1
            self._coming = True
            self._called.release()
        elif len(self._threads) < self._size:
            thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            self._coming = True
            thread.start()

    def _serve(self) -> None:
        calls, run = self._calls, self._executor.run_call
        while True:
            with self._lock:
                self._coming = False
            while (call := self._take()) is not None:
                try:
                    run(call, calls)
                except BaseException:
                    sys.excepthook(*sys.exc_info())  # of the runtime's: user code's went into the answer
            if self._ending:
                return
            self._called.acquire()

    def _take(self) -> Call | None:
        """The next call; None: there is none, and the thread is counted as resting."""
        with self._lock:
            if not self._calls:
                self._resting += 1
                return None
            call = self._calls.popleft()
            if self._calls:
                self._call_another()
            return call

    def stop(self) -> None:
        """Wait for the calls that were submitted."""
        with self._lock:
            self._ending = True
            self._called.release(len(self._threads) + 1)
        for thread in self._threads:
            thread.join()


class ThreadedMethods:
    """Runs an actor's calls in threads, each group's in threads of its own."""

    def __init__(self, executor: Executor, groups: Groups) -> None:
        self._executor = executor
        self._groups = groups
        self._threads = {
            name: _Threads(executor, f"bowstring-{name or 'method'}", size) for name, size in groups.sizes.items()
        }

    def submit(self, call: Call) -> None:
        """Run a call in its turn."""
        try:
            threads = self._threads[self._groups.of(call.task)]
        except InvalidArgumentError as error:
            self._executor.answers.send(call, _FAILED, error, 0, time.time_ns())
            return
        threads.submit(call)

    def stop(self) -> None:
        """Wait for the calls that were submitted."""
        for threads in self._threads.values():
            threads.stop()
