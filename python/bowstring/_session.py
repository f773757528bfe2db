"""Starting, joining and ending a runtime from a driver."""

from __future__ import annotations

import atexit
import glob
import json
import os
import select
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bowstring import _environments, _interrupts, _options, _runtime, _state
from bowstring._runtime import Runtime
from bowstring.errors import BowstringError, InvalidArgumentError, NodeDiedError, RuntimeStoppedError
from bowstring.object_ref import ObjectRef
from bowstring_wire import messages as m
from bowstring_wire import values
from bowstring_wire.messages import Role
from bowstring_wire.protocol import HANDSHAKE_TIMEOUT_S

if TYPE_CHECKING:
    from bowstring._progress_view import ProgressView

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0

_lock = threading.RLock()
_node_pid = 0  # of the node that this process started
_node_pidfd = -1
_progress: ProgressView | None = None  # made with the first bar
_closing = False  # shutdown is under way
_progress_lock = threading.Lock()


def _after_fork() -> None:
    """The node is the parent's child, not ours: its end is none of our affair."""
    global _closing, _node_pid, _node_pidfd
    if _node_pidfd >= 0:
        os.close(_node_pidfd)
    _node_pid, _node_pidfd = 0, -1
    _closing = False


os.register_at_fork(after_in_child=_after_fork)


def running_runtime() -> Runtime:
    """The runtime of this process; starts one on first use.

    Raises:
        RuntimeStoppedError: It is being shut down, as a callback of what is cut off by that finds it.
    """
    runtime = _runtime.current_runtime_or_none()
    if runtime is None:
        _refuse_while_closing()  # before the lock, which shutdown has while it waits for the threads of callbacks
        with _lock:
            if _runtime.current_runtime_or_none() is None:
                if _runtime._forked:
                    _runtime.current_runtime()
                init()
            runtime = _runtime.current_runtime()
    return runtime


def _refuse_while_closing() -> None:
    if _closing:
        raise RuntimeStoppedError(
            "Bowstring is being shut down in this process, and takes nothing more; a callback can ask is_initialized()"
        )


class Session:
    """What `init` returns: tells where the runtime is, and ends it as a context manager."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def address(self) -> str:
        """The session's folder: what `init(address=...)` takes to join."""
        return self._runtime.session

    @property
    def node_pid(self) -> int:
        """Operating system's process id of the node."""
        return self._runtime.node_pid

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exc: Any) -> None:
        if _runtime.current_runtime_or_none() is self._runtime:
            shutdown()

    def __repr__(self) -> str:
        return f"Session({self.address!r})"


