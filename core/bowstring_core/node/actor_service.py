"""Actors between frontends, the table of lives and the scheduler."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from bowstring_core import limits
from bowstring_core.machine import actors, checkpoints, requests
from bowstring_core.machine.leases import Purpose
from bowstring_core.node.errors import error_record
from bowstring_core.node.object_service import checked, checked_all
from bowstring_core.node.peers import Peer
from bowstring_wire.messages import (
    Ack,
    ActorCreate,
    ActorEnd,
    ActorEnded,
    ActorExit,
    ActorHandle,
    ActorInfo,
    ActorKill,
    ActorLife,
    ActorLog,
    ActorLookup,
    ActorStart,
    ActorStarted,
    ActorState,
    ActorSubscribe,
    CallerMark,
    ErrorCode,
    ErrorRecord,
    FrameType,
    ObjectRef,
    Role,
    Task,
    TaskFlag,
)
from bowstring_wire.protocol import FrameParser, ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node
    from bowstring_core.node.worker_service import WorkerProcess

_NO_ACTOR = bytes(16)
_NO_OBJECT = bytes(20)
_NO_REF = ObjectRef(_NO_OBJECT, 0, 0, 0)
_SHOWN = {
    actors.Life.PENDING: ActorLife.PENDING,
    actors.Life.ALIVE: ActorLife.ALIVE,
    actors.Life.RESTARTING: ActorLife.RESTARTING,
    actors.Life.DEAD: ActorLife.DEAD,
}


def _named(actor: bytes, frame: str) -> None:
    if actor == _NO_ACTOR:
        raise ProtocolError(f"{frame}.actor is all zero")


def _check_creation(peer: Peer, handle: ActorHandle, body: bytes) -> None:
    """Look at the frame that workers will be given, before it is kept (spec 5.1/6).

    Raises:
        ProtocolError: it is not the creation task of this handle, from this process.
    """
    frames = list(FrameParser(handshake_done=True).feed(body))
    whole = len(frames) == 1 and 16 + len(frames[0][1]) + len(frames[0][2]) == len(body)
    if not whole or frames[0][0] != FrameType.TASK:
        raise ProtocolError("ActorCreate: the body is not the frame of one Task")
    task = Task.decode(frames[0][1])
    actor = handle.ref.id[:16]
    if not task.flags & TaskFlag.CREATION or task.id != actor or task.function != handle.class_key:
        raise ProtocolError(
            f"ActorCreate: the Task {task.id.hex()} does not create the actor {actor.hex()} of the handle"
        )
    if task.owner != peer.process or handle.ref.owner != peer.process:
        raise ProtocolError(f"ActorCreate: the owner of {actor.hex()} is not the sender")
    if int.from_bytes(actor[:4], "little") != peer.job:
        raise ProtocolError(f"ActorCreate: the id {actor.hex()} is not of the sender's job, {peer.job}")


class Plan(NamedTuple):
    """What the node keeps of an actor to start it, again and again."""

    handle: ActorHandle
    key: requests.LeaseKey
    creation: bytes  # the Task's frame


class ActorService:
    """Handlers of the actor frames, and the performer of the table's effects."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.table = actors.ActorTable()
        self.logs = checkpoints.CallLogs()
        frontends = frozenset((Role.DRIVER, Role.WORKER))
        workers = frozenset((Role.WORKER,))
        node.handle(FrameType.ACTOR_CREATE, ActorCreate, frontends, self._create)
        node.handle(FrameType.ACTOR_SUBSCRIBE, ActorSubscribe, frontends, self._subscribe)
        node.handle(FrameType.ACTOR_KILL, ActorKill, frontends, self._kill)
        node.handle(FrameType.ACTOR_LOOKUP, ActorLookup, frontends, self._lookup)
        node.handle(FrameType.ACTOR_STARTED, ActorStarted, workers, self._started)
        node.handle(FrameType.ACTOR_EXIT, ActorExit, workers, self._exit)
        node.handle(FrameType.ACTOR_LOG, ActorLog, workers, self._log)
        node.handle(FrameType.ACTOR_ENDED, ActorEnded, workers, self._ended)
        self._addresses: dict[bytes, str] = {}  # of actors that share their worker
        self._addresses_made = 0

    # Frames -----------------------------------------------------------------------------------------------------------

    def _create(self, peer: Peer, message: ActorCreate, body: bytes) -> None:
        node = self._node
        handle = message.handle
        if handle is None:
            raise ProtocolError("ActorCreate without a handle")
        ref = checked(handle.ref)
        if handle.class_key == _NO_ACTOR:
            raise ProtocolError("ActorHandle.class_key is all zero")
        key = node.leases.key(
            peer,
            handle.language,
            "",
            message.environment,
            message.resources,
            message.placement_resources,
            message.jvm_flags,
            message.placement_group,
            message.bundle,
            message.capture_children,
            message.shared_worker,
        )
        _check_creation(peer, handle, body)
        job = node.job(peer.job)
        spec = actors.ActorSpec(
            id=ref.id[:16],
            ref=ref,
            creator=peer.process,
            job=peer.job,
            name=message.name,
            namespace=message.namespace or job.namespace,
            detached=message.detached,
            max_restarts=message.max_restarts,
            contains=checked_all(message.contains),
            class_name=handle.class_name or handle.module,
            plan=Plan(handle, key, body),
        )
        effects = self.table.create(spec, message.request, message.get_if_exists)
        made = self.table.actors.get(spec.id)
        if made is not None and made.spec is spec:
            # Before the effects: they may tell at once that it can't be placed, and then all that is let go again.
            node.objects.directory.hold(spec.contains)
            if handle.checkpoint_interval:
                self.logs.made(spec.id)
            node.objects.perform(node.objects.directory.actor_made(ref, peer.process))
        self.perform(effects)

    def _subscribe(self, peer: Peer, message: ActorSubscribe, body: bytes) -> None:
        _named(message.actor, "ActorSubscribe")
        self.perform(self.table.subscribe(peer.process, message.actor, self._node.loop.now))

    def _kill(self, peer: Peer, message: ActorKill, body: bytes) -> None:
        _named(message.actor, "ActorKill")
        self.perform(self.table.kill(peer.process, message.request, message.actor, message.no_restart))

    def _lookup(self, peer: Peer, message: ActorLookup, body: bytes) -> None:
        namespace = message.namespace or self._node.job(peer.job).namespace
        self.perform(self.table.lookup(peer.process, message.request, message.name, namespace))

    def _started(self, peer: Peer, message: ActorStarted, body: bytes) -> None:
        _named(message.actor, "ActorStarted")
        self.perform(self.table.started(peer.slot, message.actor, message.incarnation, message.ok, message.error))

    def _exit(self, peer: Peer, message: ActorExit, body: bytes) -> None:
        _named(message.actor, "ActorExit")
        self.perform(self.table.exited(peer.slot, message.actor))

    def _ended(self, peer: Peer, message: ActorEnded, body: bytes) -> None:
        _named(message.actor, "ActorEnded")
        self.perform(self.table.left(peer.slot, message.actor, message.incarnation, self._node.loop.now))

    def _log(self, peer: Peer, message: ActorLog, body: bytes) -> None:
        _named(message.actor, "ActorLog")
        actor = self.table.hosted(peer.slot, message.actor)
        log = self.logs.of(message.actor)
        if log is None and actor is not None and actor.life is actors.Life.ENDING:
            return
        if actor is None or log is None or (actor.spec.id, actor.incarnation) != (message.actor, message.incarnation):
            raise ProtocolError("ActorLog of an actor that the worker is not, or that has no log")
        state = None if message.state.id == _NO_OBJECT else checked(message.state)
        unanswered = {(mark.process, mark.sequence) for mark in message.unanswered}
        if message.caller:
            length = message.task_length
            if not 16 <= length <= len(body) - 16 or length & 7:
                raise ProtocolError(f"ActorLog.task_length is {length}, in a body of {len(body)} bytes")
            result = body[length:] if message.caller in self._node.peers else b""
            call = checkpoints.Call(
                message.caller, message.sequence, body[:length], result, checked_all(message.contains)
            )
            self._perform_log(log.applied(call, state, unanswered))
        elif state is not None:
            self._perform_log(log.saved(state, unanswered))

    def _perform_log(self, effects: Iterable[checkpoints.Effect]) -> None:
        objects = self._node.objects
        for effect in effects:
            match effect:
                case checkpoints.Hold():
                    objects.directory.hold(effect.refs)
                case checkpoints.Release():
                    objects.perform(objects.directory.release(effect.refs))
                case checkpoints.Overfull():
                    raise ProtocolError(effect.message)

    # The scheduler's answers ------------------------------------------------------------------------------------------

    def granted(self, effect: requests.Granted) -> None:
        """A worker is there for an actor."""
        assert isinstance(effect.name, bytes)
        self.perform(self.table.placed(effect.name, effect.slot, self._node.loop.now))

    def rejected(self, effect: requests.Rejected) -> None:
        """No worker can be had for an actor."""
        assert isinstance(effect.name, bytes)
        reason = actors.Reason(effect.code, effect.message, error_record(ErrorCode[effect.code], effect.message))
        self.perform(self.table.rejected(effect.name, reason))

    def worker_ended(self, process: WorkerProcess, record: ErrorRecord) -> None:
        """A worker that may have been an actor's has ended."""
        message = f"the actor's {record.message}"
        self.perform(
            self.table.worker_ended(process.slot, actors.Reason("ACTOR_DIED", message, None), self._node.loop.now)
        )

    # Effects ----------------------------------------------------------------------------------------------------------

    def perform(self, effects: Iterable[actors.Effect]) -> None:
        """Carry out what the table decided."""
        node = self._node
        for effect in effects:
            match effect:
                case actors.Place():
                    if effect.after_s:
                        actor = effect.actor
                        node.loop.call_later(effect.after_s, lambda actor=actor: self._place(actor))  # type: ignore[misc]
                    else:
                        self._place(effect.actor)
                case actors.Unplace():
                    spec = effect.actor.spec
                    node.perform(node.scheduler.withdraw(Purpose.ACTOR, spec.creator, spec.id, node.loop.now))
                case actors.Start():
                    self._start(effect.actor)
                case actors.EndWorker():
                    node.perform(node.scheduler.stop_worker(effect.slot, effect.force, node.loop.now))
                case actors.EndActor():
                    self._end_actor(effect.actor, effect.force)
                case actors.Leave():
                    node.perform(node.scheduler.actor_left(effect.slot, effect.actor, node.loop.now))
                case actors.Show():
                    for process in effect.processes:
                        self._show(effect.actor, process)
                case actors.Over():
                    self._over(effect.actor)
                case actors.Unknown():
                    self._tell_unknown(effect)
                case actors.Done():
                    peer = node.peers.get(effect.process)
                    if peer is not None:
                        peer.send(FrameType.ACK, Ack(effect.request))
                case actors.Found():
                    peer = node.peers.get(effect.process)
                    if peer is not None:
                        spec = effect.actor.spec
                        node.objects.perform(node.objects.directory.process_holds(effect.process, spec.ref))
                        peer.send(FrameType.ACTOR_INFO, ActorInfo(effect.request, spec.plan.handle))
                case actors.Refused():
                    peer = node.peers.get(effect.process)
                    if peer is not None:
                        peer.fail(effect.request, ErrorCode[effect.code], effect.message)
        node.arm()

    def _place(self, actor: actors.Actor) -> None:
        if actor.life not in (actors.Life.PENDING, actors.Life.RESTARTING):
            return
        node, spec = self._node, actor.spec
        node.perform(node.scheduler.request(Purpose.ACTOR, spec.creator, spec.id, spec.plan.key, 1, 1, node.loop.now))

    def _start(self, actor: actors.Actor) -> None:
        worker = self._node.workers.peer_of(actor.worker)
        if worker is None:
            return  # its end is on the way
        spec = actor.spec
        start = ActorStart(spec.plan.handle, actor.incarnation, spec.name, spec.namespace, _NO_REF)
        if spec.plan.key.shared:
            self._addresses_made += 1
            path = f"{self._node.session.path}/a{self._addresses_made}.sock"
            start.address = self._addresses[spec.id] = path
        log = self.logs.of(spec.id)
        if log is None:
            worker.send(FrameType.ACTOR_START, start, spec.plan.creation)
            return
        restart = log.restart()
        if restart.state is not None:
            start.state = ObjectRef._make(restart.state)
        start.replay = len(restart.kept) + len(restart.calls)
        start.callers = tuple(CallerMark(process, sequence) for process, sequence in restart.marks.items())
        worker.send(FrameType.ACTOR_START, start, spec.plan.creation)
        for calls, applied in ((restart.kept, True), (restart.calls, False)):
            for call in calls:
                entry = ActorLog(
                    spec.id, actor.incarnation, call.caller, call.sequence, len(call.task), (), _NO_REF, (), applied
                )
                worker.send(FrameType.ACTOR_LOG, entry, call.task + call.result)

    def _end_actor(self, actor: actors.Actor, force: bool) -> None:
        """Have a worker end one of its actors; one that does not in time is ended itself."""
        node, slot, incarnation = self._node, actor.worker, actor.incarnation
        worker = node.workers.peer_of(slot)
        if worker is None:
            return  # its end is on the way
        worker.send(FrameType.ACTOR_END, ActorEnd(actor.spec.id, not force))

        def look() -> None:
            if self.table.hosted(slot, actor.spec.id) is actor and actor.incarnation == incarnation:
                node.log(f"worker {slot} does not end an actor that shares it, and is ended with all of them")
                node.perform(node.scheduler.stop_worker(slot, True, node.loop.now))

        node.loop.call_later(limits.SHARED_KILL_S if force else limits.ACTOR_GRACE_S, look)

    def _record(self, actor: actors.Actor) -> ErrorRecord:
        """Why the actor is dead or restarting."""
        reason = actor.reason
        assert reason is not None
        dead = actor.shown is actors.Life.DEAD
        code = ErrorCode.ACTOR_DIED if dead else ErrorCode.ACTOR_UNAVAILABLE
        if reason.record is None:
            return error_record(code, reason.message, retryable=not dead, may_have_executed=True)
        record: ErrorRecord = copy(reason.record)
        if reason.code == "ACTOR_DIED":
            record.message = f"{reason.message}: {record.message}" if record.message else reason.message
            record.code = code
        return record

    def _show(self, actor: actors.Actor, process: int) -> None:
        peer = self._node.peers.get(process)
        if peer is None:
            return
        state = ActorState(actor.spec.id, _SHOWN[actor.shown], actor.incarnation)
        worker = self._node.workers.peer_of(actor.worker) if actor.worker else None
        if actor.shown is actors.Life.ALIVE and worker is not None:
            state.worker = worker.process
            state.address = self._addresses.get(actor.spec.id) or worker.address
        elif actor.shown in (actors.Life.DEAD, actors.Life.RESTARTING) and actor.reason is not None:
            state.error = self._record(actor)
        peer.send(FrameType.ACTOR_STATE, state)

    def _tell_unknown(self, effect: actors.Unknown) -> None:
        peer = self._node.peers.get(effect.process)
        if peer is not None:
            record = error_record(ErrorCode.ACTOR_DIED, f"no actor {effect.actor.hex()} was ever made on this node")
            peer.send(FrameType.ACTOR_STATE, ActorState(effect.actor, ActorLife.DEAD, error=record))

    def _over(self, actor: actors.Actor) -> None:
        node, spec = self._node, actor.spec
        node.objects.perform(node.objects.directory.release(spec.contains))
        self._perform_log(self.logs.over(spec.id))
        self.table.forget_plan(actor)
        self._addresses.pop(spec.id, None)
        node.objects.perform(node.objects.directory.actor_over(spec.ref.id))
        node.check_job(spec.job)
