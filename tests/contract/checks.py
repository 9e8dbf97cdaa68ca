"""What every model keeps, as functions: of a declaration, of the name of a recipe, and a folder for files.

The matrix runs them over the registry (`test_generators.py`, `test_recipes.py`, `test_declarations.py`), and over a
paper that is added by its folder alone (`test_new_paper.py`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from typer.testing import CliRunner

from repose import cli
from repose.backends import fold_batch_norm
from repose.bench.workload import example
from repose.bench.workload import settle as settle_norms
from repose.data import Store
from repose.document_tables import document_table
from repose.draw.panels import Panel
from repose.inspection import look_inside
from repose.losses.perceptual import Perceptual
from repose.models import (
    MODELS,
    RECIPES,
    ModelDeclaration,
    build_generator,
    build_objective,
    inspector,
    main_recipes,
    recipe,
    recipe_from_dict,
)
from repose.models.base import Generator, Objective, course, stage_of
from repose.person import Person
from repose.pipeline import Model
from repose.pipeline import load as load_model
from repose.recipes import Recipe, override, to_dict
from repose.represent.canvas import canvas
from repose.train.state import named_part
from tests.test_documents import check as check_command

HEIGHT, WIDTH = 64, 32

TINY = 160_000
"""The most weights of a network by the settings `tiny` of its declaration."""

Check = Callable[[ModelDeclaration, Path], None]


def build(model: ModelDeclaration | str) -> Generator:
    """The model's generator with the defaults of its config and the settings `tiny`; the same weights every time."""
    declaration = MODELS[model] if isinstance(model, str) else model
    torch.manual_seed(0)
    generator = declaration.load(declaration.generator)(tiny_recipe(declaration).network)
    assert isinstance(generator, Generator)
    return generator


def tiny_recipe(declaration: ModelDeclaration) -> Recipe:
    """A recipe of the model with the defaults of its configs and the settings `tiny`; it is in no registry."""
    network, objective = (
        declaration.load(declaration.network_config)(),
        declaration.load(declaration.objective_config)(),
    )
    return override(Recipe("tiny", declaration.name, network, objective), declaration.tiny)


def person(batch: int, seed: int, height: int = HEIGHT, width: int = WIDTH) -> Person:
    """A batch of noise with every field that any model may ask for; one joint is missing."""
    random = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=random)

    keypoints = torch.cat([uniform(batch, 18, 2) * torch.tensor([width - 1, height - 1]), torch.ones(batch, 18, 1)], 2)
    keypoints[:, 4] = 0
    part = torch.randint(25, (batch, 1, height, width), generator=random).float()
    return Person(
        image=uniform(batch, 3, height, width) * 2 - 1,
        keypoints=keypoints,
        parsing=torch.randint(20, (batch, height, width), generator=random),
        iuv=torch.cat([part, uniform(batch, 2, height, width)], dim=1),
        mask=uniform(batch, 1, height, width),
    )


def settle(model: Generator) -> Generator:
    """Running statistics as of one batch: without them a tiny network's eval is a constant picture."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(person(8, 10), person(8, 20))
    return model.eval()


class ImageOnly(nn.Module):
    """What an exporter sees: tensors in, one tensor out."""

    def __init__(self, model: Generator) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.model.synthesise(*inputs).image


# -- the generator --------------------------------------------------------------------------------------------------


def shape_and_range(declaration: ModelDeclaration, folder: Path) -> None:
    output = build(declaration).eval()(person(2, 1), person(2, 2))
    assert output.image.shape == (2, 3, HEIGHT, WIDTH)
    assert output.image.abs().max() <= 1
    assert all(isinstance(value, Tensor) for value in output.extra.values())


def every_parameter_gets_a_gradient(declaration: ModelDeclaration, folder: Path) -> None:
    model = build(declaration).train()
    output = model(person(2, 1), person(2, 2))
    seen = [output.image, *output.extra.values()]
    weights = [torch.randn(value.shape, generator=torch.Generator().manual_seed(7)) for value in seen]
    sum((value * weight).sum() for value, weight in zip(seen, weights, strict=True)).backward()  # type: ignore[union-attr]
    dead = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert not dead
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def save_and_load(declaration: ModelDeclaration, folder: Path) -> None:
    model = settle(build(declaration))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "weights.safetensors")
    torch.manual_seed(99)
    other = declaration.load(declaration.generator)(tiny_recipe(declaration).network).eval()
    source, target = person(2, 1), person(2, 2)
    with torch.no_grad():
        wanted = model(source, target).image
        assert not torch.equal(other(source, target).image, wanted)
        other.load_state_dict(load_file(folder / "weights.safetensors"))
        assert torch.equal(other(source, target).image, wanted)


def a_batch_does_not_mix(declaration: ModelDeclaration, folder: Path) -> None:
    model = settle(build(declaration))
    source, target = person(2, 1), person(2, 2)
    with torch.no_grad():
        both = model(source, target).image
        one = model(source[1:], target[1:]).image
    assert (both[0] - both[1]).abs().max() > 1e-4
    # another batch may take other kernels
    torch.testing.assert_close(one, both[1:], rtol=0, atol=declaration.tolerance)


def source_and_target_matter(declaration: ModelDeclaration, folder: Path) -> None:
    model = settle(build(declaration))
    with torch.no_grad():
        image = model(person(1, 1), person(1, 2)).image
        assert not torch.equal(image, model(person(1, 3), person(1, 2)).image)
        assert not torch.equal(image, model(person(1, 1), person(1, 3)).image)


def compiled(declaration: ModelDeclaration, folder: Path) -> None:
    """Captured whole and lowered. Inductor's own code is left out: its g++ takes up to a minute a model."""
    torch.compiler.reset()
    model = settle(build(declaration))
    inputs = model.encode(person(2, 1), person(2, 2))
    with torch.no_grad():
        eager = model.synthesise(*inputs).image
        lowered = torch.compile(model.synthesise, backend="aot_eager", fullgraph=True)(*inputs).image
    torch.testing.assert_close(lowered, eager, rtol=0, atol=1e-4)