def init(
    address: str | None = None,
    *,
    num_cpus: float | None = None,
    num_gpus: float | None = None,
    resources: Mapping[str, float] | None = None,
    object_store_memory: int | None = None,
    spill_directory: str | None = None,
    spill_bytes_max: int | None = None,
    memory_reserve: int | None = None,
    namespace: str | None = None,
    class_path: Sequence[str] = (),
    runtime_env: Mapping[str, Any] | None = None,
    log_to_driver: bool = True,
    logging_level: int | str = "INFO",
    inline: bool = False,
    ignore_reinit_error: bool = False,
) -> Session:
    """Start a runtime on this machine, or join one.

    Args:
        address: None: start a runtime, which ends with this process. "auto": join the newest one of this user. Else the
            folder of a session.
        num_cpus: CPUs to share out; the machine's.
        num_gpus: GPUs to share out; those that CUDA_VISIBLE_DEVICES names, or else those the machine shows.
        resources: amounts of resources of your own, by name.
        object_store_memory: bytes that the store may use; 30 % of the machine's memory.
        spill_directory: folder on the disk that takes what the store has no room for; the session's folder, or
            /var/tmp if that is in memory. Its files have no names, and go with the node however it ends.
        spill_bytes_max: bytes that may be there; None: all but the last 512 MiB of the disk. 0: nothing goes to disk.
        memory_reserve: bytes that the machine must keep available; when there are less, the task that uses most memory
            ends with OutOfMemoryError, before the kernel ends something else. None: 128 MiB. 0: no such guard.
        namespace: where the names of this driver's actors count; one of its own.
        class_path: jars and folders for Java workers.
        runtime_env: what the processes of this driver's tasks and actors find around them, a dict of: env_vars (dict of
            str to str), working_dir (folder or .zip: copied, becomes the current folder, its modules can be imported),
            py_modules (list of folders, files, archives or modules), pip or uv (list of requirements, path of a
            requirements file, or dict), config ({"setup_timeout_seconds": 600}).
        log_to_driver: print what workers write, prefixed, and show their progress bars.
        logging_level: of the logger "bowstring" in this process, as a number or name of the logging module. With DEBUG
            the node's own log tells who comes and goes, too.
        inline: True: no process is started; every call runs in this one, when it is made. For debugging.
        ignore_reinit_error: True: a second call does nothing.

    Returns:
        The session; as a context manager it shuts the runtime down at the end.

    Raises:
        InvalidArgumentError: an argument is wrong; the message names it.
        RuntimeEnvSetupError: a folder or archive of runtime_env can't be read.
        BowstringError: the node can't be started or joined.
    """
    _refuse_while_closing()  # as in running_runtime
    with _lock:
        _refuse_while_closing()
        runtime = _runtime.current_runtime_or_none()
        if runtime is not None:
            if ignore_reinit_error:
                return Session(runtime)
            raise BowstringError(
                "Bowstring is running in this process already; call shutdown() first, or pass ignore_reinit_error=True"
            )
        arguments = _node_arguments(
            num_cpus, num_gpus, resources, object_store_memory, spill_directory, spill_bytes_max, memory_reserve
        )
        arguments += _logging(logging_level, address is None)
        if namespace is not None:
            _options._text("init", "namespace", namespace)
        if isinstance(class_path, str) or not all(isinstance(entry, str) for entry in class_path):
            raise _options.refuse("init", "class_path", "a list of paths (str)", class_path)
        for entry in class_path:
            if not os.path.exists(entry):
                raise InvalidArgumentError(f"init: class_path has {entry!r}, which does not exist")
        wanted = None if runtime_env is None else _environments.normal("init", "runtime_env", runtime_env)
        if inline:
            if address is not None:
                raise InvalidArgumentError(
                    "init: inline=True starts no runtime that others could join; leave address away"
                )
            return _init_inline(num_cpus, num_gpus, resources, namespace, wanted, log_to_driver)
        if address is None:
            session = _start_node(arguments)
        elif not isinstance(address, str) or not address:
            raise _options.refuse("init", "address", 'None, "auto" or the folder of a session', address)
        else:
            if arguments:
                raise InvalidArgumentError(
                    "init: num_cpus, num_gpus, resources, object_store_memory, spill_directory, spill_bytes_max "
                    "and memory_reserve belong to the runtime that starts; they can't be given with address"
                )
            session = _find_session() if address == "auto" else address
        try:
            runtime = Runtime(
                session,
                Role.DRIVER,
                owns_runtime=address is None,
                namespace=namespace or "",
                python_path=tuple(_python_path()),
                class_path=tuple(os.path.abspath(entry) for entry in class_path),
                working_directory=os.getcwd(),
            )
        except FileNotFoundError as error:
            raise InvalidArgumentError(f"init: address {session!r} is no session's folder ({error})") from error
        except ConnectionRefusedError as error:
            raise NodeDiedError(f"nobody listens in {session!r}: that runtime has ended") from error
        except TimeoutError as error:
            raise RuntimeStoppedError(
                f"the node of {session!r} takes connections and does not answer: it said nothing for "
                f"{HANDSHAKE_TIMEOUT_S:.0f} s; it is stopped or overloaded"
            ) from error
        if log_to_driver:
            runtime.on_log = _print_log
            runtime.on_progress = _progress_shown()
        _runtime._forked = False
        _runtime.set_runtime(runtime)
        runtime.start()
        _interrupts.install()
        atexit.register(shutdown)
        if wanted:
            try:
                runtime.environments.start_job(wanted)
            except BaseException:
                shutdown()
                raise
        return Session(runtime)


