"""Every table of the papers: the runs of its rows, the commands, and what cannot be repeated."""

from __future__ import annotations

from typing import Final

from repose.research.reproduction.plan import Measurement, PaperTable, Run

_MARKET, _FASHION = "patn-market-jpeg@2", "patn-fashion-jpeg@2"
_ROY, _PINET, _DPT = "roy-fashion-jpeg@2", "pinet-fashion@2", "dpt-fashion@1"

_DS: Final = "DS: the weights of its SSD, trained on PASCAL VOC, cannot be had"
_ROY_DS: Final = "DS of the paper's SSD on ResNet-50: the column `ds` is of another SSD, and does not compare"
_STRETCH: Final = (
    "the released code stretches each picture to its darkest and brightest value before it measures, which is not done"
)
_PAIRS: Final = "the paper's 8,670 test pairs: no list of them is public, and PATN's 8,570 stand in for them"
_DIALECTS: Final = (
    "of LPIPS and FID the paper does not say the size of the pictures nor the networks, and no script was released: "
    "both are chosen"
)
_PEOPLE: Final = "people who take part; the ones of the paper cannot be asked again"
_LABELS: Final = "the published parsing maps have 12 labels in an order that is not described"


def _both(table: int, title: str, market: tuple[Run, ...], fashion: tuple[Run, ...]) -> PaperTable:
    """A table of PATN and APATN of both data sets."""
    return PaperTable(
        "patn",
        (table,),
        title,
        (Measurement("market1501", _MARKET, market), Measurement("deepfashion", _FASHION, fashion)),
        missing=f"{_DS}; no code of APATN was released, so its terms and lengths are PATN's",
    )


_PATN_MARKET: Final = Run("patn-market", ("PATN", "PATN, 9 blocks", "PATB"))
_PATN_FASHION: Final = Run("patn-fashion", _PATN_MARKET.rows)
_APATN_MARKET: Final = Run("apatn-market", ("APATN", "APATN, 5 blocks", "APATB"))
_APATN_FASHION: Final = Run("apatn-fashion", _APATN_MARKET.rows)


def _fashion(recipe: str, row: str, name: str, *settings: str) -> Run:
    return Run(recipe, (row,), settings, name)


def _study(first: str, more: str, data: str, protocol: str, study: str, measured: str) -> tuple[str, ...]:
    """The commands of a user study of one or two runs. `more` may be empty."""
    names = [name for name in (first, more) if name]
    return (
        *(f"repose generate runs/{name} --data {data} -p {measured} -o out/{name}" for name in names),
        f"repose study prepare {' '.join(f'{name}=out/{name}' for name in names)} -d {data} -p {protocol} -o {study}",
        f"repose study serve {study} --host 0.0.0.0",
        f"repose study table {study}",
    )


def _dense(recipe: str, *rows: str) -> Run:
    return Run(f"densepose-fashion{'-' * bool(recipe)}{recipe}", rows)


