"""Shared memory: segments that really have their pages."""
