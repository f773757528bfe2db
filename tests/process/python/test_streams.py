"""Streams: items come as they are made, in order and once, whatever ends; what nobody reads is freed."""

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
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
def count(stop: int) -> Iterator[int]:
    yield from range(stop)


@bow.remote
def endless(mark: str) -> Iterator[int]:
    """Yields for ever; leaves a mark when it is closed."""
    number = 0
    try:
        while True:
            yield number
            number += 1
    finally:
        Path(mark).write_text(str(number))


@bow.remote
class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def count(self, stop: int) -> Iterator[int]:
        self.calls += 1
        yield from range(stop)

    @bow.method(num_returns="streaming")
    def mapped(self, stop: int) -> Any:
        return map(str, range(stop))

    def call_count(self) -> int:
        return self.calls


@bow.remote
class AsyncCounter:
    async def count(self, stop: int) -> AsyncIterator[int]:
        for number in range(stop):
            await asyncio.sleep(0)
            yield number

    def count_at_once(self, stop: int) -> Iterator[int]:
        yield from range(stop)

    async def endless(self, mark: str) -> AsyncIterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
                await asyncio.sleep(0)
        finally:
            Path(mark).write_text("closed")

    async def hello(self) -> str:
        return "hello"


def objects() -> list[dict[str, Any]]:
    """What the node knows of, but for the lives of actors."""
    return [row for row in query_state(StateKind.OBJECTS) if row["size"] or row["state"] != "PENDING"]


def test_items_come_in_order_as_they_are_yielded(tmp_path: Path) -> None:
    @bow.remote
    def until(path: str) -> Iterator[str]:
        yield "first"
        wait_until(Path(path).exists, 20)
        yield "second"

    stream = until.remote(str(tmp_path / "go"))
    assert isinstance(stream, bow.ObjectRefGenerator)
    assert bow.get(next(stream), timeout=20) == "first"
    assert not stream.next_ready()
    (tmp_path / "go").touch()
    assert bow.get(next(stream)) == "second"
    with pytest.raises(StopIteration):
        next(stream)
    assert stream.is_finished()
    assert bow.get(stream.completed()) is None


def test_a_long_stream_is_whole() -> None:
    assert bow.get(list(count.remote(5000))) == list(range(5000))
    assert list(count.remote(0)) == []


def test_a_function_streams_only_what_it_is_told_to() -> None:
    @bow.remote(num_returns="streaming")
    def mapped() -> Any:
        return map(str, range(3))

    @bow.remote(num_returns="streaming")
    def number() -> int:
        return 5

    assert [bow.get(ref) for ref in mapped.remote()] == ["0", "1", "2"]
    (error,) = number.remote()
    with pytest.raises(bow.InvalidArgumentError, match=r"number.*yield, or return an iterator; it returned int"):
        bow.get(error)


def test_a_generator_may_yield_a_fixed_number_of_results() -> None:
    @bow.remote(num_returns=2)
    def pair(count: int) -> Any:
        yield from range(count)

    assert bow.get(pair.remote(2)) == [0, 1]
    for count, got in ((1, "1 values"), (10**9, "3 values")):
        with pytest.raises(bow.InvalidArgumentError, match=f"num_returns=2 .* not {got}"):
            bow.get(pair.remote(count)[0])


def test_an_error_is_the_last_item() -> None:
    @bow.remote
    def breaks() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    stream = breaks.remote()
    first, error = stream
    assert bow.get(first) == 1
    for ref in (error, stream.completed()):
        with pytest.raises(ValueError, match="no more"):
            bow.get(ref)


def test_what_can_not_be_written_ends_the_stream_with_an_error() -> None:
    @bow.remote
    def yields_a_lock() -> Iterator[Any]:
        yield 1
        yield threading.Lock()
        yield 3

    first, error = yields_a_lock.remote()
    assert bow.get(first) == 1
    with pytest.raises(bow.SerializationError, match="lock"):
        bow.get(error)


def test_large_items_go_through_the_store_and_are_freed() -> None:
    @bow.remote
    def arrays(number: int) -> Iterator[Any]:
        for place in range(number):
            yield np.full(100_000, place)

    for place, ref in enumerate(arrays.remote(5)):
        assert int(bow.get(ref)[-1]) == place
    del ref
    wait_until(lambda: not objects(), 10, "nothing is left in the store")


