"""The command line, against a real node."""

import json
import os

import pytest

from bowstring_core.cli.log_command import log_names
from bowstring_core.cli.program import main
from bowstring_core.cli.tables import cell, show_rows
from bowstring_wire.messages import ErrorCode, GoAway, LeaseGrant
from tests.process.core.test_actors import alive
from tests.process.core.test_leases import lease, result_of, run, worker_of
from tests.process.core.test_objects import put
from tests.process.core.wire_client import is_running, wait_until


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


def test_list_filters_limits_and_chooses_columns(here, capsys):
    driver = here.driver()
    for size in (640, 6_400, 64_000):
        put(driver, bytes(size))
    assert main(["list", "objects", "--filter", "size>=6400", "--filter", "state=STORED", "--json"]) == 0
    assert sorted(json.loads(line)["size"] for line in capsys.readouterr().out.splitlines()) == [6_400, 64_000]
    assert main(["list", "objects", "--limit", "2", "--columns", "state,size"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["state", "stored", "stored"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["list", "objects", "--filter", "weight=1"], 1, "no field 'weight'"),
        (["list", "objects", "--filter", "size=big"], 1, "size is a number, and 'big' is none"),
        (["list", "objects", "--filter", "size"], 2, "FIELD=VALUE is expected"),
        (["list", "objects", "--columns", "weight"], 2, "objects have no weight"),
        (["list", "things"], 2, "'things' is not one of"),
        (["why", "0123"], 2, "no task's id begins with 0123"),
        (["why", "x" * 32], 1, "hexadecimal digits of an id"),
        (["logs", "99"], 1, "no worker has slot or process id 99"),
    ],
)
def test_what_makes_no_sense_is_said(here, capsys, arguments, status, said):
    put(here.driver(), bytes(640))
    assert main(arguments) == status
    assert said in capsys.readouterr().err


def test_memory_tells_of_the_largest_objects_and_who_keeps_them(here, capsys):
    driver = here.driver()
    put(driver, bytes(640))
    ref, _ = put(driver, bytes(64_000))
    assert main(["memory", "--json", "--limit", "1"]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["object"], row["size"], row["state"]) == (ref.id.hex(), 64_000, "stored")
    assert row["kept_by"] == [f"driver {os.getpid()} (handle)"]
    assert main(["memory"]) == 0
    out = capsys.readouterr().out
    assert "62.5 KiB" in out
    assert f"driver {os.getpid()} (handle)" in out


def test_logs_of_a_worker_are_listed_and_printed(here, capsys):
    driver = here.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(here, driver, grant)
    run(worker, driver, grant, "print")
    result_of(worker)

    def printed():
        assert main(["logs", str(grant.pid), "--stream", "out"]) == 0
        return capsys.readouterr().out.splitlines()

    wait_until(lambda: "a line from the worker" in printed())
    (name,) = [name for name in log_names(str(here.session / "logs")) if name.stream == "out"]
    assert main(["logs", str(name.slot), "--tail", "1", "--stream", "out"]) == 0
    assert capsys.readouterr().out == "a line from the worker\n"
    assert main(["logs"]) == 0
    assert f"worker-{name.slot}.out" in capsys.readouterr().out


def test_following_a_log_ends_with_the_runtime(here, capsys, monkeypatch):
    looks = []

    def append(text):
        with (here.session / "logs" / "worker-7.out").open("a") as file:
            file.write(text)

    def look(seconds):
        looks.append(seconds)
        if len(looks) == 1:
            append("first\nsecond\npart")
        elif len(looks) == 2:
            append("ial\n")
        elif len(looks) == 3:
            assert main(["stop", "--force"]) == 0
            wait_until(lambda: not here.session.exists())

    append("zeroth\n")
    monkeypatch.setattr("bowstring_core.cli.log_command.sleep", look)
    assert main(["logs", "7", "--follow"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "has ended" not in line] == ["zeroth", "first", "second", "partial"]


def test_timeline_is_written_as_a_trace(here, capsys, tmp_path):
    driver = here.driver()
    lease(driver)
    grant = driver.expect(LeaseGrant)
    worker = worker_of(here, driver, grant)
    task = run(worker, driver, grant, "event")
    result_of(worker)
    file = tmp_path / "trace.json"

    def spans():
        assert main(["timeline", str(file)]) == 0
        events = json.loads(file.read_text())["traceEvents"]
        return [event for event in events if event.get("cat") == "task"]

    wait_until(spans)
    (span,) = spans()
    assert (span["name"], span["ph"], span["pid"], span["args"]["task"]) == ("event", "X", grant.pid, task.id.hex())
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("arguments", [["stop"], ["stop", "--all"], ["stop", "--force"]])
def test_stop_ends_the_runtime(here, capsys, arguments):
    driver = here.driver()
    assert main(arguments) == 0
    assert f"{here.session} has ended" in capsys.readouterr().out
    assert driver.receive(GoAway)[0].error.code == ErrorCode.RUNTIME_STOPPED
    wait_until(lambda: here.popen.poll() is not None)


def test_a_started_runtime_lives_until_it_is_stopped(short_path, monkeypatch, capsys):
    monkeypatch.setenv("BOWSTRING_TMP", str(short_path))
    assert main(["start", "--num-cpus", "3", "--resources", '{"disk": 2}', "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    try:
        assert os.getsid(facts["pid"]) == facts["pid"]  # a terminal's end does not end it
        assert main(["list", "resources", "--json"]) == 0
        rows = {row["name"]: row["total"] for row in map(json.loads, capsys.readouterr().out.splitlines())}
        assert (rows["CPU"], rows["disk"]) == (3, 2)
    finally:
        assert main(["stop"]) == 0
    wait_until(lambda: not is_running(facts["pid"]) and not os.path.exists(facts["session"]))


def test_a_start_that_fails_says_why(short_path, monkeypatch, capfd):
    monkeypatch.setenv("BOWSTRING_TMP", str(short_path))
    assert main(["start", "--resources", "[1]"]) == 1
    err = capfd.readouterr().err
    assert "--resources must be a JSON object" in err
    assert "the node did not start" in err


def test_what_is_not_there_is_said(short_path, monkeypatch, capsys):
    monkeypatch.setenv("BOWSTRING_TMP", str(short_path))
    assert main(["status"]) == 1
    assert "no runtime of this user is there" in capsys.readouterr().err
    assert main(["status", "--session", str(short_path)]) == 1
    assert f"no node answers at {short_path}" in capsys.readouterr().err


def test_several_runtimes_must_be_told_apart(start_node, monkeypatch, capsys):
    node = start_node("--num-cpus", "1")
    other = start_node("--num-cpus", "1", variables={"BOWSTRING_TMP": str(node.root)})
    monkeypatch.setenv("BOWSTRING_TMP", str(node.root))
    assert main(["status"]) == 1
    err = capsys.readouterr().err
    assert str(node.session) in err
    assert str(other.session) in err


def test_a_table_lines_up_and_shows_units(capsys):
    show_rows([{"a": 1, "b": {"CPU": 1.0}, "size": 2048}, {"a": 222, "b": "", "size": 10}])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "  a  b         size",
        "  1  CPU=1  2.0 KiB",
        "222  -         10 B",
    ]
    assert cell("duration_ns", 1_500_000_000) == "1.500000 s"
    assert cell("alive", True) == "yes"
