"""What docs/shell.md promises of every verb: pipes, --json, exit statuses, progress in a file, completion."""

import ctypes
import errno
import functools
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import typer.main
from rich.console import Console

import repose
from repose import cli
from repose.cli import completion, every_verb, pipes, progress, reporting
from repose.cli.common import AsJson
from repose.files import DiskFullError
from tests import tiny

ROOT = Path(__file__).parents[1]
COMMON = {
    "schema", "command", "version", "status", "inputs", "outputs", "numbers", "notes", "skipped", "seconds",
}  # fmt: skip


class Streams:
    """Bytes for stdin, and what arrives at stdout and stderr."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def __call__(self, *words: object, stdin: bytes = b"", terminal: bool = False) -> tuple[int, bytes, str]:
        out, err = io.BytesIO(), io.StringIO()
        shown = io.TextIOWrapper(out, encoding="utf-8")
        if terminal:
            self._patch.setattr(shown, "isatty", lambda: True, raising=False)
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self._patch.setattr(sys, "argv", ["repose", *map(str, words)])
        with self._patch.context() as patch:
            patch.setattr(sys, "stdout", shown)
            patch.setattr(sys, "stderr", err)
            try:
                cli.main()
                code = 0
            except SystemExit as ending:
                code = int(str(ending.code or 0))
            shown.flush()
        return code, out.getvalue(), err.getvalue()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Streams:
    """The command in this process, in a folder with me.png and dancer.png, with an estimator of people of dots."""
    tiny.seeing(monkeypatch)
    monkeypatch.chdir(tmp_path)
    tiny.photograph(tmp_path / "me.png", 100, 200, 15, 20, 160)
    tiny.photograph(tmp_path / "dancer.png", 130, 200, 20, 10, 150)
    return Streams(monkeypatch)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("weights") / "tiny")


# -- pipes ----------------------------------------------------------------------------------------------------------


def pixels(data: bytes) -> Any:
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return picture.format, np.asarray(picture.convert("RGB"))


def test_a_photograph_through_pipes_is_the_photograph_in_a_file(run: Streams, weights: Path, tmp_path: Path) -> None:
    assert run("transfer", "me.png", "dancer.png", "-m", weights, "-o", "out.png")[0] == 0
    expected = pixels((tmp_path / "out.png").read_bytes())[1]
    for words, given in ((("-", "dancer.png"), "me.png"), (("me.png", "-"), "dancer.png")):
        code, out, err = run(
            "transfer", *words, "-m", weights, "-o", "-", stdin=(tmp_path / given).read_bytes()
        )  # fmt: skip
        assert code == 0, err
        format, shown = pixels(out)
        assert format == "PNG"
        assert (shown == expected).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dancer.png", "me.png", "out.png", "out.sheet.png"]
    code, out, err = run("transfer", "me.png", "dancer.png", "-m", weights, "-o", "-", "--format", "webp")
    assert code == 0, err
    assert pixels(out)[0] == "WEBP"


def test_poses_through_pipes(run: Streams, tmp_path: Path) -> None:
    code, poses, err = run("estimate", "-", "-o", "-", stdin=(tmp_path / "me.png").read_bytes())
    assert code == 0, err
    assert len(json.loads(poses)["poses"] if "poses" in json.loads(poses) else json.loads(poses)) >= 1
    code, table, err = run("convert-pose", "-", "-", "--format", "patn", stdin=poses)
    assert code == 0, err
    assert table.startswith(b"name:keypoints_y:keypoints_x")
    assert b"stdin" in table


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (("transfer", "-", "-", "-o", "-"), b"x", "can be read once"),
        (("transfer", "-", "dancer.png"), b"", "holds nothing"),
        (("transfer", "-", "dancer.png"), b"\0nothing", "stdin"),
        (("transfer", "me.png", "dancer.png", "-o", "-", "--json"), b"", "leave one of them away"),
        (("transfer", "me.png", "dancer.png", "-o", "-", "--format", "pngg"), b"", "did you mean 'png'"),
        (("transfer", "me.png", "dancer.png", "--format", "png"), b"", "--format is of -o -"),
        (("transfer", ".", "dancer.png", "-o", "-"), b"", "is a folder"),
        (("tune", "me.png", "-o", "-"), b"", "does not write one file"),
    ],
)
def test_streams_that_cannot_be_used(words: tuple[str, ...], stdin: bytes, told: str, run: Streams) -> None:
    code, _, err = run(*words, stdin=stdin)
    assert code == 2
    (line,) = [line for line in err.splitlines() if line.startswith("error:")]
    assert told in line
    assert "repose-" not in line, "the temporary folder is nobody's business"


def test_a_terminal_gets_no_picture(run: Streams) -> None:
    code, out, err = run("transfer", "me.png", "dancer.png", "-o", "-", terminal=True)
    assert (code, out) == (2, b"")
    assert "which is a terminal" in err


@pytest.mark.parametrize(
    ("begin", "suffix"),
    [
        (b"\x89PNG\r\n", ".png"), (b"\xff\xd8\xff\xe0", ".jpg"), (b"RIFF1234WEBPVP8 ", ".webp"), (b"GIF89a", ".gif"),
        (b"\0\0\0\x18ftypmp42", ".mp4"), (b"\0\0\0\x18ftypheic", ".heic"), (b' {"people": []}', ".json"),
        (b"name:keypoints_y", ".csv"), (b"\x93NUMPY", ".npy"), (b"\0\1\2\3", ".bin"),
    ],
)  # fmt: skip
def test_what_stdin_holds_its_first_bytes_tell(begin: bytes, suffix: str) -> None:
    assert pipes.suffix_of(begin) == suffix


# -- the document of --json ----------------------------------------------------------------------------------------


def verbs() -> Iterator[tuple[str, Any]]:
    """Every verb of the command with its parsed options."""

    def inside(group: Any, path: str) -> Iterator[tuple[str, Any]]:
        for name in group.commands:
            command = group.commands[name]
            if hasattr(command, "commands"):
                yield from inside(command, f"{path}{name} ")
            else:
                yield f"{path}{name}", command

    yield from inside(typer.main.get_command(cli.app), "")


def test_every_verb_has_json() -> None:
    names = []
    for name, command in verbs():
        options = {option for parameter in command.params for option in parameter.opts}
        assert ("--json" in options) == (name not in every_verb.WITHOUT_JSON), name
        names.append(name)
    assert {"transfer", "train", "tune", "bench latency", "prepare folder", "research turns", "study table"} <= set(
        names
    )


def document(run: Streams, *words: object) -> tuple[int, dict[str, Any]]:
    code, out, err = run(*words, "--json")
    (line,) = out.decode().splitlines()
    told = json.loads(line)
    assert told.keys() >= COMMON, err
    assert told["status"] == code
    return code, told


def test_documents_of_verbs(run: Streams, weights: Path, tmp_path: Path) -> None:
    code, told = document(run, "models")
    assert (code, told["command"]) == (0, "models")
    assert {"patn-s", "bodywarp-s"} <= {one["name"] for one in told["recipes"]}
    code, told = document(run, "estimate", "me.png", "-o", "me.json")
    assert (code, told["inputs"], told["outputs"][0]) == (0, ["me.png"], {"path": "me.json", "kind": "keypoints"})
    code, told = document(run, "convert-pose", "me.json", "me.csv")
    assert (code, told["numbers"], told["inputs"]) == (0, {"poses": 1}, ["me.json"])
    assert told["outputs"] == [{"path": "me.csv", "kind": "poses"}]
    code, told = document(run, "transfer", "me.png", "dancer.png", "-m", weights, "-o", "out.png")
    assert {"me.png", "dancer.png"} <= set(told["inputs"])
    code, told = document(run, "train", "patn-s", "--show")
    assert json.loads("\n".join(told["text"]))["model"] == "patn"
    code, told = document(run, "study", "protocols")
    assert code == 0
    assert any("roy" in line for line in told["text"])


def test_documents_of_a_whole_chain(run: Streams, tmp_path: Path) -> None:
    """From photographs to a table, each verb for real: what one document says it wrote, the next verb reads."""
    for person in ("anna", "bert", "cleo", "dora"):
        for view, left in (("front", 15), ("back", 30)):
            tiny.photograph(tmp_path / "photos" / person / f"{view}.png", 100, 200, left, 20, 160)
    code, told = document(run, "prepare", "folder", "photos", "-o", "store", "--size", "128x64")
    assert (code, told["outputs"]) == (0, [{"path": "store", "kind": "store"}])
    settings = [*tiny.words(), "images=8", "tick=4", "data.batch=2"]
    code, told = document(run, "train", "patn-s", *settings, "-d", told["outputs"][0]["path"], "-o", "run")
    assert (code, told["numbers"]["images"], told["outputs"]) == (0, 8, [{"path": "run", "kind": "run"}])
    assert np.isfinite(list(told["numbers"]["losses"].values())).all()
    trained = (told["outputs"][0]["path"], "-d", "store")
    code, told = document(run, "eval", *trained, "--pose", "none", "--features", "none", "-o", "sheet.png")
    assert code == 0
    assert [one["path"] for one in told["outputs"]] == ["sheet.png"]
    (line,) = told["numbers"]["evaluations"]
    assert (line["model"], line["pairs"], set(line["rows"])) == ("run", 2, {"target", "source", "generated"})
    code, told = document(run, "generate", *trained, "-o", "pictures")
    assert (code, told["outputs"]) == (0, [{"path": "pictures", "kind": "folder"}])
    assert told["numbers"]["pictures"] == len(list((tmp_path / "pictures").glob("*.png"))) > 0


def test_documents_of_measurements(run: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.bench import forward

    monkeypatch.setattr(forward, "print_forward", lambda times, screen: screen.print("shown"))
    monkeypatch.setattr(
        forward, "time_forward", lambda *words, **more: type("Times", (), {"line": lambda self: {"bench": "forward",
                                                                                              "seed": None}})(),
    )  # fmt: skip
    code, told = document(run, "bench", "forward", "patn-s", "--results", "forward.jsonl")
    assert (code, told["command"], told["text"]) == (0, "bench forward", ["shown"])
    assert told["numbers"]["bench"] == "forward"
    assert told["outputs"] == [{"path": "forward.jsonl", "kind": "file"}]


def test_a_document_of_a_verbs_own_gets_what_all_have(run: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    def own(as_json: AsJson = False) -> None:
        cli.stdout.print_json('{"items": [1, 2]}')
        raise typer.Exit(3)

    monkeypatch.setitem(cli.VERBS, "own", own)
    code, told = document(run, "own")
    assert (code, told["status"], told["command"], told["items"]) == (3, 3, "own", [1, 2])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("convert", "none.pth", "-r", "patn-market"), "none.pth"),
        (("generate", "none", "-d", "none", "-o", "out"), "none"),
        (("eval", "none", "-d", "none"), "none"),
        (("prepare", "market1501", "none"), "none"),
        (("bench", "loading", "-d", "none"), "none"),
        (("study", "table", "none.db"), "none.db"),
        (("inspect", "default"), "give SOURCE and TARGET"),
        (("transfer", "me.png", "dancer.png", "--nothing"), "--nothing"),
        (("transfer", "-", "dancer.png"), "holds nothing"),
    ],
)
def test_an_error_is_a_document(words: tuple[str, ...], text: str, run: Streams) -> None:
    code, told = document(run, *words)
    assert code == 2
    assert text in told["error"]["text"]
    assert told["error"]["kind"]


# -- exit statuses -------------------------------------------------------------------------------------------------


def begun(*words: str, folder: Path, **settings: Any) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "repose", *words], cwd=folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings,
    )  # fmt: skip


def test_the_help_and_the_page_tell_every_status(run: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.cli import reporting

    known = {0, reporting.FAILED, reporting.SKIPPED, reporting.INTERRUPTED, pipes.CLOSED, reporting.TERMINATED}
    page = (ROOT / "docs" / "shell.md").read_text()
    assert {int(status) for status in re.findall(r"^\| (\d+) \|", page, re.M)} == known
    shown = run("--help")[1].decode()
    told = shown[shown.index("Exit status:") : shown.index("docs/shell.md")]
    assert {int(status) for status in re.findall(r"\b(\d+) ", told)} == known


def test_statuses_0_2_and_3(run: Streams, weights: Path, tmp_path: Path) -> None:
    words = ("transfer", "people", "dancer.png", "-m", weights, "-o", "sheet.png")
    (tmp_path / "people").mkdir()
    (tmp_path / "me.png").rename(tmp_path / "people" / "me.png")
    assert run(*words)[0] == 0
    PIL.Image.new("RGB", (60, 90)).save(tmp_path / "people" / "nobody.png")
    code, told = document(run, *words)
    assert (code, [Path(one["path"]).name for one in told["skipped"]]) == (3, ["nobody.png"])
    assert run("transfer", "none.png", "dancer.png")[0] == 2


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("sent", "status", "said"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "stopped")]
)
def test_signals(sent: signal.Signals, status: int, said: str, tmp_path: Path) -> None:
    """A study's server, which waits until it is stopped; the reader of the line ends the waiting."""
    made = begun("convert-pose", "-", "-", folder=tmp_path, stdin=subprocess.PIPE)  # waits for stdin
    for _ in range(600):
        time.sleep(0.02)
        if any(path.name == "stdin" for path in _temporary(made.pid)):
            break
    made.send_signal(sent)
    _, err = made.communicate(timeout=60)
    assert made.returncode == status, err
    assert err.decode().split() == [said]


