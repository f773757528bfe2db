"""Functions and classes on the wire (spec 2.3 and 4.1): how they are named, and how a worker finds them."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import threading
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from bowstring import _pickling
from bowstring._ids import function_key
from bowstring.errors import FunctionNotFoundError, SerializationError
from bowstring_wire import messages as m
from bowstring_wire.messages import Language


class Descriptor(NamedTuple):
    """What a function's key stands for; see FunctionPut."""

    key: bytes
    language: int
    module: str
    name: str
    signature: str
    blob: bytes
    contains: Any


def describe(thing: Callable[..., Any]) -> Descriptor:
    """The descriptor of a Python function or class: by name where a worker can import it, else by value.

    Raises:
        SerializationError: it can't be pickled; the message names what it captures.
    """
    if _pickling.found_by_name(thing, decorated=True):
        blob = b"\0" + _source_hash(thing)
        contains: list[Any] = []
        module, name = thing.__module__, thing.__qualname__
    else:
        module = name = ""
        blob, contains = _by_value(thing)
    key = function_key(Language.PYTHON, module, name, "", blob)
    return Descriptor(key, Language.PYTHON, module, name, "", blob, contains)


def describe_foreign(language: int, module: str, name: str, signature: str = "") -> Descriptor:
    """The descriptor of another language's function or class, by name."""
    return Descriptor(function_key(language, module, name, signature, b""), language, module, name, signature, b"", ())


def _source_hash(thing: Callable[..., Any]) -> bytes:
    try:
        source = inspect.getsource(thing)
    except (OSError, TypeError):
        source = ""
    return blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _by_value(thing: Callable[..., Any]) -> tuple[bytes, list[Any]]:
    import cloudpickle

    with _pickling.collecting() as contains:
        try:
            return cloudpickle.dumps(thing, protocol=5), contains
        except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
            name = getattr(thing, "__qualname__", repr(thing))
            raise SerializationError(
                f"{name} can't be sent to a worker: {error}. Something that it captures (a global, a closure variable, "
                "a default) can't be pickled; make it inside the function instead"
            ) from error


class FunctionTable:
    """A worker's functions by key; asks the node for those that it does not know."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._by_key: dict[bytes, Any] = {}
        self._files: dict[str, tuple[int, int]] = {}  # time and size of modules' files
        self._lock = threading.Lock()

    def known(self, key: bytes) -> Any:
        """The function or class if it was loaded before, else None."""
        return self._by_key.get(key)

    def load(self, key: bytes) -> Any:
        """The function or class.

        Raises:
            FunctionNotFoundError: it can't be imported or unpickled here; the cause says why.
        """
        found = self._by_key.get(key)
        if found is not None:
            return found
        answer, body = self._runtime.request_with_body(
            m.FrameType.FUNCTION_GET, lambda request: m.FunctionGet(request, key)
        )
        blob = body[: answer.length]
        with self._lock:
            found = self._find(answer.module, answer.name, blob)
            self._by_key[key] = found
        return found

    def _module(self, name: str) -> Any:
        """The module; loaded again if its file is another than when this worker last looked.

        A key that is not known here may stand for what its caller has edited and loaded again.
        """
        module = importlib.import_module(name)
        try:
            facts = os.stat(module.__file__ or "")
        except (OSError, AttributeError):
            return module  # built in, or inside an archive
        now = (facts.st_mtime_ns, facts.st_size)
        before = self._files.setdefault(name, now)
        if before != now:
            self._files[name] = now
            importlib.invalidate_caches()
            module = importlib.reload(module)
        return module

    def _find(self, module_name: str, name: str, blob: bytes) -> Any:
        try:
            if blob and not blob.startswith(b"\0"):
                return pickle.loads(blob)
            found: Any = self._module(module_name)
            for part in name.split("."):
                found = getattr(found, part)
            return getattr(found, "__bowstring_wrapped__", found)
        except Exception as error:
            what = f"{module_name}.{name}" if module_name else "a function sent by value"
            raise FunctionNotFoundError(
                f"{what} can't be loaded in the worker: {type(error).__name__}: {error}"
            ) from error
