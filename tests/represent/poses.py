"""One reference figure, and that figure as the files of many tools have it, written by hand."""

import json
from pathlib import Path

import torch

from repose.person import JOINTS
from repose.represent.keypoints import SKELETONS, to_skeleton

PLACES = {
    "nose": (256, 110), "neck": (256, 172), "right_shoulder": (206, 172), "right_elbow": (170, 110),
    "right_wrist": (150, 50), "left_shoulder": (306, 172), "left_elbow": (330, 250), "left_wrist": (340, 330),
    "right_hip": (226, 360), "right_knee": (222, 500), "right_ankle": (220, 640), "left_hip": (286, 360),
    "left_knee": (292, 500), "left_ankle": (300, 640), "right_eye": (246, 98), "left_eye": (266, 98),
    "right_ear": (232, 104), "left_ear": (280, 104),
}  # fmt: skip
REFERENCE = torch.tensor([[*PLACES[name], 1] for name in JOINTS], dtype=torch.float32)
SIZE = (768, 512)


def points(skeleton: str, score: float = 0.9, shift: float = 0, scale: float = 1) -> list[list[float]]:
    """The figure in the order of a skeleton: [x, y, score]; points that are no joints of ours are 0."""
    rows = to_skeleton(REFERENCE, skeleton).tolist()  # type: ignore[arg-type]
    return [[x * scale + shift, y * scale + shift, score] if seen else [0, 0, 0] for x, y, seen in rows]


def whole(skeleton: str) -> list[list[float]]:
    """Like `points`, with the feet and the top of the head that an estimator finds."""
    rows = points(skeleton)
    for place, name in enumerate(SKELETONS[skeleton]):
        side = name.partition("_")[0]
        if name.endswith(("toe", "heel")):
            x, y = PLACES[f"{side}_ankle"]
            rows[place] = [x + (20 if "toe" in name else -8), y + 25, 0.8]
        elif name in ("upper_neck", "head_top"):
            rows[place] = [256, 150 if name == "upper_neck" else 60, 0.8]
    return rows


def flat(rows: list[list[float]], columns: int = 3) -> list[float]:
    """Rows one after another."""
    return [value for row in rows for value in row[:columns]]


def objects(skeleton: str, score: str = "score", names: bool = True) -> list[dict[str, object]]:
    """The figure as objects with x and y."""
    return [
        {"x": x, "y": y, score: seen, **({"name": name} if names else {})}
        for name, (x, y, seen) in zip(SKELETONS[skeleton], points(skeleton), strict=True)
    ]


def landmarks() -> list[dict[str, object]]:
    """MediaPipe's 33, in shares of the picture."""
    return [{"x": x / SIZE[1], "y": y / SIZE[0], "z": -0.1, "visibility": seen} for x, y, seen in points("blazepose33")]


def written(folder: Path, data: object, name: str = "pose.json") -> Path:
    """A JSON file."""
    path = folder / name
    path.write_text(json.dumps(data))
    return path
