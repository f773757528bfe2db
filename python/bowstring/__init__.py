"""Bowstring: Python and Java functions and classes as remote tasks and actors, over one store of Arrow data.

import bowstring as bow

@bow.remote
def square(x: int) -> int:
    return x * x

with bow.init():
    print(bow.get([square.remote(i) for i in range(4)]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bowstring import errors, util
from bowstring._api import (
    as_completed,
    available_resources,
    cancel,
    cluster_resources,
    empty,
    empty_table,
    get,
    get_actor,
    get_runtime_context,
    kill,
    nodes,
    put,
    remote,
    timeline,
    wait,
    why,
)
from bowstring._session import Session, init, is_initialized, register_values, shutdown
from bowstring.actor import ActorClass, ActorHandle, ActorMethod, exit_actor, java_actor_class, method
from bowstring.errors import *  # noqa: F403
from bowstring.object_ref import ObjectRef
from bowstring.object_ref_generator import ObjectRefGenerator
from bowstring.remote_function import RemoteFunction, java_function
from bowstring.table_builder import TableBuilder

if TYPE_CHECKING:
    from bowstring import exceptions as exceptions

__version__ = "0.1.0"

__all__ = [
    "ActorClass", "ActorHandle", "ActorMethod", "ObjectRef", "ObjectRefGenerator", "RemoteFunction", "Session",
    "TableBuilder", "as_completed", "available_resources", "cancel", "cluster_resources", "empty", "empty_table",
    "errors", "exit_actor", "get", "get_actor", "get_runtime_context", "init", "is_initialized", "java_actor_class",
    "java_function", "kill", "method", "nodes", "put", "remote", "shutdown", "timeline", "util", "wait", "why",
    *errors.__all__,
]  # fmt: skip

register_values()


def __getattr__(name: str) -> Any:
    if name != "exceptions":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return importlib.import_module("bowstring.exceptions")  # what few need is imported when they do
