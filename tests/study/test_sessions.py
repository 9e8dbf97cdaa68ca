"""What a session shows, how it goes on, and which answers cannot be."""

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repose.study import STUDIES, RefusedError, Study, StudyProtocol, results
from repose.study.planning import Listed, examples, plan
from repose.study.results import caption
from repose.study.sessions import ABANDONED
from repose.study.times import flags
from tests.study import pictures
from tests.study.pictures import Clock

SMALL = StudyProtocol("small", 1, "realism", (1.0, None), pool=8, shown=3, practice=2)


def listed(protocol: StudyProtocol, methods: tuple[str, ...] = ("a", "b")) -> list[Listed]:
    """The pictures of a study, of no pixels."""
    kinds = [("real", ""), ("target", ""), ("source", ""), ("pose", ""), *(("generated", method) for method in methods)]
    aside = protocol.practice if protocol.practice_from == "fixed" else 0
    return [
        Listed(1000 * index + pair, kind, method, pair, pair < aside)
        for index, (kind, method) in enumerate(kinds)
        for pair in range(protocol.pool)
    ]


def judge(study: Study, token: str, clock: Clock, choice: str = "real", seconds: float = 0.5) -> dict[str, Any]:
    """One answer as a good page gives it; the new state."""
    trial = study.state(token)["trial"]
    study.picture(trial["key"], 0)
    study.start(trial["key"], "showing 1")
    clock.now += seconds
    limit = seconds if trial["seconds"] is None else min(seconds, trial["seconds"])
    state: dict[str, Any] = study.answer(trial["key"], choice, limit, seconds, False)["state"]
    return state


def finish(study: Study, token: str, clock: Clock, choice: str = "real") -> None:
    while not study.state(token)["finished"]:
        judge(study, token, clock, choice)


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_roys_session() -> None:
    """10 + 10 fixed practice, then 10 + 10 of 120 + 120 for 5 s, then another 10 + 10 without limit."""
    protocol = STUDIES["roy@1"]
    material = listed(protocol)
    kinds = {picture.id: picture for picture in material}
    sessions = [plan(protocol, material, "b", random.Random(seed)) for seed in range(40)]
    practice = {frozenset(t.pictures[0] for t in trials if t.practice) for trials in sessions}
    assert len(practice) == 1
    assert len({tuple(t.pictures for t in trials if t.practice) for trials in sessions}) > 1
    drawn: set[int] = set()
    for trials in sessions:
        assert [(t.practice, t.track, t.seconds) for t in trials] == (
            [(True, 0, 5.0)] * 20 + [(False, 0, 5.0)] * 20 + [(False, 1, None)] * 20
        )
        for part in (trials[:20], trials[20:40], trials[40:]):
            assert Counter(t.kind for t in part) == {"real": 10, "generated": 10}
        ids = [t.pictures[0] for t in trials]
        assert len(set(ids)) == 60
        assert {t.method for t in trials} == {"", "b"}
        assert all(kinds[t.pictures[0]].kind == t.kind and kinds[t.pictures[0]].method == t.method for t in trials)
        drawn |= {t.pictures[0] for t in trials if not t.practice}
    assert len(drawn) == 240  # all 120 + 120 come to be seen


