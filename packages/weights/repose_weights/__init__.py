"""Weights for Repose: a folder for each set, found by the entry point `repose.weights`."""
