"""The soak: values are put, passed, returned and kept by tasks and actors, while workers are killed.

More is kept alive than the store holds, so that values go to disk and come back. Every so many puts all is let go of;
what the driver and the node hold then is a *sample*. A run is flat if the samples of its last third are hardly more
than those of the first: heaps take a while until they are as large as their holes make them.
"""

from __future__ import annotations

import gc
import os
import random
import signal
from collections import deque
from collections.abc import Callable
from typing import Any

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until
from tests.soak.samples import Sample, measure, store_row
from tests.soak.values import is_right, pick_size, value_of

SETTLED_WITHIN_S = 60


@bow.remote(max_retries=-1)
def pass_on(value: Any, number: int) -> Any:
    """Check an argument and return it."""
    assert is_right(value, number)
    return value


@bow.remote(max_retries=-1)
def make(number: int, size: int) -> Any:
    """Make a value in a worker."""
    return value_of(number, size)


@bow.remote(max_restarts=-1, max_task_retries=-1)
class Shelf:
    """Keeps the last values it was given, and references to others."""

    def __init__(self) -> None:
        self.kept: deque[Any] = deque(maxlen=8)

    def keep(self, value: Any, refs: list[Any], number: int) -> int:
        assert is_right(value, number)
        self.kept.append((value, refs))
        return number

    def clear(self) -> None:
        self.kept.clear()


class Soak:
    """One run in a runtime that is there already.

    Args:
        session: The runtime.
        puts: How many values.
        samples: How many times all is let go of.
        kill_every: A worker is killed after so many puts, about; 0: none is.
        keep_bytes: Values that are kept alive, in bytes.
        seed: Of all choices.
        say: Called with each line of the report.
    """

    def __init__(
        self,
        session: bow.Session,
        puts: int,
        samples: int,
        kill_every: int,
        keep_bytes: int,
        seed: int,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._session = session
        self._puts, self._every, self._kill_every = puts, max(1, puts // samples), kill_every
        self._keep_bytes, self._say = keep_bytes, say
        self._chance = random.Random(seed)
        self._kept: deque[tuple[bow.ObjectRef[Any], int, int]] = deque()
        self._kept_bytes = 0
        self._shelves = [Shelf.remote() for _ in range(2)]
        self.samples: list[Sample] = []
        self.kills = 0

    def run(self) -> list[Sample]:
        """Put and get them all; returns the samples, the first of them after the first part of the run.

        Raises:
            AssertionError: a value is wrong, or what was let go of stays.
        """
        for number in range(self._puts):
            self._one(number)
            if self._kill_every and self._chance.random() < 1 / self._kill_every:
                self._kill_a_worker()
            if (number + 1) % self._every == 0:
                self._sample(number + 1)
        return self.samples

    def _one(self, number: int) -> None:
        size = pick_size(self._chance)
        choice = self._chance.random()
        if choice < 0.80:
            ref = bow.put(value_of(number, size))
        elif choice < 0.90:
            ref = make.remote(number, size)
        else:
            ref = pass_on.remote(value_of(number, size), number)
        self._keep(ref, number, size)
        if choice < 0.5:
            self._check(*self._kept[self._chance.randrange(len(self._kept))][:2])
        elif choice < 0.52:
            refs = [kept[0] for kept in self._chance.sample(self._kept, min(5, len(self._kept)))]
            bow.get(self._chance.choice(self._shelves).keep.remote(ref, refs, number), timeout=300)
        elif choice < 0.54:
            self._check(pass_on.remote(ref, number), number)

    def _keep(self, ref: bow.ObjectRef[Any], number: int, size: int) -> None:
        self._kept.append((ref, number, size))
        self._kept_bytes += size
        while self._kept_bytes > self._keep_bytes:
            self._kept_bytes -= self._kept.popleft()[2]

    @staticmethod
    def _check(ref: bow.ObjectRef[Any], number: int) -> None:
        assert is_right(bow.get(ref, timeout=300), number), f"value {number} is wrong"

    def _kill_a_worker(self) -> None:
        pids = [row["pid"] for row in query_state(StateKind.WORKERS) if row["pid"]]
        if pids:
            os.kill(self._chance.choice(pids), signal.SIGKILL)
            self.kills += 1

    def _sample(self, puts: int) -> None:
        """Let go of everything, and see what is left."""
        for ref, number, _ in self._kept:
            self._check(ref, number)
        self._kept.clear()
        self._kept_bytes = 0
        bow.get([shelf.clear.remote() for shelf in self._shelves], timeout=300)
        gc.collect()
        allowed = len(self._shelves) + 8
        wait_until(
            lambda: len(query_state(StateKind.OBJECTS)) <= allowed and not store_row()["disk_bytes"],
            SETTLED_WITHIN_S,
            "what was let go of is gone",
        )
        sample = measure(self._session, puts)
        self.samples.append(sample)
        self._say(str(sample))
