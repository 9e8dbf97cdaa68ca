"""kill -9 at random moments: nothing is lost, nothing is doubled, and the same command goes on.

Rows kills/train, prepare, eval, estimate, video: a command is killed one to three times, then ends by itself; its
result
must be that of a run that nobody killed (training: bit for bit). kills/study: answers that the server acknowledged are
in the file, once each. kills/fetch: downloads from a slow local server. kills/serve: the workers of `repose serve`.
"""

from __future__ import annotations

import argparse
import http.client
import http.server
import io
import json
import os
import random
import re
import signal
import sqlite3
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image

from campaigns import common, tasks

SHARES = {"train": 25, "prepare": 15, "eval": 15, "estimate": 15, "video": 10, "study": 10, "fetch": 5, "serve": 5}
"""Kills of each row, of 100."""

CHECKS = {
    "train": "resumed training ends with the very weights of a run that was not killed",
    "prepare": "the store has the checksum of one that was not interrupted",
    "eval": "a run writes one whole result line or none, and the next one writes one, with the right numbers",
    "estimate": "every file of `--fields` is that of an uninterrupted run",
    "video": "the clip has the frames of an uninterrupted run",
}


def chain(task: tasks.Task, draw: random.Random, place: Path, campaign: common.Campaign, most: int) -> None:
    """Kill a command up to `most` times, then let it end; one input for each kill."""
    common.empty(place)
    kills, wrong = 0, ""
    for _ in range(most):
        wait = draw.uniform(0.02, 1.0) * task.seconds
        child = task.fork(place)
        time.sleep(wait)
        if child.poll() is not None:
            break
        common.kill(child)
        os.waitpid(child.pid, 0)
        kills += 1
        wrong = wrong or (task.torn(place) or "")
    lines = _lines(place)
    ended = task.run(place)
    if _lines(place) - lines not in (0, 1):
        wrong = f"lines are lost or doubled: {lines}, then {_lines(place)}"
    if ended.status == 2 and "exists already" in ended.err:
        pass  # it was killed after the store was in its place: there is nothing left to do
    elif ended.status != 0:
        wrong = f"the next run failed: {ended}"
    wrong = wrong or (task.wrong(place) or "")
    for number in range(kills):  # the fault is counted at the last kill
        last = wrong and number == kills - 1
        kind = "traceback" if "Traceback" in wrong else wrong.partition(":")[0].partition(" (")[0][:60]
        campaign.judged(kind if last else None, wrong)
    if wrong and not kills:
        campaign.judged("a whole run is wrong", wrong)


def _lines(place: Path) -> int:
    """Result lines so far: a run that was killed after it wrote its line has one."""
    path = place / "r.jsonl"
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def of_task(name: str, options: argparse.Namespace, count: int) -> int:
    """A row of a command."""
    campaign = common.Campaign(
        f"kills/{name}",
        f"`repose {name}` killed with kill -9 at random moments, one to three times: {CHECKS[name]}; no half line, no "
        "temporary file, no lock stays",
        options.seed,
    )
    draw = random.Random(f"{options.seed}/{name}")
    with common.folder() as base:
        task = tasks.shared()[name]
        task.measure(base / "reference")
        while campaign.inputs < count:
            before = campaign.inputs
            chain(task, draw, base / "work", campaign, min(draw.choice([1, 1, 2, 3]), count - campaign.inputs))
            if campaign.inputs == before:
                task.seconds *= 0.9  # it ended before every kill
    return campaign.finish(common.places(options))


# -- the study server -----------------------------------------------------------------------------------------------


