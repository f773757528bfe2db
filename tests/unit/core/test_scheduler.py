"""The scheduler: leases, fairness, recall, workers. Nothing here waits: time is a number."""

import pytest

from bowstring_core import limits
from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.requests import (
    BindWorker,
    CallerSettled,
    Granted,
    LeaseKey,
    LeaseOver,
    Recall,
    Rejected,
    Revoke,
    StartWorker,
    StopWorker,
)
from bowstring_core.machine.resources import UNITS, ResourceError, demand_of
from bowstring_core.machine.scheduler import Scheduler
from bowstring_core.machine.transitions import TransitionError
from bowstring_core.machine.workers import JAVA, PYTHON, WorkerState

A, B, C = 101, 102, 103
ONE = demand_of([("CPU", UNITS)])


def key(demand=ONE, language=PYTHON, job=1, placement=(), jvm_flags="", shared=False):
    return LeaseKey(language, "", job, demand, placement, jvm_flags, shared=shared)


class Bench:
    """A scheduler whose workers come up at once, and the time."""

    def __init__(self, cpus=2, **totals):
        self.scheduler = Scheduler({"CPU": cpus * UNITS, **totals})
        self.now = 0.0
        self.effects = []
        self.names = 0

    def do(self, effects):
        todo = list(effects)
        while todo:
            effect = todo.pop(0)
            self.effects.append(effect)
            if isinstance(effect, StartWorker):
                todo += self.scheduler.worker_registered(effect.slot, 1000 + effect.slot, "3.11.7", self.now)
        return self

    def ask(self, caller, count=1, purpose=Purpose.LEASE, **fields):
        self.names += 1
        self.do(self.scheduler.request(purpose, caller, self.names, key(**fields), count, count, self.now))
        return self.names

    def give_back(self, grant):
        self.do(self.scheduler.lease_returned(grant.caller, grant.lease, self.now))
        self.do(self.scheduler.lease_revoked(grant.slot, grant.lease, grant.epoch, self.now))

    def tick(self, by):
        self.now += by
        self.do(self.scheduler.tick(self.now))

    def take(self, kind):
        found = [e for e in self.effects if isinstance(e, kind)]
        self.effects = [e for e in self.effects if not isinstance(e, kind)]
        return found


def test_request_starts_as_many_workers_as_can_run():
    scheduler = Scheduler({"CPU": 2 * UNITS})
    effects = scheduler.request(Purpose.LEASE, A, 1, key(), 10, 10, 0.0)
    assert [type(e) for e in effects] == [StartWorker, StartWorker]
    assert scheduler.request(Purpose.LEASE, A, 2, key(), 10, 10, 0.0) == []


def test_grants_follow_resources_and_bind_workers_first():
    bench = Bench()
    bench.ask(A, 3)
    assert [type(e) for e in bench.effects if not isinstance(e, StartWorker)] == [BindWorker, Granted] * 2
    first, second = bench.take(Granted)
    bench.give_back(first)
    (third,) = bench.take(Granted)
    assert third.slot == first.slot
    assert third.epoch > first.epoch
    assert second.slot != first.slot


def test_worker_is_granted_anew_only_after_it_acknowledged_the_revocation():
    bench = Bench(1)
    bench.ask(A)
    bench.ask(A)
    (grant,) = bench.take(Granted)
    bench.do(bench.scheduler.lease_returned(A, grant.lease, 0.0))
    assert bench.take(Revoke) == [Revoke(grant.slot, grant.lease, grant.epoch)]
    assert not bench.take(Granted)
    bench.do(bench.scheduler.lease_revoked(grant.slot, grant.lease, grant.epoch, 0.0))
    assert bench.take(Granted)


def test_callers_take_turns_and_each_is_served_in_order():
    bench = Bench(1)
    wanted = [bench.ask(caller) for caller in (A, A, A, B, B)]
    got = []
    for _ in wanted:
        (grant,) = bench.take(Granted)
        got.append((grant.caller, grant.name))
        bench.give_back(grant)
    assert got == [(A, 1), (B, 4), (A, 2), (B, 5), (A, 3)]


