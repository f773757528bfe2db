"""Placement groups as a user sees them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow
from bowstring.util.placement_group import (
    PlacementGroup,
    get_current_placement_group,
    get_placement_group,
    placement_group,
    placement_group_table,
    remove_placement_group,
)
from bowstring.util.scheduling_strategies import PlacementGroupSchedulingStrategy
from tests.process.waiting import wait_until

TOTALS = {"CPU": 4.0, "GPU": 2.0, "disk": 1.0}


@pytest.fixture(scope="module", autouse=True)
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=4, num_gpus=2, resources={"disk": 1}, namespace="tests") as session:
        yield session


def free() -> dict[str, float]:
    available = bow.available_resources()
    return {name: available[name] for name in TOTALS}


@pytest.fixture(autouse=True)
def everything_is_given_back() -> Iterator[None]:
    yield
    for group in placement_group_table():
        remove_placement_group(PlacementGroup(bytes.fromhex(group)))
    wait_until(lambda: free() == TOTALS, what="all resources are free again")


@bow.remote
def where() -> tuple[PlacementGroup | None, str]:
    return get_current_placement_group(), os.environ["CUDA_VISIBLE_DEVICES"]


@bow.remote
def where_child_is() -> PlacementGroup | None:
    return bow.get(where.options(num_cpus=0).remote())[0]


@bow.remote
def hold(path: str) -> None:
    Path(path).touch()
    wait_until(lambda: not Path(path).exists(), 60, f"{path} is removed")


@bow.remote
class Member:
    def where(self) -> tuple[PlacementGroup | None, str]:
        return get_current_placement_group(), os.environ["CUDA_VISIBLE_DEVICES"]

    def where_child_is(self) -> PlacementGroup | None:
        return bow.get(where.options(num_cpus=0).remote())[0]


def in_group(group: PlacementGroup, index: int = -1, capture: bool | None = None) -> PlacementGroupSchedulingStrategy:
    return PlacementGroupSchedulingStrategy(group, index, capture)


def test_a_group_reserves_its_bundles_and_gives_them_back() -> None:
    group = placement_group([{"CPU": 1}, {"CPU": 2, "disk": 1}])
    assert bow.get(group.ready(), timeout=30) == group
    assert group.wait(30)
    assert free() == {"CPU": 1, "GPU": 2, "disk": 0}
    assert (group.bundle_count, group.bundle_specs) == (2, [{"CPU": 1}, {"CPU": 2, "disk": 1}])
    remove_placement_group(group)
    remove_placement_group(group)
    assert placement_group_table(group)["state"] == "REMOVED"


def test_tasks_and_actors_use_their_bundle_and_others_what_is_left() -> None:
    group = bow.util.placement_group([{"CPU": 1}, {"GPU": 1}])
    inside = where.options(num_cpus=0, num_gpus=1, scheduling_strategy=in_group(group, 1)).remote()
    outside = where.options(num_gpus=1).remote()
    (found, gpu), (nobody, other_gpu) = bow.get([inside, outside], timeout=30)
    assert (found, nobody) == (group, None)
    assert {gpu, other_gpu} == {"0", "1"}
    assert bow.get(where.options(scheduling_strategy=in_group(group, 0)).remote()) == (group, "")
    member = Member.options(num_gpus=1, scheduling_strategy=in_group(group, 1)).remote()
    assert bow.get(member.where.remote(), timeout=30) == (group, gpu)
    bow.kill(member)


def test_who_waits_for_what_a_group_holds_is_told_so() -> None:
    group = placement_group([{"CPU": 3}, {"disk": 1}], name="holder")
    assert group.wait(30)
    waiting = where.options(num_cpus=2).remote()
    text = f"CPU 3 is held by placement group {group.id.hex()} (holder)"
    wait_until(lambda: text in str(bow.why(waiting)), what="the group is said to hold what is waited for")
    remove_placement_group(group)
    assert bow.get(waiting, timeout=30) == (None, "")


@pytest.mark.rule("11.2/4")
def test_children_go_to_the_group_if_it_captures_them_and_nowhere_else() -> None:
    group = placement_group([{"CPU": 1}])
    strategies = [in_group(group, 0, True), in_group(group, 0), in_group(group, 0, False)]
    found = [bow.get(where_child_is.options(scheduling_strategy=s).remote(), timeout=30) for s in strategies]
    assert found == [group, None, None]
    member = Member.options(scheduling_strategy=in_group(group, 0, True)).remote()
    assert bow.get(member.where_child_is.remote(), timeout=30) == group


def test_a_group_waits_until_everything_is_free(tmp_path: Path) -> None:
    path = tmp_path / "holding"
    running = hold.options(num_cpus=3).remote(str(path))
    wait_until(path.exists, what="the task runs")
    group = placement_group([{"CPU": 2}])
    ready = group.ready()
    assert not group.wait(0.05)
    assert placement_group_table(group)["state"] == "PENDING"
    waiting = where.options(scheduling_strategy=in_group(group)).remote()
    text = f"placement group {group.id.hex()}, which waits for CPU 1 to be free"
    wait_until(lambda: text in str(bow.why(waiting)), what="the task is said to wait for its group")
    path.unlink()
    assert bow.get(ready, timeout=30) == group
    bow.get(running)
    assert placement_group_table(group)["state"] == "CREATED"


def test_a_group_that_can_never_be_placed_says_why() -> None:
    too_large = placement_group([{"CPU": 3}, {"CPU": 2}])
    assert not too_large.wait(30)
    assert placement_group_table(too_large)["state"] == "INFEASIBLE"
    assert "5 CPU wanted, and the node has 4" in placement_group_table(too_large)["reason"]
    spread = placement_group([{"CPU": 1}, {"CPU": 1}], strategy="STRICT_SPREAD")
    with pytest.raises(bow.TaskUnschedulableError, match="STRICT_SPREAD wants a node for each"):
        bow.get(spread.ready())
    member = Member.options(scheduling_strategy=in_group(spread)).remote()
    with pytest.raises(bow.ActorUnschedulableError, match="STRICT_SPREAD"):
        bow.get(member.where.remote())


def test_what_no_bundle_can_hold_fails_and_says_which() -> None:
    group = placement_group([{"CPU": 1}])
    with pytest.raises(bow.TaskUnschedulableError, match="bundle 0 has 1"):
        bow.get(where.options(num_cpus=2, scheduling_strategy=in_group(group, 0)).remote())
    with pytest.raises(bow.TaskUnschedulableError, match="bundle_index is 1"):
        bow.get(where.options(scheduling_strategy=in_group(group, 1)).remote())


def test_removal_ends_what_runs_in_the_group(tmp_path: Path) -> None:
    group = placement_group([{"CPU": 2}])
    paths = [tmp_path / name for name in ("once", "again")]
    in_it = hold.options(scheduling_strategy=in_group(group))
    refs = [in_it.options(max_retries=n).remote(str(path)) for n, path in zip((0, 3), paths, strict=True)]
    waits = in_it.remote(str(tmp_path / "never"))
    member = Member.options(scheduling_strategy=in_group(group), max_restarts=-1).remote()
    wait_until(lambda: all(path.exists() for path in paths), what="the tasks run")
    remove_placement_group(group)
    for ref in (*refs, waits, in_it.remote(str(tmp_path / "later"))):
        with pytest.raises(bow.PlacementGroupRemovedError):
            bow.get(ref, timeout=30)

    def member_is_refused() -> bool:
        """A call that was on its way when the worker ended may have run, and says so; the next one knows why."""
        with pytest.raises((bow.PlacementGroupRemovedError, bow.ActorUnavailableError)) as caught:
            bow.get(member.where.remote(), timeout=30)
        return isinstance(caught.value, bow.PlacementGroupRemovedError)

    wait_until(member_is_refused, 30, "the actor is dead for good")
    assert not (tmp_path / "never").exists()


def test_a_group_is_found_by_its_name() -> None:
    group = placement_group([{"CPU": 1}], name="known")
    assert get_placement_group("known") == group
    assert get_placement_group("known").bundle_specs == [{"CPU": 1}]
    with pytest.raises(bow.InvalidArgumentError, match="has the name 'known'"):
        placement_group([{"CPU": 1}], name="known")
    remove_placement_group(group)
    with pytest.raises(bow.InvalidArgumentError, match="no placement group has the name"):
        get_placement_group("known")
    remove_placement_group(placement_group([{"CPU": 1}], name="known"))


def test_a_group_travels_to_tasks() -> None:
    @bow.remote
    def use(group: PlacementGroup) -> bool:
        return bow.get(where.options(scheduling_strategy=in_group(group)).remote())[0] == group

    assert bow.get(use.remote(placement_group([{"CPU": 1}])), timeout=30)


def test_a_detached_group_outlives_its_driver_and_others_do_not(runtime: bow.Session, tmp_path: Path) -> None:
    import subprocess
    import sys

    program = f"""
