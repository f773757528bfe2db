"""`@remote` on a class: actors, their handles and their methods (spec chapter 5)."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from bowstring import _functions, _options
from bowstring._placing import NO_GROUP, place_of
from bowstring._retries import RetryRule, rule_of
from bowstring._tasks import CallTemplate, PendingTask
from bowstring.errors import ActorUnschedulableError, BowstringError, InvalidArgumentError, qualified_name
from bowstring.object_ref import HELD, PUBLISHED, ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, Language, TaskFlag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from bowstring._options import ActorOptions
    from bowstring._runtime import Runtime

T = TypeVar("T")
_METHOD, _CREATION = int(TaskFlag.METHOD), int(TaskFlag.CREATION)
ASYNC_CONCURRENCY_DEFAULT = 1000  # calls of an actor with async methods that may overlap
TERMINATE = "__bowstring_terminate__"  # a method that every actor has (spec 5.2, rule 8)
CHECKPOINT_HOOKS = ("save_checkpoint", "restore_checkpoint")


def method(**options: Any) -> Any:
    """Options of one method of an actor's class, as a decorator.

    Args:
        num_returns: number of results; 1. "streaming": any number, as for functions; so for generators.
        max_task_retries: attempts that may follow a crash in this method; the actor's.
        retry_exceptions: which errors of the method are tried again, up to max_task_retries times; False: none. True:
            all. A list of exception classes: those of them and of their subclasses.
        generator_backpressure: with "streaming", how many items may lie unread before the method is made to wait.
        concurrency_group: one of the class's concurrency_groups, in which calls of this method run; the default one.

    Raises:
        InvalidArgumentError: an option is unknown or has a wrong value.
    """
    checked = _options.checked("method", options, {k: v for k, v in _options.METHOD_OPTIONS.items() if k != "name"})

    def mark(function: Any) -> Any:
        function.__bowstring_method__ = checked
        return function

    return mark


class _Shape:
    """What an actor's class says of its methods."""

    def __init__(self, cls: type) -> None:
        self.num_returns: list[str] = []
        self.retries: list[tuple[str, dict[str, Any]]] = []
        self.groups: dict[str, str] = {}  # by method
        self.items_ahead: list[str] = []
        self.asynchronous: list[str] = []
        self.missing_hooks = [name for name in CHECKPOINT_HOOKS if not callable(getattr(cls, name, None))]
        for name, function in inspect.getmembers(cls, callable):
            marked = getattr(function, "__bowstring_method__", {})
            streams = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
            count = _options.result_count(marked, _options.STREAMING if streams else 1)
            if count != 1:
                self.num_returns.append(f"{name}={count}")
            if marked:
                if "max_task_retries" in marked or marked.get("retry_exceptions"):
                    self.retries.append((name, marked))
                if "generator_backpressure" in marked:
                    self.items_ahead.append(f"{name}={marked['generator_backpressure']}")
                if "concurrency_group" in marked:
                    self.groups[name] = marked["concurrency_group"]
            if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                self.asynchronous.append(name)


