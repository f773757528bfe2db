"""What all tests share: nobody leaves anything behind."""

from tests.leaks.fixture import leaves_nothing_behind

__all__ = ["leaves_nothing_behind"]
