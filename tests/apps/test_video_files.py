"""Clips in and out: times, sound, rotation and length are kept, of clips that these tests make with PyAV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from repose.apps.motion.camera import camera_number, record
from repose.apps.motion.encoding import CONTAINERS, container_of, join, pictures_of, write_segment
from repose.apps.motion.following import chosen_person, follow_frames, follow_joints, joined, motion_of_array
from repose.apps.motion.sound import has_sound, sound_of
from repose.apps.motion.sources import ahead, frames_of, kind_of_clip
from repose.data.tracking import Sight, Track
from repose.estimate import NobodyFound
from repose.images import ImageError
from repose.represent.pose_files import write_keypoints
from tests import tiny
from tests.estimate import fakes

av = pytest.importorskip("av")

RATE = 25
NTSC = Fraction(30_000, 1001)


def picture(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A bright square that goes to the right."""
    image = np.full((height, width, 3), 40, np.uint8)
    image[20:36, 8 + 2 * number : 24 + 2 * number] = (250, 200, 30)
    return image


def people(number: int, count: int = 1) -> np.ndarray:
    """People of dots who walk to the right."""
    return fakes.draw(420, 240, [fakes.joints(20 + 3 * number + 200 * k, 20, 180 - 30 * k) for k in range(count)])


def clip(
    path: Path, pictures: list[np.ndarray], codec: str = "ffv1", pixels: str = "bgr0", times: list[float] | None = None,
    sound: str | None = None, rotation: int = 0, rate: Any = RATE,
) -> Path:  # fmt: skip
    """A video of these pictures, with a tone of 440 Hz as long as it in `sound`, a codec."""
    with av.open(str(path), "w") as file:
        video = file.add_stream(codec, rate=rate)
        video.height, video.width, video.pix_fmt = *pictures[0].shape[:2], pixels
        if times is not None:
            video.codec_context.time_base = Fraction(1, 90_000)
        if rotation:
            if not hasattr(video, "set_display_rotation"):
                pytest.skip("this PyAV writes no rotation")
            video.set_display_rotation(rotation)
        audio = None
        if sound is not None:
            audio = file.add_stream(sound, rate=44_100)
            audio.layout = "mono"
        for number, pixels_ in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels_, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[number] * 90_000), Fraction(1, 90_000)
            for packet in video.encode(frame):
                file.mux(packet)
        if audio is not None:
            length = len(pictures) / float(rate)
            tone = np.sin(2 * np.pi * 440 * np.arange(round(44_100 * length)) / 44_100)
            samples = av.AudioFrame.from_ndarray((tone * 20_000).astype(np.int16)[None], format="s16", layout="mono")
            samples.rate, samples.pts = 44_100, 0
            resampler = av.AudioResampler(
                format=audio.codec_context.format, layout="mono", rate=44_100, frame_size=audio.codec_context.frame_size
            )
            for ready in [*resampler.resample(samples), *resampler.resample(None)]:
                for packet in audio.encode(ready):
                    file.mux(packet)
            for packet in audio.encode(None):
                file.mux(packet)
        for packet in video.encode(None):
            file.mux(packet)
    return path


