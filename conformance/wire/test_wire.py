"""Every wire-level case against each side that it is for, a test each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.runner import JAR
from conformance.wire.case import WireCase, read_wire_cases
from conformance.wire.subjects import NodeSubject, WorkerSubject
from tests.process.core.node_process import NodeProcess

Subject = NodeSubject | WorkerSubject


@pytest.fixture(scope="module")
def subject_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Subject]]:
    """One node for all that is asked of nodes, and one for all workers; each is started when first asked for."""
    subjects: dict[str, Subject] = {}
    nodes: dict[str, NodeProcess] = {}

    def node_of(kind: str) -> NodeProcess:
        if kind not in nodes:
            arguments = ["--num-cpus", "4"]
            module = "tests.process.core.spec_worker" if kind == "node" else "bowstring.worker"
            nodes[kind] = NodeProcess(tmp_path_factory.mktemp("r"), *arguments, worker_module=module)
        return nodes[kind]

    def subject(name: str) -> Subject:
        if name not in subjects:
            if name == "node":
                subjects[name] = NodeSubject(node_of("node"))
            else:
                language = name.removesuffix(" worker")
                if language == "java" and not (JAR.exists() and shutil.which("java") and shutil.which("javac")):
                    pytest.skip("needs a JDK and the Java library: make java")
                subjects[name] = WorkerSubject(node_of("workers"), language)
        return subjects[name]

    yield subject
    for node in nodes.values():
        node.end()


@pytest.mark.parametrize(
    ("subject", "case"),
    [pytest.param(subject, case, id=f"{subject}-{case.id}") for case in read_wire_cases() for subject in case.subjects],
)
def test_case(subject_of: Callable[[str], Subject], subject: str, case: WireCase, tmp_path: Path) -> None:
    tested = subject_of(subject)
    player = tested.player(tmp_path)
    try:
        player.run(case.steps)
    finally:
        tested.done(player)
