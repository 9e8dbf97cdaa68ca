"""How well people are found again: mean average precision and rank-k under the protocol of Market-1501.

Source: Zheng et al. 2015, "Scalable Person Re-identification: A Benchmark", section 5 and its released evaluation code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from repose.names import nearest

JUNK: Final = -1
"""The person of a gallery picture that counts neither as right nor as wrong: a part of a person, or a bad box."""

DISTRACTOR: Final = 0
"""The person of a gallery picture that shows nobody who is asked for: always wrong."""

AREAS: Final = ("steps", "trapezoids")
"""How the area below precision and recall is taken: "steps" is what today's code and scikit-learn do, "trapezoids" what
Market-1501's own does."""


@dataclass(frozen=True)
class Ranking:
    """How well people are found.

    Attributes:
        mean_average_precision: over the queries, 0 to 1.
        ranks: k -> share of the queries that have the person among the k best, 0 to 1.
        queries: that count: those whose person is in the gallery, from another camera.
    """

    mean_average_precision: float
    ranks: dict[int, float]
    queries: int


def market_ranking(
    similarity: Tensor,
    query_people: Tensor,
    query_cameras: Tensor,
    gallery_people: Tensor,
    gallery_cameras: Tensor,
    ranks: Sequence[int] = (1, 5, 10),
    area: str = "steps",
) -> Ranking:
    """Rank the gallery for each query.

    Of the gallery are left out, for each query: junk pictures, and those of the same person from the same camera (the
    query itself is one, where it is in the gallery). Queries without a right picture in the rest do not count.

    Args:
        similarity: (Q, G), higher is more similar; equal ones keep the order of the gallery.
        query_people, query_cameras: (Q,), integers. gallery_people, gallery_cameras: (G,); see `JUNK`, `DISTRACTOR`.
        ranks: the k of rank-k.
        area: one of `AREAS`.

    Raises:
        ValueError: shapes do not fit, no such area, or no query counts.
    """
    if area not in AREAS:
        raise ValueError(f"no area is called '{area}'; {nearest(area, AREAS)}")
    shapes = [tuple(t.shape) for t in (query_people, query_cameras, gallery_people, gallery_cameras)]
    queries, gallery = len(query_people), len(gallery_people)
    if tuple(similarity.shape) != (queries, gallery) or shapes != [(queries,)] * 2 + [(gallery,)] * 2:
        raise ValueError(f"similarity of shape {tuple(similarity.shape)} does not fit people and cameras of {shapes}")
    order = similarity.argsort(dim=1, descending=True, stable=True)
    found, precisions = [], []
    for query in range(queries):
        people, cameras = gallery_people[order[query]], gallery_cameras[order[query]]
        same = people == query_people[query]
        counts = (people != JUNK) & ~(same & (cameras == query_cameras[query]))
        places = (same & counts)[counts].nonzero()[:, 0] + 1  # from 1, of the right ones
        if not len(places):
            continue
        found.append(int(places[0]))
        precisions.append(_average_precision(places, area))
    if not found:
        raise ValueError("nobody was photographed by two cameras (query and gallery), so nobody can be found again")
    first = torch.tensor(found)
    return Ranking(
        sum(precisions) / len(precisions), {k: float((first <= k).double().mean()) for k in ranks}, len(found)
    )


def _average_precision(places: Tensor, area: str) -> float:
    """Of the ascending places of the right pictures, from 1."""
    hits = torch.arange(1, len(places) + 1, dtype=torch.float64)
    at = hits / places  # precision with each right picture
    if area == "steps":
        return float(at.mean())
    before = torch.where(places > 1, (hits - 1) / (places - 1).clamp_min(1), torch.ones_like(hits))
    return float(((before + at) / 2).mean())
