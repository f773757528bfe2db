"""The directory against a model of references: an object is there while it is pending, held, contained or asked for.

The model has sets where the directory has counts and orders: after every step it computes anew who must be there, and
compares. Processes keep to the protocol: nobody passes on what he does not hold.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bowstring_core.machine.objects import Answer, Failed, ObjectDirectory, ObjectState, Ref
from bowstring_core.machine.residence import Value

BYTES = 3


class Thing:
    """One object as the model knows it."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        self.state = ObjectState.PENDING
        self.holders = {ref.owner}
        self.contains: list[bytes] = []
        self.asked: set[tuple[int, int]] = set()
        self.value: Value | None = None


class Directory(RuleBasedStateMachine):
    """Four processes that make, pass on, contain, read and drop objects, and die."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = ObjectDirectory()
        self.things: dict[bytes, Thing] = {}
        self.freed: set[bytes] = set()
        self.alive: list[int] = []
        self.dying: list[int] = []  # gone, not settled
        self.next = 0

    @initialize()
    def begin(self) -> None:
        self.alive = [1, 2, 3, 4]
        self.next = 10

    def number(self) -> int:
        self.next += 1
        return self.next

    def ids(self, process: int) -> list[bytes]:
        return sorted(i for i, thing in self.things.items() if process in thing.holders)

    def do(self, effects: Any) -> None:
        """Answers must be those that the model expects; what is freed is compared afterwards."""
        for effect in effects:
            if not isinstance(effect, Answer | Failed):
                continue
            asked = (effect.process, effect.request)
            thing = next(thing for thing in self.things.values() if asked in thing.asked)
            thing.asked.remove(asked)
            if isinstance(effect, Answer):
                assert thing.state is ObjectState.READY
                assert effect.value is thing.value
            else:
                assert thing.state is ObjectState.FAILED
                assert effect.code == "OWNER_DIED"
        self.collect()

    def containers(self, object_id: bytes) -> int:
        return sum(thing.contains.count(object_id) for thing in self.things.values())

    def collect(self) -> None:
        while True:
            over = [
                object_id
                for object_id, thing in self.things.items()
                if thing.state is not ObjectState.PENDING
                and not thing.holders
                and not thing.asked
                and not self.containers(object_id)
            ]
            if not over:
                return
            for object_id in over:
                del self.things[object_id]
                self.freed.add(object_id)

    # What processes do ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), ready=st.booleans())
    def make(self, data: Any, ready: bool) -> None:
        owner = data.draw(st.sampled_from(self.alive))
        ref = Ref(self.number().to_bytes(20, "big"), 0, owner, 1)
        thing = self.things[ref.id] = Thing(ref)
        if ready:
            self.give(thing, data, owner)
        else:
            self.do(self.directory.announce(ref))

    def give(self, thing: Thing, data: Any, giver: int) -> None:
        """The value, with references that the giver holds inside."""
        held = [i for i in self.ids(giver) if i != thing.ref.id and i < thing.ref.id]
        inside = data.draw(st.lists(st.sampled_from(held), max_size=3)) if held else []
        value = Value(BYTES, 1, 8, payload=bytes(8))
        contains = tuple(self.things[i].ref for i in inside)
        if thing.state is ObjectState.PENDING:
            thing.state, thing.value, thing.contains = ObjectState.READY, value, inside
        self.do(self.directory.value(thing.ref, value, contains))

    @precondition(lambda self: self.alive and self.things)
    @rule(data=st.data())
    def deliver(self, data: Any) -> None:
        """A value comes, from whomever; of two the first one stays."""
        thing = self.things[data.draw(st.sampled_from(sorted(self.things)))]
        self.give(thing, data, data.draw(st.sampled_from(self.alive)))

    @precondition(lambda self: len(self.alive) > 1)
    @rule(data=st.data())
    def pass_on(self, data: Any) -> None:
        giver, taker = data.draw(st.permutations(self.alive))[:2]
        for object_id in self.ids(giver)[:1]:
            thing = self.things[object_id]
            thing.holders.add(taker)
            self.do(self.directory.process_holds(taker, thing.ref))

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def read_out(self, data: Any) -> None:
        """Hold what is inside of an object that one holds."""
        process = data.draw(st.sampled_from(self.alive))
        for object_id in self.ids(process):
            for inside in self.things[object_id].contains[:1]:
                self.things[inside].holders.add(process)
                self.do(self.directory.process_holds(process, self.things[inside].ref))

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def drop(self, data: Any) -> None:
        process = data.draw(st.sampled_from(self.alive))
        held = self.ids(process)
        if held:
            thing = self.things[data.draw(st.sampled_from(held))]
            thing.holders.discard(process)
            self.do(self.directory.process_releases(process, thing.ref))

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), ready_only=st.booleans())
    def get(self, data: Any, ready_only: bool) -> None:
        process = data.draw(st.sampled_from(self.alive))
        held = self.ids(process)
        if held:
            thing = self.things[data.draw(st.sampled_from(held))]
            request = self.number()
            thing.asked.add((process, request))
            self.do(self.directory.get(process, request, thing.ref, ready_only, 0))

    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        asked = sorted(question for thing in self.things.values() for question in thing.asked)
        if asked:
            question = data.draw(st.sampled_from(asked))
            for thing in self.things.values():
                thing.asked.discard(question)
            self.do(self.directory.get_cancelled(*question))

    @precondition(lambda self: self.freed)
    @rule(data=st.data())
    def ask_for_what_was_freed(self, data: Any) -> None:
        object_id = data.draw(st.sampled_from(sorted(self.freed)))
        (failed,) = self.directory.get(1, self.number(), Ref(object_id, 0, 1, 1), False, 0)
        assert isinstance(failed, Failed)
        assert failed.code == "OBJECT_FREED"

    @precondition(lambda self: len(self.alive) > 1)
    @rule(data=st.data())
    def die(self, data: Any) -> None:
        process = data.draw(st.sampled_from(self.alive))
        self.alive.remove(process)
        self.dying.append(process)
        self.alive.append(self.number())  # another comes
        for thing in self.things.values():
            thing.holders.discard(process)
            thing.asked = {question for question in thing.asked if question[0] != process}
        self.do(self.directory.process_gone(process))
        self.do(self.directory.process_ended(process))

    @precondition(lambda self: self.dying)
    @rule()
    def settle(self) -> None:
        """No worker can deliver any more what a dead process left pending."""
        owner = self.dying.pop(0)
        for thing in self.things.values():
            if thing.ref.owner == owner and thing.state is ObjectState.PENDING:
                thing.state = ObjectState.FAILED
        self.do(self.directory.owner_settled(owner))

    # What must hold ---------------------------------------------------------------------------------------------------

    @invariant()
    def the_directory_has_what_the_model_has(self) -> None:
        assert set(self.directory.entries) == set(self.things)
        for object_id, thing in self.things.items():
            entry = self.directory.entries[object_id]
            assert entry.state is thing.state
            assert (entry.holders or set()) == thing.holders
            assert entry.other_holds == self.containers(object_id)
            assert {(w.process, w.request) for w in entry.waiters or ()} == thing.asked
            assert entry.value is thing.value

    @invariant()
    def the_values_that_are_kept_are_those_of_the_objects(self) -> None:
        kept = [thing for thing in self.things.values() if thing.value is not None]
        assert self.directory.residence.inline_count == len(kept)
        assert self.directory.residence.inline_bytes == 8 * len(kept)

    def teardown(self) -> None:
        """When all have died and settled, nothing is left."""
        for process in list(self.alive):
            self.alive.remove(process)
            self.dying.append(process)
            for thing in self.things.values():
                thing.holders.discard(process)
                thing.asked = {question for question in thing.asked if question[0] != process}
            self.do(self.directory.process_gone(process))
        while self.dying:
            self.settle()
        assert not self.directory.entries
        assert not self.directory._held
        assert not self.directory._asked
        assert not self.directory._unready_of


TestDirectory = Directory.TestCase
TestDirectory.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
