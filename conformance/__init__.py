"""Conformance: every language as driver with every language as worker, on the same cases (see README.md)."""
