"""The object directory of a home: what exists, who holds it, who waits for it, who reads it (spec 3.12, chapter 6).

An object is UNKNOWN (only named so far), PENDING, READY, FAILED or freed. It lives while somebody holds it: processes
(a set, because a process tells only when its own count reaches or leaves zero), and objects, functions and actors (a
count). Its owner is counted by the first publish or seal, whoever sends it, and once; a release by the owner that comes
before that is remembered, so that any order of the messages of two processes comes to the same end.

Freed objects are remembered by id, so that who asks late is told instead of left waiting; a bounded number of them.
An actor's life is an object too: it stays PENDING, and its last hold's end is told as OutOfScope.

A value's bytes live until the value is dropped *and* its last pin has gone; where they are is `residence`'s to know,
and who asks for a value that is on disk waits until it is in memory. A value in a language's own encoding gets a
second, portable one when a reader of another language asks; both belong to the object.

The directory refuses to know sockets, segments and workers: values carry what others need to answer with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine import residence
from bowstring_core.machine.residence import ResidenceTable, Value
from bowstring_core.machine.transitions import State, next_state

NODE = 0  # the process that stands for the node itself, as a holder of pins

# Encodings that only one language reads: encoding -> language.
OWN_LANGUAGE = {5: 1, 6: 2}


class ObjectState(State):
    """Where an object stands."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    FREED = "freed"


_S = ObjectState
TRANSITIONS: dict[tuple[ObjectState, str], ObjectState] = {
    (_S.UNKNOWN, "announced"): _S.PENDING,
    (_S.UNKNOWN, "value"): _S.READY,
    (_S.UNKNOWN, "owner settled"): _S.FAILED,
    (_S.UNKNOWN, "forgotten"): _S.FREED,  # nobody holds it, waits for it, or is to remember it
    (_S.PENDING, "announced"): _S.PENDING,
    (_S.PENDING, "value"): _S.READY,
    (_S.UNKNOWN, "refused"): _S.FAILED,  # no room for another inline value
    (_S.PENDING, "refused"): _S.FAILED,
    (_S.PENDING, "owner settled"): _S.FAILED,
    (_S.PENDING, "actor over"): _S.FAILED,
    (_S.READY, "announced"): _S.READY,
    (_S.READY, "value"): _S.READY,  # the first one stays
    (_S.READY, "no hold is left"): _S.FREED,
    (_S.FAILED, "announced"): _S.FAILED,
    (_S.FAILED, "value"): _S.FAILED,
    (_S.FAILED, "no hold is left"): _S.FREED,
}


class Ref(NamedTuple):
    """A reference as it travels; the same fields as on the wire."""

    id: bytes
    flags: int
    owner: int
    home: int


class Waiter(NamedTuple):
    """Somebody who asked."""

    process: int
    request: int
    ready_only: bool
    reader: int


class Entry:
    """One object. Read-only outside of the directory."""

    __slots__ = (
        "actor",
        "contains",
        "failure",
        "holders",
        "id",
        "other_failure",
        "other_holds",
        "other_value",
        "owner",
        "owner_counted",
        "state",
        "transcoding",
        "value",
        "waiters",
    )

    def __init__(self, ref: Ref) -> None:
        self.id, self.owner = ref.id, ref.owner
        self.state = ObjectState.UNKNOWN
        self.holders: set[int] | None = None
        self.other_holds = 0  # objects, functions, actors
        self.owner_counted = False  # or released before it was
        self.value: Value | None = None
        self.other_value: Value | None = None
        self.contains: Sequence[Ref] = ()
        self.waiters: list[Waiter] | None = None
        self.transcoding = False
        self.failure: object = None
        self.other_failure: object = None
        self.actor = False


# Effects --------------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """Tell the process of the value; `pin` is 0 unless it was pinned for it."""

    process: int
    request: int
    value: Value
    ready_only: bool
    pin: int


class Failed(NamedTuple):
    """Tell the process why there will be no value: a code's name and a message, or what was given as the reason."""

    process: int
    request: int
    code: str
    message: str
    reason: object = None


