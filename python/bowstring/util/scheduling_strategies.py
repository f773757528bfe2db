"""What `scheduling_strategy` may be, besides "DEFAULT" and "SPREAD"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bowstring import _options
from bowstring._placing import Place
from bowstring.errors import BowstringError

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring.util.placement_group import PlacementGroup

__all__ = [
    "DoesNotExist", "Exists", "In", "NodeAffinitySchedulingStrategy", "NodeLabelSchedulingStrategy", "NotIn",
    "PlacementGroupSchedulingStrategy",
]  # fmt: skip

NODE_ID_LABEL = "bowstring.io/node-id"  # the label that every node has


class PlacementGroupSchedulingStrategy:
    """Use the resources of a placement group.

    Args:
        placement_group: the group.
        placement_group_bundle_index: number of the bundle, from 0; -1: whichever has room.
        placement_group_capture_child_tasks: True: what the task or actor submits goes to the group too, to whichever
            bundle has room, unless it names another strategy. None: no.
    """

    def __init__(
        self,
        placement_group: PlacementGroup,
        placement_group_bundle_index: int = -1,
        placement_group_capture_child_tasks: bool | None = None,
    ) -> None:
        from bowstring.util.placement_group import PlacementGroup

        what = "PlacementGroupSchedulingStrategy"
        if not isinstance(placement_group, PlacementGroup):
            raise _options.refuse(what, "placement_group", "a PlacementGroup", placement_group)
        _options._count_from(-1)(what, "placement_group_bundle_index", placement_group_bundle_index)
        if placement_group_capture_child_tasks is not None:
            _options._flag(what, "placement_group_capture_child_tasks", placement_group_capture_child_tasks)
        self.placement_group = placement_group
        self.placement_group_bundle_index = placement_group_bundle_index
        self.placement_group_capture_child_tasks = placement_group_capture_child_tasks

    def place(self, runtime: Runtime, environment: bytes, error: type[BowstringError]) -> Place:
        """Where it puts a task or an actor."""
        bundle = self.placement_group_bundle_index + 1
        return Place(environment, self.placement_group.id, bundle, bool(self.placement_group_capture_child_tasks))


class NodeAffinitySchedulingStrategy:
    """Run on a node.

    Args:
        node_id: the node, as `get_runtime_context().get_node_id()` tells it.
        soft: True: run elsewhere if it isn't there. False: that is an error.
    """

    def __init__(self, node_id: str, soft: bool) -> None:
        what = "NodeAffinitySchedulingStrategy"
        _options._text(what, "node_id", node_id)
        _options._flag(what, "soft", soft)
        self.node_id, self.soft = node_id, soft

    def place(self, runtime: Runtime, environment: bytes, error: type[BowstringError]) -> Place:
        """Where it puts a task or an actor.

        Raises:
            TaskUnschedulableError, ActorUnschedulableError: the node isn't there.
        """
        if not self.soft and self.node_id != f"{runtime.node:016x}":
            raise error(f"node {self.node_id} is wanted, and the only one is {runtime.node:016x}; use soft=True?")
        return Place(environment)


class _Condition:
    """What a label must be."""

    def __init__(self, *values: str) -> None:
        for place, value in enumerate(values):
            if not isinstance(value, str):
                raise _options.refuse(type(self).__name__, f"value {place}", "a str", value)
        self.values = values

    def holds(self, value: str | None) -> bool:
        """Whether a node whose label has the value will do; None: it has no such label."""
        raise AssertionError(f"{type(self).__name__} says nothing")  # each kind of condition has its own

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.values))})"


class In(_Condition):
    """The label has one of the values."""

    def holds(self, value: str | None) -> bool:
        return value in self.values


class NotIn(_Condition):
    """The label has none of the values, or isn't there."""

    def holds(self, value: str | None) -> bool:
        return value not in self.values


class Exists(_Condition):
    """The label is there."""

    def holds(self, value: str | None) -> bool:
        return value is not None


class DoesNotExist(_Condition):
    """The label isn't there."""

    def holds(self, value: str | None) -> bool:
        return value is None


class NodeLabelSchedulingStrategy:
    """Run on a node with certain labels. A node has the label "bowstring.io/node-id".

    Args:
        hard: conditions by label, all of which must hold.
        soft: conditions that should hold.
    """

    def __init__(self, hard: Mapping[str, _Condition], *, soft: Mapping[str, _Condition] | None = None) -> None:
        for name, conditions in (("hard", hard), ("soft", soft or {})):
            if not isinstance(conditions, Mapping) or not all(isinstance(key, str) for key in conditions):
                raise _options.refuse("NodeLabelSchedulingStrategy", name, "a dict of labels to conditions", conditions)
            for key, condition in conditions.items():
                if not isinstance(condition, _Condition):
                    expected = "In(...), NotIn(...), Exists() or DoesNotExist()"
                    raise _options.refuse("NodeLabelSchedulingStrategy", f"{name}[{key!r}]", expected, condition)
        self.hard, self.soft = dict(hard), dict(soft or {})

    def place(self, runtime: Runtime, environment: bytes, error: type[BowstringError]) -> Place:
        """Where it puts a task or an actor.

        Raises:
            TaskUnschedulableError, ActorUnschedulableError: no node has such labels.
        """
        labels = {NODE_ID_LABEL: f"{runtime.node:016x}"}
        for key, condition in self.hard.items():
            if not condition.holds(labels.get(key)):
                has = f"has {labels[key]!r}" if key in labels else "has no such label"
                raise error(f"a node whose label {key!r} is {condition} is wanted, and the only node {has}")
        return Place(environment)
