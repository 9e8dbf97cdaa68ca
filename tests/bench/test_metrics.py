"""What the metrics cost, on a small store."""

from pathlib import Path

import pytest

from repose.bench.metrics import ASKED_PAIRS, measure, report
from repose.metrics import PROTOCOLS
from tests.metrics.stores import fill


def test_each_metric_is_timed_beside_its_oracle(tmp_path: Path) -> None:
    measured = measure(fill(tmp_path / "fashion", 3, 256, 176), pairs=2, rounds=1)
    beside = {one.name: one for one in measured.timings if one.theirs is not None}
    assert set(beside) == {"SSIM (Gaussian 1.5)", "SSIM (7x7)", "SSIM (51x51)", "mask-SSIM", "PSNR"}
    assert all((one.apart or 0) < 1e-6 for one in beside.values())
    assert all(one.ours > 0 for one in measured.timings)
    assert {"patn-fashion@2", "people-fashion@1", "fashion-256@1", "every metric"} <= set(measured.protocols)
    assert "roy-fashion@1" not in measured.protocols, "of another size"
    assert set(measured.protocols) - {"every metric"} <= set(PROTOCOLS)
    wanted = (measured.protocols["every metric"] + measured.reading) * ASKED_PAIRS / 2000
    assert measured.seconds("every metric") == pytest.approx(wanted)
    line = measured.line()
    assert line["bench"] == "metrics"
    assert line["timings"][0]["name"] == "SSIM (Gaussian 1.5)"
    assert report(measured).row_count == len(measured.timings)
