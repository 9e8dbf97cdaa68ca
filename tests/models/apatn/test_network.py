"""APATN's sizes, its block against eq. 5 to 8 written out, and the variants of Tables 4 and 5."""

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.apatn.network import APATB, APATN, APATNConfig, attend
from repose.models.patn.network import PATNConfig, PATNGenerator
from repose.person import Person

BLOCKS = ("apatb", "apatb-add", "apatb-without-cat", "apatb-without-res")
TINY = APATNConfig(width=4, blocks=2, dropout=0.0)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def people(batch: int = 2, height: int = 64, width: int = 32) -> tuple[Person, Person]:
    torch.manual_seed(3)
    keypoints = torch.rand(2, batch, 18, 3) * torch.tensor([width - 1, height - 1, 0]) + torch.tensor([0, 0, 1])
    source = Person(image=torch.rand(batch, 3, height, width) * 2 - 1, keypoints=keypoints[0])
    return source, Person(keypoints=keypoints[1], size=(height, width))


LITERAL = APATNConfig(project=False, pose_encoders="one", code_residual=False)


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (APATNConfig(), 16_931_075),  # the text: 16.93M
        (LITERAL, 14_996_419),
        (APATNConfig(blocks=1), 5_911_811),
        (APATNConfig(blocks=9), 27_950_339),
        (APATNConfig(block="apatb-add"), 16_274_435),
        (APATNConfig(block="apatb-without-cat"), 16_274_435),
        (APATNConfig(block="apatb-without-res"), 11_030_275),
        (APATNConfig(whole_last=False), 15_750_915),
    ],
)
def test_sizes(config: APATNConfig, parameters: int) -> None:
    with torch.device("meta"):
        assert count(APATN(config)) == parameters


def test_a_block_has_269_million_parameters_as_written_and_275_with_one_more_1x1() -> None:
    with torch.device("meta"):
        written, whole, patb = APATN(LITERAL).blocks[0], APATN().blocks[0], PATNGenerator(PATNConfig()).blocks[1]
    assert count(written) == 2_689_024
    assert count(whole) == 2_754_816
    assert count(whole) - count(written) == 256 * 256 + 256
    assert count(patb) > 1.7 * count(whole)  # what the text says the 1x1 behind the concatenation saves


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize(("stem", "downs"), [("full", 2), ("half", 1)])
def test_every_variant_gives_a_picture_and_trains_every_weight(block: str, norm: str, stem: str, downs: int) -> None:
    torch.manual_seed(0)
    config = replace(TINY, block=block, norm=norm, stem=stem, downs=downs, shrink=2, whole_last=False)  # type: ignore[arg-type]
    model = APATN(config)
    image = model(*people()).image
    assert image.shape == (2, 3, 64, 32)
    (image * torch.randn_like(image)).sum().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]


def test_what_the_published_size_counts_but_nothing_reads() -> None:
    torch.manual_seed(0)
    model = APATN(TINY)
    calls: list[int] = []
    for index, block in enumerate(model.blocks):
        assert isinstance(block, APATB)
        block.pose.register_forward_hook(lambda *_, index=index: calls.append(index))
    image = model(*people()).image
    (image * torch.randn_like(image)).sum().backward()
    assert calls == [0, 0]  # of the first block for both poses; that of the last is not computed
    last = model.blocks[1]
    assert isinstance(last, APATB)
    idle = {name for name, p in model.named_parameters() if p.grad is None}
    assert idle == {f"blocks.1.pose.{name}" for name, _ in last.pose.named_parameters()}
    assert idle


def one_by_one(conv: Any, x: Tensor) -> Tensor:
    """A 1x1 convolution as the matrix that it is."""
    out: Tensor = torch.einsum("oi,bihw->bohw", conv.weight[:, :, 0, 0], x) + conv.bias[:, None, None]
    return out


