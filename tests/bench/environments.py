"""The peers' own virtual environments, and the compiled Java of the benchmark; both kept in a cache folder.

The folder is ``bowstring/bench`` under XDG_CACHE_HOME (``~/.cache`` when that is unset). What is there is named for
what it was made from, so a change makes it anew, and a run that was cut off leaves nothing that looks finished.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = {
    "ray": ["ray==2.60.0", "numpy>=2", "cloudpickle"],
}
"""What a peer needs from PyPI; a peer that is not named here runs in this interpreter's environment."""

JAVA_SOURCES = Path(__file__).parent / "java"


def cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(root) / "bowstring" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def interpreter(peer: str) -> str:
    """The Python program that runs a peer; its environment is made first if need be. RuntimeError if it can't be."""
    requirements = REQUIREMENTS.get(peer)
    if requirements is None:
        return sys.executable
    key = _digest([*requirements, sys.version])
    folder = cache_folder() / f"{peer}-{key}"
    program = folder / "bin" / "python"
    finished = folder / "finished"
    if not finished.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        done = subprocess.run(
            [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"can't install {' '.join(requirements)}: {done.stderr.strip()[-500:]}")
        finished.touch()
    return str(program)


def version(peer: str, python: str) -> str:
    """The version of the peer's package; Python's own, if it belongs to that."""
    program = f"""
import importlib, platform
print(getattr(importlib.import_module({peer!r}), "__version__", None) or platform.python_version())
"""
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def compile_java(system: str, jars: list[Path]) -> Path | None:
    """Compile the plain Java tasks, and the driver of the given system against its jars.

    Returns the folder of classes, or None when this machine has no JDK. A driver whose jars are not there is left out.
    """
    javac = shutil.which("javac", path=_java_home_bin()) or shutil.which("javac")
    if javac is None:
        return None
    folders = [JAVA_SOURCES / "plain", *([JAVA_SOURCES / system] if jars else [])]
    sources = sorted(path for folder in folders for path in folder.rglob("*.java"))
    key = _digest([path.read_text() for path in sources] + [f"{jar} {jar.stat().st_mtime_ns}" for jar in jars])
    classes = cache_folder() / f"classes-{system}-{key}"
    if not (classes / "class-path").exists():
        shutil.rmtree(classes, ignore_errors=True)
        command = [javac, "--release", "17", "-nowarn", "-d", str(classes)]
        command += ["-cp", os.pathsep.join(map(str, jars))] if jars else []
        done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"javac refused the benchmark's sources: {done.stderr.strip()[-1000:]}")
        (classes / "class-path").write_text("\n".join(map(str, jars)))
    return classes


def library_jars(peer: str, python: str, checkout: Path) -> list[Path]:
    """The jars that a Java driver of this peer is compiled against; empty if there are none."""
    if peer == "ray":
        asked = subprocess.run(
            [python, "-c", "import ray, os; print(os.path.dirname(ray.__file__))"], capture_output=True, text=True
        )
        jar = Path(asked.stdout.strip()) / "jars" / "ray_dist.jar"
        return [jar] if jar.exists() else []
    if peer == "bowstring":
        return sorted((checkout / "python" / "bowstring_java").glob("*.jar"))
    return []


def _java_home_bin() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin") if home else None


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
