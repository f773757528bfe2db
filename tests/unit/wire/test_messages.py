"""The generated codec: its bytes are canonical, valid FlatBuffers, and no others confuse or break it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowstring_wire import messages
from bowstring_wire.protocol import ProtocolError
from conformance.golden import flatbuffers_own
from conformance.golden.specimens import TABLES, Specimens, from_neutral, present, to_neutral

every_table = pytest.mark.parametrize("table", TABLES)
randoms = st.randoms(use_true_random=False)


@every_table
@settings(max_examples=20, deadline=None)
@given(source=randoms)
def test_every_message_comes_back_as_it_was(table: str, source: random.Random) -> None:
    message = Specimens(source).message(table)
    data = message.encode()
    assert len(data) % 8 == 0
    again = type(message).decode(data)
    assert again == message
    assert again.encode() == data


@every_table
@settings(max_examples=10, deadline=None)
@given(source=randoms)
def test_flatcs_readers_find_in_canonical_bytes_what_was_written(table: str, source: random.Random) -> None:
    message = Specimens(source).message(table)
    assert flatbuffers_own.read(table, message.encode()) == message


@every_table
@settings(max_examples=10, deadline=None)
@given(source=randoms)
def test_layouts_of_other_writers_are_read(table: str, source: random.Random) -> None:
    message = Specimens(source).message(table)
    other = flatbuffers_own.write(message, source)
    assert present(type(message).decode(other)) == message


@every_table
def test_an_empty_message_is_the_default(table: str) -> None:
    kind = getattr(messages, table)
    empty = present(kind())
    assert kind().encode() == empty.encode()
    assert kind.decode(empty.encode()) == empty
    assert flatbuffers_own.read(table, empty.encode()) == empty


@every_table
def test_the_neutral_form_loses_nothing(table: str) -> None:
    message = Specimens(random.Random(1)).message(table)
    assert from_neutral(table, to_neutral(message)) == message


@every_table
def test_mutated_metadata_is_a_message_or_a_protocol_error(table: str) -> None:
    source = random.Random(f"mutate {table}")
    for _ in range(60):
        message = Specimens(source).message(table)
        data = bytearray(message.encode() if source.randrange(2) else flatbuffers_own.write(message, source))
        for _ in range(source.choice((1, 1, 2, 8))):
            at = source.randrange(len(data))
            data[at] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
        _decode_or_protocol_error(type(message), bytes(data))


@every_table
def test_truncated_metadata_is_a_message_or_a_protocol_error(table: str) -> None:
    message = Specimens(random.Random(f"truncate {table}")).message(table)
    data = message.encode()
    for size in range(len(data)):
        _decode_or_protocol_error(type(message), data[:size])


def _decode_or_protocol_error(kind: type[messages.Message], data: bytes) -> None:
    try:
        message = kind.decode(data)
    except ProtocolError:
        return
    assert type(message) is kind


def test_a_wrong_file_identifier_is_refused() -> None:
    data = messages.Ack(7).encode()
    with pytest.raises(ProtocolError, match="file identifier"):
        messages.Ack.decode(data[:4] + b"XXXX" + data[8:])


def test_a_count_beyond_the_bytes_is_refused_before_anything_is_made_of_it() -> None:
    data = bytearray(messages.ObjectUnpin((1, 2)).encode())
    at = data.index(b"\x02\0\0\0\x01\0\0\0\0\0\0\0")
    data[at : at + 4] = b"\xff\xff\xff\x7f"
    with pytest.raises(ProtocolError, match="2147483647 elements"):
        messages.ObjectUnpin.decode(bytes(data))


def pointing_often(pointers: int, text_bytes: int) -> bytes:
    """An ErrorRecord with so many causes that are all one, which is long."""
    causes = (*[messages.ErrorCause()] * (pointers - 1), messages.ErrorCause(message="x" * text_bytes))
    data = bytearray(messages.ErrorRecord(code=1, causes=causes).encode())
    field = 8 + messages.ErrorRecord.START + 60
    vector = field + int.from_bytes(data[field : field + 4], "little")
    assert int.from_bytes(data[vector : vector + 4], "little") == pointers
    places = range(vector + 4, vector + 4 + 4 * pointers, 4)
    last = places[-1] + int.from_bytes(data[places[-1] : places[-1] + 4], "little")
    for place in places:
        data[place : place + 4] = (last - place).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.rule("1.5/4")
def test_what_is_pointed_at_more_than_once_is_read_in_moderation() -> None:
    record = messages.ErrorRecord.decode(pointing_often(8, 5_000))
    assert [len(cause.message) for cause in record.causes] == [5_000] * 8
    with pytest.raises(ProtocolError, match="too often"):
        messages.ErrorRecord.decode(pointing_often(50_000, 100_000))
