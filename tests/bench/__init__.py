"""The benchmark: the same rows on Bowstring and on its peers, in one run (``python -m tests.bench --help``)."""
