"""The terms that are off by default: what they see, and what a resumed run remembers of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("numba")

from repose import models
from repose.data import Store, StoreWriter
from repose.demo import spare
from repose.losses.identity import Identity
from repose.losses.lpips import Lpips
from repose.models.base import Output, Phase, Progress, total
from repose.models.bodywarp.objective import BodyWarpObjective, BodyWarpObjectiveConfig, Wanted, _where_judged
from repose.person import Pair, Person
from repose.recipes import Recipe, override
from tests import surface
from tests.models.bodywarp.test_bodywarp import keypoints, network, picture
from tests.train.runs import assert_same, broken_off, last, one_thread, run_here


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights in place of the files', the same ones every time."""

    def read(self: Lpips) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return Lpips._unread(self)

    monkeypatch.setattr(Lpips, "_read", read)
    monkeypatch.setattr(Identity, "_read", lambda self: Halves())


class Halves(nn.Module):
    """The mean colours of the upper and the lower half, less grey."""

    input_shape = (1, 3, 16, 8)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        halves = nn.functional.adaptive_avg_pool2d(pictures - 127.5, (2, 1))
        return {"embedding": halves.flatten(1)}


def pair() -> Pair:
    """One person, 8 pixels apart, with masks and joints."""
    masks = torch.zeros(2, 1, 128, 64)
    masks[0, :, 5:104, 15:46] = 1
    masks[1, :, 5:104, 23:54] = 1
    return Pair(
        Person(image=picture(seed=1), keypoints=keypoints(), mask=masks[:1]),
        Person(image=picture(seed=2), keypoints=keypoints(8), mask=masks[1:]),
    )


def right(two: Pair, output: Output) -> Output:
    """The picture that is wanted."""
    source, target = two.source, two.target
    assert source.image is not None
    assert target.image is not None
    assert target.mask is not None
    image = target.mask * target.image + (1 - target.mask) * source.image
    return Output(image, {**output.extra, "core": image})


def changed(output: Output, rows: slice, columns: slice) -> Output:
    """The same with a part of the picture turned negative."""
    image = output.image.clone()
    image[..., rows, columns] *= -1
    return Output(image, {**output.extra, "core": image})


def objective(**settings: object) -> BodyWarpObjective:
    torch.manual_seed(0)
    return BodyWarpObjective(BodyWarpObjectiveConfig(**settings))  # type: ignore[arg-type]


def terms(judge: BodyWarpObjective, two: Pair, output: Output, phase: int = -1) -> dict[str, float]:
    last_phase = judge.phases(Progress(99, 100))[phase]
    return {name: float(term.value.detach()) for name, term in judge.losses(last_phase, two, output).items()}


@pytest.fixture(scope="module")
def output() -> Output:
    two = pair()
    with torch.no_grad():
        return network()(two.source, two.target)


# -- crops ------------------------------------------------------------------------------------------------------------


def test_by_default_nothing_is_added(output: Output) -> None:
    judge = objective()
    assert list(judge.networks) == []
    assert [phase.name for phase in judge.phases(Progress(99, 100))] == ["generator"]
    assert set(terms(judge, pair(), output)) == {"l1", "painted", "lpips", "outline", "matte", "smooth"}


def test_crops_see_the_hand_and_not_the_trunk(output: Output) -> None:
    """Of the pair's target: the right wrist is at (26, 50), the middle of the trunk at (38, 40)."""
    judge, two = objective(lpips=0, crops=1), pair()
    true = right(two, output)
    assert terms(judge, two, true)["crops"] == pytest.approx(0, abs=1e-6)
    hand, trunk = changed(true, slice(48, 56), slice(24, 30)), changed(true, slice(36, 44), slice(35, 41))
    assert terms(judge, two, hand)["crops"] > 1e-3
    assert terms(judge, two, trunk)["crops"] == pytest.approx(0, abs=1e-6)
    assert "lpips" not in terms(judge, two, hand)


def test_a_hand_that_is_absent_is_skipped(output: Output) -> None:
    judge, two = objective(lpips=0, crops=1), pair()
    hand = changed(right(two, output), slice(48, 56), slice(24, 30))
    joints = keypoints(8)
    joints[:, 4] = 0
    assert terms(judge, Pair(two.source, replace(two.target, keypoints=joints)), hand)["crops"] < 1e-6
    joints = joints * 0
    nobody = terms(judge, Pair(two.source, replace(two.target, keypoints=joints)), hand)
    assert nobody["crops"] == 0


