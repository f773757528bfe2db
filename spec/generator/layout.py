"""Computes the canonical layout (spec/01-transport.md, section 1.6) of every struct and table."""

from __future__ import annotations

from dataclasses import dataclass

from .schema import SCALARS, Schema, Struct, Table

# Enums whose unknown values are a protocol error (spec chapter 9, rule 4).
CLOSED_ENUMS = ("Encoding", "Layout", "ArgKind", "TaskStatus", "ValueState")
IDENTIFIER = b"BWS1"


@dataclass
class Member:
    """One scalar inside a struct, at a fixed place; nested structs are flattened into these."""

    name: str
    format: str
    size: int
    align: int
    offset: int


@dataclass
class StructLayout:
    name: str
    members: list[Member]
    size: int
    align: int

    @property
    def format(self) -> str:
        """The `struct` format of the whole, padding included, without the byte-order mark."""
        parts, at = [], 0
        for member in self.members:
            if member.offset > at:
                parts.append(f"{member.offset - at}x")
            parts.append(member.format)
            at = member.offset + member.size
        if self.size > at:
            parts.append(f"{self.size - at}x")
        return " ".join(parts)


@dataclass
class Slot:
    """One field of a table: where it lies from the table's start, and what it is.

    kind: scalar, enum, bytes (a struct that is one byte array), struct, string, blob ([ubyte]), scalars ([scalar]),
    structs ([struct]), strings ([string]), table, tables ([Table]).
    """

    name: str
    kind: str
    type: str
    offset: int
    size: int
    doc: str

    @property
    def is_tail(self) -> bool:
        return self.kind in ("string", "blob", "scalars", "structs", "strings", "table", "tables")


@dataclass
class TableLayout:
    name: str
    slots: list[Slot]
    vtable_size: int
    table_start: int  # from the start of the block that holds vtable and table
    table_size: int

    def vtable(self) -> list[int]:
        return [self.vtable_size, self.table_size, *(slot.offset for slot in self.slots)]


def _align(value: int, to: int) -> int:
    return (value + to - 1) // to * to


class Layouts:
    """The layouts of one schema, by name."""

    def __init__(self, schema: Schema):
        self.schema = schema
        self.structs: dict[str, StructLayout] = {}
        for struct in schema.structs.values():
            self._lay_struct(struct)
        self.tables = {table.name: self._lay_table(table) for table in schema.tables.values()}

    def scalar(self, kind: str) -> tuple[str, int] | None:
        """The `struct` code and the size of a scalar or enum type; None if it is neither."""
        if kind in self.schema.enums:
            kind = self.schema.enums[kind].base
        return SCALARS.get(kind)

    def is_bytes(self, kind: str) -> bool:
        """True of a struct that is one byte array and nothing else: ids."""
        struct = self.schema.structs.get(kind)
        return struct is not None and len(struct.fields) == 1 and struct.fields[0].type.startswith("[ubyte:")

    def _lay_struct(self, struct: Struct) -> StructLayout:
        if struct.name in self.structs:
            return self.structs[struct.name]
        members: list[Member] = []
        at, align = 0, 1
        for field in struct.fields:
            if (scalar := self.scalar(field.type)) is not None:
                code, size = scalar
                at = _align(at, size)
                members.append(Member(field.name, code, size, size, at))
                at += size
                align = max(align, size)
            elif field.type.startswith("[ubyte:"):
                size = int(field.type[7:-1])
                members.append(Member(field.name, f"{size}s", size, 1, at))
                at += size
            elif field.type in self.schema.structs:
                inner = self._lay_struct(self.schema.structs[field.type])
                at = _align(at, inner.align)
                single = len(inner.members) == 1
                for member in inner.members:
                    name = field.name if single else f"{field.name}_{member.name}"
                    members.append(Member(name, member.format, member.size, member.align, at + member.offset))
                at += inner.size
                align = max(align, inner.align)
            else:
                raise SyntaxError(f"{struct.name}.{field.name}: {field.type} can't stand in a struct")
        layout = StructLayout(struct.name, members, _align(at, align), align)
        self.structs[struct.name] = layout
        return layout

    def _kind(self, kind: str) -> tuple[str, str, int, int]:
        """kind, inner type, inline size, inline alignment of a table's field."""
        if (scalar := self.scalar(kind)) is not None:
            return ("enum" if kind in self.schema.enums else "scalar"), kind, scalar[1], scalar[1]
        if kind in self.schema.structs:
            layout = self.structs[kind]
            return ("bytes" if self.is_bytes(kind) else "struct"), kind, layout.size, layout.align
        if kind == "string":
            return "string", "", 4, 4
        if kind == "[ubyte]":
            return "blob", "", 4, 4
        if kind in self.schema.tables:
            return "table", kind, 4, 4
        inner = kind[1:-1]
        if self.scalar(inner) is not None:
            return "scalars", inner, 4, 4
        if inner in self.schema.structs:
            return "structs", inner, 4, 4
        if inner == "string":
            return "strings", "", 4, 4
        if inner in self.schema.tables:
            return "tables", inner, 4, 4
        raise SyntaxError(f"unknown type {kind}")

    def _lay_table(self, table: Table) -> TableLayout:
        at = 4
        slots = []
        for field in table.fields:
            kind, inner, size, align = self._kind(field.type)
            at = _align(at, align)
            slots.append(Slot(field.name, kind, inner, at, size, field.doc))
            at += size
        vtable_size = 4 + 2 * len(slots)
        return TableLayout(table.name, slots, vtable_size, _align(vtable_size, 8), _align(at, 8))
