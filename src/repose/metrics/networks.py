"""Metrics of the field that need somebody's trained network: Inception Score, FID, KID, LPIPS, detection score.

A `Panel` holds the networks whose weight files are here and sees every picture of an evaluation once. A column whose
file is not to be had is named in `Panel.missing`, and the others are measured.

What decides a column's number (network, resizing, splits, subsets) is fixed under its name; a change is a new name.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import torch
from torch import Tensor

from repose.extras import how_to_install
from repose.hub.fetch import locate
from repose.hub.files import FILES
from repose.metrics.accumulators import Column, Score
from repose.metrics.functional import detection_score, frechet, inception_score, kid, lpips
from repose.metrics.functional.distributions import Moments, moments
from repose.names import nearest
from repose.nn import alexnet, inception, squeezenet, ssd, vgg

if TYPE_CHECKING:
    from repose.metrics.cache import Reference


@dataclass(frozen=True)
class Spec:
    """One column.

    Attributes:
        network: key of `NETWORKS`.
        of: "pair", a number of each pair; "picture", a number of each picture; "set", one of all pictures.
        title: heading of a table.
        better: "higher" or "lower".
        digits: shown after the point.
        notes: what it is, and whose.
    """

    network: str
    of: Literal["pair", "picture", "set"]
    title: str
    better: Literal["higher", "lower"]
    digits: int
    notes: str


COLUMNS: Final[Mapping[str, Spec]] = {
    "is_tf10": Spec("inception_tf@1", "set", "IS", "higher", 3, "TensorFlow's network, mean of 10 splits: PATN"),
    "mask_is_tf10": Spec("inception_tf@1", "set", "mask-IS", "higher", 3, "is_tf10 of the pictures times the mask"),
    "mask_is_tv1": Spec("inception_unit@1", "set", "mask-IS", "higher", 3, "is_tv1 of the pictures times the mask"),
    "is_tv1": Spec("inception_unit@1", "set", "IS", "higher", 3, "torchvision's network, one split: Roy et al."),
    "fid_tv_test": Spec("inception_imagenet@1", "set", "FID (torchvision, test)", "lower", 2, "to the targets"),
    "fid_tv_train": Spec(
        "inception_imagenet@1",
        "set",
        "FID (torchvision, train)",
        "lower",
        2,
        "to the training pictures, as the field has it",
    ),
    "fid_clean_test": Spec("inception_clean@1", "set", "FID (clean, test)", "lower", 2, "clean-fid, to the targets"),
    "fid_clean_train": Spec(
        "inception_clean@1", "set", "FID (clean, train)", "lower", 2, "clean-fid, to the training pictures"
    ),
    "fid_tf_test": Spec("inception_tf@1", "set", "FID (TF1, test)", "lower", 2, "as first defined, to the targets"),
    "fid_tf_train": Spec(
        "inception_tf@1", "set", "FID (TF1, train)", "lower", 2, "as first defined, to the training pictures"
    ),
    "kid_clean_test": Spec(
        "inception_clean@1", "set", "KID (clean, test)", "lower", 4, "100 subsets of 1,000, to the targets"
    ),
    "lpips_alex": Spec("lpips_alex@0.1", "pair", "LPIPS (Alex)", "lower", 3, "version 0.1, pictures at their size"),
    "lpips_vgg": Spec("lpips_vgg@0.1", "pair", "LPIPS (VGG)", "lower", 3, "version 0.1, pictures at their size"),
    "lpips_squeeze": Spec("lpips_squeeze@0.1", "pair", "LPIPS (Squeeze)", "lower", 3, "version 0.1, as they are"),
    "ds": Spec("ssd300_vgg16@1", "picture", "DS (SSD300)", "higher", 3, "SSD300-VGG16 of COCO, not the papers' own"),
    "detection_score": Spec(
        "fastestdet@1", "picture", "DS (FastestDet)", "higher", 3, "a small detector: no paper's number compares"
    ),
}
"""Every column that a protocol can ask for."""


NETWORKS: Final[Mapping[str, tuple[str, ...]]] = {
    "inception_tf@1": (inception.WEIGHTS["tf"],),
    "inception_clean@1": (inception.WEIGHTS["tf"],),
    "inception_unit@1": (inception.WEIGHTS["torchvision"],),
    "inception_imagenet@1": (inception.WEIGHTS["torchvision"],),
    "lpips_alex@0.1": (alexnet.WEIGHTS, "lpips_v0.1_alex.pth"),
    "lpips_vgg@0.1": (vgg.WEIGHTS_16, "lpips_v0.1_vgg.pth"),
    "lpips_squeeze@0.1": (squeezenet.WEIGHTS, "lpips_v0.1_squeeze.pth"),
    "ssd300_vgg16@1": (ssd.WEIGHTS,),
    "fastestdet@1": ("fastestdet_coco.onnx",),
}
"""Network, with the version of everything about it that moves a number -> its weight files."""


def checked(columns: Sequence[str]) -> None:
    """KeyError, with the nearest one, if a column is not in `COLUMNS`."""
    for column in columns:
        if column not in COLUMNS:
            raise KeyError(f"no column of networks is called '{column}'; {nearest(column, COLUMNS)}")


REAL: Final = ("target", "source")
"""Kinds of pictures that come again and again in a list of pairs; what is seen in them is remembered."""

_LPIPS_TAPS: Final = {
    "lpips_alex@0.1": alexnet.TAPS,
    "lpips_vgg@0.1": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
    "lpips_squeeze@0.1": ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
}


@dataclass
class Looked:
    """What the networks made of B pictures of one kind.

    Attributes:
        columns: of single pairs, each of length B.
        rows: what scores of sets are made of, float32 (B, D), for `Pool.put`.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    rows: dict[str, Tensor] = field(default_factory=dict)


