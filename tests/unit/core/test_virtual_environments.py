"""Which virtual environments are kept, and under whose lock; they are folders here, and nothing is installed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bowstring_core import limits
from bowstring_core.environments import virtual_environment
from bowstring_core.environments.places import Lock, python_of, use
from bowstring_core.environments.virtual_environment import Installation, InstallError, make

WANTED = Installation(1, ("numpy",), (), False)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(virtual_environment, "_make_in", lambda fresh, target, installation: os.makedirs(fresh))
    return tmp_path / "bowstring" / "environments"


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def test_one_that_is_made_is_used_under_a_shared_lock(cache: Path) -> None:
    assert use("one") is None
    make(WANTED, "one")
    assert python_of("one") == str(cache / "one" / "bin" / "python")
    locks = [use("one"), use("one")]
    assert None not in locks
    assert not Lock("one").take(fcntl.LOCK_EX | fcntl.LOCK_NB)
    for lock in locks:
        assert lock is not None
        lock.release()
    alone = Lock("one")
    assert alone.take(fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert use("one") is None
    alone.release()


def test_one_that_is_there_is_not_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(WANTED, "one")
    monkeypatch.setattr(virtual_environment, "_make_in", _fail)
    make(WANTED, "one")


def _fail(_fresh: str, _target: str, _installation: Installation) -> None:
    os.makedirs(_fresh)
    raise InstallError("no network")


def test_one_that_fails_leaves_nothing_and_can_be_made_later(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(virtual_environment, "_make_in", _fail)
        with pytest.raises(InstallError, match="no network"):
            make(WANTED, "one")
    assert names(cache) == ["one.lock"]
    make(WANTED, "one")
    assert names(cache) == ["one", "one.lock"]


def test_the_oldest_that_nobody_uses_are_removed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ENVIRONMENTS_KEPT", 2)
    for age, name in enumerate(("newest", "newer", "old", "oldest")):
        make(WANTED, name)
        os.utime(cache / name, (1000 - age, 1000 - age))
    in_use = use("oldest")
    os.utime(cache / "oldest", (0, 0))
    assert in_use is not None
    make(WANTED, "one")
    assert names(cache) == sorted(
        f"{name}{end}" for name in ("newest", "newer", "oldest", "one") for end in ("", ".lock")
    )
    in_use.release()


def test_what_was_left_unfinished_is_removed(cache: Path) -> None:
    make(WANTED, "one")
    for name in (".killed", ".one", ".busy"):
        (cache / name).mkdir()
    busy = Lock("busy")
    assert busy.take(fcntl.LOCK_EX)
    make(WANTED, "two")
    assert names(cache) == [".busy", "busy.lock", "one", "one.lock", "two", "two.lock"]
    busy.release()


def test_a_folder_that_can_not_be_written_to_is_an_error_that_names_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fresh: str, _target: str, _installation: Installation) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(virtual_environment, "_make_in", full)
    with pytest.raises(InstallError, match=r"can't be made in .*No space left"):
        make(WANTED, "one")


def test_the_scripts_of_an_environment_name_the_place_that_it_gets(tmp_path: Path) -> None:
    fresh = tmp_path / ".one"
    (fresh / "bin").mkdir(parents=True)
    script = fresh / "bin" / "tool"
    script.write_text(f"#!{fresh}/bin/python\n")
    script.chmod(0o755)
    binary = fresh / "bin" / "binary"
    binary.write_bytes(os.fsencode(fresh) + b"\0")
    (fresh / "bin" / "python").symlink_to("/nowhere")
    rename: Callable[[str, str], None] = virtual_environment._name_its_place
    rename(str(fresh), str(tmp_path / "one"))
    assert script.read_text() == f"#!{tmp_path}/one/bin/python\n"
    assert script.stat().st_mode & 0o111
    assert binary.read_bytes() == os.fsencode(fresh) + b"\0"
