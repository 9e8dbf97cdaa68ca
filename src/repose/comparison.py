"""`repose eval`: several trained models, or folders of pictures, in one table under one protocol, with a sheet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from repose.data.store import Store
from repose.draw.sheet import sheet
from repose.estimate import estimator as find_estimator
from repose.images import save_image
from repose.metrics.choosing import LAST, allowed, best, left_out
from repose.metrics.evaluate import evaluate
from repose.metrics.folder import FolderPictures
from repose.metrics.pairs import MeasuredPairs
from repose.metrics.protocols import Protocol
from repose.metrics.protocols import protocol as find_protocol
from repose.metrics.report import require_form, write_report
from repose.metrics.result import Evaluation, comparison_table
from repose.metrics.settings import EvaluationSettings
from repose.metrics.sources import GeneratorPictures, PictureSource
from repose.models.weights import weights_checksum
from repose.person import JOINTS, Pair, Person
from repose.pipeline import Model, load
from repose.recipes import to_dict
from repose.represent.canvas import Canvas, canvas, to_uint8
from repose.represent.keypoints import draw_skeleton

SHEET_ROWS: Final = 10


@dataclass(frozen=True)
class ComparisonFiles:
    """The files that a comparison writes.

    Attributes:
        sheet: PNG of some pairs: source, pose, a column a model, target; on the protocol's canvas, as measured.
        results: a .jsonl file to append the result lines to; None: none.
        reports: files of the table, in the form of their endings: .md, .tex, .csv, or .html with pictures and
            histograms.
    """

    sheet: Path
    results: Path | None = None
    reports: tuple[Path, ...] = ()


def compare(
    names: Sequence[str],
    data: Path,
    protocol: Protocol | str,
    settings: EvaluationSettings,
    files: ComparisonFiles,
    screen: Console,
    *,
    device: str = "auto",
    strips: bool = False,
    choose: str | None = None,
) -> list[Evaluation]:
    """Measure each of `names`, print one table, append result lines, and write a sheet of some pairs.

    Args:
        names: names of weights, folders of runs, or folders of generated pictures.
        data: the store.
        protocol: a protocol, its name, or name@version.
        settings: of `repose.metrics.evaluate`; without folders of their own, joints and measured numbers are kept in
            the store.
        files: that are written.
        screen: where the table is printed.
        device: of `repose.load`.
        strips: of `FolderPictures`; of networks there are none, which is said.
        choose: a column: the best of `names` by it is named, and alone drawn on the sheet, as the papers choose among
            their checkpoints. On validation people only, and among the last `repose.metrics.choosing.LAST` names in
            their order.

    Raises:
        ValueError: a model was trained on another canvas than the protocol's and cannot leave its own
            (`Generator.any_canvas`), or cannot work at the protocol's size; `strips` without a folder of pictures; as
            `evaluate` and `load` say.
        FolderError: files of a folder are missing or cannot be measured.
    """
    store = Store.open(data)
    protocol = find_protocol(protocol) if isinstance(protocol, str) else protocol
    if choose is not None:
        allowed(store, protocol, settings.split)
    for path in files.reports:
        require_form(path)
    named = [_Named(name, protocol, device, strips) for name in names]
    for one in named:  # all of them first: a mistake in the last name should not cost hours
        one.check()
    if strips:
        _note_strips(named, screen)
    settings = _with_folders(settings, store)
    evaluations = _evaluations(named, protocol, store, settings, files.results)
    screen.print(comparison_table(evaluations))
    every = list(zip(named, evaluations, strict=True))
    on_sheet = every
    if choose is not None:
        chosen = best(evaluations, choose)
        on_sheet = [(one, done) for one, done in every if done is chosen]
        if before := left_out(evaluations):
            screen.print(f"only the last {LAST} names count; left out: {', '.join(before)}", soft_wrap=True)
        screen.print(f"best by {choose} on {settings.split}: {chosen.facts['model']}", soft_wrap=True)
    pairs = spread_pairs(evaluations[0].pairs, SHEET_ROWS)
    without_jpeg = replace(protocol, file="png")
    shown = MeasuredPairs(without_jpeg, store, settings.split or protocol.split, pairs)
    drawn = pair_sheet(shown, _sources(on_sheet))
    save_image(files.sheet, drawn)
    screen.print(f"{files.sheet}: {len(shown)} of the pairs", soft_wrap=True)
    for path in files.reports:
        write_report(path, evaluations, lambda some: pair_columns(replace(shown, indices=some), _sources(every)), drawn)
        screen.print(f"{path}: the table", soft_wrap=True)
    return evaluations


def model_pictures(model: Model, weights: str | None = None) -> GeneratorPictures:
    """The pictures of a model, as a source for `repose.metrics.evaluate`.

    Args:
        model: loaded.
        weights: sha256 of its weight file (`repose.models.weights.weights_checksum`), for the result line.
    """

    def generate(pair: Pair) -> Tensor:
        return model(pair.source, pair.target)

    origin = f"{json.dumps(to_dict(model.recipe), sort_keys=True)}, on {model.device}"
    return GeneratorPictures(generate, model.name, model.recipe.name, weights, model.generator.needs.fields, origin)


def spread_pairs(pairs: Tensor, count: int) -> Tensor:
    """At most `count` of the pairs (N, 2), spread over the list."""
    count = min(count, len(pairs))
    return pairs[torch.arange(count) * len(pairs) // count]


def pair_sheet(shown: MeasuredPairs, sources: Iterable[tuple[str, PictureSource]]) -> NDArray[np.uint8]:
    """A row for each pair: source, pose, a column a source of pictures, target; as measured, enlarged.

    Args:
        shown: the pairs.
        sources: heading and source of each column.
    """
    columns = pair_columns(shown, sources)
    rows = [list(row) for row in zip(*(pictures for _, pictures in columns), strict=True)]
    return np.asarray(sheet(rows, [heading for heading, _ in columns], scale=2))


def pair_columns(
    shown: MeasuredPairs, sources: Iterable[tuple[str, PictureSource]]
) -> list[tuple[str, Sequence[NDArray[np.uint8]]]]:
    """Source, pose, the pictures of each source, and target of some pairs: heading and N pictures (H, W, 3)."""
    store, frame = shown.store, canvas(shown.protocol.canvas).frame
    pair = Pair(frame(store.person(shown.indices[:, 0])), frame(store.person(shown.indices[:, 1])))
    source, target = pair.source, pair.target
    assert source.image is not None
    assert target.image is not None
    assert target.keypoints is not None
    assert target.size is not None
    columns: list[tuple[str, Sequence[NDArray[np.uint8]]]] = [("source", list(to_uint8(source.image)))]
    columns.append(("pose", [draw_skeleton(keypoints, *target.size) for keypoints in target.keypoints]))
    for heading, one in sources:
        pictures = one.opened(shown).pictures(shown.indices, pair)
        columns.append((heading, list(pictures.movedim(1, -1).contiguous().numpy())))
    return [*columns, ("target", list(to_uint8(target.image)))]


# -- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Named:
    """One of the names: a folder of pictures, or a model that is loaded when it is needed, as snapshots may be many."""

    name: str
    protocol: Protocol
    device: str
    strips: bool

    @property
    def is_folder(self) -> bool:
        return _holds_pictures(Path(self.name))

    def check(self) -> None:
        """Raise where a model does not exist or cannot work on the protocol's canvas."""
        if not self.is_folder:
            _loaded(self.name, self.protocol, self.device)

    def source(self) -> PictureSource:
        """Its pictures."""
        if self.is_folder:
            return FolderPictures(Path(self.name), self.strips)
        return model_pictures(_loaded(self.name, self.protocol, self.device), weights_checksum(self.name))