import bowstring as bow
from bowstring.util.placement_group import placement_group
with bow.init({runtime.address!r}, namespace="tests"):
    assert placement_group([{{"CPU": 1}}], name="mortal").wait(30)
    assert placement_group([{{"CPU": 1}}], name="detached", lifetime="detached").wait(30)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    wait_until(lambda: [row["name"] for row in placement_group_table().values()] == ["detached"])
    group = get_placement_group("detached")
    assert bow.get(where.options(scheduling_strategy=in_group(group)).remote())[0] == group


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (([],), "bundles must be a list of dicts"),
        (({"CPU": 1},), "bundles must be a list of dicts"),
        (([{"CPU": 1}, 3],), "bundles[1] must be a dict"),
        (([{"CPU": -1}],), "bundles[0]['CPU']"),
        (([{"CPU": 0}],), "bundles[0] must be a dict with an amount above 0"),
        (([{"CPU": 1}], "PILE"), "strategy must be one of PACK, SPREAD, STRICT_PACK, STRICT_SPREAD"),
        (([{"CPU": 1}], "PACK", 3), "name must be a str"),
        (([{"CPU": 1}], "PACK", "", "forever"), 'lifetime must be "detached" or None'),
        (([{"GPU": 1.5}],), "bundle 0: GPU: 1.5 is more than one but not whole"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments: tuple[object, ...], named: str) -> None:
    with pytest.raises(bow.InvalidArgumentError) as caught:
        placement_group(*arguments)  # type: ignore[arg-type]
    assert named in str(caught.value)
