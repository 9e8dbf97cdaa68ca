"""The same figure in the files of many tools is read as the same pose; what is missing, empty or garbage is told."""

import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.person import JOINTS, Person
from repose.represent.pose_files import FormatError, read_keypoints, read_pose_file, read_poses
from repose.represent.pose_files.arrays import is_joints, read_array
from repose.represent.pose_files.reading import is_pose_file, split_name
from tests.represent.poses import (
    PLACES,
    REFERENCE,
    SIZE,
    flat,
    landmarks,
    objects,
    points,
    whole,
    written,
)

H, W = SIZE
BODY18, BODY25, COCO = points("openpose18"), points("body25"), points("coco17")
SHARES = [[x / W, y / H, s] for x, y, s in BODY18]
PLAIN = [[x, y] for x, y, _ in BODY18]
INSTANCE = {"keypoints": [row[:2] for row in COCO], "keypoint_scores": [0.9] * 17, "bbox": [[1, 2, 3, 4]]}
CANVAS = {"canvas_height": H, "canvas_width": W}
BARE = {"face_keypoints_2d": None, "hand_left_keypoints_2d": None, "hand_right_keypoints_2d": None}


def person(rows: list[list[float]], key: str = "pose_keypoints_2d", **more: object) -> dict[str, object]:
    return {key: flat(rows), **more}


