"""Dense Pose Transfer's phases, terms and weights against terms written out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.losses.perceptual import Perceptual
from repose.models.base import Output, Phase, Progress, stage_of, total
from repose.models.densepose.objective import DensePoseObjective, DensePoseObjectiveConfig
from repose.models.densepose.warping import to_atlas
from repose.person import Pair
from tests.models.densepose.test_network import build, person

TINY = DensePoseObjectiveConfig(weight_perceptual=0, weight_style=0, discriminator=4)


class Two(nn.Module):
    """Two "layers": the picture, and its means over squares of two pixels."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"relu1_2": images, "relu2_2": F.avg_pool2d(images, 2)}


def pair(views: int = 1) -> Pair:
    return Pair(person(0), person(1), tuple(person(2 + k) for k in range(views)))


def phase(objective: DensePoseObjective, images: int, name: str) -> Phase:
    return {p.name: p for p in objective.phases(Progress(images, 100))}[name]


def test_three_stages() -> None:
    objective = DensePoseObjective(TINY)
    found = {images: [p.trains for p in objective.phases(Progress(images, 100))] for images in (0, 39, 40, 59, 60, 99)}
    first, second = [("generator.predictive",)], [("generator.inpainting",)]
    last = [("generator",), ("discriminator",)]
    assert found == {0: first, 39: first, 40: second, 59: second, 60: last, 99: last}
    stages = [stage_of(objective.phases(Progress(images, 100))) for images in (0, 39, 40, 59, 60, 99)]
    assert stages == ["predictive"] * 2 + ["inpainting"] * 2 + ["joint"] * 2
    late = DensePoseObjective(replace(TINY, adversarial_from=0.8))
    assert [len(late.phases(Progress(images, 100))) for images in (60, 79, 80)] == [1, 1, 2]
    for never in (replace(TINY, adversarial_from=1.0), replace(TINY, weight_adversarial=0.0)):
        assert [p.name for p in DensePoseObjective(never).phases(Progress(100, 100))] == ["joint-plain"]


def test_a_model_of_one_stream_has_one_stage_and_asks_for_less() -> None:
    alone = replace(TINY, predictive_until=0.0, inpainting_until=0.0)
    assert len(DensePoseObjective(alone).phases(Progress(0, 100))) == 2
    assert (DensePoseObjective(alone).views, DensePoseObjective(alone).requires) == (0, ("iuv",))
    assert DensePoseObjective(replace(alone, weight_adversarial=0)).requires == ()
    assert (DensePoseObjective(TINY).views, DensePoseObjective(TINY).requires) == (2, ("iuv",))


def test_the_predictive_stream_learns_by_l1() -> None:
    objective, data = DensePoseObjective(TINY), pair()
    image = torch.rand(2, 3, 64, 32)
    assert data.target.image is not None
    terms = objective.losses(phase(objective, 0, "predictive"), data, Output(image))
    assert set(terms) == {"l1"}
    torch.testing.assert_close(total(terms), F.l1_loss(image, data.target.image))


def test_the_inpainting_learns_from_every_view() -> None:
    """Eq. 6: what each picture of the person shows of the surface, nothing elsewhere."""
    objective, data = DensePoseObjective(TINY), pair(views=2)
    painted = (torch.rand(2, 24, 3, 16, 16) * 2 - 1).requires_grad_()
    terms = objective.losses(
        phase(objective, 50, "inpainting"), data, Output(torch.zeros(2, 3, 64, 32), {"inpainted": painted})
    )
    total(terms).backward()  # type: ignore[no-untyped-call]
    anywhere, sums, count = torch.zeros(2, 24, 1, 16, 16), torch.zeros(()), torch.zeros(())
    for one in (data.source, data.target, *data.views):
        assert one.image is not None
        assert one.iuv is not None
        texture, seen = to_atlas(one.image, one.iuv, 16)
        sums, count = sums + ((painted - texture).abs() * seen).sum(), count + 3 * seen.sum()
        anywhere = torch.maximum(anywhere, seen)
    torch.testing.assert_close(total(terms), sums / count)
    assert painted.grad is not None
    assert (painted.grad.abs().sum(2, keepdim=True) > 0).le(anywhere > 0).all()
    with pytest.raises(ValueError, match=r"finds no inpainted surface: the output is of another stage"):
        objective.losses(phase(objective, 50, "inpainting"), data, Output(torch.zeros(2, 3, 64, 32)))


