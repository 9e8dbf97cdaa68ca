"""Measure a generator, or a folder of its pictures, under a protocol.

```python
evaluation = evaluate("patn-market", Store.open("data/market1501"), generate, model="patn")
print(evaluation.markdown())
evaluation.append("results/patn.jsonl")
```
"""

from __future__ import annotations

import io
import logging
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from rich.table import Table
from torch import Tensor

from repose import record
from repose.data.store import Store
from repose.estimate import Cached, KeypointEstimator
from repose.metrics import features as deep
from repose.metrics import kept, tables
from repose.metrics.accumulators import Column, Score, Tally, scores
from repose.metrics.cache import Reference, reference
from repose.metrics.functional import frechet, kid, l1, ms_ssim, padded, pckh, psnr, similarity, ssim
from repose.metrics.kept import Kept
from repose.metrics.networks import COLUMNS, Looked, Panel, Pool, checked
from repose.metrics.protocols import Protocol, protocol
from repose.person import Pair, Person
from repose.represent import descriptors
from repose.represent.canvas import canvas, to_uint8
from repose.represent.keypoints import skeleton_mask

Generate = Callable[[Pair], Tensor]
"""A batch of pairs -> generated images (B, 3, H, W) in [-1, 1]; the pair's target image is there, do not peek."""

Progress = Callable[[int, int], None]
"""Called with the number of pairs done and of all."""

Reading = Callable[[str, int, int], None]
"""Called with a network's name, and the number of training pictures it has seen and of all."""

logger = logging.getLogger(__name__)

_CHUNK: Final = 512
"""Pairs whose numbers are kept together: at most so many are measured twice where a run is cut off."""

_POOLED: Final = "mobilenet_v2 pooled"
_RANDOM: Final = "random numbers"

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
        return tables.rich_table(*described([self]))

    def markdown(self) -> str:
        """The table as Markdown."""
        return tables.markdown(*described([self]))

    def line(self) -> dict[str, Any]:
        """The result line: scores as [value, low, high] by row, `skipped` pairs by metric, `equal` by row, facts.

        `equal` counts the pairs of equal pictures, which PSNR leaves out. An infinite PSNR (all are equal) becomes null
        in the file, as JSON knows no infinity; so does the interval of `fd`, which has none.
        """
        measured = {row.kind: {m: [s.value, s.low, s.high] for m, s in row.scores.items()} for row in self.rows}
        skipped = {m: s.skipped for row in self.rows for m, s in row.scores.items() if s.skipped}
        equal = {row.kind: s.equal for row in self.rows for s in row.scores.values() if s.equal}
        return {
            "kind": "evaluation",
            "protocol": str(self.protocol),
            **self.facts,
            "skipped": skipped,
            **({"equal": equal} if equal else {}),
            "rows": measured,
        }

    def append(self, path: Path | str) -> None:
        """Add the result line to a .jsonl file, whole or not at all."""
        record.append(Path(path), self.line())


def table(evaluations: Sequence[Evaluation]) -> Table:
    """Several models in one table; the reference rows once. ValueError if they are not of the same measurement."""
    return tables.rich_table(*described(evaluations))


