"""Python's decoders, each as a function of bytes that any fuzzer can call: what it holds must hold for all bytes.

A target decodes its input and answers with a `Verdict`: REFUSED, if the decoder raised the one error that the spec
allows it; else canonical bytes of what was read, for comparison with what Java makes of the same input (`comparison`).
Whatever else is raised is a finding: another error, or a Finding if what was read is not what is read again from what
was written.

The first bytes of an input are for the target itself (which table, which encoding, how the bytes arrive), so that one
string of bytes is a whole case and a corpus can be handed from one language to the other.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from bowstring.errors import BowstringError, exception_from_record
from bowstring_wire import hot, messages
from bowstring_wire.flat import Message
from bowstring_wire.messages import Encoding, ErrorRecord, Language, Layout
from bowstring_wire.protocol import FrameParser, ProtocolError
from bowstring_wire.values import encode_portable, inline_payload
from bowstring_wire.values.arrow import arrow_from, encode_arrow
from bowstring_wire.values.errors import CrossLanguageError
from bowstring_wire.values.payload import read_payload
from bowstring_wire.values.portable import decode_portable
from conformance.fuzz.sameness import same
from conformance.golden.cases import use_stand_ins
from conformance.golden.specimens import present

Verdict = bytes | None
REFUSED: Verdict = None
# An input that says nothing about the decoder: its first bytes name nothing.
PASSED_OVER = b""
TAG_BYTES = 4
ROWS_LOOKED_AT_MAX = 1_000_000  # a column of nulls has as many as it says, and takes no bytes

_ENCODINGS = (Encoding.ARROW, Encoding.TENSOR, Encoding.BYTES, Encoding.PORTABLE)


class Finding(AssertionError):
    """A decoder read something, and what it then did with it breaks the spec."""


def tag_of(table: str) -> bytes:
    """The four bytes that name a table in an input; they stay when the schema grows."""
    return zlib.crc32(table.encode()).to_bytes(TAG_BYTES, "little")


TABLES: dict[bytes, type[Message]] = {
    tag_of(name): kind
    for name, kind in sorted(vars(messages).items())
    if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
}


def frames(data: bytes) -> Verdict:
    """A stream of bytes, cut into frames: however the bytes arrive, the same frames come, and then the same error.

    Input: a byte (its lowest bit: whether the handshake is done; the rest: in how large pieces the bytes arrive); the
    stream. Never refused as a whole: the verdict says what was cut off, and whether an error followed.
    """
    if not data:
        return PASSED_OVER
    handshake_done, step, stream = bool(data[0] & 1), (data[0] >> 1) + 1, data[1:]
    whole, pieces = _cut(stream, handshake_done, len(stream) or 1), _cut(stream, handshake_done, step)
    if whole != pieces:
        raise Finding(f"in pieces of {step} bytes {len(stream)} bytes are other frames than as a whole")
    return whole


def _cut(stream: bytes, handshake_done: bool, step: int) -> bytes:
    parser = FrameParser(handshake_done)
    out = bytearray()
    try:
        for at in range(0, len(stream), step):
            for kind, metadata, body in parser.feed(stream[at : at + step]):
                out += b"F" + kind.to_bytes(2, "little") + len(metadata).to_bytes(4, "little")
                out += len(body).to_bytes(4, "little") + metadata + body
    except ProtocolError:
        return bytes(out + b"E")
    return bytes(out + b".")


def a_message(data: bytes) -> Verdict:
    """Metadata of any table, in any layout.

    Input: four bytes that name the table (`tag_of`); the metadata. Verdict: the message in the canonical layout.
    """
    kind = TABLES.get(data[:TAG_BYTES])
    if kind is None:
        return PASSED_OVER
    metadata = data[TAG_BYTES:]
    try:
        message = kind.decode(metadata)
    except ProtocolError:
        _short_cuts(kind, metadata, None)
        return REFUSED
    _short_cuts(kind, metadata, message)
    canonical = message.encode()
    if present(kind.decode(canonical)) != present(message):
        raise Finding(f"{kind.__name__} reads otherwise from its canonical layout than before")
    if kind.decode(canonical).encode() != canonical:
        raise Finding(f"{kind.__name__} has two canonical layouts")
    _short_cuts(kind, canonical, message)
    return canonical


def _short_cuts(kind: type[Message], metadata: bytes, message: Any) -> None:
    """What the codec of the hot frames reads must be what the general one reads."""
    if kind is messages.Task:
        found: Any = hot.single_task(metadata)
    elif kind is messages.Result:
        fields = hot.single_result(metadata)
        if fields is None:
            return
        found = messages.Result(*fields[1:5], returns=(messages.Return._make(fields[8:]),))
    else:
        return
    if found is not None and found != message:
        raise Finding(f"the short cut read {found!r}, and the codec {message!r}")


def a_value(data: bytes) -> Verdict:
    """A payload of any encoding that every language reads, but for errors, in either layout.

    Input: a byte (its lowest bit: the layout; the rest: which encoding); the payload. Verdict: encoding, layout and
    payload of the value as Python writes it again.
    """
    if not data:
        return PASSED_OVER
    encoding = _ENCODINGS[(data[0] >> 1) % len(_ENCODINGS)]
    layout = Layout.IMAGE if data[0] & 1 else Layout.COMPACT
    try:
        payload = read_payload(encoding, layout, data[1:])
        value = decode_portable(payload)
    except CrossLanguageError:
        return PASSED_OVER  # the value is one; Python's own types can't say it
    except ProtocolError:
        return REFUSED
    if not is_sound(value):
        return PASSED_OVER
    try:
        encoded = encode_portable(bytes(value) if encoding == Encoding.BYTES else value)
    except CrossLanguageError:
        if not _has_tables(value):
            raise
        return PASSED_OVER  # Arrow reads more elements of a list than it writes
    layout, written = inline_payload(encoded)
    again = decode_portable(read_payload(encoded.encoding, layout, written))
    if not same(value, again):
        raise Finding(f"{value!r} was written as what reads as {again!r}")
    return _written(encoded.encoding, layout, written)


def _written(encoding: int, layout: int, payload: bytes) -> bytes:
    return bytes((encoding, layout)) + payload


def is_sound(value: Any) -> bool:
    """Whether all tables in a value can be looked into.

    An Arrow stream is read in place, so that its offsets are known to be right only to who looks at each: `get` does
    not, and a peer that breaks them breaks the process that uses the column, in every implementation of Arrow.
    """
    if isinstance(value, (pa.Table, pa.RecordBatch)):
        if value.num_rows > ROWS_LOOKED_AT_MAX:
            return False
        try:
            value.validate(full=True)
        except (pa.ArrowException, ValueError):
            return False
    elif isinstance(value, dict):
        return all(map(is_sound, value.values()))
    elif isinstance(value, list):
        return all(map(is_sound, value))
    return True


def _has_tables(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_tables, value.values()))
    return isinstance(value, (pa.Table, pa.RecordBatch)) or (isinstance(value, list) and any(map(_has_tables, value)))


def arrow(data: bytes) -> Verdict:
    """An Arrow stream.

    Input: a byte (its lowest bit: a record batch instead of a table); the stream. Verdict: as of `a_value`.
    """
    if not data:
        return PASSED_OVER
    try:
        value = arrow_from(memoryview(data)[1:], bool(data[0] & 1))
    except ProtocolError:
        return REFUSED
    if not is_sound(value):
        return PASSED_OVER
    try:
        encoded = encode_arrow(value)
    except pa.ArrowException:
        return PASSED_OVER  # more elements of a list than Arrow writes
    layout, written = inline_payload(encoded)
    again = decode_portable(read_payload(encoded.encoding, layout, written))
    if not same(value, again):
        raise Finding(f"a table of {value.schema} was written as what reads as {again.schema}")
    return _written(encoded.encoding, layout, written)


def an_error(data: bytes) -> Verdict:
    """An error record, and the exception that is raised for it.

    Input: the record's metadata. Its native form is never unpickled here: to run what it says is what a pickle is for.
    """
    try:
        record = ErrorRecord.decode(data)
    except ProtocolError:
        return REFUSED
    canonical = record.encode()
    record.native = b"" if record.language != Language.PYTHON or not record.native else b"\x80\x05broken"
    error = exception_from_record(record)
    if not isinstance(error, BowstringError):
        raise Finding(f"an error record became {error!r}")
    str(error)
    return canonical


TARGETS: dict[str, Callable[[bytes], Verdict]] = {
    "frames": frames,
    "messages": a_message,
    "values": a_value,
    "arrow": arrow,
    "errors": an_error,
}


def prepare() -> None:
    """Let values hold references and actor handles without a runtime."""
    use_stand_ins()
