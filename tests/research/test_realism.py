"""Distances, classifiers and statistics: each against what is known by hand, or on pictures with one known fault."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from scipy import linalg, stats
from torch import Tensor

from repose.data import Store, StoreWriter
from repose.metrics.functional import frechet, kernel_distance
from repose.nn.mobilenet import MobileNetV2
from repose.person import JOINTS
from repose.record import stamp
from repose.research import views
from repose.research.classifiers import roc_area, tell_apart
from repose.research.image_statistics import HEIGHT, MEANINGS, NAMES, effect_size, picture_statistics
from repose.research.joints import JointsFound, count_joints, joints_table
from repose.research.realism import Realism, compare_stores, print_realism, realism_table
from repose.research.sample import draw_sample
from repose.research.views import VIEW_TITLES, VIEWS, pooled, sample_features, view

RANDOM = np.random.default_rng(0)


def smooth(count: int, height: int = 128, width: int = 64, seed: int = 0) -> np.ndarray:
    """Coloured pictures without fine detail, uint8 (N, H, W, 3)."""
    small = np.random.default_rng(seed).integers(40, 200, (count, 8, 4, 3)).astype(np.uint8)
    size = (width, height)
    return np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in small])


def standing(count: int, height: int = 128, width: int = 64) -> Tensor:
    """Everybody's joints, on two columns down the middle; float32 (N, 18, 3)."""
    joints = torch.ones(count, 18, 3)
    joints[..., 0] = width / 2 + torch.tensor([-4.0, 4.0]).repeat(9)
    joints[..., 1] = torch.linspace(0.1, 0.9, 18) * height
    return joints


def numbers(pixels: np.ndarray) -> dict[str, Tensor]:
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    found = picture_statistics(images, standing(len(pixels), *pixels.shape[1:3]))
    return dict(zip(NAMES, found.unbind(1), strict=True))


def write(folder: Path, pixels: np.ndarray, people: int = 8, keypoints: Tensor | None = None) -> Store:
    keypoints = standing(len(pixels), *pixels.shape[1:3]) if keypoints is None else keypoints
    with StoreWriter(folder, *pixels.shape[1:3], "drawn") as writer:
        for number, (one, joints) in enumerate(zip(pixels, keypoints, strict=True)):
            writer.add(f"n{number}", f"p{number % people}", one, joints)
    return Store.open(folder)


