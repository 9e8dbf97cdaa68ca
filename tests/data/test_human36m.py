"""`prepare_human36m` on a small layout of videos, frames, masks and joints."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repose.data import Report, Store
from repose.data.human36m import Human36M, prepare_human36m
from repose.data.human36m_files import Masks, from_human36m, read_joints
from repose.data.packing import Refused
from repose.metrics import EvaluationSettings, evaluate
from repose.person import JOINTS
from repose.represent.canvas import to_uint8
from tests.data import people

VIDEOS = ("Posing.54138969", "Posing 1.54138969", "Greeting.55011271", "Directions.54138969", "Walking.54138969")


@pytest.fixture(autouse=True)
def _eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    people.seeing(monkeypatch)


def frames(count: int, shift: int = 0) -> list[np.ndarray]:
    return [people.draw(320, 320, {"red": (90 + shift + k // 10, 60, 200)}) for k in range(count)]


def masks(count: int, shift: int = 0) -> list[np.ndarray]:
    """The masks leave the lower half of the person out, to be told from estimated ones."""
    out = []
    for k in range(count):
        mask = np.zeros((320, 320, 3), np.uint8)
        mask[60:160, 90 + shift + k // 10 : 170 + shift + k // 10] = 255
        out.append(mask)
    return out


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Two subjects, a second of each video at 50 frames a second."""
    folder = tmp_path / "h36m"
    for shift, subject in enumerate(("S1", "S9")):
        for name in VIDEOS:
            people.save_video(folder / subject / "Videos" / f"{name}.mp4", frames(50, 10 * shift), rate=50)
            place = folder / subject / "MySegmentsMat" / "ground_truth_bs"
            people.save_video(place / f"{name}.mp4", masks(50, 10 * shift), rate=50)
        people.save_video(folder / subject / "Videos" / "_ALL.54138969.mp4", frames(5), rate=50)
    (folder / "README.txt").write_text("no subject")
    return folder


def pack(tmp_path: Path, folder: Path, **settings: Any) -> tuple[Report, Store]:
    report = prepare_human36m(Human36M(folder, **{"size": (128, 128), **settings}), tmp_path / "store")
    return report, Store.open(tmp_path / "store", verify=True)


def test_actions_are_split_as_the_paper_has_them(layout: Path, tmp_path: Path) -> None:
    report, store = pack(tmp_path, layout)
    assert report.left_out == ()
    assert report.photographs == {"train": 18, "test": 6}  # three frames a second
    assert report.people == {"train": 2, "test": 2}
    assert report.pairs == {"train": 2 * 9 * 8, "test": 2 * 3 * 2}
    assert "S1_Posing-1.54138969_000017.png" in store.names
    assert set(store.people) == {"S1", "S9"}
    assert not any("Walking" in name or "_ALL" in name for name in store.names)
    assert store.provenance["fps"] == 3
    settings = Human36M(layout)
    assert (settings.size, settings.train, settings.test) == ((1024, 1024), "Posing,Greeting", "Directions")


def test_the_background_is_white(layout: Path, tmp_path: Path) -> None:
    _, store = pack(tmp_path, layout)
    picture = to_uint8(store.person([0])[0].image)
    red = people._of_colour(picture, "red")
    assert 0.15 < red.mean() < 0.5
    assert ((picture == 255).all(-1) | red).mean() > 0.95
    assert store.provenance["estimators"] == {"mask": "box-mask-1"}


def test_masks_of_the_data_set(layout: Path, tmp_path: Path) -> None:
    _, store = pack(tmp_path, layout, masks="dataset", fields="mask")
    for index in range(len(store)):
        person = store.person([index])[0]
        mask, picture = person.mask[0].numpy() > 0.5, to_uint8(person.image)
        rows, _ = np.nonzero(mask)
        waist = float(person.keypoints[8, 1])  # half of the person, as the masks were written
        assert rows.max() < waist + 3
        assert (picture[~mask & (person.mask[0].numpy() < 0.01)] > 250).all()
        assert people._of_colour(picture, "red")[mask].mean() > 0.9, "the mask lies on its own frame"
    assert store.provenance["estimators"] == {}


def test_masks_in_matlab_files(tmp_path: Path) -> None:
    io = pytest.importorskip("scipy.io")
    cells = np.empty((1, 3), object)
    for k in range(3):
        cells[0, k] = (np.arange(12).reshape(3, 4) > k).astype(np.uint8)
    io.savemat(tmp_path / "Posing 1.54138969.mat", {"Masks": cells})
    read = Masks(tmp_path, "Posing 1.54138969")
    for k in (0, 2):
        assert torch.equal(read.of(k), torch.from_numpy((np.arange(12).reshape(1, 3, 4) > k).astype(np.float32)))
    with pytest.raises(Refused):
        read.of(3)
    with pytest.raises(Refused):
        Masks(tmp_path, "Greeting.54138969")


def test_masks_in_newer_matlab_files(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "Posing.54138969.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        cells = file.create_dataset("Masks", (3, 1), dtype=h5py.ref_dtype)
        for k in range(3):
            mask = (np.arange(12).reshape(3, 4) > k).astype(np.uint8)
            cells[k, 0] = file.create_dataset(f"mask{k}", data=mask.T).ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(128))
    read = Masks(tmp_path, "Posing.54138969")
    assert torch.equal(read.of(1), torch.from_numpy((np.arange(12).reshape(1, 3, 4) > 1).astype(np.float32)))
    with pytest.raises(Refused):
        read.of(3)


