"""What `init` is told about logs, and what the environment asks to be recorded."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import bowstring as bow
from tests.process import waiting


@pytest.mark.parametrize("level", ["NOISE", -1, True, None])
def test_wrong_logging_levels_are_refused(level: object) -> None:
    with pytest.raises(bow.InvalidArgumentError, match="logging_level"):
        bow.init(logging_level=level)  # type: ignore[arg-type]


def test_a_node_that_says_nothing_is_given_up(short_path: Path) -> None:
    (short_path / "token").write_bytes(bytes(32))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(short_path / "node.sock"))
        silent.listen()
        with pytest.raises(bow.RuntimeStoppedError, match="takes connections and does not answer"):
            bow.init(address=str(short_path))


def test_the_logging_level_is_that_of_our_logger_and_the_node() -> None:
    try:
        session = bow.init(num_cpus=1, logging_level="debug")
        assert logging.getLogger("bowstring").level == logging.DEBUG
        log = Path(session.address) / "logs" / "node.log"
        waiting.wait_until(lambda: f"driver {bow._session.running_runtime().process:016x}" in log.read_text())
    finally:
        bow.shutdown()
        logging.getLogger("bowstring").setLevel(logging.NOTSET)


def test_call_sites_of_puts_are_recorded_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOWSTRING_CALL_SITES", "1")
    with bow.init(num_cpus=1):
        ref = bow.put(bytes(1 << 20))
        (row,) = bow.util.state.references(f"object={ref.hex()}").to_pylist()
        assert row["call_site"].startswith(f"{__file__}:")
        assert row["call_site"].endswith(" in test_call_sites_of_puts_are_recorded_if_asked_for")


def command(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bowstring_core.cli", *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@bow.remote
def add(a: int, b: int) -> int:
    return a + b


def test_a_started_runtime_is_joined_by_one_driver_after_the_other() -> None:
    facts = json.loads(command("start", "--num-cpus", "1", "--json"))
    try:
        for number in range(2):
            with bow.init(address="auto") as session:
                assert session.address == facts["session"]
                assert bow.get(add.options(name=f"run-{number}").remote(number, 1)) == number + 1
        names = [json.loads(line)["name"] for line in command("list", "tasks", "--json").splitlines()]
        assert sorted(names) == ["run-0", "run-1"]  # the log outlives its jobs
    finally:
        command("stop")
    waiting.wait_until(lambda: not Path(facts["session"]).exists(), within_s=60)