def onnx(declaration: ModelDeclaration, folder: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = settle(build(declaration))
    file = folder / "model.onnx"
    inputs = model.encode(person(2, 1), person(2, 2))
    batch = torch.export.Dim("batch")
    with torch.no_grad():
        program = torch.onnx.export(
            ImageOnly(model).eval(),
            inputs,
            dynamo=True,
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            verbose=False,
        )
    assert program is not None
    program.save(file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for size in (2, 3):
        inputs = model.encode(person(size, 3), person(size, 4))
        feed = {node.name: tensor.numpy() for node, tensor in zip(session.get_inputs(), inputs, strict=True)}
        (image,) = session.run(None, feed)
        with torch.no_grad():
            wanted = model.synthesise(*inputs).image.numpy()
        np.testing.assert_allclose(image, wanted, rtol=0, atol=1e-4)


def missing_field(declaration: ModelDeclaration, folder: Path) -> None:
    model = build(declaration)
    people = {"source": person(1, 1), "target": person(1, 2)}
    for role in people:
        for field in getattr(model.needs, role):
            less = {**people, role: dataclasses.replace(people[role], **{field: None})}
            with pytest.raises(ValueError, match=rf"{role}\.{field}, which is missing"):
                model(less["source"], less["target"])


def wrong_canvas(declaration: ModelDeclaration, folder: Path) -> None:
    model = build(declaration)
    with pytest.raises(ValueError, match="must share a canvas"):
        model(person(1, 1), person(1, 2, 2 * HEIGHT, WIDTH))
    multiple = model.needs.multiple
    if multiple > 1:
        with pytest.raises(ValueError, match=rf"multiples of {multiple}, got {HEIGHT + 1}x{WIDTH}"):
            model(person(1, 1, HEIGHT + 1), person(1, 2, HEIGHT + 1))


def unbatched(declaration: ModelDeclaration, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"use source\.batch\(\)"):
        build(declaration)(person(1, 1)[0], person(1, 2)[0])


GENERATOR: tuple[Check, ...] = (
    shape_and_range, every_parameter_gets_a_gradient, save_and_load, a_batch_does_not_mix, source_and_target_matter,
    compiled, onnx, missing_field, wrong_canvas, unbatched,
)  # fmt: skip


# -- a recipe -------------------------------------------------------------------------------------------------------


def written_and_read(name: str) -> None:
    written = recipe(name)
    assert written.name == name
    assert recipe_from_dict(json.loads(json.dumps(to_dict(written)))) == written


def builds_and_fits_its_canvas(name: str) -> None:
    chosen = recipe(name)
    with torch.device("meta"):
        generator = build_generator(chosen)
    declaration = MODELS[chosen.model]
    assert type(generator) is declaration.load(declaration.generator)
    assert all(side % generator.needs.multiple == 0 for side in canvas(chosen.canvas).size)


def discriminators_see_the_pose_as_the_generator_does(name: str) -> None:
    chosen = recipe(name)
    for key in ("pose", "sigma"):
        if hasattr(chosen.network, key) and hasattr(chosen.objective, key):
            assert getattr(chosen.network, key) == getattr(chosen.objective, key)


def the_network_has_every_stage_of_the_run(name: str) -> None:
    chosen = recipe(name)
    with torch.device("meta"):
        generator = build_generator(chosen)
    objective = build_objective(chosen)
    for phases in course(objective, chosen.images):
        generator.set_stage(stage_of(phases))
        for part in [name for phase in phases for name in phase.trains]:
            assert list(named_part({"generator": generator, **objective.networks}, part).parameters())


def trains_without_features(name: str) -> None:
    """By the settings `without_features` no term needs a file of weights, and something is left to learn from."""
    chosen = recipe(name)
    words = MODELS[chosen.model].without_features
    objective = build_objective(override(chosen, words))
    assert not [module for module in objective.modules() if isinstance(module, Perceptual)]
    uses = [module for module in build_objective(chosen).modules() if isinstance(module, Perceptual)]
    assert all(word in module.advice for module in uses for word in words), "the error names the settings"
    assert course(objective, chosen.images)


def is_tiny(name: str) -> None:
    """By the settings `tiny` a network of any recipe has few weights, and takes the canvas of the matrix."""
    chosen = recipe(name)
    with torch.device("meta"):
        generator = build_generator(override(chosen, MODELS[chosen.model].tiny))
    assert sum(weight.numel() for weight in generator.parameters()) <= TINY
    assert HEIGHT % generator.needs.multiple == WIDTH % generator.needs.multiple == 0


RECIPE: tuple[Callable[[str], None], ...] = (
    written_and_read, builds_and_fits_its_canvas, discriminators_see_the_pose_as_the_generator_does,
    the_network_has_every_stage_of_the_run, trains_without_features, is_tiny,
)  # fmt: skip


# -- the declaration and its documents ------------------------------------------------------------------------------


def every_part_loads(declaration: ModelDeclaration, folder: Path) -> None:
    assert MODELS[declaration.name] is declaration
    assert issubclass(declaration.load(declaration.generator), Generator)
    assert issubclass(declaration.load(declaration.objective), Objective)
    for path in (declaration.network_config, declaration.objective_config):
        assert dataclasses.is_dataclass(declaration.load(path)())
    for name, path in declaration.recipes.items():
        assert RECIPES[name] == path
        assert declaration.load(path)().model == declaration.name
    if declaration.convert is not None:
        assert callable(declaration.load(declaration.convert))
        assert declaration.marks, "what cannot be recognised is not said to be convertible"


def a_small_recipe_is_smaller(declaration: ModelDeclaration, folder: Path) -> None:
    with torch.device("meta"):
        full, small = (
            sum(weight.numel() for weight in build_generator(recipe(name)).parameters())
            for name in (declaration.full, declaration.small)
        )
    assert small < 0.5 * full


def the_card_describes_it(declaration: ModelDeclaration, folder: Path) -> None:
    """CARD.md in the package names the main recipes, and under "Looking inside" every panel of `repose inspect`."""
    card = files(declaration.package).joinpath("CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# ")
    for name in declaration.main:
        assert f"`{name}`" in card
    _, mark, inside = card.partition("## Looking inside\n")
    assert mark
    with torch.inference_mode():
        panels = inspector(declaration.name)(settle(build(declaration)), person(1, 1), person(1, 2))
    assert not [panel.name for panel in panels if f"`{panel.name}`" not in inside]


def documents_know_it(declaration: ModelDeclaration, folder: Path) -> None:
    """The list of `repose models`, the commands of documents, and the table of papers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli.stdout, "width", 240)
        done = CliRunner().invoke(cli.app, ["models"])
    assert done.exit_code == 0, done.output
    for name in declaration.recipes:
        assert name in done.output.split()
        check_command(["train", name, "images=4"], "a document")
    assert set(declaration.main) <= set(main_recipes())
    (row,) = (line for line in document_table("papers", []).splitlines() if declaration.paper in line)
    assert declaration.title in row
    assert all(f"`{name}`" in row for name in declaration.main)


DECLARATION: tuple[Check, ...] = (every_part_loads, a_small_recipe_is_smaller, the_card_describes_it, documents_know_it)


# -- what happens inside, as pictures -------------------------------------------------------------------------------


def inspector_draws(declaration: ModelDeclaration, folder: Path) -> None:
    generator, draw = settle(build(declaration)), inspector(declaration.name)
    source, target = person(1, 1), person(1, 2)
    with torch.inference_mode():
        panels, again = draw(generator, source, target), draw(generator, source, target)
        needs = generator.needs
        bare = draw(generator, source.only(*needs.source), target.only(*needs.target))
    assert panels, "nothing is drawn"
    assert bare, "nothing is drawn of what the model needs alone"
    assert {panel.name for panel in bare} <= {panel.name for panel in panels}
    assert len({panel.name for panel in panels}) == len(panels)
    for panel, same in zip(panels, again, strict=True):
        assert np.array_equal(panel.image, same.image), f"{panel.name} is another one the second time"
        assert panel.caption.endswith("."), panel.caption
        assert len(panel.caption.split()) > 2, panel.caption
    assert len({panel.image.tobytes() for panel in panels}) == len(panels), "two panels are the same picture"


def panels_follow_the_input(declaration: ModelDeclaration, folder: Path) -> None:
    generator, draw = settle(build(declaration)), inspector(declaration.name)

    def named(panels: list[Panel]) -> dict[str, Any]:
        return {panel.name: panel.image for panel in panels}

    with torch.inference_mode():
        one, other = (
            named(draw(generator, person(1, 1), person(1, 2))),
            named(draw(generator, person(1, 3), person(1, 4))),
        )
    changed = [key for key in one.keys() & other.keys() if not np.array_equal(one[key], other[key])]
    assert len(changed) >= 0.5 * len(one), f"the same for other people: {sorted(one.keys() - set(changed))}"


def a_model_is_looked_into(declaration: ModelDeclaration, folder: Path) -> None:
    """`look_inside`, on the canvas of the small recipe: the result, then the panels of the model."""
    small = recipe(declaration.small)
    height, width = canvas(small.canvas).size
    model = Model(declaration.name, settle(build(declaration)), small)
    panels = look_inside(model, person(1, 1, height, width)[0], person(1, 2, height, width)[0])
    assert panels[0].name == "result"
    with torch.inference_mode():
        own = inspector(declaration.name)(model.generator, person(1, 1, height, width), person(1, 2, height, width))
    assert {panel.name for panel in own} <= {panel.name for panel in panels}


INSPECTION: tuple[Check, ...] = (inspector_draws, panels_follow_the_input, a_model_is_looked_into)


# -- a backend, the cost, a run -------------------------------------------------------------------------------------


def folding_changes_no_picture(name: str) -> list[str]:
    """Batch norms that are called `norm*` are folded, and the picture stays. Returns the names of those that remain."""
    chosen = recipe(name)
    torch.manual_seed(0)
    generator = build_generator(override(chosen, MODELS[chosen.model].tiny)).eval()
    inputs = generator.encode(*example(64, 64, batch=2))
    with torch.inference_mode():
        settle_norms(generator, inputs)
        wanted = generator.synthesise(*inputs).image
        fold_batch_norm(generator)
        image = generator.synthesise(*inputs).image
    assert wanted.std() > 1e-3
    torch.testing.assert_close(image, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max().clamp(min=1)))
    left = [key for key, module in generator.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert not [key for key in left if key.rpartition(".")[2].startswith("norm")]
    return left


def cost_is_counted(declaration: ModelDeclaration, folder: Path) -> None:
    """`repose bench cost --count`, and the rows that the main recipes get in the short table."""
    results = folder / "cost.jsonl"
    words = ["bench", "cost", *declaration.main, "--count", "--results", str(results)]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    lines = [json.loads(text) for text in results.read_text(encoding="utf-8").splitlines()]
    assert [line["recipe"] for line in lines] == list(declaration.main)
    for line in lines:
        assert line["parameters"]["generator"] > 0
        assert line["gmac"], line["why"]
        assert not line["training"]["lacks"]
    rows = document_table("cost-short", lines)
    assert all(f"| `{name}` |" in rows for name in declaration.main)


def a_run_leaves_weights_that_load(declaration: ModelDeclaration, store: Store, folder: Path) -> None:
    """`repose train` of the small recipe at tiny size on four images; `repose.load` takes the folder."""
    words = [*declaration.tiny, *declaration.without_features, "images=4", "tick=4", "data.batch=2", "canvas=market"]
    run = folder / "run"
    done = CliRunner().invoke(
        cli.app, ["train", declaration.small, *words, "-d", str(store.folder), "-o", str(run), "--accelerator", "cpu"]
    )
    assert done.exit_code == 0, done.output
    model = load_model(run, device="cpu")
    assert model.recipe.model == declaration.name
    picture = model(store.person([0]), store.person([1]))
    assert picture.shape[-2:] == canvas("market").size
    assert torch.isfinite(picture).all()
