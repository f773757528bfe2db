"""Reads the subset of the FlatBuffers schema language that the spec uses.

flatc reads the same files and is the judge of their syntax; this reader knows namespaces, includes, enums, structs
and tables, and refuses whatever else it meets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SCALARS = {
    "bool": ("?", 1), "byte": ("b", 1), "ubyte": ("B", 1), "short": ("h", 2), "ushort": ("H", 2),
    "int": ("i", 4), "uint": ("I", 4), "long": ("q", 8), "ulong": ("Q", 8), "float": ("f", 4), "double": ("d", 8),
}  # fmt: skip


@dataclass
class Enum:
    name: str
    base: str
    values: list[tuple[str, int, str]]
    doc: str


@dataclass
class Field:
    name: str
    type: str
    doc: str


@dataclass
class Struct:
    name: str
    fields: list[Field]
    doc: str


@dataclass
class Table:
    name: str
    fields: list[Field]
    doc: str


@dataclass
class Schema:
    enums: dict[str, Enum] = field(default_factory=dict)
    structs: dict[str, Struct] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)


_TOKEN = re.compile(r'///[^\n]*|//[^\n]*|"[^"]*"|[A-Za-z_][\w.]*|-?\d+|[{}()\[\]:;=,]|\S')


class _Reader:
    def __init__(self, text: str, path: Path):
        self.path = path
        self.doc = ""
        self.tokens: list[tuple[str, str]] = []
        doc: list[str] = []
        for token in _TOKEN.findall(text):
            if token.startswith("///"):
                doc.append(token[3:].strip())
            elif not token.startswith("//"):
                self.tokens.append((token, " ".join(doc)))
                doc = []
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.tokens)

    def next(self) -> str:
        token, self.doc = self.tokens[self.at]
        self.at += 1
        return token

    def peek(self) -> str:
        return self.tokens[self.at][0]

    def expect(self, wanted: str) -> None:
        got = self.next()
        if got != wanted:
            raise SyntaxError(f"{self.path.name}: expected {wanted!r}, found {got!r}")


def _read_enum(reader: _Reader, schema: Schema) -> None:
    doc, name = reader.doc, reader.next()
    reader.expect(":")
    base = reader.next()
    flags = reader.peek() == "("
    while reader.next() != "{":
        pass
    values: list[tuple[str, int, str]] = []
    following = 0
    while reader.peek() != "}":
        label = reader.next()
        label_doc = reader.doc
        if reader.peek() == "=":
            reader.next()
            following = int(reader.next())
        values.append((label, 1 << following if flags else following, label_doc))
        following += 1
        if reader.peek() == ",":
            reader.next()
    reader.expect("}")
    schema.enums[name] = Enum(name, base, values, doc)


def _read_fields(reader: _Reader) -> tuple[str, list[Field], str]:
    doc, name = reader.doc, reader.next()
    reader.expect("{")
    fields = []
    while reader.peek() != "}":
        label = reader.next()
        label_doc = reader.doc
        if not label_doc:
            raise SyntaxError(f"{reader.path.name}: {name}.{label} has no /// line")
        reader.expect(":")
        kind = ""
        while reader.peek() != ";":
            kind += reader.next()
        reader.expect(";")
        fields.append(Field(label, kind, label_doc))
    reader.expect("}")
    return name, fields, doc


def read_schema(folder: Path) -> Schema:
    """Read every .fbs file in `folder` into one Schema."""
    schema = Schema()
    for path in sorted(folder.glob("*.fbs")):
        reader = _Reader(path.read_text(), path)
        while reader.more():
            word = reader.next()
            if word in ("namespace", "include"):
                reader.next()
                reader.expect(";")
            elif word == "enum":
                _read_enum(reader, schema)
            elif word == "struct":
                name, fields, doc = _read_fields(reader)
                schema.structs[name] = Struct(name, fields, doc)
            elif word == "table":
                name, fields, doc = _read_fields(reader)
                schema.tables[name] = Table(name, fields, doc)
            else:
                raise SyntaxError(f"{path.name}: the spec's schemas do not use {word!r}")
    return schema
