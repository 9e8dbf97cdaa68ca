"""A store in the layout of DeepFashion as the repositories of the field read it, so that their code can be tried on it.

```
OUT/
  train/fashionWOMENDressesid0000001201_1front.jpg     DeepFashion's names: here person 12, picture 1
  test/...                                             one folder a split; `val` too, where the store has it
  train.lst  test.lst                                  the names of the pictures
  fasion-resize-annotation-train.csv  ...-test.csv     name:keypoints_y:keypoints_x, -1 where missing (their spelling)
  fasion-resize-pairs-train.csv  ...-test.csv          from,to
  parsing/train/NAME.png                               palette PNG of LIP's 20 labels, 20: neck (where the store has it)
  iuv/train/NAME_IUV.png                               DensePose: `cv2.imread` gives part, u * 255, v * 255  (likewise)
  mask/train/NAME.png                                  0 or 255                                              (likewise)
  depth/train/NAME.png                                 16 bits, millimetres from the camera, 0 without a person
  names.csv                                            name,original,person,split: who is who in the store
```

In `img/WOMEN/Dresses/id_00000012/01_1_front.jpg`, which DeepFashion's users flatten to the name above, 00000012 is the
item, 01 its colour, 1 and front the view. All pictures of one person share item and colour; the first digit of the view
counts the pictures. Department and kind follow what is worn, as far as the parsing tells, and say nothing else about
the person.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from repose.data.deepfashion.names import NAME
from repose.data.store import Store
from repose.images import write_picture
from repose.person import JOINTS, LIP_LABELS
from repose.represent.label_colours import COLOURS
from repose.represent.pose_files import write_keypoints

QUALITY: Final = 95
"""Of the JPEG files."""

_KINDS: Final = (  # the first whose label covers enough of a person's pictures
    ("dress", "WOMEN", "Dresses"),
    ("jumpsuits", "WOMEN", "Rompers_Jumpsuits"),
    ("skirt", "WOMEN", "Skirts"),
    ("coat", "", "Jackets_Vests"),
    ("upper clothes", "", "Tees_Tanks"),
    ("pants", "", "Pants"),
)
_WORN: Final = 0.08  # share of the person's pixels
_RIGHT, _LEFT = JOINTS.index("right_shoulder"), JOINTS.index("left_shoulder")
_ANKLES: Final = (JOINTS.index("right_ankle"), JOINTS.index("left_ankle"))
_NOSE: Final = JOINTS.index("nose")
_BATCH: Final = 64

__all__ = ["LABEL_COLORS", "NAME", "QUALITY", "export_layout", "layout_names"]

LABEL_COLORS: Final = COLOURS["Repose"]
"""What labels look like where they are shown; readers see the numbers."""


def export_layout(
    store: Store, out: Path | str, png: bool = False, progress: Callable[[int, int], None] | None = None
) -> dict[str, int]:
    """Write a store in the layout of DeepFashion, see the module's text.

    Any store will do; nothing is rendered. The CSVs do not hold whether a joint is occluded.

    Args:
        store: what to write. out: the folder to make; it appears when all is written.
        png: pictures without loss in place of JPEG of quality 95.
        progress: called with (pictures done, pictures in all).

    Returns:
        pictures of each split.

    Raises:
        FileExistsError: `out` holds something already.
        OSError: the disk is full or cannot be written; nothing is left behind.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists already; remove it or choose another folder")
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    names, joints = layout_names(store, ".png" if png else ".jpg")
    try:
        _write_pictures(store, partial, names, progress)
        for split in dict.fromkeys(store.splits):
            rows = store.split(split).tolist()
            (partial / f"{split}.lst").write_text("".join(f"{names[row]}\n" for row in rows), encoding="utf-8")
            write_keypoints(
                partial / f"fasion-resize-annotation-{split}.csv", {names[row]: joints[row] for row in rows}, "patn"
            )
            pairs = [(names[source], names[target]) for source, target in store.pairs(split).tolist()]
            _write_csv(partial / f"fasion-resize-pairs-{split}.csv", [("from", "to"), *pairs])
        facts = zip(names, store.names, store.people, store.splits, strict=True)
        _write_csv(partial / "names.csv", [("name", "original", "person", "split"), *facts])
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return {split: store.splits.count(split) for split in dict.fromkeys(store.splits)}


