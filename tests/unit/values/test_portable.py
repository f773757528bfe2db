"""Portable trees: what fits comes back, what does not is refused by its path, and no bytes break the reader."""

from __future__ import annotations

import enum
import math
import random
import sys
import time
import tracemalloc
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowstring_wire.messages import OBJECT_REF, ActorHandle, ElementType, Encoding, Layout, ObjectRef
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values import portable
from bowstring_wire.values.errors import CrossLanguageError
from bowstring_wire.values.payload import Decodable, Encoded, inline_payload, read_payload
from bowstring_wire.values.portable import decode_portable, encode_portable, register_reference
from bowstring_wire.values.tree import INT_MAX, INT_MIN
from tests.unit.values.placing import PLACES, inlined, stored

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
TABLE = pa.table({"a": [1, 2], "b": ["x", None]})


def _again(value: Any) -> Any:
    return decode_portable(inlined(encode_portable(value)))


def _same(found: Any, value: Any) -> bool:
    """Equal in types too; NaN is itself."""
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, bytearray):
        value = bytes(value)
    if type(found) is not type(value):
        return False
    if isinstance(value, list):
        return len(found) == len(value) and all(map(_same, found, value))
    if isinstance(value, dict):
        return list(found) == list(value) and all(_same(found[key], value[key]) for key in value)
    if isinstance(value, float):
        return (math.isnan(found) and math.isnan(value)) or (
            found == value and math.copysign(1, found) == math.copysign(1, value)
        )
    return bool(found == value)


def _tree(data: bytes, *buffers: Any) -> Any:
    return decode_portable(Decodable(Encoding.PORTABLE, [data, *buffers]))


# What fits ----------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), max_size=9)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(INT_MIN, INT_MAX),
    st.floats(),
    texts,
    st.binary(max_size=9),
    st.binary(max_size=9).map(bytearray),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(minutes=1))])),
    st.sampled_from([b"\xdd" * 9, b"\xc7\x0c\xff" * 5, b"\xd7\xff\x01", b"\xcf\xff\x01", 0xD7FF, 0xDDDD, 0xCFFF]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(st.one_of(texts, st.integers(INT_MIN, INT_MAX)), inner, max_size=5),
        st.builds(lambda item, count: [item] * count, leaves, st.sampled_from([1, 1023, 1024, 1025])),
        st.builds(lambda item, count: item * count, st.binary(min_size=1, max_size=2), st.sampled_from([2048, 4096])),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("place", PLACES)
@settings(deadline=None, max_examples=150)
@given(value=trees)
def test_every_tree_comes_back(place: str, value: Any) -> None:
    found = decode_portable(PLACES[place](encode_portable(value)))
    assert _same(found, value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        INT_MIN,
        INT_MAX,
        1.5,
        -0.0,
        math.inf,
        -math.inf,
        math.nan,
        "",
        "a\0é😀",
        b"",
        b"\xff",
        [],
        {},
    ],
    ids=ascii,
)
def test_scalars_at_the_edges_come_back(value: Any) -> None:
    encoded = encode_portable(value)
    assert encoded.encoding == Encoding.PORTABLE
    assert inline_payload(encoded)[0] == Layout.COMPACT
    assert _same(_again(value), value)
    assert _same(_again([value, {"k": value}]), [value, {"k": value}])


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int8(-3), -3),
        (np.uint64(INT_MAX), INT_MAX),
        (np.float16(1.5), 1.5),
        (np.float32(1.5), 1.5),
        (np.float64(1.5), 1.5),
        (np.bool_(True), True),
        pytest.param(memoryview(b"abc"), b"abc", id="memoryview"),
        (datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2019, 12, 31, 23, tzinfo=UTC)),
        ((1, (2,)), [1, [2]]),
    ],
    ids=repr,
)
@pytest.mark.rule("3.6/4")
def test_kin_of_plain_types_come_back_plain(value: Any, plain: Any) -> None:
    assert _same(_again(value), plain)
    assert _same(_again({"k": [value]}), {"k": [plain]})


def test_maps_keep_their_order_and_the_types_of_their_keys() -> None:
    value = {"b": 1, 2: "two", "2": "text", -1: 0, "a": 3}
    assert list(_again(value).items()) == list(value.items())


