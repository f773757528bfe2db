"""The function table: what each key stands for, for the jobs that use it (spec section 4.1).

A key is content: two jobs that put the same one share it, and it goes with the last of them. Who asks before the put
has come waits, up to a limit. The references that a blob captures are held as long as the key is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine.objects import Ref


class FunctionEntry:
    """One function or class."""

    __slots__ = ("blob", "contains", "jobs", "key", "language", "length", "module", "name", "signature")

    def __init__(
        self,
        key: bytes,
        language: int,
        module: str,
        name: str,
        signature: str,
        blob: bytes,
        length: int,
        contains: Sequence[Ref],
    ) -> None:
        self.key, self.language, self.module, self.name, self.signature = key, language, module, name, signature
        self.blob, self.length, self.contains = blob, length, contains
        self.jobs: set[int] = set()


class Told(NamedTuple):
    """Answer a FunctionGet."""

    process: int
    request: int
    function: FunctionEntry


class NotFound(NamedTuple):
    """Nobody has put the key."""

    process: int
    request: int
    message: str


class Hold(NamedTuple):
    """Hold what a blob captures."""

    refs: Sequence[Ref]


class Release(NamedTuple):
    """Hold it no more."""

    refs: Sequence[Ref]


Effect = Told | NotFound | Hold | Release


class FunctionTable:
    """Every function that some job has put."""

    def __init__(self) -> None:
        self.functions: dict[bytes, FunctionEntry] = {}
        self._waiting: dict[bytes, list[tuple[int, int, float]]] = {}  # (process, request, until)

    def put(self, function: FunctionEntry, job: int) -> list[Effect]:
        """FunctionPut. A second put of a key is nothing but another job's interest in it."""
        known = self.functions.get(function.key)
        if known is not None:
            known.jobs.add(job)
            return []
        function.jobs.add(job)
        self.functions[function.key] = function
        effects: list[Effect] = [Hold(function.contains)] if function.contains else []
        for process, request, _ in self._waiting.pop(function.key, ()):
            effects.append(Told(process, request, function))
        return effects

    def get(self, process: int, request: int, key: bytes, now: float) -> list[Effect]:
        """FunctionGet."""
        function = self.functions.get(key)
        if function is not None:
            return [Told(process, request, function)]
        self._waiting.setdefault(key, []).append((process, request, now + limits.FUNCTION_WAIT_S))
        return []

    def deadline(self) -> float | None:
        """When `tick` has something to do next."""
        return min((until for waiting in self._waiting.values() for _, _, until in waiting), default=None)

    def tick(self, now: float) -> list[Effect]:
        """Time has passed: who waited too long is told."""
        effects: list[Effect] = []
        for key, waiting in list(self._waiting.items()):
            for process, request, until in waiting:
                if until <= now:
                    message = f"no process has put the function {key.hex()}; it may have ended before it could"
                    effects.append(NotFound(process, request, message))
            left = [item for item in waiting if item[2] > now]
            if left:
                self._waiting[key] = left
            else:
                del self._waiting[key]
        return effects

    def process_gone(self, process: int) -> None:
        """The process wants no answers any more."""
        for key, waiting in list(self._waiting.items()):
            left = [item for item in waiting if item[0] != process]
            if left:
                self._waiting[key] = left
            else:
                del self._waiting[key]

    def job_over(self, job: int) -> list[Effect]:
        """Nobody of the job is left."""
        effects: list[Effect] = []
        for function in list(self.functions.values()):
            function.jobs.discard(job)
            if not function.jobs:
                del self.functions[function.key]
                if function.contains:
                    effects.append(Release(function.contains))
        return effects
