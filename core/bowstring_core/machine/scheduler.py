"""The scheduler of one node: who gets the next worker.

Requests wait in queues, one for each caller and key (language, resources and so on); `turns` says who of them is next.
Workers are started for those whose resources are free, one is kept ready, and idle ones beyond what is needed end.

Blocking gives CPU back, and going on takes it even if none is left. A worker that ends takes its lease with it. What
an ended caller leaves is revoked; a worker that does not stop by its grace is ended.

The machine refuses to know sockets, addresses and processes: callers are numbers, workers are slots.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

from bowstring_core import limits
from bowstring_core.machine.leases import Lease, LeaseState, Purpose
from bowstring_core.machine.placement import Groups
from bowstring_core.machine.requests import (
    CallerSettled,
    Effect,
    LeaseKey,
    LeaseOver,
    Rejected,
    Request,
    Revoke,
    StartWorker,
    StopWorker,
)
from bowstring_core.machine.resources import UNITS, Availability, larger_of, never_fits
from bowstring_core.machine.transitions import TransitionError
from bowstring_core.machine.turns import Turn, scarce_part, starting_max
from bowstring_core.machine.workers import JAVA, NOT_LAUNCHED, PYTHON, Worker, WorkerKind, WorkerPool, WorkerState

_PYTHON = WorkerKind(PYTHON)


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
        self.queues: dict[int, dict[LeaseKey, deque[Request]]] = {}  # by caller
        self.served: dict[int, int] = {}  # by caller: number of the grant that it had last
        self.job_served: dict[int, int] = {}
        self.grants = self._blocks = 0
        self.slot_of: dict[int, int] = {}  # by process, of workers
        self.of_caller: dict[int, set[int]] = {}  # leases
        self._settling: set[int] = set()
        self._prestarted = False
        self._java_jobs: set[int] = set()  # jobs that keep a warm JVM
        self._java_spare_at: dict[int, float] = {}  # by job: when another JVM is started to be kept warm
        self._over_jobs: set[int] = set()
        self._failures: Counter[WorkerKind] = Counter()
        self._kills: Counter[WorkerKind] = Counter()
        self.next_lease = 1
        self.groups = Groups(self)
        self._served_deadline: float | None = None
        self._late_deadline: float | None = None
        self.no_gpus = "" if totals.get("GPU") else "-"

    # Requests ---------------------------------------------------------------------------------------------------------

    def request(
        self, purpose: Purpose, caller: int, name: object, key: LeaseKey, count: int, backlog: int, now: float
    ) -> list[Effect]:
        """Somebody wants `count` workers. `name` is unique among the caller's requests of that purpose."""
        if key.group:
            code, reason = self.groups.refusal(key)
        else:
            code, reason = "UNSCHEDULABLE", never_fits(self.totals, larger_of(key.demand, key.placement))
        if reason:
            if code == "UNSCHEDULABLE":
                code = "ACTOR_UNSCHEDULABLE" if purpose is Purpose.ACTOR else "TASK_UNSCHEDULABLE"
            return [Rejected(purpose, caller, name, code, reason)]
        if key.language == JAVA and not key.jvm_flags and not key.environment:
            self._java_jobs.add(key.job)
        return self.enqueue(Request(purpose, caller, name, key, count, backlog, now), now)

    def enqueue(self, request: Request, now: float) -> list[Effect]:
        """Let a request wait that can be met."""
        self.queues.setdefault(request.caller, {}).setdefault(request.key, deque()).append(request)
        return self._pass(now)

    def withdraw(self, purpose: Purpose, caller: int, name: object, now: float) -> list[Effect]:
        """The request is not wanted any more; nothing happens if it was granted meanwhile."""
        for queue in self.queues.get(caller, {}).values():
            for request in queue:
                if request.name == name and request.purpose is purpose:
                    self.drop(request)
                    return self._pass(now)
        return []

    def drop(self, request: Request) -> None:
        """Take a request out of its queue."""
        self.queues[request.caller][request.key].remove(request)
        self.prune(request.caller, request.key)

    def drop_caller(self, caller: int) -> None:
        """Forget what a caller waits for, and when it was served."""
        self.queues.pop(caller, None)
        self.served.pop(caller, None)

    def prune(self, caller: int, key: LeaseKey) -> None:
        queues = self.queues[caller]
        if not queues[key]:
            del queues[key]
            if not queues:
                del self.queues[caller]

    def waiting(self) -> list[Request]:
        """Every request that waits, for display."""
        return [r for queues in self.queues.values() for queue in queues.values() for r in queue]

    def kept(self, now: float) -> set[str]:
        """Resources of the node that are kept for requests that have waited long, for display."""
        return {
            name
            for request in self.waiting()
            if not request.key.group and now >= request.since + limits.RESERVE_AFTER_S
            if not self.available.fits(larger_of(request.key.demand, request.key.placement))
            for name, _ in scarce_part(self.available, request.key)
        }

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
        return self._revoke(entry, now)

    def _revoke(self, entry: Lease, now: float) -> list[Effect]:
        worker = self.pool.workers[entry.slot]
        if worker.state is WorkerState.ENDING:
            return []  # its end takes the lease with it
        self.pool.move(worker, "revoked", now)
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
        self._make_idle(worker, "released", now)
        effects = self._forget(entry)
        if worker.job in self._over_jobs:
            effects += self.stop_worker(slot, True, now)
        return effects + self._pass(now)

    def _make_idle(self, worker: Worker, event: str, now: float) -> None:
        self.pool.move(worker, event, now)
        self._wake(now + limits.IDLE_WORKER_S)

    def transcoder_done(self, slot: int, now: float) -> list[Effect]:
        """The transcoder has answered, and is idle again."""
        worker = self.pool.workers.get(slot)
        if worker is None or worker.state is not WorkerState.LEASED:
            return []
        entry = self.leases[worker.lease]
        entry.move("released")
        self._make_idle(worker, "released", now)
        return self._forget(entry) + self._pass(now)

    def _forget(self, entry: Lease) -> list[Effect]:
        del self.leases[entry.lease]
        entry.account.give(entry.held(), entry.gpus)
        if entry.purpose is not Purpose.LEASE:
            return []
        held = self.of_caller[entry.caller]
        held.discard(entry.lease)
        if held:
            return []
        del self.of_caller[entry.caller]
        return self._settle(entry.caller)

    def _settle(self, caller: int) -> list[Effect]:
        if caller in self._settling and caller not in self.of_caller:
            self._settling.discard(caller)
            return [CallerSettled(caller)]
        return []

    def blocked(self, slot: int, epoch: int, now: float, actor: bytes = b"") -> list[Effect]:
        """The worker's task waits: its CPU is free. One of an epoch that is over is nothing. `actor`: whose call waits,
        if actors share the worker."""
        entry = self._current(slot, epoch, actor)
        if entry is None or entry.blocked:
            return []
        self._blocks += 1
        entry.blocked, entry.blocked_as = True, self._blocks
        entry.account.give(entry.cpu())
        return self._pass(now)

    def unblocked(self, slot: int, epoch: int, actor: bytes = b"") -> list[Effect]:
        """The worker's task goes on, whether its CPU is free or not."""
        entry = self._current(slot, epoch, actor)
        if entry is not None and entry.blocked:
            entry.blocked, entry.blocked_as = False, 0
            entry.account.reserve(entry.cpu())
        return []

    def _current(self, slot: int, epoch: int, actor: bytes) -> Lease | None:
        worker = self.pool.workers.get(slot)
        if worker is not None and worker.sharers is not None:
            return self.leases.get(worker.sharers.get(actor, 0))
        entry = self.leases.get(worker.lease) if worker else None
        if entry is None or (entry.purpose is Purpose.LEASE and entry.epoch != epoch):
            return None
        return entry

    def caller_ended(self, caller: int, now: float) -> list[Effect]:
        """The caller has ended: its requests are gone, its leases end. CallerSettled follows, maybe at once."""
        self.drop_caller(caller)
        self.slot_of.pop(caller, None)
        self._settling.add(caller)
        effects: list[Effect] = []
        for lease in sorted(self.of_caller.get(caller, ())):
            entry = self.leases[lease]
            granted = entry.state is LeaseState.GRANTED
            entry.move("caller ended")
            entry.caller_gone = True
            entry.kill_at = now + limits.ORPHAN_GRACE_S
            self._wake(entry.kill_at)
            if granted:
                effects += self._revoke(entry, now)
        return effects + self._settle(caller) + self._pass(now)

    # Workers ----------------------------------------------------------------------------------------------------------

    def prestart(self, count: int, now: float) -> list[Effect]:
        """Start Python workers before anybody asks, and keep one ready from now on."""
        self._prestarted = True
        missing = count - sum(1 for worker in self.pool if worker.kind == _PYTHON)
        return self._start_now(_PYTHON, missing, now)

    def expect_java(self, job: int, now: float) -> list[Effect]:
        """The job has said that it uses Java: one JVM is started ahead, and one kept ready from then on."""
        if job in self._over_jobs or job in self._java_jobs:
            return []
        self._java_jobs.add(job)
        kind = WorkerKind(JAVA, "", job)
        return [] if any(worker.kind == kind for worker in self.pool) else self._start(kind, 1, now)

    def worker_registered(self, slot: int, process: int, version: str, now: float) -> list[Effect]:
        """The worker has said Hello; as a caller it is known by its process."""
        worker = self.pool.workers[slot]
        self.slot_of[process] = slot
        worker.version = version
        self._make_idle(worker, "registered", now)
        self._failures.pop(worker.kind, None)
        self._kills.pop(worker.kind, None)
        self._prestarted = self._prestarted or worker.kind == _PYTHON
        return self._pass(now)

    def worker_expected(self, slot: int) -> bool:
        """Whether a worker of that slot may say Hello."""
        worker = self.pool.workers.get(slot)
        return worker is not None and worker.state is WorkerState.STARTING

    def worker_launched(self, slot: int, now: float) -> None:
        """The worker's environment is there, and its process is being started: its time to say Hello begins."""
        worker = self.pool.workers.get(slot)
        if worker is not None and worker.state is WorkerState.STARTING:
            worker.started = now
            self._wake(now + limits.START_TIMEOUT_S)

    def start_failed(
        self, slot: int, message: str, final: bool, now: float, code: str = "WORKER_START", killed: bool = False
    ) -> list[Effect]:
        """The worker ended, or never came to be, before its Hello.

        `final`: trying again would not help. `killed`: something outside of it ended it.
        """
        worker = self.pool.workers[slot]
        kind = worker.kind
        self.pool.move(worker, "ended", now)
        (self._kills if killed else self._failures)[kind] += 1
        often = self._failures[kind] >= limits.START_FAILURES_MAX or self._kills[kind] >= limits.START_KILLS_MAX
        if not final and not often:
            return self._pass(now)
        self._failures.pop(kind, None)
        self._kills.pop(kind, None)
        if kind == _PYTHON:
            self._prestarted = False  # none is kept ready until one has come up
        self._java_jobs.discard(kind.job)
        effects: list[Effect] = []
        for caller, queues in list(self.queues.items()):
            for key in [key for key in queues if key.kind() == kind]:
                for request in queues[key]:
                    effects.append(Rejected(request.purpose, caller, request.name, code, message))
                queues[key].clear()
                self.prune(caller, key)
        return effects + self._pass(now)

    def stop_worker(self, slot: int, force: bool, now: float, code: str = "") -> list[Effect]:
        """End a worker. `code`: what its end is told as."""
        worker = self.pool.workers.get(slot)
        if worker is None:
            return []
        self.pool.move(worker, "stopped", now)
        return [StopWorker(slot, force, code)]

    def worker_lost(self, slot: int, now: float) -> None:
        """The process has ended, and `worker_ended` follows when its actors have been told: until then they must
        not be given a place in it again, should they share it."""
        worker = self.pool.workers.get(slot)
        if worker is not None and worker.sharers is not None:
            self.pool.move(worker, "stopped", now)

    def worker_ended(self, slot: int, now: float) -> list[Effect]:
        """The worker's process has ended."""
        worker = self.pool.workers.get(slot)
        if worker is None:
            return []
        numbers = [worker.lease] if worker.sharers is None else list(worker.sharers.values())
        self.pool.move(worker, "ended", now)
        effects: list[Effect] = []
        for entry in filter(None, map(self.leases.get, numbers)):
            entry.move("worker ended")
            if entry.purpose is Purpose.LEASE and not entry.caller_gone:
                effects.append(LeaseOver(entry.caller, entry.lease, slot))
            effects += self._forget(entry)
        return effects + self._pass(now)

    def actor_left(self, slot: int, actor: bytes, now: float) -> list[Effect]:
        """One of the actors that share a worker has ended; the worker ends with the last."""
        worker = self.pool.workers.get(slot)
        number = worker.sharers.pop(actor, 0) if worker is not None and worker.sharers is not None else 0
        entry = self.leases.get(number)
        if worker is None or entry is None:
            return []
        entry.move("released")
        effects = self._forget(entry)
        if not worker.sharers and worker.state is WorkerState.ACTOR:
            effects += self.stop_worker(slot, True, now)
        return effects + self._pass(now)

    def job_over(self, job: int, now: float) -> list[Effect]:
        """Nobody of the job is left: workers that are bound to it are of no use to anybody."""
        self._over_jobs.add(job)
        self.job_served.pop(job, None)
        self._java_jobs.discard(job)
        self._java_spare_at.pop(job, None)
        effects: list[Effect] = []
        for worker in list(self.pool):
            if worker.job == job and worker.state in (WorkerState.IDLE, WorkerState.STARTING):
                effects += self.stop_worker(worker.slot, True, now)
        return effects

    # Time -------------------------------------------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """When `tick` has something to do next; None: not before another event."""
        return min((d for d in (self._served_deadline, self._late_deadline) if d is not None), default=None)

    def tick(self, now: float) -> list[Effect]:
        """Time has passed."""
        late: list[Effect] = []
        if self._late_deadline is not None and now >= self._late_deadline:
            self._late_deadline = None
            late = self._end_late_ones(now)
        return late + self._pass(now)

    def _wake(self, at: float) -> None:
        """Look at what may be late then; to look too early costs little."""
        if self._late_deadline is None or at < self._late_deadline:
            self._late_deadline = at

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
                elif worker.started != NOT_LAUNCHED:
                    self._wake(worker.started + limits.START_TIMEOUT_S)
        return effects

    def _surplus(self) -> list[Worker]:
        """Idle workers beyond those that are kept: as many Python ones as CPUs, and one JVM of each job in use.

        None of an environment is kept: they are many, and each has a zygote that forks the next one.
        """
        keep_python = max(1, self.totals.get("CPU", 0) // UNITS)
        kept_java: set[int] = set()
        surplus = []
        for worker in reversed(list(self.pool.idle())):
            if worker.kind.language == JAVA:
                if worker.job in self._java_jobs and worker.job not in kept_java and not worker.kind.jvm_flags:
                    kept_java.add(worker.job)
                    continue
            elif keep_python and not worker.kind.environment:
                keep_python -= 1
                continue
            surplus.append(worker)
        return surplus

    # The pass ---------------------------------------------------------------------------------------------------------

    def _pass(self, now: float) -> list[Effect]:
        turn = Turn(self, now)
        effects = turn.take() if self.queues else []
        self._served_deadline = turn.wake
        for kind, count in turn.wanted.items():
            effects += self._start(kind, count, now)
        return effects + self._keep_python_warm(now) + self._keep_java_warm(now)

    def _start(self, kind: WorkerKind, wanted: int, now: float) -> list[Effect]:
        count = min(wanted, starting_max(kind)) - self.pool.starting(kind)
        return self._start_now(kind, min(count, limits.WORKERS_MAX - len(self.pool)), now)

    def _start_now(self, kind: WorkerKind, count: int, now: float) -> list[Effect]:
        if count > 0:
            self._wake(now + limits.START_TIMEOUT_S)
        return [StartWorker(self.pool.start(kind, now).slot, kind) for _ in range(count)]

    def _keep_python_warm(self, now: float) -> list[Effect]:
        """One Python worker waits for whoever comes next: an actor or a nested task need not wait for a fork."""
        if not self._prestarted or self.pool.starting(_PYTHON):
            return []
        if any(worker.kind == _PYTHON for worker in self.pool.idle()):
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
            if spare or not used:
                self._java_spare_at.pop(job, None)
                continue
            # Its start would take a processor from the very task that has just got the last spare.
            at = self._java_spare_at.setdefault(job, now + limits.JVM_SPARE_S)
            if now < at:
                self._wake(at)
            else:
                effects += self._start(kind, 1, now)
        return effects
