"""No test here starts a runtime, nor knows the references of a frontend that other tests have imported."""

import pytest

from bowstring_wire.values import portable


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> None:
    """In place of the search for what runtimes leave, which takes longer than these tests do."""


@pytest.fixture(autouse=True)
def no_frontend(monkeypatch: pytest.MonkeyPatch) -> None:
    """References are read as their bytes, whatever was registered before; what a test registers goes with it."""
    monkeypatch.setattr(portable, "_codec", portable._Codec())
