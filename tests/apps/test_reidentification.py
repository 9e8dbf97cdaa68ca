"""`repose.apps.reid`: reduced sets, generated pictures, classifiers and the ranking, with a tiny model and backbone."""

import json
import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

import repose.apps
from repose.apps.reidentification import run
from repose.apps.reidentification.augment import GeneratedPictures
from repose.apps.reidentification.classifier import Backbone, LightBackbone, build_backbone
from repose.apps.reidentification.measure import gallery
from repose.apps.reidentification.reduce import additions, kept_pictures, replacements
from repose.apps.reidentification.run import LINES
from repose.apps.reidentification.settings import ReidSettings
from repose.apps.reidentification.table import PUBLISHED, reid_table, short_table
from repose.apps.reidentification.train import TrainSettings
from repose.cli import app
from repose.data import Store, StoreWriter
from repose.losses.circle import circle_loss
from repose.metrics.functional.reidentification import Ranking, market_ranking
from repose.nn.mobilenet import mobilenet_v2
from tests import tiny
from tests.metrics.stores import figure

PEOPLE = [person for person, count in (("a", 1), ("b", 7), ("c", 20), ("d", 12)) for _ in range(count)]


# -- the ranking ----------------------------------------------------------------------------------------------------

GALLERY = torch.tensor([[1, 1], [-1, 3], [2, 2], [1, 2], [0, 4], [1, 3], [3, 1]])
"""Person and camera: a picture of person 1 from the query's camera, junk, person 2, ... , a distractor."""


def ranked(orders: list[list[int]], queries: list[list[int]], **options: str) -> Ranking:
    """The ranking of queries (person, camera) that see the gallery in these orders."""
    similarity = torch.zeros(len(orders), len(GALLERY))
    for row, order in enumerate(orders):
        similarity[row, order] = torch.linspace(1, 0, len(order))
    people, cameras = torch.tensor(queries).T
    return market_ranking(similarity, people, cameras, *GALLERY.T, **options)


def test_a_ranking_by_hand() -> None:
    orders = [[0, 1, 2, 3, 4, 5, 6], [2, 0, 1, 3, 4, 5, 6], [6, 0, 1, 2, 3, 4, 5]]
    queries = [[1, 1], [2, 1], [3, 1]]
    result = ranked(orders, queries)
    # query 1: the same camera and junk are left out; then wrong, RIGHT, distractor, RIGHT, wrong: (1/2 + 2/4) / 2
    # query 2: right at once: 1. Query 3: its person is there from its own camera only, so it does not count
    assert result.queries == 2
    assert result.mean_average_precision == pytest.approx((0.5 + 1) / 2)
    assert result.ranks == {1: 0.5, 5: 1.0, 10: 1.0}


def test_the_area_as_market_1501_takes_it() -> None:
    # precision before and with each right picture: (0/1 + 1/2) / 2 and (1/3 + 2/4) / 2
    by_hand = ((0 + 1 / 2) / 2 + (1 / 3 + 2 / 4) / 2) / 2
    result = ranked([[0, 1, 2, 3, 4, 5, 6]], [[1, 1]], area="trapezoids")
    assert result.mean_average_precision == pytest.approx(by_hand)


def test_a_ranking_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="photographed by two cameras"):
        ranked([[0, 1, 2, 3, 4, 5, 6]], [[3, 1]])
    with pytest.raises(ValueError, match="did you mean 'steps'"):
        ranked([[0, 1, 2, 3, 4, 5, 6]], [[1, 1]], area="step")
    with pytest.raises(ValueError, match="does not fit"):
        market_ranking(torch.zeros(2, 3), *torch.zeros(4, 2))


def test_circle_loss_is_its_formula() -> None:
    torch.manual_seed(0)
    cosines, labels, m, g = torch.rand(3, 5, dtype=torch.float64) * 2 - 1, torch.tensor([4, 0, 2]), 0.25, 8.0
    expected = []
    for row, label in zip(cosines.tolist(), labels.tolist(), strict=True):
        own = row[label]
        wrong = sum(math.exp(g * max(0, s + m) * (s - m)) for place, s in enumerate(row) if place != label)
        expected.append(math.log(1 + wrong * math.exp(-g * max(0, 1 + m - own) * (own - (1 - m)))))
    assert float(circle_loss(cosines, labels, m, g)) == pytest.approx(sum(expected) / 3)