class ActorClass(Generic[T]):
    """A class whose instances live in workers of their own.

    Made by `@bowstring.remote`, or by `java_actor_class` for a Java class.
    """

    def __init__(
        self,
        cls: type[T] | None,
        options: dict[str, Any],
        descriptor: _functions.Descriptor | None = None,
        name: str = "",
    ) -> None:
        self._class = cls
        self._shape: _Shape | None = None
        self._options = options
        self._descriptor = descriptor
        self._name = name or getattr(cls, "__qualname__", "actor")
        if cls is not None:
            self.__bowstring_wrapped__ = cls
            self.__doc__ = cls.__doc__
            self.__module__ = cls.__module__

    def options(self, **options: Unpack[ActorOptions]) -> ActorClass[T]:
        """The same class with other options.

        Args:
            num_cpus: CPUs that the actor holds while it lives; 0, but 1 must be free to place it.
            num_gpus, memory, resources, runtime_env, scheduling_strategy: as for functions.
            name: name by which `get_actor` finds it; unique in its namespace.
            namespace: where the name counts; the driver's.
            lifetime: "detached": it lives until it is killed. Else until its last handle goes.
            get_if_exists: True: if the name is taken, `.remote` returns a handle of who has it.
            max_restarts: times that it is started anew after its process ended; 0. -1: any number.
            max_task_retries: attempts that may follow a crash in a call; 0. -1: any number.
            max_concurrency: calls that may overlap; 1 (1000 if a method is async).
            max_pending_calls: calls that one process may have pending, 1 or more; -1: any number.
            concurrency_groups: calls that may overlap, by group: each has its own turn. Methods join a group by
                `@method(concurrency_group=...)`, single calls by `.options(concurrency_group=...)`.
            checkpoint_interval: calls after which the state is saved, at the latest. The actor then loses no call and
                applies none twice, whenever its process ends. Needs max_restarts, and the methods
                `save_checkpoint(self)` and `restore_checkpoint(self, state)`; in Java, the interface Checkpointed
                (spec 5.4).
            shared_worker: for classes in Java: True: the actor may share its JVM with other such actors of the job.
                Each has its own threads, callers and end; heap, static fields and the JVM's end they have together.

        Raises:
            InvalidArgumentError: an option is unknown or has a wrong value.
        """
        new = {**self._options, **_options.checked(f"{self._name}.options", {**options}, _options.ACTOR_OPTIONS)}
        made: ActorClass[T] = ActorClass(self._class, new, self._descriptor, self._name)
        made._shape = self._shape
        return made

    def remote(self, *args: Any, **kwargs: Any) -> ActorHandle[T]:
        """Start an actor; returns its handle at once, while it starts.

        Args:
            *args: for the constructor, as for functions.
            **kwargs: likewise.

        Raises:
            ActorNameTakenError: another actor has the name.
            InvalidArgumentError: get_if_exists without a name, a method's group that the class does not have, or
                checkpoint_interval for a class that can't have it.
        """
        from bowstring._session import running_runtime

        runtime = running_runtime()
        options = self._options
        name = options.get("name", "")
        if options.get("get_if_exists") and not name:
            raise InvalidArgumentError(f"{self._name}.options: get_if_exists needs a name")
        if self._descriptor is None:
            assert self._class is not None
            self._descriptor = _functions.describe(self._class)
        descriptor = self._descriptor
        runtime.export_function(*descriptor)
        place = place_of(runtime, options, ActorUnschedulableError)
        template = CallTemplate(descriptor.key, descriptor.language, label=self._name, max_retries=0, flags=_CREATION)
        task = PendingTask(runtime, template, runtime.context())
        task.actor = task.id
        if args or kwargs:
            task.set_arguments(args, kwargs)
        _wait_for_arguments(runtime, task)
        ref = task.refs[0]
        record = self._record(ref, descriptor, options)
        resources = tuple(m.Resource(k, v) for k, v in _options.resource_units(options, 0))
        # In a placement group an actor that names no CPUs needs none to be placed: bundles may have only GPUs.
        placing_cpus = 1 if place.group == NO_GROUP else 0
        placement = tuple(m.Resource(k, v) for k, v in _options.resource_units(options, placing_cpus))
        with runtime.lock:
            ref._flags |= HELD | PUBLISHED
            runtime.known.note(ref)
        contains = [kept for kept in task.keeps if isinstance(kept, ObjectRef)]
        runtime.escape(contains)
        answer = runtime.request(
            FrameType.ACTOR_CREATE,
            lambda request: m.ActorCreate(
                request,
                record,
                options.get("max_restarts", 0),
                options.get("lifetime") == "detached",
                bool(options.get("get_if_exists")),
                name,
                options.get("namespace", ""),
                place.environment,
                resources,
                placement,
                "",
                tuple(runtime.struct(kept) for kept in contains),
                place.group,
                place.bundle,
                place.capture_children,
                bool(options.get("shared_worker")),
            ),
            task.frame(0),
        )
        task.done = True
        task.refs = []
        ref._task = None
        if isinstance(answer, m.ActorInfo):
            with runtime.lock:
                runtime.known.disown(ref)  # the node never made our own
            return handle_from_record(runtime, answer.handle or m.ActorHandle(), held=True)
        return ActorHandle(runtime, ref, record)

    def _record(self, ref: ObjectRef[Any], descriptor: _functions.Descriptor, options: dict[str, Any]) -> m.ActorHandle:
        num_returns: list[str] = []
        items_ahead: list[str] = []
        retries: list[m.MethodRetries] = []
        max_task_retries = options.get("max_task_retries", 0)
        concurrency = options.get("max_concurrency", 1)
        module, class_name = descriptor.module, descriptor.name
        if self._class is not None:
            module, class_name = self._class.__module__, self._class.__qualname__
            if self._shape is None:
                self._shape = _Shape(self._class)
            shape = self._shape
            num_returns, items_ahead = shape.num_returns, shape.items_ahead
            retries = [_method_retries(name, marked, max_task_retries) for name, marked in shape.retries]
            if shape.asynchronous and "max_concurrency" not in options:
                concurrency = ASYNC_CONCURRENCY_DEFAULT
            if shape.groups:
                self._check_groups(shape, options)
        if "checkpoint_interval" in options:
            self._check_checkpoints(options)
        return m.ActorHandle(
            ref._runtime.struct(ref),
            descriptor.language,
            concurrency,
            max_task_retries,
            options.get("max_pending_calls", -1),
            module,
            class_name,
            descriptor.key,
            tuple(num_returns),
            tuple(retries),
            tuple(f"{name}={count}" for name, count in options.get("concurrency_groups", {}).items()),
            options.get("checkpoint_interval", 0),
            tuple(items_ahead),
        )

    def _check_groups(self, shape: _Shape, options: dict[str, Any]) -> None:
        groups = options.get("concurrency_groups", {})
        for method_name, group in shape.groups.items():
            if group not in groups:
                known = ", ".join(map(repr, groups)) or "none"
                raise InvalidArgumentError(
                    f"{self._name}.{method_name} is in the concurrency group {group!r}, which concurrency_groups does "
                    f"not have; there are: {known}"
                )

    def _check_checkpoints(self, options: dict[str, Any]) -> None:
        shape = self._shape  # None: a Java class, which its worker looks at
        if shape is not None and shape.missing_hooks:
            raise InvalidArgumentError(
                f"{self._name}: checkpoint_interval needs the methods {' and '.join(CHECKPOINT_HOOKS)}; "
                f"missing: {', '.join(shape.missing_hooks)}"
            )
        if not options.get("max_restarts"):
            raise InvalidArgumentError(
                f"{self._name}: checkpoint_interval needs max_restarts: without restarts there is nothing to resume"
            )
        asynchronous = shape.asynchronous if shape is not None else ()
        if asynchronous or options.get("max_concurrency", 1) > 1 or options.get("concurrency_groups"):
            raise InvalidArgumentError(
                f"{self._name}: with checkpoint_interval one call runs at a time: no async methods "
                f"({', '.join(asynchronous) or 'there is none'}), max_concurrency above 1 or concurrency_groups"
            )

    def __call__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise InvalidArgumentError(f"{self._name} is an actor's class: call {self._name}.remote(...) to start one")

    def __reduce__(self) -> Any:
        return ActorClass, (self._class, self._options, self._descriptor if self._class is None else None, self._name)


