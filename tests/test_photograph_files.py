"""`repose transfer` and `repose estimate` on all kinds of files: where they write, what they report, how they end."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
import typer.main

import repose
from repose import cli, pipeline
from repose.represent.pose_files import read_keypoints, write_keypoints
from tests import tiny
from tests.estimate import fake_fields
from tests.images.profiles import DISPLAY_P3
from tests.images.test_frames import video
from tests.test_cli import Run, photographs, run, size, weights  # noqa: F401  (fixtures)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins to work fails the test: no model is loaded, no estimator is asked."""
    monkeypatch.setattr(pipeline, "load", lambda *_: pytest.fail("a model was loaded"))
    monkeypatch.setattr(tiny.Eyes, "people", lambda *_: pytest.fail("an estimator was asked"))


def person(path: Path, **options: Any) -> Path:
    PIL.Image.fromarray(tiny.photograph(None, 100, 200, 15, 20, 160)).save(path, **options)
    return path


# -- where the result goes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("out.jpgg", "written as .png, .jpg, .jpeg, .webp, .tif, .tiff, not '.jpgg'; did you mean '.jpg'?"),
        ("out.gif", "pictures are written as .png, .jpg, .jpeg, .webp, .tif, .tiff, not '.gif'"),
        ("out", "not ''; choose one of these suffixes"),
        ("file/out.png", "file cannot be a folder, because file is a file: choose another place with -o"),
        ("file/deeper/out.png", "file/deeper cannot be a folder, because file is a file"),
        ("people", "-o people is a folder: name a file in it, such as people/result.png"),
        ("me.png", "me.png is an input, and the result would go into its place: choose another file with -o, or say"),
        ("people/../me.png", "people/../me.png, which is me.png, is an input"),
        ("link.png", "link.png, which is me.png, is an input"),
        ("hard.png", "hard.png, which is me.png, is an input"),
        ("dancer.png", "dancer.png is an input"),
        ("photo.png", "photo.sheet.png, which is dancer.png, is an input"),
    ],
)  # fmt: skip
def test_the_place_of_a_result_is_checked_before_the_work(
    out: str,
    words: str,
    run: Run,
    idle: None,
    photographs: Path,
    tmp_path: Path,
) -> None:
    person(tmp_path / "me.png"), person(tmp_path / "dancer.png")
    (tmp_path / "people").mkdir()
    (tmp_path / "file").write_text("a file")
    (tmp_path / "link.png").symlink_to("me.png")
    os.link(tmp_path / "me.png", tmp_path / "hard.png")
    os.link(tmp_path / "dancer.png", tmp_path / "photo.sheet.png")
    before = (tmp_path / "me.png").read_bytes()
    assert words in run("transfer", "me.png", "dancer.png", "-o", out).error
    assert (tmp_path / "me.png").read_bytes() == before


def test_folders_and_keypoint_files_are_inputs_too(run: Run, idle: None, tmp_path: Path) -> None:
    for folder in ("people", "poses"):
        (tmp_path / folder).mkdir()
        person(tmp_path / folder / "a.png")
    error = run("transfer", "people", "poses", "-o", "people.png").error
    assert "people is an input, and the result would go into its place: choose another folder with -o" in error
    assert "people/a.png is an input" in run("transfer", "people", "poses", "-o", "people/a.png").error
    (tmp_path / "sheet").write_text("in the way of the single pictures")
    error = run("transfer", "people", "poses", "-o", "sheet.png").error
    assert "sheet cannot be a folder, because sheet is a file" in error
    (tmp_path / "poses.json").write_text("{}")
    assert "poses.json is an input" in run("estimate", "people/a.png", "poses.json", "-o", "poses.json").error
    error = run("estimate", "people", "-o", "people/a.png").error
    assert "people/a.png: a keypoint file is written as .json or .csv, not '.png'" in error
    assert "did you mean '.json'" in run("estimate", "people", "-o", "poses.jsn").error
    assert "is a file" in run("estimate", "people", "-o", "sheet/poses.json").error


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_may_not_be_written(run: Run, idle: None, tmp_path: Path) -> None:
    person(tmp_path / "me.png")
    (tmp_path / "locked").mkdir(mode=0o500)
    error = run("transfer", "me.png", "me.png", "-o", "locked/out.png").error
    assert "nothing can be written into locked" in error


