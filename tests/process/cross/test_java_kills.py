"""kill -9 of JVM workers: their work is retried, or a typed error names what died."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


def test_a_java_task_whose_worker_is_killed_runs_again(tmp_path: Path) -> None:
    die_once = bow.java_function("cross.Mortal", "dieOnce")
    assert bow.get(die_once.remote(str(tmp_path / "tries")), timeout=60) == 1


def test_a_java_task_without_retries_fails_by_name() -> None:
    die = bow.java_function("cross.Mortal", "die").options(max_retries=0)
    with pytest.raises(bow.WorkerCrashedError, match="die") as caught:
        bow.get(die.remote(), timeout=60)
    assert caught.value.may_have_executed


def test_a_java_actor_restarts_if_it_may() -> None:
    actor = bow.java_actor_class("cross.Mortal").options(max_restarts=1, max_task_retries=1).remote()
    assert bow.get([actor.add.remote(1) for _ in range(3)], timeout=60) == [1, 2, 3]
    os.kill(bow.get(actor.processId.remote(), timeout=60), signal.SIGKILL)
    assert bow.get(actor.add.remote(5), timeout=60) == 5
    os.kill(bow.get(actor.processId.remote(), timeout=60), signal.SIGKILL)
    with pytest.raises(bow.ActorError):
        bow.get(actor.add.remote(1), timeout=60)


def test_wrong_names_and_arguments_of_java_are_named() -> None:
    with pytest.raises(bow.FunctionNotFoundError, match=r"cross\.Missing"):
        bow.get(bow.java_function("cross.Missing", "x").remote(), timeout=60)
    with pytest.raises(bow.FunctionNotFoundError, match="nothing"):
        bow.get(bow.java_function("cross.Mortal", "nothing").remote(), timeout=60)
    with pytest.raises(bow.CrossLanguageError, match=r"args\[0\].*set|set.*args\[0\]"):
        bow.java_function("cross.Mortal", "dieOnce").remote({1, 2})
    with pytest.raises(bow.CrossLanguageError, match=r"\$\.args\[0\]\.config"):
        bow.java_function("cross.Mortal", "dieOnce").remote({"config": object()})
    with pytest.raises(bow.InvalidArgumentError, match="keyword"):
        bow.java_function("cross.Mortal", "dieOnce").remote(marker="x")
    actor = bow.java_actor_class("cross.Mortal").remote()
    with pytest.raises(bow.InvalidArgumentError):
        bow.get(actor.add.remote("text"), timeout=60)
    with pytest.raises(bow.FunctionNotFoundError, match="fly"):
        bow.get(actor.fly.remote(), timeout=60)
    assert bow.get(actor.add.remote(2), timeout=60) == 2


def test_jvm_workers_that_are_killed_while_they_start_are_started_again(tmp_path: Path) -> None:
    mixed = bow.java_function("cross.Mortal", "dieOnce").options(runtime_env={"env_vars": {"OF": "its own"}})
    marker = tmp_path / "tries"
    marker.write_text("1")  # it does not end by itself
    ref = mixed.remote(str(marker))
    killed: set[int] = set()

    def starting() -> set[int]:
        rows = query_state(StateKind.WORKERS)
        return {row["pid"] for row in rows if row["environment"] and row["state"] == "starting" and row["pid"]} - killed

    for _ in range(5):
        wait_until(starting, within_s=60)
        for pid in starting():
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    assert bow.get(ref, timeout=100) == 1
