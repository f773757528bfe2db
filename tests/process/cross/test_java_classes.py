"""Where Java workers find classes: copies that belong to a job, each job with a class loader of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bowstring as bow
from bowstring.util import state
from tests.process.cross.conftest import LIBRARY
from tests.process.waiting import wait_until

SOURCE = """
package versioned;

public final class Version {
    private static int calls;

    public static String name() { return "%s"; }
    public static int calls() { return ++calls; }

    public static final class Inner {
        public static String name() { return "inner"; }
    }
}
"""

# One job, in a process of its own: says which version it sees, and how often its own static field was counted.
JOB = """
import sys
import bowstring as bow
with bow.init(address=sys.argv[1], class_path=[sys.argv[2]]):
    name, calls = bow.java_function("versioned.Version", "name"), bow.java_function("versioned.Version", "calls")
    pinned = calls.options(max_retries=0)
    print(bow.get(name.remote(), timeout=60), bow.get(pinned.remote(), timeout=60), flush=True)
    sys.stdin.readline()
    print(bow.get(name.remote(), timeout=60), bow.get(pinned.remote(), timeout=60), flush=True)
"""


def library(folder: Path, version: str) -> Path:
    """A jar with a class that knows its version."""
    source = folder / version / "Version.java"
    source.parent.mkdir()
    source.write_text(SOURCE % version)
    javac = shutil.which("javac")
    assert javac is not None, "these tests need a JDK's javac on PATH"
    classes = source.parent / "classes"
    subprocess.run([javac, "--release", "17", "-nowarn", "-d", str(classes), str(source)], check=True)
    path = Path(shutil.make_archive(str(folder / f"library-{version}"), "zip", classes))
    return path.rename(path.with_suffix(".jar"))


@pytest.fixture(scope="module")
def jars(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    assert LIBRARY.exists(), "these tests need the Java library: run make java"
    folder = tmp_path_factory.mktemp("jars")
    return library(folder, "one"), library(folder, "two")


@pytest.mark.rule("10.3/2")
def test_two_jobs_have_two_versions_of_a_class_side_by_side(jars: tuple[Path, Path]) -> None:
    with bow.init(num_cpus=2) as session:
        jobs = [
            subprocess.Popen(
                [sys.executable, "-c", JOB, session.address, str(jar)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for jar in jars
        ]
        try:
            for job, version in zip(jobs, ("one", "two"), strict=True):
                assert job.stdout is not None
                assert job.stdout.readline().split() == [version, "1"]
            for job, version in zip(jobs, ("one", "two"), strict=True):
                out, _ = job.communicate("go on\n", timeout=60)
                assert out.split() == [version, "2"], "a job's worker keeps its static fields, and no other job's"
                assert job.returncode == 0
            # With its job a worker ends, and with it the job's class loader.
            wait_until(lambda: not state.workers("language=JAVA").num_rows, 60)
        finally:
            for job in jobs:
                job.kill()
                job.wait()


@pytest.mark.rule("10.1/8")
def test_a_jar_that_is_replaced_changes_nothing_for_the_job_that_runs(jars: tuple[Path, Path], tmp_path: Path) -> None:
    jar = tmp_path / "library.jar"
    shutil.copy(jars[0], jar)
    with bow.init(num_cpus=1, class_path=[str(jar)]):
        name = bow.java_function("versioned.Version", "name")
        assert bow.get(name.remote(), timeout=60) == "one"
        shutil.copy(jars[1], jar)
        elsewhere = name.options(runtime_env={"env_vars": {"OTHER": "worker"}})
        assert bow.get(elsewhere.remote(), timeout=60) == "one"
    with bow.init(num_cpus=1, class_path=[str(jar)]):
        assert bow.get(name.remote(), timeout=60) == "two"


def test_a_class_inside_of_another_is_told_by_its_name(jars: tuple[Path, Path]) -> None:
    with bow.init(num_cpus=1, class_path=[str(jars[0])]):
        with pytest.raises(bow.FunctionNotFoundError, match=r"named with a \$: versioned\.Version\$Inner"):
            bow.get(bow.java_function("versioned.Version.Inner", "name").remote(), timeout=60)
        assert bow.get(bow.java_function("versioned.Version$Inner", "name").remote(), timeout=60) == "inner"
        with pytest.raises(bow.FunctionNotFoundError, match="name its jar or folder"):
            bow.get(bow.java_function("versioned.Nothing.Inner", "name").remote(), timeout=60)


@pytest.mark.rule("10.3/2")
def test_an_environment_s_jars_and_flags_come_before_the_job_s(jars: tuple[Path, Path]) -> None:
    text = "Ljava/lang/String;"
    setting = bow.java_function("java.lang.System", "getProperty", f"({text}){text}")
    name = bow.java_function("versioned.Version", "name")
    with bow.init(num_cpus=1, class_path=[str(jars[0])]):
        other = {"java_jars": [jars[1]], "jvm_flags": ["-Xmx48m", "-Dcolour=red"]}
        assert bow.get(name.options(runtime_env=other).remote(), timeout=60) == "two"
        assert bow.get(setting.options(runtime_env=other).remote("colour"), timeout=60) == "red"
        most = bow.get(bow.java_function("versioned.Version", "calls").options(runtime_env=other).remote(), timeout=60)
        assert most == 1
        assert bow.get(name.remote(), timeout=60) == "one"


@pytest.mark.usefixtures("runtime")
def test_what_is_no_jar_and_what_is_no_flag_is_refused(tmp_path: Path) -> None:
    function = bow.java_function("java.lang.Math", "abs", "(J)J")
    for flag in ("-Xmx1g -Xms1g", "-Dtitle='two words"):
        with pytest.raises(bow.InvalidArgumentError, match=r"jvm_flags.*-Xmx512m"):
            function.options(runtime_env={"jvm_flags": [flag]})
    with pytest.raises(bow.InvalidArgumentError, match="java_jars"):
        function.options(runtime_env={"java_jars": "one.jar"})
    broken = tmp_path / "broken.jar"
    broken.write_text("no jar")
    with pytest.raises(bow.RuntimeEnvSetupError, match=r"broken\.jar.*is no jar"):
        function.options(runtime_env={"java_jars": [broken]}).remote(1)
    with pytest.raises(bow.WorkerStartError, match="Invalid maximum heap size: -Xmxmuch"):
        bow.get(function.options(runtime_env={"jvm_flags": ["-Xmxmuch"]}).remote(1), timeout=60)
    with pytest.raises(bow.WorkerStartError, match="Unrecognized VM option 'UseNoSuchGC'"):
        bow.get(function.options(runtime_env={"jvm_flags": ["-XX:+UseNoSuchGC"]}).remote(1), timeout=60)


@pytest.mark.rule("10.3/2")
@pytest.mark.usefixtures("runtime")
def test_a_flag_may_have_blanks_in_quotation_marks() -> None:
    text = "Ljava/lang/String;"
    setting = bow.java_function("java.lang.System", "getProperty", f"({text}){text}")
    setting = setting.options(runtime_env={"jvm_flags": ["-Dtitle='two words'", '-Dother="a b"', "-Dlast=c\\ d"]})
    assert [bow.get(setting.remote(name), timeout=60) for name in ("title", "other", "last")] == [
        "two words",
        "a b",
        "c d",
    ]
