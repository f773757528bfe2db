"""Frames: cut right however their bytes arrive, refused before anything behind a bad prefix is read."""

from __future__ import annotations

import hmac
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowstring_wire import protocol
from bowstring_wire.messages import Ack, FrameType, GoAway, Shutdown
from bowstring_wire.protocol import FrameParser, ProtocolError, frame

FRAMES = [
    (FrameType.ACK, Ack(1).encode(), b""),
    (FrameType.SHUTDOWN, Shutdown(True, "a reason").encode(), b"x" * 24),
    (0x8001, Ack(2).encode(), b"y" * 8),
    (FrameType.GO_AWAY, GoAway().encode(), b""),
]
STREAM = b"".join(frame(*parts) for parts in FRAMES)


def _cut(parser: FrameParser, pieces: list[bytes]) -> list[tuple[int, bytes, bytes]]:
    return [found for piece in pieces for found in parser.feed(piece)]


def test_a_stream_split_at_every_byte_gives_the_same_frames() -> None:
    for at in range(len(STREAM) + 1):
        assert _cut(FrameParser(handshake_done=True), [STREAM[:at], STREAM[at:]]) == FRAMES


def test_a_stream_that_comes_byte_by_byte_gives_the_same_frames() -> None:
    assert _cut(FrameParser(handshake_done=True), [bytes((byte,)) for byte in STREAM]) == FRAMES


@settings(max_examples=100, deadline=None)
@given(cuts=st.lists(st.integers(0, 3 * len(STREAM)), max_size=20))
def test_a_stream_in_any_pieces_gives_the_same_frames(cuts: list[int]) -> None:
    places = sorted({0, 3 * len(STREAM), *cuts})
    pieces = [(STREAM * 3)[start:end] for start, end in pairwise(places)]
    assert _cut(FrameParser(handshake_done=True), pieces) == FRAMES * 3


def test_a_body_is_padded_to_a_multiple_of_8() -> None:
    data = frame(FrameType.ACK, Ack(1).encode(), b"12345")
    assert len(data) % 8 == 0
    ((_kind, _metadata, body),) = FrameParser(handshake_done=True).feed(data)
    assert body == b"12345\0\0\0"


@pytest.mark.parametrize(
    ("at", "value"),
    [
        pytest.param(7, b"\x00", id="mark"),
        pytest.param(6, b"\x01", id="flags"),
        pytest.param(0, b"\x0c", id="metadata-not-padded"),
        pytest.param(0, b"\x08\x00\x00\x00", id="metadata-too-short"),
        pytest.param(0, b"\x08\x00\x00\x01", id="metadata-too-long"),
        pytest.param(8, b"\x01", id="body-not-padded"),
        pytest.param(8, b"\x08\x00\x00\x04", id="body-too-long"),
        pytest.param(15, b"\x80", id="body-negative"),
    ],
)
def test_a_bad_prefix_is_refused_though_the_rest_is_missing(at: int, value: bytes) -> None:
    data = bytearray(frame(FrameType.ACK, Ack(1).encode(), b"x" * 8))
    data[at : at + len(value)] = value
    parser = FrameParser(handshake_done=True)
    with pytest.raises(ProtocolError):
        list(parser.feed(bytes(data[: protocol.PREFIX_SIZE])))


def test_frames_before_a_bad_prefix_are_given_first() -> None:
    found = FrameParser(handshake_done=True).feed(STREAM + b"\xff" * 16)
    assert [next(found) for _ in FRAMES] == FRAMES
    with pytest.raises(ProtocolError):
        next(found)


def test_before_the_handshake_a_frame_has_no_body_and_little_metadata() -> None:
    parser = FrameParser()
    assert list(parser.feed(frame(FrameType.ACK, Ack(1).encode()))) == [(FrameType.ACK, Ack(1).encode(), b"")]
    with pytest.raises(ProtocolError, match="before the handshake"):
        list(FrameParser().feed(frame(FrameType.ACK, Ack(1).encode(), b"x")))
    with pytest.raises(ProtocolError, match="before the handshake"):
        list(FrameParser().feed(frame(FrameType.ACK, bytes(protocol.HANDSHAKE_METADATA_BYTES_MAX + 8))[:16]))


def test_the_limits_of_a_stranger_end_with_the_handshake() -> None:
    parser = FrameParser()
    frames = parser.feed(frame(FrameType.ACK, Ack(1).encode()) + frame(FrameType.ACK, Ack(2).encode(), b"x"))
    next(frames)
    parser.handshake_done = True
    assert next(frames)[2] == b"x" + bytes(7)


def test_a_frame_too_large_is_not_written() -> None:
    with pytest.raises(ProtocolError, match="more than a frame may carry"):
        frame(FrameType.ACK, bytes(protocol.METADATA_BYTES_MAX + 8))


def test_mutated_streams_give_frames_or_a_protocol_error() -> None:
    source = random.Random("streams")
    for _ in range(500):
        data = bytearray(STREAM)
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            found = list(FrameParser(handshake_done=True).feed(bytes(data)))
        except ProtocolError:
            continue
        assert len(found) <= len(FRAMES)


def test_the_proof_is_of_the_token_and_the_nonce() -> None:
    token, nonce = bytes(range(32)), bytes(32)
    proof = protocol.hello_proof(token, nonce)
    assert proof == hmac.new(token, b"bowstring-hello" + nonce, "sha256").digest()
    assert protocol.proof_is_valid(token, nonce, proof)
    assert not protocol.proof_is_valid(token, b"\x01" + nonce[1:], proof)
    assert not protocol.proof_is_valid(token[::-1], nonce, proof)
    assert not protocol.proof_is_valid(token, nonce, b"")