def test_what_cannot_be_written_is_said(
    run: Run,
    idle: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person(tmp_path / "me.png")

    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    error = run("transfer", "me.png", "me.png", "-o", "new/folder/out.png").error
    assert "nothing can be written into . (Read-only file system): choose another place with -o" in error


def test_force_writes_over_an_input(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "me.png").write_bytes((photographs / "me.png").read_bytes())
    words = ("transfer", "me.png", photographs / "dancer.png", "-m", weights, "-o")
    assert run(*words, "other.png").code == 0
    assert run(*words, "other.png").code == 0, "an older result is replaced"
    assert run(*words, "me.png", "--force").code == 0
    assert (tmp_path / "me.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_demo_and_inspect_check_their_places(run: Run, idle: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "pictures are written as .png" in run("demo", "-o", "demo.bmp").error
    assert "file is a file" in run("inspect", "default", "me.png", "dancer.png", "-o", "file/inside").error


def test_inspect_draws_over_no_input(run: Run, weights: Path, tmp_path: Path) -> None:
    before = person(tmp_path / "result.png").read_bytes()
    error = run("inspect", weights, "result.png", "result.png", "-o", ".").error
    assert "result.png is an input, and the result would go into its place: choose another folder with -o" in error
    assert (tmp_path / "result.png").read_bytes() == before


# -- formats, sizes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], (100, 200)),
        (["--size", "100"], (50, 100)),
        (["--size", "1000"], (100, 200)),  # never more than the photograph has
        (["--size", "400x200"], (200, 400)),
        (["--size", "100x100"], (50, 100)),
        (["--size", "100", "--crop"], None),
    ],
)
def test_the_size_of_the_result(
    words: list[str],
    wanted: tuple[int, int] | None,
    run: Run,
    weights: Path,
    photographs: Path,
    tmp_path: Path,
) -> None:
    done = run("transfer", photographs / "me.png", photographs / "dancer.png", "-m", weights, "-o", "a.png", *words)
    assert done.code == 0, done
    found = size(tmp_path / "a.png")
    assert found == wanted if wanted else max(found) == 100


@pytest.mark.parametrize("text", ["0", "0x100", "big", "100x", "1x2x3", "-5"])
def test_a_size_that_is_none(text: str, run: Run, idle: None, tmp_path: Path) -> None:
    person(tmp_path / "me.png")
    assert "--size is the longer side" in run("transfer", "me.png", "me.png", f"--size={text}").error


