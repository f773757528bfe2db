"""The command line, against a real node."""

import json

import pytest

from bowstring_core.cli.program import main, table
from bowstring_wire.messages import ErrorCode, GoAway
from tests.process.core.test_actors import alive
from tests.process.core.wire_client import wait_until


@pytest.fixture
def here(node, monkeypatch):
    monkeypatch.setenv("BOWSTRING_TMP", str(node.root))
    return node


def test_sessions_are_those_whose_nodes_live(here, capsys):
    dead = here.session.parent / "dead"
    dead.mkdir()
    (dead / "session.json").write_text('{"pid": 1, "started_ns": 1}')
    (dead / "lock").touch()
    assert main(["sessions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].split()[:2] == [str(here.session), str(here.pid)]
    (dead / "session.json").unlink()
    (dead / "lock").unlink()
    dead.rmdir()


def test_status_tells_of_resources_workers_and_actors(here, capsys):
    alive(here.driver())
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert "CPU" in out
    assert "1 PYTHON actor" in out
    assert "actors: 1 ALIVE" in out


def test_list_as_json_is_a_line_for_each(here, capsys):
    alive(here.driver(), name="x")
    assert main(["list", "actors", "--json", "--session", str(here.session)]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["class"], row["name"], row["life"]) == ("Counter", "x", "ALIVE")


@pytest.mark.parametrize("arguments", [["stop"], ["stop", "--all"], ["stop", "--force"]])
def test_stop_ends_the_runtime(here, capsys, arguments):
    driver = here.driver()
    assert main(arguments) == 0
    assert f"{here.session} has ended" in capsys.readouterr().out
    assert driver.receive(GoAway)[0].error.code == ErrorCode.RUNTIME_STOPPED
    wait_until(lambda: here.popen.poll() is not None)


def test_what_is_not_there_is_said(tmp_path, capsys):
    assert main(["status"]) == 1
    assert "no runtime of this user is there" in capsys.readouterr().err
    assert main(["status", "--session", str(tmp_path)]) == 1
    assert f"no node answers at {tmp_path}" in capsys.readouterr().err


def test_several_runtimes_must_be_told_apart(start_node, monkeypatch, capsys):
    node = start_node("--num-cpus", "1")
    other = start_node("--num-cpus", "1", variables={"BOWSTRING_TMP": str(node.root)})
    monkeypatch.setenv("BOWSTRING_TMP", str(node.root))
    assert main(["status"]) == 1
    err = capsys.readouterr().err
    assert str(node.session) in err
    assert str(other.session) in err


def test_table_lines_up():
    rows = [{"a": 1, "b": {"CPU": 1.0}}, {"a": 222, "b": ""}]
    assert table(rows) == "a    b\n1    CPU=1\n222  -"
