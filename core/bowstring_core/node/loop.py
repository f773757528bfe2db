"""The event loop of the node: descriptors, timers, and work to do between events.

It is epoll and little else. asyncio would do, but its import alone costs as much as the whole start of a node may take,
and one loop with a few kinds of handlers is read in a minute.
"""

from __future__ import annotations

import heapq
import itertools
import select
import time
from collections import deque
from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
HANGUP = select.EPOLLHUP | select.EPOLLERR


class Timer:
    """A call at some time to come."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Forget the call."""
        self.call = None


class Loop:
    """Waits, and calls. Not thread-safe; handlers must not block.

    Args:
        on_error: Called with the exception that a handler let out; the loop goes on.
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._unwatched: set[int] = set()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._soon: deque[Callable[[], None]] = deque()
        self._idle: deque[Callable[[], bool]] = deque()
        self._on_error = on_error
        self._running = True
        self.now = time.monotonic()

    def watch(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        """Call the handler with the events that happen to the descriptor."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def change(self, fd: int, events: int) -> None:
        """Wait for other events."""
        self._epoll.modify(fd, events)

    def unwatch(self, fd: int) -> None:
        """Forget the descriptor; before it is closed."""
        del self._handlers[fd]
        self._unwatched.add(fd)
        self._epoll.unregister(fd)

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        """Call at a time of the monotonic clock."""
        timer = Timer(when, call)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call after a delay."""
        return self.call_at(time.monotonic() + delay_s, call)

    def call_soon(self, call: Callable[[], None]) -> None:
        """Call once the events at hand are handled."""
        self._soon.append(call)

    def call_idle(self, call: Callable[[], bool]) -> None:
        """Call between looks at the descriptors, again and again until it answers False."""
        self._idle.append(call)

    def stop(self) -> None:
        """Let `run` return."""
        self._running = False

    def run(self) -> None:
        """Wait and call until `stop`."""
        while self._running:
            self.turn(self._wait_s())

    def turn(self, wait_s: float) -> None:
        """One wait for at most `wait_s` (negative: without end), and the calls that come of it."""
        ready = self._epoll.poll(wait_s, 256)
        self.now = time.monotonic()
        self._unwatched.clear()
        for fd, events in ready:
            # An earlier handler of this turn may have closed it, and the number may be another's by now.
            handler = self._handlers.get(fd) if fd not in self._unwatched else None
            if handler is not None:
                self._guard(lambda handler=handler, events=events: handler(events))  # type: ignore[misc]
        while self._timers and self._timers[0][0] <= self.now:
            timer = heapq.heappop(self._timers)[2]
            call, timer.call = timer.call, None
            if call is not None:
                self._guard(call)
        while self._soon:
            self._guard(self._soon.popleft())
        if self._idle:
            work = self._idle.popleft()
            if self._guard(work):
                self._idle.append(work)
            while self._soon:
                self._guard(self._soon.popleft())

    def _guard(self, call: Callable[[], object]) -> object:
        try:
            return call()
        except Exception as error:
            self._on_error(error)
            return None

    def _wait_s(self) -> float:
        if self._idle or self._soon:
            return 0.0
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return -1.0
        return max(0.0, self._timers[0][0] - time.monotonic())

    def close(self) -> None:
        """Give back the descriptor."""
        self._epoll.close()
