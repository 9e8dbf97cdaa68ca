"""The two transformers, the inpainting autoencoder, its loss, and the picture of an atlas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.densepose.warping import (
    ARRANGEMENT,
    Inpainting,
    InpaintingConfig,
    atlas_picture,
    from_atlas,
    multi_view_loss,
    to_atlas,
)
from repose.represent.iuv import PARTS

TINY = InpaintingConfig(side=8, widths=(4, 6), context=5)


def charts(height: int = 96, width: int = 64) -> Tensor:
    """IUV (1, 3, H, W): 24 slanted rectangles, six rows of four, each a part whose chart it covers but for a rim."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    high, wide = height // 6, width // 4
    part = (rows // high) * 4 + columns // wide + 1
    down, across = (rows % high + 0.5) / high, (columns % wide + 0.5) / wide
    body = (down > 0.1) & (down < 0.9) & (across > 0.1) & (across < 0.9)
    u, v = 0.8 * across + 0.2 * down, 0.9 * down + 0.05 * across
    return (torch.stack([part.float(), u, v]) * body)[None]


def waves(height: int = 96, width: int = 64) -> Tensor:
    """A smooth picture (1, 3, H, W) in [-1, 1]."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([torch.sin(rows / 5), torch.cos(columns / 4), torch.sin((rows + columns) / 7)])[None]


def psnr(a: Tensor, b: Tensor, where: Tensor) -> float:
    error = ((a - b) / 2).square() * where
    return float(-10 * (error.sum() / (where.sum() * a.shape[1])).log10())


def noise(batch: int, height: int, width: int, seed: int) -> tuple[Tensor, Tensor]:
    """A picture and IUV without any order."""
    random = torch.Generator().manual_seed(seed)
    part = torch.randint(PARTS + 1, (batch, 1, height, width), generator=random).float()
    uv = torch.rand(batch, 2, height, width, generator=random)
    return torch.rand(batch, 3, height, width, generator=random) * 2 - 1, torch.cat([part, uv], 1)


# -- the two transformers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "least"), [(8, 25.0), (16, 32.0), (32, 38.0), (128, 45.0)])
def test_there_and_back(side: int, least: float) -> None:
    image, iuv = waves(), charts()
    texture, seen = to_atlas(image, iuv, side)
    back, body = from_atlas(texture, iuv)
    assert torch.equal(body, (iuv[:, :1] > 0).float())
    assert psnr(back, image, body) > least
    assert not (back * (1 - body)).any()
    assert torch.equal(seen, seen.bool().float())
    assert not (texture * (1 - seen)).any()
    assert texture.abs().max() <= 1


def test_a_pixel_goes_to_its_own_four_texels() -> None:
    """Against one pixel worked out by hand: u 0.3 of 8 texels is texel 1.9, v 0.5 is texel 3.5."""
    image, iuv = torch.zeros(1, 1, 3, 3), torch.zeros(1, 3, 3, 3)
    image[0, 0, 1, 1] = 0.7
    iuv[0, :, 1, 1] = torch.tensor([5, 0.3, 0.5])
    texture, seen = to_atlas(image, iuv, 8)
    wanted = torch.zeros(24, 8, 8)
    wanted[4, 3:5, 1:3] = 1
    assert torch.equal(seen[0, :, 0], wanted)
    torch.testing.assert_close(texture[0, :, 0], 0.7 * wanted)


def test_pixels_that_share_a_texel_are_averaged_by_their_nearness() -> None:
    image, iuv = torch.zeros(1, 1, 1, 4), torch.zeros(1, 3, 1, 4)
    image[0, 0, 0, :3:2] = torch.tensor([1.0, -1.0])  # two pixels that are no neighbours
    iuv[0, :, 0, 0] = torch.tensor([1, (2.75 + 0.5) / 8, (4 + 0.5) / 8])
    iuv[0, :, 0, 2] = torch.tensor([1, (3.5 + 0.5) / 8, (4 + 0.5) / 8])
    texture, _ = to_atlas(image, iuv, 8)
    assert texture[0, 0, 0, 4, 3].item() == pytest.approx((0.75 - 0.5) / (0.75 + 0.5))
    assert texture[0, 0, 0, 4, 2].item() == pytest.approx(1)
    assert texture[0, 0, 0, 4, 4].item() == pytest.approx(-1)


def test_holes_between_neighbours_are_closed_and_nothing_else() -> None:
    """A part of few pixels on a fine atlas: no hole inside, and no growth beyond twice the pixels' distance."""
    side, gap = 64, 1 / 16
    centres = (torch.arange(8) + 4.5) * gap  # u and v of 8 x 8 pixels: from 0.28 to 0.72
    iuv = torch.zeros(1, 3, 12, 12)
    iuv[0, 0, 2:10, 2:10] = 7
    iuv[0, 1, 2:10, 2:10], iuv[0, 2, 2:10, 2:10] = centres, centres[:, None]
    _, seen = to_atlas(torch.ones(1, 3, 12, 12), iuv, side)
    place = (torch.arange(side) + 0.5) / side
    inside = (place >= centres[0]) & (place <= centres[-1])
    near = (place >= centres[0] - 2 * gap) & (place <= centres[-1] + 2 * gap)
    mine = seen[0, 6, 0].bool()
    assert mine[inside][:, inside].all()
    assert not mine[~near].any()
    assert not mine[:, ~near].any()
    assert not seen[0, torch.arange(24) != 6].any()


def test_what_lies_far_apart_on_the_surface_is_not_joined() -> None:
    """Two halves side by side in the picture, half a chart apart: the surface between them was not observed."""
    iuv = torch.zeros(1, 3, 8, 8)
    iuv[:, 0] = 3
    iuv[:, 1] = torch.cat([torch.linspace(0.05, 0.2, 4), torch.linspace(0.8, 0.95, 4)])
    iuv[:, 2] = torch.linspace(0.1, 0.9, 8)[:, None]
    _, seen = to_atlas(torch.ones(1, 3, 8, 8), iuv, 32)
    assert not seen[0, 2, 0, :, 13:19].any()
    assert seen[0, 2, 0, 6:26, 2:6].all()


def test_parts_do_not_bleed() -> None:
    """One colour a part comes back exactly, also at the rim of the chart and for u and v of 0 and 1."""
    colours = torch.rand(1, PARTS, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    texture = colours.expand(-1, -1, -1, 8, 8)
    _, iuv = noise(1, 40, 40, 1)
    iuv[:, 1:] = (iuv[:, 1:] * 1.4 - 0.2).clamp(0, 1)
    image, body = from_atlas(texture, iuv)
    wanted = torch.cat([torch.zeros(1, 1, 3), colours[..., 0, 0]], 1)[0][iuv[0, 0].long()].movedim(-1, 0)
    assert torch.equal(image[0], wanted)
    assert torch.equal(body, (iuv[:, :1] > 0).float())


def test_reading_is_bilinear_at_texel_centres() -> None:
    """Against `grid_sample` of each part alone, with the border held."""
    texture = torch.randn(2, PARTS, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    _, iuv = noise(2, 12, 10, 2)
    image, _ = from_atlas(texture, iuv)
    wanted = torch.zeros_like(image)
    grid = (iuv[:, 1:] * 2 - 1).movedim(1, -1)
    for part in range(PARTS):
        alone = F.grid_sample(texture[:, part], grid, "bilinear", "border", align_corners=False)
        wanted += alone * (iuv[:, :1] == part + 1)
    torch.testing.assert_close(image, wanted)


def test_gradients() -> None:
    image, iuv = (x.double() for x in noise(1, 4, 3, 5))
    iuv[:, 0] = torch.tensor([[0.0, 1, 1], [1, 1, 2], [2, 2, 2], [24, 0, 24]])  # neighbours in one part: holes to fill
    iuv[:, 1], iuv[:, 2] = 0.3 + 0.2 * torch.arange(3), 0.1 + 0.2 * torch.arange(4)[:, None]
    texture = torch.randn(1, PARTS, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    image.requires_grad_()
    _, seen = to_atlas(image, iuv, 16)
    assert seen.sum() > 4 * (iuv[:, 0] > 0).sum()  # more than the pixels' own texels: holes were filled
    assert torch.autograd.gradcheck(lambda x: to_atlas(x, iuv, 16)[0], image, fast_mode=True)
    assert torch.autograd.gradcheck(lambda x: from_atlas(x, iuv)[0], texture, fast_mode=True)


def test_nobody_leaves_nothing() -> None:
    image = torch.ones(2, 3, 8, 6)
    texture, seen = to_atlas(image, torch.zeros_like(image), 16)
    assert not texture.any()
    assert not seen.any()
    back, body = from_atlas(texture + 1, torch.zeros_like(image))
    assert not back.any()
    assert not body.any()


def test_a_batch_does_not_mix() -> None:
    image, iuv = noise(3, 16, 12, 3)
    texture, seen = to_atlas(image, iuv, 16)
    back, _ = from_atlas(texture, iuv)
    for index in range(3):
        one = slice(index, index + 1)
        alone, alone_seen = to_atlas(image[one], iuv[one], 16)
        assert torch.equal(alone, texture[one])
        assert torch.equal(alone_seen, seen[one])
        assert torch.equal(from_atlas(alone, iuv[one])[0], back[one])


@pytest.mark.parametrize("side", [0, 24])
def test_a_side_that_cannot_be_halved(side: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        to_atlas(waves(), charts(), side)


# -- the inpainting autoencoder -------------------------------------------------------------------------------------


def test_the_paper_sizes_of_table_6() -> None:
    with torch.device("meta"):
        model = Inpainting()
    weights = {name: p.numel() for name, p in model.named_parameters() if name.endswith("weight")}
    assert weights["down_projection.weight"] == 786_432 * 256 == 201_326_592
    assert weights["embedding.weight"] == 256 * 256
    table = [(3, 32), (32, 32), (32, 64), (64, 128), (128 + 256, 64), (64, 32), (32, 32), (32, 3)]
    convs = [count for name, count in weights.items() if name.startswith(("encoders", "decoders"))]
    assert convs == [24 * into * out * 9 for into, out in table]
    biases = 24 * (32 + 32 + 64 + 128 + 64 + 32 + 32 + 3) + 256 + 256
    assert sum(p.numel() for p in model.parameters()) == 201_326_592 + 65_536 + sum(convs) + biases == 209_848_392


@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize("reads_seen", [False, True])
def test_it_is_24_autoencoders_and_a_global_embedding(norm: str, reads_seen: bool) -> None:
    """Against the same written part by part, each with its own slice of the weights."""
    torch.manual_seed(0)
    model = Inpainting(InpaintingConfig(8, (4, 6), 5, norm, reads_seen))  # type: ignore[arg-type]
    texture, seen = torch.rand(2, 24, 3, 8, 8) * 2 - 1, (torch.rand(2, 24, 1, 8, 8) > 0.3).float()

    def normed(x: Tensor) -> Tensor:
        x = x.relu()
        if norm == "none":
            return x
        places = tuple(range(2 if x.ndim == 4 else 1, x.ndim))
        return (x - x.mean(places, keepdim=True)) / (x.var(places, correction=0, keepdim=True) + 1e-5).sqrt()

    def own(layer: nn.Module, part: int) -> tuple[Tensor, Tensor]:
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        assert layer.bias is not None
        return layer.weight.chunk(24)[part], layer.bias.chunk(24)[part]

    codes = []
    for part in range(24):
        x = texture[:, part] * seen[:, part]
        x = torch.cat([x, seen[:, part]], 1) if reads_seen else x
        for layer in model.encoders:
            x = normed(F.conv2d(x, *own(layer, part), stride=2, padding=1))
        codes.append(x)
    context = normed(model.embedding(normed(model.down_projection(torch.cat([c.flatten(1) for c in codes], 1)))))
    wanted = []
    for part, code in enumerate(codes):
        x = torch.cat([code, context[:, :, None, None].expand(-1, -1, 2, 2)], 1)
        for index, layer in enumerate(model.decoders):
            x = F.conv_transpose2d(x, *own(layer, part), stride=2, padding=1, output_padding=1)
            x = normed(x) if index == 0 else x.tanh()
        wanted.append(x)
    torch.testing.assert_close(model(texture, seen), torch.stack(wanted, 1), rtol=1e-4, atol=1e-4)


def test_what_was_not_seen_is_not_read() -> None:
    torch.manual_seed(0)
    model = Inpainting(TINY)
    texture, seen = torch.rand(1, 24, 3, 8, 8), torch.zeros(1, 24, 1, 8, 8)
    seen[:, 2] = 1
    other = torch.where(seen > 0, texture, torch.rand_like(texture))
    assert torch.equal(model(texture, seen), model(other, seen))


def test_a_part_that_is_seen_tells_the_others() -> None:
    """The hidden parts change with the seen one, through the embedding alone."""
    torch.manual_seed(0)
    model = Inpainting(TINY)
    seen = torch.zeros(1, 24, 1, 8, 8)
    seen[:, 2] = 1
    first, second = (model(torch.rand(1, 24, 3, 8, 8), seen) for _ in range(2))
    assert ((first - second).abs().amax((0, 2, 3, 4)) > 1e-5).all()
    nn.init.zeros_(model.embedding.weight)
    first, second = (model(torch.rand(1, 24, 3, 8, 8), seen) for _ in range(2))
    assert torch.nonzero((first - second).abs().amax((0, 2, 3, 4))).flatten().tolist() == [2]


@pytest.mark.parametrize(("side", "widths"), [(24, (4,)), (8, (4, 4, 4)), (8, ())])
def test_sizes_that_do_not_go_together(side: int, widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="power of two that leaves 2 texels"):
        InpaintingConfig(side, widths)


def test_several_views_teach_what_one_does_not() -> None:
    """People of one colour all over, seen from two sides: only both views teach that the back is like the front."""
    colours = torch.rand(6, 3, 1, 1, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    front = torch.zeros(1, 3, 12, 8)
    front[:, 0] = 2
    front[:, 1], front[:, 2] = (torch.arange(8) + 0.5) / 8, ((torch.arange(12) + 0.5) / 12)[:, None]
    back = front.clone()
    back[:, 0] = 1
    pictures = colours.expand(-1, -1, 12, 8)
    front, back = front.expand(6, -1, -1, -1), back.expand(6, -1, -1, -1)
    errors = []
    for views in ([(pictures, front)], [(pictures, front), (pictures, back)]):
        torch.manual_seed(0)
        model = Inpainting(InpaintingConfig(8, (8,), 16, norm="none"))
        optimiser = torch.optim.Adam(model.parameters(), 2e-2)
        texture, seen = to_atlas(pictures, front, 8)
        for _ in range(60):
            loss = multi_view_loss(model(texture, seen), views)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        image, _ = from_atlas(model(texture, seen), back)
        errors.append((image - pictures).abs().mean().item())
    assert errors[0] > 0.25
    assert errors[1] < 0.4 * errors[0]


# -- loss and picture -----------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_what_the_views_observe() -> None:
    views = [noise(2, 10, 8, seed) for seed in (1, 2, 3)]
    inpainted = torch.randn(2, 24, 3, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = multi_view_loss(inpainted, views)
    errors = []
    for image, iuv in views:
        texture, seen = to_atlas(image, iuv, 8)
        errors.append((inpainted - texture).abs()[seen.expand_as(texture) > 0])
    torch.testing.assert_close(loss, torch.cat(errors).mean())
    loss.backward()  # type: ignore[no-untyped-call]
    assert inpainted.grad is not None
    observed = torch.stack([to_atlas(image, iuv, 8)[1] for image, iuv in views]).amax(0)
    assert 0 < observed.mean() < 1
    assert not (inpainted.grad * (1 - observed)).any()
    assert inpainted.grad[observed.expand_as(inpainted) > 0].ne(0).float().mean() > 0.9


def test_the_loss_of_nothing_is_zero() -> None:
    inpainted = torch.randn(1, 24, 3, 8, 8, requires_grad=True)
    image, iuv = torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    loss = multi_view_loss(inpainted, [(image, iuv)])
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert inpainted.grad is not None
    assert not inpainted.grad.any()
    assert multi_view_loss(inpainted, []).item() == 0


def test_the_picture_of_an_atlas() -> None:
    numbers = torch.arange(1.0, 25).reshape(24, 1, 1, 1).expand(-1, 3, 4, 4)
    picture = atlas_picture(numbers)
    assert picture.shape == (3, 12, 32)
    assert torch.equal(picture[0, ::4, ::4].long(), torch.tensor(ARRANGEMENT))
    assert sorted(part for row in ARRANGEMENT for part in row) == list(range(1, 25))
    seen = torch.zeros(24, 1, 4, 4)
    seen[1, :, :2] = 1
    assert torch.nonzero(atlas_picture(numbers, seen)[0]).tolist() == [[y, x] for y in (0, 1) for x in range(8, 12)]


# -- compilers and exporters ----------------------------------------------------------------------------------------


class Stream(nn.Module):
    """The whole warping stream: tensors in, one tensor out."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inpainting = Inpainting(TINY)

    def forward(self, image: Tensor, source: Tensor, target: Tensor) -> Tensor:
        return from_atlas(self.inpainting(*to_atlas(image, source, 8)), target)[0]


def inputs(batch: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    return *noise(batch, 12, 10, seed), noise(batch, 12, 10, seed + 1)[1]


def test_compiled() -> None:
    torch.compiler.reset()
    stream = Stream().eval()
    with torch.no_grad():
        compiled = torch.compile(stream, backend="aot_eager", fullgraph=True)(*inputs(2, 1))
        torch.testing.assert_close(compiled, stream(*inputs(2, 1)), rtol=0, atol=1e-5)


def test_onnx(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    stream = Stream().eval()
    batch = torch.export.Dim("batch")
    with torch.no_grad():
        program = torch.onnx.export(stream, inputs(2, 1), dynamo=True, dynamic_shapes=({0: batch},) * 3, verbose=False)
        assert program is not None
        program.save(tmp_path / "stream.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "stream.onnx", providers=["CPUExecutionProvider"])
        for size in (2, 3):
            values = inputs(size, 5)
            feed = {node.name: x.numpy() for node, x in zip(session.get_inputs(), values, strict=True)}
            (image,) = session.run(None, feed)
            np.testing.assert_allclose(image, stream(*values).numpy(), rtol=0, atol=1e-4)
