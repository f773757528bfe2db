"""What Ray's users write, after the topics of Ray's public documentation of its core: only the import differs.

Tasks, actors, objects and generators; patterns are in test_ray_patterns.py. What has another name here,
or another meaning, is told in docs/from-ray.md.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bowstring as ray
from tests.process.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=4, resources={"disk": 1}, namespace="programs")
    yield
    ray.shutdown()


# Getting started ------------------------------------------------------------------------------------------------------


@ray.remote
def square(x: int) -> int:
    return x * x


@ray.remote
class Counter:
    def __init__(self, start: int = 0) -> None:
        self.n = start

    def increment(self, by: int = 1) -> int:
        self.n += by
        return self.n

    def read(self) -> int:
        return self.n

    def pid(self) -> int:
        return os.getpid()


def test_tasks_in_parallel() -> None:
    assert ray.get([square.remote(i) for i in range(4)]) == [0, 1, 4, 9]


def test_several_counters() -> None:
    counters = [Counter.remote() for _ in range(4)]
    for counter in counters:
        counter.increment.remote()
    assert ray.get([counter.read.remote() for counter in counters]) == [1, 1, 1, 1]


def test_an_object_is_put_once_and_read_by_many() -> None:
    @ray.remote
    def mean(matrix: np.ndarray) -> float:
        return float(matrix.mean())

    matrix = ray.put(np.ones((300, 300)))
    assert ray.get([mean.remote(matrix) for _ in range(4)]) == [1.0] * 4


# Tasks ----------------------------------------------------------------------------------------------------------------


def test_the_result_of_a_task_is_the_argument_of_another() -> None:
    first = square.remote(3)
    assert ray.get(square.remote(first)) == 81


def test_a_reference_in_a_list_stays_a_reference() -> None:
    @ray.remote
    def echo(a: Any, b: list[Any]) -> tuple[Any, bool]:
        return a, isinstance(b[0], ray.ObjectRef)

    ref = ray.put(7)
    assert ray.get(echo.remote(ref, [ref])) == (7, True)


def test_a_task_has_several_results() -> None:
    @ray.remote(num_returns=3)
    def three() -> tuple[int, int, int]:
        return 0, 1, 2

    a, b, c = three.remote()
    assert ray.get([a, b, c]) == [0, 1, 2]


def test_resources_and_options_are_given_to_a_decorator_or_to_a_call() -> None:
    @ray.remote(num_cpus=0.5, resources={"disk": 0.1})
    def where() -> str:
        return ray.get_runtime_context().get_node_id()

    assert ray.get(where.options(num_cpus=1).remote()) == ray.get(where.remote())


def test_wait_gives_what_is_ready(tmp_path: Path) -> None:
    @ray.remote
    def when(path: str) -> str:
        wait_until(Path(path).exists, 60)
        return path

    refs = [when.remote(str(tmp_path / name)) for name in ("a", "b")]
    (tmp_path / "b").touch()
    ready, left = ray.wait(refs, num_returns=1, timeout=None)
    assert (ready, left) == ([refs[1]], [refs[0]])
    (tmp_path / "a").touch()
    assert ray.get(left[0]).endswith("a")


def test_a_task_is_cancelled(tmp_path: Path) -> None:
    @ray.remote
    def waits(started: str) -> None:
        Path(started).touch()
        wait_until(lambda: False, 60)

    ref = waits.remote(str(tmp_path / "started"))
    wait_until((tmp_path / "started").exists, 60)
    ray.cancel(ref)
    with pytest.raises(ray.TaskCancelledError):
        ray.get(ref)


def test_get_runs_out_of_time(tmp_path: Path) -> None:
    @ray.remote
    def waits(path: str) -> None:
        wait_until(Path(path).exists, 60)

    ref = waits.remote(str(tmp_path / "go"))
    with pytest.raises(ray.GetTimeoutError):
        ray.get(ref, timeout=0.05)
    (tmp_path / "go").touch()
    ray.get(ref)


def test_tasks_start_tasks() -> None:
    @ray.remote
    def parent() -> list[int]:
        return ray.get([square.remote(i) for i in range(3)])

    assert ray.get(parent.remote()) == [0, 1, 4]


def test_a_task_that_crashes_is_tried_again(tmp_path: Path) -> None:
    @ray.remote(max_retries=1)
    def potentially_fails(mark: str) -> int:
        if not Path(mark).exists():
            Path(mark).touch()
            os._exit(1)
        return 0

    assert ray.get(potentially_fails.remote(str(tmp_path / "crashed"))) == 0

    @ray.remote(max_retries=0)
    def fails() -> None:
        os._exit(1)

    with pytest.raises(ray.WorkerCrashedError):
        ray.get(fails.remote())


def test_exceptions_are_tried_again_where_they_are_listed(tmp_path: Path) -> None:
    @ray.remote(max_retries=3, retry_exceptions=[ConnectionError])
    def flaky(log: str) -> int:
        with open(log, "a") as file:
            file.write("x")
        if os.stat(log).st_size < 3:
            raise ConnectionError("try again")
        return os.stat(log).st_size

    assert ray.get(flaky.remote(str(tmp_path / "log"))) == 3


def test_an_exception_is_raised_by_get_as_what_it_was() -> None:
    @ray.remote
    def divide(a: int, b: int) -> float:
        return a / b

    with pytest.raises(ZeroDivisionError) as caught:
        ray.get(divide.remote(1, 0))
    assert isinstance(caught.value, ray.exceptions.RayTaskError)
    with pytest.raises(ZeroDivisionError):
        ray.get(divide.remote(divide.remote(1, 0), 2))


# Generators -----------------------------------------------------------------------------------------------------------


def test_a_generator_streams_its_items() -> None:
    @ray.remote
    def task() -> Iterator[int]:
        yield from range(5)

    assert [ray.get(ref) for ref in task.remote()] == list(range(5))


def test_an_error_in_a_generator_is_its_last_item() -> None:
    @ray.remote
    def task() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    stream = task.remote()
    assert ray.get(next(stream)) == 1
    with pytest.raises(ValueError, match="broken"):
        ray.get(next(stream))
    with pytest.raises(StopIteration):
        next(stream)


def test_generators_of_actors_sync_and_async() -> None:
    @ray.remote
    class Actor:
        def f(self) -> Iterator[int]:
            yield from range(3)

    @ray.remote
    class AsyncActor:
        async def f(self) -> AsyncIterator[int]:
            for i in range(3):
                await asyncio.sleep(0)
                yield i

    for actor in (Actor.remote(), AsyncActor.remote()):
        assert [ray.get(ref) for ref in actor.f.remote()] == [0, 1, 2]


def test_a_generator_is_waited_for_together_with_others() -> None:
    @ray.remote
    def task() -> Iterator[int]:
        yield 1

    stream = task.remote()
    ready, _ = ray.wait([stream, square.remote(2)], num_returns=2)
    assert stream in ready


def test_generators_reduce_heap_memory() -> None:
    @ray.remote
    def split(size: int, parts: int) -> Iterator[np.ndarray]:
        for i in range(parts):
            yield np.full(size, i)

    assert sum(int(ray.get(ref)[0]) for ref in split.remote(50_000, 6)) == 15


# Actors ---------------------------------------------------------------------------------------------------------------


def test_handles_are_passed_to_tasks() -> None:
    @ray.remote
    def work(counter: Any) -> None:
        ray.get([counter.increment.remote() for _ in range(3)])

    counter = Counter.remote()
    ray.get([work.remote(counter) for _ in range(3)])
    assert ray.get(counter.read.remote()) == 9


def test_a_named_actor_is_found_by_name_and_made_only_once() -> None:
    first = Counter.options(name="global", get_if_exists=True).remote(10)
    second = Counter.options(name="global", get_if_exists=True).remote(20)
    ray.get(first.increment.remote())
    assert ray.get(second.read.remote()) == 11
    assert ray.get(ray.get_actor("global").read.remote()) == 11
    assert ray.get(ray.get_actor("global", namespace="programs").read.remote()) == 11


def test_a_detached_actor_lives_until_it_is_killed() -> None:
    Counter.options(name="kept", lifetime="detached").remote(5)
    assert ray.get(ray.get_actor("kept").read.remote()) == 5
    ray.kill(ray.get_actor("kept"))
    with pytest.raises(ValueError, match="kept"):
        ray.get_actor("kept")


def test_methods_with_options() -> None:
    @ray.remote
    class Foo:
        @ray.method(num_returns=2)
        def bar(self) -> tuple[int, int]:
            return 1, 2

    assert ray.get(Foo.remote().bar.remote()) == [1, 2]


def test_async_actors_run_calls_side_by_side() -> None:
    @ray.remote
    class AsyncActor:
        def __init__(self) -> None:
            self.waiting = 0
            self.all_here = asyncio.Event()

        async def meet(self, count: int) -> int:
            self.waiting += 1
            if self.waiting == count:
                self.all_here.set()
            await self.all_here.wait()
            return self.waiting

    actor = AsyncActor.remote()
    assert ray.get([actor.meet.remote(4) for _ in range(4)], timeout=60) == [4] * 4


def test_references_are_awaited() -> None:
    async def main() -> list[int]:
        return list(await asyncio.gather(*(square.remote(i) for i in range(3))))  # type: ignore[arg-type]

    assert asyncio.run(main()) == [0, 1, 4]


def test_concurrency_groups() -> None:
    @ray.remote(concurrency_groups={"io": 2, "compute": 4})
    class Actor:
        def __init__(self) -> None:
            self.io = asyncio.Event()

        @ray.method(concurrency_group="io")
        async def read(self) -> str:
            await self.io.wait()
            return "read"

        @ray.method(concurrency_group="compute")
        async def compute(self) -> str:
            self.io.set()
            return "computed"

    actor = Actor.remote()
    reads = [actor.read.remote() for _ in range(2)]
    assert ray.get(actor.compute.remote(), timeout=60) == "computed"
    assert ray.get(reads, timeout=60) == ["read"] * 2


def test_an_actor_restarts_and_its_calls_are_tried_again() -> None:
    counter = Counter.options(max_restarts=1, max_task_retries=-1).remote(10)
    pid = ray.get(counter.pid.remote())
    os.kill(pid, signal.SIGKILL)
    assert ray.get(counter.increment.remote(), timeout=60) == 11  # it starts anew from its constructor
    os.kill(ray.get(counter.pid.remote()), signal.SIGKILL)
    with pytest.raises(ray.ActorError):
        ray.get(counter.increment.remote(), timeout=60)


def test_an_actor_exits_by_itself() -> None:
    @ray.remote
    class Exiting:
        def leave(self) -> None:
            ray.actor.exit_actor()

    actor = Exiting.remote()
    ray.get(actor.leave.remote())
    with pytest.raises(ray.exceptions.RayActorError):
        ray.get(actor.leave.remote(), timeout=60)


# Objects --------------------------------------------------------------------------------------------------------------


def test_arrays_are_read_only_and_copied_to_be_changed() -> None:
    array = ray.get(ray.put(np.zeros(100_000)))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    own = array.copy()
    own[0] = 1
    assert own[0] == 1


def test_a_class_says_how_it_is_pickled() -> None:
    ref = ray.put(Connection("db"))
    assert ray.get(ref).conn == "connection to db"


class Connection:
    def __init__(self, path: str) -> None:
        self.path = path
        self.conn = f"connection to {path}"

    def __reduce__(self) -> Any:
        return Connection, (self.path,)


def test_closures_keep_the_objects_that_they_capture() -> None:
    def made(captured: Any) -> Any:
        return ray.remote(lambda: ray.get(captured) + 1)

    reads = made(ray.put(41))
    assert [ray.get(reads.remote()) for _ in range(3)] == [42] * 3


# Libraries ------------------------------------------------------------------------------------------------------------


def test_actor_pools_and_queues() -> None:
    from bowstring.util import ActorPool, Queue

    pool = ActorPool([Counter.remote() for _ in range(2)])
    assert sorted(pool.map_unordered(lambda actor, value: actor.increment.remote(value), [1, 1])) == [1, 1]

    @ray.remote
    def consumer(queue: Any) -> int:
        return queue.get(block=True)

    queue: Queue[int] = Queue(maxsize=100)
    refs = [consumer.remote(queue) for _ in range(2)]
    for i in range(2):
        queue.put(i)
    assert sorted(ray.get(refs, timeout=60)) == [0, 1]
