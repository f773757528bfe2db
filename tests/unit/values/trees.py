"""Portable trees, written and read again."""

from __future__ import annotations

import math
from typing import Any

from bowstring_wire.messages import Encoding
from bowstring_wire.values.payload import Decodable
from bowstring_wire.values.portable import decode_portable, encode_portable
from tests.unit.values.placing import inlined


def again(value: Any) -> Any:
    """What is read of a value that was written."""
    return decode_portable(inlined(encode_portable(value)))


def same(found: Any, value: Any) -> bool:
    """Equal in types too; NaN is itself."""
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, bytearray):
        value = bytes(value)
    if type(found) is not type(value):
        return False
    if isinstance(value, list):
        return len(found) == len(value) and all(map(same, found, value))
    if isinstance(value, dict):
        return list(found) == list(value) and all(same(found[key], value[key]) for key in value)
    if isinstance(value, float):
        return (math.isnan(found) and math.isnan(value)) or (
            found == value and math.copysign(1, found) == math.copysign(1, value)
        )
    return bool(found == value)


def tree_of(data: bytes, *buffers: Any) -> Any:
    """The tree whose first buffer is the bytes."""
    return decode_portable(Decodable(Encoding.PORTABLE, [data, *buffers]))


class Reference:
    """What stands for a frontend's reference."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class Handle(Reference):
    """What stands for a frontend's handle."""
