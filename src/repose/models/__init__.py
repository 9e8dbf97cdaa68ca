"""Every model by name: the folders here declare theirs, installed packages may add more.

A folder is listed in `PAPERS`; nothing is found by scanning. `MODELS` and `RECIPES` are read from the declarations when
they are first used. Neither that nor importing this module imports torch.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from repose.files import first_line, parse_json, shortened
from repose.models.declaration import DeclarationError, ModelDeclaration, PublishedCost, declaration_of, load_declared
from repose.names import nearest

if TYPE_CHECKING:
    from repose.draw.panels import Panel
    from repose.models.base import Generator, Objective
    from repose.person import Person
    from repose.recipes import Recipe

__all__ = [
    "MODELS", "PAPERS", "RECIPES", "DeclarationError", "ModelDeclaration", "PublishedCost", "build_generator",
    "build_objective", "gathering", "inspector", "main_recipes", "published_costs", "read_recipe", "recipe",
    "recipe_from_dict", "register",
]  # fmt: skip

PAPERS: Final = ("patn", "apatn", "multiscale", "pinet", "densepose", "hpn", "garment", "carry", "bodywarp")
"""The folders here that declare a model, in the order of lists and tables."""

ENTRY_POINTS: Final = "repose.models"
"""The group of entry points by which an installed package names the module that declares its model."""

V = TypeVar("V")


class _Declared(MutableMapping[str, V]):
    """A dictionary that is filled from the declarations when it is first used."""

    def __init__(self) -> None:
        self.entries: dict[str, V] = {}

    def __getitem__(self, name: str) -> V:
        _declare_all()
        return self.entries[name]

    def __setitem__(self, name: str, value: V) -> None:
        _declare_all()
        self.entries[name] = value

    def __delitem__(self, name: str) -> None:
        _declare_all()
        del self.entries[name]

    def __iter__(self) -> Iterator[str]:
        _declare_all()
        return iter(self.entries)

    def __len__(self) -> int:
        _declare_all()
        return len(self.entries)


_models: Final = _Declared[ModelDeclaration]()
_recipes: Final = _Declared[str]()

MODELS: Final[MutableMapping[str, ModelDeclaration]] = _models
"""Name of a model, as `Recipe.model` has it -> its declaration."""

RECIPES: Final[MutableMapping[str, str]] = _recipes
"""Name of a recipe -> "module:attribute" of the function that returns it."""


LARGEST_NUMBER: Final = 65_536
"""The largest number in the settings of our own networks: a count of layers, a width. A package of its own declares its
own (`ModelDeclaration.largest_number`)."""

USUAL_NUMBER: Final = 1_024
"""Of settings with a larger number the parameters are counted before the network is built."""

MOST_PARAMETERS: Final = 1_000_000_000
"""Parameters of a network at most; PATN's has 41 million."""


def register(package: str) -> ModelDeclaration:
    """Add the model that a package declares, so that its recipes and weights are known in this process.

    An installed package needs no call: Repose reads its entry point in the group `repose.models`, also in the command
    and in the processes that it starts.

    Args:
        package: the package, or a module in one, that holds the declaration as `MODEL`; "acme.toy".

    Raises:
        DeclarationError: it cannot be imported, declares nothing, or takes a name that is taken; the text names it.
    """
    _declare_all()
    return _declare(package)


@functools.cache
def _declare_all() -> None:
    from importlib.metadata import entry_points

    for paper in PAPERS:
        _declare(f"{__name__}.{paper}")
    for point in entry_points(group=ENTRY_POINTS):
        _declare(point.value.partition(":")[0])


