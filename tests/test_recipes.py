"""A recipe goes to JSON and back, and a wrong word is answered with the right one."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from repose.models import MODELS, RECIPES, ModelDeclaration, read_recipe, recipe_from_dict
from repose.models import recipe as by_name
from repose.recipes import (
    DataConfig,
    OptimiserConfig,
    Recipe,
    RecipeError,
    ScheduleConfig,
    iterations,
    length_note,
    override,
    to_dict,
)


@dataclass(frozen=True)
class Net:
    width: int = 8
    rate: float = 0.5
    name: str = "a"
    deep: bool = False
    kind: Literal["x", "y"] = "x"
    limit: int | None = 7
    stages: tuple[int, ...] = (1, 2)
    size: tuple[int, int] = (4, 2)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    here = f"{__name__}:Net"
    declared = ModelDeclaration(
        __name__, "net", "net", "none", here, here, here, here, {"net": f"{__name__}:made"}, "net", "net"
    )
    monkeypatch.setitem(MODELS, "net", declared)
    return Recipe(name="made", model="net", network=Net(), objective=Net(width=3), data=DataConfig(batch=2))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_survives_json(name: str) -> None:
    given = by_name(name)
    assert given.name == name
    assert recipe_from_dict(json.loads(json.dumps(to_dict(given)))) == given


def test_round_trip_keeps_types(given: Recipe) -> None:
    back = recipe_from_dict(json.loads(json.dumps(to_dict(given))))
    assert back == given
    assert type(back.network) is Net
    assert isinstance(back.network.stages, tuple)
    assert isinstance(back.data, DataConfig)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("images=50_000", 50_000),
        ("seed=7", 7),
        ("generator_optimiser.lr=0", 0.0),
        ("canvas=fashion", "fashion"),
        ("precision=bf16-mixed", "bf16-mixed"),
        ("data.batch=8", 8),
        ("data.flip=mirror", "mirror"),
        ("data.both_directions=true", True),
        ("clip=1", 1.0),
        ("generator_optimiser.lr=1e-3", 1e-3),
        ("network.width=16", 16),
        ("network.rate=1", 1.0),
        ("network.name=12", "12"),
        ("network.name=a_b", "a_b"),
        ("network.name=x=y", "x=y"),
        ("network.deep=true", True),
        ("network.kind=y", "y"),
        ("network.limit=3", 3),
        ("network.limit=null", None),
        ("network.stages=[3,4,5]", (3, 4, 5)),
        ("network.size=[8,4]", (8, 4)),
        ("objective.width=4", 4),
    ],
)
def test_override(given: Recipe, word: str, value: Any) -> None:
    new = override(given, [word])
    path = word.partition("=")[0].split(".")
    setting: Any = new
    for key in path:
        setting = getattr(setting, key)
    assert setting == value
    assert type(setting) is type(value)
    assert _count_differences(given, new) == 1
    assert recipe_from_dict(to_dict(new)) == new


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("images", "not of the form key=value"),
        ("image=3", "did you mean 'images'"),
        ("data.btach=3", "data.btach.*did you mean 'batch'"),
        ("network.widht=3", "did you mean 'width'"),
        ("data=3", "is a group; set one of data.split, data.batch"),
        ("images.x=3", "'images' is a single value"),
        ("images=many", "images: a whole number is wanted, or in iterations, 500it, got 'many'"),
        ("images=2.5", "a whole number"),
        ("images=true", "a whole number"),
        ("network.deep=1", "true or false"),
        ("clip=true", "a number is wanted"),
        ("network.kind=z", "there are: x, y"),
        ("data.flip=miror", "did you mean 'mirror'"),
        ("network.limit=x", "network.limit: .* or null is wanted, got 'x'"),
        ("network.size=[1,2,3]", "a list of 2 .* is wanted, got"),
        ("network.stages=3", "a list of .* is wanted, got 3; such as"),
        ("canvas=fasion", r"^canvas: .*did you mean 'fashion'"),
        ("canvas=1", "^canvas: "),
        ("images=0", "^images: at least 1 is wanted, got 0"),
        ("ema=-5", "^ema: at least 0 images is wanted, got -5"),
        ("clip=-1", "^clip: .*at least 0 is wanted, got -1.0"),
        ("clip=NaN", "^clip: a finite number"),
        ("seed=-1", "^seed: from 0 to"),
        ("seed=9223372036854775808", "^seed: from 0 to"),
        ("tick=0", "^tick: at least 1 image is wanted, got 0"),
        ("data.batch=0", "^data.batch: at least 1 is wanted, got 0"),
        ("data.split=", "^data.split: the name of a split"),
        ("schedule.warmup=-5", "^schedule.warmup: at least 0"),
        ("schedule.hold=-1", "^schedule.hold: at least 0"),
        ("generator_optimiser.lr=-1e-4", "^generator_optimiser.lr: .*at least 0 is wanted, got -0.0001"),
        ("discriminator_optimiser.lr=Infinity", "^discriminator_optimiser.lr: a finite number"),
        ("generator_optimiser.beta1=1", "^generator_optimiser.beta1: from 0 to below 1 is wanted, got 1.0"),
        ("generator_optimiser.beta2=-0.1", "^generator_optimiser.beta2: from 0 to below 1"),
        ("generator_optimiser.eps=-1", "^generator_optimiser.eps"),
        ("generator_optimiser.weight_decay=-1", "^generator_optimiser.weight_decay"),
    ],
)
def test_a_wrong_word_is_named(given: Recipe, word: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        override(given, [word])


@pytest.mark.parametrize(
    ("name", "word", "said"),
    [
        ("multiscale-s", "objective.perceptual=none",
         "objective.perceptual: a number is wanted, got 'none'; such as objective.perceptual=0.5 (l1, gan, perceptual: "
         "lambda 1, 2, 3 of section 3.3.1; 0 leaves a term out (gan=0: no discriminator is built))"),
        ("hpn-s", "objective.weight_perceptual=none", "; 0 leaves them out)"),
        ("patn-s", "objective.perceptual=5", "'5' is not known; there are: vgg19, mobilenet_v2, none"),
        ("pinet-s", "objective.first=3", "there are: generator, discriminators"),
        ("pinet-s", "objective.perceptual_layers=3", "a list of words is wanted, got 3; such as"),
        ("multiscale-s", "objective.layers=3", "a list of words or null is wanted, got 3 (backbone, layers, rescale:"),
        ("garment-s", "network.labels=coat", "a list of words is wanted, got 'coat'; such as 'network.labels=["),
        ("patn-s", "images=none", "in iterations, 500it, got 'none'; such as images="),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_told_the_right_one(name: str, word: str, said: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(said)):
        override(by_name(name), [word])


def test_every_setting_of_every_model_says_what_it_wants() -> None:
    """A value of the wrong kind: the key, the kind in words, and an example or what the docstring says; no Python."""
    seen = 0
    for declaration in MODELS.values():
        whole = by_name(declaration.small)
        for group in ("network", "objective"):
            for one in fields(getattr(whole, group)):
                old = getattr(getattr(whole, group), one.name)
                if is_dataclass(old):
                    continue
                wrong = "5" if isinstance(old, str) else "no-such-value"
                with pytest.raises(RecipeError) as caught:
                    override(whole, [f"{group}.{one.name}={wrong}"])
                text = str(caught.value)
                assert text.startswith(f"{group}.{one.name}: ")
                assert re.search(r"there are: |did you mean|such as .*=| \(", text), text
                assert not re.search(r"<class|typing|NoneType|Literal|a value of kind", text), text
                seen += 1
    assert seen > 100


def test_wrong_json_is_named(given: Recipe) -> None:
    good = to_dict(given)
    for change, message in (
        ({"model": "nte"}, "recipe.model: 'nte' is not known; did you mean 'net'"),
        ({"model": ["net"]}, "recipe.model: .* is not known"),
        ({"imagse": 3}, "recipe.imagse.*did you mean 'images'"),
        ({"network": {"widht": 3}}, "recipe.network.widht.*did you mean 'width'"),
        ({"network": 3}, "recipe.network: a group of keys is wanted"),
        ({"images": "3"}, "recipe.images: a whole number is wanted"),
        ({"images": 0}, "recipe.images: at least 1"),
        ({"data": {"batch": -2}}, "recipe.data.batch: at least 1 is wanted, got -2"),
        ({"canvas": "markte"}, "recipe.canvas.*did you mean 'market'"),
    ):
        with pytest.raises(RecipeError, match=message):
            recipe_from_dict({**good, **change})
    with pytest.raises(RecipeError, match="name"):
        recipe_from_dict({key: value for key, value in good.items() if key != "name"})


@pytest.mark.parametrize("data", [[], [1], 3, None, "recipe"])
def test_json_that_is_no_recipe(data: Any) -> None:
    with pytest.raises(RecipeError, match="recipe: a group of keys is wanted"):
        recipe_from_dict(data)


def test_a_file_is_read_and_named_where_it_is_no_recipe(given: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(to_dict(replace(given, notes="ü"))), encoding="utf-8")
    assert read_recipe(path) == replace(given, notes="ü")
    for wrong, said in ((b'{"model": "to', "Unterminated"), (b"\xff", "decode"), (b'{"model": "nte"}', "mean 'net'")):
        path.write_bytes(wrong)
        with pytest.raises(RecipeError, match=f"own.json is not a recipe: .*{said}"):
            read_recipe(path)
    with pytest.raises(FileNotFoundError, match=r"none.json"):
        read_recipe(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DataConfig(batch=0), "batch: at least 1"),
        (lambda: DataConfig(flip="miror"), "flip: 'miror' is not known; did you mean 'mirror'"),  # type: ignore[arg-type]
        (lambda: ScheduleConfig(kind="cosin"), "kind: 'cosin' is not known; did you mean 'cosine'"),  # type: ignore[arg-type]
        (lambda: ScheduleConfig(warmup=-5), "warmup: at least 0"),
        (lambda: OptimiserConfig(lr=-1.0), "lr: a finite number of at least 0"),
    ],
)
def test_wrong_values_in_python_are_named(make: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make()


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="did you mean 'patn-s'"):
        by_name("pant-s")


def _count_differences(one: Any, other: Any) -> int:
    if is_dataclass(one):
        return sum(_count_differences(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return int(one != other)


def test_words_that_fit_each_other_only() -> None:
    """In every order: one by one the first of them would not fit the rest."""
    words = ["network.trained=1", "objective.shares=[1]", "objective.descriptors=[44]"]
    for order in itertools.permutations(words):
        given = override(by_name("hpn"), order)
        assert (given.network.trained, given.objective.shares, given.objective.descriptors) == (1, (1.0,), (44,))
    assert override(by_name("hpn"), ["data.batch=2", "data.batch=3"]).data.batch == 3
    with pytest.raises(RecipeError, match=r"objective\.shares\.x: 'shares' is a single value"):
        override(by_name("hpn"), ["objective.shares.x=1"])
    with pytest.raises(RecipeError, match=r"network\.width: 'network' was given a value"):
        override(by_name("hpn"), ["network=3", "network.width=2"])


def test_lengths_in_iterations() -> None:
    """PATN's 90K steps of 32 with another batch: kept where they are asked for, and told where they change."""
    text = by_name("patn-paper")
    assert (iterations(text), text.data.batch) == (90_000, 32)
    words = ["images=90_000it", "data.batch=7", "schedule.hold=60_000it", "tick=500it"]
    for order in itertools.permutations(words):
        kept = override(text, order)
        assert (kept.images, kept.schedule.hold, kept.tick) == (630_000, 420_000, 3_500)
        assert length_note(text, kept, order) is None
    assert override(text, ["images=5it", "images=64"]).images == 64
    assert override(text, ["data.both_directions=true", "images=5it"]).images == 320
    longer = override(text, ["data.batch=7"])
    assert longer.images == text.images
    note = length_note(text, longer, ["data.batch=7"])
    assert note is not None
    assert "the 2,880,000 images of patn-paper are 411,429 iterations in place of 90,000; images=90000it keeps" in note
    assert length_note(text, override(text, ["seed=3"]), ["seed=3"]) is None
    with pytest.raises(RecipeError, match=r"data\.batch: only lengths are given in iterations: images, ema, tick"):
        override(text, ["data.batch=7it"])
    with pytest.raises(RecipeError, match="images: a whole number is wanted, or in iterations, 500it, got '1__0it'"):
        override(text, ["images=1__0it"])
