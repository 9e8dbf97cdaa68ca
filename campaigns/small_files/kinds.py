"""The kinds of small files of the campaign of mutations: valid files of each, and who reads them as a user would."""

from __future__ import annotations

import functools
import io
import json
import re
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
import torch

from campaigns.small_files import changes
from campaigns.small_files.changes import Draw
from repose import cli
from repose.person import Person
from repose.represent.keypoints import SKELETONS
from repose.represent.label_colours import COLOURS
from repose.represent.label_tables import TABLES
from repose.represent.pose_files.writing import WRITERS, write_keypoints

BIGGEST: Final = 1e6
"""Pixels beyond which a coordinate that was read is beyond reason."""

LARGEST_PICTURE: Final = 500_000_000
"""Pixels beyond which a size that was read is beyond reason."""

Change = Callable[[Draw, bytes], bytes | None]


@dataclass(frozen=True)
class Original:
    """A valid file, and the files that lie around it.

    Attributes:
        name: of the file, within the folder. content: of it. changes: ways to change it, one is drawn.
        around: a folder that is copied beside it, without this file.
    """

    name: str
    content: bytes
    changes: Sequence[Change]
    around: Path | None = None

    def change(self, draw: Draw) -> bytes | None:
        """The content with changes; None where they came to nothing."""
        return changes.chosen(draw, self.changes)(draw, self.content)

    def lay(self, folder: Path, content: bytes | None = None) -> tuple[Path, Path]:
        """Write it, changed or not, with what lies around it -> its folder and its path."""
        if self.around is not None:
            shutil.copytree(self.around, folder, dirs_exist_ok=True)
        file = folder / self.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.content if content is None else content)
        return folder, file


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        originals: the valid files, made in a folder. use: reads a file as the command does; (its folder, its path).
        about: what is checked, for the table.
        places: words that say where an error is without the name of the file.
    """

    name: str
    originals: Callable[[Path], list[Original]]
    use: Callable[[Path, Path], None]
    about: str
    places: tuple[str, ...] = ()


KINDS: Final[dict[str, Kind]] = {}


def kind(originals: Callable[[Path], list[Original]], *places: str) -> Callable[[Callable[[Path, Path], None]], None]:
    """The decorated function reads a kind of file of its name, `read_NAME`."""

    def add(use: Callable[[Path, Path], None]) -> None:
        name = use.__name__.removeprefix("read_")
        about = f"changed files: {(use.__doc__ or name).rstrip('.')}; what is read is within reason, or one clear line"
        KINDS[name] = Kind(name, originals, use, about, places)

    return add


class CommandError(ValueError):
    """The line that the command ended with."""


def command(*words: object) -> None:
    """`repose` in this process. CommandError, with the line: it ended with one; what is no expected error passes."""
    stream, before = io.StringIO(), sys.argv
    sys.argv = ["repose", *map(str, words)]
    ending_before = signal.getsignal(signal.SIGTERM)
    consoles = [(console, console.file) for console in (cli.stdout, cli.stderr)]
    for console, _ in consoles:
        console.file, console.width = stream, 100_000
    try:
        cli.main()
    except SystemExit as ending:
        if ending.code not in (0, None):
            lines = [line for line in stream.getvalue().splitlines() if line.startswith("error:")]
            assert len(lines) == 1, f"{len(lines)} error lines"
            raise CommandError(lines[0]) from None
    finally:
        sys.argv = before
        signal.signal(signal.SIGTERM, ending_before)
        for console, file in consoles:
            console.file = file


def parsed(change: Callable[[Draw, Any], bytes]) -> Change:
    """A change of what JSON holds."""
    return lambda draw, content: change(draw, json.loads(content))


def text(change: Callable[[Draw, str], bytes]) -> Change:
    """A change of a text."""
    return lambda draw, content: change(draw, content.decode())


JSON: Final = (parsed(changes.changed_json), parsed(changes.changed_json), text(changes.changed_text),
               changes.changed_bytes)  # fmt: skip
CSV: Final = (text(changes.changed_cells), text(changes.changed_cells), text(changes.changed_text),
              changes.changed_bytes)  # fmt: skip
LINES: Final = (text(changes.changed_text), changes.changed_bytes)
BYTES: Final = (changes.changed_bytes,)


def changed_numbers(draw: Draw, content: bytes) -> bytes:
    """A .npy of other numbers."""
    return changes.array_file(changes.changed_array(draw, np.load(io.BytesIO(content))))


ARRAY: Final = (changed_numbers, changed_numbers, changes.changed_bytes)


# -- poses ----------------------------------------------------------------------------------------------------------


def pose_files(folder: Path) -> list[Original]:
    """A file of each format that is written, and of each spelling that tools have."""
    from tests.represent.poses import REFERENCE, SIZE
    from tests.represent.test_pose_variants import VARIANTS

    person = Person(keypoints=REFERENCE, size=SIZE, extra_keypoints=torch.ones(48, 3) * torch.tensor([300, 400, 1]))
    found = []
    for format, writer in WRITERS.items():
        path = folder / f"{format}{writer.suffix}"
        write_keypoints(path, {"a.jpg": person}, format, SIZE)
        ways = {".json": JSON, ".csv": CSV, ".npy": ARRAY}[writer.suffix]
        found.append(Original(path.name, path.read_bytes(), ways))
    for number, data in enumerate(VARIANTS.values()):
        found.append(Original(f"tool-{number}.json", changes.dumped(data), JSON))
    for skeleton in SKELETONS:
        rows = np.random.default_rng(0).uniform(50, 400, (2, len(SKELETONS[skeleton]), 3)) * (1, 1, 0.002)
        if len(rows[0]) in (17, 18, 25, 26, 33):
            found.append(Original(f"{skeleton}.npy", changes.array_file(rows), ARRAY))
    return found


@kind(pose_files)
def read_poses(place: Path, file: Path) -> None:
    """convert-pose, and what it wrote."""
    out = place / "out.json"
    command("convert-pose", file, out, "--format", "repose")
    written = json.loads(out.read_text())
    for name, rows in (*written["people"].items(), *written.get("extra_keypoints", {}).items()):
        points = np.array(rows, float)
        assert np.isfinite(points).all(), f"{name} is not finite"
        assert np.abs(points).max(initial=0) <= BIGGEST, f"{name} lies at {np.abs(points).max():g}"
        assert points[:, 2].min(initial=0) >= 0, "visible below 0"
        assert points[:, 2].max(initial=0) <= 1, "visible above 1"
    size = written["size"]
    assert size is None or (min(size) >= 1 and size[0] * size[1] <= LARGEST_PICTURE), f"a size of {size}"


def pair_lists(folder: Path) -> list[Original]:
    """Both kinds of list."""
    rows = [(f"a{k}.jpg", f"b{k}.jpg") for k in range(20)]
    return [
        Original(f"{first}.csv", "\n".join(map(",".join, [(first, second), *rows])).encode(), CSV)
        for first, second in (("from", "to"), ("imgA", "imgB"))
    ]


@kind(pair_lists)
def read_pairs(place: Path, file: Path) -> None:
    """The reader of lists of pairs."""
    from repose.represent.pose_files import read_pairs as read

    assert all(len(pair) == 2 and all(pair) for pair in read(file)), "an empty name"


# -- maps -----------------------------------------------------------------------------------------------------------


def changed_picture(format: str) -> Change:
    """A picture of other numbers, as a tool would write it."""

    def change(draw: Draw, content: bytes) -> bytes | None:
        with PIL.Image.open(io.BytesIO(content)) as image:
            pixels = np.array(image)
        array = changes.changed_array(draw, pixels)
        if draw(changes.st.booleans()) and array.dtype.kind in "fiub" and array.dtype != pixels.dtype:
            with np.errstate(all="ignore"):
                array = np.nan_to_num(array).astype(pixels.dtype)
        return changes.picture_file(np.ascontiguousarray(array), format)

    return change


def changed_archive(draw: Draw, content: bytes) -> bytes:
    """A .npz with other arrays, other names, or some left out."""
    with np.load(io.BytesIO(content)) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = changes.chosen(draw, list(arrays))
    match draw(changes.st.integers(0, 4)):
        case 0:
            del arrays[name]
        case 1:
            arrays[changes.chosen(draw, ("size", "box", "labels", "uv", "u", "v", "x"))] = arrays.pop(name)
        case _:
            arrays[name] = changes.changed_array(draw, arrays[name])
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def changed_tensors(draw: Draw, content: bytes) -> bytes | None:
    """A .pt with another tensor, or with something that is none."""
    tensor = torch.load(io.BytesIO(content), weights_only=True)
    array = changes.changed_array(draw, tensor.numpy())
    try:
        changed = torch.from_numpy(np.ascontiguousarray(array))
    except (TypeError, ValueError):
        return None
    stream = io.BytesIO()
    wrapped: Any = changes.chosen(draw, (changed, {"iuv": changed}, {"labels": changed, "uv": changed}, [changed], 7))
    for one in (changed.to_sparse, changed.half):
        if draw(changes.st.integers(0, 9)) == 0 and changed.dtype == torch.float32:
            try:
                wrapped = one()
            except (RuntimeError, NotImplementedError):
                continue
    torch.save(wrapped, stream)
    return stream.getvalue()


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    """What a function writes into a stream."""
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()


def label_maps(folder: Path) -> list[Original]:
    """Label maps of several tables, in every container."""
    from tests.represent.labelled_person import labelled

    lip = labelled(TABLES["lip"])
    found = []
    for format, suffix in (("PNG", "png"), ("TIFF", "tif"), ("BMP", "bmp")):
        content = changes.picture_file(lip, format)
        assert content is not None
        found.append(Original(f"labels.{suffix}", content, (changed_picture(format), changes.changed_bytes)))
    colours = np.array(COLOURS["LIP"], np.uint8)[lip]
    palette = PIL.Image.fromarray(lip, "P")
    palette.putpalette([value for colour in COLOURS["VOC"] for value in colour])
    webp = saved(lambda to: PIL.Image.fromarray(colours).save(to, "WEBP", lossless=True))
    png = saved(lambda to: PIL.Image.fromarray(colours).save(to, "PNG"))
    found += [
        Original("colours.png", png, (changed_picture("PNG"), changes.changed_bytes)),
        Original("colours.webp", webp, BYTES),
        Original("palette.png", saved(lambda to: palette.save(to, "PNG")), BYTES),
        Original("labels.npz", saved(lambda to: np.savez_compressed(to, lip)), (changed_archive, *BYTES)),
        Original("labels.pt", saved(lambda to: torch.save(torch.from_numpy(lip), to)), (changed_tensors, *BYTES)),
        Original("floats.npy", changes.array_file(lip.astype(np.float32)), ARRAY),
    ]
    found += [Original(f"{name}.npy", changes.array_file(labelled(table)), ARRAY) for name, table in TABLES.items()
              if name in ("lip", "cihp", "atr")]  # fmt: skip
    return found


@kind(label_maps)
def read_parsing(place: Path, file: Path) -> None:
    """A label map of a photograph, of somebody whose joints are known, as every verb takes it."""
    from tests.represent.labelled_person import KEYPOINTS, SIZE

    from repose.represent.maps import with_maps

    person = with_maps(Person(image=torch.zeros(3, *SIZE), keypoints=KEYPOINTS), parsing=file)
    assert person.parsing is not None
    assert person.parsing.dtype == torch.int64, f"labels of {person.parsing.dtype}"
    low, high = int(person.parsing.min()), int(person.parsing.max())
    assert low >= 0, f"the label {low}"
    assert high <= 19, f"the label {high}"


def iuv_files(folder: Path) -> list[Original]:
    """DensePose's results in every container."""
    from tests.represent.test_iuv_files import EXACT, HEIGHT, PIXELS, WIDTH, entry

    labels, uv = PIXELS[..., 0], np.moveaxis(EXACT[..., 1:], -1, 0)
    png = saved(lambda to: PIL.Image.fromarray(PIXELS).save(to, "PNG"))
    whole = saved(lambda to: np.savez(to, labels=labels, uv=uv, box=(0, 0), size=(WIDTH, HEIGHT)))
    box = np.s_[6:112, 20:60]
    part = saved(lambda to: np.savez(to, labels=labels[box], uv=uv[:, box[0], box[1]], box=(20, 6, 60, 112)))
    tensors = saved(lambda to: torch.save(torch.from_numpy(EXACT.astype(np.float32)), to))
    both = [entry(20, 6, 40, 106), entry(24, 6, 36, 106)]
    return [
        Original("me_IUV.png", png, (changed_picture("PNG"), *BYTES)),
        Original("exact.npy", changes.array_file(EXACT), ARRAY),
        Original("pixels.npy", changes.array_file(PIXELS), ARRAY),
        Original("planes.npy", changes.array_file(np.moveaxis(EXACT, -1, 0)), ARRAY),
        Original("whole.npz", whole, (changed_archive, *BYTES)),
        Original("part.npz", part, (changed_archive, changed_archive, *BYTES)),
        Original("iuv.pt", tensors, (changed_tensors, *BYTES)),
        Original("one.json", changes.dumped(both[:1]), JSON),
        Original("two.json", changes.dumped(both), JSON),
    ]


