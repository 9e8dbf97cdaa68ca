"""Many at once: visitors of `repose serve`, two commands in one folder, threads and processes that share a cache.

Row load/serve: visitors for a minute (`repose.bench.serving`), with a tiny network. load/train, load/prepare: the same
command twice at once; one does the work, the other is refused with a sentence. load/cache, load/lines: several
processes, of several threads each, share a cache of estimates, and a file of result lines.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from campaigns import common, tasks

VISITORS = 16
SECONDS = 60.0
WORKERS, THREADS = 3, 4


def serve(options: argparse.Namespace) -> int:
    """Row load/serve."""
    from tests import tiny

    from repose.bench.serving.measure import _small_request
    from repose.bench.serving.server import RunningServer
    from repose.bench.serving.visitors import visit

    campaign = common.Campaign(
        "load/serve",
        f"{VISITORS} visitors at `repose serve` with a tiny network and two workers for {SECONDS:.0f} s: every "
        f"request is "
        "answered with a picture, the server then ends with 0",
        options.seed,
    )
    os.environ.update(common.environment())
    forms = [_small_request(number) for number in range(8)]
    with common.folder() as base:
        words = [str(tiny.save(base / "model")), "--workers", "2", "--wait", "600", "--queue", "256"]
        with RunningServer(words, base / "log.txt") as server:
            server.wait_for_workers(2)
            address = (server.host, server.port)
            visit(address, forms, 2, requests=8)
            before = server.resident()
            found = visit(address, forms, VISITORS, seconds=SECONDS, seed=options.seed)
            after = server.resident()
            process = server._process
        for _ in found.seconds:
            campaign.judged(None, outcome="served")
        for text in found.errors:
            campaign.judged("error", text)
        for _ in range(found.unserved):
            campaign.judged("not served")
        if process.returncode != 0:
            campaign.judged("exit status", str(process.returncode))
        if "Traceback" in (base / "log.txt").read_text():
            campaign.judged("traceback", (base / "log.txt").read_text()[-1000:])
    return campaign.finish(common.places(options), megabytes=[round(size / 1e6) for size in (before, after)])


def twice(name: str, options: argparse.Namespace, count: int) -> int:
    """Rows load/train and load/prepare."""
    campaign = common.Campaign(
        f"load/{name}",
        f"two `repose {name}` at once on one folder, the second up to a whole run later: one is refused with a "
        "sentence while the other works, and the result is that of one",
        options.seed,
    )
    draw = random.Random(f"{options.seed}/{name}")
    with common.folder() as base:
        task = tasks.shared()[name]
        task.measure(base / "reference")
        place, said = base / "work", [base / "said0", base / "said1"]

        def call() -> int:
            os.chdir(place)
            return common.command(task.words)

        for number in range(count):
            common.empty(place)
            first = common.fork(call, said[0], task.words)
            time.sleep(draw.choice([0, 0.05, 0.5, 1]) * draw.random() * task.seconds)
            second = common.fork(call, said[1], task.words)
            ends = [common.wait(one, where, tasks.SECONDS) for one, where in zip((first, second), said, strict=True)]
            statuses = sorted(-1 if end.status is None else end.status for end in ends)
            refused = [end for end in ends if end.status == 2]
            kind = next((found for end in ends if (found := common.verdict(end))), None)
            if kind is None and statuses == [2, 2]:
                kind = "both are refused"
            if (
                kind is None
                and refused
                and not any(word in refused[0].err for word in ("another process", "exists already"))
            ):
                kind = "refused for another reason"
            if kind is None and (wrong := task.wrong(place)):
                kind = f"a wrong result: {wrong}"
            said_both = "; ".join(str(end) for end in ends)
            outcome = "one refused" if refused else "one after the other"
            campaign.judged(kind and kind.partition(":")[0], f"input {number}: {kind}: {said_both}", outcome)
    return campaign.finish(common.places(options))


def together(name: str, call: Callable[[int, int], None], place: Path) -> list[common.Ended]:
    """Run `call(process, thread)` in several processes of several threads each."""

    def process(number: int) -> int:
        errors: list[BaseException] = []

        def thread(which: int) -> None:
            try:
                call(number, which)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=thread, args=(which,)) for which in range(THREADS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        if errors:
            raise errors[0]
        return 0

    places = [place / f"said{number}" for number in range(WORKERS)]
    children = [
        common.fork(lambda number=number: process(number), where, [name]) for number, where in enumerate(places)
    ]
    return [common.wait(child, where, 300) for child, where in zip(children, places, strict=True)]


def cache(options: argparse.Namespace, count: int) -> int:
    """Row load/cache."""
    import numpy as np
    import PIL.Image
    from tests.estimate import fake_fields

    from repose.estimate.cache import Cached, CachedMask

    campaign = common.Campaign(
        "load/cache",
        f"{WORKERS} processes of {THREADS} threads estimate the same photographs with one cache: no error, each "
        f"estimate "
        "is right, no temporary file stays",
        options.seed,
    )
    with common.folder() as base:
        images = []
        for number in range(count):
            path = fake_fields.photograph(base / f"{number}.png", 8 + number % 30)
            pixels = np.array(PIL.Image.open(path))
            pixels[0, 0] = (number % 256, number // 256, 7)  # another photograph for the cache
            images.append(pixels)
        joints, masks = fake_fields.Joints(), fake_fields.Mask()
        right = [joints.people(image)[0].keypoints for image in images]

        def work(process: int, thread: int) -> None:
            draw = random.Random(f"{options.seed}/{process}/{thread}")
            known, cut = Cached(joints, base / "cache"), CachedMask(masks, base / "cache")
            for number in draw.sample(range(count), count):
                found = known.people(images[number])[0].keypoints
                mask = cut.mask(images[number], found)
                good = bool((found == right[number]).all()) and tuple(mask.shape[-2:]) == images[number].shape[:2]
                sys.stdout.write(f"{int(good)}\n")
                sys.stdout.flush()

        for end in together("cache", work, base):
            words = end.out.split()
            for word in words:
                campaign.judged(None if word == "1" else "a wrong estimate")
            if end.status != 0:
                campaign.judged("error", end.err)
        if left := common.left_over(base / "cache"):
            campaign.judged("left over", str(left))
    return campaign.finish(common.places(options))


def lines(options: argparse.Namespace, count: int) -> int:
    """Row load/lines."""
    from repose.record import append

    campaign = common.Campaign(
        "load/lines",
        f"{WORKERS} processes of {THREADS} threads append result lines to one file: every line is whole and there "
        f"once, "
        "those of a thread in its order",
        options.seed,
    )
    with common.folder() as base:
        path = base / "r.jsonl"

        def work(process: int, thread: int) -> None:
            draw = random.Random(f"{options.seed}/{process}/{thread}")
            for number in range(count):
                append(path, {"who": [process, thread], "n": number, "text": "ä" * draw.choice([1, 500, 40_000])})

        for end in together("lines", work, base):
            if end.status != 0:
                campaign.judged("error", end.err)
        if wrong := common.lines_whole(path):
            campaign.judged("half a line", wrong)
        found: dict[str, list[int]] = {}
        for text in path.read_text().splitlines():
            line = json.loads(text)
            found.setdefault(str(line["who"]), []).append(line["n"])
        for who, numbers in found.items():
            for number in range(count):
                campaign.judged(None if numbers.count(number) == 1 else "lost or doubled", f"{who}: {number}")
            if numbers != sorted(numbers):
                campaign.judged("out of order", who)
        if len(found) != WORKERS * THREADS:
            campaign.judged("lost or doubled", f"{len(found)} threads wrote")
    return campaign.finish(common.places(options))


def main(words: list[str]) -> int:
    """Run the rows; 1 if one has failures."""
    options = common.parser(__doc__, inputs=20).parse_args(words)
    parts = {
        "load/serve": lambda: serve(options),
        "load/train": lambda: twice("train", options, max(1, options.inputs // 4)),
        "load/prepare": lambda: twice("prepare", options, max(1, options.inputs // 2)),
        "load/cache": lambda: cache(options, options.inputs * 5),
        "load/lines": lambda: lines(options, options.inputs * 5),
    }
    return 1 if sum(part() for name, part in parts.items() if options.only in name) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
