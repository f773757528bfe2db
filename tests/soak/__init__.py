"""Long runs of values that come and go: `python -m tests.soak --help`."""
