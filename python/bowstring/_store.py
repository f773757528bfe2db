"""This process's side of the shared-memory store (spec 3.10 and 3.11).

Writing: an extent is asked of the node, mapped once per segment, filled, and sealed. Small images share slabs, so that
most puts cost no round trip. Reading: a segment is mapped once, read-only, and every view of an image holds its pin;
when the last view dies a weak reference's callback appends to a deque, and the reactor tells the node. (Not `__del__`:
while that runs another thread can still find the range, and would read memory that is being given up.)
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from bowstring.errors import ObjectStoreFullError
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType
from bowstring_wire.protocol import frame

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

SLAB_BYTES = 8 << 20  # one round trip serves dozens of small images
SLAB_IMAGE_BYTES_MAX = 1 << 20  # larger images get an extent of their own, so that no survivor holds a slab
SLAB_CLASSES = (256 << 10, SLAB_IMAGE_BYTES_MAX)  # images of one slab are of like size
MADV_POPULATE_WRITE = 23  # Linux 5.14; backs the mapping's pages in one call (3.8 against 1 GB/s by faults)

PIN, EXTENT = 1, 2


class Segment:
    """One mapped segment: the mapping and its address."""

    __slots__ = ("address", "length", "mapping", "number", "writable")

    def __init__(self, number: int, path: str, length: int, writable: bool) -> None:
        import numpy as np

        fd = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
        try:
            access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
            self.mapping = mmap.mmap(fd, length, mmap.MAP_SHARED, access)
        finally:
            os.close(fd)
        self.number = number
        self.length = length
        self.writable = writable
        self.address: int = np.frombuffer(self.mapping, np.uint8).__array_interface__["data"][0]


class _Range:
    """Bytes of a segment, as numpy sees them; keeps the mapping, and gives up what it stands for when it dies."""

    __slots__ = ("__array_interface__", "__weakref__", "encoding", "segment")

    def __init__(self, segment: Segment, offset: int, length: int, readonly: bool) -> None:
        self.encoding = 0
        self.segment = segment
        self.__array_interface__ = {
            "shape": (length,),
            "typestr": "|u1",
            "data": (segment.address + offset, readonly),
            "version": 3,
        }


class _End(weakref.ref[_Range]):
    """What outlives a range: the pin or the extent to give up."""

    __slots__ = ("key",)

    key: tuple[int, int]  # PIN or EXTENT, and its number


class Extent:
    """Memory granted for writing. A slab's images in the making are counted: it is returned behind the last of them."""

    __slots__ = ("length", "number", "offset", "retired", "segment", "slab", "writing")

    def __init__(self, number: int, segment: Segment, offset: int, length: int, slab: bool) -> None:
        self.number = number
        self.segment = segment
        self.offset = offset
        self.length = length
        self.slab = slab
        self.writing = 0
        self.retired = False


class _Slab:
    __slots__ = ("extent", "used")

    def __init__(self, extent: Extent) -> None:
        self.extent = extent
        self.used = 0