def _note_strips(named: Sequence[_Named], screen: Console) -> None:
    """Say of which names `strips` means nothing. ValueError: of all of them."""
    networks = [one.name for one in named if not one.is_folder]
    if len(networks) == len(named):
        raise ValueError(
            f"--strips is for folders of pictures, and there is none: {', '.join(networks)} computes its pictures; "
            "leave --strips away"
        )
    if networks:
        screen.print(f"--strips holds for the folders alone, not for {', '.join(networks)}", soft_wrap=True)


def _with_folders(settings: EvaluationSettings, store: Store) -> EvaluationSettings:
    """The settings with an estimator in place of its name, and with folders of the store."""
    named = isinstance(settings.estimator, str)
    return replace(
        settings,
        estimator=find_estimator(str(settings.estimator)) if named else settings.estimator,
        joints=settings.joints or store.folder / "estimated",
        keep=settings.keep or store.folder / "measured",
    )


def _evaluations(
    named: Sequence[_Named], protocol: Protocol, store: Store, settings: EvaluationSettings, results: Path | None
) -> list[Evaluation]:
    """Measure the names one after the other, with a bar of progress, and append the result lines."""
    evaluations: list[Evaluation] = []
    texts = TextColumn("{task.description}")
    with Progress(texts, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True) as bar:
        for one in named:
            task = bar.add_task(one.name, total=None)

            def progress(what: str, done: int, total: int, task: TaskID = task, name: str = one.name) -> None:
                description = name if what == "pairs" or done == total else f"training pictures, {what}"
                bar.update(task, description=description, completed=done, total=total)

            beside = evaluations[0] if evaluations else None
            evaluations.append(evaluate(protocol, store, one.source(), settings, beside=beside, progress=progress))
            if results is not None:
                evaluations[-1].append(results)
    return evaluations


def _sources(evaluated: Iterable[tuple[_Named, Evaluation]]) -> Iterator[tuple[str, PictureSource]]:
    """Heading and source of each column of a sheet, loaded one at a time."""
    for one, evaluation in evaluated:
        yield str(evaluation.facts["model"]), one.source()


def _loaded(name: str, protocol: Protocol, device: str) -> Model:
    """The model of a name. ValueError: it cannot work on the protocol's canvas."""
    model = load(name, device)
    if model.recipe.canvas == protocol.canvas:
        return model
    if not model.generator.any_canvas:
        raise ValueError(
            f"{name} works on the canvas '{model.recipe.canvas}', {protocol} measures on '{protocol.canvas}'; "
            "choose the protocol that fits the model"
        )
    blank = _blank(canvas(protocol.canvas))
    try:
        model.generator.check(blank, blank)
    except ValueError as error:
        raise ValueError(
            f"{name} cannot work on the canvas '{protocol.canvas}' of {protocol}: {error}; choose another protocol"
        ) from error
    return model


def _blank(place: Canvas) -> Person:
    """A batch of one on a canvas, with every field and all of them 0."""
    height, width = place.size
    return Person(
        image=torch.zeros(1, 3, height, width),
        keypoints=torch.zeros(1, len(JOINTS), 3),
        parsing=torch.zeros(1, height, width, dtype=torch.long),
        iuv=torch.zeros(1, 3, height, width),
        mask=torch.zeros(1, 1, height, width),
        depth=torch.zeros(1, 1, height, width),
    )


def _holds_pictures(place: Path) -> bool:
    """Whether a path is a folder of pictures, and not that of a run."""
    if not place.is_dir() or (place / "recipe.json").exists():
        return False
    return any(next(place.glob(pattern), None) for pattern in ("*.png", "*.jpg", "fake_B/*@*.jpg", "fake_B/*@*.png"))
