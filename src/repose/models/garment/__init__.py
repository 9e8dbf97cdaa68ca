"""Garment, the appearance flow network of HPN's virtual try-on (section 4.4): see CARD.md."""

from repose.models.declaration import ModelDeclaration

MODEL = ModelDeclaration(
    package=__name__,
    name="garment",
    title="garment flow",
    paper="HPN, section 4.4: the appearance flow network of its virtual try-on",
    generator=".network:GarmentFlow",
    network_config=".network:GarmentConfig",
    objective=".objective:GarmentObjective",
    objective_config=".objective:GarmentObjectiveConfig",
    inspect=".inspect:panels",
    recipes={
        "garment": ".recipe:paper",
        "garment-s": ".recipe:small",
        "garment-s-clothes": ".recipe:small_clothes",
    },
    full="garment",
    small="garment-s",
    without_features=("objective.perceptual=none", "objective.weight_l1=1"),
    tiny=("network.width=4", "network.downs=2", "network.blocks=1"),
    overfit=None,
)
