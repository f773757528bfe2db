"""What type checkers see: right programs pass `mypy --strict` and pyright with the right types, wrong ones are refused.

Each snippet is one program; in it a comment `# -> T` says what `reveal_type` on that line must tell, and `# error` that
the line must be refused. mypy knows nothing of what a decorator makes of a *class*: write `Actor = bow.remote(Class)`
where that matters.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

import bowstring as bow
from bowstring import errors

ROOT = Path(__file__).parents[2]

HEAD = """
from collections.abc import Iterator

import bowstring as bow
from bowstring.util import ActorPool, Executor, Queue, inspect_serializability
from bowstring.util.multiprocessing import Pool

@bow.remote
def add(a: int, b: int = 1) -> int:
    return a + b

@bow.remote(num_cpus=0.5, max_retries=0)
def name(number: int, prefix: str, *, loud: bool = False) -> str:
    return prefix

@bow.remote(num_returns=2)
def two(a: int) -> tuple[int, str]:
    return a, ""

@bow.remote
def counted(stop: int) -> Iterator[int]:
    yield stop

@bow.remote(generator_backpressure=2)
def paced(stop: int) -> Iterator[str]:
    yield ""

@bow.remote(num_returns="streaming")
def mapped(stop: int) -> map[str]:
    return map(str, range(stop))

@bow.remote
def nothing() -> None: ...

class Counter:
    def __init__(self, start: int) -> None: ...
    def increment(self, by: int) -> int:
        return by

CounterActor = bow.remote(Counter)
ref = add.remote(1)
text: bow.ObjectRef[str] = name.remote(1, "x")
"""

RIGHT = """
reveal_type(add)  # -> RemoteFunction[[a: int, b: int =], int]
reveal_type(add.remote(1))  # -> ObjectRef[int]
reveal_type(add.remote(1, b=2))  # -> ObjectRef[int]
reveal_type(name.remote(1, "p", loud=True))  # -> ObjectRef[str]
reveal_type(nothing.remote())  # -> ObjectRef[None]
reveal_type(bow.get(ref))  # -> int
reveal_type(bow.get(ref, timeout=1.5))  # -> int
reveal_type(bow.get([ref, ref]))  # -> list[int]
reveal_type(bow.get((text, text)))  # -> list[str]
reveal_type(bow.put([1.5]))  # -> ObjectRef[list[float]]
reveal_type(bow.wait([ref], num_returns=1, timeout=0))  # -> tuple[list[ObjectRef[int]], list[ObjectRef[int]]]
reveal_type(list(bow.as_completed([ref], timeout=1)))  # -> list[ObjectRef[int]]
reveal_type(ref.future().result())  # -> int
reveal_type(two.remote(1))  # -> list[ObjectRef[Any]]
reveal_type(add.options(num_returns=2).remote(1))  # -> list[ObjectRef[Any]]
reveal_type(add.options(num_returns=1).remote(1))  # -> ObjectRef[int]
reveal_type(add.options(num_cpus=2, name="n", resources={"gpu": 1}).remote(1))  # -> ObjectRef[int]
reveal_type(counted.remote(1))  # -> ObjectRefGenerator[int]
reveal_type(paced.remote(1))  # -> ObjectRefGenerator[str]
reveal_type(mapped.remote(1))  # -> ObjectRefGenerator[str]
reveal_type(counted.options(generator_backpressure=1).remote(1))  # -> ObjectRefGenerator[int]
reveal_type(counted.options(num_returns=2).remote(1))  # -> list[ObjectRef[Any]]
reveal_type(add.options(num_returns="streaming").remote(1))  # -> ObjectRefGenerator[Any]
reveal_type([bow.get(item) for item in counted.remote(1)])  # -> list[int]
reveal_type(next(counted.remote(1)))  # -> ObjectRef[int]
reveal_type(counted.remote(1).next(timeout=1))  # -> ObjectRef[int]
reveal_type(counted.remote(1).completed())  # -> ObjectRef[None]
bow.cancel(counted.remote(1))

