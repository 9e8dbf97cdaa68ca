"""`prepare_folder` on photographs of every kind of damage: subfolders, lists, keypoint files, crops, splits, pairs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repose.data import Report, Store
from repose.data.folder import FOLDER, Folder, prepare_folder
from repose.represent.canvas import to_uint8
from repose.represent.pose_files import write_keypoints
from tests.data import people


@pytest.fixture(autouse=True)
def _eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    people.seeing(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six people with three pictures each, standing anywhere in wide photographs."""
    for person in range(6):
        for view in range(3):
            box = (20 + 30 * person, 10 + 7 * view, 150 + 10 * view)
            people.save(tmp_path / "in" / f"p{person}" / f"{view}.png", {"red": box})
    return tmp_path / "in"


def pack(tmp_path: Path, folder: Path, **settings: Any) -> tuple[Report, Store]:
    report = prepare_folder(Folder(folder, **settings), tmp_path / "store")
    return report, Store.open(tmp_path / "store", verify=True)


def reasons(report: Report) -> dict[str, str]:
    return {item.name: item.why for item in report.left_out}


def test_subfolders_are_people(folder: Path, tmp_path: Path) -> None:
    report, store = pack(tmp_path, folder)
    assert report.left_out == ()
    assert report.photographs == {"train": 12, "val": 3, "test": 3}
    assert report.pairs == {"train": 24, "val": 6, "test": 6}
    assert store.size == (256, 176)
    assert set(store.people) == {f"p{k}" for k in range(6)}
    splits = {
        person: {s for p, s in zip(store.people, store.splits, strict=True) if p == person} for person in store.people
    }
    assert all(len(one) == 1 for one in splits.values()), "a person has one split"
    assert "p3_2.png" in store.names
    assert store.provenance["keypoints"] == {"estimator": "markers-1"}


def test_the_person_is_cropped_without_distortion(folder: Path, tmp_path: Path) -> None:
    _, store = pack(tmp_path, folder)
    for index in range(len(store)):
        person = store.person([index])[0]
        red = people._of_colour(to_uint8(person.image), "red")
        rows, columns = np.nonzero(red)
        height, width = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
        assert width / height == pytest.approx(0.4, abs=0.02), "the box keeps its proportions"
        assert height > 0.6 * 256, "the person fills the picture"
        wanted = people.joints((0, 0, 100))[:, :2] / 100
        measured = (person.keypoints[:, :2] + 0.5 - torch.tensor([columns.min(), rows.min()])) / height
        assert (measured - wanted - 0.005).abs().max() < 0.02, "joints move with the picture"


def test_a_picture_of_the_stores_size_is_taken_as_it_is(tmp_path: Path) -> None:
    for view in range(2):
        people.save(tmp_path / "in" / "p" / f"{view}.png", {"red": (40, 20 + view, 220)}, (256, 176))
    _, store = pack(tmp_path, tmp_path / "in", test=0, validation=0)
    for index, name in enumerate(("0.png", "1.png")):
        picture = np.asarray(Image.open(tmp_path / "in" / "p" / name))
        assert np.array_equal(to_uint8(store.person([index]).image)[0], picture)


