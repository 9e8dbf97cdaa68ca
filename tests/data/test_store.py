"""The packed store: what goes in comes out, and damage of every kind is noticed."""

import errno
import json
import os
import signal
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.data import Store, StoreWriter
from repose.data.store import meta as store_meta
from repose.person import LIP_LABELS

HEIGHT, WIDTH = 12, 8


def record(seed: int) -> dict[str, np.ndarray]:
    """A random record with every field."""
    random = np.random.default_rng(seed)
    keypoints = random.uniform(0, WIDTH - 1, (18, 3)).astype(np.float32)
    keypoints[:, 2] = random.choice([0.0, 0.5, 1.0], 18)
    keypoints[keypoints[:, 2] == 0] = 0
    shape = (HEIGHT, WIDTH)
    return {
        "image": random.integers(0, 256, (*shape, 3), dtype=np.uint8),
        "keypoints": keypoints,
        "parsing": random.integers(0, len(LIP_LABELS), shape, dtype=np.uint8),
        "mask": random.integers(0, 2, shape, dtype=np.uint8) * np.uint8(255),
        "iuv": random.integers(0, 25, (*shape, 3), dtype=np.uint8),
        "depth": random.uniform(0, 9, shape).astype(np.float16),
    }


def fill(folder: Path, people: tuple[int, ...] = (3, 2, 1), **options: object) -> Store:
    """A store of people with that many pictures each; the last two records are a test split with one listed pair."""
    with StoreWriter(folder, HEIGHT, WIDTH, "made", **options) as writer:  # type: ignore[arg-type]
        for person, count in enumerate(people):
            for view in range(count):
                writer.add(f"{person}_{view}", f"p{person}", **record(10 * person + view))
        for view in range(2):
            writer.add(f"t_{view}", "t", **record(1000 + view), split="test")
        writer.leave_out("gone.jpg", "broken", "bytes 3 to 5")
        writer.leave_out("away.jpg", "broken")
        writer.finish({"test": [("t_1", "t_0")]})
    return Store.open(folder, verify=True)


def test_fields_come_out_as_they_went_in(tmp_path: Path) -> None:
    store = fill(tmp_path / "s")
    assert len(store) == 8
    assert store.size == (HEIGHT, WIDTH)
    rows = [store.index("1_1"), store.index("0_2")]
    person = store.person(rows)
    for at, seed in enumerate((11, 2)):
        wanted = record(seed)
        got = person[at]
        image = ((got.image + 1) * 127.5).round().permute(1, 2, 0)
        assert np.array_equal(image.numpy(), wanted["image"])
        assert np.array_equal(got.keypoints.numpy(), wanted["keypoints"])
        assert np.array_equal(got.parsing.numpy(), wanted["parsing"])
        assert np.array_equal(got.mask[0].numpy() * 255, wanted["mask"])
        assert np.array_equal(got.iuv[0].numpy(), wanted["iuv"][..., 0])
        assert np.allclose(got.iuv[1:].permute(1, 2, 0).numpy() * 255, wanted["iuv"][..., 1:], atol=1e-4)
        assert np.array_equal(got.depth[0].numpy(), wanted["depth"].astype(np.float32))
    assert person.image.min() >= -1
    assert person.image.max() <= 1
    assert person.parsing.dtype == torch.int64


def test_a_batch_may_be_changed_and_the_store_does_not_notice(tmp_path: Path) -> None:
    store = fill(tmp_path / "s")
    before = store.person([0], ["keypoints"]).keypoints.clone()
    store.person([0], ["keypoints"]).keypoints.zero_()
    assert torch.equal(store.person([0], ["keypoints"]).keypoints, before)
    Store.open(tmp_path / "s", verify=True)


def test_only_the_fields_that_are_asked_for(tmp_path: Path) -> None:
    store = fill(tmp_path / "s")
    person = store.person(torch.tensor([3]), fields=["keypoints"])
    assert person.image is None
    assert person.size == (HEIGHT, WIDTH)
    with pytest.raises(ValueError, match="no 'normals'"):
        store.person([0], ["normals"])
    with pytest.raises(IndexError):
        store.person([8])


