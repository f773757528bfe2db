"""Wrong arguments of every public call are refused with an error that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bowstring as bow

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote
def identity(x: Any) -> Any:
    return x


@bow.remote
class Thing:
    def touch(self) -> None: ...


CASES: list[tuple[str, Callable[[], Any]]] = [
    ("refs", lambda: bow.get(5)),
    (r"refs\[1\]", lambda: bow.get([bow.put(1), "x"])),
    ("timeout", lambda: bow.get(bow.put(1), timeout=-1)),
    ("timeout", lambda: bow.get(bow.put(1), timeout="soon")),
    ("value", lambda: bow.put(bow.put(1))),
    ("refs", lambda: bow.wait(bow.put(1))),
    (r"refs\[0\]", lambda: bow.wait([1])),
    ("num_returns", lambda: bow.wait([bow.put(1)], num_returns=2)),
    ("num_returns", lambda: bow.wait([bow.put(1)], num_returns=0)),
    ("timeout", lambda: bow.wait([bow.put(1)], timeout=-3)),
    ("twice", lambda: bow.wait([bow.put(1)] * 2)),
    ("target", lambda: bow.remote(5)),
    ("num_cpus", lambda: identity.options(num_cpus=-1)),
    ("num_cpus", lambda: identity.options(num_cpus="two")),
    ("num_gpus", lambda: identity.options(num_gpus=float("nan"))),
    ("memory", lambda: identity.options(memory=[])),
    ("resources", lambda: identity.options(resources=5)),
    ("widget", lambda: identity.options(resources={"widget": -1})),
    ("num_cpus", lambda: identity.options(resources={"CPU": 1})),
    ("num_returns", lambda: identity.options(num_returns=-1)),
    ("max_retries", lambda: identity.options(max_retries=-2)),
    ("max_retries", lambda: identity.options(max_retries=True)),
    ("name", lambda: identity.options(name="")),
    ("colour", lambda: identity.options(colour="red")),
    ("colour", lambda: bow.remote(colour="red")(lambda: 1)),
    ("max_restarts", lambda: Thing.options(max_restarts=1.5)),
    ("max_pending_calls.*1 or more, or -1", lambda: Thing.options(max_pending_calls=0)),
    ("max_pending_calls", lambda: Thing.options(max_pending_calls=-2)),
    ("max_concurrency", lambda: Thing.options(max_concurrency=0)),
    ("lifetime", lambda: Thing.options(lifetime="long")),
    ("get_if_exists", lambda: Thing.options(get_if_exists=True).remote()),
    ("namespace", lambda: Thing.options(namespace=5)),
    ("num_returns", lambda: bow.method(num_returns="many")),
    ("actor", lambda: bow.kill("me")),
    ("name", lambda: bow.get_actor(5)),
    ("ref", lambda: bow.cancel(5)),
    ("shape", lambda: bow.empty("abc")),
    ("negative", lambda: bow.empty((-1, 2))),
    ("dtype", lambda: bow.empty(3, "datetime64[ns]")),
    ("class_name", lambda: bow.java_function("", "x")),
    ("method", lambda: bow.java_function("a.B", 5)),
    ("class_name", lambda: bow.java_actor_class(None)),
    ("remote function", lambda: identity(5)),
    ("actor's class", lambda: Thing()),
    ("already", lambda: bow.remote(identity)),
]


@pytest.mark.parametrize(("named", "call"), CASES)
def test_a_wrong_argument_is_named(named: str, call: Callable[[], Any]) -> None:
    with pytest.raises(bow.InvalidArgumentError, match=named):
        call()


def test_a_value_that_does_not_pickle_is_refused_at_the_call() -> None:
    import threading

    with pytest.raises(bow.SerializationError, match="lock"):
        identity.remote(threading.Lock())
    with pytest.raises(bow.SerializationError, match="lock"):
        bow.put(threading.Lock())


def test_a_function_that_captures_what_does_not_pickle_is_refused_at_the_call() -> None:
    import threading

    lock = threading.Lock()

    @bow.remote
    def capture() -> bool:
        return lock.locked()

    with pytest.raises(bow.SerializationError, match="capture"):
        capture.remote()
