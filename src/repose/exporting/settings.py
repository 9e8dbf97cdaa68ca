"""What is asked of an export: format, sizes, precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from repose.models.base import Generator
from repose.names import nearest

FORMATS: Final = ("onnx", "openvino", "ncnn", "torchscript")
PRECISIONS: Final = ("float32", "float16", "int8")

Dynamic = Literal["dynamic"]
DYNAMIC: Final[Dynamic] = "dynamic"


@dataclass(frozen=True)
class ExportSettings:
    """How a network is written.

    Attributes:
        format: one of `FORMATS`.
        size: (height, width) of the pictures; "dynamic" for any; None for the model's canvas.
        batch: how many pictures at once; "dynamic" for any number; None: any number, of ncnn one.
        precision: of the stored weights: "float32", "float16" (half the file; inputs, outputs and the sampling of
            pictures stay float32), "int8" (a quarter; convolutions compute in 8 bits).
        check: compare the written file with PyTorch.
        force: write a file, too, whose pictures are not equal to PyTorch's.

    Raises:
        ValueError: an unknown word (names the nearest), or settings that do not go together (says why).
    """

    format: str = "onnx"
    size: tuple[int, int] | Dynamic | None = None
    batch: int | Dynamic | None = None
    precision: str = "float32"
    check: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        for value, known, what in ((self.format, FORMATS, "format"), (self.precision, PRECISIONS, "precision")):
            if value not in known:
                raise ValueError(f"no {what} is called '{value}'; {nearest(value, known)}")
        if isinstance(self.batch, int) and not 1 <= self.batch <= 1024:
            raise ValueError(f"a batch is 1 to 1024 pictures, or dynamic; got {self.batch}")
        if self.format == "ncnn" and self.batch not in (None, 1):
            raise ValueError("ncnn takes one picture at a time: leave --batch away, or write --format onnx")
        if self.size == DYNAMIC and self.format == "ncnn":
            raise ValueError("a network for ncnn is converted at one size: give --size HxW, or write --format onnx")
        if self.precision == "int8" and self.format not in ("onnx", "openvino"):
            raise ValueError(
                f"int8 is written for onnx and openvino alone, {self.format} needs tools that its packages lack: write "
                "--format onnx, or --precision float16"
            )
        if self.precision != "float32" and self.format == "torchscript":
            raise ValueError(
                "TorchScript is written in float32: call .half() on it where it is used, or write --format onnx"
            )
        if self.size == DYNAMIC and not (self.check or self.force):
            raise ValueError(
                "whether a network takes any size is known only when it is tried, which --no-check leaves out: leave "
                "--no-check away, or add --force"
            )
        if self.precision != "float32" and not (self.check or self.force):
            raise ValueError(
                f"{self.precision} is written where the picture stays equal to the eye, which --no-check leaves open: "
                "leave --no-check away, or add --force"
            )

    @property
    def free_batch(self) -> bool:
        """Whether any number of pictures fits."""
        return self.batch == DYNAMIC or (self.batch is None and self.format != "ncnn")

    @property
    def pictures(self) -> int:
        """How many pictures the file takes at once; of any number, how many it is traced with."""
        return self.batch if isinstance(self.batch, int) else 1

    def sides(self, generator: Generator, canvas: tuple[int, int]) -> tuple[int, int]:
        """(height, width) that the network is traced at.

        Raises:
            ValueError: a side is no multiple of what the network needs.
        """
        size = canvas if self.size is None or self.size == DYNAMIC else self.size
        multiple = generator.needs.multiple
        if min(size) < multiple or size[0] % multiple or size[1] % multiple:
            raise ValueError(
                f"this network takes sides that are multiples of {multiple}, got {size[0]}x{size[1]} (height x width); "
                f"the nearest is {_near(size[0], multiple)}x{_near(size[1], multiple)}"
            )
        return size


def _near(side: int, multiple: int) -> int:
    return max(1, round(side / multiple)) * multiple
