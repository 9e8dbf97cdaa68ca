"""PINet's recipes against the numbers of text and released code."""

from typing import Any

import pytest

from repose.models import build_generator, build_objective, recipe
from repose.models.base import Progress
from repose.recipes import override, to_dict


def test_lengths() -> None:
    official, paper = recipe("pinet-fashion"), recipe("pinet-paper")
    assert round(official.images / official.data.batch) == 466_667
    assert (official.schedule.hold, official.images) == (500 * 4_000, 700 * 4_000)
    assert paper.images / paper.data.batch == 210_000
    assert paper.schedule.hold / paper.data.batch == 120_000 + 50_000
    objective = build_objective(paper)
    names = [objective.phases(Progress(6 * step, paper.images))[0].name for step in (59_999, 60_000, 119_999, 120_000)]
    assert names == ["parsing", "image", "image", "joint"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("pinet-one-vanilla", {"stages": 1, "gated": False}),
        ("pinet-two-vanilla", {"stages": 2, "gated": False}),
        ("pinet-one-gated", {"stages": 1, "gated": True}),
        ("pinet-without-adversarial", {"stages": 2, "gated": True}),
    ],
)
def test_ablations(name: str, changes: dict[str, Any]) -> None:
    made, full = recipe(name), recipe("pinet-paper")
    network = to_dict(full)["network"] | changes
    assert to_dict(made)["network"] == network
    adversarial = name != "pinet-without-adversarial"
    assert (made.objective.weight_adversarial > 0) is adversarial
    assert made.images == (full.images if made.network.stages == 2 else 150_000 * 6)
    objective = build_objective(made)
    phases = objective.phases(Progress(made.images - 1, made.images))
    assert len(phases) == (3 if adversarial else 1)


def test_small_is_small_and_has_its_ablations_by_words() -> None:
    made = recipe("pinet-s")
    model = build_generator(made)
    assert sum(p.numel() for p in model.parameters()) < 1.5e6
    assert (128 % model.needs.multiple, 88 % model.needs.multiple) == (0, 0)
    plain = build_generator(override(made, ["network.gated=false"]))
    assert sum(p.numel() for p in plain.parameters()) < 0.6 * sum(p.numel() for p in model.parameters())
    one = override(made, ["network.stages=1", "objective.alone=[0,0]"])
    assert build_generator(one).needs.source == ("image", "keypoints")
    assert build_objective(one).phases(Progress(0, 1))[0].name == "joint-plain"
