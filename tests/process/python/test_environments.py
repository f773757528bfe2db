"""Tasks and actors in runtime environments of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow
from bowstring.runtime_env import RuntimeEnv
from tests.process.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Environments are made for this module alone."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def runtime(cache: Path) -> Iterator[bow.Session]:
    with bow.init(num_cpus=2, runtime_env={"env_vars": {"JOB": "job", "BOTH": "job"}}) as session:
        yield session


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with one module, which needs no network to install."""
    path = tmp_path_factory.mktemp("wheels") / "bowstring_tiny-1.0-py3-none-any.whl"
    facts = "bowstring_tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("bowstring_tiny.py", "VALUE = 'tiny'\n")
        file.writestr(f"{facts}/METADATA", "Metadata-Version: 2.1\nName: bowstring-tiny\nVersion: 1.0\n")
        file.writestr(
            f"{facts}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        record = "".join(f"{name},,\n" for name in ("bowstring_tiny.py", f"{facts}/METADATA", f"{facts}/WHEEL"))
        file.writestr(f"{facts}/RECORD", record + f"{facts}/RECORD,,\n")
    return path


@bow.remote
def variables() -> dict[str, str]:
    return {name: os.environ[name] for name in ("JOB", "BOTH", "TASK", "CHILD") if name in os.environ}


@bow.remote
def variables_of_child() -> dict[str, str]:
    return bow.get(variables.options(runtime_env={"env_vars": {"CHILD": "child"}}).remote())


@bow.remote
def pid() -> int:
    return os.getpid()


@bow.remote
def tiny() -> tuple[str, str, bool]:
    import bowstring_tiny  # type: ignore[import-not-found]
    import numpy

    return bowstring_tiny.VALUE, sys.prefix, hasattr(numpy, "ndarray")


@bow.remote
class Member:
    def variables(self) -> dict[str, str]:
        return {name: os.environ[name] for name in ("JOB", "BOTH", "TASK") if name in os.environ}


pytestmark = pytest.mark.usefixtures("runtime")


@pytest.mark.rule("10.3/4")
def test_a_task_has_the_variables_of_its_job_and_its_own_and_its_child_inherits_them() -> None:
    own = RuntimeEnv(env_vars={"TASK": "task", "BOTH": "task"})
    assert bow.get(variables.remote()) == {"JOB": "job", "BOTH": "job"}
    assert bow.get(variables.options(runtime_env=own).remote()) == {"JOB": "job", "BOTH": "task", "TASK": "task"}
    of_child = bow.get(variables_of_child.options(runtime_env=own).remote())
    assert of_child == {"JOB": "job", "BOTH": "task", "TASK": "task", "CHILD": "child"}


@pytest.mark.rule("10.3/3")
def test_an_actor_has_the_variables_of_its_job_and_its_own() -> None:
    member = Member.options(runtime_env={"env_vars": {"TASK": "actor"}}).remote()
    assert bow.get(member.variables.remote()) == {"JOB": "job", "BOTH": "job", "TASK": "actor"}


@pytest.mark.rule("10.3/1")
def test_variables_may_name_those_of_the_node_and_are_there_before_anything_is_imported() -> None:
    @bow.remote(runtime_env={"env_vars": {"TASK": "${HOME}/x", "JOB": "${NO_SUCH_VARIABLE}"}})
    def here() -> tuple[str, str, bool]:
        initial = Path("/proc/self/environ").read_bytes().split(b"\0")
        return os.environ["TASK"], os.environ["JOB"], b"BOTH=job" in initial

    assert bow.get(here.remote()) == (f"{os.environ['HOME']}/x", "", True)


def test_code_can_ask_for_its_environment() -> None:
    @bow.remote(runtime_env={"env_vars": {"TASK": "task"}})
    def mine() -> object:
        return bow.get_runtime_context().runtime_env

    assert bow.get(mine.remote()) == {"env_vars": {"BOTH": "job", "JOB": "job", "TASK": "task"}}
    assert bow.get_runtime_context().runtime_env == {"env_vars": {"BOTH": "job", "JOB": "job"}}


@pytest.mark.rule("10.1/2", "10.3/1")
def test_a_working_directory_is_current_comes_first_and_is_what_it_was_when_it_was_first_used(tmp_path: Path) -> None:
    (tmp_path / "settings_here.py").write_text("VALUE = 1\n")
    (tmp_path / "data.txt").write_text("one")

    @bow.remote
    def look() -> tuple[int, str, bool]:
        import settings_here  # type: ignore[import-not-found]

        return settings_here.VALUE, Path("data.txt").read_text(), sys.path[0] == os.getcwd()

    first = look.options(runtime_env={"working_dir": str(tmp_path)})
    assert bow.get(first.remote()) == (1, "one", True)
    (tmp_path / "settings_here.py").write_text("VALUE = 2\n")
    assert bow.get(first.remote()) == (1, "one", True)
    again = {"working_dir": str(tmp_path), "excludes": ["*.txt", "!data.txt"]}
    assert bow.get(look.options(runtime_env=again).remote()) == (2, "one", True)


def test_a_working_directory_can_be_an_archive_and_is_inherited(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("data.txt", "packed")

    @bow.remote
    def read() -> str:
        return Path("data.txt").read_text()

    @bow.remote
    def read_in_child() -> str:
        return bow.get(read.options(runtime_env={"env_vars": {"CHILD": "1"}}).remote())

    assert bow.get(read_in_child.options(runtime_env={"working_dir": str(tmp_path / "a.zip")}).remote()) == "packed"


def test_an_archive_that_leads_out_of_its_folder_is_refused_and_the_runtime_goes_on(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("../evil", "x")
    with pytest.raises(bow.RuntimeEnvSetupError, match="leads out"):
        variables.options(runtime_env={"working_dir": str(tmp_path / "a.zip")}).remote()
    with pytest.raises(bow.RuntimeEnvSetupError, match="does not exist"):
        variables.options(runtime_env={"working_dir": str(tmp_path / "nowhere")}).remote()
    assert bow.get(variables.remote()) == {"JOB": "job", "BOTH": "job"}


@pytest.mark.rule("10.1/5")
def test_modules_can_be_imported_by_name(tmp_path: Path) -> None:
    (tmp_path / "folder_module").mkdir()
    (tmp_path / "folder_module" / "__init__.py").write_text("VALUE = 'folder'\n")
    (tmp_path / "file_module.py").write_text("VALUE = 'file'\n")

    @bow.remote
    def both() -> tuple[str, str]:
        import file_module  # type: ignore[import-not-found]
        import folder_module  # type: ignore[import-not-found]

        return folder_module.VALUE, file_module.VALUE

    modules = [str(tmp_path / "folder_module"), str(tmp_path / "file_module.py")]
    assert bow.get(both.options(runtime_env={"py_modules": modules}).remote()) == ("folder", "file")


@pytest.mark.rule("10.2/1")
def test_packages_are_installed_once_beside_those_that_are_there(cache: Path, wheel: Path) -> None:
    first = {"pip": {"packages": [str(wheel)], "pip_check": False}}
    second = {"pip": [str(wheel)], "env_vars": {"TASK": "other"}}  # another environment with the same packages
    refs = [tiny.options(runtime_env=wanted).remote() for wanted in (first, second, first)]
    found = bow.get(refs)
    prefixes = {prefix for _, prefix, _ in found}
    assert {value for value, _, _ in found} == {"tiny"}
    assert all(has_numpy for _, _, has_numpy in found)
    assert len(prefixes) == 1
    environments = [path for path in (cache / "bowstring" / "environments").iterdir() if path.is_dir()]
    assert prefixes == {str(path) for path in environments}


@pytest.mark.rule("10.2/2")
def test_what_cannot_be_installed_fails_who_wanted_it_with_the_tools_words_and_nobody_else(tmp_path: Path) -> None:
    missing = {"pip": ["--no-index", "no-package-has-this-name"]}
    refs = [variables.options(runtime_env=missing).remote() for _ in range(3)]
    member = Member.options(runtime_env=missing).remote()
    for ref in refs:
        with pytest.raises(
            bow.RuntimeEnvSetupError, match="No matching distribution found for no-package-has-this-name"
        ):
            bow.get(ref)
    with pytest.raises(bow.RuntimeEnvSetupError, match="No matching distribution"):
        bow.get(member.variables.remote())
    assert bow.get(variables.remote()) == {"JOB": "job", "BOTH": "job"}


def test_what_takes_too_long_to_install_fails(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "setup.py").write_text("import time\ntime.sleep(600)\n")
    packages = {"packages": [str(slow)], "pip_install_options": ["--no-index", "--no-build-isolation"]}
    wanted = {"pip": packages, "config": {"setup_timeout_seconds": 0.5}}
    with pytest.raises(bow.RuntimeEnvSetupError, match=r"longer than 0\.5 s"):
        bow.get(variables.options(runtime_env=wanted).remote())


@pytest.mark.skipif(
    shutil.which("uv", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}") is None, reason="needs uv"
)
def test_uv_installs_too(wheel: Path) -> None:
    wanted = {"uv": {"packages": [str(wheel)], "uv_pip_install_options": ["--no-index"]}}
    assert bow.get(tiny.options(runtime_env=wanted).remote())[0] == "tiny"


def test_an_environment_outlives_the_end_of_its_zygote() -> None:
    function = pid.options(runtime_env={"env_vars": {"TASK": "mortal"}})
    worker = bow.get(function.remote())
    zygote = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    assert b"bowstring_core.node.zygote" in Path(f"/proc/{zygote}/cmdline").read_bytes()
    assert zygote != int(Path(f"/proc/{bow.get(pid.remote())}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(zygote, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), what="the worker has ended with its zygote")
    assert bow.get(function.remote()) != worker


def test_who_wants_an_environment_that_is_being_made_waits_for_it(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    running = []
    for number in range(2):
        path = tmp_path / f"request-{number}"
        path.write_text(json.dumps({"make": "0123", "installation": [1, [str(wheel)], ["--no-index"], False]}))
        command = [sys.executable, "-m", "bowstring_core.environments", str(path)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate(timeout=60)[0] for process in running]
    assert [json.loads((tmp_path / f"request-{number}.answer").read_text()) for number in range(2)] == [{}, {}]
    assert sorted(len(output) > 0 for output in outputs) == [False, True]
    folder = tmp_path / "cache" / "bowstring" / "environments"
    assert sorted(path.name for path in folder.iterdir()) == ["0123", "0123.lock"]
