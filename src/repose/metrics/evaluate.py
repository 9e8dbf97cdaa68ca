"""Measure generated pictures under a protocol, beside the real target and the copied source.

```python
evaluation = evaluate("patn-market", Store.open("data/market1501"), GeneratorPictures(generate, name="patn"))
print(evaluation.markdown())
evaluation.append("results/patn.jsonl")
```
"""

from __future__ import annotations

import contextlib
import logging
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from repose import record
from repose.data.store import Store
from repose.metrics.accumulators import FeatureBuffer, PairScores, ReferenceStatistics, Score, ScoreBuffer, scores
from repose.metrics.batches import POOLED, BatchMeasurer, BatchNumbers
from repose.metrics.folder import FolderPictures
from repose.metrics.functional import frechet, kid, padded
from repose.metrics.measure import PixelThreads
from repose.metrics.number_cache import NumberCache, code_checksum, tensor_checksum
from repose.metrics.pairs import MeasuredPairs, as_bytes, as_saved, image_of
from repose.metrics.protocols import Protocol
from repose.metrics.protocols import protocol as find_protocol
from repose.metrics.reference_statistics import ReportProgress, reference_statistics
from repose.metrics.result import REFERENCES, Evaluation, EvaluationRow, require_same
from repose.metrics.settings import EvaluationSettings
from repose.metrics.sources import Generate, PictureSource, as_source
from repose.represent.canvas import canvas

logger = logging.getLogger(__name__)

_CHUNK: Final = 512
"""Pairs whose numbers are saved together: at most so many are measured twice where an evaluation is cut off."""

_RANDOM: Final = "random numbers"


def evaluate(
    protocol: Protocol | str,
    store: Store,
    pictures: PictureSource | Generate | None = None,
    settings: EvaluationSettings | None = None,
    *,
    beside: Evaluation | None = None,
    progress: ReportProgress | None = None,
) -> Evaluation:
    """Measure pictures of the pairs of a split, beside the real target and the copied source.

    Args:
        protocol: a protocol or its name.
        store: the data set.
        pictures: where the generated pictures come from: `GeneratorPictures`, `FolderPictures`, another source, or a
            function of a batch of pairs. None measures the reference rows alone.
        settings: everything else; None takes the defaults.
        beside: an evaluation of the same pairs whose reference rows are taken instead of measured again.
        progress: called after every batch with "pairs", or the name of a network while it runs on the training
            pictures, and with how many are done and how many there are.

    Raises:
        ValueError: the store is on another canvas, the split has no pairs, the protocol compares with training pictures
            and the store has one alone, `settings.keep` is given for a source without origin, `beside` is another
            measurement, or a generated picture has the wrong shape, is not finite or not in [-1, 1] (the text names the
            pair).
        FolderError: files of a folder are missing or cannot be measured.
        KeyError: no such protocol, split, version of features or column.
        FileNotFoundError: a version of features was named and its weight file is not here.
    """
    started = time.perf_counter()
    settings = settings or EvaluationSettings()
    protocol = find_protocol(protocol) if isinstance(protocol, str) else protocol
    protocol = replace(protocol, networks=tuple(dict.fromkeys((*protocol.networks, *settings.also))))
    measured = MeasuredPairs.select(protocol, store, settings.split, settings.limit)
    source = None if pictures is None else as_source(pictures).opened(measured)
    if settings.keep is not None and source is not None and source.origin is None:
        raise ValueError(
            "settings.keep stores numbers by the origin of the pictures, and these pictures have none: give "
            "GeneratorPictures(origin=...), a text that names everything they depend on (weights, settings, device, "
            "code of its own), or leave keep out"
        )
    for warning in () if source is None else source.warnings():
        logger.warning("%s", warning)
    measurer = BatchMeasurer(measured, source, settings)
    if beside is None:
        measurer.warn()
    training = _training_pictures(measurer)
    facts = _facts(measured, source, measurer, settings)
    if beside is not None:
        require_same([beside.line(), {"protocol": str(protocol), **facts}])
    kinds = ([] if beside else ["target", "source"]) + (["generated"] if source else [])
    # sets are compared with the targets, so these are measured also where their row is there already
    work = list(dict.fromkeys([*kinds, *(["target"] if measurer.has_sets else [])]))
    numbers = _measure_pairs(measurer, work, _caches(measurer, facts, settings, work), settings, progress)
    reference = None if training is None else _reference(measurer, training, settings, progress)
    rows = [row for row in beside.rows if row.kind in REFERENCES] if beside else []
    of_sets = _SetScores(measurer, numbers.features, reference, settings.seed)
    for kind in kinds:
        columns = numbers.scores[kind].columns
        measured_scores = scores(columns, seed=settings.seed, blocks=measured.blocks) | of_sets.of(kind)
        rows.append(EvaluationRow(kind, REFERENCES.get(kind, str(facts["model"])), columns, measured_scores))
    numbers.remove()
    facts |= {
        **({"pairs_from_disk": numbers.from_disk} if numbers.from_disk else {}),
        "seconds": round(time.perf_counter() - started, 2),
        "seconds_generating": round(measurer.generating, 2),
        **record.stamp(),
    }
    return Evaluation(protocol, tuple(rows), measured.indices, facts)