def markdown(evaluations: Sequence[Evaluation]) -> str:
    """`table` as Markdown."""
    return tables.markdown(*described(evaluations))


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
    keep: Path | str | None = None,
    origin: str | None = None,
    also: Sequence[str] = (),
    reading: Reading | None = None,
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
            such as "mobilenet_v2@1" needs it, False leaves them out, and the protocol's networks, too: line
            (`networks_left_out`) and caption say which.
        seed: of the bootstrap, and of torch's random numbers while it runs (for generators that draw some).
        beside: an evaluation of the same pairs whose reference rows are taken instead of measured again.
        progress: told after every batch.
        keep: folder that keeps the numbers of the pairs, under a key of all that they depend on (the code, torch's
            version and the device, too): a run that is cut off goes on with the pairs that it lacks, and another model
            finds the reference rows. Those of generated pictures go when the run is complete.
        origin: with `keep`, all that the pictures of `generate` depend on, in words: weights, settings, its device,
            code of its own. Another text, other pictures.
        also: columns of `repose.metrics.networks` beside the protocol's.
        reading: told while the training pictures are looked at.

    Raises:
        ValueError: the store is on another canvas, the split has no pairs, the protocol compares with training pictures
            and the store has one alone, `keep` without `origin`, `beside` is another measurement, or a
            generated picture has the wrong shape, is not finite or not in [-1, 1] (names the pair).
        KeyError: no such protocol, split, version of features or column.
        FileNotFoundError: a version of features was named and its weight file is not here.
    """
    made = protocol(protocol_) if isinstance(protocol_, str) else protocol_
    if keep is not None and generate is not None and origin is None:
        raise ValueError(
            "evaluate(keep=...) would go on with pictures of it knows not which generator: say in origin=... all that "
            "they depend on (weights, settings, device, code of its own), or leave keep out"
        )

    told = tuple(dict.fromkeys((*fields, "image", "keypoints")))

    def pictures(pairs: Tensor, pair: Pair) -> Tensor:
        assert generate is not None
        given = Pair(pair.source.only(*told), pair.target.only(*told))  # not what the metrics alone read
        return filed(made, _bytes(_checked(generate(given), pair, pairs, store).cpu()))

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
        keep=None if keep is None else Path(keep),
        origin=None if origin is None else f"{model}, {recipe}, {weights}, {origin}",
        also=also,
        reading=reading,
    )


def pairs_of(made: Protocol, store: Store, split: str, limit: int | None = None) -> Tensor:
    """The pairs that a protocol measures, int64 (N, 2): each direction is a pair of its own.

    A split without a list has both directions of every pair already, so none is added there.
    """
    pairs = store.pairs(split)
    if limit is not None and limit < 1:
        raise ValueError(f"limit is a number of pairs, at least 1, or None for all; got {limit}")
    if limit is not None and limit < len(pairs):
        pairs = pairs[torch.arange(limit) * len(pairs) // limit]
    if not len(pairs):
        raise ValueError(f"{store.folder}: split {split!r} has no pairs to measure")
    if _both(made, store, split):
        return torch.stack([pairs, pairs.flip(1)], 1).flatten(0, 1)
    return pairs.clone()


# -- inside ---------------------------------------------------------------------------------------------------------


def _both(made: Protocol, store: Store, split: str) -> bool:
    """Whether each pair is followed by its reverse."""
    return made.directions == "both" and store.listed(split)


def _ways(made: Protocol, store: Store, split: str, count: int) -> list[Tensor]:
    """The places of the pairs of each direction, for scores of sets, whose mean is told; all at once if one is given.

    As `pairs_of` orders them.
    """
    both = _both(made, store, split)
    return [torch.arange(count)[start :: 1 + both] for start in range(1 + both)]


def _first(numbers: Tensor) -> Tensor:
    """Where each number stands for the first time, int64."""
    return torch.tensor(sorted({number: at for at, number in reversed(list(enumerate(numbers.tolist())))}.values()))


def _blocks(pairs: Tensor) -> Tensor | None:
    """The bootstrap's blocks: pairs of the same two pictures, in either direction; None where no two are."""
    blocks: Tensor = torch.unique(pairs.sort(1).values, dim=0, return_inverse=True)[1]
    return blocks if int(blocks.max()) + 1 < len(pairs) else None


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
    keep: Path | None,
    origin: str | None,
    also: Sequence[str],
    reading: Reading | None,
) -> Evaluation:
    """`pictures(pairs, pair)` gives uint8 (B, 3, H, W) as `filed` leaves them; `origin`: all that they depend on."""
    started, generating = time.perf_counter(), 0.0
    made = replace(made, networks=tuple(dict.fromkeys((*made.networks, *also))))
    pairs = pairs_of(made, store, split, limit)
    network, about = deep.chosen(features, device)
    parsed = ("parsing",) if network is not None and "parsing" in store.fields else ()
    wanted = tuple(dict.fromkeys((*fields, "image", "keypoints", *parsed)))
    # the yardstick is read again and again; generated pictures come once
    yardstick = estimator if estimator is None or joints is None else Cached(estimator, Path(joints))
    checked(made.networks)
    panel = Panel.of(made.networks if features is not False else (), device)
    ways = _ways(made, store, split, len(pairs))
    panel.enough(len(ways[0]), min(len(_first(pairs[way, 1])) for way in ways))
    if made.mask is None:
        masked = [column for column in panel.columns if column.startswith("mask_")]
        panel.leave_out(masked, f"not measured: {made} has no mask")
    for why in dict.fromkeys(panel.details.values()) if beside is None else ():
        logger.warning("%s", why)
    training = _training(panel, store)
    facts = {
        **facts,
        "data": store.dataset,
        "checksum": store.checksum,
        "split": split,
        "pairs": len(pairs),
        "pairs_in_split": len(pairs_of(made, store, split)),
        "directions": made.directions,
        "estimator": None if estimator is None else estimator.name,
        **about,
        **{{"weights_missing": "networks_missing"}.get(key, key): told for key, told in panel.facts().items() if told},
        **({"networks_left_out": list(made.networks)} if features is False and made.networks else {}),
        "seed": seed,
    }
    if beside is not None:
        _same([beside.line(), {"protocol": str(made), **facts}])
    kinds = ([] if beside else ["target", "source"]) + (["generated"] if pictures else [])
    sets = network is not None or any(COLUMNS[column].of == "set" for column in panel.columns)
    work = list(dict.fromkeys([*kinds, *(["target"] if sets else [])]))  # sets are compared with the targets
    parts = {kind: Kept(keep, _key(made, facts, pairs, None, device)) for kind in work if kind in REFERENCES}
    if "generated" in work:
        own = None if origin is None else f"{origin}, batches of {batch}, seed {seed}"
        parts["generated"] = Kept(None if own is None else keep, _key(made, facts, pairs, own, device))
    tallies = {kind: Tally(len(pairs)) for kind in work}
    pools = {kind: Pool(len(pairs)) for kind in work}
    from_disk = 0

    with torch.no_grad(), torch.random.fork_rng(_gpus()), _Threads(device) as threads:
        torch.manual_seed(seed)
        for begin in range(0, len(pairs), _CHUNK):
            end = min(begin + _CHUNK, len(pairs))
            found = {kind: part.load(f"{kind}-{begin:06d}-{end:06d}") for kind, part in parts.items()}
            from_disk += end - begin if found.get("generated") else 0
            lacking = [kind for kind in work if found[kind] is None]
            batches: dict[str, list[dict[str, Tensor]]] = {kind: [] for kind in lacking}
            chunks = torch.split(pairs[begin:end], batch) if lacking else ()  # (B, 2) each
            done = begin
            for chunk in chunks:
                pair, shown = _read(made, store, chunk, wanted)
                if "generated" in lacking and pictures is not None:
                    began = time.perf_counter()
                    shown["generated"] = pictures(chunk, pair)
                    generating += time.perf_counter() - began
                mask = _mask(made, pair.target)
                seen = None if yardstick is None else _joints(yardstick, shown["target"])
                looked = None if network is None else _look(network, shown, pair, (*lacking, "target", "source"))
                eyes = _panel(panel, made, {kind: shown[kind] for kind in (*lacking, "target")}, mask, device)
                for kind in lacking:
                    picture, target = shown[kind].to(device), shown["target"].to(device)
                    columns = threads.columns(made, picture, target, mask, pair.target.keypoints)
                    if estimator is not None and yardstick is not None and seen is not None:
                        one = estimator if kind == "generated" else yardstick
                        joints_found = seen if kind == "target" else _joints(one, shown[kind])
                        columns |= _joint_columns(made, joints_found, seen, pair.target.keypoints)
                    rows_found = dict(eyes[kind].rows)
                    columns |= eyes[kind].columns
                    if looked is not None:
                        columns |= _feature_columns(looked[kind], looked["target"], looked["source"])
                        rows_found[_POOLED] = looked[kind].whole
                    batches[kind].append(_flat(columns, rows_found))
                done += len(chunk)
                if progress is not None:
                    progress(done, len(pairs))
            for kind in lacking:
                chunk_of = {name: torch.cat([one[name] for one in batches[kind]]) for name in batches[kind][0]}
                found[kind] = chunk_of | {_RANDOM: torch.get_rng_state()}
                parts[kind].save(f"{kind}-{begin:06d}-{end:06d}", found[kind] or {})
            if "generated" in work and "generated" not in lacking:
                torch.set_rng_state((found["generated"] or {})[_RANDOM])
            for kind in work:
                columns, rows_found = _unflat(found[kind] or {})
                tallies[kind].put(begin, columns)
                pools[kind].put(begin, rows_found)
            if progress is not None and not lacking:
                progress(end, len(pairs))
    trained = None if training is None else _trained(panel, made, store, training, keep, reading)
    rows = [row for row in beside.rows if row.kind in REFERENCES] if beside else []
    distinct = [pools["target"].part(way[_first(pairs[way, 1])]) for way in ways] if sets else []
    blocks = _blocks(pairs)
    for kind in kinds:
        measured = scores(tallies[kind].columns, seed=seed, blocks=blocks)
        of_sets: list[dict[str, Score]] = []
        for way, targets in zip(ways, distinct, strict=True) if sets else ():
            mine, wanted_set = pools[kind].part(way), None if kind == "target" else targets
            of_sets.append(panel.scores(mine, wanted_set, trained, seed))
            if network is not None and len(way) > 1:
                of_sets[-1] |= _feature_sets(mine, wanted_set, pools["target"].part(way), seed)
        for name in of_sets[0] if sets else ():
            measured[name] = Score(sum(one[name].value for one in of_sets) / len(ways), math.nan, math.nan)
        rows.append(Row(kind, REFERENCES.get(kind, str(facts["model"])), tallies[kind].columns, measured))
    if "generated" in parts:
        parts["generated"].forget()
    facts |= {
        **({"pairs_from_disk": from_disk} if from_disk else {}),
        "seconds": round(time.perf_counter() - started, 2),
        "seconds_generating": round(generating, 2),
        **record.stamp(),
    }
    return Evaluation(made, tuple(rows), pairs, facts)


