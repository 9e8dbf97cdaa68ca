"""Networks and weights beforehand, from a real server of this machine that breaks off, sends another file, or knows no
ranges; from folders; and what `repose fetch` says."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repose.cli import app
from repose.hub import bring as bringing
from repose.hub.bring import Reports, bring
from repose.hub.download import DownloadError, WrongFileError, download, open_address
from repose.hub.files import FILES, File
from repose.hub.groups import GROUPS, INSTEAD, ITEMS, Item, choose
from repose.hub.weight_sets import SETS
from repose.locks import PathLock
from repose.metrics.picture_networks import NETWORKS
from repose.weight_places import FILES as FILES_OF_A_SET
from repose.weight_places import IN_THE_WHEEL, PUBLISHED

ROOT = Path(__file__).parents[2]
DATA = bytes(range(256)) * 400
SHA = hashlib.sha256(DATA).hexdigest()


@dataclass
class Server:
    """An HTTP server of this machine.

    Attributes:
        files: what it has.
        ranges: whether it knows Range.
        cuts: lengths after which it breaks the next answers off.
        busy: how many answers are 503 first.
        asked: the paths and ranges that were asked for.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    busy: int = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append((self.path, wanted))
            if state.busy:
                state.busy -= 1
                self.send_error(503)
                return
            data = state.files.get(self.path.lstrip("/"))
            if data is None:
                self.send_error(404)
                return
            start = int(re.findall(r"bytes=(\d+)-", wanted)[0]) if wanted and state.ranges else 0
            if start and start >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            body = data[start:]
            self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{http.server_port}"
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    for name in ("REPOSE_FILES", "REPOSE_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def get(server: Server, to: Path, checksum: str = SHA, attempts: int = 4, notes: list[str] | None = None) -> None:
    said = [] if notes is None else notes
    download(f"{server.url}/net.bin", to, checksum, open_address, attempts, 0.0, note=said.append)


def test_a_broken_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.files, server.cuts = {"net.bin": DATA}, [1000, 50_000]
    notes: list[str] = []
    get(server, tmp_path / "net.bin", notes=notes)
    assert (tmp_path / "net.bin").read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == [None, "bytes=1000-", "bytes=51000-"]
    assert len(notes) == 2
    assert all("net.bin: " in note and "another attempt" in note for note in notes)
    assert [path.name for path in tmp_path.iterdir()] == ["net.bin"]


def test_what_arrived_is_kept_for_the_next_command(server: Server, tmp_path: Path) -> None:
    server.files, server.cuts = {"net.bin": DATA}, [1000]
    with pytest.raises(DownloadError):
        get(server, tmp_path / "net.bin", attempts=1)
    assert not (tmp_path / "net.bin").exists()
    get(server, tmp_path / "net.bin", attempts=1)
    assert server.asked[-1][1] == "bytes=1000-"
    assert (tmp_path / "net.bin").read_bytes() == DATA


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.files, server.cuts, server.ranges = {"net.bin": DATA}, [1000], False
    get(server, tmp_path / "net.bin")
    assert (tmp_path / "net.bin").read_bytes() == DATA
    assert len(server.asked) == 2


def test_another_file_is_refused_and_nothing_of_it_is_kept(server: Server, tmp_path: Path) -> None:
    server.files = {"net.bin": b"<html>sign in</html>"}
    with pytest.raises(WrongFileError, match=hashlib.sha256(b"<html>sign in</html>").hexdigest()):
        get(server, tmp_path / "net.bin")
    assert list(tmp_path.iterdir()) == []
    assert len(server.asked) == 1, "the same wrong file would come again"


@pytest.mark.parametrize("length", [1000, len(DATA), len(DATA) + 7])
def test_the_part_of_another_file_is_fetched_anew(server: Server, tmp_path: Path, length: int) -> None:
    server.files = {"net.bin": DATA}
    (tmp_path / ".net.bin.part").write_bytes(b"x" * length)
    get(server, tmp_path / "net.bin")
    assert (tmp_path / "net.bin").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["net.bin"]


def test_a_whole_part_is_only_checked(server: Server, tmp_path: Path) -> None:
    server.files = {"net.bin": DATA}
    (tmp_path / ".net.bin.part").write_bytes(DATA)
    get(server, tmp_path / "net.bin")
    assert (tmp_path / "net.bin").read_bytes() == DATA


def test_two_processes_at_once_do_not_disturb_each_other(server: Server, tmp_path: Path) -> None:
    server.files = {"net.bin": DATA}
    held = PathLock(tmp_path / "net.bin", "fetching it")
    (tmp_path / ".net.bin.part").write_bytes(DATA[:1000])  # what the other has so far
    get(server, tmp_path / "net.bin")
    assert (tmp_path / "net.bin").read_bytes() == DATA
    assert server.asked == [("/net.bin", None)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".net.bin.lock", ".net.bin.part", "net.bin"]
    held.release()


def test_a_busy_server_is_asked_again_and_an_absent_file_is_not(server: Server, tmp_path: Path) -> None:
    server.files, server.busy = {"net.bin": DATA}, 2
    get(server, tmp_path / "net.bin")
    assert len(server.asked) == 3
    server.files.clear()
    with pytest.raises(DownloadError, match="the server answered 404"):
        get(server, tmp_path / "other.bin")
    assert len(server.asked) == 4


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"[Rr]efused"):
        download("http://127.0.0.1:9/net.bin", tmp_path / "net.bin", SHA, open_address, 4, 60.0)


