"""Many visitors of a study at once: how long its answers take, and whether each one that was acknowledged is kept.

    python -m campaigns.study_load
    python -m campaigns.study_load --pause 1 --inputs 6 --no-results OLD_CHECKOUT/src src

Each given folder, src by default, holds a package `repose`. Its `repose study serve` runs in a process of its own, with
a new study each time, and the rounds alternate between the folders, so that two versions are compared on one machine at
one time. A visitor has one connection, goes through a whole session and does what the page does: pictures, start, end,
answer. Without --pause visitors do not look at pictures: every one of them always waits for the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from campaigns import common
from repose.record import commit_of

PREPARE = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from repose.study import prepare_study
place = Path(sys.argv[1])
for kind in ("real", "ours"):
    (place / kind).mkdir()
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (256, 176, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / kind / f"{number}.png")
prepare_study(place / "study.db", "quick", {"ours": place / "ours"}, real=place / "real")
"""


@dataclass
class Round:
    """What the visitors of one round measured."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    acknowledged: int = 0
    failures: list[str] = field(default_factory=list)


class Visitor:
    """One connection, kept open, and the requests of the page over it."""

    def __init__(self, port: int, seen: Round) -> None:
        self.port, self.seen = port, seen

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)

    async def ask(self, what: str, method: str, path: str, content: Any = None) -> bytes:
        """The body of an answer of status 200; any other ends the visit."""
        body = b"" if content is None else json.dumps(content).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nStudy-Page: 1\r\n"
        if content is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        begun = time.perf_counter()
        self.writer.write(head.encode() + b"\r\n" + body)
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = raw.split("\r\n")
        length = next(int(line.partition(":")[2]) for line in lines if line.lower().startswith("content-length:"))
        reply = await self.reader.readexactly(length)
        self.seen.seconds[what].append(time.perf_counter() - begun)
        if " 200 " not in lines[0]:
            raise RuntimeError(f"{method} {path.partition('/picture')[1] or path}: {lines[0]} {reply[:200]!r}")
        return reply

    async def visit(self, number: int, pause: float) -> None:
        """One whole session."""
        await self.open()
        state = json.loads(await self.ask("begin", "POST", "/api/begin", {"nonce": f"visitor {number:08}"}))
        loaded: set[str] = set()
        while not state["finished"]:
            trial = state["trial"]
            for one in (trial, state["next"]):
                if one is not None and one["key"] not in loaded:
                    loaded.add(one["key"])
                    for path in one["pictures"]:
                        await self.ask("picture", "GET", path)
            shown = {"key": trial["key"], "showing": f"showing {number}"}
            await self.ask("start", "POST", "/api/start", shown)
            await asyncio.sleep(pause)
            await self.ask("end", "POST", "/api/end", shown)
            looked = max(0.2, pause)
            given = {"key": trial["key"], "choice": "real", "exposure": looked, "reaction": looked, "hidden": False}
            state = json.loads(await self.ask("answer", "POST", "/api/answer", given | {"delay": 0}))["state"]
            self.seen.acknowledged += 1
        self.writer.close()


async def visits(port: int, visitors: int, pause: float) -> Round:
    """All visitors at once, from the first request to the last."""
    seen = Round()

    async def one(number: int) -> None:
        try:
            await Visitor(port, seen).visit(number, pause)
        except (OSError, RuntimeError, asyncio.IncompleteReadError) as error:
            seen.failures.append(f"{type(error).__name__}: {error}")

    await asyncio.gather(*(one(number) for number in range(visitors)))
    return seen


def measure(source: Path, visitors: int, pause: float) -> tuple[Round, int]:
    """One round: a new study, its server and the visitors; and how many answers the file holds afterwards."""
    surroundings = {**os.environ, "PYTHONPATH": str(source.resolve()), "PYTHONUNBUFFERED": "1"}
    with common.folder() as place:
        subprocess.run([sys.executable, "-c", PREPARE, str(place)], env=surroundings, check=True)
        command = [sys.executable, "-m", "repose", "study", "serve", str(place / "study.db"), "--port", "0"]
        server = subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            port = int(line.partition("http://")[2].partition("/")[0].rpartition(":")[2])
            seen = asyncio.run(visits(port, visitors, pause))
        finally:
            server.terminate()
            server.wait(30)
        file = sqlite3.connect(place / "study.db")
        (kept,) = file.execute("SELECT count(*) FROM answers").fetchone()
        file.close()
    return seen, int(kept)


def quantile(values: list[float], share: float) -> float:
    """The smallest value that at least so large a share does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main(words: list[str]) -> int:
    parser = common.parser(__doc__, inputs=3)
    parser.add_argument("sources", nargs="*", type=Path, metavar="FOLDER", default=[common.ROOT / "src"])
    parser.add_argument("--visitors", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that a visitor looks at a picture")
    options = parser.parse_args(words)
    campaign = common.Campaign(
        "study_load",
        f"{options.visitors} visitors of a study at once, without looking at pictures: every answer that was "
        "acknowledged is in the file once, and nobody is sent away",
        options.seed,
    )
    times: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number in range(options.inputs):
        source = options.sources[number % len(options.sources)]
        seen, kept = measure(source, options.visitors, options.pause)
        lost = seen.acknowledged != kept
        failure = "sent away" if seen.failures else "lost" if lost else None
        campaign.judged(failure, f"{seen.failures[:3]}, {seen.acknowledged} acknowledged, {kept} kept", "kept")
        found = {
            f"{what} {share}": round(1000 * quantile(each, share / 100), 1)
            for what, each in sorted(seen.seconds.items())
            for share in (50, 99)
        }
        times[str(source)].append(found)
        sys.stdout.write(f"{source}: {json.dumps(found)}, load {os.getloadavg()[0]:.1f}\n")
    middle = {
        source: {what: median(one[what] for one in rounds) for what in rounds[0]} for source, rounds in times.items()
    }
    facts = {
        "visitors": options.visitors,
        "pause": options.pause,
        "commits": [commit_of(Path(source).resolve() / "repose") for source in middle],
        "milliseconds": list(middle.values()),
    }
    return 1 if campaign.finish(common.places(options), **facts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
