"""The recipe: one complete, typed, serialisable description of a run.

Python functions return recipes, often derived from another recipe by `dataclasses.replace`. A run writes its recipe as
JSON beside its weights; `repose.models.read_recipe` reads it back. `override` applies `key=value` settings of the
command line.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import math
import re
import shlex
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Final, Literal, cast

from repose.data.augment import AugmentConfig
from repose.files import parse_json, shortened
from repose.names import nearest
from repose.represent.canvas import CANVASES

_ITERATIONS: Final = re.compile(r"[^=]+=(\d+(?:_\d+)*)it")

_ENTRY: Final = re.compile(r"^    (\w+(?:, \w+)*): (.+(?:\n        .+)*)", re.MULTILINE)
"""An entry of a docstring's section Attributes: the names, and what it says of them."""

_LARGEST: Final = 2**63
"""Numbers of a recipe lie below."""


class RecipeError(ValueError):
    """A recipe has an unknown key, or a value of the wrong kind or outside its range."""


def unknown(name: str, known: Iterable[str]) -> str:
    """An error's sentence for an unknown name, with the nearest known one."""
    return f"{shortened(str(name))} is not known; {nearest(name, known)}"


def _check(group: Any, **ranges: tuple[bool, str]) -> None:
    """RecipeError for the first value that is none of its choices, or outside its range.

    Args:
        group: the dataclass. ranges: of a key, whether its value is inside, and the range in words.
    """
    for key, kind in typing.get_type_hints(type(group)).items():
        if typing.get_origin(kind) is Literal and getattr(group, key) not in typing.get_args(kind):
            raise RecipeError(f"{key}: {unknown(str(getattr(group, key)), typing.get_args(kind))}")
    for key, (inside, wanted) in ranges.items():
        if not inside:
            raise RecipeError(f"{key}: {wanted} is wanted, got {getattr(group, key)!r}")


