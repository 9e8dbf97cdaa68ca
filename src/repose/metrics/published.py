"""The numbers of the papers, by the protocol of each: shown beside measured rows and marked, never in their columns."""

from __future__ import annotations

from typing import Final

REAL: Final = "real data"

_MARKET: Final = ("ssim", "is_tf10", "mask_ssim", "mask_is_tf10", "DS", "pckh")
_FASHION: Final = ("ssim", "is_tf10", "DS", "pckh")
_ROY: Final = ("ssim", "is_tv1", "DS", "pckh", "lpips_vgg", "lpips_squeeze")
_PINET: Final = ("is_tf10", "lpips_alex", "fid_tv_train")

_ROWS: Final[dict[str, tuple[tuple[str, ...], dict[str, tuple[float | None, ...]]]]] = {
    "patn-market": (
        _MARKET,
        {
            "PG2 (APATN's Table 1)": (0.261, 3.495, 0.782, 3.367, 0.39, 0.73),
            "Deformable GAN (APATN's Table 1)": (0.291, 3.230, 0.807, 3.502, 0.72, 0.94),
            "VUNet (APATN's Table 1)": (0.266, 2.965, 0.793, 3.549, 0.72, 0.92),
            "XingGAN (APATN's Table 1)": (0.313, 3.506, 0.816, 3.872, 0.57, 0.93),
            "PATN": (0.311, 3.323, 0.811, 3.773, 0.74, 0.94),
            "APATN": (0.326, 3.426, 0.817, 3.801, 0.66, 0.91),
            REAL: (1.0, 3.890, 1.0, 3.706, 0.74, 1.0),
        },
    ),
    "patn-fashion": (
        _FASHION,
        {
            "PG2 (APATN's Table 1)": (0.773, 3.163, 0.951, 0.89),
            "Deformable GAN (APATN's Table 1)": (0.760, 3.362, 0.967, 0.94),
            "VUNet (APATN's Table 1)": (0.763, 3.440, 0.972, 0.93),
            "XingGAN (APATN's Table 1)": (0.778, 3.476, 0.962, 0.95),
            "PATN": (0.773, 3.209, 0.976, 0.96),
            "APATN": (0.780, 3.435, 0.971, 0.96),
            REAL: (1.0, 4.053, 0.968, 1.0),
        },
    ),
    "roy-fashion": (
        _ROY,
        {
            "Multi-scale Attention Guided": (0.769, 3.379, 0.976, 0.98, 0.200, 0.111),
            "A0, 125K": (0.760, 3.055, 0.969, 0.97, 0.221, 0.124),
            "A1-LR, 125K": (0.758, 3.211, 0.976, 0.97, 0.210, 0.117),
            "A1-HR, 125K": (0.755, 2.859, 0.965, 0.95, 0.229, 0.134),
            "FULL, 125K": (0.764, 3.171, 0.975, 0.97, 0.204, 0.113),
            REAL: (1.0, 3.864, 0.974, 1.0, 0.0, 0.0),
        },
    ),
    "pinet-fashion": (
        _PINET,
        {
            "PG2 (PINet's Table 2)": (3.163, 0.2901, 45.288),
            "VUNet (PINet's Table 2)": (3.362, 0.2637, 23.667),
            "Deformable GAN (PINet's Table 2)": (3.440, 0.2330, 18.457),
            "PATN (PINet's Table 2)": (3.209, 0.2533, 20.739),
            "PINet": (3.419, 0.2159, 12.635),
            "one stage, vanilla convolution": (3.129, 0.271, 25.908),
            "two stages, vanilla convolution": (3.248, 0.232, 15.229),
            "one stage, gated convolution": (3.172, 0.228, 17.254),
            "without adversarial loss": (2.404, 0.415, 81.980),
        },
    ),
    "dpt-fashion": (
        ("ssim", "ms_ssim", "is_tf10", "DS"),
        {
            "best structure": (0.796, 0.823, 3.17, 0.971),
            "highest realism": (0.777, 0.815, 3.67, 0.969),
            "balanced": (0.785, 0.807, 3.61, 0.971),
            "predictive module only": (0.792, 0.821, 3.09, None),
        },
    ),
    "dpt-mvc": (
        ("ssim", "ms_ssim", "is_tf10"),
        {
            "cVAE": (0.66, None, 2.61),
            "cGAN": (0.69, None, 3.45),
            "VariGAN": (0.70, None, 3.69),
            "Dense Pose Transfer": (0.85, 0.89, 3.74),
            REAL: (1.0, 1.0, 5.47),
        },
    ),
    "hpn-h36m": (
        ("ssim", "local_ssim"),
        {
            "baseline": (0.909, 0.699),
            "local descriptors": (0.944, 0.744),
            "progressive training": (0.953, 0.759),
            "HPN": (0.954, 0.772),
            REAL: (1.0, 1.0),
        },
    ),
    "hpn-fashion": (("ssim",), {"Deformable GAN (HPN's Table 2)": (0.776,), "HPN": (0.806,), REAL: (1.0,)}),
}


def published(protocol: str) -> dict[str, dict[str, float]]:
    """The published numbers under a protocol: system -> column -> number; empty if there are none.

    Args:
        protocol: its name without version. A protocol of JPEG files, "-jpeg", has the numbers of the protocol of PNG
            files, as the papers measured JPEG files.

    A column "DS" is the detection score as published, of the paper's own detector: an SSD of PASCAL VOC whose weights
    cannot be had, in Roy's paper NVIDIA's SSD on ResNet-50. None of our columns compares with it. The others are
    columns of `repose.metrics.COLUMNS`.
    """
    columns, rows = _ROWS.get(protocol.removesuffix("-jpeg"), ((), {}))
    return {
        name: {column: value for column, value in zip(columns, values, strict=True) if value is not None}
        for name, values in rows.items()
    }
