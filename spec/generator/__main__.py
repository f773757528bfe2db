"""`python -m generator` in spec/: write every generated file, or with --check compare and fail on a difference."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .golden import GoldenWriter
from .java import JavaWriter
from .layout import Layouts
from .python import PythonWriter
from .schema import read_schema

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "spec" / "schema"


def _formatted(text: str, path: Path) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def _flatc_readers(folder: Path) -> dict[Path, str]:
    """flatc's own readers of the same schemas, in a namespace of their own, for the conformance suite."""
    files = {}
    flatc = shutil.which("flatc", path=str(Path(sys.executable).parent)) or "flatc"
    for language, namespace, place in (
        ("--python", "flatc_readers", ROOT / "conformance" / "readers" / "python"),
        ("--java", "io.bowstring.conformance.flatc", ROOT / "conformance" / "readers" / "java"),
    ):
        source, target = folder / f"schema{language}", folder / f"out{language}"
        source.mkdir()
        for path in SCHEMAS.glob("*.fbs"):
            (source / path.name).write_text(path.read_text().replace("bowstring.wire", namespace))
        names = sorted(path.name for path in source.iterdir())
        subprocess.run([flatc, language, "-o", str(target), *names], cwd=source, check=True)
        for path in sorted(target.rglob("*.*")):
            if path.is_file():
                files[place / path.relative_to(target)] = path.read_text()
    return files


def generated_files() -> dict[Path, str]:
    """Every generated file and its text."""
    layouts = Layouts(read_schema(SCHEMAS))
    messages = ROOT / "python" / "bowstring_wire" / "messages.py"
    files = {messages: _formatted(PythonWriter(layouts).write(), messages)}
    runtime, api = (ROOT / "java" / artifact / "src" / "main" / "java" for artifact in ("runtime", "api"))
    files.update(JavaWriter(layouts).write(runtime, api))
    golden = ROOT / "java" / "runtime" / "src" / "test" / "resources" / "golden.txt"
    files[golden] = GoldenWriter(layouts, ROOT / "python", files[messages]).write()
    with tempfile.TemporaryDirectory() as folder:
        files.update(_flatc_readers(Path(folder)))
    return files


def main() -> int:
    parser = argparse.ArgumentParser(prog="generator", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not current")
    check = parser.parse_args().check
    stale = []
    for path, text in generated_files().items():
        if not path.exists() or path.read_text() != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    for path in stale:
        print("stale:" if check else "wrote:", path)
    return 1 if check and stale else 0


sys.exit(main())
