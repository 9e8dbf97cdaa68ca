"""What is drawn of Carry is what it did: the parts make the picture, and the truth is that of IUV."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from repose.draw.panels import Panel
from repose.models.carry.inspect import panels
from repose.models.carry.network import Carry, CarryConfig
from repose.person import Person
from tests.contract.checks import person

TINY = CarryConfig(width=8, depth=1, match=8, heads=2, height=64)


def drawn(config: CarryConfig, source: Person, target: Person) -> dict[str, Panel]:
    torch.manual_seed(0)
    network = Carry(config).eval()
    with torch.inference_mode():
        return {panel.name: panel for panel in panels(network, source, target)}


def cells(panel: Panel, count: int, height: int, width: int) -> list[np.ndarray]:
    """The pictures of a grid of one row with names above, 6 pixels apart; at their own size."""
    times = round(256 / height)
    size = (times * height, times * width)
    bottom = panel.image.shape[0] - 6
    row = panel.image[bottom - size[0] : bottom]
    return [row[::times, at : at + size[1] : times] for at in (6 + k * (size[1] + 6) for k in range(count))]


def test_the_parts_make_the_picture() -> None:
    source, target = person(1, 1), person(1, 2)
    torch.manual_seed(0)
    network = Carry(TINY).eval()
    with torch.inference_mode():
        output = network(source, target)
        panel = next(one for one in panels(network, source, target) if one.name == "composition")
    assert not network.to_picture._forward_hooks, "nothing is left on the network"
    carried, _, synthesised, made, _ = (cell.astype(float) for cell in cells(panel, 5, 64, 32))
    share = output.extra["mask"][0, 0].numpy()[..., None]
    assert np.abs(share * carried + (1 - share) * synthesised - made).max() <= 1.01
    wanted = (output.image[0].clamp(-1, 1).numpy().transpose(1, 2, 0) + 1) * 127.5
    assert np.abs(made - wanted).max() <= 0.51


def test_the_true_flow_of_a_person_who_does_not_move_is_the_key() -> None:
    one = person(1, 1)
    y, x = torch.meshgrid(torch.arange(64) / 63, torch.arange(32) / 31, indexing="ij")
    iuv = torch.stack([torch.ones_like(x), x, y])[None]  # one part over the whole picture: nothing is ambiguous
    iuv[:, :, :, 20:] = 0
    still = replace(one, iuv=iuv)
    found = drawn(TINY, still, still)
    _, places, _, _ = cells(found["flow"], 4, 64, 32)
    true, _, _, seen, _ = cells(found["truth"], 5, 64, 32)
    assert (true[:, 20:] == 208).all(), "beside the person there is no truth"
    assert (seen[:, 20:] == 208).all()
    assert len(np.unique(seen[:, :20].reshape(-1, 3), axis=0)) == 1, "every point of the figure is seen"
    from repose.draw.panels import flow_key

    difference = np.abs(true[:, :20].astype(int) - flow_key(64, 32)[:, :20].astype(int)).max(-1)
    assert np.median(difference) < 6, "right to a cell of the surface"
    assert places.shape == (64, 32, 3)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (TINY, {"search", "flow", "composition", "truth", "person"}),
        (replace(TINY, carry=False), {"search", "person"}),
        (replace(TINY, carry=False, attend=False), {"person"}),
    ],
)
def test_variants_show_what_they_have(config: CarryConfig, names: set[str]) -> None:
    assert drawn(config, person(1, 1), person(1, 2)).keys() == names
    bare = drawn(config, person(1, 1).only("image", "keypoints"), person(1, 2).only("keypoints"))
    assert bare.keys() == names - {"truth"}


def test_larger_pictures_are_shown_at_the_working_size() -> None:
    large = drawn(TINY, person(1, 1, 128, 64), person(1, 2, 128, 64))
    small = drawn(TINY, person(1, 1, 64, 32), person(1, 2, 64, 32))
    for name in ("search", "flow", "composition", "person"):
        assert large[name].image.shape == small[name].image.shape


def test_missing_joints_are_not_searched() -> None:
    source, target = person(1, 1), person(1, 2)
    whole = drawn(TINY, source, target)["search"].image.shape[1]
    assert target.keypoints is not None
    joints = target.keypoints.clone()
    joints[:, 0] = 0  # the nose
    assert drawn(TINY, source, replace(target, keypoints=joints))["search"].image.shape[1] < whole
