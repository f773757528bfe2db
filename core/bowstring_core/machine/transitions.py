"""Transition tables: what a machine may do, as data that can be read from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

S = TypeVar("S", bound=Enum)


class TransitionError(Exception):
    """A machine was told of an event that its state does not allow.

    Attributes:
        subject: What it is about, with its id.
        state: The state in which it is.
        event: The event.
    """

    def __init__(self, subject: str, state: Enum, event: str) -> None:
        super().__init__(f"{subject} is {state.name}: {event} is not possible")
        self.subject, self.state, self.event = subject, state, event


def next_state(table: Mapping[tuple[S, str], S], subject: str, state: S, event: str) -> S:
    """The state that follows.

    Raises:
        TransitionError: the table has no such pair.
    """
    try:
        return table[state, event]
    except KeyError:
        raise TransitionError(subject, state, event) from None
