"""What all applications share: one form of function, and names that a module does not hide."""

import importlib
import inspect
import pkgutil

import pytest

import repose.apps

FUNCTIONS = [name for name in repose.apps.__all__ if name.islower()]


def test_no_module_has_the_name_of_a_function() -> None:
    """Importing `repose.apps.tune` as a module would put it into the place of the function."""
    modules = {module.name for module in pkgutil.iter_modules(repose.apps.__path__)}
    assert not modules & set(repose.apps.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_application_has_the_same_form(name: str) -> None:
    function = getattr(repose.apps, name)
    first, *further = inspect.signature(function).parameters.values()
    assert first.name == ("store" if name == "reid" else "source")
    if first.name == "source":
        second, *further = further
        assert second.kind is not inspect.Parameter.KEYWORD_ONLY, "what something is taken from comes second"
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in further), "all else is by name"
    assert inspect.getdoc(function)
    importlib.import_module(function.__module__)
    assert getattr(repose.apps, name) is function


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tunes'"):
        _ = repose.apps.tunes
