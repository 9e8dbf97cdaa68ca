"""Where a still is wanted, something that moves says so, and FILE#12 is its twelfth frame, from 0."""

import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose.images import ImageError, file_of, is_frame, load_image, split_frame, stem_of

COLOURS = ((220, 30, 30), (30, 220, 30), (30, 30, 220), (128, 128, 128))


def frames() -> list[PIL.Image.Image]:
    return [PIL.Image.new("RGB", (48, 32), colour) for colour in COLOURS]


def animation(path: Path) -> Path:
    first, *rest = frames()
    options = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=rest, duration=100, **options)
    return path


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif", "avif"])
def test_frames_of_animations(suffix: str, tmp_path: Path) -> None:
    path = animation(tmp_path / f"a.{suffix}")
    for number, colour in enumerate(COLOURS):
        loaded = load_image(f"{path}#{number}")
        assert np.abs(loaded.astype(int) - colour).max() <= (6 if suffix == "avif" else 2)
    what = "4 pages" if suffix == "tif" else "4 frames"
    with pytest.raises(
        ImageError, match=rf"{path} is a \w+ of {what}, and a still is wanted.*'{path}#0' to '{path}#3'"
    ):
        load_image(path)
    with pytest.raises(ImageError, match="has no frame 4: it has 4, 0 to 3"):
        load_image(f"{path}#4")
    with pytest.raises(ImageError, match=f"a frame is a number from 0, such as '{path}#0', not 'first'"):
        load_image(f"{path}#first")


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif", "jpg"])
def test_a_still_has_one_frame(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    frames()[0].save(path)
    assert np.array_equal(load_image(path), load_image(f"{path}#0"))
    with pytest.raises(ImageError, match="has no frame 1: it is a still"):
        load_image(f"{path}#1")


def test_a_phone_s_jpeg_with_a_second_picture_is_a_still(tmp_path: Path) -> None:
    """MPO: a gain map or a depth map behind the photograph."""
    first, second, *_ = frames()
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second], quality=100)
    with PIL.Image.open(tmp_path / "a.jpg") as image:
        assert (image.format, image.n_frames) == ("MPO", 2)  # type: ignore[attr-defined]
    assert np.abs(load_image(tmp_path / "a.jpg").astype(int) - COLOURS[0]).max() <= 2


def test_smaller_copies_in_a_tiff_are_no_pages(tmp_path: Path) -> None:
    from PIL.TiffImagePlugin import AppendingTiffWriter, ImageFileDirectory_v2

    path = tmp_path / "a.tif"
    with AppendingTiffWriter(path, True) as file:
        for number, picture in enumerate(frames()):
            tags = ImageFileDirectory_v2()
            tags[254] = 1 if number in (1, 2) else 0
            picture.resize((24, 16) if number in (1, 2) else (48, 32)).save(file, "TIFF", tiffinfo=tags)
            file.newFrame()
    with pytest.raises(ImageError, match="2 pages"):
        load_image(path)
    assert (load_image(f"{path}#1") == COLOURS[3]).all()


def test_a_name_that_holds_the_mark(tmp_path: Path) -> None:
    frames()[0].save(tmp_path / "me#2.png")
    assert (load_image(tmp_path / "me#2.png") == COLOURS[0]).all()
    assert (load_image(f"{tmp_path}/me#2.png#0") == COLOURS[0]).all()
    animation(tmp_path / "b.gif")
    frames()[3].save(tmp_path / "b.gif#1", "PNG")
    assert (load_image(tmp_path / "b.gif#1") == COLOURS[3]).all(), "a file of that very name goes first"


def test_parts_of_names(tmp_path: Path) -> None:
    path = animation(tmp_path / "b.gif")
    assert split_frame(f"{path}#12") == (path, 12)
    assert split_frame(path) == (path, None)
    assert split_frame(tmp_path / "nowhere.gif#1") == (tmp_path / "nowhere.gif#1", None)
    assert [is_frame(name) for name in (path, f"{path}#0", f"{tmp_path}/nowhere.gif#1")] == [False, True, False]
    assert file_of(f"{path}#12") == path
    assert (stem_of(path), stem_of(f"{path}#12"), stem_of("x#1.png")) == ("b", "b_12", "x#1")


# -- video ----------------------------------------------------------------------------------------------------------

CONTAINERS = {"mp4": "mpeg4", "mov": "mpeg4", "mkv": "mpeg4", "avi": "mpeg4", "webm": "libvpx"}


def video(path: Path, codec: str = "mpeg4", rotation: int = 0, count: int = 5) -> Path:
    """Frames of 64x48: green at the left edge, red above and blue below, a square that gets lighter."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 64, 48, "yuv420p", 4_000_000
        if rotation and not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV writes no rotation")
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode())
    return path


def picture(number: int) -> np.ndarray:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24], image[24:], image[:, :16] = (200, 40, 40), (40, 40, 200), (40, 200, 40)
    image[16:32, 32:48] = 40 * number
    return image


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_frames_of_videos(suffix: str, tmp_path: Path) -> None:
    path = video(tmp_path / f"a.{suffix}", CONTAINERS[suffix])
    disguised = path.rename(tmp_path / "a.jpg")  # the bytes tell, not the suffix
    for number in (0, 4, 2):
        loaded = load_image(f"{disguised}#{number}").astype(int)
        assert loaded.shape == (48, 64, 3)
        assert np.abs(loaded[20:28, 36:44] - 40 * number).mean() < 8
        assert np.abs(loaded[4:12, 40:60] - (200, 40, 40)).mean() < 12
    with pytest.raises(ImageError, match=r"is a video: take frames from it \(ffmpeg -i .*a.jpg frames/%05d.jpg\) and"):
        load_image(disguised)
    with pytest.raises(ImageError, match="has no frame 5: it has 5, 0 to 4"):
        load_image(f"{disguised}#5")


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_a_video_is_turned_as_it_says(rotation: int, turns: int, tmp_path: Path) -> None:
    """A phone held upright films sideways and says so; the angle runs against the clock, as `np.rot90` turns."""
    path = video(tmp_path / "a.mov", rotation=rotation)
    loaded = load_image(f"{path}#3").astype(int)
    wanted = np.rot90(picture(3), turns).astype(int)
    assert loaded.shape == wanted.shape
    assert np.abs(loaded - wanted).mean() < 12


def test_a_cut_off_video(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ImageError, match=r"a\.mp4 is a video that cannot be read"):
        load_image(f"{path}#0")


def test_a_video_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(40))
    monkeypatch.setitem(sys.modules, "av", None)
    for name in (path, f"{path}#3"):
        with pytest.raises(ImageError) as caught:
            load_image(name)
        text = str(caught.value)
        assert f"{path} is a video: take frames from it (ffmpeg -i {path} frames/%05d.jpg) and give the folder" in text
        assert "pip install av" in text
