"""Values as spec chapter 3 writes them: payloads and images, tensors, Arrow streams, portable trees.

numpy and pyarrow are imported by the first value that is one.
"""

from __future__ import annotations

from bowstring_wire.values.arrow import encode_arrow
from bowstring_wire.values.payload import (
    Decodable,
    Encoded,
    image_size,
    inline_payload,
    read_payload,
    tensor_header,
    write_image,
)
from bowstring_wire.values.portable import SCALAR_HEADS, decode_portable, encode_portable, register_reference
from bowstring_wire.values.tensor import encode_tensor

__all__ = [
    "SCALAR_HEADS", "Decodable", "Encoded", "decode_portable", "encode_arrow", "encode_portable", "encode_tensor",
    "image_size", "inline_payload", "read_payload", "register_reference", "tensor_header", "write_image",
]  # fmt: skip
