"""The variants of SSIM behind the field's tables, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SSIMVariant:
    """Everything that changes the value of an SSIM; two tables are comparable only if these agree.

    Attributes:
        window: "gaussian" (Wang et al. 2004) or "uniform" (scikit-image's default).
        size: side of the window in pixels, odd. A Gaussian is cut there and normalised again.
        sigma: of the Gaussian, pixels; unused by a uniform window.
        sample_covariance: divide the covariances by N - 1 (scikit-image's default) and not by N, N = size * size.
        data_range: L of the constants (K L)^2, in grey levels of 255; "generated" is max - min over the generated
            picture of each pair, which makes the measure depend on which picture is called generated.
        k1, k2: of the constants.
    """

    window: Literal["gaussian", "uniform"]
    size: int
    sigma: float = 1.5
    sample_covariance: bool = False
    data_range: float | Literal["generated"] = 255.0
    k1: float = 0.01
    k2: float = 0.03

    def __post_init__(self) -> None:
        if self.window not in ("gaussian", "uniform"):
            raise ValueError(f"SSIMVariant: window is 'gaussian' or 'uniform', got {self.window!r}")
        if self.size < 3 or self.size % 2 == 0:
            raise ValueError(f"SSIMVariant: size is the side of a square of 3 or more and odd, got {self.size}")

    def __str__(self) -> str:
        shape = f"uniform {self.size}x{self.size}"
        if self.window == "gaussian":
            shape = f"Gaussian, sigma {self.sigma:g}, {self.size}x{self.size}"
        width = "max - min of the generated picture" if self.data_range == "generated" else f"{self.data_range:g}"
        return f"{shape}{', sample covariance' if self.sample_covariance else ''}, range {width}"


PATN = SSIMVariant("gaussian", size=11, sigma=1.5, data_range="generated")
"""PG2's, Deformable GAN's and PATN's: Wang's window, the range of the generated picture."""

SKIMAGE = SSIMVariant("uniform", size=7, sample_covariance=True, data_range=255.0)
"""scikit-image's defaults for uint8 pictures: 7x7 uniform, sample covariance."""

WANG = SSIMVariant("gaussian", size=11, sigma=1.5, data_range=255.0)
"""Wang et al. 2004 as written, with the range of the files."""

GFLA = SSIMVariant("uniform", size=51, sample_covariance=True, data_range=255.0)
"""The column "ssim" of GFLA's measuring script, which DPTN, PIDM and CFLD took over: a uniform window of 51x51. Their
"ssim_256" is `PATN` (in PIDM's script with the sigma of `PIDM`)."""

PIDM = SSIMVariant("gaussian", size=9, sigma=1.2, data_range="generated")
"""The column "ssim_256" of PIDM's measuring script: sigma 1.2, which scikit-image cuts at 4 pixels."""
