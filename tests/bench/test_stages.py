"""The stages of a call add up, in a program of their own: its probes stay in the process."""

from __future__ import annotations

import subprocess
import sys


def test_every_stage_takes_its_time() -> None:
    program = [sys.executable, "-m", "tests.bench.stages", "--calls", "500"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    figures = [float(line.split()[-2]) for line in done.stdout.splitlines() if line.endswith("│") and "er: " in line]
    assert len(figures) == 2 + 3 + 4
    assert all(figure > 0 for figure in figures)
