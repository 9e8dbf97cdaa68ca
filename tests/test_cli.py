"""The command: what every verb leaves behind, and one clear line for whatever is wrong."""

import dataclasses
import gc
import inspect
import json
import os
import platform
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import repose
from repose import cli, models, pipeline
from repose.cli.data_sets import DATA_SETS
from repose.data import Store, market1501
from repose.data.market1501 import Market1501
from repose.models import recipe_from_dict
from repose.names import resolve
from repose.person import Person
from repose.recipes import Recipe, to_dict
from repose.render.sets import SetSpec
from repose.represent.pose_files import read_keypoints, read_poses
from repose.scene import Scene
from tests import tiny
from tests.estimate import fakes

VERBS = (
    "transfer", "texture", "tryon", "reconstruct", "video", "animate", "font", "estimate", "convert-pose", "prepare",
    "export-layout", "train", "tune", "eval", "generate", "reid", "inspect", "convert", "export", "models", "fetch",
    "doctor", "demo", "bench", "research", "study", "serve", "web",
)  # fmt: skip
BENCH = (
    "forward", "loading", "realism", "rendering", "scene", "tables", "turns", "budget", "seeds", "cost", "attention",
    "metrics", "pictures", "large", "latency", "estimate", "video", "steadiness", "serving", "live", "export",
    "runtimes",
)  # fmt: skip
RESEARCH = ("realism", "turns", "tryon", "gallery", "photographs", "reidentification", "looks")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one error line. Fails unless the command ended with 2, one such line and no traceback."""
        assert self.code == 2, self
        assert "Traceback" not in self.out + self.err
        (line,) = [line for line in self.err.splitlines() if line.startswith("error:")]
        return line


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """The command in this process, in an empty folder, with an estimator that sees people of dots."""
    tiny.seeing(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for console in (cli.stdout, cli.stderr):  # read the environment when they were made, perhaps by another test
        monkeypatch.setattr(console, "width", 200)

    def run(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["repose", *map(str, words)])
        capsys.readouterr()
        code: object = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return Result(int(str(code or 0)), *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people of dots: me.png, dancer.png."""
    folder = tmp_path_factory.mktemp("photographs")
    tiny.photograph(folder / "me.png", 100, 200, 15, 20, 160)
    tiny.photograph(folder / "dancer.png", 130, 200, 20, 10, 150)
    return folder


def size(path: Path) -> tuple[int, int]:
    with PIL.Image.open(path) as image:
        image.load()
        return image.size


# -- help -----------------------------------------------------------------------------------------------------------


def test_the_list_of_verbs_is_whole() -> None:
    import typer.main

    group = typer.main.get_command(cli.app)
    assert set(group.commands) == set(VERBS)  # type: ignore[attr-defined]
    assert set(group.commands["bench"].commands) == set(BENCH)  # type: ignore[attr-defined]
    assert set(group.commands["research"].commands) == set(RESEARCH)  # type: ignore[attr-defined]
    hidden = {name for name, verb in group.commands["bench"].commands.items() if verb.hidden}  # type: ignore[attr-defined]
    assert hidden == {"realism", "turns"}, "the names of before they became research"


@pytest.mark.parametrize(
    "words",
    [
        (),
        *((verb,) for verb in VERBS),
        *(("bench", name) for name in BENCH),
        *(("research", name) for name in RESEARCH),
    ],
)
def test_help(words: tuple[str, ...], run: Run) -> None:
    for flag in ("--help", "-h"):
        shown = run(*words, flag)
        assert shown.code == 0
        usage = next(line for line in shown.out.splitlines() if "Usage:" in line)
        assert " ".join(words) in usage
    if words in [(verb,) for verb in VERBS if verb not in ("models", "demo", "bench")]:
        assert f"repose {words[0]} " in shown.out.replace(usage, ""), "help teaches by an example"


