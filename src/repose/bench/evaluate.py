"""`repose eval`: several trained models, or folders of pictures, in one table under one protocol, with a sheet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from repose.data import Store
from repose.draw.sheet import sheet
from repose.estimate import estimator as find_estimator
from repose.files import sha256
from repose.images import save_image
from repose.metrics.choosing import LAST, allowed, best, left_out
from repose.metrics.evaluate import Evaluation, evaluate, table
from repose.metrics.folder import evaluate_folder, read_pictures
from repose.metrics.protocols import Protocol
from repose.metrics.protocols import protocol as find_protocol
from repose.metrics.report import FORMS, write
from repose.models.weights import find_weights, weight_files
from repose.person import JOINTS, Pair, Person
from repose.pipeline import Model, load
from repose.recipes import to_dict
from repose.represent.canvas import Canvas, canvas, to_uint8
from repose.represent.keypoints import draw_skeleton

SHEET_ROWS = 10


def evaluate_models(
    names: Sequence[str],
    data: Path,
    protocol: str,
    split: str | None,
    limit: int | None,
    pose: str,
    results: Path | None,
    out: Path,
    screen: Console,
    device: str = "auto",
    features: bool | str = True,
    reports: Sequence[Path] = (),
    strips: bool = False,
    choose: str | None = None,
    also: Sequence[str] = (),
) -> list[Evaluation]:
    """Measure each of `names`, print one table, append result lines, and write a sheet of the first pairs.

    Args:
        names: names of weights, folders of runs, or folders of generated pictures.
        data: the store.
        protocol: name, or name@version.
        split: instead of the protocol's; limit: so many pairs; pose: estimator for PCKh, or "none".
        results: a .jsonl file to append to.
        out: PNG of the sheet: source, pose, a column a name, target; on the protocol's canvas, as measured.
        device: of `repose.load`.
        features: of `evaluate`.
        reports: files that get the table, by their endings: .md, .tex, .csv, or .html with pictures and histograms.
        strips: of `evaluate_folder`.
        choose: metric by which the best of `names` is said, and drawn on the sheet alone, the papers' way with their
            checkpoints; on validation people only, and of the last `repose.metrics.choosing.LAST` names in their order.
        also: of `evaluate`.

    Raises:
        ValueError: a model was trained on another canvas than the protocol's and is tied to its own
            (`Generator.any_canvas`), or cannot work at the protocol's size, or what `evaluate` and `load` raise.
        FolderError: what `evaluate_folder` raises.
    """
    store, made = Store.open(data), find_protocol(protocol)
    if choose is not None:
        allowed(store, made, split)
    for path in reports:
        if path.suffix.lower() not in FORMS:
            raise ValueError(f"{path}: a report ends in {', '.join(FORMS)}")
    folders = {name: Path(name) if _holds_pictures(Path(name)) else None for name in names}
    for name, folder in folders.items():  # all of them first: a mistake in the last name should not cost hours
        if folder is None:
            _loaded(name, made, device)
    estimator = None if pose == "none" else find_estimator(pose)
    joints, keep = store.folder / "estimated", store.folder / "measured"
    evaluations: list[Evaluation] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
    ) as bar:
        for name, folder in folders.items():
            task = bar.add_task(name, total=None)

            def progress(done: int, total: int, task: int = int(task)) -> None:
                bar.update(task, completed=done, total=total)  # type: ignore[arg-type]

            def reading(network: str, done: int, total: int, task: int = int(task), name: str = name) -> None:
                told = name if done == total else f"training pictures, {network}"
                bar.update(task, description=told, completed=done, total=total)  # type: ignore[arg-type]

            beside = evaluations[0] if evaluations else None
            if folder is not None:
                done = evaluate_folder(
                    made, store, folder, estimator=estimator, joints=joints, split=split, limit=limit,
                    beside=beside, progress=progress, features=features, keep=keep, strips=strips,
                    also=also, reading=reading,
                )  # fmt: skip
            else:
                one = _loaded(name, made, device)  # one at a time: snapshots of a run are many

                def generate(pair: Pair, model: Model = one) -> torch.Tensor:
                    return model(pair.source, pair.target)

                done = evaluate(
                    made, store, generate, model=one.name, recipe=one.recipe.name,
                    weights=digest(name), estimator=estimator, joints=joints,
                    fields=one.generator.needs.fields, split=split, limit=limit,
                    beside=beside, progress=progress, features=features, keep=keep, origin=origin(one),
                    also=also, reading=reading,
                )  # fmt: skip
            evaluations.append(done)
            if results is not None:
                done.append(results)
    screen.print(table(evaluations))
    every = list(zip(evaluations, folders, strict=True))
    on_sheet = every
    if choose is not None:
        found = best(evaluations, choose)
        on_sheet = [(done, name) for done, name in every if done is found]
        if before := left_out(evaluations):
            screen.print(f"only the last {LAST} names count; left out: {', '.join(before)}", soft_wrap=True)
        screen.print(f"best by {choose} on {split}: {found.facts['model']}", soft_wrap=True)
    pairs = evaluations[0].pairs
    rows = min(SHEET_ROWS, len(pairs))
    pairs = pairs[torch.arange(rows) * len(pairs) // rows]  # spread over the list
    seen = split or made.split

    def columns(ones: Sequence[tuple[Evaluation, str]]) -> Iterator[tuple[str, Model | Path]]:
        for done, name in ones:
            yield str(done.facts["model"]), folders[name] or _loaded(name, made, device)

    drawn = pair_sheet(made, store, pairs, columns(on_sheet), seen, strips)
    save_image(out, drawn)
    screen.print(f"{out}: {len(pairs)} of the pairs", soft_wrap=True)
    for path in reports:
        write(path, evaluations, lambda some: pair_columns(made, store, some, columns(every), seen, strips), drawn)
        screen.print(f"{path}: the table", soft_wrap=True)
    return evaluations


def _loaded(name: str, made: Protocol, device: str) -> Model:
    model = load(name, device)
    if model.recipe.canvas == made.canvas:
        return model
    if not model.generator.any_canvas:
        raise ValueError(
            f"{name} works on the canvas '{model.recipe.canvas}', {made} measures on '{made.canvas}'; "
            "choose the protocol that fits the model"
        )
    blank = _blank(canvas(made.canvas))
    try:
        model.generator.check(blank, blank)
    except ValueError as error:
        raise ValueError(
            f"{name} cannot work on the canvas '{made.canvas}' of {made}: {error}; choose another protocol"
        ) from error
    return model


def _blank(place: Canvas) -> Person:
    """A batch of one with every field and nothing in them, on a canvas."""
    height, width = place.size
    return Person(
        image=torch.zeros(1, 3, height, width),
        keypoints=torch.zeros(1, len(JOINTS), 3),
        parsing=torch.zeros(1, height, width, dtype=torch.long),
        iuv=torch.zeros(1, 3, height, width),
        mask=torch.zeros(1, 1, height, width),
        depth=torch.zeros(1, 1, height, width),
    )


def pair_sheet(
    made: Protocol,
    store: Store,
    pairs: torch.Tensor,
    columns: Iterable[tuple[str, Model | Path]],
    split: str = "test",
    strips: bool = False,
) -> NDArray[np.uint8]:
    """A row for each of the pairs (N, 2): source, pose, a column a model or folder, target; as measured, enlarged."""
    shown = pair_columns(made, store, pairs, columns, split, strips)
    rows = [list(row) for row in zip(*(pictures for _, pictures in shown), strict=True)]
    return np.asarray(sheet(rows, [name for name, _ in shown], scale=2))


def pair_columns(
    made: Protocol,
    store: Store,
    pairs: torch.Tensor,
    columns: Iterable[tuple[str, Model | Path]],
    split: str = "test",
    strips: bool = False,
) -> list[tuple[str, Sequence[NDArray[np.uint8]]]]:
    """Source, pose, each model or folder, and target of the pairs (N, 2): heading and N pictures (H, W, 3)."""
    source, target = (canvas(made.canvas).frame(store.person(pairs[:, side])) for side in (0, 1))
    assert source.image is not None
    assert target.image is not None
    assert target.keypoints is not None
    assert target.size is not None
    shown: list[tuple[str, Sequence[NDArray[np.uint8]]]] = [("source", list(to_uint8(source.image)))]
    shown.append(("pose", [draw_skeleton(k, *target.size) for k in target.keypoints]))
    for name, one in columns:
        if isinstance(one, Path):
            pictures = read_pictures(store, one, pairs, split, strips).movedim(1, -1).contiguous().numpy()
        else:
            pictures = to_uint8(one(source, target))
        shown.append((name, list(pictures)))
    return [*shown, ("target", list(to_uint8(target.image)))]


def _holds_pictures(place: Path) -> bool:
    if not place.is_dir() or (place / "recipe.json").exists():
        return False
    return any(next(place.glob(pattern), None) for pattern in ("*.png", "*.jpg", "fake_B/*@*.jpg", "fake_B/*@*.png"))


def origin(model: Model) -> str:
    """What the pictures of a model depend on beside its weights: all of its recipe, and the device."""
    return f"{json.dumps(to_dict(model.recipe), sort_keys=True)}, on {model.device}"


def digest(name: str) -> str:
    """sha256 of a name's weight file, for result lines; of the files' own checksums where there are several."""
    digests = [sha256(path) for path in weight_files(find_weights(name))]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
