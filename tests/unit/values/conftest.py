"""No test here starts a runtime, nor knows the references of a frontend that other tests have imported."""

import pytest

from bowstring_wire.values import portable
from bowstring_wire.values.portable import register_reference
from tests.unit.values.trees import Handle, Reference


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> None:
    """In place of the search for what runtimes leave, which takes longer than these tests do."""


@pytest.fixture(autouse=True)
def no_frontend(monkeypatch: pytest.MonkeyPatch) -> None:
    """References are read as their bytes, whatever was registered before; what a test registers goes with it."""
    monkeypatch.setattr(portable, "_codec", portable._Codec())


@pytest.fixture
def references(monkeypatch: pytest.MonkeyPatch) -> None:
    """References and handles can be written and read."""
    monkeypatch.setattr(portable, "_codec", portable._Codec())
    register_reference(Reference, lambda ref: ref.data, Reference, Handle, lambda handle: handle.data, Handle)
