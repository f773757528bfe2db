"""Keys of functions, as the specification says that they are made."""

from __future__ import annotations

from hashlib import blake2b


def function_key(language: int, module: str, name: str, blob: bytes = b"", signature: str = "") -> bytes:
    """The key of a function (spec 2.3/1)."""
    parts = [module.encode(), name.encode(), signature.encode(), blob]
    data = bytes([language]) + b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    return blake2b(data, digest_size=16).digest()
