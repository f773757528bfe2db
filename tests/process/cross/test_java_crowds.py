"""Actors with many calls at once: on Java 21 and later each call has a virtual thread, which keeps no carrier."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow
from bowstring.util import state
from tests.process.cross.conftest import compile_classes
from tests.process.waiting import wait_until


def home_of_modern_java() -> str | None:
    """A JVM on this machine whose virtual threads wait in monitors, too, without their carriers: 24 or later."""
    for release in sorted(glob.glob("/usr/lib/jvm/*/release")):
        found = re.search(r'^JAVA_VERSION="(\d+)', Path(release).read_text(), re.MULTILINE)
        if found and int(found[1]) >= 24:
            return str(Path(release).parent)
    return None


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bow.Session]:
    home = home_of_modern_java()
    if home is None:
        pytest.skip("needs a JVM with virtual threads")
    classes = compile_classes(tmp_path_factory.mktemp("classes"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOWSTRING_JAVA_HOME", home)
        with bow.init(num_cpus=2, class_path=[str(classes)]) as session:
            yield session


@bow.remote
class Gate:
    """An actor that lets others go on."""

    def __init__(self) -> None:
        import asyncio

        self.opened = asyncio.Event()

    async def wait(self) -> int:
        await self.opened.wait()
        return 7

    async def open(self) -> None:
        self.opened.set()


@pytest.mark.usefixtures("modern")
def test_calls_that_wait_keep_no_carrier_and_their_stacks_are_told() -> None:
    one = {"jvm_flags": ["-Djdk.virtualThreadScheduler.parallelism=1", "-Djdk.virtualThreadScheduler.maxPoolSize=1"]}
    crowd = bow.java_actor_class("cross.Crowd").options(max_concurrency=60, runtime_env=one).remote()
    assert "VirtualThread" in bow.get(crowd.thread.remote(), timeout=60)
    gate = Gate.remote()
    late = gate.wait.remote()
    waiting = [getattr(crowd, ("await", "sleep")[number % 2]).remote([late]) for number in range(50)]
    wait_until(lambda: bow.get(crowd.waiting.remote(), timeout=60) == 50, 60)
    stacks = state.stacks("language=JAVA", ("stack", "~", "cross.Crowd.await(Crowd.java")).to_pylist()
    assert len(stacks) == 25
    assert {each["task"] for each in stacks} <= {ref.hex()[:32] for ref in waiting}
    bow.get(gate.open.remote(), timeout=60)
    assert bow.get(waiting, timeout=60) == [7, True] * 25


@pytest.mark.usefixtures("modern")
def test_few_calls_at_once_have_threads_of_the_system() -> None:
    few = bow.java_actor_class("cross.Crowd").options(max_concurrency=4).remote()
    assert "VirtualThread" not in bow.get(few.thread.remote(), timeout=60)
