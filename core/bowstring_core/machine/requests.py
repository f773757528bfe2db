"""What is asked of the scheduler, and the effects that it answers with."""

from __future__ import annotations

from typing import NamedTuple

from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.resources import Demand
from bowstring_core.machine.workers import JAVA, WorkerKind


class LeaseKey(NamedTuple):
    """What makes two requests of one caller alike."""

    language: int
    language_version: str
    job: int
    demand: Demand
    placement: Demand
    jvm_flags: str
    environment: bytes = b""  # key of the runtime environment; empty: none
    group: bytes = b""  # placement group; empty: none
    bundle: int = 0  # in the group, from 1; 0: any
    capture: bool = False  # what the worker submits goes to the group too
    shared: bool = False  # the actor may share its worker with others of the job

    def kind(self) -> WorkerKind:
        """The kind of worker that can serve it."""
        return WorkerKind(self.language, self.jvm_flags, self.job if self.language == JAVA else 0, self.environment)


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
    """Tell the worker its job, its GPUs and its placement group, before anything else."""

    slot: int
    job: int
    gpus: str
    group: bytes = b""
    capture: bool = False


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
    code: str = ""  # a name of ErrorCode: what its end is told as; empty: a crash


class CallerSettled(NamedTuple):
    """No worker works for the ended caller any more."""

    caller: int


Effect = StartWorker | BindWorker | Granted | Revoke | Recall | LeaseOver | Rejected | StopWorker | CallerSettled
