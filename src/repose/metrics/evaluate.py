"""Measure a generator, or a folder of its pictures, under a protocol.

```python
evaluation = evaluate("patn-market", Store.open("data/market1501"), generate, model="patn")
print(evaluation.markdown())
evaluation.append("results/patn.jsonl")
```
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from torch import Tensor

from repose import record
from repose.data.store import Store
from repose.estimate import Cached, KeypointEstimator
from repose.metrics import features as deep
from repose.metrics import tables
from repose.metrics.accumulators import Column, Score, Tally, scores
from repose.metrics.functional import frechet, l1, padded, pckh, psnr, ssim
from repose.metrics.protocols import Protocol, protocol
from repose.person import Pair, Person
from repose.represent.canvas import canvas, to_uint8
from repose.represent.keypoints import skeleton_mask

Generate = Callable[[Pair], Tensor]
"""A batch of pairs -> generated images (B, 3, H, W) in [-1, 1]; the pair's target image is there, do not peek."""

Progress = Callable[[int, int], None]
"""Called with the number of pairs done and of all."""

REFERENCES = {"target": "real target", "source": "copied source"}


@dataclass(frozen=True)
class Row:
    """What was measured of one kind of picture: "generated", or the references "target" and "source"."""

    kind: str
    name: str
    columns: dict[str, Column]
    scores: dict[str, Score]


@dataclass(frozen=True)
class Evaluation:
    """The rows of one evaluation and all that is needed to trust and repeat it.

    Attributes:
        protocol: by which it was measured.
        rows: the real target and the copied source, then the generated pictures if there were any.
        pairs: int64 (N, 2), source and target index in the store, in the order of the columns.
        facts: what else a result line says.
    """

    protocol: Protocol
    rows: tuple[Row, ...]
    pairs: Tensor
    facts: dict[str, Any] = field(repr=False)

    def __getitem__(self, kind: str) -> Row:
        """The row "target", "source" or "generated"; KeyError if there is none."""
        for row in self.rows:
            if row.kind == kind:
                return row
        raise KeyError(f"no row {kind!r}; there are {', '.join(row.kind for row in self.rows)}")

    def table(self) -> Table:
        """For the terminal: `rich.print(evaluation.table())`."""
        return tables.rich_table(*_described([self]))

    def markdown(self) -> str:
        """The table as Markdown."""
        return tables.markdown(*_described([self]))

    def line(self) -> dict[str, Any]:
        """The result line: scores as [value, low, high] by row, `skipped` pairs by metric, and the facts.

        An infinite PSNR (equal pictures) becomes null in the file, as JSON knows no infinity; so does the interval of
        `fd`, which has none.
        """
        measured = {row.kind: {m: [s.value, s.low, s.high] for m, s in row.scores.items()} for row in self.rows}
        skipped = {m: s.skipped for row in self.rows for m, s in row.scores.items() if s.skipped}
        return {
            "kind": "evaluation",
            "protocol": str(self.protocol),
            **self.facts,
            "skipped": skipped,
            "rows": measured,
        }

    def append(self, path: Path | str) -> None:
        """Add the result line to a .jsonl file, whole or not at all."""
        record.append(Path(path), self.line())


def table(evaluations: Sequence[Evaluation]) -> Table:
    """Several models in one table; the reference rows once. ValueError if they are not of the same measurement."""
    return tables.rich_table(*_described(evaluations))


def markdown(evaluations: Sequence[Evaluation]) -> str:
    """`table` as Markdown."""
    return tables.markdown(*_described(evaluations))


