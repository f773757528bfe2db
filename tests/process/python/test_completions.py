"""as_completed, and wait on long lists: each object is told once, in the order in which it becomes ready."""

from __future__ import annotations

import copy
import gc
import random
import threading
import time
from pathlib import Path

import pytest

import bowstring as bow
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")

MANY = 1500


@bow.remote
def same(value: int) -> int:
    return value


@bow.remote(num_cpus=0.5)
def after(path: str, value: int) -> int:
    wait_until(Path(path).exists, 30)
    return value


def test_as_completed_gives_each_reference_once_when_it_is_ready(tmp_path: Path) -> None:
    slow = after.remote(str(tmp_path / "go"), -1)
    refs = [same.remote(number) for number in range(50)]
    given = []
    for ref in bow.as_completed([slow, *refs, refs[0]]):
        given.append(bow.get(ref, timeout=0))
        if len(given) == 50:
            (tmp_path / "go").touch()
    assert sorted(given[:50]) == list(range(50))
    assert given[50:] == [-1]
    assert list(bow.as_completed([])) == []


def test_as_completed_gives_failures_too() -> None:
    @bow.remote
    def fail() -> None:
        raise KeyError("no")

    (ref,) = bow.as_completed([fail.remote()])
    with pytest.raises(KeyError):
        bow.get(ref)


def test_as_completed_can_run_out_of_time_and_be_left(tmp_path: Path) -> None:
    refs = [after.remote(str(tmp_path / "go"), 1), same.remote(2)]
    found = bow.as_completed(refs, timeout=1)
    assert bow.get(next(found)) == 2
    with pytest.raises(bow.GetTimeoutError, match="1 of 2 objects were not ready within 1 s"):
        next(found)
    (tmp_path / "go").touch()
    assert bow.get(refs) == [1, 2]


def test_as_completed_works_in_tasks_and_for_borrowed_references() -> None:
    @bow.remote
    def total(refs: list[bow.ObjectRef[int]]) -> int:
        return sum(bow.get(ref) for ref in bow.as_completed(refs))

    assert bow.get(total.remote([same.remote(number) for number in range(20)]), timeout=20) == 190


def test_a_long_list_is_waited_for_one_by_one() -> None:
    refs = [same.remote(number) for number in range(MANY)]
    left: list[bow.ObjectRef[int]] = refs
    found = []
    while left:
        ready, left = bow.wait(left)
        found += bow.get(ready)
        assert len(ready) == 1
    assert sorted(found) == list(range(MANY))


def test_a_long_list_is_waited_for_in_lots_in_its_order() -> None:
    left = [same.remote(number) for number in range(MANY)]
    found = []
    while left:
        ready, left = bow.wait(left, num_returns=min(100, len(left)))
        values = bow.get(ready)
        assert values == sorted(values)
        assert len(values) == 100
        found += values
    assert sorted(found) == list(range(MANY))


def test_what_is_left_is_a_list_that_may_be_changed() -> None:
    left = [same.remote(number) for number in range(200)]
    source = random.Random(5)
    added = 200
    found = []
    while left:
        ready, left = bow.wait(left)
        found += bow.get(ready)
        change = source.randrange(4)
        if change == 0 and added < 260:
            left.append(same.remote(added))
            added += 1
        elif change == 1:
            source.shuffle(left)
        elif change == 2 and left:
            found.append(bow.get(left.pop(source.randrange(len(left)))))
    assert sorted(found) == list(range(added))


def test_an_older_list_of_what_is_left_can_be_asked_again() -> None:
    refs = [same.remote(number) for number in range(100)]
    bow.get(refs)
    ready, left = bow.wait(refs, num_returns=10)
    assert (bow.get(ready), bow.get(left)) == (list(range(10)), list(range(10, 100)))
    again, _ = bow.wait(left, num_returns=10)
    and_again, rest = bow.wait(left, num_returns=20)
    assert bow.get(again) == list(range(10, 20))
    assert bow.get(and_again) == list(range(10, 30))
    assert bow.get(rest) == list(range(30, 100))


def test_a_long_list_that_is_not_ready_in_time_comes_back(tmp_path: Path) -> None:
    refs = [after.remote(str(tmp_path / "go"), number) for number in range(70)]
    started = time.monotonic()
    assert bow.wait(refs, timeout=0) == ([], refs)
    assert bow.wait(refs, timeout=0.05) == ([], refs)
    assert time.monotonic() - started < 20
    (tmp_path / "go").touch()
    assert bow.wait(refs, num_returns=70, timeout=30) == (refs, [])


def test_looking_at_a_long_list_again_and_again_piles_nothing_up(tmp_path: Path) -> None:
    refs = [after.remote(str(tmp_path / "go"), number) for number in range(70)]
    for _ in range(50):
        assert bow.wait(refs, timeout=0) == ([], refs)
    gc.collect()
    left = [found for found in gc.get_objects() if type(found).__name__ == "Completions"]
    assert len(left) <= 1
    assert max(len(ref._waiters or ()) for ref in refs) <= 12
    (tmp_path / "go").touch()
    bow.get(refs)


def test_what_is_left_can_be_sent_copied_and_shared() -> None:
    refs = [same.remote(number) for number in range(100)]
    bow.get(refs)
    _, left = bow.wait(refs)

    @bow.remote
    def count(items: list[bow.ObjectRef[int]]) -> tuple[str, int]:
        return type(items).__name__, len(items)

    assert bow.get(count.remote(left)) == ("list", 99)
    assert copy.copy(left) == left
    answers: list[tuple[list[bow.ObjectRef[int]], list[bow.ObjectRef[int]]]] = []
    threads = [threading.Thread(target=lambda: answers.append(bow.wait(left))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [len(ready) + len(rest) for ready, rest in answers] == [99] * 4


def test_threads_wait_for_the_same_long_list() -> None:
    refs = [same.remote(number) for number in range(300)]
    counts = []

    def drain() -> None:
        left, count = refs, 0
        while left:
            ready, left = bow.wait(left)
            count += len(ready)
        counts.append(count)

    threads = [threading.Thread(target=drain) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert counts == [300] * 3
