"""The public verbs: remote, put, get, wait, cancel, kill, get_actor, empty, and what the runtime tells of itself."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

from bowstring import _environments, _options
from bowstring._completions import LONG_LIST_MIN, Completions, Rest, Stragglers
from bowstring._runtime import current_runtime
from bowstring._session import query_state, running_runtime
from bowstring._tasks import PendingTask
from bowstring.actor import ActorClass, ActorHandle, handle_from_record
from bowstring.errors import BowstringError, GetTimeoutError, InvalidArgumentError
from bowstring.object_ref import ObjectRef
from bowstring.object_ref_generator import ObjectRefGenerator
from bowstring.remote_function import ManyResults, RemoteFunction, Streaming
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, StateKind

if TYPE_CHECKING:
    from typing import Unpack

    from bowstring._explanation import Explanation
    from bowstring._options import AllOptions, TaskOptions
    from bowstring.table_builder import TableBuilder

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
_ONLY_REFS = {ObjectRef}
_AWAITABLES = {ObjectRef, ObjectRefGenerator}
_WAIT = int(m.SpanKind.WAIT)


class _Decorator(Protocol):
    """What `@remote(...)` is to type checkers."""

    @overload
    def __call__(self, target: type[T], /) -> ActorClass[T]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, target: Callable[P, Iterator[T]], /) -> Streaming[P, T]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, target: Callable[P, R], /) -> RemoteFunction[P, R]: ...


class _StreamingDecorator(Protocol):
    @overload
    def __call__(self, target: Callable[P, Iterator[T]], /) -> Streaming[P, T]: ...
    @overload
    def __call__(self, target: Callable[P, Any], /) -> Streaming[P, Any]: ...


class _FunctionDecorator(Protocol):
    def __call__(self, target: Callable[P, R], /) -> RemoteFunction[P, R]: ...


class _ManyResultsDecorator(Protocol):
    def __call__(self, target: Callable[P, Any], /) -> ManyResults[P]: ...


@overload
def remote(target: type[T], /) -> ActorClass[T]: ...  # type: ignore[overload-overlap]
@overload
def remote(target: Callable[P, Iterator[T]], /) -> Streaming[P, T]: ...  # type: ignore[overload-overlap]
@overload
def remote(target: Callable[P, R], /) -> RemoteFunction[P, R]: ...
@overload
def remote(  # type: ignore[overload-overlap]  # 1 is an int that changes nothing
    *, num_returns: Literal[1], **options: Unpack[TaskOptions]
) -> _FunctionDecorator: ...
@overload
def remote(*, num_returns: Literal["streaming"], **options: Unpack[TaskOptions]) -> _StreamingDecorator: ...
@overload
def remote(*, num_returns: int, **options: Unpack[TaskOptions]) -> _ManyResultsDecorator: ...
@overload
def remote(**options: Unpack[AllOptions]) -> _Decorator: ...
def remote(*targets: Any, **options: Any) -> Any:
    """Make a function or class remote: `@remote`, or `@remote(option=...)`.

    Options: those of RemoteFunction.options for functions, of ActorClass.options for classes.

    Raises:
        InvalidArgumentError: the target is neither, or an option is wrong.
    """
    if targets and options:
        raise InvalidArgumentError("remote: give either the function or class, or options by keyword")
    if len(targets) == 1:
        return _make_remote(targets[0], {})
    if targets:
        raise InvalidArgumentError(f"remote: takes one function or class, not {len(targets)} arguments")
    if not options:
        raise InvalidArgumentError("remote: write @remote without parentheses, or give it options")
    return lambda target: _make_remote(target, options)


def _make_remote(target: Any, options: dict[str, Any]) -> Any:
    if isinstance(target, (RemoteFunction, ActorClass)):
        raise InvalidArgumentError(f"remote: {target._name} is remote already; use .options(...)")
    if inspect.isclass(target):
        name = f"remote class {target.__qualname__}"
        return ActorClass(target, _options.checked(name, options, _options.ACTOR_OPTIONS))
    if inspect.iscoroutinefunction(target):
        raise InvalidArgumentError(
            f"remote: {target.__qualname__} is async; async code runs in actors: make it a method of a class"
        )
    if inspect.isfunction(target) or inspect.isbuiltin(target):
        name = f"remote function {target.__qualname__}"
        return RemoteFunction(target, _options.checked(name, options, _options.TASK_OPTIONS))
    raise _options.refuse("remote", "the target", "a function or a class", target)


def put(value: T) -> ObjectRef[T]:
    """Make an object of a value.

    Args:
        value: anything that can be pickled. Arrays, Arrow tables and large buffers are copied once into the store, or
            not at all if they were made by `empty`; small values stay in this process.

    Returns:
        A reference to it.

    Raises:
        InvalidArgumentError: `value` is an ObjectRef.
        SerializationError: it can't be pickled.
        ObjectStoreFullError: the store can't hold it.
    """
    if isinstance(value, ObjectRef):
        raise InvalidArgumentError("put: value is an ObjectRef already; put what it stands for, or pass it as it is")
    return running_runtime().writer.put(value)


def _timeout(what: str, timeout: float | None) -> None:
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0):
        raise _options.refuse(what, "timeout", "None or a number of seconds of 0 or more", timeout)


@overload
def get(refs: ObjectRef[R], *, timeout: float | None = None, copy: bool = False) -> R: ...
@overload
def get(refs: Sequence[ObjectRef[R]], *, timeout: float | None = None, copy: bool = False) -> list[R]: ...
def get(refs: Any, *, timeout: float | None = None, copy: bool = False) -> Any:
    """The value of a reference, or the values of a list of them; waits until they are there.

    Arrays and tables are read-only views of the store's memory, which they keep while they live; all else is a copy.

    Args:
        refs: an ObjectRef, or a list of them.
        timeout: seconds to wait; None: any time.
        copy: True: arrays are writable and, like tables, in this process's own memory; nothing of the store is kept.

    Raises:
        TaskError: the task failed; also an instance of the class of what it raised.
        GetTimeoutError: not ready in time.
        BowstringError: the value is lost; the class tells why.
        InvalidArgumentError: refs is neither.
    """
    if timeout is not None:
        _timeout("get", timeout)
    if type(refs) is ObjectRef:
        return refs._runtime.reader.get_one(refs, timeout, copy)
    if not isinstance(refs, (list, tuple)):
        expected = "an ObjectRef or a list of them"
        if isinstance(refs, ObjectRefGenerator):
            expected += " (a stream's references come from next() or list())"
        raise _options.refuse("get", "refs", expected, refs)
    for place, ref in enumerate(refs):
        if not isinstance(ref, ObjectRef):
            raise _options.refuse("get", f"refs[{place}]", "an ObjectRef", ref)
    if not refs:
        return []
    return refs[0]._runtime.reader.get(refs, timeout, copy)


def wait(
    refs: Sequence[ObjectRef[R]], *, num_returns: int = 1, timeout: float | None = None, fetch_local: bool = True
) -> tuple[list[ObjectRef[R]], list[ObjectRef[R]]]:
    """Wait until some of the objects are ready.

    Args:
        refs: different ObjectRefs. An ObjectRefGenerator among them is ready when its `next` would not wait.
        num_returns: how many to wait for; 1.
        timeout: seconds to wait at most; None: any time. 0: just look.
        fetch_local: accepted as elsewhere in the field; on one machine every object is here.

    Returns:
        (ready, not ready), each in the order of `refs`; `ready` has at most num_returns.

    Raises:
        InvalidArgumentError: an argument is wrong; the message names it.
    """
    _timeout("wait", timeout)
    if not isinstance(refs, (list, tuple)):
        raise _options.refuse("wait", "refs", "a list of ObjectRefs", refs)
    if isinstance(num_returns, bool) or not isinstance(num_returns, int) or not 1 <= num_returns <= max(1, len(refs)):
        raise _options.refuse("wait", "num_returns", f"an int from 1 to the number of refs ({len(refs)})", num_returns)
    deadline = None if timeout is None else monotonic() + timeout
    if type(refs) is Rest:
        completions = refs.claim()
        if completions is not None:
            return completions.take(num_returns, deadline)
    kinds = set(map(type, refs))
    if not kinds <= _AWAITABLES:
        place, wrong = next((i, ref) for i, ref in enumerate(refs) if type(ref) not in _AWAITABLES)
        raise _options.refuse("wait", f"refs[{place}]", "an ObjectRef", wrong)
    # One object has one ObjectRef in a process: identity is enough, and costs no Python call an element.
    if len(set(map(id, refs))) != len(refs):
        raise InvalidArgumentError("wait: refs has the same ObjectRef twice; give each once")
    if not refs:
        return [], []
    runtime = refs[0]._runtime
    if len(refs) >= LONG_LIST_MIN and num_returns < len(refs) and kinds == _ONLY_REFS:
        return Completions(runtime, refs).take(num_returns, deadline)
    ready_at = _ready_places(refs, num_returns)
    if len(ready_at) < num_returns and timeout != 0:
        runtime.reader.wait_ready(refs, num_returns, deadline, _WAIT)
        ready_at = _ready_places(refs, num_returns)
    elif len(ready_at) < num_returns:
        runtime.reader.look(refs)
        ready_at = _ready_places(refs, num_returns)
    if len(ready_at) == 1:
        place = ready_at[0]
        return [refs[place]], [*refs[:place], *refs[place + 1 :]]
    chosen = set(ready_at)
    return [refs[i] for i in ready_at], [ref for i, ref in enumerate(refs) if i not in chosen]


def as_completed(refs: Iterable[ObjectRef[R]], *, timeout: float | None = None) -> Iterator[ObjectRef[R]]:
    """The references in the order in which their objects become ready.

    Args:
        refs: ObjectRefs; one that comes twice is given once.
        timeout: seconds from the call within which all must be ready; None: any time.

    Returns:
        An iterator; it waits where none is ready yet.

    Raises:
        GetTimeoutError: while iterating: some were not ready in time.
        InvalidArgumentError: an argument is wrong; the message names it.
    """
    _timeout("as_completed", timeout)
    if not isinstance(refs, Iterable):
        raise _options.refuse("as_completed", "refs", "an iterable of ObjectRefs", refs)
    given = list(refs)
    for place, ref in enumerate(given):
        if not isinstance(ref, ObjectRef):
            raise _options.refuse("as_completed", f"refs[{place}]", "an ObjectRef", ref)
    return _as_completed(given, None if timeout is None else monotonic() + timeout, timeout)


def _as_completed(
    refs: list[ObjectRef[Any]], deadline: float | None, timeout: float | None
) -> Iterator[ObjectRef[Any]]:
    if not refs:
        return
    stragglers = Stragglers(refs[0]._runtime, refs)
    refs.clear()
    count = len(stragglers)
    while len(stragglers):
        ref = stragglers.take(deadline)
        if ref is None:
            raise GetTimeoutError(f"{len(stragglers)} of {count} objects were not ready within {timeout} s")
        yield ref
        del ref


def _ready_places(refs: Sequence[ObjectRef[Any]], count: int) -> list[int]:
    places = []
    for place, ref in enumerate(refs):
        if ref._payload is not None:
            places.append(place)
            if len(places) == count:
                break
    return places


def cancel(ref: ObjectRef[Any] | ObjectRefGenerator[Any], *, force: bool = False, recursive: bool = True) -> None:
    """Cancel the task that makes `ref`; `get` on it then raises TaskCancelledError, unless it was done before.

    A task that has not started never will. In one that runs, TaskCancelledError is raised in its Python code.

    Args:
        ref: a result of a task or a method call of this process, or the generator of a stream.
        force: True: end the worker's process if the task runs. Not for actors.
        recursive: True: the children of the task are cancelled too.

    Raises:
        InvalidArgumentError: an argument is wrong, or `ref` was made by put or by another process.
    """
    if not isinstance(ref, (ObjectRef, ObjectRefGenerator)):
        raise _options.refuse("cancel", "ref", "an ObjectRef or an ObjectRefGenerator", ref)
    runtime = ref._runtime
    with runtime.lock:
        task: Any = ref._task
        if task is None:
            if isinstance(ref, ObjectRef) and ref._owner != runtime.process:
                raise InvalidArgumentError(f"cancel: {ref!r} belongs to another process, which alone can cancel it")
            return
        if not isinstance(task, PendingTask):
            raise InvalidArgumentError(f"cancel: {ref!r} belongs to another process, which alone can cancel it")
        if force and task.actor != bytes(16):
            raise InvalidArgumentError("cancel: force=True would end the actor; use kill() for that")
        task.cancel(force, recursive)


def kill(actor: ActorHandle[Any], *, no_restart: bool = True) -> None:
    """End an actor's process at once. Calls in flight fail with ActorDiedError, or wait for its restart.

    Args:
        actor: its handle.
        no_restart: False: it is started anew if max_restarts allows.

    Raises:
        InvalidArgumentError: `actor` is no handle.
    """
    if not isinstance(actor, ActorHandle):
        raise _options.refuse("kill", "actor", "an actor's handle", actor)
    runtime = actor._runtime
    runtime.request(FrameType.ACTOR_KILL, lambda request: m.ActorKill(request, actor._actor, no_restart))


def get_actor(name: str, namespace: str | None = None) -> ActorHandle[Any]:
    """The handle of a named actor.

    Args:
        name: its name.
        namespace: where the name counts; None: the driver's.

    Raises:
        ActorNotFoundError: no living actor has the name.
        InvalidArgumentError: an argument is wrong.
    """
    _options._text("get_actor", "name", name)
    if namespace is not None:
        _options._text("get_actor", "namespace", namespace)
    runtime = running_runtime()
    answer = runtime.request(FrameType.ACTOR_LOOKUP, lambda request: m.ActorLookup(request, name, namespace or ""))
    return handle_from_record(runtime, answer.handle, held=True)


def empty(shape: int | Sequence[int], dtype: Any = "float64") -> Any:
    """An uninitialised numpy array in the store: fill it, then `put` it without a copy.

    Args:
        shape: length of each dimension.
        dtype: bool, a signed or unsigned integer, float16, float32 or float64.

    Returns:
        A writable, C-contiguous array. `put(array)`, or returning it from a task, makes it an object and the array
        read-only. (Views of it that were made before stay writable: let go of them, because others read the same
        memory.) While the array lives its memory stays in the store; if it is never put, that is given back with its
        last view.

    Raises:
        InvalidArgumentError: shape or dtype is wrong.
        ObjectStoreFullError: the store can't hold it.
    """
    return running_runtime().writer.empty(shape, dtype)


def empty_table(
    schema: Any, num_rows: int, *, nullable: Sequence[str] = (), data_bytes: Mapping[str, int] | None = None
) -> TableBuilder:
    """An Arrow table in the store without values: fill its columns, then `put` it without a copy.

    Args:
        schema: a pyarrow.Schema of columns of fixed width (booleans, numbers, dates, times, decimals, fixed-size
            binary), strings and binary.
        num_rows: number of rows.
        nullable: names of the columns that may have nulls.
        data_bytes: for each column of strings or binary: how many bytes its values may have together.

    Returns:
        A TableBuilder, which gives numpy views of the columns. `put(builder)`, or returning it from a task, makes a
        table of it.

    Raises:
        InvalidArgumentError: an argument is wrong, or a column is of a type that can't be filled in place.
        ObjectStoreFullError: the store can't hold it.
    """
    from bowstring.table_builder import empty_table

    return empty_table(running_runtime(), schema, num_rows, nullable, data_bytes or {})


class RuntimeContext:
    """What code can ask about where it runs."""

    def get_job_id(self) -> str:
        """The job, as 8 hexadecimal digits."""
        return f"{current_runtime().context().job:08x}"

    def get_task_id(self) -> str | None:
        """The task, in hexadecimal; None in a driver."""
        runtime = current_runtime()
        context = runtime.context()
        return None if context is runtime.root else context.id.hex()

    def get_actor_id(self) -> str | None:
        """The actor whose method runs, in hexadecimal; else None."""
        executor = current_runtime().executor
        return executor.actor.id.hex() if executor is not None and executor.actor is not None else None

    def get_task_name(self) -> str | None:
        """What people call the task: its option `name`, its function or its method; None in a driver."""
        runtime = current_runtime()
        context = runtime.context()
        if context is runtime.root:
            return None
        calls = getattr(runtime.executor, "calls", {})  # inline mode has none, and names its contexts itself
        call = calls.get(context.id)
        name: str = context.name if call is None else runtime.executor.name_of(call.task)
        return name

    def get_actor_name(self) -> str | None:
        """The name by which `get_actor` finds the actor whose method runs; None: it has none, or none runs."""
        actor = self.get_actor_id()
        if actor is None:
            return None
        return next((row["name"] or None for row in query_state(StateKind.ACTORS) if row["actor"] == actor), None)

    @property
    def current_actor(self) -> ActorHandle[Any]:
        """A handle of the actor whose method runs.

        Raises:
            BowstringError: none does.
        """
        runtime = current_runtime()
        executor = runtime.executor
        if executor is None or executor.actor is None:
            raise BowstringError("current_actor is there only inside an actor's method")
        return handle_from_record(runtime, executor.actor.record)

    def get_worker_id(self) -> str:
        """This process, as 16 hexadecimal digits: a worker's or a driver's."""
        return f"{current_runtime().process:016x}"

    def get_node_id(self) -> str:
        """The node, as 16 hexadecimal digits."""
        return f"{current_runtime().node:016x}"

    def get_accelerator_ids(self) -> dict[str, list[str]]:
        """The GPUs that the calling task or actor holds, as {"GPU": names}; a driver holds none."""
        return {"GPU": list(current_runtime().gpus)}

    @property
    def namespace(self) -> str:
        """Where the names of this job's actors count."""
        return current_runtime().namespace

    @property
    def runtime_env(self) -> dict[str, Any]:
        """The runtime environment of this process, or of its job, with packages in place of folders."""
        return _environments.shown(current_runtime().environments.own)

    @property
    def was_current_actor_reconstructed(self) -> bool:
        """True inside an actor that was started anew after its process ended."""
        executor = current_runtime().executor
        return executor is not None and executor.actor is not None and executor.actor.incarnation > 0


