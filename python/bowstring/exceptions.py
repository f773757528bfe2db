"""The errors under the names by which Ray's users look for them: `bowstring.exceptions.RayTaskError` is TaskError."""

from bowstring import errors
from bowstring.errors import *  # noqa: F403
from bowstring.errors import ActorError, BowstringError, TaskError

RayError = BowstringError
RayTaskError = TaskError
RayActorError = ActorError

__all__ = ["RayActorError", "RayError", "RayTaskError", *errors.__all__]