def test_deepest_of_nested_callers_is_served_first():
    bench = Bench(1)
    bench.ask(A)
    bench.ask(B, 50)
    (task,) = bench.take(Granted)
    served = []
    for _ in range(8):  # each task asks for two more, and blocks
        nested = 1000 + task.slot
        bench.ask(nested, 2)
        bench.do(bench.scheduler.blocked(task.slot, task.epoch, 0.0))
        deepest = nested
        (task,) = bench.take(Granted)
        served.append(task.caller == deepest)
    assert served.count(True) >= 6
    assert False in served


def test_jobs_take_turns_however_many_callers_they_have():
    bench = Bench(1)
    bench.ask(A, job=1)
    for caller in range(200, 210):
        bench.ask(caller, 10, job=1)
    for caller in (B, C):
        bench.ask(caller, 10, job=2)
    jobs = []
    for _ in range(6):
        (grant,) = bench.take(Granted)
        jobs.append(2 if grant.caller in (B, C) else 1)
        bench.give_back(grant)
    assert jobs == [1, 2, 1, 2, 1, 2]


def test_lease_is_recalled_for_a_waiting_caller_after_its_quantum_and_not_below_its_share():
    bench = Bench(2)
    bench.ask(A, 2)
    bench.ask(B, 2)
    assert not bench.take(Recall)
    assert bench.scheduler.deadline() == pytest.approx(limits.LEASE_QUANTUM_S)
    bench.tick(limits.LEASE_QUANTUM_S)
    (recall,) = bench.take(Recall)
    assert recall.caller == A
    grant = next(g for g in bench.take(Granted) if g.lease == recall.lease)
    bench.give_back(grant)
    assert [g.caller for g in bench.take(Granted)] == [B]
    bench.tick(10 * limits.LEASE_QUANTUM_S)
    assert not bench.take(Recall)


def test_callers_beyond_the_number_of_cpus_share_them_in_turns():
    bench = Bench(1)
    bench.ask(A, 100)
    bench.ask(B, 100)
    served = []
    for _ in range(6):
        (grant,) = bench.take(Granted)
        served.append(grant.caller)
        bench.tick(limits.LEASE_QUANTUM_S)
        assert bench.take(Recall) == [Recall(grant.caller, grant.lease)]
        bench.give_back(grant)
    assert served == [A, B] * 3


def test_blocked_worker_gives_its_cpu_and_going_on_takes_it_even_below_zero():
    bench = Bench(1)
    bench.ask(A)
    (first,) = bench.take(Granted)
    bench.ask(B)
    bench.do(bench.scheduler.blocked(first.slot, first.epoch, 0.0))
    (second,) = bench.take(Granted)
    bench.do(bench.scheduler.unblocked(first.slot, first.epoch))
    assert bench.scheduler.available.free["CPU"] == -UNITS
    bench.give_back(first)
    bench.give_back(second)
    assert bench.scheduler.available.free["CPU"] == UNITS


def test_blocked_of_an_epoch_that_is_over_is_nothing():
    bench = Bench(1)
    bench.ask(A)
    (grant,) = bench.take(Granted)
    bench.give_back(grant)
    bench.ask(A)
    bench.do(bench.scheduler.blocked(grant.slot, grant.epoch, 0.0))
    assert bench.scheduler.available.free["CPU"] == 0


def test_blocked_worker_that_ends_gives_nothing_back_twice():
    bench = Bench(1)
    bench.ask(A)
    (grant,) = bench.take(Granted)
    bench.do(bench.scheduler.blocked(grant.slot, grant.epoch, 0.0))
    bench.do(bench.scheduler.worker_ended(grant.slot, 0.0))
    assert bench.scheduler.available.free["CPU"] == UNITS
    assert bench.take(LeaseOver) == [LeaseOver(A, grant.lease, grant.slot)]


