"""A lease's state by what its worker answers, without a worker."""

from __future__ import annotations

import contextlib
import gc
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bowstring._leases import LONG_TASK_S, Lease, LeasePool, LeasePools
from bowstring._peers import Peer, Peers
from bowstring._placing import Place
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType

TASK_FRAME = b"task"


class Runtime:
    """What leases and peers want of a runtime; notes what goes to the node, and what is put off."""

    def __init__(self) -> None:
        self.told: list[tuple[FrameType, Any]] = []
        self.asked: list[m.LeaseRequest] = []
        self.later: list[Any] = []
        self.stopped = None
        self.reactor: Any = SimpleNamespace(
            call_later=lambda _delay_s, action: self.later.append(action), add=lambda connection: None
        )
        self.node_connection = SimpleNamespace(flush=lambda: None)
        self.lock: Any = SimpleNamespace(__enter__=lambda: None, __exit__=lambda *_: None)
        self.peers = Peers(self)  # type: ignore[arg-type]

    def tell(self, kind: FrameType, message: Any) -> None:
        self.told.append((kind, message))

    def ask(self, _kind: FrameType, make: Any, _action: Any) -> int:
        self.asked.append(make(len(self.asked) + 1))
        return len(self.asked)

    def forget_request(self, _number: int) -> None: ...


class World:
    """A pool with one lease on a worker that is reached, or not yet."""

    def __init__(self, *, greeted: bool) -> None:
        self.runtime = Runtime()
        self.pools = LeasePools(self.runtime)  # type: ignore[arg-type]
        self.pool = LeasePool(self.pools, 1, (), "")
        self.sent: list[bytes] = []
        self.peer = Peer(self.runtime.peers, 7, "/nowhere")
        self.runtime.peers.by_place[7, "/nowhere"] = self.peer
        connection: Any = SimpleNamespace(send=self.sent.append, send_now=self.sent.append)
        if greeted:
            self.peer.open = self.peer.greeted = True
            self.peer.connection = connection

    def grant(self, *numbers: int, window: int = 8) -> Lease:
        """Tasks that wait, and the lease on which they are sent."""
        self.pool.queue.extend(task(number) for number in numbers)
        lease = Lease(self.pool, 3, 1, self.peer)
        lease.window = window
        self.peer.user = lease
        self.pool.leases[3] = self.pools.by_number[3] = lease
        self.pool.pump()
        return lease

    def queued(self) -> list[int]:
        return [task.id for task in self.pool.queue]  # type: ignore[misc]

    def in_flight(self) -> list[int]:
        return list(self.peer.in_flight)  # type: ignore[arg-type]

    def recall(self) -> None:
        self.pools.on_recall(m.LeaseRecall(3), b"")

    def returned(self) -> list[int]:
        return [message.lease for kind, message in self.runtime.told if kind is FrameType.LEASE_RETURN]

    def give_back(self, *numbers: int) -> None:
        """One batch of Returned frames."""
        lease: Any = self.peer.user
        for number in numbers:
            lease.on_returned(self.peer, self.peer.in_flight.pop(number))  # type: ignore[call-overload]
        lease.on_batch_end(self.peer)


