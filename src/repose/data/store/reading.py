"""Opening a store: `Store`, whose files are mapped into memory and read where they are touched."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from repose.data.store.format import FIELDS, VERSION, Indices, LeftOut, Report, layout, partial_folder
from repose.data.store.meta import check_content, check_files, check_meta, identity, read_meta
from repose.files import shortened
from repose.names import nearest
from repose.person import Person


class Store:
    """A packed data set, opened for reading: people by index, pairs by split. Make one with `Store.open`."""

    def __init__(self, folder: Path, meta: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        self.folder = folder
        self.dataset: str = meta["dataset"]
        self.licence: str = meta["licence"]
        self.size: tuple[int, int] = (meta["canvas"][0], meta["canvas"][1])
        self.fields: tuple[str, ...] = tuple(meta["fields"])
        self.names: list[str] = meta["names"]
        self.people: list[str] = meta["people"]
        self.splits: list[str] = meta["splits"]
        self.checksum: str = meta["checksum"]
        self.provenance: dict[str, Any] = meta["provenance"]
        self.left_out = tuple(LeftOut(*item) for item in meta["left_out"])
        self._arrays = arrays
        self._listed: frozenset[str] = frozenset(meta["pairs"])
        self._index: dict[str, int] = {name: index for index, name in enumerate(self.names)}

    @classmethod
    def open(cls, folder: Path | str, verify: bool = False) -> Store:
        """Map the files of a store.

        Sizes and what `meta.json` says are always checked, and the hashes of small files (joints, pairs) and of pieces
        of the large ones; the sha256 of every file with `verify`.

        Raises:
            FileNotFoundError: there is no store.
            ValueError: another version, or a file that does not match `meta.json`.
        """
        folder = Path(folder)
        path = folder / "meta.json"
        if not path.is_file():
            half = partial_folder(folder)
            hint = f"; {half} is one that was not finished" if half.is_dir() else ""
            raise FileNotFoundError(f"{folder} is not a store: it has no meta.json{hint}. `repose prepare` writes one")
        meta = read_meta(path)
        version = meta["version"]
        if version != VERSION:
            raise ValueError(
                f"{path} is of a store of version {shortened(version)}, this is version {VERSION}; prepare it again"
            )
        check_meta(path, meta, FIELDS)
        if identity(meta) != meta.get("checksum"):
            raise ValueError(f"{path} was changed after it was written: its checksum does not match; prepare it again")
        arrays = {}
        fields = {name: (field, shape, dtype) for field, (name, shape, dtype) in layout(*meta["canvas"]).items()}
        count, named = meta["count"], meta["fields"]
        shapes = {name: (count, *shape) for name, (field, shape, _) in fields.items() if field in named}
        shapes |= {f"pairs-{split}.i64": (number, 2) for split, number in meta["pairs"].items()}
        check_files(path, meta, shapes)
        for name, shape in shapes.items():
            key, _, dtype = fields.get(name, (name, (), np.dtype("<i8")))
            arrays[key] = _mapped(folder / name, shape, dtype)
            check_content(path, folder / name, meta, verify)
        return cls(folder, meta, arrays)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        height, width = self.size
        return f"Store({self.dataset!r}, {len(self)} pictures {height}x{width}, {self.checksum})"

    def index(self, name: str) -> int:
        """The index of a name; KeyError with the nearest one if it is not here."""
        if name not in self._index:
            near = difflib.get_close_matches(name, self.names, n=1)  # of thousands: `nearest` could list them all
            raise KeyError(f"{name!r} is not in {self.folder}{f'; did you mean {near[0]!r}?' if near else ''}")
        return self._index[name]

    def split(self, name: str) -> Tensor:
        """The indices of a split, int64 (N,); KeyError if there is no such split."""
        if name not in self.splits:
            raise KeyError(f"{self.folder} has no split {name!r}; {nearest(name, sorted(set(self.splits)))}")
        return torch.from_numpy(np.flatnonzero(np.array(self.splits) == name))

    def groups(self, split: str) -> tuple[Tensor, Tensor]:
        """The pictures of a split ordered by person: indices int64 (N,), and how many each person has, int64 (P,)."""
        indices = self.split(split)
        who = np.array(self.people)[indices.numpy()]
        _, inverse, counts = np.unique(who, return_inverse=True, return_counts=True)
        return indices[torch.from_numpy(np.argsort(inverse, kind="stable"))], torch.from_numpy(counts)

    def listed(self, split: str) -> bool:
        """Whether a split has a list of pairs; without one all ordered pairs of one person are meant."""
        return split in self._listed

    def pairs(self, split: str) -> Tensor:
        """Source and target index of a split, int64 (N, 2); without a list all ordered pairs of one person."""
        indices, counts = self.groups(split)
        if self.listed(split):
            return self._arrays[f"pairs-{split}.i64"]
        tables = []
        for group in torch.split(indices, counts.tolist()):
            table = torch.cartesian_prod(group, group)
            tables.append(table[table[:, 0] != table[:, 1]])
        return torch.cat(tables)

    def person(self, indices: Indices, fields: Sequence[str] | None = None) -> Person:
        """The people at some indices, as a batch.

        Args:
            indices: (B,) of any integer kind.
            fields: which ones; all that the store has by default.

        Raises:
            ValueError: the store does not have the field.
            IndexError: an index is out of range.
        """
        wanted = self.fields if fields is None else tuple(fields)
        for field in wanted:
            if field not in self.fields:
                raise ValueError(f"{self.folder} has no {field!r}, it has {self.fields}")
        rows = torch.as_tensor(indices, dtype=torch.int64)  # (B,)
        if rows.ndim != 1:
            raise ValueError(f"Store.person takes indices of shape (B,), got {tuple(rows.shape)}")
        return Person(**{field: self._gather(field, rows) for field in wanted}, size=self.size)

    @property
    def report(self) -> Report:
        """What is in here and what was left out."""
        photographs = dict(Counter(self.splits))
        counts = {split: self.groups(split)[1] for split in photographs}
        return Report(
            folder=self.folder,
            dataset=self.dataset,
            checksum=self.checksum,
            photographs=photographs,
            people={split: len(count) for split, count in counts.items()},
            pairs={
                split: len(self.pairs(split)) if self.listed(split) else int((count * (count - 1)).sum())
                for split, count in counts.items()
            },
            left_out=self.left_out,
        )

    def _gather(self, field: str, rows: Tensor) -> Tensor:
        raw = self._arrays[field].index_select(0, rows)  # torch releases the GIL here, NumPy would not
        match field:
            case "image":
                return raw.float().div_(127.5).sub_(1)  # (B, 3, H, W)
            case "parsing":
                return raw.long()  # (B, H, W)
            case "mask":
                return raw.float().div_(255)[:, None]  # (B, 1, H, W)
            case "depth":
                return raw.float()[:, None]  # (B, 1, H, W)
            case "iuv":
                iuv = raw.float()
                iuv[:, 1:].div_(255)
                return iuv  # (B, 3, H, W)
            case _:
                return raw  # (B, 18, 3)


# -- files ------------------------------------------------------------------------------------------------------


def _mapped(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
    """The file as a tensor that is read from disk where it is touched. ValueError if the size is wrong."""
    size = int(np.prod(shape)) * dtype.itemsize
    if not path.is_file():
        raise ValueError(f"{path} is missing from the store; prepare the data set again")
    actual = path.stat().st_size
    if actual != size:
        raise ValueError(f"{path} has {actual} bytes, {size} expected; it is cut off or damaged, prepare it again")
    if size == 0:
        return torch.from_numpy(np.empty(shape, dtype))
    # mode "c": torch wants memory that may be written, and a write stays in this process
    return torch.from_numpy(np.memmap(path, dtype=dtype, mode="c", shape=shape))
