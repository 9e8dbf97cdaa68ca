"""Weights of other code: renaming that uses every entry once, strict loading, and errors that say what a file is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from repose.models import MODELS

_FOREIGN: Final[Mapping[str, tuple[str, ...]]] = {
    "torchvision's VGG": ("features.0.weight", "features.2.weight", "classifier.6.weight"),
    "MobileNetV2": ("stem.weight", "blocks.0.depthwise.weight", "head.weight"),
}
"""Files that no model reads, but that a user may well give; like `ModelDeclaration.marks`."""


class WeightsError(ValueError):
    """A state dict does not fit a network; the text names entries, and the network that has such if it is known."""


def plain_state(state: Any) -> dict[str, Tensor]:
    """A loaded checkpoint -> its state dict, without wrappers and without DataParallel's `module.` before every name.

    Raises:
        WeightsError: there is no mapping of names to tensors in it.
    """
    for wrapper in ("state_dict", "model_state_dict", "generator"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        kind = f"keys {_some(map(str, state))}" if isinstance(state, Mapping) else f"a {type(state).__name__}"
        raise WeightsError(f"a state dict (names to tensors) is wanted, got {kind}")
    wrapped = all(name.startswith("module.") for name in state)
    return {name.removeprefix("module.") if wrapped else name: value for name, value in state.items()}


def rename(
    state: Mapping[str, Tensor],
    names: Mapping[str, str],
    module: nn.Module,
    what: str,
    drop: Callable[[str], bool] = lambda name: False,
) -> dict[str, Tensor]:
    """Official entries -> the entries of `module`; every one is used exactly once on both sides.

    Args:
        state: official name -> tensor.
        names: official name -> name in `module`.
        module: the network that the entries are for; the shapes must be its own.
        what: the network in words, for the errors.
        drop: whether an official name may be left out.

    `num_batches_tracked`, which files older than PyTorch 0.4.1 lack, starts at 0.

    Raises:
        WeightsError: an entry is left over, is missing, comes twice or has another shape.
    """
    own = module.state_dict()  # a preset with other norms lacks some names; `_compare` reports them
    names = {official: ours for official, ours in names.items() if ours in own}
    kept = {name: value for name, value in state.items() if not drop(name)}
    twice = sorted({ours for ours in names.values() if sum(names[n] == ours for n in kept if n in names) > 1})
    if twice:
        raise WeightsError(f"{what}: two entries of the file stand for {_some(twice)}")
    renamed = {names[name]: value for name, value in kept.items() if name in names}
    for name, value in own.items():
        if name.endswith("num_batches_tracked"):
            renamed.setdefault(name, torch.zeros_like(value))
    unexpected = [name for name in kept if name not in names]
    official = {ours: name for name, ours in names.items()}
    _compare(renamed, module, what, unexpected, state, lambda name: official.get(name, name))
    return renamed


def load_converted(module: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Load a state dict that has exactly the entries of `module`, of any float type.

    Args:
        module: the network.
        state: its own names -> tensors.
        what: where the weights come from, in words; the error begins with it.

    Raises:
        WeightsError: an entry is left over, is missing or has another shape; nothing is loaded then.
    """
    own = module.state_dict()
    unexpected = [name for name in state if name not in own]
    known = {name: value for name, value in state.items() if name in own}
    _compare(known, module, what, unexpected, state, lambda name: name)
    module.load_state_dict(known)


def looks_like(names: Iterable[str]) -> str | None:
    """The network whose state dict has these names, in words; None if no known one has.

    Known are every model of the registry with its default config, the released files that `repose convert` reads, and
    the feature networks.
    """
    given = {name.removeprefix("module.").removeprefix("model.") for name in names}
    for table in (*(declaration.marks for declaration in MODELS.values()), _FOREIGN):
        for what, marks in table.items():
            if all(any(name.startswith(mark) for name in given) for mark in marks):
                return what
    best, share = None, 0.5
    for model, declaration in MODELS.items():
        config = declaration.load(declaration.network_config)()
        with torch.device("meta"):
            own = set(declaration.load(declaration.generator)(config).state_dict())
        overlap = len(own & given) / len(own | given)
        if overlap > share:
            best, share = f"Repose's '{model}' generator", overlap
    return best


def _compare(
    state: Mapping[str, Tensor],
    module: nn.Module,
    what: str,
    unexpected: list[str],
    given: Mapping[str, Tensor],
    theirs: Callable[[str], str],
) -> None:
    own = module.state_dict()
    missing = [theirs(name) for name in own if name not in state]
    shapes = [
        f"{theirs(name)} is {tuple(value.shape)}, wanted {tuple(own[name].shape)}"
        for name, value in state.items()
        if value.shape != own[name].shape
    ]
    faults = []
    if missing:
        faults.append(f"{len(missing)} missing ({_some(missing)})")
    if unexpected:
        faults.append(f"{len(unexpected)} not known ({_some(unexpected)})")
    if shapes:
        faults.append(f"{len(shapes)} of another shape ({_some(shapes, 3)})")
    if not faults:
        return
    like = looks_like(given)
    if missing or unexpected:
        hint = f"; this looks like a checkpoint of {like}" if like else "; no model known here has these names"
    else:
        hint = "; the names fit, so it is the same network in another size: use the recipe it was trained with"
    raise WeightsError(f"{what}: of {len(own)} entries {', '.join(faults)}{hint}")


def _some(names: Iterable[str], count: int = 4) -> str:
    listed = list(names)
    return ", ".join(listed[:count]) + (f" and {len(listed) - count} more" if len(listed) > count else "")
