"""The recipe: one complete, typed, serialisable description of a run.

A recipe is made by a Python function and derived from others with `dataclasses.replace`. The run writes it beside its
weights as JSON; `from_dict` reads it back. `override` applies `key=value` words of the command line.
"""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, cast

from repose.models import MODELS, resolve


@dataclass(frozen=True)
class DataConfig:
    """What the run reads.

    Attributes:
        split: split of the store that is trained on.
        batch: pairs a step, over all processes.
        flip: mirror half of the pairs: "mirror" renames left and right, "patn" does as its code, "none".
        both_directions: every pair is used in both directions, so a step shows 2 x batch pictures.
    """

    split: str = "train"
    batch: int = 16
    flip: Literal["none", "mirror", "patn"] = "none"
    both_directions: bool = False


@dataclass(frozen=True)
class OptimiserConfig:
    """Adam (weight_decay decoupled as in AdamW where it is not 0)."""

    lr: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0


@dataclass(frozen=True)
class ScheduleConfig:
    """Learning rate over the run, as a factor on `OptimiserConfig.lr`.

    Attributes:
        kind: "constant", "linear" (to 0 at the end) or "cosine" (to 0 at the end).
        warmup: images over which the factor rises from 0.
        hold: images before the fall of "linear" and "cosine" begins.
    """

    kind: Literal["constant", "linear", "cosine"] = "constant"
    warmup: int = 0
    hold: int = 0


@dataclass(frozen=True)
class Recipe:
    """A run from its first to its last image. Every count is in images shown to the generator.

    Attributes:
        name: the recipe's own name; stands on result lines.
        model: name in `repose.models.MODELS`.
        canvas: name in `repose.represent.canvas`: the size and framing of the pictures.
        network, objective: the model's own config dataclasses.
        images: length of the run.
        ema: half-life of the moving average of the generator's weights in images, 0 for none.
        clip: largest norm of a phase's gradients, 0 for none.
        precision: "32-true", or "bf16-mixed" on GPUs.
        tick: images between two log lines with checkpoint and contact sheet.
        notes: where the numbers come from.
    """

    name: str
    model: str
    network: Any
    objective: Any
    canvas: Literal["market", "fashion", "fashion-square"] = "market"
    data: DataConfig = DataConfig()
    generator_optimiser: OptimiserConfig = OptimiserConfig()
    discriminator_optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    images: int = 100_000
    ema: int = 0
    clip: float = 0.0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = 0
    tick: int = 10_000
    notes: str = ""


class RecipeError(ValueError):
    """A recipe has an unknown key or a value of the wrong kind."""


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain JSON data; `from_dict` is its inverse."""
    return cast("dict[str, Any]", _plain(recipe))


def from_dict(data: Mapping[str, Any]) -> Recipe:
    """JSON data -> the typed recipe.

    Raises:
        RecipeError: an unknown key (names the nearest), a missing key, or a value of the wrong kind.
    """
    model = data.get("model")
    if model not in MODELS:
        raise RecipeError(f"recipe.model: {_unknown(str(model), MODELS)}")
    entry = MODELS[cast("str", model)]
    kinds = {"network": resolve(entry.network_config), "objective": resolve(entry.objective_config)}
    return cast("Recipe", _typed(Recipe, data, "recipe", kinds))


def override(recipe: Recipe, words: Sequence[str]) -> Recipe:
    """Apply `key=value` words, such as `data.batch=8` or `images=50_000`.

    Raises:
        RecipeError: not of the form key=value, an unknown key (names the nearest), or a value of the wrong kind.
    """
    for word in words:
        key, mark, value = word.partition("=")
        if not mark:
            raise RecipeError(f"'{word}' is not of the form key=value, such as data.batch=8")
        recipe = _set(recipe, key.split("."), value, key)
    return recipe


def _set(node: Any, path: list[str], text: str, key: str) -> Any:
    names = [field.name for field in fields(node)]
    if path[0] not in names:
        raise RecipeError(f"{key}: {_unknown(path[0], names)}")
    old = getattr(node, path[0])
    if len(path) > 1:
        if not is_dataclass(old):
            raise RecipeError(f"{key}: '{path[0]}' is a single value and has no parts")
        return replace(node, **{path[0]: _set(old, path[1:], text, key)})
    if is_dataclass(old):
        parts = ", ".join(f"{key}.{field.name}" for field in fields(old))
        raise RecipeError(f"{key} is a group; set one of {parts}")
    try:
        value = json.loads(text.replace("_", "") if isinstance(old, int | float) else text)
    except json.JSONDecodeError:
        value = text  # a bare word is a string
    if isinstance(old, str) and not isinstance(value, str):
        value = text
    kind = typing.get_type_hints(type(node))[path[0]]
    return replace(node, **{path[0]: _value(kind, value, key)})


def _typed(kind: type, data: Any, where: str, kinds: Mapping[str, type] | None = None) -> Any:
    if not isinstance(data, Mapping):
        raise RecipeError(f"{where}: a group of keys is wanted, got {data!r}")
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    for key in data:
        if key not in names:
            raise RecipeError(f"{where}.{key}: {_unknown(key, names)}")
    try:
        return kind(
            **{key: _value((kinds or {}).get(key, hints[key]), value, f"{where}.{key}") for key, value in data.items()}
        )
    except TypeError as error:
        raise RecipeError(f"{where}: {error}") from error


def _value(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _typed(cast("type", kind), value, where)
    if origin is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise RecipeError(f"{where}: {_unknown(str(value), [str(c) for c in choices])}")
        return value
    if origin in (types.UnionType, typing.Union):
        options = typing.get_args(kind)
        for option in options:
            try:
                return _value(option, value, where)
            except RecipeError:
                continue
        raise RecipeError(f"{where}: {value!r} is none of {', '.join(map(str, options))}")
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RecipeError(f"{where}: a list is wanted, got {value!r}")
        inner = typing.get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_value(inner[0], item, where) for item in value)
        if len(inner) != len(value):
            raise RecipeError(f"{where}: {len(inner)} values are wanted, got {value!r}")
        return tuple(_value(k, item, where) for k, item in zip(inner, value, strict=True))
    if kind is type(None):
        if value is None:
            return None
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif (kind is int and isinstance(value, int) and not isinstance(value, bool)) or (
        kind in (bool, str) and isinstance(value, kind)
    ):
        return value
    raise RecipeError(f"{where}: a value of kind {getattr(kind, '__name__', kind)} is wanted, got {value!r}")


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _unknown(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return f"'{name}' is not known; {hint}"
