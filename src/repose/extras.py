"""How to install the optional packages: the extras of pyproject.toml."""

from __future__ import annotations

from typing import Final

DISTRIBUTION: Final = "pose-transfer"
"""The name under which pip knows Repose."""


def how_to_install(extra: str) -> str:
    """The command that installs the packages of an extra, such as "train": for the end of an error."""
    return f"pip install '{DISTRIBUTION}[{extra}]' (from a checkout: pip install '.[{extra}]')"


def how_to_install_package(package: str) -> str:
    """The command that installs one package: for an error that names the package rather than an extra."""
    return f"pip install {package}"
