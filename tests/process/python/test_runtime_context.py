"""What code can ask about where it runs."""

from __future__ import annotations

from typing import Any

import pytest

import bowstring as bow


def facts() -> dict[str, Any]:
    context = bow.get_runtime_context()
    return {
        "job": context.get_job_id(),
        "task": context.get_task_id(),
        "task name": context.get_task_name(),
        "actor": context.get_actor_id(),
        "actor name": context.get_actor_name(),
        "worker": context.get_worker_id(),
        "node": context.get_node_id(),
        "gpus": context.get_accelerator_ids()["GPU"],
        "again": context.was_current_actor_reconstructed,
    }


@bow.remote
def ask() -> dict[str, Any]:
    return facts()


@bow.remote
class Asker:
    def ask(self) -> dict[str, Any]:
        return facts()

    def own_handle(self) -> Any:
        return bow.get_runtime_context().current_actor


@pytest.fixture(params=[False, True], ids=["processes", "inline"], scope="module")
def inline(request: pytest.FixtureRequest) -> Any:
    with bow.init(num_cpus=2, num_gpus=1, inline=request.param):
        yield request.param


def test_a_driver_has_no_task_and_no_actor(inline: bool) -> None:
    here = facts()
    assert (here["task"], here["task name"], here["actor"], here["actor name"]) == (None, None, None, None)
    with pytest.raises(bow.BowstringError, match="current_actor"):
        _ = bow.get_runtime_context().current_actor


def test_a_task_knows_itself(inline: bool) -> None:
    ref = ask.remote()
    there, here = bow.get(ref), facts()
    assert there["task"] == ref.task_id().hex()
    assert there["task name"] == "ask"
    assert (there["job"], there["node"]) == (here["job"], here["node"])
    assert (there["worker"] == here["worker"]) is inline
    assert bow.get(ask.options(name="question").remote())["task name"] == "question"


def test_an_actor_knows_itself(inline: bool) -> None:
    asker = Asker.options(name="asker").remote()
    there = bow.get(asker.ask.remote())
    assert there["actor"] == asker.actor_id().hex()
    assert (there["actor name"], there["task name"], there["again"]) == ("asker", "Asker.ask", False)
    assert bow.get(asker.own_handle.remote()) == asker
    assert bow.get(Asker.remote().ask.remote())["actor name"] is None


def test_a_task_with_a_gpu_knows_which(inline: bool) -> None:
    if not inline:
        assert bow.get(ask.options(num_gpus=1).remote())["gpus"] == ["0"]
