"""The verbs on photographs: transfer, estimate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from repose.cli import common
from repose.cli.common import (
    Device,
    Estimator,
    MinScore,
    ModelName,
    Out,
    PersonChoice,
    TargetPerson,
    TargetSize,
    print_line,
    stderr,
)


def transfer(
    pictures: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE TARGET",
            help="SOURCE: a photograph, or a folder of them. TARGET: a photograph, a drawing of a skeleton, a folder, "
            "or a pose file of any tool (FILE#NAME takes one pose of it). With --to: one or more photographs of one "
            "person.",
            show_default=False,
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The target, after several photographs of one person: front, back, side."),
    ] = None,
    out: Out = Path("out/transfer.png"),
    model: ModelName = "default",
    weights: Annotated[Path | None, typer.Option(help="A weight file or folder to use instead of --model.")] = None,
    pose: Estimator = "movenet",
    source_keypoints: Annotated[
        list[str] | None,
        typer.Option(
            help="A keypoint file with the joints of SOURCE; no estimator is needed then. FILE#NAME takes one pose of "
            "several, FILE the one of the photograph's name. Of several photographs: one for each, in their order."
        ),
    ] = None,
    person: Annotated[
        str,
        typer.Option(
            "--person", help="Of several people on SOURCE: largest, best, left, right, middle, or a number from 0."
        ),
    ] = "largest",
    target_person: TargetPerson = "largest",
    target_size: TargetSize = None,
    min_score: MinScore = 0.3,
    crop: Annotated[
        bool, typer.Option("--crop", help="Only the model's canvas, as it comes from the network, not the photograph.")
    ] = False,
    background: Annotated[
        str, typer.Option(help="Of the photograph: keep it, take the generated one, or white.")
    ] = "keep",
    retarget: Annotated[
        bool, typer.Option(help="Give the pose the build of the source's person, or take its limbs as they are.")
    ] = True,
    scale: Annotated[int, typer.Option(help="Enlarge the pictures of the contact sheet so many times.")] = 2,
    device: Device = "auto",
) -> None:
    """Put the person of SOURCE into the pose of TARGET.

    The result is the whole photograph: the new figure stands where the old one stood. One source and one target give
    one picture, and a sheet with both beside it (OUT.sheet.png). Folders give every source in every pose: a contact
    sheet at OUT and the single pictures in a folder named like it.

    Several photographs of one person and --to: each part of the figure comes from the photograph that shows it best.
    The first photograph is the one that comes back; the others may have any size and light. Models of the recipe
    bodywarp-s take several, the default too.

    [bold]repose transfer me.jpg dancer.jpg -o me_dancing.png[/bold]
    [bold]repose transfer me.jpg dancer.jpg --background white -o on_white.png[/bold]
    [bold]repose transfer people/ poses.csv -o sheet.png[/bold]
    [bold]repose transfer me.jpg openpose.json --target-person 1 -o second.png[/bold]
    [bold]repose transfer me.jpg person_keypoints_val2017.json#000000000785.jpg -o skier.png[/bold]
    [bold]repose transfer me.jpg pose.json --source-keypoints me.json[/bold]
    [bold]repose transfer front.jpg back.jpg --to dancer.jpg -o me_dancing.png[/bold]
    """
    import numpy as np

    from repose.draw.sheet import reduced, sheet
    from repose.estimate import NobodyFound
    from repose.images import load_image, save_image
    from repose.person import Person
    from repose.pipeline import load, read_person, read_pose
    from repose.represent.canvas import from_uint8, to_uint8
    from repose.represent.keypoints import draw_skeleton
    from repose.represent.known_joints import KeypointFile
    from repose.scene import find_background

    source, more, target = _roles(pictures, to)
    behind = find_background(background)
    if crop and behind != "keep":
        raise ValueError("--background is of the whole photograph: leave --crop away, or leave --background away")
    which, target_which = common.parse_person(person), common.parse_person(target_person, "--target-person")
    loaded = load(weights if weights is not None else model, device)
    if more:
        loaded.require_gathering()
    height, width = loaded.canvas.size
    read = dict.fromkeys(("keypoints", *loaded.generator.needs.target))

    def seen(person: Person) -> Any:
        """What the sheet shows of a photograph: as much as the result shows."""
        placed = loaded.place(person) if crop else person
        if placed.image is None:
            return np.full((height, width, 3), 255, np.uint8)
        return reduced(to_uint8(placed.image), height * scale)

    size = None if target_size is None else common.parse_size(target_size)
    files = [KeypointFile.read(file, which, min_score) for file in _joint_files(source_keypoints or [], 1 + len(more))]
    known = files[0] if files else None
    shared = bool(more) and len(source_keypoints or []) == 1  # one file: each photograph needs a pose of its own name

    # of many photographs only joints and the target's maps are kept, the pixels are read again when it is their turn
    sources: dict[str, tuple[Path, Any]] = {}
    for path in _pictures(source):
        with _skipping(path, alone=source.is_file()):
            _require_new(path.stem, sources)
            own = None if known is None else known.pose_of(path.name, alone=source.is_file() and not shared)
            sources[path.stem] = path, read_person(path, pose, which, own).keypoints
    further: list[tuple[Path, Any]] = []
    for number, path in enumerate(more, 1):
        own = files[number].pose_of(path.name, alone=not shared) if files else None
        try:
            further.append((path, read_person(path, pose, which, own).keypoints))
        except NobodyFound as error:
            stderr.print(f"note: {error}; the picture is computed without it", markup=False, soft_wrap=True)
    targets: dict[str, Person] = {}
    shown: dict[str, Any] = {}
    target_files = _targets(target)
    for path in target_files:
        with _skipping(path, alone=path == target):
            _require_new(path.stem, targets)
            with common.noting(path):
                poses = read_pose(path, pose, target_which, min_score, size)
            for name, posed in poses.items():
                targets[name], shown[name] = posed.only(*read), seen(posed)
            del poses  # the photographs in it
    if not sources or not targets:
        raise ValueError("nothing is left to transfer: every source or every target was skipped")

    skeletons = {}
    for name, posed in targets.items():
        keypoints = loaded.place(posed).keypoints
        assert keypoints is not None
        skeletons[name] = reduced(draw_skeleton(keypoints, height, width), height * scale)
    alone = len(sources) == len(targets) == 1
    rows: list[list[Any]] = [[None, *skeletons.values()]]
    with common.progress_bar() as bar:
        task = bar.add_task("transfer", total=len(sources) * len(targets))
        for source_name, (path, joints) in sources.items():
            given = Person(image=from_uint8(load_image(path)), keypoints=joints)
            others = [Person(image=from_uint8(load_image(place)), keypoints=points) for place, points in further]
            row: list[Any] = [seen(given)]
            with common.noting(path):
                scene = None if crop else loaded.scene(given)
            views = []
            for (place, _), other in zip(further, others, strict=True):
                with common.noting(place):
                    views += [] if crop else [loaded.scene(other)]
            for target_name, posed in targets.items():
                with common.noting(path):
                    if scene is None:
                        generated = loaded.crop(given, posed, retarget, others)
                    else:
                        generated = loaded.pose(scene, posed, behind, retarget, views)
                picture = to_uint8(generated)
                row.append(reduced(picture, height * scale))
                name = f"{source_name}_2_{target_name}".replace("/", "_")  # names of a keypoint file may be paths
                save_image(out if alone else out.with_suffix("") / f"{name}.png", picture)
                bar.advance(task)
            rows += [row, *([seen(other)] for other in others)]
            del given, scene, others, views  # one photograph at a time
    if alone:
        (beside,) = shown.values()
        names = ["source", *(f"source {number}" for number in range(2, len(rows)))]
        line = [*(row[0] for row in rows[1:]), rows[0][1], rows[1][1], beside]
        page = sheet([line], [*names, "pose", "generated", "target"])
        save_image(out.with_suffix(".sheet.png"), np.asarray(page))
        print_line(f"{out}  (with source and target beside it: {out.with_suffix('.sheet.png')})")
    else:
        save_image(out, np.asarray(sheet(rows, ["source", *targets])))
        print_line(f"{out}  ({len(sources)} x {len(targets)}; single pictures in {out.with_suffix('')}/)")


def estimate(
    pictures: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    out: Out = Path("out/keypoints.json"),
    pose: Estimator = "movenet",
    person: PersonChoice = "largest",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on each picture, as NAME#0, NAME#1, ...")] = False,
) -> None:
    """Find the 18 joints of the people on photographs.

    Writes a keypoint file (the ending chooses: .json ours, .csv as PATN's annotations) and OUT.sheet.png with the
    skeletons drawn on the pictures.

    [bold]repose estimate photos/ -o poses.csv[/bold]
    """
    import numpy as np
    from PIL import Image
    from torch import Tensor

    from repose.draw.sheet import sheet
    from repose.estimate import choose, estimator
    from repose.images import load_image, save_image
    from repose.represent.keypoints import draw_skeleton
    from repose.represent.pose_files import write_keypoints

    network, which = estimator(pose), common.parse_person(person)
    paths = [path for given in pictures for path in _pictures(given)]
    joints: dict[str, Tensor] = {}
    sizes: set[tuple[int, int]] = set()
    drawn: list[Any] = []
    with common.progress_bar() as bar:
        for path in bar.track(paths, description="estimate"):
            with _skipping(path, alone=len(paths) == 1):
                _require_new(path.name, (name.partition("#")[0] for name in joints))
                pixels = load_image(path)
                found = network.people(pixels)
                chosen = list(found) if everybody and found else [choose(found, which, pixels.shape[1])]
                sizes.add((pixels.shape[0], pixels.shape[1]))
                over = pixels.astype(np.float32)
                for index, one in enumerate(chosen):
                    joints[f"{path.name}#{index}" if everybody else path.name] = one.keypoints
                    skeleton = draw_skeleton(one.keypoints, *pixels.shape[:2]).astype(np.float32)
                    on = skeleton.max(axis=-1, keepdims=True) > 0
                    over = np.where(on, 0.25 * over + 0.75 * skeleton, over)
                if len(drawn) < 24:
                    small = Image.fromarray(over.astype(np.uint8))
                    small.thumbnail((320, 320))
                    drawn.append(np.asarray(small))
    if not joints:
        raise ValueError("no joints were found on any picture")
    write_keypoints(out, joints, size=sizes.pop() if len(sizes) == 1 else None)
    page = out.with_suffix(".sheet.png")
    save_image(page, np.asarray(sheet([drawn[i : i + 6] for i in range(0, len(drawn), 6)])))
    print_line(f"{out}: {len(joints)} people on {len(paths)} pictures; drawn in {page}")


# -- inside ---------------------------------------------------------------------------------------------------------


class _skipping:  # noqa: N801  (reads as a verb: with _skipping(path): ...)
    """Name and skip what is wrong with one file among many; alone, it stops the command, named as well."""

    def __init__(self, path: Path, alone: bool) -> None:
        self.path, self.alone = path, alone

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ValueError | OSError):
            return False
        named = str(self.path) in str(error)
        if self.alone and not named:
            raise ValueError(f"{self.path}: {error}") from error
        if self.alone:
            return False
        text = str(error) if named else f"{self.path}: {error}"
        stderr.print(f"skipped: {text}", markup=False, soft_wrap=True)
        return True


def _roles(pictures: list[Path], to: Path | None) -> tuple[Path, list[Path], Path]:
    """The source, further photographs of the same person, and the target."""
    if to is None:
        if len(pictures) == 1:
            raise ValueError(f"{pictures[0]} in whose pose? Give SOURCE and TARGET, or SOURCE... --to TARGET")
        if len(pictures) > 2:
            raise ValueError(
                f"{len(pictures)} pictures were given, and it is not said which is the target: write "
                f"{' '.join(map(str, pictures[:-1]))} --to {pictures[-1]} if all but the last show one person; for "
                "several people give a folder"
            )
        return pictures[0], [], pictures[1]
    for place in pictures:
        if place.is_dir():
            raise ValueError(
                f"{place} is a folder: with --to all photographs show one person, so name each of them; leave --to "
                "away for every person of a folder in every pose"
            )
        if not place.exists():
            raise FileNotFoundError(f"{place} does not exist")
    return pictures[0], pictures[1:], to


def _joint_files(files: list[str], count: int) -> list[str]:
    """--source-keypoints for `count` photographs: one for each, or one file that has a pose of each one's name."""
    if len(files) == 1 and count > 1 and "#" not in files[0]:
        return files * count
    if files and len(files) != count:
        raise ValueError(
            f"--source-keypoints was given {len(files)} times for {count} photographs: give one for each, in their "
            "order, or one file with a pose of every photograph's name"
        )
    return files


def _pictures(place: Path) -> list[Path]:
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist")
    if place.is_file():
        return [place]
    from repose.images import PICTURES

    found = sorted(path for path in place.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise ValueError(f"{place} holds no pictures ({', '.join(PICTURES)})")
    return found


def _targets(target: Path) -> list[Path]:
    """The files of TARGET: itself, FILE#NAME and a folder of pose files too, or the pictures of a folder."""
    from repose.images import PICTURES
    from repose.represent.pose_files.reading import pose_files_in, split_name

    if target.is_file() or (not target.exists() and split_name(target)[0].exists()):
        return [target]
    if target.is_dir() and pose_files_in(target):
        pictures = any(path.suffix.lower() in PICTURES for path in target.iterdir())
        return _pictures(target) if pictures else [target]
    return _pictures(target)


def _require_new(name: str, known: Iterable[str]) -> None:
    if name in known:
        raise ValueError(f"another one is called '{name}', too; rename one of the two")
