"""What training says where the file of a feature network is missing, and that it does as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repose import models
from repose.hub.fetch import FileMissingError
from repose.models.base import Output, Progress, Term
from repose.person import Pair
from repose.recipes import override
from tests import tiny


@pytest.fixture(autouse=True)
def _no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    monkeypatch.delenv("REPOSE_FILES", raising=False)


@pytest.mark.parametrize("recipe", ["patn-s", "multiscale-s", "patn-market"])
def test_the_settings_that_the_error_names_do_what_it_says(recipe: str) -> None:
    def losses(*words: str) -> dict[str, Term]:
        chosen = override(models.recipe(recipe), ["objective.adversarial_from=1", *words])
        objective, pair = models.build_objective(chosen), Pair(tiny.people(2, 64, 32, 1), tiny.people(2, 64, 32, 2))
        (phase,) = objective.phases(Progress(0, chosen.images))
        assert pair.target.image is not None
        return dict(objective.losses(phase, pair, Output(pair.target.image + 0.1)))

    with pytest.raises(FileMissingError, match="train without it: add") as caught:
        losses()
    words = re.findall(r"objective\.\w+=\w+", str(caught.value))
    assert words == list(models.MODELS[models.recipe(recipe).model].without_features)
    terms = losses(*words)
    assert set(terms) == {"l1"}
    assert float(terms["l1"].value) == pytest.approx(0.1, rel=1e-4)
