"""The errors that Bowstring raises: one class for each error code of the spec (chapter 7), and their record form.

A failed task's error is made of two halves: TaskError, and the class of what user code raised, so that
`except ValueError` around `get` works as it would around a local call.
"""

from __future__ import annotations

import os
import pickle
import traceback
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import ErrorCode, ErrorRecord, Language

TEXT_BYTES_MAX = 256 << 10  # spec 7/3
CAUSES_MAX = 16  # spec 7/3


class BowstringError(Exception):
    """Base of every error that the runtime raises.

    Attributes:
        code: the ErrorCode that other languages see.
        record: the record that crossed the wire; None if the error arose here.
    """

    code = ErrorCode.INTERNAL
    record: ErrorRecord | None = None

    @property
    def may_have_executed(self) -> bool:
        """True if the failed work may have had effects."""
        return bool(self.record and self.record.may_have_executed)


class TaskError(BowstringError):
    """User code raised in a task or an actor's method.

    Attributes:
        cause: the remote exception itself, or None if it could not be brought here.
        remote_traceback: the remote traceback as text.
        function_name: what failed.
        type_name: fully qualified class of the cause in its own language.
        pid: process that ran it.
    """

    code = ErrorCode.TASK
    cause: BaseException | None = None
    remote_traceback = ""
    function_name = ""
    type_name = ""
    pid = 0

    def __str__(self) -> str:
        record = self.record
        if record is None:
            return super().__str__()
        where = f"{record.function_name or 'a task'} (pid {record.pid}) raised {record.type_name}: {record.message}"
        return f"{where}\n\n{record.traceback}".rstrip() if record.traceback else where

    def __reduce__(self) -> Any:
        if self.record is None:
            return super().__reduce__()
        return exception_from_bytes, (self.record.encode(),)


class WorkerCrashedError(BowstringError):
    """The worker's process ended while it held the task."""

    code = ErrorCode.WORKER_CRASHED


class ActorError(BowstringError):
    """Base of the errors about an actor's life."""


class ActorDiedError(ActorError):
    """The actor is dead for good."""

    code = ErrorCode.ACTOR_DIED


class ActorUnavailableError(ActorError):
    """The actor can't be reached now; it restarts, and the call may have run."""

    code = ErrorCode.ACTOR_UNAVAILABLE


class ActorUnschedulableError(ActorError):
    """No node can ever hold the actor."""

    code = ErrorCode.ACTOR_UNSCHEDULABLE


class TaskUnschedulableError(BowstringError):
    """No node can ever run the task."""

    code = ErrorCode.TASK_UNSCHEDULABLE


class TaskCancelledError(BowstringError):
    """The task was cancelled."""

    code = ErrorCode.TASK_CANCELLED


class TaskTimeoutError(BowstringError, TimeoutError):
    """The task ran past its time limit."""

    code = ErrorCode.TASK_TIMEOUT


class PendingCallsLimitExceeded(BowstringError):
    """The caller has too many calls pending on the actor."""

    code = ErrorCode.PENDING_CALLS_LIMIT


class ObjectLostError(BowstringError):
    """The value is gone."""

    code = ErrorCode.OBJECT_LOST


class OwnerDiedError(ObjectLostError):
    """The process that was to produce or keep the value has ended."""

    code = ErrorCode.OWNER_DIED


class ObjectFreedError(ObjectLostError):
    """The value was freed while a reference to it was still in use."""

    code = ErrorCode.OBJECT_FREED


class ReconstructionFailedError(ObjectLostError):
    """The value could not be rebuilt."""

    code = ErrorCode.RECONSTRUCTION_FAILED


class ObjectStoreFullError(BowstringError, MemoryError):
    """The store can't hold the value."""

    code = ErrorCode.OBJECT_STORE_FULL


class OutOfMemoryError(BowstringError, MemoryError):
    """A process used more memory than it may."""

    code = ErrorCode.OUT_OF_MEMORY


class OutOfDiskError(BowstringError, OSError):
    """The disk can't hold what must be written."""

    code = ErrorCode.OUT_OF_DISK


class NodeDiedError(BowstringError):
    """The node's process has ended, and the runtime on it."""

    code = ErrorCode.NODE_DIED


class RuntimeEnvSetupError(BowstringError):
    """The runtime environment could not be made."""

    code = ErrorCode.RUNTIME_ENV_SETUP


class CrossLanguageError(BowstringError, TypeError):
    """A value or a call can't cross languages; the message names the path of the part that can't."""

    code = ErrorCode.CROSS_LANGUAGE


class WireError(BowstringError):
    """A peer broke the specification; its connection is closed."""

    code = ErrorCode.PROTOCOL