def test_blocking_keeps_gpus():
    bench = Bench(1, GPU=UNITS)
    bench.ask(A, demand=demand_of([("CPU", UNITS), ("GPU", UNITS)]))
    (grant,) = bench.take(Granted)
    bench.do(bench.scheduler.blocked(grant.slot, grant.epoch, 0.0))
    assert bench.scheduler.available.free == {"CPU": UNITS, "GPU": 0}


def test_ended_caller_s_leases_are_revoked_then_settled_and_stuck_workers_are_killed():
    bench = Bench(2)
    bench.ask(A, 2)
    first, second = bench.take(Granted)
    bench.do(bench.scheduler.caller_ended(A, 0.0))
    assert len(bench.take(Revoke)) == 2
    assert not bench.take(CallerSettled)
    bench.do(bench.scheduler.lease_revoked(first.slot, first.lease, first.epoch, 0.0))
    bench.tick(limits.ORPHAN_GRACE_S)
    assert bench.take(StopWorker) == [StopWorker(second.slot, True)]
    bench.do(bench.scheduler.worker_ended(second.slot, bench.now))
    assert bench.take(CallerSettled) == [CallerSettled(A)]
    assert not bench.take(LeaseOver)


def test_caller_without_leases_is_settled_at_once():
    assert Scheduler({}).caller_ended(A, 0.0) == [CallerSettled(A)]


def test_large_demand_gets_its_turn_among_small_ones():
    bench = Bench(2)
    bench.ask(A, 1)
    bench.ask(B, 1)
    small = bench.take(Granted)
    bench.ask(C, demand=demand_of([("CPU", 2 * UNITS)]))
    bench.tick(limits.RESERVE_AFTER_S)
    bench.ask(A, 50)
    bench.ask(B, 50)
    bench.give_back(small[0])
    assert not bench.take(Granted)
    bench.give_back(small[1])
    assert [g.caller for g in bench.take(Granted)] == [C]


def test_demand_that_waits_for_one_resource_does_not_stop_others():
    bench = Bench(2, GPU=UNITS)
    gpu = demand_of([("GPU", UNITS)])
    bench.ask(A, 2, demand=gpu)
    bench.ask(A)
    assert [g.name for g in bench.take(Granted)] == [1, 2]


def test_who_waits_long_for_another_resource_keeps_no_cpu():
    bench = Bench(4, licence=UNITS)
    bench.ask(A, demand=demand_of([("CPU", UNITS), ("licence", UNITS)]))
    (holder,) = bench.take(Granted)
    bench.ask(C, demand=demand_of([("CPU", 3 * UNITS), ("licence", UNITS)]))
    bench.tick(limits.RESERVE_AFTER_S)
    bench.ask(A, 4)
    others = bench.take(Granted)
    assert [g.caller for g in others] == [A, A, A]
    assert bench.scheduler.kept(bench.now) == {"licence"}
    bench.give_back(others[0])
    assert [g.caller for g in bench.take(Granted)] == [A]
    bench.ask(B, 4)
    bench.ask(B, demand=demand_of([("licence", UNITS)]))  # a younger one can't take it while the CPUs come together
    bench.give_back(holder)
    assert bench.scheduler.kept(bench.now) == {"CPU", "licence"}
    bench.give_back(others[1])
    assert not bench.take(Granted)
    bench.give_back(others[2])
    assert [g.caller for g in bench.take(Granted)] == [C]


def test_who_waits_long_keeps_the_parts_that_are_there():
    bench = Bench(4, one=UNITS, other=UNITS)
    one, other = demand_of([("one", UNITS)]), demand_of([("other", UNITS)])
    bench.ask(A, demand=one)
    bench.ask(A, demand=other)
    first, second = bench.take(Granted)
    bench.ask(C, demand=demand_of([("one", UNITS), ("other", UNITS)]))
    bench.tick(limits.RESERVE_AFTER_S)
    bench.ask(A, 9, demand=one)
    bench.ask(A, 9, demand=other)
    bench.give_back(first)
    bench.give_back(second)
    assert [g.caller for g in bench.take(Granted)] == [C]


