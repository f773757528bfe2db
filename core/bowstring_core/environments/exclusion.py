"""Which files of a folder are left out: patterns as in a .gitignore file.

A pattern with a slash at its start or inside is one of paths from the folder on; another is one of names at any depth.
One that ends in a slash means folders. `*` and `?` stop at slashes, `**` does not, `[...]` is a set of characters. What
begins with `!` takes back in what an earlier pattern left out; the last pattern that fits counts. A folder that is left
out is not looked into.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class _Pattern(NamedTuple):
    regex: re.Pattern[str]
    leaves_out: bool
    folders_only: bool


def _translated(glob: str) -> str:
    parts = []
    at = 0
    while at < len(glob):
        closing = glob.find("]", at + 2) if glob[at] == "[" else -1
        if glob.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif glob.startswith("**", at):
            parts.append(".*")
            at += 2
        elif closing > 0:
            inner = glob[at + 1 : closing].replace("\\", "\\\\")
            parts.append(f"[{'^' + inner[1:] if inner[0] == '!' else inner}]")
            at = closing + 1
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(glob[at]) or re.escape(glob[at]))
            at += 1
    return "".join(parts)


def _pattern(text: str) -> _Pattern:
    glob = text.removeprefix("!")
    path = glob.rstrip("/")
    anywhere = "" if "/" in path else "(?:.*/)?"
    regex = re.compile(anywhere + _translated(path.removeprefix("/")))
    return _Pattern(regex, not text.startswith("!"), glob.endswith("/"))


class Exclusion:
    """What is left out of a folder.

    Args:
        patterns: as above; empty ones and those that begin with `#` say nothing.

    Raises:
        ValueError: one of them is no pattern; the message names it.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = []
        for text in patterns:
            if not text.strip("!/ ") or text.startswith("#"):
                continue
            try:
                self._patterns.append(_pattern(text.strip()))
            except re.error as error:
                raise ValueError(f"{text!r} is no pattern: {error}") from error

    def covers(self, path: str, is_folder: bool) -> bool:
        """Whether a path, relative to the folder and with slashes, is left out."""
        for pattern in reversed(self._patterns):
            if (is_folder or not pattern.folders_only) and pattern.regex.fullmatch(path):
                return pattern.leaves_out
        return False
