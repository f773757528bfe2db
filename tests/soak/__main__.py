"""python -m tests.soak [--puts 100000 | --calls 100000] [--seed N] [--kill-every 500] [--store-mb 256]: run long.

Says what grew, what was killed, and what was left behind. `--calls` makes calls between Python and Java, not values.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import bowstring as bow
from tests.leaks.traces import VARIABLE, own_traces, wait_nothing_is_left
from tests.soak.run import Soak
from tests.soak.samples import MB, growth

JAR = Path(__file__).parents[2] / "python" / "bowstring_java" / "bowstring-all.jar"


def main() -> int:
    """The exit status: 0 if the run was flat and nothing is left."""
    parser = argparse.ArgumentParser("tests.soak", description=__doc__)
    parser.add_argument("--puts", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=0, help="calls between the languages instead of puts")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--kill-every", type=int, default=500, help="0: nobody is killed")
    parser.add_argument("--store-mb", type=int, default=256)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bow-"))
    os.environ[VARIABLE] = str(folder)
    before = own_traces()
    try:
        grown = calls(arguments, folder) if arguments.calls else puts(arguments)
        left = wait_nothing_is_left(folder, before)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("; ".join(grown) or "flat")
    print("left behind:\n  " + "\n  ".join(left) if left else "nothing is left")
    return 1 if grown or left else 0


def say(line: str) -> None:
    print(line, flush=True)


def puts(arguments: argparse.Namespace) -> list[str]:
    """The soak of values; what grew."""
    say(f"{arguments.puts} puts, seed {arguments.seed}")
    with bow.init(num_cpus=4, object_store_memory=arguments.store_mb * MB) as session:
        soak = Soak(
            session,
            arguments.puts,
            samples=10,
            kill_every=arguments.kill_every,
            keep_bytes=arguments.store_mb * MB * 2,
            seed=arguments.seed,
            say=say,
        )
        samples = soak.run()
    say(f"{soak.kills} workers were killed")
    return growth(samples)


def calls(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """The soak of calls; what grew."""
    from tests.soak.calls import CallSoak, compile_java

    classes = Path(tempfile.mkdtemp(prefix="bow-classes-"))
    try:
        compile_java(classes, JAR)
        say(f"{arguments.calls} calls, seed {arguments.seed}")
        store = arguments.store_mb * MB
        started = time.monotonic()
        with bow.init(num_cpus=4, object_store_memory=store, class_path=[str(classes)]) as session:
            soak = CallSoak(session, arguments.calls, 10, arguments.kill_every, arguments.seed, say)
            samples = soak.run()
    finally:
        shutil.rmtree(classes, ignore_errors=True)
    say(f"{sum(soak.done.values())} calls in {time.monotonic() - started:.0f} s, all results right: {dict(soak.done)}")
    say(f"killed: {dict(soak.killed)}; the longest wait for a result was {soak.longest_s:.1f} s")
    return growth(samples)


if __name__ == "__main__":
    sys.exit(main())
