"""Folders of DeepFashion, as PATN, GFLA and NTED prepare it and as it is fetched, made of the pictures of any store."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from repose.data import Store
from repose.data.deepfashion.names import original
from repose.represent.canvas import to_uint8
from repose.represent.parsing import PINET_LABELS, TO_PINET, relabel

Kind = Literal["patn", "gfla", "img", "img_highres"]
HIGH = (1101, 750)
Names = Mapping[str, Mapping[str, int]]
"""Split -> name in DeepFashion -> number of the picture in the store."""


def names_for(store: Store, real: Mapping[str, Sequence[str]]) -> dict[str, dict[str, int]]:
    """Real names for the people of the splits "train" and "test": those of one outfit for one person."""
    named: dict[str, dict[str, int]] = {}
    for split, names in real.items():
        outfits: dict[str, list[str]] = {}
        for name in sorted(names):
            outfits.setdefault(name.partition("_")[0] + name.partition("id")[2].partition("_")[0], []).append(name)
        wanted: dict[str, list[int]] = {}
        for row in store.split(split).tolist():
            wanted.setdefault(store.people[row], []).append(row)
        free = sorted(outfits.values(), key=len, reverse=True)
        named[split] = {}
        for rows, outfit in zip(wanted.values(), free, strict=False):
            named[split] |= dict(zip(outfit, rows, strict=False))
    return named


def write_folder(
    folder: Path, store: Store, names: Names, kind: Kind, maps: bool = False, packed: bool = False
) -> Path:
    """Write one layout: pictures, lists, joints, pairs; maps with PINet's labels and DensePose's files.

    Args:
        packed: the tree of pictures as a zip file.
    """
    folder.mkdir(parents=True)
    for split, rows in names.items():
        (folder / f"{split}.lst").write_text("".join(f"{name}\n" for name in rows))
        people = {name: store.person([row])[0] for name, row in rows.items()}
        shift = 40 if kind == "img" else 0
        word = "annotation" if kind == "img" else "resize-annotation"
        with (folder / f"fasion-{word}-{split}.csv").open("w") as file:
            file.write("name:keypoints_y:keypoints_x\n")
            for name, person in people.items():
                joints = person.keypoints
                assert joints is not None
                seen = joints[:, 2] > 0
                x, y = (torch.where(seen, joints[:, k].round() + (shift, 0)[k], -1).int().tolist() for k in (0, 1))
                file.write(f"{name}: {y}: {x}\n")
        outfits: dict[str, list[str]] = {}
        for name in rows:
            outfits.setdefault(name.rpartition("_")[0], []).append(name)
        pairs = [pair for outfit in outfits.values() for pair in permutations(outfit, 2)]
        if kind == "img_highres":
            lines = [f"img/{original(target)},img/{original(source)}\n" for source, target in pairs]
            (folder / f"{split}_pairs.txt").write_text("".join(lines))
        else:
            text = "from,to\n" + "".join(f"{source},{target}\n" for source, target in pairs)
            (folder / f"fasion-{'' if kind == 'img' else 'resize-'}pairs-{split}.csv").write_text(text)
        for name, person in people.items():
            assert person.image is not None
            place = folder / split / name if kind in ("patn", "gfla") else folder / kind / original(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(to_uint8(person.image))
            if kind == "img":
                square = Image.new("RGB", (256, 256), "white")
                square.paste(picture, (40, 0))
                picture = square
            elif kind != "patn":
                picture = picture.resize((HIGH[1], HIGH[0]), Image.Resampling.BICUBIC)
            picture.save(place, quality=95)
            if maps:
                stem = name.removesuffix(".jpg")
                assert person.parsing is not None
                assert person.iuv is not None
                for part in (f"{split}SPL8", f"iuv/{split}"):
                    (folder / part).mkdir(parents=True, exist_ok=True)
                labels = relabel(person.parsing, TO_PINET, PINET_LABELS).numpy().astype(np.uint8)
                Image.fromarray(labels).save(folder / f"{split}SPL8" / f"{stem}.png")
                part, u, v = person.iuv.numpy()
                planes = np.rint(np.stack([v * 255, u * 255, part], axis=-1)).astype(np.uint8)
                Image.fromarray(planes).save(folder / "iuv" / split / f"{stem}_IUV.png")
    if packed:
        with zipfile.ZipFile(folder / f"{kind}.zip", "w") as archive:
            for path in sorted((folder / kind).rglob("*.jpg")):
                archive.write(path, f"{kind}/{path.relative_to(folder / kind).as_posix()}")
                path.unlink()
        for path in sorted((folder / kind).rglob("*"), reverse=True):
            path.rmdir()
        (folder / kind).rmdir()
    return folder
