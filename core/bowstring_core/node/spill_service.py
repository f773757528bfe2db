"""Values between memory and disk: the performer of what `residence` decides (spec 3.13)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bowstring_core import limits
from bowstring_core.machine import extents, residence
from bowstring_core.machine.extents import Extent
from bowstring_core.machine.residence import Copy, ResidenceTable, Value
from bowstring_core.node import loop as loops
from bowstring_core.store.archives import Archive, DiskFullError, DiskThread, Stored, default_folder
from bowstring_wire.messages import SpanKind, TaskEvents, TaskSpan

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

_NO_TASK = bytes(16)


class _Stretch:
    """How long a disk was at work, noted by its thread for the timeline."""

    __slots__ = ("_began", "start_ns", "took_ns")

    def __enter__(self) -> None:
        self.start_ns, self._began = time.time_ns(), time.perf_counter_ns()

    def __exit__(self, *_: object) -> None:
        self.took_ns = time.perf_counter_ns() - self._began


class SpillService:
    """Writes, reads and frees copies on disk, off the loop.

    Args:
        node: The node.
        folder: Where archives go; empty: the session's folder, or a disk if that is in memory.
        disk_bytes_max: Bytes that may be there; None: what the disk takes; 0: nothing.
        inline_bytes_max: Bytes of payloads that the node holds in memory itself.
    """

    def __init__(self, node: Node, folder: str, disk_bytes_max: int | None, inline_bytes_max: int) -> None:
        self._node, self._folder = node, folder
        self.table = ResidenceTable(disk_bytes_max, inline_bytes_max)
        self._archives: dict[int, Archive] = {}
        self._live: dict[int, int] = {}  # values in each archive
        self._next_archive = 1
        self._reading: dict[int, Value] = {}  # that wait for an extent, by request
        self._next_request = 1
        self._wake = -1
        self._writer = DiskThread("bowstring-spill", self._done)
        self._reader = DiskThread("bowstring-restore", self._done)

    def perform(self, effect: residence.Effect) -> None:
        """Carry out what the residence decided."""
        match effect:
            case residence.Write():
                self._write(effect.values, effect.for_reading)
            case residence.Read():
                self._read(effect.value)
            case residence.FreeCopy():
                self._free(effect.copy)
            case residence.FreeExtent():
                self._node.store.free(effect.extent)

    def _perform_all(self, effects: Iterable[residence.Effect]) -> None:
        for effect in effects:
            self.perform(effect)

    # The threads ------------------------------------------------------------------------------------------------------

    def _thread(self, thread: DiskThread) -> DiskThread:
        if self._wake < 0:
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._node.loop.watch(self._wake, loops.READ, self._on_done)
        return thread

    def _done(self) -> None:
        os.eventfd_write(self._wake, 1)

    def _on_done(self, events: int) -> None:
        os.eventfd_read(self._wake)
        self._writer.collect()
        self._reader.collect()

    # Writing ----------------------------------------------------------------------------------------------------------

    def _write(self, values: Sequence[Value], for_reading: bool) -> None:
        margin = 0 if for_reading else limits.DISK_MARGIN_BYTES
        files = self._node.store.files
        pieces: list[Stored | bytes] = []
        for value in values:
            if value.payload is not None:
                pieces.append(value.payload[: value.length])
            else:
                pieces.append(Stored(files[value.segment].fd, value.offset, value.length))

        stretch = _Stretch()

        def job() -> tuple[Archive, list[int]]:
            with stretch:
                return write()

        def write() -> tuple[Archive, list[int]]:
            if not self._folder:
                self._folder = default_folder(self._node.session.path)
            archive = Archive(self._folder)
            try:
                return archive, archive.write(pieces, margin)
            except BaseException:
                archive.close()
                raise

        def then(result: tuple[Archive, list[int]] | Exception) -> None:
            if not isinstance(result, Exception):
                self._tell(SpanKind.SPILL, stretch, values)
            self._written(values, result)

        self._thread(self._writer).call(job, then)

    def _tell(self, kind: SpanKind, stretch: _Stretch, values: Sequence[Value]) -> None:
        """Put what a disk has done into the log from which the timeline is made."""
        size = sum(value.length for value in values)
        span = TaskSpan(_NO_TASK, stretch.start_ns, stretch.took_ns, size, kind, 0, 0, len(values))
        node = self._node
        node.state.tasks.append(os.getpid(), node.node_id, TaskEvents(spans=(span,)).encode())

    def _written(self, values: Sequence[Value], result: tuple[Archive, list[int]] | Exception) -> None:
        if isinstance(result, Exception):
            self._node.log(f"{len(values)} values could not be written to disk: {result}")
            message = str(result)
            if not isinstance(result, DiskFullError):
                message = f"values could not be written to disk in {self._folder}: {message}"
            self._perform_all(self.table.not_written(values))
            self._node.store.disk_refused(message)
            return
        archive, offsets = result
        number, self._next_archive = self._next_archive, self._next_archive + 1
        self._archives[number] = archive
        self._live[number] = len(values)
        copies = [Copy(number, offset, value.length) for value, offset in zip(values, offsets, strict=True)]
        self._perform_all(self.table.written(values, copies))
        self._node.store.retry()

    def _free(self, copy: Copy) -> None:
        self._live[copy.archive] -= 1
        archive = self._archives[copy.archive]
        if self._live[copy.archive]:
            self._thread(self._writer).call(lambda: archive.free(copy.offset, copy.length), lambda result: None)
            return
        del self._live[copy.archive], self._archives[copy.archive]
        # Behind the giving back of its parts; nobody reads it, or its copies would not be free.
        self._thread(self._writer).call(archive.close, lambda result: None)

    # Reading ----------------------------------------------------------------------------------------------------------

    def _read(self, value: Value) -> None:
        copy = value.copy
        assert copy is not None
        archive = self._archives[copy.archive]
        if not value.inline:
            request, self._next_request = self._next_request, self._next_request + 1
            self._reading[request] = value
            self._node.store.allocate(extents.HOME, request, value.length, False)
            return

        stretch = _Stretch()

        def job() -> bytes:
            payload = bytearray(copy.length)
            with stretch:
                archive.read_into(copy.offset, memoryview(payload))
            return bytes(payload)

        def then(result: bytes | Exception) -> None:
            if isinstance(result, Exception):
                self._failed(value, "OBJECT_LOST", f"the value could not be read from disk: {result}")
                return
            self._tell(SpanKind.RESTORE, stretch, (value,))
            effects = self.table.read(value, payload=result)
            self._restored(value, effects)
            self._perform_all(self.table.shrink_inline())

        self._thread(self._reader).call(job, then)

    def granted(self, request: int, extent: Extent) -> None:
        """There is room for a value that is on disk."""
        value = self._reading.pop(request)
        copy = value.copy
        store = self._node.store
        if value.dropped or copy is None:
            store.perform(store.table.returned(extents.HOME, extent.extent))
            self._perform_all(self.table.not_read(value))
            self._node.objects.perform(self._node.objects.directory.restored(value))
            return
        archive = self._archives[copy.archive]
        target = store.files[extent.segment.segment].view(extent.offset, value.length)

        stretch = _Stretch()

        def job() -> None:
            with target, stretch:
                archive.read_into(copy.offset, target)

        def then(result: Exception | None) -> None:
            number, segment = extent.extent, extent.segment.segment
            if result is not None:
                store.perform(store.table.returned(extents.HOME, number))
                self._failed(value, "OBJECT_LOST", f"the value could not be read from disk: {result}")
                return
            self._tell(SpanKind.RESTORE, stretch, (value,))
            store.table.seal(extents.HOME, number, segment, extent.offset, value.length)
            effects = self.table.read(value, segment=segment, offset=extent.offset, extent=number)
            self._restored(value, effects)

        self._thread(self._reader).call(job, then)

    def _restored(self, value: Value, effects: list[residence.Effect]) -> None:
        self._node.objects.perform(self._node.objects.directory.restored(value))
        self._perform_all(effects)

    def refused(self, request: int, code: str, message: str) -> None:
        """There is no room for a value that is on disk."""
        self._failed(self._reading.pop(request), code, message)

    def _failed(self, value: Value, code: str, message: str) -> None:
        self._perform_all(self.table.not_read(value))
        self._node.objects.perform(self._node.objects.directory.not_restored(value, code, message))

    def close(self) -> None:
        """Give the disk back."""
        self._writer.close()
        self._reader.close()
        for archive in self._archives.values():
            archive.close()
        self._archives.clear()
