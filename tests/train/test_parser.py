"""Training of the parser: it learns a few people by heart, and a resumed run gives the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repose.data.parsing_samples import ParsingSource, Samples
from repose.data.store import Store
from repose.estimate.parsing_network import ParsingNetwork, load_parser
from repose.person import LABELS, LIP_LABELS, Person
from repose.tensor_files import read_tensors
from repose.train import parser
from repose.train.parser import Plan, label_weights, load_state, ship, train

STORE = Path(__file__).parents[1] / "compatibility" / "files" / "store"
PLAN = Plan(
    first_steps=2,
    first_batch=2,
    first_height=64,
    first_width=64,
    steps=2,
    batch=2,
    height=96,
    width=64,
    warmup=2,
    log=1,
)


@pytest.fixture(scope="module")
def source() -> ParsingSource:
    return ParsingSource(Store.open(STORE), "train", None, 0, np.arange(4))


def quiet(text: str) -> None:
    """Nothing is printed."""


def run(folder: Path, plan: Plan, source: ParsingSource) -> ParsingNetwork:
    return train(folder, plan, source, say=quiet, pretrained=False)


class OneBatch(ParsingSource):
    """The same four crops at every step."""

    samples: Samples | None = None

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Samples:
        if self.samples is None:
            self.samples = super().batch(0, 4, size)
        return self.samples


def test_it_learns_four_crops_by_heart(tmp_path: Path) -> None:
    source = OneBatch(Store.open(STORE), "train", None, 0, np.arange(4))
    plan = replace(PLAN, first_steps=60, steps=0, rate=4e-3, warmup=4, encoder_rate=1.0, log=60)
    samples = source.batch(0, 4, (64, 64))
    net = run(tmp_path, plan, source)
    with torch.no_grad():
        given = net(samples.image, samples.keypoints, samples.body).argmax(1)
    true = samples.labels[:, ::2, ::2]
    person = true > 0
    overlap = float((person & (given > 0)).sum() / (person | (given > 0)).sum())
    right = (given == true)[person].float().mean()
    assert overlap > 0.65
    assert right > 0.7


def test_a_resumed_run_gives_the_same_bits(
    source: ParsingSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "whole", PLAN, source)

    class Stopped(Exception):  # noqa: N818  (nothing is wrong)
        pass

    def stop(text: str) -> None:
        if '"step": 3' in text:
            raise Stopped

    eager = replace(PLAN, save=-1.0)
    with pytest.raises(Stopped):
        train(tmp_path / "halves", eager, source, say=stop, pretrained=False)
    facts = read_tensors(tmp_path / "halves" / parser.STATE)[1]
    assert facts["step"] == "2", "the run stopped before its third checkpoint"
    halves = run(tmp_path / "halves", eager, source)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, halves.state_dict()[name]), name
    kept = load_state(tmp_path / "halves" / parser.STATE).state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in whole.state_dict().items())
    with pytest.raises(ValueError, match="another plan"):
        run(tmp_path / "halves", replace(eager, seed=1), source)
    ship(halves, tmp_path / "weights.safetensors")
    loaded = load_parser(tmp_path / "weights.safetensors").state_dict()
    assert torch.equal(loaded["last.weight"], halves.state_dict()["last.weight"].half().float())


def test_rare_labels_count_for_more() -> None:
    pixels = np.full(len(LIP_LABELS), 10.0)
    pixels[0], pixels[3] = 10**5, 1
    weight = label_weights(pixels)
    assert weight[3] >= weight[5] > weight[0]
    assert 0.5 <= float(weight.min()) <= float(weight.max()) <= 6


def test_the_neck_is_face_to_the_parser(source: ParsingSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a store whose people have the label neck, it is given the samples of one that has face in its place."""
    before, real = source.batch(3, 2, (64, 64)), Store.person

    def person(self: Store, indices: Any, fields: Sequence[str] | None = None) -> Person:
        one = real(self, indices, fields)
        if one.parsing is None:
            return one
        face = (one.parsing == LABELS.index("face")) & (torch.arange(one.parsing.shape[-1]) % 2 == 0)
        assert bool(face.any())
        return replace(one, parsing=torch.where(face, LABELS.index("neck"), one.parsing))

    monkeypatch.setattr(Store, "person", person)
    necks = ParsingSource(Store.open(STORE), "train", None, 0, np.arange(4))
    assert np.array_equal(necks.pixels, source.pixels)
    for mine, theirs in zip(vars(necks.batch(3, 2, (64, 64))).values(), vars(before).values(), strict=True):
        assert torch.equal(mine, theirs)
