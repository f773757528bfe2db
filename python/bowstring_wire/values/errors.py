"""The error for a value that has no portable form."""

from __future__ import annotations


class CrossLanguageError(ValueError):
    """A value, or a part of it, can't cross languages (spec section 3.2, rule 3).

    Attributes:
        path: Where the part is, as in `$.args[0].config`; `$` is the whole value.
        reason: What is there, and what to do about it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[CrossLanguageError], tuple[str, str]]:
        return type(self), (self.path, self.reason)