def test_pairs_are_all_ordered_pairs_of_one_person_or_the_list(tmp_path: Path) -> None:
    store = fill(tmp_path / "s")
    names = [[store.names[i] for i in pair] for pair in store.pairs("train").tolist()]
    wanted = [pair for p, n in ((0, 3), (1, 2)) for pair in permutations([f"{p}_{v}" for v in range(n)], 2)]
    assert sorted(map(tuple, names)) == sorted(wanted)
    assert store.pairs("test").tolist() == [[store.index("t_1"), store.index("t_0")]]
    assert store.split("test").tolist() == [6, 7]
    with pytest.raises(KeyError, match="did you mean 'train'"):
        store.pairs("tran")
    with pytest.raises(KeyError, match="did you mean '1_1'"):
        store.index("1_11")


def test_report_counts_and_names(tmp_path: Path) -> None:
    report = fill(tmp_path / "s").report
    assert report.photographs == {"train": 6, "test": 2}
    assert report.people == {"train": 3, "test": 1}
    assert report.pairs == {"train": 8, "test": 1}
    assert report.reasons == {"broken": 2}
    assert [item.name for item in report.left_out] == ["gone.jpg", "away.jpg"]


def test_checksum_stands_for_the_content(tmp_path: Path) -> None:
    one, same = fill(tmp_path / "a"), fill(tmp_path / "b", provenance={"when": "later"})
    other = fill(tmp_path / "c", people=(3, 2, 2))
    assert one.checksum == same.checksum
    assert one.checksum != other.checksum
    assert len(one.checksum) == 12


@pytest.mark.parametrize("name", ["image.u8", "keypoints.f32", "pairs-test.i64"])
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "s")
    path = tmp_path / "s" / name
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)
    for verify in (False, True):
        with pytest.raises(ValueError, match=f"{name} is damaged.*sha256"):
            Store.open(tmp_path / "s", verify=verify)
    path.write_bytes(data[:-1])
    with pytest.raises(ValueError, match=rf"{name} has {len(data) - 1} bytes, {len(data)} expected"):
        Store.open(tmp_path / "s")
    path.unlink()
    with pytest.raises(ValueError, match=f"{name} is missing"):
        Store.open(tmp_path / "s")


