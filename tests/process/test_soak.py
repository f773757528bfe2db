"""Many values and calls come and go, and memory stays as it was. `--soak` and `--soak-calls` make the last two long."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until
from tests.soak.calls import CallSoak, compile_java
from tests.soak.run import Soak
from tests.soak.samples import growth

GROWTH_MAX_MB = 8.0
JAR = Path(__file__).parents[2] / "python" / "bowstring_java" / "bowstring-all.jar"


@bow.remote
def size(value: bytes) -> int:
    return len(value)


@bow.remote
def zeros(count: int) -> np.ndarray:
    return np.zeros(count)


@pytest.fixture
def session() -> Iterator[bow.Session]:
    with bow.init(num_cpus=2, object_store_memory=256 << 20) as session:
        yield session


def private_mb(pid: int) -> float:
    """Memory that a process shares with nobody."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Clean"))) / 1e3


def store_in_use() -> int:
    [row] = query_state(StateKind.STORE)
    return int(row["in_use"])


def put_get_and_pass(rounds: int) -> None:
    for number in range(rounds):
        small = bow.put(number)
        assert bow.get(small) == number
        if number % 10 == 0:
            assert bow.get(size.remote(bow.put(b"x" * number))) == number


def test_small_values_that_come_and_go_leave_no_memory_behind(session: bow.Session) -> None:
    put_get_and_pass(5_000)
    before = private_mb(session.node_pid), private_mb(os.getpid())
    put_get_and_pass(25_000)
    after = private_mb(session.node_pid), private_mb(os.getpid())
    assert [b - a < GROWTH_MAX_MB for a, b in zip(before, after, strict=True)] == [True, True], (before, after)


def test_large_values_that_come_and_go_reuse_the_stores_memory(session: bow.Session) -> None:
    for _ in range(60):  # 16 MB each, through a store of 256
        array = bow.get(bow.put(np.ones(2_000_000)))
        assert array[-1] == 1.0
        assert bow.get(zeros.remote(2_000_000)).shape == (2_000_000,)
    del array
    wait_until(lambda: store_in_use() < 1 << 20)


def test_references_in_values_that_come_and_go_are_let_go(session: bow.Session) -> None:
    for _ in range(200):
        inner = [bow.put(b"y" * 10_000) for _ in range(20)]
        assert len(bow.get(bow.put(inner))) == 20
    del inner
    wait_until(lambda: len(query_state(StateKind.OBJECTS)) < 20)


def test_values_of_all_sizes_while_workers_are_killed_and_the_disk_helps_out(request: pytest.FixtureRequest) -> None:
    puts = int(request.config.getoption("--soak"))
    store = 64 << 20
    with bow.init(num_cpus=2, object_store_memory=store) as session:
        soak = Soak(session, puts, samples=4, kill_every=puts // 6, keep_bytes=2 * store, seed=5)
        samples = soak.run()
        [row] = query_state(StateKind.STORE)
    assert row["restores"]
    assert soak.kills
    assert growth(samples) == []


def test_calls_between_the_languages_while_workers_of_both_are_killed(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if shutil.which("javac") is None or not JAR.is_file():
        pytest.skip("the soak of calls needs a JDK and the Java library")
    calls = int(request.config.getoption("--soak-calls"))
    compile_java(tmp_path, JAR)
    with bow.init(num_cpus=2, object_store_memory=128 << 20, class_path=[str(tmp_path)]) as session:
        soak = CallSoak(session, calls, samples=2, kill_every=calls // 6, seed=5)
        soak.run()
    assert sum(soak.done.values()) >= calls
    assert len(soak.killed) > 1
