"""Commands on a disk that is full: one line that names the file, nothing torn, and the same command succeeds with room.

With the rights for it (Linux, root) each command runs on a small tmpfs that is filled to a drawn number of bytes;
else a
limit of file sizes (RLIMIT_FSIZE) ends long writes. The result line says which ("means"). Rows: full_disk/COMMAND,
and full_disk/lines (result lines by many writes, in this process).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from campaigns import common, tasks

NAMES = ("train", "prepare", "eval", "estimate", "video", "transfer")
SIZE = 24 << 20
"""Bytes of the small disk."""


def can_mount() -> bool:
    """Whether a tmpfs can be mounted here."""
    with common.folder() as place:
        try:
            with disk(place / "disk"):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


@contextlib.contextmanager
def disk(place: Path) -> Iterator[Path]:
    """A small tmpfs at a place."""
    place.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(place)]
    subprocess.run(words, check=True, capture_output=True)
    try:
        yield place
    finally:
        for _ in range(20):
            if subprocess.run(["umount", str(place)], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:  # a file of it is still open or mapped here: it goes when that is closed
            subprocess.run(["umount", "-l", str(place)], capture_output=True)


@contextlib.contextmanager
def filled(place: Path, room: int) -> Iterator[None]:
    """The disk with so many bytes left."""
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    with ballast.open("wb") as file:
        file.write(bytes(max(0, free - room)))
    try:
        yield
    finally:
        ballast.unlink()


def used(place: Path, task: tasks.Task) -> int:
    """Bytes of what a whole run leaves, and the largest of its files."""
    return sum(path.stat().st_size for name in task.outputs for path in _files(place / name))


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]


def of_task(name: str, options: argparse.Namespace, count: int, mounted: bool) -> int:
    """A row of a command."""
    means = "a tmpfs" if mounted else "RLIMIT_FSIZE"
    campaign = common.Campaign(
        f"full_disk/{name}",
        f"`repose {name}` on a full disk ({means}, full after a random number of bytes): a line that names the file "
        f"and says "
        "that there is no room, no half line, no temporary file; with room the same command gives the right result",
        options.seed,
    )
    draw = random.Random(f"{options.seed}/{name}")
    with common.folder() as base, contextlib.ExitStack() as stack:
        task = tasks.shared()[name]
        task.measure(base / "reference")
        most = used(base / "reference", task)
        small = stack.enter_context(disk(base / "disk")) if mounted else base / "disk"
        for number in range(count):
            place = common.empty(small / "work")
            room = int(most * draw.choice([0, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 1.05, 1.5]) * draw.uniform(0.5, 1))
            if mounted:
                # what the command prints must not need the disk
                with filled(small, room):
                    ended = _printing_elsewhere(task, place, base / "said")
            else:
                ended = task.run(place, limit=max(room, 64))
            detail = f"input {number}, {room:,} of {most:,} bytes: {ended}"
            campaign.judged(*_verdict(task, place, ended, detail))
    return campaign.finish(common.places(options), means=means)


def _printing_elsewhere(task: tasks.Task, place: Path, said: Path) -> common.Ended:
    """The command in `place`, its output in another folder."""

    def call() -> int:
        os.chdir(place)
        return common.command(task.words)

    return common.forked(call, common.empty(said), tasks.SECONDS, task.words)


def _verdict(task: tasks.Task, place: Path, ended: common.Ended, detail: str) -> tuple[str | None, str, str]:
    kind = common.verdict(ended, good=(0, 3))
    if kind is None and ended.status == 2:
        error = next(line for line in ended.err.splitlines() if line.startswith("error:"))
        names = any(output in error for output in task.outputs)
        room = any(word in error for word in ("No space left", "disk is full", "too large", "full"))
        kind = None if names and room else "does not name the file" if room else "does not say that it is full"
    if kind is None and (torn := task.torn(place)):
        kind, detail = "half a line", f"{torn}; {detail}"
    partial = common.left_over(place) if kind is None and ended.status == 2 else []
    partial = [
        name for name in partial if not name.startswith("store.partial") and ".parts" not in name
    ]  # to go on from
    if partial:
        kind, detail = "left over", f"{partial}; {detail}"
    if kind is not None:
        return kind, detail, ""
    if ended.status == 0:
        wrong = task.wrong(place)
        return ("a wrong result", f"{wrong}; {detail}", "") if wrong else (None, "", "enough room")
    again = task.run(place)
    if again.status != 0:
        return "does not go on", f"{again}; {detail}", ""
    wrong = task.wrong(place)
    return ("a wrong result", f"{wrong}; {detail}", "") if wrong else (None, "", "one line, and whole with room")


# -- result lines ---------------------------------------------------------------------------------------------------


def lines(options: argparse.Namespace, count: int, mounted: bool) -> int:
    """Row full_disk/lines: lines of drawn lengths into a file whose disk fills and empties."""
    means = "a tmpfs" if mounted else "RLIMIT_FSIZE"
    campaign = common.Campaign(
        "full_disk/lines",
        f"result lines of random lengths on a disk that fills and empties ({means}): each is whole or absent, and "
        f"what was "
        "acknowledged is there, once and in order",
        options.seed,
    )
    with common.folder() as base, contextlib.ExitStack() as stack:
        small = stack.enter_context(disk(base / "disk")) if mounted else base
        common.forked(lambda: _write_lines(options.seed, count, small, mounted), base / "said", 600)
        for text in (base / "said" / "stdout.txt").read_text().splitlines():
            campaign.judged(*(None if part == "-" else part for part in text.split("\t")))  # type: ignore[arg-type]
        if campaign.inputs < count:
            campaign.judged("crash", (base / "said" / "stderr.txt").read_text())
    return campaign.finish(common.places(options), means=means)


def _write_lines(seed: int, count: int, place: Path, mounted: bool) -> int:
    """Print failure, detail, outcome for each line."""
    import json
    import resource

    from repose.files import DiskFullError
    from repose.record import append

    draw, path, kept = random.Random(f"{seed}/lines"), place / "r.jsonl", list[int]()
    ballast = place / "ballast"
    for number in range(count):
        if number % 20 == 0:
            path.unlink(missing_ok=True)
            kept = []
        long = draw.choice([10, 200, 4096, 70_000])
        room = draw.choice([0, 1, long // 2, long, 10 * long, 1 << 20])
        size = path.stat().st_size if path.exists() else 0
        if mounted:
            ballast.unlink(missing_ok=True)
            free = shutil.disk_usage(place).free
            with ballast.open("wb") as file:
                file.write(bytes(max(0, free - room)))
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
        try:
            append(path, {"n": number, "text": "ä" * (long // 2)})
            kept.append(number)
            outcome = "written"
        except DiskFullError as error:
            outcome = "refused" if str(path) in str(error) else ""
        except OSError as error:
            outcome = ""
            print(f"unclear\t{type(error).__name__} {error}\t-")
            continue
        wrong = common.lines_whole(path)
        there = [json.loads(text)["n"] for text in path.read_text().splitlines()] if path.exists() and not wrong else []
        if wrong:
            print(f"half a line\t{wrong}\t-")
        elif there != kept:
            print(f"lost\t{there} is not {kept}\t-")
        elif not outcome:
            print("does not name the file\t-\t-")
        else:
            print(f"-\t-\t{outcome}")
    return 0


# -- the study server -----------------------------------------------------------------------------------------------


def study(options: argparse.Namespace, count: int, mounted: bool) -> int:
    """Row full_disk/study."""
    from tests.study import pictures
    from tests.study.test_server import Browser

    from campaigns.kills import _port, _study_file
    from repose.study import StudyProtocol

    means = "a tmpfs" if mounted else "none"
    campaign = common.Campaign(
        "full_disk/study",
        "`repose study serve` whose disk fills while a participant answers: served or 503, every acknowledged answer "
        f"stays, and the session goes on when there is room ({means})",
        options.seed,
    )
    if not mounted:
        print("full_disk/study needs a tmpfs, so the rights to mount one: left out", file=sys.stderr)
        return 0
    protocol = StudyProtocol("small", 1, "realism", (None,), pool=30, shown=20, practice=1)
    with common.folder() as base, disk(base / "disk") as small:
        pictures.study(small / "s", protocol, pictures.Clock()).close()
        file = small / "s" / "study.db"
        child = common.fork(lambda: common.command(["study", "serve", str(file), "--port", "0"]), base / "said")
        try:
            browser = Browser(_port(base / "said" / "stdout.txt", child))
            acknowledged = set[str]()
            state = browser.begin("nonce-12345678")
            number = 0
            while number < count:
                if state["finished"]:
                    browser = Browser(browser.port)
                    state = browser.begin(f"nonce-{number:08d}")
                key, detail, outcome = state["trial"]["key"], "", "served with room"
                if number % 2:
                    with filled(small, 0):
                        detail, outcome = _refused(browser, state)
                    state = browser.ask("GET", "/api/state")[1]
                    if state["trial"] is not None and state["trial"]["key"] != key:
                        acknowledged.add(key)
                else:
                    try:
                        state = browser.answer(state, "fake")
                        acknowledged.add(key)
                    except AssertionError as error:
                        detail = f"with room: {error}"
                kind, text = _study_file(file, acknowledged)
                campaign.judged(kind or (detail.partition(":")[0] if detail else None), text or detail, outcome)
                number += 1
        finally:
            common.kill(child)
            if child.poll() is None:
                os.waitpid(child.pid, 0)
    return campaign.finish(common.places(options), means=means)


def _refused(browser: Any, state: dict[str, Any]) -> tuple[str, str]:
    """What the server does on a full disk: (failure or "", outcome). It may serve, or answer 503."""
    trial = state["trial"]
    shown = {"key": trial["key"], "showing": "showing 1"}
    given = {"key": trial["key"], "choice": "fake", "exposure": 0.1, "reaction": 0.1, "hidden": False, "delay": 0}
    statuses = []
    another = type(browser)(browser.port)  # somebody new, whose session takes more room than an answer
    nonce = {"nonce": f"nonce-{trial['key'][:20]:0>8}"}
    for asking, path, content in (
        (another, "/api/begin", nonce),
        (browser, "/api/start", shown),
        (browser, "/api/end", shown),
        (browser, "/api/answer", given),
    ):
        try:
            statuses.append(asking.ask("POST", path, content)[0])
        except (OSError, http.client.HTTPException) as error:
            return f"the connection broke: {path}, {type(error).__name__}", ""
        if statuses[-1] not in (200, 503, 400, 409):  # 400, 409: an answer to pictures whose showing was refused
            return f"status {statuses[-1]}: {path}", ""
    return "", "503 on a full disk" if 503 in statuses else "served on a full disk"


def main(words: list[str]) -> int:
    """Run the rows; 1 if one has failures."""
    options = common.parser(__doc__, inputs=120).parse_args(words)
    mounted, failures = can_mount(), 0
    for name in ("lines", "study", *NAMES):
        if options.only not in f"full_disk/{name}":
            continue
        if name == "lines":
            failures += lines(options, options.inputs * 4, mounted)
        elif name == "study":
            failures += study(options, max(2, options.inputs // 3), mounted)
        else:
            failures += of_task(name, options, max(1, options.inputs // 8), mounted)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
