"""The shape of portable trees (spec section 3.6), judged level by level at the speed of C.

Trees may hold millions of elements, so nothing here runs Python code for each: a level's children are chained, and
their types are one set. Only an error is worth a walk, and `offender` then walks until it finds the part to name.

Containers are exactly list, tuple and dict. A level in which a container stands more than once is searched once, so
that a value that contains itself ends at the depth limit instead of never.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import Any

DEPTH_MAX = 256
INT_MIN = -(1 << 63)
INT_MAX = (1 << 63) - 1
LONG_LIST_ITEMS_MIN = 1024
LONG_BYTES_MIN = 4096

_PATH_SHOWN = 64  # characters of the path of what is too deep
_CONTAINERS = frozenset((list, tuple, dict))
_KEYS = frozenset((str, int))
_NUMBERS = frozenset((int, float, bool))


class Survey:
    """What a walk over a tree found.

    Attributes:
        depth: Levels of containers; one more than DEPTH_MAX if there are more.
        keys_fit: Whether every key is a str or int.
        kinds: Types of all elements and values but for those of long lists, and of all keys.
        containers: How many containers there are.
        long_bytes: What could lie in buffers of its own: items of long lists and bytes of long bin values together.
    """

    __slots__ = ("containers", "depth", "keys_fit", "kinds", "long_bytes")

    def __init__(self) -> None:
        self.depth = 0
        self.keys_fit = True
        self.kinds: set[type] = set()
        self.containers = 0
        self.long_bytes = 0


def is_container(kind: type) -> bool:
    """Whether values of exactly this type hold others."""
    return kind in _CONTAINERS


def homogeneous(items: Collection[Any]) -> type | None:
    """int, float or bool if the list or tuple is long and has only such elements; else None."""
    if len(items) < LONG_LIST_ITEMS_MIN:
        return None
    kind = type(next(iter(items)))
    return kind if kind in _NUMBERS and set(map(type, items)) == {kind} else None


def survey(value: Any) -> Survey:
    """Look a tree over: types, keys, depth, and what is long."""
    found = Survey()
    level = [value] if is_container(type(value)) else []
    while level and found.depth <= DEPTH_MAX:
        found.depth += 1
        found.containers += len(level)
        lists, children = _opened(level, found)
        if lists:
            children.extend(chain.from_iterable(lists))
        kinds = set(map(type, children))
        found.kinds |= kinds
        if bytes in kinds or bytearray in kinds:
            sizes = [len(item) for item in children if type(item) is bytes or type(item) is bytearray]
            found.long_bytes += sum(size for size in sizes if size >= LONG_BYTES_MIN)
        level = _containers(children, kinds)
    return found


def _opened(level: list[Any], found: Survey) -> tuple[list[Any], list[Any]]:
    """(the level's lists but for those of numbers alone that are long, the values of its dicts)."""
    values: list[Any] = []
    lists = [item for item in level if type(item) is not dict]
    if len(lists) < len(level):
        dicts = [item for item in level if type(item) is dict] if lists else level
        keys = set(map(type, chain.from_iterable(dicts)))
        found.keys_fit = found.keys_fit and keys <= _KEYS
        found.kinds |= keys
        values.extend(chain.from_iterable(map(dict.values, dicts)))
    if lists and max(map(len, lists)) >= LONG_LIST_ITEMS_MIN:
        long = set(map(id, filter(homogeneous, lists)))
        if long:
            found.long_bytes += sum(len(item) for item in lists if id(item) in long)
            lists = [item for item in lists if id(item) not in long]
    return lists, values


def integers_fit(value: Any) -> bool:
    """Whether every integer of a tree, keys included, is an int64."""
    if type(value) is int:
        return INT_MIN <= value <= INT_MAX
    level = [value] if is_container(type(value)) else []
    depth = 0
    while level and depth <= DEPTH_MAX:
        depth += 1
        dicts = [item for item in level if type(item) is dict]
        lists = [item for item in level if type(item) is not dict]
        children: list[Any] = []
        children.extend(chain.from_iterable(lists))
        children.extend(chain.from_iterable(map(dict.values, dicts)))
        integers = [item for item in chain(children, chain.from_iterable(dicts)) if type(item) is int]
        if integers and (max(integers) > INT_MAX or min(integers) < INT_MIN):
            return False
        level = _containers(children, set(map(type, children)))
    return True


def _containers(children: list[Any], kinds: set[type]) -> list[Any]:
    if _CONTAINERS.isdisjoint(kinds):
        return []
    found = [item for item in children if type(item) in _CONTAINERS]
    return list(dict(zip(map(id, found), found, strict=True)).values())


def offender(value: Any, path: str, judge: Callable[[Any], str | None]) -> tuple[str, str] | None:
    """Find the first part of a tree that does not fit, depth first: (its path, what is wrong), or None.

    Args:
        value: The tree.
        path: The path of `value`.
        judge: Says what is wrong with a value that is no container, or None.
    """
    walks = [iter([(path, value)])]
    while walks:
        step = next(walks[-1], None)
        if step is None:
            walks.pop()
            continue
        at, part = step
        kind = type(part)
        if not is_container(kind):
            wrong = judge(part)
            if wrong:
                return at, wrong
            continue
        if len(walks) > DEPTH_MAX:
            return f"{at[:_PATH_SHOWN]}...", f"nested more than {DEPTH_MAX} deep, or contains itself"
        if kind is dict:
            for key in part:
                if type(key) not in _KEYS:
                    return at, f"a key of type {type_name(type(key))}; keys are str or int"
                wrong = judge(key)
                if wrong:
                    return at, f"the key {key!a}: {wrong}"
            walks.append(_named(at, part))
        else:
            walks.append(_indexed(at, part))
    return None


def _named(path: str, items: dict[Any, Any]) -> Any:
    return ((path + step_name(key), item) for key, item in items.items())


def _indexed(path: str, items: Iterable[Any]) -> Any:
    return ((f"{path}[{index}]", item) for index, item in enumerate(items))


def step_name(key: str | int) -> str:
    """A key as a step of a path (spec section 3.2, rule 3)."""
    if type(key) is int:
        return f"[{key}]"
    if isinstance(key, str) and key.isidentifier():
        return f".{key}"
    import json  # only errors need it

    return f"[{json.dumps(str(key))}]"


def type_name(kind: type) -> str:
    """A type's name as users write it."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
