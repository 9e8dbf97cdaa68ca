"""DeepFashion's file names: of its own trees, and flattened as the lists of the field have them.

    img/WOMEN/Dresses/id_00000012/01_1_front.jpg  ->  fashionWOMENDressesid0000001201_1front.jpg
    department/kind/item/clothes_number_view          all of one item and one clothes number show the same outfit

The lists of PATN, GFLA and DPTN have the flattened names; NTED's and PIDM's pair lists have the paths.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

NAME: Final = re.compile(
    r"fashion(?P<department>WOMEN|MEN)(?P<kind>[A-Z]\w*?)id(?P<item>\d{8})(?P<color>\d{2})_(?P<number>\d+)"
    r"(?P<view>front|side|back|full|flat|additional)\.(?P<ending>jpg|png)"
)
"""A flattened name of DeepFashion."""

_PATH: Final = re.compile(
    r"(?:.*/)?(?P<department>WOMEN|MEN)/(?P<kind>\w+)/id_(?P<item>\d{8})/(?P<color>\d{2})_(?P<number>\d+)_"
    r"(?P<view>[a-z]+)\.(?P<ending>jpg|png)"
)


def flattened(path: str | PurePath) -> str | None:
    """The flattened name of a path or of a name that is flat already; None if it is not of DeepFashion.

    >>> flattened("img/WOMEN/Dresses/id_00000012/01_1_front.jpg")
    'fashionWOMENDressesid0000001201_1front.jpg'
    """
    text = path.as_posix() if isinstance(path, PurePath) else path.replace("\\", "/")
    if NAME.fullmatch(text.rpartition("/")[2]):
        return text.rpartition("/")[2]
    found = _PATH.fullmatch(text)
    if found is None:
        return None
    name = "fashion{department}{kind}id{item}{color}_{number}{view}.{ending}".format(**found.groupdict())
    return name if NAME.fullmatch(name) else None


def original(name: str) -> str:
    """The path of a flattened name below `img/` or `img_highres/`.

    >>> original("fashionWOMENDressesid0000001201_1front.jpg")
    'WOMEN/Dresses/id_00000012/01_1_front.jpg'

    Raises:
        ValueError: the name is not one of DeepFashion.
    """
    found = NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no flattened name of DeepFashion")
    return "{department}/{kind}/id_{item}/{color}_{number}_{view}.{ending}".format(**found.groupdict())


def person_of(name: str) -> str:
    """The identity of the field's pairs: department, kind, item and clothes number of a flattened name."""
    return name.partition(".")[0].rpartition("_")[0].removeprefix("fashion")


def item_of(person: str) -> str:
    """The item of an identity: all its clothes numbers belong together, as one model mostly wears them."""
    return person[:-2]
