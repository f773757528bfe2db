"""Waits that look again before they sleep.

Calls made in turn hand the work back and forth: each side sleeps for the 20 to 80 us that the other one takes, and to
be woken costs 5 to 50 us in the kernel and as much again in caches that have gone cold. So a wait looks for events
without sleeping, for 100 us at most, where that has a chance. Trust says whether it has: short waits earn it, and so do
looks that found something; a look in vain costs as much as sixteen of them earn, and a long wait costs all. What a wait
that sleeps took is no measure of what a look would take, since both sides' waking is in it: so it counts as short up to
three times the time of a look. Whoever else wants this processor gets it between two looks; that somebody took it costs
as much as a look in vain, because then to sleep is better for all. A process whose waits are long sleeps as ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter

Events = list[tuple[int, int]]

SPIN_US_DEFAULT = 100  # what the other side of a call in turn takes at most: async and threaded actors
SLEPT_SHORT = 3  # times the time of a look: a wait that slept for so long might have been a look that found something
TRUST_MIN = 16  # short waits before the first look; processes that outnumber the processors hardly come to that
TRUST_MAX = 64  # so that looks stop after four in vain
VAIN_COST = 16
CROWDED_S = 50e-6  # from one look to the next: somebody else had the processor. It is 2 us if nobody wants it
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
        spin_s: for how long a wait may spin; 0: not at all.
        clock: seconds, as of perf_counter.
    """

    __slots__ = ("_clock", "_enough", "_poll", "_short_s", "_spin_s", "_trust")

    def __init__(
        self, poll: Callable[[float], Events], spin_s: float, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._poll = poll
        self._clock = clock
        self._spin_s = spin_s
        self._short_s = SLEPT_SHORT * spin_s
        self._enough = TRUST_MIN if spin_s else _NEVER
        self._trust = 0

    def poll(self, timeout_s: float) -> Events:
        """Wait for events: as the poller's `poll`."""
        if self._trust >= self._enough:
            events = self.spin(timeout_s)
            return events or self._poll(timeout_s)
        started = self._clock()
        events = self._poll(timeout_s)
        if events:
            self.waited(started)
        return events

    def spin(self, timeout_s: float) -> Events:
        """Look for events, if that is worth it; none: sleep."""
        if self._trust < self._enough or timeout_s < self._spin_s:
            return _NO_EVENTS
        poll, clock = self._poll, self._clock
        looked = clock()
        give_up = looked + self._spin_s
        while True:
            events = poll(0)
            now = clock()
            if now - looked > CROWDED_S or now > give_up:
                self._trust -= VAIN_COST
                return events
            if events:
                if self._trust < TRUST_MAX:
                    self._trust += 1
                return events
            looked = now
            os.sched_yield()

    def waited(self, started: float) -> None:
        """Events have come, to a wait that has slept since `started` (of the clock)."""
        if self._clock() - started < self._short_s:
            self._trust = min(self._trust + 1, TRUST_MAX)
        else:
            self._trust = 0