def test_items_may_hold_references_to_arguments_and_puts() -> None:
    @bow.remote
    def wrap(refs: list[Any]) -> Iterator[Any]:
        for ref in refs:
            yield [ref, bow.put("own")]

    refs = [bow.put(number) for number in range(3)]
    stream = wrap.remote(refs)
    del refs
    found = [bow.get(ref) for ref in stream]
    assert [bow.get(pair) for pair in found] == [[0, "own"], [1, "own"], [2, "own"]]
    del found
    wait_until(lambda: not objects(), 10, "no reference is left")


def test_items_can_be_arguments_and_be_passed_on() -> None:
    @bow.remote
    def add(left: int, right: int) -> int:
        return left + right

    @bow.remote
    def total(refs: list[Any]) -> int:
        return sum(bow.get(refs))

    first, second, third = count.remote(3)
    assert bow.get(add.remote(second, third)) == 3
    assert bow.get(total.remote([first, second, third])) == 3


def test_no_more_items_than_the_backpressure_are_made_ahead(tmp_path: Path) -> None:
    made = tmp_path / "made"

    @bow.remote(generator_backpressure=3)
    def noted(stop: int) -> Iterator[int]:
        for number in range(stop):
            with made.open("a") as file:
                file.write("x")
            yield number

    stream = noted.remote(10)
    wait_until(lambda: made.exists() and made.stat().st_size == 3, 20, "three items are made")
    read = 0
    for ref in stream:
        read += 1
        assert bow.get(ref) == read - 1
        assert made.stat().st_size <= read + 3
    assert read == made.stat().st_size == 10


def test_a_stream_that_waits_to_be_read_gives_its_cpu_away() -> None:
    streams = [count.options(generator_backpressure=1, num_cpus=2).remote(3) for _ in range(3)]
    refs = [next(stream) for stream in streams]
    assert bow.get(refs, timeout=20) == [0, 0, 0]
    assert [[bow.get(ref) for ref in stream] for stream in streams] == [[1, 2]] * 3


@pytest.mark.parametrize("how", ["close", "drop", "cancel"])
def test_a_stream_that_nobody_reads_on_is_cancelled(how: str, tmp_path: Path) -> None:
    mark = tmp_path / "closed"
    stream = endless.remote(str(mark))
    assert bow.get(next(stream)) == 0
    completed = stream.completed()
    if how == "close":
        stream.close()
        with pytest.raises(StopIteration):
            next(stream)
    elif how == "drop":
        del stream
    else:
        bow.cancel(stream)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(completed, timeout=20)
    assert mark.exists()
    if how == "cancel":
        *_, last = stream
        with pytest.raises(bow.TaskCancelledError):
            bow.get(last)


def test_one_that_waits_for_its_reader_is_cancelled(tmp_path: Path) -> None:
    mark = tmp_path / "closed"
    stream = endless.options(generator_backpressure=2).remote(str(mark))
    completed = stream.completed()
    next(stream)
    stream.close()
    with pytest.raises(bow.TaskCancelledError):
        bow.get(completed, timeout=20)
    assert mark.exists()


def test_an_early_close_frees_what_is_left() -> None:
    @bow.remote
    def arrays() -> Iterator[Any]:
        while True:
            yield np.zeros(50_000)

    stream = arrays.options(generator_backpressure=20).remote()
    kept = next(stream)
    wait_until(lambda: len(objects()) == 20, 20, "as many items are made as may be")
    completed = stream.completed()
    stream.close()
    with pytest.raises(bow.TaskCancelledError):
        bow.get(completed, timeout=20)
    wait_until(lambda: len(objects()) == 1, 10, "only the item that was read is left")
    assert bow.get(kept).shape == (50_000,)


def test_a_stream_in_the_queue_can_be_closed() -> None:
    slow = count.options(num_cpus=2, generator_backpressure=1).remote(2)
    next(slow)
    queued = [count.options(num_cpus=2).remote(1) for _ in range(3)]
    for stream in queued:
        stream.close()
        assert list(stream) == []


def test_a_stream_survives_its_worker_without_a_gap_or_a_double(tmp_path: Path) -> None:
    tries = tmp_path / "tries"

    @bow.remote
    def fragile(stop: int) -> Iterator[Any]:
        with tries.open("a") as file:
            file.write("x")
        for number in range(stop):
            if number == 60 and tries.stat().st_size < 3:
                os.kill(os.getpid(), signal.SIGKILL)
            yield np.full(20_000, number) if number % 2 else number

    stream = fragile.remote(100)
    found = [int(np.max(bow.get(ref))) for ref in stream]
    assert found == list(range(100))
    assert tries.stat().st_size == 3
    wait_until(lambda: not objects(), 10, "nothing is left in the store")