@kind(iuv_files)
def read_iuv(place: Path, file: Path) -> None:
    """DensePose's result for a photograph, of somebody whose joints are known, as every verb takes it."""
    from tests.represent.labelled_person import KEYPOINTS
    from tests.represent.test_iuv_files import HEIGHT, WIDTH

    from repose.represent.maps import with_maps

    joints = KEYPOINTS * torch.tensor([0.5, 0.5, 1])
    iuv = with_maps(Person(image=torch.zeros(3, HEIGHT, WIDTH), keypoints=joints), iuv=file).iuv
    assert iuv is not None
    assert bool(torch.isfinite(iuv).all()), "not finite"
    assert bool((iuv[0] == iuv[0].round()).all()), "a fractional part"
    assert float(iuv[0].min()) >= 0, f"the part {float(iuv[0].min()):g}"
    assert float(iuv[0].max()) <= 24, f"the part {float(iuv[0].max()):g}"
    assert float(iuv[1:].min()) >= 0, f"u or v of {float(iuv[1:].min()):g}"
    assert float(iuv[1:].max()) <= 1, f"u or v of {float(iuv[1:].max()):g}"


# -- recipes, runs, stores, result lines ----------------------------------------------------------------------------


def recipe_files(folder: Path) -> list[Original]:
    """The recipe of every registered preset."""
    from tests import tiny

    from repose import models
    from repose.recipes import to_dict

    whole = {name: models.recipe(name) for name in models.RECIPES}
    tiny_ones = {f"tiny-{name}": tiny.recipe(name) for name in models.RECIPES if name.endswith("-s")}
    found = []
    for name, recipe in (whole | tiny_ones).items():
        ways: Sequence[Change] = (changed_recipe, *JSON) if name in tiny_ones else JSON
        found.append(Original(f"{name}.json", json.dumps(to_dict(recipe), indent=2).encode(), ways))
    return found