def test_a_large_file_is_compared_by_samples_unless_it_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two stores of one size that were mixed have it; what no sample shows, `verify` does."""
    monkeypatch.setattr(store_meta, "SMALL", 0)
    monkeypatch.setattr(store_meta, "_SAMPLE", 2)
    one, other = fill(tmp_path / "a"), fill(tmp_path / "b", people=(2, 4))
    assert one.report.photographs == other.report.photographs
    path = tmp_path / "a" / "image.u8"
    whole = path.read_bytes()
    path.write_bytes((tmp_path / "b" / "image.u8").read_bytes()[: len(whole)])
    with pytest.raises(ValueError, match=r"image.u8 is damaged, or of another store: its sha256 does not match meta"):
        Store.open(tmp_path / "a")
    path.write_bytes(whole[:9] + bytes([whole[9] ^ 1]) + whole[10:])
    Store.open(tmp_path / "a")
    with pytest.raises(ValueError, match=r"image.u8 is damaged"):
        Store.open(tmp_path / "a", verify=True)
    path.write_bytes(whole)
    meta = json.loads((tmp_path / "a" / "meta.json").read_text())
    del meta["samples"]  # as stores were before
    (tmp_path / "a" / "meta.json").write_text(json.dumps(meta))
    assert Store.open(tmp_path / "a", verify=True).checksum == one.checksum


WRONG_META: dict[str, tuple[str, object]] = {
    "a field that is missing": ("provenance", None),
    "names of another number": ("names", ["a"]),
    "a canvas that is none": ("canvas", [128, 10**9]),
    "a field that nobody knows": ("fields", ["image", "keypoints", "smell"]),
    "a path out of the store": ("files", {"../../etc/passwd": {"shape": [1], "sha256": ""}}),
    "what was left out": ("left_out", [1]),
    "text for pairs": ("pairs", {"test": "all"}),
}


@pytest.mark.parametrize("case", WRONG_META)
def test_a_wrong_meta_is_one_line(tmp_path: Path, case: str) -> None:
    fill(tmp_path / "s")
    path = tmp_path / "s" / "meta.json"
    meta = json.loads(path.read_text())
    key, value = WRONG_META[case]
    if value is None:
        del meta[key]
    else:
        meta[key] = value
    meta["checksum"] = store_meta.identity(meta)
    path.write_text(json.dumps(meta))
    with pytest.raises(ValueError, match="prepare the data set again") as caught:
        Store.open(tmp_path / "s")
    assert f"{path} is damaged: '{key}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_meta(tmp_path: Path) -> None:
    fill(tmp_path / "s")
    path = tmp_path / "s" / "meta.json"
    text = path.read_text()
    path.write_text(text.replace('"p1"', '"p2"'))
    with pytest.raises(ValueError, match="was changed"):
        Store.open(tmp_path / "s")
    path.write_text(json.dumps(json.loads(text) | {"version": 99}))
    with pytest.raises(ValueError, match="version 99"):
        Store.open(tmp_path / "s")
    path.write_text(text[:100])
    with pytest.raises(ValueError, match="damaged"):
        Store.open(tmp_path / "s")
    with pytest.raises(FileNotFoundError, match="is not a store"):
        Store.open(tmp_path)


def test_wrong_records_are_refused(tmp_path: Path) -> None:
    good = record(0)
    with StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made") as writer:
        writer.add("a", "p", **good)
        with pytest.raises(ValueError, match="'a' is taken"):
            writer.add("a", "p", **good)
        for change, text in (
            ({"image": good["image"][:-1]}, "image must be uint8"),
            ({"image": good["image"].astype(np.float32)}, "image must be uint8"),
            ({"keypoints": good["keypoints"][:17]}, r"keypoints must be float32 \(18, 3\)"),
            ({"keypoints": np.full((18, 3), np.nan)}, "finite"),
            ({"keypoints": np.full((18, 3), -1.0)}, r"visible in \[0, 1\]"),
            ({"keypoints": np.tile([5.0, 5.0, 0.0], (18, 1))}, "missing joint"),
            ({"depth": good["depth"].astype(np.float32)}, "depth must be float16"),
            ({"depth": -good["depth"]}, "depth must be finite and not negative"),
            ({"parsing": None}, "the records before have"),
            ({"split": "Test set"}, "lower-case"),
        ):
            with pytest.raises(ValueError, match=text):
                writer.add("b", "p", **(good | change))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"not in the store, e\.g\. 'z'"):
            writer.finish({"test": [("a", "z")]})
    assert Store.open(tmp_path / "s").names == ["a"]


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    fill(tmp_path / "s")  # an empty folder will do
    with pytest.raises(FileExistsError, match="exists already"):
        StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made")
    Store.open(tmp_path / "s", verify=True)


def write_then(folder: Path, act: Callable[[StoreWriter], object], resume: bool = False) -> None:
    with StoreWriter(folder, HEIGHT, WIDTH, "made", resume=resume) as writer:
        writer.add("a", "p", **record(0))
        act(writer)


def test_an_error_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_then(tmp_path / "s", lambda writer: 1 / 0)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="nothing to store"), StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, the disk that is always full, is not here")
@pytest.mark.parametrize("full", ["image", "meta"])
def test_a_full_disk_is_a_clear_error(tmp_path: Path, full: str) -> None:
    def act(writer: StoreWriter) -> None:
        if full == "image":
            writer._files["image"] = open("/dev/full", "wb")  # noqa: SIM115, PTH123
            writer.add("b", "p", **record(1))
        (writer.partial / "meta.json").symlink_to("/dev/full")
        writer.finish()

    with pytest.raises(OSError, match=r"after 1 records.*No space left.*nothing is left.*Make room") as caught:
        write_then(tmp_path / "s", act)
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def write_eight(folder: Path, resume: bool = False, die_at: int = -1) -> int:
    """Write those of eight records that are not there yet, and count them; kill this process within record `die_at`."""
    added = 0
    with StoreWriter(folder, HEIGHT, WIDTH, "made", resume=resume) as writer:
        for i in range(8):
            if f"n{i}" in writer.written:
                continue
            if i == die_at:
                writer._files["image"].write(bytes(50))  # half a record
                writer._files["image"].flush()
                writer._journal.write(b'{"name": "n')
                writer._journal.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            writer.add(f"n{i}", "p", **record(i))
            writer.leave_out("x", "broken")
            added += 1
    return added


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("resume", [False, True])
def test_killed_in_the_middle(tmp_path: Path, resume: bool) -> None:
    folder = tmp_path / "s"
    child = os.fork()
    if child == 0:
        write_eight(folder, resume, die_at=5)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert not folder.exists()
    with pytest.raises(FileNotFoundError, match="was not finished"):
        Store.open(folder)
    assert write_eight(folder, resume) == (3 if resume else 8)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
    write_eight(tmp_path / "unbroken")
    store = Store.open(folder, verify=True)
    assert store.checksum == Store.open(tmp_path / "unbroken").checksum
    assert store.report.reasons == {"broken": 1}


def test_killed_when_all_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_eight(tmp_path / "unbroken")

    def killed(path: Path, *_: object, **__: object) -> None:
        if path.name in ("rename.partial", "journal.jsonl"):
            raise KeyboardInterrupt

    for method in ("rename", "unlink"):
        folder = tmp_path / method
        with monkeypatch.context() as patch:
            patch.setattr(Path, method, killed)
            with pytest.raises(KeyboardInterrupt):
                write_eight(folder, resume=True)
        if method == "rename":
            assert not folder.exists()
            assert write_eight(folder, resume=True) == 0, "no record is written twice"
        store = Store.open(folder, verify=True)
        assert store.checksum == Store.open(tmp_path / "unbroken").checksum


def test_records_without_a_journal_are_written_again(tmp_path: Path) -> None:
    (tmp_path / "s.partial").mkdir()
    (tmp_path / "s.partial" / "image.u8").write_bytes(bytes(99))
    assert write_eight(tmp_path / "s", resume=True) == 8
    assert len(Store.open(tmp_path / "s", verify=True)) == 8


def test_resume_refuses_the_remains_of_another_store(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_then(tmp_path / "s", lambda writer: 1 / 0, resume=True)
    for change, text in (
        ({"width": WIDTH + 1}, rf"holds another store.*: width was {WIDTH}, is {WIDTH + 1}\. Give those"),
        ({"provenance": {"seed": 2}}, "provenance.seed was not set, is 2"),
        ({"licence": "CC0"}, "licence was .*, is 'CC0'"),
    ):
        with pytest.raises(ValueError, match=text):
            StoreWriter(
                tmp_path / "s", **{"height": HEIGHT, "width": WIDTH, "dataset": "made", "resume": True} | change
            )
    with StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made", resume=True) as writer:
        assert writer.written == {"a"}


def test_settings_go_through_json_and_are_the_same(tmp_path: Path) -> None:
    settings = {"people": {"train": (3, None)}, "seed": 1}
    for _ in range(2):
        with (
            pytest.raises(ZeroDivisionError),
            StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made", provenance=settings, resume=True),
        ):
            raise ZeroDivisionError


def test_two_writers_do_not_write_one_store(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made", resume=True) as writer:
        writer.add("a", "p", **record(0))
        with pytest.raises(ValueError, match="another process is writing"):
            StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made", resume=True)
        writer.add("b", "p", **record(1))
    assert Store.open(tmp_path / "s", verify=True).names == ["a", "b"]


def test_a_store_from_before_depth_opens(tmp_path: Path) -> None:
    old = {name: value for name, value in record(0).items() if name != "depth"}
    with StoreWriter(tmp_path / "s", HEIGHT, WIDTH, "made") as writer:
        writer.add("a", "p", **old)
    store = Store.open(tmp_path / "s", verify=True)
    assert store.fields == tuple(old)
    assert store.person([0]).depth is None
    assert not (tmp_path / "s" / "depth.f16").exists()
