"""Error records that the node makes, and the error of a request that it can't carry out."""

from __future__ import annotations

import os

from bowstring_wire.messages import ErrorCode, ErrorRecord

_node_id = 0


def set_node_id(node: int) -> None:
    """What records of this process name as their node."""
    global _node_id
    _node_id = node


def error_record(
    code: ErrorCode, message: str, *, retryable: bool = False, may_have_executed: bool = False, pid: int = 0
) -> ErrorRecord:
    """A record of the node's own."""
    return ErrorRecord(
        code=code,
        retryable=retryable,
        may_have_executed=may_have_executed,
        pid=pid or os.getpid(),
        node=_node_id,
        message=message,
    )


class RequestError(Exception):
    """A request can't be carried out; it is answered with Failure.

    Attributes:
        code: The error's code.
        message: For people.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
