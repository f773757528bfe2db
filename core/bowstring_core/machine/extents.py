"""The store's allocator: which bytes of which segment belong to whom (spec section 3.10).

A segment has one writing process for life. Small extents share segments of a fixed length, first fit by offset, so that
pages that were written before are used again first and the touched part stays small; an extent above a limit has a
segment of its own, which is kept for its writer when it becomes free and used again for one of about its size.

Memory is granted when it is backed. A segment is backed from its start up to a mark; the mark grows in steps (Back),
and extents that lie beyond it wait. A little more is backed than what is asked, ahead of the next demand. When the
capacity is reached, segments that are free from end to end are dropped, of whomever; if that is not enough, the store
is full. Holes can't be punched: the kernel refuses them once a segment is sealed against new writers.

    extent: GRANTED (the writer may write) -> IN_USE (it holds images) -> free
            a slab is IN_USE from its first image on, and free when it was returned and its last image has gone

The machine refuses to know descriptors and memory: it is told how far backing came.
"""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine.transitions import State, TransitionError, next_state

ALIGNMENT = 64
HOME = -1  # the writer of what the node itself reads from disk


def aligned(length: int) -> int:
    """The length of an extent for so many bytes."""
    return (length + ALIGNMENT - 1) & -ALIGNMENT


class ExtentState(State):
    """Where an extent stands."""

    WAITING = "waiting"  # for its memory to be backed
    GRANTED = "granted"
    IN_USE = "in use"
    FREE = "free"


_S = ExtentState
TRANSITIONS: dict[tuple[ExtentState, str], ExtentState] = {
    (_S.WAITING, "backed"): _S.GRANTED,
    (_S.WAITING, "not backed"): _S.FREE,
    (_S.WAITING, "writer ended"): _S.FREE,
    (_S.GRANTED, "sealed"): _S.IN_USE,
    (_S.GRANTED, "returned"): _S.FREE,
    (_S.GRANTED, "writer ended"): _S.FREE,
    (_S.IN_USE, "sealed"): _S.IN_USE,  # slabs only
    (_S.IN_USE, "emptied"): _S.FREE,
    (_S.IN_USE, "returned"): _S.IN_USE,
    (_S.IN_USE, "writer ended"): _S.IN_USE,
    (_S.IN_USE, "emptied, slab open"): _S.GRANTED,
}


class Extent:
    """A range of a segment. Read-only outside of the machine."""

    __slots__ = ("extent", "images", "length", "offset", "request", "returned", "segment", "slab", "state")

    def __init__(self, extent: int, segment: Segment, offset: int, length: int, slab: bool, request: int) -> None:
        self.extent, self.segment, self.offset, self.length = extent, segment, offset, length
        self.slab, self.request = slab, request
        self.state = ExtentState.WAITING
        self.images = 0
        self.returned = not slab  # an extent that is no slab takes one image and returns with it

    def move(self, event: str) -> None:
        """Let the event happen to the extent."""
        self.state = next_state(TRANSITIONS, lambda: f"extent {self.extent}", self.state, event)


class Segment:
    """A memory file. Read-only outside of the machine."""

    __slots__ = ("backed", "extents", "holes", "large", "length", "segment", "shown_to", "target", "waiting", "writer")

    def __init__(self, segment: int, writer: int, length: int, large: bool) -> None:
        self.segment, self.writer, self.length, self.large = segment, writer, length, large
        self.backed = 0
        self.target = 0
        self.holes: list[tuple[int, int]] = [(0, length)]  # (offset, length), by offset, none adjacent
        self.extents: dict[int, Extent] = {}
        self.waiting: list[Extent] = []
        self.shown_to: set[int] = set()  # processes that may have mapped it

    def top(self) -> int:
        """End of the last byte that is in some extent."""
        if self.holes and sum(self.holes[-1]) == self.length:
            return self.holes[-1][0]
        return self.length


# Effects --------------------------------------------------------------------------------------------------------------