def _read(made: Protocol, store: Store, chunk: Tensor, wanted: Sequence[str]) -> tuple[Pair, dict[str, Tensor]]:
    """The people of pairs (B, 2) on the protocol's canvas, and their pictures as files hold them."""
    frame = canvas(made.canvas).frame
    pair = Pair(frame(store.person(chunk[:, 0], wanted)), frame(store.person(chunk[:, 1], wanted)))
    real = {"target": pair.target, "source": pair.source}
    return pair, {kind: filed(made, _bytes(_image(person))) for kind, person in real.items()}


def _key(
    made: Protocol, facts: dict[str, Any], pairs: Tensor, origin: str | None, device: torch.device
) -> dict[str, Any]:
    """All that the numbers of a kind of picture depend on."""
    told = ("data", "checksum", "estimator", "features", "networks", "networks_missing", "directions")
    return {
        "protocol": asdict(made),
        "code": kept.code(),
        "torch": torch.__version__,
        "device": str(device),
        "pairs": kept.digest(pairs),
        "pictures": origin,
        **{name: facts.get(name) for name in told},
    }


def _flat(columns: dict[str, Column], rows: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns and rows of a batch as tensors by name, for the disk."""
    flat = {f"value {name}": column.values for name, column in columns.items()}
    flat |= {f"weight {name}": column.weights for name, column in columns.items()}
    return flat | {f"row {name}": row.cpu() for name, row in rows.items()}


def _unflat(flat: dict[str, Tensor]) -> tuple[dict[str, Column], dict[str, Tensor]]:
    names = [name.removeprefix("value ") for name in flat if name.startswith("value ")]
    columns = {name: Column(flat[f"value {name}"], flat[f"weight {name}"]) for name in names}
    return columns, {name.removeprefix("row "): row for name, row in flat.items() if name.startswith("row ")}


def filed(made: Protocol, images: Tensor) -> Tensor:
    """uint8 pictures (B, 3, H, W) as they come back from a file of the protocol's format."""
    if made.file == "png":
        return images
    read = []
    for image in images.movedim(1, -1).contiguous().numpy():
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=75)
        file.seek(0)
        read.append(torch.from_numpy(np.array(Image.open(file))))
    return torch.stack(read).movedim(-1, 1).contiguous()


