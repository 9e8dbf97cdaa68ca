"""Run the campaigns of this folder, each as a process of its own: `python -m campaigns [NAME ...] --inputs N`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from campaigns import common

FOLDER = Path(__file__).parent
NO_CAMPAIGNS = {"__init__", "__main__", "common", "tasks"}


def names() -> list[str]:
    """The campaigns: every script of this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NO_CAMPAIGNS)


def main(words: list[str]) -> int:
    """Run them; 1 if one has failures or did not run."""
    options = argparse.ArgumentParser(prog="python -m campaigns", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}; all if none is named")
    options.add_argument("--inputs", type=int, help="of each; its own number if nobody says")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--results", type=Path, default=common.RESULTS)
    given = options.parse_args(words)
    if unknown := set(given.names) - set(names()):
        options.error(f"there is no campaign {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    more = ["--seed", str(given.seed), "--results", str(given.results.resolve())]
    more += [] if given.inputs is None else ["--inputs", str(given.inputs)]
    failed = []
    for name in given.names or names():
        print(f"--- {name}", flush=True)
        command = [sys.executable, "-m", f"campaigns.{name}", *more]
        if subprocess.run(command, cwd=common.ROOT, env=common.environment()).returncode:
            failed.append(name)
    print(f"failures in {', '.join(failed)}" if failed else "no failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