def _init_inline(
    num_cpus: float | None,
    num_gpus: float | None,
    resources: Mapping[str, float] | None,
    namespace: str | None,
    runtime_env: Mapping[str, Any] | None,
    log_to_driver: bool,
) -> Session:
    from bowstring._inline_runtime import InlineRuntime

    cpus = os.cpu_count() or 1 if num_cpus is None else num_cpus
    totals = {"CPU": cpus, "GPU": num_gpus or 0, "memory": _memory_bytes(), **(resources or {})}
    runtime = InlineRuntime(totals, namespace or "")
    runtime.environments.key_for(runtime_env)
    if log_to_driver:
        runtime.on_progress = _progress_shown()
    _runtime._forked = False
    _runtime.set_runtime(runtime)
    atexit.register(shutdown)
    return Session(runtime)


def _logging(level: int | str, starts: bool) -> list[str]:
    """Set the level of our logger; what the node is to be told of it."""
    known = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
    number = known.get(level.upper(), -1) if isinstance(level, str) else level
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise _options.refuse("init", "logging_level", f"a level's number, or one of {', '.join(known)}", level)
    if number != known["INFO"] or "logging" in sys.modules:
        import logging

        logging.getLogger("bowstring").setLevel(number)
    return ["--log-level", "DEBUG"] if starts and number <= known["DEBUG"] else []


def _progress_shown() -> Callable[[m.Progress], None]:
    """Shows progress; what that takes is made with the first bar."""

    def show(said: m.Progress) -> None:
        global _progress
        with _progress_lock:  # not _lock: shutdown holds that one while it waits for the last output
            if _progress is None:
                from bowstring._progress_view import ProgressView

                _progress = ProgressView()
            view = _progress
        view.show(said)

    return show


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _python_path() -> list[str]:
    return [os.path.abspath(entry) if entry else os.getcwd() for entry in sys.path]


def _node_arguments(
    num_cpus: float | None,
    num_gpus: float | None,
    resources: Mapping[str, float] | None,
    object_store_memory: int | None,
    spill_directory: str | None,
    spill_bytes_max: int | None,
    memory_reserve: int | None,
) -> list[str]:
    arguments: list[str] = []
    for name, value in (("num_cpus", num_cpus), ("num_gpus", num_gpus)):
        if value is not None:
            _options._amount("init", name, value)
            if name == "num_gpus" and value != int(value):
                raise _options.refuse("init", name, "a whole number", value)
            arguments += [f"--{name.replace('_', '-')}", repr(int(value) if name == "num_gpus" else value)]
    if resources is not None:
        _options._resources("init", "resources", resources)
        arguments += ["--resources", json.dumps(dict(resources))]
    if object_store_memory is not None:
        _options._count_from(1 << 20)("init", "object_store_memory", object_store_memory)
        arguments += ["--object-store-memory", str(object_store_memory)]
    if spill_directory is not None:
        _options._text("init", "spill_directory", spill_directory)
        if not os.path.isdir(spill_directory):
            raise InvalidArgumentError(f"init: spill_directory {spill_directory!r} is no folder")
        arguments += ["--spill-directory", os.path.abspath(spill_directory)]
    if spill_bytes_max is not None:
        _options._count_from(0)("init", "spill_bytes_max", spill_bytes_max)
        arguments += ["--spill-bytes-max", str(spill_bytes_max)]
    if memory_reserve is not None:
        _options._count_from(0)("init", "memory_reserve", memory_reserve)
        arguments += ["--memory-reserve", str(memory_reserve)]
    return arguments


def _start_node(arguments: list[str]) -> str:
    """Run the node's program; returns its session's folder."""
    global _node_pid, _node_pidfd
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "bowstring_core.node", *arguments, "--owner", str(os.getpid())]
    try:
        pid = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, writer, 1)],
            setpgroup=0,
        )
    finally:
        os.close(writer)
    try:
        line = _read_line(reader)
    finally:
        os.close(reader)
    if not line:
        _, status = os.waitpid(pid, 0)
        raise BowstringError(
            f"the node did not start (exit status {os.waitstatus_to_exitcode(status)}); what it wrote stands above"
        )
    _node_pid, _node_pidfd = pid, os.pidfd_open(pid)
    session: str = json.loads(line)["session"]
    return session


