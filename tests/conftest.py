"""What all tests share: nobody leaves anything behind; and how long the soak is."""

import pytest

from tests.leaks.fixture import leaves_nothing_behind

__all__ = ["leaves_nothing_behind"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak 100000`: a long soak; it takes minutes, so give `--timeout` too."""
    parser.addoption("--soak", type=int, default=1_200, help="puts of the soak in tests/process/test_soak.py")
