"""Values as the cases write them, in Python: made from the notation, and held against it.

The notation is JSON with marks for what JSON lacks; conformance/README.md lists it. The driver makes arguments from it
and checks what it gets; the worker's library does the same on its side.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from conformance.languages.python.columns import table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unportable:
    """A value that only Python can hold."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unportable)

    def __hash__(self) -> int:
        return 0


def make(written: Any, names: Mapping[str, Any] | None = None) -> Any:
    """The value that the notation stands for; ``names`` holds the references, actor handles and paths it may use."""
    if isinstance(written, list):
        return [make(element, names) for element in written]
    if not isinstance(written, dict):
        return written
    mark = next((key for key in written if key.startswith("$")), None)
    if mark is None:
        return {key: make(value, names) for key, value in written.items()}
    content = written[mark]
    match mark:
        case "$float":
            return float(content)
        case "$bytes":
            return bytes.fromhex(content)
        case "$pattern":
            return bytes(i & 0xFF for i in range(content))
        case "$time":
            return EPOCH + timedelta(microseconds=content // 1000)
        case "$map":
            return {make(key, names): make(value, names) for key, value in content}
        case "$range":
            return list(range(content))
        case "$repeat":
            return [make(content, names) for _ in range(written["count"])]
        case "$nest":
            nested: Any = []
            for _ in range(content - 1):
                nested = [nested]
            return nested
        case "$tensor":
            return np.array(make(written["data"]), dtype=content).reshape(written["shape"])
        case "$table":
            return table(content, make)
        case "$batch":
            return table(content, make).combine_chunks().to_batches()[0]
        case "$text":
            return json.dumps(content)
        case "$unportable":
            return Unportable()
        case "$ref" | "$actor" | "$path":
            if names is None or content not in names:
                raise ValueError(f"the case uses {mark} {content!r}, which no step before has made")
            return names[content]
    raise ValueError(f"unknown mark {mark} in {written!r}")


def difference(value: Any, written: Any, path: str = "$") -> str:
    """What distinguishes the value from what is written; empty if nothing does. Types count: 1 is not 1.0 nor True."""
    expected = make(written) if isinstance(written, dict) and any(key.startswith("$") for key in written) else written
    if isinstance(expected, pa.Table | pa.RecordBatch):
        return _differs(path, value, expected, isinstance(value, type(expected)) and value.equals(expected))
    if isinstance(expected, np.ndarray):
        same = isinstance(value, np.ndarray) and value.dtype == expected.dtype and value.shape == expected.shape
        return _differs(path, value, expected, same and value.tobytes() == expected.tobytes())
    if isinstance(expected, float):
        same = type(value) is float and (
            struct.pack("d", value) == struct.pack("d", expected) or (math.isnan(value) and math.isnan(expected))
        )
        return _differs(path, value, expected, same)
    if isinstance(expected, list) and isinstance(value, list):
        if len(value) != len(expected):
            return f"{path}: {len(value)} elements, expected {len(expected)}"
        parts = (difference(v, e, f"{path}[{i}]") for i, (v, e) in enumerate(zip(value, expected, strict=True)))
        return next(filter(None, parts), "")
    if isinstance(expected, dict) and isinstance(value, dict):
        if list(value) != list(expected):
            return f"{path}: keys {list(value)}, expected {list(expected)}"
        return next(filter(None, (difference(value[key], expected[key], f"{path}.{key}") for key in expected)), "")
    return _differs(path, value, expected, type(value) is type(expected) and value == expected)


def _differs(path: str, value: Any, expected: Any, same: bool) -> str:
    return "" if same else f"{path}: {type(value).__name__} {str(value)[:200]}, expected {str(expected)[:200]}"
