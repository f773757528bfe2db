"""`runtime_env`: what a user writes, checked and made absolute, and the environments of the node that come of it.

What a user writes is a dict (spec chapter 10 has the record that is sent). It is checked where it is written, asked of
the node where it is first used, and merged there with the environment of whoever uses it: a driver's is its job's, a
worker's is the one that it was started in. So children inherit it.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, Installer

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

_FIELDS = ("env_vars", "working_dir", "py_modules", "excludes", "pip", "uv", "config", "java_jars", "jvm_flags")
_INSTALLERS = {"pip": Installer.PIP, "uv": Installer.UV}


def _refuse(what: str, name: str, expected: str, got: Any) -> Exception:
    from bowstring import _options

    return _options.refuse(what, name, expected, got)


def check(what: str, name: str, value: Any) -> None:
    """Check an option `runtime_env`.

    Raises:
        InvalidArgumentError: it is no such thing; the message names the part.
    """
    normal(what, name, value)


def normal(what: str, name: str, value: Any) -> dict[str, Any]:
    """The same with absolute paths and lists of requirements, so that it means the same in every process.

    Raises:
        InvalidArgumentError: as `check`.
    """
    if not isinstance(value, Mapping):
        raise _refuse(what, name, "a dict", value)
    found: dict[str, Any] = {}
    for field, content in value.items():
        if field not in _FIELDS:
            raise _refuse(what, f"a key of {name}", f"one of {', '.join(_FIELDS)}", field)
        if content is not None:
            found[field] = _READERS[field](what, f"{name}[{field!r}]", content)
    if found.get("pip") and found.get("uv"):
        raise _refuse(what, name, "a dict with either pip or uv, not both", sorted(found))
    return found


def _variables(what: str, name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _refuse(what, name, "a dict of str to str", value)
    for key, text in value.items():
        if not isinstance(key, str) or not key or "=" in key or "\0" in key:
            raise _refuse(what, f"a key of {name}", "the name of a variable (str)", key)
        if not isinstance(text, str) or "\0" in text:
            raise _refuse(what, f"{name}[{key!r}]", "a str", text)
    return dict(value)


def _path(what: str, name: str, value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value:
        raise _refuse(what, name, "the path of a folder or an archive (str)", value)
    if "://" in value:
        raise _refuse(what, name, "a path on this machine, not an address: download it first", value)
    if value.startswith("package:"):
        return value
    # Whether it exists is seen where it is used: a module that is imported in a worker may name it too.
    return os.path.abspath(os.path.expanduser(value))


def _modules(what: str, name: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _refuse(what, name, "a list of paths and modules", value)
    found = []
    for place, entry in enumerate(value):
        if isinstance(entry, ModuleType):
            places = list(getattr(entry, "__path__", ())) or [entry.__file__]
            if len(places) != 1 or not places[0]:
                raise _refuse(what, f"{name}[{place}]", "a module that lies in one file or folder", entry)
            entry = places[0]
        found.append(_path(what, f"{name}[{place}]", entry))
    return found


def _requirements(what: str, name: str, value: Any) -> dict[str, Any]:
    """pip or uv: a list, the path of a requirements file, or a dict with `packages`."""
    options: list[str] = []
    check = False
    kind = "uv" if name.endswith("['uv']") else "pip"
    if isinstance(value, Mapping):
        allowed = {
            "packages",
            f"{kind}_check",
            f"{kind}_install_options" if kind == "pip" else "uv_pip_install_options",
        }
        for key, content in value.items():
            if key not in allowed:
                raise _refuse(what, f"a key of {name}", f"one of {', '.join(sorted(allowed))}", key)
            if key.endswith("_check"):
                if not isinstance(content, bool):
                    raise _refuse(what, f"{name}[{key!r}]", "True or False", content)
                check = content
            elif key.endswith("_options"):
                options = _texts(what, f"{name}[{key!r}]", content)
        value = value.get("packages")
    found: dict[str, Any] = {"check": check, "options": options}
    if isinstance(value, (str, os.PathLike)):
        found["file"] = os.path.abspath(os.path.expanduser(value))
    else:
        found["packages"] = [_absolute(entry, os.getcwd()) for entry in _texts(what, name, value)]
    return found


def _packages(chosen: Mapping[str, Any]) -> list[str]:
    """The requirements; reads the file, if it is one that names them."""
    if "file" not in chosen:
        packages: list[str] = chosen["packages"]
        return packages
    path = chosen["file"]
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.split(" #")[0].strip() for line in file]
    except OSError as error:
        from bowstring.errors import RuntimeEnvSetupError

        raise RuntimeEnvSetupError(f"the requirements file {path!r} can't be read: {error.strerror}") from error
    return [_absolute(line, os.path.dirname(path)) for line in lines if line and not line.startswith("#")]


def _absolute(requirement: str, folder: str) -> str:
    """A requirement that is a path means the same wherever it is installed."""
    if requirement.startswith(("./", "../")) or requirement.endswith(".whl"):
        return os.path.abspath(os.path.join(folder, requirement)) if "://" not in requirement else requirement
    return requirement


def _texts(what: str, name: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _refuse(what, name, "a list of str", value)
    for place, entry in enumerate(value):
        if not isinstance(entry, str) or not entry.strip() or "\n" in entry:
            raise _refuse(what, f"{name}[{place}]", "a str of one line", entry)
    return list(value)


def _config(what: str, name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not set(value) <= {"setup_timeout_seconds"}:
        raise _refuse(what, name, "a dict whose only key is setup_timeout_seconds", value)
    seconds = value.get("setup_timeout_seconds", 600)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 1 << 31:
        raise _refuse(what, f"{name}['setup_timeout_seconds']", "a number of seconds above 0", seconds)
    return {"setup_timeout_seconds": seconds}


def _jars(what: str, name: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _refuse(what, name, "a list of paths of jars and of folders of classes", value)
    return [_path(what, f"{name}[{place}]", entry) for place, entry in enumerate(value)]


def _flags(what: str, name: str, value: Any) -> list[str]:
    flags = _texts(what, name, value)
    for place, flag in enumerate(flags):
        try:
            words = shlex.split(flag)
        except ValueError:
            words = []
        if not flag.startswith("-") or len(words) != 1:
            shape = "one flag of a JVM, such as '-Xmx512m', with its blanks in quotation marks"
            raise _refuse(what, f"{name}[{place}]", shape, flag)
    return flags


_READERS: dict[str, Callable[[str, str, Any], Any]] = {
    "env_vars": _variables,
    "working_dir": _path,
    "py_modules": _modules,
    "excludes": _texts,
    "pip": _requirements,
    "uv": _requirements,
    "config": _config,
    "java_jars": _jars,
    "jvm_flags": _flags,
}


def merged(parent: m.Environment, own: Mapping[str, Any]) -> m.Environment:
    """The environment of a child: variables merged, other fields its own or else its parent's (spec 10.3/4).

    Args:
        parent: of whoever submits.
        own: what `normal` gave.
    """
    variables = {variable.name: variable.value for variable in parent.variables} | own.get("env_vars", {})
    result = m.Environment(
        tuple(m.Variable(name, variables[name]) for name in sorted(variables)),
        own.get("working_dir", parent.working_dir),
        tuple(own.get("py_modules", parent.modules)),
        parent.installer,
        parent.requirements,
        parent.options,
        parent.check,
        parent.timeout_ms,
        tuple(own.get("excludes", ())),
        tuple(own.get("java_jars", parent.jars)),
        " ".join(own["jvm_flags"]) if "jvm_flags" in own else parent.jvm_flags,
    )
    for field, installer in _INSTALLERS.items():
        if field in own:
            chosen = own[field]
            result.requirements, result.options = tuple(_packages(chosen)), tuple(chosen["options"])
            result.installer = installer if result.requirements else Installer.UNSPECIFIED
            result.check = chosen["check"]
    if "config" in own:
        result.timeout_ms = int(own["config"]["setup_timeout_seconds"] * 1000)
    return result


def shown(environment: m.Environment) -> dict[str, Any]:
    """The environment as a user would write it."""
    found: dict[str, Any] = {}
    if environment.variables:
        found["env_vars"] = {variable.name: variable.value for variable in environment.variables}
    if environment.working_dir:
        found["working_dir"] = environment.working_dir
    if environment.modules:
        found["py_modules"] = list(environment.modules)
    if environment.jars:
        found["java_jars"] = list(environment.jars)
    if environment.jvm_flags:
        found["jvm_flags"] = [shlex.quote(flag) for flag in shlex.split(environment.jvm_flags)]
    if environment.requirements:
        found["uv" if environment.installer == Installer.UV else "pip"] = list(environment.requirements)
    return found


class Environments:
    """The environments that this process uses.

    Attributes:
        key: of the one that it is in; empty: none, or the job's.
        own: that environment itself: what children inherit.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.key = b""
        self.own = m.Environment()
        self._made: dict[bytes, bytes] = {}  # what was asked for, as bytes, to its key
        self._lock = threading.Lock()

    def be_in(self, key: bytes, environment: m.Environment) -> None:
        """This process was started in an environment."""
        self.key, self.own = key, environment

    def start_job(self, runtime_env: Mapping[str, Any]) -> None:
        """Under a driver: make the environment of its job.

        Raises:
            RuntimeEnvSetupError: it can't be made.
        """
        wanted = merged(self.own, runtime_env)
        made = self._ask(wanted, True)
        self.own = made.environment or wanted

    def key_for(self, runtime_env: Mapping[str, Any] | None) -> bytes:
        """The key of what tasks with this option run in. The first time it asks the node, and waits for it.

        Raises:
            RuntimeEnvSetupError: a folder or an archive in it can't be read, or is refused.
        """
        if not runtime_env:
            return self.key
        wanted = merged(self.own, runtime_env)
        facts = wanted.encode()
        if not (wanted.working_dir or wanted.modules or wanted.jars or wanted.requirements):
            # Nothing in it can change: one question is enough.
            with self._lock:
                if facts not in self._made:
                    self._made[facts] = self._ask(wanted, False).key
                return self._made[facts]
        key: bytes = self._ask(wanted, False).key
        return key

    def _ask(self, wanted: m.Environment, job_default: bool) -> Any:
        return self._runtime.request(
            FrameType.ENVIRONMENT_MAKE, lambda request: m.EnvironmentMake(request, wanted, job_default)
        )