def layout_names(store: Store, ending: str = ".jpg") -> tuple[list[str], Tensor]:
    """The name of every picture in the layout, unique, and their joints (N, 18, 3)."""
    joints = torch.cat(
        [
            _given(store.person(torch.arange(at, min(at + 4096, len(store))), ["keypoints"]).keypoints)
            for at in range(0, len(store), 4096)
        ]
    )
    rows: dict[str, list[int]] = {}
    for row, person in enumerate(store.people):
        rows.setdefault(person, []).append(row)
    taken: set[int] = set()
    names = [""] * len(store)
    for person, mine in rows.items():
        item = _item(person, taken)
        department, kind = _garment(store, mine, item)
        for number, row in enumerate(mine, start=1):
            names[row] = f"fashion{department}{kind}id{item:08d}01_{number}{_view(joints[row], store.size)}{ending}"
    return names, joints


# -- inside -------------------------------------------------------------------------------------------------------


def _item(person: str, taken: set[int]) -> int:
    """The number in a person's name, or the next free one where it has none or another person has it."""
    digits = re.sub(r"\D", "", person)
    item = int(digits) if digits and len(digits) <= 8 else 0
    while item in taken:
        item += 1
    taken.add(item)
    return item


def _garment(store: Store, rows: list[int], item: int) -> tuple[str, str]:
    """Department and kind of what a person wears."""
    either = ("WOMEN", "MEN")[item % 2]  # things that both departments sell
    if "parsing" not in store.fields:
        return either, "Tees_Tanks"
    counts = np.bincount(_given(store.person(rows[:8], ["parsing"]).parsing).flatten().numpy(), minlength=20)
    for label, department, kind in _KINDS:
        if counts[LIP_LABELS.index(label)] > _WORN * max(1, counts[1:].sum()):
            return department or either, kind
    return either, "Tees_Tanks"


def _view(joints: Tensor, size: tuple[int, int]) -> str:
    """The view's word, by the joints: shoulders wide apart and the left one to the right is the front."""
    located = joints[:, 2] > 0
    if not (located[_RIGHT] and located[_LEFT]):
        return "additional"
    across = float(joints[_LEFT, 0] - joints[_RIGHT, 0]) / size[1]
    if abs(across) < 0.12:
        return "side"
    if across < 0:
        return "back"
    return "full" if bool(located[list(_ANKLES)].all() and located[_NOSE]) else "front"


def _write_pictures(store: Store, folder: Path, names: list[str], progress: Callable[[int, int], None] | None) -> None:
    fields = [field for field in store.fields if field != "keypoints"]
    for split in dict.fromkeys(store.splits):
        for part in ("", *(field for field in fields if field != "image")):
            (folder / part / split).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:  # encoding releases the GIL
        for at in range(0, len(store), _BATCH):
            rows = range(at, min(at + _BATCH, len(store)))
            people = store.person(list(rows), fields)
            arrays = {field: _given(getattr(people, field)).numpy() for field in fields}
            done = threads.map(
                lambda row, at=at, arrays=arrays: _write_picture(
                    folder, store.splits[row], names[row], {field: value[row - at] for field, value in arrays.items()}
                ),
                rows,
            )
            for row, _ in zip(rows, done, strict=True):
                if progress is not None:
                    progress(row + 1, len(store))


def _write_picture(folder: Path, split: str, name: str, fields: Mapping[str, NDArray[Any]]) -> None:
    stem = name.rpartition(".")[0]
    image = np.rint((np.moveaxis(fields["image"], 0, -1) + 1) * 127.5).astype(np.uint8)
    quality = {} if name.endswith(".png") else {"quality": QUALITY}
    write_picture(folder / split / name, Image.fromarray(image), **quality)
    if "parsing" in fields:
        labels = Image.fromarray(fields["parsing"].astype(np.uint8), mode="P")
        labels.putpalette([value for color in LABEL_COLORS for value in color])
        write_picture(folder / "parsing" / split / f"{stem}.png", labels)
    if "iuv" in fields:
        part, u, v = fields["iuv"]
        planes = np.rint(np.stack([v * 255, u * 255, part], axis=-1)).astype(np.uint8)  # cv2 reads B, G, R: part, u, v
        write_picture(folder / "iuv" / split / f"{stem}_IUV.png", Image.fromarray(planes))
    if "mask" in fields:
        shares = np.rint(fields["mask"][0] * 255).astype(np.uint8)
        write_picture(folder / "mask" / split / f"{stem}.png", Image.fromarray(shares))
    if "depth" in fields:
        millimetres = np.rint(fields["depth"][0] * 1000).clip(0, 65535).astype(np.uint16)
        write_picture(folder / "depth" / split / f"{stem}.png", Image.fromarray(millimetres))


def _write_csv(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _given(value: Tensor | None) -> Tensor:
    assert value is not None  # it was asked for by name
    return value
