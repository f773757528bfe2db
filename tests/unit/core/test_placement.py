"""Placement groups: placed whole or not at all, used by who names them, and gone without a trace."""

from __future__ import annotations

from bowstring_core import limits
from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.placement import Group, GroupState, Strategy
from bowstring_core.machine.requests import (
    BindWorker,
    Effect,
    Granted,
    LeaseKey,
    Recall,
    Rejected,
    StartWorker,
    StopWorker,
)
from bowstring_core.machine.resources import UNITS, demand_of
from bowstring_core.machine.scheduler import Scheduler

ID, OTHER = b"g" * 16, b"h" * 16


def amounts(**units: float) -> tuple[tuple[str, int], ...]:
    return demand_of((name, round(amount * UNITS)) for name, amount in units.items())


CPU = amounts(CPU=1)


class World:
    """A scheduler whose workers come up at once."""

    def __init__(self, **totals: float) -> None:
        self.scheduler = Scheduler(dict(amounts(**totals)))
        self.names = 0
        self.now = 0.0

    def do(self, effects: list[Effect]) -> list[Effect]:
        done = []
        todo = list(effects)
        while todo:
            effect = todo.pop(0)
            done.append(effect)
            if isinstance(effect, StartWorker):
                todo += self.scheduler.worker_registered(effect.slot, 1000 + effect.slot, "3.11", self.now)
        return done

    def group(
        self, *bundles: tuple[tuple[str, int], ...], id: bytes = ID, strategy: Strategy = Strategy.PACK, **more: bool
    ) -> Group:
        group = Group(id, 1, strategy, bundles, **more)
        self.do(self.scheduler.groups.create(group, self.now))
        return group

    def ask(
        self,
        demand: tuple[tuple[str, int], ...] = CPU,
        *,
        group: bytes = ID,
        bundle: int = 0,
        count: int = 1,
        caller: int = 1,
        purpose: Purpose = Purpose.LEASE,
    ) -> list[Effect]:
        self.names += 1
        key = LeaseKey(1, "", 1, demand, (), "", b"", group, bundle)
        return self.do(self.scheduler.request(purpose, caller, self.names, key, count, count, self.now))

    def give_back(self, grant: Granted) -> list[Effect]:
        effects = self.do(self.scheduler.lease_returned(grant.caller, grant.lease, self.now))
        return effects + self.do(self.scheduler.lease_revoked(grant.slot, grant.lease, grant.epoch, self.now))

    def free(self, name: str = "CPU") -> float:
        return self.scheduler.available.free[name] / UNITS


def granted(effects: list[Effect]) -> list[Granted]:
    return [effect for effect in effects if isinstance(effect, Granted)]


def rejections(effects: list[Effect]) -> list[tuple[str, str]]:
    return [(effect.code, effect.message) for effect in effects if isinstance(effect, Rejected)]


def test_a_group_takes_all_its_bundles_when_they_are_free() -> None:
    world = World(CPU=4, disk=1)
    group = world.group(amounts(CPU=1), amounts(CPU=2, disk=1))
    assert group.state is GroupState.PLACED
    assert (world.free(), world.free("disk")) == (1, 0)


def test_a_group_that_does_not_fit_now_takes_nothing_and_waits() -> None:
    world = World(CPU=2)
    grant = granted(world.ask(group=b""))[0]
    group = world.group(amounts(CPU=1), amounts(CPU=1))
    assert (group.state, world.free()) == (GroupState.PENDING, 1)
    world.give_back(grant)
    assert (group.state, world.free()) == (GroupState.PLACED, 0)


def test_a_group_that_waits_long_keeps_what_it_needs_from_others_and_has_leases_recalled() -> None:
    world = World(CPU=2)
    grants = granted(world.ask(group=b"", count=2))
    group = world.group(amounts(CPU=2))
    world.now += limits.LEASE_QUANTUM_S
    recalled = [e for e in world.do(world.scheduler.tick(world.now)) if isinstance(e, Recall)]
    assert [effect.lease for effect in recalled] == [grant.lease for grant in grants]
    world.now += limits.RESERVE_AFTER_S
    world.give_back(grants[0])
    assert granted(world.ask(group=b"", caller=2)) == []
    world.give_back(grants[1])
    assert group.state is GroupState.PLACED


