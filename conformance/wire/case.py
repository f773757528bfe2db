"""Wire-level cases, read from their files and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.case import CaseError

FOLDER = Path(__file__).parent / "cases"
SUBJECTS = ("node", "python worker", "java worker", "python worker alone", "java worker alone")


@dataclass(frozen=True)
class WireCase:
    """One case.

    Attributes:
        id: ``FILE/NAME``.
        rules: Addresses of the rules of the specification that it shows.
        subjects: Who is tested; a run for each.
        steps: What the script does, in order.
    """

    id: str
    rules: tuple[str, ...]
    subjects: tuple[str, ...]
    steps: list[dict[str, Any]]


def read_wire_cases(folder: Path = FOLDER) -> list[WireCase]:
    """All cases, in the order of their files."""
    return [case for path in sorted(folder.glob("*.json")) for case in _read_file(path)]


def _read_file(path: Path) -> Iterator[WireCase]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CaseError(f"{path.name} is not JSON: {error}") from None
    for entry in content["cases"]:
        subjects = tuple(entry.get("subjects", content["subjects"]))
        unknown = set(subjects) - set(SUBJECTS)
        if unknown or not subjects:
            raise CaseError(f"{path.name}, {entry['name']}: subjects are some of {', '.join(SUBJECTS)}: {subjects}")
        each = entry.get("each", {"": None})
        for name, variant in each.items():
            id_ = f"{path.stem}/{entry['name']}" + (f": {name}" if name else "")
            yield WireCase(id_, tuple(entry["rules"]), subjects, filled(entry["steps"], variant))


def filled(part: Any, variant: Any) -> Any:
    """``{"$each": true}`` becomes the variant; an object with further members is merged with it."""
    if isinstance(part, list):
        return [filled(element, variant) for element in part]
    if not isinstance(part, dict):
        return part
    if set(part) == {"$each"}:
        return variant
    made: dict[str, Any] = {}
    for key, value in part.items():
        made.update(variant if key == "$each" else {key: filled(value, variant)})
    return made