class AuthenticationError(BowstringError, PermissionError):
    """This process could not prove that it knows the session's token."""

    code = ErrorCode.AUTHENTICATION


class VersionMismatchError(BowstringError):
    """The two sides share no version of the specification."""

    code = ErrorCode.VERSION


class GetTimeoutError(BowstringError, TimeoutError):
    """`get` ran out of time; the work goes on."""

    code = ErrorCode.GET_TIMEOUT


class InvalidArgumentError(BowstringError, TypeError, ValueError):
    """An argument has the wrong type or value; the message names it."""

    code = ErrorCode.INVALID_ARGUMENT


class ActorNotFoundError(BowstringError, ValueError):
    """No actor has that name."""

    code = ErrorCode.ACTOR_NOT_FOUND


class ActorNameTakenError(BowstringError, ValueError):
    """Another actor has that name."""

    code = ErrorCode.ACTOR_NAME_TAKEN


class FunctionNotFoundError(BowstringError):
    """The function, class or method can't be found or loaded where it should run."""

    code = ErrorCode.FUNCTION_NOT_FOUND


class RuntimeStoppedError(BowstringError):
    """The runtime is not running, or was shut down."""

    code = ErrorCode.RUNTIME_STOPPED


class SerializationError(BowstringError, TypeError):
    """A value can't be serialized."""

    code = ErrorCode.SERIALIZATION


class WorkerStartError(BowstringError):
    """A worker could not be started."""

    code = ErrorCode.WORKER_START


class PlacementGroupRemovedError(BowstringError):
    """The placement group is not there: it was removed, or its job has ended."""

    code = ErrorCode.PLACEMENT_GROUP_REMOVED


class InternalError(BowstringError):
    """A defect in the runtime itself."""

    code = ErrorCode.INTERNAL


def _leaves(cls: type[BowstringError]) -> list[type[BowstringError]]:
    return [cls, *(leaf for sub in cls.__subclasses__() for leaf in _leaves(sub))]


CLASS_BY_CODE: dict[int, type[BowstringError]] = {
    cls.code: cls for cls in _leaves(BowstringError) if "code" in vars(cls) and cls is not BowstringError
}


def _cut(text: str) -> str:
    if len(text) <= TEXT_BYTES_MAX // 4:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= TEXT_BYTES_MAX:
        return data.decode("utf-8", "replace")
    note = "\n[cut: the text was longer than 256 KiB]"
    return data[: TEXT_BYTES_MAX - len(note)].decode("utf-8", "ignore") + note


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def qualified_name(cls: type) -> str:
    """Module and qualified name of a class; builtins without their module."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def make_record(code: ErrorCode, message: str, **fields: Any) -> ErrorRecord:
    """A record of this process's making."""
    return ErrorRecord(code=code, language=Language.PYTHON, pid=os.getpid(), message=_cut(_clean(message)), **fields)


def record_from_exception(error: BaseException, function_name: str = "", task: bytes = bytes(16)) -> ErrorRecord:
    """The record of an exception that user code let out, or of an error of the runtime.

    An error that came here from elsewhere (a failed dependency) is passed on as it is (spec 7/5).
    """
    if isinstance(error, BowstringError):
        if error.record is not None:
            return error.record
        return make_record(error.code, str(error), task=task, function_name=function_name)
    causes: list[m.ErrorCause] = []
    link = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while link is not None and len(causes) < CAUSES_MAX:
        causes.append(m.ErrorCause(qualified_name(type(link)), _cut(_clean(_message(link))), Language.PYTHON))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    text = "".join(traceback.format_exception(type(error), error, _user_frames(error)))
    return make_record(
        ErrorCode.TASK,
        _message(error),
        may_have_executed=True,
        task=task,
        type_name=qualified_name(type(error)),
        traceback=_cut(_clean(text)),
        function_name=function_name,
        native=_pickled(error),
        causes=tuple(causes),
    )


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"<{type(error).__name__} whose str() raised {type(broken).__name__}>"


def _user_frames(error: BaseException) -> Any:
    """The traceback without the runtime's own frames at its top."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__name__", "").startswith("bowstring._"):
        frames = frames.tb_next
    return frames


def _pickled(error: BaseException) -> bytes:
    import cloudpickle

    for form in (error, _Bare(error)):
        try:
            data: bytes = cloudpickle.dumps(form, protocol=5)
            pickle.loads(data)
        except BaseException:  # user-defined reducers may raise anything
            continue
        if len(data) <= TEXT_BYTES_MAX:
            return data
    return b""  # the record goes without: it tells enough


class _Bare:
    """An exception that does not pickle as it is: its class, and of its arguments and attributes what does."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        error = self.error
        args = tuple(arg if _pickles(arg) else repr(arg) for arg in error.args)
        attributes = {name: value for name, value in vars(error).items() if _pickles(value)}
        return _rebuild_bare, (type(error), args, attributes)


