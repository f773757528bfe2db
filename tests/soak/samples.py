"""What the driver and the node of a soak hold when nothing is kept, and whether that grew."""

from __future__ import annotations

import os
import sys
from statistics import median
from typing import Any, NamedTuple

import bowstring as bow
from bowstring._session import query_state
from bowstring_core.node.memory_service import private_bytes
from bowstring_wire.messages import StateKind

MB = 1 << 20


class Sample(NamedTuple):
    """What is held when nothing is kept: of the driver and the node, in MB and numbers.

    `driver_blocks` counts what Python has allocated, whatever holes its heap has.
    """

    done: int
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


def store_row() -> dict[str, Any]:
    """The state of the store."""
    [row] = query_state(StateKind.STORE)
    return row


def measure(session: bow.Session, done: int) -> Sample:
    """The sample after so many values or calls."""
    driver, node = os.getpid(), session.node_pid
    store = store_row()
    return Sample(
        done,
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
