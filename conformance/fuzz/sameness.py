"""Whether two values are the same, to the bit where floats are concerned, and whatever types their tables have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from conformance.golden.forms import Handle, Reference, from_python


def same(a: Any, b: Any) -> bool:
    """Whether two values that were read are the same; both must be sound (`targets.is_sound`)."""
    return bool(_plain(a) == _plain(b))


def _plain(value: Any) -> Any:
    """What can be compared with ==: types beside values, floats by their bits."""
    match value:
        case pa.Table() | pa.RecordBatch():
            columns = [
                (
                    field.name,
                    str(field.type),
                    field.nullable,
                    [_element(item) for chunk in _chunks(column) for item in chunk],
                )
                for field, column in zip(value.schema, value.columns, strict=True)
            ]
            return ("table" if isinstance(value, pa.Table) else "batch", value.num_rows, columns)
        case memoryview():
            return ("bin", bytes(value))
        case bytes():
            return ("bin", value)
        case list():
            return ("array", [_plain(item) for item in value])
        case dict():
            return ("map", [(type(key).__name__, key, _plain(item)) for key, item in value.items()])
        case np.ndarray():
            return ("tensor", value.dtype.str, value.shape, value.tobytes())
        case Reference() | Handle():
            return from_python(value)
        case float():
            return ("float", np.float64(value).tobytes())
    return (type(value).__name__, value)


def _chunks(column: Any) -> list[Any]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _element(item: pa.Scalar) -> Any:
    """An element as what == compares; NaN as text, and times as the numbers that they are."""
    if not item.is_valid:
        return None
    try:
        found = item.as_py()
    except (ValueError, OverflowError, pa.ArrowException):  # a time that Python's types can't hold
        return ("raw", getattr(item, "value", None))
    return repr(found)
