"""Small runs of the long commands, with tiny networks and drawn people, for kills, full disks and signals.

Each `Task` has the words of its command and the result of a whole run, so that an interrupted one can be compared.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from campaigns import common

SECONDS = 180.0


@dataclass
class Task:
    """One command in an empty folder.

    Attributes:
        name: of it. words: of the command line. result: folder -> what its files say, compared with ==.
        outputs: names of the files and folders that it writes. reference: the result of a whole run; see `measure`.
        seconds: how long a whole run takes.
    """

    name: str
    words: list[str]
    result: Callable[[Path], Any]
    outputs: tuple[str, ...]
    reference: Any = None
    seconds: float = 0.0

    def fork(self, place: Path, limit: int | None = None) -> common.Child:
        """Begin the command in a forked child."""
        return common.fork(lambda: common.command(self.words), place, self.words, limit)

    def run(self, place: Path, limit: int | None = None) -> common.Ended:
        """The whole command."""
        return common.wait(self.fork(place, limit), place, SECONDS)

    def measure(self, place: Path) -> None:
        """A whole run, for `reference` and `seconds`, once; RuntimeError if it fails."""
        if self.reference is not None:
            return
        for _ in range(2):  # the first one compiles and fills caches
            ended = self.run(common.empty(place))
            if ended.status != 0:
                raise RuntimeError(f"{self.name}: {ended}")
            self.seconds = ended.seconds
            self.reference = self.result(place)

    def wrong(self, place: Path) -> str | None:
        """What is wrong in the folder after a run that ended well: result, half lines, files that stayed."""
        try:
            result = self.result(place)
        except Exception as error:
            return f"no result ({type(error).__name__}: {error})"
        if result != self.reference:
            return f"another result: {str(result)[:200]} is not {str(self.reference)[:200]}"
        return self.torn(place) or self.left(place)

    def torn(self, place: Path) -> str | None:
        """A .jsonl file of the folder that is not whole lines."""
        texts = (common.lines_whole(path) for path in place.rglob("*.jsonl"))
        return next((text for text in texts if text), None)

    def left(self, place: Path) -> str | None:
        """Temporary files and folders that stayed after a run that ended well."""
        left = [path for path in place.rglob("*") if path.name.endswith((".partial", ".parts", ".lock", ".part"))]
        return f"left over: {left[0].relative_to(place)}" if left else None


def prepared() -> None:
    """Import what the forked children need, once."""
    from tests import tiny  # noqa: F401

    import repose.apps.motion.video
    import repose.cli.every_verb
    import repose.comparison
    import repose.data
    import repose.estimate
    import repose.pipeline
    import repose.scene
    import repose.train.loop  # noqa: F401

    torch.set_num_threads(1)


@functools.cache
def shared() -> dict[str, Task]:
    """`tasks` in a folder that stays until this process ends."""
    base = Path(tempfile.mkdtemp(prefix="repose-campaign-"))
    atexit.register(shutil.rmtree, base, ignore_errors=True)  # a forked child ends without it
    return tasks(base)


def tasks(base: Path) -> dict[str, Task]:
    """The tasks by name; their inputs are written below `base`."""
    from tests import tiny
    from tests.estimate import fake_fields, fakes

    from repose.represent.pose_files import write_keypoints

    prepared()
    store = tiny.store(base / "store", 6)
    model = tiny.save(base / "model")
    photographs = base / "photographs"
    poses = {}
    for number in range(12):
        name = f"p{number // 3}/{number}.png"
        tiny.photograph(photographs / name, 80, 160, 8 + number, 10, 130)
        poses[f"{number}.png"] = torch.from_numpy(_eighteen(fakes.joints(8 + number, 10, 130)))
        fake_fields.photograph(base / "figures" / f"f{number}.png", 10 + 2 * number)
    write_keypoints(base / "poses.json", poses, size=(160, 80))
    tiny.photograph(base / "me.png", 80, 160, 8, 10, 130)
    write_keypoints(base / "me.json", {"me": torch.from_numpy(_eighteen(fakes.joints(8, 10, 130)))}, size=(160, 80))
    np.save(base / "dance.npy", np.stack([_eighteen(fakes.joints(8 + n, 10, 130 - n)) for n in range(16)]))
    train = [*tiny.words("patn-s"), "images=96", "data.batch=4", "tick=24", "ema=40"]
    quick = ["--pose", "none", "--features", "none"]
    return {
        task.name: task
        for task in (
            Task(
                "train",
                ["train", "patn-s", *train, "--data", str(store.folder), "-o", "run", "--accelerator", "cpu"],
                _weights,
                ("run",),
            ),
            Task(
                "prepare",
                ["prepare", "folder", str(photographs), "--keypoints", str(base / "poses.json"), "--size", "64x32",
                 "-o", "store"],
                _store,
                ("store",),
            ),
            Task(
                "eval",
                ["eval", str(model), "--data", str(store.folder), "-p", "patn-market", *quick, "--results", "r.jsonl"],
                _line,
                ("r.jsonl",),
            ),
            Task(
                "estimate",
                ["estimate", str(base / "figures"), *fake_fields.words(*fake_fields.FIELDS), "-o", "out"],
                _tree,
                ("out",),
            ),
            Task(
                "video",
                ["video", str(base / "me.png"), str(base / "dance.npy"), "--source-keypoints", str(base / "me.json"),
                 "--mask", "none", "--model", str(model), "-o", "out.mp4"],
                _frames,
                ("out.mp4",),
            ),
            Task(
                "transfer",
                ["transfer", str(base / "me.png"), str(base / "me.json"), "--source-keypoints", str(base / "me.json"),
                 "--mask", "none", "--model", str(model), "-o", "out.png"],
                _picture,
                ("out.png",),
            ),
        )
    }  # fmt: skip


# -- results --------------------------------------------------------------------------------------------------------


def _eighteen(points: np.ndarray) -> np.ndarray:
    """COCO's 17 joints -> the 18 of Repose, all visible, float32 (18, 3)."""
    from repose.represent.keypoints import from_skeleton

    scored = torch.from_numpy(np.concatenate([points, np.ones((17, 1))], 1))
    return from_skeleton(scored, "coco17").numpy().astype(np.float32)


