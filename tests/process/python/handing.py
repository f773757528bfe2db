"""Tasks and an actor that hand references around, and what the node must know of when all are dropped."""

from __future__ import annotations

import gc
import os
import signal
import time
from typing import Any

import numpy as np

import bowstring as bow
from bowstring._session import query_state
from bowstring._store import SLAB_BYTES
from bowstring_wire.messages import StateKind

LARGE = 40_000  # float64 numbers of a value that lives in the store
GONE_WITHIN_S = 30.0  # bounds a failure only: what was fired and forgotten may still run on a busy machine


def leaf(number: int, large: bool) -> Any:
    return np.full(LARGE, number, dtype=np.float64) if large else f"leaf {number}"


def number_of(value: Any) -> int:
    if isinstance(value, np.ndarray):
        assert value.shape == (LARGE,)
        assert (value == value[0]).all()
        return int(value[0])
    return int(value.removeprefix("leaf "))


def total(value: Any) -> int:
    """The sum of all numbers below a value: leaves, or lists of references."""
    if isinstance(value, list):
        return sum(total(bow.get(ref, timeout=30)) for ref in value)
    return number_of(value)


@bow.remote
def make(number: int, large: bool, after_s: float = 0) -> Any:
    time.sleep(after_s)
    return leaf(number, large)


@bow.remote
def pass_on(value: Any) -> Any:
    return value


@bow.remote
def put_inside(number: int, large: bool) -> list[bow.ObjectRef[Any]]:
    return [bow.put(leaf(number, large))]


@bow.remote
def promise_inside(number: int, large: bool) -> list[bow.ObjectRef[Any]]:
    return [make.remote(number, large, 0.01)]


@bow.remote
def hand_down(refs: list[Any], depth: int) -> Any:
    """The same references, after a journey through `depth` more processes."""
    return bow.get(hand_down.remote(refs, depth - 1)) if depth else refs


@bow.remote
def promise_down(refs: list[Any], depth: int) -> list[Any]:
    """References to references whose value is not made yet when they leave."""
    return [promise_down.remote(refs, depth - 1)] if depth else refs


@bow.remote
def sum_of(refs: list[Any]) -> int:
    return total(refs)


@bow.remote
def fail_with(refs: list[Any]) -> None:
    kept = [refs, bow.get(refs[0])]
    raise ValueError(f"kept {len(kept)}")


@bow.remote(max_retries=0)
def die_with(refs: list[Any]) -> None:
    kept = [bow.get(ref) for ref in refs]
    assert kept
    os.kill(os.getpid(), signal.SIGKILL)


@bow.remote
class Keeper:
    def __init__(self, refs: list[Any] | None = None) -> None:
        self.kept: dict[int, Any] = {0: refs}

    def keep(self, key: int, refs: Any) -> None:
        self.kept[key] = refs

    def keep_and_fail(self, key: int, refs: Any) -> None:
        self.kept[key] = refs
        raise KeyError(key)

    def give(self, key: int) -> Any:
        return self.kept[key]

    def sum(self, key: int) -> int:
        return total(self.kept[key])

    def drop(self, key: int) -> None:
        del self.kept[key]

    def pid(self) -> int:
        return os.getpid()


def left_of_objects() -> list[str]:
    gc.collect()
    actors = {row["actor"] for row in query_state(StateKind.ACTORS) if row["life"] != "DEAD"}
    left = [str(row) for row in query_state(StateKind.OBJECTS) if row["object"][:32] not in actors]
    (store,) = query_state(StateKind.STORE)
    if store["objects"] or store["pins"] or store["in_use"] % SLAB_BYTES:
        left.append(str(store))
    return left


def wait_nothing_is_left() -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := left_of_objects():
        if time.monotonic() > deadline:
            unfinished = [str(row) for row in query_state(StateKind.TASKS) if row["end_ns"] == 0]
            holds = [str(row) for row in query_state(StateKind.HOLDS)]
            workers = [str(row) for row in query_state(StateKind.WORKERS)]
            lines = [*left, "tasks:", *unfinished, "holds:", *holds, "workers:", *workers]
            raise AssertionError("still there:\n  " + "\n  ".join(lines))