def changed_recipe(draw: Draw, content: bytes) -> bytes:
    """A recipe with another number in one of its groups."""
    data = json.loads(content)
    group = changes.chosen(draw, [data, data["network"], data["objective"], data["data"], data["generator_optimiser"]])
    if group:
        group[changes.chosen(draw, sorted(group))] = changes.chosen(draw, changes.SMALL)
    return changes.dumped(data)


@kind(recipe_files, "recipe.")
def read_recipes(place: Path, file: Path) -> None:
    """train RECIPE --show; of a tiny recipe also its network, as a run begins with it."""
    from repose.models import build_generator, build_objective, read_recipe

    command("train", file, "--show")
    if file.name.startswith("tiny-"):
        recipe = read_recipe(file)
        build_generator(recipe)
        build_objective(recipe)


def run_files(folder: Path) -> list[Original]:
    """The files of the folders of weights, as a run leaves them, with a checkpoint."""
    from tests import tiny

    from repose.record import append
    from repose.train.checkpoint import save_checkpoint

    found = []
    for name in ("patn-s", "bodywarp-s"):
        run = folder / name
        recipe = tiny.recipe(name)
        from repose.models import build_generator
        from repose.models.weights import save_weights

        torch.manual_seed(0)
        generator = build_generator(recipe)
        save_weights(run, generator, recipe, {"licence": "none", "data": "noise", "name": name, "images": 7})
        tree = {"images": 7, "recipe": name, "generator": dict(generator.state_dict()), "list": [1, {"a": 0.5}]}
        save_checkpoint(run / "checkpoints", tree, 7)
        append(run / "log.jsonl", {"kind": "start", "seed": 0})
        for path in (run / "recipe.json", run / "card.json"):
            found += [Original(path.name, path.read_bytes(), JSON, run)] * 3
        for path in (run / "weights.safetensors", run / "checkpoints" / "000000007.safetensors"):
            found.append(Original(str(path.relative_to(run)), path.read_bytes(), (changed_header, *BYTES), run))
        found.append(Original("log.jsonl", (run / "log.jsonl").read_bytes(), LINES, run))
    return found


