"""PATN's phases, weights and gradients against terms written out by hand."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from repose.models.base import Output, Phase, Progress, total
from repose.models.patn.discriminator import DiscriminatorConfig
from repose.models.patn.objective import PATNObjective, PATNObjectiveConfig
from repose.person import Pair, Person
from repose.represent.keypoints import heatmaps

TINY = PATNObjectiveConfig(perceptual="none", discriminator=DiscriminatorConfig(width=4, blocks=1, dropout=0.0))


def pair(seed: int = 0, batch: int = 2, height: int = 32, width: int = 16) -> Pair:
    torch.manual_seed(seed)

    def one() -> Person:
        keypoints = torch.rand(batch, 18, 3) * torch.tensor([width - 1, height - 1, 0]) + torch.tensor([0, 0, 1])
        return Person(image=torch.rand(batch, 3, height, width) * 2 - 1, keypoints=keypoints)

    return Pair(one(), one())


def generated(seed: int = 9) -> Output:
    torch.manual_seed(seed)
    return Output((torch.rand(2, 3, 32, 16) * 2 - 1).requires_grad_())


def scores(objective: PATNObjective, data: Pair, image: torch.Tensor) -> dict[str, torch.Tensor]:
    maps = heatmaps(data.target.keypoints, 32, 16, kind=objective.config.pose)  # type: ignore[arg-type]
    return {
        "appearance": objective.networks["appearance"](torch.cat([image, data.source.image], 1)),  # type: ignore[list-item]
        "shape": objective.networks["shape"](torch.cat([image, maps], 1)),
    }


def phase(objective: PATNObjective, name: str) -> Phase:
    return {p.name: p for p in objective.phases(Progress(50, 100))}[name]


def test_generator_first_then_both_discriminators() -> None:
    phases = PATNObjective(TINY).phases(Progress(0, 100))
    assert [p.trains for p in phases] == [("generator",), ("appearance",), ("shape",)]


def test_late_start_of_the_adversarial_term() -> None:
    objective = PATNObjective(replace(TINY, adversarial_from=0.6))
    (early,) = objective.phases(Progress(59, 100))
    assert early.trains == ("generator",)
    assert set(objective.losses(early, pair(), generated())) == {"l1"}
    assert len(objective.phases(Progress(60, 100))) == 3
    never = PATNObjective(replace(TINY, adversarial_from=1.0))
    assert len(never.phases(Progress(100, 100))) == 1
    assert len(PATNObjective(replace(TINY, weight_adversarial=0.0)).phases(Progress(0, 1))) == 1


@pytest.mark.parametrize("kind", ["lsgan", "bce"])
def test_terms_as_released(kind: str) -> None:
    objective = PATNObjective(replace(TINY, adversarial=kind, weight_l1=10.0))  # type: ignore[arg-type]
    data, output = pair(), generated()
    image = output.image.detach()

    def against(score: torch.Tensor, label: float) -> torch.Tensor:
        if kind == "lsgan":
            return F.mse_loss(score, torch.full_like(score, label))
        return F.binary_cross_entropy(score.sigmoid(), torch.full_like(score, label))

    fake, real = scores(objective, data, image), scores(objective, data, data.target.image)  # type: ignore[arg-type]
    adversarial = (against(fake["appearance"], 1) + against(fake["shape"], 1)) / 2
    wanted = 10 * F.l1_loss(image, data.target.image) + 5 * adversarial  # type: ignore[arg-type]
    torch.testing.assert_close(total(objective.losses(phase(objective, "generator"), data, output)), wanted)
    for name in ("appearance", "shape"):
        wanted = 5 * 0.5 * (against(real[name], 1) + against(fake[name], 0))
        torch.testing.assert_close(total(objective.losses(phase(objective, name), data, output)), wanted)


def test_the_product_of_the_text_is_a_sum_of_logarithms() -> None:
    config = replace(TINY, adversarial="bce", combine="product", weight_l1=0.0)
    objective = PATNObjective(config)
    data, output = pair(), generated()
    fake = scores(objective, data, output.image.detach())
    # log R = log(R_A R_S), place by place
    wanted = -5 * torch.log(fake["appearance"].sigmoid() * fake["shape"].sigmoid()).mean()
    torch.testing.assert_close(total(objective.losses(phase(objective, "generator"), data, output)), wanted)
    with pytest.raises(ValueError, match="needs adversarial 'bce'"):
        PATNObjective(replace(config, adversarial="lsgan"))


def test_gradients_reach_only_what_a_phase_trains() -> None:
    objective = PATNObjective(TINY)
    data, output = pair(), generated()
    total(objective.losses(phase(objective, "generator"), data, output)).backward()
    assert output.image.grad is not None
    assert output.image.grad.abs().max() > 0
    assert all(p.grad is None for p in objective.parameters())
    output.image.grad = None
    total(objective.losses(phase(objective, "shape"), data, output)).backward()
    assert output.image.grad is None
    assert all(p.grad is None for p in objective.networks["appearance"].parameters())
    assert all(p.grad is not None for p in objective.networks["shape"].parameters())


def test_pools_survive_a_resume() -> None:
    objective = PATNObjective(replace(TINY, pool=3))
    appearance = phase(objective, "appearance")
    for seed in range(4):
        objective.losses(appearance, pair(seed), generated(seed))
    state = copy.deepcopy(objective.state_dict())
    resumed = PATNObjective(replace(TINY, pool=3))
    resumed.load_state_dict(state)
    for seed in range(4, 10):
        unbroken = total(objective.losses(appearance, pair(seed), generated(seed)))
        again = total(resumed.losses(appearance, pair(seed), generated(seed)))
        assert torch.equal(unbroken, again)


def test_unknown_phase() -> None:
    with pytest.raises(ValueError, match="no phase 'inpaint'"):
        PATNObjective(TINY).losses(Phase("inpaint", ()), pair(), generated())
