"""``python -m tests.bench``: run the rows on Bowstring and the asked peers, print a table and its ratios.

python -m tests.bench --quick                                  a smoke run: every row, too short to quote
python -m tests.bench --against ray,multiprocessing            the same rows on the peers, taking turns
python -m tests.bench --rows 'tasks' --rows '1:1*' --json out.json
python -m tests.bench --against ray --into docs/performance.md put the table into a page, between its marks
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import environments
from tests.bench.rows import GROUPS, Row, select

PEERS = ("bowstring", "ray", "multiprocessing")
LAUNCHES = {"startup": 5}
"""Groups whose rows are measured once in a fresh process, that many times; the others need one process."""
CHECKOUT = Path(__file__).resolve().parents[2]

MARKS = ("<!-- benchmark -->", "<!-- end of benchmark -->")
MARKED = re.compile(f"{MARKS[0]}.*{MARKS[1]}", re.DOTALL)

Results = dict[str, dict[str, dict[str, Any]]]


def main() -> int:
    options = parse_arguments()
    rows = select(options.rows)
    peers = ["bowstring", *options.against] if not options.without_bowstring else list(options.against)
    console = Console(stderr=True)
    results: Results = {row.name: {} for row in rows}
    pythons = {peer: options.ray_python if peer == "ray" and options.ray_python else None for peer in peers}
    classes: dict[str, Path | None] = {}
    for peer in peers:
        with console.status(f"preparing {peer}"):
            pythons[peer] = pythons[peer] or environments.interpreter(peer)
            jars = environments.library_jars(peer, str(pythons[peer]), CHECKOUT)
            classes[peer] = environments.compile_java(peer, jars) if any("java" in row.group for row in rows) else None
    for group in GROUPS:
        of_group = [row for row in rows if row.group == group]
        if not of_group:
            continue
        for _ in range(1 if options.quick else LAUNCHES.get(group, 1)):
            for peer in peers:
                with console.status(f"{group} on {peer}"):
                    records = run_group(peer, str(pythons[peer]), group, of_group, classes[peer], options)
                for record in records:
                    merge(results, peer, record)
    Console(width=None if sys.stdout.isatty() else 140).print(table(rows, peers, results, options.quick))
    failed = [(name, peer) for name, of in results.items() for peer, record in of.items() if "error" in record]
    for name, peer in failed:
        console.print(f"[red]{peer}, {name}: {results[name][peer]['error']}", highlight=False)
    if options.into:
        write_into(options.into, markdown(rows, peers, results, pythons))
    if options.json:
        options.json.write_text(json.dumps(as_json(rows, results, options), indent=1) + "\n")
    return 1 if failed else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", type=lambda text: text.split(","), default=[], help="peers: ray, multiprocessing")
    parser.add_argument(
        "--rows", action="append", default=[], help="name or group of rows, wildcards allowed; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run; its figures are not worth quoting")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--into", type=Path, help="a page that has the marks for the table")
    parser.add_argument("--num-cpus", type=int, default=2, help="processors that every peer is told to use (default 2)")
    parser.add_argument("--ray-python", help="interpreter that has Ray, instead of an environment made for it")
    parser.add_argument("--without-bowstring", action="store_true", help="only the peers")
    options = parser.parse_args()
    unknown = set(options.against) - set(PEERS[1:])
    if unknown:
        parser.error(f"unknown peer {', '.join(sorted(unknown))}; choose from {', '.join(PEERS[1:])}")
    if options.into and not MARKED.search(options.into.read_text()):
        parser.error(f"{options.into} has no lines {MARKS[0]} and {MARKS[1]}")
    try:
        select(options.rows)
    except ValueError as error:
        parser.error(str(error))
    return options


def run_group(
    peer: str, python: str, group: str, rows: list[Row], classes: Path | None, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Run one group in a process of the peer; a record for every row, whatever becomes of the process."""
    receiving, sending = os.pipe()
    command = [python, "-m", "tests.bench.peers", "--peer", peer, "--group", group]
    command += ["--rows", json.dumps([[row.name, row.unit] for row in rows])]
    command += ["--num-cpus", str(options.num_cpus), "--report-fd", str(sending)]
    command += ["--quick"] if options.quick else []
    command += ["--java-classes", str(classes)] if classes else []
    paths = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH") if peer != "ray" else None])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages have their bytecode: the checkout shall too
    log_path = environments.cache_folder() / f"{peer}.log"
    deadline_s = 120 if options.quick else 900
    with open(log_path, "w") as log:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environment,
            stdout=log,
            stderr=log,
            pass_fds=[sending],
            start_new_session=True,
        )
    os.close(sending)
    lines: list[str] = []
    reader = threading.Thread(target=read_lines, args=(receiving, lines), daemon=True)
    reader.start()
    ended = f"ended with status {{}}; see {log_path}"
    try:
        status = process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        ended = f"was ended after {deadline_s} s; see {log_path}"
        status = None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    reader.join(timeout=5)
    records = [json.loads(line) for line in lines]
    told = {record["row"] for record in records}
    return records + [{"row": row.name, "error": ended.format(status)} for row in rows if row.name not in told]


