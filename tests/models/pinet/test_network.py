"""Gated convolution, the two generators, their sizes, stages and gates."""

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose import models
from repose.models.pinet.network import GatedConv, PINet, PINetConfig, SelfAttention, labels
from repose.person import LIP_LABELS, Person
from repose.represent.parsing import PINET_LABELS, TO_PINET
from tests.models.pinet.drawn import person

TINY = PINetConfig(width=4)


def count(module: torch.nn.Module | None) -> int:
    assert module is not None
    return sum(p.numel() for p in module.parameters())


def made(config: PINetConfig = TINY) -> PINet:
    torch.manual_seed(0)
    return PINet(config)


def test_released_size() -> None:
    with torch.device("meta"):
        model = PINet()
    assert (count(model), count(model.parsing), count(model.image)) == (20_407_934, 10_778_737, 9_629_197)


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, 19_339_646),
        ({"gated": False}, 9_757_135),
        ({"stages": 1}, 9_599_245),
        ({"stages": 1, "gated": False}, 4_843_274),
    ],
)
def test_sizes_of_table_1_and_of_its_ablations(changes: dict[str, Any], parameters: int) -> None:
    with torch.device("meta"):
        assert count(PINet(replace(PINetConfig(layout="table"), **changes))) == parameters


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize(
    ("layout", "stem", "downs"), [("released", "full", 2), ("table", "full", 2), ("table", "half", 1)]
)
def test_every_variant_gives_a_picture(stages: Any, gated: bool, layout: Any, stem: Any, downs: int) -> None:
    model = made(PINetConfig(width=4, stages=stages, gated=gated, layout=layout, stem=stem, downs=downs))
    output = model(person(1), person(2))
    assert output.image.shape == (2, 3, 32, 16)
    assert output.image.abs().max() <= 1
    assert output.image.std() > 0.1
    assert {name: value.shape for name, value in output.extra.items()} == (
        {"parsing": (2, 12, 32, 16)} if stages == 2 else {}
    )
    assert model.needs.source == (("image", "keypoints", "parsing") if stages == 2 else ("image", "keypoints"))


def test_table_1() -> None:
    """Channels and sides of every row for the image generator of a 256x176 picture, at an eighth of the width."""
    model = made(PINetConfig(width=8, layout="table"))
    shapes: list[tuple[int, ...]] = []
    rows = [module for module in model.image.modules() if isinstance(module, GatedConv | SelfAttention)]
    for module in rows:
        module.register_forward_hook(lambda _, inputs, output: shapes.append(tuple(output.shape[1:])))
    model.image(torch.zeros(1, 3, 256, 176), torch.zeros(1, 42, 256, 176))
    large, middle, small = (256, 176), (128, 88), (64, 44)
    assert shapes == [
        *((8, *large), (8, *middle), (16, *middle), (16, *small)),
        *[(32, *small)] * 8,  # three, two dilated, self-attention, two
        *((16, *middle), (16, *middle), (8, *large), (4, *large), (3, *large)),
    ]
    dilations = [module.conv.dilation[0] for module in rows if isinstance(module, GatedConv)]
    assert dilations == [1] * 7 + [2, 4] + [1] * 7
    kernels = [module.conv.kernel_size[0] for module in rows if isinstance(module, GatedConv)]
    assert kernels == [7, *[3] * 14, 7]


