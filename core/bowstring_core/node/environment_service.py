"""Runtime environments between frontends, the programs that make them, and the workers that are started in them.

Sources are read, and packages installed, by `bowstring_core.environments` in processes of their own; the node's loop
only hears of their ends. What is made for good (virtual environments) is kept under a lock that this node shares while
it lives, so that no other runtime removes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bowstring_core import limits
from bowstring_core.environments import places
from bowstring_core.machine import environments
from bowstring_core.node import jvm
from bowstring_core.node.errors import RequestError
from bowstring_core.node.jobs import Job
from bowstring_core.node.peers import Peer
from bowstring_core.node.zygote_link import NO_ENVIRONMENT, Surroundings
from bowstring_wire.messages import (
    Environment,
    EnvironmentMade,
    EnvironmentMake,
    ErrorCode,
    FrameType,
    Installer,
    Role,
)
from bowstring_wire.protocol import ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node
    from bowstring_core.node.worker_service import WorkerProcess

_REFERENCE = re.compile(r"\$\{(\w+)\}")


class _Known(NamedTuple):
    """An environment that has a key."""

    environment: Environment
    installed: str  # the virtual environment's id; empty: none
    surroundings: Surroundings


class EnvironmentService:
    """Handler of EnvironmentMake, and what workers are told of their environment."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._table = environments.EnvironmentTable()
        self._known: dict[bytes, _Known] = {}
        self._locks: dict[str, places.Lock] = {}
        self._waiting: dict[int, WorkerProcess] = {}  # by slot, until their environment is there
        self._requests = 0
        node.handle(FrameType.ENVIRONMENT_MAKE, EnvironmentMake, frozenset((Role.DRIVER, Role.WORKER)), self._make)

    # Frames -----------------------------------------------------------------------------------------------------------

    def _make(self, peer: Peer, message: EnvironmentMake, body: bytes) -> None:
        wanted = message.environment or Environment()
        if message.job_default and peer.role is not Role.DRIVER:
            raise RequestError(ErrorCode.INVALID_ARGUMENT, "only a driver says what its job's environment is")
        if len(self._known) >= limits.ENVIRONMENTS_MAX:
            raise RequestError(
                ErrorCode.RUNTIME_ENV_SETUP, f"this runtime has {limits.ENVIRONMENTS_MAX:,} environments already"
            )
        self._check(wanted)
        excludes, wanted.excludes = wanted.excludes, ()
        if not (wanted.working_dir or wanted.modules or wanted.jars or wanted.requirements):
            self._add(peer, message, wanted, "")
            return
        request = {
            "session": self._node.session.path,
            "working_dir": wanted.working_dir,
            "modules": list(wanted.modules),
            "jars": list(wanted.jars),
            "excludes": list(excludes),
            "installation": self._installation(wanted),
        }

        def on_end(answer: dict[str, Any]) -> None:
            if "error" in answer:
                peer.fail(message.request, ErrorCode.RUNTIME_ENV_SETUP, answer["error"])
                return
            wanted.working_dir = answer["working_dir"]
            wanted.modules, wanted.jars = tuple(answer["modules"]), tuple(answer["jars"])
            self._add(peer, message, wanted, answer["installed"])

        self._run("sources", request, limits.PACKAGES_S, on_end)

    @staticmethod
    def _check(wanted: Environment) -> None:
        names = [variable.name for variable in wanted.variables]
        for name in names:
            if not name or "=" in name or "\0" in name:
                raise RequestError(ErrorCode.INVALID_ARGUMENT, f"{name!r} is no name of a variable")
        if any("\0" in variable.value for variable in wanted.variables) or len(set(names)) < len(names):
            raise RequestError(ErrorCode.INVALID_ARGUMENT, "a variable is there twice, or has a zero byte in its value")
        for source in (wanted.working_dir, *wanted.modules, *wanted.jars):
            if source and not source.startswith(("/", places.PREFIX)):
                raise RequestError(ErrorCode.INVALID_ARGUMENT, f"the source {source!r} is no absolute path")
        jvm.words(wanted.jvm_flags)
        if wanted.requirements and wanted.installer not in (Installer.PIP, Installer.UV):
            raise RequestError(
                ErrorCode.INVALID_ARGUMENT, "an environment with requirements needs PIP or UV to install"
            )
        if any("\n" in requirement for requirement in wanted.requirements) or wanted.timeout_ms < 0:
            raise RequestError(ErrorCode.INVALID_ARGUMENT, "a requirement has two lines, or the timeout is negative")

    @staticmethod
    def _installation(wanted: Environment) -> list[Any] | None:
        if not wanted.requirements:
            return None
        return [int(wanted.installer), list(wanted.requirements), list(wanted.options), wanted.check]

    def _add(self, peer: Peer, message: EnvironmentMake, environment: Environment, installed: str) -> None:
        facts = environment.encode() + installed.encode()
        key = hashlib.blake2b(facts, digest_size=16).digest()
        if key not in self._known:
            python = places.python_of(installed) if installed else ""
            variables = tuple((variable.name, _expanded(variable.value)) for variable in environment.variables)
            surroundings = Surroundings(f"zygote-{key.hex()[:8]}", python, variables)
            self._known[key] = _Known(environment, installed, surroundings)
            self._table.add(key, bool(installed))
        job = self._node.jobs.get(peer.job)
        if message.job_default and job is not None:
            job.environment = key
        peer.send(FrameType.ENVIRONMENT_MADE, EnvironmentMade(message.request, key, environment))

    def keep_class_path(self, job: Job, entries: Sequence[str], kept: Callable[[], None]) -> None:
        """Copy the class path of a job; `kept` is called when that is done, or can't be: then the job says why."""

        def on_end(answer: dict[str, Any]) -> None:
            if "error" in answer:
                job.class_path_error = f"the job's class path can't be kept: {answer['error']}"
            else:
                job.class_path = tuple(places.classes(self._node.session.path, each) for each in answer["class_path"])
            kept()

        if any(not os.path.isabs(entry) for entry in entries):
            raise ProtocolError("Hello.class_path has an entry that is no absolute path")
        request = {"session": self._node.session.path, "class_path": list(entries)}
        self._run(f"class-path-{job.job}", request, limits.PACKAGES_S, on_end)

    # Requests for workers ---------------------------------------------------------------------------------------------

    def key_of(self, wanted: bytes, job_id: int) -> bytes:
        """The key of what a request wants; empty: no environment.

        Raises:
            RequestError: the node does not know the key.
        """
        if not wanted:
            return self._node.job(job_id).environment
        if wanted not in self._table:
            raise RequestError(ErrorCode.RUNTIME_ENV_SETUP, f"this node knows no environment {wanted.hex()}")
        return wanted

    def is_being_made(self, key: bytes) -> bool:
        """Whether the environment is being made now."""
        return self._table.is_being_made(key)

    def want(self, process: WorkerProcess) -> None:
        """Launch the worker's process once its environment is there."""
        self._waiting[process.slot] = process
        self.perform(self._table.wanted(process.kind.environment, process.slot))

    def forget(self, slot: int) -> None:
        """The slot's worker is not wanted any more."""
        self._waiting.pop(slot, None)

    def perform(self, effects: Iterable[environments.Effect]) -> None:
        """Carry out what the table decided."""
        for effect in effects:
            match effect:
                case environments.Launch():
                    process = self._waiting.pop(effect.slot, None)
                    if process is not None:
                        self._node.workers.launch(process)
                case environments.Refuse():
                    process = self._waiting.pop(effect.slot, None)
                    if process is not None:
                        self._node.workers.refuse(process, effect.message)
                case environments.Make():
                    self._install(effect.key)

    def _install(self, key: bytes) -> None:
        known = self._known[key]
        if known.installed in self._locks:
            self._node.loop.call_soon(lambda: self.perform(self._table.made(key)))
            return
        lock = places.use(known.installed)
        if lock is not None:
            self._locks[known.installed] = lock
            self._node.loop.call_soon(lambda: self.perform(self._table.made(key)))
            return
        environment = known.environment
        request = {"make": known.installed, "installation": self._installation(environment)}
        timeout_s = environment.timeout_ms / 1000 or limits.ENVIRONMENT_S
        self._run(f"environment-{key.hex()[:8]}", request, timeout_s, lambda answer: self._installed(key, answer))

    def _installed(self, key: bytes, answer: dict[str, Any]) -> None:
        if "error" in answer:
            self.perform(self._table.failed(key, f"the runtime environment could not be made: {answer['error']}"))
            return
        installed = self._known[key].installed
        if installed not in self._locks:
            lock = places.use(installed)
            if lock is None:
                # Another runtime looks whether it may remove it, or has just done so.
                self._node.loop.call_later(limits.ENVIRONMENT_LOOK_S, lambda: self._install(key))
                return
            self._locks[installed] = lock
        self.perform(self._table.made(key))

    # Workers ----------------------------------------------------------------------------------------------------------

    def surroundings(self, key: bytes) -> tuple[bytes, Surroundings]:
        """The zygote of a Python worker: its key among zygotes, and what it is started with."""
        known = self._known.get(key)
        if known is None or not (known.installed or known.surroundings.variables):
            return b"", NO_ENVIRONMENT
        return key, known.surroundings

    def of_program(self, key: bytes) -> dict[str, Any]:
        """What a Java worker is started with, as fields of the zygote's message."""
        known = self._known.get(key)
        if known is None:
            return {}
        message: dict[str, Any] = {"variables": dict(known.surroundings.variables)}
        if known.environment.working_dir:
            message["cwd"] = places.place(self._node.session.path, known.environment.working_dir)
        return message

    def jvm_flags(self, key: bytes) -> str:
        """The flags that the JVMs of an environment have."""
        known = self._known.get(key)
        return known.environment.jvm_flags if known is not None else ""

    def jars(self, key: bytes) -> tuple[str, ...]:
        """Where the environment's Java classes are, first first."""
        known = self._known.get(key)
        if known is None:
            return ()
        return tuple(places.classes(self._node.session.path, package) for package in known.environment.jars)

    def of_worker(self, process: WorkerProcess) -> tuple[Environment, str, tuple[str, ...]]:
        """The environment of a worker, its working directory (empty: none), and where its modules are, first first."""
        known = self._known.get(process.kind.environment)
        if known is None:
            return Environment(), "", ()
        environment, session = known.environment, self._node.session.path
        modules = tuple(places.place(session, module) for module in environment.modules)
        if not environment.working_dir:
            return environment, "", modules
        folder = places.place(session, environment.working_dir)
        return environment, folder, (folder, *modules)

    # Programs ---------------------------------------------------------------------------------------------------------

    def _run(
        self, name: str, request: dict[str, Any], timeout_s: float, on_end: Callable[[dict[str, Any]], None]
    ) -> None:
        self._requests += 1
        path = os.path.join(self._node.session.path, f"environment-{self._requests}.request")
        try:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(request, file)
        except OSError as error:
            reason = f"{path} can't be written: {error.strerror}"
            self._node.loop.call_soon(lambda: on_end({"error": reason}))
            return

        def ended(words: str) -> None:
            answer = {"error": f"what makes it ended without an answer, or took longer than {timeout_s:g} s:\n{words}"}
            with contextlib.suppress(FileNotFoundError), open(f"{path}.answer", encoding="utf-8") as file:
                answer = json.load(file)
            for suffix in ("", ".answer", ".new"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path + suffix)
            on_end(answer)

        argv = [sys.executable, "-m", "bowstring_core.environments", path]
        self._node.workers.programs.run(name, argv, timeout_s, ended)

    def close(self) -> None:
        """Let other runtimes remove what this one used."""
        for lock in self._locks.values():
            lock.release()


def _expanded(value: str) -> str:
    return _REFERENCE.sub(lambda match: os.environ.get(match[1], ""), value)
