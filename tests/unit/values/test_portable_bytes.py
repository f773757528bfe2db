"""Portable trees as a peer may write them: no bytes break the reader."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pytest

from bowstring_wire.messages import ElementType, Encoding
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values.errors import CrossLanguageError
from bowstring_wire.values.payload import Decodable
from bowstring_wire.values.portable import decode_portable, encode_portable
from tests.unit.values.placing import inlined
from tests.unit.values.trees import again, same, tree_of

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
TABLE = pa.table({"a": [1, 2], "b": ["x", None]})


def _ext(code: int, *fields: Any) -> bytes:
    return bytes(msgpack.packb(msgpack.ExtType(code, msgpack.packb(fields))))


def _raw_ext(code: int, data: bytes) -> bytes:
    return b"\xc7" + bytes([len(data), code & 0xFF]) + data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xc0\xc0", id="more-than-one-value"),
        pytest.param(b"\xc1", id="unused-head"),
        pytest.param(b"\x92\xc0", id="array-cut-short"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="array-of-4-billion"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="map-of-4-billion"),
        pytest.param(b"\xc6\xff\xff\xff\xff", id="bin-of-4-billion"),
        pytest.param(b"\xa2\xff\xff", id="str-that-is-no-utf8"),
        pytest.param(b"\xa3\xed\xa0\x80", id="str-with-a-surrogate"),
        pytest.param(b"\xcf\x80" + bytes(7), id="integer-beyond-int64"),
        pytest.param(b"\x91\xcf\x80" + bytes(7), id="integer-beyond-int64-inside"),
        pytest.param(b"\x81\xcf\x80" + bytes(7) + b"\xc0", id="integer-beyond-int64-as-key"),
        pytest.param(b"\x82\xa1a\xc0\xa1a\xc0", id="key-twice"),
        pytest.param(b"\x82\x01\xc0\xd0\x01\xc0", id="key-twice-in-two-forms"),
        pytest.param(b"\x81\xc0\xc0", id="nil-as-key"),
        pytest.param(b"\x81\xc3\xc0", id="bool-as-key"),
        pytest.param(b"\x81\xc4\x01a\xc0", id="bin-as-key"),
        pytest.param(b"\x81\xcb" + bytes(8) + b"\xc0", id="float-as-key"),
        pytest.param(b"\x81\x90\xc0", id="array-as-key"),
        pytest.param(b"\x81\xd6\xff\0\0\0\0\xc0", id="timestamp-as-key"),
        pytest.param(b"\x91" * 257 + b"\xc0", id="too-deep"),
        pytest.param(b"\x91" * 257 + b"\xc7\x0c\xff" + b"\0\0\0\x01" + bytes(8), id="too-deep-with-a-fine-time"),
        pytest.param(b"\x91" * 5000 + b"\xc0", id="far-too-deep"),
        pytest.param(b"\x81\xa0" * 5000 + b"\xc0", id="far-too-deep-in-maps"),
        pytest.param(_raw_ext(-1, bytes(11)), id="timestamp-of-11-bytes"),
        pytest.param(b"\xc7\x0c\xff\xff\xff\xff\xff" + bytes(8), id="timestamp-of-4-billion-nanoseconds"),
        pytest.param(_raw_ext(-2, b""), id="extension-of-messagepack"),
        pytest.param(_ext(0), id="extension-0"),
        pytest.param(_ext(7, 1), id="extension-7"),
        pytest.param(_ext(127, 1), id="extension-127"),
        pytest.param(_ext(3, 0, ElementType.INT8, [1]), id="tensor-in-the-tree-itself"),
        pytest.param(_ext(3, 2, ElementType.INT8, [8]), id="tensor-in-a-missing-buffer"),
        pytest.param(_ext(3, -1, ElementType.INT8, [8]), id="tensor-in-a-negative-buffer"),
        pytest.param(_ext(3, True, ElementType.INT8, [8]), id="tensor-in-buffer-true"),
        pytest.param(_ext(3, 1, 99, [8]), id="tensor-of-unknown-type"),
        pytest.param(_ext(3, 1, ElementType.INT8, [9]), id="tensor-of-another-size"),
        pytest.param(_ext(3, 1, ElementType.INT8, [-8]), id="tensor-of-negative-size"),
        pytest.param(_ext(3, 1, ElementType.INT8, [8.0]), id="tensor-of-float-size"),
        pytest.param(_ext(3, 1, ElementType.INT8, [True] * 3), id="tensor-of-bool-size"),
        pytest.param(_ext(3, 1, ElementType.INT8), id="tensor-without-shape"),
        pytest.param(_ext(3, 1, ElementType.INT8, [8], 1), id="tensor-with-more"),
        pytest.param(_raw_ext(3, b"\xdd\xff\xff\xff\xff"), id="tensor-of-4-billion-fields"),
        pytest.param(_raw_ext(3, b"\xc0"), id="tensor-of-nil"),
        pytest.param(_raw_ext(3, b""), id="tensor-of-nothing"),
        pytest.param(_ext(4, 1, False), id="table-that-is-none"),
        pytest.param(_ext(4, 1, 0), id="table-without-bool"),
        pytest.param(_ext(4, 2, True), id="table-in-a-missing-buffer"),
        pytest.param(_ext(5, 1, ElementType.INT8), id="long-list-of-int8"),
        pytest.param(_ext(5, 1, 99), id="long-list-of-unknown-type"),
        pytest.param(_ext(5, 9, ElementType.INT64), id="long-list-in-a-missing-buffer"),
        pytest.param(_ext(6, 9), id="bytes-in-a-missing-buffer"),
        pytest.param(_ext(6, [1]), id="bytes-in-a-list"),
    ],
)
def test_trees_that_break_the_spec_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        tree_of(data, bytes(8))


def test_a_long_list_of_odd_length_is_refused() -> None:
    with pytest.raises(ProtocolError):
        tree_of(_ext(5, 1, ElementType.INT64), bytes(9))


@pytest.mark.parametrize("encoding", [Encoding.UNSPECIFIED, Encoding.PYTHON, Encoding.JAVA, Encoding.ERROR, 99])
def test_encodings_of_one_language_are_not_read_here(encoding: int) -> None:
    with pytest.raises(ProtocolError, match="every language"):
        decode_portable(Decodable(encoding, [b"\xc0"]))


def test_float32_and_short_forms_of_timestamps_are_read() -> None:
    assert tree_of(b"\xca\x3f\xc0\0\0") == 1.5
    assert tree_of(b"\xd6\xff\0\0\0\x01") == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert tree_of(b"\xd7\xff" + (3000 << 34 | 5).to_bytes(8, "big")) == datetime(1970, 1, 1, 0, 0, 5, 3, tzinfo=UTC)
    assert tree_of(b"\xcf" + bytes(7) + b"\x05") == 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xc7\x0c\xff\0\0\0\x01" + bytes(8), "finer than"),
        (b"\xd7\xff" + (1 << 34).to_bytes(8, "big"), "finer than"),
        (b"\xc7\x0c\xff\0\0\0\0" + (2**62).to_bytes(8, "big"), "outside of the years"),
        (b"\xc7\x0c\xff\0\0\0\0" + b"\xc0" + bytes(7), "outside of the years"),
    ],
)
def test_times_that_no_datetime_says_are_named(data: bytes, reason: str) -> None:
    for tree, path in ((data, "$"), (b"\x92\xc0" + data, "$[1]"), (b"\x81\xa1t\x91" + data, "$.t[0]")):
        with pytest.raises(CrossLanguageError, match=reason) as refused:
            tree_of(tree)
        assert refused.value.path == path


def test_what_only_looks_like_a_fine_time_changes_nothing() -> None:
    value = {"a": b"\xc7\x0c\xff" + b"\x01" * 12, "t": [NOON, "x", {"u": NOON}], "n": 0xD7FF}
    assert same(again(value), value)
    assert same(again(NOON), NOON)


@pytest.mark.parametrize("size", [60_000, 1 << 20, 1 << 24])
def test_nested_claims_take_neither_time_nor_memory(size: int) -> None:
    data = (b"\xdd" + size.to_bytes(4, "big")) * 1000
    started = time.monotonic()
    with pytest.raises(ProtocolError):
        tree_of(data.ljust(size + 5, b"\xc0"))
    assert time.monotonic() - started < 5


def _mutated(source: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(source.choice((0, 1, 1, 2, 6))):
        at = source.randrange(len(made))
        match source.randrange(4):
            case 0:
                made[at] = source.randrange(256)
            case 1:
                made[at] = source.choice(b"\xc0\xc1\xc7\xcf\xd6\xd7\xd8\xdb\xdc\xdd\xde\xdf\xff\x81\x91\xa1")
            case 2:
                del made[at]
            case 3:
                made[at:at] = made[source.randrange(len(made)) :][: source.randrange(9)]
        if not made:
            return b""
    return bytes(made[: source.choice((len(made), source.randrange(len(made) + 1)))])


SEEDS: list[Callable[[], Any]] = [
    lambda: {"a": [1, 2.5, None, True, "text", b"bytes"], 7: {"t": NOON, "neg": -(2**40)}},
    lambda: [list(range(1024)), [0.5] * 1100, [True] * 1024, bytes(5000), {"n": [1, "x"] * 20}],
    lambda: {"w": np.arange(12.0).reshape(3, 4), "t": TABLE, "b": [TABLE.to_batches()[0], np.array(1, np.int8)]},
]


@pytest.mark.usefixtures("references")
@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_mutated_trees_are_values_or_an_error_of_ours(seed: int) -> None:
    source = random.Random(f"trees {seed}")
    payload = inlined(encode_portable(SEEDS[seed]()))
    tree, *buffers = map(bytes, payload.buffers)
    for _ in range(4000):
        data = _mutated(source, tree)
        chosen = [_mutated(source, buffer) if source.randrange(8) == 0 and buffer else buffer for buffer in buffers]
        try:
            tree_of(data, *chosen)
        except (ProtocolError, CrossLanguageError):
            continue


@pytest.mark.usefixtures("references")
@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_random_bytes_are_values_or_an_error_of_ours(seed: int) -> None:
    source = random.Random(f"bytes {seed}")
    for _ in range(4000):
        data = bytes(
            source.choice((source.randrange(256), source.randrange(0xC0, 0xE0))) for _ in range(source.randrange(40))
        )
        try:
            tree_of(data, bytes(16))
        except (ProtocolError, CrossLanguageError):
            continue
