"""list_named_actors: which names are taken."""

from __future__ import annotations

from bowstring import _options
from bowstring._runtime import current_runtime
from bowstring._session import query_state
from bowstring_wire.messages import ActorLife, StateKind


def list_named_actors(all_namespaces: bool = False) -> list[str] | list[dict[str, str]]:
    """The names of actors that are not dead.

    Args:
        all_namespaces: False: those in the caller's namespace. True: all.

    Returns:
        Names, sorted. With all_namespaces: dicts of "name" and "namespace", sorted by namespace, then name.

    Raises:
        InvalidArgumentError: all_namespaces is not True or False.
    """
    _options._flag("list_named_actors", "all_namespaces", all_namespaces)
    rows = query_state(StateKind.ACTORS)
    taken = sorted(
        (row["namespace"], row["name"]) for row in rows if row["name"] and row["life"] != ActorLife.DEAD.name
    )
    if all_namespaces:
        return [{"name": name, "namespace": namespace} for namespace, name in taken]
    mine = current_runtime().namespace
    return [name for namespace, name in taken if namespace == mine]
