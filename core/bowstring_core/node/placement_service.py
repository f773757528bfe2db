"""Placement groups between frontends and the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bowstring_core import limits
from bowstring_core.machine.placement import Group, Strategy
from bowstring_core.machine.resources import Demand
from bowstring_core.node.errors import RequestError
from bowstring_core.node.lease_service import demand
from bowstring_core.node.peers import Peer
from bowstring_wire.messages import (
    Ack,
    Bundle,
    ErrorCode,
    FrameType,
    PlacementCreate,
    PlacementGroup,
    PlacementInfo,
    PlacementLookup,
    PlacementRemove,
    PlacementState,
    PlacementStrategy,
    Resource,
    Role,
)
from bowstring_wire.protocol import ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

_NO_ID = bytes(16)
_STRATEGIES = {strategy.value: strategy for strategy in Strategy}


class PlacementService:
    """Handlers of the frames about placement groups."""

    def __init__(self, node: Node) -> None:
        self._node = node
        frontends = frozenset((Role.DRIVER, Role.WORKER))
        node.handle(FrameType.PLACEMENT_CREATE, PlacementCreate, frontends, self._create)
        node.handle(FrameType.PLACEMENT_REMOVE, PlacementRemove, frontends, self._remove)
        node.handle(FrameType.PLACEMENT_LOOKUP, PlacementLookup, frontends | {Role.TOOL}, self._lookup)

    def _create(self, peer: Peer, message: PlacementCreate, body: bytes) -> None:
        node, wanted = self._node, message.group
        groups = node.scheduler.groups
        if wanted is None or wanted.id == _NO_ID or wanted.id in groups.by_id:
            raise ProtocolError("PlacementCreate.group needs an id of its own")
        if wanted.strategy not in _STRATEGIES:
            raise ProtocolError(f"PlacementGroup.strategy is {wanted.strategy}: none of 1 to {len(_STRATEGIES)}")
        if not 1 <= len(wanted.bundles) <= limits.BUNDLES_MAX:
            raise RequestError(
                ErrorCode.INVALID_ARGUMENT,
                f"a placement group has 1 to {limits.BUNDLES_MAX:,} bundles, not {len(wanted.bundles):,}",
            )
        if len(groups.by_id) >= limits.GROUPS_MAX:
            raise RequestError(
                ErrorCode.INVALID_ARGUMENT, f"there are {limits.GROUPS_MAX:,} placement groups; remove some"
            )
        namespace = wanted.namespace or node.job(peer.job).namespace
        if wanted.name and any(g.name == wanted.name and g.namespace == namespace for g in groups.by_id.values()):
            raise RequestError(
                ErrorCode.INVALID_ARGUMENT, f"another placement group of {namespace!r} has the name {wanted.name!r}"
            )
        group = Group(
            wanted.id,
            peer.job,
            _STRATEGIES[int(wanted.strategy)],
            tuple(self._bundle(place, bundle) for place, bundle in enumerate(wanted.bundles)),
            wanted.detached,
            wanted.name,
            namespace,
        )
        peer.send(FrameType.ACK, Ack(message.request))
        node.perform(groups.create(group, node.loop.now))

    @staticmethod
    def _bundle(place: int, bundle: Bundle) -> Demand:
        try:
            found = demand(bundle.resources)
        except RequestError as error:
            raise RequestError(error.code, f"bundle {place}: {error.message}") from error
        if not found:
            raise RequestError(ErrorCode.INVALID_ARGUMENT, f"bundle {place} holds no resource")
        return found

    def _remove(self, peer: Peer, message: PlacementRemove, body: bytes) -> None:
        node = self._node
        node.perform(node.scheduler.groups.remove(message.group, node.loop.now))
        peer.send(FrameType.ACK, Ack(message.request))

    def _lookup(self, peer: Peer, message: PlacementLookup, body: bytes) -> None:
        groups = self._node.scheduler.groups.by_id
        if message.group != _NO_ID:
            found = [groups[message.group]] if message.group in groups else []
        elif message.name:
            namespace = message.namespace or self._node.job(peer.job).namespace
            found = [g for g in groups.values() if g.name == message.name and g.namespace == namespace]
        else:
            found = list(groups.values())
        info = PlacementInfo(message.request, tuple(_shown(group) for group in found))
        peer.send(FrameType.PLACEMENT_INFO, info)


def _shown(group: Group) -> PlacementGroup:
    return PlacementGroup(
        group.id,
        group.name,
        group.namespace,
        PlacementStrategy(group.strategy.value),
        PlacementState(group.state.value),
        group.detached,
        group.job,
        tuple(Bundle(tuple(Resource(name, units) for name, units in bundle)) for bundle in group.bundles),
        group.reason,
    )
