"""What every paper declares is there: its parts, its card, its rows in lists and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from repose.document_tables import document_table
from repose.models import MODELS
from tests.contract import checks
from tests.test_documents import DOCUMENTS


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("check", checks.DECLARATION, ids=lambda check: check.__name__)
def test_declaration(check: checks.Check, name: str, tmp_path: Path) -> None:
    check(MODELS[name], tmp_path)


def test_a_document_lists_every_paper() -> None:
    listed = document_table("papers", [])
    assert any(listed in document.read_text(encoding="utf-8") for document in DOCUMENTS), "run `repose bench tables`"
