"""Any order of requests, returns, blocks and deaths keeps the scheduler's books right."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bowstring_core import limits
from bowstring_core.machine.leases import LeaseState, Purpose
from bowstring_core.machine.requests import (
    BindWorker,
    CallerSettled,
    Granted,
    LeaseKey,
    LeaseOver,
    Recall,
    Revoke,
    StartWorker,
    StopWorker,
)
from bowstring_core.machine.resources import UNITS, demand_of
from bowstring_core.machine.scheduler import Scheduler
from bowstring_core.machine.workers import WorkerState

DEMANDS = [demand_of(d) for d in ([], [("CPU", UNITS)], [("CPU", 2 * UNITS)], [("CPU", UNITS), ("disk", UNITS)])]
TOTALS = {"CPU": 3 * UNITS, "disk": UNITS}


class Leases(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.scheduler = Scheduler(TOTALS)
        self.now = 0.0
        self.names = 0
        self.callers = {1, 2, 3}
        self.next_caller = 4
        self.starting: list[int] = []
        self.granted: dict[int, Granted] = {}  # by lease
        self.revoking: dict[int, Granted] = {}
        self.epochs: dict[int, int] = {}
        self.bound: set[int] = set()
        self.settled: set[int] = set()

    def do(self, effects):
        for effect in effects:
            match effect:
                case StartWorker():
                    self.starting.append(effect.slot)
                case BindWorker():
                    assert effect.slot not in self.bound
                    self.bound.add(effect.slot)
                case Granted():
                    assert effect.caller in self.callers
                    assert effect.slot in self.bound
                    assert effect.slot not in [g.slot for g in [*self.granted.values(), *self.revoking.values()]]
                    assert effect.epoch > self.epochs.get(effect.slot, 0)
                    self.epochs[effect.slot] = effect.epoch
                    self.granted[effect.lease] = effect
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

    @rule(demand=st.sampled_from(DEMANDS), count=st.integers(1, 4), data=st.data())
    def request(self, demand, count, data):
        caller = data.draw(st.sampled_from(sorted(self.callers)))
        self.names += 1
        key = LeaseKey(1, "", 1, demand, (), "")
        self.do(self.scheduler.request(Purpose.LEASE, caller, self.names, key, count, count, self.now))

    @precondition(lambda self: self.starting)
    @rule(data=st.data())
    def worker_comes_up(self, data):
        slot = data.draw(st.sampled_from(self.starting))
        self.starting.remove(slot)
        if self.scheduler.worker_expected(slot):
            self.do(self.scheduler.worker_registered(slot, 1000 + slot, "3.11", self.now))

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def lease_comes_back(self, data):
        grant = self.granted[data.draw(st.sampled_from(sorted(self.granted)))]
        self.do(self.scheduler.lease_returned(grant.caller, grant.lease, self.now))

    @precondition(lambda self: self.revoking)
    @rule(data=st.data())
    def worker_acknowledges(self, data):
        grant = self.revoking[data.draw(st.sampled_from(sorted(self.revoking)))]
        if self.scheduler.pool.workers[grant.slot].state is not WorkerState.ENDING:  # too late: it is being killed
            del self.revoking[grant.lease]
        self.do(self.scheduler.lease_revoked(grant.slot, grant.lease, grant.epoch, self.now))

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), on=st.booleans())
    def worker_blocks(self, data, on):
        grant = self.granted[data.draw(st.sampled_from(sorted(self.granted)))]
        if on:
            self.do(self.scheduler.blocked(grant.slot, grant.epoch, self.now))
        else:
            self.do(self.scheduler.unblocked(grant.slot, grant.epoch))

    @precondition(lambda self: self.scheduler.pool.workers)
    @rule(data=st.data())
    def worker_ends(self, data):
        slot = data.draw(st.sampled_from(sorted(self.scheduler.pool.workers)))
        for leases in (self.granted, self.revoking):
            for lease in [lease for lease, grant in leases.items() if grant.slot == slot]:
                del leases[lease]
        if slot in self.starting:
            self.starting.remove(slot)
            self.do(self.scheduler.start_failed(slot, "ended", False, self.now))
        else:
            self.do(self.scheduler.worker_ended(slot, self.now))

    @rule(data=st.data())
    def caller_ends(self, data):
        caller = data.draw(st.sampled_from(sorted(self.callers)))
        self.callers.remove(caller)
        self.callers.add(self.next_caller)
        self.next_caller += 1
        self.do(self.scheduler.caller_ended(caller, self.now))

    @rule(by=st.sampled_from([limits.LEASE_QUANTUM_S, limits.RESERVE_AFTER_S, limits.IDLE_WORKER_S]))
    def time_passes(self, by):
        self.now += by
        self.do(self.scheduler.tick(self.now))

    @invariant()
    def books_are_right(self):
        free = dict(TOTALS)
        for lease in self.scheduler.leases.values():
            assert lease.state in (LeaseState.GRANTED, LeaseState.REVOKING)
            for name, units in lease.held():
                free[name] -= units
        assert self.scheduler.available.free == free
        assert free["disk"] >= 0
        assert set(self.scheduler.leases) == set(self.granted) | set(self.revoking)

    @invariant()
    def nobody_waits_for_what_is_there(self):
        idle = [w for w in self.scheduler.pool if w.state is WorkerState.IDLE]
        for request in self.scheduler.waiting():
            if self.scheduler.available.fits(request.key.demand) and not self.starting:
                late = any(self.now - r.since >= limits.RESERVE_AFTER_S for r in self.scheduler.waiting())
                assert late or not idle

    @invariant()
    def ended_callers_settle_when_their_leases_are_gone(self):
        holding = {grant.caller for grant in [*self.granted.values(), *self.revoking.values()]}
        for caller in range(1, self.next_caller):
            if caller not in self.callers and caller not in holding:
                assert caller in self.settled


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
