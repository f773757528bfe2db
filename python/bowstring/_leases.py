"""Who runs this process's tasks: leases on workers, and how many tasks each has in flight (spec 4.3, 4.4, 4.7).

Tasks with the same needs share a LeasePool. It asks the node for leases as its queue grows, and talks to the leased
workers itself. A lease's window (tasks in flight) follows the run time that the worker reports: about WINDOW_S of work,
so that short tasks stream and long ones wait here, where any worker can take them. What was sent to a worker that turns
out slow is recalled when another has nothing to do.

A pool whose needs name a placement group is known only while it has something to do: there may be thousands of groups,
one after the other. As long as anybody has it, it is the pool of its needs: who asks for one gets it, and its use makes
it known again.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from bowstring._peers import Peer
from bowstring._placing import ANYWHERE, NO_GROUP, Place
from bowstring.errors import BowstringError, WorkerCrashedError, exception_from_record, make_record
from bowstring_wire import messages as m
from bowstring_wire.messages import ErrorCode, FrameType, TaskFlag
from bowstring_wire.protocol import frame

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring._tasks import PendingTask

WINDOW_S = 0.004  # work in flight on one worker: long enough to hide a round trip, short enough to share fairly
WINDOW_MAX = 512  # tasks in flight on one worker
OVERHEAD_S = 15e-6  # what a task costs its worker besides user code
LONG_TASK_S = 0.02  # from here on nothing is queued behind a running task
IDLE_S = 0.2  # a lease without tasks is kept this long: a program that submits and waits in turn keeps its worker
REQUESTS_MAX = 64  # leases asked for and not granted
STUCK_S = 0.01  # tasks behind one that takes longer than this are taken back
LOSSES_MAX = 16  # workers that may end under a task before it starts; it is not the task then, but nothing else runs
RECALL_S = 0.001  # queued work on one worker that is worth taking back for another
_EXACT, _RETIRE = int(TaskFlag.EXACT), int(TaskFlag.RETIRE)


class Lease:
    """One leased worker."""

    __slots__ = (
        "answered",
        "asked_back",
        "average_s",
        "epoch",
        "idle_since",
        "number",
        "peer",
        "pool",
        "recalled",
        "recalling",
        "retiring",
        "slow",
        "stalled",
        "window",
    )

    def __init__(self, pool: LeasePool, number: int, epoch: int, peer: Peer) -> None:
        self.pool = pool
        self.number = number
        self.epoch = epoch
        self.peer = peer
        self.window = 1
        self.average_s = 0.0
        self.idle_since = monotonic()
        self.stalled = False  # its task waits for an object; it takes nothing else meanwhile
        self.recalled = False  # the node wants it back
        self.recalling = False  # we asked it for queued tasks, and it has not answered yet
        self.asked_back = 0  # how many of those may still come; in one batch or several
        self.retiring = False  # its process ends after what is in flight (max_calls)
        self.slow = False  # its task has run for STUCK_S; nothing is sent behind it
        self.answered = False  # it has answered a task since the last look

    # PeerUser ----------------------------------------------------------------------------------------------------

    def on_answered(self, duration_ns: int) -> None:
        self.stalled = False
        self.slow = False
        self.answered = True
        took = duration_ns * 1e-9 + OVERHEAD_S
        self.average_s = took if not self.average_s else self.average_s * 0.8 + took * 0.2

    def on_returned(self, _peer: Peer, task: PendingTask) -> None:
        task.peer = None
        if task.flags & _RETIRE:
            self.pool.unretire(self, task)
        if self.asked_back:
            self.asked_back -= 1
        elif not self.recalled:
            self.stalled = True  # it returns what nobody asked for: its task waits, maybe for what is behind it
        if task.cancelled:
            self.pool.fail_cancelled(task)
        else:
            self.pool.queue.appendleft(task)

    def ask_back(self, count: int) -> None:
        """Ask the worker for up to `count` tasks that it has not started."""
        self.recalling = True
        self.asked_back = count
        self.peer.send(frame(FrameType.RECALL, m.Recall(count).encode()), True)

    def take_back_unsent(self) -> None:
        """The worker has not been greeted yet, and was sent nothing: its tasks are another's."""
        self.peer.backlog.clear()
        in_flight = self.peer.in_flight
        while in_flight:
            self.on_returned(self.peer, in_flight.popitem()[1])

    def on_retry(self, task: PendingTask) -> None:
        self.pool.queue.append(task)

    def on_batch_end(self, _peer: Peer) -> None:
        average = self.average_s
        if average >= LONG_TASK_S or self.slow:
            self.window = 1
        elif average:
            self.window = min(WINDOW_MAX, max(2, int(WINDOW_S / average)))
        self.recalling = False
        if not self.peer.in_flight:
            # A worker without tasks waits for nothing, and has nothing more to return.
            self.stalled = False
            self.asked_back = 0
        self.pool.pump()
        if not self.peer.in_flight:
            self.pool.rest(self)

    def on_peer_ended(self, peer: Peer, error: BowstringError) -> None:
        self.pool.leases.pop(self.number, None)
        self.pool.pools.by_number.pop(self.number, None)
        in_flight = list(peer.in_flight.values())
        peer.in_flight.clear()
        reached = not peer.backlog
        again = []
        for place, task in enumerate(in_flight):
            task.peer = None
            task.flags &= ~_RETIRE
            if task.forced:
                task.fail(self._ended_by_force(task))
                continue
            if task.flags & _EXACT and place:
                reached = False
            if not reached:
                task.losses += 1
                if task.losses > LOSSES_MAX:
                    task.fail(self._crash(task, error))
                else:
                    again.append(task)
                continue
            if place == 0:
                if not task.retries_left:
                    task.fail(self._crash(task, error))
                    continue
                if task.retries_left > 0:
                    task.retries_left -= 1
            task.attempt += 1
            task.flags |= _EXACT
            again.append(task)
        self.pool.queue.extendleft(reversed(again))
        self.pool.pump()
        self.pool.pools.drop_idle(self.pool)

    def on_peer_broken(self, peer: Peer, error: BowstringError) -> None:
        """The connection is no more, and the worker lives."""
        in_flight = list(peer.in_flight.values())
        peer.in_flight.clear()
        self.pool.give_back(self)
        for task in in_flight:
            task.fail(error)
        self.pool.pump()

    @staticmethod
    def _ended_by_force(task: PendingTask) -> BowstringError:
        message = f"{task.template.label} was cancelled by force: its worker's process was ended"
        return exception_from_record(
            make_record(ErrorCode.TASK_CANCELLED, message, may_have_executed=True, task=task.id)
        )

    @staticmethod
    def _crash(task: PendingTask, error: BowstringError) -> BowstringError:
        message = f"{error} while it ran {task.template.label} (attempt {task.attempt + 1}, no retries left)"
        code = error.code if isinstance(error, BowstringError) else WorkerCrashedError.code
        return exception_from_record(make_record(code, message, may_have_executed=True, task=task.id))


