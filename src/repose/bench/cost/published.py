"""What papers print of the size and the speed of systems that are not here.

Of those that are here the declarations say it: `repose.models.published_costs`.
"""

from __future__ import annotations

from typing import Final

from repose.models import PublishedCost

_APATN: Final = "Zhu et al., Table 2, DeepFashion, one Titan Xp"

OTHERS: Final = {
    "Ma et al. 2017 (PG2)": PublishedCost(437.09e6, 10.36, _APATN),
    "Esser et al. 2018 (VUnet)": PublishedCost(139.36e6, 29.37, _APATN),
    "Siarohin et al. 2018 (Deform)": PublishedCost(82.08e6, 17.74, _APATN),
    "Tang et al. 2020 (XingGAN)": PublishedCost(44.85e6, 57.40, _APATN),
}
"""Name of a system that the papers compare with -> its cost."""