class Pool:
    """Rows of `count` pictures of one kind, filled batch by batch."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.rows: dict[str, Tensor] = {}
        self._moments: dict[str, Moments] = {}

    def put(self, start: int, rows: Mapping[str, Tensor]) -> None:
        """The rows of the batch that begins at picture `start`."""
        for name, part in rows.items():
            if name not in self.rows:
                self.rows[name] = torch.full((self.count, part.shape[1]), torch.nan)
            self.rows[name][start : start + len(part)] = part

    def part(self, which: Tensor) -> Pool:
        """The rows of some pictures alone, by their indices (M,)."""
        part = Pool(len(which))
        part.rows = {name: rows[which] for name, rows in self.rows.items()}
        return part

    def moments(self, name: str) -> Moments:
        """Of the rows of that name; computed once."""
        if name not in self._moments:
            self._moments[name] = moments(self.rows[name])
        return self._moments[name]


class Panel:
    """The networks of some columns. Made by `Panel.of`.

    Attributes:
        columns: those that can be measured.
        missing: column -> the file or package that is not here, or "not measured: ..." where that is not why.
        details: column -> where it was looked for and what to do.
    """

    def __init__(
        self,
        networks: Mapping[str, Any],
        columns: Sequence[str],
        missing: Mapping[str, str],
        details: Mapping[str, str],
    ) -> None:
        self._networks = dict(networks)
        self.columns = tuple(columns)
        self.missing = dict(missing)
        self.details = dict(details)
        self._seen: dict[tuple[str, bytes], Tensor] = {}

    @classmethod
    def of(cls, columns: Sequence[str], device: torch.device | str = "cpu") -> Panel:
        """Load the networks of some columns; files that have an address are fetched if need be.

        Raises:
            KeyError: no such column; names the nearest.
            ValueError: a weight file is of another network.
        """
        checked(columns)
        networks: dict[str, Any] = {}
        absent: dict[str, tuple[str, str]] = {}
        for name in dict.fromkeys(COLUMNS[column].network for column in columns):
            try:
                networks[name] = _built(name, torch.device(device))
            except _MissingError as error:
                absent[name] = (error.what, str(error))
        return cls(
            networks,
            [column for column in columns if COLUMNS[column].network in networks],
            {column: absent[COLUMNS[column].network][0] for column in columns if COLUMNS[column].network in absent},
            {column: absent[COLUMNS[column].network][1] for column in columns if COLUMNS[column].network in absent},
        )

    def leave_out(self, columns: Sequence[str], why: str) -> None:
        """Do not measure some columns; `missing` says why, and what no other column needs of the networks goes."""
        self.missing |= {column: why for column in self.columns if column in columns}
        self.columns = tuple(column for column in self.columns if column not in columns)
        needed = {COLUMNS[column].network for column in self.columns}
        self._networks = {name: network for name, network in self._networks.items() if name in needed}

    def enough(self, count: int, targets: int) -> None:
        """Leave out the columns of sets that need more pictures than `count`, or than `targets` (each once)."""
        for column in self.columns:
            least, there = 10 if column.endswith("is_tf10") else 2, count
            if column.endswith("_test"):
                there = min(count, targets)
            if COLUMNS[column].of == "set" and there < least:
                self.leave_out([column], f"not measured: {there} pictures, and it takes {least}")

    def facts(self) -> dict[str, dict[str, str]]:
        """For the result line: the network of each column, and the files that were missing (or what else was)."""
        told = {"networks": {column: COLUMNS[column].network for column in self.columns}}
        return told | ({"weights_missing": dict(self.missing)} if self.missing else {})

    @torch.no_grad()
    def look(self, shown: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None = None) -> dict[str, Looked]:
        """Every kind of picture through every network.

        Args:
            shown: kind -> uint8 (B, 3, H, W); "target" holds what the pictures of the pairs are compared with.
            masks: kind -> uint8 (B, 1, H, W), 0 or 1, for mask-IS.
        """
        found = {kind: Looked() for kind in shown}
        for name, network in self._networks.items():
            wanted = [column for column in self.columns if COLUMNS[column].network == name]
            if isinstance(network, Lpips):
                for kind, distance in network.look(shown).items():
                    found[kind].columns[wanted[0]] = Column.mean_of(distance)
                continue
            for kind, pictures in shown.items():
                if COLUMNS[wanted[0]].of == "picture":
                    scores = self._rows(name, kind, pictures)[:, 0].double()
                    found[kind].columns[wanted[0]] = Column.mean_of(scores)
                    continue
                plain = [column for column in wanted if not column.startswith("mask_")]
                if plain:
                    rows = self._rows(name, kind, pictures)
                    if any(not column.startswith("is_") for column in plain):
                        found[kind].rows[f"{name} features"] = rows[:, : inception.FEATURES]
                    if any(column.startswith("is_") for column in plain):
                        found[kind].rows[f"{name} logits"] = rows[:, inception.FEATURES :]
                if len(plain) < len(wanted) and masks is not None and kind in masks:
                    rows = self._rows(name, kind, pictures * masks[kind].to(pictures.device))
                    found[kind].rows[f"{name} masked logits"] = rows[:, inception.FEATURES :]
        return found

    def scores(
        self, pool: Pool, target: Pool | None, reference: Reference | None = None, seed: int = 0
    ) -> dict[str, Score]:
        """The columns of sets. No interval: drawing a set anew raises all of them.

        Args:
            pool: of the pictures.
            target: of the targets, each of them once, for the columns "..._test"; None where `pool` are the targets
                themselves, whose distance is 0.
            reference: of the training pictures (`repose.metrics.cache`); None leaves the columns "..._train" out.
            seed: of KID's subsets.

        Raises:
            ValueError: `reference` is of another network.
        """
        out: dict[str, float] = {}
        for column in self.columns:
            name = COLUMNS[column].network
            kind, _, against = column.partition("_")
            features = f"{name} features"
            if kind in ("is", "mask"):
                logits, splits = (
                    pool.rows.get(f"{name} {'masked ' * (kind == 'mask')}logits"),
                    10 if "10" in column else 1,
                )
                if logits is not None:
                    out[column] = inception_score(logits, splits)[0]
            elif against.endswith("test") and target is None:
                out[column] = 0.0
            elif kind == "kid" and target is not None:
                out[column] = kid(pool.rows[features], target.rows[features], seed=seed)[0]
            elif kind == "fid" and against.endswith("test") and target is not None:
                out[column] = frechet(pool.moments(features), target.moments(features))
            elif kind == "fid" and reference is not None:
                out[column] = frechet(pool.moments(features), reference.of(name))
        return {column: Score(value, math.nan, math.nan) for column, value in out.items()}

    def features(self, name: str, pictures: Tensor) -> Tensor:
        """The features (B, 2048), float32, of one of the panel's Inception networks; not remembered."""
        return self._rows(name, "", pictures)[:, : inception.FEATURES]

    def networks_of_training(self) -> tuple[str, ...]:
        """The networks that columns "..._train" need statistics of."""
        return tuple(dict.fromkeys(COLUMNS[c].network for c in self.columns if c.endswith("_train")))

    def _rows(self, name: str, kind: str, pictures: Tensor) -> Tensor:
        """(B, D) of a network; of real pictures only those that were not seen before go through it."""
        network: _Eye = self._networks[name]
        if kind not in REAL:
            return torch.cat([network.rows(part) for part in torch.split(pictures, network.at_once)])
        keys = [(name, hashlib.sha1(picture.numpy().tobytes()).digest()) for picture in pictures.cpu().contiguous()]
        new = {key: at for at, key in enumerate(keys) if key not in self._seen}
        if new:
            fresh = pictures[list(new.values())]
            rows = torch.cat([network.rows(part) for part in torch.split(fresh, network.at_once)])
            self._seen.update(zip(new, rows, strict=True))
        return torch.stack([self._seen[key] for key in keys])