TABLES: Final[tuple[PaperTable, ...]] = (
    _both(1, "comparison", (_PATN_MARKET, _APATN_MARKET), (_PATN_FASHION, _APATN_FASHION)),
    PaperTable(
        "patn",
        (2,),
        "size and speed",
        commands=(
            "repose bench cost patn-fashion apatn-fashion",
            "repose bench forward patn-fashion apatn-fashion --size 256x176",
        ),
        missing="the paper's GPU, a Titan Xp: parameters compare, pictures a second do not",
        page="cost.md",
    ),
    PaperTable(
        "patn",
        (3,),
        "user study",
        commands=(
            *_study("patn-market", "apatn-market", "data/market1501", "patn", "out/study-market.db", _MARKET),
            *_study("patn-fashion", "apatn-fashion", "data/deepfashion", "patn", "out/study-fashion.db", _FASHION),
        ),
        needs="the runs of Table 1, and people",
        missing=_PEOPLE,
        page="study.md",
    ),
    _both(
        4,
        "number of blocks",
        (
            *(Run(f"patn-market-resnet-{count}", (f"ResNet generator, {count} blocks",)) for count in (5, 9, 13)),
            Run("patn-market-5", ("PATN, 5 blocks",)),
            _PATN_MARKET,
            Run("patn-market-13", ("PATN, 13 blocks",)),
            Run("apatn-market-1", ("APATN, 1 block",)),
            _APATN_MARKET,
            Run("apatn-market-9", ("APATN, 9 blocks",)),
        ),
        (
            *(
                _fashion(
                    "patn-fashion",
                    f"ResNet generator, {count} blocks",
                    f"patn-fashion-resnet-{count}",
                    "network.block=resnet",
                    f"network.blocks={count}",
                )
                for count in (5, 9, 13)
            ),
            _fashion("patn-fashion", "PATN, 5 blocks", "patn-fashion-5", "network.blocks=5"),
            _PATN_FASHION,
            _fashion("patn-fashion", "PATN, 13 blocks", "patn-fashion-13", "network.blocks=13"),
            _fashion("apatn-fashion", "APATN, 1 block", "apatn-fashion-1", "network.blocks=1"),
            _APATN_FASHION,
            _fashion("apatn-fashion", "APATN, 9 blocks", "apatn-fashion-9", "network.blocks=9"),
        ),
    ),
    _both(
        5,
        "inside the blocks",
        (
            _PATN_MARKET,
            Run("patn-market-without-add", ("PATB without add",)),
            Run("patn-market-without-cat", ("PATB without concatenation",)),
            _APATN_MARKET,
            Run("apatn-market-add", ("APATB, addition for concatenation",)),
            Run("apatn-market-without-cat", ("APATB without concatenation",)),
            Run("apatn-market-without-res", ("APATB without residual block",)),
        ),
        (
            _PATN_FASHION,
            _fashion("patn-fashion", "PATB without add", "patn-fashion-without-add", "network.block=patb-without-add"),
            _fashion(
                "patn-fashion",
                "PATB without concatenation",
                "patn-fashion-without-cat",
                "network.block=patb-without-cat",
            ),
            _APATN_FASHION,
            _fashion(
                "apatn-fashion", "APATB, addition for concatenation", "apatn-fashion-add", "network.block=apatb-add"
            ),
            _fashion(
                "apatn-fashion",
                "APATB without concatenation",
                "apatn-fashion-without-cat",
                "network.block=apatb-without-cat",
            ),
            _fashion(
                "apatn-fashion",
                "APATB without residual block",
                "apatn-fashion-without-res",
                "network.block=apatb-without-res",
            ),
        ),
    ),
    PaperTable(
        "patn",
        (6,),
        "re-identification with generated pictures",
        commands=(
            "repose reid data/market1501 -m runs/patn-market --classifier resnet-50 --poses own -o out/reid",
            "repose reid data/market1501 -m runs/patn-market -m runs/apatn-market --classifier resnet-50 --poses kept "
            "-o out/reid",
            "repose reid data/market1501 -m runs/patn-market -m runs/apatn-market --classifier resnet-50 --poses all "
            "--p none --ratio 2,3 -o out/reid",
            "repose reid data/market1501 -m runs/patn-market -m runs/apatn-market --classifier resnet-50 --loss circle "
            "--poses kept -o out/reid",
        ),
        needs="the Market-1501 runs of Table 1, and torchvision",
        missing="the rows of Inception-v2, which is not here; those of VUNet and Deformable GAN, as the command takes "
        "models and no folders of pictures; the lengths and the portions that were drawn are not in the paper",
        page="reid.md",
    ),
    PaperTable(
        "multiscale",
        (1,),
        "comparison",
        (
            Measurement(
                "deepfashion",
                _ROY,
                (
                    Run(
                        "multiscale-fashion",
                        ("Multi-scale Attention Guided",),
                        options=("--snapshots 70@500",),
                    ),
                ),
                choose="ssim",
            ),
        ),
        needs="in place of the run, its snapshot that the second command names: as in the text, the best of the last "
        "70, saved every 500 steps",
        missing=f"{_ROY_DS}; {_STRETCH}; by which metric the paper chooses its checkpoint, and on which pairs, it does "
        "not say: here by SSIM on validation people",
    ),
    PaperTable(
        "multiscale",
        (2,),
        "user study",
        commands=_study("multiscale-fashion", "", "data/deepfashion", "roy-released", "out/study-roy.db", _ROY),
        needs="the run of Table 1, and people",
        missing=_PEOPLE,
        page="study.md",
    ),
    PaperTable(
        "multiscale",
        (3,),
        "attention links",
        (
            Measurement(
                "deepfashion",
                _ROY,
                (
                    Run("multiscale-a0", ("A0, 125K",)),
                    Run("multiscale-a1-lr", ("A1-LR, 125K",)),
                    Run("multiscale-a1-hr", ("A1-HR, 125K",)),
                    Run("multiscale-full", ("FULL, 125K",)),
                ),
            ),
        ),
        missing=f"{_ROY_DS}; {_STRETCH}",
    ),
    PaperTable(
        "multiscale",
        (4,),
        "style of fonts",
        commands=(
            "python scripts/fetch_fonts.py data/fonts",
            "python scripts/train_font.py data/fonts runs/font --colour learned --out out/font",
            "python scripts/measure_font.py data/fonts --network again=out/font/weights.safetensors",
        ),
        needs="a checkout of the project, and a Debian 12 whose packages hold the fonts",
        missing="STEFANN's 1,315 fonts: others stand in for them; and 256x256: here 64x64, so the numbers do not "
        "compare",
        page="font.md",
    ),
    PaperTable(
        "pinet",
        (1,),
        "layers",
        commands=("repose bench cost pinet-paper --count",),
        page="cost.md",
    ),
    PaperTable(
        "pinet",
        (2,),
        "comparison",
        (
            Measurement(
                "deepfashion-parsing", _PINET, (Run("pinet-fashion", ("PINet",)), Run("pinet-paper", ("PINet",)))
            ),
        ),
        missing=f"{_DIALECTS}; {_LABELS}",
    ),
    PaperTable(
        "pinet",
        (3,),
        "ablation",
        (
            Measurement(
                "deepfashion-parsing",
                _PINET,
                (
                    Run("pinet-one-vanilla", ("one stage, vanilla convolution",)),
                    Run("pinet-two-vanilla", ("two stages, vanilla convolution",)),
                    Run("pinet-one-gated", ("one stage, gated convolution",)),
                    Run("pinet-without-adversarial", ("without adversarial loss",)),
                    Run("pinet-paper", ("with adversarial loss",)),
                ),
            ),
        ),
        missing=f"{_DIALECTS}; {_LABELS}",
    ),
    PaperTable(
        "densepose",
        (1,),
        "comparison",
        (
            Measurement(
                "deepfashion-iuv",
                _DPT,
                (_dense("l1", "best structure"), _dense("l1-style", "highest realism"), _dense("", "balanced")),
            ),
        ),
        missing=f"{_PAIRS}; {_DS}",
    ),
    PaperTable(
        "densepose",
        (2,),
        "user study",
        commands=tuple(
            line
            for place, study in enumerate(("realism", "anatomy", "pose"))
            for line in _study(
                "densepose-fashion", "", "data/deepfashion-iuv", f"dpt-{study}", f"out/study-{study}.db", _DPT
            )[bool(place) :]
        ),
        needs="the run `densepose-fashion` of Table 1, and people",
        missing=f"{_PEOPLE}; the paper had them through Amazon Mechanical Turk, with which nothing here connects",
        page="study.md",
    ),
    PaperTable(
        "densepose",
        (3, 7),
        "representations of the pose",
        (
            Measurement(
                "deepfashion-iuv",
                _DPT,
                (
                    _dense("mask", "foreground mask"),
                    _dense("segmentation", "segmentation"),
                    _dense("keypoints", "key points", "key points to key points"),
                    _dense("predictive", "IUV", "IUV to IUV"),
                    _dense("onehot", "one-hot IUV"),
                    _dense("keypoints-iuv", "key points to IUV"),
                    _dense("iuv-keypoints", "IUV to key points"),
                ),
            ),
        ),
        missing=_PAIRS,
    ),
    PaperTable(
        "densepose",
        (4,),
        "modules",
        (
            Measurement(
                "deepfashion-iuv",
                _DPT,
                (
                    _dense("predictive", "predictive module"),
                    _dense("blending", "predictive, blending"),
                    _dense("warping", "predictive, warping, blending"),
                    _dense("l1", "predictive, warping, inpainting, blending"),
                ),
            ),
        ),
        missing=_PAIRS,
    ),
    PaperTable(
        "densepose",
        (5,),
        "losses",
        (
            Measurement(
                "deepfashion-iuv",
                _DPT,
                (
                    _dense("l1", "L1"),
                    _dense("l1-perceptual", "L1, perceptual"),
                    _dense("l1-style", "L1, style"),
                    _dense("l1-perceptual-style", "L1, perceptual, style"),
                    _dense("l1-gan", "L1, GAN"),
                    _dense("l1-perceptual-gan", "L1, perceptual, GAN"),
                    _dense("l1-style-gan", "L1, style, GAN"),
                    _dense("", "L1, perceptual, style, GAN"),
                ),
            ),
        ),
        missing=_PAIRS,
    ),
    PaperTable(
        "densepose",
        (6,),
        "layers of the inpainting autoencoder",
        commands=("repose bench cost densepose-fashion --count",),
        page="cost.md",
    ),
    PaperTable(
        "densepose",
        (8,),
        "MVC",
        (Measurement("mvc", "dpt-mvc@1", (Run("densepose-fashion", ("Dense Pose Transfer",), name="densepose-mvc"),)),),
        missing="the paper's 14,924 test pairs: as many are drawn by a seed; how pictures are scaled it does not say",
    ),
    PaperTable(
        "hpn",
        (1,),
        "local descriptors and progressive training",
        (
            Measurement(
                "human36m",
                "hpn-h36m@1",
                (
                    Run("hpn-baseline", ("baseline",)),
                    Run("hpn-ld", ("local descriptors",)),
                    Run("hpn-pt", ("progressive training",)),
                    Run("hpn", ("both (HPN)",)),
                ),
            ),
        ),
        missing="the paper's test pairs, of which it prints no list: they are drawn by a seed; how it removes the "
        "background it does not say: masks are estimated",
    ),
    PaperTable(
        "hpn",
        (2,),
        "comparison",
        (Measurement("deepfashion", "hpn-fashion@1", (Run("hpn-fashion", ("HPN",)),)),),
        missing="size and pairs, which the paper does not say: 256x256 and PATN's pairs are chosen",
    ),
)
"""In the order of the papers and of their tables."""
