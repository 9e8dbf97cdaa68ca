"""The flow network: its masks, its sampling layer, its start, and what a pixel's flow depends on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from repose.models import recipe
from repose.models.garment.network import GarmentConfig, GarmentFlow, aligned, on_white
from repose.person import LIP_LABELS, Person
from repose.recipes import RecipeError, override
from repose.represent.flow import at_rest, warp
from tests.models.garment.people import Laid, true_flow, wearing

TINY = GarmentConfig(width=4, downs=2, blocks=1)


def network(config: GarmentConfig = TINY) -> GarmentFlow:
    torch.manual_seed(0)
    return GarmentFlow(config).eval()


def box(height: int, width: int, top: int, left: int, tall: int, wide: int) -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., top : top + tall, left : left + wide] = 1
    return mask


# -- which garment --------------------------------------------------------------------------------------------------


def test_the_mask_is_of_the_named_labels() -> None:
    parsing = torch.arange(20).reshape(1, 4, 5)
    upper = network().mask(Person(parsing=parsing))
    assert upper.shape == (1, 1, 4, 5)
    assert [LIP_LABELS[k] for k in parsing[upper[:, 0] > 0]] == ["upper clothes", "dress", "coat", "jumpsuits"]
    skirt = network(replace(TINY, labels=("skirt",))).mask(Person(parsing=parsing))
    assert parsing[skirt[:, 0] > 0].tolist() == [LIP_LABELS.index("skirt")]
    with pytest.raises(ValueError, match="needs parsing"):
        network().mask(Person(size=(4, 5)))


def test_labels_are_names_and_a_wrong_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="'upper cloths'; did you mean 'upper clothes'"):
        GarmentConfig(labels=("coat", "upper cloths"))
    with pytest.raises(ValueError, match="no label of a garment is called 'background'"):
        GarmentConfig(labels=("background",))
    with pytest.raises(ValueError, match="at least one label"):
        GarmentConfig(labels=())
    with pytest.raises(ValueError, match="width and downs"):
        GarmentConfig(downs=0)
    with pytest.raises(RecipeError, match=r"^network\.labels: .* did you mean 'skirt'"):
        override(recipe("garment-s"), ['network.labels=["skrt"]'])
    assert override(recipe("garment-s"), ['network.labels=["skirt"]']).network.labels == ("skirt",)


# -- the start ------------------------------------------------------------------------------------------------------


def test_aligned_lays_one_mask_on_the_other() -> None:
    """The same box elsewhere: a shift, exact; twice as large: every edge on its edge within half a pixel."""
    source = box(64, 48, 8, 4, 20, 12)
    flow = aligned(source, box(64, 48, 30, 20, 20, 12))
    shift = torch.tensor([-16 * 2 / 48, -22 * 2 / 64]).view(1, 2, 1, 1)
    torch.testing.assert_close(flow, at_rest(source) + shift)
    large = box(64, 48, 16, 10, 40, 24)
    inside = warp(source, aligned(source, large)) * large
    assert inside.mean() / large.mean() > 0.95
    rows = ((aligned(source, large)[0, 1] + 1) * 64 - 1) / 2  # in pixels
    assert rows[16, 20] == pytest.approx(8 - 0.25, abs=0.25)
    assert rows[55, 20] == pytest.approx(27 + 0.25, abs=0.25)


def test_an_empty_mask_leaves_the_flow_at_rest() -> None:
    some, none = box(16, 16, 2, 2, 4, 4), torch.zeros(1, 1, 16, 16)
    for pair in ((some, none), (none, some), (none, none)):
        torch.testing.assert_close(aligned(*pair), at_rest(some))
    both = aligned(torch.cat([some, some]), torch.cat([none, box(16, 16, 3, 2, 4, 4)]))
    torch.testing.assert_close(both[:1], at_rest(some))
    assert (both[1:] - at_rest(some)).abs().max() == pytest.approx(2 / 16)


@pytest.mark.parametrize("stem", ["full", "half"])
@pytest.mark.parametrize("start", ["identity", "aligned"])
def test_a_fresh_network_is_nearly_at_its_start(stem: str, start: str) -> None:
    source, target = Laid(20, 30, 20, 30), Laid(28, 36, 20, 30)
    people = [wearing(laid, 64, 48).batch() for laid in (source, target)]
    output = network(replace(TINY, stem=stem, start=start))(*people)  # type: ignore[arg-type]
    rest = at_rest(output.image) if start == "identity" else true_flow(source, target, 64, 48)[None]
    off = (output.extra["flow"] - rest) * torch.tensor([24.0, 32.0]).view(1, 2, 1, 1)  # in pixels
    assert 0 < off.abs().max() < 1


# -- the whole ------------------------------------------------------------------------------------------------------


def test_the_true_flow_gives_the_true_garment(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = Laid(22, 28, 24, 30, -10), Laid(26, 36, 20, 36, 15)
    here, there = (wearing(laid, 64, 48).batch() for laid in (source, target))
    still = network()
    torch.nn.init.zeros_(still.last.weight)
    monkeypatch.setattr(still, "_start", lambda *masks: true_flow(source, target, 64, 48)[None])
    output = still(here, there)
    assert there.image is not None
    mask = output.extra["garment_mask"]
    torch.testing.assert_close(mask, still.mask(there))
    off = (output.image - on_white(there.image, mask)).abs().mean(1, keepdim=True)
    sure = (output.extra["inside"] == 1) & (mask == 1)  # at the seam white is mixed in
    assert sure.sum() > 0.85 * mask.sum()
    assert off[sure].max() < 0.02
    assert (output.image[~mask.bool().expand(-1, 3, -1, -1)] == 1).all()


@torch.no_grad()
def test_nothing_but_the_garment_is_seen() -> None:
    laid, model = Laid(22, 28, 24, 30), network()
    target = wearing(Laid(26, 36, 20, 36), 64, 48).batch()
    image = model(wearing(laid, 64, 48, ground=-0.5).batch(), target).image
    assert torch.equal(image, model(wearing(laid, 64, 48, ground=0.9).batch(), target).image)


@torch.no_grad()
def test_inside_tells_the_share_that_comes_from_the_garment() -> None:
    """At rest, of a box moved by half its width half is inside."""
    still = network()
    torch.nn.init.zeros_(still.last.weight)
    output = still.synthesise(torch.rand(1, 3, 64, 48), box(64, 48, 20, 10, 16, 16), box(64, 48, 20, 18, 16, 16))
    mask = output.extra["garment_mask"]
    assert float((output.extra["inside"] * mask).sum() / mask.sum()) == pytest.approx(0.5, abs=1e-5)


def test_a_pixels_flow_depends_on_the_masks_as_a_whole() -> None:
    """Of the small network, the middle pixel's flow sees the masks up to the corners of its canvas."""
    model = network(replace(recipe("garment-s").network, start="identity"))  # the aligned start sees all by itself
    torch.manual_seed(0)
    garment, source, target = (torch.rand(1, channels, 128, 88, dtype=torch.float64) for channels in (3, 1, 1))
    model.double().synthesise(garment, source, target.requires_grad_()).extra["flow"][0, :, 64, 44].sum().backward()  # type: ignore[no-untyped-call]
    assert target.grad is not None
    for row in (slice(0, 2), slice(-2, None)):
        for column in (slice(0, 2), slice(-2, None)):
            assert target.grad[0, 0, row, column].abs().max() > 0


@pytest.mark.parametrize(("name", "parameters"), [("garment", 17_292_002), ("garment-s", 1_068_482)])
def test_sizes(name: str, parameters: int) -> None:
    made = recipe(name)
    with torch.device("meta"):
        model = GarmentFlow(made.network)
    assert sum(weight.numel() for weight in model.parameters()) == parameters
    assert model.needs.source == ("image", "parsing")
    assert model.needs.target == ("parsing",)
    assert model.needs.multiple == {"garment": 16, "garment-s": 8}[name]
