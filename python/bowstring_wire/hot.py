"""Short cuts for the two frames that a call is made of, in the shape that nearly every call has.

The generated codec reads any Task and Result; these read only the canonical bytes of the common shape (spec section
1.6), in one unpacking, and answer None for every other, which the caller then reads the general way.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from bowstring_wire import messages as m

_RESULT_HEAD = m.Result.ROOT + m._RESULT_HEAD
_RESULT = Struct(f"<{len(_RESULT_HEAD)}s{m._RESULT_FIELDS.format[1:]}8xI{m.RETURN.format[1:]}4x")
_SIZE = _RESULT.size
_PROBE = m.Result(b"\1" * 16, returns=(m.Return(1, 1, 1, 0, 0, 1, 0),)).encode()
_RETURNS_AT, _KEPT_AT = _RESULT.unpack(_PROBE)[5:7]
if len(_PROBE) != _SIZE:
    raise AssertionError("the canonical layout of Result has changed: adapt hot.py")


def single_result(metadata: bytes) -> tuple[Any, ...] | None:
    """A Result with one return and nothing kept: (head, id, attempt, status, duration_ns, two offsets, 1, *Return)."""
    if len(metadata) != _SIZE:
        return None
    fields = _RESULT.unpack(metadata)
    if fields[0] != _RESULT_HEAD or fields[5] != _RETURNS_AT or fields[6] != _KEPT_AT or fields[7] != 1:
        return None
    return fields
