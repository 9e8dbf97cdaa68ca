import numpy as np
import pytest
import torch

from repose.person import Person
from repose.represent.canvas import CANVASES, canvas, from_uint8, to_uint8


def dotted(height: int, width: int, x: int, y: int, size: int = 3) -> Person:
    """A grey picture with a black dot on joint 4, and joints at two corners so that there is a body to frame."""
    image = torch.zeros(3, height, width)
    image[:, max(y - size, 0) : y + size + 1, max(x - size, 0) : x + size + 1] = -1
    keypoints = torch.zeros(18, 3)
    keypoints[4] = torch.tensor([x, y, 1.0])
    keypoints[0] = torch.tensor([width * 0.3, height * 0.2, 1.0])
    keypoints[10] = torch.tensor([width * 0.6, height * 0.9, 0.5])
    return Person(image=image, keypoints=keypoints)


def dot(person: Person) -> torch.Tensor:
    """x, y of the middle of what is black."""
    rows, columns = torch.where(person.image[0] < -0.6)
    return torch.stack([columns.float().mean(), rows.float().mean()])


@pytest.mark.parametrize("name", sorted(CANVASES))
@pytest.mark.parametrize("how", ["fit", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(480, 640), (700, 300), (128, 64), (256, 176), (90, 91)])
def test_joints_follow_their_pixel_onto_every_canvas(name, how, size):
    height, width = size
    scene = dotted(height, width, x=int(width * 0.45), y=int(height * 0.5), size=max(3, min(size) // 30))
    place = canvas(name)
    placed, placement = place.put(scene, how)
    assert placed.size == (place.height, place.width)
    assert placed.keypoints is not None
    assert (dot(placed) - placed.keypoints[4, :2]).abs().max() < 0.75
    assert placed.keypoints[0, 2] == 1
    assert placed.keypoints[10, 2] == 0.5
    # outside its window the canvas is white
    top, left, h, w = place.window
    frame = torch.ones(place.height, place.width, dtype=torch.bool)
    frame[top : top + h, left : left + w] = False
    assert (placed.image[:, frame] == 1).all()
    # and the dot returns to where it was
    back = placement.back(placed.image, onto=scene.image)
    assert back.shape == scene.image.shape
    assert (dot(Person(image=back)) - scene.keypoints[4, :2]).abs().max() < max(1.0, 0.7 * width / w, 0.7 * height / h)


def test_proportions_are_kept_by_letterbox_and_crop_only():
    scene = dotted(300, 600, 300, 150, size=40)
    shapes = {}
    for how in ("fit", "letterbox", "crop"):
        placed, _ = canvas("market").put(scene, how)
        rows, columns = torch.where(placed.image[0] < -0.5)
        shapes[how] = (rows.max() - rows.min() + 1) / (columns.max() - columns.min() + 1)
    assert shapes["fit"] > 3
    assert 0.7 < shapes["letterbox"] < 1.4
    assert 0.85 < shapes["crop"] < 1.2


def test_crop_frames_the_person():
    image = torch.zeros(3, 400, 800)
    keypoints = torch.zeros(18, 3)
    keypoints[0] = torch.tensor([500.0, 100.0, 1.0])
    keypoints[10] = torch.tensor([520.0, 300.0, 1.0])
    placed, placement = canvas("market").put(Person(image=image, keypoints=keypoints), "crop", margin=0.1)
    y0, y1 = placed.keypoints[0, 1], placed.keypoints[10, 1]
    assert 8 < y0 < 13  # a tenth of 200 pixels above, of 240 in all, on 128
    assert 115 < y1 < 120
    assert abs(placed.keypoints[[0, 10], 0].mean() - 31.5) < 1
    top, left, height, width = placement.box
    assert abs(height - 2 * width) <= 1  # of the canvas, to a pixel
    assert top <= 80
    assert left <= 490


def test_a_box_that_reaches_outside_is_white_there():
    scene = Person(image=-torch.ones(3, 100, 100))
    placed, placement = canvas("market").put(scene, "crop", box=(-100, 0, 200, 100))
    assert placed.image[:, :60].min() > 0.9999
    assert placed.image[:, 68:].max() < -0.9999
    back = placement.back(placed.image)
    assert back.shape == (3, 100, 100)
    assert back[:, 4:].max() < -0.9999
    far, placement = canvas("market").put(scene, "crop", box=(500, 500, 20, 10))
    assert far.image.min() > 0.9999
    assert torch.equal(placement.back(far.image, onto=scene.image), scene.image)


def test_fashion_square_is_the_crop_between_white_strips():
    image = torch.rand(2, 3, 256, 176) * 2 - 1
    keypoints = torch.rand(2, 18, 3) * 100 + 1
    keypoints[..., 2] = 1
    crop = Person(image=image, keypoints=keypoints)
    square, placement = canvas("fashion-square").put(crop, "fit")
    assert torch.equal(square.image[..., 40:216], image)
    assert (square.image[..., :40] == 1).all()
    assert (square.image[..., 216:] == 1).all()
    assert torch.equal(square.keypoints[..., 0], keypoints[..., 0] + 40)
    assert torch.equal(canvas("fashion-square").take(square).image, image)
    assert torch.equal(placement.back(square.image), image)


def test_canvas_errors():
    with pytest.raises(ValueError, match="did you mean 'fashion-square'"):
        canvas("fashion_square")
    with pytest.raises(ValueError, match="needs located keypoints"):
        canvas("market").put(Person(image=torch.zeros(3, 8, 8)), "crop")
    with pytest.raises(ValueError, match="needs located keypoints"):
        canvas("market").put(Person(image=torch.zeros(3, 8, 8), keypoints=torch.zeros(18, 3)), "crop")
    with pytest.raises(ValueError, match="crop a batch"):
        canvas("market").put(Person(image=torch.zeros(2, 3, 8, 8), keypoints=torch.zeros(2, 18, 3)), "crop")
    with pytest.raises(ValueError, match="how='strech' is not known"):
        canvas("market").put(Person(image=torch.zeros(3, 8, 8)), "strech")
    with pytest.raises(ValueError, match=r"is empty"):
        canvas("market").put(Person(image=torch.zeros(3, 8, 8)), "crop", box=(0, 0, 0, 4))
    with pytest.raises(ValueError, match="has no size"):
        canvas("market").put(Person(keypoints=torch.zeros(18, 3)))
    with pytest.raises(ValueError, match=r"\(128, 64\).*\(8, 8\)"):
        canvas("market").take(Person(image=torch.zeros(3, 8, 8)))


# -- value ranges ---------------------------------------------------------------------------------------------------


def test_every_grey_level_survives_both_ways():
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    image = from_uint8(levels)
    assert image.shape == (3, 16, 16)
    assert (image.min(), image.max()) == (-1, 1)
    assert image.is_contiguous()
    np.testing.assert_array_equal(to_uint8(image), levels)
    np.testing.assert_array_equal(to_uint8(image[None].expand(2, -1, -1, -1))[1], levels)
    np.testing.assert_array_equal(to_uint8(from_uint8(torch.from_numpy(levels))), levels)
    assert levels.max() == 255  # the argument is not written to


def test_roundings():
    x = torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(1)) * 2 - 1
    plain = (x.permute(1, 2, 0).numpy() + 1) / 2.0 * 255.0
    np.testing.assert_array_equal(to_uint8(x, "patn"), plain.astype(np.uint8))
    np.testing.assert_array_equal(to_uint8(x), np.rint(plain).astype(np.uint8))
    assert to_uint8(torch.full((3, 1, 1), 1.7)).max() == 255
    assert to_uint8(torch.full((3, 1, 1), -1.7)).max() == 0


def test_range_errors():
    with pytest.raises(ValueError, match="NaN or infinity"):
        to_uint8(torch.full((3, 2, 2), torch.nan))
    with pytest.raises(ValueError, match=r"got \(1, 2, 2\)"):
        to_uint8(torch.zeros(1, 2, 2))
    with pytest.raises(ValueError, match="no rounding 'floor'"):
        to_uint8(torch.zeros(3, 2, 2), "floor")
    with pytest.raises(ValueError, match=r"float32 \(4, 4, 3\)"):
        from_uint8(torch.zeros(4, 4, 3))
    with pytest.raises(ValueError, match=r"uint8 \(4, 4\)"):
        from_uint8(np.zeros((4, 4), np.uint8))
