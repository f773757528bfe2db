"""Several Java actors in one JVM: each lives and ends by itself, but for the end of the JVM."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import bowstring as bow
from bowstring.util import state
from bowstring_core import limits
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


def neighbours(count: int, **options: Any) -> list[Any]:
    kind = bow.java_actor_class("cross.Neighbour").options(shared_worker=True, **options)
    return [kind.remote() for _ in range(count)]


def process_of(actor: Any) -> int:
    pid: int = bow.get(actor.processId.remote(), timeout=60)
    return pid


def test_actors_share_a_process_and_keep_their_states_callers_and_names_apart() -> None:
    actors = neighbours(5)
    assert len({process_of(actor) for actor in actors}) == 1
    added = [actor.add.remote(number) for number, actor in enumerate(actors) for _ in range(2)]
    assert bow.get(added, timeout=60) == [0, 0, 1, 2, 2, 4, 3, 6, 4, 8]
    assert bow.get(actors[0].made.remote(), timeout=60) >= 5, "static fields are the process's"
    assert len({bow.get(actor.actorId.remote(), timeout=60) for actor in actors}) == 5
    alone = bow.java_actor_class("cross.Neighbour").remote()
    assert process_of(alone) != process_of(actors[0])


def test_a_kill_ends_one_of_them_even_while_it_runs(tmp_path: Path) -> None:
    victim, other = neighbours(2)
    assert process_of(victim) == process_of(other)
    stays = victim.stay.remote(str(tmp_path / "started"), str(tmp_path / "never"))
    wait_until((tmp_path / "started").exists, 60)
    bow.kill(victim)
    with pytest.raises(bow.ActorDiedError, match="killed"):
        bow.get(stays, timeout=60)
    with pytest.raises(bow.ActorDiedError):
        bow.get(victim.add.remote(1), timeout=60)
    assert bow.get(other.add.remote(5), timeout=60) == 5


@pytest.mark.rule("5.5/4")
def test_one_that_is_killed_to_restart_starts_afresh_and_the_others_go_on() -> None:
    phoenix, other = neighbours(2, max_restarts=1, max_task_retries=2)
    assert bow.get([phoenix.add.remote(3), other.add.remote(4)], timeout=60) == [3, 4]
    before = process_of(other)
    bow.kill(phoenix, no_restart=False)
    assert bow.get(phoenix.add.remote(1), timeout=60) == 1
    assert bow.get(other.add.remote(1), timeout=60) == 5
    assert process_of(other) == before


def test_exit_actor_ends_one_and_the_last_one_ends_the_process() -> None:
    one, other = neighbours(2)
    pid = process_of(one)
    bow.get(one.leave.remote(), timeout=60)
    with pytest.raises(bow.ActorDiedError):
        bow.get(one.add.remote(1), timeout=60)
    assert bow.get(other.add.remote(2), timeout=60) == 2
    del one, other
    wait_until(lambda: not state.workers(f"pid={pid}").num_rows, 60)


def test_the_end_of_the_jvm_is_that_of_all_and_each_restarts_if_it_may() -> None:
    phoenix = neighbours(1, max_restarts=1, max_task_retries=2)[0]
    mortal = neighbours(1)[0]
    before = process_of(phoenix)
    assert process_of(mortal) == before
    born = time.monotonic()
    wait_until(lambda: time.monotonic() > born + limits.ACTOR_SHORT_LIFE_S)  # so that it restarts without a wait
    with pytest.raises(bow.ActorError, match=r"called System\.exit"):
        bow.get(mortal.exit.remote(), timeout=60)
    with pytest.raises(bow.ActorDiedError):
        bow.get(mortal.add.remote(1), timeout=60)
    assert bow.get(phoenix.add.remote(7), timeout=60) == 7
    assert process_of(phoenix) != before


def test_what_can_not_share_is_refused() -> None:
    class Local:
        pass

    with pytest.raises(bow.InvalidArgumentError, match="shared_worker is for actors in Java"):
        bow.remote(Local).options(shared_worker=True).remote()
