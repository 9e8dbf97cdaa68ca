"""SIGTERM and SIGINT at random moments: a sentence, the right exit status, nothing torn, and the same command goes on.

Rows signals/COMMAND and signals/SERVER. A command ends with 143 after SIGTERM and 130 after SIGINT. The servers of
transfers and the page
end with 0 after SIGTERM, as their documents say, since they finish what they accepted.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from campaigns import common, tasks
from campaigns.kills import _port

NAMES = ("train", "prepare", "eval", "estimate", "video", "transfer")
SERVERS = ("serve", "study", "web")
STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}


def of_task(name: str, options: argparse.Namespace, count: int) -> int:
    """A row of a command."""
    campaign = common.Campaign(
        f"signals/{name}",
        f"`repose {name}` ended by SIGTERM (143) or SIGINT (130) at random moments: a sentence, no traceback, "
        "nothing torn; the same command then gives the right result",
        options.seed,
    )
    draw = random.Random(f"{options.seed}/{name}")
    with common.folder() as base:
        task = tasks.shared()[name]
        task.measure(base / "reference")
        for number in range(count):
            place = common.empty(base / "work")
            child = task.fork(place)
            _begun(place, child)
            time.sleep(draw.uniform(0, 0.9) * task.seconds)
            sent = (signal.SIGTERM, signal.SIGINT)[number % 2]
            if child.poll() is None:
                os.kill(child.pid, sent)  # the process alone; a terminal would send SIGINT to the group
            ended = common.wait(child, place, 60) if child.returncode is None else None
            status = child.returncode
            detail = f"input {number}, {sent.name}: {ended}"
            kind = None
            if ended is not None:
                kind = _ending(ended, sent)
            kind = kind or ("half a line" if task.torn(place) else None)
            if kind is None and status != 0:
                again = task.run(place)
                whole = "exists already" in again.err  # the signal came after the rename
                kind = "does not go on" if again.status != 0 and not whole else None
                detail += f"; again: {again}"
            if kind is None and (wrong := task.wrong(place)):
                kind, detail = "a wrong result", f"{wrong}; {detail}"
            campaign.judged(kind, detail, "had ended" if status == 0 else f"{sent.name}, status {status}")
    return campaign.finish(common.places(options))


def _begun(place: Path, child: common.Child) -> None:
    """Wait until the command hears signals."""
    while not (place / "begun").exists() and child.poll() is None:
        time.sleep(0.005)


def _ending(ended: common.Ended, sent: signal.Signals) -> str | None:
    """What is wrong with the end of a command after a signal."""
    if ended.status is None:
        return "hang"
    if "Traceback" in ended.err + ended.out:
        return "traceback"
    if ended.status not in (0, STATUS[sent]):
        return f"status {ended.status} after {sent.name}"
    if ended.status and not (ended.err + ended.out).strip():
        return "no sentence"
    return None


# -- servers --------------------------------------------------------------------------------------------------------


def of_server(name: str, options: argparse.Namespace, count: int) -> int:
    """A row of a server: before it is ready, when it is, and after a request."""
    good = {"serve": (0,), "web": (0,), "study": (0, 143)}[name]
    campaign = common.Campaign(
        f"signals/{name}",
        f"`repose {'study serve' if name == 'study' else name}` ended by SIGTERM ({' or '.join(map(str, good))}) or "
        f"SIGINT "
        f"({'0 or 130' if name == 'study' else 130}) while it starts, when it is ready, and after a request: a "
        f"sentence, no "
        "traceback, no process stays",
        options.seed,
    )
    draw = random.Random(f"{options.seed}/{name}")
    with common.folder() as base:
        words, module_words = _server(name, base), ["-m", "repose"]
        for number in range(count):
            place = common.empty(base / "work")
            process = common.start(words, place)
            sent = (signal.SIGTERM, signal.SIGINT)[number % 2]
            phase = ("starting", "ready", "asked")[number % 3]
            detail = f"input {number}, {sent.name}, {phase}, {' '.join(module_words)}"
            try:
                if phase == "starting":
                    time.sleep(draw.uniform(1.5, 4))
                else:
                    port = _port(place / "stdout.txt", process, 120)  # type: ignore[arg-type]
                    if phase == "asked":
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as reply:
                            reply.read()
            except Exception as error:
                if phase == "asked" and isinstance(error, urllib.error.HTTPError):
                    pass  # the server of transfers has no page at /
                else:
                    campaign.judged("does not start", f"{detail}: {error}")
                    common.kill(process)
                    continue
            os.kill(process.pid, sent)
            ended = common.wait(process, place, 60)
            kind = None
            if ended.status is None:
                kind = "hang"
            elif "Traceback" in ended.err + ended.out:
                kind = "traceback"
            elif sent == signal.SIGTERM and ended.status not in (*good, *((143, -15) if phase == "starting" else ())):
                kind = f"status {ended.status} after SIGTERM"
            elif sent == signal.SIGINT and ended.status not in (
                130,
                *((0,) if name == "study" else ()),
                *((-2,) if phase == "starting" else ()),
            ):
                kind = f"status {ended.status} after SIGINT"
            elif phase != "starting" and not ended.out.strip():
                kind = "no sentence"
            elif _alive(process.pid):
                kind = "a process stays"
                common.kill(process)
            campaign.judged(kind, f"{detail}: {ended}", f"{phase}, {sent.name}, status {ended.status}")
    return campaign.finish(common.places(options))


def _alive(group: int) -> bool:
    """Whether a process of the group lives a second later."""
    for _ in range(20):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


def _server(name: str, base: Path) -> list[str]:
    from tests import tiny
    from tests.study import pictures

    from repose.study import StudyProtocol

    model = str(tiny.save(base / "model"))
    if name == "serve":
        return ["serve", model, "--workers", "1", "--port", "0"]
    if name == "web":
        return ["web", "--model", model, "--port", "0", "--no-open"]
    protocol = StudyProtocol("small", 1, "realism", (None,), pool=6, shown=4, practice=1)
    pictures.study(base / "study", protocol, pictures.Clock()).close()
    return ["study", "serve", str(base / "study" / "study.db"), "--port", "0"]


def main(words: list[str]) -> int:
    """Run the rows; 1 if one has failures."""
    options = common.parser(__doc__, inputs=90).parse_args(words)
    failures = 0
    for name in (*NAMES, *SERVERS):
        if options.only in f"signals/{name}":
            count = max(1, options.inputs // 9)
            failures += of_task(name, options, count) if name in NAMES else of_server(name, options, count)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
