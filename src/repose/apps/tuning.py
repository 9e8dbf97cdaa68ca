"""A model that is adapted to one person: it goes on training on pictures of them, from the weights that it has.

    pictures of one person -> a store, a fifth of it held out -> training for some minutes -> weights, measured on
    what was held out, before and after

What a tuned model learns is what the photograph does not show of this person: their back, their hands, the folds of
their clothes. It is meant for this person alone; what it does to others is not measured.
"""

from __future__ import annotations

import csv
import json
import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console

from repose.callers import callers_level
from repose.comparison import ComparisonFiles, compare
from repose.data.clips import is_video
from repose.data.folder import Folder, prepare_folder
from repose.data.frames import Frames, prepare_frames
from repose.data.photographs import draw
from repose.data.records import FIELDS
from repose.data.store import Store
from repose.files import differences, first_line, read_object, read_object_lines
from repose.hub.fetch import FileMissingError
from repose.images import PICTURES, seconds_of
from repose.images.results import left_out, without_results
from repose.losses.frozen import FrozenNetworkTerm
from repose.metrics.protocols import Protocol
from repose.metrics.protocols import protocol as find_protocol
from repose.metrics.result import Evaluation
from repose.metrics.settings import EvaluationSettings
from repose.models import MODELS, build_objective
from repose.models.base import Generator, Objective
from repose.models.weights import find_weights, load_generator, read_card, save_weights
from repose.recipes import Recipe, ScheduleConfig, override
from repose.represent.canvas import canvas
from repose.tensor_files import write_text

Progress = Callable[[int, int], None]

FEWEST: Final = 6
"""Pictures of a person, at least."""

PAIRS: Final = 60
"""Held-out pairs that are measured, at most."""

RATE: Final = 0.5
"""The learning rate, as a factor on the recipe's."""

_MEASURING: Final = 60.0  # seconds of the minutes that the measuring gets
_PROBE: Final = 16  # steps


@dataclass(frozen=True)
class Tuned:
    """The result of `tune`: where it is, and what was measured.

    Attributes:
        folder: of the weights. images: shown to the network.
        pictures: split -> how many pictures of the person were used.
        before, after: column -> mean over the held-out pairs, of the model before and after; empty without such pairs.
        sheet: PNG of held-out pairs: source, pose, before, after, target; None without such pairs.
        seconds: in all.
    """

    folder: Path
    images: int
    pictures: Mapping[str, int]
    before: Mapping[str, float]
    after: Mapping[str, float]
    sheet: Path | None
    seconds: float


