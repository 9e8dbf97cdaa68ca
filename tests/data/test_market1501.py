"""`prepare_market1501` on made-up photographs with every kind of damage, and on the real ones."""

import ast
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repose.cli.data_sets import DATA_SETS
from repose.data import Store, StoreWriter
from repose.data.market1501 import MARKET1501, Market1501, prepare_market1501
from repose.names import resolve

JOINTS = [10 + joint for joint in range(17)] + [-1]
HEADER = "name:keypoints_y:keypoints_x\n"


def photograph(name: str, width: int = 64, height: int = 128) -> bytes:
    """A JPEG of noise that depends on the name."""
    random = np.random.default_rng(list(name.encode()))
    out = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(out, "jpeg")
    return out.getvalue()


def row(name: str) -> str:
    return f"{name}: {JOINTS}: {[joint if joint < 0 else joint + 20 for joint in JOINTS]}\n"


def make(folder: Path, train: dict[str, int], test: dict[str, int], pairs: list[tuple[str, str]]) -> Path:
    """The original layout with that many photographs of each person."""
    for split, people in (("train", train), ("test", test)):
        names = [f"{person}_c{view}.jpg" for person, count in people.items() for view in range(count)]
        (folder / f"bounding_box_{split}").mkdir(parents=True)
        for name in names:
            (folder / f"bounding_box_{split}" / name).write_bytes(photograph(name))
        (folder / f"market-annotation-{split}.csv").write_text(HEADER + "".join(map(row, names)))
    (folder / "market-pairs-test.csv").write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    return folder


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    train = {f"{person:04d}": 4 for person in range(1, 6)}
    return make(tmp_path / "market", train, {"0100": 2, "0200": 2}, [("0100_c0.jpg", "0100_c1.jpg")])


def test_a_clean_folder(layout: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    settings = Market1501(layout, validation=2)
    report = prepare_market1501(settings, tmp_path / "s", progress=lambda done, total: calls.append((done, total)))
    assert report.left_out == ()
    assert report.photographs == {"train": 12, "val": 8, "test": 4}
    assert report.people == {"train": 3, "val": 2, "test": 2}
    assert report.pairs == {"train": 36, "val": 24, "test": 1}
    assert calls == [(done, 24) for done in range(1, 25)]
    store = Store.open(tmp_path / "s", verify=True)
    held_out = {store.people[i] for i in store.split("val")}
    assert held_out.isdisjoint(store.people[i] for i in store.split("train"))
    for source, target in store.pairs("val").tolist():
        assert store.people[source] == store.people[target]
        assert source != target
    person = store.person([store.index("0003_c1.jpg")])[0]
    decoded = np.asarray(Image.open(layout / "bounding_box_train" / "0003_c1.jpg"))
    assert np.array_equal(((person.image + 1) * 127.5).round().permute(1, 2, 0).numpy(), decoded)
    assert person.keypoints[3].tolist() == [33, 13, 1]
    assert person.keypoints[17].tolist() == [0, 0, 0]


def test_the_same_seed_holds_out_the_same_people(layout: Path, tmp_path: Path) -> None:
    stores = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1), ("d", 2)):
        prepare_market1501(Market1501(layout, validation=2, seed=seed), tmp_path / name)
        stores[name] = Store.open(tmp_path / name)
    assert stores["a"].checksum == stores["b"].checksum
    assert stores["a"].pairs("val").tolist() == stores["b"].pairs("val").tolist()
    chosen = {tuple(sorted({s.people[i] for i in s.split("val")})) for s in stores.values()}
    assert len(chosen) > 1


