"""What goes wrong with a study: a request is refused, its file is damaged, or nothing can be written."""

from __future__ import annotations


class RefusedError(ValueError):
    """A request is refused.

    Attributes:
        status: the HTTP status of the answer.
        retry: seconds after which the same request may be sent again; 0 says nothing of that.
    """

    def __init__(self, status: int, text: str, retry: int = 0) -> None:
        self.status, self.retry = status, retry
        super().__init__(text)


class DamagedStudyError(ValueError):
    """The file is no study, or its content cannot be right; the text names the file and what is wrong."""


class UnwritableStudyError(OSError):
    """The file cannot be read or written at the moment: the disk is full, or another process holds it.

    What was acknowledged before is kept, and the next request may succeed.
    """