def changed_header(draw: Draw, content: bytes) -> bytes:
    """A file of safetensors with another header."""
    length = int.from_bytes(content[:8], "little")
    header = changes.changed_json(draw, json.loads(content[8 : 8 + length]))
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


@kind(run_files)
def read_runs(place: Path, file: Path) -> None:
    """The weights of a folder, their card and lineage, and the newest checkpoint."""
    from repose import pipeline
    from repose.models.weights import lineage, weights_checksum
    from repose.train.checkpoint import load_checkpoint

    model = pipeline.load(place)
    assert all(bool(torch.isfinite(value).all()) for value in model.generator.state_dict().values()), "NaN"
    lineage(place)
    weights_checksum(place)
    load_checkpoint(place / "checkpoints")


def store_files(folder: Path) -> list[Original]:
    """Each file of a store."""
    from tests import tiny

    store = tiny.store(folder / "store")
    found = []
    for path in sorted(store.folder.iterdir()):
        ways: Sequence[Change] = JSON if path.suffix == ".json" else BYTES
        found += [Original(path.name, path.read_bytes(), ways, store.folder)] * (6 if path.suffix == ".json" else 1)
    return found


@kind(store_files)
def read_stores(place: Path, file: Path) -> None:
    """A store, every picture and every pair of it, and its report."""
    from repose.data import Store

    store = Store.open(place)
    for split in store.report.photographs:
        pairs = store.pairs(split)
        assert int(pairs.min()) >= 0, "a pair below 0"
        people = store.person(pairs[:, 0])
        assert people.keypoints is not None
        assert bool(torch.isfinite(people.keypoints).all()), "joints that are not finite"
        assert people.image is not None
        assert tuple(people.image.shape[-2:]) == store.size, "another size"
    Store.open(place, verify=True)


