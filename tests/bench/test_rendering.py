"""The benchmark of the renderer: real people, counted and timed, and its table."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from repose.bench.memory import high_water_gb
from repose.bench.rendering import (
    REQUIRED_RATES,
    RenderingSpeed,
    print_rendering,
    rendering_table,
    time_rendering,
)
from repose.record import stamp


def one(height: int = 256, width: int = 176, processes: int = 2, **facts: Any) -> RenderingSpeed:
    known: dict[str, Any] = {"pictures": 200, "seconds": 10.0, "busy": 0.05, "memory": 0.5, "renderer": "soft"}
    return RenderingSpeed(height, width, processes, **{**known, "stages": {}, **facts})


def test_arithmetic() -> None:
    run = one()
    assert run.rate == 20
    assert run.minutes == pytest.approx(10_000 / 20 / 60)
    assert run.required == REQUIRED_RATES[256, 176] == 15
    assert one(64, 64).required is None


def test_measure_renders_people() -> None:
    pytest.importorskip("moderngl")
    from repose.render.draw.render import SyntheticUnavailable, create_context

    try:
        create_context().release()
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    run = time_rendering(128, 64, 1, seconds=0.2)
    assert run.pictures >= 8
    assert run.pictures % 8 == 0
    assert run.seconds >= 0.2
    assert 0.001 < run.busy < 5
    assert 0.05 < run.memory < 4
    assert run.renderer != "unknown"
    with pytest.raises(ValueError, match="at least 1 process"):
        time_rendering(128, 64, 0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to compare with")
def test_memory_is_in_gigabytes() -> None:
    (line,) = [text for text in Path("/proc/self/status").read_text().splitlines() if text.startswith("VmHWM")]
    assert high_water_gb() == pytest.approx(int(line.split()[1]) * 1024 / 1e9, rel=0.02)


def test_report_and_table(tmp_path: Path) -> None:
    runs = [one(processes=1, pictures=100), one(stages={"cloth": 4.25}), one(128, 64, pictures=500)]
    screen = Console(width=200, record=True, file=(tmp_path / "screen").open("w"))
    print_rendering(runs, screen)
    shown = screen.export_text()
    assert ">= 15" in shown
    assert "cloth 4.2" in shown or "cloth 4.3" in shown
    assert RenderingSpeed.read(runs[1].line()) == runs[1]
    old = {**one(pictures=1).line(), **stamp(), "date": "2000"}
    text = rendering_table([old, *({**run.line(), **stamp()} for run in runs)])
    rows = [row for row in text.splitlines() if row.startswith("| 256x176")]
    assert len(rows) == 2, "the newest of each"
    assert "| 20.0 | 15 | 0.50 GB | 8.3 min |" in rows[1]
    assert "| 10.0 |  | 0.50 GB |" in rows[0], "asked of all cores"
    with pytest.raises(ValueError, match="no line of `repose bench rendering`"):
        rendering_table([])
