"""Leases on real workers."""

import os
import signal

import pytest

from bowstring_wire.messages import (
    Arg,
    ArgKind,
    Encoding,
    ErrorCode,
    Failure,
    Language,
    Layout,
    LeaseEnded,
    LeaseGrant,
    LeaseRecall,
    LeaseRequest,
    LeaseReturn,
    LeaseWithdraw,
    LogLines,
    Resource,
    Result,
    Task,
)
from tests.process.core.wire_client import WireClient, is_running, wait_until

CPU = (Resource("CPU", 10_000),)


def lease(driver, resources=CPU, count=1):
    driver.send(LeaseRequest(driver.request(), Language.PYTHON, count, count, resources=resources))


def worker_of(node, driver, grant):
    client = WireClient(grant.address, node.token)
    client.process = driver.process
    node.clients.append(client)
    return client.greet(job=driver.welcome.job)


def run(worker, driver, grant, method, argument=b"hi"):
    arg = Arg(ArgKind.VALUE, Encoding.BYTES, Layout.COMPACT, 0, 0, len(argument), 0, bytes(20), 0, 0, 0)
    task = Task(driver.task_id(), b"f" * 16, owner=driver.process, home=driver.welcome.node, num_returns=1)
    task.epoch, task.method, task.args = grant.epoch, method, (arg,)
    worker.send(task, argument)
    return task


def result_of(worker):
    message, body = worker.receive(Result)
    return body[: message.returns[0].length]


def test_task_runs_on_a_leased_worker(node):
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(node, driver, grant)
    run(worker, driver, grant, "echo", b"hello")
    assert result_of(worker) == b"hello"
    assert worker.welcome.process == grant.worker


def test_worker_serves_again_after_its_lease_was_returned_with_a_greater_epoch(start_node):
    driver = start_node("--num-cpus", "1").driver()
    lease(driver)
    first = driver.expect(LeaseGrant)
    lease(driver)
    assert driver.silent(LeaseGrant)
    driver.send(LeaseReturn(first.lease))
    second = driver.expect(LeaseGrant)
    assert second.worker == first.worker
    assert second.epoch > first.epoch


def test_more_workers_are_started_for_zero_cpu_tasks(node):
    driver = node.driver()
    lease(driver, (), 5)
    grants = [driver.expect(LeaseGrant) for _ in range(5)]
    assert len({grant.worker for grant in grants}) == 5


def test_what_no_node_can_meet_is_refused(node):
    driver = node.driver()
    lease(driver, (Resource("CPU", 30_000),))
    failure = driver.expect(Failure)
    assert failure.error.code == ErrorCode.TASK_UNSCHEDULABLE
    assert "3 CPU wanted, and the node has 2" in failure.error.message


@pytest.mark.parametrize("resources", [(Resource("CPU", -1),), (Resource("", 1),), (Resource("GPU", 15_000),)])
def test_resources_that_make_no_sense_are_refused(node, resources):
    driver = node.driver()
    lease(driver, resources)
    assert driver.expect(Failure).error.code == ErrorCode.INVALID_ARGUMENT


def test_withdrawn_request_is_not_granted(start_node):
    driver = start_node("--num-cpus", "1").driver()
    lease(driver)
    first = driver.expect(LeaseGrant)
    lease(driver)
    driver.send(LeaseWithdraw(driver.requests))
    driver.send(LeaseReturn(first.lease))
    lease(driver)
    assert driver.expect(LeaseGrant).request == driver.requests


def test_waiting_driver_makes_the_node_recall_a_lease(node):
    first, second = node.driver(), node.driver()
    lease(first, count=2)
    held = [first.expect(LeaseGrant), first.expect(LeaseGrant)]
    lease(second)
    recalled = first.expect(LeaseRecall).lease
    assert recalled in [grant.lease for grant in held]
    first.send(LeaseReturn(recalled))
    second.expect(LeaseGrant)


def test_blocked_task_lets_another_run(start_node):
    node = start_node("--num-cpus", "1")
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(node, driver, grant)
    lease(driver)
    assert driver.silent(LeaseGrant)
    run(worker, driver, grant, "block")
    assert driver.expect(LeaseGrant).worker != grant.worker


def test_killed_worker_ends_its_lease_with_the_signal(node):
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(node, driver, grant)
    run(worker, driver, grant, "crash")
    ended = driver.expect(LeaseEnded)
    assert (ended.lease, ended.worker) == (grant.lease, grant.worker)
    assert ended.error.code == ErrorCode.WORKER_CRASHED
    assert "signal 9 (SIGKILL)" in ended.error.message
    assert ended.error.may_have_executed
    lease(driver)
    driver.expect(LeaseGrant)


def test_children_of_a_dead_worker_die_with_it(node):
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(node, driver, grant)
    run(worker, driver, grant, "child")
    child = int(result_of(worker))
    os.kill(grant.pid, signal.SIGKILL)
    driver.expect(LeaseEnded)
    wait_until(lambda: not is_running(child))


def test_workers_of_an_ended_driver_are_free_again(start_node):
    node = start_node("--num-cpus", "1")
    first, second = node.driver(), node.driver()
    lease(first)
    first.expect(LeaseGrant)
    lease(second)
    first.close()
    second.expect(LeaseGrant)


def test_lines_of_a_worker_reach_the_driver_of_its_job(node):
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(node, driver, grant)
    run(worker, driver, grant, "print")
    text = ""
    while "a line from the worker\n" not in text:
        lines = driver.expect(LogLines)
        assert (lines.pid, lines.stream, lines.name) == (grant.pid, 1, "worker")
        text += lines.text
    wait_until(lambda: any("a line from" in p.read_text() for p in (node.session / "logs").glob("worker-*.out")))
