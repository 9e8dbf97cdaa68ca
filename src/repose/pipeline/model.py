"""`Model`: a trained generator that poses people on photographs, and how it is loaded."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.backends import accelerated, backend_of, choose
from repose.callers import callers_level
from repose.cores import cores
from repose.models import build_generator, gathering, recipe
from repose.models.base import Generator, Output
from repose.models.weights import find_weights, load_generator
from repose.names import nearest
from repose.person import Person
from repose.pipeline.fields import Using, complete_pose, complete_source, complete_target
from repose.pipeline.sequence import in_order
from repose.recipes import Recipe
from repose.represent.canvas import Canvas, canvas
from repose.represent.framing import MARGIN
from repose.represent.retarget import retarget as retargeted
from repose.scene import Background, Pose, Scene, find_background
from repose.scene.room import room_for, with_room, worth_a_note

_SHOWN: Final = ("person", "still")  # what a scene reads of `Output.extra`

DEVICES: Final = ("auto", "cpu", "cuda")
"""Where a model computes; "auto" is cuda if there is one."""


@dataclass(frozen=True)
class Model:
    """A trained generator, with its recipe and the canvas that it works on."""

    name: str
    generator: Generator
    recipe: Recipe

    @property
    def canvas(self) -> Canvas:
        """The size and framing of the network's pictures; the card of the weights says where training had others."""
        return canvas(self.recipe.canvas)

    @property
    def device(self) -> torch.device:
        """The device of the weights. People may be on any device; results are on the CPU."""
        return next(self.generator.parameters()).device

    def with_backend(self, name: str = "auto", pictures: int = 1) -> Model:
        """The same model, whose network is computed by a backend: the same pictures in less time, once it is prepared.

        Weights are shared; a scene of one is a scene of the other. The backend is prepared at the first picture of a
        size, which takes seconds. Backends are for the CPU; on another device PyTorch computes.

        Args:
            name: key of `repose.backends.BACKENDS`, or "auto": the one that is worth its preparation for so many
                pictures, by what was measured (docs/export.md). Where that one fails, PyTorch computes
                (`backend_note`).
            pictures: how many will be computed, about, for "auto".

        Raises:
            KeyError: no such backend; names the nearest.
            ValueError: a named backend, and a model on another device.
            BackendError: of a named backend, when the first picture is computed: its package is missing, or it cannot
                run this network.
        """
        chosen = choose(self.recipe.model, pictures) if name == "auto" else name
        if self.device.type != "cpu" and chosen != "plain":
            if name != "auto":
                raise ValueError(
                    f"the backend '{name}' computes on the CPU, and this model is on {self.device.type}: load it with "
                    "device cpu, or take the backend plain"
                )
            chosen = "plain"
        return replace(self, generator=accelerated(self.generator, chosen, falls_back=name == "auto"))

    @property
    def backend(self) -> str:
        """What computes the network: "plain" (PyTorch), or the backend of `with_backend`."""
        return backend_of(self.generator)[0]

    @property
    def backend_note(self) -> str:
        """Why PyTorch computes although "auto" took another backend; "" otherwise."""
        return backend_of(self.generator)[1]

    @torch.inference_mode()
    def __call__(self, source: Person, target: Person) -> Tensor:
        """The person of `source` in the pose of `target`, both on `canvas`, batched or not, on any device.

        Of the two people the network sees the fields that it says it needs, and no other.

        Returns:
            image (B, 3, H, W), or (3, H, W) for a single person, in [-1, 1], on the CPU.
        """
        needs = self.generator.needs
        given, wanted = source.only(*needs.source).batch(), target.only(*needs.target).batch()
        image: Tensor = self.generator(given.to(self.device), wanted.to(self.device)).image
        return (image if source.batched else image[0]).cpu()

    def crop(self, source: Person, target: Person, retarget: bool = True, further: Sequence[Person] = ()) -> Tensor:
        """The person of `source` in the pose of `target`, a picture of the model's canvas alone.

        Args:
            source, target: unbatched, each on its own whole picture, as `read_person` gives them.
            retarget: give the pose the build of the source's person (`repose.represent.retarget`). A target with maps
                that the model needs keeps its own: maps cannot be given another.
            further: the same person on further photographs, see `pose`.

        Returns:
            image (3, H, W) in [-1, 1], on the CPU.

        Raises:
            ValueError: what `pose` raises.
        """
        (source, _), (target, _) = self.completed(source), complete_target(target, self.generator.needs)
        source, target = self.place(source), self.place(target)
        maps = any(getattr(target, name) is not None for name in self.generator.needs.target if name != "keypoints")
        target = self.built(target, source) if retarget and not maps else target
        target = complete_pose(target, self.generator.needs)
        if not further:
            return self(source, target)
        people = [source, *(self.place(self.completed(other)[0]) for other in further)]
        images = [person.image for person in people if person.image is not None]
        return self._gather(people, target, images).image[0].cpu()

    def built(self, target: Person, source: Person) -> Person:
        """`target` with its joints given the build of the source's person; both unbatched and on `canvas`."""
        assert source.keypoints is not None
        assert target.keypoints is not None
        posed = Person(keypoints=retargeted(target.keypoints, source.keypoints), size=self.canvas.size)
        # another build may reach beyond the picture
        return replace(target, keypoints=self.canvas.frame(self.canvas.take(posed)).keypoints)

    def completed(self, person: Person, using: Using = None) -> tuple[Person, dict[str, str]]:
        """The person of a photograph with the fields that the model reads of them; what is missing is estimated.

        Args:
            person: unbatched, on the whole photograph. using: field -> estimator, see `repose.estimate.complete`.

        Returns:
            The person, and field -> the name of its estimator for what was missing.

        Raises:
            MissingFieldError: a field cannot be estimated here; the text says who supplies it.
        """
        return complete_source(person, self.generator.needs, using)

    def completed_target(self, target: Person, using: Using = None) -> tuple[Person, dict[str, str]]:
        """A target with the maps that the model reads of its photograph. IUV comes later, from the new figure.

        Args, returns and errors: see `completed`. A target of joints alone is left as it is.
        """
        return complete_target(target, self.generator.needs, using)

    def scene(self, person: Person) -> Scene:
        """Understand a photograph once: the returned scene keeps what was computed, from pose to pose.

        Args:
            person: unbatched, on the whole photograph, with the mask of the person if there is one. Fields that the
                model needs (`generator.needs.source`) and that are missing are estimated. On any device.

        Raises:
            ValueError: a batch, a person without their photograph or with fewer located joints than the model needs, or
                a field that is missing and cannot be estimated here (`repose.estimate.MissingFieldError`).
        """
        _require_place(person)
        self._require_joints(person, "the person in the photograph")
        person, _ = self.completed(person)
        return Scene(person, self.canvas, self.generator.needs, self._shown)

    def roomy(self, scene: Scene, target: Person, retarget: bool = True) -> Scene:
        """A scene whose photograph is so large that the figure in the pose of `target` lies in it; often the same one.

        The new pixels are filled from what is beside them.

        Args:
            scene: of this model. target, retarget: see `pose`.
        """
        assert scene.person.size is not None
        sides = room_for(scene.pose(target, retarget).keypoints, scene.person.size)
        return self.scene(with_room(scene.person, scene.matte, sides)) if any(sides) else scene

    @torch.no_grad()  # not inference mode: what a scene keeps may be used outside
    def pose(
        self,
        scene: Scene,
        target: Person,
        background: Background = "keep",
        retarget: bool = True,
        further: Sequence[Scene] = (),
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Put the person of a scene into the pose of `target`, at the photograph's own size.

        The first picture takes longer than those that follow: "keep" computes the photograph without the person.

        Args:
            scene: of this model, by `scene`.
            target: unbatched, in any pixels, with the size of its picture if that is known. Maps that the model needs
                (`generator.needs.target`) and that are missing are estimated: IUV from the joints of the new figure,
                others from the target's photograph. On any device.
            background: "keep", "generated", "white", "transparent" or a picture (3, height, width) of the photograph's
                size, see `repose.Scene.compose`.
            retarget: give the pose the build of the source's person. A target with maps that the model needs keeps its
                own: maps cannot be given another.
            further: scenes of further photographs of the same person, at any size, in any light. Every part of the
                figure comes from the photograph that shows it best; surroundings, light and build are those of `scene`.
            dtype: of the result, see `repose.Scene.compose`.

        Returns:
            (3, height, width) in [-1, 1], on the CPU; (4, height, width) with "transparent".

        Warns:
            UserWarning: part of the new figure lies beyond the photograph; `roomy` enlarges it.

        Raises:
            ValueError: a batch, a target with fewer located joints than the model needs, a scene on another canvas,
                another background, a field that the model needs is missing (says which and how to get it), or `further`
                photographs for a model that takes one (names those that take several).
        """
        if isinstance(background, str):
            find_background(background)
        self._require_canvas(scene, *further)
        pose = self._placed(scene, target, retarget, placed=False)
        if further:
            output, shown, still = self._gathered((scene, *further), pose)
            return scene.compose(output.image[0].cpu(), pose, shown, background, still, dtype=dtype)
        return self.composed(scene, pose, self.outputs([scene], [pose])[0], background, dtype)

    @torch.no_grad()
    def picture(
        self,
        scene: Scene,
        target: Person,
        background: Background = "keep",
        retarget: bool = True,
        further: Sequence[Scene] = (),
    ) -> npt.NDArray[np.uint8]:
        """`pose` as pixels, up to one grey level; of a large photograph in a part of the time and memory.

        Only what is around the old and the new figure is computed, see `repose.Scene.frame`.

        Args, warnings and errors: see `pose`.

        Returns:
            uint8 (height, width, 3); (height, width, 4) with "transparent".
        """
        if isinstance(background, str):
            find_background(background)
        self._require_canvas(scene, *further)
        pose = self._placed(scene, target, retarget, placed=False)
        if not further:
            return self._frame(scene, pose, background, everywhere=True)
        output, shown, still = self._gathered((scene, *further), pose)
        return scene.frame(output.image[0].cpu(), pose, shown, background, still)

    def _gathered(self, scenes: Sequence[Scene], pose: Pose) -> tuple[Output, Tensor | None, Tensor | None]:
        """What `Scene.compose` takes of several photographs of one person: the output, what is shown, what is still."""
        # the photograph's pixels behind a pixel of the enlarged crop, at most 1
        shares = [min(1.0, each.placement.box[2] / (pose.times * each.placement.window[2])) for each in scenes]
        detail = [share * each.covered for share, each in zip(shares, scenes, strict=True)]
        photographs = [each.enlarged(pose.times) for each in scenes]
        output = self._gather([each.source for each in scenes], pose.target, photographs, detail)
        shown, still = (output.extra[name][0].cpu() if name in output.extra else None for name in _SHOWN)
        return output, shown, still

    def placed(self, scene: Scene, target: Person, retarget: bool = True) -> Pose:
        """A target as a pose of a scene, with every map that the model reads: the first step of `pose`.

        Args, warnings and errors: see `pose`.
        """
        self._require_canvas(scene)
        return self._placed(scene, target, retarget, placed=False)

    @torch.no_grad()
    def outputs(self, scenes: Sequence[Scene], poses: Sequence[Pose]) -> list[Output]:
        """What the network gives of several photographs, each in one pose: the second step of `pose`, as one batch.

        Each is what it would be alone, up to the rounding of float32. Photographs that differ in what is known of their
        person (a mask) are batches of their own.

        Args:
            scenes: of this model. poses: of these scenes, by `placed`.

        Returns:
            An output with a batch of one for each, on the model's device.
        """
        needs, alike = self.generator.needs, dict[object, list[int]]()
        given = [scene.source.only(*needs.source, *needs.helps).batch().to(self.device) for scene in scenes]
        wanted = [pose.target.only(*needs.target).batch().to(self.device) for pose in poses]
        prepared = [scene.prepared(self.generator, one) for scene, one in zip(scenes, given, strict=True)]
        for k, (one, tensors) in enumerate(zip(given, prepared, strict=True)):
            fields = [name for name in needs.helps if getattr(one, name) is not None]
            alike.setdefault((*fields, *(tuple(tensor.shape) for tensor in tensors)), []).append(k)
        found: dict[int, Output] = {}
        for numbers in alike.values():
            alone = len(numbers) == 1
            source = given[numbers[0]] if alone else Person.cat([given[k] for k in numbers])
            target = wanted[numbers[0]] if alone else Person.cat([wanted[k] for k in numbers])
            joined = tuple(torch.cat(parts) for parts in zip(*(prepared[k] for k in numbers), strict=True))
            output = self.generator(source, target, joined) if joined else self.generator(source, target)
            for row, k in enumerate(numbers):
                extra = {name: value[row : row + 1] for name, value in output.extra.items()}
                found[k] = output if alone else Output(output.image[row : row + 1], extra)
        return [found[k] for k in range(len(scenes))]

    @torch.no_grad()
    def composed(
        self,
        scene: Scene,
        pose: Pose,
        output: Output,
        background: Background = "keep",
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """The photograph of a scene with the figure of an output: the last step of `pose`.

        Args:
            scene, pose: by `placed`. output: of them, by `outputs`. background, dtype: see `pose`.

        Returns:
            What `pose` returns.
        """
        picture, alpha, extra = self._shaped(scene, pose, output, background, everywhere=True)
        shown, still = (extra.get(name) for name in _SHOWN)
        return scene.compose(picture, pose, shown, background, still, alpha, dtype)

    def _shaped(
        self, scene: Scene, pose: Pose, output: Output, background: Background, everywhere: bool
    ) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        """What `Scene.compose` takes of an output: the picture, its opacity, and what of `Output.extra` it reads.

        The opacity is None where the picture is not the figure alone. everywhere: see `Generator.cutout`.
        """
        extra = {name: output.extra[name][0].cpu() for name in _SHOWN if name in output.extra}
        generated = isinstance(background, str) and background == "generated"
        alone = None if generated else scene.person_alone(pose.times)
        if alone is not None:
            colours, matte = (part[None].to(self.device) for part in alone)
            how = {} if everywhere else {"everywhere": False}  # models of other packages may not know it
            cutout = self.generator.cutout(output, colours, matte, **how)
            if cutout is not None:
                return cutout.figure[0].cpu(), cutout.alpha[0].cpu(), extra
        photograph = scene.enlarged(pose.times)[None].to(self.device)
        return self.generator.enlarge(output, photograph, pose.coarser)[0].cpu(), None, extra

    def poses(
        self,
        scene: Scene,
        targets: Iterable[Person | Pose],
        background: Background = "keep",
        retarget: bool = True,
        placed: bool = False,
        threads: int | None = None,
    ) -> Iterator[npt.NDArray[np.uint8]]:
        """Put the person of a scene into each pose of a sequence, in order: the pictures of a video.

        Each picture is that of `pose`, up to one grey level. Several are computed at once, each in a thread of its own.
        Targets are read a few ahead of their turn, and few pictures are held at a time, so memory does not grow with
        the sequence.

        Args:
            scene, background, retarget: see `pose`.
            targets: the poses, in order; they are read in the thread of the caller. A `Pose` of this scene, by
                `Scene.pose` or `Scene.pose_at`, is taken as it is, and nothing is noted of it.
            placed: the joints of the targets are in the photograph's own pixels already, and stay where they are
                (`Scene.pose_at`); `retarget` changes nothing. For a clip whose place and size are found once.
            threads: how many pictures are computed at once; as many as there are cores if not given.

        Yields:
            uint8 (height, width, 3), each a new array; (height, width, 4) with "transparent".

        Warns:
            UserWarning: as `pose`.

        Raises:
            ValueError: what `pose` raises, at the target that it concerns: all pictures before it are given first.
        """
        if isinstance(background, str):
            find_background(background)
        self._require_canvas(scene)
        computed: set[int] = set()  # sizes of which the scene has what all pictures share

        def prepared() -> Iterator[tuple[Pose, npt.NDArray[np.uint8] | None]]:
            for target in targets:
                if isinstance(target, Pose):
                    pose = replace(target, target=complete_pose(target.target, self.generator.needs))
                else:
                    pose = self._placed(scene, target, retarget, placed)
                if pose.times in computed:
                    yield pose, None
                else:  # here, so that no two threads compute the same of the photograph
                    yield pose, self._frame(scene, pose, background)
                    computed.add(pose.times)

        def picture(one: tuple[Pose, npt.NDArray[np.uint8] | None]) -> npt.NDArray[np.uint8]:
            pose, pixels = one
            return self._frame(scene, pose, background) if pixels is None else pixels

        return in_order(picture, prepared(), cores() if threads is None else threads)

    def _frame(
        self, scene: Scene, pose: Pose, background: Background, everywhere: bool = False
    ) -> npt.NDArray[np.uint8]:
        """A pose as pixels. everywhere: see `Generator.cutout`."""
        output = self.outputs([scene], [pose])[0]
        if isinstance(background, str) and background == "keep":
            scene.fill_first(output.extra.get("still"))
        picture, alpha, extra = self._shaped(scene, pose, output, background, everywhere)
        shown, still = (extra.get(name) for name in _SHOWN)
        return scene.frame(picture, pose, shown, background, still, alpha)

    def whole(
        self,
        source: Person,
        target: Person,
        background: Background = "keep",
        retarget: bool = True,
        further: Sequence[Person] = (),
        room: bool = False,
    ) -> Tensor:
        """Put the person of `source` into the pose of `target`, at the photograph's own size.

        One pose of a photograph; for several make a `scene` and `pose` it.

        Args:
            source: see `scene`. target, background, retarget: see `pose`.
            further: the same person on further photographs, see `pose`.
            room: enlarge the photograph where the new figure would leave it, see `roomy`.

        Returns:
            (3, height, width) in [-1, 1], on the CPU; (4, height, width) with "transparent".

        Raises:
            ValueError: what `scene` and `pose` raise.
        """
        if isinstance(background, str):
            find_background(background)
        _require_place(target)
        if further:
            self.require_gathering()
        scene = self.scene(source)
        scene = self.roomy(scene, target, retarget) if room else scene
        return self.pose(scene, target, background, retarget, [self.scene(other) for other in further])

    def require_gathering(self) -> None:
        """Check that the model takes several photographs of one person.

        Raises:
            ValueError: it takes one; the text names the recipes whose weights take several.
        """
        if not self.generator.gathers:
            raise ValueError(
                f"'{self.name}' takes one photograph of a person; several are put together by weights of the recipes "
                f"{', '.join(gathering())}: choose such a model, or give one photograph"
            )

    @torch.no_grad()
    def _gather(
        self, people: Sequence[Person], target: Person, photographs: Sequence[Tensor], detail: Sequence[Tensor] = ()
    ) -> Output:
        """`Generator.gather` of unbatched people on the canvas and their photographs (3, k H, k W)."""
        self.require_gathering()
        needs = self.generator.needs
        sources = Person.stack([person.only(*needs.source).to(self.device) for person in people])
        wanted = target.only(*needs.target).batch().to(self.device)
        shares = torch.stack([*detail]).to(self.device) if detail else None
        return self.generator.gather(sources, wanted, torch.stack([*photographs]).to(self.device), shares)

    def _placed(self, scene: Scene, target: Person, retarget: bool, placed: bool) -> Pose:
        """A target as a pose of the scene, with every map that the model reads; `placed` as of `poses`."""
        _require_place(target)
        self._require_joints(target, "the target pose")
        if placed:
            assert target.keypoints is not None
            pose = scene.pose_at(target.keypoints)
        else:
            target, _ = complete_target(target, self.generator.needs)
            pose = scene.pose(target, retarget)
        pose = replace(pose, target=complete_pose(pose.target, self.generator.needs))
        _note_beyond(scene, pose.keypoints)
        return pose

    def _require_canvas(self, *scenes: Scene) -> None:
        """Raise ValueError where a scene is of another model's canvas."""
        for each in scenes:
            if each.canvas != self.canvas:
                raise ValueError(
                    f"the scene was made for the canvas '{each.canvas.name}', this model works on "
                    f"'{self.canvas.name}'; make one by this model's `scene`"
                )

    def _require_joints(self, person: Person, what: str) -> None:
        """Raise ValueError where fewer joints are located than the model needs."""
        assert person.keypoints is not None
        located, least = int((person.keypoints[:, 2] > 0).sum()), self.generator.needs.joints
        if located < least:
            raise ValueError(
                f"{what} has {located} located joints, and the model '{self.name}' needs {least}: too little of "
                "the body is known. Use a picture that shows more of it, or give more joints"
            )

    @torch.no_grad()
    def _shown(self, source: Person) -> Tensor | None:
        """Where the model shows the person of `source` in their own pose, (1, H, W); None if it does not tell."""
        needs = self.generator.needs
        if any(getattr(source, name) is None for name in needs.target):
            return None
        given = source.only(*needs.fields).batch().to(self.device)
        shown = self.generator(given, given).extra.get("person")
        return None if shown is None else shown[0].cpu()

    def place(self, person: Person) -> Person:
        """Frame an unbatched person of a whole photograph on the model's canvas, as in training.

        A picture that fits the canvas (`Canvas.fits`: its proportions, within 10 %, and a person who takes more than
        half of its height) is taken whole; from any other the surroundings of the joints are cut. Joints without a
        picture are placed by their `size`, as their picture would be; without a size they are cut out, too.
        """
        _require_place(person)
        joints = person.keypoints
        assert joints is not None
        if person.size is None:
            person = replace(person, size=self.canvas.size)  # any will do: the cut may reach outside
        elif self.canvas.fits(person.size, joints[joints[:, 2] > 0, :2]):
            return self.canvas.put(person, how="fit")[0]
        return self.canvas.put(person, how="crop", margin=MARGIN, fill="edge")[0]


def load(name: str | Path = "default", device: str = "auto") -> Model:
    """Load a trained model by the name of its weights, or from a folder that a training run or `repose convert` wrote.

    Args:
        name: see `repose.models.weights.find_weights`.
        device: one of `DEVICES`.

    Raises:
        ValueError: no such weights or device (names the nearest), or a file that is damaged or of another model.
        FileNotFoundError: the folder's run has not come as far as weights.
    """
    place, where = find_weights(name), _device(device)
    generator, trained = load_generator(place)
    folder = place.parent if place.is_file() else place
    return Model(folder.resolve().name, generator.eval().requires_grad_(False).to(where), trained)


def untrained(name: str, device: str = "auto") -> Model:
    """A recipe's network with random weights, the same every time; one that trains in stages is in its last.

    Raises:
        KeyError: no such recipe. ValueError: no such device. Both name the nearest.
    """
    chosen, where = recipe(name), _device(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = build_generator(chosen)
    return Model(f"{name}-random", generator.eval().requires_grad_(False).to(where), chosen)


def _note_beyond(scene: Scene, keypoints: Tensor) -> None:
    """Warn where the new figure leaves the photograph, if the old one does not as much."""
    assert scene.person.size is not None
    assert scene.person.keypoints is not None
    noted = worth_a_note(keypoints, scene.person.keypoints, scene.person.size)
    if noted is None:
        return
    beyond, parts = noted
    named = f" ({', '.join(parts)})" if parts else ""
    warnings.warn(
        f"{beyond:.0%} of the new figure lies beyond the photograph{named}, and is cut off; --room (room=True in "
        "Python) enlarges the photograph",
        stacklevel=callers_level(),
    )


def _device(name: str) -> torch.device:
    if name not in DEVICES:
        raise ValueError(f"no device is called '{name}'; {nearest(name, DEVICES)}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ValueError("there is no CUDA device here, or this PyTorch was built without CUDA; use auto or cpu")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def _require_place(person: Person) -> None:
    """Raise ValueError unless this is one person, of whom it is known where on the picture they are."""
    if person.batched:
        raise ValueError("a whole picture shows one person at a time: index the batch")
    if person.keypoints is None or int((person.keypoints[:, 2] > 0).sum()) < 2:
        raise ValueError("this Person has fewer than two located joints, so it is not known where on the picture it is")