def _panel(
    panel: Panel, made: Protocol, shown: dict[str, Tensor], mask: Tensor | None, device: torch.device
) -> dict[str, Looked]:
    """What the protocol's networks make of the pictures, with its padding."""
    if not panel.columns:
        return {kind: Looked() for kind in shown}
    wide = {kind: padded(images, made.padding, made.fill).to(device) for kind, images in shown.items()}
    masks = None
    if mask is not None:
        masks = {kind: padded(mask, made.padding, 0).to(device) for kind in ("target", "generated")}
    return panel.look(wide, masks)


def _training(panel: Panel, store: Store) -> Tensor | None:
    """The indices of all training pictures, (N,), where a column needs them.

    A store that has none leaves the columns out of the panel, which then says so. ValueError: it has one alone.
    """
    if not panel.networks_of_training():
        return None
    columns = [column for column in panel.columns if column.endswith("_train")]
    if "train" not in store.splits:
        panel.leave_out(columns, "not measured: no pictures of split 'train'")
        return None
    which = store.split("train")
    if len(which) < 2:
        raise ValueError(
            f"{store.folder}: split 'train' has one picture, and the statistics for {', '.join(columns)} need two; "
            "pack more training pictures, or leave the networks out (features=False)"
        )
    return which


def _trained(
    panel: Panel, made: Protocol, store: Store, which: Tensor, keep: Path | None, reading: Reading | None
) -> Reference:
    """The statistics of the training pictures."""
    frame = canvas(made.canvas).frame

    def read(start: int, stop: int) -> Tensor:
        images = _bytes(_image(frame(store.person(which[start:stop], ("image",)))))
        return padded(filed(made, images), made.padding, made.fill)

    if keep is not None:
        return reference(panel, read, len(which), keep / "statistics", reading)
    with tempfile.TemporaryDirectory() as folder:
        return reference(panel, read, len(which), folder, reading)


