"""Any order of creations, places, starts, kills, exits and deaths of workers keeps the lives of actors right.

The model is what callers would know: which actors they have made, under which names, and what they were told of each.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bowstring_core.machine.actors import (
    Actor,
    ActorSpec,
    ActorTable,
    Done,
    Effect,
    EndWorker,
    Found,
    Life,
    Over,
    Place,
    Reason,
    Refused,
    Show,
    Start,
    Unknown,
    Unplace,
)
from bowstring_core.machine.objects import Ref

CREATOR, WATCHER = 5, 6
NAMES = ["", "one", "two"]
CRASH = Reason("ACTOR_DIED", "killed")
ORDER = [Life.PENDING, Life.ALIVE, Life.RESTARTING, Life.DEAD]


class Known:
    """What a caller knows of one actor."""

    def __init__(self, spec: ActorSpec) -> None:
        self.spec = spec
        self.wants_place = False
        self.slot = 0
        self.shown: list[tuple[Life, int]] = []
        self.overs = 0
        self.restarts = 0
        self.name_freed = False


class Lives(RuleBasedStateMachine):
    """Plays creator, watcher, scheduler and workers."""

    def __init__(self) -> None:
        super().__init__()
        self.table = ActorTable()
        self.known: dict[bytes, Known] = {}
        self.asked: set[int] = set()  # requests without an answer
        self.ending: set[int] = set()  # slots that were told to end
        self.next = 1
        self.now = 0.0

    def number(self) -> int:
        self.next += 1
        return self.next

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Place():
                    known = self.known[effect.actor.spec.id]
                    assert not known.slot
                    assert effect.after_s >= 0
                    known.wants_place = True
                case Unplace():
                    self.known[effect.actor.spec.id].wants_place = False
                case Start():
                    assert effect.actor.worker == self.known[effect.actor.spec.id].slot
                case EndWorker():
                    self.ending.add(effect.slot)
                case Show():
                    known = self.known[effect.actor.spec.id]
                    if WATCHER in effect.processes:
                        known.shown.append((effect.actor.shown, effect.actor.incarnation))
                case Over():
                    known = self.known[effect.actor.spec.id]
                    known.overs += 1
                    assert not known.slot
                case Done() | Found() | Refused():
                    self.asked.remove(effect.request)
                case Unknown():
                    raise AssertionError("every actor that is asked for here was made")

    def living(self) -> list[Known]:
        return [known for known in self.known.values() if not known.overs]

    def of_slot(self, slot: int) -> Known:
        return next(known for known in self.known.values() if known.slot == slot)

    @rule(
        name=st.sampled_from(NAMES),
        restarts=st.sampled_from([-1, 0, 1, 3]),
        detached=st.booleans(),
        get_if_exists=st.booleans(),
        job=st.sampled_from([1, 2]),
    )
    def create(self, name: str, restarts: int, detached: bool, get_if_exists: bool, job: int) -> None:
        actor = self.number().to_bytes(16, "big")
        ref = Ref(actor + bytes(4), 0, CREATOR, 1)
        spec = ActorSpec(actor, ref, CREATOR, job, name, "n", detached, restarts, (), "C", "plan")
        request = self.number()
        self.asked.add(request)
        holder = self.table.names.get(("n", name))
        self.known[actor] = Known(spec)
        effects = self.table.create(spec, request, get_if_exists and bool(name))
        if name and holder is not None:
            (answer,) = effects
            assert isinstance(answer, Found if get_if_exists else Refused)
            del self.known[actor]
        self.perform(effects)
        if actor in self.known:
            self.perform(self.table.subscribe(WATCHER, actor, self.now))

    @precondition(lambda self: any(known.wants_place for known in self.known.values()))
    @rule(data=st.data())
    def place(self, data: Any) -> None:
        known = data.draw(st.sampled_from([each for each in self.known.values() if each.wants_place]))
        known.wants_place = False
        known.slot = self.number()
        self.perform(self.table.placed(known.spec.id, known.slot, self.now))

    @precondition(lambda self: any(known.wants_place for known in self.known.values()))
    @rule(data=st.data())
    def reject(self, data: Any) -> None:
        known = data.draw(st.sampled_from([each for each in self.known.values() if each.wants_place]))
        known.wants_place = False
        self.perform(self.table.rejected(known.spec.id, Reason("ACTOR_UNSCHEDULABLE", "too large")))

    def starting(self) -> list[Actor]:
        return [actor for actor in self.table.actors.values() if actor.life is Life.STARTING]

    @precondition(lambda self: self.starting())
    @rule(data=st.data(), ok=st.booleans(), late=st.booleans())
    def start(self, data: Any, ok: bool, late: bool) -> None:
        actor = data.draw(st.sampled_from(self.starting()))
        incarnation = actor.incarnation - 1 if late else actor.incarnation
        self.perform(self.table.started(actor.worker, actor.spec.id, incarnation, ok, None))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), no_restart=st.booleans())
    def kill(self, data: Any, no_restart: bool) -> None:
        known = data.draw(st.sampled_from(list(self.known.values())))
        request = self.number()
        self.asked.add(request)
        self.perform(self.table.kill(CREATOR, request, known.spec.id, no_restart))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def out_of_scope(self, data: Any) -> None:
        known = data.draw(st.sampled_from(list(self.known.values())))
        self.perform(self.table.out_of_scope(known.spec.id))
        if not known.spec.detached:
            assert known.overs or known.slot in self.ending

    @precondition(lambda self: any(known.slot for known in self.known.values()))
    @rule(data=st.data())
    def exit(self, data: Any) -> None:
        known = data.draw(st.sampled_from([each for each in self.known.values() if each.slot]))
        self.perform(self.table.exited(known.slot, known.spec.id))

    @precondition(lambda self: any(known.slot for known in self.known.values()))
    @rule(data=st.data(), after_s=st.sampled_from([0.1, 60.0]))
    def worker_ends(self, data: Any, after_s: float) -> None:
        known = data.draw(st.sampled_from([each for each in self.known.values() if each.slot]))
        self.now += after_s
        slot, known.slot = known.slot, 0
        actor = self.table.actors[known.spec.id]
        given_up = actor.life is Life.ENDING
        self.perform(self.table.worker_ended(slot, CRASH, self.now))
        self.ending.discard(slot)
        if given_up:
            assert known.overs == 1
        elif not known.overs:
            known.restarts += 1
            assert known.wants_place

    @rule(job=st.sampled_from([1, 2]))
    def job_over(self, job: int) -> None:
        self.perform(self.table.job_over(job))
        for known in self.living():
            if known.spec.job == job and not known.spec.detached:
                assert known.slot in self.ending

    @invariant()
    def names_belong_to_one_living_actor_each(self) -> None:
        for (namespace, name), actor in self.table.names.items():
            assert (actor.spec.namespace, actor.spec.name) == (namespace, name)
            assert actor.life not in (Life.ENDING, Life.DEAD)

    @invariant()
    def restarts_are_never_more_than_allowed(self) -> None:
        for known in self.known.values():
            if known.spec.max_restarts >= 0:
                assert known.restarts <= known.spec.max_restarts

    @invariant()
    def the_watcher_is_told_of_one_death_and_of_incarnations_in_order(self) -> None:
        for known in self.known.values():
            assert known.overs <= 1
            lives = [life for life, _ in known.shown]
            assert all(life in ORDER for life in lives)
            assert lives.count(Life.DEAD) <= 1
            if Life.DEAD in lives:
                assert lives[-1] is Life.DEAD
                assert known.overs == 1
            incarnations = [incarnation for _, incarnation in known.shown]
            assert incarnations == sorted(incarnations)

    @invariant()
    def every_request_is_answered_unless_its_actor_is_ending(self) -> None:
        waiting = {request for actor in self.table.actors.values() for _, request in actor.waiting_kills}
        assert self.asked == waiting

    def teardown(self) -> None:
        """When every job and worker has ended, nothing lives but detached actors that wait for a place."""
        for known in self.known.values():
            if not known.overs:
                request = self.number()
                self.asked.add(request)
                self.perform(self.table.kill(CREATOR, request, known.spec.id, True))
        for known in list(self.known.values()):
            if known.slot:
                slot, known.slot = known.slot, 0
                self.perform(self.table.worker_ended(slot, CRASH, self.now))
        assert not self.living()
        assert not self.asked
        assert not self.table.names


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
