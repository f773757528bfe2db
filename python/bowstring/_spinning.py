"""Waits that look again before they sleep.

Calls made in turn hand the work back and forth: each side sleeps for the 20 to 80 us that the other one takes, and to
be woken costs 5 us in the kernel and as much again in caches that have gone cold. So a wait looks for events without
sleeping, for 100 us at most, once the last few waits have all ended within that time. The first that does not makes an
end of it: a process whose waits are long, or whose peer does not get a processor, sleeps as ever. Whoever else wants
this processor gets it between two looks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter

Events = list[tuple[int, int]]

SPIN_US_DEFAULT = 100  # what the other side of a call in turn takes at most: async and threaded actors
SHORT_WAITS_MIN = 16  # in a row, before the first look; processes that outnumber the processors hardly come to that
_NEVER = 1 << 62
_NO_EVENTS: Events = []


def spin_s() -> float:
    """For how long a wait may spin, in seconds; 0: not at all, because there is one processor or it is not wanted."""
    if len(os.sched_getaffinity(0)) < 2:
        return 0.0
    try:
        return max(0.0, float(os.environ.get("BOWSTRING_SPIN_US", SPIN_US_DEFAULT)) * 1e-6)
    except ValueError:
        return SPIN_US_DEFAULT * 1e-6


class Spinner:
    """Spins ahead of the waits of one poller.

    Args:
        poll: asks the poller, with the seconds to wait at most.
        spin_s: for how long a wait may spin.
    """

    __slots__ = ("_enough", "_poll", "_short", "_spin_s")

    def __init__(self, poll: Callable[[float], Events], spin_s: float) -> None:
        self._poll = poll
        self._spin_s = spin_s
        self._enough = SHORT_WAITS_MIN if spin_s else _NEVER
        self._short = 0  # waits in a row that ended within the time

    def poll(self, timeout_s: float) -> Events:
        """Wait for events: as the poller's `poll`."""
        if self._short >= self._enough:
            events = self.spin(timeout_s)
            return events or self._poll(timeout_s)
        started = perf_counter()
        events = self._poll(timeout_s)
        if events:
            self.waited(started)
        return events

    def spin(self, timeout_s: float) -> Events:
        """Look for events, if that is worth it; none: sleep."""
        if self._short < self._enough or timeout_s < self._spin_s:
            return _NO_EVENTS
        poll, give_up = self._poll, perf_counter() + self._spin_s
        while True:
            events = poll(0)
            if events:
                return events
            if perf_counter() > give_up:
                self._short = 0
                return _NO_EVENTS
            os.sched_yield()

    def waited(self, started: float) -> None:
        """Events have come, to a wait that has slept since `started` (of perf_counter)."""
        if perf_counter() - started < self._spin_s:
            self._short += 1
        else:
            self._short = 0
