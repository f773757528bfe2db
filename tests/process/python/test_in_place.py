"""Arrays and tables made in the store's memory, and values copied out of it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bowstring as bow
from bowstring.util import state
from tests.process.waiting import wait_until

MB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=2, object_store_memory=128 * MB) as session:
        yield session


def in_use() -> int:
    return int(state.store().column("in_use")[0].as_py())


def bits(values: list[bool]) -> np.ndarray:
    return np.packbits(values, bitorder="little")


SCHEMA = pa.schema(
    [
        ("n", pa.int32()),
        ("x", pa.float64()),
        ("when", pa.timestamp("us", "UTC")),
        ("flag", pa.bool_()),
        ("name", pa.string()),
        ("price", pa.decimal128(9, 2)),
        ("day", pa.date32()),
        ("wait", pa.duration("ms")),
    ]
)


def filled(rows: int = 4) -> bow.TableBuilder:
    builder = bow.empty_table(SCHEMA, rows, nullable=["x", "name"], data_bytes={"name": 3 * rows})
    builder["n"][:] = range(rows)
    builder["x"][:] = np.arange(rows) / 2
    builder["when"][:] = np.datetime64("2024-05-01T00:00:00", "us") + np.arange(rows)
    builder["flag"][:] = bits([True, False] * (rows // 2))
    builder["price"][:] = 0
    builder["price"][:, 0] = range(rows)
    builder["day"][:] = 19_000
    builder["wait"][:] = np.timedelta64(7, "ms")
    builder.offsets("name")[:] = np.arange(rows + 1) * 3
    builder.data("name")[:] = np.frombuffer(b"abc" * rows, np.uint8)
    builder.validity("x")[0] &= 0b1111_1101
    builder.validity("name")[0] &= 0b1111_1110
    return builder


def check(table: pa.Table, rows: int = 4) -> None:
    table.validate(full=True)
    assert table.schema == SCHEMA
    assert table.column("n").to_pylist() == list(range(rows))
    assert table.column("x").to_pylist() == [None if i == 1 else i / 2 for i in range(rows)]
    assert table.column("x").null_count == table.column("name").null_count == 1
    assert table.column("flag").to_pylist() == [True, False] * (rows // 2)
    assert table.column("name").to_pylist() == [None] + ["abc"] * (rows - 1)
    assert [str(price) for price in table.column("price").to_pylist()[:3]] == ["0.00", "0.01", "0.02"]
    assert table.column("when")[1].as_py().isoformat() == "2024-05-01T00:00:00.000001+00:00"
    assert table.column("wait")[0].as_py().microseconds == 7_000


def test_a_table_is_filled_in_place_and_put() -> None:
    check(bow.get(bow.put(filled())))


def test_a_large_table_in_place_is_not_copied() -> None:
    rows = 2 * MB
    builder = bow.empty_table(pa.schema([("a", pa.int64()), ("b", pa.int64())]), rows)
    builder["a"][:] = np.arange(rows)
    builder["b"][:] = 1
    view = builder["a"]
    ref = bow.put(builder)
    assert not view.flags.writeable
    table = bow.get(ref)
    assert (table.column("a").to_numpy() == np.arange(rows)).all()
    assert view[-1] == rows - 1
    with pytest.raises(bow.InvalidArgumentError, match="put already"):
        bow.put(builder)
    with pytest.raises(bow.InvalidArgumentError, match="put already"):
        builder["a"]


@bow.remote
def build(rows: int) -> Any:
    return filled(rows)


@bow.remote
def count(table: pa.Table) -> int:
    return table.num_rows


def test_a_builder_that_a_task_returns_is_a_table_to_everybody() -> None:
    ref = build.remote(200)
    check(bow.get(ref), 200)
    assert bow.get(count.remote(ref)) == 200
    assert bow.get(count.remote(bow.put(filled(8)))) == 8


def test_a_builder_inside_of_a_value_is_refused() -> None:
    with pytest.raises(TypeError, match="put it first"):
        bow.put([filled()])


def test_a_table_without_rows_can_be_made() -> None:
    builder = bow.empty_table(SCHEMA, 0, nullable=["x"], data_bytes={"name": 0})
    builder.offsets("name")[:] = 0
    table = bow.get(bow.put(builder))
    assert (table.num_rows, table.schema) == (0, SCHEMA)


def test_a_builder_that_is_dropped_gives_its_memory_back() -> None:
    gc.collect()
    wait_until(lambda: in_use() < 30 * MB)
    before = in_use()
    builder = bow.empty_table(pa.schema([("a", pa.int64())]), 4 * MB)
    column = builder["a"]
    del builder
    assert in_use() >= before + 32 * MB
    column[:] = 1
    del column
    wait_until(lambda: in_use() <= before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schema": "x", "num_rows": 1}, "schema must be a pyarrow.Schema"),
        ({"schema": SCHEMA, "num_rows": -1}, "num_rows"),
        ({"schema": SCHEMA, "num_rows": 1}, "data_bytes must say how many bytes the values of column 'name'"),
        ({"schema": SCHEMA, "num_rows": 1, "nullable": ["q"]}, "nullable names 'q'"),
        ({"schema": SCHEMA, "num_rows": 1, "data_bytes": {"q": 1}}, "data_bytes names 'q'"),
        ({"schema": pa.schema([("l", pa.list_(pa.int8()))]), "num_rows": 1}, "column 'l' is of type list"),
        ({"schema": pa.schema([]), "num_rows": 1}, "must have columns"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(bow.InvalidArgumentError, match=message):
        bow.empty_table(**arguments)


def test_wrong_offsets_are_refused_and_the_builder_can_be_mended() -> None:
    builder = bow.empty_table(pa.schema([("s", pa.string())]), 2, data_bytes={"s": 4})
    builder.data("s")[:] = 65
    for wrong in ([0, 3, 2], [0, 2, 5], [-1, 2, 4]):
        builder.offsets("s")[:] = wrong
        with pytest.raises(bow.InvalidArgumentError, match="offsets of column 's' must not fall, and lie in 0 to 4"):
            bow.put(builder)
    builder.offsets("s")[:] = [0, 1, 4]
    assert bow.get(bow.put(builder)).column("s").to_pylist() == ["A", "AAA"]
    with pytest.raises(bow.InvalidArgumentError, match="no column 'q'"):
        bow.empty_table(pa.schema([("s", pa.int8())]), 2)["q"]


def test_an_array_stays_good_after_it_was_put_even_if_the_object_is_freed_or_the_store_is_full() -> None:
    array = bow.empty(8 * MB, "uint8")
    array[:] = 7
    ref = bow.put(array)
    assert not array.flags.writeable
    held = [bow.put(np.full(8 * MB, number, np.uint8)) for number in range(24)]
    assert (array == 7).all()
    del ref
    held += [bow.put(np.full(8 * MB, number, np.uint8)) for number in range(8)]
    assert (array == 7).all()


def test_a_copy_is_writable_and_keeps_nothing_of_the_store() -> None:
    ref = bow.put(np.arange(MB))
    array = bow.get(ref, copy=True)
    array[0] = 5
    assert bow.get(ref)[0] == 0
    assert [bow.get([ref], copy=True)[0].flags.writeable, bow.get(ref).flags.writeable] == [True, False]
    del ref
    objects = state.holds("kind=pin")
    assert objects.num_rows == 0
    assert array[1] == 1


def test_memory_that_is_read_after_its_object_was_freed_is_told_of() -> None:
    ref = bow.put(np.arange(MB))
    view = bow.get(ref)
    [row] = state.holds(f"object={ref.hex()}", "kind=pin").to_pylist()
    assert (row["pid"], row["role"], row["size"] > 8 * MB) == (os.getpid(), "driver", True)
    del ref
    wait_until(lambda: state.holds("object=", "kind=pin").num_rows)
    [row] = state.holds("object=", "kind=pin").to_pylist()
    assert (row["pid"], row["count"], row["size"] > 8 * MB) == (os.getpid(), 1, True)
    del view
    wait_until(lambda: not state.holds("kind=pin").num_rows)


def test_copies_of_whatever_holds_arrays_are_writable() -> None:
    for value in ({"a": np.arange(100_000), "b": [np.zeros(3)]}, {"a": np.arange(3), "b": [np.zeros(3)]}):
        copied = bow.get(bow.put(value), copy=True)
        copied["a"][0] = 9
        copied["b"][0][0] = 9
    small = bow.get(bow.put(np.arange(4)), copy=True)
    small[0] = 1
    assert bow.get(bow.put(12), copy=True) == 12
    assert bow.get(bow.put(b"x" * 200_000), copy=True) == b"x" * 200_000


def test_a_copy_of_a_table_lies_in_memory_of_its_own() -> None:
    ref = bow.put(pa.table({"a": np.arange(MB)}))
    table = bow.get(ref, copy=True)
    del ref
    wait_until(lambda: state.holds("kind=pin").num_rows == 0)
    assert table.column("a")[5].as_py() == 5


def test_a_copy_of_an_error_is_raised() -> None:
    @bow.remote
    def fail() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError):
        bow.get(fail.remote(), copy=True)
