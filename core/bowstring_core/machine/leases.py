"""Leases: who holds which worker, with which resources (spec section 4.3).

A lease also stands for what an actor's worker and a transcoder hold; those have no caller, and are never recalled.
"""

from __future__ import annotations

from enum import Enum

from bowstring_core.machine.resources import Availability, Demand, Gpus
from bowstring_core.machine.transitions import State, next_state


class Purpose(Enum):
    """What a worker is wanted for."""

    LEASE = "lease"
    ACTOR = "actor"
    TRANSCODE = "transcode"
    GROUP = "group"  # no worker: the bundles of a placement group


class LeaseState(State):
    """Where a lease stands; a request that is not granted yet has none."""

    GRANTED = "granted"
    REVOKING = "revoking"
    GONE = "gone"


_S = LeaseState
TRANSITIONS: dict[tuple[LeaseState, str], LeaseState] = {
    (_S.GRANTED, "LeaseReturn"): _S.REVOKING,
    (_S.GRANTED, "caller ended"): _S.REVOKING,
    (_S.REVOKING, "LeaseReturn"): _S.REVOKING,  # crossed the caller's own end or a second return
    (_S.REVOKING, "caller ended"): _S.REVOKING,
    (_S.REVOKING, "LeaseRevoked"): _S.GONE,
    (_S.GRANTED, "released"): _S.GONE,  # a transcoder that has answered; an actor of several
    (_S.GRANTED, "worker ended"): _S.GONE,
    (_S.REVOKING, "worker ended"): _S.GONE,
}

CPU = "CPU"


class Lease:
    """One lease. Read-only outside of the machines."""

    __slots__ = (
        "account",
        "blocked",
        "blocked_as",
        "caller",
        "caller_gone",
        "demand",
        "epoch",
        "gpus",
        "group",
        "kill_at",
        "lease",
        "purpose",
        "queue",
        "recalled",
        "request",
        "since",
        "slot",
        "state",
    )

    def __init__(
        self,
        lease: int,
        purpose: Purpose,
        caller: int,
        queue: object,
        request: object,
        slot: int,
        epoch: int,
        demand: Demand,
        gpus: Gpus,
        now: float,
        account: Availability,
        group: bytes = b"",
    ) -> None:
        self.lease, self.purpose, self.caller, self.queue, self.request = lease, purpose, caller, queue, request
        self.slot, self.epoch, self.demand, self.gpus, self.since = slot, epoch, demand, gpus, now
        self.account, self.group = account, group  # where it was taken from; its placement group
        self.state = LeaseState.GRANTED
        self.blocked = self.recalled = self.caller_gone = False
        self.blocked_as = 0  # grows with each Blocked of the node; 0: not blocked
        self.kill_at: float | None = None

    def move(self, event: str) -> None:
        """Let the event happen to the lease."""
        self.state = next_state(TRANSITIONS, lambda: f"lease {self.lease}", self.state, event)

    def held(self) -> Demand:
        """What the lease holds now: a blocked one holds no CPU."""
        return tuple(item for item in self.demand if item[0] != CPU) if self.blocked else self.demand

    def cpu(self) -> Demand:
        """The part of the demand that blocking gives back."""
        return tuple(item for item in self.demand if item[0] == CPU)
