"""Weight files of models: those that came with this installation, and those of runs.

A folder of weights holds weights.safetensors (or several parts of it), recipe.json and card.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from repose.extras import how_to_get_weights
from repose.files import read_object, sha256, shortened
from repose.hub.tensors import state_hash
from repose.models import build_generator, read_recipe
from repose.models.base import Generator
from repose.names import nearest
from repose.recipes import Recipe, RecipeError, to_dict
from repose.tensor_files import CHECKPOINT, SUFFIX, CheckpointError, read_tensors, write_tensors, write_text
from repose.weight_places import PUBLISHED, installed_weights, weight_folder

DEFAULT: Final = "bodywarp-s-synthetic"
"""What "default" means: trained on synthetic people alone, free for any use."""


def shipped() -> dict[str, Path]:
    """Name -> folder of the models whose weights are in this installation (`repose.weight_places`)."""
    return {name: folder for name, folder in installed_weights().items() if (folder / "recipe.json").is_file()}


def find_weights(name: str | Path) -> Path:
    """The weights of this installation by name ("default" included), or the folder or file of a run or a conversion.

    Returns:
        What `load_generator` takes; recipe.json lies in it, or beside the file.

    Raises:
        ValueError: there is no such name, folder or file; the text names the nearest.
    """
    wanted = DEFAULT if str(name) == "default" else str(name)
    folder = weight_folder(wanted)
    if folder is not None and (folder / "recipe.json").is_file():
        return folder
    path = Path(name)
    if path.is_file() and path.suffix != SUFFIX:
        raise ValueError(
            f"{path} is no {SUFFIX} file; a released .pth is turned into weights by `repose convert`, and a run is "
            "given by its folder"
        )
    folder = path.parent if path.is_file() else path
    if (folder / "recipe.json").exists():
        return path
    if folder.is_dir() and path.exists():
        raise ValueError(f"{folder} has no recipe.json; give the folder of a training run or of a conversion")
    if wanted in PUBLISHED:
        raise ValueError(f"the weights {wanted} are not in this installation: {how_to_get_weights(wanted)}")
    raise ValueError(f"no weights are called '{name}' and no such folder exists; {nearest(wanted, shipped())}")


# -- writing and loading ----------------------------------------------------------------------------------------------


def save_weights(
    folder: Path,
    generator: Generator,
    recipe: Recipe,
    card: Mapping[str, Any],
    dtype: torch.dtype | None = None,
    shard: int | None = None,
) -> list[Path]:
    """Write what `load_generator` reads: weights.safetensors, recipe.json and card.json.

    The card gets the hash of the tensors of each file (`repose.hub.tensors`), which is compared when they are loaded.

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
    hashes = {path.name: [state_hash(group)] for path, group in zip(paths, groups, strict=True)}
    described = folder / "card.json"
    if described.exists():  # killed between the files, those before and those now fit the card
        before = _hashes(read_card(folder))
        _write_card(described, card, {name: [*new, *before.get(name, [])[:1]] for name, new in hashes.items()})
    facts = {"model": recipe.model}  # one key only: safetensors writes several in any order, and files would differ
    for path, group in zip(paths, groups, strict=True):
        write_tensors(path, group, facts)
    for old in weight_files(folder):
        if old not in paths:
            old.unlink()
    write_text(folder / "recipe.json", json.dumps(to_dict(recipe), indent=2) + "\n")
    _write_card(described, card, hashes)
    return paths


def _write_card(path: Path, card: Mapping[str, Any], hashes: Mapping[str, list[str]]) -> None:
    write_text(path, json.dumps({**card, "tensors": dict(hashes)}, indent=2, ensure_ascii=False) + "\n")


def load_generator(place: Path | str) -> tuple[Generator, Recipe]:
    """A trained generator on the CPU, in eval mode, with its recipe.

    Args:
        place: the folder of a run, or a weight file in it; `recipe.json` must lie beside the weights.

    Raises:
        FileNotFoundError: there is no recipe.json or no weight file.
        CheckpointError: a file is damaged, is not the one that its card tells of, holds NaN, or holds the weights of
            another model or of another size.
    """
    place = Path(place)
    folder = place.parent if place.suffix == SUFFIX else place
    described = folder / "recipe.json"
    if not described.is_file():
        raise FileNotFoundError(f"{folder} has no recipe.json; give the folder of a run or of converted weights")
    try:
        recipe = read_recipe(described)
        generator = build_generator(recipe)
    except RecipeError as error:
        raise CheckpointError(str(error) if str(described) in str(error) else f"{described}: {error}") from error
    paths = weight_files(place)
    if not paths:
        raise FileNotFoundError(f"{folder} has a recipe.json but no weights.safetensors; its run has not come that far")
    load_weights(generator, recipe.model, paths)
    return generator.eval(), recipe


