"""Lives of actors on real workers."""

import os
import signal

import psutil

from bowstring_wire.messages import (
    Ack,
    ActorCreate,
    ActorHandle,
    ActorInfo,
    ActorKill,
    ActorLife,
    ActorLookup,
    ActorState,
    ActorSubscribe,
    Arg,
    ArgKind,
    Encoding,
    ErrorCode,
    Failure,
    FrameType,
    Language,
    Layout,
    LeaseGrant,
    ObjectRef,
    ObjectValue,
    RefChange,
    RefUpdate,
    Resource,
    Result,
    StateKind,
    Task,
    TaskFlag,
)
from bowstring_wire.protocol import frame
from tests.process.core.test_leases import lease
from tests.process.core.test_objects import get, new_ref, publish, state, sync
from tests.process.core.wire_client import WireClient, is_running, wait_until


def create(driver, creation_name="", **fields):
    actor = driver.task_id()
    ref = ObjectRef(actor + bytes(4), 0, driver.process, driver.welcome.node)
    handle = ActorHandle(ref, Language.PYTHON, 1, class_name="Counter", class_key=b"k" * 16)
    task = Task(actor, b"k" * 16, owner=driver.process, home=driver.welcome.node, flags=TaskFlag.CREATION)
    task.name, task.num_returns = creation_name, 1
    body = frame(FrameType.TASK, task.encode())
    driver.send(ActorCreate(driver.request(), handle, **fields), body)
    return ref


def actor_of(ref):
    return ref.id[:16]


def watch(client, ref):
    client.send(ActorSubscribe(actor_of(ref)))


def wait_for(client, life):
    while True:
        message = client.expect(ActorState)
        if message.life == life:
            return message


def alive(driver, creation_name="", **fields):
    ref = create(driver, creation_name, **fields)
    assert driver.expect(Ack).request == driver.requests
    watch(driver, ref)
    return ref, wait_for(driver, ActorLife.ALIVE)


def call(node, driver, ref, life, method, argument=b"hi"):
    worker = WireClient(life.address, node.token)
    worker.process = driver.process
    node.clients.append(worker)
    worker.greet(job=driver.welcome.job)
    arg = Arg(ArgKind.VALUE, Encoding.BYTES, Layout.COMPACT, 0, 0, len(argument), 0, bytes(20), 0, 0, 0)
    task = Task(driver.task_id(), b"k" * 16, actor_of(ref), driver.process, driver.welcome.node, num_returns=1)
    task.epoch, task.method, task.args, task.flags = life.incarnation, method, (arg,), TaskFlag.METHOD
    worker.send(task, argument)
    return worker


def release(client, ref):
    client.send(RefUpdate((RefChange(*ref, -1, 0),)))


def test_actor_takes_calls(node):
    driver = node.driver()
    ref, life = alive(driver)
    worker = call(node, driver, ref, life, "echo", b"hello")
    assert worker.receive(Result)[1][:5] == b"hello"


def test_actor_dies_when_its_creator_lets_it_go(node):
    driver = node.driver()
    ref, _ = alive(driver)
    release(driver, ref)
    dead = wait_for(driver, ActorLife.DEAD)
    assert dead.error.code == ErrorCode.ACTOR_DIED
    assert "last reference" in dead.error.message


def test_actor_lives_while_another_process_holds_it(node):
    a, b = node.driver(), node.driver()
    ref, _ = alive(a)
    b.send(RefUpdate((RefChange(*ref, 1, 0),)))
    sync(b)
    release(a, ref)
    assert a.silent(ActorState)
    release(b, ref)
    wait_for(a, ActorLife.DEAD)


def test_actor_let_go_before_it_was_placed_is_dead_at_once(start_node):
    driver = start_node("--num-cpus", "1").driver()
    lease(driver, (Resource("CPU", 10_000),))
    driver.expect(LeaseGrant)
    ref = create(driver, resources=(Resource("CPU", 10_000),))
    watch(driver, ref)
    wait_for(driver, ActorLife.PENDING)
    release(driver, ref)
    wait_for(driver, ActorLife.DEAD)


def test_crashed_actor_restarts_as_often_as_it_may(node):
    driver = node.driver()
    ref, life = alive(driver, max_restarts=1)
    pid = int(call(node, driver, ref, life, "pid").receive(Result)[1].rstrip(b"\0"))
    os.kill(pid, signal.SIGKILL)
    restarting = wait_for(driver, ActorLife.RESTARTING)
    assert restarting.error.code == ErrorCode.ACTOR_UNAVAILABLE
    second = wait_for(driver, ActorLife.ALIVE)
    assert second.incarnation == 1
    assert second.worker != life.worker
    call(node, driver, ref, second, "crash")
    dead = wait_for(driver, ActorLife.DEAD)
    assert dead.error.code == ErrorCode.ACTOR_DIED
    assert "signal 9 (SIGKILL)" in dead.error.message


def test_failing_constructor_kills_the_actor_with_its_error(node):
    driver = node.driver()
    ref = create(driver, "fail", max_restarts=5)
    watch(driver, ref)
    dead = wait_for(driver, ActorLife.DEAD)
    assert dead.error.code == ErrorCode.ACTOR_DIED
    assert dead.error.type_name == "ValueError"
    assert "constructor" in dead.error.message


def test_crash_in_the_constructor_uses_up_restarts(node):
    driver = node.driver()
    ref = create(driver, "crash", max_restarts=2)
    watch(driver, ref)
    dead = wait_for(driver, ActorLife.DEAD)
    assert dead.incarnation == 2


