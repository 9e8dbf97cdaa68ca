"""`prepare_deepfashion` on every layout of the field, with rendered people, real names and every kind of damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repose.cli.data_sets import DATA_SETS
from repose.data import Store, StoreWriter
from repose.data.deepfashion import DEEPFASHION, DeepFashion, prepare_deepfashion
from repose.data.deepfashion import prepare as module
from repose.data.deepfashion.fitting import fitted, fitted_map, joints_of_map, joints_on
from repose.data.deepfashion.names import NAME, flattened, item_of, original, person_of
from repose.data.deepfashion_layout import export_layout
from repose.data.packing import Refused
from repose.names import resolve
from repose.person import LIP_LABELS
from repose.render.unavailable import SyntheticUnavailable
from repose.represent.parsing import PINET_LABELS, TO_PINET, relabel

from .deepfashion_folders import Kind, names_for, write_folder

VIEWS = ("1front", "2side", "3back", "4full", "7additional")


def drawn_store(folder: Path, people: int = 8, pictures: int = 3) -> Store:
    """Figures of few colours, so that JPEG and scaling change them little, with joints and maps."""
    random = np.random.default_rng(3)
    labels = np.zeros((256, 176), np.uint8)
    for top, bottom, label in ((24, 40, "hair"), (40, 64, "face"), (64, 150, "upper clothes"), (150, 220, "pants")):
        labels[top:bottom, 60:116] = LIP_LABELS.index(label)
    labels[220:240, 60:84], labels[220:240, 92:116] = LIP_LABELS.index("right shoe"), LIP_LABELS.index("left shoe")
    iuv = np.zeros((256, 176, 3), np.uint8)
    iuv[64:150, 60:116] = (2, 100, 200)
    joints = np.array(
        [(88, 50), (88, 70), (66, 72), (64, 100), (64, 130), (110, 72), (112, 100), (112, 130), (74, 152), (74, 185),
         (74, 215), (102, 152), (102, 185), (102, 215), (84, 46), (92, 46), (78, 48), (98, 48)], np.float32
    )  # fmt: skip
    with StoreWriter(folder, 256, 176, "drawn") as writer:
        for person in range(people):
            colours = random.integers(0, 256, (20, 3), dtype=np.uint8)
            for _ in range(pictures):
                xyv = np.c_[joints + random.integers(-2, 3, (18, 2)), np.ones(18)].astype(np.float32)
                split = "test" if person >= people - 3 else "train"
                name = f"{person}_{len(writer)}"
                writer.add(name, str(person), colours[labels], xyv, labels, None, iuv, split)
    return Store.open(folder)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return drawn_store(tmp_path_factory.mktemp("drawn") / "store")


def invented(count: int) -> dict[str, list[str]]:
    """Names of outfits as DeepFashion has them, five views each."""
    kinds = ("MENTees_Tanks", "WOMENDresses", "WOMENRompers_Jumpsuits", "MENJackets_Vests")
    return {
        split: [
            f"fashion{kinds[k % 4]}id{k + start:08d}0{1 + k % 2}_{view}.jpg" for k in range(count) for view in VIEWS
        ]
        for split, start in (("train", 1), ("test", 5000))
    }


@pytest.fixture
def patn(drawn: Store, tmp_path: Path) -> Path:
    return write_folder(tmp_path / "fashion_data", drawn, names_for(drawn, invented(6)), "patn")


def reasons(folder: Path, out: Path, **settings: object) -> dict[str, list[str]]:
    report = prepare_deepfashion(DeepFashion(folder, validation=1, **settings), out)  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    for item in report.left_out:
        found.setdefault(item.why, []).append(item.name)
    return found


def test_names() -> None:
    name = "fashionWOMENRompers_Jumpsuitsid0000104507_1front.jpg"
    path = "WOMEN/Rompers_Jumpsuits/id_00001045/07_1_front.jpg"
    assert original(name) == path
    for given in (name, path, f"img/{path}", f"DeepFashion/img_highres/{path}", Path("img") / path, f"train/{name}"):
        assert flattened(given) == name
    assert person_of(name) == "WOMENRompers_Jumpsuitsid0000104507"
    assert item_of(person_of(name)) == "WOMENRompers_Jumpsuitsid00001045"
    for wrong in ("holiday.jpg", "img/WOMEN/Dresses/01_1_front.jpg", "img/WOMEN/Dresses/id_00000012/01_1_front.txt"):
        assert flattened(wrong) is None
    with pytest.raises(ValueError, match=r"holiday.jpg"):
        original("holiday.jpg")


def test_every_real_name_goes_to_its_path_and_back(shared: Path) -> None:
    if not (shared / "deepfashion").is_dir():
        pytest.skip("the lists of DeepFashion (../shared/deepfashion) are not here")
    for split, count, outfits in (("train", 48674, 12029), ("test", 4038, 1000)):
        names = (shared / "deepfashion" / f"{split}.lst").read_text().split()
        assert len(names) == count
        assert all(NAME.fullmatch(name) and flattened(f"img/{original(name)}") == name for name in names)
        assert len({person_of(name) for name in names}) == outfits


KINDS: tuple[Kind, ...] = ("patn", "gfla", "img", "img_highres")


@pytest.mark.parametrize("kind", KINDS)
def test_every_layout_gives_the_same_people(kind: Kind, drawn: Store, tmp_path: Path) -> None:
    names = names_for(drawn, invented(6))
    folder = write_folder(tmp_path / kind, drawn, names, kind, packed=kind == "img")
    report = prepare_deepfashion(DeepFashion(folder, validation=1), tmp_path / "s")
    assert report.left_out == ()
    assert report.photographs == {"train": 12, "val": 3, "test": 9}
    assert report.people == {"train": 4, "val": 1, "test": 3}
    assert report.pairs == {"train": 24, "val": 6, "test": 18}
    store = Store.open(tmp_path / "s", verify=True)
    assert store.size == (256, 176)
    for split, rows in names.items():
        for name, row in rows.items():
            mine, theirs = store.person([store.index(name)])[0], drawn.person([row])[0]
            assert torch.equal(mine.keypoints, theirs.keypoints)
            assert (mine.image - theirs.image).abs().mean() < 0.03
            assert store.people[store.index(name)] == person_of(name)
            assert split == "test" or not name.startswith("test")
    for split in ("train", "test"):
        for source, target in store.pairs(split).tolist():
            assert store.people[source] == store.people[target]


def test_rendered_people_with_real_names(shared: Path, tmp_path: Path) -> None:
    if not (shared / "deepfashion").is_dir():
        pytest.skip("the lists of DeepFashion (../shared/deepfashion) are not here")
    from repose.render.dataset import SYNTHETIC

    settings = SYNTHETIC.settings(people=8, images=4, size=(256, 176), style="fashion", seed=5, workers=1)
    try:
        SYNTHETIC.prepare(settings, tmp_path / "people")
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    people = Store.open(tmp_path / "people")
    lists = {split: (shared / "deepfashion" / f"{split}.lst").read_text().split() for split in ("train", "test")}
    names = names_for(people, lists)
    folder = write_folder(tmp_path / "fashion", people, names, "patn", maps=True)
    for split, real in lists.items():
        (folder / f"{split}.lst").write_text("\n".join(real))  # the whole list, though few pictures are here
    report = prepare_deepfashion(DeepFashion(folder, validation=1), tmp_path / "s")
    assert report.reasons.pop("listed without a picture") == 48674 + 4038 - sum(map(len, names.values()))
    assert not set(report.reasons) - {
        "listed without a picture",
        "unusable parsing file",
        "train pair without its photographs",
    }
    store = Store.open(tmp_path / "s", verify=True)
    assert store.fields == ("image", "keypoints", "parsing", "iuv")
    checked = 0
    for rows in names.values():
        for name, row in rows.items():
            if name in store.names:
                mine, theirs = store.person([store.index(name)])[0], people.person([row])[0]
                assert torch.equal(mine.iuv[0], theirs.iuv[0])
                assert (mine.iuv - theirs.iuv).abs().max() < 0.003
                labels = [relabel(one.parsing, TO_PINET, PINET_LABELS) for one in (mine, theirs)]
                assert torch.equal(*labels)  # LIP's 20 labels do not come back from PINet's 12, but these do
                checked += 1
    assert checked >= 20


def test_an_exported_layout_comes_back(drawn: Store, tmp_path: Path) -> None:
    export_layout(drawn, tmp_path / "out", png=True)
    report = prepare_deepfashion(DeepFashion(tmp_path / "out", validation=1), tmp_path / "s")
    assert report.left_out == ()
    assert report.photographs == {"train": 12, "val": 3, "test": 9}
    store = Store.open(tmp_path / "s")
    names = [line.split(",") for line in (tmp_path / "out" / "names.csv").read_text().splitlines()[1:]]
    for name, old, _, _ in names:
        mine, theirs = store.person([store.index(name)])[0], drawn.person([drawn.index(old)])[0]
        for field in ("image", "keypoints", "parsing", "iuv"):
            assert torch.equal(getattr(mine, field), getattr(theirs, field)), field


def test_squares_lose_their_margins_and_large_pictures_are_scaled() -> None:
    random = np.random.default_rng(0)
    inside = random.integers(0, 256, (256, 176, 3), dtype=np.uint8)
    square = np.full((256, 256, 3), 255, np.uint8)
    square[:, 40:216] = inside
    assert np.array_equal(fitted(square, (256, 176)), inside)
    ramp = np.zeros((1101, 750, 3), np.uint8)
    ramp[550:] = 200
    small = fitted(ramp, (256, 176))
    assert small.shape == (256, 176, 3)
    assert small[:126].max() == 0
    assert small[131:].min() == 200
    assert fitted(ramp, (512, 352)).shape == (512, 352, 3)
    with pytest.raises(Refused, match="too small"):
        fitted(inside, (512, 352))
    with pytest.raises(Refused, match="wrong size"):
        fitted(np.zeros((128, 64, 3), np.uint8), (256, 176))
    labels = random.integers(0, 20, (256, 256), dtype=np.uint8)
    assert np.array_equal(fitted_map(labels, (256, 176)), labels[:, 40:216])


def test_joints_of_both_frames_and_of_maps() -> None:
    joints = torch.zeros(18, 3)
    joints[0] = torch.tensor([50.0, 60.0, 1.0])
    square = joints.clone()
    square[0, 0] = 90
    square[1] = torch.tensor([10.0, 60.0, 1.0])  # in the white margin
    assert torch.equal(joints_on(joints, "flat", (256, 176)), joints)
    assert torch.equal(joints_on(square, "square", (256, 176)), joints)
    assert joints_on(joints, "flat", (512, 352))[0].tolist() == [100.5, 120.5, 1]
    assert joints_of_map(joints, (256, 176), (256, 256))[0].tolist() == [90, 60, 1]
    assert joints_of_map(joints, (256, 176), (256, 256))[1].tolist() == [0, 0, 0]
    joints[3] = torch.tensor([20.0, 300.0, 1.0])
    with pytest.raises(Refused, match="another size"):
        joints_on(joints, "flat", (256, 176))


def test_the_frame_of_joints_is_told_by_their_range(patn: Path, drawn: Store, tmp_path: Path) -> None:
    prepare_deepfashion(DeepFashion(patn, validation=1), tmp_path / "right")
    for split in ("train", "test"):
        path = patn / f"fasion-resize-annotation-{split}.csv"
        header, *rows = path.read_text().splitlines()
        moved = []
        for line in rows:
            name, y, x = line.split(":")
            moved.append(f"{name}:{y}: {[int(v) + 100 if int(v) >= 0 else -1 for v in x.strip('[] ').split(',')]}")
        path.write_text("\n".join([header, *moved]) + "\n")  # beyond column 176: no frame of 176x256
    prepare_deepfashion(DeepFashion(patn, validation=1), tmp_path / "square")
    right, square = (Store.open(tmp_path / name) for name in ("right", "square"))
    joints = [store.person([0], ["keypoints"]).keypoints[0] for store in (right, square)]
    assert torch.equal(joints[0][:, 0] + 60, joints[1][:, 0])  # 100 to the right, 40 of them the margin
    bad = "fasion-resize-annotation-test.csv"
    rows = (patn / bad).read_text().splitlines()
    name, y, x = rows[1].split(":")
    rows[1] = f"{name}: {[5] * 18}: {[400] * 18}"
    (patn / bad).write_text("\n".join(rows) + "\n")
    with pytest.raises(ValueError, match=r"x=400.*176x256.*256x256"):
        prepare_deepfashion(DeepFashion(patn, validation=1), tmp_path / "wide")


def test_training_pairs_without_a_list_need_hips_and_shoulders(patn: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (patn / f"fasion-resize-pairs-{split}.csv").unlink()
    path = patn / "fasion-resize-annotation-train.csv"
    header, first, *rows = path.read_text().splitlines()
    name, y, x = first.split(":")
    values = x.strip("[] ").split(",")
    values[8] = " -1"
    path.write_text("\n".join([header, f"{name}:{y}: [{','.join(values)}]", *rows]) + "\n")
    report = prepare_deepfashion(DeepFashion(patn, validation=0), tmp_path / "s")
    assert report.pairs == {"train": 5 * 6 - 4, "test": 18}
    assert report.left_out == ()


def test_joints_are_estimated_where_there_is_no_csv(
    patn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fixed:
        name = "fixed-1"

        def crops(self, images: list[np.ndarray]) -> torch.Tensor:
            assert images[0].shape == (256, 176, 3)
            return torch.ones(len(images), 18, 3)

    monkeypatch.setattr(module, "estimator", lambda: Fixed())
    (patn / "fasion-resize-annotation-test.csv").unlink()
    prepare_deepfashion(DeepFashion(patn, validation=0), tmp_path / "auto")
    store = Store.open(tmp_path / "auto")
    assert json.loads((store.folder / "meta.json").read_text())["provenance"]["keypoints"] == {
        "train": "fasion-resize-annotation-train.csv (flat)",
        "test": "fixed-1",
    }
    assert (store.person(store.split("test"), ["keypoints"]).keypoints == 1).all()
    assert not (store.person(store.split("train"), ["keypoints"]).keypoints == 1).all()
    prepare_deepfashion(DeepFashion(patn, validation=0, keypoints="estimate"), tmp_path / "all")
    every = Store.open(tmp_path / "all")
    assert (every.person(every.split("train"), ["keypoints"]).keypoints == 1).all()
    with pytest.raises(FileNotFoundError, match="fasion-resize-annotation-test"):
        prepare_deepfashion(DeepFashion(patn, keypoints="csv"), tmp_path / "csv")


def test_every_kind_of_damage_is_named_counted_and_skipped(patn: Path, tmp_path: Path) -> None:
    train, names = patn / "train", (patn / "train.lst").read_text().split()
    (train / names[0]).write_bytes(b"this is a text")
    (train / names[1]).write_bytes((train / names[1]).read_bytes()[:-2000])
    Image.new("RGB", (64, 128)).save(train / names[2])
    (train / names[3]).unlink()
    (train / "holiday.jpg").write_bytes(b"")
    (train / "Thumbs.db").write_bytes(b"")
    extra = "fashionWOMENDressesid0009999901_1front.jpg"
    Image.new("RGB", (176, 256)).save(train / extra)
    (train / "again").mkdir()
    Image.new("RGB", (176, 256)).save(train / "again" / names[4])
    csv = patn / "fasion-resize-annotation-train.csv"
    rows = csv.read_text().splitlines()
    at = next(k for k, line in enumerate(rows) if line.startswith(names[5]))
    csv.write_text(
        "\n".join([*rows[:at], *rows[at + 1 :], "fashionWOMENDressesid0009999801_1front.jpg: [1]: [2]"]) + "\n"
    )
    test = (patn / "test.lst").read_text().split()
    with (patn / "fasion-resize-pairs-test.csv").open("a") as file:
        file.write(f"{test[0]},{test[-1]}\n{test[0]},{extra}\n{test[0]}\n")
    found = reasons(patn, tmp_path / "s")
    assert found.pop("broken photograph") == names[:2]
    assert found.pop("wrong size") == [names[2]]
    assert found.pop("row without a picture") == [names[3]]
    assert found.pop("listed without a picture") == [names[3]]
    assert found.pop("picture without a row") == [names[5]]
    assert found.pop("not on the list") == [extra]
    assert found.pop("no name of DeepFashion") == ["holiday.jpg"]
    assert found.pop("not a photograph") == ["Thumbs.db"]
    assert [Path(name).name for name in found.pop("duplicate name")] == [names[4]]
    assert found.pop("test pair of two people") == [f"{test[0]} -> {test[-1]}"]
    assert found.pop("test pair without its photographs") == [f"{test[0]} -> {extra}"]
    bad = found.pop("bad row")
    assert len(bad) == 2
    assert "fashionWOMENDressesid0009999801_1front.jpg" in bad
    assert (
        len(found.pop("train pair without its photographs")) + len(found.pop("val pair without its photographs", []))
        > 0
    )
    assert found == {}


def test_maps_are_found_and_missing_ones_are_reported(drawn: Store, tmp_path: Path) -> None:
    names = names_for(drawn, invented(6))
    folder = write_folder(tmp_path / "f", drawn, names, "patn", maps=True)
    first, second, third = list(names["train"])[:3]
    (folder / "trainSPL8" / first.replace(".jpg", ".png")).unlink()
    (folder / "iuv" / "train" / second.replace(".jpg", "_IUV.png")).write_bytes(b"no picture")
    Image.new("L", (176, 256), 30).save(folder / "trainSPL8" / third.replace(".jpg", ".png"))  # PINet has 12 labels
    found = reasons(folder, tmp_path / "s")
    assert found.pop("picture without a parsing map") == [first]
    assert found.pop("unusable iuv file") == [second]
    assert found.pop("unusable parsing file") == [third]
    store = Store.open(tmp_path / "s")
    name = store.names[0]
    mine, theirs = store.person([0])[0], drawn.person([names["train"][name]])[0]
    assert torch.equal(mine.parsing, theirs.parsing)
    assert torch.equal(mine.iuv, theirs.iuv)
    report = prepare_deepfashion(DeepFashion(folder, validation=1, ignore_maps=True), tmp_path / "plain")
    assert report.left_out == ()
    assert Store.open(tmp_path / "plain").fields == ("image", "keypoints")
    (folder / "maps").mkdir()
    for split in ("train", "test"):
        (folder / f"{split}SPL8").rename(folder / "maps" / split)
    again = reasons(folder, tmp_path / "given", parsing=folder / "maps", labels="pinet")
    assert again["picture without a parsing map"] == [first]
    with pytest.raises(FileNotFoundError, match="nowhere is no folder"):
        prepare_deepfashion(DeepFashion(folder, parsing=tmp_path / "nowhere"), tmp_path / "x")


def encrypted(path: Path) -> None:
    """Set the flag of encryption in every entry of a zip file, as its reader sees it."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    path.write_bytes(data)


