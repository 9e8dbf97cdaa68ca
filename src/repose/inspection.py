"""Pictures of what happens inside a model when it puts one person into the pose of another.

`find_model`, `find_person` and `find_pair` read the model and the two people by their names; `look_inside` gives the
panels of one pair; `repose.draw.panels.write_panels` writes them to a folder. `repose inspect` does all of this.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from repose.draw.panels import Panel, Pixels, enlargement, grid, map_picture, picture
from repose.models import RECIPES, inspector
from repose.models.weights import shipped
from repose.names import nearest
from repose.person import Person
from repose.represent.choosing import Which
from repose.represent.keypoints import draw_skeleton
from repose.represent.pose_files import MIN_SCORE
from repose.represent.pose_files.reading import is_pose_file, pose_files_in, split_name

if TYPE_CHECKING:
    from repose.data import Store
    from repose.pipeline import Model


def find_model(name: str | Path, device: str = "auto") -> tuple[Model, str]:
    """The model of a name: trained weights, as `repose.load` takes them, or a recipe's network with random weights.

    Returns:
        The model, and a warning: "" for trained weights.

    Raises:
        ValueError: neither weights, nor a folder, nor a recipe has that name; the text names the nearest.
    """
    from repose.pipeline import load, untrained

    if str(name) in RECIPES and not Path(name).exists():
        warning = (
            f"'{name}' is a recipe, so its weights are RANDOM: the pictures show what the network does before it has "
            f"learnt anything. Trained weights: {', '.join(shipped()) or 'none here'}, or the folder of a run"
        )
        return untrained(str(name), device), warning
    if not Path(name).exists() and str(name) not in (*shipped(), "default"):
        known = (*shipped(), "default", *RECIPES)
        raise ValueError(f"no weights, no recipe and no folder is called '{name}'; {nearest(name, known)}")
    return load(name, device), ""


def find_person(
    word: str,
    store: Store | None = None,
    target: bool = False,
    pose: str = "movenet",
    which: Which = "largest",
    min_score: float = MIN_SCORE,
    size: tuple[int, int] | None = None,
) -> Person:
    """One person by a word: a picture of a store by name or index, a photograph, or, of a target, a pose file.

    Args:
        word: with a store a name or an index in it, else a path; "poses.json#NAME" is one pose of a file of several.
        target: whether joints are enough, so that a pose file is allowed.
        pose: the estimator for photographs; which: of several people in one picture.
        min_score, size: of a pose file, see `repose.pipeline.read_pose`.

    Returns:
        Unbatched; of a store with all fields that it has, of a photograph with image and keypoints.

    Raises:
        ValueError: no such picture or pose (names the nearest), or what `repose.read_person` raises.
    """
    from repose.pipeline import read_person, read_pose

    if store is not None:
        if word in store.names:
            return store.person([store.index(word)])[0]
        if word.isdecimal():
            if int(word) >= len(store):
                raise ValueError(f"{store.folder} has pictures 0 to {len(store) - 1}, there is no number {word}")
            return store.person([int(word)])[0]
    path, _ = split_name(word)
    if not path.exists():
        if store is not None:
            near = difflib.get_close_matches(word, store.names, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f", such as '{store.names[0]}'"
            raise ValueError(f"'{word}' is neither a picture of {store.folder}{hint} nor a file")
        raise ValueError(f"{path} does not exist; a picture of a store is named together with --store FOLDER")
    joints = is_pose_file(path) or (path.is_dir() and bool(pose_files_in(path)))
    if joints and not target:
        raise ValueError(f"{path} holds joints; the source must be a photograph, or a picture of a store")
    if not target:
        return read_person(word, pose, which)
    poses = read_pose(word, pose, which, min_score, size)
    if len(poses) > 1:
        raise ValueError(f"{path} holds {len(poses)} poses; name one: '{path}#{next(iter(poses))}'")
    return next(iter(poses.values()))


def find_pair(store: Store, number: int, split: str = "test") -> tuple[Person, Person]:
    """A pair of a split's list, from 0, with all fields of the store.

    Raises:
        KeyError: no such split. ValueError: the list is shorter.
    """
    pairs = store.pairs(split)
    if not 0 <= number < len(pairs):
        raise ValueError(f"the split '{split}' of {store.folder} has pairs 0 to {len(pairs) - 1}, not {number}")
    both = store.person(pairs[number])
    return both[0], both[1]


@torch.inference_mode()
def look_inside(model: Model, source: Person, target: Person, retarget: bool = False) -> list[Panel]:
    """The panels of one pair: the result, the maps that the model reads, then those of the model's own `inspect.py`.

    Args:
        source, target: unbatched. Pictures of the size of the model's canvas (or its window) are used unchanged, others
            are cropped around the joints, as `repose transfer --crop` does. Fields that the model does not need are
            allowed: some panels show the true map beside the predicted one. Fields that it needs and that are missing
            are estimated from the photographs, as `repose transfer` does.
        retarget: give the target pose the limb lengths of the source's person, as `repose transfer` does; for pictures
            of two people. Only joints can be changed so: a target with parsing, IUV or mask stays as it is.

    Raises:
        ValueError: the model has no inspector, or a field that it needs is missing and cannot be estimated here (the
            text says what supplies it).
    """
    from repose.pipeline.fields import complete_pose

    panels = inspector(model.recipe.model)
    (source, _), (target, _) = model.completed(source), model.completed_target(target)
    source, target = (_placed(model, person) for person in (source, target))
    if retarget and target.parsing is None and target.iuv is None and target.mask is None:
        target = model.built(target, source)
    target = complete_pose(target, model.generator.needs)
    source, target = source.batch().to(model.device), target.batch().to(model.device)
    generated = model(source, target)[0]  # checks both people
    own = panels(model.generator, source, target)
    own_names = {panel.name for panel in own}
    usual = [
        _result(source, target, generated, "image" in model.generator.needs.target),
        *_inputs(model, source, target),
    ]
    return [*(panel for panel in usual if panel.name not in own_names), *own]


# -- inside ----------


def _placed(model: Model, person: Person) -> Person:
    """On the model's canvas: framed as in training if the picture has its size, else cropped around the joints."""
    canvas = model.canvas
    if person.size in (canvas.size, canvas.window[2:]):
        return canvas.frame(person)
    return model.place(person)