def _method_retries(name: str, marked: dict[str, Any], max_task_retries: int) -> m.MethodRetries:
    retried = marked.get("retry_exceptions", False)
    types = tuple(map(qualified_name, retried)) if retried and retried is not True else ()
    return m.MethodRetries(name, marked.get("max_task_retries", max_task_retries), bool(retried), types)


def _wait_for_arguments(runtime: Runtime, task: PendingTask) -> None:
    """The node takes a creation task whole: its arguments must be there."""
    if task.missing:
        from bowstring._reactor import Waiter

        waiter = Waiter()
        with runtime.lock:
            if task.missing:
                task.on_ready = lambda _task: waiter.finish()
            else:
                waiter.finish()
        runtime.block(waiter)
    with runtime.lock:
        error = task.resolve_arguments()
    if error is not None:
        from bowstring import _values

        _values.decode_inline(*error[:3])


class _Target:
    """What an actor's handle and its methods share. Methods do not know the handle: a cycle would outlive it."""

    __slots__ = ("actor", "client", "record", "ref", "runtime")

    def __init__(self, runtime: Runtime, ref: ObjectRef[Any], record: m.ActorHandle) -> None:
        self.runtime = runtime
        self.ref = ref
        self.actor = ref._id[:16]
        self.record = record
        self.client: Any = None


