"""What the home is told of the references in a process, and when."""

from __future__ import annotations

from typing import Any

from bowstring.object_ref import BORROWED, HELD, KnownRefs, ObjectRef

OUTER, INNER = b"o" * 20, b"i" * 20
NOWHERE: Any = None


def held(known: KnownRefs, object_id: bytes) -> ObjectRef[Any]:
    ref: ObjectRef[Any] = ObjectRef(NOWHERE, object_id, 1, 2, HELD)
    known.note(ref)
    return ref


def read_out(known: KnownRefs, outer: ObjectRef[Any]) -> ObjectRef[Any]:
    container = known.container(outer)
    assert container is not None
    ref: ObjectRef[Any] = ObjectRef(NOWHERE, INNER, 1, 2, BORROWED)
    known.contain(ref, container)
    return ref


def told(known: KnownRefs) -> list[tuple[bytes, int]]:
    return [(change[0], change[4]) for change in known.changes()]


def test_what_is_read_out_of_a_held_object_and_dropped_before_it_is_never_told() -> None:
    known = KnownRefs()
    outer = held(known, OUTER)
    inner = read_out(known, outer)
    assert known.find(INNER) is inner
    del inner
    assert told(known) == []
    del outer
    assert told(known) == [(OUTER, -1)]


def test_what_outlives_the_object_that_it_was_read_out_of_is_held_before_that_is_released() -> None:
    known = KnownRefs()
    outer = held(known, OUTER)
    inner = read_out(known, outer)
    del outer
    assert told(known) == [(INNER, 1), (OUTER, -1)]
    del inner
    assert told(known) == [(INNER, -1)]


def test_a_new_reference_on_the_container_takes_over_what_it_holds() -> None:
    known = KnownRefs()
    outer = held(known, OUTER)
    inner = read_out(known, outer)
    del outer
    again = held(known, OUTER)
    assert told(known) == []
    del again
    assert told(known) == [(INNER, 1), (OUTER, -1)]
    assert inner._flags & HELD


def test_an_object_whose_home_does_not_count_us_holds_nothing_for_us() -> None:
    known = KnownRefs()
    borrowed: ObjectRef[Any] = ObjectRef(NOWHERE, OUTER, 1, 2, BORROWED)
    known.note(borrowed)
    assert known.container(borrowed) is None


def test_what_has_a_hold_of_its_own_keeps_it() -> None:
    known = KnownRefs()
    outer = held(known, OUTER)
    first: ObjectRef[Any] = ObjectRef(NOWHERE, INNER, 1, 2, BORROWED | HELD)
    known.take(first)
    assert told(known) == [(INNER, 1)]
    del first
    inner = read_out(known, outer)  # before the home was told that the first one has gone
    assert inner._flags & HELD
    del outer
    assert told(known) == [(OUTER, -1)]
    del inner
    assert told(known) == [(INNER, -1)]


def test_references_read_again_and_again_leave_nothing_behind() -> None:
    known = KnownRefs()
    outer = held(known, OUTER)
    for _ in range(100):
        read_out(known, outer)
        assert told(known) == []
    container = known.container(outer)
    assert container is not None
    assert container.inside == []