def study(options: argparse.Namespace, count: int) -> int:
    """Row kills/study."""
    from tests.study import pictures
    from tests.study.test_server import Browser

    from repose.study import StudyProtocol

    campaign = common.Campaign(
        "kills/study",
        "`repose study serve` killed while participants answer: every acknowledged answer is in the file once, and the "
        "session goes on after a restart",
        options.seed,
    )
    protocol = StudyProtocol("small", 1, "realism", (None,), pool=30, shown=20, practice=1)
    draw = random.Random(f"{options.seed}/study")
    with common.folder() as base:
        number = 0
        while campaign.inputs < count:
            number += 1
            place = common.empty(base / f"study{number}")
            pictures.study(place, protocol, pictures.Clock()).close()
            browser, acknowledged, state = Browser(0), set[str](), None
            while campaign.inputs < count and not (state or {}).get("finished"):
                child = common.fork(
                    lambda place=place: common.command(["study", "serve", str(place / "study.db"), "--port", "0"]),
                    place,
                )
                try:
                    browser.port = _port(place / "stdout.txt", child)
                    state = browser.ask("GET", "/api/state")[1] if state else browser.begin("nonce-12345678")
                    end = time.monotonic() + draw.uniform(0.05, 1.5)
                    killer = threading.Timer(end - time.monotonic(), common.kill, (child,))
                    killer.start()
                    try:
                        while not state["finished"]:
                            key = state["trial"]["key"]
                            state = browser.answer(state, draw.choice(["real", "fake"]))
                            acknowledged.add(key)
                    except (OSError, AssertionError, http.client.HTTPException):
                        pass
                    killer.join()
                finally:
                    common.kill(child)
                    if child.poll() is None:
                        os.waitpid(child.pid, 0)
                campaign.judged(*_study_file(place / "study.db", acknowledged))
    return campaign.finish(common.places(options))


