"""Python's side of the conformance suite."""