def evaluate_folder(
    protocol: Protocol | str,
    store: Store,
    folder: Path | str,
    settings: EvaluationSettings | None = None,
    *,
    strips: bool = False,
    beside: Evaluation | None = None,
    progress: ReportProgress | None = None,
) -> Evaluation:
    """`evaluate` of the pictures of a folder: see `repose.metrics.FolderPictures`, which `strips` is a setting of."""
    pictures = FolderPictures(Path(folder), strips)
    return evaluate(protocol, store, pictures, settings, beside=beside, progress=progress)


# -- inside: the pairs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Numbers:
    """What was measured of all pairs, by kind of picture."""

    scores: Mapping[str, ScoreBuffer]
    features: Mapping[str, FeatureBuffer]
    caches: Mapping[str, NumberCache]
    from_disk: int

    def remove(self) -> None:
        """Delete the numbers of generated pictures from the disk: the evaluation is complete."""
        if "generated" in self.caches:
            self.caches["generated"].remove()


def _facts(
    measured: MeasuredPairs, source: PictureSource | None, measurer: BatchMeasurer, settings: EvaluationSettings
) -> dict[str, Any]:
    """What a result line tells before anything is measured."""
    protocol, store = measured.protocol, measured.store
    return {
        "model": None if source is None else source.name,
        "recipe": None if source is None else source.recipe,
        "weights": None if source is None else source.weights,
        **({} if source is None else source.facts()),
        "data": store.dataset,
        "checksum": store.checksum,
        "split": measured.split,
        "pairs": len(measured),
        "pairs_in_split": len(MeasuredPairs.select(protocol, store, measured.split)),
        "directions": protocol.directions,
        **measurer.facts(),
        "seed": settings.seed,
    }


def _caches(
    measurer: BatchMeasurer, facts: Mapping[str, Any], settings: EvaluationSettings, kinds: Sequence[str]
) -> dict[str, NumberCache]:
    """Where the numbers of each kind of picture are kept."""
    folder, source = None if settings.keep is None else Path(settings.keep), measurer.source
    caches = {kind: NumberCache(folder, _key(measurer, facts, None)) for kind in kinds}
    if "generated" in kinds and source is not None:
        origin = (
            f"{source.name}, {source.recipe}, {source.weights}, {source.origin}, batches of {settings.batch}, "
            f"seed {settings.seed}"
        )
        caches["generated"] = NumberCache(folder, _key(measurer, facts, origin))
    return caches


