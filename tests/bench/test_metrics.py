"""What the metrics cost, on a small store."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from repose.bench.metrics import MetricTimes, metrics_table, print_metrics, time_metrics
from repose.metrics import PROTOCOLS
from tests.lines import rows_of
from tests.metrics.stores import fill


def test_each_metric_is_timed_beside_its_oracle(tmp_path: Path) -> None:
    measured = time_metrics(fill(tmp_path / "fashion", 3, 256, 176), pairs=2, rounds=1, whole=2)
    beside = {one.name: one for one in measured.timings if one.theirs is not None}
    assert set(beside) == {"SSIM (Gaussian 1.5)", "SSIM (7x7)", "SSIM (51x51)", "mask-SSIM", "PSNR"}
    assert all((one.apart or 0) < 1e-6 for one in beside.values())
    assert all(one.ours > 0 for one in measured.timings)
    assert {"patn-fashion@2", "people-fashion@1", "fashion-256@1", "every metric"} <= set(measured.protocols)
    assert "roy-fashion@1" not in measured.protocols, "of another size"
    assert set(measured.protocols) - {"every metric"} <= set(PROTOCOLS)
    assert "patn-fashion-jpeg@1" not in measured.protocols, "files are not timed"
    assert set(measured.clocked) == set(measured.protocols)
    assert all(seconds > 0 for seconds in measured.clocked.values())
    assert measured.whole == 2
    line = measured.line()
    assert line["bench"] == "metrics"
    assert line["timings"][0]["name"] == "SSIM (Gaussian 1.5)"
    assert MetricTimes.read(json.loads(json.dumps(line))) == measured
    screen = Console(file=io.StringIO(), width=120)
    print_metrics(measured, screen)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert all(one.name in shown for one in measured.timings)


def test_a_size_without_a_canvas(tmp_path: Path) -> None:
    odd = time_metrics(fill(tmp_path / "odd", 2, 192, 192), pairs=2, rounds=1, whole=2)
    assert set(odd.protocols) == {"every metric"}
    assert odd.clocked == {}, "no protocol evaluates it"


def test_what_the_metrics_cost() -> None:
    line = {
        "bench": "metrics", "timings": [{"name": "SSIM", "ours": 3.0, "theirs": 8.0, "apart": 4e-7},
                                        {"name": "L1", "ours": 0.2, "theirs": None, "apart": None}],
        "protocols": {}, "reading": 0.3, "clocked": {"patn-fashion@2": 21.4}, "whole": 8570, "cores": 2,
        "pairs": 24, "height": 256, "width": 176, "rounds": 3, "threads": 1,
        "share": 0.08, "data": "people-fashion", "hardware": "a box", "torch": "2.6",
        "commit": "abc", "date": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    text = metrics_table([line])
    assert rows_of(text)["SSIM"] == ["3.00", "8.00", "4e-07"]
    assert rows_of(text)["L1"] == ["0.20", "", ""]
    assert "by the clock for 8,570 pairs on 2 cores" in text
    assert "`patn-fashion@2` 21" in text
    with pytest.raises(ValueError, match="repose bench metrics"):
        metrics_table([])
