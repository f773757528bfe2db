"""A tool's connection to a node: blocking, one question at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgpack

from bowstring_core.node.sessions import session_root
from bowstring_wire.flat import Message
from bowstring_wire.messages import (
    FRAME_TYPES,
    Challenge,
    Failure,
    FrameType,
    GoAway,
    Hello,
    Language,
    Role,
    Shutdown,
    StateFilter,
    StateKind,
    StateQuery,
    StateReply,
    Welcome,
)
from bowstring_wire.protocol import (
    SKIPPABLE_TYPE_MIN,
    SPEC_VERSION_MAX,
    SPEC_VERSION_MIN,
    FrameParser,
    frame,
    hello_proof,
)

ANSWER_TIMEOUT_S = 10.0
M = TypeVar("M", bound=Message)


class ToolError(Exception):
    """What was wanted can't be had; the message says why, and what to do."""


class SessionFacts(NamedTuple):
    """A session whose node lives."""

    path: str
    pid: int
    started_ns: int


def live_sessions() -> list[SessionFacts]:
    """Sessions of this user whose nodes live, oldest first."""
    found = []
    root = session_root()
    for name in os.listdir(root):
        path = os.path.join(root, name)
        with contextlib.suppress(OSError, ValueError, KeyError):
            with open(os.path.join(path, "session.json"), "rb") as file:
                facts = json.load(file)
            with open(os.path.join(path, "lock"), "rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    found.append(SessionFacts(path, facts["pid"], facts["started_ns"]))
    return sorted(found, key=lambda facts: facts.started_ns)


class Tool:
    """A connection with role TOOL.

    Args:
        session: The session's folder.

    Raises:
        ToolError: nobody answers there, or it refuses.
    """

    def __init__(self, session: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        self._parser = FrameParser(handshake_done=True)
        self._requests = 0
        try:
            with open(os.path.join(session, "token"), "rb") as file:
                token = file.read()
            self._socket.connect(os.path.join(session, "node.sock"))
        except OSError as error:
            self._socket.close()
            raise ToolError(f"no node answers at {session}: {error.strerror}") from error
        challenge = self._receive(Challenge)[0]
        hello = Hello(SPEC_VERSION_MIN, SPEC_VERSION_MAX, Role.TOOL, Language.PYTHON, os.getpid())
        hello.process = int.from_bytes(os.urandom(8), "little") or 1
        hello.proof = hello_proof(token, challenge.nonce)
        self._send(FrameType.HELLO, hello)
        self._receive(Welcome)

    def _send(self, kind: FrameType, message: Message) -> None:
        try:
            self._socket.sendall(frame(kind, message.encode()))
        except OSError as error:
            raise ToolError(f"the node is gone: {error.strerror}") from error

    def _receive(self, wanted: type[M]) -> tuple[M, bytes]:
        while True:
            try:
                data = self._socket.recv(1 << 20)
            except TimeoutError as error:
                raise ToolError(f"the node has not answered within {ANSWER_TIMEOUT_S:g} s") from error
            except OSError as error:
                raise ToolError(f"the node is gone: {error.strerror}") from error
            if not data:
                raise ToolError("the node has closed the connection")
            for kind, metadata, body in self._parser.feed(data):
                if kind >= SKIPPABLE_TYPE_MIN:
                    continue
                message = FRAME_TYPES[kind].decode(metadata)
                if isinstance(message, wanted):
                    return message, body
                if isinstance(message, GoAway | Failure):
                    reason = message.error.message if message.error is not None else "no reason given"
                    raise ToolError(f"the node refuses: {reason}")

    def rows(self, kind: StateKind, filters: Sequence[StateFilter] = (), limit: int = 0) -> Iterator[dict[str, Any]]:
        """The rows of a state query (spec 8.1), page by page as they are wanted; `limit` 0: all."""
        cursor = 0
        while True:
            self._requests += 1
            query = StateQuery(self._requests, kind, tuple(filters), limit, cursor)
            self._send(FrameType.STATE_QUERY, query)
            reply, body = self._receive(StateReply)
            yield from msgpack.unpackb(body[: reply.length])
            cursor = reply.cursor
            if not cursor:
                return

    def ask(self, kind: StateKind, filters: Sequence[StateFilter] = ()) -> list[dict[str, Any]]:
        """All rows of a state query; see `rows`."""
        return list(self.rows(kind, filters))

    def __enter__(self) -> Tool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def stop(self, graceful: bool) -> None:
        """End the runtime, and wait until its node has closed the connection."""
        self._send(FrameType.SHUTDOWN, Shutdown(graceful, "it was stopped from the command line"))
        with contextlib.suppress(ToolError):
            self._receive(Welcome)  # which never comes: GoAway, or the end

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
