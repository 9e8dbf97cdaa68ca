"""Pose files, arrays and drawings as targets, from Python and by the command; `convert-pose`."""

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import repose
from repose import cli
from repose.inspection import find_person
from repose.pipeline import Model, read_person, read_pose
from repose.represent.pose_files import FORMATS, MIN_SCORE, read_keypoints, read_poses
from repose.represent.pose_files.drawing import draw_openpose
from tests import tiny
from tests.represent.poses import REFERENCE, SIZE, flat, points, written
from tests.test_cli import Run, photographs, run, weights  # noqa: F401  (fixtures)

H, W = SIZE
BODY18 = points("openpose18")
SMALL = [[x * 0.3 + 5, y * 0.3 + 400, 0.9] for x, y, _ in BODY18]
STRAY = [[9.0, 700.0, 0.05] if number == 10 else row for number, row in enumerate(BODY18)]


def openpose(*people: list[list[float]], **more: object) -> dict[str, object]:
    return {
        "people": [{"pose_keypoints_2d": flat(rows)} for rows in people],
        "canvas_height": H,
        "canvas_width": W,
        **more,
    }


def coco(*names: str) -> list[dict[str, object]]:
    return [{"image_id": name, "keypoints": flat(points("coco17"))} for name in names]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return repose.load(tiny.save(tmp_path_factory.mktemp("tiny") / "tiny"))


