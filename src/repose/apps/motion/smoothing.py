"""Joints of a clip, smoothed in time: names of sides, outliers, gaps, noise. All in numpy, with any times of frames.

Each step looks ahead as far as back, so that nothing is late:

1. `unswapped`: a detector sometimes names the left leg the right one for a few frames. Of the two ways to name a pair
   of limbs on every frame the sequence with the shortest way of the joints is taken (Viterbi 1967).
2. `without_outliers`: the Hampel filter (Pearson 2002, "Outliers in process modeling and identification"), about a line
   instead of a point, as joints move: the line of the median slope and place of the window (Sen 1968). What lies
   further from it than three standard deviations, told from the median deviation, is missing.
3. `bridged`: a missing joint follows its parent: its offset from the parent is interpolated between the frames that
   show it.
4. `smoothed`: locally weighted regression (Cleveland 1979, "Robust locally weighted regression and smoothing
   scatterplots"): parabolas in time with tricube weights, repeated with bisquare weights of the residuals.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SPAN: Final = 0.26
"""Seconds before and after a frame that its smoothed joints are told from."""

FACE_GAP: Final = 0.5
"""Seconds for which a joint of the face is bridged: one that is missing for longer is turned away from the camera."""

_FACE: Final = (0, 14, 15, 16, 17)
_LIMBS: Final = (((2, 3, 4), (5, 6, 7)), ((8, 9, 10), (11, 12, 13)))
_PARENT: Final = {
    1: -1, 2: 1, 3: 2, 4: 3, 5: 1, 6: 5, 7: 6, 8: 1, 9: 8, 10: 9, 11: 1, 12: 11, 13: 12, 0: 1, 14: 0, 15: 0, 16: 0,
    17: 0,
}  # fmt: skip
"""Joint -> its parent, parents first; the neck has none."""

_HAMPEL: Final = 5  # frames before and after
_SIGMAS: Final = 3.0
_LEAST: Final = 0.06  # of the trunk: what a joint differs from its window at least to be an outlier
_ROBUST: Final = 2  # rounds with weights of the residuals


def steadied(joints: Floats, times: Floats, span: float = SPAN) -> Floats:
    """The joints of a clip without swapped sides, outliers, gaps and noise.

    Args:
        joints: (N, 18, 2), NaN where a joint is not located. times: (N,) seconds, ascending.
        span: see `SPAN`; 0 does all but the smoothing.

    Returns:
        (N, 18, 2). NaN is a joint that no frame shows, or one of the face for longer than `FACE_GAP`.
    """
    trunk = trunk_length(joints)
    clean = without_outliers(unswapped(joints), trunk)
    whole = bridged(clean, times)
    return smoothed(whole, times, span, trunk) if span > 0 else whole


def trunk_length(joints: Floats) -> float:
    """The length of the trunk (neck to the middle of the hips) through the clip, pixels: the median of the frames.

    Where no frame shows a trunk, a third of the extent of the joints; 1 at least.
    """
    with np.errstate(invalid="ignore"):
        lengths = np.linalg.norm(joints[:, 1] - (joints[:, 8] + joints[:, 11]) / 2, axis=1)
    known = lengths[np.isfinite(lengths)]
    if len(known):
        return max(1.0, float(np.median(known)))
    points = joints[np.isfinite(joints[..., 0])]
    return max(1.0, float(np.ptp(points, axis=0).max()) / 3) if len(points) else 1.0


def unswapped(joints: Floats) -> Floats:
    """Arms and legs with the names that let them move least; see the module."""
    out = joints.copy()
    for first, second in _LIMBS:
        a, b = joints[:, list(first)], joints[:, list(second)]
        stay, cross = _way(a, b, False), _way(a, b, True)  # (N - 1,) from frame to frame
        # what the frames show counts; exchanging costs a little, or limbs that lie on each other would change names
        small = 1e-3 * trunk_length(joints)
        names = _shortest(stay, cross, small)
        for left, right in zip(first, second, strict=True):
            out[names, left], out[names, right] = joints[names, right], joints[names, left]
    return out


def without_outliers(joints: Floats, trunk: float) -> Floats:
    """Joints that lie far from where they are on the frames around are missing; see the module.

    Args:
        trunk: pixels; nothing nearer than a share of it is an outlier.
    """
    out = joints.copy()
    for joint in range(joints.shape[1]):
        seen = np.flatnonzero(np.isfinite(joints[:, joint, 0]))
        if len(seen) < 3:
            continue
        windows = _windows(joints[seen, joint], _HAMPEL)  # (n, 2 r + 1, 2)
        # motion is no outlier: the median line of the window, not its median point
        middle = _theil_sen(windows)
        residual = np.linalg.norm(windows - middle, axis=2)
        spread = 1.4826 * np.nanmedian(residual, axis=1)
        own = residual[:, _HAMPEL]
        out[seen[own > np.maximum(_SIGMAS * spread, _LEAST * trunk)], joint] = np.nan
    return out


def bridged(joints: Floats, times: Floats, face_gap: float = FACE_GAP) -> Floats:
    """Missing joints between (and before and after) frames that show them; see the module.

    Args:
        face_gap: seconds, see `FACE_GAP`.
    """
    out = joints.copy()
    for joint, parent in _PARENT.items():
        base = out[:, parent] if parent >= 0 else np.zeros_like(out[:, joint])
        offset = joints[:, joint] - base
        seen = np.flatnonzero(np.isfinite(offset[:, 0]))
        if not len(seen):
            continue
        filled = np.stack([np.interp(times, times[seen], offset[seen, axis]) for axis in (0, 1)], 1)
        if joint in _FACE:
            near = np.searchsorted(times[seen], times)
            before, after = times[seen[np.maximum(near - 1, 0)]], times[seen[np.minimum(near, len(seen) - 1)]]
            alone = (times > after) | (times < before)
            gap = np.where(alone, np.abs(times - np.where(times > after, after, before)), after - before)
            filled[gap > face_gap] = np.nan
        fresh = ~np.isfinite(out[:, joint, 0])
        out[fresh, joint] = (base + filled)[fresh]
    return out


def smoothed(joints: Floats, times: Floats, span: float = SPAN, trunk: float | None = None) -> Floats:
    """Every joint on a parabola through its neighbours in time; see the module.

    Args:
        span: seconds before and after that count; three frames at least.
    """
    out = joints.copy()
    trunk = trunk_length(joints) if trunk is None else trunk
    for joint in range(joints.shape[1]):
        located = np.isfinite(joints[:, joint, 0])
        for first, last in _runs(located):
            out[first:last, joint] = _loess(joints[first:last, joint], times[first:last], span, trunk)
    return out


# -- inside ---------------------------------------------------------------------------------------------------------


def _way(a: Floats, b: Floats, crossed: bool) -> Floats:
    """How far the limbs go from every frame to the next, pixels a joint, (N - 1,); 0 where nothing can be said."""
    others = (b[1:], a[1:]) if crossed else (a[1:], b[1:])
    steps = np.stack([np.linalg.norm(new - old, axis=2) for new, old in zip(others, (a[:-1], b[:-1]), strict=True)])
    steps[:, ~np.isfinite(steps).all(0)] = np.nan  # a joint counts where both limbs show it on both frames
    count = np.isfinite(steps).sum((0, 2))
    total: Floats = np.nansum(steps, axis=(0, 2)) / np.maximum(count, 1)
    return total


def _shortest(stay: Floats, cross: Floats, small: float) -> Bools:
    """On which frames the limbs are exchanged, (N,), by the shortest way from the first to the last frame.

    Args:
        small: what an exchanged frame costs.
    """
    count = len(stay) + 1
    cost = np.array([0.0, small])
    came = np.zeros((count, 2), np.int64)
    for frame in range(1, count):
        step = np.array([[stay[frame - 1], cross[frame - 1]], [cross[frame - 1], stay[frame - 1]]])  # from, to
        total = cost[:, None] + step
        came[frame] = total.argmin(0)
        cost = total.min(0) + np.array([0.0, small])
    names = np.zeros(count, bool)
    state = int(cost.argmin())
    for frame in range(count - 1, -1, -1):
        names[frame] = bool(state)
        state = int(came[frame, state])
    return names


def _windows(values: Floats, reach: int) -> Floats:
    """(n, 2) -> (n, 2 reach + 1, 2): each with so many before and after; NaN beyond the ends."""
    padded = np.concatenate([np.full((reach, 2), np.nan), values, np.full((reach, 2), np.nan)])
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0).transpose(0, 2, 1)


def _theil_sen(windows: Floats) -> Floats:
    """The line of each window by the medians of slopes and places (Sen 1968), (n, w, 2).

    The middle of the window takes no part in its line.
    """
    reach = windows.shape[1] // 2
    at = np.arange(-reach, reach + 1, dtype=np.float64)
    before, after = windows[:, :reach], windows[:, reach + 1 :]
    slopes = (after - before) / (at[reach + 1 :] - at[:reach])[None, :, None]
    with np.errstate(all="ignore"):
        slope = _median(slopes)
        slope = np.where(np.isfinite(slope), slope, 0.0)
        rest = windows - slope[:, None] * at[None, :, None]
        rest[:, reach] = np.nan
        place = _median(rest)
    return place[:, None] + slope[:, None] * at[None, :, None]


def _median(values: Floats) -> Floats:
    """The median of axis 1 of what is there; NaN where nothing is."""
    nothing: Bools = np.logical_not(np.isfinite(values).any(1))
    filled = np.where(nothing[:, None], 0.0, values)
    middle: Floats = np.nanmedian(filled, axis=1)
    return np.where(nothing, np.nan, middle)


def _runs(there: Bools) -> list[tuple[int, int]]:
    """First and behind the last of every stretch that is there."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _loess(values: Floats, times: Floats, span: float, trunk: float) -> Floats:
    """(n, 2) on local parabolas."""
    count = len(values)
    if count < 3:
        return values
    usual = float(np.median(np.diff(times)))
    span = max(span, 3.01 * usual)
    reach = min(count - 1, int(np.ceil(span / max(usual, 1e-6))))
    rows = np.arange(count)[:, None] + np.arange(-reach, reach + 1)[None]  # (n, w)
    inside = (rows >= 0) & (rows < count)
    rows = rows.clip(0, count - 1)
    at = (times[rows] - times[:, None]) / span
    kernel = np.where(inside & (np.abs(at) < 1), (1 - np.abs(at).clip(0, 1) ** 3) ** 3, 0.0)
    trusted = np.ones(count)
    out = values
    for round_ in range(_ROBUST + 1):
        weights = kernel * trusted[rows]
        powers = np.stack([np.ones_like(at), at, at**2], -1)  # (n, w, 3)
        normal = np.einsum("nw,nwi,nwj->nij", weights, powers, powers)
        normal += 1e-9 * np.eye(3)
        right = np.einsum("nw,nwi,nwc->nic", weights, powers, values[rows])
        out = np.linalg.solve(normal, right)[:, 0]
        if round_ < _ROBUST:
            residual = np.linalg.norm(values - out, axis=1)
            scale = max(6 * float(np.median(residual)), 0.02 * trunk)
            trusted = np.maximum((1 - (residual / scale).clip(0, 1) ** 2) ** 2, 1e-3)
    return out
