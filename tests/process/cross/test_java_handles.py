"""Handles of actors that come and go in JVM workers."""

from __future__ import annotations

import pytest

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until

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
    collect = bow.java_function("cross.HandleUser", "collect")
    ours = actor.actor_id().hex()

    def is_forgotten() -> bool:
        bow.get(collect.remote(), timeout=60)
        holds = query_state(StateKind.HOLDS)
        return not any(hold["object"].startswith(ours) and hold["role"] == "worker" for hold in holds)

    for count in range(1, 4):
        assert bow.get(call.remote(actor, "add"), timeout=60) == count
        wait_until(is_forgotten, within_s=60)
