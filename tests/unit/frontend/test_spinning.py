"""When a wait looks again before it sleeps."""

from __future__ import annotations

import os

import pytest

from bowstring._spinning import CROWDED_S, SLEPT_SHORT, TRUST_MAX, TRUST_MIN, VAIN_COST, Spinner, spin_s

SPIN_S = 100e-6
LOOK_S = 10e-6  # what the clock goes on by between two questions
LOOKS = 10  # in vain, before a wait sleeps
EVENTS = [(7, 1)]


class Poller:
    """Answers the looks (timeout 0) and the waits that it is asked for with what was put there for them.

    The clock goes on by `step_s` with each question for the time.
    """

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.looks: list[list[tuple[int, int]]] = []
        self.now = 0.0
        self.step_s = LOOK_S

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        self.asked.append(timeout_s)
        if timeout_s == 0:
            return self.looks.pop(0) if self.looks else []
        return EVENTS

    def clock(self) -> float:
        self.now += self.step_s
        return self.now

    def asked_by_one_wait(self, spinner: Spinner) -> list[float]:
        self.asked.clear()
        assert spinner.poll(1.0) == EVENTS
        return self.asked


@pytest.fixture
def poller() -> Poller:
    return Poller()


def after_short_waits(poller: Poller, count: int = TRUST_MIN, spin_s: float = SPIN_S) -> Spinner:
    spinner = Spinner(poller.poll, spin_s, poller.clock)
    for _ in range(count):
        assert spinner.poll(1.0) == EVENTS
    poller.asked.clear()
    return spinner


def test_a_process_with_few_short_waits_sleeps_at_once(poller):
    spinner = after_short_waits(poller, TRUST_MIN - 1)
    assert poller.asked_by_one_wait(spinner) == [1.0]


def test_after_short_waits_it_looks_until_something_comes_and_does_not_sleep(poller):
    spinner = after_short_waits(poller)
    poller.looks = [[], [], EVENTS]
    assert poller.asked_by_one_wait(spinner) == [0, 0, 0]


def test_looking_in_vain_ends_after_its_time_and_is_not_repeated(poller):
    spinner = after_short_waits(poller)
    assert poller.asked_by_one_wait(spinner) in ([0] * LOOKS + [1.0], [0] * (LOOKS + 1) + [1.0])
    assert poller.asked_by_one_wait(spinner) == [1.0]


def test_after_many_looks_that_found_something_some_in_vain_are_forgiven(poller):
    spinner = after_short_waits(poller)
    for _ in range(TRUST_MAX):
        poller.looks = [EVENTS]
        assert poller.asked_by_one_wait(spinner) == [0]
    for _ in range(TRUST_MAX // VAIN_COST):
        assert poller.asked_by_one_wait(spinner)[0] == 0
    assert poller.asked_by_one_wait(spinner) == [1.0]


def test_a_processor_that_somebody_else_took_ends_the_looking(poller):
    spinner = after_short_waits(poller)
    poller.step_s = 2 * CROWDED_S
    assert poller.asked_by_one_wait(spinner) == [0, 1.0]
    assert poller.asked_by_one_wait(spinner) == [1.0]


@pytest.mark.parametrize(("times", "looks"), [(SLEPT_SHORT - 1, True), (SLEPT_SHORT + 1, False)])
def test_a_wait_that_slept_is_short_up_to_a_multiple_of_the_time_of_a_look(poller, times, looks):
    poller.step_s = times * SPIN_S
    spinner = after_short_waits(poller)
    poller.step_s = LOOK_S
    assert (poller.asked_by_one_wait(spinner)[0] == 0) is looks


def test_who_only_looks_is_answered_at_once(poller):
    spinner = after_short_waits(poller)
    assert spinner.poll(0) == []
    assert poller.asked == [0]


def test_waits_that_nothing_ended_say_nothing(poller):
    spinner = Spinner(poller.poll, SPIN_S, poller.clock)
    for _ in range(2 * TRUST_MIN):
        assert spinner.poll(0) == []
    assert poller.asked_by_one_wait(spinner) == [1.0]


def test_without_a_time_it_never_looks(poller):
    spinner = after_short_waits(poller, 3 * TRUST_MIN, spin_s=0.0)
    assert poller.asked_by_one_wait(spinner) == [1.0]


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
