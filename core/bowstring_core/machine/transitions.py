"""Transition tables: what a machine may do, as data that can be read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeVar


class State(Enum):
    """Base of the states of all machines. Equal only if identical, and hashed so: enum's own hash is Python code."""

    __hash__ = object.__hash__


S = TypeVar("S", bound=State)


class TransitionError(Exception):
    """A machine was told of an event that its state does not allow.

    Attributes:
        subject: What it is about, with its id.
        state: The state in which it is.
        event: The event.
    """

    def __init__(self, subject: str, state: State, event: str) -> None:
        super().__init__(f"{subject} is {state.name}: {event} is not possible")
        self.subject, self.state, self.event = subject, state, event


def next_state(table: Mapping[tuple[S, str], S], subject: Callable[[], str], state: S, event: str) -> S:
    """The state that follows. `subject` says what it is about, if it comes to an error.

    Raises:
        TransitionError: the table has no such pair.
    """
    try:
        return table[state, event]
    except KeyError:
        raise TransitionError(subject(), state, event) from None