def written(
    out: Path, pictures: list[np.ndarray], times: list[float], lasts: list[float], sound: Path | None = None
) -> Path:
    """A result in three segments."""
    container = container_of(out)
    third = -(-len(pictures) // 3)
    segments = []
    for number, first in enumerate(range(0, len(pictures), third)):
        part = slice(first, first + third)
        segments.append(out.with_name(f"{out.name}.{number}.nut"))
        write_segment(segments[-1], pictures[part], times[part], lasts[part], container)
    join(out, segments, container, lasts, None if sound is None else sound_of(sound, container, sum(lasts)))
    return out


def shown(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        return [float(frame.time) for frame in file.decode(file.streams.video[0])]


def heard(path: Path) -> tuple[str, np.ndarray, int]:
    """The codec, the samples of one channel, and their rate."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        decoded = list(file.decode(stream))
        samples = np.concatenate([frame.to_ndarray().reshape(len(frame.layout.channels), -1)[0] for frame in decoded])
        return stream.codec_context.name, samples.astype(float), stream.codec_context.sample_rate


# -- out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm", ".gif", ".webp"])
def test_uneven_times_and_the_length_are_kept(suffix: str, tmp_path: Path) -> None:
    times = [number / 25 for number in range(12)]
    times[7:] = [time + 0.3 for time in times[7:]]
    lasts = [*np.diff(times).tolist(), 0.2]
    out = written(tmp_path / f"a{suffix}", [picture(number) for number in range(12)], times, lasts)
    exact = {".mp4": 1e-6, ".mov": 1e-6, ".webm": 1e-3, ".gif": 6e-3, ".webp": 2e-3}[suffix]
    if suffix == ".webp":
        with PIL.Image.open(out) as image:
            seen = []
            for number in range(image.n_frames):
                image.seek(number)
                image.load()
                seen.append(image.info["timestamp"] / 1000)
        assert seen == pytest.approx(times, abs=exact)
        return
    assert shown(out) == pytest.approx(times, abs=exact)
    with av.open(str(out)) as file:
        assert file.duration / 1e6 == pytest.approx(times[-1] + 0.2, abs=0.02)


@pytest.mark.parametrize("rate", [Fraction(10), Fraction(24), NTSC, Fraction(50)])
def test_rates_are_kept_to_the_tick(rate: Fraction, tmp_path: Path) -> None:
    times = [float(number / rate) for number in range(30)]
    out = written(tmp_path / "a.mp4", [picture(number) for number in range(30)], times, [float(1 / rate)] * 30)
    with av.open(str(out)) as file:
        stream = file.streams.video[0]
        assert stream.average_rate == rate
        assert stream.frames == 30


def test_pictures_come_back(tmp_path: Path) -> None:
    pictures = [picture(number) for number in range(9)]
    times, lasts = [number / 25 for number in range(9)], [0.04] * 9
    for suffix, most in ((".mp4", 6), (".webm", 6), (".gif", 0), (".webp", 5)):
        out = written(tmp_path / f"a{suffix}", pictures, times, lasts)
        for frame, wanted in zip(frames_of(out, 25), pictures, strict=True):
            assert np.abs(frame.pixels.astype(int) - wanted).mean() <= most, suffix


def test_odd_sides_lose_a_row_where_the_format_wants_even_ones(tmp_path: Path) -> None:
    pictures = [picture(number, 97, 65) for number in range(3)]
    for suffix, size in ((".mp4", (64, 96)), (".gif", (65, 97))):
        out = written(tmp_path / f"a{suffix}", pictures, [0, 0.04, 0.08], [0.04] * 3)
        assert next(frames_of(out, 25)).pixels.shape[:2] == size


def test_a_transparent_webp(tmp_path: Path) -> None:
    clear = [np.concatenate([picture(n), np.full((64, 96, 1), 255 * (n % 2), np.uint8)], 2) for n in range(4)]
    out = written(tmp_path / "a.webp", clear, [0, 0.1, 0.2, 0.3], [0.1] * 4)
    with PIL.Image.open(out) as image:
        assert image.convert("RGBA").getextrema()[3][0] == 0


@pytest.mark.parametrize(
    ("given", "suffix", "codec"),
    [("aac", ".mp4", "aac"), ("pcm_s16le", ".mp4", "aac"), ("aac", ".webm", "opus"), ("libmp3lame", ".mp4", "mp3")],
)
def test_sound_is_kept(given: str, suffix: str, codec: str, tmp_path: Path) -> None:
    source = clip(tmp_path / "clip.mkv", [picture(number) for number in range(50)], sound=given)
    assert has_sound(source)
    out = written(
        tmp_path / f"a{suffix}", [picture(n) for n in range(50)], [n / 25 for n in range(50)], [0.04] * 50, source
    )
    name, samples, rate = heard(out)
    assert codec in name  # a decoder may be called mp3float
    assert len(samples) / rate == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[rate // 2 : rate * 3 // 2]))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert shown(out) == pytest.approx([n / 25 for n in range(50)], abs=1e-3)


def test_copied_sound_is_the_same_packets(tmp_path: Path) -> None:
    source = clip(tmp_path / "clip.mp4", [picture(n) for n in range(30)], "libx264", "yuv420p", sound="aac")
    out = written(tmp_path / "a.mp4", [picture(n) for n in range(30)], [n / 25 for n in range(30)], [0.04] * 30, source)

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as file:
            return [
                bytes(packet)
                for packet in file.demux(file.streams.audio[0])
                if packet.dts is not None and packet.pts >= 0
            ]

    assert packets(out)
    assert packets(out) == packets(source)[: len(packets(out))]


def test_sound_is_cut_where_the_pictures_end(tmp_path: Path) -> None:
    source = clip(tmp_path / "clip.mkv", [picture(n) for n in range(50)], sound="aac")
    out = written(tmp_path / "a.mp4", [picture(n) for n in range(20)], [n / 25 for n in range(20)], [0.04] * 20, source)
    _, samples, rate = heard(out)
    assert len(samples) / rate == pytest.approx(0.8, abs=0.06)


def test_a_clip_without_sound_has_none(tmp_path: Path) -> None:
    source = clip(tmp_path / "clip.mkv", [picture(n) for n in range(4)])
    assert not has_sound(source)
    out = written(tmp_path / "a.mp4", [picture(n) for n in range(4)], [0, 0.04, 0.08, 0.12], [0.04] * 4, source)
    assert not has_sound(out)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"did you mean '\.mp4'"):
        container_of(tmp_path / "a.mp5")
    assert {one.suffix for one in CONTAINERS} >= {".mp4", ".webm", ".gif", ".webp", ""}


# -- in ---------------------------------------------------------------------------------------------------------------


def test_kinds_of_clips(tmp_path: Path) -> None:
    assert kind_of_clip(clip(tmp_path / "a.mkv", [picture(0), picture(1)])) == "video"
    still = PIL.Image.fromarray(picture(0))
    still.save(tmp_path / "a.gif", save_all=True, append_images=[PIL.Image.fromarray(picture(1))])
    assert kind_of_clip(tmp_path / "a.gif") == "animation"
    (tmp_path / "frames").mkdir()
    still.save(tmp_path / "frames/1.png")
    assert kind_of_clip(tmp_path / "frames") == "pictures"
    (tmp_path / "poses").mkdir()
    (tmp_path / "poses/1.json").write_text("{}")
    assert kind_of_clip(tmp_path / "poses") == "joints"
    still.save(tmp_path / "still.png")
    with pytest.raises(ValueError, match="still picture"):
        kind_of_clip(tmp_path / "still.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no frames"):
        kind_of_clip(tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        kind_of_clip(tmp_path / "none.mp4")
    (tmp_path / "noise.bin").write_bytes(b"\0\1noise" * 50)
    with pytest.raises(ImageError, match="no clip"):
        kind_of_clip(tmp_path / "noise.bin")


def test_times_of_a_gif_and_of_a_folder(tmp_path: Path) -> None:
    pictures = [PIL.Image.fromarray(picture(n)) for n in range(4)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=[100, 50, 200, 0])
    read = list(frames_of(tmp_path / "a.gif", 25))
    assert [frame.seconds for frame in read] == pytest.approx([0, 0.1, 0.15, 0.35])
    assert [frame.lasts for frame in read] == pytest.approx([0.1, 0.05, 0.2, 0.1])
    (tmp_path / "f").mkdir()
    for number in range(12):
        PIL.Image.fromarray(picture(number)).save(tmp_path / f"f/frame{number}.png")
    read = list(frames_of(tmp_path / "f", 10))
    assert [frame.seconds for frame in read] == pytest.approx([number / 10 for number in range(12)])
    assert np.array_equal(read[11].pixels, picture(11))  # frame11 after frame2


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_turned_video_is_upright(rotation: int, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mov", [picture(0), picture(1)], "mpeg4", "yuv420p", rotation=rotation)
    turned = np.rot90(picture(0), round(rotation / 90))
    read = next(frames_of(path, 25)).pixels
    assert read.shape == turned.shape
    assert np.abs(read.astype(int) - turned).mean() < 12


def test_reading_ahead_gives_everything_and_every_error() -> None:
    assert list(ahead(iter(range(50)))) == list(range(50))

    def broken() -> Iterator[int]:
        yield 1
        raise ImageError("damaged")

    read = ahead(broken())
    assert next(read) == 1
    with pytest.raises(ImageError, match="damaged"):
        next(read)
    stopped: list[int] = []

    def watched() -> Iterator[int]:
        for number in range(10_000):
            stopped.append(number)
            yield number

    first = ahead(watched(), room=2)
    assert next(first) == 0
    first.close()
    assert len(stopped) < 10  # no more than there is room for


# -- whose joints -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people of dots who walk to the right, the larger one in front on the left; 20 frames."""
    return clip(tmp_path_factory.mktemp("clips") / "two.mkv", [people(number, 2) for number in range(20)])


@pytest.mark.parametrize(("which", "x"), [("largest", 20), ("right", 220), (1, 220), ("left", 20), (0, 20)])
def test_one_of_two_people_is_followed(which: Any, x: float, two: Path) -> None:
    motion = follow_frames(two, tiny.Eyes(), which)
    assert len(motion) == 20
    nose = motion.joints[:, 0]
    assert np.isfinite(nose).all()
    tall = 180 if x == 20 else 150
    assert nose[:, 0] == pytest.approx(x + 50 * tall / 180 + 3 * np.arange(20), abs=3)
    assert motion.times == pytest.approx(np.arange(20) / 25)


def test_nobody_and_too_few(two: Path, tmp_path: Path) -> None:
    with pytest.raises(NobodyFound, match="use 0 to 1"):
        follow_frames(two, tiny.Eyes(), 7)
    with pytest.raises(NobodyFound, match="no person was found on any frame"):
        follow_frames(clip(tmp_path / "a.mkv", [picture(0), picture(1)]), tiny.Eyes())


def track(first: int, last: int, x: float, step: float = 0.0, side: float = 100.0) -> Track:
    import torch

    return Track(
        [
            Sight(k, torch.ones(18, 3) * (x + step * k), (x + step * k, 0, x + step * k + 40, side), np.full(3, np.nan))
            for k in range(first, last)
        ]
    )


def test_tracks_are_joined_after_a_gap_and_only_where_it_is_likely() -> None:
    times = np.arange(300) / 25
    here, later = track(0, 40, 100, 1.0), track(60, 100, 100, 1.0)
    elsewhere, much_later = track(60, 100, 600), track(250, 290, 100)
    people = joined([here, elsewhere, later, much_later], times)
    assert sorted(len(person.sights) for person in people) == [40, 40, 80]
    chosen = chosen_person([here, elsewhere, later, much_later], times, "largest", "clip", (200, 800))
    assert [sight.sample for sight in chosen.sights] == [*range(40), *range(60, 100)]


def test_keypoints_of_many_files_and_of_an_array(tmp_path: Path) -> None:
    (tmp_path / "poses").mkdir()
    for number in range(12):  # two people, whose order changes
        bodies = []
        for x, tall in ((20, 180), (250, 120)):
            points = np.zeros((18, 3))
            points[:17, :2], points[:17, 2] = fakes.joints(x + 3 * number, 10, tall), 0.9
            points[:, :2] = points[:, :2].round(2)
            bodies.append({"pose_keypoints_2d": points.reshape(-1).tolist()})
        path = tmp_path / f"poses/clip_{number}_keypoints.json"
        path.write_text(json.dumps({"version": 1.3, "people": bodies[:: 1 if number % 2 else -1]}))
    motion = follow_joints(tmp_path / "poses", "largest", rate=30)
    assert len(motion) == 12
    assert motion.times[-1] == pytest.approx(11 / 30)
    assert np.diff(motion.joints[:, 0, 0]) == pytest.approx(np.full(11, 3), abs=0.1)
    other = follow_joints(tmp_path / "poses", 1)
    assert other.joints[0, 0, 0] == pytest.approx(250 + 50 * 120 / 180, abs=0.1)

    array = np.concatenate([motion.joints, np.ones((12, 18, 1))], -1)
    assert np.allclose(motion_of_array(array).joints, motion.joints, atol=0.01, equal_nan=True)
    np.save(tmp_path / "clip.npy", array)
    assert len(follow_joints(tmp_path / "clip.npy")) == 12
    with pytest.raises(ValueError, match="two frames at least"):
        motion_of_array(array[0])


def test_one_pose_is_no_clip(tmp_path: Path) -> None:
    import torch

    write_keypoints(tmp_path / "one.json", {"a": torch.ones(18, 3) + torch.rand(18, 3)})
    with pytest.raises(ValueError, match="one pose"):
        follow_joints(tmp_path / "one.json")


def test_cameras(tmp_path: Path) -> None:
    assert [camera_number(name) for name in (0, "1", "/dev/video2", "a.mp4", True, Path("7"))] == [
        0,
        1,
        2,
        None,
        None,
        7,
    ]
    with pytest.raises(OSError, match="camera 63 cannot be opened"):
        record(63, tmp_path / "camera.mkv", 1.0)
    recorded = record(0, tmp_path / "test.mkv", 0.5, source=("testsrc=size=64x48:rate=20", "lavfi"))
    assert len(list(frames_of(recorded, 25))) == 10


def test_segments_keep_what_they_hold(tmp_path: Path) -> None:
    container = container_of(tmp_path / "a.gif")
    write_segment(tmp_path / "s.nut", [picture(0), picture(1)], [3.0, 3.1], [0.1, 0.1], container)
    assert np.array_equal(list(pictures_of([tmp_path / "s.nut"]))[1], picture(1))
