"""The benchmark of the forward pass: its arithmetic, its rows, and what it says of backends that do not run."""

import math

import pytest
import torch
from torch import nn

from repose.backends import BackendError
from repose.bench import forward
from repose.models.base import Generator, Needs, Output
from tests import tiny


class Known(Generator):
    """A network whose multiplications are counted by hand."""

    needs = Needs(source=("image",), target=())

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.up = nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ConvTranspose2d(5, 3, 4, 2, 1)

    def synthesise(self, *inputs: torch.Tensor) -> Output:
        return Output(self.up(self.conv(inputs[0])))

    def encode(self, *people: object) -> tuple[torch.Tensor, ...]:
        raise NotImplementedError


def test_multiplications_are_counted() -> None:
    by_hand = 2 * (3 * 5 * 9 * 8 * 6 + 5 * 3 * 16 * 8 * 6)  # output pixels of one, input pixels of the other
    assert forward.gmacs(Known(), [torch.zeros(2, 3, 16, 12)]) == pytest.approx(by_hand / 1e9, rel=1e-9)


def test_example_people_are_whole_and_repeatable() -> None:
    source, target = forward.example(64, 48, batch=2)
    assert source.image is not None
    assert source.keypoints is not None
    assert (source.image.shape, source.keypoints.shape) == ((2, 3, 64, 48), (2, 18, 3))
    assert (source.keypoints[..., 2] == 1).all()
    assert (source.keypoints[..., :2] <= torch.tensor([47.0, 63.0])).all()
    assert not torch.equal(source.image, target.image)
    assert torch.equal(forward.example(64, 48, batch=2)[1].keypoints, target.keypoints)


def test_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "find_recipe", tiny.recipe)
    monkeypatch.setattr(forward, "peak_gflops", lambda: 50.0)
    real = forward.prepare

    def prepare(name: str, *rest: object) -> object:
        if name == "ncnn":
            raise BackendError("ncnn is not installed: pip install it\nsecond line")
        if name == "openvino":
            raise RuntimeError("inside")
        return real(name, *rest)

    monkeypatch.setattr(forward, "prepare", prepare)
    said: list[str] = []
    result = forward.measure(
        "patn-s", 64, 32, 2, rounds=3, backends=("plain", "ncnn", "folded", "openvino"), say=said.append
    )
    rows = {row.backend: row for row in result.rows}
    assert list(rows) == ["plain", "ncnn", "folded", "openvino"]
    assert rows["ncnn"].note == "ncnn is not installed: pip install it"
    assert rows["openvino"].note == "RuntimeError: inside"
    assert math.isnan(rows["ncnn"].best)
    assert rows["plain"].difference == 0
    assert 0 <= rows["folded"].difference < 1e-3
    for name in ("plain", "folded"):
        row = rows[name]
        assert 0 < row.best <= row.median
        assert row.share == pytest.approx(2 * result.gmac / row.best / 50.0)
    assert (result.batch, result.height, result.width) == (2, 64, 32)
    assert result.parameters == sum(p.numel() for p in tiny.generator(tiny.recipe()).parameters())
    assert "patn-s: preparing folded" in said


def test_unknown_names_stop_before_any_work() -> None:
    with pytest.raises(KeyError, match="did you mean 'folded'"):
        forward.measure("patn-s", 64, 32, backends=("plain", "foldde"))
    with pytest.raises(KeyError, match="did you mean 'patn-s'"):
        forward.measure("patn-ss", 64, 32, backends=("plain",))


def test_peak_is_that_of_this_machine() -> None:
    peak = forward.peak_gflops(seconds=0.02)
    assert 0.5 < peak < 100_000
