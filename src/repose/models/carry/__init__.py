"""Our own model: pixels and features of the source are carried to the target along a correspondence."""

from repose.models.declaration import ModelDeclaration

MODEL = ModelDeclaration(
    package=__name__,
    name="carry",
    title="Carry",
    paper="ours, first generation",
    generator=".network:Carry",
    network_config=".network:CarryConfig",
    objective=".objective:CarryObjective",
    objective_config=".objective:CarryObjectiveConfig",
    inspect=".inspect:panels",
    recipes={
        "carry": ".recipe:base",
        "carry-s": ".recipe:small",
        "carry-s-fashion": ".recipe:small_fashion",
    },
    full="carry",
    small="carry-s",
    protocols={"fashion": "people-fashion", "market": "patn-market"},
    without_features=("objective.perceptual=0",),
    tiny=("network.width=8", "network.depth=1", "network.match=8", "network.heads=2"),
    overfit=("objective.structure=2", "generator_optimiser.lr=0.0015", "network.width=24", "network.match=32"),
)