def _result(source: Person, target: Person, generated: Tensor, sees: bool) -> Panel:
    """Source, pose, generated and, where there is one, the target's own picture; `sees`: whether the model reads it."""
    height, width = generated.shape[-2:]
    shown: dict[str, Pixels] = {}
    if source.image is not None:
        shown["source"] = picture(source.image[0])
    if target.keypoints is not None:
        shown["pose"] = draw_skeleton(target.keypoints[0], height, width)
    shown["generated"] = picture(generated)
    truth = ""
    if target.image is not None:
        shown["target"] = picture(target.image[0])
        truth = ", and the target's own picture, which the model does not see" * (not sees)
    caption = f"The source, the target pose, and what the model makes of them{truth}."
    return Panel("result", caption, grid([list(shown.values())], list(shown), scale=enlargement(height)))


def _inputs(model: Model, source: Person, target: Person) -> list[Panel]:
    """The maps beside picture and joints that the model reads, if it reads any."""
    needs = model.generator.needs
    fields = [name for name in ("parsing", "iuv", "mask", "depth") if name in (*needs.source, *needs.target)]
    if not fields:
        return []
    rows: dict[str, list[Pixels | None]] = {}
    for role, person, names in (("source", source, needs.source), ("target", target, needs.target)):
        row = [map_picture(person, name) if name in names else None for name in fields]
        if any(cell is not None for cell in row):
            rows[role] = row
    read = [f"{role}.{name}" for role, names in (("source", needs.source), ("target", needs.target)) for name in names]
    caption = f"The maps that {type(model.generator).__name__} reads. All that it reads: {', '.join(read)}."
    height = int(model.canvas.height)
    return [Panel("input", caption, grid(list(rows.values()), fields, list(rows), enlargement(height)))]
