"""Released checkpoints of the official codes -> a folder of weights that `repose.load` takes."""

from __future__ import annotations

from pathlib import Path

import torch

from repose import models
from repose.files import sha256
from repose.models.convert import WeightsError, load
from repose.models.weights import save_weights
from repose.names import resolve


def convert_checkpoint(checkpoint: Path, recipe: str, out: Path) -> Path:
    """Convert one file of generator weights; every entry of it must be used, exactly once.

    Args:
        checkpoint: a .pth file of the official code.
        recipe: the preset that it was trained by, such as "patn-fashion".
        out: folder for weights.safetensors, recipe.json and card.json.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the recipe's model was released nowhere else.
        WeightsError: the file is damaged, is no checkpoint, or of another network (the text says which).
        KeyError: no such recipe; names the nearest.
    """
    made = models.recipe(recipe)
    convert = models.MODELS[made.model].convert
    if convert is None:
        raise ValueError(f"'{recipe}' is our own model: nothing was released elsewhere that could be converted")
    if not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint}: there is no such file")
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler's answers to damaged bytes are of nearly every type
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise WeightsError(
            f"{checkpoint} ({checkpoint.stat().st_size:,} bytes) does not load as a PyTorch checkpoint: it is cut off, "
            f"or holds more than tensors. Fetch it again and compare its size. ({reason})"
        ) from error
    converted = resolve(convert)(state, made.network)
    generator = models.build_generator(made)
    load(generator, converted, str(checkpoint))
    card = {
        "licence": "that of the file it was converted from",
        "data": "that of the file it was converted from",
        "converted_from": {"file": checkpoint.name, "sha256": sha256(checkpoint)},
    }
    save_weights(out, generator, made, card)
    return out
