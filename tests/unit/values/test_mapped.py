"""Values in shared memory: read from pages that nobody may write, without memory of one's own."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bowstring_wire.messages import Layout
from bowstring_wire.values.payload import Decodable, Encoded, image_size, read_payload, write_image
from bowstring_wire.values.portable import decode_portable, encode_portable

SIZE = 50 << 20

VALUES: dict[str, Callable[[], Any]] = {
    "tensor": lambda: np.ones(SIZE // 8),
    "table": lambda: pa.table({str(index): np.ones(SIZE // 64) for index in range(8)}),
    "batch": lambda: pa.record_batch({str(index): np.ones(SIZE // 64) for index in range(8)}),
    "map of tensors": lambda: {str(index): np.ones(SIZE // 64) for index in range(8)},
    "map of tables": lambda: {"t": [pa.table({"a": np.ones(SIZE // 8)})]},
}


def _mapped(encoded: Encoded) -> tuple[mmap.mmap, Decodable]:
    """The image in a memory file: written through one map that is gone, read through another."""
    size = image_size(encoded)
    file = os.memfd_create("segment")
    try:
        os.ftruncate(file, size)
        with mmap.mmap(file, size) as writable, memoryview(writable) as target:
            write_image(encoded, target)
        pages = mmap.mmap(file, size, prot=mmap.PROT_READ)
    finally:
        os.close(file)
    return pages, read_payload(encoded.encoding, Layout.IMAGE, memoryview(pages))


def _own_bytes() -> int:
    """Memory that is this process's alone: not that of files and of other processes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no RssAnon in /proc/self/status")


def _touched(value: Any) -> float:
    """Read all of a value's elements."""
    if isinstance(value, dict):
        return sum(map(_touched, value.values()))
    if isinstance(value, list):
        return sum(map(_touched, value))
    if isinstance(value, pa.Table | pa.RecordBatch):
        return sum(float(column.to_numpy().sum()) for column in value.columns)
    return float(value.sum())


@pytest.mark.parametrize("kind", VALUES)
def test_reading_from_mapped_pages_takes_no_memory_of_ones_own(kind: str) -> None:
    pages, payload = _mapped(encode_portable(VALUES[kind]()))
    _touched(decode_portable(payload))  # what libraries allocate once
    before = _own_bytes()
    value = decode_portable(payload)
    assert _touched(value) == SIZE / 8
    assert _own_bytes() - before < SIZE // 100
    with pytest.raises(BufferError):
        pages.close()
    del value, payload
    pages.close()  # only once nothing is over them


def test_writing_to_what_was_read_is_refused() -> None:
    pages, payload = _mapped(encode_portable({"a": np.ones(10), "t": pa.table({"c": [1.0]})}))
    value = decode_portable(payload)
    with pytest.raises(ValueError, match="read-only"):
        value["a"][0] = 2
    with pytest.raises(ValueError, match="WRITEABLE"):
        value["a"].flags.writeable = True
    column = value["t"]["c"].to_numpy()
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 2
    del value, payload, column
    pages.close()
