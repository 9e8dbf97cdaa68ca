"""What the page computes: a photograph understood, a picture of a pose, the files that are downloaded."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from repose.estimate import NobodyFound, estimator
from repose.images import load_image
from repose.images.results import marking
from repose.models.weights import shipped
from repose.person import JOINTS, Person
from repose.pipeline import Model, covering, load, read_pose, with_mask
from repose.pipeline.fields import complete_pose
from repose.represent.canvas import from_uint8, to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.represent.pose_files import write_keypoints
from repose.scene import Background, Pose, Scene
from repose.scene.room import room_for, with_room, worth_a_note
from repose.serve.advice import advised
from repose.web.arranging import named_pose
from repose.web.sessions import Limits, Pixels, Session

BACKGROUNDS: Final = ("keep", "white", "transparent", "generated", "picture")
"""What may be behind the figure; "picture" is the one that the visitor gave."""

_QUALITY: Final = 90  # of a JPEG while a joint is dragged


class Models:
    """The models that the page offers, by name; each is loaded when it is first used.

    Args:
        names: of weights, or folders; the first one is chosen where a visitor chooses none.
        pose: the name of the estimator of joints. mask: how people are cut out, see `repose.pipeline.with_mask`.

    Raises:
        ValueError, FileNotFoundError: what `repose.load` raises for the first one.
    """

    def __init__(
        self, names: tuple[str, ...] = ("default",), pose: str = "movenet", mask: str = "auto", device: str = "auto"
    ) -> None:
        self.pose, self.mask, self.device = pose, mask, device
        self._loaded: dict[str, Model] = {}
        first = load(names[0], device)
        self._loaded[first.name] = first
        self._places = {first.name: names[0]} | {Path(name).resolve().name: name for name in names[1:]}

    @classmethod
    def of(cls, given: Mapping[str, Model]) -> Models:
        """Models that are loaded already, by name."""
        new = cls.__new__(cls)
        new.pose, new.mask, new.device = "movenet", "none", "auto"
        new._loaded, new._places = dict(given), {name: name for name in given}
        return new

    @property
    def names(self) -> tuple[str, ...]:
        """In the order in which they were given."""
        return tuple(self._places)

    @property
    def places(self) -> tuple[str, ...]:
        """The names or folders as they were given."""
        return tuple(self._places.values())

    def get(self, name: str) -> Model:
        """A model of the page; the first for "". ValueError: the page does not offer it."""
        name = name or self.names[0]
        if name not in self._places:
            raise ValueError(f"no model is called '{name[:60]}' here; there are {', '.join(self.names)}")
        if name not in self._loaded:
            self._loaded[name] = load(self._places[name], self.device)
        return self._loaded[name]


def offered() -> tuple[str, ...]:
    """The weights of this installation that pose people by joints, free for any use, the default one first."""
    names = ["default"]
    default = load().name
    for name in shipped():
        if name != default and not name.endswith("-market") and load(name).generator.needs.target == ("keypoints",):
            names.append(name)
    return tuple(names)


# -- reading ----------------------------------------------------------------------------------------------------------


@contextmanager
def as_file(content: bytes, name: str) -> Iterator[Path]:
    """An upload as a file of a harmless name, gone at the end; errors name the file as the visitor knows it."""
    stem = "".join(sign if sign.isalnum() or sign in " -_." else "_" for sign in Path(name).name).lstrip(".")[-80:]
    with tempfile.TemporaryDirectory(prefix="repose-") as folder:
        path = Path(folder) / (stem or "file")
        path.write_bytes(content)
        try:
            yield path
        except (ValueError, OSError) as error:
            if folder not in str(error):
                raise  # it is not of this file: a network may be missing
            raise ValueError(str(error).replace(f"{folder}/", "")) from error


def read_photograph(content: bytes, name: str, limits: Limits) -> tuple[Pixels, Pixels]:
    """An uploaded photograph: uint8 (H, W, 3), and the same reduced to `Limits.live_pixels`.

    Raises:
        ValueError: it cannot be read, or is too large; a sentence for the visitor.
    """
    with as_file(content, name) as path:
        full = load_image(path, limits.pixels)
    return full, _reduced(full, limits.live_pixels)


def find_people(models: Models, pixels: Pixels) -> list[Tensor]:
    """The joints (18, 3) of everybody on a picture, the largest first; empty where nobody is found.

    Raises:
        ImportError, FileNotFoundError: the estimator cannot run here.
    """
    try:
        return [person.keypoints for person in estimator(models.pose).people(pixels)]
    except NobodyFound:
        return []


def guess(size: tuple[int, int]) -> Tensor:
    """A standing skeleton in the middle of a picture (height, width), to be dragged onto a person by hand: (18, 3)."""
    joints = named_pose("relaxed")
    there = joints[:, 2] > 0
    low, high = joints[there, :2].amin(0), joints[there, :2].amax(0)
    scale = 0.7 * min(size[0] / float(high[1] - low[1]), size[1] / float(high[0] - low[0]))
    joints[:, :2] = (joints[:, :2] - (low + high) / 2) * scale + torch.tensor([size[1], size[0]]) / 2
    return joints * there[:, None]


def choose_person(session: Session, joints: Tensor) -> None:
    """Say who of the photograph is posed, by their joints in the shown picture."""
    session.choose(Person(image=from_uint8(session.pixels), keypoints=joints))


def read_poses(content: bytes, name: str, models: Models, limits: Limits) -> tuple[dict[str, Person], list[str]]:
    """The poses of an uploaded file: a photograph, a drawing, or a pose file of any tool; and what there is to say.

    Raises:
        ValueError: it holds no pose, a sentence for the visitor.
    """
    with as_file(content, name) as path, _noting() as notes:
        people = read_pose(path, models.pose)
    kept = dict(list(people.items())[: limits.poses])
    if len(people) > len(kept):
        notes.append(f"the file holds {len(people)} poses, the first {len(kept)} are offered")
    return {key: Person(keypoints=one.keypoints, size=one.size) for key, one in kept.items()}, notes


# -- pictures ---------------------------------------------------------------------------------------------------------


def scene_of(session: Session, model: Model, mask: str) -> Scene:
    """The scene of a session for a model: computed once."""
    if session.person is None:
        raise ValueError("nobody is chosen on the photograph yet")
    if model.name not in session.scenes:
        with _noting():
            session.person = with_mask(session.person, None if mask == "none" else mask)
            session.scenes[model.name] = model.scene(session.person)
    return session.scenes[model.name]


def behind(session: Session, background: str) -> Background:
    """What is behind the figure in the shown picture. ValueError: another word, or no picture was given."""
    if background == "picture":
        if session.backdrop is None:
            raise ValueError("choose a picture for the background first")
        return session.backdrop
    if background not in BACKGROUNDS:
        raise ValueError(f"no background is called '{background[:60]}'; there are {', '.join(BACKGROUNDS)}")
    return background  # type: ignore[return-value]


def picture(session: Session, models: Models, model: str, joints: Tensor, background: str) -> Pixels:
    """The photograph with its person in a pose: uint8 (height, width, 3), or 4 with "transparent"."""
    chosen = models.get(model)
    scene, back = scene_of(session, chosen, models.mask), behind(session, background)
    target = Person(keypoints=joints, size=session.size)
    with _noting():
        return next(chosen.poses(scene, [target], back, placed=True, threads=1))


def prepare(session: Session, models: Models) -> None:
    """Compute what all pictures of a session share, before a joint is dragged; what is wrong is said then."""
    assert session.person is not None
    assert session.person.keypoints is not None
    moved = session.person.keypoints + torch.tensor([1.0, 1.0, 0.0]) * (session.person.keypoints[:, 2:] > 0)
    try:
        picture(session, models, "", moved, "keep")
    except (ValueError, OSError, ImportError):
        session.scenes.clear()


def moment(session: Session, models: Models, model: str, pose: Pose, background: str) -> Pixels:
    """The same of a pose whose crop is known: a frame of a clip."""
    chosen = models.get(model)
    scene, back = scene_of(session, chosen, models.mask), behind(session, background)
    return next(chosen.poses(scene, [pose], back, threads=1))


@torch.no_grad()
def canvas_picture(session: Session, models: Models, model: str, joints: Tensor) -> Pixels:
    """The model's own small picture of a pose: uint8 (H, W, 3) of its canvas."""
    chosen = models.get(model)
    scene, generator = scene_of(session, chosen, models.mask), chosen.generator
    target = complete_pose(scene.pose_at(joints).target, generator.needs)
    source = scene.source.only(*generator.needs.source, *generator.needs.helps).batch().to(chosen.device)
    wanted = target.only(*generator.needs.target).batch().to(chosen.device)
    prepared = scene.prepared(generator, source)
    output = generator(source, wanted, prepared) if prepared else generator(source, wanted)
    return to_uint8(output.image[0].cpu())


