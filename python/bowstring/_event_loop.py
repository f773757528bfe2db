"""An event loop that leads the reactor while it waits.

asyncio asks its selector once a turn, and whatever happens between two questions is user code. So the selector takes
the leadership for the time of its wait only: it writes what is buffered, waits on the loop's own descriptors and on the
reactor's poller (an epoll can wait for another) at once, and processes the runtime's frames before it answers. While
callbacks run, other threads that wait may lead, and after a few milliseconds the patrol does.

Who finds another thread leading waits on the loop's own descriptors alone, as a follower: it is woken to lead when that
thread is done, and by whoever reads something for the loop.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bowstring._reactor import Waiter

if TYPE_CHECKING:
    from bowstring._reactor import Reactor


class _Promotion:
    """Stands where a follower's semaphore would: to be promoted is to be woken."""

    __slots__ = ("_selector",)

    def __init__(self, selector: LeadingSelector) -> None:
        self._selector = selector

    def release(self) -> None:
        """From any thread: the leadership may be free."""
        self._selector.wake()


class LeadingSelector(selectors.EpollSelector):
    """See the module's docstring.

    Args:
        reactor: what it leads.
        before_wait: called under the reactor's lock; True: do not wait.
        after_wait: called after each turn, before the loop's callbacks.
    """

    def __init__(self, reactor: Reactor, before_wait: Callable[[], bool], after_wait: Callable[[], None]) -> None:
        super().__init__()
        self.wake: Callable[[], Any]
        self._reactor = reactor
        self._before_wait = before_wait
        self._after_wait = after_wait
        self._as_follower = Waiter()
        self._as_follower.signal = _Promotion(self)  # type: ignore[assignment]
        self._poller: selectors.SelectorKey | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """One turn; as selectors.BaseSelector.select."""
        reactor = self._reactor
        if reactor.try_lead():
            try:
                events = self._select_leading(timeout)
            finally:
                reactor.stop_leading()
        else:
            events = self._select_following(timeout)
        self._after_wait()
        return events

    def _select_leading(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        reactor = self._reactor
        poller = self._poller
        if poller is None:
            poller = self._poller = self.register(reactor.poller.fileno(), selectors.EVENT_READ)
        with reactor.lock:
            timeout = reactor.before_poll(timeout)
            if self._before_wait():
                timeout = 0
        spinner = reactor.spinner
        if spinner.spin(timeout):
            timeout = 0  # what came is told again, with what came on the loop's own descriptors
        started = perf_counter()
        events = super().select(timeout)
        spinner.waited(started)
        reactor.asleep = False
        for place, (key, _) in enumerate(events):
            if key is poller:
                del events[place]
                reactor.process(reactor.poller.poll(0))
                return events
        return events

    def _select_following(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        reactor = self._reactor
        if self._poller is not None:
            self.unregister(self._poller.fileobj)  # its events are another thread's
            self._poller = None
        with reactor.lock:
            reactor.before_poll(None)
            if self._before_wait():
                timeout = 0
        with reactor.following(self._as_follower) as free:
            return super().select(0 if free else timeout)
