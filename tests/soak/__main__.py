"""python -m tests.soak [--puts 100000] [--seed N] [--kill-every 500] [--store-mb 256]: run long, and say what grew."""

from __future__ import annotations

import argparse
import sys
import time

import bowstring as bow
from tests.soak.run import Soak, growth

MB = 1 << 20


def main() -> int:
    """The exit status: 0 if the run was flat."""
    parser = argparse.ArgumentParser("tests.soak", description=__doc__)
    parser.add_argument("--puts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--kill-every", type=int, default=500, help="0: nobody is killed")
    parser.add_argument("--store-mb", type=int, default=256)
    arguments = parser.parse_args()
    print(f"{arguments.puts} puts, seed {arguments.seed}", flush=True)
    with bow.init(num_cpus=4, object_store_memory=arguments.store_mb * MB) as session:
        soak = Soak(
            session,
            arguments.puts,
            samples=10,
            kill_every=arguments.kill_every,
            keep_bytes=arguments.store_mb * MB * 2,
            seed=arguments.seed,
            say=lambda line: print(line, flush=True),
        )
        samples = soak.run()
    grown = growth(samples)
    print(f"{soak.kills} workers were killed; " + ("; ".join(grown) or "flat"))
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
