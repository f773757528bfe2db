"""Mutations without coverage: for the short run that every test run does, and where no fuzzer can be had."""

from __future__ import annotations

import random

_EDGES = tuple(
    value.to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for value in (0, 1, 4, (1 << 8 * size) - 1, 1 << 8 * size - 1, (1 << 8 * size - 1) - 1)
    for order in ("little", "big")
)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """`data` with a few bytes changed, set to an edge of a number, moved, repeated, or cut off."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(out) + 1)
        what = chance.random()
        if what < 0.3 and at < len(out):
            out[at] = chance.randrange(256)
        elif what < 0.45 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif what < 0.75:
            edge = chance.choice(_EDGES)
            out[at : at + len(edge)] = edge
        elif what < 0.85:
            size = chance.randrange(1, 17)
            other = chance.randrange(len(out) + 1)
            out[at : at + size] = out[other : other + size]
        elif what < 0.95:
            out[at:at] = out[at : at + chance.randrange(1, 17)]
        else:
            del out[at:]
    return bytes(out)
