"""Executor: `concurrent.futures` over tasks.

A submitted call waits in `_queue` while `window` others run: so its future can be cancelled, and `max_workers` holds.
Without `max_workers` the runtime's own CPUs are the limit, and the window is only so wide that workers never wait for
this process. A future is RUNNING from the moment its call is handed to the runtime.

An initializer runs in each worker process before the first call of this executor there. When one fails the executor is
broken, as the standard library's are: what waits fails with BrokenExecutor, and so does `submit`.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import functools
import itertools
import logging
import threading
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future
from typing import Any, ParamSpec, TypeVar

from bowstring import _options
from bowstring._api import cluster_resources, get, remote
from bowstring._session import running_runtime
from bowstring.errors import TaskError
from bowstring.object_ref import ObjectRef
from bowstring.remote_function import RemoteFunction
from bowstring.util.remote_traceback import as_raised
from bowstring.util.runtime_end import check_runs_on

P = ParamSpec("P")
T = TypeVar("T")

AHEAD_CALLS_PER_CPU = 16  # handed to the runtime ahead of the workers, without max_workers
NAMES_MAX = 256  # functions whose calls are shown under their own names; more share one
_LOGGER = logging.getLogger("concurrent.futures")
_live: weakref.WeakSet[Executor] = weakref.WeakSet()
_exiting = False


class InitializerError(BrokenExecutor):
    """The executor's initializer raised in a worker."""


_initialized: dict[str, BaseException | None] = {}  # in a worker: the executors whose initializer has run
_initializing = threading.Lock()


def _initialize(executor: str, initializer: Callable[..., object], initargs: tuple[Any, ...]) -> None:
    with _initializing:
        if executor not in _initialized:
            try:
                initializer(*initargs)
                _initialized[executor] = None
            except BaseException as error:
                _initialized[executor] = error
        failure = _initialized[executor]
    if failure is not None:
        raise InitializerError(f"{type(failure).__name__}: {failure}") from failure