@pytest.mark.parametrize(
    ("how", "padding"),
    [
        ({}, (1, "constant")),
        ({"kernel": 7}, (3, "reflect")),
        ({"dilation": 4}, (4, "constant")),
        ({"stride": 2}, (1, "constant")),
        ({"up": True}, (1, "constant")),
        ({"last": True}, (1, "constant")),
        ({"gated": False}, (1, "constant")),
    ],
)
def test_a_gated_convolution_follows_equation_2(how: dict[str, Any], padding: tuple[int, str]) -> None:
    torch.manual_seed(0)
    layer = GatedConv(3, 5, **how).train()
    x = torch.randn(2, 3, 8, 6)
    grown = x.repeat_interleave(2, 2).repeat_interleave(2, 3) if "up" in how else x
    grown = F.pad(grown, (padding[0],) * 4, padding[1])

    def filtered(conv: torch.nn.Module) -> Tensor:
        assert isinstance(conv, torch.nn.Conv2d)
        return F.conv2d(grown, conv.weight, conv.bias, how.get("stride", 1), dilation=how.get("dilation", 1))

    wanted = filtered(layer.conv)
    wanted = wanted if "last" in how else torch.where(wanted > 0, wanted, 0.2 * wanted)
    if layer.gate is not None:
        wanted = wanted / (1 + torch.exp(-filtered(layer.gate)))
    wanted = (wanted - wanted.mean((0, 2, 3), keepdim=True)) / wanted.var((0, 2, 3), correction=0, keepdim=True).add(
        1e-5
    ).sqrt()
    torch.testing.assert_close(layer(x), wanted, rtol=1e-4, atol=1e-5)


def test_self_attention_looks_everywhere_and_begins_as_nothing() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 16, 3, 4)
    layer = SelfAttention(16)
    assert torch.equal(layer(x), x)
    layer = SelfAttention(16, gamma=0.7)
    q, k, v = (conv(x).flatten(2) for conv in (layer.query, layer.key, layer.value))
    assert (q.shape[1], k.shape[1], v.shape[1]) == (2, 2, 16)
    share = torch.softmax(torch.einsum("bci,bcj->bij", q, k), dim=2)  # (B, to, from)
    wanted = x + 0.7 * torch.einsum("bij,bcj->bci", share, v).reshape(x.shape)
    torch.testing.assert_close(layer(x), wanted)


def test_labels_are_pinets_twelve() -> None:
    one = person(1)
    assert one.parsing is not None
    found = labels(one)
    assert found.shape == (2, 12, 32, 16)
    assert torch.equal(found.sum(1), torch.ones(2, 32, 16))
    place = one.parsing[1, 7, 3]
    assert PINET_LABELS[int(found[1, :, 7, 3].argmax())] == TO_PINET[LIP_LABELS[int(place)]]


def test_what_each_generator_reads() -> None:
    """Released order of the channels: picture, labels of the source, then poses or labels and pose of the target."""
    model, source, target = made().eval(), person(1), person(2)
    read: list[Tensor] = []
    assert model.parsing is not None
    for part in (model.parsing, model.image):
        part.encoder[0].register_forward_hook(lambda _, inputs, output: read.append(inputs[0]))
    output = model(source, target)
    image, source_pose, target_pose, source_labels = model.encode(source, target)
    assert torch.equal(read[0], torch.cat([image, source_labels, source_pose, target_pose], 1))
    assert torch.equal(read[1], torch.cat([image, source_labels, output.extra["parsing"], target_pose], 1))
    assert (read[0].shape[1], read[1].shape[1]) == (51, 45)


def test_stages_that_it_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"network\.stages=2 trains in parsing, image, joint, not in 'level0'"):
        made().set_stage("level0")
    one = made(replace(TINY, stages=1))
    one.set_stage("joint")
    with pytest.raises(
        ValueError, match=r"network\.stages=1 trains in joint, not in 'image'; .*objective\.alone=\[0,0\]"
    ):
        one.set_stage("image")


