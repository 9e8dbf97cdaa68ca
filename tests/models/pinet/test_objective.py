"""PINet's phases and terms, each against the same written out by hand."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose import models
from repose.models.base import Output, Phase, Progress, total
from repose.models.patn.discriminator import Discriminator, DiscriminatorConfig
from repose.models.pinet.network import PINet, PINetConfig, labels
from repose.models.pinet.objective import PINetObjective, PINetObjectiveConfig
from tests.models.pinet.drawn import pair

SMALL = DiscriminatorConfig(width=4, blocks=1, dropout=0.0)
TINY = PINetObjectiveConfig(perceptual="none", alone=(1 / 3, 2 / 3), weight_labels=0.5, discriminator=SMALL)


def phases(config: PINetObjectiveConfig, images: int) -> list[Phase]:
    torch.manual_seed(0)
    return list(PINetObjective(config).phases(Progress(images, 90)))


def made(stage: str) -> Output:
    torch.manual_seed(9)
    image = (torch.rand(2, 3, 32, 16) * 2 - 1).requires_grad_(stage != "parsing")
    parsing = torch.randn(2, 12, 32, 16).requires_grad_()
    return Output(image, {} if stage == "image" else {"parsing": parsing})


def test_phases_of_a_run() -> None:
    names = [[(phase.name, *phase.trains) for phase in phases(TINY, images)] for images in (0, 29, 30, 59, 60, 89)]
    judges = [("appearance", "appearance"), ("shape", "shape")]
    assert names[0] == names[1] == [("parsing", "generator.parsing")]
    assert names[2] == names[3] == [("image", "generator.image"), *judges]
    assert names[4] == names[5] == [("joint", "generator"), *judges]
    assert phases(replace(TINY, alone=(0.0, 0.0)), 0)[0].name == "joint"


def test_every_phase_knows_its_stage() -> None:
    found = [[phase.stage for phase in phases(TINY, images)] for images in (0, 30, 60)]
    assert found == [["parsing"], ["image"] * 3, ["joint"] * 3]


def test_phases_without_the_adversarial_term_or_with_a_late_one() -> None:
    (phase,) = phases(replace(TINY, weight_adversarial=0.0), 30)
    assert phase == Phase("image-plain", ("generator.image",), "image")
    late = replace(TINY, adversarial_from=0.8)
    assert [[phase.name for phase in phases(late, images)] for images in (0, 30, 60, 72)] == [
        ["parsing"],
        ["image-plain"],
        ["joint-plain"],
        ["joint", "appearance", "shape"],
    ]
    with pytest.raises(ValueError, match="two rising fractions"):
        PINetObjective(replace(TINY, alone=(0.6, 0.3)))


def test_labels_are_learnt_by_equations_4_to_6() -> None:
    data, output = pair(), made("parsing")
    terms = PINetObjective(TINY).losses(Phase("parsing", ()), data, output)
    raw, wanted = output.extra["parsing"], labels(data.target)
    chance = raw.exp() / raw.exp().sum(1, keepdim=True)
    torch.testing.assert_close(terms["cross_entropy"].value, -(wanted * chance.log()).sum(1).mean())
    torch.testing.assert_close(terms["labels_l1"].value, (raw - wanted).abs().mean())
    assert {name: term.weight for name, term in terms.items()} == {"cross_entropy": 1.0, "labels_l1": 0.5}
    released = PINetObjective(replace(TINY, weight_labels=0.0)).losses(Phase("parsing", ()), data, output)
    assert set(released) == {"cross_entropy"}


@pytest.mark.parametrize("kind", ["lsgan", "bce"])
def test_the_picture_is_learnt_by_equations_7_to_10(kind: str) -> None:
    combine = "mean" if kind == "lsgan" else "product"
    config = replace(TINY, adversarial=kind, combine=combine, spectral=False)  # type: ignore[arg-type]
    torch.manual_seed(0)
    objective, data, output = PINetObjective(config), pair(), made("image")
    assert data.target.image is not None
    generator, appearance, shape = objective.phases(Progress(30, 90))

    def scores(image: Tensor) -> list[Tensor]:
        beside = objective._with_condition("appearance", image, data), objective._with_condition("shape", image, data)
        assert [x.shape[1] for x in beside] == [6, 21]
        return [network(x) for network, x in zip(objective.networks.values(), beside, strict=True)]

    def against(score: Tensor, label: float) -> Tensor:
        if kind == "lsgan":
            return (score - label).square().mean()
        return F.binary_cross_entropy(score.sigmoid(), torch.full_like(score, label))

    share = 0.5 if kind == "lsgan" else 1.0
    fake, real = scores(output.image.detach()), scores(data.target.image)
    fooled = 5 * share * (against(fake[0], 1) + against(fake[1], 1))
    wanted = F.l1_loss(output.image, data.target.image) + fooled
    torch.testing.assert_close(total(objective.losses(generator, data, output)), wanted)
    for index, phase in enumerate((appearance, shape)):
        wanted = 5 * share * (against(real[index], 1) + against(fake[index], 0))
        torch.testing.assert_close(total(objective.losses(phase, data, output)), wanted)


def test_together_all_terms_count() -> None:
    torch.manual_seed(0)
    objective, data, output = PINetObjective(TINY), pair(), made("joint")
    terms = objective.losses(objective.phases(Progress(60, 90))[0], data, output)
    assert set(terms) == {"cross_entropy", "labels_l1", "l1", "fool_appearance", "fool_shape"}
    torch.autograd.backward(total(terms))
    assert output.image.grad is not None
    assert output.extra["parsing"].grad is not None
    assert all(p.grad is None for p in objective.parameters())


def test_the_discriminators_are_patns_with_spectral_norm_on_every_convolution() -> None:
    torch.manual_seed(0)
    objective = PINetObjective(TINY)
    for name, channels in (("appearance", 6), ("shape", 21)):
        network = objective.networks[name]
        assert sum(p.numel() for p in network.parameters()) == sum(
            p.numel() for p in Discriminator(channels, SMALL).parameters()
        )
        convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
        assert len(convolutions) == 5
        for _ in range(20):  # the norm is found by an iteration a forward
            network(torch.randn(2, channels, 8, 8))
        for layer in convolutions:
            assert spectral(layer) == pytest.approx(1, abs=0.02)
    plain = PINetObjective(replace(TINY, spectral=False)).networks["shape"].get_submodule("stem")
    assert isinstance(plain, nn.Conv2d)
    assert spectral(plain) != pytest.approx(1, abs=0.1)


def spectral(layer: nn.Conv2d) -> float:
    return float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))


@pytest.mark.parametrize("name", ["parsing", "image", "joint"])
def test_an_output_of_another_stage_is_named(name: str) -> None:
    for stage in ("parsing", "image", "joint"):
        if stage == name or (name, stage) == ("joint", "image"):  # as the joint stage of one generator
            continue
        with pytest.raises(ValueError, match=rf"'{name}' gets an output of another stage .* set_stage\('{name}'\)"):
            PINetObjective(TINY).losses(Phase(name, ()), pair(), made(stage))


def test_one_generator_has_no_labels_to_learn() -> None:
    objective = PINetObjective(replace(TINY, alone=(0.0, 0.0)))
    one, data = PINet(PINetConfig(width=4, stages=1)), pair()
    terms = objective.losses(objective.phases(Progress(0, 90))[0], data, one(data.source, data.target))
    assert set(terms) == {"l1", "fool_appearance", "fool_shape"}


def test_unknown_phase() -> None:
    with pytest.raises(ValueError, match="no phase 'inpaint'"):
        PINetObjective(TINY).losses(Phase("inpaint", ()), pair(), made("joint"))


def test_the_released_run_steps_both_discriminators_before_the_generator() -> None:
    objective = PINetObjective(models.recipe("pinet-fashion").objective)
    assert [phase.name for phase in objective.phases(Progress(0, 100))] == ["appearance", "shape", "joint"]
    other = PINetObjective(models.recipe("pinet-paper").objective)
    assert [phase.name for phase in other.phases(Progress(99, 100))] == ["joint", "appearance", "shape"]
