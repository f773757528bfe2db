"""Numbers of the transport (spec chapter 1), frames, the proof of the token, the error for a peer that breaks it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from struct import Struct

SPEC_VERSION_MIN = 1
SPEC_VERSION_MAX = 1

PREFIX = Struct("<IHBBQ")
PREFIX_SIZE = 16
MARK = 0xB1
_MARKED_PREFIX = Struct("<IHHQ")  # the same, with flags and mark as one number
_MARKED = MARK << 8
SKIPPABLE_TYPE_MIN = 0x8000

METADATA_BYTES_MIN = 16
METADATA_BYTES_MAX = 16 << 20
BODY_BYTES_MAX = 64 << 20
HANDSHAKE_METADATA_BYTES_MAX = 64 << 10
HANDSHAKE_TIMEOUT_S = 10.0
SOCKET_PATH_BYTES_MAX = 107
NONCE_BYTES = 32
TOKEN_BYTES = 32
STACK_SIGNAL = 61  # a worker that handles it writes the stacks of its threads (spec 8.2/6); SIGRTMAX-3 of Linux
INLINE_BYTES_MAX = 102_400  # default of Welcome.inline_bytes_max

_PADDING = (b"", b"\0" * 7, b"\0" * 6, b"\0" * 5, b"\0" * 4, b"\0" * 3, b"\0" * 2, b"\0")


class ProtocolError(Exception):
    """The peer sent bytes that are no frame of this spec; its connection is closed (spec section 1.5)."""


def padded(data: bytes) -> bytes:
    """`data` with zero bytes up to a multiple of 8."""
    return data + _PADDING[len(data) & 7]


def frame(kind: int, metadata: bytes, body: bytes = b"") -> bytes:
    """One frame. `metadata` is a whole metadata buffer; `body` is padded here if need be.

    Raises:
        ProtocolError: the metadata or the body is larger than a frame may carry.
    """
    if len(body) & 7:
        body = padded(body)
    if len(body) > BODY_BYTES_MAX or len(metadata) > METADATA_BYTES_MAX:
        raise ProtocolError(f"frame type {kind}: {len(metadata)} + {len(body)} bytes are more than a frame may carry")
    return PREFIX.pack(len(metadata), kind, 0, MARK, len(body)) + metadata + body


class FrameParser:
    """Cuts a stream of bytes into frames; keeps what is incomplete. Not thread-safe.

    Until `handshake_done` is set the limits of an unauthenticated peer apply.
    """

    __slots__ = ("_missing", "_pending", "handshake_done")

    def __init__(self, handshake_done: bool = False) -> None:
        self.handshake_done = handshake_done
        self._pending = bytearray()
        self._missing = 0  # bytes that must still come before a frame can be complete

    def feed(self, data: bytes) -> Iterable[tuple[int, bytes, bytes]]:
        """Yield (type, metadata, body) of every frame that `data` completes; what follows an early stop is kept.

        Raises:
            ProtocolError: a prefix breaks the spec (section 1.2, rules 1 and 2). Frames before it were yielded.
        """
        if not self._pending and self.handshake_done and PREFIX_SIZE <= len(data) <= METADATA_BYTES_MAX:
            # One whole frame, as when calls are made in turn: no generator is needed.
            metadata_size, kind, marked, body_size = _MARKED_PREFIX.unpack_from(data)
            body_at = PREFIX_SIZE + metadata_size
            if (
                body_at + body_size == len(data)
                and marked == _MARKED
                and not (metadata_size | body_size) & 7
                and metadata_size >= METADATA_BYTES_MIN
            ):
                return ((kind, data[PREFIX_SIZE:body_at], data[body_at:] if body_size else b""),)
        return self._cut(data)

    def _cut(self, data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        if self._pending:
            self._pending += data
            if len(data) < self._missing:
                self._missing -= len(data)
                return
            data = bytes(self._pending)
            self._pending.clear()
        self._missing = 0
        at, end = 0, len(data)
        try:
            while end - at >= PREFIX_SIZE:
                metadata_size, kind, flags, mark, body_size = PREFIX.unpack_from(data, at)
                if mark != MARK or flags:
                    prefix = data[at : at + PREFIX_SIZE].hex()
                    raise ProtocolError(f"frame prefix {prefix}: byte 7 is not 0xb1, or flags are not 0")
                if (metadata_size | body_size) & 7:
                    raise ProtocolError(f"frame type {kind}: {metadata_size} + {body_size} bytes, no multiples of 8")
                if not METADATA_BYTES_MIN <= metadata_size <= METADATA_BYTES_MAX or body_size > BODY_BYTES_MAX:
                    raise ProtocolError(f"frame type {kind}: {metadata_size} + {body_size} bytes are out of range")
                if not self.handshake_done and (metadata_size > HANDSHAKE_METADATA_BYTES_MAX or body_size):
                    raise ProtocolError(f"frame type {kind}: {metadata_size} + {body_size} bytes before the handshake")
                body_at = at + PREFIX_SIZE + metadata_size
                after = body_at + body_size
                if after > end:
                    self._missing = after - end
                    break
                metadata_at, at = at + PREFIX_SIZE, after
                yield kind, data[metadata_at:body_at], data[body_at:after] if body_size else b""
            else:
                self._missing = PREFIX_SIZE - (end - at)
        finally:
            if at < end:
                self._pending += data[at:] if at else data


def hello_proof(token: bytes, nonce: bytes) -> bytes:
    """What proves that a connector knows the token (spec section 1.3, rule 1): 32 bytes."""
    return hmac.digest(token, b"bowstring-hello" + nonce, hashlib.sha256)


def proof_is_valid(token: bytes, nonce: bytes, proof: bytes) -> bool:
    """Compare a Hello's proof in constant time."""
    return hmac.compare_digest(hello_proof(token, nonce), proof)
