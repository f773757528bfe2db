"""Writes bowstring_wire/messages.py."""

from __future__ import annotations

import re
import struct

from .layout import CLOSED_ENUMS, IDENTIFIER, Layouts, Slot, TableLayout

_PREAMBLE = '''"""Messages of the wire, with their canonical codec. Generated from spec/schema; not edited by hand.

Each table is a class with one attribute a field: integers, bool, str, bytes (ids, blobs), tuples (vectors), other
messages (nested tables), or a NamedTuple (structs; inner structs flattened). `encode` writes the canonical layout
(spec section 1.6); `decode` takes any valid FlatBuffers layout and raises ProtocolError for everything else.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from struct import Struct
from typing import NamedTuple

from bowstring_wire import flat
from bowstring_wire.flat import Message

'''


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _constant(name: str) -> str:
    return _snake(name).upper()


_DEFAULTS = {
    "scalar": "0", "enum": "0", "string": '""', "blob": 'b""', "scalars": "()", "structs": "()", "strings": "()",
    "table": "None", "tables": "()",
}  # fmt: skip


class PythonWriter:
    def __init__(self, layouts: Layouts):
        self.layouts = layouts
        self.out: list[str] = [_PREAMBLE]

    def line(self, text: str = "") -> None:
        self.out.append(text + "\n")

    def write(self) -> str:
        for enum in self.layouts.schema.enums.values():
            self._enum(enum)
        for layout in self.layouts.structs.values():
            if not self.layouts.is_bytes(layout.name):
                self._struct(layout)
        for layout in self._in_order():
            self._table(layout)
        self.line("FRAME_TYPES: dict[int, type[Message]] = {")
        for label, number, _ in self.layouts.schema.enums["FrameType"].values:
            name = "".join(part.capitalize() for part in label.split("_"))
            if name in self.layouts.tables:
                self.line(f"    {number}: {name},")
        self.line("}")
        return "".join(self.out)

    def _in_order(self) -> list[TableLayout]:
        """Tables, each after those that it nests."""
        done: dict[str, TableLayout] = {}

        def visit(layout: TableLayout) -> None:
            for slot in layout.slots:
                if slot.kind in ("table", "tables"):
                    visit(self.layouts.tables[slot.type])
            done.setdefault(layout.name, layout)

        for layout in self.layouts.tables.values():
            visit(layout)
        return list(done.values())

    def _enum(self, enum) -> None:
        base = "IntFlag" if enum.name.endswith("Flag") else "IntEnum"
        self.line(f"\nclass {enum.name}({base}):")
        if enum.doc:
            self.line(f'    """{enum.doc}"""\n')
        for label, number, doc in enum.values:
            if doc:
                self.line(f"    # {doc}")
            self.line(f"    {label} = {number}")
        self.line()

    def _struct(self, layout) -> None:
        doc = self.layouts.schema.structs[layout.name].doc
        self.line(f"\nclass {layout.name}(NamedTuple):")
        self.line(f'    """{doc}"""\n')
        for member in layout.members:
            self.line(f"    {member.name}: {'bytes' if member.format.endswith('s') else 'int'}")
        self.line(f'\n\n{_constant(layout.name)} = Struct("<{layout.format}")\n')

    def _annotation(self, slot: Slot) -> str:
        if slot.kind == "scalar":
            return "bool" if slot.type == "bool" else "int"
        return {
            "enum": "int", "bytes": "bytes", "struct": slot.type, "string": "str", "blob": "bytes",
            "scalars": "tuple[int, ...]", "structs": f"tuple[{slot.type}, ...]", "strings": "tuple[str, ...]",
            "table": f"{slot.type} | None", "tables": f"tuple[{slot.type}, ...]",
        }[slot.kind]  # fmt: skip

    def _default(self, slot: Slot) -> str:
        if slot.kind == "bytes":
            return f"bytes({slot.size})"
        if slot.kind == "struct":
            members = self.layouts.structs[slot.type].members
            inner = ", ".join(f"bytes({m.size})" if m.format.endswith("s") else "0" for m in members)
            return f"{slot.type}({inner})"
        if slot.type == "bool" and slot.kind == "scalar":
            return "False"
        return _DEFAULTS[slot.kind]

    def _fixed_format(self, layout: TableLayout) -> str:
        parts, at = [], 4
        for slot in layout.slots:
            if slot.offset > at:
                parts.append(f"{slot.offset - at}x")
            if slot.is_tail:
                parts.append("I")
            elif slot.kind in ("scalar", "enum"):
                parts.append(self.layouts.scalar(slot.type)[0])
            else:
                parts.append(self.layouts.structs[slot.type].format)
            at = slot.offset + slot.size
        parts.append(f"{layout.table_size - at}x")
        return " ".join(parts)

    def _table(self, layout: TableLayout) -> None:
        name, constant, snake = layout.name, "_" + _constant(layout.name), _snake(layout.name)
        doc = self.layouts.schema.tables[name].doc
        names = [slot.name for slot in layout.slots]
        self.line(f"\nclass {name}(Message):")
        self.line(f'    """{doc}')
        self.line("\n    Attributes:")
        for slot in layout.slots:
            self.line(f"        {slot.name}: {slot.doc}")
        self.line('    """\n')
        self.line(f"    __slots__ = ({', '.join(repr(n) for n in names)},)\n")
        self.line("    def __init__(")
        self.line("        self,")
        for slot in layout.slots:
            self.line(f"        {slot.name}: {self._annotation(slot)} = {self._default(slot)},")
        self.line("    ) -> None:")
        for slot in layout.slots:
            self.line(f"        self.{slot.name} = {slot.name}")
        self.line("\n    def block(self) -> bytes:")
        arguments = ", ".join(f"self.{slot.name}" for slot in layout.slots)
        self.line(f"        return block_{snake}({arguments})")
        self.line("\n    @staticmethod")
        self.line(f"    def read(data: bytes, at: int) -> {name}:")
        self.line(f"        return read_{snake}(data, at)\n")

        vtable = layout.vtable()
        head = struct.pack(f"<{len(vtable)}H", *vtable)
        head = head.ljust(layout.table_start, b"\0") + struct.pack("<i", layout.table_start)
        root = struct.pack("<I", 8 + layout.table_start) + IDENTIFIER
        fixed = self._fixed_format(layout)
        self.line(f"\n{constant}_HEAD = bytes.fromhex({head.hex()!r})")
        self.line(f'{constant}_BLOCK = Struct("<{len(head)}s {fixed} 8x")')
        self.line(f'{constant}_FIELDS = Struct("<{fixed}")')
        self.line(f"{constant}_SLOTS = {self._slot_readers(layout)}")
        self.line(f"{name}.START = {layout.table_start}")
        self.line(f"{name}.ROOT = bytes.fromhex({root.hex()!r})\n")
        self._block_function(layout, snake, constant)
        self._read_function(layout, snake, constant)

    def _slot_readers(self, layout: TableLayout) -> str:
        """For the generic reader: each field's struct code, its size, and whether it is an offset."""
        rows = []
        for slot in layout.slots:
            if slot.is_tail:
                rows.append("None")
            elif slot.kind in ("scalar", "enum"):
                rows.append(f'Struct("<{self.layouts.scalar(slot.type)[0]}")')
            else:
                rows.append(f'Struct("<{self.layouts.structs[slot.type].format}")')
        return "(" + ", ".join(rows) + ",)"

    def _block_function(self, layout: TableLayout, snake: str, constant: str) -> None:
        self.line(f"\ndef block_{snake}(")
        for slot in layout.slots:
            self.line(f"    {slot.name}: {self._annotation(slot)} = {self._default(slot)},")
        self.line(") -> bytes:")
        tails = [slot for slot in layout.slots if slot.is_tail]
        values = []
        if tails:
            self.line('    tail = b""')
        for slot in tails:
            wide = slot.kind in ("scalars", "structs") and self._align(slot) == 8
            lead = 4 if wide else 0
            empty = layout.table_size + lead - slot.offset
            if slot.kind == "table":
                inner = self.layouts.tables[slot.type]
                place = layout.table_size + 8 + inner.table_start - slot.offset
                self.line(f"    {slot.name}_at = len(tail) + {place}")
                self.line(f"    tail += ({slot.name} or {slot.type}()).block()")
                continue
            writer = {
                "string": f"flat.string_chunk({slot.name})",
                "blob": f"flat.blob_chunk({slot.name})",
                "strings": f"flat.strings_chunk({slot.name})",
                "tables": f"flat.tables_chunk({slot.name}, {self._start(slot) if slot.kind == 'tables' else 0})",
            }.get(slot.kind) or f"flat.{'wide' if wide else 'narrow'}_chunk({slot.name}, {self._element(slot)})"
            self.line(f"    if {slot.name}:")
            self.line(f"        {slot.name}_at = len(tail) + {layout.table_size + 8 + lead - slot.offset}")
            self.line(f"        tail += {writer}")
            self.line("    else:")
            self.line(f"        {slot.name}_at = {empty}")
        for slot in layout.slots:
            if slot.is_tail:
                values.append(f"{slot.name}_at")
            elif slot.kind == "struct":
                values.append(f"*{slot.name}")
            else:
                values.append(slot.name)
        pack = f"{constant}_BLOCK.pack({', '.join([constant + '_HEAD', *values])})"
        self.line(f"    return {pack}{' + tail' if tails else ''}\n")

    def _start(self, slot: Slot) -> int:
        return self.layouts.tables[slot.type].table_start

    def _align(self, slot: Slot) -> int:
        if slot.kind == "structs":
            return self.layouts.structs[slot.type].align
        return self.layouts.scalar(slot.type)[1]

    def _element(self, slot: Slot) -> str:
        if slot.kind == "structs":
            return _constant(slot.type)
        return f'"{self.layouts.scalar(slot.type)[0]}"'

    def _read_function(self, layout: TableLayout, snake: str, constant: str) -> None:
        self.line(f"\ndef read_{snake}(data: bytes, at: int) -> {layout.name}:")
        names: list[str] = []
        for slot in layout.slots:
            if slot.kind == "struct":
                names += [f"{slot.name}_{i}" for i in range(len(self.layouts.structs[slot.type].members))]
            else:
                names.append(slot.name)
        targets = ", ".join(names) + ("," if len(names) == 1 else "")
        self.line(f"    if data[at - {layout.table_start} : at + 4] == {constant}_HEAD:")
        self.line(f"        {targets} = {constant}_FIELDS.unpack_from(data, at + 4)")
        for slot in layout.slots:
            if slot.is_tail:
                self.line(f"        {slot.name} += at + {slot.offset}")
        self.line("    else:")
        self.line(f"        {targets} = flat.table_fields(data, at, {constant}_SLOTS)")
        for slot in layout.slots:
            if slot.kind == "enum" and slot.type in CLOSED_ENUMS:
                largest = max(number for _, number, _ in self.layouts.schema.enums[slot.type].values)
                self.line(f"    if {slot.name} > {largest}:")
                self.line(f'        raise flat.unknown_value("{layout.name}.{slot.name}", {slot.name})')
        values = []
        for slot in layout.slots:
            value = slot.name
            if slot.kind == "struct":
                count = len(self.layouts.structs[slot.type].members)
                value = f"{slot.type}({', '.join(f'{slot.name}_{i}' for i in range(count))})"
            elif slot.kind in ("string", "blob", "strings"):
                value = f"flat.read_{slot.kind}(data, {slot.name})"
            elif slot.kind == "table":
                value = f"flat.read_table(data, {slot.name}, read_{_snake(slot.type)})"
            elif slot.kind == "tables":
                value = f"flat.read_tables(data, {slot.name}, read_{_snake(slot.type)})"
            elif slot.kind == "structs":
                value = f"flat.read_structs(data, {slot.name}, {_constant(slot.type)}, {slot.type})"
            elif slot.kind == "scalars":
                value = f'flat.read_scalars(data, {slot.name}, "{self.layouts.scalar(slot.type)[0]}")'
            values.append(value)
        self.line(f"    return {layout.name}(")
        for value in values:
            self.line(f"        {value},")
        self.line("    )\n")