def test_who_waits_long_for_a_whole_gpu_of_which_there_are_parts_keeps_no_cpu():
    bench = Bench(2, GPU=2 * UNITS)
    parts = demand_of([("GPU", UNITS // 2)])
    bench.ask(A, 4, demand=parts)
    grants = bench.take(Granted)
    bench.give_back(grants[0])
    bench.give_back(grants[2])
    bench.ask(C, demand=demand_of([("CPU", UNITS), ("GPU", UNITS)]))
    bench.tick(limits.RESERVE_AFTER_S)
    bench.ask(A, 2)
    assert [g.caller for g in bench.take(Granted)] == [A, A]
    assert bench.scheduler.kept(bench.now) == {"GPU"}


def test_what_can_never_be_met_is_rejected_with_the_amounts():
    (effect,) = Scheduler({"CPU": UNITS}).request(Purpose.LEASE, A, 1, key(demand_of([("GPU", 1)])), 1, 1, 0.0)
    assert isinstance(effect, Rejected)
    assert effect.code == "TASK_UNSCHEDULABLE"
    assert effect.message == "0.0001 GPU wanted, and the node has 0 in all"


def test_whole_gpus_go_to_one_worker_each_and_parts_share_one():
    bench = Bench(9, GPU=3 * UNITS)
    for units in (2 * UNITS, UNITS // 2, UNITS // 2):
        bench.ask(A, demand=demand_of([("GPU", units)]))
    bench.ask(A)
    assert [e.gpus for e in bench.take(BindWorker)] == ["0,1", "2", "2", ""]


def test_worker_that_saw_gpus_is_used_again_only_for_the_same_ones():
    bench = Bench(9, GPU=UNITS)
    gpu = demand_of([("GPU", UNITS)])
    bench.ask(A, demand=gpu)
    (first,) = bench.take(Granted)
    bench.give_back(first)
    bench.ask(A)
    bench.ask(A, demand=gpu)
    plain, second = bench.take(Granted)
    assert plain.slot != first.slot
    assert second.slot == first.slot


@pytest.mark.parametrize("amounts", [[("CPU", -1)], [("", 1)], [("CPU", 1), ("CPU", 1)], [("GPU", 15_000)]], ids=str)
def test_demands_that_make_no_sense(amounts):
    with pytest.raises(ResourceError):
        demand_of(amounts)


def test_worker_serves_one_job():
    bench = Bench(1)
    bench.ask(A, job=1)
    (first,) = bench.take(Granted)
    bench.give_back(first)
    bench.ask(B, job=2)
    (second,) = bench.take(Granted)
    assert second.slot != first.slot


def test_failed_starts_are_tried_again_and_then_told_to_who_waits():
    scheduler = Scheduler({"CPU": UNITS})
    (start,) = scheduler.request(Purpose.LEASE, A, 7, key(), 1, 1, 0.0)
    for _ in range(limits.START_FAILURES_MAX - 1):
        (start,) = scheduler.start_failed(start.slot, "no", False, 0.0)
        assert isinstance(start, StartWorker)
    (effect,) = scheduler.start_failed(start.slot, "no", False, 0.0)
    assert effect == Rejected(Purpose.LEASE, A, 7, "WORKER_START", "no")
    assert not scheduler.waiting()


def test_starts_that_are_killed_are_tried_again_for_longer():
    scheduler = Scheduler({"CPU": UNITS})
    (start,) = scheduler.request(Purpose.LEASE, A, 7, key(), 1, 1, 0.0)
    for _ in range(limits.START_KILLS_MAX - 1):
        (start,) = scheduler.start_failed(start.slot, "killed", False, 0.0, killed=True)
        assert isinstance(start, StartWorker)
    (effect,) = scheduler.start_failed(start.slot, "killed", False, 0.0, killed=True)
    assert effect == Rejected(Purpose.LEASE, A, 7, "WORKER_START", "killed")


def test_final_failure_is_told_at_once_and_only_to_who_wanted_that_kind():
    scheduler = Scheduler({"CPU": 2 * UNITS})
    scheduler.request(Purpose.LEASE, A, 1, key(), 1, 1, 0.0)
    (start,) = scheduler.request(Purpose.LEASE, A, 2, key(language=JAVA), 1, 1, 0.0)
    (effect,) = scheduler.start_failed(start.slot, "no Java", True, 0.0)
    assert effect.name == 2


def test_one_python_worker_is_kept_ready_once_the_node_is_up():
    bench = Bench(2)
    bench.do(bench.scheduler.prestart(2, 0.0))
    bench.ask(A, purpose=Purpose.ACTOR)
    assert sorted(w.state.name for w in bench.scheduler.pool) == ["ACTOR", "IDLE"]
    bench.ask(A, purpose=Purpose.ACTOR)
    assert sorted(w.state.name for w in bench.scheduler.pool) == ["ACTOR", "ACTOR", "IDLE"]
    bench.tick(10 * limits.IDLE_WORKER_S)
    assert not bench.take(StopWorker)


def test_workers_that_can_not_start_are_not_started_for_ever():
    scheduler = Scheduler({"CPU": UNITS})
    effects = scheduler.prestart(1, 0.0)
    starts = 0
    while effects:
        (start,) = effects
        starts += 1
        effects = scheduler.start_failed(start.slot, "no", False, 0.0)
    assert starts == limits.START_FAILURES_MAX


def test_one_jvm_is_kept_warm_once_java_is_in_use():
    bench = Bench(1)
    bench.ask(A, language=JAVA)

    def states():
        return sorted(w.state.name for w in bench.scheduler.pool if w.kind.language == JAVA)

    assert states() == ["LEASED"], "the spare would take a processor from the task"
    bench.tick(bench.scheduler.deadline())
    assert states() == ["IDLE", "LEASED"]
    bench.do(bench.scheduler.job_over(1, 0.0))
    assert len(bench.take(StopWorker)) == 1


def test_a_jvm_is_ready_before_the_first_request_of_a_job_that_said_it_would_use_java():
    bench = Bench(1)
    bench.do(bench.scheduler.expect_java(1, 0.0))
    bench.do(bench.scheduler.expect_java(1, 0.0))
    assert [w.state.name for w in bench.scheduler.pool if w.kind.language == JAVA] == ["IDLE"]
    bench.tick(10 * limits.IDLE_WORKER_S)
    assert not bench.take(StopWorker)
    bench.ask(A, language=JAVA)
    assert len(bench.take(Granted)) == 1
    bench.do(bench.scheduler.job_over(1, 0.0))
    assert bench.scheduler.expect_java(1, 0.0) == [], "the job is over"


def test_surplus_of_idle_workers_ends_after_a_while():
    bench = Bench(1)
    bench.ask(A, 3, demand=())
    for grant in bench.take(Granted):
        bench.give_back(grant)
    assert not bench.take(StopWorker)
    bench.tick(limits.IDLE_WORKER_S)
    stopped = {stop.slot for stop in bench.take(StopWorker)}
    assert [w.state.name for w in bench.scheduler.pool if w.slot not in stopped] == ["IDLE"]


def test_actors_hold_their_resources_until_their_worker_ends():
    bench = Bench(1)
    bench.ask(A, purpose=Purpose.ACTOR)
    (grant,) = bench.take(Granted)
    assert bench.scheduler.pool.workers[grant.slot].state is WorkerState.ACTOR
    bench.ask(B)
    bench.tick(100)
    assert not bench.take(Recall)
    bench.do(bench.scheduler.worker_ended(grant.slot, bench.now))
    assert not bench.take(LeaseOver)
    assert [g.caller for g in bench.take(Granted)] == [B]


def test_actor_outlives_its_creator_s_end():
    bench = Bench(1)
    bench.ask(A, purpose=Purpose.ACTOR)
    bench.do(bench.scheduler.caller_ended(A, 0.0))
    assert not bench.take(Revoke)
    assert len(bench.scheduler.leases) == 1


def test_lease_of_another_can_not_be_returned():
    bench = Bench(1)
    bench.ask(A)
    (grant,) = bench.take(Granted)
    with pytest.raises(TransitionError, match="does not hold it"):
        bench.scheduler.lease_returned(B, grant.lease, 0.0)


def test_acknowledgement_of_a_revocation_that_never_was_is_refused():
    bench = Bench(1)
    bench.ask(A)
    (grant,) = bench.take(Granted)
    with pytest.raises(TransitionError, match="is GRANTED: LeaseRevoked is not possible"):
        bench.scheduler.lease_revoked(grant.slot, grant.lease, grant.epoch, 0.0)


def shared_actors(bench, count, **fields):
    names = [bytes([number]) * 16 for number in range(1, count + 1)]
    for name in names:
        request = bench.scheduler.request(
            Purpose.ACTOR, A, name, key(language=JAVA, shared=True, **fields), 1, 1, bench.now
        )
        bench.do(request)
    return names


def test_actors_that_share_a_worker_are_given_one_and_each_its_resources():
    bench = Bench(4)
    first, second, third = shared_actors(bench, 3)
    grants = bench.take(Granted)
    assert [grant.name for grant in grants] == [first, second, third]
    assert len({grant.slot for grant in grants}) == 1
    assert len(bench.take(BindWorker)) == 1
    assert bench.scheduler.available.free["CPU"] == UNITS
    slot = grants[0].slot
    bench.do(bench.scheduler.blocked(slot, 0, 0.0, second))
    assert bench.scheduler.available.free["CPU"] == 2 * UNITS
    bench.do(bench.scheduler.unblocked(slot, 0, second))
    bench.do(bench.scheduler.actor_left(slot, first, 0.0))
    assert bench.scheduler.available.free["CPU"] == 2 * UNITS
    assert not bench.take(StopWorker)
    bench.do(bench.scheduler.worker_ended(slot, 0.0))
    assert bench.scheduler.available.free["CPU"] == 4 * UNITS
    assert not bench.scheduler.leases


def test_a_shared_worker_ends_with_its_last_actor_and_takes_no_more_than_it_may(monkeypatch):
    monkeypatch.setattr(limits, "SHARED_ACTORS_MAX", 2)
    bench = Bench(4)
    names = shared_actors(bench, 3, demand=())
    grants = bench.take(Granted)
    assert len({grant.slot for grant in grants}) == 2
    bench.do(bench.scheduler.actor_left(grants[2].slot, names[2], 0.0))
    assert [stop.slot for stop in bench.take(StopWorker)] == [grants[2].slot]


def test_actors_of_other_flags_or_that_share_nothing_get_workers_of_their_own():
    bench = Bench(4)
    shared_actors(bench, 1, demand=())
    bench.ask(A, purpose=Purpose.ACTOR, language=JAVA, demand=())
    slots = [grant.slot for grant in bench.take(Granted)]
    assert len(set(slots)) == 2


def test_an_actor_that_restarts_is_given_no_place_in_the_worker_that_has_just_ended():
    bench = Bench(4)
    (name,) = shared_actors(bench, 1, demand=())
    (grant,) = bench.take(Granted)
    bench.scheduler.worker_lost(grant.slot, 1.0)
    again = bench.scheduler.request(Purpose.ACTOR, A, name, key(language=JAVA, shared=True, demand=()), 1, 1, 1.0)
    bench.do(again)
    bench.do(bench.scheduler.worker_ended(grant.slot, 1.0))
    (second,) = bench.take(Granted)
    assert second.slot != grant.slot