def _declare(package: str) -> ModelDeclaration:
    declaration = declaration_of(package)
    other = _models.entries.get(declaration.name)
    if other == declaration:
        return declaration
    if other is not None:
        raise DeclarationError(
            f"the package '{package}' declares a model '{declaration.name}', as '{other.package}' does already; give "
            "it another name"
        )
    for name in declaration.recipes:
        if name in _recipes.entries:
            raise DeclarationError(
                f"the package '{package}' declares a recipe '{name}', which is {_recipes.entries[name]} already; give "
                "it another name"
            )
    _models.entries[declaration.name] = declaration
    _recipes.entries.update(declaration.recipes)
    return declaration


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        KeyError: there is none; the text has the nearest name.
        DeclarationError: the function that a package names for it cannot be loaded.
    """
    if name not in RECIPES:
        raise KeyError(f"no recipe is called '{name}'; {nearest(name, RECIPES)}")
    path = RECIPES[name]
    chosen: Recipe = load_declared(path, f"the recipe '{name}' is '{path}', which cannot be loaded")()
    return chosen


def recipe_from_dict(data: Mapping[str, Any]) -> Recipe:
    """JSON data -> the typed recipe; the inverse of `repose.recipes.to_dict`.

    Raises:
        RecipeError: no group of keys, an unknown model or key (names the nearest), a missing key, or a wrong value.
    """
    from repose.recipes import RecipeError, typed_recipe, unknown

    if not isinstance(data, Mapping):
        raise RecipeError(f"recipe: a group of keys is wanted, got {shortened(data)}")
    model = data.get("model")
    if not isinstance(model, str) or model not in MODELS:
        raise RecipeError(f"recipe.model: {unknown(str(model), MODELS)}")
    declaration = MODELS[model]
    network, objective = (declaration.load(path) for path in (declaration.network_config, declaration.objective_config))
    return typed_recipe(data, network, objective)


def read_recipe(path: Path) -> Recipe:
    """The recipe of a JSON file, as a run writes it.

    Raises:
        RecipeError: it is no JSON, or what `recipe_from_dict` raises; the text names the file.
        OSError: there is no such file.
    """
    from repose.recipes import RecipeError

    try:
        recipe = recipe_from_dict(parse_json(path.read_bytes()))
        _require_numbers(recipe)
    except DeclarationError:  # the recipe may be right
        raise
    except ValueError as error:
        raise RecipeError(f"{path} is not a recipe: {error}") from error
    return recipe


def main_recipes() -> list[str]:
    """Of each model the recipe of full size and the small one, in the order of `MODELS`: the rows of short tables."""
    return [name for declaration in MODELS.values() for name in declaration.main]


def published_costs() -> dict[str, PublishedCost]:
    """Name of a recipe -> what its paper prints about the cost of the system, where it prints anything."""
    return {name: cost for declaration in MODELS.values() for name, cost in declaration.published.items()}


def inspector(model: str) -> Callable[[Generator, Person, Person], list[Panel]]:
    """What draws the inside of a model: (generator, source, target), both batches of one -> its panels.

    Raises:
        ValueError: the model has none; the text names those that have.
    """
    declaration = MODELS[model]
    if declaration.inspect is None:
        have = ", ".join(name for name, other in MODELS.items() if other.inspect is not None)
        raise ValueError(f"nothing draws the inside of '{model}' so far; of {have} there are pictures")
    panels: Callable[[Generator, Person, Person], list[Panel]] = declaration.load(declaration.inspect)
    return panels


def gathering() -> list[str]:
    """The recipes whose networks put several photographs of one person into one picture (`Generator.gathers`)."""
    return [
        name
        for declaration in MODELS.values()
        if declaration.load(declaration.generator).gathers
        for name in declaration.recipes
    ]


def build_generator(recipe: Recipe) -> Generator:
    """A recipe's generator with fresh weights.

    Raises:
        RecipeError: the numbers of its network fit no network, or one beyond reason (`MOST_PARAMETERS`).
    """
    declaration = MODELS[recipe.model]
    network = declaration.load(declaration.generator)
    with _network_of(recipe):
        if _require_numbers(recipe) > USUAL_NUMBER:
            _require_size(network, recipe)
        generator: Generator = network(recipe.network)
    return generator


def build_objective(recipe: Recipe) -> Objective:
    """A recipe's objective with fresh discriminators.

    Where the file of a feature network is missing, the error of the loss term names the settings that do without it.
    """
    from repose.losses.frozen import FrozenNetworkTerm

    declaration = MODELS[recipe.model]
    loss = declaration.load(declaration.objective)
    with _network_of(recipe, "objective"):
        objective: Objective = loss(recipe.objective)
    if declaration.without_features:
        advice = f"train without it: add {' '.join(declaration.without_features)} to `repose train`"
        for module in objective.modules():
            if isinstance(module, FrozenNetworkTerm):
                module.advice = advice
    return objective


# -- inside ---------------------------------------------------------------------------------------------------------


def _require_numbers(recipe: Recipe) -> float:
    """The largest number of a network's settings. RecipeError: it is above what the model allows."""
    from repose.recipes import to_dict

    most = MODELS[recipe.model].largest_number
    if most is None and recipe.model in PAPERS:
        most = LARGEST_NUMBER
    return _largest(to_dict(recipe)["network"], "recipe.network", most)


def _largest(group: Any, where: str, most: float | None) -> float:
    """The largest number of a group of settings, or of one. RecipeError: it is above `most`."""
    from repose.recipes import RecipeError

    if isinstance(group, Mapping):
        return max((_largest(value, f"{where}.{key}", most) for key, value in group.items()), default=0)
    if isinstance(group, list):
        return max((_largest(value, where, most) for value in group), default=0)
    if isinstance(group, bool) or not isinstance(group, int | float):
        return 0
    if most is not None and group > most:
        raise RecipeError(f"{where}: {shortened(group)} is beyond reason, at most {most:,} is a network's")
    return group


def _require_size(network: Callable[[Any], Generator], recipe: Recipe) -> None:
    """RecipeError if a network has more than `MOST_PARAMETERS`; nothing is allocated."""
    import torch

    from repose.recipes import RecipeError

    try:
        with torch.device("meta"):
            count = sum(parameter.numel() for parameter in network(recipe.network).parameters())
    except (NotImplementedError, RuntimeError):
        if recipe.model in PAPERS:
            raise
        return  # a package's network may compute with values while it is built, which "meta" does not have
    if count > MOST_PARAMETERS:
        raise RecipeError(f"recipe.network: {count:,} parameters are beyond reason, at most {MOST_PARAMETERS:,}")


@contextlib.contextmanager
def _network_of(recipe: Recipe, group: str = "network") -> Iterator[None]:
    """Turn what PyTorch and arithmetic say of impossible settings into a RecipeError."""
    from repose.recipes import RecipeError

    try:
        yield
    except (TypeError, ArithmeticError, LookupError, AssertionError) as error:
        raise RecipeError(f"recipe.{group} is no {group} of '{recipe.model}': {first_line(error)}") from error
    except (RuntimeError, ValueError) as error:
        if type(error) not in (RuntimeError, ValueError):  # another error of ours, which says more
            raise
        raise RecipeError(f"recipe.{group} is no {group} of '{recipe.model}': {first_line(error)}") from error
