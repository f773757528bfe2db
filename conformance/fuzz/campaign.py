"""`make fuzz` (`python -m conformance.fuzz`): coverage-guided runs against each decoder, then the languages compared.

Inputs that reach what was not reached before stay in a corpus under `build/fuzz`, so that the next campaign goes on
where this one ends; each language starts from what the other found. What breaks a decoder is written to a file beside
its log, whose path is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.fuzz import comparison, targets
from conformance.fuzz.java_targets import JVM_FLAGS, NAMES, build
from conformance.fuzz.seeds import seeds
from conformance.fuzz.targets import TARGETS
from conformance.runner import JAR, ROOT, NotReady

WORK = ROOT / "build" / "fuzz"
JAZZER = "com.code-intelligence:jazzer:0.24.0"
INPUT_MAX_S = 20
MEMORY_MAX_MB = 3_000  # of a fuzzer's process, a JVM's included
STARTING_S = 120
COMPARED_AT_ONCE = 5_000


def corpus_of(target: str) -> Path:
    """The folder with the inputs of a target, filled with its seeds."""
    folder = WORK / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds(target).items():
        path = folder / name.replace("/", "-")
        if not path.exists():
            path.write_bytes(data)
    return folder


def libfuzzer_options(target: str, seconds: int, broken: Path) -> list[str]:
    """What both fuzzers are told."""
    return [
        f"-max_total_time={seconds}", f"-timeout={INPUT_MAX_S}", f"-rss_limit_mb={MEMORY_MAX_MB}",
        f"-artifact_prefix={broken}/{target}-", "-print_final_stats=1", str(corpus_of(target)),
    ]  # fmt: skip


def run_atheris(target: str, seconds: int, broken: Path) -> bool:
    """Fuzz Python's target; whether it held."""
    command = [sys.executable, "-m", "conformance.fuzz.atheris_target", target]
    return _run("python", target, [*command, *libfuzzer_options(target, seconds, broken)], seconds, broken)


def run_jazzer(target: str, seconds: int, broken: Path, jazzer: Sequence[Path]) -> bool:
    """Fuzz Java's target; whether it held."""
    class_path = os.pathsep.join(map(str, [*jazzer, build(), JAR]))
    command = [
        "java", *JVM_FLAGS, f"-Dfuzz.target={target}", f"-Dfuzz.tables={NAMES}", "-cp", class_path,
        "com.code_intelligence.jazzer.Jazzer", "--target_class=fuzz.JazzerTarget",
        "--instrumentation_includes=io.bowstring.**", "--custom_hook_includes=io.bowstring.none.**",
        f"--reproducer_path={broken}",
    ]  # fmt: skip
    return _run("java", target, [*command, *libfuzzer_options(target, seconds, broken)], seconds, broken)


def _run(language: str, target: str, command: list[str], seconds: int, broken: Path) -> bool:
    log = broken / f"{language}-{target}.log"
    paths = [str(ROOT), str(ROOT / "python"), str(ROOT / "core"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, preexec_fn=lambda: os.nice(19)
        )
        try:
            status = process.wait(seconds + STARTING_S + INPUT_MAX_S)
        except subprocess.TimeoutExpired:
            status = -1
        finally:
            process.kill()
            process.wait()
    told = [line for line in log.read_text(errors="replace").splitlines() if " cov: " in line or "stat::number" in line]
    print(
        f"{language:7}{target:10}{'held' if status == 0 else 'BROKE: ' + str(log)}   {' '.join(told[-2:])}", flush=True
    )
    return status == 0


def find_jazzer() -> list[Path]:
    """Jazzer's jars, fetched by Maven the first time.

    Raises:
        NotReady: There is no Maven, or it can't fetch them.
    """
    folder = WORK / "jazzer"
    if not list(folder.glob("jazzer-*.jar")):
        maven = shutil.which("mvn")
        if maven is None:
            raise NotReady("Jazzer needs Maven, to be fetched")
        group, artifact, version = JAZZER.split(":")
        folder.mkdir(parents=True, exist_ok=True)
        pom = folder / "pom.xml"
        pom.write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>fuzz</groupId><artifactId>fuzz</artifactId>"
            f"<version>1</version><dependencies><dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></dependency></dependencies></project>"
        )
        command = [maven, "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"]
        done = subprocess.run([*command, f"-DoutputDirectory={folder}"], capture_output=True, text=True)
        if done.returncode != 0:
            raise NotReady(f"Maven can't fetch Jazzer: {done.stdout[-500:]}")
    return sorted(folder.glob("*.jar"))


def compare(names: Sequence[str]) -> bool:
    """Run both languages over the corpora; whether they agree."""
    targets.prepare()
    inputs = [(name, path.name, path.read_bytes()) for name in names for path in sorted(corpus_of(name).iterdir())]
    agree = True
    for at in range(0, len(inputs), COMPARED_AT_ONCE):
        for wrong in comparison.findings(inputs[at : at + COMPARED_AT_ONCE]):
            print(wrong[:2000], flush=True)
            agree = False
    print(f"compared {len(inputs)} inputs: {'the same in both languages' if agree else 'they DIFFER'}")
    return agree


def main() -> int:
    """The exit status: 1 if anything broke."""
    parser = argparse.ArgumentParser("conformance.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target and language")
    parser.add_argument("--targets", default=",".join(TARGETS), help="names, with commas between")
    parser.add_argument("--languages", default="python,java")
    arguments = parser.parse_args()
    names, languages = arguments.targets.split(","), arguments.languages.split(",")
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"no target is called {unknown[0]}; there are {', '.join(TARGETS)}")
    broken = WORK / "found"
    broken.mkdir(parents=True, exist_ok=True)
    held = True
    if "python" in languages:
        if importlib.util.find_spec("atheris") is None:
            print("python: atheris is not installed: pip install '.[fuzz]'")
        else:
            for name in names:
                held &= run_atheris(name, arguments.seconds, broken)
    java = "java" in languages
    if java:
        try:
            jazzer = find_jazzer()
            for name in names:
                held &= run_jazzer(name, arguments.seconds, broken, jazzer)
        except NotReady as reason:
            print(f"java: {reason}")
            java = False
    if java:
        held &= compare(names)
    return 0 if held else 1
