"""Calls to actors: one client for each actor that this process has called (spec 5.2).

A client subscribes to the actor's life once, connects to its worker, and numbers its calls. Calls leave in the order in
which they were made: one whose arguments are not ready holds back those behind it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from bowstring._peers import Peer
from bowstring.errors import (
    ActorDiedError,
    BowstringError,
    PendingCallsLimitExceeded,
    exception_from_record,
    make_record,
)
from bowstring_wire import messages as m
from bowstring_wire.messages import ActorLife, ErrorCode, FrameType

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring._tasks import PendingTask

IN_FLIGHT_MAX = 8192  # calls sent to one actor and not answered; more wait here


class ActorClient:
    """This process's side of one actor."""

    __slots__ = (
        "_returned", "actor", "cut_off", "death", "incarnation", "life", "logged", "name", "paused", "peer", "queue",
        "runtime", "sequence",
    )  # fmt: skip

    def __init__(self, runtime: Runtime, actor: bytes, record: m.ActorHandle) -> None:
        self.runtime = runtime
        self.actor = actor
        self.name = record.class_name or record.module
        self.logged = record.checkpoint_interval > 0  # its calls keep their sequence in all its lives (spec 5.4/1)
        self.life = int(ActorLife.PENDING)
        self.incarnation = 0
        self.sequence = 0
        self.peer: Peer | None = None
        self.cut_off: Peer | None = None  # its connection was broken off, and its worker lives
        self.paused = False  # the worker is ending: what it returned waits for the actor's next state
        self.queue: deque[PendingTask] = deque()
        self._returned: list[PendingTask] = []
        self.death: BowstringError | None = None
        runtime.tell(FrameType.ACTOR_SUBSCRIBE, m.ActorSubscribe(actor))
        runtime.node_connection.flush()

    def submit(self, task: PendingTask, pending_max: int = -1) -> None:
        """Under the lock: send the call in its turn."""
        if pending_max > 0:
            pending = len(self.queue) + (len(self.peer.in_flight) if self.peer else 0)
            if pending >= pending_max:
                raise PendingCallsLimitExceeded(
                    f"{pending} calls to {self.name} are pending, and max_pending_calls is {pending_max}"
                )
        if self.death is not None:
            task.fail(self.death)
            return
        if self.logged:
            task.sequence = -1
        peer = self.peer
        if peer is None or self.queue or task.missing or task.parts is not None or self.paused:
            if task.missing:
                task.on_ready = self._on_task_ready
            self.queue.append(task)
            if self.cut_off is not None:
                self._connect_again()
            self.pump()
        elif len(in_flight := peer.in_flight) < IN_FLIGHT_MAX:
            self._send(peer, task, not in_flight)
        else:
            self.queue.append(task)

    def _on_task_ready(self, _task: PendingTask) -> None:
        self.pump()

    def pump(self) -> None:
        peer = self.peer
        if peer is None or self.paused:
            return
        queue, in_flight = self.queue, peer.in_flight
        while queue and len(in_flight) < IN_FLIGHT_MAX:
            task = queue[0]
            if task.missing:
                return
            queue.popleft()
            if task.cancelled:
                from bowstring._leases import LeasePool

                LeasePool.fail_cancelled(task)
                continue
            if task.parts is not None:
                try:
                    error = task.resolve_arguments()
                except BowstringError as refused:
                    task.fail(refused)
                    continue
                if error is not None:
                    task.fail(error)
                    continue
            self._send(peer, task, not in_flight)

    def _send(self, peer: Peer, task: PendingTask, now: bool) -> None:
        if not self.logged or task.sequence < 0:
            task.sequence = self.sequence
            self.sequence += 1
        task.peer = peer
        peer.send(task.frame(self.incarnation), now)
        peer.in_flight[task.id] = task

    # The actor's life --------------------------------------------------------------------------------------------

    def on_state(self, state: m.ActorState) -> None:
        """Under the lock: the node tells how the actor is."""
        if self.death is not None or (state.incarnation < self.incarnation):
            return
        self.life = state.life
        self.cut_off = None
        if state.life == ActorLife.ALIVE:
            if self.peer is not None and self.peer.place == (state.worker, state.address):
                return
            if self.peer is not None:
                self.peer.end(self._lost("its process has ended", ErrorCode.ACTOR_UNAVAILABLE))
            self.incarnation = state.incarnation
            if not self.logged:
                self.sequence = 0
            self.paused = False
            self.peer = self.runtime.peers.get(state.worker, state.address)
            self.peer.user = self
            self.pump()
        elif state.life == ActorLife.RESTARTING:
            if self.peer is not None:
                reason = state.error.message if state.error else "its process has ended"
                self.peer.end(self._lost(reason, ErrorCode.ACTOR_UNAVAILABLE))
        elif state.life == ActorLife.DEAD:
            record = state.error
            if record is None or not record.code:
                record = make_record(ErrorCode.ACTOR_DIED, f"actor {self.name} is dead")
            self.death = exception_from_record(record)
            if self.peer is not None:
                self.peer.end(self.death)
            self._fail_queue(self.death)

    def _lost(self, reason: str, code: ErrorCode) -> BowstringError:
        message = f"actor {self.name}: {reason}; the call may have run"
        return exception_from_record(make_record(code, message, may_have_executed=True, retryable=True))

    def _fail_queue(self, error: BowstringError) -> None:
        queue, self.queue = self.queue, deque()
        for task in queue:
            task.fail(error)

    # PeerUser ----------------------------------------------------------------------------------------------------

    def on_answered(self, _duration_ns: int) -> None:
        """An actor's run times change nothing here."""

    def on_returned(self, _peer: Peer, task: PendingTask) -> None:
        """The worker is another incarnation than we thought, or is ending: wait for its next state."""
        task.peer = None
        self.paused = True
        self._returned.append(task)

    def on_retry(self, task: PendingTask) -> None:
        """A call raised, and is to be made again, as a new one: behind those that wait."""
        if self.logged:
            task.sequence = -1
        self.queue.append(task)

    def on_batch_end(self, _peer: Peer) -> None:
        if self._returned:
            # They came back in the order in which they were sent, and go again before what was never sent.
            self.queue.extendleft(reversed(self._returned))
            self._returned.clear()
        if self.queue and self.life == ActorLife.ALIVE:
            self.pump()

    def on_peer_ended(self, peer: Peer, error: BowstringError) -> None:
        self.peer = None
        in_flight = list(peer.in_flight.values())
        peer.in_flight.clear()
        again = []
        for place, task in enumerate(in_flight):
            task.peer = None
            if self.logged and self.death is None:
                task.attempt += place == 0
                again.append(task)
            elif task.retries_left and self.death is None:
                if task.retries_left > 0:
                    task.retries_left -= 1
                task.attempt += 1
                again.append(task)
            elif self.death is not None:
                task.fail(self._died_in_call(task))
            elif isinstance(error, ActorDiedError) or error.code == ErrorCode.ACTOR_UNAVAILABLE:
                task.fail(error)
            else:
                task.fail(self._lost(str(error), ErrorCode.ACTOR_UNAVAILABLE))
        self.queue.extendleft(reversed(again))

    def on_peer_broken(self, peer: Peer, error: BowstringError) -> None:
        """The connection is no more, and the actor lives: the next call connects again."""
        self.peer = None
        self.cut_off = peer
        calls = list(peer.in_flight.values())
        peer.in_flight.clear()
        if not peer.greeted:
            calls += self.queue  # it would not have the next one either
            self.queue.clear()
        for task in calls:
            task.fail(self._lost(str(error), ErrorCode.ACTOR_UNAVAILABLE))
        if self.queue:
            self._connect_again()
            self.pump()

    def _connect_again(self) -> None:
        if self.cut_off is not None:
            self.peer = self.runtime.peers.get(self.cut_off.worker, self.cut_off.address)
            self.peer.user = self
            self.cut_off = None

    def _died_in_call(self, task: PendingTask) -> BowstringError:
        assert self.death is not None
        record = self.death.record
        if record is None:
            return self.death
        message = f"{record.message} (call {task.template.label} was in flight and may have run)"
        return exception_from_record(make_record(ErrorCode(record.code), message, may_have_executed=True, task=task.id))


