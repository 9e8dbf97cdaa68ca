"""`prepare_frames` on videos and folders of frames: sampling, following, cuts, steady crops, splits, damage."""

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from repose.data import Report, Store
from repose.data.clips import clips_in
from repose.data.frames import Frames, prepare_frames
from repose.data.tracking import Tracker, steady
from repose.represent.canvas import to_uint8
from tests.data import people


@pytest.fixture(autouse=True)
def _eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    people.seeing(monkeypatch)


def walk(count: int, colour: str = "red", start: int = 20, step: float = 1.0, height: int = 240) -> list[np.ndarray]:
    """Frames of somebody who walks to the right and bobs up and down."""
    return [people.draw(height, 400, {colour: (start + round(step * k), 40 + (k % 2) * 4, 160)}) for k in range(count)]


def pack(tmp_path: Path, *places: Path, **settings: Any) -> tuple[Report, Store]:
    report = prepare_frames(Frames(places, **settings), tmp_path / "store")
    return report, Store.open(tmp_path / "store", verify=True)


def reasons(report: Report) -> dict[str, str]:
    return {item.name: item.why for item in report.left_out}


def test_a_video_is_sampled_in_time(tmp_path: Path) -> None:
    people.save_video(tmp_path / "walk.mp4", walk(100))
    report, store = pack(tmp_path, tmp_path / "walk.mp4", fps=5)
    assert report.photographs == {"train": 20}
    assert store.names[:3] == ["walk_p0_000000.png", "walk_p0_000005.png", "walk_p0_000010.png"]
    assert set(store.people) == {"walk_p0"}
    assert not (store.folder / "detections").exists()
    every, _ = pack(tmp_path / "every", tmp_path / "walk.mp4", every=0.4)
    assert every.photographs == {"train": 10}


def test_a_folder_of_frames_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number, frame in enumerate(walk(24)):
        (tmp_path / "clip").mkdir(exist_ok=True)
        Image.fromarray(frame).save(tmp_path / "clip" / f"frame{number}.png")
    _, store = pack(tmp_path, tmp_path / "clip", rate=12, fps=4)
    assert store.names == [f"clip_p0_{number:06d}.png" for number in range(0, 24, 3)]


def test_everybody_is_followed_and_a_cut_begins_another_person(tmp_path: Path) -> None:
    first = [people.draw(240, 400, {"red": (20 + 2 * k, 40, 160), "blue": (300 - 2 * k, 50, 150)}) for k in range(40)]
    second = [people.draw(240, 400, {"red": (20, 40, 160)}, background=20) for _ in range(40)]
    people.save_video(tmp_path / "two.mp4", [*first, *second])
    report, store = pack(tmp_path, tmp_path / "two.mp4", fps=5, test=0, validation=0)
    assert set(store.people) == {"two_p0", "two_p1", "two_p2"}
    assert report.photographs == {"train": 8 + 8 + 8}
    for index, name in enumerate(store.names):
        if name < "two_p2":
            person = store.person([index])[0]
            middle = to_uint8(person.image)[120, int(person.keypoints[1, 0])]
            colour = "red" if "_p0_" in name else "blue"
            assert np.abs(middle.astype(int) - people.COLOURS[colour]).max() < 60, "two who meet are not exchanged"


def test_whoever_is_lost_is_another_person_afterwards(tmp_path: Path) -> None:
    gone = [people.draw(240, 400, {})] * 30
    people.save_video(tmp_path / "a.mp4", [*walk(30), *gone, *walk(30)])
    _, store = pack(tmp_path, tmp_path / "a.mp4", fps=5, test=0, validation=0)
    assert set(store.people) == {"a_p0", "a_p1"}
    blink = [people.draw(240, 400, {})] * 5
    people.save_video(tmp_path / "b.mp4", [*walk(30), *blink, *walk(30, start=50)])
    _, store = pack(tmp_path / "b", tmp_path / "b.mp4", fps=5)
    assert set(store.people) == {"b_p0"}, "one missed sample is no loss"


def test_the_crop_is_steady(tmp_path: Path) -> None:
    people.save_video(tmp_path / "walk.mp4", walk(100, start=90, step=1.5))
    _, store = pack(tmp_path, tmp_path / "walk.mp4", fps=5)
    heights, middles = [], []
    for index in range(len(store)):
        rows, columns = np.nonzero(people._of_colour(to_uint8(store.person([index])[0].image), "red"))
        heights.append(rows.max() - rows.min())
        middles.append((columns.max() + columns.min()) / 2)
    assert max(heights) - min(heights) <= 4, "the scale does not change with the pose"
    assert max(abs(np.diff(middles))) < 10, "the window follows"


def test_steady_boxes_enclose_and_stay_inside() -> None:
    boxes = [(10, 10 + 3 * k, 100 + 10 * (k % 3), round((100 + 10 * (k % 3)) * 0.5)) for k in range(12)]
    smooth = steady(boxes, range(12), (200, 300), 3)
    for (top, left, height, width), (top_, left_, height_, width_) in zip(boxes, smooth, strict=True):
        assert top_ <= top
        assert left_ <= left
        assert top_ + height_ >= top + height
        assert left_ + width_ >= left + width - 1
        assert 0 <= top_ <= 200 - height_
        assert 0 <= left_ <= 300 - width_
    sizes = [box[2] for box in smooth]
    assert max(abs(a - b) for a, b in itertools.pairwise(sizes)) <= 1
    assert steady(boxes[:1], [0], (200, 300), 3) == boxes[:1]


