"""Environments without a process: their table, and the packages of files that they are made of."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from bowstring_core import limits
from bowstring_core.environments import packages
from bowstring_core.environments.places import PackageError, place
from bowstring_core.environments.virtual_environment import Installation, InstallError
from bowstring_core.machine.environments import EnvironmentTable, Launch, Make, Refuse
from bowstring_core.machine.transitions import TransitionError

KEY = b"k" * 16


def test_a_worker_of_an_environment_without_packages_is_launched_at_once() -> None:
    table = EnvironmentTable()
    table.add(KEY, installs=False)
    assert table.wanted(KEY, 1) == [Launch(1)]


def test_an_environment_is_made_once_for_all_who_wait_and_then_there() -> None:
    table = EnvironmentTable()
    table.add(KEY, installs=True)
    assert table.wanted(KEY, 1) == [Make(KEY)]
    assert table.wanted(KEY, 2) == []
    assert table.made(KEY) == [Launch(1), Launch(2)]
    table.add(KEY, installs=True)
    assert table.wanted(KEY, 3) == [Launch(3)]


def test_a_failure_is_told_to_all_who_wait_and_the_next_one_tries_again() -> None:
    table = EnvironmentTable()
    table.add(KEY, installs=True)
    table.wanted(KEY, 1)
    table.wanted(KEY, 2)
    assert table.failed(KEY, "no network") == [Refuse(1, "no network"), Refuse(2, "no network")]
    assert table.wanted(KEY, 3) == [Make(KEY)]


def test_what_is_not_being_made_can_not_fail() -> None:
    table = EnvironmentTable()
    table.add(KEY, installs=False)
    with pytest.raises(TransitionError):
        table.failed(KEY, "why")


def kept(session: Path, source: Path, module: bool = False) -> Path:
    return Path(place(str(session), packages.keep(str(session), str(source), module)))


def refused(session: Path, source: Path, module: bool = False) -> str:
    with pytest.raises(PackageError) as caught:
        packages.keep(str(session), str(source), module)
    left = list((session / "packages").iterdir()) if (session / "packages").exists() else []
    assert left == []
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "inner").mkdir(parents=True)
    (folder / "main.py").write_text("x = 1\n")
    (folder / "inner" / "run.sh").write_text("true\n")
    (folder / "inner" / "run.sh").chmod(0o755)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "main.pyc").write_bytes(b"old")
    return folder


def test_a_folder_is_copied_without_what_is_cached_and_keeps_its_modes(tmp_path: Path, folder: Path) -> None:
    copy = kept(tmp_path, folder)
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*")) == ["inner", "inner/run.sh", "main.py"]
    assert (copy / "inner" / "run.sh").stat().st_mode & stat.S_IXUSR
    assert not (copy / "main.py").stat().st_mode & stat.S_IXUSR


def test_a_folder_is_copied_without_what_is_excluded(tmp_path: Path, folder: Path) -> None:
    (folder / "big").mkdir()
    (folder / "big" / "data.csv").write_text("1,2")
    (folder / "inner" / "more.csv").write_text("3,4")
    name = packages.keep(str(tmp_path), str(folder), True, ["/big/", "*.csv", "!/inner/more.csv"])
    copy = Path(place(str(tmp_path), name)) / "project"
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*.*")) == [
        "inner/more.csv",
        "inner/run.sh",
        "main.py",
    ]
    with pytest.raises(PackageError, match="is no pattern"):
        packages.keep(str(tmp_path), str(folder), False, ["[z-a]"])


def test_a_package_is_named_by_what_it_holds(tmp_path: Path, folder: Path) -> None:
    first = kept(tmp_path, folder)
    assert kept(tmp_path, folder) == first
    (folder / "main.py").write_text("x = 2\n")
    second = kept(tmp_path, folder)
    assert second != first
    assert (first / "main.py").read_text() == "x = 1\n"
    assert sorted(path.name for path in (tmp_path / "packages").iterdir()) == sorted((first.name, second.name))


def test_a_link_is_followed_and_a_circle_is_refused(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "data").write_text("far")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    assert (kept(tmp_path, folder) / "linked" / "data").read_text() == "far"
    session = tmp_path / "other"
    session.mkdir()
    (folder / "inner" / "up").symlink_to(folder)
    assert "leads back" in refused(session, folder)


def test_what_is_neither_file_nor_folder_is_left_out(tmp_path: Path, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert not (kept(tmp_path, folder) / "pipe").exists()


def test_a_module_keeps_its_name(tmp_path: Path, folder: Path) -> None:
    assert (kept(tmp_path, folder, True) / "project" / "main.py").exists()
    assert (kept(tmp_path, folder / "main.py", True) / "main.py").exists()


def test_a_folder_that_has_no_modules_name_is_no_module(tmp_path: Path) -> None:
    (tmp_path / "not-a-name").mkdir()
    assert "no name of a module" in refused(tmp_path, tmp_path / "not-a-name", True)


def test_what_does_not_exist_or_is_no_archive_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path, tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("hello")
    assert "a folder or a .zip archive" in refused(tmp_path, tmp_path / "notes.txt")
    (tmp_path / "broken.zip").write_text("hello")
    assert "not a zip file" in refused(tmp_path, tmp_path / "broken.zip")


def archive(path: Path, *entries: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            file.writestr(info, data)
    return path


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("main.py", b"x = 1", 0), ("bin/run", b"true", stat.S_IFREG | 0o755))
    copy = kept(tmp_path, path)
    assert (copy / "main.py").read_bytes() == b"x = 1"
    assert (copy / "bin" / "run").stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a//b", "..\\evil", "./x"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert "leads out" in refused(tmp_path, archive(tmp_path / "a.zip", ("fine", b"", 0), (name, b"", 0)))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_an_archive_with_a_link_or_a_device_is_refused(tmp_path: Path, kind: int) -> None:
    assert "link or a device" in refused(tmp_path, archive(tmp_path / "a.zip", ("x", b"/etc/passwd", kind | 0o777)))


def test_an_archive_that_says_that_it_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACKAGE_BYTES_MAX", 1000)
    assert "would unpack to 5,000 bytes" in refused(tmp_path, archive(tmp_path / "a.zip", ("x", bytes(5000), 0)))


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACKAGE_BYTES_MAX", 1000)
    path = archive(tmp_path / "a.zip", ("x", bytes(5000), 0))
    data = path.read_bytes()
    path.write_bytes(data.replace((5000).to_bytes(4, "little"), (500).to_bytes(4, "little")))
    refused(tmp_path, path)


def test_a_folder_that_is_too_large_is_refused(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACKAGE_BYTES_MAX", 8)
    assert "holds more than" in refused(tmp_path, folder)
    monkeypatch.setattr(limits, "PACKAGE_BYTES_MAX", 8000)
    monkeypatch.setattr(limits, "PACKAGE_FILES_MAX", 1)
    assert "more than 1 files" in refused(tmp_path, folder)


def test_an_archive_whose_entries_clash_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = archive(tmp_path / "a.zip", ("x", b"1", 0), ("x", b"2", 0))
    assert "there twice" in refused(tmp_path, twice)
    assert "a file and a folder" in refused(tmp_path, archive(tmp_path / "b.zip", ("x", b"1", 0), ("x/y", b"2", 0)))


@pytest.mark.parametrize("name", ["package:../../etc", "package:", "package:0123", "/somewhere"])
def test_only_names_of_packages_that_are_there_have_a_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageError):
        place(str(tmp_path), name)


def test_an_installation_is_named_by_requirements_options_and_the_files_among_them(tmp_path: Path) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    wheel.write_bytes(b"one")
    ids = {
        Installation(1, ("a", "b"), (), False).id(),
        Installation(1, ("a", "b"), ("--pre",), False).id(),
        Installation(1, ("a",), (), False).id(),
        Installation(2, ("a",), (), False).id(),
        Installation(1, (str(wheel),), (), False).id(),
    }
    wheel.write_bytes(b"two")
    ids.add(Installation(1, (str(wheel),), (), False).id())
    assert len(ids) == 6
    assert Installation(1, (str(wheel),), (), False).id() in ids


def test_a_requirement_that_is_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root reads everything")
    wheel = tmp_path / "tiny.whl"
    wheel.write_bytes(b"one")
    wheel.chmod(0)
    with pytest.raises(InstallError):
        Installation(1, (str(wheel),), (), False).id()
