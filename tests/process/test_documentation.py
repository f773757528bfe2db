"""The examples of the documentation run as they are printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JAR = ROOT / "python" / "bowstring_java" / "bowstring-all.jar"
JAVA = ["java", "-XX:+IgnoreUnrecognizedVMOptions", "--sun-misc-unsafe-memory-access=allow"]
needs_java = pytest.mark.skipif(not JAR.exists() or shutil.which("javac") is None, reason="needs a JDK, and make java")


def blocks(language: str, text: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL))


def run_python(program: str, folder: Path) -> list[str]:
    path = folder / "program.py"
    path.write_text(program)
    done = subprocess.run([sys.executable, str(path)], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run_java(program: str, folder: Path) -> list[str]:
    (folder / "Main.java").write_text(program)
    class_path = os.pathsep.join([str(folder), str(JAR)])
    compiled = subprocess.run(["javac", "-cp", class_path, "Main.java"], cwd=folder, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    environment = {**os.environ, "BOWSTRING_PYTHON": sys.executable}
    command = [*JAVA, "-cp", class_path, "Main"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_python_examples_of_the_first_page_run(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "start.md").read_text()
    printed = run_python(blocks("python", page.partition("## Java from Python")[0]), tmp_path)
    assert printed == ["[0, 1, 4, 9, 16, 25, 36, 49]", "25", "[1, 2, 3]"]


GUIDES = {
    "environments": ["('north', 'none')", "('north', 'trial')"],
    "resources": ["['done', 'done', 'done', 'done']", "1.0", "1 ''", "1", "CREATED", "done"],
}
"""What the Python examples of each guide print, all of a page being one program."""


@pytest.mark.parametrize("guide", sorted(GUIDES))
def test_the_python_examples_of_a_guide_run(guide: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "guides" / f"{guide}.md").read_text()
    assert run_python(blocks("python", page), tmp_path) == GUIDES[guide]


def pages() -> list[str]:
    """The pages whose Python examples tell by themselves what they print, in a comment behind each `print(...)`."""
    docs = ROOT / "docs"
    found = [*docs.glob("*.md"), *docs.glob("guides/*.md"), *docs.glob("java/*.md")]
    told_above = {docs / "start.md", docs / "reference.md", *(docs / "guides" / f"{guide}.md" for guide in GUIDES)}
    return sorted(
        str(page.relative_to(docs)) for page in found if page not in told_above and "```python\n" in page.read_text()
    )


@pytest.mark.parametrize("page", pages())
def test_the_python_examples_of_a_page_print_what_it_says(page: str, tmp_path: Path) -> None:
    program = blocks("python", (ROOT / "docs" / page).read_text())
    assert run_python(program, tmp_path) == re.findall(r"^ *print\(.*\)  # (.*)$", program, re.MULTILINE)


def links() -> list[tuple[str, str]]:
    found = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            found.append((str(page.relative_to(ROOT)), target))
    return found


def test_links_between_pages_lead_somewhere() -> None:
    assert [(page, target) for page, target in links() if not (ROOT / page).parent.joinpath(target).exists()] == []


@needs_java
def test_the_python_example_of_the_readme_runs(tmp_path: Path) -> None:
    assert run_python(blocks("python", (ROOT / "README.md").read_text()), tmp_path) == ["[0, 1, 4, 9]", "5.0"]


@needs_java
def test_the_java_example_of_the_first_page_runs(tmp_path: Path) -> None:
    assert run_java(blocks("java", (ROOT / "docs" / "start.md").read_text()), tmp_path) == ["16"]


@needs_java
@pytest.mark.parametrize("page", ["checkpoints", "data", "observability", "placing", "tasks"])
def test_the_program_of_a_java_page_prints_what_it_says(page: str, tmp_path: Path) -> None:
    program = blocks("java", (ROOT / "docs" / "java" / f"{page}.md").read_text())
    assert run_java(program, tmp_path) == re.findall(r"; // (.*)$", program, re.MULTILINE)


@needs_java
def test_the_java_example_of_the_readme_runs(tmp_path: Path) -> None:
    imports, _, body = blocks("java", (ROOT / "README.md").read_text()).partition("\n\n")
    program = f"""{imports}

    public class Main {{
        public static class Counter {{
            private int count;

            public int increment() {{
                return ++count;
            }}
        }}

        public static void main(String[] args) {{
            {body}
        }}
    }}
    """
    assert run_java(program, tmp_path) == ["1.4142135623730951", "6"]
