"""The golden cases: messages, frames, values, and what readers must refuse."""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from bowstring_wire import messages
from bowstring_wire.messages import OBJECT_REF, ElementType, Encoding, ErrorCode, Layout, ObjectHeader, ObjectRef, Span
from bowstring_wire.protocol import frame
from bowstring_wire.values import portable
from bowstring_wire.values.payload import Encoded, inline_payload
from bowstring_wire.values.portable import encode_portable, register_reference
from conformance.golden import flatbuffers_own
from conformance.golden.forms import Form, Handle, Reference, from_python
from conformance.golden.specimens import TABLES, Specimens, present, to_neutral


@dataclass
class Case:
    """One golden file and its entry in the manifest.

    Attributes:
        section: Which list of the manifest it stands in.
        name: Unique in its section; the file's name as well.
        data: The bytes.
        entry: What else the manifest says.
        exact: Whether another run of another version of a library makes the same bytes.
    """

    section: str
    name: str
    data: bytes
    entry: dict[str, Any]
    exact: bool = True
    file: str = field(init=False)

    def __post_init__(self) -> None:
        self.file = f"{self.section}/{self.name}.hex"

    def manifest_entry(self) -> dict[str, Any]:
        return {"name": self.name, "file": self.file, **self.entry, "exact": self.exact}


def use_stand_ins() -> None:
    """Let trees hold the forms' references and handles."""
    portable._codec = portable._Codec()
    register_reference(Reference, lambda ref: ref.data, Reference, Handle, lambda handle: handle.data, Handle)


# Messages -----------------------------------------------------------------------------------------------------------


def _messages() -> Iterator[Case]:
    for table in TABLES:
        empty = present(getattr(messages, table)())
        yield Case("messages", f"{table}-empty", empty.encode(), _message_entry(table, True, empty))
        source = random.Random(f"golden {table}")
        for name in ("a", "b"):
            message = Specimens(source).message(table)
            yield Case("messages", f"{table}-{name}", message.encode(), _message_entry(table, True, message))
        other = flatbuffers_own.write(message, source)
        yield Case("messages", f"{table}-b-other", other, _message_entry(table, False, message), exact=False)


def _message_entry(table: str, canonical: bool, message: messages.Message) -> dict[str, Any]:
    return {"table": table, "canonical": canonical, "value": to_neutral(message)}


# Frames -------------------------------------------------------------------------------------------------------------


def _frames() -> Iterator[Case]:
    ack, task = messages.Ack(7).encode(), messages.Task(id=bytes(range(16)), name="a task").encode()
    kinds = messages.FrameType
    parts = [(kinds.ACK, ack, b""), (kinds.TASK, task, b"x" * 24), (0x8000, ack, bytes(8))]
    stream = b"".join(frame(*part) for part in parts)
    found = [{"type": int(kind), "metadata": metadata.hex(), "body": body.hex()} for kind, metadata, body in parts]
    yield Case("frames", "three", stream, {"handshake_done": True, "frames": found, "error": False})
    yield Case("frames", "cut-short", stream[:-1], {"handshake_done": True, "frames": found[:2], "error": False})
    entry = {"handshake_done": False, "frames": found[:1], "error": True}
    yield Case("frames", "body-before-handshake", stream, entry)
    good = frame(kinds.ACK, ack, bytes(8))
    for name, at, change in (
        ("wrong-mark", 7, b"\0"),
        ("flags", 6, b"\1"),
        ("metadata-not-padded", 0, b"\x0c"),
        ("metadata-too-short", 0, b"\x08\0\0\0"),
        ("metadata-too-long", 0, b"\x08\0\0\x01"),
        ("body-not-padded", 8, b"\1"),
        ("body-too-long", 8, b"\x08\0\0\4"),
        ("body-negative", 15, b"\x80"),
    ):
        data = good[:at] + change + good[at + len(change) :]
        yield Case("frames", name, data, {"handshake_done": True, "frames": [], "error": True})


# Values -------------------------------------------------------------------------------------------------------------


_NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
_REF = ObjectRef(bytes(range(20)), 0, 0x0102030405060708, 0x1112131415161718)
_HANDLE = messages.ActorHandle(
    ref=_REF, language=2, max_concurrency=1, max_task_retries=-1, module="com.example.Counter", num_returns=("split=2",)
)


