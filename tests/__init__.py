"""The tests; helpers are imported as ``tests.replay`` and so on."""