def test_crops_are_taken_at_full_size() -> None:
    """A pattern that the working size cannot hold counts."""
    large = Person(image=picture(256, 128, seed=1), keypoints=keypoints() * torch.tensor([2, 2, 1.0]))
    with torch.no_grad():
        output = network()(large, large.only("keypoints"))
    assert output.extra["core"].shape[-2:] == (128, 64)
    judge, two = objective(lpips=0, crops=1), Pair(large, large)
    assert terms(judge, two, output)["crops"] == pytest.approx(0, abs=1e-4)
    pattern = torch.tensor([[0.2, -0.2], [-0.2, 0.2]]).repeat(128, 64)
    finer = Output(output.image + pattern, output.extra)
    assert torch.allclose(nn.functional.avg_pool2d(finer.image - output.image, 2), torch.zeros(()), atol=1e-6)
    assert terms(judge, two, finer)["crops"] > 1e-3


# -- identity ---------------------------------------------------------------------------------------------------------


def test_identity_sees_whose_clothes_they_are(output: Output) -> None:
    judge, two = objective(lpips=0, identity=1), pair()
    assert two.target.image is not None
    two.target.image.copy_(picture(seed=2) * 0.1 + torch.tensor([0.8, -0.6, 0.1]).view(1, 3, 1, 1))  # in one colour
    true = right(two, output)
    assert terms(judge, two, true)["identity"] == pytest.approx(0, abs=1e-6)
    other = Output(true.image, {**true.extra, "core": -true.extra["core"]})
    assert terms(judge, two, other)["identity"] == pytest.approx(2, abs=0.01)
    beside = changed(true, slice(0, 128), slice(0, 20))
    assert terms(judge, two, beside)["identity"] == pytest.approx(0, abs=1e-6)
    alone = Pair(two.source.only("image", "keypoints"), two.target.only("image", "keypoints"))
    assert "identity" not in terms(judge, alone, true)


# -- adversarial ------------------------------------------------------------------------------------------------------


def test_the_discriminator_begins_late() -> None:
    judge = objective(lpips=0, adversarial=0.1, adversarial_from=0.25)
    names = [[phase.name for phase in judge.phases(Progress(images, 100))] for images in (0, 24, 25, 99)]
    assert names == [["generator"]] * 2 + [["discriminator", "generator-adversarial"]] * 2
    assert [phase.trains for phase in judge.phases(Progress(99, 100))] == [("discriminator",), ("generator",)]
    never = objective(lpips=0, adversarial=0.1, adversarial_from=1.0)
    assert len(never.phases(Progress(99, 100))) == 1
    with pytest.raises(ValueError, match="no phase 'critic'"):
        judge.losses(Phase("critic", ()), pair(), Output(picture(), {"core": picture()}))


def test_the_discriminator_is_bounded() -> None:
    """Spectral norm: no convolution makes anything longer, however large its weights are."""
    judge = objective(lpips=0, adversarial=0.1, discriminator=4)
    critic = judge.networks["discriminator"]
    layers = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    assert len(layers) == 5
    with torch.no_grad():
        for layer in layers:
            layer.parametrizations.weight.original.mul_(100)  # type: ignore[union-attr, operator]
        for _ in range(30):  # iterations of the norm
            critic(picture(), pair().target)
        for layer in layers:
            assert float(torch.linalg.matrix_norm(layer.weight.flatten(1), 2)) == pytest.approx(1, abs=0.02)


