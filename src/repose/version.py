"""The version of Repose."""

__version__ = "0.1.0"
