"""Queue: order, limits, waiting, batches, asyncio, from several processes."""

from __future__ import annotations

import asyncio
import queue
from typing import Any

import numpy as np
import pytest

import bowstring as bow
from bowstring.util import Empty, Full, Queue

pytestmark = pytest.mark.usefixtures("runtime")


def test_items_come_out_in_order() -> None:
    numbers: Queue[int] = Queue()
    for number in range(20):
        numbers.put(number)
    assert numbers.qsize() == len(numbers) == 20
    assert [numbers.get() for _ in range(20)] == list(range(20))
    assert numbers.empty()


def test_empty_and_full_are_those_of_the_standard_library() -> None:
    assert (Empty, Full) == (queue.Empty, queue.Full)
    one: Queue[int] = Queue(maxsize=1)
    with pytest.raises(queue.Empty):
        one.get_nowait()
    with pytest.raises(queue.Empty):
        one.get(timeout=0.01)
    one.put(1)
    assert one.full()
    with pytest.raises(queue.Full):
        one.put_nowait(2)
    with pytest.raises(queue.Full):
        one.put(2, timeout=0.01)
    assert one.get() == 1
    one.put(3)
    assert one.get() == 3


def test_batches_are_all_or_nothing() -> None:
    three: Queue[int] = Queue(maxsize=3)
    three.put_nowait_batch([1, 2])
    with pytest.raises(Full, match="room for 1"):
        three.put_nowait_batch([3, 4])
    with pytest.raises(Empty, match="has 2 items, not 3"):
        three.get_nowait_batch(3)
    assert three.get_nowait_batch(2) == [1, 2]
    with pytest.raises(bow.InvalidArgumentError, match="num_items"):
        three.get_nowait_batch(-1)


def test_getters_and_putters_wait_for_each_other() -> None:
    one: Queue[int] = Queue(maxsize=1)

    @bow.remote(num_cpus=0)
    def produce(target: Queue[int], count: int) -> None:
        for number in range(count):
            target.put(number)

    @bow.remote(num_cpus=0)
    def consume(source: Queue[int], count: int) -> list[int]:
        return [source.get() for _ in range(count)]

    taken = consume.remote(one, 30)
    bow.get(produce.remote(one, 30))
    assert bow.get(taken) == list(range(30))


def test_references_come_out_as_references_and_arrays_as_arrays() -> None:
    anything: Queue[Any] = Queue()
    anything.put(bow.put(5))
    anything.put(np.ones(200_000))
    ref = anything.get()
    assert isinstance(ref, bow.ObjectRef)
    assert bow.get(ref) == 5
    assert anything.get().sum() == 200_000


def test_a_queue_works_from_asyncio() -> None:
    async def main() -> list[int]:
        numbers: Queue[int] = Queue(maxsize=2)
        getters = [asyncio.ensure_future(numbers.get_async()) for _ in range(5)]
        for number in range(5):
            await numbers.put_async(number)
        with pytest.raises(Empty):
            await numbers.get_async(timeout=0)
        return list(await asyncio.gather(*getters))

    assert sorted(asyncio.run(main())) == list(range(5))


def test_who_gave_up_waiting_takes_no_item() -> None:
    numbers: Queue[int] = Queue()
    waiting = numbers.actor.get.remote(None, True)
    bow.cancel(waiting)
    with pytest.raises(bow.TaskCancelledError):
        bow.get(waiting)
    numbers.put(1)
    assert numbers.get(timeout=30) == 1


def test_after_shutdown_waiters_and_callers_are_told() -> None:
    numbers: Queue[int] = Queue()
    waiting = numbers.actor.get.remote(None, True)
    numbers.put(1)
    assert bow.get(waiting) == (True, 1)
    waiting = numbers.actor.get.remote(None, True)
    numbers.shutdown()
    with pytest.raises(bow.ActorDiedError):
        bow.get(waiting)
    with pytest.raises(bow.ActorDiedError):
        numbers.put(1)
    numbers.shutdown()


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(bow.InvalidArgumentError, match="maxsize"):
        Queue("3")  # type: ignore[arg-type]
    with pytest.raises(bow.InvalidArgumentError, match="timeout"):
        Queue().get(timeout=-1)
