"""Values on disk: files without names, room that is checked, bytes that come back, threads that hand over results."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bowstring_core.store import archives, segments
from bowstring_core.store.archives import Archive, DiskFullError, DiskThread, Stored


def stored(data: bytes, lead: int = 100) -> Stored:
    """The data somewhere in a memory file."""
    fd = os.memfd_create("test")
    os.write(fd, bytes(lead) + data)
    return Stored(fd, lead, len(data))


def test_what_was_written_is_read_back_and_the_folder_stays_empty(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    large, small = os.urandom(5 << 20), os.urandom(100)
    piece = stored(large)
    offsets = archive.write([small, piece, b"tail"], 0)
    assert list(tmp_path.iterdir()) == []
    assert [offset % 64 for offset in offsets] == [0, 0, 0]
    for offset, data in zip(offsets, (small, large, b"tail"), strict=True):
        target = bytearray(len(data))
        archive.read_into(offset, memoryview(target))
        assert target == data
    os.close(piece.fd)
    archive.close()


def test_a_file_system_without_nameless_files_gets_one_that_is_unlinked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY | os.O_WRONLY)  # EISDIR, as an old kernel answers
    archive = Archive(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert archive.write([b"data"], 0) == [0]
    archive.close()


def test_a_folder_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError):
        Archive("/nowhere")


def test_more_than_the_disk_has_is_refused_and_names_the_numbers(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    with pytest.raises(DiskFullError, match=r"4 bytes were to go to disk, which has \d+ left, and \d+ must stay"):
        archive.write([b"data"], 1 << 60)
    archive.close()


def test_freed_pages_go_back_to_the_disk(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    data = os.urandom(1 << 20)
    first, second = archive.write([data, data], 0)
    before = os.fstat(archive.fd).st_blocks
    archive.free(first, len(data))
    assert os.fstat(archive.fd).st_blocks <= before - (len(data) >> 9) + 16
    target = bytearray(len(data))
    archive.read_into(second, memoryview(target))
    assert target == data
    archive.close()


def test_values_go_to_a_disk_even_if_the_session_lies_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert archives.default_folder(str(tmp_path)) in (str(tmp_path), "/var/tmp", "/tmp")
    monkeypatch.setattr(archives, "_is_in_memory", lambda folder: folder == str(tmp_path))
    assert archives.default_folder(str(tmp_path)) == "/var/tmp"
    monkeypatch.setattr(archives, "_is_in_memory", lambda folder: True)
    assert archives.default_folder(str(tmp_path)) == str(tmp_path)


def test_a_disk_thread_runs_jobs_in_order_and_hands_over_errors() -> None:
    done = threading.Semaphore(0)
    thread = DiskThread("test", done.release)
    results: list[object] = []

    def fail() -> None:
        raise OSError("no")

    thread.call(lambda: 1, results.append)
    thread.call(fail, results.append)
    for _ in range(2):
        done.acquire()
    thread.collect()
    thread.close()
    assert results[0] == 1
    assert isinstance(results[1], OSError)


def test_a_control_group_bounds_what_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = segments.memory_available()
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 500000\ninactive_file 200000\nactive_file 100000\nshmem 100000\n")
    monkeypatch.setattr(segments, "_CGROUP", str(tmp_path))
    assert segments.memory_available() == 400_000
    assert segments.memory_total() == 1_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert segments.memory_available() > 0.5 * machine
