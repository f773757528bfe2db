"""What of a Java driver's class path its workers' JVMs are started with, and what belongs to its job alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process.cross.conftest import LIBRARY
from tests.process.cross.test_java_classes import JOB, library
from tests.process.waiting import wait_until

# Prints what a worker sees: its version of a class, its JVM's command line, a table's way through it.
PROGRAM = """
package program;

import io.bowstring.*;
import io.bowstring.arrow.ArrowValue;
import java.nio.file.*;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.*;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.*;

public final class Main {
    public static String command() throws Exception {
        return Files.readString(Path.of("/proc/self/cmdline")).replace('\\0', ' ');
    }

    /** Whether Arrow writes and reads JSON here, for which it needs the Jackson of its own. */
    public static boolean json() throws Exception {
        Schema schema = new Schema(List.of(
                Field.nullable("number", new ArrowType.Int(64, true)),
                new Field("word", new FieldType(true, ArrowType.Utf8.INSTANCE,
                        new DictionaryEncoding(1, false, null), Map.of("key", "value")), null),
                Field.nullable("when", new ArrowType.Timestamp(TimeUnit.NANOSECOND, "UTC")),
                new Field("list", FieldType.nullable(ArrowType.List.INSTANCE),
                        List.of(Field.notNullable("item", new ArrowType.Decimal(20, 3, 128))))));
        return Schema.fromJSON(schema.toJson()).equals(schema);
    }

    public static String loader() {
        return versioned.Version.class.getClassLoader().getName();
    }

    public static long sum(ArrowValue table) {
        long sum = 0;
        for (VectorSchemaRoot batch : table.batches()) {
            for (int row = 0; row < batch.getRowCount(); row++) {
                sum += ((BigIntVector) batch.getVector("number")).get(row);
            }
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).build())) {
            System.out.println(Bowstring.task(versioned.Version::name).remote().get());
            System.out.println(Bowstring.task(Main::command).remote().get());
            System.out.println(Bowstring.task(Main::loader).remote().get());
            try (RootAllocator memory = new RootAllocator(); BigIntVector number = new BigIntVector("number", memory)) {
                number.allocateNew(3);
                for (int row = 0; row < 3; row++) {
                    number.set(row, row + 1);
                }
                number.setValueCount(3);
                VectorSchemaRoot root = new VectorSchemaRoot(List.of(number));
                ObjectRef<ArrowValue> table = Bowstring.put(ArrowValue.of(root));
                System.out.println(Bowstring.task(Main::sum, table).remote().get());
            }
            System.out.println(json() && Bowstring.task(Main::json).remote().get());
            System.in.read();
            System.out.println(Bowstring.task(Main::command).setJvmFlags("-Dsecond=true").remote().get());
            System.out.println(Bowstring.task(versioned.Version::name).remote().get());
        }
    }
}
"""

# As Maven's exec:java: the JVM's own class path has nothing of the program, a class loader has all of it.
TOOL = """
public final class Tool {
    public static void main(String[] arguments) throws Exception {
        java.util.List<java.net.URL> places = new java.util.ArrayList<>();
        for (String each : arguments[0].split(java.io.File.pathSeparator)) {
            places.add(new java.io.File(each).toURI().toURL());
        }
        ClassLoader loader = new java.net.URLClassLoader(places.toArray(java.net.URL[]::new),
                ClassLoader.getPlatformClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        loader.loadClass("program.Main").getMethod("main", String[].class).invoke(null, (Object) new String[0]);
    }
}
"""

ARTIFACTS = {
    "arrow-format": ("org/apache/arrow/flatbuf/", "io/bowstring/shaded/"),
    "bowstring": ("io/bowstring/", "META-INF/services/"),
    "arrow-memory-unsafe": ("org/apache/arrow/memory/unsafe/",),
    "arrow-memory-core": ("org/apache/arrow/memory/", "org/apache/arrow/util/"),
    "arrow-vector": ("org/apache/arrow/",),
    "others": ("",),
}
"""Parts of the one jar, as the jars of a project: the first of them that names the start of a file has it."""


def compiled(source: str, name: str, folder: Path, *class_path: Path) -> Path:
    javac = shutil.which("javac")
    assert javac is not None, "these tests need a JDK's javac on PATH"
    folder.mkdir()
    file = folder / f"{name}.java"
    file.write_text(source)
    classes = folder / "classes"
    places = os.pathsep.join(map(str, class_path or [folder]))
    subprocess.run([javac, "--release", "17", "-nowarn", "-cp", places, "-d", classes, file], check=True)
    return classes


def jar_of(classes: Path, path: Path, manifest: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as jar:
        if manifest:
            jar.writestr("META-INF/MANIFEST.MF", manifest)
        for file in sorted(classes.rglob("*.class")):
            jar.write(file, file.relative_to(classes))
    return path


class Places:
    """Where the classes of these tests are.

