"""Payloads: images are laid out as section 3.1 says, and what is no image is refused."""

from __future__ import annotations

import random
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowstring_wire.messages import Encoding, Layout, ObjectHeader, ObjectRef, Span
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values.payload import (
    Encoded,
    buffer_size,
    image_size,
    inline_payload,
    read_payload,
    write_image,
)
from tests.unit.values.placing import aligned_bytes, inlined, stored


class Sevens:
    """A writer of so many bytes of value 7."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes

    def write_into(self, target: memoryview) -> None:
        target[:] = b"\x07" * self.nbytes


def _image(header: ObjectHeader, size: int = 512) -> bytes:
    data = header.encode()
    return (len(data).to_bytes(4, "little") + bytes(4) + data).ljust(size, b"\0")


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=5), shape=st.lists(st.integers(0, 9), max_size=3))
def test_an_image_holds_its_buffers_aligned_in_order(sizes: list[int], shape: list[int]) -> None:
    buffers: list[Any] = [bytes([index + 1]) * size for index, size in enumerate(sizes)]
    encoded = Encoded(Encoding.PYTHON, buffers, 5, tuple(shape), True)
    assert encoded.nbytes == sum(sizes)
    data = np.full(image_size(encoded), 0xAA, np.uint8)
    write_image(encoded, memoryview(data))
    found = read_payload(Encoding.PYTHON, Layout.IMAGE, data.tobytes())
    assert [bytes(buffer) for buffer in found.buffers] == buffers
    assert (found.element, tuple(found.shape), found.single_batch) == (5, tuple(shape), True)
    header_size = int.from_bytes(data[:4].tobytes(), "little")
    header = ObjectHeader.decode(data[8 : 8 + header_size].tobytes())
    assert all(span.offset % 64 == 0 for span in header.buffers)
    taken = np.zeros(len(data), bool)
    taken[: 8 + header_size] = True
    for span in header.buffers:
        assert not taken[span.offset : span.offset + span.length].any()
        taken[span.offset : span.offset + span.length] = True
    assert not data[~taken].any(), "padding is zero"


@pytest.mark.parametrize(
    "buffer",
    [
        b"abc",
        bytearray(b"abc"),
        memoryview(b"abc"),
        np.arange(6, dtype=np.int16).reshape(2, 3),
        memoryview(np.arange(6, dtype=np.float32)),
        Sevens(100),
        b"",
        np.empty(0, np.uint8),
        bytes(1 << 19),
        np.ones(1 << 17, np.int32),
    ],
    ids=lambda buffer: type(buffer).__name__,
)
def test_buffers_of_every_kind_are_placed_alike_everywhere(buffer: Any) -> None:
    expected = b"\x07" * 100 if isinstance(buffer, Sevens) else bytes(memoryview(buffer))
    assert buffer_size(buffer) == len(expected)
    encoded = Encoded(Encoding.PYTHON, [b"first", buffer])
    for found in (inlined(encoded), stored(encoded)):
        assert bytes(found.buffers[1]) == expected
    assert inline_payload(Encoded(Encoding.PYTHON, [buffer])) == (Layout.COMPACT, expected)


def test_only_a_lone_buffer_of_some_encodings_is_compact() -> None:
    assert inline_payload(Encoded(Encoding.PORTABLE, [b"\xc0"])) == (Layout.COMPACT, b"\xc0")
    assert inline_payload(Encoded(Encoding.PORTABLE, [b"\xc0", b""]))[0] == Layout.IMAGE
    assert inline_payload(Encoded(Encoding.TENSOR, [b""], 1, (0,)))[0] == Layout.IMAGE
    assert inline_payload(Encoded(Encoding.ARROW, [b""]))[0] == Layout.IMAGE
    for encoding in (Encoding.TENSOR, Encoding.ARROW, Encoding.UNSPECIFIED, 99):
        with pytest.raises(ProtocolError, match="compact"):
            read_payload(encoding, Layout.COMPACT, b"x")


def test_a_target_of_another_length_is_refused() -> None:
    encoded = Encoded(Encoding.PYTHON, [b"abc"])
    with pytest.raises(ValueError, match="the target has"):
        write_image(encoded, memoryview(bytearray(image_size(encoded) + 1)))


def test_references_are_kept_beside_the_value() -> None:
    ref = ObjectRef(bytes(range(20)), 0, 1, 2)
    assert Encoded(Encoding.PYTHON, [b""], contains=[ref]).contains == [ref]
    assert Encoded(Encoding.PYTHON, [b""]).contains == []


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "memoryview", "array"])
def test_slices_are_read_only_and_over_the_payload(kind: str) -> None:
    encoded = Encoded(Encoding.PYTHON, [b"a" * 10, b"b" * 10])
    payload = inline_payload(encoded)[1]
    data: Any = {
        "bytes": lambda: payload,
        "bytearray": lambda: bytearray(payload),
        "memoryview": lambda: memoryview(bytearray(payload)),
        "array": lambda: np.frombuffer(bytearray(payload), np.uint8),
    }[kind]()
    found = read_payload(Encoding.PYTHON, Layout.IMAGE, data)
    start = np.frombuffer(data, np.uint8).ctypes.data
    for buffer in found.buffers:
        view = memoryview(buffer)
        assert view.readonly
        assert start < np.frombuffer(view, np.uint8).ctypes.data < start + len(payload)
    assert isinstance(found.buffers[0], np.ndarray if kind == "array" else memoryview)


def test_the_payload_lives_as_long_as_its_last_slice() -> None:
    encoded = Encoded(Encoding.PYTHON, [b"a" * 10, b"b" * 10])
    image = aligned_bytes(image_size(encoded))
    write_image(encoded, memoryview(image))
    payload = memoryview(image).toreadonly()
    alive = weakref.ref(image)
    del image
    last = read_payload(Encoding.PYTHON, Layout.IMAGE, payload).buffers[1]
    last = np.frombuffer(last, np.uint8)[2:]
    del payload
    assert alive() is not None
    assert bytes(last) == b"b" * 8
    del last
    assert alive() is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0\0\0\0\0\0\0", id="shorter-than-its-prefix"),
        pytest.param(bytes(64), id="no-header"),
        pytest.param(b"\xf8\xff\xff\xff" + bytes(60), id="header-beyond-the-end"),
        pytest.param(b"\x09\0\0\0" + bytes(60), id="header-not-padded"),
        pytest.param(b"\x38\0\0\0\x01\0\0\0" + bytes(120), id="reserved-bytes-set"),
        pytest.param(_image(ObjectHeader(Encoding.PYTHON)), id="no-buffers"),
        pytest.param(_image(ObjectHeader(Encoding.JAVA, buffers=(Span(128, 1),))), id="another-encoding"),
        pytest.param(_image(ObjectHeader(Encoding.PYTHON, buffers=(Span(129, 1),))), id="not-aligned"),
        pytest.param(_image(ObjectHeader(Encoding.PYTHON, buffers=(Span(0, 1),))), id="over-the-header"),
        pytest.param(_image(ObjectHeader(Encoding.PYTHON, buffers=(Span(448, 65),))), id="beyond-the-end"),
        pytest.param(_image(ObjectHeader(Encoding.PYTHON, buffers=(Span(2**64 - 64, 64),))), id="beyond-64-bits"),
        pytest.param(_image(ObjectHeader(Encoding.PYTHON, buffers=(Span(192, 65), Span(192, 1)))), id="overlapping"),
        pytest.param(_image(ObjectHeader(Encoding.PYTHON, buffers=(Span(256, 1), Span(192, 1)))), id="out-of-order"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_payload(Encoding.PYTHON, Layout.IMAGE, data)


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ProtocolError, match="layout 3"):
        read_payload(Encoding.PYTHON, 3, b"x")


def test_mutated_images_give_slices_or_a_protocol_error() -> None:
    source = random.Random("images")
    good = inline_payload(Encoded(Encoding.PYTHON, [b"a" * 100, b"b" * 30, b""], 3, (4, 5)))[1]
    for _ in range(3000):
        data = bytearray(good[: source.choice((len(good), source.randrange(len(good))))])
        for _ in range(source.randrange(4) if data else 0):
            data[source.randrange(min(len(data), 160))] = source.choice((0, 0xFF, source.randrange(256)))
        try:
            found = read_payload(Encoding.PYTHON, Layout.IMAGE, bytes(data))
        except ProtocolError:
            continue
        assert sum(map(len, found.buffers)) <= len(data)
