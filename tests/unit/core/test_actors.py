"""Actors' lives, event by event."""

import pytest

from bowstring_core import limits
from bowstring_core.machine.actors import (
    ActorSpec,
    ActorTable,
    Done,
    EndActor,
    EndWorker,
    Found,
    Leave,
    Life,
    Over,
    Place,
    Reason,
    Refused,
    Show,
    Start,
    Unknown,
    Unplace,
)
from bowstring_core.machine.objects import Ref

CREATOR, WATCHER = 5, 6
CRASH = Reason("ACTOR_DIED", "killed")


def spec(number=1, name="", **fields):
    actor = number.to_bytes(16, "big")
    values = {"detached": False, "max_restarts": 0, **fields}
    ref = Ref(actor + bytes(4), 0, CREATOR, 1)
    return ActorSpec(actor, ref, CREATOR, 1, name, "n", contains=(), class_name="C", plan="plan", **values)


def made(table, watched=True, **fields):
    actor = spec(**fields)
    table.create(actor, 1, False)
    if watched:
        table.subscribe(WATCHER, actor.id, 0.0)
    return table.actors[actor.id]


def alive(table, slot=7, now=0.0, **fields):
    actor = made(table, **fields)
    table.placed(actor.spec.id, slot, now)
    table.started(slot, actor.spec.id, actor.incarnation, True, None)
    return actor


def shown(effects):
    return [(e.actor.shown, e.processes) for e in effects if isinstance(e, Show)]


def test_life_from_creation_to_calls():
    table = ActorTable()
    actor = spec()
    done, place = table.create(actor, 3, False)
    assert done == Done(CREATOR, 3)
    assert isinstance(place, Place)
    assert place.after_s == 0
    assert shown(table.subscribe(WATCHER, actor.id, 0.0)) == [(Life.PENDING, (WATCHER,))]
    (start,) = table.placed(actor.id, 7, 0.0)
    assert isinstance(start, Start)
    assert shown(table.started(7, actor.id, 0, True, None)) == [(Life.ALIVE, (WATCHER,))]


def test_crash_restarts_while_restarts_are_left():
    table = ActorTable()
    actor = alive(table, max_restarts=1)
    effects = table.worker_ended(7, CRASH, 100.0)
    assert shown(effects) == [(Life.RESTARTING, (WATCHER,))]
    assert (actor.incarnation, actor.restarts_left) == (1, 0)
    table.placed(actor.spec.id, 8, 100.0)
    table.started(8, actor.spec.id, 1, True, None)
    effects = table.worker_ended(8, CRASH, 200.0)
    assert shown(effects) == [(Life.DEAD, (WATCHER,))]
    assert any(isinstance(e, Over) for e in effects)


def test_restarts_after_short_lives_wait_longer_each_time_up_to_a_bound():
    table = ActorTable()
    actor = alive(table, max_restarts=-1)
    waits = []
    for slot in range(7, 20):
        (place,) = [e for e in table.worker_ended(slot, CRASH, 0.0) if isinstance(e, Place)]
        waits.append(place.after_s)
        table.placed(actor.spec.id, slot + 1, 0.0)
    assert waits[:3] == [limits.ACTOR_BACKOFF_S, 2 * limits.ACTOR_BACKOFF_S, 4 * limits.ACTOR_BACKOFF_S]
    assert waits[-1] == limits.ACTOR_BACKOFF_MAX_S
    assert actor.restarts_left == -1


def test_failed_constructor_is_not_tried_again():
    table = ActorTable()
    actor = made(table, max_restarts=9)
    table.placed(actor.spec.id, 7, 0.0)
    assert table.started(7, actor.spec.id, 0, False, "record") == [EndWorker(7, False)]
    assert shown(table.worker_ended(7, CRASH, 1.0)) == [(Life.DEAD, (WATCHER,))]
    assert actor.reason == Reason("ACTOR_DIED", "the actor's constructor failed", "record")


def test_message_of_an_earlier_incarnation_is_nothing():
    table = ActorTable()
    actor = alive(table, max_restarts=1)
    table.worker_ended(7, CRASH, 0.0)
    table.placed(actor.spec.id, 8, 0.0)
    assert table.started(8, actor.spec.id, 0, True, None) == []
    assert table.started(7, actor.spec.id, 1, True, None) == []
    assert actor.life is Life.STARTING


@pytest.mark.parametrize("event", ["scope", "kill", "job"])
def test_actor_that_waits_for_a_worker_is_dead_at_once(event):
    table = ActorTable()
    actor = made(table)
    if event == "scope":
        effects = table.out_of_scope(actor.spec.id)
    elif event == "kill":
        effects = table.kill(WATCHER, 4, actor.spec.id, True)
        assert effects[-1] == Done(WATCHER, 4)
    else:
        effects = table.job_over(1)
    assert isinstance(effects[0], Unplace)
    assert shown(effects) == [(Life.DEAD, (WATCHER,))]
    assert table.placed(actor.spec.id, 9, 0.0) == [EndWorker(9, True)]


def test_actor_is_dead_only_when_its_process_has_ended():
    table = ActorTable()
    actor = alive(table)
    assert table.out_of_scope(actor.spec.id) == [EndWorker(7, False)]
    assert table.out_of_scope(actor.spec.id) == []
    assert actor.shown is Life.ALIVE
    assert shown(table.worker_ended(7, CRASH, 9.0)) == [(Life.DEAD, (WATCHER,))]
    assert "last reference" in actor.reason.message