class StoreClient:
    """Allocates, maps and pins for one process. Calls may come from any thread."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._segments: dict[int, Segment] = {}
        self._slabs: dict[int, _Slab] = {}
        self._in_place: dict[int, tuple[Any, Extent, int]] = {}
        self._ends: dict[tuple[int, int], _End] = {}
        self.released: deque[_End] = deque()  # ends of the ranges whose last view has died

    def _range(self, segment: Segment, offset: int, length: int, what: int, number: int, readonly: bool) -> _Range:
        made = _Range(segment, offset, length, readonly)
        if number:
            end = _End(made, self.released.append)
            end.key = (what, number)
            self._ends[end.key] = end
        return made

    def drain_released(self) -> tuple[list[int], list[int]]:
        """Under the lock: the pins and the extents that nobody here uses any more."""
        found: tuple[list[int], list[int]] = ([], [])
        while self.released:
            end = self.released.popleft()
            if self._ends.pop(end.key, None) is end:
                found[0 if end.key[0] == PIN else 1].append(end.key[1])
        return found

    # Writing -----------------------------------------------------------------------------------------------------

    def _grant(self, length: int, slab: bool, populate: bool = False) -> Extent:
        grant: m.ExtentGrant = self._runtime.request(
            FrameType.EXTENT_ALLOCATE, lambda request: m.ExtentAllocate(request, length, slab)
        )
        segment = self._segments.get(grant.segment)
        if segment is None or not segment.writable:
            segment = Segment(grant.segment, grant.segment_path, grant.segment_length, writable=True)
            self._segments[grant.segment] = segment
            self._runtime.tell(FrameType.SEGMENT_MAPPED, m.SegmentMapped(grant.segment))
            fresh = True
        else:
            fresh = False
        if fresh or populate:
            self._populate(segment, grant.offset, grant.length)
        return Extent(grant.extent, segment, grant.offset, grant.length, slab)

    @staticmethod
    def _populate(segment: Segment, offset: int, length: int) -> None:
        start = offset & ~(mmap.PAGESIZE - 1)
        try:
            segment.mapping.madvise(MADV_POPULATE_WRITE, start, min(offset + length, segment.length) - start)
        except OSError:
            pass  # an older kernel: the pages are backed all the same, and mapped at the first touch

    def place(self, length: int) -> tuple[Extent, int, memoryview]:
        """Memory for one image: its extent, offset in the segment, and a writable view of `length` bytes.

        The image is sealed, and then `placed` is called; or `drop_placed` is.

        Raises:
            ObjectStoreFullError: the store can't hold it.
            OutOfDiskError: neither can the disk take what would have to make room.
        """
        if length > SLAB_IMAGE_BYTES_MAX:
            extent = self._grant(length, slab=False)
            offset = extent.offset
        else:
            size_class = SLAB_CLASSES[0] if length <= SLAB_CLASSES[0] else SLAB_CLASSES[1]
            with self._runtime.slab_lock:
                slab = self._slabs.get(size_class)
                if slab is None or slab.extent.length - slab.used < length:
                    if slab is not None:
                        del self._slabs[size_class]
                        self._retire(slab.extent)
                    try:
                        slab = self._slabs[size_class] = _Slab(self._grant(SLAB_BYTES, slab=True, populate=True))
                    except ObjectStoreFullError:  # no room for a slab; there may be for this one
                        slab = _Slab(self._grant(length, slab=False))
                extent = slab.extent
                offset = extent.offset + slab.used
                slab.used += (length + 63) & ~63
                extent.writing += 1
        return extent, offset, memoryview(extent.segment.mapping)[offset : offset + length]

    def _retire(self, extent: Extent) -> None:
        """Under the slab lock: no further image will be placed in the slab."""
        extent.retired = True
        if not extent.writing:
            self._runtime.tell(FrameType.EXTENT_RETURN, m.ExtentReturn(extent.number))

    def placed(self, extent: Extent) -> None:
        """An image that was placed has been sealed."""
        if extent.slab:
            with self._runtime.slab_lock:
                extent.writing -= 1
                if extent.retired:
                    self._retire(extent)

    def recall_slabs(self) -> None:
        """Memory is short: return the slabs, each behind the last image that is written in it. Does not wait for a
        thread that is asking for one: it holds the lock until it has been answered."""
        if not self._runtime.slab_lock.acquire(blocking=False):
            return
        try:
            slabs = list(self._slabs.values())
            self._slabs.clear()
            for slab in slabs:
                if slab.extent.slab:
                    self._retire(slab.extent)
        finally:
            self._runtime.slab_lock.release()

    def drop_placed(self, extent: Extent) -> None:
        """Give back an extent whose image failed to be written; a slab's bytes are simply not used."""
        if extent.slab:
            self.placed(extent)
        else:
            self._runtime.tell(FrameType.EXTENT_RETURN, m.ExtentReturn(extent.number))

    def seal_frame(
        self, ref_struct: m.ObjectRef, extent: Extent, offset: int, length: int, encoding: int, contains: Any
    ) -> bytes:
        """The ObjectSeal frame for an image that is written."""
        location = m.Location(extent.segment.number, 0, offset, length)
        seal = m.ObjectSeal(ref_struct, location, extent.number, encoding, tuple(contains))
        return frame(FrameType.OBJECT_SEAL, seal.encode())

    def empty(self, image_length: int) -> tuple[Any, Extent]:
        """A writable uint8 array over memory for an image, and its extent, which is returned when no view is left.

        The extent is a slab for one image: it is not free, and not written to disk, before it was returned. So the
        views stay good when the image has been sealed.
        """
        import numpy as np

        extent = self._grant(image_length, slab=True)
        held = self._range(extent.segment, extent.offset, image_length, EXTENT, extent.number, False)
        return np.asarray(held), extent

    def close(self) -> None:
        """Unmap what no view holds: remote functions and references may keep a runtime that has ended."""
        self._segments.clear()
        self._slabs.clear()
        self._in_place.clear()

    def note_in_place(self, array: Any, extent: Extent, image_length: int) -> None:
        """Remember that `array` is an image in the making."""
        key = id(array)

        def forget(_ref: Any, places: dict[int, Any] = self._in_place, key: int = key) -> None:
            places.pop(key, None)

        self._in_place[key] = (weakref.ref(array, forget), extent, image_length)

    def take_in_place(self, array: Any) -> tuple[Extent, int] | None:
        """If `array` was made by `empty`: its extent and image length; from here on it is read-only."""
        entry = self._in_place.get(id(array))
        if entry is None or entry[0]() is not array:
            return None
        del self._in_place[id(array)]
        _, extent, image_length = entry
        array.flags.writeable = False
        return extent, image_length

    # Reading -----------------------------------------------------------------------------------------------------

    def pinned(self, value: m.ObjectValue) -> Any:
        """What stands for a stored answer's pin: `numpy.asarray` of it is a read-only uint8 view of the image."""
        number = value.location.segment
        segment = self._segments.get(number)
        if segment is None:
            segment = Segment(number, value.segment_path, value.segment_length, writable=False)
            self._segments[number] = segment
        held = self._range(segment, value.location.offset, value.location.length, PIN, value.pin, True)
        held.encoding = value.encoding
        return held

    def segment_dropped(self, number: int) -> None:
        """The node gave the segment up; the mapping goes when its last view does."""
        self._segments.pop(number, None)
        for size_class, slab in list(self._slabs.items()):
            if slab.extent.segment.number == number:
                del self._slabs[size_class]