class MakeSegment(NamedTuple):
    """Make the memory file, empty."""

    segment: int
    length: int


class Back(NamedTuple):
    """Back the range; then call `backed` for each part that is, in order, or `not_backed`."""

    segment: int
    start: int
    end: int


class Grant(NamedTuple):
    """The extent is its writer's."""

    process: int
    request: int
    extent: Extent


class Full(NamedTuple):
    """The store can't hold that much; `missing`: what the machine, and not the capacity, is short of."""

    process: int
    request: int
    message: str
    length: int
    slab: bool
    missing: int = 0


class DropSegment(NamedTuple):
    """Tell who may have mapped it, and close it."""

    segment: int
    shown_to: frozenset[int]


Effect = MakeSegment | Back | Grant | Full | DropSegment


class ExtentTable:
    """Every segment and extent of the node's store.

    Args:
        capacity: Bytes that may be backed.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        # A segment with an open slab can't be dropped; so a small store has small ones.
        step = limits.BACKING_STEP_BYTES
        share = capacity // limits.SEGMENTS_OF_A_STORE_MIN // step * step
        self._segment_bytes = min(limits.SEGMENT_BYTES, max(limits.SEGMENT_BYTES_MIN, share))
        self.large_bytes = self._segment_bytes // limits.EXTENTS_OF_A_SEGMENT_MIN  # extents above this have their own
        self.allocated = 0  # backed, or being backed
        self.segments: dict[int, Segment] = {}
        self.extents: dict[int, Extent] = {}
        self._small: dict[int, list[Segment]] = {}  # by writer
        self._warm: OrderedDict[int, Segment] = OrderedDict()  # free large segments, oldest first
        self._next_segment = 1
        self._next_extent = 1

    # Granting ---------------------------------------------------------------------------------------------------------

    def allocate(self, process: int, request: int, length: int, slab: bool) -> list[Effect]:
        """ExtentAllocate."""
        length = aligned(length)
        if length > self.capacity:
            return [Full(process, request, self._full(length), length, slab)]
        if length > self.large_bytes:
            return self._allocate_large(process, request, length, slab)
        effects: list[Effect] = []
        for segment in self._small.get(process, ()):
            offset = self._first_fit(segment, length)
            if offset is not None:
                break
        else:
            segment = self._new_segment(process, self._segment_bytes, False)
            effects.append(MakeSegment(segment.segment, segment.length))
            offset = 0
        return effects + self._place(segment, offset, length, slab, request)

    def _allocate_large(self, process: int, request: int, length: int, slab: bool) -> list[Effect]:
        fitting = [
            segment
            for segment in self._warm.values()
            if segment.writer == process and segment.length * limits.RECYCLE_SHARE <= length <= segment.length
        ]
        if fitting:
            segment = min(fitting, key=lambda s: s.length)
            del self._warm[segment.segment]
            return self._place(segment, 0, segment.length, slab, request)
        step = limits.BACKING_STEP_BYTES
        segment = self._new_segment(process, (length + step - 1) // step * step, True)
        effects: list[Effect] = [MakeSegment(segment.segment, segment.length)]
        return effects + self._place(segment, 0, segment.length, slab, request)

    def _new_segment(self, process: int, length: int, large: bool) -> Segment:
        segment = Segment(self._next_segment, process, length, large)
        self._next_segment += 1
        self.segments[segment.segment] = segment
        if not large:
            self._small.setdefault(process, []).append(segment)
        return segment

    def _first_fit(self, segment: Segment, length: int) -> int | None:
        for offset, size in segment.holes:
            if size >= length:
                return offset
        return None

    def _place(self, segment: Segment, offset: int, length: int, slab: bool, request: int) -> list[Effect]:
        for index, (start, size) in enumerate(segment.holes):
            if start == offset:
                if size == length:
                    del segment.holes[index]
                else:
                    segment.holes[index] = (start + length, size - length)
                break
        extent = Extent(self._next_extent, segment, offset, length, slab, request)
        self._next_extent += 1
        self.extents[extent.extent] = segment.extents[extent.extent] = extent
        end = offset + length
        effects: list[Effect] = []
        if end > segment.target:
            step = limits.BACKING_STEP_BYTES
            target = min(segment.length, (end + step - 1) // step * step)
            effects += self._reclaim(target - segment.target, segment)
            if self.allocated + target - segment.target > self.capacity:
                effects += self._give_up(extent, self._full(length))
                return effects
            effects += self._back(segment, target)
        if end <= segment.backed:
            effects.append(self._grant(extent))
        else:
            segment.waiting.append(extent)
        return effects + self._back_ahead(segment)

    def _back(self, segment: Segment, target: int) -> list[Effect]:
        start, segment.target = segment.target, target
        self.allocated += target - start
        return [Back(segment.segment, start, target)]

    def _back_ahead(self, segment: Segment) -> list[Effect]:
        if segment.large:
            return []
        missing = min(segment.length, segment.top() + limits.BACK_AHEAD_BYTES) - segment.target
        if missing < limits.BACKING_STEP_BYTES or self.allocated + missing > self.capacity // 2:
            return []
        return self._back(segment, segment.target + missing)

    def _full(self, length: int) -> str:
        used = sum(e.length for e in self.extents.values() if e.state is not ExtentState.WAITING)
        return (
            f"{length} bytes wanted; the store has {self.capacity} bytes, of which {used} are in use: let go of"
            f" large objects and of views of them, or start the runtime with a larger object_store_memory"
        )

    def _reclaim(self, wanted: int, keep: Segment | None) -> list[Effect]:
        """Drop free segments until `wanted` more bytes fit, or none is left."""
        effects: list[Effect] = []
        if self.allocated + wanted <= self.capacity:
            return effects
        free = [*self._warm.values(), *(s for s in self.segments.values() if not s.large and not s.extents)]
        for segment in free:
            if self.allocated + wanted <= self.capacity:
                break
            if segment is not keep:
                effects += self._drop(segment)
        return effects

    def reclaim_all(self) -> list[Effect]:
        """The machine is short of memory: drop every segment that is free."""
        free = [s for s in self.segments.values() if not s.extents]
        return [effect for segment in free for effect in self._drop(segment)]

    # Backing ----------------------------------------------------------------------------------------------------------

    def backed(self, number: int, upto: int) -> list[Effect]:
        """The segment is backed from its start up to here."""
        segment = self.segments.get(number)
        if segment is None:
            return []
        segment.backed = max(segment.backed, upto)
        effects: list[Effect] = []
        still = []
        for extent in segment.waiting:
            if extent.offset + extent.length <= segment.backed:
                effects.append(self._grant(extent))
            else:
                still.append(extent)
        segment.waiting = still
        return effects

    def _grant(self, extent: Extent) -> Grant:
        extent.move("backed")
        segment = extent.segment
        segment.shown_to.add(segment.writer)
        return Grant(segment.writer, extent.request, extent)

    def not_backed(self, number: int, message: str) -> list[Effect]:
        """The segment can't be backed any further now."""
        segment = self.segments.get(number)
        if segment is None:
            return []
        missing = segment.target - segment.backed
        self.allocated -= missing
        segment.target = segment.backed
        effects: list[Effect] = []
        waiting, segment.waiting = segment.waiting, []
        for extent in waiting:
            effects += self._give_up(extent, message, missing)
        return effects

    def _give_up(self, extent: Extent, message: str, missing: int = 0) -> list[Effect]:
        extent.move("not backed")
        writer = extent.segment.writer
        effects: list[Effect] = [Full(writer, extent.request, message, extent.length, extent.slab, missing)]
        return effects + self._free(extent)

    def small_segments(self, process: int) -> list[Segment]:
        """The segments in which the process has its small extents."""
        return self._small.get(process, [])

    # Sealing and freeing ----------------------------------------------------------------------------------------------

    def seal(self, process: int, number: int, segment: int, offset: int, length: int) -> None:
        """ObjectSeal: the image is in the extent.

        Raises:
            TransitionError: the extent is not the process's, can't take an image, or the image is not inside.
        """
        extent = self._owned(process, number, "ObjectSeal")
        inside = extent.offset <= offset and offset + length <= extent.offset + extent.length
        if segment != extent.segment.segment or offset % ALIGNMENT or not inside or not length:
            event = f"ObjectSeal of {length} bytes at {offset} of segment {segment}, which are not inside of it,"
            raise TransitionError(f"extent {number}", extent.state, event)
        if extent.state is ExtentState.IN_USE and (not extent.slab or extent.returned):
            raise TransitionError(f"extent {number}", extent.state, "another ObjectSeal")
        extent.move("sealed")
        extent.images += 1

    def returned(self, process: int, number: int) -> list[Effect]:
        """ExtentReturn."""
        extent = self._owned(process, number, "ExtentReturn")
        extent.returned = True
        extent.move("returned")
        return self._free(extent) if extent.state is ExtentState.FREE else []

    def _owned(self, process: int, number: int, event: str) -> Extent:
        extent = self.extents.get(number)
        if extent is None or extent.segment.writer != process:
            raise TransitionError(f"extent {number}", ExtentState.FREE, f"{event} by {process:016x}")
        return extent

    def image_freed(self, number: int) -> list[Effect]:
        """An object's image is needed no more, and pinned by nobody."""
        extent = self.extents[number]
        extent.images -= 1
        if extent.images:
            return []
        if not extent.returned:
            extent.move("emptied, slab open")
            return []
        extent.move("emptied")
        return self._free(extent)

    def _free(self, extent: Extent) -> list[Effect]:
        segment = extent.segment
        del self.extents[extent.extent], segment.extents[extent.extent]
        start, length = extent.offset, extent.length
        insort(segment.holes, (start, length))
        index = segment.holes.index((start, length))
        if index + 1 < len(segment.holes) and segment.holes[index + 1][0] == start + length:
            length += segment.holes.pop(index + 1)[1]
            segment.holes[index] = (start, length)
        if index and sum(segment.holes[index - 1]) == start:
            before = segment.holes.pop(index - 1)
            segment.holes[index - 1] = (before[0], before[1] + length)
        if segment.extents:
            return []
        if segment.writer == 0:
            return self._drop(segment)
        if not segment.large:
            return []
        if segment.backed < segment.length:  # a failed start of a large one
            return self._drop(segment)
        self._warm[segment.segment] = segment
        mine = [s for s in self._warm.values() if s.writer == segment.writer]
        return self._drop(mine[0]) if len(mine) > limits.WARM_SEGMENTS_MAX else []

    def _drop(self, segment: Segment) -> list[Effect]:
        del self.segments[segment.segment]
        self._warm.pop(segment.segment, None)
        if not segment.large and segment.writer in self._small:
            mine = self._small[segment.writer]
            mine.remove(segment)
            if not mine:
                del self._small[segment.writer]
        self.allocated -= segment.target
        return [DropSegment(segment.segment, frozenset(segment.shown_to))]

    # Ends -------------------------------------------------------------------------------------------------------------

    def show(self, number: int, process: int) -> Segment:
        """The process is told of the segment, and may map it."""
        segment = self.segments[number]
        segment.shown_to.add(process)
        return segment

    def process_ended(self, process: int) -> list[Effect]:
        """The process writes and reads no more: what it did not seal is free, its segments are dropped once free."""
        effects: list[Effect] = []
        self._small.pop(process, None)
        for segment in list(self.segments.values()):
            segment.shown_to.discard(process)
            if segment.writer != process:
                continue
            segment.writer = 0
            segment.waiting = []
            for extent in list(segment.extents.values()):
                extent.returned = True
                extent.move("writer ended")
                if extent.state is ExtentState.FREE:
                    effects += self._free(extent)
            if segment.segment in self.segments and not segment.extents:
                effects += self._drop(segment)
        return effects
