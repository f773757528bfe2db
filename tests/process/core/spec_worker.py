"""A worker that speaks the spec and runs nothing: its tasks are named by their method.

"echo" answers with its first argument; "crash" kills the process; "pid" answers with its number; "print" writes a line;
"child" leaves a process behind, "daemon" one in a session of its own; "block" sends Blocked, "unblock" Unblocked;
"event" logs itself. Actors take the same methods, and "exit". A creation task named "fail" or "crash" does so.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from bowstring_wire.flat import Message
from bowstring_wire.messages import (
    FRAME_TYPES,
    ActorExit,
    ActorStart,
    ActorStarted,
    Blocked,
    Challenge,
    Encoding,
    ErrorCode,
    ErrorRecord,
    Failure,
    Hello,
    Inspect,
    Language,
    Layout,
    LeaseRevoke,
    LeaseRevoked,
    Result,
    Return,
    Returned,
    Role,
    Shutdown,
    Task,
    TaskEvent,
    TaskEvents,
    TaskStatus,
    Transcode,
    Transcoded,
    Unblocked,
    ValueState,
    Welcome,
    WorkerBind,
)
from bowstring_wire.protocol import PREFIX_SIZE, FrameParser, frame, hello_proof, proof_is_valid

TYPE_NUMBERS = {table: number for number, table in FRAME_TYPES.items()}


class SpecWorker:
    def __init__(self, session: str, slot: int) -> None:
        self.token = Path(session, "token").read_bytes()
        self.process = int.from_bytes(os.urandom(8), "little") or 1
        path = os.path.join(session, f"worker-{slot}.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.node = socket.socket(socket.AF_UNIX)
        self.node.connect(os.path.join(session, "node.sock"))
        self.parsers = {self.node: FrameParser(handshake_done=True)}
        self.nonces: dict[socket.socket, bytes] = {}
        self.slot, self.path = slot, path
        self.revoked = 0
        self.incarnation: int | None = None
        self.early: list[tuple[socket.socket, Task, bytes]] = []

    def send(self, sock: socket.socket, message: Message, body: bytes = b"") -> None:
        sock.sendall(frame(TYPE_NUMBERS[type(message)], message.encode(), body))

    def serve(self) -> None:
        while True:
            ready, _, _ = select.select([self.listener, *self.parsers], [], [])
            for sock in ready:
                if sock is self.listener:
                    caller, _ = sock.accept()
                    self.parsers[caller] = FrameParser(handshake_done=True)
                    self.nonces[caller] = os.urandom(32)
                    self.send(caller, Challenge(1, 1, self.nonces[caller]))
                    continue
                data = sock.recv(1 << 20)
                if not data:
                    if sock is self.node:
                        return
                    del self.parsers[sock]
                    continue
                for kind, metadata, body in self.parsers[sock].feed(data):
                    if self.on_frame(sock, FRAME_TYPES[kind].decode(metadata), body):
                        return

    def on_frame(self, sock: socket.socket, message: Message, body: bytes) -> bool:
        match message:
            case Challenge():
                version = ".".join(map(str, sys.version_info[:3]))
                hello = Hello(1, 1, Role.WORKER, Language.PYTHON, os.getpid(), self.process)
                hello.proof = hello_proof(self.token, message.nonce)
                hello.worker_slot, hello.address, hello.language_version = self.slot, self.path, version
                self.send(sock, hello)
            case Hello():
                assert proof_is_valid(self.token, self.nonces[sock], message.proof)
                self.send(sock, Welcome(1, 0, self.process, os.getpid(), 1))
            case LeaseRevoke():
                self.revoked = message.epoch
                self.send(sock, LeaseRevoked(message.lease, message.epoch))
            case WorkerBind():
                print(f"bound to job {message.job} gpus {message.visible_gpus}", flush=True)
            case Task():
                self.task(sock, message, body)
            case ActorStart():
                self.start_actor(sock, message, body)
            case Transcode():
                if b"untranscodable" in body:
                    error = ErrorRecord(ErrorCode.CROSS_LANGUAGE, message="$: a set has no portable form")
                    self.send(sock, Failure(message.request, error))
                else:
                    text = b"\xc4\x02ok"
                    done = Transcoded(message.request, ValueState.INLINE, Encoding.PORTABLE, Layout.COMPACT, len(text))
                    self.send(sock, done, text)
            case Inspect():
                self.send(sock, Failure(message.request, ErrorRecord(ErrorCode.INVALID_ARGUMENT, message="not known")))
            case Shutdown():
                return True
        return False

    def start_actor(self, sock: socket.socket, message: ActorStart, body: bytes) -> None:
        metadata_size = int.from_bytes(body[:4], "little")
        creation = Task.decode(body[PREFIX_SIZE : PREFIX_SIZE + metadata_size])
        assert message.handle is not None
        actor = message.handle.ref.id[:16]
        if creation.name == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if creation.name == "fail":
            error = ErrorRecord(ErrorCode.TASK, message="no", type_name="ValueError")
            self.send(sock, ActorStarted(actor, message.incarnation, False, error))
            return
        self.incarnation = message.incarnation
        self.actor = actor
        self.send(sock, ActorStarted(actor, message.incarnation, True))
        for early in self.early:
            self.task(*early)
        self.early.clear()

    def task(self, sock: socket.socket, task: Task, body: bytes) -> None:
        if task.actor == bytes(16) and task.epoch <= self.revoked:
            self.send(sock, Returned(task.id, task.attempt))
            return
        if task.actor != bytes(16) and self.incarnation is None:
            self.early.append((sock, task, body))
            return
        answer = b""
        match task.method:
            case "echo":
                answer = body[task.args[0].offset :][: task.args[0].length]
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "pid":
                answer = str(os.getpid()).encode()
            case "print":
                print("a line from the worker", flush=True)
            case "child":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                answer = str(child.pid).encode()
            case "daemon":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
                answer = str(child.pid).encode()
            case "block":
                self.send(self.node, Blocked(task.epoch))
                return
            case "unblock":
                self.send(self.node, Unblocked(task.epoch))
            case "exit":
                self.send(self.node, ActorExit(self.actor))
            case "event":
                event = TaskEvent(task.id, task.function, 1, 2, task.attempt, TaskStatus.OK, Language.PYTHON, 1, 5, 6)
                self.send(self.node, TaskEvents((event,), ("event",)))
        returns = (Return(ValueState.INLINE, Encoding.BYTES, Layout.COMPACT, 0, 0, len(answer), 0),)
        self.send(sock, Result(task.id, task.attempt, TaskStatus.OK, 1, returns), answer)
        if task.method == "exit":
            os._exit(0)


def main(session: str, slot: int) -> None:
    SpecWorker(session, slot).serve()
