"""Leases between frontends and the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bowstring_core import limits
from bowstring_core.machine import requests
from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.resources import Demand, ResourceError, demand_of
from bowstring_core.machine.workers import JAVA, PYTHON
from bowstring_core.node import jvm
from bowstring_core.node.errors import RequestError
from bowstring_core.node.peers import Peer
from bowstring_core.node.worker_service import python_version
from bowstring_wire.messages import (
    Blocked,
    ErrorCode,
    FrameType,
    LeaseEnded,
    LeaseGrant,
    LeaseRecall,
    LeaseRequest,
    LeaseReturn,
    LeaseRevoke,
    LeaseRevoked,
    LeaseWithdraw,
    Resource,
    Role,
    Unblocked,
)
from bowstring_wire.protocol import ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node


_NO_GROUP = bytes(16)


def demand(resources: tuple[Resource, ...]) -> Demand:
    """The resources of a message as a demand.

    Raises:
        RequestError: they make no sense.
    """
    try:
        return demand_of((item.name, item.units) for item in resources)
    except ResourceError as error:
        raise RequestError(ErrorCode.INVALID_ARGUMENT, str(error)) from error


class LeaseService:
    """Handlers of the lease frames, and the performer of the scheduler's effects towards callers."""

    def __init__(self, node: Node) -> None:
        self._node = node
        frontends = frozenset((Role.DRIVER, Role.WORKER))
        workers = frozenset((Role.WORKER,))
        node.handle(FrameType.LEASE_REQUEST, LeaseRequest, frontends, self._request)
        node.handle(FrameType.LEASE_WITHDRAW, LeaseWithdraw, frontends, self._withdraw)
        node.handle(FrameType.LEASE_RETURN, LeaseReturn, frontends, self._return)
        node.handle(FrameType.LEASE_REVOKED, LeaseRevoked, workers, self._revoked)
        node.handle(FrameType.BLOCKED, Blocked, workers, self._blocked)
        node.handle(FrameType.UNBLOCKED, Unblocked, workers, self._unblocked)

    def key(
        self,
        peer: Peer,
        language: int,
        version: str,
        environment: bytes,
        resources: tuple[Resource, ...],
        placement: tuple[Resource, ...],
        jvm_flags: str,
        group: bytes,
        bundle: int,
        capture: bool,
        shared: bool = False,
    ) -> requests.LeaseKey:
        """The lease key of a request.

        Raises:
            RequestError: this node can't have such workers.
        """
        if language not in (PYTHON, JAVA):
            raise RequestError(ErrorCode.INVALID_ARGUMENT, f"this node has no workers of language {language}")
        key = self._node.environments.key_of(environment, peer.job)
        has = python_version() if language == PYTHON else ""
        if version and language == JAVA:
            has = self._node.workers.jvm.version()
        if version and not has.startswith(version):
            raise RequestError(
                ErrorCode.TASK_UNSCHEDULABLE, f"language version {version} is wanted, and this node has {has or 'none'}"
            )
        jvm.words(jvm_flags)
        needs = demand(resources), demand(placement)
        if shared and language != JAVA:
            raise RequestError(ErrorCode.INVALID_ARGUMENT, "shared_worker is for actors in Java")
        if shared and any(name == "GPU" for need in needs for name, _ in need):
            raise RequestError(ErrorCode.INVALID_ARGUMENT, "an actor with shared_worker can't have GPUs of its own")
        if group == _NO_GROUP:
            return requests.LeaseKey(language, version, peer.job, *needs, jvm_flags, key, shared=shared)
        return requests.LeaseKey(language, version, peer.job, *needs, jvm_flags, key, group, bundle, capture, shared)

    def _request(self, peer: Peer, message: LeaseRequest, body: bytes) -> None:
        if not 1 <= message.count <= limits.LEASES_OF_A_REQUEST_MAX:
            raise ProtocolError(f"LeaseRequest.count is {message.count}, not 1 to {limits.LEASES_OF_A_REQUEST_MAX}")
        key = self.key(
            peer,
            message.language,
            message.language_version,
            message.environment,
            message.resources,
            (),
            message.jvm_flags,
            message.placement_group,
            message.bundle,
            message.capture_children,
        )
        node = self._node
        node.perform(
            node.scheduler.request(
                Purpose.LEASE, peer.process, message.request, key, message.count, message.backlog, node.loop.now
            )
        )

    def _withdraw(self, peer: Peer, message: LeaseWithdraw, body: bytes) -> None:
        node = self._node
        node.perform(node.scheduler.withdraw(Purpose.LEASE, peer.process, message.request, node.loop.now))

    def _return(self, peer: Peer, message: LeaseReturn, body: bytes) -> None:
        node = self._node
        node.perform(node.scheduler.lease_returned(peer.process, message.lease, node.loop.now))

    def _revoked(self, peer: Peer, message: LeaseRevoked, body: bytes) -> None:
        node = self._node
        node.perform(node.scheduler.lease_revoked(peer.slot, message.lease, message.epoch, node.loop.now))

    def _blocked(self, peer: Peer, message: Blocked, body: bytes) -> None:
        self._node.perform(self._node.scheduler.blocked(peer.slot, message.epoch, self._node.loop.now, message.actor))

    def _unblocked(self, peer: Peer, message: Unblocked, body: bytes) -> None:
        self._node.perform(self._node.scheduler.unblocked(peer.slot, message.epoch, message.actor))

    # Effects ----------------------------------------------------------------------------------------------------------

    def granted(self, effect: requests.Granted) -> None:
        """Tell the caller of its worker."""
        caller = self._node.peers.get(effect.caller)
        worker = self._node.workers.peer_of(effect.slot)
        if caller is None or worker is None:
            return
        assert isinstance(effect.name, int)
        grant = LeaseGrant(effect.name, effect.lease, worker.process, effect.epoch, worker.pid, worker.address)
        caller.send(FrameType.LEASE_GRANT, grant)

    def rejected(self, effect: requests.Rejected) -> None:
        """Tell the caller that it gets none."""
        caller = self._node.peers.get(effect.caller)
        if caller is not None:
            assert isinstance(effect.name, int)
            caller.fail(effect.name, ErrorCode[effect.code], effect.message)

    def revoke(self, effect: requests.Revoke) -> None:
        """Tell the worker that its epoch ends."""
        worker = self._node.workers.peer_of(effect.slot)
        if worker is not None:
            worker.send(FrameType.LEASE_REVOKE, LeaseRevoke(effect.lease, effect.epoch))

    def recall(self, effect: requests.Recall) -> None:
        """Ask the caller for a lease."""
        caller = self._node.peers.get(effect.caller)
        if caller is not None:
            caller.send(FrameType.LEASE_RECALL, LeaseRecall(effect.lease))

    def over(self, effect: requests.LeaseOver) -> None:
        """Tell the caller that its worker has ended."""
        caller = self._node.peers.get(effect.caller)
        process = self._node.finishing
        if caller is not None and process is not None and process.peer is not None:
            record = self._node.workers.death_record(process)
            caller.send(FrameType.LEASE_ENDED, LeaseEnded(effect.lease, process.peer.process, record))
