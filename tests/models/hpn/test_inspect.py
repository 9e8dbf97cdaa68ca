"""What HPN's inspector draws."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from repose.models import inspector
from repose.models.hpn.network import HPN, HPNConfig
from repose.person import Person
from repose.represent.descriptors import corners, descriptors

HEIGHT, WIDTH = 128, 88
WINDOW = (60, 200, 80)


def person(seed: int) -> Person:
    random = torch.Generator().manual_seed(seed)
    points = torch.rand(1, 18, 2, generator=random) * torch.tensor([WIDTH - 1.0, HEIGHT - 1.0])
    image = torch.rand(1, 3, HEIGHT, WIDTH, generator=random) * 2 - 1
    return Person(image=image, keypoints=torch.cat([points, torch.ones(1, 18, 1)], -1))


@pytest.fixture(scope="module")
def network() -> HPN:
    torch.manual_seed(0)
    return HPN(HPNConfig(width=16, levels=3, trained=3, sigma=1.6)).eval()


def test_panels(network: HPN) -> None:
    source, target = person(1), person(2)
    with torch.inference_mode():
        found = {panel.name: panel.image for panel in inspector("hpn")(network, source, target)}
    assert list(found) == ["descriptors", "windows", "levels", "pose"]
    boxes = found["descriptors"]
    assert boxes.shape[1] > 3 * 2 * WIDTH  # 18, 31 and 44 side by side, twice as large
    assert target.keypoints is not None
    centres, _ = descriptors(target.keypoints, HEIGHT, WIDTH, 18)
    x, y = corners(centres, HEIGHT, WIDTH, 16)[0, 4].tolist()
    green = (boxes == WINDOW).all(-1)
    rows, columns = green.nonzero()
    left, top = columns.min(), rows.min()  # the outermost box of the first picture starts here
    first = corners(centres, HEIGHT, WIDTH, 16)[0]
    assert green[top + 2 * (y - int(first[:, 1].min())), left + 2 * (x - int(first[:, 0].min()))]


def test_levels_of_a_network_that_has_not_grown(network: HPN) -> None:
    network.grow(1)
    try:
        with torch.inference_mode():
            lower = inspector("hpn")(network, person(1), person(2))[2]
        network.grow(2)
        with torch.inference_mode():
            upper = inspector("hpn")(network, person(1), person(2))[2]
    finally:
        network.grow(2)
    assert "level 1 of 0 to 2" in lower.caption
    assert lower.image.shape[1] < upper.image.shape[1]  # two pictures and three


def test_without_joints_or_a_target_picture(network: HPN) -> None:
    source, target = person(1), person(2)
    assert source.keypoints is not None
    nobody = torch.zeros(1, 18, 3)
    with torch.inference_mode():
        for one, other in (
            (source, replace(target, image=None)),
            (replace(source, keypoints=None), target),
            (replace(source, keypoints=nobody), replace(target, keypoints=nobody)),
        ):
            assert len(inspector("hpn")(network, one, other)) == 4