    Attributes:
        versions: Two jars with one class each, of two versions.
        program: A folder with the program.
        artifacts: The library as a project has it, in several jars.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = library(folder, "one"), library(folder, "two")
        self.program = compiled(PROGRAM, "Main", folder / "program", LIBRARY, self.versions[0])
        self.tool = compiled(TOOL, "Tool", folder / "tool")
        built = LIBRARY.parents[2] / "java"
        own = [next((built / name / "target").glob(f"bowstring-{name}-*.jar")) for name in ("api", "runtime", "arrow")]
        self.artifacts = [
            *(Path(shutil.copy(jar, folder)) for jar in own),
            *(folder / f"{name}.jar" for name in ARTIFACTS if name != "bowstring"),
        ]
        jars = {name: zipfile.ZipFile(folder / f"{name}.jar", "w") for name in ARTIFACTS}
        with zipfile.ZipFile(LIBRARY) as bundle:
            for name in bundle.namelist():
                owner = next(owner for owner, starts in ARTIFACTS.items() if name.startswith(starts))
                if not name.endswith("/"):
                    jars[owner].writestr(name, bundle.read(name))
        for jar in jars.values():
            jar.close()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    assert LIBRARY.exists(), "these tests need the Java library: run make java"
    return Places(tmp_path_factory.mktemp("places"))


class Program:
    """A driver in a process of its own, which has told of its first worker and waits."""

