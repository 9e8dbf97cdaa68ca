"""Columns of the field that need a trained network: Inception Score, FID, KID, LPIPS, detection score.

`MetricNetworks` holds the networks whose weight files are here and runs them on every picture of an evaluation once. A
column whose file is not to be had is named in `MetricNetworks.missing`, and the others are measured.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from repose.metrics.accumulators import FeatureBuffer, PairScores, ReferenceStatistics, Score
from repose.metrics.columns import COLUMNS, require_network_columns
from repose.metrics.functional import frechet, inception_score, kid
from repose.metrics.functional.perceptual import consistency
from repose.metrics.functional.pictures import ValueRange, as_grey_levels
from repose.metrics.person_networks import PersonNetwork, attributes_kept
from repose.metrics.picture_networks import LpipsNetwork, Network, NetworkMissingError, build_network
from repose.nn import inception

GREY: Final = 127
"""What pictures hold outside of the clothes, for columns of clothes alone."""

REAL: Final = ("target", "source")
"""Kinds of pictures that come several times in a list of pairs; their outputs are remembered."""


@dataclass
class NetworkOutputs:
    """The outputs of the networks for B pictures of one kind.

    Attributes:
        columns: of single pairs, each of length B.
        features: for scores of sets, float32 (B, D) by `Column.buffer`, for `FeatureBuffer.put`.
    """

    columns: dict[str, PairScores] = field(default_factory=dict)
    features: dict[str, Tensor] = field(default_factory=dict)


class MetricNetworks:
    """The networks of some columns. `MetricNetworks.load` makes one.

    Attributes:
        columns: those that can be measured.
        missing: column -> the file or package that is not here, or "not measured: ..." for another reason.
        details: column -> where it was searched and what to do.
    """

    def __init__(
        self,
        networks: Mapping[str, Network],
        columns: Sequence[str],
        missing: Mapping[str, str],
        details: Mapping[str, str],
    ) -> None:
        self._networks = dict(networks)
        self.columns = tuple(columns)
        self.missing = dict(missing)
        self.details = dict(details)
        self._remembered: dict[tuple[str, bytes], Tensor] = {}

    @classmethod
    def load(cls, columns: Sequence[str], device: torch.device | str = "cpu") -> MetricNetworks:
        """The networks of these columns, as far as their files are here.

        Raises:
            KeyError: there is no such column of a network; the text names the nearest.
            ValueError: a weight file is of another network.
        """
        require_network_columns(columns)
        networks: dict[str, Network] = {}
        absent: dict[str, tuple[str, str]] = {}
        for name in dict.fromkeys(_network(column) for column in columns):
            try:
                networks[name] = build_network(name, torch.device(device))
            except NetworkMissingError as error:
                absent[name] = (error.what, str(error))
        return cls(
            networks,
            [column for column in columns if _network(column) in networks],
            {column: absent[_network(column)][0] for column in columns if _network(column) in absent},
            {column: absent[_network(column)][1] for column in columns if _network(column) in absent},
        )

    def leave_out(self, columns: Sequence[str], reason: str) -> None:
        """Do not measure some columns. `missing` gets the reason; networks that no other column needs are freed."""
        self.missing |= {column: reason for column in self.columns if column in columns}
        self.columns = tuple(column for column in self.columns if column not in columns)
        needed = {_network(column) for column in self.columns}
        self._networks = {name: network for name, network in self._networks.items() if name in needed}

    def leave_out_small_sets(self, count: int, targets: int) -> None:
        """Leave out the columns of sets that need more pictures than there are.

        Args:
            count: generated pictures. targets: different real targets.
        """
        for name in self.columns:
            column = COLUMNS[name]
            there = min(count, targets) if column.reference == "target" else count
            if column.of == "set" and there < column.least:
                self.leave_out([name], f"not measured: {there} pictures, and it takes {column.least}")

    def chosen(self, **fields: object) -> list[str]:
        """The columns whose fields have these values, such as `masked=True`."""
        return [name for name in self.columns if all(getattr(COLUMNS[name], key) == fields[key] for key in fields)]

    def facts(self) -> dict[str, dict[str, str]]:
        """For the result line: the network of each column, and why columns are missing."""
        facts = {"networks": {column: _network(column) for column in self.columns}}
        return facts | ({"networks_missing": dict(self.missing)} if self.missing else {})

    @torch.no_grad()
    def run(
        self,
        pictures: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        people: Mapping[str, Tensor] | None = None,
        kinds: Sequence[str] | None = None,
        unpadded: Sequence[str] = (),
        clothes: Mapping[str, Tensor] | None = None,
    ) -> dict[str, NetworkOutputs]:
        """Run every network on every kind of picture.

        Args:
            pictures: kind -> uint8 (B, 3, H, W); the kind "target" is what LPIPS compares the others with.
            masks: kind -> uint8 (B, 1, H, W), 0 or 1, for columns of masked pictures.
            people: the same pictures without padding, for networks of people; None: `pictures`. A column is left out
                if the kind that it compares with (`references`) is not among them.
            kinds: that are measured; None: all of `pictures`.
            unpadded: the networks that see `people` in place of `pictures`.
            clothes: kind -> uint8 (B, 1, H, W), 0 or 1, where clothes are in `people`; None leaves their columns out.
        """
        bare = pictures if people is None else people
        pictures = {kind: of_kind for kind, of_kind in pictures.items() if kinds is None or kind in kinds} | {
            kind: pictures[kind] for kind in ("target",) if kind in pictures
        }
        outputs = {kind: NetworkOutputs() for kind in pictures}
        with_padding = pictures
        for name, network in self._networks.items():
            pictures = with_padding
            if name in unpadded:
                pictures = {kind: bare[kind].to(one.device) for kind, one in with_padding.items()}
            columns = [COLUMNS[column] for column in self.columns if _network(column) == name]
            if isinstance(network, LpipsNetwork):
                for kind, distance in network.distances(pictures).items():
                    outputs[kind].columns |= {column.name: PairScores.mean_of(distance) for column in columns}
                continue
            if all(column.of == "pair" for column in columns):  # networks of people
                for column in columns:
                    if column.reference is None or column.reference not in bare:
                        continue
                    if column.covers and clothes is None:
                        continue
                    covers = clothes if column.covers else None
                    reference = self._people(name, column.reference, bare, covers)
                    for kind in pictures:
                        scores = _compared(column.statistic, self._people(name, kind, bare, covers), reference)
                        if covers is not None:
                            seen = [covers[one].flatten(1).any(1).cpu() for one in (kind, column.reference)]
                            counts = (seen[0] & seen[1]).double()
                            scores = PairScores(scores.values * counts, counts)
                        outputs[kind].columns[column.name] = scores
                continue
            of_pictures = [column for column in columns if column.of == "picture"]
            for kind, of_kind in pictures.items():
                if of_pictures:
                    values = self._outputs(name, kind, of_kind)[:, 0].double()
                    outputs[kind].columns |= {column.name: PairScores.mean_of(values) for column in of_pictures}
                for masked in (False, True):
                    wanted = {c.part: c.buffer for c in columns if c.of == "set" and c.masked == masked}
                    if not wanted or (masked and (masks is None or kind not in masks)):
                        continue
                    shown = of_kind * masks[kind].to(of_kind.device) if masked and masks is not None else of_kind
                    rows = self._outputs(name, kind, shown)
                    parts = {"features": rows[:, : inception.FEATURES], "logits": rows[:, inception.FEATURES :]}
                    outputs[kind].features |= {buffer: parts[part] for part, buffer in wanted.items()}
        return outputs

    def set_scores(
        self,
        pictures: FeatureBuffer,
        targets: FeatureBuffer | None,
        reference: ReferenceStatistics | None = None,
        seed: int = 0,
    ) -> dict[str, Score]:
        """The columns of sets. They have no interval: drawing a set anew raises all of them.

        Args:
            pictures: the features of the pictures.
            targets: of the real targets, each of them once; None if `pictures` are the targets themselves, whose
                distance to the targets is 0.
            reference: of the training pictures; None leaves out the columns that are compared with them.
            seed: of KID's subsets.

        Raises:
            ValueError: `reference` lacks one of the networks.
        """
        values: dict[str, float] = {}
        for name in self.chosen(of="set"):
            column = COLUMNS[name]
            if column.reference is None:
                if column.buffer in pictures.features:
                    values[name] = inception_score(pictures.features[column.buffer], column.splits)[0]
            elif column.reference == "train":
                if reference is not None:
                    values[name] = frechet(pictures.moments(column.buffer), reference.of(_network(name)))
            elif targets is None:
                values[name] = 0.0
            elif column.statistic == "kid":
                one, other = pictures.features[column.buffer], targets.features[column.buffer]
                values[name] = kid(one, other, seed=seed)[0]
            else:
                values[name] = frechet(pictures.moments(column.buffer), targets.moments(column.buffer))
        return {column: Score(value, math.nan, math.nan) for column, value in values.items()}

    def features(self, network: str, pictures: Tensor) -> Tensor:
        """The features (B, 2048), float32, of one of the Inception networks; not remembered."""
        return self._outputs(network, "", pictures)[:, : inception.FEATURES]

    def references(self) -> tuple[str, ...]:
        """The kinds of real pictures that networks of people compare with: "source", "target", or none."""
        columns = [COLUMNS[name] for name in self.chosen(of="pair") if COLUMNS[name].statistic != "lpips"]
        return tuple(dict.fromkeys(column.reference for column in columns if column.reference is not None))

    def training_networks(self) -> tuple[str, ...]:
        """The networks whose columns are compared with the training pictures."""
        return tuple(dict.fromkeys(_network(column) for column in self.chosen(reference="train")))

    def _people(
        self, name: str, kind: str, people: Mapping[str, Tensor], covers: Mapping[str, Tensor] | None
    ) -> Tensor:
        """The outputs (B, D) for pictures of a kind, grey outside of a region if there is one."""
        pictures = people[kind]
        if covers is not None:
            pictures = torch.where(covers[kind].to(pictures.device).bool(), pictures, GREY)
        return self._outputs(name, kind, pictures)

    def _outputs(self, name: str, kind: str, pictures: Tensor) -> Tensor:
        """The outputs (B, D) of a network; of real pictures only new ones go through it."""
        network = self._networks[name]
        assert not isinstance(network, LpipsNetwork)
        if kind not in REAL:
            return torch.cat([network.outputs(part) for part in torch.split(pictures, network.batch)])
        remembered = self._remembered
        if isinstance(network, PersonNetwork):
            remembered = network.seen  # the next model of a comparison needs it again
        keys = [(name, hashlib.sha1(picture.numpy().tobytes()).digest()) for picture in pictures.cpu().contiguous()]
        new = {key: at for at, key in enumerate(keys) if key not in remembered}
        if new:
            fresh = pictures[list(new.values())]
            outputs = torch.cat([network.outputs(part) for part in torch.split(fresh, network.batch)])
            remembered.update(zip(new, outputs, strict=True))
        return torch.stack([remembered[key] for key in keys])


def network_metric(
    column: str,
    generated: Tensor,
    target: Tensor | None = None,
    *,
    value_range: ValueRange | None = None,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Tensor | float:
    """One column of a network alone, of pictures: LPIPS, a detection score, Inception Score, FID or KID.

    >>> network_metric("lpips_alex", generated, target, value_range=(-1, 1))  # doctest: +SKIP
    tensor([0.2140, 0.1872], dtype=torch.float64)

    Args:
        column: of `repose.metrics.COLUMNS`, such as "lpips_alex", "ds", "is_tf10" or "fid_clean_test"; `range` there
            tells which values it can have.
        generated: (B, 3, H, W), uint8, or any other type together with `value_range`; it is rounded to uint8.
        target: the pictures to compare with, likewise; for FID and KID another number of them is allowed. None if
            the column has no reference.
        value_range: the values that mean black and white, such as (-1, 1).
        device: where the network computes.
        seed: of KID's subsets.

    Returns:
        float64 (B,) for a column of pairs or pictures; one number for a column of sets.

    Raises:
        KeyError: no such column; the text names the nearest.
        FileNotFoundError: a weight file or a package is not here; the text says where it was searched and what to do.
        ValueError: too few pictures, no target where one is needed, a column that needs masks or training pictures, or
            as `repose.metrics.functional.pictures.grey_levels`.
    """
    require_network_columns((column,))
    spec = COLUMNS[column]
    if needs := "masks" if spec.masked or spec.covers else "training pictures" if spec.reference == "train" else "":
        raise ValueError(f"{column} needs {needs}: measure it by `evaluate`")
    if spec.reference is not None and target is None:
        raise ValueError(f"{column} compares with a target: give target=...")
    networks = MetricNetworks.load((column,), device)
    if networks.missing:
        raise FileNotFoundError(networks.details[column])
    pictures = {"generated": _as_uint8(generated, value_range, "generated")}
    pictures["target"] = pictures["generated"] if target is None else _as_uint8(target, value_range, "target")
    if spec.reference == "source":
        pictures["source"] = pictures["target"]
    if spec.of != "set":
        outputs = networks.run(pictures if spec.of == "pair" else {"generated": pictures["generated"]})
        return outputs["generated"].columns[column].values
    networks.leave_out_small_sets(len(generated), len(pictures["target"]))
    if networks.missing:
        raise ValueError(f"{column}, {networks.missing[column]}")
    buffers = {kind: FeatureBuffer(len(of_kind)) for kind, of_kind in pictures.items()}
    for kind, of_kind in pictures.items():
        buffers[kind].put(0, networks.run({kind: of_kind})[kind].features)
    return networks.set_scores(buffers["generated"], buffers["target"], seed=seed)[column].value


def _compared(statistic: str, pictures: Tensor, references: Tensor) -> PairScores:
    """The column of pairs of what a network of people says of pictures and references, (B, D) each."""
    if statistic == "attributes":
        return PairScores(*attributes_kept(pictures, references))
    return PairScores.mean_of(consistency(pictures, references))


def _network(column: str) -> str:
    """The network of a column."""
    name = COLUMNS[column].network
    assert name is not None
    return name


def _as_uint8(pictures: Tensor, value_range: ValueRange | None, name: str) -> Tensor:
    levels = as_grey_levels(pictures, value_range, name)
    return levels if levels.dtype == torch.uint8 else levels.round().clamp(0, 255).to(torch.uint8)