def test_paint_and_outline_count_most(output: Output) -> None:
    """Full where it paints and along the outline, a tenth where pixels are carried."""
    judge, two = objective(lpips=0, adversarial=1, discriminator=4), pair()
    shares = torch.zeros_like(output.extra["shares"])
    shares[:, 0, :64], shares[:, 2, 64:] = 1, 1  # the upper half is carried
    core = picture(seed=3).requires_grad_()
    made = Output(core, {**output.extra, "core": core, "shares": shares})
    phase = judge.phases(Progress(99, 100))[-1]
    term = judge.losses(phase, two, made)["adversarial"]
    (slope,) = torch.autograd.grad(term.value, core)
    strength = slope.abs().mean((0, 1))
    assert float(strength[72:92, 33:44].mean()) > float(strength[20:40, 33:44].mean()) > 0  # patches overlap
    weight = _where_judged(made, Wanted.of(two, 128, 64), torch.zeros(1, 1, 128, 64))[0, 0]
    assert float(weight[68:98, 29:48].min()) == 1  # paint
    assert weight[10:60, 29:48].unique().tolist() == pytest.approx([0.1])  # carried
    assert float(weight[10:60, 23:27].min()) == 1  # along the left border; beyond it the old figure hides what is there
    assert float(weight[10:60, 50:58].min()) == 1  # along the right border, to both sides
    assert not weight[:, :15].any()  # nobody
    assert not weight[112:].any()


def test_each_phase_trains_its_own(output: Output) -> None:
    two = pair()
    net = network().train()
    judge = objective(lpips=0, crops=1, identity=1, adversarial=0.1, discriminator=4)
    made = net(two.source, two.target)
    discriminate, generate = judge.phases(Progress(99, 100))
    loss = total(judge.losses(discriminate, two, made))
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in net.parameters())
    assert all(weight.grad is not None for weight in judge.networks.parameters())
    judge.zero_grad()
    found = judge.losses(generate, two, made)
    assert {"crops", "identity", "adversarial"} <= set(found)
    for name in ("crops", "identity", "adversarial"):
        net.zero_grad()
        found[name].value.backward(retain_graph=True)  # type: ignore[no-untyped-call]
        assert net.to_picture.weight.grad is not None
        paint = net.to_picture.weight.grad[:12]  # the layer's first channels are the paint's
        assert float(paint.abs().max()) > 0, name
    assert all(weight.grad is None for weight in judge.networks.parameters())


def test_settings_that_cannot_be() -> None:
    for words, said in (
        ({"adversarial_from": 1.5}, "a share of the run"),
        ({"crop_size": 32}, "64 rows or more"),
        ({"discriminator": 0}, "a width of 1 or more"),
        ({"crops": -1.0}, "at least 0"),
    ):
        with pytest.raises(ValueError, match=said):
            objective(**words)


# -- a run ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Pictures of drawn people with IUV and mask."""
    folder = tmp_path_factory.mktemp("people") / "store"
    with StoreWriter(folder, 128, 64, "drawn people with masks") as writer:
        for one in spare()[:4]:
            iuv = surface.iuv(one.keypoints, 128, 64)
            mask = np.where(iuv[..., 0] > 0, 255, 0).astype(np.uint8)
            writer.add(one.name, one.person, one.image, one.keypoints, split="train", iuv=iuv, mask=mask)
    return Store.open(folder)


@pytest.fixture
def run_recipe() -> Iterator[Recipe]:
    words = [
        "canvas=market", "network.width=8", "network.depth=1", "network.heads=2", "network.height=128", "data.batch=1",
        "objective.crops=1", "objective.identity=1", "objective.adversarial=0.1", "objective.adversarial_from=0.25",
        "objective.discriminator=4", "images=8", "tick=4", "ema=8", "schedule.warmup=0", "precision=32-true",
    ]  # fmt: skip
    with one_thread():
        yield override(models.recipe("bodywarp-s"), words)


def test_resumed_equals_unbroken(run_recipe: Recipe, store: Store, tmp_path: Path) -> None:
    """Broken off while the discriminator trains: its weights, moments and the vectors of its norms come back."""
    run_here(run_recipe, store, tmp_path / "unbroken")
    wanted = last(tmp_path / "unbroken")
    saved = broken_off(run_recipe, store, tmp_path / "broken", 6)
    assert saved["images"] == 4
    assert saved["optimisers"]["discriminator"]["state"]
    run_here(run_recipe, store, tmp_path / "broken")
    assert_same(last(tmp_path / "broken"), wanted)
    vectors = [name for name in wanted["objective"] if name.endswith("._u")]
    assert len(vectors) == 5
    moved = [name for name in vectors if not torch.equal(saved["objective"][name], wanted["objective"][name])]
    assert len(moved) >= 4  # that of one score has one number, 1 or -1
    assert set(wanted["average"]) == set(wanted["generator"])  # the average is of the generator alone
