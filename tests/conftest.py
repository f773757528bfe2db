"""What all tests share: nobody leaves anything behind; a folder for sockets; and how long the soak is."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.leaks.fixture import leaves_nothing_behind

__all__ = ["leaves_nothing_behind", "short_path"]


@pytest.fixture
def short_path() -> Iterator[Path]:
    """As tmp_path, but short enough for the sockets of a runtime."""
    folder = Path(tempfile.mkdtemp(prefix="bow-"))
    yield folder
    shutil.rmtree(folder)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak 100000`, `--soak-calls 100000`: long soaks; they take minutes, so give `--timeout` too."""
    parser.addoption("--soak", type=int, default=1_200, help="puts of the soak in tests/process/test_soak.py")
    parser.addoption("--soak-calls", type=int, default=400, help="calls of the soak of calls there")
