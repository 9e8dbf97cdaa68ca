"""`export`: a folder with a network's file, what it takes and gives, how it was checked, and a script that uses it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repose.backends import BackendError
from repose.backends.network import guarded
from repose.exporting import consumer
from repose.exporting.checks import CheckedRun, Checks, difference, grey_levels, largest_lpips
from repose.exporting.documents import described, readme
from repose.exporting.examples import drawn_people
from repose.exporting.inputs import InputTensor, input_tensors
from repose.exporting.settings import DYNAMIC, ExportSettings
from repose.exporting.writing import Network, write_network
from repose.models.weights import find_weights, lineage
from repose.person import Person
from repose.pipeline import Model, load
from repose.pipeline.fields import complete_pose, complete_target
from repose.tensor_files import write_text

OUTPUTS: Final = ("person", "still")
"""What is exported beside the picture where the network gives it: with them a result is put into a photograph."""

_FILES: Final = ("model.json", "check.json", "README.md", "use.py", "example.npz")


@dataclass(frozen=True)
class Exported:
    """What `export` wrote.

    Attributes:
        folder: with everything. files: the network's, the one that is opened first. description: model.json.
        checks: None where nothing was checked.
    """

    folder: Path
    files: tuple[Path, ...]
    description: dict[str, Any]
    checks: Checks | None

    @property
    def megabytes(self) -> float:
        """Of the network's files, 10^6 bytes."""
        return sum(path.stat().st_size for path in self.files) / 1e6


