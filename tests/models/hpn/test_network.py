"""HPN: sizes of the text, what grows and what stays, and that every copy of the weights knows its level."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.hpn.network import HPN, Block, HPNConfig
from repose.person import Person
from repose.train.moving_average import update_average
from tests.contract.checks import ImageOnly

TINY = HPNConfig(width=16, levels=3, trained=3, sigma=1.0)
HEIGHT, WIDTH = 32, 16


def person(batch: int = 2, seed: int = 0) -> Person:
    random = torch.Generator().manual_seed(seed)
    points = torch.rand(batch, 18, 2, generator=random) * torch.tensor([WIDTH - 1.0, HEIGHT - 1.0])
    image = torch.rand(batch, 3, HEIGHT, WIDTH, generator=random) * 2 - 1
    return Person(image=image, keypoints=torch.cat([points, torch.ones(batch, 18, 1)], -1))


def made(config: HPNConfig = TINY, level: int | None = None, seed: int = 0) -> HPN:
    torch.manual_seed(seed)
    network = HPN(config)
    if level is not None:
        network.grow(level)
    return network


def block(blocks: nn.Module, index: int) -> Block:
    found = list(blocks.children())[index]
    assert isinstance(found, Block)
    return found


def gradients(network: HPN) -> dict[str, Tensor]:
    """Name -> gradient of those that have one."""
    network.train()(person(seed=1), person(seed=2)).extra["native"].square().sum().backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


def test_paper_sizes() -> None:
    """Table of the text: 1024 x 32 x 32, halved as the side doubles, two 3x3 a block, 1x1 to and from RGB."""
    with torch.device("meta"):
        network = HPN()
    shapes: dict[str, tuple[int, ...]] = {}
    for level in range(5):
        for kind, blocks in (("down", network.down), ("up", network.up)):
            block(blocks, level).register_forward_hook(
                lambda _, __, out, key=f"{kind}{level}": shapes.__setitem__(key, tuple(out.shape[1:]))
            )
    entry = block(network.middle, 0)
    entry.register_forward_hook(lambda _, args, __: shapes.__setitem__("joined", tuple(args[0].shape[1:])))
    network.synthesise(torch.zeros(1, 3, 1024, 1024, device="meta"), torch.zeros(1, 18, 32, 32, device="meta"))
    assert shapes["joined"] == (1024 + 18, 32, 32)
    for level, side in enumerate((64, 128, 256, 512, 1024)):
        wide = 1024 * 32 // side
        assert shapes[f"down{level}"] == (2 * wide, side, side)  # pooled to 2 wide at half the side
        assert shapes[f"up{level}"] == (wide, side, side)
        own = sum(p.numel() for blocks in (network.down, network.up) for p in blocks[level].parameters())
        below = 1024 if level == 0 else 2 * wide
        norms = 2 * (wide + 2 * wide) + 2 * (wide + wide)
        assert own == 9 * (wide * wide + wide * 2 * wide + (below + 2 * wide) * wide + wide * wide) + norms
        assert sum(p.numel() for p in network.from_rgb[str(level)].parameters()) == 4 * wide
        assert sum(p.numel() for p in network.to_rgb[str(level)].parameters()) == 3 * wide + 3
    assert sum(p.numel() for p in network.parameters()) == 44_202_479


def test_blocks_are_of_the_text() -> None:
    first = block(made().down, 0)
    x = torch.randn(2, 8, 6, 4, generator=torch.Generator().manual_seed(3))
    y = x
    for conv, norm in ((first.conv1, first.norm1), (first.conv2, first.norm2)):
        y = F.conv2d(y, conv.weight, padding=1)
        y = (y - y.mean((0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), correction=0, keepdim=True) + norm.eps).sqrt()
        y = torch.where(y > 0, y, 0.2 * y)
    torch.testing.assert_close(first.train()(x), y, rtol=1e-4, atol=1e-5)


def test_he_initialisation() -> None:
    network = made(HPNConfig(width=512, levels=1, trained=1))
    weight = block(network.middle, 0).conv2.weight
    assert weight.std().item() == pytest.approx((2 / (1.04 * 512 * 9)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_picture_has_the_canvas_size_and_the_level_its_own(level: int) -> None:
    network = made(level=level).eval()
    output = network(person(seed=1), person(seed=2))
    native, smaller = output.extra["native"], 2 ** (2 - level)
    assert output.image.shape == (2, 3, HEIGHT, WIDTH)
    assert native.shape == (2, 3, HEIGHT // smaller, WIDTH // smaller)
    wanted = F.interpolate(native, (HEIGHT, WIDTH), mode="bilinear", align_corners=False) if level < 2 else native
    torch.testing.assert_close(output.image, wanted)
    pictures = network.pictures(*network.encode(person(seed=1), person(seed=2)))
    assert list(pictures) == list(range(level + 1))
    assert torch.equal(pictures[level], native)


def test_a_level_is_the_whole_network_of_a_smaller_picture() -> None:
    """Level 0 of three: the network with one level, fed the picture averaged down."""
    network = made(level=0)
    small = made(HPNConfig(width=16, levels=1, trained=1, sigma=1.0), seed=9)
    state = network.state_dict()
    small.load_state_dict({**{name: state[name] for name in small.state_dict()}, "grown": torch.tensor(0)})
    source, target = person(seed=1), person(seed=2)
    assert source.image is not None
    pose = network.pose(target)
    output = small.eval().synthesise(F.avg_pool2d(source.image, 4), pose)
    assert torch.equal(network.eval()(source, target).extra["native"], output.image)


def test_growing_keeps_the_older_weights_and_they_go_on_learning() -> None:
    network = made(level=0)
    older: set[str] = set()
    for level in range(3):
        before = copy.deepcopy(network.state_dict())
        network.grow(level)
        after = network.state_dict()
        assert all(torch.equal(after[name], before[name]) for name in before if name != "grown")
        network.zero_grad(set_to_none=True)
        found = gradients(network)
        assert all(grad.abs().max() > 0 for grad in found.values())
        parts = {".".join(name.split(".")[:2]) for name in found}
        blocks = {f"{kind}.{k}" for kind in ("down", "up") for k in range(level + 1)} | {"middle.0"}
        assert parts == blocks | {f"from_rgb.{level}", f"to_rgb.{level}"}
        assert {name for name in older if name.split(".")[0] not in ("from_rgb", "to_rgb")} <= set(found)
        older = set(found)


def test_what_the_text_calls_modes() -> None:
    """Progressive training has a projection for each level, the whole network from the start only the last ones."""
    whole = made(replace(TINY, trained=1))
    assert list(whole.from_rgb) == list(whole.to_rgb) == ["2"]
    assert (whole.first, whole.level) == (2, 2)
    assert set(gradients(whole)) == {name for name, _ in whole.named_parameters()}
    whole.set_stage("level0")
    assert whole.level == 2
    with pytest.raises(ValueError, match=r"network\.trained=1 trains in level0, not in 'level3'; objective\.shares"):
        whole.set_stage("level3")
    with pytest.raises(ValueError, match="levels 2 to 2 are trained, got 1"):
        whole.grow(1)


def test_the_picture_finds_its_way_through_the_skips() -> None:
    network = made(level=2).eval()
    norm = block(network.middle, 0).norm2
    nn.init.zeros_(norm.weight)
    nn.init.zeros_(norm.bias)
    target = person(seed=3)
    with torch.no_grad():
        one, other = network(person(seed=1), target).image, network(person(seed=2), target).image
        assert not torch.equal(one, other)
        for k in range(3):  # the second half of what comes in is the skip
            weight = block(network.up, k).conv1.weight
            weight[:, weight.shape[1] // 2 :] = 0
        assert torch.equal(network(person(seed=1), target).image, network(person(seed=2), target).image)


def test_pose_maps() -> None:
    keypoints = torch.zeros(1, 18, 3)
    keypoints[0, 3] = torch.tensor([7.5, 19.5, 1.0])  # the corner of four cells of 8 pixels is at 7.5
    keypoints[0, 5] = torch.tensor([3.5, 11.5, 0.5])  # the middle of the cell of row 1, column 0
    network = made()
    maps = network.pose(Person(keypoints=keypoints, size=(HEIGHT, WIDTH)))
    assert maps.shape == (1, 18, 4, 2)
    rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(2.0), indexing="ij")
    for joint, (x, y) in {3: (0.5, 2.0), 5: (0.0, 1.0)}.items():
        torch.testing.assert_close(maps[0, joint], torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2))
        assert maps[0, joint].max() == (1 if joint == 5 else pytest.approx(np.exp(-0.125)))
    assert maps[0, [k for k in range(18) if k not in (3, 5)]].abs().max() == 0


def test_stages_count_from_the_lowest_trained_level() -> None:
    network = made(replace(TINY, trained=2))
    levels = []
    for stage in ("level0", "level1"):
        network.set_stage(stage)
        levels.append(network.level)
    assert levels == [1, 2]


def test_every_copy_knows_its_level(tmp_path: Path) -> None:
    network = made()
    assert network.level == 2  # a fresh one stands at its last
    network.set_stage("level1")
    assert network.level == 1
    other = made(seed=1)
    other.load_state_dict(network.state_dict())
    assert other.level == 1
    assert copy.deepcopy(network).level == 1
    average = copy.deepcopy(network).eval()
    network.set_stage("level2")
    update_average(average, network, 80, 1, 10)
    assert average.eval().level == network.level == 2
    assert average(person(seed=1), person(seed=2)).extra["native"].shape[-2] == HEIGHT
    network.set_stage("level0")
    assert network.eval().level == 0
    assert network.train().level == 0


def test_compiled_and_exported_at_a_lower_level(tmp_path: Path) -> None:
    torch.compiler.reset()
    network = made()
    inputs = network.encode(person(seed=1), person(seed=2))
    compiled = torch.compile(network.synthesise, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        for level in (0, 2, 1):
            network.grow(level)
            network.eval()
            torch.testing.assert_close(compiled(*inputs).extra["native"], network.synthesise(*inputs).extra["native"])
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    program = torch.onnx.export(ImageOnly(network).eval(), inputs, dynamo=True, verbose=False)
    assert program is not None
    program.save(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    feed = {node.name: tensor.numpy() for node, tensor in zip(session.get_inputs(), inputs, strict=True)}
    with torch.no_grad():
        np.testing.assert_allclose(session.run(None, feed)[0], network.synthesise(*inputs).image, rtol=0, atol=1e-4)


@pytest.mark.parametrize("level", [0, 2])
def test_computing_again_changes_no_number(level: int) -> None:
    """Gradients and running statistics of a checkpointed step have the bits of a plain one."""
    plain, again = made(level=level), made(replace(TINY, checkpoint=True), level=level)
    kept = {"plain": 0, "again": 0}

    def weigh(name: str) -> torch.autograd.graph.saved_tensors_hooks:
        def pack(tensor: Tensor) -> Tensor:
            kept[name] += tensor.nbytes
            return tensor

        return torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)

    found = {}
    for name, network in (("plain", plain), ("again", again)):
        with weigh(name):
            output = network.train()(person(seed=1), person(seed=2)).extra["native"]
        output.square().sum().backward()
        found[name] = {key: p.grad for key, p in network.named_parameters() if p.grad is not None}
    assert kept["again"] < 0.7 * kept["plain"]
    assert found["plain"].keys() == found["again"].keys()
    assert all(torch.equal(found["plain"][key], found["again"][key]) for key in found["plain"])
    for key, value in plain.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key
    assert again.state_dict()["down.0.norm1.num_batches_tracked"] == 1
    assert block(again.down, 0).norm1.momentum == 0.1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"width": 12}, "width: a multiple of 2"),
        ({"levels": 0}, "levels is 0"),
        ({"trained": 0}, "trained: 1 to 3"),
        ({"trained": 4}, "trained: 1 to 3"),
        ({"sigma": 0.0}, "sigma above 0"),
    ],
)
def test_config_errors(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(TINY, **changes)  # type: ignore[arg-type]