VARIANTS: dict[str, object] = {
    "OpenPose BODY-25": {"version": 1.3, "people": [person(BODY25, person_id=[-1], face_keypoints_2d=[])]},
    "OpenPose BODY-25 with feet": {"people": [person(whole("body25"))]},
    "OpenPose BODY-25B": {"people": [person(whole("body25b"))]},
    "OpenPose COCO-18": {"version": 1.1, "people": [person(BODY18)]},
    "OpenPose before 1.1": {"people": [person(BODY18, "pose_keypoints")]},
    "OpenPose, null for a missing list": {"people": [person(BODY18), {"pose_keypoints_2d": None}]},
    "ControlNet": {"people": [person(BODY18, **BARE)], **CANVAS},
    "ControlNet in shares": {"people": [person(SHARES, **BARE)], **CANVAS},
    "ComfyUI, a list of one frame": [{"people": [person(BODY18, **BARE)], "animals": [], **CANVAS}],
    "ComfyUI in shares": [{"people": [person(SHARES, **BARE)], **CANVAS}],
    "editor with width and height": {"people": [person(BODY18)], "width": W, "height": H},
    "editor, people": {"width": W, "height": H, "keypoints": [PLAIN]},
    "editor, one person": {"width": W, "height": H, "keypoints": PLAIN},
    "editor, numbers alone": {"width": W, "height": H, "keypoints": flat(PLAIN, 2)},
    "editor in shares": {"width": W, "height": H, "keypoints": [[row[:2] for row in SHARES]]},
    "editor, with scores": {"width": W, "height": H, "keypoints": [BODY18]},
    "COCO annotations": {
        "images": [{"id": 1, "file_name": "a.jpg", "height": H, "width": W}],
        "annotations": [{"image_id": 1, "iscrowd": 0, "keypoints": flat([[x, y, 2] for x, y, _ in COCO])}],
    },
    "Halpe annotations": {
        "images": [{"id": 1, "file_name": "a.jpg", "height": H, "width": W}],
        "annotations": [
            {"image_id": 1, "keypoints": flat([[x, y, 2] for x, y, _ in whole("halpe26")]) + [9, 9, 2] * 110}
        ],
    },
    "BODY-25B as results": [{"image_id": 7, "category_id": 1, "keypoints": flat(whole("body25b")), "score": 0.8}],
    "COCO results": [{"image_id": 7, "category_id": 1, "keypoints": flat(COCO), "score": 0.8}],
    "mmpose 0.x": [{"image_name": "a.jpg", "bbox": [0, 0, 1, 1], "keypoints": COCO}],
    "mmpose 1.x, a picture": [INSTANCE],
    "mmpose 1.x, a video": {"meta_info": {}, "instance_info": [{"frame_id": 1, "instances": [INSTANCE]}]},
    "mmpose 1.x, demo of a picture": {"meta_info": {"dataset_name": "coco"}, "instance_info": [INSTANCE]},
    "mmpose 1.x, frames": [{"frame_id": 0, "instances": [INSTANCE]}],
    "mmpose 1.x, returned": {"predictions": [[INSTANCE]], "visualization": []},
    "mmpose 1.x, names": {
        "meta_info": {"keypoint_id2name": {str(n): name for n, name in enumerate([*JOINTS, "a", "b"])}},
        "instance_info": [{"keypoints": [*PLAIN, [1, 1], [2, 2]], "keypoint_scores": [0.9] * 20}],
    },
    "AlphaPose": [{"image_id": "a.jpg", "keypoints": flat(COCO), "score": 2.7, "box": [1, 2, 3, 4], "idx": [0.0]}],
    "AlphaPose Halpe 26": [{"image_id": "a.jpg", "keypoints": flat(whole("halpe26")), "score": 2.7}],
    "AlphaPose Halpe 136": [{"image_id": "a.jpg", "keypoints": flat(whole("halpe26")) + [300, 99, 0.5] * 110}],
    "AlphaPose cmu": {"a.jpg": {"version": "AlphaPose v0.3", "bodies": [person(BODY18, "joints")]}},
    "AlphaPose cmu, sep-json": {"version": "AlphaPose v0.3", "bodies": [person(BODY18, "joints")]},
    "AlphaPose open": {"a.jpg": {"version": "AlphaPose v0.3", "people": [person(BODY18)]}},
    "COCO-WholeBody": [{"image_id": "a.jpg", "keypoints": flat(COCO) + [300, 99, 0.5] * 116}],
    "MediaPipe landmarks": {"landmarks": landmarks(), "width": W, "height": H},
    "MediaPipe, people": {"pose_landmarks": [landmarks()], "image_width": W, "image_height": H},
    "MediaPipe, JavaScript": {"poseLandmarks": landmarks(), "width": W, "height": H},
    "MediaPipe, protobuf": {"pose_landmarks": {"landmark": landmarks()}, "width": W, "height": H},
    "tfjs MoveNet": [{"score": 0.8, "keypoints": objects("coco17")}],
    "tfjs, one pose": {"score": 0.8, "keypoints": objects("coco17")},
    "tfjs, points alone": objects("coco17"),
    "tfjs, any order": [{"keypoints": objects("coco17")[::-1]}],
    "tfjs BlazePose": [{"score": 0.8, "keypoints": objects("blazepose33"), "keypoints3D": []}],
    "Ultralytics": [{"name": "person", "class": 0, "confidence": 0.9, "box": {}, "keypoints": {
        "x": [row[0] for row in COCO], "y": [row[1] for row in COCO], "visible": [0.9] * 17}}],
    "Dress Code": {"keypoints": [[*row, number] for number, row in enumerate(BODY18)]},
    "an array (18, 3)": BODY18,
    "an array (17, 2)": [row[:2] for row in COCO],
    "an array (1, 25, 3)": [BODY25],
}  # fmt: skip
VARIANTS["PoseNet"] = [
    {
        "score": 0.9,
        "keypoints": [
            {"score": 0.9, "part": word, "position": {"x": x, "y": y}}
            for word, (x, y, _) in zip(
                [
                    "nose",
                    "leftEye",
                    "rightEye",
                    "leftEar",
                    "rightEar",
                    "leftShoulder",
                    "rightShoulder",
                    "leftElbow",
                    "rightElbow",
                    "leftWrist",
                    "rightWrist",
                    "leftHip",
                    "rightHip",
                    "leftKnee",
                    "rightKnee",
                    "leftAnkle",
                    "rightAnkle",
                ],
                COCO,
                strict=True,
            )
        ],
    }
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_the_reference(variant: str, tmp_path: Path) -> None:
    path = written(tmp_path, VARIANTS[variant], "photo.txt")  # the content decides, not the name
    assert is_pose_file(path)
    ((name, one),) = read_poses(path).items()
    assert name in ("photo", "a.jpg", "7")
    assert one.keypoints is not None
    torch.testing.assert_close(one.keypoints, REFERENCE, rtol=0, atol=0.51)
    if "canvas_height" in json.dumps(VARIANTS[variant]) or "height" in json.dumps(VARIANTS[variant])[:400]:
        assert one.size == SIZE


def test_points_that_are_left_out_by_name(tmp_path: Path) -> None:
    some = [one for one in objects("coco17") if "ear" not in str(one["name"])]
    found = read_keypoints(written(tmp_path, [{"keypoints": some}]))["pose"]
    assert [JOINTS[number] for number in range(18) if not found[number, 2]] == ["right_ear", "left_ear"]


def test_frames_and_folders(tmp_path: Path) -> None:
    frames = [{"people": [person([[x + 9 * number, y, s] for x, y, s in BODY18])]} for number in range(3)]
    path = written(tmp_path, [*frames, {"people": []}])
    file = read_pose_file(path)
    assert list(file.poses) == ["frame_0", "frame_1", "frame_2", "frame_3"]
    assert list(file.posed()) == ["frame_0", "frame_1", "frame_2"]
    assert file.notes() == ["skipped: 1 picture without a pose (frame_3)"]
    assert float(read_keypoints(path)["frame_2"][0, 0]) == PLACES["nose"][0] + 18
    folder = tmp_path / "video"
    folder.mkdir()
    for number, frame in enumerate([*frames, {"people": []}]):
        written(folder, frame, f"clip_{number:03}_keypoints.json")
    written(folder, [{"image_id": name, "keypoints": flat(COCO)} for name in ("a.jpg", "b.jpg")], "results.json")
    file = read_pose_file(folder)
    assert list(file.poses) == ["clip_000", "clip_001", "clip_002", "clip_003", "results/a.jpg", "results/b.jpg"]
    assert file.notes() == ["skipped: 1 picture without a pose (clip_003)"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="the folder holds no pose files"):
        read_pose_file(tmp_path / "empty")


def test_numpy_files(tmp_path: Path) -> None:
    np.save(tmp_path / "me.npy", np.array(BODY18))
    torch.testing.assert_close(read_keypoints(tmp_path / "me.npy")["me"], REFERENCE)
    np.save(tmp_path / "odd.npy", np.zeros((19, 3)))
    with pytest.raises(FormatError, match=r"shape \(19, 3\).*17 \(coco17\).*from_skeleton"):
        read_keypoints(tmp_path / "odd.npy")


# -- missing joints -------------------------------------------------------------------------------------------------


def low(rows: list[list[float]], names: tuple[str, ...], score: float, order: tuple[str, ...]) -> list[list[float]]:
    return [[9.0, 700.0, score] if name in names else row for name, row in zip(order, rows, strict=True)]


STRAY = ("right_knee", "right_ankle", "left_knee", "left_ankle")


@pytest.mark.parametrize(("score", "count"), [(0.03, 14), (0.2, 14), (0.3, 18), (0.9, 18)])
def test_a_joint_of_low_score_is_missing(score: float, count: int, tmp_path: Path) -> None:
    file = read_pose_file(written(tmp_path, {"people": [person(low(BODY18, STRAY, score, JOINTS))]}))
    found = file.poses["pose"].keypoints
    assert found is not None
    assert int((found[:, 2] > 0).sum()) == count
    if count == 14:
        assert file.dropped == 4
        assert file.notes() == [
            "4 joints have a score below 0.3 and count as missing; --min-score (min_score) changes this"
        ]
        assert found[JOINTS.index("left_ankle")].tolist() == [0, 0, 0]
    else:
        assert file.notes() == []
    all_of_them = read_pose_file(file.path, min_score=0).poses["pose"].keypoints
    assert all_of_them is not None
    assert all_of_them[:, 2].min() == 1


def test_every_format_with_scores_drops_joints(tmp_path: Path) -> None:
    from repose.represent.keypoints import SKELETONS

    rows = low(COCO, STRAY, 0.05, SKELETONS["coco17"])
    for data in (
        [{"image_id": "a", "keypoints": flat(rows), "score": 2.1}],
        [{"image_name": "a", "keypoints": rows}],
        [{"keypoints": [row[:2] for row in rows], "keypoint_scores": [row[2] for row in rows]}],
        [{"keypoints": [{"x": x, "y": y, "score": s} for x, y, s in rows]}],
    ):
        file = read_pose_file(written(tmp_path, data))
        (one,) = file.poses.values()
        assert one.keypoints is not None
        assert int((one.keypoints[:, 2] > 0).sum()) == 14, data
        assert file.dropped == 4


def test_occluded_is_no_low_score(tmp_path: Path) -> None:
    data = {"annotations": [{"image_id": 1, "keypoints": flat([[x, y, 1] for x, y, _ in COCO])}]}
    found = read_keypoints(written(tmp_path, data), min_score=0.9)["1"]
    assert found[:, 2].tolist() == [0.5] * 18


@pytest.mark.parametrize("place", [[0, 0], [-1, -1]])
@pytest.mark.parametrize("third", [0.9, 1, 2])
def test_marks_of_missing_joints_count_whatever_their_score(place: list[float], third: float, tmp_path: Path) -> None:
    rows = [[*place, third], *[[x, y, third] for x, y, _ in COCO[1:]]]
    marked = [[*place, third], *[[x, y, third] for x, y, _ in BODY18[1:]]]
    for data in (
        {"people": [{"pose_keypoints_2d": flat(marked)}]},
        [{"image_id": "a", "keypoints": flat(rows)}],
        {"annotations": [{"image_id": 1, "keypoints": flat(rows)}]},
        {"width": W, "height": H, "keypoints": [[row[:2] for row in marked]]},
        {"people": [person([[*place, third], *SHARES[1:]])], **CANVAS},
    ):
        (found,) = read_keypoints(written(tmp_path, data)).values()
        assert found[0].tolist() == [0, 0, 0], data
        assert int((found[:, 2] > 0).sum()) == 17


def test_people_without_joints_are_skipped(tmp_path: Path) -> None:
    empty = {"keypoints": [0] * 51, "num_keypoints": 0}
    data = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "height": H, "width": W} for n in (139, 285, 300)],
        "annotations": [
            {"image_id": 139, "keypoints": flat([[x, y, 2] for x, y, _ in COCO]), "iscrowd": 0},
            {"image_id": 285, **empty, "iscrowd": 0},
            {"image_id": 139, **empty, "iscrowd": 1},
            {"image_id": 300, "bbox": [1, 2, 3, 4]},
        ],
    }
    file = read_pose_file(written(tmp_path, data))
    assert list(file.posed()) == ["139.jpg"]
    assert file.notes() == ["skipped: 2 pictures without a pose (285.jpg, 300.jpg)"]
    torch.testing.assert_close(file.poses["139.jpg"].keypoints, REFERENCE)
    many = {**data, "annotations": [{"image_id": n, **empty} for n in range(9)] + data["annotations"][:1]}  # type: ignore[operator]
    (note,) = read_pose_file(written(tmp_path, many)).notes()
    assert note == "skipped: 9 pictures without a pose (0, 1, 2, ...)"


