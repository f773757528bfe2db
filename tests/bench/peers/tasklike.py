"""The rows for systems with remote functions, actors and references: Bowstring and Ray run the very same code.

The call rows have the shapes of ``ray microbenchmark``.
"""

from __future__ import annotations

import os
import signal
import time
from types import ModuleType, SimpleNamespace
from typing import Any

from tests.bench.peer import Absent, PeerBase, row
from tests.bench.processes import processor_percent, proportional_memory_mb
from tests.bench.rows import ROWS
from tests.bench.stopwatch import Figures, Work

JAVA_TASKS = "bench.BenchTasks"
JAVA_COUNTER = "bench.BenchCounter"


def small_value() -> bytes:
    return b"ok"


def successor(x: int) -> int:
    return x + 1


def length(array: Any) -> int:
    return len(array)


def remote_parts(api: ModuleType) -> SimpleNamespace:
    """The remote functions and classes, made with the given system."""

    class Actor:
        def small_value(self) -> bytes:
            return b"ok"

        def small_value_arg(self, x: int) -> bytes:
            return b"ok"

        def pid(self) -> int:
            return os.getpid()

    class AsyncActor:
        async def small_value(self) -> bytes:
            return b"ok"

        async def small_value_with_arg(self, x: int) -> bytes:
            return b"ok"

    class Client:
        def __init__(self, servers: Any) -> None:
            self.servers = servers if isinstance(servers, list) else [servers]

        def small_value_batch(self, n: int) -> None:
            api.get([server.small_value.remote() for server in self.servers for _ in range(n)])

        def small_value_batch_arg(self, n: int) -> None:
            x = api.put(0)
            api.get([server.small_value_arg.remote(x) for server in self.servers for _ in range(n)])

    small = api.remote(small_value)

    class Submitter:
        def small_value_batch(self, n: int) -> None:
            api.get([small.remote() for _ in range(n)])

    def put_small(n: int) -> None:
        for _ in range(n):
            api.put(0)

    def put_large(n: int, elements: int) -> None:
        import numpy as np

        for _ in range(n):
            api.put(np.zeros(elements, dtype=np.int64))

    def refs(n: int) -> list[Any]:
        return [api.put(1) for _ in range(n)]

    def call_actors(actors: list[Any], n: int) -> None:
        api.get([actors[i % len(actors)].small_value.remote() for i in range(n)])

    @api.remote
    def nested(depth: int) -> int:
        return 0 if depth == 0 else 1 + api.get(nested.remote(depth - 1))

    without_cpu = api.remote(num_cpus=0)
    return SimpleNamespace(
        small=small,
        successor=api.remote(successor),
        length=api.remote(length),
        put_small=api.remote(put_small),
        put_large=api.remote(put_large),
        refs=api.remote(refs),
        call_actors=api.remote(call_actors),
        nested=nested,
        Actor=without_cpu(Actor),
        AsyncActor=without_cpu(AsyncActor),
        Client=without_cpu(Client),
        Submitter=without_cpu(Submitter),
    )


