"""Pool: the face of `multiprocessing.Pool`, over actors.

Each of the pool's processes is an actor that runs chunks of calls, one chunk at a time. Chunks wait in `_queue`; when a
chunk ends, its worker takes the next, in the runtime's thread for callbacks. A worker that has run `maxtasksperchild`
chunks, or whose process has ended, is replaced; a chunk whose worker ended fails, since it may have run. When a worker
can't even be made, because the initializer raises, the pool is broken: all that waits fails with that error.
"""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import monotonic
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from bowstring import _options
from bowstring._api import cluster_resources, get, kill, remote
from bowstring._session import running_runtime
from bowstring.actor import ActorClass, ActorHandle
from bowstring.errors import ActorError, BowstringError, TaskCancelledError
from bowstring.object_ref import ObjectRef
from bowstring.util.remote_traceback import as_raised
from bowstring.util.runtime_end import check_runs_on

__all__ = ["AsyncResult", "IMapIterator", "Pool", "TimeoutError"]

T = TypeVar("T")
TimeoutError = multiprocessing.TimeoutError
CHUNKS_PER_WORKER = 4  # of one map, without a chunksize
AHEAD_CHUNKS_PER_WORKER = 4  # that imap reads ahead of what was taken from it

_RUN, _CLOSE, _TERMINATE = "running", "closed", "terminated"
_Call = tuple[tuple[Any, ...], dict[str, Any]]


