"""The daemon of one machine: it decodes, asks the machines, and performs what they decide.

Frames come in through `dispatch`: one table says which roles may send what, and who handles it. A frame that breaks the
spec, or that the state does not allow, ends its connection and nothing else.

A process is *gone* when nothing more will come from it, and *ended* when the kernel says so. Gone: what it asked for
and held is dropped. Ended: its pins, and the memory it could write, are given back. A worker is gone only when it has
ended; a driver may close its connection and live on.

The end of the node, however it comes, takes the workers (through the zygote, which kills what it started even if the
node is killed) and the session's folder with it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from bowstring_core import limits
from bowstring_core.machine import requests
from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.resources import UNITS
from bowstring_core.machine.scheduler import Scheduler
from bowstring_core.node import loop as loops
from bowstring_core.node.actor_service import ActorService
from bowstring_core.node.connection import Connection
from bowstring_core.node.environment_service import EnvironmentService
from bowstring_core.node.errors import RequestError, set_node_id
from bowstring_core.node.function_service import FunctionService
from bowstring_core.node.jobs import Job
from bowstring_core.node.lease_service import LeaseService
from bowstring_core.node.memory_service import MemoryService
from bowstring_core.node.object_service import ObjectService
from bowstring_core.node.peers import Peer, Reception
from bowstring_core.node.placement_service import PlacementService
from bowstring_core.node.sessions import Session
from bowstring_core.node.spill_service import SpillService
from bowstring_core.node.state_service import StateService
from bowstring_core.node.store_service import StoreService
from bowstring_core.node.worker_service import WorkerProcess, WorkerService
from bowstring_wire.messages import ErrorCode, Failure, FrameType, Hello, Language, Role, Shutdown, Welcome
from bowstring_wire.protocol import INLINE_BYTES_MAX, SKIPPABLE_TYPE_MIN, SPEC_VERSION_MAX, ProtocolError

Handler = Callable[[Peer, Any, bytes], None]


class Decoder(Protocol):
    """What reads the metadata of one type of frame."""

    def decode(self, metadata: bytes, /) -> Any:
        """The message."""


class NodeOptions:
    """What a node was told at its start.

    Attributes:
        resources: Totals in units of 1/10000; CPU, GPU and memory among them.
        object_store_bytes: Capacity of the store.
        namespace: Namespace of drivers that name none; empty: one for each.
        owner_pid: The runtime ends with this process; 0: with none.
        worker_module: What a Python worker runs.
        debug: Write down who comes and goes.
        spill_folder: Where values go that memory has no room for; empty: the session's folder, if it is on a disk.
        spill_bytes_max: Bytes that may be there; None: what the disk takes; 0: none.
        inline_bytes_max: Bytes of small values that the node holds in its own memory.
        memory_reserve: Bytes that the machine must keep available, or the greediest task ends; 0: no such guard.
    """

    def __init__(
        self,
        resources: dict[str, int],
        object_store_bytes: int,
        namespace: str = "",
        owner_pid: int = 0,
        worker_module: str = "bowstring.worker",
        debug: bool = False,
        spill_folder: str = "",
        spill_bytes_max: int | None = None,
        inline_bytes_max: int = limits.INLINE_BYTES_HELD_MAX,
        memory_reserve: int = limits.MEMORY_RESERVE_BYTES,
    ) -> None:
        self.resources, self.object_store_bytes, self.namespace = resources, object_store_bytes, namespace
        self.owner_pid, self.worker_module, self.debug = owner_pid, worker_module, debug
        self.spill_folder, self.spill_bytes_max = spill_folder, spill_bytes_max
        self.inline_bytes_max, self.memory_reserve = inline_bytes_max, memory_reserve


class Node:
    """One node, from its session to its end."""

    def __init__(self, options: NodeOptions, session: Session, node_id: int) -> None:
        self.options, self.session, self.node_id = options, session, node_id
        set_node_id(node_id)
        self.loop = loops.Loop(self._on_error)
        self.process_id = int.from_bytes(os.urandom(8), "little") or 1
        self.peers: dict[int, Peer] = {}  # by process, those that are not gone
        self._ending: dict[int, Peer] = {}  # gone, not ended
        self.jobs: dict[int, Job] = {}  # those that are not over
        self._jobs_started = 0
        self.stopping = False
        self.why_it_ends = ""
        self.finishing: WorkerProcess | None = None  # whose end is being told
        self._handlers: dict[int, tuple[Decoder, frozenset[Role], Handler]] = {}
        self._timer: loops.Timer | None = None
        self._logged = 0
        self._prestarted = False
        self.scheduler = Scheduler(options.resources)
        self.workers = WorkerService(self, options.worker_module)
        self.environments = EnvironmentService(self)
        self.leases = LeaseService(self)
        self.memory = MemoryService(self, options.memory_reserve)
        self.spill = SpillService(self, options.spill_folder, options.spill_bytes_max, options.inline_bytes_max)
        self.placement = PlacementService(self)
        self.store = StoreService(self, options.object_store_bytes, self.spill.table)
        self.objects = ObjectService(self)
        self.functions = FunctionService(self)
        self.actor_service = ActorService(self)
        self.actors = self.actor_service.table
        self.state = StateService(self)
        self.handle(FrameType.FAILURE, Failure, frozenset((Role.DRIVER, Role.WORKER)), self._request_failed)
        self.reception = Reception(self.loop, session.listener, session.token, self._admit, self.log)
        self.reception.on_closed = self._on_connection_closed
        self._watch_signals()
        if options.owner_pid:
            self._watch_owner(options.owner_pid)

    # Frames -----------------------------------------------------------------------------------------------------------

    def handle(self, kind: FrameType, message: Decoder, roles: frozenset[Role], handler: Any) -> None:
        """Let the handler take frames of a type from peers of these roles."""
        self._handlers[kind] = (message, roles, handler)

    def dispatch(self, connection: Connection, kind: int, metadata: bytes, body: bytes) -> None:
        """Handle one frame of a peer."""
        peer = connection.peer
        assert isinstance(peer, Peer)
        entry = self._handlers.get(kind)
        if entry is None:
            if kind >= SKIPPABLE_TYPE_MIN:
                return
            raise ProtocolError(f"frame type {kind} is not for a node")
        decoder, roles, handler = entry
        if peer.role not in roles:
            raise ProtocolError(f"frame {FrameType(kind).name} is not for a {peer.role.name.lower()} to send")
        message = decoder.decode(metadata)
        request = getattr(message, "request", None)
        if request == 0:
            raise ProtocolError(f"frame {FrameType(kind).name}: request is 0")
        try:
            handler(peer, message, body)
        except RequestError as error:
            if request is None:
                raise ProtocolError(f"frame {FrameType(kind).name}: {error.message}") from error
            peer.fail(request, error.code, error.message)

    def _request_failed(self, peer: Peer, message: Failure, body: bytes) -> None:
        """A frontend can't do what the node asked of it."""
        if not self.state.queries.inspection.failed(peer, message.request):
            self.objects.transcode_failed(peer, message)

    # Effects ----------------------------------------------------------------------------------------------------------

    def perform(self, effects: Iterable[requests.Effect]) -> None:
        """Carry out what the scheduler decided."""
        for effect in effects:
            match effect:
                case requests.Granted():
                    self.memory.granted(effect.lease)
                    if effect.purpose is Purpose.LEASE:
                        self.leases.granted(effect)
                    elif effect.purpose is Purpose.ACTOR:
                        self.actor_service.granted(effect)
                    else:
                        self.objects.transcoder_granted(effect)
                case requests.Revoke():
                    self.leases.revoke(effect)
                case requests.Recall():
                    self.leases.recall(effect)
                case requests.BindWorker():
                    self.workers.bind(effect)
                case requests.StartWorker():
                    self.workers.start(effect.slot, effect.kind)
                case requests.StopWorker():
                    self.workers.stop(effect.slot, effect.force, effect.code)
                case requests.LeaseOver():
                    self.leases.over(effect)
                case requests.Rejected():
                    if effect.purpose is Purpose.LEASE:
                        self.leases.rejected(effect)
                    elif effect.purpose is Purpose.ACTOR:
                        self.actor_service.rejected(effect)
                    else:
                        self.objects.transcoder_rejected(effect)
                case requests.CallerSettled():
                    self.objects.perform(self.objects.directory.owner_settled(effect.caller))
        self.arm()

    def arm(self) -> None:
        """Wake up when a machine has something to do."""
        deadlines = (self.scheduler.deadline(), self.functions.table.deadline(), self.actors.deadline())
        due = min((d for d in deadlines if d is not None), default=None)
        if self._timer is not None:
            # One that is too early only looks again; so the loop does not fill with timers that were put off.
            if self._timer.call is not None and due is not None and self._timer.when <= due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self.loop.call_at(due, self._tick)

    def _tick(self) -> None:
        now = self.loop.now
        self.actor_service.perform(self.actors.tick(now))
        self.functions.perform(self.functions.table.tick(now))
        self.perform(self.scheduler.tick(now))

    def zygote_ready(self) -> None:
        """The zygote forks from now on."""
        if not self._prestarted:
            self._prestarted = True
            cpus = self.scheduler.totals.get("CPU", 0) // UNITS
            self.perform(self.scheduler.prestart(min(cpus, limits.PRESTART_MAX), self.loop.now))

    # Peers ------------------------------------------------------------------------------------------------------------

    def _admit(self, connection: Connection, hello: Hello, pid: int, pidfd: int) -> None:
        if self.stopping:
            raise RequestError(ErrorCode.RUNTIME_STOPPED, "the runtime is ending")
        if hello.process in self.peers or hello.process in self._ending:
            raise RequestError(ErrorCode.PROTOCOL, f"process {hello.process:016x} is connected already")
        role = Role(hello.role)
        if role is Role.WORKER:
            if self.workers.is_trainee(hello, pid):
                os.close(pidfd)
                self.workers.trainee_admitted(connection)
                return
            self.workers.check_hello(hello, pid)
        elif hello.worker_slot:
            raise ProtocolError("Hello.worker_slot is set, and the role is not that of a worker")
        peer = Peer(connection, hello, pid, pidfd)
        namespace = ""
        if role is Role.DRIVER:
            self._jobs_started += 1
            peer.job = self._jobs_started
            namespace = hello.namespace or self.options.namespace or f"job-{peer.job}"
            job = Job(peer.job, peer.process, namespace, hello.python_path, hello.working_directory)
            if hello.class_path:
                job.class_path_waiters = []
                self.environments.keep_class_path(job, hello.class_path, job.classes_are_kept)
            self.jobs[peer.job] = job
        self.peers[peer.process] = peer
        connection.peer = peer
        connection.on_frame = self.dispatch
        self.loop.watch(pidfd, loops.READ, lambda events: self._on_process_end(peer))
        welcome = Welcome(
            version=min(SPEC_VERSION_MAX, hello.max_version),
            process=self.process_id,
            pid=os.getpid(),
            node=self.node_id,
            job=peer.job,
            inline_bytes_max=INLINE_BYTES_MAX,
            session_path=self.session.path,
            namespace=namespace,
            # Python's Arrow library needs no bitmaps of ones, so that a runtime without another language does without.
            ones_path="" if hello.language == Language.PYTHON else self.store.ones.path(),
        )
        connection.send(FrameType.WELCOME, welcome)
        self.state.peer_came(peer)
        self.debug(f"{role.name.lower()} {peer.process:016x} (process {pid}) has come")
        if role is Role.DRIVER and hello.class_path:
            # A Java driver wants its JVM next; a Python one may want its first Python task before that.
            after_s = 0.0 if hello.language == Language.JAVA else limits.JVM_AHEAD_S
            self.loop.call_later(after_s, lambda: self._expect_java(peer.job))
        if role is Role.WORKER:
            self.workers.admitted(peer)

    def _expect_java(self, job_id: int) -> None:
        """Have a JVM ready for a job that names Java classes, if there is one and the job has no other environment."""
        job = self.jobs.get(job_id)
        if job is not None and not job.environment and not self.stopping and self.workers.jvm.version():
            self.perform(self.scheduler.expect_java(job_id, self.loop.now))

    def _on_connection_closed(self, connection: Connection) -> None:
        peer = connection.peer
        if not isinstance(peer, Peer) or peer.gone or self.stopping:
            return
        if peer.role is Role.WORKER:
            # A worker that ends closes its socket a moment before its end can be seen. One that goes on is of no use.
            process = self.workers.processes.get(peer.slot)
            if process is not None and not peer.ended:
                self.loop.call_later(limits.WORKER_END_S, lambda: self._kill_cut_off(process))
            return
        self._gone(peer)

    def _kill_cut_off(self, process: WorkerProcess) -> None:
        if process.slot in self.workers.processes:
            self.log(f"worker {process.slot} (process {process.pid}) has left its node, and is killed")
            self.workers.kill(process)

    def _on_process_end(self, peer: Peer) -> None:
        self.loop.unwatch(peer.pidfd)
        peer.ended = True
        peer.connection.drain()
        peer.connection.close()
        os.close(peer.pidfd)
        if peer.role is Role.WORKER:
            self.workers.ended(peer)
        else:
            if not peer.gone:
                self._gone(peer)
            self._forget(peer)

    def worker_finished(self, peer: Peer, process: WorkerProcess) -> None:
        """A worker has ended, and its exit status is known if it will ever be."""
        record = self.workers.death_record(process)
        self.finishing = process
        self.memory.worker_ended(process.slot)
        self.scheduler.worker_lost(process.slot, self.loop.now)
        try:
            self.actor_service.worker_ended(process, record)
            self.objects.worker_ended(process.slot, record)
            self.perform(self.scheduler.worker_ended(process.slot, self.loop.now))
        finally:
            self.finishing = None
        self._gone(peer)
        self._forget(peer)

    def _gone(self, peer: Peer) -> None:
        """Nothing more comes from the process."""
        peer.gone = True
        self.debug(f"{peer.role.name.lower()} {peer.process:016x} (process {peer.pid}) is gone")
        del self.peers[peer.process]
        self._ending[peer.process] = peer
        self.state.peer_gone(peer)
        process = peer.process
        self.functions.table.process_gone(process)
        self.actors.process_gone(process)
        self.actor_service.logs.caller_gone(process)
        if peer.role is Role.DRIVER:
            self.jobs[peer.job].driver = 0
            self.actor_service.perform(self.actors.job_over(peer.job))
            self.perform(self.scheduler.groups.job_over(peer.job, self.loop.now))
        self.objects.perform(self.objects.directory.process_gone(process))
        self.perform(self.scheduler.caller_ended(process, self.loop.now))
        if peer.role is Role.DRIVER:
            self.check_job(peer.job)
        if not peer.ended and not peer.owns_runtime and not self.objects.directory.has_pins(process):
            # It reads nothing of ours any more. A process that comes and goes leaves no descriptor here each time.
            self.loop.unwatch(peer.pidfd)
            os.close(peer.pidfd)
            self._forget(peer)

    def _forget(self, peer: Peer) -> None:
        """The process is no more."""
        del self._ending[peer.process]
        self.objects.perform(self.objects.directory.process_ended(peer.process))
        self.store.process_ended(peer.process)
        if peer.owns_runtime and peer.ended:
            self.stop("the driver that owns the runtime has ended", False)

    def job(self, job_id: int) -> Job:
        """A job; one that is over has no paths and no namespace any more."""
        return self.jobs.get(job_id) or Job(job_id, 0, "", (), "")

    def check_job(self, job_id: int) -> None:
        """Close a job of which nobody is left."""
        job = self.jobs.get(job_id)
        if job is None or job.driver or self.actors.lives_in(job_id):
            return
        del self.jobs[job_id]
        self.functions.perform(self.functions.table.job_over(job_id))
        self.perform(self.scheduler.job_over(job_id, self.loop.now))

    # The node's own life ----------------------------------------------------------------------------------------------

    def _watch_signals(self) -> None:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)

        def on_signal(events: int) -> None:
            names = ", ".join(signal.Signals(number).name for number in os.read(read_end, 64))
            self.stop(f"it was told to end by {names}", False)

        self.loop.watch(read_end, loops.READ, on_signal)

    def _watch_owner(self, pid: int) -> None:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self.stop("the process that owns the runtime has ended", False)
            return
        reason = "the process that owns the runtime has ended"
        self.loop.watch(pidfd, loops.READ, lambda events: self.stop(reason, False))

    def stop(self, reason: str, graceful: bool) -> None:
        """End the runtime. Gracefully: workers are asked to end, and have a moment for it."""
        if self.stopping:
            return
        self.stopping = True
        self.log(f"the runtime ends: {reason}")
        self.why_it_ends = reason
        if graceful:
            for peer in list(self.peers.values()):
                if peer.role is Role.WORKER:
                    peer.send(FrameType.SHUTDOWN, Shutdown(True, reason))
            self._until = time.monotonic() + limits.SHUTDOWN_GRACE_S
            self._wait_for_workers()
        else:
            self._dismiss()

    def _wait_for_workers(self) -> None:
        if self.workers.processes and time.monotonic() < self._until:
            self.loop.call_later(0.01, self._wait_for_workers)
        else:
            self._dismiss()

    def _dismiss(self) -> None:
        """The last that workers wrote goes before the GoAway of who wants to see it."""
        self.workers.drain_outputs()
        for peer in list(self.peers.values()):
            if peer.role is not Role.WORKER:
                peer.connection.go_away(ErrorCode.RUNTIME_STOPPED, self.why_it_ends)
        self._until = time.monotonic() + limits.GO_AWAY_S
        self._wait_for_readers()

    def _wait_for_readers(self) -> None:
        unread = any(not peer.connection.closed for peer in self.peers.values() if peer.role is not Role.WORKER)
        if unread and time.monotonic() < self._until:
            self.loop.call_later(0.01, self._wait_for_readers)
        else:
            self.loop.stop()

    def run(self) -> None:
        """Serve until the end, and leave nothing."""
        try:
            self.loop.run()
        finally:
            self.close()

    def close(self) -> None:
        """Kill the workers, remove the folder, give back the memory."""
        self.workers.close()
        self.environments.close()
        self.spill.close()
        self.store.close()
        self.state.tasks.close()
        self.session.remove()

    def log(self, text: str) -> None:
        """A line for the node's own log, which ends at its bound."""
        self._logged += len(text)
        if self._logged < limits.LOG_FILE_BYTES_MAX:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def debug(self, text: str) -> None:
        """A line for the node's own log, if it was asked for."""
        if self.options.debug:
            self.log(text)

    def _on_error(self, error: Exception) -> None:
        """A defect: it is written down, and the node goes on with the next event."""
        self.log("".join(traceback.format_exception(error)))
