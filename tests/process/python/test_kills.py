"""kill -9 of every kind of process: work is retried or a typed error names what died, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import bowstring as bow
from tests.process.waiting import end_of, wait_until


def processes_of(session: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if any(session in part for part in process.cmdline()) or session in str(
                process.environ().get("BOWSTRING", "")
            ):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=2) as session:
        yield session


@bow.remote
def die_once(marker: str) -> int:
    path = Path(marker)
    tries = int(path.read_text()) if path.exists() else 0
    path.write_text(str(tries + 1))
    if tries == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return tries


@bow.remote
def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@bow.remote
def square(x: int) -> int:
    return x * x


def test_a_task_whose_worker_is_killed_runs_again(runtime: bow.Session, tmp_path: Path) -> None:
    assert bow.get(die_once.remote(str(tmp_path / "tries")), timeout=30) == 1


def test_without_retries_the_error_names_the_task(runtime: bow.Session) -> None:
    with pytest.raises(bow.WorkerCrashedError, match="die") as caught:
        bow.get(die.options(max_retries=0).remote(), timeout=30)
    assert caught.value.may_have_executed
    assert "SIGKILL" in str(caught.value) or "signal 9" in str(caught.value)


def test_other_tasks_in_flight_survive_a_crash(runtime: bow.Session, tmp_path: Path) -> None:
    refs = [square.remote(i) for i in range(500)]
    crash = die_once.remote(str(tmp_path / "tries"))
    refs += [square.remote(i) for i in range(500)]
    assert bow.get(crash, timeout=30) == 1
    assert bow.get(refs, timeout=30) == [i * i for i in [*range(500), *range(500)]]


DRIVER = """
    import os, signal, sys, time
    import numpy as np
    import bowstring as bow

    @bow.remote
    def hang():
        time.sleep(600)

    @bow.remote
    class Actor:
        def hello(self):
            return os.getpid()

    session = bow.init(num_cpus=4)
    refs = [hang.remote() for _ in range(2)]
    actor = Actor.remote()
    bow.get(actor.hello.remote())
    big = bow.put(np.ones(1 << 20))
    print(session.address, session.node_pid, flush=True)
    {then}
"""


def start_driver(then: str) -> tuple[subprocess.Popen[str], str, int]:
    code = textwrap.dedent(DRIVER).replace("{then}", then)
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    line = driver.stdout.readline().split()
    assert line, end_of(driver)[1]
    return driver, line[0], int(line[1])


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def nothing_left(session: str, processes: list[psutil.Process]) -> bool:
    return not Path(session).exists() and not any(
        p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes
    )


def test_a_killed_driver_takes_everything_down() -> None:
    driver, session, node_pid = start_driver("signal.pause()")
    processes = [psutil.Process(node_pid), *descendants(node_pid)]
    assert len(processes) >= 3
    driver.kill()
    driver.communicate()
    wait_until(lambda: nothing_left(session, processes), 3, f"{session} and {processes} are gone")


def test_a_killed_node_fails_the_driver_and_leaves_nothing() -> None:
    then = """
    os.kill(session.node_pid, signal.SIGKILL)
    try:
        bow.get(refs, timeout=20)
    except bow.NodeDiedError as error:
        print("NodeDiedError", error, flush=True)
    """
    driver, session, _ = start_driver(textwrap.dedent(then))
    out, err = end_of(driver)
    assert "NodeDiedError" in out, (out, err)
    assert driver.returncode == 0, err
    wait_until(lambda: nothing_left(session, []), 3, f"{session} is gone")
    wait_until(lambda: not processes_of(session), 3, "its processes are gone")


def test_killing_driver_and_node_together_leaves_nothing() -> None:
    driver, session, node_pid = start_driver("signal.pause()")
    processes = [psutil.Process(node_pid), *descendants(node_pid)]
    os.kill(node_pid, signal.SIGKILL)
    driver.kill()
    driver.communicate()
    wait_until(lambda: nothing_left(session, processes), 3, f"{session} and {processes} are gone")


def test_shutdown_leaves_nothing() -> None:
    session = bow.init(num_cpus=1)
    address, node_pid = session.address, session.node_pid
    assert bow.get(square.remote(3)) == 9
    processes = [psutil.Process(node_pid), *descendants(node_pid)]
    bow.shutdown()
    wait_until(lambda: nothing_left(address, processes), 3, "everything is gone")
    assert not bow.is_initialized()


def test_a_runtime_can_be_started_again_after_its_end() -> None:
    for _ in range(2):
        with bow.init(num_cpus=1):
            assert bow.get(square.remote(4)) == 16


@bow.remote
class Counter:
    def count(self) -> int:
        return 1


def test_after_a_fork_the_child_is_told_whatever_it_tries(tmp_path: Path) -> None:
    @bow.remote(num_cpus=0)
    def wait(path: str) -> int:
        wait_until(Path(path).exists, 30)
        return 7

    with bow.init(num_cpus=1):
        done, pending, counter = square.remote(3), wait.remote(str(tmp_path / "go")), Counter.remote()
        assert bow.get([done, counter.count.remote()]) == [9, 1]
        attempts: dict[str, Callable[[], Any]] = {
            "call": lambda: square.remote(2),
            "get": lambda: bow.get(pending),
            "wait": lambda: bow.wait([pending]),
            "future": lambda: pending.future(),
            "put": lambda: bow.put(b"x" * 1_000_000),
            "method": lambda: counter.count.remote(),
            "actor": lambda: Counter.remote(),
            "context": lambda: bow.get_runtime_context(),
        }
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            for name, attempt in attempts.items():
                try:
                    attempt()
                except bow.RuntimeStoppedError as error:
                    if "forked" in str(error):
                        os.write(writer, f"{name} ".encode())
            os.write(writer, f"had={bow.get(done)}".encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as told:
            assert told.read() == "call get wait future put method actor context had=9"
        os.waitpid(pid, 0)
        (tmp_path / "go").touch()
        assert bow.get([pending, square.remote(5)]) == [7, 25]


def test_the_end_of_a_forked_child_that_joined_leaves_the_runtime_alone() -> None:
    with bow.init(num_cpus=1) as session:
        bow.get(square.remote(1))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                with bow.init(session.address):
                    status = 0 if bow.get(square.remote(6)) == 36 else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert bow.get(square.remote(5)) == 25