def _mask(made: Protocol, target: Person) -> Tensor | None:
    """The mask of mask-SSIM, uint8 (B, 1, H, W), 0 or 1; None where the protocol has none."""
    if made.mask is None or target.keypoints is None or target.size is None:
        return None
    drawn = skeleton_mask(target.keypoints, *target.size, made.mask.radius, made.mask.half_width, made.mask.close)
    return drawn.to(torch.uint8)


def pixel_columns(
    made: Protocol, picture: Tensor, target: Tensor, mask: Tensor | None, keypoints: Tensor | None
) -> dict[str, Column]:
    """All that a protocol measures without a network, of uint8 pictures (B, 3, H, W) on its canvas.

    Args:
        picture, target: both on one device.
        mask: of mask-SSIM, (B, 1, H, W), 0 or 1, or None.
        keypoints: of the target, (B, 18, 3), for local-SSIM.
    """
    x, y = (padded(image, made.padding, made.fill) for image in (picture, target))
    corner = there = None
    side = 0
    if made.local_ssim is not None and keypoints is not None:
        height, width = target.shape[-2:]
        centres, there = descriptors.descriptors(keypoints, height, width, made.regions)
        side = descriptors.window(height, width)
        corner = descriptors.corners(centres, height, width, side) + torch.tensor(made.padding[:2])
    together = corner is not None and made.local_ssim == made.ssim  # one pass for both
    first = similarity(x, y, made.ssim, *((corner, there, side) if together else ()))
    out = {"ssim": Column.mean_of(first.ssim)}
    out |= {name: Column.mean_of(ssim(x, y, variant)) for name, variant in made.windows}
    if mask is not None:
        shape = mask.to(x.device)
        x_masked, y_masked = (padded(image * shape, made.padding, 0) for image in (picture, target))
        out["mask_ssim"] = Column.mean_of(ssim(x_masked, y_masked, made.ssim))
    if made.ms_ssim is not None:
        out["ms_ssim"] = Column.mean_of(ms_ssim(x, y, made.ms_ssim, first if made.ms_ssim == made.ssim else None))
    if corner is not None and made.local_ssim is not None:
        local = first if together else similarity(x, y, made.local_ssim, corner, there, side)
        assert local.regions is not None
        assert local.counted is not None
        out["local_ssim"] = Column(local.regions, local.counted)
    out |= {"psnr": Column.mean_of(psnr(x, y)), "l1": Column.mean_of(l1(x, y))}
    return {metric: Column(column.values.cpu(), column.weights.cpu()) for metric, column in out.items()}


class _Threads:
    """What a CPU's threads do side by side, each of them alone: the parts of a batch.

    The tensors of a picture are small: with two threads in every operation they waited for each other more than they
    computed (fashion-256@1, two cores: 11 ms a pair, 8 in parts). A GPU takes the batch whole.
    """

    def __init__(self, device: torch.device) -> None:
        self._count = torch.get_num_threads() if device.type == "cpu" else 1
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> _Threads:
        if self._count > 1:
            self._pool = ThreadPoolExecutor(self._count, initializer=torch.set_num_threads, initargs=(1,))
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            torch.set_num_threads(self._count)  # threads that begin later take the number that was set last

    def columns(
        self, made: Protocol, picture: Tensor, target: Tensor, mask: Tensor | None, keypoints: Tensor | None
    ) -> dict[str, Column]:
        """As `pixel_columns`."""
        if self._pool is None:
            return pixel_columns(made, picture, target, mask, keypoints)
        whole = (picture, target, mask, keypoints)
        split = [[None] * self._count if one is None else one.tensor_split(self._count) for one in whole]
        jobs = [self._pool.submit(pixel_columns, made, *part) for part in zip(*split, strict=True) if len(part[0])]
        parts = [job.result() for job in jobs]
        return {
            name: Column(*(torch.cat([getattr(part[name], side) for part in parts]) for side in ("values", "weights")))
            for name in parts[0]
        }


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
    found = {}
    for kind in dict.fromkeys(kinds):
        person = pair.source if kind == "source" else pair.target
        clothes = None if person.parsing is None else deep.clothes_mask(person)
        found[kind] = network.see(shown[kind], deep.person_mask(person), clothes)
    return found