class ActorClients:
    """The actors that this process has called."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.by_actor: dict[bytes, ActorClient] = {}

    def client(self, actor: bytes, record: m.ActorHandle) -> ActorClient:
        """Under the lock: the client, subscribing if need be."""
        client = self.by_actor.get(actor)
        if client is None:
            client = self.by_actor[actor] = ActorClient(self.runtime, actor, record)
        return client

    def on_state(self, state: m.ActorState, _body: bytes) -> None:
        client = self.by_actor.get(state.actor)
        if client is not None:
            client.on_state(state)
            if client.death is not None:
                # Handles that are left know the client; one that comes later asks the node again.
                del self.by_actor[state.actor]

    def children(self, prefix: bytes) -> list[PendingTask]:
        """Under the lock: the calls that are not done and whose ids start with `prefix`."""
        found: list[PendingTask] = []
        for client in self.by_actor.values():
            sent = client.peer.in_flight.values() if client.peer is not None else ()
            found += [task for task in (*client.queue, *sent) if task.id.startswith(prefix)]
        return found

    def fail_all(self, error: BowstringError) -> None:
        """Under the lock: nothing will run any more."""
        for client in list(self.by_actor.values()):
            waiting: list[Any] = [*client.queue]
            if client.peer is not None:
                waiting += client.peer.in_flight.values()
                client.peer.in_flight.clear()
            client.queue.clear()
            client.death = client.death or error
            for task in waiting:
                task.fail(error)
