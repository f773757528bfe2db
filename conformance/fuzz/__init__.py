"""Inputs from nowhere against the decoders of Python and Java: README.md says what is run and how."""
