"""The examples in the docstrings of metrics run; every metric has one, and tells the range of its values."""

import doctest
import importlib
import inspect
import pkgutil
import re
from types import ModuleType

import pytest

from repose import metrics
from repose.metrics import functional
from repose.metrics.functional import regions

PARTS = [part.name for part in pkgutil.iter_modules(functional.__path__)]
MODULES = [
    functional,
    *(importlib.import_module(f"{functional.__name__}.{name}") for name in PARTS),
    *(importlib.import_module(f"repose.metrics.{name}") for name in ("accumulators", "file_names", "networks")),
    metrics,
]
FUNCTIONS = {name: getattr(functional, name) for name in functional.__all__ if name != "padded"} | {
    name: getattr(regions, name) for name in ("colour_error", "pattern", "texture")
}
FUNCTIONS = {name: function for name, function in FUNCTIONS.items() if inspect.isfunction(function)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_run(module: ModuleType) -> None:
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_metric_has_an_example(name: str) -> None:
    (test,) = doctest.DocTestFinder(recurse=False).find(FUNCTIONS[name], name)
    assert any("+SKIP" not in example.source for example in test.examples)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("moments", "moments_of_sums", "head_box")])
def test_every_metric_tells_its_range(name: str) -> None:
    """Such as "0 or more", "-1 to 1", "about 0": a number stands under Returns, or for pairs of numbers at each."""
    returns = re.search(r"Returns:\n(.*?)(\n\n|\Z)", inspect.getdoc(FUNCTIONS[name]) or "", re.DOTALL)
    assert returns is not None
    assert re.search(r"\d (to|or more)|about 0|whole numbers from", returns[1]), returns[1]
