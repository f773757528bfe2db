"""When the machine runs out of memory the greediest task ends, and nothing else."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import bowstring as bow

MB = 1 << 20


@bow.remote(max_retries=0)
def hold(size: int) -> int:
    """Use so much memory until somebody ends this process."""
    held = np.ones(size, np.uint8)
    threading.Event().wait(60)
    return int(held[0])


@bow.remote(max_retries=0)
def modest() -> int:
    return int(np.ones(8 * MB, np.uint8).sum())


def test_the_greediest_task_ends_with_the_numbers_and_the_others_go_on() -> None:
    # A reserve that no machine has: memory is short from the start.
    with bow.init(num_cpus=2, object_store_memory=64 * MB, memory_reserve=1 << 50):
        assert bow.get(modest.remote(), timeout=30) == 8 * MB
        greedy = hold.remote(200 * MB)
        assert bow.get([modest.remote() for _ in range(10)], timeout=30) == [8 * MB] * 10
        with pytest.raises(bow.OutOfMemoryError, match=r"MiB of memory left, less than the .* used the most: \d+ MiB"):
            bow.get(greedy, timeout=30)
        assert bow.get(modest.remote(), timeout=30) == 8 * MB


def test_without_a_reserve_nobody_ends() -> None:
    with bow.init(num_cpus=1, object_store_memory=64 * MB, memory_reserve=0):
        ref = hold.remote(200 * MB)
        assert bow.wait([ref], timeout=1.5) == ([], [ref])
