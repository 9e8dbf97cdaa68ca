"""The network by label maps (section 4.5.1): 16 binary parts in place of 18 joints, and `guided`."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from repose.models import recipe
from repose.models.multiscale.inspect import panels
from repose.models.multiscale.network import MultiScale, MultiScaleConfig
from repose.person import LIP_LABELS, Person
from repose.represent.label_tables import SIDES, find_table
from repose.represent.parsing import INSHOP_LABELS, first_picture, part_maps
from tests.contract.checks import person, settle

TINY = MultiScaleConfig(width=4, levels=2, tail=1, pose="parsing")
GUIDED = replace(TINY, guided=True)


def test_every_pixel_is_of_one_part_by_name() -> None:
    parsing = torch.arange(len(LIP_LABELS)).repeat(2, 1)[:, None]  # (2, 1, 20)
    maps = part_maps(parsing)
    assert maps.shape == (2, 16, 1, 20)
    assert set(maps.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(maps.sum(1), torch.ones(2, 1, 20))
    part = {name: INSHOP_LABELS[int(maps[0, :, 0, k].argmax())] for k, name in enumerate(LIP_LABELS)}
    assert part["background"] == "background"
    assert (part["upper clothes"], part["coat"], part["pants"]) == ("top", "outer", "pants")
    assert part["left arm"] == part["right arm"] == part["left leg"] == "skin"
    assert part["left shoe"] == part["right shoe"] == "footwear"
    with pytest.raises(ValueError, match="labels 21 to 21"):
        part_maps(torch.full((1, 4, 4), 21))


def test_labels_of_deepfashion_in_shop_come_back_as_their_own_parts() -> None:
    """By the table that docs/reconstruct.md gives; LIP has no bag and no belt."""
    text = (Path(__file__).parents[3] / "docs" / "reconstruct.md").read_text()
    (words,) = re.findall(r'--labels "(.+?)"', text)
    table = find_table(words)
    assert len(table.labels) == len(INSHOP_LABELS)
    lip = torch.tensor([LIP_LABELS.index(SIDES[name][0] if name in SIDES else name) for name in table.meanings])
    parts = [INSHOP_LABELS[int(k)] for k in part_maps(lip[None]).argmax(0)[0]]
    lost = {"bag": "background", "belt": "pants"}
    assert parts == [lost.get(name, name) for name in INSHOP_LABELS]


def test_it_reads_labels_and_no_joints() -> None:
    network = MultiScale(TINY)
    assert network.needs.source == ("image", "parsing")
    assert network.needs.target == ("parsing",)
    source, target = person(2, 1).only("image", "parsing"), person(2, 2).only("parsing")
    image, maps = network.encode(source, target)
    assert torch.equal(image, source.image)
    assert torch.equal(maps[:, :16], part_maps(source.parsing))  # source first
    assert torch.equal(maps[:, 16:], part_maps(target.parsing))
    assert network(source, target).image.shape == source.image.shape
    with pytest.raises(ValueError, match=r"target\.parsing, which is missing"):
        network(source, person(2, 2).only("keypoints"))


@pytest.mark.parametrize("links", ["full", "none", "lowest", "highest"])
@pytest.mark.parametrize("config", [TINY, GUIDED, replace(GUIDED, fold=True)], ids=["plain", "guided", "folded"])
def test_every_parameter_gets_a_gradient(config: MultiScaleConfig, links: str) -> None:
    torch.manual_seed(0)
    network = MultiScale(replace(config, links=links))
    source, target = person(2, 1), person(2, 2)
    (network(source, target).image - target.image).abs().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()] == []


def test_the_first_picture_by_hand() -> None:
    """Two parts in a row of four pixels: the second moves, the third is not in the source."""
    image = torch.tensor([0.2, 0.4, -0.6, -0.8]).expand(1, 3, 1, 4)
    source = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]).float()[None, :, None]
    target = torch.tensor([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]).float()[None, :, None]
    # stays (own colour), mean of the second part, stays, unknown
    wanted = torch.tensor([0.2, -0.7, -0.6, 0.0]).expand(1, 3, 1, 4)
    torch.testing.assert_close(first_picture(image, source, target), wanted)
    torch.testing.assert_close(first_picture(image, source, source), image)


def test_guided_sees_the_first_picture() -> None:
    network = MultiScale(GUIDED).eval()
    source, target = person(1, 1), person(1, 2)
    image, maps, first = network.encode(source, target)
    torch.testing.assert_close(first, first_picture(image, maps[:, :16], maps[:, 16:]))
    with torch.no_grad():
        one, other = network.synthesise(image, maps, first).image, network.synthesise(image, maps, -first).image
    assert not torch.equal(one, other)
    with pytest.raises(ValueError, match="guided needs pose='parsing', a label map, not 'point'"):
        MultiScale(MultiScaleConfig(guided=True))


def test_what_guided_gives_is_added_to_the_first_picture() -> None:
    network = MultiScale(GUIDED).eval()
    torch.nn.init.zeros_(network.to_image.weight)
    image, maps, first = network.encode(person(1, 1), person(1, 2))
    with torch.no_grad():
        result = network.synthesise(image, maps, first).image
    torch.testing.assert_close(result, first.clamp(-0.9, 0.9))


def test_guided_is_captured_whole() -> None:
    torch.compiler.reset()
    network = settle(MultiScale(GUIDED))
    inputs = network.encode(person(2, 1), person(2, 2))
    with torch.no_grad():
        eager = network.synthesise(*inputs).image
        lowered = torch.compile(network.synthesise, backend="aot_eager", fullgraph=True)(*inputs).image
    torch.testing.assert_close(lowered, eager, rtol=0, atol=1e-4)


def test_its_masks_are_drawn() -> None:
    network = settle(MultiScale(GUIDED))
    with torch.inference_mode():
        shown = panels(network, person(1, 1), person(1, 2))
    assert [panel.name for panel in shown] == ["masks", "channels"]


def test_it_learns_to_follow_the_target_s_map() -> None:
    """Two layouts of one source, in fixed colours: after a few steps each picture is nearer to its own layout."""
    torch.manual_seed(0)
    network = MultiScale(replace(GUIDED, width=8, fold=True))
    parsing = torch.zeros(2, 32, 32, dtype=torch.int64)
    parsing[0, 4:28, 4:14] = LIP_LABELS.index("upper clothes")
    parsing[1, 4:28, 18:28] = LIP_LABELS.index("upper clothes")
    pictures = torch.where(parsing[:, None] > 0, 0.8, -0.8).expand(2, 3, 32, 32).contiguous()
    source = Person(image=pictures[:1].repeat(2, 1, 1, 1), parsing=parsing[:1].repeat(2, 1, 1))
    target = Person(parsing=parsing)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(40):
        error = (network(source, target).image - pictures).abs().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    assert error < 0.2
    image = network(source, target).image
    assert (image[1] - pictures[1]).abs().mean() < 0.3 * (image[1] - pictures[0]).abs().mean()


def test_the_recipes_are_those_of_the_text() -> None:
    paper, official, small = (
        recipe("multiscale-parsing-fashion"),
        recipe("multiscale-fashion"),
        recipe("multiscale-parsing-s"),
    )
    assert paper.images == 65_000 * 8
    assert paper.data.batch == 8
    assert paper.network == replace(official.network, pose="parsing")
    assert paper.objective == official.objective
    assert paper.generator_optimiser == official.generator_optimiser
    with torch.device("meta"):
        generator = MultiScale(paper.network)
    # four channels less in the first convolution of the pose encoder than the published 90,172,928
    assert sum(p.numel() for p in generator.parameters()) == 90_172_928 - 4 * 64 * 9
    assert small.network.pose == "parsing"
    assert small.network.guided
