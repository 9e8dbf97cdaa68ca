"""One process at a time writes a folder; a killed one leaves it free."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from repose.data.store import Store, StoreWriter, remove_partial
from repose.files import replacing
from repose.locks import PathLock, locked


def hold(folder: Path, pipe: Connection) -> None:
    with locked(folder, "training in this folder"):
        pipe.send("held")
        pipe.recv()


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    holder = processes.Process(target=hold, args=(tmp_path / "run", theirs))
    holder.start()
    try:
        assert ours.recv() == "held"
        with pytest.raises(ValueError, match=r"run: another process is training in this folder; .*Nothing was changed"):
            PathLock(tmp_path / "run", "training in this folder")
        assert holder.pid is not None
        os.kill(holder.pid, signal.SIGKILL)
        holder.join()
        with locked(tmp_path / "run", "training in this folder"):
            pass
        assert list(tmp_path.iterdir()) == []
    finally:
        holder.kill()


def test_the_lock_outlives_a_rename_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with locked(folder, "training"):
        folder.rename(tmp_path / "run.old1")
        with pytest.raises(ValueError, match="another process is training"):
            PathLock(folder, "training")


def test_a_second_writer_removes_nothing_of_the_first(tmp_path: Path) -> None:
    """Without `resume` a writer begins by removing what is there."""
    out = tmp_path / "store"
    picture = {"image": np.zeros((8, 6, 3), np.uint8), "keypoints": np.ones((18, 3), np.float32)}
    with StoreWriter(out, 8, 6, "made") as writer:
        writer.add("a", "p", **picture)
        for other in (
            lambda: StoreWriter(out, 8, 6, "made"),
            lambda: StoreWriter(out, 8, 6, "made", resume=True),
            lambda: remove_partial(out),
        ):
            with pytest.raises(ValueError, match="another process is writing this store"):
                other()
        writer.add("b", "p", **picture)
    assert Store.open(out, verify=True).names == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_two_threads_that_write_one_file_do_not_share_a_temporary_one(tmp_path: Path) -> None:
    """The file is whole, by one of them, whoever is last."""
    path, both, seen = tmp_path / "result.txt", threading.Barrier(2), []

    def write(text: str) -> None:
        with replacing(path) as partial:
            seen.append(partial)
            partial.write_text(text)
            both.wait()

    threads = [threading.Thread(target=write, args=(letter * 1000,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 2
    assert path.read_text() in ("a" * 1000, "b" * 1000)
    assert list(tmp_path.iterdir()) == [path]


def test_another_thread_ends_a_lock(tmp_path: Path) -> None:
    lock = PathLock(tmp_path / "store", "preparing a store")
    other = threading.Thread(target=lock.release)
    other.start()
    other.join()
    PathLock(tmp_path / "store", "preparing a store").release()
