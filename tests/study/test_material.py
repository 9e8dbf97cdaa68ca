"""What goes into a study, and that anything wrong with it is named."""

import io
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repose.study import MaterialError, StudyProtocol, prepare
from repose.study.material import png
from tests.study import pictures

REALISM = StudyProtocol("small", 1, "realism", (1.0,), pool=5, shown=3, practice=2)
POSE = StudyProtocol("small-pose", 1, "pose", (1.0,), pool=4, shown=4, practice=1, practice_from="first")
PREFERENCE = StudyProtocol("small-preference", 1, "preference", (None,), pool=6, shown=4, practice=2)


def rows(path: Path) -> list[sqlite3.Row]:
    file = sqlite3.connect(path)
    file.row_factory = sqlite3.Row
    try:
        return file.execute("SELECT * FROM pictures ORDER BY id").fetchall()
    finally:
        file.close()


def test_no_file_tells_real_from_generated(tmp_path: Path) -> None:
    """A flat and a noisy picture become PNGs of the same length, with nothing but pixels in them."""
    flat, noise = np.zeros((*pictures.SIZE, 3), np.uint8), pictures.picture(1)
    assert len(png(flat)) == len(png(noise))
    with Image.open(io.BytesIO(png(noise))) as read:
        assert np.array_equal(np.asarray(read), noise)
        assert not read.info
    names = [f"{n}.png" for n in range(5)]
    real = pictures.folder(tmp_path / "real", [f"{n}.jpg" for n in range(5)])
    made = prepare(tmp_path / "s.db", REALISM, {"a": pictures.folder(tmp_path / "a", names, 1)}, real=real)
    found = rows(tmp_path / "s.db")
    assert made.counts == {"real": 5, "generated a": 5}
    assert len({len(row["png"]) for row in found}) == 1
    assert sum(row["practice"] for row in found) == 4
    assert any("JPEG" in note for note in made.notes)


def test_everything_wrong_is_named(tmp_path: Path) -> None:
    names = [f"{n}.png" for n in range(8)]
    real = pictures.folder(tmp_path / "real", names)
    one, two = (pictures.folder(tmp_path / name, names, 1) for name in ("one", "two"))
    (one / "3.png").unlink()
    (two / "4.png").write_bytes(b"no picture")
    Image.fromarray(pictures.picture(0, (20, 20))).save(real / "5.png")
    with pytest.raises(MaterialError) as caught:
        prepare(tmp_path / "s.db", REALISM, {"one": one, "two": two}, real=real)
    assert caught.value.problems == {
        f"{one}: missing": ["3"],
        f"{two}: cannot be read": ["4.png"],
        f"{real}: of 20x20 instead of 32x24 (height x width)": ["5.png"],
    }
    assert not list(tmp_path.glob("s.db*"))


def test_a_store_gives_pairs(tmp_path: Path) -> None:
    given = pictures.store(tmp_path / "store")
    one, two = (pictures.generated(tmp_path / name, given, 30, seed) for seed, name in enumerate(("one", "two"), 1))
    Image.fromarray(pictures.picture(0)).save(one / "stranger.png")
    (two / "p0_0_2_p0_1.png").unlink()
    methods = {"one": one, "two": two}
    with pytest.raises(MaterialError) as caught:
        prepare(tmp_path / "s.db", PREFERENCE, methods, store=given)
    assert caught.value.problems == {
        f"{one}: of no pair of split 'test'": ["stranger.png"],
        f"{two}: missing": ["p0_0_2_p0_1.png"],
    }
    (one / "stranger.png").unlink()
    (one / "p0_0_2_p0_1.png").unlink()
    made = prepare(tmp_path / "s.db", PREFERENCE, methods, store=given)
    assert made.counts == {"generated one": 6, "generated two": 6, "source": 6, "pose": 6}
    found = {(row["kind"], row["method"], row["pair"]): row for row in rows(tmp_path / "s.db")}
    for pair in range(6):
        source, target = found["source", "", pair]["name"], found["pose", "", pair]["name"]
        wanted = f"{Path(source).stem}_2_{Path(target).stem}"
        assert found["generated", "one", pair]["name"] == found["generated", "two", pair]["name"] == wanted
        with Image.open(io.BytesIO(found["source", "", pair]["png"])) as read:
            person, number = source.removesuffix(".jpg")[1:].split("_")
            assert np.array_equal(np.asarray(read), pictures.picture(10 * int(person) + int(number)))
    assert len({found["pose", "", pair]["name"] for pair in range(6)}) == 6
    assert len({found["source", "", pair]["name"][:2] for pair in range(6)}) == 5  # 30 pairs are of five people


