"""What people and tools can ask."""

import os

import msgpack
import psutil
import pytest

from bowstring_wire.messages import (
    ErrorCode,
    Failure,
    FilterOp,
    GoAway,
    Inspected,
    LeaseGrant,
    Role,
    StateFilter,
    StateKind,
    StateQuery,
    StateReply,
)
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


@pytest.mark.rule("8.1/4")
def test_pages_follow_each_other_by_cursor_and_each_is_good_once(node):
    driver = node.driver()
    size = 400
    for _ in range(size):
        publish(driver, new_ref(driver))
    tool = node.driver(Role.TOOL)
    wait_until(lambda: len(state(tool, StateKind.OBJECTS)) == size)
    seen, cursor, used = [], 0, []
    while True:
        tool.send(StateQuery(tool.request(), StateKind.OBJECTS, limit=300, cursor=cursor))
        reply, body = tool.receive(StateReply)
        seen += msgpack.unpackb(body[: reply.length])
        if not reply.cursor:
            break
        cursor = reply.cursor
        used.append(cursor)
    assert len({row["object"] for row in seen}) == len(seen) == 300
    for wrong in (*used, 12345):
        tool.send(StateQuery(tool.request(), StateKind.OBJECTS, cursor=wrong))
        assert tool.expect(Failure).error.code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.rule("8.2/5")
def test_a_process_that_does_not_answer_is_left_out_and_named(node):
    silent, tool = node.driver(), node.driver(Role.TOOL)
    rows = state(tool, StateKind.STACKS)
    (row,) = [row for row in rows if row["process"] == f"{silent.process:016x}"]
    assert "does not answer" in row["thread"]
    assert "within 2 s" in row["stack"]
    silent.close()


def test_an_answer_that_was_not_asked_for_ends_its_connection(node):
    driver = node.driver()
    driver.send(Inspected(1 << 60, 1), b"\x90" + bytes(7))
    assert driver.expect(GoAway).error.code == ErrorCode.PROTOCOL


def test_a_blocker_query_names_its_subject(node):
    tool = node.driver(Role.TOOL)
    for filters in ((), (StateFilter("task", FilterOp.EQ, "xyz"),), (StateFilter("task", FilterOp.NE, "0" * 32),)):
        tool.send(StateQuery(tool.request(), StateKind.BLOCKERS, filters))
        assert tool.expect(Failure).error.code == ErrorCode.INVALID_ARGUMENT
    tool.send(StateQuery(tool.request(), StateKind.BLOCKERS, (StateFilter("task", FilterOp.EQ, "0" * 32),)))
    reply, body = tool.receive(StateReply)
    assert [row["reason"] for row in msgpack.unpackb(body[: reply.length])] == ["UNKNOWN"]
