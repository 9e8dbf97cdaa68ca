"""Files of human parsers and of DensePose: label maps and IUV of a photograph, as fields of `Person`.

This package reads the files that parsers and DensePose write for a photograph; docs/parsing-files.md lists them.

    person = with_maps(repose.read_person("me.jpg"), parsing="me_labels.png", iuv="me_IUV.png")
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from repose.person import Person
from repose.represent.iuv_files import read_iuv
from repose.represent.label_tables import LabelsLike
from repose.represent.parsing_files import read_parsing

__all__ = ["read_iuv", "read_parsing", "with_maps"]


def with_maps(
    person: Person, parsing: str | Path | None = None, iuv: str | Path | None = None, labels: LabelsLike = None
) -> Person:
    """The same unbatched person with the label map and the IUV of these files; None leaves a field as it is.

    The person's joints, if they are known, check the table of labels and tell left from right.

    Args:
        parsing: a label map, see `read_parsing`.
        iuv: DensePose's result, see `read_iuv`.
        labels: the table of the label map, see `read_parsing`; None guesses.

    Raises:
        ValueError: what `read_parsing` and `read_iuv` raise, or a file that is not as large as the person's picture.
    """
    joints = person.keypoints
    if parsing is not None:
        labelled = read_parsing(parsing, labels, joints, stacklevel=3)
        _require_size(person, parsing, labelled)
        person = replace(person, parsing=labelled)
    if iuv is not None:
        surface = read_iuv(iuv, person.size, joints)
        _require_size(person, iuv, surface)
        person = replace(person, iuv=surface)
    return person


def _require_size(person: Person, path: str | Path, value: Tensor) -> None:
    if person.size is not None and tuple(value.shape[-2:]) != person.size:
        (h, w), (rows, columns) = person.size, value.shape[-2:]
        raise ValueError(
            f"{path} is {rows}x{columns}, the picture that it belongs to {h}x{w} (height x width); "
            "give the file that was made from this picture"
        )
