"""The backends: functions that take tensors and give a network's outputs."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from torch import Tensor

from repose.backends.files import export_ncnn, export_onnx
from repose.backends.network import (
    IMAGE,
    BackendError,
    Core,
    evaluation,
    fold_batch_norm,
    guarded,
    package,
)
from repose.models.base import Generator
from repose.names import nearest

ImageFunction = Callable[..., Tensor]
"""The tensors of `Generator.encode` -> image (B, 3, H, W) in [-1, 1]."""

NetworkFunction = Callable[..., tuple[Tensor, ...]]
"""The tensors of `Generator.encode` -> the named outputs, in their order; of any thread."""


class Backend(Protocol):
    """A way to run a network."""

    def __call__(
        self, generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,), /
    ) -> NetworkFunction:
        """The network as a function, for inputs of these shapes; the generator is not changed."""
        ...


def plain(generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)) -> NetworkFunction:
    """The module unchanged, in eval mode."""
    return _eager(Core(evaluation(generator), outputs))


def channels_last(generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)) -> NetworkFunction:
    """Weights and activations with the channels innermost, the layout in which convolutions on CPUs are fastest."""
    return _eager(Core(evaluation(generator), outputs), channels_last=True)


def folded(generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)) -> NetworkFunction:
    """Batch norms folded into convolutions, channels last."""
    core = Core(evaluation(generator), outputs)
    fold_batch_norm(core)
    return _eager(core, channels_last=True)


def compiled(generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)) -> NetworkFunction:
    """`torch.compile` with frozen weights, batch norms folded, channels last. The first call compiles."""
    import torch._inductor.config as inductor

    core = Core(evaluation(generator), outputs).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fold_batch_norm(core)
    with inductor.patch(freezing=True):
        program = torch.compile(core)
        run = _eager(program, channels_last=True)
        run(*inputs)
    return run


def onnxruntime(generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)) -> NetworkFunction:
    """ONNX Runtime on the CPU, as many threads as torch has."""
    ort = package("onnxruntime", "onnx")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(generator, inputs, path, outputs)
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = {node.name for node in session.get_inputs()}  # an input that no output depends on is left out

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        feed = {f"input_{index}": value.numpy() for index, value in enumerate(values)}
        results = session.run(list(outputs), {name: value for name, value in feed.items() if name in wanted})
        return tuple(map(torch.from_numpy, results))

    return run


def openvino(generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)) -> NetworkFunction:
    """OpenVINO on the CPU in float32."""
    ov = package("openvino", "openvino")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(generator, inputs, path, outputs)
        core = ov.Core()
        model = core.read_model(str(path))
        model.reshape({f"input_{index}": list(value.shape) for index, value in enumerate(inputs)})
        settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
        program = core.compile_model(model, "CPU", settings)
    own = threading.local()  # a request computes one thing at a time

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        if not hasattr(own, "request"):
            own.request = program.create_infer_request()
        own.request.infer([np.ascontiguousarray(value.numpy()) for value in values])
        results = (own.request.get_output_tensor(index).data for index in range(len(outputs)))
        return tuple(torch.from_numpy(np.array(result)) for result in results)

    return run


def ncnn(generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)) -> NetworkFunction:
    """ncnn on the CPU in float32: Winograd convolutions, which need fewer multiplications than the direct sum."""
    library = package("ncnn", "ncnn")
    # the folder must outlive the network: ncnn maps the weights
    folder = tempfile.TemporaryDirectory()
    parameters, weights = export_ncnn(generator, inputs, Path(folder.name), outputs)
    net = library.Net()
    net.opt.num_threads = torch.get_num_threads()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.opt.use_winograd_convolution = True
    if net.load_param(str(parameters)) or net.load_model(str(weights)):
        raise BackendError("ncnn: the converted network does not load; take onnxruntime or plain")

    def picture(row: int, values: Sequence[Tensor]) -> list[Tensor]:
        _ = folder
        extractor = net.create_extractor()
        for index, value in enumerate(values):
            extractor.input(f"in{index}", library.Mat(np.ascontiguousarray(value[row].numpy())).clone())
        results = []
        for index in range(len(outputs)):
            status, out = extractor.extract(f"out{index}")
            if status:
                raise BackendError(f"ncnn: the network does not run (status {status}); take onnxruntime or plain")
            results.append(torch.from_numpy(np.array(out)))
        return results

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        rows = [picture(row, values) for row in range(values[0].shape[0])]  # ncnn has no batches
        return tuple(map(torch.stack, zip(*rows, strict=True)))

    return run


BACKENDS: Final[dict[str, Backend]] = {
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

    Args and errors: see `network_function`.
    """
    run = network_function(name, generator, inputs)
    return lambda *values: run(*values)[0]


def network_function(
    name: str, generator: Generator, inputs: Sequence[Tensor], outputs: Sequence[str] = (IMAGE,)
) -> NetworkFunction:
    """The function by which one backend computes named outputs, for inputs of these shapes.

    Args:
        name: key of `BACKENDS`.
        generator: is not changed; the backend works on a copy in eval mode.
        inputs: example tensors, as `Generator.encode` gives.
        outputs: "image", and names of `Output.extra`.

    Raises:
        KeyError: no such backend; names the nearest.
        BackendError: its package is missing, or it cannot run this network; so does the function.
    """
    build = find_backend(name)
    if name in _MODULES:
        return build(generator, inputs, outputs)
    with guarded(f"{name} cannot run this network"):
        function = build(generator, inputs, outputs)

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        with guarded(f"{name} failed while it ran this network"):
            return function(*values)

    return run


def find_backend(name: str) -> Backend:
    """The backend of this name. KeyError, with the nearest name, if there is none."""
    if name not in BACKENDS:
        raise KeyError(f"no backend is called '{name}'; {nearest(name, BACKENDS)}")
    return BACKENDS[name]


# -- inside ---------------------------------------------------------------------------------------------------------

_MODULES: Final = ("plain", "channels_last", "folded")  # PyTorch's own errors say what is wrong


def _eager(core: Any, channels_last: bool = False) -> NetworkFunction:
    form = torch.channels_last if channels_last else torch.contiguous_format
    if isinstance(core, Core):
        core = core.to(memory_format=form)  # type: ignore[call-overload]

    def run(*inputs: Tensor) -> tuple[Tensor, ...]:
        with torch.inference_mode():
            results: tuple[Tensor, ...] = core(*(_formed(value, form) for value in inputs))
            return results

    return run


def _formed(value: Tensor, form: torch.memory_format) -> Tensor:
    """In that layout; tensors of other than four dimensions have none but the ordinary."""
    return value.contiguous(memory_format=form if value.ndim == 4 else torch.contiguous_format)
