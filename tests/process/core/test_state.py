"""What people and tools can ask."""

import os

import psutil

from bowstring_wire.messages import ErrorCode, Failure, LeaseGrant, Role, StateKind, StateQuery
from tests.process.core.test_leases import lease, result_of, run, worker_of
from tests.process.core.test_objects import new_ref, publish, put, state
from tests.process.core.wire_client import wait_until


def test_nodes_and_resources(start_node):
    node = start_node("--num-cpus", "3", "--num-gpus", "2", "--resources", '{"disk": 1.5}', "--memory", "1000")
    tool = node.driver(Role.TOOL)
    row = state(tool, StateKind.NODES)[0]
    assert row["pid"] == node.pid
    assert row["alive"] is True
    assert row["resources"] == {"CPU": 3, "GPU": 2, "disk": 1.5, "memory": 1000}
    names = [row["name"] for row in state(tool, StateKind.RESOURCES)]
    assert names == ["CPU", "GPU", "disk", "memory"]


def test_workers_and_leases(node):
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = next(row for row in state(driver, StateKind.WORKERS) if row["pid"] == grant.pid)
    assert worker["process"] == f"{grant.worker:016x}"
    assert (worker["language"], worker["state"], worker["job"]) == ("PYTHON", "leased", 1)
    row = state(driver, StateKind.LEASES)[0]
    assert row["holder"] == f"{driver.process:016x}"
    assert row["resources"] == {"CPU": 1.0}
    assert row["blocked"] is False


def test_objects(node):
    driver = node.driver()
    inline = new_ref(driver)
    publish(driver, inline)
    stored, _ = put(driver, bytes(640))
    rows = {row["object"]: row for row in state(driver, StateKind.OBJECTS)}
    assert rows[inline.id.hex()]["state"] == "inline"
    row = rows[stored.id.hex()]
    assert (row["state"], row["size"], row["holders"], row["pins"]) == ("stored", 640, 1, 0)


def test_tasks_are_kept_as_the_workers_told_them(node):
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(node, driver, grant)
    tasks = []
    for _ in range(3):
        tasks.append(run(worker, driver, grant, "event"))
        result_of(worker)
    wait_until(lambda: len(state(driver, StateKind.TASKS)) == 3)
    rows = state(driver, StateKind.TASKS)
    assert [row["task"] for row in rows] == [task.id.hex() for task in reversed(tasks)]
    assert (rows[0]["state"], rows[0]["name"], rows[0]["pid"]) == ("FINISHED", "event", grant.pid)
    assert (rows[0]["start_ns"], rows[0]["end_ns"], rows[0]["submitted_ns"]) == (1, 3, 6)


def test_unknown_kind_is_refused(node):
    tool = node.driver(Role.TOOL)
    tool.send(StateQuery(1, 99))
    assert tool.expect(Failure).error.code == ErrorCode.INVALID_ARGUMENT


def test_idle_node_does_nothing_and_is_small(node):
    driver = node.driver()
    lease(driver)
    driver.expect(LeaseGrant)
    wait_until(lambda: "starting" not in [row["state"] for row in state(driver, StateKind.WORKERS)])
    process = psutil.Process(node.pid)
    switches = process.num_ctx_switches().voluntary
    assert driver.silent(LeaseGrant, for_s=0.3)
    assert process.num_ctx_switches().voluntary - switches <= 3
    assert process.memory_info().rss < 60 << 20
    maps = {os.path.basename(m.path) for m in process.memory_maps()}
    assert not any("numpy" in name or "arrow" in name for name in maps)