def _key(measurer: BatchMeasurer, facts: Mapping[str, Any], origin: str | None) -> dict[str, Any]:
    """All that the numbers of a kind of picture depend on."""
    names = ("data", "checksum", "estimator", "features", "networks", "networks_missing", "directions")
    return {
        "protocol": asdict(measurer.measured.protocol),
        "code": code_checksum(),
        "torch": torch.__version__,
        "device": str(measurer.device),
        "pairs": tensor_checksum(measurer.measured.indices),
        "pictures": origin,
        **{name: facts.get(name) for name in names},
    }


def _measure_pairs(
    measurer: BatchMeasurer,
    kinds: Sequence[str],
    caches: Mapping[str, NumberCache],
    settings: EvaluationSettings,
    progress: ReportProgress | None,
) -> _Numbers:
    """Measure all pairs, chunk by chunk, but for chunks whose numbers are on the disk."""
    pairs = measurer.measured.indices
    buffers = {kind: ScoreBuffer(len(pairs)) for kind in kinds}
    features = {kind: FeatureBuffer(len(pairs)) for kind in kinds}
    from_disk = 0
    with torch.no_grad(), torch.random.fork_rng(_gpus()), PixelThreads(measurer.device) as threads:
        torch.manual_seed(settings.seed)
        for begin in range(0, len(pairs), _CHUNK):
            end = min(begin + _CHUNK, len(pairs))
            chunk = {kind: cache.load(_chunk_name(kind, begin, end)) for kind, cache in caches.items()}
            from_disk += end - begin if chunk.get("generated") else 0
            lacking = [kind for kind in kinds if chunk[kind] is None]
            parts: dict[str, list[dict[str, Tensor]]] = {kind: [] for kind in lacking}
            done = begin
            for indices in torch.split(pairs[begin:end], settings.batch) if lacking else ():  # (B, 2) each
                for kind, numbers in measurer.batch(indices, lacking, threads).items():
                    parts[kind].append(_flat(numbers))
                done += len(indices)
                if progress is not None:
                    progress("pairs", done, len(pairs))
            for kind in lacking:
                whole = {name: torch.cat([part[name] for part in parts[kind]]) for name in parts[kind][0]}
                chunk[kind] = whole | {_RANDOM: torch.get_rng_state()}
                caches[kind].save(_chunk_name(kind, begin, end), chunk[kind] or {})
            if "generated" in kinds and "generated" not in lacking:
                torch.set_rng_state((chunk["generated"] or {})[_RANDOM])  # so that the next chunk draws what follows
            for kind in kinds:
                numbers = _unflat(chunk[kind] or {})
                buffers[kind].put(begin, numbers.columns)
                features[kind].put(begin, numbers.features)
            if progress is not None and not lacking:
                progress("pairs", end, len(pairs))
    return _Numbers(buffers, features, caches, from_disk)


def _chunk_name(kind: str, begin: int, end: int) -> str:
    return f"{kind}-{begin:06d}-{end:06d}"


def _flat(numbers: BatchNumbers) -> dict[str, Tensor]:
    """The numbers of a batch as tensors by name, for the disk."""
    flat = {f"value {name}": column.values for name, column in numbers.columns.items()}
    flat |= {f"weight {name}": column.weights for name, column in numbers.columns.items()}
    return flat | {f"features {name}": features.cpu() for name, features in numbers.features.items()}


def _unflat(flat: Mapping[str, Tensor]) -> BatchNumbers:
    names = [name.removeprefix("value ") for name in flat if name.startswith("value ")]
    columns = {name: PairScores(flat[f"value {name}"], flat[f"weight {name}"]) for name in names}
    features = {name.removeprefix("features "): part for name, part in flat.items() if name.startswith("features ")}
    return BatchNumbers(columns, features)


def _gpus() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []


# -- inside: scores of sets ------------------------------------------------------------------------------------------