def test_hands_and_faces_are_no_body(tmp_path: Path) -> None:
    data = {"people": [{"pose_keypoints_2d": [], "face_keypoints_2d": [1] * 210, "hand_left_keypoints_2d": [2] * 63}]}
    with pytest.raises(FormatError, match="the file has no body, only face_keypoints_2d, hand_left_keypoints_2d"):
        read_poses(written(tmp_path, data))
    with pytest.raises(FormatError, match=r"21 points.*hands or a face, not of a body"):
        read_poses(written(tmp_path, [{"keypoints": [[1, 2]] * 21, "keypoint_scores": [1] * 21}]))


# -- shares of the picture ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(768, 512), (720, 1280), (4000, 300)])
@pytest.mark.parametrize("below", [1.04, 1.3, 2.5])
def test_a_joint_outside_does_not_make_pixels_of_shares(size: tuple[int, int], below: float, tmp_path: Path) -> None:
    height, width = size
    rows = [list(row) for row in SHARES]
    rows[10][1] = below
    rows[4][0] = -0.2
    canvas = {"canvas_height": height, "canvas_width": width}
    shares = read_keypoints(written(tmp_path, {"people": [person(rows)], **canvas}))["pose"]
    pixels = [[x * width, y * height, s] for x, y, s in rows]
    told = read_keypoints(written(tmp_path, {"people": [person(pixels)], **canvas}))["pose"]
    assert float((shares - told).abs().max()) <= 0.51