def test_every_reason(folder: Path, tmp_path: Path) -> None:
    people.save(folder / "loose.png", {"red": (10, 10, 150)})
    people.save(folder / "p0" / "empty.png", {})
    (folder / "p0" / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    people.save(folder / "p1" / "0.jpg", {"red": (10, 10, 150)})  # as 0.png, but for the ending
    people.save(folder / "p1" / ".hidden.png", {"red": (10, 10, 150)})
    (folder / "p1" / "notes.txt").write_text("not a picture")
    report, _ = pack(tmp_path, folder)
    assert reasons(report) == {
        "loose.png": "picture of no person",
        "p0_empty.png": "nobody found",
        "p0_broken.jpg": "broken photograph",
        "p1/0.png": "duplicate name",
    }
    assert not any(str(tmp_path) in item.detail for item in report.left_out), "no path of this machine in the store"


def test_fields_and_background(folder: Path, tmp_path: Path) -> None:
    _, store = pack(tmp_path, folder, fields="mask", background="white", size=(128, 64))
    assert store.fields == ("image", "keypoints", "mask")
    person = store.person([0])[0]
    red = people._of_colour(to_uint8(person.image), "red")
    assert (person.mask[0].numpy() > 0.5)[red].all()
    assert (to_uint8(person.image)[person.mask[0].numpy() == 0] == 255).all()
    assert person.mask.mean() == pytest.approx(red.mean(), abs=0.05)


def test_a_list_with_splits_and_keypoint_files(folder: Path, tmp_path: Path) -> None:
    write_keypoints(folder / "one.json", {"one": people.joints((20, 10, 150))}, size=(240, 320))
    listed = tmp_path / "who.csv"
    rows = ["picture,person,split,keypoints", "p0/0.png,anna,train,one.json", "p0/1.png,anna,train,"]
    rows += ["p1/0.png,ben,test,", "p1/1.png,ben,test,", "p2/0.png,,train,", "p2/1.png,cy,dev,", "p9/1.png,cy,train,"]
    rows += ["p2/2.png,cy,train,gone.json"]
    listed.write_text("\n".join(rows))
    report, store = pack(tmp_path, folder, listed=listed)
    assert report.photographs == {"train": 2, "test": 2}
    assert set(store.people) == {"anna", "ben"}
    assert reasons(report) == {
        "p2/0.png": "bad row",
        "p2/1.png": "bad row",
        "p9/1.png": "row without a photograph",
        "p2/2.png": "row without its keypoint file",
    }
    assert people.Markers.asked == 3, "the first one's joints are in a file"
    assert store.provenance["keypoints"] == {"estimator": "markers-1", "given": 1, "min_score": 0.3}


def test_given_key_points_need_no_estimator(folder: Path, tmp_path: Path) -> None:
    poses = {
        f"p{k}/{v}.png": people.joints((20 + 30 * k, 10 + 7 * v, 150 + 10 * v)) for k in range(6) for v in range(3)
    }
    del poses["p5/2.png"]
    write_keypoints(folder / "keypoints.json", poses, size=(240, 320))
    report, _ = pack(tmp_path, folder)
    assert people.Markers.asked == 0
    assert reasons(report) == {"p5_2.png": "no key points in the file"}


def test_an_interrupted_run_gives_the_same_store(folder: Path, tmp_path: Path) -> None:
    whole = prepare_folder(Folder(folder), tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_folder(Folder(folder), tmp_path / "store", stop)
    asked = people.Markers.asked
    report = prepare_folder(Folder(folder), tmp_path / "store")
    assert people.Markers.asked == asked + 10, "eight are there"
    assert report.checksum == whole.checksum
    assert (
        Store.open(tmp_path / "store").pairs("test").tolist() == Store.open(tmp_path / "whole").pairs("test").tolist()
    )


def test_another_setting_does_not_go_on(folder: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_folder(Folder(folder), tmp_path / "store", stop)
    with pytest.raises(ValueError, match=r"other settings: .*background was 'keep', is 'white'"):
        prepare_folder(Folder(folder, background="white"), tmp_path / "store")
    assert prepare_folder(Folder(folder, background="white"), tmp_path / "store", fresh=True).photographs["train"] == 12


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fields": "maks"}, "no field 'maks'.*did you mean 'mask'"),
        ({"background": "gray"}, "did you mean 'grey'"),
        ({"size": (8, 8)}, "too small"),
        ({"test": 6}, "leave none of 6 to train on"),
        ({"pose": "movenett"}, "did you mean 'movenet'"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        prepare_folder(Folder(folder, **settings), tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_folders_and_lists_that_cannot_be(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        prepare_folder(Folder(tmp_path / "gone"), tmp_path / "store")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="names no photographs; a folder has a subfolder for each person"):
        prepare_folder(Folder(tmp_path / "empty"), tmp_path / "store")
    listed = tmp_path / "who.csv"
    listed.write_text("file,who\na.png,anna\n")
    with pytest.raises(ValueError, match="its first line names the columns: picture,person"):
        prepare_folder(Folder(folder, listed=listed), tmp_path / "store")


def test_the_declaration() -> None:
    names = [field.name for field, _, _ in FOLDER.fields()]
    assert names[0] == "folder"
    assert FOLDER.title(Folder(Path("some/where"))) == "where"
    assert json.dumps(FOLDER.examples)
