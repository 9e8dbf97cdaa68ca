"""What goes into a study, and that anything wrong with it is named."""

import io
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repose.study import MaterialError, StudyProtocol, material, prepare_study
from repose.study.material import Pixels, png
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
    prepared = prepare_study(tmp_path / "s.db", REALISM, {"a": pictures.folder(tmp_path / "a", names, 1)}, real=real)
    stored = rows(tmp_path / "s.db")
    assert prepared.counts == {"real": 5, "generated a": 5}
    assert len({len(row["png"]) for row in stored}) == 1
    assert sum(row["practice"] for row in stored) == 4
    assert any("JPEG" in note for note in prepared.notes)


def test_only_the_temporary_file_lies_there_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill at any moment leaves one file, which the next command removes; a journal of SQLite would stay."""
    there: set[str] = set()

    def seen(image: Pixels) -> bytes:
        there.update(file.name for file in tmp_path.iterdir() if file.is_file())
        return png(image)

    monkeypatch.setattr(material, "png", seen)
    pictures.study(tmp_path, REALISM, pictures.Clock()).close()
    (only,) = there
    assert only.startswith(".study.db.")
    assert only.endswith(".partial")
    file = sqlite3.connect(tmp_path / "study.db")
    assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()


def test_everything_wrong_is_named(tmp_path: Path) -> None:
    names = [f"{n}.png" for n in range(8)]
    real = pictures.folder(tmp_path / "real", names)
    one, two = (pictures.folder(tmp_path / name, names, 1) for name in ("one", "two"))
    (one / "3.png").unlink()
    (two / "4.png").write_bytes(b"no picture")
    Image.fromarray(pictures.picture(0, (20, 20))).save(real / "5.png")
    with pytest.raises(MaterialError) as caught:
        prepare_study(tmp_path / "s.db", REALISM, {"one": one, "two": two}, real=real)
    assert caught.value.problems == {
        f"{one}: missing, though {two} has them": ["3"],
        f"{two}: cannot be read": ["4.png"],
        f"{real}: of 20x20 instead of 32x24 (height x width)": ["5.png"],
    }
    assert not list(tmp_path.glob("s.db*"))


@pytest.mark.parametrize("lacking", ["real", "one", "two"])
def test_the_folder_without_pictures_is_named_alone(tmp_path: Path, lacking: str) -> None:
    names = [f"{n}.png" for n in range(8)]
    made = {name: pictures.folder(tmp_path / name, [] if name == lacking else names, len(name)) for name in
            ("real", "one", "two")}  # fmt: skip
    with pytest.raises(MaterialError) as caught:
        prepare_study(tmp_path / "s.db", REALISM, {"one": made["one"], "two": made["two"]}, real=made["real"])
    assert caught.value.problems == {f"{made[lacking]}: holds no pictures": []}
    assert str(caught.value).endswith(f"\n  {made[lacking]}: holds no pictures")


def test_a_store_names_the_folder_that_lacks_pictures(tmp_path: Path) -> None:
    given = pictures.store(tmp_path / "store")
    one, two = (pictures.generated(tmp_path / name, given, 12, 3) for name in ("one", "two"))
    lost = sorted(two.iterdir())[0]
    lost.unlink()
    with pytest.raises(MaterialError) as caught:
        prepare_study(tmp_path / "s.db", REALISM, {"one": one, "two": two}, store=given)
    assert caught.value.problems == {f"{two}: missing, though {one} has them": [lost.name]}
    for file in list(two.iterdir()):
        file.unlink()
    with pytest.raises(MaterialError) as caught:
        prepare_study(tmp_path / "s.db", REALISM, {"one": one, "two": two}, store=given)
    assert list(caught.value.problems) == [f"{two}: holds no pictures"]


def test_a_store_gives_pairs(tmp_path: Path) -> None:
    given = pictures.store(tmp_path / "store")
    one, two = (pictures.generated(tmp_path / name, given, 30, seed) for seed, name in enumerate(("one", "two"), 1))
    Image.fromarray(pictures.picture(0)).save(one / "stranger.png")
    (two / "p0_0_2_p0_1.png").unlink()
    methods = {"one": one, "two": two}
    with pytest.raises(MaterialError) as caught:
        prepare_study(tmp_path / "s.db", PREFERENCE, methods, store=given)
    assert caught.value.problems == {
        f"{one}: of no pair of split 'test'": ["stranger.png"],
        f"{two}: missing, though {one} has them": ["p0_0_2_p0_1.png"],
    }
    (one / "stranger.png").unlink()
    (one / "p0_0_2_p0_1.png").unlink()
    prepared = prepare_study(tmp_path / "s.db", PREFERENCE, methods, store=given)
    assert prepared.counts == {"generated one": 6, "generated two": 6, "source": 6, "pose": 6}
    stored = {(row["kind"], row["method"], row["pair"]): row for row in rows(tmp_path / "s.db")}
    for pair in range(6):
        source, target = stored["source", "", pair]["name"], stored["pose", "", pair]["name"]
        wanted = f"{Path(source).stem}_2_{Path(target).stem}"
        assert stored["generated", "one", pair]["name"] == stored["generated", "two", pair]["name"] == wanted
        with Image.open(io.BytesIO(stored["source", "", pair]["png"])) as read:
            person, number = source.removesuffix(".jpg")[1:].split("_")
            assert np.array_equal(np.asarray(read), pictures.picture(10 * int(person) + int(number)))
    assert len({stored["pose", "", pair]["name"] for pair in range(6)}) == 6
    assert len({stored["source", "", pair]["name"][:2] for pair in range(6)}) == 5  # 30 pairs are of five people


def test_no_real_picture_is_a_target(tmp_path: Path) -> None:
    given = pictures.store(tmp_path / "store")
    prepared = prepare_study(
        tmp_path / "s.db", REALISM, {"a": pictures.generated(tmp_path / "a", given, 30, 1)}, store=given
    )
    assert any("real pictures were JPEG" in note for note in prepared.notes)  # as the names in the store say
    stored = rows(tmp_path / "s.db")
    real = {Path(row["name"]).stem for row in stored if row["kind"] == "real"}
    targets = {row["name"].partition("_2_")[2] for row in stored if row["kind"] == "generated"}
    assert (len(real), len(targets)) == (5, 5)
    assert not real & targets


def test_pairs_count_in_both_directions_and_under_counted_names(tmp_path: Path) -> None:
    """Roy's test code counts the list of pairs, and has a folder for each direction."""
    from repose.data import Store, StoreWriter

    listed = [(f"p{person}_0.jpg", f"p{person}_1.jpg") for person in range(3)]
    with StoreWriter(tmp_path / "store", *pictures.SIZE, "tiny") as writer:
        for number, name in enumerate(name for pair in listed for name in pair):
            writer.add(name, name[:2], pictures.picture(number), np.ones((18, 3), np.float32), split="test")
        writer.finish({"test": listed})
    given = Store.open(tmp_path / "store")
    roy = tmp_path / "roy"
    pictures.folder(roy / "fake_B", [f"{n}@p{n}_1.png" for n in range(3)], 1)
    pictures.folder(roy / "fake_A", [f"{n}@p{n}_0.png" for n in range(3)], 2)
    ours = pictures.folder(tmp_path / "ours", [f"p{n}_{a}_2_p{n}_{1 - a}.png" for a in (0, 1) for n in range(3)], 3)
    protocol = StudyProtocol("all", 1, "pose", (1.0,), pool=6, shown=6)
    prepare_study(tmp_path / "s.db", protocol, {"roy": roy, "ours": ours}, store=given)
    stored = {(row["kind"], row["method"], row["name"]): row["png"] for row in rows(tmp_path / "s.db")}
    for number in range(3):
        assert stored["generated", "roy", f"p{number}_0_2_p{number}_1"] == png(pictures.picture(1000 + number))
        assert stored["generated", "roy", f"p{number}_1_2_p{number}_0"] == png(pictures.picture(2000 + number))
        assert stored["generated", "ours", f"p{number}_1_2_p{number}_0"] == png(pictures.picture(3003 + number))

    (roy / "fake_B" / "0@p0_1.png").rename(roy / "fake_B" / "1@p0_1.png")
    (roy / "p1_0_2_p1_1.png").write_bytes((ours / "p1_0_2_p1_1.png").read_bytes())
    with pytest.raises(MaterialError) as caught:
        prepare_study(tmp_path / "t.db", protocol, {"roy": roy, "ours": ours}, store=given)
    assert caught.value.problems == {
        f"{roy}: of no pair of split 'test'": ["fake_B/1@p0_1.png"],
        f"{roy}: a pair has it under another name too": ["fake_B/1@p1_1.png"],
        f"{roy}: missing, though {ours} has them": ["p0_0_2_p0_1.png"],
    }


