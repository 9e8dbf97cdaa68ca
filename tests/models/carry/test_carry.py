from dataclasses import replace

import pytest
import torch
from torch import Tensor

from repose.models.base import Output, Progress
from repose.models.carry.critic import Critic
from repose.models.carry.network import POSE_MAPS, Carry, CarryConfig
from repose.models.carry.objective import CarryObjective, CarryObjectiveConfig, _cross_entropy
from repose.person import Pair, Person

TINY = CarryConfig(width=8, depth=1, match=8, heads=2, height=64)
PIXELS = CarryObjectiveConfig(perceptual=0)


def person(seed: int, height: int = 64, width: int = 48) -> Person:
    random = torch.Generator().manual_seed(seed)
    xy = torch.rand(2, 18, 2, generator=random) * torch.tensor([width - 1, height - 1])
    iuv = torch.rand(2, 3, height, width, generator=random)
    iuv[:, 0] = torch.randint(25, (2, height, width), generator=random).float()
    return Person(
        image=torch.rand(2, 3, height, width, generator=random) * 2 - 1,
        keypoints=torch.cat([xy, torch.ones(2, 18, 1)], 2),
        iuv=iuv,
        mask=(iuv[:, :1] > 0).float(),
    )


@pytest.fixture(scope="module")
def network() -> Carry:
    torch.manual_seed(0)
    return Carry(TINY).eval()


@torch.no_grad()
def test_what_it_tells(network: Carry) -> None:
    output = network(person(1), person(2))
    shapes = {name: tuple(value.shape) for name, value in output.extra.items()}
    assert shapes == {
        "parts": (2, 25, 16, 12),
        "match": (2, 192, 192),
        "person": (2, 1, 64, 48),
        "flow": (2, 2, 64, 48),
        "mask": (2, 1, 64, 48),
        "carried": (2, 3, 64, 48),
        "core": (2, 3, 64, 48),
    }
    torch.testing.assert_close(output.extra["match"].exp().sum(-1), torch.ones(2, 192))
    for name in ("person", "mask"):
        assert 0 <= output.extra[name].min() <= output.extra[name].max() <= 1


