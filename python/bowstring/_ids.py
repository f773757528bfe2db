"""Ids of tasks, objects and functions (spec chapter 2), and the task that the running code belongs to."""

from __future__ import annotations

import itertools
import os
from contextvars import ContextVar
from hashlib import blake2b
from struct import Struct

PUT_SPACE = 0x4000_0000
NO_ID = bytes(16)

_U32 = Struct("<I")
pack_u32 = _U32.pack
FIRST_RESULT = bytes(4)


class TaskContext:
    """What names the children and puts of one attempt of one task."""

    __slots__ = ("actor", "attempt", "id", "job", "name", "next_child", "next_put", "prefix")

    def __init__(self, task: bytes, attempt: int, name: str = "", actor: bytes = NO_ID) -> None:
        self.id = task
        self.attempt = attempt
        self.job = _U32.unpack_from(task)[0]
        self.name = name
        self.actor = actor
        self.prefix = task[:4] + blake2b(task + pack_u32(attempt), digest_size=16).digest()[:8]
        self.next_child = itertools.count(1).__next__
        self.next_put = itertools.count(PUT_SPACE).__next__


def root_context(job: int) -> TaskContext:
    """The context of code that belongs to no task (spec 2.1, rules 2 and 3)."""
    return TaskContext(pack_u32(job) + os.urandom(8) + FIRST_RESULT, 0)


current_context: ContextVar[TaskContext | None] = ContextVar("bowstring_task", default=None)


def random_u64() -> int:
    """64 random bits that are not 0: names a process's incarnation."""
    return int.from_bytes(os.urandom(8), "little") or 1


def function_key(language: int, module: str, name: str, signature: str, blob: bytes) -> bytes:
    """The 16-byte key of a function's descriptor (spec 2.3, rule 1)."""
    digest = blake2b(bytes((language,)), digest_size=16)
    for part in (module.encode(), name.encode(), signature.encode(), blob):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
