"""A lease's state by what its worker answers, without a worker."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

from bowstring._leases import Lease


def lease_with(*tasks: Any) -> Lease:
    pool: Any = SimpleNamespace(queue=deque(), pump=lambda: None, rest=lambda lease: None)
    peer: Any = SimpleNamespace(in_flight={task.id: task for task in tasks})
    return Lease(pool, 1, 1, peer)


def task(number: int) -> Any:
    return SimpleNamespace(id=number, peer=None, cancelled=False, flags=0)


def give_back(lease: Lease, *numbers: int) -> None:
    """One batch of Returned frames."""
    for number in numbers:
        lease.on_returned(lease.peer, lease.peer.in_flight.pop(number))  # type: ignore[arg-type, call-overload]
    lease.on_batch_end(lease.peer)


def test_tasks_that_a_recall_brings_back_in_two_batches_leave_a_usable_worker() -> None:
    lease = lease_with(task(1), task(2), task(3))
    lease.recalling = True
    give_back(lease, 3)
    give_back(lease, 2, 1)
    assert not lease.stalled


def test_a_worker_that_hands_tasks_back_behind_a_waiting_one_takes_no_more_until_it_answers() -> None:
    lease = lease_with(task(1), task(2))
    give_back(lease, 2)
    assert lease.stalled
    del lease.peer.in_flight[1]  # type: ignore[arg-type]
    lease.on_answered(1000)
    lease.on_batch_end(lease.peer)
    assert not lease.stalled
