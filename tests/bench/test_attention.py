"""Both ways of the attention agree, and what the benchmark says of memory is what a matrix of all pairs weighs."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from repose import cli
from repose.bench import attention
from repose.bench.workload import example, gmacs
from repose.models import build_generator, recipe
from repose.models.apatn import network

MIB = 2**20


@pytest.mark.parametrize("shape", [(2, 16, 32, 22), (1, 8, 64, 64)])
def test_both_ways_agree_forward_and_backward(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(shape) for _ in range(3)]
    weight = torch.randn(shape)
    results = {}
    for way, run in attention.WAYS.items():
        leaves = [x.clone().requires_grad_() for x in inputs]
        out = run(*leaves)
        results[way] = [out.detach(), *torch.autograd.grad((out * weight).sum(), leaves)]
    for plain, fused in zip(results["plain"], results["fused"], strict=True):
        torch.testing.assert_close(fused, plain, rtol=0, atol=1e-5 * max(1.0, float(plain.abs().max())))


def test_the_same_generator_goes_either_way() -> None:
    before = network.attend
    one, other = (attention.attention_run("apatn-s", way, 64, 44) for way in attention.WAYS)
    picture = one.forward()
    assert picture.std() > 1e-3
    torch.testing.assert_close(other.forward(), picture, rtol=0, atol=1e-5)
    assert network.attend is before


def test_the_arithmetic_of_the_fused_way_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = build_generator(recipe("apatn-s")).eval()
    inputs = generator.encode(*example(64, 44))
    fused = gmacs(generator, inputs)
    monkeypatch.setattr(network, "attend", attention.plain_attention)
    assert gmacs(generator, inputs) == fused


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of memory")
def test_only_the_plain_way_holds_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    matrix = (48 * 48) ** 2 * 4 / MIB
    plain, fused = (attention._memory("attention", way, 192, 192, backward=True) for way in attention.WAYS)
    assert plain > 2 * matrix
    assert fused < matrix


def test_measure_and_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    peaks = iter([10.0, 20.0, 1.0, 2.0] * 2)
    monkeypatch.setattr(attention, "_memory", lambda *_: next(peaks))
    found = attention.time_attention("attention", 64, 32, rounds=2)
    assert attention.AttentionCost.read(json.loads(json.dumps(found.line()))) == found
    assert found.places == 16 * 8
    assert [(row.way, row.forward_mib, row.both_mib) for row in found.rows] == [("plain", 10, 20), ("fused", 1, 2)]
    assert all(0 < row.forward <= row.forward_median for row in found.rows)
    assert all(0 < row.both <= row.both_median for row in found.rows)
    assert found.difference < 1e-5
    assert found.gradient_difference < 1e-5
    results = tmp_path / "results.jsonl"
    words = ["bench", "attention", "attention", "--size", "64x32", "--rounds", "1", "--results", str(results)]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    line = json.loads(results.read_text())
    assert (line["bench"], line["what"], line["places"]) == ("attention", "attention", 128)
    assert {"commit", "hardware", "threads", "seed"} <= line.keys()


def test_what_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="no such quarter"):
        attention.time_attention("attention", 62, 32)
    with pytest.raises(ValueError, match="patn-s has no such attention; name a recipe of apatn"):
        attention.time_attention("patn-s", 64, 32)
    with pytest.raises(KeyError, match="did you mean 'apatn-s'"):
        attention.time_attention("apatn-ss", 64, 32)


def test_attention_fused_and_plain() -> None:
    rows = [
        {
            "way": way,
            "forward": 0.143,
            "forward_median": 0.144,
            "both": 0.368,
            "both_median": 0.369,
            "forward_mib": 132.2,
            "both_mib": 266.7,
        }
        for way in ("plain", "fused")
    ]
    line = {
        "bench": "attention", "what": "attention", "height": 256, "width": 256, "places": 4096, "threads": 2,
        "difference": 7.1e-7, "gradient_difference": 5e-7, "rows": rows, "hardware": "a box", "torch": "2.6",
        "commit": "abc", "date": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    text = attention.attention_table([line])
    assert "| one block's attention | 256x256, 4,096 places | fused | 0.143 | 132 | 0.368 | 267 |" in text
    assert "differs by 7e-07 at most" in text
    with pytest.raises(ValueError, match="repose bench attention"):
        attention.attention_table([])
