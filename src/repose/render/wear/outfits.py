"""What a person wears and how the head looks, drawn from a random generator: numbers only, no geometry.

One season, one scheme of colours and at most one loud piece a person, so that the whole looks like somebody who got
dressed in the morning. Heights are metres of the mean body at rest (crotch 0.08, waist 0.25, chest 0.45,
    base of the neck 0.64);
positions along an arm are 0 shoulder, 1 elbow, 2 wrist, along a leg 0 hip, 1 knee, 2 ankle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.render.pieces import Fabric, Looks
from repose.render.wear.fabrics import Floats, Rng, color, colors, flat_fabric, luminance, sample_fabric

STYLES: Final = ("street", "fashion", "plain")
"""What `sample_outfit` knows. "plain" draws like "street" and then paints every fabric in one flat colour."""

STRAIGHT: Final = 9.0
"""The `waist` of a dress that has none."""

Cut = Mapping[str, float | str]
_Numbers = dict[str, float | str]


@dataclass(frozen=True)
class WornItem:
    """One thing worn.

    Attributes:
        kind: top, coat, dress, skirt, trousers, jumpsuit, socks, shoes, hat, glasses, bag, scarf, gloves or belt.
        fabric: its cloth.
        cut: the numbers of its shape, by name; which ones depends on the kind.
    """

    kind: str
    fabric: Fabric
    cut: Cut

    def number(self, name: str) -> float:
        """A number of the cut. Raises KeyError if it has none of that name."""
        return float(self.cut[name])


@dataclass(frozen=True)
class Outfit:
    """Everything about a person that a change of pose must keep, apart from the body. Garments from the inside out."""

    garments: tuple[WornItem, ...]
    looks: Looks

    def find(self, kind: str) -> WornItem | None:
        """The first garment of a kind."""
        return next((g for g in self.garments if g.kind == kind), None)


def sample_outfit(rng: Rng, gender: float, age: float, style: str) -> Outfit:
    """A random person's clothes and looks.

    Args:
        rng: the person's generator. gender: 0 male to 1 female. age: 0.35 child (about 1.45 m), 0.45
            teenager, 0.67 young adult, 0.97 old. style: one of `STYLES`.

    Raises:
        ValueError: unknown style.
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    female = bool(rng.random() < np.clip((gender - 0.5) * 2.2 + 0.5, 0.01, 0.99))
    looks = _sample_looks(rng, female, gender, age)
    garments = _over_the_rest(_taken_in(g) for g in _Dresser(rng, female, age, style).dress())
    if style == "plain":
        garments = tuple(WornItem(g.kind, flat_fabric(g.fabric), g.cut) for g in garments)
    if looks.hair in _NO_ROOM and any(g.kind == "hat" for g in garments):
        looks = replace(looks, hair="short")
    return Outfit(garments, looks)


_NO_ROOM: Final = ("afro", "curly", "quiff")  # under a hat

# Seen on the body, clothes were wider than they are worn.
_TAKEN_IN: Final = {"coat": 0.62, "top": 0.72, "dress": 0.85, "jumpsuit": 0.85}


def _taken_in(garment: WornItem) -> WornItem:
    """The garment with less room, as it looks right on the body."""
    share = _TAKEN_IN.get(garment.kind)
    if share is None:
        return garment
    return WornItem(garment.kind, garment.fabric, {**garment.cut, "ease": max(garment.number("ease") * share, 0.004)})


def _over_the_rest(garments: Iterable[WornItem]) -> tuple[WornItem, ...]:
    """The same garments, the coat wider than what is worn below it: each was taken in by a share of its own."""
    worn = tuple(garments)
    least = max((g.number("ease") for g in worn if g.kind in ("top", "dress", "jumpsuit")), default=0.0) + 0.002
    return tuple(
        WornItem(g.kind, g.fabric, {**g.cut, "ease": least}) if g.kind == "coat" and g.number("ease") < least else g
        for g in worn
    )


# -- colours ---------------------------------------------------------------------------------------------------------

_NEUTRAL: Final = colors(
    [[24, 24, 27], [46, 47, 51], [92, 94, 98], [150, 151, 152], [196, 196, 194], [238, 238, 235],
     [232, 226, 212], [30, 37, 62], [44, 56, 84], [200, 182, 150], [166, 132, 96], [94, 68, 50],
     [84, 86, 62]]
)  # fmt: skip
_NEUTRAL_ODDS: Final = np.array([6, 3, 1.6, 2, 1.4, 5, 2, 4, 1.4, 2, 1, 1, 1.3])
_LOWER_ODDS: Final = np.array([6, 3, 1.6, 1.2, 0.5, 1.1, 0.8, 4, 1.4, 2, 1, 1, 1.3])  # few white trousers
_MUTED: Final = colors(
    [[104, 32, 44], [204, 160, 156], [148, 160, 136], [44, 84, 86], [98, 120, 148], [196, 152, 66],
     [158, 84, 56], [146, 116, 138], [164, 190, 214], [44, 74, 56], [188, 120, 96], [124, 58, 66],
     [220, 206, 172], [72, 62, 88]]
)  # fmt: skip
_LOUD: Final = colors(
    [[186, 34, 40], [34, 72, 164], [236, 196, 64], [226, 116, 44], [56, 140, 76], [218, 78, 124],
     [52, 160, 172], [108, 58, 140], [240, 146, 166], [120, 196, 226]]
)  # fmt: skip
_DENIM: Final = colors(
    [[34, 44, 72], [52, 70, 108], [78, 102, 140], [124, 148, 178], [168, 186, 204], [30, 31, 36],
     [88, 90, 96]]
)  # fmt: skip
_DENIM_ODDS: Final = np.array([4, 4, 3.5, 2.5, 1, 2.5, 0.8])
_LEATHER: Final = colors([[26, 24, 25], [74, 48, 36], [132, 86, 54], [176, 128, 84], [92, 34, 36]])
_LEATHER_ODDS: Final = np.array([6, 2, 2, 1, 0.5])


def _pick(rng: Rng, table: Floats, odds: NDArray[np.float64] | None = None) -> Floats:
    """A row of a table of colours, with a little noise."""
    p = None if odds is None else odds / odds.sum()
    row = table[int(rng.choice(len(table), p=p))]
    out = row * rng.uniform(0.92, 1.08) + rng.normal(0, 0.012, 3)
    toned: Floats = np.clip(out, 0.03, 0.96).astype(np.float32)
    return toned


def _palette(rng: Rng, base: Floats, calm: bool) -> Floats:
    """(4, 3) colours that go with `base`: one that stands out from it, then two more. `calm`: neutral ones alone."""
    out = [base]
    for k in range(3):
        for _ in range(6):
            neutral = calm or rng.random() < (0.7 if k == 0 else 0.4)
            other = (
                _pick(rng, _NEUTRAL, _NEUTRAL_ODDS) if neutral else _pick(rng, _MUTED if rng.random() < 0.8 else _LOUD)
            )
            if abs(luminance(other) - luminance(base)) > (0.25 if k == 0 else 0.1):
                break
        out.append(other)
    return np.stack(out)


