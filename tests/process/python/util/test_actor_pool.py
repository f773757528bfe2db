"""ActorPool: results in order and as they come, errors, timeouts, actors that come and go."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

import bowstring as bow
from bowstring.util import ActorPool

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
class Worker:
    def double(self, value: int) -> int:
        return 2 * value

    def fail(self, value: int) -> None:
        raise ValueError(f"bad {value}")


@bow.remote
class Gate:
    """An actor that answers when it is told to."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def hold(self, value: int) -> int:
        assert self.event.wait(60)
        return value

    def open(self) -> None:
        self.event.set()


def double(actor: Any, value: int) -> Any:
    return actor.double.remote(value)


def test_map_gives_results_in_the_order_of_the_values() -> None:
    pool = ActorPool([Worker.remote() for _ in range(3)])
    assert list(pool.map(double, range(50))) == [2 * i for i in range(50)]
    assert not pool.has_next()


def test_map_unordered_gives_all_results() -> None:
    pool = ActorPool([Worker.remote() for _ in range(3)])
    assert sorted(pool.map_unordered(double, range(50))) == [2 * i for i in range(50)]


def test_map_reads_an_endless_input_only_a_little_ahead() -> None:
    pool = ActorPool([Worker.remote()])
    numbers = itertools.count()
    assert list(itertools.islice(pool.map(double, numbers), 5)) == [0, 2, 4, 6, 8]
    assert next(numbers) < 20


def test_results_are_taken_in_order_or_as_they_come() -> None:
    first, second = Gate.options(max_concurrency=2).remote(), Gate.options(max_concurrency=2).remote()
    pool = ActorPool([first, second])
    for value in range(2):
        pool.submit(lambda actor, v: actor.hold.remote(v), value)
    assert not pool.has_free()
    second.open.remote()
    assert pool.get_next_unordered() == 1
    first.open.remote()
    assert pool.get_next() == 0
    with pytest.raises(StopIteration):
        pool.get_next()
    with pytest.raises(StopIteration):
        pool.get_next_unordered()


def test_a_result_that_is_not_there_in_time_can_be_taken_later_or_given_up() -> None:
    gate = Gate.options(max_concurrency=2).remote()
    pool = ActorPool([gate])
    pool.submit(lambda actor, v: actor.hold.remote(v), 1)
    with pytest.raises(bow.GetTimeoutError):
        pool.get_next(timeout=0.01)
    assert pool.has_next()
    with pytest.raises(TimeoutError):
        pool.get_next(timeout=0, ignore_if_timedout=True)
    assert not pool.has_next()
    pool.submit(lambda actor, v: actor.hold.remote(v), 2)
    gate.open.remote()
    assert pool.get_next() == 2  # the actor is back once what was given up is over


def test_an_error_is_raised_for_its_call_and_the_actor_goes_on() -> None:
    pool = ActorPool([Worker.remote()])
    pool.submit(lambda actor, v: actor.fail.remote(v), 7)
    pool.submit(double, 8)
    with pytest.raises(ValueError, match="bad 7"):
        pool.get_next()
    assert pool.get_next() == 16


def test_actors_come_and_go() -> None:
    actor = Worker.remote()
    pool = ActorPool([actor])
    with pytest.raises(bow.InvalidArgumentError, match="already"):
        pool.push(actor)
    assert pool.pop_idle() is actor
    assert pool.pop_idle() is None
    pool.submit(double, 1)
    assert not pool.has_free()
    with pytest.raises(bow.InvalidArgumentError, match="no actor"):
        pool.get_next()
    pool.push(actor)
    assert pool.get_next() == 2


def test_a_function_that_gives_no_reference_is_named() -> None:
    pool = ActorPool([Worker.remote()])
    with pytest.raises(bow.InvalidArgumentError, match="ObjectRef"):
        pool.submit(lambda _actor, v: v, 1)  # type: ignore[arg-type, return-value]
    pool.submit(double, 1)
    assert pool.get_next() == 2
