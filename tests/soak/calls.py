"""The soak of calls: tasks and actors of two languages call each other, values cross, and workers are killed.

Calls are in flight, up to a number; the oldest is awaited, and its result checked against what follows from its
arguments. A worker is killed (kill -9) now and then: of Python or Java, idle, in a task, or an actor's. All calls
have retries and all actors restarts, so that none may fail, none may be lost, and none may be answered with another's
result.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until
from tests.soak import library
from tests.soak.library import JAVA_CLASS, mix
from tests.soak.samples import Sample, measure

SOURCES = Path(__file__).parent / "java"
IN_FLIGHT = 24
RESULT_WITHIN_S = 300
SETTLED_WITHIN_S = 60
ACTORS_EACH = 2

Pending = tuple[str, bow.ObjectRef[Any], Callable[[Any], bool], int]


def compile_java(target: Path, jar: Path) -> None:
    """Compile the classes that the soak calls into a folder."""
    javac = shutil.which("javac")
    if javac is None or not jar.is_file():
        raise RuntimeError("the soak of calls needs a JDK's javac on PATH and the Java library: make java")
    sources = [str(path) for path in sorted(SOURCES.rglob("*.java"))]
    subprocess.run([javac, "--release", "17", "-nowarn", "-cp", str(jar), "-d", str(target), *sources], check=True)


class CallSoak:
    """One run in a runtime that is there already, whose class path has the soak's Java classes.

    Args:
        session: The runtime.
        calls: How many calls, those that a call makes in its worker included.
        samples: How many times all is let go of.
        kill_every: A worker is killed after so many calls, about; 0: none is.
        seed: Of all choices.
        say: Called with each line of the report.
    """

    def __init__(
        self,
        session: bow.Session,
        calls: int,
        samples: int,
        kill_every: int,
        seed: int,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._session = session
        self._calls, self._every, self._kill_every = calls, max(1, calls // samples), kill_every
        self._chance, self._say = random.Random(seed), say
        self._java = {
            name: bow.java_function(JAVA_CLASS, name).options(max_retries=-1)
            for name in ("mix", "throughPython", "throughJava", "throughActor", "array", "sum", "wrap", "mixTable")
        }
        java_actor = bow.java_actor_class(JAVA_CLASS).options(max_restarts=-1, max_task_retries=-1, num_cpus=0)
        self._python_actors: list[Any] = [library.Mixer.options(num_cpus=0).remote() for _ in range(ACTORS_EACH)]
        self._java_actors: list[Any] = [java_actor.remote() for _ in range(ACTORS_EACH)]
        self._kinds: list[tuple[Callable[[int], Pending], int]] = [
            (self._python_task, 22), (self._java_task, 18), (self._python_actor, 14), (self._java_actor, 14),
            (self._through_python, 4), (self._through_java, 4), (self._through_both, 2), (self._java_to_python, 5),
            (self._java_to_java, 4), (self._actor_to_java, 3), (self._handle_to_python, 2), (self._handle_to_java, 2),
            (self._array_to_java, 2), (self._array_from_java, 2), (self._tree, 1), (self._table, 1),
        ]  # fmt: skip
        self._pending: deque[Pending] = deque()
        self.samples: list[Sample] = []
        self.done: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        self.longest_s = 0.0

    def run(self) -> list[Sample]:
        """Make all calls and check each result; returns the samples.

        Raises:
            AssertionError: A result is wrong, or what was let go of stays.
            BowstringError: A call failed.
        """
        made = sampled = number = 0
        makers, weights = [kind for kind, _ in self._kinds], [weight for _, weight in self._kinds]
        while made < self._calls:
            number += 1
            pending = self._chance.choices(makers, weights)[0](number)
            self._pending.append(pending)
            made += pending[3]
            if len(self._pending) >= IN_FLIGHT:
                self._check(self._pending.popleft())
            if self._kill_every and self._chance.random() < pending[3] / self._kill_every:
                self._kill_a_worker()
            if made >= (sampled + 1) * self._every:
                sampled += 1
                self._sample(made)
        while self._pending:
            self._check(self._pending.popleft())
        return self.samples

    def _check(self, pending: Pending) -> None:
        kind, ref, is_right, count = pending
        started = time.monotonic()
        value = bow.get(ref, timeout=RESULT_WITHIN_S)
        self.longest_s = max(self.longest_s, time.monotonic() - started)
        assert is_right(value), f"{kind}: {value!r:.300} is wrong"
        self.done[kind] += count

    # The kinds ----------------------------------------------------------------------------------------------------

    def _python_task(self, number: int) -> Pending:
        return "Python task", library.remote_mix.remote(number), mix(number).__eq__, 1

    def _java_task(self, number: int) -> Pending:
        return "Java task", self._java["mix"].remote(number), mix(number).__eq__, 1

    def _python_actor(self, number: int) -> Pending:
        actor = self._chance.choice(self._python_actors)
        return "Python actor", actor.count.remote(number), mix(number).__eq__, 1

    def _java_actor(self, number: int) -> Pending:
        actor = self._chance.choice(self._java_actors)
        return "Java actor", actor.count.remote(number), mix(number).__eq__, 1

    def _through_python(self, number: int) -> Pending:
        return "Python to Python", library.through_python.remote(number), (mix(number) + 1).__eq__, 2

    def _through_java(self, number: int) -> Pending:
        return "Python to Java", library.through_java.remote(number), (mix(number) + 2).__eq__, 2

    def _through_both(self, number: int) -> Pending:
        return "Python to Java to Python", library.through_both.remote(number), (mix(number) + 2).__eq__, 3

    def _java_to_python(self, number: int) -> Pending:
        return "Java to Python", self._java["throughPython"].remote(number), (mix(number) + 1).__eq__, 2

    def _java_to_java(self, number: int) -> Pending:
        return "Java to Java", self._java["throughJava"].remote(number), (mix(number) + 2).__eq__, 2

    def _actor_to_java(self, number: int) -> Pending:
        actor = self._chance.choice(self._python_actors)
        return "Python actor to Java", actor.through_java.remote(number), (mix(number) + 2).__eq__, 2

    def _any_actor(self) -> Any:
        return self._chance.choice(self._python_actors + self._java_actors)

    def _handle_to_python(self, number: int) -> Pending:
        ref = library.through_actor.remote(self._any_actor(), number)
        return "handle to Python", ref, (mix(number) + 3).__eq__, 2

    def _handle_to_java(self, number: int) -> Pending:
        ref = self._java["throughActor"].remote(self._any_actor(), number)
        return "handle to Java", ref, (mix(number) + 3).__eq__, 2

    def _length(self) -> int:
        return int(self._chance.choice((3, 1_000, 20_000, 200_000)) * self._chance.uniform(0.5, 1.5)) + 1

    def _array_to_java(self, number: int) -> Pending:
        length = self._length()
        ref = self._java["sum"].remote(bow.put(np.full(length, float(number))))
        return "array to Java", ref, (float(number) * length).__eq__, 1

    def _array_from_java(self, number: int) -> Pending:
        length = self._length()
        made = self._java["array"].remote(number, length)
        return "array from Java to Python", library.total.remote(made), (float(number) * length).__eq__, 2

    def _tree(self, number: int) -> Pending:
        tree = {"number": number, "text": "x" * (number % 300), "list": list(range(number % 50)), "none": None}
        return "tree", self._java["wrap"].remote(tree, number), [mix(number), tree].__eq__, 1

    def _table(self, number: int) -> Pending:
        numbers = list(range(number, number + self._chance.randrange(1, 5_000)))
        mixed = self._java["mixTable"].remote(pa.table({"n": numbers}))
        return "table", library.mixed_is_right.remote(mixed, numbers), True.__eq__, 2

    # Kills and samples --------------------------------------------------------------------------------------------

    def _kill_a_worker(self) -> None:
        workers = [row for row in query_state(StateKind.WORKERS) if row["pid"]]
        if workers:
            victim = self._chance.choice(workers)
            os.kill(victim["pid"], signal.SIGKILL)
            self.killed[f"{victim['language']}{' actor' if victim['actor'] else ''}"] += 1

    def _sample(self, made: int) -> None:
        """Let go of everything, and see what is left."""
        while self._pending:
            self._check(self._pending.popleft())
        gc.collect()
        # A worker in Java lets go of what is garbage when it next collects; the actors are objects too.
        allowed = 2 * ACTORS_EACH + 20
        wait_until(
            lambda: len(query_state(StateKind.OBJECTS)) <= allowed, SETTLED_WITHIN_S, "what was let go of is gone"
        )
        sample = measure(self._session, made)
        self.samples.append(sample)
        self._say(f"{sample}  workers {len(query_state(StateKind.WORKERS))}  {dict(self.killed)}")
