"""Runs a driver written in Java, which measures itself and prints one JSON object a row."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.peer import Absent

PYTHON_TASKS = Path(__file__).parent.parent / "python"


def run_java_driver(
    main_class: str, java_classes: str, num_cpus: int, quick: bool, jars: list[str] | None = None
) -> dict[str, list[float]]:
    """Run the class with the benchmark's classes and the given jars; the figures by row.

    Raises Absent if the class was not compiled (its system's jar was not there), RuntimeError if the program failed.
    """
    if not (Path(java_classes) / (main_class.replace(".", "/") + ".class")).exists():
        raise Absent("its Java library is not there")
    java = shutil.which("java", path=_java_path())
    if java is None:
        raise Absent("no JVM")
    command = [
        java,
        "-XX:+IgnoreUnrecognizedVMOptions",
        "--sun-misc-unsafe-memory-access=allow",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
    ]
    command += ["-cp", os.pathsep.join([java_classes, *(jars or _jars_beside(java_classes))])]
    command += [main_class, str(num_cpus), "quick" if quick else "full"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(PYTHON_TASKS), "BOWSTRING_PYTHON": sys.executable},
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise RuntimeError(f"{main_class} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    figures: dict[str, list[float]] = {}
    for line in done.stdout.splitlines():
        if line.startswith('{"row"'):
            record = json.loads(line)
            figures[record["row"]] = record["values"]
    return figures


def _java_path() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin") if home else None


def _jars_beside(java_classes: str) -> list[str]:
    """The jars that the driver was compiled against."""
    return (Path(java_classes) / "class-path").read_text().split()