def test_a_paced_stream_survives_its_worker(tmp_path: Path) -> None:
    died = tmp_path / "died"

    @bow.remote(generator_backpressure=2)
    def fragile(stop: int) -> Iterator[int]:
        for number in range(stop):
            if number == 5 and not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield number

    assert [bow.get(ref) for ref in fragile.remote(10)] == list(range(10))


def test_without_retries_the_crash_is_the_last_item() -> None:
    @bow.remote(max_retries=0, generator_backpressure=1)
    def fragile() -> Iterator[int]:
        yield 1
        os.kill(os.getpid(), signal.SIGKILL)

    first, error = fragile.remote()
    assert bow.get(first) == 1
    with pytest.raises(bow.WorkerCrashedError, match="fragile"):
        bow.get(error)


def test_a_stream_ends_with_the_process_that_asked_for_it(runtime: bow.Session, tmp_path: Path) -> None:
    mark = tmp_path / "closed"
    program = f"""
        import bowstring as bow
        from pathlib import Path

        @bow.remote
        def endless(mark):
            try:
                while True:
                    yield 1
            finally:
                Path(mark).write_text("closed")

        bow.init({runtime.address!r})
        stream = endless.options(generator_backpressure=2).remote({str(mark)!r})
        next(stream)
        print("reading", flush=True)
        input()
    """
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"reading\n"
        driver.kill()
    wait_until(mark.exists, 20, "the stream is closed")


def test_a_stream_waits_for_a_caller_that_does_not_take_its_items(runtime: bow.Session, tmp_path: Path) -> None:
    made = tmp_path / "made"
    program = f"""
        import bowstring as bow

        @bow.remote
        def heavy(made):
            with open(made, "ab", buffering=0) as file:
                for number in range(100_000):
                    file.write(b"x")
                    yield bytes(50_000)

        bow.init({runtime.address!r})
        stream = heavy.remote({str(made)!r})
        next(stream)
        print("stopped", flush=True)
        input()
    """
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"stopped\n"
        driver.send_signal(signal.SIGSTOP)
        sizes = [-1]

        def rests() -> bool:
            sizes.append(made.stat().st_size)
            return len(sizes) > 30 and len(set(sizes[-30:])) == 1

        wait_until(rests, 30, "the stream waits")
        before = made.stat().st_size
        driver.send_signal(signal.SIGCONT)
        wait_until(lambda: made.stat().st_size > before + 100, 30, "the stream goes on")
        driver.kill()


def test_random_kills_closes_and_paces_lose_nothing_and_leave_nothing() -> None:
    @bow.remote(max_retries=-1)
    def fragile(stop: int, seed: int) -> Iterator[Any]:
        chance = random.Random(seed + time.time_ns())
        for number in range(stop):
            if chance.random() < 0.02:
                os.kill(os.getpid(), signal.SIGKILL)
            yield np.full(20_000, number) if number % 3 == 0 else number

    chance = random.Random(11)
    for round_ in range(6):
        streams = [fragile.options(generator_backpressure=chance.randrange(1, 6)).remote(40, round_) for _ in range(2)]
        streams += [fragile.remote(40, round_) for _ in range(2)]
        for stream in streams:
            wanted = chance.randrange(1, 60)
            found = []
            for ref in stream:
                found.append(int(np.max(bow.get(ref))))
                if len(found) == wanted:
                    break
            assert found == list(range(min(wanted, 40)))
        del ref, stream, streams
    wait_until(lambda: not objects(), 20, "nothing is left in the store")


def test_a_stream_of_an_actor_survives_its_restart(tmp_path: Path) -> None:
    @bow.remote(max_restarts=1, max_task_retries=1)
    class Fragile:
        def count(self, stop: int, mark: str) -> Iterator[int]:
            for number in range(stop):
                if number == 7 and not Path(mark).exists():
                    Path(mark).touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                yield number

    assert [bow.get(ref) for ref in Fragile.remote().count.remote(20, str(tmp_path / "died"))] == list(range(20))


