"""HPN, High-Resolution Pose Transfer via Progressive Training and Pose Disentangling: see CARD.md."""

from repose.models.declaration import ModelDeclaration

MODEL = ModelDeclaration(
    package=__name__,
    name="hpn",
    title="HPN",
    paper="High-Resolution Pose Transfer via Progressive Training and Pose Disentangling (anonymous submission)",
    generator=".network:HPN",
    network_config=".network:HPNConfig",
    objective=".objective:HPNObjective",
    objective_config=".objective:HPNObjectiveConfig",
    inspect=".inspect:panels",
    recipes={
        "hpn": ".recipe:paper",
        "hpn-ld": ".recipe:local",
        "hpn-pt": ".recipe:progressive",
        "hpn-baseline": ".recipe:baseline",
        "hpn-fashion": ".recipe:fashion",
        "hpn-s": ".recipe:small",
    },
    full="hpn",
    small="hpn-s",
    protocols={"fashion-square-1024": "hpn-h36m", "fashion-square": "hpn-fashion", "fashion-small": "people-small"},
    without_features=("objective.perceptual=none", "objective.weight_pixels=1"),
    tiny=("network.width=16", "network.levels=2", "network.trained=1"),
    overfit=("objective.shares=[1,1,5]", "network.width=112", "generator_optimiser.lr=0.0015"),
)
