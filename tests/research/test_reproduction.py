"""docs/reproduce.md: every command can be given, every row of the papers has its place, and one table is run."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from repose import cli
from repose.data import StoreWriter
from repose.document_tables import document_table
from repose.metrics import PROTOCOLS
from repose.metrics.published import PUBLISHED, REAL
from repose.models import RECIPES, recipe
from repose.recipes import override
from repose.represent.canvas import canvas
from repose.research.reproduction.document import rows_of
from repose.research.reproduction.paper_tables import TABLES
from repose.research.reproduction.plan import DATA, PaperTable
from repose.study import study_protocol
from tests.contract.checks import person
from tests.test_documents import check

ROOT = Path(__file__).parents[2]
NAMES = [f"{table.paper} {table.heading}" for table in TABLES]


def test_the_page_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "reproduce.md").read_text()
    assert document_table("reproduce", []) in page, "repose bench tables writes it anew"


def test_every_table_of_the_papers_is_there() -> None:
    there = {(table.paper, number) for table in TABLES for number in table.numbers}
    counts = {"patn": 6, "multiscale": 4, "pinet": 3, "densepose": 8, "hpn": 2}
    assert there == {(paper, number + 1) for paper, count in counts.items() for number in range(count)}
    assert {(row.paper, row.table) for row in PUBLISHED} <= there


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_command_can_be_given(table: PaperTable) -> None:
    lines = [*(DATA[one.data].prepare for one in table.measurements), *table.lines()]
    assert lines
    stores = {one.store for one in DATA.values()}
    for line in lines:
        words = shlex.split(line)
        if words[0] == "python":
            source = (ROOT / words[1]).read_text()
            assert all(f'"{word}"' in source for word in words if word.startswith("--")), line
            continue
        assert words[0] == "repose"
        check(words[1:], line)
        for flag in ("--data", "-d"):
            assert flag not in words or words[words.index(flag) + 1] in stores, line
        if words[1] == "generate":
            assert words[words.index("-p") + 1] in PROTOCOLS
        if words[1:3] == ["study", "prepare"]:
            study_protocol(words[words.index("-p") + 1])
        if words[1:3] in (["bench", "cost"], ["bench", "forward"]):
            assert {word for word in words[3:] if word[0].isalpha()} <= {*RECIPES}


@pytest.mark.parametrize("table", [table for table in TABLES if table.measurements], ids=lambda table: table.heading)
def test_rows_runs_and_protocols_fit(table: PaperTable) -> None:
    """Every row of the paper's own system has a run, every run a row, and each can be measured as it is written."""
    rows = {row.method for row in rows_of(table)}
    for one in table.measurements:
        named = PROTOCOLS[one.protocol]
        of_protocol = {row.method for row in rows_of(table) if row.protocol == one.protocol}
        for run in one.runs:
            chosen = override(recipe(run.recipe), list(run.settings))
            assert chosen.canvas == named.canvas, run
            assert set(run.rows) & of_protocol, f"{run} repeats no row of {table.heading}"
        runs = {row for run in one.runs for row in run.rows}
        others = {REAL, "PG2", "Deformable GAN", "VUNet", "XingGAN", "PATN"} if table.paper != "patn" else {
            REAL, "PG2", "Deformable GAN", "VUNet", "XingGAN",
        }  # fmt: skip
        assert of_protocol - runs <= others, "rows of the paper's own system without a run"
    assert rows or table.numbers == (2,)


def test_folders_of_runs_are_not_shared() -> None:
    """Two different trainings never write into one folder, on whatever table they stand."""
    seen: dict[str, str] = {}
    for table in TABLES:
        for one in table.measurements:
            for run in one.runs:
                line = run.command(DATA[one.data])
                assert seen.setdefault(run.folder, line) == line


def test_a_table_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of PATN in Table 1 for Market-1501, on four pictures of noise, with a network and a run made tiny."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPOSE_FILES", "")
    (table,) = [table for table in TABLES if (table.paper, table.numbers) == ("patn", (1,))]
    height, width = canvas("market").size
    people = person(4, 0, height, width)
    Path("data").mkdir()
    with StoreWriter(Path(DATA["market1501"].store), height, width, "noise") as writer:
        for index in range(4):
            pixels = ((people[index].image.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
            split = "train" if index < 2 else "test"
            writer.add(f"{index}.png", split, pixels, people[index].keypoints, split=split)
    tiny = [
        "network.width=4",
        "network.blocks=2",
        "objective.discriminator.width=4",
        "objective.perceptual=none",
        "data.batch=2",
        "images=2",
        "tick=2",
        "schedule.hold=1",
    ]
    ran = []
    of_market = replace(table.measurements[0], runs=table.measurements[0].runs[:1])
    for line in of_market.commands("out/table"):
        words = shlex.split(line)[1:]
        if words[0] == "train":
            words = [*words[:2], *tiny, *words[2:], "--accelerator", "cpu"]
        else:
            words += ["--pose", "none", "--features", "none"]
        with torch.random.fork_rng():
            done = CliRunner().invoke(cli.app, words)
        assert done.exit_code == 0, (line, done.output, done.exception)
        ran.append(words[0])
    assert ran == ["train", "eval"]
    markdown, latex = Path("out/table.md").read_text(), Path("out/table.tex").read_text()
    measured, papers = markdown.split("## Published, not measured here")
    assert re.search(r"^\| patn-market \| \d\.\d{3}", measured, re.MULTILINE)
    assert "patn-market-jpeg@2" in measured
    assert "| PATN and APATN, Table 1 | APATN | 0.326 | 0.817 | 0.91 | 3.426 | 3.801 | 0.66 |" in papers
    assert "0.326" not in measured
    assert latex.count(r"\begin{table}") == 2