def _weights(place: Path) -> Any:
    from repose.tensor_files import read_tensors

    tensors, _ = read_tensors(place / "run" / "weights.safetensors")
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(name.encode() + value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _store(place: Path) -> Any:
    from repose.data import Store

    store = Store.open(place / "store", verify=True)
    return store.checksum, sorted(store.names)


def _line(place: Path) -> Any:
    """The different lines, without clocks and what a run went on from. How many there may be is another question."""
    lines = [json.loads(text) for text in (place / "r.jsonl").read_text().splitlines()]
    clock = ("date", "seconds", "commit", "pairs_from_disk")  # also how much a run went on from
    kept = [{k: v for k, v in line.items() if not any(word in k for word in clock)} for line in lines]
    return sorted({json.dumps(line, sort_keys=True) for line in kept})


def _tree(place: Path) -> Any:
    """The files of a folder of fields, as pixels or text."""
    import PIL.Image

    found = {}
    for path in sorted((place / "out").iterdir()):
        if path.suffix == ".png":
            found[path.name] = hashlib.sha256(np.asarray(PIL.Image.open(path)).tobytes()).hexdigest()
        elif path.suffix == ".json":
            found[path.name] = path.read_text()
    return found


def _frames(place: Path) -> Any:
    import av

    with av.open(str(place / "out.mp4")) as clip:
        frames = (frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0))
        return [hashlib.sha256(pixels.tobytes()).hexdigest() for pixels in frames]


def _picture(place: Path) -> Any:
    import PIL.Image

    with PIL.Image.open(place / "out.png") as picture:
        return picture.size, hashlib.sha256(picture.tobytes()).hexdigest()
