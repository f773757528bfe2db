"""The scheduler of one node: who gets the next worker.

Requests wait in queues, one for each caller and key (language, resources and so on). A pass grants what can be
granted: jobs take turns, and callers within a job, one grant each, who was served longest ago first. But for every
fourth grant, tasks that are blocked come before others of their job, the last one to block first: it is the deepest of
nested tasks, and to go wide first would need a worker for each task of the tree. Within a caller the queue whose head
is oldest comes first; within a queue the order is that of arrival. A request whose resources are free but that finds
no idle worker plans one: the plan keeps the resources from other plans of the same pass, and a worker is started for
it unless one is on its way.

A request that waits for resources is served in two more ways. Leases of queues that hold more than it does are
recalled, once they were left alone for a quantum; so callers that want more than there is share it in turns. And one
that waited long keeps what it needs from being given to others, so that a demand for many CPUs gets its turn.

Blocking gives CPU back, and going on takes it even if none is left. A worker that ends takes its lease with it. What
an ended caller leaves is revoked; a worker that does not stop by its grace is ended.

The machine refuses to know sockets, addresses and processes: callers are numbers, workers are slots.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine.leases import Lease, LeaseState, Purpose
from bowstring_core.machine.resources import UNITS, Availability, Demand, larger_of, never_fits
from bowstring_core.machine.transitions import TransitionError
from bowstring_core.machine.workers import JAVA, PYTHON, Worker, WorkerKind, WorkerPool, WorkerState

_PYTHON = WorkerKind(PYTHON)


class LeaseKey(NamedTuple):
    """What makes two requests of one caller alike."""

    language: int
    language_version: str
    job: int
    demand: Demand
    placement: Demand
    jvm_flags: str

    def kind(self) -> WorkerKind:
        """The kind of worker that can serve it."""
        return WorkerKind(self.language, self.jvm_flags, self.job if self.language == JAVA else 0)


class Request:
    """A request that waits for `count` more workers."""

    __slots__ = ("backlog", "caller", "count", "key", "name", "purpose", "since")

    def __init__(
        self, purpose: Purpose, caller: int, name: object, key: LeaseKey, count: int, backlog: int, now: float
    ) -> None:
        self.purpose, self.caller, self.name, self.key = purpose, caller, name, key
        self.count, self.backlog, self.since = count, backlog, now


# Effects --------------------------------------------------------------------------------------------------------------


class StartWorker(NamedTuple):
    """Start a process for the slot."""

    slot: int
    kind: WorkerKind


class BindWorker(NamedTuple):
    """Tell the worker its job and its GPUs, before anything else."""

    slot: int
    job: int
    gpus: str


class Granted(NamedTuple):
    """The worker is the requester's. For an actor and a transcoder `name` says which."""

    purpose: Purpose
    caller: int
    name: object
    lease: int
    slot: int
    epoch: int


class Revoke(NamedTuple):
    """Tell the worker that the epoch ends."""

    slot: int
    lease: int
    epoch: int


class Recall(NamedTuple):
    """Ask the caller for the lease."""

    caller: int
    lease: int


class LeaseOver(NamedTuple):
    """The worker of a lease has ended; the caller is to be told."""

    caller: int
    lease: int
    slot: int


class Rejected(NamedTuple):
    """The request can't be met: `code` is a name of ErrorCode."""

    purpose: Purpose
    caller: int
    name: object
    code: str
    message: str


class StopWorker(NamedTuple):
    """End the worker's process; by force if it would not end by itself."""

    slot: int
    force: bool


class CallerSettled(NamedTuple):
    """No worker works for the ended caller any more."""

    caller: int


Effect = StartWorker | BindWorker | Granted | Revoke | Recall | LeaseOver | Rejected | StopWorker | CallerSettled


