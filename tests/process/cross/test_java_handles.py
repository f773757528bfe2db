"""Handles of actors that come and go in JVM workers."""

from __future__ import annotations

import pytest

import bowstring as bow

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote(num_cpus=0)
class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        self.count += 1
        return self.count


@bow.remote(num_cpus=0)
class Checkpointed:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        self.count += 1
        return self.count

    def save_checkpoint(self) -> int:
        return self.count

    def restore_checkpoint(self, saved: int) -> None:
        self.count = saved


@pytest.mark.parametrize("kind", [Counter, Checkpointed.options(max_restarts=1, max_task_retries=-1)])
def test_a_handle_that_comes_back_goes_on_counting_its_calls(kind: bow.ActorClass) -> None:
    actor = kind.remote()
    call = bow.java_function("cross.HandleUser", "call")
    counts = [bow.get(call.remote(actor, "add"), timeout=60) for _ in range(12)]
    assert counts == list(range(1, 13))