def test_every_kind_of_damage_is_named_counted_and_skipped(layout: Path, tmp_path: Path) -> None:
    photos, csv = layout / "bounding_box_train", layout / "market-annotation-train.csv"
    damage = {
        "0001_c0.jpg": photograph("a")[:-900],
        "0001_c1.jpg": b"this is a text",
        "0001_c2.jpg": b"",
        "0001_c3.jpg": photograph("a", width=32),
    }
    for name, data in damage.items():
        (photos / name).write_bytes(data)
    (photos / "0002_c0.jpg").unlink()
    for name in ("-1_c0.jpg", "0000_c0.jpg", "0002_extra.jpg", "holiday.jpg", "0100_c0.jpg"):
        (photos / name).write_bytes(photograph(name))
    (photos / "Thumbs.db").write_bytes(b"1")
    text = csv.read_text()
    seventeen = f"0003_c0.jpg: {JOINTS[:17]}: {JOINTS[:17]}\n"
    csv.write_text(text.replace(row("0003_c0.jpg"), seventeen) + row("0004_c0.jpg") + row("0100_c0.jpg"))
    pairs = layout / "market-pairs-test.csv"
    pairs.write_text(pairs.read_text() + "0100_c0.jpg,0300_c0.jpg\n0100_c0.jpg,0200_c0.jpg\n0100_c0.jpg\n")

    report = prepare_market1501(Market1501(layout, validation=1), tmp_path / "s")
    found: dict[str, list[str]] = {}
    for item in report.left_out:
        found.setdefault(item.why, []).append(item.name)
    assert found.pop("broken photograph") == ["0001_c0.jpg", "0001_c1.jpg", "0001_c2.jpg"]
    assert found.pop("wrong size") == ["0001_c3.jpg"]
    assert found.pop("row without a photograph") == ["0002_c0.jpg"]
    assert sorted(found.pop("junk person")) == ["-1_c0.jpg", "0000_c0.jpg"]
    assert sorted(found.pop("photograph without a row")) == ["0002_extra.jpg", "0003_c0.jpg"]
    assert found.pop("no person in its name") == ["holiday.jpg"]
    assert found.pop("not a photograph") == ["Thumbs.db"]
    assert found.pop("duplicate name") == ["0100_c0.jpg"]
    assert found.pop("bad row") == [
        "0003_c0.jpg",  # 17 joints
        "0004_c0.jpg",  # a second row
        "market-pairs-test.csv, line 5",
    ]
    assert found.pop("test pair without its photographs") == ["0100_c0.jpg -> 0300_c0.jpg"]
    assert found.pop("test pair of two people") == ["0100_c0.jpg -> 0200_c0.jpg"]
    assert found == {}
    details = {item.name: item.detail for item in report.left_out}
    assert details["0001_c3.jpg"] == "32x128 pixels and not 64x128"
    assert "truncated" in details["0001_c0.jpg"]
    assert sum(report.photographs.values()) == len(Store.open(tmp_path / "s", verify=True)) == 24 - 6 + 1 - 1
    assert report.reasons["broken photograph"] == 3


def without(name: str, *missing: int) -> str:
    """The row of a photograph in which these joints are not located."""
    y, x = ([-1 if joint in missing else joint + 10 for joint in range(18)] for _ in "yx")
    return f"{name}: {y}: {x}\n"


def test_training_pairs_need_both_hips_and_both_shoulders(layout: Path, tmp_path: Path) -> None:
    csv = layout / "market-annotation-train.csv"
    text = csv.read_text()
    for name, missing in (("0001_c0.jpg", (2,)), ("0002_c0.jpg", (11,)), ("0003_c0.jpg", (0, 1, 4, 9, 13))):
        text = text.replace(row(name), without(name, *missing))
    csv.write_text(text)
    prepare_market1501(Market1501(layout, validation=0), tmp_path / "s")
    store = Store.open(tmp_path / "s")
    pairs = [(store.names[source], store.names[target]) for source, target in store.pairs("train").tolist()]
    assert len(pairs) == 2 * 3 * 2 + 3 * 4 * 3
    assert len(store.split("train")) == 20, "the photographs themselves stay"
    assert {"0001_c0.jpg", "0002_c0.jpg"}.isdisjoint(name for pair in pairs for name in pair)
    assert ("0003_c0.jpg", "0003_c3.jpg") in pairs
    report = prepare_market1501(Market1501(layout, validation=0, all_pairs=True), tmp_path / "all")
    assert report.pairs["train"] == 5 * 4 * 3


