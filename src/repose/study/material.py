"""Make the file of a study from folders of pictures: check all of them, draw some by a seed, and store these as PNG.

The file is an SQLite database that holds the pictures, the protocol and later the answers. Every picture, real or
generated, becomes a PNG of the same size, without compression and metadata, so that even the number of bytes does not
show which of them is real.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from repose.data.store import Store
from repose.files import replacing
from repose.images import PICTURES, ImageError, load_image
from repose.metrics.file_names import DIRECTION_FOLDERS, owners, places_of, possible_names, several
from repose.picture_files import open_picture
from repose.represent.canvas import CANVASES, to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.study.protocols import StudyProtocol, study_protocol

Pixels = npt.NDArray[np.uint8]
Item = TypeVar("Item")

VERSION: Final = 2
"""Of the tables, in SQLite's user_version."""

TABLES: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE pictures (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, method TEXT NOT NULL, pair INTEGER NOT NULL, name TEXT NOT NULL,
  practice INTEGER NOT NULL, png BLOB NOT NULL, UNIQUE (kind, method, pair)
);
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, nonce TEXT NOT NULL UNIQUE, method TEXT NOT NULL,
  begun REAL NOT NULL, finished REAL
);
CREATE TABLE trials (
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions, position INTEGER NOT NULL,
  key TEXT NOT NULL UNIQUE, track INTEGER NOT NULL, practice INTEGER NOT NULL, seconds REAL, kind TEXT NOT NULL,
  method TEXT NOT NULL, other TEXT NOT NULL, pictures TEXT NOT NULL, fetches INTEGER NOT NULL DEFAULT 0,
  UNIQUE (session, position)
);
CREATE TABLE showings (
  trial INTEGER NOT NULL REFERENCES trials, nonce TEXT NOT NULL, started REAL, ended REAL, PRIMARY KEY (trial, nonce)
);
CREATE TABLE answers (
  trial INTEGER PRIMARY KEY REFERENCES trials, choice TEXT NOT NULL, exposure REAL NOT NULL, reaction REAL NOT NULL,
  elapsed REAL NOT NULL, flags TEXT NOT NULL
);
"""


class MaterialError(ValueError):
    """Pictures cannot be used; `problems` maps each folder and kind of problem to the names of the files, if any."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        self.problems = problems
        lines = [
            f"{what}: {len(names)}, {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}" if names else what
            for what, names in problems.items()
        ]
        super().__init__(
            "these pictures cannot be used for a study; correct these problems first:\n  " + "\n  ".join(lines)
        )


