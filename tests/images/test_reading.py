"""Every kind of picture comes in right way up and in RGB; what is no picture is refused by name."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
import pytest
import torch

from repose.images import PICTURES, ImageError, load_image, same_kind, save_image

HEIGHT, WIDTH = 40, 24


def scene() -> np.ndarray:
    """Red above, blue below, a green left edge: every flip and turn of it differs."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[: HEIGHT // 2] = (220, 30, 30)
    image[HEIGHT // 2 :] = (30, 30, 220)
    image[:, : WIDTH // 4] = (30, 220, 30)
    return image


def close(a: np.ndarray, b: np.ndarray, tolerance: float = 3) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and float(np.abs(a.astype(int) - b.astype(int)).mean()) < tolerance


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif", "tif"])
def test_formats(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    PIL.Image.fromarray(scene()).save(path)
    assert close(load_image(path), scene(), 12)
    assert close(load_image(str(path)), scene(), 12)


_INVERSE = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),  # stored turned left: 6 says "turn right to see it"
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int, tmp_path: Path) -> None:
    stored = PIL.Image.fromarray(np.ascontiguousarray(_INVERSE[orientation](scene())))
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(load_image(tmp_path / "a.png"), scene())


def test_alpha_lies_over_white(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:10] = 0
    alpha[10:20] = 128
    path = tmp_path / "a.png"
    PIL.Image.fromarray(np.dstack([scene(), alpha])).save(path)
    loaded = load_image(path)
    assert (loaded[:10] == 255).all()
    assert np.abs(loaded[10:20].astype(int) - (scene()[10:20] * 0.502 + 255 * 0.498)).max() <= 2
    assert np.array_equal(loaded[20:], scene()[20:])


def test_palette_with_transparency(tmp_path: Path) -> None:
    image = PIL.Image.new("P", (WIDTH, HEIGHT), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (0, 0, WIDTH, 10))
    image.save(tmp_path / "a.png", transparency=0)
    loaded = load_image(tmp_path / "a.png")
    assert (loaded[:10] == (200, 100, 50)).all()
    assert (loaded[10:] == 255).all()


@pytest.mark.parametrize("mode", ["L", "1", "LA", "CMYK", "YCbCr", "HSV"])
def test_modes(mode: str) -> None:
    image = PIL.Image.fromarray(scene()).convert(mode)
    expected = np.asarray(image.convert("L").convert("RGB")) if mode in ("L", "1", "LA") else scene()
    assert close(load_image(image), np.asarray(expected), 6)


def test_cmyk_jpeg(tmp_path: Path) -> None:
    PIL.Image.fromarray(scene()).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert close(load_image(tmp_path / "a.jpg"), scene(), 12)


def test_16_bit_grey(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    PIL.Image.fromarray(ramp).save(tmp_path / "a.png")
    for loaded in (load_image(tmp_path / "a.png"), load_image(ramp)):
        assert loaded.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(loaded[..., 1] - ramp / 257).max() <= 0.5 + 1e-6


def test_32_bit_integers_and_floats() -> None:
    ramp = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    for image in (PIL.Image.fromarray(ramp), PIL.Image.fromarray((ramp * 65535).astype(np.int32))):
        assert np.abs(load_image(image)[..., 0] - ramp * 255).max() <= 1
    with pytest.raises(ImageError, match="grey values"):
        load_image(PIL.Image.fromarray(ramp - 1))


def test_an_animation_gives_the_frame_that_is_named(tmp_path: Path) -> None:
    frames = [PIL.Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (load_image(f"{tmp_path}/a.gif#0") == (255, 0, 0)).all()
    assert (load_image(tmp_path / "a.gif#1") == (0, 0, 255)).all()
    with pytest.raises(
        ImageError, match=r"is a GIF of 2 frames, and a still is wanted: name one of them, from .*gif#0"
    ):
        load_image(tmp_path / "a.gif")


# -- arrays and tensors ---------------------------------------------------------------------------------------------


def test_arrays() -> None:
    grey = scene()[..., 0]
    assert np.array_equal(load_image(scene()), scene())
    for array in (grey, grey[..., None]):
        assert np.array_equal(load_image(array), np.dstack([grey] * 3))
    assert np.array_equal(load_image(grey > 100)[..., 2] == 255, grey > 100)
    assert np.array_equal(load_image(scene()[:, ::-1]), scene()[:, ::-1])
    rgba = np.dstack([scene(), np.zeros((HEIGHT, WIDTH), np.uint8)])
    assert (load_image(rgba) == 255).all()


def test_tensors() -> None:
    as_bytes = torch.from_numpy(scene()).movedim(-1, 0)
    assert np.array_equal(load_image(as_bytes), scene())
    assert np.array_equal(load_image(as_bytes.float() / 127.5 - 1), scene())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((3, 64, 32), np.uint8), "channels last"),
        (np.zeros((64, 32, 5), np.uint8), "not a picture"),
        (np.zeros((64, 32, 3), np.float32), "must be uint8"),
        (torch.zeros(1, 3, 64, 32), "one of the batch"),
        (torch.zeros(64, 32, 3), "not a picture"),
        (torch.full((3, 64, 32), 255.0), "lies in"),
        (torch.full((3, 64, 32), float("nan")), "nan"),
        (torch.zeros(3, 64, 32, dtype=torch.int64), "or uint8"),
        (None, "NoneType"),
    ],
)
def test_wrong_arrays_and_tensors(source: object, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        load_image(source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "source",
    [np.zeros((1, 1, 3), np.uint8), torch.zeros(3, 1, 1), PIL.Image.new("RGB", (1, 1)), np.zeros((15, 99), np.uint8)],
)
def test_too_small(source: np.ndarray) -> None:
    with pytest.raises(ImageError, match="too small"):
        load_image(source)


# -- broken files ---------------------------------------------------------------------------------------------------


def _jpeg() -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(noise).save(stream, "JPEG")
    return stream.getvalue()


def _png_of_size(width: int, height: int) -> bytes:
    """A PNG that claims to be of this size and holds nothing."""
    chunk = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    head = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return head + (9).to_bytes(4, "big") + b"IDAT" + zlib.compress(b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: b"I am a text, honestly.\n", "it holds text that begins 'I am a text"),
        (lambda: "où est la photo ? ".encode() * 9, "it holds text"),
        (lambda: b"", "it is empty"),
        (lambda: bytes(range(128, 228)), "begins with the bytes 80 81"),
        (lambda: _jpeg()[:5000], "broken or cut off"),
        (lambda: _jpeg()[:100], "broken or cut off"),
        (lambda: _png_of_size(9000, 9000), "81 million pixels"),
        (lambda: _png_of_size(60000, 60000), "too large"),
        (lambda: _png_of_size(64, 64), "broken or cut off"),
        (lambda: _png_of_size(1, 1), "1x1 pixels"),
    ],
)
def test_bad_files(data: Callable[[], bytes], words: str, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data())
    with pytest.raises(ImageError, match=words) as caught:
        load_image(path)
    assert str(path) in str(caught.value)
    assert not recwarn.list


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        load_image(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)


