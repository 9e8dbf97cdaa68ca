"""The gallery: lots that nobody looked at, failures that were measured, and no face of a real person."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from repose.cli import app
from repose.data import Store, StoreWriter
from repose.models.base import Output
from repose.person import JOINTS, MIRROR, Person
from repose.pipeline import Model, load
from repose.represent.keypoints import from_skeleton
from repose.research.failures import JudgedPairs, agreed, facing, judge_pairs, lost_limbs, worst_pairs
from repose.research.gallery import contact_sheet, draw_lots, failure_sheet, may_show
from tests import tiny
from tests.estimate import fakes

PEOPLE = 6


def joints(x: float = 4, y: float = 8, tall: float = 110) -> np.ndarray:
    points = fakes.joints(x, y, tall)
    coco = np.concatenate([points, np.ones((17, 1))], 1).astype(np.float32)
    return from_skeleton(torch.from_numpy(coco), "coco17").numpy()


def make(folder: Path, provenance: dict[str, object]) -> Store:
    """People of dots in two pictures each, with a shirt; the shirt of the last one changes its colour."""
    with StoreWriter(folder, 128, 64, "dots", licence="none", provenance=provenance) as writer:
        names = []
        for person in range(PEOPLE):
            for view in range(2):
                keypoints = joints(3 + view, 6 + person)
                image = fakes.draw(64, 128, [fakes.joints(3 + view, 6 + person, 110)])
                parsing = np.zeros((128, 64), np.uint8)
                parsing[40:70, 20:44] = 5
                bare = (parsing == 5) & ~image.any(-1)
                image[bare] = (200, 20, 20) if person == PEOPLE - 1 and view else (60, 90, 120)
                names.append(f"{person}_{view}.png")
                writer.add(names[-1], str(person), image, keypoints, split="test", parsing=parsing)
        pairs = [(names[k], names[k + 1]) for k in range(0, len(names), 2)]
        writer.finish({"test": pairs + [(b, a) for a, b in pairs]})
    return Store.open(folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make(tmp_path_factory.mktemp("gallery") / "rendered", {"renderer": 2})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny.save(tmp_path_factory.mktemp("weights") / "run"))


def judged(store: Store, **values: list[float]) -> JudgedPairs:
    """Numbers as they are wanted; criteria that are not given count nowhere."""
    count = len(store.pairs("test"))
    blank = {name: torch.full((count,), torch.nan, dtype=torch.float64) for name in
             ("limbs", "joints", "side", "colour", "structure")}  # fmt: skip
    given = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
    return JudgedPairs(store, "test", store.pairs("test"), blank | given, None)


def test_lots_are_of_different_people_and_never_change(store: Store) -> None:
    lots = draw_lots(store, "test", 4, seed=3)
    assert lots.shape == (4, 2)
    assert torch.equal(lots, draw_lots(store, "test", 4, seed=3))
    assert torch.equal(lots[:2], draw_lots(store, "test", 2, seed=3)), "fewer people are the first of them"
    assert not torch.equal(lots, draw_lots(store, "test", 4, seed=4))
    who = [store.people[source] for source in lots[:, 0].tolist()]
    assert len(set(who)) == 4
    assert who == [store.people[target] for target in lots[:, 1].tolist()]
    listed = {tuple(pair) for pair in store.pairs("test").tolist()}
    assert {tuple(pair) for pair in lots.tolist()} <= listed
    assert len(draw_lots(store, "test", 99)) == PEOPLE
    with pytest.raises(ValueError, match="at least 1 person"):
        draw_lots(store, "test", 0)


def test_judge_measures_every_pair(store: Store, model: Model) -> None:
    seen: list[tuple[int, int]] = []
    found = judge_pairs(model, store, batch=5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(5, 12), (10, 12), (12, 12)]
    assert found.values["structure"].isfinite().all()
    assert found.values["colour"].isfinite().all()
    assert found.values["joints"].isnan().all(), "nobody looked"
    few = judge_pairs(model, store, limit=3)
    assert few.pairs.tolist() == store.pairs("test")[[0, 4, 8]].tolist()
    assert torch.allclose(few.values["structure"], found.values["structure"][[0, 4, 8]], atol=1e-4)
    line = found.line()
    assert set(line["criteria"]) == {"structure", "colour"}
    assert line["criteria"]["colour"]["worst"] >= line["criteria"]["colour"]["median"]
    assert line["criteria"]["structure"]["worst"] <= line["criteria"]["structure"]["median"]


def test_a_changed_colour_is_the_largest(store: Store, model: Model) -> None:
    found = judge_pairs(painter(model, lambda image: image), store)
    assert {store.people[int(found.pairs[row, 0])] for row in found.values["colour"].topk(2).indices} == {"5"}
    assert found.values["colour"].sort().values[-3] < 1 < 20 < found.values["colour"].sort().values[-2]
    two = found.share("colour").topk(2, largest=False)
    assert two.values.tolist() == pytest.approx([2 / 12] * 2), "there and back they are equally bad"
    assert "colour" not in [failure.criterion for failure in worst_pairs(found, 2)], "so neither is the one worst"
    found.values["colour"][int(two.indices[0])] += 1
    assert worst_pairs(found, 1)[0].criterion == "colour"


def painter(model: Model, paint: Callable[[Tensor], Tensor]) -> Model:
    """A model that makes its picture of the source's alone."""

    class Painter(torch.nn.Module):
        needs = model.generator.needs

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, source: Person, target: Person) -> Output:
            assert source.image is not None
            return Output(paint(source.image))

    return Model("painter", Painter(), model.recipe)  # type: ignore[arg-type]


