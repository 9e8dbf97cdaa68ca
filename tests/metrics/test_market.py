"""The reference rows on real photographs (a part of Market-1501, where it is at hand)."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repose.data import Store, StoreWriter
from repose.metrics import evaluate


def joints(market: Path) -> dict[str, np.ndarray]:
    found = {}
    for line in (market / "market-annotation-test.csv").read_text().splitlines()[1:]:
        name, y, x = line.split(":")
        points = np.array([json.loads(x), json.loads(y)], np.float32).T  # (18, 2)
        there = (points >= 0).all(1, keepdims=True)
        found[name] = np.concatenate([points * there, there], 1).astype(np.float32)
    return found


@pytest.fixture(scope="module")
def store(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """All listed pairs among the first test photographs, at most 100; else neighbours of one person."""
    photographs = sorted((market / "bounding_box_test").glob("*.jpg"))
    names = {path.name for path in photographs}
    with (market / "market-pairs-test.csv").open() as file:
        pairs = [(row["from"], row["to"]) for row in csv.DictReader(file)]
    pairs = [pair for pair in pairs if set(pair) <= names][:100]
    annotated = joints(market)
    with StoreWriter(tmp_path_factory.mktemp("stores") / "market", 128, 64, "market1501") as writer:
        for path in photographs:
            pixels = np.array(Image.open(path).convert("RGB"))
            writer.add(path.name, path.name[:4], pixels, annotated[path.name], split="test")
        writer.finish({"test": pairs})
    return Store.open(writer.folder)


def test_reference_rows_on_real_photographs(store: Store) -> None:
    evaluation = evaluate("patn-market", store)
    assert len(evaluation.pairs) >= 50
    source, target = evaluation["source"].scores, evaluation["target"].scores
    assert target["ssim"].value == pytest.approx(1, abs=1e-12)
    # all 3,906 pairs: SSIM 0.150, mask-SSIM 0.712, PSNR 12.3; a hundred of few people scatter around them
    assert source["ssim"].value == pytest.approx(0.15, abs=0.08)
    assert source["mask_ssim"].value == pytest.approx(0.71, abs=0.08)
    assert source["psnr"].value == pytest.approx(12.3, abs=2.5)