# -- items ----------------------------------------------------------------------------------------------------------


def small(monkeypatch: pytest.MonkeyPatch, checksum: str = SHA) -> Item:
    """A file and a set of weights of our own, in place of the published ones."""
    one = File("net.bin", "https://example.invalid/net.bin", checksum, len(DATA), "CC0", "here")
    item = Item("net.bin", "network", "CC0", "a test", (one,))
    parts = tuple(File(f"tiny-s/{name}", None, SHA, len(DATA), "CC0", "here") for name in FILES_OF_A_SET[:2])
    monkeypatch.setitem(ITEMS, "net.bin", item)
    monkeypatch.setitem(ITEMS, "tiny-s", Item("tiny-s", "weights", "CC0", "a test", parts))
    return item


def test_from_a_mirror_into_the_cache(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    item = small(monkeypatch)
    server.files = {f"m/{name}": DATA for name in ("net.bin", "tiny-s/weights.safetensors", "tiny-s/recipe.json")}
    seen: list[int] = []
    reports = Reports(lambda name, done, total: seen.append(done))
    fetched = bring(item, source=f"{server.url}/m/", reports=reports)
    assert (fetched.status, fetched.path) == ("fetched", tmp_path / "cache" / "files" / "net.bin")
    assert seen[-1] == len(DATA)
    weights = bring(ITEMS["tiny-s"], source=f"{server.url}/m")
    assert (weights.status, weights.path) == ("fetched", tmp_path / "cache" / "weights" / "tiny-s")
    count = len(server.asked)
    assert bring(item, source=f"{server.url}/m").status == "here"
    assert bring(ITEMS["tiny-s"], source=f"{server.url}/m").status == "here"
    assert len(server.asked) == count


def test_a_short_checksum_does_not_trust_http(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files = {"net.bin": DATA}
    result = bring(small(monkeypatch, SHA[:8]), source=server.url)
    assert (result.status, result.path) == ("failed", None)
    assert "only https addresses are fetched" in result.reason


def test_a_folder_carried_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    item, stick = small(monkeypatch), tmp_path / "stick"
    (stick / "tiny-s").mkdir(parents=True)
    for name in ("net.bin", "tiny-s/weights.safetensors", "tiny-s/recipe.json"):
        (stick / name).write_bytes(DATA)
    monkeypatch.setenv("REPOSE_OFFLINE", "1")  # a folder needs no network
    assert [bring(one, source=stick).status for one in (item, ITEMS["tiny-s"])] == ["copied"] * 2
    assert [bring(one, source=stick).status for one in (item, ITEMS["tiny-s"])] == ["here"] * 2
    again = bring(item, to=tmp_path / "other", source=stick)
    assert (again.status, again.path) == ("copied", tmp_path / "other" / "net.bin")
    (stick / "net.bin").write_bytes(b"damaged")
    failed = bring(item, to=tmp_path / "third", source=stick)
    assert failed.status == "failed"
    assert SHA in failed.reason
    (stick / "net.bin").unlink()
    assert f"{stick} has no net.bin" in bring(item, to=tmp_path / "third", source=stick).reason
    assert "there is no folder" in bring(item, to=tmp_path / "third", source=tmp_path / "nowhere").reason


def test_offline_and_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    item = small(monkeypatch)
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    assert "REPOSE_OFFLINE is set" in bring(item).reason
    assert "no published address" in bring(ITEMS["mobilenet_v2_imagenet.safetensors"]).reason
    monkeypatch.setattr(bringing, "weight_folder", lambda name: None)
    reason = bring(ITEMS["carry-s-synthetic"]).reason
    assert "pip install pose-transfer-weights" in reason
    assert "repose fetch carry-s-synthetic --from" in reason


# -- the command ----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["fetch", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_command_says_what_it_does_and_what_failed(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small(monkeypatch)
    server.files = {"net.bin": DATA}
    code, out, err = run("net.bin", "tiny-s", "--from", server.url, "--to", str(tmp_path / "to"), "--attempts", "1")
    assert code == 3
    assert out.startswith("net.bin: 0.1 MB, CC0; a test\n  fetched in ")
    assert str(tmp_path / "to" / "net.bin") in out.replace("\n", "")
    assert "failed: the server answered 404" in err
    assert "1 of 2 could not be brought: tiny-s" in err
    code, out, _ = run("net.bin", "--from", server.url, "--to", str(tmp_path / "to"), "--json")
    (one,) = json.loads(out)["items"]
    assert code == 0
    assert (one["status"], one["sha256"]) == ("here", {"net.bin": SHA})


def test_the_list_names_everything_once_and_whole() -> None:
    code, out, _ = run("--list")
    assert code == 0
    for name in ITEMS:
        assert len(re.findall(rf"B  {re.escape(name)},", out)) == (name not in INSTEAD), name
    assert run()[1] == out
    document = json.loads(run("photographs", "--list", "--json")[1])
    assert [item["name"] for item in document["items"]] == list(GROUPS["photographs"][1])
    assert [item["name"] for item in json.loads(run("movenet", "--list", "--json")[1])["items"]] == [
        "movenet_lightning.tflite"
    ]
    with pytest.raises(ValueError, match=r"'carry-synthetic' \(groups: photographs.*all\); did you mean 'carry-s-syn"):
        run("carry-synthetic")
    with pytest.raises(ValueError, match=r"'vgg' .*; it may be vgg19-dcbb9e9d\.pth, vgg16-397923af\.pth"):
        run("vgg")


# -- the lists ------------------------------------------------------------------------------------------------------


def test_the_lists_agree_with_what_there_is() -> None:
    assert tuple(SETS) == PUBLISHED
    for name, (_, members) in GROUPS.items():
        assert set(members) <= ITEMS.keys(), name
    in_groups = {name for _, members in GROUPS.values() for name in members}
    assert in_groups | set(INSTEAD) | set(IN_THE_WHEEL) == ITEMS.keys()
    used = {name for source in NETWORKS.values() for name in source.files}
    used = {one for name in used for one in INSTEAD.get(name, (name,))}
    assert used <= set(GROUPS["metrics"][1])
    assert {item.name for item in choose(["all"])} == set(ITEMS) - set(INSTEAD)
    assert [item.name for item in choose(["hands", "hands"])] == list(GROUPS["hands"][1])
    assert [item.name for item in choose(["alexnet_features_lpips.safetensors"])] == [
        "alexnet-owt-7be5be79.pth",
        "lpips_v0.1_alex.pth",
    ]
    assert not set(FILES) & set(SETS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_checksums_of_weights_are_those_of_the_files(name: str) -> None:
    folder = ROOT / "weights" / name
    there = {
        f"{name}/{file}": hashlib.sha256((folder / file).read_bytes()).hexdigest()
        for file in FILES_OF_A_SET
        if file != "CARD.md" and (folder / file).is_file()
    }
    listed = {file.name: file.sha256 for file in SETS[name].files}
    assert listed == there, f"src/repose/hub/weight_sets.py: the files of {name} are {there}"
    assert all(file.size == (folder.parent / file.name).stat().st_size for file in SETS[name].files)


def test_from_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = bring(ITEMS["garment-s-synthetic"], to=tmp_path / "to", source=ROOT)
    assert (result.status, result.path) == ("copied", tmp_path / "to" / "garment-s-synthetic")
    monkeypatch.setattr("repose.weight_places.places", lambda: [tmp_path / "to"])
    from repose.models.weights import load_generator

    assert load_generator(tmp_path / "to" / "garment-s-synthetic")[1].model == "garment"