def test_the_list_of_training_pairs_is_used_where_it_is_there(layout: Path, tmp_path: Path) -> None:
    rows = ["0001_c0.jpg,0001_c1.jpg", "0002_c3.jpg,0002_c0.jpg", "0001_c0.jpg,0002_c1.jpg", "0001_c0.jpg,0009_c1.jpg"]
    rows += [f"{person}_c0.jpg,{person}_c2.jpg" for person in ("0003", "0004", "0005")] + ["0001_c0.jpg"]
    (layout / "market-pairs-train.csv").write_text("from,to\n" + "\n".join(rows))
    prepare_market1501(Market1501(layout, validation=1), tmp_path / "s")
    store = Store.open(tmp_path / "s")
    (held_out,) = {store.people[i] for i in store.split("val")}
    wanted = [tuple(line.split(",")) for line in (*rows[:2], *rows[4:7]) if not line.startswith(held_out)]
    pairs = [(store.names[source], store.names[target]) for source, target in store.pairs("train").tolist()]
    assert pairs == wanted
    report = prepare_market1501(Market1501(layout, validation=0), tmp_path / "everybody")
    assert report.pairs["train"] == 5
    assert report.reasons == {"train pair of two people": 1, "train pair without its photographs": 1, "bad row": 1}


def test_zips_in_place_of_folders(layout: Path, tmp_path: Path) -> None:
    prepare_market1501(Market1501(layout, validation=1), tmp_path / "folder")
    for split in ("train", "test"):
        photos = layout / f"bounding_box_{split}"
        with zipfile.ZipFile(layout / f"bounding_box_{split}.zip", "w") as archive:
            for path in photos.iterdir():
                archive.write(path, f"bounding_box_{split}/{path.name}")
                path.unlink()
        photos.rmdir()
    prepare_market1501(Market1501(layout, validation=1), tmp_path / "zip")
    assert Store.open(tmp_path / "zip").checksum == Store.open(tmp_path / "folder").checksum

    packed = layout / "bounding_box_train.zip"
    data = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        info = archive.infolist()[0]
    data[info.header_offset + 30 + len(info.filename) + 500] ^= 255
    packed.write_bytes(data)
    report = prepare_market1501(Market1501(layout, validation=1), tmp_path / "flipped")
    assert [(item.name, item.why) for item in report.left_out] == [(Path(info.filename).name, "broken photograph")]
    packed.write_bytes(data[:1000])
    with pytest.raises(ValueError, match="damaged or no zip"):
        prepare_market1501(Market1501(layout), tmp_path / "cut")


def test_a_wrong_folder_is_a_clear_error(layout: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"leaves none of the \d+ training people to train on"):
        prepare_market1501(Market1501(layout, validation=5), tmp_path / "s")
    (layout / "market-annotation-test.csv").unlink()
    with pytest.raises(FileNotFoundError, match="market-annotation-test"):
        prepare_market1501(Market1501(layout), tmp_path / "s")
    with pytest.raises(FileNotFoundError, match="market-annotation-train"):
        prepare_market1501(Market1501(tmp_path), tmp_path / "s")
    assert not (tmp_path / "s").exists()


class Stopped(Exception):  # noqa: N818
    pass