# References stand for values among the positional arguments.
reveal_type(add.remote(ref))  # -> ObjectRef[int]
reveal_type(add.remote(ref, 2))  # -> ObjectRef[int]
reveal_type(add.remote(1, ref))  # -> ObjectRef[int]
reveal_type(add.remote(ref, ref))  # -> ObjectRef[int]
reveal_type(name.remote(ref, text, loud=True))  # -> ObjectRef[str]

async def awaited() -> None:
    async for item in counted.remote(1):
        reveal_type(item)  # -> ObjectRef[int]
    reveal_type(await ref)  # -> int

# Actors: the handle knows its class; methods are ActorMethod, whose results are ObjectRef[Any].
reveal_type(CounterActor)  # -> ActorClass[Counter]
actor = CounterActor.options(max_restarts=2, name="c", lifetime="detached").remote(3)
reveal_type(actor)  # -> ActorHandle[Counter]
reveal_type(actor.increment)  # -> ActorMethod
reveal_type(actor.increment.remote(1))  # -> ObjectRef[Any]
reveal_type(bow.get_actor("c"))  # -> ActorHandle[Any]
bow.kill(actor, no_restart=False)
bow.cancel(ref, force=True)

try:
    bow.get(ref)
except bow.TaskError as error:
    reveal_type(error)  # -> TaskError
except (bow.GetTimeoutError, bow.ActorDiedError, bow.ObjectLostError):
    pass

with bow.init(num_cpus=2, resources={"widget": 1}) as session:
    reveal_type(session)  # -> Session
reveal_type(bow.java_function("a.B", "c").remote(1, ref))  # -> ObjectRef[Any]
reveal_type(bow.java_actor_class("a.B").remote(1))  # -> ActorHandle[Any]

with bow.init(inline=True, num_cpus=1):
    pass

# Libraries.
pool = ActorPool([actor])
reveal_type(pool)  # -> ActorPool[ActorHandle[Counter]]
reveal_type(list(pool.map(lambda a, value: add.remote(value), [1, 2])))  # -> list[int]
reveal_type(pool.pop_idle())  # -> ActorHandle[Counter] | None
queue: Queue[int] = Queue(maxsize=2)
queue.put(1, timeout=1.5)
reveal_type(queue.get())  # -> int
reveal_type(queue.get_nowait_batch(2))  # -> list[int]
with Executor(max_workers=2, task_options={"num_cpus": 0.5}) as executor:
    reveal_type(executor.submit(len, "abc").result())  # -> int
    reveal_type(list(executor.map(len, ["a"], chunksize=2)))  # -> list[int]
with Pool(2) as processes:
    reveal_type(processes.map(len, ["a"]))  # -> list[int]
    reveal_type(processes.apply_async(len, ("a",)).get(timeout=1))  # -> int
    reveal_type(list(processes.imap(len, ["a"])))  # -> list[int]
