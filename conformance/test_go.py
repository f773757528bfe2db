"""The client in Go, which was written from the specification alone, with Python's workers and Java's."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bowstring as bow
from bowstring_wire.messages import ErrorCode

FOLDER = Path(__file__).parent / "languages" / "go"
LIBRARY = Path(__file__).parents[1] / "python" / "bowstring_java" / "bowstring-all.jar"
ROWS = 50_000

Line = dict[str, Any]
Run = Callable[[list[dict[str, Any]]], list[Line]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    go, javac = shutil.which("go"), shutil.which("javac")
    if go is None or javac is None or not LIBRARY.exists():
        pytest.skip("the client in Go needs go, javac and the Java library")
    built = tmp_path_factory.mktemp("go")
    subprocess.run([go, "build", "-o", str(built / "client"), "."], cwd=FOLDER, check=True)
    source = FOLDER / "peers" / "GoPeers.java"
    subprocess.run([javac, "-nowarn", "-cp", str(LIBRARY), "-d", str(built), str(source)], check=True)
    with bow.init(num_cpus=2) as session:

        def run(calls: list[dict[str, Any]]) -> list[Line]:
            plan = {"python_path": [str(FOLDER / "peers")], "class_path": [str(built)], "calls": calls}
            command = [str(built / "client"), session.address, json.dumps(plan)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            return [json.loads(line) for line in done.stdout.splitlines()]

        yield run


def python(name: str, *args: Any, as_: str = "") -> dict[str, Any]:
    return {"language": "python", "module": "go_peers", "name": name, "args": args, "as": as_}


def java(name: str, *args: Any, as_: str = "") -> dict[str, Any]:
    return {"language": "java", "module": "GoPeers", "name": name, "args": args, "as": as_}


def test_go_calls_both_languages(run: Run) -> None:
    assert run([python("add", 2, 3), java("add", 20, 30)]) == [{"value": 5}, {"value": 50}]


def test_results_go_from_one_language_to_the_other(run: Run) -> None:
    lines = run(
        [
            python("add", 2, 3, as_="five"),
            java("add", {"$ref": "five"}, 4, as_="nine"),
            python("describe", {"$ref": "nine"}),
        ]
    )
    assert lines[-1] == {"value": ["int", 9]}


def test_values_arrive_as_the_specification_says(run: Run) -> None:
    for value, kind in (("é", "str"), (True, "bool"), (None, "NoneType"), ([1, "two", [None]], "list")):
        assert run([python("describe", value)]) == [{"value": [kind, value]}]
    assert run([java("describe", -7)]) == [{"value": ["Long", -7]}]


def test_errors_of_both_languages_are_read(run: Run) -> None:
    of_python, of_java = run([python("fail", "no licence"), java("fail", "no visa")])
    assert (of_python["code"], of_python["type"]) == (ErrorCode.TASK, "ValueError")
    assert "no licence" in of_python["message"]
    assert (of_java["code"], of_java["type"]) == (ErrorCode.TASK, "java.lang.IllegalStateException")
    assert "no visa" in of_java["message"]


def test_tables_of_both_languages_are_read_in_shared_memory(run: Run) -> None:
    of_python, of_java = run([python("table", ROWS), java("table", ROWS)])
    whole = ROWS * (ROWS - 1) // 2
    assert of_python["stored"]
    assert of_java["stored"]
    assert of_python["rows"] == ROWS
    assert of_python["columns"] == ["number", "half", "word"]
    assert of_python["sums"] == {"number": whole, "half": whole / 2, "word": 2 * (ROWS - ROWS // 10)}
    assert of_python["nulls"]["word"] == ROWS // 10
    assert of_java["sums"] == {"square": sum(i * i for i in range(ROWS))}


def test_a_table_is_passed_on_where_it_lies(run: Run) -> None:
    lines = run(
        [python("table", ROWS, as_="table"), java("rowsOf", {"$ref": "table"}), python("rows_of", {"$ref": "table"})]
    )
    assert lines[1:] == [{"value": ROWS}, {"value": ROWS}]
