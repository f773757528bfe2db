"""An Arrow table that is made in the store's memory: filled in place, and put without a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bowstring import _options
from bowstring.errors import InvalidArgumentError
from bowstring_wire.values.blank_table import DATA, OFFSETS, VALIDITY, BlankTable

if TYPE_CHECKING:
    import pyarrow as pa

    from bowstring._runtime import Runtime
    from bowstring._store import Extent

_BY_DATA = frozenset(("string", "binary", "large_string", "large_binary"))


def empty_table(
    runtime: Runtime, schema: Any, num_rows: int, nullable: Sequence[str], data_bytes: Mapping[str, int]
) -> TableBuilder:
    """See bowstring.empty_table."""
    if type(schema).__module__ != "pyarrow.lib" or type(schema).__name__ != "Schema":
        raise _options.refuse("empty_table", "schema", "a pyarrow.Schema", schema)
    _options._count_from(0)("empty_table", "num_rows", num_rows)
    names = schema.names
    if len(set(names)) != len(names) or not names:
        raise InvalidArgumentError(f"empty_table: schema must have columns, each name once, not {names}")
    for option, given in (("nullable", nullable), ("data_bytes", data_bytes)):
        for name in given:
            if name not in names:
                raise InvalidArgumentError(f"empty_table: {option} names {name!r}, which is no column of the schema")
    for name, size in data_bytes.items():
        _options._count_from(0)("empty_table", f"data_bytes[{name!r}]", size)
    for field in schema:
        if str(field.type) in _BY_DATA and field.name not in data_bytes:
            raise InvalidArgumentError(
                f"empty_table: data_bytes must say how many bytes the values of column {field.name!r} may have"
            )
    try:
        blank = BlankTable(schema, num_rows, frozenset(nullable), data_bytes)
    except TypeError as error:
        raise InvalidArgumentError(f"empty_table: {error}") from error
    image, extent = runtime.store.empty(blank.length)
    return TableBuilder(runtime, schema, num_rows, blank, image, extent)


class TableBuilder:
    """Columns in the store, to be filled; `put(builder)`, or returning it from a task, makes the table an object.

    Made by `bowstring.empty_table`. The arrays that it gives are writable until then, and keep the memory while they
    live. A builder that is never put gives its memory back.

    Attributes:
        schema: The columns.
        num_rows: Number of rows.
    """

    def __init__(
        self, runtime: Runtime, schema: pa.Schema, rows: int, blank: BlankTable, image: Any, extent: Extent
    ) -> None:
        import numpy as np

        self.schema = schema
        self.num_rows = rows
        self._runtime, self._blank, self._extent = runtime, blank, extent
        self._image = image
        self._given: list[Any] = []
        self._sealed = False
        with memoryview(image) as view:
            blank.write_into(view)
        for (_, kind), place in blank.places.items():
            if kind == VALIDITY:
                image[place.offset : place.offset + place.length] = np.uint8(0xFF)

    def __repr__(self) -> str:
        return f"TableBuilder({self.num_rows} rows of {', '.join(self.schema.names)})"

    def __reduce__(self) -> Any:
        raise TypeError("a TableBuilder can't be part of a value: put it first, and pass the reference")

    def __getitem__(self, column: str) -> Any:
        """The values of a column of fixed width: a view, shape (num_rows,).

        Numbers have their own dtype, timestamps and durations numpy's, dates and times that of their integers.
        Decimals and fixed-size binary are uint8, shape (num_rows, width). Booleans are bits, eight to a uint8, the
        first in the lowest bit, as `numpy.packbits(values, bitorder="little")` makes them.

        Raises:
            InvalidArgumentError: there is no such column, it has no fixed width, or the table was put already.
        """
        import numpy as np
        import pyarrow as pa

        kind = self._type(column)
        if (column, OFFSETS) in self._blank.places:
            raise InvalidArgumentError(f"column {column!r} is of type {kind}: fill its offsets() and data()")
        raw = self._view(column, DATA)
        if pa.types.is_boolean(kind):
            return self._give(raw)
        if pa.types.is_fixed_size_binary(kind) or pa.types.is_decimal(kind):
            return self._give(raw.reshape(self.num_rows, kind.bit_width // 8))
        if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
            family = "datetime64" if pa.types.is_timestamp(kind) else "timedelta64"
            return self._give(raw.view(np.dtype(f"{family}[{kind.unit}]")))
        if pa.types.is_floating(kind):
            return self._give(raw.view(f"<f{kind.bit_width // 8}"))
        sign = "u" if pa.types.is_unsigned_integer(kind) else "i"
        return self._give(raw.view(f"<{sign}{kind.bit_width // 8}"))

    def offsets(self, column: str) -> Any:
        """Where the values of a column of strings or binary begin in its data, and where the last one ends: a view of
        int32 (large types: int64), shape (num_rows + 1,).

        Raises:
            InvalidArgumentError: as for a column of fixed width, the other way round.
        """
        self._type(column)
        if (column, OFFSETS) not in self._blank.places:
            raise InvalidArgumentError(f"column {column!r} has a fixed width: it has no offsets")
        width = self._blank.places[column, OFFSETS].length // (self.num_rows + 1)
        return self._give(self._view(column, OFFSETS).view(f"<i{width}"))

    def data(self, column: str) -> Any:
        """The bytes of a column of strings (UTF-8) or binary: a view of uint8, as long as data_bytes says."""
        self.offsets(column)
        return self._give(self._view(column, DATA))

    def validity(self, column: str) -> Any:
        """Which rows of a nullable column have a value: a view of bits, eight to a uint8, the first in the lowest. All
        are set in the beginning.

        Raises:
            InvalidArgumentError: the column was not named in `nullable`.
        """
        self._type(column)
        if self.num_rows and (column, VALIDITY) not in self._blank.places:
            raise InvalidArgumentError(f"column {column!r} was not named in nullable")
        return self._give(self._view(column, VALIDITY))

    def _type(self, column: str) -> pa.DataType:
        if self._sealed:
            raise InvalidArgumentError("the table was put already; get() its reference to read it")
        if column not in self.schema.names:
            raise InvalidArgumentError(f"there is no column {column!r}; there are {', '.join(self.schema.names)}")
        return self.schema.field(column).type

    def _view(self, column: str, kind: str) -> Any:
        place = self._blank.places.get((column, kind))
        return self._image[:0] if place is None else self._image[place.offset : place.offset + place.length]

    def _give(self, view: Any) -> Any:
        self._given.append(view)
        return view

    def _finish(self, runtime: Runtime) -> tuple[Extent, int]:
        """Write what depends on the values; returns the extent and the image's length."""
        import numpy as np

        if self._sealed:
            raise InvalidArgumentError("put: the table was put already; pass its reference on")
        if runtime is not self._runtime:
            raise InvalidArgumentError("put: the builder belongs to a runtime that was shut down")
        with memoryview(self._image) as image:
            for (column, kind), place in self._blank.places.items():
                raw = self._image[place.offset : place.offset + place.length]
                if kind == VALIDITY:
                    valid = int(np.unpackbits(raw, count=self.num_rows, bitorder="little").sum())
                    self._blank.set_nulls(image, column, self.num_rows - valid)
                elif kind == OFFSETS:
                    self._check_offsets(column, raw.view(f"<i{place.length // (self.num_rows + 1)}"))
        self._sealed = True
        for view in self._given:
            view.flags.writeable = False
        return self._extent, self._blank.length

    def _let_go(self) -> None:
        """The image is sealed: from here on only the views that were given keep it."""
        self._given.clear()
        self._image = None

    def _check_offsets(self, column: str, offsets: Any) -> None:
        data = self._blank.places.get((column, DATA))
        length = 0 if data is None else data.length
        if offsets[0] < 0 or offsets[-1] > length or not (offsets[1:] >= offsets[:-1]).all():
            raise InvalidArgumentError(
                f"put: the offsets of column {column!r} must not fall, and lie in 0 to {length} (its data_bytes)"
            )
