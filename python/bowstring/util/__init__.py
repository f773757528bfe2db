"""Libraries made of tasks and actors; a module is imported with its first use, so `import bowstring` pays for none."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bowstring.util.actor_pool import ActorPool
    from bowstring.util.executor import Executor
    from bowstring.util.named_actors import list_named_actors
    from bowstring.util.placement_group import (
        PlacementGroup,
        get_current_placement_group,
        get_placement_group,
        placement_group,
        placement_group_table,
        remove_placement_group,
    )
    from bowstring.util.progress import Progress
    from bowstring.util.queue import Empty, Full, Queue
    from bowstring.util.serializability import inspect_serializability

_HOMES = {
    "ActorPool": "actor_pool",
    "Empty": "queue",
    "Executor": "executor",
    "Full": "queue",
    "PlacementGroup": "placement_group",
    "Progress": "progress",
    "Queue": "queue",
    "get_current_placement_group": "placement_group",
    "get_placement_group": "placement_group",
    "inspect_serializability": "serializability",
    "list_named_actors": "named_actors",
    "placement_group": "placement_group",
    "placement_group_table": "placement_group",
    "remove_placement_group": "placement_group",
}

__all__ = [
    "ActorPool", "Empty", "Executor", "Full", "PlacementGroup", "Progress", "Queue", "get_current_placement_group",
    "get_placement_group", "inspect_serializability", "list_named_actors", "placement_group",
    "placement_group_table", "remove_placement_group",
]  # fmt: skip


_MODULES = ("state",)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
