"""That every MUST of the specification has a case, and the reader of rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import coverage
from conformance.coverage import faults, read_evidence, table
from conformance.rules import SpecError, read_rules


def test_every_must_is_shown_and_every_name_is_a_rules() -> None:
    assert faults(read_rules(), read_evidence()) == []


def test_what_was_shown_once_must_be_shown_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules, evidence = read_rules(), read_evidence()
    lost = next(address for address in evidence if rules[address].level != "MUST")
    del evidence[lost]
    assert faults(rules, evidence) == [f"{lost} was shown once, and is no longer"]
    monkeypatch.setattr(coverage, "TABLE", tmp_path / "none.md")
    assert faults(rules, evidence) == []


def test_a_must_without_a_case_and_a_case_without_a_rule_are_faults() -> None:
    rules, evidence = read_rules(), read_evidence()
    must = next(rule for rule in rules.values() if rule.level == "MUST")
    del evidence[must.address]
    evidence["99.9/9"] = ["a case"]
    found = faults(rules, evidence)
    assert any(fault.startswith(f"{must.address} has no case: ") for fault in found)
    assert "there is no rule 99.9/9, which a case names" in found


@pytest.mark.parametrize(
    ("address", "words"),
    [("99.9/9", "does not exist"), ("1.2/4", "says MUST"), ("4.3/3", "says SHOULD"), ("3.12/1", "has a case")],
)
def test_what_is_none_is_not_called_an_explanation(monkeypatch: pytest.MonkeyPatch, address: str, words: str) -> None:
    monkeypatch.setattr(coverage, "read_explanations", lambda: {address: "so that nobody asks"})
    assert f"explanations.json has {address}, which {words}" in faults(read_rules(), read_evidence())


def test_the_table_says_what_shows_each_rule() -> None:
    rules, evidence = read_rules(), read_evidence()
    lines = table(rules, evidence).splitlines()
    musts = sum(rule.level == "MUST" for rule in rules.values())
    assert any(line.startswith(f"| **all** | {musts} | {musts} | ") for line in lines)
    assert f"| 1.3/4 | MUST | {len(evidence['1.3/4'])} | {evidence['1.3/4'][0]} |" in lines


def test_rules_are_numbered_items_with_their_further_lines(tmp_path: Path) -> None:
    (tmp_path / "01-first.md").write_text(
        "# 1 First\n\nProse.\n\n## 1.1 One\n\n1. It MUST be\n   so.\n2. It is.\n\n   | a |\n\n   It SHOULD.\n\nMore.\n"
    )
    (tmp_path / "02-second.md").write_text("# 2 Second\n\n1. It MUST NOT.\n")
    rules = read_rules(tmp_path)
    assert {address: (rule.level, rule.text) for address, rule in rules.items()} == {
        "1.1/1": ("MUST", "It MUST be so."),
        "1.1/2": ("SHOULD", "It is. | a | It SHOULD."),
        "2/1": ("MUST", "It MUST NOT."),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# 1 First\n\nIt MUST be.\n", "line 3: MUST or SHOULD outside of a numbered item"),
        ("# 1 First\n\n1. So.\n3. Not so.\n", "line 4: item 3 stands where 2 is next"),
    ],
)
def test_a_must_without_an_address_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "01-first.md").write_text(text)
    with pytest.raises(SpecError, match=message):
        read_rules(tmp_path)
