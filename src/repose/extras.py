"""How to install the optional packages: the extras of pyproject.toml."""

from __future__ import annotations

from typing import Final

DISTRIBUTION: Final = "pose-transfer"
"""The name under which pip knows Repose."""

WEIGHTS_DISTRIBUTION: Final = "pose-transfer-weights"
"""The distribution of the weights that are free for any use and not in the wheel of Repose."""


def how_to_install(extra: str) -> str:
    """The command that installs the packages of an extra, such as "train": for the end of an error."""
    return f"pip install '{DISTRIBUTION}[{extra}]' (from a checkout: pip install '.[{extra}]')"


def how_to_install_package(package: str) -> str:
    """The command that installs one package: for an error that names the package rather than an extra."""
    return f"pip install {package}"


def install(package: str = "", *, extra: str = "", weights: bool = False, again: bool = False) -> str:
    """The one command that installs a package, an extra, the other weights, or Repose itself again: for a table."""
    if package:
        return f"pip install {package}"
    if weights:
        return f"pip install {WEIGHTS_DISTRIBUTION}"
    if again:
        return f"pip install --force-reinstall --no-deps {DISTRIBUTION}"
    return f"pip install '{DISTRIBUTION}[{extra}]'"


FROM_A_CHECKOUT: Final = "From a checkout: . for pose-transfer, ./packages/weights for pose-transfer-weights."
"""What `install` leaves out."""


def how_to_get_weights(name: str) -> str:
    """The commands that bring weights which are not in this installation: for the end of an error."""
    return (
        f"pip install {WEIGHTS_DISTRIBUTION} (from a checkout: pip install ./packages/weights), or "
        f"`repose fetch {name} --from FOLDER` from a folder that has them, such as the folder weights of a checkout"
    )
