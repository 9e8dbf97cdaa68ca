"""Everything that a protocol measures of a batch of pairs: its networks and estimator are loaded once."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from repose.estimate import Cached, KeypointEstimator
from repose.estimate import estimator as find_estimator
from repose.metrics.accumulators import PairScores
from repose.metrics.columns import REPLACED, require_network_columns
from repose.metrics.features import FeatureOutputs, clothes_mask, clothes_region, load_features, person_mask
from repose.metrics.functional import padded
from repose.metrics.measure import PixelThreads, feature_columns, joint_columns, joints_of, mask_of
from repose.metrics.networks import MetricNetworks, NetworkOutputs
from repose.metrics.pairs import MeasuredPairs
from repose.metrics.settings import EvaluationSettings
from repose.metrics.sources import PictureSource
from repose.person import Pair

POOLED: Final = "mobilenet_v2 pooled"
"""Name of the features of `repose.metrics.features` in a `FeatureBuffer`."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchNumbers:
    """What was measured of B pictures of one kind.

    Attributes:
        columns: column -> numbers of the pairs.
        features: float32 or float64 (B, D) by name, for the scores of sets.
    """

    columns: Mapping[str, PairScores]
    features: Mapping[str, Tensor]


class BatchMeasurer:
    """Measures batches of pairs.

    Args:
        measured: the pairs, of whose protocol the columns are.
        source: of the generated pictures, ready for these pairs; None if only real ones are measured.
        settings: device, features and estimator.

    Raises:
        KeyError: no such version of features, column or estimator.
        FileNotFoundError: a version of features was named and its weight file is not here.

    Attributes:
        generating: seconds that the source has taken.
    """

    def __init__(self, measured: MeasuredPairs, source: PictureSource | None, settings: EvaluationSettings) -> None:
        self.measured, self.source = measured, source
        self.device = torch.device(settings.device)
        self.features, self._feature_facts = load_features(settings.features, self.device)
        require_network_columns(measured.protocol.networks)
        self._without_networks = settings.features is False
        self.networks = MetricNetworks.load(() if self._without_networks else measured.protocol.networks, self.device)
        self._leave_out()
        self.estimator = _estimator(settings)
        self.real_estimator = self.estimator  # real pictures come several times, generated ones once
        if self.estimator is not None and settings.joints is not None:
            self.real_estimator = Cached(self.estimator, Path(settings.joints))
        of_clothes = self.features is not None or bool(self.networks.chosen(covers="clothes"))
        parsing = ("parsing",) if of_clothes and "parsing" in measured.store.fields else ()
        self._fields = tuple(dict.fromkeys((*(source.fields if source else ()), "image", "keypoints", *parsing)))
        self.generating = 0.0

    def warn(self) -> None:
        """Log where the files of missing columns were searched and what to do."""
        for detail in dict.fromkeys(self.networks.details.values()):
            logger.warning("%s", detail)

    def facts(self) -> dict[str, Any]:
        """For the result line: estimator, features and networks, and which columns are missing and why."""
        networks = self.measured.protocol.networks
        return {
            "estimator": None if self.estimator is None else self.estimator.name,
            **self._feature_facts,
            **{key: fact for key, fact in self.networks.facts().items() if fact},
            **({"networks_left_out": list(networks)} if self._without_networks and networks else {}),
        }

    @property
    def has_sets(self) -> bool:
        """Whether any column is a score of sets, which are compared with the targets."""
        return self.features is not None or bool(self.networks.chosen(of="set"))

    def batch(self, indices: Tensor, kinds: Sequence[str], threads: PixelThreads) -> dict[str, BatchNumbers]:
        """Measure the pictures of some pairs.

        Args:
            indices: int64 (B, 2).
            kinds: of "target", "source" and "generated".
            threads: compute the columns of pixels.
        """
        protocol = self.measured.protocol
        pair, shown = self.measured.read(indices, self._fields)
        if "generated" in kinds and self.source is not None:
            began = time.perf_counter()
            shown["generated"] = self.source.pictures(indices, pair)
            self.generating += time.perf_counter() - began
        mask = mask_of(protocol, pair.target)
        on_target = None if self.real_estimator is None else joints_of(self.real_estimator, shown["target"])
        features = self._feature_outputs(shown, pair, (*kinds, "target", "source"))
        outputs = self._network_outputs(shown, pair, kinds, mask)
        numbers = {}
        for kind in kinds:
            picture, target = shown[kind].to(self.device), shown["target"].to(self.device)
            columns = threads.columns(protocol, picture, target, mask, pair.target.keypoints)
            if self.estimator is not None and self.real_estimator is not None and on_target is not None:
                estimator = self.estimator if kind == "generated" else self.real_estimator
                predicted = on_target if kind == "target" else joints_of(estimator, shown[kind])
                columns |= joint_columns(protocol, predicted, on_target, pair.target.keypoints)
            columns |= outputs[kind].columns
            pooled = {}
            if features:
                by_features = feature_columns(features[kind], features["target"], features["source"])
                replaced = REPLACED if "identity_reid" in self.networks.columns else ()
                columns |= {name: scores for name, scores in by_features.items() if name not in replaced}
                pooled[POOLED] = features[kind].whole
            numbers[kind] = BatchNumbers(columns, {**outputs[kind].features, **pooled})
        return numbers

    def _leave_out(self) -> None:
        """Leave out columns that these pairs cannot have."""
        measured = self.measured
        directions = measured.directions
        targets = min(len(measured.first(positions)) for positions in directions)
        self.networks.leave_out_small_sets(len(directions[0]), targets)
        if measured.protocol.mask is None:
            masked = self.networks.chosen(masked=True)
            self.networks.leave_out(masked, f"not measured: {measured.protocol} has no mask")

    def _feature_outputs(
        self, shown: Mapping[str, Tensor], pair: Pair, kinds: Sequence[str]
    ) -> dict[str, FeatureOutputs]:
        """The features of each kind of picture; its people are searched where the pose of the picture is."""
        outputs = {}
        for kind in dict.fromkeys(kinds) if self.features is not None else ():
            person = pair.source if kind == "source" else pair.target
            clothes = None if person.parsing is None else clothes_mask(person)
            assert self.features is not None
            outputs[kind] = self.features.run(shown[kind], person_mask(person), clothes)
        return outputs

    def _network_outputs(
        self, shown: Mapping[str, Tensor], pair: Pair, kinds: Sequence[str], mask: Tensor | None
    ) -> dict[str, NetworkOutputs]:
        """The outputs of the protocol's networks: of pictures with its padding, and of people without it."""
        if not self.networks.columns:
            return {kind: NetworkOutputs() for kind in kinds}
        protocol = self.measured.protocol
        needed = dict.fromkeys((*kinds, "target", *self.networks.references()))
        people = {kind: shown[kind] for kind in needed}
        wide = {kind: padded(one, protocol.padding, protocol.fill).to(self.device) for kind, one in people.items()}
        masks = None
        if mask is not None:
            masks = {kind: padded(mask, protocol.padding, 0).to(self.device) for kind in ("target", "generated")}
        clothes = None
        if self.networks.chosen(covers="clothes"):
            of_pair = {"source": clothes_region(pair.source), "target": clothes_region(pair.target)}
            clothes = {kind: of_pair["source" if kind == "source" else "target"] for kind in people}
        return self.networks.run(wide, masks, people, kinds, protocol.unpadded, clothes)


def _estimator(settings: EvaluationSettings) -> KeypointEstimator | None:
    if isinstance(settings.estimator, str):
        return find_estimator(settings.estimator)
    return settings.estimator
