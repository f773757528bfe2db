"""Every play with a driver of each language, before workers that say they are of each language."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.runner import JAR, read_languages, run_pair
from conformance.wire.plays import Play, has_java, read_plays, start_node

LANGUAGES = ("python", "java")
SHARED = read_plays("cases", "actors", "starts")
REFUSALS = read_plays("refusals")


def plays_with(worker: str) -> list[Play]:
    """The plays before workers of a language: what comes of deaths is the node's affair too, all else the caller's."""
    return [play for play in SHARED if worker == "python" or "'die'" in str(play.plays)]


def outcomes(driver: str, worker: str, plays: list[Play], root: Path, starts: Path) -> dict[str, str]:
    """What each play came to; an empty text is success."""
    if driver == "java" and not (JAR.exists() and has_java()):
        pytest.skip("needs a JDK and the Java library: make java")
    known = read_languages()
    found: dict[str, str] = {}
    node = start_node(root, plays, starts)
    try:
        cases = [play.case for play in plays]
        address = str(node.session)
        run_pair(known[driver], known[worker], cases, lambda case, text: found.update({case.id: text}), address)
    finally:
        node.end()
    return found


@pytest.fixture(scope="module")
def shared() -> dict[tuple[str, str], dict[str, str]]:
    """Outcomes by pair, of those that were asked for."""
    return {}


@pytest.mark.timeout(300)  # the first test of a pair runs all of its plays
@pytest.mark.parametrize(
    ("driver", "worker", "play"),
    [
        pytest.param(driver, worker, play, id=f"{driver}-{worker}-{play.case.id}")
        for driver in LANGUAGES
        for worker in LANGUAGES
        for play in plays_with(worker)
    ],
)
def test_play(
    shared: dict[tuple[str, str], dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    worker: str,
    play: Play,
) -> None:
    if (driver, worker) not in shared:
        root = tmp_path_factory.mktemp("r")
        # The drivers' cases make their files, those of starts among them, below the temporary folder.
        monkeypatch.setattr("tempfile.tempdir", str(root))
        shared[driver, worker] = outcomes(driver, worker, plays_with(worker), root, root)
    failure = shared[driver, worker].get(play.case.id, "was not reached")
    assert not failure, failure


@pytest.mark.parametrize("driver", LANGUAGES)
@pytest.mark.parametrize("play", REFUSALS, ids=lambda play: play.case.id)
def test_refusal(tmp_path_factory: pytest.TempPathFactory, driver: str, play: Play) -> None:
    root = tmp_path_factory.mktemp("r")
    starts = root / "starts"
    for number in range(8):  # whichever worker it meets
        folder = starts / str(number)
        folder.mkdir(parents=True)
        (folder / f"0 {play.start}").touch()
    failure = outcomes(driver, "python", [play], root, starts)[play.case.id]
    assert not failure, failure
