"""The colours in which human parsers draw labels, and the way back from such a picture to the numbers.

`VOC` is the colour map of the PASCAL VOC development kit, which SCHP and Graphonomy write as the palette of their
files; `LIP` is the one of LIP_SSL, LIP_JPPNet, CIHP_PGN and Graphonomy's coloured pictures; `Repose` is LIP's with a
colour of our own for the neck.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


def _voc(number: int) -> Colour:
    """The VOC colour of a label: its bits, three by three, from the highest bit of red, green and blue down."""
    colour = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            colour[channel] |= (number >> (3 * place + channel) & 1) << (7 - place)
    return colour[0], colour[1], colour[2]


_LIP: Final = (
    (0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51), (255, 85, 0), (0, 0, 85), (0, 119, 221),
    (85, 85, 0), (0, 85, 85), (85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 255), (51, 170, 221),
    (0, 255, 255), (85, 255, 170), (170, 255, 85), (255, 255, 0), (255, 170, 0),
)  # fmt: skip

COLOURS: Final[dict[str, tuple[Colour, ...]]] = {
    "VOC": tuple(_voc(number) for number in range(20)),
    "LIP": _LIP,
    "Repose": (*_LIP, (170, 85, 170)),
}
"""Name of a colour map -> the colour of each number."""


def numbers_of(colours: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.int64]]:
    """A coloured label map, whole numbers (H, W, 3) -> its labels (H, W) by each colour map that has all its colours.

    The key is the name of the colour map; "VOC, blue first" where the channels are in the order in which OpenCV holds
    them. Empty where no map has all the colours.
    """
    seen, place = np.unique(colours.reshape(-1, 3), axis=0, return_inverse=True)
    readings: dict[str, npt.NDArray[np.int64]] = {}
    for order, channels in (("", (0, 1, 2)), (", blue first", (2, 1, 0))):
        for name, known in COLOURS.items():
            numbers = look_up(seen[:, channels], known)
            if numbers is None:
                continue
            labels = numbers[place.reshape(-1)].reshape(colours.shape[:2])
            if not any(np.array_equal(labels, other) for other in readings.values()):
                readings[name + order] = labels
    return readings


def look_up(colours: npt.NDArray[Any], known: Sequence[Colour]) -> npt.NDArray[np.int64] | None:
    """The number of each colour (N, 3) in a colour map; None if one is not in it."""
    of = {colour: number for number, colour in enumerate(known)}
    numbers = [of.get((int(r), int(g), int(b)), -1) for r, g, b in colours]
    return None if -1 in numbers else np.array(numbers, np.int64)


def strange(colours: npt.NDArray[Any]) -> tuple[Colour, tuple[int, int], int]:
    """Of a coloured picture that no map explains: a colour that the nearest map lacks, where it is first, and how many.

    Returns:
        The colour; x and y of its first pixel; how many different colours the picture has.
    """
    seen, first, counts = np.unique(colours.reshape(-1, 3), axis=0, return_index=True, return_counts=True)
    lacking = [
        [number for number, colour in enumerate(seen) if tuple(int(c) for c in colour) not in known]
        for known in COLOURS.values()
    ]
    fewest: list[int] = min(lacking, key=lambda one: len(one))
    index = max(fewest, key=lambda number: counts[number])
    y, x = divmod(int(first[index]), colours.shape[1])
    red, green, blue = (int(c) for c in seen[index])
    return (red, green, blue), (x, y), len(seen)
