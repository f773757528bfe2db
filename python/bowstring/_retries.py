"""Which errors of user code are tried again (option retry_exceptions).

The rule is asked under the reactor's lock, where no user code may run: what was raised is not unpickled for it. Its
class is looked up by the name in the record among the modules that are imported here; one that is not found counts as
what its name says, and is a subclass of nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from bowstring.errors import TaskTimeoutError, qualified_name
from bowstring_wire.messages import ErrorCode, ErrorRecord, Language


class RetryRule:
    """Errors that are tried again: all that user code raises, or those of some classes and their subclasses."""

    __slots__ = ("_classes", "_names")

    def __init__(self, classes: Iterable[type[BaseException]] = (), names: Iterable[str] = ()) -> None:
        """`names`: qualified names of further classes; with neither, all errors are tried again."""
        self._classes = tuple(classes)
        self._names = frozenset((*map(qualified_name, self._classes), *names))

    def matches(self, record: ErrorRecord) -> bool:
        """True if a task that failed so should be tried again."""
        if record.code != ErrorCode.TASK:
            # What the runtime raised: only a limit that was too short is worth another attempt.
            return record.code == ErrorCode.TASK_TIMEOUT and self._holds(TaskTimeoutError)
        if not self._names or record.type_name in self._names:
            return True
        found = _class_of(record.type_name) if record.language == Language.PYTHON else None
        return found is not None and self._holds(found)

    def _holds(self, kind: type[BaseException]) -> bool:
        return not self._names or any(
            base in self._classes or qualified_name(base) in self._names for base in kind.__mro__
        )


def _class_of(type_name: str) -> type[BaseException] | None:
    """The exception's class, if its module is imported here."""
    module_name, _, name = type_name.rpartition(".")
    while True:
        module: Any = sys.modules.get(module_name or "builtins")
        if module is not None:
            break
        module_name, _, last = module_name.rpartition(".")
        if not module_name:
            return None
        name = f"{last}.{name}"
    found: Any = module
    for part in name.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def rule_of(option: Any) -> RetryRule | None:
    """The rule for a checked value of retry_exceptions."""
    if not option:
        return None
    return RetryRule() if option is True else RetryRule(option)