class LeasePool:
    """Tasks with the same needs, and the workers leased for them."""

    def __init__(
        self,
        pools: LeasePools,
        language: int,
        resources: tuple[tuple[str, int], ...],
        jvm_flags: str,
        place: Place = ANYWHERE,
        max_calls: int = 0,
    ) -> None:
        self.pools = pools
        self.runtime = pools.runtime
        self.language = language
        self.resources = tuple(m.Resource(name, units) for name, units in resources)
        self.jvm_flags = jvm_flags
        self.place = place
        self.max_calls = max_calls
        self.key = (language, resources, jvm_flags, place, max_calls)
        self.known = False  # it is in LeasePools.by_key
        self.queue: deque[PendingTask] = deque()
        self.waiting: set[PendingTask] = set()  # for their arguments
        self.leases: dict[int, Lease] = {}
        self.requests: dict[int, int] = {}  # request number to leases not granted yet
        self.requested = 0
        self._sweeping = False
        self._watching = False

    def submit(self, task: PendingTask) -> None:
        """Under the lock: run the task once its arguments are ready."""
        if task.missing:
            task.on_ready = self._enqueue
            self.waiting.add(task)
            self.pools.keep(self)
        else:
            self._enqueue(task)

    def pending(self) -> list[PendingTask]:
        """Under the lock: all tasks of the pool that are not done."""
        sent = (task for lease in self.leases.values() for task in lease.peer.in_flight.values())
        return [*self.waiting, *self.queue, *sent]

    def _enqueue(self, task: PendingTask) -> None:
        self.waiting.discard(task)
        if self.runtime.stopped is not None:
            task.fail(self.runtime.stopped)
            return
        if task.cancelled:
            self.fail_cancelled(task)
            return
        if task.parts is not None:
            try:
                error = task.resolve_arguments()
            except BowstringError as refused:
                task.fail(refused)
                return
            if error is not None:
                task.fail(error)
                return
        self.queue.append(task)
        self.pump()

    @staticmethod
    def fail_cancelled(task: PendingTask) -> None:
        from bowstring.errors import TaskCancelledError

        task.fail(TaskCancelledError(f"{task.template.label} was cancelled before it started"))

    def pump(self) -> None:
        """Send what the windows allow; ask for more workers if tasks are left."""
        queue = self.queue
        max_calls = self.max_calls
        while queue:
            best: Lease | None = None
            room = 0
            for lease in self.leases.values():
                free = lease.window - len(lease.peer.in_flight)
                if free > room and not lease.stalled and not lease.recalled and not lease.retiring:
                    best, room = lease, free
            if best is None:
                self._request()
                return
            peer = best.peer
            in_flight = peer.in_flight
            epoch = best.epoch
            for _ in range(min(room, len(queue), 8)):
                task = queue.popleft()
                if task.cancelled:
                    self.fail_cancelled(task)
                    continue
                task.peer = peer
                if max_calls and self._retires(best, task):
                    peer.send(task.frame(epoch), not in_flight)
                    in_flight[task.id] = task
                    break
                peer.send(task.frame(epoch), not in_flight)
                in_flight[task.id] = task
            if len(in_flight) > 1 and not self._watching:
                self._watching = True
                self.runtime.reactor.call_later(STUCK_S, self._watch)

    def _retires(self, lease: Lease, task: PendingTask) -> bool:
        """Count a call that is about to be sent; True, and marked, if the worker shall run no more of them."""
        calls = lease.peer.calls
        function = task.template.function
        number = calls[function] = calls.get(function, 0) + 1
        if number < self.max_calls:
            return False
        task.flags |= _RETIRE
        lease.retiring = True
        return True

    def unretire(self, lease: Lease, task: PendingTask) -> None:
        """A call that was to be the worker's last has come back: it will be another worker's."""
        task.flags &= ~_RETIRE
        lease.retiring = False
        lease.peer.calls[task.template.function] -= 1

    def _watch(self) -> None:
        """Take back what waits behind a task that turns out long: another worker may be free, or become so."""
        self._watching = False
        for lease in self.leases.values():
            queued = len(lease.peer.in_flight) - 1
            if queued <= 0:
                continue
            if lease.answered or lease.recalling:
                self._watching = True
            else:
                lease.slow = True
                lease.window = 1
                lease.ask_back(queued)
            lease.answered = False
        if self._watching:
            self.runtime.reactor.call_later(STUCK_S, self._watch)

    def _request(self) -> None:
        self.pools.keep(self)
        wanted = min(len(self.queue), REQUESTS_MAX)
        if self.requested and wanted < 2 * self.requested:
            return
        count = wanted - self.requested
        if count <= 0:
            return
        number = self.runtime.ask(
            FrameType.LEASE_REQUEST,
            lambda request: m.LeaseRequest(
                request,
                self.language,
                count,
                len(self.queue),
                resources=self.resources,
                jvm_flags=self.jvm_flags,
                environment=self.place.environment,
                placement_group=self.place.group,
                bundle=self.place.bundle,
                capture_children=self.place.capture_children,
            ),
            lambda _message, _body, error: self._refused(error),
        )
        if number:
            self.requests[number] = count
            self.requested += count
            self.pools.by_request[number] = self
            self.runtime.node_connection.flush()

    def _refused(self, error: BowstringError | None) -> None:
        for number in self.requests:
            self.pools.by_request.pop(number, None)
        self.requests.clear()
        self.requested = 0
        waiting, self.queue = self.queue, deque()
        for task in waiting:
            task.fail(error or BowstringError("the node refused the lease"))
        self.pools.drop_idle(self)

    def on_grant(self, message: m.LeaseGrant) -> None:
        left = self.requests[message.request] - 1
        self.requested -= 1
        if left:
            self.requests[message.request] = left
        else:
            del self.requests[message.request]
            self.pools.by_request.pop(message.request, None)
            self.runtime.forget_request(message.request)
        peer = self.runtime.peers.get(message.worker, message.address)
        lease = Lease(self, message.lease, message.epoch, peer)
        peer.user = lease
        self.leases[lease.number] = lease
        self.pools.by_number[lease.number] = lease
        self.pump()
        if not peer.in_flight:
            self.rest(lease)

    def rest(self, lease: Lease) -> None:
        """A lease has nothing in flight: give it back, help another, or keep it for a while."""
        if lease.recalled:
            self.give_back(lease)
            return
        if not lease.stalled and not lease.retiring:
            self._recall_for(lease)
        lease.idle_since = monotonic()
        if not self._sweeping:
            self._sweeping = True
            self.runtime.reactor.call_later(IDLE_S, self._sweep)

    def _recall_for(self, idle: Lease) -> None:
        """Take queued tasks back from the busiest worker, for one that has none."""
        busiest = None
        for lease in self.leases.values():
            if lease is not idle and not lease.recalling and len(lease.peer.in_flight) > 1:
                queued_s = (len(lease.peer.in_flight) - 1) * (lease.average_s or RECALL_S)
                if queued_s >= RECALL_S and (busiest is None or queued_s > busiest[0]):
                    busiest = (queued_s, lease)
        if busiest is not None:
            lease = busiest[1]
            lease.ask_back(len(lease.peer.in_flight) // 2)

    def _sweep(self) -> None:
        self._sweeping = False
        now = monotonic()
        left = False
        for lease in list(self.leases.values()):
            if lease.peer.in_flight or lease.stalled:
                continue
            if now - lease.idle_since >= IDLE_S:
                self.give_back(lease)
            else:
                left = True
        if not self.queue and self.requested:
            for number in list(self.requests):
                self.runtime.tell(FrameType.LEASE_WITHDRAW, m.LeaseWithdraw(number))
                self.runtime.forget_request(number)
                self.pools.by_request.pop(number, None)
            self.requests.clear()
            self.requested = 0
            self.runtime.node_connection.flush()
            self.pools.drop_idle(self)
        if left:
            self._sweeping = True
            self.runtime.reactor.call_later(IDLE_S, self._sweep)

    def give_back(self, lease: Lease) -> None:
        if self.leases.pop(lease.number, None) is None:
            return
        self.pools.by_number.pop(lease.number, None)
        lease.peer.user = None
        self.runtime.tell(FrameType.LEASE_RETURN, m.LeaseReturn(lease.number))
        self.runtime.node_connection.flush()
        self.pools.drop_idle(self)


class LeasePools:
    """All lease pools of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.by_key: dict[Any, LeasePool] = {}
        self.handed_out: WeakValueDictionary[Any, LeasePool] = WeakValueDictionary()  # whether they are known or not
        self.by_request: dict[int, LeasePool] = {}
        self.by_number: dict[int, Lease] = {}

    def pool(
        self,
        language: int,
        resources: tuple[tuple[str, int], ...],
        jvm_flags: str = "",
        place: Place = ANYWHERE,
        max_calls: int = 0,
    ) -> LeasePool:
        key = (language, resources, jvm_flags, place, max_calls)
        pool = self.by_key.get(key)
        if pool is None:
            with self.runtime.lock:
                pool = self.handed_out.get(key)
                if pool is None:
                    pool = LeasePool(self, language, resources, jvm_flags, place, max_calls)
                    self.handed_out[key] = pool
                self.keep(pool)
        return pool

    def on_grant(self, message: m.LeaseGrant, _body: bytes) -> None:
        pool = self.by_request.get(message.request)
        if pool is None:
            self.runtime.tell(FrameType.LEASE_RETURN, m.LeaseReturn(message.lease))
            return
        pool.on_grant(message)

    def on_recall(self, message: m.LeaseRecall, _body: bytes) -> None:
        lease = self.by_number.get(message.lease)
        if lease is None:
            return
        lease.recalled = True
        if not lease.peer.greeted:
            lease.take_back_unsent()
        count = len(lease.peer.in_flight)
        if not count:
            lease.pool.give_back(lease)
            lease.pool.pump()
        elif count > 1:
            lease.ask_back(count)

    def on_ended(self, number: int) -> None:
        lease = self.by_number.pop(number, None)
        if lease is not None:
            lease.pool.leases.pop(number, None)
            self.drop_idle(lease.pool)

    def keep(self, pool: LeasePool) -> None:
        """Under the lock: know a pool that has something to do."""
        if not pool.known:
            self.by_key[pool.key] = pool
            pool.known = True

    def drop_idle(self, pool: LeasePool) -> None:
        """Under the lock: know a group's pool no more, if it has nothing to do."""
        if pool.place.group == NO_GROUP or not pool.known:
            return
        if not (pool.queue or pool.waiting or pool.leases or pool.requests):
            del self.by_key[pool.key]
            pool.known = False

    def children(self, prefix: bytes) -> list[PendingTask]:
        """Under the lock: the tasks that are not done and whose ids start with `prefix`."""
        return [task for pool in self.by_key.values() for task in pool.pending() if task.id.startswith(prefix)]

    def fail_all(self, error: BowstringError) -> None:
        """Under the lock: nothing will run any more."""
        for pool in list(self.by_key.values()):
            waiting = [*pool.queue, *(task for lease in pool.leases.values() for task in lease.peer.in_flight.values())]
            pool.queue.clear()
            for lease in pool.leases.values():
                lease.peer.in_flight.clear()
            for task in waiting:
                task.fail(error)
