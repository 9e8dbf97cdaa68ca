"""Scores that need networks: the formulas against other implementations, and the networks of an evaluation."""

import hashlib
import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.data import Store, StoreWriter
from repose.hub.files import FILES
from repose.metrics import COLUMNS, EvaluationSettings, evaluate, features, network_metric, networks, picture_networks
from repose.metrics.accumulators import FeatureBuffer, PairScores, ReferenceStatistics
from repose.metrics.columns import columns_from
from repose.metrics.functional import (
    WANG,
    consistency,
    detection_score,
    frechet,
    inception_score,
    kernel_distance,
    kid,
    lpips,
    moments,
    moments_of_sums,
)
from repose.metrics.measure import mask_of
from repose.metrics.networks import MetricNetworks
from repose.metrics.picture_networks import NETWORKS, NetworkMissingError
from repose.metrics.protocols import MaskVariant, Protocol, protocol
from repose.metrics.reference_statistics import ReadPictures, reference_statistics
from repose.metrics.report import html
from repose.nn.alexnet import AlexNet
from repose.nn.lpips import LPIPS_TAPS, lpips_weights
from repose.nn.mobilenet import WEIGHTS as MOBILENET
from repose.nn.mobilenet import mobilenet_v2
from repose.nn.squeezenet import SqueezeNet
from repose.nn.vgg import VGG16
from repose.person import LIP_LABELS, Pair, Person
from tests.metrics.stores import Reader, figure, fill


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pictures(count: int, start: int = 0) -> Tensor:
    """uint8 (B, 3, 128, 64)."""
    return torch.from_numpy(np.stack([figure(seed)[0] for seed in range(start, start + count)])).movedim(-1, 1)


# -- sets -----------------------------------------------------------------------------------------------------------


def test_inception_score_as_its_first_code_has_it() -> None:
    logits = drawn(53, 1008) * 3
    p = torch.softmax(logits, 1).double().numpy()
    scores = []
    for i in range(10):
        part = p[(i * 53 // 10) : ((i + 1) * 53 // 10)]
        kl = part * (np.log(part) - np.log(np.expand_dims(np.mean(part, 0), 0)))
        scores.append(np.exp(np.mean(np.sum(kl, 1))))
    assert inception_score(logits, 10) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-6)
    whole = np.exp(np.mean([np.sum(row * np.log(row / p.mean(0))) for row in p]))
    assert inception_score(logits, 1) == pytest.approx((whole, 0), rel=1e-6)
    assert inception_score(logits, 1)[0] > inception_score(logits, 10)[0], "few pictures in a split score too low"


def test_bounds_of_the_inception_score() -> None:
    sure = torch.eye(10).repeat(7, 1) * 200  # every class as often, and no doubt
    assert inception_score(sure, 1)[0] == pytest.approx(10)
    assert inception_score(torch.ones(20, 10), 10) == pytest.approx((1, 0))
    with pytest.raises(ValueError, match="10 splits of 9 pictures"):
        inception_score(torch.ones(9, 10), 10)


def test_against_torchmetrics() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid")
    kids = pytest.importorskip("torchmetrics.image.kid")
    scores = pytest.importorskip("torchmetrics.image.inception")

    class Rows(nn.Module):
        """Pictures (B, 3, 1, 8) are their own features."""

        num_features = 24

        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1).float() / 100

    one, other = (torch.randint(0, 256, (n, 3, 1, 8), dtype=torch.uint8) for n in (90, 70))
    a, b = (Rows()(rows) for rows in (one, other))
    metric = fid.FrechetInceptionDistance(feature=Rows())
    metric.update(one, real=False)
    metric.update(other, real=True)
    assert frechet(a, b) == pytest.approx(float(metric.compute()), rel=1e-5)
    same = a[:70].double()  # theirs is right for sets of one size alone
    assert kernel_distance(same, b) == pytest.approx(float(kids.poly_mmd(b.double(), same)), rel=1e-9)
    score = scores.InceptionScore(feature=Rows(), splits=1)
    score.update(one)
    assert inception_score(a, 1)[0] == pytest.approx(float(score.compute()[0]), rel=1e-5)


def test_moments_piece_by_piece() -> None:
    one, other = drawn(300, 20) @ drawn(20, 20, seed=1), drawn(200, 20, seed=2)
    rows = one.double()
    total, products = torch.zeros(20).double(), torch.zeros(20, 20).double()
    for part in torch.split(rows, 37):
        total, products = total + part.sum(0), products + part.T @ part
    gathered = moments_of_sums(300, total, products)
    torch.testing.assert_close(gathered.root.T @ gathered.root, torch.cov(rows.T))
    assert frechet(gathered, other) == pytest.approx(frechet(one, other), rel=1e-6)
    assert frechet(gathered, moments(one)) == pytest.approx(0, abs=1e-4)


