"""Names with versions, and what is said of those that are not there."""

from dataclasses import dataclass

import pytest

from repose.names import versioned


@dataclass(frozen=True)
class Made:
    name: str
    version: int


KNOWN = {f"{name}@{version}": Made(name, version) for name, version in (("ours", 2), ("ours", 10), ("theirs", 1))}


def test_the_newest_version_or_the_one_that_is_named() -> None:
    assert versioned("ours", KNOWN, "thing") == Made("ours", 10)
    assert versioned("ours@2", KNOWN, "thing") == Made("ours", 2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ours@3", "thing 'ours' has no version '3'; there is ours@2, ours@10"),
        ("our", "no thing is called 'our'; did you mean 'ours'?"),
        ("zzz@1", "no thing is called 'zzz@1'; there are: ours, theirs"),
    ],
)
def test_what_is_not_there(name: str, said: str) -> None:
    with pytest.raises(KeyError) as caught:
        versioned(name, KNOWN, "thing")
    assert caught.value.args == (said,)