class ActorMethod:
    """One method of an actor: `.remote(...)` calls it."""

    __slots__ = ("_name", "_target", "_template")

    def __init__(self, target: _Target, name: str, template: CallTemplate) -> None:
        self._target = target
        self._name = name
        self._template = template

    def remote(self, *args: Any, **kwargs: Any) -> ObjectRef[Any]:
        """Call the method; calls of one process run in the order in which they are made.

        Returns:
            A reference to the result. With num_returns=n other than 1: a list of n references. With "streaming": an
            ObjectRefGenerator.

        Raises:
            PendingCallsLimitExceeded: max_pending_calls calls are pending.
            SerializationError: an argument can't be pickled.
        """
        target = self._target
        runtime = target.runtime
        if runtime.stopped is not None:
            raise runtime.stopped
        template = self._template
        task = template.pending(runtime, template, runtime.context(), target.actor)
        if args or kwargs:
            task.set_arguments(args, kwargs)
        results: ObjectRef[Any] = task.refs[0] if template.num_returns == 1 else task.results()
        with runtime.lock:
            # A handle outlives its calls: the actor is not out of scope while one is in flight (spec 5.2/6).
            task.keeps = [target.ref, *task.keeps] if task.keeps else (target.ref,)
            client = target.client
            if client is None:
                client = target.client = runtime.actors.client(target.actor, target.record)
            client.submit(task, target.record.max_pending_calls)
        return results

    def options(self, **options: Any) -> ActorMethod:
        """The same method with other options.

        Args:
            num_returns, max_task_retries, retry_exceptions, concurrency_group: as for `method`.
            name: the call's name for people.
            generator_backpressure: as for functions.

        Raises:
            InvalidArgumentError: an option is unknown or has a wrong value.
        """
        new = _options.checked(f"{self._name}.options", options, _options.METHOD_OPTIONS)
        old = self._template
        template = CallTemplate(
            old.function,
            old.language,
            new.get("name", old.name),
            old.method,
            _options.result_count(new, old.num_returns),
            new.get("max_task_retries", old.max_retries),
            _METHOD,
            concurrency_group=new.get("concurrency_group", old.concurrency_group),
            label=old.label,
            backpressure=new.get("generator_backpressure", old.backpressure),
            retry=rule_of(new["retry_exceptions"]) if "retry_exceptions" in new else old.retry,
        )
        return ActorMethod(self._target, self._name, template)

    def __call__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise InvalidArgumentError(f"{self._name} is an actor's method: call {self._name}.remote(...)")


def _counts(entries: Sequence[str]) -> dict[str, int]:
    """Numbers by method, of entries as "name=3"."""
    return {name: int(count) for name, _, count in (entry.partition("=") for entry in entries)}