def no_lists(folder: Path) -> None:
    for path in (*folder.glob("*.lst"), *folder.glob("*annotation*")):
        path.unlink()


def wrong_delimiter(folder: Path) -> None:
    path = folder / "fasion-annotation-train.csv"
    path.write_text(path.read_text().replace(":", ";"))


def in_both(folder: Path) -> None:
    with (folder / "test.lst").open("a") as file:
        file.write((folder / "train.lst").read_text())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: encrypted(folder / "img.zip"), r"img.zip is encrypted: unpack it with the password"),
        (lambda folder: (folder / "img.zip").write_bytes(b"cut"), r"img.zip is damaged or no zip"),
        (lambda folder: (folder / "img.zip").unlink(), r"neither train/ and test/ nor img/"),
        (no_lists, r"no train.lst.*fetch train.lst"),
        (wrong_delimiter, r"fasion-annotation-train.csv, line 1: .*name:keypoints_y:keypoints_x"),
        (in_both, r"are in both train and test"),
    ],
)
def test_what_cannot_be_used_at_all_is_a_clear_error(
    damage: Callable[[Path], None], message: str, drawn: Store, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "f", drawn, names_for(drawn, invented(6)), "img", packed=True)
    damage(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        prepare_deepfashion(DeepFashion(folder, validation=1), tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (128, 64)}, "256x176"),
        ({"pictures": "pictures"}, "img_highres"),
        ({"keypoints": "guess"}, "estimate"),
        ({"validation": 5}, r"leaves none of the 5 training people"),
    ],
)
def test_wrong_settings(settings: dict[str, object], message: str, patn: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        prepare_deepfashion(DeepFashion(patn, **settings), tmp_path / "s")  # type: ignore[arg-type]


class Stopped(Exception):  # noqa: N818
    pass


def test_what_was_interrupted_goes_on(patn: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):  # the pairs are made of the joints of all records, also of those before the stop
        (patn / f"fasion-resize-pairs-{split}.csv").unlink()
    settings = DeepFashion(patn, validation=1)
    prepare_deepfashion(settings, tmp_path / "unbroken")
    for stop in (1, 9, 20):

        def interrupted(done: int, total: int, stop: int = stop) -> None:
            if done == stop:
                raise Stopped

        with pytest.raises(Stopped):
            prepare_deepfashion(settings, tmp_path / "s", interrupted)
        assert not (tmp_path / "s").exists()
    prepare_deepfashion(settings, tmp_path / "s")
    unbroken, resumed = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("unbroken", "s")
    )
    assert resumed == unbroken


def test_a_large_store(drawn: Store, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", drawn, names_for(drawn, invented(6)), "img_highres")
    prepare_deepfashion(DeepFashion(folder, size=(512, 352), validation=1), tmp_path / "s")
    store = Store.open(tmp_path / "s")
    assert store.size == (512, 352)
    person = store.person([0])[0]
    assert person.keypoints[0, 1] % 2 == 0.5  # whole pixels of 256x176, twice as large


def test_the_data_set_is_in_the_table_of_the_command() -> None:
    assert resolve(DATA_SETS["deepfashion"][1]) is DEEPFASHION
    assert DEEPFASHION.title(DeepFashion(Path("x"), size=(512, 352))) == "deepfashion-512x352"