def test_what_can_never_be_placed_says_why() -> None:
    world = World(CPU=2, GPU=1)
    assert "5 CPU wanted, and the node has 2" in world.group(amounts(CPU=3), amounts(CPU=2)).reason
    spread = world.group(CPU, CPU, id=OTHER, strategy=Strategy.STRICT_SPREAD)
    assert spread.state is GroupState.INFEASIBLE
    assert "a node for each of the 2 bundles" in spread.reason
    assert world.group(CPU, id=b"i" * 16, strategy=Strategy.STRICT_SPREAD).state is GroupState.PLACED
    [(code, message)] = rejections(world.ask(group=OTHER))
    assert code == "TASK_UNSCHEDULABLE"
    assert "can't be placed" in message


def test_bundles_that_want_parts_of_too_many_gpus_can_never_be_placed() -> None:
    world = World(CPU=2, GPU=2)
    parts = [amounts(GPU=0.6), amounts(GPU=0.6), amounts(GPU=0.6)]
    assert "parts of more GPUs" in world.group(*parts).reason


def test_requests_wait_for_their_group_and_use_its_bundles_only() -> None:
    world = World(CPU=3)
    blocker = granted(world.ask(group=b"", count=2))
    world.group(amounts(CPU=2))
    assert granted(world.ask(count=3)) == []
    grants = granted(world.give_back(blocker[0]))
    assert len(grants) == 2
    assert world.free() == 0
    assert granted(world.give_back(blocker[1])) == []
    assert world.free() == 1
    assert len(granted(world.give_back(grants[0]))) == 1


def test_what_a_request_waits_for_can_be_told() -> None:
    world = World(CPU=3)
    blocker = granted(world.ask(group=b"", count=2))
    world.group(amounts(CPU=2))
    key = LeaseKey(1, "", 1, CPU, (), "", b"", ID, 1)
    named = f"placement group {ID.hex()}"
    assert world.scheduler.groups.waits_for(key) == f"{named}, which waits for CPU 1 to be free"
    world.give_back(blocker[0])
    assert world.scheduler.groups.waits_for(key) == f"CPU 1 of bundle 0 of {named}"


def test_a_bundle_is_used_by_its_number_or_whichever_has_room() -> None:
    world = World(CPU=4)
    group = world.group(amounts(CPU=1), amounts(CPU=2))
    assert len(granted(world.ask(bundle=1, count=2))) == 1
    assert len(granted(world.ask(count=3, caller=2))) == 2
    assert [account.free["CPU"] for account in group.accounts] == [0, 0]


def test_a_demand_that_no_bundle_can_hold_is_rejected() -> None:
    world = World(CPU=4)
    world.group(amounts(CPU=1), amounts(CPU=2))
    assert rejections(world.ask(amounts(CPU=3)))[0][0] == "TASK_UNSCHEDULABLE"
    [(code, message)] = rejections(world.ask(amounts(CPU=2), bundle=1, purpose=Purpose.ACTOR))
    assert code == "ACTOR_UNSCHEDULABLE"
    assert "bundle 0" in message
    [(code, message)] = rejections(world.ask(bundle=3))
    assert "bundle_index is 2" in message
    assert "has 2 bundles" in message


def test_the_gpus_of_a_bundle_are_its_own() -> None:
    world = World(CPU=4, GPU=3)
    world.group(amounts(CPU=1, GPU=1), amounts(CPU=1, GPU=0.5))
    bound = [e.gpus for e in world.ask(amounts(GPU=1), bundle=1) if isinstance(e, BindWorker)]
    parts = [e.gpus for e in world.ask(amounts(GPU=0.5), bundle=2) if isinstance(e, BindWorker)]
    others = [e.gpus for e in world.ask(amounts(GPU=1), group=b"") if isinstance(e, BindWorker)]
    none = [e.gpus for e in world.ask(CPU, bundle=1) if isinstance(e, BindWorker)]
    assert len({*bound, *parts, *others}) == 3
    assert none == [""]


