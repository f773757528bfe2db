"""Any order of requests, returns, blocks, removals and deaths keeps the scheduler's books right.

The model is what callers and workers would know: which requests were answered how often, which leases they hold, and
what those hold of the node or of a placement group.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bowstring_core import limits
from bowstring_core.machine.leases import LeaseState, Purpose
from bowstring_core.machine.placement import Group, GroupState, Strategy
from bowstring_core.machine.requests import (
    BindWorker,
    CallerSettled,
    Effect,
    Granted,
    LeaseKey,
    LeaseOver,
    Recall,
    Rejected,
    Revoke,
    StartWorker,
    StopWorker,
)
from bowstring_core.machine.resources import UNITS, Demand, demand_of
from bowstring_core.machine.scheduler import Scheduler
from bowstring_core.machine.workers import WorkerState


def amounts(**units: float) -> Demand:
    return demand_of((name, round(amount * UNITS)) for name, amount in units.items())


DEMANDS = [
    (),
    amounts(CPU=1),
    amounts(CPU=2),
    amounts(CPU=0.0001),
    amounts(CPU=1, disk=1),
    amounts(GPU=0.5),
    amounts(CPU=1, GPU=1),
    amounts(CPU=9),
]
BUNDLES = [
    (amounts(CPU=1),),
    (amounts(CPU=1), amounts(CPU=1, GPU=0.5)),
    (amounts(CPU=2, GPU=1),),
    (amounts(disk=1),),
    (amounts(CPU=9),),
]
TOTALS = dict(amounts(CPU=3, disk=1, GPU=2))
JOBS = {1: 1, 2: 1, 3: 2}  # of the first callers; later ones belong to job 1


class Leases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler(TOTALS)
        self.now = 0.0
        self.names = 0
        self.callers = {1, 2, 3}
        self.next_caller = 4
        self.starting: list[int] = []
        self.granted: dict[int, Granted] = {}  # by lease
        self.revoking: dict[int, Granted] = {}
        self.actors: dict[int, Granted] = {}
        self.epochs: dict[int, int] = {}
        self.bound: dict[int, BindWorker] = {}  # by slot
        self.keys: dict[int, LeaseKey] = {}  # by request
        self.of_request: dict[int, int] = {}  # caller
        self.open: Counter[int] = Counter()  # by request: answers that are due
        self.settled: set[int] = set()
        self.groups: set[bytes] = set()

    def held(self) -> list[Granted]:
        return [*self.granted.values(), *self.revoking.values(), *self.actors.values()]

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case StartWorker():
                    self.starting.append(effect.slot)
                case BindWorker():
                    assert effect.slot not in self.bound
                    self.bound[effect.slot] = effect
                case Granted():
                    self.take_grant(effect)
                case Rejected():
                    assert isinstance(effect.name, int)
                    assert self.open[effect.name] > 0, "what was answered is answered again"
                    assert effect.code in ("TASK_UNSCHEDULABLE", "ACTOR_UNSCHEDULABLE", "WORKER_START") or (
                        effect.code == "PLACEMENT_GROUP_REMOVED" and self.keys[effect.name].group not in self.groups
                    )
                    self.open[effect.name] = 0
                case Revoke():
                    self.revoking[effect.lease] = self.granted.pop(effect.lease)
                case LeaseOver():
                    assert effect.caller in self.callers
                case Recall():
                    assert effect.lease in self.granted
                case CallerSettled():
                    assert effect.caller not in self.callers
                    held = [*self.granted.values(), *self.revoking.values()]
                    assert effect.caller not in [grant.caller for grant in held]
                    self.settled.add(effect.caller)
                case StopWorker():
                    assert effect.slot in self.scheduler.pool.workers

    def take_grant(self, grant: Granted) -> None:
        assert isinstance(grant.name, int)
        key = self.keys[grant.name]
        assert self.open[grant.name] > 0, "more is granted than was asked for"
        self.open[grant.name] -= 1
        assert grant.caller in self.callers or grant.purpose is Purpose.ACTOR
        assert grant.slot not in [other.slot for other in self.held()]
        binding = self.bound[grant.slot]
        assert (binding.job, binding.group) == (key.job, key.group)
        wanted = dict(key.demand).get("GPU", 0)
        assert len([gpu for gpu in binding.gpus.split(",") if gpu]) == -(-wanted // UNITS)
        if grant.purpose is Purpose.ACTOR:
            self.actors[grant.lease] = grant
            return
        assert grant.epoch > self.epochs.get(grant.slot, 0)
        self.epochs[grant.slot] = grant.epoch
        self.granted[grant.lease] = grant

    @rule(
        demand=st.sampled_from(DEMANDS),
        count=st.integers(1, 4),
        actor=st.booleans(),
        bundle=st.integers(0, 2),
        data=st.data(),
    )
    def request(self, demand: Demand, count: int, actor: bool, bundle: int, data: Any) -> None:
        caller = data.draw(st.sampled_from(sorted(self.callers)))
        group = data.draw(st.sampled_from([b"", *sorted(self.groups), b"nobody's"]))
        self.names += 1
        key = LeaseKey(1, "", JOBS.get(caller, 1), demand, (), "", b"", group, bundle if group else 0)
        purpose, count = (Purpose.ACTOR, 1) if actor else (Purpose.LEASE, count)
        self.keys[self.names], self.open[self.names], self.of_request[self.names] = key, count, caller
        self.do(self.scheduler.request(purpose, caller, self.names, key, count, count, self.now))

    @precondition(lambda self: self.scheduler.waiting())
    @rule(data=st.data())
    def request_is_withdrawn(self, data: Any) -> None:
        waiting = [r for r in self.scheduler.waiting() if r.purpose is not Purpose.GROUP]
        if waiting:
            request = data.draw(st.sampled_from(waiting))
            self.open[request.name] = 0
            self.do(self.scheduler.withdraw(request.purpose, request.caller, request.name, self.now))

    @precondition(lambda self: len(self.groups) < 3)
    @rule(bundles=st.sampled_from(BUNDLES), job=st.integers(1, 2), strategy=st.sampled_from(Strategy))
    def group_is_made(self, bundles: tuple[Demand, ...], job: int, strategy: Strategy) -> None:
        self.names += 1
        group = Group(b"group %d" % self.names, job, strategy, bundles)
        self.groups.add(group.id)
        self.do(self.scheduler.groups.create(group, self.now))

    @precondition(lambda self: self.groups)
    @rule(data=st.data())
    def group_is_removed(self, data: Any) -> None:
        group = data.draw(st.sampled_from(sorted(self.groups)))
        self.groups.remove(group)
        self.do(self.scheduler.groups.remove(group, self.now))

    @precondition(lambda self: self.starting)
    @rule(data=st.data())
    def worker_comes_up(self, data: Any) -> None:
        slot = data.draw(st.sampled_from(self.starting))
        self.starting.remove(slot)
        if self.scheduler.worker_expected(slot):
            self.do(self.scheduler.worker_registered(slot, 1000 + slot, "3.11", self.now))

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def lease_comes_back(self, data: Any) -> None:
        grant = self.granted[data.draw(st.sampled_from(sorted(self.granted)))]
        self.do(self.scheduler.lease_returned(grant.caller, grant.lease, self.now))
        if grant.lease in self.granted:  # its worker is being ended, and can't be told
            assert self.scheduler.pool.workers[grant.slot].state is WorkerState.ENDING
            self.revoking[grant.lease] = self.granted.pop(grant.lease)

    @precondition(lambda self: self.revoking)
    @rule(data=st.data())
    def worker_acknowledges(self, data: Any) -> None:
        grant = self.revoking[data.draw(st.sampled_from(sorted(self.revoking)))]
        if self.scheduler.pool.workers[grant.slot].state is not WorkerState.ENDING:  # too late: it is being killed
            del self.revoking[grant.lease]
        self.do(self.scheduler.lease_revoked(grant.slot, grant.lease, grant.epoch, self.now))

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), on=st.booleans())
    def worker_blocks(self, data: Any, on: bool) -> None:
        grant = self.granted[data.draw(st.sampled_from(sorted(self.granted)))]
        if on:
            self.do(self.scheduler.blocked(grant.slot, grant.epoch, self.now))
        else:
            self.do(self.scheduler.unblocked(grant.slot, grant.epoch))

    @precondition(lambda self: self.scheduler.pool.workers)
    @rule(data=st.data(), final=st.booleans())
    def worker_ends(self, data: Any, final: bool) -> None:
        self.end_worker(data.draw(st.sampled_from(sorted(self.scheduler.pool.workers))), final)

    def end_worker(self, slot: int, final: bool) -> None:
        for leases in (self.granted, self.revoking, self.actors):
            for lease in [lease for lease, grant in leases.items() if grant.slot == slot]:
                del leases[lease]
        if slot in self.starting:
            self.starting.remove(slot)
            self.do(self.scheduler.start_failed(slot, "ended", final, self.now))
        else:
            self.do(self.scheduler.worker_ended(slot, self.now))

    @rule(data=st.data())
    def caller_ends(self, data: Any) -> None:
        caller = data.draw(st.sampled_from(sorted(self.callers)))
        self.callers.add(self.next_caller)
        self.next_caller += 1
        self.end_caller(caller)

    def end_caller(self, caller: int) -> None:
        self.callers.remove(caller)
        for name, of_caller in self.of_request.items():
            if of_caller == caller:
                self.open[name] = 0
        self.do(self.scheduler.caller_ended(caller, self.now))

    @rule(by=st.sampled_from([limits.LEASE_QUANTUM_S, limits.RESERVE_AFTER_S, limits.IDLE_WORKER_S]))
    def time_passes(self, by: float) -> None:
        self.now += by
        self.do(self.scheduler.tick(self.now))

    @invariant()
    def every_request_waits_or_was_answered_once(self) -> None:
        waiting = {r.name: r.count for r in self.scheduler.waiting() if r.purpose is not Purpose.GROUP}
        assert waiting == {name: count for name, count in self.open.items() if count}

    @invariant()
    def books_are_right(self) -> None:
        scheduler = self.scheduler
        accounts = [scheduler.available, *(a for g in scheduler.groups.by_id.values() for a in g.accounts)]
        free: Counter[str] = Counter()
        for account in accounts:
            free.update(account.free)
        gpus = [sum(units) for units in zip(*(account.gpus for account in accounts), strict=True)]
        for lease in scheduler.leases.values():
            assert lease.state in (LeaseState.GRANTED, LeaseState.REVOKING)
            assert any(lease.account is account for account in accounts)
            for name, units in lease.held():
                free[name] += units
            for index, units in lease.gpus:
                gpus[index] += units
        assert {name: units for name, units in free.items() if name in TOTALS} == TOTALS
        assert gpus == [UNITS, UNITS]
        assert set(scheduler.leases) == set(self.granted) | set(self.revoking) | set(self.actors)

    @invariant()
    def only_blocking_takes_more_than_there_is(self) -> None:
        groups = self.scheduler.groups.by_id.values()
        for account in [self.scheduler.available, *(a for g in groups for a in g.accounts)]:
            assert all(units >= 0 for units in account.gpus)
            assert all(units >= 0 for name, units in account.free.items() if name != "CPU")

    @invariant()
    def a_group_has_its_bundles_or_nothing(self) -> None:
        assert set(self.scheduler.groups.by_id) == self.groups
        for group in self.scheduler.groups.by_id.values():
            assert len(group.accounts) == (len(group.bundles) if group.state is GroupState.PLACED else 0)
            in_use = [lease for lease in self.scheduler.leases.values() if lease.group == group.id]
            assert all(any(lease.account is account for account in group.accounts) for lease in in_use)

    @invariant()
    def nobody_waits_for_what_is_there(self) -> None:
        if self.starting or any(self.now - r.since >= limits.RESERVE_AFTER_S for r in self.scheduler.waiting()):
            return
        idle = [worker for worker in self.scheduler.pool if worker.state is WorkerState.IDLE and worker.gpus is None]
        for request in self.scheduler.waiting():
            if request.purpose is not Purpose.GROUP and not request.key.group:
                assert not (idle and self.scheduler.available.fits(request.key.demand))

    @invariant()
    def ended_callers_settle_when_their_leases_are_gone(self) -> None:
        holding = {grant.caller for grant in [*self.granted.values(), *self.revoking.values()]}
        for caller in range(1, self.next_caller):
            if caller not in self.callers and caller not in holding:
                assert caller in self.settled

    def teardown(self) -> None:
        """When everybody has left and ended, everything is as it was at the start."""
        for group in sorted(self.groups):
            self.groups.remove(group)
            self.do(self.scheduler.groups.remove(group, self.now))
        for caller in sorted(self.callers):
            self.end_caller(caller)
        for slot in sorted(self.scheduler.pool.workers):
            self.end_worker(slot, True)
        assert {n: units for n, units in self.scheduler.available.free.items() if n in TOTALS} == TOTALS
        assert self.scheduler.available.gpus == [UNITS, UNITS]
        assert (self.scheduler.leases, self.scheduler.queues, self.scheduler.of_caller) == ({}, {}, {})


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
