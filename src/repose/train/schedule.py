"""Learning rates as a pure function of the images seen, so that a resumed run needs no state for them."""

from __future__ import annotations

import math

from repose.recipes import ScheduleConfig


def factor(schedule: ScheduleConfig, images: int, total: int) -> float:
    """The factor on the learning rate of the step that begins after `images` of `total` images, in [0, 1].

    "linear" is PATN's: constant for `hold` images, then straight to 0 at the end. "cosine" falls by half a cosine over
    the same stretch. The rise of `warmup` multiplies either.
    """
    rise = min(1.0, images / schedule.warmup) if schedule.warmup else 1.0
    start = max(schedule.hold, schedule.warmup)
    fallen = min(1.0, max(0.0, (images - start) / max(1, total - start)))
    match schedule.kind:
        case "linear":
            return rise * (1 - fallen)
        case "cosine":
            return rise * 0.5 * (1 + math.cos(math.pi * fallen))
        case _:
            return rise