def _choose(rng: Rng, odds: Mapping[str, float]) -> str:
    """A key, with odds in proportion to its value."""
    values = np.array(list(odds.values()), np.float64)
    return str(list(odds)[int(rng.choice(len(values), p=values / values.sum()))])


# -- patterns: which ones a kind of garment comes in. "print" is a plain cloth with a print on it --------------------

_CALM: Final = frozenset(
    {"plain", "heather", "knit", "ribbed", "cable", "corduroy", "denim", "quilt", "tweed", "pinstripe"}
)
_PATTERNS: Final[Mapping[str, Mapping[str, float]]] = {
    "tshirt": {"print": 42, "stripes": 11, "heather": 6, "tiedye": 1.5, "camouflage": 1.2, "blocks": 2.5,
               "photograph": 1,
               "acid": 1.2, "brush": 1.2, "scenery": 0.8, "dots": 1, "floral": 1.5, "geometric": 1, "gradient": 1},
    "tank": {"print": 18, "stripes": 8, "ribbed": 12, "floral": 4, "heather": 4, "tiedye": 1.5, "leopard": 1,
             "acid": 1},
    "longsleeve": {"stripes": 18, "print": 18, "ribbed": 8, "heather": 8, "blocks": 2, "leopard": 1, "camouflage": 0.8},
    "jersey": {"print": 30, "blocks": 4, "bars": 4, "stripes": 4, "gradient": 3},
    "polo": {"stripes": 14, "blocks": 5, "heather": 8, "print": 5, "geometric": 2},
    "shirt": {"bars": 15, "checks": 9, "gingham": 9, "tartan": 14, "dots": 3, "floral": 6, "denim": 7, "geometric": 3,
              "paisley": 1.5, "brush": 1.2, "photograph": 0.8, "scenery": 0.6},
    "blouse": {"floral": 17, "dots": 11, "stripes": 5, "bars": 5, "leopard": 4, "paisley": 3, "brush": 4, "zebra": 2,
               "geometric": 4, "checks": 2, "photograph": 1.5, "gradient": 1},
    "sweater": {"knit": 28, "cable": 14, "ribbed": 12, "stripes": 14, "fairisle": 6, "heather": 12, "argyle": 3,
                "blocks": 4,
                "zigzag": 2, "print": 6, "leopard": 0.8},
    "hoodie": {"print": 38, "heather": 16, "blocks": 4, "tiedye": 2, "camouflage": 1.5, "acid": 1},
    "cardigan": {"knit": 25, "cable": 10, "ribbed": 14, "stripes": 6, "heather": 12, "fairisle": 3, "argyle": 2},
    "blazer": {"tweed": 6, "pinstripe": 4, "checks": 6, "houndstooth": 3, "heather": 4, "tartan": 1.5},
    "coat": {"tweed": 8, "heather": 8, "checks": 4, "houndstooth": 3, "tartan": 2.5, "leopard": 0.8},
    "bomber": {"print": 5, "camouflage": 3, "blocks": 5, "quilt": 3},
    "puffer": {"quilt": 100},
    "dress": {"floral": 28, "dots": 9, "stripes": 9, "bars": 4, "checks": 3, "gingham": 4, "leopard": 4, "zebra": 2,
              "paisley": 3, "brush": 5, "geometric": 5, "photograph": 2, "gradient": 2, "tiedye": 1.5, "zigzag": 1.5,
              "ribbed": 6, "tartan": 1.5, "blocks": 2},
    "skirt": {"floral": 12, "tartan": 6, "checks": 4, "houndstooth": 2, "dots": 5, "leopard": 4, "stripes": 3,
              "bars": 2,
              "gingham": 3, "brush": 2, "geometric": 2, "corduroy": 4, "tweed": 2, "zebra": 1, "photograph": 1},
    "chinos": {"corduroy": 7, "checks": 5, "pinstripe": 2, "camouflage": 1.5, "heather": 2, "tweed": 1.5},
    "suit": {"pinstripe": 5, "checks": 3, "heather": 4, "houndstooth": 0.7},
    "joggers": {"heather": 16, "camouflage": 3, "tiedye": 1, "bars": 1.5},
    "leggings": {"leopard": 1.5, "camouflage": 1, "floral": 1.5, "heather": 3, "photograph": 1, "geometric": 1,
                 "ribbed": 2},
    "loose": {"floral": 7, "stripes": 3, "bars": 5, "geometric": 3, "leopard": 1.5, "paisley": 2.5, "tiedye": 1.5},
    "shorts": {"camouflage": 4, "checks": 4, "floral": 6, "heather": 5, "bars": 2, "gingham": 2, "brush": 1.5},
    "scarf": {"tartan": 10, "knit": 14, "stripes": 8, "floral": 6, "paisley": 4, "cable": 4, "dots": 3, "leopard": 2},
    "socks": {"stripes": 12, "ribbed": 20, "argyle": 4, "dots": 3},
    "hat": {"ribbed": 6, "knit": 6},
    "bag": {"checks": 2, "camouflage": 1, "floral": 1, "geometric": 1},
}  # fmt: skip
_MATERIAL: Final[Mapping[str, Mapping[str, float]]] = {
    "tshirt": {"cotton": 1}, "tank": {"cotton": 4, "viscose": 1, "silk": 0.5}, "longsleeve": {"cotton": 1},
    "jersey": {"nylon": 1}, "polo": {"cotton": 1}, "shirt": {"poplin": 5, "linen": 1.5, "cotton": 1.5},
    "blouse": {"viscose": 4, "silk": 3, "satin": 1, "poplin": 2}, "sweater": {"knit": 2, "fine knit": 3},
    "hoodie": {"fleece": 1}, "cardigan": {"knit": 2, "fine knit": 2}, "blazer": {"suit": 1}, "coat": {"wool": 3,
        "twill": 1},
    "bomber": {"nylon": 1, "twill": 0.5}, "puffer": {"nylon": 1}, "dress": {"viscose": 4, "cotton": 2, "silk": 1.5,
    "satin": 0.5, "linen": 0.5}, "skirt": {"viscose": 3, "cotton": 2, "wool": 1, "satin": 0.8, "leather": 0.5},
    "chinos": {"twill": 1}, "joggers": {"fleece": 1}, "leggings": {"lycra": 1}, "loose": {"viscose": 2, "linen": 1},
    "shorts": {"twill": 2, "cotton": 1}, "scarf": {"knit": 2, "viscose": 1}, "socks": {"cotton": 1},
    "hat": {"twill": 1}, "bag": {"canvas": 1}, "parka": {"twill": 2, "nylon": 1}, "suit": {"suit": 1},
}  # fmt: skip
_WOVEN: Final[Mapping[str, tuple[str, ...]]] = {  # patterns that only some materials can have; the first one otherwise
    "denim": ("denim",), "knit": ("knit",), "cable": ("knit",), "ribbed": ("cotton", "knit", "fine knit", "lycra"),
    "corduroy": ("corduroy",), "floral": ("viscose", "cotton", "silk", "poplin", "linen", "satin", "twill", "lycra",
                                          "canvas"),
    "paisley": ("viscose", "silk", "poplin", "cotton", "satin", "linen"), "heather": ("cotton", "fleece", "wool",
        "fine knit",
    "knit", "suit", "twill", "lycra"), "tweed": ("wool", "suit"), "tartan": ("cotton", "wool", "poplin", "suit",
        "knit"),
}  # fmt: skip
_PRINTED: Final[Mapping[str, tuple[float, float]]] = {  # odds of any pattern: on the street, in fashion
    "tshirt": (0.54, 0.68), "tank": (0.45, 0.6), "longsleeve": (0.48, 0.62), "jersey": (0.95, 0.95), "polo": (0.4,
        0.45),
    "shirt": (0.5, 0.62), "blouse": (0.46, 0.62), "sweater": (0.6, 0.72), "hoodie": (0.55, 0.68), "cardigan": (0.6,
        0.65),
    "blazer": (0.2, 0.3), "coat": (0.25, 0.3), "bomber": (0.2, 0.3), "puffer": (1.0, 1.0), "dress": (0.5, 0.58),
    "skirt": (0.32, 0.42), "chinos": (0.1, 0.16), "joggers": (0.2, 0.25), "leggings": (0.1, 0.18), "loose": (0.35,
        0.45),
    "shorts": (0.22, 0.28), "scarf": (0.6, 0.6), "socks": (0.3, 0.35), "hat": (0.1, 0.1), "bag": (0.06, 0.06),
    "parka": (0.0, 0.0), "suit": (0.12, 0.15),
}  # fmt: skip