def full_picture(session: Session, models: Models, model: str, joints: Tensor, background: str) -> Pixels:
    """The same as `picture`, with all pixels of the photograph."""
    if session.factor == 1:
        return picture(session, models, model, joints, background)
    chosen = models.get(model)
    scene, back = full_scene(session, chosen, models.mask), behind(session, background)
    if isinstance(back, Tensor):
        assert session.full_backdrop is not None
        back = covering(from_uint8(session.full_backdrop), scene.placement.size)
    target = Person(keypoints=enlarged(joints, session.factor), size=scene.placement.size)
    with _noting():
        return next(chosen.poses(scene, [target], back, placed=True, threads=1))


def full_scene(session: Session, model: Model, mask: str) -> Scene:
    """The scene of the whole photograph; the last one is kept."""
    if session.factor == 1:
        return scene_of(session, model, mask)
    assert session.person is not None
    assert session.person.keypoints is not None
    name = f"full {model.name}"
    if name not in session.kept:
        person = Person(image=from_uint8(session.full), keypoints=enlarged(session.person.keypoints, session.factor))
        with _noting():
            session.kept = {name: model.scene(with_mask(person, None if mask == "none" else mask))}
    scene: Scene = session.kept[name]
    return scene


def make_room(
    session: Session, models: Models, model: str, joints: Tensor, limits: Limits
) -> tuple[float, float, float]:
    """Enlarge the photograph of a session, so that a figure lies in it; what is new is filled from beside.

    Args:
        joints: of the figure in the shown picture.

    Returns:
        scale, right, down: a joint (x, y) of the old shown picture lies at scale * (x, y) + (right, down) in the new.

    Raises:
        ValueError: it would have too many pixels.
    """
    scene, before = full_scene(session, models.get(model), models.mask), session.factor
    height, width = scene.placement.size
    left, top, right, bottom = sides = room_for(enlarged(joints, before), (height, width))
    if (height + top + bottom) * (width + left + right) > limits.pixels:
        raise ValueError("the photograph would become too large; make the figure smaller, or move it")
    person = with_room(scene.person, scene.matte, sides)
    assert person.image is not None
    session.full = to_uint8(person.image)
    session.pixels = _reduced(session.full, limits.live_pixels)
    scale = before / session.factor
    shifts = [(0.5 * before + side) / session.factor - 0.5 for side in (left, top)]

    def there(points: Tensor) -> Tensor:
        return points * torch.tensor([scale, scale, 1.0]) + torch.tensor([*shifts, 0.0]) * (points[:, 2:] > 0)

    session.people = [there(one) for one in session.people]
    assert session.person is not None
    assert session.person.keypoints is not None
    choose_person(session, there(session.person.keypoints))
    if session.full_backdrop is not None:
        session.backdrop = covering(from_uint8(_reduced(session.full_backdrop, limits.live_pixels)), session.size)
    return scale, shifts[0], shifts[1]


