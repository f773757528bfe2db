"""Placement groups: resources that are reserved together (spec chapter 11).

group = placement_group([{"CPU": 1}, {"CPU": 1, "GPU": 1}])
bow.get(group.ready())
task.options(scheduling_strategy=PlacementGroupSchedulingStrategy(group, 1)).remote()
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Literal

from bowstring import _options
from bowstring._api import get, remote
from bowstring._api import wait as wait_for
from bowstring._placing import NO_GROUP
from bowstring._runtime import Runtime
from bowstring._session import running_runtime
from bowstring.errors import InvalidArgumentError, TaskUnschedulableError
from bowstring.object_ref import ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, PlacementState, PlacementStrategy

__all__ = [
    "PlacementGroup", "get_current_placement_group", "get_placement_group", "placement_group", "placement_group_table",
    "remove_placement_group",
]  # fmt: skip

_STRATEGIES = ("PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD")
_STATES = {
    PlacementState.PENDING: "PENDING",
    PlacementState.PLACED: "CREATED",
    PlacementState.INFEASIBLE: "INFEASIBLE",
}


class PlacementGroup:
    """A handle on a placement group; it can be passed wherever values can.

    Attributes:
        id: The group's 16 bytes.
    """

    def __init__(self, id: bytes, bundles: tuple[dict[str, float], ...] | None = None) -> None:
        self.id = id
        self._bundles = bundles

    @property
    def bundle_specs(self) -> list[dict[str, float]]:
        """What each bundle holds, by name of the resource; a copy."""
        if self._bundles is None:
            found = _look_up(running_runtime(), group=self.id)
            self._bundles = tuple(_amounts(bundle) for bundle in found[0].bundles) if found else ()
        return [dict(bundle) for bundle in self._bundles]

    @property
    def bundle_count(self) -> int:
        """How many bundles it has."""
        return len(self.bundle_specs)

    def ready(self) -> ObjectRef[PlacementGroup]:
        """A reference that is ready once all bundles are reserved; its value is the group.

        `get` of it raises TaskUnschedulableError if the group can never be placed, with the reason, and
        PlacementGroupRemovedError if it is removed before.
        """
        from bowstring.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        strategy = PlacementGroupSchedulingStrategy(self, placement_group_capture_child_tasks=False)
        task: Any = remote(_same)
        ref: ObjectRef[PlacementGroup] = task.options(
            num_cpus=0, scheduling_strategy=strategy, name="PlacementGroup.ready"
        ).remote(self)
        return ref

    def wait(self, timeout_seconds: float = 30) -> bool:
        """Wait until all bundles are reserved.

        Args:
            timeout_seconds: how long at most; 30.

        Returns:
            True: they are. False: not within the time, or never; `placement_group_table` tells why.

        Raises:
            PlacementGroupRemovedError: it was removed.
        """
        ref = self.ready()
        ready, _ = wait_for([ref], timeout=timeout_seconds)
        if not ready:
            return False
        try:
            get(ref)
        except TaskUnschedulableError:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlacementGroup) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"PlacementGroup({self.id.hex()})"

    def __reduce__(self) -> Any:
        return PlacementGroup, (self.id, self._bundles)


def _same(group: PlacementGroup) -> PlacementGroup:
    return group


def _amounts(bundle: m.Bundle) -> dict[str, float]:
    return {item.name: item.units / _options.UNITS for item in bundle.resources}


def _bundle(place: int, bundle: Any) -> m.Bundle:
    what = f"bundles[{place}]"
    if not isinstance(bundle, Mapping):
        raise _options.refuse("placement_group", what, "a dict of resource names to amounts", bundle)
    for name, amount in bundle.items():
        if not isinstance(name, str) or not name:
            raise _options.refuse("placement_group", f"a key of {what}", "a str that is not empty", name)
        _options._amount("placement_group", f"{what}[{name!r}]", amount)
    units = {name: round(amount * _options.UNITS) for name, amount in bundle.items()}
    resources = tuple(m.Resource(name, units[name]) for name in sorted(units) if units[name])
    if not resources:
        raise _options.refuse("placement_group", what, "a dict with an amount above 0", bundle)
    return m.Bundle(resources)


def placement_group(
    bundles: Sequence[Mapping[str, float]],
    strategy: Literal["PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"] = "PACK",
    name: str = "",
    lifetime: Literal["detached"] | None = None,
) -> PlacementGroup:
    """Reserve bundles of resources, all at once; returns at once, while they may have to wait for others to end.

    Args:
        bundles: what each bundle holds, such as {"CPU": 2, "GPU": 1}; amounts to 0.0001.
        strategy: how bundles are spread over nodes. On one machine STRICT_SPREAD of more than one can't be placed.
        name: by which `get_placement_group` finds it; unique in the namespace. Empty: none.
        lifetime: "detached": it lives until it is removed. None: until this driver ends.

    Raises:
        InvalidArgumentError: an argument is wrong, or another group has the name.
    """
    what = "placement_group"
    if isinstance(bundles, (str, Mapping)) or not isinstance(bundles, Sequence) or not bundles:
        raise _options.refuse(what, "bundles", "a list of dicts, at least one", bundles)
    if strategy not in _STRATEGIES:
        raise _options.refuse(what, "strategy", f"one of {', '.join(_STRATEGIES)}", strategy)
    if not isinstance(name, str):
        raise _options.refuse(what, "name", "a str", name)
    if lifetime is not None:
        _options._lifetime(what, "lifetime", lifetime)
    runtime = running_runtime()
    group_id = runtime.context().child_id()
    sent = tuple(_bundle(place, bundle) for place, bundle in enumerate(bundles))
    record = m.PlacementGroup(
        group_id, name, "", PlacementStrategy[strategy], detached=lifetime == "detached", bundles=sent
    )
    runtime.request(FrameType.PLACEMENT_CREATE, lambda request: m.PlacementCreate(request, record))
    return PlacementGroup(group_id, tuple(_amounts(bundle) for bundle in sent))


def remove_placement_group(placement_group: PlacementGroup) -> None:
    """Give a group's resources back. Its tasks fail with PlacementGroupRemovedError, and its actors end.

    Args:
        placement_group: the group; one that is not there is no error.
    """
    if not isinstance(placement_group, PlacementGroup):
        raise _options.refuse("remove_placement_group", "placement_group", "a PlacementGroup", placement_group)
    runtime, group_id = running_runtime(), placement_group.id
    runtime.request(FrameType.PLACEMENT_REMOVE, lambda request: m.PlacementRemove(request, group_id))


def _look_up(runtime: Runtime, group: bytes = NO_GROUP, name: str = "") -> tuple[m.PlacementGroup, ...]:
    answer = runtime.request(FrameType.PLACEMENT_LOOKUP, lambda request: m.PlacementLookup(request, group, name, ""))
    found: tuple[m.PlacementGroup, ...] = answer.groups
    return found


def get_placement_group(placement_group_name: str) -> PlacementGroup:
    """The group that has a name in this driver's namespace.

    Raises:
        InvalidArgumentError: none has it.
    """
    _options._text("get_placement_group", "placement_group_name", placement_group_name)
    found = _look_up(running_runtime(), name=placement_group_name)
    if not found:
        raise InvalidArgumentError(f"get_placement_group: no placement group has the name {placement_group_name!r}")
    return PlacementGroup(found[0].id, tuple(_amounts(bundle) for bundle in found[0].bundles))


def get_current_placement_group() -> PlacementGroup | None:
    """The group whose resources the calling task or actor uses; None: none, or this is a driver."""
    runtime = running_runtime()
    return None if runtime.group == NO_GROUP else PlacementGroup(runtime.group)


def placement_group_table(placement_group: PlacementGroup | None = None) -> dict[str, Any]:
    """What is known of a group, or of all groups by their ids in hexadecimal.

    Returns:
        placement_group_id, name, bundles (by number), strategy, state ("PENDING", "CREATED", "INFEASIBLE", "REMOVED"),
        reason (why it is INFEASIBLE).
    """
    runtime = running_runtime()
    if placement_group is None:
        return {group.id.hex(): _row(group) for group in _look_up(runtime)}
    found = _look_up(runtime, group=placement_group.id)
    if found:
        return _row(found[0])
    return {"placement_group_id": placement_group.id.hex(), "state": "REMOVED"}


def _row(group: m.PlacementGroup) -> dict[str, Any]:
    return {
        "placement_group_id": group.id.hex(),
        "name": group.name,
        "bundles": {place: _amounts(bundle) for place, bundle in enumerate(group.bundles)},
        "strategy": PlacementStrategy(group.strategy).name,
        "state": _STATES[PlacementState(group.state)],
        "reason": group.reason,
    }


class _CallableModule(ModuleType):
    """This module has the name of its main function: `bowstring.util.placement_group` is either, and can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> PlacementGroup:
        return placement_group(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