class PoolWorker:
    """One of the pool's processes."""

    def __init__(self, initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> None:
        if initializer is not None:
            initializer(*initargs)

    def run(self, function: Callable[..., Any], calls: list[_Call]) -> list[Any]:
        return [function(*args, **kwargs) for args, kwargs in calls]


class _Worker:
    """This side of a worker."""

    __slots__ = ("chunks_run", "handle")

    def __init__(self, handle: ActorHandle[PoolWorker]) -> None:
        self.handle = handle
        self.chunks_run = 0


class _Chunk:
    """Calls that one worker makes in one go, and who gets their results. Once sent, they are the worker's alone."""

    __slots__ = ("calls", "function", "number", "result")

    def __init__(self, function: Callable[..., Any], calls: list[_Call], number: int, result: _Result) -> None:
        self.function = function
        self.calls = calls
        self.number = number
        self.result: _Result | None = result


class _Result(Protocol):
    """Who gets the results of chunks."""

    def _take(self, number: int, values: list[Any] | None, error: BaseException | None) -> None:
        """A chunk is over: its results, or the error."""


class AsyncResult(Generic[T]):
    """What `apply_async`, `map_async` and `starmap_async` return."""

    def __init__(
        self,
        chunks: int,
        merge: Callable[[list[list[Any]]], Any],
        callback: Callable[[Any], object] | None,
        error_callback: Callable[[BaseException], object] | None,
    ) -> None:
        self._lock = threading.Lock()
        self._missing = chunks
        self._parts: list[list[Any]] = [[] for _ in range(chunks)]
        self._merge = merge
        self._callback = callback
        self._error_callback = error_callback
        self._done = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        if not chunks:
            self._finish()

    def _take(self, number: int, values: list[Any] | None, error: BaseException | None) -> None:
        """A chunk is over: its results, or the error."""
        with self._lock:
            if values is None:
                self._error = self._error or error
            else:
                self._parts[number] = values
            self._missing -= 1
            over = not self._missing
        if over:
            self._finish()

    def _finish(self) -> None:
        if self._error is None:
            self._value = self._merge(self._parts)
        self._parts = []
        try:
            if self._error is None and self._callback is not None:
                self._callback(self._value)
            elif self._error is not None and self._error_callback is not None:
                self._error_callback(self._error)
        finally:
            self._done.set()

    def ready(self) -> bool:
        """True once all is over."""
        return self._done.is_set()

    def successful(self) -> bool:
        """True if nothing was raised.

        Raises:
            ValueError: not ready.
        """
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._error is None

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is ready, or for `timeout` seconds."""
        self._done.wait(timeout)

    def get(self, timeout: float | None = None) -> T:
        """The result; raises what the function raised.

        Raises:
            TimeoutError: not ready within `timeout` seconds (`multiprocessing.TimeoutError`).
        """
        if not self._done.wait(timeout):
            raise TimeoutError(f"not ready within {timeout} s")
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value


class IMapIterator(Iterator[T]):
    """What `imap` and `imap_unordered` return. The input is read a little ahead of what is taken."""

    def __init__(self, pool: Pool, chunks: Iterator[tuple[Callable[..., Any], list[_Call]]], ordered: bool) -> None:
        self._pool = pool
        self._chunks = chunks
        self._ordered = ordered
        self._changed = threading.Condition()
        self._submitted = 0
        self._taken = 0  # chunks whose results have begun to be given out
        self._exhausted = False
        self._over: dict[int, tuple[list[Any] | None, BaseException | None]] = {}
        self._values: deque[T] = deque()
        self._feed()

    def _feed(self) -> None:
        """Submit chunks as far ahead as it goes."""
        while not self._exhausted and self._submitted - self._taken < self._pool._ahead:
            try:
                function, calls = next(self._chunks)
            except StopIteration:
                self._exhausted = True
                return
            except Exception as error:
                # The input raised: that is what comes in its turn, and the last.
                self._exhausted = True
                self._submitted += 1
                self._take(self._submitted - 1, None, error)
                return
            number = self._submitted
            self._submitted += 1
            self._pool._submit(_Chunk(function, calls, number, self))

    def _take(self, number: int, values: list[Any] | None, error: BaseException | None) -> None:
        """A chunk is over: its results, or the error."""
        with self._changed:
            self._over[number] = (values, error)
            self._changed.notify_all()

    def __iter__(self) -> IMapIterator[T]:
        return self

    def __next__(self) -> T:
        return self.next()

    def next(self, timeout: float | None = None) -> T:
        """The next result.

        Raises:
            TimeoutError: not ready within `timeout` seconds.
            StopIteration: there is none.
        """
        deadline = None if timeout is None else monotonic() + timeout
        while not self._values:
            if self._exhausted and self._taken == self._submitted:
                raise StopIteration
            with self._changed:
                left = None if deadline is None else max(0.0, deadline - monotonic())
                if not self._changed.wait_for(self._next_is_there, left):
                    raise TimeoutError(f"not ready within {timeout} s")
                number = self._taken if self._ordered else next(iter(self._over))
                values, error = self._over.pop(number)
            self._taken += 1
            self._feed()
            if values is None:
                assert error is not None
                raise error
            self._values.extend(values)
        return self._values.popleft()

    def _next_is_there(self) -> bool:
        return self._taken in self._over if self._ordered else bool(self._over)


class Pool:
    """A drop-in for `multiprocessing.Pool`: a fixed number of processes that run calls."""

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
        *,
        actor_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Start the processes; starts a runtime if none runs.

        Args:
            processes: how many; None: as many as the runtime has CPUs.
            initializer: called once in each process.
            initargs: its arguments.
            maxtasksperchild: chunks that a process runs before it is replaced; None: any number.
            context: accepted as in the standard library; the runtime alone decides how processes start.
            actor_options: options of the actors, such as num_cpus.

        Raises:
            ValueError: processes or maxtasksperchild is below 1.
            InvalidArgumentError: an option is wrong.
        """
        self._runtime = running_runtime()
        if processes is None:
            processes = max(1, int(cluster_resources().get("CPU", 1)))
        if processes < 1:
            raise ValueError("Number of processes must be at least 1")
        if maxtasksperchild is not None and (not isinstance(maxtasksperchild, int) or maxtasksperchild < 1):
            raise ValueError("maxtasksperchild must be a positive int or None")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        options = {"max_restarts": 0, **(actor_options or {})}
        if options.get("max_concurrency", 1) != 1 or "name" in options:
            raise _options.refuse("Pool", "actor_options", "options without name and max_concurrency", actor_options)
        self._worker_class: ActorClass[PoolWorker] = remote(PoolWorker).options(**options)
        self._worker_arguments = (initializer, tuple(initargs))
        self._chunks_max = maxtasksperchild
        self._processes = processes
        self._ahead = AHEAD_CHUNKS_PER_WORKER * processes
        self._changed = threading.Condition()
        self._queue: deque[_Chunk] = deque()
        self._idle: deque[_Worker] = deque()
        self._busy: dict[_Worker, _Chunk] = {}
        self._handing_over = 0  # results on their way to who asked for them
        self._state = _RUN
        self._broken: BaseException | None = None
        self._idle.extend(self._make_worker() for _ in range(processes))

    # Calls -----------------------------------------------------------------------------------------------------------

    def apply(self, func: Callable[..., T], args: Iterable[Any] = (), kwds: Mapping[str, Any] | None = None) -> T:
        """Call `func(*args, **kwds)` in a process; waits for the result."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(
        self,
        func: Callable[..., T],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] | None = None,
        callback: Callable[[T], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult[T]:
        """As `apply`, without waiting. Callbacks run in a thread of this process, and must be short."""
        self._check_running()
        result: AsyncResult[T] = AsyncResult(1, lambda parts: parts[0][0], callback, error_callback)
        self._submit(_Chunk(func, [(tuple(args), dict(kwds or {}))], 0, result))
        return result

    def map(self, func: Callable[[Any], T], iterable: Iterable[Any], chunksize: int | None = None) -> list[T]:
        """Call `func` for each item; the results in order, once all are there. Raises the first error that came."""
        return self.map_async(func, iterable, chunksize).get()

    def map_async(
        self,
        func: Callable[[Any], T],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[T]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult[list[T]]:
        """As `map`, without waiting."""
        return self._map(func, [((item,), {}) for item in iterable], chunksize, callback, error_callback)

    def starmap(
        self, func: Callable[..., T], iterable: Iterable[Iterable[Any]], chunksize: int | None = None
    ) -> list[T]:
        """As `map`, with items that are unpacked as arguments."""
        return self.starmap_async(func, iterable, chunksize).get()

    def starmap_async(
        self,
        func: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[T]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult[list[T]]:
        """As `starmap`, without waiting."""
        return self._map(func, [(tuple(item), {}) for item in iterable], chunksize, callback, error_callback)

    def imap(self, func: Callable[[Any], T], iterable: Iterable[Any], chunksize: int = 1) -> IMapIterator[T]:
        """As `map`, but an iterator: gives each result in its turn, and reads its input only a little ahead."""
        return self._imap(func, iterable, chunksize, True)

    def imap_unordered(self, func: Callable[[Any], T], iterable: Iterable[Any], chunksize: int = 1) -> IMapIterator[T]:
        """As `imap`, but gives results as they come."""
        return self._imap(func, iterable, chunksize, False)

    def _map(
        self, func: Callable[..., T], calls: list[_Call], chunksize: int | None, callback: Any, error_callback: Any
    ) -> AsyncResult[list[T]]:
        self._check_running()
        if chunksize is None:
            chunksize = max(1, -(-len(calls) // (self._processes * CHUNKS_PER_WORKER)))
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize}")
        chunks = [calls[start : start + chunksize] for start in range(0, len(calls), chunksize)]
        result: AsyncResult[list[T]] = AsyncResult(
            len(chunks), lambda parts: list(itertools.chain.from_iterable(parts)), callback, error_callback
        )
        for number, chunk in enumerate(chunks):
            self._submit(_Chunk(func, chunk, number, result))
        return result

    def _imap(
        self, func: Callable[[Any], T], iterable: Iterable[Any], chunksize: int, ordered: bool
    ) -> IMapIterator[T]:
        self._check_running()
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize}")
        items = iter(iterable)

        def chunks() -> Iterator[tuple[Callable[..., Any], list[_Call]]]:
            while part := list(itertools.islice(items, chunksize)):
                yield func, [((item,), {}) for item in part]

        return IMapIterator(self, chunks(), ordered)

    # The end ---------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Take no more calls; the processes end with the last that was taken."""
        with self._changed:
            if self._state == _RUN:
                self._state = _CLOSE
        self._pump()

    def terminate(self) -> None:
        """End the processes at once; what is not over fails with TaskCancelledError."""
        with self._changed:
            self._state = _TERMINATE
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        self._fail_queue(TaskCancelledError("the pool was terminated"))
        for worker in workers:
            try:
                kill(worker.handle)
            except BowstringError:
                pass  # the runtime has ended, and the actor with it

    def join(self) -> None:
        """Wait until all is over and the processes have been told to end; `close` or `terminate` comes first.

        Raises:
            ValueError: the pool is running.
        """
        if self._state == _RUN:
            raise ValueError("Pool is still running")
        with self._changed:
            self._changed.wait_for(lambda: not (self._queue or self._busy or self._handing_over))

    def __enter__(self) -> Pool:
        self._check_running()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.terminate()

    def __reduce__(self) -> NoReturn:
        raise TypeError("pool objects cannot be passed between processes or pickled")

    def __repr__(self) -> str:
        return f"<Pool of {self._processes} processes, {self._state}>"

    # Running ---------------------------------------------------------------------------------------------------------

    def _make_worker(self) -> _Worker:
        check_runs_on(self._runtime)
        return _Worker(self._worker_class.remote(*self._worker_arguments))

    def _check_running(self) -> None:
        if self._state != _RUN:
            raise ValueError("Pool not running")
        if self._broken is not None:
            raise self._broken

    def _submit(self, chunk: _Chunk) -> None:
        with self._changed:
            refused = self._broken
            if self._state == _TERMINATE:
                refused = TaskCancelledError("the pool was terminated")
            if refused is None:
                self._queue.append(chunk)
            else:
                self._handing_over += 1
        if refused is None:
            self._pump()
        else:
            self._hand_over(chunk, None, refused)

    def _pump(self) -> None:
        """Give idle workers what waits."""
        while True:
            with self._changed:
                if not self._queue or not self._idle:
                    if self._state == _CLOSE and not self._queue:
                        self._idle.clear()  # an actor ends with its last handle
                    self._changed.notify_all()
                    return
                worker, chunk = self._idle.popleft(), self._queue.popleft()
                self._busy[worker] = chunk
            try:
                ref: ObjectRef[Any] = worker.handle.run.remote(chunk.function, chunk.calls)
            except BaseException as error:
                self._over(worker, chunk, None, error)
                continue
            chunk.calls = []
            ref._runtime.reader.call_when_ready(ref, functools.partial(self._land, worker, chunk))

    def _land(self, worker: _Worker, chunk: _Chunk, ref: ObjectRef[Any]) -> None:
        try:
            values = get(ref)
        except BaseException as error:
            self._over(worker, chunk, None, error)
        else:
            self._over(worker, chunk, values, None)

    def _over(self, worker: _Worker, chunk: _Chunk, values: list[Any] | None, failure: BaseException | None) -> None:
        """A chunk is over: its worker takes the next, or another worker does."""
        worker.chunks_run += 1
        died = isinstance(failure, ActorError)
        if isinstance(failure, ActorError) and not failure.may_have_executed and self._state != _TERMINATE:
            # The worker could not be made; another one could not either.
            with self._changed:
                self._broken = failure
            self._fail_queue(failure)
        replace = died or worker.chunks_run == self._chunks_max
        if replace and self._state != _TERMINATE and self._broken is None:
            try:
                worker_next = self._make_worker()
            except BowstringError as error:
                with self._changed:
                    self._broken = error
                self._fail_queue(error)
        else:
            worker_next = worker
        with self._changed:
            del self._busy[worker]
            self._handing_over += 1
            if self._state != _TERMINATE and self._broken is None:
                self._idle.append(worker_next)
        if self._state == _TERMINATE and died:
            failure = TaskCancelledError("the pool was terminated")
        self._pump()
        self._hand_over(chunk, values, failure)

    def _fail_queue(self, error: BaseException) -> None:
        with self._changed:
            chunks = list(self._queue)
            self._queue.clear()
            self._handing_over += len(chunks)
        for chunk in chunks:
            self._hand_over(chunk, None, error)

    def _hand_over(self, chunk: _Chunk, values: list[Any] | None, error: BaseException | None) -> None:
        # Nothing here holds on to the values: what is left of the last callback would keep them until the next.
        result, chunk.result = chunk.result, None
        assert result is not None
        try:
            result._take(chunk.number, values, None if error is None else as_raised(error))
        finally:
            with self._changed:
                self._handing_over -= 1
                self._changed.notify_all()