def test_no_real_picture_is_a_target(tmp_path: Path) -> None:
    given = pictures.store(tmp_path / "store")
    made = prepare(tmp_path / "s.db", REALISM, {"a": pictures.generated(tmp_path / "a", given, 30, 1)}, store=given)
    assert any("real pictures were JPEG" in note for note in made.notes)  # as the names in the store say
    found = rows(tmp_path / "s.db")
    real = {Path(row["name"]).stem for row in found if row["kind"] == "real"}
    targets = {row["name"].partition("_2_")[2] for row in found if row["kind"] == "generated"}
    assert (len(real), len(targets)) == (5, 5)
    assert not real & targets


def test_padding_is_cut_off(tmp_path: Path) -> None:
    """Pictures of the canvas around the store's size are shown without its white, like the real ones."""
    from repose.data import Store, StoreWriter

    image = pictures.picture(7, (128, 88))
    joints = np.full((18, 3), 5, np.float32)
    joints[:, 2] = 1
    with StoreWriter(tmp_path / "store", 128, 88, "half") as writer:
        for name in ("a", "b"):
            writer.add(name, "p", image, joints, split="test")
    wide = np.full((128, 96, 3), 255, np.uint8)
    wide[:, 4:92] = image
    (tmp_path / "m").mkdir()
    Image.fromarray(wide).save(tmp_path / "m" / "a_2_b.png")
    Image.fromarray(image).save(tmp_path / "m" / "b___a_vis.png")
    protocol = StudyProtocol("p", 1, "pose", (1.0,), pool=2, shown=2)
    prepare(tmp_path / "s.db", protocol, {"m": tmp_path / "m"}, store=Store.open(tmp_path / "store"))
    found = rows(tmp_path / "s.db")
    assert [row["kind"] for row in found] == ["generated", "target"] * 2
    assert all(row["png"] == png(image) for row in found)


@pytest.mark.parametrize("name", ["{}.png", "x_2_{}.png", "x___{}_vis.png", "x.jpg___{}.jpg_vis.png"])
def test_targets_are_found_by_name(tmp_path: Path, name: str) -> None:
    real = pictures.folder(tmp_path / "real", [f"t{n}.png" for n in range(4)])
    made = pictures.folder(tmp_path / "made", [name.format(f"t{n}") for n in range(4)], 1)
    prepare(tmp_path / "s.db", POSE, {"a": made}, real=real)
    found = rows(tmp_path / "s.db")
    for row in found:
        if row["kind"] == "target":
            twin = next(r for r in found if r["kind"] == "generated" and r["pair"] == row["pair"])
            assert row["name"] in twin["name"]
    (real / "t2.png").unlink()
    with pytest.raises(MaterialError, match="has no target for: 1"):
        prepare(tmp_path / "again.db", POSE, {"a": made}, real=real)


def test_the_seed_decides(tmp_path: Path) -> None:
    real = pictures.folder(tmp_path / "real", [f"{n}.png" for n in range(20)])
    made = pictures.folder(tmp_path / "made", [f"{n}.png" for n in range(20)], 1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare(tmp_path / name, REALISM, {"m": made}, real=real, seed=seed)
    drawn = [[row["name"] for row in rows(tmp_path / name)] for name in "abc"]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_cannot_be_a_study(tmp_path: Path) -> None:
    real = pictures.folder(tmp_path / "real", [f"{n}.png" for n in range(4)])
    with pytest.raises(ValueError, match="needs 5, there are 4 generated"):
        prepare(tmp_path / "s.db", REALISM, {"m": real}, real=real)
    with pytest.raises(ValueError, match="one of the two"):
        prepare(tmp_path / "s.db", REALISM, {"m": real})
    with pytest.raises(ValueError, match="at least 2"):
        prepare(tmp_path / "s.db", PREFERENCE, {"m": real}, real=real)
    with pytest.raises(ValueError, match="give a store"):
        prepare(tmp_path / "s.db", PREFERENCE, {"m": real, "n": real}, real=real)
    with pytest.raises(FileNotFoundError, match="nowhere is no folder"):
        prepare(tmp_path / "s.db", REALISM, {"m": tmp_path / "nowhere"}, real=real)
    (tmp_path / "s.db").write_text("mine")
    with pytest.raises(FileExistsError, match="there already"):
        prepare(tmp_path / "s.db", REALISM, {"m": real}, real=real)
