"""Values of all kinds and sizes, each made of a number from which it can be checked again."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa

SIZES = (10, 500, 5_000, 60_000, 150_000, 700_000, 3_000_000)
WEIGHTS = (30, 25, 20, 10, 8, 5, 2)


def pick_size(chance: random.Random) -> int:
    """Mostly small, sometimes large; around each bound of the store's size classes."""
    return int(chance.choices(SIZES, WEIGHTS)[0] * chance.uniform(0.5, 1.5)) + 1


def value_of(number: int, size: int) -> Any:
    """A value of about so many bytes."""
    kind = number % 5
    if kind == 0:
        return number.to_bytes(8, "little") + bytes([number % 251]) * size
    if kind == 1:
        return np.full(size // 8 + 1, number)
    if kind == 2:
        return pa.table({"n": np.full(size // 16 + 1, number), "half": np.full(size // 16 + 1, number / 2)})
    if kind == 3:
        return {"number": number, "array": np.full(size // 4 + 1, number % 1_000, np.int32), "text": "x" * (size % 100)}
    return [number, "y" * size]


def is_right(value: Any, number: int) -> bool:
    """Whether it is the value of the number, from its first byte to its last."""
    kind = number % 5
    if kind == 0:
        return bool(value[:8] == number.to_bytes(8, "little") and value[8:] == bytes([number % 251]) * (len(value) - 8))
    if kind == 1:
        return bool((value == number).all())
    if kind == 2:
        return bool((value.column("n").to_numpy() == number).all() and value.column("half")[-1].as_py() == number / 2)
    if kind == 3:
        return bool(value["number"] == number and (value["array"] == number % 1_000).all())
    return bool(value[0] == number and set(value[1]) == {"y"})