def read_lines(descriptor: int, lines: list[str]) -> None:
    with open(descriptor, encoding="utf-8") as pipe:
        for line in pipe:
            lines.append(line)


def merge(results: Results, peer: str, record: dict[str, Any]) -> None:
    known = results[record["row"]].get(peer)
    if known is not None and "values" in known and "values" in record:
        known["values"] += record["values"]
    elif known is None or "error" in record:
        results[record["row"]][peer] = record


def table(rows: list[Row], peers: list[str], results: Results, quick: bool) -> Table:
    title = "smoke run: the figures are too short to quote" if quick else None
    drawn = Table(title=title, title_justify="left")
    drawn.add_column("row")
    drawn.add_column("unit")
    for peer in peers:
        drawn.add_column(peer, justify="right")
    for peer in peers[1:]:
        drawn.add_column(f"better than {peer}", justify="right")
    group = ""
    for row in rows:
        if group and row.group != group:
            drawn.add_section()
        group = row.group
        cells = [shown(results[row.name].get(peer, {})) for peer in peers]
        ours = mean(results[row.name].get(peers[0], {}))
        for peer in peers[1:]:
            theirs = mean(results[row.name].get(peer, {}))
            ratio = row.ratio(ours, theirs) if ours is not None and theirs is not None else None
            cells.append("" if ratio is None else f"x {ratio:.3g}")
        drawn.add_row(row.name, row.unit, *cells)
    return drawn


def markdown(rows: list[Row], peers: list[str], results: Results, pythons: dict[str, Any]) -> str:
    """What was measured, where, with what, and how: a paragraph and a table."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    versions = ", ".join(f"{peer} {environments.version(peer, str(pythons[peer]))}" for peer in peers)
    heads = ["row", "unit", *peers, *(f"against {peer}" for peer in peers[1:])]
    lines = [
        f"Measured on {day}: {os.cpu_count()} processors, {processor()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}; {versions}. "
        f"Command: `python -m tests.bench --against {','.join(peers[1:])}`.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * 2}{'---:|' * (len(heads) - 2)}",
    ]
    for row in rows:
        cells = [re.sub(r"\[.*?\]", "", shown(results[row.name].get(peer, {}))) for peer in peers]
        ours = mean(results[row.name].get(peers[0], {}))
        for peer in peers[1:]:
            theirs = mean(results[row.name].get(peer, {}))
            both = ours is not None and theirs is not None
            cells.append(f"x {row.ratio(ours, theirs):.3g}" if both else "")
        lines.append(f"| {' | '.join([row.name, row.unit, *cells])} |")
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, as the kernel tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write_into(page: Path, text: str) -> None:
    """Replace what stands between the page's marks."""
    page.write_text(MARKED.sub(lambda _: f"{MARKS[0]}\n{text}\n{MARKS[1]}", page.read_text()))


def shown(record: dict[str, Any]) -> str:
    if "error" in record:
        return "[red]failed"
    value = mean(record)
    if value is None:
        return "[dim]absent"
    spread = statistics.pstdev(record["values"])
    digits = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return digits if len(record["values"]) < 2 else f"{digits} ± {100 * spread / value if value else 0:.0f} %"


def mean(record: dict[str, Any]) -> float | None:
    return statistics.fmean(record["values"]) if record.get("values") else None


def as_json(rows: list[Row], results: Results, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": options.quick,
        "num_cpus": options.num_cpus,
        "machine": {"processors": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()},
        "rows": [{"name": row.name, "group": row.group, "unit": row.unit, "peers": results[row.name]} for row in rows],
    }


if __name__ == "__main__":
    sys.exit(main())
