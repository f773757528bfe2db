"""Arrow tables that are made before they have values (spec section 3.5): an image whose columns are filled in later.

pyarrow writes a record batch over memory that nobody has touched, which gives the stream's messages and the place of
every buffer; the memory itself is never copied. What depends on the values afterwards, the number of nulls, has a place
of fixed width in the message, and is overwritten there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from bowstring_wire.messages import Encoding
from bowstring_wire.values import arrow
from bowstring_wire.values.payload import Encoded, image_header

if TYPE_CHECKING:
    import pyarrow as pa

VALIDITY, OFFSETS, DATA = "validity", "offsets", "data"
_NULL_COUNT = Struct("<q")
_FIELD_NODE_BYTES = 16  # length, number of nulls


class Place(NamedTuple):
    """Where a buffer of a column lies, from the start of the image."""

    offset: int
    length: int


class BlankTable:
    """The image of a table without values.

    Args:
        schema: Its columns: of fixed width (booleans, numbers, times, decimals, fixed-size binary), or strings and
            binary.
        rows: Number of rows.
        nullable: Names of the columns that may have nulls.
        data_bytes: For each column of strings or binary, how many bytes its values may have together.

    Attributes:
        length: Of the image in bytes.
        places: Buffers, by column and kind.

    Raises:
        TypeError: a column is of another type; the message names it.
    """

    def __init__(self, schema: pa.Schema, rows: int, nullable: Collection[str], data_bytes: Mapping[str, int]) -> None:
        import pyarrow as pa

        owners: dict[int, tuple[str, str]] = {}  # by address
        arrays = []
        kept = []
        for field in schema:
            buffers: list[Any] = []
            for kind, memory in _memory(field, rows, field.name in nullable, data_bytes):
                kept.append(memory)
                if memory is None:
                    buffers.append(None)
                    continue
                if memory.nbytes:
                    owners[memory.__array_interface__["data"][0]] = (field.name, kind)
                buffers.append(pa.py_buffer(memory))
            nulls = 1 if field.name in nullable and rows else 0
            arrays.append(pa.Array.from_buffers(field.type, rows, buffers, null_count=nulls))
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        writer = arrow.StreamWriter(batch)
        header, start, self.length = image_header(Encoded(Encoding.ARROW, [writer]))
        self._pieces: list[tuple[int, bytes]] = [(0, header)]
        self.places: dict[tuple[str, str], Place] = {}
        self._null_counts: dict[str, int] = {}  # where each stands in the image
        self._lay_out(schema, arrow.parts_of(batch), start, owners)

    def _lay_out(self, schema: pa.Schema, parts: list[Any], start: int, owners: dict[int, tuple[str, str]]) -> None:
        at = start
        for part in parts:
            size = len(part) if type(part) is bytes else part.size
            if type(part) is bytes:
                self._pieces.append((at, part))
                nodes = arrow.field_nodes(part)
                if nodes:
                    for index, field in enumerate(schema):
                        self._null_counts[field.name] = at + nodes + index * _FIELD_NODE_BYTES + 8
            else:
                self.places[owners[part.address]] = Place(at, size)
            at += size

    def write_into(self, image: memoryview) -> None:
        """Write all that is not values."""
        for at, piece in self._pieces:
            image[at : at + len(piece)] = piece

    def set_nulls(self, image: memoryview, column: str, count: int) -> None:
        """Write how many nulls the column has."""
        _NULL_COUNT.pack_into(image, self._null_counts[column], count)


def _memory(field: pa.Field, rows: int, nullable: bool, data_bytes: Mapping[str, int]) -> list[tuple[str, Any]]:
    """Untouched memory for each buffer of a column."""
    import numpy as np
    import pyarrow as pa

    kind = field.type
    bits = (rows + 7) // 8
    validity = np.zeros(bits, np.uint8) if nullable and rows else None
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        width = 4
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        width = 8
    elif pa.types.is_boolean(kind):
        return [(VALIDITY, validity), (DATA, np.zeros(bits, np.uint8))]
    elif pa.types.is_primitive(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_decimal(kind):
        return [(VALIDITY, validity), (DATA, np.zeros(rows * kind.bit_width // 8, np.uint8))]
    else:
        raise TypeError(
            f"column {field.name!r} is of type {kind}; a table is made in place of columns of fixed width, strings and"
            " binary"
        )
    offsets = np.zeros((rows + 1) * width, np.uint8)
    offsets[-width:] = np.frombuffer(data_bytes[field.name].to_bytes(width, "little"), np.uint8)
    return [(VALIDITY, validity), (OFFSETS, offsets), (DATA, np.zeros(data_bytes[field.name], np.uint8))]
