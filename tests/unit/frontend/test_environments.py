"""What a user writes as `runtime_env`: what is refused, and how it merges with what is inherited."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bowstring import _environments
from bowstring.errors import InvalidArgumentError, RuntimeEnvSetupError
from bowstring.runtime_env import RuntimeEnv
from bowstring_wire import messages as m
from bowstring_wire.messages import Installer

NOTHING = m.Environment()


def normal(value: Any) -> dict[str, Any]:
    return _environments.normal("init", "runtime_env", value)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([], "runtime_env must be a dict"),
        ({"conda": {}}, "py_modules, excludes, pip, uv, config, java_jars, jvm_flags, not 'conda'"),
        ({"env_vars": {"A": 1}}, "runtime_env['env_vars']['A'] must be a str"),
        ({"env_vars": {"A=B": "1"}}, "a key of runtime_env['env_vars']"),
        ({"env_vars": "A=1"}, "runtime_env['env_vars'] must be a dict"),
        ({"working_dir": 3}, "runtime_env['working_dir']"),
        ({"working_dir": "https://example.org/a.zip"}, "not an address"),
        ({"py_modules": "module"}, "runtime_env['py_modules'] must be a list"),
        ({"py_modules": [1]}, "runtime_env['py_modules'][0]"),
        ({"pip": 3}, "runtime_env['pip']"),
        ({"pip": ["a\nb"]}, "runtime_env['pip'][0]"),
        (
            {"pip": {"packages": ["a"], "version": "1"}},
            "a key of runtime_env['pip'] must be one of packages, pip_check",
        ),
        ({"pip": {"packages": ["a"], "pip_check": 1}}, "runtime_env['pip']['pip_check'] must be True or False"),
        ({"pip": ["a"], "uv": ["b"]}, "either pip or uv"),
        ({"config": {"setup_timeout_seconds": 0}}, "above 0"),
        ({"config": {"eager": True}}, "only key is setup_timeout_seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(value: Any, named: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        normal(value)
    assert named in str(caught.value)


def test_paths_and_modules_mean_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = normal({"working_dir": ".", "py_modules": [json, Path("x.py")], "pip": ["./a.whl", "numpy"]})
    assert found["working_dir"] == str(tmp_path)
    assert found["py_modules"] == [os.path.dirname(json.__file__), str(tmp_path / "x.py")]
    assert found["pip"]["packages"] == [str(tmp_path / "a.whl"), "numpy"]
    assert _environments.normal("again", "runtime_env", {"working_dir": "package:00"}) == {"working_dir": "package:00"}


def test_fields_can_be_given_as_arguments() -> None:
    assert RuntimeEnv(env_vars={"A": "1"}, pip=["numpy"]) == {"env_vars": {"A": "1"}, "pip": ["numpy"]}
    with pytest.raises(InvalidArgumentError, match="RuntimeEnv"):
        RuntimeEnv(env_vars={"A": 1})  # type: ignore[dict-item]


def test_fields_that_are_none_are_not_there() -> None:
    assert normal({"env_vars": None, "pip": None}) == {}


def test_variables_merge_and_other_fields_replace_those_of_the_parent() -> None:
    parent = _environments.merged(
        NOTHING, normal({"env_vars": {"A": "1", "B": "1"}, "working_dir": "/w", "pip": ["numpy"], "py_modules": ["/m"]})
    )
    child = _environments.merged(parent, normal({"env_vars": {"B": "2", "C": "2"}, "uv": ["polars"]}))
    assert {v.name: v.value for v in child.variables} == {"A": "1", "B": "2", "C": "2"}
    assert (child.working_dir, child.modules) == ("/w", ("/m",))
    assert (child.installer, child.requirements) == (Installer.UV, ("polars",))


def test_an_empty_list_takes_away_what_the_parent_installs() -> None:
    parent = _environments.merged(NOTHING, normal({"pip": ["numpy"]}))
    child = _environments.merged(parent, normal({"pip": []}))
    assert (child.installer, child.requirements) == (Installer.UNSPECIFIED, ())


def test_a_requirements_file_is_read_where_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    wanted = normal({"pip": str(path)})
    with pytest.raises(RuntimeEnvSetupError, match="requirements\\.txt"):
        _environments.merged(NOTHING, wanted)
    path.write_text("# what we need\nnumpy>=2  # arrays\n\n./a.whl\n--index-url https://example.org\n")
    made = _environments.merged(NOTHING, wanted)
    assert made.requirements == ("numpy>=2", str(tmp_path / "a.whl"), "--index-url https://example.org")


def test_what_is_shown_can_be_given_again() -> None:
    wanted = {"env_vars": {"A": "1"}, "working_dir": "package:00", "py_modules": ["package:01"], "uv": ["polars"]}
    assert _environments.shown(_environments.merged(NOTHING, normal(wanted))) == wanted
