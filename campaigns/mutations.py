"""Small files under mutation: every reader gives what it read, or one clear line that names the file.

    python -m campaigns.mutations --inputs 10000
    python -m campaigns.mutations --only stores --inputs 3000 --seed 7 --keep out/failures

Key points and poses of every tool, lists of pairs, parsing maps, DensePose's results, recipes, run folders with their
cards, weights and checkpoints, stores, and result lines. Each input is a valid file that Repose wrote, or that a tool
writes, with changes drawn by Hypothesis from the seed: other values of JSON and CSV, other numbers of arrays, bytes. It
is given to the command in this process, or to the reader under the command's rule (`repose.cli.main`). A failure is a
traceback, a line that is long or names neither the file nor the place in it, a result beyond reason, an input that
takes more than `SECONDS`, and one by which the memory grows by more than `MEMORY`.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from campaigns import common
from campaigns.small_files.kinds import KINDS, Kind

SECONDS = 20
"""An input that takes longer is a failure."""

MEMORY = 1500
"""MB by which one input may let the memory of the process grow."""

LONGEST = 700
"""Characters of the line of an error."""


def outcome(kind: Kind, place: Path, file: Path) -> tuple[str, str]:
    """What becomes of a file: ("read", ""), ("refused in one line", the line), or a kind of failure and its details."""
    before = _peak()
    try:
        with common.limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind.use(place, file)
    except common.EXPECTED as error:
        line = (str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)).split("\n")[0]
        told = f"{line}\n{traceback.format_exc()}"
        if isinstance(error, NotImplementedError | RecursionError) or type(error) is KeyError:
            return f"traceback ({type(error).__name__}, {_where(error)})", told
        if not any(word in line for word in (str(place), file.name, *kind.places)):
            return f"names no file ({_where(error)})", told
        return (f"long line ({_where(error)})", told) if len(line) > LONGEST else ("refused in one line", line)
    except common.TooSlow as error:
        return f"hang ({_where(error)})", traceback.format_exc()
    except AssertionError as error:
        beyond = "/campaigns/" in traceback.extract_tb(error.__traceback__)[-1].filename
        return f"beyond reason ({error})" if beyond else f"traceback ({_where(error)})", traceback.format_exc()
    except Exception as error:
        return f"traceback ({type(error).__name__}, {_where(error)})", traceback.format_exc()
    grown = (_peak() - before) / 2**10
    return (f"memory ({grown:.0f} MB)", "") if grown > MEMORY else ("read", "")


def try_kind(kind: Kind, campaign: common.Campaign, inputs: int, folder: Path, keep: Path | None) -> None:
    """So many inputs of a kind of file.

    Raises:
        ValueError: a file without changes is not read: the campaign itself is wrong.
    """
    originals = kind.originals(folder / "originals")
    for one in originals:
        place, file = one.lay(folder / "valid")
        state, text = outcome(kind, place, file)
        if state != "read":
            raise ValueError(f"{kind.name}: the valid file {one.name} is not read: {state}: {text}")
        shutil.rmtree(folder / "valid", ignore_errors=True)

    @hypothesis.seed(campaign.seed)
    @settings(
        max_examples=inputs, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(st.data())
    def one_input(data: Any) -> None:
        draw: Callable[[Any], Any] = data.draw
        original = originals[draw(st.integers(0, len(originals) - 1))]
        content = original.change(draw)
        if content is None:
            return
        place, file = original.lay(folder / "changed", content)
        state, text = outcome(kind, place, file)
        if state in ("read", "refused in one line"):
            campaign.judged(None, outcome=state)
        else:
            campaign.judged(state, f"{original.name}, input {campaign.inputs}: {text}")
            if keep is not None and campaign.failures[state] <= common.SHOWN:
                kept = keep / f"{kind.name}-{len(campaign.failures):02d}-{campaign.failures[state]}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(folder / "changed", kept)
                (kept / "failure.txt").write_text(f"{state}\n{file}\n{text}", encoding="utf-8", errors="replace")
        shutil.rmtree(folder / "changed", ignore_errors=True)

    one_input()


def main(words: list[str]) -> int:
    """The rows `mutations/KIND`; 1 with failures."""
    parser = common.parser(__doc__, inputs=10_000)
    parser.add_argument("--keep", type=Path, help="a folder for the files that fail, three of each kind of failure")
    options = parser.parse_args(words)
    kinds = common.rows(options, KINDS)
    keep = options.keep.absolute() if options.keep else None
    results = common.places(options)
    failures = 0
    for name, kind in kinds.items():
        campaign = common.Campaign(f"mutations/{name}", kind.about, options.seed)
        begun = os.times()
        with common.folder() as folder, contextlib.chdir(folder), contextlib.redirect_stderr(io.StringIO()):
            try_kind(kind, campaign, -(-options.inputs // len(kinds)), folder, keep)
        ended = os.times()
        failures += campaign.finish(
            results.absolute() if results else None,
            processor=round(ended.user + ended.system - begun.user - begun.system, 1),
        )
    return 1 if failures else 0


# -- inside ---------------------------------------------------------------------------------------------------------


def _peak() -> int:
    """The largest resident memory of this process so far, KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _where(error: BaseException) -> str:
    """The innermost line of our own that an error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "/repose/" in one.filename] or list(frames)
    return f"{Path(ours[-1].filename).parent.name}/{Path(ours[-1].filename).name}:{ours[-1].lineno}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
