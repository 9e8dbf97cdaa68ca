"""`repose generate`: a model's pictures of the pairs of a store, as files that `eval`, `study` and other code read.

The pictures are those that `repose eval MODEL` measures: the same canvas, the same batches, the same random numbers. So
`repose eval FOLDER` gives the same numbers, as PNG files lose nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image
from torch import Tensor

from repose.comparison import model_pictures
from repose.data.store import Store
from repose.files import replacing, same_facts
from repose.images import PICTURES, write_picture
from repose.metrics.file_names import DIRECTION_FOLDERS, FORMS, PairIndex, index_pairs, named_as, places_of
from repose.metrics.pairs import MeasuredPairs
from repose.metrics.protocols import Protocol
from repose.metrics.protocols import protocol as find_protocol
from repose.metrics.settings import EvaluationSettings
from repose.models.weights import weights_checksum
from repose.names import nearest
from repose.person import Pair
from repose.pipeline import Model, load
from repose.represent.canvas import canvas
from repose.represent.pose_files import read_pairs

FACTS: Final = "generated.json"
"""The file in the folder that says what its pictures are of."""


@dataclass(frozen=True)
class GenerateSettings:
    """What `generate` is told beside model, store and folder.

    Attributes:
        split: of the store; None is the protocol's, or "test".
        protocol: whose canvas and pairs are taken (one of two directions gives the reverse of each pair, too); None:
            the model's own canvas and the pairs as they are listed.
        pairs: a CSV from,to of names in the store, in place of the split's pairs.
        limit: so many pairs, evenly spaced over the list; None: all.
        names: the form of the file names, a key of `repose.metrics.file_names.FORMS`.
        batch: pairs at a time. seed: of torch's random numbers, for generators that draw some. As `EvaluationSettings`.
        device: of `repose.load`.
    """

    split: str | None = None
    protocol: str | None = None
    pairs: Path | None = None
    limit: int | None = None
    names: str = "repose"
    batch: int = EvaluationSettings.batch
    seed: int = EvaluationSettings.seed
    device: str = "auto"


@dataclass(frozen=True)
class Generated:
    """What lies in a folder afterwards: how many pictures, and how many of them were there before."""

    folder: Path
    pictures: int
    before: int


def generate(
    model: str | Path,
    data: Path | str,
    out: Path | str,
    settings: GenerateSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generated:
    """Write a model's pictures of the pairs of a store into a folder, each under the name of its pair.

    A batch whose pictures are all there is not generated again, so an interrupted call goes on where it was. (Of a
    generator that draws random numbers, what is generated then differs from an uninterrupted run; no model here does.)

    Args:
        model: weights by name, or the folder of a run.
        data: the store.
        out: the folder; may hold pictures of the same model, weights, store and settings.
        settings: None takes the defaults.
        progress: called with (pictures done, pictures in all).

    Raises:
        ValueError: the folder holds pictures of another model, of other weights or settings, or of unknown origin; a
            pair of the list is not in the store; the model cannot work on the canvas; a setting is wrong.
        KeyError: no such protocol or split. FileNotFoundError: there are no such weights, store or list.
    """
    settings, out = settings or GenerateSettings(), Path(out)
    if settings.names not in FORMS:
        raise ValueError(f"no form of file names is called '{settings.names}'; {nearest(settings.names, FORMS)}")
    if settings.batch < 1:
        raise ValueError(f"--batch is a number of pairs, at least 1, not {settings.batch}")
    store = Store.open(data)
    loaded = load(model, settings.device)
    measured = _pairs(settings, store, loaded)
    files = _files(settings, measured)
    checksum = weights_checksum(model)
    facts = {
        "model": loaded.name,
        "recipe": loaded.recipe.name,
        "weights": checksum,
        "data": store.dataset,
        "checksum": store.checksum,
        "split": measured.split,
        "canvas": measured.protocol.canvas,
        "names": settings.names,
        "batch": settings.batch,
        "seed": settings.seed,
    }
    _claim(out, facts)
    source = model_pictures(loaded, checksum).opened(measured)
    frame = canvas(measured.protocol.canvas).frame
    total, done, before = len(measured), 0, 0
    fields = tuple(dict.fromkeys((*source.fields, "image", "keypoints")))
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.no_grad(), torch.random.fork_rng(devices):
        torch.manual_seed(settings.seed)
        for indices in torch.split(measured.indices, settings.batch):
            places = [out / files[pair] for pair in index_pairs(indices)]
            there = sum(place.is_file() for place in places)
            before += there
            if there < len(places):
                pair = Pair(frame(store.person(indices[:, 0], fields)), frame(store.person(indices[:, 1], fields)))
                _write(places, source.pictures(indices, pair))
            done += len(places)
            if progress is not None:
                progress(done, total)
    return Generated(out, total, before)


# -- inside ---------------------------------------------------------------------------------------------------------


def _pairs(settings: GenerateSettings, store: Store, model: Model) -> MeasuredPairs:
    """The pairs, on the canvas of the protocol or of the model; as pixels, not as JPEG files."""
    if settings.protocol is None:
        protocol = Protocol("generate", 1, model.recipe.canvas)
    else:
        protocol = replace(find_protocol(settings.protocol), file="png")
        if protocol.canvas != model.recipe.canvas and not model.generator.any_canvas:
            raise ValueError(
                f"{model.name} works on the canvas '{model.recipe.canvas}', {settings.protocol} measures on "
                f"'{protocol.canvas}'; choose the protocol that fits the model"
            )
    if settings.pairs is None:
        return MeasuredPairs.select(protocol, store, settings.split, settings.limit)
    split = settings.split or protocol.split
    rows = [(store.index(source), store.index(target)) for source, target in read_pairs(settings.pairs)]
    if not rows:
        raise ValueError(f"{settings.pairs} lists no pairs; its lines are from,to: two names of the store")
    indices = torch.tensor(rows, dtype=torch.int64)
    if settings.limit is not None and settings.limit < len(indices):
        indices = indices[torch.arange(settings.limit) * len(indices) // settings.limit]
    return MeasuredPairs(protocol, store, split, indices)


def _files(settings: GenerateSettings, measured: MeasuredPairs) -> dict[PairIndex, str]:
    """The file of each pair. ValueError: two pairs have the same one, or a pair without a number needs one."""
    store = measured.store
    numbered = settings.names == "roy"
    places = places_of(store, measured.split) if numbered else {}
    files: dict[PairIndex, str] = {}
    owned: dict[str, PairIndex] = {}
    for pair in index_pairs(measured.indices):
        place = next(iter(places.get(pair, ())), None)
        name = named_as(settings.names, store.names[pair[0]], store.names[pair[1]], place)
        if owned.setdefault(name, pair) != pair:
            raise ValueError(f"{store.folder}: two pairs share the file name {name}; choose another form with --names")
        files[pair] = name
    return files


def _claim(out: Path, facts: dict[str, Any]) -> None:
    """Say in the folder what its pictures are of. ValueError: it holds something else."""
    note = out / FACTS
    if same_facts(note, facts):
        return
    folders = [place for place in (out, *(out / half for half in DIRECTION_FOLDERS)) if place.is_dir()]
    if any(path.suffix.lower() in PICTURES for place in folders for path in place.iterdir()):
        raise ValueError(f"{out} holds pictures that `repose generate` did not write; choose another folder")
    with replacing(note) as part:
        part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _write(places: Sequence[Path], pictures: Tensor) -> None:
    """Pictures uint8 (B, 3, H, W) as PNG files, each whole or absent."""
    for place, picture in zip(places, pictures.movedim(1, -1).contiguous().numpy(), strict=True):
        write_picture(place, Image.fromarray(picture))
