"""Folders of maps that other tools wrote: for a photograph its label map, or its IUV, by the name of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from torch import Tensor

from repose.files import sha256
from repose.represent.maps import read_iuv, read_parsing

ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "parsing": ("", "_gray", "_labels", "_parsing", ".parsing"),
    "iuv": ("", "_IUV", "_iuv", ".iuv"),
}
"""Field -> what stands in a file's name between that of the photograph and the suffix: SCHP and CIHP_PGN write
NAME.png, Graphonomy NAME_gray.png, DensePose NAME_IUV.png, `repose estimate` NAME.parsing.png and NAME.iuv.png."""

_SUFFIXES: Final = (".png", ".npy", ".npz", ".pt", ".bmp", ".tif", ".tiff", ".webp")


class MapFolder:
    """A folder with a map of each photograph.

    Args:
        folder: of the files. field: "parsing" or "iuv". labels: the table of label maps, see
            `repose.represent.maps.read_parsing`.

    Raises:
        ValueError: another field, or no such folder.
    """

    def __init__(self, folder: Path | str, field: str, labels: str | None = None) -> None:
        if field not in ENDINGS:
            raise ValueError(f"{field} is not read from files of other tools; {' and '.join(ENDINGS)} are")
        self.folder, self.field, self.labels = Path(folder), field, labels
        if not self.folder.is_dir():
            raise ValueError(f"{folder} is no folder of files of {field}")

    def file(self, name: str) -> Path:
        """The file of the photograph that is called `name` without its suffix.

        Raises:
            FileNotFoundError: there is none; the text gives names that were looked for.
        """
        for ending in ENDINGS[self.field]:
            for suffix in _SUFFIXES:
                path = self.folder / f"{name}{ending}{suffix}"
                if path.is_file():
                    return path
        looked = ", ".join(f"{name}{ending}.png" for ending in ENDINGS[self.field])
        raise FileNotFoundError(f"{self.folder} has no file of {self.field} for it: {looked} were looked for")

    def origin(self, name: str) -> str:
        """Names the content of a photograph's file and its table, in place of an estimator's name.

        Raises:
            FileNotFoundError: as of `file`.
        """
        return f"file-{sha256(self.file(name))[:16]}{f'({self.labels})' if self.labels else ''}"

    def read(self, name: str, size: tuple[int, int], keypoints: Tensor) -> Tensor:
        """The map of a photograph of this size (H, W), as the field of `Person`.

        Args:
            keypoints: (18, 3): they check the table of labels, tell left from right, and choose a person.

        Raises:
            FileNotFoundError: as of `file`. ValueError: the file cannot be read, or has another size.
        """
        path = self.file(name)
        if self.field == "parsing":
            value = read_parsing(path, self.labels, keypoints)
        else:
            value = read_iuv(path, size, keypoints)
        if tuple(value.shape[-2:]) != size:
            rows, columns = value.shape[-2:]
            raise ValueError(f"{path} is {rows}x{columns}, the photograph {size[0]}x{size[1]} (height x width)")
        return value


__all__ = ["ENDINGS", "MapFolder"]
