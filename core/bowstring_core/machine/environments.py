"""Which environments there are, and who waits for them (spec chapter 10).

An environment without installed packages is READY as soon as it is known. Another is made when a worker is first to be
started in it: UNMADE -> MAKING -> READY. If that fails, all who wait are told, and the next one who wants it has it
tried again. Workers are slots; a slot that is no longer wanted is found out by who performs the launch.

The machine refuses to know files, processes and what an environment consists of.
"""

from __future__ import annotations

from typing import NamedTuple

from bowstring_core.machine.transitions import State, next_state


class EnvironmentState(State):
    """Where an environment stands."""

    UNMADE = "unmade"
    MAKING = "making"
    READY = "ready"


_S = EnvironmentState
TRANSITIONS: dict[tuple[EnvironmentState, str], EnvironmentState] = {
    (_S.UNMADE, "wanted"): _S.MAKING,
    (_S.MAKING, "wanted"): _S.MAKING,
    (_S.READY, "wanted"): _S.READY,
    (_S.MAKING, "made"): _S.READY,
    (_S.MAKING, "failed"): _S.UNMADE,
}


class Make(NamedTuple):
    """Make the environment's installed packages."""

    key: bytes


class Launch(NamedTuple):
    """Start the slot's process: its environment is there."""

    slot: int


class Refuse(NamedTuple):
    """The slot's process can't be started."""

    slot: int
    message: str


Effect = Make | Launch | Refuse


class EnvironmentTable:
    """Every environment of a node, by key."""

    def __init__(self) -> None:
        self._states: dict[bytes, EnvironmentState] = {}
        self._waiting: dict[bytes, list[int]] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._states

    def __len__(self) -> int:
        return len(self._states)

    def is_being_made(self, key: bytes) -> bool:
        """Whether who waits for a worker of the environment waits for the environment first."""
        return self._states.get(key) is EnvironmentState.MAKING

    def add(self, key: bytes, installs: bool) -> None:
        """An environment is known; `installs`: it has packages to install. Nothing happens if it was known before."""
        self._states.setdefault(key, EnvironmentState.UNMADE if installs else EnvironmentState.READY)

    def _move(self, key: bytes, event: str) -> EnvironmentState:
        before = self._states[key]
        self._states[key] = next_state(TRANSITIONS, lambda: f"environment {key.hex()}", before, event)
        return before

    def wanted(self, key: bytes, slot: int) -> list[Effect]:
        """A worker is to be started in it."""
        before = self._move(key, "wanted")
        if before is EnvironmentState.READY:
            return [Launch(slot)]
        self._waiting.setdefault(key, []).append(slot)
        return [Make(key)] if before is EnvironmentState.UNMADE else []

    def made(self, key: bytes) -> list[Effect]:
        """Its packages are installed."""
        self._move(key, "made")
        return [Launch(slot) for slot in self._waiting.pop(key, ())]

    def failed(self, key: bytes, message: str) -> list[Effect]:
        """They can't be installed."""
        self._move(key, "failed")
        return [Refuse(slot, message) for slot in self._waiting.pop(key, ())]
