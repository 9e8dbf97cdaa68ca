"""Backends: ways to run a network, with the same picture as result and different speeds.

A backend takes a `Generator` and example inputs of `Generator.synthesise`, and returns a function from such tensors to
the picture. `plain` is the module unchanged; `repose bench forward` compares every other one with it.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import logging
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from repose.extras import how_to_install
from repose.models.base import Generator
from repose.names import nearest

ImageFunction = Callable[..., Tensor]
"""The tensors of `Generator.encode` -> image (B, 3, H, W) in [-1, 1]."""


class BackendError(RuntimeError):
    """The package of a backend is not installed, or cannot run this network; the text says which, and why."""


class Core(nn.Module):
    """Tensors in, the picture out: the part of a `Generator` that is exported."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, *inputs: Tensor) -> Tensor:
        """The image (B, 3, H, W) of `Generator.synthesise`."""
        return self.generator.synthesise(*inputs).image


def fold_batch_norm(module: nn.Module) -> int:
    """Fold each BatchNorm2d called `norm*` into the convolution `conv*` beside it, in place.

    These names mean that the norm follows the convolution. For evaluation only; the output stays the same up to
    rounding.

    Returns:
        The number of norms folded.
    """
    folded = 0
    for owner in list(module.modules()):
        for name, norm in list(owner.named_children()):
            conv = getattr(owner, name.replace("norm", "conv"), None)
            if isinstance(norm, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d | nn.ConvTranspose2d):
                fused = nn.utils.fusion.fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d))
                setattr(owner, name.replace("norm", "conv"), fused)
                setattr(owner, name, nn.Identity())
                folded += 1
    return folded


