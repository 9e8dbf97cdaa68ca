"""The perceptual term on the garment alone, against terms written out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from repose.models.base import Output, Phase, Progress, total
from repose.models.garment.network import GarmentConfig, GarmentFlow, on_white
from repose.models.garment.objective import GarmentObjective, GarmentObjectiveConfig
from repose.person import Pair
from tests.models.garment.people import Laid, wearing

PIXELS = GarmentObjectiveConfig(perceptual="none", weight_l1=2.0)


class Features(nn.Module):
    """In place of the feature network, whose file need not be here: it remembers what it compared."""

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        self.seen = generated, target
        return (generated - target).square().mean()


def pair() -> Pair:
    return Pair(wearing(Laid(22, 28, 24, 30), 64, 48).batch(), wearing(Laid(26, 36, 20, 36, 15), 64, 48).batch())


def made(data: Pair) -> tuple[GarmentFlow, Output]:
    torch.manual_seed(0)
    model = GarmentFlow(GarmentConfig(width=4, downs=2, blocks=1))
    return model, model(data.source, data.target)


def phase(objective: GarmentObjective) -> Phase:
    (only,) = objective.phases(Progress(50, 100))
    return only


def test_the_text_has_the_perceptual_term_alone() -> None:
    objective = GarmentObjective()
    assert phase(objective).trains == ("generator",)
    objective.perceptual = features = Features()  # type: ignore[assignment]
    data = pair()
    _, output = made(data)
    terms = objective.losses(phase(objective), data, output)
    assert {name: term.weight for name, term in terms.items()} == {"l1": 0.0, "perceptual": 1.0}
    assert data.target.image is not None
    generated, true = features.seen
    assert torch.equal(generated, output.image)
    assert torch.equal(true, on_white(data.target.image, output.extra["garment_mask"]))
    torch.testing.assert_close(total(terms), (generated - true).square().mean())


def test_l1_is_the_mean_over_the_garment() -> None:
    data = pair()
    _, output = made(data)
    term = GarmentObjective(PIXELS).losses(phase(GarmentObjective(PIXELS)), data, output)["l1"]
    on = output.extra["garment_mask"].bool().expand(-1, 3, -1, -1)
    assert data.target.image is not None
    torch.testing.assert_close(term.value, (output.image[on] - data.target.image[on]).abs().mean())
    assert term.weight == 2.0


def test_what_is_no_garment_does_not_count() -> None:
    data = pair()
    _, output = made(data)
    other = Pair(data.source, wearing(Laid(26, 36, 20, 36, 15), 64, 48, ground=0.9).batch())
    objective = GarmentObjective(replace(PIXELS, perceptual="mobilenet_v2"))
    objective.perceptual = Features()  # type: ignore[assignment]
    torch.testing.assert_close(
        total(objective.losses(phase(objective), data, output)),
        total(objective.losses(phase(objective), other, output)),
    )


def test_every_weight_learns() -> None:
    data = pair()
    model, output = made(data)
    objective = GarmentObjective(PIXELS)
    total(objective.losses(phase(objective), data, output)).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


def test_a_pair_without_the_garment_teaches_nothing_and_does_no_harm() -> None:
    data = pair()
    assert data.target.parsing is not None
    bare = Pair(data.source, replace(data.target, parsing=torch.zeros_like(data.target.parsing)))
    _, output = made(bare)
    objective = GarmentObjective(PIXELS)
    assert total(objective.losses(phase(objective), bare, output)) == 0


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^weight_l1: .* at least 0"):
        GarmentObjectiveConfig(weight_l1=-1)
    for empty in (GarmentObjectiveConfig(perceptual="none"), GarmentObjectiveConfig(weight_perceptual=0.0)):
        with pytest.raises(ValueError, match="weight_l1 must be above 0"):
            GarmentObjective(empty)
    data = pair()
    with pytest.raises(ValueError, match="no phase 'judge'"):
        GarmentObjective(PIXELS).losses(Phase("judge", ()), data, made(data)[1])
