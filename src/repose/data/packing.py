"""Photographs into a store, one after the other: what cannot be used is reported, and an interrupted run goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from repose.data.datasets import ProgressFunction
from repose.data.store import StoreWriter


class Refused(Exception):  # noqa: N818  it is not an error: the photograph goes into the report
    """A photograph that may not enter the store.

    Args:
        why: the kind of reason, which the report counts. detail: of this one photograph.
    """

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(why, detail)
        self.why, self.detail = why, detail


class Packer:
    """Adds photographs to a store; reports those that are refused, and does not read again what is there already.

    Args:
        writer: of the store, with `resume=True` where an interrupted run is to go on.
        total: how many photographs there are. progress: called with (photographs done, total) before each one is read.
    """

    def __init__(self, writer: StoreWriter, total: int, progress: ProgressFunction | None = None) -> None:
        self._writer, self._total, self._progress = writer, total, progress
        self._done = 0
        self._names: set[str] = set()

    def add(self, name: str, person: str, split: str, read: Callable[[], Mapping[str, Any]]) -> None:
        """One photograph, in the same order in every run.

        Args:
            name, person, split: as `StoreWriter.add` takes them.
            read: its fields as `StoreWriter.add` takes them ("image", "keypoints" ...); raises Refused.
        """
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)
        if name in self._names:
            self._writer.leave_out(name, "duplicate name", "a photograph of this name is in already")
        elif self._writer.split_of(name) == split:  # of the run that is resumed
            self._names.add(name)
        else:
            try:
                record = read()
            except Refused as refused:
                self._writer.leave_out(name, refused.why, refused.detail)
                return
            self._writer.add(name, person, split=split, **record)
            self._names.add(name)
