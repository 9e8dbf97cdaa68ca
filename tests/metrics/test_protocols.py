"""Protocols by name and version."""

import dataclasses

import pytest

from repose.metrics import PROTOCOLS, protocol
from repose.metrics.functional import PATN, SKIMAGE
from repose.represent.canvas import CANVASES


def test_names_are_keys_and_canvases_exist() -> None:
    for name, made in PROTOCOLS.items():
        assert name == str(made) == f"{made.name}@{made.version}"
        assert made.canvas in CANVASES
        assert made.notes


def test_newest_version_by_bare_name() -> None:
    assert protocol("patn-market") is protocol("patn-market@1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol("patn-market").version = 2  # type: ignore[misc]


def test_what_the_papers_say() -> None:
    market, fashion, roy = (protocol(name) for name in ("patn-market", "patn-fashion", "roy-fashion"))
    assert (market.ssim, fashion.ssim, roy.ssim) == (PATN, PATN, SKIMAGE)
    assert market.mask is not None
    assert (market.mask.radius, market.mask.half_width, market.mask.close) == (4, 4, 5)
    left, top, right, bottom = fashion.padding
    height, width = CANVASES[fashion.canvas].size
    assert (height + top + bottom, width + left + right) == (256, 256)
    assert fashion.fill == 255
    assert (market.directions, roy.directions) == ("given", "both")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("patn-markt", "did you mean 'patn-market'"), ("patn-market@7", "no version '7'"), ("zzz", "there are: patn-")],
)
def test_unknown_names_are_answered(name: str, hint: str) -> None:
    with pytest.raises(KeyError, match=hint):
        protocol(name)
