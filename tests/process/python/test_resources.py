"""Who gets what: fractions, GPUs, nodes by name, and drivers that share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow
from bowstring.util.scheduling_strategies import (
    DoesNotExist,
    Exists,
    In,
    NodeAffinitySchedulingStrategy,
    NodeLabelSchedulingStrategy,
    NotIn,
)
from tests.process.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def runtime() -> Iterator[bow.Session]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "4,6,7")
        session = bow.init(num_cpus=2, num_gpus=2, resources={"widget": 1})
    with session:
        yield session


@bow.remote
def gpus() -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]


@bow.remote
def gpu_names() -> dict[str, list[str]]:
    return bow.get_runtime_context().get_accelerator_ids()


@bow.remote
def pid() -> int:
    return os.getpid()


@bow.remote(num_cpus=0)
class Holder:
    """Holds what it was made with."""

    def gpus(self) -> str:
        return os.environ["CUDA_VISIBLE_DEVICES"]


def test_amounts_are_kept_to_a_ten_thousandth() -> None:
    holders = [Holder.options(resources={"widget": amount}).remote() for amount in (0.9999, 0.0001)]
    bow.get([holder.gpus.remote() for holder in holders])
    assert bow.available_resources()["widget"] == 0
    third = Holder.options(resources={"widget": 0.0001}).remote()
    waiting = third.gpus.remote()
    assert bow.wait([waiting], timeout=0.05) == ([], [waiting])
    bow.kill(holders[1])
    assert bow.get(waiting, timeout=30) == ""
    for holder in (holders[0], third):
        bow.kill(holder)
    wait_until(lambda: bow.available_resources()["widget"] == 1)


def test_a_resource_that_the_runtime_lacks_is_an_error_that_names_it() -> None:
    with pytest.raises(bow.TaskUnschedulableError, match="1 gadget wanted, and the node has 0"):
        bow.get(pid.options(resources={"gadget": 1}).remote())
    with pytest.raises(bow.TaskUnschedulableError, match=r"1\.5 is more than one but not whole|1\.5 widget"):
        bow.get(pid.options(resources={"widget": 1.5}).remote())


def test_gpus_are_those_that_the_runtime_may_use_and_tasks_without_see_none() -> None:
    assert bow.get(gpus.remote()) == ""
    assert bow.get(gpus.options(num_gpus=2).remote()) == "4,6"
    assert bow.get(gpu_names.options(num_gpus=2).remote()) == {"GPU": ["4", "6"]}
    assert bow.get(gpu_names.remote()) == bow.get_runtime_context().get_accelerator_ids() == {"GPU": []}
    first, second = (Holder.options(num_gpus=1).remote() for _ in range(2))
    assert {bow.get(first.gpus.remote()), bow.get(second.gpus.remote())} == {"4", "6"}
    for holder in (first, second):
        bow.kill(holder)


def test_parts_of_a_gpu_are_parts_of_one() -> None:
    holders = [Holder.options(num_gpus=0.5).remote() for _ in range(3)]
    seen = [bow.get(holder.gpus.remote()) for holder in holders]
    assert sorted(map(seen.count, {"4", "6"})) == [1, 2]
    with pytest.raises(bow.InvalidArgumentError, match=r"1\.5 is more than one but not whole"):
        bow.get(gpus.options(num_gpus=1.5).remote())
    for holder in holders:
        bow.kill(holder)


def test_more_gpus_than_the_environment_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    command = [sys.executable, "-m", "bowstring_core.node", "--num-gpus", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--num-gpus is 2, and CUDA_VISIBLE_DEVICES names 1" in done.stderr


def test_strategies_that_mean_any_node_mean_this_one() -> None:
    here = bow.get_runtime_context().get_node_id()
    label = "bowstring.io/node-id"
    for strategy in (
        "DEFAULT",
        "SPREAD",
        NodeAffinitySchedulingStrategy(here, soft=False),
        NodeAffinitySchedulingStrategy("0" * 16, soft=True),
        NodeLabelSchedulingStrategy({label: In("0" * 16, here)}, soft={"zone": In("north")}),
        NodeLabelSchedulingStrategy({label: Exists(), "zone": DoesNotExist(), "rack": NotIn("7")}),
    ):
        assert bow.get(pid.options(scheduling_strategy=strategy).remote()) > 0  # type: ignore[arg-type]


def test_a_node_that_is_not_there_is_an_error() -> None:
    elsewhere = NodeAffinitySchedulingStrategy("0" * 16, soft=False)
    with pytest.raises(bow.TaskUnschedulableError, match="node 0000000000000000 is wanted"):
        pid.options(scheduling_strategy=elsewhere).remote()
    with pytest.raises(bow.ActorUnschedulableError, match="node 0000000000000000 is wanted"):
        Holder.options(scheduling_strategy=elsewhere).remote()
    with pytest.raises(
        bow.TaskUnschedulableError, match="'zone' is In\\('north'\\) is wanted, and the only node has no"
    ):
        pid.options(scheduling_strategy=NodeLabelSchedulingStrategy({"zone": In("north")})).remote()


def test_what_is_no_strategy_is_refused() -> None:
    for strategy in ("PACK", 3, In):
        with pytest.raises(bow.InvalidArgumentError, match="scheduling_strategy must be"):
            pid.options(scheduling_strategy=strategy)  # type: ignore[arg-type]
    with pytest.raises(bow.InvalidArgumentError, match="soft must be True or False"):
        NodeAffinitySchedulingStrategy("0", soft="no")  # type: ignore[arg-type]
    with pytest.raises(bow.InvalidArgumentError, match="hard"):
        NodeLabelSchedulingStrategy({"zone": "north"})  # type: ignore[dict-item]


@bow.remote
def work() -> int:
    time.sleep(0.01)
    return os.getpid()


OTHER_DRIVER = """
import sys, time
import bowstring as bow

@bow.remote
def work():
    time.sleep(0.01)

bow.init(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
bow.get([work.remote() for _ in range(30)])
print("done", flush=True)
"""


def test_a_driver_with_few_tasks_does_not_wait_for_one_with_many(runtime: bow.Session) -> None:
    command = [sys.executable, "-c", OTHER_DRIVER, runtime.address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "ready\n"
        many = [work.remote() for _ in range(1500)]
        bow.get(many[0])
        other.stdin.write("go\n")
        other.stdin.close()
        assert other.stdout.readline() == "done\n"
        done = len(bow.wait(many, num_returns=len(many), timeout=0)[0])
        # With turns the 30 take the time of some 30 of ours on each CPU, and without them that of all.
        assert 0 < done < 1000
    for ref in many:
        bow.cancel(ref)


@pytest.mark.rule("4.3/3")
def test_an_idle_drivers_resources_go_to_who_wants_them(runtime: bow.Session, tmp_path: Path) -> None:
    """Leases are kept for a moment after the last task, and recalled from who does not use them."""
    bow.get([work.remote() for _ in range(50)])
    command = [sys.executable, "-c", OTHER_DRIVER, runtime.address]
    done = subprocess.run(command, input="go\n", capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["ready", "done"]
