"""A runtime whose Java workers have the classes of these tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow

HERE = Path(__file__).parent
LIBRARY = HERE.parents[2] / "python" / "bowstring_java" / "bowstring-all.jar"
STORE_BYTES = max(3 * int(os.environ.get("BOWSTRING_TABLE_BYTES", str(128 << 20))), 2 << 30) + (256 << 20)


def compile_classes(classes: Path) -> Path:
    """The Java classes of these tests, compiled into a folder."""
    javac = shutil.which("javac")
    assert javac is not None, "these tests need a JDK's javac on PATH"
    assert LIBRARY.exists(), "these tests need the Java library: run make java"
    sources = [str(path) for path in sorted((HERE / "java").rglob("*.java"))]
    subprocess.run([javac, "--release", "17", "-nowarn", "-cp", str(LIBRARY), "-d", str(classes), *sources], check=True)
    return classes


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bow.Session]:
    classes = compile_classes(tmp_path_factory.mktemp("classes"))
    with bow.init(num_cpus=2, object_store_memory=STORE_BYTES, class_path=[str(classes)]) as session:
        yield session