ok, parts = inspect_serializability(5)
reveal_type(ok)  # -> bool
reveal_type(parts[0].path)  # -> str
"""

WRONG = """
add.remote("x")  # error
add.remote()  # error
add.remote(1, 2, 3)  # error
add.remote(1, c=2)  # error
add.remote(ref, "x")  # error
add.remote(ref, 1, 2)  # error
name.remote(1, "p", True)  # error
two.remote("x")  # error
nothing.remote(1)  # error
counted.remote("x")  # error
bow.get(counted.remote(1))  # error
counted.options(num_returns="stream")  # error
add.options(num_cpus="two")  # error
add.options(cpus=2)  # error
add.options(max_restarts=1)  # error
CounterActor.options(max_retries=1)  # error
CounterActor.options(lifetime="for ever")  # error
bow.remote(num_cpu=1)  # error
bow.get(5)  # error
bow.get([1, 2])  # error
bow.get(ref, timeout="1")  # error
bow.wait(ref)  # error
bow.wait([ref], num_returns="1")  # error
bow.cancel(add)  # error
bow.kill(ref)  # error
number: int = bow.get(text)  # error
strings: bow.ObjectRef[str] = add.remote(1)  # error
numbers: Queue[int] = Queue()
numbers.put("x")  # error
word: str = numbers.get()  # error
ActorPool([CounterActor.remote(1)]).submit(lambda a, v: v, 1)  # error
Executor(max_workers="2")  # error
Executor().submit(len, 5)  # error
length: str = Executor().submit(len, "abc").result()  # error
Pool("2")  # error
bow.init(inline=1.5)  # error
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], list[str]]]:
    """For each program its lines, and mypy's messages; one run for both, since mypy takes its time to start."""
    folder = tmp_path_factory.mktemp("types")
    programs = {"right": HEAD + RIGHT, "wrong": HEAD + WRONG}
    for stem, program in programs.items():
        (folder / f"{stem}.py").write_text(program)
    config = folder / "mypy.ini"
    paths = ":".join(str(ROOT / part) for part in ("python", "core"))
    config.write_text(f"[mypy]\nstrict = True\nmypy_path = {paths}\nfollow_imports = silent\n")
    out, err, _ = api.run(
        ["--config-file", str(config), "--cache-dir", str(folder / "cache"), "--no-error-summary"]
        + [str(folder / f"{stem}.py") for stem in programs]
    )
    assert not err, err
    messages: dict[str, list[str]] = {stem: [] for stem in programs}
    for line in out.splitlines():
        stem, rest = re.fullmatch(r".*?(\w+)\.py:(.*)", line).groups()  # type: ignore[union-attr]
        messages[stem].append(rest)
    return {stem: (program.splitlines(), messages[stem]) for stem, program in programs.items()}


def by_line(messages: list[str], kind: str) -> dict[int, str]:
    found = {}
    for message in messages:
        number, _, text = message.partition(": ")
        if text.startswith(kind):
            found.setdefault(int(number), text)
    return found


def test_right_programs_pass_with_the_right_types(reports: dict[str, tuple[list[str], list[str]]]) -> None:
    lines, messages = reports["right"]
    assert not by_line(messages, "error")
    revealed = by_line(messages, "note: Revealed type is ")
    for number, line in enumerate(lines, 1):
        _, arrow, expected = line.partition("# -> ")
        if arrow:
            got = re.sub(r"\b(bowstring|builtins)\.([a-z_]+\.)*|right\.", "", revealed[number].split('"')[1])
            assert got == expected, line


def test_wrong_calls_are_refused_and_nothing_else(reports: dict[str, tuple[list[str], list[str]]]) -> None:
    lines, messages = reports["wrong"]
    refused = set(by_line(messages, "error"))
    expected = {number for number, line in enumerate(lines, 1) if line.endswith("# error")}
    assert refused == expected, [lines[number - 1] for number in refused ^ expected] + messages


def test_pyright_accepts_and_refuses_the_same(tmp_path: Path) -> None:
    if importlib.util.find_spec("pyright") is None or shutil.which("node") is None:
        pytest.skip("needs pyright, which needs node")
    programs = {"right": HEAD + RIGHT, "wrong": HEAD + WRONG}
    for stem, program in programs.items():
        (tmp_path / f"{stem}.py").write_text(program)
    paths = [str(ROOT / part) for part in ("python", "core")]
    # Programs that use nothing of what they import, and evaluate without using it, are what these are.
    settings = {"typeCheckingMode": "strict", "extraPaths": paths, "reportUnusedImport": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        pytest.skip(f"pyright can't be fetched: {done.stderr or done.stdout}")
    found: dict[str, dict[int, str]] = {"right": {}, "wrong": {}}
    for entry in report["generalDiagnostics"]:
        if entry["severity"] == "error":
            found[Path(entry["file"]).stem][entry["range"]["start"]["line"]] = entry["message"]
    assert found["right"] == {}
    lines = programs["wrong"].splitlines()
    expected = {number for number, line in enumerate(lines) if line.endswith("# error")}
    assert set(found["wrong"]) == expected, [lines[number] for number in set(found["wrong"]) ^ expected]


def test_every_error_is_exported_by_name() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.BowstringError) and not name.startswith("_")
    }
    assert set(errors.__all__) == classes
    assert all(hasattr(bow, name) for name in bow.__all__)
