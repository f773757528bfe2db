"""Objects, extents, residence and room together, against a model that knows only who may read what.

The machine plays frontends, the kernel's memory and the disk. Memory is a dict from place to the object whose image
lies there, and so is the disk: a value that is answered from the wrong place, or after its place was given to another,
reads as another object.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bowstring_core.machine.extents import HOME, Back, DropSegment, ExtentTable, Grant
from bowstring_core.machine.objects import Answer, Failed, ObjectDirectory, ObjectState, Ref
from bowstring_core.machine.residence import Copy, FreeCopy, FreeExtent, Read, Residence, ResidenceTable, Value, Write
from bowstring_core.machine.room import Refused, Room

MB = 1 << 20
PROCESSES = (1, 2)
BYTES = 3


class Store(RuleBasedStateMachine):
    """One home, two frontends, one disk."""

    CAPACITY = 32 * MB
    DISK = 60 * MB
    INLINE = 4_000

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.extents = ExtentTable(self.CAPACITY)
        self.residence = ResidenceTable(self.DISK, self.INLINE)
        self.room = Room(self.extents, self.residence)
        self.directory = ObjectDirectory(self.residence)
        self.memory: dict[tuple[int, int], bytes] = {}
        self.disk: dict[Copy, bytes] = {}
        self.writes: list[Write] = []
        self.reads: list[tuple[Value, Any]] = []  # with the extent, of stored ones
        self.restoring: dict[int, Value] = {}
        self.granted: list[tuple[int, Any]] = []
        self.open: list[tuple[int, int]] = []  # slabs with an image that are not returned
        self.sealed: dict[bytes, Value] = {}  # held objects
        self.content: dict[Value, bytes] = {}
        self.questions: dict[tuple[int, int], bytes] = {}
        self.pins: dict[int, tuple[int, Value, tuple[int, int]]] = {}
        self.allocations: set[tuple[int, int]] = set()
        self.next = 0

    # Performing -------------------------------------------------------------------------------------------------------

    def do(self, effects: Any) -> None:
        for effect in effects:
            match effect:
                case Back():
                    segment = self.extents.segments.get(effect.segment)
                    if segment is not None and segment.target > effect.start:
                        self.heard(self.extents.backed(effect.segment, effect.end))
                case Grant():
                    self.grant(effect)
                case Refused():
                    if effect.process == HOME:
                        value = self.restoring.pop(effect.request)
                        self.do(self.residence.not_read(value))
                        self.do(self.directory.not_restored(value, effect.code, effect.message))
                    else:
                        self.allocations.remove((effect.process, effect.request))
                case DropSegment():
                    for place in [place for place in self.memory if place[0] == effect.segment]:
                        del self.memory[place]
                case Write():
                    self.writes.append(effect)
                case Read():
                    self.read(effect.value)
                case FreeCopy():
                    del self.disk[effect.copy]
                case FreeExtent():
                    self.heard(self.extents.image_freed(effect.extent))
                    self.do(self.room.retry(self.now))
                case Answer():
                    self.answer(effect)
                case Failed():
                    self.questions.pop((effect.process, effect.request))

    def heard(self, effects: Any) -> None:
        self.do(self.room.heard(effects, self.now)[0])

    def grant(self, effect: Grant) -> None:
        if effect.process == HOME:
            self.reads.append((self.restoring.pop(effect.request), effect.extent))
            return
        self.allocations.remove((effect.process, effect.request))
        self.granted.append((effect.process, effect.extent))

    def read(self, value: Value) -> None:
        assert value.copy in self.disk
        if value.inline:
            self.reads.append((value, None))
            return
        self.next += 1
        self.restoring[self.next] = value
        self.do(self.room.allocate(HOME, self.next, value.length, False, self.now))

    def answer(self, effect: Answer) -> None:
        wanted = self.questions.pop((effect.process, effect.request))
        value = effect.value
        assert self.content[value] == wanted
        if effect.ready_only:
            return
        if value.inline:
            assert value.payload == wanted.ljust(value.length, b"\0")
            return
        assert value.in_memory
        place = value.segment, value.offset
        assert self.memory[place] == wanted
        self.pins[effect.pin] = effect.process, value, place

    # What frontends do ------------------------------------------------------------------------------------------------

    def ref(self, object_id: bytes) -> Ref:
        return Ref(object_id, 0, PROCESSES[0], 1)

    def fresh(self) -> bytes:
        self.next += 1
        return self.next.to_bytes(20, "big")

    @rule(
        process=st.sampled_from(PROCESSES),
        length=st.sampled_from([MB, MB, 2 * MB, 2 * MB, 9 * MB, 18 * MB]),
        slab=st.sampled_from([False, False, True]),
    )
    def allocate(self, process: int, length: int, slab: bool) -> None:
        self.next += 1
        self.allocations.add((process, self.next))
        self.do(self.room.allocate(process, self.next, length, slab, self.now))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def return_slab(self, data: Any) -> None:
        process, number = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        self.heard(self.extents.returned(process, number))
        self.do(self.room.retry(self.now))

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), gives_up=st.sampled_from([False, False, False, True]))
    def seal(self, data: Any, gives_up: bool) -> None:
        process, extent = self.granted.pop(data.draw(st.integers(0, len(self.granted) - 1)))
        if gives_up:
            self.heard(self.extents.returned(process, extent.extent))
            self.do(self.room.retry(self.now))
            return
        if extent.slab:
            self.open.append((process, extent.extent))
        object_id = self.fresh()
        segment = extent.segment.segment
        self.extents.seal(process, extent.extent, segment, extent.offset, extent.length)
        value = Value(BYTES, 2, extent.length, segment=segment, offset=extent.offset, extent=extent.extent)
        self.memory[segment, extent.offset] = object_id
        self.content[value] = object_id
        self.sealed[object_id] = value
        self.do(self.directory.value(self.ref(object_id), value, ()))

    @rule(length=st.sampled_from([20, 500, 3_000]))
    def publish(self, length: int) -> None:
        object_id = self.fresh()
        value = Value(BYTES, 1, length, payload=object_id.ljust(length, b"\0"))
        refused = self.residence.inline_bytes + length > 2 * self.INLINE
        self.content[value] = object_id
        self.sealed[object_id] = value
        self.do(self.directory.value(self.ref(object_id), value, ()))
        if refused:
            assert self.directory.entries[object_id].state is ObjectState.FAILED

    @precondition(lambda self: self.sealed)
    @rule(data=st.data(), process=st.sampled_from(PROCESSES), ready_only=st.booleans())
    def get(self, data: Any, process: int, ready_only: bool) -> None:
        object_id = data.draw(st.sampled_from(sorted(self.sealed)))
        self.next += 1
        self.questions[process, self.next] = object_id
        self.do(self.directory.get(process, self.next, self.ref(object_id), ready_only, 0))

    @precondition(lambda self: self.questions)
    @rule(data=st.data())
    def cancel_get(self, data: Any) -> None:
        process, request = data.draw(st.sampled_from(sorted(self.questions)))
        del self.questions[process, request]
        self.do(self.directory.get_cancelled(process, request))

    @precondition(lambda self: self.pins)
    @rule(data=st.data())
    def unpin(self, data: Any) -> None:
        pin = data.draw(st.sampled_from(sorted(self.pins)))
        process, _, _ = self.pins.pop(pin)
        self.do(self.directory.unpin(process, [pin]))
        self.do(self.room.retry(self.now))

    @precondition(lambda self: self.sealed)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        object_id = data.draw(st.sampled_from(sorted(self.sealed)))
        del self.sealed[object_id]
        self.do(self.directory.process_releases(PROCESSES[0], self.ref(object_id)))

    # What the disk and the clock do -----------------------------------------------------------------------------------

    @precondition(lambda self: self.writes)
    @rule(works=st.sampled_from([True, True, True, False]))
    def write(self, works: bool) -> None:
        values = self.writes.pop(0).values
        if not works:
            self.do(self.residence.not_written(values))
            self.do(self.room.disk_refused("no", self.now))
            return
        copies = []
        for value in values:
            self.next += 1
            copy = Copy(self.next, 0, value.length)
            self.disk[copy] = value.payload[:20] if value.payload else self.memory[value.segment, value.offset]
            copies.append(copy)
        self.do(self.residence.written(values, copies))
        self.do(self.room.retry(self.now))

    @precondition(lambda self: self.reads)
    @rule(works=st.sampled_from([True, True, True, False]))
    def finish_read(self, works: bool) -> None:
        value, extent = self.reads.pop(0)
        if not works:
            if extent is not None:
                self.heard(self.extents.returned(HOME, extent.extent))
            self.do(self.residence.not_read(value))
            self.do(self.directory.not_restored(value, "OBJECT_LOST", "no"))
            return
        data = self.disk[value.copy]  # type: ignore[index]
        if extent is None:
            effects = self.residence.read(value, payload=data.ljust(value.length, b"\0"))
        else:
            place = extent.segment.segment, extent.offset
            self.extents.seal(HOME, extent.extent, *place, value.length)
            self.memory[place] = data
            effects = self.residence.read(value, segment=place[0], offset=place[1], extent=extent.extent)
        self.do(self.directory.restored(value))
        self.do(effects)
        self.do(self.residence.shrink_inline())

    @rule(seconds=st.sampled_from([0.1, 3.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        due = self.room.deadline()
        if due is not None and due <= self.now:
            self.do(self.room.tick(self.now))

    # What must hold ---------------------------------------------------------------------------------------------------

    @invariant()
    def capacity_is_kept(self) -> None:
        assert self.extents.allocated == sum(s.target for s in self.extents.segments.values()) <= self.CAPACITY

    @invariant()
    def disk_is_kept_and_counted(self) -> None:
        writing = sum(value.length for write in self.writes for value in write.values)
        assert self.residence.disk_bytes == sum(copy.length for copy in self.disk) + writing <= self.DISK

    @invariant()
    def inline_values_are_counted_and_bounded(self) -> None:
        in_memory = [
            v for v in self.content if v.inline and v.payload is not None and v.residence is not Residence.GONE
        ]
        kept = [v for v in in_memory if v in self.residence._inline]
        assert self.residence.inline_bytes == sum(value.length for value in kept)
        assert (
            self.residence.inline_bytes <= 2 * self.INLINE + sum(v.length for v, e in self.reads if e is None) + 3_000
        )

    @invariant()
    def pinned_values_stay_where_they_are(self) -> None:
        for _, value, place in self.pins.values():
            assert self.memory[place] == self.content[value]
            assert (value.segment, value.offset) == place
            assert value.in_memory

    @invariant()
    def held_values_have_their_bytes(self) -> None:
        for object_id, value in self.sealed.items():
            if self.directory.entries[object_id].state is ObjectState.FAILED:
                continue
            if value.in_memory and not value.inline:
                assert self.memory[value.segment, value.offset] == object_id
                assert value in self.residence.tenants[value.extent].values
            if value.copy is not None:
                assert self.disk[value.copy] == object_id
            assert value.in_memory or value.copy is not None
            assert (value in self.residence.spilled) == (not value.in_memory)

    @invariant()
    def tenants_are_what_lies_in_extents(self) -> None:
        for number, tenants in self.residence.tenants.items():
            assert self.extents.extents[number].images == len(tenants.values)
            assert tenants.pinned == sum(1 for value in tenants.values if value.pins)

    @invariant()
    def who_asked_is_answered_or_waits_for_something(self) -> None:
        for object_id in self.questions.values():
            assert self.directory.entries[object_id].waiters
        assert self.allocations | {(HOME, request) for request in self.restoring} == set(self.room.waiting)

    def teardown(self) -> None:
        """All that is asked comes to an end, and nothing is left when nobody holds anything."""
        for _ in range(1_000):
            if self.writes:
                self.write(works=True)
            elif self.reads:
                self.finish_read(works=True)
            elif self.room.waiting:
                self.time_passes(seconds=40.0)
            else:
                break
        assert not self.questions
        assert not self.allocations
        for process, extent in self.granted:
            self.heard(self.extents.returned(process, extent.extent))
        for process, number in self.open:
            self.heard(self.extents.returned(process, number))
        for object_id in list(self.sealed):
            self.do(self.directory.process_releases(PROCESSES[0], self.ref(object_id)))
        for pin, (process, _, _) in list(self.pins.items()):
            self.do(self.directory.unpin(process, [pin]))
        while self.writes:
            self.write(works=True)
        assert not self.directory.entries
        assert not self.directory.pins
        assert not self.directory._awaited
        assert not self.disk
        assert not self.extents.extents
        assert not self.residence.tenants
        assert not self.residence.spilled
        assert not self.residence._both
        assert (self.residence.disk_bytes, self.residence.inline_bytes, self.residence._inline_writing) == (0, 0, 0)


TestStore = Store.TestCase
TestStore.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
