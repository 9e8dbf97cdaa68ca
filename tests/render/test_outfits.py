"""Outfits: the numbers keep to the contract, and clothes go together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from repose.render.wear import outfits
from repose.render.wear.fabrics import FABRIC_BANK, MATERIALS
from repose.render.wear.outfits import Outfit, sample_outfit

KEYS = {
    "top": {"sleeve", "hem", "neck", "neck_depth", "ease", "tucked", "placket", "cuff", "hood"},
    "coat": {"sleeve", "hem", "gap", "ease", "collar"},
    "dress": {"sleeve", "neck", "neck_depth", "waist", "hem", "flare", "ease"},
    "skirt": {"waist", "hem", "flare", "ease"},
    "trousers": {"waist", "end", "ease", "flare"},
    "jumpsuit": {"sleeve", "neck", "neck_depth", "end", "ease", "flare"},
    "socks": {"top"},
    "shoes": {"style", "top", "sole"},
    "hat": {"style"},
    "glasses": {"style", "sun"},
    "bag": {"style", "side"},
    "scarf": {"long"},
    "gloves": set(),
    "belt": {"z"},
}
RANGES = {"sleeve": (0, 2.05), "hem": (-0.73, 0.3), "ease": (0.001, 0.085), "end": (0.3, 2.06), "gap": (0, 0.12),
          "flare": (0, 0.2), "neck_depth": (-0.08, 0.2), "tucked": (0, 1), "sole": (0.01, 0.08)}  # fmt: skip
WORDS = {
    "neck": {"crew", "scoop", "vee", "high", "collar"},
    "collar": {"none", "stand", "lapel", "hood"},
    "shoes": {"sneaker", "boot", "sandal", "pump", "loafer"},
    "hat": {"cap", "beanie", "brim", "headscarf"},
    "glasses": {"round", "square", "wayfarer"},
    "bag": {"backpack", "shoulder", "handbag", "tote"},
}
HAIR = {
    "bald", "balding", "buzz", "short", "parted", "quiff", "curly", "afro", "bob", "long", "wavy", "ponytail", "bun",
    "braids",
}  # fmt: skip


def _people() -> list[Outfit]:
    out = []
    for seed in range(240):
        rng = np.random.default_rng([9, seed])
        out.append(sample_outfit(rng, rng.random(), rng.uniform(0.35, 0.97), outfits.STYLES[seed % 2]))
    return out


@pytest.fixture(scope="module")
def people() -> list[Outfit]:
    return _people()


def test_cuts_carry_the_names_and_ranges_of_the_contract(people: list[Outfit]) -> None:
    for outfit in people:
        for garment in outfit.garments:
            assert KEYS[garment.kind] <= set(garment.cut), garment.kind
            for name, value in garment.cut.items():
                if name in RANGES:
                    low, high = RANGES[name]
                    assert low <= float(value) <= high, (garment.kind, name, value)
                elif name in WORDS:
                    assert value in WORDS[name]
                elif name == "style":
                    assert value in WORDS[garment.kind]


def test_everyone_is_covered_and_has_shoes(people: list[Outfit]) -> None:
    for outfit in people:
        kinds = Counter(g.kind for g in outfit.garments)
        assert kinds["shoes"] == 1
        whole = kinds["dress"] + kinds["jumpsuit"]
        assert whole == 1 or (kinds["top"] == 1 and kinds["trousers"] + kinds["skirt"] >= 1)
        assert max(n for k, n in kinds.items()) == 1, kinds


def test_everything_is_worn_by_somebody(people: list[Outfit]) -> None:
    kinds = {g.kind for outfit in people for g in outfit.garments}
    assert kinds >= set(KEYS) - {"gloves"}
    assert len({outfit.looks.hair for outfit in people}) >= 12
    assert {outfit.looks.hair for outfit in people} <= HAIR


def test_a_coat_covers_the_sleeves_and_is_wider_than_what_is_below(people: list[Outfit]) -> None:
    for outfit in people:
        coat = outfit.find("coat")
        for inner in (outfit.find("top"), outfit.find("dress")):
            if coat is None or inner is None:
                continue
            assert coat.number("ease") > inner.number("ease")
            vest = coat.number("sleeve") == 0
            assert vest or coat.number("sleeve") >= min(inner.number("sleeve"), 2.05)
            if inner.kind == "top" and not inner.number("tucked") and not coat.number("gap"):
                assert coat.number("hem") < inner.number("hem"), "a shirt hangs out of a closed jacket"


def test_a_top_reaches_the_waistband(people: list[Outfit]) -> None:
    for outfit in people:
        top, lower = outfit.find("top"), outfit.find("skirt") or outfit.find("trousers")
        if top is not None and lower is not None:
            limit = lower.number("waist") + 0.021
            assert top.number("hem") <= limit
            order = [g.kind for g in outfit.garments]
            inside = order.index("top") < order.index(lower.kind)
            assert inside == bool(top.number("tucked")), "tucked tops lie inside"


def test_children_wear_childrens_things() -> None:
    for seed in range(60):
        looks = sample_outfit(np.random.default_rng(seed), float(seed % 2), 0.4, "street")
        shoes = looks.find("shoes")
        assert shoes is not None
        assert shoes.cut["style"] != "pump"
        assert looks.looks.beard == 0
        assert looks.looks.makeup == 0
        assert looks.looks.hair not in ("bald", "balding")


def test_the_old_are_greyer_than_the_young() -> None:
    def spread(age: float) -> float:
        hair = [sample_outfit(np.random.default_rng([1, k]), 0.0, age, "street").looks.hair_color for k in range(40)]
        return float(np.mean([h.mean() > 0.35 and np.ptp(h) < 0.12 for h in hair]))

    assert spread(0.95) > 0.5 > 0.1 > spread(0.65)


def test_skin_covers_the_whole_range(people: list[Outfit]) -> None:
    light = np.array([outfit.looks.skin @ [0.3, 0.59, 0.11] for outfit in people])
    counts, _ = np.histogram(light, bins=5, range=(0.15, 0.9))
    assert counts.min() > 15


def test_plain_is_the_street_in_flat_colours() -> None:
    for seed in range(20):
        street, plain = (sample_outfit(np.random.default_rng([2, seed]), 0.5, 0.7, s) for s in ("street", "plain"))
        assert [(g.kind, g.cut) for g in street.garments] == [(g.kind, g.cut) for g in plain.garments]
        for garment in plain.garments:
            assert (garment.fabric.tile == garment.fabric.tile[0, 0]).all()
            assert garment.fabric.front is None
            assert garment.fabric.back is None


def test_about_half_of_the_tops_of_fashion_show_a_pattern_or_print() -> None:
    shown = []
    for seed in range(150):
        top = sample_outfit(np.random.default_rng([3, seed]), 0.5, 0.7, "fashion").find("top")
        if top is not None:
            tile = top.fabric.tile[..., :3].astype(np.float32)
            coarse = tile.reshape(64, 4, 64, 4, 3).mean((1, 3)).std((0, 1)).max()
            shown.append(coarse > 10 or top.fabric.front is not None or top.fabric.back is not None)
    assert 0.33 < np.mean(shown) < 0.7


def test_most_clothes_are_of_quiet_colours(people: list[Outfit]) -> None:
    spread = [np.ptp(g.fabric.tile[::8, ::8, :3].reshape(-1, 3).mean(0)) for outfit in people for g in outfit.garments]
    assert np.mean(np.array(spread) < 60) > 0.75


def test_the_same_seed_dresses_the_same() -> None:
    first, second = (sample_outfit(np.random.default_rng(5), 0.7, 0.7, "fashion") for _ in range(2))
    assert first.looks.seed == second.looks.seed
    for a, b in zip(first.garments, second.garments, strict=True):
        assert (a.kind, a.cut) == (b.kind, b.cut)
        assert np.array_equal(a.fabric.tile, b.fabric.tile)


def test_tables_name_what_there_is() -> None:
    for what, odds in outfits._PRINTED.items():
        assert what in outfits._MATERIAL
        assert set(outfits._MATERIAL[what]) <= set(MATERIALS)
        if odds[0] > 0:
            assert set(outfits._PATTERNS[what]) <= {*FABRIC_BANK, "print"}


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="street, fashion, plain"):
        sample_outfit(np.random.default_rng(0), 0.5, 0.7, "gala")
