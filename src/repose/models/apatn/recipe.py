"""APATN's runs: as the text says for both data sets, the ablations, and a small one for the CPU.

The text gives APATN no terms, weights or lengths of its own (section 3.5), so the objective is that of `patn-paper`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from repose.models.apatn.network import APATNConfig
from repose.models.patn import recipe as patn
from repose.recipes import DataConfig, Recipe, ScheduleConfig


def market() -> Recipe:
    """Market-1501: 90K steps, falling from the 60,000th; batch and maps as PATN was released: the text is silent."""
    return replace(
        patn.paper(),
        name="apatn-market",
        model="apatn",
        network=APATNConfig(pose="gaussian", sigma=6.0),
        notes="APATN as the text has it, at the published size",
    )


def fashion() -> Recipe:
    """DeepFashion, likewise: 90K steps of 7 pairs at 176x256."""
    base, batch = market(), 7
    return replace(
        base,
        name="apatn-fashion",
        canvas="fashion",
        network=APATNConfig(pose="point"),
        objective=replace(base.objective, pose="point"),
        data=DataConfig(batch=batch, flip="none"),
        schedule=ScheduleConfig(kind="linear", hold=60_000 * batch),
        images=90_000 * batch,
    )


def literal() -> Recipe:
    """DeepFashion with the network exactly as written: 15.0M parameters, 2.69M a block."""
    base = fashion()
    network = replace(base.network, project=False, pose_encoders="one", code_residual=False)
    return replace(base, name="apatn-literal", network=network, notes="APATN read literally; 14,996,419 parameters")


def small() -> Recipe:
    """For two CPU cores at 88x128: a half-size stem, five APATBs, and the settings of `patn-s`."""
    base = patn.small()
    return replace(
        base,
        name="apatn-s",
        model="apatn",
        canvas="fashion-small",
        network=APATNConfig(
            width=32,
            shrink=2,
            scale="root",
            whole_last=False,
            start="identity",
            norm="batch",
            dropout=0.0,
            pose="gaussian",
            sigma=6.0,
            stem="half",
            downs=1,
            padding="zeros",
        ),
        notes="ours: APATN cut down for the CPU",
    )


# -- ablations, sections 4.4.1 and 4.4.2, on Market-1501 ------------------------------------------------------------


def blocks_1() -> Recipe:
    """1 APATB (Table 4)."""
    return _ablation("apatn-market-1", blocks=1)


def blocks_9() -> Recipe:
    """9 APATBs (Table 4)."""
    return _ablation("apatn-market-9", blocks=9)


def add() -> Recipe:
    """Addition in place of the concatenation of eq. 7 (Table 5)."""
    return _ablation("apatn-market-add", block="apatb-add")


def without_cat() -> Recipe:
    """APATB without the concatenation of eq. 7 (Table 5)."""
    return _ablation("apatn-market-without-cat", block="apatb-without-cat")


def without_res() -> Recipe:
    """APATB without the residual block of eq. 8 (Table 5)."""
    return _ablation("apatn-market-without-res", block="apatb-without-res")


def _ablation(
    name: str,
    blocks: int = 5,
    block: Literal["apatb", "apatb-add", "apatb-without-cat", "apatb-without-res"] = "apatb",
) -> Recipe:
    base = market()
    network = replace(base.network, blocks=blocks, block=block)
    notes = f"ablation of APATN on Market-1501: {block}, {blocks} block{'s' if blocks > 1 else ''}"
    return replace(base, name=name, network=network, notes=notes)