def told(target: object, **options: object) -> tuple[dict[str, repose.Person], list[str]]:
    """The poses of a target and the warnings."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        poses = read_pose(target, **options)  # type: ignore[arg-type]
    return poses, [str(one.message) for one in said]


def test_joints_in_one_place_are_no_pose(tmp_path: Path) -> None:
    path = tmp_path / "point.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": [10, 20, 0.9] * 25}]}))
    with pytest.raises(ValueError, match=r"point\.json, .* fewer than two located joints in different places"):
        read_pose(path)
    with pytest.raises(ValueError, match="the target pose has fewer than two located joints in different places"):
        read_pose(np.full((18, 2), 30.0))


def test_notes_of_what_is_left_out(tmp_path: Path) -> None:
    empty = [{"image_id": f"{n}.jpg", "keypoints": [0] * 51} for n in range(5)]
    poses, notes = told(written(tmp_path, [*coco("a.jpg"), *empty]))
    assert list(poses) == ["a.jpg"]
    assert notes == ["skipped: 5 pictures without a pose (0.jpg, 1.jpg, 2.jpg, ...)"]
    with pytest.raises(ValueError, match="holds no poses: of 5 pictures none has two located joints"):
        read_pose(written(tmp_path, empty))
    _, notes = told(written(tmp_path, openpose(STRAY)))
    assert notes == ["1 joint has a score below 0.3 and counts as missing; --min-score (min_score) changes this"]
    assert told(written(tmp_path, openpose(STRAY)), min_score=0.01)[1] == []
    faint = [[x, y, 0.1] for x, y, _ in BODY18]
    with pytest.raises(
        ValueError, match=r"fewer than two located joints.*18 joints have a score below 0.3 \(--min-score\)"
    ):
        read_pose(written(tmp_path, openpose(faint)))


def test_people_of_a_file_are_chosen_as_on_photographs(tmp_path: Path) -> None:
    path = written(tmp_path, openpose(SMALL, BODY18))
    for which, nose in (("largest", 256), (0, 256), (1, 81.8), ("left", 81.8), ("right", 256), ("middle", 256)):
        (one,) = read_pose(path, which=which).values()  # type: ignore[arg-type]
        assert one.keypoints is not None
        assert float(one.keypoints[0, 0]) == pytest.approx(nose), which
        assert torch.equal(find_person(str(path), target=True, which=which).keypoints, one.keypoints)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="person 7 was asked for, but 2 found"):
        read_pose(path, which=7)
    several = [*coco("one.jpg"), *coco("two.jpg", "two.jpg")]
    several[2]["keypoints"] = flat(points("coco17", scale=0.5))
    poses, notes = told(written(tmp_path, several), which=1)
    assert list(poses) == ["two.jpg"]
    assert notes == ["skipped: 1 picture without person 1 (one.jpg)"]


def test_one_entry_and_folders(tmp_path: Path) -> None:
    path = written(tmp_path, coco("a.jpg", "b.jpg"), "poses.json")
    assert list(read_pose(f"{path}#b.jpg")) == ["b.jpg"]
    assert list(read_pose(f"{path}#b")) == ["b.jpg"]
    with pytest.raises(ValueError, match="has no pose called 'c'"):
        read_pose(f"{path}#c")
    assert list(read_pose(tmp_path)) == ["poses/a.jpg", "poses/b.jpg"]
    torch.testing.assert_close(find_person(f"{path}#a.jpg", target=True).keypoints, REFERENCE)


def test_sizes_from_outside(tmp_path: Path) -> None:
    rows = [[x / W, y / H, s] for x, y, s in BODY18]
    path = written(tmp_path, {"people": [{"pose_keypoints_2d": flat(rows)}]})
    with pytest.raises(ValueError, match=r"normalised coordinates.*--target-size HEIGHTxWIDTH"):
        read_pose(path)
    (one,) = read_pose(path, size=SIZE).values()
    torch.testing.assert_close(one.keypoints, REFERENCE, rtol=0, atol=0.51)
    photograph = np.full((H, W, 3), 200, np.uint8)
    for given in (path, np.array(rows), rows, torch.tensor(rows)):
        found = read_person(photograph, keypoints=given).keypoints
        torch.testing.assert_close(found, REFERENCE, rtol=0, atol=0.51)


def test_arrays_are_targets_and_joints_of_the_source(model: Model) -> None:
    me = tiny.photograph()
    eyes = tiny.Eyes()
    wanted = repose.transfer(me, REFERENCE, model, eyes)
    rows = REFERENCE.numpy()
    for target in (rows, rows.astype(np.float64), rows[None], rows.tolist(), REFERENCE[None], torch.from_numpy(rows)):
        assert np.array_equal(repose.transfer(me, target, model, eyes), wanted)
    for target in (
        rows[:, :2],
        np.array(points("coco17")),
        np.array(points("body25")),
        np.array(points("blazepose33")),
    ):
        assert np.array_equal(repose.transfer(me, target, model, eyes), wanted)
    known = read_person(me, eyes).keypoints
    assert known is not None
    for joints in (known, known.numpy(), known[None], known.tolist(), [known]):
        assert np.array_equal(repose.transfer(me, rows, model, eyes, source_keypoints=joints), wanted)
    shares = rows / np.array([W, H, 1])
    with pytest.raises(ValueError, match=r"the target pose has normalised coordinates.*target_size"):
        repose.transfer(me, shares, model, eyes)
    framed = repose.transfer(me, repose.Person(keypoints=REFERENCE, size=SIZE), model, eyes)
    scaled = repose.transfer(me, shares, model, eyes, target_size=SIZE)
    assert np.abs(scaled.astype(int) - framed).mean() < 1
    with pytest.raises(ValueError, match=r"shape \(19, 3\).*18 \(openpose18\).*from_skeleton"):
        repose.transfer(me, np.zeros((19, 3)), model, eyes)


def test_a_drawing_is_read_before_anybody_is_searched_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny.Eyes, "people", lambda self, image: pytest.fail("an estimator was asked"))
    path = tmp_path / "skeleton.png"
    PIL.Image.fromarray(draw_openpose(REFERENCE, H, W)).save(path)
    for target in (path, np.asarray(PIL.Image.open(path)), PIL.Image.open(path)):
        poses, (note,) = told(target, pose=tiny.Eyes())
        (one,) = poses.values()
        torch.testing.assert_close(one.keypoints, REFERENCE, rtol=0, atol=1)
        assert one.size == SIZE
        assert "drawing of a skeleton" in note
    with pytest.raises(ValueError, match="there are no scores in this drawing"):
        read_pose(path, tiny.Eyes(), "best")
    with pytest.raises(ValueError, match=r"skeleton\.png: person 1 was asked for, but 1 found in this drawing"):
        read_pose(path, tiny.Eyes(), 1)


def test_the_commands_have_the_default_of_python() -> None:
    for verb in ("transfer", "inspect", "convert-pose"):
        assert inspect.signature(cli.VERBS[verb]).parameters["min_score"].default == MIN_SCORE


# -- the command ----------------------------------------------------------------------------------------------------


def test_transfer(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:  # noqa: F811
    me = photographs / "me.png"
    written(tmp_path, openpose(SMALL, STRAY), "two.json")
    pictures = {}
    for words in (("0",), ("1",), ("0", "--min-score", "0.01")):
        done = run("transfer", me, "two.json", "-m", weights, "-o", "out.png", "--target-person", *words)
        assert done.code == 0, done
        assert ("two.json: 1 joint has a score below 0.3" in done.err) == (words == ("0",))
        pictures[words] = (tmp_path / "out.png").read_bytes()
    assert len(set(pictures.values())) == 3
    (tmp_path / "out.png").unlink()
    error = run("transfer", me, "two.json", "-m", weights, "-o", "out.png", "--target-person", "7").error
    assert "person 7 was asked for, but 2 found in two: use 0 to 1" in error
    assert not (tmp_path / "out.png").exists()
    shares = [[x / W, y / H, s] for x, y, s in BODY18]
    written(tmp_path, {"people": [{"pose_keypoints_2d": flat(shares)}]}, "shares.json")
    assert "--target-size" in run("transfer", me, "shares.json", "-m", weights, "-o", "out.png").error
    assert run("transfer", me, "shares.json", "-m", weights, "-o", "out.png", "--target-size", f"{H}x{W}").code == 0
    written(tmp_path, coco("a.jpg", "b.jpg"), "many.json")
    done = run("transfer", me, "many.json#b.jpg", "-m", weights, "-o", "b.png")
    assert done.code == 0, done
    assert (tmp_path / "b.sheet.png").exists()
    PIL.Image.fromarray(draw_openpose(REFERENCE, H, W)).save(tmp_path / "skeleton.jpg")
    done = run("transfer", me, "skeleton.jpg", "-m", weights, "-o", "drawn.png")
    assert done.code == 0, done
    assert "note: skeleton.jpg: a drawing of a skeleton" in done.err
    folder = tmp_path / "video"
    folder.mkdir()
    for number in range(2):
        written(folder, openpose(BODY18), f"clip_{number}_keypoints.json")
    written(folder, {"people": []}, "clip_2_keypoints.json")
    done = run("transfer", me, "video", "-m", weights, "-o", "sheet.png")
    assert done.code == 0, done
    assert "skipped: 1 picture without a pose (clip_2)" in done.err
    assert sorted(path.name for path in (tmp_path / "sheet").iterdir()) == ["me_2_clip_0.png", "me_2_clip_1.png"]


@pytest.mark.parametrize("format", [*FORMATS, "drawing"])
def test_convert_pose_to_every_format(format: str, run: Run, tmp_path: Path) -> None:  # noqa: F811
    written(tmp_path, openpose(BODY18), "me_keypoints.json")
    suffix = {"numpy": ".npy", "patn": ".csv", "roy": ".csv", "drawing": ".png"}.get(format, ".json")
    done = run("convert-pose", "me_keypoints.json", f"out{suffix}", "--format", format)
    assert done.code == 0, done
    assert done.out.strip() == f"out{suffix}: 1 pose, {format}"
    if format == "drawing":
        assert run("convert-pose", "out.png", "back.json").code == 0
        found = read_keypoints(tmp_path / "back.json")["out"]
    else:
        (found,) = read_keypoints(tmp_path / f"out{suffix}").values()
    if format == "dresscode":
        found = ((found + torch.tensor([0.5, 0.5, 0])) * torch.tensor([W / 384, H / 512, 1])) - torch.tensor(
            [0.5, 0.5, 0]
        )
    torch.testing.assert_close(found, REFERENCE, rtol=0, atol=1)


def test_convert_pose_of_many(run: Run, tmp_path: Path) -> None:  # noqa: F811
    written(tmp_path, coco("a.jpg", "b.jpg"), "many.json")
    assert run("convert-pose", "many.json", "poses.csv").code == 0
    assert list(read_poses(tmp_path / "poses.csv")) == ["a.jpg", "b.jpg"]
    error = run("convert-pose", "many.json", "one.json", "--format", "openpose").error
    assert "many.json holds 2 poses, and openpose shows one: give a folder as OUT" in error
    assert "many.json#a.jpg" in error
    assert run("convert-pose", "many.json#a.jpg", "one.json", "--format", "openpose").code == 0
    assert run("convert-pose", "many.json", "each", "--format", "openpose").code == 0
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == ["a.jpg.json", "b.jpg.json"]
    error = run("convert-pose", "many.json", "drawn", "--format", "drawing").error
    assert "does not tell the size of its picture: give --size HEIGHTxWIDTH" in error
    assert run("convert-pose", "many.json", "drawn", "--format", "drawing", "--size", f"{H}x{W}").code == 0
    assert len(list((tmp_path / "drawn").iterdir())) == 2
    assert "no format is called 'openpoze'; did you mean 'openpose'?" in run(
        "convert-pose", "many.json", "x.json", "--format", "openpoze"
    ).error  # fmt: skip
    tiny.photograph(tmp_path / "me.png")
    assert "no drawing of a skeleton" in run("convert-pose", "me.png", "x.json").error
    listed = run("convert-pose", "many.json", "x", "--format", "list").out
    assert all(name in listed for name in (*FORMATS, "drawing"))
    written(tmp_path, openpose(SMALL, BODY18), "two.json")
    assert run("convert-pose", "two.json", "second.json", "--person", "1").code == 0
    assert float(read_keypoints(tmp_path / "second.json")["two"][0, 0]) == pytest.approx(81.8, abs=0.01)
    assert json.loads((tmp_path / "second.json").read_text())["size"] == [H, W]
    assert cli.VERBS["convert-pose"] is not None


def test_a_broken_file_among_poses_is_named_and_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "poses"
    folder.mkdir()
    for name in ("a", "c"):
        written(folder, openpose(BODY18), f"{name}_keypoints.json")
    (folder / "b_keypoints.json").write_text('{"people": [{"pose_keyp')
    poses, notes = told(folder)
    assert list(poses) == ["a", "c"]
    (note,) = notes
    assert note.startswith("skipped: ")
    assert "b_keypoints.json" in note
    for name in ("a", "c"):
        (folder / f"{name}_keypoints.json").write_text("{")
    with pytest.raises(ValueError, match=r"a_keypoints\.json"):
        read_pose(folder)


def test_convert_pose_overwrites_no_input(run: Run, tmp_path: Path) -> None:  # noqa: F811
    written(tmp_path, openpose(BODY18), "pose.json")
    before = (tmp_path / "pose.json").read_bytes()
    assert "--force" in run("convert-pose", "pose.json", "./pose.json").error
    assert (tmp_path / "pose.json").read_bytes() == before
    assert run("convert-pose", "pose.json", "pose.json", "--force").code == 0
    assert (tmp_path / "pose.json").read_bytes() != before
    assert "poses are written as .json" in run("convert-pose", "pose.json", "pose.gif").error
    assert not (tmp_path / "pose.gif").exists()


def test_points_of_openpose_have_three_numbers(tmp_path: Path) -> None:
    """50 numbers are a list of 54 that was cut, not 25 pairs: scores would become coordinates."""
    cut = {"people": [{"pose_keypoints_2d": flat(BODY18)[:50]}], "canvas_height": H, "canvas_width": W}
    with pytest.raises(ValueError, match="50 numbers, and each point has three"):
        read_pose(written(tmp_path, cut))


def test_a_result_has_a_limit(run: Run, weights: Path, photographs: Path) -> None:  # noqa: F811
    me = photographs / "me.png"
    error = run("transfer", me, me, "-m", weights, "-o", "out.png", "--size", "99999x99999").error
    assert "--size asks for" in error