def test_what_was_interrupted_goes_on(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (layout / "bounding_box_train" / "0001_c1.jpg").write_bytes(b"this is a text")
    (layout / "bounding_box_train" / "0100_c0.jpg").write_bytes(b"nor is this one")  # the one of the same name is
    csv = layout / "market-annotation-train.csv"
    csv.write_text(csv.read_text() + row("0100_c0.jpg") + row("0009_c0.jpg"))
    settings = Market1501(layout, validation=1)
    prepare_market1501(settings, tmp_path / "unbroken")

    for stop in (1, 3, 12, 25):

        def interrupted(done: int, total: int, stop: int = stop) -> None:
            if done == stop:
                raise Stopped

        with pytest.raises(Stopped):
            prepare_market1501(settings, tmp_path / "s", interrupted)
        assert not (tmp_path / "s").exists()
    added: list[str] = []
    add = StoreWriter.add

    def noted(writer: StoreWriter, name: str, *words: Any, **fields: Any) -> None:
        added.append(name)
        add(writer, name, *words, **fields)

    monkeypatch.setattr(StoreWriter, "add", noted)
    prepare_market1501(settings, tmp_path / "s")
    assert added == ["0200_c1.jpg"]
    unbroken, resumed = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("unbroken", "s")
    )
    assert resumed == unbroken
    assert Store.open(tmp_path / "s").names.count("0100_c0.jpg") == 1


def test_an_interrupted_run_of_other_settings_is_an_error_and_fresh_begins_anew(layout: Path, tmp_path: Path) -> None:
    def interrupted(done: int, total: int) -> None:
        if done == 9:
            raise Stopped

    with pytest.raises(Stopped):
        prepare_market1501(Market1501(layout, validation=1), tmp_path / "s", interrupted)
    with pytest.raises(ValueError, match="validation_people was 1, is 2"):
        prepare_market1501(Market1501(layout, validation=2), tmp_path / "s")
    report = prepare_market1501(Market1501(layout, validation=2), tmp_path / "s", fresh=True)
    assert report.people == {"train": 3, "val": 2, "test": 2}


def test_the_data_set_is_in_the_table_of_the_command() -> None:
    assert resolve(DATA_SETS["market1501"][1]) is MARKET1501


def test_the_real_photographs(shared: Path, tmp_path: Path) -> None:
    source = shared / "market1501"
    if not source.is_dir():
        pytest.skip("the Market-1501 photographs (../shared/market1501) are not here")
    report = prepare_market1501(Market1501(source), tmp_path / "s")
    assert report.left_out == ()
    assert report.photographs["train"] + report.photographs["val"] == 9399
    assert report.photographs["test"] == 5025
    assert report.people["train"] == 700
    assert report.people["val"] == 30
    assert report.pairs["test"] == 3906
    assert report.pairs["val"] == 1000
    assert report.pairs["train"] == 151282
    store = Store.open(tmp_path / "s")
    joints = store.person(list(range(len(store))), ["keypoints"]).keypoints
    located = joints[:, [2, 5, 8, 11], 2].bool().all(1)  # shoulders and hips
    trained = located[store.split("train")]
    assert len(trained) - int(trained.sum()) == 57
    assert located[store.pairs("train")].all()
    _, held_out = store.groups("val")
    prepare_market1501(Market1501(source, all_pairs=True), tmp_path / "all")
    every = Store.open(tmp_path / "all")
    assert every.checksum == "8870f8227c33"  # what the result lines cite
    assert len(every.pairs("train")) + int((held_out * (held_out - 1)).sum()) == 161570
    for split in ("val", "test"):
        assert torch.equal(every.pairs(split), store.pairs(split))
    for file in ("image.u8", "keypoints.f32"):
        assert (tmp_path / "all" / file).read_bytes() == (tmp_path / "s" / file).read_bytes()
    line = (source / "market-annotation-test.csv").read_text().splitlines()[1234]
    name, ys, xs = line.split(":")
    keypoints = store.person([store.index(name)], ["keypoints"]).keypoints[0].tolist()
    for (x, y, visible), wanted_x, wanted_y in zip(
        keypoints, ast.literal_eval(xs.strip()), ast.literal_eval(ys.strip()), strict=True
    ):
        assert [x, y, visible] == ([0, 0, 0] if wanted_x == -1 else [wanted_x, wanted_y, 1])
