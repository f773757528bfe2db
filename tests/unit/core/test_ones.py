"""The file of ones: what is in it, that nobody can change it, and when it is there."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from typing import Any

import pytest

from bowstring_core import limits
from bowstring_core.store.ones import OnesFile


@pytest.fixture
def ones() -> Iterator[OnesFile]:
    file = OnesFile()
    yield file
    file.close()


def open_files() -> set[str]:
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{fd}"))
        except FileNotFoundError:  # the listing's own
            continue
    return {name for name in found if "bowstring-ones" in name}


@pytest.mark.rule("3.14/1")
def test_every_byte_is_ones_for_a_whole_number_of_pages(ones: OnesFile) -> None:
    with open(ones.path(), "rb") as file:
        content = file.read()
    assert content == b"\xff" * limits.ONES_BYTES
    assert len(content) % mmap.PAGESIZE == 0


@pytest.mark.rule("3.14/1")
def test_nobody_can_write_it_or_change_its_length(ones: OnesFile) -> None:
    fd = os.open(ones.path(), os.O_RDWR)
    try:
        for change in (
            lambda: os.write(fd, b"\0"),
            lambda: os.ftruncate(fd, 0),
            lambda: os.ftruncate(fd, 2 * limits.ONES_BYTES),
            lambda: mmap.mmap(fd, limits.ONES_BYTES, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE),
        ):
            with pytest.raises(PermissionError):
                change()
    finally:
        os.close(fd)


@pytest.mark.rule("3.14/2")
def test_it_can_be_mapped_side_by_side(ones: OnesFile) -> None:
    with open(ones.path(), "rb") as file:
        first, second = (mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) for _ in range(2))
    assert first[:] == second[:] == b"\xff" * limits.ONES_BYTES


def test_it_is_made_at_the_first_look_and_no_second_time(ones: OnesFile) -> None:
    assert open_files() == set()
    path = ones.path()
    before = os.listdir("/proc/self/fd")
    assert ones.path() == path
    assert os.listdir("/proc/self/fd") == before
    assert len(open_files()) == 1


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_closed_one_is_not_made_again(ones: OnesFile, looked_at: bool) -> None:
    if looked_at:
        assert ones.path() != ""
    ones.close()
    ones.close()
    assert ones.path() == ""
    assert open_files() == set()


@pytest.mark.rule("3.14/3")
def test_who_maps_it_keeps_it_when_it_is_closed(ones: OnesFile) -> None:
    with open(ones.path(), "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    ones.close()
    assert mapped[:] == b"\xff" * limits.ONES_BYTES


@pytest.mark.parametrize("call", ["memfd_create", "write"])
def test_a_machine_without_memory_has_none_and_nothing_is_left(
    ones: OnesFile, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "no memory")

    monkeypatch.setattr(os, call, full)
    assert ones.path() == ""
    assert open_files() == set()
