"""The multi-scale objective: terms by hand, phases, and that a tiny network learns."""

import pytest
import torch
from torch import Tensor, nn

from repose.losses.perceptual import Perceptual
from repose.models import recipe_from_dict
from repose.models.base import Output, Progress, total
from repose.models.multiscale.network import MultiScale, MultiScaleConfig
from repose.models.multiscale.objective import (
    DISCRIMINATOR,
    GENERATOR,
    PLAIN,
    MultiScaleObjective,
    MultiScaleObjectiveConfig,
)
from repose.models.multiscale.recipe import a0, a1_hr, a1_lr, official, paper, small
from repose.person import Pair, Person
from repose.recipes import to_dict


class Picture(nn.Module):
    """A backbone without weights: the picture itself at both layers."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"relu1_2": images, "relu2_2": images}


def objective(**settings: object) -> MultiScaleObjective:
    made = MultiScaleObjective(MultiScaleObjectiveConfig(discriminator_width=4, **settings))  # type: ignore[arg-type]
    made.perceptual = Perceptual("vgg19", rescale=made.config.rescale, features=Picture())
    return made


def pair(batch: int = 2) -> Pair:
    def person() -> Person:
        joints = torch.rand(batch, 18, 3) * torch.tensor([31.0, 31.0, 0]) + torch.tensor([0, 0, 1.0])
        return Person(image=torch.rand(batch, 3, 32, 32) * 2 - 1, keypoints=joints)

    return Pair(person(), person())


@pytest.mark.parametrize("kind", ["lsgan", "bce"])
def test_terms_by_hand(kind: str) -> None:
    torch.manual_seed(0)
    made, people = objective(adversarial=kind, rescale="imagenet"), pair()
    generated = torch.rand(2, 3, 32, 32) * 2 - 1
    judge = made.networks["discriminator"]
    fake, real = judge(people.source.image, generated), judge(people.source.image, people.target.image)

    def towards(score: Tensor, label: float) -> Tensor:
        if kind == "lsgan":
            return ((score - label) ** 2).mean()
        return nn.functional.binary_cross_entropy_with_logits(score, torch.full_like(score, label))

    difference = (generated - people.target.image).abs().mean()
    terms = made.losses(GENERATOR, people, Output(generated))
    wanted = 5 * difference + towards(fake, 1) + 5 * (difference / 2 + difference / 2)
    torch.testing.assert_close(total(terms), wanted)
    assert list(terms) == ["l1", "gan", "perceptual"]

    terms = made.losses(DISCRIMINATOR, people, Output(generated))
    torch.testing.assert_close(total(terms), 0.5 * (towards(real, 1) + towards(fake, 0)))


def test_gradients_stay_in_their_phase() -> None:
    made, people = objective(), pair()
    generated = (torch.rand(2, 3, 32, 32) * 2 - 1).requires_grad_()
    total(made.losses(DISCRIMINATOR, people, Output(generated))).backward()
    assert generated.grad is None
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.networks.parameters())
    made.zero_grad()
    total(made.losses(GENERATOR, people, Output(generated))).backward()
    assert generated.grad is not None
    assert all(p.grad is None for p in made.networks.parameters())
    assert all(p.requires_grad for p in made.networks.parameters())


def test_phases() -> None:
    assert objective().phases(Progress(0, 100)) == (DISCRIMINATOR, GENERATOR)  # D first, as in the code
    late = objective(adversarial_from=0.5)
    assert late.phases(Progress(49, 100)) == (PLAIN,)
    assert late.phases(Progress(50, 100)) == (DISCRIMINATOR, GENERATOR)
    none = objective(gan=0.0)
    assert none.phases(Progress(99, 100)) == (PLAIN,)
    assert len(none.networks) == 0
    assert "gan" not in late.losses(PLAIN, pair(), Output(torch.zeros(2, 3, 32, 32)))


def test_state_dict_carries_the_discriminator_alone() -> None:
    made = objective()
    assert {name.split(".")[1] for name in made.state_dict()} == {"discriminator"}


def test_recipes_are_the_published_ones() -> None:
    code, text = official(), paper()
    assert (code.images, code.data.batch) == (2_160_000, 8)
    assert code.generator_optimiser == code.discriminator_optimiser
    assert (code.generator_optimiser.lr, code.generator_optimiser.beta1) == (1e-3, 0.5)
    assert (code.objective.l1, code.objective.gan, code.objective.perceptual) == (5, 1, 5)
    assert (code.objective.adversarial, code.objective.rescale) == ("lsgan", "batch")
    assert (text.objective.adversarial, text.objective.rescale) == ("bce", "imagenet")
    assert [r().network.links for r in (a0, a1_lr, a1_hr)] == ["none", "lowest", "highest"]
    assert {r().images for r in (a0, a1_lr, a1_hr)} == {1_000_000}
    for recipe in (code, text, small(), a0(), a1_lr(), a1_hr()):
        assert recipe_from_dict(to_dict(recipe)) == recipe


def test_it_learns_one_pair() -> None:
    torch.manual_seed(0)
    generator = MultiScale(MultiScaleConfig(width=8, levels=2, tail=1, fold=True))
    made, people = objective(), pair()
    judge = made.networks["discriminator"]
    slow, fast = torch.optim.Adam(judge.parameters(), 1e-4), torch.optim.Adam(generator.parameters(), 1e-2)
    optimisers = {"discriminator": slow, "generator": fast}
    errors = []
    for step in range(80):
        output = generator(people.source, people.target)
        for phase in made.phases(Progress(step, 80)):
            terms = made.losses(phase, people, output)
            optimisers[phase.name].zero_grad()
            total(terms).backward()
            optimisers[phase.name].step()
        errors.append(terms["l1"].value.item())
    assert errors[-1] < 0.4 * errors[0]