def test_a_timestamp_is_written_in_96_bits() -> None:
    seconds, nanoseconds = 1767355200, 123456000
    data = b"\xc7\x0c\xff" + nanoseconds.to_bytes(4, "big") + seconds.to_bytes(8, "big")
    assert encode_portable(NOON).buffers == [data]
    for moment in (NOON, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert _same(_again(moment), moment)
        assert _same(_again([moment] * 3), [moment] * 3)


def test_nesting_ends_at_256() -> None:
    value: Any = []
    for _ in range(255):
        value = [value]
    assert _again(value) == value
    assert _again({"k": value[0]}) == {"k": value[0]}
    with pytest.raises(CrossLanguageError, match="nested more than 256 deep"):
        encode_portable([value])


# Buffers of their own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "element"),
    [([1, -2] * 512, ElementType.INT64), ([0.5] * 1024, ElementType.FLOAT64), ([True, False] * 512, ElementType.BOOL)],
    ids=["ints", "floats", "bools"],
)
def test_long_lists_of_numbers_lie_in_buffers(items: list[Any], element: int) -> None:
    for value in (items, tuple(items)):
        encoded = encode_portable(value)
        assert len(encoded.buffers) == 2
        assert encoded.buffers[0] == msgpack.packb(msgpack.ExtType(5, msgpack.packb([1, element])))
        assert _same(_again(value), items)
    assert len(encode_portable(items[:1023]).buffers) == 1
    assert len(encode_portable([*items, None]).buffers) == 1
    assert _same(_again({"deep": [[items], items]}), {"deep": [[items], items]})


def test_long_lists_of_mixed_numbers_keep_each_type() -> None:
    for value in ([1, 2.0] * 600, [True, 1] * 600, [1] * 1200 + [True], [False] + [0.0] * 1200):
        assert _same(_again(value), value)


def test_long_bytes_lie_in_buffers_uncopied() -> None:
    data = bytes(4096)
    for encoded in (encode_portable(data), encode_portable({"k": [data, data]})):
        assert encoded.buffers[1] is data
        assert len(encoded.buffers) == 2
    assert len(encode_portable(data[1:]).buffers) == 1
    assert _same(_again({"k": [data, bytearray(data)]}), {"k": [data, data]})


def test_arrays_and_tables_inside_lie_in_buffers() -> None:
    batch = TABLE.to_batches()[0]
    array = np.arange(6.0).reshape(2, 3)
    value = {"w": [array, array], "t": TABLE, "b": batch, "s": np.array(3), "long": list(range(1024))}
    encoded = encode_portable(value)
    assert len(encoded.buffers) == 6
    assert np.shares_memory(encoded.buffers[2], array) or np.shares_memory(encoded.buffers[1], array)
    for place in PLACES.values():
        found = decode_portable(place(encode_portable(value)))
        np.testing.assert_array_equal(found["w"][1], array)
        assert not found["w"][0].flags.writeable
        assert found["t"].equals(TABLE)
        assert found["b"].equals(batch)
        assert isinstance(found["b"], pa.RecordBatch)
        assert found["s"].shape == ()
        assert found["long"] == value["long"]


def test_an_array_or_table_by_itself_is_tensor_or_arrow() -> None:
    assert encode_portable(np.zeros(3)).encoding == Encoding.TENSOR
    assert encode_portable(TABLE).encoding == Encoding.ARROW
    assert _again(TABLE).equals(TABLE)
    assert _again(np.zeros((2, 0))).shape == (2, 0)


def test_bytes_of_the_bytes_encoding_are_a_view() -> None:
    found = decode_portable(read_payload(Encoding.BYTES, Layout.COMPACT, b"abc"))
    assert isinstance(found, memoryview)
    assert found.readonly
    assert bytes(found) == b"abc"


