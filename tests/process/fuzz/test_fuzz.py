"""Mutated and truncated frames against a node and a worker: no crash, no hang, no growth (spec 1.5).

BOWSTRING_FUZZ_FRAMES sets how many frames each gets; the default keeps the test short.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import bowstring as bow
from tests.process.waiting import wait_until

FRAMES = int(os.environ.get("BOWSTRING_FUZZ_FRAMES", "4000"))
CLIENTS = 4  # one after the other: what a client's process held must go with it
GROWTH_BYTES_MAX = 24 << 20


@bow.remote
def worker_pid() -> int:
    return os.getpid()


def client(session: str, address: str, target: str, seed: int, count: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.process.fuzz.client", session, address, target, str(seed), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-4000:]}"
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def measure(pid: int) -> tuple[int, int, int]:
    process = psutil.Process(pid)
    return process.memory_info().rss, process.num_fds(), process.num_threads()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("target", ["node", "worker"])
def test_broken_frames_end_their_connection_and_nothing_else(target: str) -> None:
    with bow.init(num_cpus=1, object_store_memory=64 << 20) as session:
        pid = bow.get(worker_pid.remote())
        if target == "node":
            address, pid = str(Path(session.address) / "node.sock"), session.node_pid
        else:
            worker = psutil.Process(pid)
            paths = {connection.laddr for connection in worker.net_connections("unix")}
            (address,) = [path for path in paths if path.startswith(session.address) and "node.sock" not in path]
        _, fds, threads = measure(pid)
        client(session.address, address, target, 0, FRAMES // CLIENTS)
        rss = measure(pid)[0]
        told = 0
        for seed in range(1, CLIENTS):
            told += client(session.address, address, target, seed, FRAMES // CLIENTS)["told"]
        assert told > FRAMES // CLIENTS
        # The end of the last client's process reaches the peer a moment later than us.
        # A spare worker that was started meanwhile has four files there.
        wait_until(lambda: measure(pid)[1] <= fds + 16, 5, f"open files are back at about {fds}")
        after = measure(pid)
        assert after[0] - rss < GROWTH_BYTES_MAX, f"resident memory grew from {rss} to {after[0]} bytes"
        assert after[2] <= threads, f"threads grew from {threads} to {after[2]}"
        assert bow.get(worker_pid.remote(), timeout=20) > 0
