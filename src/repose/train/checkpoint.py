"""Checkpoints and weights: safetensors files, whole or absent (`repose.files.replacing`) and forced to the disk.

A checkpoint is any tree of dicts, lists, tensors and plain values: the tensors are the file's tensors, the rest is
JSON in its header. No pickle. A process that is killed while it writes leaves the file before untouched.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from repose.files import replacing, sha256
from repose.models import build_generator
from repose.models.base import Generator
from repose.train.recipe import Recipe, RecipeError, read_recipe, to_dict

FORMAT: Final = "repose-checkpoint-1"
SUFFIX: Final = ".safetensors"
KEEP: Final = 2


class CheckpointError(ValueError):
    """A checkpoint or weight file is damaged, or of another model or run."""


# -- checkpoints ------------------------------------------------------------------------------------------------------


def save_checkpoint(folder: Path, tree: Mapping[str, Any], images: int) -> Path:
    """Write `folder/<images>.safetensors` and keep the last two.

    Raises:
        OSError: the disk is full or refuses; the checkpoints before are as they were.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_pack(tree, "", tensors))
    path = folder / f"{images:09d}{SUFFIX}"
    _sweep(folder, "*")
    write_tensors(path, tensors, {"format": FORMAT, "tree": text})
    for old in checkpoints(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the newest first."""
    return sorted((path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit()), reverse=True)


def load_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest whole checkpoint of a folder and its tree, on the CPU; None if the folder has none.

    A damaged one is passed over with a warning that names it and the one taken instead.

    Raises:
        CheckpointError: there are checkpoints, and all are damaged.
    """
    damaged: list[str] = []
    for path in checkpoints(folder):
        try:
            tree = read_checkpoint(path)
        except CheckpointError as error:
            damaged.append(str(error))
            continue
        if damaged:
            warnings.warn(f"{'; '.join(damaged)}. Going on from {path} instead", UserWarning, stacklevel=2)
        return path, tree
    if damaged:
        raise CheckpointError(f"{'; '.join(damaged)}. There is no other; start anew in another folder")
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """One checkpoint's tree, on the CPU. CheckpointError if it is damaged or something else."""
    tensors, facts = read_tensors(path)
    if facts.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of this program: format {facts.get('format')!r}, not {FORMAT}")
    own = {name: value.clone() for name, value in tensors.items()}  # the file's memory map is not ours to train in
    tree: dict[str, Any] = _unpack(json.loads(facts["tree"]), own)
    return tree


def _pack(node: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A tree -> JSON data; its tensors go to `tensors` by their path."""
    if isinstance(node, Tensor):
        tensors[name] = node
        return {"tensor": name}
    if isinstance(node, Mapping):
        return {"dict": [[key, _pack(value, f"{name}/{key}", tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return {"list": [_pack(value, f"{name}/{i}", tensors) for i, value in enumerate(node)]}
    if node is None or isinstance(node, bool | int | float | str):
        return node
    raise TypeError(f"a checkpoint holds tensors and plain values only, {name} is a {type(node).__name__}")


def _unpack(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    ((kind, value),) = node.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "list":
        return [_unpack(item, tensors) for item in value]
    return {key: _unpack(item, tensors) for key, item in value}


# -- weights ----------------------------------------------------------------------------------------------------------


def save_weights(
    folder: Path,
    generator: Generator,
    recipe: Recipe,
    card: Mapping[str, Any],
    dtype: torch.dtype | None = None,
    shard: int | None = None,
) -> list[Path]:
    """Write what `load_generator` reads: weights.safetensors, recipe.json and card.json.

    Args:
        dtype: of the stored floating-point tensors, such as torch.bfloat16; None leaves them as they are.
        shard: largest size of a file in bytes; more than one is called weights-1.safetensors and so on.

    Raises:
        OSError: the disk is full or refuses.
    """
    tensors = {
        name: value.to(dtype) if dtype and value.is_floating_point() else value
        for name, value in generator.state_dict().items()
    }
    groups: list[dict[str, Tensor]] = [{}]
    room = float(shard or "inf")
    for name, value in tensors.items():
        if groups[-1] and sum(t.nbytes for t in groups[-1].values()) + value.nbytes > room:
            groups.append({})
        groups[-1][name] = value
    names = ["weights"] if len(groups) == 1 else [f"weights-{i + 1:02d}" for i in range(len(groups))]
    paths = [folder / f"{name}{SUFFIX}" for name in names]
    facts = {"model": recipe.model}  # one key only: safetensors writes several in any order, and files would differ
    for path, group in zip(paths, groups, strict=True):
        write_tensors(path, group, facts)
    for old in weight_files(folder):
        if old not in paths:
            old.unlink()
    write_text(folder / "recipe.json", json.dumps(to_dict(recipe), indent=2) + "\n")
    write_text(folder / "card.json", json.dumps(dict(card), indent=2, ensure_ascii=False) + "\n")
    return paths


def load_generator(place: Path | str) -> tuple[Generator, Recipe]:
    """A trained generator on the CPU, in eval mode, with its recipe.

    Args:
        place: the folder of a run, or a weight file in it; `recipe.json` must lie beside the weights.

    Raises:
        FileNotFoundError: there is no recipe.json or no weight file.
        CheckpointError: a file is damaged, or holds the weights of another model or of another size.
    """
    place = Path(place)
    folder = place.parent if place.suffix == SUFFIX else place
    described = folder / "recipe.json"
    if not described.is_file():
        raise FileNotFoundError(f"{folder} has no recipe.json; give the folder of a run or of converted weights")
    try:
        recipe = read_recipe(described)
    except RecipeError as error:
        raise CheckpointError(str(error)) from error
    paths = weight_files(place)
    if not paths:
        raise FileNotFoundError(f"{folder} has a recipe.json but no weights.safetensors; its run has not come that far")
    generator = build_generator(recipe)
    load_weights(generator, recipe.model, paths)
    return generator.eval(), recipe


def load_weights(generator: Generator, model: str, paths: list[Path]) -> None:
    """Read the weights of one model from its files into `generator`; every entry is used once.

    Raises:
        CheckpointError: damaged, of another model (both are named), entries missing or left over, or other shapes.
    """
    if not paths:
        raise FileNotFoundError(f"no weights{SUFFIX} was found for the model '{model}'")
    found: dict[str, Tensor] = {}
    for path in paths:
        tensors, facts = read_tensors(path)
        other = facts.get("model")
        if facts.get("format") == FORMAT:
            raise CheckpointError(
                f"{path} is a checkpoint to resume a run, not weights; take weights{SUFFIX} beside it"
            )
        if other not in (None, model):
            raise CheckpointError(f"{path} holds weights of the model '{other}', but '{model}' is wanted")
        found |= tensors
    where = paths[0] if len(paths) == 1 else paths[0].parent
    own = generator.state_dict()
    missing, extra = own.keys() - found.keys(), found.keys() - own.keys()
    if missing or extra:
        raise CheckpointError(
            f"{where} does not fit the model '{model}' of its recipe:{_few('missing', missing)}{_few('unknown', extra)}"
        )
    for name, value in own.items():
        if value.shape != found[name].shape:
            raise CheckpointError(
                f"{where}: {name} has the shape {tuple(found[name].shape)}, the model '{model}' of its recipe wants "
                f"{tuple(value.shape)}; weights and recipe.json do not belong together"
            )
    generator.load_state_dict(found)


def _few(what: str, names: set[str]) -> str:
    return f" {len(names)} {what} ({', '.join(sorted(names)[:3])}{', ...' if len(names) > 3 else ''})" if names else ""


def weight_files(place: Path) -> list[Path]:
    """The weight files of a folder, or the file itself."""
    return [place] if place.suffix == SUFFIX else sorted(place.glob(f"weights*{SUFFIX}"))


def lineage(place: Path) -> dict[str, str]:
    """Where weights come from, for the card of a run that begins from them: name, sha256, data, licence.

    The last two, and the name where it has one, are those of the `card.json` beside the weights, else "unknown".

    Raises:
        CheckpointError: the card is damaged.
    """
    folder = (place.parent if place.suffix == SUFFIX else place).resolve()
    path, card = folder / "card.json", dict[str, Any]()
    if path.is_file():
        try:
            card = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"{path} is damaged: {error}; mend it, or take it away") from error
    facts = {"name": folder.name, "data": "unknown", "licence": "unknown"}
    facts |= {key: str(card[key]) for key in facts if key in card}
    return {**facts, "sha256": " ".join(map(sha256, weight_files(place)))}


# -- files ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """`replacing` on the disk; what a killed writer of this file left is removed. OSError says what to do."""
    try:
        _sweep(path.parent, path.name)
        with replacing(path, sync=True) as partial:
            yield partial
    except (OSError, SafetensorError) as error:
        raise _refused(path, error) from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """A safetensors file, whole or not at all. OSError, with what to do, if the disk is full or refuses."""
    with writing(path) as partial:
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, partial, dict(facts))
        partial.chmod(0o644)  # safetensors leaves it to the owner alone


def write_text(path: Path, text: str) -> None:
    """A text file, whole or not at all. OSError, with what to do, if the disk is full or refuses."""
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a safetensors file. CheckpointError if it is cut off or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        size = path.stat().st_size
        raise CheckpointError(f"{path} ({size:,} bytes) is cut off or damaged: {error}") from error


def _sweep(folder: Path, name: str) -> None:
    """Remove what killed writers of `name`, a pattern, left in a run's folder: a run has one writer."""
    for left in folder.glob(f".{name}.*.partial"):
        left.unlink(missing_ok=True)


def _refused(path: Path, error: Exception) -> OSError:
    try:
        free = f"; {shutil.disk_usage(path.parent).free / 1e6:,.0f} MB are free there"
    except OSError:
        free = ""
    return OSError(f"{path} could not be written: {error}{free}. Nothing that was there before is lost; make room")
