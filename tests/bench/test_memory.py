"""The peak of a process's memory is its own, in bytes."""

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from repose.bench import memory
from repose.bench.memory import high_water_gb

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's own peak")


@linux
def test_it_rises_with_what_is_held() -> None:
    before = memory.high_water()
    held = b"\1" * (before + 100_000_000 - memory.status("VmRSS"))
    assert 80e6 < memory.high_water() - before < 300e6
    assert memory.status("VmRSS") > len(held)
    del held
    assert memory.high_water() > before + 80e6, "the most that there ever was"
    with pytest.raises(OSError, match="does not tell VmNothing"):
        memory.status("VmNothing")


@linux
def test_a_parent_s_peak_is_not_the_child_s(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=10**12))
    assert memory.high_water() < 10**12
    assert high_water_gb() * 1e9 == pytest.approx(memory.high_water(), rel=0.02)


def test_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> int:
        raise OSError("no such file")

    resource = pytest.importorskip("resource")
    monkeypatch.setattr(memory, "status", missing)
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=5))
    for system, unit in (("linux", 1024), ("darwin", 1)):
        monkeypatch.setattr(sys, "platform", system)
        assert memory.high_water() == 5 * unit
    monkeypatch.setitem(sys.modules, "resource", None)  # Windows
    with pytest.raises(OSError, match="does not tell the peak"):
        memory.high_water()
    assert math.isnan(high_water_gb())