def test_kill_is_acknowledged_once_the_process_has_ended(node):
    driver = node.driver()
    ref, life = alive(driver, max_restarts=5, name="x")
    pid = int(call(node, driver, ref, life, "pid").receive(Result)[1].rstrip(b"\0"))
    driver.send(ActorKill(driver.request(), actor_of(ref), True))
    assert driver.expect(Ack).request == driver.requests
    assert not is_running(pid)
    wait_for(driver, ActorLife.DEAD)
    alive(driver, name="x")


def test_kill_with_restart_makes_a_new_incarnation(node):
    driver = node.driver()
    ref, _ = alive(driver, max_restarts=1)
    driver.send(ActorKill(driver.request(), actor_of(ref), False))
    assert wait_for(driver, ActorLife.ALIVE).incarnation == 1


def test_exit_ends_the_actor_for_good(node):
    driver = node.driver()
    ref, life = alive(driver, max_restarts=5)
    worker = call(node, driver, ref, life, "exit")
    worker.expect(Result)
    assert "exited" in wait_for(driver, ActorLife.DEAD).error.message


def test_name_is_found_held_and_unique(node):
    a, b = node.driver(namespace="n"), node.driver(namespace="n")
    ref, _ = alive(a, name="counter")
    b.send(ActorLookup(b.request(), "counter"))
    info = b.expect(ActorInfo)
    assert info.handle.ref == ref
    assert info.handle.class_name == "Counter"
    create(b, name="counter")
    assert b.expect(Failure).error.code == ErrorCode.ACTOR_NAME_TAKEN
    create(b, name="counter", get_if_exists=True)
    assert b.expect(ActorInfo).handle.ref == ref
    b.send(ActorLookup(b.request(), "counter", "elsewhere"))
    assert b.expect(Failure).error.code == ErrorCode.ACTOR_NOT_FOUND
    sync(b)
    release(a, ref)
    assert a.silent(ActorState)


def test_detached_actor_outlives_its_job_and_can_call_on_its_namespace(node):
    a = node.driver(namespace="n")
    _, life = alive(a, name="keeper", detached=True)
    a.close()
    b = node.driver(namespace="n")
    b.send(ActorLookup(b.request(), "keeper"))
    info = b.expect(ActorInfo)
    watch(b, info.handle.ref)
    assert b.expect(ActorState).worker == life.worker
    b.send(ActorKill(b.request(), actor_of(info.handle.ref), True))
    b.expect(Ack)


def test_actors_of_an_ended_job_end(node):
    a, b = node.driver(), node.driver()
    ref, _ = alive(a)
    watch(b, ref)
    wait_for(b, ActorLife.ALIVE)
    a.close()
    wait_for(b, ActorLife.DEAD)


def test_actor_that_no_node_can_hold_is_dead(node):
    driver = node.driver()
    ref = create(driver, resources=(Resource("unicorn", 10_000),))
    watch(driver, ref)
    dead = wait_for(driver, ActorLife.DEAD)
    assert dead.error.code == ErrorCode.ACTOR_UNSCHEDULABLE
    assert "unicorn" in dead.error.message


def test_placement_needs_what_it_does_not_hold(node):
    driver = node.driver()
    cpu = (Resource("CPU", 10_000),)
    for _ in range(3):
        alive(driver, placement_resources=cpu)
    assert state(driver, StateKind.RESOURCES)[0] == {"name": "CPU", "total": 2.0, "available": 2.0}


def test_resources_of_a_dead_actor_are_free(node):
    driver = node.driver()
    ref, _ = alive(driver, resources=(Resource("CPU", 20_000),))
    assert state(driver, StateKind.RESOURCES)[0]["available"] == 0
    release(driver, ref)
    wait_for(driver, ActorLife.DEAD)
    assert state(driver, StateKind.RESOURCES)[0]["available"] == 2


def test_subscription_that_comes_before_the_creation_is_answered(node):
    a, b = node.driver(), node.driver()
    actor = a.task_id()
    watch(b, ObjectRef(actor + bytes(4), 0, 0, 0))
    sync(b)
    a.task_id = lambda: actor
    create(a)
    wait_for(b, ActorLife.ALIVE)


def test_arguments_of_the_creation_are_held_until_the_actor_is_over(node):
    driver = node.driver()
    argument = new_ref(driver)
    publish(driver, argument)
    ref, _ = alive(driver, contains=(argument,))
    release(driver, argument)
    get(driver, argument)
    driver.expect(ObjectValue)
    release(driver, ref)
    wait_for(driver, ActorLife.DEAD)
    get(driver, argument)
    assert driver.expect(Failure).error.code == ErrorCode.OBJECT_FREED


def test_get_of_an_actor_is_refused(node):
    driver = node.driver()
    ref, _ = alive(driver)
    get(driver, ref)
    assert driver.expect(Failure).error.code == ErrorCode.INVALID_ARGUMENT


def test_zygotes_death_is_a_crash_of_every_actor(node):
    driver = node.driver()
    alive(driver, max_restarts=1)
    psutil.Process(node.pid).children()[0].kill()
    assert wait_for(driver, ActorLife.ALIVE).incarnation == 1


def test_state_tells_of_actors(node):
    driver = node.driver(namespace="n")
    ref, _ = alive(driver, name="x", max_restarts=3)
    row = state(driver, StateKind.ACTORS)[0]
    assert is_running(row.pop("pid"))
    assert row == {
        "actor": actor_of(ref).hex(),
        "class": "Counter",
        "name": "x",
        "namespace": "n",
        "job": 1,
        "language": "PYTHON",
        "life": "ALIVE",
        "incarnation": 0,
        "restarts_left": 3,
        "reason": "",
    }
    release(driver, ref)
    wait_until(lambda: state(driver, StateKind.ACTORS)[0]["life"] == "DEAD")
