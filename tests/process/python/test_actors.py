"""Actors: calls and their order, names, handles, async methods, life and death."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

import bowstring as bow
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
class Counter:
    def __init__(self, start: int = 0) -> None:
        self.value = start

    def add(self, n: int = 1) -> int:
        self.value += n
        return self.value

    def get(self) -> int:
        return self.value

    def pid(self) -> int:
        return os.getpid()

    def fail(self) -> None:
        raise ValueError("on purpose")

    @bow.method(num_returns=2)
    def pair(self) -> tuple[int, int]:
        return self.value, self.value + 1

    def leave(self) -> None:
        bow.exit_actor()


@bow.remote
class Parrot:
    async def say(self, word: str, delay_s: float = 0) -> str:
        await asyncio.sleep(delay_s)
        return word

    async def meet(self, others: list[object]) -> list[str]:
        return [await ref for ref in others]


def has_ended(pid: int) -> bool:
    """Whether the process is no more, or a zombie that its parent has yet to look at."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_dead(pid: int, within_s: float = 5) -> None:
    wait_until(lambda: has_ended(pid), within_s, f"process {pid} has ended")


def test_calls_of_one_caller_run_in_order() -> None:
    counter = Counter.remote()
    refs = [counter.add.remote() for _ in range(1000)]
    assert bow.get(refs) == list(range(1, 1001))


def test_the_constructor_takes_arguments_and_references() -> None:
    assert bow.get(Counter.remote(5).get.remote()) == 5
    assert bow.get(Counter.remote(bow.put(6)).get.remote()) == 6


def test_an_error_in_a_method_leaves_the_actor_alive() -> None:
    counter = Counter.remote(1)
    with pytest.raises(ValueError, match="on purpose"):
        bow.get(counter.fail.remote())
    assert bow.get(counter.get.remote()) == 1


def test_an_error_in_the_constructor_kills_the_actor_and_names_it() -> None:
    @bow.remote
    class Broken:
        def __init__(self) -> None:
            raise RuntimeError("cannot be made")

        def hello(self) -> None: ...

    with pytest.raises(bow.ActorDiedError, match="cannot be made"):
        bow.get(Broken.remote().hello.remote(), timeout=20)


def test_methods_may_return_several_results() -> None:
    assert bow.get(Counter.remote(3).pair.remote()) == [3, 4]


def test_named_actors_are_found_by_name() -> None:
    counter = Counter.options(name="the counter").remote(9)
    assert bow.get(bow.get_actor("the counter").get.remote()) == 9
    with pytest.raises(bow.ActorNameTakenError, match="the counter"):
        Counter.options(name="the counter").remote()
    same = Counter.options(name="the counter", get_if_exists=True).remote()
    assert bow.get(same.add.remote()) == 10
    assert bow.get(counter.get.remote()) == 10
    with pytest.raises(bow.ActorNotFoundError, match="nobody"):
        bow.get_actor("nobody")


def test_handles_travel_into_tasks_and_actors() -> None:
    counter = Counter.remote()

    @bow.remote
    def bump(handle: object, times: int) -> int:
        return bow.get([handle.add.remote() for _ in range(times)])[-1]

    bow.get([bump.remote(counter, 10) for _ in range(4)])
    assert bow.get(counter.get.remote()) == 40


def test_async_methods_overlap() -> None:
    parrot = Parrot.remote()
    start = time.monotonic()
    assert bow.get([parrot.say.remote(str(i), 0.3) for i in range(20)]) == [str(i) for i in range(20)]
    assert time.monotonic() - start < 3
    assert bow.get(parrot.meet.remote([bow.put("a"), parrot.say.remote("b")])) == ["a", "b"]


def test_threaded_actors_overlap() -> None:
    @bow.remote
    class Gate:
        def __init__(self) -> None:
            import threading

            self.event = threading.Event()

        def wait(self) -> str:
            return "open" if self.event.wait(10) else "shut"

        def open(self) -> None:
            self.event.set()

    gate = Gate.options(max_concurrency=2).remote()
    waiting = gate.wait.remote()
    bow.get(gate.open.remote())
    assert bow.get(waiting, timeout=10) == "open"


def test_an_actor_ends_with_its_last_handle() -> None:
    counter = Counter.remote()
    pid = bow.get(counter.pid.remote())
    del counter
    wait_dead(pid)


def test_kill_ends_an_actor() -> None:
    counter = Counter.remote()
    pid = bow.get(counter.pid.remote())
    bow.kill(counter)
    wait_dead(pid)
    with pytest.raises(bow.ActorDiedError):
        bow.get(counter.get.remote(), timeout=10)


def test_exit_actor_answers_and_ends() -> None:
    counter = Counter.remote()
    assert bow.get(counter.leave.remote()) is None
    with pytest.raises(bow.ActorDiedError):
        bow.get(counter.get.remote(), timeout=10)


def test_a_killed_actor_restarts_if_it_may() -> None:
    counter = Counter.options(max_restarts=1, max_task_retries=1).remote(100)
    assert bow.get(counter.add.remote()) == 101
    os.kill(bow.get(counter.pid.remote()), signal.SIGKILL)
    assert bow.get(counter.add.remote(), timeout=20) == 101
    os.kill(bow.get(counter.pid.remote()), signal.SIGKILL)
    with pytest.raises(bow.ActorError):
        bow.get(counter.add.remote(), timeout=20)


def test_a_call_in_flight_without_retries_fails_and_says_that_it_may_have_run() -> None:
    @bow.remote
    class Suicidal:
        def die(self) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def hello(self) -> str:
            return "hello"

    actor = Suicidal.options(max_restarts=1).remote()
    with pytest.raises(bow.ActorError) as caught:
        bow.get(actor.die.remote(), timeout=20)
    assert caught.value.may_have_executed
    assert bow.get(actor.hello.remote(), timeout=20) == "hello"


def test_max_pending_calls_is_enforced(tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    @bow.remote
    class Slow:
        def wait(self) -> None:
            wait_until(gate.exists, 30, str(gate))

    slow = Slow.options(max_pending_calls=2).remote()
    refs = [slow.wait.remote(), slow.wait.remote()]
    with pytest.raises(bow.PendingCallsLimitExceeded, match="max_pending_calls is 2"):
        slow.wait.remote()
    gate.touch()
    bow.get(refs)
    bow.get(slow.wait.remote())