def result_files(folder: Path) -> list[Original]:
    """The results of this checkout."""
    results = Path(__file__).resolve().parents[2] / "results"
    around = folder / "results"
    shutil.copytree(results, around, ignore=lambda _, names: [name for name in names if not name.endswith(".jsonl")])
    return [
        Original(path.name, path.read_bytes(), (changed_line, changed_line, changed_line, *LINES), around)
        for path in sorted(around.glob("*.jsonl"))
    ]


def changed_line(draw: Draw, content: bytes) -> bytes:
    """One line with changed values."""
    lines = content.decode().rstrip("\n").split("\n")
    place = draw(changes.st.integers(0, len(lines) - 1))
    lines[place] = changes.changed_json(draw, json.loads(lines[place])).decode("utf-8", "surrogatepass")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


@functools.cache
def document() -> str:
    """A page with every table that the documents of this checkout have."""
    base = Path(__file__).resolve().parents[2]
    pages = [base / "README.md", *sorted((base / "docs").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    names = dict.fromkeys(re.findall(r"^<!-- table: (\S+) -->$", text, re.MULTILINE))
    return "\n".join(f"<!-- table: {name} -->\n<!-- /table -->" for name in names)


@kind(result_files, "hold no line")
def read_results(place: Path, file: Path) -> None:
    """bench tables, of a page with all tables."""
    page = place / "page.md"
    page.write_text(document(), encoding="utf-8")
    command("bench", "tables", place, page)
