"""What was recorded of the official networks: their weights, rebuilt by a rule, and inputs with outputs."""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def fixture(shared: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Official state dict, and the recorded inputs and outputs."""
    folder = shared / "parity"
    spec = importlib.util.spec_from_file_location("parity_fill", folder / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    fill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill)
    state = {k: torch.from_numpy(v) for k, v in fill.state_dict(str(folder / f"{name}.json")).items()}
    with np.load(folder / f"{name}.npz") as recorded:
        return state, {key: torch.from_numpy(recorded[key]) for key in recorded.files}
