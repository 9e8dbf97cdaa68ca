"""Where the pictures of an evaluation come from: a generator here, a folder of files in `repose.metrics.folder`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from repose.metrics.pairs import MeasuredPairs, as_bytes, as_saved, image_of
from repose.person import Pair

Generate = Callable[[Pair], Tensor]
"""A batch of pairs -> generated images (B, 3, H, W) in [-1, 1].

The pair's target image is there, as some fields are read from it; a generator must not look at it."""


@runtime_checkable
class PictureSource(Protocol):
    """A source of generated pictures."""

    @property
    def name(self) -> str:
        """Name of the row in tables and of the model on the result line."""

    @property
    def recipe(self) -> str | None:
        """Name of the recipe, for the result line."""

    @property
    def weights(self) -> str | None:
        """sha256 of the weight file, for the result line."""

    @property
    def fields(self) -> Sequence[str]:
        """The fields of the two people that `pictures` reads."""

    @property
    def origin(self) -> str | None:
        """All that the pictures depend on beside name, recipe and weights, in words: settings, device, its own code.

        Numbers on the disk are taken for pictures of the same origin alone. None: not known, so nothing can be kept.
        """

    def opened(self, measured: MeasuredPairs) -> PictureSource:
        """This source, checked and ready for these pairs. It raises, before anything is measured, where it is not."""

    def pictures(self, indices: Tensor, pair: Pair) -> Tensor:
        """The pictures of some of the pairs.

        Args:
            indices: int64 (B, 2), source and target index in the store.
            pair: the people, on the protocol's canvas.

        Returns:
            uint8 (B, 3, H, W), as read from files of the protocol's format.
        """

    def facts(self) -> Mapping[str, Any]:
        """What else the result line tells of the pictures."""

    def warnings(self) -> Sequence[str]:
        """What is logged before the pictures are measured."""


@dataclass(frozen=True)
class GeneratorPictures:
    """Pictures that a function generates.

    Attributes:
        generate: the function.
        name, recipe, weights, fields, origin: as `PictureSource`. The people that the function is given have these
            fields, picture and joints, and no others.
        measured: the pairs that it is ready for; `opened` sets it.
    """

    generate: Generate
    name: str = "generated"
    recipe: str | None = None
    weights: str | None = None
    fields: Sequence[str] = ("image", "keypoints")
    origin: str | None = None
    measured: MeasuredPairs | None = None

    def opened(self, measured: MeasuredPairs) -> GeneratorPictures:
        """As `PictureSource.opened`."""
        return replace(self, measured=measured)

    def pictures(self, indices: Tensor, pair: Pair) -> Tensor:
        """As `PictureSource.pictures`.

        Raises:
            ValueError: the function returned something else than floats in [-1, 1] of the target's shape; the text
                names the first pair where.
        """
        assert self.measured is not None, "opened(...) comes first"
        fields = tuple(dict.fromkeys((*self.fields, "image", "keypoints")))  # not those that only the metrics read
        images = self.generate(Pair(pair.source.only(*fields), pair.target.only(*fields)))
        images = self._checked(images, indices, tuple(image_of(pair.target).shape))
        return as_saved(self.measured.protocol, as_bytes(images.cpu()))

    def facts(self) -> Mapping[str, Any]:
        """As `PictureSource.facts`, without further entries."""
        return {}

    def warnings(self) -> Sequence[str]:
        """As `PictureSource.warnings`: none."""
        return ()

    def _checked(self, images: Tensor, indices: Tensor, expected: tuple[int, ...]) -> Tensor:
        assert self.measured is not None
        if tuple(images.shape) != expected or not images.is_floating_point():
            raise ValueError(
                f"the generator returned {images.dtype} {tuple(images.shape)}, expected floats in [-1, 1] of {expected}"
            )
        images = images.float()
        for wrong, what in (
            (~torch.isfinite(images).flatten(1).all(1), "holds NaN or infinity; the network has diverged"),
            (images.flatten(1).abs().amax(1) > 2, "is far outside [-1, 1]; is it in 0 to 255?"),
        ):
            if bool(wrong.any()):
                pair = self.measured.name(indices[int(wrong.int().argmax())])
                raise ValueError(f"the generated picture of {pair} {what}")
        return images


def as_source(pictures: PictureSource | Generate) -> PictureSource:
    """A source of pictures; a plain function generates them.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(pictures, PictureSource):
        return pictures
    if callable(pictures):
        return GeneratorPictures(pictures)
    raise TypeError(f"pictures come from a PictureSource or a function of a Pair, not from {type(pictures).__name__}")
