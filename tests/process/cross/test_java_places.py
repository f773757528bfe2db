"""Java tasks of a Python driver: placement groups, environments of children, what they wait for, how far they are."""

from __future__ import annotations

import time

import pytest

import bowstring as bow
from bowstring.util.placement_group import placement_group, remove_placement_group
from bowstring.util.scheduling_strategies import PlacementGroupSchedulingStrategy
from tests.process.hearing import hearing
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
def waits(actor: bow.ActorHandle) -> int:
    while not bow.get(actor.add.remote(0)):
        time.sleep(0.01)
    return 7


def test_java_tasks_use_a_group_and_their_children_are_captured() -> None:
    group = placement_group([{"CPU": 0.5}], name="ours")
    try:
        captures = PlacementGroupSchedulingStrategy(group, placement_group_capture_child_tasks=True)
        where = bow.java_function("cross.Where", "group").options(num_cpus=0.5)
        assert bow.get(where.options(scheduling_strategy=captures).remote(), timeout=60) == group.id.hex()
        assert bow.get(where.remote(), timeout=60) == ""
        both = bow.java_function("cross.Where", "groups").options(num_cpus=0, scheduling_strategy=captures)
        assert bow.get(both.remote("ours"), timeout=60) == [group.id.hex()] * 2
    finally:
        remove_placement_group(group)


def test_a_python_child_of_a_java_task_inherits_its_environment() -> None:
    child = bow.java_function("cross.Where", "childsVariable")
    wanted = {"env_vars": {"STAGE": "trial"}}
    assert bow.get(child.options(runtime_env=wanted).remote("STAGE"), timeout=60) == "trial"


def test_why_follows_a_java_task_into_what_it_waits_for() -> None:
    mortal = bow.java_actor_class("cross.Mortal").remote()
    slow = waits.options(name="slow").remote(mortal)
    inside = bow.java_function("cross.Where", "inside").options(name="inside").remote([slow])
    wait_until(lambda: [line.name for line in bow.why(inside)][:2] == ["inside", "slow"], 60, "it is known")
    assert bow.why(inside).reason == "BLOCKED"
    bow.get(mortal.add.remote(1), timeout=60)
    assert bow.get(inside, timeout=60) == 7


def test_a_java_worker_tells_how_far_it_is() -> None:
    with hearing() as heard:
        assert bow.get(bow.java_function("cross.Where", "counted").remote(5), timeout=60) == 5
        wait_until(lambda: heard.bars and heard.bars[-1].endswith("over"), 60, "the bar is shown")
    assert heard.bars[-1].endswith("counted in Java: 5/5 things (100 %), over")
