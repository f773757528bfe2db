"""Patterns of what is left out mean what they mean in a .gitignore file."""

from __future__ import annotations

import pytest

from bowstring_core.environments.exclusion import Exclusion


@pytest.mark.parametrize(
    ("patterns", "path", "is_folder", "covered"),
    [
        (["*.csv"], "a.csv", False, True),
        (["*.csv"], "deep/down/a.csv", False, True),
        (["*.csv"], "a.csv.py", False, False),
        (["data/"], "data", True, True),
        (["data/"], "inner/data", True, True),
        (["data/"], "data", False, False),
        (["/data"], "data", True, True),
        (["/data"], "inner/data", True, False),
        (["inner/data"], "inner/data", False, True),
        (["inner/data"], "outer/inner/data", False, False),
        (["a/**/z"], "a/z", False, True),
        (["a/**/z"], "a/b/c/z", False, True),
        (["**/z"], "b/z", False, True),
        (["a/**"], "a/b/c", False, True),
        (["a/*"], "a/b/c", False, False),
        (["a?"], "ab", False, True),
        (["[ab].py"], "b.py", False, True),
        (["[!ab].py"], "b.py", False, False),
        (["[!ab].py"], "c.py", False, True),
        (["*.py", "!keep.py"], "keep.py", False, False),
        (["!keep.py", "*.py"], "keep.py", False, True),
        (["a.b"], "axb", False, False),
        (["[", "a"], "[", False, True),
        (["", "#a", "/", "!"], "#a", False, False),
        ([], "a", True, False),
    ],
)
def test_a_path_is_left_out_by_the_last_pattern_that_fits(
    patterns: list[str], path: str, is_folder: bool, covered: bool
) -> None:
    assert Exclusion(patterns).covers(path, is_folder) is covered


def test_what_is_no_pattern_is_named() -> None:
    with pytest.raises(ValueError, match="z-a"):
        Exclusion(["fine", "[z-a]"])
