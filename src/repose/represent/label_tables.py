"""Tables of parsing labels: which number means which part in the files of which human parser, and our labels of it.

`repose.person.Person` holds LIP's 20 labels and the neck. Every table here says for each of its numbers the
name, and the label of Repose that stands for it. Some tables have one number for both arms, legs or shoes; `SIDES`
gives the two labels of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from repose.names import nearest
from repose.person import LABELS, LIP_LABELS
from repose.represent.parsing import CIHP_LABELS, PINET_LABELS

SIDES: Final = {
    "arms": ("left arm", "right arm"),
    "legs": ("left leg", "right leg"),
    "shoes": ("left shoe", "right shoe"),
}
"""A part that stands for both sides -> its labels, the person's left and right."""

MEANINGS: Final = {
    **{name: name for name in LABELS},
    "torso skin": "neck",
    "head": "face",
    "belt": "pants",
    "bag": "background",
    "other": "background",
    "torso": "upper clothes",
    "lower clothes": "pants",
    "skin": "arms",
    "hands": "arms",
    "upper arms": "arms",
    "lower arms": "arms",
    "upper legs": "legs",
    "lower legs": "legs",
    "arms": "arms",
    "legs": "legs",
    "shoes": "shoes",
}
"""Name in a table -> the label of `repose.person.LABELS`, or the key of `SIDES`, that stands for it. Where there is no
such label it is our choice: a belt counts as trousers, a bag as background; one label for all bare skin counts as
arms."""


@dataclass(frozen=True)
class LabelTable:
    """One numbering of parsing labels.

    Attributes:
        name: what `labels=` and `--labels` call it.
        labels: the name of each number, from 0; "" for a number that is not used. Names are keys of `MEANINGS`.
        source: the tool or data set that writes it.
        certain: whether its order is published; of one that is not, every reading warns.
    """

    name: str
    labels: tuple[str, ...]
    source: str
    certain: bool = True

    @property
    def meanings(self) -> tuple[str, ...]:
        """The label of Repose or the key of `SIDES` of each number; "" for a number that is not used."""
        return tuple(MEANINGS[label] if label else "" for label in self.labels)


TABLES: Final = {
    table.name: table
    for table in (
        LabelTable("lip", LIP_LABELS, "LIP, 20 labels: LIP_SSL, LIP_JPPNet, SCHP --dataset lip"),
        LabelTable("cihp", CIHP_LABELS, "CIHP, 20 labels: CIHP_PGN, Graphonomy; LIP's but for number 10"),
        LabelTable("repose", LABELS, "Repose, 21 labels: LIP's, and 20 for the neck"),
        LabelTable(
            "atr",
            ("background", "hat", "hair", "sunglasses", "upper clothes", "skirt", "pants", "dress", "belt",
             "left shoe", "right shoe", "face", "left leg", "right leg", "left arm", "right arm", "bag", "scarf"),
            "ATR, 18 labels: SCHP --dataset atr; Dress Code",
        ),
        LabelTable(
            "pascal",
            ("background", "head", "torso", "upper arms", "lower arms", "upper legs", "lower legs"),
            "PASCAL-Person-Part, 7 labels: SCHP --dataset pascal, Graphonomy",
        ),
        LabelTable(
            "acgpn",
            ("background", "hair", "", "", "upper clothes", "left shoe", "right shoe", "other", "pants", "left leg",
             "right leg", "left arm", "face", "right arm"),
            "ACGPN (DeepFashion_Try_On), 14 numbers of which 12 are used; 7 is called noise there",
        ),
        LabelTable(
            "pise",
            ("background", "hat", "hair", "upper clothes", "lower clothes", "lower clothes", "skin", "face"),
            "PISE's own 8 labels",
        ),
        LabelTable(
            "pinet", PINET_LABELS, "PINet's own 12 labels in the order of its section 3.1; that of its files is not "
            "published", certain=False,
        ),
    )
}  # fmt: skip
"""Name -> table."""

LabelsLike = str | Sequence[str] | LabelTable | None
"""What `labels=` takes: a name of `TABLES`, the names of the labels from number 0 (a sequence, or one text with
commas), or None for a guess."""


def find_table(labels: str | Sequence[str] | LabelTable) -> LabelTable:
    """The table of a name, or one of the names of its labels from number 0.

    Example:
        >>> find_table("atr").labels[11]
        'face'
        >>> find_table("background, hair, face").meanings
        ('background', 'hair', 'face')

    Raises:
        ValueError: no such table, or a label that no table knows; the text names the nearest.
    """
    if isinstance(labels, LabelTable):
        return labels
    if isinstance(labels, str):
        if labels.strip().lower() in TABLES:
            return TABLES[labels.strip().lower()]
        if "," not in labels:
            raise ValueError(
                f"no table of labels is called '{labels}'; {nearest(labels, TABLES)}. A table of your own is the names "
                "of its labels from number 0: background,hair,face"
            )
        labels = labels.split(",")
    names = tuple(str(name).strip().lower() for name in labels)
    for number, name in enumerate(names):
        if name and name not in MEANINGS:
            raise ValueError(f"label {number} of the table is '{name}', which is unknown; {nearest(name, MEANINGS)}")
    if len(names) < 2 or names[0] != "background":
        raise ValueError(f"a table of labels begins with 'background', this one is: {', '.join(names) or 'empty'}")
    return LabelTable("your own", names, "given by name")
