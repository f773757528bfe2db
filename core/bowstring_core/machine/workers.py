"""The workers of a node: their states, whom they serve, and how many there should be.

A worker is started for a kind: a language, and for Java the flags and the job whose class path its JVM has. It is
bound to one job, to the GPUs that it may see, and to a placement group or none, with its first lease, and serves no
other from then on, because what user code has imported or set can't be taken back. One that became an actor ends as
that actor; one that actors share ends with the last of them.

    STARTING -> IDLE -> LEASED -> REVOKING -> IDLE ...
                     -> ACTOR
    anything -> ENDING (told to end) -> DEAD; anything -> DEAD

The pool refuses to know processes, leases and requests: it is told what happens, by slot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine.transitions import State, next_state

PYTHON = 1
JAVA = 2
NOT_LAUNCHED = float("inf")  # as the start of a worker whose environment is not there yet


class WorkerState(State):
    """What a worker does."""

    STARTING = "starting"
    IDLE = "idle"
    LEASED = "leased"
    REVOKING = "revoking"
    ACTOR = "actor"
    ENDING = "ending"
    DEAD = "dead"


_S = WorkerState
TRANSITIONS: dict[tuple[WorkerState, str], WorkerState] = {
    (_S.STARTING, "registered"): _S.IDLE,
    (_S.IDLE, "leased"): _S.LEASED,
    (_S.IDLE, "became actor"): _S.ACTOR,
    (_S.LEASED, "revoked"): _S.REVOKING,
    (_S.LEASED, "released"): _S.IDLE,
    (_S.REVOKING, "released"): _S.IDLE,
    (_S.STARTING, "stopped"): _S.ENDING,
    (_S.IDLE, "stopped"): _S.ENDING,
    (_S.LEASED, "stopped"): _S.ENDING,
    (_S.REVOKING, "stopped"): _S.ENDING,
    (_S.ACTOR, "stopped"): _S.ENDING,
    (_S.ENDING, "stopped"): _S.ENDING,
    (_S.STARTING, "ended"): _S.DEAD,
    (_S.IDLE, "ended"): _S.DEAD,
    (_S.LEASED, "ended"): _S.DEAD,
    (_S.REVOKING, "ended"): _S.DEAD,
    (_S.ACTOR, "ended"): _S.DEAD,
    (_S.ENDING, "ended"): _S.DEAD,
}


class WorkerKind(NamedTuple):
    """What must be settled before a worker is started."""

    language: int
    jvm_flags: str = ""
    job: int = 0  # Java: the job whose class path the JVM is started with
    environment: bytes = b""  # key of the runtime environment; empty: none


class Worker:
    """One worker. Read-only outside of the machines."""

    __slots__ = (
        "epoch", "gpus", "group", "idle_since", "job", "kind", "lease", "sharers", "slot", "started", "state",
        "version",
    )  # fmt: skip

    def __init__(self, slot: int, kind: WorkerKind, now: float) -> None:
        self.slot, self.kind = slot, kind
        self.state = WorkerState.STARTING
        self.job = kind.job
        self.gpus: str | None = None  # None: not bound yet
        self.group = (b"", False)  # placement group, and whether its children go there too
        self.version = ""
        self.epoch = 0
        self.lease = 0
        self.sharers: dict[bytes, int] | None = None  # leases by actor, if actors share it
        self.started = NOT_LAUNCHED if kind.environment else now
        self.idle_since = now


class WorkerPool:
    """Every worker that is not dead, by slot."""

    def __init__(self) -> None:
        self.workers: dict[int, Worker] = {}
        self._idle: dict[int, None] = {}  # in the order in which they became idle
        self._starting: Counter[WorkerKind] = Counter()
        self._next_slot = 1

    def __iter__(self) -> Iterator[Worker]:
        return iter(self.workers.values())

    def __len__(self) -> int:
        return len(self.workers)

    def start(self, kind: WorkerKind, now: float) -> Worker:
        """A new worker of the kind, with a slot of its own."""
        worker = Worker(self._next_slot, kind, now)
        self._next_slot += 1
        self.workers[worker.slot] = worker
        self._starting[kind] += 1
        return worker

    def move(self, worker: Worker, event: str, now: float) -> None:
        """Let the event happen to the worker."""
        before = worker.state
        worker.state = next_state(TRANSITIONS, lambda: f"worker {worker.slot}", before, event)
        if before is WorkerState.STARTING:
            self._starting[worker.kind] -= 1
        if worker.state is WorkerState.IDLE:
            worker.idle_since, worker.lease = now, 0
            self._idle[worker.slot] = None
        else:
            self._idle.pop(worker.slot, None)
        if worker.state is WorkerState.DEAD:
            del self.workers[worker.slot]

    def idle(self) -> Iterator[Worker]:
        """Idle workers, longest idle first."""
        return (self.workers[slot] for slot in self._idle)

    def find_idle(
        self, kind: WorkerKind, version: str, job: int, gpus: str, group: tuple[bytes, bool] = (b"", False)
    ) -> Worker | None:
        """An idle worker that may serve the job: one that is bound to it already if there is one, and the one that was
        idle for the shortest time, whose caches are warm."""
        fresh = None
        for slot in reversed(self._idle):
            worker = self.workers[slot]
            if worker.kind != kind or not worker.version.startswith(version):
                continue
            if worker.job == job and worker.gpus == gpus and worker.group == group:
                return worker
            if fresh is None and worker.gpus is None and worker.job in (0, job):
                fresh = worker
        return fresh

    def find_shared(self, kind: WorkerKind, version: str, job: int, group: tuple[bytes, bool]) -> Worker | None:
        """A worker that actors share and that has room for one more; the fullest, so that few are needed."""
        best = None
        for worker in self.workers.values():
            sharers = worker.sharers
            if sharers is None or worker.state is not WorkerState.ACTOR or len(sharers) >= limits.SHARED_ACTORS_MAX:
                continue
            if (worker.kind, worker.job, worker.group) != (kind, job, group) or not worker.version.startswith(version):
                continue
            if best is None or len(sharers) > len(best.sharers or ()):
                best = worker
        return best

    def starting(self, kind: WorkerKind) -> int:
        """How many workers of the kind are on their way."""
        return self._starting[kind]
