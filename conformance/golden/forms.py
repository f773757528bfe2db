"""The neutral form of values: JSON that says a value's type and content without any language's idea of either.

{"type": "nil"}
{"type": "bool", "value": true}
{"type": "int", "value": "-5"}                    decimal, as text: JSON's numbers are not exact everywhere
{"type": "float", "bits": "3ff8000000000000"}     IEEE 754, most significant byte first
{"type": "str", "value": "text"}
{"type": "bin", "hex": "00ff"}
{"type": "timestamp", "seconds": "0", "nanoseconds": 0}
{"type": "array", "items": [form, ...]}
{"type": "map", "entries": [[form, form], ...]}   in the order of the map
{"type": "tensor", "element": "INT32", "shape": [2, 3], "hex": "elements, row-major, little endian"}
{"type": "table", "columns": [{"name": "a", "arrow": "int64", "values": [form or nil, ...]}]}
{"type": "batch", "columns": ...}                 a record batch
{"type": "ref", "hex": "40 bytes"}
{"type": "handle", "message": the neutral form of an ActorHandle}
{"type": "error", "message": the neutral form of an ErrorRecord}
{"type": "bytes", "hex": "00ff"}                  the encoding BYTES
{"type": "opaque", "buffers": ["hex", ...]}       another language's own encoding
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from bowstring_wire.messages import ActorHandle, ElementType
from bowstring_wire.values.tensor import DTYPES
from conformance.golden.specimens import from_neutral, to_neutral

Form = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ARROW_TYPES: dict[str, pa.DataType] = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "utf8": pa.string(),
    "binary": pa.binary(),
    "timestamp[ns, UTC]": pa.timestamp("ns", "UTC"),
    "list<int64>": pa.list_(pa.int64()),
    "dictionary<int32, utf8>": pa.dictionary(pa.int32(), pa.string()),
}
_ARROW_NAMES = {kind: name for name, kind in ARROW_TYPES.items()}


class Reference:
    """Stands for a frontend's reference."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class Handle:
    """Stands for a frontend's actor handle."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def to_python(form: Form) -> Any:
    """The Python value that a form of a portable value stands for."""
    match form["type"]:
        case "nil":
            return None
        case "bool" | "str":
            return form["value"]
        case "int":
            return int(form["value"])
        case "float":
            return struct.unpack(">d", bytes.fromhex(form["bits"]))[0]
        case "bin":
            return bytes.fromhex(form["hex"])
        case "timestamp":
            return _EPOCH + timedelta(seconds=int(form["seconds"]), microseconds=form["nanoseconds"] // 1000)
        case "array":
            return [to_python(item) for item in form["items"]]
        case "map":
            return {to_python(key): to_python(item) for key, item in form["entries"]}
        case "tensor":
            dtype = DTYPES[ElementType[form["element"]]]
            return np.frombuffer(bytes.fromhex(form["hex"]), dtype).reshape(form["shape"])
        case "table":
            return _table(form)
        case "batch":
            return _table(form).combine_chunks().to_batches()[0]
        case "ref":
            return Reference(bytes.fromhex(form["hex"]))
        case "handle":
            return Handle(from_neutral("ActorHandle", form["message"]).encode())
    raise ValueError(f"form of type {form['type']}")


def _table(form: Form) -> pa.Table:
    columns = [
        pa.array([to_python(item) for item in column["values"]], ARROW_TYPES[column["arrow"]])
        for column in form["columns"]
    ]
    return pa.table(columns, names=[column["name"] for column in form["columns"]])


def from_python(value: Any) -> Form:
    """The form of a portable value."""
    match value:
        case None:
            return {"type": "nil"}
        case bool():
            return {"type": "bool", "value": value}
        case int():
            return {"type": "int", "value": str(value)}
        case float():
            return {"type": "float", "bits": struct.pack(">d", value).hex()}
        case str():
            return {"type": "str", "value": value}
        case bytes():
            return {"type": "bin", "hex": value.hex()}
        case datetime():
            since = value - _EPOCH
            seconds = since.days * 86_400 + since.seconds
            return {"type": "timestamp", "seconds": str(seconds), "nanoseconds": since.microseconds * 1000}
        case list():
            return {"type": "array", "items": [from_python(item) for item in value]}
        case dict():
            entries = [[from_python(key), from_python(item)] for key, item in value.items()]
            return {"type": "map", "entries": entries}
        case np.ndarray():
            element = next(ElementType(code).name for code, dtype in DTYPES.items() if dtype == value.dtype.str)
            return {"type": "tensor", "element": element, "shape": list(value.shape), "hex": value.tobytes().hex()}
        case pa.Table() | pa.RecordBatch():
            columns = [
                {
                    "name": field.name,
                    "arrow": _ARROW_NAMES[field.type],
                    "values": [from_python(item) for item in _items(column)],
                }
                for field, column in zip(value.schema, value.columns, strict=True)
            ]
            return {"type": "table" if isinstance(value, pa.Table) else "batch", "columns": columns}
        case Reference():
            return {"type": "ref", "hex": value.data.hex()}
        case Handle():
            return {"type": "handle", "message": to_neutral(ActorHandle.decode(value.data))}
    raise ValueError(f"a value of type {type(value)}")


def _items(column: Any) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        # Of nanoseconds to_pylist would make pandas's Timestamps where pandas is installed.
        column = column.cast(pa.timestamp("us", "UTC"))
        return [None if item is None else item.astimezone(UTC) for item in column.to_pylist()]
    items: list[Any] = column.to_pylist()
    return items
