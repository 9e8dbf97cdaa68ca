"""PINet, Human Pose Transfer by Adaptive Hierarchical Deformation (Zhang, Liu, Li): see CARD.md."""

from repose.models.declaration import ModelDeclaration, PublishedCost

MODEL = ModelDeclaration(
    package=__name__,
    name="pinet",
    title="PINet",
    paper="Zhang et al., Human Pose Transfer by Adaptive Hierarchical Deformation (Pacific Graphics 2020)",
    link="https://github.com/Zhangjinso/PINet_PG",
    generator=".network:PINet",
    network_config=".network:PINetConfig",
    objective=".objective:PINetObjective",
    objective_config=".objective:PINetObjectiveConfig",
    inspect=".inspect:panels",
    convert=".convert:convert_generator",
    marks={"the official PINet generator": ("ParsingNet.gcnet.1.", "app_trans_net.1.")},
    recipes={
        "pinet-fashion": ".recipe:official",
        "pinet-paper": ".recipe:paper",
        "pinet-one-vanilla": ".recipe:one_vanilla",
        "pinet-two-vanilla": ".recipe:two_vanilla",
        "pinet-one-gated": ".recipe:one_gated",
        "pinet-without-adversarial": ".recipe:without_adversarial",
        "pinet-s": ".recipe:small",
    },
    full="pinet-fashion",
    small="pinet-s",
    protocols={"fashion": "pinet-fashion", "fashion-small": "people-small"},
    published={"pinet-paper": PublishedCost(19.46e6, None, "Zhang et al., Table 2")},
    without_features=("objective.perceptual=none",),
    tiny=("network.width=8", "network.downs=1", "network.gamma=0.1"),
    tolerance=1e-4,  # thirty norms in a row scale the difference in rounding up
    overfit=("network.width=12", "generator_optimiser.lr=0.002", "objective.alone=[0.1,0.2]"),
)
