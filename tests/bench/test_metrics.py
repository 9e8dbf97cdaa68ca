"""What the metrics cost, on a small store."""

from pathlib import Path

from repose.bench.metrics import measure, report
from repose.metrics import PROTOCOLS
from tests.metrics.stores import fill


def test_each_metric_is_timed_beside_its_oracle(tmp_path: Path) -> None:
    measured = measure(fill(tmp_path / "fashion", 3, 256, 176), pairs=2, rounds=1, whole=2)
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
    assert report(measured).row_count == len(measured.timings)


def test_a_size_without_a_canvas(tmp_path: Path) -> None:
    odd = measure(fill(tmp_path / "odd", 2, 192, 192), pairs=2, rounds=1, whole=2)
    assert set(odd.protocols) == {"every metric"}
    assert odd.clocked == {}, "no protocol evaluates it"
