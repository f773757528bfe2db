"""FlatBuffers' own writer and readers, against which the canonical codec is judged.

`write` lays a message out as the library's Builder does: fields in any order, defaults left out or not, tables shared
or not, children before parents. `read` reads with the classes that flatc generates.
"""

from __future__ import annotations

import importlib
import random
import sys
from struct import pack
from typing import Any

import flatbuffers

from bowstring_wire import messages
from conformance.golden.specimens import LAYOUTS, ROOT, present
from spec.generator.layout import Slot

sys.path.append(str(ROOT / "conformance" / "readers" / "python"))

_PREPEND = {
    "bool": "PrependBoolSlot",
    "byte": "PrependInt8Slot",
    "ubyte": "PrependUint8Slot",
    "short": "PrependInt16Slot",
    "ushort": "PrependUint16Slot",
    "int": "PrependInt32Slot",
    "uint": "PrependUint32Slot",
    "long": "PrependInt64Slot",
    "ulong": "PrependUint64Slot",
}

_VECTORS = frozenset(("blob", "scalars", "structs", "strings", "tables"))


def _scalar_type(kind: str) -> str:
    return LAYOUTS.schema.enums[kind].base if kind in LAYOUTS.schema.enums else kind


def write(message: messages.Message, source: random.Random) -> bytes:
    """The message as the library's Builder writes it; the choices that a writer has are drawn from `source`."""
    builder = flatbuffers.Builder(64)
    builder.ForceDefaults(bool(source.randrange(2)))
    root = _write_table(builder, message, source)
    builder.Finish(root, file_identifier=b"BWS1")
    return bytes(builder.Output())


def _write_table(builder: Any, message: messages.Message, source: random.Random) -> int:
    slots = LAYOUTS.tables[type(message).__name__].slots
    children: dict[str, int] = {}
    tails = [slot for slot in slots if slot.is_tail]
    source.shuffle(tails)
    for slot in tails:
        value = getattr(message, slot.name)
        empty = value == present(getattr(messages, slot.type)()) if slot.kind == "table" else not value
        if not empty or source.randrange(2):
            children[slot.name] = _write_child(builder, slot, value, source)
    order = list(range(len(slots)))
    source.shuffle(order)
    builder.StartObject(len(slots))
    for index in order:
        slot = slots[index]
        value = getattr(message, slot.name)
        if slot.name in children:
            builder.PrependUOffsetTRelativeSlot(index, children[slot.name], 0)
        elif slot.kind in ("scalar", "enum"):
            getattr(builder, _PREPEND[_scalar_type(slot.type)])(index, value, 0)
        elif slot.kind in ("bytes", "struct"):
            data, align = _struct_bytes(slot.type, value)
            if any(data) or source.randrange(2):
                _place(builder, data, align)
                builder.PrependStructSlot(index, builder.Offset(), 0)
    return int(builder.EndObject())


def _struct_bytes(name: str, value: Any) -> tuple[bytes, int]:
    layout = LAYOUTS.structs[name]
    members = [value] if isinstance(value, bytes) else list(value)
    return pack("<" + layout.format, *members), layout.align


def _place(builder: Any, data: bytes, align: int) -> None:
    builder.Prep(align, len(data))
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data


def _write_child(builder: Any, slot: Slot, value: Any, source: random.Random) -> int:
    match slot.kind:
        case "string":
            return int(builder.CreateString(value))
        case "blob":
            return int(builder.CreateByteVector(value))
        case "table":
            return _write_table(builder, value, source)
        case "strings" | "tables":
            if slot.kind == "strings":
                places = [builder.CreateString(item) for item in value]
            else:
                places = [_write_table(builder, item, source) for item in value]
            builder.StartVector(4, len(places), 4)
            for place in reversed(places):
                builder.PrependUOffsetTRelative(place)
            return int(builder.EndVector())
        case "scalars":
            code, size = LAYOUTS.scalar(slot.type) or ("", 0)
            builder.StartVector(size, len(value), size)
            for item in reversed(value):
                _place(builder, pack("<" + code, item), size)
            return int(builder.EndVector())
        case "structs":
            layout = LAYOUTS.structs[slot.type]
            builder.StartVector(layout.size, len(value), layout.align)
            for item in reversed(value):
                _place(builder, *_struct_bytes(slot.type, item))
            return int(builder.EndVector())
    raise AssertionError(slot.kind)


def read(table: str, data: bytes) -> messages.Message:
    """The message that flatc's reader of a table finds in a metadata buffer."""
    reader = getattr(importlib.import_module(f"flatc_readers.{table}"), table)
    return _read_table(table, reader.GetRootAs(data, 0))


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _read_table(table: str, reader: Any) -> messages.Message:
    kind = getattr(messages, table)
    made: messages.Message = kind()
    for slot in LAYOUTS.tables[table].slots:
        name = _camel(slot.name)
        get = getattr(reader, name)
        count = getattr(reader, f"{name}Length")() if slot.kind in _VECTORS else 0
        value: Any
        match slot.kind:
            case "scalar" | "enum":
                value = get()
            case "string":
                value = (get() or b"").decode()
            case "bytes" | "struct":
                found = get()
                if found is None:
                    continue
                members = _read_struct(slot.type, found)
                value = members[0] if slot.kind == "bytes" else getattr(messages, slot.type)._make(members)
            case "blob":
                value = bytes(get(index) for index in range(count))
            case "scalars":
                value = tuple(get(index) for index in range(count))
            case "strings":
                value = tuple(get(index).decode() for index in range(count))
            case "structs":
                struct = getattr(messages, slot.type)
                value = tuple(struct._make(_read_struct(slot.type, get(index))) for index in range(count))
            case "tables":
                value = tuple(_read_table(slot.type, get(index)) for index in range(count))
            case "table":
                value = _read_table(slot.type, get())
        setattr(made, slot.name, value)
    return made


def _read_struct(name: str, reader: Any) -> list[Any]:
    members: list[Any] = []
    for field in LAYOUTS.schema.structs[name].fields:
        get = getattr(reader, _camel(field.name))
        if field.type.startswith("[ubyte:"):
            members.append(bytes(get()))
        elif field.type in LAYOUTS.schema.structs:
            inner = getattr(importlib.import_module(f"flatc_readers.{field.type}"), field.type)()
            members += _read_struct(field.type, get(inner))
        else:
            members.append(get())
    return members
