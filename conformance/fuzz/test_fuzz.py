"""Seeds, what campaigns found, and some mutations, the same in every run, through the decoders of both languages.

A campaign (README.md) looks for what is new; this holds what is known.
"""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from bowstring_wire.values import portable
from conformance.fuzz import comparison, targets
from conformance.fuzz.java_targets import build
from conformance.fuzz.mutation import mutated
from conformance.fuzz.seeds import found, seeds
from conformance.fuzz.targets import TARGETS, tag_of
from conformance.golden.specimens import TABLES
from conformance.runner import NotReady

MUTATIONS = {"frames": 400, "messages": 4_000, "values": 2_000, "arrow": 300, "errors": 1_000}
INPUT_MAX_S = 20.0
MEMORY_BASE_BYTES = 4 << 20
MEMORY_PER_BYTE = 256  # a byte of MessagePack may be a list of its own


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "_codec", portable._codec)  # put back what prepare replaces
    targets.prepare()


def inputs(target: str) -> Iterator[tuple[str, bytes]]:
    """Seeds, and mutations of them, which are the same in every run."""
    known = seeds(target)
    yield from known.items()
    chance = random.Random(f"fuzz {target}")
    names = sorted(known)
    for number in range(MUTATIONS[target]):
        name = chance.choice(names)
        yield f"{name} mutated, {number}", mutated(chance, known[name])


@pytest.mark.parametrize("target", TARGETS)
def test_python_reads_or_refuses_any_bytes(target: str) -> None:
    for name, data in inputs(target):
        started = time.monotonic()
        try:
            TARGETS[target](data)
        except Exception as error:
            raise AssertionError(f"{name}, {data.hex()}: {type(error).__name__}: {error}") from error
        assert time.monotonic() - started < INPUT_MAX_S, f"{name}, {data.hex()}"


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_takes_more_memory_than_its_size_allows(target: str) -> None:
    known = [*seeds(target).items()][-150:]
    for _, data in known:
        TARGETS[target](data)  # what is imported or made with the first value counts for no input
    tracemalloc.start()
    try:
        for name, data in known:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            TARGETS[target](data)
            taken = tracemalloc.get_traced_memory()[1] - before
            assert taken < MEMORY_BASE_BYTES + MEMORY_PER_BYTE * len(data), f"{name}: {taken} bytes for {len(data)}"
    finally:
        tracemalloc.stop()


def test_java_reads_and_refuses_what_python_does() -> None:
    try:
        build()
    except NotReady as reason:
        pytest.skip(str(reason))
    everything = [(target, name, data) for target in TARGETS for name, data in inputs(target)]
    assert list(comparison.findings(everything)) == []


def test_every_table_has_a_name_of_its_own_in_inputs() -> None:
    assert len({tag_of(table) for table in TABLES}) == len(TABLES) == len(targets.TABLES)


def test_what_campaigns_found_belongs_to_a_target() -> None:
    assert sum(len(found(target)) for target in TARGETS) > 0
