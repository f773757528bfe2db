"""As for all tests: nobody leaves anything behind."""

from tests.leaks.fixture import leaves_nothing_behind

__all__ = ["leaves_nothing_behind"]
