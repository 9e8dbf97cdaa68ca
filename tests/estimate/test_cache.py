"""Estimates remembered: the same pixels and joints are estimated once, and the result is the same."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.estimate import Cached, CachedIUV, CachedMask, CachedParsing, Detection
from repose.estimate.base import Image, IUVEstimator, KeypointEstimator, MaskEstimator, ParsingEstimator


class Counting:
    """Says which picture it saw, and counts."""

    def __init__(self, name: str = "counting") -> None:
        self.name, self.seen = name, 0

    def people(self, image: Image) -> list[Detection]:
        self.seen += 1
        return [Detection(torch.full((18, 3), float(image[0, 0, 0])), (0.5, 1.0, 2.0, 3.25), 0.75)]

    def crops(self, images: Sequence[Image]) -> torch.Tensor:
        self.seen += len(images)
        return torch.stack([torch.full((18, 3), float(image[0, 0, 0]) + 0.5) for image in images])


def test_cached(tmp_path: Path) -> None:
    work = Counting()
    images = [np.full((4, 2, 3), value, np.uint8) for value in range(4)]
    cached = Cached(work, tmp_path)
    assert isinstance(cached, KeypointEstimator)
    first = cached.crops(images[:2])
    assert work.seen == 2
    assert torch.equal(Cached(work, tmp_path).crops(images), torch.cat([first, work.crops(images[2:])]))
    assert work.seen == 6, "two new ones, and two asked here"
    for _ in range(2):
        (person,) = cached.people(images[3])
        assert torch.equal(person.keypoints, torch.full((18, 3), 3.0))
        assert (person.box, person.score) == ((0.5, 1.0, 2.0, 3.25), 0.75)
    assert work.seen == 7
    assert cached.crops([]).shape == (0, 18, 3)


def test_cached_tells_pictures_and_estimators_apart(tmp_path: Path) -> None:
    a, b = Counting("a"), Counting("b")
    image = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    for work in (a, b):
        Cached(work, tmp_path).people(image)
        Cached(work, tmp_path).people(image.reshape(2, 4, 3))  # the same bytes, another picture
        Cached(work, tmp_path).crops([image])
        assert work.seen == 3


def test_another_search_for_people_is_asked_anew_and_crops_are_not(tmp_path: Path) -> None:
    image = np.zeros((4, 2, 3), np.uint8)
    old, new = Counting(), Counting()
    new.search = 2  # type: ignore[attr-defined]
    for work in (old, new):
        Cached(work, tmp_path).people(image)
        Cached(work, tmp_path).crops([image])
    assert (old.seen, new.seen) == (2, 1)


def test_files_of_earlier_versions_are_still_read(tmp_path: Path) -> None:
    """The key of a picture's joints has not changed: written out by hand."""
    import hashlib

    image = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    key = hashlib.sha256(b"counting crop (4, 2, 3) " + image.tobytes()).hexdigest()
    (tmp_path / key[:2]).mkdir()
    (tmp_path / key[:2] / f"{key[2:]}.json").write_text(str([[7.0] * 3] * 18))
    work = Counting()
    assert (Cached(work, tmp_path).crops([image]) == 7).all()
    assert work.seen == 0


XNNPACK, REFERENCE = "ai-edge-litert-2.3.0-xnnpack-x86_64", "ai-edge-litert-2.3.0-builtin-x86_64"


def computed_by(kernels: str) -> Counting:
    work = Counting()
    work.kernels = kernels  # type: ignore[attr-defined]
    return work


def test_kernels_are_kept_apart(tmp_path: Path) -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    both = [computed_by(kernels) for kernels in (XNNPACK, REFERENCE)]
    for _ in range(2):
        for work in both:
            Cached(work, tmp_path).crops([image])
            Cached(work, tmp_path).people(image)
    assert [work.seen for work in both] == [2, 2]


@pytest.mark.parametrize(("kernels", "read"), [(XNNPACK, True), (REFERENCE, False), (f"{REFERENCE},{XNNPACK}", False)])
def test_entries_that_do_not_tell_their_kernels(tmp_path: Path, kernels: str, read: bool) -> None:
    """They are of the kinds of kernels that every earlier version had."""
    image = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    earlier, now = Counting(), computed_by(kernels)
    Cached(earlier, tmp_path).crops([image])
    Cached(now, tmp_path).crops([image])
    assert now.seen == (0 if read else 1)


