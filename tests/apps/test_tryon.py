"""Try-on by appearance flow, its ways, and the protocol that compares them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import repose.apps
from repose.apps.clothes.flow import FIRST, FlowTryOn, frontal
from repose.apps.clothes.laying import Cloth, fitting
from repose.apps.clothes.wearing import WAYS, Settings, load_flow, on_canvas
from repose.apps.garments import Garment
from repose.models.garment.network import GarmentFlow
from repose.person import JOINTS, Person
from repose.pipeline import Model, load
from repose.render import SyntheticUnavailable
from repose.represent.canvas import canvas, to_uint8
from repose.research.tryon import COLUMNS, copied_garment, copied_source, mean_colour, score_ways, tryon_table
from repose.research.wardrobe import SEED, Exchange, render_exchanges
from tests import tiny
from tests.apps.dressed import BLUE, GREEN, RED, dressed, inner, label, outer

SHIRT = Garment("shirt", ("upper clothes",))


@pytest.fixture(scope="module")
def model() -> Model:
    return load("default")


@pytest.fixture(scope="module")
def network() -> GarmentFlow:
    return load_flow()


def known(source: Person, garment: Person) -> dict[str, Any]:
    return {
        "source_keypoints": Person(keypoints=source.keypoints, size=source.size),
        "garment_keypoints": Person(keypoints=garment.keypoints, size=garment.size),
        "source_parsing": source.parsing,
        "garment_parsing": garment.parsing,
        "mask": None,
    }


def pixels(person: Person) -> np.ndarray:
    assert person.image is not None
    return to_uint8(person.image)


@pytest.mark.parametrize("first", FIRST)
def test_a_red_shirt_becomes_blue_and_the_rest_stays(model: Model, first: str) -> None:
    source, other = dressed(0, RED), dressed(3, BLUE)
    result = repose.apps.tryon(
        pixels(source), pixels(other), model=model, first=first, cut="own", shading=0, **known(source, other)
    )
    shirt = label(source, "upper clothes")
    wanted = (torch.tensor(BLUE) + 1) * 127.5
    assert (torch.from_numpy(result)[inner(shirt)].float() - wanted).abs().mean() < 15
    away = outer(shirt).numpy()
    np.testing.assert_array_equal(result[away], pixels(source)[away])


def test_wrong_words_are_told_before_the_work(model: Model) -> None:
    for words, said in (
        ({"way": "flwo"}, "did you mean 'flow'"),
        ({"first": "front"}, "did you mean 'frontal'"),
        ({"cut": "owm"}, "did you mean 'own'"),
        ({"labels": "dres"}, "did you mean 'dress'"),
        ({"shading": -1}, "shading is 0 to 1"),
    ):
        with pytest.raises(ValueError, match=said):
            repose.apps.tryon("none.jpg", "none.jpg", **words)
    source, other = dressed(0, RED), dressed(3, None)
    with pytest.raises(ValueError, match="the garment's person wears no shirt"):
        repose.apps.tryon(pixels(source), pixels(other), model=model, **known(source, other))


def test_weights_of_another_model_are_an_error(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="is a patn, not an appearance flow network"):
        load_flow(tiny.save(tmp_path / "run"))


def test_the_flow_lays_a_garment_into_an_outline(network: GarmentFlow, model: Model) -> None:
    """A square of cloth lands in another square: the flow there points into the garment."""
    put_on = FlowTryOn(network, model)
    mask = torch.zeros(1, 256, 176)
    mask[:, 40:140, 20:90] = 1
    region = torch.zeros(256, 176, dtype=torch.bool)
    region[90:220, 70:150] = True
    flow = put_on.flow(Cloth(torch.zeros(3, 256, 176), mask), region)
    assert flow.shape == (1, 2, 256, 176)
    x, y = (flow[0, 0] + 1) * 88, (flow[0, 1] + 1) * 128
    inside = (x > 20) & (x < 90) & (y > 40) & (y < 140)
    assert inside[region].float().mean() > 0.9
    assert y[100, 110] < y[200, 110]


def test_what_the_first_step_covers_stays(network: GarmentFlow, model: Model) -> None:
    source, other = dressed(0, RED), dressed(3, BLUE)
    into = fitting(model, source)
    kept = FlowTryOn(network, model).steps(into, other, SHIRT)
    moved = FlowTryOn(network, model, keep=False).steps(into, other, SHIRT)
    assert kept is not None
    assert moved is not None
    covered = kept.first.mask[0] > 0.5
    assert bool(covered.any())
    assert torch.equal(kept.second.colours[:, covered], kept.first.colours[:, covered])
    assert not torch.equal(moved.second.colours[:, covered], moved.first.colours[:, covered])
    assert FlowTryOn(network, model).steps(into, other, Garment("hat", ("hat",))) is None


def test_the_frontal_pose_hides_no_limb() -> None:
    joints = frontal(canvas("fashion")).keypoints
    assert joints is not None
    at = {name: joints[k, :2] for k, name in enumerate(JOINTS)}
    assert at["right_wrist"][0] < at["right_hip"][0] < at["left_hip"][0] < at["left_wrist"][0]
    assert at["nose"][1] < at["neck"][1] < at["left_hip"][1] < at["left_knee"][1] < at["left_ankle"][1]
    assert joints[:, 0].min() >= 0
    assert joints[:, 0].max() < 176


def test_a_way_of_a_canvas_comes_back_into_the_photograph(model: Model) -> None:
    """Whatever knows (source, garment, labels, model) on the canvas becomes a way."""
    source, other = dressed(0, RED), dressed(3, BLUE)
    assert source.image is not None

    def green(one: Person, garment: Person, labels: tuple[str, ...], model: Model) -> torch.Tensor:
        assert one.image is not None
        assert labels == ("upper clothes",)
        return torch.where(label(one, labels[0]), torch.tensor(GREEN).view(3, 1, 1), one.image)

    put_on = on_canvas(green, Settings.loaded)(Settings(model))
    result = put_on(source, other, [SHIRT])
    shirt = label(source, "upper clothes")
    assert (result[:, inner(shirt)] - torch.tensor(GREEN)[:, None]).abs().max() < 0.2
    assert torch.equal(result[:, outer(shirt)], source.image[:, outer(shirt)])
    assert set(WAYS) >= {"flow", "texture"}


# -- the protocol ---------------------------------------------------------------------------------------------------


def exchange(garment: str = "shirt") -> Exchange:
    source, owner = dressed(0, RED), dressed(3, BLUE)
    return Exchange(garment, "upper clothes", (0, 1), source, owner, dressed(0, BLUE))


def test_the_truth_scores_best_and_the_copied_source_as_it_must() -> None:
    exchanges = [exchange(), exchange("trousers")]
    true = exchanges[0].true.image
    assert true is not None

    def truth(source: Person, garment: Person, labels: tuple[str, ...]) -> torch.Tensor:
        return true

    ways = {"truth": truth, "source": copied_source, "mean": mean_colour, "garment": copied_garment}
    scores = score_ways(exchanges, ways)
    rows = {row.way: row.values for row in scores.rows if row.garment == "all"}
    assert list(rows["truth"]) == list(COLUMNS)
    assert rows["truth"]["ssim"] == pytest.approx(1)
    assert rows["truth"]["garment"] == rows["truth"]["outside"] == rows["truth"]["worse"] == 0
    off = np.abs(np.array(RED) - np.array(BLUE)).mean() * 127.5
    assert rows["source"]["garment"] == pytest.approx(off, rel=1e-3)
    assert rows["source"]["worse"] == 0
    assert rows["mean"]["garment"] < 2, "plain cloth is its mean colour"
    assert rows["garment"]["garment"] < 0.5 * off
    assert {row.garment for row in scores.rows} == {"shirt", "trousers", "all"}
    stamp = {"commit": "abc", "hardware": "two cores"}
    table = tryon_table([{**line, **stamp} for line in scores.lines()])
    assert "| all, 2 | truth | 1.000 |" in table
    assert scores.sheet([0], ["truth"]).width > 4 * 64
    with pytest.raises(ValueError, match="hold no line"):
        tryon_table([])
    with pytest.raises(ValueError, match="the way 'small' gave"):
        score_ways(exchanges, {"small": lambda source, garment, labels: torch.zeros(3, 4, 4)})


def test_rendered_people_put_on_each_others_shirts() -> None:
    pytest.importorskip("moderngl", reason="the synthetic people need moderngl")
    try:
        (one,) = render_exchanges(canvas("market"), {"shirt": 1})
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    assert SEED > 1_000_000
    source, owner, true = one.source, one.owner, one.true
    for person in (source, owner, true):
        assert label(person, "upper clothes").float().mean() > 0.02
    assert source.image is not None
    assert owner.image is not None
    assert true.image is not None
    assert torch.equal(source.keypoints[:, :2], true.keypoints[:, :2])  # type: ignore[index]
    changed = label(source, "upper clothes") | label(true, "upper clothes")
    off = (source.image - true.image).abs().mean(0)
    assert off[outer(changed, 1)].mean() < 0.02 < 0.2 < off[inner(label(true, "upper clothes"))].mean()
    colours = [p.image[:, inner(label(p, "upper clothes"))].mean(1) for p in (source, owner, true)]  # type: ignore[index]
    assert (colours[2] - colours[1]).abs().mean() < 0.5 * (colours[2] - colours[0]).abs().mean()