# -- reduced sets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_reduced_set_has_one_picture_of_every_person(seed: int) -> None:
    smallest = kept_pictures(PEOPLE, 0.01, seed)
    assert sorted(PEOPLE[place] for place in smallest.tolist()) == ["a", "b", "c", "d"]
    before = smallest
    for portion in (0.1, 0.3, 0.5, 0.9, 1.0):
        kept = kept_pictures(PEOPLE, portion, seed)
        assert len(kept) == max(4, round(portion * len(PEOPLE)))
        assert set(before.tolist()) <= set(kept.tolist()), "a smaller set is part of a larger one"
        assert torch.equal(kept, kept_pictures(PEOPLE, portion, seed))
        before = kept
    assert not torch.equal(kept_pictures(PEOPLE, 0.5, seed), kept_pictures(PEOPLE, 0.5, seed + 1))


@pytest.mark.parametrize("poses", ["own", "kept", "all"])
def test_replacements_are_of_the_same_person(poses: str) -> None:
    kept = kept_pictures(PEOPLE, 0.3, 0)
    chosen, missing = set(kept.tolist()), sorted(set(range(len(PEOPLE))) - set(kept.tolist()))
    pairs = replacements(PEOPLE, kept, 0, poses, pool=1000 if poses == "all" else None).tolist()
    assert len(pairs) == len(missing)
    for (source, pose), place in zip(pairs, missing, strict=True):
        assert source in chosen
        assert PEOPLE[source] == PEOPLE[place]
        assert {"own": pose == place, "kept": pose in chosen, "all": 0 <= pose < 1000}[poses]
    if poses == "all":
        assert max(pose for _, pose in pairs) > len(PEOPLE)
    for person in "bcd":
        used = {source for source, _ in pairs if PEOPLE[source] == person}
        assert len(used) > 1 or sum(PEOPLE[place] == person for place in chosen) == 1


def test_additions_multiply_a_set() -> None:
    pairs = additions(PEOPLE, 3, 0)
    assert len(pairs) == 2 * len(PEOPLE)
    assert torch.equal(pairs[:, 0].bincount(), torch.full((len(PEOPLE),), 2))
    assert len(pairs[:, 1].unique()) > len(PEOPLE) / 2
    with pytest.raises(ValueError, match="at least 2"):
        additions(PEOPLE, 1, 0)


# -- the whole ------------------------------------------------------------------------------------------------------