class _Dresser:
    """Dresses one person: keeps the season, the colours in use, and whether a loud piece is there already."""

    def __init__(self, rng: Rng, female: bool, age: float, style: str) -> None:
        self.rng, self.female, self.age = rng, female, age
        self.fashion = style == "fashion"
        self.child, self.old = age < 0.45, age > 0.86
        self.season = _choose(rng, {"summer": 0.42, "mild": 0.36, "winter": 0.22} if self.fashion
                              else {"summer": 0.38, "mild": 0.37, "winter": 0.25})  # fmt: skip
        self.scheme = _choose(rng, {"neutral": 4, "accent": 4, "tonal": 1.2, "loud": 3 if self.child else 1.0})
        self.accent = _pick(rng, _LOUD if self.scheme == "loud" else _MUTED)
        self.busy = False  # a loud pattern or colour is worn: what follows is calm
        self.accented = False
        self.suit: Fabric | None = None

    # -- colours and cloth -------------------------------------------------------------------------------------------

    def tone(self, main: bool) -> Floats:
        """The colour of the next garment. `main`: one that may carry the accent."""
        rng = self.rng
        if self.scheme == "tonal":
            near = self.accent if rng.random() < 0.6 else _pick(rng, _NEUTRAL, _NEUTRAL_ODDS)
            out: Floats = np.clip(near * rng.uniform(0.6, 1.35), 0.04, 0.95).astype(np.float32)
            return out
        odds = {"neutral": 0.08, "accent": 0.62, "loud": 0.72}[self.scheme]
        if main and not self.accented and rng.random() < odds:
            self.accented = True
            self.busy |= self.scheme == "loud"
            return self.accent
        return _pick(rng, _NEUTRAL, _NEUTRAL_ODDS if main else _LOWER_ODDS)

    def cloth(self, what: str, main: bool = True, base: Floats | None = None) -> Fabric:
        """The fabric of a garment; `what` is a key of the tables above, `base` fixes its colour."""
        rng = self.rng
        base = self.tone(main) if base is None else base
        pattern = "plain"
        if rng.random() < _PRINTED[what][int(self.fashion)]:
            pattern = _choose(rng, _PATTERNS[what])
        if self.busy and pattern not in _CALM:
            pattern = "plain"
        loud = pattern not in _CALM
        self.busy |= loud and not (pattern == "print" or (pattern == "stripes" and rng.random() < 0.5))
        material = _choose(rng, _MATERIAL[what])
        fitting = _WOVEN.get(pattern, (material,))
        material = material if material in fitting else fitting[0]
        if pattern == "denim":
            base = _pick(rng, _DENIM, _DENIM_ODDS)
        palette = _palette(rng, base, calm=rng.random() < 0.45)
        if loud and pattern in ("floral", "stripes", "tartan", "dots") and rng.random() < 0.35:
            palette[[0, 1]] = palette[[1, 0]]
        printed = pattern == "print"
        return sample_fabric(rng, what, palette, "plain" if printed else pattern, material, printed)

    def denim(self) -> Fabric:
        """Blue, black or grey denim, seams of the same colour or orange."""
        rng = self.rng
        base = _pick(rng, _DENIM, _DENIM_ODDS)
        return sample_fabric(rng, "jeans", np.stack([base, base * 0.6, base, base]), "denim", "denim")

    def hide(self, base: Floats | None = None, material: str = "leather") -> Fabric:
        """Leather, or what looks like it."""
        base = _pick(self.rng, _LEATHER, _LEATHER_ODDS) if base is None else base
        return sample_fabric(self.rng, "leather", np.tile(base, (4, 1)), "plain", material)

    def plain(self, base: Floats, material: str) -> Fabric:
        """Cloth of one given colour."""
        return sample_fabric(self.rng, "plain", np.tile(base, (4, 1)), "plain", material)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, odds: float) -> bool:
        return bool(self.rng.random() < odds)

    # -- the whole ---------------------------------------------------------------------------------------------------

    def dress(self) -> list[WornItem]:
        """All garments, from the inside out."""
        kind = self._main_kind()
        # The piece that may be loud is drawn first, so that the others keep to it.
        worn = {"dress": self._with_dress, "jumpsuit": self._with_jumpsuit, "skirt": self._with_skirt,
                "trousers": self._with_trousers}[kind]()  # fmt: skip
        coat = self._coat(worn)
        if coat is not None:
            worn.append(coat)
        low = min((g.number("end") for g in worn if g.kind in ("trousers", "jumpsuit")), default=0.5)
        shoes = self._shoes(kind, low, worn)
        socks = self._socks(shoes, low)
        out = [*([socks] if socks else []), *worn, shoes]
        return out + self._extras(coat)

    def _main_kind(self) -> str:
        if not self.female:
            return "jumpsuit" if self.chance(0.008) else "trousers"
        warm = {"summer": 1.0, "mild": 0.7, "winter": 0.4}[self.season]
        dress = (0.3 if self.fashion else 0.2) * warm
        return _choose(
            self.rng,
            {"dress": dress, "jumpsuit": 0.04 * warm, "skirt": 0.2 * warm, "trousers": 1 - dress - 0.24 * warm},
        )

    def _with_trousers(self) -> list[WornItem]:
        trousers = self._trousers()
        top = self._top(tucks=(0.24 if self.female else 0.15) + 0.5 * (self.suit is not None))
        top = self._meet(top, trousers)
        out = [top, trousers] if top.number("tucked") else [trousers, top]
        return self._belted(out, trousers.number("waist"), trousers.number("end"))

    def _with_skirt(self) -> list[WornItem]:
        top = self._top(tucks=0.62)
        skirt = self._skirt()
        top = self._meet(top, skirt)
        tights = self._tights(skirt.number("hem"))
        return [*tights, *([top, skirt] if top.number("tucked") else [skirt, top])]

    def _with_dress(self) -> list[WornItem]:
        dress = self._dress()
        out = [*self._tights(dress.number("hem")), dress]
        if dress.number("waist") < 1 and self.chance(0.12):
            out.append(WornItem("belt", self.hide(), {"z": dress.number("waist")}))
        return out

    def _with_jumpsuit(self) -> list[WornItem]:
        neck, depth = self._neck({"crew": 2, "scoop": 2, "vee": 4, "collar": 2})
        cut: _Numbers = {
            "sleeve": self._sleeve(), "neck": neck, "neck_depth": depth,
            "end": self.between(1.7, 2.02) if self.season != "summer" or self.chance(0.6) else self.between(0.45, 0.7),
            "ease": self.between(0.012, 0.035), "flare": max(0.0, self.between(-0.02, 0.05)),
            "waist": self.between(0.2, 0.26),
        }  # fmt: skip
        fabric = self.denim() if self.chance(0.25) else self.cloth("dress")
        return [WornItem("jumpsuit", fabric, cut)]

    # -- tops --------------------------------------------------------------------------------------------------------

    def _top(self, tucks: float) -> WornItem:
        f, child, old = self.female, self.child, self.old
        odds = {
            "summer": {"tshirt": 5.0, "tank": 1.7 if f else 0.7, "shirt": 1.3, "blouse": 1.6 * f,
                       "polo": 0.3 if f else 0.9,
                       "jersey": 0.12 if f else 0.4, "longsleeve": 0.3},
            "mild": {"tshirt": 2.6, "longsleeve": 1.6, "shirt": 2.0, "blouse": 1.8 * f, "sweater": 1.6, "hoodie": 1.3,
                     "polo": 0.1 if f else 0.4},
            "winter": {"sweater": 4.0, "hoodie": 2.0, "longsleeve": 1.6, "shirt": 1.5, "blouse": 0.5 * f,
                       "tshirt": 0.5},
        }[self.season]  # fmt: skip
        if child:
            odds = odds | {"blouse": odds.get("blouse", 0.0) * 0.4, "hoodie": odds.get("hoodie", 0.0) * 1.5}
        if old:
            odds = odds | {"hoodie": odds.get("hoodie", 0.0) * 0.15, "tank": 0.1, "jersey": 0.0,
                           "shirt": odds["shirt"] * 2, "sweater": odds.get("sweater", 0.0) * 1.3}  # fmt: skip
        if self.suit is not None:
            odds = {"shirt": 5.0, "blouse": 1.5 * f, "sweater": 0.7, "tshirt": 0.8}
        what = _choose(self.rng, odds)
        cut = self._top_cut(what)
        cut["tucked"] = float(
            what not in ("hoodie", "jersey") and self.chance(tucks * (0.4 if what == "sweater" else 1.0))
        )
        return WornItem("top", self.cloth(what), cut)

    def _top_cut(self, what: str) -> _Numbers:
        f = self.female
        fitted = self.chance(0.5 if f else 0.15)
        cut: _Numbers = {
            "sleeve": self._sleeve(), "hem": self.between(0.05, 0.13), "neck": "crew",
            "neck_depth": self.between(0.02, 0.045),
            "ease": self.between(0.005, 0.012) if fitted else self.between(0.014, 0.032),
            "tucked": 0.0, "placket": 0.0, "cuff": 0.0, "hood": 0.0,
        }  # fmt: skip
        if what in ("tshirt", "jersey", "longsleeve"):
            neck, depth = self._neck(
                {"crew": 7, "scoop": 1.6 * f + 0.1, "vee": 1.6, "high": 1.0 * (what == "longsleeve")}
            )
            cut |= {"neck": neck, "neck_depth": depth}
            cut["sleeve"] = self.between(0.4, 0.78) if what != "longsleeve" else self.between(1.9, 2.05)
            if what == "tshirt" and self.chance(0.14):
                cut |= {
                    "ease": self.between(0.04, 0.06),
                    "sleeve": self.between(0.8, 1.0),
                    "hem": self.between(-0.02, 0.06),
                }
            if f and not self.old and not fitted and self.chance(0.12) and not self.child:
                cut["hem"] = self.between(0.2, 0.26)
        elif what == "tank":
            neck, depth = self._neck({"scoop": 5, "vee": 1.5, "crew": 2})
            cut |= {"neck": neck, "neck_depth": depth, "sleeve": 0.0}
        elif what in ("shirt", "polo"):
            cut |= {"neck": "collar", "neck_depth": self.between(0.03, 0.1), "placket": 1.0, "cuff": 1.0,
                    "hem": self.between(0.0, 0.09), "ease": self.between(0.014, 0.036)}  # fmt: skip
            if what == "polo" or (self.season == "summer" and self.chance(0.6)):
                cut |= {"sleeve": self.between(0.5, 0.85), "cuff": 0.0}
            else:
                cut["sleeve"] = self.between(1.92, 2.03) if self.chance(0.75) else self.between(1.2, 1.5)  # rolled up
        elif what == "blouse":
            neck, depth = self._neck({"vee": 3, "scoop": 2, "crew": 2, "collar": 2, "high": 0.6})
            cut |= {"neck": neck, "neck_depth": depth, "ease": self.between(0.016, 0.04),
                    "placket": float(self.chance(0.4)),
                    "cuff": float(self.chance(0.5))}  # fmt: skip
        elif what == "sweater":
            neck, depth = self._neck({"crew": 6, "vee": 1.8, "high": 2.2, "scoop": 0.4 * f})
            cut |= {"neck": neck, "neck_depth": depth, "sleeve": self.between(1.92, 2.05), "cuff": 1.0,
                    "ease": self.between(0.014, 0.05), "hem": self.between(0.04, 0.15)}  # fmt: skip
        else:  # hoodie
            cut |= {"sleeve": self.between(1.95, 2.05), "cuff": 1.0, "ease": self.between(0.026, 0.055),
                    "hood": float(self.chance(0.75)), "hem": self.between(0.03, 0.12)}  # fmt: skip
        return cut

    def _sleeve(self) -> float:
        """0 none, short, three quarters or long, as the season wants."""
        odds = {"summer": (0.35, 0.5, 0.08, 0.07), "mild": (0.06, 0.3, 0.2, 0.44), "winter": (0.0, 0.04, 0.1, 0.86)}
        which = int(self.rng.choice(4, p=odds[self.season]))
        return (0.0, self.between(0.35, 0.85), self.between(1.1, 1.6), self.between(1.9, 2.05))[which]

    def _neck(self, odds: Mapping[str, float]) -> tuple[str, float]:
        """A neckline and how deep it reaches in front."""
        neck = _choose(self.rng, odds)
        low = 0.75 if self.child else 1.0
        depth = {"crew": (0.02, 0.045), "scoop": (0.07, 0.12), "vee": (0.09, 0.17), "high": (-0.06, -0.03),
                 "collar": (0.03, 0.1)}[neck]  # fmt: skip
        value = self.between(*depth)
        return neck, value * low if value > 0 else value

    def _meet(self, top: WornItem, lower: WornItem) -> WornItem:
        """The top with a hem that reaches the waistband, or hangs inside it if tucked."""
        waist, cut = lower.number("waist"), dict(top.cut)
        if cut["tucked"]:
            cut |= {"hem": waist - 0.07, "ease": min(float(cut["ease"]), 0.022)}
        else:
            bare = 0.02 if float(cut["hem"]) > 0.18 else -0.03  # cropped ones may show a hand's breadth of skin
            cut["hem"] = min(float(cut["hem"]), waist + bare)
        return WornItem("top", top.fabric, cut)

    # -- bottoms -----------------------------------------------------------------------------------------------------

    def _trousers(self) -> WornItem:
        f, summer = self.female, self.season == "summer"
        odds = {"jeans": 4.5, "chinos": 1.4 if f else 2.4, "suit": 0.8, "joggers": 0.7 if f else 1.0,
                "leggings": 1.2 if f else 0.04, "shorts": 2.6 if summer else 0.0,
                "loose": 0.8 * f * (1.0 + summer)}  # fmt: skip
        if self.child:
            odds |= {"suit": 0.05, "joggers": 2.0, "leggings": 1.6 * f, "shorts": 3.5 * summer}
        if self.old:
            odds |= {"joggers": 0.2, "leggings": 0.15 * f, "chinos": 3.5, "suit": 1.2, "shorts": 1.0 * summer}
        what = _choose(self.rng, odds)
        waist = self.between(0.19, 0.255) if f else self.between(0.165, 0.215)
        end, ease, flare = self.between(1.9, 2.04), self.between(0.008, 0.016), 0.0
        if what == "jeans":
            shape = _choose(self.rng, {"skinny": 1.8 if f else 0.9, "slim": 2.0, "straight": 2.5,
                                       "wide": 1.0 if f else 0.5,
                                       "flared": 0.6 * f, "cropped": 0.7 * f})  # fmt: skip
            ease = {"skinny": 0.003, "slim": 0.007, "straight": 0.013, "wide": 0.03}.get(shape, 0.007) * self.between(
                0.85, 1.3
            )
            flare = (
                self.between(0.03, 0.06) if shape == "flared" else self.between(0.01, 0.03) if shape == "wide" else 0.0
            )
            end = self.between(1.6, 1.8) if shape == "cropped" else self.between(1.88, 2.05)
            fabric = self.denim()
        elif what in ("chinos", "suit"):
            ease = self.between(0.007, 0.02)
            flare = self.between(0.0, 0.012)
            fabric = self.cloth(what, main=False)
            self.suit = fabric if what == "suit" else None
        elif what == "joggers":
            ease, end = self.between(0.014, 0.03), self.between(1.85, 1.98)
            fabric = self.cloth("joggers", main=False)
        elif what == "leggings":
            ease, end = (
                self.between(0.002, 0.003),
                self.between(1.7, 2.03) if self.chance(0.8) else self.between(1.25, 1.6),
            )
            fabric = self.cloth("leggings", base=_pick(self.rng, _NEUTRAL[:4]) if self.chance(0.75) else None)
        elif what == "loose":
            ease, flare, end = self.between(0.025, 0.045), self.between(0.0, 0.06), self.between(1.6, 2.02)
            fabric = self.cloth("loose")
        else:
            short = f and not self.old and self.chance(0.6)
            end = self.between(0.36, 0.6) if short else self.between(0.7, 1.0)
            ease, flare = self.between(0.01, 0.03), self.between(0.0, 0.02)
            fabric = self.denim() if self.chance(0.35) else self.cloth("shorts", main=False)
        return WornItem("trousers", fabric, {"waist": waist, "end": end, "ease": ease, "flare": flare})

    def _skirt(self) -> WornItem:
        shape = _choose(self.rng, {"mini": 1.5 * (not self.old), "pencil": 1.3 * (not self.child), "aline": 2.2,
                                   "pleated": 1.4,
                                   "maxi": 1.0})  # fmt: skip
        hem = {"mini": (-0.14, -0.06), "pencil": (-0.36, -0.24), "aline": (-0.4, -0.15), "pleated": (-0.5, -0.12),
               "maxi": (-0.7, -0.55)}[shape]  # fmt: skip
        flare = {"mini": (0.01, 0.06), "pencil": (0.0, 0.005), "aline": (0.06, 0.14), "pleated": (0.08, 0.16),
                 "maxi": (0.06, 0.16)}[shape]  # fmt: skip
        fabric = self.denim() if shape in ("mini", "aline", "pencil") and self.chance(0.25) else self.cloth("skirt")
        if self.old:
            hem = (min(hem[0], -0.38), min(hem[1], -0.26))
        return WornItem("skirt", fabric, {"waist": self.between(0.2, 0.27), "hem": self.between(*hem),
                                         "flare": self.between(*flare), "ease": self.between(0.004,
                                             0.012)})  # fmt: skip

    def _dress(self) -> WornItem:
        shape = _choose(self.rng, {"fitted": 1.4 * (not self.child), "flared": 3.0, "shift": 1.6, "shirt": 0.9,
                                   "maxi": 1.2,
                                   "sweater": 0.3 if self.season == "summer" else 1.4})  # fmt: skip
        neck, depth = self._neck({"crew": 3, "scoop": 2.5, "vee": 3, "high": 0.3})
        hem = self.between(-0.22, -0.06) if self.chance(0.45) and not self.old else self.between(-0.42, -0.2)
        cut: _Numbers = {"sleeve": self._sleeve(), "neck": neck, "neck_depth": depth,
                                       "waist": STRAIGHT, "hem": hem,
                                       "flare": self.between(0.01, 0.05), "ease": self.between(0.012,
                                           0.03)}  # fmt: skip
        what = "dress"
        if shape == "fitted":
            cut |= {
                "waist": self.between(0.23, 0.28),
                "flare": self.between(0.0, 0.01),
                "ease": self.between(0.004, 0.008),
            }
        elif shape == "flared":
            cut |= {
                "waist": self.between(0.23, 0.3),
                "flare": self.between(0.08, 0.17),
                "ease": self.between(0.006, 0.012),
            }
        elif shape == "shirt":
            cut |= {"neck": "collar", "neck_depth": self.between(0.04, 0.1), "placket": 1.0, "waist": 0.25}
            what = "shirt"
        elif shape == "maxi":
            cut |= {"waist": self.between(0.24, 0.32), "hem": self.between(-0.72, -0.5), "flare": self.between(0.05,
                0.15),
                    "ease": self.between(0.006, 0.016)}  # fmt: skip
        elif shape == "sweater":
            cut |= {"sleeve": self.between(1.9, 2.05), "neck": "high" if self.chance(0.4) else "crew"}
            cut["neck_depth"] = -0.045 if cut["neck"] == "high" else 0.03
            what = "sweater"
        return WornItem("dress", self.cloth(what), cut)

    def _tights(self, hem: float) -> list[WornItem]:
        """Tights or leggings below a skirt, when it is cold."""
        odds = {"summer": 0.02, "mild": 0.4, "winter": 0.95}[self.season]
        if not self.chance(odds if hem > -0.5 else odds * 0.4):
            return []
        base = _pick(self.rng, _NEUTRAL[[0, 0, 0, 1, 7]]) if self.chance(0.85) else _pick(self.rng, _MUTED)
        return [WornItem("trousers", self.plain(base, "lycra"),
                        {"waist": 0.2, "end": 2.05 if self.chance(0.85) else self.between(1.6, 1.85), "ease": 0.002,
                         "flare": 0.0})]  # fmt: skip

    def _belted(self, worn: list[WornItem], waist: float, end: float) -> list[WornItem]:
        tucked = any(g.kind == "top" and g.number("tucked") for g in worn)
        if tucked and end > 0.3 and self.chance(0.45):
            worn.append(WornItem("belt", self.hide(), {"z": waist - 0.015}))
        return worn

    # -- coats -------------------------------------------------------------------------------------------------------

    def _coat(self, worn: Sequence[WornItem]) -> WornItem | None:
        odds = {"summer": 0.06, "mild": 0.42, "winter": 0.74}[self.season] * (0.8 if self.fashion else 1.0)
        odds = 0.6 if self.suit is not None else odds
        if not self.chance(odds):
            return None
        f, cold = self.female, self.season == "winter"
        what = "blazer" if self.suit is not None and not cold else _choose(self.rng, {
            "denim": 1.6 * (not cold), "leather": 1.2 * (not self.child),
            "blazer": 0.15 if self.child else 1.5 - 0.9 * cold,
            "bomber": 1.3, "puffer": 0.3 + 2.6 * cold, "parka": 0.5 + 1.5 * cold,
            "coat": 0.0 if self.child else 0.6 + 1.9 * cold,
            "cardigan": 1.6 * f + 0.4, "zip hoodie": 0.15 if self.old else 0.9,
            "trench": 0.6 * (not cold) * (not self.child),
            "vest": 0.25,
        })  # fmt: skip
        cut, fabric = self._coat_cut(what)
        inner = [g for g in worn if g.kind in ("top", "dress", "jumpsuit")]
        sleeve = max((g.number("sleeve") for g in inner), default=0.0)
        if what != "vest":
            cut["sleeve"] = min(2.05, max(float(cut["sleeve"]), sleeve + 0.01))
        cut["ease"] = max(float(cut["ease"]), max((g.number("ease") for g in inner), default=0.0) + 0.008)
        tops = [g.number("hem") for g in inner if g.kind == "top" and not g.number("tucked")]
        if tops and (not cut["gap"] or self.chance(0.6)):
            cut["hem"] = min(float(cut["hem"]), min(tops) - 0.02)
        if any(g.kind == "top" and g.number("hood") for g in inner) and cut["collar"] == "hood":
            cut["collar"] = "stand"
        return WornItem("coat", fabric, cut)

    def _coat_cut(self, what: str) -> tuple[_Numbers, Fabric]:
        opened = self.between(0.03, 0.09)
        cut: _Numbers = {"sleeve": self.between(1.95, 2.05), "hem": self.between(0.05, 0.14),
                                       "gap": opened if self.chance(0.6) else 0.0, "ease": self.between(0.022, 0.034),
                                       "collar": "stand"}  # fmt: skip
        if what == "denim":
            return cut | {"collar": "lapel" if self.chance(0.5) else "stand"}, self.denim()
        if what == "leather":
            return cut | {
                "collar": "lapel" if self.chance(0.6) else "stand",
                "hem": self.between(0.08, 0.15),
            }, self.hide()
        if what == "blazer" and self.suit is not None and self.chance(0.8):
            return cut | {
                "collar": "lapel",
                "hem": self.between(0.0, 0.05),
                "ease": self.between(0.018, 0.026),
            }, self.suit
        if what == "blazer":
            cut |= {"collar": "lapel", "hem": self.between(0.0, 0.06), "ease": self.between(0.018, 0.026)}
            return cut, self.cloth("blazer", main=False)
        if what == "bomber":
            return cut | {
                "collar": "stand",
                "hem": self.between(0.1, 0.15),
                "ease": self.between(0.03, 0.045),
            }, self.cloth("bomber")
        if what in ("puffer", "vest"):
            cut |= {"ease": self.between(0.045, 0.07), "collar": "hood" if self.chance(0.45) else "stand"}
            cut |= {
                "hem": self.between(-0.3, -0.1) if what == "puffer" and self.chance(0.25) else self.between(0.03, 0.12)
            }
            return cut | ({"sleeve": 0.0} if what == "vest" else {}), self.cloth("puffer")
        if what == "parka":
            return cut | {
                "ease": self.between(0.035, 0.055),
                "collar": "hood",
                "hem": self.between(-0.2, 0.02),
            }, self.cloth("parka")
        if what == "coat":
            cut |= {"collar": "lapel" if self.chance(0.75) else "stand", "ease": self.between(0.028, 0.045)}
            return cut | {"hem": self.between(-0.45, -0.08)}, self.cloth("coat")
        if what == "trench":
            beige = color(*self.rng.integers((180, 158, 122), (208, 186, 150)).tolist())
            cut |= {"collar": "lapel", "hem": self.between(-0.38, -0.12)}
            return cut, self.plain(beige if self.chance(0.65) else self.tone(False), "twill")
        if what == "cardigan":
            cut |= {"collar": "none", "gap": opened if self.chance(0.8) else 0.0, "ease": self.between(0.016, 0.03)}
            return cut | {
                "hem": self.between(-0.2, 0.02) if self.chance(0.4) else self.between(0.05, 0.12)
            }, self.cloth("cardigan")
        cut |= {"collar": "hood", "gap": opened if self.chance(0.7) else 0.0}
        return cut, self.cloth("hoodie")

    # -- feet --------------------------------------------------------------------------------------------------------

    def _shoes(self, kind: str, low: float, worn: Sequence[WornItem]) -> WornItem:
        f, summer, cold = self.female, self.season == "summer", self.season == "winter"
        bare = kind in ("dress", "skirt")
        smart = any(g.kind == "coat" and g.cut["collar"] == "lapel" for g in worn)
        odds = {"sneaker": 2.2 if bare else 5.0, "boot": 0.3 + 2.6 * cold + 1.0 * (self.season == "mild"),
                "sandal": (1.6 if f else 0.7) * summer, "pump": (2.0 if bare else 0.7) * f * (0.4 if cold else 1.0),
                "loafer": 1.2 + 1.2 * smart + 1.0 * self.old}  # fmt: skip
        if self.child:
            odds |= {"pump": 0.0, "loafer": 0.5, "sneaker": 6.0}
        if self.old:
            odds |= {"pump": 0.4 * f, "sneaker": 2.5}
        style = _choose(self.rng, odds)
        ink = _choose(self.rng, {"black": 4.0, "white": 4.0 if style == "sneaker" else 0.5,
                                 "brown": 0.6 if style == "sneaker" else 3.0,
                                 "grey": 1.0, "accent": 1.2 if style == "sneaker" or self.child else 0.5})  # fmt: skip
        base = {"black": _pick(self.rng, _LEATHER[:1]), "white": color(232, 231, 227), "brown": _pick(self.rng,
            _LEATHER[1:4]),
                "grey": _pick(self.rng, _NEUTRAL[[2, 3, 7, 9]]),
                "accent": self.accent if self.chance(0.6) else _pick(self.rng,
                    _LOUD if style == "sneaker" else _MUTED)}[ink]  # fmt: skip
        top = {"sneaker": self.between(1.93, 1.99), "sandal": 1.97, "pump": 2.0, "loafer": self.between(1.96, 2.0)}.get(
            style, 0.0
        )
        if style == "sneaker" and self.chance(0.15):
            top = self.between(1.84, 1.9)  # over the ankle
        if style == "boot":
            tall = f and (bare or low > 1.5) and not self.child and self.chance(0.22)
            top = self.between(1.2, 1.5) if tall else self.between(1.74, 1.88)
        sole = {"sneaker": self.between(0.022, 0.04), "boot": self.between(0.02, 0.04),
                "sandal": self.between(0.012, 0.03),
                "pump": self.between(0.03, 0.07), "loafer": self.between(0.012, 0.022)}[style]  # fmt: skip
        material = {"sneaker": _choose(self.rng, {"canvas": 1.0, "suede": 0.7, "nylon": 0.8})}.get(
            style, "suede" if self.chance(0.2) else "leather")  # fmt: skip
        white = (style == "sneaker" and self.chance(0.75)) or (style == "sandal" and self.chance(0.1))
        trim = color(226, 224, 218) if white else color(150, 112, 74) if style == "sandal" else base * 0.6
        fabric = self.hide(base, material)
        return WornItem("shoes", _trimmed(fabric, trim), {"style": style, "top": top, "sole": sole})

    def _socks(self, shoes: WornItem, low: float) -> WornItem | None:
        """Socks, where they can be seen."""
        style = shoes.cut["style"]
        if low > 1.93 or style in ("pump", "sandal") or self.chance(0.25):
            return None
        tall = self.child and self.chance(0.2)
        top = (
            self.between(1.2, 1.4)
            if tall
            else self.between(1.68, 1.86)
            if self.chance(0.6)
            else self.between(1.9, 1.94)
        )
        base = _pick(self.rng, _NEUTRAL[[5, 5, 5, 0, 0, 3, 7]])
        return WornItem("socks", self.cloth("socks", False, base), {"top": min(top, shoes.number("top") - 0.04)})

    # -- the rest ----------------------------------------------------------------------------------------------------

    def _extras(self, coat: WornItem | None) -> list[WornItem]:
        cold = self.season == "winter"
        out: list[WornItem] = []
        if self.chance({"summer": 0.02, "mild": 0.05, "winter": 0.16}[self.season]):
            base = self.tone(True)
            out.append(WornItem("scarf", self.cloth("scarf", base=base), {"long": float(self.chance(0.6))}))
        if cold and self.chance(0.06) and coat is not None and coat.number("sleeve") > 1.8:
            out.append(
                WornItem("gloves", self.hide() if self.chance(0.5) else self.plain(self.tone(False), "wool"), {})
            )
        if self.chance({"summer": 0.07, "mild": 0.06, "winter": 0.13}[self.season]):
            out.append(self._hat())
        if self.chance(0.26 if self.old else 0.07 if self.child else 0.14):
            sun = not cold and not self.child and self.chance(0.33)
            base = (
                color(26, 24, 24)
                if self.chance(0.7)
                else color(92, 60, 40)
                if self.chance(0.6)
                else color(150, 146, 138)
            )
            style = _choose(self.rng, {"round": 1, "square": 1, "wayfarer": 1.2})
            out.append(WornItem("glasses", self.plain(base, "satin"), {"style": style, "sun": float(sun)}))
        if self.chance(0.08 if self.fashion else 0.25):
            out.append(self._bag())
        return out

    def _hat(self) -> WornItem:
        cold, f = self.season == "winter", self.female
        style = _choose(self.rng, {"cap": 0.6 if cold else 3.0, "beanie": 4.0 if cold else 0.5,
                                   "brim": 0.3 if cold else 1.0,
                                   "headscarf": (0.1 if self.child else 0.8) * f})  # fmt: skip
        if style == "beanie":
            base = self.tone(True)
            pattern = _choose(self.rng, {"ribbed": 2, "knit": 2, "cable": 0.7, "stripes": 0.0 if self.busy else 0.5})
            fabric = sample_fabric(self.rng, "hat", _palette(self.rng, base, True), pattern, "knit")
        elif style == "brim":
            straw = not cold and self.chance(0.5)
            base = color(206, 182, 138) if straw else _pick(self.rng, _NEUTRAL, _NEUTRAL_ODDS)
            fabric = self.plain(base, "linen" if straw else "wool")
        else:
            fabric = self.plain(self.tone(True), "twill" if style == "cap" else "viscose")
        return WornItem("hat", fabric, {"style": style})

    def _bag(self) -> WornItem:
        f = self.female
        style = _choose(self.rng, {"backpack": 6.0 if self.child else 2.2, "shoulder": 2.5 if f else 1.5,
                                   "handbag": 1.8 * f * (not self.child), "tote": 1.0 * (not self.child)})  # fmt: skip
        leather = style in ("shoulder", "handbag") and self.chance(0.7 if f else 0.4)
        base = self.accent if self.chance(0.15) else _pick(self.rng, _NEUTRAL, _NEUTRAL_ODDS)
        fabric = self.hide() if leather else self.cloth("bag", False, base)
        return WornItem("bag", fabric, {"style": style, "side": "L" if self.chance(0.5) else "R"})