def set_backdrop(session: Session, content: bytes, name: str, limits: Limits) -> None:
    """Take an uploaded picture as the background. ValueError: it cannot be read."""
    session.full_backdrop, small = read_photograph(content, name, limits)
    session.backdrop = covering(from_uint8(small), session.size)


def beyond(session: Session, joints: Tensor) -> str:
    """A sentence on what of the figure lies outside the photograph; "" where nothing does."""
    assert session.person is not None
    assert session.person.keypoints is not None
    noted = worth_a_note(joints, session.person.keypoints, session.size)
    if noted is None:
        return ""
    share, parts = noted
    named = f" ({', '.join(parts)})" if parts else ""
    return f"{share:.0%} of the figure lies beyond the photograph{named} and is cut off"


def encoded(pixels: Pixels, lossless: bool = False, result: bool = False) -> tuple[bytes, str]:
    """A picture as bytes and their media type: JPEG, PNG where it is `lossless` or transparent.

    Args:
        result: it is stored by the visitor, and is marked as a result (`repose.images.results`); of a PNG.
    """
    content = io.BytesIO()
    if lossless or pixels.shape[2] == 4:
        marks = marking("PNG") if result else {}
        PIL.Image.fromarray(pixels).save(content, "PNG", compress_level=6 if lossless else 1, **marks)
        return content.getvalue(), "image/png"
    PIL.Image.fromarray(pixels).save(content, "JPEG", quality=_QUALITY)
    return content.getvalue(), "image/jpeg"


