"""The patterns and anti-patterns of Ray's public documentation of its core: only the import differs.

Of an anti-pattern it is what its page advises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import bowstring as ray


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=4, resources={"disk": 1}, namespace="programs")
    yield
    ray.shutdown()


@ray.remote
def square(x: int) -> int:
    return x * x


# Patterns -------------------------------------------------------------------------------------------------------------


def test_pattern_nested_tasks_sort() -> None:
    @ray.remote
    def quick_sort(numbers: list[int]) -> list[int]:
        if len(numbers) < 20:
            return sorted(numbers)
        pivot, *rest = numbers
        smaller = quick_sort.remote([x for x in rest if x < pivot])
        greater = quick_sort.remote([x for x in rest if x >= pivot])
        return [*ray.get(smaller), pivot, *ray.get(greater)]

    numbers = [int(x) for x in np.random.default_rng(5).integers(0, 1000, 300)]
    assert ray.get(quick_sort.remote(numbers), timeout=60) == sorted(numbers)


def test_pattern_limit_the_number_of_pending_tasks() -> None:
    pending: list[Any] = []
    total = 0
    for i in range(100):
        if len(pending) >= 10:
            ready, pending = ray.wait(pending, num_returns=1)
            total += sum(ray.get(ready))
        pending.append(square.remote(i))
    assert total + sum(ray.get(pending)) == sum(i * i for i in range(100))


def test_pattern_resources_limit_how_many_run_at_once() -> None:
    meter = Meter.remote()

    @ray.remote(num_cpus=0, resources={"disk": 0.5})
    def heavy() -> None:
        ray.get(meter.enter.remote())
        ray.get(meter.leave.remote())

    ray.get([heavy.remote() for _ in range(10)])
    assert 1 <= ray.get(meter.most.remote()) <= 2


@ray.remote
class Meter:
    def __init__(self) -> None:
        self.now = self.peak = 0

    def enter(self) -> None:
        self.now += 1
        self.peak = max(self.now, self.peak)

    def leave(self) -> None:
        self.now -= 1

    def most(self) -> int:
        return self.peak


def test_pattern_an_actor_synchronizes_tasks() -> None:
    @ray.remote
    class Signal:
        def __init__(self) -> None:
            self.event = asyncio.Event()

        def send(self) -> None:
            self.event.set()

        async def wait(self) -> None:
            await self.event.wait()

    @ray.remote(num_cpus=0)
    def wait_and_go(signal: Any, number: int) -> int:
        ray.get(signal.wait.remote())
        return number

    signal_actor = Signal.remote()
    refs = [wait_and_go.remote(signal_actor, i) for i in range(3)]
    assert ray.wait(refs, timeout=0)[0] == []
    ray.get(signal_actor.send.remote())
    assert ray.get(refs, timeout=60) == [0, 1, 2]


def test_pattern_a_tree_of_actors() -> None:
    @ray.remote(num_cpus=0)
    class Trainer:
        def __init__(self, hyperparameter: float) -> None:
            self.hyperparameter = hyperparameter

        def fit(self, data: int) -> float:
            return data * self.hyperparameter

    @ray.remote(num_cpus=0)
    class Supervisor:
        def __init__(self, hyperparameter: float) -> None:
            self.trainers = [Trainer.remote(hyperparameter) for _ in range(3)]

        def fit(self) -> list[float]:
            return ray.get([trainer.fit.remote(i) for i, trainer in enumerate(self.trainers)])

    supervisors = [Supervisor.remote(1.0), Supervisor.remote(0.5)]
    assert ray.get([s.fit.remote() for s in supervisors]) == [[0.0, 1.0, 2.0], [0.0, 0.5, 1.0]]


def test_pattern_pipelining_overlaps_fetching_and_working() -> None:
    @ray.remote
    class WorkQueue:
        def __init__(self) -> None:
            self.items = list(range(10))

        def get_work_item(self) -> int | None:
            return self.items.pop(0) if self.items else None

    @ray.remote
    class Worker:
        def process(self, queue: Any) -> int:
            done = 0
            item_ref = queue.get_work_item.remote()
            while (item := ray.get(item_ref)) is not None:
                item_ref = queue.get_work_item.remote()  # fetched while this one is worked on
                done += item
            return done

    queue = WorkQueue.remote()
    assert sum(ray.get([Worker.remote().process.remote(queue) for _ in range(2)])) == 45


def test_pattern_work_is_taken_as_it_is_done() -> None:
    refs = [square.remote(i) for i in range(20)]
    assert sorted(ray.get(ref) for ref in ray.as_completed(refs)) == [i * i for i in range(20)]


# Anti-patterns: what the advice leads to ------------------------------------------------------------------------------


def test_anti_pattern_get_in_a_loop_is_one_get_behind_it() -> None:
    assert ray.get([square.remote(i) for i in range(10)]) == [i * i for i in range(10)]


def test_anti_pattern_unnecessary_gets_are_left_out() -> None:
    @ray.remote
    def generate() -> np.ndarray:
        return np.ones(60_000)

    @ray.remote
    def reduce(array: np.ndarray) -> float:
        return float(array.sum())

    assert ray.get(reduce.remote(generate.remote())) == 60_000


def test_anti_pattern_fetching_too_many_objects_at_once_is_done_in_batches() -> None:
    refs = [square.remote(i) for i in range(100)]
    total = 0
    while refs:
        batch, refs = refs[:10], refs[10:]
        total += sum(ray.get(batch))
    assert total == sum(i * i for i in range(100))


def test_anti_pattern_returning_a_put_works_all_the_same() -> None:
    @ray.remote
    def returns_a_put() -> Any:
        return ray.put(np.ones(60_000))

    assert ray.get(ray.get(returns_a_put.remote())).sum() == 60_000


def test_anti_pattern_too_fine_grained_tasks_are_put_in_batches() -> None:
    @ray.remote
    def double_all(numbers: list[int]) -> list[int]:
        return [2 * x for x in numbers]

    numbers = list(range(1000))
    batches = [double_all.remote(numbers[i : i + 100]) for i in range(0, 1000, 100)]
    assert [x for batch in ray.get(batches) for x in batch] == [2 * x for x in numbers]


def test_anti_pattern_defining_a_function_in_a_loop_is_cheap_but_not_needed() -> None:
    outputs = []
    for i in range(3):

        @ray.remote
        def double(x: int) -> int:
            return 2 * x

        outputs.append(double.remote(i))
    assert ray.get(outputs) == [0, 2, 4]


def test_anti_pattern_a_large_argument_is_put_once() -> None:
    @ray.remote
    def element(array: np.ndarray, i: int) -> float:
        return float(array[i])

    array = ray.put(np.arange(100_000, dtype=np.float64))
    assert ray.get([element.remote(array, i) for i in range(10)]) == [float(i) for i in range(10)]


def test_anti_pattern_a_large_captured_object_becomes_an_argument() -> None:
    large = np.ones(1 << 18)
    large_ref = ray.put(large)

    @ray.remote
    def captures() -> int:
        return len(large)

    @ray.remote
    def takes(array: np.ndarray) -> int:
        return len(array)

    assert ray.get([captures.remote(), takes.remote(large_ref)]) == [1 << 18] * 2


def test_anti_pattern_globals_are_not_shared_but_an_actor_is() -> None:
    @ray.remote
    class GlobalVar:
        def __init__(self) -> None:
            self.value = 3

        def set(self, value: int) -> None:
            self.value = value

        def get(self) -> int:
            return self.value

    @ray.remote
    def sees(shared: Any) -> int:
        return ray.get(shared.get.remote())

    shared = GlobalVar.remote()
    ray.get(shared.set.remote(4))
    assert ray.get(sees.remote(shared)) == 4


def test_anti_pattern_processes_in_a_task_are_spawned_not_forked() -> None:
    import multiprocessing

    @ray.remote
    def in_a_pool() -> list[int]:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.map(abs, [-1])

    assert ray.get(in_a_pool.remote(), timeout=60) == [1]
