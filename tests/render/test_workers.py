"""Results in order; a worker that raises, dies or cannot start is an error and no hang; nobody is left over."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repose.render.workers import WorkerError, WorkerPool

from .jobs import Doubling, NoStart


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked after does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_in_the_order_of_the_tasks() -> None:
    with WorkerPool(Doubling(seconds=0.02), range(12), workers=2) as pool:
        assert list(pool) == [(number, 2 * number) for number in range(12)]
        processes = pool.processes
    assert not any(map(alive, processes))


def test_an_endless_list_of_tasks_is_taken_as_far_as_needed() -> None:
    taken = itertools.count()
    with WorkerPool(Doubling(), taken, workers=1) as pool:
        assert [next(pool)[1] for _ in range(3)] == [0, 2, 4]
    assert next(taken) < 10


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (Doubling(raises_at=5), r"person 5: ArithmeticError: 5 cannot be doubled"),
        (
            Doubling(dies_at=5),
            r"person 5: the process was killed by signal 9; if the memory was full, use fewer workers",
        ),
        (NoStart(), r"person 0: OSError: no renderer here"),
    ],
)
def test_a_broken_worker_names_its_task(start: Doubling, text: str) -> None:
    with (
        WorkerPool(start, range(9), 2, describe=lambda number: f"person {number}") as pool,
        pytest.raises(WorkerError, match=text),
    ):
        list(pool)
    assert not pool.processes


def test_after_an_error_nothing_follows() -> None:
    with WorkerPool(Doubling(dies_at=0), range(9), 1) as pool:
        with pytest.raises(WorkerError):
            next(pool)
        assert list(pool) == [], "the dead one had a second task, for which nobody may wait"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_workers_do_not_outlive_a_parent_that_is_killed() -> None:
    program = (
        "import os, itertools, signal\n"
        "from tests.render.jobs import Doubling\n"
        "from repose.render.workers import WorkerPool\n"
        "if __name__ == '__main__':\n"
        "    pool = WorkerPool(Doubling(), itertools.count(), 2)\n"
        "    [next(pool) for _ in range(4)]\n"
        "    print(*pool.processes, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    processes = [int(word) for word in done.stdout.split()]
    assert len(processes) == 2, done
    end = time.monotonic() + 10
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, processes))