def test_a_large_jpeg_is_read_smaller(tmp_path: Path) -> None:
    big = PIL.Image.fromarray(scene()).resize((1201, 2001), PIL.Image.Resampling.NEAREST)
    big.save(tmp_path / "a.jpg", quality=95)
    loaded = load_image(tmp_path / "a.jpg", max_pixels=700_000)
    assert loaded.shape == (1001, 601, 3)
    assert close(loaded, np.asarray(big.resize((601, 1001))), 4)
    big.save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="million pixels"):
        load_image(tmp_path / "a.png", max_pixels=700_000)


# -- back out -------------------------------------------------------------------------------------------------------


def test_same_kind(tmp_path: Path) -> None:
    result = scene()
    for like in (tmp_path / "a.png", "a.png", PIL.Image.new("L", (20, 20))):
        out = same_kind(result, like)
        assert isinstance(out, PIL.Image.Image)
        assert np.array_equal(np.asarray(out), result)
    assert np.array_equal(np.asarray(same_kind(result, result)), result)
    for dtype in (torch.uint8, torch.float32, torch.float64):
        out = same_kind(result, torch.zeros(3, 20, 20, dtype=dtype))
        assert isinstance(out, torch.Tensor)
        assert out.dtype == dtype
        assert out.shape == (3, HEIGHT, WIDTH)
        assert np.array_equal(load_image(out), result)


@pytest.mark.parametrize("name", ["a.png", "new/folder/a.PNG", "a.jpg", "a.jpeg"])
def test_save(name: str, tmp_path: Path) -> None:
    path = save_image(tmp_path / name, scene())
    assert close(load_image(path), scene(), 12)
    assert [p.name for p in path.parent.iterdir() if p.is_file()] == [path.name]


def test_save_refuses(tmp_path: Path) -> None:
    for name in ("a.jpgg", "a", "a.gif"):
        with pytest.raises(ImageError, match=r"\.png, \.jpg"):
            save_image(tmp_path / name, scene())
    with pytest.raises(ImageError, match="uint8"):
        save_image(tmp_path / "a.png", scene().astype(np.float32))
    assert not list(tmp_path.iterdir())


def test_a_failed_save_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_image(tmp_path / "a.png", scene())
    before = path.read_bytes()

    def full(self: PIL.Image.Image, stream: BinaryIO, *args: object, **options: object) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PIL.Image.Image, "save", full)
    with pytest.raises(OSError, match="No space"):
        save_image(path, scene()[::-1].copy())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", PICTURES)
def test_every_suffix_of_a_folder_s_pictures_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix in (".heic", ".heif"):
        pytest.importorskip("pillow_heif").register_heif_opener()
    PIL.Image.fromarray(scene()).save(path)
    assert load_image(path).shape == scene().shape
