"""The benchmark's own bookkeeping; the figures are nobody's test."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.__main__ import MARKS, markdown, write_into
from tests.bench.peer import Absent, PeerBase, row, run
from tests.bench.rows import ROWS, select
from tests.bench.stopwatch import Figures, Pace, Work, measure

BRIEF = Pace(warm_up_s=0.0, round_s=0.001, rounds=3, total_max_s=1.0)


def marked_rows(peer: str) -> set[str]:
    methods = vars_of(importlib.import_module(f"tests.bench.peers.{peer}_peer").Peer)
    return {method.bench_row for method in methods if hasattr(method, "bench_row")}


def vars_of(cls: type) -> list[Any]:
    return [getattr(cls, name) for name in dir(cls)]


@pytest.mark.parametrize("peer", ["bowstring", "ray", "multiprocessing"])
def test_every_method_of_a_peer_does_a_row_of_the_table(peer: str) -> None:
    assert marked_rows(peer) <= {row.name for row in ROWS}


def test_bowstring_does_every_row() -> None:
    assert marked_rows("bowstring") == {row.name for row in ROWS}


def test_a_ratio_says_how_many_times_better_whatever_the_unit() -> None:
    by_name = {row.name: row for row in ROWS}
    assert by_name["single client tasks sync"].ratio(200.0, 100.0) == 2
    assert by_name["init"].ratio(100.0, 200.0) == 2
    assert by_name["init"].ratio(100.0, 0.0) is None


def test_an_unknown_pattern_is_refused_and_names_the_groups() -> None:
    with pytest.raises(ValueError, match="no row matches nothing; the groups are startup"):
        select(["nothing"])


def test_a_measure_counts_the_operations_of_a_call_and_closes_the_work() -> None:
    closed: list[bool] = []
    work = Work(lambda: 0.5, operations=10, close=lambda: closed.append(True))
    assert measure(work, "/s", BRIEF).values == [pytest.approx(20.0)] * 3
    assert closed == [True]


def test_one_failing_row_leaves_the_others_their_figures() -> None:
    class Peer(PeerBase):
        @row("good")
        def good(self) -> Figures:
            return Figures([1.0])

        @row("bad")
        def bad(self) -> Figures:
            raise OSError("broken")

        @row("refused")
        def refused(self) -> Figures:
            raise Absent("no way")

    records: list[dict[str, Any]] = []
    rows = [(name, "ms") for name in ("bad", "good", "refused", "unknown")]
    run(Peer(2, True, None), "group", rows, True, records.append)
    assert sorted(records, key=lambda record: record["row"]) == [
        {"row": "bad", "error": "OSError: broken"},
        {"row": "good", "values": [1.0]},
        {"row": "refused", "absent": "no way"},
        {"row": "unknown", "absent": "nothing of the kind"},
    ]


def test_the_table_goes_between_the_marks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    rows = [row for row in ROWS if row.name == "init"]
    results = {"init": {"bowstring": {"values": [50.0]}, "multiprocessing": {"values": [100.0]}}}
    text = markdown(rows, ["bowstring", "multiprocessing"], results, dict.fromkeys(results["init"], sys.executable))
    write_into(page, text)
    lines = page.read_text().splitlines()
    assert (lines[0], lines[1], lines[-2], lines[-1]) == ("before", MARKS[0], MARKS[1], "after")
    assert lines[-3] == "| init | ms | 50 | 100 | x 2 |"
    assert "old" not in lines
