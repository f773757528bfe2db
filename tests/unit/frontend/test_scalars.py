"""Portable values that are one scalar take a short way in, which must lead where the long one does."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bowstring import _values
from bowstring.errors import SerializationError
from bowstring_wire import values
from bowstring_wire.messages import Encoding, Layout
from bowstring_wire.protocol import ProtocolError

PORTABLE, COMPACT = int(Encoding.PORTABLE), int(Layout.COMPACT)


def the_long_way(data: bytes) -> Any:
    return values.decode_portable(values.read_payload(PORTABLE, COMPACT, data))


def read(decode: Any, *arguments: Any) -> tuple[str, type | None, Any]:
    """What came of it; floats by their bits, so that NaN equals itself."""
    try:
        value = decode(*arguments)
    except (ProtocolError, SerializationError):
        return "refused", None, None
    return "read", type(value), struct.pack("<d", value) if type(value) is float else value


@given(head=st.sampled_from(sorted(values.SCALAR_HEADS)), rest=st.binary(max_size=40))
@example(head=0xA1, rest=b"\xff")
@example(head=0xC0, rest=b"\0")
@example(head=0xD9, rest=b"\x20abc")
def test_what_starts_as_a_scalar_is_read_or_refused_as_ever(head: int, rest: bytes) -> None:
    data = bytes((head,)) + rest
    assert read(_values.decode_inline, PORTABLE, COMPACT, data) == read(the_long_way, data)


@given(
    value=st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=300)
    | st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1)
)
def test_scalars_come_back(value: Any) -> None:
    data = values.inline_payload(values.encode_portable(value, "$"))[1]
    assert read(_values.decode_inline, PORTABLE, COMPACT, data) == read(lambda: value)


def test_an_empty_payload_is_refused() -> None:
    assert read(_values.decode_inline, PORTABLE, COMPACT, b"")[0] == "refused"
