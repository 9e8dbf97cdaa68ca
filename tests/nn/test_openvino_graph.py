"""Graphs of OpenVINO: each kind of layer against torch, whole networks against OpenVINO, and what is refused."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.hub.files import FILES
from repose.nn.openvino_graph import OPERATIONS, OpenVinoGraph

PEOPLE = (
    "person-reidentification-retail-0277",
    "person-reidentification-retail-0288",
    "person-attributes-recognition-crossroad-0230",
)


class Graph:
    """Writes a small graph, layer by layer; `save` gives the path of the .xml."""

    def __init__(self, *shape: int) -> None:
        self.layers = [f'<layer id="0" name="x" type="Parameter"><data shape="{_commas(shape)}"/>{_OUT}</layer>']
        self.edges: list[str] = []
        self.blob = b""

    def constant(self, value: Any, kind: str = "f16") -> int:
        array = np.asarray(value, {"f16": "<f2", "f32": "<f4", "i64": "<i8"}[kind])
        data = (
            f'<data element_type="{kind}" shape="{_commas(array.shape)}" offset="{len(self.blob)}" '
            f'size="{array.nbytes}"/>'
        )
        self.blob += array.tobytes()
        number = self._add("Const", data)
        return self.layer("Convert", number, destination_type="f32") if kind == "f16" else number

    def layer(self, kind: str, *inputs: int, **attributes: object) -> int:
        words = " ".join(f'{name.replace("_exclude", "exclude")}="{value}"' for name, value in attributes.items())
        number = self._add(kind, f"<data {words}/>")
        self.edges += [
            f'<edge from-layer="{source}" from-port="9" to-layer="{number}" to-port="{port}"/>'
            for port, source in enumerate(inputs)
        ]
        return number

    def save(self, folder: Path, *ends: int, version: str = "11") -> Path:
        for end in ends:
            self.layer("Result", end)
        layers, edges = "".join(self.layers), "".join(self.edges)
        text = f'<net version="{version}"><layers>{layers}</layers><edges>{edges}</edges></net>'
        (folder / "net.xml").write_text(text)
        (folder / "net.bin").write_bytes(self.blob)
        return folder / "net.xml"

    def _add(self, kind: str, data: str) -> int:
        number = len(self.layers)
        self.layers.append(f'<layer id="{number}" name="{kind}{number}" type="{kind}">{data}{_OUT}</layer>')
        return number


_OUT = '<output><port id="9"/></output>'
_GRID = {"strides": "1,1", "dilations": "1,1", "pads_begin": "1,1", "pads_end": "1,1", "auto_pad": "explicit"}


def _commas(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))


def only(network: OpenVinoGraph, x: Tensor) -> Tensor:
    (result,) = network(x).values()
    assert isinstance(result, Tensor)
    return result


def test_layers_against_torch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    kernels, bias, deep = torch.randn(6, 4, 3, 3).half(), torch.randn(6).half(), torch.randn(6, 1, 1, 3, 3).half()
    point, weights, slope = torch.randn(8, 6, 1, 1).half(), torch.randn(5, 8).half(), torch.tensor([[0.25]]).half()
    graph = Graph(1, 4, 12, 10)
    flipped = graph.layer("Gather", 0, graph.constant([3, 2, 1, 0], "i64"), graph.constant(1, "i64"), batch_dims=0)
    y = graph.layer("Convolution", flipped, graph.constant(kernels), **_GRID)
    y = graph.layer("Add", y, graph.constant(bias.view(1, 6, 1, 1)), auto_broadcast="numpy")
    y = graph.layer("ReLU", y)
    pool = {"kernel": "3,3", "strides": "2,2", "pads_begin": "1,1", "pads_end": "1,1", "rounding_type": "floor"}
    y = graph.layer("MaxPool", y, **pool)
    y = graph.layer("GroupConvolution", y, graph.constant(deep), **_GRID)
    gate = graph.layer("ReduceMean", y, graph.constant([2, 3], "i64"), keep_dims="true")
    y = graph.layer("Multiply", y, graph.layer("Sigmoid", gate))
    plain = _GRID | {"pads_begin": "0,0", "pads_end": "0,0"}
    y = graph.layer("Convolution", y, graph.constant(point), **plain)
    axes = graph.constant([2, 3], "i64")
    y = graph.layer("MVN", y, axes, eps="1e-05", normalize_variance="true", eps_mode="inside_sqrt")
    halves = {"kernel": "2,2", "strides": "2,2", "pads_begin": "0,0", "pads_end": "0,0"}
    y = graph.layer("AvgPool", y, **halves, **{"exclude-pad": "true"})
    y = graph.layer("Concat", y, graph.layer("Subtract", y, graph.constant(1.0)), axis=1)
    top = graph.layer("ReduceMax", y, graph.constant([2, 3], "i64"), keep_dims="false")
    top = graph.layer("Reshape", top, graph.constant([0, 2, -1], "i64"), special_zero="true")
    same = graph.layer("ShapeOf", top)
    end = graph.layer("MatMul", top, graph.constant(weights), transpose_a="false", transpose_b="true")
    end = graph.layer("PReLU", end, graph.constant(slope))
    again = graph.layer("Reshape", top, same, special_zero="true")
    network = OpenVinoGraph(graph.save(tmp_path, end, again))
    assert {layer for layer in OPERATIONS if layer != "Convert"} <= {
        text.split('type="')[1].split('"')[0] for text in graph.layers
    }, "every kind of layer is in this graph"

    x = torch.randn(3, 4, 12, 10)  # another batch than the file's
    z = F.relu(F.conv2d(x.flip(1), kernels.float(), bias.float(), padding=1))
    z = F.max_pool2d(z, 3, 2, 1)
    z = F.conv2d(z, deep.float().flatten(0, 1), padding=1, groups=6)
    z = z * z.mean((2, 3), keepdim=True).sigmoid()
    z = F.conv2d(z, point.float())
    z = (z - z.mean((2, 3), keepdim=True)) / (z.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    z = F.avg_pool2d(z, 2)
    z = torch.cat([z, z - 1], 1).amax((2, 3)).view(3, 2, 8)
    for layout in (torch.contiguous_format, torch.channels_last):
        given = x.to(memory_format=layout)
        results = list(network(given).values())
        assert torch.allclose(results[0], F.leaky_relu(z @ weights.float().T, 0.25), atol=1e-4)
        assert torch.allclose(results[1], z, atol=1e-5)
        assert torch.equal(given, x), "the input stays as it is"


def test_a_sum_that_two_layers_read_is_not_overwritten(tmp_path: Path) -> None:
    graph = Graph(1, 2, 2, 2)
    y = graph.layer("Add", 0, graph.constant(-1.0))
    network = OpenVinoGraph(graph.save(tmp_path, graph.layer("Multiply", graph.layer("ReLU", y), y)))
    x = torch.randn(1, 2, 2, 2)
    assert torch.allclose(only(network, x), (x - 1).relu() * (x - 1))


@pytest.mark.parametrize(
    ("kind", "attributes", "said"),
    [
        ("Swish", {}, r"layer 1 \(Swish1\) is a Swish, which is not read; these are: Add, AvgPool"),
        ("Gather", {"batch_dims": 1}, r"layer 1 \(Gather1\), a Gather: batch_dims"),
        ("MaxPool", {"kernel": "2,2", "strides": "2,2", "pads_begin": "0,0", "pads_end": "1,1"}, "before and"),
        ("Convolution", {"strides": "1,1"}, r"layer 1 \(Convolution1\), a Convolution: 'dilations'"),
    ],
)
def test_what_is_not_read_is_named(kind: str, attributes: dict[str, object], said: str, tmp_path: Path) -> None:
    graph = Graph(1, 2, 4, 4)
    path = graph.save(tmp_path, graph.layer(kind, 0, **attributes))
    with pytest.raises(ValueError, match=said):
        OpenVinoGraph(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    graph = Graph(1, 2, 4, 4)
    end = graph.layer("Add", 0, graph.constant(1.0))
    path = graph.save(tmp_path, end)
    network = OpenVinoGraph(path)
    with pytest.raises(ValueError, match=r"takes \('B', 2, 4, 4\), got \(1, 3, 4, 4\)"):
        network(torch.zeros(1, 3, 4, 4))
    (tmp_path / "net.bin").write_bytes(b"")
    with pytest.raises(ValueError, match=r"net\.bin has 0 bytes, and constant Const1 ends at 2"):
        OpenVinoGraph(path)
    (tmp_path / "net.bin").unlink()
    with pytest.raises(FileNotFoundError):
        OpenVinoGraph(path)
    path.write_text(path.read_text().replace('version="11"', 'version="7"'))
    with pytest.raises(ValueError, match="versions 10 and 11 are read"):
        OpenVinoGraph(path)
    path.write_text("<net>")
    with pytest.raises(ValueError, match="is no file of OpenVINO"):
        OpenVinoGraph(path)


@pytest.mark.parametrize("name", PEOPLE)
def test_equal_to_openvino(name: str, shared: Path) -> None:
    """Largest difference of 4 pictures; measured: 6.9e-6 of vectors with lengths up to 10, 4e-7 of probabilities."""
    openvino = pytest.importorskip("openvino", reason="the comparison needs OpenVINO")
    path = shared / "models" / f"{name}.fp16.xml"
    assert path.name in FILES[f"{name}.xml"].aliases
    network = OpenVinoGraph(path)
    core = openvino.Core()
    exact = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    theirs = core.compile_model(core.read_model(path), "CPU", exact)
    torch.manual_seed(0)
    pictures = F.avg_pool2d(torch.randint(0, 256, (4, *network.input_shape[1:])).float(), 5, 1, 2)
    ours = network(pictures)
    for place, result in enumerate(network.outputs):
        wanted = np.concatenate([theirs(one[None].numpy())[place] for one in pictures])
        assert ours[result].shape == wanted.shape
        assert np.abs(ours[result].numpy() - wanted).max() < 1e-5
        assert np.abs(wanted).max() > 0.05
        assert math.isfinite(float(ours[result].sum()))
