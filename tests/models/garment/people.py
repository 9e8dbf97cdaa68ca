"""A person who is a shirt: a picture laid onto a canvas by an affine map, so that every flow is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from repose.person import LIP_LABELS, Person


@dataclass(frozen=True)
class Laid:
    """Where the shirt lies: its middle and its sides in pixels, turned by `turn` degrees."""

    x: float
    y: float
    wide: float
    high: float
    turn: float = 0.0

    def on_shirt(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels -> places on the shirt, -1 to 1 from edge to edge."""
        turn = math.radians(self.turn)
        right, down = x - self.x, y - self.y
        u = (right * math.cos(turn) + down * math.sin(turn)) / (self.wide / 2)
        v = (down * math.cos(turn) - right * math.sin(turn)) / (self.high / 2)
        return u, v

    def pixel(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of `on_shirt`."""
        turn = math.radians(self.turn)
        right, down = u * self.wide / 2, v * self.high / 2
        x = self.x + right * math.cos(turn) - down * math.sin(turn)
        y = self.y + right * math.sin(turn) + down * math.cos(turn)
        return x, y


def wearing(laid: Laid, height: int, width: int, label: str = "upper clothes", ground: float = -0.5) -> Person:
    """The shirt, soft waves of colour, on a plain ground, and its label."""
    rows = torch.arange(height, dtype=torch.float32)[:, None].expand(-1, width)
    columns = torch.arange(width, dtype=torch.float32).expand(height, -1)
    u, v = laid.on_shirt(columns, rows)
    on = (u.abs() <= 1) & (v.abs() <= 1)
    colour = torch.stack([0.8 * (3 * u).sin(), 0.8 * (4 * v).sin(), 0.8 * (3 * u * v + u).cos()])
    parsing = torch.where(on, LIP_LABELS.index(label), 0)
    keypoints = torch.cat([torch.full((18, 2), 5.0), torch.ones(18, 1)], 1)
    return Person(image=torch.where(on, colour, torch.tensor(ground)), keypoints=keypoints, parsing=parsing)


def true_flow(source: Laid, target: Laid, height: int, width: int) -> Tensor:
    """Where in the source each pixel of the target's shirt lies, (2, H, W), -1 to 1 from edge to edge."""
    rows = torch.arange(height, dtype=torch.float32)[:, None].expand(-1, width)
    columns = torch.arange(width, dtype=torch.float32).expand(height, -1)
    x, y = source.pixel(*target.on_shirt(columns, rows))
    return torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1])
