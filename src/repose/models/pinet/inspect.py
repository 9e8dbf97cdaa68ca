"""What PINet's gates let through in every layer, and the labels that it gives the target."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from repose.draw.panels import Panel, Pixels, enlargement, grid, heat, label_map, picture
from repose.models.pinet.network import PINet
from repose.person import LABELS, Person
from repose.represent.parsing import PINET_LABELS, TO_PINET, relabel

_SHOWN: Final = ("background", "hair", "upper clothes", "dress", "pants", "neck", "skirt", "face", "left arm",
                 "left leg", "left shoe", "hat")  # fmt: skip
"""The labels whose colours PINet's 12 take."""


def panels(generator: PINet, source: Person, target: Person) -> list[Panel]:
    """The parsing: given, true where known, and predicted; the gates of every layer of both generators (Figure 8).

    One stage has no parsing, plain convolutions have no gates: what is not there is left out.

    Args:
        source, target: batches of one, on the model's canvas.
    """
    output = generator(source, target)
    assert source.image is not None
    true = None if target.image is None else picture(target.image[0])
    ends: dict[str, list[Pixels | None]] = {"image": [picture(source.image[0]), picture(output.image[0]), true]}
    shown: list[Panel] = []
    if "parsing" in output.extra:
        predicted = output.extra["parsing"].argmax(1)
        shown.append(_parsing(source, target, predicted))
        ends["parsing"] = [_labels(_known(source)), _labels(predicted), _labels(_known(target))]
    if generator.config.gated:
        shown += [_gates(name, layers, ends[name]) for name, layers in generator.gates(source, target).items()]
    return shown


def _parsing(source: Person, target: Person, predicted: Tensor) -> Panel:
    true = _known(target)
    columns = ["source, given", *(["target, true"] if true is not None else []), "target, predicted"]
    row = [_labels(_known(source)), *([_labels(true)] if true is not None else []), _labels(predicted, names=True)]
    caption = "The 12 labels of the source, and those that the parsing generator gives the target."
    if true is not None:
        figure = true > 0
        right = float((predicted == true)[figure].float().mean()) if bool(figure.any()) else 0.0
        caption += f" Of the figure's pixels {right:.0%} have the true label."
    return Panel("parsing", caption, grid([row], columns, scale=enlargement(int(predicted.shape[-2]))))


def _gates(name: str, layers: list[Tensor], ends: list[Pixels | None]) -> Panel:
    """Two rows: the input, the gates one layer after the other, the result and, where known, the truth."""
    first, result, true = ends
    assert result is not None
    size = (int(result.shape[0]), int(result.shape[1]))
    cells = [first, *(heat(gate[0], size) for gate in layers), result]
    names = ["input", *(str(number) for number in range(1, len(layers) + 1)), "result"]
    if true is not None:
        cells, names = [*cells, true], [*names, "true"]
    wide = -(-len(cells) // 2)
    scale = max(1, enlargement(size[0]) // 2)
    rows = [grid([cells[k : k + wide]], names[k : k + wide], scale=scale) for k in (0, wide)]
    means = ", ".join(f"{float(gate.mean()):.2f}" for gate in layers)
    caption = (
        f"Gates of the {name} generator, layer by layer, mean over channels: yellow where a layer lets most through, "
        f"blue least, each on its own scale. Their means are {means}."
    )
    return Panel(f"gates-{name}", caption, grid([[row] for row in rows]))


def _known(person: Person) -> Tensor | None:
    """PINet's labels of a person, (B, H, W)."""
    return None if person.parsing is None else relabel(person.parsing, TO_PINET, PINET_LABELS)


def _labels(parsing: Tensor | None, names: bool = False) -> Pixels | None:
    """PINet's labels (1, H, W) in the colours of Repose's."""
    if parsing is None:
        return None
    colours = [LABELS.index(label) for label in _SHOWN]
    listed = list(LABELS)
    for colour, label in zip(colours, PINET_LABELS, strict=True):
        listed[colour] = label
    return label_map(torch.tensor(colours, device=parsing.device)[parsing[0]], listed if names else None)
