"""Puts values where the runtime puts them: inside a frame, and in memory that is shared and aligned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bowstring_wire.messages import Layout
from bowstring_wire.values.payload import (
    ALIGNMENT,
    Decodable,
    Encoded,
    image_size,
    inline_payload,
    read_payload,
    write_image,
)


def aligned_bytes(size: int) -> np.ndarray[Any, Any]:
    """`size` zero bytes that start at a multiple of 64, as in a segment."""
    room = np.zeros(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size]


def inlined(encoded: Encoded) -> Decodable:
    """Written into a frame and read back."""
    layout, payload = inline_payload(encoded)
    return read_payload(encoded.encoding, layout, payload)


def stored(encoded: Encoded) -> Decodable:
    """Written into the store and read back."""
    image = aligned_bytes(image_size(encoded))
    write_image(encoded, memoryview(image))
    image.flags.writeable = False
    return read_payload(encoded.encoding, Layout.IMAGE, image)


PLACES: dict[str, Callable[[Encoded], Decodable]] = {"inlined": inlined, "stored": stored}
