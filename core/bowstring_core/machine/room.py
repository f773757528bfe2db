"""Room in the store: allocations that don't fit wait here until values have gone to disk (spec 3.13).

What an allocation needs is one of three things, in that order: a part of the writer's own segments whose values can all
be spilled (its pages are warm, and only as much goes as is needed); a large segment of its own of about the size; or
segments, of whomever, that become free from end to end and can be dropped. Of what can be spilled, the least recently
used goes. An extent can be emptied when it takes no more images and no value in it is pinned; one whose values are on
their way to disk already counts as good as empty.

An allocation that nothing can help has slabs asked back, waits a while, because pins end, and is refused then. If the
disk is what is in the way it is refused at once.
"""

from __future__ import annotations

from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine import extents, residence
from bowstring_core.machine.extents import Extent, ExtentState, ExtentTable, Segment
from bowstring_core.machine.residence import Residence, ResidenceTable, Value


class Want:
    """An allocation that waits."""

    __slots__ = ("deadline", "helped", "length", "message", "missing", "process", "recalled", "request", "slab")

    def __init__(self, process: int, request: int, length: int, slab: bool, deadline: float) -> None:
        self.process, self.request, self.length, self.slab, self.deadline = process, request, length, slab, deadline
        self.message = ""
        self.missing = 0  # bytes that the machine is short of, whatever the capacity says
        self.recalled = False  # whether slabs were asked back for it
        self.helped = False  # whether something was on its way to disk for it when it was looked at last


class Refused(NamedTuple):
    """There will be no room: `code` is a name of ErrorCode."""

    process: int
    request: int
    code: str
    message: str


class Recall(NamedTuple):
    """Ask these processes for their slabs and for pins that nobody reads; `pinned`: ask whoever has a pin, too."""

    processes: frozenset[int]
    wanted: int
    pinned: bool = False


Effect = extents.Effect | residence.Effect | Refused | Recall


class _Plan(NamedTuple):
    """What to spill, and when the last of it was used."""

    values: list[Value]
    used: int


