"""Runs one group of rows on one peer; started by the benchmark in the peer's own environment."""

from tests.bench.peer import main

main()