class Scheduler:
    """Requests, leases, workers and resources of one node.

    Args:
        totals: What the node has, in units of 1/10000.
    """

    def __init__(self, totals: Mapping[str, int]) -> None:
        self.totals = dict(totals)
        self.available = Availability(totals)
        self.pool = WorkerPool()
        self.leases: dict[int, Lease] = {}
        self._queues: dict[int, dict[LeaseKey, deque[Request]]] = {}  # by caller
        self._served: dict[int, int] = {}  # by caller: number of the grant that it had last
        self._job_served: dict[int, int] = {}
        self._grants = self._blocks = 0
        self._slot_of: dict[int, int] = {}  # by process, of workers
        self._of_caller: dict[int, set[int]] = {}  # leases
        self._settling: set[int] = set()
        self._prestarted = False
        self._java_jobs: set[int] = set()  # jobs that keep a warm JVM
        self._over_jobs: set[int] = set()
        self._failures: Counter[WorkerKind] = Counter()
        self._next_lease = 1
        self._deadline: float | None = None
        self._no_gpus = "" if totals.get("GPU") else "-"

    # Requests ---------------------------------------------------------------------------------------------------------

    def request(
        self, purpose: Purpose, caller: int, name: object, key: LeaseKey, count: int, backlog: int, now: float
    ) -> list[Effect]:
        """Somebody wants `count` workers. `name` is unique among the caller's requests of that purpose."""
        reason = never_fits(self.totals, larger_of(key.demand, key.placement))
        if reason:
            code = "ACTOR_UNSCHEDULABLE" if purpose is Purpose.ACTOR else "TASK_UNSCHEDULABLE"
            return [Rejected(purpose, caller, name, code, reason)]
        if key.language == JAVA and not key.jvm_flags:
            self._java_jobs.add(key.job)
        queue = self._queues.setdefault(caller, {}).setdefault(key, deque())
        queue.append(Request(purpose, caller, name, key, count, backlog, now))
        return self._pass(now)

    def withdraw(self, purpose: Purpose, caller: int, name: object, now: float) -> list[Effect]:
        """The request is not wanted any more; nothing happens if it was granted meanwhile."""
        for key, queue in list(self._queues.get(caller, {}).items()):
            for request in queue:
                if request.name == name and request.purpose is purpose:
                    queue.remove(request)
                    self._prune(caller, key)
                    return self._pass(now)
        return []

    def _prune(self, caller: int, key: LeaseKey) -> None:
        queues = self._queues[caller]
        if not queues[key]:
            del queues[key]
            if not queues:
                del self._queues[caller]

    def waiting(self) -> list[Request]:
        """Every request that waits, for display."""
        return [r for queues in self._queues.values() for queue in queues.values() for r in queue]

    # Leases -----------------------------------------------------------------------------------------------------------

    def lease_returned(self, caller: int, lease: int, now: float) -> list[Effect]:
        """LeaseReturn. One that crossed the worker's end is nothing."""
        entry = self.leases.get(lease)
        if entry is None:
            return []
        if entry.caller != caller or entry.purpose is not Purpose.LEASE:
            raise TransitionError(f"lease {lease}", entry.state, f"LeaseReturn by {caller:016x}, who does not hold it,")
        revoke = entry.state is LeaseState.GRANTED
        entry.move("LeaseReturn")
        if not revoke:
            return []
        return self._revoke(entry, now) + self._pass(now)

    def _revoke(self, entry: Lease, now: float) -> list[Effect]:
        self.pool.move(self.pool.workers[entry.slot], "revoked", now)
        return [Revoke(entry.slot, entry.lease, entry.epoch)]

    def lease_revoked(self, slot: int, lease: int, epoch: int, now: float) -> list[Effect]:
        """LeaseRevoked from the worker."""
        entry = self.leases.get(lease)
        worker = self.pool.workers.get(slot)
        if worker is None or worker.state is WorkerState.ENDING:
            return []
        if entry is None or entry.slot != slot or entry.epoch != epoch:
            raise TransitionError(f"worker {slot}", worker.state, f"LeaseRevoked of lease {lease}, epoch {epoch},")
        entry.move("LeaseRevoked")
        self.pool.move(worker, "released", now)
        effects = self._forget(entry)
        if worker.job in self._over_jobs:
            effects += self.stop_worker(slot, True, now)
        return effects + self._pass(now)

    def transcoder_done(self, slot: int, now: float) -> list[Effect]:
        """The transcoder has answered, and is idle again."""
        worker = self.pool.workers.get(slot)
        if worker is None or worker.state is not WorkerState.LEASED:
            return []
        entry = self.leases[worker.lease]
        entry.move("released")
        self.pool.move(worker, "released", now)
        return self._forget(entry) + self._pass(now)

    def _forget(self, entry: Lease) -> list[Effect]:
        del self.leases[entry.lease]
        self.available.give(entry.held(), entry.gpus)
        if entry.purpose is not Purpose.LEASE:
            return []
        held = self._of_caller[entry.caller]
        held.discard(entry.lease)
        if held:
            return []
        del self._of_caller[entry.caller]
        return self._settle(entry.caller)

    def _settle(self, caller: int) -> list[Effect]:
        if caller in self._settling and caller not in self._of_caller:
            self._settling.discard(caller)
            return [CallerSettled(caller)]
        return []

    def blocked(self, slot: int, epoch: int, now: float) -> list[Effect]:
        """The worker's task waits: its CPU is free. One of an epoch that is over is nothing."""
        entry = self._current(slot, epoch)
        if entry is None or entry.blocked:
            return []
        self._blocks += 1
        entry.blocked, entry.blocked_as = True, self._blocks
        self.available.give(entry.cpu())
        return self._pass(now)

    def unblocked(self, slot: int, epoch: int) -> list[Effect]:
        """The worker's task goes on, whether its CPU is free or not."""
        entry = self._current(slot, epoch)
        if entry is not None and entry.blocked:
            entry.blocked, entry.blocked_as = False, 0
            self.available.reserve(entry.cpu())
        return []

    def _current(self, slot: int, epoch: int) -> Lease | None:
        worker = self.pool.workers.get(slot)
        entry = self.leases.get(worker.lease) if worker else None
        if entry is None or (entry.purpose is Purpose.LEASE and entry.epoch != epoch):
            return None
        return entry

    def caller_ended(self, caller: int, now: float) -> list[Effect]:
        """The caller has ended: its requests are gone, its leases end. CallerSettled follows, maybe at once."""
        self._queues.pop(caller, None)
        self._served.pop(caller, None)
        self._slot_of.pop(caller, None)
        self._settling.add(caller)
        effects: list[Effect] = []
        for lease in sorted(self._of_caller.get(caller, ())):
            entry = self.leases[lease]
            granted = entry.state is LeaseState.GRANTED
            entry.move("caller ended")
            entry.caller_gone = True
            entry.kill_at = now + limits.ORPHAN_GRACE_S
            if granted:
                effects += self._revoke(entry, now)
        return effects + self._settle(caller) + self._pass(now)

    # Workers ----------------------------------------------------------------------------------------------------------

    def prestart(self, count: int, now: float) -> list[Effect]:
        """Start Python workers before anybody asks, and keep one ready from now on."""
        self._prestarted = True
        missing = count - sum(1 for worker in self.pool if worker.kind == _PYTHON)
        return [StartWorker(self.pool.start(_PYTHON, now).slot, _PYTHON) for _ in range(missing)]

    def worker_registered(self, slot: int, process: int, version: str, now: float) -> list[Effect]:
        """The worker has said Hello; as a caller it is known by its process."""
        worker = self.pool.workers[slot]
        self._slot_of[process] = slot
        worker.version = version
        self.pool.move(worker, "registered", now)
        self._failures.pop(worker.kind, None)
        self._prestarted = self._prestarted or worker.kind == _PYTHON
        return self._pass(now)

    def worker_expected(self, slot: int) -> bool:
        """Whether a worker of that slot may say Hello."""
        worker = self.pool.workers.get(slot)
        return worker is not None and worker.state is WorkerState.STARTING

    def start_failed(self, slot: int, message: str, final: bool, now: float) -> list[Effect]:
        """The worker ended, or never came to be, before its Hello. `final`: trying again would not help."""
        worker = self.pool.workers[slot]
        kind = worker.kind
        self.pool.move(worker, "ended", now)
        self._failures[kind] += 1
        if not final and self._failures[kind] < limits.START_FAILURES_MAX:
            return self._pass(now)
        del self._failures[kind]
        if kind == _PYTHON:
            self._prestarted = False  # none is kept ready until one has come up
        self._java_jobs.discard(kind.job)
        effects: list[Effect] = []
        for caller, queues in list(self._queues.items()):
            for key in [key for key in queues if key.kind() == kind]:
                for request in queues[key]:
                    effects.append(Rejected(request.purpose, caller, request.name, "WORKER_START", message))
                queues[key].clear()
                self._prune(caller, key)
        return effects + self._pass(now)

    def stop_worker(self, slot: int, force: bool, now: float) -> list[Effect]:
        """End a worker."""
        worker = self.pool.workers.get(slot)
        if worker is None:
            return []
        self.pool.move(worker, "stopped", now)
        return [StopWorker(slot, force)]

    def worker_ended(self, slot: int, now: float) -> list[Effect]:
        """The worker's process has ended."""
        worker = self.pool.workers.get(slot)
        if worker is None:
            return []
        entry = self.leases.get(worker.lease)
        self.pool.move(worker, "ended", now)
        effects: list[Effect] = []
        if entry is not None:
            entry.move("worker ended")
            if entry.purpose is Purpose.LEASE and not entry.caller_gone:
                effects.append(LeaseOver(entry.caller, entry.lease, slot))
            effects += self._forget(entry)
        return effects + self._pass(now)

    def job_over(self, job: int, now: float) -> list[Effect]:
        """Nobody of the job is left: workers that are bound to it are of no use to anybody."""
        self._over_jobs.add(job)
        self._job_served.pop(job, None)
        self._java_jobs.discard(job)
        effects: list[Effect] = []
        for worker in list(self.pool):
            if worker.job == job and worker.state in (WorkerState.IDLE, WorkerState.STARTING):
                effects += self.stop_worker(worker.slot, True, now)
        return effects

    # Time -------------------------------------------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """When `tick` has something to do next; None: not before another event."""
        return self._deadline

    def tick(self, now: float) -> list[Effect]:
        """Time has passed."""
        return self._pass(now)

    def _wake(self, at: float) -> None:
        if self._deadline is None or at < self._deadline:
            self._deadline = at

    def _end_late_ones(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for entry in self.leases.values():
            if entry.kill_at is not None:
                if now >= entry.kill_at:
                    entry.kill_at = None
                    effects += self.stop_worker(entry.slot, True, now)
                else:
                    self._wake(entry.kill_at)
        surplus = self._surplus()
        for worker in surplus:
            if now >= worker.idle_since + limits.IDLE_WORKER_S:
                effects += self.stop_worker(worker.slot, False, now)
            else:
                self._wake(worker.idle_since + limits.IDLE_WORKER_S)
        for worker in list(self.pool):
            if worker.state is WorkerState.STARTING:
                if now >= worker.started + limits.START_TIMEOUT_S:
                    effects += self.stop_worker(worker.slot, True, now)
                else:
                    self._wake(worker.started + limits.START_TIMEOUT_S)
        return effects

    def _surplus(self) -> list[Worker]:
        """Idle workers beyond those that are kept: as many Python ones as CPUs, and one JVM of each job in use."""
        keep_python = max(1, self.totals.get("CPU", 0) // UNITS)
        kept_java: set[int] = set()
        surplus = []
        for worker in reversed(list(self.pool.idle())):
            if worker.kind.language == JAVA:
                if worker.job in self._java_jobs and worker.job not in kept_java and not worker.kind.jvm_flags:
                    kept_java.add(worker.job)
                    continue
            elif keep_python:
                keep_python -= 1
                continue
            surplus.append(worker)
        return surplus

    # The pass ---------------------------------------------------------------------------------------------------------

    def _pass(self, now: float) -> list[Effect]:
        self._deadline = None
        effects: list[Effect] = []
        if self._queues:
            effects = self._serve_all(now)
        effects += self._keep_python_warm(now) + self._keep_java_warm(now)
        return effects + self._end_late_ones(now)

    def _serve_all(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        plan = self.available.copy()
        wanted: Counter[WorkerKind] = Counter()
        unmet: list[Request] = []
        planned: Counter[int] = Counter()  # by id(request)
        turn = deque(sorted(self._queues, key=self._turn_of))
        while turn:
            caller = turn.popleft()
            if self._serve_one(caller, now, plan, wanted, planned, unmet, effects):
                turn.append(caller)
        for kind, count in wanted.items():
            effects += self._start(kind, count, now)
        if unmet:
            effects += self._recall_for(unmet, now)
        return effects

    def _turn_of(self, caller: int) -> tuple[int, int, int]:
        """Where the caller stands in the turn: smaller is earlier."""
        job = next(iter(self._queues[caller])).job
        depth = 0
        if self._grants % limits.FAIR_GRANT_EVERY:
            slot = self._slot_of.get(caller)
            entry = self.leases.get(self.pool.workers[slot].lease) if slot in self.pool.workers else None
            depth = entry.blocked_as if entry is not None and entry.purpose is Purpose.LEASE else 0
        return self._job_served.get(job, 0), -depth, self._served.get(caller, 0)

    def _serve_one(
        self,
        caller: int,
        now: float,
        plan: Availability,
        wanted: Counter[WorkerKind],
        planned: Counter[int],
        unmet: list[Request],
        effects: list[Effect],
    ) -> bool:
        """Grant or plan one worker for the caller; False: nothing more can be done for it in this pass."""
        heads = []
        for queue in self._queues.get(caller, {}).values():
            head = next((r for r in queue if planned[id(r)] < r.count), None)
            if head is not None:
                heads.append(head)
        heads.sort(key=lambda r: r.since)
        for request in heads:
            key = request.key
            if any(r is request for r in unmet):
                continue
            if not plan.fits(larger_of(key.demand, key.placement) if key.placement else key.demand):
                unmet.append(request)
                if now >= request.since + limits.RESERVE_AFTER_S:
                    plan.reserve(key.demand)
                else:
                    self._wake(request.since + limits.RESERVE_AFTER_S)
                continue
            worker = self._idle_worker_for(key)
            if worker is None:
                plan.take(key.demand)
                planned[id(request)] += 1
                wanted[key.kind()] += 1
            else:
                plan.reserve(key.demand)
                effects += self._grant(request, worker, now)
                plan.gpus = list(self.available.gpus)
            return True
        return False

    def _visible(self, gpus: tuple[tuple[int, int], ...]) -> str:
        return ",".join(str(index) for index, _ in gpus) or self._no_gpus

    def _idle_worker_for(self, key: LeaseKey) -> Worker | None:
        trial = self.available.copy() if any(name == "GPU" for name, _ in key.demand) else None
        gpus = self._visible(trial.take(key.demand) if trial else ())
        return self.pool.find_idle(key.kind(), key.language_version, key.job, gpus)

    def _grant(self, request: Request, worker: Worker, now: float) -> list[Effect]:
        key = request.key
        gpus = self.available.take(key.demand)
        effects: list[Effect] = []
        if worker.gpus is None:
            worker.job, worker.gpus = key.job, self._visible(gpus)
            effects.append(BindWorker(worker.slot, worker.job, worker.gpus))
        purpose = request.purpose
        self.pool.move(worker, "became actor" if purpose is Purpose.ACTOR else "leased", now)
        if purpose is Purpose.LEASE:
            worker.epoch += 1
        queue = (request.caller, key)
        epoch = worker.epoch if purpose is Purpose.LEASE else 0
        entry = Lease(
            self._next_lease, purpose, request.caller, queue, request.name, worker.slot, epoch, key.demand, gpus, now
        )
        self._next_lease += 1
        worker.lease = entry.lease
        self.leases[entry.lease] = entry
        if purpose is Purpose.LEASE:
            self._of_caller.setdefault(request.caller, set()).add(entry.lease)
        request.count -= 1
        self._grants += 1
        self._served[request.caller] = self._job_served[key.job] = self._grants
        if request.count == 0:
            self._queues[request.caller][key].remove(request)
            self._prune(request.caller, key)
        effects.append(Granted(purpose, request.caller, request.name, entry.lease, worker.slot, epoch))
        return effects

    def _start(self, kind: WorkerKind, wanted: int, now: float) -> list[Effect]:
        starting = self.pool.starting(kind)
        most = limits.STARTING_JAVA_MAX if kind.language == JAVA else limits.STARTING_PYTHON_MAX
        count = min(wanted - starting, most - starting, limits.WORKERS_MAX - len(self.pool))
        return [StartWorker(self.pool.start(kind, now).slot, kind) for _ in range(max(0, count))]

    def _keep_python_warm(self, now: float) -> list[Effect]:
        """One Python worker waits for whoever comes next: an actor or a nested task need not wait for a fork."""
        if not self._prestarted:
            return []
        for worker in self.pool:
            if worker.kind == _PYTHON and worker.state in (WorkerState.STARTING, WorkerState.IDLE):
                return []
        return self._start(_PYTHON, 1, now)

    def _keep_java_warm(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for job in self._java_jobs:
            kind = WorkerKind(JAVA, "", job)
            used = spare = False
            for worker in self.pool:
                if worker.kind == kind:
                    spare = spare or worker.state in (WorkerState.STARTING, WorkerState.IDLE)
                    used = used or worker.state in (WorkerState.LEASED, WorkerState.ACTOR)
            if used and not spare:
                effects += self._start(kind, 1, now)
        return effects

    def _recall_for(self, unmet: list[Request], now: float) -> list[Effect]:
        effects: list[Effect] = []
        held: Counter[object] = Counter()
        coming: Counter[str] = Counter()
        candidates = []
        for entry in self.leases.values():
            if entry.purpose is not Purpose.LEASE:
                continue
            if entry.recalled or entry.state is LeaseState.REVOKING:
                for name, units in entry.held():
                    coming[name] += units
            else:
                held[entry.queue] += 1
                candidates.append(entry)
        candidates.sort(key=lambda entry: entry.since)
        for request in unmet:
            lacking = self.available.lacking(larger_of(request.key.demand, request.key.placement))
            lacking = {name: units - coming[name] for name, units in lacking.items() if units > coming[name]}
            for name, units in request.key.demand:
                coming[name] = max(0, coming[name] - units)  # what comes is spoken for
            queue: object = (request.caller, request.key)
            for entry in candidates:
                if not lacking:
                    break
                if entry.recalled or entry.queue == queue or held[entry.queue] <= held[queue]:
                    continue
                if not any(name in lacking for name, _ in entry.held()):
                    continue
                if now < entry.since + limits.LEASE_QUANTUM_S:
                    self._wake(entry.since + limits.LEASE_QUANTUM_S)
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