def _feature_sets(pool: Pool, distinct: Pool | None, targets: Pool, seed: int) -> dict[str, Score]:
    """FD to the targets as the pairs have them, KD to each of them once (`distinct`; None for the targets themselves).

    No interval: resampling a set would raise it.
    """
    fd = kd = 0.0
    if distinct is not None:
        fd = frechet(pool.rows[_POOLED], targets.rows[_POOLED])
        kd = kid(pool.rows[_POOLED], distinct.rows[_POOLED], seed=seed)[0] if distinct.count > 1 else math.nan
    return {"fd": Score(fd, math.nan, math.nan), "kd": Score(kd, math.nan, math.nan)}


def _feature_columns(picture: deep.Seen, target: deep.Seen, source: deep.Seen) -> dict[str, Column]:
    """The distances of features that single pairs have; "identity", "clothing": how alike are source and picture."""
    clothes = deep.clothing(picture, source)
    return {
        "feature_distance": Column.mean_of(deep.feature_distance(picture, target)),
        "appearance": Column(*deep.appearance(picture, target)),
        "identity": Column(*deep.appearance(picture, source)),
        **({} if clothes is None else {"clothing": Column(*clothes)}),
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
    for key in ("protocol", "checksum", "split", "pairs", "estimator", "features", "networks"):
        different = {str(line.get(key)) for line in lines}
        if len(different) > 1:
            raise ValueError(f"evaluations of different {key} cannot stand in one table: {sorted(different)}")


def described(evaluations: Sequence[Evaluation]) -> tuple[list[tables.Line], str, str]:
    """Lines, title and caption of the table; ValueError if they are none or not of one measurement."""
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
    notes = [
        "in brackets or after ±: 95 % interval, bootstrap over the pairs"
        + (", a pair and its reverse drawn together" if _blocks(first.pairs) is not None else "")
    ]
    skipped = first.line()["skipped"]
    for why, metrics in (
        ("no head box", ("pckh", "pckh_csv")),
        ("no joint", ("appearance", "identity", "local_ssim")),
        ("no clothes", ("clothing",)),
    ):
        if left := ", ".join(f"{n:,} pairs of {m}" for m, n in skipped.items() if m in metrics):
            notes.append(f"left out, {why}: {left}")
    if any(math.isinf(score.value) for row in rows for score in row.scores.values()):
        notes.append("∞: equal pictures")
    some = [
        f"{score.equal:,} of {row.name}"
        for row in rows
        for score in row.scores.values()
        if score.equal and not math.isinf(score.value)
    ]
    if some:
        notes.append(f"PSNR without the pairs of equal pictures: {', '.join(some)}")
    if facts["features"]:
        notes.append(f"feature distance, appearance, FD, KD, identity, clothing: {facts['features']}")
    if any(evaluation.facts.get("files") == "jpeg" for evaluation in evaluations) and first.protocol.file != "jpeg":
        lossy = [str(one.facts["model"]) for one in evaluations if one.facts.get("files") == "jpeg"]
        notes.append(f"JPEG files, whose losses move every number: {', '.join(lossy)}")
    if not facts["features"] and "weights_missing" in facts:
        notes.append(f"weights missing: {facts['weights_missing']}")
    missing = facts.get("networks_missing", {})
    for file in dict.fromkeys(missing.values()):
        without = ", ".join(tables.METRICS[metric][0] for metric, one in missing.items() if one == file)
        notes.append(f"{tables.without(file)} ({without})")
    if left_out := facts.get("networks_left_out"):
        notes.append(f"features off, so not measured: {', '.join(tables.METRICS[metric][0] for metric in left_out)}")
    lines = [tables.Line(row.name, row.scores, str(first.protocol), missing=missing) for row in rows]
    return lines, title, "; ".join(notes)