def _trimmed(fabric: Fabric, trim: Floats) -> Fabric:
    return Fabric(fabric.tile, fabric.repeat, fabric.front, fabric.back, fabric.gloss, fabric.fold,
                  np.clip(trim, 0.02, 0.98).astype(np.float32))  # fmt: skip


# -- looks -----------------------------------------------------------------------------------------------------------

# Ten steps from the lightest to the darkest skin.
_SKIN: Final = colors(
    [[243, 222, 208], [237, 210, 189], [230, 196, 168], [217, 178, 146], [198, 154, 118], [170, 124, 90],
     [140, 96, 68], [109, 73, 52], [82, 55, 42], [60, 42, 35]]
)  # fmt: skip
_UNDERTONE: Final = np.array([[0.0, 0.0, 0.0], [0.012, 0.002, -0.022], [0.008, -0.012, 0.004], [-0.014, 0.004, -0.014]])
_HAIR: Final = {
    "black": (20, 17, 17), "dark": (40, 29, 24), "brown": (70, 47, 34), "light brown": (112, 80, 53),
    "blond": (178, 142, 92),
    "light blond": (214, 188, 140), "red": (134, 62, 34), "grey": (142, 139, 136), "white": (218, 215, 210),
}  # fmt: skip
_DYES: Final = colors([[156, 60, 92], [60, 84, 150], [60, 120, 96], [206, 130, 150], [120, 34, 44], [222, 210, 186]])