# -- files of a pose --------------------------------------------------------------------------------------------------


def pose_file(session: Session, joints: Tensor) -> bytes:
    """The pose as a file that `repose` reads again, in pixels of the whole photograph."""
    size = (session.full.shape[0], session.full.shape[1])
    with tempfile.TemporaryDirectory(prefix="repose-") as folder:
        path = Path(folder) / "pose.json"
        write_keypoints(path, {session.name: Person(keypoints=enlarged(joints, session.factor), size=size)})
        return path.read_bytes()


def skeleton_picture(session: Session, joints: Tensor) -> bytes:
    """The skeleton on black as a PNG, of the size of the shown picture."""
    return encoded(draw_skeleton(joints, *session.size), lossless=True)[0]


def enlarged(joints: Tensor, factor: float) -> Tensor:
    """Joints in a picture whose sides are `factor` times longer; the centre of the first pixel is (0, 0)."""
    out = joints.clone()
    out[:, :2] = torch.where(out[:, 2:] > 0, (out[:, :2] + 0.5) * factor - 0.5, out[:, :2])
    return out


def joints_from(values: object) -> Tensor:
    """18 triples of x, y, visible as a request gives them -> (18, 3).

    Raises:
        ValueError: another shape, or a number that is not finite or absurdly far away.
    """
    wrong = f"joints are {len(JOINTS)} triples of numbers: x, y and whether the joint is there (0 to 1)"
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(wrong) from None
    if array.shape != (len(JOINTS), 3) or not np.isfinite(array).all() or np.abs(array).max() > 1e5:
        raise ValueError(wrong)
    array[:, 2] = np.clip(array[:, 2], 0, 1)
    array[array[:, 2] == 0] = 0
    return torch.from_numpy(array).float()


# -- inside -----------------------------------------------------------------------------------------------------------


def _reduced(pixels: Pixels, most: int) -> Pixels:
    height, width = pixels.shape[:2]
    if height * width <= most:
        return pixels
    factor = (most / (height * width)) ** 0.5
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.array(PIL.Image.fromarray(pixels).resize(size, PIL.Image.Resampling.LANCZOS))


@contextmanager
def _noting() -> Iterator[list[str]]:
    """Warnings as sentences; they concern the visitor, not the log. Only the one thread that computes comes here."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    notes += [advised(str(one.message), "visitor") for one in caught if one.category is UserWarning]
