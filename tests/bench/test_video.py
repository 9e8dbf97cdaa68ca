"""The benchmark of a video: the motion, the line, the table, and a small run where it can be had."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from rich.console import Console

from repose.bench.video import PARTS, VideoCost, WayCost, print_video, swing, time_video, video_table
from repose.person import JOINTS
from repose.record import stamp
from tests.represent.test_retarget import stick

COST = VideoCost(
    720, 1280, 24, 2, "default", True,
    {
        "before": WayCost("aaa", 0.5, 0.4), "frame by frame": WayCost("bbb", 0.25, 0.2),
        "sequence": WayCost("bbb", 0.1, 0.08),
    },
    dict.fromkeys(PARTS, 0.01), 3, 7.5, 2, 1,
)  # fmt: skip


def test_arms_and_legs_swing_and_keep_their_length() -> None:
    joints = stick()
    motion = swing(joints, 24)
    assert motion.shape == (24, 18, 3)
    for side in ("right", "left"):
        for first, last in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
            a, b = (JOINTS.index(f"{side}_{name}") for name in (first, last))
            length = (motion[:, a, :2] - motion[:, b, :2]).norm(dim=1)
            torch.testing.assert_close(length, (joints[a, :2] - joints[b, :2]).norm().expand(24))
            assert (motion[:, b, :2] - joints[b, :2]).norm(dim=1).max() > 1
    assert torch.equal(motion[:, :2], joints[:2].expand(24, -1, -1)), "head and neck stay"


def test_line_and_table() -> None:
    line = json.loads(json.dumps(stamp() | COST.line()))
    assert VideoCost.read(line) == COST
    table = video_table([line])
    assert "| 1280x720 | sequence | `bbb` | 100 | 10.0 | 80 | 25.0 |" in table
    assert "| 1280x720 | before | `aaa` | 500 | 2.0 | 400 | 2.5 |" in table, "one frame after another: one core"
    assert "network 10" in table
    screen = io.StringIO()
    print_video(COST, Console(file=screen, width=160))
    assert "10.0" in screen.getvalue()
    with pytest.raises(ValueError, match="no line of `repose bench video`"):
        video_table([])
    del line["ways"]
    with pytest.raises(ValueError, match="ways"):
        VideoCost.read(line)


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1 frame"):
        time_video(frames=0)
    with pytest.raises(ValueError, match="has no folder repose"):
        time_video(against=tmp_path)