def test_help_is_quick_and_the_module_is_the_command() -> None:
    program = (
        "import sys; sys.argv = ['repose', '--help']\nimport repose.cli as c\ntry: c.main()\nexcept SystemExit: pass\n"
    )
    program += (
        "heavy = ('torch', 'numpy', 'lightning', 'PIL', 'safetensors', 'moderngl', 'numba', 'scipy')\n"
        "print([n for n in heavy if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "Usage: repose" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]", "heavy packages are imported by the verbs that need them"


def test_version(run: Run) -> None:
    shown = run("--version")
    assert shown.code == 0
    assert shown.out == f"repose {repose.__version__}, torch {torch.__version__}, Python {platform.python_version()}\n"


def test_an_interrupted_verb_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("repose.models.released.convert_checkpoint", interrupted)
    monkeypatch.setattr("repose.document_tables.write_tables", interrupted)
    for words in (("convert", "net.pth", "-r", "patn-market"), ("bench", "tables")):
        shown = run(*words)
        assert (shown.code, shown.out, shown.err) == (130, "", "interrupted\n")


def test_exit_codes_and_streams_of_the_real_process(tmp_path: Path) -> None:
    (tmp_path / "me.jpg").write_text("I am a text")
    words = [sys.executable, "-m", "repose", "estimate", "me.jpg"]
    environment = {**os.environ, "REPOSE_OFFLINE": "1", "REPOSE_FILES": "", "REPOSE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert sum(line.startswith("error:") for line in done.stderr.splitlines()) == 1
    debug = subprocess.run(
        [sys.executable, "-m", "repose", "convert", "none.pth", "-r", "patn-market"],
        cwd=tmp_path, env={**environment, "REPOSE_DEBUG": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" in debug.stderr
    assert "FileNotFoundError: none.pth" in debug.stderr


WITHOUT = """
import sys
for name in ("moderngl", "scipy"):
    sys.modules[name] = None
import pytest
from repose import cli
from tests import tiny
tiny.seeing(pytest.MonkeyPatch())
for line in sys.stdin:
    sys.argv = ["repose", *line.split()]
    if line.startswith("train"):
        del sys.modules["scipy"]  # its metadata are there, so torchmetrics imports it
    try:
        cli.main()
    except SystemExit as end:
        print("code", end.code or 0, flush=True)
"""


def test_without_the_renderers_packages_only_rendering_fails(weights: Path, photographs: Path, tmp_path: Path) -> None:
    pair = f"{photographs}/me.png {photographs}/dancer.png"
    works = ["--help", f"transfer {pair} -m {weights} -o me.png", "demo -o demo.png"]
    fails = ["prepare synthetic", "prepare synthetic --set people-s", "bench rendering"]
    fails.append("train patn-s -d synthetic:street:128x64")
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], input="\n".join(works + fails), cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    codes = [line for line in done.stdout.splitlines() if line.startswith("code ")]
    assert codes == ["code 0"] * len(works) + ["code 2"] * len(fails), done
    assert "the people come from files" in done.stdout
    assert size(tmp_path / "me.png") == (100, 200)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == len(fails)
    for line in errors:
        assert "the synthetic people need" in line
        assert "pip install '.[synthetic]'" in line


# -- did you mean ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("transfr", "a", "b"), "transfer"),
        (("bench", "forwrd"), "forward"),
        (("transfer", "a", "b", "--modl", "x"), "--model"),
        (("prepare", "synthetic", "--people", "2"), "Invalid value for '--people'"),
        (("prepare", "synthetic", "--images", "1"), "Invalid value for '--images'"),
        (("prepare", "synthetic", "--workers", "-1"), "Invalid value for '--workers'"),
        (("prepare", "synthetic", "folder"), "unexpected extra argument"),
        (("prepare", "synthetic", "--validation", "30"), "No such option: --validation"),
        (("prepare", "market1501"), "Missing argument 'folder'"),
        (("prepare", "market1501", "folder", "--set", "people-s"), "No such option: --set"),
        (("prepare", "market1501", "folder", "--workers", "2"), "No such option: --workers"),
        (("prepare", "--workers", "2"), "No such option: --workers"),
    ],
)
def test_unknown_verbs_and_options(words: tuple[str, ...], hint: str, run: Run) -> None:
    shown = run(*words)
    assert shown.code == 2
    assert hint in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("train", "patn-smal"), "no recipe is called 'patn-smal'; did you mean 'patn-s'?"),
        (("train", "patn-s", "data.bach=8", "--show"), "data.bach: 'bach' is not known; did you mean 'batch'?"),
        (("train", "patn-s", "batch", "--show"), "'batch' is not of the form key=value"),
        (("train", "patn-s", "--snapshots", "70@0", "--show"), "NUMBER@ITERATIONS, 70@500, not '70@0'"),
        (
            ("train", "patn-s", "images=many", "--show"),
            "a whole number is wanted, or in iterations, 500it, got 'many'",
        ),
        (("train", "patn-s", "-d", "none"), "none is not a store"),
        (("train", "none.json"), "none.json"),
        (("prepare", "market"), "did you mean 'market1501'?"),
        (("prepare", "synthetic", "--size", "128"), "a size is HEIGHTxWIDTH"),
        (("prepare", "synthetic", "--size", "20000x64"), "each side must be 16 to 4,096 pixels"),
        (("prepare", "synthetic", "--people", "900000"), "at most 800,000 people fit"),
        (("prepare", "synthetic", "--set", "people-fashon"), "did you mean 'people-fashion'?"),
        (("prepare", "synthetic", "--style", "stret"), "did you mean 'street'?"),
        (("prepare", "synthetic", "--seed", "1000003"), "larger seeds are reserved for the named sets"),
        (("prepare", "synthetic", "--set", "people-m"), "did you mean 'people-s'?"),
        (("prepare", "synthetic", "--set", "people-s", "--size", "64x32"), "leave out --size, or leave out --set"),
        (("prepare", "synthetic", "--set", "people-s", "--seed", "3"), "leave out --seed, or leave out --set"),
        (("prepare", "synthetic", "--set", "people-s", "--people", "13"), "people-s has 12 people"),
        (("export-layout", "none", "out"), "none is not a store"),
        (("train", "patn-s", "-d", "synthetic:street"), "'synthetic:street' is not a stream"),
        (("train", "patn-s", "-d", "synthetic:stret:128x64"), "did you mean 'street'?"),
        (("bench", "forward", "patn-s", "--backends", "plian"), "did you mean 'plain'?"),
        (("bench", "forward", "patn-s", "--size", "64by32"), "a size is HEIGHTxWIDTH"),
        (("convert", "net.pth", "-r", "patn-markt"), "did you mean 'patn-market'?"),
        (("convert", "net.pth", "-r", "patn-market"), "net.pth: there is no such file"),
        (("transfer", "me.png", "you.png", "-m", "no-such-model"), "no weights are called 'no-such-model'"),
        (("transfer", "me.png", "you.png", "-m", "{weights}", "--device", "cdua"), "did you mean 'cuda'?"),
        (("texture", "me.png", "you.png", "--labels", "shrit"), "did you mean 'shirt'?"),
        (("texture", "me.png", "you.png"), "me.png does not exist"),
        (("tryon", "me.png", "you.png", "--labels", "shirt,top"), "'upper clothes' is named twice"),
        (("inspect", "patn-sm", "a.png", "b.png"), "did you mean 'patn-s'?"),
        (("inspect", "{weights}", "a.png", "b.png"), "a.png does not exist"),
        (("inspect", "{weights}", "a.png"), "give SOURCE and TARGET"),
        (("inspect", "{weights}", "--pair", "0"), "needs --store FOLDER"),
        (("inspect", "{weights}", "--pair", "0", "--store", "none"), "none is not a store"),
        (("estimate", "none.jpg"), "none.jpg does not exist"),
        (("estimate", "none.jpg", "--person", "tallest"), "not 'tallest'"),
        (("estimate", "none.jpg", "--pose", "movnet"), "did you mean 'movenet'?"),
    ],
)
def test_wrong_words(words: tuple[str, ...], hint: str, run: Run, weights: Path) -> None:
    assert hint in run(*(word.format(weights=weights) for word in words)).error


# -- transfer -------------------------------------------------------------------------------------------------------


def test_transfer_of_one_photograph(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    done = run("transfer", photographs / "me.png", photographs / "dancer.png", "-o", "new/[me].png", "-m", weights)
    assert done.code == 0, done
    assert "new/[me].png  (with source and target beside it: new/[me].sheet.png)" in done.out
    assert size(tmp_path / "new" / "[me].png") == size(photographs / "me.png")
    width, height = size(tmp_path / "new" / "[me].sheet.png")
    assert width > 4 * 2 * 64
    assert height > 2 * 128
    wanted = np.asarray(repose.transfer(photographs / "me.png", photographs / "dancer.png", weights, tiny.Eyes()))
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "new" / "[me].png")), wanted)