# -- the networks ---------------------------------------------------------------------------------------------------


class _Eye(Protocol):
    """A network that sees single pictures."""

    at_once: int
    """Pictures that are fastest together."""

    def rows(self, pictures: Tensor) -> Tensor:
        """uint8 (B, 3, H, W), B up to `at_once` -> float32 (B, D) on the CPU."""
        ...


def _together(device: torch.device, cpu: int) -> int:
    """Pictures at once: on a CPU more than these leave its cache, a GPU takes what it is given."""
    return cpu if device.type == "cpu" else 64


class Inception:
    """Features and logits side by side, (B, 2048 + classes); TensorFlow's logits without bias.

    Args:
        network: of the dialect.
        how: of `repose.nn.inception.prepared`.
    """

    def __init__(
        self, network: inception.InceptionV3, how: Literal["tf", "clean", "unit", "imagenet"], device: torch.device
    ) -> None:
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from the stubs
        self.how = how
        self.device, self.at_once = device, _together(device, 8)

    def rows(self, pictures: Tensor) -> Tensor:
        """See `_Eye`."""
        x = inception.prepared(pictures.to(self.device), self.how).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.network(x)
        logits = self.network.logits(features, bias=self.network.dialect == "torchvision")
        return torch.cat([features, logits], 1).float().cpu()