def test_a_worker_of_a_group_serves_nobody_else() -> None:
    world = World(CPU=4)
    world.group(CPU)
    grant = granted(world.ask())[0]
    world.give_back(grant)
    assert granted(world.ask(group=b""))[0].slot != grant.slot
    assert granted(world.ask())[0].slot == grant.slot


def test_blocking_gives_cpu_back_to_the_bundle() -> None:
    world = World(CPU=2)
    world.group(CPU)
    grant = granted(world.ask())[0]
    assert granted(world.ask(caller=2)) == []
    assert len(granted(world.do(world.scheduler.blocked(grant.slot, grant.epoch, world.now)))) == 1
    world.scheduler.unblocked(grant.slot, grant.epoch)
    assert world.scheduler.groups.by_id[ID].accounts[0].free["CPU"] == -UNITS


def test_callers_share_a_bundle_in_turns() -> None:
    world = World(CPU=4)
    world.group(amounts(CPU=2))
    first = granted(world.ask(count=2))
    world.ask(caller=2)
    world.now += limits.LEASE_QUANTUM_S
    effects = world.do(world.scheduler.tick(world.now))
    assert [e.lease for e in effects if isinstance(e, Recall)] == [first[0].lease]


def test_removal_gives_back_what_is_free_at_once_and_the_rest_when_workers_have_ended() -> None:
    world = World(CPU=4, GPU=2)
    world.group(amounts(CPU=2, GPU=1), CPU)
    grant = granted(world.ask(amounts(CPU=1, GPU=0.5), bundle=1))[0]
    waiting = world.ask(amounts(CPU=2), bundle=1, caller=2)
    assert granted(waiting) == []
    effects = world.do(world.scheduler.groups.remove(ID, world.now))
    assert [(e.slot, e.force, e.code) for e in effects if isinstance(e, StopWorker)] == [
        (grant.slot, True, "PLACEMENT_GROUP_REMOVED")
    ]
    assert [code for code, _ in rejections(effects)] == ["PLACEMENT_GROUP_REMOVED"]
    assert (world.free(), world.free("GPU")) == (3, 1.5)
    world.do(world.scheduler.worker_ended(grant.slot, world.now))
    assert (world.free(), world.free("GPU")) == (4, 2)
    assert world.scheduler.available.gpus == [UNITS, UNITS]
    assert rejections(world.ask())[0][0] == "PLACEMENT_GROUP_REMOVED"
    assert world.scheduler.groups.remove(ID, world.now) == []


def test_a_lease_that_comes_back_while_its_worker_is_being_ended_is_no_error() -> None:
    world = World(CPU=2)
    world.group(CPU)
    grant = granted(world.ask())[0]
    world.do(world.scheduler.groups.remove(ID, world.now))
    assert world.do(world.scheduler.lease_returned(grant.caller, grant.lease, world.now)) == []
    world.do(world.scheduler.worker_ended(grant.slot, world.now))
    assert world.free() == 2


def test_a_group_that_waits_can_be_removed() -> None:
    world = World(CPU=2)
    grant = granted(world.ask(group=b""))[0]
    world.group(amounts(CPU=2))
    world.do(world.scheduler.groups.remove(ID, world.now))
    assert world.scheduler.waiting() == []
    world.give_back(grant)
    assert world.free() == 2


def test_the_groups_of_a_job_end_with_it_but_for_detached_ones() -> None:
    world = World(CPU=2)
    world.group(CPU)
    world.group(CPU, id=OTHER, detached=True)
    world.do(world.scheduler.groups.job_over(1, world.now))
    assert list(world.scheduler.groups.by_id) == [OTHER]
    assert world.free() == 1
