"""Portable values at random: trees of all that fits, with every extension type, small and beyond their thresholds."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from bowstring_wire.messages import OBJECT_REF
from bowstring_wire.values.tensor import DTYPES
from conformance.golden.forms import Handle, Reference
from conformance.golden.specimens import Specimens

_EDGES = [
    0,
    -1,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    -32,
    -33,
    -128,
    -129,
    -32_768,
    -32_769,
    2**31,
    2**32,
    2**63 - 1,
    -(2**63),
]
_FLOATS = [0.0, -0.0, 1.5, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")]
_LETTERS = "aé☃😀\x00\n\"'"


class Trees:
    """Makes values; the same source makes the same ones."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._leaves: list[Callable[[], Any]] = [
            lambda: None,
            lambda: source.random() < 0.5,
            lambda: source.choice(_EDGES) if source.random() < 0.5 else source.randint(-(2**63), 2**63 - 1),
            lambda: source.choice(_FLOATS) if source.random() < 0.5 else struct.unpack("d", source.randbytes(8))[0],
            self._text,
            lambda: source.randbytes(source.choice([0, 1, 31, 255, 256, 4095, 4096, 5000])),
            lambda: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=source.randrange(-(10**16), 10**16)),
            self._tensor,
            self._table,
            self._long_list,
            lambda: Reference(source.randbytes(OBJECT_REF.size)),
            lambda: Handle(Specimens(source).message("ActorHandle").encode()),
        ]

    def value(self, depth: int = 3) -> Any:
        """A value that nests at most so deep."""
        kind = self._source.randrange(4) if depth else 3
        if kind == 0:
            return [self.value(depth - 1) for _ in range(self._source.choice([0, 1, 3, 16]))]
        if kind == 1:
            return {self._key(): self.value(depth - 1) for _ in range(self._source.choice([0, 1, 3, 16]))}
        return self._source.choice(self._leaves)()

    def _key(self) -> str | int:
        return self._text() if self._source.random() < 0.7 else self._source.choice(_EDGES)

    def _text(self) -> str:
        return "".join(self._source.choices(_LETTERS, k=self._source.choice([0, 1, 8, 16, 60, 300])))

    def _tensor(self) -> Any:
        dtype = np.dtype(self._source.choice(list(DTYPES.values())))
        shape = [self._source.randrange(4) for _ in range(self._source.randrange(4))]
        count = int(np.prod(shape, dtype=np.int64))
        if dtype == np.bool_:
            return (np.frombuffer(self._source.randbytes(count), np.uint8) % 2).astype(np.bool_).reshape(shape)
        return np.frombuffer(self._source.randbytes(count * dtype.itemsize), dtype).reshape(shape)

    def _table(self) -> Any:
        rows = self._source.randrange(4)
        words = [self._source.choice([None, "", "x", "éé"]) for _ in range(rows)]
        columns = {
            "n": pa.array([self._source.choice([None, *_EDGES]) for _ in range(rows)], pa.int64()),
            "w": pa.array(words, pa.string()),
            "k": pa.array(words, pa.dictionary(pa.int32(), pa.string())),
            "l": pa.array([self._source.choice([None, [], [1, None]]) for _ in range(rows)], pa.list_(pa.int64())),
        }
        table = pa.table(columns)
        return table if self._source.random() < 0.5 or not rows else table.to_batches()[0]

    def _long_list(self) -> list[Any]:
        count = self._source.choice([1023, 1024, 2000])
        items: list[Any] = self._source.choices(self._source.choice([_EDGES, _FLOATS, [True, False]]), k=count)
        if self._source.random() < 0.3:
            items[self._source.randrange(count)] = None
        return items
