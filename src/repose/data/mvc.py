"""MVC (Liu et al. 2016), four views of each piece of clothing -> a store, as Dense Pose Transfer uses it.

```
FOLDER/
  image_links.json       [{"image_url_4x": "http://.../2947499-p-4x.jpg", ...}, ...], 161,260 entries
  mvc_info.json          [{"productId": ..., "viewId": 0, "image_url_4x": ..., ...}, ...], in the same order
  attribute_labels.json  [{"filename": ..., "itemN": ..., ...}, ...], in the same order
  any/where/2947499-p-4x.jpg  2947499-1-4x.jpg ...    1920x2240, as they were fetched from the links, or FILENAME.jpg
```

The authors publish these lists and no photographs; of the links many are dead today. A list is used where it is there;
without any, the file names alone say which item a photograph is of. The views of one item show one model, so an item is
a person of the store.

Dense Pose Transfer, Appendix C, brings the photographs to 256x256 and measures 14,924 test pairs. Neither the list of
them nor the way of scaling is published: here the photograph keeps its proportions and gets white columns on either
side, and pairs are drawn by the seed from the items held out for the test.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np

from repose.data.datasets import DataSet, ProgressFunction, Setting
from repose.data.packing import Packer
from repose.data.photographs import resized
from repose.data.records import Framing, JointEstimator, read_photograph
from repose.data.splits import pair_lists, split_people
from repose.data.store import Report, StoreWriter, remove_partial
from repose.images import PICTURES
from repose.person import Person

LICENCE: Final = "MVC: photographs of online shops, no licence stated; research only"
LISTS: Final = ("image_links.json", "mvc_info.json", "attribute_labels.json")
TEST_PAIRS: Final = 14_924
"""Of the paper."""

TEST_ITEMS: Final = 1_244
"""With four views each they have 14,928 ordered pairs, the fewest that give the paper's number."""

_NAME: Final = re.compile(r"(?P<item>\d+)-(?P<view>[a-z0-9]+)(?:-[a-z0-9]+)?", re.IGNORECASE)
"""Of a photograph, without its ending: item, view and size."""


@dataclass(frozen=True)
class MVC:
    """Settings of `prepare_mvc`."""

    folder: Annotated[Path, Setting("Of the photographs and, where they are at hand, of the three lists (JSON).")]
    size: Annotated[tuple[int, int], Setting("Of the store; the photograph keeps its proportions, on white.")] = (
        256,
        256,
    )
    pose: Annotated[str, Setting("The estimator of key points.")] = "movenet"
    fields: Annotated[str, Setting("Estimated in addition: mask, parsing, iuv, with commas between.")] = ""
    validation: Annotated[int | None, Setting("Items for validation; by default as many as for the test.", least=0)] = (
        None
    )
    test: Annotated[
        int | None, Setting(f"Items for the test; by default {TEST_ITEMS:,}, or a tenth where that is less.", least=0)
    ] = None
    pairs: Annotated[int, Setting("Pairs in the list of the test (and of validation), at most.", least=1)] = TEST_PAIRS
    seed: Annotated[int, Setting("Of the draw of items and pairs.")] = 0


