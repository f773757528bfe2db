"""Many threads in one process, futures with callbacks, asyncio, Ctrl-C: nothing hangs, nothing waits without need."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bowstring as bow
from bowstring._runtime import current_runtime
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import end_of, wait_until

WITHIN_S = 30


@pytest.fixture(scope="module")
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=3, object_store_memory=512 << 20) as session:
        yield session


pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
def echo(value: Any) -> Any:
    return value


@bow.remote
def after(value: Any, seconds: float) -> Any:
    time.sleep(seconds)
    return value


@bow.remote
def mark(path: str) -> None:
    Path(path).touch()


def run_at_once(*targets: Callable[[], None]) -> None:
    """Run each in a thread of its own; raise the first error, or if one does not end."""
    errors: list[BaseException] = []

    def run(target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(target,), daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 2 * WITHIN_S
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"


@pytest.mark.parametrize("switch_interval_s", [5e-3, 1e-5])
def test_threads_that_do_everything_at_once_all_finish(switch_interval_s: float) -> None:
    def program(seed: int) -> Callable[[], None]:
        chance = random.Random(seed)

        def run() -> None:
            held: list[tuple[bow.ObjectRef[Any], Any]] = []
            for i in range(120):
                match chance.randrange(7):
                    case 0 | 1:
                        held.append((echo.remote((seed, i)), (seed, i)))
                    case 2:
                        held.append((bow.put([seed, i]), [seed, i]))
                    case 3:
                        held.append((after.remote(i, 0.002), i))
                    case 4 if held:
                        ready, rest = bow.wait([ref for ref, _ in held], timeout=chance.choice((0, 0.001, 1)))
                        assert len(ready) + len(rest) == len(held)
                    case 5 if held:
                        refs, values = zip(*held, strict=True)
                        assert bow.get(list(refs), timeout=WITHIN_S) == list(values)
                        held.clear()
                    case 6:
                        with pytest.raises(bow.GetTimeoutError):
                            bow.get(after.remote(1, 0.05), timeout=chance.choice((0, 0.001, 0.005)))
            for ref, value in held:
                assert bow.get(ref, timeout=WITHIN_S) == value

        return run

    interval = sys.getswitchinterval()
    sys.setswitchinterval(switch_interval_s)
    try:
        run_at_once(*map(program, range(8)))
    finally:
        sys.setswitchinterval(interval)


def test_timeouts_are_kept_while_another_thread_reads() -> None:
    slow = after.remote(1, 1.0)
    lateness: list[float] = []

    def wait_shortly() -> None:
        for _ in range(10):
            begun = time.monotonic()
            with pytest.raises(bow.GetTimeoutError):
                bow.get(slow, timeout=0.02)
            lateness.append(time.monotonic() - begun - 0.02)

    run_at_once(wait_shortly, wait_shortly, lambda: bow.get(slow, timeout=WITHIN_S))
    assert max(lateness) < 0.5


def test_a_thread_that_gives_up_hands_the_reading_on() -> None:
    slow = after.remote("value", 0.3)

    def give_up() -> None:
        with pytest.raises(bow.GetTimeoutError):
            bow.get(slow, timeout=0.1)

    def wait_on() -> None:
        assert bow.get(slow, timeout=WITHIN_S) == "value"

    run_at_once(give_up, wait_on, wait_on)


# Futures --------------------------------------------------------------------------------------------------------------


@bow.remote
class Gate:
    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def passed(self) -> str:
        await self.opened.wait()
        return "passed"

    async def open(self) -> None:
        self.opened.set()


def test_a_call_leaves_although_nobody_waits_for_it_and_another_thread_reads() -> None:
    gate = Gate.remote()
    passed: list[str] = []
    reader = threading.Thread(target=lambda: passed.append(bow.get(gate.passed.remote(), timeout=WITHIN_S)))
    reader.start()
    wait_until(lambda: current_runtime().reactor.asleep, WITHIN_S, "the other thread reads")
    gate.open.remote()
    reader.join()
    assert passed == ["passed"]


def test_a_callback_may_get_put_and_submit() -> None:
    done = threading.Event()
    found: list[Any] = []

    def callback(future: Any) -> None:
        found.append(bow.get(echo.remote(future.result() + 1), timeout=WITHIN_S))
        found.append(int(bow.get(bow.put(np.full(100_000, 3.0)), timeout=WITHIN_S)[0]))
        after.remote(4, 0.05).future().add_done_callback(lambda inner: (found.append(inner.result()), done.set()))

    after.remote(1, 0.05).future().add_done_callback(callback)
    assert done.wait(WITHIN_S)
    assert found == [2, 3, 4]


@pytest.mark.parametrize("main_waits", [False, True])
def test_a_callback_that_waits_for_another_thread_holds_nobody_up(main_waits: bool) -> None:
    """The other thread needs the sockets read; the callback must not run in who reads them."""
    entered, finished = threading.Event(), threading.Event()
    found: list[Any] = []

    def callback(_future: Any) -> None:
        entered.set()
        found.append(finished.wait(WITHIN_S))

    def other() -> None:
        assert entered.wait(WITHIN_S)
        assert bow.get(after.remote(5, 0.05), timeout=5) == 5
        finished.set()

    def main() -> None:
        if main_waits:
            assert bow.get(after.remote(6, 0.2), timeout=5) == 6

    after.remote(1, 0.05).future().add_done_callback(callback)
    run_at_once(main, other)
    wait_until(lambda: found == [True], WITHIN_S, "the callback ends")


def test_a_future_of_what_is_ready_is_done_and_errors_arrive_in_it() -> None:
    ref = bow.put(3)
    assert ref.future().result(timeout=WITHIN_S) == 3
    big = bow.put(np.arange(100_000))
    assert big.future().result(timeout=WITHIN_S).sum() == np.arange(100_000).sum()

    @bow.remote
    def fail() -> None:
        raise LookupError("nowhere")

    with pytest.raises(LookupError, match="nowhere"):
        fail.remote().future().result(timeout=WITHIN_S)
    cancelled = after.remote(1, 0.05).future()
    assert cancelled.cancel()
    assert bow.get(after.remote(2, 0.1), timeout=WITHIN_S) == 2


# asyncio --------------------------------------------------------------------------------------------------------------


def test_gather_over_hundreds_of_references() -> None:
    async def main() -> list[Any]:
        small = [echo.remote(i) for i in range(500)]
        large = [echo.remote(np.full(20_000, i)) for i in range(20)]
        values = await asyncio.gather(*small, *large)
        return [int(v if isinstance(v, int) else v[0]) for v in values]

    assert asyncio.run(main()) == [*range(500), *range(20)]


def test_the_event_loop_goes_on_while_references_are_awaited() -> None:
    async def main() -> int:
        ticks = 0
        task = asyncio.ensure_future(asyncio.wait_for(after.remote(1, 0.3), WITHIN_S))
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks

    assert asyncio.run(main()) > 5


def test_an_await_that_is_cancelled_or_fails_leaves_the_loop_well() -> None:
    @bow.remote
    def fail() -> None:
        raise LookupError("nowhere")

    async def main() -> Any:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(after.remote(1, 0.2), 0.02)
        with pytest.raises(LookupError, match="nowhere"):
            await fail.remote()
        return await after.remote(2, 0.25)

    assert asyncio.run(main()) == 2


def test_a_loop_that_is_closed_before_the_value_comes_disturbs_nobody() -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(asyncio.wait_for(after.remote(1, 0.2), 5))
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(main())
    assert bow.get(after.remote(2, 0.3), timeout=WITHIN_S) == 2


# In workers -----------------------------------------------------------------------------------------------------------


def test_threads_of_a_task_may_use_the_runtime() -> None:
    @bow.remote
    def spread() -> list[int]:
        out = [0] * 8

        def run(i: int) -> None:
            out[i] = bow.get(echo.remote(i)) + bow.get(bow.put(i))

        threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return out

    assert bow.get([spread.remote() for _ in range(3)], timeout=WITHIN_S) == [[2 * i for i in range(8)]] * 3


def test_a_thread_that_a_task_leaves_waiting_does_not_stop_its_worker() -> None:
    @bow.remote(num_cpus=3)
    def leave(refs: list[Any]) -> int:
        waiting = threading.Event()

        def wait() -> None:
            waiting.set()
            bow.wait(refs, timeout=20)

        threading.Thread(target=wait, daemon=True).start()
        assert waiting.wait(WITHIN_S)
        bow.wait(refs, timeout=0.05)
        return os.getpid()

    never = echo.remote(after.remote(1, 3))
    pid = bow.get(leave.remote([never]), timeout=WITHIN_S)
    begun = time.monotonic()
    assert bow.get([leave.options(num_cpus=3).remote([bow.put(1)]) for _ in range(3)], timeout=WITHIN_S)
    assert time.monotonic() - begun < 2.5
    assert pid
    bow.get(never)


def test_overlapping_calls_of_an_actor_may_all_wait() -> None:
    @bow.remote
    class Overlapping:
        def __init__(self) -> None:
            self.gate = threading.Barrier(6)

        def meet(self, refs: list[Any]) -> Any:
            value = bow.get(refs[0])
            self.gate.wait(WITHIN_S)
            return bow.get(echo.remote(value))

    actor = Overlapping.options(max_concurrency=6).remote()
    pending = after.remote(9, 0.1)
    assert bow.get([actor.meet.remote([pending]) for _ in range(6)], timeout=WITHIN_S) == [9] * 6


def test_async_methods_may_await_references() -> None:
    @bow.remote
    class Aio:
        async def both(self, refs: list[Any]) -> list[Any]:
            return list(await asyncio.gather(*refs, echo.remote(3)))

    actor = Aio.remote()
    refs = [after.remote(1, 0.05), bow.put(2)]
    assert bow.get([actor.both.remote(refs) for _ in range(20)], timeout=WITHIN_S) == [[1, 2, 3]] * 20


# Without waiting ------------------------------------------------------------------------------------------------------


def test_a_driver_that_never_waits_has_its_tasks_run_and_its_references_released(tmp_path: Path) -> None:
    files = [tmp_path / str(i) for i in range(300)]
    refs = [mark.remote(str(path)) for path in files]
    wait_until(lambda: all(path.exists() for path in files), 5, "every task has run")
    del refs
    big = bow.put(np.ones(100_000))
    nested = bow.put([big])
    outer = echo.remote([nested])
    ids = {big.hex(), nested.hex(), outer.hex()}
    del big, nested, outer
    idle = threading.Event()
    idle.wait(1.5)  # what is proved is that nothing else is needed than time
    assert not [row for row in query_state(StateKind.OBJECTS) if row["object"] in ids]


# Ctrl-C ---------------------------------------------------------------------------------------------------------------

DRIVER = """
    import os, signal, sys, threading, time
    import bowstring as bow

    @bow.remote
    def after(value, seconds):
        time.sleep(seconds)
        return value

    @bow.remote
    def echo(value):
        return value

    bow.init(num_cpus=2)
    bow.get(echo.remote(0))
