"""Words that a shell completes: names of models, recipes, backgrounds and so on. Nothing heavy is imported for them.

The lists that stand in modules which need PyTorch stand here once more; tests/test_shell.py compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from repose.weight_places import installed_weights

BACKGROUNDS: Final = ("keep", "generated", "white", "transparent")
DEVICES: Final = ("auto", "cpu", "cuda")
MASKS: Final = ("auto", "none", "person", "selfie", "bodypix")
MOTIONS: Final = ("walk", "turn", "wave", "dance")
ESTIMATORS: Final = ("movenet", "movenet-1", "rtmpose")
PEOPLE: Final = ("largest", "best", "left", "right", "middle")
PROTOCOLS: Final = (
    "patn-market", "patn-fashion", "roy-fashion", "people-half", "people-fashion", "patn-market-jpeg",
    "patn-fashion-jpeg", "roy-fashion-jpeg", "pinet-fashion", "dpt-fashion", "dpt-mvc", "hpn-h36m", "hpn-fashion",
    "fashion-256", "people-small",
)  # fmt: skip

Completion = Callable[[str], list[str]]


def of(words: Iterable[str]) -> Completion:
    """Completes one of these words."""
    known = tuple(words)

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


def models(incomplete: str) -> list[str]:
    """Weights by name: those of this installation."""
    names = [name for name, folder in installed_weights().items() if (folder / "recipe.json").is_file()]
    return [name for name in dict.fromkeys(("default", *names)) if name.startswith(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Recipes by name."""
    from repose.models import RECIPES

    return [name for name in RECIPES if name.startswith(incomplete)]


def weights_or_recipes(incomplete: str) -> list[str]:
    """What `repose inspect` takes."""
    return [*models(incomplete), *recipes(incomplete)]
