"""Statistics of a reference set: found again, never for another set, and gone on with after a cut."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from repose.hub.files import FILES
from repose.metrics import number_cache
from repose.metrics import reference_statistics as statistics
from repose.metrics.accumulators import FeatureBuffer, ReferenceStatistics
from repose.metrics.functional import frechet
from repose.metrics.networks import MetricNetworks
from repose.metrics.reference_statistics import reference_statistics
from repose.nn import inception

NAME = "inception_clean@1"


class SmallNetwork:
    """12 features, the mean colours of the quarters, and numbers in place of logits."""

    batch = 16

    def __init__(self) -> None:
        self.shown = 0

    def outputs(self, pictures: Tensor) -> Tensor:
        self.shown += len(pictures)
        rows = torch.nn.functional.adaptive_avg_pool2d(pictures.float(), 2).flatten(1)
        return torch.cat([rows, torch.full((len(pictures), 3), torch.nan)], 1)


class Pictures:
    """Random pictures 8x8; may break off at one of them."""

    def __init__(self, count: int, seed: int = 0, breaks_at: int | None = None) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.all = torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=generator)
        self.breaks_at = breaks_at
        self.passes = 0

    def __call__(self, start: int, stop: int) -> Tensor:
        self.passes += start == 0
        if self.passes > 1 and self.breaks_at is not None and stop > self.breaks_at:  # the first pass hashes
            raise KeyboardInterrupt
        return self.all[start:stop]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_BATCH", 16)
    monkeypatch.setattr(statistics, "_SAVE_AFTER", 32)
    monkeypatch.setattr(inception, "FEATURES", 12)


def networks(network: SmallNetwork) -> MetricNetworks:
    return MetricNetworks({NAME: network}, ("fid_clean_train", "fid_clean_test"), {}, {})


def test_computed_once_and_right(small: None, tmp_path: Path) -> None:
    network, read = SmallNetwork(), Pictures(100)
    told: list[tuple[str, int, int]] = []
    first = reference_statistics(networks(network), read, 100, tmp_path / "deep", lambda *now: told.append(now))
    assert network.shown == 100
    assert told[-1] == (NAME, 100, 100)
    rows = SmallNetwork().outputs(read.all)[:, :12].double()
    torch.testing.assert_close(first.of(NAME).mean, rows.mean(0))
    root = first.of(NAME).root
    torch.testing.assert_close(root.T @ root, torch.cov(rows.T))
    second = reference_statistics(networks(network), read, 100, tmp_path / "deep")
    assert network.shown == 100, "read from disk"
    assert torch.equal(second.of(NAME).root, root)
    assert (first.count, first.pictures) == (second.count, second.pictures)
    assert [p.suffix for p in (tmp_path / "deep").iterdir()] == [".safetensors"], "nothing else is left behind"


def test_feeds_the_columns_of_training(small: None, tmp_path: Path) -> None:
    network = SmallNetwork()
    seen, train, made = networks(network), Pictures(90), Pictures(40, seed=1)
    pools = {kind: FeatureBuffer(40) for kind in ("generated", "target")}
    shown = {"generated": made.all, "target": Pictures(40, seed=2).all}
    for kind, found in seen.run(shown).items():
        pools[kind].put(0, found.features)
    scores = seen.set_scores(pools["generated"], pools["target"], reference_statistics(seen, train, 90, tmp_path))
    wanted = frechet(network.outputs(made.all)[:, :12], network.outputs(train.all)[:, :12])
    assert scores["fid_clean_train"].value == pytest.approx(wanted, rel=1e-6)
    assert scores["fid_clean_train"].value != pytest.approx(scores["fid_clean_test"].value, rel=1e-3)
    with pytest.raises(ValueError, match=r"no statistics of inception_clean@1, only of other"):
        seen.set_scores(
            pools["generated"],
            pools["target"],
            ReferenceStatistics(2, "", {"other": pools["target"].moments(f"{NAME} features")}),
        )


def test_a_run_cut_off_goes_on(small: None, tmp_path: Path) -> None:
    network = SmallNetwork()
    with pytest.raises(KeyboardInterrupt):
        reference_statistics(networks(network), Pictures(100, breaks_at=80), 100, tmp_path)
    assert network.shown == 80
    assert [p.suffix for p in tmp_path.iterdir()] == [".partial"]
    whole, again = (
        reference_statistics(networks(SmallNetwork()), Pictures(100), 100, tmp_path / "elsewhere"),
        SmallNetwork(),
    )
    found = reference_statistics(networks(again), Pictures(100), 100, tmp_path)
    assert again.shown == 100 - 64, "64 were saved"
    torch.testing.assert_close(found.of(NAME).mean, whole.of(NAME).mean)
    assert frechet(found.of(NAME), whole.of(NAME)) == pytest.approx(0, abs=1e-3)


def test_another_set_is_another_file(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = SmallNetwork()
    base = Pictures(40)
    reference_statistics(networks(network), base, 40, tmp_path)
    changed = Pictures(40)
    changed.all[17, 1, 3, 3] ^= 1
    reference_statistics(networks(network), changed, 40, tmp_path)
    reference_statistics(networks(network), base, 39, tmp_path)
    assert network.shown == 40 + 40 + 39
    name = "pt_inception-2015-12-05-6726825d.pth"
    monkeypatch.setitem(FILES, name, replace(FILES[name], sha256="0" * 64))
    reference_statistics(networks(network), base, 40, tmp_path)
    assert network.shown == 40 + 40 + 39 + 40, "other weights"
    assert len(list(tmp_path.iterdir())) == 4
    monkeypatch.setattr(statistics, "code_checksum", lambda *_: "mended", raising=False)
    reference_statistics(networks(network), base, 40, tmp_path)
    assert network.shown == 40 + 40 + 39 + 40 + 40, "pictures that are prepared otherwise"


def test_the_code_that_prepares_is_in_the_key() -> None:
    assert "nn/inception.py" in statistics._CODE, "inception.prepared resizes"
    assert number_cache.code_checksum(*statistics._CODE) not in (
        number_cache.code_checksum(*statistics._CODE[1:]),
        number_cache.code_checksum(),
    )


def test_a_damaged_file_is_made_again(small: None, tmp_path: Path) -> None:
    network, read = SmallNetwork(), Pictures(40)
    reference_statistics(networks(network), read, 40, tmp_path)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    for damage in (good[: len(good) // 2], b"", b"not a file of tensors"):
        file.write_bytes(damage)
        network.shown = 0
        reference_statistics(networks(network), read, 40, tmp_path)
        assert network.shown == 40
        assert file.read_bytes() == good


def test_a_disk_that_refuses_costs_only_time(small: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    network, read = SmallNetwork(), Pictures(40)
    for _ in range(2):
        found = reference_statistics(networks(network), read, 40, tmp_path / "file" / "folder")
        assert found.of(NAME).count == 40
    assert network.shown == 80


def test_wrong_pictures_are_refused(small: None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="need two pictures, got 1"):
        reference_statistics(networks(SmallNetwork()), Pictures(1), 1, tmp_path)
    with pytest.raises(ValueError, match=r"read\(0, 16\) must return uint8 \(16, 3, H, W\), got torch\.float32"):
        reference_statistics(networks(SmallNetwork()), lambda a, b: torch.zeros(b - a, 3, 8, 8), 40, tmp_path)
    with pytest.raises(ValueError, match=r"read\(32, 48\)"):
        reference_statistics(networks(SmallNetwork()), Pictures(40), 60, tmp_path)
