"""One small runtime for the tests of a module; tests that break a runtime start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import bowstring as bow


@pytest.fixture(scope="module")
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=2, num_gpus=2, resources={"widget": 3}, object_store_memory=512 << 20) as session:
        yield session