# -- distances ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [200, 5])
def test_frechet_is_the_formula(count: int) -> None:
    """Also where there are fewer pictures than features."""
    one, other = RANDOM.normal(0, 1, (count, 12)) @ RANDOM.normal(0, 1, (12, 12)), RANDOM.normal(0.5, 2, (count, 12))
    a, b = np.cov(one.T), np.cov(other.T)
    root = linalg.sqrtm(a @ b + 1e-12 * np.eye(12)).real
    by_hand = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root)
    assert frechet(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(by_hand, rel=1e-4)
    assert frechet(torch.from_numpy(one), torch.from_numpy(one)) == pytest.approx(0, abs=1e-9)


def test_frechet_of_moved_and_stretched_pictures() -> None:
    one = torch.from_numpy(RANDOM.normal(0, 1, (50, 4)))
    assert frechet(one, one + 3) == pytest.approx(4 * 9)
    centred = one - one.mean(0)
    assert frechet(centred, 2 * centred) == pytest.approx(float(centred.var(0).sum()))


def test_kernel_distance_is_unbiased_and_by_hand() -> None:
    one, other = RANDOM.normal(0, 1, (6, 3)), RANDOM.normal(1, 1, (5, 3))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 3 + 1) ** 3)

    def within(rows: np.ndarray) -> float:
        return float(np.mean([kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]))

    by_hand = within(one) + within(other) - 2 * np.mean([kernel(a, b) for a in one for b in other])
    assert kernel_distance(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(by_hand)
    random = np.random.default_rng(1)
    same = [kernel_distance(*torch.from_numpy(random.normal(0, 1, (2, 20, 8)))) for _ in range(300)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 300**0.5


# -- classifiers ----------------------------------------------------------------------------------------------------


def test_area_is_the_rank_statistic() -> None:
    one, other = RANDOM.integers(0, 6, 40), RANDOM.integers(2, 8, 25)
    by_hand = stats.mannwhitneyu(one, other).statistic / (40 * 25)
    assert roc_area(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(by_hand)


@pytest.mark.parametrize("hidden", [0, 16])
def test_classifiers_tell_what_differs_and_nothing_else(hidden: int) -> None:
    random = np.random.default_rng(3)

    def halves(shift: float) -> tuple[Tensor, Tensor]:
        rows = torch.from_numpy(random.normal(0, 1, (600, 5)))
        rows[:, 2] += shift
        return rows[:300], rows[300:]

    told = tell_apart(halves(4), halves(0), hidden)
    assert told.accuracy > 0.95
    assert told.area > 0.99
    if not hidden:
        assert told.weights.argmax() == 2
    same = tell_apart(halves(0), halves(0), hidden)
    assert 0.4 < same.accuracy < 0.6, "on rows held out there is nothing to tell"


def test_mlp_tells_what_no_line_can() -> None:
    random = np.random.default_rng(4)
    corner = torch.from_numpy(random.choice([-1.0, 1.0], (2, 400, 1)) * np.array([[[1.0, 1.0]], [[1.0, -1.0]]]))
    rows = corner + torch.from_numpy(random.normal(0, 0.2, corner.shape))
    kinds = [(kind[:200], kind[200:]) for kind in rows]
    assert tell_apart(kinds[0], kinds[1], hidden=16).accuracy > 0.95
    assert tell_apart(kinds[0], kinds[1]).accuracy < 0.7


def test_the_state_of_torch_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    tell_apart((torch.randn(8, 2), torch.randn(8, 2)), (torch.randn(8, 2), torch.randn(8, 2)), hidden=4)
    torch.manual_seed(5)
    assert torch.equal(torch.get_rng_state(), before)


# -- statistics -----------------------------------------------------------------------------------------------------


def test_effect_is_cohens_d() -> None:
    one, other = torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([[0.0], [2.0]])
    assert effect_size(one, other).item() == pytest.approx((3 - 1) / ((4 * 2 + 2 * 1) / 3) ** 0.5)


def test_every_statistic_is_a_finite_number() -> None:
    flat = np.full((2, 128, 64, 3), 90, np.uint8)
    for pixels in (flat, smooth(2), smooth(2, 256, 176), np.zeros_like(flat)):
        found = numbers(pixels)
        assert all(torch.isfinite(value).all() for value in found.values())
    missing = picture_statistics(torch.zeros(1, 3, 128, 64), torch.zeros(1, 18, 3))
    assert torch.isfinite(missing).all()
    assert tuple(MEANINGS) == NAMES


def test_known_faults_move_their_statistic() -> None:
    clean = smooth(6).astype(np.float64)
    random = np.random.default_rng(7)
    before = numbers(clean.astype(np.uint8))

    def after(pixels: np.ndarray) -> dict[str, Tensor]:
        return numbers(pixels.clip(0, 255).round().astype(np.uint8))

    grain = random.normal(0, 6, clean.shape[:3])[..., None]
    noisy = after(clean + grain)
    assert (noisy["noise"] > before["noise"] + 2).all()
    colourful = after(clean + random.normal(0, 6, clean.shape))
    assert (colourful["chroma_noise"] > noisy["chroma_noise"] + 1).all(), "the noise of every channel is coloured"
    grey = after(clean.mean(-1, keepdims=True).repeat(3, -1))
    assert (grey["saturation"] < 0.01).all()
    assert (grey["person_saturation"] < 0.01).all()
    blocks = after(clean + np.kron(random.normal(0, 6, (6, 16, 8)), np.ones((8, 8)))[..., None])
    assert (blocks["blockiness"] > before["blockiness"] + 0.2).all()
    posts = after(clean + 40 * (np.arange(64) // 3 % 2)[None, None, :, None])
    assert (posts["upright"] > before["upright"] + 0.3).all()
    wall = clean.copy()
    wall[:, :, :12] += 30 * random.choice([-1, 1], (6, 128, 12, 1))
    busy = after(wall)
    assert (busy["ground_fine"] > before["ground_fine"] + 3).all()
    assert (busy["person_fine"] < before["person_fine"] + 0.5).all(), "what is beside the person is not the person's"
    lit = clean.copy()
    lit[:, :40] += 40
    assert (after(lit)["top_light"] > before["top_light"] + 20).all()


def test_a_larger_picture_is_measured_as_its_small_one() -> None:
    large, small = numbers(smooth(4, 256, 128)), numbers(smooth(4, HEIGHT, 64))
    for name in ("brightness", "saturation", "person_brightness", "ground_coarse", "span", "centre_x", "centre_y"):
        torch.testing.assert_close(large[name], small[name], rtol=0.03, atol=0.6)


# -- stores ---------------------------------------------------------------------------------------------------------


def test_halves_have_people_of_their_own(tmp_path: Path) -> None:
    some = draw_sample(write(tmp_path / "s", smooth(40)), "train", 30)
    assert len(some) == 30
    first, second = some.halves()
    assert not set(some.people[first].tolist()) & set(some.people[second].tolist())
    assert sorted(torch.cat([first, second]).tolist()) == list(range(30))
    with pytest.raises(ValueError, match="too few"):
        draw_sample(write(tmp_path / "one", smooth(6), people=1), "train", 30)


def test_views_hide_what_they_say() -> None:
    images = torch.rand(2, 3, 128, 64) + 0.5
    person, background = view(images, "person"), view(images, "background")
    torch.testing.assert_close(person + background, images)
    assert (person[:, :, 64, 32] != 0).all()
    assert (person[:, :, 0, 0] == 0).all()
    grey = view(images, "grey")
    torch.testing.assert_close(grey[:, 0], grey[:, 2])
    checks = (torch.arange(64) % 2 * 2.0 - 1).expand(1, 3, 128, 64)
    assert view(checks, "coarse").abs().max() < 0.3
    assert set(VIEWS) == set(VIEW_TITLES)
    with pytest.raises(ValueError, match="not 'x'"):
        view(images, "x")


def few_features(network: object, images: Tensor) -> Tensor:
    """In place of the network's: mean and sharpness of every channel, (B, 6)."""
    return torch.cat([images.mean((2, 3)), images.diff(dim=3).abs().mean((2, 3))], 1)


def test_features_are_those_of_the_classifier(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MobileNetV2(())
    images = torch.rand(2, 3, 64, 32) * 2 - 1
    torch.testing.assert_close(network.classifier(pooled(network, images)), network.logits(images))
    some = draw_sample(write(tmp_path / "s", smooth(6, 64, 32)), "train", 6)
    assert sample_features(network, some).shape == (6, 1280)
    with pytest.raises(ValueError, match="taps="):
        pooled(MobileNetV2(("blocks.0",)), images)


def test_compare_and_its_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store like the photographs is nearer than one with noise; only the latter is told."""
    monkeypatch.setattr(views, "ROWS", 32)
    monkeypatch.setattr(views, "pooled", few_features)
    noise = np.random.default_rng(9).normal(0, 25, (40, 64, 32, 3))
    photographs = write(tmp_path / "real", smooth(80, 64, 32, seed=1))
    near = write(tmp_path / "near", smooth(40, 64, 32, seed=2))
    far = write(tmp_path / "far", (smooth(40, 64, 32, seed=3) + noise).clip(0, 255).astype(np.uint8))
    network = MobileNetV2(())
    steps: list[tuple[int, int]] = []
    found = compare_stores(
        photographs, {"rich": near, "plain": far}, count=40, judged=30, views=("whole", "background"),
        network=network, progress=lambda what, done, total: steps.append((done, total)),
    )  # fmt: skip
    assert steps[-1] == (4 * 40 + 3 * 30, 4 * 40 + 3 * 30)
    assert (found.pictures, found.size) == (40, (32, 32))
    rich, plain = found.sides
    assert found.ratio is not None
    assert found.ratio < 0.5
    assert plain.told["statistics", "logistic"][0] > 0.95
    assert rich.told["statistics", "logistic"][0] < 0.75
    assert plain.effects["noise"][2] > 3
    assert abs(rich.effects["noise"][2]) < 1

    screen = Console(width=200, record=True, file=(tmp_path / "screen").open("w"))
    print_realism(found, screen)
    shown = screen.export_text()
    assert f"{rich.frechet:.1f}" in shown
    assert VIEW_TITLES["background"] in shown
    assert Realism.read(json.loads(json.dumps(found.line()))) == found
    text = realism_table([{**found.line(), **stamp()}])
    assert f"{rich.frechet:.1f} | {plain.frechet:.1f} | {found.floor_frechet:.1f}" in text
    with pytest.raises(ValueError, match="render them at one size"):
        compare_stores(photographs, {"rich": write(tmp_path / "other", smooth(8, 32, 32))}, network=network)


class Shifted:
    """An estimator that knows the joints, but finds the right wrist too low and the nose not at all."""

    name = "shifted"

    def __init__(self, keypoints: Tensor) -> None:
        self.keypoints, self.at = keypoints.clone(), 0
        self.keypoints[:, JOINTS.index("right_wrist"), 1] += 30
        self.keypoints[:, 0] = 0

    def people(self, image: object) -> list[object]:
        raise NotImplementedError

    def crops(self, images: list[np.ndarray]) -> Tensor:
        self.at += len(images)
        return self.keypoints[self.at - len(images) : self.at]


def test_found_joints_are_counted_one_by_one(tmp_path: Path) -> None:
    keypoints = standing(40)
    keypoints[3, 5, 2] = 0.5  # hidden: does not count
    keypoints[4, 6] = 0  # outside of the picture: likewise
    keypoints[7, torch.tensor([0, 1, 14, 15, 16, 17])] = 0  # no head, no box
    store = write(tmp_path / "s", smooth(40), keypoints=keypoints)
    some = draw_sample(store, "train", 40)
    ordered = some.keypoints(torch.arange(40))
    found = count_joints(some, Shifted(ordered))  # type: ignore[arg-type]
    counts = {name: visible for name, (_, visible) in found.joints.items()}
    assert (found.headless, found.pictures) == (1, 40)
    assert counts[JOINTS[5]] == counts[JOINTS[6]] == 38
    assert counts[JOINTS[9]] == 39
    wrong = {name for name, (right, visible) in found.joints.items() if right != visible}
    assert wrong <= {"nose", "right_wrist"}
    assert found.joints["nose"] == (0, 39)
    everything = sum(counts.values())
    lost = sum(visible - right for right, visible in found.joints.values())
    assert found.share == pytest.approx(1 - lost / everything)
    assert JointsFound.read(json.loads(json.dumps(found.line()))) == found
    text = joints_table([{**found.line(), **stamp()}])
    assert "| nose | 0.0% |" in text
