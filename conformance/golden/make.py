"""`python -m conformance.golden.make`: write the golden files (or with --check, compare them).

What they are and how to read them: README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from conformance.golden.cases import Case, cases

FOLDER = Path(__file__).resolve().parent
_HEX_COLUMNS = 96


def hex_lines(data: bytes) -> str:
    """A golden file's text."""
    text = data.hex()
    return "".join(f"{text[at : at + _HEX_COLUMNS]}\n" for at in range(0, len(text), _HEX_COLUMNS))


def read_hex(path: Path) -> bytes:
    """A golden file's bytes."""
    return bytes.fromhex(path.read_text())


def manifest_text(made: list[Case]) -> str:
    """The manifest: one line for each case, so that changes can be read."""
    sections: dict[str, list[str]] = {}
    for case in made:
        line = json.dumps(case.manifest_entry(), ensure_ascii=True, separators=(", ", ": "))
        sections.setdefault(case.section, []).append(line)
    lists = ",\n".join(f'"{name}": [\n' + ",\n".join(lines) + "\n]" for name, lines in sections.items())
    return f'{{\n"version": 1,\n{lists}\n}}\n'


def golden_files() -> dict[Path, tuple[str, bool]]:
    """Every golden file: its text, and whether it must be just that."""
    made = cases()
    files = {FOLDER / case.file: (hex_lines(case.data), case.exact) for case in made}
    files[FOLDER / "manifest.json"] = (manifest_text(made), True)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(prog="golden", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not current")
    check = parser.parse_args().check
    files = golden_files()
    stale = [path for path, (text, exact) in files.items() if not path.exists() or (exact and path.read_text() != text)]
    stale += [path for path in FOLDER.rglob("*.hex") if path not in files]
    for path in stale:
        print("stale:" if check else "wrote:", path.relative_to(FOLDER))
    if not check:
        for path in FOLDER.rglob("*.hex"):
            if path not in files:
                path.unlink()
        for path, (text, exact) in files.items():
            if path in stale or not exact:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
