"""Which times of an answer can be: what the page measured beside what the server saw."""

from __future__ import annotations

from typing import Final

SOONEST: Final = 0.1
"""Seconds by the page. An earlier answer is refused, because no person looks and presses a key so fast."""

SLACK: Final = 0.1
"""Seconds that an exposure may be off: six frames of a 60 Hz screen."""

LAG: Final = 0.5
"""Seconds by which page and server may disagree about how long something took: two messages with different delays."""

LATE: Final = 10.0
"""Seconds by which a timed answer may reach the server later than the page says it was given, and the longest delay of
the message that a picture is on show that excuses a difference."""

LOADS: Final = 3
"""Fetches of a picture that an honest page may need: ahead of its turn, loaded again, and after a lost reply."""

FLAGS: Final = {
    "hidden": "the page was hidden while it showed the picture",
    "again": "the picture was shown more than once: the page was loaded again",
    "fetched": "the picture was fetched more often than a page needs",
    "long": "the picture was seen longer than the protocol says",
    "short": "the picture was taken away before its time and before the answer",
    "clock": "the times of the page and of the server do not agree",
}


def flags(
    seconds: float | None,
    starts: int,
    exposure: float,
    reaction: float,
    elapsed: float,
    hidden: bool,
    *,
    seen: float,
    delay: float,
    fetches: int,
    whole: bool = False,
) -> list[str]:
    """What is wrong with the times of an answer, as keys of `FLAGS`.

    Args:
        seconds: for which the picture was to be shown; None without limit.
        starts: how often the page began to show it.
        exposure: seconds that the page showed the picture.
        reaction: seconds from its appearance to the answer, by the page.
        elapsed: the same by the server, from the message that it is shown to the answer's arrival.
        hidden: the page was hidden meanwhile; ignored without a limit.
        seen: exposure by the server, from the message that it is shown to that it is gone, or to the answer.
        delay: seconds that the message that it is shown took, there and back, by the page.
        fetches: of each picture, rounded up.
        whole: the picture stays for its whole time, and the answer is sent after it.
    """
    flags = []
    sent = max(exposure, reaction) if whole else reaction
    if seconds is not None:
        if hidden:  # and so short
            flags.append("hidden")
        if starts > 1:
            flags.append("again")
        if fetches > LOADS + starts - 1:
            flags.append("fetched")
        if exposure > seconds + SLACK:
            flags.append("long")
        if not hidden and exposure < (seconds if whole else min(seconds, reaction)) - SLACK:
            flags.append("short")
    # the server's time is shorter by the delay of the first message
    ahead = LAG + min(delay, LATE)
    apart = sent - elapsed > ahead
    if whole:
        apart |= not hidden and reaction > exposure + SLACK
    else:
        apart |= exposure > reaction + SLACK
    if seconds is not None:
        apart |= elapsed - sent > LATE or seen - exposure > LAG or exposure - seen > ahead
    if apart:
        flags.append("clock")
    return flags
