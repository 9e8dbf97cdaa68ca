"""A photograph of a person, understood once and posed many times.

    scene = Scene(person, canvas)                        # once
    pose = scene.pose(target)                            # what the model sees of the target, and where it stands
    output = generator(scene.source.batch(), pose.target.batch())
    picture = generator.enlarge(output, scene.enlarged(pose.times)[None], pose.coarser)[0]
    whole = scene.compose(picture, pose)                 # the photograph with the new figure

`repose.load(...).scene(person)` makes one for a model, and `pose` of that model does the rest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.models.base import Generator, Needs
from repose.names import nearest
from repose.person import JOINTS, Person
from repose.represent.canvas import Box, Canvas, Placement, as_float, to_uint8
from repose.represent.figure import figure_mask, near_figure, reach
from repose.represent.framing import MOST_PIXELS, enlarged, place, place_maps, place_source, target_box, times_of
from repose.scene.blending import Region, cover, lift, lifting, ramp, strips
from repose.scene.figure import known_mask, new_figure, old_figure, seam, wider
from repose.scene.fill import Patch, converted, fill_box, patched, spread
from repose.scene.frames import Pixels, keep_still, lay_over, to_pixels
from repose.scene.shadow import add_shadow
from repose.scene.standing import moved, similarity, stand

BackgroundName = Literal["keep", "generated", "white", "transparent"]
BACKGROUNDS: Final[tuple[BackgroundName, ...]] = ("keep", "generated", "white", "transparent")

Background = BackgroundName | Tensor
"""What is behind the new figure: by name, or a picture (3, H, W) in [-1, 1] of the photograph's size."""

_UNSEEN: Final = 1 / 512
"""Less opacity than that is none in 8 bits."""

_STAYS: Final = 1 - 1e-3
"""A pixel that is still by more than that is the photograph's own."""

_INNER: Final = 0.95
"""A pixel that the person covers by so much has their colour alone."""

_LARGE: Final = 6_000_000
"""Values of a background or a matte from which it is kept in half precision: less than a tenth of a level is lost."""

JOINTS_ALONE: Final = Needs(source=("image", "keypoints"), target=("keypoints",))


@dataclass(frozen=True)
class Pose:
    """A pose in a scene.

    Attributes:
        target: what the model sees of it, unbatched, on the canvas.
        keypoints: (18, 3), the new figure's joints in the photograph; they may lie outside.
        placement: how the model's picture of this pose lies in the photograph.
        times: k, how many times larger than the canvas that picture is to be, so that the photograph's own pixels are
            not lost.
        coarser: how many times more of the photograph a pixel of this crop shows than one of the source's; 1 or more.
    """

    target: Person
    keypoints: Tensor
    placement: Placement
    times: int
    coarser: float


