"""The main job: a photograph and a target pose in, a photograph of that person in that pose out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from repose.estimate import ESTIMATORS, KeypointEstimator, NobodyFound, Which, choose, estimator
from repose.images import ImageLike, load_image, same_kind
from repose.models.base import Generator
from repose.person import Person
from repose.represent.canvas import Canvas, canvas, from_uint8, to_uint8
from repose.represent.formats import read_keypoints
from repose.train.checkpoint import load_generator
from repose.train.recipe import Recipe
from repose.weights import find_weights

POSE_FILES = (".csv", ".json")
"""A target with such an ending is read as keypoints, not as a picture."""

MARGIN = 0.11
"""Room around the joints, a share of their extent: about what Market-1501 leaves (0.09 above, 0.12 below)."""


@dataclass(frozen=True)
class Model:
    """A trained generator with what is needed to use it: its recipe, and the canvas that it works on."""

    name: str
    generator: Generator
    recipe: Recipe

    @property
    def canvas(self) -> Canvas:
        """The size and framing of the pictures that it was trained on."""
        return canvas(self.recipe.canvas)

    @torch.inference_mode()
    def __call__(self, source: Person, target: Person) -> Tensor:
        """The person of `source` in the pose of `target`, both on `canvas`, batched or not.

        Returns:
            image (B, 3, H, W), or (3, H, W) for a single person, in [-1, 1].
        """
        image: Tensor = self.generator(source.batch(), target.batch()).image
        return image if source.batched else image[0]

    def place(self, person: Person) -> Person:
        """An unbatched person on a whole photograph -> framed on the model's canvas, as in training.

        A picture that has the canvas's proportions already and that its person fills is taken whole; from any other
        the surroundings of the joints are cut.
        """
        if person.batched:
            raise ValueError("place takes one person at a time: index the batch")
        if person.size is None:
            raise ValueError("this Person has no size: give an image or size=(height, width)")
        if person.keypoints is None or int((person.keypoints[:, 2] > 0).sum()) < 2:
            raise ValueError(
                "this Person has fewer than two located joints, so it is not known where on the picture it is"
            )
        if _framed(person, self.canvas):
            return self.canvas.put(person, how="fit")[0]
        return self.canvas.put(person, how="crop", margin=MARGIN)[0]


def load(name: str | Path = "default") -> Model:
    """A trained model by the name of its weights, or from the folder that a training run or `repose convert` left.

    Raises:
        ValueError: no such weights (names the nearest), or a file that is damaged or of another model.
        FileNotFoundError: the folder's run has not come as far as weights.
    """
    place = find_weights(name)
    generator, recipe = load_generator(place)
    folder = place.parent if place.is_file() else place
    return Model(folder.resolve().name, generator.eval().requires_grad_(False), recipe)


def read_person(picture: ImageLike, pose: KeypointEstimator | str = "movenet", which: Which = "largest") -> Person:
    """A photograph -> the person on it, with the joints found in its pixels; unbatched, on the whole photograph.

    Args:
        picture: path, PIL image, uint8 array (H, W, 3) or tensor (3, H, W).
        pose: an estimator, or its name.
        which: of several people: "largest", "best" or an index, 0 the largest.

    Raises:
        ImageError: the picture cannot be read.
        NobodyFound: nobody is on it.
    """
    pixels = load_image(picture)
    try:
        found = choose(_estimator(pose).people(pixels), which)
    except NobodyFound as error:
        raise NobodyFound(f"{picture}: {error}" if isinstance(picture, str | Path) else str(error)) from error
    return Person(image=from_uint8(pixels), keypoints=found.keypoints)


def read_pose(
    target: ImageLike | Tensor | Person, pose: KeypointEstimator | str = "movenet", which: Which = "largest"
) -> dict[str, Person]:
    """A target -> people by name: a photograph gives one, a keypoint file as many as it holds.

    Args:
        target: what `read_person` takes, a Person, a tensor of keypoints (18, 3), or the path of a CSV or JSON file
            of keypoints.
    """
    if isinstance(target, Person):
        return {"target": target}
    if isinstance(target, Tensor) and tuple(target.shape) == (18, 3):
        return {"target": _bare(target, "the target pose")}
    if isinstance(target, str | Path) and Path(target).suffix.lower() in POSE_FILES:
        people = {name: _bare(keypoints, f"{target}, {name}") for name, keypoints in read_keypoints(target).items()}
        if not people:
            raise ValueError(f"{target} holds no poses")
        return people
    name = Path(target).stem if isinstance(target, str | Path) else "target"
    return {name: read_person(target, pose, which)}


def transfer(
    source: ImageLike,
    target: ImageLike | Tensor | Person,
    model: Model | str | Path = "default",
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
) -> Any:
    """The person of `source` in the pose of `target`; the result is of the kind that `source` is.

    Args:
        source: a photograph: path, PIL image, uint8 array (H, W, 3), or tensor (3, H, W).
        target: a photograph, a keypoint file (CSV, JSON), a tensor of keypoints (18, 3), or a Person.
        model: a loaded model, the name of weights, or a folder.
        pose: the pose estimator, or its name.
        which: which of several people: "largest", "best", or an index.

    Returns:
        A picture of the model's canvas: a PIL image for a path or a PIL image, an array for an array, a tensor for a
        tensor.

    Raises:
        ImageError, NobodyFound, ValueError: what is wrong, where, and what to do.

    Example:
        >>> picture = repose.transfer("me.jpg", "dancer.jpg")  # doctest: +SKIP
        >>> picture.save("me_dancing.png")  # doctest: +SKIP
    """
    model = model if isinstance(model, Model) else load(model)
    poses = read_pose(target, pose, which)
    if len(poses) != 1:
        raise ValueError(
            f"{target} holds {len(poses)} poses ({', '.join(list(poses)[:3])} ...); `transfer` takes one. "
            "The command `repose transfer` makes a picture for each"
        )
    placed = model.place(next(iter(poses.values())))
    generated = model(model.place(read_person(source, pose, which)), placed)
    return same_kind(to_uint8(generated), like=source)


def _estimator(pose: KeypointEstimator | str) -> KeypointEstimator:
    return estimator(pose) if isinstance(pose, str) else pose


def _bare(keypoints: Tensor, what: str) -> Person:
    """Keypoints without a picture, on the smallest canvas from 0 that holds them."""
    located = keypoints[keypoints[:, 2] > 0]
    if len(located) < 2:
        raise ValueError(f"{what} has fewer than two located joints; nothing can be posed by it")
    width, height = (int(located[:, i].max().clamp(min=0)) + 1 for i in (0, 1))
    return Person(keypoints=keypoints.float(), size=(height, width))


def _framed(person: Person, onto: Canvas) -> bool:
    """Whether the picture already is what the canvas wants: its proportions, filled by the person."""
    assert person.size is not None
    assert person.keypoints is not None
    if person.image is None:
        return False
    height, width = person.size
    _, _, window_height, window_width = onto.window
    alike = abs((width / height) / (window_width / window_height) - 1) < 0.1
    y = person.keypoints[person.keypoints[:, 2] > 0, 1]
    return alike and bool((y.max() - y.min()) > 0.5 * height)


__all__ = ["ESTIMATORS", "Model", "load", "read_person", "read_pose", "transfer"]
