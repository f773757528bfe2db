"""Where a task or an actor runs: in which environment, out of which resources (spec 4.3, chapters 10 and 11).

It is settled when a function or class is first used in a process, and costs a call nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bowstring.errors import BowstringError, TaskUnschedulableError

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

NO_GROUP = bytes(16)


class Place(NamedTuple):
    """What a request for workers says of it."""

    environment: bytes = b""
    group: bytes = NO_GROUP
    bundle: int = 0  # from 1; 0: any
    capture_children: bool = False


ANYWHERE = Place()


def place_of(
    runtime: Runtime, options: Mapping[str, Any], error: type[BowstringError] = TaskUnschedulableError
) -> Place:
    """Where the options, and what this process inherits, put a task or an actor.

    Args:
        runtime: of this process.
        options: of the function or class.
        error: raised if there is no such node.

    Raises:
        RuntimeEnvSetupError: its environment can't be made.
    """
    environment = runtime.environments.key_for(options.get("runtime_env"))
    strategy = options.get("scheduling_strategy")
    if strategy is None and runtime.captures:
        return Place(environment, runtime.group, 0, True)
    if strategy is None or isinstance(strategy, str):
        return Place(environment) if environment else ANYWHERE
    place: Place = strategy.place(runtime, environment, error)
    return place


def check_strategy(what: str, name: str, value: Any) -> None:
    """Check an option `scheduling_strategy`.

    Raises:
        InvalidArgumentError: it is none.
    """
    if value in ("DEFAULT", "SPREAD") or callable(getattr(type(value), "place", None)):
        return
    from bowstring import _options

    raise _options.refuse(
        what, name, '"DEFAULT", "SPREAD" or one of the classes in bowstring.util.scheduling_strategies', value
    )
