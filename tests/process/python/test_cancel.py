"""Cancellation: queued, running and waiting tasks; nothing else is hit."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

import bowstring as bow
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
def spin(seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pass
    return "done"


@bow.remote
def one() -> int:
    return 1


def test_a_running_task_is_interrupted_in_its_python_code() -> None:
    ref = spin.remote(60)
    assert bow.wait([ref], timeout=0.3) == ([], [ref])
    bow.cancel(ref)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=10)
    assert bow.get([one.remote() for _ in range(50)], timeout=10) == [1] * 50


def test_a_task_that_waits_for_its_arguments_never_starts() -> None:
    @bow.remote
    def after(_first: str) -> str:
        return "ran"

    first = spin.remote(1)
    ref = after.remote(first)
    bow.cancel(ref)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=10)
    assert bow.get(first, timeout=10) == "done"


def test_a_task_in_the_queue_never_starts() -> None:
    refs = [spin.remote(0.4) for _ in range(6)]
    bow.cancel(refs[-1])
    with pytest.raises(bow.TaskCancelledError):
        bow.get(refs[-1], timeout=10)
    assert bow.get(refs[:-1], timeout=20) == ["done"] * 5


def test_force_ends_a_task_that_does_not_listen() -> None:
    @bow.remote(max_retries=0)
    def deaf() -> None:
        while True:
            try:
                time.sleep(0.01)
            except BaseException:
                continue

    ref = deaf.remote()
    bow.wait([ref], timeout=0.3)
    bow.cancel(ref, force=True)
    with pytest.raises((bow.TaskCancelledError, bow.WorkerCrashedError)):
        bow.get(ref, timeout=10)


def test_an_async_method_is_cancelled() -> None:
    @bow.remote
    class Sleeper:
        async def sleep(self) -> str:
            await asyncio.sleep(60)
            return "slept"

        async def hello(self) -> str:
            return "hello"

    sleeper = Sleeper.remote()
    ref = sleeper.sleep.remote()
    assert bow.get(sleeper.hello.remote(), timeout=10) == "hello"
    bow.cancel(ref)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=10)
    assert bow.get(sleeper.hello.remote(), timeout=10) == "hello"


def test_children_are_cancelled_with_their_parent(tmp_path: Path) -> None:
    @bow.remote(num_cpus=0.5)
    def child(mark: str) -> None:
        try:
            while True:
                time.sleep(0.001)
        finally:
            Path(mark).write_text("ended")

    @bow.remote(num_cpus=0.5)
    def parent(mark: str) -> None:
        bow.get(child.remote(mark))

    mark = tmp_path / "mark"
    ref = parent.remote(str(mark))
    assert bow.wait([ref], timeout=0.5) == ([], [ref])
    bow.cancel(ref)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=10)
    wait_until(mark.exists, 10, "the child has ended")


def test_cancelling_what_is_done_changes_nothing() -> None:
    ref = one.remote()
    assert bow.get(ref) == 1
    bow.cancel(ref)
    assert bow.get(ref) == 1


def test_many_cancellations_at_every_moment_leave_the_workers_well() -> None:
    for round_ in range(60):
        ref = spin.remote(0.004)
        bow.wait([ref], timeout=0.0005 * (round_ % 12))
        bow.cancel(ref)
        try:
            assert bow.get(ref, timeout=10) == "done"
        except bow.TaskCancelledError:
            pass
    assert bow.get([one.remote() for _ in range(100)], timeout=10) == [1] * 100
