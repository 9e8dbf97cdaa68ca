"""Identity and attributes: what the columns are, real people, and the proof on photographs."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from repose.data import Store
from repose.data.market1501 import Market1501, prepare_market1501
from repose.metrics import COLUMNS, EvaluationSettings, evaluate, network_metric
from repose.metrics.features import clothes_region, person_mask
from repose.metrics.networks import MetricNetworks
from repose.metrics.person_networks import ATTRIBUTES, PersonNetwork, attributes_kept, person_network
from repose.nn.openvino_graph import OpenVinoGraph
from repose.person import LIP_LABELS, Pair, Person
from repose.research.reidentification import PeopleTold, reidentification_table, retrieval, tell_people


def test_only_clear_attributes_of_the_reference_count() -> None:
    reference = torch.tensor([[0.9, 0.19, 0.5, 0.81], [0.79, 0.3, 0.5, 0.7], [0.0, 0.0, 1.0, 0.2]])
    picture = torch.tensor([[0.6, 0.4, 0.0, 0.1], [0.9, 0.9, 0.9, 0.9], [0.49, 0.5, 0.5, 0.3]])
    values, counts = attributes_kept(picture, reference)
    assert values.tolist() == pytest.approx([2 / 3, 0, 3 / 4])
    assert counts.tolist() == [1, 0, 1]
    assert attributes_kept(reference, reference)[0].tolist() == [1, 0, 1], "1 by construction for the target itself"


class Mean(OpenVinoGraph):
    """Gives the mean grey level of each colour, BGR, of pictures of 8x4; counts its pictures."""

    def __init__(self, origin: str) -> None:
        nn.Module.__init__(self)
        self.origin, self.input_shape, self.outputs, self.pictures = origin, (1, 3, 8, 4), ("mean", "other"), 0

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        assert pictures.shape[1:] == (3, 8, 4)
        self.pictures += len(pictures)
        means = pictures.mean((2, 3))
        return {"mean": means[..., None, None], "other": means * 0}


def test_pictures_reach_the_network_as_bgr_of_its_size() -> None:
    network = PersonNetwork(Mean("bgr"), torch.device("cpu"))
    colours = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    for height, width in ((8, 4), (128, 64), (5, 3)):
        assert network.outputs(colours.expand(2, 3, height, width)).tolist() == [[30, 20, 10]] * 2


def test_identity_compares_with_the_source_and_real_pictures_are_seen_once() -> None:
    graph = Mean("identity")
    people = PersonNetwork(graph, torch.device("cpu"))
    assert people.seen == {}
    loaded = MetricNetworks({"reid_0277@1": people}, ["identity_reid"], {}, {})
    assert loaded.references() == ("source",)
    torch.manual_seed(0)
    shown = {kind: torch.randint(0, 256, (3, 3, 8, 4), dtype=torch.uint8) for kind in ("target", "source", "generated")}
    outputs = loaded.run(shown, kinds=("generated",))
    flat = {kind: one.float().mean((2, 3)).double() for kind, one in shown.items()}
    wanted = torch.cosine_similarity(flat["generated"], flat["source"])
    torch.testing.assert_close(outputs["generated"].columns["identity_reid"].values, wanted, atol=1e-6, rtol=0)
    again = MetricNetworks({"reid_0277@1": PersonNetwork(graph, torch.device("cpu"))}, ["identity_reid"], {}, {})
    before = graph.pictures
    again.run(shown, kinds=("generated",))
    assert graph.pictures == before + 8, "of the second model only the generated pictures are new: one batch"


def test_clothing_looks_at_the_clothes_alone() -> None:
    loaded = MetricNetworks(
        {"reid_0277@1": PersonNetwork(Mean("clothing"), torch.device("cpu"))},
        ["identity_reid", "clothing_reid"], {}, {},
    )  # fmt: skip
    source = torch.tensor([200, 40, 10], dtype=torch.uint8).view(1, 3, 1, 1).repeat(3, 1, 8, 4)
    generated = source.clone()
    generated[:, :, :4] = 90  # another head
    generated[1, :, 4:] = torch.tensor([10, 200, 60], dtype=torch.uint8).view(3, 1, 1)  # other clothes, too
    region = torch.zeros(3, 1, 8, 4, dtype=torch.uint8)
    region[:2, :, 4:] = 1  # the third person has no clothes
    shown = {"source": source, "target": source, "generated": generated}
    outputs = loaded.run(shown, clothes=dict.fromkeys(shown, region))["generated"].columns
    assert outputs["clothing_reid"].weights.tolist() == [1, 1, 0]
    same, other, none = outputs["clothing_reid"].values.tolist()
    assert (same, none) == (pytest.approx(1, abs=1e-6), 0)
    means = [torch.tensor(colour).add(127) for colour in ([200.0, 40, 10], [10.0, 200, 60])]  # half of them is grey
    assert other == pytest.approx(float(torch.cosine_similarity(*means, dim=0)), abs=1e-6)
    assert outputs["identity_reid"].values[0] < 0.999, "the whole picture has another head"
    assert "clothing_reid" not in loaded.run(shown)["generated"].columns, "nobody said where the clothes are"
    with pytest.raises(ValueError, match="clothing_reid needs masks"):
        network_metric("clothing_reid", generated, source)


def test_where_clothes_are() -> None:
    keypoints = torch.ones(2, 18, 3)
    keypoints[..., 0], keypoints[..., 1] = 16, torch.linspace(20, 60, 18)
    keypoints[:, [0, 14, 15, 16, 17], 1] = 4  # nose, eyes, ears
    keypoints[1] = 0
    joints = Person(keypoints=keypoints, size=(64, 32))
    region, whole = clothes_region(joints), person_mask(joints)
    assert region[1].sum() == 0
    assert 0 < region[0].sum() <= whole[0].sum()
    assert region[0, 0, 2:5, 16].sum() == 0 < whole[0, 0, 2:5, 16].sum(), "the nose is no clothing"
    parsing = torch.zeros(2, 64, 32, dtype=torch.int64)
    parsing[0, 20:30] = LIP_LABELS.index("upper clothes")
    parsing[0, :10] = LIP_LABELS.index("face")
    assert clothes_region(replace(joints, parsing=parsing)).sum((1, 2, 3)).tolist() == [320, 0]


def test_a_protocol_with_both(shared: Path, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    prepare_market1501(Market1501(market, validation=5), tmp_path / "store")
    store = Store.open(tmp_path / "store")

    def copy(pair: Pair) -> Tensor:
        assert pair.source.image is not None
        return pair.source.image

    evaluation = evaluate("patn-market@3", store, copy, EvaluationSettings(limit=12))
    target, source, generated = (evaluation[kind].scores for kind in ("target", "source", "generated"))
    for column in ("identity_reid", "attributes", "lpips_alex"):
        assert generated[column].value == pytest.approx(source[column].value, abs=1e-6)
        low, high = COLUMNS[column].range
        assert low <= target[column].value <= high
    assert source["identity_reid"].value == pytest.approx(1)
    assert target["attributes"].value == pytest.approx(1)
    assert 0.2 < target["identity_reid"].value < 0.95
    assert target["lpips_alex"].value == 0 < source["lpips_alex"].value
    assert "identity" not in generated, "MobileNet's columns make room"
    assert "no file" in evaluation.markdown(), "Inception Score has none here"
    without = evaluate("patn-market@2", store, copy, EvaluationSettings(limit=12))
    assert "identity" in without["generated"].scores


def test_people_are_told_apart(shared: Path, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    prepare_market1501(Market1501(market, validation=5), tmp_path / "store")
    told = tell_people(Store.open(tmp_path / "store"), limit=6)
    assert told.people == 6
    assert tuple(told.attributes) == ATTRIBUTES
    large, small = told.networks.values()
    assert large.rank_1 > 0.9
    assert large.mean_average_precision > small.mean_average_precision - 0.02
    assert told.same > told.different
    assert PeopleTold.read(told.line()) == told
    line = told.line() | {"data": "market1501", "checksum": "abc", "commit": "1234", "hardware": "here"}
    text = reidentification_table([line])
    assert f"{large.rank_1:.3f}" in text
    assert "long hair" in text
    with pytest.raises(ValueError, match="no line of `repose research reidentification`"):
        reidentification_table([])


def test_retrieval_by_hand() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.8, 0.3]])
    person, camera = torch.tensor([0, 0, 1, 1]), torch.tensor([1, 2, 1, 2])
    found = retrieval(vectors, person, camera)
    # nearest to 0 is 1 and to 1 is 0 (right); to 2 is 3 (right); to 3 are 1, 0, then 2
    assert found.queries == 4
    assert found.rank_1 == pytest.approx(3 / 4)
    assert found.mean_average_precision == pytest.approx((1 + 1 + 1 + 1 / 3) / 4)
    with pytest.raises(ValueError, match="nobody was photographed by two cameras"):
        retrieval(vectors, person, torch.ones(4))


def test_one_column_alone(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    picture = torch.randint(0, 256, (1, 3, 128, 64), dtype=torch.uint8)
    assert float(network_metric("identity_reid", picture, picture)[0]) == pytest.approx(1)  # type: ignore[index]
    with pytest.raises(ValueError, match="identity_reid compares with"):
        network_metric("identity_reid", picture)


def test_files_of_another_network(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<net version='11'/>")
    with pytest.raises(ValueError, match="is no file of OpenVINO"):
        person_network([str(tmp_path / "a.xml"), str(tmp_path / "a.bin")], torch.device("cpu"))
