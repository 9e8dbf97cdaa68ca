"""The hash of the tensors in a weight file, whatever the container: by names, types, shapes and bytes.

Two files with the same tensors have different checksums if one is a pickle and the other safetensors, or if one holds
more. `tensors_hash` is the same for both: it takes the tensors that a network needs, under one name each.
"""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

_RENAMED: Final = ((re.compile(r"lin(\d+)\.model\.1\.weight"), r"lpips.lin\1.weight"),)
"""Name in a published file -> the one that counts. LPIPS calls its weights linN.model.1.weight."""

_TYPES: Final[Mapping[torch.dtype, str]] = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
"""Type of a tensor -> its name in safetensors."""


def tensors_hash(path: Path | str, names: str = ".*") -> str:
    """The sha256 of the tensors in a file of safetensors, or in a file of torch that holds a state dict.

    It goes over the tensors in the order of their names: the name, a zero byte, the type as safetensors has it, the
    sides of the shape with commas, a zero byte, and the bytes, little-endian.

    Args:
        path: of the file; its content decides how it is read, not its name.
        names: regular expression of the names that count, whole; of LPIPS's own files lpips.linN.weight.

    Raises:
        ValueError: the file is of neither kind, it holds something else than tensors under these names, or none.
    """
    fitting = list(_tensors(Path(path), re.compile(names)))
    if not fitting:
        raise ValueError(f"{path} has no tensor whose name fits {names}")
    return _hash(fitting, str(path))


def state_hash(tensors: Mapping[str, Tensor]) -> str:
    """`tensors_hash` of tensors in memory. ValueError: one is of a type that safetensors does not know."""
    return _hash(sorted(tensors.items()), "the state dict")


def _hash(tensors: Iterable[tuple[str, Tensor]], where: str) -> str:
    digest = hashlib.sha256()
    for name, tensor in tensors:
        if tensor.dtype not in _TYPES:
            raise ValueError(f"{where}: tensor {name} is of type {tensor.dtype}, which has no name in safetensors")
        shape = ",".join(str(side) for side in tensor.shape)
        digest.update(f"{name}\0{_TYPES[tensor.dtype]} {shape}\0".encode())
        # torch's bytes are the machine's: every machine that torch runs on is little-endian, as safetensors is
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _tensors(path: Path, names: re.Pattern[str]) -> Iterator[tuple[str, Tensor]]:
    """The tensors whose canonical names fit, in the order of these names."""
    try:
        with safe_open(path, "pt") as file:
            known = {_canonical(name): name for name in file.keys()}  # noqa: SIM118  # no dict
            for name in sorted(known):
                if names.fullmatch(name):
                    yield name, file.get_tensor(known[name])
        return
    except SafetensorError:
        pass  # a file of torch
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError) as error:
        raise ValueError(f"{path} is neither a file of safetensors nor a state dict of torch: {error}") from error
    if not isinstance(state, Mapping):
        raise ValueError(f"{path} holds no state dict, but a {type(state).__name__}")
    named = {_canonical(str(name)): value for name, value in state.items()}
    for name in sorted(named):
        if not names.fullmatch(name):
            continue
        if not isinstance(named[name], Tensor):
            raise ValueError(f"{path}: {name} is no tensor, but a {type(named[name]).__name__}")
        yield name, named[name]


def _canonical(name: str) -> str:
    for pattern, instead in _RENAMED:
        if pattern.fullmatch(name):
            return pattern.sub(instead, name)
    return name
