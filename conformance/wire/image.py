"""Values as images of the store, written by hand."""

from __future__ import annotations

from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import Encoding, Layout
from bowstring_wire.values.payload import inline_payload
from bowstring_wire.values.portable import encode_portable


def image_of(value: Any) -> bytes:
    """A portable value of one buffer as an image."""
    layout, payload = inline_payload(encode_portable(value))
    assert layout == Layout.COMPACT
    header = m.ObjectHeader(Encoding.PORTABLE, buffers=(m.Span(0, len(payload)),))
    start = -(-(8 + len(header.encode())) // 64) * 64
    encoded = m.ObjectHeader(Encoding.PORTABLE, buffers=(m.Span(start, len(payload)),)).encode()
    return (len(encoded).to_bytes(8, "little") + encoded).ljust(start, b"\0") + payload