class TasklikePeer(PeerBase):
    """Rows written against ``remote``, ``put``, ``get``, ``wait`` and actors."""

    api: ModuleType

    def __init__(self, num_cpus: int, quick: bool, java_classes: str | None) -> None:
        super().__init__(num_cpus, quick, java_classes)
        self.pairs = max(1, num_cpus // 2)
        self.startup: dict[str, float] = {}

    def load(self) -> ModuleType:
        """Import the system."""
        raise NotImplementedError

    def start(self, java: bool) -> None:
        """Start its runtime; with Java, so that the benchmark's classes can be called."""
        raise NotImplementedError

    def java_driver(self, group_rows: str) -> dict[str, list[float]]:
        """Run the Java driver program once; its figures by row."""
        raise NotImplementedError

    def open(self, group: str) -> None:
        if group == "java driver":
            return
        began = time.perf_counter()
        self.api = self.load()
        imported = time.perf_counter()
        self.start(java=group == "python to java")
        ready = time.perf_counter()
        if group == "startup":
            self.api.get(self.api.remote(small_value).remote())
        first = time.perf_counter()
        self.startup = {"import": imported - began, "init": ready - imported, "first task": first - ready}
        self.parts = remote_parts(self.api)

    def close(self) -> None:
        if hasattr(self, "api"):
            self.api.shutdown()

    def ready_actors(self, kind: str, count: int) -> list[Any]:
        actors = [getattr(self.parts, kind).remote() for _ in range(count)]
        self.api.get([actor.small_value.remote() for actor in actors])
        return actors

    @row("import")
    def import_(self) -> Figures:
        return Figures([self.startup["import"] * 1e3])

    @row("init")
    def init(self) -> Figures:
        return Figures([self.startup["init"] * 1e3])

    @row("first task")
    def first_task(self) -> Figures:
        return Figures([self.startup["first task"] * 1e3])

    @row("single client get calls")
    def get_small(self) -> Work:
        api, value = self.api, self.api.put(0)
        return Work(lambda: (api.get(value), None)[1])

    @row("single client put calls")
    def put_small(self) -> Work:
        api = self.api
        return Work(lambda: (api.put(0), None)[1])

    @row("multi client put calls")
    def put_small_multi(self) -> Work:
        api, put, each = self.api, self.parts.put_small, 100
        return Work(lambda: (api.get([put.remote(each) for _ in range(10)]), None)[1], 10 * each)

    @row("single client put gigabytes")
    def put_large(self) -> Work:
        import numpy as np

        api, array = self.api, np.zeros(self.scaled(100 * 1024 * 1024), dtype=np.int64)
        return Work(lambda: (api.put(array), None)[1], array.nbytes / 1e9)

    @row("multi client put gigabytes")
    def put_large_multi(self) -> Work:
        api, put, elements = self.api, self.parts.put_large, self.scaled(10 * 1024 * 1024)
        return Work(
            lambda: (api.get([put.remote(10, elements) for _ in range(10)]), None)[1], 10 * 10 * 8 * elements / 1e9
        )

    def new_array(self, elements: int) -> Any:
        """An array to be filled and put, made in the way that the system advises."""
        import numpy as np

        return np.empty(elements, dtype=np.int64)

    @row("single client build and put gigabytes")
    def build_and_put(self) -> Work:
        elements = self.scaled(100 * 1024 * 1024)

        def build() -> None:
            array = self.new_array(elements)
            array.fill(1)
            self.api.put(array)

        return Work(build, elements * 8 / 1e9)

    @row("get a 100 MB array")
    def get_large(self) -> Work:
        import numpy as np

        api, value = self.api, self.api.put(np.ones(12_500_000, dtype=np.int64))
        return Work(lambda: (api.get(value), None)[1])

    @row("task taking a 100 MB array by reference")
    def pass_large(self) -> Work:
        import numpy as np

        api, length, value = self.api, self.parts.length, self.api.put(np.ones(12_500_000, dtype=np.int64))
        return Work(lambda: (api.get(length.remote(value)), None)[1])

    @row("single client get object containing 10k refs")
    def get_refs(self) -> Work:
        api, outer = self.api, self.parts.refs.remote(self.scaled(10_000))
        return Work(lambda: (api.get(outer), None)[1])

    @row("single client tasks and get batch")
    def tasks_and_get_batch(self) -> Work:
        return self.batch(1000, operations=1)

    @row("single client wait 1k refs")
    def wait_refs(self) -> Work:
        api, small, count = self.api, self.parts.small, self.scaled(1000)

        def wait() -> None:
            not_ready = [small.remote() for _ in range(count)]
            fetch_local = True
            for _ in range(count):
                _, not_ready = api.wait(not_ready, fetch_local=fetch_local)
                fetch_local = False

        return Work(wait)

    @row("single client tasks sync")
    def tasks_sync(self) -> Work:
        api, small = self.api, self.parts.small
        return Work(lambda: (api.get(small.remote()), None)[1])

    def batch(self, size: int, operations: int | None = None, submit: Any = None) -> Work:
        api, size = self.api, self.scaled(size)
        submit = submit or self.parts.small.remote
        return Work(lambda: (api.get([submit() for _ in range(size)]), None)[1], operations or size)

    @row("single client tasks async")
    def tasks_async(self) -> Work:
        return self.batch(1000)

    @row("multi client tasks async")
    def tasks_async_multi(self) -> Work:
        api, n, clients = self.api, self.scaled(10_000), [self.parts.Submitter.remote() for _ in range(4)]
        return Work(lambda: (api.get([c.small_value_batch.remote(n) for c in clients]), None)[1], n * len(clients))

    @row("chain of 500 dependent tasks, per link")
    def chain(self) -> Work:
        api, links, successor = self.api, self.scaled(500), self.parts.successor

        def call() -> None:
            ref = successor.remote(0)
            for _ in range(links - 1):
                ref = successor.remote(ref)
            assert api.get(ref) == links

        return Work(call, links)

    @row("nested tasks, depth 6")
    def nested(self) -> Work:
        return Work(lambda: (self.api.get(self.parts.nested.remote(6)), None)[1])

    @row("1:1 actor calls sync")
    def actor_sync(self) -> Work:
        return self.call_one("Actor")

    @row("1:1 async-actor calls sync")
    def async_actor_sync(self) -> Work:
        return self.call_one("AsyncActor")

    def call_one(self, kind: str) -> Work:
        api, [actor] = self.api, self.ready_actors(kind, 1)
        return Work(lambda: (api.get(actor.small_value.remote()), None)[1])

    @row("1:1 actor calls async")
    def actor_async(self) -> Work:
        [actor] = self.ready_actors("Actor", 1)
        return self.batch(1000, submit=actor.small_value.remote)

    @row("1:1 actor calls concurrent")
    def actor_concurrent(self) -> Work:
        actor = self.parts.Actor.options(max_concurrency=16).remote()
        return self.batch(1000, submit=actor.small_value.remote)

    @row("1:1 async-actor calls async")
    def async_actor_async(self) -> Work:
        [actor] = self.ready_actors("AsyncActor", 1)
        return self.batch(1000, submit=actor.small_value.remote)

    @row("1:1 async-actor calls with args async")
    def async_actor_args(self) -> Work:
        api, size = self.api, self.scaled(1000)
        [actor] = self.ready_actors("AsyncActor", 1)
        return Work(lambda: (api.get([actor.small_value_with_arg.remote(i) for i in range(size)]), None)[1], size)

    @row("1:n actor calls async")
    def actor_one_to_many(self) -> Work:
        return self.one_to_many("Actor")

    @row("1:n async-actor calls async")
    def async_actor_one_to_many(self) -> Work:
        return self.one_to_many("AsyncActor")

    def one_to_many(self, kind: str) -> Work:
        api, n, actors = self.api, self.scaled(5000), self.ready_actors(kind, self.pairs)
        client = self.parts.Client.remote(actors)
        return Work(lambda: (api.get(client.small_value_batch.remote(n)), None)[1], n * len(actors))

    @row("n:n actor calls async")
    def actor_many_to_many(self) -> Work:
        return self.many_to_many("Actor")

    @row("n:n async-actor calls async")
    def async_actor_many_to_many(self) -> Work:
        return self.many_to_many("AsyncActor")

    def many_to_many(self, kind: str) -> Work:
        api, n, m, call_actors = self.api, self.scaled(5000), 4, self.parts.call_actors
        actors = self.ready_actors(kind, self.pairs)
        return Work(lambda: (api.get([call_actors.remote(actors, n) for _ in range(m)]), None)[1], n * m)

    @row("n:n actor calls with arg async")
    def actor_args_many_to_many(self) -> Work:
        api, n = self.api, self.scaled(1000)
        clients = [self.parts.Client.remote(actor) for actor in self.ready_actors("Actor", self.pairs)]
        return Work(lambda: (api.get([c.small_value_batch_arg.remote(n) for c in clients]), None)[1], n * len(clients))

    @row("create 20 actors and call each")
    def create_actors(self) -> Figures:
        began = time.perf_counter()
        self.idle_actors = self.ready_actors("Actor", 20)
        return Figures([(time.perf_counter() - began) * 1e3])

    @row("memory of the idle runtime with 20 actors")
    def idle_memory(self) -> Figures:
        self.idle_actors = getattr(self, "idle_actors", None) or self.ready_actors("Actor", 20)
        return Figures([proportional_memory_mb()])

    @row("processor use of the idle runtime with 20 actors")
    def idle_processor(self) -> Figures:
        self.idle_actors = getattr(self, "idle_actors", None) or self.ready_actors("Actor", 20)
        return Figures([processor_percent(seconds=1 if self.quick else 10)])

    @row("killed actor to next answer")
    def killed_actor(self) -> Figures:
        self.idle_actors = []
        actor = self.parts.Actor.options(max_restarts=-1).remote()
        figures = Figures()
        for _ in range(1 if self.quick else 3):
            os.kill(self.api.get(actor.pid.remote()), signal.SIGKILL)
            began = time.perf_counter()
            while True:
                try:
                    self.api.get(actor.small_value.remote())
                    break
                except Exception:
                    if time.perf_counter() - began > 30:
                        raise
            figures.values.append((time.perf_counter() - began) * 1e3)
        return figures

    def java_function(self, name: str) -> Any:
        if self.java_classes is None:
            raise Absent("no JDK")
        return self.api.java_function(JAVA_TASKS, name)

    @row("first Java task")
    def java_first(self) -> Figures:
        began = time.perf_counter()
        self.api.get(self.java_function("one").remote())
        return Figures([(time.perf_counter() - began) * 1e3])

    @row("Python to Java tasks sync")
    def java_sync(self) -> Work:
        one = self.java_function("one")
        return Work(lambda: (self.api.get(one.remote()), None)[1])

    @row("Python to Java tasks async")
    def java_async(self) -> Work:
        return self.batch(1000, submit=self.java_function("one").remote)

    @row("Python to Java actor calls sync")
    def java_actor_sync(self) -> Work:
        self.java_function("one")
        counter = self.api.java_actor_class(JAVA_COUNTER).remote()
        return Work(lambda: (self.api.get(counter.increment.remote()), None)[1])

    @row("64 MB bytes through a Java echo")
    def java_echo(self) -> Work:
        echo, payload = self.java_function("echo"), os.urandom(1024) * 65_536
        return Work(lambda: (self.api.get(echo.remote(payload)), None)[1], calls_max=20)

    def java_driver_row(self, name: str) -> Figures:
        if self.java_classes is None:
            raise Absent("no JDK")
        if not hasattr(self, "java_figures"):
            self.java_figures = self.java_driver(self.java_classes)
        if name not in self.java_figures:
            raise Absent("nothing of the kind")
        return Figures(self.java_figures[name])


def _java_driver_method(name: str) -> Any:
    @row(name)
    def method(self: TasklikePeer) -> Figures:
        return self.java_driver_row(name)

    return method


for _number, _row in enumerate(ROWS):
    if _row.group == "java driver":
        setattr(TasklikePeer, f"java_driver_{_number}", _java_driver_method(_row.name))
