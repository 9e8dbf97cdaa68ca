"""Files: found by name and checksum, fetched once, refused when wrong."""

import hashlib
import io
import urllib.error
from pathlib import Path

import pytest

from repose.files import cache_folder
from repose.hub import fetch
from repose.hub.fetch import FileMissingError, locate
from repose.hub.files import FILES, File

DATA = b"weights" * 1000
SHA = hashlib.sha256(DATA).hexdigest()
FILE = File("net.bin", "https://example.org/net.bin", SHA, len(DATA), "CC0", "made here", aliases=("other.bin",))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("REPOSE_FILES", raising=False)
    monkeypatch.delenv("REPOSE_OFFLINE", raising=False)


class Server:
    """Stands in for the network: gives `data`, or raises it, and counts."""

    def __init__(self, data: bytes | Exception) -> None:
        self.data, self.asked = data, 0

    def __call__(self, url: str) -> io.BytesIO:
        self.asked += 1
        if isinstance(self.data, Exception):
            raise self.data
        return io.BytesIO(self.data)


def serve(monkeypatch: pytest.MonkeyPatch, data: bytes | Exception) -> Server:
    server = Server(data)
    monkeypatch.setattr(fetch, "_open", server)
    return server


def test_fetched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(monkeypatch, DATA)
    path = locate(FILE)
    assert path.read_bytes() == DATA
    assert path.is_relative_to(cache_folder())
    assert locate(FILE) == path
    assert server.asked == 1
    assert [p.name for p in path.parent.iterdir()] == ["net.bin"], "no temporary file is left"


def test_prefix_of_a_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, DATA)
    assert locate(File("net.bin", FILE.url, SHA[:8], None, "CC0", "here")).read_bytes() == DATA
    with pytest.raises(FileMissingError, match="begins with 00000000"):
        locate(File("b.bin", FILE.url, "00000000", None, "CC0", "here"))


@pytest.mark.parametrize("name", ["net.bin", "other.bin"])
def test_local_folders_come_first(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(monkeypatch, DATA)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / name).write_bytes(DATA)
    monkeypatch.setenv("REPOSE_FILES", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert locate(FILE) == tmp_path / "b" / name
    assert server.asked == 0


def test_a_wrong_local_copy_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.bin").write_bytes(b"something else")
    monkeypatch.setenv("REPOSE_FILES", str(tmp_path))
    serve(monkeypatch, DATA)
    assert locate(FILE).read_bytes() == DATA
    assert (tmp_path / "net.bin").read_bytes() == b"something else"


def test_wrong_bytes_from_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, b"<html>not found</html>")
    with pytest.raises(FileMissingError) as caught:
        locate(FILE)
    text = str(caught.value)
    digest_of_page = hashlib.sha256(b"<html>not found</html>").hexdigest()
    for part in (
        "net.bin",
        "https://example.org/net.bin",
        SHA,
        digest_of_page,
        str(cache_folder() / "files"),
        "REPOSE_FILES",
    ):
        assert part in text
    assert not list(cache_folder().rglob("*.*")), "nothing is kept of it"


def test_broken_cache_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(monkeypatch, DATA)
    path = locate(FILE)
    path.write_bytes(DATA[:-1])
    assert locate(FILE).read_bytes() == DATA
    assert server.asked == 2


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, urllib.error.URLError("no route to host"))
    with pytest.raises(FileMissingError, match="no route to host") as caught:
        locate(FILE)
    assert isinstance(caught.value, FileNotFoundError)
    assert SHA in str(caught.value)


def test_offline_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(monkeypatch, DATA)
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    with pytest.raises(FileMissingError, match="REPOSE_OFFLINE"):
        locate(FILE)
    assert server.asked == 0


def test_no_address() -> None:
    with pytest.raises(FileMissingError, match="no published address"):
        locate(FILES["mobilenet_v2_imagenet.safetensors"])


def test_only_https() -> None:
    with pytest.raises(FileMissingError, match="only https"):
        locate(File("net.bin", "http://example.org/net.bin", SHA, None, "CC0", "here"))


def test_an_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, DATA)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(FileMissingError, match=r"net\.bin"):
        locate(FILE)


def test_the_list() -> None:
    for name, file in FILES.items():
        assert file.name == name
        assert file.url is None or file.url.startswith("https://")
        assert file.url or file.advice
        assert file.licence
        assert len(file.sha256) == 64, "pinned whole"
        int(file.sha256, 16)


@pytest.mark.parametrize("name", ["movenet_lightning.tflite", "mobilenet_v2_imagenet.safetensors"])
def test_local_models(name: str, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    path = locate(FILES[name])
    assert path.stat().st_size == FILES[name].size
