"""`repose.apps.video` and `animate`, and their commands: whole runs with a tiny model, killed ones, and mistakes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import repose.apps
from repose import cli
from repose.apps.motion import frames as frames_module
from repose.apps.motion import video as video_module
from repose.apps.motion.parts import Parts
from repose.apps.motion.sources import frames_of
from repose.pipeline import Model, load
from repose.scene import Scene
from tests import tiny
from tests.apps.test_video_files import clip, has_sound, people, shown
from tests.apps.test_video_smoothing import moving
from tests.test_cli import Run, run

av = pytest.importorskip("av")
assert run is not None  # a fixture

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.filterwarnings("ignore:on .* of the frames part of the figure")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module")
def model(weights: Path) -> Model:
    return load(weights)


@pytest.fixture
def me(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photograph of a person of dots; the estimator sees such people."""
    tiny.seeing(monkeypatch)
    tiny.photograph(tmp_path / "me.png", 120, 160, 10, 20, 120)
    return tmp_path / "me.png"


@pytest.fixture(scope="module")
def dance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person of dots who walks to the right for 12 frames at 12.5 a second, with sound."""
    return clip(
        tmp_path_factory.mktemp("clips") / "dance.mkv",
        [people(2 * n) for n in range(12)],
        sound="aac",
        rate=Fraction(25, 2),
    )


def joints(count: int) -> np.ndarray:
    points, _ = moving(count)
    return np.concatenate([points, np.ones((count, 18, 1))], -1)


def test_a_clip_becomes_a_clip(me: Path, dance: Path, model: Model, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    made = repose.apps.video(
        me, dance, out=tmp_path / "out.mp4", model=model, mask=None, progress=lambda *words: told.append(words)
    )
    assert (made.frames, made.height, made.width, made.sound) == (12, 160, 120, True)
    assert made.seconds == pytest.approx(12 / 12.5)
    assert shown(made.path) == pytest.approx([number / 12.5 for number in range(12)], abs=1e-6)
    assert has_sound(made.path)
    assert told[0] == ("following", 1, 12)
    assert told[-1] == ("posing", 12, 12)
    assert not (tmp_path / "out.mp4.parts").exists()
    # the ground is the photograph's
    ankles = made.joints[:, [10, 13], 1].amax(1)
    assert float((ankles - (20 + 170 * 120 / 180)).abs().max()) < 5
    quiet = repose.apps.video(me, dance, out=tmp_path / "quiet.mp4", model=model, mask=None, sound=False, seconds=0.3)
    assert not has_sound(quiet.path)
    assert quiet.frames == 4


@pytest.mark.parametrize("out", ["a.gif", "a.webp", "a.webm", "frames"])
def test_joints_become_every_kind_of_clip(out: str, me: Path, model: Model, tmp_path: Path) -> None:
    made = repose.apps.video(me, joints(6), out=tmp_path / out, model=model, mask=None, rate=10)
    read = list(frames_of(made.path, 10))
    assert len(read) == 6
    assert [frame.seconds for frame in read] == pytest.approx([number / 10 for number in range(6)], abs=5e-3)
    assert read[0].pixels.shape == (160, 120, 3)


def test_what_is_behind(me: Path, model: Model, tmp_path: Path) -> None:
    red = PIL.Image.new("RGB", (30, 30), (250, 0, 0))
    made = repose.apps.video(me, joints(2), out=tmp_path / "a", model=model, mask=None, background=red)
    assert next(frames_of(made.path, 25)).pixels[2, 2].tolist() == [250, 0, 0]
    made = repose.apps.video(me, joints(2), out=tmp_path / "b", model=model, mask=None, background="transparent")
    with PIL.Image.open(tmp_path / "b/000000.png") as image:
        assert image.mode == "RGBA"
    with pytest.raises(ValueError, match="transparent"):
        repose.apps.video(me, joints(2), out=tmp_path / "c.mp4", model=model, background="transparent")


def test_crops_are_of_one_size(me: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    real = Scene.pose_at
    for smooth in (True, False):

        def watched(self: Scene, keypoints: Any, box: Any = None, keep: bool = smooth) -> Any:
            pose = real(self, keypoints, box)
            boxes[keep].add(pose.placement.box[2:])
            return pose

        monkeypatch.setattr(Scene, "pose_at", watched)
        seen = joints(8)
        seen[:, 4, 0] -= 30 * np.arange(8)  # an arm goes far to the side
        repose.apps.video(me, seen, out=tmp_path / f"{smooth}", model=model, mask=None, smooth=smooth)
        monkeypatch.setattr(Scene, "pose_at", real)
    assert len(boxes[True]) == 1
    assert len(boxes[False]) > 1


def test_room_enlarges_the_photograph_for_all_frames(me: Path, model: Model, tmp_path: Path) -> None:
    seen = joints(4)
    seen[:, 3, :2], seen[:, 4, :2] = (-30, 60), (-80, 60)  # an arm goes straight to the side
    with pytest.warns(UserWarning, match="lies beyond the photograph"):
        cut = repose.apps.video(me, seen, out=tmp_path / "a", model=model, mask=None)
    whole = repose.apps.video(me, seen, out=tmp_path / "b", model=model, mask=None, room=True)
    assert whole.width > cut.width == 120
    assert bool((whole.joints[..., 0] >= 0).all())


# -- killed -----------------------------------------------------------------------------------------------------------

_KILLED = """
import os, signal, sys
import numpy as np
import torch
from repose.apps.motion import video as module
torch.set_num_threads(1)
module.SEGMENT = 4
def progress(what, done, total):
    if done == 7:
        os.kill(os.getpid(), signal.SIGKILL)
