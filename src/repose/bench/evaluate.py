"""`repose eval`: several trained models, or folders of pictures, in one table under one protocol, with a sheet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from repose.data import Store
from repose.estimate import estimator as find_estimator
from repose.images import save_image
from repose.metrics.evaluate import Evaluation, evaluate, pairs_of, table
from repose.metrics.folder import evaluate_folder
from repose.metrics.protocols import protocol as find_protocol
from repose.person import Pair
from repose.pipeline import Model, load
from repose.represent.canvas import to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.sheet import sheet
from repose.train.checkpoint import weight_files
from repose.weights import find_weights

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
) -> list[Evaluation]:
    """Measure each of `names`, print one table, append result lines, and write a sheet of the first pairs.

    Args:
        names: names of weights, folders of runs, or folders of generated pictures.
        data: the store.
        protocol: name, or name@version.
        split: instead of the protocol's; limit: so many pairs; pose: estimator for PCKh, or "none".
        results: a .jsonl file to append to.
        out: PNG of the sheet: source, pose, a column a model, target.
    """
    store, made = Store.open(data), find_protocol(protocol)
    estimator = None if pose == "none" else find_estimator(pose)
    joints = store.folder / "estimated"
    evaluations: list[Evaluation] = []
    models: list[Model] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
    ) as bar:
        for name in names:
            task = bar.add_task(name, total=None)

            def progress(done: int, total: int, task: int = int(task)) -> None:
                bar.update(task, completed=done, total=total)  # type: ignore[arg-type]

            beside = evaluations[0] if evaluations else None
            if _holds_pictures(Path(name)):
                done = evaluate_folder(
                    made, store, name, estimator=estimator, joints=joints, split=split, limit=limit,
                    beside=beside, progress=progress,
                )  # fmt: skip
            else:
                model = load(name)
                models.append(model)

                def generate(pair: Pair, model: Model = model) -> torch.Tensor:
                    return model(pair.source, pair.target)

                done = evaluate(
                    made, store, generate, model=model.name, recipe=model.recipe.name,
                    weights=_digest(name), estimator=estimator, joints=joints,
                    fields=model.generator.needs.source, split=split, limit=limit,
                    beside=beside, progress=progress,
                )  # fmt: skip
            evaluations.append(done)
            if results is not None:
                done.append(results)
    screen.print(table(evaluations))
    if models:
        pairs = pairs_of(made, store, split or made.split, SHEET_ROWS)
        save_image(out, _sheet(store, pairs, models))
        screen.print(f"{out}: {len(pairs)} of the pairs", soft_wrap=True)
    return evaluations


def _sheet(
    store: Store, pairs: torch.Tensor, models: Sequence[Model]
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    source, target = (store.person(pairs[:, side]) for side in (0, 1))
    assert source.image is not None
    assert target.image is not None
    assert target.keypoints is not None
    assert target.size is not None
    columns = [list(to_uint8(source.image)), [draw_skeleton(k, *target.size) for k in target.keypoints]]
    columns += [list(to_uint8(model(source, target))) for model in models]
    columns.append(list(to_uint8(target.image)))
    rows = [list(row) for row in zip(*columns, strict=True)]
    return np.asarray(sheet(rows, ["source", "pose", *(model.name for model in models), "target"], scale=2))


def _holds_pictures(place: Path) -> bool:
    return place.is_dir() and not (place / "recipe.json").exists() and any(place.glob("*.png"))


def _digest(name: str) -> str:
    """sha256 of the weight file, for the result line; of all of them, one after the other, where there are several."""
    digest = hashlib.sha256()
    for path in weight_files(find_weights(name)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
