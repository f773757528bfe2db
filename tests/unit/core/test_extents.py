"""The allocator: memory is granted when it is backed, never twice, and comes back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bowstring_core import limits
from bowstring_core.machine.extents import Back, DropSegment, ExtentTable, Full, Grant, MakeSegment
from bowstring_core.machine.transitions import TransitionError

A, B = 1, 2
MB = 1 << 20


def settle(table, effects, refuse=False):
    """Carry out what a store would; what is left for the frontends."""
    told, todo = [], list(effects)
    while todo:
        effect = todo.pop(0)
        if isinstance(effect, Back):
            segment = table.segments.get(effect.segment)
            if segment is None or segment.target <= effect.start:
                continue
            todo += table.not_backed(effect.segment, "no") if refuse else table.backed(effect.segment, effect.end)
        else:
            told.append(effect)
    return told


def allocate(table, process=A, length=64, slab=False):
    told = settle(table, table.allocate(process, 1, length, slab))
    grants = [e for e in told if isinstance(e, Grant)]
    return grants[0].extent if grants else None


def put(table, process=A, length=64):
    extent = allocate(table, process, length)
    table.seal(process, extent.extent, extent.segment.segment, extent.offset, length)
    return extent


def test_grant_waits_for_its_memory():
    table = ExtentTable(1 << 30)
    make, back = table.allocate(A, 5, 100, False)[:2]
    assert make == MakeSegment(1, limits.SEGMENT_BYTES)
    assert (back.segment, back.start) == (1, 0)
    (grant,) = table.backed(1, limits.BACKING_STEP_BYTES)
    assert (grant.process, grant.request, grant.extent.offset, grant.extent.length) == (A, 5, 0, 128)


def test_what_is_backed_ahead_is_granted_at_once():
    table = ExtentTable(1 << 30)
    allocate(table)
    effects = table.allocate(A, 2, 2 * MB, False)
    assert isinstance(effects[0], Grant)


def test_small_extents_share_a_segment_of_their_writer_alone():
    table = ExtentTable(1 << 30)
    first, second, other = allocate(table), allocate(table), allocate(table, B)
    assert first.segment is second.segment is not other.segment
    assert second.offset == 64


def test_freed_extents_are_used_again_lowest_first():
    table = ExtentTable(1 << 30)
    extents = [put(table, length=1000) for _ in range(4)]
    table.image_freed(extents[2].extent)
    table.image_freed(extents[1].extent)
    assert put(table, length=2000).offset == extents[1].offset


def test_large_extent_is_recycled_to_its_writer_for_about_its_size():
    table = ExtentTable(1 << 30)
    first = put(table, length=100 * MB)
    table.image_freed(first.extent)
    assert allocate(table, B, 100 * MB).segment is not first.segment
    assert allocate(table, A, 60 * MB).segment is not first.segment
    again = allocate(table, A, 90 * MB)
    assert again.segment is first.segment
    assert again.length == 100 * MB


def test_free_segments_are_dropped_when_the_store_is_full_and_nothing_else():
    table = ExtentTable(100 * MB)
    free, used = put(table, length=40 * MB), put(table, length=40 * MB)
    table.show(free.segment.segment, B)
    table.image_freed(free.extent)
    told = settle(table, table.allocate(B, 1, 50 * MB, False))
    assert DropSegment(free.segment.segment, frozenset((A, B))) in told
    assert any(isinstance(e, Grant) for e in told)
    told = settle(table, table.allocate(B, 2, 50 * MB, False))
    full = next(e for e in told if isinstance(e, Full))
    assert str(used.length + 50 * MB) in full.message


def test_more_than_the_capacity_is_refused_at_once():
    (full,) = ExtentTable(MB).allocate(A, 9, 2 * MB, False)
    assert isinstance(full, Full)
    assert full.request == 9


def test_memory_that_can_not_be_backed_is_refused_and_leaves_nothing():
    table = ExtentTable(1 << 30)
    told = settle(table, table.allocate(A, 1, 100 * MB, False), refuse=True)
    assert [type(e) for e in told] == [MakeSegment, Full, DropSegment]
    assert table.allocated == 0
    assert not table.segments
    assert not table.extents


def test_slab_is_free_when_it_was_returned_and_its_last_image_has_gone():
    table = ExtentTable(1 << 30)
    slab = allocate(table, length=MB, slab=True)
    number, segment = slab.extent, slab.segment.segment
    table.seal(A, number, segment, 0, 64)
    table.image_freed(number)
    table.seal(A, number, segment, 64, 64)
    table.seal(A, number, segment, 128, 64)
    table.returned(A, number)
    table.image_freed(number)
    assert number in table.extents
    table.image_freed(number)
    assert number not in table.extents


def test_sealed_extent_takes_no_second_image():
    table = ExtentTable(1 << 30)
    extent = put(table)
    with pytest.raises(TransitionError, match="IN_USE: another ObjectSeal"):
        table.seal(A, extent.extent, extent.segment.segment, extent.offset, 64)


def test_returned_slab_takes_no_more_images():
    table = ExtentTable(1 << 30)
    slab = allocate(table, length=MB, slab=True)
    table.seal(A, slab.extent, slab.segment.segment, 0, 64)
    table.returned(A, slab.extent)
    with pytest.raises(TransitionError):
        table.seal(A, slab.extent, slab.segment.segment, 64, 64)


def test_only_the_writer_may_seal_or_return():
    table = ExtentTable(1 << 30)
    extent = allocate(table)
    with pytest.raises(TransitionError):
        table.seal(B, extent.extent, extent.segment.segment, 0, 64)
    with pytest.raises(TransitionError):
        table.returned(B, extent.extent)


def test_ended_writer_s_objects_stay_until_they_are_freed():
    table = ExtentTable(1 << 30)
    kept = put(table)
    allocate(table)
    table.process_ended(A)
    assert list(table.extents) == [kept.extent]
    (drop,) = table.image_freed(kept.extent)
    assert drop == DropSegment(kept.segment.segment, frozenset())
    assert table.allocated == 0


def test_free_large_segments_are_kept_up_to_a_number():
    table = ExtentTable(1 << 40)
    extents = [put(table, length=20 * MB) for _ in range(limits.WARM_SEGMENTS_MAX + 3)]
    for extent in extents:
        table.image_freed(extent.extent)
    assert len(table.segments) == limits.WARM_SEGMENTS_MAX


class Allocator(RuleBasedStateMachine):
    """Two writers and a store whose memory comes late or not at all."""

    CAPACITY = 300 * MB

    def __init__(self):
        super().__init__()
        self.table = ExtentTable(self.CAPACITY)
        self.writers = [1, 2]
        self.next_writer = 3
        self.backing: list[Back] = []
        self.granted: dict[int, object] = {}
        self.images: list[int] = []
        self.asked = self.answered = 0

    def do(self, effects):
        for effect in effects:
            match effect:
                case Back():
                    self.backing.append(effect)
                case Grant():
                    self.answered += 1
                    extent = effect.extent
                    assert extent.offset + extent.length <= extent.segment.backed
                    assert extent.offset % 64 == 0
                    self.granted[extent.extent] = extent
                case Full():
                    self.answered += 1
                case DropSegment():
                    assert effect.segment not in self.table.segments

    @rule(data=st.data(), length=st.sampled_from([1, 100, MB, 5 * MB, 17 * MB, 20 * MB, 120 * MB]), slab=st.booleans())
    def allocate(self, data, length, slab):
        self.asked += 1
        self.do(self.table.allocate(data.draw(st.sampled_from(self.writers)), 1, length, slab))

    @precondition(lambda self: self.backing)
    @rule(works=st.booleans())
    def back(self, works):
        effect = self.backing.pop(0)
        segment = self.table.segments.get(effect.segment)
        if segment is None or segment.target <= effect.start:
            return
        if works:
            self.do(self.table.backed(effect.segment, effect.end))
        else:
            self.backing = [b for b in self.backing if b.segment != effect.segment]
            self.do(self.table.not_backed(effect.segment, "no"))

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def seal(self, data):
        extent = self.granted[data.draw(st.sampled_from(sorted(self.granted)))]
        self.table.seal(extent.segment.writer, extent.extent, extent.segment.segment, extent.offset, 1)
        self.images.append(extent.extent)
        if not extent.slab:
            del self.granted[extent.extent]

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def give_back(self, data):
        extent = self.granted.pop(data.draw(st.sampled_from(sorted(self.granted))))
        self.do(self.table.returned(extent.segment.writer, extent.extent))

    @precondition(lambda self: self.images)
    @rule(data=st.data())
    def free(self, data):
        index = data.draw(st.integers(0, len(self.images) - 1))
        self.do(self.table.image_freed(self.images.pop(index)))

    @rule(data=st.data())
    def writer_ends(self, data):
        writer = data.draw(st.sampled_from(self.writers))
        self.writers[self.writers.index(writer)] = self.next_writer
        self.next_writer += 1
        self.granted = {n: e for n, e in self.granted.items() if e.segment.writer != writer}
        waiting = sum(len(s.waiting) for s in self.table.segments.values() if s.writer == writer)
        self.answered += waiting  # nobody is left to be told
        self.do(self.table.process_ended(writer))

    @rule()
    def memory_is_short(self):
        self.do(self.table.reclaim_all())

    @invariant()
    def capacity_is_kept(self):
        assert self.table.allocated == sum(s.target for s in self.table.segments.values()) <= self.CAPACITY

    @invariant()
    def holes_and_extents_are_the_segment(self):
        for segment in self.table.segments.values():
            pieces = sorted([*segment.holes, *((e.offset, e.length) for e in segment.extents.values())])
            at = 0
            for offset, length in pieces:
                assert offset == at
                at += length
            assert at == segment.length
            ends = {offset + length for offset, length in segment.holes}
            assert not ends & {offset for offset, _ in segment.holes}, "neighbouring holes"

    @invariant()
    def every_question_is_answered_or_waits(self):
        waiting = sum(len(s.waiting) for s in self.table.segments.values())
        assert self.asked == self.answered + waiting

    @invariant()
    def images_lie_in_live_extents(self):
        assert set(self.images) | set(self.granted) <= set(self.table.extents)


TestAllocator = Allocator.TestCase
TestAllocator.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
