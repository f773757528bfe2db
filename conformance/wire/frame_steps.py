"""Steps that send frames: whole ones, several with one write, broken ones."""

from __future__ import annotations

from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType
from bowstring_wire.protocol import MARK, PREFIX, frame
from bowstring_wire.values.payload import inline_payload
from bowstring_wire.values.portable import encode_portable
from conformance.languages.python.notation import make
from conformance.wire import notation
from conformance.wire.conversation import Conversation
from tests.process.core.wire_client import TYPE_NUMBERS


class FrameSteps(Conversation):
    """Frames of every type but Task, from their fields."""

    def frame_of(self, step: dict[str, Any]) -> bytes:
        """The frame that a step stands for inside of another step."""
        return self._encoded(step)

    def _encoded(self, step: dict[str, Any]) -> bytes:
        table = step["send"]
        made: Any = notation.message(table, step.get("fields", {}), self.names)
        if "request" in made.__slots__ and "request" not in step.get("fields", {}):
            made.request = self.client.request()
        if step.get("as"):
            self.names[step["as"]] = made.request
        kind = step.get("type", TYPE_NUMBERS[type(made)])
        return frame(kind, made.encode(), self._body(step))

    @staticmethod
    def _body(step: dict[str, Any]) -> bytes:
        if "body_hex" in step:
            return bytes.fromhex(step["body_hex"])
        if "body" in step:
            _, payload = inline_payload(encode_portable(make(step["body"])))
            return payload
        if "body_text" in step:
            return str(step["body_text"]).encode()
        return b""

    def do_send(self, step: dict[str, Any]) -> None:
        """Send one frame."""
        self.client.sock.sendall(self._encoded(step) * step.get("times", 1))

    def do_together(self, step: dict[str, Any]) -> None:
        """Send several frames with one write."""
        self.client.sock.sendall(b"".join(self.frame_of(part) for part in step["together"]))

    def do_bytes(self, step: dict[str, Any]) -> None:
        """Send bytes as they are."""
        try:
            self.client.sock.sendall(bytes.fromhex(step["bytes"]))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def do_prefix(self, step: dict[str, Any]) -> None:
        """Send a prefix, and behind it as many zero bytes as ``zeros`` says."""
        facts = step["prefix"]
        kind = facts["type"]
        prefix = PREFIX.pack(
            facts.get("metadata", 16),
            int(FrameType[kind]) if isinstance(kind, str) else kind,
            facts.get("flags", 0),
            facts.get("mark", MARK),
            facts.get("body", 0),
        )
        try:
            self.client.sock.sendall(prefix + bytes(step.get("zeros", 0)))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def do_drip(self, step: dict[str, Any]) -> None:
        """Send frames that are skipped, so many bytes at a time."""
        data = frame(0x9000, m.Ack(1).encode(), bytes(8)) * 2
        for at in range(0, len(data), step["drip"]):
            self.client.sock.sendall(data[at : at + step["drip"]])

    def do_widened(self, step: dict[str, Any]) -> None:
        """Send a frame as a later version may write it: its table's vtable has two fields more."""
        data = self.frame_of(step["widened"])
        kind, metadata_length = int.from_bytes(data[4:6], "little"), int.from_bytes(data[:4], "little")
        metadata, body = bytearray(data[16 : 16 + metadata_length]), data[16 + metadata_length :]
        size = int.from_bytes(metadata[8:10], "little")
        table = int.from_bytes(metadata[:4], "little")
        vtable = (size + 4).to_bytes(2, "little") + metadata[10 : 8 + size] + (4).to_bytes(2, "little") * 2
        metadata[table : table + 4] = (table - len(metadata)).to_bytes(4, "little", signed=True)
        metadata += vtable + bytes(-len(vtable) % 8)
        self.client.sock.sendall(frame(kind, bytes(metadata), body))

    def do_damaged(self, step: dict[str, Any]) -> None:
        """Send a frame in which bytes are replaced by ``hex``, from ``at`` on: in the metadata, or from ``text`` on."""
        part = step["damaged"]
        data = bytearray(self.frame_of(part))
        at = data.index(step["text"].encode()) if "text" in step else 16
        at, new = at + step["at"], bytes.fromhex(step["hex"])
        data[at : at + len(new)] = new
        self.client.sock.sendall(bytes(data))
