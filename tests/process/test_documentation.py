"""The examples of the documentation run as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

START = Path(__file__).resolve().parents[2] / "docs" / "start.md"


def python_blocks(text: str) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def test_the_python_examples_of_the_first_page_run(tmp_path: Path) -> None:
    program = tmp_path / "start.py"
    program.write_text(python_blocks(START.read_text().partition("## Java from Python")[0]))
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[0, 1, 4, 9, 16, 25, 36, 49]", "25", "[1, 2, 3]"]
