"""Files of parsers and of DensePose become fields of a person, and what is none says so."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.person import Person
from repose.represent.maps import read_iuv, read_parsing, with_maps

LABELS = np.random.default_rng(0).integers(0, 20, (12, 8), dtype=np.uint8)


def densepose() -> np.ndarray:
    """uint8 (12, 8, 3): part, 255 u, 255 v; 0 beside a figure."""
    random = np.random.default_rng(1)
    iuv = np.concatenate([random.integers(1, 25, (12, 8, 1)), random.integers(0, 256, (12, 8, 2))], 2).astype(np.uint8)
    iuv[:, :3] = 0
    return iuv


def test_labels_from_pictures_and_arrays(tmp_path: Path) -> None:
    PIL.Image.fromarray(LABELS).save(tmp_path / "grey.png")
    coloured = PIL.Image.fromarray(LABELS).convert("P")
    coloured.putpalette([255 - k for k in range(256) for _ in range(3)])
    coloured.putdata(LABELS.ravel().tolist())
    coloured.save(tmp_path / "palette.png")
    np.save(tmp_path / "array.npy", LABELS.astype(np.int32))
    for name in ("grey.png", "palette.png", "array.npy"):
        result = read_parsing(tmp_path / name)
        assert result.dtype == torch.int64
        assert np.array_equal(result.numpy(), LABELS), name


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=["as said", "as OpenCV writes it"])
def test_iuv_in_either_order(order: tuple[int, int, int], tmp_path: Path) -> None:
    iuv = densepose()
    PIL.Image.fromarray(iuv[..., list(order)]).save(tmp_path / "iuv.png")
    result = read_iuv(tmp_path / "iuv.png")
    assert result.dtype == torch.float32
    assert np.array_equal(result[0].numpy(), iuv[..., 0])
    assert np.allclose(result[1:].numpy() * 255, np.moveaxis(iuv[..., 1:], -1, 0), atol=1e-4)


def test_iuv_as_arrays(tmp_path: Path) -> None:
    iuv = densepose()
    exact = np.moveaxis(iuv, -1, 0).astype(np.float32) / np.array([1, 255, 255], np.float32)[:, None, None]
    np.save(tmp_path / "planes.npy", exact)
    np.save(tmp_path / "pixels.npy", iuv)
    assert np.allclose(read_iuv(tmp_path / "planes.npy").numpy(), exact)
    assert np.allclose(read_iuv(tmp_path / "pixels.npy").numpy(), exact)
    np.save(tmp_path / "reversed.npy", exact[::-1])
    assert np.allclose(read_iuv(tmp_path / "reversed.npy").numpy(), exact), "v of at most 1 are no parts"
    small = iuv.copy()
    small[..., 2] //= 20  # v is small everywhere: the background tells the order
    small[:, 3, 2] = 0
    np.save(tmp_path / "small.npy", small)
    assert np.array_equal(read_iuv(tmp_path / "small.npy")[0].numpy(), iuv[..., 0])


def test_a_person_takes_both(tmp_path: Path) -> None:
    PIL.Image.fromarray(LABELS).save(tmp_path / "labels.png")
    PIL.Image.fromarray(densepose()).save(tmp_path / "iuv.png")
    person = Person(image=torch.zeros(3, 12, 8))
    result = with_maps(person, tmp_path / "labels.png", tmp_path / "iuv.png")
    assert result.image is person.image
    assert torch.equal(result.parsing, torch.from_numpy(LABELS).long())  # type: ignore[arg-type]
    assert torch.equal(result.iuv, read_iuv(tmp_path / "iuv.png"))  # type: ignore[arg-type]
    assert with_maps(person) is person
    with pytest.raises(ValueError, match=r"labels.png is 12x8, the picture that it belongs to 8x12"):
        with_maps(Person(image=torch.zeros(3, 8, 12)), parsing=tmp_path / "labels.png")


def test_what_is_no_map_says_so(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(1, 256, (12, 8, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "photo.png")
    PIL.Image.fromarray(noise[..., 0]).save(tmp_path / "grey.png")
    (tmp_path / "text.png").write_text("no picture")
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object))
    for read, name, message in (
        (read_parsing, "photo.png", "is a colour picture"),
        (read_parsing, "grey.png", "but LIP's are 0 to 19"),
        (read_parsing, "text.png", "cannot be read"),
        (read_parsing, "pickled.npy", "cannot be read"),
        (read_iuv, "photo.png", "neither the first nor the last channel"),
        (read_iuv, "grey.png", "three channels"),
    ):
        with pytest.raises(ValueError, match=message):
            read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"none.png does not exist"):
        read_iuv(tmp_path / "none.png")
