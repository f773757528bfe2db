"""The plays: cases in which a real driver meets a worker that errs, dies or says too much."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.case import Case
from conformance.wire.case import filled
from tests.process.core.node_process import NodeProcess

FILE = Path(__file__).parent / "plays.json"


@dataclass(frozen=True)
class Play:
    """One case.

    Attributes:
        case: What the driver does.
        plays: What the worker does, by name.
        start: How every worker begins; empty: as it should.
        rules: Addresses of the rules of the specification that it shows.
    """

    case: Case
    rules: tuple[str, ...]
    plays: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)
    start: str = ""


def read_plays(*sections: str) -> list[Play]:
    """The plays of some sections of the file; of all if none is named."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    found: list[Play] = []
    for section in sections or ("cases", "actors", "starts", "refusals"):
        for entry in content[section]:
            for name, variant in entry.get("each", {"": None}).items():
                number = f"v{len(found)}"
                plays = {f"{key}-{number}": filled(value, variant) for key, value in entry.get("plays", {}).items()}
                steps = filled(entry["steps"], variant)
                for key in entry.get("plays", {}):
                    steps = _renamed(steps, f"play:{key}", f"play:{key}-{number}")
                id_ = f"{section}/{entry['name']}" + (f": {name}" if name else "")
                found.append(Play(Case(id_, "", steps), tuple(entry["rules"]), plays, entry.get("start", "")))
    return found


def _renamed(part: Any, old: str, new: str) -> Any:
    if isinstance(part, list):
        return [_renamed(element, old, new) for element in part]
    if isinstance(part, dict):
        return {key: _renamed(value, old, new) for key, value in part.items()}
    return new if part == old else part


def start_node(root: Path, plays: list[Play], starts: Path) -> NodeProcess:
    """A node whose workers, of both languages, are played.

    Args:
        root: For its session and files.
        plays: What they play.
        starts: The folder below which files say how a worker begins.
    """
    file = root / "plays.json"
    file.write_text(json.dumps({name: attempts for play in plays for name, attempts in play.plays.items()}))
    home = root / "jvm"
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(f'#!/bin/sh\nexec {sys.executable} -m conformance.wire.played_worker "$@"\n')
    java.chmod(0o700)
    variables = {"BOWSTRING_PLAYS": str(file), "BOWSTRING_STARTS": str(starts), "BOWSTRING_JAVA_HOME": str(home)}
    return NodeProcess(root, "--num-cpus", "1", worker_module="conformance.wire.played_worker", variables=variables)


def has_java() -> bool:
    """Whether a driver in Java can be built and run here."""
    return shutil.which("java") is not None and shutil.which("javac") is not None
