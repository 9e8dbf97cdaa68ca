"""The compiled loops of `fill`: small pictures, labels by belief propagation, seams, levels of brightness, copies.

`mix_columns` is of `blending`.

Pictures are float32 (3, H, W), C-contiguous. A map `free` is uint8 (h, w): 1 where every pixel of a cell is known. A
map `labels` is int16 (h, w): the number of a shift in the hole, -1 where the cell is known or where no shift serves.
`shifts` is int64 (K, 2), rows down and columns to the right, in cells of the level.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from repose.body.compiled import jit


@jit
def reduce(image: Any, unknown: Any, top: int, left: int, times: int, small: Any, free: Any) -> None:
    """The known pixels' mean in every cell of `times` x `times` pixels.

    Args:
        image: (3, H, W). unknown: uint8 (h, w), of the part of the image that begins at `top`, `left`.
        small: (3, rows, columns), written; 0 where a cell has no known pixel. free: written.
    """
    height, width = unknown.shape
    rows, columns = free.shape
    for y in range(rows):
        y0, y1 = y * times, min(height, y * times + times)
        for x in range(columns):
            x0, x1 = x * times, min(width, x * times + times)
            count = 0
            a, b, c = np.float32(0), np.float32(0), np.float32(0)
            for v in range(y0, y1):
                for u in range(x0, x1):
                    if unknown[v, u] == 0:
                        count += 1
                        a += image[0, top + v, left + u]
                        b += image[1, top + v, left + u]
                        c += image[2, top + v, left + u]
            free[y, x] = 1 if count == (y1 - y0) * (x1 - x0) else 0
            if count > 0:
                share = np.float32(1.0 / count)
                small[0, y, x], small[1, y, x], small[2, y, x] = a * share, b * share, c * share
            else:
                small[0, y, x], small[1, y, x], small[2, y, x] = 0, 0, 0


@jit
def touched(unknown: Any, times: int) -> int:
    """How many cells of `times` x `times` pixels have an unknown pixel."""
    height, width = unknown.shape
    columns = (width + times - 1) // times
    count = 0
    for row in range((height + times - 1) // times):
        for column in range(columns):
            there = False
            for y in range(row * times, min(height, row * times + times)):
                for x in range(column * times, min(width, column * times + times)):
                    if unknown[y, x]:
                        there = True
                        break
                if there:
                    break
            count += there
    return count


@jit
def propagate(unary: Any, colours: Any, neighbours: Any, rounds: int) -> Any:
    """The shift of every cell of the hole, (N,), by min-sum belief propagation on the grid.

    Args:
        unary: (N, K), the cost of each shift. colours: (N, K, 3), what each shift brings; two neighbours that differ
            cost the distance of the colours that the two shifts bring, at both.
        neighbours: int64 (4, N), the number of the cell to the right, left, below and above; -1: there is none.
    """
    count, kinds = unary.shape
    messages = np.zeros((4, count, kinds), np.float32)  # to a cell, from its neighbour in that direction
    new = np.zeros((4, count, kinds), np.float32)
    belief, reached = np.empty(kinds, np.float32), np.empty(kinds, np.float32)
    seam = np.empty((count, kinds, kinds), np.float32)
    for n in range(count):
        for a in range(kinds):
            for b in range(kinds):
                total = np.float32(0)
                for k in range(3):
                    step = colours[n, a, k] - colours[n, b, k]
                    total += step * step
                seam[n, a, b] = np.sqrt(total)
    for _ in range(rounds):
        new[:] = 0
        for n in range(count):
            for way in range(4):
                other = neighbours[way, n]
                if other < 0:
                    continue
                for a in range(kinds):
                    belief[a] = unary[n, a]
                    for k in range(4):
                        if k != way:
                            belief[a] += messages[k, n, a]
                back = way ^ 1
                lowest = np.float32(np.inf)
                reached[:] = np.inf
                for a in range(kinds):
                    for b in range(kinds):  # the inner loop is over b, so that it is vectorised
                        cost = belief[a] + seam[n, a, b] + seam[other, a, b]
                        reached[b] = cost if cost < reached[b] else reached[b]
                for b in range(kinds):
                    new[back, other, b] = reached[b]
                    lowest = min(lowest, reached[b])
                for b in range(kinds):
                    new[back, other, b] -= lowest
        for k in range(4):
            for n in range(count):
                for a in range(kinds):
                    messages[k, n, a] = np.float32(0.5) * (messages[k, n, a] + new[k, n, a])
    out = np.zeros(count, np.int64)
    for n in range(count):
        best = np.float32(np.inf)
        for a in range(kinds):
            cost = unary[n, a]
            for k in range(4):
                cost += messages[k, n, a]
            if cost < best:
                best = cost
                out[n] = a
    return out


@jit
def finer(labels: Any, from_times: int, to_times: int, free: Any, out: Any) -> None:
    """Labels of cells of `from_times` pixels -> of the smaller cells of `to_times` pixels; written to `out`."""
    height, width = free.shape
    rows, columns = labels.shape
    for y in range(height):
        v = min(rows - 1, (2 * y + 1) * to_times // (2 * from_times))
        for x in range(width):
            out[y, x] = -1
            if free[y, x]:
                continue
            u = min(columns - 1, (2 * x + 1) * to_times // (2 * from_times))
            out[y, x] = labels[v, u]
            for ring in range(1, 3):  # a cell that has unknown pixels lies at most beside a coarse one that has
                if out[y, x] >= 0:
                    break
                for dv in range(-ring, ring + 1):
                    for du in range(-ring, ring + 1):
                        if 0 <= v + dv < rows and 0 <= u + du < columns and out[y, x] < 0:
                            out[y, x] = labels[v + dv, u + du]


@jit
def _there(y: int, x: int, free: Any) -> bool:
    """Whether a cell is in the picture and known."""
    return bool(0 <= y < free.shape[0] and 0 <= x < free.shape[1] and free[y, x] != 0)


@jit
def align(image: Any, top: int, left: int, free: Any, labels: Any, shifts: Any, reach: int, most: int) -> None:
    """Move every shift by up to `reach` cells, so that its copies go on best in what lies beside them.

    A difference of brightness counts little, for it is evened out afterwards. `shifts` is changed.

    Args:
        most: how many places along the seams of a shift are looked at, about.
    """
    height, width = labels.shape
    kinds = len(shifts)
    counts = np.zeros(kinds, np.int64)
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label >= 0:
                for way in range(4):
                    v, u = y + (way == 2) - (way == 3), x + (way == 0) - (way == 1)
                    if 0 <= v < height and 0 <= u < width and labels[v, u] != label:
                        counts[label] += 1
    first = np.zeros(kinds + 1, np.int64)
    for k in range(kinds):
        first[k + 1] = first[k] + (counts[k] + max(1, counts[k] // most) - 1) // max(1, counts[k] // most)
    place = np.empty((first[kinds], 2), np.int64)
    seen = np.zeros(kinds, np.int64)
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label >= 0:
                for way in range(4):
                    v, u = y + (way == 2) - (way == 3), x + (way == 0) - (way == 1)
                    if 0 <= v < height and 0 <= u < width and labels[v, u] != label:
                        step = max(1, counts[label] // most)
                        if seen[label] % step == 0:
                            at = first[label] + seen[label] // step
                            place[at, 0], place[at, 1] = v, u
                        seen[label] += 1
    for k in range(kinds):
        if counts[k] == 0:
            continue
        best, best_y, best_x = np.inf, 0, 0
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                number, squares, mean0, mean1, mean2 = 0, 0.0, 0.0, 0.0, 0.0
                missing = 0
                for at in range(first[k], first[k + 1]):
                    v, u = place[at, 0], place[at, 1]
                    q, p = v + shifts[k, 0] + dy, u + shifts[k, 1] + dx
                    other = labels[v, u]
                    sv, su = v, u
                    if other >= 0:
                        sv, su = v + shifts[other, 0], u + shifts[other, 1]
                    if not _there(sv, su, free):
                        continue
                    if not _there(q, p, free):
                        missing += 1
                        continue
                    d0 = image[0, top + q, left + p] - image[0, top + sv, left + su]
                    d1 = image[1, top + q, left + p] - image[1, top + sv, left + su]
                    d2 = image[2, top + q, left + p] - image[2, top + sv, left + su]
                    number += 1
                    squares += d0 * d0 + d1 * d1 + d2 * d2
                    mean0, mean1, mean2 = mean0 + d0, mean1 + d1, mean2 + d2
                if number == 0:
                    continue
                cost = (squares - 0.7 * (mean0**2 + mean1**2 + mean2**2) / number) / number
                cost = cost * (1 + 2.0 * missing / (number + missing)) + 1e-7
                if dy == 0 and dx == 0:
                    cost *= 0.98
                if cost < best:
                    best, best_y, best_x = cost, dy, dx
        shifts[k, 0] += best_y
        shifts[k, 1] += best_x


@jit
def _apart(image: Any, top: int, left: int, a: int, b: int, c: int, d: int) -> float:
    """The distance of two colours, at (a, b) and at (c, d)."""
    total = 0.0
    for k in range(3):
        step = image[k, top + a, left + b] - image[k, top + c, left + d]
        total += step * step
    return float(np.sqrt(total))


@jit
def _seam(
    image: Any, top: int, left: int, free: Any, shifts: Any,
    y: int, x: int, v: int, u: int, one: int, other: int, plain: float,
) -> float:  # fmt: skip
    """What two neighbours, (y, x) and (v, u), cost with these labels: how far the two copies are apart, at both."""
    if one == other:
        return 0.0
    total = plain
    for end in range(2):
        a, b = (y, x) if end == 0 else (v, u)
        c, d, e, f = a + shifts[one, 0], b + shifts[one, 1], a + shifts[other, 0], b + shifts[other, 1]
        total += _apart(image, top, left, c, d, e, f) if _there(c, d, free) and _there(e, f, free) else 0.3
    return total


@jit
def _cost(
    image: Any, top: int, left: int, free: Any, labels: Any, shifts: Any, y: int, x: int, label: int, plain: float
) -> float:
    """What the seams around a cell cost if it takes this label (Kwatra et al., Graphcut Textures, 2003, eq. 1)."""
    height, width = labels.shape
    a, b = y + shifts[label, 0], x + shifts[label, 1]
    if not _there(a, b, free):
        return 1e6
    total = 0.0
    for way in range(4):
        dy, dx = (way == 2) - (way == 3), (way == 0) - (way == 1)
        v, u = y + dy, x + dx
        if not (0 <= v < height and 0 <= u < width):
            continue
        if free[v, u]:
            total += 2 * _apart(image, top, left, a + dy, b + dx, v, u) if _there(a + dy, b + dx, free) else 0.6
            continue
        other = labels[v, u]
        if other < 0 or other == label:
            continue
        total += _seam(image, top, left, free, shifts, y, x, v, u, label, other, plain)
    return total


@jit
def settle(
    image: Any, top: int, left: int, free: Any, labels: Any, shifts: Any, box: Any, plain: float, sweeps: int
) -> None:
    """Move the seams to where both sides agree: a cell at a seam takes the cheapest label of its neighbours.

    A cell whose shift leads out of the picture or into the hole takes the cheapest of all labels, or -1 if none serves.

    Args:
        box: int64 (4,), first and last row and first and last column of the hole, the last ones excluded.
        plain: what a seam costs where both sides agree; it keeps seams short.
    """
    height, width = labels.shape
    kinds = len(shifts)
    options = np.empty(max(kinds, 4), np.int64)
    first_row, last_row, first, last = box[0], box[1], box[2], box[3]
    for sweep in range(sweeps):
        changed = 0
        for i in range(last_row - first_row):
            y = first_row + i if sweep % 2 == 0 else last_row - 1 - i
            for j in range(last - first):
                x = first + j if sweep % 2 == 0 else last - 1 - j
                if free[y, x]:
                    continue
                label = labels[y, x]
                count = 0
                if label < 0 or not _there(y + shifts[label, 0], x + shifts[label, 1], free):
                    if sweep == 0 or label >= 0:
                        for k in range(kinds):
                            if _there(y + shifts[k, 0], x + shifts[k, 1], free):
                                options[count] = k
                                count += 1
                    if count == 0:
                        labels[y, x] = -1
                        continue
                    label = -1
                else:
                    for way in range(4):
                        v, u = y + (way == 2) - (way == 3), x + (way == 0) - (way == 1)
                        if 0 <= v < height and 0 <= u < width:
                            other = labels[v, u]
                            if other >= 0 and other != label:
                                options[count] = other
                                count += 1
                    if count == 0:
                        continue
                best, chosen = 1e9, label
                if label >= 0:
                    best = _cost(image, top, left, free, labels, shifts, y, x, label, plain) - 1e-6
                for k in range(count):
                    cost = _cost(image, top, left, free, labels, shifts, y, x, options[k], plain)
                    if cost < best:
                        best, chosen = cost, options[k]
                if chosen != labels[y, x]:
                    labels[y, x] = chosen
                    changed += 1
        if changed == 0:
            break


@jit
def cut(
    image: Any,
    top: int,
    left: int,
    free: Any,
    labels: Any,
    shifts: Any,
    box: Any,
    plain: float,
    reach: int,
    rounds: int,
) -> None:
    """Lay the seams anew within a band around them, by min-sum belief propagation among the labels that are near.

    Args:
        box: see `settle`. plain: likewise. reach: half the width of the band, in cells.
    """
    height, width = labels.shape
    most = 4
    number = np.full((box[1] - box[0], box[3] - box[2]), -1, np.int32)
    count = 0
    for pas in range(2):
        if pas == 1:
            place, kinds = np.empty((count, 2), np.int64), np.zeros(count, np.int64)
            option = np.empty((count, most), np.int16)
            count = 0
        for y in range(box[0], box[1]):
            for x in range(box[2], box[3]):
                own = labels[y, x]
                if own < 0 or (pas == 1 and number[y - box[0], x - box[2]] < 0):
                    continue
                if pas == 0:
                    # a plus is enough to see a seam, for seams are longer than the band is wide
                    near = False
                    for step in range(1, reach + 1):
                        for way in range(4):
                            v, u = y + step * ((way == 2) - (way == 3)), x + step * ((way == 0) - (way == 1))
                            if 0 <= v < height and 0 <= u < width and labels[v, u] >= 0 and labels[v, u] != own:
                                near = True
                        if near:
                            break
                    if near:
                        number[y - box[0], x - box[2]] = count
                        count += 1
                    continue
                place[count, 0], place[count, 1] = y, x
                have = 0
                if _there(y + shifts[own, 0], x + shifts[own, 1], free):
                    option[count, 0], have = own, 1
                for step in range(1, reach + 1):
                    for way in range(8):
                        v = y + step * ((way == 2) - (way == 3) + (way == 4) + (way == 5) - (way == 6) - (way == 7))
                        u = x + step * ((way == 0) - (way == 1) + (way == 4) - (way == 5) + (way == 6) - (way == 7))
                        if not (0 <= v < height and 0 <= u < width) or labels[v, u] < 0 or have >= most:
                            continue
                        other = labels[v, u]
                        known = False
                        for k in range(have):
                            known = known or option[count, k] == other
                        if not known and _there(y + shifts[other, 0], x + shifts[other, 1], free):
                            option[count, have] = other
                            have += 1
                if have == 0:
                    option[count, 0], have = own, 1
                kinds[count] = have
                count += 1
    if count == 0:
        return
    unary = np.zeros((count, most), np.float32)
    pair = np.zeros((count, 2, most, most), np.float32)  # with the cell to the right, and with the one below
    for n in range(count):
        y, x = place[n, 0], place[n, 1]
        for k in range(kinds[n]):
            a, b = y + shifts[option[n, k], 0], x + shifts[option[n, k], 1]
            if not _there(a, b, free):
                unary[n, k] = 1e3
                continue
            for way in range(4):
                dy, dx = (way == 2) - (way == 3), (way == 0) - (way == 1)
                v, u = y + dy, x + dx
                if not (0 <= v < height and 0 <= u < width):
                    continue
                if free[v, u]:
                    unary[n, k] += (
                        2 * _apart(image, top, left, a + dy, b + dx, v, u) if _there(a + dy, b + dx, free) else 0.6
                    )
                    continue
                if labels[v, u] < 0:
                    continue
                inside = box[0] <= v < box[1] and box[2] <= u < box[3]
                other = number[v - box[0], u - box[2]] if inside else -1
                if other < 0:
                    unary[n, k] += _seam(image, top, left, free, shifts, y, x, v, u, option[n, k], labels[v, u], plain)
                elif way == 0 or way == 2:
                    for j in range(kinds[other]):
                        pair[n, way // 2, k, j] = _seam(
                            image, top, left, free, shifts, y, x, v, u, option[n, k], option[other, j], plain
                        )
    messages = np.zeros((count, 4, most), np.float32)  # to a cell, from its neighbour in that direction
    belief, told = np.empty(most, np.float32), np.empty(most, np.float32)
    for turn in range(rounds):
        for i in range(count):  # forwards and backwards in turn: news go far in one round
            n = i if turn % 2 == 0 else count - 1 - i
            y, x = place[n, 0], place[n, 1]
            for way in range(4):
                v, u = y + (way == 2) - (way == 3), x + (way == 0) - (way == 1)
                if not (box[0] <= v < box[1] and box[2] <= u < box[3]) or number[v - box[0], u - box[2]] < 0:
                    continue
                other = number[v - box[0], u - box[2]]
                for k in range(kinds[n]):
                    belief[k] = unary[n, k]
                    for from_way in range(4):
                        if from_way != way:
                            belief[k] += messages[n, from_way, k]
                lowest = np.float32(np.inf)
                for j in range(kinds[other]):
                    best = np.float32(np.inf)
                    for k in range(kinds[n]):
                        cost = pair[n, way // 2, k, j] if way % 2 == 0 else pair[other, way // 2, j, k]
                        best = min(best, belief[k] + cost)
                    told[j] = best
                    lowest = min(lowest, best)
                back = way ^ 1
                for j in range(kinds[other]):
                    messages[other, back, j] = told[j] - lowest
    for n in range(count):
        best = np.float32(np.inf)
        for k in range(kinds[n]):
            cost = unary[n, k]
            for way in range(4):
                cost += messages[n, way, k]
            if cost < best:
                best = cost
                labels[place[n, 0], place[n, 1]] = option[n, k]


@jit
def levels(
    image: Any, top: int, left: int, free: Any, labels: Any, shifts: Any, bound: float, sweeps: int, correction: Any
) -> None:
    """What is to be added to the copies, so that their levels meet each other and the border of the hole.

    The correction is smooth within a piece. From piece to piece it jumps by what the two pieces differ at their seam,
    and at the border it is what the copy differs from the picture: a Poisson equation, as in seamless cloning (Perez et
    al., 2003), written for the correction; relaxed over, red and black mixed.

    Args:
        bound: differences much larger than that are another content, not another light, and count less.
        correction: (3, h, w), begun with and changed.
    """
    height, width = labels.shape
    count = 0
    for y in range(height):
        for x in range(width):
            count += labels[y, x] >= 0
    place = np.empty((count, 2), np.int64)
    step = np.zeros((count, 4, 3), np.float32)
    weight = np.zeros((count, 4), np.float32)
    inner = np.zeros((count, 4), np.uint8)
    at = 0
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label < 0:
                continue
            place[at, 0], place[at, 1] = y, x
            a, b = y + shifts[label, 0], x + shifts[label, 1]
            for way in range(4):
                dy, dx = (way == 2) - (way == 3), (way == 0) - (way == 1)
                v, u = y + dy, x + dx
                if not (0 <= v < height and 0 <= u < width):
                    continue
                if free[v, u]:
                    if not _there(a + dy, b + dx, free):
                        continue
                    weight[at, way] = 1
                    for k in range(3):
                        step[at, way, k] = image[k, top + v, left + u] - image[k, top + a + dy, left + b + dx]
                elif labels[v, u] == label:
                    weight[at, way], inner[at, way] = 1, 1
                    continue
                elif labels[v, u] >= 0:
                    inner[at, way] = 1
                    other = labels[v, u]
                    c, d = v + shifts[other, 0], u + shifts[other, 1]
                    number = 0
                    if _there(c - dy, d - dx, free) and _there(a, b, free):
                        number += 1
                        for k in range(3):
                            step[at, way, k] += image[k, top + c - dy, left + d - dx] - image[k, top + a, left + b]
                    if _there(c, d, free) and _there(a + dy, b + dx, free):
                        number += 1
                        for k in range(3):
                            step[at, way, k] += image[k, top + c, left + d] - image[k, top + a + dy, left + b + dx]
                    if number == 0:
                        continue
                    weight[at, way] = 1
                    for k in range(3):
                        step[at, way, k] /= number
                else:
                    continue
                size = np.float32(0)
                for k in range(3):
                    size = max(size, abs(step[at, way, k]))
                weight[at, way] = 1 / (1 + (size / bound) ** 4)
            at += 1
    over = np.float32(1.8)
    for sweep in range(sweeps):
        for i in range(count):
            n = i if sweep % 2 == 0 else count - 1 - i
            y, x = place[n, 0], place[n, 1]
            total, r, g, b = np.float32(1e-6), np.float32(0), np.float32(0), np.float32(0)
            for way in range(4):
                w = weight[n, way]
                if w == 0:
                    continue
                total += w
                r, g, b = r + w * step[n, way, 0], g + w * step[n, way, 1], b + w * step[n, way, 2]
                if inner[n, way]:
                    v, u = y + (way == 2) - (way == 3), x + (way == 0) - (way == 1)
                    r, g, b = r + w * correction[0, v, u], g + w * correction[1, v, u], b + w * correction[2, v, u]
            correction[0, y, x] += over * (r / total - correction[0, y, x])
            correction[1, y, x] += over * (g / total - correction[1, y, x])
            correction[2, y, x] += over * (b / total - correction[2, y, x])


@jit
def _between(values: Any, labels: Any, scale: float, y: int, x: int, label: int, out: Any) -> bool:
    """A value between the cells of a coarser map, bilinear among the cells of one label; False if there is none."""
    rows, columns = labels.shape
    v, u = (y + 0.5) * scale - 0.5, (x + 0.5) * scale - 0.5
    above, before = int(np.floor(v)), int(np.floor(u))
    for ring in range(6):  # seams have moved since, by some cells
        total = 0.0
        out[0], out[1], out[2] = 0, 0, 0
        for i in range(above - ring, above + 2 + ring):
            for j in range(before - ring, before + 2 + ring):
                if 0 <= i < rows and 0 <= j < columns and labels[i, j] == label:
                    w = max(ring + 1 - abs(v - i), 1e-3) * max(ring + 1 - abs(u - j), 1e-3)
                    total += w
                    out[0] += w * values[0, i, j]
                    out[1] += w * values[1, i, j]
                    out[2] += w * values[2, i, j]
        if total > 0:
            out[0], out[1], out[2] = out[0] / total, out[1] / total, out[2] / total
            return True
    return False


@jit
def carry(coarse: Any, coarse_labels: Any, from_times: int, to_times: int, labels: Any, out: Any) -> None:
    """A correction of cells of `from_times` pixels -> of cells of `to_times`, within the pieces; written to `out`."""
    height, width = labels.shape
    value = np.empty(3, np.float64)
    for y in range(height):
        for x in range(width):
            if labels[y, x] >= 0 and _between(coarse, coarse_labels, to_times / from_times, y, x, labels[y, x], value):
                out[0, y, x], out[1, y, x], out[2, y, x] = value[0], value[1], value[2]
            else:
                out[0, y, x], out[1, y, x], out[2, y, x] = 0, 0, 0


@jit
def _alike(labels: Any, y: int, x: int, soft: int) -> bool:
    """Whether the labels around a pixel are its own, as far as eight of them tell; cells of the hole alone count."""
    height, width = labels.shape
    own = labels[y, x]
    for dy in (-soft, 0, soft):
        v = y + dy
        if 0 <= v < height:
            for dx in (-soft, 0, soft):
                u = x + dx
                if 0 <= u < width and labels[v, u] != own and labels[v, u] >= 0:
                    return False
    return True


@jit
def copy(
    image: Any, top: int, left: int, free: Any, labels: Any, shifts: Any, soft: int,
    correction: Any, coarse_labels: Any, times: int, smooth: Any, smooth_times: int,
    share: Any, row: int, column: int, out: Any,
) -> None:  # fmt: skip
    """The hole of a picture at full size, written to `out`, blended with the picture.

    Args:
        image: (3, H, W), of which the part that begins at `top`, `left` has these labels, (h, w), at full size.
        shifts: in pixels. soft: pixels over which two pieces are blended at a seam, to either side.
        correction, coarse_labels: of cells of `times` pixels, see `levels`.
        smooth: (3, rows, columns), colours where no shift serves, of cells of `smooth_times` pixels.
        share: (m, n), of the box of the hole, which begins at `row`, `column` of the part: 0 where the picture stays, 1
            where it is filled.
        out: (3, m, n), of this box.
    """
    height, width = labels.shape
    _, rows, columns = smooth.shape
    scale, smooth_scale = 1.0 / times, 1.0 / smooth_times
    value, colour = np.empty(3, np.float64), np.empty(3, np.float64)
    number, weight = np.empty(64, np.int64), np.empty(64, np.float64)
    for m in range(share.shape[0]):
        y = row + m
        for n in range(share.shape[1]):
            x = column + n
            part = share[m, n]
            if part <= 0:
                for k in range(3):
                    out[k, m, n] = image[k, top + y, left + x]
                continue
            label = labels[y, x]
            kinds = 0
            if label >= 0:
                number[0], weight[0], kinds = label, 1.0, 1
            if label >= 0 and not _alike(labels, y, x, soft):
                weight[0] = 0.0
                for dy in range(-soft, soft + 1):
                    v = y + dy
                    if not 0 <= v < height:
                        continue
                    for dx in range(-soft, soft + 1):
                        u = x + dx
                        if not 0 <= u < width:
                            continue
                        other = labels[v, u]
                        if other < 0:
                            continue
                        w = float((soft + 1 - abs(dy)) * (soft + 1 - abs(dx)))
                        known = -1
                        for k in range(kinds):
                            if number[k] == other:
                                known = k
                                break
                        if known < 0 and kinds < 64:
                            known = kinds
                            number[kinds], weight[kinds] = other, 0.0
                            kinds += 1
                        if known >= 0:
                            weight[known] += w
            total = 0.0
            colour[0], colour[1], colour[2] = 0, 0, 0
            for k in range(kinds):
                v, u = y + shifts[number[k], 0], x + shifts[number[k], 1]
                if not _there(v, u, free):
                    continue
                if not _between(correction, coarse_labels, scale, y, x, number[k], value):
                    if k > 0:
                        continue
                    value[0], value[1], value[2] = 0, 0, 0
                total += weight[k]
                for c in range(3):
                    colour[c] += weight[k] * (image[c, top + v, left + u] + min(max(value[c], -0.6), 0.6))
            if total > 0:
                for c in range(3):
                    colour[c] /= total
            else:
                down = min(max((y + 0.5) * smooth_scale - 0.5, 0.0), rows - 1.0)
                across = min(max((x + 0.5) * smooth_scale - 0.5, 0.0), columns - 1.0)
                v, u = int(down), int(across)
                v1, u1 = min(v + 1, rows - 1), min(u + 1, columns - 1)
                down, across = down - v, across - u
                for c in range(3):
                    above = smooth[c, v, u] + (smooth[c, v, u1] - smooth[c, v, u]) * across
                    below = smooth[c, v1, u] + (smooth[c, v1, u1] - smooth[c, v1, u]) * across
                    colour[c] = above + (below - above) * down
            for c in range(3):
                own = image[c, top + y, left + x]
                out[c, m, n] = own + (min(max(colour[c], -1.0), 1.0) - own) * part


@jit
def mix_columns(picture: Any, taps: Any, weights: Any, out: Any) -> None:
    """Every column of `out` (C, h, n) is a weighted sum of columns of a picture (C, h, w).

    Args:
        taps: int64 (k, n), the columns. weights: float32 (k, n).
    """
    channels, height, count = out.shape
    for c in range(channels):
        for y in range(height):
            for x in range(count):
                total = np.float32(0)
                for k in range(len(taps)):
                    total += weights[k, x] * picture[c, y, taps[k, x]]
                out[c, y, x] = total
