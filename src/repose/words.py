"""The sentence after "there is no such name": what was probably meant, or what there is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: object, known: Iterable[object]) -> str:
    """ "did you mean 'patn-s'?" where a known name is near, else "there are patn-s, patn-market, ..."."""
    names = [str(one) for one in known]
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(names) or 'none'}"
