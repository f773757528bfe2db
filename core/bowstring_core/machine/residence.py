"""Where the bytes of values are: in memory, on disk, or both (spec 3.13).

    MEMORY -> WRITING -> DISK -> READING -> BOTH -> DISK ...

A value comes into memory: an image in an extent of the store, or a payload that the node holds itself (inline). When
room is wanted, values that nobody has pinned are *spilled*: written to disk, and their memory given up. Values never
change, so one that was read back keeps its copy on disk, and gives up its memory the next time without another write;
such copies are given up first when the disk's limit is near.

While a value is being written or read it can be pinned, dropped or asked for; what follows is done when the disk has
answered. A dropped value's memory goes when its last pin has gone, its copy at once.

Who was used last is known by extent (the values of a slab came together), and for inline values one by one. Inline
values make room for themselves: beyond their limit the least recently used go to disk, and beyond twice the limit, when
the disk does not keep up, a new one is refused.

The table refuses to know files, and which extents would help whom: `room` decides that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine.transitions import State, next_state


class Residence(State):
    """Where a value's bytes are."""

    MEMORY = "memory"
    WRITING = "memory, being written"
    BOTH = "memory and disk"
    DISK = "disk"
    READING = "disk, being read"
    GONE = "gone"


_R = Residence
TRANSITIONS: dict[tuple[Residence, str], Residence] = {
    (_R.MEMORY, "spilled"): _R.WRITING,
    (_R.WRITING, "written"): _R.BOTH,
    (_R.WRITING, "not written"): _R.MEMORY,
    (_R.BOTH, "memory given up"): _R.DISK,
    (_R.BOTH, "copy given up"): _R.MEMORY,
    (_R.DISK, "wanted"): _R.READING,
    (_R.READING, "read"): _R.BOTH,
    (_R.READING, "not read"): _R.DISK,
    (_R.MEMORY, "dropped"): _R.GONE,
    (_R.DISK, "dropped"): _R.GONE,
}


class Copy(NamedTuple):
    """A value's bytes on disk."""

    archive: int
    offset: int
    length: int


class Value:
    """One encoding of an object: inline (`payload`), or an image in the store (segment, offset and extent).

    Read-only outside of the machines.

    Attributes:
        inline: The node holds the payload itself.
        payload: Inline and in memory: the bytes.
        extent: Stored and in memory: the extent; else 0.
        copy: The bytes on disk, or None.
        pins: Readers.
        dropped: Nobody will ask for it any more.
    """

    __slots__ = (
        "copy",
        "dropped",
        "encoding",
        "extent",
        "inline",
        "layout",
        "length",
        "offset",
        "payload",
        "pins",
        "residence",
        "segment",
    )

    def __init__(
        self,
        encoding: int,
        layout: int,
        length: int,
        payload: bytes | None = None,
        segment: int = 0,
        offset: int = 0,
        extent: int = 0,
    ) -> None:
        self.encoding, self.layout, self.length, self.payload = encoding, layout, length, payload
        self.segment, self.offset, self.extent = segment, offset, extent
        self.inline = payload is not None
        self.pins = 0
        self.dropped = False
        self.residence = Residence.MEMORY
        self.copy: Copy | None = None

    @property
    def in_memory(self) -> bool:
        """Whether the bytes can be read now."""
        return self.residence in _IN_MEMORY

    def move(self, event: str) -> None:
        """Let the event happen to the value."""
        self.residence = next_state(TRANSITIONS, lambda: f"a value of {self.length} bytes", self.residence, event)


_IN_MEMORY = frozenset((Residence.MEMORY, Residence.WRITING, Residence.BOTH))


class Tenants:
    """The values in one extent.

    Attributes:
        pinned: How many of them have pins.
        used: When one of them was used last, in uses.
    """

    __slots__ = ("pinned", "used", "values")

    def __init__(self) -> None:
        self.values: dict[Value, None] = {}
        self.pinned = self.used = 0


# Effects --------------------------------------------------------------------------------------------------------------


class FreeExtent(NamedTuple):
    """The image in the extent is needed no more."""

    extent: int


class Write(NamedTuple):
    """Write the values to disk; then call `written` or `not_written`. `for_reading`: so that another can be read."""

    values: tuple[Value, ...]
    for_reading: bool = False


class Read(NamedTuple):
    """Read the value from its copy into an extent, or as a payload; then call `read` or `not_read`."""

    value: Value


