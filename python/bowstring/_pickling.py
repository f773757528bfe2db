"""Pickles of Python values, and what they hold besides bytes: out-of-band buffers and references.

Plain pickle writes what lives in `__main__`, or in no importable module, by a name that the worker can't find. The
pickler here notices that (it is asked about classes and functions only, so plain data costs nothing) and leaves the
value to cloudpickle.
"""

from __future__ import annotations

import io
import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from bowstring.errors import SerializationError

IN_BAND_BYTES_MAX = 2048  # buffers up to this size ride inside the pickle: an image would cost more than the copy
SCALARS = frozenset((int, float, str, bool, bytes, type(None)))

_state = threading.local()


class _NeedsCloudpickle(Exception):
    """A function or class can't be found by name in another process."""


def note_reference(ref: Any) -> None:
    """Called when an ObjectRef is pickled: it must be held by what is being written (spec 6.4)."""
    collector = getattr(_state, "contains", None)
    if collector is None:
        raise SerializationError(
            "an ObjectRef can be pickled only inside task arguments, results and put(): nobody would hold the object"
        )
    collector.append(ref)


@contextmanager
def collecting() -> Iterator[list[Any]]:
    """Collect the ObjectRefs that are written in this thread meanwhile."""
    outer = getattr(_state, "contains", None)
    contains: list[Any] = []
    _state.contains = contains
    try:
        yield contains
    finally:
        _state.contains = outer


def found_by_name(thing: Any, decorated: bool = False) -> bool:
    """True if a worker can import this function or class by its module and qualified name.

    `decorated`: the name may also stand for the remote function or class that wraps it.
    """
    module_name = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", "")
    if module_name is None or module_name == "__main__" or "<" in name:
        return False
    module = sys.modules.get(module_name)
    if module is None:
        return False
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if decorated:
        found = getattr(found, "__bowstring_wrapped__", found)
    return found is thing and (getattr(module, "__spec__", None) is not None or module_name in sys.builtin_module_names)


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if (kind is FunctionType or issubclass(kind, type)) and not found_by_name(obj):
            raise _NeedsCloudpickle
        return NotImplemented


def dumps(value: Any, buffers: list[Any] | None = None) -> tuple[bytes, list[Any]]:
    """Pickle `value`; return the bytes and the ObjectRefs found inside. Large buffers are appended to `buffers`.

    Raises:
        SerializationError: the value can't be pickled; the message names its type and the reason.
    """
    if type(value) in SCALARS:
        return pickle.dumps(value, 5), []

    def keep_out_of_band(buffer: pickle.PickleBuffer) -> bool:
        """False (out of band) for large contiguous buffers."""
        try:
            raw = buffer.raw()
        except BufferError:
            return True
        if raw.nbytes <= IN_BAND_BYTES_MAX:
            return True
        buffers.append(raw)  # type: ignore[union-attr]
        return False

    callback = None if buffers is None else keep_out_of_band
    try:
        with collecting() as contains:
            target = io.BytesIO()
            try:
                _Pickler(target, 5, buffer_callback=callback).dump(value)
                return target.getvalue(), contains
            except (_NeedsCloudpickle, pickle.PicklingError, AttributeError, TypeError):
                # cloudpickle writes what plain pickle does not: lambdas, local classes, functions of __main__.
                contains.clear()
                if buffers is not None:
                    buffers.clear()
            import cloudpickle

            target = io.BytesIO()
            cloudpickle.Pickler(target, 5, buffer_callback=callback).dump(value)
            return target.getvalue(), contains
    except SerializationError:
        raise
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError, ValueError) as error:
        raise SerializationError(f"a value of type {type(value).__name__} can't be pickled: {error}") from error


def loads(data: Any, buffers: Any = ()) -> Any:
    """Unpickle; the arrays made from `buffers` are views of them."""
    return pickle.loads(data, buffers=buffers)
