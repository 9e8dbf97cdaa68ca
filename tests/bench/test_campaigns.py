"""Campaigns of faults: their rules, their lines and their table. The campaigns themselves are no tests."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from campaigns import common
from campaigns.__main__ import names

from repose.bench.campaigns import campaign_table
from tests.lines import rows_of

ROOT = Path(__file__).parents[2]


def ended(status: int | None, err: str = "", peak: int = 0) -> common.Ended:
    return common.Ended(["repose"], status, "", err, 1.0, peak)


@pytest.mark.parametrize(
    ("status", "err", "peak", "kind"),
    [
        (0, "", 0, None),
        (2, "transfer 1/1\nerror: a.png is a broken picture\n", 0, None),
        (2, "Usage: repose transfer\nNo such option: --x\n", 0, None),
        (None, "", 0, "hang"),
        (1, "Traceback (most recent call last):\n", 0, "traceback"),
        (-11, "", 0, "crash"),
        (0, "", 5 << 30, "memory"),
        (1, "Aborted!\n", 0, "exit status"),
        (2, "", 0, "unclear"),
        (2, "error: two lines are one too many\nhere\n", 0, "unclear"),
    ],
)
def test_how_a_command_may_end(status: int | None, err: str, peak: int, kind: str | None) -> None:
    assert common.verdict(ended(status, err, peak)) == kind


def test_which_errors_are_clear() -> None:
    path = Path("a/b.png")
    assert common.error_verdict(ValueError("a/b.png is a broken picture"), path) is None
    assert common.error_verdict(ValueError("it is a broken picture"), path) == "names no file"
    assert common.error_verdict(IndexError("list index out of range")) == "traceback (IndexError)"
    assert common.error_verdict(KeyError("people")) == "unclear"
    assert common.error_verdict(ValueError("one line\nand another")) == "several lines"


def test_a_campaign_leaves_a_line_and_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = common.Campaign("files/poses", "damaged poses give one line", 7)
    for _ in range(1200):
        campaign.judged(None, outcome="one line")
    campaign.judged("traceback", "input 3: KeyError")
    assert campaign.finish(tmp_path / "r.jsonl", means="a tmpfs") == 1
    assert "files/poses: 1,201 inputs, failures: traceback 1; one line 1200" in capsys.readouterr().out
    line = json.loads((tmp_path / "r.jsonl").read_text())
    assert (line["kind"], line["seed"], line["inputs"], line["failures"]) == ("campaign", 7, 1201, {"traceback": 1})
    assert (line["details"], line["means"]) == ({"traceback": ["input 3: KeyError"]}, "a tmpfs")
    assert line["commit"]
    text = campaign_table([{**line, "inputs": 1}, line, {**line, "name": "a", "failures": {}, "outcomes": {}}])
    assert list(rows_of(text)) == ["campaign", "a", "files/poses"]
    assert "| files/poses | 1,201 | 1 (traceback 1) | damaged poses give one line (one line 1,200) |" in text
    assert "2,402 inputs, 1 failures" in text
    with pytest.raises(ValueError, match="make campaign"):
        campaign_table([])
    with pytest.raises(ValueError, match="has no key 'failures'"):
        campaign_table([{"kind": "campaign", "name": "a", "inputs": 1}])


def test_mutations_are_drawn_from_their_seed() -> None:
    content = bytes(range(256)) * 4 + b'{"x": 12.5}'
    one, two = ([common.mutated(content, random.Random(seed)) for seed in range(200)] for _ in range(2))
    assert one == two
    assert len({data for data, _ in one}) > 150
    assert {how.partition(" ")[0] for _, how in one} >= {"cut", "flip", "remove", "double", "number", "grow"}


def test_half_a_line_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    assert common.lines_whole(path) is None
    path.write_text('{"a": 1}\n')
    assert common.lines_whole(path) is None
    path.write_text('{"a": 1}\n{"b"')
    assert "half a line" in str(common.lines_whole(path))
    path.write_text('{"a": 1}{"b"\n')
    assert "line 1 is not JSON" in str(common.lines_whole(path))


def test_commands_that_hang_are_ended(tmp_path: Path) -> None:
    def call() -> int:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])
        return 0

    assert common.verdict(common.forked(call, tmp_path, 0.3)) == "hang"
    done = common.forked(lambda: os.write(1, b"well\n") * 0, tmp_path, 10)
    assert (done.status, done.out) == (0, "well\n")


def test_every_campaign_has_its_options() -> None:
    assert {"pictures", "kills", "full_disk", "load", "signals"} <= set(names())
    for name in names():
        text = (ROOT / "campaigns" / f"{name}.py").read_text()
        assert "def main(words: list[str]) -> int:" in text, name
        assert text.startswith('"""'), name


def test_an_interrupted_child_never_cleans_up_for_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()

    class Output(io.StringIO):
        def flush(self) -> None:
            if os.getpid() != parent:  # the second signal comes while the child ends after the first
                raise KeyboardInterrupt

    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdout", Output())
    try:
        ended = common.forked(interrupted, tmp_path, 20)
    finally:
        if os.getpid() != parent:  # the child came here, where a campaign removes its folder
            os._exit(77)
    assert ended.status == 1