"""


def start_driver(body: str) -> subprocess.Popen[str]:
    code = textwrap.dedent(DRIVER) + textwrap.dedent(body)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line_of(driver: subprocess.Popen[str]) -> str:
    assert driver.stdout is not None
    line = driver.stdout.readline().strip()
    assert line, end_of(driver)[1]
    return line


@pytest.mark.parametrize("others", [0, 2])
def test_ctrl_c_ends_a_get_at_once_and_the_driver_goes_on(others: int) -> None:
    """Also when the main thread follows another one that reads."""
    driver = start_driver(f"""
        slow = after.remote("slow", 2)
        for _ in range({others}):
            threading.Thread(target=lambda: bow.get(slow)).start()
        try:
            print("waiting", flush=True)
            bow.get(slow)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        print(bow.get(echo.remote("after")), bow.get(slow), flush=True)
    """)
    assert line_of(driver) == "waiting"
    driver.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert line_of(driver) == "interrupted"
    assert time.monotonic() - begun < 1
    out, err = end_of(driver)
    assert (out, driver.returncode) == ("after slow\n", 0), err


def test_ctrl_c_that_nobody_catches_ends_the_driver_and_leaves_nothing() -> None:
    driver = start_driver("""
        print("waiting", flush=True)
        bow.get(after.remote(1, 600))
    """)
    assert line_of(driver) == "waiting"
    driver.send_signal(signal.SIGINT)
    _, err = end_of(driver)
    assert "KeyboardInterrupt" in err
    assert driver.returncode == -signal.SIGINT


def test_ctrl_c_during_heavy_traffic_loses_no_result() -> None:
    """Wherever the signal hits, what was submitted is answered: frames are never left half read."""
    driver = start_driver("""
        wanted = 40
        interrupted = 0
        refs = []
        print("ready", flush=True)
        while interrupted < wanted:
            try:
                while True:
                    refs = [echo.remote(i) for i in range(200)]
                    for i in range(0, 200, 20):
                        bow.get(refs[i : i + 20])
            except KeyboardInterrupt:
                interrupted += 1
                assert bow.get(refs, timeout=20) == list(range(len(refs)))
                print(interrupted, flush=True)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(bow.get(echo.remote("end"), timeout=20), flush=True)
    """)
    assert line_of(driver) == "ready"
    chance = random.Random(5)
    for i in range(40):
        select_time = chance.uniform(0.001, 0.02)
        threading.Event().wait(select_time)
        driver.send_signal(signal.SIGINT)
        assert line_of(driver) == str(i + 1)
    out, err = end_of(driver)
    assert (out, driver.returncode) == ("end\n", 0), err


def test_ctrl_c_reaches_a_driver_that_submits_without_end() -> None:
    driver = start_driver("""
        refs = []
        print("ready", flush=True)
        try:
            while True:
                refs = refs[-1000:]
                refs.append(echo.remote(1))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        assert bow.get(refs, timeout=20) == [1] * len(refs)
        print("end", flush=True)
    """)
    assert line_of(driver) == "ready"
    threading.Event().wait(0.1)
    driver.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert line_of(driver) == "interrupted"
    assert time.monotonic() - begun < 1
    out, err = end_of(driver)
    assert (out, driver.returncode) == ("end\n", 0), err


def test_a_handler_of_the_users_own_stays_in_place() -> None:
    driver = start_driver("""
        bow.shutdown()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        caught = []
        signal.signal(signal.SIGINT, lambda *_: caught.append(1))
        bow.init(num_cpus=1)
        print("waiting", flush=True)
        assert bow.get(after.remote(1, 1)) == 1
        print(caught, flush=True)
    """)
    assert line_of(driver) == "waiting"
    driver.send_signal(signal.SIGINT)
    out, err = end_of(driver)
    assert (out, driver.returncode) == ("[1]\n", 0), err


def test_asyncio_cancels_its_main_task_on_ctrl_c() -> None:
    driver = start_driver("""
        import asyncio

        async def main():
            print("waiting", flush=True)
            try:
                await after.remote(1, 600)
            except asyncio.CancelledError:
                print("cancelled", flush=True)
                raise

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print(bow.get(echo.remote("interrupted")), flush=True)
        try:
            print("again", flush=True)
            bow.get(after.remote(1, 600))
        except KeyboardInterrupt:
            print("and again", flush=True)
    """)
    assert line_of(driver) == "waiting"
    driver.send_signal(signal.SIGINT)
    assert [line_of(driver) for _ in range(3)] == ["cancelled", "interrupted", "again"]
    driver.send_signal(signal.SIGINT)
    out, err = end_of(driver)
    assert (out, driver.returncode) == ("and again\n", 0), err


def test_the_process_has_no_more_threads_than_it_needs() -> None:
    names = sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("bowstring"))
    assert len(names) <= 2, names