def _sample_looks(rng: Rng, female: bool, gender: float, age: float) -> Looks:
    """Skin, hair and face; hair goes with the skin and with age."""
    tone = float(rng.uniform(0, 9))
    low = min(int(tone), 8)
    skin = _SKIN[low] * (1 - (tone - low)) + _SKIN[low + 1] * (tone - low)
    skin = skin + _UNDERTONE[int(rng.integers(4))] * (1 - tone / 14) + rng.normal(0, 0.008, 3)
    child, makeup = age < 0.45, 0.0
    if female and age > 0.5:
        makeup = float(np.clip(rng.normal(0.35, 0.3), 0, 1))
    lips = skin * (0.93, 0.7, 0.7)
    if makeup > 0.2:
        paint = _pick(rng, colors([[176, 62, 72], [186, 106, 104], [150, 40, 50], [200, 120, 120]]))
        lips = lips * (1 - 0.6 * makeup) + paint * (0.6 * makeup) * (1 - tone / 20)
    pale = tone < 4
    eyes = _choose(rng, {"brown": 2.0 if pale else 8.0, "dark": 0.6 + tone, "blue": 1.8 * pale, "green": 0.8 * pale,
                         "hazel": 1.0})  # fmt: skip
    iris = {
        "brown": (88, 58, 38),
        "dark": (46, 32, 26),
        "blue": (96, 128, 158),
        "green": (96, 112, 78),
        "hazel": (118, 92, 56),
    }
    hair, length, volume = _hairdo(rng, female, age, tone)
    beard_style = "none"
    if not female and age > 0.6 and rng.random() < 0.52:
        beard_style = _choose(rng, {"stubble": 5, "short": 4, "full": 1.8, "moustache": 0.8})
    beard = {"none": 0.0, "stubble": 0.35, "short": 0.65, "full": 0.95, "moustache": 0.75}[beard_style]
    return Looks(
        skin=_fix(skin), lips=_fix(lips), eyes=color(*iris[eyes]), hair_color=_hair_color(rng, tone, age), hair=hair,
        length=length, volume=volume, fringe=float(rng.uniform(0.3,
            1.0)) if rng.random() < (0.35 if female else 0.3) else 0.0,
        part=float(rng.choice([-1, 0, 1], p=[0.3, 0.35, 0.35]) * rng.uniform(0.3, 0.9)),
        seed=int(rng.integers(1 << 31)),
        beard=float(np.clip(beard + rng.normal(0, 0.06), 0, 1)) if beard else 0.0, beard_style=beard_style,
        brows=float(np.clip(rng.normal(0.45 if female or child else 0.62, 0.14), 0.1, 1)), age=float(age),
        gender=float(gender),
        freckles=float(rng.uniform(0.2, 0.9)) if tone < 3 and rng.random() < 0.15 else 0.0, makeup=makeup,
    )  # fmt: skip


