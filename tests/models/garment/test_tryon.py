"""A garment put onto somebody else, and the pictures of the inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from repose.draw.panels import picture
from repose.models import inspector
from repose.models.garment.network import GarmentConfig, GarmentFlow
from repose.models.garment.tryon import dress
from repose.person import Person
from tests.models.garment.people import Laid, wearing

HERE, THERE = Laid(22, 28, 24, 30), Laid(26, 34, 24, 30)


@pytest.fixture(scope="module")
def network() -> GarmentFlow:
    """It shifts the garment onto the other's outline, and no more."""
    torch.manual_seed(0)
    made = GarmentFlow(GarmentConfig(width=4, downs=2, blocks=1, start="aligned")).eval()
    torch.nn.init.zeros_(made.last.weight)
    return made


@torch.no_grad()
def test_the_garment_takes_the_place_of_the_other(network: GarmentFlow) -> None:
    garment = wearing(HERE, 64, 48)
    person = wearing(THERE, 64, 48, ground=0.3)
    assert garment.image is not None
    assert person.image is not None
    person = replace(person, image=person.image.clone().clamp_max(0.3))  # other colours
    dressed = dress(person, garment, network)
    assert dressed.shape == (3, 64, 48)
    mask = network.mask(person.batch())[0, 0] > 0
    assert person.image is not None
    assert torch.equal(dressed[:, ~mask], person.image[:, ~mask])
    shifted = torch.roll(garment.image, (6, 4), (1, 2))
    torch.testing.assert_close(dressed[:, mask], shifted[:, mask], rtol=0, atol=1e-4)

    batch = dress(Person.stack([person, garment]), Person.stack([garment, garment]), network)
    torch.testing.assert_close(batch[0], dressed, rtol=0, atol=1e-5)
    torch.testing.assert_close(batch[1], garment.image, rtol=0, atol=1e-4)


def test_errors(network: GarmentFlow) -> None:
    garment, person = wearing(HERE, 64, 48), wearing(THERE, 64, 48)
    with pytest.raises(ValueError, match=r"person\.image"):
        dress(person.only("parsing"), garment, network)
    with pytest.raises(ValueError, match=r"source\.parsing, which is missing"):
        dress(person, garment.only("image"), network)
    with pytest.raises(ValueError, match=r"target\.parsing, which is missing"):
        dress(person.only("image"), garment, network)
    with pytest.raises(ValueError, match="2 people and 1 garments"):
        dress(Person.stack([person, person]), garment, network)
    with pytest.raises(ValueError, match="share a canvas"):
        dress(person, wearing(HERE, 64, 32), network)
    trousers = wearing(HERE, 64, 48, label="pants")
    with pytest.raises(ValueError, match=r"no upper clothes, .* in garment\.parsing \(number 1"):
        dress(Person.stack([person, person]), Person.stack([garment, trousers]), network)
    with pytest.raises(ValueError, match=r"no upper clothes, .* in person\.parsing \(number 0"):
        dress(trousers, garment, network)


@torch.inference_mode()
def test_the_inside_as_pictures(network: GarmentFlow) -> None:
    panels = inspector("garment")
    garment, person = wearing(HERE, 64, 48).batch(), wearing(THERE, 64, 48).batch()
    shown = {panel.name: panel.image for panel in panels(network, garment, person)}
    assert list(shown) == [
        "garment", "source-mask", "target-mask", "flow-key", "flow", "inside", "synthesised", "true", "try-on",
    ]  # fmt: skip
    assert all(image.shape == (64, 48, 3) for image in shown.values())
    mask = network.mask(person)[0, 0].numpy() > 0
    assert np.array_equal(shown["target-mask"] == 255, np.repeat(mask[..., None], 3, 2))
    assert np.array_equal(shown["try-on"], picture(dress(person, garment, network)[0]))
    assert (np.ptp(shown["flow"][~mask], axis=0) == 0).all()  # grey beside the garment
    without = panels(network, garment, person.only("parsing"))
    assert [panel.name for panel in without] == list(shown)[:7]