def numbered() -> np.ndarray:
    """32 joints at (10 k, 20 k)."""
    return np.stack([10.0 * np.arange(32), 20.0 * np.arange(32)], 1)


def test_joints_of_the_data_set_are_named_rightly() -> None:
    joints = from_human36m(torch.from_numpy(numbered()).float()[None])[0]
    for name, place in (("right_hip", 1), ("left_ankle", 8), ("left_wrist", 19), ("right_elbow", 26), ("nose", 14)):
        assert joints[JOINTS.index(name)].tolist() == [10 * place, 20 * place, 1]
    assert joints[JOINTS.index("neck")].tolist() == [210, 420, 1]  # between 17 and 25
    for name in ("right_eye", "left_eye", "right_ear", "left_ear"):
        assert joints[JOINTS.index(name)].tolist() == [0, 0, 0]


def test_joints_from_cdf_files(layout: Path, tmp_path: Path) -> None:
    cdfwrite = pytest.importorskip("cdflib.cdfwrite")
    body = people.joints((90, 60, 200))
    table = np.zeros((1, 50, 32, 2), np.float32)
    ours = {"right_hip": 1, "right_knee": 2, "right_ankle": 3, "left_hip": 6, "left_knee": 7, "left_ankle": 8,
            "nose": 14, "left_shoulder": 17, "left_elbow": 18, "left_wrist": 19, "right_shoulder": 25,
            "right_elbow": 26, "right_wrist": 27}  # fmt: skip
    for name, place in ours.items():
        table[:, :, place] = body[JOINTS.index(name), :2]
    place = layout / "S1" / "MyPoseFeatures" / "D2_Positions"
    place.mkdir(parents=True)
    for name in VIDEOS:
        spec = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": [50, 64]}
        file = cdfwrite.CDF(str(place / f"{name}.cdf"))
        file.write_var(spec, var_data=table.reshape(1, 50, 64))
        file.close()
    assert read_joints(place / "Posing.54138969.cdf").shape == (50, 18, 3)
    report, store = pack(tmp_path, layout, joints="dataset")
    assert people.Markers.asked == 0
    assert set(store.people) == {"S1"}
    assert {item.why for item in report.left_out} == {"no joints of the data set"}
    assert len(report.left_out) == 4, "the videos of S9"
    assert store.person([0])[0].keypoints[14:].eq(0).all(), "the data set has no eyes and ears"


def test_a_missing_reader_says_what_to_install(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cdflib", None)
    place = layout / "S1" / "MyPoseFeatures" / "D2_Positions"
    place.mkdir(parents=True)
    for name in VIDEOS:
        (place / f"{name}.cdf").write_bytes(b"\xcd\xf3\x00\x01")
    with pytest.raises(ImportError, match="pip install cdflib"):
        pack(tmp_path, layout, joints="dataset")


def test_folders_of_frames_and_validation(tmp_path: Path) -> None:
    for subject in ("S1", "S5", "S6"):
        for name in ("Posing.54138969", "Greeting.54138969", "Directions.54138969"):
            folder = tmp_path / "h36m" / subject / "Videos" / name
            folder.mkdir(parents=True)
            for number, frame in enumerate(frames(20), start=1):
                Image.fromarray(frame).save(folder / f"{number}.jpg", quality=95)
    report, store = pack(tmp_path, tmp_path / "h36m", validation=1)
    assert report.photographs == {"train": 8, "val": 4, "test": 6}  # 0 and 17 of 0 to 19
    assert report.people == {"train": 2, "val": 1, "test": 3}
    assert "S1_Posing.54138969_000017.png" in store.names


def test_an_interrupted_run_gives_the_same_store(layout: Path, tmp_path: Path) -> None:
    settings = Human36M(layout, size=(128, 128))
    whole = prepare_human36m(settings, tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_human36m(settings, tmp_path / "store", stop)
    asked = people.Markers.asked
    assert prepare_human36m(settings, tmp_path / "store").checksum == whole.checksum
    assert people.Markers.asked == asked + 9, "five of eight videos are there"


def test_a_broken_video_is_told(layout: Path, tmp_path: Path) -> None:
    path = layout / "S1" / "Videos" / "Posing.54138969.mp4"
    path.write_bytes(path.read_bytes()[:300])
    report, _ = pack(tmp_path, layout)
    assert next((item.name, item.why) for item in report.left_out) == ("S1/Posing.54138969", "broken video")
    assert report.photographs["train"] == 15


def test_the_protocol_of_hpn_measures_it(layout: Path, tmp_path: Path) -> None:
    _, store = pack(tmp_path, layout, size=(1024, 1024), train="Posing")
    settings = EvaluationSettings(features=False, limit=1)
    evaluation = evaluate("hpn-h36m@1", store, lambda pair: pair.target.image, settings)
    assert evaluation["generated"].scores["ssim"].value == pytest.approx(1)
    assert evaluation["generated"].scores["local_ssim"].value == pytest.approx(1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"test": "Driving"}, "has no video of Driving; there are Directions, Greeting, Posing, Walking"),
        ({"test": "Posing"}, "Posing: an action is for training or for the test"),
        ({"masks": "estimate"}, "--masks is estimated or dataset"),
        ({"joints": "given"}, "--joints is estimated or dataset"),
        ({"fps": 0.0}, "above 0"),
        ({"validation": 2}, "leaves none of the 2 training people"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str, layout: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        pack(tmp_path, layout, **settings)


def test_a_folder_that_is_no_human36m(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="in which S1 lies"):
        pack(tmp_path, tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"videos are S1/Videos/ACTION\.CAMERA\.mp4"):
        pack(tmp_path, tmp_path / "empty")