def prepare_mvc(settings: MVC, out: Path, progress: ProgressFunction | None = None, fresh: bool = False) -> Report:
    """Pack MVC into the store `out`; arguments and more errors: `repose.data.datasets.Prepare`.

    Training pairs are all ordered pairs of one item; "val" and "test" have lists, drawn by the seed. A photograph
    without a located person (shoes, bags, close views) is left out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a list is damaged, there are no photographs, or a setting is wrong.
    """
    folder = Path(settings.folder)
    framing = Framing.parsed(settings.size, settings.fields)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give the folder of MVC's photographs and lists")
    listed = _listed(folder)
    photographs, problems = _photographs(folder, listed)
    if not photographs:
        raise ValueError(
            f"{folder} holds no photographs of MVC: they are called as in image_links.json (2947499-p-4x.jpg), or as "
            "in attribute_labels.json (FILENAME.jpg)"
        )
    items = {one.item for one in photographs}
    test = min(TEST_ITEMS, len(items) // 10) if settings.test is None else settings.test
    validation = test if settings.validation is None else settings.validation
    splits = split_people(items, validation, test, settings.seed)
    joints = JointEstimator(settings.pose)
    provenance = {
        "test": test,
        "validation": validation,
        "pairs": settings.pairs,
        "seed": settings.seed,
        "keypoints": joints.network.name,
        "scaling": "proportions kept, bicubic, on white",
        **framing.facts(),
    }
    if fresh:
        remove_partial(out)
    with StoreWriter(out, *settings.size, "mvc", LICENCE, provenance, resume=True) as writer:
        packer = Packer(writer, len(photographs), progress)
        for problem in problems:
            writer.leave_out(*problem)
        for one in photographs:
            packer.add(one.path.name, one.item, splits[one.item], partial(_read, one.path, joints, framing))
        return writer.finish(pair_lists(writer, settings.seed, settings.pairs))


MVC_DATA_SET: Final = DataSet(
    MVC,
    prepare_mvc,
    about="MVC: front, left, right and back view of pieces of clothing, 1920x2240, brought to 256x256 with white "
    "columns for the protocol dpt-mvc@1. FOLDER holds the photographs, called as in the links (2947499-p-4x.jpg), in "
    "any subfolders, and, where you have them, the published lists image_links.json, mvc_info.json and "
    "attribute_labels.json.\n\n"
    "The 14,924 test pairs of Dense Pose Transfer are not published: as many are drawn by --seed, so numbers do not "
    "compare pair by pair. Key points are estimated; what shows nobody is left out, and meta.json says why.",
    title=lambda settings: "mvc",
    examples=("mvc MVC -o data/mvc", "mvc MVC --fields iuv -o data/mvc-iuv"),
)


# -- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Photograph:
    path: Path
    item: str


_Row = tuple[tuple[str, ...], str]
"""The stems that a photograph's file may have, and its item."""


def _listed(folder: Path) -> list[_Row]:
    """Every photograph that the lists name; empty without lists."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for name in LISTS:
        path = folder / name
        if not path.is_file():
            continue
        try:
            entries[name] = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(entries[name], list) or not all(isinstance(one, dict) for one in entries[name]):
                raise ValueError("a list of objects is expected")
        except ValueError as error:
            raise ValueError(f"{path} is damaged ({error}); get it again") from error
    lengths = {name: len(rows) for name, rows in entries.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {count:,}" for name, count in lengths.items())
        raise ValueError(f"{folder}: the lists belong together line by line, but their lengths differ: {counts}")
    listed: list[_Row] = []
    for rows in zip(*entries.values(), strict=True):
        row = {key: value for one in rows for key, value in one.items()}
        names = [str(row[key]) for key in ("image_url_4x", "filename") if row.get(key)]
        stems = [Path(name.rpartition("/")[2]).stem if "/" in name else name.removesuffix(".jpg") for name in names]
        item = row.get("itemN")
        match = next((found for stem in stems if (found := _NAME.fullmatch(stem))), None)
        own = str(item) if item is not None else match["item"] if match else None
        if stems and own is not None:
            listed.append((tuple(dict.fromkeys(stems)), own.removesuffix(".0")))
    return listed


def _photographs(folder: Path, listed: list[_Row]) -> tuple[list[_Photograph], list[tuple[str, str, str]]]:
    """Every photograph of the folder that has an item, by name; the others as `StoreWriter.leave_out` takes them."""
    found: dict[str, _Photograph] = {}
    problems: list[tuple[str, str, str]] = []
    items = {stem: item for stems, item in listed for stem in stems}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURES or path.name.startswith("."):
            continue
        match = _NAME.fullmatch(path.stem)
        item = items.get(path.stem) or (match["item"] if match and not listed else None)
        if path.stem in found:
            problems.append((path.name, "duplicate name", f"as {found[path.stem].path.name} in another folder"))
        elif item is None:
            problems.append((path.name, "of no item", "not in the lists" if listed else "not called ITEM-VIEW-4x"))
        else:
            found[path.stem] = _Photograph(path, item)
    for stems, _ in listed:
        if not any(stem in found for stem in stems):
            problems.append((stems[0], "listed without a photograph", "its link may be dead"))
    return [found[stem] for stem in sorted(found)], problems


def _read(path: Path, joints: JointEstimator, framing: Framing) -> dict[str, Any]:
    """The whole photograph with its proportions, in the middle of the store's canvas, on white."""
    pixels = read_photograph(path)
    keypoints = joints.of(pixels)
    (height, width), (rows, columns) = pixels.shape[:2], framing.size
    scale = min(rows / height, columns / width)
    small = resized(pixels, (max(1, round(height * scale)), max(1, round(width * scale))))
    top, left = (rows - small.shape[0]) // 2, (columns - small.shape[1]) // 2
    picture = np.full((rows, columns, 3), 255, np.uint8)
    picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    moved = Person(keypoints=keypoints, size=(height, width)).resize(small.shape[0], small.shape[1])
    moved = moved.pad(left, top, columns - left - small.shape[1], rows - top - small.shape[0])
    assert moved.keypoints is not None
    return framing.record(picture, moved.keypoints, box=(0, 0, rows, columns))