class Task(SimpleNamespace):
    """What a pool wants of a task."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def task(number: int) -> Any:
    return Task(
        id=number, peer=None, cancelled=False, flags=0, frame=lambda epoch: TASK_FRAME, template=SimpleNamespace(),
        missing=0, parts=None,
    )  # fmt: skip


def is_recall(data: bytes) -> bool:
    return data[4:6] == int(FrameType.RECALL).to_bytes(2, "little")


def test_tasks_that_a_recall_brings_back_in_two_batches_leave_a_usable_worker() -> None:
    world = World(greeted=True)
    lease = world.grant(1, 2, 3, 4)
    lease.window = 1
    lease.ask_back(3)
    assert is_recall(world.sent[-1])
    world.give_back(4)
    world.give_back(3, 2)
    assert not lease.stalled
    assert (world.in_flight(), world.queued()) == ([1], [2, 3, 4])


def test_what_a_worker_returns_beyond_what_was_asked_back_means_that_its_task_waits() -> None:
    world = World(greeted=True)
    lease = world.grant(1, 2, 3, 4)
    lease.window = 1
    lease.ask_back(1)
    world.give_back(4)
    assert not lease.stalled
    world.give_back(3, 2)
    assert lease.stalled


def test_a_worker_that_hands_tasks_back_behind_a_waiting_one_takes_no_more_until_it_answers() -> None:
    world = World(greeted=True)
    lease = world.grant(1, 2)
    world.give_back(2)
    assert lease.stalled
    assert (world.in_flight(), world.queued()) == ([1], [2])
    del world.peer.in_flight[1]  # type: ignore[arg-type]
    lease.on_answered(int(LONG_TASK_S * 1e9))
    lease.on_batch_end(world.peer)
    assert not lease.stalled
    assert world.in_flight() == [2]


def test_what_comes_back_to_a_recalled_lease_does_not_stall_it_and_it_goes_with_its_last_task() -> None:
    world = World(greeted=True)
    lease = world.grant(1, 2, 3)
    world.recall()
    assert is_recall(world.sent[-1])
    world.give_back(3)
    world.give_back(2)
    assert (lease.stalled, world.returned(), world.in_flight(), world.queued()) == (False, [], [1], [2, 3])
    del world.peer.in_flight[1]  # type: ignore[arg-type]
    lease.on_answered(1000)
    lease.on_batch_end(world.peer)
    assert world.returned() == [3]


def test_a_recall_during_the_handshake_takes_all_tasks_back_at_once_and_asks_for_another_worker() -> None:
    world = World(greeted=False)
    world.grant(1, 2, 3)
    assert (world.in_flight(), world.peer.backlog) == ([1, 2, 3], [TASK_FRAME] * 3)
    world.recall()
    assert (world.in_flight(), world.peer.backlog, world.queued()) == ([], [], [1, 2, 3])
    assert world.returned() == [3]
    assert [request.count for request in world.runtime.asked] == [3]
    assert not world.pool.leases


def test_a_recall_during_the_handshake_of_an_idle_lease_gives_it_back() -> None:
    world = World(greeted=False)
    world.grant()
    world.recall()
    assert world.returned() == [3]


def test_a_task_that_was_cancelled_meanwhile_does_not_come_back() -> None:
    world = World(greeted=False)
    world.grant(1, 2)
    failed: list[Any] = []
    first: Any = world.peer.in_flight[1]  # type: ignore[call-overload]
    first.cancelled, first.fail, first.template.label = True, failed.append, "first"
    world.recall()
    assert world.queued() == [2]
    assert len(failed) == 1


@pytest.fixture
def full_listener(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A worker that listens, and whose queue of callers is full."""
    address = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(address)
        listener.listen(0)
        first.connect(address)
        yield address, listener


def test_a_worker_that_has_too_many_callers_at_once_is_tried_again(full_listener: tuple[str, socket.socket]) -> None:
    address, listener = full_listener
    runtime = Runtime()
    peer = runtime.peers.get(7, address)
    assert peer.connection is None
    listener.accept()[0].close()
    again = runtime.later.pop()
    again()
    assert peer.connection is not None
    peer.connection.sock.close()


def test_a_worker_that_cut_the_handshake_off_is_tried_again_while_it_lives(tmp_path: Path) -> None:
    address = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        runtime = Runtime()
        peer = runtime.peers.get(7, address)
        first: Any = peer.connection
        first.sock.close()
        peer._on_closed(first)
        again = runtime.later.pop()
        again()
        second: Any = peer.connection
        assert second is not first
        second.sock.close()
        peer._on_closed(second)
        runtime.peers.by_place.clear()  # it has ended meanwhile, or the runtime has
        runtime.later.pop()()
        assert peer.connection is second


class Groups:
    """Pools of a process that uses placement groups, without a node."""

    def __init__(self) -> None:
        self.runtime = Runtime()
        self.runtime.lock = contextlib.nullcontext()
        self.pools = LeasePools(self.runtime)  # type: ignore[arg-type]

    def pool(self, number: int) -> LeasePool:
        return self.pools.pool(1, (), place=Place(group=number.to_bytes(16, "little")))

    def run(self, pool: LeasePool, number: int) -> None:
        """A task from its submission to the return of its lease."""
        pool.submit(task(number))
        peer = Peer(self.runtime.peers, number, "/nowhere")
        lease = Lease(pool, number, 1, peer)
        pool.leases[number] = self.pools.by_number[number] = lease
        pool.queue.clear()
        pool.requests.clear()
        self.pools.by_request.clear()
        pool.requested = 0
        pool.give_back(lease)


def test_a_groups_pool_is_known_while_it_has_something_to_do() -> None:
    groups = Groups()
    plain = groups.pools.pool(1, ())
    for number in range(1, 100):
        pool = groups.pool(number)
        assert groups.pool(number) is pool
        groups.run(pool, number)
    assert list(groups.pools.by_key.values()) == [plain]


def test_a_groups_pool_is_found_again_as_long_as_somebody_has_it() -> None:
    groups = Groups()
    first = groups.pool(1)
    groups.run(first, 1)
    assert not groups.pools.by_key
    assert groups.pool(1) is first
    groups.run(first, 2)
    waits = task(2)
    waits.missing = 1
    first.submit(waits)
    assert groups.pools.by_key == {first.key: first}
    assert groups.pool(1) is first


def test_a_groups_pool_that_nobody_has_is_gone() -> None:
    groups = Groups()
    groups.run(groups.pool(1), 1)
    gc.collect()
    assert not groups.pools.handed_out
