"""What every model is made of: `Generator` with `Needs` and `Output`, and `Objective` with its phases and terms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.estimate.suppliers import supplier
from repose.person import Pair, Person


@dataclass(frozen=True)
class Needs:
    """Which fields of the two people a generator reads, and how large a canvas must be.

    Attributes:
        source, target: names of fields of `Person`.
        helps: fields of the source that `Generator.prepare` uses where they are there, and does without.
        multiple: height and width must be multiples of this.
        joints: how many located joints each of them must have for a sensible picture; `forward` does not check it.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    multiple: int = 1
    joints: int = 2
    helps: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of both, each once."""
        return tuple(dict.fromkeys((*self.source, *self.target)))


@dataclass(frozen=True)
class Output:
    """The result of a generator: the picture, and what some objectives read beside it.

    Attributes:
        image: (B, 3, H, W) in [-1, 1].
        extra: further tensors by name, for loss terms and for `repose inspect` (masks, flows, logits). A name means
            the same in every model that has it: "person" (B, 1, H, W) is the probability that a pixel shows the
            person, with which the result is put back into a photograph; "still" (B, 1, h, w) is 1 where nothing moves
            and the picture is the source's own.
    """

    image: Tensor
    extra: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Cutout:
    """A figure without what is behind it.

    Attributes:
        figure: (B, 3, H, W) in [-1, 1]: its colours, which go on some pixels beyond its border.
        alpha: (B, 1, H, W) in [0, 1]: how far it hides what is behind.
    """

    figure: Tensor
    alpha: Tensor


class Generator(nn.Module, ABC):
    """A network: `forward(source, target) -> Output`.

    A model implements `encode` (people to plain tensors, by `repose.represent`) and `synthesise` (tensors to the
    result). Exporters, compilers and benchmarks take `synthesise` alone, which sees nothing but tensors.
    """

    needs: Needs

    any_canvas: bool = False
    """Whether the weights may be used on other canvases than the recipe's."""

    gathers: bool = False
    """Whether `gather` is there: several photographs of one person give one picture."""

    def set_stage(self, stage: str) -> None:
        """Prepare for a stage of the run. The loop calls it before every training step with the stage of the phases.

        A network that grows or trains in stages overrides it. The result depends on `stage` alone, so that a resumed
        run needs nothing else; what inference must know too (how far a network has grown) is a persistent buffer. A
        fresh network is prepared for its last stage.

        Raises:
            ValueError: the network has no such stage; the text names those that it has.
        """

    @abstractmethod
    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        """Batched people -> the input tensors of `synthesise`, on the device of the people."""

    @abstractmethod
    def synthesise(self, *inputs: Tensor) -> Output:
        """The tensors of `encode` -> `Output`. A model with `prepare` takes the tensors of that behind them."""

    def prepare(self, source: Person) -> tuple[Tensor, ...]:
        """What `synthesise` computes of the source alone, for several poses of one source; none by default.

        Args:
            source: batched, with the fields that the generator needs of it, on its device.
        """
        return ()

    def forward(self, source: Person, target: Person, prepared: tuple[Tensor, ...] = ()) -> Output:
        """The person of `source` in the pose of `target`; both batched, on one canvas.

        Args:
            prepared: of `prepare`, of the same source: the same picture in less time, or a better one where `prepare`
                read a field of `needs.helps`.

        Raises:
            ValueError: a field is missing, or the canvas does not fit; the text names what supplies it.
        """
        self.check(source, target)
        return self.synthesise(*self.encode(source, target), *prepared)

    def enlarge(self, output: Output, photograph: Tensor, coarser: float = 1.0) -> Tensor:
        """The result at the size of a larger photograph of the same crop as the source picture.

        Args:
            output: of `forward`.
            photograph: (B, 3, k H, k W), k a whole number. A model may add the photograph's fine detail.
            coarser: how many times more of the photograph a pixel of the target's crop shows than a pixel of the
                source's crop; the picture that the detail is added to is so much coarser.

        Returns:
            (B, 3, k H, k W) in [-1, 1]: the picture, scaled up bicubically where a model does not override this.
        """
        return F.interpolate(output.image, photograph.shape[-2:], mode="bicubic", align_corners=False).clamp(-1, 1)

    def cutout(self, output: Output, photograph: Tensor, matte: Tensor, everywhere: bool = True) -> Cutout | None:
        """The new figure alone, at the size of a larger photograph; None from a model that cannot tell it apart.

        Args:
            output: of `forward`.
            photograph: (B, 3, k H, k W) of the source's crop; beside the person their colours go on.
            matte: (B, 1, k H, k W) in [0, 1]: where the photograph shows the person.
            everywhere: the figure's colours are wanted where it hides nothing, too; without, a model may leave out
                those that are not within some pixels of it, which takes less time.
        """
        return None

    def gather(self, sources: Person, target: Person, photographs: Tensor, detail: Tensor | None = None) -> Output:
        """One person, shown by N photographs, in the pose of `target`: a model overrides it and says `gathers`.

        Args:
            sources: batch of N, on one canvas; the first is the scene that the picture belongs to.
            target: batch of one. photographs: (N, 3, k H, k W), k a whole number: the crops of `sources` at the size of
                the result.
            detail: (N, 1, H, W) in [0, 1]: how many of the photograph's rows are behind a row of `photographs`, at
                most 1, and 0 beyond its border; None: 1 everywhere.

        Returns:
            image (1, 3, k H, k W) in [-1, 1]; extra has "person" as `forward` gives it.

        Raises:
            ValueError: the model takes one photograph.
        """
        raise ValueError(f"{type(self).__name__} takes one photograph of a person, not {len(photographs)}")

    def check(self, source: Person, target: Person) -> None:
        """Check that the two people have what `needs` asks for.

        Raises:
            ValueError: a field is missing (names it and what supplies it), the people are not batched, their canvases
                differ, or a side is no multiple of `needs.multiple`.
        """
        own = type(self).__name__.removesuffix("Generator")
        for role, person, names in (
            ("source", source, self.needs.source),
            ("target", target, self.needs.target),
        ):
            for name in names:
                if getattr(person, name) is None:
                    raise ValueError(f"{own} needs {role}.{name}, which is missing; {supplier(name)}")
            if not person.batched:
                raise ValueError(f"{own} takes batches: use {role}.batch() for a single person")
        if source.size != target.size:
            raise ValueError(f"source {source.size} and target {target.size} must share a canvas (H, W)")
        height, width = source.size or (0, 0)
        if height % self.needs.multiple or width % self.needs.multiple:
            raise ValueError(
                f"{own} takes sides that are multiples of {self.needs.multiple}, got "
                f"{height}x{width}; repose.represent.canvas pads or resizes"
            )