def test_the_quality_of_a_jpeg(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    pair = (photographs / "me.png", photographs / "dancer.png", "-m", weights, "-o")
    wanted = np.asarray(repose.transfer(pair[0], pair[1], weights, tiny.Eyes())).astype(int)
    apart = {}
    for name, words in (("a", []), ("b", ["--quality", "30"])):
        assert run("transfer", *pair, f"{name}.jpg", *words).code == 0
        with PIL.Image.open(tmp_path / f"{name}.jpg") as written:
            apart[name] = float(np.abs(np.asarray(written).astype(int) - wanted).mean())
            assert written.layer[0][1:3] == (1, 1), "the colours of every pixel"  # type: ignore[attr-defined]
    assert apart["a"] < 0.5 * apart["b"]


def test_a_photograph_in_its_own_colours(
    run: Run,
    weights: Path,
    photographs: Path,
    tmp_path: Path,
) -> None:
    """A phone's photograph: Display P3, held upright (orientation 6). Far from the person it comes back as it was."""
    upright = np.full((240, 300, 3), (250, 20, 20), np.uint8)  # a red that sRGB cannot show
    upright[20:220, 20:120] = tiny.photograph(None, 100, 200, 15, 20, 160)
    exif = PIL.Image.Exif()
    exif[0x010F], exif[0x0112] = "Phone", 6
    stored = PIL.Image.fromarray(np.ascontiguousarray(np.rot90(upright)))
    stored.save(tmp_path / "me.png", icc_profile=DISPLAY_P3, exif=exif, dpi=(72, 72))
    assert run("estimate", photographs / "me.png", "-o", "joints.json").code == 0
    joints = read_keypoints(tmp_path / "joints.json")["me.png"] + torch.tensor([20.0, 20.0, 0.0])
    write_keypoints(tmp_path / "me.json", {"me.png": joints}, size=(240, 300))
    pair = ("me.png", photographs / "dancer.png", "--source-keypoints", "me.json")
    done = run("transfer", *pair, "-m", weights, "-o", "out.png")
    assert done.code == 0, done
    with PIL.Image.open(tmp_path / "out.png") as written:
        assert written.size == (300, 240)
        assert written.info["icc_profile"] == DISPLAY_P3
        assert (written.getexif()[0x010F], written.getexif()[0x0112]) == ("Phone", 1)
        assert (np.asarray(written)[:, 270:] == (250, 20, 20)).all(), "the file's own numbers"


def test_a_damaged_profile_is_a_note(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    person(tmp_path / "me.png", icc_profile=b"no profile")
    done = run("transfer", "me.png", photographs / "dancer.png", "-m", weights, "-o", "out.png")
    assert done.code == 0, done
    notes = [line for line in done.err.splitlines() if line.startswith("note:")]
    assert notes == [
        "note: me.png: the colour profile is not used, because it is damaged; the colours are read as sRGB"
    ]


# -- frames, HEIC ---------------------------------------------------------------------------------------------------


def test_a_frame_as_source_and_target(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    first, second = (
        PIL.Image.open(photographs / name).convert("RGB").resize((100, 200)) for name in ("me.png", "dancer.png")
    )
    blank = PIL.Image.new("RGB", first.size)
    blank.save(tmp_path / "dance.webp", save_all=True, append_images=[first, second], lossless=True)
    me = photographs / "me.png"
    for words in ((me, "dance.webp#2"), ("dance.webp#1", "dance.webp#2")):
        assert run("transfer", *words, "-m", weights, "-o", "out.png").code == 0
        wanted = np.asarray(repose.transfer(*map(str, words), weights, tiny.Eyes()))
        assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "out.png")), wanted)
    assert "a WEBP of 3 frames, and a still is wanted" in run("transfer", "dance.webp", me, "-m", weights).error
    assert "has no frame 3: it has 3, 0 to 2" in run("transfer", me, "dance.webp#3", "-m", weights).error
    assert "dance.webp#0: no person was found" in run("transfer", me, "dance.webp#0", "-m", weights).error
    done = run("estimate", "dance.webp#1", "dance.webp#2", me, "-o", "poses.json")
    assert done.code == 0, done
    found = read_keypoints(tmp_path / "poses.json")
    assert list(found) == ["dance.webp#1", "dance.webp#2", "me.png"]
    assert np.abs((found["dance.webp#1"] - found["me.png"]).numpy()).max() < 1
    inside = run("inspect", weights, "dance.webp#1", "dance.webp#2", "-o", "inside")
    assert inside.code == 0, inside
    error = run("transfer", "dance.webp#1", "dance.webp#2", "-m", weights, "-o", "dance.webp").error
    assert "dance.webp is an input" in error