def _portable_values() -> Iterator[tuple[str, Any]]:
    yield from (
        ("nil", None),
        ("true", True),
        ("false", False),
        ("float-1.5", 1.5),
        ("float-minus-zero", -0.0),
        ("float-nan", math.nan),
        ("float-infinity", math.inf),
        ("float-minus-infinity", -math.inf),
        ("float-smallest", 5e-324),
        ("str-empty", ""),
        ("str-31-bytes", "x" * 31),
        ("str-32-bytes", "x" * 32),
        ("str-300-bytes", "x" * 300),
        ("str-of-all-lengths", "a\0é€😀"),
        ("bin-empty", b""),
        ("bin", bytes(range(256))),
        ("bin-4095", b"\xc7\x0c\xff" * 1365),
        ("bin-4096-in-buffer", b"\xdd" * 4096),
        ("timestamp", _NOON),
        ("timestamp-1970", datetime(1970, 1, 1, tzinfo=UTC)),
        ("timestamp-before-1970", datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("timestamp-year-1", datetime(1, 1, 1, tzinfo=UTC)),
        ("timestamp-year-9999", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("array-empty", []),
        ("array-16", list(range(16))),
        ("array-1023-ints", list(range(-500, 523))),
        ("array-1024-ints-in-buffer", list(range(-(2**40), -(2**40) + 1024))),
        ("array-1024-floats-in-buffer", [0.5, -0.0, math.inf, 1e300] * 256),
        ("array-1024-bools-in-buffer", [True, False, False, True] * 256),
        ("array-1024-mixed", [1, 2.0] * 512),
        ("map-empty", {}),
        ("map", {"z": 1, "a": [None, {"b": 2.5}], 7: "seven", -1: b"x", "7": "text"}),
        ("map-16", {str(index): index for index in range(16)}),
        ("deep-256", _deep(256)),
        ("ref", Reference(OBJECT_REF.pack(*_REF))),
        ("handle", Handle(_HANDLE.encode())),
        ("references-inside", {"r": [Reference(OBJECT_REF.pack(*_REF))], "h": Handle(_HANDLE.encode())}),
    )
    for number in (0, 1, 127, 128, 255, 256, 65535, 65536, 2**31, 2**32 - 1, 2**32, 2**63 - 1):
        yield f"int-{number}", number
    for number in (-1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**63)):
        yield f"int-minus-{-number}", number
    yield "tensors-inside", {"w": [np.arange(6, dtype="f4").reshape(2, 3)], "empty": np.zeros((0, 2), "i2")}


def _deep(depth: int) -> Any:
    value: Any = []
    for level in range(depth - 1):
        value = {"k": value} if level % 2 else [value]
    return value


def _values_that_say_their_type() -> Iterator[Case]:
    """Values as a language writes them that has more types of numbers than one (spec 3.6/10, 3.4/1)."""
    for name, data, value in (
        ("int8-form-5", "d005", 5),
        ("int16-form-5", "d10005", 5),
        ("int32-form-5", "d200000005", 5),
        ("int32-form-minus-5", "d2fffffffb", -5),
        ("int32-form-minus-200", "d2ffffff38", -200),
        ("int64-form-minus-100", "d3ffffffffffffff9c", -100),
        ("int64-form-minus-200", "d3ffffffffffffff38", -200),
        ("int64-form-minus-70000", "d3fffffffffffeee90", -70000),
        ("float32-form", "ca3fc00000", 1.5),
        ("str8-form", "d90178", "x"),
        ("str8-form-of-3-bytes", "d903e282ac", "€"),
        ("bin32-form", "c600000002" + "00ff", b"\0\xff"),
    ):
        encoded = Encoded(Encoding.PORTABLE, [bytes.fromhex(data)])
        yield _case(f"portable-{name}", encoded, from_python(value), exact=False)
    buffered = Encoded(Encoding.PORTABLE, [bytes.fromhex("c900000002" + "06" + "9101"), b"\xdd" * 4096])
    yield _case("portable-ext32-form", buffered, from_python(b"\xdd" * 4096), exact=False)
    array = np.arange(3, dtype="i4")
    header = ObjectHeader(Encoding.TENSOR, ElementType.INT32, False, (Span(128, 12),), (3,), True).encode()
    image = (len(header).to_bytes(8, "little") + header).ljust(128, b"\0") + array.tobytes()
    entry = {"encoding": "TENSOR", "layout": "IMAGE", "value": from_python(array), "contains": []}
    yield Case("values", "tensor-plain-array", image, entry, exact=False)


def _columns() -> pa.Table:
    return pa.table(
        {
            "id": pa.array([1, None, 3], pa.int64()),
            "small": pa.array([1, 2, 3], pa.int32()),
            "score": pa.array([0.5, None, -1.0], pa.float64()),
            "on": pa.array([True, None, False]),
            "name": pa.array(["a", None, "é€"]),
            "raw": pa.array([b"", b"\0\xff", None]),
            "at": pa.array([_NOON, None, _NOON], pa.timestamp("ns", "UTC")),
            "list": pa.array([[1, 2], [], None], pa.list_(pa.int64())),
            "city": pa.array(["x", "y", "x"]).dictionary_encode(),
        }
    )


def _value(name: str, value: Any) -> Case:
    encoded = encode_portable(value)
    exact = not any(isinstance(part, pa.Table | pa.RecordBatch) for part in _parts(value))
    return _case(name, encoded, from_python(value), exact)


def _parts(value: Any) -> Iterator[Any]:
    yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(part)


def _case(name: str, encoded: Encoded, form: Form, exact: bool = True) -> Case:
    layout, payload = inline_payload(encoded)
    contains = [to_neutral(messages.ObjectPublish(ref=ref))["ref"] for ref in encoded.contains]
    entry = {"encoding": Encoding(encoded.encoding).name, "layout": Layout(layout).name, "value": form}
    return Case("values", name, payload, {**entry, "contains": contains}, exact)


def _values() -> Iterator[Case]:
    for name, value in _portable_values():
        yield _value(f"portable-{name}", value)
    for element, dtype in portable_dtypes():
        array = np.array([[0, 1, 2], [1, 0, 100]]).astype(dtype)
        yield _value(f"tensor-{element.lower()}", array)
    yield from _values_that_say_their_type()
    yield _value("tensor-scalar", np.array(7, "i8"))
    yield _value("tensor-empty", np.zeros((2, 0, 3), "u2"))
    yield _value("arrow-table", _columns())
    yield _value("arrow-table-of-no-rows", _columns().slice(0, 0))
    yield _value("arrow-batch", _columns().to_batches()[0])
    yield _value("portable-arrow-inside", {"t": _columns(), "b": [_columns().to_batches()[0]]})
    for name, data in (("bytes", bytes(range(9))), ("bytes-empty", b"")):
        yield _case(name, Encoded(Encoding.BYTES, [data]), {"type": "bytes", "hex": data.hex()})
    record = messages.ErrorRecord(
        code=ErrorCode.TASK,
        language=1,
        pid=42,
        task=bytes(range(16)),
        message="division by zero",
        type_name="builtins.ZeroDivisionError",
        traceback="Traceback (most recent call last):\n",
        causes=(messages.ErrorCause("ValueError", "bad"),),
    )
    yield _case("error", Encoded(Encoding.ERROR, [record.encode()]), {"type": "error", "message": to_neutral(record)})
    pickled = [pickle.dumps({"a": 1}, 5), b"out of band"]
    for name, encoding, buffers in (
        ("python", Encoding.PYTHON, pickled[:1]),
        ("python-two-buffers", Encoding.PYTHON, pickled),
        ("java", Encoding.JAVA, [bytes.fromhex("aced000574000474657874")]),
    ):
        yield _case(
            name, Encoded(encoding, list(buffers)), {"type": "opaque", "buffers": [data.hex() for data in buffers]}
        )


def portable_dtypes() -> Iterator[tuple[str, str]]:
    from bowstring_wire.values.tensor import DTYPES

    return ((ElementType(element).name, dtype) for element, dtype in DTYPES.items())


# What readers must refuse -------------------------------------------------------------------------------------------


def _ext(code: int, data: str) -> bytes:
    return bytes([0xC7, len(data) // 2, code]) + bytes.fromhex(data)


def _image(header: ObjectHeader) -> bytes:
    data = header.encode()
    return (len(data).to_bytes(4, "little") + bytes(4) + data).ljust(256, b"\0")


def _refused() -> Iterator[Case]:
    uint64 = b"\xcf\x80" + bytes(7)
    for name, data in (
        ("nothing", b""),
        ("two-values", b"\xc0\xc0"),
        ("unused-head", b"\xc1"),
        ("array-cut-short", b"\x92\xc0"),
        ("array-of-4-billion", b"\xdd\xff\xff\xff\xff"),
        ("map-of-4-billion", b"\xdf\xff\xff\xff\xff"),
        ("bin-of-4-billion", b"\xc6\xff\xff\xff\xff"),
        ("str-no-utf8", b"\xa2\xff\xff"),
        ("str-surrogate", b"\xa3\xed\xa0\x80"),
        ("integer-beyond-int64", uint64),
        ("integer-beyond-int64-inside", b"\x91" + uint64),
        ("key-beyond-int64", b"\x81" + uint64 + b"\xc0"),
        ("key-twice", b"\x82\xa1a\xc0\xa1a\xc0"),
        ("key-twice-in-two-forms", b"\x82\x01\xc0\xd0\x01\xc0"),
        ("key-nil", b"\x81\xc0\xc0"),
        ("key-bool", b"\x81\xc3\xc0"),
        ("key-bin", b"\x81\xc4\x01a\xc0"),
        ("key-float", b"\x81\xcb" + bytes(8) + b"\xc0"),
        ("key-array", b"\x81\x90\xc0"),
        ("too-deep", b"\x91" * 257 + b"\xc0"),
        ("far-too-deep", b"\x91" * 20_000 + b"\xc0"),
        ("timestamp-of-11-bytes", _ext(0xFF, "00" * 11)),
        ("timestamp-of-a-billion-nanoseconds", _ext(0xFF, "3b9aca00" + "00" * 8)),
        ("extension-0", _ext(0, "00")),
        ("extension-7", _ext(7, "9101")),
        ("ref-of-39-bytes", _ext(1, "00" * 39)),
        ("handle-that-is-none", _ext(2, "00" * 40)),
        ("tensor-in-buffer-0", _ext(3, "930002" + "9101")),
        ("tensor-in-a-missing-buffer", _ext(3, "930102" + "9101")),
        ("tensor-without-shape", _ext(3, "920102")),
        ("table-in-a-missing-buffer", _ext(4, "9201c2")),
        ("long-list-in-a-missing-buffer", _ext(5, "920105")),
        ("bytes-in-a-missing-buffer", _ext(6, "9101")),
    ):
        yield _refusal(f"portable-{name}", Encoding.PORTABLE, Layout.COMPACT, data)
    for name, tree, buffer in (
        ("tensor-of-another-size", _ext(3, "930102" + "9109"), bytes(8)),
        ("tensor-of-negative-size", _ext(3, "930102" + "91f8"), bytes(8)),
        ("tensor-of-unknown-type", _ext(3, "930163" + "9108"), bytes(8)),
        ("table-that-is-none", _ext(4, "9201c2"), bytes(8)),
        ("long-list-of-int8", _ext(5, "920102"), bytes(8)),
        ("long-list-of-odd-length", _ext(5, "920105"), bytes(9)),
    ):
        image = inline_payload(Encoded(Encoding.PORTABLE, [tree, buffer]))[1]
        yield _refusal(f"portable-{name}", Encoding.PORTABLE, Layout.IMAGE, image)
    for name, spans in (
        ("no-buffers", ()),
        ("buffer-not-aligned", (Span(129, 1),)),
        ("buffer-over-the-header", (Span(0, 1),)),
        ("buffer-beyond-the-end", (Span(192, 65),)),
        ("buffer-beyond-64-bits", (Span(2**64 - 64, 64),)),
        ("buffers-overlapping", (Span(128, 65), Span(128, 1))),
        ("buffers-out-of-order", (Span(192, 1), Span(128, 1))),
    ):
        image = _image(ObjectHeader(Encoding.PORTABLE, buffers=spans))
        yield _refusal(f"image-{name}", Encoding.PORTABLE, Layout.IMAGE, image)
    image = _image(ObjectHeader(Encoding.JAVA, buffers=(Span(128, 1),)))
    yield _refusal("image-of-another-encoding", Encoding.PORTABLE, Layout.IMAGE, image)
    yield _refusal("image-shorter-than-its-prefix", Encoding.PORTABLE, Layout.IMAGE, bytes(7))
    yield _refusal("image-of-zeros", Encoding.PORTABLE, Layout.IMAGE, bytes(64))
    for name, element, shape, size in (
        ("unknown-type", 99, (8,), 8),
        ("another-size", ElementType.INT16, (8,), 8),
        ("negative-size", ElementType.INT8, (-2, -4), 8),
        ("absurd-size", ElementType.INT8, (2**62, 2**62), 8),
    ):
        image = inline_payload(Encoded(Encoding.TENSOR, [bytes(size)], element, shape))[1]
        yield _refusal(f"tensor-of-{name}", Encoding.TENSOR, Layout.IMAGE, image)
    yield _refusal("tensor-compact", Encoding.TENSOR, Layout.COMPACT, bytes(8))
    image = inline_payload(Encoded(Encoding.ARROW, [b"\xff" * 16]))[1]
    yield _refusal("arrow-no-stream", Encoding.ARROW, Layout.IMAGE, image)


def _refusal(name: str, encoding: int, layout: int, data: bytes) -> Case:
    return Case("refused", name, data, {"encoding": Encoding(encoding).name, "layout": Layout(layout).name})


def cases() -> list[Case]:
    """Every golden case, in the manifest's order."""
    use_stand_ins()
    return [*_messages(), *_frames(), *_values(), *_refused()]