def test_the_terms_of_the_last_stage() -> None:
    """Eq. 1 to 4 with the weights of 4.1."""
    config = DensePoseObjectiveConfig(discriminator=4)
    objective, data = DensePoseObjective(config), pair()
    objective.perceptual = Perceptual(features=Two(), distance="l2")
    image = (torch.rand(2, 3, 64, 32) * 2 - 1).requires_grad_()
    target, source, iuv = data.target.image, data.source.image, data.target.iuv
    assert target is not None
    assert source is not None
    assert iuv is not None

    perceptual = style = torch.zeros(())
    for layer, found in Two()((image + 1) / 2).items():
        wanted = Two()((target + 1) / 2)[layer]
        perceptual = perceptual + ((found - wanted).flatten(1).norm(dim=1) / found[0].numel() ** 0.5).mean()
        gram = [torch.einsum("bchw,bdhw->bcd", x, x) / x[0].numel() for x in (found, wanted)]
        style = style + (gram[0] - gram[1]).square().mean()
    network = objective.networks["discriminator"]
    z = [source, iuv / torch.tensor([24, 1, 1]).view(1, 3, 1, 1)]
    fooled = (network([*z, image]) - 1).square().mean()
    wanted_sum = F.l1_loss(image, target) + 0.5 * perceptual + 5e5 * style + 0.1 * 0.5 * fooled
    terms = objective.losses(phase(objective, 60, "joint"), data, Output(image))
    assert set(terms) == {"l1", "perceptual", "style", "fool"}
    torch.testing.assert_close(total(terms), wanted_sum)
    total(terms).backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    assert all(p.grad is None for p in objective.parameters())

    told = 0.5 * (network([*z, target]) - 1).square().mean() + 0.5 * network([*z, image]).square().mean()
    image.grad = None
    terms = objective.losses(phase(objective, 60, "discriminator"), data, Output(image))
    torch.testing.assert_close(total(terms), told)
    total(terms).backward()  # type: ignore[no-untyped-call]
    assert image.grad is None
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("perceptual", "style", "gan"),
    [(0, 0, 0), (0.5, 0, 0), (0, 5e5, 0), (0.5, 5e5, 0), (0, 0, 0.1), (0.5, 0, 0.1), (0, 5e5, 0.1), (0.5, 5e5, 0.1)],
)
def test_combinations_of_table_5(perceptual: float, style: float, gan: float) -> None:
    config = replace(TINY, weight_perceptual=perceptual, weight_style=style, weight_adversarial=gan)
    objective = DensePoseObjective(config)
    if objective.perceptual is not None:
        objective.perceptual = Perceptual(features=Two(), distance="l2")
    phases = objective.phases(Progress(60, 100))
    terms = objective.losses(phases[0], pair(), Output(torch.rand(2, 3, 64, 32)))
    wanted = {"l1"} | ({"perceptual"} if perceptual else set()) | ({"style"} if style else set())
    assert set(terms) == wanted | ({"fool"} if gan else set())
    assert len(phases) == (2 if gan else 1)


def test_an_output_of_another_stage_is_refused() -> None:
    objective, model, data = DensePoseObjective(TINY), build().train(), pair()
    model.set_stage("predictive")
    with pytest.raises(ValueError, match=r"set_stage\('inpainting'\) comes before its forward"):
        objective.losses(phase(objective, 45, "inpainting"), data, model(data.source, data.target))
    with pytest.raises(ValueError, match="no phase 'other'"):
        objective.losses(Phase("other", ()), data, Output(torch.zeros(2, 3, 64, 32)))
