"""Protocols of studies: the numbers of the papers, and what cannot be one."""

from dataclasses import replace

import pytest

from repose.study import QUESTIONS, STUDIES, StudyProtocol, study_protocol


def test_the_papers_numbers() -> None:
    """Multi-scale, 4.2: 130 + 130, 10 + 10 fixed practice, 10 + 10 drawn, 5 s then none, 61 people. PATN, 4.3.3 and
    Dense Pose Transfer, 4.3: 55 + 55 for a second, the first 10 practice, 30 people."""
    roy = study_protocol("roy")
    assert (roy.pool, roy.practice, roy.practice_from, roy.shown, roy.seconds) == (130, 10, "fixed", 10, (5.0, None))
    assert roy.pool - roy.practice == 120
    assert (roy.counted, roy.trials, roy.participants) == (40, 60, 61)
    assert study_protocol("roy-timed").counted == study_protocol("roy-untimed").counted == 20
    for name in ("patn", "dpt-realism", "dpt-anatomy"):
        entry = study_protocol(name)
        assert (entry.pool, entry.shown, entry.practice, entry.practice_from, entry.seconds) == (
            55,
            55,
            10,
            "first",
            (1.0,),
        )
        assert (entry.counted, entry.trials, entry.participants) == (100, 110, 30)
    assert (study_protocol("dpt-pose").trials, study_protocol("dpt-pose").counted) == (55, 45)


def test_each_is_under_its_name() -> None:
    for name, protocol in STUDIES.items():
        assert str(protocol) == name
        assert protocol.notes
        assert study_protocol(protocol.name) is protocol


def test_questions() -> None:
    for name, asked in QUESTIONS.items():
        assert asked.name == name
        (one, _, first), (two, _, second) = asked.choices
        assert one != two
        assert first != second


def test_unknown_names_say_what_was_meant() -> None:
    with pytest.raises(KeyError, match="did you mean 'preference'"):
        study_protocol("preferences")
    with pytest.raises(KeyError, match="no version '9'; there is roy@1"):
        study_protocol("roy@9")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"question": "beauty"}, "no question"),
        ({"seconds": ()}, "seconds"),
        ({"seconds": (0.0,)}, "seconds"),
        ({"shown": 0}, "at least 1"),
        ({"pool": 20}, "more than 20"),
        ({"practice": 20, "practice_from": "first"}, "nothing that counts"),
    ],
)
def test_impossible_protocols(change: dict[str, object], text: str) -> None:
    good = StudyProtocol("x", 1, "realism", (1.0, None), pool=25, shown=10, practice=5)
    with pytest.raises(ValueError, match=text):
        replace(good, **change)  # type: ignore[arg-type]


def test_the_released_test_of_roy() -> None:
    """5 + 5 labelled, 5 + 5 judged in practice without a limit, 'real' where no answer came, draws of their own."""
    text, released = STUDIES["roy@1"], STUDIES["roy-released@1"]
    assert (text.timed_practice, text.examples, text.unanswered, text.draws) == (True, 0, "", "apart")
    assert (
        replace(released, name="roy", notes=text.notes, timed_practice=True, examples=0, unanswered="", draws="apart")
        == text
    )
    assert (released.counted, released.trials) == (40, 50)
    assert (released.whole(5.0), released.whole(None), text.whole(5.0)) == (True, False, False)
    assert study_protocol("roy") is text
    # 20 of 25 are enough where both tracks draw from all
    replace(released, pool=20)
    for change, said in (
        ({"examples": 11}, "11 examples are more than the 10"),
        ({"question": "anatomy", "unanswered": ""}, "no right answer"),
        ({"unanswered": "maybe"}, "not 'maybe'"),
        ({"pool": 19}, "1 x 10 shown and 10 for practice are more than 19"),
    ):
        with pytest.raises(ValueError, match=said):
            replace(released, **change)  # type: ignore[arg-type]
