"""PATN's recipes against the numbers of PAPERS: lengths in steps, sizes, and that each can be written and read."""

from repose.models import build_generator, recipe


def test_lengths() -> None:
    market, fashion, paper = recipe("patn-market"), recipe("patn-fashion"), recipe("patn-paper")
    assert market.images / market.data.batch == 87_500
    assert fashion.images / fashion.data.batch == 400_000
    assert paper.images / paper.data.batch == 90_000
    assert market.schedule.hold == fashion.schedule.hold == 500 * 4_000
    assert paper.schedule.hold / paper.data.batch == 60_000


def test_small_is_small() -> None:
    model = build_generator(recipe("patn-s"))
    assert sum(p.numel() for p in model.parameters()) < 3e6
    assert model.needs.multiple <= 16
