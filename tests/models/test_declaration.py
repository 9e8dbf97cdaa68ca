"""Declarations: what the registry takes, in which order, and what it says where a package declares something wrong."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from repose import models
from repose.models import MODELS, PAPERS, RECIPES, DeclarationError, ModelDeclaration
from repose.models.declaration import declaration_of

FOLDER = Path(models.__file__).parent


def test_every_folder_with_recipes_is_named_once() -> None:
    assert {path.parent.name for path in FOLDER.glob("*/recipe.py")} == set(PAPERS)
    assert list(MODELS)[: len(PAPERS)] == list(PAPERS)
    for name in PAPERS:
        assert MODELS[name].package == f"repose.models.{name}"
    assert list(RECIPES)[:2] == ["patn-market", "patn-fashion"]
    assert all(path.startswith("repose.models.") for path in RECIPES.values())


def package(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"'wrong_package' has no MODEL; it needs MODEL = repose\.models\.ModelDeclaration"),
        ("MODEL = 3", "'wrong_package' has a MODEL of type int"),
        (
            "import nothing_of_that_name",
            "'wrong_package' cannot be imported: ModuleNotFoundError: .*nothing_of_that_name",
        ),
        ("def", "'wrong_package' cannot be imported: SyntaxError"),
        (
            "from repose.models import ModelDeclaration\nMODEL = ModelDeclaration('x')",
            "'wrong_package' cannot .*missing",
        ),
    ],
)
def test_a_package_that_declares_nothing_is_named(folder: Path, text: str, message: str) -> None:
    package(folder, "wrong_package", text)
    before = dict(MODELS)
    try:
        with pytest.raises(DeclarationError, match=message):
            models.register("wrong_package")
    finally:
        sys.modules.pop("wrong_package", None)
    assert dict(MODELS) == before


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(DeclarationError, match=r"the model package 'acme\.toy' cannot be imported: .*is it installed"):
        models.register("acme.toy")


def declared(**changes: object) -> ModelDeclaration:
    return replace(MODELS["patn"], package="acme", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": "network.PATN"}, r"'acme' declares generator='network\.PATN'; a path is 'module:attribute'"),
        ({"recipes": {"acme": ":small"}, "full": "acme"}, r"'acme' declares recipes\['acme'\]=':small'"),
        ({"small": "patn-ss"}, "'acme' declares small='patn-ss', which is none of its recipes; did you mean 'patn-s'"),
        ({"full": ""}, "'acme' declares full=''"),
    ],
)
def test_a_wrong_declaration_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        declared(**changes)


def test_paths_with_a_dot_lie_in_the_package() -> None:
    model = declared(generator=".network:Net", inspect=".inspect:panels", objective="other.place:Objective")
    assert (model.generator, model.inspect) == ("acme.network:Net", "acme.inspect:panels")
    assert model.objective == "other.place:Objective"
    assert replace(model, title="x").generator == model.generator
    with pytest.raises(
        DeclarationError, match=r"'acme' declares 'acme\.network:Net', which cannot be loaded: ModuleNot"
    ):
        model.load(model.generator)
    with pytest.raises(DeclarationError, match=r"'repose\.names:nothing', which cannot be loaded: AttributeError"):
        model.load("repose.names:nothing")


def test_names_that_are_taken(folder: Path) -> None:
    text = "from dataclasses import replace\nfrom repose.models import MODELS\nMODEL = replace(MODELS['patn'], {})\n"
    try:
        package(folder, "taken_model", text.format("package='acme'"))
        with pytest.raises(
            DeclarationError, match=r"'taken_model' declares a model 'patn', as 'repose\.models\.patn' does"
        ):
            models.register("taken_model")
        package(folder, "taken_recipe", text.format("name='acme'"))
        with pytest.raises(
            DeclarationError, match=r"'taken_recipe' declares a recipe 'patn-market', which is repose\."
        ):
            models.register("taken_recipe")
    finally:
        for name in ("taken_model", "taken_recipe"):
            sys.modules.pop(name, None)
    assert "acme" not in MODELS
    assert models.register("repose.models.patn") is MODELS["patn"], "registering twice changes nothing"


def test_an_entry_point_that_leads_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [EntryPoint("gone", "acme.gone:MODEL", group)])
    with pytest.raises(DeclarationError, match=r"the model package 'acme\.gone' cannot be imported"):
        models._declare_all.__wrapped__()


def test_a_recipe_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "acme-s", "repose.models.patn.recipe:tiny")
    with pytest.raises(
        DeclarationError, match=r"the recipe 'acme-s' is 'repose\.models\.patn\.recipe:tiny', which cannot"
    ):
        models.recipe("acme-s")


def test_a_module_may_hold_the_declaration() -> None:
    assert declaration_of("repose.models.carry").name == "carry"
