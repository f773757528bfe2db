"""The example of a database in Java and an evaluation in Python runs, as the Maven project that it is, and adds up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ORDERS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "orders"


@pytest.mark.skipif(not (ORDERS / "target" / "dependency").exists(), reason="make orders builds it")
def test_what_python_made_of_the_orders_agrees_with_the_database(tmp_path: Path) -> None:
    java = shutil.which("java")
    assert java is not None
    classes = os.pathsep.join([str(ORDERS / "target" / "classes"), str(ORDERS / "target" / "dependency" / "*")])
    command = [java, "-cp", classes, f"-Dorders.python={ORDERS / 'python'}", "orders.Main", str(tmp_path), "50000"]
    environment = {**os.environ, "BOWSTRING_PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "50000 orders in 3 batches, 499 customers, 0 differences" in done.stdout
