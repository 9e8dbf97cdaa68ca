"""The forecast of a run's memory: counted by hand, held against real processes, and never in the way of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from repose import models
from repose.data import Store
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.person import Pair
from repose.recipes import override
from repose.train import memory, memory_count, memory_forecast
from repose.train.memory import Memory, free_memory
from repose.train.memory_count import StorageCounter, step_memory
from repose.train.memory_forecast import forecast, warning
from tests import tiny
from tests.train import toy

GB = 10**9
STATUS = Path("/proc/self/status")


def weights_of(*networks: nn.Module) -> int:
    return sum(weight.nbytes for network in networks for weight in network.parameters())


# -- counted by hand --------------------------------------------------------------------------------------------------


def test_storages_are_counted_while_they_are_alive() -> None:
    with StorageCounter() as counter:
        kept = torch.zeros(1000)  # 4,000 bytes
        view = kept[:10].view(2, 5)
        assert counter.now == 4000
        other = kept * 2
        assert (counter.now, counter.peak) == (8000, 8000)
        del other
        assert (counter.now, counter.peak) == (4000, 8000)
        del kept
        assert counter.now == 4000, "the view holds it"
        del view
        assert (counter.now, counter.peak) == (0, 8000)


def test_gradients_are_told_apart() -> None:
    network = nn.Linear(100, 10, bias=False)  # 4,000 bytes
    counter = StorageCounter()
    counter.do_not_count(network.parameters())
    network.weight.register_post_accumulate_grad_hook(counter.mark_gradient)  # type: ignore[no-untyped-call]
    given = torch.rand(5, 100)
    with counter:
        network(given).sum().backward()
    assert (counter.now, counter.gradients) == (4000, 4000)
    network.weight.grad = None
    assert (counter.now, counter.gradients) == (0, 0)


def test_no_number_is_needed() -> None:
    with FakeTensorMode(), StorageCounter():
        values = torch.rand(6, 4, requires_grad=True)
        mask = torch.rand(6) > 0.5
        assert mask.any().item() is False
        assert values.sum().item() == 0
        assert int(torch.randint(5, ())) == 0
        assert values[mask].shape == (6, 4), "a mask takes everything"
        assert mask.nonzero().shape == (6, 1)
        values[mask].sum().backward()  # type: ignore[no-untyped-call]
        assert values.grad is not None
        assert values.grad.shape == (6, 4)


def test_the_parts_of_a_toy() -> None:
    made = toy.recipe()
    generator, objective = models.build_generator(made), models.build_objective(made)
    told = step_memory(made)
    assert told.batch == 8, "4 pairs in both directions"
    assert told.weights == weights_of(generator) + sum(buffer.nbytes for buffer in generator.buffers())
    assert told.average == told.weights
    assert told.moments == 2 * (weights_of(generator) + weights_of(objective.networks))
    pool = 6 * 3 * 32 * 16 * 4  # six pictures
    assert told.objective == weights_of(objective.networks) + 8 + pool  # 8: its count of steps
    fields = 3 * 32 * 16 * 4 + 18 * 3 * 4  # picture and joints
    assert told.pictures == memory_count.BATCHES * 2 * 8 * fields
    # kept for backward: 21 channels in, 8 after each of convolution, norm, ReLU, dropout (and its mask of bytes),
    # 8 after the second convolution (its ReLU as well), 3 of the picture
    one = (21 + 4 * 8 + 2 + 2 * 8 + 2 * 3) * 32 * 16 * 4
    assert told.activations == pytest.approx(8 * one, rel=0.35)
    assert not told.not_counted
    assert step_memory(replace(made, ema=0)).average == 0


def test_more_pictures_need_more() -> None:
    made = tiny.recipe("patn-market")  # no file of VGG19 is here, and none is asked for
    one, four, shared = step_memory(made, batch=1), step_memory(made, batch=4), step_memory(made, batch=8, devices=2)
    assert four.activations == pytest.approx(4 * one.activations, rel=0.05)
    assert (one.fixed, four.fixed) == (shared.fixed, shared.fixed)
    assert shared.activations == four.activations
    networks = models.build_objective(made).networks
    pools = 50 * (6 + 21) * 128 * 64 * 4
    vgg = 4 * (3 * 9 * 64 + 64 + 64 * 9 * 64 + 64 + 6)  # two convolutions, mean and deviation
    buffers = sum(buffer.nbytes for buffer in networks.buffers())
    assert one.objective == weights_of(networks) + buffers + pools + vgg


def test_a_sheet_and_a_checkpoint_can_need_more_than_a_step() -> None:
    made = toy.recipe()
    plain, shown = step_memory(made, batch=1), step_memory(made, batch=1, sheet_pairs=1000)
    assert plain.sheet == 0
    assert shown.sheet > 100 * plain.activations
    assert shown.step == plain.step
    assert shown.total == shown.fixed + shown.pictures + shown.overhead + shown.sheet
    assert "contact sheet" in shown.text()
    wide = step_memory(override(made, ["network.width=512"]), batch=1)
    assert wide.saving > wide.activations + wide.gradients
    assert "checkpoint" in wide.text()
    assert step_memory(made, device="cuda").saving == 0, "the host copies it"


def test_the_data_decide_which_fields_are_there() -> None:
    made = models.recipe("carry-s")
    some, all_of = step_memory(made, ("image", "keypoints"), batch=1), step_memory(made, batch=1)
    assert all_of.pictures - some.pictures == memory_count.BATCHES * 4 * (3 + 1) * 128 * 64 * 4  # iuv and mask
    assert all_of.activations > some.activations


# -- stages and parts -------------------------------------------------------------------------------------------------


class Staged(toy.ToyObjective):
    """First the last layer of the generator alone, then all of it, and the judge at the very end."""

    def phases(self, progress: Progress) -> Sequence[Phase]:
        if progress.images < 0.5 * progress.total:
            return [Phase("generator", ("generator.net.6",))]
        return [Phase("generator", ("generator",)), *([Phase("judge", ("judge",))] if progress.images > 150 else [])]


class Listening(toy.Toy):
    told: ClassVar[list[str]] = []

    def set_stage(self, stage: str) -> None:
        self.told.append(stage)


class InStages(toy.ToyObjective):
    def phases(self, progress: Progress) -> Sequence[Phase]:
        if progress.images < 0.5 * progress.total:
            return [Phase("generator", ("generator.net.6",), "last")]
        return [Phase("generator", ("generator",), "all"), Phase("judge", ("judge",), "all")]


class Torn(toy.ToyObjective):
    def phases(self, progress: Progress) -> Sequence[Phase]:
        return [Phase("generator", ("generator",), "all"), Phase("judge", ("judge",), "last")]


class First(Staged):
    def phases(self, progress: Progress) -> Sequence[Phase]:
        return super().phases(Progress(0, 1))


def of(monkeypatch: pytest.MonkeyPatch, kind: type[Objective]) -> None:
    entry = replace(toy.ENTRY, objective=f"{__name__}:{kind.__name__}")
    monkeypatch.setitem(models.MODELS, "toy", entry)


def test_all_stages_are_played(monkeypatch: pytest.MonkeyPatch) -> None:
    made = toy.recipe()
    usual = step_memory(made)
    of(monkeypatch, Staged)
    staged = step_memory(made)
    assert (staged.moments, staged.activations) == (usual.moments, usual.activations)
    of(monkeypatch, First)
    part = step_memory(made)
    assert part.moments == 2 * weights_of(models.build_generator(made).get_submodule("net.6"))
    assert part.activations < usual.activations, "what is not trained keeps nothing for backward"


def test_the_generator_is_told_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = replace(toy.ENTRY, generator=f"{__name__}:Listening", objective=f"{__name__}:InStages")
    monkeypatch.setitem(models.MODELS, "toy", entry)
    monkeypatch.setattr(Listening, "told", [])
    assert not step_memory(toy.recipe()).not_counted
    assert Listening.told == ["last", "all"]
    monkeypatch.setitem(models.MODELS, "toy", replace(entry, objective=f"{__name__}:Torn"))
    assert (
        "must be of one stage: 'generator' is of 'all', 'judge' is of 'last'" in step_memory(toy.recipe()).not_counted
    )


class Refusing(toy.ToyObjective):
    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        raise FileNotFoundError("no weight file\nsecond line")


class Blind(toy.Toy):
    def synthesise(self, *inputs: Tensor) -> Output:
        return Output(self.net(torch.from_numpy(inputs[0].numpy())))


def test_what_cannot_be_played_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    made = toy.recipe()
    whole = step_memory(made)
    of(monkeypatch, Refusing)
    told = step_memory(made)
    assert told.not_counted == "the loss terms of generator, judge: no weight file"
    assert 0.5 * whole.activations < told.activations <= whole.activations
    assert told.text().startswith("needs at least")
    assert told.text().endswith("(not counted: the loss terms of generator, judge: no weight file)")
    monkeypatch.setitem(models.MODELS, "toy", replace(toy.ENTRY, generator=f"{__name__}:Blind"))
    blind = step_memory(made)
    assert blind.not_counted
    assert blind.weights == whole.weights


# -- in words ---------------------------------------------------------------------------------------------------------

BIG = Memory(
    batch=8, weights=800_000_000, average=800_000_000, objective=100_000_000, moments=1_600_000_000,
    pictures=50_000_000, gradients=400_000_000, activations=2_900_000_000, overhead=700_000_000,
)  # fmt: skip


def test_words() -> None:
    assert BIG.text(22 * GB) == (
        "needs about 7.3 GB: weights 0.80, averaged weights 0.80, objective 0.10, Adam 1.6, pictures 0.05, "
        "gradients 0.40, activations at batch 8 2.9, the allocator 0.70; 22 GB are free"
    )


def test_warnings_name_what_to_turn_down() -> None:
    made = toy.recipe()  # batch 4, both directions
    assert warning(made, BIG, 9 * GB) is None
    text = warning(made, BIG, 7 * GB)
    assert text is not None
    assert text.startswith(f"this run {BIG.text(7 * GB)}. It may be killed; ")
    assert text.endswith("data.accumulate=2 would fit, with the same steps but for batch norm, or data.batch=2 (4 now)")
    hopeless = warning(made, BIG, 3 * GB)
    assert hopeless is not None
    assert "data.batch=1 is not enough: turn down the network (network.width=8) or the canvas, or ema=0" in hopeless


def test_the_batch_that_is_named_fits() -> None:
    made = override(models.recipe("patn-market"), ["data.batch=64"])
    told = step_memory(made)
    text = warning(made, told, 4 * GB)
    assert text is not None
    batch = int(text.partition("data.batch=")[2].partition(" ")[0])
    fits, more = (step_memory(made, batch=number).total for number in (batch, batch + 4))
    assert fits <= memory_forecast.USABLE * 4 * GB < more


def test_a_forecast_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    text, warned = forecast(toy.recipe(), "cpu", sheet_pairs=8)
    assert text.startswith("a run needs about 0.0")
    assert text.endswith("GB are free")
    assert warned is None
    monkeypatch.setattr(memory_forecast, "free_memory", lambda device: 1000)
    assert "It may be killed" in (forecast(toy.recipe())[1] or "")
    monkeypatch.setattr(memory_forecast, "free_memory", lambda device: None)
    assert forecast(toy.recipe())[1] is None
    monkeypatch.setattr(memory_count, "build_generator", lambda recipe: 1 / 0)
    assert forecast(toy.recipe()) == ("the memory that the run needs could not be estimated (division by zero)", None)
    assert forecast(toy.recipe(), "nowhere")[0].startswith("the memory that the run needs could not be estimated")


def test_it_leaves_nothing_behind() -> None:
    made = tiny.recipe("patn-s")
    torch.manual_seed(3)
    state = torch.get_rng_state()
    before = models.build_generator(made)(tiny.people(1, 64, 32, 1), tiny.people(1, 64, 32, 2)).image
    torch.set_rng_state(state)
    forecast(made, sheet_pairs=8)
    assert torch.equal(torch.get_rng_state(), state)
    after = models.build_generator(made)(tiny.people(1, 64, 32, 1), tiny.people(1, 64, 32, 2)).image
    assert type(after) is Tensor
    assert torch.equal(before, after)


# -- what is free -----------------------------------------------------------------------------------------------------


def test_a_container_may_have_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory._free_in_container(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    assert memory._free_in_container(tmp_path) == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._free_in_container(tmp_path) is None
    monkeypatch.setattr(memory, "_free_in_container", lambda: 12345)
    assert free_memory("cpu") == 12345
    monkeypatch.setattr(memory, "_free_in_container", lambda: None)
    free = free_memory("cpu")
    assert free is None or 10**6 < free < 10**14
    assert free_memory("meta") is None


# -- held against real processes --------------------------------------------------------------------------------------


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells the most memory that a process held")
def test_a_real_run_needs_what_was_told(tmp_path: Path) -> None:
    words = ["objective.perceptual=none", "images=24", "tick=1_000_000"]
    tiny.store(tmp_path / "store")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", __name__, "patn-s", str(tmp_path), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=300)
    told, real = json.loads(done.stdout.splitlines()[-1])
    assert told == pytest.approx(real, rel=0.35), "usually within 25 %"


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells how much memory a process holds")
def test_a_large_network_costs_nothing() -> None:
    before = high_water()
    told = step_memory(override(models.recipe("multiscale-fashion"), ["network.width=192"]))
    assert told.weights > 3 * GB
    assert high_water() - before < 0.3 * GB


def high_water() -> int:
    """Bytes: the most that this process held so far."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main(name: str, folder: Path, words: list[str]) -> None:
    """In a process of its own: what is told of a run, and what it takes beyond what is there before."""
    from repose.train import loop, start

    made = override(models.recipe(name), words)
    store = Store.open(folder / "store")
    told = step_memory(made, store.fields, sheet_pairs=start.SHEET_PAIRS).total
    nn.Conv2d(8, 8, 3)(torch.rand(1, 8, 32, 32)).sum().backward()
    idle = high_water()
    loop.train(made, store, folder / "run", accelerator="cpu", progress=False)
    print(json.dumps([told, high_water() - idle]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
