"""Protocols of user studies: what is asked, how long a picture is seen and how many there are, as data under a name.

A study's numbers are cited with the protocol and version that made them. A protocol is never edited once a study used
it; a change is a new version beside the old one.

What the papers say, and what is chosen where they are silent:

- Roy et al., "Multi-scale Attention Guided Pose Transfer", section 4.2: 130 real and 130 generated pictures, "10 images
  from each set are used as the fixed practice samples", "A user is shown 20 images during a test where, 10 images are
  randomly drawn from each set of the remaining 120"; "a constrained test followed by an unconstrained test", 5 seconds
  and none; 61 people. Chosen: practice comes once, before the timed track and as long as that; the untimed track draws
  20 pictures that the timed one did not show.
- The test that Roy et al. released (user-study/ of github.com/prasunroy/pose-transfer), where it differs: practice is
  without a time limit and begins with 5 + 5 labelled examples, the other 5 + 5 of the 10 + 10 are judged; in the timed
  track a picture stays for its 5 seconds, an answer may be changed until then, and "if you do not select an
  option within the given time limit, the image will be automatically considered as REAL"; each track draws from all
  pictures, whatever the other one showed. There a picture fades for one of its seconds and practice has one order for
  everybody; here neither.
- Zhu et al., PATN and APATN, section 4.3.3: 30 people "give an instant judgment (real/fake) about each image within a
  second", "55 real and 55 generated images are randomly selected and shuffled, the first 10 of them are used for
  practice then the remaining 100". Chosen: the pictures are drawn once for a study, the shuffle is everybody's own.
- Neverova et al., "Dense Pose Transfer", section 4.3: "55 real and 55 generated images in a random order to 30 users
  for one second", in three evaluations: "Realism asks users if the image is real or fake. Anatomy asks if a real, or
  generated image is anatomically plausible. Pose shows a pair of a target and a generated image and asks if they are in
  the same pose." Practice is not mentioned but the protocol of Siarohin et al. is followed, as PATN does, which says
  that the first 10 are practice: so here. Chosen: one second for all three questions; an evaluation is a study of its
  own; the two pictures of a pair stand in random order, and no pair of different poses is among them.

No paper says that an answer must wait until the picture is gone. Here it may come while it is seen, and takes it away.
A session judges one method, as each row of the papers' tables does; of several, the next session gets the method that
has the fewest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from repose.names import nearest, versioned


@dataclass(frozen=True)
class Question:
    """What a participant is asked.

    Attributes:
        text: the question.
        advice: one or two sentences before the first picture.
        choices: the two answers, as (what is stored, its label, its key); the first stands left.
        shows: what is seen at a time: "picture", a real or a generated one; "target" and "generated", in random order;
            or "source", "pose" and the pictures "one" and "two" of two methods.
        judged: the kinds of pictures that a session draws from.
        truth: whether an answer can be right or wrong; if so, practice says which.
    """

    name: str
    text: str
    advice: str
    choices: tuple[tuple[str, str, str], tuple[str, str, str]]
    shows: tuple[str, ...]
    judged: tuple[Literal["real", "generated"], ...] = ("real", "generated")
    truth: bool = False


QUESTIONS: Final = {
    question.name: question
    for question in (
        Question(
            name="realism",
            text="Is this picture real or fake?",
            advice="Some of the pictures are real. The others, the fake ones, were made by a computer program that put "
            "a person into another pose. Trust your first impression.",
            choices=(("real", "Real", "r"), ("fake", "Fake", "f")),
            shows=("picture",),
            truth=True,
        ),
        Question(
            name="anatomy",
            text="Is the body of this person plausible?",
            advice="Look at the body alone: could a person look like this? Think of missing, doubled or twisted arms "
            "and legs. Whether the picture is sharp or beautiful does not matter.",
            choices=(("plausible", "Plausible", "p"), ("implausible", "Not plausible", "n")),
            shows=("picture",),
        ),
        Question(
            name="pose",
            text="Are the two people in the same pose?",
            advice="Compare where arms, legs, body and head are. Clothes, colours and sharpness do not matter.",
            choices=(("same", "Same pose", "s"), ("different", "Different", "d")),
            shows=("target", "generated"),
            judged=("generated",),
        ),
        Question(
            name="preference",
            text="Which picture shows this person in this pose better?",
            advice="Two programs were given the same person and the same pose. Choose the picture that looks more like "
            "a photograph of that person in that pose.",
            choices=(("one", "Left", "l"), ("two", "Right", "r")),
            shows=("source", "pose", "one", "two"),
            judged=("generated",),
        ),
    )
}


@dataclass(frozen=True)
class StudyProtocol:
    """How people judge pictures.

    Attributes:
        name, version: cited together, "roy@1".
        question: name in `QUESTIONS`.
        seconds: how long a picture is seen, in every track of a session; None is without limit.
        pool: pictures of each kind (and pairs of each method) that a study is made of.
        shown: pictures of each kind that a track draws for a session, none twice in a session.
        practice: pictures that do not count. "fixed": so many of each kind, the same for everybody and set aside from
            the pool, before the first track. "first": so many in all, the first of the first track, of either kind.
        participants: how many people the source had; 0 where there is no source.
        timed_practice: whether practice pictures are seen as long as those of the first track; else without limit.
        examples: of the fixed practice pictures of each kind, so many are shown with their label, before the others.
        unanswered: the answer that counts where none came while a timed picture was seen. Such a picture stays for its
            whole time, and an answer may be changed until then. Empty: an answer takes the picture away, may come after
            it has gone, and is waited for.
        draws: "apart", no picture is in two tracks; "independent", each track draws from all.
        notes: where it comes from.

    Raises:
        ValueError: no such question or answer, a time of 0 or less, more pictures shown than the pool holds, or more
            examples than practice pictures.
    """

    name: str
    version: int
    question: str
    seconds: tuple[float | None, ...]
    pool: int
    shown: int
    practice: int = 0
    practice_from: Literal["fixed", "first"] = "fixed"
    participants: int = 0
    notes: str = ""
    timed_practice: bool = True
    examples: int = 0
    unanswered: str = ""
    draws: Literal["apart", "independent"] = "apart"

    def __post_init__(self) -> None:
        if self.question not in QUESTIONS:
            raise ValueError(f"{self}: no question is called '{self.question}'; {nearest(self.question, QUESTIONS)}")
        if not self.seconds or any(s is not None and s <= 0 for s in self.seconds):
            raise ValueError(f"{self}: seconds are those of each track, more than 0, or None; got {self.seconds}")
        if min(self.pool, self.shown) < 1 or self.practice < 0:
            raise ValueError(f"{self}: pool and shown are at least 1, practice at least 0")
        aside = self.practice if self.practice_from == "fixed" else 0
        drawn = len(self.seconds) if self.draws == "apart" else 1
        if self.shown * drawn + aside > self.pool:
            raise ValueError(f"{self}: {drawn} x {self.shown} shown and {aside} for practice are more than {self.pool}")
        if self.practice_from == "first" and self.practice >= self.shown * len(self.asked.judged):
            raise ValueError(f"{self}: the first {self.practice} for practice leave nothing that counts")
        if not 0 <= self.examples <= aside or (self.examples and not self.asked.truth):
            raise ValueError(
                f"{self}: {self.examples} examples are more than the {aside} fixed practice pictures, or the question "
                f"'{self.question}' has no right answer that could be shown"
            )
        if self.unanswered and self.unanswered not in [value for value, _, _ in self.asked.choices]:
            raise ValueError(f"{self}: unanswered is one of the question's answers, not '{self.unanswered}'")

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def asked(self) -> Question:
        return QUESTIONS[self.question]

    @property
    def counted(self) -> int:
        """Answers of a whole session that count."""
        all_ = self.shown * len(self.asked.judged) * len(self.seconds)
        return all_ - (self.practice if self.practice_from == "first" else 0)

    @property
    def trials(self) -> int:
        """Answers of a whole session, practice included."""
        if self.practice_from == "first":
            return self.counted + self.practice
        return self.counted + (self.practice - self.examples) * len(self.asked.judged)

    def whole(self, seconds: float | None) -> bool:
        """Whether a picture that is seen for so long stays for its whole time, whenever the answer comes."""
        return bool(self.unanswered) and seconds is not None


_ROY: Final = "Multi-scale Attention Guided Pose Transfer, section 4.2"
_DPT: Final = "Dense Pose Transfer, section 4.3 and Table 2"

STUDIES: Final = {
    str(study): study
    for study in (
        StudyProtocol("roy", 1, "realism", (5.0, None), 130, 10, 10, "fixed", 61, f"{_ROY}: both tracks"),
        StudyProtocol(
            "roy-released", 1, "realism", (5.0, None), 130, 10, 10, "fixed", 61,
            "Multi-scale, the released test: no answer within 5 s is 'real'",
            timed_practice=False, examples=5, unanswered="real", draws="independent",
        ),
        StudyProtocol("roy-timed", 1, "realism", (5.0,), 130, 10, 10, "fixed", 61, f"{_ROY}: the constrained track"),
        StudyProtocol("roy-untimed", 1, "realism", (None,), 130, 10, 10, "fixed", 61, f"{_ROY}: the unconstrained one"),
        StudyProtocol("patn", 1, "realism", (1.0,), 55, 55, 10, "first", 30, "PATN and APATN, section 4.3.3"),
        StudyProtocol("dpt-realism", 1, "realism", (1.0,), 55, 55, 10, "first", 30, _DPT),
        StudyProtocol("dpt-anatomy", 1, "anatomy", (1.0,), 55, 55, 10, "first", 30, _DPT),
        StudyProtocol("dpt-pose", 1, "pose", (1.0,), 55, 55, 10, "first", 30, _DPT),
        StudyProtocol(
            "preference", 1, "preference", (None,), 52, 30, 2, "fixed", 0,
            "ours: two methods side by side, 30 of 50 pairs without a time limit",
        ),
        StudyProtocol("quick", 1, "realism", (1.0,), 12, 10, 2, "fixed", 0, "ours: some minutes, to try a study out"),
    )
}  # fmt: skip


def study_protocol(name: str) -> StudyProtocol:
    """The protocol "name@version", or the newest version of "name". KeyError names the nearest one."""
    return versioned(name, STUDIES, "study")