def tune(
    source: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    model: str | Path = "default",
    minutes: float = 10.0,
    images: int | None = None,
    pictures: int = 120,
    hold_out: float = 0.2,
    pose: str = "movenet",
    seed: int = 0,
    keep: bool = False,
    progress: Progress | None = None,
    screen: Console | None = None,
) -> Tuned:
    """Adapt a model to one person; `repose.load(out)` loads the result. An interrupted call, repeated, goes on.

    Args:
        source: a video of the person, or a folder of photographs of them, or a list of videos, or one of photographs.
            In videos they are whoever fills most of each clip.
        out: the folder of the new weights: weights.safetensors, recipe.json, card.json, and held-out.png.
        model: weights to begin from: a name, or a folder.
        minutes: for everything: reading, training, measuring. Six at least make sense for the default model.
        images: to show to the network, so that a run can be repeated; None: as many as the minutes allow.
        pictures: frames that are taken of videos, evenly over their length.
        hold_out: the share of the pictures on which both models are measured; 0 trains on all, and measures nothing.
        pose: the estimator of joints.
        seed: of the training.
        keep: keep the store and the training's checkpoints in OUT/tuning.
        progress: called with (pictures read, of so many). screen: where the tables go; by default nothing is printed.

    Warns:
        UserWarning: the network of a loss is not at hand, so that the training goes without it; or the new weights are
            not better than the old ones on the pictures held out.

    Raises:
        FileNotFoundError: there is nothing of a name.
        ValueError: videos and photographs are mixed, fewer than `FEWEST` pictures show the person, or `out` holds
            something else.
    """
    begun = time.monotonic()
    out, work = Path(out), Path(out) / "tuning"
    if minutes <= 0 or pictures < FEWEST:
        raise ValueError(f"minutes is above 0, and pictures at least {FEWEST}; got {minutes:g} and {pictures}")
    if not 0 <= hold_out < 1:
        raise ValueError(f"hold_out (--hold-out) is a share from 0 to below 1, such as 0.2, not {hold_out:g}")
    places = [Path(place) for place in ([source] if isinstance(source, str | Path) else source)]
    if out.exists() and not work.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is there already, and is no unfinished tuning; give another folder, or remove it")
    if not (work / "plan.json").exists() and not _videos(places):
        _photographs(places)  # too few are an error before anything is written
    base = find_weights(model)
    generator, recipe = load_generator(base)
    run = person_recipe(recipe, out.name, seed)
    fields = _fields(generator, build_objective(run))
    given = {
        "source": [str(place) for place in places],
        "model": str(model),
        "pictures": pictures,
        "seed": seed,
        "images": images,
        "minutes": minutes if images is None else None,
    }
    plan = _read_plan(work, given | {"hold_out": hold_out, "pose": pose})
    store = _store(places, work, fields, canvas(recipe.canvas).window[2:], pictures, hold_out, pose, progress)
    counts: dict[str, int] = {split: store.splits.count(split) for split in ("train", "test") if split in store.splits}
    if images is not None:
        plan["images"] = images
    elif "images" not in plan:
        step = 2 * run.data.batch if run.data.both_directions else run.data.batch
        rate = _rate(run, step, store, work / "probe", base)
        left = minutes * 60 - (time.monotonic() - begun) - (_MEASURING if "test" in counts else 0)
        plan["images"] = max(step, round(max(left, 0.0) * rate / step) * step)
        write_text(work / "plan.json", json.dumps(plan, indent=2) + "\n")
    length = int(plan["images"])
    run = replace(run, images=length, tick=max(1, length // 4), ema=max(1, length // 8))
    from repose.train.loop import train  # needs Lightning, and the tables of the documents do not

    summary = train(run, store, work / "run", progress=screen is not None, weights=base)
    if summary.stopped is not None:
        raise KeyboardInterrupt
    trained, _ = load_generator(work / "run")
    card = read_card(work / "run") | {"tuned": {"pictures": counts, "minutes": minutes}}
    save_weights(out, trained, run, card, torch.float16)
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    sheet = None
    if "test" in counts:
        sheet = out / "held-out.png"
        first, second = _measured(str(model), out, store, recipe, sheet, screen, seed)
        before, after = _means(first), _means(second)
        write_text(out / "held-out.json", json.dumps({"before": first.line(), "after": second.line()}, indent=2) + "\n")
        _warn_if_worse(before, after)
    if not keep:
        shutil.rmtree(work, ignore_errors=True)
    return Tuned(out, summary.images, counts, before, after, sheet, time.monotonic() - begun)


def person_recipe(recipe: Recipe, name: str, seed: int = 0) -> Recipe:
    """A model's recipe for one person: their own colours, no mirroring, a lower learning rate, a fresh schedule.

    Errors of joints and other framings stay, as a detector makes them with this person, too.

    Args:
        recipe: of the weights. name: of the run.

    Warns:
        UserWarning: the network of a loss is not at hand; the recipe goes without it.
    """
    change = replace(
        recipe.data.augment, hue=0.0, saturation=0.0, temperature=0.0, brightness=0.05, contrast=0.05, gamma=0.0,
        occlude=0.0, lowres=0.0, blur=0.0, noise=0.0, jpeg=0.0,
    )  # fmt: skip
    optimiser = recipe.generator_optimiser
    run = replace(
        recipe,
        name=f"{recipe.name}-{name}",
        seed=seed,
        data=replace(recipe.data, split="train", flip="none", augment=change),
        generator_optimiser=replace(optimiser, lr=optimiser.lr * RATE),
        schedule=ScheduleConfig("cosine", warmup=100),
        notes=f"{recipe.name} adapted to one person",
    )
    try:
        for module in build_objective(run).modules():
            if isinstance(module, FrozenNetworkTerm):
                module.network()
    except FileMissingError as error:
        settings = MODELS[run.model].without_features
        if not settings:
            raise
        warnings.warn(
            f"{first_line(error, None)}: the training goes without that loss", UserWarning, stacklevel=callers_level()
        )
        run = override(run, settings)
    return run


# -- inside ---------------------------------------------------------------------------------------------------------


def _fields(generator: Generator, objective: Objective) -> tuple[str, ...]:
    """What must be estimated of the pictures: what the network needs, and the masks that the losses read.

    Other fields that losses may do without stay away: estimated IUV would teach the errors of its estimator.
    """
    wanted = {*generator.needs.fields, *objective.requires, *({"mask"} & set(objective.reads))}
    return tuple(name for name in FIELDS if name in wanted)


def _read_plan(work: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The plan of an interrupted call with the same settings; a new one else."""
    path = work / "plan.json"
    if path.exists():
        plan = read_object(path, f"remove {work} to begin anew")
        before = plan.get("given")
        if before == given:
            return plan
        changed = "; ".join(differences(before, given)) if isinstance(before, dict) else "they cannot be read"
        raise ValueError(
            f"{work} holds an unfinished tuning with other settings: {changed}. Give another folder, or remove it"
        )
    work.mkdir(parents=True, exist_ok=True)
    plan = {"given": given}
    write_text(path, json.dumps(plan, indent=2) + "\n")
    return plan


def _store(
    places: Sequence[Path],
    work: Path,
    fields: tuple[str, ...],
    size: tuple[int, int],
    pictures: int,
    hold_out: float,
    pose: str,
    progress: Progress | None,
) -> Store:
    """The pictures of the person as a store, in `work`/store; one of too few pictures is prepared again."""
    folder = work / "store"
    if (folder / "meta.json").exists() and len(Store.open(folder).names) < FEWEST:
        shutil.rmtree(folder)
    if not (folder / "meta.json").exists():
        names = ",".join(fields)
        if videos := _videos(places):
            every = sum(seconds_of(video) for video in videos) / pictures
            settings = Frames(
                tuple(videos), every=max(every, 1 / 30), people="largest", pose=pose, size=size, fields=names,
                hold_out=hold_out, pairs=PAIRS,
            )  # fmt: skip
            prepare_frames(settings, folder, progress)
        else:
            listed = work / "photographs.csv"
            _list_photographs(_photographs(places), hold_out, listed)
            prepare_folder(Folder(work, listed, None, pose, size, names, pairs=PAIRS), folder, progress)
    store = Store.open(folder)
    if len(store.names) < FEWEST:
        raise ValueError(
            f"{len(store.names)} pictures that show the person well are too few, {FEWEST} are needed; "
            f"{folder / 'meta.json'} says why others were left out"
        )
    return store


def _videos(places: Sequence[Path]) -> list[Path]:
    """The videos among what was given; none where it is photographs."""
    for place in places:
        if not place.exists():
            raise FileNotFoundError(f"{place} does not exist; give a video of the person, or a folder of photographs")
    videos = [place for place in places if place.is_file() and is_video(place)]
    if videos and len(videos) < len(places):
        other = next(place for place in places if place not in videos)
        raise ValueError(f"{videos[0]} is a video and {other} is none: give videos of the person, or photographs")
    return videos


def _photographs(places: Sequence[Path]) -> list[Path]:
    """The photographs among what was given, and in the folders."""
    files: list[Path] = []
    for place in places:
        inside = sorted(place.iterdir()) if place.is_dir() else [place]
        pictures = [path for path in inside if path.suffix.lower() in PICTURES]
        if place.is_dir():
            pictures, results = without_results(pictures)
            if results:
                warnings.warn(left_out(results), stacklevel=2)
        files += pictures
    if len(files) < FEWEST:
        raise ValueError(
            f"{', '.join(map(str, places))}: {len(files)} photographs are too few, {FEWEST} are needed; ten that show "
            "the person from all sides are a good number"
        )
    return files


def _list_photographs(files: Sequence[Path], hold_out: float, listed: Path) -> None:
    """Write the list of photographs, all of one person; two or more for the test, as pairs are measured."""
    number = min(max(2, round(hold_out * len(files))), len(files) - 2) if hold_out else 0
    tested = set(sorted(files, key=lambda path: draw(0, path.name))[:number])
    with listed.open("w", encoding="utf-8", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(["picture", "person", "split"])
        rows.writerows([str(path.resolve()), "person", "test" if path in tested else "train"] for path in files)


def _rate(run: Recipe, step: int, store: Store, folder: Path, base: Path) -> float:
    """Images a second of the training, by its first steps without the very first ones."""
    from repose.train.loop import train

    shutil.rmtree(folder, ignore_errors=True)
    probe = replace(run, images=_PROBE * step, tick=_PROBE * step, ema=0)
    train(probe, store, folder, progress=False, weights=base)
    lines = read_object_lines(folder / "log.jsonl")
    trained = [line for line in lines if line["kind"] == "train"]
    shutil.rmtree(folder, ignore_errors=True)
    first, last = trained[len(trained) // 3], trained[-1]
    seconds = max(1e-3, float(last["seconds"]) - float(first["seconds"]))
    return float(last["images"] - first["images"]) / seconds


def _measured(
    model: str, out: Path, store: Store, recipe: Recipe, sheet: Path, screen: Console | None, seed: int
) -> tuple[Evaluation, Evaluation]:
    """Both models on the pairs held out."""
    quiet = Console(quiet=True) if screen is None else screen
    settings = EvaluationSettings(limit=PAIRS, seed=seed)
    first, second = compare([model, str(out)], store.folder, _protocol(recipe), settings, ComparisonFiles(sheet), quiet)
    return first, second


def _protocol(recipe: Recipe) -> Protocol:
    """How pictures on the canvas of a recipe are measured: people-fashion's columns on that canvas."""
    return replace(find_protocol("people-fashion"), canvas=recipe.canvas)


def _means(evaluation: Evaluation) -> dict[str, float]:
    return {name: score.value for name, score in evaluation["generated"].scores.items()}


def _warn_if_worse(before: Mapping[str, float], after: Mapping[str, float]) -> None:
    column, sign = next(((name, -1) for name in after if name.startswith("lpips")), ("mask_ssim", 1))
    if column in before and sign * (after[column] - before[column]) <= 0:
        warnings.warn(
            f"the tuned model is not better than before on the pictures held out ({column} {before[column]:.3f}, now "
            f"{after[column]:.3f}): give more or sharper pictures, or more minutes",
            UserWarning,
            stacklevel=callers_level(),
        )