def test_shares_need_a_size(tmp_path: Path) -> None:
    for data in ({"people": [person(SHARES)]}, landmarks(), [[x, y] for x, y, _ in SHARES]):
        path = written(tmp_path, data)
        with pytest.raises(FormatError, match=r"normalised coordinates \(0 to 1\): give size=.*--target-size"):
            read_poses(path)
        found = read_poses(path, size=SIZE)["pose"]
        torch.testing.assert_close(found.keypoints, REFERENCE, rtol=0, atol=0.51)
        assert found.size == SIZE
    with pytest.raises(FormatError, match="world landmarks are metres"):
        read_poses(written(tmp_path, {"pose_world_landmarks": landmarks()}))


def test_visibility_may_be_a_logit(tmp_path: Path) -> None:
    points = landmarks()
    for one in points:
        one["visibility"] = 4.0
    points[23]["visibility"] = -4.0  # the left hip
    found = read_keypoints(written(tmp_path, {"landmarks": points, "width": W, "height": H}))["pose"]
    assert found[JOINTS.index("left_hip")].tolist() == [0, 0, 0]
    assert int((found[:, 2] > 0).sum()) == 17


# -- several people -------------------------------------------------------------------------------------------------

SMALL = [[x * 0.3 + 5, y * 0.3 + 400, 0.95] for x, y, _ in BODY18]
MIDDLE = [[x * 0.2 + 190, y * 0.2 + 500, 0.6] for x, y, _ in BODY18]