def _run(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


def _run_chunk(function: Callable[..., T], chunk: list[tuple[Any, ...]]) -> list[T]:
    return [function(*args) for args in chunk]


class Executor(concurrent.futures.Executor):
    """Runs calls as tasks; a drop-in for ProcessPoolExecutor.

    Futures raise what the function raised. A call whose worker crashes fails with WorkerCrashedError, and the executor
    goes on; unless `task_options` has max_retries, no call runs twice.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        task_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Make an executor; starts a runtime if none runs.

        Args:
            max_workers: calls that run at once; None: as many as the runtime has CPUs for.
            initializer: called once in each worker before its first call.
            initargs: its arguments.
            task_options: options of the tasks, such as num_cpus.

        Raises:
            ValueError: max_workers is not above 0.
            InvalidArgumentError: an option is wrong.
        """
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._function = self._task_function(initializer, initargs, task_options or {})
        self._named: dict[str, RemoteFunction[..., Any]] = {}
        self._keeps_name = "name" in (task_options or {})
        self._runtime = running_runtime()  # a call that waits when it ends fails with it, and starts no other
        self._window = max_workers or AHEAD_CALLS_PER_CPU * max(1, int(cluster_resources().get("CPU", 1)))
        self._changed = threading.Condition()
        self._queue: deque[_WorkItem] = deque()
        self._running = 0  # calls in the runtime
        self._unsettled = 0  # calls that are over, and whose futures do not know yet
        self._shutdown = False
        self._broken: BrokenExecutor | None = None
        _live.add(self)
        # Again for each: it must run before the handler that ends a runtime started meanwhile.
        atexit.unregister(_finish_all)
        atexit.register(_finish_all)

    @staticmethod
    def _task_function(
        initializer: Callable[..., object] | None, initargs: tuple[Any, ...], task_options: Mapping[str, Any]
    ) -> RemoteFunction[..., Any]:
        options = {"max_retries": 0, **task_options}
        if "num_returns" in options:
            raise _options.refuse("Executor", "task_options", "options without num_returns", task_options)
        if initializer is None:
            function: RemoteFunction[..., Any] = remote(**options)(_run)
            return function
        key = uuid.uuid4().hex

        def run_initialized(called: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            _initialize(key, initializer, initargs)
            return called(*args, **kwargs)

        function = remote(**options)(run_initialized)
        return function

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn(*args, **kwargs)` in a worker.

        Returns:
            Its future. What can't be pickled fails there.

        Raises:
            RuntimeError: the executor is shut down.
            BrokenExecutor: its initializer has failed.
        """
        with self._changed:
            if self._broken is not None:
                raise self._broken
            if _exiting:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            if self._shutdown:
                raise RuntimeError("cannot schedule new futures after shutdown")
            item = _WorkItem(fn, args, kwargs)
            future: Future[T] = item.future
            self._queue.append(item)
        del item
        self._pump()
        return future

    def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[T]:
        """As `map(fn, *iterables)`, in workers; all calls are submitted at once.

        Args:
            fn: takes as many arguments as there are iterables.
            *iterables: read at once.
            timeout: seconds until the next result must be there, counted from this call; None: any time.
            chunksize: calls that one task makes; more make short calls cheaper.

        Raises:
            ValueError: chunksize is below 1.
            TimeoutError: from the iterator: not ready in time.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout)
        chunks = _chunks(zip(*iterables, strict=False), chunksize)
        return _flatten(super().map(functools.partial(_run_chunk, fn), chunks, timeout=timeout))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls.

        Args:
            wait: True: return once all futures are done.
            cancel_futures: True: cancel those that were not handed to the runtime yet.
        """
        cancelled: list[_WorkItem] = []
        with self._changed:
            self._shutdown = True
            if cancel_futures:
                cancelled.extend(self._queue)
                self._queue.clear()
        for item in cancelled:
            item.future.cancel()
            item.future.set_running_or_notify_cancel()
        self._pump()
        if wait:
            with self._changed:
                self._changed.wait_for(lambda: not (self._running or self._queue or self._unsettled))

    # Running ---------------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Hand to the runtime what the window allows."""
        while True:
            with self._changed:
                item = None
                while item is None and self._queue and self._running < self._window:
                    item = self._queue.popleft()
                    if not item.future.set_running_or_notify_cancel():
                        item = None
                if item is None:
                    self._changed.notify_all()
                    return
                self._running += 1
            self._start(item)

    def _start(self, item: _WorkItem) -> None:
        future = [item.future]
        try:
            check_runs_on(self._runtime)
            ref: ObjectRef[Any] = self._function_named(item.function).remote(item.function, item.args, item.kwargs)
        except BaseException as error:
            self._fail(future, error)
            return
        del item
        ref._runtime.reader.call_when_ready(ref, lambda ready: self._land(ready, future))

    def _land(self, ref: ObjectRef[Any], future: list[Future[Any]]) -> None:
        """The call is over. Nothing here holds on to the value or its future: who takes it has it alone."""
        try:
            value = [get(ref)]
        except BaseException as error:
            self._fail(future, error)
            return
        self._free_slot(None)
        future.pop().set_result(value.pop())
        self._settled()

    def _fail(self, future: list[Future[Any]], error: BaseException) -> None:
        self._free_slot(error if isinstance(error, InitializerError) else None)
        future.pop().set_exception(_as_raised(error))
        self._settled()

    def _function_named(self, function: Callable[..., Any]) -> RemoteFunction[..., Any]:
        if self._keeps_name:
            return self._function
        if isinstance(function, functools.partial):
            function = function.args[0] if function.func is _run_chunk else function.func
        name = getattr(function, "__qualname__", "") or type(function).__qualname__
        found = self._named.get(name)
        if found is None:
            if len(self._named) >= NAMES_MAX:
                return self._function
            found = self._named[name] = self._function.options(name=name)
        return found

    def _free_slot(self, failure: InitializerError | None) -> None:
        """A call is over: another may start, unless it was the initializer that failed."""
        broken: list[_WorkItem] = []
        with self._changed:
            self._running -= 1
            self._unsettled += 1
            if failure is not None and self._broken is None:
                self._broken = BrokenExecutor(f"the initializer failed in a worker: {failure}")
                broken.extend(self._queue)
                self._queue.clear()
                _LOGGER.critical("Exception in initializer:\n%s", _traceback_of(failure))
        for item in broken:
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(self._broken)
        self._pump()

    def _settled(self) -> None:
        """A future has what it was made for."""
        with self._changed:
            self._unsettled -= 1
            self._changed.notify_all()


class _WorkItem:
    __slots__ = ("args", "function", "future", "kwargs")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.future: Future[Any] = Future()
        self.function = function
        self.args = args
        self.kwargs = kwargs


def _as_raised(error: BaseException) -> BaseException:
    if isinstance(error, InitializerError):
        return BrokenExecutor(f"the initializer failed in a worker: {error}")
    return as_raised(error)


def _traceback_of(error: BaseException) -> str:
    return error.remote_traceback if isinstance(error, TaskError) else str(error)


def _chunks(calls: Iterator[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    while chunk := list(itertools.islice(calls, size)):
        yield chunk


def _flatten(chunks: Iterator[list[T]]) -> Iterator[T]:
    for chunk in chunks:
        chunk.reverse()
        while chunk:
            yield chunk.pop()  # nothing here keeps what was given out


def _finish_all() -> None:
    """At the interpreter's end, before the runtime's: wait for what was submitted, as the standard library does."""
    global _exiting
    _exiting = True
    for executor in list(_live):
        executor.shutdown()
