"""Runtimes that several drivers use: detached actors, namespaces, and nodes without an owner."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow
from bowstring.util import list_named_actors
from tests.process.waiting import wait_until


@bow.remote
class Counter:
    def __init__(self, start: int = 0, inner: list[bow.ObjectRef[int]] | None = None) -> None:
        self.value = start
        self.inner = inner or []

    def add(self) -> int:
        self.value += 1
        return self.value

    def pid(self) -> int:
        return os.getpid()

    def read(self) -> int:
        return bow.get(self.inner[0])

    def square(self, x: int) -> int:
        return bow.get(square.remote(x))


@bow.remote
def square(x: int) -> int:
    return x * x


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture(scope="module")
def session() -> Iterator[str]:
    """A runtime without an owner, as `bowstring start` makes it."""
    command = [sys.executable, "-m", "bowstring_core.node", "--num-cpus", "2", "--object-store-memory", str(256 << 20)]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert node.stdout is not None
    facts = json.loads(node.stdout.readline())
    node.stdout.close()
    yield facts["session"]
    assert node.poll() is None, "the node lives on when drivers come and go"
    node.terminate()
    assert node.wait(30) == 0
    assert not Path(facts["session"]).exists()


def run_driver(session: str, body: str, namespace: str = "") -> str:
    """Run a program that joins the runtime; what it printed."""
    program = textwrap.dedent("""
        import os, signal, sys
        import bowstring as bow
        from tests.process.python.test_detached import Counter, square
        bow.init(address={session!r}, namespace={namespace!r} or None)
    """).format(session=session, namespace=namespace) + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_detached_actor_outlives_the_driver_that_made_it(session: str, end: str) -> None:
    body = """
        actor = Counter.options(name="survivor", lifetime="detached", max_restarts=1).remote(10, [bow.put(7)])
        other = Counter.options(name="mortal").remote()
        assert bow.get(actor.add.remote()) == 11
        print(bow.get(actor.pid.remote()), bow.get(other.pid.remote()), flush=True)
    """
    detached, attached = map(int, run_driver(session, body + f"\n        {end}\n", "shared").split())
    wait_until(lambda: gone(attached), 30, "the actor that is not detached has ended with its job")
    with bow.init(address=session, namespace="shared"):
        actor = bow.get_actor("survivor")
        assert bow.get(actor.add.remote(), timeout=60) == 12
        assert bow.get(actor.pid.remote()) == detached
        # What its creator gave it, and what it needs of its creator's job, is still there.
        assert bow.get(actor.read.remote(), timeout=60) == 7
        assert bow.get(actor.square.remote(5), timeout=60) == 25
        with pytest.raises(bow.ActorNotFoundError, match="mortal"):
            bow.get_actor("mortal")
        # It restarts though the driver that made it is gone.
        bow.kill(actor, no_restart=False)
        assert bow.get(actor.add.remote(), timeout=60) == 11
        assert bow.get(actor.read.remote(), timeout=60) == 7
        bow.kill(actor)
        with pytest.raises(bow.ActorNotFoundError):
            bow.get_actor("survivor")


def test_namespaces_keep_names_apart(session: str) -> None:
    with bow.init(address=session, namespace="one"):
        assert bow.get_runtime_context().namespace == "one"
        first = Counter.options(name="counter", lifetime="detached").remote(1)
        bow.get(first.add.remote(), timeout=60)
    with bow.init(address=session, namespace="two"):
        with pytest.raises(bow.ActorNotFoundError, match=r"'counter'.*'two'"):
            bow.get_actor("counter")
        second = Counter.options(name="counter", lifetime="detached").remote(100)
        assert bow.get(second.add.remote(), timeout=60) == 101
        assert bow.get(bow.get_actor("counter", namespace="one").add.remote(), timeout=60) == 3
        third = Counter.options(name="counter", namespace="three", lifetime="detached").remote(1000)
        assert bow.get(third.add.remote(), timeout=60) == 1001
    with bow.init(address=session, namespace="three"):
        assert list_named_actors() == ["counter"]
        assert list_named_actors(all_namespaces=True) == [
            {"name": "counter", "namespace": namespace} for namespace in ("one", "three", "two")
        ]
        for namespace, value in (("one", 4), ("two", 102), ("three", 1002)):
            actor = bow.get_actor("counter", namespace=namespace)
            assert bow.get(actor.add.remote(), timeout=60) == value
            bow.kill(actor)


def test_drivers_without_a_namespace_do_not_meet(session: str) -> None:
    with bow.init(address=session):
        mine = bow.get_runtime_context().namespace
        Counter.options(name="hidden", lifetime="detached").remote()
        assert bow.get_actor("hidden").actor_id()
        found = run_driver(
            session,
            """
            print(bow.get_runtime_context().namespace)
            try:
                bow.get_actor("hidden")
            except bow.ActorNotFoundError:
                print("not found")
        """,
        )
        theirs, outcome = found.splitlines()
        assert theirs != mine
        assert outcome == "not found"
        bow.kill(bow.get_actor("hidden", namespace=mine))


def test_names_made_in_tasks_and_actors_count_in_their_drivers_namespace(session: str) -> None:
    @bow.remote
    def make() -> int:
        actor = Counter.options(name="made in a task", lifetime="detached").remote(5)
        return bow.get(actor.add.remote())

    with bow.init(address=session, namespace="nested"):
        assert bow.get(make.remote(), timeout=60) == 6
        assert bow.get(bow.get_actor("made in a task").add.remote(), timeout=60) == 7
        bow.kill(bow.get_actor("made in a task"))


def test_a_detached_actor_without_handles_lives_until_it_is_killed(session: str) -> None:
    with bow.init(address=session, namespace="handles"):
        pid = bow.get(Counter.options(name="kept", lifetime="detached").remote().pid.remote(), timeout=60)
        assert bow.get([square.remote(n) for n in range(20)], timeout=60) == [n * n for n in range(20)]
        assert not gone(pid)
        bow.kill(bow.get_actor("kept"))
        assert gone(pid)


def test_two_drivers_share_an_actor_at_one_time(session: str) -> None:
    with bow.init(address=session, namespace="both"):
        actor = Counter.options(name="shared").remote()
        mine = [actor.add.remote() for _ in range(200)]
        printed = run_driver(
            session,
            """
            actor = bow.get_actor("shared")
            print(len(bow.get([actor.add.remote() for _ in range(200)], timeout=60)))
        """,
            "both",
        )
        assert printed.strip() == "200"
        assert len(bow.get(mine, timeout=60)) == 200
        assert bow.get(actor.add.remote(), timeout=60) == 401


def test_auto_joins_the_runtime_that_another_driver_started(monkeypatch: pytest.MonkeyPatch) -> None:
    # "auto" is the newest of this user's: others may run beside this test.
    folder = tempfile.mkdtemp(prefix="bow")
    monkeypatch.setenv("BOWSTRING_TMP", folder)
    with bow.init(num_cpus=1, namespace="mine") as session:
        actor = Counter.options(name="first").remote(1)
        assert bow.get(actor.add.remote(), timeout=60) == 2
        body = """
            print(bow.get(bow.get_actor("first").add.remote(), timeout=60))
        """
        assert run_driver("auto", body, "mine").strip() == "3"
        assert run_driver(session.address, body, "mine").strip() == "4"
        assert bow.get(actor.add.remote(), timeout=60) == 5
    with pytest.raises(bow.BowstringError, match=r"ended|no session"):
        bow.init(address=session.address)
    with pytest.raises(bow.BowstringError, match="no running session"):
        bow.init(address="auto")
    shutil.rmtree(folder)


def test_runtimes_of_their_own_do_not_meet(session: str) -> None:
    with bow.init(num_cpus=1, namespace="same"):
        Counter.options(name="here").remote()
        body = """
            try:
                bow.get_actor("here")
            except bow.ActorNotFoundError:
                print("not found")
        """
        assert run_driver(session, body, "same").strip() == "not found"
