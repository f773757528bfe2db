"""Tasks: calls, arguments, results, errors, graphs, blocking."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import bowstring as bow
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
def add(a: int, b: int = 1) -> int:
    return a + b


@bow.remote
def pid() -> int:
    return os.getpid()


@bow.remote
def fibonacci(n: int) -> int:
    if n < 2:
        return n
    return sum(bow.get([fibonacci.remote(n - 1), fibonacci.remote(n - 2)]))


@bow.remote
def nested(depth: int) -> int:
    return 0 if depth == 0 else 1 + bow.get(nested.remote(depth - 1))


@bow.remote
def fail(message: str) -> None:
    raise KeyError(message)


def test_a_task_returns_its_result() -> None:
    assert bow.get(add.remote(1, 2)) == 3
    assert bow.get(add.remote(1)) == 2
    assert bow.get(add.remote(a=5, b=6)) == 11


def test_many_tasks_come_back_in_order() -> None:
    assert bow.get([add.remote(i) for i in range(2000)]) == list(range(1, 2001))


def test_tasks_run_in_other_processes() -> None:
    assert bow.get(pid.remote()) != os.getpid()


def test_references_as_arguments_resolve_and_nested_ones_do_not() -> None:
    one = bow.put(1)

    @bow.remote
    def kind(value: object, inside: list[object]) -> tuple[str, str]:
        return type(value).__name__, type(inside[0]).__name__

    assert bow.get(kind.remote(one, [one])) == ("int", "ObjectRef")
    assert bow.get(add.remote(one, b=add.remote(one))) == 3


def test_a_chain_of_dependent_tasks_runs_without_gets_between() -> None:
    ref = bow.put(0)
    for _ in range(200):
        ref = add.remote(ref)
    assert bow.get(ref) == 200


def test_a_task_may_return_several_results() -> None:
    @bow.remote(num_returns=3)
    def three() -> tuple[int, str, list[int]]:
        return 1, "two", [3]

    refs = three.remote()
    assert bow.get(refs) == [1, "two", [3]]


def test_a_wrong_number_of_results_is_named() -> None:
    @bow.remote(num_returns=2)
    def one() -> int:
        return 1

    with pytest.raises(bow.InvalidArgumentError, match="num_returns=2"):
        bow.get(one.remote()[0])


def test_closures_and_lambdas_are_sent_by_value() -> None:
    factor = 7
    times = bow.remote(lambda x: x * factor)
    assert bow.get(times.remote(6)) == 42


def test_an_error_is_also_of_the_class_that_was_raised() -> None:
    with pytest.raises(KeyError) as caught:
        bow.get(fail.remote("lost key"))
    error = caught.value
    assert isinstance(error, bow.TaskError)
    assert isinstance(error.cause, KeyError)
    assert "lost key" in str(error)
    assert "in fail" in error.remote_traceback
    assert error.pid != os.getpid()


def test_an_error_passes_through_dependent_tasks() -> None:
    with pytest.raises(KeyError, match="first"):
        bow.get(add.remote(add.remote(fail.remote("first"))))


def test_an_exception_that_does_not_pickle_still_arrives() -> None:
    @bow.remote
    def unpicklable() -> None:
        class Odd(Exception):
            def __reduce__(self) -> object:
                raise RuntimeError("no")

        raise Odd("strange")

    with pytest.raises(bow.TaskError, match="strange") as caught:
        bow.get(unpicklable.remote())
    assert type(caught.value.cause).__name__ == "Odd"
    assert "Odd" in caught.value.type_name


def test_tasks_may_call_tasks() -> None:
    assert bow.get(fibonacci.remote(10)) == 55


def test_recursion_of_depth_50_finishes() -> None:
    assert bow.get(nested.remote(50), timeout=60) == 50


def test_large_arrays_come_back_as_read_only_views() -> None:
    @bow.remote
    def ones(n: int) -> np.ndarray:
        return np.ones(n)

    @bow.remote
    def total(array: np.ndarray) -> float:
        assert not array.flags.writeable
        return float(array.sum())

    ref = ones.remote(1 << 18)
    array = bow.get(ref)
    assert not array.flags.writeable
    assert array.sum() == 1 << 18
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 2
    assert bow.get(total.remote(ref)) == 1 << 18
    assert bow.get(total.remote(np.arange(1 << 18))) == (1 << 17) * ((1 << 18) - 1)
    assert bow.get(total.remote(bow.put(np.ones(10)))) == 10


def test_large_results_of_other_types_go_through_the_store() -> None:
    @bow.remote
    def big() -> tuple[bytes, str, dict[str, np.ndarray]]:
        return b"x" * 500_000, "y" * 500_000, {"a": np.zeros(100_000)}

    raw, text, arrays = bow.get(big.remote())
    assert raw == b"x" * 500_000
    assert text == "y" * 500_000
    assert arrays["a"].shape == (100_000,)


@bow.remote
def after(gate: Path, value: int) -> int:
    """The value, once the gate is there."""
    wait_until(gate.exists, 30, str(gate))
    return value


def test_get_with_a_timeout_leaves_the_task_alone(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    ref = after.remote(gate, 1)
    with pytest.raises(bow.GetTimeoutError):
        bow.get(ref, timeout=0.01)
    gate.touch()
    assert bow.get(ref) == 1


def test_wait_splits_ready_from_not_ready(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    refs = [after.remote(gate, 2), add.remote(0)]
    ready, rest = bow.wait(refs, num_returns=1, timeout=10)
    assert ready == [refs[1]]
    assert rest == [refs[0]]
    gate.touch()
    ready, rest = bow.wait(refs, num_returns=2, timeout=10)
    assert ready == refs
    assert rest == []
    assert bow.wait([bow.put(1)], timeout=0)[0]


def test_references_travel_inside_results_and_puts() -> None:
    @bow.remote
    def make() -> list[object]:
        return [bow.put(10), add.remote(1, 1), bow.put(np.ones(50_000))]

    inner = bow.get(make.remote())
    assert bow.get(inner[0]) == 10
    assert bow.get(inner[1]) == 2
    assert bow.get(inner[2]).sum() == 50_000
    box = bow.put({"refs": inner})

    @bow.remote
    def open_box(value: dict[str, list[object]]) -> float:
        return sum(float(np.sum(x)) for x in bow.get(value["refs"]))

    assert bow.get(open_box.remote(box)) == 50_012


def test_a_pending_reference_can_be_passed_on() -> None:
    @bow.remote
    def slow() -> int:
        time.sleep(0.2)  # in inline mode nobody could open a gate: a call runs where it is made
        return 5

    @bow.remote
    def read(refs: list[object]) -> int:
        return bow.get(refs[0])

    assert bow.get(read.remote([slow.remote()])) == 5


def test_tasks_can_be_submitted_from_threads() -> None:
    results: list[int] = []

    def work(n: int) -> None:
        results.extend(bow.get([add.remote(n, i) for i in range(100)]))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(n + i for n in range(4) for i in range(100))


def test_a_reference_gives_a_future_and_can_be_awaited() -> None:
    import asyncio

    assert add.remote(2, 3).future().result(timeout=10) == 5

    async def main() -> int:
        return await add.remote(3, 4)

    assert asyncio.run(main()) == 7


def test_custom_resources_and_fractions_are_accepted() -> None:
    assert bow.get(add.options(resources={"widget": 0.5}, num_cpus=0.25).remote(1)) == 2


def test_a_task_that_can_never_run_is_refused() -> None:
    with pytest.raises(bow.TaskUnschedulableError, match="widget"):
        bow.get(add.options(resources={"widget": 99}).remote(1))


def test_empty_builds_in_place() -> None:
    array = bow.empty((1000, 100), "float32")
    array[:] = 3
    ref = bow.put(array)
    assert not array.flags.writeable
    assert bow.get(ref).sum() == 300_000

    @bow.remote
    def shape(value: np.ndarray) -> tuple[int, ...]:
        return value.shape

    assert bow.get(shape.remote(ref)) == (1000, 100)


def test_arrow_tables_are_shared() -> None:
    import pyarrow as pa

    table = pa.table({"x": list(range(100_000)), "s": ["a", "b"] * 50_000})
    ref = bow.put(table)

    @bow.remote
    def count(value: pa.Table) -> int:
        assert not value.column("x").chunk(0).buffers()[1].is_mutable
        return value.num_rows

    assert bow.get(count.remote(ref)) == 100_000
    assert bow.get(ref).equals(table)
