"""HPN's recipes against the numbers of the text, and that each can be written and read."""

from repose.models import build_generator, recipe
from repose.represent.canvas import canvas


def test_numbers_of_the_text() -> None:
    made = recipe("hpn")
    assert canvas(made.canvas).size == (1024, 1024)
    assert made.images / made.data.batch / made.network.trained == 700_000
    assert (made.generator_optimiser.lr, made.generator_optimiser.weight_decay) == (2e-4, 5e-4)
    assert (made.network.width, made.network.levels, made.network.sigma) == (1024, 5, 3.2)
    assert made.objective.descriptors == (18, 18, 31, 31, 44)
    fashion = recipe("hpn-fashion")
    assert fashion.images / fashion.data.batch / fashion.network.trained == 700_000
    assert fashion.objective.descriptors == made.objective.descriptors[:3]
    assert [canvas(one.canvas).height // 2**one.network.levels for one in (made, fashion)] == [32, 32]


def test_modes() -> None:
    modes = {name: recipe(name) for name in ("hpn-baseline", "hpn-ld", "hpn-pt", "hpn")}
    assert [made.network.trained > 1 for made in modes.values()] == [False, False, True, True]
    assert [bool(made.objective.descriptors) for made in modes.values()] == [False, True, False, True]
    assert len({made.images for made in modes.values()}) == 1


def test_small_is_small() -> None:
    model = build_generator(recipe("hpn-s"))
    assert sum(p.numel() for p in model.parameters()) < 1.2e6
    assert model.needs.multiple == 8
