"""The store's memory between frontends, the allocator and the kernel.

Backing runs between looks at the sockets, a few megabytes a turn, so that one large grant does not hold up everybody.
When the machine is short of memory, free segments are dropped, and backing is tried again for a moment: their memory
comes back only as fast as their readers unmap them. What still does not fit waits for room (machine/room.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bowstring_core import limits
from bowstring_core.machine import extents, room
from bowstring_core.machine.residence import ResidenceTable
from bowstring_core.node import loop as loops
from bowstring_core.node.peers import Peer
from bowstring_core.store.ones import OnesFile
from bowstring_core.store.segments import BackingError, SegmentFile
from bowstring_wire.messages import (
    ErrorCode,
    ExtentAllocate,
    ExtentGrant,
    ExtentReturn,
    FrameType,
    Role,
    SegmentDropped,
    SegmentMapped,
    SlabRecall,
)
from bowstring_wire.protocol import ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node


class StoreService:
    """Handlers of the extent frames, and the performer of the allocator's effects."""

    def __init__(self, node: Node, capacity: int, residence: ResidenceTable) -> None:
        self._node = node
        self.table = extents.ExtentTable(capacity)
        self.room = room.Room(self.table, residence)
        self._room_timer: loops.Timer | None = None
        self._retrying = False
        self.files: dict[int, SegmentFile] = {}
        self.ones = OnesFile()
        self._backing: deque[tuple[int, int, int]] = deque()
        self._retries = 0
        self._busy = False
        frontends = frozenset((Role.DRIVER, Role.WORKER))
        node.handle(FrameType.EXTENT_ALLOCATE, ExtentAllocate, frontends, self._allocate)
        node.handle(FrameType.EXTENT_RETURN, ExtentReturn, frontends, self._return)
        node.handle(FrameType.SEGMENT_MAPPED, SegmentMapped, frontends, self._mapped)

    def _allocate(self, peer: Peer, message: ExtentAllocate, body: bytes) -> None:
        if not message.length:
            raise ProtocolError("ExtentAllocate.length is 0")
        self.allocate(peer.process, message.request, message.length, message.slab)

    def allocate(self, process: int, request: int, length: int, slab: bool) -> None:
        """Grant memory now or later, or refuse it."""
        self._perform_room(self.room.allocate(process, request, length, slab, self._node.loop.now))

    def _return(self, peer: Peer, message: ExtentReturn, body: bytes) -> None:
        self.perform(self.table.returned(peer.process, message.extent))
        self.may_have_room()

    def _mapped(self, peer: Peer, message: SegmentMapped, body: bytes) -> None:
        segment = self.table.segments.get(message.segment)
        if segment is None or segment.writer != peer.process:
            raise ProtocolError(f"SegmentMapped: segment {message.segment} is not this process's")
        self.files[message.segment].seal()

    def show(self, segment: int, process: int) -> SegmentFile:
        """The process is about to be told of the segment."""
        self.table.show(segment, process)
        return self.files[segment]

    def perform(self, effects: list[extents.Effect]) -> None:
        """Carry out what the allocator decided."""
        self._perform_room(self.room.heard(effects, self._node.loop.now)[0])

    def _perform_room(self, effects: Iterable[room.Effect]) -> None:
        for effect in effects:
            match effect:
                case extents.Grant():
                    self._grant(effect)
                case extents.Back():
                    self._back(effect)
                case extents.MakeSegment():
                    file = self.files[effect.segment] = SegmentFile(effect.segment, effect.length)
                    known = self.table.segments.get(effect.segment)
                    if known is not None and known.writer == extents.HOME:
                        file.map_here()
                case room.Recall():
                    pinners = (process for process, _ in self._node.objects.directory.pins.values() if effect.pinned)
                    for process in effect.processes.union(pinners):
                        peer = self._node.peers.get(process)
                        if peer is not None:
                            peer.send(FrameType.SLAB_RECALL, SlabRecall(effect.wanted))
                case room.Refused():
                    if effect.process == extents.HOME:
                        self._node.spill.refused(effect.request, effect.code, effect.message)
                        continue
                    peer = self._node.peers.get(effect.process)
                    if peer is not None:
                        peer.fail(effect.request, ErrorCode[effect.code], effect.message)
                case extents.DropSegment():
                    self.files.pop(effect.segment).close()
                    for process in effect.shown_to:
                        peer = self._node.peers.get(process)
                        if peer is not None:
                            peer.send(FrameType.SEGMENT_DROPPED, SegmentDropped(effect.segment))
                case extents.Full():
                    raise AssertionError("what is full waits for room")
                case _:
                    self._node.spill.perform(effect)
        self._watch_room()

    # Room -------------------------------------------------------------------------------------------------------------

    def free(self, extent: int) -> None:
        """An image is needed no more."""
        self.perform(self.table.image_freed(extent))
        self.may_have_room()

    def process_ended(self, process: int) -> None:
        """The process writes, reads and waits no more."""
        self.room.process_ended(process)
        self.perform(self.table.process_ended(process))
        self.may_have_room()

    def may_have_room(self) -> None:
        """Something was freed or unpinned: see once, behind the events at hand, whether that helps anybody."""
        if self.room.waiting and not self._retrying:
            self._retrying = True
            self._node.loop.call_soon(self.retry)

    def retry(self) -> None:
        """See whether there is room now."""
        self._retrying = False
        if self.room.waiting:
            self._perform_room(self.room.retry(self._node.loop.now))

    def disk_refused(self, message: str) -> None:
        """The disk could not take what would have made room."""
        if self.room.waiting:
            self._perform_room(self.room.disk_refused(message, self._node.loop.now))

    def _watch_room(self) -> None:
        due = self.room.deadline()
        if due is None or (self._room_timer is not None and self._room_timer.when <= due):
            return  # one that is too early only looks again
        if self._room_timer is not None:
            self._room_timer.cancel()
        self._room_timer = self._node.loop.call_at(due, self._room_tick)

    def _room_tick(self) -> None:
        self._room_timer = None
        self._perform_room(self.room.tick(self._node.loop.now))

    def _grant(self, effect: extents.Grant) -> None:
        if effect.process == extents.HOME:
            self._node.spill.granted(effect.request, effect.extent)
            return
        peer = self._node.peers.get(effect.process)
        if peer is None:
            return
        extent = effect.extent
        file = self.files[extent.segment.segment]
        peer.send(
            FrameType.EXTENT_GRANT,
            ExtentGrant(
                effect.request,
                extent.extent,
                extent.segment.segment,
                extent.offset,
                extent.length,
                file.length,
                file.path,
            ),
        )

    # Backing ----------------------------------------------------------------------------------------------------------

    def _back(self, effect: extents.Back) -> None:
        self._backing.append((effect.segment, effect.start, effect.end))
        if not self._busy:
            self._busy = True
            if effect.end - effect.start <= limits.BACKING_STEP_BYTES:
                self._turn()  # small: the asker need not wait for another turn of the loop
            if self._busy:
                self._node.loop.call_idle(self._turn)

    def _turn(self) -> bool:
        """Back one step; False: there is nothing to do now."""
        if not self._backing:
            self._busy = False
            return False
        segment, start, end = self._backing[0]
        file = self.files.get(segment)
        known = self.table.segments.get(segment)
        if file is None or known is None or known.target <= start:  # dropped, or given up
            self._backing.popleft()
            return True
        upto = min(end, start + limits.BACKING_TURN_BYTES)
        try:
            file.back(start, upto)
        except BackingError as error:
            return self._short(segment, str(error))
        self._retries = 0
        if upto == end:
            self._backing.popleft()
        else:
            self._backing[0] = (segment, upto, end)
        self.perform(self.table.backed(segment, upto))
        return True

    def _short(self, segment: int, message: str) -> bool:
        dropped = self.table.reclaim_all()
        self.perform(dropped)
        if dropped:
            self._retries = limits.BACKING_RETRIES_MAX
        if self._retries:
            self._retries -= 1
            self._node.loop.call_later(limits.BACKING_RETRY_S, lambda: self._node.loop.call_idle(self._turn))
            return False
        self._backing = deque(item for item in self._backing if item[0] != segment)
        self.perform(self.table.not_backed(segment, message))
        return True

    def close(self) -> None:
        """Give all memory back."""
        for file in self.files.values():
            file.close()
        self.files.clear()
        self.ones.close()
