"""Java workers have the variables and the folder of their environment."""

from __future__ import annotations

from pathlib import Path

import pytest

import bowstring as bow

pytestmark = pytest.mark.usefixtures("runtime")


@pytest.mark.rule("10.3/2")
def test_a_java_task_has_the_variables_and_the_folder_of_its_environment(tmp_path: Path) -> None:
    text = "Ljava/lang/String;"
    variable = bow.java_function("java.lang.System", "getenv", f"({text}){text}")
    setting = bow.java_function("java.lang.System", "getProperty", f"({text}){text}")
    (tmp_path / "data").touch()
    wanted = {"env_vars": {"WHERE": "north"}, "working_dir": str(tmp_path)}
    found = [
        bow.get(variable.options(runtime_env=wanted).remote("WHERE"), timeout=60),
        bow.get(setting.options(runtime_env=wanted).remote("user.dir"), timeout=60),
        bow.get(variable.remote("WHERE"), timeout=60),
    ]
    assert found[0] == "north"
    assert Path(found[1], "data").exists()
    assert found[2] is None
