"""Writing a store, record by record: `StoreWriter`, which a kill leaves resumable and an error without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, NoReturn, Self

import numpy as np
from torch import Tensor

from repose.data.store.format import VERSION, Array, LeftOut, Report, layout, partial_folder
from repose.data.store.meta import identity, samples_hash
from repose.data.store.reading import Store
from repose.files import differences, sha256
from repose.locks import PathLock, locked

_WRITING: Final = "writing this store"  # what a second writer is told


def remove_partial(folder: Path | str) -> None:
    """Delete what an interrupted writer of the store `folder` left; nothing happens where there is nothing.

    Raises:
        ValueError: another process is writing this store.
    """
    partial = partial_folder(Path(folder))
    if partial.exists():
        with locked(partial, _WRITING):
            shutil.rmtree(partial, ignore_errors=True)


class StoreWriter:
    """Writes a store record by record; a context manager.

    Args:
        folder: where the store will be; must not exist yet (an empty folder will do).
        height, width: the canvas of every record, pixels.
        dataset: its name, as in result lines.
        licence: the terms of the pictures, in words.
        provenance: anything worth knowing later that serialises to JSON (versions, seeds, settings).
        resume: go on after the last complete record of an earlier writer that was killed; see `written`. Its data set,
            canvas, licence and provenance must be the same.

    Leaving the block without an error finishes the store. Leaving it with one removes what was written, or keeps it for
    the next attempt where `resume` is set.

    Raises:
        FileExistsError: the folder holds something already.
        ValueError: another process writes this store; or with `resume`, an unfinished one of other settings lies there.
        OSError: the disk is full or cannot be written; no unfinished store is left without `resume`.
    """

    def __init__(
        self,
        folder: Path | str,
        height: int,
        width: int,
        dataset: str,
        licence: str = "unknown: research only",
        provenance: Mapping[str, Any] | None = None,
        resume: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.partial = partial_folder(self.folder)
        self.height, self.width, self.dataset, self.licence = height, width, dataset, licence
        self.provenance = dict(provenance or {})
        self.resume = resume
        self.names: list[str] = []
        self.people: list[str] = []
        self.splits: list[str] = []
        self.left_out: dict[LeftOut, None] = {}  # an ordered set
        self._index: dict[str, int] = {}
        self._layout = layout(height, width)
        self._fields: tuple[str, ...] = ()
        self._files: dict[str, BinaryIO] = {}
        self._finished = False
        self._lock = PathLock(self.partial, _WRITING)  # before anything is removed
        try:
            _require_free(self.folder)
            if not resume and self.partial.exists():
                shutil.rmtree(self.partial)
            try:
                self.partial.mkdir(parents=True, exist_ok=True)
                self._open_journal()
            except OSError as error:
                self._fail(error)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self._finished:
                self.finish()
        finally:
            if not self._finished:
                self._abandon()
            self._lock.release()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def written(self) -> Set[str]:
        """The names that are in already, also those of the attempt that is resumed."""
        return self._index.keys()

    def joints(self) -> Array:
        """The joints of every record so far, float32 (N, 18, 3), also of the attempt that is resumed."""
        file, shape, dtype = self._layout["keypoints"]
        path = self.partial / file
        values = np.fromfile(path, dtype) if path.exists() else np.zeros(0, dtype)
        return values.reshape(-1, *shape)

    def split_of(self, name: str) -> str | None:
        """The split of a picture that is in already, None for a name that is not."""
        index = self._index.get(name)
        return None if index is None else self.splits[index]

    def add(
        self,
        name: str,
        person: str,
        image: Array,
        keypoints: Array | Tensor,
        parsing: Array | None = None,
        mask: Array | None = None,
        iuv: Array | None = None,
        split: str = "train",
        depth: Array | None = None,
    ) -> None:
        """Add one record.

        Args:
            name: unique in the store.
            person: who it is; pairs are made of pictures of the same person.
            image: uint8 (H, W, 3).
            keypoints: (18, 3), x, y, visible; a missing joint is 0, 0, 0.
            parsing: uint8 (H, W), numbers of `repose.person.LABELS`, 0 to 20.
            mask: uint8 (H, W), 255 on the person.
            iuv: uint8 (H, W, 3): part 0 to 24, u * 255, v * 255.
            split: "train", "val", "test" or any word.
            depth: float16 (H, W), metres from the camera, 0 beside the person.

        Raises:
            ValueError: a field has the wrong shape, type or values, the name is taken, or the fields are not those of
                the first record.
            OSError: see the class.
        """
        if self._finished:
            raise ValueError(f"StoreWriter.add({name!r}): the store is finished")
        if name in self._index:
            raise ValueError(f"StoreWriter.add: the name {name!r} is taken already")
        _check_split(split)
        record = {"image": image, "keypoints": np.asarray(keypoints, dtype="<f4")}
        labels = {"parsing": parsing, "mask": mask, "iuv": iuv, "depth": depth}
        record |= {field: value for field, value in labels.items() if value is not None}
        self._check(name, record)
        try:
            if not self._files:
                self._open_fields(tuple(record))
            for field, value in record.items():
                planes = np.moveaxis(value, -1, 0) if field in ("image", "iuv") else value  # (3, H, W)
                self._files[field].write(np.ascontiguousarray(planes).data)
                self._files[field].flush()
            self._note({"name": name, "person": person, "split": split})
        except OSError as error:
            self._fail(error)
        self._remember(name, person, split)

    def leave_out(self, name: str, why: str, detail: str = "") -> None:
        """Report that `name` did not enter: `why` is the kind of reason and is counted, `detail` is not."""
        item = LeftOut(name, why, detail)
        if item in self.left_out:  # a resumed writer reads the same broken file again
            return
        try:
            self._note({"left_out": name, "why": why, "detail": detail})
        except OSError as error:
            self._fail(error)
        self.left_out[item] = None

    def finish(self, pairs: Mapping[str, Sequence[tuple[str, str]]] | None = None) -> Report:
        """Complete the store and move it to its place.

        Args:
            pairs: the listed pairs of names by split. A split without a list means all ordered pairs of one person.

        Raises:
            ValueError: there is no record, or a pair names a picture that is not in the store.
        """
        if not self.names:
            raise ValueError(f"{self.folder}: nothing to store, not one record was added")
        try:
            files = {self._layout[field][0]: self._fields_shape(field) for field in self._fields}
            listed: dict[str, int] = {}
            for split, names in (pairs or {}).items():
                table = self._pair_table(split, names)
                (self.partial / f"pairs-{split}.i64").write_bytes(table.tobytes())
                files[f"pairs-{split}.i64"] = list(table.shape)
                listed[split] = len(table)
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
                file.close()
            meta: dict[str, Any] = {
                "version": VERSION,
                "dataset": self.dataset,
                "licence": self.licence,
                "canvas": [self.height, self.width],
                "count": len(self.names),
                "fields": list(self._fields),
                "files": {
                    name: {"shape": shape, "sha256": sha256(self.partial / name)} for name, shape in files.items()
                },
                "pairs": listed,
                "provenance": self.provenance,
                "left_out": [[item.name, item.why, item.detail] for item in self.left_out],
                "names": self.names,
                "people": self.people,
                "splits": self.splits,
            }
            # beside what the checksum is of: a store has the checksum that it had before samples were written
            meta["samples"] = {name: samples_hash(self.partial / name) for name in files}
            meta["checksum"] = identity(meta)
            _write_synced(self.partial / "meta.json", json.dumps(meta, indent=None, ensure_ascii=False) + "\n")
            self._journal.close()
            self.partial.rename(self.folder)
            # last: killed before the rename, the next writer still finds every record
            (self.folder / "journal.jsonl").unlink(missing_ok=True)
        except OSError as error:
            self._fail(error)
        self._finished = True
        self._lock.release()
        return Store.open(self.folder).report

    # -- inside -------------------------------------------------------------------------------------------------

    def _check(self, name: str, record: dict[str, Array]) -> None:
        if self._fields and tuple(record) != self._fields:
            raise ValueError(f"{name}: has the fields {tuple(record)}, the records before have {self._fields}")
        for field, value in record.items():
            _, shape, dtype = self._layout[field]
            wanted = (*shape[1:], shape[0]) if field in ("image", "iuv") else shape
            if value.shape != wanted or value.dtype != dtype:
                raise ValueError(f"{name}: {field} must be {dtype} {wanted}, got {value.dtype} {value.shape}")
        xyv = record["keypoints"]
        if not np.isfinite(xyv).all() or xyv[:, 2].min() < 0 or xyv[:, 2].max() > 1:
            raise ValueError(f"{name}: keypoints must be finite with visible in [0, 1], got {xyv.tolist()}")
        if xyv[xyv[:, 2] == 0, :2].any():
            raise ValueError(f"{name}: a missing joint (visible 0) must have x = y = 0, got {xyv.tolist()}")
        depth = record.get("depth")
        if depth is not None and not (np.isfinite(depth).all() and depth.min() >= 0):
            raise ValueError(f"{name}: depth must be finite and not negative, 0 beside the person")

    def _remember(self, name: str, person: str, split: str) -> None:
        self._index[name] = len(self.names)
        self.names.append(name)
        self.people.append(person)
        self.splits.append(split)

    def _note(self, line: dict[str, Any]) -> None:
        self._journal.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
        self._journal.flush()

    def _open_fields(self, fields: tuple[str, ...]) -> None:
        if not self._fields:
            self._note({"fields": fields})
            self._fields = fields
        self._files = {field: (self.partial / self._layout[field][0]).open("ab") for field in self._fields}

    def _open_journal(self) -> None:
        """Start the journal, or read the one that is there and cut every file after the last complete record."""
        path = self.partial / "journal.jsonl"
        self._journal: BinaryIO = path.open("ab")
        head = {
            "version": VERSION, "dataset": self.dataset, "height": self.height, "width": self.width,
            "licence": self.licence, "provenance": self.provenance,
        }  # fmt: skip
        lines = path.read_bytes().split(b"\n")[:-1]  # after the last newline: a torn line
        self._journal.truncate(sum(len(line) + 1 for line in lines))
        if not lines:
            for file, _, _ in self._layout.values():  # records that no journal tells of
                (self.partial / file).unlink(missing_ok=True)
            self._note(head)
            return
        entries = [json.loads(line) for line in lines]
        differ = differences(entries[0], json.loads(json.dumps(head)))
        if differ:
            self._journal.close()
            raise ValueError(
                f"{self.partial} holds another store, begun with other settings: {'; '.join(differ)}. Give those to go "
                "on with it, or remove it, as --fresh does, to begin anew"
            )
        for entry in entries[1:]:
            if "fields" in entry:
                self._fields = tuple(entry["fields"])
            elif "left_out" in entry:
                self.left_out[LeftOut(entry["left_out"], entry["why"], entry["detail"])] = None
            else:
                self._remember(entry["name"], entry["person"], entry["split"])
        for field in self._fields:
            file, shape, dtype = self._layout[field]
            size = len(self.names) * int(np.prod(shape)) * dtype.itemsize
            with (self.partial / file).open("ab") as out:
                if out.tell() < size:
                    raise ValueError(f"{self.partial / file} is shorter than its journal says; remove {self.partial}")
                out.truncate(size)
        if self._fields:
            self._open_fields(self._fields)

    def _fields_shape(self, field: str) -> list[int]:
        return [len(self.names), *self._layout[field][1]]

    def _pair_table(self, split: str, names: Sequence[tuple[str, str]]) -> Array:
        _check_split(split)
        missing = sorted({name for pair in names for name in pair if name not in self._index})
        if missing:
            raise ValueError(
                f"pairs of split {split!r} name {len(missing)} pictures that are not in the store, e.g. {missing[0]!r}"
            )
        table = [(self._index[source], self._index[target]) for source, target in names]
        return np.array(table, dtype="<i8").reshape(-1, 2)

    def _close(self) -> None:
        for file in (*self._files.values(), self._journal):
            with contextlib.suppress(OSError):  # closing flushes, and a full disk complains a second time
                file.close()

    def _abandon(self) -> None:
        self._close()
        if not self.resume:
            shutil.rmtree(self.partial, ignore_errors=True)

    def _fail(self, error: OSError) -> NoReturn:
        if hasattr(self, "_journal"):
            self._abandon()
        self._lock.release()
        free = shutil.disk_usage(_existing(self.folder)).free / 2**20
        record = sum(int(np.prod(s)) * d.itemsize for f, (_, s, d) in self._layout.items() if f in self._fields)
        kept = f"{self.partial} is kept to resume from" if self.resume else "nothing is left behind"
        raise OSError(
            error.errno,
            f"{self.folder}: could not write the store after {len(self.names)} records ({error.strerror}); "
            f"{free:.0f} MiB are free and a record takes {record / 1024:.0f} KiB; {kept}. "
            "Make room or choose another folder",
        ) from error


# -- files ------------------------------------------------------------------------------------------------------


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.resolve().parents) if parent.exists())


def _require_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists already; remove it or choose another folder")


def _check_split(split: str) -> None:
    if not re.fullmatch(r"[a-z0-9_-]+", split):
        raise ValueError(f"split {split!r}: use lower-case letters, digits, - and _")
