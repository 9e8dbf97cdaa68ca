"""PATN, Progressive and Aligned Pose Attention Transfer (Zhu et al.): see CARD.md."""

from repose.models.declaration import ModelDeclaration, PublishedCost

MODEL = ModelDeclaration(
    package=__name__,
    name="patn",
    title="PATN",
    paper="Zhu et al., Progressive Pose Attention Transfer for Person Image Generation (CVPR 2019, TPAMI)",
    link="https://arxiv.org/abs/1904.03349",
    generator=".network:PATNGenerator",
    network_config=".network:PATNConfig",
    objective=".objective:PATNObjective",
    objective_config=".objective:PATNObjectiveConfig",
    inspect=".inspect:panels",
    convert=".convert:convert_generator",
    marks={
        "the official PATN generator": ("stream1_down.1.weight", "stream2_down.1.weight", "stream1_up.0.weight"),
        "an official PATN or PINet discriminator": ("1.weight", "4.weight", "7.weight", "10.conv_block.1.weight"),
    },
    recipes={
        "patn-market": ".recipe:official_market",
        "patn-fashion": ".recipe:official_fashion",
        "patn-paper": ".recipe:paper",
        "patn-s": ".recipe:small",
        "patn-market-5": ".recipe:blocks_5",
        "patn-market-13": ".recipe:blocks_13",
        "patn-market-without-add": ".recipe:without_add",
        "patn-market-without-cat": ".recipe:without_cat",
        "patn-market-resnet-5": ".recipe:resnet_5",
        "patn-market-resnet-9": ".recipe:resnet_9",
        "patn-market-resnet-13": ".recipe:resnet_13",
    },
    full="patn-fashion",
    small="patn-s",
    protocols={"market": "patn-market", "fashion": "patn-fashion"},
    published={"patn-fashion": PublishedCost(41.36e6, 60.61, "Zhu et al., Table 2, DeepFashion, one Titan Xp")},
    without_features=("objective.perceptual=none",),
    tiny=("network.width=4", "network.blocks=2", "objective.discriminator.width=4"),
    overfit=("network.width=16", "network.blocks=3"),
)
