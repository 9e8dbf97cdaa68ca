"""The masks that are drawn are those that multiply, level by level, for every variant of the links."""

import numpy as np
import pytest
import torch

from repose.draw.panels import heat
from repose.models.multiscale.inspect import panels
from repose.models.multiscale.network import Links, MultiScale, MultiScaleConfig
from tests.contract.checks import person, settle


@pytest.mark.parametrize(
    ("links", "levels"), [("full", (4, 3, 2, 1)), ("lowest", (4,)), ("highest", (1,)), ("none", ())]
)
def test_the_masks_of_every_link_are_drawn(links: Links, levels: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = settle(MultiScale(MultiScaleConfig(width=4, links=links)))
    assert isinstance(network, MultiScale)
    source, target = person(1, 1), person(1, 2)
    with torch.inference_mode():
        found = panels(network, source, target)
        masks = network.masks(network.encode(source, target)[1])
    assert tuple(sorted(masks, reverse=True)) == levels
    if not levels:
        assert found == []
        return
    drawn = next(panel for panel in found if panel.name == "masks")
    means = [masks[level][0].mean(0) for level in levels]
    low, high = min(float(m.min()) for m in means), max(float(m.max()) for m in means)
    assert f"({low:.4g} to {high:.4g} of them)" in drawn.caption
    for level, mean in zip(levels, means, strict=True):
        wanted = heat(mean, (64, 32), low, high).repeat(4, 0).repeat(4, 1)
        height, width = wanted.shape[:2]
        rows, columns = drawn.image.shape[0] - height, drawn.image.shape[1] - width
        starts = np.argwhere((drawn.image[: rows + 1, : columns + 1] == wanted[0, 0]).all(-1))
        assert any(np.array_equal(drawn.image[y : y + height, x : x + width], wanted) for y, x in starts), level