def test_maps_of_other_kernels(tmp_path: Path) -> None:
    works = [Painting(), Painting(), Painting()]
    for work, kernels in zip(works, ("", XNNPACK, REFERENCE), strict=True):
        work.kernels = kernels  # type: ignore[attr-defined]
        CachedParsing(work, tmp_path).parsing(IMAGE, JOINTS)
    assert [work.seen for work in works] == [1, 0, 1]


def test_a_broken_entry_is_estimated_anew(tmp_path: Path) -> None:
    work = Counting()
    image = np.zeros((4, 2, 3), np.uint8)
    Cached(work, tmp_path).people(image)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text()[:20])
    assert len(Cached(work, tmp_path).people(image)) == 1
    assert work.seen == 2


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(Cached(Counting(), tmp_path / "file").people(np.zeros((4, 2, 3), np.uint8))) == 1


# -- masks, labels, IUV ---------------------------------------------------------------------------------------------


class Painting:
    """Maps that depend on the pixels and on the first joint, and a count."""

    def __init__(self, name: str = "painting") -> None:
        self.name, self.seen = name, 0

    def _values(self, image: Image, keypoints: torch.Tensor, most: int) -> torch.Tensor:
        self.seen += 1
        return (torch.from_numpy(image[..., 0]).long() + int(keypoints[0, 0])) % (most + 1)

    def mask(self, image: Image, keypoints: torch.Tensor) -> torch.Tensor:
        return self._values(image, keypoints, 255)[None].float() / 255

    def parsing(self, image: Image, keypoints: torch.Tensor) -> torch.Tensor:
        return self._values(image, keypoints, 19)

    def iuv(self, image: Image, keypoints: torch.Tensor) -> torch.Tensor:
        part = self._values(image, keypoints, 24).float()
        return torch.stack([part, part * 10 / 255, part * 3 / 255])


IMAGE = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
JOINTS = torch.ones(18, 3)
KINDS = [
    ("mask", CachedMask, MaskEstimator),
    ("parsing", CachedParsing, ParsingEstimator),
    ("iuv", CachedIUV, IUVEstimator),
]


@pytest.fixture(params=KINDS, ids=[kind[0] for kind in KINDS])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Callable[[Painting], object]]:
    field, make, contract = request.param
    assert isinstance(make(Painting(), tmp_path), contract)
    return field, lambda work: getattr(make(work, tmp_path), field)


def test_maps_are_remembered_exactly(kind: tuple[str, Callable[[Painting], Callable[..., torch.Tensor]]]) -> None:
    field, cached = kind
    work = Painting()
    want: torch.Tensor = getattr(work, field)(IMAGE, JOINTS)
    work.seen = 0
    for _ in range(3):
        value = cached(work)(IMAGE, JOINTS)
        assert value.dtype == want.dtype
        assert torch.equal(value, want)
    assert work.seen == 1
    cached(work)(IMAGE, JOINTS + 1)
    cached(work)(IMAGE[::-1].copy(), JOINTS)
    assert work.seen == 3, "other joints and other pixels are others"
    other = Painting("other")
    cached(other)(IMAGE, JOINTS)
    assert other.seen == 1


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "size"])
def test_a_broken_map_is_estimated_anew(
    kind: tuple[str, Callable[[Painting], Callable[..., torch.Tensor]]], damage: str, tmp_path: Path
) -> None:
    _, cached = kind
    work = Painting()
    want = cached(work)(IMAGE, JOINTS)
    (path,) = tmp_path.rglob("*.png")
    whole = path.read_bytes()
    if damage == "size":
        with PIL.Image.open(path) as file:
            file.resize((3, 3)).save(path)
    else:
        path.write_bytes({"cut": whole[:-30], "empty": b"", "text": b"no picture at all"}[damage])
    assert torch.equal(cached(work)(IMAGE, JOINTS), want)
    assert work.seen == 2
    assert path.read_bytes() == whole
    assert [file.suffix for file in tmp_path.rglob("*") if file.is_file()] == [".png"], "no temporary file is left"


def test_maps_in_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    work = Painting()
    for _ in range(2):
        assert CachedMask(work, tmp_path / "file").mask(IMAGE, JOINTS).shape == (1, 6, 5)
    assert work.seen == 2
