"""One large Arrow table, two languages, the same pages: reading it takes no memory, writing into it is refused.

BOWSTRING_TABLE_BYTES sets the size; the default keeps the test short. Times are printed (pytest -s), and one is judged.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bowstring as bow

TABLE_BYTES = int(os.environ.get("BOWSTRING_TABLE_BYTES", str(128 << 20)))
COLUMN_BYTES = max(TABLE_BYTES, 1 << 30)
ROWS = TABLE_BYTES // 8 // 4
PROCESS_BYTES = 1 << 20  # what a JVM touches in the meantime for reasons of its own, whatever the table's size


def private_bytes() -> int:
    kilobytes = 0
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            kilobytes += int(line.split()[1])
    return kilobytes << 10


@bow.remote
class Reader:
    """Reads in one process, as the Java actor of the same method does."""

    def read(self, box: list[Any]) -> dict[str, Any]:
        before = private_bytes()
        start = time.perf_counter()
        table = bow.get(box[0])
        first = table.column("x")[0].as_py()
        first_ms = (time.perf_counter() - start) * 1e3
        last = table.column("x")[table.num_rows - 1].as_py()
        facts = {"first": first, "last": last, "rows": table.num_rows, "first_ms": first_ms}
        return {**facts, "private_bytes": private_bytes() - before}


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


def one_column(rows: int) -> Any:
    """A table of an int64 column, built where it stays."""
    builder = bow.empty_table(pa.schema([("x", pa.int64())]), rows)
    for start in range(0, rows, 1 << 20):
        end = min(rows, start + (1 << 20))
        builder["x"][start:end] = np.arange(start, end)
    return builder


@pytest.mark.rule("3.14/2")
def test_the_bitmap_of_a_long_column_is_the_machines_and_there_at_once(runtime: bow.Session) -> None:
    """Arrow for Java asks for a bitmap of ones, 1.6 % of such a table.

    Two counts, since each alone could hide something: pages that this process alone maps (the node's ones are such, if
    no other JVM reads), and pages of no file. The time is the best of some JVMs that never had such a column.
    """
    rows = COLUMN_BYTES // 8
    ref = bow.put(one_column(rows))
    small = [bow.put(pa.table({"x": np.arange(100_000)}))]
    times = []
    for _ in range(3):
        reader = bow.java_actor_class("cross.Tables").remote()
        bow.get(reader.read.remote(small), timeout=60)
        facts = bow.get(reader.read.remote([ref]), timeout=60)
        grew, own = facts["private_bytes"], facts["anonymous_bytes"]
        print(f"{COLUMN_BYTES >> 20} MiB first in {facts['first_ms']:.2f} ms, {grew} bytes private, {own} of no file")
        assert (facts["first"], facts["last"], facts["rows"], facts["nulls"]) == (0, rows - 1, rows, 0)
        assert max(grew, own) < COLUMN_BYTES // 100
        times.append(facts["first_ms"])
        bow.kill(reader)
    assert min(times) < 10


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