def test_what_an_estimator_finds(store: Store, model: Model) -> None:
    """The two pictures of one person are a pixel apart."""
    copied = judge_pairs(painter(model, lambda image: image), store, estimator=tiny.Eyes())
    assert copied.estimator == tiny.Eyes().name
    for name, wanted in (("limbs", 0.0), ("joints", 1.0), ("side", 0.0)):
        assert (copied.values[name] == wanted).all(), name
    dark = judge_pairs(
        painter(model, lambda image: torch.full_like(image, -1.0)), store, limit=3, estimator=tiny.Eyes()
    )
    for name, wanted in (("limbs", 1.0), ("joints", 0.0), ("side", 0.0)):
        assert (dark.values[name] == wanted).all(), name


def pose(**moved: tuple[float, float]) -> Tensor:
    out = torch.from_numpy(joints()).clone()
    for name, (x, y) in moved.items():
        out[JOINTS.index(name), :2] += torch.tensor([x, y])
    return out[None]


def test_lost_limbs() -> None:
    seen = pose()
    assert [part.item() for part in lost_limbs(seen, seen)] == [0, 4]
    assert [part.item() for part in lost_limbs(seen[:, list(MIRROR)], seen)] == [0, 4], "of any side"
    far = pose(left_elbow=(40, 0), left_wrist=(40, 0))
    assert [part.item() for part in lost_limbs(far, seen)] == [1, 4]
    half = pose(left_wrist=(40, 0))
    assert lost_limbs(half, seen)[0].item() == 0, "an elbow is an arm"
    gone = seen.clone()
    gone[:, JOINTS.index("left_knee")] = 0
    assert lost_limbs(far, gone)[1].item() == 3, "what the true picture does not show cannot be lost"
    assert [part.item() for part in lost_limbs(torch.zeros_like(seen), seen)] == [4, 4]


def test_an_estimator_that_looks_at_somebody_else_is_not_believed() -> None:
    annotated = pose()
    assert torch.equal(agreed(annotated, annotated), annotated)
    other = annotated.clone()
    other[..., 0] += 30
    assert not agreed(other, annotated).any()
    assert not agreed(annotated[:, list(MIRROR)], annotated)[:, JOINTS.index("left_wrist")].any(), "a back for a front"
    one = pose(left_wrist=(40, 0))
    kept = agreed(one, annotated)
    assert not kept[0, JOINTS.index("left_wrist")].any()
    assert kept[0, JOINTS.index("right_wrist"), 2] == 1


def test_failures_by_turns_and_everybody_once(store: Store) -> None:
    good = [0.9] * 12
    structure = [0.1, *good[:5], 0.15, *good[:5]]  # both are person 0: pairs k and k + 6 are the same two pictures
    failures = worst_pairs(judged(store, structure=structure, colour=[0.0] * 11 + [50.0]), 6)
    who = [store.people[int(store.pairs("test")[failure.row, 0])] for failure in failures]
    assert [failure.criterion for failure in failures] == ["colour", "structure"]
    assert who == ["5", "0"]
    assert failures[0].captions[0] == "colours changed: Delta E 50, among the worst 8.3%"
    assert "mask-SSIM 0.90" in failures[0].captions[1]
    assert failures[1].captions[0].startswith("unlike the target: mask-SSIM 0.10")


