"""Connecting to a node or a worker (spec section 1.3)."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from bowstring.errors import NodeDiedError, VersionMismatchError, exception_from_record
from bowstring_wire import messages as m
from bowstring_wire import protocol
from bowstring_wire.messages import FrameType, Language
from bowstring_wire.protocol import FrameParser, ProtocolError

LANGUAGE_VERSION = ".".join(map(str, sys.version_info[:3]))


def read_token(session: str) -> bytes:
    """The session's secret (spec 1.1/2)."""
    return (Path(session) / "token").read_bytes()


def connect(
    peer: str, token: bytes, timeout_s: float = protocol.HANDSHAKE_TIMEOUT_S, **hello: Any
) -> tuple[socket.socket, m.Welcome, FrameParser]:
    """Connect, prove the token, and return the socket, the Welcome and a parser that is past the handshake.

    Raises:
        OSError: nobody listens at `peer`.
        AuthenticationError, VersionMismatchError: the peer refused us.
        ProtocolError: the peer does not speak this spec.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(peer)
        parser = FrameParser()
        challenge = _expect(sock, parser, FrameType.CHALLENGE, m.Challenge)
        check_challenge(challenge)
        greeting = m.Hello(
            min_version=protocol.SPEC_VERSION_MIN,
            max_version=protocol.SPEC_VERSION_MAX,
            language=Language.PYTHON,
            language_version=LANGUAGE_VERSION,
            proof=protocol.hello_proof(token, challenge.nonce),
            **hello,
        )
        sock.sendall(protocol.frame(FrameType.HELLO, greeting.encode()))
        welcome = _expect(sock, parser, FrameType.WELCOME, m.Welcome)
        check_welcome(welcome)
    except BaseException:
        sock.close()
        raise
    parser.handshake_done = True
    return sock, welcome, parser


def check_challenge(challenge: m.Challenge) -> None:
    """Refuse an acceptor that we can't talk to (spec 1.3/8).

    Raises:
        VersionMismatchError: it speaks no version that we speak.
        ProtocolError: its nonce is none.
    """
    low, high = protocol.SPEC_VERSION_MIN, protocol.SPEC_VERSION_MAX
    if not max(low, challenge.min_version) <= min(high, challenge.max_version):
        raise VersionMismatchError(
            f"the peer speaks versions {challenge.min_version} to {challenge.max_version} of the specification, and "
            f"this side {low} to {high}: install the same version of bowstring on both sides"
        )
    if len(challenge.nonce) != protocol.NONCE_BYTES:
        raise ProtocolError(f"a Challenge with a nonce of {len(challenge.nonce)} bytes")


def check_welcome(welcome: m.Welcome) -> None:
    """Refuse a version that we did not offer (spec 1.3/8).

    Raises:
        ProtocolError: it is one.
    """
    if not protocol.SPEC_VERSION_MIN <= welcome.version <= protocol.SPEC_VERSION_MAX:
        raise ProtocolError(f"the peer chose version {welcome.version} of the specification, which was not offered")


def _expect(sock: socket.socket, parser: FrameParser, kind: FrameType, table: Any) -> Any:
    while True:
        data = sock.recv(65536)
        if not data:
            raise NodeDiedError(f"the peer closed the connection during the handshake, before its {kind.name}")
        for got, metadata, _body in parser.feed(data):
            if got == FrameType.GO_AWAY:
                record = m.GoAway.decode(metadata).error
                raise exception_from_record(record or m.ErrorRecord())
            if got != kind:
                raise ProtocolError(f"frame type {got} where the handshake has {kind.name}")
            return table.decode(metadata)
