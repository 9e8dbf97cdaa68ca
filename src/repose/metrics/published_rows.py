"""The numbers that the papers print of generated pictures: every row with its paper, table, method and protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

REAL: Final = "real data"

PAPERS: Final = {
    "patn": "PATN and APATN",
    "multiscale": "Multi-scale",
    "pinet": "PINet",
    "densepose": "Dense Pose Transfer",
    "hpn": "HPN",
}
"""Key of a paper -> its name in tables."""


@dataclass(frozen=True)
class PublishedRow:
    """One row of a paper's table, as printed.

    Attributes:
        paper: key of `PAPERS`.
        table: its number in that paper.
        method: as the table names it; systems of other papers by the names that the field uses.
        protocol: name@version that measures as the paper did; "" where no protocol of ours compares.
        printed: column -> number, with the digits of the paper. Columns are those of `repose.metrics.COLUMNS`, and
            "DS": the detection score of the paper's own detector. That is an SSD of PASCAL VOC whose weights cannot be
            had, in Roy's paper NVIDIA's SSD on ResNet-50. No column of ours compares with it.
        note: what to know about the row, with "; " between several things; where no protocol compares, why none does.
    """

    paper: str
    table: int
    method: str
    protocol: str
    printed: Mapping[str, str]
    note: str = ""

    @property
    def numbers(self) -> dict[str, float]:
        """Column -> number."""
        return {column: float(text) for column, text in self.printed.items()}

    @property
    def place(self) -> str:
        """Paper and table, "PINet, Table 2"."""
        return f"{PAPERS[self.paper]}, Table {self.table}"


_MARKET: Final = ("ssim", "is_tf10", "mask_ssim", "mask_is_tf10", "DS", "pckh")
_FASHION: Final = ("ssim", "is_tf10", "DS", "pckh")
_BOTH: Final = (("patn-market-jpeg@2", _MARKET), ("patn-fashion-jpeg@2", _FASHION))
_ROY: Final = ("ssim", "is_tv1", "DS", "pckh", "lpips_vgg", "lpips_squeeze")
_PINET: Final = ("is_tf10", "lpips_alex", "fid_tv_train")
_DENSE: Final = ("ssim", "ms_ssim", "is_tf10")

_QUOTED: Final = "without the star that marks what was measured on the paper's own test pairs"
_UNKNOWN: Final = "the text does not say who measured it, nor on which pairs"
_COPIED: Final = "the numbers of Table 1 of PATN and APATN to the digit, so measured as there"
_LPIPS: Final = "the text does not say who measured these two numbers, and cites Gafni and Wolf beside them"
_SIZE: Final = "the text does not say of which size LPIPS and FID are measured: here of the crop"


def _rows(
    paper: str, table: int, protocol: str, columns: tuple[str, ...], rows: Mapping[str, str], note: str = ""
) -> tuple[PublishedRow, ...]:
    """Rows of method -> its numbers with spaces between, "-" where the paper has none."""
    return tuple(
        PublishedRow(
            paper,
            table,
            method,
            protocol,
            {column: text for column, text in zip(columns, numbers.split(), strict=True) if text != "-"},
            note,
        )
        for method, numbers in rows.items()
    )


def _patn(table: int, rows: Mapping[str, tuple[str, str]]) -> tuple[PublishedRow, ...]:
    """Rows that have numbers of Market-1501 and of DeepFashion."""
    return tuple(
        row
        for place, (protocol, columns) in enumerate(_BOTH)
        for row in _rows("patn", table, protocol, columns, {method: both[place] for method, both in rows.items()})
    )


PUBLISHED: Final[tuple[PublishedRow, ...]] = (
    *_patn(1, {
        "PG2": ("0.261 3.495 0.782 3.367 0.39 0.73", "0.773 3.163 0.951 0.89"),
        "Deformable GAN": ("0.291 3.230 0.807 3.502 0.72 0.94", "0.760 3.362 0.967 0.94"),
        "VUNet": ("0.266 2.965 0.793 3.549 0.72 0.92", "0.763 3.440 0.972 0.93"),
        "XingGAN": ("0.313 3.506 0.816 3.872 0.57 0.93", "0.778 3.476 0.962 0.95"),
        "PATN": ("0.311 3.323 0.811 3.773 0.74 0.94", "0.773 3.209 0.976 0.96"),
        "APATN": ("0.326 3.426 0.817 3.801 0.66 0.91", "0.780 3.435 0.971 0.96"),
        REAL: ("1.000 3.890 1.000 3.706 0.74 1.00", "1.000 4.053 0.968 1.00"),
    }),
    *_rows("patn", 1, "", _MARKET, {
        "PG2 on Market-1501": "0.253 3.460 0.792 3.435 - -",
        "Disentangled on Market-1501": "0.099 3.483 0.614 3.491 - -",
        "Deformable GAN on Market-1501": "0.290 3.185 0.805 3.502 0.72 -",
    }, _QUOTED),
    *_rows("patn", 1, "", _FASHION, {
        "PG2 on DeepFashion": "0.762 3.090 - -",
        "Disentangled on DeepFashion": "0.614 3.228 - -",
        "Deformable GAN on DeepFashion": "0.756 3.439 0.96 -",
    }, _QUOTED),
    *_patn(4, {
        "ResNet generator, 5 blocks": ("0.297 3.236 0.802 3.807 0.67 0.84", "0.764 2.952 0.900 0.89"),
        "ResNet generator, 9 blocks": ("0.301 3.077 0.802 3.862 0.69 0.87", "0.767 3.157 0.941 0.90"),
        "ResNet generator, 13 blocks": ("0.300 3.134 0.797 3.731 0.67 0.88", "0.766 3.107 0.943 0.89"),
        "PATN, 5 blocks": ("0.309 3.273 0.809 3.870 0.69 0.91", "0.771 3.108 0.958 0.93"),
        "PATN, 9 blocks": ("0.311 3.323 0.811 3.773 0.74 0.94", "0.773 3.209 0.976 0.96"),
        "PATN, 13 blocks": ("0.314 3.274 0.808 3.797 0.75 0.93", "0.776 3.440 0.970 0.96"),
        "APATN, 1 block": ("0.251 3.875 0.783 3.655 0.61 0.81", "0.768 3.201 0.968 0.87"),
        "APATN, 5 blocks": ("0.326 3.426 0.817 3.801 0.66 0.91", "0.780 3.435 0.971 0.96"),
        "APATN, 9 blocks": ("0.326 3.522 0.821 3.727 0.66 0.91", "0.782 3.187 0.972 0.95"),
    }),
    *_patn(5, {
        "PATB": ("0.311 3.323 0.811 3.773 0.74 0.94", "0.773 3.209 0.976 0.96"),
        "PATB without add": ("0.305 3.650 0.805 3.899 0.73 0.92", "0.769 3.265 0.970 0.93"),
        "PATB without concatenation": ("0.306 3.373 0.807 3.915 0.71 0.92", "0.767 3.200 0.968 0.95"),
        "APATB": ("0.326 3.426 0.817 3.801 0.66 0.91", "0.780 3.435 0.971 0.96"),
        "APATB, addition for concatenation": ("0.333 3.861 0.821 3.744 0.60 0.91", "0.787 2.972 0.967 0.95"),
        "APATB without concatenation": ("0.233 4.071 0.768 3.766 0.61 0.75", "0.767 3.28 0.942 0.90"),
        "APATB without residual block": ("0.255 4.073 0.783 3.660 0.57 0.78", "0.773 3.35 0.955 0.91"),
    }),
    *_rows("multiscale", 1, "patn-fashion-jpeg@2", _FASHION, {
        "PG2": "0.773 3.163 0.951 0.89",
        "Deformable GAN": "0.760 3.362 0.967 0.94",
        "VUNet": "0.763 3.440 0.972 0.93",
        "PATN": "0.773 3.209 0.976 0.96",
    }, _COPIED),
    *_rows("multiscale", 1, "", ("lpips_vgg", "lpips_squeeze"), {
        "PG2": "0.523 0.416",
        "PATN": "0.299 0.170",
    }, _LPIPS),
    *_rows("multiscale", 1, "roy-fashion-jpeg@2", _ROY, {
        "Multi-scale Attention Guided": "0.769 3.379 0.976 0.98 0.200 0.111",
        REAL: "1.000 3.864 0.974 1.00 0.000 0.000",
    }),
    *_rows("multiscale", 3, "roy-fashion-jpeg@2", _ROY, {
        "A0, 125K": "0.760 3.055 0.969 0.97 0.221 0.124",
        "A1-LR, 125K": "0.758 3.211 0.976 0.97 0.210 0.117",
        "A1-HR, 125K": "0.755 2.859 0.965 0.95 0.229 0.134",
        "FULL, 125K": "0.764 3.171 0.975 0.97 0.204 0.113",
        REAL: "1.000 3.864 0.974 1.00 0.000 0.000",
    }),
    *_rows("pinet", 2, "pinet-fashion@2", _PINET, {
        "PG2": "3.163 0.2901 45.288",
        "PATN": "3.209 0.2533 20.739",
        "PINet": "3.419 0.2159 12.635",
    }, _SIZE),
    *_rows("pinet", 2, "pinet-fashion@2", _PINET, {
        "VUNet": "3.362 0.2637 23.667",
        "Deformable GAN": "3.440 0.2330 18.457",
    }, f"{_SIZE}; Table 1 of PATN and APATN has the IS of these two the other way round"),
    *_rows("pinet", 3, "pinet-fashion@2", _PINET, {
        "one stage, vanilla convolution": "3.129 0.271 25.908",
        "two stages, vanilla convolution": "3.248 0.232 15.229",
        "one stage, gated convolution": "3.172 0.228 17.254",
        "without adversarial loss": "2.404 0.415 81.980",
        "with adversarial loss": "3.419 0.216 12.635",
    }, _SIZE),
    *_rows("densepose", 1, "dpt-fashion@1", ("ssim", "is_tf10", "DS"), {
        "best structure": "0.796 3.17 0.971",
        "highest realism": "0.777 3.67 0.969",
        "balanced": "0.785 3.61 0.971",
    }),
    *_rows("densepose", 1, "", ("ssim", "is_tf10", "DS"), {
        "Disentangled": "0.614 3.29 -",
        "VariGAN": "0.620 3.03 -",
        "PG2": "0.762 3.09 -",
        "Deformable GAN": "0.761 3.39 0.966",
    }, _UNKNOWN),
    *_rows("densepose", 3, "dpt-fashion@1", _DENSE, {
        "foreground mask": "0.747 0.710 3.04",
        "segmentation": "0.776 0.791 3.22",
        "key points": "0.762 0.774 3.09",
        "IUV": "0.792 0.821 3.09",
        "one-hot IUV": "0.782 0.799 3.32",
    }),
    *_rows("densepose", 4, "dpt-fashion@1", _DENSE, {
        "predictive module": "0.792 0.821 3.09",
        "predictive, blending": "0.793 0.821 3.10",
        "predictive, warping, blending": "0.789 0.814 3.12",
        "predictive, warping, inpainting, blending": "0.796 0.823 3.17",
    }),
    *_rows("densepose", 5, "dpt-fashion@1", _DENSE, {
        "L1": "0.796 0.823 3.17",
        "L1, perceptual": "0.791 0.822 3.26",
        "L1, style": "0.777 0.815 3.67",
        "L1, perceptual, style": "0.784 0.820 3.41",
        "L1, GAN": "0.771 0.807 3.39",
        "L1, perceptual, GAN": "0.789 0.820 3.33",
        "L1, style, GAN": "0.787 0.820 3.32",
        "L1, perceptual, style, GAN": "0.785 0.807 3.61",
    }),
    *_rows("densepose", 7, "dpt-fashion@1", _DENSE, {
        "key points to key points": "0.762 0.774 3.09",
        "key points to IUV": "0.779 0.796 3.10",
        "IUV to key points": "0.771 0.781 3.12",
        "IUV to IUV": "0.792 0.821 3.09",
    }),
    *_rows("densepose", 8, "dpt-mvc@1", _DENSE, {
        "Dense Pose Transfer": "0.85 0.89 3.74",
        REAL: "1.0 1.0 5.47",
    }),
    *_rows("densepose", 8, "", _DENSE, {
        "cVAE": "0.66 - 2.61",
        "cGAN": "0.69 - 3.45",
        "VariGAN": "0.70 - 3.69",
    }, f"{_UNKNOWN}, nor at which size"),
    *_rows("hpn", 1, "hpn-h36m@1", ("ssim", "local_ssim"), {
        "baseline": "0.909 0.699",
        "local descriptors": "0.944 0.744",
        "progressive training": "0.953 0.759",
        "both (HPN)": "0.954 0.772",
        REAL: "1.00 1.00",
    }),
    *_rows("hpn", 2, "hpn-fashion@1", ("ssim",), {
        "Deformable GAN": "0.776",
        "HPN": "0.806",
        REAL: "1.00",
    }, "the text says neither the size nor the pairs"),
)  # fmt: skip
"""Every row, in the order of the papers and of their tables.

Of other things than generated pictures there are: `repose.bench.cost.published` (parameters and speed),
`repose.study.PUBLISHED` (studies), `repose.apps.reidentification.table.PUBLISHED` and
`repose.apps.fonts.measure.PUBLISHED`.
"""