def residual(block: Any, x: Tensor) -> Tensor:
    """x plus 3x3, instance norm, ReLU, 3x3, instance norm."""
    y, convs = x, block.convs
    for index, conv in enumerate((convs.conv1, convs.conv2)):
        y = F.conv2d(F.pad(y, (1, 1, 1, 1), "reflect"), conv.weight, conv.bias)
        y = (y - y.mean((2, 3), keepdim=True)) / (y.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        y = y.relu() if index == 0 else y
    return x + y


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(("project", "scale"), [(False, "none"), (True, "root")])
def test_the_block_follows_equations_5_to_8(block: str, project: bool, scale: str) -> None:
    torch.manual_seed(0)
    one = APATB(8, False, replace(TINY, block=block, project=project, scale=scale)).eval().double()  # type: ignore[arg-type]
    image, source, target = torch.randn(3, 2, 8, 6, 5, dtype=torch.float64)
    got = one(image, source, target)

    scores = torch.einsum(
        "bcn,bcm->bnm", one_by_one(one.theta, target).flatten(2), one_by_one(one.phi, source).flatten(2)
    )
    scores = scores / 8**0.5 if scale == "root" else scores
    alignment = scores.exp() / scores.exp().sum(2, keepdim=True)  # eq. 5: rows are places of the target
    moved = torch.einsum("bnm,bcm->bcn", alignment, one_by_one(one.gamma, image).flatten(2)).view(2, 8, 6, 5)  # eq. 6
    moved = one_by_one(one.project, moved) if project else moved
    if block in ("apatb", "apatb-without-res"):
        merged = one_by_one(one.merge, torch.cat([moved, image], 1))
    else:
        merged = moved + image if block == "apatb-add" else moved
    torch.testing.assert_close(got[0], residual(one.image, merged), rtol=0, atol=1e-10)  # eq. 7
    for before, after in zip((source, target), got[1:], strict=True):  # eq. 8, the same block for both
        wanted = before if block == "apatb-without-res" else residual(one.pose, before)
        torch.testing.assert_close(after, wanted, rtol=0, atol=1e-10)
    torch.testing.assert_close(one.alignment(source, target), alignment, rtol=0, atol=1e-6)


def test_the_attention_brings_what_stands_at_the_like_place() -> None:
    """Keys and queries that are one-hot and large: every place of the target gets exactly its partner's value."""
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    key = 200 * torch.eye(20).view(1, 20, 4, 5)
    query = torch.eye(20)[:, order].reshape(1, 20, 4, 5)
    value = torch.arange(400.0).view(1, 20, 4, 5)
    moved = attend(query, key, value)
    assert torch.equal(moved.flatten(2), value.flatten(2)[:, :, order])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_kernel_without_the_matrix_takes_it(layout: torch.memory_format) -> None:
    """In either memory layout; a stride that it does not take would fall back to the whole matrix in silence."""
    query, key, value = (torch.randn(2, 8, 6, 4).contiguous(memory_format=layout) for _ in range(3))
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.FLASH_ATTENTION):
        attend(query, key, value)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        attend(query, key, value)
    assert any("flash_attention" in event.name for event in profile.events())


def test_two_pose_encoders_and_one() -> None:
    source, target = people(1)
    same = Person(keypoints=source.keypoints, size=source.size)
    two, one = APATN(TINY), APATN(replace(TINY, pose_encoders="one"))
    for model, alike in ((two, False), (one, True)):
        _, first, second = model.codes(*model.encode(source, same))
        assert torch.equal(first, second) == alike
    assert count(two) - count(one) == count(one.source_encoder)
    _, maps, other = two.encode(source, target)
    assert maps.shape == (1, 18, 64, 32)
    assert source.keypoints is not None
    x, y, _ = source.keypoints[0, 5].round().long()
    assert maps[0, 5, y, x] == 1
    assert not torch.equal(maps, other)


def test_the_start_that_hands_the_image_code_on() -> None:
    torch.manual_seed(0)
    released, ours = (APATN(replace(TINY, start=start)).blocks[0] for start in ("released", "identity"))
    assert isinstance(released, APATB)
    assert isinstance(ours, APATB)
    assert isinstance(ours.merge, nn.Conv2d)
    image = torch.randn(1, 16, 4, 4)
    handed = ours.merge(torch.cat([torch.zeros_like(image), image], 1)) - ours.merge(torch.zeros(1, 32, 4, 4))
    torch.testing.assert_close(handed, image)
    assert ours.merge.weight[:, :16].std() > 0.05
    for name in ("theta", "phi", "gamma", "project"):
        assert 0.1 < getattr(ours, name).weight.std() < 0.2  # 1 / sqrt(3 * 16) = 0.144
        assert getattr(released, name).weight.std() < 0.03
    assert ours.image.convs.conv1.weight.std() < 0.03


def test_a_shrunk_code_cannot_be_added() -> None:
    for block in ("apatb-add", "apatb-without-cat"):
        with pytest.raises(ValueError, match=f"'{block}' needs project=true"):
            APATNConfig(block=block, shrink=2, project=False)
    assert APATN(replace(TINY, shrink=2, project=False))(*people()).image.shape == (2, 3, 64, 32)


def test_a_small_network_learns_one_pair() -> None:
    torch.manual_seed(0)
    source, target = people(1)
    columns = torch.linspace(-1, 1, 32).expand(64, 32)
    wanted = torch.stack([columns, columns.flip(1), torch.full((64, 32), 0.5)])[None]
    model = APATN(APATNConfig(width=8, blocks=2, norm="batch", dropout=0.0, pose="gaussian", stem="half", downs=1))
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    first = last = 0.0
    for _ in range(80):
        loss = (model(source, target).image - wanted).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        first, last = (first or loss.item()), loss.item()
    assert last < 0.2 * first
