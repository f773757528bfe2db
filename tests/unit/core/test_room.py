"""What is spilled for whom, and who is refused when."""

from bowstring_core.machine.extents import HOME, Back, DropSegment, ExtentTable, Grant, MakeSegment
from bowstring_core.machine.residence import Copy as DiskCopy
from bowstring_core.machine.residence import FreeCopy, Read, Residence, ResidenceTable, Value, Write
from bowstring_core.machine.room import Recall, Refused, Room

MB = 1 << 20
A, B = 1, 2
BYTES = 3


class Store:
    """The tables, with memory that is there at once."""

    def __init__(self, capacity=40 * MB, disk=None, inline=1 << 20):
        self.extents = ExtentTable(capacity)
        self.residence = ResidenceTable(disk, inline)
        self.room = Room(self.extents, self.residence)
        self.requests = self.archives = 0

    def settle(self, effects):
        """Back what is to be backed; the other effects."""
        told, todo = [], list(effects)
        while todo:
            effect = todo.pop(0)
            if isinstance(effect, Back):
                todo = self.room.heard(self.extents.backed(effect.segment, effect.end), 0.0)[0] + todo
            elif not isinstance(effect, MakeSegment | DropSegment):
                told.append(effect)
        return told

    def ask(self, length, process=A, now=0.0, slab=False):
        self.requests += 1
        return self.settle(self.room.allocate(process, self.requests, length, slab, now))

    def put(self, length, process=A):
        """A value that fits."""
        (grant,) = self.ask(length, process)
        return self.seal(grant)

    def seal(self, grant):
        assert isinstance(grant, Grant)
        extent = grant.extent
        place = extent.segment.segment, extent.offset
        self.extents.seal(grant.process, extent.extent, *place, extent.length)
        value = Value(BYTES, 2, extent.length, segment=place[0], offset=place[1], extent=extent.extent)
        assert self.residence.came(value) == []
        return value

    def written(self, write):
        self.archives += 1
        copies = [DiskCopy(self.archives, at, value.length) for at, value in enumerate(write.values)]
        for effect in self.residence.written(write.values, copies):
            self.settle(self.extents.image_freed(effect.extent))
        return self.settle(self.room.retry(0.0))


def test_the_least_recently_used_goes_and_only_as_much_as_is_needed():
    store = Store()
    values = [store.put(9 * MB) for _ in range(4)]
    store.residence.pinned(values[0])
    store.residence.unpinned(values[0])
    (write,) = store.ask(9 * MB)
    assert write == Write((values[1],))
    (grant,) = store.written(write)
    assert (grant.process, grant.extent.segment.segment) == (A, 2)  # its warm memory
    assert [value.residence for value in values].count(Residence.DISK) == 1


def test_what_is_pinned_stays_and_who_needs_it_is_refused_after_a_while():
    store = Store()
    for _ in range(4):
        store.residence.pinned(store.put(9 * MB))
    assert store.ask(9 * MB) == [Recall(frozenset(), 9 * MB, pinned=True)]  # somebody may have a pin and not read
    due = store.room.deadline()
    assert store.room.tick(due - 0.1) == []
    (refused,) = store.settle(store.room.tick(due))
    assert (refused.code, refused.process) == ("OBJECT_STORE_FULL", A)
    assert f"{36 * MB} bytes can't go to disk because they are being read" in refused.message
    assert store.room.deadline() is None


def test_a_value_that_is_pinned_while_it_is_written_keeps_its_memory_and_goes_at_once_the_next_time():
    store = Store()
    values = [store.put(9 * MB) for _ in range(4)]
    (write,) = store.ask(9 * MB)
    store.residence.pinned(values[0])
    (second,) = store.written(write)
    assert values[0].residence is Residence.BOTH
    assert second.values == (values[1],)
    assert store.residence.unpinned(values[0]) == []
    (grant,) = store.written(second)
    for value in (*values[2:], store.seal(grant)):
        store.residence.pinned(value)
        store.residence.unpinned(value)
    assert isinstance(store.ask(9 * MB)[0], Grant)  # without waiting for the disk
    assert values[0].residence is Residence.DISK


def test_a_dropped_value_s_memory_goes_when_the_disk_has_done_with_it():
    store = Store()
    values = [store.put(9 * MB) for _ in range(4)]
    (write,) = store.ask(9 * MB)
    assert store.residence.dropped(values[0]) == []
    free_copy, free_extent = store.residence.written(write.values, [DiskCopy(1, 0, 9 * MB)])
    assert isinstance(free_copy, FreeCopy)
    assert store.residence.disk_bytes == 0
    assert values[0].residence is Residence.GONE
    assert free_extent.extent


