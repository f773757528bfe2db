"""The fixture; conftest.py of each folder of tests takes it from here."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.leaks.traces import VARIABLE, own_traces, processes_of, wait_nothing_is_left


@pytest.fixture(autouse=True)
def leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Fail a test whose runtimes leave processes, folders, descriptors, threads or shared memory behind.

    Gives the parent of the test's session folders. A test that starts no runtime pays for an empty folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="bow-"))  # short, for the sockets in it
    monkeypatch.setenv(VARIABLE, str(folder))
    before = own_traces()
    try:
        yield folder
        if any(folder.iterdir()):
            left = wait_nothing_is_left(folder, before, own=not _runs_here())
            assert not left, "the test left behind:\n  " + "\n  ".join(left)
    finally:
        for pid in processes_of(folder) if any(folder.iterdir()) else ():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _runs_here() -> bool:
    bowstring = sys.modules.get("bowstring")
    return bowstring is not None and bowstring.is_initialized()
