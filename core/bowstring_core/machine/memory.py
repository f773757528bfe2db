"""Who used too much memory, and who ends before the kernel ends the machine.

A lease with a demand for "memory" is a promise not to use more. What counts is what its worker has of its own (pages
that no other process shares, not the store's), beyond what it had when the lease was granted. It is looked at every so
often, first at a number that is cheap and never too small, and only when that is over the limit at the exact one.

The guard looks at what the machine has left, the more often the less it is. Below the reserve it ends the worker that
uses most: of tasks, and of actors only when no task uses much. One at a time: the next is chosen when that one has
ended, or when it takes too long.

The machine refuses to know /proc: it is told numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bowstring_core import limits

_MIB = 1 << 20


class Limited(NamedTuple):
    """A lease whose memory is limited, in bytes."""

    slot: int
    limit: int
    baseline: int


class Usage(NamedTuple):
    """What a busy worker has of its own, in bytes."""

    slot: int
    used: int
    actor: bool


class End(NamedTuple):
    """End the worker; the message says why."""

    slot: int
    message: str


class MemoryWatch:
    """Limits of leases, and the guard.

    Args:
        reserve: Bytes that the machine must keep available; 0: no guard.
    """

    def __init__(self, reserve: int) -> None:
        self.reserve = reserve
        self.limited: dict[int, Limited] = {}  # by lease
        self._ending: dict[int, float] = {}  # slots, and when they were told to end

    # Limits -----------------------------------------------------------------------------------------------------------

    def granted(self, lease: int, slot: int, limit: int, baseline: int) -> None:
        """A lease with a limit was granted; its worker has so much now."""
        self.limited[lease] = Limited(slot, limit, baseline)

    def over(self, lease: int) -> None:
        """The lease is no more."""
        self.limited.pop(lease, None)

    def worker_ended(self, slot: int) -> None:
        """The worker's process is no more."""
        self._ending.pop(slot, None)

    @staticmethod
    def is_suspect(limited: Limited, at_most: int) -> bool:
        """Whether a worker that has at most so much must be looked at more closely."""
        return at_most - limited.baseline > limited.limit

    def check(self, limited: Limited, used: int, now: float) -> list[End]:
        """What comes of a worker that has exactly so much."""
        more = used - limited.baseline
        if more <= limited.limit or limited.slot in self._ending:
            return []
        self._ending[limited.slot] = now
        message = (
            f"used {_mib(more)} of memory, and its limit is {_mib(limited.limit)} (memory={limited.limit}): raise the"
            " limit, or let it hold less at a time"
        )
        return [End(limited.slot, message)]

    # The guard --------------------------------------------------------------------------------------------------------

    def is_short(self, available: int, now: float) -> bool:
        """Whether somebody must end for the machine's sake."""
        if available >= self.reserve:
            return False
        return all(now - since > limits.GUARD_PATIENCE_S for since in self._ending.values())

    def choose(self, available: int, usages: Iterable[Usage], now: float) -> list[End]:
        """Who ends, because the machine is short."""
        greedy = [u for u in usages if u.used >= limits.GUARD_BYTES_MIN and u.slot not in self._ending]
        if not greedy:
            return []
        chosen = max(greedy, key=lambda usage: (not usage.actor, usage.used))
        self._ending[chosen.slot] = now
        message = (
            f"was ended because the machine had only {_mib(available)} of memory left, less than the"
            f" {_mib(self.reserve)} that it must keep, and of all tasks this one used the most: {_mib(chosen.used)}"
        )
        return [End(chosen.slot, message)]

    def wait_s(self, available: int) -> float:
        """How long until the next look."""
        wait = limits.GUARD_WAIT_MAX_S
        if self.reserve:
            wait = min(wait, max(0, available - self.reserve) / limits.GUARD_FILL_BYTES_PER_S)
        if self.limited:
            wait = min(wait, limits.MEMORY_LOOK_S)
        return max(wait, limits.GUARD_WAIT_MIN_S)


def _mib(size: int) -> str:
    return f"{size / _MIB:.0f} MiB"
