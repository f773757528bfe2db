"""Runs the cases: for each pair of driver language and worker language, one driver process with one runtime.

A driver is given a plan (a JSON file) and prints a line when a case begins and when it ends. If its process ends or
stands still in the middle of a case, that case has failed, and a new driver goes on behind it.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from conformance.case import Case

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = Path(__file__).parent / "languages"
JAR = ROOT / "python" / "bowstring_java" / "bowstring-all.jar"
CASE_MAX_S = 60.0
START_MAX_S = 60.0
NUM_CPUS = 2


class NotReady(Exception):
    """A language can't be run on this machine; the message says what it needs."""


@dataclass
class Language:
    """How to start a language's driver, from its language.toml; see the placeholders there."""

    name: str
    driver: list[str]
    build: list[list[str]] = field(default_factory=list)
    class_path: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    sources: str = ""
    built: bool = False

    def values(self) -> dict[str, str]:
        folder = LANGUAGES / self.name
        return {
            "python": sys.executable,
            "root": str(ROOT),
            "folder": str(folder),
            "jar": str(JAR),
            "build": str(folder / "target"),
        }

    def fill(self, command: list[str], **more: str) -> list[str]:
        return [part.format(**self.values(), **more) for part in command]

    def prepare(self) -> None:
        """Build the driver and the library, if their sources are newer. Raises NotReady."""
        if self.built:
            return
        for need in self.fill(self.needs):
            if shutil.which(need) is None and not Path(need).exists():
                raise NotReady(f"{self.name} needs {need}")
        folder = Path(self.values()["build"])
        stamp = folder / "built"
        sources = list((LANGUAGES / self.name).rglob(self.sources)) if self.sources else []
        inputs = [*sources, *(Path(need) for need in self.fill(self.needs) if Path(need).is_file())]
        if self.build and (not stamp.exists() or any(p.stat().st_mtime > stamp.stat().st_mtime for p in inputs)):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for command in self.build:
                expanded = [part for word in self.fill(command) for part in self._expanded(word, sources)]
                done = subprocess.run(expanded, capture_output=True, text=True)
                if done.returncode != 0:
                    raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
            stamp.touch()
        self.built = True

    @staticmethod
    def _expanded(word: str, sources: list[Path]) -> list[str]:
        return [str(path) for path in sorted(sources)] if word == "<sources>" else [word]


def read_languages() -> dict[str, Language]:
    """The languages that have a folder, by name."""
    found = {}
    for path in sorted(LANGUAGES.glob("*/language.toml")):
        found[path.parent.name] = Language(path.parent.name, **tomllib.loads(path.read_text()))
    return found


def run_pair(
    driver: Language,
    worker: Language,
    cases: list[Case],
    report: Callable[[Case, str], None],
    address: str = "",
) -> None:
    """Run the cases that are for this pair; ``report`` gets each with what went wrong, or an empty text.

    The driver starts a runtime, or joins the one at the address.

    Raises NotReady if one of the two can't be run here.
    """
    driver.prepare()
    worker.prepare()
    left = {case.id: case for case in cases if case.is_for(driver.name, worker.name)}
    entries = [entry for language in (driver, worker) for entry in language.fill(language.class_path)]
    while left:
        with tempfile.TemporaryDirectory(prefix="bowstring-conformance-") as folder:
            plan = {
                "worker": worker.name,
                "num_cpus": NUM_CPUS,
                "class_path": list(dict.fromkeys(entries)),
                "folder": folder,
                "cases": [case.plan(driver.name, worker.name) for case in left.values()],
            }
            if address:
                plan["address"] = address
            path = Path(folder) / "plan.json"
            path.write_text(json.dumps(plan))
            ended = _run_driver(driver.fill(driver.driver, plan=str(path)), left, report)
        if ended:
            for case in list(left.values()) if not ended[0] else [left[ended[0]]]:
                report(left.pop(case.id), ended[1])


def _run_driver(
    command: list[str], left: dict[str, Case], report: Callable[[Case, str], None]
) -> tuple[str | None, str] | None:
    """Run one driver; takes what it finishes out of ``left``.

    None if all is done; else the case it ended in (None: before the first or between two), and how.
    """
    environment = {**os.environ, "BOWSTRING_PYTHON": sys.executable}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        current: str | None = None
        how = ""
        try:
            assert process.stdout is not None
            for record in _records(process.stdout):
                if "begin" in record:
                    current = record["begin"]
                else:
                    report(left.pop(record["end"]), record["failure"])
                    current = None
            status = process.wait(CASE_MAX_S)
            how = f"the driver ended with status {status}"
        except (TimeoutError, subprocess.TimeoutExpired):
            how = f"the driver stood still for {CASE_MAX_S:.0f} s"
            status = -1
        finally:
            _end(process)
        errors.seek(0)
        text = errors.read()[-3000:]
    if not left and status == 0:
        return None
    if not left:
        raise RuntimeError(f"{how} after its last case:\n{text}")
    return current, f"{how}:\n{text}"


def _records(pipe: IO[str]) -> Any:
    """The records that the driver prints; TimeoutError if none comes for too long. Other lines are passed over."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        buffered = b""
        wait_s = START_MAX_S
        while True:
            deadline = time.monotonic() + wait_s
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                return
            *lines, buffered = (buffered + chunk).split(b"\n")
            for line in lines:
                if line.startswith((b'{"begin"', b'{"end"')):
                    yield json.loads(line)
            wait_s = CASE_MAX_S


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
