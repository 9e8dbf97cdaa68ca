"""What papers print of the size and the speed of their systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Published:
    """What a paper prints of a system.

    Attributes:
        name: of the system.
        parameters: weights of its generator.
        rate: pictures a second on a GPU; None where the paper prints none.
        source: paper, table, data and device.
    """

    name: str
    parameters: float
    rate: float | None
    source: str


_APATN: Final = "Zhu et al., Table 2, DeepFashion, one Titan Xp"

PUBLISHED: Final = {
    "patn-fashion": Published("PATN", 41.36e6, 60.61, _APATN),
    "apatn-fashion": Published("APATN", 16.93e6, 58.82, _APATN),
    "pinet-paper": Published("PINet", 19.46e6, None, "Zhang et al., Table 2"),
}
"""Of the recipes here. The other texts print neither weights nor speed."""

OTHERS: Final = (
    Published("Ma et al. 2017 (PG2)", 437.09e6, 10.36, _APATN),
    Published("Esser et al. 2018 (VUnet)", 139.36e6, 29.37, _APATN),
    Published("Siarohin et al. 2018 (Deform)", 82.08e6, 17.74, _APATN),
    Published("Tang et al. 2020 (XingGAN)", 44.85e6, 57.40, _APATN),
)
"""Systems that the papers compare with and that are not here."""
