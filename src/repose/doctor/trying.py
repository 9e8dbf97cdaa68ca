"""What transfers and the extras do, really done once: on pictures of rendered people that come with the package."""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from repose.doctor.features import FEATURES
from repose.doctor.findings import Finding
from repose.doctor.machine import GRAPHICS
from repose.extras import install
from repose.files import first_line
from repose.hub.fetch import offline

SPARE: Final = Path(__file__).parents[1] / "render" / "spare"
"""Pictures of six rendered people, 128x64, and their joints."""

ENOUGH: Final = 12
"""Of 18 joints of a person who stands free, an estimator finds at least so many."""


def attempts(present: set[str]) -> list[Finding]:
    """Try what is here; each attempt that fails says why, and hinders no other.

    Args:
        present: the names of the findings that are "ok": what is missing is not tried.
    """
    tried = [_attempt("torch", _torch, "every transfer needs it", True), *_imports(present)]
    with _folder() as folder:
        if "estimate" in present and ("photographs" in present or not offline()):
            tried.append(_attempt("joints", _joints, "finds joints in photographs", todo="repose fetch photographs"))
        tried.append(_attempt("model", _model, "the default model", True, install(again=True)))
        tried.append(_attempt("transfer", lambda: _transfer(folder), "photograph to picture", True))
        if "synthetic" in present:
            tried.append(_attempt("rendering", _render, "renders people", todo=GRAPHICS))
        if "video" in present:
            tried.append(_attempt("video", lambda: _video(folder), "writes and reads clips"))
    return tried


def _attempt(name: str, action: Callable[[], str], gives: str, needed: bool = False, todo: str = "") -> Finding:
    began = time.perf_counter()
    try:
        detail = action()
    except Exception as error:  # whatever goes wrong in somebody's package is what the report is for
        return Finding("tried", name, "broken", first_line(error, None), gives, todo, needed)
    return Finding("tried", name, "ok", f"{detail} ({time.perf_counter() - began:.2f} s)", gives, "", needed)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="repose-doctor-") as name:
        yield Path(name)


def _torch() -> str:
    import torch

    result = torch.ones(8, 8) @ torch.ones(8, 8)
    if float(result.sum()) != 512.0:
        raise RuntimeError("a product of two matrices is wrong")
    devices = f"{torch.cuda.device_count()} CUDA devices" if torch.cuda.is_available() else "no CUDA"
    return f"computes; {torch.get_num_threads()} threads, {devices}"


def _imports(present: set[str]) -> list[Finding]:
    """The packages of the extras that can be imported, and those that are installed but cannot."""
    findings = []
    for feature in FEATURES:
        if feature.extra not in present:
            continue
        for package, module in feature.packages.items():
            try:
                importlib.import_module(module)
            except Exception as error:  # a package may raise anything while it is imported
                text = f"{package} is installed but cannot be imported: {first_line(error, None)}"
                findings.append(Finding("tried", feature.extra, "broken", text, feature.gives, install(package)))
    return findings


def _joints() -> str:
    from repose.estimate import estimator
    from repose.images import load_image

    picture = load_image(SPARE / "p000000_00.png")
    people = estimator("movenet").people(picture)
    located = max((int((person.keypoints[:, 2] > 0).sum()) for person in people), default=0)
    if located < ENOUGH:
        raise RuntimeError(f"MoveNet located {located} of the 18 joints of a rendered person; {ENOUGH} were expected")
    return f"MoveNet located {located} of 18 joints of a rendered person"


def _model() -> str:
    import torch

    from repose.images import load_image
    from repose.person import Person
    from repose.pipeline import load
    from repose.represent.canvas import from_uint8
    from repose.represent.pose_files import read_keypoints

    model = load("default", device="cpu")
    joints = read_keypoints(SPARE / "keypoints.json")
    source, target = (
        model.canvas.put(
            Person(
                image=from_uint8(load_image(SPARE / f"{name}.png")[None]),
                keypoints=torch.as_tensor(joints[name]).float()[None],
            )
        )[0]
        for name in ("p000000_00", "p000000_01")
    )
    model(source, target)  # the first one compiles
    began = time.perf_counter()
    picture = model(source, target)
    took = time.perf_counter() - began
    if not bool(torch.isfinite(picture).all()):
        raise RuntimeError(f"{model.name} gave numbers that are not finite")
    height, width = picture.shape[-2:]
    return f"{model.name}: one picture of {height}x{width} in {1000 * took:.0f} ms"


def _transfer(folder: Path) -> str:
    import numpy as np

    from repose.images import load_image, save_image
    from repose.pipeline import transfer
    from repose.represent.pose_files import read_keypoints

    joints = read_keypoints(SPARE / "keypoints.json")
    source = load_image(SPARE / "p000001_00.png")
    result = transfer(
        source, np.asarray(joints["p000001_01"]), source_keypoints=joints["p000001_00"], mask=None, background="white"
    )
    path = folder / "transfer.png"
    save_image(path, result)
    again = load_image(path)
    if again.shape != source.shape or np.array_equal(again, source):
        raise RuntimeError(f"the picture that was written is {again.shape}, the photograph {source.shape}")
    return f"a picture of {again.shape[0]}x{again.shape[1]} was written and read"


def _render() -> str:
    from repose.render import render_people

    (picture,) = render_people(range(1), 1, 128, 64, seed=7)
    if picture.image.std() < 5:
        raise RuntimeError("the rendered picture is empty")
    return "one person was rendered"


def _video(folder: Path) -> str:
    import av
    import numpy as np

    path = folder / "clip.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for value in (50, 100, 150, 200):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), value, np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    with av.open(str(path)) as file:
        count = sum(1 for _ in file.decode(video=0))
    if count != 4:
        raise RuntimeError(f"a clip of 4 frames was written, and {count} were read")
    return "a clip in H.264 was written and read"
