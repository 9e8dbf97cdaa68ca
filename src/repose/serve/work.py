"""What a worker computes: batches of transfers, and estimates."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch import Tensor

from repose.estimate import ESTIMATORS, KeypointEstimator, choose, complete, estimator
from repose.images.results import marking
from repose.models.weights import find_weights, read_card
from repose.names import nearest
from repose.person import Person
from repose.pipeline import Model, covering, load, read_pose, require_mask, to_pixels, with_mask
from repose.represent.canvas import from_uint8
from repose.represent.pose_files import MIN_SCORE
from repose.represent.pose_files.own import own_text
from repose.scene import Background, Pose, Scene
from repose.scene.room import room_for
from repose.serve.advice import advised
from repose.serve.errors import RefusedError, split_advice
from repose.serve.messages import Answer, CacheNumbers, Task
from repose.serve.photographs import CacheLimits, Photographs, Source
from repose.serve.work_errors import answering, at, noting, refused

MEDIA: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
"""Format of a picture -> its media type."""

_LARGE: Final = 6_000_000  # values of a picture from which it is composed in half precision, as `repose transfer` does
_NOTES: Final = 10

Give = Callable[[int, Answer], None]
Step = Callable[[int | None], None]


@dataclass
class _Transfer:
    """A transfer between its steps."""

    number: int
    task: Task
    source: Source
    scene: Scene
    pose: Pose
    background: Background
    facts: dict[str, Any]
    notes: list[str] = field(default_factory=list)


class Work:
    """The models and estimators of one process.

    Args:
        models: names that requests may give -> weights. pose: name of the keypoint estimator. device: see
            `repose.load`. max_pixels: of a picture. cache: what is kept of the photographs of sources for further
            requests, at most; of photographs of targets as many sets of joints are kept.

    Raises:
        ValueError, OSError: a model cannot be loaded.
    """

    def __init__(
        self, models: Mapping[str, str], pose: str, device: str, max_pixels: int, cache: CacheLimits = (0, 0, 0)
    ) -> None:
        self.models: dict[str, Model] = {name: load(given, device) for name, given in models.items()}
        self._cards = {name: _card(given) for name, given in models.items()}
        self._pose, self._max_pixels = pose, max_pixels
        self._photographs = Photographs(pose, max_pixels, cache)
        estimator_names = ESTIMATORS["keypoints"]
        if pose not in estimator_names:
            raise ValueError(f"no estimator of keypoints is called '{pose}'; {nearest(pose, estimator_names)}")

    def describe(self) -> list[dict[str, Any]]:
        """What `GET /v1/models` says of each model."""
        return [_description(name, model, self._cards[name]) for name, model in self.models.items()]

    def warm(self) -> None:
        """Compute a picture of noise with each model, so that the first request finds everything compiled."""
        joints = _standing()
        for model in self.models.values():
            noise = np.random.default_rng(0).integers(0, 255, (256, 176, 3), np.uint8)
            person = Person(image=from_uint8(noise), keypoints=joints)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with contextlib.suppress(ValueError, ImportError, OSError):  # what is missing here, requests are told
                    self._estimator().people(noise)
                    person = with_mask(person)
                with contextlib.suppress(ValueError, ImportError, OSError):
                    model.pose(model.scene(person), Person(keypoints=joints))

    # -- what is kept of photographs ---------------------------------------------------------------------------------

    def forget_old(self) -> float | None:
        """Drop photographs that nobody asked for again; seconds until there are more, None where none is kept."""
        return self._photographs.forget_old()

    @property
    def cache_numbers(self) -> CacheNumbers:
        """What the cache did until now."""
        return self._photographs.numbers

    # -- batches ------------------------------------------------------------------------------------------------

    def run(self, tasks: Sequence[Task], give: Give, step: Step = lambda _: None) -> None:
        """Compute requests of one key.

        Args:
            give: called with the number of a request and its answer, as soon as there is one.
            step: called before each step with the number of the request, or None where all of them are in it.
        """
        begun = time.perf_counter()
        ready: list[_Transfer] = []
        give = self._making_room(give)
        for number, task in enumerate(tasks):
            step(number)
            with answering(number, give):
                if task.kind == "transfer":
                    ready.append(self._begin(number, task))
                else:
                    give(number, self._estimate(task))
        if not ready:
            return
        model = self.models[ready[0].task.options["model"]]
        step(None)
        for one, output in zip(ready, self._outputs(model, ready, give), strict=True):
            if output is None:
                continue
            step(one.number)
            with answering(one.number, give):
                with noting(one.notes):
                    dtype = torch.float16 if one.scene.placement.size[0] * one.scene.placement.size[1] * 3 > _LARGE \
                        else torch.float32  # fmt: skip
                    pixels = to_pixels(model.composed(one.scene, one.pose, output, one.background, dtype))
                self._photographs.keep(one.source)
                one.facts |= {"batch": len(ready), "notes": one.notes[:_NOTES]}
                one.facts["seconds"] = round(time.perf_counter() - begun, 3)
                give(one.number, _picture(pixels, one.task.options, one.facts))

    def _making_room(self, give: Give) -> Give:
        """The same, but where the memory does not suffice for a request, nothing is kept for further ones."""

        def given(number: int, answer: Answer) -> None:
            if answer.refused is not None and answer.refused.status == 507:
                self._photographs.forget()
            give(number, answer)

        return given

    def _outputs(self, model: Model, ready: Sequence[_Transfer], give: Give) -> Iterator[Any]:
        """What the network gives of each; together, and one by one where that fails (memory)."""
        try:
            yield from model.outputs([one.scene for one in ready], [one.pose for one in ready])
            return
        except Exception as error:
            if len(ready) == 1:
                give(ready[0].number, Answer(refused=refused(error)))
                yield None
                return
        for one in ready:
            output = None
            with answering(one.number, give):
                output = model.outputs([one.scene], [one.pose])[0]
            yield output

    # -- a transfer ---------------------------------------------------------------------------------------------

    def _begin(self, number: int, task: Task) -> _Transfer:
        """Read and understand both pictures: everything before the network."""
        options, notes = task.options, list[str]()
        model = self.models[options["model"]]
        with noting(notes):
            try:
                require_mask(options["mask"])
            except ValueError as error:
                wrong, advice = split_advice(advised(str(error), "client"))
                raise RefusedError(400, wrong, "mask", advice) from None
            source, cached = self._photographs.source(task)
            with at("target"):
                target = self._target(task, model)
            behind: Background = options["background"] or "keep"
            if "background" in task.files:
                behind = from_uint8(self._photographs.pixels(task.files["background"], "background"))
            with at("source"):
                scene = self._photographs.scene(source, task, model)
            self._photographs.keep(source)
            person = scene.person
            with at("target"):
                if options["room"]:
                    self._check_room(scene, target, options["retarget"])
                    scene = model.roomy(scene, target, options["retarget"])
                pose = model.placed(scene, target, options["retarget"])
            if isinstance(behind, Tensor):
                behind = covering(behind, scene.placement.size)
        facts = {
            "model": model.name,
            "cached": cached,
            "source_joints": int((person.keypoints[:, 2] > 0).sum()) if person.keypoints is not None else 0,
            "target_joints": int((target.keypoints[:, 2] > 0).sum()) if target.keypoints is not None else 0,
        }
        return _Transfer(number, task, source, scene, pose, behind, facts, notes)

    def _check_room(self, scene: Scene, target: Person, retarget: bool) -> None:
        """Refuse a figure that reaches so far beyond the photograph that the enlarged one has too many pixels."""
        height, width = scene.placement.size
        left, top, right, bottom = room_for(scene.pose(target, retarget).keypoints, (height, width))
        height, width = height + top + bottom, width + left + right
        if height * width > max(self._max_pixels, scene.placement.size[0] * scene.placement.size[1]):
            limit = f"the limit is {self._max_pixels / 1e6:g} million"
            text = f"The enlarged photograph would have {width}x{height} pixels, {limit}."
            raise RefusedError(413, text, "room", "Send a smaller photograph, or leave room away.")

    def _target(self, task: Task, model: Model) -> Person:
        """The pose that is asked for: of a photograph, of a pose file or of joints."""
        options, content = task.options, task.files["target"]
        which, least, size = options["target_person"], options["min_score"], options["target_size"]
        if options["target_kind"] == "picture":
            poses = self._photographs.target(task, model)
        elif options["target_kind"] == "joints":
            poses = read_pose(_rows(content, "target"), self._pose, which, least, size)
        else:
            with tempfile.TemporaryDirectory(prefix="repose-") as folder:
                file = Path(folder) / f"target.{options['target_kind']}"
                file.write_bytes(content)
                try:
                    poses = read_pose(file, self._pose, which, least, size)
                except (ValueError, KeyError, OSError) as error:  # clients see no path of this machine
                    raise ValueError(str(error).replace(str(file), "the pose file")) from error
        name = options.get("target_name", "")
        if name and name not in poses:
            raise ValueError(f"the pose file has no pose called '{name[:60]}'; {nearest(name, [*poses][:20])}")
        if len(poses) != 1 and not name:
            some = ", ".join(list(poses)[:3])
            raise ValueError(
                f"the pose file holds {len(poses)} poses ({some} ...) and one is taken; name it: target_name"
            )
        return poses[name] if name else next(iter(poses.values()))

    # -- an estimate --------------------------------------------------------------------------------------------

    def _estimate(self, task: Task) -> Answer:
        """The people of a picture, as a pose file of our own with boxes, scores and maps beside the joints."""
        options = task.options
        begun, notes = time.perf_counter(), list[str]()
        with noting(notes), at("picture"):
            pixels = self._photographs.pixels(task.files["picture"], "picture")
            found = self._estimator().people(pixels)
            if options["person"] != "all":
                found = [choose(found, options["person"], pixels.shape[1])]
            height, width = pixels.shape[:2]
            people = {f"person-{k}": one.keypoints for k, one in enumerate(found)}
            document = json.loads(own_text(people, dict.fromkeys(people, (height, width))))
            document["size"] = [height, width]
            document["scores"] = {f"person-{k}": round(float(one.score), 4) for k, one in enumerate(found)}
            document["boxes"] = {f"person-{k}": [round(side, 2) for side in one.box] for k, one in enumerate(found)}
            for name in options["fields"]:
                maps = document[name] = {}
                for k, one in enumerate(found):
                    person = Person(image=from_uint8(pixels), keypoints=one.keypoints)
                    maps[f"person-{k}"] = _map(complete(person, name)[0], name)
        document["notes"] = notes[:_NOTES]
        facts = {"people": len(found), "seconds": round(time.perf_counter() - begun, 3)}
        return Answer(json.dumps(document).encode(), "application/json", facts)

    # -- inside -------------------------------------------------------------------------------------------------

    def _estimator(self) -> KeypointEstimator:
        return estimator(self._pose)


# -- answers ----------------------------------------------------------------------------------------------------------


def _picture(pixels: npt.NDArray[np.uint8], options: Mapping[str, Any], facts: dict[str, Any]) -> Answer:
    """A result as a file, in sRGB, without any metadata of the photograph (EXIF may tell where it was taken).

    It has the mark of results alone, so that a folder of photographs in which it is stored leaves it out.
    """
    image = PIL.Image.fromarray(pixels)
    longest = options["size"]
    if longest is not None and max(image.size) > longest:
        times = longest / max(image.size)
        size = max(1, round(image.width * times)), max(1, round(image.height * times))
        image = image.resize(size, PIL.Image.Resampling.LANCZOS)
    how = options["format"]
    buffer = io.BytesIO()
    if how == "png":
        image.save(buffer, "PNG", compress_level=1, **marking("PNG"))
    elif how == "jpeg":
        image.save(buffer, "JPEG", quality=options["quality"], subsampling="4:4:4", **marking("JPEG"))
    else:
        image.save(buffer, "WEBP", quality=options["quality"], method=2, **marking("WEBP"))
    facts |= {"width": image.width, "height": image.height}
    return Answer(buffer.getvalue(), MEDIA[how], facts)


def _map(person: Person, name: str) -> str:
    """A mask or a parsing as a PNG in base64: 0 to 255, or the number of the label."""
    value = getattr(person, name)
    pixels = (value[0] * 255).round() if name == "mask" else value
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels.to(torch.uint8).numpy()).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _card(given: str) -> dict[str, Any]:
    """What the card of weights says: their licence and their data."""
    place = find_weights(given)
    return read_card(place.parent if place.is_file() else place)


def _description(name: str, model: Model, card: Mapping[str, Any]) -> dict[str, Any]:
    needs, canvas = model.generator.needs, model.canvas
    return {
        "name": name,
        "weights": model.name,
        "recipe": model.recipe.name,
        "device": model.device.type,
        "model": model.recipe.model,
        "canvas": {"name": canvas.name, "height": canvas.height, "width": canvas.width},
        "reads": {"source": list(needs.source), "target": list(needs.target)},
        "licence": card.get("licence"),
        "data": card.get("data"),
    }


def _rows(content: bytes, where: str) -> Any:
    """Joints as lists of numbers."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise RefusedError(422, "The joints are no JSON.", where, "Send lists of x, y or x, y, visible.") from None


def _standing() -> Tensor:
    """Joints (18, 3) of somebody who stands in a picture of 256x176."""
    xy = [
        (88, 40), (88, 62), (70, 62), (62, 95), (58, 125), (106, 62), (114, 95), (118, 125), (78, 128), (77, 175),
        (76, 222), (98, 128), (99, 175), (100, 222), (84, 36), (92, 36), (79, 40), (97, 40),
    ]  # fmt: skip
    return torch.tensor([(x, y, 1) for x, y in xy], dtype=torch.float32)


__all__ = ["MEDIA", "MIN_SCORE", "Work"]
