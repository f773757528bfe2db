"""When a wait looks again before it sleeps."""

from __future__ import annotations

import os
from time import perf_counter

import pytest

from bowstring._spinning import SHORT_WAITS_MIN, Spinner, spin_s

SPIN_S = 0.2  # long enough for the slowest machine to look several times
EVENTS = [(7, 1)]


class Poller:
    """Answers the looks (timeout 0) and the waits that it is asked for with what was put there for them."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.looks: list[list[tuple[int, int]]] = []

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        self.asked.append(timeout_s)
        if timeout_s == 0:
            return self.looks.pop(0) if self.looks else []
        return EVENTS


@pytest.fixture
def poller() -> Poller:
    return Poller()


def after_short_waits(poller: Poller, count: int = SHORT_WAITS_MIN, within_s: float = SPIN_S) -> Spinner:
    spinner = Spinner(poller.poll, within_s)
    for _ in range(count):
        assert spinner.poll(1.0) == EVENTS
    poller.asked.clear()
    return spinner


def test_a_process_with_few_short_waits_sleeps_at_once(poller):
    spinner = after_short_waits(poller, SHORT_WAITS_MIN - 1)
    spinner.poll(1.0)
    assert poller.asked == [1.0]


def test_after_short_waits_it_looks_until_something_comes_and_does_not_sleep(poller):
    spinner = after_short_waits(poller)
    poller.looks = [[], [], [(9, 1)]]
    assert spinner.poll(1.0) == [(9, 1)]
    assert poller.asked == [0, 0, 0]


def test_looking_in_vain_ends_after_its_time_and_is_not_repeated(poller):
    spinner = after_short_waits(poller, within_s=0.01)
    started = perf_counter()
    assert spinner.poll(1.0) == EVENTS
    assert perf_counter() - started >= 0.01
    assert poller.asked[-1] == 1.0
    assert set(poller.asked[:-1]) == {0}
    poller.asked.clear()
    assert spinner.poll(1.0) == EVENTS
    assert poller.asked == [1.0]


def test_who_only_looks_is_answered_at_once(poller):
    spinner = after_short_waits(poller)
    assert spinner.poll(0) == []
    assert poller.asked == [0]


def test_waits_that_nothing_ended_say_nothing(poller):
    spinner = Spinner(poller.poll, SPIN_S)
    for _ in range(2 * SHORT_WAITS_MIN):
        assert spinner.poll(0) == []
    poller.asked.clear()
    spinner.poll(1.0)
    assert poller.asked == [1.0]


def test_without_a_time_it_never_looks(poller):
    spinner = after_short_waits(poller, 3 * SHORT_WAITS_MIN, within_s=0.0)
    spinner.poll(1.0)
    assert poller.asked == [1.0]


def test_one_processor_or_a_setting_turns_it_off(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    monkeypatch.delenv("BOWSTRING_SPIN_US", raising=False)
    assert spin_s() > 0
    monkeypatch.setenv("BOWSTRING_SPIN_US", "0")
    assert spin_s() == 0
    monkeypatch.setenv("BOWSTRING_SPIN_US", "20")
    assert spin_s() == pytest.approx(20e-6)
    monkeypatch.setenv("BOWSTRING_SPIN_US", "fast")
    assert spin_s() > 0
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3})
    assert spin_s() == 0
