"""Actors with checkpoints: no call is lost and none applied twice, whenever the process is killed (spec 5.4)."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


CALLS = 600  # of each caller
KILLS_MIN, KILLS_MAX = 5, 40


@bow.remote(max_restarts=-1, checkpoint_interval=50)
class Ledger:
    """Keeps what each caller has said, in order, and answers with how much it has heard from all of them."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, int]] = []
        self.kept: list[bow.ObjectRef[Any]] = []
        self.array = np.zeros(4)
        self.restored = 0

    def save_checkpoint(self) -> Any:
        return self.entries, self.kept, self.array

    def restore_checkpoint(self, state: Any) -> None:
        self.entries, self.kept, self.array = state
        self.restored += 1

    def add(self, who: str, number: int) -> int:
        self.entries.append((who, number))
        self.array += 1
        return len(self.entries)

    def all(self) -> list[tuple[str, int]]:
        return self.entries

    def pid(self) -> int:
        return os.getpid()

    def fail(self, who: str) -> None:
        self.entries.append((who, -1))
        raise ValueError("on purpose")

    def keep(self, refs: list[bow.ObjectRef[Any]]) -> int:
        self.kept += refs
        return len(self.kept)

    def read(self, place: int) -> Any:
        return bow.get(self.kept[place])

    def total(self, array: np.ndarray) -> float:
        self.entries.append(("total", int(array.sum())))
        return float(array.sum())

    def large(self, count: int) -> np.ndarray:
        self.entries.append(("large", count))
        return np.full(count, len(self.entries))

    def was_restored(self) -> bool:
        return self.restored > 0

    def leave(self) -> None:
        bow.exit_actor()


@bow.remote(max_retries=0)
def caller(ledger: bow.ActorHandle, who: str, count: int, window: int) -> list[int]:
    """Adds 0 to count-1, with so many calls in flight; returns the answers."""
    answers: list[int] = []
    pending: list[bow.ObjectRef[int]] = []
    for number in range(count):
        pending.append(ledger.add.remote(who, number))
        if len(pending) >= window:
            answers += bow.get(pending, timeout=120)
            pending.clear()
    return answers + bow.get(pending, timeout=120)


def pid_of(actor: bow.ActorHandle) -> int:
    """The process that is the actor now; 0: none."""
    for row in query_state(StateKind.ACTORS):
        if row["actor"] == actor.actor_id().hex():
            return row["pid"]
    return 0


def kill_now(actor: bow.ActorHandle) -> int:
    """kill -9, whatever the actor is at; 0: it has no process now."""
    pid = pid_of(actor)
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return pid


def kill_and_wait(actor: bow.ActorHandle) -> None:
    pid = kill_now(actor)
    assert pid
    wait_until(lambda: pid_of(actor) not in (0, pid), 30, "the actor has restarted")


class Killer(threading.Thread):
    """kill -9 at random moments, as fast as restarts allow."""

    def __init__(self, actor: bow.ActorHandle, restart_s: float, chance: random.Random) -> None:
        super().__init__()
        self.kills = 0
        self.over = threading.Event()
        self._actor, self._restart_s, self._chance = actor, restart_s, chance

    def run(self) -> None:
        while self.kills < KILLS_MAX and not self.over.wait(self._chance.expovariate(0.5 / self._restart_s)):
            if self.kills % 8:
                bow.kill(self._actor, no_restart=False)  # SIGKILL by the node, which then restarts it without a wait
                self.kills += 1
            else:
                self.kills += kill_now(self._actor) != 0