@pytest.mark.parametrize(
    ("which", "x"),
    [("largest", 256), (0, 256), (1, 81.8), (2, 241.2), ("best", 81.8), ("left", 81.8), ("right", 256),
     ("middle", 256)],
)  # fmt: skip
def test_one_of_several_people(which: object, x: float, tmp_path: Path) -> None:
    people = [person(rows) for rows in (MIDDLE, SMALL, BODY18, [[0, 0, 0]] * 18)]
    path = written(tmp_path, {"people": people, **CANVAS})
    assert float(read_keypoints(path, person=which)["pose"][0, 0]) == pytest.approx(x)  # type: ignore[arg-type]


def test_people_who_are_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, {"people": [person(BODY18), person(SMALL)]})
    with pytest.raises(FormatError, match="person 7 was asked for, but 2 found in pose: use 0 to 1, 0 is the largest"):
        read_poses(path, person=7)
    with pytest.raises(ValueError, match="'largest', 'best', 'left', 'right', 'middle' or a number is wanted"):
        read_poses(path, person="first")  # type: ignore[arg-type]
    ones = [[x, y, 1.0] for x, y, _ in BODY18]
    with pytest.raises(FormatError, match="there are no scores in pose to choose the best person by"):
        read_poses(written(tmp_path, {"people": [person(ones), person([[x / 2, y / 2, 1] for x, y, _ in ones])]}),
                   person="best")  # fmt: skip
    scored = [{"image_id": "a", "keypoints": flat([[x, y, 1] for x, y, _ in COCO]), "score": s} for s in (0.5, 2.5)]
    scored[1]["keypoints"] = flat([[x / 2, y / 2, 1] for x, y, _ in COCO])
    found = read_keypoints(written(tmp_path, scored), person="best")["a"]
    assert float(found[0, 0]) == PLACES["nose"][0] / 2, "the score of the person decides where the joints have none"


# -- one entry of a big file ----------------------------------------------------------------------------------------


def test_one_entry_by_name(tmp_path: Path) -> None:
    entries = [{"image_id": f"{n:03}.jpg", "keypoints": flat(points("coco17", shift=n))} for n in range(5)]
    entries.append({"image_id": "bad.jpg", "keypoints": [1, 2]})
    path = written(tmp_path, entries)
    assert list(read_pose_file(path, name="002.jpg").poses) == ["002.jpg"], "what is wrong elsewhere does not matter"
    assert list(read_pose_file(path, name="003").poses) == ["003.jpg"], "without its ending"
    with pytest.raises(ValueError, match=r"pose.json has no pose called '004.jpeg'; did you mean '004.jpg'\?"):
        read_pose_file(path, name="004.jpeg")
    with pytest.raises(FormatError, match="2 numbers"):
        read_pose_file(path, name="bad.jpg")
    assert split_name(f"{path}#a#b") == (path, "a#b")
    assert split_name(path) == (path, "")


