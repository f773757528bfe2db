"""Portable trees: what fits comes back, and what does not is refused by its path."""

from __future__ import annotations

import enum
import math
import sys
import tracemalloc
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowstring_wire.messages import ElementType, Encoding, Layout
from bowstring_wire.values.errors import CrossLanguageError
from bowstring_wire.values.payload import Encoded, inline_payload, read_payload
from bowstring_wire.values.portable import decode_portable, encode_portable
from bowstring_wire.values.tree import INT_MAX, INT_MIN
from tests.unit.values.placing import PLACES, stored
from tests.unit.values.trees import again, same

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
TABLE = pa.table({"a": [1, 2], "b": ["x", None]})


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
    assert same(found, value)


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
    assert same(again(value), value)
    assert same(again([value, {"k": value}]), [value, {"k": value}])


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
    assert same(again(value), plain)
    assert same(again({"k": [value]}), {"k": [plain]})


def test_maps_keep_their_order_and_the_types_of_their_keys() -> None:
    value = {"b": 1, 2: "two", "2": "text", -1: 0, "a": 3}
    assert list(again(value).items()) == list(value.items())


def test_a_timestamp_is_written_in_96_bits() -> None:
    seconds, nanoseconds = 1767355200, 123456000
    data = b"\xc7\x0c\xff" + nanoseconds.to_bytes(4, "big") + seconds.to_bytes(8, "big")
    assert encode_portable(NOON).buffers == [data]
    for moment in (NOON, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert same(again(moment), moment)
        assert same(again([moment] * 3), [moment] * 3)


def test_nesting_ends_at_256() -> None:
    value: Any = []
    for _ in range(255):
        value = [value]
    assert again(value) == value
    assert again({"k": value[0]}) == {"k": value[0]}
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
        assert same(again(value), items)
    assert len(encode_portable(items[:1023]).buffers) == 1
    assert len(encode_portable([*items, None]).buffers) == 1
    assert same(again({"deep": [[items], items]}), {"deep": [[items], items]})


def test_long_lists_of_mixed_numbers_keep_each_type() -> None:
    for value in ([1, 2.0] * 600, [True, 1] * 600, [1] * 1200 + [True], [False] + [0.0] * 1200):
        assert same(again(value), value)


def test_long_bytes_lie_in_buffers_uncopied() -> None:
    data = bytes(4096)
    for encoded in (encode_portable(data), encode_portable({"k": [data, data]})):
        assert encoded.buffers[1] is data
        assert len(encoded.buffers) == 2
    assert len(encode_portable(data[1:]).buffers) == 1
    assert same(again({"k": [data, bytearray(data)]}), {"k": [data, data]})


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
    assert again(TABLE).equals(TABLE)
    assert again(np.zeros((2, 0))).shape == (2, 0)


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
