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
import sys
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import bowstring as bow
from bowstring._session import query_state
from bowstring_core.node.memory_service import private_bytes
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until
from tests.soak.values import is_right, pick_size, value_of

MB = 1 << 20
SETTLED_WITHIN_S = 60


class Sample(NamedTuple):
    """What is held when nothing is kept: of the driver and the node, in MB and numbers.

    `driver_blocks` counts what Python has allocated, whatever holes its heap has.
    """

    puts: int
    driver_blocks: int
    driver_mb: float
    node_mb: float
    driver_descriptors: int
    node_descriptors: int
    driver_threads: int
    node_threads: int
    objects: int
    store_in_use_mb: float
    store_allocated_mb: float
    disk_mb: float

    def __str__(self) -> str:
        return "  ".join(f"{name} {value:g}" for name, value in zip(self._fields, self, strict=True))


# How much more the median of the last third may be than that of the first.
GROWTH_MAX = {
    "driver_blocks": 5_000,
    "driver_mb": 24.0,
    "node_mb": 12.0,
    "driver_descriptors": 24,  # connections to workers that were not there before, and segments
    "node_descriptors": 48,
    "driver_threads": 1,
    "node_threads": 2,  # of the disk
    "objects": 20,
    "store_in_use_mb": 40.0,  # open slabs, of the driver and of each worker
    "disk_mb": 0.0,
}


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
            lambda: len(query_state(StateKind.OBJECTS)) <= allowed and not self._store()["disk_bytes"],
            SETTLED_WITHIN_S,
            "what was let go of is gone",
        )
        sample = self._measure(puts)
        self.samples.append(sample)
        self._say(str(sample))

    @staticmethod
    def _store() -> dict[str, Any]:
        [row] = query_state(StateKind.STORE)
        return row

    def _measure(self, puts: int) -> Sample:
        driver, node = os.getpid(), self._session.node_pid
        store = self._store()
        return Sample(
            puts,
            sys.getallocatedblocks(),
            private_bytes(driver) / MB,
            private_bytes(node) / MB,
            len(os.listdir(f"/proc/{driver}/fd")),
            len(os.listdir(f"/proc/{node}/fd")),
            len(os.listdir(f"/proc/{driver}/task")),
            len(os.listdir(f"/proc/{node}/task")),
            len(query_state(StateKind.OBJECTS)),
            store["in_use"] / MB,
            store["allocated"] / MB,
            store["disk_bytes"] / MB,
        )


def growth(samples: list[Sample]) -> list[str]:
    """What has grown too much in the run."""
    third = max(1, len(samples) // 3)
    grown = []
    for name, most in GROWTH_MAX.items():
        before, after = (median(getattr(s, name) for s in part) for part in (samples[:third], samples[-third:]))
        if after > before + most:
            grown.append(f"{name} grew from {before:g} to {after:g}")
    return grown
