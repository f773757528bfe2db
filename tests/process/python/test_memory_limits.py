"""Tasks and actors that use more memory than they said end, alone, with an error that states both numbers."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

import bowstring as bow

MB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def runtime() -> bow.Session:  # type: ignore[misc]
    with bow.init(num_cpus=2, object_store_memory=256 * MB, memory_reserve=0) as session:
        yield session


def hold(size: int) -> int:
    """Use so much memory until somebody ends this process; the runtime's test ends before that wait does."""
    held = np.ones(size, np.uint8)
    threading.Event().wait(60)
    return int(held[0])


@bow.remote(memory=64 * MB, max_retries=0)
def greedy(size: int) -> int:
    return hold(size)


@bow.remote(memory=64 * MB, max_retries=0)
def modest() -> int:
    return int(np.ones(8 * MB, np.uint8).sum())


@bow.remote(memory=64 * MB)
def store_reader(value: np.ndarray) -> int:
    return int(value[::4096].sum())


@bow.remote
def unlimited() -> int:
    return int(np.ones(100 * MB, np.uint8)[-1])


def test_a_task_beyond_its_memory_ends_with_usage_and_limit() -> None:
    with pytest.raises(bow.OutOfMemoryError, match=r"used \d+ MiB of memory, and its limit is 64 MiB") as caught:
        bow.get(greedy.remote(150 * MB), timeout=30)
    assert isinstance(caught.value, MemoryError)
    assert bow.get(modest.remote(), timeout=30) == 8 * MB


def test_who_asks_for_no_memory_is_not_limited() -> None:
    assert bow.get(unlimited.remote(), timeout=30) == 1


def test_the_stores_memory_does_not_count() -> None:
    ref = bow.put(np.ones(120 * MB, np.uint8))
    assert bow.get([store_reader.remote(ref) for _ in range(3)], timeout=30) == [120 * MB // 4096] * 3


def test_retries_are_spent_as_for_any_crash(tmp_path: object) -> None:
    marks = f"{tmp_path}/attempts"

    @bow.remote(memory=64 * MB, max_retries=1)
    def try_again() -> str:
        with open(marks, "a+") as file:
            file.write("x")
            attempts = file.tell()
        if attempts == 1:
            hold(150 * MB)
        return f"attempt {attempts}"

    assert bow.get(try_again.remote(), timeout=30) == "attempt 2"


@bow.remote(memory=64 * MB)
class Keeper:
    def __init__(self) -> None:
        self.held: list[np.ndarray] = []

    def keep(self, size: int) -> int:
        self.held.append(np.ones(size, np.uint8))
        return os.getpid()

    def wait(self) -> None:
        threading.Event().wait(60)


def test_an_actor_beyond_its_memory_dies_and_says_why() -> None:
    keeper = Keeper.remote()
    bow.get(keeper.keep.remote(16 * MB), timeout=30)
    with pytest.raises(bow.ActorDiedError, match=r"used \d+ MiB of memory, and its limit is 64 MiB"):
        bow.get([keeper.keep.remote(100 * MB), keeper.wait.remote()], timeout=30)
