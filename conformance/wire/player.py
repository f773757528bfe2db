"""Plays one side of a conversation as a case's script says, against a peer that is real."""

from __future__ import annotations

from conformance.wire.call_steps import CallSteps
from conformance.wire.file_steps import FileSteps
from conformance.wire.node_steps import NodeSteps


class Player(CallSteps, NodeSteps, FileSteps):
    """Knows every step that needs no actor; see `ActorPlayer` for those."""
