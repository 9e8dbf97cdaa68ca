"""How fast pairs are loaded: the line, the table, and a store that cannot be measured."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from repose.bench.loading import LoadingRates, loading_table, print_loading, time_loading
from repose.record import append_result
from tests import tiny
from tests.lines import rows_of


def test_line_and_table(tmp_path: Path) -> None:
    store = tiny.store(tmp_path / "data")
    rates = time_loading(store, seconds=0.02, batch=2)
    assert min(rates.pairs, rates.pairs_thread, rates.heatmaps, rates.heatmaps_thread) > 1
    line = append_result(tmp_path / "r.jsonl", rates.line(), data=store)
    assert json.loads((tmp_path / "r.jsonl").read_text()) == line
    assert (line["bench"], line["data"], line["checksum"], line["seed"]) == ("loading", "drawn", store.checksum, 0)
    assert LoadingRates.read(line) == rates
    older = {key: value for key, value in line.items() if key != "seed"}
    assert LoadingRates.read(older).seed is None
    text = loading_table([{**line, "pairs": 1.0}, line, {**line, "data": "other", "pairs": 1234.4}])
    assert text.count("| drawn |") == 2, "the newest of each data set"
    assert "| other | images and joints | 1,234 |" in text
    assert f"drawn `{store.checksum}`" in text
    assert list(rows_of(text)) == ["data", "drawn", "other"]
    screen = Console(file=io.StringIO(), record=True, width=120)
    print_loading(rates, screen)
    assert f"{rates.heatmaps_thread:,.0f}" in screen.export_text()
    with pytest.raises(ValueError, match="no line of `repose bench loading`"):
        loading_table([])
