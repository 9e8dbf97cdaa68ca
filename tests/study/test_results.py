"""Rates and intervals against numbers worked out by hand and by SciPy, and what is printed of them."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repose.study import PUBLISHED, STUDIES, Study, StudyProtocol, export, people_interval, results, wilson
from repose.study.results import caption, results_markdown, table_lines
from tests.study import pictures
from tests.study.pictures import Clock

REALISM = StudyProtocol("small", 1, "realism", (1.0,), pool=5, shown=4, practice=1)


def take_part(study: Study, clock: Clock, nonce: str, choose: Any) -> None:
    """A whole session; `choose(number of the trial, its row)` gives the answer."""
    token = study.begin(nonce)
    with study._storage.reading() as file:
        rows = file.execute(
            "SELECT t.* FROM trials t JOIN sessions s ON s.id = session WHERE token = ? ORDER BY position", (token,)
        ).fetchall()
    for row in rows:
        study.picture(row["key"], 0)
        study.start(row["key"], "showing 1")
        clock.now += 0.5
        study.answer(row["key"], choose(row), 0.5, 0.5, False)


def test_wilson_by_hand() -> None:
    """8 of 10 at 95 %: z = 1.959964; centre (0.8 + z²/20) / (1 + z²/10), half z sqrt(0.016 + z²/400) / (1 + z²/10)."""
    z = 1.959963984540054
    scale = 1 + z**2 / 10
    centre, half = (0.8 + z**2 / 20) / scale, z * math.sqrt(0.8 * 0.2 / 10 + z**2 / 400) / scale
    assert wilson(8, 10) == pytest.approx((centre - half, centre + half), abs=1e-12)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, z**2 / (20 + z**2)))
    assert wilson(20, 20)[1] == 1.0
    assert all(math.isnan(end) for end in wilson(0, 0))
    with pytest.raises(ValueError, match="0 to 3"):
        wilson(4, 3)


def test_wilson_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    for hits, of in ((0, 7), (1, 9), (13, 40), (254, 610), (99, 100), (5, 5)):
        for level in (0.9, 0.95):
            wanted = stats.binomtest(hits, of).proportion_ci(level, "wilson")
            assert wilson(hits, of, level) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_people_interval_knows_clusters() -> None:
    """Ten people who all agree with themselves: the interval is that of ten coins, not of a thousand."""
    hits, of = [100] * 5 + [0] * 5, [100] * 10
    low, high = people_interval(hits, of)
    # the mean of ten draws of 0 or 1 is k / 10: 2.5 % of binomial(10, 0.5) lies at or below 2, 97.5 % at or below 8
    assert (low, high) == (0.2, 0.8)
    near = wilson(500, 1000)
    assert high - low > 5 * (near[1] - near[0])


def test_people_interval_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(3)
    of = random.integers(10, 30, 25)
    hits = random.binomial(of, random.uniform(0.1, 0.7, 25))

    def share(hits: Any, of: Any, axis: int = -1) -> Any:
        return hits.sum(axis) / of.sum(axis)

    wanted = stats.bootstrap(
        (hits, of), share, paired=True, method="percentile", n_resamples=40_000, rng=np.random.default_rng(0)
    ).confidence_interval
    outcome = people_interval(hits.tolist(), of.tolist(), resamples=40_000)
    assert outcome == pytest.approx((wanted.low, wanted.high), abs=0.004)


def test_people_interval_needs_two() -> None:
    assert all(math.isnan(end) for end in people_interval([3], [5]))
    assert all(math.isnan(end) for end in people_interval([3, 0], [5, 0]))
    with pytest.raises(ValueError, match="1 people have hits, 2"):
        people_interval([3], [5, 5])


def test_r2g_g2r_and_accuracy(tmp_path: Path) -> None:
    """Three people of 4 + 4: one is always right, one always says real, one always fake."""
    clock = Clock()
    study = pictures.study(tmp_path, REALISM, clock, ("only",))
    take_part(study, clock, "always right", lambda row: "real" if row["kind"] == "real" else "fake")
    take_part(study, clock, "always real", lambda _: "real")
    take_part(study, clock, "always fake", lambda _: "fake")
    (row,) = results(study).rows
    assert (row.name, row.seconds, row.participants) == ("only", 1.0, 3)
    assert {name: (rate.hits, rate.of) for name, rate in row.rates.items()} == {
        "R2G": (4, 12), "G2R": (4, 12), "accuracy": (16, 24),
    }  # fmt: skip
    assert row.rates["accuracy"].value == pytest.approx(1 - (4 / 12 + 4 / 12) / 2)
    assert row.rates["R2G"].wilson == wilson(4, 12)
    assert row.rates["R2G"].people == people_interval([0, 0, 4], [4, 4, 4])


def test_methods_and_tracks_are_rows_of_their_own(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, replace(REALISM, seconds=(5.0, None), shown=2), clock)
    for number in range(4):
        take_part(study, clock, f"person {number}", lambda row: "fake" if row["seconds"] is None else "real")
    outcome = results(study)
    assert [(row.name, row.seconds, row.participants) for row in outcome.rows] == [
        ("ours", 5.0, 2), ("theirs", 5.0, 2), ("ours", None, 2), ("theirs", None, 2),
    ]  # fmt: skip
    assert [row.rates["R2G"].value for row in outcome.rows] == [0, 0, 1, 1]
    assert [row.rates["G2R"].value for row in outcome.rows] == [1, 1, 0, 0]
    assert [row.rates["R2G"].of for row in outcome.rows] == [4, 4, 4, 4]


def test_anatomy_and_pose(tmp_path: Path) -> None:
    clock = Clock()
    anatomy = pictures.study(tmp_path / "a", replace(REALISM, question="anatomy"), clock, ("only",))
    take_part(anatomy, clock, "somebody", lambda row: "plausible" if row["kind"] == "real" else "implausible")
    rates = results(anatomy).rows[0].rates
    assert {name: (rate.hits, rate.of) for name, rate in rates.items()} == {"real": (4, 4), "generated": (0, 4)}
    pose = pictures.study(tmp_path / "p", replace(REALISM, question="pose"), clock, ("only",))
    answers = iter(["different", "same", "same", "same", "different"])  # the first is practice
    take_part(pose, clock, "somebody", lambda _: next(answers))
    rates = results(pose).rows[0].rates
    assert {name: (rate.hits, rate.of) for name, rate in rates.items()} == {"generated": (3, 4)}


def test_preference_counts_the_first_method_wherever_it_stands(tmp_path: Path) -> None:
    from repose.study import prepare_study

    clock = Clock()
    given = pictures.store(tmp_path / "store")
    methods = {name: pictures.generated(tmp_path / name, given, 30, seed) for seed, name in enumerate("abc", 1)}
    protocol = StudyProtocol("p", 1, "preference", (None,), pool=6, shown=6)
    prepare_study(tmp_path / "s.db", protocol, dict(methods), store=given)
    study = Study(tmp_path / "s.db", clock)
    better = {frozenset("ab"): "a", frozenset("ac"): "c", frozenset("bc"): "b"}
    for number in range(2):
        take_part(
            study, clock, f"person {number}",
            lambda row: "one" if better[frozenset((row["method"], row["other"]))] == row["method"] else "two",
        )  # fmt: skip
    outcome = {row.name: row.rates["preferred"] for row in results(study).rows}
    assert {name: (rate.hits, rate.of) for name, rate in outcome.items()} == {
        "a over b": (4, 4), "a over c": (0, 4), "b over c": (4, 4),
    }  # fmt: skip


def test_published_numbers() -> None:
    """Those of the papers; where Multi-scale prints an accuracy it is 100 - (R2G + G2R) / 2 within its rounding."""
    realism = PUBLISHED["realism"]
    assert sum("Multi-scale" in row.source for row in realism) == 5
    for row in realism:
        if "accuracy" in row.numbers:
            mean = 100 - (float(row.numbers["R2G"]) + float(row.numbers["G2R"])) / 2
            assert float(row.numbers["accuracy"]) == pytest.approx(mean, abs=0.0101)
    apatn = [row.numbers for row in realism if row.name == "APATN"]
    assert apatn == [{"R2G": "20.26", "G2R": "35.51"}, {"R2G": "34.17", "G2R": "70.32"}]
    assert [(row.seconds, row.protocol) for row in realism if row.name == "Multi-scale"] == [
        (5.0, "roy-released@1"), (None, "roy-released@1"),
    ]  # fmt: skip
    for rows in PUBLISHED.values():
        assert all(bool(row.protocol) == bool(row.participants) or "Deformable" in row.name for row in rows)
        assert {row.protocol for row in rows} - {""} <= STUDIES.keys()
    assert [row.numbers for row in PUBLISHED["pose"]] == [{"generated": "69.3"}, {"generated": "78.2"}]


def test_the_table(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, REALISM, clock, ("a|b",))
    take_part(study, clock, "one of two", lambda _: "real")
    take_part(study, clock, "two of two", lambda row: "real" if row["kind"] == "real" else "fake")
    study.begin("somebody who leaves")
    outcome = results(study)
    headings, rows = table_lines(outcome)
    assert headings == ["method", "seconds", "people", "R2G %", "G2R %", "accuracy %", "source"]
    low, high = (f"{100 * end:.1f}" for end in wilson(4, 8))
    assert rows[0][:5] == ["a|b", "1", "2", f"0.0\n[0.0, 0.0]\n[0.0, {100 * wilson(0, 8)[1]:.1f}]", rows[0][4]]
    assert rows[0][4].splitlines() == ["50.0", "[0.0, 100.0]", f"[{low}, {high}]"]
    assert rows[0][-1] == "small@1"
    published = {row[0]: row for row in rows if row[-1] == "published: Multi-scale, Table 2"}
    assert published["PG2"][3:6] == ["9.20", "14.90", "87.95"]
    assert all(row[-1].startswith("published: ") for row in rows[1:])
    assert "2 sessions finished of 3 begun" in caption(outcome)
    text = results_markdown(outcome, published=False)
    assert text.splitlines()[2].startswith("| a\\|b | 1 | 2 | 0.0 [0.0, 0.0] [0.0, ")
    assert "published" not in text


def test_export(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, REALISM, clock, ("only",))
    take_part(study, clock, "somebody", lambda row: "fake")
    assert export(study, tmp_path / "out" / "a.csv") == export(study, tmp_path / "a.json") == 10
    with (tmp_path / "out" / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    read = json.loads((tmp_path / "a.json").read_text())
    assert (read["study"], read["protocol"]["pool"], read["methods"]) == ("small@1", 5, ["only"])
    assert len(rows) == len(read["answers"]) == 10
    for flat, whole in zip(rows, read["answers"], strict=True):
        assert flat["pictures"] == "|".join(whole["pictures"])
        assert flat["kind"] == whole["kind"]
        assert whole["right"] == (whole["kind"] == "generated")
        assert not {"token", "nonce", "key", "begun"} & set(whole)
    with pytest.raises(ValueError, match=r"\.csv or \.json"):
        export(study, tmp_path / "a.xlsx")
