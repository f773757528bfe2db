"""Writes docs/reference.md from the docstrings of the public names: `make docs`. With --check: is the page current?

A docstring's sections (Args, Returns, Raises, Attributes) become lists. What has no docstring, or a parameter that it
does not tell of, is an error: the reference has no gaps.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bowstring

PAGE = Path(__file__).with_name("reference.md")
HEAD = """# Reference

Every public name of the Python package, made from the docstrings by `make docs`. Java's is in its javadoc.
"""
GROUPS: dict[str, list[str]] = {
    "Start and end": ["init", "shutdown", "is_initialized", "Session"],
    "Tasks and actors": [
        "remote", "method", "RemoteFunction", "ActorClass", "ActorHandle", "ActorMethod", "exit_actor", "kill",
        "get_actor", "java_function", "java_actor_class",
    ],
    "Objects": [
        "put", "get", "wait", "cancel", "empty", "empty_table", "TableBuilder", "ObjectRef", "ObjectRefGenerator",
    ],
}  # fmt: skip
REST = "What the runtime tells, and more"
SPECIAL = ("__init__",)
SECTIONS = ("Args", "Returns", "Raises", "Attributes")


class Gap(Exception):
    """A public name whose docstring says too little."""


def signature_of(function: Callable[..., Any]) -> str:
    """The parameters as they are written, without quotes around annotations."""
    parts = []
    star = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        text = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "") + parameter.name
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        if parameter.annotation is not parameter.empty:
            text += f": {_annotation(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            text += (
                f" = {parameter.default!r}"
                if parameter.annotation is not parameter.empty
                else f"={parameter.default!r}"
            )
        parts.append(text)
    returns = inspect.signature(function).return_annotation
    arrow = (
        "" if returns is inspect.Signature.empty or function.__name__ == "__init__" else f" -> {_annotation(returns)}"
    )
    return f"({', '.join(parts)}){arrow}"


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", repr(annotation))


def rendered(docstring: str) -> str:
    """A docstring in Google style as Markdown."""
    out: list[str] = []
    section = ""
    for line in inspect.cleandoc(docstring).splitlines():
        heading = re.fullmatch(rf"({'|'.join(SECTIONS)}):", line)
        if heading:
            section = heading[1]
            out += [f"**{section}**", ""]
        elif section and line.startswith("    ") and not line.startswith("     "):
            name, colon, text = line.strip().partition(": ")
            if colon and section != "Returns":
                out.append(f"- `{name}`: {text}")
            else:
                out.append(f"- {line.strip()}" if section != "Returns" or out[-1] == "" else f"  {line.strip()}")
        elif section and line.startswith("     "):
            out.append(f"  {line.strip()}")
        else:
            if line and not line.startswith(" "):
                section = ""
            out.append(line)
    return "\n".join(out).strip()


def checked_docstring(name: str, thing: Any) -> str:
    """The docstring of a public name.

    Raises:
        Gap: there is none.
    """
    docstring: str | None = thing.__doc__
    if not docstring:
        raise Gap(f"{name} has no docstring")
    return docstring


def check_parameters(name: str, function: Callable[..., Any], docstring: str) -> None:
    """See that a function's docstring tells of each parameter, if it has a list of them.

    Raises:
        Gap: it does not.
    """
    _, has_list, told = docstring.partition("Args:\n")
    if not has_list:
        return
    for parameter, facts in inspect.signature(function).parameters.items():
        if facts.kind is facts.VAR_KEYWORD or parameter == "self":
            continue  # options stand in the list under their own names
        if not re.search(rf"^ +\**(\w+, )*{parameter}(, \w+)*:", told, re.MULTILINE):
            raise Gap(f"{name} does not tell of its parameter {parameter}")


def function_entry(name: str, function: Callable[..., Any], level: str) -> str:
    """One function or method."""
    docstring = checked_docstring(name, function)
    check_parameters(name, function, docstring)
    return f"{level} {name}\n\n{code(name.rpartition('.')[2] + signature_of(function))}\n\n{rendered(docstring)}\n"


def code(text: str) -> str:
    """A signature, broken where it is too long for a line."""
    if len(text) > 100:
        head, _, rest = text.partition("(")
        inside, _, tail = rest.rpartition(")")
        text = f"{head}(\n" + "".join(f"    {part},\n" for part in split_commas(inside)) + f"){tail}"
    return f"```\n{text}\n```"


def split_commas(text: str) -> Iterator[str]:
    """The parts of a list between commas that are in no bracket."""
    depth = start = 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def class_entry(name: str, cls: type, level: str) -> str:
    """One class with its public methods."""
    if issubclass(cls, BaseException):
        return f"{level} {name}\n\n{rendered(checked_docstring(name, cls))}\n"
    out = [f"{level} {name}\n\n{rendered(checked_docstring(name, cls))}\n"]
    for member, found in vars(cls).items():
        function = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
        if isinstance(function, property) and not member.startswith("_"):
            out.append(f"`{member}`: {rendered(checked_docstring(f'{name}.{member}', function))}\n")
        elif inspect.isfunction(function) and (
            not member.startswith("_") or (member in SPECIAL and "Args:" in (function.__doc__ or ""))
        ):
            shown = name if member == "__init__" else f"{name}.{member}"
            if member == "__init__":
                check_parameters(name, function, function.__doc__ or "")
                out.append(f"{code(name + signature_of(function))}\n\n{rendered(function.__doc__ or '')}\n")
            elif function.__doc__ or not inspect.isfunction(getattr(cls.__mro__[1], member, None)):
                out.append(function_entry(shown, function, level + "#"))
    return "\n".join(out)


def entry(name: str, thing: Any, level: str) -> str:
    """One public name."""
    return class_entry(name, thing, level) if inspect.isclass(thing) else function_entry(name, thing, level)


def errors_table() -> str:
    """All errors, with their classes above."""
    out = ["| error | is also | when |", "|---|---|---|"]
    for name in sorted(bowstring.errors.__all__):
        cls = getattr(bowstring.errors, name)
        above = ", ".join(f"`{base.__name__}`" for base in cls.__bases__)
        out.append(f"| `{name}` | {above} | {checked_docstring(name, cls).splitlines()[0]} |")
    return "\n".join(out)


def reference() -> str:
    """The whole page."""
    own = [name for name in bowstring.__all__ if name not in bowstring.errors.__all__]
    things = {name: getattr(bowstring, name) for name in own}
    modules = [name for name, thing in things.items() if inspect.ismodule(thing)]
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {**GROUPS, REST: sorted(name for name in own if name not in grouped and name not in modules)}
    out = [HEAD]
    for title, names in groups.items():
        out.append(f"## {title}\n")
        out += [entry(name, things[name], "###") for name in names]
    out.append("## Errors\n")
    out.append(errors_table() + "\n")
    for name in ("BowstringError", "TaskError"):
        out.append(entry(name, getattr(bowstring, name), "###"))
    for library in sorted(found.name for found in pkgutil.iter_modules(bowstring.util.__path__)):
        module = importlib.import_module(f"bowstring.util.{library}")
        if not public_names(module):
            continue
        out.append(f"## bowstring.util.{library}\n\n{rendered(checked_docstring(library, module))}\n")
        out += [entry(name, getattr(module, name), "###") for name in public_names(module)]
    return "\n".join(out).rstrip() + "\n"


def public_names(module: Any) -> list[str]:
    """What a library's module offers: what it lists, or else the classes and functions that it defines for `util`."""
    listed: list[str] | None = getattr(module, "__all__", None)
    if listed is None:
        listed = [name for name, home in bowstring.util._HOMES.items() if f"bowstring.util.{home}" == module.__name__]
    return [name for name in listed if getattr(module, name).__module__ == module.__name__]


def main(arguments: list[str]) -> int:
    try:
        page = reference()
    except Gap as gap:
        print(f"the docstrings have a gap: {gap}", file=sys.stderr)
        return 1
    if "--check" not in arguments:
        PAGE.write_text(page)
        return 0
    if PAGE.exists() and PAGE.read_text() == page:
        return 0
    print(textwrap.fill(f"{PAGE.name} is not what the docstrings say: run `make docs`"), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
