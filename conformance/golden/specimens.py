"""Messages with contents of every kind, made from the schemas, and their neutral form.

Where a value comes from is a `random.Random`: a seeded one for golden files and for runs in other languages, one of
hypothesis's for tests, which then shrinks what fails. Numbers are often at an edge of their type; enums and what a
reader may refuse hold values that the spec knows.

The neutral form of a message is JSON: a table or struct is an object with a member for each field of the schema, ids
and blobs are hexadecimal, all other fields are what they seem. Inner structs are objects too.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from bowstring_wire import messages
from spec.generator.layout import Layouts, Slot
from spec.generator.schema import SCALARS, read_schema

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = Layouts(read_schema(ROOT / "spec" / "schema"))
TABLES = sorted(LAYOUTS.tables)
_LETTERS = 'abcXYZ 09_./="\\\n\0é€😀'


class Specimens:
    """Makes messages of any table from a source of random numbers."""

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def message(self, table: str) -> messages.Message:
        """A message of a table; about one field in four is empty."""
        layout = LAYOUTS.tables[table]
        kind = getattr(messages, table)
        made: messages.Message = present(kind())
        for slot in layout.slots:
            if self.source.randrange(4):
                setattr(made, slot.name, self._value(slot))
        return made

    def _value(self, slot: Slot) -> Any:
        match slot.kind:
            case "scalar" | "enum":
                return self._number(slot.type)
            case "bytes":
                return self._bytes(slot.size)
            case "struct":
                return self._struct(slot.type)
            case "string":
                return self._text()
            case "blob":
                return self._bytes(self._count() * 5)
            case "scalars":
                return tuple(self._number(slot.type) for _ in range(self._count()))
            case "structs":
                return tuple(self._struct(slot.type) for _ in range(self._count()))
            case "strings":
                return tuple(self._text() for _ in range(self._count()))
            case "table":
                return self.message(slot.type)
            case "tables":
                return tuple(self.message(slot.type) for _ in range(self._count()))
        raise AssertionError(slot.kind)

    def _count(self) -> int:
        return self.source.choice((0, 1, 1, 2, 3))

    def _text(self) -> str:
        return "".join(self.source.choice(_LETTERS) for _ in range(self.source.randrange(12)))

    def _bytes(self, size: int) -> bytes:
        return bytes(self.source.randrange(256) for _ in range(size))

    def _number(self, kind: str) -> Any:
        enum = LAYOUTS.schema.enums.get(kind)
        if enum is not None:
            return self.source.choice([number for _, number, _ in enum.values])
        if kind == "bool":
            return bool(self.source.randrange(2))
        code, size = SCALARS[kind]
        low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if code.islower() else (0, (1 << 8 * size) - 1)
        return self.source.choice((low, high, 1, self.source.randint(low, high)))

    def _struct(self, name: str) -> Any:
        return getattr(messages, name)._make(self._members(name))

    def _members(self, name: str) -> list[Any]:
        members: list[Any] = []
        for field in LAYOUTS.schema.structs[name].fields:
            if field.type.startswith("[ubyte:"):
                members.append(self._bytes(int(field.type[7:-1])))
            elif field.type in LAYOUTS.schema.structs:
                members += self._members(field.type)
            else:
                members.append(self._number(field.type))
        return members


def present(message: messages.Message) -> messages.Message:
    """The same message with an empty table for each nested one that is absent, which means the same (section 1.6)."""
    for slot in LAYOUTS.tables[type(message).__name__].slots:
        if slot.kind == "table":
            value = getattr(message, slot.name)
            setattr(message, slot.name, present(getattr(messages, slot.type)() if value is None else value))
        elif slot.kind == "tables":
            for item in getattr(message, slot.name):
                present(item)
    return message


def to_neutral(message: messages.Message) -> dict[str, Any]:
    """A message's neutral form."""
    layout = LAYOUTS.tables[type(message).__name__]
    return {slot.name: _to_neutral(slot, getattr(message, slot.name)) for slot in layout.slots}


def _to_neutral(slot: Slot, value: Any) -> Any:
    match slot.kind:
        case "bytes" | "blob":
            return value.hex()
        case "struct":
            return _struct_to_neutral(slot.type, list(value))
        case "structs":
            return [_struct_to_neutral(slot.type, list(item)) for item in value]
        case "table":
            return to_neutral(present(getattr(messages, slot.type)()) if value is None else value)
        case "tables":
            return [to_neutral(item) for item in value]
        case "scalars" | "strings":
            return list(value)
    return int(value) if slot.kind == "enum" else value


def _struct_to_neutral(name: str, members: list[Any]) -> Any:
    """Takes the members of a struct from the front of a flat list."""
    if LAYOUTS.is_bytes(name):
        return members.pop(0).hex()
    made: dict[str, Any] = {}
    for field in LAYOUTS.schema.structs[name].fields:
        if field.type in LAYOUTS.schema.structs:
            made[field.name] = _struct_to_neutral(field.type, members)
        else:
            value = members.pop(0)
            made[field.name] = value.hex() if isinstance(value, bytes) else int(value)
    return made


def from_neutral(table: str, form: dict[str, Any]) -> messages.Message:
    """The message that a neutral form stands for."""
    layout = LAYOUTS.tables[table]
    if set(form) != {slot.name for slot in layout.slots}:
        raise ValueError(f"{table}: fields {sorted(form)}")
    message: messages.Message = getattr(messages, table)(
        **{slot.name: _from_neutral(slot, form[slot.name]) for slot in layout.slots}
    )
    return message


def _from_neutral(slot: Slot, value: Any) -> Any:
    match slot.kind:
        case "bytes" | "blob":
            return bytes.fromhex(value)
        case "struct":
            return getattr(messages, slot.type)._make(_struct_members(slot.type, value))
        case "structs":
            return tuple(getattr(messages, slot.type)._make(_struct_members(slot.type, item)) for item in value)
        case "table":
            return from_neutral(slot.type, value)
        case "tables":
            return tuple(from_neutral(slot.type, item) for item in value)
        case "scalars" | "strings":
            return tuple(value)
    return value


def _struct_members(name: str, form: Any) -> list[Any]:
    if LAYOUTS.is_bytes(name):
        return [bytes.fromhex(form)]
    members: list[Any] = []
    for field in LAYOUTS.schema.structs[name].fields:
        if field.type in LAYOUTS.schema.structs:
            members += _struct_members(field.type, form[field.name])
        else:
            value = form[field.name]
            members.append(bytes.fromhex(value) if isinstance(value, str) else value)
    return members
