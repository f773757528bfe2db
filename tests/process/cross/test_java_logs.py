"""What Java code logs in a worker goes to the driver, whichever way it logs."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import bowstring as bow
from tests.process.cross.conftest import LIBRARY
from tests.process.hearing import hearing
from tests.process.waiting import wait_until

BINDING = """
package own;

import org.slf4j.*;
import org.slf4j.helpers.*;
import org.slf4j.spi.*;

public final class Provider implements SLF4JServiceProvider {
    public ILoggerFactory getLoggerFactory() { return new NOPLoggerFactory(); }
    public IMarkerFactory getMarkerFactory() { return new BasicMarkerFactory(); }
    public MDCAdapter getMDCAdapter() { return new NOPMDCAdapter(); }
    public String getRequestedApiVersion() { return "2.0.99"; }
    public void initialize() { System.out.println("the job's own binding"); }
}
"""

USER = """
package own;

public final class User {
    public static String listener() { return org.slf4j.LoggerFactory.getILoggerFactory().getClass().getName(); }
}
"""


def test_a_job_that_brings_its_own_binding_of_slf4j_has_that(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own").mkdir()
    sources = []
    for name, text in (("Provider", BINDING), ("User", USER)):
        path = tmp_path / "own" / f"{name}.java"
        path.write_text(text)
        sources.append(str(path))
    classes = tmp_path / "classes"
    javac = shutil.which("javac")
    assert javac is not None, "these tests need a JDK's javac on PATH"
    subprocess.run([javac, "--release", "17", "-nowarn", "-cp", str(LIBRARY), "-d", str(classes), *sources], check=True)
    with zipfile.ZipFile(LIBRARY) as library:
        library.extractall(classes, [name for name in library.namelist() if name.startswith("org/slf4j/")])
    services = classes / "META-INF" / "services"
    services.mkdir(parents=True)
    (services / "org.slf4j.spi.SLF4JServiceProvider").write_text("own.Provider\n")
    with bow.init(num_cpus=1, class_path=[str(classes)]):
        listener = bow.get(bow.java_function("own.User", "listener").remote(), timeout=60)
    assert listener == "org.slf4j.helpers.NOPLoggerFactory"
    captured = capfd.readouterr()
    assert "the job's own binding" in captured.out
    assert "SLF4J" not in captured.err, "neither library of SLF4J complains of the other"


@pytest.mark.usefixtures("runtime")
def test_lines_of_every_logger_come_with_their_level_and_name() -> None:
    with hearing() as heard:
        bow.get(bow.java_function("cross.Talker", "talk").remote("early"), timeout=60)
        wait_until(
            lambda: "early on stdout" in heard.out and any("early by System.Logger" in line for line in heard.err), 60
        )
    lines = heard.err
    assert "INFO cross.Talker: early by SLF4J, 1 of 2" in lines
    assert "WARN cross.Talker: early with an error" in lines
    assert "java.lang.IllegalStateException: the reason of early" in lines
    assert "ERROR cross.util: early by java.util.logging" in lines
    assert "INFO cross.system: early by System.Logger" in lines
    assert not any("below the level" in line for line in lines)
