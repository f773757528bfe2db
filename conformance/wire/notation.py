"""The notation of frames in the cases: fields as JSON, and what of an answer must be so.

A field is written as what it is: numbers, texts, lists, objects for tables and structs. Enums are written by name, bits
of flags as a list of names, ids and other bytes as hexadecimal text. A text that starts with ``$`` is a name: of what
an earlier step found, of the connection's own facts (``$process``, ``$epoch``, ...), or of an id that is made when it
is first named: ``$task:a``, ``$result:a`` (object 0 of that task), ``$put:a``, ``$item:a``, ``$key:a``;
``$child:a/1/2`` is the second child of attempt 1 of task a, and ``$put:child:a/1/2`` its first put.
``{"$add": [X, n]}`` is a sum, ``{"$hex": X}`` what state queries show of an id or a process, ``{"$in": NAME}`` the path
of a file in the case's folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from bowstring_wire import messages
from bowstring_wire.flat import Message
from conformance.rules import SPEC
from spec.generator.layout import Layouts, Slot
from spec.generator.schema import read_schema

LAYOUTS = Layouts(read_schema(SPEC / "schema"))
_SPACES = {"result": 0, "put": 1 << 30, "item": 1 << 31}  # spec 2.2/1
_FLAGS = {("Task", "flags"): messages.TaskFlag}


class Names:
    """What names stand for.

    Args:
        job: Tells the job for ids that are made.
    """

    def __init__(self, job: Callable[[], int]) -> None:
        self._job = job
        self._values: dict[str, Any] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = value

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            kind, separator, rest = name.partition(":")
            if not separator:
                raise KeyError(f"nothing is named ${name}; there are {sorted(self._values)}")
            self._values[name] = self._made(kind, rest)
        return self._values[name]

    def get(self, name: str) -> Any:
        """What was found under the name; None if nothing was."""
        return self._values.get(name)

    def _made(self, kind: str, rest: str) -> bytes:
        match kind:
            case "task":
                return self._job().to_bytes(4, "little") + os.urandom(8) + (1).to_bytes(4, "little")
            case "key":
                return os.urandom(16)
            case "child":
                parent, attempt, counter = rest.split("/")
                made = blake2b(self[f"task:{parent}"] + int(attempt).to_bytes(4, "little"), digest_size=16).digest()
                return self._job().to_bytes(4, "little") + made[:8] + int(counter).to_bytes(4, "little")
            case "result" | "put" | "item":
                task = self[rest if ":" in rest else f"task:{rest}"]
                return bytes(task) + _SPACES[kind].to_bytes(4, "little")
        raise KeyError(f"${kind}:{rest}: ids are task, child, result, put, item and key")

    def resolve(self, written: Any) -> Any:
        """The value of what may be a name or a sum of names."""
        if isinstance(written, str) and written.startswith("$"):
            return self[written[1:]]
        if isinstance(written, dict) and set(written) == {"$add"}:
            return sum(self.resolve(part) for part in written["$add"])
        if isinstance(written, dict) and set(written) == {"$in"}:
            return f"{self['folder']}/{written['$in']}"
        if isinstance(written, dict) and set(written) == {"$hex"}:
            value = self.resolve(written["$hex"])
            return f"{value:016x}" if isinstance(value, int) else bytes(value).hex()
        return written


def message(table: str, fields: dict[str, Any], names: Names) -> Message:
    """The message that the fields describe; those that are not named are empty."""
    layout = LAYOUTS.tables[table]
    slots = {slot.name: slot for slot in layout.slots}
    unknown = set(fields) - set(slots)
    if unknown:
        raise ValueError(f"{table} has no {', '.join(sorted(unknown))}; it has {', '.join(slots)}")
    made: Message = getattr(messages, table)(
        **{name: _value(table, slots[name], names.resolve(written), names) for name, written in fields.items()}
    )
    return made


def _value(table: str, slot: Slot, written: Any, names: Names) -> Any:
    match slot.kind:
        case "enum":
            return _number(slot.type, written)
        case "scalar":
            kind = _FLAGS.get((table, slot.name))
            if kind is not None and isinstance(written, list):
                return sum(int(kind[bit]) if isinstance(bit, str) else bit for bit in written)
            return written
        case "bytes" | "blob":
            return _bytes(written)
        case "struct":
            return _struct(slot.type, written, names)
        case "structs":
            return tuple(_struct(slot.type, names.resolve(item), names) for item in written)
        case "table":
            return message(slot.type, written, names) if isinstance(written, dict) else written
        case "tables":
            return tuple(message(slot.type, item, names) for item in written)
        case "scalars" | "strings":
            return tuple(names.resolve(item) for item in written)
    return written


def _number(enum: str, written: Any) -> int:
    if not isinstance(written, str):
        return int(written)
    for name, number, _ in LAYOUTS.schema.enums[enum].values:
        if name == written:
            return number
    raise ValueError(f"{enum} has no {written}")


def _bytes(written: Any) -> bytes:
    return bytes.fromhex(written) if isinstance(written, str) else bytes(written)


def _struct(name: str, written: Any, names: Names) -> Any:
    if isinstance(written, tuple):
        return written  # a whole struct, as a step before found it
    return getattr(messages, name)._make(_members(name, written, names))


def _members(name: str, written: Any, names: Names) -> list[Any]:
    if LAYOUTS.is_bytes(name):
        return [_bytes(names.resolve(written))]
    members: list[Any] = []
    schema = LAYOUTS.schema
    for field in schema.structs[name].fields:
        value = names.resolve(written.get(field.name, 0))
        if field.type in schema.structs:
            if not value:
                members += [0 if not isinstance(part, bytes) else part for part in _zeros(field.type)]
            elif isinstance(value, tuple):
                members += value
            else:
                members += _members(field.type, value, names)
        elif field.type in schema.enums:
            members.append(_number(field.type, value))
        else:
            members.append(_bytes(value) if field.type.startswith("[ubyte:") else value)
    return members


def _zeros(name: str) -> list[Any]:
    members: list[Any] = []
    for field in LAYOUTS.schema.structs[name].fields:
        if field.type.startswith("[ubyte:"):
            members.append(bytes(int(field.type[7:-1])))
        elif field.type in LAYOUTS.schema.structs:
            members += _zeros(field.type)
        else:
            members.append(0)
    return members


def difference(found: Message, fields: dict[str, Any], names: Names) -> str:
    """How an answer differs from what is expected of some of its fields; empty if it does not."""
    slots = {slot.name: slot for slot in LAYOUTS.tables[type(found).__name__].slots}
    for name, written in fields.items():
        value = getattr(found, name)
        slot = slots[name]
        if slot.kind == "table" and isinstance(written, dict):
            inner = difference(value if value is not None else getattr(messages, slot.type)(), written, names)
            if inner:
                return f"{name}.{inner}"
            continue
        expected = _value(type(found).__name__, slot, names.resolve(written), names)
        if value != expected:
            return f"{name} is {value!r}, expected {expected!r}"
    return ""