def test_other_writers_segments_are_dropped_for_who_has_none():
    store = Store()
    first, second = store.put(17 * MB, B), store.put(17 * MB, B)
    (write,) = store.ask(12 * MB)
    assert write.values == (first,)
    (grant,) = store.written(write)
    assert grant.process == A
    assert second.residence is Residence.MEMORY


def test_neighbours_make_one_hole_together():
    store = Store(capacity=8 * MB)
    values = [store.put(MB) for _ in range(8)]
    store.residence.pinned(values[1])
    (write,) = store.ask(2 * MB)
    assert write.values == (values[2], values[3])


def test_an_open_slab_is_not_touched_but_asked_back_once():
    store = Store(capacity=8 * MB)
    (grant,) = store.ask(8 * MB, slab=True)
    value = store.seal(grant)
    assert store.ask(MB, B) == [Recall(frozenset((A,)), MB)]
    assert store.settle(store.room.retry(0.0)) == []
    assert store.extents.returned(A, grant.extent.extent) == []
    assert store.settle(store.room.retry(0.0)) == [Write((value,))]


def test_the_disk_s_limit_is_kept_with_room_for_one_that_is_to_be_read():
    store = Store(disk=20 * MB)
    values = [store.put(9 * MB) for _ in range(4)]
    (write,) = store.ask(9 * MB)
    (grant,) = store.written(write)
    store.seal(grant)
    (refused,) = store.ask(9 * MB)
    assert refused.code == "OUT_OF_DISK"
    assert "spill_bytes_max" in refused.message
    assert store.residence.want(values[0]) == [Read(values[0])]
    (write,) = store.ask(9 * MB, HOME)
    assert write.for_reading
    assert write.values == (values[1],)


def test_a_disk_that_fails_refuses_who_waits_for_it():
    store = Store()
    values = [store.put(9 * MB) for _ in range(4)]
    (write,) = store.ask(9 * MB)
    assert store.residence.not_written(write.values) == []
    (refused,) = store.settle(store.room.disk_refused("the disk is gone", 0.0))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.message.endswith("; the disk is gone")) == ("OUT_OF_DISK", True)
    assert [value.residence for value in values] == [Residence.MEMORY] * 4
    assert store.residence.disk_bytes == 0


def test_who_ends_waits_no_more():
    store = Store()
    for _ in range(4):
        store.residence.pinned(store.put(9 * MB))
    store.ask(9 * MB)
    store.room.process_ended(A)
    assert store.room.deadline() is None


def test_inline_values_beyond_the_limit_go_to_disk_least_recently_used_first():
    table = ResidenceTable(None, 1_000)
    values = [Value(BYTES, 1, 300, payload=bytes(304)) for _ in range(4)]
    assert [table.came(value) for value in values[:3]] == [[], [], []]
    table.used(values[0])
    (write,) = table.came(values[3])
    assert write.values == (values[1], values[2])  # an eighth more than must be
    assert table.written(write.values, [DiskCopy(1, 0, 300), DiskCopy(1, 320, 300)]) == []
    assert (table.inline_bytes, table.disk_bytes, values[1].payload) == (600, 600, None)


def test_inline_values_beyond_twice_the_limit_are_refused():
    table = ResidenceTable(0, 1_000)
    for _ in range(6):
        value = Value(BYTES, 1, 300, payload=bytes(304))
        assert not table.refuses(value)
        assert table.came(value) == []
    assert table.refuses(Value(BYTES, 1, 300, payload=bytes(304)))


def test_of_many_that_wait_only_some_are_looked_at_and_all_are_served_in_the_end():
    store = Store(capacity=64 * MB)
    values = [store.put(2 * MB) for _ in range(32)]
    writes = []
    for _ in range(300):
        writes += [effect for effect in store.ask(2 * MB, HOME) if isinstance(effect, Write)]
    assert len(store.room.waiting) == 300
    served = 0
    while writes:
        told = store.written(writes.pop(0))
        writes += [effect for effect in told if isinstance(effect, Write)]
        for grant in [effect for effect in told if isinstance(effect, Grant)]:
            served += 1
            store.seal(grant)
        if not writes:
            writes += [effect for effect in store.settle(store.room.retry(0.0)) if isinstance(effect, Write)]
    assert served == 300
    assert not store.room.waiting
    assert values[0].residence is Residence.DISK
