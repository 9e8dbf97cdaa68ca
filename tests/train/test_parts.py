"""Steps in parts: the same weights as in one piece, with the memory of a part."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from repose.data import Store
from repose.models.base import Output
from repose.models.weights import load_generator
from repose.person import Pair, Person
from repose.recipes import Recipe, RecipeError, override
from repose.train.memory_count import step_memory
from repose.train.parts import PartOutputs
from tests.train import toy
from tests.train.runs import run_here

pytestmark = pytest.mark.usefixtures("one_threaded")


def weights_of(recipe: Recipe, store: Store, run: Path) -> dict[str, Tensor]:
    run_here(recipe, store, run)
    return load_generator(run)[0].state_dict()


@pytest.mark.parametrize("order", ["generator first", "judge first"])
def test_a_step_in_parts_is_the_step(store: Store, tmp_path: Path, order: str) -> None:
    """Without what sees a whole batch (batch norm, the pool) and without dropout, whichever phase comes first."""
    base = toy.recipe(
        images=160,
        network=toy.ToyConfig(norm="instance", dropout=0.0),
        objective=toy.ToyObjectiveConfig(order=order, pool=0, fool=1.0),
    )
    whole = weights_of(base, store, tmp_path / "whole")
    fourths = weights_of(override(base, ["data.accumulate=4"]), store, tmp_path / "fourths")
    other = weights_of(replace(base, seed=1), store, tmp_path / "other")
    del whole["net.0.bias"]  # before a norm it has no effect, and its gradient is rounding alone
    for name, weight in whole.items():
        torch.testing.assert_close(fourths[name], weight, atol=1e-4, rtol=0, msg=name)
    assert max((other[name] - weight).abs().max() for name, weight in whole.items()) > 1e-2


def test_a_part_is_computed_twice_with_the_same_dropout_and_counts_once() -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.drop = nn.BatchNorm2d(3), nn.Dropout(0.5)

        def forward(self, pair: Pair) -> Output:
            assert pair.source.image is not None
            return Output(self.drop(self.norm(pair.source.image)), {"mask": self.norm.weight * 2})

    torch.manual_seed(0)
    network = Network()
    parts = [Pair(Person(image=torch.rand(2, 3, 4, 4)), Person()) for _ in range(3)]
    outputs = PartOutputs(parts, network, network, torch.device("cpu"), later=True)
    without = [outputs.output(index, graph=False) for index in range(3)]
    assert not any(output.image.requires_grad for output in without)
    assert int(network.norm.num_batches_tracked) == 0
    before = torch.get_rng_state()
    graphs = [outputs.output(index, graph=True) for index in range(3)]
    assert torch.equal(torch.get_rng_state(), before)
    assert int(network.norm.num_batches_tracked) == 3
    for index, (one, other) in enumerate(zip(without, graphs, strict=True)):
        assert torch.equal(one.image, other.image)
        assert other.image.requires_grad
        assert not outputs.output(index, graph=False).extra["mask"].requires_grad
    assert not torch.equal(graphs[0].image == 0, graphs[1].image == 0), "each part has its own dropout"


def test_what_makes_no_equal_parts_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError,
        match=r"accumulate: a divisor of the 8 pictures of a step \(4 pairs, both directions\) is wanted, got 3",
    ):
        override(toy.recipe(), ["data.accumulate=3"])
    halves = override(toy.recipe(), ["data.accumulate=8"])
    with pytest.raises(ValueError, match=r"4 pictures of a step on each of 2 device\(s\) make no 8 equal parts"):
        run_here(halves, store, tmp_path / "run", devices=2)


def test_the_memory_is_that_of_a_part() -> None:
    whole = toy.recipe()
    one, four = (step_memory(override(whole, [f"data.accumulate={parts}"])) for parts in (1, 4))
    assert (one.batch, four.batch) == (8, 2)
    assert four.activations < 0.35 * one.activations
    assert four.pictures == one.pictures