def test_kid_is_the_mean_over_its_subsets() -> None:
    one, other = drawn(60, 8), drawn(50, 8, seed=1) + 0.3
    whole, spread = kid(one[:50], other, subsets=3, size=1000)
    assert whole == pytest.approx(kernel_distance(one[:50], other), rel=1e-9), "subsets of all pictures are all"
    assert spread == pytest.approx(0, abs=1e-12)
    mean, spread = kid(one, other, subsets=40, size=20, seed=3)
    assert (mean, spread) == kid(one, other, subsets=40, size=20, seed=3)
    assert (mean, spread) != kid(one, other, subsets=40, size=20, seed=4)
    assert spread > 0
    assert abs(mean - kernel_distance(one, other)) < 4 * spread / 40**0.5
    with pytest.raises(ValueError, match="3 subsets of 1 and 50 pictures"):
        kid(one[:1], other, subsets=3)


# -- pairs ----------------------------------------------------------------------------------------------------------


def trunk(network: AlexNet | SqueezeNet | VGG16) -> nn.Sequential:
    """The network's layers in the order of the published list, with ReLU and pooling as they are numbered there."""
    pools, pool = {
        AlexNet: ({2, 5, 12}, nn.MaxPool2d(3, 2)),
        SqueezeNet: ({2, 5, 8}, nn.MaxPool2d(3, 2, ceil_mode=True)),
        VGG16: ({4, 9, 16, 23, 30}, nn.MaxPool2d(2, 2)),
    }[type(network)]
    layers: list[nn.Module] = []
    for index in range(31 if isinstance(network, VGG16) else 13):
        if index in pools:
            layers.append(pool)
        elif str(index) in network.features:
            layers.append(network.features[str(index)])
        else:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("net", "kind"), [("alex", AlexNet), ("vgg", VGG16), ("squeeze", SqueezeNet)], ids=["alex", "vgg", "squeeze"]
)
def test_lpips_against_torchmetrics(
    net: str, kind: type[AlexNet | SqueezeNet | VGG16], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scaling, slices, norms and the learnt weights that it brings along, on one random trunk."""
    theirs = pytest.importorskip("torchmetrics.functional.image.lpips")
    file = Path(theirs.__file__).parent / "lpips_models" / f"{net}.pth"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == FILES[f"lpips_v0.1_{net}.pth"].sha256
    assert file.stat().st_size == FILES[f"lpips_v0.1_{net}.pth"].size
    taps = LPIPS_TAPS[net]
    torch.manual_seed(0)
    network = kind(taps)
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda *_: trunk(network))
    reference = theirs._LPIPS(net=net, pnet_rand=True)
    one, other = (drawn(2, 3, 96, 64, seed=s).sigmoid() for s in (0, 1))
    weights = lpips_weights(str(file), taps)
    found = lpips(network(one), network(other), weights)
    torch.testing.assert_close(found.float(), reference(one, other, normalize=True).flatten(), rtol=1e-5, atol=1e-6)
    assert lpips(network(one), network(one), weights).eq(0).all()
    assert torch.equal(found, lpips(network(other), network(one), weights))
    with pytest.raises(ValueError, match=r"no file of LPIPS v0\.1 for 3 taps: lin0\.model\.1\.weight to lin2"):
        lpips_weights(str(file), taps[:3])


def test_detection_score() -> None:
    scores = torch.tensor([[0.1, 0.7, 0.3], [0.005, 0.009, 0.001]])
    assert detection_score(scores, floor=0.01).tolist() == pytest.approx([0.7, 0])
    assert detection_score(scores).tolist() == pytest.approx([0.7, 0.009])


def test_consistency() -> None:
    one = drawn(4, 16)
    torch.testing.assert_close(consistency(one, one * 3), torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(consistency(one, -one), -torch.ones(4, dtype=torch.float64))
    assert consistency(one, torch.zeros(4, 16)).eq(0).all()


def test_clothes_alone(shared: Path) -> None:
    """Another background, face and skin leave the likeness of clothes at 1; another shirt does not."""
    taps = (*features.COMPARED, features.POOLED)
    network = features.Features(network=mobilenet_v2(taps, shared / "models" / MOBILENET, scaled=True))
    one, parsing = pictures(2), torch.zeros(2, 128, 64, dtype=torch.long)
    parsing[:, 40:80, 16:48] = LIP_LABELS.index("upper clothes")
    parsing[:, 20:40, 24:40] = LIP_LABELS.index("face")
    mask = features.clothes_mask(Person(parsing=parsing, size=(128, 64)))
    assert mask.shape == (2, 1, 128, 64)
    assert int(mask.sum()) == 2 * 40 * 32
    red = torch.tensor([200, 30, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    elsewhere, shirt = torch.where(mask > 0, one, 255 - one), torch.where(mask > 0, red, one)
    seen = [network.run(shown, mask) for shown in (one, elsewhere, shirt)]
    assert features.appearance(seen[0], seen[1])[0].tolist() == pytest.approx([1, 1])
    assert (features.appearance(seen[0], seen[2])[0] < 0.9).all(), features.appearance(seen[0], seen[2])[0]
    with pytest.raises(ValueError, match="a parsing is needed"):
        features.clothes_mask(Person(size=(128, 64)))


# -- the networks of an evaluation ----------------------------------------------------------------------------------

CLASSES = 12


class SmallNetwork:
    """A small network for tests: 2,048 features and 12 logits of the mean colours; counts what it was shown."""

    batch = 2

    def __init__(self, seed: int, columns: int = 2048 + CLASSES) -> None:
        self.matrix = drawn(3 * 16, columns, seed=seed)
        self.shown = 0

    def outputs(self, pictures: Tensor) -> Tensor:
        assert pictures.dtype == torch.uint8
        assert 0 < len(pictures) <= self.batch
        self.shown += len(pictures)
        return F.adaptive_avg_pool2d(pictures.float() / 255, 4).flatten(1) @ self.matrix


class Distance(picture_networks.LpipsNetwork):
    """Mean absolute difference in place of LPIPS."""

    def __init__(self) -> None:
        pass

    def distances(self, pictures: Mapping[str, Tensor]) -> dict[str, Tensor]:
        target = pictures["target"].double()
        return {kind: (given.double() - target).abs().mean((1, 2, 3)) for kind, given in pictures.items()}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, SmallNetwork | Distance]:
    """Small networks in place of all; what was built, by name."""
    built: dict[str, SmallNetwork | Distance] = {}

    def build(name: str, _: torch.device) -> SmallNetwork | Distance:
        if name == "ssd300_vgg16@1":
            raise NetworkMissingError("ssd300_vgg16_coco-b556d3b4.pth", "look elsewhere")
        if name.startswith("lpips"):
            built[name] = Distance()
        else:
            built[name] = SmallNetwork(len(built), 1 if name == "fastestdet@1" else 2048 + CLASSES)
        return built[name]

    monkeypatch.setattr(networks, "build_network", build)
    return built


def test_all_columns_in_one_pass(made: dict[str, SmallNetwork | Distance]) -> None:
    every = columns_from("network")
    loaded = MetricNetworks.load(every)
    assert loaded.missing == {"ds": "ssd300_vgg16_coco-b556d3b4.pth"}
    assert loaded.details == {"ds": "look elsewhere"}
    assert loaded.columns == tuple(c for c in every if c != "ds")
    assert loaded.facts()["networks"]["fid_tv_train"] == "inception_imagenet@1"
    assert loaded.facts()["networks_missing"] == loaded.missing
    target, generated = pictures(24), pictures(24, 100)
    mask = torch.zeros(24, 1, 128, 64, dtype=torch.uint8)
    mask[:, :, 30:90, 20:44] = 1
    pools = {kind: FeatureBuffer(24) for kind in ("target", "generated")}
    for start in range(0, 24, 5):
        rows = slice(start, start + 5)
        shown = {"target": target[rows], "generated": generated[rows]}
        outputs = loaded.run(shown, dict.fromkeys(shown, mask[rows]))
        for kind, found in outputs.items():
            pools[kind].put(start, found.features)
            pairs = {"lpips_alex", "lpips_vgg", "lpips_squeeze", "attributes"}  # identity lacks the source
            assert set(found.columns) == pairs | {"detection_score"}
            assert {len(column) for column in found.columns.values()} == {len(shown[kind])}
        assert outputs["target"].columns["lpips_vgg"].values.eq(0).all()
        assert outputs["generated"].columns["lpips_vgg"].values.gt(0).all()
    assert not any(rows.isnan().any() for pool in pools.values() for rows in pool.features.values())
    network = made["inception_tf@1"]
    assert isinstance(network, SmallNetwork)
    assert network.shown == 24 * 4, "plain and masked pictures of two kinds, each once"
    scores = loaded.set_scores(pools["generated"], pools["target"])
    assert set(scores) == {c for c in loaded.columns if COLUMNS[c].of == "set" and COLUMNS[c].reference != "train"}
    assert all(math.isnan(score.low) and math.isnan(score.high) for score in scores.values())
    plain = torch.cat([network.outputs(part) for part in torch.split(generated, 2)])
    dark = torch.cat([network.outputs(part) for part in torch.split(generated * mask, 2)])
    assert scores["is_tf10"].value == pytest.approx(inception_score(plain[:, 2048:], 10)[0])
    assert scores["mask_is_tf10"].value == pytest.approx(inception_score(dark[:, 2048:], 10)[0])
    real = torch.cat([network.outputs(part) for part in torch.split(target, 2)])
    assert scores["fid_tf_test"].value == pytest.approx(frechet(plain[:, :2048], real[:, :2048]), rel=1e-9)
    assert scores["fid_tf_test"].value != pytest.approx(scores["fid_clean_test"].value, rel=1e-3)
    other = made["inception_unit@1"]
    assert isinstance(other, SmallNetwork)
    logits = torch.cat([other.outputs(part) for part in torch.split(generated, 2)])[:, 2048:]
    assert scores["is_tv1"].value == pytest.approx(inception_score(logits, 1)[0])
    dark = torch.cat([other.outputs(part) for part in torch.split(generated * mask, 2)])[:, 2048:]
    assert scores["mask_is_tv1"].value == pytest.approx(inception_score(dark, 1)[0])
    same = loaded.set_scores(pools["target"], None)
    assert same["fid_tf_test"].value == same["kid_clean_test"].value == 0
    clean = [pools[kind].features["inception_clean@1 features"] for kind in ("generated", "target")]
    wanted_kid = kid(clean[0], clean[1])[0]
    assert scores["kid_clean_test"].value == pytest.approx(wanted_kid)


def outputs_of(network: SmallNetwork | Distance, shown: Tensor) -> Tensor:
    assert isinstance(network, SmallNetwork)
    return torch.cat([network.outputs(part) for part in torch.split(shown, network.batch)])


def test_one_column_alone_of_pictures(made: dict[str, SmallNetwork | Distance]) -> None:
    target, generated = pictures(24), pictures(24, 100)
    scaled = [images / 127.5 - 1 for images in (generated, target)]
    distance = network_metric("lpips_alex", *scaled, value_range=(-1, 1))
    torch.testing.assert_close(distance, (generated.double() - target.double()).abs().mean((1, 2, 3)))
    detected = network_metric("detection_score", generated)
    torch.testing.assert_close(detected, outputs_of(made["fastestdet@1"], generated)[:, 0].double())
    score = network_metric("is_tv1", generated)
    logits = outputs_of(made["inception_unit@1"], generated)[:, 2048:]
    assert score == pytest.approx(inception_score(logits, 1)[0])
    for column, distance_of in (("fid_clean_test", frechet), ("kid_clean_test", lambda x, y: kid(x, y)[0])):
        value = network_metric(column, generated, target[:20])
        features = [outputs_of(made["inception_clean@1"], shown)[:, :2048] for shown in (generated, target[:20])]
        assert value == pytest.approx(distance_of(*features), rel=1e-6)


@pytest.mark.parametrize(
    ("column", "count", "target", "message"),
    [
        ("lpips_alex", 12, None, "lpips_alex compares with a target"),
        ("lpips_alex", 12, "floats", "target is torch.float32, whose values may mean anything"),
        ("mask_is_tf10", 12, None, "needs masks: measure it by `evaluate`"),
        ("fid_tv_train", 12, "uint8", "needs training pictures: measure it by `evaluate`"),
        ("is_tf10", 9, None, "is_tf10, not measured: 9 pictures, and it takes 10"),
        ("fid_clean_test", 12, "one", "fid_clean_test, not measured: 1 pictures, and it takes 2"),
    ],
)
def test_one_column_alone_says_what_it_needs(
    made: dict[str, SmallNetwork | Distance], column: str, count: int, target: str | None, message: str
) -> None:
    targets = {"uint8": pictures(count), "floats": pictures(count) / 255, "one": pictures(1)}
    with pytest.raises(ValueError, match=message):
        network_metric(column, pictures(count), None if target is None else targets[target])


def test_one_column_alone_without_its_file(made: dict[str, SmallNetwork | Distance]) -> None:
    with pytest.raises(FileNotFoundError, match="look elsewhere"):
        network_metric("ds", pictures(2))
    with pytest.raises(KeyError, match="did you mean 'lpips_alex'"):
        network_metric("lpips_alexx", pictures(2), pictures(2))


def test_real_pictures_are_seen_once(made: dict[str, SmallNetwork | Distance]) -> None:
    loaded, shown = MetricNetworks.load(("detection_score",)), pictures(4)
    network = made["fastestdet@1"]
    assert isinstance(network, SmallNetwork)
    first = loaded.run({"target": shown[[0, 1, 0, 2]]})["target"].columns["detection_score"]
    assert network.shown == 3
    second = loaded.run({"target": shown[[2, 3]], "source": shown[[1, 0]]})
    assert network.shown == 4
    assert torch.equal(second["source"].columns["detection_score"].values, first.values[[1, 0]])
    changed = shown.clone()
    changed[0, 0, 0, 0] ^= 1
    loaded.run({"target": changed[:1]})
    assert network.shown == 5, "another pixel, another picture"
    loaded.run({"generated": shown})
    loaded.run({"generated": shown})
    assert network.shown == 13, "generated pictures come once and are not kept"


def test_without_masks_or_with_few_pictures(made: dict[str, SmallNetwork | Distance]) -> None:
    loaded = MetricNetworks.load(("is_tf10", "mask_is_tf10", "fid_tf_test", "kid_clean_test"))
    pool = FeatureBuffer(10)
    pool.put(0, loaded.run({"generated": pictures(10)})["generated"].features)
    assert "inception_tf@1 masked logits" not in pool.features
    assert set(loaded.set_scores(pool, pool.part(torch.arange(5)))) == {"is_tf10", "fid_tf_test", "kid_clean_test"}
    loaded.leave_out_small_sets(9, 9)
    assert loaded.missing == dict.fromkeys(("is_tf10", "mask_is_tf10"), "not measured: 9 pictures, and it takes 10")
    assert loaded.columns == ("fid_tf_test", "kid_clean_test")
    loaded.leave_out_small_sets(9, 1)
    assert loaded.columns == ()
    assert loaded.missing["kid_clean_test"] == "not measured: 1 pictures, and it takes 2"
    with pytest.raises(KeyError, match="no column of networks is called 'lpips_alexx'; did you mean 'lpips_alex'"):
        MetricNetworks.load(("lpips_alexx",))


def trained_on(folder: Path, training: int) -> Store:
    """Two test pictures; of the training pictures only the first two are in the list of pairs."""
    with StoreWriter(folder, 256, 176, "made") as writer:
        for number in range(2 + training):
            split, person = ("test", "p") if number < 2 else ("train", "q")
            writer.add(f"{number}.jpg", person, *figure(number, 256, 176), split=split)
        listed = {"test": [("0.jpg", "1.jpg"), ("1.jpg", "0.jpg")], "train": [("2.jpg", "3.jpg")]}
        writer.finish({split: pairs for split, pairs in listed.items() if split == "test" or training > 1})
    return Store.open(folder)


def test_sets_by_direction_and_targets_once(made: dict[str, SmallNetwork | Distance], tmp_path: Path) -> None:
    """The Inception Score of both directions is the mean of each one's; a target of three pairs is one picture."""
    with StoreWriter(tmp_path / "s", 256, 176, "made") as writer:
        for number in range(6):
            writer.add(f"{number}.png", "p", *figure(number, 256, 176), split="test")
        writer.finish(
            {"test": [(f"{number}.png", f"{number % 3 + 3}.png") for number in (0, 1, 2)] + [("4.png", "3.png")]}
        )
    data = Store.open(tmp_path / "s")
    small = Protocol("small", 1, "fashion", directions="both", networks=("is_tv1", "kid_clean_test", "fid_clean_test"))
    evaluation = evaluate(small, data)
    images = [torch.from_numpy(figure(number, 256, 176)[0]).movedim(-1, 0) for number in range(6)]

    def rows(name: str, numbers: Sequence[int]) -> Tensor:
        return torch.cat([made[name].outputs(images[number][None]) for number in numbers])  # type: ignore[union-attr]

    given, back = [0, 1, 2, 4], [3, 4, 5, 3]
    scored = [inception_score(rows("inception_unit@1", numbers)[:, 2048:], 1)[0] for numbers in (given, back)]
    assert evaluation["source"].scores["is_tv1"].value == pytest.approx(sum(scored) / 2)
    once = [3, 4, 5], [0, 1, 2, 4]
    clean = [[rows("inception_clean@1", numbers)[:, :2048] for numbers in way] for way in ((given, back), once)]
    for column, distance in (("fid_clean_test", frechet), ("kid_clean_test", lambda x, y: kid(x, y)[0])):
        wanted = [distance(generated, target) for generated, target in zip(*clean, strict=True)]
        assert evaluation["source"].scores[column].value == pytest.approx(sum(wanted) / 2, rel=1e-6)
        assert evaluation["target"].scores[column].value == 0


def test_networks_that_see_no_padding(
    made: dict[str, SmallNetwork | Distance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their pictures are the crop, the training pictures too; those of the other networks have the padding."""
    data, widths = trained_on(tmp_path / "s", 3), {}

    def statistics(_: MetricNetworks, read: ReadPictures, count: int, *about: object) -> ReferenceStatistics:
        names = about[-1]
        assert isinstance(names, list)
        widths.update({name: read(0, count).shape[-1] for name in names})
        return ReferenceStatistics(count, "", {name: moments(torch.ones(2, 4)) for name in names})

    monkeypatch.setattr(importlib.import_module("repose.metrics.evaluate"), "reference_statistics", statistics)
    monkeypatch.setattr(networks, "frechet", lambda one, two: 0.0)
    columns = ("fid_tv_train", "fid_clean_train", "lpips_alex", "lpips_vgg", "is_tv1")
    bare = Protocol("p", 1, "fashion", networks=columns)
    wide = replace(bare, version=2, padding=(40, 0, 40, 0))
    unpadded = ("inception_imagenet@1", "inception_unit@1", "lpips_alex@0.1")
    found = []
    for one in (bare, wide, replace(wide, version=3, unpadded=unpadded)):
        made.clear()  # the numbers of a small network begin with how many there are
        found.append(evaluate(one, data)["source"].scores)
    for name in ("lpips_alex", "lpips_vgg", "is_tv1"):
        of_bare, of_wide, got = (scores[name].value for scores in found)
        assert of_bare != of_wide, name
        assert got == (of_bare if COLUMNS[name].network in unpadded else of_wide), name
    assert widths == {"inception_imagenet@1": 176, "inception_clean@1": 256}


def test_further_columns_beside_the_protocols(
    made: dict[str, SmallNetwork | Distance], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, told = trained_on(tmp_path / "s", 3), []
    settings = EvaluationSettings(also=("lpips_vgg", "fid_clean_train", "mask_is_tv1", "ds"))
    evaluation = evaluate("patn-fashion@1", data, settings=settings, progress=lambda *now: told.append(now))
    assert str(evaluation.protocol) == "patn-fashion@1"
    found = evaluation["source"].scores
    assert found["lpips_vgg"].value > 0
    assert found["fid_clean_train"].value > 0
    missing = evaluation.line()["networks_missing"]
    assert missing["ds"] == "ssd300_vgg16_coco-b556d3b4.pth"
    assert missing["mask_is_tv1"] == "not measured: patn-fashion@1 has no mask"
    assert "look elsewhere" in caplog.text, "where to put the missing file"
    assert told[-1] == ("inception_clean@1", 3, 3)
    for switch in (True, False):
        with pytest.raises(KeyError, match="did you mean 'lpips_vgg'"):
            evaluate("patn-fashion@1", data, settings=EvaluationSettings(features=switch, also=("lpips_vg",)))


def test_every_score_lies_in_the_range_of_its_column(made: dict[str, SmallNetwork | Distance], tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", 128, 64, "made") as writer:
        for number in range(16):
            split, person = ("test", "p") if number < 12 else ("train", "q")
            writer.add(f"{number}.png", person, *figure(number), split=split)
        listed = [(f"{number}.png", f"{(number + 1) % 12}.png") for number in range(12)]
        writer.finish({"test": listed, "train": [("12.png", "13.png")]})
    protocol = Protocol("every", 1, "market", ssim=WANG, mask=MaskVariant(), local_ssim=WANG)
    settings = EvaluationSettings(estimator=Reader(), also=columns_from("network"))
    evaluation = evaluate(protocol, Store.open(tmp_path / "s"), lambda pair: 0.9 * pair.source.image, settings)
    found = {name: score for row in evaluation.rows for name, score in row.scores.items()}
    assert set(found) >= {*columns_from("network"), "local_ssim", "mask_ssim", "pckh", "pckh_csv"} - {"ds"}
    for row in evaluation.rows:
        for name, score in row.scores.items():
            low, high = COLUMNS[name].range
            assert low - 1e-6 <= score.value <= high + 1e-6 or name == "detection_score", f"{row.kind} {name} {score}"


def test_a_column_of_a_known_network_is_data_alone(
    made: dict[str, SmallNetwork | Distance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/extending.md promises it: an Inception Score of clean-fid's network in three splits, of masked pictures."""
    column = replace(COLUMNS["mask_is_tf10"], name="ours", network="inception_clean@1", splits=3)
    monkeypatch.setitem(COLUMNS, "ours", column)  # type: ignore[arg-type]
    data = fill(tmp_path / "s", 7)
    evaluation = evaluate("patn-market@1", data, settings=EvaluationSettings(also=("ours",)))
    target = torch.from_numpy(np.stack([figure((view + 1) % 7)[0] for view in range(7)])).movedim(-1, 1)
    mask = mask_of(protocol("patn-market"), data.person((torch.arange(7) + 1) % 7))
    logits = outputs_of(made["inception_clean@1"], target * mask)[:, 2048:]
    assert evaluation["target"].scores["ours"].value == pytest.approx(inception_score(logits, 3)[0])
    assert "mask-IS" in evaluation.markdown()


def test_a_store_without_training_pictures_says_what_it_lacks(
    made: dict[str, SmallNetwork | Distance], tmp_path: Path
) -> None:
    data = trained_on(tmp_path / "s", 0)
    evaluation = evaluate("pinet-fashion", data)
    why = "not measured: no pictures of split 'train'"
    few = "not measured: 2 pictures, and it takes 10"
    assert evaluation.line()["networks_missing"] == {"fid_tv_train": why, "is_tf10": few}
    assert set(evaluation.line()["networks"]) == {"lpips_alex"}
    assert f"{why} (FID (torchvision, train))" in evaluation.markdown()
    assert f"| {why} |" in evaluation.markdown()
    assert "weights missing: not" not in evaluation.markdown() + html([evaluation], lambda _: [])
    off = evaluate("pinet-fashion", data, settings=EvaluationSettings(features=False))
    assert off.line()["networks_left_out"] == ["is_tf10", "lpips_alex", "fid_tv_train"]
    assert "features off, so not measured: IS, LPIPS (Alex), FID (torchvision, train)" in off.markdown()


def test_one_training_picture_is_refused_before_anything_is_measured(
    made: dict[str, SmallNetwork | Distance], tmp_path: Path
) -> None:
    def generate(_: Pair) -> Tensor:
        raise AssertionError("asked for a picture")

    with pytest.raises(ValueError, match=r"split 'train' has one picture, .* for fid_tv_train need two"):
        evaluate("pinet-fashion", trained_on(tmp_path / "s", 1), generate)


def test_the_reference_set_is_every_training_picture(
    made: dict[str, SmallNetwork | Distance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets: list[Tensor] = []

    def statistics(loaded: MetricNetworks, read: ReadPictures, count: int, *more: object) -> ReferenceStatistics:
        sets.append(read(0, count))
        return reference_statistics(loaded, read, count, tmp_path / "kept")

    monkeypatch.setattr(importlib.import_module("repose.metrics.evaluate"), "reference_statistics", statistics)
    data = trained_on(tmp_path / "s", 5)
    assert evaluate("pinet-fashion", data)["target"].scores["fid_tv_train"].value > 0
    wanted = torch.from_numpy(np.stack([figure(number, 256, 176)[0] for number in range(2, 7)])).movedim(-1, 1)
    assert torch.equal(sets[0], wanted), "also those of no listed pair"


def test_every_file_is_in_the_table() -> None:
    assert {COLUMNS[column].network for column in columns_from("network")} == set(NETWORKS)
    for network in NETWORKS.values():
        for file in network.files:
            assert len(FILES[file].sha256) == 64
            assert FILES[file].url is not None


def test_missing_files_are_named_and_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(AlexNet().state_dict(), tmp_path / "alexnet-owt-7be5be79.pth")
    widths = (64, 192, 384, 256, 256)
    linear = {f"lin{k}.model.1.weight": torch.rand(1, width, 1, 1) for k, width in enumerate(widths)}
    torch.save(linear, tmp_path / "alex.pth")
    for name, path in (("alexnet-owt-7be5be79.pth", "alexnet-owt-7be5be79.pth"), ("lpips_v0.1_alex.pth", "alex.pth")):
        digits = hashlib.sha256((tmp_path / path).read_bytes()).hexdigest()
        monkeypatch.setitem(FILES, name, replace(FILES[name], sha256=digits))
    monkeypatch.setenv("REPOSE_FILES", str(tmp_path))
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    before = torch.random.get_rng_state()
    loaded = MetricNetworks.load(("lpips_alex", "lpips_vgg", "fid_clean_test"))
    assert torch.equal(before, torch.random.get_rng_state()), "loading does not draw from the caller's numbers"
    assert loaded.columns == ("lpips_alex",)
    assert loaded.missing == {
        "lpips_vgg": "vgg16-397923af.pth",
        "fid_clean_test": "pt_inception-2015-12-05-6726825d.pth",
    }
    for told in ("https://download.pytorch.org/models/vgg16-397923af.pth", "REPOSE_FILES", str(tmp_path / "cache")):
        assert told in loaded.details["lpips_vgg"]
    target, generated = pictures(6), pictures(6, 50)
    found = loaded.run({"target": target, "generated": generated})
    column = found["generated"].columns["lpips_alex"]
    assert isinstance(column, PairScores)
    assert found["target"].columns["lpips_alex"].values.eq(0).all()
    network = AlexNet()
    network.load(torch.load(tmp_path / "alexnet-owt-7be5be79.pth", weights_only=True))
    for at in range(6):  # straight from the definition, one picture, in float64
        wanted = 0.0
        taps = [network(one[at : at + 1].float() / 255) for one in (target, generated)]
        for k, tap in enumerate(AlexNet().taps):
            x, y = (found[tap][0].double() for found in taps)
            x, y = (one / one.norm(dim=0).clamp_min(1e-12) for one in (x, y))
            weight = linear[f"lin{k}.model.1.weight"].double().view(-1, 1, 1)
            wanted += float(((x - y) ** 2 * weight).sum(0).mean())
        assert float(column.values[at]) == pytest.approx(wanted, rel=1e-5)


# -- the real detector ----------------------------------------------------------------------------------------------


@pytest.fixture
def detector(shared: Path, monkeypatch: pytest.MonkeyPatch) -> MetricNetworks:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    loaded = MetricNetworks.load(("detection_score",))
    assert not loaded.missing
    return loaded


def test_the_small_detector_finds_people(detector: MetricNetworks, market: Path) -> None:
    from PIL import Image

    files = sorted((market / "bounding_box_test").glob("*.jpg"))[::30][:10]
    people = torch.stack([torch.from_numpy(np.array(Image.open(f).convert("RGB"))) for f in files]).movedim(-1, 1)
    noise = torch.randint(0, 256, people.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    blurred = F.avg_pool2d(people.float(), 17, 1, 8).to(torch.uint8)

    def score(shown: Tensor) -> float:
        return float(detector.run({"generated": shown})["generated"].columns["detection_score"].values.mean())

    real = score(people)
    assert real > 0.6
    assert score(people.flip(1)) < real - 0.05, "it wants BGR"
    assert score(blurred) < 0.1
    assert score(noise) < real - 0.15, "an upright box alone is a little of a person to it"
    assert score(people.transpose(2, 3)) < real - 0.1, "wide pictures are taken, lying people are harder to find"


def test_the_detector_against_plain_numbers(detector: MetricNetworks, shared: Path) -> None:
    """Its own decoding, cell by cell."""
    runtime = importlib.import_module("onnxruntime")
    picture = pictures(1)
    x = np.full((3, 128, 128), 127, np.float32)
    x[:, :, 32:96] = picture[0].numpy()
    resized = F.interpolate(torch.from_numpy(x[None, ::-1].copy() / 255), size=(352, 352), mode="bilinear")
    (out,) = runtime.InferenceSession(str(shared / "models" / "fastestdet_coco.onnx")).run(
        None, {"input.1": resized.numpy()}
    )
    best = max(out[0, 0, i, j] * out[0, 5, i, j] for i in range(22) for j in range(22))
    found = detector.run({"generated": picture})["generated"].columns["detection_score"].values
    assert float(found[0]) == pytest.approx(float(best), rel=1e-4)


def test_without_onnxruntime(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    loaded = MetricNetworks.load(("detection_score",))
    assert loaded.missing == {"detection_score": "onnxruntime"}
    assert "pip install 'pose-transfer[onnx]'" in loaded.details["detection_score"]
