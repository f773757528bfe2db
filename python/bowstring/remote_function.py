"""`@remote` on a function: what `.remote(...)` and `.options(...)` do."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, NoReturn, ParamSpec, Protocol, TypeVar, overload

from bowstring import _functions, _options, _retries
from bowstring._placing import place_of
from bowstring._tasks import CallTemplate
from bowstring.errors import InvalidArgumentError
from bowstring.object_ref import ObjectRef
from bowstring.object_ref_generator import ObjectRefGenerator
from bowstring_wire.messages import Language

if TYPE_CHECKING:
    from typing import Unpack

    from bowstring._options import TaskOptions
    from bowstring._runtime import Runtime

P = ParamSpec("P")
Rest = ParamSpec("Rest")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)


class ManyResults(Protocol[P]):
    """What type checkers see of a remote function with num_returns other than 1."""

    def remote(self, *args: P.args, **kwargs: P.kwargs) -> list[ObjectRef[Any]]: ...


class Streaming(Protocol[P, T_co]):
    """What type checkers see of a remote generator function, and of num_returns="streaming"."""

    def remote(self, *args: P.args, **kwargs: P.kwargs) -> ObjectRefGenerator[T_co]: ...

    @overload
    def options(self, *, num_returns: Literal["streaming"], **options: Unpack[TaskOptions]) -> Streaming[P, T_co]: ...
    @overload
    def options(self, *, num_returns: int, **options: Unpack[TaskOptions]) -> ManyResults[P]: ...
    @overload
    def options(self, **options: Unpack[TaskOptions]) -> Streaming[P, T_co]: ...


class RemoteFunction(Generic[P, R]):
    """A function whose calls run as tasks.

    Made by `@bowstring.remote`, or by `java_function` for a static method of a Java class.

    Type checkers know the function's parameters and result. A reference may stand for any of the first six positional
    arguments; of what it refers to they check nothing.
    """

    def __init__(
        self,
        function: Callable[P, R] | None,
        options: dict[str, Any],
        descriptor: _functions.Descriptor | None = None,
        name: str = "",
    ) -> None:
        self._function = function
        self._options = options
        self._descriptor = descriptor
        self._name = name or getattr(function, "__qualname__", "function")
        self._count = _options.STREAMING if inspect.isgeneratorfunction(function) else 1
        self._bound: Any = None  # (runtime, template, pool) of the runtime that was last used
        if function is not None:
            functools.update_wrapper(self, function)
            self.__bowstring_wrapped__ = function

    @overload
    def remote(self, *args: P.args, **kwargs: P.kwargs) -> ObjectRef[R]: ...
    @overload
    def remote(
        self: RemoteFunction[Concatenate[Any, Rest], R],
        a: ObjectRef[Any],
        /,
        *args: Rest.args,
        **kwargs: Rest.kwargs,
    ) -> ObjectRef[R]: ...
    @overload
    def remote(
        self: RemoteFunction[Concatenate[Any, Any, Rest], R],
        a: Any,
        b: ObjectRef[Any],
        /,
        *args: Rest.args,
        **kwargs: Rest.kwargs,
    ) -> ObjectRef[R]: ...
    @overload
    def remote(
        self: RemoteFunction[Concatenate[Any, Any, Any, Rest], R],
        a: Any,
        b: Any,
        c: ObjectRef[Any],
        /,
        *args: Rest.args,
        **kwargs: Rest.kwargs,
    ) -> ObjectRef[R]: ...
    @overload
    def remote(
        self: RemoteFunction[Concatenate[Any, Any, Any, Any, Rest], R],
        a: Any,
        b: Any,
        c: Any,
        d: ObjectRef[Any],
        /,
        *args: Rest.args,
        **kwargs: Rest.kwargs,
    ) -> ObjectRef[R]: ...
    @overload
    def remote(
        self: RemoteFunction[Concatenate[Any, Any, Any, Any, Any, Rest], R],
        a: Any,
        b: Any,
        c: Any,
        d: Any,
        e: ObjectRef[Any],
        /,
        *args: Rest.args,
        **kwargs: Rest.kwargs,
    ) -> ObjectRef[R]: ...
    @overload
    def remote(
        self: RemoteFunction[Concatenate[Any, Any, Any, Any, Any, Any, Rest], R],
        a: Any,
        b: Any,
        c: Any,
        d: Any,
        e: Any,
        f: ObjectRef[Any],
        /,
        *args: Rest.args,
        **kwargs: Rest.kwargs,
    ) -> ObjectRef[R]: ...
    def remote(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]  # the overloads narrow self
        """Run the function as a task.

        Args:
            *args: for the function. An ObjectRef is replaced by its value; one inside a container is not.
            **kwargs: likewise.

        Returns:
            A reference to the result. With num_returns=n other than 1: a list of n references. With "streaming": an
            ObjectRefGenerator.

        Raises:
            SerializationError: an argument can't be pickled.
            RuntimeStoppedError: the runtime was shut down.
        """
        bound = self._bound
        runtime = _running()
        if bound is None or bound[0] is not runtime:
            bound = self._bind(runtime)
        _, template, pool = bound
        if runtime.stopped is not None:
            raise runtime.stopped
        task = template.pending(runtime, template, runtime.context())
        if args or kwargs:
            task.set_arguments(args, kwargs)
        results = task.refs[0] if template.num_returns == 1 else task.results()
        with runtime.lock:
            pool.submit(task)
        return results

    def _bind(self, runtime: Runtime) -> Any:
        options = self._options
        if self._descriptor is None:
            assert self._function is not None
            self._descriptor = _functions.describe(self._function)
        descriptor = self._descriptor
        runtime.export_function(*descriptor)
        template = CallTemplate(
            descriptor.key,
            descriptor.language,
            options.get("name", ""),
            label=self._name if self._function is not None else ".".join(self._name.split(".")[-2:]),
            num_returns=_options.result_count(options, self._count),
            backpressure=options.get("generator_backpressure", 0),
            max_retries=options.get("max_retries", _options.RETRIES_DEFAULT),
            timeout_ms=_options.milliseconds(options.get("timeout_s", 0)),
            retry=_retries.rule_of(options.get("retry_exceptions")),
        )
        resources = _options.resource_units(options, 1)
        max_calls = options.get("max_calls", 0)
        place = place_of(runtime, options)
        pool = runtime.leases.pool(descriptor.language, resources, place=place, max_calls=max_calls)
        self._bound = (runtime, template, pool)
        return self._bound

    @overload
    def options(  # type: ignore[overload-overlap]  # 1 is an int that changes nothing
        self, *, num_returns: Literal[1], **options: Unpack[TaskOptions]
    ) -> RemoteFunction[P, R]: ...
    @overload
    def options(self, *, num_returns: Literal["streaming"], **options: Unpack[TaskOptions]) -> Streaming[P, Any]: ...
    @overload
    def options(self, *, num_returns: int, **options: Unpack[TaskOptions]) -> ManyResults[P]: ...
    @overload
    def options(self, **options: Unpack[TaskOptions]) -> RemoteFunction[P, R]: ...
    def options(self, **options: Any) -> Any:
        """The same function with other options.

        Args:
            num_cpus: CPUs that a task holds while it runs; 1. Fractions to 0.0001.
            num_gpus: likewise GPUs; 0.
            memory: bytes of memory to reserve; 0.
            resources: amounts of resources of your own, by name.
            num_returns: number of results; 1. The function returns a tuple or list of as many values, or yields them.
                "streaming": any number, each handed over when the function yields it; so for generator functions,
                unless it is set.
            generator_backpressure: with "streaming", how many items may lie unread before the function is made to
                wait; any number.
            max_retries: attempts that may follow a crash of the worker, or an error that is tried again; 3. -1: any
                number.
            retry_exceptions: which errors of the function are tried again; False: none. True: all. A list: those of
                these classes.
            timeout_s: seconds that an attempt may run; any time. Then TaskTimeoutError is raised in it, and one that
                does not end is ended with its worker's process.
            max_calls: how many calls of the function by this process a worker runs before it is replaced, for code
                that leaks; 0: any number.
            name: shown instead of the function's name.
            runtime_env: variables, folder, modules and packages of the process that runs it, as for `init`; merged
                with those of whoever calls.
            scheduling_strategy: "DEFAULT"; "SPREAD": over many nodes; or one of the classes in
                bowstring.util.scheduling_strategies: a placement group, a node.

        Raises:
            InvalidArgumentError: an option is unknown or has a wrong value.
        """
        new = {**self._options, **_options.checked(f"{self._name}.options", options, _options.TASK_OPTIONS)}
        other: RemoteFunction[P, R] = RemoteFunction(self._function, new, self._descriptor, self._name)
        return other

    def __call__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise InvalidArgumentError(
            f"{self._name} is a remote function: call {self._name}.remote(...) to run it as a task"
        )

    def __reduce__(self) -> Any:
        return _restore, (
            self._function,
            self._options,
            self._descriptor if self._function is None else None,
            self._name,
        )


def _restore(
    function: Callable[..., Any] | None, options: dict[str, Any], descriptor: Any, name: str
) -> RemoteFunction[..., Any]:
    return RemoteFunction(function, options, descriptor, name)


def _running() -> Runtime:
    from bowstring._session import running_runtime

    return running_runtime()


def java_function(class_name: str, method: str, signature: str = "") -> RemoteFunction[..., Any]:
    """A static method of a Java class, to be called as a task.

    Args:
        class_name: binary name of the class, such as "com.example.Prices".
        method: name of a public static method.
        signature: JVM descriptor such as "(IJ)D", where the name is overloaded; else empty.

    Raises:
        InvalidArgumentError: an argument is no such str.
    """
    for name, value in (("class_name", class_name), ("method", method)):
        if not isinstance(value, str) or not value:
            raise _options.refuse("java_function", name, "a str that is not empty", value)
    if not isinstance(signature, str):
        raise _options.refuse("java_function", "signature", "a str", signature)
    descriptor = _functions.describe_foreign(Language.JAVA, class_name, method, signature)
    return RemoteFunction(None, {}, descriptor, f"{class_name}.{method}")
