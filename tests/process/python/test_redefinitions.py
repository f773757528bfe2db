"""Functions that are defined anew, as in a notebook or after an edit, run as they are now."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

NOTEBOOK = """
    import linecache, sys
    import bowstring as bow

    cells = 0

    def run_cell(source):
        # As IPython does: the source of a cell is known under a name of its own, and runs in __main__.
        global cells
        cells += 1
        name = f"<ipython-input-{cells}>"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        exec(compile(source, name, "exec"), sys.modules["__main__"].__dict__)

    run_cell("session = bow.init(num_cpus=1)")
    try:
        run_cell("bow.init(num_cpus=1)")
    except bow.BowstringError as error:
        print("ignore_reinit_error" in str(error))
    run_cell("bow.init(num_cpus=1, ignore_reinit_error=True)")
    CELL = (
        "@bow.remote\\n"
        "def version():\\n"
        "    return VERSION, helper()\\n"
        "def helper():\\n"
        "    return -VERSION\\n"
        "@bow.remote\\n"
        "class Kept:\\n"
        "    def version(self):\\n"
        "        return VERSION\\n"
    )
    for version in "123":
        run_cell(CELL.replace("VERSION", version))
        run_cell("print(bow.get(version.remote()), bow.get(Kept.remote().version.remote()))")
    run_cell("bow.shutdown()")
    run_cell("bow.init(num_cpus=1)")
    run_cell("print(bow.get(version.remote()))")
"""

EDITED = """
    import importlib
    from pathlib import Path
    import bowstring as bow
    import edited

    source = Path(edited.__file__)
    with bow.init(num_cpus=1):
        print(bow.get(edited.version.remote()))
        source.write_text(source.read_text().replace("first", "second, and longer"))
        importlib.invalidate_caches()
        importlib.reload(edited)
        print(bow.get(edited.version.remote()))
"""


def run(program: str, folder: Path) -> list[str]:
    path = folder / "program.py"
    path.write_text(textwrap.dedent(program))
    done = subprocess.run([sys.executable, "-B", str(path)], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_cells_that_run_again_are_not_run_stale(tmp_path: Path) -> None:
    assert run(NOTEBOOK, tmp_path) == ["True", "(1, -1) 1", "(2, -2) 2", "(3, -3) 3", "(3, -3)"]


def test_a_module_that_was_edited_and_reloaded_is_not_run_stale(tmp_path: Path) -> None:
    (tmp_path / "edited.py").write_text(
        'import bowstring as bow\n\n\n@bow.remote\ndef version():\n    return "first"\n'
    )
    assert run(EDITED, tmp_path) == ["first", "second, and longer"]