def test_roys_session_as_released() -> None:
    """5 + 5 of practice without limit, none of the examples; then two draws of 10 + 10 of the same 120 + 120."""
    protocol = STUDIES["roy-released@1"]
    material = listed(protocol)
    shown = examples(protocol, material, "b")
    assert [(picture.kind, picture.method, picture.pair) for picture in shown] == [
        (kind, method, pair) for kind, method in (("real", ""), ("generated", "b")) for pair in range(5)
    ]
    both = 0
    for seed in range(40):
        trials = plan(protocol, material, "b", random.Random(seed))
        assert [(t.practice, t.track, t.seconds) for t in trials] == (
            [(True, 0, None)] * 10 + [(False, 0, 5.0)] * 20 + [(False, 1, None)] * 20
        )
        ids = [t.pictures[0] for t in trials]
        assert not {picture.id for picture in shown} & set(ids)
        for part in (slice(0, 10), slice(10, 30), slice(30, 50)):
            assert len(set(ids[part])) == len(ids[part])
            assert set(Counter(t.kind for t in trials[part]).values()) == {len(ids[part]) // 2}
        both += len(set(ids[10:30]) & set(ids[30:]))
    assert 40 < both < 100  # 20 x 10/120 of each session, so 67 are expected


def test_a_picture_that_stays_for_its_time(tmp_path: Path) -> None:
    """The last answer counts when the time is over; none counts as the protocol says, and is told apart."""
    protocol = replace(SMALL, examples=1, timed_practice=False, unanswered="real", draws="independent")
    clock = Clock()
    study = pictures.study(tmp_path, protocol, clock, ("only",))
    token = study.begin("12345678")
    assert (study.about()["examples"], study.about()["unanswered"]) == (1, "real")
    pngs = [study.example(token, number) for number in range(2)]
    assert pngs[0] != pngs[1]
    with pytest.raises(RefusedError, match="no such example"):
        study.example(token, 2)
    for number in range(protocol.trials):
        trial = study.state(token)["trial"]
        assert study.picture(trial["key"], 0) not in pngs
        study.start(trial["key"], "showing 1")
        clock.now += 1.0
        study.end(trial["key"], "showing 1")
        timed = trial["seconds"] is not None
        if not timed:
            with pytest.raises(RefusedError, match="no such answer"):
                study.answer(trial["key"], "", 1.0, 1.0, False)
        choice = "" if timed and number % 2 else "fake"
        # answered after 0.3 s, and sent when the picture has gone
        study.answer(trial["key"], choice, 1.0, 0.3 if choice and timed else 1.0, False)
    answers = study.answers()
    assert [row["flags"] for row in answers] == [[]] * protocol.trials
    timed = [row for row in answers if row["seconds"] is not None]
    assert [(row["choice"], row["answered"], row["reaction"]) for row in timed] == [
        ("fake", True, 0.3), ("real", False, None),
    ] * 3  # fmt: skip
    right = sum(row["right"] for row in answers if not row["practice"])
    assert (study.state(token)["judged"], study.state(token)["right"]) == (12, right)
    outcome = results(study)
    assert outcome.unanswered == (3, 6, "real")
    assert "3 of 6 pictures with a time limit had no answer in time and count as 'real'" in caption(outcome)
    choices = Counter((row["kind"], row["choice"]) for row in timed)
    assert outcome.rows[0].rates["R2G"].hits == choices["real", "fake"]
    assert outcome.rows[0].rates["G2R"].hits == choices["generated", "real"]


def test_practice_without_an_answer_is_right_as_the_protocol_counts_it(tmp_path: Path) -> None:
    protocol, clock = replace(SMALL, unanswered="real"), Clock()
    study = pictures.study(tmp_path, protocol, clock, ("only",))
    token, replies = study.begin("12345678"), []
    for _ in range(protocol.trials - protocol.counted):
        trial = study.state(token)["trial"]
        study.picture(trial["key"], 0)
        study.start(trial["key"], "showing 1")
        clock.now += 1.0
        replies.append(study.answer(trial["key"], "", 1.0, 1.0, False))
    assert sorted((reply["truth"], reply["right"]) for reply in replies) == [("fake", False)] * 2 + [("real", True)] * 2
    assert [reply["right"] for reply in replies] == [row["right"] for row in study.answers()]


def test_patns_session() -> None:
    """All 110, shuffled for everybody; the first 10 are practice, whatever they are."""
    protocol = STUDIES["patn@1"]
    shares = set()
    for seed in range(20):
        trials = plan(protocol, listed(protocol), "a", random.Random(seed))
        assert [t.practice for t in trials] == [True] * 10 + [False] * 100
        assert Counter(t.kind for t in trials) == {"real": 55, "generated": 55}
        assert len({t.pictures for t in trials}) == 110
        shares.add(sum(t.kind == "real" for t in trials[:10]))
    assert len(shares) > 1


def test_pose_pairs_and_their_sides() -> None:
    protocol = STUDIES["dpt-pose@1"]
    trials = plan(protocol, listed(protocol), "a", random.Random(0))
    assert len(trials) == 55
    for trial in trials:
        assert len({picture % 1000 for picture in trial.pictures}) == 1
        assert {picture // 1000 for picture in trial.pictures} == {1, 4}  # target, generated of "a"
    assert 10 < sum(trial.pictures[0] // 1000 == 1 for trial in trials) < 45


def test_preference_meets_every_two_methods_equally() -> None:
    protocol = STUDIES["preference@1"]
    trials = plan(protocol, listed(protocol, ("a", "b", "c")), "", random.Random(0))
    counted = [t for t in trials if not t.practice]
    assert (len(trials), len(counted)) == (32, 30)
    assert set(Counter(frozenset((t.method, t.other)) for t in counted).values()) == {10}
    assert 5 < sum(t.method < t.other for t in counted) < 25
    index = {"a": 4, "b": 5, "c": 6}
    for trial in trials:
        pair = trial.pictures[0] % 1000
        wanted = [2, 3, index[trial.method], index[trial.other]]
        assert list(trial.pictures) == [1000 * kind + pair for kind in wanted]


def test_methods_take_turns(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    tokens = [study.begin(f"nonce {n:03}") for n in range(4)]
    for token in tokens:
        finish(study, token, clock)
    assert Counter(r["judges"] for r in study.answers()) == {"ours": 2 * SMALL.trials, "theirs": 2 * SMALL.trials}
    left = study.begin("somebody who leaves")
    clock.now += ABANDONED + 1
    finish(study, study.begin("somebody who stays"), clock)
    finish(study, study.begin("somebody else"), clock)
    done = Counter(r["judges"] for r in study.answers() if r["position"] == 0)
    assert done == {"ours": 3, "theirs": 3}
    assert not study.state(left)["finished"]


# -- how it goes on ---------------------------------------------------------------------------------------------------


def test_a_session_to_its_end(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock, ("only",))
    token = study.begin("12345678")
    stages = []
    while not (state := study.state(token))["finished"]:
        stages.append((state["trial"]["stage"], state["trial"]["at"], state["trial"]["of"]))
        assert state["done"] == len(stages) - 1
        judge(study, token, clock)
    parts = [("practice 0", 4), ("track 0", 6), ("track 1", 6)]
    assert stages == [(name, at, of) for name, of in parts for at in range(1, of + 1)]
    # everything was called real, and half of it was
    assert state == {"session": token, "done": 16, "of": 16, "finished": True, "judged": 12, "right": 6}
    assert study.sessions() == (1, 1)


def test_nothing_gives_a_picture_away(tmp_path: Path) -> None:
    """What goes to the page before the answer has no name, kind or method in it, and keys differ between people."""
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    one, two = (study.state(study.begin(nonce)) for nonce in ("12345678", "87654321"))
    for state in (one, two):
        text = json.dumps([state, study.about()]).replace(study.protocol.asked.advice, "")
        for word in ("generated", "ours", "theirs", ".png", "method"):
            assert word not in text
        assert set(state["trial"]) == {"key", "pictures", "seconds", "practice", "stage", "at", "of"}
    assert one["trial"]["key"] != two["trial"]["key"]


def test_practice_tells_and_the_rest_does_not(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock, ("only",))
    token = study.begin("12345678")
    verdicts = []
    for _ in range(SMALL.trials):
        trial = study.state(token)["trial"]
        study.picture(trial["key"], 0)
        study.start(trial["key"], "showing 1")
        clock.now += 0.5
        reply = study.answer(trial["key"], "fake", 0.5, 0.5, False)
        assert ("right" in reply) == trial["practice"]
        if trial["practice"]:
            verdicts.append((reply["right"], reply["truth"]))
    assert sorted(verdicts) == [(False, "real")] * 2 + [(True, "fake")] * 2


def test_a_double_click_changes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    assert study.begin("12345678") == study.begin("12345678")
    token = study.begin("12345678")
    key = study.state(token)["trial"]["key"]
    study.picture(key, 0)
    study.start(key, "showing 1")
    clock.now += 0.5
    first = study.answer(key, "real", 0.5, 0.5, False)
    clock.now += 0.1
    assert study.answer(key, "fake", 0.6, 0.6, True) == first
    (kept,) = study.answers()
    assert (kept["choice"], kept["reaction"], kept["flags"]) == ("real", 0.5, [])
    with pytest.raises(RefusedError, match="not this picture's turn"):
        study.start(key, "showing 2")


def test_a_restart_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    token = study.begin("12345678")
    judge(study, token, clock)
    before = study.state(token)
    study.close()
    again = Study(tmp_path / "study.db", clock)
    assert again.state(token) == before
    finish(again, token, clock)
    assert len(again.answers()) == SMALL.trials
    assert (again.protocol, again.methods, again.size) == (SMALL, ("ours", "theirs"), pictures.SIZE)


def test_threads_at_once(tmp_path: Path) -> None:
    """Eight people at once, each pressing from two threads: every trial gets one answer, methods stay even."""
    study = pictures.study(tmp_path, replace(SMALL, seconds=(1.0,)), Clock())
    study.clock = time.time
    errors: list[BaseException] = []

    def take_part(number: int) -> None:
        try:
            token = study.begin(f"person {number:05}")
            while not (state := study.state(token))["finished"]:
                key = state["trial"]["key"]
                study.picture(key, 0)
                study.start(key, "showing 1")
                threading.Event().wait(0.11)
                twins = [
                    threading.Thread(target=study.answer, args=(key, choice, 0.11, 0.11, False))
                    for choice in ("real", "fake")
                ]
                for twin in twins:
                    twin.start()
                for twin in twins:
                    twin.join()
        except BaseException as error:
            errors.append(error)

    people = [threading.Thread(target=take_part, args=(number,)) for number in range(8)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert not errors
    answers = study.answers()
    assert len(answers) == 8 * study.protocol.trials
    assert set(Counter(row["session"] for row in answers).values()) == {study.protocol.trials}
    assert Counter(row["judges"] for row in answers if row["position"] == 0) == {"ours": 4, "theirs": 4}


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((1.0, 1, 1.01, 1.5, 1.6, False), []),
        ((1.0, 1, 0.4, 0.4, 0.5, False), []),  # answered while it was seen
        ((1.0, 1, 1.2, 1.5, 1.6, False), ["long"]),
        ((1.0, 1, 0.6, 1.5, 1.6, False), ["short"]),
        ((1.0, 2, 1.0, 1.5, 1.6, False), ["again"]),
        ((1.0, 1, 0.4, 3.0, 3.1, True), ["hidden"]),
        ((1.0, 1, 1.0, 9.0, 1.2, False), ["clock"]),  # longer than the server saw
        ((1.0, 1, 1.0, 1.5, 60.0, False), ["clock"]),  # far shorter than the server saw
        ((1.0, 1, 1.05, 0.5, 1.2, False), ["clock"]),  # seen after the answer
        ((None, 1, 30.0, 30.0, 30.2, False), []),
        ((None, 2, 30.0, 30.0, 90.0, True), []),  # without a limit neither coming back nor looking away matters
        ((None, 1, 30.0, 30.0, 10.0, False), ["clock"]),
    ],
)
def test_flags(given: tuple[Any, ...], wanted: list[str]) -> None:
    assert flags(*given, seen=given[2], delay=0.0, fetches=1) == wanted


@pytest.mark.parametrize(
    ("given", "seen", "delay", "fetches", "wanted"),
    [
        ((1.0, 1, 1.0, 1.5, 1.6, False), 1.4, 0.1, 3, []),
        ((1.0, 1, 1.0, 1.5, 1.6, False), 1.6, 0.1, 1, ["clock"]),  # gone for the page, still there for the server
        ((1.0, 1, 1.0, 1.5, 11.4, False), 10.9, 0.1, 1, ["clock"]),
        ((1.0, 1, 1.0, 1.5, 1.6, False), 0.3, 0.0, 1, ["clock"]),  # shown before the server was told
        ((1.0, 1, 1.0, 3.0, 0.1, False), 0.0, 2.9, 1, []),  # the word was under way for so long
        ((1.0, 1, 1.0, 60.0, 0.1, False), 0.0, 59.9, 1, ["clock"]),  # too long to be taken at its word
        ((1.0, 1, 1.0, 1.5, 1.6, False), 1.0, 0.1, 4, ["fetched"]),
        ((1.0, 2, 1.0, 1.5, 1.6, False), 1.0, 0.1, 4, ["again"]),  # a page that was loaded again fetches again
        ((None, 1, 30.0, 30.0, 30.2, False), 0.0, 0.0, 9, []),
    ],
)
def test_flags_of_what_the_server_saw(
    given: tuple[Any, ...], seen: float, delay: float, fetches: int, wanted: list[str]
) -> None:
    assert flags(*given, seen=seen, delay=delay, fetches=fetches) == wanted


@pytest.mark.parametrize(
    ("given", "seen", "wanted"),
    [
        ((5.0, 1, 5.0, 0.6, 5.1, False), 5.0, []),  # answered early, and sent when the picture had gone
        ((5.0, 1, 5.0, 5.0, 5.1, False), 5.0, []),  # not answered
        ((5.0, 1, 0.6, 0.6, 0.7, False), 0.6, ["short"]),  # taken away by the answer
        ((5.0, 1, 5.3, 0.6, 5.4, False), 5.3, ["long"]),
        ((5.0, 1, 5.0, 7.0, 7.1, False), 5.0, ["clock"]),  # answered after it had gone
        ((5.0, 1, 5.0, 0.6, 0.7, False), 0.6, ["clock"]),  # sent before it had gone
        ((5.0, 1, 2.0, 1.0, 5.0, True), 2.0, ["hidden"]),
    ],
)
def test_flags_of_a_picture_that_stays(given: tuple[Any, ...], seen: float, wanted: list[str]) -> None:
    assert flags(*given, seen=seen, delay=0.0, fetches=1, whole=True) == wanted


def test_a_lost_reply_changes_nothing(tmp_path: Path) -> None:
    """The page repeats a start and an end until it hears of them: the first of each counts."""
    clock = Clock()
    study = pictures.study(tmp_path, replace(SMALL, seconds=(1.0,)), clock)
    key = study.state(study.begin("12345678"))["trial"]["key"]
    study.picture(key, 0)
    study.start(key, "showing 1")
    clock.now += 0.9
    study.start(key, "showing 1")
    clock.now += 0.1
    study.end(key, "showing 1")
    clock.now += 4.0
    study.end(key, "showing 1")
    study.answer(key, "real", 1.0, 5.0, False, 0.95)
    study.start(key, "showing 1")
    study.end(key, "showing 1")
    (kept,) = study.answers()
    assert (kept["flags"], kept["elapsed"]) == ([], 5.0)


def test_a_slow_line_is_no_quick_answer(tmp_path: Path) -> None:
    """The word that the picture is on show took 3 s, so the server saw no time go by; the page did."""
    clock = Clock()
    study = pictures.study(tmp_path, replace(SMALL, seconds=(1.0,)), clock)
    key = study.state(study.begin("12345678"))["trial"]["key"]
    study.picture(key, 0)
    study.end(key, "showing 1")  # the end overtook the start
    study.start(key, "showing 1")
    clock.now += 0.02
    study.answer(key, "real", 0.8, 0.8, False, 3.0)
    (kept,) = study.answers()
    assert (kept["flags"], kept["reaction"], kept["elapsed"]) == ([], 0.8, 0.02)


def test_looking_longer_than_the_page_says(tmp_path: Path) -> None:
    """A page that says 1 s and keeps the picture, and one that fetches it over and over."""
    clock = Clock()
    study = pictures.study(tmp_path, replace(SMALL, seconds=(1.0,)), clock)
    token = study.begin("12345678")
    for wait, end, fetches in ((1.0, True, 1), (9.0, True, 1), (9.0, False, 1), (1.0, True, 4)):
        key = study.state(token)["trial"]["key"]
        for _ in range(fetches):
            study.picture(key, 0)
        study.start(key, "showing 1")
        clock.now += wait
        if end:
            study.end(key, "showing 1")
        study.answer(key, "real", 1.0, 1.0 if wait == 1 else 1.2, False)
    assert [row["flags"] for row in study.answers()] == [[], ["clock"], ["clock"], ["fetched"]]


def test_the_one_file_holds_finished_sessions(tmp_path: Path) -> None:
    """A copy of the file alone, without SQLite's log beside it, has every finished session while the study is open."""
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    finish(study, study.begin("12345678"), clock)
    (tmp_path / "copy.db").write_bytes((tmp_path / "study.db").read_bytes())
    copy = Study(tmp_path / "copy.db")
    assert copy.answers() == study.answers()
    assert copy.sessions() == (1, 1)


def test_impossible_answers_are_refused(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    token = study.begin("12345678")
    state = study.state(token)
    key, after = state["trial"]["key"], state["next"]["key"]

    def refused(status: int, text: str, call: Any, *given: Any) -> None:
        with pytest.raises(RefusedError, match=text) as caught:
            call(*given)
        assert caught.value.status == status

    refused(409, "never fetched", study.start, key, "showing 1")
    study.picture(key, 0)
    refused(409, "not shown yet", study.answer, key, "real", 0.5, 0.5, False)
    study.start(key, "showing 1")
    clock.now += 0.5
    refused(425, "quicker", study.answer, key, "real", 0.05, 0.05, False)  # the page says so itself
    refused(400, "real and fake", study.answer, key, "maybe", 0.5, 0.5, False)
    study.picture(after, 0)  # loaded ahead
    refused(409, "turn", study.start, after, "showing 1")
    refused(409, "turn", study.end, after, "showing 1")
    refused(400, "nonce", study.start, key, "")
    refused(409, "turn", study.answer, after, "real", 0.5, 0.5, False)
    refused(404, "no such picture", study.picture, key, 1)
    refused(404, "no such picture", study.picture, "unknown", 0)
    refused(404, "no such session", study.state, "unknown")
    refused(400, "nonce", study.begin, "")
    assert not study.answers()
    study.answer(key, "real", 0.5, 0.5, False)
    refused(410, "judged already", study.picture, key, 0)
    with sqlite3.connect(tmp_path / "study.db") as file:
        (late,) = file.execute("SELECT key FROM trials WHERE session = 1 AND position = 3").fetchone()
    refused(403, "turn has not come", study.picture, late, 0)


def test_flagged_answers_and_unfinished_sessions_do_not_count(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, replace(SMALL, seconds=(1.0,), practice=0), clock, ("only",))
    token = study.begin("12345678")
    key = study.state(token)["trial"]["key"]
    study.picture(key, 0)
    study.start(key, "showing 1")
    study.start(key, "showing 2")  # the page was loaded again
    clock.now += 0.5
    study.answer(key, "real", 0.5, 0.5, False)
    judge(study, token, clock)
    assert results(study).rows[0].rates["accuracy"].of == 0
    assert results(study, unfinished=True).rows[0].rates["accuracy"].of == 1
    finish(study, token, clock)
    outcome = results(study)
    assert (outcome.flagged, outcome.begun, outcome.finished) == ({"again": 1}, 1, 1)
    assert outcome.rows[0].rates["accuracy"].of == 5
    assert results(study, flagged=True).rows[0].rates["accuracy"].of == 6


def test_files_that_are_no_study(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="repose study prepare"):
        Study(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("no database, but long enough to be read as one" * 9)
    with pytest.raises(ValueError, match="is no study"):
        Study(tmp_path / "text.db")
    with sqlite3.connect(tmp_path / "other.db") as file:
        file.execute("CREATE TABLE other (x)")
    with pytest.raises(ValueError, match="is no study of version"):
        Study(tmp_path / "other.db")
