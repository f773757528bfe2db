"""Ids of tasks, objects and functions (spec chapter 2), and the task that the running code belongs to."""

from __future__ import annotations

import itertools
import os
from contextvars import ContextVar
from hashlib import blake2b
from struct import Struct
from typing import Any

PUT_SPACE = 0x4000_0000
STREAM_SPACE = 0x8000_0000
NO_ID = bytes(16)

_U32 = Struct("<I")
pack_u32 = _U32.pack
FIRST_RESULT = bytes(4)
FIRST_PUT = pack_u32(PUT_SPACE)


def child_prefix(task: bytes, attempt: int) -> bytes:
    """The first 12 bytes of the ids of all children of one attempt (spec 2.1, rule 1)."""
    return task[:4] + blake2b(task + pack_u32(attempt), digest_size=16).digest()[:8]


class TaskContext:
    """What names the children and puts of one attempt of one task."""

    __slots__ = ("_children", "_prefix", "_puts", "actor", "attempt", "id", "name")

    def __init__(self, task: bytes, attempt: int, name: str = "", actor: bytes = NO_ID) -> None:
        self.id = task
        self.attempt = attempt
        self.name = name
        self.actor = actor
        self._prefix = b""  # most tasks have no children and make no puts
        self._children: Any = None
        self._puts: Any = None

    @property
    def job(self) -> int:
        number: int = _U32.unpack_from(self.id)[0]
        return number

    def child_id(self) -> bytes:
        """The id of the next task that this one submits."""
        if self._children is None:
            self._prefix = child_prefix(self.id, self.attempt)
            self._children = itertools.count(1).__next__
        return self._prefix + pack_u32(self._children())

    def put_id(self) -> bytes:
        """The id of the next object that this task puts."""
        if self.attempt:
            # What an earlier attempt has put may be freed, and its id known as freed (spec 2.2, rule 2).
            return self.child_id() + FIRST_PUT
        if self._puts is None:
            self._puts = itertools.count(PUT_SPACE).__next__
        return self.id + pack_u32(self._puts())


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
