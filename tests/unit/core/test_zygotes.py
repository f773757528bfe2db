"""Which zygotes there are: one for all, and those of environments while somebody needs them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bowstring_core import limits
from bowstring_core.node import zygotes
from bowstring_core.node.zygote_link import NO_ENVIRONMENT, Surroundings

OTHER = Surroundings("zygote-other", "", (("A", "1"),))


class Link:
    """Notes what is asked of a zygote."""

    def __init__(self, *arguments: Any) -> None:
        self.surroundings = arguments[-1]
        self.retired = False
        self.calls: list[str] = []

    def retire(self) -> None:
        self.calls.append("retire")

    def leave(self) -> None:
        self.calls.append("leave")

    def close(self) -> None:
        self.calls.append("close")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.later: list[tuple[float, Any]] = []

    def call_later(self, delay_s: float, call: Any) -> None:
        self.later.append((self.now + delay_s, call))

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due, self.later = [e for e in self.later if e[0] <= self.now], [e for e in self.later if e[0] > self.now]
        for _, call in due:
            call()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> tuple[zygotes.Zygotes, Clock]:
    monkeypatch.setattr(zygotes, "ZygoteLink", Link)
    clock = Clock()
    node: Any = SimpleNamespace(loop=clock, session=SimpleNamespace(path="/nowhere"))
    return zygotes.Zygotes(node, "module", lambda *_: None, lambda *_: None), clock


def test_workers_without_an_environment_share_a_zygote_that_never_retires(made: tuple[zygotes.Zygotes, Clock]) -> None:
    every, clock = made
    assert every.take(b"", NO_ENVIRONMENT) is every.main
    every.give_back(b"")
    clock.advance(10 * limits.IDLE_ZYGOTE_S)
    assert every.main.calls == []  # type: ignore[attr-defined]


def test_the_zygote_of_an_environment_retires_when_nobody_needed_it_for_a_while(
    made: tuple[zygotes.Zygotes, Clock],
) -> None:
    every, clock = made
    link: Any = every.take(b"k", OTHER)
    assert link.surroundings is OTHER
    assert every.take(b"k", OTHER) is link
    every.give_back(b"k")
    clock.advance(2 * limits.IDLE_ZYGOTE_S)
    assert link.calls == []
    every.give_back(b"k")
    clock.advance(limits.IDLE_ZYGOTE_S)
    assert link.calls == ["retire"]
    assert every.take(b"k", OTHER) is not link


def test_a_zygote_that_is_needed_again_stays(made: tuple[zygotes.Zygotes, Clock]) -> None:
    every, clock = made
    link: Any = every.take(b"k", OTHER)
    every.give_back(b"k")
    clock.advance(limits.IDLE_ZYGOTE_S / 2)
    every.take(b"k", OTHER)
    clock.advance(limits.IDLE_ZYGOTE_S)
    every.give_back(b"k")
    clock.advance(limits.IDLE_ZYGOTE_S / 2)
    assert link.calls == []
    clock.advance(limits.IDLE_ZYGOTE_S / 2)
    assert link.calls == ["retire"]


def test_at_the_end_all_are_let_go_before_any_is_waited_for(made: tuple[zygotes.Zygotes, Clock]) -> None:
    every, _ = made
    other: Any = every.take(b"k", OTHER)
    every.close()
    assert every.main.calls == other.calls == ["leave", "close"]  # type: ignore[attr-defined]
