"""Market-1501 (Zheng et al. 2015) in its original layout, with joints and pairs of PATN (Zhu et al. 2019) -> a store.

```
FOLDER/
  bounding_box_train/  or bounding_box_train.zip     0002_c1s1_000451_03.jpg: person 0002, camera 1
  bounding_box_test/   or bounding_box_test.zip
  market-annotation-train.csv  market-annotation-test.csv     name:keypoints_y:keypoints_x
  market-pairs-test.csv                                       from,to
  market-pairs-train.csv                                      from,to, where it is there
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from torch import Tensor

from repose.data.datasets import DataSet, ProgressFunction, Setting
from repose.data.packing import Packer, Refused
from repose.data.photographs import (
    ENDINGS,
    Read,
    bad_row,
    decode,
    drawn_pairs,
    files_of,
    held_out,
    listed_pairs,
    located_pairs,
)
from repose.data.store import Report, StoreWriter, remove_partial
from repose.represent.pose_files import FormatError, read_keypoints, read_pairs

HEIGHT: Final = 128
WIDTH: Final = 64
TRAINING_LIST: Final = "market-pairs-train.csv"
LICENCE: Final = "Market-1501: gathered for research on person re-identification, no licence stated; research only"


@dataclass(frozen=True)
class Market1501:
    """Settings of `prepare_market1501`."""

    folder: Annotated[Path, Setting("The folder of Market-1501 in its original layout, with the CSV files of PATN.")]
    validation: Annotated[int, Setting("How many of the training people are held out for validation.", least=0)] = 30
    seed: Annotated[int, Setting("Of the draw of these people and of their pairs.")] = 0
    all_pairs: Annotated[
        bool,
        Setting("Training pairs also of photographs in which a hip or a shoulder is not located.", flag="--all-pairs"),
    ] = False


def prepare_market1501(
    settings: Market1501, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report:
    """Pack Market-1501 into the store `out`, with splits "train", "val" (training people held out) and "test".

    Training pairs are those of `market-pairs-train.csv`; where it is missing, all ordered pairs of one person among the
    photographs in which both hips and both shoulders are located, the rule of PATN's released tool
    (`tool/create_pairs_dataset.py`). "val" has a fixed list of at most 1,000 drawn by the seed, on every machine the
    same; the pairs of "test" come from the CSV. A photograph that is not 64x128 is left out, because its joints belong
    to another size. Arguments and further errors as of `repose.data.datasets.Prepare`.

    Raises:
        FileNotFoundError: a part of the layout is missing.
        ValueError: a CSV or zip cannot be read at all, or too few people are left to train on.
    """
    folder = Path(settings.folder)
    parts = {split: _read_part(folder, split) for split in ("train", "test")}
    bad_pairs: list[FormatError] = []
    test_pairs = read_pairs(_require(folder, "market-pairs-test.csv"), on_error=bad_pairs.append)
    train_pairs = _training_list(folder, settings, bad_pairs)
    train = parts["train"]
    people = {_person(name) for name in train.photographs if name in train.joints}
    validation = held_out(people, settings.validation, settings.seed)
    provenance: dict[str, Any] = {"seed": settings.seed, "validation_people": settings.validation}
    if not settings.all_pairs:  # a store of all pairs stays, byte for byte, what it was before there was a choice
        provenance["training_pairs"] = "hips and shoulders located" if train_pairs is None else TRAINING_LIST
    if fresh:
        remove_partial(out)
    with StoreWriter(out, HEIGHT, WIDTH, "market1501", LICENCE, provenance, resume=True) as writer:
        packer = Packer(writer, sum(len(part.photographs) for part in parts.values()), progress)
        for split, part in parts.items():
            for name, why, detail in part.problems:
                writer.leave_out(name, why, detail)
            for name in sorted(part.photographs):
                person = _person(name)
                packer.add(name, person, "val" if person in validation else split, partial(part.read, name))
            for name in sorted(part.joints.keys() - part.photographs.keys()):
                writer.leave_out(name, "row without a photograph", f"in market-annotation-{split}.csv")
        for error in bad_pairs:
            writer.leave_out(*bad_row(error))
        pairs = {"test": listed_pairs(test_pairs, writer, "test")}
        if train_pairs is not None:
            kept = [pair for pair in train_pairs if validation.isdisjoint(map(_person, pair))]
            pairs["train"] = listed_pairs(kept, writer, "train")
        elif not settings.all_pairs:
            pairs["train"] = located_pairs(writer, "train")
        if settings.validation:
            pairs["val"] = drawn_pairs(writer, settings.seed)
        return writer.finish(pairs)


MARKET1501: Final = DataSet(
    Market1501,
    prepare_market1501,
    about="Photographs of 1,501 pedestrians, 128x64, with the joints and the test pairs of PATN. What cannot be used "
    "is skipped, and listed with the reason in meta.json.",
    title=lambda settings: "market1501",
    examples=("market1501 Market-1501-v15.09.15 -o data/market1501",),
)


@dataclass(frozen=True)
class _Part:
    """One folder of photographs: a function that reads each, by name, and the joints of its CSV."""

    photographs: Mapping[str, Read]
    joints: Mapping[str, Tensor]
    problems: list[tuple[str, str, str]]

    def read(self, name: str) -> dict[str, Any]:
        """Photograph and joints of a name; Refused says why it may not enter."""
        if Path(name).suffix.lower() not in ENDINGS:
            raise Refused("not a photograph", f"a {Path(name).suffix or 'nameless'} file")
        if name.startswith(("-1", "0000")):
            raise Refused("junk person", "ids -1 and 0000 are the data set's distractors")
        if not re.match(r"\d{4}_", name):
            raise Refused("no person in its name", "a name begins with four digits")
        if name not in self.joints:
            raise Refused("photograph without a row", "no joints in the CSV")
        return {"image": decode(self.photographs[name], (HEIGHT, WIDTH)), "keypoints": self.joints[name]}


def _read_part(folder: Path, split: str) -> _Part:
    problems: list[tuple[str, str, str]] = []
    csv = _require(folder, f"market-annotation-{split}.csv")
    joints = read_keypoints(csv, on_error=lambda error: problems.append(bad_row(error)))
    photographs: dict[str, Read] = {}
    for path, read in files_of(folder, f"bounding_box_{split}", "Market-1501 in its original layout"):
        name = path.name
        if name in photographs:
            problems.append((name, "duplicate name", f"twice in bounding_box_{split}, the first one is used"))
        else:
            photographs[name] = read
    return _Part(photographs, joints, problems)


def _require(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: Market-1501 needs {name} beside its photographs (the annotation files of PATN)"
        )
    return path


def _person(name: str) -> str:
    return name[:4]


def _training_list(folder: Path, settings: Market1501, bad_pairs: list[FormatError]) -> list[tuple[str, str]] | None:
    path = folder / TRAINING_LIST
    if settings.all_pairs or not path.is_file():
        return None
    return read_pairs(path, on_error=bad_pairs.append)
