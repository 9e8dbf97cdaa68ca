"""Our own model: the bodies of both poses say where a pixel comes from; a network judges that and paints the rest."""

from repose.models.declaration import ModelDeclaration

MODEL = ModelDeclaration(
    package=__name__,
    name="bodywarp",
    title="Body warp",
    paper="ours, second generation",
    generator=".network:BodyWarp",
    network_config=".network:BodyWarpConfig",
    objective=".objective:BodyWarpObjective",
    objective_config=".objective:BodyWarpObjectiveConfig",
    inspect=".inspect:panels",
    recipes={
        "bodywarp": ".recipe:base",
        "bodywarp-s": ".recipe:small",
    },
    full="bodywarp",
    small="bodywarp-s",
    protocols={"fashion": "people-fashion"},
    without_features=("objective.lpips=0", "objective.crops=0", "objective.identity=0"),
    tiny=("network.width=8", "network.depth=1", "network.heads=2"),
    overfit=None,
)
