"""Body warp: what geometry alone promises, at any weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("numba")

from repose.body.lift import lift
from repose.body.posed_body import PosedBody
from repose.models.base import Output, Progress
from repose.models.bodywarp import geometry
from repose.models.bodywarp.geometry import pair_geometry
from repose.models.bodywarp.network import BodyWarp, BodyWarpConfig, _filled
from repose.models.bodywarp.objective import BodyWarpObjective, BodyWarpObjectiveConfig
from repose.person import Pair, Person
from repose.represent.flow import at_rest

STANDING = torch.tensor([
    [30, 12], [30, 24], [23, 24], [20, 38], [18, 50], [37, 24], [40, 38], [42, 50], [26, 55], [25, 75], [25, 95],
    [34, 55], [35, 75], [35, 95], [28, 10], [32, 10], [26, 11], [34, 11],
]).float()  # fmt: skip
"""A person seen from the front on a picture of 128x64."""


def keypoints(right: float = 0.0, down: float = 0.0, raised: bool = False) -> Tensor:
    xy = STANDING + torch.tensor([right, down])
    if raised:
        xy[3:5] = torch.tensor([[12.0, 20], [8, 8]])
    return torch.cat([xy, torch.ones(18, 1)], 1)[None]


def picture(height: int = 128, width: int = 64, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def network(**changes: object) -> BodyWarp:
    torch.manual_seed(0)
    return BodyWarp(replace(BodyWarpConfig(width=8, depth=1, heads=2, height=128), **changes)).eval()  # type: ignore[arg-type]


# -- geometry ---------------------------------------------------------------------------------------------------------


def test_a_person_moved_aside_comes_from_aside() -> None:
    geometry = pair_geometry(keypoints(), keypoints(6, -4), 128, 64)
    way = (geometry.flow - at_rest(geometry.flow)) * torch.tensor([32.0, 64]).view(1, 2, 1, 1)
    skin = geometry.target[:, 7:8] > 0
    assert int(skin.sum()) > 500
    assert float((way - torch.tensor([-6.0, 4]).view(1, 2, 1, 1)).abs()[skin.expand(-1, 2, -1, -1)].max()) < 0.3
    assert float(geometry.traits[:, 0][skin[:, 0]].mean()) > 0.97  # seen
    assert float(geometry.traits[:, 6].min()) == 0  # nothing of it stands still
    assert float(geometry.traits[:, 6][..., 120:, :5].min()) == 1  # the corner does


def test_without_a_body_everything_stays() -> None:
    few = keypoints()
    few[:, 4:] = 0
    geometry = pair_geometry(few, keypoints(), 128, 64)
    assert torch.equal(geometry.flow, at_rest(geometry.flow))
    assert not geometry.traits.any()
    assert not geometry.source[:, 7].any()


def test_a_batch_is_its_pairs() -> None:
    one, other = keypoints(), keypoints(3, 1, raised=True)
    few = one.clone()
    few[:, 4:] = 0
    batch = pair_geometry(torch.cat([one, few, other]), torch.cat([other, one, one]), 64, 32)
    for k, pair in enumerate(((one, other), (few, one), (other, one))):
        alone = pair_geometry(*pair, 64, 32)
        for name in ("flow", "mirrored", "traits", "source", "target"):
            assert torch.equal(getattr(batch, name)[k], getattr(alone, name)[0]), name


def test_an_arm_that_moves_leaves_the_feet_still(monkeypatch: pytest.MonkeyPatch) -> None:
    body = lift(keypoints()[0], noise=0.002)
    feet, arm = (10, 13), (3, 4)
    for turn in range(1, len(body.turns)):
        turns = body.turns.copy()
        turns[turn] = turns[turn] @ np.array([[0.5, -(0.75**0.5), 0], [0.75**0.5, 0.5, 0], [0, 0, 1]])
        other = PosedBody(turns, body.coefficients, body.camera)
        way = np.hypot(*(other.keypoints - body.keypoints).T)
        if way[list(feet)].max() < 1e-6 and way[list(arm)].min() > 5:
            break
    else:
        raise AssertionError("no turn moves an arm alone")
    monkeypatch.setattr(geometry._BODIES, "of", lambda _: [body, other])
    still = pair_geometry(keypoints(), keypoints(), 128, 64).traits[0, 6]
    assert float(still[90:98, 20:40].min()) == 1
    for joint in arm:
        x, y = (round(float(v)) for v in body.keypoints[joint])
        assert float(still[y, x]) < 0.1


# -- the network ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(64, 32), (128, 64), (256, 128)])
def test_their_own_pose_is_the_photograph(height: int, width: int) -> None:
    """Whatever the weights are, and on whatever size the network works."""
    joints = keypoints() * torch.tensor([height / 128, height / 128, 1])
    source = Person(image=picture(height, width), keypoints=joints)
    with torch.inference_mode():
        output = network()(source, source.only("keypoints"))
    assert float((output.image - source.image).abs().max()) < 1e-5


def test_shares_sum_to_one_and_follow_what_is_seen() -> None:
    source, target = Person(image=picture(), keypoints=keypoints()), Person(keypoints=keypoints(8), size=(128, 64))
    for mirrored in (True, False):
        with torch.inference_mode():
            extra = network(mirrored=mirrored)(source, target).extra
        assert torch.allclose(extra["shares"].sum(1), torch.ones(1, 128, 64), atol=1e-5)
        skin = pair_geometry(keypoints(), keypoints(8), 128, 64).target[:, 7] > 0
        assert float(extra["shares"][:, 0][skin].mean()) > 0.4
        if not mirrored:
            assert float(extra["shares"][:, 1].max()) < 1e-6


def test_the_correction_is_bounded_and_near_the_body() -> None:
    source, target = Person(image=picture(), keypoints=keypoints()), Person(keypoints=keypoints(8), size=(128, 64))
    net = network(reach=0.02)
    with torch.no_grad():
        net.to_residual.weight.mul_(1e4)
    extra = net(source, target).extra
    pixels = extra["correction"] * torch.tensor([32.0, 64]).view(1, 2, 1, 1)
    assert 1.5 < float(pixels.abs().max()) <= 0.02 * 128 + 1e-3
    assert float(pixels[..., 120:, :4].abs().max()) == 0


def test_other_sizes() -> None:
    net = network()
    assert net.working_size(64, 32) == (128, 64)
    assert net.working_size(128, 88) == (128, 88)
    assert net.working_size(512, 352) == (128, 88)
    source, target = Person(image=picture(), keypoints=keypoints()), Person(keypoints=keypoints(8), size=(128, 64))
    output = net(source, target)
    large = net.enlarge(output, picture(512, 256))
    assert large.shape == (1, 3, 512, 256)
    assert torch.equal(net.enlarge(output, source.image), output.image)
    with pytest.raises(ValueError, match="proportions"):
        net.enlarge(output, picture(256, 176))


def test_an_enlarged_picture_carries_the_photographs_own_pixels() -> None:
    """A fine pattern that the working size cannot hold arrives in the large picture."""
    fine = picture(512, 256, seed=1)
    source = Person(image=torch.nn.functional.avg_pool2d(fine, 4), keypoints=keypoints())
    target = Person(keypoints=keypoints(8), size=(128, 64))
    net = network()
    output = net(source, target)
    output.extra["shares"][:, 0], output.extra["shares"][:, 1:] = 1, 0  # type: ignore[index]
    output.extra["outline"].fill_(1)
    output.extra["flow"].copy_(at_rest(output.extra["flow"]) - torch.tensor([16 / 64, 0]).view(1, 2, 1, 1))
    large = net.enlarge(Output(output.image, {**output.extra, "still": torch.zeros(1, 1, 128, 64)}), fine)
    # 16 / 64 of the way from edge to edge, which is 2: an eighth of the width
    assert float((large[..., 32:] - fine[..., :-32]).abs().max()) < 1e-4


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="width even"):
        BodyWarp(BodyWarpConfig(width=7))
    with pytest.raises(ValueError, match="reach"):
        BodyWarp(BodyWarpConfig(reach=0))
    odd = Person(image=picture(520, 352), keypoints=keypoints())
    with pytest.raises(ValueError, match="multiples of 64"):
        network()(odd, odd)


def test_what_is_hidden_is_filled_from_around() -> None:
    image = torch.full((1, 3, 20, 14), 0.25)
    image[..., :7] = -0.5
    known = torch.ones(1, 1, 20, 14)
    known[..., 6:14, 4:10] = 0
    filled = _filled(image * known + 9 * (1 - known), known)
    assert torch.allclose(filled[..., :6, :], image[..., :6, :], atol=1e-6)
    hole = filled[..., 6:14, 4:10]
    assert float(hole.min()) >= -0.5 - 1e-5
    assert float(hole.max()) <= 0.25 + 1e-5
    assert float(hole[..., 0].mean()) < float(hole[..., -1].mean())


# -- the objective ----------------------------------------------------------------------------------------------------


def _training_pair() -> Pair:
    masks = torch.zeros(2, 1, 128, 64)
    masks[0, :, 8:100, 15:46] = 1
    masks[1, :, 8:100, 23:54] = 1
    return Pair(
        Person(image=picture(seed=1), keypoints=keypoints(), mask=masks[:1]),
        Person(image=picture(seed=2), keypoints=keypoints(8), mask=masks[1:]),
    )


def _terms(pair: Pair, output: Output) -> dict[str, float]:
    objective = BodyWarpObjective(BodyWarpObjectiveConfig(lpips=0))
    terms = objective.losses(objective.phases(Progress(0, 1))[0], pair, output)
    return {name: float(term.value.detach()) for name, term in terms.items()}


def test_the_surroundings_of_the_target_count_for_nothing() -> None:
    pair = _training_pair()
    output = network()(pair.source, pair.target)
    assert pair.target.image is not None
    assert pair.target.mask is not None
    other = torch.where(pair.target.mask > 0, pair.target.image, -pair.target.image)
    assert _terms(pair, output) == _terms(Pair(pair.source, replace(pair.target, image=other)), output)
    changed = torch.where(pair.target.mask > 0, -pair.target.image, pair.target.image)
    assert _terms(pair, output)["l1"] != _terms(Pair(pair.source, replace(pair.target, image=changed)), output)["l1"]


def test_the_right_picture_costs_nothing() -> None:
    pair = _training_pair()
    output = network()(pair.source, pair.target)
    source, target = pair.source, pair.target
    assert source.image is not None
    assert target.image is not None
    assert target.mask is not None
    right = target.mask * target.image + (1 - target.mask) * source.image
    terms = _terms(pair, Output(right, {**output.extra, "core": right, "painted": target.image}))
    assert terms["l1"] == pytest.approx(0, abs=1e-6)
    assert terms["painted"] == pytest.approx(0, abs=1e-6)
    assert terms["outline"] > 0
