"""Tables for the tests of both languages: a column of every Arrow type, and tables of nested types at random."""

from __future__ import annotations

import datetime
import decimal
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from tests.unit.values.test_arrow import COLUMNS as COMMON
from tests.unit.values.test_arrow import ROWS

_ODD = pa.array([row % 2 for row in range(ROWS)], pa.int8())
_UNITS = ("s", "ms", "us", "ns")


def _extension(kind: Any, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


COLUMNS: dict[str, Any] = {
    **COMMON,
    "binary views": pa.array([b"some bytes that are long" * (row % 3) for row in range(ROWS)], pa.binary_view()),
    "views in lists": pa.array([["x" * 20] * (row % 3) for row in range(ROWS)], pa.list_(pa.string_view())),
    "large binary": pa.array([b"x" * row for row in range(ROWS)], pa.large_binary()),
    "halves": pa.array([None if row % 3 == 0 else row / 4 for row in range(ROWS)], pa.float16()),
    "days in ms": pa.array([datetime.date(2000, 1, 1 + row % 28) for row in range(ROWS)], pa.date64()),
    "intervals": pa.array([None if row % 4 == 0 else pa.MonthDayNano([row, -row, row]) for row in range(ROWS)]),
    "list views": pa.array([list(range(row % 5)) for row in range(ROWS)], pa.list_view(pa.int16())),
    "large list views": pa.array([list(range(row % 5)) for row in range(ROWS)], pa.large_list_view(pa.int16())),
    "uuids": _extension(pa.uuid(), pa.array([bytes([row]) * 16 for row in range(ROWS)], pa.binary(16))),
    "json": _extension(pa.json_(), pa.array(["{}"] * ROWS)),
    "tensors": _extension(
        pa.fixed_shape_tensor(pa.int32(), [2, 2]), pa.array([[row] * 4 for row in range(ROWS)], pa.list_(pa.int32(), 4))
    ),
    "dictionary of structs": pa.DictionaryArray.from_arrays(_ODD, pa.array([{"a": 1}, {"a": 2}])),
    "dictionary of dictionaries in structs": pa.DictionaryArray.from_arrays(
        _ODD, pa.StructArray.from_arrays([pa.array(["a", "b"]).dictionary_encode(), pa.array([1, 2])], ["d", "n"])
    ),
    "dictionary of views": pa.DictionaryArray.from_arrays(_ODD, pa.array(["a", "b" * 30], pa.string_view())),
    "dictionary of large strings": pa.DictionaryArray.from_arrays(_ODD, pa.array(["a", "b"], pa.large_string())),
    "dictionary by unsigned": pa.DictionaryArray.from_arrays(_ODD.cast(pa.uint32()), pa.array([1.5, 2.5])),
    "dictionary in structs": pa.StructArray.from_arrays([COMMON["dictionary"], pa.array(range(ROWS))], ["d", "n"]),
    **{f"time in {unit}": pa.array(range(ROWS), pa.int32()).cast(pa.time32(unit)) for unit in ("s", "ms")},
    **{f"time in {unit}": pa.array(range(ROWS), pa.int64()).cast(pa.time64(unit)) for unit in ("us", "ns")},
    **{f"timestamp in {unit}": pa.array(range(ROWS), pa.timestamp(unit, "+05:30")) for unit in _UNITS},
    **{f"duration in {unit}": pa.array(range(ROWS), pa.duration(unit)) for unit in _UNITS},
    **{
        str(kind): pa.array([None, *range(ROWS - 1)], kind)
        for kind in (pa.int8(), pa.int16(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    },
}


def table_of(name: str) -> pa.Table:
    """One of the columns in a table with metadata of its own and of the column's."""
    column = COLUMNS[name]
    field = pa.field("c", column.type, metadata={"unit": "m"})
    return pa.table([column], schema=pa.schema([field], metadata={"who": "me"}))


# At random ----------------------------------------------------------------------------------------------------------

_LEAVES: dict[pa.DataType, Callable[[random.Random], Any]] = {
    pa.int64(): lambda rng: rng.randint(-(2**63), 2**63 - 1),
    pa.uint16(): lambda rng: rng.randrange(2**16),
    pa.float64(): lambda rng: rng.choice([0.0, -0.0, 1e300, rng.random()]),
    pa.bool_(): lambda rng: rng.random() < 0.5,
    pa.string(): lambda rng: "é" * rng.randrange(20),
    pa.string_view(): lambda rng: "view " * rng.randrange(5),
    pa.large_binary(): lambda rng: rng.randbytes(rng.randrange(30)),
    pa.binary(5): lambda rng: rng.randbytes(5),
    pa.decimal128(20, 3): lambda rng: decimal.Decimal(rng.randrange(10**15)).scaleb(-3),
    pa.decimal256(50, 2): lambda rng: decimal.Decimal(rng.randrange(10**25)).scaleb(-2),
    pa.timestamp("us", "Europe/Paris"): lambda rng: rng.randrange(10**15),
    pa.duration("ns"): lambda rng: rng.randrange(10**15),
    pa.date32(): lambda rng: datetime.date(1970, 1, 1) + datetime.timedelta(days=rng.randrange(20_000)),
    pa.dictionary(pa.int16(), pa.string()): lambda rng: f"city {rng.randrange(4)}",
}


def random_type(rng: random.Random, depth: int = 3) -> pa.DataType:
    """A type that nests at most so deep."""
    kind = rng.choice(("leaf", "list", "large list", "fixed list", "struct", "map")) if depth else "leaf"
    if kind == "leaf":
        return rng.choice(list(_LEAVES))
    inner = random_type(rng, depth - 1)
    if kind == "struct":
        return pa.struct([("a", inner), ("b", random_type(rng, depth - 1))])
    if kind == "map":
        return pa.map_(pa.string(), inner)
    return {"list": pa.list_(inner), "large list": pa.large_list(inner), "fixed list": pa.list_(inner, 2)}[kind]


def random_value(rng: random.Random, kind: pa.DataType) -> Any:
    """A value of the type; one in five is null."""
    if rng.random() < 0.2:
        return None
    if kind in _LEAVES:
        return _LEAVES[kind](rng)
    if pa.types.is_struct(kind):
        return {field.name: random_value(rng, field.type) for field in kind}
    if pa.types.is_map(kind):
        return [(str(key), random_value(rng, kind.item_type)) for key in range(rng.randrange(3))]
    size = kind.list_size if pa.types.is_fixed_size_list(kind) else rng.randrange(4)
    return [random_value(rng, kind.value_type) for _ in range(size)]


def random_table(seed: int) -> pa.Table:
    """A table of up to four columns and batches."""
    rng = random.Random(seed)
    schema = pa.schema([(f"c{column}", random_type(rng)) for column in range(rng.randrange(1, 5))])
    batches = []
    for _ in range(rng.randrange(1, 4)):
        rows = rng.choice([0, 1, 7, 50])
        columns = [pa.array([random_value(rng, field.type) for _ in range(rows)], field.type) for field in schema]
        batches.append(pa.record_batch(columns, schema=schema))
    return pa.Table.from_batches(batches).unify_dictionaries()