def get_runtime_context() -> RuntimeContext:
    """What code can ask about where it runs: job, task, actor, node."""
    running_runtime()
    return RuntimeContext()


def nodes() -> list[dict[str, Any]]:
    """The nodes of the runtime: node, address, pid, alive, resources (spec 8)."""
    return query_state(StateKind.NODES)


def cluster_resources() -> dict[str, float]:
    """Amounts of all resources, by name."""
    return {row["name"]: row["total"] for row in query_state(StateKind.RESOURCES)}


def available_resources() -> dict[str, float]:
    """Amounts of the resources that nobody holds, by name. A worker is held for 0.2 s after its last task."""
    return {row["name"]: row["available"] for row in query_state(StateKind.RESOURCES)}


def why(ref: ObjectRef[Any] | str) -> Explanation:
    """Why an object is not there: what its task waits for, what that waits for, and so on.

    It names the arguments that are missing, the resources and who holds them, the worker or actor that starts or
    restarts, the call that it is queued behind, the object that the running task waits for; and circles, which never
    end. What it tells is a moment's; nothing is slowed down by asking.

    Args:
        ref: a reference, or the id of a task (32 hexadecimal digits) or of an object (40).

    Returns:
        The explanation: print it, or walk over its Blockers (depth, subject, name, reason, text).

    Raises:
        InvalidArgumentError: `ref` is neither.
    """
    from bowstring._explanation import explain

    return explain(ref)


@overload
def timeline(filename: None = None) -> list[dict[str, Any]]: ...
@overload
def timeline(filename: str | os.PathLike[str]) -> None: ...
def timeline(filename: str | os.PathLike[str] | None = None) -> list[dict[str, Any]] | None:
    """What ran when and where: tasks, calls of actors, and the gets, puts and waits of more than 100 us among them.

    Each process has its row; an arrow leads from the place of a call to where it ran. Open the file with
    https://ui.perfetto.dev or chrome://tracing.

    Args:
        filename: where to write it, as JSON of the Trace Event Format; None: give back the events.

    Returns:
        The events, as dicts, if `filename` is None. There is no cap on their number; of a long run the last 64 MiB of
        task events are kept.

    Raises:
        OSError: the file can't be written.
    """
    from bowstring._timeline import timeline as written

    return written(filename)
