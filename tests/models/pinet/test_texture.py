"""Equation 11, place by place."""

from dataclasses import replace

import pytest
import torch

from repose.models.pinet.network import PINet, PINetConfig, labels
from repose.models.pinet.texture import transfer_texture
from repose.represent.keypoints import heatmaps
from repose.represent.parsing import PINET_LABELS
from tests.models.pinet.drawn import person


def test_parts_take_the_texture_and_the_rest_stays() -> None:
    torch.manual_seed(0)
    model, source, condition = PINet(PINetConfig(width=4)).eval(), person(1), person(2)
    assert source.image is not None
    assert source.keypoints is not None
    made = transfer_texture(model, source, condition, ("upper clothes", "pants"))
    own = labels(source)
    inside = own[:, [PINET_LABELS.index("upper clothes"), PINET_LABELS.index("pants")]].sum(1) > 0
    assert 0.05 < inside.float().mean() < 0.5
    given = torch.cat([labels(condition), own, heatmaps(source.keypoints, 32, 16, kind="point")], 1)
    with torch.no_grad():
        painted = model.image(condition.image, given).clamp(-1, 1)
    where = inside[:, None].expand_as(made)
    assert torch.equal(made[where], painted[where])
    assert torch.equal(made[~where], source.image[~where])
    other = transfer_texture(model, source, replace(condition, keypoints=None), ("upper clothes", "pants"))
    assert torch.equal(made, other)


def test_what_cannot_be_done_is_said() -> None:
    model, source, condition = PINet(PINetConfig(width=4)).eval(), person(1), person(2)
    with pytest.raises(ValueError, match=r"no label 'uper clothes'.*upper clothes"):
        transfer_texture(model, source, condition, ("uper clothes",))
    with pytest.raises(ValueError, match=r"condition\.parsing; one is missing"):
        transfer_texture(model, source, replace(condition, parsing=None))
    with pytest.raises(ValueError, match=r"needs source\.parsing"):
        transfer_texture(model, replace(source, parsing=None), condition)
    with pytest.raises(ValueError, match="share a canvas"):
        transfer_texture(model, source, person(2, height=64))
    with pytest.raises(ValueError, match="one stage"):
        transfer_texture(PINet(PINetConfig(width=4, stages=1)), source, condition)
