"""The multi-scale generator: published size, links, folded stem, every parameter in use."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from repose.models import recipe
from repose.models.multiscale.network import Links, MultiScale, MultiScaleConfig, PatchDiscriminator
from repose.models.multiscale.recipe import small
from repose.person import Person

TINY = MultiScaleConfig(width=4, levels=2, tail=1)
VARIANTS = [replace(TINY, links=links) for links in ("full", "none", "lowest", "highest")] + [
    replace(TINY, fold=True),
    replace(TINY, fold=True, links="none"),
    replace(TINY, fold=True, links="highest"),
    replace(TINY, norm="none", pose="gaussian", cap=6),
    replace(TINY, fold=True, levels=3, norm="none"),
]


def person(batch: int = 2, height: int = 32, width: int = 16) -> Person:
    joints = torch.rand(batch, 18, 3) * torch.tensor([width - 1.0, height - 1.0, 0])
    joints[..., 2] = 1
    return Person(image=torch.rand(batch, 3, height, width) * 2 - 1, keypoints=joints)


def test_published_sizes() -> None:
    assert sum(p.numel() for p in MultiScale().parameters()) == 90_172_928
    assert sum(p.numel() for p in PatchDiscriminator().parameters()) == 2_768_705


def test_initialisation() -> None:
    torch.manual_seed(0)
    network = MultiScale(MultiScaleConfig(width=16))
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d)])
    gains = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.BatchNorm2d)])
    assert weights.mean().item() == pytest.approx(0, abs=1e-3)
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    assert gains.mean().item() == pytest.approx(1, abs=5e-3)
    assert gains.std().item() == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("config", VARIANTS, ids=str)
def test_every_parameter_gets_a_gradient(config: MultiScaleConfig) -> None:
    torch.manual_seed(0)
    network = MultiScale(config)
    source, target = person(), person()
    output = network(source, target)
    assert output.image.shape == source.image.shape
    (output.image - target.image).abs().mean().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert idle == []


@pytest.mark.parametrize(("links", "levels"), [("full", {1, 2}), ("none", set()), ("lowest", {2}), ("highest", {1})])
def test_links_of_the_ablation(links: Links, levels: set[int]) -> None:
    network = MultiScale(replace(TINY, links=links))
    pose = torch.rand(2, 36, 32, 16)
    masks = network.masks(pose)
    assert set(masks) == levels
    for level, mask in masks.items():
        assert mask.shape == (2, 4 << level, 32 >> level, 16 >> level)
        assert ((mask > 0) & (mask < 1)).all()
    image = torch.rand(2, 3, 32, 16)
    a, b = (network.eval().synthesise(image, p).image for p in (pose, pose.flip(-1)))
    assert not torch.equal(a, b)  # every variant sees the pose, A0 too


def test_masks_multiply_the_features_of_their_level() -> None:
    """Equations of section 3.1.4, written out for two levels."""
    network = MultiScale(TINY).eval()
    image, pose = torch.rand(1, 3, 32, 16), torch.rand(1, 36, 32, 16)
    i2 = network.image_encoder(image)[-1]
    h1, h2 = network.pose_encoder(pose)
    x = network.ups[0](i2 * torch.sigmoid(h2))
    x = network.ups[1](x * torch.sigmoid(h1))
    wanted = torch.tanh(network.to_image(network.tail(x)))
    torch.testing.assert_close(network.synthesise(image, pose).image, wanted)


def test_residual_sum_has_no_relu() -> None:
    block = MultiScale(TINY).tail[0]
    x = torch.randn(1, 4, 8, 8)
    y = block.norm2(block.conv2(F.relu(block.norm1(block.conv1(x)))))
    torch.testing.assert_close(block(x), x + y)
    assert (block(x) < 0).any()


def test_pose_maps_are_source_then_target() -> None:
    network = MultiScale(TINY)
    source, target = person(1), person(1)
    source.keypoints[:] = torch.tensor([3.0, 5.0, 1.0])
    target.keypoints[:] = torch.tensor([10.0, 20.0, 1.0])
    target.keypoints[0, 17] = 0  # missing
    image, pose = network.encode(source, target)
    assert torch.equal(image, source.image)
    assert pose.shape == (1, 36, 32, 16)
    assert pose[0, :18, 5, 3].tolist() == [1.0] * 18
    assert pose[0, 18:35, 20, 10].tolist() == [1.0] * 17
    assert pose.sum() == 35  # one single pixel a joint, none for the missing one


def test_occluded_joints_are_drawn_or_left_out() -> None:
    """The text's v is 0 for an occluded joint; the released code's joints tell no occlusion, and all are drawn."""
    source, target = person(1), person(1)
    source.keypoints[:] = target.keypoints[:] = torch.tensor([3.0, 5.0, 1.0])
    target.keypoints[0, 4, 2] = 0.5
    drawn = MultiScale(TINY).encode(source, target)[1]
    text = MultiScale(replace(TINY, occluded="left_out")).encode(source, target)[1]
    assert (drawn.sum(), text.sum()) == (36, 35)
    assert text[0, 18 + 4].sum() == 0
    assert recipe("multiscale-paper").network.occluded == "left_out"
    assert recipe("multiscale-fashion").network.occluded == "drawn"


def test_batch_of_one_equals_a_slice() -> None:
    network = MultiScale(TINY).eval()
    source, target = person(3), person(3)
    whole, one = network(source, target).image, network(source[1:2], target[1:2]).image
    torch.testing.assert_close(whole[1:2], one)


def test_canvas_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        MultiScale(MultiScaleConfig(width=2))(person(1, 40, 16), person(1, 40, 16))
    with pytest.raises(ValueError, match=r"target\.keypoints"):
        MultiScale(TINY)(person(1), Person(image=torch.zeros(1, 3, 32, 16)))


def test_small_preset_is_small() -> None:
    network = MultiScale(small().network)
    assert 1_000_000 < sum(p.numel() for p in network.parameters()) < 4_000_000
    assert set(network.masks(torch.zeros(1, 36, 128, 64))) == {1, 2, 3, 4}
    assert network.eval()(person(1, 128, 64), person(1, 128, 64)).image.shape == (1, 3, 128, 64)


def test_discriminator_sees_70_pixels() -> None:
    """Receptive field by the gradient of one score."""
    network = PatchDiscriminator(4).eval()
    x = torch.randn(1, 3, 128, 128, requires_grad=True)
    score = network(x, torch.randn(1, 3, 128, 128))
    assert score.shape == (1, 1, 14, 14)
    score[0, 0, 7, 7].backward()
    touched = x.grad[0].abs().sum((0, 1)).nonzero().flatten()
    assert touched.max() - touched.min() + 1 == 70
