"""Cases: read from their files, checked, and laid out for a pair of languages.

A file has one feature: ``cases`` with steps, or ``values`` (a name and the notation of a value), of which each becomes
a case that sends the value every way. conformance/README.md describes the steps and the notation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "cases"
STEPS = (
    "put",
    "call",
    "method",
    "actor",
    "get",
    "wait",
    "get_actor",
    "kill",
    "cancel",
    "drop",
    "stream",
    "next",
    "items",
    "close",
    "path",
    "touch",
    "until",
)


class CaseError(ValueError):
    """A case file is not as it should be."""


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        id: ``FILE/NAME``.
        spec: Chapters and sections of the spec that it holds a language to.
        steps: What a driver does, in order.
        drivers, workers: Languages that it is for; empty: all.
        pairs: ``same`` or ``cross`` if it is only for pairs of one language or of two; empty: all.
    """

    id: str
    spec: str
    steps: list[dict[str, Any]]
    drivers: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    pairs: str = ""

    def is_for(self, driver: str, worker: str) -> bool:
        same = "same" if driver == worker else "cross"
        return (
            driver in (self.drivers or (driver,)) and worker in (self.workers or (worker,)) and self.pairs in ("", same)
        )

    def plan(self, driver: str, worker: str) -> dict[str, Any]:
        """What the driver is given, with the choices by language made."""
        folder = "".join(c if c.isalnum() else "-" for c in self.id)
        return {"id": self.id, "folder": folder, "steps": _chosen(self.steps, driver, worker)}


def read_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases, in the order of their files."""
    return [case for path in sorted(folder.glob("*.json")) for case in _read_file(path)]


def _read_file(path: Path) -> Iterator[Case]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CaseError(f"{path.name} is not JSON: {error}") from None
    unknown = set(content) - {"feature", "spec", "rules", "values", "cases"}
    if unknown or not {"feature", "spec"} <= set(content):
        raise CaseError(f"{path.name} needs feature and spec, and has values or cases; it has {sorted(content)}")
    for name, written in content.get("values", {}).items():
        yield Case(f"{path.stem}/{name}", content["spec"], _value_steps(written))
    for entry in content.get("cases", []):
        steps = entry["steps"]
        for step in steps:
            if next(iter(step), None) not in STEPS:
                raise CaseError(f"{path.name}, {entry['name']}: a step begins with one of {', '.join(STEPS)}: {step}")
        languages = {key: tuple(entry.get(key, ())) for key in ("drivers", "workers")}
        yield Case(f"{path.stem}/{entry['name']}", content["spec"], steps, **languages, pairs=entry.get("pairs", ""))


def _value_steps(written: Any) -> list[dict[str, Any]]:
    """The driver's value read by the worker, the worker's by the driver, both through the store, and results passed on.

    Results go from a task in one of the two languages to a task in the other without the driver reading them.
    """
    return [
        {"call": "check", "args": [written, {"$text": written}], "as": "sent"},
        {"get": "sent", "expect": ""},
        {"call": "construct", "args": [{"$text": written}], "as": "made"},
        {"get": "made", "expect": written},
        {"put": written, "as": "kept"},
        {"get": "kept", "expect": written},
        {"call": "check", "args": [{"$ref": "kept"}, {"$text": written}], "as": "read"},
        {"get": "read", "expect": ""},
        {"call": "echo", "args": [written], "as": "back"},
        {"get": "back", "expect": written},
        {"call": "construct", "in": "driver", "args": [{"$text": written}], "as": "own"},
        {"call": "check", "args": [{"$ref": "own"}, {"$text": written}], "as": "passed on"},
        {"get": "passed on", "expect": ""},
        {"call": "check", "in": "driver", "args": [{"$ref": "made"}, {"$text": written}], "as": "passed back"},
        {"get": "passed back", "expect": ""},
    ]


def _chosen(part: Any, driver: str, worker: str) -> Any:
    """``{"by_worker": {LANGUAGE: X, ...}}`` becomes the X of the worker's language; ``by_driver`` likewise."""
    if isinstance(part, list):
        return [_chosen(element, driver, worker) for element in part]
    if not isinstance(part, dict):
        return part
    for key, language in (("by_worker", worker), ("by_driver", driver)):
        if set(part) == {key}:
            return part[key][language]
    return {key: _chosen(value, driver, worker) for key, value in part.items()}
