"""How to install the optional packages: the extras of pyproject.toml."""

from __future__ import annotations

from typing import Final

DISTRIBUTION: Final = "pose-transfer"
"""The name under which pip knows Repose."""


def how_to_install(extra: str) -> str:
    """The command that installs the packages of an extra, such as "train": for the end of an error."""
    return f"pip install '{DISTRIBUTION}[{extra}]' (from a checkout: pip install '.[{extra}]')"


def how_to_install_package(package: str, extra: str) -> str:
    """The end of an error that names one package: in brackets the command that installs it, then its extra."""
    return f"(or pip install {package}), which is the extra {extra} of {DISTRIBUTION}"
