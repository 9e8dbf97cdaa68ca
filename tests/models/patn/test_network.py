"""The generator's variants, its masks, and the discriminators."""

import pytest
import torch
import torch.nn.functional as F

from repose.models.patn.discriminator import Discriminator, DiscriminatorConfig
from repose.models.patn.network import PATNConfig, PATNGenerator
from repose.person import Person


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def people(batch: int = 2, height: int = 64, width: int = 32) -> tuple[Person, Person]:
    torch.manual_seed(3)
    keypoints = torch.rand(2, batch, 18, 3) * torch.tensor([width - 1, height - 1, 0]) + torch.tensor([0, 0, 1])
    source = Person(image=torch.rand(batch, 3, height, width) * 2 - 1, keypoints=keypoints[0])
    return source, Person(keypoints=keypoints[1], size=(height, width))


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (PATNConfig(), 41_358_019),
        (PATNConfig(norm="batch"), 41_365_763),
        (PATNConfig(block="patb-without-add"), 41_358_019),
    ],
)
def test_published_sizes(config: PATNConfig, parameters: int) -> None:
    with torch.device("meta"):
        assert count(PATNGenerator(config)) == parameters


def test_a_patb_has_the_published_472_million_parameters() -> None:
    with torch.device("meta"):
        block = PATNGenerator(PATNConfig()).blocks[1]
    assert round(count(block) / 1e6, 2) == 4.72


@pytest.mark.parametrize("block", ["patb", "patb-without-add", "patb-without-cat", "resnet"])
@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize(("stem", "decoder"), [("full", "transposed"), ("half", "bilinear")])
def test_every_variant_gives_a_picture(block: str, norm: str, stem: str, decoder: str) -> None:
    config = PATNConfig(width=4, blocks=2, block=block, norm=norm, stem=stem, decoder=decoder)  # type: ignore[arg-type]
    image = PATNGenerator(config)(*people()).image
    assert image.shape == (2, 3, 64, 32)
    assert image.isfinite().all()


def test_the_block_follows_equations_1_to_4() -> None:
    model = PATNGenerator(PATNConfig(width=2, blocks=2)).eval()
    torch.manual_seed(0)
    image, pose = torch.randn(1, 8, 6, 5), torch.randn(1, 16, 6, 5)
    block = model.blocks[1]
    got_image, got_pose, got_mask = block(image, pose)

    def two(convs: torch.nn.Module, x: torch.Tensor, last: bool) -> torch.Tensor:
        for index, conv in enumerate((convs.conv1, convs.conv2)):
            x = F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), conv.weight, conv.bias)
            if index == 0 or last:
                x = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
            x = x.relu() if index == 0 else x
        return x

    code = two(block.pose, pose, last=False)
    mask = 1 / (1 + torch.exp(-code))
    moved = image + mask * two(block.image, image, last=True)
    torch.testing.assert_close(got_mask, mask)
    torch.testing.assert_close(got_image, moved)
    torch.testing.assert_close(got_pose, torch.cat([code, moved], 1))


def test_without_add_and_without_cat_differ_where_they_should() -> None:
    image, pose = torch.randn(1, 16, 8, 4), torch.randn(1, 16, 8, 4)
    outputs = {}
    for kind in ("patb", "patb-without-add", "patb-without-cat"):
        torch.manual_seed(0)
        block = PATNGenerator(PATNConfig(width=4, blocks=1, block=kind)).eval().blocks[0]  # type: ignore[arg-type]
        outputs[kind] = block(image, pose)
    torch.testing.assert_close(outputs["patb"][0], outputs["patb-without-add"][0] + image)
    torch.testing.assert_close(outputs["patb"][0], outputs["patb-without-cat"][0])
    assert outputs["patb"][1].shape[1] == 32
    assert outputs["patb-without-cat"][1].shape[1] == 16


def test_masks() -> None:
    model = PATNGenerator(PATNConfig(width=4, blocks=3)).eval()
    masks = model.masks(*people())
    assert masks.shape == (2, 3, 16, 8)
    assert (masks > 0).all()
    assert (masks < 1).all()
    with pytest.raises(ValueError, match="has no attention masks"):
        PATNGenerator(PATNConfig(width=4, blocks=1, block="resnet")).masks(*people())


def test_pose_maps_hold_the_source_first() -> None:
    source, target = people()
    image, pose = PATNGenerator(PATNConfig(width=4, blocks=1, pose="point")).encode(source, target)
    assert image is source.image
    assert pose.shape == (2, 36, 64, 32)
    assert source.keypoints is not None
    x, y, _ = source.keypoints[1, 5].round().long()
    assert pose[1, 5, y, x] == 1
    assert pose[1, 5].sum() == 1


@pytest.mark.parametrize(("head", "channels"), [(False, 16), (True, 1)])
def test_discriminator(head: bool, channels: int) -> None:
    config = DiscriminatorConfig(width=4, head=head, slope=0.2)
    assert Discriminator(6, config)(torch.randn(2, 6, 32, 16)).shape == (2, channels, 8, 4)


def test_a_small_network_learns_one_pair() -> None:
    torch.manual_seed(0)
    source, target = people(1)
    columns = torch.linspace(-1, 1, 32).expand(64, 32)
    wanted = torch.stack([columns, columns.flip(1), torch.full((64, 32), 0.5)])[None]
    model = PATNGenerator(
        PATNConfig(width=8, blocks=2, norm="batch", dropout=0.0, pose="gaussian", stem="half", downs=1)
    )
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    first = last = 0.0
    for _ in range(80):
        loss = (model(source, target).image - wanted).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        first, last = (first or loss.item()), loss.item()
    assert last < 0.2 * first
