"""Which rules of the specification are shown, and by what.

Evidence names the rules that it shows, by their addresses: cases of drivers (`cases/`, the key ``rules`` of a file or
of a case), golden files (`golden/rules.json`), wire-level cases (`wire/cases/`), plays (`wire/plays.json`), and tests
that need more than a script (the mark ``rule`` of pytest, here and in `tests/`). A MUST without evidence, and evidence
for a rule that does not exist, are faults. So is a rule that was shown once, by the committed table, and is no longer:
what is covered only rises. Items that only explain (`explanations.json`) are counted by themselves; one that has
evidence, or says MUST or SHOULD, is none.
"""

from __future__ import annotations

import ast
import fnmatch
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from conformance.case import FOLDER as CASES
from conformance.rules import Rule, read_explanations
from conformance.wire.case import read_wire_cases
from conformance.wire.plays import read_plays

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).parent / "coverage.md"
_TESTS = ("conformance", "tests")


def read_evidence() -> dict[str, list[str]]:
    """What shows each rule, by the rule's address."""
    found: dict[str, list[str]] = defaultdict(list)
    for addresses, what in _all_evidence():
        for address in addresses:
            if what not in found[address]:
                found[address].append(what)
    return dict(found)


def _all_evidence() -> Iterator[tuple[tuple[str, ...], str]]:
    for path in sorted(CASES.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        yield tuple(content.get("rules", ())), f"cases/{path.stem}"
        for entry in content.get("cases", ()):
            yield tuple(entry.get("rules", ())), f"cases/{path.stem}/{entry['name']}"
    manifest = json.loads((CASES.parent / "golden" / "manifest.json").read_text(encoding="utf-8"))
    for section, patterns in json.loads((CASES.parent / "golden" / "rules.json").read_text(encoding="utf-8")).items():
        names = [case["name"] for case in manifest[section]]
        for pattern, addresses in patterns.items():
            if not fnmatch.filter(names, pattern):
                raise ValueError(f"golden/rules.json: no case of {section} is named {pattern}")
            yield tuple(addresses), f"golden/{section}/{pattern}"
    for case in read_wire_cases():
        yield case.rules, f"wire/{case.id.partition(': ')[0]}"
    for play in read_plays():
        yield play.rules, f"plays/{play.case.id.partition(': ')[0]}"
    for folder in _TESTS:
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            for name, addresses in _marked_tests(path):
                yield addresses, f"{path.relative_to(ROOT)}::{name}"


def _marked_tests(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Tests with the mark, and the addresses that it names."""
    text = path.read_text(encoding="utf-8")
    if "pytest.mark.rule(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule":
                yield node.name, tuple(str(ast.literal_eval(argument)) for argument in decorator.args)


def faults(rules: dict[str, Rule], evidence: dict[str, list[str]]) -> list[str]:
    """What is wrong: rules without evidence, evidence without rules, rules that have lost theirs."""
    found = [f"{rule.address} has no case: {rule.text}" for rule in rules.values() if _lacks(rule, evidence)]
    for address, names in evidence.items():
        if address not in rules:
            found.append(f"there is no rule {address}, which {names[0]} names")
    for address in read_explanations():
        rule = rules.get(address)
        if rule is None or rule.level or address in evidence:
            what = "does not exist" if rule is None else f"says {rule.level}" if rule.level else "has a case"
            found.append(f"explanations.json has {address}, which {what}")
    for address in sorted(_committed() - set(evidence)):
        found.append(f"{address} was shown once, and is no longer")
    return found


def _lacks(rule: Rule, evidence: dict[str, list[str]]) -> bool:
    return rule.level == "MUST" and not evidence.get(rule.address)


def _committed() -> set[str]:
    """The addresses that the committed table lists as shown."""
    if not TABLE.exists():
        return set()
    rows = (line.split("|") for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| "))
    return {cells[1].strip() for cells in rows if len(cells) == 6 and "/" in cells[1] and cells[4].strip() != "-"}


def table(rules: dict[str, Rule], evidence: dict[str, list[str]]) -> str:
    """The table as it is committed: a line a section, then a line a rule."""
    lines = [
        "# Coverage of the specification",
        "",
        "Made by `python -m conformance --coverage --write`; what is in it may only rise.",
        "",
        "*States* are items without MUST or SHOULD that two implementations could disagree about; *explains* counts",
        "those by which nobody can tell two implementations apart, each with its reason in `explanations.json`.",
        "",
        "| section | MUST | shown | SHOULD | shown | states | shown | explains |",
        "|---|---|---|---|---|---|---|---|",
    ]
    explanations = read_explanations()
    sections: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules.values():
        sections[rule.section.chapter].append(rule)
        if rule.section.number != rule.section.chapter.partition(" ")[0]:
            sections[f"{rule.section.number} {rule.section.title}"].append(rule)
    for title, members in [*sections.items(), ("all", list(rules.values()))]:
        cells = [title if "." in title.partition(" ")[0] else f"**{title}**"]
        for level in ("MUST", "SHOULD", ""):
            of_level = [rule for rule in members if rule.level == level and rule.address not in explanations]
            cells += [str(len(of_level)), str(sum(rule.address in evidence for rule in of_level))]
        cells.append(str(sum(rule.address in explanations for rule in members)))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| rule | level | cases | the first of them |", "|---|---|---|---|"]
    for rule in rules.values():
        names = evidence.get(rule.address, [])
        if rule.address not in explanations:
            lines.append(f"| {rule.address} | {rule.level or 'states'} | {len(names)} | {names[0] if names else '-'} |")
    return "\n".join([*lines, ""])
