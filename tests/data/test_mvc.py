"""`prepare_mvc` on a small layout with the published lists, and the protocol dpt-mvc@1 on it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repose.data import Report, Store
from repose.data.mvc import MVC, MVC_DATA_SET, prepare_mvc
from repose.metrics import EvaluationSettings, evaluate
from repose.represent.canvas import to_uint8
from tests.data import people

VIEWS = "p123"


@pytest.fixture(autouse=True)
def _eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    people.seeing(monkeypatch)


def make(folder: Path, items: int = 12, lists: bool = True, item_names: bool = True) -> Path:
    """Photographs of 240x280 (width x height; 1920x2240 in the data set), four of each item, and the three lists."""
    links, info, labels = [], [], []
    for item in range(items):
        for view, word in enumerate(VIEWS):
            name = f"{2947499 + item}-{word}-4x.jpg"
            people.save(
                folder / "images" / str(item % 3) / name, {"red": (60 + 3 * item, 20 + 4 * view, 200)}, (280, 240)
            )
            link = f"http://shop/images/z/{item}/{name}"
            links.append({"image_url_4x": link})
            info.append({"productId": 8000000 + item // 2, "viewId": view, "image_url_4x": link})
            labels.append({"filename": name.removesuffix(".jpg"), **({"itemN": float(item)} if item_names else {})})
    for name, rows in (("image_links", links), ("mvc_info", info), ("attribute_labels", labels)):
        if lists:
            (folder / f"{name}.json").write_text(json.dumps(rows))
    return folder


def pack(tmp_path: Path, folder: Path, **settings: Any) -> tuple[Report, Store]:
    report = prepare_mvc(MVC(folder, **settings), tmp_path / "store")
    return report, Store.open(tmp_path / "store", verify=True)


@pytest.mark.parametrize(("lists", "names"), [(True, True), (True, False), (False, False)])
def test_the_views_of_an_item_are_a_person(lists: bool, names: bool, tmp_path: Path) -> None:
    report, store = pack(tmp_path, make(tmp_path / "mvc", 12, lists, names))
    assert report.left_out == ()
    assert report.photographs == {"train": 40, "val": 4, "test": 4}
    assert report.pairs == {"train": 120, "val": 12, "test": 12}
    assert store.size == (256, 256)
    items = {name.partition("-")[0]: person for name, person in zip(store.names, store.people, strict=True)}
    assert len(set(items.values())) == 12
    assert (items["2947500"] == "1") == names, "the lists number the items"


def test_photographs_keep_their_proportions_on_white(tmp_path: Path) -> None:
    _, store = pack(tmp_path, make(tmp_path / "mvc"))
    person = store.person([store.index("2947499-p-4x.jpg")])[0]
    picture = to_uint8(person.image)
    width = round(240 * 256 / 280)  # 219
    left = (256 - width) // 2
    assert (picture[:, :left] == 255).all()
    assert (picture[:, left + width :] == 255).all()
    assert not (picture[:, left] > 250).any()
    rows, columns = np.nonzero(people._of_colour(picture, "red"))
    scale = 256 / 280
    assert rows.min() == pytest.approx(20 * scale, abs=1.5)
    assert columns.min() == pytest.approx(left + 60 * scale, abs=1.5)
    wanted = (people.joints((60, 20, 200))[:, :2] + 0.5) * scale - 0.5
    wanted[:, 0] += left
    assert (person.keypoints[:, :2] - wanted).abs().max() < 1.5


def test_what_is_left_out(tmp_path: Path) -> None:
    folder = make(tmp_path / "mvc")
    (folder / "images" / "0" / "2947499-2-4x.jpg").unlink()
    people.save(folder / "images" / "1" / "2947499-1-4x.jpg", {"red": (60, 20, 200)}, (280, 240))
    people.save(folder / "images" / "9999999-p-4x.jpg", {"red": (60, 20, 200)}, (280, 240))
    people.save(folder / "images" / "1" / "2947500-3-4x.jpg", {}, (280, 240))  # a shoe
    report, _ = pack(tmp_path, folder)
    assert sorted((item.name, item.why) for item in report.left_out) == [
        ("2947499-1-4x.jpg", "duplicate name"),
        ("2947499-2-4x", "listed without a photograph"),
        ("2947500-3-4x.jpg", "nobody found"),
        ("9999999-p-4x.jpg", "of no item"),
    ]


def test_the_protocol_of_dense_pose_transfer_measures_it(tmp_path: Path) -> None:
    _, store = pack(tmp_path, make(tmp_path / "mvc"))
    settings = EvaluationSettings(features=False, limit=3)
    evaluation = evaluate("dpt-mvc@1", store, lambda pair: pair.target.image, settings)
    assert evaluation["generated"].scores["ssim"].value == pytest.approx(1)
    assert evaluation["generated"].scores["ms_ssim"].value == pytest.approx(1)
    assert evaluation["source"].scores["ssim"].value < 0.99


def test_an_interrupted_run_gives_the_same_store(tmp_path: Path) -> None:
    folder = make(tmp_path / "mvc")
    whole = prepare_mvc(MVC(folder), tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_mvc(MVC(folder), tmp_path / "store", stop)
    assert prepare_mvc(MVC(folder), tmp_path / "store").checksum == whole.checksum


def test_pairs_are_limited_to_those_of_the_paper(tmp_path: Path) -> None:
    folder = make(tmp_path / "mvc")
    report, _ = pack(tmp_path, folder, test=3, validation=0, pairs=20)
    assert report.pairs == {"train": 108, "test": 20}
    assert MVC(folder).pairs == 14_924
    assert "14,924" in MVC_DATA_SET.about


def test_folders_and_lists_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        prepare_mvc(MVC(tmp_path / "gone"), tmp_path / "store")
    folder = make(tmp_path / "mvc")
    (folder / "mvc_info.json").write_text("[]")
    with pytest.raises(ValueError, match=r"lengths differ: image_links\.json 48, mvc_info\.json 0"):
        prepare_mvc(MVC(folder), tmp_path / "store")
    (folder / "mvc_info.json").write_text('{"a": ')
    with pytest.raises(ValueError, match=r"mvc_info\.json is damaged"):
        prepare_mvc(MVC(folder), tmp_path / "store")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no photographs of MVC"):
        prepare_mvc(MVC(tmp_path / "empty"), tmp_path / "store")