class FreeCopy(NamedTuple):
    """The bytes on disk are needed no more."""

    copy: Copy


Effect = FreeExtent | Write | Read | FreeCopy


class ResidenceTable:
    """Where every value of the node is.

    Args:
        disk_bytes_max: Bytes that may be on disk; None: whatever the disk takes. 0: nothing is spilled.
        inline_bytes_max: Bytes of payloads beyond which they go to disk.

    Attributes:
        disk_bytes: Bytes on disk or on their way there.
        inline_bytes: Bytes of payloads in memory.
        spills: Values that were written so far.
        restores: Values that were read so far.
    """

    def __init__(self, disk_bytes_max: int | None = None, inline_bytes_max: int = limits.INLINE_BYTES_HELD_MAX) -> None:
        self.disk_bytes_max, self.inline_bytes_max = disk_bytes_max, inline_bytes_max
        self.disk_bytes = self.inline_bytes = self.spills = self.restores = 0
        self.tenants: dict[int, Tenants] = {}  # by extent
        self.spilled: dict[Value, None] = {}  # DISK and READING
        self._both: dict[Value, None] = {}
        self._inline: dict[Value, None] = {}  # in memory, least recently used first
        self._inline_writing = 0
        self._uses = 0
        self._largest = 0  # of all values in extents so far

    @property
    def inline_count(self) -> int:
        """Inline values in memory."""
        return len(self._inline)

    # Coming and going -------------------------------------------------------------------------------------------------

    def refuses(self, value: Value) -> bool:
        """Whether there is no room for another inline value."""
        return value.inline and self.inline_bytes + value.length > 2 * self.inline_bytes_max

    def came(self, value: Value) -> list[Effect]:
        """The value is in memory, and nobody knows of it yet."""
        self._enter(value)
        return self.shrink_inline() if value.inline else []

    def _enter(self, value: Value) -> None:
        if value.inline:
            self.inline_bytes += value.length
            self._inline[value] = None
            return
        tenants = self.tenants.get(value.extent)
        if tenants is None:
            tenants = self.tenants[value.extent] = Tenants()
        tenants.values[value] = None
        if value.length > self._largest:
            self._largest = value.length
        self._uses += 1
        tenants.used = self._uses

    def _leave(self, value: Value) -> list[Effect]:
        """The value's bytes are in memory no more."""
        if value.inline:
            self.inline_bytes -= value.length
            del self._inline[value]  # its payload goes with the value, which answers under way may still name
            return []
        extent, value.extent = value.extent, 0
        tenants = self.tenants[extent]
        del tenants.values[value]
        if not tenants.values:
            del self.tenants[extent]
        return [FreeExtent(extent)]

    def dropped(self, value: Value) -> list[Effect]:
        """Nobody will ask for the value any more."""
        value.dropped = True
        return self._settle(value)

    def _settle(self, value: Value) -> list[Effect]:
        """Give up what a dropped value has, as far as it is used by nobody."""
        effects: list[Effect] = []
        if value.residence is Residence.BOTH:
            effects += self._give_up_copy(value)
        if value.residence is Residence.DISK:
            effects += self._free_copy(value)
            del self.spilled[value]
            value.move("dropped")
        elif value.residence is Residence.MEMORY and not value.pins:
            effects += self._leave(value)
            value.move("dropped")
        return effects

    def _give_up_copy(self, value: Value) -> list[Effect]:
        del self._both[value]
        value.move("copy given up")
        return self._free_copy(value)

    def _free_copy(self, value: Value) -> list[Effect]:
        copy, value.copy = value.copy, None
        assert copy is not None
        self.disk_bytes -= value.length
        return [FreeCopy(copy)]

    # Use --------------------------------------------------------------------------------------------------------------

    def pinned(self, value: Value) -> None:
        """Somebody is to read the value."""
        value.pins += 1
        if value.inline:
            return
        tenants = self.tenants[value.extent]
        self._uses += 1
        tenants.used = self._uses
        if value.pins == 1:
            tenants.pinned += 1

    def unpinned(self, value: Value) -> list[Effect]:
        """Somebody has read the value."""
        value.pins -= 1
        if value.pins:
            return []
        if not value.inline:
            self.tenants[value.extent].pinned -= 1
        return self._settle(value) if value.dropped else []

    def used(self, value: Value) -> None:
        """An inline value's payload was sent to somebody."""
        if value in self._inline:
            del self._inline[value]
            self._inline[value] = None

    def want(self, value: Value) -> list[Effect]:
        """Somebody asks for a value that is not in memory: it is read, once."""
        if value.residence is not Residence.DISK:
            return []
        value.move("wanted")
        return [Read(value)]

    # Disk -------------------------------------------------------------------------------------------------------------

    def _disk_room(self, wanted: int, for_reading: bool) -> list[Effect] | None:
        """What must be done so that so many bytes more may go to disk; None: they may not.

        Room for one value is kept for reading: to read one of a full disk into a full store, another must go to disk.
        """
        if self.disk_bytes_max is None:
            return []
        excess = self.disk_bytes + wanted - self.disk_bytes_max
        if not for_reading:
            excess += self._largest
        giving = []
        for value in self._both:
            if excess <= 0:
                break
            giving.append(value)
            excess -= value.length
        if excess > 0:
            return None
        return [effect for value in giving for effect in self._give_up_copy(value)]

    def spill(self, values: Iterable[Value], for_reading: bool = False) -> list[Effect] | None:
        """Have the values, which nobody has pinned, in memory no more as soon as they are on disk.

        Args:
            values: The values.
            for_reading: Whether another value is to be read into their memory.

        Returns:
            None if the limit of the disk is in the way; then nothing has happened.
        """
        both: list[Value] = []
        fresh: list[Value] = []
        for value in values:
            (both if value.residence is Residence.BOTH else fresh).append(value)
        for value in both:
            del self._both[value]  # its copy is not for giving up now
        effects = self._disk_room(sum(value.length for value in fresh), for_reading) if fresh else []
        if effects is None:
            self._both.update(dict.fromkeys(both))
            return None
        for value in both:
            effects += self._give_up_memory(value)
        batch: list[Value] = []
        size = 0
        for value in fresh:
            value.move("spilled")
            self.disk_bytes += value.length
            if value.inline:
                self._inline_writing += value.length
            batch.append(value)
            size += value.length
            if size >= limits.ARCHIVE_BYTES:
                effects.append(Write(tuple(batch), for_reading))
                batch, size = [], 0
        if batch:
            effects.append(Write(tuple(batch), for_reading))
        return effects

    def _give_up_memory(self, value: Value) -> list[Effect]:
        value.move("memory given up")
        self.spilled[value] = None
        effects = self._leave(value)
        value.payload = None
        return effects

    def shrink_inline(self) -> list[Effect]:
        """If there are too many, spill the least recently used inline values, an eighth of the limit more than must."""
        excess = self.inline_bytes - self._inline_writing - self.inline_bytes_max
        if excess <= 0 or self.disk_bytes_max == 0:
            return []
        excess += self.inline_bytes_max // 8
        chosen = []
        for value in self._inline:
            if excess <= 0:
                break
            if value.residence is not Residence.WRITING and not value.pins:
                chosen.append(value)
                excess -= value.length
        return self.spill(chosen) or []

    def written(self, values: Iterable[Value], copies: Iterable[Copy]) -> list[Effect]:
        """The values are on disk: memory that nobody reads is given up."""
        effects: list[Effect] = []
        for value, copy in zip(values, copies, strict=True):
            self._end_writing(value, "written")
            self.spills += 1
            value.copy = copy
            if value.dropped or value.pins:
                self._both[value] = None
                effects += self._settle(value) if value.dropped else []
            else:
                effects += self._give_up_memory(value)
        return effects

    def not_written(self, values: Iterable[Value]) -> list[Effect]:
        """The disk could not take the values; they stay in memory."""
        effects: list[Effect] = []
        for value in values:
            self._end_writing(value, "not written")
            self.disk_bytes -= value.length
            effects += self._settle(value) if value.dropped else []
        return effects

    def _end_writing(self, value: Value, event: str) -> None:
        value.move(event)
        if value.inline:
            self._inline_writing -= value.length

    def read(
        self, value: Value, payload: bytes | None = None, segment: int = 0, offset: int = 0, extent: int = 0
    ) -> list[Effect]:
        """The value is in memory again; who asked for it is to be answered, and then `shrink_inline` to be called."""
        value.move("read")
        self.restores += 1
        value.payload, value.segment, value.offset, value.extent = payload, segment, offset, extent
        del self.spilled[value]
        self._both[value] = None
        self._enter(value)
        return self._settle(value) if value.dropped else []

    def not_read(self, value: Value) -> list[Effect]:
        """The value could not be read now."""
        value.move("not read")
        return self._settle(value) if value.dropped else []
