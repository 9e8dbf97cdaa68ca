"""Released checkpoints of the official codes -> a folder of weights that `repose.load` takes."""

from __future__ import annotations

from pathlib import Path

import torch

from repose import models
from repose.files import first_line, sha256
from repose.models.convert import WeightsError, load_converted
from repose.models.weights import save_weights


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
        ValueError: no weights of the recipe's model were released.
        WeightsError: the file is damaged, is no checkpoint, or of another network (the text says which).
        KeyError: no such recipe; names the nearest.
    """
    preset = models.recipe(recipe)
    declaration = models.MODELS[preset.model]
    if declaration.convert is None:
        raise ValueError(
            f"'{recipe}' is a recipe of {declaration.title}, whose weights were not released: nothing to convert"
        )
    if not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint}: there is no such file")
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler's answers to damaged bytes are of nearly every type
        reason = first_line(error)
        raise WeightsError(
            f"{checkpoint} ({checkpoint.stat().st_size:,} bytes) does not load as a PyTorch checkpoint: it is cut off, "
            f"or holds more than tensors. Fetch it again and compare its size. ({reason})"
        ) from error
    converted = declaration.load(declaration.convert)(state, preset.network)
    generator = models.build_generator(preset)
    load_converted(generator, converted, str(checkpoint))
    card = {
        "licence": "that of the file it was converted from",
        "data": "that of the file it was converted from",
        "converted_from": {"file": checkpoint.name, "sha256": sha256(checkpoint)},
    }
    save_weights(out, generator, preset, card)
    return out