@pytest.mark.rule("5.4/1", "5.4/2")
@pytest.mark.parametrize("interval", [1, 7, 200])
def test_random_kills_lose_no_call_and_apply_none_twice(interval: int) -> None:
    seed = int.from_bytes(os.urandom(4), "little")
    print("seed", seed, file=sys.stderr)
    chance = random.Random(seed)
    ledger = Ledger.options(checkpoint_interval=interval).remote()
    bow.get(ledger.pid.remote(), timeout=60)
    begun = time.monotonic()
    bow.kill(ledger, no_restart=False)
    bow.get(ledger.pid.remote(), timeout=60)
    # How fast this machine is now: kills are to come at all stages of a life.
    killer = Killer(ledger, time.monotonic() - begun, chance)
    names = [f"{window} in flight" for window in (1, 17, 64)]
    results = [caller.remote(ledger, name, CALLS, int(name.split()[0])) for name in names]
    killer.start()
    try:
        mine: list[int] = []
        pending: list[bow.ObjectRef[int]] = []
        made = 0
        while made < CALLS or killer.kills < KILLS_MIN:
            pending.append(ledger.add.remote("driver", made))
            made += 1
            if chance.random() < 0.2:
                mine += bow.get(pending, timeout=120)
                pending.clear()
        mine += bow.get(pending, timeout=120)
        answers = dict(zip(names, bow.get(results, timeout=120), strict=True))
        answers["driver"] = mine
    finally:
        killer.over.set()
        killer.join()
    entries = bow.get(ledger.all.remote(), timeout=60)
    for who, told in answers.items():
        # Every call is there once, in its caller's order; and what was told is what is.
        asked = list(range(made if who == "driver" else CALLS))
        assert [number for name, number in entries if name == who] == asked, who
        assert [entries[place - 1] for place in told] == [(who, number) for number in asked]
    assert len(entries) == made + 3 * CALLS


def test_a_restart_resumes_from_the_saved_state_and_the_calls_after_it() -> None:
    ledger = Ledger.remote()
    assert bow.get([ledger.add.remote("a", n) for n in range(120)], timeout=60)[-1] == 120
    kill_and_wait(ledger)
    assert bow.get(ledger.add.remote("a", 120), timeout=60) == 121
    assert bow.get(ledger.was_restored.remote(), timeout=60)
    assert bow.get(ledger.all.remote(), timeout=60) == [("a", n) for n in range(121)]


def test_arrays_of_a_restored_state_can_be_changed() -> None:
    ledger = Ledger.options(checkpoint_interval=1).remote()
    bow.get([ledger.add.remote("a", n) for n in range(3)], timeout=60)
    kill_and_wait(ledger)
    assert bow.get(ledger.add.remote("a", 3), timeout=60) == 4


def test_a_call_that_raises_is_applied_once_like_any_other() -> None:
    ledger = Ledger.options(checkpoint_interval=100).remote()
    with pytest.raises(ValueError, match="on purpose"):
        bow.get(ledger.fail.remote("a"), timeout=60)
    kill_and_wait(ledger)
    assert bow.get(ledger.all.remote(), timeout=60) == [("a", -1)]


@pytest.mark.parametrize("interval", [1, 100])
def test_references_in_arguments_and_state_survive_restarts(interval: int) -> None:
    ledger = Ledger.options(checkpoint_interval=interval).remote()
    big = np.arange(1 << 17)
    bow.get(ledger.keep.remote([bow.put("small"), bow.put(big)]), timeout=60)
    assert bow.get(ledger.total.remote(bow.put(big)), timeout=60) == float(big.sum())
    for _ in range(2):
        kill_and_wait(ledger)
        assert bow.get(ledger.read.remote(0), timeout=60) == "small"
        assert np.array_equal(bow.get(ledger.read.remote(1), timeout=60), big)
    assert [entry[0] for entry in bow.get(ledger.all.remote(), timeout=60)] == ["total"]


def test_large_results_and_states_go_through_the_store() -> None:
    ledger = Ledger.options(checkpoint_interval=2).remote()
    for _ in range(2):
        refs = [ledger.large.remote(1 << 17) for _ in range(3)]
        kill_now(ledger)
        for ref in refs:
            assert len(bow.get(ref, timeout=60)) == 1 << 17
    assert bow.get(ledger.all.remote(), timeout=60) == [("large", 1 << 17)] * 6


