"""Which bytes of a table two processes share: both tell where in shared memory they see each buffer."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

import bowstring as bow

Place = tuple[int, int]
"""Inode of a file of shared memory, and offset in it."""


def shared_and_own_bytes(table: bow.ObjectRef[pa.Table]) -> tuple[int, int]:
    """Bytes that a Java task reads from the very pages that this process reads, and bytes that it has elsewhere.

    Bitmaps of columns without nulls are left out: they are not in the data, and a reader that wants one makes its own.
    """
    theirs = bow.get(bow.java_function("flights.Pages", "places").remote(table))
    value = bow.get(table)
    ours = [buffer for column in value.columns for chunk in column.chunks for buffer in chunk.buffers()]
    maps = store_mappings()
    shared = own = 0
    for buffer, (inode, offset, length) in zip(ours, theirs, strict=True):
        if buffer is None:
            continue
        if inode and place(buffer.address, maps) == (inode, offset):
            shared += length
        else:
            own += length
    return shared, own


def store_mappings() -> list[tuple[range, Place]]:
    """Address range and place of every mapping of shared memory in this process."""
    mappings = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith("/memfd:"):
            start, _, stop = fields[0].partition("-")
            mappings.append((range(int(start, 16), int(stop, 16)), (int(fields[4]), int(fields[2], 16))))
    return mappings


def place(address: int, mappings: list[tuple[range, Place]]) -> Place | None:
    for addresses, (inode, offset) in mappings:
        if address in addresses:
            return inode, offset + address - addresses.start
    return None