def _temporary(pid: int) -> list[Path]:
    """Files that a process has open."""
    found = []
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.append(link.readlink())
        except OSError:
            continue
    return found


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    made = begun("models", folder=tmp_path)
    assert made.stdout is not None
    made.stdout.close()
    assert made.stderr is not None
    err = made.stderr.read()
    assert (made.wait(60), err) == (141, b"")


# -- progress ------------------------------------------------------------------------------------------------------


def lines(steps: int, every: float, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a file gets of so many steps that take so many seconds each."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    file = io.StringIO()
    with progress.progress_bar(Console(file=file, width=80)) as bar:
        task = bar.add_task("transfer", total=steps)
        for _ in range(steps):
            now[0] += every
            bar.advance(task)
    return file.getvalue().splitlines()


def test_progress_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = lines(1000, 0.01, monkeypatch)
    assert len(quick) == 10
    assert quick[0] == "transfer 100/1,000, 9 s left"
    assert quick[-1] == "transfer 1,000/1,000"
    slow = lines(1000, 2.0, monkeypatch)
    assert len(slow) == 200
    assert slow[0] == "transfer 5/1,000, 33 min left"
    assert lines(3, 1.0, monkeypatch) == ["transfer 1/3, 2 s left", "transfer 2/3, 1 s left", "transfer 3/3"]
    assert all(re.fullmatch(r"[\w /,]+", line) for line in (*quick, *slow))


def test_no_line_is_empty(run: Streams, weights: Path) -> None:
    for words in (("transfer", "me.png", "none.png"), ("transfer", "me.png", "dancer.png", "-m", weights)):
        err = run(*words)[2]
        assert all(line.strip() for line in err.splitlines())
        assert "\x1b" not in err


def test_a_bar_begins_with_its_first_task() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    with pytest.raises(ValueError, match="early"), progress.progress_bar(console):
        raise ValueError("early")
    assert file.getvalue() == ""


# -- names and completion ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("width", [40, 80, 120, 250])
def test_names_of_models_are_whole(width: int, terminal: bool, run: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.models import RECIPES

    monkeypatch.setattr(cli.stdout, "width", width)
    monkeypatch.setattr(cli.stdout, "_force_terminal", terminal)
    code, out, _ = run("models")
    assert code == 0
    words = set(out.decode().split())
    assert {*RECIPES, *completion.models("bodywarp-s-synth")} <= words


def test_the_words_of_completion_are_those_of_the_library() -> None:
    from repose.apps.motion.loops import MOTIONS
    from repose.estimate import ESTIMATORS
    from repose.metrics.protocols import PROTOCOLS
    from repose.pipeline import DEVICES
    from repose.scene import BACKGROUNDS

    assert completion.BACKGROUNDS == BACKGROUNDS
    assert set(completion.DEVICES) == set(DEVICES)
    assert set(completion.MOTIONS) == set(MOTIONS)
    assert set(completion.ESTIMATORS) == set(ESTIMATORS["keypoints"])
    assert set(completion.MASKS) == {"auto", "none", *ESTIMATORS["mask"]}
    assert set(completion.PROTOCOLS) == {name.partition("@")[0] for name in PROTOCOLS}


QUICK = """
import os, sys
sys.argv = ["repose"]
from repose.cli import main
try:
    main()
finally:
    heavy = {"torch", "numpy", "numba", "PIL", "scipy"} & set(sys.modules)
    assert not heavy, heavy
"""


@pytest.mark.parametrize(
    ("shell", "line", "offered"),
    [
        ("bash", "repose transfer -m bodyw", "bodywarp-s-synthetic"),
        ("zsh", "repose transfer --background wh", "white"),
        ("fish", "repose animate --motion da", "dance"),
        ("bash", "repose train patn-sm", ""),
        ("bash", "repose train bodywarp-", "bodywarp-s"),
        ("bash", "repose prepare mark", "market1501"),
        ("bash", "repose eval -p roy-fashion-", "roy-fashion-jpeg"),
    ],
)
def test_completion(shell: str, line: str, offered: str) -> None:
    asked = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "_REPOSE_COMPLETE": f"complete_{shell}"} | asked
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", QUICK], env=environment, capture_output=True, text=True, check=False
    )
    assert offered in done.stdout
    assert "heavy" not in done.stderr
    assert "Error" not in done.stderr, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown(shell: str, run: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer._completion_shared._get_shell_name", lambda: shell)
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    code, out, err = run("--show-completion")
    assert code == 0, err
    assert "_REPOSE_COMPLETE" in out.decode()


# -- a quick start -------------------------------------------------------------------------------------------------

HEAVY = {"torch", "numpy", "numba", "scipy", "PIL", "lightning", "ai_edge_litert"}


def loaded(code: str) -> set[str]:
    """Which of the heavy packages a fresh Python has after this code."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return HEAVY & set(done.stdout.split())


def test_the_import_of_the_package_and_of_the_command_loads_nothing_heavy() -> None:
    assert loaded("import repose, repose.cli") == set()


def test_the_geometry_of_two_bodies_imports_no_compiler() -> None:
    """PyTorch's takes more than a second of `repose transfer`, numba's with SciPy's a third of one (once compiled)."""
    code = """
import torch
from repose.models.bodywarp.geometry import pair_geometry
joints = torch.tensor([[60.0 + 9 * (k % 5), 40 + 10 * (k // 2), 1] for k in range(18)])
pair_geometry(joints[None], joints[None] + 1, 256, 176)
assert "torch._dynamo" not in sys.modules
"""
    loaded(code)
    loaded(code + 'assert "scipy.linalg" not in sys.modules\n')


def test_compiling_is_told_once(tmp_path: Path) -> None:
    """The first run of an installation compiles its loops: a line says why nothing happens."""
    (tmp_path / "kernels.py").write_text(
        "from repose.compiled import jit\n\n\n@jit\ndef one(value):\n    return value + 1\n\n\n"
        "@jit\ndef two(value):\n    return value + 2\n"
    )
    code = "from repose import cli\ncli._tell_of_compiling()\nimport kernels\nprint(kernels.one(1) + kernels.two(1))\n"
    paths = os.pathsep.join([str(tmp_path), str(Path(repose.__file__).parents[1])])
    env = {**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    said = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert done.stdout == "5\n"
        said.append(done.stderr)
    assert said == ["note: compiling loops for this machine, which happens once and takes up to a minute\n", ""]


def test_a_full_disk_is_no_skipped_picture() -> None:
    """The next picture would not fit either: the command ends, and says why."""
    report = reporting.Report("estimate", False)
    full = DiskFullError(Path("out/b.png"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(DiskFullError, match=r"out/b\.png could not be written: the disk is full"):
        skip(report, full)


def skip(report: reporting.Report, error: Exception) -> None:
    with report.skipping(Path("a.png"), alone=False):
        raise error


def test_a_signal_that_c_code_swallows_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a callback of C raises is lost: Ctrl-C in the middle of one must end the command all the same."""
    monkeypatch.setattr(cli, "_MAIN", os.getpid())
    monkeypatch.setattr(sys, "unraisablehook", functools.partial(cli._deliver_again, sys.unraisablehook))

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # noqa: PT012  the second one comes while it waits
        ctypes.CFUNCTYPE(None)(interrupted)()
        time.sleep(20)
