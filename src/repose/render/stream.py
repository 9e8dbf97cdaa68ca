"""Endless rendered people for training: a store whose pictures are replaced while pairs are drawn from it.

```python
with Stream(256, 176, style="fashion") as stream:
    for step, pair in Loader(stream, PairSampler(stream, "train", batch=8, seed=0), flip="mirror"):
        ...
```

A stream keeps the last people in memory (8 pictures give 56 pairs), and worker processes of low priority replace the
oldest by new ones. Training waits for the first few people only. The speed of rendering does not change the speed of
training, but how often a person is drawn again (`Stream.rendered` counts the people).

What is drawn at a step depends on how fast the workers were, so two runs differ, and so does a resumed run from an
unbroken one; `start` lets it begin with other people. Training on several processes gives each a stream
of its own, all of the same people.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import torch
from torch import Tensor

from repose.cores import cores
from repose.data.store import VERSION, Indices, Store, layout
from repose.names import nearest
from repose.person import JOINTS, Person
from repose.render.draw.render import create_context
from repose.render.picture import Picture
from repose.render.prepare import LICENCE, RENDERER, PersonTask, StartRenderer
from repose.render.sets import FIRST_SEED, STARTS, STREAM_SEED, STYLES, check_size
from repose.render.workers import WorkerError, WorkerPool

PREFIX: Final = "synthetic:"
"""`repose train --data synthetic:STYLE:HEIGHTxWIDTH`."""

FIRST: Final = 8
"""The number of people to render before pairs can be drawn."""

_VALIDATION: Final = 4  # people, rendered first and never replaced: the same ones on every contact sheet
_FIELDS: Final = ("image", "keypoints", "parsing", "mask", "iuv", "depth")
_MOST: Final = STARTS["val"]  # people have smaller numbers


class Stream(Store):
    """An endless store; a context manager that ends its worker processes.

    It has two splits: "train", whose people are replaced all the time, and "val", a few people that stay. Indices,
    names and pairs are those of places, not of people: place 3 holds another person later.

    Args:
        height, width: pixels. style: one of `sets.STYLES`. seed: of the people, below 1,000,000; no set shares them.
        pictures: of each person. people: kept in memory; 0 for as many as fit `memory`.
        memory: MiB for the pictures, where `people` is 0.
        workers: processes; 0 for a quarter of the cores, at least one.
        niceness: added to that of the processes: with 10 they get a tenth of a core that training fully uses, and all
            that it leaves; with 0 an equal share.
        start: number of the first person; people come in the order of their numbers.
        start_worker: called once in each worker; None for a renderer, tests give another.

    Raises:
        ValueError: a setting is out of range.
        SyntheticUnavailable: no OpenGL context can be had.

    `person` raises WorkerError when a person could not be rendered or a worker died.
    """

    def __init__(
        self,
        height: int,
        width: int,
        style: str = "mixed",
        seed: int = 0,
        pictures: int = 8,
        people: int = 0,
        memory: int = 512,
        workers: int = 0,
        niceness: int = 10,
        start: int = 0,
        start_worker: Any = None,
    ) -> None:
        if style not in STYLES:
            raise ValueError(f"no style is called '{style}'; {nearest(style, STYLES)}")
        check_size(height, width)
        if not 0 <= seed < FIRST_SEED:
            raise ValueError(f"the seed of a stream is 0 to {FIRST_SEED - 1:,}, got {seed:,}")
        if pictures < 2 or people < 0 or workers < 0 or start < 0:
            raise ValueError(
                f"a stream needs 2 pictures of a person at least, and nothing negative, got pictures={pictures}, "
                f"people={people}, workers={workers}, start={start}"
            )
        if start_worker is None:
            create_context().release()  # an error is raised here and not in every worker
        shapes = {field: facts for field, facts in layout(height, width).items() if field in _FIELDS}
        one = pictures * sum(int(np.prod(shape)) * dtype.itemsize for _, shape, dtype in shapes.values())
        self._places = people or int(np.clip((memory << 20) // one, FIRST, 1024))
        self._pictures = pictures
        count = (self._places + _VALIDATION) * pictures
        arrays = {
            field: torch.from_numpy(np.zeros((count, *shape), dtype)) for field, (_, shape, dtype) in shapes.items()
        }
        name = f"{PREFIX}{style}:{height}x{width}"
        super().__init__(Path(name), _meta(name, style, seed, pictures, self._places, (height, width), arrays), arrays)
        self.rendered = 0
        """People so far, those of "val" not counted."""
        self._drawn_at = 0  # of `rendered`, when a batch was drawn last
        self._error: Exception | None = None
        self._closing = False
        self._changed = threading.Condition()
        numbers = itertools.chain(
            range(STARTS["val"], STARTS["val"] + _VALIDATION), (k % _MOST for k in itertools.count(start))
        )
        tasks = (PersonTask(STREAM_SEED + seed, number, pictures, style) for number in numbers)
        self._pool = WorkerPool(
            start_worker or StartRenderer(height, width), tasks, workers or max(1, cores() // 4), niceness=niceness
        )
        self._thread = threading.Thread(target=self._fill, name="repose-stream", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def processes(self) -> list[int]:
        """The ids of the workers' processes."""
        return self._pool.processes

    def person(self, indices: Indices, fields: Sequence[str] | None = None) -> Person:
        """As `Store.person`; waits for the first people. All pictures of one call are of one moment.

        Raises:
            WorkerError: a person could not be rendered, or a worker died.
            ValueError: as `Store.person`, or the stream is closed.
        """
        rows = torch.as_tensor(indices, dtype=torch.int64)
        with self._changed:
            first = min(FIRST, self._places)
            self._changed.wait_for(lambda: self.rendered >= first or self._error is not None or self._closing)
            if self._error is not None:
                raise WorkerError(f"{self.folder}: {self._error}") from self._error
            if self._closing:
                raise ValueError(f"{self.folder}: the stream is closed")
            person = super().person(self._filled(rows), fields)
            self._drawn_at = self.rendered
            self._changed.notify_all()
            return person

    def close(self) -> None:
        """End the workers; no more pairs can be drawn."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._pool.stop()
        self._thread.join()
        self._pool.close()

    # -- inside -------------------------------------------------------------------------------------------------

    def _filled(self, rows: Tensor) -> Tensor:
        """Replace the places that are still empty by filled ones, one person by one."""
        there = min(self.rendered, self._places)
        if there == self._places or rows.ndim != 1:
            return rows
        train = (rows >= 0) & (rows < self._places * self._pictures)
        return torch.where(train, rows % (there * self._pictures), rows)

    def _fill(self) -> None:
        """Runs in the thread: what the workers render replaces the oldest person."""
        try:
            for number, (_, pictures) in enumerate(self._pool):
                with self._changed:
                    if number < _VALIDATION:
                        self._put(self._places + number, pictures)
                        continue
                    self._put(self.rendered % self._places, pictures)
                    self.rendered += 1
                    self._changed.notify_all()
                    # while no pairs are drawn, people are not replaced
                    self._changed.wait_for(lambda: self._closing or self.rendered - self._drawn_at < self._places)
        except Exception as error:  # the next `person` raises it
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _put(self, place: int, pictures: Sequence[Picture]) -> None:
        at = place * self._pictures
        for row, picture in enumerate(pictures, start=at):
            for field, array in self._arrays.items():
                value = np.ascontiguousarray(getattr(picture, field))
                array[row] = torch.from_numpy(np.moveaxis(value, -1, 0) if field in ("image", "iuv") else value)


def open_stream(text: str, start: int = 0, **settings: Any) -> Stream:
    """`synthetic:STYLE:HEIGHTxWIDTH[:SEED]` -> the stream; further settings as `Stream` takes them.

    Raises:
        ValueError: the text has another form.
    """
    words = text.removeprefix(PREFIX).split(":")
    sides = words[1].lower().split("x") if len(words) > 1 else []
    numbers = [*sides, *words[2:]]
    if (
        not text.startswith(PREFIX)
        or not 2 <= len(words) <= 3
        or len(sides) != 2
        or not all(number.isdecimal() for number in numbers)
    ):
        raise ValueError(
            f"'{text}' is not a stream; write synthetic:STYLE:HEIGHTxWIDTH, such as synthetic:fashion:256x176"
        )
    height, width, seed = (int(number) for number in (*numbers, "0")[:3])
    return Stream(height, width, words[0], seed, start=start, **settings)


def _meta(
    name: str, style: str, seed: int, pictures: int, places: int, size: tuple[int, int], arrays: dict[str, Tensor]
) -> dict[str, Any]:
    """The content of `meta.json`. The checksum is that of the settings, as the people are endless."""
    who = [f"place {place}" for place in range(places)] + [f"val {place}" for place in range(_VALIDATION)]
    facts = f"{VERSION} {RENDERER} {style} {seed} {size} {len(JOINTS)}"
    return {
        "dataset": name,
        "licence": LICENCE,
        "canvas": list(size),
        "fields": list(arrays),
        "names": [f"{person}, {view}" for person in who for view in range(pictures)],
        "people": [person for person in who for _ in range(pictures)],
        "splits": ["train"] * (places * pictures) + ["val"] * (_VALIDATION * pictures),
        "checksum": hashlib.sha256(facts.encode()).hexdigest()[:12],
        "provenance": {"renderer": RENDERER, "style": style, "seed": seed, "pictures": pictures},
        "left_out": [],
        "pairs": {},
    }