class Transcode(NamedTuple):
    """Have the value written portably; it is pinned until then."""

    object: bytes
    owner: int
    value: Value
    language: int


class OutOfScope(NamedTuple):
    """Nobody holds the actor any more."""

    actor: bytes


Effect = Answer | Failed | Transcode | OutOfScope | residence.Effect


class ObjectDirectory:
    """Every object whose home this node is.

    Args:
        residence: Where values are.
    """

    def __init__(self, residence: ResidenceTable | None = None) -> None:
        self.residence = residence or ResidenceTable()
        self.entries: dict[bytes, Entry] = {}
        self._awaited: dict[Value, bytes] = {}  # on disk and asked for: the object
        self.pins: dict[int, tuple[int, Value]] = {}
        self._freed: dict[bytes, None] = {}
        self._held: dict[int, set[bytes]] = {}
        self._pins_of: dict[int, set[int]] = {}
        self._unready_of: dict[int, set[bytes]] = {}
        self._asked: dict[tuple[int, int], bytes] = {}
        self._asked_by: dict[int, set[int]] = {}
        self._gone: set[int] = set()
        self._settled: set[int] = set()
        self._next_pin = 1

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    # Entries ----------------------------------------------------------------------------------------------------------

    def _entry(self, ref: Ref) -> Entry | None:
        """The object's entry, made if need be; None if it was freed."""
        entry = self.entries.get(ref.id)
        if entry is None and ref.id not in self._freed:
            entry = self.entries[ref.id] = Entry(ref)
            self._unready_of.setdefault(ref.owner, set()).add(ref.id)
        return entry

    def _move(self, entry: Entry, event: str) -> None:
        before = entry.state
        after = next_state(TRANSITIONS, lambda: f"object {entry.id.hex()}", before, event)
        entry.state = after
        unready = (ObjectState.UNKNOWN, ObjectState.PENDING)
        if before in unready and after not in unready:
            of_owner = self._unready_of[entry.owner]
            of_owner.discard(entry.id)
            if not of_owner:
                del self._unready_of[entry.owner]

    def _count_owner(self, entry: Entry) -> None:
        if not entry.owner_counted:
            entry.owner_counted = True
            self._hold(entry, entry.owner)

    def _hold(self, entry: Entry, process: int) -> None:
        if process in self._gone:
            return
        if entry.holders is None:
            entry.holders = {process}
        else:
            entry.holders.add(process)
        self._held.setdefault(process, set()).add(entry.id)

    def _unhold(self, entry: Entry, process: int) -> None:
        if entry.holders and process in entry.holders:
            entry.holders.discard(process)
            held = self._held[process]
            held.discard(entry.id)
            if not held:
                del self._held[process]

    # Values -----------------------------------------------------------------------------------------------------------

    def announce(self, ref: Ref) -> list[Effect]:
        """ObjectPublish PENDING."""
        entry = self._entry(ref)
        if entry is None:
            return []
        self._move(entry, "announced")
        self._count_owner(entry)
        return self._free_if_unheld(entry)

    def value(self, ref: Ref, value: Value, contains: Sequence[Ref]) -> list[Effect]:
        """ObjectPublish INLINE or ObjectSeal. The first value wins; a later one is dropped."""
        entry = self._entry(ref)
        if entry is None:
            return self._refuse(value)
        self._count_owner(entry)
        first = entry.state in (ObjectState.UNKNOWN, ObjectState.PENDING)
        if first and self.residence.refuses(value):
            entry.failure = self._too_much_inline(value)
            return self._fail(entry, "refused")
        self._move(entry, "value")
        if not first:
            return self._refuse(value)
        effects = self._keep(value)
        entry.value = value
        entry.contains = contains
        self.hold(contains)
        return effects + self._answer_all(entry) + self._free_if_unheld(entry)

    def _keep(self, value: Value) -> list[Effect]:
        return [*self.residence.came(value)]

    def _refuse(self, value: Value) -> list[Effect]:
        """The value is nobody's."""
        return [] if value.inline else [residence.FreeExtent(value.extent)]

    def _drop(self, value: Value | None) -> list[Effect]:
        return [] if value is None else [*self.residence.dropped(value)]

    def _too_much_inline(self, value: Value) -> tuple[str, str]:
        table = self.residence
        return "OBJECT_STORE_FULL", (
            f"a value of {value.length} bytes was refused: the node holds {table.inline_bytes} bytes of small values,"
            f" and would write to disk what goes beyond {table.inline_bytes_max}, but the disk does not take them"
        )

    def transcoded(self, object_id: bytes, value: Value) -> list[Effect]:
        """The portable encoding is there."""
        entry = self.entries.get(object_id)
        if entry is None:
            return self._refuse(value)
        entry.transcoding = False
        if self.residence.refuses(value):
            return self.transcode_failed(object_id, self._too_much_inline(value), False)
        effects = self._keep(value)
        entry.other_value = value
        return effects + self._answer_all(entry) + self._free_if_unheld(entry)

    def transcode_failed(self, object_id: bytes, reason: object, final: bool) -> list[Effect]:
        """There will be no portable encoding now; `final`: nor later."""
        entry = self.entries.get(object_id)
        if entry is None:
            return []
        entry.transcoding = False
        if final:
            entry.other_failure = reason
        effects: list[Effect] = []
        keep = []
        for waiter in entry.waiters or ():
            if waiter.ready_only or self._readable(entry, waiter.reader):
                keep.append(waiter)
            else:
                self._unask(waiter)
                effects.append(Failed(waiter.process, waiter.request, "", "", reason))
        entry.waiters = keep or None
        return effects + self._free_if_unheld(entry)

    # Asking -----------------------------------------------------------------------------------------------------------

    def get(self, process: int, request: int, ref: Ref, ready_only: bool, reader: int) -> list[Effect]:
        """ObjectGet."""
        if ref.id in self._freed:
            message = f"object {ref.id.hex()} was freed: nobody held it any more"
            return [Failed(process, request, "OBJECT_FREED", message)]
        entry = self._entry(ref)
        assert entry is not None
        if entry.actor:
            message = f"{ref.id.hex()} is an actor's life, which has no value"
            return [Failed(process, request, "INVALID_ARGUMENT", message)]
        if entry.waiters is None:
            entry.waiters = []
        entry.waiters.append(Waiter(process, request, ready_only, reader))
        self._asked[process, request] = entry.id
        self._asked_by.setdefault(process, set()).add(request)
        if entry.state in (ObjectState.READY, ObjectState.FAILED):
            return self._answer_all(entry)
        if entry.owner in self._settled:
            return self._fail(entry, "owner settled")
        return []

    def get_cancelled(self, process: int, request: int) -> list[Effect]:
        """ObjectGetCancel; nothing if it was answered meanwhile."""
        object_id = self._asked.get((process, request))
        if object_id is None:
            return []
        entry = self.entries[object_id]
        waiters = [w for w in entry.waiters or () if (w.process, w.request) != (process, request)]
        entry.waiters = waiters or None
        self._forget_question(process, request)
        return self._free_if_unheld(entry)

    def _unask(self, waiter: Waiter) -> None:
        self._forget_question(waiter.process, waiter.request)

    def _forget_question(self, process: int, request: int) -> None:
        del self._asked[process, request]
        asked = self._asked_by[process]
        asked.discard(request)
        if not asked:
            del self._asked_by[process]

    def _readable(self, entry: Entry, reader: int) -> Value | None:
        value = entry.value
        if value is not None and reader and OWN_LANGUAGE.get(value.encoding, reader) != reader:
            return entry.other_value
        return value

    def _answer_all(self, entry: Entry) -> list[Effect]:
        waiters, entry.waiters = entry.waiters, None
        if not waiters:
            return []
        effects: list[Effect] = []
        keep: list[Waiter] = []
        for waiter in waiters:
            if entry.state is ObjectState.FAILED:
                effects.append(self._failed(entry, waiter))
            elif waiter.ready_only:
                assert entry.value is not None
                effects.append(Answer(waiter.process, waiter.request, entry.value, True, 0))
            elif (value := self._readable(entry, waiter.reader)) is not None:
                if not value.in_memory:
                    keep.append(waiter)
                    effects += self._await(entry, value)
                    continue
                pin = 0
                if value.inline:
                    self.residence.used(value)
                else:
                    pin = self.pin(waiter.process, value)
                effects.append(Answer(waiter.process, waiter.request, value, False, pin))
            elif entry.other_failure is not None:
                effects.append(Failed(waiter.process, waiter.request, "", "", entry.other_failure))
            else:
                keep.append(waiter)
                assert entry.value is not None
                if not entry.value.in_memory:
                    effects += self._await(entry, entry.value)
                elif not entry.transcoding:
                    entry.transcoding = True
                    language = OWN_LANGUAGE[entry.value.encoding]
                    effects.append(Transcode(entry.id, entry.owner, entry.value, language))
                continue
            self._unask(waiter)
        entry.waiters = keep or None
        return effects

    # Values on disk ---------------------------------------------------------------------------------------------------

    def _await(self, entry: Entry, value: Value) -> list[Effect]:
        self._awaited[value] = entry.id
        return [*self.residence.want(value)]

    def restored(self, value: Value) -> list[Effect]:
        """The value is in memory again, and was told to the residence."""
        entry = self.entries.get(self._awaited.pop(value, b""))
        return [] if entry is None else self._answer_all(entry) + self._free_if_unheld(entry)

    def not_restored(self, value: Value, code: str, message: str) -> list[Effect]:
        """The value can't be had now; who asks again makes another try."""
        entry = self.entries.get(self._awaited.pop(value, b""))
        if entry is None:
            return []
        effects: list[Effect] = []
        keep = []
        for waiter in entry.waiters or ():
            if self._readable(entry, waiter.reader) not in (value, None):
                keep.append(waiter)
                continue
            self._unask(waiter)
            effects.append(Failed(waiter.process, waiter.request, code, message))
        entry.waiters = keep or None
        return effects + self._free_if_unheld(entry)

    def _failed(self, entry: Entry, waiter: Waiter) -> Failed:
        if isinstance(entry.failure, tuple):
            return Failed(waiter.process, waiter.request, *entry.failure)
        message = f"the process {entry.owner:016x} that was to produce object {entry.id.hex()} has ended"
        return Failed(waiter.process, waiter.request, "OWNER_DIED", message, entry.failure)

    def _fail(self, entry: Entry, event: str) -> list[Effect]:
        self._move(entry, event)
        return self._answer_all(entry) + self._free_if_unheld(entry)

    # Pins -------------------------------------------------------------------------------------------------------------

    def pin(self, process: int, value: Value) -> int:
        """Keep the value's bytes for the process; the answer names the pin."""
        pin, self._next_pin = self._next_pin, self._next_pin + 1
        self.residence.pinned(value)
        self.pins[pin] = (process, value)
        self._pins_of.setdefault(process, set()).add(pin)
        return pin

    def has_pins(self, process: int) -> bool:
        """Whether the process may still read what is stored."""
        return process in self._pins_of

    def unpin(self, process: int, pins: Iterable[int]) -> list[Effect]:
        """ObjectUnpin. Pins that are not the process's, or not any more, are nothing."""
        effects: list[Effect] = []
        mine = self._pins_of.get(process, set())
        for pin in pins:
            if pin not in mine:
                continue
            mine.discard(pin)
            value = self.pins.pop(pin)[1]
            effects += self.residence.unpinned(value)
        if not mine:
            self._pins_of.pop(process, None)
        return effects

    # Holds ------------------------------------------------------------------------------------------------------------

    def process_holds(self, process: int, ref: Ref) -> list[Effect]:
        """RefUpdate +1, RefHold, ActorInfo."""
        entry = self._entry(ref)
        if entry is not None:
            self._hold(entry, process)
        return []

    def process_releases(self, process: int, ref: Ref) -> list[Effect]:
        """RefUpdate -1."""
        entry = self._entry(ref)
        if entry is None:
            return []
        self._unhold(entry, process)
        if entry.state is ObjectState.UNKNOWN and process == entry.owner:
            entry.owner_counted = True
        return self._free_if_unheld(entry)

    def hold(self, refs: Iterable[Ref]) -> None:
        """An object, a function or an actor contains these."""
        for ref in refs:
            entry = self._entry(ref)
            if entry is not None:
                entry.other_holds += 1

    def release(self, refs: Iterable[Ref]) -> list[Effect]:
        """What contained these is over."""
        effects: list[Effect] = []
        for ref in refs:
            entry = self.entries.get(ref.id)
            if entry is not None and entry.other_holds:
                entry.other_holds -= 1
                effects += self._free_if_unheld(entry)
        return effects

    def _free_if_unheld(self, first: Entry) -> list[Effect]:
        effects: list[Effect] = []
        stack = [first]
        while stack:  # a list of a million nested objects is freed without a million calls
            entry = stack.pop()
            if entry.holders or entry.other_holds or entry.waiters or entry.state is ObjectState.FREED:
                continue
            if entry.state is ObjectState.PENDING:
                if entry.actor:
                    effects.append(OutOfScope(entry.id[:16]))
                continue
            if entry.state is ObjectState.UNKNOWN:
                if not entry.owner_counted or entry.owner in self._gone:
                    self._move(entry, "forgotten")
                    del self.entries[entry.id]
                continue
            self._move(entry, "no hold is left")
            del self.entries[entry.id]
            self._freed[entry.id] = None
            if len(self._freed) > limits.FREED_OBJECTS_MAX:
                del self._freed[next(iter(self._freed))]
            effects += self._drop(entry.value)
            effects += self._drop(entry.other_value)
            for ref in entry.contains:
                inner = self.entries.get(ref.id)
                if inner is not None and inner.other_holds:
                    inner.other_holds -= 1
                    stack.append(inner)
        return effects

    # Actors -----------------------------------------------------------------------------------------------------------

    def actor_made(self, ref: Ref, creator: int) -> list[Effect]:
        """The object is an actor's life from now on, held by its creator."""
        entry = self._entry(ref)
        if entry is None:
            return [OutOfScope(ref.id[:16])]
        entry.actor = True
        self._move(entry, "announced")
        entry.owner_counted = True
        self._hold(entry, creator)
        effects: list[Effect] = []
        for waiter in entry.waiters or ():
            self._unask(waiter)
            message = f"{ref.id.hex()} is an actor's life, which has no value"
            effects.append(Failed(waiter.process, waiter.request, "INVALID_ARGUMENT", message))
        entry.waiters = None
        return effects + self._free_if_unheld(entry)

    def actor_over(self, object_id: bytes) -> list[Effect]:
        """The actor is dead for good."""
        entry = self.entries.get(object_id)
        if entry is None or entry.state is not ObjectState.PENDING:
            return []
        self._move(entry, "actor over")
        return self._free_if_unheld(entry)

    # Ends -------------------------------------------------------------------------------------------------------------

    def process_gone(self, process: int) -> list[Effect]:
        """Nothing more will come from the process: its holds and questions end. Its pins end with `process_ended`."""
        self._gone.add(process)
        effects: list[Effect] = []
        for request in list(self._asked_by.get(process, ())):
            effects += self.get_cancelled(process, request)
        for object_id in self._held.pop(process, set()):
            entry = self.entries[object_id]
            assert entry.holders is not None
            entry.holders.discard(process)
            effects += self._free_if_unheld(entry)
        for object_id in list(self._unready_of.get(process, ())):  # early releases that are remembered for nobody
            found = self.entries.get(object_id)
            if found is not None:
                effects += self._free_if_unheld(found)
        return effects

    def process_ended(self, process: int) -> list[Effect]:
        """The process is no more: nobody reads through its pins."""
        return self.unpin(process, list(self._pins_of.get(process, ())))

    def owner_settled(self, owner: int) -> list[Effect]:
        """Nobody will deliver what the ended owner left pending."""
        self._settled.add(owner)
        effects: list[Effect] = []
        for object_id in list(self._unready_of.get(owner, ())):
            entry = self.entries.get(object_id)
            if entry is not None and not entry.actor:
                effects += self._fail(entry, "owner settled")
        return effects
