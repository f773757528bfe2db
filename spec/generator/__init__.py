"""Generates each language's codec from the schemas (spec/schema), and flatc's readers for the proof of it."""
