"""What `init` is told about logs, and what the environment asks to be recorded."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import bowstring as bow
from tests.process import waiting


@pytest.mark.parametrize("level", ["NOISE", -1, True, None])
def test_wrong_logging_levels_are_refused(level: object) -> None:
    with pytest.raises(bow.InvalidArgumentError, match="logging_level"):
        bow.init(logging_level=level)  # type: ignore[arg-type]


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
