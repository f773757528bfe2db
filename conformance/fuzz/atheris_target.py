"""`python -m conformance.fuzz.atheris_target TARGET [libFuzzer's options and corpora]`: one target under atheris.

What is imported below `instrument_imports` is compiled anew with a counter at each branch; the libraries are not.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["bowstring_wire", "bowstring.errors"]):
    import bowstring_wire.flat
    import bowstring_wire.hot
    import bowstring_wire.messages
    import bowstring_wire.protocol
    import bowstring_wire.values  # noqa: F401

from conformance.fuzz import targets


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    target = targets.TARGETS[sys.argv[1]]
    targets.prepare()

    def one_input(data: bytes) -> None:
        target(data)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
