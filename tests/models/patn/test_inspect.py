"""What is drawn of PATN is what it computes."""

import pytest
import torch

from repose.models.patn.inspect import panels, pictures
from repose.models.patn.network import PATNConfig, PATNGenerator
from tests import tiny


@torch.inference_mode()
@pytest.mark.parametrize("block", ["patb", "patb-without-add", "patb-without-cat", "resnet"])
def test_the_last_step_is_the_picture_and_only_resnet_has_no_masks(block: str) -> None:
    torch.manual_seed(0)
    model = PATNGenerator(PATNConfig(width=4, blocks=3, block=block, dropout=0.0)).eval()  # type: ignore[arg-type]
    source, target = tiny.people(1, 64, 32, 1), tiny.people(1, 64, 32, 2)
    made = pictures(model, source, target)
    assert len(made) == 4
    assert torch.equal(made[-1], model(source, target).image[0])
    assert not torch.equal(made[0], made[-1])
    names = [panel.name for panel in panels(model, source, target)]
    assert names == (["steps"] if block == "resnet" else ["masks", "steps"])
