"""Time limits, retries of errors, and workers that are replaced after some calls."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


class Passing(ValueError):
    """An error that goes away."""


class Lasting(RuntimeError):
    """One that does not."""


@bow.remote
def fails_at_first(path: str, times: int, kind: type[Exception] = Passing) -> int:
    with Path(path).open("a") as file:
        file.write("x")
    tries = Path(path).stat().st_size
    if tries <= times:
        raise kind(f"try {tries}")
    return tries


@bow.remote
def process_id() -> int:
    return os.getpid()


# Time limits ---------------------------------------------------------------------------------------------------------


def test_code_that_runs_too_long_is_interrupted() -> None:
    @bow.remote(timeout_s=0.2)
    def spin() -> None:
        while True:
            pass

    ref = spin.remote()
    with pytest.raises(bow.TaskTimeoutError, match=r"spin ran past its limit of 0\.2 s") as caught:
        bow.get(ref, timeout=20)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.may_have_executed


def test_a_sleep_and_a_wait_end_at_the_limit(tmp_path: Path) -> None:
    @bow.remote(timeout_s=0.2)
    def sleep(mark: str) -> None:
        try:
            time.sleep(60)
        finally:
            Path(mark).write_text(str(os.getpid()))

    @bow.remote(timeout_s=0.2, num_cpus=0.5)
    def wait(refs: list[bow.ObjectRef[None]]) -> None:
        bow.get(refs)

    mark = tmp_path / "mark"
    ref = sleep.remote(str(mark))
    with pytest.raises(bow.TaskTimeoutError):
        bow.get(ref, timeout=20)
    assert mark.exists()
    slow = sleep.options(timeout_s=60, num_cpus=0.5).remote(str(mark))
    with pytest.raises(bow.TaskTimeoutError):
        bow.get(wait.remote([slow]), timeout=20)
    bow.cancel(slow)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(slow, timeout=20)


def test_code_that_does_not_listen_ends_with_its_process() -> None:
    @bow.remote(timeout_s=0.1, max_retries=0)
    def deaf() -> None:
        while True:
            try:
                while True:
                    time.sleep(0.01)
            except bow.TaskTimeoutError:
                continue

    ref = deaf.remote()
    others = [process_id.remote() for _ in range(4)]
    with pytest.raises(bow.TaskTimeoutError):
        bow.get(ref, timeout=20)
    bow.get(others, timeout=20)


def test_work_within_its_limit_is_left_alone() -> None:
    @bow.remote(timeout_s=1000)
    def quick(number: int) -> int:
        return number

    assert bow.get([quick.remote(number) for number in range(100)]) == list(range(100))


def test_a_stream_has_one_limit_for_all_its_items() -> None:
    @bow.remote(timeout_s=0.3)
    def slow() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1
            threading.Event().wait(0.02)

    *items, last = slow.remote()
    assert bow.get(items) == list(range(len(items)))
    with pytest.raises(bow.TaskTimeoutError):
        bow.get(last)


# Retries -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [True, [Passing], [ValueError], (OSError, Passing)])
def test_errors_of_the_named_classes_are_tried_again(rule: object, tmp_path: Path) -> None:
    ref = fails_at_first.options(retry_exceptions=rule).remote(str(tmp_path / "tries"), 2)  # type: ignore[call-overload]
    assert bow.get(ref, timeout=20) == 3


@pytest.mark.parametrize("rule", [False, None, [Lasting], [bow.TaskTimeoutError]])
def test_other_errors_are_not(rule: object, tmp_path: Path) -> None:
    ref = fails_at_first.options(retry_exceptions=rule).remote(str(tmp_path / "tries"), 2)  # type: ignore[call-overload]
    with pytest.raises(Passing, match="try 1"):
        bow.get(ref, timeout=20)


def test_retries_end_with_max_retries(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    ref = fails_at_first.options(retry_exceptions=True, max_retries=2).remote(str(tries), 10, Lasting)
    with pytest.raises(Lasting, match="try 3"):
        bow.get(ref, timeout=20)
    assert tries.stat().st_size == 3


@pytest.mark.rule("4.9/2")
def test_a_result_that_was_passed_on_is_the_last_attempts(tmp_path: Path) -> None:
    @bow.remote
    def read(refs: list[bow.ObjectRef[int]]) -> int:
        return bow.get(refs[0])

    ref = fails_at_first.options(retry_exceptions=True).remote(str(tmp_path / "tries"), 2)
    assert bow.get(read.remote([ref]), timeout=20) == 3


def test_several_results_and_streams_are_tried_again(tmp_path: Path) -> None:
    @bow.remote(num_returns=2, retry_exceptions=True)
    def pair(path: str) -> tuple[int, int]:
        Path(path).touch() if not Path(path).exists() else None
        with Path(path).open("a") as file:
            file.write("x")
        if Path(path).stat().st_size == 1:
            raise Passing
        return 1, 2

    @bow.remote(retry_exceptions=[Passing])
    def stream(path: str) -> Iterator[int]:
        for number in range(5):
            if number == 3 and not Path(path).exists():
                Path(path).touch()
                raise Passing
            yield number

    assert bow.get(pair.remote(str(tmp_path / "pair")), timeout=20) == [1, 2]
    assert [bow.get(ref) for ref in stream.remote(str(tmp_path / "stream"))] == list(range(5))


def test_a_time_limit_can_be_tried_again(tmp_path: Path) -> None:
    @bow.remote(timeout_s=0.3, retry_exceptions=[TimeoutError])
    def slow_at_first(path: str) -> str:
        if not Path(path).exists():
            Path(path).touch()
            time.sleep(60)
        return "done"

    assert bow.get(slow_at_first.remote(str(tmp_path / "mark")), timeout=20) == "done"


# Workers that are replaced -------------------------------------------------------------------------------------------


def test_a_worker_ends_after_max_calls() -> None:
    once = process_id.options(max_calls=1)
    found = bow.get([once.remote() for _ in range(6)], timeout=60)
    assert len(set(found)) == 6
    found = [bow.get(process_id.options(max_calls=2).remote(), timeout=60) for _ in range(6)]
    assert all(found.count(pid) <= 2 for pid in found)


def test_large_results_of_a_worker_that_ends_are_kept() -> None:
    @bow.remote(max_calls=1)
    def large(number: int) -> bytes:
        return bytes([number]) * 300_000

    found = bow.get([large.remote(number) for number in range(4)], timeout=60)
    assert [value[:1] for value in found] == [b"\0", b"\1", b"\2", b"\3"]
    assert all(len(value) == 300_000 for value in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry_exceptions", "ValueError"),
        ("retry_exceptions", []),
        ("retry_exceptions", [ValueError()]),
        ("timeout_s", 0),
        ("timeout_s", "1"),
        ("timeout_s", float("inf")),
        ("max_calls", -1),
        ("generator_backpressure", 0),
    ],
)
def test_wrong_options_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(bow.InvalidArgumentError, match=name):
        process_id.options(**{name: value})  # type: ignore[call-overload]


# Interruptions -------------------------------------------------------------------------------------------------------


def test_a_sleep_is_cancelled_at_once() -> None:
    @bow.remote
    def sleep() -> None:
        time.sleep(120)

    ref = sleep.remote()
    assert bow.wait([ref], timeout=0.2) == ([], [ref])
    bow.cancel(ref)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=20)


def test_a_cancelled_task_has_ended_with_its_children(tmp_path: Path) -> None:
    @bow.remote(num_cpus=0.5)
    def child(started: str, ended: str) -> None:
        Path(started).touch()
        try:
            time.sleep(120)
        finally:
            threading.Event().wait(0.2)
            Path(ended).touch()

    @bow.remote(num_cpus=0.5)
    def parent(started: str, ended: str) -> None:
        bow.get(child.remote(started, ended))

    started, ended = tmp_path / "started", tmp_path / "ended"
    ref = parent.remote(str(started), str(ended))
    wait_until(started.exists, 20)
    bow.cancel(ref)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=20)
    assert ended.exists()


def test_children_of_a_task_that_is_cancelled_alone_run_on(tmp_path: Path) -> None:
    @bow.remote(num_cpus=0.5)
    def child(go: str, ended: str) -> None:
        wait_until(Path(go).exists, 30)
        Path(ended).touch()

    @bow.remote(num_cpus=0.5)
    def parent(started: str, go: str, ended: str) -> None:
        ref = child.remote(go, ended)
        Path(started).touch()
        bow.get(ref)

    started, go, ended = (tmp_path / name for name in ("started", "go", "ended"))
    ref = parent.remote(str(started), str(go), str(ended))
    wait_until(started.exists, 20)
    bow.cancel(ref, recursive=False)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=20)
    go.touch()
    wait_until(ended.exists, 20, "the child has ended by itself")


@bow.remote
class Busy:
    def sleep(self, started: str) -> None:
        Path(started).touch()
        time.sleep(120)

    def spin(self, started: str) -> None:
        Path(started).touch()
        while True:
            pass

    def hello(self) -> str:
        return "hello"


def test_a_method_is_cancelled_and_its_actor_lives(tmp_path: Path) -> None:
    busy = Busy.remote()
    ref, queued = busy.sleep.remote(str(tmp_path / "sleep")), busy.hello.remote()
    wait_until((tmp_path / "sleep").exists, 20)
    bow.cancel(ref)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(ref, timeout=20)
    assert bow.get(queued, timeout=20) == "hello"


def test_a_method_in_a_thread_is_cancelled_alone(tmp_path: Path) -> None:
    busy = Busy.options(max_concurrency=2).remote()
    refs = [busy.spin.remote(str(tmp_path / name)) for name in ("first", "second")]
    wait_until(lambda: (tmp_path / "first").exists() and (tmp_path / "second").exists(), 20)
    bow.cancel(refs[0])
    with pytest.raises(bow.TaskCancelledError):
        bow.get(refs[0], timeout=30)
    assert bow.get(busy.hello.remote(), timeout=30) == "hello"
    assert bow.wait([refs[1]], timeout=0) == ([], [refs[1]])
    bow.cancel(refs[1])
    with pytest.raises(bow.TaskCancelledError):
        bow.get(refs[1], timeout=30)


def test_force_is_acknowledged_as_a_cancellation() -> None:
    @bow.remote
    def deaf() -> None:
        while True:
            try:
                while True:
                    time.sleep(0.01)
            except BaseException:
                continue

    ref = deaf.remote()
    assert bow.wait([ref], timeout=0.3) == ([], [ref])
    bow.cancel(ref)
    bow.cancel(ref, force=True)
    with pytest.raises(bow.TaskCancelledError, match="by force") as caught:
        bow.get(ref, timeout=20)
    assert caught.value.may_have_executed


def test_an_interruption_hits_user_code_and_not_the_runtime() -> None:
    """Tasks that do nothing but call the runtime are cancelled at every moment; the workers go on."""

    @bow.remote
    def busy() -> int:
        while True:
            refs = [process_id.options(num_cpus=0).remote() for _ in range(3)]
            bow.get(refs)
            bow.put(b"x" * 200_000)

    for round_ in range(15):
        ref = busy.remote()
        bow.wait([ref], timeout=0.01 * round_)
        bow.cancel(ref)
        with pytest.raises(bow.TaskCancelledError):
            bow.get(ref, timeout=30)
    assert bow.get([process_id.remote() for _ in range(50)], timeout=30)