def load_weights(generator: Generator, model: str, paths: list[Path]) -> None:
    """Read the weights of one model from its files into `generator`; every entry is used once.

    Raises:
        CheckpointError: damaged, of another model (both are named), entries missing or left over, other shapes, NaN, or
            tensors that are not those of the card beside the file.
    """
    if not paths:
        raise FileNotFoundError(f"there is no weights{SUFFIX} of the model '{model}'; give a folder that has one")
    entries: dict[str, Tensor] = {}
    others: list[Path] = []  # files whose tensors are not those of their cards
    for path in paths:
        tensors, facts = read_tensors(path)
        other = facts.get("model")
        if facts.get("format") == CHECKPOINT:
            raise CheckpointError(
                f"{path} is a checkpoint to resume a run, not weights; take weights{SUFFIX} beside it"
            )
        if other not in (None, model):
            raise CheckpointError(f"{path} holds weights of the model '{other}', but '{model}' is wanted")
        wanted = _hashes(read_card(path.parent)).get(path.name)
        if wanted and state_hash(tensors) not in wanted:
            others.append(path)
        entries |= tensors
    where = paths[0] if len(paths) == 1 else paths[0].parent
    own = generator.state_dict()
    missing, extra = own.keys() - entries.keys(), entries.keys() - own.keys()
    if missing or extra:
        raise CheckpointError(
            f"{where} does not fit the model '{model}' of its recipe:{_few('missing', missing)}{_few('unknown', extra)}"
        )
    for name, value in own.items():
        if value.shape != entries[name].shape:
            raise CheckpointError(
                f"{where}: {name} has the shape {tuple(entries[name].shape)}, the model '{model}' of its recipe wants "
                f"{tuple(value.shape)}; weights and recipe.json do not belong together"
            )
    for path in others:
        raise CheckpointError(
            f"{path} is damaged, or is not the file that card.json beside it tells of: its tensors have another hash. "
            "Fetch or copy it again; if you changed it on purpose, take 'tensors' out of card.json"
        )
    for name in own:
        odd = ~torch.isfinite(entries[name])
        if bool(odd.any()):
            raise CheckpointError(
                f"{where}: {int(odd.sum()):,} of the {odd.numel():,} numbers of {name} are NaN or infinite: the run "
                "that wrote them diverged. Take an earlier checkpoint or snapshot of it"
            )
    generator.load_state_dict(entries)


def _few(what: str, names: set[str]) -> str:
    return f" {len(names)} {what} ({', '.join(sorted(names)[:3])}{', ...' if len(names) > 3 else ''})" if names else ""


def weight_files(place: Path) -> list[Path]:
    """The weight files of a folder, or the file itself."""
    return [place] if place.suffix == SUFFIX else sorted(place.glob(f"weights*{SUFFIX}"))


def weights_checksum(name: str | Path) -> str:
    """sha256 of the weight file of a name (`find_weights`), for result lines.

    Where there are several files, it is the checksum of their checksums.

    Raises:
        ValueError: there are no such weights.
    """
    checksums = [sha256(path) for path in weight_files(find_weights(name))]
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("".join(checksums).encode()).hexdigest()


def lineage(place: Path) -> dict[str, str]:
    """Where weights come from, for the card of a run that begins from them: name, sha256, data, licence.

    Data and licence are those of the `card.json` beside the weights, "unknown" where it has none. The name is that of
    the card or else of the folder.

    Raises:
        CheckpointError: the card is damaged.
    """
    folder = (place.parent if place.suffix == SUFFIX else place).resolve()
    card = read_card(folder)
    facts = {"name": folder.name, "data": "unknown", "licence": "unknown"}
    facts |= {key: str(card[key]) for key in facts if key in card}
    return {**facts, "sha256": " ".join(map(sha256, weight_files(place)))}


def read_card(folder: Path) -> dict[str, Any]:
    """What the card.json of a folder says; {} if it has none.

    Raises:
        CheckpointError: it is damaged, or its "tensors" are not lists of hashes by the names of weight files.
    """
    path = folder / "card.json"
    if not path.is_file():
        return {}
    try:
        card = read_object(path, "correct it, or remove it")
    except ValueError as error:
        raise CheckpointError(str(error)) from None
    told = card.get("tensors", {})
    lists = list(told.values()) if isinstance(told, dict) else [told]
    if not all(isinstance(hashes, list) and all(isinstance(one, str) for one in hashes) for hashes in lists):
        raise CheckpointError(
            f"{path} is damaged: 'tensors' is {shortened(told)}, lists of hashes by the names of weight files are "
            "needed; correct it, or remove it"
        )
    return card


def _hashes(card: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name of a weight file -> the hashes of tensors that it may have, by a card."""
    return dict(card.get("tensors", {}))