def test_a_frame_of_a_video(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    video(tmp_path / "clip.mp4")
    assert "clip.mp4#2: no person was found" in run("estimate", "clip.mp4#2").error
    assert "clip.mp4 is a video: take frames from it" in run("estimate", "clip.mp4").error


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("y.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture"),
        (
            "y.mp4",
            b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
            "is a video: take frames from it (ffmpeg -i y.mp4 frames/%05d.jpg) and give the folder",
        ),
    ],
)
def test_what_a_phone_gives_is_named(
    name: str,
    data: bytes,
    words: str,
    run: Run,
    weights: Path,
    photographs: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / name).write_bytes(data + bytes(40))
    assert f"{name} {words}" in run("transfer", photographs / "me.png", name, "-m", weights).error
    assert f"{name} {words}" in run("transfer", name, photographs / "me.png", "-m", weights).error


# -- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["transfer", "estimate"])
def test_a_folder_in_which_two_of_three_fail(
    verb: str,
    run: Run,
    weights: Path,
    photographs: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "people").mkdir()
    person(tmp_path / "people" / "good.png")
    (tmp_path / "people" / "text.jpg").write_text("no picture")
    PIL.Image.new("RGB", (100, 200)).save(tmp_path / "people" / "nobody.png")
    words = [photographs / "dancer.png", "-m", weights, "-o", "out.png"] if verb == "transfer" else ["-o", "out.json"]
    done = run(verb, "people", *words, "--json")
    assert done.code == 3, done
    said = json.loads(done.out)
    assert said["status"] == 3
    assert [one["path"] for one in said["skipped"]] == ["people/nobody.png", "people/text.jpg"]
    assert "2 skipped, for the reasons above: people/nobody.png, people/text.jpg" in done.err.splitlines()[-1]
    assert all((tmp_path / one["path"]).exists() for one in said["outputs"])
    if verb == "transfer":
        done = run("transfer", photographs / "me.png", "people", "-m", weights, "-o", "poses.png")
        assert done.code == 3, "the same of targets"
        assert size(tmp_path / "poses.png") == size(photographs / "me.png"), "one pair is left"


def test_a_pair_that_fails_leaves_the_others(
    run: Run,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "people").mkdir()
    for name in ("a", "b"):
        person(tmp_path / "people" / f"{name}.png")
    pose, calls = pipeline.Model.picture, []

    def second_fails(self: pipeline.Model, *words: Any) -> Any:
        calls.append(words)
        if len(calls) == 2:
            raise ValueError("too little of the body is known")
        return pose(self, *words)

    monkeypatch.setattr(pipeline.Model, "picture", second_fails)
    done = run("transfer", "people", "people", "-m", weights, "-o", "all.png")
    assert done.code == 3, done
    assert "skipped: people/a.png: too little of the body is known" in done.err
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["a_2_a.png", "b_2_a.png", "b_2_b.png"]


# -- --json ---------------------------------------------------------------------------------------------------------


def documented(verb: str) -> set[str]:
    """The entries that docs/photographs.md has for a verb in its table of --json."""
    text = (ROOT / "docs" / "photographs.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)` \| ([\w, ]+) \|", text, re.M)
    assert rows
    return {name for name, verbs in rows if verb in verbs or verbs == "both"}