def export_onnx(generator: Generator, inputs: Sequence[Tensor], path: Path) -> None:
    """Write `synthesise` as ONNX with a free batch size.

    Raises:
        BackendError: onnx or onnxscript is not installed.
    """
    for package in ("onnx", "onnxscript"):
        _package(package, "onnx")
    core = Core(_evaluation(generator)).eval()
    names = [f"input_{index}" for index in range(len(inputs))]
    batch = torch.export.Dim("batch", min=1, max=1024)
    # a batch of one would become a constant of the graph
    examples = tuple(torch.cat([value, value])[:2] for value in inputs)
    with _quiet():
        program = torch.onnx.export(
            core,
            examples,
            input_names=names,
            output_names=["image"],
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def plain(generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """The module unchanged, in eval mode."""
    return _eager(Core(_evaluation(generator)))


def channels_last(generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """Weights and activations with the channels innermost, the layout in which convolutions on CPUs are fastest."""
    return _eager(Core(_evaluation(generator)), channels_last=True)


def folded(generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """Batch norms folded into convolutions, channels last."""
    core = Core(_evaluation(generator))
    fold_batch_norm(core)
    return _eager(core, channels_last=True)


def compiled(generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """`torch.compile` with frozen weights, batch norms folded, channels last. The first call compiles."""
    import torch._inductor.config as inductor

    core = Core(_evaluation(generator)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fold_batch_norm(core)
    with inductor.patch(freezing=True):
        program = torch.compile(core)
        run = _eager(program, channels_last=True)
        run(*inputs)
    return run


def onnxruntime(generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """ONNX Runtime on the CPU, as many threads as torch has."""
    ort = _package("onnxruntime", "onnx")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(_folded_copy(generator), inputs, path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(*values: Tensor) -> Tensor:
        feed = {f"input_{index}": value.numpy() for index, value in enumerate(values)}
        return torch.from_numpy(session.run(None, feed)[0])

    return run


def openvino(generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """OpenVINO on the CPU in float32."""
    ov = _package("openvino", "openvino")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(_folded_copy(generator), inputs, path)
        core = ov.Core()
        model = core.read_model(str(path))
        model.reshape({f"input_{index}": list(value.shape) for index, value in enumerate(inputs)})
        settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
        program = core.compile_model(model, "CPU", settings)

    def run(*values: Tensor) -> Tensor:
        return torch.from_numpy(np.array(program([value.numpy() for value in values])[0]))

    return run


def ncnn(generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """ncnn on the CPU in float32: Winograd convolutions, which need fewer multiplications than the direct sum."""
    library, converter = _package("ncnn", "ncnn"), _package("pnnx", "ncnn")
    core = Core(_folded_copy(generator)).eval()
    # the folder must outlive the network: ncnn maps the weights
    folder = tempfile.TemporaryDirectory()
    with torch.inference_mode(False), torch.no_grad():
        traced = torch.jit.trace(core, tuple(inputs), check_trace=False)  # type: ignore[no-untyped-call]
        path = Path(folder.name) / "model.pt"
        traced.save(str(path))
    shapes = "[" + "],[".join(",".join(map(str, value.shape)) for value in inputs) + "]"
    _run_pnnx(converter, path, shapes)
    net = library.Net()
    net.opt.num_threads = torch.get_num_threads()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.opt.use_winograd_convolution = True
    if net.load_param(str(path.with_suffix(".ncnn.param"))) or net.load_model(str(path.with_suffix(".ncnn.bin"))):
        raise BackendError("ncnn: the converted network does not load")

    def run(*values: Tensor) -> Tensor:
        _ = folder
        pictures = []
        for row in range(values[0].shape[0]):  # ncnn has no batches
            extractor = net.create_extractor()
            for index, value in enumerate(values):
                extractor.input(f"in{index}", library.Mat(np.ascontiguousarray(value[row].numpy())).clone())
            status, out = extractor.extract("out0")
            if status:
                raise BackendError(f"ncnn: the network does not run (status {status})")
            pictures.append(torch.from_numpy(np.array(out)))
        return torch.stack(pictures)

    return run


BACKENDS: Final[dict[str, Callable[[Generator, Sequence[Tensor]], ImageFunction]]] = {
    "plain": plain,
    "channels_last": channels_last,
    "folded": folded,
    "compiled": compiled,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "ncnn": ncnn,
}


def image_function(name: str, generator: Generator, inputs: Sequence[Tensor]) -> ImageFunction:
    """The function by which one backend computes the picture, for inputs of these shapes.

    Args:
        name: key of `BACKENDS`.
        generator: is not changed; the backend works on a copy in eval mode.
        inputs: example tensors, as `Generator.encode` gives.

    Raises:
        KeyError: no such backend; names the nearest.
        BackendError: its package is missing, or it cannot run this network.
    """
    return find_backend(name)(generator, inputs)


def find_backend(name: str) -> Callable[[Generator, Sequence[Tensor]], ImageFunction]:
    """The backend of this name. KeyError, with the nearest name, if there is none."""
    if name not in BACKENDS:
        raise KeyError(f"no backend is called '{name}'; {nearest(name, BACKENDS)}")
    return BACKENDS[name]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's warnings: about torchvision, which is not used, and about its own deprecations."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _evaluation(generator: Generator) -> Generator:
    return copy.deepcopy(generator).eval().requires_grad_(False)


def _folded_copy(generator: Generator) -> Generator:
    folded_copy = _evaluation(generator)
    fold_batch_norm(folded_copy)
    return folded_copy


def _eager(core: Any, channels_last: bool = False) -> ImageFunction:
    form = torch.channels_last if channels_last else torch.contiguous_format
    if isinstance(core, Core):
        core = core.to(memory_format=form)  # type: ignore[call-overload]

    def run(*inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            image: Tensor = core(*(value.contiguous(memory_format=form) for value in inputs))
            return image

    return run


def _package(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendError(f"{name} is not installed: {how_to_install(extra)}") from error


def _run_pnnx(converter: Any, path: Path, shapes: str) -> None:
    command = [converter.EXEC_PATH, str(path), f"inputshape={shapes}", "fp16=0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent, check=False)
    if not path.with_suffix(".ncnn.param").exists():
        raise BackendError(f"pnnx could not convert the network to ncnn: {(done.stdout + done.stderr)[-800:]}")
