"""A store that is full writes to disk what nobody reads, and reads it back; nothing of it is left behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until

CAPACITY = 64 << 20
MB = 1 << 20


@pytest.fixture(scope="module")
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=2, object_store_memory=CAPACITY) as session:
        yield session


@pytest.fixture
def small_store(runtime: bow.Session) -> bow.Session:
    """The runtime, with nothing in its store but what is open."""
    wait_until(lambda: not store()["objects"] and not store()["disk_bytes"])
    return runtime


def store() -> dict[str, Any]:
    [row] = query_state(StateKind.STORE)
    return row


def array(number: int, size: int = 8 * MB) -> np.ndarray:
    return np.full(size, number, np.uint8)


def spill_files(pid: int) -> list[str]:
    """What the node has open that has no name and is no memory."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.endswith(" (deleted)") and "/memfd:" not in target:
            found.append(target)
    return found


@bow.remote
def total(value: np.ndarray) -> int:
    return int(value.astype(np.int64).sum())


@bow.remote
def make(number: int, size: int) -> np.ndarray:
    return array(number, size)


@pytest.mark.rule("3.13/1")
def test_four_times_what_the_store_holds_is_all_there(small_store: bow.Session) -> None:
    refs = [bow.put(array(number)) for number in range(32)]
    assert store()["spilled_objects"] > 16
    assert store()["allocated"] <= CAPACITY
    before = store()["restores"]
    for number, ref in enumerate(refs):
        assert (bow.get(ref) == number).all()
    assert store()["restores"] - before > 16


def test_small_images_of_slabs_spill_too(small_store: bow.Session) -> None:
    refs = [bow.put(array(number % 251, 200_000)) for number in range(1_000)]
    assert store()["spilled_bytes"] > 100 * MB
    assert all((bow.get(ref) == number % 251).all() for number, ref in enumerate(refs))
    for start in range(0, 1_000, 200):  # many that wait for room at once
        views = bow.get(refs[start : start + 200], timeout=60)
        assert [int(view[0]) for view in views] == [number % 251 for number in range(start, start + 200)]
        del views


def test_results_and_arguments_of_workers_spill_and_return(small_store: bow.Session) -> None:
    refs = [make.remote(number, 8 * MB) for number in range(24)]
    sums = bow.get([total.remote(ref) for ref in refs], timeout=60)
    assert sums == [number * 8 * MB for number in range(24)]


def test_what_is_read_stays_and_the_least_recently_used_goes(small_store: bow.Session) -> None:
    first = bow.put(array(1))
    view = bow.get(first)
    others = [bow.put(array(number)) for number in range(2, 12)]
    states = {row["object"]: row["state"] for row in query_state(StateKind.OBJECTS)}
    assert states[first.hex()] == "stored"
    assert states[others[0].hex()] == "spilled"
    assert states[others[-1].hex()] == "stored"
    assert (view == 1).all()


def test_a_store_whose_objects_are_all_being_read_refuses_and_recovers(small_store: bow.Session) -> None:
    refs = [bow.put(array(number)) for number in range(7)]
    bow.get(refs[6])
    views = bow.get(refs[:6])  # some from disk: an allocation that may wait long, and another that may not
    began = time.monotonic()
    with pytest.raises(bow.ObjectStoreFullError, match="being read"):
        bow.put(array(9, 30 * MB))
    assert time.monotonic() - began < 15
    assert [int(view[0]) for view in views] == list(range(6))
    del views
    assert bow.get(bow.put(array(9, 30 * MB)))[-1] == 9


def test_a_put_waits_until_views_are_gone(small_store: bow.Session) -> None:
    refs = [bow.put(array(number)) for number in range(7)]
    views = bow.get(refs)
    end = threading.Event()

    def let_go() -> None:
        wait_until(lambda: store()["waiting"])
        views.clear()
        end.set()

    thread = threading.Thread(target=let_go)
    thread.start()
    assert bow.get(bow.put(array(9, 30 * MB)))[0] == 9
    thread.join()
    assert end.is_set()


@pytest.mark.rule("3.13/3")
def test_copies_on_disk_go_with_their_objects(small_store: bow.Session) -> None:
    refs = [bow.put(array(number)) for number in range(24)]
    assert spill_files(small_store.node_pid)
    refs.clear()
    wait_until(lambda: not spill_files(small_store.node_pid) and store()["disk_bytes"] == 0)


def test_a_freed_part_of_an_archive_is_given_back_to_the_disk(small_store: bow.Session) -> None:
    refs = [bow.put(array(number % 251, 200_000)) for number in range(1_000)]

    def on_disk() -> int:
        descriptors = Path(f"/proc/{small_store.node_pid}/fd").iterdir()
        return sum(
            os.stat(entry).st_blocks * 512
            for entry in descriptors
            if os.readlink(entry).endswith(" (deleted)") and "/memfd:" not in os.readlink(entry)
        )

    wait_until(lambda: on_disk() > 80 * MB)
    before = on_disk()
    del refs[::2]
    wait_until(lambda: on_disk() < before * 0.7)
    assert (bow.get(refs[0]) == 1).all()


@pytest.mark.rule("3.10/5")
def test_open_slabs_are_given_up_for_who_needs_the_room(small_store: bow.Session) -> None:
    small = [bow.put(array(1, 200_000)), *(make.remote(2, 200_000) for _ in range(8))]
    bow.wait(small, num_returns=len(small), timeout=30)
    assert store()["in_use"] >= 16 * MB
    large = bow.put(array(3, 60 * MB))
    assert (bow.get(large) == 3).all()
    assert [int(bow.get(ref)[0]) for ref in small] == [1] + [2] * 8


def test_the_timeline_tells_of_disks_and_of_arguments_that_came_from_them(small_store: bow.Session) -> None:
    refs = [bow.put(array(number)) for number in range(20)]
    wait_until(lambda: store()["spilled_objects"])
    assert bow.get(total.remote(refs[0]), timeout=60) == 0

    def spans() -> dict[str, dict[str, Any]]:
        return {event["name"]: event for event in bow.timeline() if event.get("cat") == "object"}

    wait_until(lambda: spans().keys() >= {"spill", "restore", "arguments"}, within_s=30)
    found = spans()
    assert found["spill"]["pid"] == found["restore"]["pid"] == small_store.node_pid
    assert found["spill"]["args"]["bytes"] >= 8 * MB * found["spill"]["args"]["references"]
    assert found["restore"]["args"]["bytes"] >= 8 * MB
    assert found["arguments"]["args"]["references"] == 1
    assert found["arguments"]["dur"] > 0
    del refs


@bow.remote
class Keeper:
    """Waits for what it is given, and keeps the references without reading."""

    def wait_for(self, refs: list[bow.ObjectRef[Any]]) -> int:
        self.refs = refs
        ready, _ = bow.wait(refs, num_returns=len(refs), timeout=60)
        return len(ready)

    def total(self) -> int:
        return sum(int(bow.get(ref).astype(np.int64).sum()) for ref in self.refs)


def test_what_was_waited_for_and_never_read_makes_room(small_store: bow.Session) -> None:
    keeper = Keeper.remote()
    refs = [bow.put(array(number)) for number in range(6)]
    assert bow.get(keeper.wait_for.remote(refs), timeout=60) == 6
    assert store()["pins"] == 6
    others = [bow.put(array(number)) for number in range(6)]  # would be refused if those could not go to disk
    assert store()["spilled_objects"] >= 4
    assert bow.get(keeper.total.remote(), timeout=60) == sum(range(6)) * 8 * MB
    assert [int(bow.get(ref)[0]) for ref in others] == list(range(6))
    del keeper, refs, others
