"""inspect_serializability names the part that can't be pickled."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

import bowstring as bow
from bowstring.util import inspect_serializability


class Model:
    def __init__(self, guard: object) -> None:
        self.name = "m"
        self.guard = guard

    def predict(self) -> None: ...


def blamed(value: Any, **options: Any) -> list[str]:
    can, parts = inspect_serializability(value, **options)
    assert can == (not parts)
    return [part.path for part in parts]


def test_what_can_be_sent_has_no_blame() -> None:
    assert blamed([1, {"a": (2, "b")}]) == []
    assert blamed(lambda x: x) == []
    assert blamed(Model) == []
    assert blamed(Model(None)) == []


def test_a_lock_is_found_in_containers_and_attributes() -> None:
    lock = threading.Lock()
    assert blamed(lock) == ["$"]
    assert blamed({"config": [1, {"lock": lock}]}, name="options") == ["options['config'][1]['lock']"]
    assert blamed(Model(lock), name="model") == ["model.guard"]
    assert blamed(Model([lock]).predict, name="predict") == ["predict.__self__.guard[0]"]


def test_what_a_function_captures_is_found() -> None:
    lock = threading.Lock()

    def handler() -> object:
        return lock

    def waits(seconds: int, using: object = lock) -> None: ...

    assert blamed(handler, name="handler") == ["handler.__closure__['lock']"]
    assert blamed(waits, name="waits") == ["waits.__defaults__['using']"]


def test_each_part_tells_its_parent_and_the_reason() -> None:
    lock = threading.Lock()
    box = [lock]
    _, (part,) = inspect_serializability(box)
    assert part.value is lock
    assert part.parent is box
    assert "lock" in part.reason


def test_cycles_end_and_a_part_is_blamed_once() -> None:
    lock = threading.Lock()
    box: list[Any] = [lock, lock]
    box.append(box)
    assert blamed(box) == ["$[0]"]


def test_depth_bounds_the_search() -> None:
    assert blamed([[[threading.Lock()]]], depth=1) == ["$[0]"]
    with pytest.raises(bow.InvalidArgumentError, match="depth"):
        inspect_serializability(1, depth=0)


def test_a_report_can_be_printed() -> None:
    out = io.StringIO()
    inspect_serializability([threading.Lock()], name="box", print_file=out)
    assert "box[0]" in out.getvalue()
    out = io.StringIO()
    inspect_serializability(1, name="one", print_file=out)
    assert out.getvalue() == "one can be sent to a worker\n"