module.video(sys.argv[1], np.load(sys.argv[2]), out=sys.argv[3], model=sys.argv[4], mask=None,
             source_keypoints=np.load(sys.argv[5]), progress=progress)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_goes_on_and_ends_as_one_in_one_go(
    me: Path, weights: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_module, "SEGMENT", 4)
    np.save(tmp_path / "clip.npy", joints(10))
    own = np.concatenate([moving(1)[0][0] * 0.5 + [30, 5], np.ones((18, 1))], 1)
    np.save(tmp_path / "own.npy", own)
    files = [me, tmp_path / "clip.npy", tmp_path / "out.mp4", weights, tmp_path / "own.npy"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run([sys.executable, "-c", _KILLED, *map(str, files)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    parts = tmp_path / "out.mp4.parts"
    assert [path.name for path in sorted(parts.glob("0*.nut"))] == ["00000.nut"]
    kept = (parts / "00000.nut").stat().st_mtime_ns

    posed: list[int] = []
    real = frames_module.frames

    def watched(model: Any, scene: Any, poses: Any, background: Any) -> Any:
        numbers = list(poses)
        posed.extend(number for number, _ in numbers)
        return real(model, scene, numbers, background)

    monkeypatch.setattr(video_module, "frames", watched)
    seen: list[int] = []

    def progress(what: str, done: int, total: int | None) -> None:
        if (parts / "00000.nut").exists():
            seen.append((parts / "00000.nut").stat().st_mtime_ns)

    def go(out: Path) -> Any:
        given = np.load(tmp_path / "clip.npy")
        return video_module.video(
            me, given, out=out, model=load(weights), mask=None, source_keypoints=own, progress=progress
        )

    resumed = go(tmp_path / "out.mp4")
    assert resumed.resumed
    assert set(seen) == {kept}  # the finished segment is the killed run's
    assert posed == [*range(4, 10)]
    once = go(tmp_path / "once.mp4")
    assert not once.resumed
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "once.mp4").read_bytes()


def test_other_work_begins_anew(me: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppedError(Exception):
        pass

    def stop(what: str, done: int, total: int | None) -> None:
        if done == 3:
            raise StoppedError

    for out in ("a", "b.gif"):
        with pytest.raises(StoppedError):
            repose.apps.video(me, joints(5), out=tmp_path / out, model=model, mask=None, progress=stop)
        assert (tmp_path / f"{out}.parts").is_dir()
        made = repose.apps.video(me, joints(6), out=tmp_path / out, model=model, mask=None)
        assert not made.resumed
        assert len(list(frames_of(made.path, 25))) == 6


def test_memory_does_not_grow_with_the_clip(
    me: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are made one by one as the encoder takes them: what is alive at once is a handful."""

    def plain(model: Any, scene: Any, poses: Any, background: Any) -> Iterator[np.ndarray]:
        for number, _ in poses:
            yield np.full((240, 320, 3), number % 256, np.uint8)

    monkeypatch.setattr(video_module, "frames", plain)
    peaks = []
    for count in (40, 160):
        tracemalloc.start()
        repose.apps.video(me, joints(count), out=tmp_path / f"{count}.mp4", model=model, mask=None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 5e6  # 120 more pictures have 28 MB


# -- animate and the commands -----------------------------------------------------------------------------------------


def test_animate(me: Path, model: Model, tmp_path: Path) -> None:
    made = repose.apps.animate(me, "walk", out=tmp_path / "a.gif", model=model, mask=None, rate=10)
    assert made.frames == 12
    with PIL.Image.open(tmp_path / "a.gif") as image:
        assert image.info.get("loop") == 0
        assert image.n_frames == 12
    twice = repose.apps.animate(me, "walk", out=tmp_path / "a.mp4", model=model, mask=None, rate=10, loops=2)
    read = [frame.pixels for frame in frames_of(twice.path, 10)]
    assert len(read) == 24
    assert np.abs(read[3].astype(int) - read[15]).mean() < 2
    assert torch.equal(made.joints, twice.joints)
    with pytest.raises(ValueError, match="did you mean 'dance'"):
        repose.apps.animate(me, "dnace", out=tmp_path / "b.gif", model=model)


def test_the_commands_write_clip_and_sheet(run: Run, me: Path, dance: Path, weights: Path, tmp_path: Path) -> None:
    done = run("video", me, dance, "-o", "new/me.gif", "--weights", weights, "--mask", "none", "--seconds", 0.3)
    assert done.code == 0, done.error
    assert "new/me.gif  (4 frames" in done.out
    assert (tmp_path / "new/me.sheet.png").is_file()
    again = run("animate", me, "--motion", "wave", "-o", "wave", "--weights", weights, "--rate", 2, "--mask", "none")
    assert again.code == 0, again.error
    assert (tmp_path / "wave.sheet.png").is_file()
    assert len(list((tmp_path / "wave").glob("*.png"))) == 8


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("video", "me.png", "none.mp4"), "none.mp4 does not exist"),
        (("video", "me.png", "me.png"), "is a still picture"),
        (("video", "me.png", "poses.csv", "-o", "a.avi"), "a clip is written as .mp4"),
        (("video", "me.png", "poses.csv", "-o", "full"), "is a folder with files in it"),
        (("video", "me.png", "poses.csv", "--target-person", "lef"), "--target-person takes largest"),
        (("video", "me.png", "poses.csv", "--background", "whit"), "did you mean 'white'"),
        (("video", "me.png", "poses.csv", "--background", "transparent", "-o", "a.mp4"), "nothing can be transparent"),
        (("video", "me.png", "poses.csv", "-o", "a.mp4", "--rate", "0"), "rate and seconds are above 0"),
        (("animate", "me.png", "--motion", "run"), "no motion is called 'run'"),
        (("animate", "me.png", "--motion", "walk", "-o", "me.png"), "a clip is written as"),
    ],
)
def test_mistakes_are_told_before_the_work(
    words: tuple[str, ...], problem: str, run: Run, me: Path, weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "poses.csv").write_text("name:keypoints_y:keypoints_x\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a.png").write_bytes(me.read_bytes())
    done = run(*words, "--weights", weights)
    assert done.code == 2
    assert problem in done.error.replace("\n", " ")
    assert not list(tmp_path.glob("*.parts"))


def test_a_clip_that_cannot_be_used_leaves_nothing_behind(me: Path, model: Model, tmp_path: Path) -> None:
    """Nobody on it, pictures of two sizes, no such camera: the same call would fail again, so nothing is kept."""
    (tmp_path / "mixed").mkdir()
    for number, (width, height) in enumerate([(120, 160), (160, 120)]):
        tiny.photograph(tmp_path / f"mixed/{number}.png", width, height, 10, 20, 100)
    nobody = clip(tmp_path / "nobody.mkv", [np.full((64, 96, 3), 90, np.uint8)] * 3)
    for given, error, text in [
        (nobody, ValueError, "no person was found on any frame"),
        (tmp_path / "mixed", ValueError, r"frame 1, counted from 0, is 120x160, .* bring all pictures to one size"),
        (63, OSError, "camera 63 cannot be opened"),
    ]:
        with pytest.raises(error, match=text):
            repose.apps.video(me, given, out=tmp_path / "a.mp4", model=model, mask="none")
        assert not list(tmp_path.glob("a.mp4*"))


def test_ctrl_c_says_where_the_finished_part_lies(
    run: Run, me: Path, weights: Path, dance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(video_module, "join", stopped)
    done = run("video", me, dance, "-o", "a.mp4", "--weights", weights, "--mask", "none", "--seconds", 0.2)
    assert done.code == 130
    assert "a.mp4.parts holds what is finished: the same command goes on" in done.err
    monkeypatch.undo()
    assert (tmp_path / "a.mp4.parts/00000.nut").is_file()


def test_a_folder_that_is_called_like_unfinished_work_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "lego.parts").mkdir()
    (tmp_path / "lego.parts/brick.txt").write_text("red")
    with pytest.raises(ValueError, match="holds other files"):
        Parts(tmp_path / "lego", {})
    assert (tmp_path / "lego.parts/brick.txt").read_text() == "red"
    (tmp_path / "new.parts").mkdir()
    (tmp_path / "new.parts/.work.json.1.partial").write_text("killed while it was written")
    assert not Parts(tmp_path / "new", {}).resumed


def test_the_clip_is_not_overwritten(run: Run, me: Path, weights: Path, tmp_path: Path) -> None:
    clip(tmp_path / "a.mkv", [people(n) for n in range(3)]).rename(tmp_path / "a.mp4")
    done = run("video", me, "a.mp4", "-o", "a.mp4", "--weights", weights)
    assert done.code == 2
    assert "is an input" in done.error


def test_both_are_functions_and_commands() -> None:
    assert {"video", "animate"} <= set(repose.apps.__all__)
    assert {"video", "animate"} <= set(cli.VERBS)
