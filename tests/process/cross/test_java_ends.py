"""Java code that ends badly: its caller hears what happened, and nobody else is hurt."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

import bowstring as bow
from tests.process.hearing import hearing
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


def enders(method: str, **options: object) -> bow.RemoteFunction:
    return bow.java_function("cross.Enders", method).options(**options)


@pytest.mark.rule("4.3/5")
def test_a_task_that_exits_is_named_with_the_place_and_what_is_behind_it_runs() -> None:
    exits = enders("exit", max_retries=0).remote(3)
    behind = [enders("pid").remote() for _ in range(20)]
    with pytest.raises(bow.WorkerCrashedError, match=r"cross\.Enders\.exit\(Enders\.java:\d+\) called System\.exit"):
        bow.get(exits, timeout=60)
    assert len(bow.get(behind, timeout=60)) == 20


@pytest.mark.rule("4.3/5")
def test_a_shutdown_hook_that_never_ends_keeps_no_caller_waiting() -> None:
    exits = enders("exitWithoutEnd", max_retries=0).remote(3)
    with pytest.raises(bow.WorkerCrashedError, match=r"Enders\.exitWithoutEnd\(Enders\.java:\d+\) called System\.exit"):
        bow.get(exits, timeout=60)


def test_a_task_that_halts_the_jvm_is_named_with_the_status() -> None:
    with pytest.raises(bow.WorkerCrashedError, match=r"halt.*exit status 7|exit status 7"):
        bow.get(enders("halt", max_retries=0).remote(7), timeout=60)


@pytest.mark.rule("4.3/5")
def test_an_actor_that_exits_is_named_too_and_restarts_if_it_may() -> None:
    actor = bow.java_actor_class("cross.Enders").options(max_restarts=1).remote()
    first = bow.get(actor.processId.remote(), timeout=60)
    with pytest.raises(bow.ActorError, match=r"Enders\.leave\(Enders\.java:\d+\) called System\.exit"):
        bow.get(actor.leave.remote(), timeout=60)
    wait_until(lambda: bow.get(actor.processId.options(max_task_retries=3).remote(), timeout=60) != first, 60)


def test_a_task_that_fills_the_heap_says_so_and_the_next_one_has_an_empty_one() -> None:
    small = {"jvm_flags": ["-Xmx48m"]}
    with pytest.raises(bow.TaskError, match=r"OutOfMemoryError.*Java heap space"):
        bow.get(enders("fillHeap", runtime_env=small, max_retries=0).remote(), timeout=60)
    assert bow.get(enders("hoarded", runtime_env=small).remote(), timeout=60) == 0


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [
        ("fall", (0,), r"java\.lang\.StackOverflowError"),
        ("broken", (), r"java\.lang\.ExceptionInInitializerError(.|\n)*no number"),
        ("missing", (), r"java\.lang\.NoClassDefFoundError: shop/Missing"),
        ("unreadable", (), r"never to be read"),
    ],
)
def test_errors_of_the_jvm_are_the_task_s_own(method: str, arguments: tuple[int, ...], words: str) -> None:
    with pytest.raises(bow.BowstringError, match=words):
        bow.get(enders(method, max_retries=0).remote(*arguments), timeout=60)
    assert bow.get(enders("pid").remote(), timeout=60) > 0


def test_an_error_in_another_thread_is_written_and_hurts_nobody() -> None:
    with hearing() as heard:
        assert bow.get(enders("elsewhere").remote(), timeout=60) == 5
        wait_until(lambda: any("IllegalStateException: in a thread of its own" in line for line in heard.err), 60)
    assert any('Exception in thread "apart"' in line for line in heard.err)


def test_code_that_heeds_no_end_of_its_time_ends_with_its_process(tmp_path: Path) -> None:
    with pytest.raises(bow.TaskTimeoutError, match="deaf"):
        bow.get(enders("deaf", timeout_s=0.2, max_retries=0).remote(str(tmp_path / "never")), timeout=60)
    assert bow.get(enders("pid").remote(), timeout=60) > 0


def test_a_jvm_runs_no_more_calls_of_a_function_than_it_may() -> None:
    pid = enders("pid", max_calls=2)
    pids = [bow.get(pid.remote(), timeout=60) for _ in range(6)]
    assert all(pids.count(each) <= 2 for each in pids)
    many = bow.get([pid.remote() for _ in range(6)], timeout=60)
    assert all(many.count(each) <= 2 for each in many)


def test_a_jvm_that_crashes_leaves_its_report_with_the_session(runtime: bow.Session) -> None:
    actor = bow.java_actor_class("cross.Enders").remote()
    pid = bow.get(actor.processId.remote(), timeout=60)
    os.kill(pid, signal.SIGSEGV)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 60)
    with pytest.raises(bow.ActorError, match=rf"SIGABRT.*the JVM's report.*hs_err_pid{pid}\.log"):
        bow.get(actor.processId.remote(), timeout=60)
    report = Path(runtime.address) / "logs" / f"hs_err_pid{pid}.log"
    assert "SIGSEGV" in report.read_text()