def evaluate(
    protocol_: Protocol | str,
    store: Store,
    generate: Generate | None = None,
    *,
    model: str = "generated",
    recipe: str | None = None,
    weights: str | None = None,
    estimator: KeypointEstimator | None = None,
    joints: Path | str | None = None,
    fields: Sequence[str] = ("image", "keypoints"),
    split: str | None = None,
    limit: int | None = None,
    batch: int = 32,
    device: torch.device | str = "cpu",
    features: bool | str = True,
    seed: int = 0,
    beside: Evaluation | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure `generate` on the pairs of a split, beside the real target and the copied source.

    Args:
        protocol_: a protocol or its name.
        store: the data set.
        generate: the generator; None measures the reference rows alone.
        model, recipe: names for the table and the result line.
        weights: sha256 of the weight file.
        estimator: for PCKh. `pckh` compares its joints on the picture with its joints on the real target (real data
            scores 1), `pckh_csv` with the annotated joints of the store. None: neither is measured.
        joints: folder that keeps the estimator's joints on the real pictures, by their pixels (`Cached`), for the next
            time they are seen; None: a picture is estimated wherever it comes. A disk that refuses costs only time.
        fields: what the generator needs of a person.
        split: another one than the protocol's, say "val" while you choose a checkpoint; the line says which.
        limit: measure so many pairs, evenly spaced over the list; None or too many: all.
        batch: pairs at once.
        device: where SSIM, PSNR and L1 are computed, in float64, and features: the CPU or a CUDA device.
        features: the columns of `repose.metrics.features`: True measures them where the weight file is here, a version
            such as "mobilenet_v2@1" needs it, False leaves them out.
        seed: of the bootstrap, and of torch's random numbers while it runs (for generators that draw some).
        beside: an evaluation of the same pairs whose reference rows are taken instead of measured again.
        progress: told after every batch.

    Raises:
        ValueError: the store is on another canvas, the split has no pairs, `beside` is another measurement, or a
            generated picture has the wrong shape, is not finite or not in [-1, 1] (names the pair).
        KeyError: no such protocol, split or version of features.
        FileNotFoundError: a version of features was named and its weight file is not here.
    """
    made = protocol(protocol_) if isinstance(protocol_, str) else protocol_

    def pictures(pairs: Tensor, pair: Pair) -> Tensor:
        assert generate is not None
        return _checked(generate(pair), pair, pairs, store)

    return _run(
        made,
        store,
        None if generate is None else pictures,
        facts={"model": None if generate is None else model, "recipe": recipe, "weights": weights},
        estimator=estimator,
        joints=joints,
        fields=fields,
        split=split or made.split,
        limit=limit,
        batch=batch,
        device=torch.device(device),
        features=features,
        seed=seed,
        beside=beside,
        progress=progress,
    )


def pairs_of(made: Protocol, store: Store, split: str, limit: int | None = None) -> Tensor:
    """The pairs that a protocol measures, int64 (N, 2): each direction is a pair of its own."""
    pairs = store.pairs(split)
    if limit is not None and limit < 1:
        raise ValueError(f"limit is a number of pairs, at least 1, or None for all; got {limit}")
    if limit is not None and limit < len(pairs):
        pairs = pairs[torch.arange(limit) * len(pairs) // limit]
    if not len(pairs):
        raise ValueError(f"{store.folder}: split {split!r} has no pairs to measure")
    return torch.stack([pairs, pairs.flip(1)], 1).flatten(0, 1) if made.directions == "both" else pairs.clone()


# -- inside ---------------------------------------------------------------------------------------------------------


def _run(
    made: Protocol,
    store: Store,
    pictures: Callable[[Tensor, Pair], Tensor] | None,
    *,
    facts: dict[str, Any],
    estimator: KeypointEstimator | None,
    joints: Path | str | None,
    fields: Sequence[str],
    split: str,
    limit: int | None,
    batch: int,
    device: torch.device,
    features: bool | str,
    seed: int,
    beside: Evaluation | None,
    progress: Progress | None,
) -> Evaluation:
    """`pictures(pairs, pair)` gives images in [-1, 1] or uint8, (B, 3, H, W)."""
    started, generating = time.perf_counter(), 0.0
    pairs = pairs_of(made, store, split, limit)
    wanted = tuple(dict.fromkeys((*fields, "image", "keypoints")))
    # the yardstick is read again and again; generated pictures come once
    yardstick = estimator if estimator is None or joints is None else Cached(estimator, Path(joints))
    network, about = deep.chosen(features, device)
    facts = {
        **facts,
        "data": store.dataset,
        "checksum": store.checksum,
        "split": split,
        "pairs": len(pairs),
        "pairs_in_split": len(store.pairs(split)) * (2 if made.directions == "both" else 1),
        "directions": made.directions,
        "estimator": None if estimator is None else estimator.name,
        **about,
        "seed": seed,
    }
    if beside is not None:
        _same([beside.line(), {"protocol": str(made), **facts}])
    kinds = ([] if beside else ["target", "source"]) + (["generated"] if pictures else [])
    tallies = {kind: Tally(len(pairs)) for kind in kinds}
    pooled: dict[str, Tensor] = {}  # kind -> (N, 320) of the whole pictures

    with torch.no_grad(), torch.random.fork_rng(_gpus()):
        torch.manual_seed(seed)
        for start in range(0, len(pairs), batch):
            chunk = pairs[start : start + batch]  # (B, 2)
            frame = canvas(made.canvas).frame
            pair = Pair(frame(store.person(chunk[:, 0], wanted)), frame(store.person(chunk[:, 1], wanted)))
            shown = {"target": _bytes(_image(pair.target)), "source": _bytes(_image(pair.source))}
            if pictures is not None:
                began = time.perf_counter()
                shown["generated"] = _bytes(pictures(chunk, pair).cpu())
                generating += time.perf_counter() - began
            mask = _mask(made, pair.target)
            seen = None if yardstick is None else _joints(yardstick, shown["target"])
            looked = None if network is None else _look(network, shown, pair, (*kinds, "target"))
            for kind in kinds:
                columns = _pixel_columns(made, shown[kind].to(device), shown["target"].to(device), mask)
                if estimator is not None and yardstick is not None and seen is not None:
                    eyes = estimator if kind == "generated" else yardstick
                    found = seen if kind == "target" else _joints(eyes, shown[kind])
                    columns |= _joint_columns(made, found, seen, pair.target.keypoints)
                if looked is not None:
                    columns |= _feature_columns(looked[kind], looked["target"])
                tallies[kind].put(start, columns)
            for kind, one in (looked or {}).items():
                whole = pooled.setdefault(kind, torch.empty(len(pairs), one.whole.shape[1], dtype=torch.float64))
                whole[start : start + len(chunk)] = one.whole.cpu()
            if progress is not None:
                progress(min(start + batch, len(pairs)), len(pairs))
    rows = [row for row in beside.rows if row.kind in REFERENCES] if beside else []
    for kind in kinds:
        columns = tallies[kind].columns
        measured = scores(columns, seed=seed)
        if network is not None and len(pairs) > 1:
            apart = 0.0 if kind == "target" else frechet(pooled[kind], pooled["target"])
            measured["fd"] = Score(apart, math.nan, math.nan)  # resampling a set would raise it
        rows.append(Row(kind, REFERENCES.get(kind, str(facts["model"])), columns, measured))
    facts |= {
        "seconds": round(time.perf_counter() - started, 2),
        "seconds_generating": round(generating, 2),
        **record.stamp(),
    }
    return Evaluation(made, tuple(rows), pairs, facts)


def _mask(made: Protocol, target: Person) -> Tensor | None:
    """The mask of mask-SSIM, uint8 (B, 1, H, W), 0 or 1; None where the protocol has none."""
    if made.mask is None or target.keypoints is None or target.size is None:
        return None
    drawn = skeleton_mask(target.keypoints, *target.size, made.mask.radius, made.mask.half_width, made.mask.close)
    return drawn.to(torch.uint8)


def _pixel_columns(made: Protocol, picture: Tensor, target: Tensor, mask: Tensor | None) -> dict[str, Column]:
    """SSIM, mask-SSIM, PSNR and L1 of uint8 pictures (B, 3, H, W)."""
    x, y = (padded(image, made.padding, made.fill) for image in (picture, target))
    out = {"ssim": ssim(x, y, made.ssim)}
    if mask is not None:
        shape = mask.to(x.device)
        x_masked, y_masked = (padded(image * shape, made.padding, 0) for image in (picture, target))
        out["mask_ssim"] = ssim(x_masked, y_masked, made.ssim)
    out |= {"psnr": psnr(x, y), "l1": l1(x, y)}
    return {metric: Column.mean_of(values.cpu()) for metric, values in out.items()}


def _joints(estimator: KeypointEstimator, pictures: Tensor) -> Tensor:
    """The joints (B, 18, 3) that an estimator finds on uint8 pictures (B, 3, H, W)."""
    return estimator.crops([picture.contiguous().numpy() for picture in pictures.movedim(1, -1)])


def _joint_columns(made: Protocol, found: Tensor, seen: Tensor, annotated: Tensor | None) -> dict[str, Column]:
    """PCKh of the joints found on the picture, against the estimator's on the real target and the annotation."""
    columns = {"pckh": Column(*pckh(found, seen, made.pckh_alpha))}
    if annotated is not None:
        columns["pckh_csv"] = Column(*pckh(found, annotated, made.pckh_alpha))
    return columns


def _look(network: deep.Features, shown: dict[str, Tensor], pair: Pair, kinds: Sequence[str]) -> dict[str, deep.Seen]:
    """Each kind of picture through the feature network once; a person is looked for where the pose is the picture's."""
    masks = {side: deep.person_mask(person) for side, person in (("source", pair.source), ("target", pair.target))}
    return {kind: network.see(shown[kind], masks.get(kind, masks["target"])) for kind in dict.fromkeys(kinds)}


def _feature_columns(picture: deep.Seen, target: deep.Seen) -> dict[str, Column]:
    """The distances of features that single pairs have."""
    return {
        "feature_distance": Column.mean_of(deep.feature_distance(picture, target)),
        "appearance": Column(*deep.appearance(picture, target)),
    }


def _checked(images: Tensor, pair: Pair, pairs: Tensor, store: Store) -> Tensor:
    """The generated images if they can be measured; ValueError names the first pair where they cannot."""
    wanted = tuple(_image(pair.target).shape)
    if tuple(images.shape) != wanted or not images.is_floating_point():
        raise ValueError(
            f"the generator returned {images.dtype} {tuple(images.shape)}, expected floats in [-1, 1] of {wanted}"
        )
    images = images.float()
    for wrong, what in (
        (~torch.isfinite(images).flatten(1).all(1), "holds NaN or infinity; the network has diverged"),
        (images.flatten(1).abs().amax(1) > 2, "is far outside [-1, 1]; is it in 0 to 255?"),
    ):
        if bool(wrong.any()):
            source, target = pairs[int(wrong.int().argmax())].tolist()
            raise ValueError(f"the generated picture of {store.names[source]} -> {store.names[target]} {what}")
    return images


def _image(person: Person) -> Tensor:
    if person.image is None:
        raise ValueError("a picture is needed to measure anything")
    return person.image


def _bytes(images: Tensor) -> Tensor:
    """Images in [-1, 1] -> uint8 (B, 3, H, W), as a PNG file of them would hold."""
    return images if images.dtype == torch.uint8 else torch.from_numpy(to_uint8(images)).movedim(-1, 1).contiguous()


def _gpus() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []


def _same(lines: Sequence[dict[str, Any]]) -> None:
    for key in ("protocol", "checksum", "split", "pairs", "estimator", "features"):
        different = {str(line.get(key)) for line in lines}
        if len(different) > 1:
            raise ValueError(f"evaluations of different {key} cannot stand in one table: {sorted(different)}")


def _described(evaluations: Sequence[Evaluation]) -> tuple[list[tables.Line], str, str]:
    """Lines, title and caption of the table."""
    if not evaluations:
        raise ValueError("a table needs at least one evaluation")
    _same([evaluation.line() for evaluation in evaluations])
    first = evaluations[0]
    rows = [row for row in first.rows if row.kind in REFERENCES]
    rows += [row for evaluation in evaluations for row in evaluation.rows if row.kind == "generated"]
    facts = first.facts
    count = (
        f"{facts['pairs']:,} of {facts['pairs_in_split']:,}"
        if facts["pairs"] < facts["pairs_in_split"]
        else (f"{facts['pairs']:,}")
    )
    title = f"{first.protocol}: {facts['data']} {facts['checksum']}, split {facts['split']}, {count} pairs"
    notes = ["in brackets or after ±: 95 % interval, bootstrap over the pairs"]
    skipped = first.line()["skipped"]
    for why, metrics in (("no head box", ("pckh", "pckh_csv")), ("no joint", ("appearance",))):
        if left := ", ".join(f"{n:,} pairs of {m}" for m, n in skipped.items() if m in metrics):
            notes.append(f"left out, {why}: {left}")
    if any(math.isinf(score.value) for row in rows for score in row.scores.values()):
        notes.append("∞: equal pictures")
    if facts["features"]:
        notes.append(f"feature distance, appearance, FD: {facts['features']}")
    elif "weights_missing" in facts:
        notes.append(f"weights missing: {facts['weights_missing']}")
    return [tables.Line(row.name, row.scores) for row in rows], title, "; ".join(notes)