def test_a_map_of_arrays_takes_no_memory_either_way() -> None:
    weights = {f"w{index}": np.ones(5 << 17) for index in range(10)}
    payload = stored(encode_portable(weights))
    tracemalloc.start()
    try:
        encoded = encode_portable(weights)
        found = decode_portable(payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert encoded.nbytes > 50 << 20
    assert found["w9"].nbytes == 5 << 20
    assert peak < (50 << 20) // 100


def test_a_shared_part_is_not_written_again_and_again() -> None:
    value: Any = np.zeros(1000)
    assert len(encode_portable([value] * 50).buffers) == 2


# What does not fit --------------------------------------------------------------------------------------------------


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    __slots__ = ()


Point = namedtuple("Point", "x y")


def _cycle() -> list[Any]:
    cycle: list[Any] = []
    cycle += [cycle, cycle]
    return cycle


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (INT_MAX + 1, "beyond 64 bits"),
        (INT_MIN - 1, "beyond 64 bits"),
        (2**64, "beyond 64 bits"),
        (np.uint64(INT_MAX + 1), "numpy.uint64"),
        ("\ud800", "lone surrogate"),
        ({1, 2}, "type set"),
        (frozenset(), "type frozenset"),
        (1j, "type complex"),
        (date(2020, 1, 1), "datetime.date"),
        (timedelta(1), "datetime.timedelta"),
        (datetime(2020, 1, 1), "without a timezone"),
        (Decimal(1), "decimal.Decimal"),
        (object(), "type object"),
        (len, "builtin_function_or_method"),
        (int, "type type"),
        (Colour.RED, r"int\(value\)"),
        (Text("x"), r"str\(value\)"),
        (Point(1, 2), r"tuple\(value\)"),
        (OrderedDict(), r"dict\(value\)"),
        (np.array([1j]), "dtype complex128"),
        (np.array([object()]), "dtype object"),
        (np.array(["2020"], "M8[D]"), "dtype datetime64"),
        (np.zeros(1, "i4,f8"), "dtype"),
        (np.ma.masked_array([1]), "MaskedArray"),
        (np.datetime64(1, "s"), "numpy.datetime64"),
        (np.complex64(1), "numpy.complex64"),
        (np.str_("x"), r"str\(value\)"),
        (np.longdouble(1), "numpy.longdouble"),
        (pa.array([1]), "pyarrow.lib.Int64Array"),
        (TABLE.schema, "pyarrow.lib.Schema"),
        pytest.param(memoryview(b"abcd")[::2], "not contiguous", id="memoryview with gaps"),
        (_cycle(), "contains itself"),
        ([0] * 2000 + [2**63], "beyond 64 bits"),
        ([0] * 2000 + [-(2**63) - 1], "beyond 64 bits"),
        (msgpack.ExtType(9, b""), "ExtType"),
        (msgpack.Timestamp(1), "Timestamp"),
    ],
    ids=lambda part: type(part).__name__ if not isinstance(part, str) else None,
)
@pytest.mark.rule("3.6/4")
def test_what_does_not_fit_is_refused_by_its_path(part: Any, reason: str) -> None:
    with pytest.raises(CrossLanguageError, match=reason) as refused:
        encode_portable(part, "$.args[0]")
    assert refused.value.path.startswith("$.args[0]")
    with pytest.raises(CrossLanguageError, match=reason) as refused:
        encode_portable({"fine": 1, "config": ["fine", {"a b": part}]}, "$.args[1]")
    assert refused.value.path.startswith('$.args[1].config[1]["a b"]')


@pytest.mark.parametrize("key", [None, True, 1.5, b"k", (1,), np.int64(1), Text("k"), Colour.RED], ids=repr)
def test_keys_are_str_or_int(key: Any) -> None:
    with pytest.raises(CrossLanguageError, match="keys are str or int") as refused:
        encode_portable({"outer": [{"fine": 1, key: 2}]})
    assert refused.value.path == "$.outer[0]"


@pytest.mark.parametrize(("key", "reason"), [(INT_MAX + 1, "beyond 64 bits"), ("\udfff", "lone surrogate")])
def test_keys_are_refused_like_values(key: Any, reason: str) -> None:
    with pytest.raises(CrossLanguageError, match=reason):
        encode_portable({key: 1})


def test_paths_name_steps_of_every_kind() -> None:
    bad = object()
    for value, path in (
        ([0, bad], "$[1]"),
        ((0, bad), "$[1]"),
        ({"a": bad}, "$.a"),
        ({"a-b": bad}, '$["a-b"]'),
        ({'"': bad}, '$["\\""]'),
        ({7: bad}, "$[7]"),
        ({"": bad}, '$[""]'),
    ):
        with pytest.raises(CrossLanguageError) as refused:
            encode_portable(value)
        assert refused.value.path == path
        assert str(refused.value).startswith(f"{path}: ")


def test_a_refusal_survives_pickling() -> None:
    import pickle

    again = pickle.loads(pickle.dumps(CrossLanguageError("$.a", "why")))
    assert (again.path, again.reason, str(again)) == ("$.a", "why", "$.a: why")


# References ---------------------------------------------------------------------------------------------------------


class Reference:
    def __init__(self, data: bytes) -> None:
        self.data = data


class Handle(Reference):
    pass


@pytest.fixture
def references(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "_codec", portable._Codec())
    register_reference(Reference, lambda ref: ref.data, Reference, Handle, lambda handle: handle.data, Handle)


REF = ObjectRef(bytes(range(20)), 0, 7, 8)
ACTOR = ActorHandle(ref=ObjectRef(bytes(20), 0, 9, 10), class_name="Counter")


@pytest.mark.usefixtures("references")
def test_references_and_handles_come_back_and_are_counted() -> None:
    monkey = Reference(OBJECT_REF.pack(*REF))
    encoded = encode_portable({"r": [monkey, monkey]})
    assert encoded.contains == [REF, REF]
    assert decode_portable(inlined(encoded))["r"][1].data == monkey.data
    assert encode_portable(monkey).contains == [REF]


