"""Photographs of requests as a worker understands them: read, with joints and mask; kept for further requests."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from repose.images import ImageError, load_image
from repose.images.frames import seek
from repose.person import Person
from repose.picture_files import open_picture
from repose.pipeline import Model, read_person, read_pose, with_mask
from repose.represent.canvas import from_uint8
from repose.scene import Scene
from repose.serve.cache import Cache, held_bytes
from repose.serve.messages import CacheNumbers, Task
from repose.serve.work_errors import at, noting

Pixels = npt.NDArray[np.uint8]

CacheLimits = tuple[int, float, float]
"""Photographs, bytes and seconds, see `repose.serve.cache.Cache`."""


@dataclass(eq=False)
class Source:
    """A source photograph; nothing of it depends on a target, a background or a format.

    Attributes:
        key: of the photograph and of all options by which it was understood; None where it is not kept.
        pixels: uint8 (H, W, 3), until the person is found. person: with joints and mask. notes: of reading it.
        scenes: name of a model -> its scene, and the notes of it.
    """

    key: Hashable
    pixels: Pixels | None = None
    person: Person | None = None
    notes: list[str] = field(default_factory=list)
    scenes: dict[str, tuple[Scene, list[str]]] = field(default_factory=dict)


@dataclass(eq=False)
class _Target:
    """The poses of a target photograph, without its pixels, and the notes of reading it."""

    poses: dict[str, Person]
    notes: list[str]


class Photographs:
    """What one worker reads of photographs, and keeps.

    A photograph is known again by the hash of its bytes. The key holds every option, too, that changes what is
    understood, so that no request gets what another one's options gave.

    Args:
        pose: name of the keypoint estimator. max_pixels: of a picture. cache: what is kept of sources, at most; of
            targets as many sets of joints are kept.
    """

    def __init__(self, pose: str, max_pixels: int, cache: CacheLimits = (0, 0, 0)) -> None:
        self._pose, self._max_pixels = pose, max_pixels
        self._sources: Cache[Source] = Cache(*cache, held_bytes)
        self._targets: Cache[_Target] = Cache(*cache, held_bytes)

    def pixels(self, content: bytes, where: str) -> Pixels:
        """uint8 (H, W, 3) of the bytes of a picture, which stand in this field of the form."""
        with at(where):
            try:
                with open_picture(io.BytesIO(content)) as image:
                    image.filename = "the picture"  # type: ignore[attr-defined]  # its name in errors
                    seek(image, Path("the picture"), None)
                    return load_image(image, self._max_pixels)
            except ImageError:
                raise
            except Exception as error:  # Pillow's readers of broken files raise nearly every type
                raise ImageError(
                    f"the picture is broken or cut off ({type(error).__name__}); send the whole file, as JPEG or PNG"
                ) from error

    # -- sources ------------------------------------------------------------------------------------------------

    def source(self, task: Task) -> tuple[Source, bool]:
        """The source photograph of a request, and whether it is from the cache; else it is read. Notes are warnings."""
        key = _key(task, "source", ("person", "source_keypoints", "min_score", "mask"))
        kept = self._sources.get(key) if key is not None else None
        found = kept or Source(key)
        if kept is None:
            with noting(found.notes):
                found.pixels = self.pixels(task.files["source"], "source")
        _remark(found.notes)
        return found, kept is not None

    def scene(self, source: Source, task: Task, model: Model) -> Scene:
        """The scene of a source for the model of the request. Notes are warnings."""
        options, name, notes = task.options, task.options["model"], list[str]()
        if source.person is None:
            assert source.pixels is not None
            with noting(notes):
                known = options.get("source_keypoints")
                person = read_person(source.pixels, self._pose, options["person"], known, options["min_score"])
                source.person = with_mask(person, options["mask"])
            source.notes += notes
            source.pixels = None
            _remark(notes)
        if name not in source.scenes:
            notes = []
            with noting(notes):
                scene = model.scene(source.person)
            source.scenes[name] = scene, notes
        scene, notes = source.scenes[name]
        _remark(notes)
        return scene

    def keep(self, source: Source) -> None:
        """Keep a source for further requests; to be called again when its scenes have computed more."""
        if source.key is not None and source.scenes:
            self._sources.put(source.key, source)

    # -- targets ------------------------------------------------------------------------------------------------

    def target(self, task: Task, model: Model) -> dict[str, Person]:
        """The poses of a target that is a photograph or a drawing. Notes are warnings.

        They are of joints alone, unless the model reads more of the target's photograph.
        """
        options, content = task.options, task.files["target"]
        key = _key(task, "target", ("target_person", "target_size", "min_score"))
        found = self._targets.get(key) if key is not None else None
        shown = bool({*model.generator.needs.target} - {"keypoints", "iuv"})
        pixels = self.pixels(content, "target") if found is None or shown else None
        if found is None:
            notes: list[str] = []
            with noting(notes):
                which, least, size = options["target_person"], options["min_score"], options["target_size"]
                assert pixels is not None
                poses = read_pose(pixels, self._pose, which, least, size)
            found = _Target({name: person.only("keypoints") for name, person in poses.items()}, notes)
            if key is not None:
                self._targets.put(key, found)
        _remark(found.notes)
        if not shown:
            return found.poses
        assert pixels is not None
        return {name: replace(person, image=from_uint8(pixels)) for name, person in found.poses.items()}

    # -- the cache ----------------------------------------------------------------------------------------------

    def forget_old(self) -> float | None:
        """Drop photographs that nobody asked for again; seconds until there are more, None where none is kept."""
        times = (self._sources.forget_old(), self._targets.forget_old())
        return min((one for one in times if one is not None), default=None)

    def forget(self) -> None:
        """Drop all photographs."""
        self._sources.clear()
        self._targets.clear()

    @property
    def numbers(self) -> CacheNumbers:
        """What the cache did until now."""
        sources, targets = self._sources, self._targets
        return CacheNumbers(
            sources.hits, sources.misses, targets.hits, targets.misses, len(sources) + len(targets),
            sources.bytes + targets.bytes,
        )  # fmt: skip


# -- inside -----------------------------------------------------------------------------------------------------------


def _key(task: Task, field: str, options: Sequence[str]) -> Hashable:
    """The photograph of a field, with these options; None where the photograph has no hash."""
    digest = task.digests.get(field)
    return None if digest is None else (digest, json.dumps([task.options.get(name) for name in options]))


def _remark(notes: Sequence[str]) -> None:
    """Notes of an earlier reading as warnings, as if it were read now."""
    for note in notes:
        warnings.warn(note, stacklevel=2)


__all__ = ["CacheLimits", "Photographs", "Source"]
