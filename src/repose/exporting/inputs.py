"""What goes into each network: the names of its tensors, what they mean, and how a consumer computes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from repose.models.base import Generator
from repose.person import LABELS, LIP_LABELS
from repose.represent.parsing import INSHOP_LABELS, PINET_LABELS, TO_INSHOP, TO_PINET


@dataclass(frozen=True)
class InputTensor:
    """One input of a network.

    Attributes:
        name: in the file. meaning: of its channels. low, high: range of its values.
        computed: how `consumer.py` computes it, {"by": ...}; None where it takes more than NumPy.
    """

    name: str
    meaning: str
    low: float
    high: float
    computed: Mapping[str, Any] | None = field(default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        """What of a person it is computed from: image, source_joints, target_labels ..."""
        if self.computed is None:
            return ()
        by, people = self.computed["by"], self.computed.get("of", ())
        kind = "joints" if by == "joint_maps" else "labels"
        of_image = ("image",) if by in ("image", "on_white", "first_picture", "joint_maps") else ()
        return (*of_image, *(f"{who}_{kind}" for who in people))


def input_tensors(model: str, generator: Generator, count: int, height: int) -> tuple[InputTensor, ...]:
    """The inputs of a network, in the order of `Generator.encode`.

    Args:
        model: its name, `Recipe.model`. A model of another package has the names of the arguments of its `synthesise`.
        count: how many tensors `encode` gives. height: rows of the picture.
    """
    known = _INPUTS.get(model)
    tensors = known(generator, height)[:count] if known is not None else ()
    if len(tensors) == count:
        return tensors
    names = [
        name
        for name, parameter in inspect.signature(type(generator).synthesise).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and name != "self"
    ]
    names = [f"source_{name}" if name == "image" else name for name in names]  # an output has that name
    names += [f"input_{index}" for index in range(len(names), count)]
    about = "tensor {} of `encode` of the network's generator"
    return tuple(
        InputTensor(name, about.format(index), float("-inf"), float("inf")) for index, name in enumerate(names[:count])
    )


def why_not(model: str) -> str:
    """Why a consumer cannot compute the inputs of a model with NumPy alone, and what to do."""
    return _WHY.get(
        model,
        "The inputs are what `encode` of the model's generator gives; nothing here computes them without Repose. "
        "Compute them with Repose (`model.generator.encode(source, target)`), and send the tensors.",
    )


# -- inside ---------------------------------------------------------------------------------------------------------

_PICTURE: Final = InputTensor("source_image", "the source picture: red, green, blue", -1, 1, {"by": "image"})


def _maps(name: str, people: tuple[str, ...], cell: int = 1, **more: Any) -> InputTensor:
    how = {
        "by": "joint_maps", "of": list(people), "kind": "gaussian", "sigma": 6.0, "cell": cell, "frames": False,
        **more,
    }  # fmt: skip
    whose = " and then of the ".join(people)
    text = f"a map for each of OpenPose's 18 joints of the {whose}: {how['kind']}, 1 at the joint, 0 if it is missing"
    if how["frames"]:
        text += "; then of each of 13 bones how near, how far along and how far aside a pixel lies"
    return InputTensor(name, text, *((-4, 4) if how["frames"] else (0, 1)), how)


def _of_joints(name: str, people: tuple[str, ...], config: Any) -> InputTensor:
    return _maps(name, people, kind=config.pose, sigma=config.sigma)


def _table(to: Mapping[str, str], labels: tuple[str, ...]) -> list[int]:
    return [labels.index(to[name]) for name in LABELS]


def _parts(name: str, people: tuple[str, ...], to: Mapping[str, str], labels: tuple[str, ...]) -> InputTensor:
    how = {"by": "part_maps", "of": list(people), "table": _table(to, labels), "parts": len(labels)}
    whose = " and then of the ".join(people)
    return InputTensor(name, f"1 where the {whose} shows: {', '.join(labels)}", 0, 1, how)


def _patn(generator: Any, height: int) -> tuple[InputTensor, ...]:
    config = generator.config
    return _PICTURE, _of_joints("pose", ("source", "target"), config)


def _apatn(generator: Any, height: int) -> tuple[InputTensor, ...]:
    config = generator.config
    return _PICTURE, *(_of_joints(f"{who}_pose", (who,), config) for who in ("source", "target"))


def _multiscale(generator: Any, height: int) -> tuple[InputTensor, ...]:
    config = generator.config
    people = ("source", "target")
    if config.pose == "parsing":
        pose = _parts("pose", people, TO_INSHOP, INSHOP_LABELS)
        text = "the parts of the target in their mean colours in the source: red, green, blue"
        return _PICTURE, pose, InputTensor("first_picture", text, -1, 1, {"by": "first_picture", "maps": "pose"})
    return _PICTURE, _of_joints("pose", people, config)


def _pinet(generator: Any, height: int) -> tuple[InputTensor, ...]:
    config = generator.config
    poses = tuple(_of_joints(f"{who}_pose", (who,), config) for who in ("source", "target"))
    return _PICTURE, *poses, _parts("source_parsing", ("source",), TO_PINET, PINET_LABELS)


def _hpn(generator: Any, height: int) -> tuple[InputTensor, ...]:
    pose = _maps("pose", ("target",), cell=2**generator.config.levels, sigma=generator.config.sigma)
    return _PICTURE, pose


def _carry(generator: Any, height: int) -> tuple[InputTensor, ...]:
    cell = 4 * generator.shrink(height)
    return _PICTURE, *(
        _maps(f"{who}_pose", (who,), cell=cell, sigma=0.0, sigma_of_rows=0.03, frames=generator.config.frames)
        for who in ("source", "target")
    )


def _garment(generator: Any, height: int) -> tuple[InputTensor, ...]:
    config = generator.config
    numbers = [LIP_LABELS.index(name) for name in config.labels]
    numbers += [LABELS.index("neck")] if "face" in config.labels else []  # LIP counts it as face
    named = ", ".join(config.labels)
    text = "the source picture where the garment is, white elsewhere: red, green, blue"
    return (
        InputTensor("garment", text, -1, 1, {"by": "on_white", "of": ["source"], "labels": numbers}),
        *(
            InputTensor(
                f"{who}_mask", f"1 where the {who} shows {named}", 0, 1,
                {"by": "label_mask", "of": [who], "labels": numbers},
            )
            for who in ("source", "target")
        ),
    )  # fmt: skip


def _bodywarp(generator: Any, height: int) -> tuple[InputTensor, ...]:
    place = "x and y in the source, -1 to 1 from edge to edge"
    body = "point on the mean body (3, metres), normal (3), depth (metres), mask, distance from the skin"
    return (
        InputTensor("source_image", "the source picture: red, green, blue", -1, 1),
        InputTensor("flow", f"where the skin under each pixel lies: {place}", -3, 3),
        InputTensor("mirrored", f"where the mirror image of that point lies: {place}", -3, 3),
        InputTensor(
            "traits",
            "seen, facing, stretch and agreement of `flow`; seen and facing of `mirrored`; stands still",
            -1,
            1,
        ),
        InputTensor("source_body", f"the body in the source: {body}", -3, 3),
        InputTensor("target_body", f"the body in the target: {body}", -3, 3),
    )


def _densepose(generator: Any, height: int) -> tuple[InputTensor, ...]:
    config = generator.config
    return (
        InputTensor("given", f"the source picture (3) and its pose ({config.source_pose})", -1, 24),
        InputTensor("wanted", f"the target's pose ({config.target_pose})", 0, 24),
        InputTensor("iuv", "DensePose's part (0 to 24), u and v of the target", 0, 24),
        InputTensor("texture", "the atlas of the source: for each of 24 parts red, green, blue over u and v", -1, 1),
        InputTensor("seen", "1 where the source shows that place of the atlas", 0, 1),
    )


_INPUTS: Final[Mapping[str, Callable[[Any, int], tuple[InputTensor, ...]]]] = {
    "patn": _patn, "apatn": _apatn, "multiscale": _multiscale, "pinet": _pinet, "hpn": _hpn, "carry": _carry,
    "garment": _garment, "bodywarp": _bodywarp, "densepose": _densepose,
}  # fmt: skip

_WHY: Final[Mapping[str, str]] = {
    "bodywarp": "The flows and the maps of both bodies are computed outside the network, by fitting a parametric body "
    "to each skeleton (`repose.models.bodywarp.geometry`: NumPy, numba and a small network). Nothing in this folder "
    "does that. Compute them with Repose (`model.generator.encode(source, target)`) and send the tensors, or take a "
    "network that reads joints alone, such as patn-s-synthetic or carry-s-synthetic.",
    "densepose": "IUV and the atlas of the source come from DensePose or from the body that Repose fits to a skeleton "
    "(`repose.estimate`, `repose.represent.iuv`). Compute them with Repose (`model.generator.encode(source, target)`) "
    "and send the tensors.",
}