def export(
    model: Model | str | Path,
    folder: Path | str,
    settings: ExportSettings | None = None,
    people: tuple[Person, Person] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Write a model's network for another runtime, checked against PyTorch.

    Args:
        model: a loaded model, on the CPU; or the name of weights or a folder, see `repose.load`.
        folder: gets the network's file or files, model.json, README.md, use.py with example.npz, and check.json. It
            must not exist, be empty, or hold an earlier export, which is replaced.
        settings: format, size, batch, precision; ONNX of any batch at the model's canvas without.
        people: a source and a target, each unbatched on their own photograph, as `repose.read_person` and
            `repose.read_pose` give them: a further check, and the example of use.py. Drawn people without.
        say: called with a line of text at each step.

    Raises:
        ValueError: settings that do not fit the network, or a folder that holds something else.
        BackendError: a package is missing, the format's library refuses the network, or the pictures differ from
            PyTorch's more than is allowed (`settings.force` writes them nevertheless). Nothing is written then.
    """
    settings = ExportSettings() if settings is None else settings
    loaded = model if isinstance(model, Model) else load(model, "cpu")
    origin = None if isinstance(model, Model) else lineage(find_weights(model))
    folder = Path(folder)
    _require_free(folder)
    network, tensors = _network(loaded, settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        building = Path(place) / "export"
        building.mkdir()
        say(f"{loaded.name}: writing {settings.format}")
        files = write_network(network, settings, building)
        example = _example(loaded, network, people)
        description = described(loaded, network, tensors, settings, files, example.inputs, origin)
        write_text(building / "model.json", json.dumps(description, indent=2, ensure_ascii=False) + "\n")
        checks = None
        if settings.check:
            say(f"{loaded.name}: comparing with PyTorch")
            checks = _checked(building, description, network, settings, example)
            verdict = checks.verdict(settings.precision)
            if verdict and not settings.force:
                raise BackendError(_refusal(verdict, settings))
            description = {**description, "limit": _limit(checks, settings), "equal": not verdict}
            write_text(building / "model.json", json.dumps(description, indent=2, ensure_ascii=False) + "\n")
        document = {"checked": checks is not None, **(checks.document(settings.precision) if checks else {})}
        document["versions"] = description["versions"]
        write_text(building / "check.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        write_text(building / "README.md", readme(description, checks))
        shutil.copyfile(Path(consumer.__file__), building / "use.py")
        example.save(building / "example.npz", description["reads"])
        _replace(building, folder, [*(path.name for path in files), *_FILES])
    return Exported(folder, tuple(folder / path.name for path in files), description, checks)


# -- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Example:
    """Inputs of a network for one source and target: the people (batches of one), and what `encode` gives of them."""

    source: Person
    target: Person
    inputs: dict[str, NDArray[Any]]
    expected: dict[str, NDArray[Any]]
    what: str

    @property
    def person(self) -> dict[str, NDArray[Any]]:
        """What a consumer may compute inputs from, by the names of `consumer.encode`."""
        found = {
            "image": self.source.image,
            "source_joints": self.source.keypoints, "target_joints": self.target.keypoints,
            "source_labels": self.source.parsing, "target_labels": self.target.parsing,
        }  # fmt: skip
        return {name: value.numpy() for name, value in found.items() if value is not None}

    def save(self, path: Path, reads: list[str]) -> None:
        """Write example.npz."""
        arrays = {f"input.{name}": value for name, value in self.inputs.items()}
        arrays |= {f"person.{name}": self.person[name] for name in reads}
        arrays |= {f"expected.{name}": value for name, value in self.expected.items()}
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # the stub takes the names for options


def _network(model: Model, settings: ExportSettings) -> tuple[Network, tuple[InputTensor, ...]]:
    """What is written of a model, and what its inputs are."""
    if model.device.type != "cpu":
        raise ValueError(
            f"a model is exported from the CPU, this one is on {model.device.type}: load it with device cpu"
        )
    generator, size = model.generator, settings.sides(model.generator, model.canvas.size)
    fields = generator.needs.fields

    def encode(count: int, sides: tuple[int, int], seed: int) -> tuple[Tensor, ...]:
        source, target = drawn_people(count, *sides, seed, fields)
        try:
            generator.check(source, target)
        except ValueError as error:
            if settings.size != DYNAMIC or sides == size:
                raise
            raise BackendError(
                f"this network cannot be written with a free size, because not every size suits it ({error}); give "
                "--size HxW, one folder for each size"
            ) from error
        with torch.no_grad():
            return tuple(value.contiguous() for value in generator.encode(source, target))

    examples = encode(1, size, 0)
    with torch.no_grad():
        extra = generator.synthesise(*examples).extra
    tensors = input_tensors(model.recipe.model, generator, len(examples), size[0])
    outputs = ("image", *(name for name in OUTPUTS if name in extra))
    return Network(generator, tuple(tensor.name for tensor in tensors), outputs, encode, size), tensors


def _example(model: Model, network: Network, people: tuple[Person, Person] | None) -> _Example:
    """The example of use.py: the given people, or drawn ones."""
    generator = network.generator
    if people is None:
        source, target = drawn_people(1, *network.size, 1, generator.needs.fields)
        what = "drawn people"
    else:
        (source, _), (target, _) = model.completed(people[0]), complete_target(people[1], generator.needs)
        source, target = model.place(source), model.place(target)
        if not any(getattr(target, name) is not None for name in generator.needs.target if name != "keypoints"):
            target = model.built(target, source)
        target = complete_pose(target, generator.needs)
        source, target = (one.resize(*network.size).batch() for one in (source, target))
        what = "the given photograph and pose"
    source, target = source.only(*generator.needs.source), target.only(*generator.needs.target)
    with torch.no_grad():
        tensors = generator.encode(source, target)
    inputs = dict(zip(network.inputs, (value.contiguous().numpy() for value in tensors), strict=True))
    return _Example(source, target, inputs, _by_torch(network, inputs), what)


def _by_torch(network: Network, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    with torch.no_grad():
        output = network.generator.synthesise(*(torch.from_numpy(inputs[name]) for name in network.inputs))
    return {name: (output.image if name == "image" else output.extra[name]).numpy() for name in network.outputs}


def _checked(
    folder: Path, description: dict[str, Any], network: Network, settings: ExportSettings, example: _Example
) -> Checks:
    """Run the file as a consumer does, beside PyTorch."""
    runs: list[CheckedRun] = []
    pictures: list[tuple[Tensor, Tensor]] = []
    other = "write another --format: onnx and torchscript hold every network of this package"
    with guarded(f"the {settings.format} file does not run", other):
        _, run = consumer.load(folder)

    def compare(inputs: dict[str, NDArray[Any]], wanted: dict[str, NDArray[Any]], what: str) -> None:
        size = (wanted["image"].shape[-2], wanted["image"].shape[-1])
        count = len(wanted["image"])
        advice = other if size == network.size else "give --size HxW, one folder for each size"
        if settings.free_batch and size == network.size and count > 1:
            advice = f"give --batch {count}, or {other}"
        tried = f"{count} {'picture' if count == 1 else 'pictures'} of {size[0]}x{size[1]}"
        with guarded(f"the {settings.format} file does not run with {tried}", advice):
            got = run(inputs)
            outputs = {name: difference(got[name], wanted[name]) for name in network.outputs}
        runs.append(CheckedRun(count, size, what, outputs))
        pairs = zip(map(torch.from_numpy, got["image"]), map(torch.from_numpy, wanted["image"]), strict=True)
        pictures.extend(pairs)

    fixed = settings.pictures if not settings.free_batch else 1
    repeated = {name: np.repeat(value, fixed, 0) for name, value in example.inputs.items()}
    expected = {name: np.repeat(value, fixed, 0) for name, value in example.expected.items()}
    compare(repeated, expected, example.what)
    for count, size in _shapes(network, settings):
        values = network.encode(count, size, 2 + count)
        inputs = dict(zip(network.inputs, (value.numpy() for value in values), strict=True))
        compare(inputs, _by_torch(network, inputs), "drawn people")
    apart = None
    if description["reads"]:
        computed = consumer.encode(description, example.person)
        apart = max(difference(computed[name], value).largest for name, value in example.inputs.items())
        if apart > 1e-3:
            raise BackendError(
                f"the inputs that use.py computes differ from Repose's by {apart:.1e}: repose.exporting.inputs does "
                "not describe this model's `encode`"
            )
    lpips = None if settings.precision == "float32" else largest_lpips(pictures)
    return Checks(runs, lpips, grey_levels(pictures), apart)


def _shapes(network: Network, settings: ExportSettings) -> list[tuple[int, tuple[int, int]]]:
    """Numbers and sizes of pictures that are tried."""
    counts = [1, 2, 3] if settings.free_batch else [settings.pictures] * 2
    shapes = [(count, network.size) for count in counts]
    if settings.size == DYNAMIC:
        unit = network.generator.needs.multiple
        height, width = network.size
        smaller = tuple(max(2, side * 3 // 4 // unit) * unit for side in (height, width))
        shapes += [(counts[-1], (height + 2 * unit, width + unit)), (counts[0], (smaller[0], smaller[1]))]
    return shapes


def _limit(checks: Checks, settings: ExportSettings) -> float:
    """What use.py allows on another machine: what was measured, with room where values are rounded."""
    return 1e-4 if settings.precision == "float32" and checks.picture <= 1e-4 else 1.5 * checks.picture + 0.02


def _refusal(verdict: str, settings: ExportSettings) -> str:
    other = "another format" if settings.precision == "float32" else "--precision float32"
    return f"{settings.format} in {settings.precision} is not written: {verdict}. Take {other}, or add --force"


def _require_free(folder: Path) -> None:
    if folder.is_file():
        raise ValueError(f"{folder} is a file; give a folder for the export")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "use.py").exists():
        raise ValueError(f"{folder} holds other files; give a new folder, or that of an earlier export")


def _replace(building: Path, folder: Path, names: list[str]) -> None:
    """Move the files into their folder; those of an earlier export in another format go."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("model.*"):
        old.unlink()
    for name in names:
        (building / name).replace(folder / name)


__all__ = ["OUTPUTS", "Exported", "export"]