def _require_finite(group: Any) -> None:
    """RecipeError for the first number of a group that is not finite, or not below 2^63."""
    for one in fields(group):
        value = getattr(group, one.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and not abs(number) < _LARGEST:  # NaN, too
                raise RecipeError(f"{one.name}: a number below 2^63 is wanted, got {shortened(number)}")


@dataclass(frozen=True)
class DataConfig:
    """What the run reads.

    Attributes:
        split: the split of the store to train on.
        batch: pairs in a step, over all processes.
        flip: which pairs are mirrored: "none"; "mirror": half of them, and left and right are renamed; "patn": half of
            them as PATN's code does, without renaming.
        both_directions: use every pair in both directions, so that a step shows 2 x batch pictures.
        augment: further changes of the pairs after the flip; none by default.
        accumulate: parts in which a step is computed, one after the other, before the weights move: the memory of one
            part, the time of all. Losses of means over pictures give the same step; batch norm, and losses that look at
            a whole batch, see one part.
    """

    split: str = "train"
    batch: int = 16
    flip: Literal["none", "mirror", "patn"] = "none"
    both_directions: bool = False
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    accumulate: int = field(default=1, metadata={"leave_out_default": True})  # younger than recipes on disk

    def __post_init__(self) -> None:
        both = ", both directions" if self.both_directions else ""
        fits = self.accumulate >= 1 and self.pictures % self.accumulate == 0
        _check(
            self,
            batch=(self.batch >= 1, "at least 1"),
            split=(self.split != "", "the name of a split"),
            accumulate=(fits, f"a divisor of the {self.pictures} pictures of a step ({self.batch} pairs{both})"),
        )

    @property
    def pictures(self) -> int:
        """Pictures that a step shows, over all processes."""
        return self.batch * (2 if self.both_directions else 1)


@dataclass(frozen=True)
class OptimiserConfig:
    """Adam.

    Attributes:
        weight_decay: of every weight; 0 for none.
        decay: how. "decoupled" takes a share of the weight at each step (AdamW); "l2" adds a share to the gradient, as
            Adam did before (L2 regularisation), so that Adam's own scale divides it. The two are far apart: at 5e-4 a
            toy run ended at a mean |w| of 0.0011 by "l2" and of 0.0498 by "decoupled".
    """

    lr: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    decay: Literal["decoupled", "l2"] = "decoupled"

    def __post_init__(self) -> None:
        _check(
            self,
            lr=(0 <= self.lr < math.inf, "a finite number of at least 0"),
            beta1=(0 <= self.beta1 < 1, "from 0 to below 1"),
            beta2=(0 <= self.beta2 < 1, "from 0 to below 1"),
            eps=(0 <= self.eps < math.inf, "a finite number of at least 0"),
            weight_decay=(0 <= self.weight_decay < math.inf, "a finite number of at least 0"),
        )


@dataclass(frozen=True)
class ScheduleConfig:
    """The learning rate over the run, as a factor on `OptimiserConfig.lr`.

    Attributes:
        kind: "constant", "linear" (falls to 0 at the end) or "cosine" (likewise).
        warmup: images over which the factor rises from 0.
        hold: images after which the fall of "linear" and "cosine" begins.
    """

    kind: Literal["constant", "linear", "cosine"] = "constant"
    warmup: int = 0
    hold: int = 0

    def __post_init__(self) -> None:
        _check(self, warmup=(self.warmup >= 0, "at least 0 images"), hold=(self.hold >= 0, "at least 0 images"))


@dataclass(frozen=True)
class Recipe:
    """A whole run. Every count is in images shown to the generator.

    Attributes:
        name: of the recipe, as result lines have it.
        model: name in `repose.models.MODELS`.
        canvas: name in `repose.represent.canvas.CANVASES`: the size and framing of the pictures.
        network, objective: the model's own config dataclasses.
        images: the length of the run.
        ema: half-life of the moving average of the generator's weights, in images; 0 for none.
        clip: the largest norm of a phase's gradients; 0 for no limit.
        precision: "32-true"; "bf16-mixed" on GPUs, where a CPU computes in 32 bits; or "bf16-everywhere": bf16-mixed on
            CPUs, too, if they multiply bfloat16 (AVX-512 BF16, AMX: twice as fast).
        tick: images between two log lines, each with a checkpoint and a contact sheet.
        notes: where the numbers come from.

    Raises:
        RecipeError: a value is outside its range, here or in a group; the text names key and range.
    """

    name: str
    model: str
    network: Any
    objective: Any
    canvas: str = "market"
    data: DataConfig = DataConfig()
    generator_optimiser: OptimiserConfig = OptimiserConfig()
    discriminator_optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    images: int = 100_000
    ema: int = 0
    clip: float = 0.0
    precision: Literal["32-true", "bf16-mixed", "bf16-everywhere"] = "32-true"
    seed: int = 0
    tick: int = 10_000
    notes: str = ""

    def __post_init__(self) -> None:
        _check(
            self,
            canvas=(self.canvas in CANVASES, f"the name of a canvas ({nearest(self.canvas, CANVASES)})"),
            images=(self.images >= 1, "at least 1"),
            ema=(self.ema >= 0, "at least 0 images"),
            clip=(0 <= self.clip < math.inf, "a finite number of at least 0"),
            seed=(0 <= self.seed < 2**63, "from 0 to below 2^63"),
            tick=(self.tick >= 1, "at least 1 image"),
        )


LENGTHS: Final = ("images", "ema", "tick", "schedule.warmup", "schedule.hold")
"""Keys that count images, and that `override` takes in iterations, too: "90_000it"."""


def iterations(recipe: Recipe) -> int:
    """Steps of a run, each of `recipe.data.pictures`; the last one counts whole."""
    return -(-recipe.images // recipe.data.pictures)


def length_note(before: Recipe, after: Recipe, words: Sequence[str]) -> str | None:
    """A sentence where settings changed what a step shows, and with it how many steps a run has; None where not.

    Args:
        before, after: the recipe without and with the settings. words: the settings, as `override` takes them.
    """
    if before.data.pictures == after.data.pictures or any(word.partition("=")[0] == "images" for word in words):
        return None
    return (
        f"a step shows {after.data.pictures} pictures in place of {before.data.pictures}, so the {after.images:,} "
        f"images of {after.name} are {iterations(after):,} iterations in place of {iterations(before):,}; "
        f"images={iterations(before)}it keeps the iterations (so do tick, ema, schedule.hold and schedule.warmup)"
    )


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain JSON data; `repose.models.recipe_from_dict` is its inverse."""
    return cast("dict[str, Any]", _plain(recipe))


def typed_recipe(data: Mapping[str, Any], network: type, objective: type) -> Recipe:
    """JSON data -> the recipe, given the dataclasses of its groups `network` and `objective`.

    `repose.models.recipe_from_dict` takes the two from the model's declaration.

    Raises:
        RecipeError: an unknown key (names the nearest), a missing key, or a wrong value.
    """
    return cast("Recipe", _typed(Recipe, data, "recipe", {"network": network, "objective": objective}))


def override(recipe: Recipe, words: Sequence[str]) -> Recipe:
    """A recipe with `key=value` settings, such as `data.batch=8` or `images=50_000`, applied all at once.

    Of equal keys the last one counts. A length (`LENGTHS`) may be given in iterations, `images=90_000it`: so many steps
    of the batch that the recipe has with all settings.

    Raises:
        RecipeError: not of the form key=value, an unknown key (names the nearest), or a wrong value.
    """
    counted = {word.partition("=")[0]: word for word in words}  # of equal keys the last one counts
    steps = {key: match[1] for key, word in counted.items() if (match := _ITERATIONS.fullmatch(word))}
    for key in steps:
        if key not in LENGTHS:
            raise RecipeError(f"{key}: only lengths are given in iterations: {', '.join(LENGTHS)}")
    if steps:
        others = override(recipe, [word for key, word in counted.items() if key not in steps])
        pictures = others.data.pictures
        return override(others, [f"{key}={int(count) * pictures}" for key, count in steps.items()])
    tree: dict[str, Any] = {}
    for word in words:
        key, mark, text = word.partition("=")
        if not mark:
            raise RecipeError(f"'{word}' is not of the form key=value, such as data.batch=8")
        *groups, last = key.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
            if not isinstance(branch, dict):
                raise RecipeError(f"{key}: '{group}' was given a value of its own")
        branch[last] = text
    changed: Recipe = _set(recipe, tree, "")
    return changed


def _set(node: Any, tree: Mapping[str, Any], where: str) -> Any:
    """A group with all its new values at once: some are valid together, but not one by one in any order."""
    names = [field.name for field in fields(node)]
    hints = typing.get_type_hints(type(node))
    values: dict[str, Any] = {}
    for name, new in tree.items():
        key = f"{where}{name}"
        if name not in names:
            raise RecipeError(f"{_leaf(key, new)}: {unknown(name, names)}")
        old = getattr(node, name)
        if isinstance(new, Mapping):
            if not is_dataclass(old):
                raise RecipeError(f"{_leaf(key, new)}: '{name}' is a single value and has no parts")
            values[name] = _set(old, new, f"{key}.")
        elif is_dataclass(old):
            parts = ", ".join(f"{key}.{field.name}" for field in fields(old))
            raise RecipeError(f"{key} is a group; set one of {parts}")
        else:
            try:
                values[name] = _value(hints[name], _read(old, new), key)
            except RecipeError as error:
                raise RecipeError(f"{error}{_example(node, name, key)}") from None
    with _within(where.rstrip(".")):
        group = replace(node, **values)
        _require_finite(group)
        return group


def _example(group: Any, name: str, key: str) -> str:
    """What helps whoever gave a key a value of the wrong kind: one that it can have, and what the group says of it."""
    if typing.get_origin(typing.get_type_hints(type(group))[name]) is Literal:
        return ""  # the choices were named
    value, about = getattr(group, name), _about(type(group), name)
    written = value if isinstance(value, str) else json.dumps(value)
    example = "" if value is None else f"; such as {shlex.quote(f'{key}={written}')}"
    return example + f" ({about})" * bool(about)


def _about(kind: type, name: str) -> str:
    """What the docstring of a group says of one of its keys, the names that it is said of before it; "" for nothing."""
    for one in kind.__mro__:
        for names, text in _ENTRY.findall(inspect.cleandoc(one.__doc__ or "")):
            if name in names.split(", "):
                return f"{names}: {' '.join(text.split()).rstrip('.')}"
    return ""


def _read(old: Any, text: str) -> Any:
    """The value that the text after the "=" stands for, in place of `old`."""
    try:
        value = parse_json(text.replace("_", "") if isinstance(old, int | float) else text)
    except ValueError:
        return text  # a bare word is a string
    return text if isinstance(old, str) and not isinstance(value, str) else value


def _leaf(key: str, new: Any) -> str:
    """The whole key of the first setting below a key."""
    while isinstance(new, Mapping):
        name, new = next(iter(new.items()))
        key = f"{key}.{name}"
    return key


def _typed(kind: type, data: Any, where: str, kinds: Mapping[str, type] | None = None) -> Any:
    if not isinstance(data, Mapping):
        raise RecipeError(f"{where}: a group of keys is wanted, got {shortened(data)}")
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    for key in data:
        if key not in names:
            raise RecipeError(f"{where}.{str(key)[:60]}: {unknown(key, names)}")
    values = {key: _value((kinds or {}).get(key, hints[key]), value, f"{where}.{key}") for key, value in data.items()}
    try:
        with _within(where):
            group = kind(**values)
            _require_finite(group)
            return group
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
            raise RecipeError(f"{where}: {unknown(str(value), [str(c) for c in choices])}")
        return value
    if origin in (types.UnionType, typing.Union):
        options = typing.get_args(kind)
        for option in options:
            try:
                return _value(option, value, where)
            except RecipeError:
                continue
        raise RecipeError(f"{where}: {_wanted(kind)} is wanted, got {shortened(value)}")
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RecipeError(f"{where}: {_wanted(kind)} is wanted, got {shortened(value)}")
        inner = typing.get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_value(inner[0], item, where) for item in value)
        if len(inner) != len(value):
            raise RecipeError(f"{where}: {_wanted(kind)} is wanted, got {shortened(value)}")
        return tuple(_value(k, item, where) for k, item in zip(inner, value, strict=True))
    if kind is type(None):
        if value is None:
            return None
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # a whole number of hundreds of digits
            return math.inf
    elif (kind is int and isinstance(value, int) and not isinstance(value, bool)) or (
        kind in (bool, str) and isinstance(value, kind)
    ):
        return value
    also = ", or in iterations, 500it" if where.removeprefix("recipe.") in LENGTHS else ""
    raise RecipeError(f"{where}: {_wanted(kind)} is wanted{also}, got {shortened(value)}")


def _wanted(kind: Any) -> str:
    """A kind of value in words."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin is tuple:
        many = {int: "whole numbers", float: "numbers", bool: "true or false", str: "words"}
        count = "" if inner[1:] == (Ellipsis,) else f"{len(inner)} "
        return f"a list of {count}{many.get(inner[0], 'values')}"
    if origin in (types.UnionType, typing.Union):
        return " or ".join(map(_wanted, inner))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a word", type(None): "null"}
    return words.get(kind) or f"a value of kind {getattr(kind, '__name__', kind)}"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            field.name: _plain(own)
            for field in fields(value)
            # a field that is younger than recipes on disk is written only where it is set
            if (own := getattr(value, field.name)) != field.default or not field.metadata.get("leave_out_default")
        }
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@contextlib.contextmanager
def _within(group: str) -> Iterator[None]:
    """Put the group's name before the key in an error of `_check`, or of the ValueError of a model's config."""
    try:
        yield
    except ValueError as error:
        raise RecipeError(f"{group}.{error}" if group else str(error)) from None