def test_transfer_options(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    pair = (photographs / "me.png", photographs / "dancer.png")
    for name, words, options in (
        ("crop", ["--crop"], {"whole": False}),
        ("crop_own", ["--crop", "--no-retarget"], {"whole": False, "retarget": False}),
        ("own", ["--no-retarget"], {"retarget": False}),
        ("white", ["--background", "white"], {"background": "white"}),
        ("generated", ["--background", "generated"], {"background": "generated"}),
    ):
        done = run("transfer", *pair, "-o", f"{name}.png", "-m", weights, *words)
        assert done.code == 0, done
        made = np.asarray(PIL.Image.open(tmp_path / f"{name}.png"))
        assert np.array_equal(made, np.asarray(repose.transfer(*pair, weights, tiny.Eyes(), **options)))
        assert made.shape == ((128, 64, 3) if "--crop" in words else (200, 100, 3))
        assert size(tmp_path / f"{name}.sheet.png")[1] > 2 * 128
    assert "did you mean 'white'" in run("transfer", *pair, "-m", weights, "--background", "whit").error
    error = run("transfer", *pair, "-m", weights, "--crop", "--background", "white").error
    assert "--background is of the whole photograph" in error


def test_joints_from_files_ask_no_estimator(
    run: Run, weights: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, dancer = photographs / "me.png", photographs / "dancer.png"
    assert run("transfer", me, dancer, "-o", "seen.png", "-m", weights).code == 0
    for path, name in ((me, "me.json"), (dancer, "pose.json"), (photographs, "both.json")):
        assert run("estimate", path, "-o", name).code == 0
    monkeypatch.setattr(tiny.Eyes, "people", lambda self, image: pytest.fail("an estimator was asked"))
    pose = ("pose.json", "-m", weights, "-o", "told.png")
    for file in ("me.json", "both.json", "both.json#me.png", "me.json#me.png"):
        assert run("transfer", me, *pose, "--source-keypoints", file).code == 0
        told, seen = (np.asarray(PIL.Image.open(tmp_path / name)) for name in ("told.png", "seen.png"))
        assert np.array_equal(told, seen)
    given = repose.transfer(me, tmp_path / "pose.json", weights, source_keypoints=tmp_path / "both.json")
    assert np.array_equal(np.asarray(given), seen)
    joints = read_keypoints(tmp_path / "me.json")["me.png"]
    assert torch.equal(repose.read_person(me, keypoints=joints).keypoints, joints)  # type: ignore[arg-type]

    done = run("transfer", photographs, *pose, "--source-keypoints", "both.json")
    assert done.code == 0, done
    assert sorted(path.name for path in (tmp_path / "told").iterdir()) == [
        "dancer_2_dancer.png.png", "me_2_dancer.png.png",
    ]  # fmt: skip
    done = run("transfer", photographs, *pose, "--source-keypoints", "me.json")
    assert done.code == 3, "one is left"
    assert "dancer.png: me.json has no pose called 'dancer.png'" in done.err
    error = run("transfer", me, *pose, "--source-keypoints", "both.json#you").error
    assert "both.json has no pose called 'you'" in error
    error = run("transfer", dancer, *pose, "--source-keypoints", "me.json").error
    assert "dancer.png: the pose is of a picture of 100x200 pixels, this photograph has 130x200" in error
    assert "none.json" in run("transfer", me, *pose, "--source-keypoints", "none.json").error
    error = run("transfer", me, *pose, "--source-keypoints", "me.json", "--person", "best").error
    assert "there are no scores in me.png to choose the best person by" in error


def test_transfer_of_folders_skips_what_is_bad(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    people = tmp_path / "people"
    for index in range(2):
        tiny.photograph(people / f"good{index}.png", 100, 200, 15 + index, 20, 160)
    (people / "broken.jpg").write_text("no picture")
    PIL.Image.new("RGB", (100, 200)).save(people / "nobody.png")
    (people / "notes.txt").write_text("not looked at")
    PIL.Image.open(people / "good0.png").save(people / "good1.bmp")
    assert run("estimate", photographs / "me.png", photographs / "dancer.png", "-o", "poses.csv").code == 0
    done = run("transfer", people, "poses.csv", "-o", "sheet.png", "--weights", weights / "weights.safetensors")
    assert done.code == 3, done
    assert "3 skipped, for the reasons above: " in done.err
    skipped = [line for line in done.err.splitlines() if line.startswith("skipped:")]
    assert len(skipped) == 3
    assert "people/broken.jpg is not a picture: it holds text" in skipped[0]
    assert "good1.png: another one is called 'good1'" in skipped[1]
    assert "people/nobody.png: no person was found" in skipped[2]
    assert sorted(path.name for path in (tmp_path / "sheet").iterdir()) == [
        "good0_2_dancer.png.png", "good0_2_me.png.png", "good1_2_dancer.png.png", "good1_2_me.png.png",
    ]  # fmt: skip
    width, height = size(tmp_path / "sheet.png")
    assert (width > 3 * 128, height > 3 * 256) == (True, True)


def test_transfer_chooses_people_on_both_photographs(
    run: Run, weights: Path, photographs: Path, tmp_path: Path
) -> None:
    two = fakes.draw(300, 220, [fakes.joints(15, 20, 150), fakes.joints(160, 10, 200)])
    PIL.Image.fromarray(two).save(tmp_path / "two.png")
    me, eyes = photographs / "me.png", tiny.Eyes()
    for words, options in (
        (["--target-person", "1"], {"target_which": 1}),
        (["--person", "0"], {}),
        ([], {}),
    ):
        done = run("transfer", me, "two.png", "-o", "out.png", "-m", weights, *words)
        assert done.code == 0, done
        told = "two.png: 2 people were found, and the largest is taken; --target-person takes another" in done.err
        assert told == ("--target-person" not in words)
        made = np.asarray(PIL.Image.open(tmp_path / "out.png"))
        assert np.array_equal(made, np.asarray(repose.transfer(me, tmp_path / "two.png", weights, eyes, **options)))
    assert run("transfer", "two.png", me, "-o", "out.png", "-m", weights, "--person", "1").code == 0, (
        "one on the target"
    )
    error = run("transfer", me, "two.png", "-m", weights, "--target-person", "all").error
    assert "--target-person takes largest, best, left, right, middle or a number from 0, not 'all'" in error
    assert (
        "two.png: person 2 was asked for" in run("transfer", me, "two.png", "-m", weights, "--target-person", "2").error
    )


def test_transfer_of_folders_holds_one_photograph_at_a_time(
    run: Run, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("people", "poses"):
        for index in range(2):
            tiny.photograph(tmp_path / folder / f"{index}.png", 100, 200, 15 + index, 20, 160)
    held: list[weakref.ref[torch.Tensor]] = []
    most: list[int] = []
    read, make, pose = pipeline.read_person, pipeline.Model.scene, pipeline.Model.picture

    def read_person(*words: object) -> Person:
        found = read(*words)  # type: ignore[arg-type]
        assert found.image is not None
        held.append(weakref.ref(found.image))
        return found

    scenes: list[weakref.ref[Scene]] = []
    kept: list[int] = []

    def scene(self: pipeline.Model, person: Person) -> Scene:
        kept.append(sum(made() is not None for made in scenes))
        made = make(self, person)
        scenes.append(weakref.ref(made))
        return made

    def posed(self: pipeline.Model, *words: object) -> np.ndarray:
        gc.collect()
        most.append(sum(image() is not None for image in held))
        return pose(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "read_person", read_person)
    monkeypatch.setattr("repose.pipeline.people.read_person", read_person)
    monkeypatch.setattr(pipeline.Model, "scene", scene)
    monkeypatch.setattr(pipeline.Model, "picture", posed)
    done = run("transfer", "people", "poses", "-o", "sheet.png", "-m", weights, "--background", "white")
    assert done.code == 0, done
    assert (len(held), len(most), max(most)) == (4, 4, 0), "the pixels are read again when it is their turn"
    assert kept == [0, 0], "one scene for each photograph, and one at a time"


# -- clothes --------------------------------------------------------------------------------------------------------


def label_map(path: Path, width: int, height: int, *labels: int) -> None:
    """Bands of labels over the middle of a picture, and 13, a face, above them."""
    values = np.zeros((height, width), np.uint8)
    middle = slice(width // 4, width * 3 // 4)
    values[height // 6 : height // 4, middle] = 13
    for number, label in enumerate(labels):
        top = height // 4 + number * height // 4
        values[top : top + height // 4, middle] = label
    PIL.Image.fromarray(values).save(path)


@pytest.mark.parametrize("verb", ["texture", "tryon"])
def test_clothes_from_one_photograph_onto_another(verb: str, run: Run, photographs: Path, tmp_path: Path) -> None:
    me, dancer, folder = photographs / "me.png", photographs / "dancer.png", tmp_path / "maps"
    folder.mkdir()
    label_map(folder / "me.png", 100, 200, 5, 9)
    label_map(tmp_path / "dancer_labels.png", 130, 200, 5, 9)
    other = "condition" if verb == "texture" else "garment"
    maps = ("--source-parsing", folder, f"--{other}-parsing", tmp_path / "dancer_labels.png", "--table", "lip")
    done = run(verb, me, dancer, "-o", "new/me.png", "--mask", "none", "--json", *maps)
    assert done.code == 0, done.err
    assert size(Path("new/me.png")) == (100, 200)
    assert Path("new/me.sheet.png").exists()
    document = json.loads(done.out)
    assert document["labels"] == ["shirt"]
    assert document["sources"][0]["worn"]["upper clothes"] == 50 * 50
    before, after = (np.asarray(PIL.Image.open(path)).astype(int) for path in (me, "new/me.png"))
    assert np.array_equal(before[:30], after[:30])
    assert np.array_equal(before[120:], after[120:])
    assert (before != after)[50:100, 25:75].any()
    error = run(verb, me, dancer, "--labels", "dress", *maps).error
    assert "wears no dress" in error
    assert "pants (" in error
    if verb == "tryon":
        assert "did you mean 'flow'" in run(verb, me, dancer, "--way", "flwo", *maps).error
        assert "did you mean 'own'" in run(verb, me, dancer, "--cut", "owm", *maps).error


def test_clothes_for_a_folder(run: Run, photographs: Path, tmp_path: Path) -> None:
    """Who does not wear the garment is skipped and named; the others are written."""
    folder, maps = tmp_path / "team", tmp_path / "maps"
    folder.mkdir()
    maps.mkdir()
    for name, labels in (("anna", (5, 9)), ("ben", (7, 9))):
        shutil.copy(photographs / "me.png", folder / f"{name}.png")
        label_map(maps / f"{name}.png", 100, 200, *labels)
    label_map(tmp_path / "labels.png", 130, 200, 5, 9)
    done = run(
        "texture", folder, photographs / "dancer.png", "-o", "worn.png", "--mask", "none", "--table", "lip",
        "--source-parsing", maps, "--condition-parsing", tmp_path / "labels.png",
    )  # fmt: skip
    assert done.code == 3
    assert "ben.png wears no shirt" in done.err
    assert [path.name for path in Path("worn").iterdir()] == ["anna.png"]
    error = run("texture", folder, photographs / "dancer.png", "-o", "team.png").error
    assert "team" in error
    assert "input" in error


@pytest.fixture(scope="module")
def several_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a model that takes several photographs of one person."""
    pytest.importorskip("numba")
    from repose.models.weights import save_weights

    torch.manual_seed(0)
    made, folder = tiny.recipe("bodywarp-s"), tmp_path_factory.mktemp("weights") / "several"
    save_weights(folder, models.build_generator(made), made, {"licence": "none", "data": "noise"})
    return folder


def test_transfer_of_several_photographs(run: Run, several_weights: Path, photographs: Path, tmp_path: Path) -> None:
    me, dancer = photographs / "me.png", photographs / "dancer.png"
    tiny.photograph(tmp_path / "back.png", 180, 260, 30, 20, 200)
    PIL.Image.new("RGB", (100, 200)).save(tmp_path / "nobody.png")
    several = ("-m", several_weights, "-o", "out.png")
    for words, options in (([], {}), (["--crop"], {"whole": False})):
        done = run("transfer", me, "back.png", "nobody.png", "--to", dancer, *several, *words)
        assert done.code == 0, done
        (note,) = [line for line in done.err.splitlines() if line.startswith("note:")]
        assert note.startswith("note: nobody.png: no person was found")
        assert note.endswith("the picture is computed without it")
        made = np.asarray(PIL.Image.open(tmp_path / "out.png"))
        sources = [tmp_path / "back.png"]
        wanted = repose.transfer(me, dancer, several_weights, tiny.Eyes(), sources=sources, **options)
        assert np.array_equal(made, np.asarray(wanted))
        alone = repose.transfer(me, dancer, several_weights, tiny.Eyes(), **options)
        assert not np.array_equal(made, np.asarray(alone))
    wide = size(tmp_path / "out.sheet.png")[0]
    assert run("transfer", me, "--to", dancer, *several).code == 0, "one photograph, by --to"
    once = np.asarray(PIL.Image.open(tmp_path / "out.png"))
    assert size(tmp_path / "out.sheet.png")[0] < wide, "the sheet shows every photograph"
    assert run("transfer", me, dancer, *several).code == 0
    assert np.array_equal(once, np.asarray(PIL.Image.open(tmp_path / "out.png")))
    assert "nobody.png: no person was found" in run("transfer", "nobody.png", me, "--to", dancer, *several).error


def test_joints_of_several_photographs(
    run: Run, several_weights: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = photographs / "me.png"
    tiny.photograph(tmp_path / "back.png", 180, 260, 30, 20, 200)
    for paths, name in (([me], "me.json"), (["back.png"], "back.json"), ([me, "back.png"], "both.json")):
        assert run("estimate", *paths, "-o", name).code == 0
    words = ("transfer", me, "back.png", "--to", "me.json", "-m", several_weights)
    assert run(*words, "-o", "seen.png").code == 0
    monkeypatch.setattr(tiny.Eyes, "people", lambda self, image: pytest.fail("an estimator was asked"))
    for files in (("me.json", "back.json"), ("both.json",)):
        options = [word for file in files for word in ("--source-keypoints", file)]
        assert run(*words, "-o", "told.png", *options).code == 0
        told, seen = (np.asarray(PIL.Image.open(tmp_path / name)) for name in ("told.png", "seen.png"))
        assert np.array_equal(told, seen)
    error = run(*words, "--source-keypoints", "me.json").error
    assert "me.json has no pose called 'back.png'" in error
    error = run(*words, *["--source-keypoints", "me.json"] * 3).error
    assert "given 3 times for 2 photographs: give one for each" in error


def test_several_photographs_that_cannot_be_put_together(
    run: Run, weights: Path, several_weights: Path, photographs: Path
) -> None:
    me, dancer = photographs / "me.png", photographs / "dancer.png"
    error = run("transfer", me, me, "--to", dancer, "-m", weights).error
    assert "'tiny' takes one photograph of a person" in error
    assert "bodywarp-s" in error
    several = ("-m", several_weights)
    error = run("transfer", me, me, dancer, *several).error
    assert f"write {me} {me} --to {dancer} if all but the last show one person" in error
    assert "Give SOURCE and TARGET, or SOURCE... --to TARGET" in run("transfer", me, *several).error
    error = run("transfer", photographs, "--to", dancer, *several).error
    assert f"{photographs} is a folder: with --to all photographs show one person" in error
    assert "none.png does not exist" in run("transfer", me, "none.png", "--to", dancer, *several).error


def test_transfer_tells_of_a_person_who_is_hardly_seen(
    run: Run, weights: Path, photographs: Path, tmp_path: Path
) -> None:
    PIL.Image.fromarray(tiny.photograph(width=300, height=300, x=20, y=30, tall=700)).save(tmp_path / "portrait.png")
    done = run("transfer", "portrait.png", photographs / "me.png", "-o", "out.png", "-m", weights)
    assert done.code == 0, done
    lines = [line for line in done.err.splitlines() if line.startswith("note:")]
    (line,) = [line for line in lines if "less than a trunk" in line]
    assert line.startswith("note: portrait.png: only ")
    assert all("beyond the photograph" in other for other in lines if other != line)


def test_names_in_a_keypoint_file_stay_in_the_folder(
    run: Run, weights: Path, photographs: Path, tmp_path: Path
) -> None:
    from repose.represent.pose_files import write_keypoints

    (found,) = tiny.Eyes().people(tiny.photograph(width=100, height=200, x=15, y=20, tall=160))
    write_keypoints(tmp_path / "poses.json", {"../../a": found.keypoints, "b/c": found.keypoints})
    assert run("transfer", photographs / "me.png", "poses.json", "-o", "out/sheet.png", "-m", weights).code == 0
    assert len(list((tmp_path / "out" / "sheet").iterdir())) == 2


@pytest.mark.parametrize("where", ["source", "target"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("text.jpg", "is not a picture: it holds text that begins 'hello'"),
        ("dot.png", "has 1x1 pixels (width x height), too small to show a person"),
        ("nobody.png", "no person was found in this picture"),
        ("cut.jpg", "is a broken or cut off picture"),
        ("joints.csv", "17"),
        ("canvas.json", "canvas_width holds None"),
        ("coco.json", "annotations[0].image_id is ['a']"),
    ],
)
def test_bad_pictures(
    name: str, problem: str, where: str, run: Run, weights: Path, photographs: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    match name:
        case "text.jpg":
            path.write_text("hello")
        case "dot.png":
            PIL.Image.new("RGB", (1, 1)).save(path)
        case "nobody.png":
            PIL.Image.new("RGB", (100, 200)).save(path)
        case "cut.jpg":
            tiny.photograph(path, 100, 200, 15, 20, 160)
            path.write_bytes(path.read_bytes()[:2500])
        case "joints.csv":
            path.write_text(f"name:keypoints_y:keypoints_x\na.jpg: {[5] * 17}: {[6] * 17}\n")
        case "canvas.json":
            people = [{"pose_keypoints_2d": [5] * 54}]
            path.write_text(json.dumps({"canvas_height": 9, "canvas_width": None, "people": people}))
        case "coco.json":
            path.write_text(json.dumps({"annotations": [{"image_id": ["a"], "keypoints": [5] * 51}]}))
    keypoints = path.suffix in (".csv", ".json")
    if keypoints and where == "source":
        problem = "is not a picture"
    me = photographs / "me.png"
    words = (path, me) if where == "source" else (me, path)
    error = run("transfer", *words, "-m", weights, "-o", "out.png").error
    assert name in error
    assert problem in error
    assert not (tmp_path / "out.png").exists()
    if not keypoints:
        alone = run("estimate", path).error
        assert name in alone
        assert problem in alone


def test_when_nothing_is_left(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    for index in range(2):
        (tmp_path / f"{index}.jpg").write_text("no picture")
    assert "every source or every target was skipped" in run("transfer", ".", photographs, "-m", weights).error
    assert "no joints were found on any picture" in run("estimate", ".").error
    (tmp_path / "empty").mkdir()
    assert "empty holds no pictures" in run("transfer", "empty", photographs, "-m", weights).error


def test_bad_weights(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    def error(model: str) -> str:
        return run("transfer", photographs / "me.png", photographs / "me.png", "-m", model).error

    content = (weights / "weights.safetensors").read_bytes()
    for share in (0, 0.001, 0.5, 0.99):
        cut = tiny.save(tmp_path / "cut") / "weights.safetensors"
        cut.write_bytes(content[: int(len(content) * share)])
        assert "cut/weights.safetensors" in error("cut")
        assert "is cut off or damaged" in error("cut")
    tiny.save(tmp_path / "other", "multiscale-s")
    (tmp_path / "cut" / "weights.safetensors").write_bytes((tmp_path / "other" / "weights.safetensors").read_bytes())
    assert "holds weights of the model 'multiscale', but 'patn' is wanted" in error("cut")
    wide = tiny.save(tmp_path / "wide", "patn-s", "network.width=6")
    (wide / "recipe.json").write_bytes((weights / "recipe.json").read_bytes())
    assert "weights and recipe.json do not belong together" in error("wide")
    (wide / "recipe.json").write_text("{")
    assert "wide/recipe.json" in error("wide")
    (wide / "recipe.json").unlink()
    assert "wide has no recipe.json" in error("wide")


def test_a_truncated_official_checkpoint(run: Run, tmp_path: Path) -> None:
    torch.save({f"layer{i}.weight": torch.zeros(99) for i in range(9)}, tmp_path / "net.pth")
    whole = (tmp_path / "net.pth").read_bytes()
    assert "no model known here" in run("convert", "net.pth", "-r", "multiscale-fashion").error
    (tmp_path / "net.pth").write_bytes(whole[: len(whole) // 2])
    assert "net.pth" in run("convert", "net.pth", "-r", "patn-market").error
    assert not (tmp_path / "out").exists()


# -- estimate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_estimate(ending: str, run: Run, photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no picture")
    done = run("estimate", photographs, "bad.jpg", "-o", f"new/poses.{ending}")
    assert done.code == 3, done
    assert "skipped: bad.jpg" in done.err
    assert f"new/poses.{ending}: 2 people on 3 pictures; drawn in new/poses.sheet.png" in done.out
    found = read_keypoints(tmp_path / "new" / f"poses.{ending}")
    assert list(found) == ["dancer.png", "me.png"]
    assert {one.size for one in read_poses(tmp_path / "new" / f"poses.{ending}").values()} == {None}, "of two sizes"
    nose = fakes.joints(15, 20, 160)[0]
    assert np.abs(found["me.png"][0, :2].numpy() - nose).max() < 1.5
    width, height = size(tmp_path / "new" / "poses.sheet.png")
    assert width > 200
    assert height > 200


def test_the_joints_of_a_photograph_are_its_pose(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    tiny.photograph(tmp_path / "framed.png", 100, 200, 5, 5, 165)
    assert run("estimate", "framed.png", "-o", "framed.json").code == 0
    assert read_poses(tmp_path / "framed.json")["framed.png"].size == (200, 100)
    for target, out in (("framed.png", "a.png"), ("framed.json", "b.png")):
        assert run("transfer", photographs / "me.png", target, "-o", out, "-m", weights).code == 0
    first, second = (np.asarray(PIL.Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert np.array_equal(first, second)


def test_estimate_everybody(run: Run, tmp_path: Path) -> None:
    two = fakes.draw(300, 220, [fakes.joints(15, 20, 150), fakes.joints(160, 10, 200)])
    PIL.Image.fromarray(two).save(tmp_path / "two.png")
    assert run("estimate", "two.png", "--all", "-o", "all.json").code == 0
    assert list(read_keypoints(tmp_path / "all.json")) == ["two.png#0", "two.png#1"]
    assert run("estimate", "two.png", "--person", "1", "-o", "one.json").code == 0
    first = read_keypoints(tmp_path / "one.json")["two.png"]
    assert torch.equal(first, read_keypoints(tmp_path / "all.json")["two.png#1"])
    assert "two.png: person 2 was asked for" in run("estimate", "two.png", "--person", "2").error
    (tmp_path / "other").mkdir()
    PIL.Image.fromarray(two).save(tmp_path / "other" / "two.png")
    assert "skipped: other/two.png: another one is called" in run("estimate", "two.png", "other/two.png").err


# -- train, eval, models, bench -------------------------------------------------------------------------------------


def test_train_then_eval(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.store(tmp_path / "data")
    words = [*tiny.words("patn-s"), "images=8", "tick=4", "data.batch=2", "schedule.warmup=0"]
    done = run("train", "patn-s", *words, "-d", "data", "-o", "runs/a", "--accelerator", "cpu")
    assert done.code == 0, done
    left = {path.name for path in (tmp_path / "runs" / "a").iterdir()}
    assert {"recipe.json", "weights.safetensors", "card.json", "log.jsonl", "checkpoints", "sheets"} <= left
    assert sorted(path.name for path in (tmp_path / "runs" / "a" / "sheets").iterdir()) == [
        "000000004.png", "000000008.png",
    ]  # fmt: skip
    again = run("train", "runs/a/recipe.json", "-d", "data", "-o", "runs/a", "--accelerator", "cpu")
    assert again.code == 0, "a finished run is no error"

    tiny.save(tmp_path / "runs" / "b", "multiscale-s")
    done = run(
        "eval", "runs/a", "runs/b", "-d", "data", "-p", "patn-market", "--results", "results.jsonl", "-o", "eval.png",
        "--device", "cpu",
    )  # fmt: skip
    assert done.code == 0, done
    for text in ("real target", "copied source", "patn-market@3"):
        assert text in done.out
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [(line["model"], line["recipe"], line["pairs"]) for line in lines] == [
        ("a", "patn-s", 3),
        ("b", "multiscale-s", 3),
    ]
    assert len({line["weights"] for line in lines}) == 2
    assert lines[0]["rows"]["target"]["ssim"][0] == pytest.approx(1)
    assert lines[0]["rows"]["target"]["pckh"][0] == 1
    assert 0 < lines[0]["rows"]["generated"]["ssim"][0] < 1
    width, height = size(tmp_path / "eval.png")
    assert width > 5 * 2 * 64, "source, pose, two models, target"
    assert height > 3 * 2 * 128

    assert "did you mean 'patn-market'" in run("eval", "runs/a", "-d", "data", "-p", "patn-markt").error
    assert "did you mean 'cuda'" in run("eval", "runs/a", "-d", "data", "--device", "cudda").error
    assert "data2 is not a store" in run("eval", "runs/a", "-d", "data2").error
    assert "no weights are called 'runs/c'" in run("eval", "runs/c", "-d", "data").error
    rates = run("bench", "loading", "-d", "data", "--seconds", "0.02", "--results", "results.jsonl")
    assert rates.code == 0, rates
    last = json.loads((tmp_path / "results.jsonl").read_text().splitlines()[-1])
    assert (last["bench"], last["data"]) == ("loading", "drawn")
    assert last["pairs"] > 1


def test_train_compiles_when_asked_to(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.train.loop import Summary

    asked: list[object] = []

    def train(made: Recipe, store: Store, folder: Path, **named: object) -> Summary:
        asked.append((named["compile"], named["snapshots"], named["snapshot_every"]))
        return Summary(folder, 0, 0.0, {}, None)

    monkeypatch.setattr("repose.train.loop.train", train)
    tiny.store(tmp_path / "data")
    assert run("train", "patn-s", "-d", "data").code == 0
    assert run("train", "patn-s", "-d", "data", "--compile", "--snapshots", "70@500").code == 0
    assert asked == [(False, 0, 0), (True, 70, 500)]


def test_show_prints_a_whole_recipe(run: Run, tmp_path: Path) -> None:
    shown = run("train", "multiscale-s", "data.batch=3", "images=50_000", "--show")
    assert shown.code == 0
    made = recipe_from_dict(json.loads(shown.out))
    assert (made.data.batch, made.images) == (3, 50_000)
    assert made.network == models.recipe("multiscale-s").network
    assert "iterations" not in shown.err
    assert "are 10,000 iterations in place of 7,500" in run("train", "multiscale-s", "data.batch=3", "--show").err
    (tmp_path / "own.json").write_text(shown.out)
    assert recipe_from_dict(json.loads(run("train", "own.json", "seed=5", "--show").out)).seed == 5
    (tmp_path / "own.json").write_text(json.dumps({**to_dict(made), "imagess": 1}))
    error = run("train", "own.json", "--show").error
    assert "own.json" in error
    assert "did you mean 'images'?" in error
    for bad in ("{", "[1]"):
        (tmp_path / "own.json").write_text(bad)
        assert "own.json is not a recipe" in run("train", "own.json", "--show").error


def test_inspect(run: Run, weights: Path, photographs: Path, tmp_path: Path) -> None:
    store = tiny.store(tmp_path / "store")
    done = run("inspect", "multiscale-s", photographs / "me.png", photographs / "dancer.png", "-o", "new/inside")
    assert done.code == 0, done
    assert "RANDOM" in done.err
    names = {path.name for path in Path("new/inside").iterdir()}
    assert {"result.png", "masks.png", "channels.png", "sheet.png", "index.md"} == names
    assert "Random weights" in Path("new/inside/index.md").read_text()
    assert "new/inside/masks.png: Attention masks" in done.out

    tuned = tiny.save(tmp_path / "mine", "multiscale-s", "canvas=market")
    done = run("inspect", tuned, "--store", store.folder, "--pair", 1)
    assert done.code == 0, done
    assert "warning" not in done.err
    folder = tmp_path / "out" / "inspect" / "mine"
    assert "pair 1 of test, store" in (folder / "index.md").read_text()
    first, second = store.pairs("test")[1].tolist()
    named = run("inspect", tuned, store.names[first], second, "-d", store.folder, "-o", "named")
    assert named.code == 0, named
    assert (folder / "masks.png").read_bytes() == Path("named/masks.png").read_bytes()
    built = run("inspect", tuned, first, second, "-d", store.folder, "-o", "built", "--retarget")
    assert built.code == 0, built
    assert (folder / "masks.png").read_bytes() != Path("built/masks.png").read_bytes()
    assert "has pairs 0 to 2, not 3" in run("inspect", tuned, "--store", store.folder, "--pair", 3).error
    assert "did you mean 'test_1.png'?" in run("inspect", tuned, "tst_1.png", 0, "-d", store.folder).error


def test_inspect_takes_maps_from_files(run: Run, photographs: Path, tmp_path: Path) -> None:
    me, dancer = photographs / "me.png", photographs / "dancer.png"
    tuned = tiny.save(tmp_path / "mine", "multiscale-s", "canvas=market")
    PIL.Image.fromarray(np.zeros(size(me)[::-1], np.uint8)).save("labels.png")
    assert run("inspect", tuned, me, dancer, "--source-parsing", "labels.png").code == 0
    error = run("inspect", tuned, me, dancer, "--source-parsing", "labels.png", "--labels", "art").error
    assert "no table of labels is called 'art'; did you mean 'atr'?" in error
    pinet = run("inspect", tuned, me, dancer, "--source-parsing", "labels.png", "--labels", "pinet")
    assert pinet.code == 0, pinet
    assert "note: labels.png: the order of the labels of 'pinet' is not published" in pinet.err
    PIL.Image.fromarray(np.zeros((5, 4), np.uint8)).save("labels.png")
    error = run("inspect", tuned, me, dancer, "--target-parsing", "labels.png").error
    assert "labels.png is 5x4, the picture that it belongs to" in error


def test_a_variant_without_an_inside_says_so(run: Run, photographs: Path, tmp_path: Path) -> None:
    bare = tiny.save(tmp_path / "bare", "multiscale-s", "network.links=none")
    done = run("inspect", bare, photographs / "me.png", photographs / "dancer.png")
    assert done.code == 0, done
    assert "nothing inside that could be shown" in done.out


def test_models(run: Run, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repose.weight_places.places", lambda: [weights.parent])
    shown = run("models")
    assert shown.code == 0
    for name in (*models.RECIPES, "tiny", "noise"):
        assert name in shown.out


def test_bench_forward(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repose.bench.forward.find_recipe", tiny.recipe)
    monkeypatch.setattr("repose.bench.forward.peak_gflops", lambda: 50.0)
    done = run(
        "bench", "forward", "patn-s", "--size", "64x32", "--rounds", "1", "--backends", "plain, folded",
        "--results", "results.jsonl",
    )  # fmt: skip
    assert done.code == 0, done
    assert "patn-s 64x32" in done.out
    line = json.loads((tmp_path / "results.jsonl").read_text())
    assert [row["backend"] for row in line["rows"]] == ["plain", "folded"]
    assert {"commit", "hardware", "date", "gmac", "peak_gflops"} <= set(line)


@pytest.mark.parametrize(
    ("words", "seed"),
    [
        (("synthetic",), 1),  # the shipped weights have seen 0
        (("synthetic", "--seed", "0"), 0),
        (("market1501", "folder"), 0),
        (("market1501", "folder", "--seed", "5"), 5),
    ],
)
def test_the_seed_of_a_store(words: tuple[str, ...], seed: int, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def synthetic(spec: SetSpec, *_: object) -> None:
        raise ValueError(f"seed {spec.seed}")

    def market(settings: Market1501, *_: object) -> None:
        raise ValueError(f"seed {settings.seed}")

    monkeypatch.setattr("repose.render.prepare.prepare_set", synthetic)
    monkeypatch.setattr(market1501, "MARKET1501", dataclasses.replace(market1501.MARKET1501, prepare=market))
    assert run("prepare", *words).error == f"error: seed {seed}"
    shown = run("prepare", "synthetic", "--help").out
    assert "takes up to 999,999" in " ".join(shown.replace("│", "").split())


def test_prepare_lists_the_data_sets_without_importing_them(run: Run) -> None:
    shown = run("prepare", "--help")
    assert shown.code == 0
    for name, (line, _) in DATA_SETS.items():
        assert any(name in row and line in row for row in shown.out.splitlines()), name
    program = (
        "import sys; sys.argv = ['repose', 'prepare', '--help']\nimport repose.cli as c\ntry: c.main()\n"
        "finally: print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "False", done


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_declares_every_option_and_has_the_common_ones(name: str, run: Run) -> None:
    data_set = resolve(DATA_SETS[name][1])
    assert list(inspect.signature(data_set.prepare).parameters) == ["settings", "out", "progress", "fresh"]
    shown = run("prepare", name, "--help")
    assert shown.code == 0, shown
    for field, _, setting in data_set.fields():
        word = setting.flag or field.name if field.default is dataclasses.MISSING else f"--{field.name}"
        assert (setting.flag or word) in shown.out
    for option in ("--out", "--fresh"):
        assert option in shown.out


def test_prepare_market1501(run: Run, tmp_path: Path) -> None:
    layout = tmp_path / "market"
    photographs = {"train": ["0001_a.jpg", "0001_b.jpg", "0002_a.jpg"], "test": ["0003_a.jpg", "0003_b.jpg"]}
    for split, names in photographs.items():
        (layout / f"bounding_box_{split}").mkdir(parents=True)
        for name in names:
            PIL.Image.new("RGB", (64, 128)).save(layout / f"bounding_box_{split}" / name)
        rows = [f"{name}: {[10] * 18}: {[20] * 18}\n" for name in [*names, f"0009_{split}.jpg"]]
        (layout / f"market-annotation-{split}.csv").write_text("name:keypoints_y:keypoints_x\n" + "".join(rows))
    (layout / "market-pairs-test.csv").write_text("from,to\n0003_a.jpg,0003_b.jpg\n")
    done = run("prepare", "market1501", "market", "--validation", 0)
    assert done.code == 0, done
    assert "left out: 2 x row without a photograph (0009_train.jpg, 0009_test.jpg)" in done.out
    assert "data/market1501; samples in data/market1501/samples.png" in done.out
    store = Store.open(tmp_path / "data" / "market1501")
    assert (store.dataset, len(store)) == ("market1501", 5)


def test_prepare_synthetic(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.render.draw.render import SyntheticUnavailable, create_context

    try:
        create_context().release()
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    done = run("prepare", "synthetic", "--people", 3, "--images", 2, "--size", "64x32", "-o", "people", "--workers", 1)
    assert done.code == 0, done
    assert len(Store.open(tmp_path / "people").names) == 6
    assert "people; samples in people/samples.png" in done.out
    assert size(tmp_path / "people" / "samples.png")[0] > 100


def test_a_named_set_and_the_layout_of_deepfashion(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.render.draw.render import SyntheticUnavailable, create_context

    try:
        create_context().release()
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    done = run("prepare", "synthetic", "--set", "people-s", "--people", 3, "--workers", 1)
    assert done.code == 0, done
    assert "people-s-3: 3 people in 4 pictures of 128x64; some seconds without a GPU" in done.err
    store = Store.open(tmp_path / "data" / "people-s")
    assert store.dataset == "people-s-3"
    done = run("export-layout", "data/people-s", "out/fashion", "--png")
    assert done.code == 0, done
    assert "out/fashion: 4 train, 4 val, 4 test" in done.out
    assert len(read_keypoints(tmp_path / "out" / "fashion" / "fasion-resize-annotation-test.csv")) == 4


def test_training_on_a_stream_begins_with_new_people(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, int]] = []

    def stream(text: str, start: int) -> None:
        opened.append((text, start))
        raise ValueError("far enough")

    monkeypatch.setattr("repose.render.stream.open_stream", stream)
    words = ("train", "patn-s", "-d", "synthetic:street:128x64", "-o", "run")
    assert "far enough" in run(*words).error
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "000012000.safetensors").write_bytes(b"")
    assert "far enough" in run(*words).error
    assert "far enough" in run(*words, "--fresh").error
    assert opened == [("synthetic:street:128x64", start) for start in (0, 12_000, 0)]
