"""However a process ends, the runtime takes everything down and leaves nothing behind (the leak check looks)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bowstring as bow
from tests.leaks.traces import own_traces, processes_of, wait_nothing_is_left
from tests.process.waiting import wait_until

DRIVER = """
import sys
import bowstring as bow

@bow.remote
class Actor:
    def pid(self):
        import os
        return os.getpid()

bow.init(num_cpus=2)
actor = Actor.remote()
ref = bow.put(b"x" * 1_000_000)
print(bow.get(actor.pid.remote()), flush=True)
sys.stdin.read()
"""


@bow.remote
def double(x: int) -> int:
    return 2 * x


@bow.remote
def process_id() -> int:
    return os.getpid()


@pytest.fixture
def driver() -> Iterator[subprocess.Popen[str]]:
    """Another driver with an actor and a put value; ends when its standard input does."""
    process = subprocess.Popen([sys.executable, "-c", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    yield process
    process.kill()
    process.communicate()


def raises_a_runtime_error(call: Callable[[], object]) -> bool:
    try:
        call()
    except bow.BowstringError:
        return True
    return False


def test_a_driver_that_ends_takes_its_runtime_along(driver: subprocess.Popen[str]) -> None:
    driver.communicate()
    assert driver.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_driver_that_is_killed_leaves_nothing(
    driver: subprocess.Popen[str], number: signal.Signals, leaves_nothing_behind: Path
) -> None:
    driver.send_signal(number)
    driver.communicate()
    assert wait_nothing_is_left(leaves_nothing_behind, own_traces()) == []


def test_a_killed_node_is_an_error_of_the_driver_and_leaves_nothing(leaves_nothing_behind: Path) -> None:
    before = own_traces()
    session = bow.init(num_cpus=1)
    assert bow.get(double.remote(2)) == 4
    os.kill(session.node_pid, signal.SIGKILL)
    wait_until(lambda: raises_a_runtime_error(lambda: bow.get(double.remote(2), timeout=10)))
    bow.shutdown()
    assert wait_nothing_is_left(leaves_nothing_behind, before) == []


def test_what_nobody_was_left_to_remove_is_swept_by_the_next_runtime(
    driver: subprocess.Popen[str], leaves_nothing_behind: Path
) -> None:
    for pid in processes_of(leaves_nothing_behind):
        os.kill(pid, signal.SIGKILL)
    driver.communicate()
    wait_until(lambda: not processes_of(leaves_nothing_behind))
    with bow.init(num_cpus=1):
        assert bow.get(double.remote(2)) == 4


def test_a_runtime_can_be_started_again_and_again() -> None:
    for number in range(3):
        with bow.init(num_cpus=1):
            assert bow.get(double.remote(number)) == 2 * number


def test_two_runtimes_of_one_user_do_not_meet(driver: subprocess.Popen[str]) -> None:
    with bow.init(num_cpus=1):
        assert bow.get(double.remote(1)) == 2
    assert driver.poll() is None


def test_a_worker_that_is_killed_between_tasks_is_replaced() -> None:
    with bow.init(num_cpus=1):
        os.kill(bow.get(process_id.remote()), signal.SIGKILL)
        assert bow.get(double.remote(4)) == 8


@bow.remote
def wait_for(path: str) -> None:
    wait_until(lambda: os.path.exists(path))


@pytest.mark.parametrize("again", [lambda: double.remote(1), lambda: bow.put(1), bow.init], ids=["call", "put", "init"])
def test_a_callback_of_the_shutdown_starts_no_other_runtime(again: Callable[[], object], tmp_path: Path) -> None:
    caught: list[str] = []

    def go_on(_future: object) -> None:
        try:
            again()
        except bow.RuntimeStoppedError as error:
            caught.append(str(error))

    with bow.init(num_cpus=1):
        wait_for.remote(str(tmp_path / "never")).future().add_done_callback(go_on)
    assert len(caught) == 1
    assert "being shut down" in caught[0]
    assert not bow.is_initialized()
    assert bow.get(double.remote(2)) == 4  # what comes after the shutdown does start one
    bow.shutdown()


def test_a_worker_whose_node_has_ended_says_so_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    command = f"from bowstring import worker; worker.main({str(tmp_path)!r}, 3)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("it could not join its node, which may have ended: ")
