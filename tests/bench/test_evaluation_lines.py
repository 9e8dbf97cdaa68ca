"""A damaged result line of `repose eval` makes no table: one sentence says what is wrong in it."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repose.bench.evaluation_lines import require_evaluation
from repose.bench.evaluations import evaluation_table, model_table
from repose.document_tables import write_tables
from tests.lines import evaluation

Change = Callable[[dict[str, Any]], object]


def score(value: Any) -> Change:
    return lambda line: line["rows"]["generated"].update(ssim=value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda line: line.pop("rows"), "rows is missing"),
        (lambda line: line.update(rows=[]), r"rows is \[\], not scores by"),
        (lambda line: line["rows"].update(other={}), "rows is .*, not scores by target, source, generated"),
        (lambda line: line["rows"].update(generated={}), r"rows.generated is \{\}, not scores by column, with ssim"),
        (lambda line: line["rows"]["source"].update(ssimm=[0, 0, 0]), "rows.source.ssimm: there is no column"),
        (lambda line: line.pop("protocol"), "protocol is missing"),
        (lambda line: line.update(protocol="patn-market"), "protocol is 'patn-market', not a name with a version"),
        (lambda line: line.update(pairs="10"), "pairs is '10', not a number from 1"),
        (lambda line: line.update(pairs=True), "pairs is True"),
        (lambda line: line.update(pairs_in_split=-3), "pairs_in_split is -3"),
        (lambda line: line.update(hardware=None), "hardware is None, not a text"),
        (lambda line: line.update(model=7), "model is 7, not a text or null"),
        (lambda line: line.update(networks_missing=["a"]), r"networks_missing is \['a'\]"),
        (score(math.nan), r"rows.generated.ssim is nan, not \[value, low, high\]"),
        (score([0.5, 0.4]), r"is \[0.5, 0.4\], not \[value, low, high\]"),
        (score([math.nan, 0.4, 0.6]), "holds nan, which is neither a finite number nor null"),
        (score([math.inf, 0.4, 0.6]), "holds inf"),
        (score(["0.5", 0.4, 0.6]), "holds '0.5'"),
        (score([50, 0.4, 0.6]), "holds 50, and SSIM lies between -1 and 1"),
        (score("x" * 5_000), r"xxx\.\.\., not"),
    ],
)
def test_what_is_wrong_is_said(change: Change, said: str) -> None:
    line = evaluation("a")
    require_evaluation(line)
    damaged = copy.deepcopy(line)
    change(damaged)
    for make in (
        lambda: require_evaluation(damaged),
        lambda: evaluation_table([line, damaged], "market1501", "patn-market"),
        lambda: model_table([line, damaged], "a"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            make()
        assert len(str(caught.value)) < 200


def test_the_file_and_the_number_of_the_line_are_named(tmp_path: Path) -> None:
    """Of two lines with the same damage the first is named; a line that is cut off is named, too."""
    page = tmp_path / "page.md"
    page.write_text("<!-- table: market -->\n<!-- /table -->\n")
    whole, damaged = json.dumps(evaluation("a")), json.dumps(evaluation("b", day=2)).replace("0.5", "NaN")
    results = tmp_path / "results"
    results.mkdir()
    file = results / "eval.jsonl"
    file.write_text(f"{whole}\n{damaged}\n{damaged}\n")
    with pytest.raises(ValueError, match=r"rows\.generated\.ssim holds nan") as caught:
        write_tables(results, [page])
    assert str(caught.value).startswith(f"{file}, line 2: ")
    assert "\n" not in str(caught.value)
    file.write_text(f"{whole}\n{whole[:-20]}\n")
    with pytest.raises(ValueError, match=r"eval\.jsonl, line 2 is not JSON"):
        write_tables(results, [page])
    assert page.read_text() == "<!-- table: market -->\n<!-- /table -->\n"