def _pickles(value: Any) -> bool:
    import cloudpickle

    try:
        pickle.loads(cloudpickle.dumps(value, protocol=5))
    except BaseException:
        return False
    return True


def _rebuild_bare(cls: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]) -> BaseException:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(attributes)
    return error


_task_error_classes: dict[type[BaseException], type[TaskError]] = {}


def _task_error_class(cause: type[BaseException]) -> type[TaskError]:
    """A class that is both TaskError and the cause's class; TaskError alone where Python can't lay it out."""
    if cause not in _task_error_classes:
        try:
            if not issubclass(cause, Exception):
                raise TypeError("not an Exception")
            name = f"TaskError({cause.__name__})"
            made: Any = type(name, (TaskError, cause), {"__module__": __name__, "__init__": _bare_init})
            _task_error_classes[cause] = made
        except TypeError:
            _task_error_classes[cause] = TaskError
    return _task_error_classes[cause]


def _task_error(cause: BaseException) -> TaskError:
    """An error that is a TaskError and also what `cause` is, with its arguments and attributes."""
    cls = _task_error_class(type(cause))
    if issubclass(cls, BaseExceptionGroup):
        error: Any = cls.__new__(cls, cause.args[0], cause.args[1])
    else:
        try:
            error = cls.__new__(cls)
        except TypeError:  # a constructor that wants arguments
            error = TaskError.__new__(TaskError)
    error.args = cause.args
    # Classes written in C, and those with __slots__, keep attributes beside __dict__: OSError.errno, for one.
    for base in type(cause).__mro__:
        for name, member in vars(base).items():
            if isinstance(member, (MemberDescriptorType, GetSetDescriptorType)) and not name.startswith("__"):
                _copy_attribute(error, name, cause)
    for name in getattr(cause, "__dict__", {}):
        _copy_attribute(error, name, cause)
    error.__cause__ = cause
    return error  # type: ignore[no-any-return]


def _copy_attribute(error: BaseException, name: str, cause: BaseException) -> None:
    try:
        setattr(error, name, getattr(cause, name))
    except (AttributeError, TypeError, ValueError):
        pass  # read-only, or not set


def _bare_init(self: BaseException, *args: Any) -> None:
    self.args = args


def exception_from_record(record: ErrorRecord) -> BowstringError:
    """The exception that `get` raises for a record."""
    if record.code != ErrorCode.TASK:
        plain = CLASS_BY_CODE.get(record.code, InternalError)(record.message)
        plain.record = record
        return plain
    cause: BaseException | None = None
    if record.native and record.language == Language.PYTHON:
        try:
            loaded = pickle.loads(record.native)
            cause = loaded if isinstance(loaded, BaseException) else None
        except BaseException:  # the class may not be importable here; the record tells enough
            cause = None
    error: TaskError
    error = TaskError(record.message) if cause is None else _task_error(cause)
    error.record = record
    error.cause = cause
    error.remote_traceback = record.traceback
    error.function_name = record.function_name
    error.type_name = record.type_name
    error.pid = record.pid
    return error


def exception_from_bytes(data: bytes) -> BowstringError:
    """The exception of an encoded record (the payload of encoding ERROR)."""
    return exception_from_record(ErrorRecord.decode(data))


# Written out, because type checkers do not run code.
__all__ = [
    "ActorDiedError",
    "ActorError",
    "ActorNameTakenError",
    "ActorNotFoundError",
    "ActorUnavailableError",
    "ActorUnschedulableError",
    "AuthenticationError",
    "BowstringError",
    "CrossLanguageError",
    "FunctionNotFoundError",
    "GetTimeoutError",
    "InternalError",
    "InvalidArgumentError",
    "NodeDiedError",
    "ObjectFreedError",
    "ObjectLostError",
    "ObjectStoreFullError",
    "OutOfDiskError",
    "OutOfMemoryError",
    "OwnerDiedError",
    "PendingCallsLimitExceeded",
    "PlacementGroupRemovedError",
    "ReconstructionFailedError",
    "RuntimeEnvSetupError",
    "RuntimeStoppedError",
    "SerializationError",
    "TaskCancelledError",
    "TaskError",
    "TaskTimeoutError",
    "TaskUnschedulableError",
    "VersionMismatchError",
    "WireError",
    "WorkerCrashedError",
    "WorkerStartError",
]
