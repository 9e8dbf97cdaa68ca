"""A paper is its folder and one name: the one that CONTRIBUTING.md shows, in a temporary folder, passes every check."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from repose import models
from repose.data import Store
from repose.models import MODELS, RECIPES, DeclarationError, ModelDeclaration
from tests import tiny
from tests.contract import checks

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(SHOWN.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
"""Name of a file of the folder -> its text."""

NAMES = ("toy-fashion", "toy-s")


def write(place: Path, files: Mapping[str, str]) -> Path:
    """The package `toy` in a folder that can stand on `sys.path`."""
    for name, text in files.items():
        path = place / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return place


@contextmanager
def added(place: Path) -> Iterator[ModelDeclaration]:
    """The paper of a folder, registered by its name; forgotten at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place)
        try:
            yield models.register("toy")
        finally:
            MODELS.pop("toy", None)
            for name in NAMES:
                RECIPES.pop(name, None)
            for name in [name for name in sys.modules if name.partition(".")[0] == "toy"]:
                del sys.modules[name]
            importlib.invalidate_caches()


@pytest.fixture(scope="class")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelDeclaration]:
    with added(write(tmp_path_factory.mktemp("papers"), FILES)) as declaration:
        yield declaration


def test_the_page_shows_a_whole_folder() -> None:
    assert set(FILES) == {"__init__.py", "network.py", "objective.py", "recipe.py", "inspect.py", "CARD.md"}
    assert "toy" not in MODELS, "nothing outside of the folder knows it"


class TestNewPaper:
    @pytest.mark.parametrize(
        "check", [*checks.GENERATOR, *checks.DECLARATION, *checks.INSPECTION], ids=lambda check: check.__name__
    )
    def test_contract(self, check: checks.Check, toy: ModelDeclaration, tmp_path: Path) -> None:
        check(toy, tmp_path)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(
        "check", [*checks.RECIPE, checks.folding_changes_no_picture], ids=lambda check: check.__name__
    )
    def test_recipe(self, check: Callable[[str], object], name: str, toy: ModelDeclaration) -> None:
        check(name)

    def test_cost(self, toy: ModelDeclaration, tmp_path: Path) -> None:
        checks.cost_is_counted(toy, tmp_path)

    def test_run(self, toy: ModelDeclaration, tmp_path: Path) -> None:
        store: Store = tiny.store(tmp_path / "store")
        checks.a_run_leaves_weights_that_load(toy, store, tmp_path)


def test_an_installed_package_needs_no_call(tmp_path: Path) -> None:
    """By its entry point the command knows it."""
    place = write(tmp_path, FILES)
    installed = place / "toy-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[repose.models]\ntoy = toy\n")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from repose.cli import main; main()"
    command = [sys.executable, "-c", code, str(place), "train", "toy-s", "--show"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"notes": "ours: Toy cut down for the CPU"' in done.stdout


# -- with a piece missing -------------------------------------------------------------------------------------------


def without(file: str, line: str | None = None, instead: str = "") -> dict[str, str]:
    """The files without one of them, or with one line of it replaced."""
    if line is None:
        return {name: text for name, text in FILES.items() if name != file}
    assert FILES[file].count(line) == 1, line
    return {**FILES, file: FILES[file].replace(line, instead)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (without("__init__.py"), "the model package 'toy' has no MODEL"),
        (
            without("__init__.py", '    title="Toy",\n'),
            "the model package 'toy' cannot be imported: TypeError: .*'title'",
        ),
        (
            without("__init__.py", '        "toy-s": ".recipe:small",\n'),
            "'toy' .* declares small='toy-s', which is none",
        ),
    ],
    ids=["no declaration", "no title", "no small recipe"],
)
def test_it_is_not_registered(files: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=message), added(write(tmp_path, files)):
        pass
    assert "toy" not in MODELS


def recipes(check: Callable[[str], object]) -> checks.Check:
    """A check of recipes as one of a declaration: of all its recipes."""

    def all_of(declaration: ModelDeclaration, folder: Path) -> None:
        for name in declaration.recipes:
            check(name)

    return all_of


UNUSED = "        self.last = nn.Conv2d(width, 16 * 3, 3, padding=1)\n"

MISSING: dict[str, tuple[dict[str, str], checks.Check, type[Exception]]] = {
    "no network": (without("network.py"), checks.shape_and_range, DeclarationError),
    "no objective": (without("objective.py"), checks.every_part_loads, DeclarationError),
    "no recipes": (without("recipe.py"), recipes(checks.written_and_read), DeclarationError),
    "no inspector": (without("inspect.py"), checks.inspector_draws, DeclarationError),
    "no inspector declared": (
        without("__init__.py", '    inspect=".inspect:panels",\n'), checks.inspector_draws, ValueError,
    ),
    "no card": (without("CARD.md"), checks.the_card_describes_it, FileNotFoundError),
    "a panel that the card does not name": (
        without("CARD.md", "| `layers` | what each layer adds to the features |\n"), checks.the_card_describes_it,
        AssertionError,
    ),
    "no tiny settings": (
        without("__init__.py", '    tiny=("network.width=4", "network.depth=1"),\n'), recipes(checks.is_tiny),
        AssertionError,
    ),
    "no settings without features": (
        without("__init__.py", '    without_features=("objective.perceptual=0",),\n'),
        recipes(checks.trains_without_features), AssertionError,
    ),
    "a recipe of another name": (
        without("recipe.py", 'name="toy-s"', 'name="toy-small"'), recipes(checks.written_and_read), AssertionError,
    ),
    "a recipe of another model": (
        without("recipe.py", '        model="toy",\n        canvas="fashion",\n', '        model="patn",\n'),
        checks.every_part_loads, AssertionError,
    ),
    "weights that nothing uses": (
        without("network.py", UNUSED, UNUSED + "        self.spare = nn.Linear(2, 2)\n"),
        checks.every_parameter_gets_a_gradient, AssertionError,
    ),
    "a picture without bounds": (
        without("network.py", "torch.tanh(F.pixel_shuffle(self.last(x), 4))", "100 * F.pixel_shuffle(self.last(x), 4)"),
        checks.shape_and_range, AssertionError,
    ),
    "a field that is read and not declared": (
        without("network.py", 'source=("image", "keypoints")', 'source=("image",)'), checks.inspector_draws,
        AssertionError,
    ),
    "a canvas that does not fit": (
        without("network.py", "multiple=4", "multiple=24"), recipes(checks.builds_and_fits_its_canvas), AssertionError,
    ),
}  # fmt: skip


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_piece_is_seen(missing: str, tmp_path: Path) -> None:
    files, check, error = MISSING[missing]
    with added(write(tmp_path / "papers", files)) as declaration, pytest.raises(error):
        check(declaration, tmp_path)
