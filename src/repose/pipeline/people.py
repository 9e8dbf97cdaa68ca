"""Photographs and poses -> people: `read_person`, `read_pose`, `read_further`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from repose.estimate import (
    KeypointEstimator,
    NobodyFound,
    choose,
    estimator,
)
from repose.images import ImageLike, load_image, stem_of
from repose.person import Person
from repose.represent.canvas import from_uint8
from repose.represent.choosing import NoSuchPersonError, Which
from repose.represent.keypoints import places_of
from repose.represent.known_joints import KeypointFile, joints_on
from repose.represent.pose_files import MIN_SCORE, FormatError, read_pose_file
from repose.represent.pose_files.arrays import ArrayLike, is_joints, read_array
from repose.represent.pose_files.drawing import NotADrawingError, is_drawing, read_drawing
from repose.represent.pose_files.reading import is_pose_file, pose_files_in, split_name

Joints = ArrayLike | Person | str | Path | None
"""Joints of a photograph where they are known: see `read_person`."""


def read_person(
    picture: ImageLike,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    keypoints: Joints = None,
    min_score: float = MIN_SCORE,
) -> Person:
    """Read a photograph and find the joints of the person on it; unbatched, on the whole photograph.

    Args:
        picture: path, PIL image, uint8 array (H, W, 3) or tensor (3, H, W).
        pose: an estimator, or its name.
        which: of several people: "largest", "best", "left", "right", "middle" or a number, 0 the largest.
        keypoints: the joints, where they are known; no estimator is asked then. An array of joints
            (`repose.represent.pose_files.arrays`), a Person, or a keypoint file: FILE#NAME, or FILE if it has one pose
            or one of the photograph's name. Coordinates that are shares of the picture are scaled to the photograph.
        min_score: a joint of a keypoint file or an array with a lower score is missing.

    Raises:
        ImageError: the picture cannot be read.
        NobodyFound: nobody is on it.
        ValueError: the keypoints are not of this photograph, or the file does not tell which are.
    """
    pixels = load_image(picture)
    if keypoints is not None:
        if isinstance(keypoints, str | Path):
            name = Path(picture).name if isinstance(picture, str | Path) else ""
            keypoints = KeypointFile.read(keypoints, which, min_score).pose_of(name)
        elif not isinstance(keypoints, Person):
            keypoints, _ = read_array(keypoints, which, None, min_score, "source_keypoints", shares=True)
        return Person(image=from_uint8(pixels), keypoints=joints_on(keypoints, pixels.shape[:2]))
    try:
        person = choose(_estimator(pose).people(pixels), which, pixels.shape[1])
    except NobodyFound as error:
        raise NobodyFound(f"{picture}: {error}" if isinstance(picture, str | Path) else str(error)) from error
    return Person(image=from_uint8(pixels), keypoints=person.keypoints)


def read_further(
    pictures: Sequence[ImageLike],
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    keypoints: Sequence[Joints] = (),
    min_score: float = MIN_SCORE,
) -> list[Person]:
    """Further photographs of a person -> the person on each, see `read_person`; one without anybody is left out.

    Args:
        keypoints: the joints where they are known, in the order of the photographs; None, or a shorter list, where an
            estimator is to find them.

    Warns:
        UserWarning: nobody is found on a photograph.

    Raises:
        ImageError, ValueError: see `read_person`.
    """
    people = []
    for number, picture in enumerate(pictures):
        try:
            known = keypoints[number] if number < len(keypoints) else None
            people.append(read_person(picture, pose, which, known, min_score))
        except NobodyFound as error:
            named = "" if isinstance(picture, str | Path) else f"further photograph {number + 1}: "
            warnings.warn(f"{named}{error}; the picture is computed without this photograph", stacklevel=2)
    return people


def read_pose(
    target: ImageLike | ArrayLike | Person,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    min_score: float = MIN_SCORE,
    size: tuple[int, int] | None = None,
) -> dict[str, Person]:
    """Read a target as people by name: a photograph gives one, a pose file as many as it holds pictures.

    Args:
        target: what `read_person` takes, a drawing of a skeleton in OpenPose's colours, a Person, an array of joints
            (`repose.represent.pose_files.arrays`), or a pose file of any tool (docs/pose-files.md) or a folder of them;
            FILE#NAME is one picture of a file.
        pose: the pose estimator of photographs, or its name.
        which: of several people in one picture: "largest", "best", "left", "right", "middle" or a number, 0 the
            largest.
        min_score: a joint of a file or an array with a lower score is missing.
        size: (height, width) of the picture that the joints are of, where it is not told.

    Returns:
        name -> Person, unbatched; from joints alone without an image, and with a size only where it is told.

    Warns:
        UserWarning: pictures without a pose are left out, or joints were dropped for their score, or the target is a
            drawing.

    Raises:
        ImageError, NobodyFound, FormatError, ValueError: what is wrong, where, and what to do.
    """
    if isinstance(target, Person):
        return {"target": target}
    if is_joints(target):
        person, dropped = read_array(target, which, size, min_score, "the target pose")  # type: ignore[arg-type]
        if dropped:
            warnings.warn(
                f"the target pose: {dropped} joints have a score below {min_score:g} and count as missing; min_score "
                "changes this",
                stacklevel=2,
            )
        return {"target": _posed(person, "the target pose")}
    if isinstance(target, str | Path):
        file, name = split_name(target)
        if is_pose_file(file) or (file.is_dir() and pose_files_in(file)):
            return _read_poses(file, name, which, min_score, size)
    pixels = load_image(target)  # type: ignore[arg-type]
    name = stem_of(target) if isinstance(target, str | Path) else "target"
    if is_drawing(pixels):
        try:
            drawn = read_drawing(pixels, which)
        except NotADrawingError:
            pass  # a picture that looks like one
        except NoSuchPersonError as error:
            raise NobodyFound(f"{target if isinstance(target, str | Path) else 'the target'}: {error}") from None
        else:
            warnings.warn("a drawing of a skeleton: its pose is read from the colours of OpenPose", stacklevel=2)
            return {name: Person(image=from_uint8(pixels), keypoints=drawn.keypoints)}
    try:
        return {name: read_person(pixels, pose, which)}
    except NobodyFound as error:
        raise NobodyFound(f"{target}: {error}" if isinstance(target, str | Path) else str(error)) from error


def _read_poses(
    file: Path, name: str, which: Which, min_score: float, size: tuple[int, int] | None
) -> dict[str, Person]:
    """The poses of a pose file; pictures without one, or with fewer people than a number asks for, are left out."""
    absent: list[FormatError] = []
    broken: list[FormatError] = []

    def keep_going(error: FormatError) -> None:
        if "was asked for" in error.problem:
            absent.append(error)
        elif file.is_dir():  # one bad file among many
            broken.append(error)
        else:
            raise error

    read = read_pose_file(file, keep_going, which, size, min_score, name)
    people = read.posed()
    if not people and (absent or broken):
        raise (absent or broken)[0]
    if not people:
        low = f"; {read.dropped} joints have a score below {min_score:g} (--min-score)" if read.dropped else ""
        if len(read.poses) == 1:
            raise ValueError(
                f"{file}, {next(iter(read.poses))} has fewer than two located joints in different places; nothing can "
                f"be posed by it{low}"
            )
        raise ValueError(f"{file} holds no poses: of {len(read.poses)} pictures none has two located joints{low}")
    for note in (*read.notes(), *(f"skipped: {error}" for error in broken)):
        warnings.warn(note, stacklevel=3)
    if absent:
        some = ", ".join(str(error.name) for error in absent[:3]) + (", ..." if len(absent) > 3 else "")
        pictures = "picture" if len(absent) == 1 else "pictures"
        warnings.warn(f"skipped: {len(absent)} {pictures} without person {which} ({some})", stacklevel=3)
    return people


def _estimator(pose: KeypointEstimator | str) -> KeypointEstimator:
    return estimator(pose) if isinstance(pose, str) else pose


def _posed(person: Person, what: str) -> Person:
    """The same person; ValueError, naming `what`, where it has too few joints to pose anybody by."""
    assert person.keypoints is not None
    if places_of(person.keypoints) < 2:
        raise ValueError(f"{what} has fewer than two located joints in different places; nothing can be posed by it")
    return person
