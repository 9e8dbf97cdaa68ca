"""Contracts of the shelves: `Generator`, `Needs`, `Output`, and `Objective` with its phases and terms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.person import Pair, Person


@dataclass(frozen=True)
class Needs:
    """Which fields of the two people a generator reads, and how large a canvas must be.

    Attributes:
        source, target: names of fields of `Person`.
        multiple: height and width must be multiples of this.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    multiple: int = 1

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of either, each once."""
        return tuple(dict.fromkeys((*self.source, *self.target)))


@dataclass(frozen=True)
class Output:
    """What a generator gives.

    Attributes:
        image: (B, 3, H, W) in [-1, 1].
        extra: named tensors of the inside worth seeing or losing on (masks, flows, logits). One name means the same
            in every model that has it: "person" (B, 1, H, W), the probability that a pixel shows the person, by which
            a result is put back into a photograph.
    """

    image: Tensor
    extra: Mapping[str, Tensor] = field(default_factory=dict)


class Generator(nn.Module, ABC):
    """A network behind the one door: `forward(source, target) -> Output`.

    A shelf writes `encode` (people to plain tensors, by `repose.represent`) and `synthesise` (tensors to the
    result). Exporters, compilers and benchmarks take `synthesise` alone, which sees nothing but tensors.
    """

    needs: Needs

    any_canvas: bool = False
    """Whether the weights may be used on other canvases than the recipe's."""

    def prepare(self, stage: str) -> None:
        """Called before every training step with the stage of the phases: a network that grows or trains in stages
        sets itself up.

        It depends on `stage` alone, so that a resumed run needs nothing; what inference must know too (how far a
        network has grown) is a persistent buffer. A fresh network is set up for its last stage.

        Raises:
            ValueError: the network has no such stage; the text names those that it has.
        """

    @abstractmethod
    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        """Batched people -> the network's own input tensors, on their device."""

    @abstractmethod
    def synthesise(self, *inputs: Tensor) -> Output:
        """The network itself: the tensors of `encode` -> `Output`."""

    def forward(self, source: Person, target: Person) -> Output:
        """The person of `source` in the pose of `target`; both batched, on one canvas.

        Raises:
            ValueError: a field is missing, or the canvas does not fit; the text names what supplies it.
        """
        self.check(source, target)
        return self.synthesise(*self.encode(source, target))

    def enlarge(self, output: Output, photograph: Tensor, coarser: float = 1.0) -> Tensor:
        """The result at the size of a larger photograph of the same crop as the source picture.

        Args:
            output: of `forward`. photograph: (B, 3, k H, k W), k whole; a model may carry its fine detail over.
            coarser: how many times more of the photograph a pixel of the target's crop shows than one of the source's;
                so much coarser is the picture that the detail is added to.

        Returns:
            (B, 3, k H, k W) in [-1, 1]; unless a model knows better, the picture scaled up.
        """
        return F.interpolate(output.image, photograph.shape[-2:], mode="bicubic", align_corners=False).clamp(-1, 1)

    def check(self, source: Person, target: Person) -> None:
        """Raise ValueError, naming the field and its supplier, if the two people do not meet `needs`."""
        for role, person, names in (
            ("source", source, self.needs.source),
            ("target", target, self.needs.target),
        ):
            for name in names:
                if getattr(person, name) is None:
                    raise ValueError(f"{type(self).__name__} needs {role}.{name}, which is missing; {supplier(name)}")
            if not person.batched:
                raise ValueError(f"{type(self).__name__} takes batches: use {role}.batch() for a single person")
        if source.size != target.size:
            raise ValueError(f"source {source.size} and target {target.size} must share a canvas (H, W)")
        height, width = source.size or (0, 0)
        if height % self.needs.multiple or width % self.needs.multiple:
            raise ValueError(
                f"{type(self).__name__} takes sides that are multiples of {self.needs.multiple}, got "
                f"{height}x{width}; repose.represent.canvas pads or resizes"
            )