@torch.no_grad()
def test_a_sure_match_carries_the_picture_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every cell of the target is sure of the same cell of the source, the flow is at rest up to the border."""
    sure = torch.eye(192).clamp_min(1e-12).log().expand(2, -1, -1)
    still = Carry(replace(TINY, refine=False)).eval()
    monkeypatch.setattr(still, "_match", lambda target, source: sure)
    source = person(1)
    torch.testing.assert_close(still(source, person(2)).extra["carried"], source.image, rtol=0, atol=2e-4)


@torch.no_grad()
def test_refined_flow_begins_at_the_match(network: Carry) -> None:
    still = Carry(replace(TINY, refine=False)).eval()
    still.load_state_dict(network.state_dict(), strict=False)
    people = person(1), person(2)
    gap = network(*people).extra["flow"] - still(*people).extra["flow"]
    assert 0 < gap.abs().max() < 0.1


@torch.no_grad()
def test_a_large_picture_is_averaged_first(network: Carry) -> None:
    """At twice the size core, flow and mask are those of the averaged picture."""
    big, pose = person(1, 128, 96), person(2, 128, 96)
    small = [Person(image=_averaged(p.image), keypoints=p.resize(64, 48).keypoints) for p in (big, pose)]
    there, here = network(big, pose), network(*small)
    assert there.image.shape == (2, 3, 128, 96)
    for name in ("core", "flow", "mask"):
        torch.testing.assert_close(there.extra[name], here.extra[name], rtol=0, atol=1e-4)
    torch.testing.assert_close(there.image, network.enlarge(here, _image(big)), rtol=0, atol=1e-4)


@torch.no_grad()
def test_enlarge_carries_fine_detail(network: Carry) -> None:
    """Where all is carried from its own place, the large result is the photograph; where nothing is, it is smooth."""
    photograph = _image(person(5, 256, 192))
    core = torch.nn.functional.avg_pool2d(photograph, 4)
    y, x = torch.meshgrid((torch.arange(64) + 0.5) / 32 - 1, (torch.arange(48) + 0.5) / 24 - 1, indexing="ij")
    extra = {"core": core, "flow": torch.stack([x, y]).expand(2, -1, -1, -1), "mask": torch.ones(2, 1, 64, 48)}
    carried = network.enlarge(Output(core, extra), photograph)
    assert (carried - photograph).abs().max() < 1e-3
    smooth = network.enlarge(Output(core, {**extra, "mask": torch.zeros(2, 1, 64, 48)}), photograph)
    assert (smooth - photograph).abs().mean() > 0.2
    assert torch.equal(network.enlarge(Output(core, extra), core), core)
    with pytest.raises(ValueError, match="a whole number of times"):
        network.enlarge(Output(core, extra), photograph[..., :-4])


@torch.no_grad()
@pytest.mark.parametrize("coarser", [1.2, 1.5, 2.0])
def test_a_target_seen_from_further_away_gets_more_detail(network: Carry, coarser: float) -> None:
    """The picture of a larger crop lacks more of the photograph: what it lacks is carried, no octave less."""
    photograph = torch.nn.functional.avg_pool2d(_image(person(5, 768, 576)), 3)
    photograph = photograph - photograph.mean()
    rows, columns = ((torch.arange(n) * 2 + 1) / n - 1 for n in (256, 192))
    y, x = torch.meshgrid(rows * coarser, columns * coarser, indexing="ij")
    flow = torch.stack([x, y]).expand(2, -1, -1, -1)
    # the photograph in a crop that is so many times larger
    wanted = torch.nn.functional.grid_sample(
        photograph, flow.movedim(1, -1), align_corners=False, padding_mode="border"
    )
    small = torch.nn.functional.avg_pool2d(flow, 4)
    extra = {"core": torch.nn.functional.avg_pool2d(wanted, 4), "flow": small, "mask": torch.ones(2, 1, 64, 48)}
    inside = (flow.abs().amax(1, keepdim=True) < 0.9).expand_as(wanted)

    def error(told: float) -> float:
        made = network.enlarge(Output(extra["core"], extra), photograph, told)
        return float((made - wanted)[inside].square().mean())

    assert error(coarser) < 0.85 * error(1.0)


@pytest.mark.parametrize(
    "change",
    [{"frames": False}, {"refine": False}, {"carry": False}, {"carry": False, "attend": False}, {"height": 32}],
)
def test_every_variant_learns(change: dict[str, object]) -> None:
    torch.manual_seed(0)
    variant = Carry(replace(TINY, **change))  # type: ignore[arg-type]
    source, target = person(1), person(2)
    output = variant(source, target)
    terms = CarryObjective(PIXELS).losses(_phase(PIXELS), Pair(source, target), output)
    sum(term.value * term.weight for term in terms.values()).backward()  # type: ignore[union-attr]
    dead = [name for name, p in variant.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert not dead


def test_pixels_cannot_be_carried_without_attention() -> None:
    with pytest.raises(ValueError, match="carry=True needs attend=True"):
        Carry(CarryConfig(attend=False))


def test_joints_reach_the_maps_where_they_are() -> None:
    """A joint in the middle of cell (3, 2) peaks there, also when the picture is shrunk."""
    keypoints = torch.zeros(1, 18, 3)
    for shrink in (1, 2):
        cell = 4 * shrink
        keypoints[0, 4] = torch.tensor([2.5 * cell - 0.5, 3.5 * cell - 0.5, 1])
        maps = Carry(TINY).pose_maps(keypoints, 16 * cell, 12 * cell)
        assert maps.shape == (1, POSE_MAPS, 16, 12)
        assert divmod(int(maps[0, 4].argmax()), 12) == (3, 2)
        assert maps[0, 4, 3, 2] == pytest.approx(1)
        assert maps[0, [k for k in range(18) if k != 4]].abs().max() == 0


def test_a_picture_that_cannot_be_averaged(network: Carry) -> None:
    assert [network.shrink(height) for height in (32, 64, 96, 128, 256)] == [1, 1, 1, 2, 4]
    with pytest.raises(ValueError, match="pictures of 128 rows with sides that are multiples of 16, got 128x104"):
        network(person(1, 128, 104), person(2, 128, 104))


# -- the objective ------------------------------------------------------------------------------------------------


def test_labels_are_left_out_where_there_are_none(network: Carry) -> None:
    source, target = person(1), person(2)
    output, objective = network(source, target), CarryObjective(PIXELS)
    whole = objective.losses(_phase(PIXELS), Pair(source, target), output)
    assert set(whole) == {"l1", "assemble", "person", "match", "flow", "carried", "visible", "parts"}
    bare = Pair(source.only("image", "keypoints"), target.only("image", "keypoints"))
    assert set(objective.losses(_phase(PIXELS), bare, output)) == {"l1", "assemble"}


def test_terms_leave_the_pair_as_it_is(network: Carry) -> None:
    """Face and hands are picked out of the joints; the critic must find all of them afterwards."""
    pair = Pair(person(1), person(2))
    assert pair.target.keypoints is not None
    before = pair.target.keypoints.clone()
    focused = CarryObjective(replace(PIXELS, focus=2.0))
    terms = focused.losses(_phase(PIXELS), pair, network(pair.source, pair.target))
    assert torch.equal(pair.target.keypoints, before)
    plain = CarryObjective(PIXELS).losses(_phase(PIXELS), pair, network(pair.source, pair.target))
    assert terms["l1"].value > plain["l1"].value


@pytest.mark.parametrize("times", [1, 2])
def test_the_truth_costs_nothing(times: int) -> None:
    """One person in one pose: flow and match at rest are the truth, at the working size and above it."""
    network, height, width = Carry(TINY).eval(), 64 * times, 48 * times
    source = person(1, height, width)
    v, u = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    tile = 16 * times  # small parts have small cells
    part = 1 + torch.arange(height)[:, None] // tile * 3 + torch.arange(width)[None] // tile
    iuv = torch.stack([part.float(), u * width / tile % 1, v * height / tile % 1]).expand(2, -1, -1, -1)
    source = replace(source, iuv=iuv, mask=torch.ones(2, 1, height, width))
    with torch.no_grad():
        output = network(source, source)
    y, x = torch.meshgrid((torch.arange(64) + 0.5) / 32 - 1, (torch.arange(48) + 0.5) / 24 - 1, indexing="ij")
    rest = torch.stack([x, y]).expand(2, -1, -1, -1)
    objective, pair = CarryObjective(PIXELS), Pair(source, source)

    def cost(flow: Tensor, match: Tensor) -> tuple[float, float]:
        there = Output(output.image, {**output.extra, "flow": flow, "match": match.expand(2, -1, -1)})
        terms = objective.losses(_phase(PIXELS), pair, there)
        return terms["flow"].value.item(), terms["match"].value.item()

    sure = torch.eye(192).clamp_min(1e-12).log()
    flow, match = cost(rest, sure)
    assert flow < 0.02
    assert match < 0.1
    for aside in (-1, 1):  # a pixel, and a cell, to either side cost the same
        moved, other = cost(rest + torch.tensor([aside / 24, 0]).view(1, 2, 1, 1), sure.roll(aside, 1))
        assert moved == pytest.approx(0.25, abs=0.03)
        assert other > 20


def test_cross_entropy_by_hand() -> None:
    chances = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0)).softmax(-1)
    place, known = torch.zeros(1, 2, 3, 2), torch.zeros(1, 1, 3, 2)
    known[..., 0, 0] = 1
    place[0, :, 0, 0] = torch.tensor([-0.5, -1 / 3])  # x in the middle of column 0; y halfway between rows 0 and 1
    wanted = -(0.5 * chances[0, 0, 0].log() + 0.5 * chances[0, 0, 2].log())
    assert _cross_entropy(chances.log(), place, known).item() == pytest.approx(wanted.item(), abs=1e-5)


def test_bad_settings() -> None:
    for wrong in ({"l1": -1.0}, {"gan_from": 7.0}, {"critic": 0}, {"r1": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            CarryObjectiveConfig(**wrong)  # type: ignore[arg-type]


def test_the_adversarial_term_comes_late() -> None:
    objective = CarryObjective(replace(PIXELS, gan=0.1, gan_from=0.6, critic=4))
    assert [p.name for p in objective.phases(Progress(59, 100))] == ["generator-plain"]
    assert [p.name for p in objective.phases(Progress(60, 100))] == ["generator", "critic"]
    assert CarryObjective(PIXELS).networks.keys() == set()


def test_critic_gets_its_penalty_and_the_generator_its_term(network: Carry) -> None:
    objective = CarryObjective(replace(PIXELS, gan=0.1, gan_from=0.0, critic=4))
    source, target = person(1), person(2)
    output = network(source, target)
    generator, critic = objective.phases(Progress(1, 10))
    assert "fool" in objective.losses(generator, Pair(source, target), output)
    terms = objective.losses(critic, Pair(source, target), output)
    assert set(terms) == {"critic_real", "critic_generated", "r1"}
    sum(term.value * term.weight for term in terms.values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None for p in objective.networks["critic"].parameters())


def test_critic_sees_the_pose() -> None:
    torch.manual_seed(0)
    critic = Critic(4)
    image = torch.rand(2, 3, 64, 48) * 2 - 1
    assert critic(image, person(1)).shape == (2, 1, 8, 6)
    assert not torch.equal(critic(image, person(1)), critic(image, person(2)))


def _phase(config: CarryObjectiveConfig):  # type: ignore[no-untyped-def]
    return CarryObjective(config).phases(Progress(0, 1))[0]


def _image(one: Person) -> Tensor:
    assert one.image is not None
    return one.image


def _averaged(image: Tensor | None) -> Tensor:
    assert image is not None
    return torch.nn.functional.avg_pool2d(image, 2)
