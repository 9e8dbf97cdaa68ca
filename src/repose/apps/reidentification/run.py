"""`repose.apps.reid`: classifiers of people trained on reduced sets, without and with generated pictures.

Source: Zhu et al., PATN (TPAMI), section 5 and Table 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from repose.apps.reidentification.augment import GeneratedPictures
from repose.apps.reidentification.classifier import Backbone, build_backbone
from repose.apps.reidentification.measure import Gallery, gallery, measure
from repose.apps.reidentification.reduce import additions, kept_pictures, replacements
from repose.apps.reidentification.settings import NONE, ReidSettings
from repose.apps.reidentification.sheet import replacement_sheet
from repose.apps.reidentification.train import TRAININGS, train_classifier
from repose.data.store import Store
from repose.files import read_object_lines
from repose.images import write_picture
from repose.models.weights import find_weights, weights_checksum
from repose.record import ResultLine, append, append_result

LINES: Final = "classifiers.jsonl"
"""The file in the output folder with one line for each classifier that is finished."""

SHEET: Final = "sheet.png"
"""The file in the output folder that shows some pictures that are left out and what replaces them."""

_SHOWN: Final = 12

Tick = Callable[[str, int, int], None]


def reid(
    store: Store | Path | str,
    *,
    out: Path | str,
    model: str | Path | Sequence[str | Path] = "default",
    settings: ReidSettings | None = None,
    poses_from: Store | Path | str | None = None,
    results: Path | None = None,
    tick: Tick | None = None,
) -> list[ResultLine]:
    """Train classifiers of people on reduced sets, with and without a model's pictures, and let them find people.

    For each seed: a reduced set of every portion is drawn. A classifier is trained on it alone; for each model another
    one is trained on it and on generated pictures in place of those that were left out; one on all real pictures; and
    one for each ratio on all of them and generated ones beside. A classifier that is finished has its line in
    `out/classifiers.jsonl` and is not trained again; generated pictures are kept in `out/generated`, and
    `out/sheet.png` shows some of them.

    Args:
        store: with people and cameras as Market-1501 names them; people are looked for in its test split.
        out: the folder of pictures and lines.
        model: one or several weights by name, or folders of runs; "none" generates nothing, and is always measured.
        settings: None takes the defaults.
        poses_from: a store whose poses generated pictures have (with poses "all", and of ratios); None: `store`.
        results: append each new line to this file, too.
        tick: called with what is being done, how much of it, and how much there is.

    Returns:
        The lines of all classifiers, in the order of the work; `reid_table` makes a table of them.

    Raises:
        ValueError: a setting or a name is wrong, two models have the same name, a model cannot work at the store's
            size, or a folder holds pictures of something else.
        KeyError: the store lacks a split. FileNotFoundError: there is no store, or a weight file is not here.
        ImportError: the classifier needs a package that is not installed.
    """
    settings, out = settings or ReidSettings(), Path(out)
    opened = store if isinstance(store, Store) else Store.open(store)
    other = poses_from if isinstance(poses_from, Store) or poses_from is None else Store.open(poses_from)
    names: list[str | Path] = [model] if isinstance(model, str | Path) else list(model)
    models: dict[str, str | Path] = {}
    for name in names:
        folder = find_weights(name).resolve().name if name != NONE else NONE
        if models.setdefault(folder, name) != name:
            raise ValueError(f"{models[folder]} and {name} have the same name, '{folder}': rename the folder of one")
    models.pop(NONE, None)
    if other is not None and settings.portions and settings.poses != "all":
        raise ValueError(
            f"poses from another store are taken with poses 'all', not '{settings.poses}': give --poses all, or only "
            "ratios (--p none)"
        )
    run = _Run(opened, other, models, settings, out, results, tick or (lambda *_: None))
    return list(run.lines())


def read_lines(out: Path) -> list[ResultLine]:
    """The lines of the finished classifiers in a folder.

    Raises:
        ValueError: a line is not JSON.
    """
    file = out / LINES
    if not file.is_file():
        return []
    return read_object_lines(file)


# -- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cell:
    """One classifier: its model, the portion of real pictures, the ratio of augmentation, the draw of both sets, and
    the seed of its training."""

    model: str
    portion: float
    ratio: int
    draw: int
    seed: int


@dataclass(frozen=True)
class _Pool:
    """Pictures ready for training: prepared as they are and mirrored, (N, ...), and their people, (N,)."""

    plain: Tensor
    mirrored: Tensor
    labels: Tensor

    def __add__(self, other: _Pool) -> _Pool:
        return _Pool(
            torch.cat([self.plain, other.plain]),
            torch.cat([self.mirrored, other.mirrored]),
            torch.cat([self.labels, other.labels]),
        )

    def at(self, places: Tensor) -> _Pool:
        return _Pool(self.plain[places], self.mirrored[places], self.labels[places])


class _Run:
    def __init__(
        self,
        store: Store,
        poses: Store | None,
        models: dict[str, str | Path],
        settings: ReidSettings,
        out: Path,
        results: Path | None,
        tick: Tick,
    ) -> None:
        self.store, self.settings, self.out, self.results, self.tick = store, settings, out, results, tick
        self.training = settings.training or TRAININGS[settings.classifier]
        self.device = torch.device("cuda" if settings.device != "cpu" and torch.cuda.is_available() else "cpu")
        rows = store.split(settings.split)
        names = sorted({store.people[row] for row in rows.tolist()})
        count = min(settings.people or len(names), len(names))
        few = [names[place * len(names) // count] for place in range(count)]
        label = {name: place for place, name in enumerate(few)}
        self.rows = rows[torch.tensor([store.people[row] in label for row in rows.tolist()])]
        self.people = [store.people[row] for row in self.rows.tolist()]
        self.labels = torch.tensor([label[person] for person in self.people])
        self.among: Gallery = gallery(store, settings.test)
        other = poses or store
        pose_rows = self.rows if poses is None else torch.arange(len(other))
        self.poses_checksum = other.checksum
        self.models, self.poses, self.pose_rows = models, poses, pose_rows
        self.weights = {NONE: None, **{name: weights_checksum(find_weights(place)) for name, place in models.items()}}
        self._generated: dict[str, GeneratedPictures] = {}
        self._ready: dict[tuple[str, int], tuple[Tensor, _Pool]] = {}
        self._starting: Backbone | None = None
        self._real: _Pool | None = None
        self._gallery: Tensor | None = None

    def lines(self) -> Iterator[ResultLine]:
        """The line of each classifier; those that are missing are trained."""
        known = read_lines(self.out)
        cells = self._cells()
        done = 0
        for group in _grouped(cells):
            found = {cell: self._line_of(known, cell) for cell in group}
            open_cells = [cell for cell, line in found.items() if line is None]
            sets = self._sets(group[0].model, group[0].draw, open_cells) if open_cells else {}
            for cell in group:
                self.tick("classifiers", done, len(cells))
                line = found[cell]
                if line is None:
                    line = self._train(cell, *sets.pop(cell))
                    append(self.out / LINES, line)
                    if self.results is not None:
                        append(self.results, line)
                done += 1
                yield line
        self.tick("classifiers", done, len(cells))
        self._write_sheet()

    def _cells(self) -> list[_Cell]:
        """All classifiers, seed by seed and model by model, so that what is generated is used at once."""
        cells = []
        portions, ratios = self.settings.portions, self.settings.ratios
        for seed in range(self.settings.seeds):
            draw = seed % (self.settings.draws or self.settings.seeds)
            cells += [_Cell(NONE, portion, 1, draw, seed) for portion in (*portions, 1.0)]
            for model in self.models:
                cells += [_Cell(model, portion, 1, draw, seed) for portion in portions]
                cells += [_Cell(model, 1.0, ratio, draw, seed) for ratio in ratios]
        return cells

    def _facts(self, cell: _Cell) -> dict[str, Any]:
        """What a classifier depends on: a line with these facts is its line."""
        alone = cell.model == NONE
        return {
            "kind": "reid",
            **asdict(cell),
            "weights": self.weights[cell.model],
            "poses": None if alone else (self.settings.poses if cell.ratio == 1 else "all"),
            "pose_data": None if alone else self.poses_checksum,
            "classifier": self.settings.classifier,
            "loss": self.settings.loss,
            "imagenet": self.settings.imagenet,
            "training": asdict(self.training),
            "people": len(set(self.people)),
            "split": self.settings.split,
            "test": self.settings.test,
            "area": self.settings.area,
            "checksum": self.store.checksum,
        }

    def _line_of(self, lines: list[ResultLine], cell: _Cell) -> ResultLine | None:
        facts = self._facts(cell)
        return next((line for line in lines if all(line.get(key) == facts[key] for key in facts)), None)

    def _sets(self, model: str, draw: int, cells: list[_Cell]) -> dict[_Cell, tuple[_Pool, int]]:
        """The training set of each cell of one model and draw, and how many of its pictures are generated."""
        real = self._real_pool()
        kept = {cell: kept_pictures(self.people, cell.portion, draw) for cell in cells}
        if model == NONE:
            return {cell: (real.at(kept[cell]), 0) for cell in cells}
        generated = self._pictures_of(model)
        pairs = {cell: self._pairs(cell, kept[cell]) for cell in cells}
        pairs = {cell: rows[generated.usable(rows)] for cell, rows in pairs.items()}
        every = torch.unique(torch.cat([*pairs.values()]), dim=0)
        generated.generate(every, lambda done, total: self.tick(f"generate, {model}", done, total))
        place_of = {pair: place for place, pair in enumerate(map(tuple, every.tolist()))}
        ready = self._generated_pool(model, draw, every)
        return {
            cell: (
                real.at(kept[cell])
                + ready.at(torch.tensor([place_of[tuple(pair)] for pair in part.tolist()], dtype=torch.int64)),
                len(part),
            )
            for cell, part in pairs.items()
        }

    def _generated_pool(self, model: str, draw: int, pairs: Tensor) -> _Pool:
        """The generated pictures of these pairs; seeds that share a draw share them."""
        if (model, draw) in self._ready and torch.equal(self._ready[model, draw][0], pairs):
            return self._ready[model, draw][1]
        label_of = dict(zip(self.rows.tolist(), self.labels.tolist(), strict=True))
        labels = torch.tensor([label_of[row] for row in pairs[:, 0].tolist()], dtype=torch.int64)
        pool = self._prepared(self._pictures_of(model).pictures(pairs), labels, f"prepare, {model}")
        if self.settings.draws is not None:
            self._ready[model, draw] = pairs, pool
        return pool

    def _pairs(self, cell: _Cell, kept: Tensor) -> Tensor:
        """What is generated for a cell: source and pose, indices of the stores, int64 (M, 2)."""
        pool, everybody = len(self.pose_rows), cell.ratio > 1 or self.settings.poses == "all"
        if cell.ratio > 1:
            places = additions(self.people, cell.ratio, cell.draw, pool)
        else:
            places = replacements(self.people, kept, cell.draw, self.settings.poses, pool)
        return torch.stack([self.rows[places[:, 0]], (self.pose_rows if everybody else self.rows)[places[:, 1]]], 1)

    def _write_sheet(self) -> None:
        """Some replacements of the smallest portion of the first draw, by every model: `SHEET` in the folder."""
        if not self.models or not self.settings.portions:
            return
        portion = min(self.settings.portions)
        pairs = self._pairs(_Cell(NONE, portion, 1, 0, 0), kept_pictures(self.people, portion, 0))
        for model in self.models:
            pairs = pairs[self._pictures_of(model).usable(pairs)]
        if len(pairs):
            few = pairs[torch.arange(min(_SHOWN, len(pairs))) * len(pairs) // min(_SHOWN, len(pairs))]
            pictures = {model: self._pictures_of(model).pictures(few) for model in self.models}
            write_picture(self.out / SHEET, replacement_sheet(self.store, few, pictures, poses=self.poses))

    def _pictures_of(self, model: str) -> GeneratedPictures:
        if model not in self._generated:
            folder = self.out / "generated" / f"{model}-{str(self.weights[model])[:12]}-{self.poses_checksum}"
            self._generated[model] = GeneratedPictures(
                self.models[model], self.store, folder, self.poses, self.settings.device
            )
        return self._generated[model]

    def _train(self, cell: _Cell, pool: _Pool, generated: int) -> ResultLine:
        settings, ready = self.settings, self._gallery_ready()
        start = time.perf_counter()
        what = f"train, {cell.model} p={cell.portion:g} seed {cell.seed}"
        classifier = train_classifier(
            build_backbone(settings.classifier, settings.imagenet),
            pool.plain,
            pool.mirrored,
            pool.labels,
            settings.loss,
            self.training,
            cell.seed,
            lambda done, total: self.tick(what, done, total),
            self.device,
        )
        ranking = measure(classifier, ready, self.among, self.device, settings.area)
        line = {
            **self._facts(cell),
            "real": len(pool.labels) - generated,
            "generated": generated,
            "mean_average_precision": ranking.mean_average_precision,
            **{f"rank_{k}": share for k, share in ranking.ranks.items()},
            "queries": ranking.queries,
            "gallery": len(self.among.rows),
            "seconds": round(time.perf_counter() - start, 1),
        }
        return append_result(None, line, data=self.store)

    def _prepared(self, images: Tensor, labels: Tensor, what: str) -> _Pool:
        """Pictures, uint8, and what the backbone prepares of them."""
        plain, mirrored = (self._prepare(part, what) for part in (images, images.flip(-1)))
        return _Pool(plain, mirrored, labels)

    def _prepare(self, images: Tensor, what: str) -> Tensor:
        if self._starting is None:
            self._starting = build_backbone(self.settings.classifier, self.settings.imagenet)
        parts = []
        for part in torch.split(images, 256):
            parts.append(self._starting.prepare(part))
            self.tick(what, sum(map(len, parts)), len(images))
        return torch.cat(parts) if parts else self._starting.prepare(images)

    def _real_pool(self) -> _Pool:
        if self._real is None:
            self._real = self._prepared(_pictures(self.store, self.rows), self.labels, "prepare, real pictures")
        return self._real

    def _gallery_ready(self) -> Tensor:
        if self._gallery is None:
            self._gallery = self._prepare(_pictures(self.store, self.among.rows), "prepare, gallery")
        return self._gallery


def _pictures(store: Store, rows: Tensor) -> Tensor:
    """uint8 (N, 3, H, W)."""
    parts = []
    for part in torch.split(rows, 256):
        image = store.person(part, ("image",)).image
        assert image is not None
        parts.append(((image + 1) * 127.5).round().to(torch.uint8))
    return torch.cat(parts)


def _grouped(cells: list[_Cell]) -> list[list[_Cell]]:
    """Cells of one model and seed together, in their order."""
    groups: dict[tuple[str, int], list[_Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.model, cell.seed), []).append(cell)
    return list(groups.values())
