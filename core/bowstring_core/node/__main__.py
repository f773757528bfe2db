"""python -m bowstring_core.node: run a node.

When it takes connections it writes one line of JSON to stdout, {"session": path, "pid": number}, and closes stdout.
What goes wrong before that goes to stderr, with an exit status other than 0; after that, to logs/node.log in the
session's folder.

    --num-cpus N  --num-gpus N  --resources JSON  --memory BYTES  --object-store-memory BYTES
    --spill-directory PATH  --spill-bytes-max BYTES  --inline-memory BYTES
    --memory-reserve BYTES
    --namespace NAME  --owner PID  --log-level LEVEL  --worker-module MODULE
"""

from __future__ import annotations

import json
import os
import signal
import sys

from bowstring_core import __version__
from bowstring_core.node.gpus import machine_gpus, named_gpus
from bowstring_core.node.sessions import Session, SessionError, session_root, sweep
from bowstring_core.node.zygote_link import spawn_zygote

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError(f"is none of {', '.join(_LEVELS)}")
    return text.upper()


_OPTIONS = {
    "--num-cpus": float,
    "--num-gpus": int,
    "--resources": json.loads,
    "--memory": int,
    "--object-store-memory": int,
    "--spill-directory": str,
    "--spill-bytes-max": int,
    "--inline-memory": int,
    "--memory-reserve": int,
    "--namespace": str,
    "--owner": int,
    "--log-level": _level,
    "--worker-module": str,
}


class UsageError(Exception):
    """The arguments make no sense; the message says which."""


def _arguments(argv: list[str]) -> dict[str, object]:
    """Arguments by name. By hand: argparse costs more time than the rest of the start."""
    values: dict[str, object] = {}
    rest = list(argv)
    while rest:
        name, _, text = rest.pop(0).partition("=")
        if name not in _OPTIONS:
            raise UsageError(f"{name} is not an option; there are {', '.join(_OPTIONS)}")
        if not text:
            if not rest:
                raise UsageError(f"{name} needs a value")
            text = rest.pop(0)
        try:
            values[name] = _OPTIONS[name](text)  # type: ignore[operator]
        except ValueError as error:
            raise UsageError(f"{name} {text!r}: {error}") from error
    return values


def cpu_count() -> int:
    """CPUs that this process may use: those of its affinity, or its control group's quota if that is less."""
    count = len(os.sched_getaffinity(0))
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        if quota != "max":
            count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return count


def _gpus(values: dict[str, object]) -> int:
    wanted = values.get("--num-gpus")
    if wanted is None:
        return len(machine_gpus())
    named = named_gpus()
    assert isinstance(wanted, int)
    if named is not None and wanted > len(named):
        raise UsageError(f"--num-gpus is {wanted}, and CUDA_VISIBLE_DEVICES names {len(named)}")
    return wanted


def _totals(values: dict[str, object], memory_total: int) -> dict[str, int]:
    units = 10_000
    named = values.get("--resources", {})
    if not isinstance(named, dict):
        raise UsageError('--resources must be a JSON object, as in {"disk": 2}')
    amounts: dict[str, object] = {
        **named,
        "CPU": values.get("--num-cpus", cpu_count()),
        "GPU": _gpus(values),
        "memory": values.get("--memory", memory_total),
    }
    totals = {}
    for name, amount in amounts.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < 1 << 49:
            raise UsageError(f"resource {name!r} is {amount!r}: a number from 0 to 2^49 is expected")
        if amount:
            totals[name] = round(amount * units)
    totals.setdefault("CPU", 0)
    return totals


def main() -> int:
    """Run a node as the arguments say; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the driver
    if os.getpgid(0) != os.getpid():
        os.setsid()
    try:
        values = _arguments(sys.argv[1:])
        worker_module = str(values.get("--worker-module", "bowstring.worker"))
        root = session_root()
        node_id = int.from_bytes(os.urandom(8), "little") or 1
        session = Session(root, node_id, __version__)
    except (UsageError, SessionError) as error:
        print(f"bowstring node: {error}", file=sys.stderr)
        return 2
    # First of all, because its imports take longest; and who connects from here on waits in the socket's queue.
    zygote = spawn_zygote(session.path, worker_module)
    try:
        from bowstring_core import limits
        from bowstring_core.store.segments import memory_total

        total = memory_total()
        capacity = values.get("--object-store-memory", int(total * limits.STORE_SHARE))
        assert isinstance(capacity, int)
        if capacity <= 0:
            raise UsageError(f"--object-store-memory is {capacity}: a number of bytes is expected")
        resources = _totals(values, total)
        spill_folder = str(values.get("--spill-directory", ""))
        if spill_folder and not (os.path.isdir(spill_folder) and os.access(spill_folder, os.W_OK | os.X_OK)):
            raise UsageError(f"--spill-directory {spill_folder!r} is not a folder that can be written to")
        spill_bytes_max = values.get("--spill-bytes-max")
        inline_bytes_max = values.get("--inline-memory", limits.INLINE_BYTES_HELD_MAX)
        assert spill_bytes_max is None or isinstance(spill_bytes_max, int)
        assert isinstance(inline_bytes_max, int)
        memory_reserve = values.get("--memory-reserve", limits.MEMORY_RESERVE_BYTES)
        assert isinstance(memory_reserve, int)
        if (spill_bytes_max or 0) < 0 or inline_bytes_max <= 0 or memory_reserve < 0:
            raise UsageError("--spill-bytes-max, --inline-memory and --memory-reserve: a number of bytes is expected")
    except UsageError as error:
        print(f"bowstring node: {error}", file=sys.stderr)
        zygote[1].close()
        os.waitpid(zygote[0], 0)
        session.remove()
        return 2
    _announce(session)
    from bowstring_core.node.node import Node, NodeOptions

    owner = values.get("--owner", 0)
    assert isinstance(owner, int)
    debug = values.get("--log-level") == "DEBUG"
    options = NodeOptions(resources, capacity, str(values.get("--namespace", "")), owner, worker_module, debug)
    options.spill_folder, options.spill_bytes_max = spill_folder, spill_bytes_max
    options.inline_bytes_max, options.memory_reserve = inline_bytes_max, memory_reserve
    node = Node(options, session, node_id)
    node.workers.zygotes.main.adopt(*zygote)
    sweep(root)
    _raise_descriptor_limit()
    node.run()
    return 0


def _announce(session: Session) -> None:
    """Tell the starter, and let go of its streams."""
    sys.stdout.write(json.dumps({"session": session.path, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    log = os.open(session.log_path("node.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.close(null)


def _raise_descriptor_limit() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
