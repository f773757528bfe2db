"""joblib over tasks: `register_bowstring()`, then `with joblib.parallel_config(backend="bowstring"):`.

Every library that runs on joblib, scikit-learn's `n_jobs` among them, then runs its work as tasks. joblib makes batches
of calls, each of which is a task. A large array that is an argument of many calls is put into the store once; the calls
read it where it lies, read-only, as joblib's own memory maps are.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import joblib
from joblib.parallel import AutoBatchingMixin, ParallelBackendBase

from bowstring._api import cluster_resources, get, put
from bowstring._session import running_runtime
from bowstring.object_ref import ObjectRef
from bowstring.util.executor import Executor

__all__ = ["register_bowstring"]

SHARED_BYTES_MIN = 1 << 20  # arrays from this size on are put once; joblib's own threshold


def register_bowstring() -> None:
    """Let joblib know the backend "bowstring".

    Options of the tasks can be given with it: `parallel_config(backend="bowstring", task_options={"num_cpus": 2})`.

    Raises:
        ImportError: joblib is not installed.
    """
    joblib.register_parallel_backend("bowstring", _Backend)


class _Shared:
    """Stands in a batch for an array that is in the store."""

    __slots__ = ("ref",)

    def __init__(self, ref: ObjectRef[Any]) -> None:
        self.ref = ref

    def __reduce__(self) -> Any:
        return _Shared, (self.ref,)


def _run_batch(batch: Any) -> Any:
    batch.items = [
        (function, [_read(value) for value in args], {name: _read(value) for name, value in kwargs.items()})
        for function, args, kwargs in batch.items
    ]
    return batch()


def _read(value: Any) -> Any:
    return get(value.ref) if type(value) is _Shared else value


class _Backend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]  # joblib ships no types
    """What joblib asks of a backend."""

    supports_retrieve_callback = True
    default_n_jobs = -1

    def __init__(self, *, task_options: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._task_options = task_options
        self._executor: Executor | None = None
        self._shared: dict[int, tuple[weakref.ref[Any], _Shared]] = {}

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """How many calls run at once; negative numbers count from the runtime's CPUs down."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        if n_jobs > 0:
            return n_jobs
        running_runtime()
        return max(1, int(cluster_resources().get("CPU", 1)) + 1 + n_jobs)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_options: Any) -> int:
        """Get ready for the calls of one Parallel."""
        self.parallel = parallel
        self._n_jobs = self.effective_n_jobs(n_jobs)
        self._executor = Executor(self._n_jobs, task_options=self._task_options)
        return self._n_jobs

    def submit(self, func: Any, callback: Callable[[Future[Any]], Any] | None = None) -> Future[Any]:
        """Run a batch as a task."""
        assert self._executor is not None
        batch = copy.copy(func)
        batch.items = [
            (function, [self._share(value) for value in args], {k: self._share(v) for k, v in kwargs.items()})
            for function, args, kwargs in func.items
        ]
        future = self._executor.submit(_run_batch, batch)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def _share(self, value: Any) -> Any:
        if type(value).__module__ != "numpy" or getattr(value, "nbytes", 0) < SHARED_BYTES_MIN or value.dtype.hasobject:
            return value
        known = self._shared.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        shared = _Shared(put(value))
        self._shared[id(value)] = (weakref.ref(value), shared)
        return shared

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """The results of a batch; raises what it raised."""
        return out.result()

    def terminate(self) -> None:
        """The calls are over."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        self._shared.clear()
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """A call has failed: drop what has not started."""
        self.terminate()
        if ensure_ready:
            self.configure(self._n_jobs, self.parallel)