class ActorHandle(Generic[T]):
    """A handle on an actor: its attributes are its methods. Handles can be passed wherever values can.

    `handle.__bowstring_terminate__.remote()` ends the actor once the calls before it have ended.
    """

    def __init__(self, runtime: Runtime, ref: ObjectRef[Any], record: m.ActorHandle) -> None:
        self._runtime = runtime
        self._ref = ref
        self._target = _Target(runtime, ref, record)
        self._actor = self._target.actor
        self._record = record
        self._class_name = record.class_name or record.module
        self._num_returns = _counts(record.num_returns)
        self._retries = {entry.name: entry for entry in record.methods}

    def __getattr__(self, name: str) -> ActorMethod:
        if name.startswith("_") and name not in ("__call__", TERMINATE):
            raise AttributeError(name)
        record = self._record
        own = self._retries.get(name)
        template = CallTemplate(
            record.class_key,
            record.language,
            "",
            name,
            self._num_returns.get(name, 1),
            record.max_task_retries if own is None else own.max_task_retries,
            _METHOD,
            label=f"{self._class_name.rpartition('.')[2]}.{name}",
            backpressure=_counts(record.items_ahead).get(name, 0) if record.items_ahead else 0,
            retry=RetryRule(names=own.retried_types) if own is not None and own.retry_exceptions else None,
        )
        made = ActorMethod(self._target, name, template)
        # Kept on the handle: the next use costs a look-up in a dict.
        self.__dict__[name] = made
        return made

    def actor_id(self) -> bytes:
        """The actor's id: 16 bytes."""
        return self._actor

    def __repr__(self) -> str:
        return f"ActorHandle({self._class_name}, {self._actor.hex()})"

    def __hash__(self) -> int:
        return hash(self._actor)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActorHandle) and other._actor == self._actor

    def __reduce__(self) -> Any:
        return _rebuild_handle, (self._ref, self._record.encode())

    def to_wire(self) -> bytes:
        """The handle's FlatBuffer (spec 3.6, extension type 2)."""
        return self._record.encode()


def _rebuild_handle(ref: ObjectRef[Any], record: bytes) -> ActorHandle[Any]:
    return ActorHandle(ref._runtime, ref, m.ActorHandle.decode(record))


def handle_from_record(runtime: Runtime, record: m.ActorHandle, held: bool = False) -> ActorHandle[Any]:
    """A handle for a record that came from the node (`held`: which holds it for us already) or inside a value."""
    struct = record.ref
    if not held:
        return ActorHandle(runtime, runtime.borrow(struct.id, struct.owner, struct.home), record)
    with runtime.lock:
        ref = runtime.known.find(struct.id)
        if ref is None:
            ref = ObjectRef(runtime, struct.id, struct.owner, struct.home, 2 | HELD)
            runtime.known.note(ref)
    return ActorHandle(runtime, ref, record)


def handle_from_wire(data: bytes) -> ActorHandle[Any]:
    """The handle of its FlatBuffer."""
    from bowstring._runtime import current_runtime

    return handle_from_record(current_runtime(), m.ActorHandle.decode(data))


def handle_to_wire(handle: ActorHandle[Any]) -> bytes:
    """The handle's FlatBuffer; notes its reference as contained in what is being written."""
    from bowstring._pickling import note_reference

    note_reference(handle._ref)
    return handle.to_wire()


def java_actor_class(class_name: str) -> ActorClass[Any]:
    """A Java class whose instances run as actors in JVM workers.

    Args:
        class_name: binary name of a public class with a public constructor.

    Raises:
        InvalidArgumentError: it is no such str.
    """
    if not isinstance(class_name, str) or not class_name:
        raise _options.refuse("java_actor_class", "class_name", "a str that is not empty", class_name)
    descriptor = _functions.describe_foreign(Language.JAVA, class_name, "")
    return ActorClass(None, {}, descriptor, class_name)


class ActorExit(BaseException):
    """Raised by exit_actor; ends the actor once its call is answered."""


def exit_actor() -> NoReturn:
    """From inside an actor's method: end the actor. The current call gives None; later ones fail with ActorDiedError.

    Raises:
        BowstringError: not called inside an actor.
    """
    from bowstring._runtime import current_runtime

    executor = current_runtime().executor
    if executor is None or executor.actor is None:
        raise BowstringError("exit_actor() works only inside an actor's method")
    raise ActorExit
