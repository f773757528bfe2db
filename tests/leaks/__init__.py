"""The leak check around every test that starts a runtime."""
