"""The lock and the waits of inline mode, where no socket is read.

What is submitted under the lock runs, in the thread that submitted it, as soon as the lock is free: so `.remote(...)`
runs the call before it returns, and user code never runs under the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from bowstring._reactor import Waiter


class InlineLock:
    """A re-entrant lock that runs what was deferred while a thread held it, once that thread has released it."""

    def __init__(self, before_release: Callable[[], None]) -> None:
        self._lock = threading.RLock()
        self._before_release = before_release
        self._local = threading.local()

    def acquire(self) -> bool:
        """Take the lock."""
        self._lock.acquire()
        local = self._local
        local.depth = getattr(local, "depth", 0) + 1
        return True

    def release(self) -> None:
        """Give the lock back; the outermost release runs what was deferred."""
        local = self._local
        if local.depth == 1:
            self._before_release()
        local.depth -= 1
        deferred: list[Callable[[], Any]] = []
        if not local.depth:
            deferred, local.deferred = getattr(local, "deferred", []), []
        self._lock.release()
        for action in deferred:
            action()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_exc: object) -> None:
        self.release()

    def after(self, action: Callable[[], Any]) -> None:
        """Run `action` once this thread has released the lock; at once if it does not hold it."""
        local = self._local
        if not getattr(local, "depth", 0):
            action()
        elif getattr(local, "deferred", None):
            local.deferred.append(action)
        else:
            local.deferred = [action]


class InlineReactor:
    """What code that waits wants of a reactor."""

    def __init__(self, before_release: Callable[[], None]) -> None:
        self.lock = InlineLock(before_release)

    def wait(self, waiter: Waiter, deadline: float | None = None) -> bool:
        """Wait until another thread finishes the waiter; False if the deadline came first."""
        with self.lock:
            if waiter.done:
                return True
            if waiter.signal is None:
                waiter.signal = threading.Semaphore(0)
        waiter.signal.acquire(timeout=None if deadline is None else max(0.0, deadline - monotonic()))
        return waiter.done

    def flush(self) -> None:
        """Nothing is buffered."""

    def call_out(self, action: Callable[[], None]) -> None:
        """Run what may call user code, outside of the lock."""
        self.lock.after(action)