def test_nothing_is_left_of_the_log_of_a_dead_actor() -> None:
    wait_until(lambda: not query_state(StateKind.OBJECTS), 30, "what earlier tests used is freed")
    ledger = Ledger.options(checkpoint_interval=3).remote()
    bow.get([ledger.keep.remote([bow.put(np.ones(1 << 15))]) for _ in range(8)], timeout=60)
    kill_and_wait(ledger)
    assert bow.get(ledger.keep.remote([]), timeout=60) == 8
    assert query_state(StateKind.OBJECTS)
    bow.kill(ledger)
    del ledger
    wait_until(lambda: not query_state(StateKind.OBJECTS), 30, "states, arguments and the actor are freed")


def test_exit_ends_an_actor_with_checkpoints() -> None:
    ledger = Ledger.remote()
    before = [ledger.add.remote("a", n) for n in range(20)]
    assert bow.get(ledger.leave.remote(), timeout=60) is None
    assert bow.get(before, timeout=60) == list(range(1, 21))
    with pytest.raises(bow.ActorDiedError):
        bow.get(ledger.all.remote(), timeout=60)


def test_a_caller_that_dies_leaves_the_others_alone(tmp_path: Path) -> None:
    @bow.remote(max_retries=0)
    def die_while_calling(ledger: bow.ActorHandle) -> None:
        refs = [ledger.add.remote("victim", n) for n in range(100)]
        bow.get(refs[0], timeout=60)
        os.kill(os.getpid(), signal.SIGKILL)

    ledger = Ledger.options(checkpoint_interval=5).remote()
    victim = die_while_calling.remote(ledger)
    mine = [ledger.add.remote("driver", n) for n in range(100)]
    with pytest.raises(bow.WorkerCrashedError):
        bow.get(victim, timeout=60)
    kill_and_wait(ledger)
    bow.get(mine, timeout=60)
    entries = bow.get(ledger.all.remote(), timeout=60)
    assert [n for who, n in entries if who == "driver"] == list(range(100))
    heard = [n for who, n in entries if who == "victim"]
    assert heard == list(range(len(heard)))
    assert heard


@pytest.mark.rule("5.4/7")
def test_a_call_that_ends_its_process_each_time_fails_and_the_actor_goes_on() -> None:
    @bow.remote(max_restarts=-1, checkpoint_interval=1, max_task_retries=3)
    class Fragile:
        def __init__(self) -> None:
            self.count = 0

        def save_checkpoint(self) -> int:
            return self.count

        def restore_checkpoint(self, state: int) -> None:
            self.count = state

        def add(self) -> int:
            self.count += 1
            return self.count

        def crash(self) -> None:
            self.count += 100
            os.kill(os.getpid(), signal.SIGKILL)

    actor = Fragile.remote()
    refs = [actor.add.remote(), actor.crash.remote(), actor.add.remote()]
    assert bow.get(refs[0], timeout=60) == 1
    with pytest.raises(bow.WorkerCrashedError, match=r"Fragile.crash was next in line 3 times.*not applied"):
        bow.get(refs[1], timeout=60)
    assert bow.get(refs[2], timeout=60) == 2


@pytest.mark.rule("5.4/4")
def test_a_state_that_can_not_be_saved_first_ends_the_actor_and_later_is_tried_again() -> None:
    @bow.remote(max_restarts=-1, checkpoint_interval=2)
    class Moody:
        def __init__(self, fails_from: int) -> None:
            self.fails_from = fails_from
            self.count = 0

        def save_checkpoint(self) -> int:
            if self.fails_from <= self.count < 10:
                raise RuntimeError("in no mood")
            return self.count

        def restore_checkpoint(self, state: int) -> None:
            self.count = state

        def add(self) -> int:
            self.count += 1
            return self.count

    with pytest.raises(bow.ActorDiedError, match=r"save_checkpoint failed.*in no mood"):
        bow.get(Moody.remote(0).add.remote(), timeout=60)
    moody = Moody.remote(3)
    assert bow.get([moody.add.remote() for _ in range(9)], timeout=60) == list(range(1, 10))
    kill_and_wait(moody)
    assert bow.get([moody.add.remote() for _ in range(9)], timeout=60) == list(range(10, 19))


