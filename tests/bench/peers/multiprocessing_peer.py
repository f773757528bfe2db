"""The standard library: a ``multiprocessing.Pool``, managers for actors, and ``SharedMemory`` for large arrays."""

from __future__ import annotations

import time
from multiprocessing.shared_memory import SharedMemory
from typing import Any

from tests.bench.peer import PeerBase, row
from tests.bench.stopwatch import Figures, Work


def small_value() -> bytes:
    return b"ok"


def shared_length(name: str) -> int:
    import numpy as np

    memory = SharedMemory(name, track=False) if _TRACKABLE else SharedMemory(name)
    length = len(np.ndarray((memory.size // 8,), dtype=np.int64, buffer=memory.buf))
    memory.close()
    return length


_TRACKABLE = "track" in SharedMemory.__init__.__code__.co_varnames


class Actor:
    def small_value(self) -> bytes:
        return b"ok"


class Peer(PeerBase):
    def open(self, group: str) -> None:
        began = time.perf_counter()
        import multiprocessing
        import multiprocessing.managers

        imported = time.perf_counter()
        self.pool = multiprocessing.get_context("spawn").Pool(self.num_cpus)
        ready = time.perf_counter()
        self.pool.apply(small_value)
        first = time.perf_counter()
        self.startup = {"import": imported - began, "init": ready - imported, "first task": first - ready}

        class Manager(multiprocessing.managers.BaseManager):
            pass

        Manager.register("Actor", Actor)
        self.manager_class = Manager
        self.managers: list[Any] = []

    def close(self) -> None:
        for manager in self.managers:
            manager.shutdown()
        self.pool.terminate()
        self.pool.join()

    @row("init")
    def init(self) -> Figures:
        return Figures([self.startup["init"] * 1e3])

    @row("first task")
    def first_task(self) -> Figures:
        return Figures([self.startup["first task"] * 1e3])

    @row("single client tasks sync")
    def tasks_sync(self) -> Work:
        pool = self.pool
        return Work(lambda: (pool.apply(small_value), None)[1])

    def batch(self, operations: int | None = None) -> Work:
        pool, size = self.pool, self.scaled(1000)

        def call() -> None:
            for result in [pool.apply_async(small_value) for _ in range(size)]:
                result.get()

        return Work(call, operations or size)

    @row("single client tasks async")
    def tasks_async(self) -> Work:
        return self.batch()

    @row("single client tasks and get batch")
    def tasks_and_get_batch(self) -> Work:
        return self.batch(operations=1)

    @row("single client put gigabytes")
    def put_large(self) -> Work:
        import numpy as np

        array = np.zeros(self.scaled(100 * 1024 * 1024), dtype=np.int64)

        def put() -> None:
            memory = SharedMemory(create=True, size=array.nbytes)
            np.ndarray(array.shape, array.dtype, buffer=memory.buf)[:] = array
            memory.close()
            memory.unlink()

        return Work(put, array.nbytes / 1e9)

    @row("single client build and put gigabytes")
    def build_and_put(self) -> Work:
        import numpy as np

        elements = self.scaled(100 * 1024 * 1024)

        def build() -> None:
            memory = SharedMemory(create=True, size=elements * 8)
            np.ndarray((elements,), dtype=np.int64, buffer=memory.buf).fill(1)
            memory.close()
            memory.unlink()

        return Work(build, elements * 8 / 1e9)

    @row("task taking a 100 MB array by reference")
    def pass_large(self) -> Work:
        import numpy as np

        memory = SharedMemory(create=True, size=100_000_000)
        np.ndarray((12_500_000,), dtype=np.int64, buffer=memory.buf).fill(1)

        def close() -> None:
            memory.close()
            memory.unlink()

        return Work(lambda: (self.pool.apply(shared_length, (memory.name,)), None)[1], close=close)

    def new_actor(self) -> Any:
        manager = self.manager_class()
        manager.start()
        self.managers.append(manager)
        return manager.Actor()

    @row("1:1 actor calls sync")
    def actor_sync(self) -> Work:
        actor = self.new_actor()
        return Work(lambda: (actor.small_value(), None)[1])

    @row("create 20 actors and call each")
    def create_actors(self) -> Figures:
        began = time.perf_counter()
        for _ in range(20):
            self.new_actor().small_value()
        return Figures([(time.perf_counter() - began) * 1e3])
