"""A small blocking client of the spec, for tests: frames in, frames out, nothing remembered."""

from __future__ import annotations

import mmap
import os
import socket
import time
from pathlib import Path

import psutil

from bowstring_wire.flat import Message
from bowstring_wire.messages import FRAME_TYPES, Challenge, GoAway, Hello, Inspect, Inspected, Language, Role, Welcome
from bowstring_wire.protocol import FrameParser, frame, hello_proof
from tests.process.waiting import wait_until as wait_until  # for the tests of the node

TYPE_NUMBERS = {table: number for number, table in FRAME_TYPES.items()}


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class ConnectionEnded(Exception):
    """The peer closed; `go_away` is its last frame, if it was one."""

    def __init__(self, go_away: GoAway | None = None) -> None:
        super().__init__(repr(go_away))
        self.go_away = go_away


class WireClient:
    """One connection."""

    def __init__(self, path: str | Path, token: bytes, sock: socket.socket | None = None) -> None:
        self.sock = sock or socket.socket(socket.AF_UNIX)
        if sock is None:
            self.sock.settimeout(10)
            try:
                self.sock.connect(str(path))
            except OSError:
                self.sock.close()
                raise
        self.token = token
        self._parser = FrameParser(handshake_done=True)
        self._frames: list[tuple[Message, bytes]] = []
        self.process = int.from_bytes(os.urandom(8), "little") or 1
        self.requests = 0
        self.counter = 0
        self.mapped: dict[int, mmap.mmap] = {}  # segments that this client writes
        self.welcome = Welcome()

    def send(self, message: Message, body: bytes = b"") -> None:
        self.sock.sendall(frame(TYPE_NUMBERS[type(message)], message.encode(), body))

    def receive(self, *kinds: type[Message], timeout_s: float = 10) -> tuple[Message, bytes]:
        """The next frame, or the next of these kinds; others are kept for later."""
        deadline = time.monotonic() + timeout_s
        while True:
            for index, (message, body) in enumerate(self._frames):
                if not kinds or isinstance(message, kinds):
                    del self._frames[index]
                    return message, body
            self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.sock.recv(1 << 20)
            except TimeoutError:
                raise TimeoutError(f"no {[k.__name__ for k in kinds]}; there are {self._frames}") from None
            except ConnectionResetError:
                data = b""
            if not data:
                last = self._frames[-1][0] if self._frames else None
                raise ConnectionEnded(last if isinstance(last, GoAway) else None)
            for kind, metadata, body in self._parser.feed(data):
                message = FRAME_TYPES[kind].decode(metadata)
                if isinstance(message, Inspect):
                    self.send(Inspected(message.request, 1), b"\x90".ljust(8, b"\0"))  # it has nothing to tell
                else:
                    self._frames.append((message, body))

    def expect(self, kind: type[Message], timeout_s: float = 10) -> Message:
        return self.receive(kind, timeout_s=timeout_s)[0]

    def silent(self, *kinds: type[Message], for_s: float = 0.05) -> bool:
        """Whether none of these frames comes for a moment."""
        try:
            self.receive(*kinds, timeout_s=for_s)
        except TimeoutError:
            return True
        return False

    def request(self) -> int:
        self.requests += 1
        return self.requests

    def hello(self, role: Role = Role.DRIVER, **fields: object) -> None:
        challenge = self.expect(Challenge)
        assert isinstance(challenge, Challenge)
        hello = Hello(
            1, 1, role, Language.PYTHON, os.getpid(), self.process, proof=hello_proof(self.token, challenge.nonce)
        )
        hello.language_version = "3.11.0"
        for name, value in fields.items():
            setattr(hello, name, value)
        self.send(hello)

    def greet(self, role: Role = Role.DRIVER, **fields: object) -> WireClient:
        self.hello(role, **fields)
        welcome = self.expect(Welcome)
        assert isinstance(welcome, Welcome)
        self.welcome = welcome
        return self

    def task_id(self) -> bytes:
        """A fresh id of a task of this job."""
        self.counter += 1
        return self.welcome.job.to_bytes(4, "little") + os.urandom(8) + self.counter.to_bytes(4, "little")

    def close(self) -> None:
        self.sock.close()
        for mapped in self.mapped.values():
            mapped.close()
