"""BodyPix: around a network that sees a colour in cells of 16 pixels; the published file."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.estimate.base import Image, MaskEstimator
from repose.estimate.bodypix import BODYPIX, PARTS, BodyParts, BodyPix, load_bodypix, without_last_operator
from repose.hub.files import FILES
from tests.estimate import fakes
from tests.estimate.test_selfie import keypoints, overlap

EVERYWHERE = torch.tensor([[2.0, 2.0, 1.0], [60.0, 90.0, 1.0]]).repeat(9, 1)
"""Joints that span a photograph of 96x64: the rectangle is all of it."""


@pytest.fixture
def bodypix() -> BodyPix:
    return BodyPix(network=fakes.body_network)


def test_logits_come_back_in_the_place_of_the_photograph(bodypix: BodyPix) -> None:
    """A rectangle of whole cells near a corner: its border is where the logit is 0, within a pixel."""
    image = np.full((96, 64, 3), 90, np.uint8)
    image[8:40, 8:24] = fakes.FIGURE
    seen = bodypix.look(image, EVERYWHERE)
    assert seen.box == (0, 0, 96, 64)
    assert seen.person.shape == (13, 9)
    assert seen.parts.shape == (13, 9, 24)
    logits = seen.on((96, 64))
    assert logits.shape == (1, 96, 64)
    rows, columns = torch.nonzero((logits[0] > 0)[:, 16])[:, 0], torch.nonzero((logits[0] > 0)[24])[:, 0]
    for at, (first, last) in ((rows, (8, 39)), (columns, (8, 23))):
        assert abs(int(at[0]) - first) <= 1
        assert abs(int(at[-1]) - last) <= 1
        assert len(at) == at[-1] - at[0] + 1
    assert (logits[0, 14:34, 14:18] > 4).all()
    assert (logits[0, 48:] < -5).all()
    assert (logits[0, :, 32:] < -5).all()


def test_beside_the_rectangle_is_nobody(bodypix: BodyPix) -> None:
    image = np.full((300, 900, 3), fakes.FIGURE, np.uint8)
    points = fakes.joints(700, 60, 150)
    seen = bodypix.look(image, keypoints(points, 900, 300))
    top, left, rows, columns = seen.box
    assert 0 <= top < points[:, 1].min() - 10
    assert 600 < left < points[:, 0].min() - 10
    assert top + rows <= 300
    assert left + columns <= 900
    logits = seen.on((300, 900))[0]
    inside = torch.zeros(300, 900, dtype=torch.bool)
    inside[top : top + rows, left : left + columns] = True
    assert (logits[~inside] == -10).all()
    assert (logits[inside] > 5).all()
    parts = seen.likeliest((300, 900))
    assert (parts[~inside] == -1).all()
    assert (parts[inside] == 0).all()


@pytest.mark.parametrize(
    ("width", "height", "tall"), [(200, 400, 320), (90, 120, 100), (1600, 900, 700), (37, 61, 50), (400, 330, 500)]
)
def test_a_person_is_where_they_are(bodypix: BodyPix, width: int, height: int, tall: float) -> None:
    """Large, small, of odd sizes, and cut off by the border; a person of bold strokes, for cells are coarse."""
    points = fakes.joints(0.2 * width, 0.1 * height, tall)
    image = np.full((height, width, 3), 90, np.uint8)
    true = np.zeros((height, width), bool)
    (left, top), (right, bottom) = points.min(0).clip(0), points.max(0)
    true[int(top) : int(bottom), int(left) : int(right)] = True
    image[true] = fakes.FIGURE
    joints = keypoints(points, width, height)
    logits = bodypix.look(image, joints).on((height, width))
    assert overlap(torch.sigmoid(logits), true) > 0.93
    rows, columns = np.nonzero(logits[0].numpy() > 0)
    assert np.abs(np.array([rows.mean(), columns.mean()]) - [x.mean() for x in np.nonzero(true)]).max() < 0.01 * tall


def test_sizes_of_the_network_are_whole_cells_and_limited() -> None:
    asked: list[Image] = []

    def noting(picture: Image) -> tuple[np.ndarray, np.ndarray]:
        asked.append(picture)
        return fakes.body_network(picture)

    bodypix = BodyPix(network=noting)
    for width, height, tall in ((64, 128, 110), (176, 256, 220), (1000, 1500, 1300), (2000, 500, 300)):
        points = fakes.joints(0.2 * width, 0.1 * height, tall)
        joints = keypoints(points, width, height)
        _, _, rows, columns = bodypix.look(np.zeros((height, width, 3), np.uint8), joints).box
        for picture in asked[-2:]:
            sides = np.array(picture.shape[:2])
            assert (sides % 16 == 0).all()
            times = min(2.0, 512 / max(rows, columns))
            assert np.abs(sides - times * np.array([rows, columns])).max() <= 8
            assert sides.max() <= 512
    assert len(asked) == 8
    assert np.array_equal(asked[-1], asked[-2][:, ::-1])


def test_the_mirror_image_exchanges_left_and_right() -> None:
    """A network that calls the left half of a picture a right hand and the other half a left one is right twice; what
    it says by the place alone is evened out."""

    def sided(picture: Image) -> tuple[np.ndarray, np.ndarray]:
        height, width = picture.shape[0] // 16 + 1, picture.shape[1] // 16 + 2
        parts = np.zeros((height, width, 24), np.float32)
        parts[:, : width // 2, PARTS.index("right hand")] = 3
        parts[:, width // 2 :, PARTS.index("left hand")] = 3
        parts[..., PARTS.index("torso, front")] = 2
        return np.tile(np.arange(width, dtype=np.float32), (height, 1)), parts

    seen = BodyPix(network=sided).look(np.zeros((96, 64, 3), np.uint8), EVERYWHERE)
    _, parts = sided(np.zeros((192, 128, 3), np.uint8))
    assert np.array_equal(seen.parts, parts)
    assert (seen.person == 4.5).all(), "the mean of 0 to 9 and of 9 to 0"
    likeliest = seen.likeliest((96, 64))
    assert (likeliest[:, 2:30] == PARTS.index("right hand")).all()
    assert (likeliest[:, 34:62] == PARTS.index("left hand")).all()


def test_every_part_has_its_mirror() -> None:
    def only(part: int) -> BodyParts:
        def network(picture: Image) -> tuple[np.ndarray, np.ndarray]:
            cells = picture.shape[0] // 16 + 1, picture.shape[1] // 16 + 1
            return np.ones(cells, np.float32), np.broadcast_to(np.eye(24, dtype=np.float32)[part], (*cells, 24))

        return BodyPix(network=network).look(np.zeros((96, 64, 3), np.uint8), EVERYWHERE)

    for number, name in enumerate(PARTS):
        scores = {PARTS[k]: float(score) for k, score in enumerate(only(number).parts[0, 0]) if score}
        if name.startswith("torso"):
            assert scores == {name: 1.0}
        else:
            side, other = ("left", "right") if name.startswith("left") else ("right", "left")
            assert scores == {name: 0.5, name.replace(side, other): 0.5}


def test_likeliest_parts(bodypix: BodyPix) -> None:
    """The torso has no mirror; beside the person is no part, whatever its scores are."""
    image = np.full((96, 64, 3), 90, np.uint8)
    image[24:72, 16:48] = fakes.FIGURE
    for name in ("torso, front", "torso, back"):
        image[24:72, 16:48, 0] = 10 * PARTS.index(name)
        parts = bodypix.look(image, EVERYWHERE).likeliest((96, 64))
        assert parts.dtype == torch.int64
        assert (parts[32:64, 24:40] == PARTS.index(name)).all()
        assert (parts[:20] == -1).all()
        assert (parts[:, :8] == -1).all()


def test_the_mask_is_in_levels_and_leaves_out_neighbours(bodypix: BodyPix) -> None:
    people = [fakes.joints(30, 40, 320), fakes.joints(430, 60, 300)]
    image, masks = fakes.figure(660, 400, people)
    for points, true, other in zip(people, masks, masks[::-1], strict=True):
        mask = bodypix.mask(image, keypoints(points, 660, 400))
        assert mask.shape == (1, 400, 660)
        assert mask.dtype == torch.float32
        assert torch.equal((mask * 255).round() / 255, mask)
        assert 0 <= mask.min() < mask.max() <= 1
        assert overlap(mask, true) > 0.6
        assert not mask[0].numpy()[other].any()
        assert (mask > 0).float().mean() < 0.5


def test_without_a_joint_there_is_nobody(bodypix: BodyPix) -> None:
    image, _ = fakes.figure(100, 200, [fakes.joints(20, 20, 160)])
    mask = bodypix.mask(image, torch.zeros(18, 3))
    assert mask.shape == (1, 200, 100)
    assert not mask.any()


def test_one_joint_is_enough(bodypix: BodyPix) -> None:
    image, (true,) = fakes.figure(100, 200, [fakes.joints(20, 20, 160)])
    joints = torch.zeros(18, 3)
    joints[1] = torch.tensor([50.0, 60.0, 1.0])
    logits = bodypix.look(image, joints).on((200, 100))
    assert logits.isfinite().all()
    assert (logits[0].numpy()[true] > 0).any()
    mask = bodypix.mask(image, joints)
    assert mask.isfinite().all()


def test_it_is_an_estimator_of_masks(bodypix: BodyPix) -> None:
    assert isinstance(bodypix, MaskEstimator)
    assert "bodypix" in bodypix.name


# -- the file -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert")
    path = shared / "models" / BODYPIX
    if not path.is_file():
        pytest.skip("the development networks (../shared/models) are not here")
    return path


def test_the_file_is_the_published_one(file: Path) -> None:
    import hashlib

    assert file.stat().st_size == FILES[BODYPIX].size
    assert hashlib.sha256(file.read_bytes()).hexdigest() == FILES[BODYPIX].sha256


def test_files_of_other_networks(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not end in a custom operator"):
        BodyPix(file.parent / "selfie_segmentation.tflite")
    (tmp_path / "text.tflite").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="is not a TFLite file"):
        BodyPix(tmp_path / "text.tflite")
    (tmp_path / "short.tflite").write_bytes(b"123")
    with pytest.raises(ValueError, match="is not a TFLite file"):
        BodyPix(tmp_path / "short.tflite")
    renamed = file.read_bytes().replace(b"float_segments", b"float_segmentz")
    (tmp_path / "renamed.tflite").write_bytes(renamed)
    with pytest.raises(ValueError, match="is not BodyPix: it has no output 'float_segments'"):
        BodyPix(tmp_path / "renamed.tflite")
    with pytest.raises(FileNotFoundError):
        BodyPix(tmp_path / "none.tflite")


def test_the_weights_stay_as_published(file: Path) -> None:
    pytest.importorskip("flatbuffers")
    from ai_edge_litert import schema_py_generated as schema

    def model(content: bytes) -> object:
        return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))

    before, after = model(file.read_bytes()), model(without_last_operator(file))
    assert len(before.buffers) == len(after.buffers)  # type: ignore[attr-defined]
    for one, other in zip(before.buffers, after.buffers, strict=True):  # type: ignore[attr-defined]
        assert np.array_equal(one.data, other.data)
    operators = [len(one.subgraphs[0].operators) for one in (before, after)]  # type: ignore[attr-defined]
    assert operators[1] == operators[0] - 1


def test_threads_wait_for_each_other(file: Path) -> None:
    """Pictures of two sizes at once: each thread gets what it would get alone."""
    network = load_bodypix(file)
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (size, 64, 3), dtype=np.uint8) for size in (128, 96)]
    alone = [network(picture) for picture in pictures]
    assert alone[0][0].shape == (9, 5)
    assert alone[1][1].shape == (7, 5, 24)
    wrong: list[str] = []

    def ask(which: int) -> None:
        for _ in range(6):
            person, parts = network(pictures[which])
            if not (np.array_equal(person, alone[which][0]) and np.array_equal(parts, alone[which][1])):
                wrong.append(f"picture {which}")

    threads = [threading.Thread(target=ask, args=(which,)) for which in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
