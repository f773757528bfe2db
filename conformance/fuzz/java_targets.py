"""Java's targets: built against the library, and run over inputs in a JVM of their own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from conformance.golden.specimens import TABLES
from conformance.runner import JAR, NotReady

FOLDER = Path(__file__).parent / "java"
BUILD = FOLDER / "target"
NAMES = BUILD / "tables"
# A decoder that takes more for these inputs holds on to what it should not.
JVM_FLAGS = (
    "-ea", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+IgnoreUnrecognizedVMOptions",
    "--add-opens=java.base/java.nio=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
)  # fmt: skip
REPLAY_TIMEOUT_S = 600.0


class JavaVerdict(NamedTuple):
    """What a target of Java's made of an input: `data` None: refused; `broke` not empty: a finding."""

    data: bytes | None
    broke: str = ""


def build(class_path: Sequence[str] = ()) -> Path:
    """Compile the targets if they or the library are newer; returns the folder of the classes.

    Raises:
        NotReady: There is no JDK, or the library is not built.
    """
    for need in ("java", "javac"):
        if shutil.which(need) is None:
            raise NotReady(f"Java's targets need {need}")
    if not JAR.is_file():
        raise NotReady("the Java library is not built: make java")
    sources = sorted(path for path in FOLDER.glob("*.java"))
    stamp = BUILD / "built"
    if not stamp.exists() or any(path.stat().st_mtime > stamp.stat().st_mtime for path in [*sources, JAR]):
        shutil.rmtree(BUILD, ignore_errors=True)
        (BUILD / "classes").mkdir(parents=True)
        command = ["javac", "--release", "17", "-nowarn", "-Xlint:-options", "-cp", str(JAR)]
        done = subprocess.run(
            [*command, "-d", str(BUILD / "classes"), *map(str, sources)], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"Java's targets don't compile:\n{done.stdout}{done.stderr}")
        NAMES.write_text("\n".join(TABLES) + "\n")
        stamp.touch()
    return BUILD / "classes"


def replay(inputs: Sequence[tuple[str, bytes]]) -> list[JavaVerdict]:
    """The verdicts of Java's targets on (target, input), in order.

    Raises:
        NotReady: As `build`.
        RuntimeError: The JVM ended before it had answered all; the message shows the input that it ended at.
    """
    classes = build()
    command = ["java", *JVM_FLAGS, "-cp", f"{classes}:{JAR}", "fuzz.Replay", str(NAMES)]
    lines = "".join(f"{target} {data.hex()}\n" for target, data in inputs)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=REPLAY_TIMEOUT_S)
    answers = done.stdout.splitlines()
    if done.returncode != 0 or len(answers) != len(inputs):
        raise RuntimeError(f"the JVM ended with {done.returncode} after {len(answers)} inputs:\n{done.stderr[-4000:]}")
    return [_verdict(answer) for answer in answers]


def _verdict(answer: str) -> JavaVerdict:
    kind, _, rest = answer.partition(" ")
    if kind == "read":
        return JavaVerdict(bytes.fromhex(rest))
    return JavaVerdict(None, rest if kind == "broke" else "")