def test_what_runs_in_each_stage() -> None:
    model, source, target = made(), person(1), person(2)
    assert model.parsing is not None

    def steps() -> tuple[int, int]:
        """How often each generator has run, as its batch norms count."""
        assert model.parsing is not None
        first, second = (
            part.get_buffer("encoder.0.batch_norm.num_batches_tracked") for part in (model.parsing, model.image)
        )
        return int(first), int(second)

    model.set_stage("parsing")
    output = model(source, target)
    assert torch.equal(output.image, source.image)  # type: ignore[arg-type]
    assert set(output.extra) == {"parsing"}
    assert steps() == (1, 0)

    model.set_stage("image")
    torch.manual_seed(5)
    output = model(source, target)
    assert not output.extra
    assert steps() == (1, 1)
    image, _, pose, given = model.encode(source, target)[:4]
    torch.testing.assert_close(output.image, model.paint(image, given, labels(target), pose))
    with pytest.raises(ValueError, match=r"needs target\.parsing, which is missing; .*synthetic"):
        model(source, replace(target, parsing=None))

    model.set_stage("joint")
    before = steps()
    assert set(model(source, replace(target, parsing=None)).extra) == {"parsing"}
    assert steps() == (before[0] + 1, before[1] + 1)


def test_in_use_the_stage_does_not_matter() -> None:
    model, source, target = made().eval(), person(1), person(2)
    target = replace(target, parsing=None)
    wanted = model(source, target)
    for stage in ("parsing", "image", "joint"):
        model.set_stage(stage)
        output = model(source, target)
        assert torch.equal(output.image, wanted.image)
        assert torch.equal(output.extra["parsing"], wanted.extra["parsing"])


@pytest.mark.parametrize("detach", [True, False])
def test_whether_the_picture_teaches_the_parsing_generator(detach: bool) -> None:
    model = made(replace(TINY, detach=detach))
    assert model.parsing is not None
    model(person(1), person(2)).image.square().mean().backward()
    reached = [p.grad is not None and bool(p.grad.abs().max() > 0) for p in model.parsing.parameters()]
    assert any(reached) is not detach


def test_a_missing_parsing_is_named_with_its_supplier() -> None:
    with pytest.raises(ValueError, match=r"PINet needs source\.parsing, which is missing; .*prepare synthetic"):
        made()(replace(person(1), parsing=None), person(2))
    bare = Person(image=person(1).image, keypoints=person(1).keypoints)
    assert made(replace(TINY, stages=1))(bare, bare).image.shape == (2, 3, 32, 16)


def test_gates() -> None:
    model = made().eval()
    gates = model.gates(person(1), person(2))
    assert {name: len(layers) for name, layers in gates.items()} == {"parsing": 16, "image": 16}
    for layers in gates.values():
        assert [tuple(layer.shape[1:]) for layer in layers[:5]] == [(32, 16), (16, 8), (16, 8), (8, 4), (8, 4)]
        assert all(0 < float(layer.min()) <= float(layer.max()) < 1 for layer in layers)
    inputs = torch.cat([*(model.encode(person(1), person(2))[k] for k in (0, 3, 1, 2))], 1)
    assert model.parsing is not None
    first = torch.sigmoid(model.parsing.get_submodule("encoder.0.gate")(inputs)).mean(1)
    torch.testing.assert_close(gates["parsing"][0], first)
    assert not any(module._forward_hooks for module in model.modules())
    assert set(made(replace(TINY, stages=1)).eval().gates(person(1), person(2))) == {"image"}
    with pytest.raises(ValueError, match=r"has no gates; use one with network\.gated=true"):
        made(replace(TINY, gated=False)).gates(person(1), person(2))


def test_the_released_run_begins_with_kaiming_weights() -> None:
    """N(0, 2 / inputs) by the option's default; 0.02 belongs to the kind "normal", which the text's runs keep."""
    assert models.recipe("pinet-fashion").network.initialisation == "kaiming"
    assert models.recipe("pinet-paper").network.initialisation == "normal"
    for kind in ("kaiming", "normal"):
        torch.manual_seed(0)
        network = PINet(PINetConfig(width=16, initialisation=kind))
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d) and module.weight.numel() > 4000:
                inputs = module.weight[0].numel()
                wanted = (2 / inputs) ** 0.5 if kind == "kaiming" else 0.02
                assert float(module.weight.detach().std()) == pytest.approx(wanted, rel=0.05)
