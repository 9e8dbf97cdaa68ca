"""What is drawn of APATN is what it computes."""

from dataclasses import replace

import pytest
import torch

from repose.models.apatn.inspect import inside, panels, walk
from repose.models.apatn.network import APATN, APATNConfig
from repose.person import Person
from tests import tiny

CONFIG = APATNConfig(width=4, blocks=3, dropout=0.0, pose="gaussian")


@pytest.fixture
def model() -> APATN:
    torch.manual_seed(0)
    return APATN(CONFIG).eval()


def pair() -> tuple[Person, Person]:
    return tiny.people(1, 64, 32, 1), tiny.people(1, 64, 32, 2)


@torch.inference_mode()
def test_the_walk_ends_at_the_picture_and_every_place_takes_one_whole(model: APATN) -> None:
    source, target = pair()
    made, alignments = walk(model, source, target)
    assert len(made) == 4
    assert torch.equal(made[-1], model(source, target).image[0])
    assert [alignment.shape for alignment in alignments] == [(16, 8, 16, 8)] * 3
    for alignment in alignments:
        torch.testing.assert_close(alignment.sum((2, 3)), torch.ones(16, 8))


@torch.inference_mode()
def test_panels(model: APATN) -> None:
    found = {panel.name: panel for panel in panels(model, *pair())}
    assert list(found) == ["masks", "joints", "steps"]
    assert "its joints, for want of a mask" in found["masks"].caption
    source, target = pair()
    nobody = replace(source, keypoints=torch.zeros(1, 18, 3))
    assert [panel.name for panel in panels(model, nobody, target)] == ["masks", "steps"]


@torch.inference_mode()
def test_the_mask_chooses_whose_attention_is_shown(model: APATN) -> None:
    source, target = pair()
    upper = torch.zeros(1, 1, 64, 32)
    upper[:, :, :20] = 1
    masked, other = replace(target, mask=upper), replace(target, mask=1 - upper)
    one, two = (panels(model, source, person)[0] for person in (masked, other))
    assert "its mask" in one.caption
    assert (one.image != two.image).any()
    assert torch.equal(inside(masked)[0], upper[0, 0])
    parsing = torch.zeros(1, 64, 32, dtype=torch.int64)
    parsing[:, 5:9] = 3
    assert inside(replace(target, parsing=parsing))[0].sum() == 4 * 32
