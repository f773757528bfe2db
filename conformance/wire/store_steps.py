"""Steps about shared memory."""

from __future__ import annotations

import mmap
import os
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import Encoding, Language, Layout
from conformance.languages.python.notation import difference, make
from conformance.wire.conversation import WITHIN_S, Conversation, Mismatch, decoded
from conformance.wire.image import image_of


class StoreSteps(Conversation):
    """Files of segments are opened and mapped as a frontend would."""

    def do_seal(self, step: dict[str, Any]) -> None:
        """Write a portable value as an image in the memory that was granted last, and seal it as an object.

        The image lies so many bytes behind the start of the extent as `at` says.
        """
        offset = self.names["offset"] + step.get("at", 0)
        image = image_of(make(step["value"]))
        segment = self.names["segment"]
        if segment not in self.client.mapped:  # it can be mapped for writing once
            fd = os.open(self.names["path"], os.O_RDWR)
            self.client.mapped[segment] = mmap.mmap(fd, self.names["segment_length"])
            os.close(fd)
            self.client.send(m.SegmentMapped(segment))
        self.client.mapped[segment][offset : offset + len(image)] = image
        ref = m.ObjectRef(self.names.resolve(step["seal"]), 0, self.process, self.names["node"])
        location = m.Location(segment, 0, offset, len(image))
        self.client.send(m.ObjectSeal(ref, location, self.names["extent"], Encoding.PORTABLE))

    def do_granted(self, step: dict[str, Any]) -> None:
        """Memory is asked for and granted; `where` says whether at the place that was granted last, or another one."""
        self.client.send(m.ExtentAllocate(self.client.request(), step["granted"], step.get("slab", False)))
        grant: Any = self.client.expect(m.ExtentGrant, WITHIN_S)
        before = (self.names.get("segment"), self.names.get("offset"))
        now = (grant.segment, grant.offset)
        if "where" in step and (before == now) != (step["where"] == "there again"):
            raise Mismatch(f"it is granted at {now}, and was at {before}")
        if step.get("where") != "elsewhere":
            self.names["path"] = grant.segment_path or self.names["path"]
            for name in ("extent", "segment", "offset", "segment_length"):
                self.names[name] = getattr(grant, name)

    def do_stored(self, step: dict[str, Any]) -> None:
        """The node has an object's value as an image in the store, and pins it: until now, or as what `as` names."""
        value, image = self.image(self.names.resolve(step["stored"]), keep="as" in step)
        self._check_image(value, image, step["value"])
        if "as" in step:
            self.names[step["as"]] = value.pin

    def image(self, object_: bytes, keep: bool = False) -> tuple[Any, bytes]:
        """How the node tells of an object in the store, and its bytes."""
        client = self.clients["node"] if self.is_worker else self.client
        ref = m.ObjectRef(object_, 0, self.process, self.names["node"])
        client.send(m.ObjectGet(client.request(), ref, m.GetMode.VALUE, Language.OTHER))
        value: Any = client.expect(m.ObjectValue, WITHIN_S)
        if value.state != m.ValueState.STORED or not value.pin or value.location.offset % 64:
            raise Mismatch(f"{value} is no image in the store with a pin")
        fd = os.open(value.segment_path, os.O_RDONLY)
        with mmap.mmap(fd, value.segment_length, prot=mmap.PROT_READ) as mapped:
            image = mapped[value.location.offset : value.location.offset + value.location.length]
        os.close(fd)
        if not keep:
            client.send(m.ObjectUnpin((value.pin,)))
        return value, image

    @staticmethod
    def _check_image(value: Any, image: bytes, written: Any) -> None:
        header = m.ObjectHeader.decode(image[8 : 8 + int.from_bytes(image[:4], "little")])
        if any(span.offset % 64 for span in header.buffers):
            raise Mismatch(f"a buffer of {header} is not aligned")
        found = difference(decoded(value.encoding, Layout.IMAGE, image), written)
        if found:
            raise Mismatch(found)

    def do_backed(self, step: dict[str, Any]) -> None:
        """The memory of the file takes no more room when it is written."""
        path, length = self.names.resolve(step["backed"]), step["length"]
        blocks = os.stat(path).st_blocks * 512
        if blocks < length:
            raise Mismatch(f"{blocks} bytes of {length} are backed")

    def do_writable(self, step: dict[str, Any]) -> None:
        """The file can be mapped for writing."""
        fd = os.open(self.names.resolve(step["writable"]), os.O_RDWR)
        try:
            mmap.mmap(fd, 4096).close()
        finally:
            os.close(fd)

    def do_not_writable(self, step: dict[str, Any]) -> None:
        """The file can be mapped for reading alone."""
        fd = os.open(self.names.resolve(step["not_writable"]), os.O_RDWR)
        try:
            mmap.mmap(fd, 4096, prot=mmap.PROT_READ).close()
            mmap.mmap(fd, 4096).close()
        except PermissionError:
            return
        finally:
            os.close(fd)
        raise Mismatch("it can be mapped for writing")
