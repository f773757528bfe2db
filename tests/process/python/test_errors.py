"""What user code raises arrives as what it is, however odd its class."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import bowstring as bow

pytestmark = pytest.mark.usefixtures("runtime")


class Unpicklable(Exception):
    """Holds what can't be pickled."""

    def __init__(self, message: str) -> None:
        super().__init__(message, threading.Lock())
        self.number = 5
        self.lock = threading.Lock()


class WantsKeywords(ValueError):
    """Pickles, and does not unpickle."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"because {reason}")
        self.reason = reason


class Slotted(Exception):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@bow.remote
def fail(kind: str) -> None:
    if kind == "unpicklable":
        raise Unpicklable("locked")
    if kind == "keywords":
        raise WantsKeywords(reason="of rain")
    if kind == "slotted":
        raise Slotted(7)
    if kind == "mute":
        raise Mute
    if kind == "file":
        Path("/nowhere/at/all").read_bytes()
    if kind == "import":
        import nothing_of_this_name  # noqa: F401
    if kind == "group":
        raise ExceptionGroup("several", [ValueError("bad"), KeyError("lost"), ExceptionGroup("deep", [OSError("io")])])
    if kind == "exit":
        sys.exit(3)
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "chain":
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error


def test_an_exception_that_does_not_pickle_is_still_one_of_its_class() -> None:
    with pytest.raises(Unpicklable) as caught:
        bow.get(fail.remote("unpicklable"))
    assert isinstance(caught.value, bow.TaskError)
    assert caught.value.args[0] == "locked"
    assert "lock" in caught.value.args[1]
    assert caught.value.number == 5
    assert not hasattr(caught.value, "lock")
    with pytest.raises(WantsKeywords, match="because of rain") as wanted:
        bow.get(fail.remote("keywords"))
    assert wanted.value.reason == "of rain"


def test_attributes_beside_the_dictionary_arrive() -> None:
    with pytest.raises(Slotted) as slotted:
        bow.get(fail.remote("slotted"))
    assert slotted.value.code == 7
    with pytest.raises(FileNotFoundError) as missing:
        bow.get(fail.remote("file"))
    assert (missing.value.errno, missing.value.filename) == (2, "/nowhere/at/all")
    with pytest.raises(ModuleNotFoundError) as absent:
        bow.get(fail.remote("import"))
    assert absent.value.name == "nothing_of_this_name"


def test_an_exception_without_words_arrives() -> None:
    with pytest.raises(Mute):
        bow.get(fail.remote("mute"))


def test_groups_are_caught_by_their_parts() -> None:
    found: list[Any] = []
    try:
        bow.get(fail.remote("group"))
    except* ValueError as group:
        found.append(("value", group.exceptions))
    except* OSError as group:
        found.append(("io", group.exceptions))
    except* KeyError as group:
        found.append(("key", group.exceptions))
    assert sorted(name for name, _ in found) == ["io", "key", "value"]
    with pytest.raises(ExceptionGroup) as caught:
        bow.get(fail.remote("group"))
    assert isinstance(caught.value, bow.TaskError)
    assert caught.value.subgroup(OSError) is not None
    assert "KeyError" in caught.value.remote_traceback


@pytest.mark.parametrize(("kind", "name"), [("exit", "SystemExit"), ("interrupt", "KeyboardInterrupt")])
def test_what_would_end_a_program_ends_the_task_alone(kind: str, name: str) -> None:
    with pytest.raises(bow.TaskError) as caught:
        bow.get(fail.remote(kind))
    assert caught.value.type_name == name
    assert not isinstance(caught.value, (SystemExit, KeyboardInterrupt))
    assert bow.get(fail.remote("nothing")) is None


def test_an_actor_survives_what_would_end_a_program() -> None:
    @bow.remote
    class Fragile:
        def exit(self) -> None:
            sys.exit(1)

        def hello(self) -> str:
            return "hello"

    fragile = Fragile.remote()
    with pytest.raises(bow.TaskError, match="SystemExit"):
        bow.get(fragile.exit.remote())
    assert bow.get(fragile.hello.remote()) == "hello"


def test_causes_are_told_in_order() -> None:
    with pytest.raises(ValueError, match="second") as caught:
        bow.get(fail.remote("chain"))
    assert isinstance(caught.value, bow.TaskError)
    assert caught.value.record is not None
    assert [cause.type_name for cause in caught.value.record.causes] == ["KeyError"]
