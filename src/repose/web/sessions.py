"""Sessions of the page: the photograph of a visitor, its people and scenes, in memory and for a limited time."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from repose.person import Person
from repose.scene import Scene

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Limits:
    """What visitors may send, and how much of it is kept.

    Attributes:
        bytes: of an uploaded file. pixels: of an uploaded picture; a larger one is refused.
        live_pixels: of the photograph in which a dragged figure is shown; a larger photograph is reduced for that, and
            the downloaded picture has all of its pixels.
        sessions: photographs in memory; the one that was not used for longest is forgotten for a new one.
        seconds: after which a session that is not used is forgotten.
        waiting: computations that may wait; beyond them the answer is "busy".
        uploads: files that are received at once; one more is told to come again.
        poses: of a pose file that are kept.
    """

    bytes: int = 40_000_000
    pixels: int = 24_000_000
    live_pixels: int = 1_000_000
    sessions: int = 8
    seconds: float = 3600.0
    waiting: int = 32
    uploads: int = 8
    poses: int = 200


@dataclass(eq=False)
class Session:
    """One photograph and what has been computed of it.

    Coordinates are pixels of `pixels`, the photograph as it is shown.

    Attributes:
        key: unguessable. name: of the photograph's file, without its ending.
        full: uint8 (H, W, 3), the photograph. pixels: the same, reduced to the limit of what is shown.
        people: (18, 3) joints of everybody who was found, the largest first.
        person: the chosen one, with mask once that is computed.
        scenes: by the name of the model. backdrop: a picture (3, h, w) in [-1, 1] of the shown size, or None.
        poses: of the last pose file, by name.
        used: by the clock of `Sessions`.
    """

    key: str
    name: str
    full: Pixels
    pixels: Pixels
    people: list[Tensor]
    person: Person | None = None
    scenes: dict[str, Scene] = field(default_factory=dict)
    backdrop: Tensor | None = None
    full_backdrop: Pixels | None = None
    poses: dict[str, Person] = field(default_factory=dict)
    used: float = 0.0
    progress: tuple[int, int] = (0, 0)
    kept: dict[str, Any] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)

    @property
    def factor(self) -> float:
        """How many pixels of the photograph lie in one of the shown picture, along a side; 1 or more."""
        return float(self.full.shape[0] / self.pixels.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the shown picture."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def ask(self, lane: str) -> int:
        """The number of a new question; older ones in the same lane need no answer any more."""
        self._newest[lane] = self._newest.get(lane, 0) + 1
        return self._newest[lane]

    def is_newest(self, lane: str, number: int) -> bool:
        """Whether no newer question was asked in this lane."""
        return self._newest.get(lane, 0) == number

    def choose(self, person: Person) -> None:
        """Take another person, or other joints of them; what was computed of the old ones is dropped."""
        self.person = person
        self.scenes.clear()
        self.kept.clear()


class Sessions:
    """The sessions of a server: at most so many, each for a limited time; from any thread.

    Args:
        limits: how many, and for how long. clock: seconds; tests give their own.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._clock = limits, clock
        self._lock = threading.Lock()
        self._by_key: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, name: str, full: Pixels, pixels: Pixels, people: list[Tensor]) -> Session:
        """A new session; the one that was not used for longest goes where there are too many."""
        session = Session(secrets.token_urlsafe(24), name, full, pixels, people, used=self._clock())
        with self._lock:
            self._forget_old()
            while len(self._by_key) >= self.limits.sessions:
                self._by_key.popitem(last=False)
            self._by_key[session.key] = session
        return session

    def get(self, key: str) -> Session | None:
        """The session of a key, which counts as used now; None where there is none (any more)."""
        with self._lock:
            self._forget_old()
            session = self._by_key.get(key)
            if session is not None:
                session.used = self._clock()
                self._by_key.move_to_end(key)
            return session

    def remove(self, key: str) -> None:
        """Forget a session; nothing happens where there is none."""
        with self._lock:
            self._by_key.pop(key, None)

    def forget_old(self) -> None:
        """Forget what was not used for too long."""
        with self._lock:
            self._forget_old()

    def _forget_old(self) -> None:
        now = self._clock()
        for key in [key for key, one in self._by_key.items() if now - one.used > self.limits.seconds]:
            del self._by_key[key]