_SUPPLIERS = {
    "image": "repose.read_person(PHOTO) supplies it with the joints",
    "keypoints": "repose.read_person(PHOTO) supplies it, `repose estimate PHOTO -o poses.csv` writes it into a file",
    "parsing": "stores of rendered people have it (`repose prepare synthetic`, then `repose inspect`, `repose eval`). "
    "No parser is included: repose.represent.maps.with_maps(person, parsing=FILE) adds what one made of a photograph",
    "iuv": "stores of rendered people have it (`repose prepare synthetic`, then `repose inspect`, `repose eval`). "
    "DensePose is not included: repose.represent.maps.with_maps(person, iuv=FILE) adds its result for a photograph",
    "mask": "stores of rendered people have it (`repose prepare synthetic`). Nothing here finds it on photographs: "
    "give Person.mask yourself, 1 on the person",
    "depth": "stores of rendered people have it (`repose prepare synthetic`). Nothing here finds it on photographs: "
    "give Person.depth yourself, in metres",
}


def supplier(field: str) -> str:
    """Who supplies a field of `Person`, in words, for errors."""
    return _SUPPLIERS[field]


@dataclass(frozen=True)
class Progress:
    """How far a run is. `images` counts pictures shown to the generator; `total` is where it ends."""

    images: int
    total: int


@dataclass(frozen=True)
class Phase:
    """One optimiser step: which modules train.

    Attributes:
        trains: "generator", a part of it ("generator.parsing" is its submodule `parsing`), or entries of
            `Objective.networks`. What is not named takes no gradient and does not move.
        stage: what the generator is told to run while this phase trains (`Generator.prepare`); the phases of one moment
            agree in it. The objective alone knows when a stage begins and ends.
    """

    name: str
    trains: tuple[str, ...]
    stage: str = ""


def stage_of(phases: Sequence[Phase]) -> str:
    """The stage that the phases of a step share. ValueError if they do not agree, or there is none."""
    stages = {phase.stage for phase in phases}
    if len(stages) != 1:
        found = ", ".join(f"'{phase.name}' is of '{phase.stage}'" for phase in phases) or "there is no phase"
        raise ValueError(f"the phases of a step must be of one stage: {found}; see Objective.phases")
    return stages.pop()


@dataclass(frozen=True)
class Term:
    """A named loss: `value` is a scalar, and `weight * value` enters the sum."""

    value: Tensor
    weight: float = 1.0


class Objective(nn.Module, ABC):
    """Owns the discriminators and the loss terms; touches no optimiser, device or file.

    The loop runs the generator once a step, then every phase in order: `losses(phase, ...)`, the weighted sum,
    backward, a step of the modules that the phase trains. `output` carries the generator's graph; a
    discriminator's phase detaches it. State that must survive a resume (an image pool) lives in
    `get_extra_state` / `set_extra_state` or buffers, so that `state_dict` is complete.
    """

    networks: nn.ModuleDict
    """The trainable networks by name (discriminators)."""

    reads: tuple[str, ...] = ()
    """Fields of both people that the terms use where the data has them, beside image and keypoints."""

    requires: tuple[str, ...] = ()
    """Fields of both people that the terms cannot do without, beside what the generator needs."""

    views: int = 0
    """So many further pictures of each person come with a pair, in `Pair.views`."""

    @abstractmethod
    def phases(self, progress: Progress) -> Sequence[Phase]:
        """Who trains now, in this order."""

    @abstractmethod
    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The named, weighted terms of one phase; only those of the modules that it trains."""


def course(objective: Objective, images: int) -> list[tuple[Phase, ...]]:
    """What trains together in the course of a run: every different set of phases found at 65 moments, in order.

    A stage that is shorter than 1/64 of the run may be missed.
    """
    moments = sorted({images * at // 64 for at in range(64)} | {images - 1})
    return list(dict.fromkeys(tuple(objective.phases(Progress(at, images))) for at in moments))


def total(terms: Mapping[str, Term]) -> Tensor:
    """The weighted sum of a phase's terms, a scalar."""
    if not terms:
        raise ValueError("a phase gave no loss terms")
    return torch.stack([term.weight * term.value for term in terms.values()]).sum()
