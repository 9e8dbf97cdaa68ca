"""What a server is told when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from repose.cores import cores
from repose.listening import EVERYBODY, LOCAL, require_host_names

ON_A_GPU: Final = 8
"""Requests of a batch where nothing else is said."""

MOST_WORKERS: Final = 4
"""Where nothing else is said: each takes 0.7 GB."""

CACHE: Final = 16
CACHE_BYTES: Final = 256_000_000
CACHE_SECONDS: Final = 600.0

MAX_PIXELS: Final = 25_000_000
MAX_BYTES: Final = 32_000_000


def usual_workers() -> int:
    """One for every core, up to `MOST_WORKERS`: several threads of one worker gain less than several workers."""
    return min(MOST_WORKERS, cores())


@dataclass(frozen=True)
class ServeSettings:
    """All settings of a server; the defaults are safe for a machine of one's own.

    Attributes:
        models: weights by name or folder; the first is used where a request names none.
        host, port: where it listens; port 0 is any free one.
        workers: processes that compute; 0 computes in a thread of this process, without a limit of time.
        queue: requests that may wait; one more is answered 503.
        batch: requests that go through the network together, at most; 1 is one by one; 0: `ON_A_GPU` where a model is
            on one, else 1, as a CPU gains little by batches and the first answers come later.
        token: clients must send `Authorization: Bearer TOKEN`; empty: no token.
        cors: origins whose pages may call the server; "*" is any.
        hosts: names by which clients may call it, without the port; "*" is any. Empty: `LOCAL` and `host`.
        max_pixels: of a picture. max_bytes: of the body of a request.
        seconds: a step of computing a request may take so long; then its process is replaced.
        wait: a request waits in the queue for so long, at most, seconds.
        grace: after a signal to stop, requests in work have so many seconds.
        receive: the body of a request must have arrived after so many seconds.
        pose: the keypoint estimator, by name. device: auto, cpu or cuda.
        jobs: videos that wait or whose results are kept, at most. keep: seconds that a result is kept.
        cache: photographs that a worker keeps as they were understood, for further requests; 0: none. cache_bytes: of
            memory for them, of each worker. cache_seconds: after which one that is not used is forgotten.
        clip_seconds: of a clip, so much is computed at most. job_seconds: a video may take so long.
    """

    models: tuple[str, ...] = ("default",)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = field(default_factory=usual_workers)
    queue: int = 128
    batch: int = 0
    token: str = field(default="", repr=False)
    cors: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    max_pixels: int = MAX_PIXELS
    max_bytes: int = MAX_BYTES
    seconds: float = 60.0
    wait: float = 90.0
    grace: float = 20.0
    receive: float = 60.0
    pose: str = "movenet"
    device: str = "auto"
    jobs: int = 16
    keep: float = 3600.0
    cache: int = CACHE
    cache_bytes: int = CACHE_BYTES
    cache_seconds: float = CACHE_SECONDS
    clip_seconds: float = 30.0
    job_seconds: float = 1800.0

    def __post_init__(self) -> None:
        least: dict[str, float] = {
            "workers": 0, "queue": 1, "batch": 0, "max_pixels": 256, "max_bytes": 1024, "seconds": 0.1, "wait": 0.1,
            "grace": 0, "receive": 0.1, "jobs": 1, "keep": 1, "cache": 0, "cache_bytes": 0, "cache_seconds": 0,
            "clip_seconds": 0.1, "job_seconds": 1,
        }  # fmt: skip
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} is {smallest:g} or more, got {getattr(self, name):g}")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"--port is 0 to 65535, got {self.port}")
        if not self.models:
            raise ValueError("a server needs a model: name weights, such as default")
        if len(self.names) < len(self.models):
            raise ValueError(f"two models have one name ({', '.join(self.models)}): clients could not choose")
        if self.token and (len(self.token) < 8 or not self.token.isascii() or not self.token.isprintable()):
            raise ValueError("--token has 8 or more printable ASCII characters, so that nobody guesses it")
        for origin in self.cors:
            if origin != "*" and (not origin.startswith(("http://", "https://")) or origin.count("/") != 2):
                raise ValueError(f"--cors is an origin such as https://example.org, without a path, not '{origin}'")
        require_host_names(self.hosts, "pose.example.org")

    @property
    def names(self) -> dict[str, str]:
        """Name of a model for clients, who see no path of this machine -> the weights, as they were given."""
        found: dict[str, str] = {}
        for given in self.models:
            path = Path(given)
            folder = path.parent if path.suffix == ".safetensors" else path
            found[folder.name or given] = given
        return found

    @property
    def accepted_hosts(self) -> Sequence[str]:
        """Names by which clients may call the server, in small letters."""
        if self.hosts:
            return tuple(host.lower() for host in self.hosts)
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = () if self.host in EVERYBODY else (host.lower(),)
        return (*LOCAL, *own)

    @property
    def threads(self) -> int:
        """Of each worker."""
        return max(1, cores() // max(1, self.workers))
