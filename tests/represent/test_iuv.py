import pytest
import torch

from repose.represent.iuv import correspondence


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
