"""A full store refuses, by a typed error, and works on; nobody is killed by a page that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import bowstring as bow

CAPACITY = 64 << 20


@pytest.fixture(scope="module", autouse=True)
def small_store() -> Iterator[bow.Session]:
    with bow.init(num_cpus=1, object_store_memory=CAPACITY, spill_bytes_max=0) as session:
        yield session


@bow.remote(max_retries=0)
def make(size: int) -> np.ndarray:
    return np.ones(size, np.uint8)


def fill(put_one_more: Callable[[], None]) -> None:
    for _ in range(100):
        put_one_more()


def test_a_value_beyond_the_capacity_is_refused() -> None:
    with pytest.raises(bow.ObjectStoreFullError, match=r"\d"):
        bow.put(np.ones(2 * CAPACITY, np.uint8))
    with pytest.raises(bow.ObjectStoreFullError):
        bow.empty(2 * CAPACITY, "uint8")


def test_a_store_that_is_full_of_live_objects_refuses_and_recovers() -> None:
    held: list[bow.ObjectRef[np.ndarray]] = []

    def put_one_more() -> None:
        held.append(bow.put(np.ones(CAPACITY // 8, np.uint8)))

    for _ in range(4):
        put_one_more()
    with pytest.raises(bow.ObjectStoreFullError):
        fill(put_one_more)
    assert 4 <= len(held) <= 8
    assert all(bow.get(ref).sum() == CAPACITY // 8 for ref in held)
    held.clear()
    for _ in range(50):
        assert bow.get(bow.put(np.ones(CAPACITY // 8, np.uint8)))[-1] == 1


def test_a_result_beyond_the_capacity_is_the_tasks_error_and_the_worker_lives_on() -> None:
    with pytest.raises(bow.ObjectStoreFullError):
        bow.get(make.remote(2 * CAPACITY), timeout=30)
    assert bow.get(make.remote(1 << 20), timeout=30).sum() == 1 << 20
