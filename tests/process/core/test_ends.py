"""However something ends, nothing is left of it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bowstring_wire.messages import ErrorCode, GoAway, LeaseEnded, LeaseGrant, Role, Shutdown, StateKind
from tests.process.core.node_process import NodeProcess
from tests.process.core.test_leases import lease, result_of, run, worker_of
from tests.process.core.test_objects import put, state
from tests.process.core.wire_client import ConnectionEnded, is_running, wait_until


def with_worker(node):
    driver = node.driver()
    lease(driver)
    driver.expect(LeaseGrant)
    return driver


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_killed_node_leaves_nothing(start_node, number):
    node = start_node("--num-cpus", "2")
    with_worker(node)
    family = node.family()
    assert len(family) >= 3
    os.kill(node.pid, number)
    node.popen.wait(3)
    node.assert_nothing_left(family)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_daemon_of_a_worker_ends_with_the_runtime(start_node, number):
    node = start_node("--num-cpus", "2")
    driver = node.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(node, driver, grant)
    run(worker, driver, grant, "daemon")
    daemon = int(result_of(worker))
    os.kill(grant.pid, signal.SIGKILL)
    driver.expect(LeaseEnded)
    family = node.family()
    assert daemon in [process.pid for process in family]
    os.kill(node.pid, number)
    node.popen.wait(3)
    node.assert_nothing_left(family)


def test_node_killed_at_its_start_leaves_nothing(start_node):
    node = start_node()
    family = node.family()
    os.kill(node.pid, signal.SIGKILL)
    node.popen.wait(3)
    node.assert_nothing_left(family)


def test_process_that_comes_and_goes_leaves_no_descriptor(node):
    def count():
        return len(os.listdir(f"/proc/{node.pid}/fd"))

    stays = node.driver()
    wait_until(lambda: len(state(stays, StateKind.WORKERS)) == 2)
    wait_until(lambda: all(row["state"] == "idle" for row in state(stays, StateKind.WORKERS)))
    before = count()
    for _ in range(20):
        driver = node.driver()
        put(driver, bytes(100))
        driver.close()
    wait_until(lambda: count() == before)
    assert state(stays, StateKind.STORE)[0]["segments"] == 0


def test_interrupt_is_ignored(node):
    os.kill(node.pid, signal.SIGINT)
    node.driver()


def test_killed_zygote_is_replaced_and_takes_its_workers_with_it(node):
    driver = with_worker(node)
    zygote = psutil.Process(node.pid).children()[0]
    workers = zygote.children()
    zygote.kill()
    driver.expect(LeaseEnded)
    wait_until(lambda: not any(is_running(worker.pid) for worker in workers))
    lease(driver)
    driver.expect(LeaseGrant)


def test_runtime_ends_with_the_process_that_owns_it(start_node):
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    node = start_node("--owner", str(owner.pid))
    family = node.family()
    owner.kill()
    owner.wait()
    node.popen.wait(3)
    node.assert_nothing_left(family)


def test_node_of_an_owner_that_has_ended_already_ends(tmp_path_factory):
    owner = subprocess.Popen([sys.executable, "-c", ""])
    owner.wait()
    node = NodeProcess(tmp_path_factory.mktemp("r"), "--owner", str(owner.pid))
    node.popen.wait(3)
    node.assert_nothing_left([])


@pytest.mark.parametrize("graceful", [True, False])
@pytest.mark.rule("8.5/1")
def test_shutdown_by_a_tool_ends_all_and_tells_the_drivers(start_node, graceful):
    node = start_node("--num-cpus", "2")
    driver = with_worker(node)
    family = node.family()
    started = time.monotonic()
    node.driver(Role.TOOL).send(Shutdown(graceful, "enough"))
    away = driver.receive(GoAway)[0]
    assert (away.error.code, away.error.message) == (ErrorCode.RUNTIME_STOPPED, "enough")
    node.popen.wait(3)
    node.assert_nothing_left(family)
    assert time.monotonic() - started < 3


def test_shutdown_by_a_driver_that_does_not_own_the_runtime_is_refused(node):
    driver = node.driver()
    driver.send(Shutdown(False))
    assert driver.receive(GoAway)[0].error.code == ErrorCode.PROTOCOL
    with pytest.raises(ConnectionEnded):
        driver.receive(LeaseGrant)
    node.driver()


def test_next_node_sweeps_what_a_dead_one_left(start_node, tmp_path):
    node = start_node()
    left = node.root / f"bowstring-{os.getuid()}" / "deadbeef"
    (left / "logs").mkdir(parents=True)
    (left / "lock").touch()
    environment = dict(os.environ, BOWSTRING_TMP=str(node.root))
    environment["PYTHONPATH"] = os.pathsep.join(sys.path[1:])
    argv = [sys.executable, "-m", "bowstring_core.node", "--worker-module", "json"]
    other = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE)
    other.stdout.readline()
    wait_until(lambda: not left.exists())
    other.stdout.close()
    other.terminate()
    other.wait(3)
    assert node.session.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cpus", "2"], "--cpus is not an option"),
        (["--num-gpus", "x"], "--num-gpus 'x'"),
        (["--num-cpus", "-1"], "resource 'CPU' is -1.0"),
        (["--resources", "[1]"], "must be a JSON object"),
        (["--log-level", "loud"], "--log-level 'loud': is none of DEBUG"),
        (["--object-store-memory", "0"], "--object-store-memory is 0"),
    ],
)
def test_wrong_arguments_are_named_and_leave_nothing(leaves_nothing_behind, arguments, message):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path[1:]))
    argv = [sys.executable, "-m", "bowstring_core.node", *arguments]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=10)
    assert done.returncode == 2
    assert message in done.stderr
    assert not [path for root in leaves_nothing_behind.glob("bowstring-*") for path in root.iterdir()]


def test_worker_that_can_not_start_is_reported_to_who_waits(start_node):
    node = start_node(worker_module="no_such_module")
    driver = node.driver()
    lease(driver)
    from bowstring_wire.messages import Failure

    failure = driver.expect(Failure)
    assert failure.error.code == ErrorCode.WORKER_START
    assert "No module named 'no_such_module'" in failure.error.message
