"""Arrow values: tables and batches of every type come back over the payload, aligned, read-only."""

from __future__ import annotations

import datetime
import decimal
import random
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowstring_wire.messages import Encoding, Layout
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values import arrow
from bowstring_wire.values.arrow import decode_arrow, encode_arrow, is_arrow
from bowstring_wire.values.payload import Decodable, image_size, inline_payload, read_payload, write_image
from tests.unit.values.placing import PLACES, aligned_bytes, inlined, stored

ROWS = 40
COLUMNS: dict[str, Any] = {
    "ints": pa.array(range(ROWS), pa.int64()),
    "nulls in ints": pa.array([None if row % 3 == 0 else row for row in range(ROWS)], pa.int32()),
    "floats": pa.array([row / 7 for row in range(ROWS)], pa.float32()),
    "bools": pa.array([None if row % 5 == 0 else row % 2 == 0 for row in range(ROWS)]),
    "strings": pa.array([None if row % 4 == 0 else "é" * row for row in range(ROWS)]),
    "large strings": pa.array(["x" * row for row in range(ROWS)], pa.large_string()),
    "string views": pa.array(["a string that is long" * (row % 3) for row in range(ROWS)], pa.string_view()),
    "binary": pa.array([bytes([row]) * row for row in range(ROWS)]),
    "fixed binary": pa.array([bytes([row]) * 3 for row in range(ROWS)], pa.binary(3)),
    "dates": pa.array([datetime.date(2000, 1, 1 + row % 28) for row in range(ROWS)]),
    "times": pa.array([datetime.time(row % 24) for row in range(ROWS)]),
    "timestamps": pa.array([row * 10**15 for row in range(ROWS)], pa.timestamp("ns")),
    "zoned timestamps": pa.array(list(range(ROWS)), pa.timestamp("ms", "Europe/Paris")),
    "durations": pa.array(list(range(ROWS)), pa.duration("us")),
    "decimals": pa.array([decimal.Decimal(row) / 8 for row in range(ROWS)], pa.decimal128(30, 5)),
    "large decimals": pa.array([decimal.Decimal(row) for row in range(ROWS)], pa.decimal256(60, 5)),
    "lists": pa.array([list(range(row % 5)) if row % 7 else None for row in range(ROWS)]),
    "large lists": pa.array([list(range(row % 5)) for row in range(ROWS)], pa.large_list(pa.int8())),
    "fixed lists": pa.array([[row, row + 1] for row in range(ROWS)], pa.list_(pa.int16(), 2)),
    "structs": pa.array([{"a": row, "b": {"c": [str(row)]}} for row in range(ROWS)]),
    "maps": pa.array([[(str(row), row)] for row in range(ROWS)], pa.map_(pa.string(), pa.int64())),
    "dictionary": pa.array([f"city {row % 3}" for row in range(ROWS)]).dictionary_encode(),
    "lists of dictionaries": pa.ListArray.from_arrays(
        pa.array(range(ROWS + 1), pa.int32()), pa.array([str(row % 2) for row in range(ROWS)]).dictionary_encode()
    ),
    "nothing": pa.nulls(ROWS),
    "runs": pa.RunEndEncodedArray.from_arrays([10, ROWS], ["a", "b"]),
    "dense union": pa.UnionArray.from_dense(
        pa.array([row % 2 for row in range(ROWS)], pa.int8()),
        pa.array([row // 2 for row in range(ROWS)], pa.int32()),
        [pa.array(range(ROWS)), pa.array([str(row) for row in range(ROWS)])],
    ),
    "sparse union": pa.UnionArray.from_sparse(
        pa.array([row % 2 for row in range(ROWS)], pa.int8()),
        [pa.array(range(ROWS)), pa.array([str(row) for row in range(ROWS)])],
    ),
}
TABLE = pa.table(COLUMNS).replace_schema_metadata({"who": "me"})


def _arrays(value: pa.Table | pa.RecordBatch) -> Iterator[pa.Array]:
    for column in value.columns:
        yield from column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _buffers(value: pa.Table | pa.RecordBatch) -> Iterator[pa.Buffer]:
    for array in _arrays(value):
        yield from (buffer for buffer in array.buffers() if buffer is not None and buffer.size)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("column", COLUMNS)
def test_every_type_comes_back(place: str, column: str) -> None:
    value = TABLE.select([column])
    found = decode_arrow(PLACES[place](encode_arrow(value)))
    found.validate(full=True)
    assert found.schema.equals(value.schema, check_metadata=True)
    assert found.equals(value)


@pytest.mark.parametrize("column", COLUMNS)
def test_slices_come_back_alone(column: str) -> None:
    value = TABLE.select([column]).slice(7, 13)
    found = decode_arrow(stored(encode_arrow(value)))
    found.validate(full=True)
    assert found.equals(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(TABLE, id="all-types"),
        pytest.param(TABLE.slice(0, 0), id="no-rows"),
        pytest.param(pa.table({}), id="no-columns"),
        pytest.param(pa.table({"a": pa.chunked_array([], pa.int64())}), id="no-batches"),
        pytest.param(pa.concat_tables([TABLE, TABLE.slice(3, 9), TABLE]), id="many-batches"),
        pytest.param(
            pa.concat_tables([pa.table({"d": pa.array([word]).dictionary_encode()}) for word in "abca"]),
            id="dictionaries-that-change",
        ),
    ],
)
def test_every_shape_of_table_comes_back(value: pa.Table) -> None:
    for place in PLACES.values():
        found = decode_arrow(place(encode_arrow(value)))
        assert isinstance(found, pa.Table)
        found.validate(full=True)
        assert found.equals(value, check_metadata=True)


def test_a_record_batch_comes_back_as_one() -> None:
    batch = TABLE.combine_chunks().to_batches()[0]
    encoded = encode_arrow(batch)
    assert encoded.single_batch
    found = decode_arrow(stored(encoded))
    assert isinstance(found, pa.RecordBatch)
    assert found.equals(batch, check_metadata=True)


@settings(deadline=None, max_examples=60)
@given(
    columns=st.lists(
        st.one_of(
            st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"))), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.booleans()), min_size=3, max_size=3),
            st.lists(st.lists(st.binary(max_size=9), max_size=3), min_size=3, max_size=3),
        ),
        max_size=5,
    ),
    repeats=st.integers(1, 3),
    start=st.integers(0, 3),
)
def test_random_tables_come_back(columns: list[list[Any]], repeats: int, start: int) -> None:
    table = pa.table({str(index): column for index, column in enumerate(columns)})
    value = pa.concat_tables([table] * repeats).slice(start)
    found = decode_arrow(inlined(encode_arrow(value)))
    found.validate(full=True)
    assert found.equals(value)


@pytest.mark.parametrize("value", [TABLE, pa.concat_tables([TABLE.slice(1), TABLE])], ids=["one-batch", "two-batches"])
def test_every_buffer_is_over_the_payload_aligned_and_read_only(value: pa.Table) -> None:
    payload = stored(encode_arrow(value))
    stream = payload.buffers[0]
    start = stream.ctypes.data
    found = decode_arrow(payload)
    for buffer in _buffers(found):
        assert start <= buffer.address < start + len(stream)
        assert buffer.address % 64 == 0
        assert not buffer.is_mutable


def test_the_stream_is_arrows_own_to_any_reader() -> None:
    layout, payload = inline_payload(encode_arrow(TABLE))
    stream = read_payload(Encoding.ARROW, layout, payload).buffers[0]
    assert pa.ipc.open_stream(pa.py_buffer(stream)).read_all().equals(TABLE)


def test_a_stream_of_unknown_parts_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(parts: list[Any]) -> list[Any]:
        raise arrow._Unknown

    monkeypatch.setattr(arrow, "_laid_out", unknown)
    assert decode_arrow(stored(encode_arrow(TABLE))).equals(TABLE)


def test_columns_are_not_copied_before_they_are_placed() -> None:
    table = pa.table({"a": np.arange(1 << 20)})
    before = pa.total_allocated_bytes()
    encoded = encode_arrow(table)
    assert pa.total_allocated_bytes() - before < table.nbytes // 100
    assert encoded.nbytes >= table.nbytes


def test_reading_takes_no_memory() -> None:
    payload = stored(encode_arrow(pa.table({str(index): np.ones(50 << 14) for index in range(8)})))
    before = pa.total_allocated_bytes()
    table = decode_arrow(payload)
    assert table.nbytes == 50 << 20
    assert pa.total_allocated_bytes() - before < table.nbytes // 100


@pytest.mark.parametrize("single_batch", [False, True], ids=["table", "batch"])
def test_the_payload_lives_as_long_as_the_last_array(single_batch: bool) -> None:
    value = TABLE.combine_chunks().to_batches()[0] if single_batch else TABLE
    encoded = encode_arrow(value)
    image = aligned_bytes(image_size(encoded))
    write_image(encoded, memoryview(image))
    payload = memoryview(image).toreadonly()
    alive = weakref.ref(image)
    del image
    found = decode_arrow(read_payload(Encoding.ARROW, Layout.IMAGE, payload))
    last = found.column(0)[3:9]
    del payload, found
    assert alive() is not None
    assert last.to_pylist() == [3, 4, 5, 6, 7, 8]
    del last
    assert alive() is None


def test_only_tables_and_batches_are_arrow_values() -> None:
    assert is_arrow(TABLE)
    assert is_arrow(TABLE.to_batches()[0])
    for other in (TABLE.column(0), TABLE.schema, pa.array([1]), pa.scalar(1), [1]):
        assert not is_arrow(other)


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"\xff" * 16, b"ARROW1\0\0" * 9, b"\xff\xff\xff\xff\xff\xff\xff\x7f"])
@pytest.mark.parametrize("single_batch", [False, True])
def test_what_is_no_stream_is_refused(data: bytes, single_batch: bool) -> None:
    with pytest.raises(ProtocolError):
        decode_arrow(Decodable(Encoding.ARROW, [data], single_batch=single_batch))


def test_a_single_batch_is_exactly_one() -> None:
    for value in (pa.concat_tables([TABLE, TABLE]), pa.table({"a": pa.chunked_array([], pa.int64())})):
        payload = inlined(encode_arrow(value))
        payload.single_batch = True
        with pytest.raises(ProtocolError, match="one record batch"):
            decode_arrow(payload)


def test_an_arrow_value_has_one_buffer() -> None:
    with pytest.raises(ProtocolError, match="one buffer"):
        decode_arrow(Decodable(Encoding.ARROW, [b"", b""]))


def test_truncated_and_mutated_streams_are_tables_or_a_protocol_error() -> None:
    source = random.Random("streams")
    names = ["ints", "strings", "lists", "dictionary", "structs", "bools"]
    good = bytes(inlined(encode_arrow(TABLE.select(names))).buffers[0])
    for _ in range(1500):
        data = bytearray(good[: source.choice((len(good), source.randrange(len(good))))])
        for _ in range(source.randrange(4) if data else 0):
            data[source.randrange(len(data))] = source.choice((0, 0xFF, source.randrange(256)))
        try:
            found = decode_arrow(Decodable(Encoding.ARROW, [bytes(data)]))
        except ProtocolError:
            continue
        assert isinstance(found, pa.Table)
