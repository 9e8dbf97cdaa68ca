"""The benchmark of the forward pass: its arithmetic, its rows, and what it says of backends that do not run."""

import itertools
import json
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from repose.backends import BackendError
from repose.bench import forward, peak, workload
from repose.bench.forward import forward_table
from repose.models.base import Generator, Needs, Output
from repose.record import _finite
from tests import tiny
from tests.lines import forward_line, rows_of


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
    assert workload.gmacs(Known(), [torch.zeros(2, 3, 16, 12)]) == pytest.approx(by_hand / 1e9, rel=1e-9)


def test_example_people_are_whole_and_repeatable() -> None:
    source, target = workload.example(64, 48, batch=2)
    assert source.image is not None
    assert source.keypoints is not None
    assert (source.image.shape, source.keypoints.shape) == ((2, 3, 64, 48), (2, 18, 3))
    assert (source.keypoints[..., 2] == 1).all()
    assert (source.keypoints[..., :2] <= torch.tensor([47.0, 63.0])).all()
    assert not torch.equal(source.image, target.image)
    assert torch.equal(workload.example(64, 48, batch=2)[1].keypoints, target.keypoints)


def test_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "find_recipe", tiny.recipe)
    monkeypatch.setattr(forward, "peak_gflops", lambda: 50.0)
    real = forward.image_function

    def image_function(name: str, *rest: object) -> object:
        if name == "ncnn":
            raise BackendError("ncnn is not installed: pip install it\nsecond line")
        if name == "openvino":
            raise RuntimeError("inside")
        return real(name, *rest)

    monkeypatch.setattr(forward, "image_function", image_function)
    said: list[str] = []
    result = forward.time_forward(
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
    line = json.loads(json.dumps(_finite(result.line())))
    assert (line["bench"], line["seed"], line["rows"][1]["best"]) == ("forward", 0, None)
    assert repr(forward.ForwardTimes.read(line)) == repr(result), "NaN is null in the file"


def test_unknown_names_stop_before_any_work() -> None:
    with pytest.raises(KeyError, match="did you mean 'folded'"):
        forward.time_forward("patn-s", 64, 32, backends=("plain", "foldde"))
    with pytest.raises(KeyError, match="did you mean 'patn-s'"):
        forward.time_forward("patn-ss", 64, 32, backends=("plain",))


def test_peak_is_the_best_of_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(peak, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    # on this clock every job takes a second, so the one with the most arithmetic is the peak
    assert peak.peak_gflops(seconds=2) == pytest.approx(2 * 2048**3 / 1e9)


# -- a difference must be able to show ------------------------------------------------------------------------------


def test_a_fresh_network_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    def grey(name: str, generator: Generator, inputs: list[torch.Tensor]) -> object:
        assert not generator.training
        assert all(m.momentum == 0.1 and not m.training for m in generator.modules() if isinstance(m, nn.BatchNorm2d))
        seen.append(generator.synthesise(*inputs).image)
        return lambda *values: torch.zeros_like(values[0])

    monkeypatch.setattr(forward, "image_function", grey)
    monkeypatch.setattr(forward, "peak_gflops", lambda: 50.0)
    (row,) = forward.time_forward("multiscale-s", 64, 48, rounds=1, backends=("plain",)).rows
    assert row.difference > 0.2, "a backend that gives grey is found out"
    assert seen[0].std() > forward.CONTRAST
    assert (seen[0].abs() > 0.99).float().mean() < 0.01, "nor does tanh hide what differs"


def test_a_grey_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "settle", lambda generator, inputs: generator.eval())
    with pytest.raises(ValueError, match="multiscale-s: the picture of the fresh network is grey"):
        forward.time_forward("multiscale-s", 64, 48, rounds=1, backends=("plain",))


def test_settling_leaves_dropout_off() -> None:
    first, second = (tiny.recipe("patn-market", "network.dropout=0.9") for _ in range(2))
    generators = [tiny.generator(made) for made in (first, second)]
    inputs = generators[0].encode(*workload.example(64, 32))
    for seed, generator in enumerate(generators):
        torch.manual_seed(seed)
        workload.settle(generator, inputs)
    for one, other in zip(generators[0].buffers(), generators[1].buffers(), strict=True):
        assert torch.equal(one, other)


# -- the line and the table -----------------------------------------------------------------------------------------


def test_forward_times() -> None:
    extra = {"backend": "ncnn", "best": None, "median": None, "share": None, "difference": None, "note": "none"}
    new = forward_line("b", day=3, best=0.5)
    new["rows"] = [*new["rows"], extra]
    small = forward_line("b", day=9, best=0.001, height=64, width=32)
    text = forward_table([forward_line("a"), forward_line("b", best=9.0), new, small])
    rows = rows_of(text)
    assert rows["backend"] == ["`a` s", "of peak", "difference", "`b` s", "of peak", "difference"]
    assert rows["`plain`"] == ["0.250", "50%", "0e+00", "0.500", "50%", "0e+00"]
    assert rows["`ncnn`"] == ["not tried", "", "", "did not run", "", ""]
    assert "`a` 71.9 GMAC at 256x176" in text
    assert "Threads: 2; a box; torch 2.6; commit `abc`." in text
    new["rows"][0]["difference"] = None
    assert rows_of(forward_table([new]))["`plain`"][2] == "NaN"


def test_pictures_a_second_from_end_to_end() -> None:
    ran = forward_line("a", best=0.15, around=0.05, batch=1)
    slow = {**ran["rows"][0], "backend": "slow", "best": 0.45}
    ran["rows"].append(slow)
    assert "`a` end to end, joints given, 5.0 pictures a second by `plain`" in forward_table([ran])
    assert "end to end" not in forward_table([forward_line("a")]), "an older line does not say what lies around"
    none = forward_line("b", best=None, around=0.05)
    text = forward_table([ran, none])
    assert "5.0 pictures a second" in text
    assert "`b` end to end" not in text, "nothing ran"
    assert "end to end" not in forward_table([forward_line("b", best=None)])
