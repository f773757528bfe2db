"""The rules of the specification, read out of its text.

A rule is a numbered item of a chapter that says MUST, SHOULD or MAY not; its address is its section and number, as the
specification cites it: 1.2/3, or 9/1 where a chapter has no sections. A MUST outside of a numbered item would have no
address and could not be shown by a case, so reading refuses it. Addresses are stable because items are only added, at
the end of their section.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SPEC = Path(__file__).resolve().parents[1] / "spec"
EXPLANATIONS = Path(__file__).parent / "explanations.json"
_CHAPTER = re.compile(r"# (\d+) (.+)")
_SECTION = re.compile(r"## (\d+\.\d+) (.+)")
_ITEM = re.compile(r"(\d+)\. (.*)")
_MUST, _SHOULD = re.compile(r"\bMUST\b"), re.compile(r"\bSHOULD\b")


class SpecError(ValueError):
    """The specification's text is not as it should be."""


@dataclass(frozen=True)
class Section:
    """A section of a chapter, or a chapter without sections.

    Attributes:
        number: As ``4.3``, or ``9``.
        title: Its heading.
        chapter: The chapter's number and title, as ``4 Tasks``.
    """

    number: str
    title: str
    chapter: str


@dataclass(frozen=True)
class Rule:
    """A numbered item.

    Attributes:
        address: As ``4.3/1``.
        section: Where it stands.
        level: ``MUST``, ``SHOULD``, or empty: it states what is so.
        text: What it says, in one line.
    """

    address: str
    section: Section
    level: str
    text: str


def read_rules(folder: Path = SPEC) -> dict[str, Rule]:
    """All numbered items of all chapters by address, in their order.

    Raises:
        SpecError: a MUST or SHOULD stands outside of numbered items, or items are not numbered from 1 on.
    """
    rules: dict[str, Rule] = {}
    for path in sorted(folder.glob("[0-9][0-9]-*.md")):
        for rule in _read_chapter(path):
            if rule.address in rules:
                raise SpecError(f"{path.name}: {rule.address} stands there twice")
            rules[rule.address] = rule
    return rules


def read_explanations(path: Path = EXPLANATIONS) -> dict[str, str]:
    """Addresses of items by which no two implementations can be told apart, each with the reason.

    They were judged one by one. An item that a peer, a program or a person can see kept or broken is none of them,
    however hard it is to show.
    """
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _read_chapter(path: Path) -> Iterator[Rule]:
    section: Section | None = None
    chapter = ""
    last, lines = 0, list[str]()  # number of the last item; its lines, while they may still go on
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}, line {row}"
        item = _ITEM.fullmatch(line)
        heading = _CHAPTER.fullmatch(line) or _SECTION.fullmatch(line)
        if lines and line and not line.startswith((" ", "|")):
            assert section is not None
            yield _rule(section, last, lines)
            lines = []
        if heading:
            found, title = heading.groups()
            chapter = chapter or f"{found} {title}"
            section, last = Section(found, title, chapter), 0
        elif item:
            if section is None or int(item[1]) != last + 1:
                raise SpecError(f"{where}: item {item[1]} stands where {last + 1} is next")
            last = int(item[1])
            lines = [item[2]]
        elif lines and line.startswith(" "):
            lines.append(line.strip())
        elif _MUST.search(line) or _SHOULD.search(line):
            raise SpecError(f"{where}: MUST or SHOULD outside of a numbered item has no address: {line.strip()}")
    if lines and section is not None:
        yield _rule(section, last, lines)


def _rule(section: Section, number: int, lines: list[str]) -> Rule:
    text = " ".join(lines)
    level = "MUST" if _MUST.search(text) else "SHOULD" if _SHOULD.search(text) else ""
    return Rule(f"{section.number}/{number}", section, level, text)
