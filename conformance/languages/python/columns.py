"""Tables as the cases write them, in Python: columns of every Arrow type from the notation."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa

_PLAIN: dict[str, pa.DataType] = {
    "null": pa.null(),
    "bool": pa.bool_(),
    **{f"{sign}int{bits}": getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": getattr(pa, f"float{bits}")() for bits in (16, 32, 64)},
    "utf8": pa.string(),
    "large_utf8": pa.large_string(),
    "utf8_view": pa.string_view(),
    "binary": pa.binary(),
    "large_binary": pa.large_binary(),
    "binary_view": pa.binary_view(),
    "date32": pa.date32(),
    "date64": pa.date64(),
}
_DECIMALS: dict[int, Callable[[int, int], pa.DataType]] = {
    32: pa.decimal32,
    64: pa.decimal64,
    128: pa.decimal128,
    256: pa.decimal256,
}
_TIMES = {"s": pa.time32, "ms": pa.time32, "us": pa.time64, "ns": pa.time64}


def table(columns: list[dict[str, Any]], make: Callable[[Any], Any]) -> pa.Table:
    """The table of columns with ``name``, ``type``, ``values`` and perhaps ``metadata``."""
    fields, arrays = [], []
    for column in columns:
        kind = column["type"]
        metadata = dict(column.get("metadata", {}))
        if isinstance(kind, dict) and "extension" in kind:
            metadata["ARROW:extension:name"] = kind["extension"]
            metadata["ARROW:extension:metadata"] = kind.get("parameters", "")
            kind = kind["storage"]
        type_ = data_type(kind)
        fields.append(pa.field(column["name"], type_, metadata=metadata or None))
        arrays.append(_array(make(column["values"]), type_))
    return pa.table(arrays, schema=pa.schema(fields))


def data_type(written: Any) -> pa.DataType:
    """The type that the notation names."""
    match written:
        case str():
            return _PLAIN[written]
        case {"timestamp": unit, **rest}:
            return pa.timestamp(unit, rest.get("zone"))
        case {"time": unit}:
            return _TIMES[unit](unit)
        case {"duration": unit}:
            return pa.duration(unit)
        case {"interval": "month_day_nano"}:
            return pa.month_day_nano_interval()
        case {"decimal": [precision, scale], "bits": bits}:
            return _DECIMALS[bits](precision, scale)
        case {"fixed_binary": size}:
            return pa.binary(size)
        case {"list": item}:
            return pa.list_(data_type(item))
        case {"large_list": item}:
            return pa.large_list(data_type(item))
        case {"fixed_list": item, "size": size}:
            return pa.list_(data_type(item), size)
        case {"struct": fields}:
            return pa.struct([pa.field(name, data_type(kind)) for name, kind in fields.items()])
        case {"map": [key, item]}:
            return pa.map_(data_type(key), data_type(item))
        case {"dictionary": item, "index": index}:
            return pa.dictionary(data_type(index), data_type(item))
    raise ValueError(f"unknown column type {written!r}")


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    plain = [_plain(value, kind) for value in values]
    if (
        pa.types.is_timestamp(kind)
        or pa.types.is_duration(kind)
        or pa.types.is_time64(kind)
        or pa.types.is_date64(kind)
    ):
        return pa.array(plain, pa.int64()).cast(kind)
    if pa.types.is_time32(kind) or pa.types.is_date32(kind):
        return pa.array(plain, pa.int32()).cast(kind)
    return pa.array(plain, kind)


def _plain(value: Any, kind: pa.DataType) -> Any:
    """What pyarrow makes an array of the type from; the parts of nested values likewise."""
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return Decimal(value)
    if pa.types.is_interval(kind):
        return pa.MonthDayNano(value)
    if pa.types.is_map(kind):
        return [(_plain(key, kind.key_type), _plain(item, kind.item_type)) for key, item in value]
    if pa.types.is_struct(kind):
        return {field.name: _plain(value[field.name], field.type) for field in kind}
    if pa.types.is_nested(kind):
        return [_plain(item, kind.value_type) for item in value]
    return value
