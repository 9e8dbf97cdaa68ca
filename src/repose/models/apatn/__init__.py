"""APATN, the aligned form of PATN (Zhu et al.): see CARD.md."""

from repose.models.declaration import ModelDeclaration, PublishedCost

MODEL = ModelDeclaration(
    package=__name__,
    name="apatn",
    title="APATN",
    paper="Zhu et al., Progressive and Aligned Pose Attention Transfer for Person Image Generation (TPAMI)",
    link="https://arxiv.org/abs/2103.11622",
    generator=".network:APATN",
    network_config=".network:APATNConfig",
    objective="repose.models.patn.objective:PATNObjective",
    objective_config="repose.models.patn.objective:PATNObjectiveConfig",
    inspect=".inspect:panels",
    recipes={
        "apatn-market": ".recipe:market",
        "apatn-fashion": ".recipe:fashion",
        "apatn-literal": ".recipe:literal",
        "apatn-s": ".recipe:small",
        "apatn-market-1": ".recipe:blocks_1",
        "apatn-market-9": ".recipe:blocks_9",
        "apatn-market-add": ".recipe:add",
        "apatn-market-without-cat": ".recipe:without_cat",
        "apatn-market-without-res": ".recipe:without_res",
    },
    full="apatn-fashion",
    small="apatn-s",
    protocols={"market": "patn-market", "fashion": "patn-fashion", "fashion-small": "people-small"},
    published={"apatn-fashion": PublishedCost(16.93e6, 58.82, "Zhu et al., Table 2, DeepFashion, one Titan Xp")},
    without_features=("objective.perceptual=none",),
    tiny=("network.width=4", "network.blocks=2", "network.whole_last=false", "objective.discriminator.width=4"),
    overfit=("network.width=24", "network.blocks=2"),
)