def _fix(value: NDArray[np.floating[Any]]) -> Floats:
    out: Floats = np.clip(value, 0.04, 0.97).astype(np.float32)
    return out


def _hair_color(rng: Rng, tone: float, age: float) -> Floats:
    """Dark on dark skin, all colours on pale skin, grey with age, now and then dyed."""
    if 0.5 < age < 0.85 and rng.random() < 0.04:
        return _fix(_DYES[int(rng.integers(len(_DYES)))] + rng.normal(0, 0.02, 3))
    if rng.random() < np.clip((age - 0.74) * 5.2, 0, 0.95):
        share = float(np.clip(rng.normal((age - 0.7) * 3.2, 0.25), 0.25, 1))
        dark, grey = np.array(_HAIR["dark"]) / 255, np.array(_HAIR["grey" if rng.random() < 0.65 else "white"]) / 255
        return _fix(dark * (1 - share) + grey * share + rng.normal(0, 0.012, 3))
    fair = float(np.clip(1 - tone / 4, 0, 1))
    name = _choose(rng, {"black": 1.5 + tone, "dark": 3.0, "brown": 1.2 + 2 * fair, "light brown": 0.15 + 2.2 * fair,
                         "blond": 0.04 + 2.0 * fair, "light blond": 1.1 * fair * (1.5 if age < 0.45 else 1),
                         "red": 0.6 * fair})  # fmt: skip
    return _fix(np.array(_HAIR[name]) / 255 * rng.uniform(0.9, 1.12) + rng.normal(0, 0.01, 3))


