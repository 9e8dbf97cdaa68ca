import pytest
import torch

from repose.represent.iuv import correspondence, fine_correspondence


def body(height: int = 32, width: int = 24) -> torch.Tensor:
    """A part that fills the picture: u runs right, v runs down."""
    v, u = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return torch.stack([torch.full((height, width), 2.0), u, v])[None]


def test_a_picture_corresponds_to_itself() -> None:
    place, seen = correspondence(body(), body())
    assert seen.all()
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(24.0), indexing="ij")
    torch.testing.assert_close(place[0], torch.stack([columns, rows]), rtol=0, atol=0.01)


def test_a_shift_is_found_to_a_cell() -> None:
    source = torch.zeros(1, 3, 32, 40)
    source[..., 9:33] = body()
    place, seen = correspondence(source, body())
    assert seen.all()
    columns = torch.arange(24.0).expand(32, -1)
    torch.testing.assert_close(place[0, 0], columns + 9, rtol=0, atol=0.01)


def test_a_mirrored_surface_is_found_on_the_other_side() -> None:
    source = body().flip(-1)
    place, _ = correspondence(source, body())
    torch.testing.assert_close(place[0, 0], 23 - torch.arange(24.0).expand(32, -1), rtol=0, atol=0.01)


def test_what_the_source_does_not_show_is_not_seen() -> None:
    source = body()
    source[:, :, :16] = 0  # the upper half is hidden
    place, seen = correspondence(source, body())
    assert not seen[:, :, :15].any()
    assert seen[:, :, 17:].all()
    assert (place.movedim(1, -1)[~seen[:, 0]] == 0).all()
    other = body()
    other[:, 0] = 3
    assert not correspondence(body(), other)[1].any()  # another part of the body
    assert not correspondence(body(), torch.zeros(1, 3, 8, 8))[1].any()  # nobody


def test_a_coarse_cell_stands_in_for_an_empty_one() -> None:
    source = body(32, 24)
    source[:, 0, ::2] = 0  # every other row has no label
    _, fine = correspondence(source, body(), bins=(32,))
    place, both = correspondence(source, body(), bins=(32, 16))
    assert 0.4 < fine.float().mean() < 0.6
    assert both.all()
    rows = torch.arange(32.0)[:, None].expand(-1, 24)
    assert (place[0, 1] - rows).abs().max() <= 1.01


def test_people_of_a_batch_do_not_mix() -> None:
    source = torch.cat([body(), body().flip(-1)])
    target = torch.cat([body(), body()])
    place, _ = correspondence(source, target)
    for k in range(2):
        alone, _ = correspondence(source[k : k + 1], target[k : k + 1])
        assert torch.equal(place[k], alone[0])


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError, match=r"IUV \(B, 3, H, W\) of both people"):
        correspondence(body()[0], body())
    with pytest.raises(ValueError, match="IUV"):
        correspondence(torch.cat([body(), body()]), body())


# -- finer than a cell ------------------------------------------------------------------------------------------------


def cylinder(part: int, middle: float, radius: float, height: float, turn: float = 0.0) -> torch.Tensor:
    """A tube of 256x176 as a store holds it: u is the angle, a whole turn from 0 to 1, v runs along it."""
    x = (torch.arange(176.0) - middle) / radius
    v = (torch.arange(256.0) - 20) / height
    angle = x.clamp(-1, 1).asin() / (2 * torch.pi) + 0.5 + turn
    on = (x.abs() < 1)[None] & ((v >= 0) & (v <= 1))[:, None]
    iuv = torch.stack([torch.full(on.shape, part / 255), (angle % 1).expand_as(on), v[:, None].expand_as(on)])
    return ((iuv * 255).round() / torch.tensor([1.0, 255, 255]).view(3, 1, 1) * on)[None]


@pytest.mark.parametrize(("part", "turn"), [(1, 0.0), (3, 0.0), (3, 0.5), (6, 0.4)])
def test_fine_places_are_right_between_pixels(part: int, turn: float) -> None:
    source, target = cylinder(part, 70.3, 15, 80, turn), cylinder(part, 88.0, 13.5, 90, turn)
    place, seen = fine_correspondence(source, target)
    x, y = 70.3 + (torch.arange(176.0) - 88) / 13.5 * 15, 20 + (torch.arange(256.0) - 20) / 90 * 80
    true = torch.stack([x.expand(256, 176), y[:, None].expand(256, 176)])
    inner = seen[0, 0] & (target[0, 0] > 0)
    inner[:, :78], inner[:, 99:] = False, False  # the rim is seen at a graze
    assert inner.sum() > 1800
    off = (place[0] - true).norm(dim=0)[inner]
    assert off.mean() < 0.25
    assert off.max() < 1
    coarse = (correspondence(source, target)[0][0] - true).norm(dim=0)[inner]
    assert off.mean() < 0.25 * coarse.mean()


def test_fine_places_of_a_picture_in_itself_are_exact() -> None:
    source = cylinder(2, 80, 20, 90)
    place, seen = fine_correspondence(source, source)
    rows, columns = torch.meshgrid(torch.arange(256.0), torch.arange(176.0), indexing="ij")
    off = (place[0] - torch.stack([columns, rows])).norm(dim=0)[seen[0, 0]]
    assert off.mean() < 0.2
    shifted, known = fine_correspondence(source, source.roll((3, -7), (2, 3)))  # whole pixels change nothing
    assert torch.equal(shifted.roll((-3, 7), (2, 3)), place)
    assert torch.equal(known.roll((-3, 7), (2, 3)), seen)


def test_fine_places_are_seen_where_the_coarse_ones_are() -> None:
    source, target = body(), body().flip(-1)
    source[:, :, :16] = 0
    target[:, 0, :, :5] = 3
    place, seen = fine_correspondence(source, target)
    assert torch.equal(seen, correspondence(source, target)[1])
    assert 0.3 < seen.float().mean() < 0.5
    assert (place.movedim(1, -1)[~seen[:, 0]] == 0).all()
    nobody = torch.zeros(1, 3, 8, 8)
    for one, other in ((source, nobody), (nobody, source)):
        place, seen = fine_correspondence(one, other)
        assert place.shape[-2:] == seen.shape[-2:] == other.shape[-2:]
        assert not seen.any()
        assert not place.any()


def test_fine_places_of_a_batch_do_not_mix() -> None:
    source = torch.cat([body(), body().flip(-1), torch.zeros_like(body()), body()])
    target = torch.cat([body(), body(), body(), body().flip(-2)])
    place, seen = fine_correspondence(source, target)
    for k in range(4):
        alone, also = fine_correspondence(source[k : k + 1], target[k : k + 1])
        assert torch.equal(place[k], alone[0])
        assert torch.equal(seen[k], also[0])
    with pytest.raises(ValueError, match=r"IUV \(B, 3, H, W\) of both people"):
        fine_correspondence(source[0], target)
