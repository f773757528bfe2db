"""What the soak of calls calls in Python: each result follows from the arguments alone, so that any can be checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

import bowstring as bow

JAVA_CLASS = "soak.Calls"
_JAVA = {name: bow.java_function(JAVA_CLASS, name).options(max_retries=-1) for name in ("mix", "throughPython")}


def mix(number: int) -> int:
    """The same number in every language."""
    return (number * 2_654_435_761 ^ number >> 7) & 0x7FFF_FFFF_FFFF


@bow.remote(max_retries=-1)
def remote_mix(number: int) -> int:
    return mix(number)


@bow.remote(max_retries=-1)
def through_python(number: int) -> int:
    """From Python to Python, waiting for it."""
    return bow.get(remote_mix.remote(number)) + 1


@bow.remote(max_retries=-1)
def through_java(number: int) -> int:
    """From Python to Java, waiting for it."""
    return int(bow.get(_JAVA["mix"].remote(number))) + 2


@bow.remote(max_retries=-1)
def through_both(number: int) -> int:
    """From Python to Java and on to Python."""
    return int(bow.get(_JAVA["throughPython"].remote(number))) + 1


@bow.remote(max_retries=-1)
def through_actor(actor: Any, number: int) -> int:
    """From Python to an actor, in whichever language, that the caller gave a handle of."""
    return int(bow.get(actor.count.remote(number))) + 3


@bow.remote(max_retries=-1)
def total(array: np.ndarray) -> float:
    """Sum of an array that Java made."""
    return float(array.sum())


@bow.remote(max_retries=-1)
def mixed_is_right(table: pa.Table, numbers: list[int]) -> bool:
    """Whether a table that Java made holds these numbers mixed."""
    return bool(table.column("n").to_pylist() == list(map(mix, numbers)))


@bow.remote(max_restarts=-1, max_task_retries=-1)
class Mixer:
    """An actor; it forgets what it counted when it is restarted."""

    def __init__(self) -> None:
        self.calls = 0

    def count(self, number: int) -> int:
        self.calls += 1
        return mix(number)

    def through_java(self, number: int) -> int:
        return int(bow.get(_JAVA["mix"].remote(number))) + 2
