"""One large Arrow table, two languages, the same pages: reading it takes no memory, writing into it is refused.

BOWSTRING_TABLE_BYTES sets the size (3221225472: 3 GiB, past what one mapping of Java holds); the default keeps the test
short. Times are printed (pytest -s), and not judged.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bowstring as bow
from tests.process.cross.reader import Reader

TABLE_BYTES = int(os.environ.get("BOWSTRING_TABLE_BYTES", str(128 << 20)))
ROWS = TABLE_BYTES // 8 // 4
# A gibibyte in every run, and what is asked for besides.
COLUMN_SIZES = sorted({1 << 30, max(1 << 30, TABLE_BYTES)})
# Whatever the size: a bitmap of ones would be 16 MiB for each GiB of a column.
GROWTH_MAX = 4 << 20
PROCESS_BYTES = 1 << 20  # what a JVM touches in the meantime for reasons of its own, whatever the table's size


def check_reading(reader: Any, name: str, ref: Any, rows: int = ROWS, grows_max: int = TABLE_BYTES // 100) -> None:
    """A small table comes first, from the store like the large one: it loads classes."""
    bow.get(reader.read.remote([bow.put(pa.table({"x": np.arange(100_000)}))]), timeout=60)
    facts = bow.get(reader.read.remote([ref]), timeout=60)
    grew = facts["private_bytes"]
    again = bow.get(reader.read.remote([ref]), timeout=60)
    took = f"first element in {facts['first_ms']:.2f} ms, again in {again['first_ms']:.2f} ms"
    print(f"{name}: {TABLE_BYTES >> 20} MiB, {took}, {grew} bytes of private memory")
    assert (facts["first"], facts["last"], facts["rows"]) == (0, rows - 1, rows)
    assert grew < grows_max + PROCESS_BYTES


def check_both(maker: str, ref: Any) -> None:
    check_reading(Reader.remote(), f"Python reads {maker}'s", ref)
    check_reading(bow.java_actor_class("cross.Tables").remote(), f"Java reads {maker}'s", ref)


def test_a_table_of_python_is_read_from_the_same_pages(runtime: bow.Session) -> None:
    check_both("Python", bow.put(pa.table({name: np.arange(ROWS) for name in "wxyz"})))


def test_a_table_of_java_is_read_from_the_same_pages(runtime: bow.Session) -> None:
    ref = bow.java_function("cross.Tables", "make").remote(ROWS)
    bow.wait([ref], timeout=60)
    check_both("Java", ref)
    table = bow.get(ref)
    assert all(not buffer.is_mutable for buffer in table.column("x").chunk(0).buffers() if buffer is not None)


def test_a_table_that_java_builds_in_the_stores_memory_is_not_copied(runtime: bow.Session) -> None:
    build = bow.java_function("cross.Tables", "build")
    bow.get(build.remote(1000), timeout=60)  # loads classes
    built = bow.get(build.remote(ROWS), timeout=120)
    print(f"Java builds {TABLE_BYTES >> 20} MiB: {built['copied']} bytes copied, {built['own_bytes']} of its own")
    assert built["copied"] == 0
    assert built["own_bytes"] < TABLE_BYTES // 100 + PROCESS_BYTES
    check_both("Java's store vectors", built["table"])


def test_a_table_of_one_column_is_read_whatever_its_size(runtime: bow.Session) -> None:
    rows = TABLE_BYTES // 8
    ref = bow.put(pa.table({"x": np.arange(rows)}))
    check_reading(Reader.remote(), "Python reads one column", ref, rows)
    check_reading(bow.java_actor_class("cross.Tables").remote(), "Java reads one column", ref, rows)


def long_table(size: int, others: bool) -> tuple[Any, int, int]:
    """An int64 column without nulls, alone or beside one with nulls and one of floats; its rows and nulls.

    It is built where it stays, and of the columns only what is looked at is written: a page that nobody writes takes no
    memory, and who copies it takes as much as for any other.
    """
    fields = [("x", pa.int64()), ("n", pa.int64()), ("f", pa.float64())]
    schema = pa.schema(fields if others else fields[:1])
    rows = size // 8 // len(schema)
    builder = bow.empty_table(schema, rows, nullable=["n"] if others else [])
    builder["x"][0], builder["x"][-1] = 0, rows - 1
    nulls = 0
    if others:
        nulls = len(builder.validity("n")[::1000])
        builder.validity("n")[::1000] = 0xFE
    return bow.put(builder), rows, nulls


@pytest.mark.rule("3.14/2")
@pytest.mark.parametrize("others", [False, True], ids=["alone", "with others"])
@pytest.mark.parametrize("size", COLUMN_SIZES, ids=lambda size: f"{size / (1 << 30):.2g} GiB")
def test_reading_takes_no_memory_whatever_the_size(runtime: bow.Session, size: int, others: bool) -> None:
    """Arrow for Java asks for a bitmap of ones where there are no nulls, which is the machine's.

    Two counts, since each alone could hide something: pages that a process alone maps (the file of ones is such while
    one JVM reads), and pages of no file. What a gibibyte takes is some 5 s of a slow machine, mostly to make its pages.
    """
    ref, rows, nulls = long_table(size, others)
    small = bow.put(pa.table({"x": np.arange(100_000)}))
    for language, reader in (("Python", Reader.remote()), ("Java", bow.java_actor_class("cross.Tables").remote())):
        bow.get(reader.read.remote([small]), timeout=60)  # loads classes
        facts = bow.get(reader.read.remote([ref]), timeout=60)
        grew, own = facts["private_bytes"], facts["anonymous_bytes"]
        print(f"{language}: first element in {facts['first_ms']:.2f} ms, {grew} bytes private, {own} of no file")
        assert (facts["first"], facts["last"], facts["rows"], facts["nulls"]) == (0, rows - 1, rows, nulls)
        assert max(grew, own) < GROWTH_MAX
        bow.kill(reader)


def test_a_large_table_inside_of_a_value_is_read_from_the_same_pages(runtime: bow.Session) -> None:
    rows = TABLE_BYTES // 8
    ref = bow.put({"table": pa.table({"x": np.arange(rows)}), "weights": np.arange(1000.0), "name": "x"})
    found = bow.get(bow.java_function("cross.Tables", "inside").remote(ref), timeout=60)
    assert found == [rows - 1, 999.0, "x"]


def test_what_java_writes_into_a_view_is_refused(runtime: bow.Session) -> None:
    ref = bow.put(pa.table({"x": np.arange(100_000)}))
    with pytest.raises(bow.TaskError, match="ReadOnlyTableException: this vector is a view"):
        bow.get(bow.java_function("cross.Tables", "write").remote(ref), timeout=60)
    assert bow.get(ref).column("x")[0].as_py() == 0
    reader = bow.java_actor_class("cross.Tables").remote()
    assert bow.get(reader.read.remote([ref]), timeout=60)["first"] == 0


def test_what_python_writes_into_a_view_is_refused(runtime: bow.Session) -> None:
    @bow.remote
    def write(array: np.ndarray[Any, Any]) -> None:
        array[0] = 7

    ref = bow.put(np.arange(100_000))
    with pytest.raises(ValueError, match="read-only"):
        bow.get(write.remote(ref), timeout=60)
    assert bow.get(ref)[0] == 0
