"""What the tables have: columns, and the groups of pairs."""

from __future__ import annotations

from typing import Final

COLUMNS: Final = {
    "lpips": ("LPIPS", "lower"),
    "identity": ("identity", "higher"),
    "identity_background": ("identity, whole picture", "higher"),
    "sharpness": ("sharpness", "higher"),
    "silhouette": ("outline", "higher"),
    "parts": ("parts", "higher"),
}
"""Column -> its title, and which way is better. `scores.PairScorer` defines them."""

VERSION: Final = 1
"""Of the definitions; scores that were kept under another one are measured again."""

TURNS: Final = {"under 30°": (0.0, 30.0), "30° to 90°": (30.0, 90.0), "over 90°": (90.0, 180.1)}
"""Class of turns -> from and to, degrees; the end is of the next class."""

ALL: Final = "all pairs"
OWN_POSE: Final = "own pose"
GROUPS: Final = (ALL, *TURNS, OWN_POSE)
"""Groups of pairs in the order in which they are shown. People in their own pose stand in the last one alone."""

SOURCE: Final = "copied source"
"""The row of the source as it is."""


def turn_class(turn: float) -> str:
    """The class of `TURNS` that a turn of the trunk, degrees in 0 to 180, is of."""
    return next(name for name, (low, high) in TURNS.items() if low <= turn < high)


def headings() -> list[str]:
    """The titles of `COLUMNS`, each with an arrow to the better side."""
    arrows = {"lower": "↓", "higher": "↑"}
    return [f"{title} {arrows[better]}" for title, better in COLUMNS.values()]
