"""What the folder of a paper says about itself, and how a package is asked for it.

Nothing here imports torch: a declaration names its parts as "module:attribute", and they are imported when first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from repose.names import nearest, resolve


class DeclarationError(ValueError):
    """A package declares no model, or declares it wrongly; the text names the package and what to correct."""


@dataclass(frozen=True)
class PublishedCost:
    """What a paper prints about the cost of one of its systems.

    Attributes:
        parameters: weights of the generator.
        rate: pictures a second on a GPU; None if the paper prints none.
        source: the table, the data set and the GPU.
    """

    parameters: float
    rate: float | None
    source: str


@dataclass(frozen=True)
class ModelDeclaration:
    """One model: where its parts are, what tables show of it, and what tests need to know.

    The package of a model holds one as `MODEL`. A path is "module:attribute"; a module that begins with a dot lies in
    the package, so ".network:ToyGenerator" of the package `toy` is `ToyGenerator` in `toy/network.py`.

    Attributes:
        package: the package that declares it, `__name__` in its `__init__.py`.
        name: of the model, as recipes and weight files store it.
        title: the name in tables and texts.
        paper: authors, title and year, or "ours" and which generation.
        generator, network_config: paths of the `Generator` and of the dataclass that it is built from, which has a
            default for every field.
        objective, objective_config: paths of the `Objective` and of its dataclass.
        recipes: name of a recipe -> path of the function that returns it.
        full, small: the recipe of the paper's size, and the one that two CPU cores can train; the short tables show
            them.
        link: address of the paper; "" for none.
        inspect: path of the function that draws what happens inside: (generator, source, target) -> panels.
        convert: path of the function that converts released weights: (state dict, network config) -> state dict; None
            where no weights were released.
        marks: released network in words -> beginnings of names (below a prefix such as `model.`) that all occur in its
            state dict. With them an error can say what a file is.
        published: name of a recipe -> what the paper prints about the cost of that system.
        without_features: settings for any of the recipes that leave out every term with a feature network, so that
            training needs no weight file.
        tiny: settings that make any of the recipes small enough for tests, on canvases of 64x32.
        largest_number: the largest number that a setting of the network may have, so that a typing error does not
            build for hours; None: any in a package of your own, `repose.models.LARGEST_NUMBER` in Repose's papers.
            A network of more than `repose.models.MOST_PARAMETERS` is refused in any case.
        tolerance: how far a picture of [-1, 1] may differ when it is computed alone and in a batch, at that size.
        protocols: canvas of a recipe -> the protocol under which runs on it are measured: the paper's, or ours. A test
            runs each. Empty where the picture does not show the person in the pose.
        overfit: settings, beside `without_features`, with which the small recipe learns one pair of 128x64 by heart in
            300 images; a narrower network saves the tests time. None where the picture does not show the person, so
            that the paper needs a test of its own.

    Raises:
        DeclarationError: a path has no colon, or `full`, `small` or `published` names a recipe that is not declared.
    """

    package: str
    name: str
    title: str
    paper: str
    generator: str
    network_config: str
    objective: str
    objective_config: str
    recipes: Mapping[str, str]
    full: str
    small: str
    link: str = ""
    inspect: str | None = None
    convert: str | None = None
    marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    published: Mapping[str, PublishedCost] = field(default_factory=dict)
    without_features: tuple[str, ...] = ()
    tiny: tuple[str, ...] = ()
    largest_number: float | None = None
    tolerance: float = 2e-5
    overfit: tuple[str, ...] | None = ()
    protocols: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("generator", "network_config", "objective", "objective_config", "inspect", "convert"):
            path = getattr(self, key)
            if path is not None:
                object.__setattr__(self, key, self._absolute(key, path))
        recipes = {name: self._absolute(f"recipes['{name}']", path) for name, path in self.recipes.items()}
        object.__setattr__(self, "recipes", recipes)
        for key, names in (("full", (self.full,)), ("small", (self.small,)), ("published", self.published)):
            for name in names:
                if name not in recipes:
                    raise DeclarationError(
                        f"the package '{self.package}' declares {key}='{name}', which is none of its recipes; "
                        f"{nearest(name, recipes)}"
                    )

    @property
    def main(self) -> tuple[str, ...]:
        """The recipes that short tables show: the full one, then the small one, each once."""
        return tuple(dict.fromkeys((self.full, self.small)))

    def load(self, path: str) -> Any:
        """What a path of this declaration names, imported.

        Raises:
            DeclarationError: the module cannot be imported, or has no such attribute.
        """
        return load_declared(path, f"the package '{self.package}' declares '{path}', which cannot be loaded")

    def _absolute(self, key: str, path: str) -> str:
        module, mark, attribute = path.partition(":")
        if not (module and mark and attribute):
            raise DeclarationError(
                f"the package '{self.package}' declares {key}='{path}'; a path is 'module:attribute', such as "
                "'.network:ToyGenerator'"
            )
        return f"{self.package}{path}" if path.startswith(".") else path


def load_declared(path: str, problem: str) -> Any:
    """The object at "module:attribute". DeclarationError, which begins with `problem`, where there is none."""
    try:
        return resolve(path)
    except Exception as error:  # importing somebody's module can raise anything
        raise DeclarationError(f"{problem}: {type(error).__name__}: {error}") from error


def declaration_of(package: str) -> ModelDeclaration:
    """The declaration that a package, or a module of one, holds as `MODEL`.

    Raises:
        DeclarationError: it cannot be imported, or holds no `ModelDeclaration` of that name.
    """
    try:
        module = importlib.import_module(package)
    except Exception as error:  # as in `load_declared`
        raise DeclarationError(
            f"the model package '{package}' cannot be imported: {type(error).__name__}: {error}; is it installed, and "
            "does the name stand as in an import statement?"
        ) from error
    model = getattr(module, "MODEL", None)
    if not isinstance(model, ModelDeclaration):
        kind = "no MODEL" if model is None else f"a MODEL of type {type(model).__name__}"
        raise DeclarationError(
            f"the model package '{package}' has {kind}; it needs MODEL = repose.models.ModelDeclaration(...)"
        )
    return model
