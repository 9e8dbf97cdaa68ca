"""The layout of DeepFashion: what other readers find in it is what is in the store."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repose.data import Store, StoreWriter
from repose.data.deepfashion_layout import NAME, export_layout, layout_names
from repose.represent.pose_files import read_keypoints, read_pairs

HEIGHT, WIDTH = 48, 32


def joints(view: str, random: np.random.Generator) -> np.ndarray:
    """Joints as they are seen from the front, the back or the side."""
    xyv = np.c_[random.uniform(3, WIDTH - 3, 18), random.uniform(3, HEIGHT - 3, 18), np.ones(18)].astype(np.float32)
    right, left = {"front": (8, 24), "full": (8, 24), "back": (24, 8), "side": (15, 16)}.get(view, (8, 24))
    xyv[2, 0], xyv[5, 0] = right, left
    if view == "front":
        xyv[10] = 0
    if view == "additional":
        xyv[2] = 0
    return xyv


VIEWS = ("front", "back", "side", "full", "additional")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("layout") / "store"
    random = np.random.default_rng(0)
    people = {"p000012": (6, "train"), "p000013": (12, "train"), "p900007": (7, "test"), "anna": (5, "test")}
    with StoreWriter(folder, HEIGHT, WIDTH, "made") as writer:
        for person, (worn, split) in people.items():
            for number, view in enumerate(VIEWS):
                smooth = np.linspace(0, 255, HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3)
                parsing = random.integers(0, 20, (HEIGHT, WIDTH), dtype=np.uint8)
                parsing[8:40] = worn
                iuv = random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
                iuv[..., 0] %= 25
                writer.add(
                    f"{person}_{number}", person, smooth.astype(np.uint8), joints(view, random), parsing,
                    np.where(parsing > 0, np.uint8(255), np.uint8(0)), iuv, split,
                    depth=random.uniform(0, 20, (HEIGHT, WIDTH)).astype(np.float16),
                )  # fmt: skip
        writer.finish({"test": [("p900007_0", "p900007_1"), ("anna_2", "anna_0")]})
    return Store.open(folder)


@pytest.fixture(scope="module")
def out(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layout") / "out"
    calls: list[tuple[int, int]] = []
    assert export_layout(store, folder, progress=lambda done, total: calls.append((done, total))) == {
        "train": 10, "test": 10,
    }  # fmt: skip
    assert calls == [(done, 20) for done in range(1, 21)]
    return folder


def test_the_names(store: Store) -> None:
    names, _ = layout_names(store)
    assert len(set(names)) == len(names)
    assert names[:3] == [
        "fashionWOMENDressesid0000001201_1front.jpg", "fashionWOMENDressesid0000001201_2back.jpg",
        "fashionWOMENDressesid0000001201_3side.jpg",
    ]  # fmt: skip
    assert [NAME.fullmatch(name)["view"] for name in names] == list(VIEWS) * 4  # type: ignore[index]
    assert names[5].startswith("fashionWOMENSkirtsid00000013")
    assert names[10].startswith("fashionMENJackets_Vestsid00900007")
    assert names[15].startswith("fashionWOMENTees_Tanksid00000000"), "a name without a number"


def test_names_follow_those_of_deepfashion(shared: Path) -> None:
    lists = shared / "deepfashion"
    if not lists.is_dir():
        pytest.skip("the file lists of DeepFashion are not here")
    for name in (lists / "test.lst").read_text().split():
        assert NAME.fullmatch(name), name


def test_keypoints_and_pairs_come_back(store: Store, out: Path) -> None:
    names, _ = layout_names(store)
    for split in ("train", "test"):
        rows = store.split(split).tolist()
        assert (out / f"{split}.lst").read_text().split() == [names[row] for row in rows]
        read = read_keypoints(out / f"fasion-resize-annotation-{split}.csv")
        assert list(read) == [names[row] for row in rows]
        wanted = store.person(rows, ["keypoints"]).keypoints
        assert torch.allclose(torch.stack(list(read.values())), wanted, rtol=0, atol=6e-4)
        pairs = [(names[source], names[target]) for source, target in store.pairs(split).tolist()]
        assert read_pairs(out / f"fasion-resize-pairs-{split}.csv") == pairs
        assert sorted(path.name for path in (out / split).iterdir()) == sorted(names[row] for row in rows)
    text = (out / "fasion-resize-annotation-train.csv").read_text()
    assert text.startswith("name:keypoints_y:keypoints_x\n")
    assert re.search(r", -1[,\]]", text)
    assert (out / "fasion-resize-pairs-test.csv").read_text().startswith("from,to\n")


def test_labels_come_back(store: Store, out: Path) -> None:
    names, _ = layout_names(store)
    for row in (0, 7, 19):
        stem, split = names[row][:-4], store.splits[row]
        person = store.person([row])[0]
        with Image.open(out / "parsing" / split / f"{stem}.png") as labels:
            assert labels.mode == "P"
            assert np.array_equal(np.asarray(labels), person.parsing.numpy())
        iuv = np.asarray(Image.open(out / "iuv" / split / f"{stem}_IUV.png"))[..., ::-1]  # as cv2 reads it
        assert np.array_equal(iuv[..., 0], person.iuv[0].numpy())
        assert np.array_equal(iuv[..., 1:], (person.iuv[1:] * 255).round().permute(1, 2, 0).numpy())
        assert np.array_equal(
            np.asarray(Image.open(out / "mask" / split / f"{stem}.png")), person.mask[0].numpy() * 255
        )
        depth = np.asarray(Image.open(out / "depth" / split / f"{stem}.png"))
        assert depth.dtype == np.uint16
        assert np.abs(depth / 1000 - person.depth[0].numpy()).max() < 0.00051
        picture = np.asarray(Image.open(out / split / names[row])).astype(float)
        assert np.abs(picture - ((person.image + 1) * 127.5).permute(1, 2, 0).numpy()).mean() < 4


def test_png_loses_nothing(store: Store, tmp_path: Path) -> None:
    export_layout(store, tmp_path / "out", png=True)
    names, _ = layout_names(store, ".png")
    picture = np.asarray(Image.open(tmp_path / "out" / "test" / names[12]))
    assert np.array_equal(picture, ((store.person([12]).image[0] + 1) * 127.5).round().permute(1, 2, 0).numpy())


def test_a_store_of_photographs(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made") as writer:
        for number in range(2):
            image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            writer.add(f"0002_c{number}.jpg", "0002", image, np.zeros((18, 3), np.float32))
    export_layout(Store.open(tmp_path / "s"), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "fasion-resize-annotation-train.csv", "fasion-resize-pairs-train.csv", "names.csv", "train", "train.lst",
    ]  # fmt: skip
    assert (tmp_path / "out" / "names.csv").read_text().split()[1] == (
        "fashionWOMENTees_Tanksid0000000201_1additional.jpg,0002_c0.jpg,0002,train"
    )


def test_an_existing_folder_is_not_touched(
    store: Store, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileExistsError, match="exists already"):
        export_layout(store, out)

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        export_layout(store, tmp_path / "full")
    assert list(tmp_path.iterdir()) == []
