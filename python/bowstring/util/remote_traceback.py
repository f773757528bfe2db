"""How the look-alikes of the standard library raise what a worker raised: the exception itself, not a TaskError."""

from __future__ import annotations

from bowstring.errors import TaskError


class RemoteTraceback(Exception):
    """The cause of an exception that came from a worker: shows the traceback there."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def as_raised(error: BaseException) -> BaseException:
    """What the function raised, with the worker's traceback as its cause; else the runtime's own error as it is."""
    if isinstance(error, TaskError) and error.cause is not None:
        cause = error.cause
        cause.__cause__ = RemoteTraceback(error.remote_traceback)
        return cause
    return error