def paths_of(value: Any, before: str = "") -> set[str]:
    """The dotted names of all entries of a document; entries of a list have the list's name."""
    if isinstance(value, list):
        return set().union(*(paths_of(one, before) for one in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    inner = {name: f"{before}.{name}" if before else name for name in value}
    return set(inner.values()).union(*(paths_of(value[name], path) for name, path in inner.items()))


def test_the_document_of_transfer(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    person(tmp_path / "me.png", icc_profile=b"no profile")
    (tmp_path / "people").mkdir()
    person(tmp_path / "people" / "a.png")
    (tmp_path / "people" / "b.png").write_text("no picture")
    done = run(
        "transfer", "me.png", photographs / "dancer.png", "-m", weights, "-o", "out.jpg", "--json", "--size", "100"
    )
    assert done.code == 0, done
    said = json.loads(done.out)
    (source,), (target,) = said["sources"], said["targets"]
    assert (source["path"], source["height"], source["width"]) == ("me.png", 200, 100)
    assert (source["people"], source["person"], source["joints_from"], len(source["keypoints"])) == (
        1,
        0,
        "estimator",
        18,
    )
    assert target["located"] == sum(joint[2] > 0 for joint in target["keypoints"])
    assert (said["estimator"], said["background"], said["model"]) == ("movenet", "keep", "tiny")
    assert said["outputs"] == [
        {"path": "out.jpg", "kind": "picture", "source": "me", "target": "dancer", "height": 100, "width": 50},
        {"path": "out.sheet.png", "kind": "sheet"},
    ]
    assert "is damaged" in said["notes"][0]["text"]
    assert (said["skipped"], said["status"], said["schema"]) == ([], 0, 1)
    assert 0 < said["seconds"] < 300
    skipped = json.loads(run("transfer", "people", "me.png", "-m", weights, "-o", "out.png", "--json").out)
    failed = json.loads(run("transfer", "me.png", "people/b.png", "-m", weights, "-o", "out.png", "--json").out)
    assert paths_of(said) | paths_of(skipped) | paths_of(failed) == documented("transfer")


def test_joints_from_a_file_in_the_document(run: Run, weights: Path, tmp_path: Path) -> None:
    person(tmp_path / "me.png")
    assert run("estimate", "me.png", "-o", "pose.json").code == 0
    done = run(
        "transfer", "me.png", "pose.json", "--source-keypoints", "pose.json", "-m", weights, "-o", "out.png", "--json"
    )
    said = json.loads(done.out)
    assert said["estimator"] is None
    assert [said[part][0]["joints_from"] for part in ("sources", "targets")] == ["file", "file"]
    assert "people" not in said["sources"][0]


def test_the_document_of_estimate(run: Run, tmp_path: Path) -> None:
    person(tmp_path / "me.png", icc_profile=b"no profile")
    (tmp_path / "bad.jpg").write_text("no picture")
    done = run("estimate", "me.png", "bad.jpg", "-o", "poses.csv", "--json")
    assert done.code == 3
    said = json.loads(done.out)
    (picture,) = said["pictures"]
    (chosen,) = picture["chosen"]
    assert (picture["people"], chosen["name"], chosen["person"]) == (1, "me.png", 0)
    joints = read_keypoints(tmp_path / "poses.csv")["me.png"].numpy()
    assert np.abs(np.array(chosen["keypoints"])[:, :2] - joints[:, :2]).max() <= 0.51, "a CSV holds whole numbers"
    failed = json.loads(run("estimate", "bad.jpg", "--json").out)
    figure = fake_fields.photograph(tmp_path / "figures" / "a.png")
    words = [*fake_fields.words("keypoints", "mask", "iuv"), "-o", "fields", "--json"]
    fields = json.loads(run("estimate", figure, *words).out)
    assert paths_of(said) | paths_of(failed) | paths_of(fields) == documented("estimate")


@pytest.mark.parametrize("verb", ["transfer", "estimate"])
def test_an_error_is_a_document_too(verb: str, run: Run, tmp_path: Path) -> None:
    words = ["nowhere.png", "me.png"] if verb == "transfer" else ["nowhere.png"]
    done = run(verb, *words, "--json")
    assert "nowhere.png does not exist" in done.error
    said = json.loads(done.out)
    assert said["error"] == {"kind": "FileNotFoundError", "text": "nowhere.png does not exist"}
    assert (said["status"], said["outputs"]) == (2, [])


@pytest.mark.parametrize("verb", ["transfer", "estimate"])
def test_the_exit_status_is_explained(verb: str) -> None:
    command = typer.main.get_command(cli.app).commands[verb]  # type: ignore[attr-defined]
    assert "Exit status: 0 all was done; 2 an error, nothing was done; 3 some" in command.help
    text = (ROOT / "docs" / "photographs.md").read_text()
    for status in (0, 2, 3):
        assert re.search(rf"^\| {status} \|", text, re.M)