    def __init__(self, command: list[str], root: Path) -> None:
        self.variables = {**os.environ, "BOWSTRING_PYTHON": sys.executable, "BOWSTRING_TMP": str(root)}
        self.variables["XDG_CACHE_HOME"] = str(root / "cache")
        self.popen = subprocess.Popen(
            ["java", *command],
            cwd=root,
            env=self.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version, self.command, self.loader, self.sum = self.read(), self.read(), self.read(), self.read()
        self.json = self.read()

    def read(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def class_path(self) -> list[str]:
        """That of the worker's command line."""
        words = self.command.split(" ")
        return words[words.index("-cp") + 1].split(os.pathsep)

    def finish(self) -> tuple[str, str]:
        """Lets it go on to its end: the command line of a second worker, and the version again."""
        out, _ = self.popen.communicate("\n", timeout=60)
        assert self.popen.returncode == 0
        command, version = out.splitlines()
        return command, version


@pytest.fixture
def start(short_path: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def run(*command: object) -> Program:
        started.append(Program([str(word) for word in command], short_path))
        return started[-1]

    yield run
    for each in started:
        if each.popen.poll() is None:
            each.finish()


def joined(entries: list[Path]) -> str:
    return os.pathsep.join(map(str, entries))


def assert_another_job_has_the_other_version(driver: Program, places: Places) -> None:
    other = subprocess.run(
        [sys.executable, "-c", JOB, "auto", str(places.versions[1])],
        env=driver.variables,
        input="\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert other.stdout.split() == ["two", "1", "two", "2"], other.stderr


@pytest.mark.rule("10.3/2")
def test_a_job_beside_a_java_driver_s_has_another_version_of_a_class_of_the_driver_s(
    places: Places, start: Callable[..., Program]
) -> None:
    driver = start("-cp", joined([places.program, places.versions[0], *places.artifacts]), "program.Main")
    assert (driver.version, driver.sum) == ("one", "6")
    assert driver.loader.startswith("job-")
    assert sorted(driver.class_path()) == sorted(map(str, places.artifacts))
    assert_another_job_has_the_other_version(driver, places)
    assert driver.finish()[1] == "one"


def test_workers_of_a_driver_with_a_project_s_class_path_start_from_an_archive(
    places: Places, start: Callable[..., Program], short_path: Path
) -> None:
    driver = start("-cp", joined([places.program, places.versions[0], *places.artifacts]), "program.Main")
    folder = short_path / "cache" / "bowstring"
    wait_until(lambda: list(folder.glob("java-*.archive")), 60)
    command, _ = driver.finish()
    assert str(next(folder.glob("java-*.archive"))) in command


def test_a_class_loader_s_places_are_the_program_s_class_path(places: Places, start: Callable[..., Program]) -> None:
    class_path = joined([places.program, places.versions[0], *places.artifacts])
    driver = start("-cp", places.tool, "Tool", class_path)
    assert (driver.version, driver.sum) == ("one", "6")
    assert driver.loader.startswith("job-")
    assert not {str(places.tool), str(places.program), str(places.versions[0])} & set(driver.class_path())


def test_what_a_jar_s_manifest_names_is_on_the_class_path(places: Places, start: Callable[..., Program]) -> None:
    names = " ".join(path.name for path in [places.versions[0], *places.artifacts])
    lines = [names[:50], *(" " + names[at : at + 60] for at in range(50, len(names), 60))]
    manifest = "Manifest-Version: 1.0\r\nMain-Class: program.Main\r\nClass-Path: " + "\r\n".join(lines) + "\r\n\r\n"
    driver = start("-jar", jar_of(places.program, places.folder / "program.jar", manifest))
    assert (driver.version, driver.sum) == ("one", "6")
    assert str(places.artifacts[1]) in driver.class_path()
    assert str(places.folder / "program.jar") not in driver.class_path()


@pytest.mark.rule("10.3/2")
def test_a_program_that_is_merged_into_one_jar_has_its_own_classes_to_itself(
    places: Places, start: Callable[..., Program]
) -> None:
    merged = places.folder / "merged.jar"
    with zipfile.ZipFile(merged, "w") as jar:
        for path in [LIBRARY, places.versions[0], jar_of(places.program, places.folder / "alone.jar")]:
            with zipfile.ZipFile(path) as part:
                for name in part.namelist():
                    if name not in jar.namelist() and not name.endswith("/"):
                        jar.writestr(name, part.read(name))
    driver = start("-cp", merged, "program.Main")
    assert (driver.version, driver.sum) == ("one", "6")
    assert driver.loader.startswith("job-")
    assert_another_job_has_the_other_version(driver, places)


MAPPER = """
package com.fasterxml.jackson.databind;

public final class ObjectMapper {
    public static String origin() { return "%s"; }
}
"""

MAPPERS = """
import sys
import bowstring as bow
with bow.init(address="auto", class_path=sys.argv[1:]):
    origin = bow.java_function("com.fasterxml.jackson.databind.ObjectMapper", "origin")
    try:
        print(bow.get(origin.remote(), timeout=60))
    except bow.FunctionNotFoundError:
        print("none")
"""


@pytest.mark.parametrize("has_jackson", [False, True])
def test_a_job_s_jackson_is_its_own_whatever_the_runtime_has_for_arrow(
    places: Places, start: Callable[..., Program], short_path: Path, has_jackson: bool
) -> None:
    jars = [
        jar_of(compiled(MAPPER % name, "ObjectMapper", short_path / name), short_path / f"{name}.jar")
        for name in ("first", "second")
    ]
    first = jars[:1] if has_jackson else []
    driver = start("-cp", joined([places.program, places.versions[0], *first, *places.artifacts]), "program.Main")
    assert (driver.version, driver.json) == ("one", "true")
    assert (str(jars[0]) in driver.class_path()) == has_jackson
    for entries, origin in ((jars[1:], "second"), (jars, "first"), ([], "none")):
        other = subprocess.run(
            [sys.executable, "-c", MAPPERS, *map(str, entries)],
            env=driver.variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert other.stdout.strip() == origin, other.stderr


def test_the_one_jar_has_the_licenses_of_what_is_in_it() -> None:
    with zipfile.ZipFile(LIBRARY) as jar:
        names = set(jar.namelist())
        third_party = jar.read("META-INF/licenses/THIRD-PARTY.txt").decode()
        assert "Permission is hereby granted" in jar.read("META-INF/licenses/slf4j-api/LICENSE.txt").decode()
        assert "Apache License" in jar.read("META-INF/LICENSE").decode()
    for artifact in ("arrow-vector", "arrow-memory-unsafe", "jackson-databind", "commons-codec"):
        assert any(name.startswith(f"META-INF/licenses/{artifact}/LICENSE") for name in names)
    known = ("io/bowstring/", "org/apache/arrow/", "com/google/flatbuffers/", "org/slf4j/", "org/jspecify/")
    strange = {name for name in names if name.endswith(".class") and not name.startswith(known)}
    assert strange == set(), "what is bundled is told in java/bundle/src/licenses, with its license"
    for project in ("Arrow", "FlatBuffers", "Jackson", "Commons Codec", "JSpecify", "SLF4J"):
        assert project in third_party


def test_the_one_jar_is_not_copied_for_the_job(places: Places, start: Callable[..., Program], short_path: Path) -> None:
    driver = start("-cp", joined([places.program, places.versions[0], LIBRARY]), "program.Main")
    assert driver.class_path() == [str(LIBRARY)]
    assert driver.json == "true"
    packages = next(short_path.glob("bowstring-*/*/packages"))
    assert not list(packages.rglob("bowstring-all.jar"))


SCRIPT = """
import io.bowstring.*;

public class Script {
    public static int seven() { return 7; }

    public Script() {}

    public static void main(String[] arguments) {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build())) {
            System.out.println(Bowstring.task(versioned.Version::name).remote().get());
            try {
                Bowstring.actor(Script::new).remote();
            } catch (io.bowstring.errors.InvalidArgumentException error) {
                System.out.println(error.getMessage());
            }
            Bowstring.task(Script::seven).remote().get();
        }
    }
}
"""

SHELL = """
import io.bowstring.*
var runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build())
System.out.println("version " + Bowstring.task(versioned.Version::name).remote().get())
class Script { public static int seven() { return 7; } }
Bowstring.task(Script::seven).remote().get()
runtime.close()
/exit
"""

WORDS = "is in this JVM's memory alone"


def run(command: list[object], root: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "BOWSTRING_PYTHON": sys.executable, "BOWSTRING_TMP": str(root)}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=root, env=variables, input=text, capture_output=True, text=True, timeout=100)


def test_classes_of_a_single_file_launch_are_refused_with_what_to_do(places: Places, short_path: Path) -> None:
    (short_path / "Script.java").write_text(SCRIPT)
    done = run(["java", "-cp", joined([places.versions[0], LIBRARY]), "Script.java"], short_path)
    version, message = done.stdout.splitlines()
    assert version == "one"
    assert f"Script {WORDS}" in message
    assert f"InvalidArgumentException: the class Script {WORDS}" in done.stderr


def test_classes_of_a_jshell_are_refused_with_what_to_do(places: Places, short_path: Path) -> None:
    shell = ["jshell", "-s", f"-R-Duser.home={short_path}", f"-J-Duser.home={short_path}", "--class-path"]
    done = run([*shell, joined([places.versions[0], LIBRARY])], short_path, SHELL)
    assert "version one" in done.stdout, done.stdout + done.stderr
    assert f"Script {WORDS}" in done.stdout + done.stderr