def test_kill_is_acknowledged_after_the_end():
    table = ActorTable()
    actor = alive(table, max_restarts=3)
    assert table.kill(WATCHER, 4, actor.spec.id, True) == [EndWorker(7, True)]
    effects = table.worker_ended(7, CRASH, 9.0)
    assert shown(effects) == [(Life.DEAD, (WATCHER,))]
    assert effects[-1] == Done(WATCHER, 4)


def test_kill_with_restart_is_a_crash():
    table = ActorTable()
    actor = alive(table, max_restarts=3)
    assert table.kill(WATCHER, 4, actor.spec.id, False) == [EndWorker(7, True)]
    effects = table.worker_ended(7, CRASH, 9.0)
    assert shown(effects) == [(Life.RESTARTING, (WATCHER,))]
    assert effects[-1] == Done(WATCHER, 4)


def test_killing_the_dead_or_unknown_is_done():
    table = ActorTable()
    assert table.kill(WATCHER, 4, bytes(16), True) == [Done(WATCHER, 4)]


def test_detached_actor_lives_without_holders_and_without_its_job():
    table = ActorTable()
    actor = alive(table, detached=True)
    assert table.out_of_scope(actor.spec.id) == []
    assert table.job_over(1) == []
    assert table.lives_in(1)


def test_name_is_taken_while_the_actor_lives_and_free_as_soon_as_it_ends():
    table = ActorTable()
    first = alive(table, name="x")
    (refused,) = table.create(spec(2, "x"), 8, False)
    assert (refused.code, refused.request) == ("ACTOR_NAME_TAKEN", 8)
    (found,) = table.create(spec(3, "x"), 9, True)
    assert found == Found(CREATOR, 9, first)
    table.out_of_scope(first.spec.id)
    assert isinstance(table.lookup(WATCHER, 1, "x", "n")[0], Refused)
    assert isinstance(table.create(spec(4, "x"), 10, False)[0], Done)
    table.worker_ended(7, CRASH, 0.0)
    assert isinstance(table.lookup(WATCHER, 2, "x", "n")[0], Found)


def test_early_subscription_is_answered_by_the_creation_or_by_time():
    table = ActorTable()
    first, second = spec(1), spec(2)
    assert table.subscribe(WATCHER, first.id, 0.0) == []
    assert table.subscribe(WATCHER, second.id, 0.0) == []
    assert shown(table.create(first, 1, False)) == [(Life.PENDING, (WATCHER,))]
    assert table.deadline() == limits.UNKNOWN_ACTOR_S
    assert table.tick(limits.UNKNOWN_ACTOR_S) == [Unknown(second.id, WATCHER)]
    assert table.deadline() is None


def test_dead_actors_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(limits, "DEAD_ACTORS_MAX", 3)
    table = ActorTable()
    for number in range(1, 9):
        actor = made(table, watched=False, number=number)
        table.rejected(actor.spec.id, Reason("ACTOR_UNSCHEDULABLE", "no"))
    assert len(table.actors) == 3


def test_one_of_two_actors_in_a_worker_is_killed_and_the_other_lives():
    table = ActorTable()
    one, other = alive(table, number=1), alive(table, number=2, max_restarts=1)
    assert table.kill(CREATOR, 9, one.spec.id, True) == [EndActor(one, True)]
    effects = table.left(7, one.spec.id, 0, 1.0)
    assert effects[0] == Leave(7, one.spec.id)
    assert Done(CREATOR, 9) in effects
    assert (one.life, other.life) == (Life.DEAD, Life.ALIVE)
    assert table.left(7, one.spec.id, 0, 1.0) == [], "it has left before"
    assert table.kill(CREATOR, 10, other.spec.id, False) == [EndWorker(7, True)], "nobody else is there"


def test_the_end_of_a_worker_is_that_of_all_its_actors_and_each_restarts_if_it_may():
    table = ActorTable()
    mortal, phoenix = alive(table, number=1), alive(table, number=2, max_restarts=1)
    effects = table.worker_ended(7, CRASH, 5.0)
    assert (mortal.life, phoenix.life) == (Life.DEAD, Life.RESTARTING)
    assert [effect.actor for effect in effects if isinstance(effect, Place)] == [phoenix]


def test_a_restart_of_an_actor_that_was_killed_alone_gets_a_new_place():
    table = ActorTable()
    one, _ = alive(table, number=1, max_restarts=1), alive(table, number=2)
    assert table.kill(CREATOR, 9, one.spec.id, False) == [EndActor(one, True)]
    leave, place, _, done = table.left(7, one.spec.id, 0, 5.0)
    assert (leave, place, done) == (Leave(7, one.spec.id), Place(one, 0.0), Done(CREATOR, 9))
    assert one.incarnation == 1
    assert table.placed(one.spec.id, 7, 6.0) == [Start(one)]


def test_a_place_that_comes_too_late_is_left_without_hurting_who_is_there():
    table = ActorTable()
    alive(table, number=1)
    late = made(table, number=2)
    table.kill(CREATOR, 9, late.spec.id, True)
    assert table.placed(late.spec.id, 7, 1.0) == [Leave(7, late.spec.id)]