def test_a_read_can_run_out_of_time(tmp_path: Path) -> None:
    @bow.remote
    def until(path: str) -> Iterator[int]:
        wait_until(Path(path).exists, 20)
        yield 1

    stream = until.remote(str(tmp_path / "go"))
    with pytest.raises(bow.GetTimeoutError, match=r"until yielded nothing within 0\.05 s"):
        stream.next(timeout=0.05)
    with pytest.raises(bow.InvalidArgumentError, match="timeout"):
        stream.next(timeout=-1)
    assert bow.wait([stream], timeout=0.05) == ([], [stream])
    (tmp_path / "go").touch()
    assert bow.wait([stream], timeout=20) == ([stream], [])
    assert bow.get(stream.next(timeout=0)) == 1


def test_a_stream_is_read_from_asyncio(tmp_path: Path) -> None:
    async def main() -> list[int]:
        return [await ref async for ref in count.options(generator_backpressure=2).remote(20)]

    assert asyncio.run(main()) == list(range(20))


def test_several_threads_share_a_stream() -> None:
    stream = count.options(generator_backpressure=4).remote(300)
    found: list[int] = []

    def read() -> None:
        for ref in stream:
            found.append(bow.get(ref))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == list(range(300))


def test_methods_of_actors_stream() -> None:
    counter = Counter.remote()
    assert [bow.get(ref) for ref in counter.count.remote(4)] == [0, 1, 2, 3]
    assert [bow.get(ref) for ref in counter.mapped.remote(2)] == ["0", "1"]
    assert [bow.get(ref) for ref in counter.count.options(generator_backpressure=1).remote(4)] == [0, 1, 2, 3]
    assert bow.get(counter.call_count.remote()) == 2
    with pytest.raises(bow.InvalidArgumentError, match="kill"):
        bow.cancel(counter.count.remote(1), force=True)


def test_a_method_says_itself_how_far_it_may_run_ahead(tmp_path: Path) -> None:
    made = tmp_path / "made"

    @bow.remote
    class Paced:
        @bow.method(generator_backpressure=2)
        def count(self) -> Iterator[int]:
            for number in range(10):
                with made.open("a") as file:
                    file.write("x")
                yield number

    @bow.remote
    def read(paced: Any) -> tuple[int, int]:
        stream = paced.count.remote()
        first = bow.get(next(stream))
        wait_until(lambda: made.stat().st_size >= 2, 20, "two items are made")
        assert made.stat().st_size <= 3
        return first, sum(1 for _ in stream)

    assert bow.get(read.remote(Paced.remote()), timeout=30) == (0, 9)


def test_threads_of_an_actor_stream_side_by_side() -> None:
    counter = Counter.options(max_concurrency=2).remote()
    streams = [counter.count.options(generator_backpressure=1).remote(3) for _ in range(2)]
    pairs = [[bow.get(next(stream), timeout=20) for stream in streams] for _ in range(3)]
    assert pairs == [[0, 0], [1, 1], [2, 2]]


def test_methods_of_async_actors_stream_side_by_side(tmp_path: Path) -> None:
    counter = AsyncCounter.remote()
    assert [bow.get(ref) for ref in counter.count.remote(4)] == [0, 1, 2, 3]
    paced = counter.count_at_once.options(generator_backpressure=1).remote(3)
    stream = counter.endless.options(generator_backpressure=5).remote(str(tmp_path / "mark"))
    next(stream)
    assert bow.get(counter.hello.remote(), timeout=20) == "hello"
    assert [bow.get(ref) for ref in paced] == [0, 1, 2]
    del stream
    wait_until((tmp_path / "mark").exists, 20, "the generator is closed")
    assert bow.get(counter.hello.remote(), timeout=20) == "hello"


def test_tasks_read_streams_of_tasks() -> None:
    @bow.remote
    def doubled(stop: int) -> Iterator[int]:
        for ref in count.options(generator_backpressure=2).remote(stop):
            yield bow.get(ref) * 2

    assert [bow.get(ref) for ref in doubled.options(generator_backpressure=2).remote(10)] == list(range(0, 20, 2))


def test_a_generator_can_not_be_passed_on() -> None:
    stream = count.remote(1)

    @bow.remote
    def take(_what: object) -> None: ...

    for call in (take.remote, bow.put):
        with pytest.raises(bow.SerializationError, match="can't be passed on"):
            call(stream)
    with pytest.raises(bow.InvalidArgumentError, match="list"):
        bow.get(stream)  # type: ignore[call-overload]