class Room:
    """The allocations of one node.

    Args:
        table: Who has which bytes; nobody else allocates in it.
        residence: Where values are.
    """

    def __init__(self, table: ExtentTable, residence: ResidenceTable) -> None:
        self._table, self._residence = table, residence
        self.waiting: dict[tuple[int, int], Want] = {}  # by process and request, in order of arrival

    def allocate(self, process: int, request: int, length: int, slab: bool, now: float) -> list[Effect]:
        """ExtentAllocate, or the node's own for a value that is read from disk."""
        wait_s = limits.RESTORE_ROOM_WAIT_S if process == extents.HOME else limits.ROOM_WAIT_S
        want = Want(process, request, length, slab, now + wait_s)
        press = len(self.waiting) < limits.WANTS_HELPED_MAX
        return self._try(want, now, press)

    def _try(self, want: Want, now: float, press: bool) -> list[Effect]:
        """Allocate, or wait for room; `press`: and see what to spill for it."""
        self.waiting[want.process, want.request] = want
        found = self._table.allocate(want.process, want.request, want.length, want.slab)
        effects, full = self.heard(found, now, press=False)
        if not full:
            self.waiting.pop((want.process, want.request), None)
            return effects
        return effects + self._press(want, now) if press else effects

    def heard(self, effects: list[extents.Effect], now: float, press: bool = True) -> tuple[list[Effect], bool]:
        """Go through what the allocator answers: what is full waits. Tells whether something was."""
        passed: list[Effect] = []
        full = False
        for effect in effects:
            if not isinstance(effect, extents.Full):
                passed.append(effect)
                continue
            key = (effect.process, effect.request)
            want = self.waiting.get(key)
            if effect.length > self._table.capacity:
                self.waiting.pop(key, None)
                passed.append(Refused(*key, "OBJECT_STORE_FULL", effect.message))
                continue
            if want is None:  # its memory could not be backed
                deadline = now + limits.ROOM_WAIT_S
                want = self.waiting[key] = Want(*key, effect.length, effect.slab, deadline)
            want.message, want.missing = effect.message, effect.missing
            full = True
            if press:
                passed += self._press(want, now)
        return passed, full

    # Waiting ----------------------------------------------------------------------------------------------------------

    def retry(self, now: float) -> list[Effect]:
        """Something was freed, unpinned or written: see whom it helps, those who came first before others.

        A thousand may wait (a `get` of a thousand values on disk), so not all are looked at: only some that it does not
        help, and something is spilled for the first that it can be spilled for.
        """
        effects: list[Effect] = []
        failures = 0
        helped = False
        for key, want in list(self.waiting.items()):
            effects += self._try(want, now, press=not helped and failures < limits.WANTS_HELPED_MAX)
            if self.waiting.get(key) is want:
                helped = helped or want.helped
                failures += 1
                if failures == limits.WANTS_TRIED_MAX:
                    break
        return effects

    def disk_refused(self, message: str, now: float) -> list[Effect]:
        """The disk could not take what was to go there: who waits and still has no room is refused."""
        effects: list[Effect] = []
        for key, want in list(self.waiting.items()):
            found = self._table.allocate(want.process, want.request, want.length, want.slab)
            passed, full = self.heard(found, now, press=False)
            effects += passed
            self.waiting.pop(key, None)
            if full:
                effects.append(self._refused(want, "OUT_OF_DISK", message))
        return effects

    def withdraw(self, process: int, request: int) -> None:
        """Nobody wants it any more."""
        self.waiting.pop((process, request), None)

    def process_ended(self, process: int) -> None:
        """The process wants nothing any more."""
        for key in [key for key in self.waiting if key[0] == process]:
            del self.waiting[key]

    def deadline(self) -> float | None:
        """When `tick` has something to do; None: not before another event."""
        return min((want.deadline for want in self.waiting.values()), default=None)

    def tick(self, now: float) -> list[Effect]:
        """Time has passed: refuse what nothing has helped."""
        effects: list[Effect] = []
        due = [(key, want) for key, want in self.waiting.items() if now >= want.deadline]
        for key, want in due[: limits.WANTS_HELPED_MAX]:  # the others in the next turn
            effects += self._try(want, now, press=True)
            if key not in self.waiting:
                continue
            if want.helped:
                want.deadline = now + limits.ROOM_WAIT_S  # the disk is at work for it
                continue
            del self.waiting[key]
            effects.append(self._refused(want, "OBJECT_STORE_FULL", self._why_full()))
        return effects

    def _refused(self, want: Want, code: str, why: str) -> Refused:
        return Refused(want.process, want.request, code, f"{want.message}; {why}")

    def _why_full(self) -> str:
        if self._residence.disk_bytes_max == 0:
            return "nothing goes to disk, because spill_bytes_max is 0"
        pinned = being_written = 0
        for extent in self._table.extents.values():
            if extent.state is ExtentState.GRANTED:
                being_written += extent.length
            elif not self._can_empty(extent):
                pinned += extent.length
        return f"{pinned} bytes can't go to disk because they are being read, and {being_written} are being written"

    # What to spill ----------------------------------------------------------------------------------------------------

    def _press(self, want: Want, now: float) -> list[Effect]:
        """Spill what would help."""
        plan = None if self._residence.disk_bytes_max == 0 else self._plan(want)
        want.helped = plan is not None
        if plan is None:
            return self._recall(want)
        if not plan.values:
            return []
        spilled = self._residence.spill(plan.values, want.process == extents.HOME)
        if spilled is None:
            del self.waiting[want.process, want.request]
            limit = self._residence.disk_bytes_max
            why = f"{self._residence.disk_bytes} bytes are on disk, and spill_bytes_max is {limit}"
            return [self._refused(want, "OUT_OF_DISK", why)]
        effects: list[Effect] = []
        at_once = False
        for effect in spilled:
            if isinstance(effect, residence.FreeExtent):
                effects += self._table.image_freed(effect.extent)
                at_once = True
            else:
                effects.append(effect)
        return effects + (self._try(want, now, press=True) if at_once else [])

    def _recall(self, want: Want) -> list[Effect]:
        """Ask for slabs and unread pins, once for each that waits: with them returned something may go."""
        if want.recalled:
            return []
        want.recalled = True
        holders = frozenset(
            extent.segment.writer
            for extent in self._table.extents.values()
            if extent.slab and not extent.returned and extent.segment.writer
        )
        pinned = any(tenants.pinned for tenants in self._residence.tenants.values())
        return [Recall(holders, want.length, pinned)] if holders or pinned else []

    def _can_empty(self, extent: Extent) -> bool:
        if extent.state is not ExtentState.IN_USE or not extent.returned:
            return False
        tenants = self._residence.tenants.get(extent.extent)
        return tenants is not None and not tenants.pinned and len(tenants.values) == extent.images

    def _used(self, extent: Extent) -> int:
        """When it was used last; 0 if it is on its way to disk."""
        tenants = self._residence.tenants[extent.extent]
        if next(iter(tenants.values)).residence is Residence.WRITING:
            return 0
        return tenants.used

    def _plan(self, want: Want) -> _Plan | None:
        """What to spill so that the allocation fits; with no value if that is on its way. None: nothing helps."""
        if want.missing:
            return self._plan_drops(want)
        own = self._plan_large(want) if want.length > self._table.large_bytes else self._plan_window(want)
        if own is not None and not own.used:
            return own
        drops = self._plan_drops(want)
        if own is None or (drops is not None and drops.used < own.used):
            return drops
        return own

    def _spillable(self, found: list[Extent]) -> _Plan:
        values: list[Value] = []
        used = 0
        for extent in found:
            used = max(used, self._used(extent))
            tenants = self._residence.tenants[extent.extent]
            values += (value for value in tenants.values if value.residence is not Residence.WRITING)
        return _Plan(values, used)

    def _plan_large(self, want: Want) -> _Plan | None:
        """A large segment of its own."""
        best: Extent | None = None
        for segment in self._table.segments.values():
            if not segment.large or segment.writer != want.process or len(segment.extents) != 1:
                continue
            (extent,) = segment.extents.values()
            if not segment.length * limits.RECYCLE_SHARE <= want.length <= segment.length:
                continue
            if self._can_empty(extent) and (best is None or self._used(extent) < self._used(best)):
                best = extent
        return None if best is None else self._spillable([best])

    def _plan_window(self, want: Want) -> _Plan | None:
        """Neighbours in a segment of its own, with the holes between them."""
        best: tuple[int, list[Extent]] | None = None
        length = extents.aligned(want.length)
        for segment in self._table.small_segments(want.process):
            pieces = self._pieces(segment)
            for start in range(len(pieces)):
                window: list[Extent] = []
                size = used = 0
                for piece_length, extent in pieces[start:]:
                    if extent is not None:
                        if not self._can_empty(extent):
                            break
                        window.append(extent)
                        used = max(used, self._used(extent))
                    size += piece_length
                    if size >= length:
                        if window and (best is None or used < best[0]):
                            best = (used, window)
                        break
        return None if best is None else self._spillable(best[1])

    @staticmethod
    def _pieces(segment: Segment) -> list[tuple[int, Extent | None]]:
        """The backed part of a segment, in order: lengths, of extents and of holes."""
        pieces: list[tuple[int, int, Extent | None]] = [(e.offset, e.length, e) for e in segment.extents.values()]
        for offset, length in segment.holes:
            end = min(offset + length, segment.target)
            if offset < end:
                pieces.append((offset, end - offset, None))
        pieces.sort(key=lambda piece: piece[0])
        return [(length, extent) for _, length, extent in pieces]

    def _plan_drops(self, want: Want) -> _Plan | None:
        """Segments that can be free from end to end, the least recently used first."""
        table = self._table
        step = limits.BACKING_STEP_BYTES
        growth = (want.length + step - 1) // step * step
        if want.length <= self._table.large_bytes:
            growth += step  # it may begin and end within a step
        missing = max(want.missing, table.allocated + growth - table.capacity)
        batch = 0 if want.process == extents.HOME else min(limits.SPILL_BATCH_BYTES, table.capacity // 8)
        goal = max(missing, batch)
        candidates = []
        for segment in table.segments.values():
            if segment.extents and all(self._can_empty(extent) for extent in segment.extents.values()):
                used = max(self._used(extent) for extent in segment.extents.values())
                candidates.append((used, segment.segment, segment))
        candidates.sort()
        found: list[Extent] = []
        freed = 0
        for used, _, segment in candidates:
            if freed >= (goal if used else missing):
                break
            freed += segment.target
            found += segment.extents.values()
        return self._spillable(found) if found and freed >= missing else None