class _SetScores:
    """The columns of sets, each the mean of the directions'.

    Args:
        measurer: its networks and pairs.
        features: of every kind of picture.
        reference: statistics of the training pictures, or None.
        seed: of KID's subsets.
    """

    def __init__(
        self,
        measurer: BatchMeasurer,
        features: Mapping[str, FeatureBuffer],
        reference: ReferenceStatistics | None,
        seed: int,
    ) -> None:
        self.measurer, self.features, self.reference, self.seed = measurer, features, reference, seed
        measured = measurer.measured
        self.directions = measured.directions if measurer.has_sets else []
        self.distinct = [features["target"].part(measured.first(positions)) for positions in self.directions]

    def of(self, kind: str) -> dict[str, Score]:
        """The scores of one kind of picture, without intervals."""
        each: list[dict[str, Score]] = []
        for positions, distinct in zip(self.directions, self.distinct, strict=True):
            pictures = self.features[kind].part(positions)
            targets = None if kind == "target" else distinct
            each.append(self.measurer.networks.set_scores(pictures, targets, self.reference, self.seed))
            if self.measurer.features is not None and len(positions) > 1:
                each[-1] |= self._feature_distances(pictures, targets, self.features["target"].part(positions))
        return {
            name: Score(sum(one[name].value for one in each) / len(each), math.nan, math.nan)
            for name in (each[0] if each else ())
        }

    def _feature_distances(
        self, pictures: FeatureBuffer, distinct: FeatureBuffer | None, targets: FeatureBuffer
    ) -> dict[str, Score]:
        """FD to the targets as the pairs have them, KD to each target once; 0 for the targets themselves."""
        fd = kd = 0.0
        if distinct is not None:
            fd = frechet(pictures.features[POOLED], targets.features[POOLED])
            kd = math.nan
            if distinct.count > 1:
                kd = kid(pictures.features[POOLED], distinct.features[POOLED], seed=self.seed)[0]
        return {"fd": Score(fd, math.nan, math.nan), "kd": Score(kd, math.nan, math.nan)}


def _training_pictures(measurer: BatchMeasurer) -> Tensor | None:
    """The indices of all training pictures, (N,), where a column is compared with them; else None.

    In a store without training pictures these columns are left out, and `networks.missing` tells why.

    Raises:
        ValueError: the store has a single training picture.
    """
    columns, store = measurer.networks.chosen(reference="train"), measurer.measured.store
    if not columns:
        return None
    if "train" not in store.splits:
        measurer.networks.leave_out(columns, "not measured: no pictures of split 'train'")
        return None
    indices = store.split("train")
    if len(indices) < 2:
        raise ValueError(
            f"{store.folder}: split 'train' has one picture, and the statistics for {', '.join(columns)} need two; "
            "pack more training pictures, or leave the networks out (features=False)"
        )
    return indices


def _reference(
    measurer: BatchMeasurer, indices: Tensor, settings: EvaluationSettings, progress: ReportProgress | None
) -> ReferenceStatistics:
    """The statistics of the training pictures, with the protocol's padding but for the networks that see none."""
    protocol, store, networks = measurer.measured.protocol, measurer.measured.store, measurer.networks
    frame = canvas(protocol.canvas).frame

    def bare(start: int, stop: int) -> Tensor:
        return as_saved(protocol, as_bytes(image_of(frame(store.person(indices[start:stop], ("image",))))))

    def wide(start: int, stop: int) -> Tensor:
        return padded(bare(start, stop), protocol.padding, protocol.fill)

    with contextlib.ExitStack() as stack:
        if settings.keep is not None:
            folder = Path(settings.keep) / "statistics"
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        parts = []
        for read, unpadded in ((wide, False), (bare, True)):
            names = [name for name in networks.training_networks() if (name in protocol.unpadded) == unpadded]
            if names:
                parts.append(reference_statistics(networks, read, len(indices), folder, progress, names))
    whole = {name: moments for part in parts for name, moments in part.moments.items()}
    return replace(parts[0], moments=whole)
