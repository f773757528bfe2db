"""The Python worker's main: called by the zygote in a fresh child, ends with the process.

The main thread runs tasks, and reads the sockets while it has none: so a call costs no hop between threads, and user
code runs where signals and libraries expect it.
"""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
from collections.abc import Iterable
from time import monotonic

from bowstring import _runtime
from bowstring._executor import Executor
from bowstring._reactor import Connection
from bowstring._runtime import Runtime
from bowstring.errors import BowstringError, make_record
from bowstring_wire import messages as m
from bowstring_wire import protocol
from bowstring_wire.messages import ErrorCode, FrameType, Role
from bowstring_wire.protocol import FrameParser, ProtocolError, frame

LISTEN_BACKLOG = 512


class CallerListener:
    """Accepts callers on the worker's socket (spec 1.3, acceptor's side)."""

    def __init__(self, session: str, slot: int) -> None:
        self.address = os.path.join(session, f"w{slot}.sock")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(self.address)
        self.sock.listen(LISTEN_BACKLOG)
        self.sock.setblocking(False)
        self.runtime: Runtime
        self.executor: Executor
        self._greeted: dict[Connection, tuple[bytes, float]] = {}  # nonce, and until when the Hello must come
        self._sweeping = False

    def start(self, runtime: Runtime, executor: Executor) -> None:
        self.runtime = runtime
        self.executor = executor
        with runtime.lock:
            runtime.reactor.watch(self.sock.fileno(), lambda _events: self._accept())

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            connection = Connection(
                self.runtime.reactor, sock, self._on_handshake, self._on_closed, "a caller", FrameParser()
            )
            nonce = os.urandom(protocol.NONCE_BYTES)
            self._greeted[connection] = (nonce, monotonic() + protocol.HANDSHAKE_TIMEOUT_S)
            challenge = m.Challenge(protocol.SPEC_VERSION_MIN, protocol.SPEC_VERSION_MAX, nonce)
            connection.send_now(frame(FrameType.CHALLENGE, challenge.encode()))
            if not self._sweeping:
                self._sweeping = True
                self.runtime.reactor.call_later(protocol.HANDSHAKE_TIMEOUT_S, self._sweep)

    def _sweep(self) -> None:
        """End the connections whose handshake takes too long (spec 1.3/4)."""
        now = monotonic()
        for connection, (_, deadline) in list(self._greeted.items()):
            if deadline <= now:
                connection.close()
        self._sweeping = bool(self._greeted)
        if self._sweeping:
            soonest = min(deadline for _, deadline in self._greeted.values())
            self.runtime.reactor.call_later(soonest - now, self._sweep)

    def _on_handshake(self, connection: Connection, frames: Iterable[tuple[int, bytes, bytes]]) -> None:
        for kind, metadata, _body in frames:
            if kind != FrameType.HELLO:
                raise ProtocolError(f"frame type {kind} before Hello")
            hello = m.Hello.decode(metadata)
            nonce, _ = self._greeted.pop(connection)
            if not protocol.proof_is_valid(self.runtime.token, nonce, hello.proof):
                self._refuse(connection, ErrorCode.AUTHENTICATION, "the proof of the session's token is wrong")
                return
            version = min(hello.max_version, protocol.SPEC_VERSION_MAX)
            if version < max(hello.min_version, protocol.SPEC_VERSION_MIN):
                span = f"{hello.min_version} to {hello.max_version}"
                self._refuse(connection, ErrorCode.VERSION, f"spec versions {span}: this worker speaks 1")
                return
            if not hello.process or not hello.language or hello.role not in (Role.DRIVER, Role.WORKER):
                raise ProtocolError("a caller's Hello needs its process, its language, and the role DRIVER or WORKER")
            runtime = self.runtime
            welcome = m.Welcome(
                version=version,
                process=runtime.process,
                pid=os.getpid(),
                node=runtime.node,
                inline_bytes_max=runtime.inline_bytes_max,
                session_path=runtime.session,
            )
            connection.peer = hello.process
            connection.parser.handshake_done = True
            connection.on_frames = self.executor.on_caller_frames
            connection.send_now(frame(FrameType.WELCOME, welcome.encode()))
            self.executor.on_caller_frames(connection, frames)
            return

    def _refuse(self, connection: Connection, code: ErrorCode, message: str) -> None:
        connection.send_now(frame(FrameType.GO_AWAY, m.GoAway(make_record(code, message)).encode()))
        connection.close()

    def _on_closed(self, connection: Connection) -> None:
        self._greeted.pop(connection, None)
        self.executor.on_caller_closed(connection)


def _write_stacks_on_signal(session: str, slot: int) -> None:
    """Let a signal show where this process is even if native code keeps the interpreter's lock (spec 8.2/6)."""
    path = os.path.join(session, "logs", f"worker-{slot}.stacks")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        faulthandler.register(protocol.STACK_SIGNAL, file=fd, all_threads=True)
    except (OSError, AttributeError, ValueError, RuntimeError):
        pass  # a system without the signal; who asks is told that nothing answered


def main(session: str, slot: int) -> None:
    """Be a worker of the session until the node says otherwise."""
    sys.argv = [f"bowstring-worker-{slot}"]
    _write_stacks_on_signal(session, slot)
    try:
        listener = CallerListener(session, slot)
        runtime = Runtime(session, Role.WORKER, worker_slot=slot, address=listener.address)
    except (OSError, BowstringError) as error:
        # Most often the runtime has ended meanwhile; where this process stood says nothing about it.
        sys.stderr.write(f"it could not join its node, which may have ended: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    executor = Executor(runtime)
    _runtime.set_runtime(runtime)
    listener.start(runtime, executor)
    executor.interruptions.install()
    runtime.start()
    executor.run()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.unlink(listener.address)
    except OSError:
        pass
    os._exit(0)
