"""Imports go one way: frontend and core know the wire, and nothing of each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "bowstring": ROOT / "python" / "bowstring",
    "bowstring_wire": ROOT / "python" / "bowstring_wire",
    "bowstring_core": ROOT / "core" / "bowstring_core",
}
ALLOWED = {
    "bowstring": {"bowstring", "bowstring_wire"},
    "bowstring_wire": {"bowstring_wire"},
    "bowstring_core": {"bowstring_core", "bowstring_wire"},
}
SLOW = ("asyncio", "numpy", "pyarrow", "cloudpickle", "flatbuffers", "grpc", "multiprocessing", "click", "rich")
"""What `import bowstring` may not bring with it; each is imported when it is first needed."""


def imported(path: Path) -> Iterator[str]:
    """Top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in PACKAGES[package].rglob("*.py")
        for name in imported(path)
        if name in PACKAGES and name not in ALLOWED[package]
    ]
    assert wrong == []


def test_importing_bowstring_loads_nothing_slow() -> None:
    program = f"import bowstring, sys; print([name for name in {SLOW!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
