"""Every format there and back, the real CSVs, and every error by its text. Variants of tools: test_pose_variants.py."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.person import JOINTS
from repose.represent.pose_files import FORMATS, FormatError, read_keypoints, read_pairs, read_poses, write_keypoints
from repose.represent.pose_files.writing import WRITERS

NAMELESS = (
    "controlnet",
    *(name for name, writer in WRITERS.items() if not writer.several),
)  # the file names the picture
NECKLESS = (
    "openpose-body25b",
    "coco",
    "coco-wholebody",
    "coco-results",
    "mmpose",
    "alphapose",
    "mediapipe",
    "tfjs",
)  # the shoulders' middle comes back
SIZELESS = (
    "patn",
    "coco-results",
    "mmpose",
    "alphapose",
    "alphapose-cmu",
    "alphapose-open",
    "halpe26",
    "tfjs",
    "numpy",
)

Y = [13, 26, 26, 44, 51, 26, -1, -1, 64, 87, 114, 65, 89, -1, 11, -1, 13, -1]
X = [45, 27, 26, 18, 34, 29, -1, -1, 29, 44, 53, 17, 9, -1, 42, -1, 32, 7]
HEADER = "name:keypoints_y:keypoints_x"
ROY = "file_id,img_h,img_w," + ",".join(f"p{i}_{axis}" for i in range(18) for axis in "xy")


def write(folder: Path, *lines: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def patn(name: str = "one.jpg", y: object = Y, x: object = X) -> str:
    return f"{name}: {json.dumps(y)}: {json.dumps(x)}"


def people(seed: int, count: int, whole: bool = True) -> dict[str, torch.Tensor]:
    """Random joints, a quarter missing; without occluded ones, which only some formats tell apart."""
    rng = np.random.default_rng(seed)
    out = {}
    for number in range(count):
        points = rng.uniform(2, 200, (18, 3))
        points = np.rint(points) if whole else np.round(points, 3)
        points[:, 2] = rng.random(18) < 0.75
        points[points[:, 2] == 0] = 0
        out[f"{seed}_{number}.jpg"] = torch.tensor(points, dtype=torch.float32)
    return out


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert list(a) == list(b)
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=1e-3)


# -- reading --------------------------------------------------------------------------------------------------------


def test_patn_reads_y_before_x(tmp_path):
    read_back = read_keypoints(write(tmp_path, HEADER, patn()))["one.jpg"]
    assert read_back.shape == (18, 3)
    assert read_back.dtype == torch.float32
    for joint, (x, y, visible) in enumerate(read_back.tolist()):
        missing = X[joint] == -1 or Y[joint] == -1  # joint 17 has a valid x and no y
        assert (x, y, visible) == ((0, 0, 0) if missing else (X[joint], Y[joint], 1))


def test_the_header_decides_the_order(tmp_path):
    plain = write(tmp_path, HEADER, patn())
    turned = write(tmp_path, "name:keypoints_x:keypoints_y", patn(y=X, x=Y), name="b.csv")
    same(read_keypoints(plain), read_keypoints(turned))


def test_roy_reads_x_before_y(tmp_path):
    numbers = ",".join(f"{x},{y}" for x, y in zip(X, Y, strict=True))
    same(
        read_keypoints(write(tmp_path, ROY, f"one.jpg,256,176,{numbers}")),
        read_keypoints(write(tmp_path, HEADER, patn(), name="b.csv")),
    )


def test_windows_files_blank_lines_and_names_with_colons(tmp_path):
    path = tmp_path / "w.csv"
    path.write_bytes(("\ufeff" + "\r\n".join([HEADER, "", patn("c:/a.jpg"), "", patn("b.jpg")]) + "\r\n\r\n").encode())
    assert list(read_keypoints(path)) == ["c:/a.jpg", "b.jpg"]


def test_a_joint_at_the_first_pixel_is_no_missing_one(tmp_path):
    read_back = read_keypoints(write(tmp_path, HEADER, patn(y=[0] * 18, x=[0] * 18)))["one.jpg"]
    assert read_back[:, 2].min() == 1


def test_the_real_annotations(shared):
    for part, count in (("train", 9399), ("test", 5025)):
        read_back = read_keypoints(shared / "market1501" / f"market-annotation-{part}.csv")
        assert len(read_back) == count
        joints = torch.stack(list(read_back.values()))
        assert joints.shape == (count, 18, 3)
        assert joints[..., 0].max() <= 63
        assert joints[..., 1].max() <= 127
        assert joints.min() == 0
        assert 0.6 < joints[..., 2].mean() < 0.95
    first = read_back["0004_c1s6_016996_02.jpg"]
    assert first[0].tolist() == [45, 13, 1]
    assert first[6].tolist() == [0, 0, 0]
    assert len(read_pairs(shared / "market1501" / "market-pairs-test.csv")) == 3906


def test_the_real_annotations_are_written_as_they_were(shared, tmp_path):
    source = shared / "market1501" / "market-annotation-test.csv"
    write_keypoints(tmp_path / "again.csv", read_keypoints(source))
    assert (tmp_path / "again.csv").read_bytes() == source.read_bytes()


# -- there and back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("format", FORMATS)
def test_round_trip(tmp_path, format, seed, whole):
    single = format in NAMELESS
    given = people(seed, 1 if single else 4, whole)
    path = tmp_path / ("picture_keypoints.json" if single else "file.txt")
    write_keypoints(path, given, format, size=(256, 256))
    read_back = read_keypoints(path)
    if format == "dresscode":  # pixels of its own 384x512
        scale = torch.tensor([256 / 384, 256 / 512, 1])
        read_back = {name: ((k + torch.tensor([0.5, 0.5, 0])) * scale - torch.tensor([0.5, 0.5, 0])) * (k[:, 2:] > 0)
                     for name, k in read_back.items()}  # fmt: skip
    if single:
        assert list(read_back) == ["picture"]
        given = {"picture": next(iter(given.values()))}
    if format in NECKLESS:  # holds no neck; it comes back as the shoulders' middle
        for name, keypoints in given.items():
            left, right = keypoints[5], keypoints[2]
            both = left[2] > 0 and right[2] > 0
            middle = torch.cat([(left[:2] + right[:2]) / 2, torch.ones(1)]) if both else torch.zeros(3)
            given[name] = keypoints.index_copy(0, torch.tensor([1]), middle[None])
    same(read_back, given)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]  # no partial file is left


@pytest.mark.parametrize("format", FORMATS)
def test_the_size_comes_back(tmp_path, format):
    given = people(1, 1)
    write_keypoints(tmp_path / "a", given, format, size=(400, 300))
    read_back = read_poses(tmp_path / "a")
    wanted = None if format in SIZELESS else (512, 384) if format == "dresscode" else (400, 300)
    assert [one.size for one in read_back.values()] == [wanted]
    assert [one.size for one in read_poses(tmp_path / "a", size=(40, 30)).values()] == [(40, 30)]
    same({name: one.keypoints for name, one in read_back.items()}, read_keypoints(tmp_path / "a"))
    if not WRITERS[format].sized and format != "dresscode":
        write_keypoints(tmp_path / "a", given, format)
        assert [one.size for one in read_poses(tmp_path / "a").values()] == [None]


def test_every_picture_has_its_own_size(tmp_path):
    numbers = ",".join(f"{x},{y}" for x, y in zip(X, Y, strict=True))
    path = write(tmp_path, ROY, f"a.jpg,256,176,{numbers}", f"b.jpg,128,64,{numbers}", f"c.jpg,,,{numbers}")
    assert [one.size for one in read_poses(path).values()] == [(256, 176), (128, 64), None]
    images = [{"id": 1, "file_name": "a", "height": 256, "width": 176.0}, {"id": 2, "file_name": "b"}]
    annotations = [{"image_id": k, "keypoints": [1] * 51} for k in (1, 2, 3)]
    path = write(tmp_path, json.dumps({"images": images, "annotations": annotations}), name="coco.json")
    assert [one.size for one in read_poses(path).values()] == [(256, 176), None, None]


@pytest.mark.parametrize("format", ["coco", "repose"])
def test_occluded_joints_survive(tmp_path, format):
    keypoints = torch.rand(18, 3) * 100 + 1
    keypoints[:, 2] = torch.tensor([1, 0.5, 0.5] * 6)
    write_keypoints(tmp_path / "a.json", {"a": keypoints}, format)
    read_back = read_keypoints(tmp_path / "a.json")["a"]
    kept = [j for j in range(18) if j != JOINTS.index("neck") or format == "repose"]
    torch.testing.assert_close(read_back[kept], keypoints[kept], rtol=0, atol=1e-3 if format == "coco" else 0)


def test_format_from_the_suffix_and_names_with_commas(tmp_path):
    given = people(1, 2)
    write_keypoints(tmp_path / "a.csv", given)
    assert (tmp_path / "a.csv").read_text().startswith(HEADER)
    write_keypoints(tmp_path / "a.json", given)
    assert json.loads((tmp_path / "a.json").read_text())["joints"] == list(JOINTS)
    odd = {'a, "b".jpg': given["1_0.jpg"]}
    for format in ("roy", "patn", "coco", "repose"):
        write_keypoints(tmp_path / "odd", odd, format, size=(9, 9))
        read_back = read_keypoints(tmp_path / "odd")
        assert list(read_back) == list(odd)
        assert read_back['a, "b".jpg'][0].tolist() == odd['a, "b".jpg'][0].tolist()


def test_an_empty_set_of_people_is_a_file_of_nobody(tmp_path):
    for format in ("patn", "roy", "repose"):
        write_keypoints(tmp_path / "a", {}, format, size=(9, 9))
        assert read_keypoints(tmp_path / "a") == {}


# -- several people, foreign JSON -----------------------------------------------------------------------------------


def openpose(tmp_path: Path, *points: list[float], **more: object) -> Path:
    data = {"version": 1.3, "people": [{"pose_keypoints_2d": flat} for flat in points], **more}
    return write(tmp_path, json.dumps(data), name="photo_keypoints.json")


def test_of_several_people_the_largest_or_the_one_asked_for(tmp_path):
    small = [value for j in range(18) for value in (10 + j, 10 + j, 0.9)]
    large = [value for j in range(18) for value in (50 + 5 * j, 20 + 9 * j, 0.4)]
    path = openpose(tmp_path, small, large, [0.0] * 54)
    assert read_keypoints(path)["photo"][1].tolist() == [55, 29, 1]
    assert read_keypoints(path, person=0)["photo"][1].tolist() == [55, 29, 1], "0 is the largest"
    assert read_keypoints(path, person=1)["photo"][1].tolist() == [11, 11, 1]
    with pytest.raises(FormatError, match="person 2 was asked for, but 2 found in photo: use 0 to 1, 0 is the largest"):
        read_keypoints(path, person=2)


def test_body25_leaves_out_hips_and_feet(tmp_path):
    flat = [value for j in range(25) for value in (100 + j, 200 + j, 0.5 if j != 4 else 0)]
    read_back = read_keypoints(openpose(tmp_path, flat, model_pose="BODY_25"))["photo"]
    assert read_back[JOINTS.index("right_hip")].tolist() == [109, 209, 1]
    assert read_back[JOINTS.index("left_ear")].tolist() == [118, 218, 1]
    assert read_back[JOINTS.index("right_wrist")].tolist() == [0, 0, 0]


def test_normalised_openpose_needs_a_size(tmp_path):
    flat = [value for j in range(18) for value in (0.25, 0.5, 1)]
    with pytest.raises(FormatError, match=r"normalised coordinates \(0 to 1\): give size="):
        read_keypoints(openpose(tmp_path, flat))
    assert read_keypoints(openpose(tmp_path, flat), size=(200, 100))["photo"][0].tolist() == [24.5, 99.5, 1]
    inside = openpose(tmp_path, flat, canvas_height=200, canvas_width=100)
    assert read_keypoints(inside)["photo"][0].tolist() == [24.5, 99.5, 1]
    with pytest.raises(FormatError, match="from -1 to 1; write them with keypoint_scale 0 or 3"):
        read_keypoints(openpose(tmp_path, [-0.25, -0.5, 1] * 6 + flat[18:]), size=(9, 9))


def test_coco_annotations_and_results(tmp_path):
    flat = [value for j in range(17) for value in (j + 1, j + 21, [0, 1, 2][j % 3])]
    large = [value for j in range(17) for value in (9 * j, 9 * j, 2)]
    data = {
        "images": [{"id": 7, "file_name": "seven.jpg"}, {"id": 8, "file_name": "eight.jpg"}],
        "annotations": [
            {"image_id": 7, "keypoints": flat},
            {"image_id": 8, "keypoints": flat},
            {"image_id": 8, "keypoints": large},
        ],
    }
    read_back = read_keypoints(write(tmp_path, json.dumps(data), name="a.json"))
    assert list(read_back) == ["seven.jpg", "eight.jpg"]
    assert read_back["seven.jpg"][JOINTS.index("left_eye")].tolist() == [2, 22, 0.5]
    assert read_back["seven.jpg"][JOINTS.index("right_eye")].tolist() == [3, 23, 1]
    assert read_back["seven.jpg"][JOINTS.index("nose")].tolist() == [0, 0, 0]
    assert read_back["eight.jpg"][JOINTS.index("nose")].tolist() == [0, 0, 0], "(0, 0) is missing, whatever v says"
    assert read_back["eight.jpg"][JOINTS.index("left_eye")].tolist() == [9, 9, 1]
    scores = [{"image_id": "x.jpg", "keypoints": [v for j in range(17) for v in (j, j, 0.8)], "score": 1}]
    read_back = read_keypoints(write(tmp_path, json.dumps(scores), name="b.json"))
    assert read_back["x.jpg"][JOINTS.index("right_ankle")].tolist() == [16, 16, 1]
    problems: list[FormatError] = []
    read_back = read_keypoints(tmp_path / "a.json", problems.append, person=1)
    assert list(read_back) == ["eight.jpg"]
    assert [str(p.problem) for p in problems] == ["person 1 was asked for, but 1 found in seven.jpg: only 0 is there"]


# -- errors ---------------------------------------------------------------------------------------------------------

BAD_ROWS = {
    "17 joints": (patn(y=Y[:17], x=X[:17]), r"keypoints_y has 17 joints, 18 are needed; for 17 joints of COCO"),
    "19 joints": (patn(x=[*X, 4]), r"keypoints_x has 19 joints, 18 are needed$"),
    "a word": (patn(y=["a", *Y[1:]]), r"keypoints_y holds 'a', which is not a number"),
    "null": (patn(x=[None, *X[1:]]), r"keypoints_x holds None, which is not a number"),
    "true": (patn(x=[True, *X[1:]]), r"keypoints_x holds True, which is not a number"),
    "NaN": (patn(y=[float("nan"), *Y[1:]]), r"keypoints_y holds nan, which is not a finite number"),
    "infinity": (patn(y=[float("inf"), *Y[1:]]), r"keypoints_y holds inf, which is not a finite number"),
    "huge": (patn(y=[10**400, *Y[1:]]), r"keypoints_y holds 1000.*, which is not a number"),
    "no list": ("one.jpg: 3: [4]", r"keypoints_y is not a list of numbers: '3'"),
    "cut off": (patn()[:-6], r"keypoints_x is not a list of numbers"),
    "one column": ("one.jpg", r"1 column\(s\) where 3 are needed \(name:keypoints_y:keypoints_x\)"),
}


@pytest.mark.parametrize("case", sorted(BAD_ROWS))
def test_a_bad_row_is_named_by_file_and_line(tmp_path, case):
    row, text = BAD_ROWS[case]
    path = write(tmp_path, HEADER, patn("good.jpg"), "", row, patn("last.jpg"))
    with pytest.raises(FormatError, match=text) as caught:
        read_keypoints(path)
    assert caught.value.line == 4
    assert str(caught.value).startswith(f"{path}, line 4: ")
    problems: list[FormatError] = []
    assert list(read_keypoints(path, on_error=problems.append)) == ["good.jpg", "last.jpg"]
    assert len(problems) == 1
    assert problems[0].path == path
    if case != "one column":
        assert problems[0].name == "one.jpg"


def test_a_name_that_comes_twice(tmp_path):
    path = write(tmp_path, HEADER, patn("a"), patn("b"), patn("a", y=[1] * 18))
    with pytest.raises(FormatError, match=r"line 4: 'a' comes twice \(first in line 2\); remove one of the two"):
        read_keypoints(path)
    read_back = read_keypoints(path, on_error=lambda _: None)
    assert read_back["a"][0].tolist() == [45, 13, 1]
    twice = write(tmp_path, '{"format": "repose-keypoints", "version": 1, "people": {"a": [], "a": []}}', name="b.json")
    with pytest.raises(FormatError, match="'a' comes twice in one object"):
        read_keypoints(twice)


def test_roys_bad_rows(tmp_path):
    numbers = [str(value) for pair in zip(X, Y, strict=True) for value in pair]
    path = write(
        tmp_path,
        ROY,
        ",".join(["a.jpg", "9", "9", *numbers[:34]]),
        ",".join(["b.jpg", "9", "9", *numbers[:35], "x"]),
        ",".join(["c.jpg", "9", "9", *numbers]),
        ",".join(["d.jpg", "9"]),
    )
    problems: list[FormatError] = []
    assert list(read_keypoints(path, on_error=problems.append)) == ["c.jpg"]
    assert [problem.line for problem in problems] == [2, 3, 5]
    assert "a.jpg: 37 columns where the header has 39, so 17 joints where 18 are needed" in str(problems[0])
    assert "b.jpg: p17_y holds 'x', which is not a number" in str(problems[1])
    assert "d.jpg: 2 columns where the header has 39" in str(problems[2])
    sizes = ("0,64", "128,", "128,64.5", "128,wide", "128,inf")
    path = write(tmp_path, ROY, *(f"{n}.jpg,{size},{','.join(numbers)}" for n, size in enumerate(sizes)), name="s.csv")
    problems.clear()
    assert read_keypoints(path, on_error=problems.append) == {}
    wanted = ("img_h is 0, a whole", "img_w holds None", "img_w is 64.5", "'wide'", "'inf', which is not a finite")
    for problem, text in zip(problems, wanted, strict=True):
        assert text in str(problem)
    with pytest.raises(FormatError, match="line 1: the header has 17 joints, 18 are needed"):
        read_keypoints(write(tmp_path, ROY.removesuffix(",p17_x,p17_y"), name="short.csv"))
    with pytest.raises(FormatError, match="columns are missing: img_w, p3_y"):
        read_keypoints(write(tmp_path, ROY.replace(",img_w", "").replace(",p3_y", ",q"), name="gap.csv"))


BAD_FILES = {
    "empty": ("", "the file is empty"),
    "prose": (
        "Dear reader,\n",
        r"line 1: the file starts with 'Dear reader,', which no known keypoint format does; known are",
    ),
    "no header": (patn() + "\n", r"line 1: the file starts with 'one.jpg"),
    "odd columns": ("keypoints_y:name:keypoints_x\n1:2:3\n", "the first column must be name"),
    "cut off JSON": ('{"people": [', r"line 1: not valid JSON: .*; the file may be cut off"),
    "nobody": ('{"people": []}', r"the file holds no people \('people' is empty\)"),
    "no annotations": ('{"annotations": []}', r"the file holds no people \('annotations' is empty\)"),
    "other JSON": (
        '{"a": 1, "b": 2}',
        r"JSON with the keys 'a', 'b' is not in a known keypoint format; known are OpenPose",
    ),
    "a list": ("[1, 2]", "JSON with a list is not in a known keypoint format"),
    "17 in openpose": (
        json.dumps({"people": [{"pose_keypoints_2d": [1] * 51}]}),
        r"people\[0\].pose_keypoints_2d holds 51 numbers, 54 \(openpose18\) or 75 \(body25\) are needed; coco17 has",
    ),
    "no points": (
        json.dumps({"people": [{"face_keypoints_2d": []}]}),
        r"people\[0\].pose_keypoints_2d is not a list of numbers: the file has no body",
    ),
    "18 in coco": (
        json.dumps({"annotations": [{"image_id": 1, "keypoints": [1] * 54}]}),
        r"annotations\[0\].keypoints holds 54 numbers, 51 \(coco17\) or 78 \(halpe26\) or 399 \(coco17\) or 408 "
        r"\(halpe26\) are needed; openpose18 has so many",
    ),
    "not a number": (json.dumps({"people": [{"pose_keypoints_2d": ["a"] * 54}]}), "holds 'a', which is not a number"),
    "image without name": (
        json.dumps({"images": [{"id": 1}], "annotations": [{"keypoints": []}]}),
        "an entry of images has no id and file_name",
    ),
    "canvas null": (
        json.dumps({"canvas_height": 9, "canvas_width": None, "people": [{"pose_keypoints_2d": [1] * 54}]}),
        "canvas_width holds None, which is not a number",
    ),
    "canvas a word": (
        json.dumps({"canvas_height": "tall", "canvas_width": 9, "people": [{"pose_keypoints_2d": [1] * 54}]}),
        "canvas_height holds 'tall', which is not a number",
    ),
    "a list as image_id": (
        json.dumps({"annotations": [{"image_id": [1], "keypoints": [1] * 51}]}),
        r"annotations\[0\].image_id is \[1\]; it must be a number or text",
    ),
    "a list as id": (
        json.dumps({"images": [{"id": [1], "file_name": "a"}], "annotations": [{"keypoints": [1] * 51}]}),
        r"images: the id \[1\] is neither a number nor text",
    ),
    "images no list": (
        json.dumps({"images": 3, "annotations": [{"keypoints": [1] * 51}]}),
        "images must be a list, got 3",
    ),
    "image of no height": (
        json.dumps(
            {"images": [{"id": 1, "file_name": "a", "height": -1, "width": 2}], "annotations": [{"keypoints": []}]}
        ),
        "height is -1, a whole number of pixels is wanted",
    ),
    "a size of one side": (
        '{"format": "repose-keypoints", "version": 1, "size": [3], "people": {}}',
        r"size is \[3\]; it must be \[height, width\] or null",
    ),
    "deep brackets": ("[" * 100_000, "the JSON cannot be read"),
    "a number of 5,000 digits": ("[" + "1" * 5000 + "]", "the JSON cannot be read"),
    "a quote that never closes": (ROY + '\n"a.jpg,' + "1,2\n" * 50_000, "the CSV cannot be read: field larger"),
    "a quote that closes late": (
        ROY + '\n"a.jpg,' + "1,2\n" * 9_000 + '"',
        r"a\.jpg,1,2[12,]{50,70}: 1 columns where the header has 39$",
    ),
    "future": ('{"format": "repose-keypoints", "version": 2, "people": {}}', "version 2 of repose-keypoints"),
    "17 in repose": (
        json.dumps({"format": "repose-keypoints", "version": 1, "people": {"a": [[1, 2, 1]] * 17}}),
        r"a holds 51 numbers, 54 \(openpose18\) are needed; coco17 has so many",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD_FILES))
def test_bad_files(tmp_path, case):
    content, text = BAD_FILES[case]
    path = tmp_path / "bad"
    path.write_text(content)
    with pytest.raises(FormatError, match=text) as caught:
        read_keypoints(path)
    assert str(path) in str(caught.value)


def test_one_bad_annotation_is_one_record(tmp_path):
    entries = [{"image_id": picture, "keypoints": [1] * 51} for picture in ("a", ["b"], "c")]
    problems: list[FormatError] = []
    path = write(tmp_path, json.dumps({"annotations": entries}), name="a.json")
    assert list(read_keypoints(path, problems.append)) == ["a", "c"]
    assert len(problems) == 1


def test_binary_and_absent_files(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xd8\xff\xe0 jpeg")
    with pytest.raises(FormatError, match="not a text file; keypoints and pairs come as CSV or JSON"):
        read_keypoints(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(b"\x00\x01\x02")
    with pytest.raises(FormatError, match="not a text file"):
        read_keypoints(tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError):
        read_keypoints(tmp_path / "none.csv")


def test_writing_errors_leave_the_old_file(tmp_path):
    path = write(tmp_path, "old")
    one = torch.ones(18, 3)
    for arguments, text in (
        (({"a": one}, "pattn"), "did you mean 'patn'"),
        (({"a": torch.ones(17, 3)}, "patn"), r"'a' has shape \(17, 3\), \(18, 3\) is needed"),
        (({"a": one * torch.nan, "b": one * torch.inf}, "patn"), "'b' has a located joint that is not finite"),
        (({"a": one}, "roy"), r"give size=\(height, width\)"),
        (({"a": one, "b": one}, "openpose"), "an OpenPose file holds one picture, got 2"),
        (({"a\nb": one}, "patn"), "a CSV cannot hold the name"),
    ):
        with pytest.raises(ValueError, match=text):
            write_keypoints(path, *arguments)
    assert path.read_text() == "old\n"
    assert len(list(tmp_path.iterdir())) == 1


# -- pairs ----------------------------------------------------------------------------------------------------------


def test_pairs_of_both_kinds(tmp_path):
    assert read_pairs(write(tmp_path, "from,to", "a.jpg,b.jpg", "", "b.jpg,a.jpg")) == [
        ("a.jpg", "b.jpg"),
        ("b.jpg", "a.jpg"),
    ]
    assert read_pairs(write(tmp_path, "imgA,imgB", "a.jpg,b.jpg")) == [("a.jpg", "b.jpg")]
    assert read_pairs(write(tmp_path, ",to,from", "0,b.jpg,a.jpg")) == [("a.jpg", "b.jpg")]


def test_bad_pairs(tmp_path):
    path = write(tmp_path, "from,to", "a.jpg,b.jpg", "a.jpg", "a.jpg,", "a,b,c")
    with pytest.raises(FormatError, match=r"line 3: 'a.jpg' is not one pair; 2 columns are needed: from,to"):
        read_pairs(path)
    problems: list[FormatError] = []
    assert read_pairs(path, problems.append) == [("a.jpg", "b.jpg")]
    assert [problem.line for problem in problems] == [3, 4, 5]
    with pytest.raises(FormatError, match=r"line 1: the header is 'a.jpg,b.jpg'; a pair list starts with from,to"):
        read_pairs(write(tmp_path, "a.jpg,b.jpg"))
    with pytest.raises(FormatError, match="the header is ''"):
        read_pairs(write(tmp_path, ""))