@pytest.fixture
def separate(monkeypatch: pytest.MonkeyPatch) -> None:
    class Actor:
        def __init__(self, data: bytes) -> None:
            self.data = data

    monkeypatch.setattr(portable, "_codec", portable._Codec())
    register_reference(Reference, lambda ref: ref.data, Reference, Actor, lambda actor: actor.data, Actor)


@pytest.mark.usefixtures("separate")
def test_a_handle_holds_its_actors_reference() -> None:
    kind: Any = portable._codec.kind_of_handle
    encoded = encode_portable([kind(ACTOR.encode())])
    assert encoded.contains == [ACTOR.ref]
    found = decode_portable(inlined(encoded))[0]
    assert type(found) is kind
    assert ActorHandle.decode(found.data) == ACTOR


@pytest.mark.usefixtures("references")
@pytest.mark.parametrize("data", [b"", bytes(39), bytes(41)])
def test_a_reference_has_40_bytes(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="a reference of"):
        _tree(msgpack.packb(msgpack.ExtType(1, data)))


@pytest.mark.usefixtures("references")
def test_a_handle_that_is_no_table_is_refused() -> None:
    with pytest.raises(ProtocolError):
        _tree(msgpack.packb(msgpack.ExtType(2, b"x" * 40)))


def test_references_without_a_frontend_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "_codec", portable._Codec())
    for code, data in ((1, bytes(40)), (2, ACTOR.encode())):
        with pytest.raises(ProtocolError, match="no frontend"):
            _tree(msgpack.packb(msgpack.ExtType(code, data)))


# Bytes from a peer --------------------------------------------------------------------------------------------------


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
        _tree(data, bytes(8))


def test_a_long_list_of_odd_length_is_refused() -> None:
    with pytest.raises(ProtocolError):
        _tree(_ext(5, 1, ElementType.INT64), bytes(9))


@pytest.mark.parametrize("encoding", [Encoding.UNSPECIFIED, Encoding.PYTHON, Encoding.JAVA, Encoding.ERROR, 99])
def test_encodings_of_one_language_are_not_read_here(encoding: int) -> None:
    with pytest.raises(ProtocolError, match="every language"):
        decode_portable(Decodable(encoding, [b"\xc0"]))


def test_float32_and_short_forms_of_timestamps_are_read() -> None:
    assert _tree(b"\xca\x3f\xc0\0\0") == 1.5
    assert _tree(b"\xd6\xff\0\0\0\x01") == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert _tree(b"\xd7\xff" + (3000 << 34 | 5).to_bytes(8, "big")) == datetime(1970, 1, 1, 0, 0, 5, 3, tzinfo=UTC)
    assert _tree(b"\xcf" + bytes(7) + b"\x05") == 5


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
            _tree(tree)
        assert refused.value.path == path


def test_what_only_looks_like_a_fine_time_changes_nothing() -> None:
    value = {"a": b"\xc7\x0c\xff" + b"\x01" * 12, "t": [NOON, "x", {"u": NOON}], "n": 0xD7FF}
    assert _same(_again(value), value)
    assert _same(_again(NOON), NOON)


@pytest.mark.parametrize("size", [60_000, 1 << 20, 1 << 24])
def test_nested_claims_take_neither_time_nor_memory(size: int) -> None:
    data = (b"\xdd" + size.to_bytes(4, "big")) * 1000
    started = time.monotonic()
    with pytest.raises(ProtocolError):
        _tree(data.ljust(size + 5, b"\xc0"))
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
            _tree(data, *chosen)
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
            _tree(data, bytes(16))
        except (ProtocolError, CrossLanguageError):
            continue


# Cost ---------------------------------------------------------------------------------------------------------------


def test_importing_values_imports_neither_numpy_nor_pyarrow() -> None:
    import subprocess

    program = "import sys, bowstring_wire.values.portable as p; p.encode_portable([1, {'a': b'x'}, (None, 2.5)]); "
    program += "assert not {'numpy', 'pyarrow'} & set(sys.modules), 'imported'"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)}, timeout=60)


def test_a_million_elements_are_written_without_python_code_for_each() -> None:
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    value = {
        "ints": list(range(200_000)),
        "texts": ["x"] * 200_000,
        "maps": [{"a": 1, "b": "y"} for _ in range(50_000)],
    }
    sys.setprofile(count)
    try:
        encoded: Encoded = encode_portable(value)
    finally:
        sys.setprofile(None)
    assert calls < 60_000  # one C call, len(), for each container
    assert encoded.nbytes > 1 << 20
