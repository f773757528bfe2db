"""One line of bytes for each table, as Python's codec writes them, for the test of every other codec.

Each table comes three times: empty, filled, and filled with other lengths, so that every tail moves.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .layout import Layouts, Slot, TableLayout
from .schema import SCALARS


class GoldenWriter:
    def __init__(self, layouts: Layouts, python: Path, messages: str):
        """`messages` is the text of the Python codec: what stands on disk may be of an older schema."""
        self.layouts = layouts
        sys.path.insert(0, str(python))
        self.messages = ModuleType("bowstring_wire.messages")
        sys.modules[self.messages.__name__] = self.messages
        exec(compile(messages, "messages.py", "exec"), vars(self.messages))
        self.seed = 0

    def write(self) -> str:
        """Lines of the table's name and its canonical metadata buffer in hexadecimal."""
        lines = []
        for layout in self.layouts.tables.values():
            kind = getattr(self.messages, layout.name)
            lines.append(f"{layout.name} {kind().encode().hex()}")
            for count in (1, 2):
                self.seed = count
                lines.append(f"{layout.name} {self._table(layout, count).encode().hex()}")
        return "\n".join(lines) + "\n"

    def _next(self) -> int:
        """The next of a row of numbers without a pattern that a wrong codec could keep by chance."""
        self.seed = (self.seed * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        return self.seed >> 11

    def _table(self, layout: TableLayout, count: int) -> Any:
        return getattr(self.messages, layout.name)(*(self._value(slot, count) for slot in layout.slots))

    def _number(self, kind: str) -> Any:
        if kind in self.layouts.schema.enums:
            values = self.layouts.schema.enums[kind].values
            return values[self._next() % len(values)][1]
        if kind == "bool":
            return bool(self._next() & 1)
        code, size = SCALARS[kind]
        number = self._next() * 0x9E3779B97F4A7C15 & (1 << 8 * size) - 1
        return number - (1 << 8 * size) if code.islower() and number >> 8 * size - 1 else number

    def _bytes(self, size: int) -> bytes:
        return bytes(self._next() & 255 for _ in range(size))

    def _struct(self, name: str) -> Any:
        values = []
        for member in self.layouts.structs[name].members:
            if member.format.endswith("s"):
                values.append(self._bytes(member.size))
            elif member.name in ("kind", "encoding", "layout", "state", "status"):
                values.append(1)
            else:
                values.append(self._next() & (1 << 8 * member.size - 1) - 1)
        return getattr(self.messages, name)(*values)

    def _text(self, count: int) -> str:
        return "é" * count + "abcdefghijkl"[: self._next() % 12]

    def _value(self, slot: Slot, count: int) -> Any:
        match slot.kind:
            case "scalar" | "enum":
                return self._number(slot.type)
            case "bytes":
                return self._bytes(slot.size)
            case "struct":
                return self._struct(slot.type)
            case "string":
                return self._text(count)
            case "blob":
                return self._bytes(self._next() % 9 + count)
            case "scalars":
                return tuple(self._number(slot.type) for _ in range(count))
            case "structs":
                return tuple(self._struct(slot.type) for _ in range(count))
            case "strings":
                return tuple(self._text(count) for _ in range(count))
            case "table":
                return self._table(self.layouts.tables[slot.type], count)
            case "tables":
                return tuple(self._table(self.layouts.tables[slot.type], count) for _ in range(count))
        raise AssertionError(slot.kind)