class Lpips:
    """LPIPS v0.1 on one of its three networks.

    Args:
        network: with the taps of `weights`, taking pictures in [0, 1].
        weights: tap -> (C,).
    """

    def __init__(self, network: torch.nn.Module, weights: Mapping[str, Tensor], device: torch.device) -> None:
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from the stubs
        self.weights = {tap: weight.to(device) for tap, weight in weights.items()}
        self.device, self.at_once = device, _together(device, 4)

    def look(self, shown: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Kind -> distance to the target, float64 (B,)."""
        parts: dict[str, list[Tensor]] = {kind: [] for kind in shown}
        for start in range(0, len(shown["target"]), self.at_once):
            rows = slice(start, start + self.at_once)
            target = self._taps(shown["target"][rows])
            for kind, pictures in shown.items():
                taps = target if kind == "target" else self._taps(pictures[rows])
                parts[kind].append(lpips(taps, target, self.weights).cpu())
        return {kind: torch.cat(part) for kind, part in parts.items()}

    def _taps(self, pictures: Tensor) -> dict[str, Tensor]:
        x = (pictures.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
        found: dict[str, Tensor] = self.network(x)
        return found


class Ssd:
    """Detection score of SSD300."""

    def __init__(self, network: ssd.SSD300, device: torch.device) -> None:
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from the stubs
        self.device, self.at_once = device, _together(device, 4)

    def rows(self, pictures: Tensor) -> Tensor:
        """See `_Eye`."""
        scores, _ = self.network(pictures.to(self.device).float() / 255)
        return detection_score(scores[:, :, ssd.PERSON], ssd.FLOOR)[:, None].float().cpu()


class FastestDet:
    """Detection score of FastestDet through onnxruntime: objectness times the probability of a person, best of 22x22.

    Pictures are padded to a square with grey 127, resized to 352x352 (bilinear), BGR, 0 to 1. Its own example stretches
    them instead, under which an upright 128x64 is hard to tell. Of 30 real photographs of Market-1501, padded and
    stretched: as they are 0.71 and 0.46, blurred 0.04 and 0.00, noise 0.44 and 0.03, patches of 16x16 jumbled 0.48
    and 0.40. So it says that there is something like a person, and little of how good it is.
    """

    at_once = 1

    def __init__(self, file: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def rows(self, pictures: Tensor) -> Tensor:
        """See `_Eye`."""
        height, width = pictures.shape[2:]
        left, top = max(0, height - width), max(0, width - height)
        x = torch.nn.functional.pad(pictures.cpu(), (left // 2, left - left // 2, top // 2, top - top // 2), value=127)
        x = x.float().flip(1) / 255
        x = torch.nn.functional.interpolate(x, size=(352, 352), mode="bilinear", align_corners=False)
        (found,) = self.session.run(None, {self.input: x.numpy()})  # (1, 85, 22, 22): object, box, 80 classes
        places = torch.from_numpy(found).flatten(2)  # (1, 85, 484)
        return detection_score(places[:, 0] * places[:, 5])[:, None].float()


class _MissingError(Exception):
    """A network cannot be had here; `what` is the file or the package."""

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        super().__init__(text)


def _built(name: str, device: torch.device) -> Any:
    """A network of `NETWORKS`. _MissingError: a file or a package is not here."""
    files = []
    for file in NETWORKS[name]:
        try:
            files.append(str(locate(FILES[file])))
        except FileNotFoundError as error:
            raise _MissingError(file, str(error)) from error
    with torch.random.fork_rng(devices=[]):  # a fresh network draws its weights: not from the caller's numbers
        if name.startswith("inception"):
            how = name.partition("@")[0].removeprefix("inception_")
            dialect: inception.Dialect = "tf" if how in ("tf", "clean") else "torchvision"
            return Inception(inception.inception_v3(dialect, files[0]), how, device)  # type: ignore[arg-type]  # of NETWORKS
        if name.startswith("lpips"):
            taps = _LPIPS_TAPS[name]
            build: Mapping[str, Callable[..., torch.nn.Module]] = {
                "lpips_alex@0.1": alexnet.alexnet,
                "lpips_vgg@0.1": vgg.vgg16,
                "lpips_squeeze@0.1": squeezenet.squeezenet,
            }
            return Lpips(build[name](taps, files[0]), lpips_weights(files[1], taps), device)
        if name.startswith("ssd300"):
            return Ssd(ssd.ssd300(files[0]), device)
        try:
            return FastestDet(files[0])
        except ImportError as error:
            raise _MissingError(
                "onnxruntime", f"detection_score needs onnxruntime: {how_to_install('onnx')}"
            ) from error


def lpips_weights(file: str, taps: Sequence[str]) -> dict[str, Tensor]:
    """Tap -> learnt weights (C,) of a file of LPIPS v0.1. ValueError names what is missing."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    names = [f"lin{number}.model.1.weight" for number in range(len(taps))]
    if sorted(state) != sorted(names):
        raise ValueError(f"{file} is no file of LPIPS v0.1 for {len(taps)} taps: {names[0]} to {names[-1]} are wanted")
    return {tap: state[name].flatten() for tap, name in zip(taps, names, strict=True)}
