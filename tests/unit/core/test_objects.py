"""The object directory: who holds what, and that the order of two processes' messages does not matter."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowstring_core import limits
from bowstring_core.machine.objects import (
    NODE,
    Answer,
    Failed,
    ObjectDirectory,
    ObjectState,
    OutOfScope,
    Ref,
    Transcode,
)
from bowstring_core.machine.residence import FreeExtent, Value

OWNER, BORROWER, THIRD = 11, 12, 13
BYTES, PORTABLE, PYTHON, JAVA = 3, 4, 5, 6


def ref(number=1, owner=OWNER):
    return Ref(number.to_bytes(20, "big"), 0, owner, 1)


def inline(encoding=BYTES):
    return Value(encoding, 1, 3, payload=b"abc\0\0\0\0\0")


def stored(extent=7):
    return Value(BYTES, 2, 64, segment=1, offset=0, extent=extent)


def state(directory, number=1):
    entry = directory.entries.get(ref(number).id)
    return entry.state if entry else None


def test_owner_holds_what_it_publishes_until_it_lets_go():
    directory = ObjectDirectory()
    directory.value(ref(), inline(), ())
    assert state(directory) is ObjectState.READY
    directory.process_releases(OWNER, ref())
    assert state(directory) is None
    (failed,) = directory.get(BORROWER, 1, ref(), False, 0)
    assert (failed.code, failed.process) == ("OBJECT_FREED", BORROWER)


def test_asker_waits_until_the_value_is_there():
    directory = ObjectDirectory()
    assert directory.get(BORROWER, 1, ref(), False, 0) == []
    assert directory.announce(ref()) == []
    value = inline()
    assert directory.value(ref(), value, ()) == [Answer(BORROWER, 1, value, False, 0)]


def test_first_value_wins_and_the_second_one_s_extent_is_freed():
    directory = ObjectDirectory()
    first = inline()
    directory.value(ref(), first, ())
    assert directory.value(ref(), stored(9), ()) == [FreeExtent(9)]
    (answer,) = directory.get(BORROWER, 1, ref(), False, 0)
    assert answer.value is first


def test_stored_bytes_live_until_the_last_pin_is_gone():
    directory = ObjectDirectory()
    directory.value(ref(), stored(), ())
    pins = [directory.get(process, 1, ref(), False, 0)[0].pin for process in (BORROWER, THIRD)]
    assert directory.process_releases(OWNER, ref()) == []
    assert directory.unpin(BORROWER, [pins[1]]) == []  # not its own
    assert directory.unpin(BORROWER, [pins[0], pins[0]]) == []
    assert directory.process_ended(THIRD) == [FreeExtent(7)]


def test_pin_alone_does_not_hold_the_object():
    directory = ObjectDirectory()
    directory.value(ref(), stored(), ())
    directory.get(BORROWER, 1, ref(), False, 0)
    directory.process_releases(OWNER, ref())
    assert directory.get(THIRD, 1, ref(), False, 0)[0].code == "OBJECT_FREED"


def test_contained_objects_are_freed_with_the_last_container():
    directory = ObjectDirectory()
    directory.value(ref(1), inline(), ())
    directory.value(ref(2), inline(), (ref(1),))
    directory.value(ref(3), inline(), (ref(2), ref(1)))
    for number in (1, 2):
        directory.process_releases(OWNER, ref(number))
    assert [state(directory, n) for n in (1, 2, 3)] == [ObjectState.READY] * 3
    directory.process_releases(OWNER, ref(3))
    assert not directory.entries


def test_a_chain_of_many_contained_objects_is_freed_without_recursion():
    directory = ObjectDirectory()
    count = 5_000
    for number in range(count):
        directory.value(ref(number + 1), inline(), (ref(number),) if number else ())
        if number:
            directory.process_releases(OWNER, ref(number))
    directory.process_releases(OWNER, ref(count))
    assert not directory.entries


def test_pending_object_without_holds_is_freed_when_it_becomes_ready():
    directory = ObjectDirectory()
    directory.announce(ref())
    directory.process_releases(OWNER, ref())
    assert state(directory) is ObjectState.PENDING
    assert directory.value(ref(), stored(), ()) == [FreeExtent(7)]


def test_settled_owner_s_pending_and_unknown_objects_fail_and_ready_ones_stay():
    directory = ObjectDirectory()
    directory.announce(ref(1))
    directory.value(ref(2), inline(), ())
    directory.process_holds(BORROWER, ref(2))
    directory.get(BORROWER, 1, ref(1), False, 0)
    directory.get(BORROWER, 2, ref(3), False, 0)
    directory.process_gone(OWNER)
    failures = directory.owner_settled(OWNER)
    assert sorted((f.request, f.code) for f in failures) == [(1, "OWNER_DIED"), (2, "OWNER_DIED")]
    assert state(directory, 2) is ObjectState.READY
    assert directory.get(BORROWER, 3, ref(4), False, 0)[0].code == "OWNER_DIED"


def test_delivery_by_a_worker_after_the_owner_ended_is_still_an_answer():
    directory = ObjectDirectory()
    directory.announce(ref())
    directory.process_holds(BORROWER, ref())
    directory.get(BORROWER, 1, ref(), False, 0)
    directory.process_gone(OWNER)
    assert isinstance(directory.value(ref(), inline(), ())[0], Answer)


def test_ended_processes_hold_nothing_even_if_named_later():
    directory = ObjectDirectory()
    directory.process_gone(OWNER)
    assert directory.value(ref(), stored(), ()) == [FreeExtent(7)]


def test_language_s_own_value_is_transcoded_once_for_all_who_ask():
    directory = ObjectDirectory()
    value = inline(PYTHON)
    directory.value(ref(), value, ())
    (want,) = directory.get(BORROWER, 1, ref(), False, 2)
    assert want == Transcode(ref().id, OWNER, value, 1)
    assert directory.get(THIRD, 2, ref(), False, 2) == []
    (own,) = directory.get(THIRD, 3, ref(), False, 1)
    assert own.value is value
    portable = inline(PORTABLE)
    assert [(a.process, a.value) for a in directory.transcoded(ref().id, portable)] == [
        (BORROWER, portable),
        (THIRD, portable),
    ]
    assert directory.get(THIRD, 4, ref(), False, 2)[0].value is portable


@pytest.mark.parametrize("final", [True, False])
def test_failed_transcoding_is_told_and_tried_again_only_if_that_may_help(final):
    directory = ObjectDirectory()
    directory.value(ref(), inline(JAVA), ())
    directory.get(BORROWER, 1, ref(), False, 1)
    (failed,) = directory.transcode_failed(ref().id, "why", final)
    assert (failed.request, failed.reason) == (1, "why")
    (again,) = directory.get(BORROWER, 2, ref(), False, 1)
    assert isinstance(again, Failed if final else Transcode)


def test_both_encodings_are_freed_with_the_object():
    directory = ObjectDirectory()
    value = stored(1)
    value.encoding = PYTHON
    directory.value(ref(), value, ())
    directory.get(BORROWER, 1, ref(), False, 2)
    pin = directory.pin(NODE, value)
    directory.transcoded(ref().id, stored(2))
    directory.unpin(NODE, [pin])
    effects = directory.process_gone(BORROWER) + directory.process_ended(BORROWER)
    effects += directory.process_releases(OWNER, ref())
    assert sorted(effects) == [FreeExtent(1), FreeExtent(2)]


def test_object_freed_while_it_is_transcoded_leaves_nothing():
    directory = ObjectDirectory()
    directory.value(ref(), inline(PYTHON), ())
    directory.get(BORROWER, 1, ref(), False, 2)
    directory.process_gone(BORROWER)
    directory.process_releases(OWNER, ref())
    assert directory.transcoded(ref().id, stored(3)) == [FreeExtent(3)]


def test_actor_is_out_of_scope_when_its_last_holder_lets_go():
    directory = ObjectDirectory()
    directory.actor_made(ref(), OWNER)
    directory.process_holds(BORROWER, ref())
    assert directory.process_releases(OWNER, ref()) == []
    assert directory.process_gone(BORROWER) == [OutOfScope(ref().id[:16])]
    directory.actor_over(ref().id)
    assert not directory.entries


def test_freed_objects_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(limits, "FREED_OBJECTS_MAX", 10)
    directory = ObjectDirectory()
    for number in range(100):
        directory.value(ref(number + 1), inline(), ())
        directory.process_releases(OWNER, ref(number + 1))
    assert len(directory._freed) == 10


def test_nothing_is_kept_of_references_that_came_and_went():
    directory = ObjectDirectory()
    directory.process_holds(BORROWER, ref())
    directory.process_releases(BORROWER, ref())
    directory.get(BORROWER, 1, ref(), False, 0)
    directory.get_cancelled(BORROWER, 1)
    directory.process_releases(OWNER, ref(2))
    directory.process_gone(OWNER)
    assert not directory.entries
    assert not directory._unready_of


# What one process does to object 1, in its own order. The end must not depend on how the processes' messages mix.
SCRIPTS = {
    "owner publishes and lets go": [(OWNER, "announce"), (OWNER, "release")],
    "owner lets go of what a worker sealed": [(OWNER, "release")],
    "owner lets go and borrows back": [(OWNER, "release"), (OWNER, "hold")],
    "owner publishes, lets go, borrows back, lets go": [
        (OWNER, "announce"),
        (OWNER, "release"),
        (OWNER, "hold"),
        (OWNER, "release"),
    ],
    "owner keeps it": [(OWNER, "announce")],
}
WORKERS = {
    "delivers": [(BORROWER, "value")],
    "delivers and keeps": [(BORROWER, "value"), (BORROWER, "hold")],
    "delivers, keeps, ends": [(BORROWER, "value"), (BORROWER, "hold"), (BORROWER, "gone")],
    "delivers twice": [(BORROWER, "value"), (BORROWER, "value")],
}


def play(events):
    """A third process holds the object meanwhile: nobody borrows what nobody holds."""
    directory = ObjectDirectory()
    effects = []
    for process, event in [(THIRD, "hold"), *events, (THIRD, "release")]:
        match event:
            case "announce":
                effects += directory.announce(ref())
            case "value":
                effects += directory.value(ref(), stored(len(effects) + 1), ())
            case "hold":
                effects += directory.process_holds(process, ref())
            case "release":
                effects += directory.process_releases(process, ref())
            case "gone":
                effects += directory.process_gone(process)
    entry = directory.entries.get(ref().id)
    freed = sum(isinstance(e, FreeExtent) for e in effects)
    return (entry.state, frozenset(entry.holders or ())) if entry else None, freed


def mixes(first, second):
    """Every order of both that keeps each one's own."""
    size = len(first) + len(second)
    for places in itertools.combinations(range(size), len(first)):
        mine, theirs = iter(first), iter(second)
        yield [next(mine) if at in places else next(theirs) for at in range(size)]


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("owner", SCRIPTS)
def test_any_order_of_two_processes_comes_to_the_same_end(owner, worker):
    ends = {play(mix) for mix in mixes(SCRIPTS[owner], WORKERS[worker])}
    assert len(ends) == 1


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_histories_leave_nothing_once_everybody_has_ended(data):
    seed = data.draw(st.integers(0, 1 << 30))
    chance = random.Random(seed)
    directory = ObjectDirectory()
    extents, freed, extent = set(), [], 0
    processes, refs = [OWNER, BORROWER, THIRD], [ref(n, chance.choice([OWNER, BORROWER])) for n in range(1, 6)]
    for request in range(1, 81):
        process, target = chance.choice(processes), chance.choice(refs)
        match chance.randrange(7):
            case 0:
                effects = directory.announce(target)
            case 1:
                extent += 1
                extents.add(extent)
                smaller = tuple(r for r in refs if r.id < target.id and chance.random() < 0.3)
                effects = directory.value(target, stored(extent), smaller)
            case 2:
                effects = directory.process_holds(process, target)
            case 3:
                effects = directory.process_releases(process, target)
            case 4:
                effects = directory.get(process, request, target, chance.random() < 0.5, 0)
            case 5:
                effects = directory.get_cancelled(process, request - chance.randrange(5))
            case 6:
                mine = [pin for pin, (holder, _) in directory.pins.items() if holder == process]
                effects = directory.unpin(process, mine[:1])
        freed += [e.extent for e in effects if isinstance(e, FreeExtent)]
        for entry in directory:
            assert entry.state is not ObjectState.FREED
            if entry.state is ObjectState.READY:
                assert entry.holders or entry.other_holds or entry.waiters
    for process in processes:
        for effects in (
            directory.process_gone(process),
            directory.owner_settled(process),
            directory.process_ended(process),
        ):
            freed += [e.extent for e in effects if isinstance(e, FreeExtent)]
    assert not directory.entries
    assert not directory.pins
    assert not directory._held
    assert not directory._asked
    assert sorted(freed) == sorted(extents)
