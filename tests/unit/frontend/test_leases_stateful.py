"""Whatever workers answer, whenever they are reached and however they end: each task ends once, and each lease is
given back or has ended."""

from __future__ import annotations

from collections import Counter, deque
from types import SimpleNamespace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bowstring._leases import LeasePools
from bowstring._peers import Peer, Peers
from bowstring.errors import WorkerCrashedError
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType
from bowstring_wire.protocol import PREFIX_SIZE

RETRIES = 3


class Task:
    """As much of a PendingTask as leases want."""

    def __init__(self, number: int, ended: Counter[int]) -> None:
        self.id = number
        self._ended = ended
        self.attempt = self.losses = self.flags = self.missing = 0
        self.retries_left = RETRIES
        self.cancelled = self.forced = False
        self.peer = self.parts = None
        self.template = SimpleNamespace(label=f"task {number}", function=b"f")

    def frame(self, _epoch: int) -> bytes:
        return b"task %d" % self.id

    def fail(self, _error: Any) -> None:
        self._ended[self.id] += 1


class Worker:
    """What a worker has been sent, and does."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lease = 0
        self.peer: Any = None  # from its first grant on
        self.queue: deque[int] = deque()
        self.to_return = 0

    def send(self, data: bytes) -> None:
        if data.startswith(b"task "):
            self.queue.append(int(data[5:]))
            return
        assert int.from_bytes(data[4:6], "little") == FrameType.RECALL
        size = int.from_bytes(data[:4], "little")
        self.to_return += m.Recall.decode(data[PREFIX_SIZE : PREFIX_SIZE + size]).count

    send_now = send

    def close(self) -> None: ...
    def drain(self) -> None: ...


class Unreached(Peers):
    """Peers that are connected by hand."""

    def get(self, worker: int, address: str) -> Peer:
        return self.by_place.setdefault((worker, address), Peer(self, worker, address))


class Leases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.later: list[Any] = []
        self.asked: dict[int, tuple[int, Any]] = {}  # by request: leases that are still wanted, and who is told
        self.runtime: Any = SimpleNamespace(
            reactor=SimpleNamespace(call_later=lambda _delay_s, action: self.later.append(action)),
            node_connection=SimpleNamespace(flush=lambda: None),
            lock=_NoLock(),
            stopped=None,
            tell=self.tell,
            ask=self.ask,
            forget_request=lambda number: None,
        )
        self.peers = self.runtime.peers = Unreached(self.runtime)
        self.pools = LeasePools(self.runtime)
        self.pool = self.pools.pool(1, ())
        self.tasks: dict[int, Task] = {}
        self.ended: Counter[int] = Counter()
        self.workers: dict[int, Worker] = {}  # by lease
        self.idle: list[Worker] = []
        self.requests = self.leases = self.processes = 0

    # The node's side

    def ask(self, _kind: FrameType, make: Any, action: Any) -> int:
        self.requests += 1
        self.asked[self.requests] = (make(self.requests).count, action)
        return self.requests

    def tell(self, kind: FrameType, message: Any) -> None:
        if kind is FrameType.LEASE_WITHDRAW:
            del self.asked[message.request]
        else:
            assert kind is FrameType.LEASE_RETURN
            worker = self.workers.pop(message.lease)  # each is given back once
            assert not worker.queue
            assert not worker.peer.in_flight
            self.idle.append(worker)

    def grant_one(self, request: int, greeted: bool) -> None:
        count, action = self.asked.pop(request)
        if count > 1:
            self.asked[request] = (count - 1, action)
        self.leases += 1
        if self.idle:
            worker = self.idle.pop()
        else:
            self.processes += 1
            worker = Worker(self.processes)
            worker.peer = self.peers.get(worker.number, "/worker")
        worker.lease, worker.to_return = self.leases, 0
        self.workers[self.leases] = worker
        self.pools.on_grant(m.LeaseGrant(request, self.leases, worker.number, self.leases, 1, "/worker"), b"")
        if greeted and not worker.peer.greeted:
            self.greet(worker)

    def greet(self, worker: Worker) -> None:
        peer = worker.peer
        connection: Any = worker
        peer.connection, peer.open, peer.greeted = connection, True, True
        for data in peer.backlog:
            worker.send(data)
        peer.backlog.clear()

    def batch_end(self, worker: Worker) -> None:
        if worker.peer.user is not None:
            worker.peer.user.on_batch_end(worker.peer)

    def finish_one(self, worker: Worker, took_ns: int) -> None:
        number: Any = worker.queue.popleft()
        del worker.peer.in_flight[number]
        self.ended[number] += 1
        assert worker.peer.user is not None
        worker.peer.user.on_answered(took_ns)

    def reached(self) -> list[Worker]:
        return [worker for worker in self.workers.values() if worker.peer.greeted]

    # What may happen

    @rule(count=st.integers(1, 40))
    def submit(self, count: int) -> None:
        for _ in range(count):
            task: Any = Task(len(self.tasks) + 1, self.ended)
            self.tasks[task.id] = task
            self.pool.submit(task)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), greeted=st.booleans())
    def node_grants(self, data: Any, greeted: bool) -> None:
        self.grant_one(data.draw(st.sampled_from(sorted(self.asked))), greeted)

    @precondition(lambda self: any(not worker.peer.greeted for worker in self.workers.values()))
    @rule(data=st.data())
    def worker_greets(self, data: Any) -> None:
        waiting = sorted(lease for lease, worker in self.workers.items() if not worker.peer.greeted)
        self.greet(self.workers[data.draw(st.sampled_from(waiting))])

    @precondition(lambda self: any(worker.queue for worker in self.reached()))
    @rule(data=st.data(), count=st.integers(1, 20), took_ns=st.sampled_from([1_000, 1_000_000, 50_000_000]))
    def worker_answers(self, data: Any, count: int, took_ns: int) -> None:
        worker = data.draw(st.sampled_from([worker for worker in self.reached() if worker.queue]))
        for _ in range(min(count, len(worker.queue))):
            self.finish_one(worker, took_ns)
        self.batch_end(worker)

    @precondition(lambda self: any(worker.to_return for worker in self.reached()))
    @rule(data=st.data(), at_most=st.integers(1, 20))
    def worker_returns_what_it_was_asked_for(self, data: Any, at_most: int) -> None:
        worker = data.draw(st.sampled_from([worker for worker in self.reached() if worker.to_return]))
        for _ in range(min(at_most, worker.to_return)):
            if len(worker.queue) > 1:  # the first one runs
                self.return_last(worker)
        worker.to_return = max(0, worker.to_return - at_most)
        self.batch_end(worker)

    @precondition(lambda self: any(len(worker.queue) > 1 for worker in self.reached()))
    @rule(data=st.data())
    def worker_blocks_and_returns_what_is_queued(self, data: Any) -> None:
        worker = data.draw(st.sampled_from([worker for worker in self.reached() if len(worker.queue) > 1]))
        while len(worker.queue) > 1:
            self.return_last(worker)
        self.batch_end(worker)

    def return_last(self, worker: Worker) -> None:
        number: Any = worker.queue.pop()
        task = worker.peer.in_flight.pop(number)
        assert worker.peer.user is not None
        worker.peer.user.on_returned(worker.peer, task)

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def node_recalls(self, data: Any) -> None:
        self.pools.on_recall(m.LeaseRecall(data.draw(st.sampled_from(sorted(self.workers)))), b"")

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def worker_dies(self, data: Any) -> None:
        self.kill(self.workers.pop(data.draw(st.sampled_from(sorted(self.workers)))))

    def kill(self, worker: Worker) -> None:
        worker.queue.clear()
        worker.peer.end(WorkerCrashedError("killed"))
        self.pools.on_ended(worker.lease)

    @precondition(lambda self: self.later)
    @rule()
    def time_passes(self) -> None:
        due, self.later = self.later, []
        for action in due:
            action()

    @precondition(lambda self: self.asked)
    @rule()
    def node_refuses(self) -> None:
        _, action = self.asked[min(self.asked)]
        self.asked.clear()
        action(None, b"", WorkerCrashedError("no worker can be started"))

    # What must hold

    @invariant()
    def every_task_is_in_one_place(self) -> None:
        places = Counter(task.id for task in self.pool.queue)
        for lease in self.pool.leases.values():
            places.update(list(lease.peer.in_flight))
        for number in self.tasks:
            assert places[number] + self.ended[number] == 1  # type: ignore[index]

    @invariant()
    def workers_have_what_was_sent(self) -> None:
        for worker in self.reached():
            assert list(worker.queue) == list(worker.peer.in_flight)

    @invariant()
    def who_waits_has_asked_or_has_a_worker(self) -> None:
        if self.pool.queue:
            busy = any(lease.peer.in_flight or lease.stalled for lease in self.pool.leases.values())
            assert self.asked or busy

    def teardown(self) -> None:
        """With workers that do their work, everything comes to its end."""
        for _ in range(10_000):
            if self.asked:
                self.grant_one(min(self.asked), True)
            for worker in list(self.workers.values()):
                if not worker.peer.greeted:
                    self.greet(worker)
                while worker.queue:
                    self.finish_one(worker, 1_000)
                self.batch_end(worker)
            if not self.pool.queue and not any(worker.queue for worker in self.workers.values()):
                break
        assert all(self.ended[number] == 1 for number in self.tasks)


class _NoLock:
    def __enter__(self) -> None: ...
    def __exit__(self, *_error: Any) -> None: ...


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
