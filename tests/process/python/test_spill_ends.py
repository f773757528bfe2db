"""What goes to disk when its limit, or the node's end, is met; each test has a runtime of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

import bowstring as bow
from tests.process.python.test_spill import CAPACITY, MB, array, spill_files, store


def put_until_it_fails(refs: list[bow.ObjectRef[np.ndarray]]) -> None:
    for number in range(40):
        refs.append(bow.put(array(number)))


def test_files_have_no_names_and_go_with_a_killed_node(tmp_path: Path) -> None:
    with bow.init(num_cpus=1, object_store_memory=CAPACITY, spill_directory=str(tmp_path)) as session:
        refs = [bow.put(array(number)) for number in range(24)]
        assert all(path.startswith(str(tmp_path)) for path in spill_files(session.node_pid))
        assert list(tmp_path.iterdir()) == []
        os.kill(session.node_pid, signal.SIGKILL)
        with pytest.raises(bow.NodeDiedError):
            bow.get(refs)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.rule("3.13/2")
def test_a_full_disk_is_an_error_of_its_own_and_what_is_there_stays() -> None:
    with bow.init(num_cpus=1, object_store_memory=CAPACITY, spill_bytes_max=40 * MB):
        refs: list[bow.ObjectRef[np.ndarray]] = []
        with pytest.raises(bow.OutOfDiskError, match=f"spill_bytes_max is {40 * MB}"):
            put_until_it_fails(refs)
        assert len(refs) >= 8
        assert all((bow.get(ref) == number).all() for number, ref in enumerate(refs))
        del refs[:4]
        assert bow.get(bow.put(array(99)))[0] == 99


@pytest.mark.rule("3.13/2")
def test_without_a_disk_a_full_store_refuses() -> None:
    with bow.init(num_cpus=1, object_store_memory=CAPACITY, spill_bytes_max=0):
        with pytest.raises(bow.ObjectStoreFullError, match="spill_bytes_max is 0"):
            put_until_it_fails([])
        assert not store()["disk_bytes"]
