"""RuntimeEnv: a runtime environment with its fields as arguments, for those who prefer that to a dict."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from bowstring import _environments

__all__ = ["RuntimeEnv"]


class RuntimeEnv(dict[str, Any]):
    """What the processes of tasks and actors find around them; a dict, to be given as `runtime_env`.

    Args:
        env_vars: variables.
        working_dir: folder or .zip that is copied and becomes the current folder.
        py_modules: folders, files, archives or modules that can be imported.
        excludes: what is left out of folders, as in a .gitignore file.
        pip: requirements: a list, the path of a requirements file, or a dict.
        uv: the same, installed by uv.
        java_jars: jars and folders of classes for Java tasks and actors, before those of `init(class_path=...)`.
        jvm_flags: flags of the JVMs of Java tasks and actors, such as ["-Xmx512m"]; blanks stand in quotation
            marks, as in a shell.
        config: {"setup_timeout_seconds": seconds that the installation may take; 600}.

    Raises:
        InvalidArgumentError: an argument is wrong; the message names it.
    """

    def __init__(
        self,
        *,
        env_vars: Mapping[str, str] | None = None,
        working_dir: str | os.PathLike[str] | None = None,
        py_modules: Sequence[str | os.PathLike[str] | ModuleType] | None = None,
        excludes: Sequence[str] | None = None,
        pip: str | Sequence[str] | Mapping[str, Any] | None = None,
        uv: str | Sequence[str] | Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
        java_jars: Sequence[str | os.PathLike[str]] | None = None,
        jvm_flags: Sequence[str] | None = None,
    ) -> None:
        fields = {
            "env_vars": env_vars,
            "working_dir": working_dir,
            "py_modules": py_modules,
            "excludes": excludes,
            "pip": pip,
            "uv": uv,
            "config": config,
            "java_jars": java_jars,
            "jvm_flags": jvm_flags,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        _environments.check("RuntimeEnv", "runtime_env", given)
        super().__init__(given)
