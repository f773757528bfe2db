"""Workers as processes: starting, greeting, binding, ending, and what they write.

The scheduler decides; this performs. A worker's end is what its pidfd says; its exit status comes from the zygote,
which is its parent, and is waited for a moment because the two tell independently.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from bowstring_core import limits
from bowstring_core.machine.requests import BindWorker
from bowstring_core.machine.workers import JAVA, WorkerKind
from bowstring_core.node import loop as loops
from bowstring_core.node.connection import Connection
from bowstring_core.node.errors import RequestError, error_record
from bowstring_core.node.gpus import visible
from bowstring_core.node.jobs import Job
from bowstring_core.node.jvm import JavaMissing, JvmLauncher, crash_report
from bowstring_core.node.jvm_archive import TRAINEE_SLOT, Training
from bowstring_core.node.logs import STDERR, STDOUT, EndedLogs, WorkerOutput
from bowstring_core.node.peers import Peer
from bowstring_core.node.programs import Programs
from bowstring_core.node.zygote_link import NO_ENVIRONMENT, ZygoteLink
from bowstring_core.node.zygotes import Zygotes
from bowstring_wire.messages import (
    ErrorCode,
    ErrorRecord,
    FrameType,
    Hello,
    LogLines,
    Progress,
    Role,
    Shutdown,
    WorkerBind,
    WorkerEnding,
)
from bowstring_wire.protocol import SOCKET_PATH_BYTES_MAX

if TYPE_CHECKING:
    from bowstring_core.node.node import Node


_NO_GROUP = bytes(16)


class WorkerProcess:
    """The process behind a slot, from the request for it on.

    Attributes:
        status: Wait status, once the zygote has told it.
        last_words: What it has said of its end.
        out_of_memory: Why it was ended, if it used too much memory; else empty.
    """

    __slots__ = (
        "code",
        "has_bars",
        "job",
        "kind",
        "last_words",
        "out_of_memory",
        "outputs",
        "peer",
        "pid",
        "pidfd",
        "slot",
        "status",
        "zygote",
        "zygote_key",
    )

    def __init__(self, slot: int, kind: WorkerKind) -> None:
        self.slot, self.kind = slot, kind
        self.pid = 0
        self.pidfd = -1  # until it says Hello; then the peer's is watched
        self.peer: Peer | None = None
        self.status: int | None = None
        self.out_of_memory = ""
        self.last_words: ErrorRecord | None = None
        self.job = kind.job
        self.code = ""  # name of the ErrorCode that its end is told as; empty: a crash
        self.outputs: list[WorkerOutput] = []
        self.zygote: ZygoteLink | None = None  # whose child it is, from its launch on
        self.zygote_key = b""
        self.has_bars = False  # it has told of progress


def describe_status(status: int | None) -> str:
    """How a process ended, for people."""
    if status is None:
        return "ended, and nobody could tell how"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(ValueError):
            return f"was killed by signal {number} ({signal.Signals(number).name})"
        return f"was killed by signal {number}"
    return f"ended with exit status {os.waitstatus_to_exitcode(status)}"


class WorkerService:
    """Every worker process of the node."""

    def __init__(self, node: Node, worker_module: str) -> None:
        self._node = node
        self._loop = node.loop
        self.processes: dict[int, WorkerProcess] = {}  # by slot
        self._by_pid: dict[int, WorkerProcess] = {}
        self.zygotes = Zygotes(node, worker_module, self._on_zygote_message, self._on_zygote_death)
        self.programs = Programs(node, self.zygotes.main.send)
        self.jvm = JvmLauncher(node.session.path)
        self._training: Training | None = None
        self._trained = False
        self._ended_logs = EndedLogs(node.session.log_path(""))
        node.handle(FrameType.PROGRESS, Progress, frozenset((Role.WORKER,)), self._progress)
        node.handle(FrameType.WORKER_ENDING, WorkerEnding, frozenset((Role.WORKER,)), self._ending)

    # Starting ---------------------------------------------------------------------------------------------------------

    def start(self, slot: int, kind: WorkerKind) -> None:
        """Start a process for the slot, once its environment is there."""
        process = self.processes[slot] = WorkerProcess(slot, kind)
        if kind.environment:
            self._node.environments.want(process)
        else:
            self.launch(process)

    def launch(self, process: WorkerProcess) -> None:
        """Start the process of a slot, whose environment is there."""
        slot, kind = process.slot, process.kind
        if kind.environment:
            self._node.scheduler.worker_launched(slot, self._loop.now)
            self._node.arm()
        message: dict[str, Any] = {"start": slot}
        if kind.language == JAVA:
            job = self._node.job(kind.job)
            try:
                flags = f"{self._node.environments.jvm_flags(kind.environment)} {kind.jvm_flags}"
                message["argv"] = self.jvm.command(slot, flags)
            except JavaMissing as error:
                reason = str(error)
                self._loop.call_soon(lambda: self._start_failed(process, reason, True))
                return
            if job.working_directory and os.path.isdir(job.working_directory):
                message["cwd"] = job.working_directory
            message.update(self._node.environments.of_program(kind.environment))
            self._want_archive()
        self._launch(process, message)

    def refuse(self, process: WorkerProcess, message: str) -> None:
        """The environment of a slot can't be made."""
        self._start_failed(process, message, True, "RUNTIME_ENV_SETUP")

    def _launch(self, process: WorkerProcess, message: dict[str, Any]) -> None:
        fds: list[int] = []
        try:
            for stream, suffix in ((STDOUT, "out"), (STDERR, "err")):
                read_end, write_end = os.pipe()
                fds.append(write_end)
                path = self._node.session.log_path(f"worker-{process.slot}.{suffix}")
                on_lines = self._lines_of(process)
                process.outputs.append(WorkerOutput(self._loop, read_end, stream, path, on_lines))
            key, surroundings = b"", NO_ENVIRONMENT
            if process.kind.language != JAVA:
                key, surroundings = self._node.environments.surroundings(process.kind.environment)
            process.zygote, process.zygote_key = self.zygotes.take(key, surroundings), key
            process.zygote.send(message, fds)
        except OSError as error:  # no descriptor, or no process, is left
            reason = f"the system refuses another worker: {error.strerror}"
            for fd in fds:
                os.close(fd)
            for output in process.outputs:
                output.close()
            self._loop.call_soon(lambda: self._start_failed(process, reason, False))

    def _want_archive(self) -> None:
        """See once whether Java workers have an archive, and have one made if not."""
        if self._trained:
            return
        self._trained = True
        target = self.jvm.archive()
        if target and not os.path.exists(target):
            self._loop.call_later(limits.TRAINING_DELAY_S, lambda: self._train(target))

    def _train(self, target: str) -> None:
        training = Training(self._node, target)
        if self._node.stopping or not training.prepare():
            return
        argv = self.jvm.command(TRAINEE_SLOT, "", archive_to=training.file)
        self._training = training
        process = self.processes[TRAINEE_SLOT] = WorkerProcess(TRAINEE_SLOT, WorkerKind(JAVA))
        training.process = process
        self._launch(process, {"start": TRAINEE_SLOT, "argv": argv, "nice": 19})
        self._loop.call_later(limits.TRAINING_S, lambda: self._kill_if_there(process))

    def _training_ended(self, process: WorkerProcess) -> None:
        training, self._training = self._training, None
        self._leave_zygote(process)
        del self.processes[TRAINEE_SLOT]
        self._by_pid.pop(process.pid, None)
        self._unwatch_early(process)
        for output in process.outputs:
            output.drain()
        if training is not None:
            training.ended(process.status)

    def _leave_zygote(self, process: WorkerProcess) -> None:
        """The process has ended, or will not be."""
        if process.zygote is not None:
            process.zygote = None
            self.zygotes.give_back(process.zygote_key)

    def _on_zygote_message(self, zygote: ZygoteLink, message: dict[str, Any]) -> None:
        if zygote is self.zygotes.main and self.programs.on_message(message):
            return
        if "started" in message:
            process = self.processes.get(message["started"])
            if process is None:
                return
            process.pid = message["pid"]
            self._by_pid[process.pid] = process
            if process.peer is None:
                started = process
                try:
                    process.pidfd = os.pidfd_open(process.pid)
                except OSError:
                    return  # reaped already; `ended` follows
                self._loop.watch(process.pidfd, loops.READ, lambda events: self._ended_early(started))
        elif "failed" in message:
            process = self.processes.get(message["failed"])
            if process is not None:
                self._start_failed(process, message["message"], False)
        elif "ended" in message:
            process = self._by_pid.pop(message["ended"], None)
            if process is not None:
                process.status = message["status"]
                if process.peer is None:
                    self._ended_early(process)
                elif process.peer.ended:
                    self._finish(process)
        elif "ready" in message:
            zygote.failures = 0
            if zygote is self.zygotes.main:
                self._node.zygote_ready()

    def _ended_early(self, process: WorkerProcess) -> None:
        """A process ended before its Hello."""
        if process.slot not in self.processes:
            return
        if process.status is None and process.zygote is not None and process.zygote.pid:
            if process.pidfd >= 0:
                self._unwatch_early(process)
                self._loop.call_later(limits.EXIT_STATUS_S, lambda: self._give_up_status(process))
            return
        self._give_up_status(process)

    def _give_up_status(self, process: WorkerProcess) -> None:
        if process.slot not in self.processes or process.peer is not None:
            return
        if process.slot == TRAINEE_SLOT:
            self._training_ended(process)
            return
        for output in process.outputs:
            output.drain()
        words = b"".join(output.tail for output in process.outputs).decode(errors="replace").strip()
        text = f"the worker {describe_status(process.status)} before it was ready"
        status = process.status
        killed = status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        self._start_failed(process, f"{text}; it wrote:\n{words}" if words else text, False, killed=killed)

    def _unwatch_early(self, process: WorkerProcess) -> None:
        if process.pidfd >= 0:
            self._loop.unwatch(process.pidfd)
            os.close(process.pidfd)
            process.pidfd = -1

    def _start_failed(
        self, process: WorkerProcess, message: str, final: bool, code: str = "WORKER_START", killed: bool = False
    ) -> None:
        if process.slot == TRAINEE_SLOT:
            self._training_ended(process)
            return
        if self.processes.pop(process.slot, None) is None:
            return
        self._by_pid.pop(process.pid, None)
        self._unwatch_early(process)
        self._leave_zygote(process)
        self._node.log(f"worker {process.slot}: {message}")
        if self._node.stopping:  # whatever it says of it, and nobody starts another
            message, final, code = f"the runtime ends: {self._node.why_it_ends}", True, "RUNTIME_STOPPED"
        now = self._loop.now
        self._node.perform(self._node.scheduler.start_failed(process.slot, message, final, now, code, killed))

    def _on_zygote_death(self, zygote: ZygoteLink, was_ready: bool, words: str) -> None:
        if self._node.stopping:
            return
        zygote.failures += 1
        self._node.log(f"a zygote has ended, and another is started with the next worker; it wrote: {words}")
        if zygote is self.zygotes.main:
            self.programs.zygote_died()
        final = not was_ready and zygote.failures >= limits.ZYGOTE_FAILURES_MAX
        for process in list(self.processes.values()):
            if process.peer is not None or process.zygote is not zygote:
                continue
            if process.pid:
                if process.status is None:
                    process.status = int(signal.SIGKILL)  # by the kernel, with its parent
                self._give_up_status(process)
            else:
                message = f"the process that starts workers has ended; it wrote:\n{words}"
                code = "RUNTIME_ENV_SETUP" if process.zygote_key and not was_ready else "WORKER_START"
                self._start_failed(process, message, final, code, killed=was_ready)

    # Greeting ---------------------------------------------------------------------------------------------------------

    def check_hello(self, hello: Hello, pid: int) -> None:
        """Whether this worker is expected.

        Raises:
            RequestError: AUTHENTICATION, if it is not.
        """
        process = self.processes.get(hello.worker_slot)
        if process is None or process.peer is not None or not self._node.scheduler.worker_expected(hello.worker_slot):
            raise RequestError(ErrorCode.AUTHENTICATION, f"no worker is expected for slot {hello.worker_slot}")
        if process.pid and process.pid != pid:
            raise RequestError(
                ErrorCode.AUTHENTICATION, f"slot {hello.worker_slot} is that of process {process.pid}, not {pid}"
            )
        if hello.language != process.kind.language:
            raise RequestError(ErrorCode.AUTHENTICATION, f"slot {hello.worker_slot} is for another language")
        address = os.fsencode(hello.address)
        if not address.startswith(b"/") or len(address) > SOCKET_PATH_BYTES_MAX:
            raise RequestError(
                ErrorCode.INVALID_ARGUMENT,
                f"Hello.address {hello.address!r} is not an absolute path of at most {SOCKET_PATH_BYTES_MAX} bytes",
            )

    def is_trainee(self, hello: Hello, pid: int) -> bool:
        """Whether it is the JVM that makes the archive."""
        process = self.processes.get(TRAINEE_SLOT)
        return hello.worker_slot == TRAINEE_SLOT and process is not None and process.pid in (0, pid)

    def trainee_admitted(self, connection: Connection) -> None:
        """Give it its work."""
        if self._training is not None:
            self._training.admitted(connection)

    def admitted(self, peer: Peer) -> None:
        """A worker has been welcomed."""
        process = self.processes[peer.slot]
        self._unwatch_early(process)
        process.peer = peer
        process.pid = peer.pid
        self._by_pid[peer.pid] = process
        if process.kind.language == JAVA:
            job = self._node.job(process.kind.job)
            job.when_classes_are_kept(lambda: self._jvm_ready(job, peer, process))
        else:
            self._register(peer)

    def _register(self, peer: Peer) -> None:
        node = self._node
        node.perform(node.scheduler.worker_registered(peer.slot, peer.process, peer.language_version, self._loop.now))

    def _jvm_ready(self, job: Job, peer: Peer, process: WorkerProcess) -> None:
        """A JVM has come, and the copies of its job's classes are there, or can't be made."""
        if process.slot not in self.processes or not self._node.scheduler.worker_expected(process.slot):
            return
        if not job.class_path_error:
            self._register(peer)
            return
        node = self._node
        self.kill(process)
        node.perform(
            node.scheduler.start_failed(process.slot, job.class_path_error, True, self._loop.now, "RUNTIME_ENV_SETUP")
        )

    def bind(self, effect: BindWorker) -> None:
        """Tell the worker its job."""
        process, job_id = self.processes[effect.slot], effect.job
        job = self._node.job(job_id)
        process.job = job_id
        assert process.peer is not None
        process.peer.job = job_id
        environment, folder, modules = self._node.environments.of_worker(process)
        process.peer.send(
            FrameType.WORKER_BIND,
            WorkerBind(
                job_id,
                visible(effect.gpus),
                (*modules, *job.python_path),
                (*self._node.environments.jars(process.kind.environment), *job.class_path),
                folder or job.working_directory,
                job.namespace,
                process.kind.environment,
                environment,
                effect.group or _NO_GROUP,
                effect.capture,
            ),
        )

    def peer_of(self, slot: int) -> Peer | None:
        """The worker of a slot, if it has said Hello and is not gone."""
        process = self.processes.get(slot)
        return process.peer if process else None

    # Ending -----------------------------------------------------------------------------------------------------------

    def stop(self, slot: int, force: bool, code: str = "") -> None:
        """End a worker; one that does not end by itself is killed after its grace. `code`: what its end is told as."""
        process = self.processes.get(slot)
        if process is None:
            return
        process.code = code
        if process.zygote is None:  # it waits for its environment
            self._node.environments.forget(slot)
            self._loop.call_soon(lambda: self._start_failed(process, "it is no longer wanted", False))
            return
        if force or process.peer is None:
            self.kill(process)
            return
        process.peer.send(FrameType.SHUTDOWN, Shutdown(True, "no longer needed"))
        self._loop.call_later(limits.ACTOR_GRACE_S, lambda: self._kill_if_there(process))

    def _kill_if_there(self, process: WorkerProcess) -> None:
        if self.processes.get(process.slot) is process:
            self.kill(process)

    def kill(self, process: WorkerProcess) -> None:
        """Kill the process; its group follows when the zygote reaps it."""
        pidfd = process.peer.pidfd if process.peer is not None and not process.peer.ended else process.pidfd
        if pidfd >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        elif process.peer is None and not process.pid:
            # Not forked yet: as soon as it is known, it is killed.
            self._loop.call_later(0.05, lambda: self._kill_if_there(process))

    def ended(self, peer: Peer) -> None:
        """The worker's pidfd says that it has ended."""
        process = self.processes.get(peer.slot)
        if process is None:
            return
        if process.status is not None or process.zygote is None or not process.zygote.pid:
            self._finish(process)
        else:
            self._loop.call_later(limits.EXIT_STATUS_S, lambda: self._finish(process))

    def _finish(self, process: WorkerProcess) -> None:
        if self.processes.pop(process.slot, None) is None:
            return
        self._by_pid.pop(process.pid, None)
        self._leave_zygote(process)
        for output in process.outputs:
            output.drain()
        self._ended_logs.add(process.slot)
        if process.has_bars:
            self._tell_progress(process, Progress(bar=0, over=True))
        assert process.peer is not None
        self._node.worker_finished(process.peer, process)

    def _ending(self, peer: Peer, message: WorkerEnding, body: bytes) -> None:
        process = self.processes.get(peer.slot)
        if process is None:
            return
        if message.error is not None:
            process.last_words = message.error
        self._loop.call_later(limits.ENDING_S, lambda: self._kill_if_there(process))

    def death_record(self, process: WorkerProcess) -> ErrorRecord:
        """What callers are told of a worker's end."""
        if process.out_of_memory:
            message = process.out_of_memory
            return error_record(ErrorCode.OUT_OF_MEMORY, message, may_have_executed=True, pid=process.pid)
        message = f"worker process {process.pid} {describe_status(process.status)}"
        report = crash_report(self._node.session.path, process.pid)
        if process.kind.language == JAVA and os.path.exists(report):
            message += f"; the JVM's report, which goes with the runtime, is {report}"
        code = ErrorCode.WORKER_CRASHED
        words = process.last_words
        if words is not None and not process.code:
            message = f"worker process {process.pid} ended: {words.message}"
            return error_record(ErrorCode(words.code), message, retryable=True, may_have_executed=True, pid=process.pid)
        if process.code:
            code = ErrorCode[process.code]
            message = f"worker process {process.pid} was ended, because its placement group was removed"
        return error_record(code, message, retryable=True, may_have_executed=True, pid=process.pid)

    # Output -----------------------------------------------------------------------------------------------------------

    def _lines_of(self, process: WorkerProcess) -> Any:
        def on_lines(stream: int, lines: bytes) -> None:
            job = self._node.jobs.get(process.job)
            driver = self._node.peers.get(job.driver) if job else None
            if driver is None or driver.connection.out_bytes > limits.OUTPUT_DROP_BYTES:
                return
            actor = self._node.actors.of_worker(process.slot)
            name = actor.spec.class_name if actor else "worker"
            text = lines.decode(errors="replace")
            driver.send(FrameType.LOG_LINES, LogLines(process.pid, stream, name or "worker", text))

        return on_lines

    def _progress(self, peer: Peer, message: Progress, body: bytes) -> None:
        """Pass on how far a worker is; one that leaves its bars open is told to be over at its end."""
        process = self.processes.get(peer.slot)
        if process is None:
            return
        process.has_bars = True
        self._tell_progress(process, message)

    def _tell_progress(self, process: WorkerProcess, message: Progress) -> None:
        job = self._node.jobs.get(process.job)
        driver = self._node.peers.get(job.driver) if job else None
        if driver is None or (driver.connection.out_bytes > limits.OUTPUT_DROP_BYTES and not message.over):
            return
        actor = self._node.actors.of_worker(process.slot)
        message.pid = process.pid
        message.name = actor.spec.class_name if actor else "worker"
        driver.send(FrameType.PROGRESS, message)

    def drain_outputs(self) -> None:
        """Read what the workers that are still there have written."""
        for process in self.processes.values():
            for output in process.outputs:
                output.drain()

    def close(self) -> None:
        """Kill every worker that is there, and end the zygote."""
        for process in list(self.processes.values()):
            self.kill(process)
        self.zygotes.close()
        if self._training is not None:
            self._training.discard()


def python_version() -> str:
    """Version of the workers' Python: that of the node."""
    return ".".join(map(str, sys.version_info[:3]))
