"""A real node for each test that wants one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.process.core.node_process import NodeProcess


@pytest.fixture
def start_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., NodeProcess]]:
    nodes: list[NodeProcess] = []

    def start(*arguments: str, **options: Any) -> NodeProcess:
        root = tmp_path_factory.mktemp("r")
        node = NodeProcess(root, *arguments, **options)
        nodes.append(node)
        return node

    with contextlib.ExitStack() as ends:  # the others end too if one has left something behind
        yield start
        for node in nodes:
            ends.callback(node.end)


@pytest.fixture
def node(start_node: Callable[..., NodeProcess]) -> NodeProcess:
    return start_node("--num-cpus", "2")
