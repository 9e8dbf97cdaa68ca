"""Multi-scale Attention Guided Pose Transfer (Roy et al. 2022): see CARD.md."""

from repose.models.declaration import ModelDeclaration

MODEL = ModelDeclaration(
    package=__name__,
    name="multiscale",
    title="multi-scale",
    paper="Roy et al., Multi-scale Attention Guided Pose Transfer (Pattern Recognition 2022)",
    link="https://arxiv.org/abs/2202.06777",
    generator=".network:MultiScale",
    network_config=".network:MultiScaleConfig",
    objective=".objective:MultiScaleObjective",
    objective_config=".objective:MultiScaleObjectiveConfig",
    inspect=".inspect:panels",
    convert=".convert:convert_generator",
    marks={"the official multi-scale generator": ("in1_conv1", "in2_conv1", "out_conv1")},
    recipes={
        "multiscale-fashion": ".recipe:official",
        "multiscale-paper": ".recipe:paper",
        "multiscale-full": ".recipe:full",
        "multiscale-a0": ".recipe:a0",
        "multiscale-a1-lr": ".recipe:a1_lr",
        "multiscale-a1-hr": ".recipe:a1_hr",
        "multiscale-s": ".recipe:small",
        "multiscale-parsing-fashion": ".recipe:parsing",
        "multiscale-parsing-s": ".recipe:parsing_small",
    },
    full="multiscale-fashion",
    small="multiscale-s",
    protocols={"fashion-square": "roy-fashion", "market": "patn-market", "fashion-half": "people-half"},
    without_features=("objective.perceptual=0",),
    tiny=("network.width=4", "network.levels=3", "network.tail=1"),
    overfit=("network.width=8",),
)
