"""Pose files of any tool: read, and written in nearly as many formats. docs/pose-files.md has a table of them.

    people = read_keypoints("market-annotation-test.csv")   # name -> (18, 3)
    people = read_poses("pose.json")                        # name -> Person, with the size of its picture
    file = read_pose_file("coco.json", min_score=0.2)       # the same, with notes of what was left out
    write_keypoints("pose.json", {"me": keypoints}, "openpose", size=(400, 300))

`figures.py` has what every file is read into, `reading.py` finds the format, `writing.py` writes; a module for each
family of tools: `openpose.py`, `coco.py`, `mmpose.py`, `alphapose.py`, `mediapipe.py`, `dresscode.py`, `csv_files.py`,
`own.py`, `arrays.py`, and `drawing.py`, `strokes.py` and `patches.py` for pictures of skeletons.
"""

from __future__ import annotations

from repose.represent.pose_files.csv_files import read_pairs
from repose.represent.pose_files.errors import FormatError, OnError
from repose.represent.pose_files.reading import PoseFile, read_keypoints, read_pose_file, read_poses
from repose.represent.pose_files.settings import MIN_SCORE
from repose.represent.pose_files.writing import FORMATS, Format, write_keypoints

__all__ = [
    "FORMATS",
    "MIN_SCORE",
    "Format",
    "FormatError",
    "OnError",
    "PoseFile",
    "read_keypoints",
    "read_pairs",
    "read_pose_file",
    "read_poses",
    "write_keypoints",
]
