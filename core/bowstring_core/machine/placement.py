"""Placement groups: resources that are reserved together, and used by who names the group (spec chapter 11).

A group that can be placed waits among the scheduler's requests like everybody: its demand is the sum of its bundles, it
takes its turn, has leases recalled, and keeps what it needs from others if it waits long. When all bundles fit, each
becomes an account of its own, an Availability, from which the group's leases are taken and to which they go back.

What is removed has no account any more: its free amounts are the node's at once, and the leases that are left give back
to the node when their workers have ended.

    PENDING -> PLACED -> (gone)
    INFEASIBLE ---------> (gone)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING

from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.requests import Effect, LeaseKey, Rejected, Request
from bowstring_core.machine.resources import UNITS, Availability, Demand, larger_of, never_fits
from bowstring_core.machine.workers import WorkerState

if TYPE_CHECKING:
    from bowstring_core.machine.scheduler import Scheduler


class Strategy(Enum):
    """How bundles are spread over nodes; the numbers are the spec's."""

    PACK = 1
    SPREAD = 2
    STRICT_PACK = 3
    STRICT_SPREAD = 4


class GroupState(Enum):
    """Where a group stands; the numbers are the spec's."""

    PENDING = 1
    PLACED = 2
    INFEASIBLE = 3


class Group:
    """One placement group. Read-only outside of the machines.

    Attributes:
        accounts: What each bundle has free, once the group is placed.
        reason: Why it is INFEASIBLE.
    """

    __slots__ = ("accounts", "bundles", "caller", "detached", "id", "job", "name", "namespace", "reason", "state",
                 "strategy")  # fmt: skip

    def __init__(
        self,
        id: bytes,
        job: int,
        strategy: Strategy,
        bundles: tuple[Demand, ...],
        detached: bool = False,
        name: str = "",
        namespace: str = "",
    ) -> None:
        self.id, self.job, self.strategy, self.bundles = id, job, strategy, bundles
        self.detached, self.name, self.namespace = detached, name, namespace
        self.state = GroupState.PENDING
        self.accounts: list[Availability] = []
        self.reason = ""
        self.caller = 0  # the number under which it waits, below zero

    def demand(self) -> Demand:
        """All that the bundles hold."""
        amounts: Counter[str] = Counter()
        for bundle in self.bundles:
            amounts.update(dict(bundle))
        return tuple(sorted(amounts.items()))


def place_on(available: Availability, bundles: Iterable[Demand]) -> list[Availability] | None:
    """Take all bundles out of what is available; an account for each, or None, and nothing is taken."""
    trial = available.copy()
    accounts = []
    for bundle in sorted(enumerate(bundles), key=lambda item: -dict(item[1]).get("GPU", 0)):
        if not trial.fits(bundle[1]):
            return None
        accounts.append((bundle[0], Availability.part(bundle[1], trial.take(bundle[1]), len(trial.gpus))))
    available.free, available.gpus = trial.free, trial.gpus
    return [account for _, account in sorted(accounts, key=lambda item: item[0])]


