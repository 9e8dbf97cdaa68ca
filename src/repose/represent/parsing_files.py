"""Files of human parsers: a label map of a photograph, in any of the published tables, as LIP's 20 and the neck."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.person import JOINTS, LABELS, LIP_LABELS
from repose.represent.label_colours import COLOURS, look_up, numbers_of, strange
from repose.represent.label_guess import Reading, enough, plausibility
from repose.represent.label_tables import SIDES, TABLES, LabelsLike, LabelTable, find_table
from repose.represent.map_files import MapFile, read_map_file, whole_numbers

LARGEST: Final = 100_000_000
"""Pixels of a label map at most."""

_USUAL = ("lip", "cihp", "repose")  # tables that are taken without a word
_LIKELY = 0.5  # score from which they are
_SURE = 0.75  # from which another table is
_APART = 0.25  # by which it must be better than every other one
_FEWEST_PARTS = 4  # parts that another table must show for a guess
_SAME = 0.02  # share of the person in which two readings may differ and count as the same

Numbers = npt.NDArray[np.int64]


def read_parsing(
    path: str | Path, labels: LabelsLike = None, keypoints: Tensor | None = None, *, stacklevel: int = 2
) -> Tensor:
    """A label map of any table -> labels of `repose.person.LABELS`, int64 (H, W), as `Person.parsing`.

    Without `labels` the table is guessed from what the map shows: the order of the parts from head to foot, their
    sizes, and which go together. A guess stands only if no other table explains the map nearly as well.

    Args:
        path: a picture as large as its photograph, grey, with a palette, or coloured in one of the published colour
            maps (`repose.represent.label_colours`); or a .npy array (H, W).
        labels: the table, by a name of `repose.represent.label_tables.TABLES` (lip, cihp, repose, atr, pascal, acgpn,
            pise, pinet), or the names of its labels from number 0. None guesses.
        keypoints: (18, 3) in pixels of the map, where they are known: they help to guess, they contradict a wrong
            table, and they tell left from right in tables that have one label for both.
        stacklevel: of the warnings.

    Warns:
        UserWarning: the table was guessed and is neither LIP's, CIHP's nor Repose's; the order of a table is not
            published; another table explains the map better than the given one; left and right were told by the sides
            of the picture.

    Raises:
        ValueError: colours that are in no colour map, fractions, numbers outside the table, a table that the joints
            contradict, or no table that explains the map better than all others.
        FileNotFoundError: no such file.
    """
    path = Path(path)
    joints = None if keypoints is None else keypoints.detach().cpu().double().numpy()
    maps = _number_maps(path, read_map_file(path))
    if labels is None:
        numbers, table, note = _guessed(path, maps, joints)
    else:
        numbers, table, note = _given(path, maps, find_table(labels), joints)
    if not table.certain:
        note = (
            f"the order of the labels of '{table.name}' is not published; they are read as {', '.join(table.labels)}. "
            "If the parts come out wrong, give their names in your order: labels='background,hair,...'"
        )
    parsing, sides_known = _to_labels(numbers, table, joints)
    if not sides_known and not note:
        note = (
            f"'{table.name}' does not tell left from right, and no joints of the person do; the sides of the picture "
            "were taken, as of somebody who faces the camera"
        )
    if note:
        warnings.warn(f"{path}: {note}", stacklevel=stacklevel)
    return torch.from_numpy(parsing)


# -- the numbers of a file ------------------------------------------------------------------------------------------


def _number_maps(path: Path, file: MapFile) -> dict[str, Numbers]:
    """Every way in which the file can be taken as whole numbers (H, W): mostly one; two where the colours allow two."""
    values = file.values
    if values.ndim == 3 and values.shape[2] in (2, 4):  # the last channel is opacity
        if values.dtype.kind not in "bui" or (values[..., -1] != np.iinfo(np.uint8).max).any():
            raise ValueError(f"{path} is transparent in parts; a label map has one label for each pixel")
        values = values[..., :-1]
    if values.ndim == 3 and values.shape[2] == 3 and (values == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim == 3 and 1 in (values.shape[0], values.shape[2]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] != 3) or 0 in values.shape:
        raise ValueError(f"{path} is {values.shape}, a label map is (H, W): one number for each pixel")
    if values.shape[0] * values.shape[1] > LARGEST:
        raise ValueError(f"{path} is {values.shape[0]}x{values.shape[1]}, a label map has at most {LARGEST:,} pixels")
    whole = whole_numbers(path, values, "labels")
    if whole.ndim == 2:
        return {"": _from_palette(whole, file)}
    maps = numbers_of(whole)
    if not maps:
        colour, (x, y), count = strange(whole)
        raise ValueError(
            f"{path} is a colour picture with {count:,} colours, not a label map: the colour {colour} of the pixel at "
            f"x={x}, y={y} is in none of the colour maps {', '.join(COLOURS)}; let the parser save the labels "
            "themselves, one number a pixel"
        )
    return maps


def _from_palette(numbers: Numbers, file: MapFile) -> Numbers:
    """The labels of a picture with a palette: its numbers, unless its colours are of a colour map in another order."""
    used = np.unique(numbers)
    if not file.palette or used[0] < 0 or used[-1] >= len(file.palette):
        return numbers
    colours = np.array([file.palette[k] for k in used])
    orders = [look_up(colours, known) for known in COLOURS.values()]
    if any(order is not None and (order == used).all() for order in orders):
        return numbers
    for order in orders:
        if order is not None and len(used) > 2:
            return order[np.searchsorted(used, numbers)]
    return numbers


# -- the table ------------------------------------------------------------------------------------------------------


def _given(
    path: Path, maps: dict[str, Numbers], table: LabelTable, joints: npt.NDArray[Any] | None
) -> tuple[Numbers, LabelTable, str]:
    """The map that goes with the given table, the table, and what is to be said of it."""
    fitting = {name: numbers for name, numbers in maps.items() if _unknown(numbers, table) is None}
    if not fitting:
        number, place = _unknown(next(iter(maps.values())), table) or (0, (0, 0))
        raise ValueError(
            f"{path} holds the label {number} at x={place[0]}, y={place[1]}, but {_range(table)}; {_other(maps, table)}"
        )
    scores = {name: plausibility(numbers, table, joints) or Reading(0) for name, numbers in fitting.items()}
    best = max(scores, key=lambda name: scores[name].score)
    numbers, reading = fitting[best], scores[best]
    if reading.contradicted:
        raise ValueError(
            f"{path} does not fit the person as labels of '{table.name}': {', '.join(reading.contradicted[:3])}; "
            f"{_other(maps, table, joints)}"
        )
    others = _readings({best: numbers}, joints, leave=table)
    note = ""
    if enough(numbers) and others:
        other, _, better = max(others, key=lambda one: one[2].score)
        far = better.score > max(_SURE, reading.score + 2 * _APART) and reading.score < _LIKELY
        if far and other.certain and _differ(numbers, table, numbers, other):
            note = f"read as '{table.name}' as you say, but its parts lie as those of '{other.name}' would"
    return numbers, table, note


def _guessed(path: Path, maps: dict[str, Numbers], joints: npt.NDArray[Any] | None) -> tuple[Numbers, LabelTable, str]:
    """The one table that explains the map, its map, and what is to be said of it."""
    readings = []
    for numbers in maps.values():
        readings += [(table, numbers, reading) for table, _, reading in _readings({"": numbers}, joints)]
    if not readings:
        first = next(iter(maps.values()))
        if not (first > 0).any() and first.min(initial=0) >= 0:
            return first, TABLES["lip"], ""
        number, place = _unknown(first, TABLES["lip"]) or (int(first.max()), (0, 0))
        raise ValueError(
            f"{path} holds the label {number} at x={place[0]}, y={place[1]}, but LIP's are 0 to {len(LIP_LABELS) - 1}, "
            f"and no other table that is known ({', '.join(TABLES)}) has all its numbers; labels= takes the names of "
            "your own"
        )
    readings.sort(key=lambda one: -one[2].score)
    table, numbers, reading = readings[0]
    rivals = [one for one in readings[1:] if _differ(numbers, table, one[1], one[0])]
    usual = table.name in _USUAL
    if not enough(numbers):
        if usual and not rivals:
            return numbers, table if _unknown(numbers, TABLES["lip"]) else TABLES["lip"], ""
        lip = [one for one in readings if one[0].name == "lip"]
        if lip and all(one[0].name in _USUAL for one in readings):
            return lip[0][1], TABLES["lip"], ""
        raise ValueError(f"{path} shows too little of a person to tell which labels it holds; {_say(readings)}")
    if reading.contradicted:
        raise ValueError(
            f"{path} does not fit the person's joints as labels of '{table.name}', the nearest table: "
            f"{', '.join(reading.contradicted[:3])}; is it a map of this photograph? {_say(readings)}"
        )
    if reading.score < (_LIKELY if usual else _SURE):
        raise ValueError(
            f"{path}: none of the tables of labels explains this map, its parts lie in unlikely places or are missing "
            f"in each; the nearest is '{table.name}'; {_say(readings)}"
        )
    close = [one for one in rivals if one[2].score > reading.score - _APART]
    if not usual and len(np.unique(numbers[numbers > 0])) < _FEWEST_PARTS:
        close = rivals
    if close or not table.certain:
        near = dict.fromkeys(one[0].name for one in (readings[0], *close))
        raise ValueError(
            f"{path} could hold the labels of {' or '.join(near)}, and their numbers mean other parts; {_say(readings)}"
        )
    if usual:
        return numbers, table, ""
    return numbers, table, f"its parts lie as those of '{table.name}', so it was read so ({table.source})"


def _readings(
    maps: dict[str, Numbers], joints: npt.NDArray[Any] | None, leave: LabelTable | None = None
) -> list[tuple[LabelTable, Numbers, Reading]]:
    """Each table that has all the numbers, and how well it explains them."""
    readings = []
    for numbers in maps.values():
        for table in TABLES.values():
            if table is not leave and numbers.min(initial=0) >= 0:
                reading = plausibility(numbers, table, joints)
                if reading is not None:
                    readings.append((table, numbers, reading))
    return readings


def _differ(numbers: Numbers, table: LabelTable, others: Numbers, other: LabelTable) -> bool:
    """Whether two readings give different labels on more than a little of the person."""
    first = np.array([_code(name) for name in table.meanings])[numbers]
    second = np.array([_code(name) for name in other.meanings])[others]
    person = (numbers > 0) | (others > 0)
    return bool((first != second)[person].mean() > _SAME)


def _code(name: str) -> int:
    known = (*LABELS, *SIDES)
    return known.index(name) if name else -1


def _unknown(numbers: Numbers, table: LabelTable) -> tuple[int, tuple[int, int]] | None:
    """The first number that the table does not have, and its x and y."""
    used = np.array([bool(name) for name in table.labels])
    wrong = (numbers < 0) | (numbers >= len(used))
    wrong |= ~used[np.clip(numbers, 0, len(used) - 1)]
    if not wrong.any():
        return None
    y, x = (int(i) for i in np.argwhere(wrong)[0])
    return int(numbers[y, x]), (x, y)


def _range(table: LabelTable) -> str:
    unused = [str(k) for k, name in enumerate(table.labels) if not name]
    without = f" without {' and '.join(unused)}" if unused else ""
    return f"those of '{table.name}' are 0 to {len(table.labels) - 1}{without}"


def _other(maps: dict[str, Numbers], table: LabelTable, joints: npt.NDArray[Any] | None = None) -> str:
    """Which other table would fit, in words."""
    readings = [one for one in _readings(maps, joints, leave=table) if not one[2].contradicted]
    fitting = max(readings, key=lambda one: one[2].score, default=None)
    if fitting is None or fitting[2].score < _LIKELY:
        return "give the table of the parser that wrote it"
    return f"'{fitting[0].name}' would fit ({fitting[0].source})"


def _say(readings: Iterable[tuple[LabelTable, Numbers, Reading]]) -> str:
    names = dict.fromkeys(table.name for table, _, _ in readings)
    return f"say which it holds: labels= (--labels) {' | '.join(names)}, or the names of its labels from number 0"


# -- our labels --------------------------------------------------------------------------------------------------

_LIMBS: Final = {
    "arms": (("left_shoulder", "left_elbow", "left_wrist"), ("right_shoulder", "right_elbow", "right_wrist")),
    "legs": (("left_hip", "left_knee", "left_ankle"), ("right_hip", "right_knee", "right_ankle")),
    "shoes": (("left_knee", "left_ankle"), ("right_knee", "right_ankle")),
}


def _to_labels(numbers: Numbers, table: LabelTable, joints: npt.NDArray[Any] | None) -> tuple[Numbers, bool]:
    """Labels of Repose (H, W), and whether left and right are known wherever they had to be told apart."""
    simple = [LABELS.index(name) if name in LABELS else 0 for name in table.meanings]
    parsing: Numbers = np.array(simple, np.int64)[numbers]
    known = True
    for part, names in SIDES.items():
        mask = np.isin(numbers, [k for k, name in enumerate(table.meanings) if name == part])
        if mask.any():
            left, told = _left(mask, numbers > 0, _LIMBS[part], joints)
            known &= told
            parsing[mask] = np.where(left, LABELS.index(names[0]), LABELS.index(names[1]))
    return parsing, known


def _left(
    mask: npt.NDArray[np.bool_],
    person: npt.NDArray[np.bool_],
    limbs: Sequence[Sequence[str]],
    joints: npt.NDArray[Any] | None,
) -> tuple[npt.NDArray[np.bool_], bool]:
    """Which of the mask's pixels belong to the person's left limb (the nearer one), and whether the joints said so."""
    rows, columns = np.nonzero(mask)
    pixels = np.stack([columns, rows], 1).astype(float)
    chains = [[] if joints is None else [joints[JOINTS.index(n)] for n in names] for names in limbs]
    located = [[joint[:2] for joint in chain if joint[2] > 0] for chain in chains]
    if not all(located):
        return pixels[:, 0] > np.nonzero(person)[1].mean(), False
    left, right = (_distance(pixels, chain) for chain in located)
    return left <= right, True


def _distance(pixels: npt.NDArray[Any], chain: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The distance of pixels (N, 2) from a chain of points, or from its one point."""
    best: npt.NDArray[Any] = np.linalg.norm(pixels - chain[0], axis=1)
    for start, end in itertools.pairwise(chain):
        way = end - start
        along = np.clip((pixels - start) @ way / max(float(way @ way), 1e-9), 0, 1)
        best = np.minimum(best, np.linalg.norm(pixels - start - along[:, None] * way, axis=1))
    return best
