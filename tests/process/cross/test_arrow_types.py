"""Tables of every Arrow type go to Java and come back: read and written there, and built anew in the store's memory."""

from __future__ import annotations

import decimal

import pyarrow as pa
import pytest

import bowstring as bow
from tests.process.cross.arrow_tables import COLUMNS, random_table, table_of

pytestmark = pytest.mark.usefixtures("runtime")


def check(found: pa.Table, expected: pa.Table) -> None:
    found.validate(full=True)
    assert found.schema.equals(expected.schema, check_metadata=True)
    assert found.equals(expected)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_type_is_read_and_written_by_java(column: str) -> None:
    table = table_of(column)
    check(bow.get(bow.java_function("cross.Types", "echo").remote(table), timeout=60), table)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_type_is_built_in_the_stores_memory_by_java(column: str) -> None:
    table = table_of(column)
    built = bow.get(bow.java_function("cross.Types", "rebuild").remote(table, True), timeout=60)
    assert built["copied"] == 0
    assert built["readable"]
    assert built["refused"]
    check(bow.get(built["table"], timeout=60), table)


def test_tables_at_random_are_read_and_written_by_java() -> None:
    echo = bow.java_function("cross.Types", "echo")
    for seed in range(60):
        table = random_table(seed)
        found = bow.get(echo.remote(table), timeout=60)
        assert (found.schema, found.num_rows) == (table.schema, table.num_rows), f"seed {seed}"
        assert found.equals(table), f"seed {seed}"


def test_tables_at_random_are_built_in_the_stores_memory_by_java() -> None:
    rebuild = bow.java_function("cross.Types", "rebuild")
    for seed in range(100, 140):
        table = random_table(seed)
        built = bow.get(rebuild.remote(table, True), timeout=60)
        assert built["copied"] == 0, f"seed {seed}"
        assert bow.get(built["table"], timeout=60).equals(table), f"seed {seed}"


def test_a_small_dictionary_may_lie_anywhere_and_is_copied() -> None:
    table = table_of("dictionary")
    built = bow.get(bow.java_function("cross.Types", "rebuild").remote(table, False), timeout=60)
    assert 0 < built["copied"] < 100
    check(bow.get(built["table"], timeout=60), table)


def test_an_arena_says_how_it_wants_to_be_used() -> None:
    said = bow.get(bow.java_function("cross.Types", "misuse").remote(), timeout=60)
    assert "nextPart()" in said["large dictionary in the batch's part"]
    assert "batch 1" in said["two batches in one part"]
    assert "put already" in said["put twice"]
    assert "put already" in said["allocate after put"]
    assert "bytes left" in said["too small"]
    assert "open" in said["close before the vectors"]


@pytest.mark.parametrize("bits", [32, 64])
def test_a_type_that_javas_library_does_not_know_is_named_with_what_to_do(bits: int) -> None:
    kind = pa.decimal32(7, 2) if bits == 32 else pa.decimal64(12, 2)
    table = pa.table({"price": pa.array([decimal.Decimal(1), None], kind)})
    with pytest.raises(bow.BowstringError, match=rf"column price.*decimal of {bits} bits.*decimal128"):
        bow.get(bow.java_function("cross.Types", "echo").remote(table), timeout=60)
