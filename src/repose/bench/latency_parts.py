"""Where the processor time of one command goes. Run as a file, with the checkout that is measured on PYTHONPATH:

    python latency_parts.py PARTS.json transfer me.jpg dancer.jpg -o out.png

It imports nothing of Repose before the command begins, so that any checkout can be measured by it. Each part is told
without the parts inside it.
"""

from __future__ import annotations

import builtins
import functools
import gc
import importlib
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

_PACKAGES = {
    "torch": "PyTorch", "numba": "numba", "llvmlite": "numba", "scipy": "SciPy", "ai_edge_litert": "LiteRT",
    "repose": "Repose's own modules", "typer": "the command line", "rich": "the command line", "PIL": "Pillow",
    "numpy": "NumPy",
}  # fmt: skip

_FUNCTIONS = {
    "repose.images.reading:load_image": "reading photographs",
    "repose.images.photograph:Photograph.read": "reading photographs",
    "repose.estimate.movenet:MoveNet.people": "joints of both people (MoveNet)",
    "repose.estimate.person_mask:PersonMask.mask": "mask of the person",
    "repose.pipeline.model:load": "the model's weights",
    "repose.body.skin_mesh:skin_mesh": "the mesh of the body",
    "repose.models.bodywarp.geometry:pair_geometry": "both bodies and their maps",
    "repose.scene.fill:fill_box": "the background behind the old figure",
    "repose.scene.scene:Scene.frame": "the new figure in the photograph",
    "repose.pipeline.model:Model.picture": "the network and the cut-out figure",
    "repose.images.writing:write": "writing the picture and the sheet",
}
"""Functions -> what is told of them. They are wrapped when their module has been imported."""

_parts: dict[str, float] = defaultdict(float)
_stack: list[str] = ["everything else"]
_last = time.process_time()


def _switch() -> None:
    """Add the time since the last switch to the part of now."""
    global _last
    now = time.process_time()
    _parts[_stack[-1]] += now - _last
    _last = now


def _enter(part: str) -> None:
    _switch()
    _stack.append(part)


def _leave() -> None:
    _switch()
    _stack.pop()


def _wrapped(function: Any, part: str) -> Any:
    @functools.wraps(function)
    def timed(*words: Any, **settings: Any) -> Any:
        _enter(part)
        try:
            return function(*words, **settings)
        finally:
            _leave()

    timed.wrapped = function  # type: ignore[attr-defined]
    return timed


def _part_of(name: str) -> str | None:
    """The part that an import belongs to; None if to the one that is going on."""
    if name in sys.modules:
        return None
    if name.startswith("torch._dynamo"):
        return "import of PyTorch's compiler"
    package = _PACKAGES.get(name.partition(".")[0])
    inside = _stack[-1].startswith("import of ") and _stack[-1] != "import of Repose's own modules"
    return None if package is None or inside else f"import of {package}"


def _wrap_functions(waiting: dict[str, str]) -> None:
    """Wrap the functions whose modules are there now."""
    for path in list(waiting):
        module_name, _, name = path.partition(":")
        module = sys.modules.get(module_name)
        if module is None or getattr(getattr(module, "__spec__", None), "_initializing", False):
            continue
        part = waiting.pop(path)
        holder = module
        *classes, last = name.split(".")
        for one in classes:
            holder = getattr(holder, one)
        own = vars(holder).get(last)
        if own is None:
            continue
        if isinstance(own, classmethod):
            setattr(holder, last, classmethod(_wrapped(own.__func__, part)))
            continue
        timed = _wrapped(own, part)
        setattr(holder, last, timed)
        for other in [found for key, found in sys.modules.items() if key.startswith("repose")]:
            for key, value in list(vars(other).items()):
                if value is own:
                    setattr(other, key, timed)


def _watch_imports(waiting: dict[str, str]) -> None:
    plain = builtins.__import__
    kernels = ["numba.core.caching"]

    def watched(name: str, *words: Any, **settings: Any) -> Any:
        level = words[3] if len(words) > 3 else settings.get("level", 0)
        part = _part_of(name) if level == 0 else None
        if part is None:
            module = plain(name, *words, **settings)
        else:
            _enter(part)
            try:
                module = plain(name, *words, **settings)
            finally:
                _leave()
        if level == 0 and name.startswith("repose") and waiting:
            _wrap_functions(waiting)
        if kernels and kernels[0] in sys.modules and hasattr(sys.modules[kernels[0]], "Cache"):
            cache: Any = sys.modules[kernels.pop()]
            cache.Cache._load_overload = _wrapped(cache.Cache._load_overload, "compiled kernels from the disk")
        return module

    plainly = importlib.import_module

    def watched_module(name: str, package: str | None = None) -> Any:
        module = plainly(name, package)
        _wrap_functions(waiting)
        return module

    builtins.__import__ = watched
    importlib.import_module = watched_module


def _watch_collector() -> None:
    def told(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            _enter("the collector of cycles")
        else:
            _leave()

    gc.callbacks.append(told)


def main() -> None:
    """Run the command and write the seconds of every part."""
    place, *words = sys.argv[1:]
    sys.argv = ["repose", *words]
    waiting = dict(_FUNCTIONS)
    _parts["start of Python"] = time.process_time()
    _watch_collector()
    _watch_imports(waiting)
    status = 0
    try:
        importlib.import_module("repose.cli").main()
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 0
    _switch()
    source = str(sys.modules["repose"].__file__)
    Path(place).write_text(json.dumps({"source": source, "parts": _parts}))
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
