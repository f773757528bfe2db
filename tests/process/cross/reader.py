"""An actor that reads tables, and says what memory that took; `cross.Tables` does the same in Java."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bowstring as bow


def growth() -> tuple[int, int]:
    """Bytes of pages that no other process maps, and of pages of no file."""
    private = anonymous = 0
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            private += int(line.split()[1])
        elif line.startswith("Anonymous:"):
            anonymous += int(line.split()[1])
    return private << 10, anonymous << 10


@bow.remote
class Reader:
    """Reads in one process, as the Java actor of the same method does."""

    def read(self, box: list[Any]) -> dict[str, Any]:
        before = growth()
        start = time.perf_counter()
        table = bow.get(box[0])
        first = table.column("x")[0].as_py()
        first_ms = (time.perf_counter() - start) * 1e3
        last = table.column("x")[table.num_rows - 1].as_py()
        nulls = sum(column.null_count for column in table.columns)
        facts = {"first": first, "last": last, "rows": table.num_rows, "nulls": nulls, "first_ms": first_ms}
        grew, own = (now - earlier for now, earlier in zip(growth(), before, strict=True))
        return {**facts, "private_bytes": grew, "anonymous_bytes": own}