def test_a_pair_that_is_counted_twice_has_one_picture(tmp_path: Path) -> None:
    """Listed both ways, Roy's code makes each pair in either folder, and `repose eval` takes one."""
    given = pictures.store(tmp_path / "store", people=3, each=2)
    names, both = given.names, given.pairs("test").tolist()
    roy = tmp_path / "roy"
    pictures.folder(roy / "fake_B", [f"{n}@{Path(names[t]).stem}.png" for n, (_, t) in enumerate(both)], 1)
    pictures.folder(roy / "fake_A", [f"{n}@{Path(names[s]).stem}.png" for n, (s, _) in enumerate(both)], 2)
    protocol = StudyProtocol("all", 1, "pose", (1.0,), pool=6, shown=6)
    assert prepare_study(tmp_path / "s.db", protocol, {"roy": roy}, store=given).counts["generated roy"] == 6


def test_names_that_pairs_share_are_refused(tmp_path: Path) -> None:
    from repose.data import Store, StoreWriter

    with StoreWriter(tmp_path / "store", *pictures.SIZE, "tiny") as writer:
        for number, name in enumerate(("a.jpg", "b.jpg", "b.png")):
            writer.add(name, "p", pictures.picture(number), np.ones((18, 3), np.float32), split="test")
    folder = pictures.folder(tmp_path / "m", ["a_2_b.png"])
    protocol = StudyProtocol("one", 1, "pose", (1.0,), pool=1, shown=1)
    with pytest.raises(ValueError, match=r"two pairs of split 'test' share the file name a_2_b.png"):
        prepare_study(tmp_path / "s.db", protocol, {"m": folder}, store=Store.open(tmp_path / "store"))


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
    prepare_study(tmp_path / "s.db", protocol, {"m": tmp_path / "m"}, store=Store.open(tmp_path / "store"))
    stored = rows(tmp_path / "s.db")
    assert [row["kind"] for row in stored] == ["generated", "target"] * 2
    assert all(row["png"] == png(image) for row in stored)