def test_a_cancelled_call_is_not_applied_if_it_was_not_started(tmp_path: Path) -> None:
    @bow.remote(max_restarts=1, checkpoint_interval=10)
    class Gate:
        def __init__(self) -> None:
            self.count = 0

        def save_checkpoint(self) -> int:
            return self.count

        def restore_checkpoint(self, state: int) -> None:
            self.count = state

        def wait_for(self, marker: str) -> None:
            wait_until(lambda: Path(marker).exists(), 60)

        def add(self) -> int:
            self.count += 1
            return self.count

    gate = Gate.remote()
    marker = tmp_path / "go"
    waiting, dropped, kept = gate.wait_for.remote(str(marker)), gate.add.remote(), gate.add.remote()
    bow.cancel(dropped)
    marker.touch()
    bow.get(waiting, timeout=60)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(dropped, timeout=60)
    assert bow.get(kept, timeout=60) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs max_restarts"),
        ({"max_restarts": 1, "max_concurrency": 2}, "one call runs at a time"),
        ({"max_restarts": 1, "concurrency_groups": {"io": 1}}, "one call runs at a time"),
    ],
)
def test_what_does_not_go_with_checkpoints_is_refused(options: dict[str, Any], words: str) -> None:
    class Hooked:
        def save_checkpoint(self) -> None: ...
        def restore_checkpoint(self, state: None) -> None: ...

    class Bare:
        def save_checkpoint(self) -> None: ...

    with pytest.raises(bow.InvalidArgumentError, match=words):
        bow.remote(checkpoint_interval=5, **options)(Hooked).remote()
    with pytest.raises(bow.InvalidArgumentError, match="missing: restore_checkpoint"):
        bow.remote(checkpoint_interval=5, max_restarts=1)(Bare).remote()
    with pytest.raises(bow.InvalidArgumentError, match="checkpoint_interval"):
        bow.remote(checkpoint_interval=0)(Hooked)


def test_methods_that_stream_are_refused_and_nothing_else_suffers() -> None:
    @bow.remote(max_restarts=1, checkpoint_interval=5)
    class Mixed:
        def save_checkpoint(self) -> None: ...
        def restore_checkpoint(self, state: None) -> None: ...

        def count(self, to: int) -> Any:
            yield from range(to)

        def hello(self) -> str:
            return "hello"

    actor = Mixed.remote()
    stream = actor.count.remote(3)
    with pytest.raises(bow.InvalidArgumentError, match="can't stream"):
        bow.get(next(stream), timeout=60)
    assert bow.get(actor.hello.remote(), timeout=60) == "hello"


def test_a_long_call_does_not_hold_up_the_answers_before_it(tmp_path: Path) -> None:
    @bow.remote(max_restarts=1, checkpoint_interval=5)
    class Slow:
        def save_checkpoint(self) -> None: ...
        def restore_checkpoint(self, state: None) -> None: ...

        def quick(self) -> str:
            return "quick"

        def wait_for(self, marker: str) -> None:
            wait_until(lambda: Path(marker).exists(), 120)

    actor = Slow.remote()
    refs = [actor.quick.remote() for _ in range(10)]
    slow = actor.wait_for.remote(str(tmp_path / "go"))
    assert bow.get(refs, timeout=60) == ["quick"] * 10
    (tmp_path / "go").touch()
    bow.get(slow, timeout=60)


@pytest.mark.rule("5.2/7")
def test_calls_that_raise_may_be_tried_again_as_new_ones() -> None:
    @bow.remote(max_restarts=-1, max_task_retries=5, checkpoint_interval=3)
    class Flaky:
        def __init__(self) -> None:
            self.tries = 0

        def save_checkpoint(self) -> int:
            return self.tries

        def restore_checkpoint(self, state: int) -> None:
            self.tries = state

        @bow.method(retry_exceptions=True)
        def third_time(self) -> int:
            self.tries += 1
            if self.tries % 3:
                raise ValueError("not yet")
            return self.tries

    actor = Flaky.remote()
    assert bow.get(actor.third_time.remote(), timeout=60) == 3
    kill_and_wait(actor)
    assert bow.get(actor.third_time.remote(), timeout=60) == 6
