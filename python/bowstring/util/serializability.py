"""inspect_serializability: which part of a value can't be sent to a worker, by its path.

The value is pickled as a whole, as a task's argument is; if that fails, its parts are tried one by one: what a function
captures, the attributes of an object, the items of a container. A part that fails and has no part that fails is to
blame. Each object is visited once, so that cycles end.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TextIO

from bowstring import _options, _pickling
from bowstring.errors import SerializationError

ITEMS_MAX = 1000  # of one container that are tried
TEXT_MAX = 80


class UnserializablePart(NamedTuple):
    """A part that can't be pickled.

    Attributes:
        path: where it is, from the name of the whole: `handler.__closure__['lock']`.
        value: the part itself.
        parent: what it is a part of; the value itself if the whole is to blame.
        reason: what the pickler says.
    """

    path: str
    value: Any
    parent: Any
    reason: str


def inspect_serializability(
    value: Any, name: str | None = None, depth: int = 8, print_file: TextIO | None = None
) -> tuple[bool, list[UnserializablePart]]:
    """Find out whether a value can be sent to a worker, and if not, which of its parts is to blame.

    Args:
        value: a function, a class, or any value.
        name: what the paths begin with; the value's own name, or `$`.
        depth: how deep to look.
        print_file: where to write a report; None: nowhere. Such as sys.stdout.

    Returns:
        (it can be sent, the parts that can't). The list is empty if it can.

    Raises:
        InvalidArgumentError: depth is no int of 1 or more.
    """
    _options._count_from(1)("inspect_serializability", "depth", depth)
    root = name or getattr(value, "__qualname__", None) or "$"
    parts: list[UnserializablePart] = []
    reason = _refusal(value)
    if reason is not None:
        _blame(value, value, root, reason, depth, {id(value)}, parts)
    if print_file is not None:
        _report(root, parts, print_file)
    return reason is None, parts


def _refusal(value: Any) -> str | None:
    """Why the value can't be pickled; None if it can."""
    try:
        with _pickling.collecting():
            if inspect.isfunction(value) or inspect.isclass(value):
                import cloudpickle

                cloudpickle.dumps(value, protocol=5)
            else:
                _pickling.dumps(value)
    except SerializationError as error:
        return str(error.__cause__ or error)
    except Exception as error:  # a reducer of the user's may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def _blame(
    value: Any,
    parent: Any,
    path: str,
    reason: str,
    depth: int,
    seen: set[int],
    found: list[UnserializablePart],
) -> None:
    before = len(found)
    blamed_before = False
    if depth:
        for place, part in _parts(value):
            if id(part) in seen:
                blamed_before = blamed_before or any(known.value is part for known in found)
                continue
            part_reason = _refusal(part)
            if part_reason is not None:
                seen.add(id(part))
                _blame(part, value, path + place, part_reason, depth - 1, seen, found)
    if len(found) == before and not blamed_before:
        found.append(UnserializablePart(path, value, parent, reason))


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value is made of as far as pickling goes, and where each part is."""
    function = inspect.unwrap(value) if inspect.isfunction(value) else getattr(value, "__func__", None)
    if inspect.ismethod(value):
        yield ".__self__", value.__self__
    if inspect.isfunction(function):
        captured = inspect.getclosurevars(function)
        for name, part in captured.nonlocals.items():
            yield f".__closure__[{name!r}]", part
        for name, part in captured.globals.items():
            if not inspect.ismodule(part):
                yield f".__globals__[{name!r}]", part
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.default is not parameter.empty:
                yield f".__defaults__[{name!r}]", parameter.default
        return
    if isinstance(value, Mapping):
        for count, (key, part) in enumerate(value.items()):
            if count >= ITEMS_MAX:
                return
            yield f".keys()[{count}]", key
            yield f"[{_short(key)}]", part
    elif isinstance(value, (list, tuple)):
        for place, part in enumerate(value[:ITEMS_MAX]):
            yield f"[{place}]", part
    elif isinstance(value, (set, frozenset)):
        for count, part in enumerate(value):
            if count >= ITEMS_MAX:
                return
            yield f"{{{_short(part)}}}", part
    if inspect.isclass(value):
        for name, part in vars(value).items():
            if not (name.startswith("__") and name.endswith("__")) or inspect.isfunction(part):
                yield f".{name}", part
    else:
        yield from _attributes(value)


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    try:
        state = value.__getstate__()
    except Exception:  # a refusal of the object itself: nothing in it is to blame
        return
    for part in state if isinstance(state, tuple) else (state,):
        if isinstance(part, dict):
            for name, attribute in part.items():
                yield f".{name}", attribute


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 3] + "..."


def _report(root: str, parts: list[UnserializablePart], file: TextIO | None) -> None:
    out = file or sys.stdout
    if not parts:
        print(f"{root} can be sent to a worker", file=out)
        return
    print(f"{root} can't be sent to a worker, because of:", file=out)
    for part in parts:
        print(f"  {part.path}: {_short(part.value)} ({part.reason})", file=out)
