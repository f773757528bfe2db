"""The leak check finds each kind of leak, and nothing where nothing is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.leaks.traces import own_traces, processes_of, wait_nothing_is_left


def test_a_clean_process_leaves_nothing(tmp_path: Path) -> None:
    assert wait_nothing_is_left(tmp_path, own_traces()) == []


def test_a_process_with_the_folder_in_its_environment_is_found_until_it_ends(tmp_path: Path) -> None:
    environment = {**os.environ, "BOWSTRING_TMP": str(tmp_path)}
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(processes_of(tmp_path)) == [process.pid]
        [left] = wait_nothing_is_left(tmp_path, own_traces(), within_s=0)
        assert left.startswith(f"process {process.pid}: ")
        process.communicate()
    assert wait_nothing_is_left(tmp_path, own_traces()) == []


def test_a_session_folder_is_found(tmp_path: Path) -> None:
    before = own_traces()
    (tmp_path / "bowstring-0" / "session").mkdir(parents=True)
    assert wait_nothing_is_left(tmp_path, before, within_s=0) == ["session: bowstring-0/session"]


def test_an_open_descriptor_is_found(tmp_path: Path) -> None:
    before = own_traces()
    reader, writer = os.pipe()
    left = wait_nothing_is_left(tmp_path, before, within_s=0)
    os.close(reader)
    os.close(writer)
    assert [line.split(":")[0] for line in left] == [f"descriptor {end}" for end in sorted((reader, writer))]


def test_mapped_shared_memory_is_found(tmp_path: Path) -> None:
    import mmap

    before = own_traces()
    descriptor = os.memfd_create("leak")
    os.truncate(descriptor, 4096)
    mapped = mmap.mmap(descriptor, 4096)
    os.close(descriptor)
    left = wait_nothing_is_left(tmp_path, before, within_s=0)
    mapped.close()
    assert any(line.startswith("mapping of shared memory") for line in left)
    assert wait_nothing_is_left(tmp_path, before) == []


def test_a_thread_is_waited_for_until_it_ends(tmp_path: Path) -> None:
    before = own_traces()
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="straggler")
    thread.start()
    assert wait_nothing_is_left(tmp_path, before, within_s=0) == ["thread straggler"]
    end.set()
    assert wait_nothing_is_left(tmp_path, before) == []