@pytest.mark.parametrize("name", ["{}.png", "x_2_{}.png", "x___{}_vis.png", "x.jpg___{}.jpg_vis.png"])
def test_targets_are_found_by_name(tmp_path: Path, name: str) -> None:
    real = pictures.folder(tmp_path / "real", [f"t{n}.png" for n in range(4)])
    method_folder = pictures.folder(tmp_path / "made", [name.format(f"t{n}") for n in range(4)], 1)
    prepare_study(tmp_path / "s.db", POSE, {"a": method_folder}, real=real)
    stored = rows(tmp_path / "s.db")
    for row in stored:
        if row["kind"] == "target":
            twin = next(r for r in stored if r["kind"] == "generated" and r["pair"] == row["pair"])
            assert row["name"] in twin["name"]
    (real / "t2.png").unlink()
    with pytest.raises(MaterialError, match="has no target for: 1"):
        prepare_study(tmp_path / "again.db", POSE, {"a": method_folder}, real=real)


def test_the_seed_decides(tmp_path: Path) -> None:
    real = pictures.folder(tmp_path / "real", [f"{n}.png" for n in range(20)])
    method_folder = pictures.folder(tmp_path / "made", [f"{n}.png" for n in range(20)], 1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare_study(tmp_path / name, REALISM, {"m": method_folder}, real=real, seed=seed)
    drawn = [[row["name"] for row in rows(tmp_path / name)] for name in "abc"]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_cannot_be_a_study(tmp_path: Path) -> None:
    real = pictures.folder(tmp_path / "real", [f"{n}.png" for n in range(4)])
    made = pictures.folder(tmp_path / "made", [f"{n}.png" for n in range(4)])
    with pytest.raises(ValueError, match="needs 5, there are 4 generated"):
        prepare_study(tmp_path / "s.db", REALISM, {"m": made}, real=real)
    with pytest.raises(ValueError, match=r"give either a folder \(--real\) or a store \(--data\)"):
        prepare_study(tmp_path / "s.db", REALISM, {"m": real})
    with pytest.raises(ValueError, match="at least 2"):
        prepare_study(tmp_path / "s.db", PREFERENCE, {"m": real}, real=real)
    with pytest.raises(ValueError, match="give a store"):
        prepare_study(tmp_path / "s.db", PREFERENCE, {"m": real, "n": real}, real=real)
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        prepare_study(tmp_path / "s.db", REALISM, {"m": tmp_path / "nowhere"}, real=real)
    (tmp_path / "link").symlink_to(real)
    for methods, what in (
        ({"m": real}, "link is given twice, as the real pictures and as the method 'm'"),
        ({"m": made, "n": made / ".." / "made"}, "made is given twice, as the method 'm' and as the method 'n'"),
    ):
        methods = {name: tmp_path / "link" if folder == real else folder for name, folder in methods.items()}
        with pytest.raises(ValueError, match=what):
            prepare_study(tmp_path / "s.db", REALISM, methods, real=real)
    (tmp_path / "s.db").write_text("mine")
    with pytest.raises(FileExistsError, match="exists already"):
        prepare_study(tmp_path / "s.db", REALISM, {"m": real}, real=real)