@dataclass(frozen=True)
class Prepared:
    """The content of a new study: the number of pictures of each kind, their size, and notes on possible problems."""

    path: Path
    protocol: str
    methods: tuple[str, ...]
    size: tuple[int, int]
    counts: dict[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Piece:
    """One picture of the study; those of one pair share the number `pair`, a real picture has its own."""

    kind: str
    method: str
    pair: int
    name: str
    practice: bool
    image: Pixels


def prepare_study(
    path: Path | str,
    protocol: StudyProtocol | str,
    methods: Mapping[str, Path | str],
    *,
    real: Path | str | None = None,
    store: Store | None = None,
    split: str = "test",
    seed: int = 0,
    title: str = "Picture study",
) -> Prepared:
    """Check pictures, draw those of the protocol and write the file of a study.

    Either the real pictures are a folder, or a store gives them, the sources and the poses.

    - With a store, a method's folder is as `repose eval` reads it: `{source}_2_{target}.png` after the stems of a
      pair's names, or as another project's test code names it (`repose.metrics.file_names.file_names`, Roy's counted
      names in their two folders among them), a pair in either direction, of the store's size or that of a canvas around
      it (of which the white is cut off). Pairs of different targets are drawn, the same for all methods, spread over
      the people; no real picture is the target of a drawn pair.
    - With a folder, pictures may have any name; those of several methods have the same ones. For the question of the
      pose, a generated picture must be called as its target, or end in `_2_{target}` or `___{target}_vis`. Real
      pictures that are such a target are drawn last. Preference needs a store, for the pose.

    Args:
        path: the file to write; must not exist.
        protocol: a name in `STUDIES`, or another protocol.
        methods: name -> folder. Participants never see the names.
        seed: of the draw, and of every session's order.
        title: of the page.

    Raises:
        MaterialError: pictures that are missing, of no pair, broken, or of another size. All are in `problems`.
        ValueError: too few pictures, or a question that this material cannot answer.
        FileExistsError, FileNotFoundError: the file of the study exists already; a folder does not exist.
    """
    path = Path(path)
    protocol = study_protocol(protocol) if isinstance(protocol, str) else protocol
    folders = {name: Path(folder) for name, folder in methods.items()}
    _check_call(path, protocol, folders, real, store)
    generator = random.Random(f"{seed}/material")
    if store is not None:
        pieces, notes, size = _from_store(protocol, folders, store, split, generator)
    else:
        assert real is not None
        pieces, notes, size = _from_folders(protocol, folders, Path(real), generator)
    facts = {
        "protocol": asdict(protocol),
        "methods": list(folders),
        "seed": seed,
        "title": title,
        "size": size,
        "data": f"{store.dataset} {store.checksum}, {split}" if store is not None else Path(str(real)).name,
    }
    counts = _write(path, facts, pieces)
    return Prepared(path, str(protocol), tuple(folders), size, counts, tuple(notes))


def png(image: Pixels) -> bytes:
    """uint8 (H, W, 3) -> PNG without compression: its length depends on the size of the picture alone."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


# -- inside ---------------------------------------------------------------------------------------------------------


def _check_call(
    path: Path, protocol: StudyProtocol, folders: dict[str, Path], real: Path | str | None, store: Store | None
) -> None:
    if path.exists():
        raise FileExistsError(f"{path} exists already, and a study is never overwritten; choose another name")
    if (real is None) == (store is None):
        raise ValueError("the real pictures: give either a folder (--real) or a store (--data)")
    need = 2 if protocol.question == "preference" else 1
    if len(folders) < need:
        raise ValueError(f"{protocol} compares at least {need} method(s), got {len(folders)}: NAME=FOLDER for each")
    if protocol.question == "preference" and store is None:
        raise ValueError(
            f"{protocol} shows source and pose, which a folder of pictures does not have; give a store (--data)"
        )
    given = {**({"the real pictures": Path(real)} if real is not None else {}),
             **{f"the method '{name}'": folder for name, folder in folders.items()}}  # fmt: skip
    seen: dict[Path, str] = {}
    for what, folder in given.items():
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is not a folder; give a folder of pictures")
        other = seen.setdefault(folder.resolve(), what)
        if other != what:
            raise ValueError(
                f"{folder} is given twice, as {other} and as {what}: the same pictures would be compared with "
                "themselves; give each its own folder"
            )


def _from_store(
    protocol: StudyProtocol, folders: dict[str, Path], store: Store, split: str, generator: random.Random
) -> tuple[Iterator[_Piece], list[str], tuple[int, int]]:
    places = places_of(store, split)
    here: dict[str, dict[str, Path]] = {}
    for method, folder in folders.items():
        halves = [half for half in (folder, *(folder / one for one in DIRECTION_FOLDERS)) if half.is_dir()]
        here[method] = {file.relative_to(folder).as_posix(): file for half in halves for file in _pictures(half)}
    every_name = {name for there in here.values() for name in there}
    names = possible_names(store, places, places, every_name)  # in both directions
    owned = owners(names, f"{store.folder}: two pairs of split '{split}'")
    problems: dict[str, list[str]] = {}
    pictures: dict[str, dict[tuple[int, int], Path]] = {}
    for method, folder in folders.items():
        pictures[method] = {}
        there = here[method]
        if strangers := [name for name in there if name not in owned]:
            problems[f"{folder}: of no pair of split '{split}'"] = strangers
        for pair, all_ in names.items():
            mine = [name for name in dict.fromkeys(all_) if name in there]
            if several(mine):
                problems.setdefault(f"{folder}: a pair has it under another name too", []).extend(mine[1:])
            if mine:
                pictures[method][pair] = there[mine[0]]
    every = sorted({pair for have in pictures.values() for pair in have})
    problems |= _empty({folders[method]: there for method, there in here.items()})
    problems |= _missing(folders, pictures, {pair: names[pair][0] for pair in every})
    for method, folder in folders.items():
        for file in pictures[method].values():
            wrong = _fault(file, _sizes(store))
            if wrong:
                problems.setdefault(f"{folder}: {wrong}", []).append(file.relative_to(folder).as_posix())
    if problems:
        raise MaterialError(problems)

    generator.shuffle(every)
    targets: dict[int, tuple[int, int]] = {}
    for pair in every:
        targets.setdefault(pair[1], pair)
    chosen = _spread(list(targets.values()), lambda pair: store.people[pair[0]])[: protocol.pool]
    _require(protocol, len(chosen), f"pairs of different targets in {', '.join(map(str, folders.values()))}")
    reals: list[int] = []
    if "real" in protocol.asked.judged:
        drawn = {target for _, target in chosen}
        rest = [int(index) for index in store.split(split).tolist() if index not in drawn]
        generator.shuffle(rest)
        reals = _spread(rest, lambda index: store.people[index])[: protocol.pool]
        _require(protocol, len(reals), f"real pictures in {store.folder}, split '{split}', that are no target")

    def photograph(index: int) -> Pixels:
        image = store.person([index], ["image"]).image
        assert image is not None
        pixels: Pixels = to_uint8(image)[0]
        return pixels

    def pieces() -> Iterator[_Piece]:
        for number, index in enumerate(reals):
            yield _Piece("real", "", number, store.names[index], _practice(protocol, number), photograph(index))
        for number, (source, target) in enumerate(chosen):
            aside = _practice(protocol, number)
            name = Path(names[source, target][0]).stem
            for method in folders:
                image = _cut(load_image(pictures[method][source, target]), store.size)
                yield _Piece("generated", method, number, name, aside, image)
            if "target" in protocol.asked.shows:
                yield _Piece("target", "", number, store.names[target], aside, photograph(target))
            if "source" in protocol.asked.shows:
                joints = store.person([target], ["keypoints"]).keypoints
                assert joints is not None
                yield _Piece("source", "", number, store.names[source], aside, photograph(source))
                skeleton = draw_skeleton(joints[0], *store.size)
                yield _Piece("pose", "", number, store.names[target], aside, skeleton)

    notes = _jpeg([store.names[index] for index in reals], [pictures[m][pair].name for m in folders for pair in chosen])
    return pieces(), notes, store.size


def _from_folders(
    protocol: StudyProtocol, folders: dict[str, Path], real: Path, generator: random.Random
) -> tuple[Iterator[_Piece], list[str], tuple[int, int]]:
    problems: dict[str, list[str]] = {}
    pictures: dict[str, dict[str, Path]] = {}
    for method, folder in {"": real, **folders}.items():
        pictures[method] = {}
        for file in _pictures(folder):
            if file.stem in pictures[method]:
                problems.setdefault(f"{folder}: twice, with another ending", []).append(file.name)
            pictures[method][file.stem] = file
    problems |= _empty({folder: pictures[method] for method, folder in {"": real, **folders}.items()})
    every = sorted({name for method in folders for name in pictures[method]})
    problems |= _missing(folders, pictures, dict.fromkeys(every, ""))
    sizes = Counter(size for files in pictures.values() for file in files.values() if (size := _size(file)))
    size = sizes.most_common(1)[0][0] if sizes else (0, 0)  # without any, all folders are empty, or hold broken files
    for method, folder in {"": real, **folders}.items():
        for file in pictures[method].values():
            wrong = _fault(file, [size])
            if wrong:
                problems.setdefault(f"{folder}: {wrong}", []).append(file.name)
    targets = {name: target for name in every if (target := _target(name, pictures[""])) is not None}
    if protocol.question == "pose" and (alone := [name for name in every if name not in targets]):
        problems.setdefault(f"{real}: has no target for", []).extend(alone)
    if problems:
        raise MaterialError(problems)

    generator.shuffle(every)
    chosen = every[: protocol.pool]
    _require(protocol, len(chosen), f"generated pictures in {', '.join(map(str, folders.values()))}")
    reals: list[str] = []
    if "real" in protocol.asked.judged:
        taken = {targets.get(name) for name in chosen}
        reals = sorted(pictures[""])
        generator.shuffle(reals)
        reals = sorted(reals, key=lambda name: name in taken)[: protocol.pool]
        _require(protocol, len(reals), f"real pictures in {real}")
    both = {name for name in reals if name in {targets.get(one) for one in chosen}}
    notes = [f"{len(both)} real pictures are also the target of a generated one"] if both else []
    notes += _jpeg([pictures[""][n].name for n in reals], [pictures[m][n].name for m in folders for n in chosen])

    def pieces() -> Iterator[_Piece]:
        for number, name in enumerate(reals):
            yield _Piece("real", "", number, name, _practice(protocol, number), load_image(pictures[""][name]))
        for number, name in enumerate(chosen):
            for method in folders:
                image = load_image(pictures[method][name])
                yield _Piece("generated", method, number, name, _practice(protocol, number), image)
            if "target" in protocol.asked.shows:
                image = load_image(pictures[""][targets[name]])
                yield _Piece("target", "", number, targets[name], _practice(protocol, number), image)

    return pieces(), notes, size


def _write(path: Path, facts: Mapping[str, Any], pieces: Iterable[_Piece]) -> dict[str, int]:
    """The file, which is whole or absent.

    Raises:
        OSError: it cannot be written, because the disk is full, say.
    """
    counts: Counter[str] = Counter()
    try:
        with replacing(path, sync=True) as partial, contextlib.closing(sqlite3.connect(partial)) as file:
            file.execute("PRAGMA journal_mode = MEMORY")  # a kill leaves no second file; this one is swept
            with file:
                file.executescript(TABLES)
                file.execute(f"PRAGMA user_version = {VERSION}")
                file.executemany("INSERT INTO facts VALUES (?, ?)", [(k, json.dumps(v)) for k, v in facts.items()])
                for piece in pieces:
                    row = piece.kind, piece.method, piece.pair, piece.name, piece.practice, png(piece.image)
                    file.execute("INSERT INTO pictures VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
                    counts[f"{piece.kind} {piece.method}".strip()] += 1
            file.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise OSError(f"{path} cannot be written ({error}); make room, or choose another place") from error
    return dict(counts)


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith("."))


def _empty(folders: Mapping[Path, Mapping[Any, Path]]) -> dict[str, list[str]]:
    """The problem of each folder without a picture, of which no files can be named."""
    return {f"{folder}: holds no pictures": [] for folder, files in folders.items() if not files}


def _missing(
    folders: Mapping[str, Path], pictures: Mapping[str, Mapping[Any, Path]], every: Mapping[Any, str]
) -> dict[str, list[str]]:
    """What a method's folder lacks and another one's has, both of them named; a folder without any is `_empty`'s.

    Args:
        pictures: method -> its files by picture. every: picture -> how it is named; "" for itself.
    """
    problems: dict[str, list[str]] = {}
    for method, folder in folders.items():
        for picture, called in every.items():
            if pictures[method] and picture not in pictures[method]:
                owner = next(folders[other] for other in folders if picture in pictures[other])
                problems.setdefault(f"{folder}: missing, though {owner} has them", []).append(called or picture)
    return problems


def _sizes(store: Store) -> list[tuple[int, int]]:
    """The sizes (height, width) that a generated picture may have: the store's, and those of canvases around it."""
    around = [canvas.size for canvas in CANVASES.values() if canvas.window[2:] == store.size]
    return list(dict.fromkeys((store.size, *around)))


def _cut(image: Pixels, size: tuple[int, int]) -> Pixels:
    """The window of the canvas that the picture has the size of."""
    if image.shape[:2] == size:
        return image
    fits = next(c for c in CANVASES.values() if c.size == image.shape[:2] and c.window[2:] == size)
    top, left, height, width = fits.window
    return image[top : top + height, left : left + width]


def _size(file: Path) -> tuple[int, int] | None:
    """(height, width); None if it cannot be read."""
    try:
        with open_picture(file) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _fault(file: Path, sizes: Sequence[tuple[int, int]]) -> str | None:
    """What is wrong with a picture, in words."""
    try:
        height, width = load_image(file).shape[:2]
    except (ImageError, OSError):
        return "cannot be read"
    wanted = " or ".join(f"{h}x{w}" for h, w in sizes)
    return None if (height, width) in sizes else f"of {height}x{width} instead of {wanted} (height x width)"


def _target(name: str, reals: Mapping[str, Path]) -> str | None:
    """The real picture that a generated one of this stem was to become."""
    bare = name.removesuffix("_vis")
    parts = {name, name.rpartition("_2_")[2], bare.rpartition("___")[2], Path(bare.rpartition("___")[2]).stem}
    return next((part for part in sorted(parts) if part in reals), None)


def _jpeg(reals: Sequence[str], generated: Sequence[str]) -> list[str]:
    """A note where only one kind of pictures was JPEG, after the endings of their names; none without real ones."""
    lossy = [any(Path(name).suffix.lower() in (".jpg", ".jpeg") for name in names) for names in (reals, generated)]
    if not reals or lossy[0] == lossy[1]:
        return []
    worse = "real" if lossy[0] else "generated"
    return [f"the {worse} pictures were JPEG, the others not: what JPEG leaves behind may tell them apart"]


def _practice(protocol: StudyProtocol, number: int) -> bool:
    return protocol.practice_from == "fixed" and number < protocol.practice


def _spread(items: Sequence[Item], person: Callable[[Item], str]) -> list[Item]:
    """The items reordered so that everybody comes once before anybody comes again; otherwise as they were."""
    seen: Counter[str] = Counter()
    turns = []
    for item in items:
        turns.append(seen[person(item)])
        seen[person(item)] += 1
    return [item for _, _, item in sorted(zip(turns, range(len(items)), items, strict=True), key=lambda t: t[:2])]


def _require(protocol: StudyProtocol, there: int, what: str) -> None:
    if there < protocol.pool:
        raise ValueError(f"{protocol} needs {protocol.pool}, there are {there} {what}")
