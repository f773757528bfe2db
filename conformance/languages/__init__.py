"""One folder a language: its driver, its library of remote functions, and how to start them (language.toml)."""
