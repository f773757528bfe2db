"""Java callers of actors with checkpoints, and such actors in Java: no call is lost, and none applied twice."""

from __future__ import annotations

import random
import time

import pytest

import bowstring as bow
from tests.process.python.test_checkpoints import KILLS_MIN, Killer, Ledger

pytestmark = pytest.mark.usefixtures("runtime")
CALLS = 200  # of each caller


def test_random_kills_lose_no_java_call_and_apply_none_twice() -> None:
    ledger = Ledger.options(checkpoint_interval=2).remote()
    add_all = bow.java_function("cross.LedgerCaller", "addAll")
    assert bow.get(add_all.remote(ledger, "first", 10, 3), timeout=120) == list(range(1, 11))
    begun = time.monotonic()
    bow.kill(ledger, no_restart=False)
    bow.get(ledger.pid.remote(), timeout=60)
    killer = Killer(ledger, time.monotonic() - begun, random.Random())
    windows = (1, 50)
    results = [add_all.remote(ledger, f"java {window}", CALLS, window) for window in windows]
    killer.start()
    try:
        answers = bow.get(results, timeout=120)
        made = 0
        while killer.kills < KILLS_MIN:
            bow.get(ledger.add.remote("driver", made), timeout=60)
            made += 1
    finally:
        killer.over.set()
        killer.join()
    entries = bow.get(ledger.all.remote(), timeout=60)
    assert [number for name, number in entries if name == "driver"] == list(range(made))
    for window, told in zip(windows, answers, strict=True):
        who = f"java {window}"
        assert [number for name, number in entries if name == who] == list(range(CALLS)), who
        assert [entries[place - 1] for place in told] == [(who, number) for number in range(CALLS)]


def test_random_kills_of_a_java_actor_lose_no_call_and_apply_none_twice() -> None:
    ledger = bow.java_actor_class("cross.JavaLedger").options(max_restarts=-1, checkpoint_interval=7).remote()
    assert bow.get(ledger.keep.remote([bow.put("kept")]), timeout=60) == 1
    begun = time.monotonic()
    bow.kill(ledger, no_restart=False)
    bow.get(ledger.pid.remote(), timeout=60)
    killer = Killer(ledger, time.monotonic() - begun, random.Random())
    add_all = bow.java_function("cross.LedgerCaller", "addAllInJava")
    result = add_all.remote(ledger, "java", CALLS, 50)
    killer.start()
    told: list[int] = []
    try:
        while killer.kills < KILLS_MIN or len(told) < CALLS:
            calls = [ledger.add.remote("driver", len(told) + place) for place in range(20)]
            told += bow.get(calls, timeout=120)
        java_told = bow.get(result, timeout=120)
    finally:
        killer.over.set()
        killer.join()
    entries = bow.get(ledger.all.remote(), timeout=60)
    assert [entries[place - 1] for place in told] == [f"driver {number}" for number in range(len(told))]
    assert [entries[place - 1] for place in java_told] == [f"java {number}" for number in range(CALLS)]
    assert len(entries) == len(told) + CALLS
    assert bow.get(ledger.read.remote(0), timeout=60) == "kept"


def test_what_a_java_actor_with_checkpoints_needs_is_said() -> None:
    ledger = bow.java_actor_class("cross.JavaLedger")
    with pytest.raises(bow.errors.InvalidArgumentError, match="checkpoint_interval needs max_restarts"):
        ledger.options(checkpoint_interval=1).remote()
    with pytest.raises(bow.errors.InvalidArgumentError, match="one call runs at a time"):
        ledger.options(checkpoint_interval=1, max_restarts=1, max_concurrency=2).remote()
    other = bow.java_actor_class("cross.Mortal").options(checkpoint_interval=1, max_restarts=1).remote()
    with pytest.raises(bow.ActorDiedError, match=r"io\.bowstring\.Checkpointed"):
        bow.get(other.add.remote(1), timeout=60)


def test_terminate_ends_a_java_actor_behind_the_calls_before_it() -> None:
    actor = bow.java_actor_class("cross.Mortal").remote()
    before = [actor.add.remote(1) for _ in range(50)]
    assert bow.get(actor.__bowstring_terminate__.remote(), timeout=60) is None
    assert bow.get(before, timeout=60) == list(range(1, 51))
    with pytest.raises(bow.ActorDiedError):
        bow.get(actor.add.remote(1), timeout=60)