def _read_line(reader: int) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        ready, _, _ = select.select([reader], [], [], START_TIMEOUT_S)
        if not ready:
            raise BowstringError(f"the node did not start within {START_TIMEOUT_S:.0f} s")
        more = os.read(reader, 4096)
        if not more:
            return b""
        data += more
    return data


def sessions_root() -> str:
    """The folder of this user's sessions."""
    base = os.environ.get("BOWSTRING_TMP") or os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return os.path.join(base, f"bowstring-{os.getuid()}")


def _find_session() -> str:
    found = []
    for path in glob.glob(os.path.join(sessions_root(), "*", "session.json")):
        try:
            with open(path, encoding="utf-8") as file:
                facts = json.load(file)
            os.kill(facts["pid"], 0)
        except (OSError, ValueError, KeyError):
            continue
        found.append((facts.get("started_ns", 0), os.path.dirname(path)))
    if not found:
        raise BowstringError('init: address="auto" finds no running session of this user')
    return max(found)[1]


def shutdown() -> None:
    """End this process's part of the runtime; a runtime that it started ends altogether. Does nothing if none runs."""
    global _closing
    with _lock:
        runtime = _runtime.current_runtime_or_none()
        if runtime is None:
            return
        _closing = True
        try:
            _close(runtime)
        finally:
            _closing = False


def _close(runtime: Runtime) -> None:
    """Under the lock: the rest of `shutdown`."""
    global _progress
    with _progress_lock:
        view, _progress = _progress, None
    if view is not None:
        view.close()
    atexit.unregister(shutdown)
    _interrupts.uninstall()
    _runtime.set_runtime(None)
    if runtime.stopped is None:
        _see_last_output(runtime)
    runtime.close()
    if _node_pid:
        _reap_node()


def _see_last_output(runtime: Runtime) -> None:
    """End the runtime if it is ours, and wait for what the workers wrote last."""
    try:
        if _node_pid:
            runtime.end_node("the driver shut down", STOP_TIMEOUT_S)
        elif runtime.on_log is not None:
            # What was written before a result that is here is in a pipe that the node reads at the latest in the turn
            # of its loop that answers the second question.
            for _ in range(2):
                query(runtime, m.StateKind.NODES)
    except BowstringError:
        pass  # the node has ended by itself


def _reap_node() -> None:
    """Wait until the node, which ends with us, has taken everything down."""
    global _node_pid, _node_pidfd
    pid, pidfd = _node_pid, _node_pidfd
    _node_pid, _node_pidfd = 0, -1
    ready, _, _ = select.select([pidfd], [], [], STOP_TIMEOUT_S)
    if not ready:
        os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(pidfd)


def is_initialized() -> bool:
    """True if a runtime runs in this process."""
    return _runtime.current_runtime_or_none() is not None


def _print_log(lines: m.LogLines) -> None:
    stream = sys.stderr if lines.stream == 2 else sys.stdout
    prefix = f"({lines.name} pid={lines.pid}) "
    try:
        stream.write("".join(prefix + line for line in lines.text.splitlines(keepends=True)))
        stream.flush()
    except (ValueError, OSError):
        pass  # the driver's stream is closed


def query_state(kind: m.StateKind) -> list[dict[str, Any]]:
    """What the node knows of `kind` (spec chapter 8)."""
    return query(running_runtime(), kind)


def query(runtime: Runtime, kind: m.StateKind) -> list[dict[str, Any]]:
    """As `query_state`, of a runtime that may be ending."""
    return _state.rows(runtime, kind)


def register_values() -> None:
    """Teach the wire's encoders this frontend's references and handles."""
    from bowstring import _pickling, object_ref
    from bowstring.actor import ActorHandle, handle_from_wire, handle_to_wire

    def ref_to_wire(ref: ObjectRef[Any]) -> bytes:
        _pickling.note_reference(ref)
        return ref.to_wire()

    values.register_reference(
        ObjectRef, ref_to_wire, object_ref._rebuild, ActorHandle, handle_to_wire, handle_from_wire
    )
