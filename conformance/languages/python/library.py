"""The functions and the actor that the cases call, in Python. Every language has the same, under the same names."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bowstring as bow
from conformance.languages.python.notation import difference, make

WAIT_MAX_S = 30


def echo(value: Any) -> Any:
    return value


def construct(text: str) -> Any:
    """The value that the notation in the text stands for."""
    return make(json.loads(text))


def check(value: Any, text: str) -> str:
    """What distinguishes the value from the notation in the text; empty if nothing does."""
    return difference(value, json.loads(text))


def add(a: int, b: int) -> int:
    return a + b


def nothing() -> None:
    return None


def pair(first: Any, second: Any) -> tuple[Any, Any]:
    """Two results."""
    return first, second


def fail(message: str) -> None:
    raise ValueError(message)


def fail_with_cause(message: str, cause: str) -> None:
    try:
        raise KeyError(cause)
    except KeyError as error:
        raise ValueError(message) from error


def fail_deeply(depth: int, letters: int) -> None:
    """An error with so many causes, whose message is so many letters and an end."""
    error = ValueError("the first cause")
    for number in range(1, depth):
        error = _caused(ValueError(f"cause {number}"), error)
    raise _caused(ValueError("x" * letters + " the end"), error if depth else None)


def _caused(error: ValueError, cause: ValueError | None) -> ValueError:
    error.__cause__ = cause
    return error


def say(text: str) -> None:
    """Write a line to standard output."""
    print(text, flush=True)


def narrow(value: int) -> int:
    """In Java the parameter is an int of 32 bits."""
    return value


def store(value: Any) -> Any:
    """A list with a reference to the value, which this worker puts."""
    return [bow.put(value)]


def fetch(refs: list[Any]) -> Any:
    """The value of a reference that lies in a list."""
    return bow.get(refs[0])


def nested(depth: int) -> int:
    return 0 if depth == 0 else 1 + bow.get(bow.remote(nested).remote(depth - 1))


def wait_in_child(made: str, awaited: str) -> str:
    """What `wait_between_files` comes to in a task of this one."""
    answer: str = bow.get(bow.remote(wait_between_files).remote(made, awaited))
    return answer


def linger(made: str, ended: str) -> None:
    """Makes one file; once it is interrupted, works on for a moment, and makes the other."""
    Path(made).touch()
    try:
        time.sleep(WAIT_MAX_S)
    finally:
        time.sleep(0.2)
        Path(ended).touch()


def linger_in_child(made: str, ended: str) -> None:
    bow.get(bow.remote(linger).remote(made, ended))


def call_add(actor: Any, amount: int) -> int:
    """The answer of an actor whose handle was passed."""
    return bow.get(actor.add.remote(amount))


def crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash_once(path: str) -> str:
    """Ends the process, unless it has done so before; the file at the path remembers."""
    if not Path(path).exists():
        Path(path).touch()
        crash()
    return "survived"


def wait_for_file(path: str) -> str:
    """Returns once there is such a file."""
    deadline = time.monotonic() + WAIT_MAX_S
    while not Path(path).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} has not appeared for {WAIT_MAX_S} s")
        time.sleep(0.002)
    return "seen"


def count_up(stop: int) -> Iterator[int]:
    yield from range(stop)


def count_and_fail(stop: int, message: str) -> Iterator[int]:
    yield from range(stop)
    raise ValueError(message)


def count_and_crash_once(stop: int, at: int, path: str) -> Iterator[int]:
    """Ends the process before an item, unless the file at the path is there, which it then makes."""
    for number in range(stop):
        if number == at and not Path(path).exists():
            Path(path).touch()
            crash()
        yield number


def count_for_ever(path: str) -> Iterator[int]:
    """Makes the file when it is closed."""
    try:
        yield from itertools.count()
    finally:
        Path(path).touch()


def count_marked(stop: int, path: str) -> Iterator[int]:
    """Makes a file before each item: the path, and the item's number."""
    for number in range(stop):
        Path(f"{path}{number}").touch()
        yield number


def repeat(value: Any, count: int) -> Iterator[Any]:
    for _ in range(count):
        yield value


def wait_between_files(made: str, awaited: str) -> str:
    """Makes one file, and returns once there is the other."""
    Path(made).touch()
    return wait_for_file(awaited)


def ignore_interrupts(path: str) -> None:
    """Makes the file, and then works on whatever happens."""
    Path(path).touch()
    while True:
        try:
            time.sleep(1)
        except BaseException:
            continue


class Counter:
    """The actor of the cases: a sum, and what was handed to it to keep."""

    def __init__(self, start: int) -> None:
        if start < 0:
            raise ValueError(f"a counter starts at 0 or above, not at {start}")
        self.sum = start
        self.kept: Any = None

    def add(self, amount: int) -> int:
        self.sum += amount
        return self.sum

    def echo(self, value: Any) -> Any:
        return value

    def fail(self, message: str) -> None:
        raise ValueError(message)

    def wait_between_files(self, made: str, awaited: str) -> str:
        """As the function."""
        return wait_between_files(made, awaited)

    def keep(self, refs: list[Any]) -> None:
        """Keep a list of references."""
        self.kept = refs

    def fetch_kept(self) -> Any:
        """The value of the first reference that was kept."""
        return bow.get(self.kept[0])

    def crash(self) -> None:
        crash()


class KeptCounter(Counter):
    """A counter with checkpoints. Its process ends in one of them once, if a file is named for it."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.crash_at = -1
        self.mark = ""

    def crash_once_in_save(self, at: int, mark: str) -> None:
        """End the process when the state is saved with the sum `at`, unless the file is there, which is made."""
        self.crash_at, self.mark = at, mark

    def crash_once(self, mark: str) -> int:
        """End the process in this call, unless the file is there, which is made; then add 1."""
        crash_once(mark)
        return self.add(1)

    def save_checkpoint(self) -> tuple[int, int, str]:
        if self.sum == self.crash_at:
            crash_once(self.mark)
        return self.sum, self.crash_at, self.mark

    def restore_checkpoint(self, state: tuple[int, int, str]) -> None:
        self.sum, self.crash_at, self.mark = state
