"""The main job: a photograph and a target pose in, a photograph of that person in that pose out."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repose.estimate import (
    ESTIMATORS,
    KeypointEstimator,
    MaskEstimator,
    NobodyFound,
    choose,
    complete,
    estimator,
)
from repose.images import ImageLike, load_image, same_kind, stem_of
from repose.models import build_generator, gathering, recipe
from repose.models.base import Generator, Output
from repose.models.weights import find_weights, load_generator
from repose.names import nearest
from repose.person import Person
from repose.recipes import Recipe
from repose.represent.canvas import Canvas, canvas, from_uint8, to_uint8
from repose.represent.choosing import NoSuchPersonError, Which
from repose.represent.framing import MARGIN
from repose.represent.known_joints import KeypointFile, joints_on
from repose.represent.pose_files import MIN_SCORE, FormatError, read_pose_file
from repose.represent.pose_files.arrays import ArrayLike, is_joints, read_array
from repose.represent.pose_files.drawing import NotADrawingError, is_drawing, read_drawing
from repose.represent.pose_files.reading import is_pose_file, pose_files_in, split_name
from repose.represent.retarget import retarget as retargeted
from repose.scene import BACKGROUNDS, Background, Scene, find_background
from repose.scene.room import parts_beyond, room_for, share_beyond, with_room

Joints = ArrayLike | Person | str | Path | None
"""Joints of a photograph where they are known: see `read_person`."""

_SHOWN: Final = ("person", "still")  # what a scene reads of `Output.extra`

_BEYOND: Final = 0.02  # the share of a figure beyond the photograph that is worth a note

DEVICES: Final = ("auto", "cpu", "cuda")
"""Where a model computes; "auto" is cuda if there is one."""


@dataclass(frozen=True)
class Model:
    """A trained generator with what is needed to use it: its recipe, and the canvas that it works on."""

    name: str
    generator: Generator
    recipe: Recipe

    @property
    def canvas(self) -> Canvas:
        """The size and framing of the pictures that it takes and gives; a card says where it was trained on others."""
        return canvas(self.recipe.canvas)

    @property
    def device(self) -> torch.device:
        """Where its weights are; people and pictures outside are on any, results always on the CPU."""
        return next(self.generator.parameters()).device

    @torch.inference_mode()
    def __call__(self, source: Person, target: Person) -> Tensor:
        """The person of `source` in the pose of `target`, both on `canvas`, batched or not, on any device.

        Of the two people the network sees the fields that it says it needs, and no other.

        Returns:
            image (B, 3, H, W), or (3, H, W) for a single person, in [-1, 1], on the CPU.
        """
        needs = self.generator.needs
        given, wanted = source.only(*needs.source).batch(), target.only(*needs.target).batch()
        image: Tensor = self.generator(given.to(self.device), wanted.to(self.device)).image
        return (image if source.batched else image[0]).cpu()

    def crop(self, source: Person, target: Person, retarget: bool = True, further: Sequence[Person] = ()) -> Tensor:
        """The person of `source` in the pose of `target`, a picture of the model's canvas alone.

        Args:
            source, target: unbatched, each on its own whole picture, as `read_person` gives them.
            retarget: give the pose the build of the source's person (`repose.represent.retarget`). A target with maps
                that the model needs keeps its own: maps cannot be given another.
            further: the same person on further photographs, see `pose`.

        Returns:
            image (3, H, W) in [-1, 1], on the CPU.

        Raises:
            ValueError: what `pose` raises.
        """
        source, target = self.place(source), self.place(target)
        maps = any(getattr(target, name) is not None for name in self.generator.needs.target if name != "keypoints")
        target = self.built(target, source) if retarget and not maps else target
        if not further:
            return self(source, target)
        people = [source, *(self.place(other) for other in further)]
        images = [person.image for person in people if person.image is not None]
        return self._gather(people, target, images).image[0].cpu()

    def built(self, target: Person, source: Person) -> Person:
        """`target` with its joints given the build of the source's person; both unbatched and on `canvas`."""
        assert source.keypoints is not None
        assert target.keypoints is not None
        posed = Person(keypoints=retargeted(target.keypoints, source.keypoints), size=self.canvas.size)
        # another build may reach beyond the picture
        return replace(target, keypoints=self.canvas.frame(self.canvas.take(posed)).keypoints)

    def scene(self, person: Person) -> Scene:
        """A photograph of a person, ready to be posed: what is computed of it is kept from pose to pose.

        Args:
            person: unbatched, on the whole photograph, with the mask of the person if there is one, and with the fields
                that the model needs (`generator.needs.source`). On any device.

        Raises:
            ValueError: a batch, or a person without their photograph or with fewer located joints than the model needs.
        """
        _require_place(person)
        self._require_joints(person, "the person in the photograph")
        return Scene(person, self.canvas, self.generator.needs, self._shown)

    def roomy(self, scene: Scene, target: Person, retarget: bool = True) -> Scene:
        """A scene whose photograph is so large that the figure in the pose of `target` lies in it; often the same one.

        The new pixels are filled from what is beside them.

        Args:
            scene: of this model. target, retarget: see `pose`.
        """
        assert scene.person.size is not None
        sides = room_for(scene.pose(target, retarget).keypoints, scene.person.size)
        return self.scene(with_room(scene.person, scene.matte, sides)) if any(sides) else scene

    @torch.no_grad()  # not inference mode: what a scene keeps may be used outside
    def pose(
        self,
        scene: Scene,
        target: Person,
        background: Background = "keep",
        retarget: bool = True,
        further: Sequence[Scene] = (),
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """The photograph of a scene, its person in the pose of `target`, at the photograph's own size.

        The first picture takes longer than those that follow: "keep" computes the photograph without the person.

        Args:
            scene: of this model, by `scene`.
            target: unbatched, in any pixels, with the size of its picture if that is known, and with the maps that the
                model needs (`generator.needs.target`). On any device.
            background: "keep", "generated", "white", "transparent" or a picture (3, height, width) of the photograph's
                size, see `repose.Scene.compose`.
            retarget: give the pose the build of the source's person. A target with maps that the model needs keeps its
                own: maps cannot be given another.
            further: scenes of further photographs of the same person, at any size, in any light. Every part of the
                figure comes from the photograph that shows it best; surroundings, light and build are those of `scene`.
            dtype: of the result, see `repose.Scene.compose`.

        Returns:
            (3, height, width) in [-1, 1], on the CPU; (4, height, width) with "transparent".

        Warns:
            UserWarning: part of the new figure lies beyond the photograph; `roomy` enlarges it.

        Raises:
            ValueError: a batch, a target with fewer located joints than the model needs, a scene on another canvas,
                another background, a field that the model needs is missing (says which and how to get it), or `further`
                photographs for a model that takes one (names those that take several).
        """
        if isinstance(background, str):
            find_background(background)
        _require_place(target)
        self._require_joints(target, "the target pose")
        for each in (scene, *further):
            if each.canvas != self.canvas:
                raise ValueError(
                    f"the scene was made for the canvas '{each.canvas.name}', this model works on "
                    f"'{self.canvas.name}'; make one by this model's `scene`"
                )
        pose, needs = scene.pose(target, retarget), self.generator.needs
        _note_beyond(scene, pose.keypoints)
        if further:
            scenes = (scene, *further)
            # the photograph's pixels behind a pixel of the enlarged crop, at most 1
            shares = [min(1.0, each.placement.box[2] / (pose.times * each.placement.window[2])) for each in scenes]
            detail = [share * each.covered for share, each in zip(shares, scenes, strict=True)]
            photographs = [each.enlarged(pose.times) for each in scenes]
            output = self._gather([each.source for each in scenes], pose.target, photographs, detail)
            shown, still = (output.extra[name][0].cpu() if name in output.extra else None for name in _SHOWN)
            return scene.compose(output.image[0].cpu(), pose, shown, background, still, dtype=dtype)
        given = scene.source.only(*needs.source, *needs.helps).batch().to(self.device)
        wanted = pose.target.only(*needs.target).batch().to(self.device)
        prepared = scene.prepared(self.generator, given)
        output = self.generator(given, wanted, prepared) if prepared else self.generator(given, wanted)
        shown, still = (output.extra[name][0].cpu() if name in output.extra else None for name in _SHOWN)
        generated = isinstance(background, str) and background == "generated"
        alone = None if generated else scene.person_alone(pose.times)
        if alone is not None:
            colours, matte = (part[None].to(self.device) for part in alone)
            cutout = self.generator.cutout(output, colours, matte)
            if cutout is not None:
                return scene.compose(
                    cutout.figure[0].cpu(), pose, shown, background, still, cutout.alpha[0].cpu(), dtype
                )
        photograph = scene.enlarged(pose.times)[None].to(self.device)
        picture = self.generator.enlarge(output, photograph, pose.coarser)[0].cpu()
        return scene.compose(picture, pose, shown, background, still, dtype=dtype)

    def whole(
        self,
        source: Person,
        target: Person,
        background: Background = "keep",
        retarget: bool = True,
        further: Sequence[Person] = (),
        room: bool = False,
    ) -> Tensor:
        """The photograph of `source`, its person in the pose of `target`, at the photograph's own size.

        One pose of a photograph; for several make a `scene` and `pose` it.

        Args:
            source: see `scene`. target, background, retarget: see `pose`.
            further: the same person on further photographs, see `pose`.
            room: enlarge the photograph where the new figure would leave it, see `roomy`.

        Returns:
            (3, height, width) in [-1, 1], on the CPU; (4, height, width) with "transparent".

        Raises:
            ValueError: what `scene` and `pose` raise.
        """
        if isinstance(background, str):
            find_background(background)
        _require_place(target)
        if further:
            self.require_gathering()
        scene = self.scene(source)
        scene = self.roomy(scene, target, retarget) if room else scene
        return self.pose(scene, target, background, retarget, [self.scene(other) for other in further])

    def require_gathering(self) -> None:
        """Check that the model takes several photographs of one person.

        Raises:
            ValueError: it takes one; the text names the recipes whose weights take several.
        """
        if not self.generator.gathers:
            raise ValueError(
                f"'{self.name}' takes one photograph of a person; several are put together by weights of the recipes "
                f"{', '.join(gathering())}: choose such a model, or give one photograph"
            )

    @torch.no_grad()
    def _gather(
        self, people: Sequence[Person], target: Person, photographs: Sequence[Tensor], detail: Sequence[Tensor] = ()
    ) -> Output:
        """`Generator.gather` of unbatched people on the canvas and their photographs (3, k H, k W)."""
        self.require_gathering()
        needs = self.generator.needs
        sources = Person.stack([person.only(*needs.source).to(self.device) for person in people])
        wanted = target.only(*needs.target).batch().to(self.device)
        shares = torch.stack([*detail]).to(self.device) if detail else None
        return self.generator.gather(sources, wanted, torch.stack([*photographs]).to(self.device), shares)

    def _require_joints(self, person: Person, what: str) -> None:
        """Raise ValueError where fewer joints are located than the model needs."""
        assert person.keypoints is not None
        located, least = int((person.keypoints[:, 2] > 0).sum()), self.generator.needs.joints
        if located < least:
            raise ValueError(
                f"{what} has {located} located joints, and the model '{self.name}' needs {least}: too little of "
                "the body is known. Use a picture that shows more of it, or give more joints"
            )

    @torch.no_grad()
    def _shown(self, source: Person) -> Tensor | None:
        """Where the model shows the person of `source` in their own pose, (1, H, W); None if it does not tell."""
        needs = self.generator.needs
        if any(getattr(source, name) is None for name in needs.target):
            return None
        given = source.only(*needs.fields).batch().to(self.device)
        shown = self.generator(given, given).extra.get("person")
        return None if shown is None else shown[0].cpu()

    def place(self, person: Person) -> Person:
        """An unbatched person on a whole photograph -> framed on the model's canvas, as in training.

        A picture that fits the canvas (`Canvas.fits`: its proportions, within 10 %, and a person who takes more than
        half of its height) is taken whole; from any other the surroundings of the joints are cut. Joints without a
        picture are placed by their `size`, as their picture would be; without a size they are cut out, too.
        """
        _require_place(person)
        joints = person.keypoints
        assert joints is not None
        if person.size is None:
            person = replace(person, size=self.canvas.size)  # any will do: the cut may reach outside
        elif self.canvas.fits(person.size, joints[joints[:, 2] > 0, :2]):
            return self.canvas.put(person, how="fit")[0]
        return self.canvas.put(person, how="crop", margin=MARGIN, fill="edge")[0]


def load(name: str | Path = "default", device: str = "auto") -> Model:
    """A trained model by the name of its weights, or from the folder that a training run or `repose convert` left.

    Args:
        name: see `repose.models.weights.find_weights`.
        device: one of `DEVICES`.

    Raises:
        ValueError: no such weights or device (names the nearest), or a file that is damaged or of another model.
        FileNotFoundError: the folder's run has not come as far as weights.
    """
    place, where = find_weights(name), _device(device)
    generator, trained = load_generator(place)
    folder = place.parent if place.is_file() else place
    return Model(folder.resolve().name, generator.eval().requires_grad_(False).to(where), trained)


def untrained(name: str, device: str = "auto") -> Model:
    """A recipe's network with random weights, the same every time; one that trains in stages is in its last.

    Raises:
        KeyError: no such recipe. ValueError: no such device. Both name the nearest.
    """
    chosen, where = recipe(name), _device(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = build_generator(chosen)
    return Model(f"{name}-random", generator.eval().requires_grad_(False).to(where), chosen)


def read_person(
    picture: ImageLike,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    keypoints: Joints = None,
    min_score: float = MIN_SCORE,
) -> Person:
    """A photograph -> the person on it, with the joints found in its pixels; unbatched, on the whole photograph.

    Args:
        picture: path, PIL image, uint8 array (H, W, 3) or tensor (3, H, W).
        pose: an estimator, or its name.
        which: of several people: "largest", "best", "left", "right", "middle" or a number, 0 the largest.
        keypoints: the joints, where they are known; no estimator is asked then. An array of joints
            (`repose.represent.pose_files.arrays`), a Person, or a keypoint file: FILE#NAME, or FILE if it has one pose
            or one of the photograph's name. Coordinates that are shares of the picture are scaled to the photograph.
        min_score: a joint of a keypoint file or an array with a lower score is missing.

    Raises:
        ImageError: the picture cannot be read.
        NobodyFound: nobody is on it.
        ValueError: the keypoints are not of this photograph, or the file does not tell which are.
    """
    pixels = load_image(picture)
    if keypoints is not None:
        if isinstance(keypoints, str | Path):
            name = Path(picture).name if isinstance(picture, str | Path) else ""
            keypoints = KeypointFile.read(keypoints, which, min_score).pose_of(name)
        elif not isinstance(keypoints, Person):
            keypoints, _ = read_array(keypoints, which, None, min_score, "source_keypoints", shares=True)
        return Person(image=from_uint8(pixels), keypoints=joints_on(keypoints, pixels.shape[:2]))
    try:
        person = choose(_estimator(pose).people(pixels), which, pixels.shape[1])
    except NobodyFound as error:
        raise NobodyFound(f"{picture}: {error}" if isinstance(picture, str | Path) else str(error)) from error
    return Person(image=from_uint8(pixels), keypoints=person.keypoints)


def with_mask(person: Person, mask: MaskEstimator | str | None = "auto") -> Person:
    """The same person with the mask of them, found in the photograph, if they have none.

    Args:
        person: unbatched, with image and keypoints.
        mask: an estimator, or its name; "auto" is the default one where it can run; None finds no mask, and the person
            is told from what is around by joints and colours.

    Warns:
        UserWarning: "auto" cannot run; the text says what is missing.

    Raises:
        MissingFieldError: the estimator that is named cannot run.
        ValueError: no such estimator.
    """
    if mask is None or mask == "none" or person.mask is not None:
        return person
    if mask == "auto":
        problem = no_automatic_mask()
        if problem is not None:
            if problem:
                warnings.warn(
                    f"the person is cut out by joints and colours alone, less well than by networks: {problem}",
                    stacklevel=_callers_level(),
                )
            return person
    return complete(person, "mask", {} if mask == "auto" else {"mask": mask})[0]


@functools.cache
def no_automatic_mask() -> str | None:
    """Why the default estimator of masks cannot run here; None if it can. It is tried once a process."""
    try:
        estimator(field="mask")
    except (ImportError, FileNotFoundError) as error:
        return str(error).partition("\n")[0]
    return None


def require_mask(name: str) -> None:
    """Check that `with_mask` knows this name. ValueError names the nearest one."""
    names = ("auto", "none", *ESTIMATORS["mask"])
    if name not in names:
        raise ValueError(f"no way to cut a person out is called '{name}'; {nearest(name, names)}")


def read_background(background: str | Path | ImageLike | Tensor, size: tuple[int, int] | None = None) -> Background:
    """What is behind the new figure: a name of `repose.scene.BACKGROUNDS`, or a picture.

    Args:
        background: a name, or a picture: path, PIL image, array or tensor, as `load_image` takes.
        size: (height, width) of the photograph, which the picture is scaled to cover; its middle is taken. None: the
            name or the picture is only checked.

    Returns:
        The name, or (3, height, width) in [-1, 1].

    Raises:
        ValueError: neither a name nor a picture.
    """
    if isinstance(background, str) and background in BACKGROUNDS:
        return find_background(background)
    if isinstance(background, str) and not Path(background.partition("#")[0]).is_file():
        raise ValueError(f"no background is called '{background}', and no picture; {nearest(background, BACKGROUNDS)}")
    image = from_uint8(load_image(background))
    return image if size is None else covering(image, size)


def covering(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle of a picture (3, h, w) that is scaled, with its proportions, to cover (height, width)."""
    (height, width), (rows, columns) = size, image.shape[-2:]
    times = max(height / rows, width / columns)
    rows, columns = max(height, round(rows * times)), max(width, round(columns * times))
    scaled = Person(image=image).resize(rows, columns)
    placed = scaled.crop((rows - height) // 2, (columns - width) // 2, height, width).image
    assert placed is not None
    return placed


def read_further(
    pictures: Sequence[ImageLike],
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    keypoints: Sequence[Joints] = (),
    min_score: float = MIN_SCORE,
) -> list[Person]:
    """Further photographs of a person -> the person on each, see `read_person`; one without anybody is left out.

    Args:
        keypoints: the joints where they are known, in the order of the photographs; None, or a shorter list, where an
            estimator is to find them.

    Warns:
        UserWarning: nobody is found on a photograph.

    Raises:
        ImageError, ValueError: see `read_person`.
    """
    people = []
    for number, picture in enumerate(pictures):
        try:
            known = keypoints[number] if number < len(keypoints) else None
            people.append(read_person(picture, pose, which, known, min_score))
        except NobodyFound as error:
            named = "" if isinstance(picture, str | Path) else f"further photograph {number + 1}: "
            warnings.warn(f"{named}{error}; the picture is computed without this photograph", stacklevel=2)
    return people


def read_pose(
    target: ImageLike | ArrayLike | Person,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    min_score: float = MIN_SCORE,
    size: tuple[int, int] | None = None,
) -> dict[str, Person]:
    """A target -> people by name: a photograph gives one, a pose file as many as it holds pictures.

    Args:
        target: what `read_person` takes, a drawing of a skeleton in OpenPose's colours, a Person, an array of joints
            (`repose.represent.pose_files.arrays`), or a pose file of any tool (docs/pose-files.md) or a folder of them;
            FILE#NAME is one picture of a file.
        pose: the pose estimator of photographs, or its name.
        which: of several people in one picture: "largest", "best", "left", "right", "middle" or a number, 0 the
            largest.
        min_score: a joint of a file or an array with a lower score is missing.
        size: (height, width) of the picture that the joints are of, where it is not told.

    Returns:
        name -> Person, unbatched; from joints alone without an image, and with a size only where it is told.

    Warns:
        UserWarning: pictures without a pose are left out, or joints were dropped for their score, or the target is a
            drawing.

    Raises:
        ImageError, NobodyFound, FormatError, ValueError: what is wrong, where, and what to do.
    """
    if isinstance(target, Person):
        return {"target": target}
    if is_joints(target):
        person, dropped = read_array(target, which, size, min_score, "the target pose")  # type: ignore[arg-type]
        if dropped:
            warnings.warn(
                f"the target pose: {dropped} joints have a score below {min_score:g} and count as missing; min_score "
                "changes this",
                stacklevel=2,
            )
        return {"target": _posed(person, "the target pose")}
    if isinstance(target, str | Path):
        file, name = split_name(target)
        if is_pose_file(file) or (file.is_dir() and pose_files_in(file)):
            return _read_poses(file, name, which, min_score, size)
    pixels = load_image(target)  # type: ignore[arg-type]
    name = stem_of(target) if isinstance(target, str | Path) else "target"
    if is_drawing(pixels):
        try:
            drawn = read_drawing(pixels, which)
        except NotADrawingError:
            pass  # a picture that looks like one
        except NoSuchPersonError as error:
            raise NobodyFound(f"{target if isinstance(target, str | Path) else 'the target'}: {error}") from None
        else:
            warnings.warn("a drawing of a skeleton: its pose is read from the colours of OpenPose", stacklevel=2)
            return {name: Person(image=from_uint8(pixels), keypoints=drawn.keypoints)}
    try:
        return {name: read_person(pixels, pose, which)}
    except NobodyFound as error:
        raise NobodyFound(f"{target}: {error}" if isinstance(target, str | Path) else str(error)) from error


def _read_poses(
    file: Path, name: str, which: Which, min_score: float, size: tuple[int, int] | None
) -> dict[str, Person]:
    """The poses of a pose file; pictures without one, or with fewer people than a number asks for, are left out."""
    absent: list[FormatError] = []
    broken: list[FormatError] = []

    def keep_going(error: FormatError) -> None:
        if "was asked for" in error.problem:
            absent.append(error)
        elif file.is_dir():  # one bad file among many
            broken.append(error)
        else:
            raise error

    read = read_pose_file(file, keep_going, which, size, min_score, name)
    people = read.posed()
    if not people and (absent or broken):
        raise (absent or broken)[0]
    if not people:
        low = f"; {read.dropped} joints have a score below {min_score:g} (--min-score)" if read.dropped else ""
        if len(read.poses) == 1:
            raise ValueError(
                f"{file}, {next(iter(read.poses))} has fewer than two located joints; nothing can be posed by it{low}"
            )
        raise ValueError(f"{file} holds no poses: of {len(read.poses)} pictures none has two located joints{low}")
    for note in (*read.notes(), *(f"skipped: {error}" for error in broken)):
        warnings.warn(note, stacklevel=3)
    if absent:
        some = ", ".join(str(error.name) for error in absent[:3]) + (", ..." if len(absent) > 3 else "")
        pictures = "picture" if len(absent) == 1 else "pictures"
        warnings.warn(f"skipped: {len(absent)} {pictures} without person {which} ({some})", stacklevel=3)
    return people


def transfer(
    source: ImageLike,
    target: ImageLike | ArrayLike | Person,
    model: Model | str | Path = "default",
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    whole: bool = True,
    background: str | Path | ImageLike = "keep",
    retarget: bool = True,
    target_which: Which = "largest",
    source_keypoints: Joints | Sequence[Joints] = None,
    sources: Sequence[ImageLike] = (),
    room: bool = False,
    mask: MaskEstimator | str | None = "auto",
    min_score: float = MIN_SCORE,
    target_size: tuple[int, int] | None = None,
) -> Any:
    """The photograph `source`, its person in the pose of `target`; the result is of the kind that `source` is.

    Args:
        source: a photograph: path, PIL image, uint8 array (H, W, 3), or tensor (3, H, W).
        target: a photograph, a drawing of a skeleton, a pose file or FILE#NAME, an array of joints, or a Person: see
            `repose.pipeline.read_pose`.
        model: a loaded model, the name of weights, or a folder.
        pose: the pose estimator, or its name.
        which: which of several people on the source: "largest", "best", "left", "right", "middle" or a number, 0 the
            largest.
        whole: the whole photograph, with the new figure where the old one stood; False: the model's canvas alone, as it
            comes from the network.
        background: of the whole photograph: "keep" it and fill what the old figure leaves, take the model's
            ("generated"), "white", "transparent", or a picture, which is scaled to cover the photograph.
        retarget: give the pose the build of the source's person; False: the limbs of the target as they are.
        target_which: the same as `which`, for the target.
        source_keypoints: the joints of the source, where they are known, see `read_person`; with `sources` a list: of
            the source, then of each further photograph, None where they are to be found.
        sources: further photographs of the same person, such as their back. Every part of the figure comes from the
            photograph that shows it best; surroundings, light and build are those of `source`. Not every model takes
            them.
        room: enlarge the photograph where the new figure would leave it, filled from what is beside.
        mask: how the person is cut out, see `with_mask`.
        min_score: a joint of a pose file or an array with a lower score is missing.
        target_size: (height, width) of the picture that the target's joints are of, where they are shares of it (0 to
            1) and the file does not tell it.

    Returns:
        A picture of the photograph's size (larger with `room`, of the model's canvas without `whole`): a PIL image for
        a path or a PIL image, an array for an array, a tensor for a tensor. It is RGB (RGBA with "transparent"), sRGB
        and upright, as `load_image` reads the photograph: colour profiles are applied, transparency lies on white, and
        a JPEG of more than 64 million pixels comes back at a half, a quarter or an eighth of its sides.
        `repose.images.Photograph` writes a result in the photograph's own colour profile and with its EXIF.

    Warns:
        UserWarning: nobody is found on a further photograph, which is left out; and what `read_pose` tells.

    Raises:
        ImageError, NobodyFound, ValueError: what is wrong, where, and what to do.

    Example:
        >>> picture = repose.transfer("me.jpg", "dancer.jpg")  # doctest: +SKIP
        >>> picture.save("me_dancing.png")  # doctest: +SKIP
        >>> picture = repose.transfer("front.jpg", "dancer.jpg", sources=["back.jpg"])  # doctest: +SKIP
    """
    model = model if isinstance(model, Model) else load(model)
    if sources:
        model.require_gathering()
    poses = read_pose(target, pose, target_which, min_score, target_size)
    if len(poses) != 1:
        raise ValueError(
            f"{target} holds {len(poses)} poses ({', '.join(list(poses)[:3])} ...); `transfer` takes one. "
            "The command `repose transfer` makes a picture for each"
        )
    target_person = next(iter(poses.values()))
    joints = _joint_list(source_keypoints)
    if len(joints) > 1 + len(sources):
        raise ValueError(f"source_keypoints has {len(joints)} entries for {1 + len(sources)} photographs")
    person = read_person(source, pose, which, joints[0] if joints else None, min_score)
    further = read_further(sources, pose, which, joints[1:], min_score)
    if whole:
        behind = read_background(background)
        scene = model.scene(with_mask(person, mask))
        scene = model.roomy(scene, target_person, retarget) if room else scene
        behind = behind if isinstance(behind, str) else covering(behind, scene.placement.size)
        views = [model.scene(with_mask(other, mask)) for other in further]
        generated = model.pose(scene, target_person, behind, retarget, views)
    else:
        generated = model.crop(person, target_person, retarget, further)
    return same_kind(to_pixels(generated), like=source)


def to_pixels(picture: Tensor) -> NDArray[np.uint8]:
    """A picture of `Model.pose`, (3, H, W) or (4, H, W) in [-1, 1] -> uint8 (H, W, 3), or (H, W, 4) with opacity."""
    if len(picture) == 3:
        return to_uint8(picture)
    opacity = ((picture[3:] + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)
    return np.concatenate([to_uint8(picture[:3]), opacity.movedim(0, -1).numpy()], -1)


def _callers_level() -> int:
    """The `stacklevel` of a warning of the calling function, so that it points at who called Repose."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("repose", "torch"):
        frame, level = frame.f_back, level + 1
    return level


def _note_beyond(scene: Scene, keypoints: Tensor) -> None:
    """Warn where the new figure leaves the photograph, if the old one does not as much."""
    assert scene.person.size is not None
    assert scene.person.keypoints is not None
    beyond = share_beyond(keypoints, scene.person.size)
    if beyond < _BEYOND + share_beyond(scene.person.keypoints, scene.person.size):
        return
    parts = parts_beyond(keypoints, scene.person.size)
    named = f" ({', '.join(parts)})" if parts else ""
    warnings.warn(
        f"{beyond:.0%} of the new figure lies beyond the photograph{named}, and is cut off; --room (room=True in "
        "Python) enlarges the photograph",
        stacklevel=_callers_level(),
    )


def _estimator(pose: KeypointEstimator | str) -> KeypointEstimator:
    return estimator(pose) if isinstance(pose, str) else pose


def _device(name: str) -> torch.device:
    if name not in DEVICES:
        raise ValueError(f"no device is called '{name}'; {nearest(name, DEVICES)}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ValueError("there is no CUDA device here, or this PyTorch was built without CUDA; use auto or cpu")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def _joint_list(joints: Joints | Sequence[Joints]) -> list[Joints]:
    """The entries of a list, or what is given as the only one."""
    if joints is None or isinstance(joints, np.ndarray | Tensor | Person | str | Path):
        return [joints]
    entries = list(joints)
    numbers = bool(entries) and isinstance(entries[0], list | tuple) and is_joints(entries)
    return [entries] if numbers else entries


def _posed(person: Person, what: str) -> Person:
    """The same person; ValueError, naming `what`, where it has too few joints to pose anybody by."""
    assert person.keypoints is not None
    if int((person.keypoints[:, 2] > 0).sum()) < 2:
        raise ValueError(f"{what} has fewer than two located joints; nothing can be posed by it")
    return person


def _require_place(person: Person) -> None:
    """Raise ValueError unless this is one person, of whom it is known where on the picture they are."""
    if person.batched:
        raise ValueError("a whole picture shows one person at a time: index the batch")
    if person.keypoints is None or int((person.keypoints[:, 2] > 0).sum()) < 2:
        raise ValueError("this Person has fewer than two located joints, so it is not known where on the picture it is")


__all__ = ["ESTIMATORS", "Model", "load", "read_further", "read_person", "read_pose", "transfer", "untrained"]
