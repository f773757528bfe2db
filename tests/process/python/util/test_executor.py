"""Executor: what it adds to the behaviour that CPython's own tests pin down (see test_cpython_futures.py)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Future
from pathlib import Path

import pytest

import bowstring as bow
from bowstring.util import Executor

pytestmark = pytest.mark.usefixtures("runtime")


def fail(value: int) -> None:
    raise KeyError(value)


def hold(path: str) -> str:
    with open(path) as pipe:
        return pipe.read()


STATUS = []


def note(status: str) -> None:
    STATUS.append(status)


def noted() -> list[str]:
    return STATUS


def refuse() -> None:
    raise OSError("no licence")


def test_a_future_raises_what_the_function_raised_with_the_traceback_of_the_worker() -> None:
    with Executor() as executor:
        error = executor.submit(fail, 3).exception()
    assert type(error) is KeyError
    assert error.args == (3,)
    assert "in fail" in str(error.__cause__)


def test_lambdas_and_closures_run() -> None:
    factor = 3
    with Executor(2) as executor:
        assert list(executor.map(lambda x: factor * x, range(200), chunksize=7)) == [3 * i for i in range(200)]


def test_what_cannot_be_pickled_fails_its_future_alone() -> None:
    with Executor() as executor:
        broken: Future[object] = executor.submit(len, threading.Lock())  # type: ignore[arg-type]
        with pytest.raises(bow.SerializationError, match="lock"):
            broken.result()
        assert executor.submit(len, "abc").result() == 3


def test_a_call_whose_worker_crashes_fails_and_the_executor_goes_on() -> None:
    with Executor(1) as executor:
        with pytest.raises(bow.WorkerCrashedError):
            executor.submit(os._exit, 1).result(timeout=60)
        assert executor.submit(abs, -1).result() == 1


def test_what_waits_for_a_worker_can_be_cancelled(tmp_path: Path) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    with Executor(1) as executor:
        running = executor.submit(hold, pipe)
        waiting = executor.submit(abs, -1)
        assert waiting.cancel()
        with open(pipe, "w") as end:
            end.write("go")
        assert running.result() == "go"
        assert not running.cancel()
        with pytest.raises(CancelledError):
            waiting.result()


def test_the_initializer_runs_once_in_each_worker() -> None:
    with Executor(1, initializer=note, initargs=("ready",)) as executor:
        assert {tuple(executor.submit(noted).result()) for _ in range(10)} == {("ready",)}


def test_a_failing_initializer_breaks_the_executor(caplog: pytest.LogCaptureFixture) -> None:
    executor = Executor(1, initializer=refuse)
    futures = [executor.submit(abs, 1)]
    futures += [executor.submit(abs, 1)] if executor._broken is None else []
    for future in futures:
        with pytest.raises(BrokenExecutor, match="no licence"):
            future.result(timeout=60)
    with pytest.raises(BrokenExecutor, match="no licence"):
        executor.submit(abs, 1)
    assert "no licence" in caplog.text
    executor.shutdown()


def test_max_workers_bounds_what_runs_at_once() -> None:
    running = bow.remote(Meter).remote()

    def enter() -> None:
        bow.get(running.enter.remote())
        bow.get(running.leave.remote())

    with Executor(2, task_options={"num_cpus": 0}) as executor:
        for future in [executor.submit(enter) for _ in range(30)]:
            future.result()
    assert 1 <= bow.get(running.most.remote()) <= 2


class Meter:
    def __init__(self) -> None:
        self.now = 0
        self.peak = 0

    def enter(self) -> None:
        self.now += 1
        self.peak = max(self.peak, self.now)

    def leave(self) -> None:
        self.now -= 1

    def most(self) -> int:
        return self.peak


def test_the_interpreter_waits_at_its_end_for_what_was_submitted(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = f"""
import time, atexit
from pathlib import Path
from bowstring.util import Executor

def late():
    time.sleep(0.2)
    Path({str(mark)!r}).touch()

@atexit.register
def too_late():
    try:
        executor.submit(late)
    except RuntimeError as error:
        print(error)

executor = Executor(1)
executor.submit(late)
executor.shutdown(wait=False)
other = executor
executor = Executor(1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert mark.exists(), done.stderr
    assert done.stdout.strip() == "cannot schedule new futures after interpreter shutdown"
    assert done.stderr == ""


def test_the_end_of_the_runtime_fails_what_runs_and_what_waits() -> None:
    program = """
import time
import bowstring as bow
from bowstring.util import Executor
from bowstring.util.multiprocessing import Pool

bow.init(num_cpus=2)
executor = Executor(1)
futures = [executor.submit(time.sleep, 600) for _ in range(3)]
pool = Pool(1)
results = [pool.apply_async(time.sleep, (600,)) for _ in range(3)]
bow.shutdown()
errors = [future.exception(timeout=60) for future in futures]
for result in results:
    try:
        result.get(timeout=60)
    except bow.BowstringError as error:
        errors.append(error)
assert len(errors) == 6 and all(isinstance(error, bow.BowstringError) for error in errors), errors
executor.shutdown()
pool.terminate()
pool.join()
assert not bow.is_initialized()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        Executor(0)
    with pytest.raises(TypeError, match="initializer"):
        Executor(initializer=3)  # type: ignore[arg-type]
    with pytest.raises(bow.InvalidArgumentError, match="max_restarts"):
        Executor(task_options={"max_restarts": 1})
    with pytest.raises(bow.InvalidArgumentError, match="num_returns"):
        Executor(task_options={"num_returns": 2})
    with pytest.raises(ValueError, match="chunksize"):
        Executor().map(abs, [1], chunksize=0)
