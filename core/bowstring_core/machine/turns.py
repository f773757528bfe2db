"""One turn of the scheduler: who of those that wait gets what is free, and whose leases are asked back.

Jobs take turns, and callers within a job, one grant each, who was served longest ago first. But for every fourth grant,
tasks that are blocked come before others of their job, the last one to block first: it is the deepest of nested tasks,
and to go wide first would need a worker for each task of the tree. Within a caller the queue whose head is oldest comes
first; within a queue the order is that of arrival.

A request whose resources are free but that finds no idle worker plans one: the plan keeps the resources from other
plans of the same turn, and a worker is started for it unless one is on its way.

A request that waits for resources is served in two more ways. Leases of queues that hold more than it does are
recalled, once they were left alone for a quantum; so callers that want more than there is share it in turns. And one
that waited long keeps what it needs from being given to others, so that a demand for many CPUs gets its turn. But who
waits for a GPU, which may take hours, stops nobody who wants a CPU: CPUs and memory are kept for those who lack nothing
else.

Of many requests with the same demand that can't be met only some are looked at: what does not fit for one does not fit
for the next.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from bowstring_core import limits
from bowstring_core.machine.leases import Lease, LeaseState, Purpose
from bowstring_core.machine.placement import place_on
from bowstring_core.machine.requests import BindWorker, Effect, Granted, LeaseKey, Recall, Request
from bowstring_core.machine.resources import Availability, Demand, larger_of
from bowstring_core.machine.workers import JAVA, Worker, WorkerKind, WorkerState

if TYPE_CHECKING:
    from bowstring_core.machine.scheduler import Scheduler

_NEEDED_BY_ALL = ("CPU", "memory")


def starting_max(kind: WorkerKind) -> int:
    """How many workers of the kind may be starting at one time."""
    return limits.STARTING_JAVA_MAX if kind.language == JAVA else limits.STARTING_PYTHON_MAX


def scarce_part(account: Availability, key: LeaseKey) -> Demand:
    """What of its demand a request that waited long keeps from others: all of it, but for what everybody needs while it
    lacks something else."""
    need = larger_of(key.demand, key.placement)
    if all(account.fits((entry,)) for entry in need if entry[0] not in _NEEDED_BY_ALL):
        return key.demand
    return tuple(entry for entry in key.demand if entry[0] not in _NEEDED_BY_ALL)


class Turn:
    """One turn over the scheduler's queues.

    Attributes:
        wanted: Workers that are to be there, by kind, for what could run now.
        wake: When another turn may come to more, with nothing else happening; None: never.
    """

    def __init__(self, scheduler: Scheduler, now: float) -> None:
        self._scheduler, self._now = scheduler, now
        self._plans = {id(scheduler.available): scheduler.available.copy()}  # by id of what they are copies of
        self._planned: Counter[int] = Counter()  # by id(request)
        self._shared_planned: set[LeaseKey] = set()  # one worker is planned for all actors that can share it
        self._unmet: dict[int, Request] = {}  # by id
        self._misfits: Counter[tuple[Demand, bytes, int]] = Counter()
        self.wanted: Counter[WorkerKind] = Counter()
        self.wake: float | None = None

    def _wake_at(self, at: float) -> None:
        if self.wake is None or at < self.wake:
            self.wake = at

    def take(self) -> list[Effect]:
        """Grant and recall what can be."""
        effects: list[Effect] = []
        order = deque(sorted(self._scheduler.queues, key=self._place_of))
        while order:
            caller = order.popleft()
            if self._serve_one(caller, effects):
                order.append(caller)
        if self._unmet:
            effects += self._recall_for(list(self._unmet.values()))
        return effects

    def _place_of(self, caller: int) -> tuple[int, int, int]:
        """Where the caller stands: smaller is earlier."""
        scheduler = self._scheduler
        job = next(iter(scheduler.queues[caller])).job
        depth = 0
        if scheduler.grants % limits.FAIR_GRANT_EVERY:
            worker = scheduler.pool.workers.get(scheduler.slot_of.get(caller, 0))
            entry = scheduler.leases.get(worker.lease) if worker is not None else None
            depth = entry.blocked_as if entry is not None and entry.purpose is Purpose.LEASE else 0
        return scheduler.job_served.get(job, 0), -depth, scheduler.served.get(caller, 0)

    def _heads(self, caller: int) -> list[Request]:
        """The first request of each queue that is not wholly planned, oldest first."""
        heads = []
        for queue in self._scheduler.queues.get(caller, {}).values():
            for request in queue:
                if self._planned[id(request)] < request.count:
                    heads.append(request)
                    break
        if len(heads) > 1:
            heads.sort(key=lambda request: request.since)
        return heads

    def _accounts(self, key: LeaseKey) -> list[Availability]:
        """Where the resources of a request may come from: the node, or bundles of its placement group."""
        return self._scheduler.groups.accounts(key) if key.group else [self._scheduler.available]

    def _plan_of(self, account: Availability) -> Availability:
        plan = self._plans.get(id(account))
        if plan is None:
            plan = self._plans[id(account)] = account.copy()
        return plan

    def _closest(self, key: LeaseKey) -> Availability | None:
        """The account that lacks least of what a request needs; None: there is none yet."""
        need = larger_of(key.demand, key.placement)
        accounts = self._accounts(key)
        return min(accounts, key=lambda account: sum(account.lacking(need).values()), default=None)

    def _serve_one(self, caller: int, effects: list[Effect]) -> bool:
        """Grant or plan one worker for the caller; False: nothing more can be done for it in this turn."""
        for request in self._heads(caller):
            key = request.key
            alike = (key.demand, key.group, key.bundle)
            if id(request) in self._unmet or self._misfits[alike] >= limits.UNMET_LOOKED_AT:
                continue
            if request.purpose is Purpose.GROUP and self._place_group(request):
                return True
            need = larger_of(key.demand, key.placement) if key.placement else key.demand
            account = None
            if request.purpose is not Purpose.GROUP:
                account = next((one for one in self._accounts(key) if self._plan_of(one).fits(need)), None)
            if account is None:
                self._unmet[id(request)] = request
                self._misfits[alike] += 1
                if self._now >= request.since + limits.RESERVE_AFTER_S:
                    closest = self._closest(key)
                    if closest is not None:
                        self._plan_of(closest).reserve(scarce_part(closest, key))
                else:
                    self._wake_at(request.since + limits.RESERVE_AFTER_S)
                continue
            plan = self._plan_of(account)
            worker = self._shared_worker_for(key) if key.shared else None
            worker = worker or self._idle_worker_for(key, account)
            if worker is not None:
                plan.reserve(key.demand)
                effects += self._grant(request, worker, account)
                plan.gpus = list(account.gpus)
                return True
            if key.shared and key in self._shared_planned:
                plan.take(key.demand)
                self._planned[id(request)] += 1
                return True
            if self.wanted[key.kind()] < starting_max(key.kind()):
                if key.shared:
                    self._shared_planned.add(key)
                plan.take(key.demand)
                self._planned[id(request)] += 1
                self.wanted[key.kind()] += 1
                return True
        return False

    def _place_group(self, request: Request) -> bool:
        """Reserve the bundles of a placement group, if nobody who came before needs what they take."""
        scheduler = self._scheduler
        assert isinstance(request.name, bytes)
        plan = self._plan_of(scheduler.available)
        group = scheduler.groups.by_id[request.name]
        if place_on(plan.copy(), group.bundles) is None or not scheduler.groups.placed(request.name):
            return False
        plan.reserve(request.key.demand)
        plan.gpus = list(scheduler.available.gpus)
        scheduler.drop_caller(request.caller)
        scheduler.grants += 1
        scheduler.job_served[request.key.job] = scheduler.grants
        return True

    def _visible(self, gpus: tuple[tuple[int, int], ...]) -> str:
        return ",".join(str(index) for index, _ in gpus) or self._scheduler.no_gpus

    def _idle_worker_for(self, key: LeaseKey, account: Availability) -> Worker | None:
        trial = account.copy() if any(name == "GPU" for name, _ in key.demand) else None
        gpus = self._visible(trial.take(key.demand) if trial else ())
        group = (key.group, key.capture)
        return self._scheduler.pool.find_idle(key.kind(), key.language_version, key.job, gpus, group)

    def _shared_worker_for(self, key: LeaseKey) -> Worker | None:
        return self._scheduler.pool.find_shared(key.kind(), key.language_version, key.job, (key.group, key.capture))

    def _grant(self, request: Request, worker: Worker, account: Availability) -> list[Effect]:
        scheduler, key, purpose, caller = self._scheduler, request.key, request.purpose, request.caller
        gpus = account.take(key.demand)
        effects: list[Effect] = []
        if worker.gpus is None:
            worker.job, worker.gpus, worker.group = key.job, self._visible(gpus), (key.group, key.capture)
            effects.append(BindWorker(worker.slot, worker.job, worker.gpus, key.group, key.capture))
        if worker.state is not WorkerState.ACTOR:  # else another actor joins those that share it
            scheduler.pool.move(worker, "became actor" if purpose is Purpose.ACTOR else "leased", self._now)
        epoch = 0
        if purpose is Purpose.LEASE:
            worker.epoch += 1
            epoch = worker.epoch
        number = scheduler.next_lease
        scheduler.next_lease += 1
        queue = (caller, key)
        entry = Lease(
            number,
            purpose,
            caller,
            queue,
            request.name,
            worker.slot,
            epoch,
            key.demand,
            gpus,
            self._now,
            account,
            key.group,
        )
        worker.lease = number
        if key.shared:
            assert isinstance(request.name, bytes)
            worker.sharers = worker.sharers or {}
            worker.sharers[request.name] = number
        scheduler.leases[number] = entry
        if purpose is Purpose.LEASE:
            scheduler.of_caller.setdefault(caller, set()).add(number)
        request.count -= 1
        scheduler.grants += 1
        scheduler.served[caller] = scheduler.job_served[key.job] = scheduler.grants
        if request.count == 0:
            scheduler.queues[caller][key].remove(request)
            scheduler.prune(caller, key)
        effects.append(Granted(purpose, caller, request.name, number, worker.slot, epoch))
        return effects

    def _recall_for(self, unmet: list[Request]) -> list[Effect]:
        effects: list[Effect] = []
        held: Counter[object] = Counter()
        coming: Counter[tuple[int, str]] = Counter()  # by id of the account and name
        candidates = []
        for entry in self._scheduler.leases.values():
            if entry.purpose is not Purpose.LEASE:
                continue
            if entry.recalled or entry.state is LeaseState.REVOKING:
                for name, units in entry.held():
                    coming[id(entry.account), name] += units
            else:
                held[entry.queue] += 1
                candidates.append(entry)
        candidates.sort(key=lambda entry: entry.since)
        for request in unmet:
            account = self._closest(request.key)
            if account is None:
                continue
            place = id(account)
            lacking = account.lacking(larger_of(request.key.demand, request.key.placement))
            lacking = {name: units - coming[place, name] for name, units in lacking.items()}
            lacking = {name: units for name, units in lacking.items() if units > 0}
            for name, units in request.key.demand:
                coming[place, name] = max(0, coming[place, name] - units)  # what comes is spoken for
            queue: object = (request.caller, request.key)
            for entry in candidates:
                if not lacking:
                    break
                if entry.recalled or entry.queue == queue or held[entry.queue] <= held[queue]:
                    continue
                if entry.account is not account:
                    continue
                if not any(name in lacking for name, _ in entry.held()):
                    continue
                if self._now < entry.since + limits.LEASE_QUANTUM_S:
                    self._wake_at(entry.since + limits.LEASE_QUANTUM_S)
                    continue
                entry.recalled = True
                held[entry.queue] -= 1
                effects.append(Recall(entry.caller, entry.lease))
                for name, units in entry.held():
                    if name in lacking:
                        lacking[name] -= units
                        if lacking[name] <= 0:
                            del lacking[name]
        return effects