@dataclass(frozen=True)
class Progress:
    """How far a run is: `images` of `total` pictures have been shown to the generator."""

    images: int
    total: int


@dataclass(frozen=True)
class Phase:
    """One optimiser step: which modules train.

    Attributes:
        trains: "generator", a part of it ("generator.parsing" is its submodule `parsing`), or entries of
            `Objective.networks`. All other weights get no gradient and stay as they are.
        stage: the stage of the generator while this phase trains (`Generator.set_stage`); the phases of one moment
            have the same. The objective alone knows when a stage begins and ends.
    """

    name: str
    trains: tuple[str, ...]
    stage: str = ""


def stage_of(phases: Sequence[Phase]) -> str:
    """The stage that the phases of a step share.

    Raises:
        ValueError: their stages differ, or there is no phase.
    """
    stages = {phase.stage for phase in phases}
    if len(stages) != 1:
        each = ", ".join(f"'{phase.name}' is of '{phase.stage}'" for phase in phases) or "there is no phase"
        raise ValueError(f"the phases of a step must be of one stage: {each}; see Objective.phases")
    return stages.pop()


@dataclass(frozen=True)
class Term:
    """A loss term: `value` is a scalar, and `weight * value` is added to the loss."""

    value: Tensor
    weight: float = 1.0


class Objective(nn.Module, ABC):
    """The discriminators and the loss terms of a model; it touches no optimiser, device or file.

    In each step the loop runs the generator once, then every phase in order: `losses(phase, ...)`, the weighted sum,
    backward, a step of the modules that the phase trains. `output` has the generator's graph, and a discriminator's
    phase detaches it. State that a resumed run needs (an image pool) is in buffers or in `get_extra_state` and
    `set_extra_state`, so that `state_dict` is complete.
    """

    networks: nn.ModuleDict
    """The trainable networks by name (discriminators)."""

    reads: tuple[str, ...] = ()
    """Fields of both people, beside image and keypoints, that terms use where the data has them."""

    requires: tuple[str, ...] = ()
    """Fields of both people, beside those that the generator needs, without which a term cannot be computed."""

    views: int = 0
    """Number of further pictures of the person that come with a pair, in `Pair.views`."""

    @abstractmethod
    def phases(self, progress: Progress) -> Sequence[Phase]:
        """What trains at this moment of the run, in this order."""

    @abstractmethod
    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of one phase by name: those of the modules that it trains."""


def course(objective: Objective, images: int) -> list[tuple[Phase, ...]]:
    """The different sets of phases that train together in the course of a run, in order.

    The run is looked at in 65 moments, so a stage shorter than 1/64 of it may be missed.
    """
    moments = sorted({images * at // 64 for at in range(64)} | {images - 1})
    return list(dict.fromkeys(tuple(objective.phases(Progress(at, images))) for at in moments))


def total(terms: Mapping[str, Term]) -> Tensor:
    """The weighted sum of a phase's terms, a scalar."""
    if not terms:
        raise ValueError("a phase gave no loss terms")
    return torch.stack([term.weight * term.value for term in terms.values()]).sum()
