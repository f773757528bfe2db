"""Where a task or an actor runs: in which environment, out of which resources (spec 4.3, chapters 10 and 11).

It is settled when a function or class is first used in a process, and costs a call nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

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


def place_of(runtime: Runtime, options: Mapping[str, Any]) -> Place:
    """Where the options, and what this process inherits, put a task or an actor.

    Raises:
        RuntimeEnvSetupError: its environment can't be made.
    """
    environment = runtime.environments.key_for(options.get("runtime_env"))
    return Place(environment) if environment else ANYWHERE