def test_a_file_of_the_size_of_val2017_is_read_fast(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = [{"id": n, "file_name": f"{n:012}.jpg", "height": 480, "width": 640, "date": "2013-11-14 17:02:52",
               "coco_url": f"http://images.cocodataset.org/val2017/{n:012}.jpg"} for n in range(5000)]  # fmt: skip
    outline = np.round(rng.uniform(0, 640, (60,)), 2).tolist()
    joints = [
        np.where(rng.random((17, 1)) < 0.6, rng.integers(1, 480, (17, 3)) * [1, 1, 0] + [0, 0, 2], 0) for _ in range(50)
    ]
    annotations = [
        {"segmentation": [outline], "num_keypoints": 17, "area": 1.5, "iscrowd": 0, "image_id": n % 2700, "id": n,
         "keypoints": joints[n % 50].ravel().tolist(), "bbox": [1.0, 2.0, 3.0, 4.0], "category_id": 1}
        for n in range(11004)
    ]  # fmt: skip
    path = written(tmp_path, {"images": images, "annotations": annotations})
    assert path.stat().st_size > 8e6
    start = time.process_time()
    assert len(read_pose_file(path, name="000000002000.jpg").poses) == 1
    one = time.process_time() - start
    assert len(read_pose_file(path).poses) == 2700
    whole_file = time.process_time() - start - one
    assert one < 2, f"{one:.2f} s"
    assert whole_file < 3, f"{whole_file:.2f} s"


# -- arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["numpy", "list", "tensor"])
@pytest.mark.parametrize("skeleton", ["coco17", "openpose18", "body25", "body25b", "halpe26", "blazepose33"])
@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize("batch", [False, True])
def test_arrays_of_every_shape(kind: str, skeleton: str, columns: int, batch: bool) -> None:
    rows = np.array(whole(skeleton))[:, :columns]
    rows = rows[None] if batch else rows
    value = {"numpy": rows, "list": rows.tolist(), "tensor": torch.from_numpy(rows).float()}[kind]
    assert is_joints(value)
    found, dropped = read_array(value)
    torch.testing.assert_close(found.keypoints, REFERENCE, rtol=0, atol=0.01)
    assert dropped == 0


def test_what_the_third_column_is() -> None:
    rows = np.array(BODY18)
    rows[3, 2] = 0.1
    assert read_array(rows)[1] == 1, "a score"
    rows[:, 2] = 1
    rows[3, 2] = 0.5
    found = read_array(rows, min_score=0.9)[0].keypoints
    assert found is not None
    assert found[3, 2] == 0.5, "visible"
    flags = np.array(COCO)
    flags[:, 2] = 2
    flags[5, 2] = 1
    found = read_array(flags)[0].keypoints
    assert found is not None
    assert found[JOINTS.index("left_shoulder"), 2] == 0.5, "COCO's v"
    deep = np.array(whole("blazepose33"))
    deep[:, 2] = np.linspace(-0.4, 0.3, 33)
    found = read_array(deep)[0].keypoints
    assert found is not None
    assert found[:, 2].min() == 1, "z"
    rows[7] = np.nan
    found = read_array(rows)[0].keypoints
    assert found is not None
    assert found[7].tolist() == [0, 0, 0], "NaN"


def test_pictures_are_no_joints() -> None:
    for picture in (np.zeros((400, 300, 3), np.uint8), np.zeros((40, 18, 3), np.uint8), torch.zeros(3, 64, 48),
                    np.zeros((64, 48), np.uint8), "me.jpg", Path("me.jpg"), Person(keypoints=REFERENCE), [], [1, 2],
                    ["a.jpg", "b.jpg"], [None]):  # fmt: skip
        assert not is_joints(picture), picture


def test_arrays_that_are_refused() -> None:
    for value, text in (
        (np.zeros((19, 3)), r"shape \(19, 3\).*17 \(coco17\), 18 \(openpose18\).*from_skeleton"),
        (torch.zeros(2, 3, 18, 3), r"shape \(2, 3, 18, 3\)"),
        (np.array(SHARES), r"normalised coordinates \(0 to 1\): give size=\(height, width\).*target_size"),
        (np.array(BODY18) * 1e30, "outside every picture"),
        (np.where(np.array(BODY18) == 110, np.inf, np.array(BODY18)), "not a finite number"),
    ):
        with pytest.raises(ValueError, match=text):
            read_array(value)
    found, _ = read_array(np.array(SHARES), size=SIZE)
    torch.testing.assert_close(found.keypoints, REFERENCE, rtol=0, atol=0.51)
    several = np.stack([np.array(BODY18), np.array(SMALL)])
    assert float(read_array(several, 1)[0].keypoints[0, 0]) == pytest.approx(81.8)  # type: ignore[index]
    with pytest.raises(ValueError, match="person 2 was asked for, but 2 found in the pose"):
        read_array(several, 2)


# -- garbage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "1e30", "-1e300", "1" * 400, '"x"', "true", "{}", "[[]]"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_number_that_is_none_is_one_clear_error(variant: str, bad: str, tmp_path: Path) -> None:
    text = json.dumps(VARIANTS[variant])
    place = text.index("110") if "110" in text else text.index(str(110 / H)[:6])
    end = min(at for at in (text.find(mark, place) for mark in ",]}") if at > 0)
    path = tmp_path / "bad.json"
    path.write_text(text[:place] + bad + text[end:])
    with pytest.raises(FormatError) as caught:
        read_poses(path)
    assert str(caught.value).startswith(f"{path}")
    assert "\n" not in str(caught.value)


def test_damaged_files_give_a_pose_or_an_error(tmp_path: Path) -> None:
    """Deletions, repetitions and exchanges at random, of text and of parsed JSON; campaigns/mutations.py tries more."""
    chance = random.Random(0)
    path = tmp_path / "damaged.json"
    junk = [None, True, 0, -1, 1e30, "text", "", [], {}, [[]], [None], {"x": 1}, [1, 2, 3], [[1, 2], None], [{}]]
    for variant in VARIANTS:
        for _ in range(20):
            if chance.random() < 0.4:
                text = json.dumps(VARIANTS[variant])
                start = chance.randrange(len(text))
                end = min(len(text), start + chance.choice((1, 2, 5, 40, 400)))
                path.write_text(text[:start] + chance.choice(("", text[start:end] * 2, "]", "nul", "-")) + text[end:])
            else:
                data = json.loads(json.dumps(VARIANTS[variant]))
                spot, key, here = None, None, data
                for _ in range(chance.randrange(1, 6)):
                    if isinstance(here, dict) and here:
                        spot, key = here, chance.choice(list(here))
                    elif isinstance(here, list) and here:
                        spot, key = here, chance.randrange(len(here))
                    else:
                        break
                    here = spot[key]  # type: ignore[index,unused-ignore]
                if spot is not None:
                    spot[key] = chance.choice(junk)  # type: ignore[index,unused-ignore]
                path.write_text(json.dumps(data))
            try:
                for one in read_poses(path).values():
                    assert one.keypoints is not None
                    assert torch.isfinite(one.keypoints).all()
            except FormatError as error:
                assert str(path) in str(error)  # noqa: PT017


def test_pictures_by_name_and_frames_with_names(tmp_path: Path) -> None:
    path = written(tmp_path, {"a.jpg": [INSTANCE], "b.jpg": [INSTANCE]})
    assert list(read_poses(path)) == ["a.jpg", "b.jpg"]
    frames = [{"image_name": name, "people": [person(BODY18)]} for name in ("x.png", "y.png")]
    assert list(read_poses(written(tmp_path, frames))) == ["x.png", "y.png"]
    with pytest.raises(FormatError, match="JSON with the keys 'a', 'b' is not in a known keypoint format"):
        read_poses(written(tmp_path, {"a": {"b": {"c": [1]}}, "b": [{"d": 2}]}))


def test_a_figure_half_outside_is_no_scale_of_minus_one_to_one(tmp_path: Path) -> None:
    rows = [[x - 0.6, y, s] for x, y, s in SHARES]
    found = read_keypoints(written(tmp_path, {"people": [person(rows)], **CANVAS}))["pose"]
    assert float(found[0, 0]) == pytest.approx((0.5 - 0.6) * W - 0.5, abs=0.01)
    with pytest.raises(FormatError, match="coordinates from -1 to 1"):
        read_keypoints(
            written(tmp_path, {"people": [person([[2 * x - 1, 2 * y - 1, s] for x, y, s in SHARES])], **CANVAS})
        )