class Scene:
    """A photograph, understood once and posed many times: its person, their crop, the background without them.

    What takes time (where the old figure is, what was behind it) is computed when it is first needed, and kept.

    Attributes:
        person: as given, on the whole photograph. canvas: of the model.
        source: the person on the canvas, unbatched, with every field that they have. It depends on no pose.
        placement: how the source's crop lies in the photograph.
    """

    def __init__(
        self,
        person: Person,
        canvas: Canvas,
        needs: Needs = JOINTS_ALONE,
        shown: Callable[[Person], Tensor | None] | None = None,
        most_pixels: int = MOST_PIXELS,
    ) -> None:
        """A scene of a person and a model.

        Args:
            person: unbatched, with image and keypoints, on any device; what a scene holds and gives is on the CPU. The
                image of a large photograph may be uint8, its levels: it takes a quarter of the memory.
            canvas: of the model. needs: of the model: which of a target's fields come along.
            shown: `source` -> (1, H, W) on the canvas, the probability that a pixel of it shows the person, by the
                model; or None. Asked once, and only where the person has no mask.
            most_pixels: of a crop at k times the canvas, at most; k is 1 at least.

        Warns:
            UserWarning: less than a trunk (the neck and a hip) of the person is located, so that it is guessed how
                large they are and where the rest of them is.

        Raises:
            ValueError: a person without image or joints, or a batch.
        """
        if person.batched or person.image is None or person.keypoints is None or person.size is None:
            raise ValueError(
                "Scene: one unbatched person with image and keypoints is needed; repose.read_person gives one"
            )
        located = person.keypoints[:, 2] > 0
        if not bool(located.any()):
            raise ValueError("Scene: none of the person's joints is located, so it is not known where they are")
        if not (located[1] and located[[8, 11]].any()):
            warnings.warn(
                f"only {int(located.sum())} joints of the person in the photograph are located, less than a trunk (the "
                "neck and a hip): how large they are is a guess; a photograph that shows more of them serves better",
                stacklevel=2,
            )
        self.person, self.canvas, self.needs = person.to("cpu"), canvas, needs
        self.source, self.placement = place_source(self.person, canvas)
        self._shown, self._most_pixels = shown, most_pixels
        self._prepared: tuple[Generator, tuple[Tensor, ...]] | None = None
        self._enlarged: dict[int, Tensor] = {}  # by times
        self._alone: dict[int, tuple[Tensor, Tensor]] = {}  # by times
        self._mattes: dict[bool, Tensor] = {}  # by whether the model was asked
        self._backgrounds: dict[bool, Patch | None] = {}  # likewise
        self._filled_pixels: dict[bool, Pixels] = {}  # of the backgrounds
        self._own_pixels: Pixels | None = None  # of the photograph
        self._behind: tuple[Tensor, Pixels] | None = None  # the last picture that was a background

    # -- posing -------------------------------------------------------------------------------------------------

    def pose(self, target: Person | Tensor, retarget: bool = True) -> Pose:
        """The pose of a target, placed where the person stands (`repose.scene.standing.stand`), and its crop.

        The crop is the source's, extended as far as it must be to enclose the new figure (`framing.target_box`).

        Maps of the target that the model needs (IUV, parsing) come along. Maps cannot be given another build, so they
        and the joints are then scaled and shifted alike, and `retarget` changes nothing.

        Args:
            target: a person with the pose, unbatched, or keypoints (18, 3), in any pixels. A person's size tells where
                their picture ends.
            retarget: give the pose the person's own build.

        Raises:
            ValueError: a batch, or no keypoints.
        """
        target = target.to("cpu")
        given = target if isinstance(target, Person) else None
        joints = given.keypoints if given is not None else target
        if not isinstance(joints, Tensor) or tuple(joints.shape) != (len(JOINTS), 3):
            raise ValueError("Scene.pose: the target needs keypoints (18, 3)")
        assert self.person.keypoints is not None
        assert self.person.size is not None
        maps = self.maps_of(given) if given is not None else ()
        if maps:
            scale, shift = similarity(joints, self.person.keypoints)
            keypoints = moved(joints, scale, shift)
        else:
            keypoints = stand(joints, self.person.keypoints, retarget, given.size if given is not None else None)
        pose = self.pose_at(keypoints)
        if maps:
            assert given is not None
            seen = place_maps(given, maps, scale, shift, pose.placement, self.canvas)
            pose = replace(pose, target=replace(seen, keypoints=pose.target.keypoints))
        return pose

    def pose_at(self, keypoints: Tensor, box: Box | None = None) -> Pose:
        """The pose of a figure whose joints are given in the photograph's own pixels: nothing is moved or scaled.

        For a sequence of poses, whose place and size are found once for all of them, so that neither changes from
        picture to picture.

        Args:
            keypoints: (18, 3); they may lie outside the photograph.
            box: top, left, height and width of the crop in the photograph, of about the proportions of the source's;
                None: as of `pose`. With one box for all poses the detail of their pictures does not change.

        Raises:
            ValueError: another shape.
        """
        if tuple(keypoints.shape) != (len(JOINTS), 3):
            raise ValueError(f"Scene.pose_at: keypoints (18, 3) are needed, got {tuple(keypoints.shape)}")
        assert self.person.keypoints is not None
        assert self.person.size is not None
        keypoints = keypoints.detach().to("cpu", torch.float32)
        if box is None:
            box = target_box(self.placement.box, self.person.keypoints, keypoints, self.person.size)
        seen, placement = place(Person(keypoints=keypoints, size=self.person.size), box, self.canvas)
        times, coarser = times_of(box, self.canvas, self._most_pixels), box[2] / self.placement.box[2]
        return Pose(seen, keypoints, placement, times, max(1.0, coarser))

    def maps_of(self, target: Person) -> tuple[str, ...]:
        """The target's fields beside keypoints that the model needs and the target has."""
        return tuple(name for name in self.needs.target if name != "keypoints" and getattr(target, name) is not None)

    def enlarged(self, times: int) -> Tensor:
        """(3, k H, k W): what `source` shows at k = `times` times its pixels, for `Generator.enlarge`."""
        if times not in self._enlarged:
            bare = self.person.only("image", "keypoints")
            placed, _ = place(bare, self.placement.box, enlarged(self.canvas, times))
            assert placed.image is not None
            self._enlarged[times] = placed.image
        return self._enlarged[times]

    def person_alone(self, times: int) -> tuple[Tensor, Tensor] | None:
        """What `enlarged` shows, without what is behind the person; None if there is no mask of them.

        Returns:
            (3, k H, k W): at the person's border and beyond, where pixels are mixed with what is behind, the colours of
            the person go on. (1, k H, k W) in [0, 1]: where the person is.
        """
        if self._mask is None:
            return None
        if times not in self._alone:
            bare = Person(mask=self.person.mask, keypoints=self.person.keypoints, size=self.person.size)
            placed, _ = place(bare, self.placement.box, enlarged(self.canvas, times))
            assert placed.mask is not None
            matte = placed.mask.float()
            inner = (matte > _INNER).float()
            colours = self.enlarged(times)
            del self._enlarged[times]  # large, and not needed beside this
            self._alone[times] = torch.where(inner > 0, colours, spread(colours, inner)), matte
        return self._alone[times]

    def prepared(self, generator: Generator, source: Person) -> tuple[Tensor, ...]:
        """What a generator computes of the source alone, `Generator.prepare`; kept until another generator asks.

        Args:
            source: `self.source`, batched, with the fields that the generator needs, on its device.
        """
        if self._prepared is None or self._prepared[0] is not generator:
            self._prepared = generator, generator.prepare(source)
        return self._prepared[1]

    @cached_property
    def covered(self) -> Tensor:
        """(1, H, W): 1 where the canvas shows the photograph, 0 beyond its border."""
        assert self.person.image is not None
        whole = torch.ones(1, *self.person.image.shape[1:])
        placed, _ = place(Person(mask=whole), self.placement.box, self.canvas)
        assert placed.mask is not None
        return placed.mask

    # -- the photograph without the person ----------------------------------------------------------------------

    @property
    def matte(self) -> Tensor:
        """Where the old figure hides the background, generously, (1, height, width) in [0, 1]."""
        return self._matte(asking=True).float()

    @property
    def background(self) -> Tensor:
        """The photograph without the person, (3, height, width) in [-1, 1]; see `repose.scene.fill`."""
        assert self.person.image is not None
        return patched(self.person.image, self._background(asking=True), self._dtype)

    def fill_first(self, still: Tensor | None = None) -> None:
        """Compute the photograph without the person now, so that its memory is free before a figure takes some.

        Nothing happens where a model has yet to say where the old figure is, or where nothing moves.

        Args:
            still: of `compose`.
        """
        if self._mask is not None and not (still is not None and bool((still > _STAYS).all())):
            self._background(asking=False)

    # -- the whole photograph -----------------------------------------------------------------------------------

    def compose(
        self,
        picture: Tensor,
        pose: Pose,
        shown: Tensor | None = None,
        background: Background = "keep",
        still: Tensor | None = None,
        alpha: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """The whole photograph with the new figure in place of the old one.

        Args:
            picture: (3, k H, k W) in [-1, 1], the model's picture of the pose, at any k.
            pose: of this scene.
            shown: (1, h, w), probability that a pixel of the picture shows the person, of any size (the model's
                `extra["person"]`); None: the new figure is judged by its joints, and so is the old one.
            background: "keep" leaves the photograph as it is, and where only the old figure was it is filled from its
                surroundings; "generated" takes the model's background within the crop, blended at its border; "white";
                "transparent"; or a picture of the photograph's size.
            still: (1, h, w), 1 where nothing moves between the source's crop and the pose's, so that the photograph
                stays as it is (the model's `extra["still"]`). Used with "keep", and where both crops are one.
            alpha: (1, k H, k W), if `picture` is the figure alone (`Generator.cutout`): how far it hides
                what is behind.
            dtype: of the result. In half precision (float16) it takes half of the memory, and is less than a tenth of a
                grey level away.

        Returns:
            (3, height, width) of the photograph, in [-1, 1]. With "transparent" (4, height, width), the fourth channel
            is the opacity, -1 to 1; where it is -1 the picture is white.

        Raises:
            ValueError: another background, or a picture of another size.
        """
        behind = find_background(background) if isinstance(background, str) else background
        photograph = self.person.image
        assert photograph is not None
        region = _changed(pose, everything=behind == "generated")
        # whoever else the crop shows stays
        near = figure_mask(pose.keypoints, *pose.placement.size, 2.5, region) > 0 if region is not None else None
        layers = opacity = None
        if isinstance(behind, Tensor):
            if behind.shape != photograph.shape:
                raise ValueError(
                    f"Scene.compose: the background is {tuple(behind.shape)}, the photograph {tuple(photograph.shape)}"
                )
            whole = behind.to("cpu", dtype, copy=True)
        elif behind == "white":
            whole = torch.ones(photograph.shape, dtype=dtype)
        elif behind == "transparent":  # with the opacity as its fourth channel
            layers = torch.ones(4, *photograph.shape[1:], dtype=dtype)
            whole, opacity = layers[:3], layers[3:].zero_()
        elif behind == "generated":
            whole = converted(photograph, dtype)
        else:
            whole = patched(photograph, self._background(asking=shown is not None), dtype)
        if region is not None and near is not None:
            height, share = self.canvas.height, self._share(picture, pose, shown, alpha)
            if alpha is None and (isinstance(behind, Tensor) or behind in ("white", "transparent")):
                picture = _alone(picture, share)
            share_of, picture_of = (lifting(one, height, pose.placement) for one in (share, picture))
            for strip in strips(region):
                first_row, rows = region[0].start, strip[0]
                part = share_of(strip) * near[:, rows.start - first_row : rows.stop - first_row]
                if behind == "generated":
                    part = torch.maximum(part, ramp(pose.placement, strip))
                columns = torch.nonzero(part[0].amax(0))[:, 0]
                if len(columns):
                    first, last = int(columns[0]), int(columns[-1]) + 1
                    strip = strip[0], slice(strip[1].start + first, strip[1].start + last)
                    part, old, new = part[:, :, first:last], whole[:, *strip], picture_of(strip)
                    if opacity is None:
                        old += new.sub_(old).mul_(part)
                    else:
                        part = torch.where(part < _UNSEEN, 0.0, part)
                        opacity[:, *strip] = part
                        old += new.sub_(old).mul_(part > 0)
        if layers is not None:
            layers[3:].mul_(2).sub_(1)
            return layers
        if still is not None and behind == "keep" and pose.placement.box == self.placement.box:
            whole = self._kept(whole, still.float(), pose)
        return whole

    def frame(
        self,
        picture: Tensor,
        pose: Pose,
        shown: Tensor | None = None,
        background: Background = "keep",
        still: Tensor | None = None,
        alpha: Tensor | None = None,
    ) -> Pixels:
        """The whole photograph with the new figure as pixels, up to one grey level what `compose` gives; in less time.

        What is behind the figure is kept as pixels from picture to picture, and only the box of the figure is computed.

        Args and errors: see `compose`.

        Returns:
            uint8 (height, width, 3), a new array; (height, width, 4) with "transparent".
        """
        behind = find_background(background) if isinstance(background, str) else background
        own = alpha is not None and (isinstance(behind, Tensor) or behind == "white")
        if not (own or behind == "keep"):
            half = self.person.image is not None and self.person.image.numel() > _LARGE  # for memory
            dtype = torch.float16 if half else torch.float32
            return to_pixels(self.compose(picture, pose, shown, behind, still, alpha, dtype))
        keeping = isinstance(behind, str) and behind == "keep"
        if keeping and still is not None and pose.placement.box == self.placement.box:
            if bool((still > _STAYS).all()):
                return self._pixels().copy()
        else:
            still = None
        pixels = self._pixels_behind(behind, asking=shown is not None)
        region, height = _changed(pose, everything=False), self.canvas.height
        if region is not None:
            near = near_figure(pose.keypoints, *pose.placement.size, 2.5, within=region)
            share = self._share(picture, pose, shown, alpha)
            lay_over(pixels, picture, share, near, height, pose.placement, region)
        region = _changed(pose, everything=True)
        if still is not None and region is not None:
            keep_still(pixels, self._pixels(), still, height, pose.placement, region)
        return pixels

    # -- inside -------------------------------------------------------------------------------------------------

    def _pixels(self) -> Pixels:
        """The photograph, uint8 (height, width, 3)."""
        assert self.person.image is not None
        if self._own_pixels is None:
            self._own_pixels = to_uint8(self.person.image)
        return self._own_pixels

    def _pixels_behind(self, behind: Background, asking: bool) -> Pixels:
        """A copy of what is behind the figure, uint8 (height, width, 3): the photograph without them, or another."""
        photograph = self.person.image
        assert photograph is not None
        if isinstance(behind, Tensor):
            if behind.shape != photograph.shape:
                raise ValueError(
                    f"Scene.frame: the background is {tuple(behind.shape)}, the photograph {tuple(photograph.shape)}"
                )
            if self._behind is None or self._behind[0] is not behind:
                self._behind = behind, to_uint8(behind.cpu())
            return self._behind[1].copy()
        if behind == "white":
            return np.full((*photograph.shape[1:], 3), 255, np.uint8)
        patch, pixels = self._background(asking), self._pixels().copy()
        if patch is not None:
            (y, x), content = patch
            if asking not in self._filled_pixels:
                self._filled_pixels[asking] = to_uint8(content)
            pixels[y, x] = self._filled_pixels[asking]
        return pixels

    def _share(self, picture: Tensor, pose: Pose, shown: Tensor | None, alpha: Tensor | None) -> Tensor:
        """How far the new figure hides what is behind, (1, h, w) of its crop."""
        if alpha is not None:
            return alpha.float()
        if shown is not None:
            return cover(shown.float())
        assert pose.target.keypoints is not None
        return new_figure(picture, pose.target.keypoints, *self.canvas.size)

    @property
    def _dtype(self) -> torch.dtype:
        assert self.person.image is not None
        return torch.float32 if self.person.image.dtype == torch.uint8 else self.person.image.dtype

    @cached_property
    def _mask(self) -> Tensor | None:
        mask = known_mask(self.person)
        return mask.half() if mask is not None and mask.numel() > _LARGE else mask

    def _kept(self, whole: Tensor, still: Tensor, pose: Pose) -> Tensor:
        """The photograph itself where the picture of a pose stands still; all of it if nothing moves."""
        photograph = self.person.image
        assert photograph is not None
        if bool((still > _STAYS).all()):
            return converted(photograph, whole.dtype)
        region = _changed(pose, everything=True)
        if region is not None:
            share_of = lifting(still, self.canvas.height, pose.placement)
            for strip in strips(region):
                whole[:, *strip] += (as_float(photograph[:, *strip]) - whole[:, *strip]) * share_of(strip)
        return whole

    def _matte(self, asking: bool) -> Tensor:
        """`matte`; the model is asked for the old figure if `asking`, and if there is no mask."""
        asking = asking and self._mask is None and self._shown is not None
        if asking not in self._mattes:
            shown = self._shown(self.source) if asking and self._shown is not None else None
            matte = self._find_matte(shown)
            self._mattes[asking] = matte.half() if matte.numel() > _LARGE else matte
        return self._mattes[asking]

    def _find_matte(self, shown: Tensor | None) -> Tensor:
        image, keypoints = self.person.image, self.person.keypoints
        assert image is not None
        assert keypoints is not None
        y, x = region = self._surroundings()
        near = keypoints - torch.tensor([x.start, y.start, 0.0]) * (keypoints[:, 2:] > 0)
        mask = None if self._mask is None else self._mask[:, y, x].float()
        hidden = old_figure(image[:, y, x] if mask is not None else as_float(image[:, y, x]), near, mask)
        del mask
        if shown is not None:
            seen = lift(shown.float(), self.canvas.height, self.placement, region)
            hidden = torch.maximum(hidden, wider((seen > 0.3).float(), 1 + round(0.01 * self.placement.box[2])))
        add_shadow(image[:, y, x], hidden, near)
        if hidden.shape[-2:] == image.shape[-2:]:
            return hidden
        matte = torch.zeros(1, *image.shape[1:], dtype=torch.float16 if image[0].numel() > _LARGE else hidden.dtype)
        matte[:, y, x] = hidden
        return matte

    def _background(self, asking: bool) -> Patch | None:
        """What differs in `background`, by the matte of the same name."""
        asking = asking and self._mask is None and self._shown is not None
        if asking not in self._backgrounds:
            assert self.person.image is not None
            self._backgrounds[asking] = fill_box(self.person.image, self._matte(asking), half_from=_LARGE)
        return self._backgrounds[asking]

    def _surroundings(self) -> Region:
        """Where the old figure may be, and what it is told from: the crop, the reach of the figure, and the mask."""
        assert self.person.keypoints is not None
        height, width = self.placement.size
        top, left, box_height, box_width = self.placement.box
        boxes = [(top - 2, left - 2, top + box_height + 2, left + box_width + 2)]
        boxes.append(reach(self.person.keypoints, height, width, 2.5))
        if self._mask is not None and bool((self._mask > 0).any()):
            room = 3 + seam(self.person.keypoints)
            rows, columns = (torch.nonzero((self._mask[0] > 0).any(dim))[:, 0] for dim in (1, 0))
            boxes.append((int(rows[0]) - room, int(columns[0]) - room, int(rows[-1]) + room, int(columns[-1]) + room))
        first = [max(0, min(box[k] for box in boxes)) for k in (0, 1)]
        last = [max(box[k] for box in boxes) for k in (2, 3)]
        return slice(first[0], min(height, last[0])), slice(first[1], min(width, last[1]))


def _alone(picture: Tensor, share: Tensor) -> Tensor:
    """A picture (3, k h, k w) whose figure's colours go on where it is mixed with what the model has behind it.

    Args:
        share: (1, h, w), how far the figure hides what is behind.
    """
    size = picture.shape[-2:]
    inner = (F.interpolate(share[None], size, mode="bilinear", align_corners=False)[0] > _INNER).float()
    return torch.where(inner > 0, picture, spread(picture, inner)) if bool(inner.any()) else picture


def find_background(name: str) -> BackgroundName:
    """The background of this name. ValueError names the nearest one."""
    for known in BACKGROUNDS:
        if name == known:
            return known
    raise ValueError(f"no background is called '{name}'; {nearest(name, BACKGROUNDS)}")


def _changed(pose: Pose, everything: bool) -> Region | None:
    """Where the photograph changes: the part of the pose's crop that the figure reaches, or all of the crop."""
    height, width = pose.placement.size
    top, left, box_height, box_width = pose.placement.box
    box = (top, left, top + box_height, left + box_width)
    limits = (0, 0, height, width) if everything else reach(pose.keypoints, height, width, 2.5)
    first_row, first = max(box[0], limits[0]), max(box[1], limits[1])
    last_row, last = min(box[2], limits[2]), min(box[3], limits[3])
    return (slice(first_row, last_row), slice(first, last)) if first_row < last_row and first < last else None


__all__ = ["BACKGROUNDS", "Background", "Pose", "Scene", "find_background"]
