"""How a row is timed: a warm-up, then several rounds of a fixed time, each giving one figure.

This module runs in every peer's interpreter and needs nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

SECONDS_IN_UNIT = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


@dataclass
class Work:
    """What a row repeats.

    Attributes:
        call: One repetition. If it returns a float, that is its time in seconds (for work of which only a part counts).
        operations: How many units of work one call does.
        close: Called once after the last round.
        calls_max: Not more calls than this in all, or 0.
    """

    call: Callable[[], object]
    operations: float = 1
    close: Callable[[], object] | None = None
    calls_max: int = 0


@dataclass
class Figures:
    """What a row came to: figures in the row's unit, one a round."""

    values: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Pace:
    """How long to measure: rounds of so many seconds, and a cap for rows whose single call is long."""

    warm_up_s: float
    round_s: float
    rounds: int
    total_max_s: float


FULL = Pace(warm_up_s=1.0, round_s=2.0, rounds=4, total_max_s=40.0)
QUICK = Pace(warm_up_s=0.05, round_s=0.2, rounds=2, total_max_s=3.0)


def measure(work: Work, unit: str, pace: Pace) -> Figures:
    """Repeat the work at the given pace; a figure a round, as a rate or as a time according to the unit."""
    figures = Figures()
    began = perf_counter()
    calls = 0
    try:
        while True:
            work.call()
            calls += 1
            if perf_counter() - began >= pace.warm_up_s or calls == work.calls_max // 2:
                break
        step = max(1, calls // 10)
        for _ in range(pace.rounds):
            seconds, count = _round(work, step, pace.round_s)
            calls += count
            figures.values.append(_in_unit(seconds / (count * work.operations), unit))
            if perf_counter() - began > pace.total_max_s or 0 < work.calls_max <= calls:
                break
    finally:
        if work.close is not None:
            work.close()
    return figures


def _round(work: Work, step: int, round_s: float) -> tuple[float, int]:
    count = 0
    counted = 0.0
    began = perf_counter()
    while True:
        for _ in range(step):
            own = work.call()
            if isinstance(own, float):
                counted += own
        count += step
        elapsed = perf_counter() - began
        if elapsed >= round_s:
            return counted or elapsed, count


def _in_unit(seconds: float, unit: str) -> float:
    return 1 / seconds if unit.endswith("/s") else seconds / SECONDS_IN_UNIT[unit]
