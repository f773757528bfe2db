"""Peers: the processes that speak to the node, and how they get in (spec section 1.3).

A process is known by 64 bits of its own choice, and its end by a pidfd of the pid that the kernel vouches for. Its
connection may end earlier: then nothing more comes from it (it is *gone*), but what it has mapped stays until it has
*ended*.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable

from bowstring_core import limits
from bowstring_core.node import loop as loops
from bowstring_core.node.connection import Connection
from bowstring_core.node.errors import RequestError, error_record
from bowstring_wire.flat import Message
from bowstring_wire.messages import Challenge, ErrorCode, ErrorRecord, Failure, FrameType, Hello, Language, Role
from bowstring_wire.protocol import (
    HANDSHAKE_TIMEOUT_S,
    NONCE_BYTES,
    SPEC_VERSION_MAX,
    SPEC_VERSION_MIN,
    ProtocolError,
    proof_is_valid,
)


class Peer:
    """A process that has proved the token.

    Attributes:
        process: Its 64 bits.
        pid: The kernel's number of it.
        job: A driver's job; for a worker the one that it is bound to, 0 before.
        slot: A worker's slot; else 0.
        gone: Nothing more comes from it.
        ended: It is no more.
    """

    __slots__ = (
        "address",
        "connection",
        "ended",
        "gone",
        "job",
        "language",
        "language_version",
        "owns_runtime",
        "pid",
        "pidfd",
        "process",
        "role",
        "slot",
    )

    def __init__(self, connection: Connection, hello: Hello, pid: int, pidfd: int) -> None:
        self.connection, self.pid, self.pidfd = connection, pid, pidfd
        self.process, self.role, self.language = hello.process, Role(hello.role), hello.language
        self.language_version, self.address = hello.language_version, hello.address
        self.slot, self.owns_runtime = hello.worker_slot, hello.owns_runtime
        self.job = 0
        self.gone = self.ended = False

    def send(self, kind: FrameType, message: Message, body: bytes = b"") -> None:
        """Queue a frame; nothing if the peer is gone."""
        self.connection.send(kind, message, body)

    def fail(self, request: int, code: ErrorCode, message: str) -> None:
        """Answer a request with Failure."""
        self.connection.send(FrameType.FAILURE, Failure(request, error_record(code, message)))

    def fail_with(self, request: int, record: ErrorRecord) -> None:
        """Answer a request with a given record."""
        self.connection.send(FrameType.FAILURE, Failure(request, record))


class Reception:
    """The listening socket, and the handshake of those who come in.

    Args:
        loop: The node's loop.
        listener: A listening socket, non-blocking.
        token: The session's secret.
        admit: Called with (connection, hello, pid, pidfd) of who has proved the token; it takes over both, or raises
            RequestError to refuse.
        log: For what was refused.
    """

    def __init__(
        self,
        loop: loops.Loop,
        listener: socket.socket,
        token: bytes,
        admit: Callable[[Connection, Hello, int, int], None],
        log: Callable[[str], None],
    ) -> None:
        self._loop, self._listener, self._token, self._admit, self._log = loop, listener, token, admit, log
        self._strangers: dict[Connection, _Stranger] = {}
        self.on_closed: Callable[[Connection], None] = lambda connection: None
        loop.watch(listener.fileno(), loops.READ, self._on_events)

    def _on_events(self, events: int) -> None:
        while len(self._strangers) < limits.HANDSHAKES_MAX:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._log(f"accept: {error.strerror}")
                self._pause()
                return
            self._greet(sock)
        self._pause()

    def _pause(self) -> None:
        """Accept nobody for a moment: those who wait stay in the socket's queue."""
        self._loop.change(self._listener.fileno(), 0)
        self._loop.call_later(0.1, lambda: self._loop.change(self._listener.fileno(), loops.READ))

    def _greet(self, sock: socket.socket) -> None:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, _ = struct.unpack("iii", credentials)
        if uid != os.getuid():
            self._log(f"process {pid} of user {uid} was turned away")
            sock.close()
            return
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:  # it has ended already
            sock.close()
            return
        connection = Connection(self._loop, sock, self._on_frame, self._on_connection_closed, self._log)
        nonce = os.urandom(NONCE_BYTES)
        timer = self._loop.call_later(HANDSHAKE_TIMEOUT_S, lambda: self._too_late(connection))
        self._strangers[connection] = _Stranger(nonce, pid, pidfd, timer)
        connection.send(FrameType.CHALLENGE, Challenge(SPEC_VERSION_MIN, SPEC_VERSION_MAX, nonce))

    def _too_late(self, connection: Connection) -> None:
        connection.go_away(ErrorCode.PROTOCOL, f"no Hello within {HANDSHAKE_TIMEOUT_S:g} s")

    def _on_connection_closed(self, connection: Connection) -> None:
        stranger = self._strangers.pop(connection, None)
        if stranger is None:
            self.on_closed(connection)
            return
        stranger.timer.cancel()
        os.close(stranger.pidfd)

    def _on_frame(self, connection: Connection, kind: int, metadata: bytes, body: bytes) -> None:
        if kind != FrameType.HELLO:
            raise ProtocolError(f"frame type {kind} before Hello")
        hello = Hello.decode(metadata)
        stranger = self._strangers[connection]
        if not proof_is_valid(self._token, stranger.nonce, hello.proof):
            raise RequestError(ErrorCode.AUTHENTICATION, "the proof of the session's token is wrong")
        if hello.max_version < SPEC_VERSION_MIN or hello.min_version > SPEC_VERSION_MAX:
            raise RequestError(
                ErrorCode.VERSION,
                f"this node speaks spec versions {SPEC_VERSION_MIN} to {SPEC_VERSION_MAX},"
                f" the peer {hello.min_version} to {hello.max_version}",
            )
        if hello.role not in (Role.DRIVER, Role.WORKER, Role.TOOL):
            raise ProtocolError(f"Hello.role is {hello.role}: a node admits drivers, workers and tools")
        if hello.language == Language.UNSPECIFIED or not hello.process:
            raise ProtocolError("Hello.language and Hello.process must be set")
        self._admit(connection, hello, stranger.pid, stranger.pidfd)
        del self._strangers[connection]
        stranger.timer.cancel()
        connection.parser.handshake_done = True


class _Stranger:
    """A connection that has not proved the token yet."""

    __slots__ = ("nonce", "pid", "pidfd", "timer")

    def __init__(self, nonce: bytes, pid: int, pidfd: int, timer: loops.Timer) -> None:
        self.nonce, self.pid, self.pidfd, self.timer = nonce, pid, pidfd, timer