class TinyBackbone(Backbone):
    """Two convolutions on small pictures."""

    channels = 8

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2))

    def prepare(self, images: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(images.float() / 127.5 - 1, 8)

    def forward(self, prepared: Tensor) -> Tensor:
        features: Tensor = self.layers(prepared)
        return features.amax((2, 3))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Six people in training and four others in the test, each seen four times by two cameras."""
    with StoreWriter(tmp_path / "data", 128, 64, "drawn", licence="none") as writer:
        for person in range(10):
            colour = np.random.default_rng(person).integers(0, 256, 3)
            for view in range(4):
                image, keypoints = figure(10 * person + view)
                image = (0.3 * image + 0.7 * colour).astype(np.uint8)
                name = f"{person:04d}_c{1 + view % 2}s1_{view:06d}_00.jpg"
                writer.add(name, f"{person:04d}", image, keypoints, split="train" if person < 6 else "test")
        writer.finish()
    return Store.open(tmp_path / "data")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tiny.save(tmp_path / "run")


@pytest.fixture(autouse=True)
def _tiny_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "build_backbone", lambda name, imagenet: TinyBackbone())


SETTINGS = ReidSettings((0.3, 0.6), (2,), seeds=2, training=TrainSettings(steps=3, batch=4))


def measured(lines: list[dict]) -> list[dict]:
    """Without what differs from run to run."""
    return [{key: value for key, value in line.items() if key not in ("date", "seconds")} for line in lines]


def test_a_grid_that_is_stopped_goes_on(store: Store, weights: Path, tmp_path: Path) -> None:
    whole = repose.apps.reid(store, out=tmp_path / "whole", model=weights, settings=SETTINGS)
    assert [(line["model"], line["portion"], line["ratio"], line["seed"]) for line in whole] == [
        (model, portion, ratio, seed)
        for seed in (0, 1)
        for model, portion, ratio in (
            ("none", 0.3, 1), ("none", 0.6, 1), ("none", 1.0, 1), ("run", 0.3, 1), ("run", 0.6, 1), ("run", 1.0, 2),
        )
    ]  # fmt: skip
    assert [(line["real"], line["generated"]) for line in whole[:6]] == [
        (7, 0), (14, 0), (24, 0), (7, 17), (14, 10), (24, 24)
    ]  # fmt: skip

    def stop(what: str, done: int, total: int) -> None:
        if (what, done) == ("classifiers", 4):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repose.apps.reid(store, out=tmp_path / "half", model=weights, settings=SETTINGS, tick=stop)
    assert len((tmp_path / "half" / LINES).read_text().splitlines()) == 4
    trained: list[str] = []
    lines = repose.apps.reid(
        store, out=tmp_path / "half", model=weights, settings=SETTINGS, results=tmp_path / "results.jsonl",
        tick=lambda what, done, total: trained.append(what) if what.startswith("train") and done == total else None,
    )  # fmt: skip
    assert len(trained) == 8
    assert measured(lines) == measured(whole)
    sheets = [np.asarray(PIL.Image.open(tmp_path / folder / "sheet.png")) for folder in ("whole", "half")]
    assert np.array_equal(*sheets)
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 8, "finished ones are not written again"


def test_one_draw_is_shared_and_changed_settings_train_anew(store: Store, weights: Path, tmp_path: Path) -> None:
    settings = ReidSettings((0.3,), seeds=2, draws=1, training=TrainSettings(steps=3, batch=4))
    lines = repose.apps.reid(store, out=tmp_path / "out", model=weights, settings=settings)
    assert [line["draw"] for line in lines] == [0] * 6
    assert len({line["mean_average_precision"] for line in lines if line["model"] == "run"}) == 2
    (folder,) = (tmp_path / "out" / "generated").iterdir()
    assert len((folder / "pairs.i64").read_bytes()) == 16 * 17
    other = ReidSettings((0.3,), seeds=2, draws=1, training=TrainSettings(steps=4, batch=4))
    repose.apps.reid(store, out=tmp_path / "out", model="none", settings=other)
    kept = [json.loads(text) for text in (tmp_path / "out" / LINES).read_text().splitlines()]
    assert [line["training"]["steps"] for line in kept] == [3] * 6 + [4] * 4


def test_poses_of_another_store(store: Store, weights: Path, tmp_path: Path) -> None:
    poses = tiny.store(tmp_path / "poses", 3)
    settings = ReidSettings((0.5,), seeds=1, poses="all", training=TrainSettings(steps=2, batch=4))
    lines = repose.apps.reid(store, out=tmp_path / "out", model=weights, settings=settings, poses_from=poses)
    assert [(line["pose_data"], line["poses"]) for line in lines] == [(None, None)] * 2 + [(poses.checksum, "all")]
    (folder,) = (tmp_path / "out" / "generated").iterdir()
    pairs = np.fromfile(folder / "pairs.i64", "<i8").reshape(-1, 2)
    assert set(pairs[:, 1].tolist()) <= set(range(len(poses)))
    assert len(set(pairs[:, 1].tolist())) > 2


def test_generated_pictures_survive_a_stop(store: Store, weights: Path, tmp_path: Path) -> None:
    pairs = torch.tensor([[0, 1], [2, 3], [4, 5], [0, 1]])
    first = GeneratedPictures(weights, store, tmp_path / "kept", batch=2)
    assert first.missing(pairs) == 3
    first.generate(pairs)
    pictures = first.pictures(pairs)
    assert pictures.shape == (4, 3, 128, 64)
    assert torch.equal(pictures[0], pictures[3])
    assert not torch.equal(pictures[0], pictures[1])
    with (tmp_path / "kept" / "pictures.u8").open("ab") as file:
        file.write(b"half a picture")
    again = GeneratedPictures(weights, store, tmp_path / "kept")
    assert again.missing(pairs) == 0
    assert torch.equal(again.pictures(pairs), pictures)
    again.generate(torch.tensor([[6, 7]]))
    assert torch.equal(again.pictures(pairs), pictures)
    with pytest.raises(ValueError, match="another process"):
        first.generate(torch.tensor([[8, 9]]))
    other = tiny.save(tmp_path / "other", "patn-s", "network.blocks=1")
    with pytest.raises(ValueError, match="generated otherwise: weights was"):
        GeneratedPictures(other, store, tmp_path / "kept")


def test_the_gallery_asks_once_for_each_person_and_camera(store: Store) -> None:
    among = gallery(store)
    assert len(among.rows) == 16
    assert len(among.queries) == 8
    asked = [store.names[row] for row in among.rows[among.queries].tolist()]
    assert asked[:2] == ["0006_c1s1_000000_00.jpg", "0006_c2s1_000001_00.jpg"]


def test_the_table_has_the_layout_of_table_6(store: Store, weights: Path, tmp_path: Path) -> None:
    lines = repose.apps.reid(store, out=tmp_path / "out", model=weights, settings=SETTINGS)
    text = reid_table(lines[:-1])  # the last classifier is not done yet
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert rows[0] == [
        "augmentation",
        "backbone",
        *(f"{tenths / 10:g}" for tenths in range(1, 11)),
        "ratio 2",
        "ratio 3",
    ]
    ours = {row[0]: row[2:] for row in rows[2:4]}
    values = [
        100 * line["mean_average_precision"] for line in lines if (line["model"], line["portion"]) == ("none", 0.3)
    ]
    assert ours["None"][2] == f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"
    assert ours["None"][9] == ours["`run`"][9] != "-", "all real pictures are the same in every row"
    assert ours["`run`"][10].endswith("(1)")
    assert ours["None"][10] == ours["`run`"][0] == "-"
    assert rows[4][0] == "None (published)"
    assert len([row for row in rows if row[0].endswith("(published)")]) == len(PUBLISHED)
    assert short_table(lines).row_count == 6
    with pytest.raises(ValueError, match="repose reid"):
        reid_table([])


def test_the_command(store: Store, weights: Path, tmp_path: Path) -> None:
    words = f"reid {store.folder} -m {weights} --p 0.3 --ratio 2 --seeds 1 --steps 2".split()
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out")], env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    lines = [json.loads(text) for text in (tmp_path / "out" / LINES).read_text().splitlines()]
    assert [(line["model"], line["portion"], line["ratio"]) for line in lines] == [
        ("none", 0.3, 1), ("none", 1.0, 1), ("run", 0.3, 1), ("run", 1.0, 2)
    ]  # fmt: skip
    assert "4 classifiers" in done.output
    shown = [line for line in done.output.splitlines() if line.startswith("│") and " run " in line]
    assert len(shown) == 2
    assert f"{100 * lines[-1]['mean_average_precision']:.1f}" in shown[-1]
    wrong = CliRunner().invoke(app, [*words[:4], "--p", "0.1;0.5", "-o", str(tmp_path / "other")])
    assert "with commas between them" in str(wrong.exception)
    wrong = CliRunner().invoke(app, [*words[:4], "--ratio", "2.7", "-o", str(tmp_path / "other")])
    assert "--ratio takes whole numbers" in str(wrong.exception)
    assert not (tmp_path / "other").exists()


def test_the_light_backbone_is_mobilenet_in_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    try:
        backbone = LightBackbone()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    images = torch.randint(0, 256, (2, 3, 128, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole = mobilenet_v2(("blocks.16",))(images.float() / 127.5 - 1)["blocks.16"].mean((2, 3))
    assert torch.allclose(backbone(backbone.prepare(images)), whole, atol=1e-5)
    learns = {name.split(".")[0] for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    assert learns == {"rest"}


def test_what_is_wrong_is_said_before_the_work(store: Store, tmp_path: Path) -> None:
    for settings, words in (
        ({"portions": (0.0,)}, "above 0"),
        ({"portions": (1.0,)}, "below 1"),
        ({"ratios": (1,)}, "at least 2"),
        ({"poses": "owns"}, "did you mean 'own'"),
        ({"classifier": "resnet50"}, "did you mean 'resnet-50'"),
        ({"loss": "circles"}, "did you mean 'circle'"),
        ({"seeds": 0}, "at least one seed"),
        ({"people": 1}, "at least two"),
    ):
        with pytest.raises(ValueError, match=words):
            ReidSettings(**settings)
    with pytest.raises(ValueError, match="no weights are called"):
        repose.apps.reid(store, out=tmp_path / "out", model="nobody")
    with pytest.raises(ValueError, match="with poses 'all', not 'own'"):
        repose.apps.reid(store, out=tmp_path / "out", model="none", poses_from=store)
    runs = [tiny.save(tmp_path / folder / "run") for folder in "ab"]
    with pytest.raises(ValueError, match="the same name, 'run'"):
        repose.apps.reid(store, out=tmp_path / "out", model=runs)
    assert not (tmp_path / "out").exists()
    with pytest.raises(KeyError, match="no split 'trian'"):
        repose.apps.reid(store, out=tmp_path / "out", model="none", settings=ReidSettings(split="trian"))
    with pytest.raises(ValueError, match="needs its ImageNet weights"):
        build_backbone("mobilenet-v2", imagenet=False)