def test_captions_say_how_many_are_as_bad(store: Store) -> None:
    assert judged(store, limbs=[1.0] * 4 + [0.5] + [0.0] * 7).share("limbs").tolist() == pytest.approx(
        [4 / 12] * 4 + [5 / 12] + [1.0] * 7
    )
    nobody = float("nan")
    few = judged(store, joints=[0.2, nobody, 0.1, nobody, 0.9, *[nobody] * 7])
    assert few.share("joints")[[0, 2, 4]].tolist() == pytest.approx([2 / 3, 1 / 3, 1.0])
    assert few.share("joints").isnan().sum() == 9
    (one,) = worst_pairs(few)
    assert (one.row, one.captions[0]) == (2, "pose unrecognisable: PCKh 0.10, among the worst 33.3%")
    assert worst_pairs(judged(store, limbs=[1.0] * 4 + [0.0] * 8)) == [], "a third as bad is no worst twentieth"


def test_of_equal_ones_the_less_like_the_target_comes_first(store: Store) -> None:
    values = {name: torch.full((48,), torch.nan, dtype=torch.float64) for name in judged(store).values}
    values["limbs"], values["structure"] = torch.zeros(48).double(), torch.full((48,), 0.1).double()
    values["limbs"][[1, 4]] = 1.0
    values["structure"][[1, 4]] = torch.tensor([0.5, 0.3]).double()
    many = JudgedPairs(store, "test", store.pairs("test").repeat(4, 1), values, None)
    first, second = worst_pairs(many)
    assert (first.row, second.row) == (4, 1)
    assert "among the worst 4.2%" in first.captions[0]
    assert "among the worst 4.2%" in second.captions[0]


def test_who_lost_nothing_has_no_failure(store: Store) -> None:
    assert worst_pairs(judged(store, limbs=[0.0] * 12, side=[0.3] * 11 + [0.1])) == []
    (one,) = worst_pairs(judged(store, side=[0.0] * 11 + [0.8]))
    assert one.captions[0].startswith("taken for the other side: PCKh 0.80 higher exchanged")


def test_sheets_of_rendered_people(store: Store, model: Model) -> None:
    lots = contact_sheet(model, store, draw_lots(store, "test", 3), across=2)
    assert lots.shape[1] > 8 * 64
    assert 2 * 128 < lots.shape[0] < 3 * 128
    found = judge_pairs(model, store)
    failures = worst_pairs(found, 4)
    page = failure_sheet(model, found, failures)
    assert page.shape[1] > 8 * 64
    assert page.shape[0] > 128 * -(-len(failures) // 2) + 40, "captions below"
    with pytest.raises(ValueError, match="no failures to show"):
        failure_sheet(model, found, [])


def test_nobody_real_is_shown(model: Model, tmp_path: Path) -> None:
    photographs = make(tmp_path / "photographs", {"seed": 0})
    assert not may_show(photographs)
    with pytest.raises(ValueError, match="photographs of real people"):
        contact_sheet(model, photographs, draw_lots(photographs))
    found = judge_pairs(model, photographs)
    with pytest.raises(ValueError, match="photographs of real people"):
        failure_sheet(model, found, worst_pairs(found))


def test_the_command(store: Store, tmp_path: Path) -> None:
    run = tiny.save(tmp_path / "run")
    make(tmp_path / "photographs", {"seed": 0})

    def gallery(data: Path, out: str, *words: str) -> str:
        more = ["-d", str(data), "-o", str(tmp_path / out), "--pose", "none", *words]
        done = CliRunner().invoke(app, ["research", "gallery", str(run), *more])
        assert done.exit_code == 0, done.output
        return done.output

    results = ("--results", str(tmp_path / "r.jsonl"))
    gallery(store.folder, "a", *results)
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"run-people.jpg", "run-failures.jpg"}
    assert "no failures" in gallery(store.folder, "a", "--failures", "0")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"run-people.jpg"}, "no sheet of an earlier call"
    assert "numbers only" in gallery(tmp_path / "photographs", "b", *results)
    assert not (tmp_path / "b").exists()
    lines = [json.loads(text) for text in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    assert {"model", "recipe", "weights", "seed", "checksum", "commit", "hardware"} <= lines[0].keys()


def test_facing() -> None:
    front = pose()[0]
    right, left = JOINTS.index("right_shoulder"), JOINTS.index("left_shoulder")
    front[right, 0], front[left, 0] = 10, 50
    assert facing(front) == "front"
    back = front.clone()
    back[right, 0], back[left, 0] = 50, 10
    assert facing(back) == "back"
    side = front.clone()
    side[left, 0] = 12
    assert facing(side) == "side"
    side[left] = 0
    assert facing(side) == "unclear"
