"""Steps of a caller: tasks and calls sent to a worker, and what they come to."""

from __future__ import annotations

import time
from typing import Any

import msgpack

from bowstring_wire import messages as m
from bowstring_wire.messages import Encoding, FrameType, Language, Layout
from bowstring_wire.protocol import frame
from bowstring_wire.values.payload import inline_payload
from bowstring_wire.values.portable import encode_portable
from conformance.languages.python.notation import difference as value_difference
from conformance.languages.python.notation import make
from conformance.wire import notation
from conformance.wire.conversation import Mismatch, decoded
from conformance.wire.frame_steps import FrameSteps
from conformance.wire.store_steps import StoreSteps


class CallSteps(FrameSteps, StoreSteps):
    """A worker is asked to run functions of the library, and methods of its actor."""

    def frame_of(self, step: dict[str, Any]) -> bytes:
        return self._task(step) if "task" in step or "method" in step else self._encoded(step)

    def round_trip(self) -> None:
        """Ask something on the current connection, and take the answer: of a worker, what a task comes to."""
        if not self.is_worker or self.current == "node":
            super().round_trip()
            return
        probe = f"probe{time.monotonic_ns()}"
        self.do_task({"task": "echo", "args": [probe], "id": f"task:{probe}"})
        self.do_result({"result": probe, "of": f"$task:{probe}"})

    def _task(self, step: dict[str, Any]) -> bytes:
        """A call of the library's function, or of a method; ``fields`` replace what it says."""
        id_ = self.names[step.get("id", "task:task")]
        body = b""
        args = []
        for written in step.get("args", ()):
            if isinstance(written, dict) and "$ref" in written:
                object_ = self.names.resolve(written["$ref"])
                args.append(m.Arg(m.ArgKind.REF, 0, 0, 0, 0, 0, 0, object_, 0, self.process, self.names["node"]))
                continue
            if isinstance(written, dict) and "$path" in written:
                written = str(self.folder / written["$path"])
            if isinstance(written, str):
                written = self.names.resolve(written)
            if isinstance(written, dict) and "$refs" in written:
                layout, payload = Layout.COMPACT, self._list_of_references(written["$refs"])
            elif isinstance(written, dict) and "$letters" in written:
                layout, payload = inline_payload(encode_portable("x" * written["$letters"]))
            else:
                layout, payload = inline_payload(encode_portable(make(written)))
            args.append(
                m.Arg(m.ArgKind.VALUE, Encoding.PORTABLE, layout, 0, len(body), len(payload), 0, bytes(20), 0, 0, 0)
            )
            body += payload + bytes(-len(payload) % 8)
        task: Any = m.Task(id_, owner=self.process, home=self.names["node"], args=tuple(args), num_returns=1)
        task.caller_language = Language.OTHER
        if "method" in step:
            task.method, task.flags, task.actor = step["method"], m.TaskFlag.METHOD, self.names["actor"]
            task.function, task.epoch = self.names["class"], self.names["incarnation"]
            for name, value in self.actors.get(self.current, {}).items():
                setattr(task, name, value)
        else:
            task.function, task.epoch = self.key(step["task"]), self.names["epoch"]
        for name, value in self._fields("Task", step.get("fields", {})).items():
            setattr(task, name, value)
        return frame(FrameType.TASK, task.encode(), body)

    def _list_of_references(self, names: list[str]) -> bytes:
        """A portable list of references to objects of this process."""
        packer = msgpack.Packer()
        refs = [m.ObjectRef(self.names.resolve(name), 0, self.process, self.names["node"]) for name in names]
        return packer.pack([msgpack.ExtType(1, m.OBJECT_REF.pack(*ref)) for ref in refs])

    def do_task(self, step: dict[str, Any]) -> None:
        """Send a Task that names a function of the library."""
        self.client.sock.sendall(self._task(step) * step.get("times", 1))

    def do_task_bytes(self, step: dict[str, Any]) -> None:
        """Send a Task with one argument whose payload is as it is written."""
        payload = bytes.fromhex(step["hex"])
        arg = {
            "kind": "VALUE",
            "encoding": step.get("encoding", "PORTABLE"),
            "layout": step.get("layout", "COMPACT"),
            "length": len(payload),
            "reserved": step.get("reserved", 0),
            "flags": step.get("reserved", 0),
        }
        part = {"id": step.get("id", "task:task"), "fields": {"args": [arg]}}
        whole = self._task({"task": step["task_bytes"], **part})
        metadata = whole[16:]
        self.client.sock.sendall(frame(FrameType.TASK, metadata, payload))

    def do_call(self, step: dict[str, Any]) -> None:
        """Send a Task that names a method of the actor."""
        self.client.sock.sendall(self._task({**step, "method": step["call"]}))

    def do_until_back(self, step: dict[str, Any]) -> None:
        """Send a call, which comes back because the worker waits; then it has taken what was sent before."""
        id_ = f"task:back{time.monotonic_ns()}"
        self.do_task({"task": step["until_back"], "args": [0], "id": id_})
        self.do_expect({"expect": "Returned", "fields": {"id": f"${id_}"}})

    def do_result(self, step: dict[str, Any]) -> None:
        """A Result of a task comes; with a value, or with ``error``."""
        wanted = self.names.resolve(step.get("of", "$task:task"))
        message, body = self._receive("Result", step)
        others = []
        while message.id != wanted:
            if step.get("next"):
                raise Mismatch(f"{message} is of another task than {wanted.hex()}")
            others.append((message, body))
            message, body = self._receive("Result", step)
        self.client._frames[:0] = others
        fields = notation.difference(message, step.get("fields", {}), self.names)
        if fields:
            raise Mismatch(f"{message}: {fields}")
        if "error_of" in step:
            if message.returns[0].encoding != m.Encoding.ERROR:
                raise Mismatch(f"{message} is no error")
            return
        if "error" in step:
            for entry in message.returns:
                if entry.encoding != m.Encoding.ERROR:
                    raise Mismatch(f"{message} is no error")
                record = m.ErrorRecord.decode(body[entry.offset : entry.offset + entry.length])
                self._check_error(record, step["error"], step)
            return
        if step["result"] is None and "of" not in step and not message.returns:
            return
        expected = step["results"] if "results" in step else [step["result"]]
        if len(message.returns) != len(expected):
            raise Mismatch(f"{message} has not {len(expected)} results")
        for entry, written in zip(message.returns, expected, strict=True):
            payload = body[entry.offset : entry.offset + entry.length]
            if entry.encoding == m.Encoding.ERROR:
                raise Mismatch(f"the error {m.ErrorRecord.decode(payload)}")
            found = value_difference(decoded(entry.encoding, entry.layout, payload), written)
            if found:
                raise Mismatch(found)

    def do_error(self, step: dict[str, Any]) -> None:
        """The record of the error that a task comes to: how many causes it names, and how long its texts are."""
        message, body = self._receive("Result", step)
        entry = message.returns[0]
        if "entries" in step and message.returns != (entry,) * step["entries"]:
            raise Mismatch(f"it has {len(message.returns)} entries, or they differ: {message.returns[:3]}")
        if message.id != self.names.resolve(step["error"]) or message.status != m.TaskStatus.ERROR:
            raise Mismatch(f"{message} is no error of {step['error']}")
        if entry.state == m.ValueState.STORED:
            image = self.image(message.id + bytes(4))[1]
            span = m.ObjectHeader.decode(image[8 : 8 + int.from_bytes(image[:4], "little")]).buffers[0]
            payload = image[span.offset : span.offset + span.length]
        else:
            payload = body[entry.offset : entry.offset + entry.length]
        record = m.ErrorRecord.decode(payload)
        if len(record.causes) != self.names.resolve(step["causes"]):
            raise Mismatch(f"it has {len(record.causes)} causes")
        for name in ("message", "traceback"):
            size = len(getattr(record, name).encode())
            if size > step["bytes_max"]:
                raise Mismatch(f"its {name} has {size} bytes")
        if self.names.resolve(step["says"]) not in record.message:
            raise Mismatch(f"its message ends with {record.message[-200:]!r}")

    def do_item(self, step: dict[str, Any]) -> None:
        """A StreamItem comes."""
        message, body = self._receive("StreamItem", step)
        found = notation.difference(message, step.get("fields", {}), self.names)
        if found:
            raise Mismatch(f"{message}: {found}")
        entry = message.value
        payload = body[entry.offset : entry.offset + entry.length]
        difference = value_difference(decoded(entry.encoding, entry.layout, payload), step["item"])
        if difference:
            raise Mismatch(difference)

    def do_flood(self, step: dict[str, Any]) -> None:
        """Send many calls with large values and read no answer before the last is written; then all of them."""
        value = {"$pattern": step["size"]}
        count = step["flood"]
        for number in range(count):
            self.do_task({"task": "echo", "args": [value], "id": f"task:flood{number}"})
        for number in range(count):
            self.do_result({"result": value, "of": f"$task:flood{number}"})