class Groups:
    """Every group of the node.

    Args:
        scheduler: Whose resources they reserve.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.by_id: dict[bytes, Group] = {}
        self._created = 0

    # Life -------------------------------------------------------------------------------------------------------------

    def create(self, group: Group, now: float) -> list[Effect]:
        """A group is wanted; its id is new."""
        self.by_id[group.id] = group
        group.reason = self._never(group)
        if group.reason:
            group.state = GroupState.INFEASIBLE
            return []
        self._created += 1
        group.caller = -self._created
        key = LeaseKey(0, "", group.job, group.demand(), (), "")
        return self._scheduler.enqueue(Request(Purpose.GROUP, group.caller, group.id, key, 1, 1, now), now)

    def _never(self, group: Group) -> str:
        if group.strategy is Strategy.STRICT_SPREAD and len(group.bundles) > 1:
            return (
                f"STRICT_SPREAD wants a node for each of the {len(group.bundles)} bundles, and there is one; "
                "use SPREAD or PACK"
            )
        totals = self._scheduler.totals
        reason = never_fits(totals, group.demand())
        if not reason and place_on(Availability(totals), group.bundles) is None:
            reason = f"its bundles want parts of more GPUs than the {totals.get('GPU', 0) / UNITS:g} that the node has"
        return f"the bundles together: {reason}" if reason else ""

    def placed(self, group_id: bytes) -> bool:
        """Place a group that waits, if everything is free; False: it is not."""
        group = self.by_id[group_id]
        accounts = place_on(self._scheduler.available, group.bundles)
        if accounts is None:
            return False
        group.accounts, group.state = accounts, GroupState.PLACED
        return True

    def remove(self, group_id: bytes, now: float) -> list[Effect]:
        """A group is not wanted any more; nothing happens if there is none."""
        group = self.by_id.pop(group_id, None)
        if group is None:
            return []
        scheduler = self._scheduler
        effects: list[Effect] = []
        if group.state is GroupState.PENDING:
            scheduler.drop_caller(group.caller)
        for account in group.accounts:
            gpus = tuple((index, units) for index, units in enumerate(account.gpus) if units)
            scheduler.available.give(tuple(account.free.items()), gpus)
        for entry in scheduler.leases.values():
            if entry.group == group_id:
                entry.account = scheduler.available
        for worker in list(scheduler.pool):
            if worker.group[0] == group_id and worker.state is not WorkerState.ENDING:
                effects += scheduler.stop_worker(worker.slot, True, now, "PLACEMENT_GROUP_REMOVED")
        for request in scheduler.waiting():
            if request.key.group == group_id:
                scheduler.drop(request)
                effects.append(
                    Rejected(request.purpose, request.caller, request.name, "PLACEMENT_GROUP_REMOVED", gone(group_id))
                )
        return effects + scheduler.tick(now)

    def job_over(self, job: int, now: float) -> list[Effect]:
        """The job's driver is gone: its groups are removed, but for detached ones."""
        effects: list[Effect] = []
        for group in [group for group in self.by_id.values() if group.job == job and not group.detached]:
            effects += self.remove(group.id, now)
        return effects

    # Use --------------------------------------------------------------------------------------------------------------

    def refusal(self, key: LeaseKey) -> tuple[str, str]:
        """Why a request that names a group can never be met: the name of an error code, and a message; else empty."""
        group = self.by_id.get(key.group)
        if group is None:
            return "PLACEMENT_GROUP_REMOVED", gone(key.group)
        if group.state is GroupState.INFEASIBLE:
            return "UNSCHEDULABLE", f"placement group {key.group.hex()} can't be placed: {group.reason}"
        if key.bundle > len(group.bundles):
            there = f"placement group {key.group.hex()} has {len(group.bundles)} bundles"
            return "UNSCHEDULABLE", f"bundle_index is {key.bundle - 1}, and {there}"
        bundles = group.bundles[key.bundle - 1 : key.bundle] if key.bundle else group.bundles
        need = larger_of(key.demand, key.placement)
        where = f"bundle {key.bundle - 1}" if key.bundle else "the first bundle"
        reasons = [never_fits(dict(bundle), need, where) for bundle in bundles]
        if all(reasons):
            which = f"bundle {key.bundle - 1}" if key.bundle else "every bundle"
            return "UNSCHEDULABLE", f"{which} of placement group {key.group.hex()} is too small: {reasons[0]}"
        return "", ""

    def accounts(self, key: LeaseKey) -> list[Availability]:
        """Where a request that names a group may be served from; none while it is not placed."""
        accounts = self.by_id[key.group].accounts
        return accounts[key.bundle - 1 : key.bundle] if key.bundle else accounts

    def waits_for(self, key: LeaseKey) -> str:
        """What a request that names a group waits for, for people."""
        group = self.by_id[key.group]
        named = f"placement group {group.id.hex()}" + (f" ({group.name})" if group.name else "")
        if group.state is not GroupState.PENDING:
            which = f"bundle {key.bundle - 1}" if key.bundle else "a bundle"
            need = larger_of(key.demand, key.placement)
            return f"{_amounts(need) or 'a worker'} of {which} of {named}"
        lacking = self._scheduler.available.lacking(group.demand())
        return f"{named}, which waits for {_amounts(lacking.items()) or 'its turn'} to be free"


def _amounts(amounts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {units / UNITS:g}" for name, units in amounts)


def gone(group_id: bytes) -> str:
    """What is said of a group that is not there."""
    return f"placement group {group_id.hex()} is not there: it was removed, or its job has ended"