def _hairdo(rng: Rng, female: bool, age: float, tone: float) -> tuple[str, float, float]:
    """Style, length and volume in metres."""
    dark, old = tone > 6, age > 0.86
    bald = float(np.clip((age - 0.68) * 3.0, 0, 1))
    if female:
        odds = {"bob": 1.6, "long": 3.0 * (not old), "wavy": 2.0 * (0.5 if old else 1),
                "ponytail": 1.8 * (0.5 if old else 1),
                "bun": 1.1, "braids": 0.3 + 1.2 * dark, "afro": 0.05 + 1.0 * dark, "curly": 0.5 + 0.6 * dark,
                "short": 0.3 + 2.0 * old, "parted": 0.2 + 0.6 * old, "buzz": 0.03}  # fmt: skip
    else:
        odds = {"short": 3.5, "parted": 1.8, "quiff": 1.5 * (not old), "buzz": 1.0 + 1.4 * dark,
                "curly": 0.7 + 0.4 * dark,
                "afro": 0.03 + 0.5 * dark, "balding": 3.2 * bald, "bald": 0.2 * (age > 0.6) + 2.2 * bald,
                "bun": 0.1 * (age > 0.55),
                "long": 0.12, "wavy": 0.25, "braids": 0.02 + 0.3 * dark, "bob": 0.12}  # fmt: skip
    hair = _choose(rng, odds)
    length = {"bald": (0.0, 0.0), "buzz": (0.003, 0.008), "balding": (0.008, 0.02), "short": (0.02, 0.05),
              "parted": (0.03, 0.07),
              "quiff": (0.04, 0.08), "curly": (0.04, 0.12), "afro": (0.04, 0.11), "bob": (0.16, 0.26), "long": (0.3,
                  0.55),
              "wavy": (0.25, 0.5), "ponytail": (0.2, 0.42), "bun": (0.2, 0.3), "braids": (0.25, 0.5)}[hair]  # fmt: skip
    volume = {"bald": (0.0, 0.0), "buzz": (0.003, 0.006), "balding": (0.005, 0.012), "short": (0.01, 0.022),
              "quiff": (0.02, 0.04),
              "curly": (0.025, 0.05), "afro": (0.04, 0.1)}.get(hair, (0.014, 0.03))  # fmt: skip
    return hair, float(rng.uniform(*length)), float(rng.uniform(*volume))