def _port(out: Path, child: common.Child, seconds: float = 60) -> int:
    """The port that a server says on stdout."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := re.search(r"http://[\d.]+:(\d+)/", out.read_text() if out.exists() else ""):
            return int(found[1])
        if child.poll() is not None:
            raise RuntimeError(f"the server ended: {out.with_name('stderr.txt').read_text()}")
        time.sleep(0.02)
    raise RuntimeError("the server does not start")


def _study_file(path: Path, acknowledged: set[str]) -> tuple[str | None, str]:
    """Whether every acknowledged answer is in the file once."""
    from repose.study import Study

    opened = Study(path)
    try:
        kept = opened.answers()
    finally:
        opened.close()
    with sqlite3.connect(path) as file:
        if file.execute("pragma integrity_check").fetchone()[0] != "ok":
            return "damaged file", str(path)
        keys = [row[0] for row in file.execute("select t.key from answers a join trials t on t.id = a.trial")]
    if lost := acknowledged - set(keys):
        return "lost", f"{len(lost)} of {len(acknowledged)} acknowledged answers are gone"
    if len(keys) != len(set(keys)) or len(kept) != len(keys):
        return "doubled", f"{len(keys)} answers of {len(set(keys))} trials"
    return None, ""


# -- downloads ------------------------------------------------------------------------------------------------------


class Mirror(http.server.SimpleHTTPRequestHandler):
    """A mirror that sends slowly and goes on where a download stopped, as real ones do."""

    folder = common.ROOT / "weights"
    rate = 2e6

    def do_GET(self) -> None:
        path = self.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        begin = int(found[1]) if (found := re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        try:
            for at in range(begin, len(content), 65_536):
                self.wfile.write(content[at : at + 65_536])
                time.sleep(65_536 / self.rate)
        except OSError:
            pass

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def fetch(options: argparse.Namespace, count: int) -> int:
    """Row kills/fetch."""
    campaign = common.Campaign(
        "kills/fetch",
        "`repose fetch --from` a slow local mirror, killed: the next call goes on, every file has its sha256, no "
        "part stays",
        options.seed,
    )
    draw = random.Random(f"{options.seed}/fetch")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name = "carry-s-synthetic"
    size = sum(path.stat().st_size for path in (Mirror.folder / name).iterdir())
    with common.folder() as base:
        words = ["fetch", name, "--from", f"http://127.0.0.1:{server.server_address[1]}", "--to", "got"]
        whole = {path.name: path.read_bytes() for path in (Mirror.folder / name).iterdir()}

        def result(place: Path) -> Any:
            found = {path.name: path.read_bytes() for path in (place / "got" / name).iterdir()}
            return all(whole[name] == content for name, content in found.items()) and len(found) > 1

        task = tasks.Task("fetch", words, result, ("got",), True, 0.5 + size / Mirror.rate)
        tasks.prepared()
        import repose.hub.bring  # noqa: F401

        while campaign.inputs < count:
            chain(task, draw, base / "work", campaign, min(draw.choice([1, 2]), count - campaign.inputs))
    server.shutdown()
    return campaign.finish(common.places(options))


# -- the API server -------------------------------------------------------------------------------------------------


def serve(options: argparse.Namespace, count: int) -> int:
    """Row kills/serve."""
    from tests import tiny
    from tests.serve.conftest import encoded, joints

    from repose.bench.serving.measure import people
    from repose.bench.serving.server import RunningServer
    from repose.bench.serving.visitors import Visits, form, visit

    campaign = common.Campaign(
        "kills/serve",
        "workers of `repose serve` killed while visitors send pictures and a video waits: every request is answered, "
        "the "
        "acknowledged video is computed",
        options.seed,
    )
    draw = random.Random(f"{options.seed}/serve")
    me = encoded(tiny.photograph(None, 100, 200, 15, 20, 160))
    sent = [form({"source": me}, {"source_keypoints": joints(15, 20, 160), "target": joints(20, 10, 180)})]
    somebody = people(2, (320, 240))
    clip = form({"source": somebody[0], "clip": _gif(somebody)}, {"mask": "none", "format": "gif"})
    with common.folder() as base:
        model = tiny.save(base / "model")
        os.environ.update(common.environment())
        with RunningServer([str(model), "--workers", "2"], base / "log.txt") as server:
            server.wait_for_workers(2)
            address = (server.host, server.port)
            visit(address, sent, 2, requests=4)
            for _ in range(count):
                job = _post(f"http://{server.host}:{server.port}/v1/video", clip)
                found: list[Visits] = []
                load = threading.Thread(target=lambda found=found: found.append(visit(address, sent, 4, requests=16)))
                load.start()
                time.sleep(draw.uniform(0.0, 1.0))
                if workers := server.workers():
                    os.kill(draw.choice(workers), signal.SIGKILL)
                load.join()
                wrong = [*found[0].errors, *(["not served"] * found[0].unserved)]
                end = _job(f"http://{server.host}:{server.port}", job)
                if wrong:
                    campaign.judged("a request is lost", "; ".join(wrong))
                elif end["state"] not in ("done", "failed"):
                    campaign.judged("a job is lost", json.dumps(end))
                else:
                    campaign.judged(None, outcome=f"video {end['state']}")
                if end["state"] == "failed":
                    print(end, file=sys.stderr)
    return campaign.finish(common.places(options))


def _gif(pictures: list[bytes]) -> bytes:
    """These pictures as the frames of a GIF."""
    frames = [PIL.Image.open(io.BytesIO(content)).convert("RGB") for content in pictures]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return buffer.getvalue()


def _post(url: str, form: Any) -> dict[str, Any]:
    asked = urllib.request.Request(url, form.body, {"Content-Type": form.kind})
    with urllib.request.urlopen(asked, timeout=60) as reply:
        return dict(json.loads(reply.read()))


def _job(url: str, job: dict[str, Any]) -> dict[str, Any]:
    """The last state of a job."""
    for _ in range(600):
        with urllib.request.urlopen(url + job["status"], timeout=60) as reply:
            state = dict(json.loads(reply.read()))
        if state["state"] in ("done", "failed", "stopped"):
            return state
        time.sleep(0.2)
    return state


OTHERS: dict[str, Callable[[argparse.Namespace, int], int]] = {"study": study, "fetch": fetch, "serve": serve}


def main(words: list[str]) -> int:
    """Run the rows; 1 if one has failures."""
    options = common.parser(__doc__, inputs=100).parse_args(words)
    failures = 0
    for name, share in SHARES.items():
        if options.only not in f"kills/{name}":
            continue
        count = max(1, round(options.inputs * share / 100)) if options.only != f"kills/{name}" else options.inputs
        failures += OTHERS[name](options, count) if name in OTHERS else of_task(name, options, count)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