def test_who_is_left_out(tmp_path: Path) -> None:
    frames = walk(60)
    for k, frame in enumerate(frames):
        frame[60:220, 320:384] = people.COLOURS["doubtful"]
        frame[200:230, 4:16] = people.COLOURS["green"]  # small
        if 20 <= k < 30:
            frame[50:210, 240:304] = people.COLOURS["blue"]  # for a moment
    people.save_video(tmp_path / "a.mp4", frames)
    report, store = pack(tmp_path, tmp_path / "a.mp4", fps=5)
    assert set(store.people) == {"a_p0"}
    assert sorted(reasons(report).values()) == ["doubtful", "seen too briefly", "too small"]
    assert "frames 20 to 25" in next(item.detail for item in report.left_out if item.why == "seen too briefly")
    everybody, _ = pack(tmp_path / "b", tmp_path / "a.mp4", fps=5, least_score=0.1, test=0, validation=0)
    assert everybody.people == {"train": 2}
    largest, _ = pack(tmp_path / "c", tmp_path / "a.mp4", fps=5, people="largest")
    assert (largest.people, largest.left_out) == ({"train": 1}, ())


def test_broken_and_empty_clips_are_told(tmp_path: Path) -> None:
    people.save_video(tmp_path / "in" / "good.mp4", walk(40))
    people.save_video(tmp_path / "in" / "empty.mp4", [people.draw(240, 400, {})] * 30)
    whole = (tmp_path / "in" / "good.mp4").read_bytes()
    (tmp_path / "in" / "cut.mp4").write_bytes(whole[:200])
    report, store = pack(tmp_path, tmp_path / "in", fps=5)
    assert reasons(report) == {"cut": "broken clip", "empty": "nobody found"}
    assert set(store.people) == {"good_p0"}
    assert not any(str(tmp_path) in item.detail for item in report.left_out)


def test_whole_clips_are_held_out_where_there_are_three(tmp_path: Path) -> None:
    for number in range(3):
        frames = [people.draw(240, 400, {"red": (20, 40, 160), "blue": (200 + number, 50, 150)})] * 30
        people.save_video(tmp_path / "in" / f"c{number}.mp4", frames)
    report, store = pack(tmp_path, tmp_path / "in", fps=5)
    assert report.people == {"train": 2, "val": 2, "test": 2}
    clips = {(person.rpartition("_")[0], split) for person, split in zip(store.people, store.splits, strict=True)}
    assert len(clips) == 3, "nobody of a clip is in two splits"
    assert report.pairs["test"] == 60


def test_an_interrupted_run_gives_the_same_store(tmp_path: Path) -> None:
    for name in "ab":
        people.save_video(tmp_path / "in" / f"{name}.mp4", walk(40, start=20 + 5 * (name == "b")))
    whole = prepare_frames(Frames((tmp_path / "in",), fps=5), tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_frames(Frames((tmp_path / "in",), fps=5), tmp_path / "store", stop)
    asked = people.Markers.asked
    report = prepare_frames(Frames((tmp_path / "in",), fps=5), tmp_path / "store")
    assert people.Markers.asked == asked, "nobody is looked for again"
    assert report.checksum == whole.checksum


def test_mask_and_background(tmp_path: Path) -> None:
    people.save_video(tmp_path / "a.mp4", walk(30))
    _, store = pack(tmp_path, tmp_path / "a.mp4", fps=5, fields="mask", background="grey", size=(128, 64))
    person = store.person([2])[0]
    beside = person.mask[0].numpy() == 0
    assert beside.any()
    assert (np.abs(to_uint8(person.image)[beside].astype(int) - 128) <= 1).all()


def test_clips_of_places(tmp_path: Path) -> None:
    people.save(tmp_path / "in" / "frames" / "9.png", {})
    people.save(tmp_path / "in" / "frames" / "10.png", {})
    people.save_video(tmp_path / "in" / "sub" / "a.mp4", walk(3))
    people.save_video(tmp_path / "a.mp4", walk(3))
    clips = clips_in([tmp_path / "in", tmp_path / "a.mp4", tmp_path / "a.mp4"])
    assert [clip.name for clip in clips] == ["frames", "sub_a", "a", "a-2"]
    assert [path.name for path in clips[0].pictures] == ["9.png", "10.png"]
    with pytest.raises(FileNotFoundError, match="does not exist"):
        clips_in([tmp_path / "gone.mp4"])
    with pytest.raises(ValueError, match="is no video"):
        clips_in([tmp_path / "in" / "frames" / "9.png"])
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ValueError, match="no video and no frame"):
        clips_in([tmp_path / "nothing"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"fps": 0}, "above 0"), ({"every": -1.0}, "above 0"), ({"people": "al"}, "did you mean 'all'")],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        prepare_frames(Frames((tmp_path,), **settings), tmp_path / "store")


def test_two_who_change_places_are_told_apart_by_colour() -> None:
    tracker, eyes = Tracker(), people.Markers()
    for places in ((100, 170), (102, 172), (170, 100), (172, 98)):
        frame = people.draw(240, 400, {"red": (places[0], 40, 160), "blue": (places[1], 40, 160)})
        tracker.add(frame, eyes.people(frame))
    tracks = tracker.finish()
    assert [len(track.sights) for track in tracks] == [4, 4]
    for track in tracks:
        assert len({int(np.argmax(sight.colour)) for sight in track.sights}) == 1
    assert tracker.cuts == []


def test_without_the_package_for_videos_nothing_is_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people.save_video(tmp_path / "walk.mp4", walk(10))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r"walk\.mp4 is a video"):
        prepare_frames(Frames((tmp_path / "walk.mp4",)), tmp_path / "store")
    assert not (tmp_path / "store").exists()
